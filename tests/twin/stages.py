"""Lifecycles that the twin's tests run, and problems and traces over them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from keyfate.language.loading import load_text
from keyfate.language.typed import Lifecycle, Property, Value
from keyfate.lifecycle.instances import action_instances, capability_names, control_names
from keyfate.lifecycle.problem import Problem, Reach, Settings, Trace

VAULT = """
lifecycle vault "keys derived from a seed that outlives them" status assumed
sort Platform = alpha | beta
sort TD       = agent | neighbour
control persistence : off | on
control seed_root : flash | tpm
control binds_identity : bool
capability steal_disk "reads what is at rest"
capability open_tpm "reads what a TPM holds"
component package inside
component host outside
secret platform_seed[Platform], memory[TD]
public measurement, identity[TD], nobody
key td_seed[p: Platform] = kdf("td-seed", platform_seed[p], measurement)
key td_key[p: Platform, t: TD] = kdf("td-key", td_seed[p], if binds_identity then identity[t] else nobody)
message Blob = enc(td_key[p, t], memory[t]) for p: Platform, t: TD
place seed_store[Platform] persistent at package
place key_table[Platform] volatile at package
place dram[Platform] volatile at host
place disk[Platform] persistent at host
state power[Platform] : off | on = off
state td[TD] : absent | running | saved = absent
state home[TD] : Platform or none = none
exposes disk[p: Platform] to steal_disk when power[p] != on
exposes seed_store[p: Platform] to steal_disk when seed_root = flash
exposes seed_store[p: Platform] to open_tpm when seed_root = tpm
action provision[p: Platform] by package when power[p] = off and not seed_store[p] has platform_seed[p]
  then seed_store[p] gains platform_seed[p]
action boot[p: Platform] by host when power[p] = off then power[p] := on
action reset[p: Platform] by host power event when power[p] = on
  then power[p] := off; clear key_table[p]; clear dram[p];
       for t: TD where home[t] = p and td[t] = running { td[t] := absent; home[t] := none }
action launch[t: TD, p: Platform] by package when power[p] = on and td[t] = absent
  then td[t] := running; home[t] := p; key_table[p] gains td_key[p, t] using seed_store[p]; dram[p] gains memory[t]
action save[t: TD, p: Platform] by package
  when persistence = on and td[t] = running and home[t] = p
  then td[t] := saved; disk[p] gains enc(td_key[p, t], memory[t]) using key_table[p], dram[p];
       key_table[p] loses td_key[p, t]; dram[p] loses memory[t]
action restore[t: TD, p: Platform] by package
  when td[t] = saved and power[p] = on and (disk[p], seed_store[p]) yields memory[t]
  then td[t] := running; home[t] := p; dram[p] gains memory[t] using disk[p], seed_store[p]
action inject[b: Blob, p: Platform] by attacker needs steal_disk when power[p] = off then disk[p] gains b
property confidential for t: TD never attacker knows memory[t]
property gone for t: TD when td[t] = absent and once td[t] = saved never memory[t] recoverable
property never_both always all t: TD { td[t] = running implies home[t] != none }
property survives for t: TD possible td[t] = running and once did reset
"""

EVERYTHING = """
lifecycle everything "every construct that means something" status assumed
sort P = a | b
sort E = 0 .. 2
control c : bool
control d : x | y | z
control f[P] : bool
constraint c or d = x or f[a]
capability see "sees"
capability tap[P] "taps"
component cpu inside
component host outside
secret s[P], root, m
public pub0[P], pub1
key k[p: P] = kdf("k", root, pub0[p])
key j[p: P, n: E] = if c then k[p] else hash("j", s[p], pub1)
key pk[p: P] = pub(s[p])
message Blob = wrap(k[p], m) for p: P
message Note = sign(s[p], pub1) for p: P
place q[p: P] volatile at cpu starts with s[p]
place r persistent at host starts with if d = z then m else pub1
place bag[P] persistent at host
state st[P] : u | v = u
state who : P or none = any
state e : E = 0
state hot : bool = c
exposes bag[p: P] to see when st[p] = v or previously hot
exposes q[p: P] to tap[p] and see when once did fill
action fill[p: P] by cpu when not q[p] has k[p] then r gains root; st[p] := v
action make[p: P] by cpu when r has root then q[p] gains k[p] using r, q[p]; q[p] gains pub1
action derive[p: P] by cpu when r yields k[p] then q[p] gains j[p, e] using r, q[p]; hot := not hot
action lock[p: P] by cpu when q[p] has k[p] or (q, r) yields k[p]
  then bag[p] becomes {wrap(k[p], m), pair(pub1, sign(s[p], pub1, pub0[p]))} ideal; e := e + 1
