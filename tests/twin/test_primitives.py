"""The cryptography of the twin: NIST's and the RFCs' own vectors below, what terms rest on above."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import cryptography_vectors
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyfate.language.typed import Function
from keyfate.twin import primitives as crypto
from keyfate.twin.primitives import PRIMITIVES

VECTORS = Path(cryptography_vectors.__file__).parent
KEYS = st.binary(min_size=1, max_size=80)
MESSAGES = st.binary(min_size=1, max_size=200)
WITH_KEY: tuple[Function, ...] = ("enc", "seal", "wrap")


def records(file: str, after: str = "", until: str = "\0") -> Iterator[dict[str, str]]:
    """The `name = value` blocks of a vector file, of the part between two marks."""
    text = (VECTORS / file).read_text(encoding="utf-8")
    text = text.partition(after)[2] if after else text
    for block in re.split(r"\n\s*\n", text.partition(until)[0]):
        found = dict(re.findall(r"^\s*([\w ]+?)\s*=[ \t]*(.*?)\s*$", block, re.MULTILINE))
        if found:
            yield found


def test_kdf_vectors() -> None:  # NIST CAVS, SP 800-108
    part = "[PRF=HMAC_SHA256]\n[CTRLOCATION=BEFORE_FIXED]\n[RLEN=32_BITS]"
    checked = 0
    for case in records("KDF/nist-800-108-KBKDF-CTR.txt", part, "[PRF="):
        fixed, wanted = bytes.fromhex(case["FixedInputData"]), bytes.fromhex(case["KO"])
        assert crypto.kbkdf(bytes.fromhex(case["KI"]), fixed, int(case["L"]) // 8) == wanted
        checked += 1
    assert checked == 40


def test_gcm_vectors() -> None:  # NIST CAVS, SP 800-38D
    checked = 0
    part = "[IVlen = 96]"
    for case in records("ciphers/AES/GCM/gcmEncryptExtIV256.rsp", part, "[Keylen"):
        if "Key" not in case or len(case["Tag"]) != 32:
            continue
        key, nonce, plain, extra = (bytes.fromhex(case[name]) for name in ("Key", "IV", "PT", "AAD"))
        sealed = bytes.fromhex(case["CT"] + case["Tag"])
        assert crypto.gcm_encrypt(key, nonce, plain, extra) == sealed
        assert crypto.gcm_decrypt(key, nonce, sealed, extra) == plain
        checked += 1
    assert checked >= 15


def test_gcm_refusals() -> None:  # NIST CAVS: messages that are none
    refused = 0
    for case in records("ciphers/AES/GCM/gcmDecrypt256.rsp", "[IVlen = 96]", "[IVlen = 8]"):
        if "Key" not in case or len(case["Tag"]) != 32:
            continue
        key, nonce, extra = (bytes.fromhex(case[name]) for name in ("Key", "IV", "AAD"))
        opened = crypto.gcm_decrypt(key, nonce, bytes.fromhex(case["CT"] + case["Tag"]), extra)
        assert opened == (bytes.fromhex(case["PT"]) if "PT" in case else None)
        refused += opened is None
    assert refused > 5


def test_xts_vectors() -> None:  # NIST CAVS, SP 800-38E
    checked = 0
    for case in records("ciphers/AES/XTS/tweak-128hexstr/XTSGenAES256.rsp", "[ENCRYPT]", "[DECRYPT]"):
        if int(case["DataUnitLen"]) % 8:
            continue  # XTS of whole bytes only
        key, tweak, plain, cipher = (bytes.fromhex(case[name]) for name in ("Key", "i", "PT", "CT"))
        assert crypto.xts_encrypt(key, tweak, plain) == cipher
        assert crypto.xts_decrypt(key, tweak, cipher) == plain
        checked += 1
    assert checked > 100


def test_key_wrap_vectors() -> None:  # NIST CAVS, SP 800-38F, KWP
    checked = 0
    for case in records("keywrap/kwtestvectors/KWP_AE_256.txt"):
        if "K" in case:
            key, plain, wrapped = (bytes.fromhex(case[name]) for name in ("K", "P", "C"))
            assert crypto.kwp_wrap(key, plain) == wrapped
            assert crypto.kwp_unwrap(key, wrapped) == plain
            checked += 1
    assert checked > 100


def test_key_wrap_refusals() -> None:
    refused = 0
    for case in records("keywrap/kwtestvectors/KWP_AD_256.txt"):
        if "K" in case:
            opened = crypto.kwp_unwrap(bytes.fromhex(case["K"]), bytes.fromhex(case["C"]))
            assert opened == (bytes.fromhex(case["P"]) if "P" in case else None)
            refused += opened is None
    assert refused > 10


def test_hkdf_vectors() -> None:  # RFC 5869, appendix A
    text = (VECTORS / "KDF/rfc-5869-HKDF-SHA256.txt").read_text(encoding="utf-8")
    cases = [dict(re.findall(r"^(\w+) *= *(\w*)", part, re.MULTILINE)) for part in text.split("COUNT = ")[1:]]
    assert len(cases) == 3
    for case in cases:
        secret, salt, info = (bytes.fromhex(case[name]) for name in ("IKM", "salt", "info"))
        assert crypto.hkdf_sha256(secret, salt, info, int(case["L"])).hex() == case["OKM"]


def test_hmac_vectors() -> None:  # RFC 4231
    wanted = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    assert crypto.hmac_sha256(b"\x0b" * 20, b"Hi There").hex() == wanted


def test_sha256_vectors() -> None:  # NIST CAVS, FIPS 180-4
    cases = [case for case in records("hashes/SHA2/SHA256ShortMsg.rsp") if case.get("Len", "0") != "0"]
    assert len(cases) > 50
    for case in cases:
        assert crypto.sha256(bytes.fromhex(case["Msg"])).hex() == case["MD"]


def test_ed25519_vectors() -> None:  # RFC 8032's authors
    lines = (VECTORS / "asymmetric/Ed25519/sign.input").read_text(encoding="ascii").splitlines()
    for line in lines[:200]:
        secret, public, message, signed, _ = line.split(":")
        seed = bytes.fromhex(secret)[:32]
        assert crypto.ed25519_public(seed).hex() == public
        assert crypto.ed25519_sign(seed, bytes.fromhex(message)).hex() + message == signed


def test_x25519_vectors() -> None:  # RFC 7748, section 5.2
    cases = [case for case in records("asymmetric/X25519/rfc7748.txt") if case.get("COUNT") in ("1", "2")]
    assert len(cases) == 2
    for case in cases:
        shared = crypto.x25519(bytes.fromhex(case["INPUT_SCALAR"]), bytes.fromhex(case["INPUT_U"]))
        assert shared.hex() == case["OUTPUT_U"]


@pytest.mark.parametrize("function", WITH_KEY)
@given(key=KEYS, other=KEYS, message=MESSAGES)
def test_what_a_key_closed_only_that_key_opens(function: Function, key: bytes, other: bytes, message: bytes) -> None:
    opener = PRIMITIVES.opener(function)
    assert opener is not None
    closed = PRIMITIVES.make(function)(None, [key, message])
    assert opener([key], closed) == (message,)
    assert closed == PRIMITIVES.make(function)(None, [key, message])  # one term is one byte string
    assert other == key or opener([other], closed) is None
    assert PRIMITIVES.resembles(function, closed)


@given(key=KEYS, other=KEYS, address=KEYS, elsewhere=KEYS, message=MESSAGES)
def test_pages(key: bytes, other: bytes, address: bytes, elsewhere: bytes, message: bytes) -> None:
    closed = PRIMITIVES.page(None, [key, address, message])
    assert PRIMITIVES.open_page([key, address], closed) == (message,)
    assert other == key or PRIMITIVES.open_page([other, address], closed) is None
    assert elsewhere == address or PRIMITIVES.open_page([key, elsewhere], closed) is None
    assert PRIMITIVES.resembles("page", closed)


@given(key=KEYS, other=KEYS, message=MESSAGES)
def test_public_key_encryption(key: bytes, other: bytes, message: bytes) -> None:
    public = PRIMITIVES.pub(None, [key])
    closed = PRIMITIVES.aenc(None, [public, message])
    assert PRIMITIVES.open_aenc([key], closed) == (message,)
    assert PRIMITIVES.aenc(None, [public, message]) == closed
    assert other == key or PRIMITIVES.open_aenc([other], closed) is None
    assert PRIMITIVES.open_aenc([public], closed) is None


@given(left=st.binary(max_size=50), right=st.binary(max_size=50))
def test_pairs(left: bytes, right: bytes) -> None:
    assert PRIMITIVES.open_pair([], PRIMITIVES.pair(None, [left, right])) == (left, right)


@given(data=st.binary(max_size=100), key=KEYS)
def test_nothing_opens_what_is_none(data: bytes, key: bytes) -> None:
    for function in WITH_KEY:
        opener = PRIMITIVES.opener(function)
        assert opener is not None
        for marked in (data, PRIMITIVES.make(function)(None, [key, b"x"])[:4] + data):
            assert opener([key], marked) is None
    assert PRIMITIVES.open_aenc([key], b"KFa\x01" + data) is None
    assert PRIMITIVES.open_page([key, b"address"], data) is None


INPUTS = st.tuples(st.none() | st.sampled_from(["", "a", "b", "ab"]), st.lists(KEYS, min_size=1, max_size=3))
MAKERS: tuple[Function, ...] = ("hash", "mac", "sign", "kdf")


@pytest.mark.parametrize("function", MAKERS)
@given(one=INPUTS, two=INPUTS)
def test_other_inputs_give_other_bytes(
    function: Function, one: tuple[str | None, list[bytes]], two: tuple[str | None, list[bytes]]
) -> None:
    make = PRIMITIVES.make(function)
    if function == "kdf":  # a kdf has a label; HMAC itself pads short keys with zeros, so terms as keys are not short
        one, two = ((label or "", [part.ljust(64, b"\1")[:64] for part in parts]) for label, parts in (one, two))
    if function in ("mac", "sign"):
        one, two = ((label, [part.ljust(64, b"\1")[:64] for part in parts]) for label, parts in (one, two))
    assert (make(*one) == make(*two)) == (one == two)


def test_one_key_serves_no_two_constructions() -> None:
    key, message = b"k" * 32, b"m" * 32
    made = {function: PRIMITIVES.make(function)(None, [key, message]) for function in WITH_KEY}
    for function, data in made.items():
        for other in WITH_KEY:
            opener = PRIMITIVES.opener(other)
            assert opener is not None
            forged = made[other][:4] + data[4:]  # even with the other's mark
            assert other == function or opener([key], forged) is None


def test_remembering_changes_no_byte() -> None:
    remembering = crypto.remembering(PRIMITIVES)
    for _ in range(2):
        assert remembering.kdf("l", [b"a", b"b"]) == PRIMITIVES.kdf("l", [b"a", b"b"])
        closed = remembering.enc(None, [b"k", b"m"])
        assert remembering.open_enc([b"k"], closed) == (b"m",)
        assert remembering.open_enc([b"x"], closed) is None
