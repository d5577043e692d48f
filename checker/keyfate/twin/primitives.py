"""The cryptography of the twin: every term function as one real construction over PyCA cryptography.

Each function maps byte strings to one byte string, deterministically, so that equal
terms are equal bytes (R7). A term used as a key goes through a labelled KDF first, so
no two constructions ever share a key. What is sent around carries a four-byte mark of
its format, as containers do; memory pages do not, they are told by their length.

Sources: NIST SP 800-108 (KDF in counter mode), SP 800-38D (GCM), SP 800-38E and IEEE
1619 (XTS), SP 800-38F and RFC 5649 (key wrap with padding), RFC 5869 (HKDF), RFC 7748
(X25519), RFC 8032 (Ed25519), FIPS 198-1 (HMAC), FIPS 180-4 (SHA-256).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac, keywrap
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode

from keyfate.language.typed import Function
from keyfate.twin.bytestrings import SECRET_BYTES, frame

Make = Callable[["str | None", Sequence[bytes]], bytes]
Open = Callable[[Sequence[bytes], bytes], "tuple[bytes, ...] | None"]


@dataclass(frozen=True)
class Primitives:
    """What the twin computes with. Both halves get one; tests and other hardware replace parts.

    The constructions take a label (or None) and the arguments in the order of
    `language.typed.Apply`. `openers` take the secrets of an opening (key; key and
    address for a page; none for a pair) and the byte string, and give what is inside,
    or None where the key is not the right one. `resembles` says, from format and length
    alone, whether a byte string may be the output of a function, or (None) a secret.
    """

    kdf: Make
    hash: Make
    mac: Make
    sign: Make
    enc: Make
    seal: Make
    wrap: Make
    page: Make
    aenc: Make
    pub: Make
    pair: Make
    open_enc: Open
    open_seal: Open
    open_wrap: Open
    open_page: Open
    open_aenc: Open
    open_pair: Open
    resembles: Callable[[Function | None, bytes], bool]

    def make(self, function: Function) -> Make:
        """The construction of a term function."""
        found: Make = getattr(self, function)
        return found

    def opener(self, function: Function) -> Open | None:
        """How outputs of `function` are opened; None where nothing opens them (R7)."""
        found: Open | None = getattr(self, f"open_{function}", None)
        return found


# The standard constructions underneath, in the shape of their test vectors.


def kbkdf(key: bytes, fixed: bytes, length: int) -> bytes:
    """SP 800-108 counter mode with HMAC-SHA-256, a 32-bit counter before `fixed`; `length` in bytes."""
    return KBKDFHMAC(
        algorithm=hashes.SHA256(),
        mode=Mode.CounterMode,
        length=length,
        rlen=4,
        llen=None,
        location=CounterLocation.BeforeFixed,
        label=None,
        context=None,
        fixed=fixed,
    ).derive(key)


def labelled_kdf(key: bytes, label: str, context: bytes, length: int = 32) -> bytes:
    """SP 800-108 with its usual fixed input: label, zero byte, context, length in bits."""
    return kbkdf(key, label.encode() + b"\x00" + context + (8 * length).to_bytes(4, "big"), length)


def sha256(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    code = hmac.HMAC(key, hashes.SHA256())
    code.update(data)
    return code.finalize()


def gcm_encrypt(key: bytes, nonce: bytes, plaintext: bytes, associated: bytes) -> bytes:
    return AESGCM(key).encrypt(nonce, plaintext, associated)


def gcm_decrypt(key: bytes, nonce: bytes, ciphertext: bytes, associated: bytes) -> bytes | None:
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, associated)
    except InvalidTag:
        return None


def xts_encrypt(key: bytes, tweak: bytes, plaintext: bytes) -> bytes:
    """AES-256-XTS of one data unit; `key` holds both halves (64 bytes), `tweak` 16 bytes."""
    encryptor = Cipher(algorithms.AES(key), modes.XTS(tweak)).encryptor()
    return encryptor.update(plaintext) + encryptor.finalize()


def xts_decrypt(key: bytes, tweak: bytes, ciphertext: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(key), modes.XTS(tweak)).decryptor()
    return decryptor.update(ciphertext) + decryptor.finalize()


def kwp_wrap(key: bytes, plaintext: bytes) -> bytes:
    return keywrap.aes_key_wrap_with_padding(key, plaintext)


def kwp_unwrap(key: bytes, wrapped: bytes) -> bytes | None:
    try:
        return keywrap.aes_key_unwrap_with_padding(key, wrapped)
    except keywrap.InvalidUnwrap:
        return None


def hkdf_sha256(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info).derive(secret)


def x25519(private: bytes, public: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))


def x25519_public(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def ed25519_sign(seed: bytes, message: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def ed25519_public(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


# Term functions.

_MARKS: dict[Function, bytes] = {
    "enc": b"KFe\x01",
    "seal": b"KFs\x01",
    "wrap": b"KFw\x01",
    "aenc": b"KFa\x01",
    "pub": b"KFk\x01",
    "pair": b"KFp\x01",
}
_LENGTHS: dict[Function | None, int] = {None: SECRET_BYTES, "kdf": 32, "hash": 32, "mac": 32, "sign": 64}
_LINE = 64  # bytes of a memory line: pages are a multiple of it
_PAGE = b"KEYFATE\x01"  # first bytes of a page's plaintext, its length behind them


def _use(key: bytes, purpose: str, length: int = 32) -> bytes:
    """The working key of one construction, from the term that stands for it."""
    return labelled_kdf(key, f"keyfate use {purpose}", b"", length)


def _inside(mark: bytes, data: bytes) -> bytes | None:
    return data[len(mark) :] if data.startswith(mark) else None


def _kdf(label: str | None, parts: Sequence[bytes]) -> bytes:
    context = frame(None, parts[1:]) if len(parts) > 1 else b""
    return labelled_kdf(parts[0], label or "", context)


def _hash(label: str | None, parts: Sequence[bytes]) -> bytes:
    return sha256(frame(label, parts))


def _mac(label: str | None, parts: Sequence[bytes]) -> bytes:
    return hmac_sha256(_use(parts[0], "mac"), frame(label, parts[1:]))


def _sign(label: str | None, parts: Sequence[bytes]) -> bytes:
    return ed25519_sign(_use(parts[0], "sign"), frame(label, parts[1:]))


def _pub(label: str | None, parts: Sequence[bytes]) -> bytes:
    (key,) = parts
    return _MARKS["pub"] + x25519_public(_use(key, "aenc")) + ed25519_public(_use(key, "sign"))


def _gcm_maker(function: Function) -> Make:
    mark = _MARKS[function]

    def make(label: str | None, parts: Sequence[bytes]) -> bytes:
        key, message = parts
        working = _use(key, function)
        # synthetic: the same key and plaintext are the same term, so they must be the same bytes
        nonce = labelled_kdf(working, "nonce", message, 12)
        return mark + nonce + gcm_encrypt(working, nonce, message, mark)

    return make


def _gcm_opener(function: Function) -> Open:
    mark = _MARKS[function]

    def opened(secrets: Sequence[bytes], data: bytes) -> tuple[bytes, ...] | None:
        (key,) = secrets
        body = _inside(mark, data)
        if body is None or len(body) < 12 + 16:
            return None
        message = gcm_decrypt(_use(key, function), body[:12], body[12:], mark)
        return None if message is None else (message,)

    return opened


def _wrap(label: str | None, parts: Sequence[bytes]) -> bytes:
    key, message = parts
    return _MARKS["wrap"] + kwp_wrap(_use(key, "wrap"), message)


def _open_wrap(secrets: Sequence[bytes], data: bytes) -> tuple[bytes, ...] | None:
    (key,) = secrets
    body = _inside(_MARKS["wrap"], data)
    message = None if body is None else kwp_unwrap(_use(key, "wrap"), body)
    return None if message is None else (message,)


def _tweak(address: bytes) -> bytes:
    return sha256(address)[:16]


def _page(label: str | None, parts: Sequence[bytes]) -> bytes:
    key, address, message = parts
    plain = _PAGE + len(message).to_bytes(8, "big") + message
    plain += bytes(-len(plain) % _LINE)
    return xts_encrypt(_use(key, "page", 64), _tweak(address), plain)


def _open_page(secrets: Sequence[bytes], data: bytes) -> tuple[bytes, ...] | None:
    key, address = secrets
    if not data or len(data) % _LINE:
        return None
    body = _inside(_PAGE, xts_decrypt(_use(key, "page", 64), _tweak(address), data))
    if body is None:
        return None
    length = int.from_bytes(body[:8], "big")
    return (body[8 : 8 + length],) if length <= len(body) - 8 else None


def _aenc_key(shared: bytes, ephemeral: bytes, recipient: bytes) -> bytes:
    return hkdf_sha256(shared, b"", b"keyfate aenc" + ephemeral + recipient, 32)


def _aenc(label: str | None, parts: Sequence[bytes]) -> bytes:
    public, message = parts
    recipient = public[4:36]
    ephemeral = labelled_kdf(sha256(message), "keyfate ephemeral", recipient)
    sent = x25519_public(ephemeral)
    key = _aenc_key(x25519(ephemeral, recipient), sent, recipient)
    # the key serves one message, so the nonce may stand still
    return _MARKS["aenc"] + sent + gcm_encrypt(key, bytes(12), message, sent)


def _open_aenc(secrets: Sequence[bytes], data: bytes) -> tuple[bytes, ...] | None:
    (term,) = secrets
    body = _inside(_MARKS["aenc"], data)
    if body is None or len(body) < 32 + 16:
        return None
    private, sent = _use(term, "aenc"), body[:32]
    key = _aenc_key(x25519(private, sent), sent, x25519_public(private))
    message = gcm_decrypt(key, bytes(12), body[32:], sent)
    return None if message is None else (message,)


def _pair(label: str | None, parts: Sequence[bytes]) -> bytes:
    left, right = parts
    return _MARKS["pair"] + len(left).to_bytes(4, "big") + left + right


def _open_pair(secrets: Sequence[bytes], data: bytes) -> tuple[bytes, ...] | None:
    body = _inside(_MARKS["pair"], data)
    if body is None or len(body) < 4:
        return None
    middle = 4 + int.from_bytes(body[:4], "big")
    return (body[4:middle], body[middle:]) if middle <= len(body) else None


def _resembles(function: Function | None, data: bytes) -> bool:
    if function == "page":
        return len(data) > 0 and len(data) % _LINE == 0
    length = _LENGTHS.get(function)
    if length is not None:
        return len(data) == length
    return function is not None and data.startswith(_MARKS[function])


PRIMITIVES = Primitives(
    kdf=_kdf,
    hash=_hash,
    mac=_mac,
    sign=_sign,
    enc=_gcm_maker("enc"),
    seal=_gcm_maker("seal"),
    wrap=_wrap,
    page=_page,
    aenc=_aenc,
    pub=_pub,
    pair=_pair,
    open_enc=_gcm_opener("enc"),
    open_seal=_gcm_opener("seal"),
    open_wrap=_open_wrap,
    open_page=_open_page,
    open_aenc=_open_aenc,
    open_pair=_open_pair,
    resembles=_resembles,
)


def remembering(primitives: Primitives) -> Primitives:
    """The same functions, each input computed once: they are deterministic, and a search asks again and again."""

    def made(make: Make) -> Make:
        outputs: dict[tuple[str | None, tuple[bytes, ...]], bytes] = {}

        def remembered(label: str | None, parts: Sequence[bytes]) -> bytes:
            key = label, tuple(parts)
            output = outputs.get(key)
            if output is None:
                output = outputs[key] = make(label, parts)
            return output

        return remembered

    def opened(opener: Open) -> Open:
        outputs: dict[tuple[tuple[bytes, ...], bytes], tuple[bytes, ...] | None] = {}

        def remembered(secrets: Sequence[bytes], data: bytes) -> tuple[bytes, ...] | None:
            key = tuple(secrets), data
            if key not in outputs:
                outputs[key] = opener(secrets, data)
            return outputs[key]

        return remembered

    return replace(
        primitives,
        kdf=made(primitives.kdf),
        hash=made(primitives.hash),
        mac=made(primitives.mac),
        sign=made(primitives.sign),
        enc=made(primitives.enc),
        seal=made(primitives.seal),
        wrap=made(primitives.wrap),
        page=made(primitives.page),
        aenc=made(primitives.aenc),
        pub=made(primitives.pub),
        pair=made(primitives.pair),
        open_enc=opened(primitives.open_enc),
        open_seal=opened(primitives.open_seal),
        open_wrap=opened(primitives.open_wrap),
        open_page=opened(primitives.open_page),
        open_aenc=opened(primitives.open_aenc),
        open_pair=opened(primitives.open_pair),
    )