action mail[p: P] by host when who = p and e + 1 > 1
  then bag[p] gains aenc(pk[p], pair(m, mac("t", s[p], pub1))) ideal; leaks pub(s[who]) using q to tap[p]
action seal_it by host when since_fill then r gains seal(root, page(k[a], pub1, m)) ideal
def since_fill = hot since did fill[a]
action move[p: P] by host when who != none
  then if historically e = 0 { bag[p] becomes r } else { r gains all of bag[p] }; who := if c then p else none
action wipe[p: P] by host power event then clear q[p]; st[p] := u; for x: P where x != p and f[x] { st[x] := u }
action drop by host when all p: P { st[p] = v } or some p: P where f[p] { once did wipe[p] }
  then r loses m; r loses root
action aim by host then who := a
action strike[g: Blob, p: P] by attacker needs see when attacker knows m then bag[p] gains g
action tell[g: Note] by attacker needs tap[a] then r gains g; who := b
property secrecy never attacker knows m
property left for p: P when st[p] = u and once st[p] = v never s[p] recoverable except (q)
property from_r never m recoverable from (r, bag)
property low always e < 2
property reach possible e = 2 and hot
"""

CROWD = """
lifecycle crowd "more secrets than can be combined" status assumed
sort S = 0 .. 99
component cpu inside
capability look "looks"
secret s[S], m
place shelf[S] persistent at cpu
place vault persistent at cpu
exposes shelf[i: S] to look
exposes vault to look
action show by cpu then for i: S { shelf[i] gains s[i] }
action keep by cpu then vault gains enc(hash(s[0], s[0], s[0], s[0]), m) ideal
property secrecy never attacker knows m
"""


@cache
def lifecycle(text: str) -> Lifecycle:
    return load_text(text).lifecycle


def rule(of: Lifecycle, name: str) -> Property:
    return next(declared for declared in of.properties if declared.name == name)


def problem(of: Lifecycle, name: str, settings: Settings | None = None) -> Problem:
    declared = rule(of, name)
    target = Reach(declared.binders, declared.target)
    return Problem(of, settings or Settings(), target, honest=declared.kind == "possible")


def trace(of: Lifecycle, controls: Mapping[str, Value], on: tuple[str, ...], *actions: str) -> Trace:
    named = {str(name): name for name, _ in action_instances(of)}
    return Trace(
        tuple((name, controls[str(name)]) for name in control_names(of)),
        tuple((name, str(name) in on) for name in capability_names(of)),
        (),
        tuple(named[shown] for shown in actions),
    )


FLASH: Mapping[str, Value] = {"persistence": "on", "seed_root": "flash", "binds_identity": True}
STOLEN = ("provision[alpha]", "boot[alpha]", "launch[agent, alpha]", "save[agent, alpha]", "reset[alpha]")


def stolen() -> tuple[Problem, Trace]:
    """The seed read from flash, the key derived twice, the saved memory opened."""
    of = lifecycle(VAULT)
    return problem(of, "confidential"), trace(of, FLASH, ("steal_disk",), *STOLEN)
