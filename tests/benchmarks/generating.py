"""Writes benchmark lifecycles of any size: platforms that derive the keys of domains from a seed.

    python tests/benchmarks/generating.py PLATFORMS DOMAINS IMAGES --folder FOLDER

Writes `generated.kf` there and two policies over it: under `guarded` its properties hold, under `unguarded` each is
broken.
"""

from __future__ import annotations

import argparse
from pathlib import Path

BROKEN = ("confidentiality", "sanitization")
"""What holds under `guarded` and is broken under `unguarded`."""


def lifecycle(platforms: int, domains: int, images: int) -> str:
    """The text of one. Raises ValueError for a number below 1."""
    if min(platforms, domains, images) < 1:
        raise ValueError("a lifecycle needs a platform, a domain and an image")
    members = {
        kind: " | ".join(f"{kind}_{number}" for number in range(1, count + 1))
        for kind, count in (("platform", platforms), ("domain", domains), ("image", images))
    }
    return (
        _LIFECYCLE.replace("PLATFORMS", members["platform"])
        .replace("DOMAINS", members["domain"])
        .replace("IMAGES", members["image"])
    )


def policy(guarded: bool) -> str:
    """A policy over `generated.kf`, with every safeguard or with none; its attacker has every capability but one."""
    word = "true" if guarded else "false"
    names = ("sealed_seed", "checked_targets", "verified_erasure", "masked")
    controls = "".join(f"{name} = {word}\n" for name in names)
    title = "every safeguard" if guarded else "no safeguard"
    return f"""title = "generated: {title}"
lifecycle = "generated.kf"

[controls]
{controls}
[attacker]
capabilities = ["read_host", "buy_host", "stand_between", "measure_power"]
"""


def write(folder: Path, platforms: int, domains: int, images: int) -> tuple[Path, Path]:
    """The two policies, guarded first; their lifecycle lies beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "generated.kf").write_text(lifecycle(platforms, domains, images), encoding="utf-8")
    paths = []
    for name, guarded in (("guarded", True), ("unguarded", False)):
        path = folder / f"{name}.policy.toml"
        path.write_text(policy(guarded), encoding="utf-8")
        paths.append(path)
    return paths[0], paths[1]


_LIFECYCLE = """\
-- Written by tests/benchmarks/generating.py. It is about no product.

lifecycle generated "generated: keys of domains, derived from a platform's seed"
  source "written for the benchmark" status assumed

sort Platform = PLATFORMS
sort Domain   = DOMAINS
sort Image    = IMAGES

control sealed_seed      : bool "the seed rests in a sealed element, not in flash"
control checked_targets  : bool "a seed is released only to a platform that is attested"
control verified_erasure : bool "a platform goes only when its seeds are erased"
control masked           : bool "the derivation does not depend on its input"

capability read_host "reads disks, flash and network"
  cost 1
capability buy_host "reads what a disposed platform still holds"
  cost 2
capability stand_between "offers a target of its own"
  cost 3
capability measure_power "reads the input of a derivation"
  cost 6
capability open_element "reads a sealed element"
  cost 8

component package inside  "the processor"
component element inside  "what keeps a sealed seed"
component host    outside "everything around them"

secret seed[Platform], receiving_key[Platform], memory[Domain], stranger_key
public measurement[Image], identity[Domain]

key image_seed[r: Platform, i: Image] = kdf("image-seed", seed[r], measurement[i])
key domain_key[r: Platform, i: Image, d: Domain] = kdf("domain-key", image_seed[r, i], identity[d])
def saved[r: Platform, i: Image, d: Domain] = enc(domain_key[r, i, d], memory[d])
def sent[r: Platform, i: Image, q: Platform] = aenc(pub(receiving_key[q]), image_seed[r, i])
def strayed[r: Platform, i: Image] = aenc(pub(stranger_key), image_seed[r, i])

