"""R1, R3 to R6, R9, R10, R15: what a step does and when it may happen."""

from __future__ import annotations

import pytest

from keyfate.language.source import LifecycleError
from keyfate.lifecycle.conflicts import conflicts
from keyfate.lifecycle.interpreter import ReplayError
from semantics.small import Run, lifecycle

SWAP = """
sort S = x | y
state a : S = x
state b : S = y
action swap by cpu then a := b; b := a
"""


def test_effects_happen_at_once() -> None:  # R1: in turn, both would become `y`
    run = Run(SWAP).step("swap")
    assert (run.value("a"), run.value("b")) == ("y", "x")


def test_guards_and_sources_read_the_state_before() -> None:
    run = Run("""
      secret k, m
      place ram volatile at cpu
      place disk persistent at host
      action make by cpu when not ram has k then ram gains k; ram gains m
      action store by cpu then disk gains enc(k, m) using ram; clear ram
    """)
    assert run.enabled == ["make"]  # `store` has no sources yet
    run.step("make")
    assert run.enabled == ["store"]
    run.step("store")
    assert run.place("disk") == {"enc(k, m)"}
    assert run.place("ram") == set()


def test_exposures_read_the_state_after_and_the_first_state() -> None:
    text = """
      secret m, n
      capability see
      state open : bool = false
      place disk persistent at host starts with m
      place flash persistent at host starts with n
      exposes disk to see when open
      exposes flash to see when not open
      action unlock by cpu when not open then open := true; clear flash
      action lock by cpu when open then open := false
    """
    run = Run(text, on=("see",))
    assert run.observed == {"n"}
    assert run.step("unlock").observed == {"m", "n"}
    assert Run(text).step("unlock").observed == set()  # the capability is off


def test_what_is_seen_is_kept() -> None:  # R9
    run = Run(
        """
      secret m
      capability see
      place disk persistent at host starts with m
      exposes disk to see
      action wipe by cpu then clear disk
    """,
        on=("see",),
    )
    assert run.step("wipe").observed == {"m"}


@pytest.mark.parametrize(("on", "seen"), [((), set()), (("see",), set()), (("see", "touch"), {"m"})], ids=str)
def test_an_exposure_to_two_capabilities_needs_both(on: tuple[str, ...], seen: set[str]) -> None:
    text = """
      secret m
      capability see
      capability touch
      place d persistent at host starts with m
      exposes d to see and touch
    """
    run = Run(text, on=on)
    assert run.observed == seen


def test_indexed_capabilities_are_apart() -> None:
    text = """
      sort P = alpha | beta
      secret m[P]
      capability see[P]
      place d[p: P] persistent at host starts with m[p]
      exposes d[p: P] to see[p]
    """
    assert Run(text, on=("see[beta]",)).observed == {"m[beta]"}


LEAK = """
  secret k, m
  capability probe
  place ram volatile at cpu
  action make by cpu then ram gains k
  action use by cpu then leaks k using ram to probe; clear ram
"""


def test_a_leak_is_seen_while_the_action_runs() -> None:
    run = Run(LEAK, on=("probe",)).step("make", "use")
    assert run.observed == {"k"}
    assert run.place("ram") == set()


def test_a_leak_needs_its_sources_whether_or_not_anyone_looks() -> None:
    run = Run(LEAK)
    assert run.enabled == ["make"]
    assert run.step("make", "use").observed == set()


def test_places_hold_values() -> None:  # R4: a later change of an index changes nothing
    run = Run("""
      sort I = one | two
      secret m[I]
      state image : I = one
      place ram volatile at cpu
      action load by cpu then ram gains m[image]
      action swap by cpu when image = one then image := two
      action drop by cpu then ram loses m[image]
    """)
    run.step("load", "swap")
    assert run.place("ram") == {"m[one]"}
    run.step("drop")  # drops m[two], which is not there
    assert run.place("ram") == {"m[one]"}


def test_becomes_replaces_copies_copy() -> None:
    run = Run("""
      secret a, b, c
      place p volatile at cpu starts with a
      place q volatile at cpu starts with b
      place r volatile at cpu starts with a, c
      action add by cpu then p gains all of q; r becomes p
      action only by cpu then p becomes {c, b}
      action wipe by cpu then clear p; q becomes p
    """)
    run.step("add")
    assert run.place("p") == {"a", "b"}
    assert run.place("r") == {"a"}  # what `p` held before
    run.step("only")
    assert run.place("p") == {"b", "c"}
    run.step("wipe")
    assert (run.place("p"), run.place("q")) == (set(), {"b", "c"})


def test_sources_are_those_of_the_effects_reached() -> None:
    run = Run("""
      secret k, m
      state deep : bool = false
      place ram volatile at cpu starts with m
      place disk persistent at host
      action save by cpu then if deep { disk gains enc(k, m) using ram } else { disk gains m }
      action dive by cpu when not deep then deep := true
    """)
    assert "save" in run.enabled
    assert run.step("dive").enabled == []


