"""Sets of settings: prime implicants and covers over many-valued variables, held against every cube there is."""

from __future__ import annotations

import random
from itertools import chain, combinations, product

import pytest

from keyfate.engines.space import Cube, Function, Space, TooManyError
from keyfate.lifecycle.names import CapabilityName, ControlName

SIZES = (3, 2, 4)  # an odd one leaves a number that is no value


def space() -> Space:
    literals = iter(range(2, 100, 2))
    return Space(
        (ControlName(f"c{at}"), tuple(range(size)), tuple(next(literals) for _ in range(size)))
        for at, size in enumerate(SIZES)
    )


def points(kept: Cube) -> set[tuple[int, ...]]:
    allowed = [set(range(size)) for size in SIZES]
    for index, values in kept:
        allowed[index] = set(values)
    return set(product(*allowed))


def function(of: Space, wanted: set[tuple[int, ...]]) -> Function:
    found = of.false
    for point in wanted:
        found = found | of.function(tuple((at, frozenset({value})) for at, value in enumerate(point)))
    return found


def cubes() -> list[Cube]:
    """Every cube there is, as the space writes them: what leaves all values is not mentioned."""
    choices = []
    for index, size in enumerate(SIZES):
        sets = chain.from_iterable(combinations(range(size), some) for some in range(1, size + 1))
        choices.append([() if len(kept) == size else ((index, frozenset(kept)),) for kept in sets])
    return [tuple(chain.from_iterable(choice)) for choice in product(*choices)]


def drawn(seed: int) -> set[tuple[int, ...]]:
    draw = random.Random(seed)
    share = draw.choice((0.1, 0.5, 0.8, 0.95))
    return {point for point in product(*map(range, SIZES)) if draw.random() < share}


@pytest.mark.parametrize("seed", range(60))
def test_primes_are_the_largest_cubes_and_all_of_them(seed: int) -> None:
    of, wanted = space(), drawn(seed)
    inside = [cube for cube in cubes() if points(cube) <= wanted]
    largest = {cube for cube in inside if not any(points(cube) < points(other) for other in inside)}
    found = of.primes(function(of, wanted), 10_000)
    assert set(found) == largest
    assert len(found) == len(set(found))


@pytest.mark.parametrize("seed", range(120))
def test_trimmed_primes_are_the_largest_cubes_whose_values_are_all_wanted(seed: int) -> None:
    """Whether a cube is trimmed and how it lies in others, told by its points alone."""
    of, wanted, admissible = space(), drawn(seed), drawn(seed + 1000)

    def trimmed(cube: Cube) -> bool:
        inside = points(cube) & admissible
        return bool(inside) and all({point[index] for point in inside} >= kept for index, kept in cube)

    some = [cube for cube in cubes() if points(cube) & admissible <= wanted and trimmed(cube)]
    largest = {cube for cube in some if not any(points(cube) < points(other) for other in some)}
    region, real = function(of, wanted), function(of, admissible)
    primes = of.primes(region | of.negated(real), 10_000)
    found = of.largest(cube for cube in (of.trimmed(cube, real) for cube in primes) if cube is not None)
    assert set(found) == largest
    assert len(found) == len(set(found))
    for cube in found:  # without any literal it holds something that is not wanted
        for literal in cube:
            assert points(tuple(other for other in cube if other != literal)) & admissible - wanted


@pytest.mark.parametrize("seed", range(60))
def test_a_cover_holds_all_that_it_must_and_nothing_that_it_must_not(seed: int) -> None:
    of, lower = space(), drawn(seed)
    upper = lower | drawn(seed + 1000)
    found = of.cover(function(of, lower), function(of, upper))
    covered = set().union(*map(points, found)) if found else set()
    assert lower <= covered <= upper
    assert len(found) <= len(lower)


def test_what_is_no_value_is_no_setting() -> None:
    of = space()
    assert of.count(of.all) == 3 * 2 * 4
    assert of.count(of.negated(function(of, drawn(3)))) == 24 - len(drawn(3))
    assert of.primes(of.all, 1) == ((),)
    assert of.primes(of.false, 1) == ()


def test_past_the_limit_no_list_is_given() -> None:
    of = space()
    with pytest.raises(TooManyError, match="more than 1 minimal conditions"):
        of.primes(function(of, {(at % 3, at % 2, at % 4) for at in range(12)}), 1)


def test_a_clause_holds_just_where_the_cube_does_not() -> None:
    of = space()
    cube = ((0, frozenset({1})), (2, frozenset({0, 2})))
    first, _, last = of.variables
    assert of.clause(cube) == (first.literals[0], first.literals[2], last.literals[1], last.literals[3])


def test_a_choice_is_a_setting_of_the_function() -> None:
    of = space()
    chosen = of.choice(function(of, {(2, 0, 3), (2, 1, 1)}))
    taken = [[at for at, literal in enumerate(v.literals) if chosen[literal]] for v in of.variables]
    assert taken == [[2], [0], [3]]


def test_a_capability_can_be_left_out() -> None:
    capability = CapabilityName("cap")
    of = Space([(ControlName("c"), ("x", "y"), (2, 3)), (capability, (False, True), (5, 4))])
    assert of.count(of.without([capability])) == 2
    assert of.count(of.without([])) == 4