place store[Platform]        persistent at element "its seed, and the seeds that it received"
place receiving[p: Platform] persistent at element starts with receiving_key[p]
place live[Platform, Domain] volatile   at package "the domain's key"
place core[Platform, Domain] volatile   at package "the domain's memory in the clear"
place disk[Platform]         persistent at host
place network                persistent at host
place notes                  persistent at host starts with stranger_key "what the attacker brings along"

state power[Platform]             : off | on | disposed = off
state running[Platform, Domain]   : bool = false
state rooted_in[Platform, Domain] : Platform or none = none
state image[Domain]               : Image or none = none

exposes disk[p: Platform]  to read_host
exposes network            to read_host
exposes network            to stand_between
exposes notes              to stand_between
exposes store[p: Platform] to read_host     when not sealed_seed
exposes store[p: Platform] to buy_host      when power[p] = disposed
exposes store[p: Platform] to open_element  when sealed_seed

action provision[p: Platform] "the platform draws its seed" by element
  when power[p] = off and not once did provision[p]
  then store[p] gains seed[p]

action boot[p: Platform] by host when power[p] = off then power[p] := on

action shut_down[p: Platform] by host power event
  when power[p] = on
  then power[p] := off;
       for d: Domain {
         running[p, d] := false;
         rooted_in[p, d] := none;
         clear live[p, d];
         clear core[p, d]
       }

action dispose[p: Platform, erased: bool] by host
  when power[p] = off and (verified_erasure implies erased)
  then power[p] := disposed;
       if erased { clear store[p]; clear receiving[p] }

action launch[d: Domain, i: Image, p: Platform] "the domain's first start; it brings its memory" by package
  when power[p] = on and image[d] = none
  then running[p, d] := true;
       rooted_in[p, d] := p;
       image[d] := i;
       live[p, d] becomes {domain_key[p, i, d]} using store[p];
       core[p, d] gains memory[d];
       if not masked { leaks seed[p] using store[p] to measure_power }

action save[d: Domain, p: Platform] by package
  when running[p, d]
  then disk[p] gains saved[rooted_in[p, d], image[d], d] using live[p, d], core[p, d]

action restore[d: Domain, r: Platform, p: Platform] by package
  when power[p] = on and not running[p, d] and (disk[p] has saved[r, image[d], d] or network has saved[r, image[d], d])
  then running[p, d] := true;
       rooted_in[p, d] := r;
       live[p, d] becomes {domain_key[r, image[d], d]} using store[p];
       core[p, d] gains memory[d] using store[p], disk[p], network

action offer_target[q: Platform] "its key, for whoever sends it a seed" by package
  when power[q] = on
  then network gains pub(receiving_key[q]) using receiving[q]

action migrate[d: Domain, p: Platform, q: Platform]
  "the domain's memory and its seed leave for another platform" by package
  when running[p, d] and p != q and network has pub(receiving_key[q])
  then network gains saved[rooted_in[p, d], image[d], d] using live[p, d], core[p, d];
       network gains sent[rooted_in[p, d], image[d], q] using store[p], network;
       running[p, d] := false;
       rooted_in[p, d] := none;
       clear live[p, d];
       clear core[p, d]

action release[d: Domain, p: Platform] "the seed is sent to whoever offered a key" by package
  when running[p, d] and not checked_targets and network has pub(stranger_key)
  then network gains strayed[rooted_in[p, d], image[d]] using store[p], network

action import_seed[r: Platform, i: Image, q: Platform] by package
  when power[q] = on
  then store[q] gains image_seed[r, i] using network, receiving[q]

action pose_as_target by attacker needs stand_between then network gains pub(stranger_key)

def used[d: Domain] = image[d] != none
def disposed_everywhere = all p: Platform { power[p] = disposed }

check confidentiality(memory)
check sanitization(memory, disposed_everywhere)
check disposable(memory, used, disposed_everywhere)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="write a benchmark lifecycle and two policies")
    for name in ("platforms", "domains", "images"):
        parser.add_argument(name, type=int)
    parser.add_argument("--folder", type=Path, default=Path())
    options = parser.parse_args()
    try:
        write(options.folder, options.platforms, options.domains, options.images)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
