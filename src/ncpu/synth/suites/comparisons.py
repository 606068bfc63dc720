"""A4: comparisons, extrema, clamps and predicates."""

from __future__ import annotations

from random import Random

from ncpu.synth.suites.domains import Arguments, Integers, Parameters, previous
from ncpu.synth.suites.family import each, families, row

WIDE = Integers(-(1 << 60), 1 << 60)
SIDE = Integers(1, 1000)
ABOVE_PREVIOUS = Integers(previous, 2000)


def sign(x: int) -> int:
    """-1, 0 or 1."""
    return (x > 0) - (x < 0)


def _right(rng: Random, _: Parameters) -> Arguments:
    """A right triangle, the sides in any order, or one unit off."""
    m, n = sorted(rng.sample(range(1, 20), 2))
    sides = [n * n - m * m, 2 * m * n, n * n + m * m]
    if rng.random() < 0.3:
        sides[rng.randrange(3)] += 1
    return tuple(rng.sample(sides, 3))


def _sorted(rng: Random, _: Parameters) -> Arguments:
    return tuple(sorted(rng.choices(range(-rng.choice((2, 900)), 900), k=3)))


def _multiple(rng: Random, _: Parameters) -> Arguments:
    divisor = rng.choice((-1, 1)) * rng.randint(1, 40)
    return divisor, divisor * rng.randint(-20, 20)


FAMILIES = families(
    "A4",
    max2=row("(I,I)->I", max, WIDE, WIDE),
    min2=row("(I,I)->I", min, WIDE, WIDE),
    max3=row("(I,I,I)->I", max),
    min3=row("(I,I,I)->I", min),
    max4=row("(I,I,I,I)->I", max, cases=[(9, 1, 2, 3), (1, 9, 2, 3), (1, 2, 9, 3), (1, 2, 3, 9)]),
    median3=row("(I,I,I)->I", lambda *abc: sorted(abc)[1]),
    range3=row("(I,I,I)->I", lambda *abc: max(abc) - min(abc)),
    abs_value=row("I->I", abs, WIDE),
    abs_diff=row("(I,I)->I", lambda a, b: abs(a - b), WIDE, WIDE),
    sign=row("I->I", sign, WIDE),
    cmp3way=row("(I,I)->I", lambda a, b: sign(a - b), WIDE, WIDE, cases=[(2, 1), (1, 2), (4, 4)]),
    clamp_0_100=row("I->I", lambda x: min(max(x, 0), 100), cases=each(-1, 0, 50, 99, 100, 101)),
    clamp_0_10=row("I->I", lambda x: min(max(x, 0), 10), cases=each(-1, 0, 5, 9, 10, 11)),
    clamp_lo_hi=row(
        "(I,I,I)->I",
        lambda x, low, high: min(max(x, low), high),
        Integers(),
        Integers(),
        ABOVE_PREVIOUS,
        note="(x, low, high), low not above high.",
    ),
    relu=row("I->I", lambda x: max(x, 0), WIDE),
    neg_part=row("I->I", lambda x: max(-x, 0), WIDE, note="max(-x, 0)"),
    is_even=row("I->B", lambda x: x % 2 == 0, WIDE),
    is_odd=row("I->B", lambda x: x % 2 == 1, WIDE),
    is_positive=row("I->B", lambda x: x > 0, WIDE),
    is_zero=row("I->B", lambda x: x == 0, WIDE, special=lambda rng, _: (rng.randint(-2, 2),)),
    in_closed_range=row(
        "(I,I,I)->B",
        lambda x, low, high: low <= x <= high,
        Integers(),
        Integers(),
        ABOVE_PREVIOUS,
        cases=[(5, 5, 9), (9, 5, 9), (4, 5, 9), (10, 5, 9), (7, 5, 9), (3, 3, 3)],
        note="(x, low, high), low not above high.",
    ),
    in_open_range=row(
        "(I,I,I)->B",
        lambda x, low, high: low < x < high,
        Integers(),
        Integers(),
        ABOVE_PREVIOUS,
        cases=[(5, 5, 9), (9, 5, 9), (6, 5, 9), (8, 5, 9), (10, 5, 9), (3, 3, 3)],
        note="(x, low, high), low not above high.",
    ),
    same_sign=row(
        "(I,I)->B",
        lambda a, b: sign(a) == sign(b),
        WIDE,
        WIDE,
        cases=[(0, 0), (0, 1), (0, -1), (-1, 0), (-1, -1), (1, -1)],
        note="Zero has the sign of zero only.",
    ),
    divides=row(
        "(I,I)->B",
        lambda a, b: b % a == 0,
        where=lambda a, b: a != 0,
        special=_multiple,
        cases=[(3, 9), (3, 10), (-3, 9), (9, 3), (5, 0)],
        note="(a, b): b is a multiple of a, which is not 0.",
    ),
    is_triangle=row(
        "(I,I,I)->B",
        lambda *abc: 2 * max(abc) < sum(abc),
        SIDE,
        SIDE,
        SIDE,
        cases=[(1, 2, 3), (2, 3, 4), (9, 3, 3), (3, 9, 3), (3, 3, 9), (5, 5, 9)],
        note="Of positive sides; a flat one is none.",
    ),
    is_right_triangle=row(
        "(I,I,I)->B",
        lambda *abc: 2 * max(abc) ** 2 == sum(x * x for x in abc),
        SIDE,
        SIDE,
        SIDE,
        special=_right,
        cases=[(3, 4, 5), (5, 3, 4), (13, 5, 12), (5, 5, 5), (12, 13, 5), (3, 4, 6)],
        note="Of positive sides in any order.",
    ),
    is_sorted3=row("(I,I,I)->B", lambda a, b, c: a <= b <= c, special=_sorted),
    all_equal3=row(
        "(I,I,I)->B",
        lambda a, b, c: a == b == c,
        special=lambda rng, _: (n := rng.randint(-99, 99), n, rng.choice((n, n, n + 1))),
        cases=[(1, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 1), (0, 0, 0)],
    ),
    count_equal3=row(
        "(I,I,I)->I",
        lambda a, b, c: (0, 3, 2, 0)[len({a, b, c})],
        special=lambda rng, _: tuple(rng.choices(range(-3, 3), k=3)),
        cases=[(1, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 1), (1, 2, 3)],
        note="How many have an equal among the three: 0, 2 or 3.",
    ),
    count_positive3=row("(I,I,I)->I", lambda *abc: sum(x > 0 for x in abc)),
    xor_bool=row("(B,B)->B", lambda a, b: a != b),
    implies=row("(B,B)->B", lambda a, b: not a or b),
)
