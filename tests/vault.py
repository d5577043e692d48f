"""A small lifecycle with every kind of verdict, and policies over it; what suites of the upper rooms share."""

from __future__ import annotations

from pathlib import Path

LIFECYCLE = """\
lifecycle vault "A vault that can be switched off" source "a test" status documented

sort Shelf = left | right
sort Count = 0 .. 2

control root : flash | tpm "where the root key rests"
  value flash "on the disk" value tpm "in the TPM"
control saving : bool "whether shelves are saved when power goes"
control sealed[Shelf] : bool "whether a shelf is locked"
control wipe : bool "whether disposal wipes the TPM"
constraint not (wipe and root = flash) "flash cannot be wiped"

capability steal "reads the disk of a vault that is off" cwe 311
capability open_tpm "reads the TPM" ref "a paper" cost 8
capability peek[Shelf] "looks at a shelf that is not locked"

component chip inside "the chip"
component host outside

secret seed "the root", item[Shelf] "what is kept"
public name[Shelf]
key box[s: Shelf] = kdf("box", seed, name[s]) "locks a saved shelf"

place store persistent at chip starts with seed "keeps the root"
place shelf[Shelf] volatile at chip "in use"
place disk[Shelf] persistent at host "saved"

state power : on | off | gone = off
state uses : Count = 0

exposes disk[s: Shelf] to steal when power != on
exposes store to steal when root = flash and power != on
exposes store to open_tpm when root = tpm
exposes shelf[s: Shelf] to peek[s] when not sealed[s]

action start "power comes" by chip when power = off
  then power := on; uses := uses + 1; for s: Shelf { shelf[s] gains item[s] }
action stop "power goes" by chip power event when power = on
  then power := off;
       for s: Shelf { if saving { disk[s] gains enc(box[s], item[s]) using store, shelf[s] }; clear shelf[s] }
       source "a letter" status claimed
action dispose "thrown away" by host when power = off
  then power := gone; if wipe { clear store }
action audit "asks for what cannot be" by host when power = on and power = off then power := gone

property secrecy "Nobody learns an item" severity critical
  holds "items stay secret" broken "an item is read"
  for s: Shelf never attacker knows item[s]
property gone_is_gone "Once thrown away, nothing yields an item" severity high
  holds "nothing is left" broken "an item can be recovered"
  for s: Shelf when power = gone never item[s] recoverable
property off_is_empty "No shelf holds an item while off" holds "shelves are cleared" broken "an item is left"
  for s: Shelf when power = off never shelf[s] has item[s]
property audited "An audit finds it off" when did audit never power = on
property restores "A shelf can be saved" holds "it can" broken "it cannot"
  for s: Shelf possible disk[s] has enc(box[s], item[s])
"""

SAFE = """\
title = "locked and in the TPM"
lifecycle = "vault.kf"

[controls]
root = "tpm"
saving = true
sealed = true
wipe = true

[attacker]
capabilities = ["steal", "peek"]

[require]
restores = "POSSIBLE"

[not_required]
gone_is_gone = "the disk is shredded"
"""

FLASH = """\
title = "in flash"
extends = "safe.policy.toml"

[controls]
root = "flash"
wipe = false
"""


def furnish(folder: Path) -> Path:
    """The lifecycle and both policies in `folder`."""
    (folder / "vault.kf").write_text(LIFECYCLE, encoding="utf-8")
    (folder / "safe.policy.toml").write_text(SAFE, encoding="utf-8")
    (folder / "flash.policy.toml").write_text(FLASH, encoding="utf-8")
    return folder
