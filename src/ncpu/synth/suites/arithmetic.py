"""A1: straight-line arithmetic; division truncates unless the name says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ncpu.synth.suites.domains import Arguments, Integers, Parameters
from ncpu.synth.suites.family import each, families, row

TRUNCATES = "The division truncates towards zero."
FLOORS = "The division floors."

WIDE = Integers(-(1 << 60), 1 << 60)
COUNTS = Integers(0, 10_000)
POSITIVE = Integers(1, 1000)


def quotient(a: int, b: int) -> int:
    """The quotient truncated towards zero, as machines divide."""
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def remainder(a: int, b: int) -> int:
    """What truncated division leaves; it has the sign of `a`."""
    return a - b * quotient(a, b)


def constants(count: int, low: int, high: int) -> Callable[[Random], Parameters]:
    """A draw of `count` different constants, none of them zero."""

    def draw(rng: Random) -> Parameters:
        return tuple(rng.sample([n for n in range(low, high + 1) if n], count))

    return draw


def _not_zero(a: int, b: int) -> bool:
    return b != 0


def _round(a: int, b: int) -> int:
    return (1 if (a < 0) == (b < 0) else -1) * ((2 * abs(a) + abs(b)) // (2 * abs(b)))


def _pairs(*pairs: Arguments) -> list[Arguments]:
    return list(pairs)


SIGNS = _pairs((7, 2), (-7, 2), (7, -2), (-7, -2), (6, 3), (-6, 3), (0, 5), (1, 4))


FAMILIES = families(
    "A1",
    add_two=row("(I,I)->I", lambda a, b: a + b, WIDE, WIDE),
    sub_two=row("(I,I)->I", lambda a, b: a - b, WIDE, WIDE),
    sub_rev=row("(I,I)->I", lambda a, b: b - a, WIDE, WIDE),
    mul_two=row("(I,I)->I", lambda a, b: a * b),
    add_three=row("(I,I,I)->I", lambda a, b, c: a + b + c),
    add_four=row("(I,I,I,I)->I", lambda a, b, c, d: a + b + c + d),
    mul_three=row("(I,I,I)->I", lambda a, b, c: a * b * c),
    double=row("I->I", lambda x: 2 * x, WIDE),
    triple=row("I->I", lambda x: 3 * x, WIDE),
    times_ten=row("I->I", lambda x: 10 * x),
    negate=row("I->I", lambda x: -x, WIDE),
    increment=row("I->I", lambda x: x + 1, WIDE),
    decrement=row("I->I", lambda x: x - 1, WIDE),
    add_const=row("I->I", lambda x, k: x + k, WIDE, draw=constants(1, 2, 99)),
    sub_const=row("I->I", lambda x, k: x - k, WIDE, draw=constants(1, 2, 99)),
    mul_const=row("I->I", lambda x, k: x * k, draw=constants(1, 4, 99)),
    affine_2x_plus_3=row("I->I", lambda x: 2 * x + 3),
    affine_neg=row("I->I", lambda x, k: k - x, draw=constants(1, 1, 99)),
    scaled_sum=row(
        "(I,I)->I", lambda a, b, k: k * (a + b), draw=constants(1, 2, 20), note="k (a + b)"
    ),
    scaled_diff=row(
        "(I,I)->I", lambda a, b, k: k * (a - b), draw=constants(1, 2, 20), note="k (a - b)"
    ),
    weighted_sum3=row(
        "(I,I,I)->I", lambda a, b, c, i, j, k: i * a + j * b + k * c, draw=constants(3, 1, 9)
    ),
    product_offset=row("(I,I,I)->I", lambda a, b, c: a * b + c),
    multiply_add_one=row("(I,I)->I", lambda a, b: a * b + 1),
    sum_minus_product=row("(I,I)->I", lambda a, b: a + b - a * b),
    average_two=row(
        "(I,I)->I", lambda a, b: quotient(a + b, 2), cases=[(-3, 0), (-1, -4)], note=TRUNCATES
    ),
    average_three=row(
        "(I,I,I)->I",
        lambda a, b, c: quotient(a + b + c, 3),
        cases=[(-1, -1, 0), (2, 2, 1), (-5, 1, -1)],
        note=TRUNCATES,
    ),
    midpoint_floor=row(
        "(I,I)->I", lambda a, b: (a + b) // 2, cases=[(-3, 0), (-1, -4)], note=FLOORS
    ),
    halve_trunc=row("I->I", lambda x: quotient(x, 2), cases=each(-3, -1, 7), note=TRUNCATES),
    halve_floor=row("I->I", lambda x: x // 2, cases=each(-3, -1, 7), note=FLOORS),
    div_const=row(
        "I->I",
        quotient,
        draw=constants(1, 3, 20),
        cases=lambda k: each(k, k - 1, 10 * k, 10 * k - 1, -k, 1 - k),
        note=TRUNCATES,
    ),
    mod_const=row(
        "I->I",
        lambda x, k: x % k,
        draw=constants(1, 6, 20),
        cases=lambda k: each(k, k - 1, k + 1, -1, 1 - k),
        note="The remainder of floored division, never negative.",
    ),
    mod_5=row(
        "I->I",
        lambda x: x % 5,
        cases=each(-1, -5, 4, 5, 6),
        note="The remainder of floored division, never negative.",
    ),
    rem_signed=row(
        "(I,I)->I",
        remainder,
        where=_not_zero,
        cases=SIGNS,
        note="The remainder of truncated division: it has the dividend's sign.",
    ),
    floor_mod=row(
        "(I,I)->I",
        lambda a, b: a % b,
        where=_not_zero,
        cases=SIGNS,
        note="The remainder of floored division: it has the divisor's sign.",
    ),
    ceil_div=row(
        "(I,I)->I", lambda a, b: -(-a // b), where=_not_zero, cases=SIGNS, note="Rounds up."
    ),
    round_div=row(
        "(I,I)->I",
        _round,
        where=_not_zero,
        cases=[*SIGNS, (5, 3), (-5, 3)],
        note="Rounds to the nearest integer, halves away from zero.",
    ),
    quot_plus_rem=row(
        "(I,I)->I",
        lambda a, b: quotient(a, b) + remainder(a, b),
        where=_not_zero,
        cases=SIGNS,
        note=TRUNCATES,
    ),
    celsius_to_fahrenheit=row(
        "I->I",
        lambda c: quotient(9 * c, 5) + 32,
        cases=each(-40, 100, 37, -1),
        note="9 c / 5 + 32. " + TRUNCATES,
    ),
    fahrenheit_to_celsius=row(
        "I->I",
        lambda f: quotient(5 * (f - 32), 9),
        cases=each(-40, 212, 98, 31),
        note="5 (f - 32) / 9. " + TRUNCATES,
    ),
    percent_of=row(
        "(I,I)->I",
        lambda a, percent: quotient(a * percent, 100),
        Integers(),
        Integers(-100, 200),
        cases=[(-50, 3), (100, 100), (250, 10)],
        note="a percent / 100. " + TRUNCATES,
    ),
    simple_interest=row(
        "(I,I,I)->I",
        lambda principal, rate, years: principal * rate * years // 100,
        COUNTS,
        Integers(0, 30),
        Integers(0, 40),
        cases=[(1000, 5, 3), (99, 1, 1), (100, 1, 1)],
        note="Principal x percent x years / 100, none negative, so floor and truncation agree.",
    ),
    hms_to_seconds=row(
        "(I,I,I)->I",
        lambda h, m, s: 3600 * h + 60 * m + s,
        Integers(0, 99),
        Integers(0, 59),
        Integers(0, 59),
    ),
    seconds_to_minutes=row(
        "I->I",
        lambda s: s // 60,
        COUNTS,
        cases=each(59, 60, 61, 119, 120),
        note="Not negative, so floor and truncation agree.",
    ),
    rectangle_perimeter2=row("(I,I)->I", lambda w, h: 2 * (w + h), POSITIVE, POSITIVE),
    box_surface=row(
        "(I,I,I)->I", lambda a, b, c: 2 * (a * b + b * c + c * a), POSITIVE, POSITIVE, POSITIVE
    ),
    box_volume=row("(I,I,I)->I", lambda a, b, c: a * b * c, POSITIVE, POSITIVE, POSITIVE),
)