def test_sources_count_together_and_with_what_is_public() -> None:
    run = Run("""
      sort P = alpha | beta
      secret k, m
      public id
      place keys[P] volatile at cpu starts with k
      place ram volatile at cpu starts with enc(kdf("x", k, id), m)
      place out persistent at host
      action both by cpu then out gains m using ram, keys
      action one by cpu then out gains m using ram
      action other by cpu then out gains kdf("x", k, id) using keys[alpha]
    """)
    assert run.enabled == ["both", "other"]


def test_a_bare_secret_is_created_and_ideal_needs_nothing() -> None:
    run = Run("""
      secret k, m
      public p
      place ram volatile at cpu
      action make by cpu then ram gains k; ram gains p
      action magic by cpu then ram gains enc(k, m) ideal
    """)
    assert run.enabled == ["make", "magic"]


def test_a_leak_to_two_capabilities_needs_both() -> None:
    text = """
      secret k
      capability probe
      capability glitch
      place ram volatile at cpu starts with k
      action use by cpu then leaks k using ram to probe and glitch
    """
    assert Run(text, on=("probe",)).step("use").observed == set()
    assert Run(text, on=("probe", "glitch")).step("use").observed == {"k"}


RANGE = """
  sort E = 0 .. 2
  state e : E = 0
  state hot : bool = false
  action tick by cpu when not hot then e := e + 1
  action heat by cpu then hot := true
  action near by cpu when e + 1 = 2 then hot := false
"""


def test_past_its_range_an_instance_is_disabled() -> None:  # R5
    run = Run(RANGE).step("tick", "tick")
    assert run.value("e") == 2
    assert run.enabled == ["heat"]  # `near` compares what has no value: false


def test_out_of_range_is_disabled_by_nothing_else() -> None:
    run = Run(RANGE)
    reports = []
    for name in ("tick", "tick", "heat"):
        reports.append(run.interpreter.out_of_range(run.state))
        run.step(name)
    reports.append(run.interpreter.out_of_range(run.state))  # hot: its guard forbids it as well
    assert reports == [False, False, True, False]


def test_out_of_range_asks_that_sources_yield() -> None:
    run = Run("""
      sort E = 0 .. 1
      secret k[E], s
      state e : E = 1
      place ram volatile at cpu
      action grow by cpu then e := e + 1; ram gains kdf("x", s) using ram
    """)
    assert run.enabled == []
    assert not run.interpreter.out_of_range(run.state)


@pytest.mark.parametrize("term", ["k[image]", "k[if image = none then image else one]"])
def test_what_does_not_exist_is_not_out_of_range(term: str) -> None:
    run = Run(f"""
      sort I = one | two
      sort E = 0 .. 1
      secret k[I]
      state image : I or none = none
      state e : E = 1
      place ram[E] volatile at cpu
      action put by cpu then ram[e + 1] gains {term} ideal
    """)
    assert run.enabled == []
    assert not run.interpreter.out_of_range(run.state)


NONE = """
  sort I = one | two
  secret k[I], m
  capability see
  place ram[I] volatile at cpu starts with m
  place disk persistent at host
  state image : I or none = none
  action pick[i: I] by cpu then image := i
  action reset by cpu then image := none
  action keep by cpu then disk gains k[image]
  action lose by cpu then disk loses k[image]
  action move by cpu when not ram[image] has m then disk gains m using ram[one]
  action wipe by cpu then clear ram[image]
  action copy by cpu then disk gains all of ram[image]
  action using_none by cpu then disk gains pair(m, m) using ram[image]
  property held never disk has k[image]
"""


def test_what_is_indexed_by_none_does_not_exist() -> None:  # R5
    run = Run(NONE)
    assert run.enabled == ["pick[one]", "pick[two]", "reset", "move"]
    run.step("pick[one]")
    assert run.enabled == ["pick[one]", "pick[two]", "reset", "keep", "lose", "wipe", "copy", "using_none"]
    run.step("keep")
    assert run.target("held")
    run.step("reset")
    assert run.place("disk") == {"k[one]"}
    assert not run.target("held")


def test_first_values_are_chosen_freely_only_where_any() -> None:  # R6
    text = """
      sort S = x | y
      control c : S
      state a[S] : S = any
      state b : S = if c = x then y else x
    """
    firsts = list(Run(text).interpreter.initial_states())
    assert len(firsts) == 4
    assert {run.value("b") for run in (Run(text, first=n) for n in range(4))} == {"y"}
    assert Run(text, {"c": "y"}).value("b") == "x"


def test_starts_may_depend_on_controls() -> None:
    text = """
      sort P = alpha | beta
      control soft : bool
      secret seed[P], other
      place s[p: P] persistent at cpu starts with if soft then seed[p] else other
    """
    assert Run(text, {"soft": True}).place("s[beta]") == {"seed[beta]"}
    assert Run(text, {"soft": False}).place("s[beta]") == {"other"}


