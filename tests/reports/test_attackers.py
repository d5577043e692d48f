"""Capabilities mean the same in every shipped lifecycle, and all that the threat model names are there."""

from __future__ import annotations

from collections import defaultdict

from keyfate.language.library import folder
from keyfate.language.loading import load
from keyfate.language.typed import Capability
from keyfate.policy.attackers import load_attackers

SHIPPED = {path.stem: load(path).lifecycle for path in sorted(folder("models").glob("*.kf"))}

TABLE = {
    "host_software",
    "steal_disk",
    "observe_bus",
    "cold_boot",
    "alias_memory",
    "extract_attestation_key",  # and with it any quote can be forged
    "compromise_service",
    "observe_ciphertext",
    "derivation_side_channel",
    "glitch_secure_processor",
    "glitch_provisioning",
    "open_tpm",
    "sniff_tpm_bus",
    "reset_pcrs",
    "roll_back_nv",
    "man_in_the_middle",
    "malicious_operator",
    "stale_cache",
    "incomplete_erase",
}


def capabilities() -> dict[str, list[Capability]]:
    found: dict[str, list[Capability]] = defaultdict(list)
    for lifecycle in SHIPPED.values():
        for one in lifecycle.capabilities:
            found[one.name.rpartition(".")[2]].append(one)
    return found


def test_every_attacker_of_the_table_attacks_a_lifecycle() -> None:
    assert capabilities().keys() >= TABLE


def test_a_capability_costs_and_cites_the_same_everywhere() -> None:
    differing = {
        name: {(one.cost, one.refs, one.cwes) for one in declared}
        for name, declared in capabilities().items()
        if len({(one.cost, one.refs, one.cwes) for one in declared}) > 1
    }
    assert differing == {}


def test_every_capability_has_a_cost_on_the_scale_and_a_description() -> None:
    for declared in capabilities().values():
        for one in declared:
            assert one.cost in range(1, 10)
            assert one.description


def test_profiles_and_lifecycles_know_each_others_capabilities() -> None:
    granted = {
        word for words in load_attackers(folder("models") / "attackers.toml").grants.values() for word, _ in words
    }
    declared = {one.name for lifecycle in SHIPPED.values() for one in lifecycle.capabilities}
    assert granted == declared