def test_constraints_make_settings_inadmissible() -> None:
    text = """
      sort P = alpha | beta
      control c[P] : bool
      constraint some p: P { c[p] }
    """
    assert not Run(text, {"c[alpha]": False, "c[beta]": False}).interpreter.admissible()
    assert Run(text, {"c[alpha]": False, "c[beta]": True}).interpreter.admissible()


ATTACK = """
  sort P = alpha | beta
  secret k[P], m
  capability see[P]
  capability inject
  place disk persistent at host
  place keys[p: P] volatile at cpu starts with k[p]
  message Blob = enc(k[p], m) for p: P
  message Raw = k[p] for p: P
  exposes keys[p: P] to see[p]
  action put[b: Raw] by attacker needs inject then disk gains b
  action bind[p: P] by attacker needs inject when attacker knows k[p] then disk becomes {kdf("x", k[p])}
  action store[b: Blob] by cpu when not disk has b then disk gains b ideal
"""


def test_the_attacker_writes_what_it_knows() -> None:  # R10
    run = Run(ATTACK, on=("see[beta]", "inject"))
    assert run.enabled == ["put[Raw[beta]]", "bind[beta]", "store[Blob[alpha]]", "store[Blob[beta]]"]
    assert run.step("put[Raw[beta]]").place("disk") == {"k[beta]"}
    assert run.step("store[Blob[alpha]]").place("disk") == {"k[beta]", "enc(k[alpha], m)"}


def test_the_attacker_needs_capabilities() -> None:
    assert Run(ATTACK, on=("see[beta]",)).enabled == ["store[Blob[alpha]]", "store[Blob[beta]]"]


def test_an_honest_run_has_no_attacker() -> None:  # R13
    run = Run(ATTACK, on=("see[beta]", "inject"), honest=True)
    assert run.enabled == ["store[Blob[alpha]]", "store[Blob[beta]]"]
    assert run.observed == set()


def test_the_attacker_creates_no_secret() -> None:
    run = Run("""
      secret k
      place disk persistent at host
      action put by attacker then disk gains k
    """)
    assert run.enabled == []


def test_a_secret_is_one_value() -> None:  # R15: made again, it is the same
    run = Run("""
      secret k, m
      place ram volatile at cpu
      place disk persistent at host starts with enc(k, m)
      action launch by cpu when not ram has k then ram gains k
      action stop by cpu then clear ram
      action read by cpu then ram gains m using ram, disk
    """)
    assert "read" in run.step("launch", "stop", "launch").enabled


def test_effects_for_each_and_where() -> None:
    run = Run("""
      sort S = x | y
      sort T = u | v
      secret k[S, T]
      state up[S] : bool = true
      place ram volatile at cpu
      action make by cpu then for s: S, t: T where up[s] { ram gains k[s, t]; up[s] := false }
      action drop[s: S] by cpu when up[s] then up[s] := false
    """)
    run.step("drop[x]", "make")
    assert run.place("ram") == {"k[y, u]", "k[y, v]"}


def test_a_conflict_that_nobody_refused_is_told() -> None:
    run = Run("""
      secret k
      place ram volatile at cpu starts with k
      action both by cpu then ram gains k; clear ram
    """)
    with pytest.raises(LifecycleError, match="disagree"):
        run.step("both")


def test_replay_follows_the_trace_and_says_where_it_ends() -> None:
    run = Run(LEAK, on=("probe",))
    states = run.interpreter.replay(run.trace("make", "use"))
    assert [sorted(map(str, state.observed)) for state in states] == [[], [], ["k"]]
    with pytest.raises(ReplayError, match="do not yield `k`") as caught:
        run.interpreter.replay(run.trace("make", "use", "use"))
    assert caught.value.step == 3


@pytest.mark.parametrize(
    ("controls", "initial", "reason"),
    [({"c": "nosuch"}, {}, "admissible"), ({"c": "y"}, {}, "admissible"), ({}, {"a": "nosuch"}, "first values")],
    ids=["unknown", "constraint", "initial"],
)
def test_replay_refuses_other_settings(controls: dict[str, str], initial: dict[str, str], reason: str) -> None:
    text = "sort S = x | y\n control c : S\n constraint c = x\n state a : S = any\n action go by cpu"
    run = Run(text + " then a := x", controls)
    trace = run.trace("go")
    changed = tuple((name, initial.get(str(name), value)) for name, value in trace.initial)
    with pytest.raises(ReplayError, match=reason):
        run.interpreter.replay(type(trace)(trace.controls, trace.capabilities, changed, trace.actions))


def test_lifecycles_of_these_tests_have_no_conflicts() -> None:
    for text in (SWAP, LEAK, RANGE, NONE, ATTACK):
        assert conflicts(lifecycle(text)) == ()
