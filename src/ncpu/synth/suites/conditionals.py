"""A5: conditionals; thresholds and values are drawn per variant and shown by the cases."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from itertools import pairwise
from random import Random

from ncpu.synth.suites.arithmetic import TRUNCATES, constants, quotient
from ncpu.synth.suites.comparisons import sign
from ncpu.synth.suites.domains import Arguments, Integers, Parameters, previous
from ncpu.synth.suites.family import each, families, row

COUNTS = Integers(0, 1000)
SIZE = Integers(1, 100)
MARKS = Integers(0, 100)
HALVES_UP = "Rounds to the nearest, halves up."


def _thresholds(count: int, low: int, high: int) -> Callable[[Random], Parameters]:
    """A draw of `count` ascending thresholds at least 5 apart."""

    def draw(rng: Random) -> Parameters:
        while True:
            found = tuple(sorted(rng.sample(range(low, high), count)))
            if all(b - a >= 5 for a, b in pairwise(found)):
                return found

    return draw


def _with(
    thresholds: Callable[[Random], Parameters], *values: Callable[[Random], Parameters]
) -> Callable[[Random], Parameters]:
    return lambda rng: sum((draw(rng) for draw in values), thresholds(rng))


def _mark(rng: Random, _: Parameters) -> Arguments:
    return (rng.randint(0, 100),)


def _around(*thresholds: int) -> list[Arguments]:
    return each(*(t + step for t in thresholds for step in (-1, 0)))


def _grade(x: int, *thresholds: int) -> int:
    return sum(x >= t for t in thresholds)


def _tax(income: int, *brackets: int) -> int:
    """Brackets are thresholds, then one percentage more."""
    cuts = brackets[: len(brackets) // 2]
    rates = brackets[len(cuts) :]
    bounds = (0, *cuts, max(income, *cuts))
    taxed = (min(income, high) - min(income, low) for low, high in pairwise(bounds))
    return sum(part * rate for part, rate in zip(taxed, rates, strict=True)) // 100


def _pieces(x: int, *parameters: int) -> int:
    """Thresholds, then a slope and an intercept for each piece."""
    cuts = parameters[: len(parameters) // 3]
    piece = 2 * _grade(x, *cuts) + len(cuts)
    return parameters[piece] * x + parameters[piece + 1]


def _quadrant(x: int, y: int) -> int:
    if x == 0 or y == 0:
        return 0
    return (1 if x > 0 else 2) if y > 0 else (3 if x < 0 else 4)


def _shipping(weight: int, low: int, high: int, *costs: int) -> int:
    return costs[(weight > low) + (weight > high)]


def _discount(price: int, count: int, low: int, high: int, first: int, second: int) -> int:
    percent = (0, first, second)[_grade(count, low, high)]
    return price * count * (100 - percent) // 100


def _huber(x: int, d: int) -> int:
    return x * x if abs(x) <= d else d * (2 * abs(x) - d)


def _triangle_wave(x: int, p: int) -> int:
    phase = x % (2 * p)
    return min(phase, 2 * p - phase)


FAMILIES = families(
    "A5",
    safe_div_or_neg1=row(
        "(I,I)->I",
        lambda a, b: quotient(a, b) if b else -1,
        special=lambda rng, _: (rng.randint(-99, 99), rng.randint(-5, 5)),
        cases=[(7, 0), (0, 0), (7, 2), (-7, 2), (7, -2), (-7, 0)],
        note=TRUNCATES,
    ),
    positive_or_default=row(
        "(I,I)->I", lambda x, other: x if x > 0 else other, cases=[(0, 7), (1, 7), (-1, 7)]
    ),
    offset_times_sign=row(
        "(I,I)->I",
        lambda x, offset: offset * sign(x),
        cases=[(0, 7), (3, 7), (-3, 7), (-3, -7)],
        note="(x, offset): the offset times the sign of x.",
    ),
    grade_code=row(
        "I->I",
        _grade,
        MARKS,
        draw=_thresholds(4, 20, 96),
        special=_mark,
        cases=_around,
        note="How many of four thresholds a mark reaches.",
    ),
    tax_two_bracket=row(
        "I->I",
        _tax,
        COUNTS,
        draw=_with(_thresholds(1, 100, 500), constants(2, 2, 50)),
        cases=lambda t, low, high: each(t - 1, t, t + 1, t + 100, 100, 900),
        note="Percentages below and above a threshold, summed, then divided by 100; floor.",
    ),
    tax_three_bracket=row(
        "I->I",
        _tax,
        COUNTS,
        draw=_with(_thresholds(2, 100, 700), constants(3, 2, 50)),
        cases=lambda s, t, *rates: each(s, s + 1, t - 1, t, t + 1, 100, t + 100, 1000),
        note="As tax_two_bracket, with two thresholds.",
    ),
    piecewise_linear2=row(
        "I->I",
        _pieces,
        draw=_with(_thresholds(1, -50, 50), constants(4, -9, 9)),
        cases=lambda t, *lines: _around(t),
    ),
    piecewise_linear3=row(
        "I->I",
        _pieces,
        draw=_with(_thresholds(2, -50, 50), constants(6, -9, 9)),
        cases=lambda s, t, *lines: each(s - 1, s, s + 1, t - 1, t, -500, 500),
    ),
    fizzbuzz_code=row(
        "I->I",
        lambda n: (n % 3 == 0) + 2 * (n % 5 == 0),
        COUNTS,
        cases=each(3, 5, 15, 1, 6, 10, 30, 2),
        note="1 for multiples of 3, 2 of 5, 3 of both, else 0.",
    ),
    quadrant=row(
        "(I,I)->I",
        _quadrant,
        cases=[(1, 1), (-1, 1), (-1, -1), (1, -1), (0, 5), (5, 0), (0, 0), (0, -5)],
    ),
    leap_year=row(
        "I->B",
        calendar.isleap,
        Integers(1, 4000),
        special=lambda rng, _: (rng.choice((4, 100)) * rng.randint(1, 40),),
        cases=each(1900, 2000, 2023, 2024, 2100, 400),
        note="Gregorian.",
    ),
    days_in_month=row(
        "(I,I)->I",
        lambda year, month: calendar.monthrange(year, month)[1],
        Integers(1, 4000),
        Integers(1, 12),
        special=lambda rng, _: (rng.choice((4, 100)) * rng.randint(1, 40), rng.choice((2, 2, 7))),
        cases=[(y, 2) for y in (1900, 2000, 2023, 2024)]
        + [(2023, m) for m in (4, 7, 8, 9, 11, 12)],
        note="(year, month), Gregorian.",
    ),
    season_of_month=row(
        "I->I",
        lambda month: month % 12 // 3,
        Integers(1, 12),
        cases=each(12, 2, 3, 5, 6, 8, 9, 11),
        note="0 for December to February, then 1, 2, 3.",
    ),
    shipping_cost=row(
        "I->I",
        _shipping,
        MARKS,
        draw=_with(_thresholds(2, 5, 90), constants(3, 1, 50)),
        special=_mark,
        cases=lambda s, t, *costs: each(s, s + 1, t, t + 1),
        note="One of three prices, by two weights up to which the cheaper holds.",
    ),
    discount_tier=row(
        "(I,I)->I",
        _discount,
        Integers(1, 200),
        Integers(1, 100),
        draw=_with(_thresholds(2, 5, 60), _thresholds(2, 5, 50)),
        cases=lambda s, t, *rates: [(100, n) for n in (s - 1, s, t - 1, t)],
        note="(price, count): the cost less one of two percentages from two counts on; floor.",
    ),
    step_function=row(
        "I->I",
        lambda x, t, low, high: high if x >= t else low,
        draw=_with(_thresholds(1, -50, 50), constants(2, -20, 20)),
        cases=lambda t, low, high: _around(t),
    ),
    hinge_loss=row(
        "(I,I)->I",
        lambda label, score: max(0, 1 - label * score),
        cases=[(1, 1), (1, 0), (-1, 1), (-1, -1), (1, -5), (0, 7)],
        note="max(0, 1 - a b)",
    ),
    huber_int=row(
        "(I,I)->I",
        _huber,
        Integers(),
        COUNTS,
        cases=[(3, 5), (5, 5), (6, 5), (-6, 5), (-4, 5)],
        note="(x, d): x² up to |x| = d, then d (2 |x| - d).",
    ),
    deadzone=row(
        "(I,I)->I",
        lambda x, d: x if abs(x) > d else 0,
        Integers(),
        Integers(0, 500),
        cases=[(3, 5), (5, 5), (6, 5), (-6, 5), (-5, 5)],
        note="(x, d): 0 up to |x| = d, else x.",
    ),
    saturate_i8=row(
        "I->I", lambda x: min(max(x, -128), 127), cases=each(127, 128, -128, -129, 200, 0)
    ),
    wrap_360=row(
        "I->I",
        lambda x: x % 360,
        Integers(-5000, 5000),
        cases=each(-1, 359, 360, 361, -360, -361, 720),
        note="To 0..359, by the remainder of floored division.",
    ),
    hour12=row(
        "I->I", lambda h: (h - 1) % 12 + 1, Integers(0, 23), cases=each(0, 1, 11, 12, 13, 23)
    ),
    collatz_step=row(
        "I->I", lambda n: 3 * n + 1 if n % 2 else n // 2, Integers(1, 10**6), note="n positive."
    ),
    double_or_halve=row(
        "I->I",
        lambda x: 2 * x if x % 2 else x // 2,
        note="Half of an even number, twice an odd one.",
    ),
    select_op4=row(
        "(I,I,I)->I",
        lambda op, a, b: (a + b, a - b, a * b, max(a, b))[op],
        Integers(0, 3),
        cases=[(0, 7, 3), (1, 7, 3), (2, 7, 3), (3, 7, 3), (3, 2, 9), (1, 2, 9)],
        note="(operation, a, b) over + - x max.",
    ),
    cond_swap_first=row(
        "(I,I)->I",
        lambda a, b: b if a < 0 else a,
        cases=[(0, 7), (1, 7), (-1, 7), (-1, -7), (5, -7)],
        note="The two change places when the first is negative; then the first.",
    ),
    argmax3=row(
        "(I,I,I)->I",
        lambda *abc: abc.index(max(abc)),
        cases=[(9, 1, 2), (1, 9, 2), (1, 2, 9), (5, 5, 1), (1, 5, 5), (5, 1, 5), (4, 4, 4)],
        note="Index from 0 of the first largest.",
    ),
    sort3_middle=row("(I,I,I)->I", lambda *abc: sorted(abc)[1]),
    ramp=row("(I,I)->I", lambda x, t: max(0, x - t), note="max(0, x - t)"),
    triangle_wave=row(
        "(I,I)->I",
        _triangle_wave,
        Integers(),
        SIZE,
        cases=[(0, 5), (3, 5), (5, 5), (7, 5), (10, 5), (-1, 5), (13, 5)],
        note="(x, p): distance of x to the nearest multiple of 2 p.",
    ),
    dist_to_interval=row(
        "(I,I,I)->I",
        lambda x, low, high: max(low - x, 0, x - high),
        Integers(),
        Integers(),
        Integers(previous, 2000),
        cases=[(5, 5, 9), (9, 5, 9), (7, 5, 9), (2, 5, 9), (12, 5, 9)],
        note="(x, low, high), low not above high.",
    ),
    round_to_ten=row(
        "I->I",
        lambda x: (x + 5) // 10 * 10,
        cases=each(4, 5, 14, 15, -4, -5, -6, -15),
        note=HALVES_UP,
    ),
    nearest_multiple=row(
        "(I,I)->I",
        lambda x, m: (2 * x + m) // (2 * m) * m,
        Integers(),
        SIZE,
        cases=[(7, 5), (8, 5), (5, 10), (4, 10), (-5, 10), (-6, 10), (-7, 5), (-8, 5)],
        note="(x, m). " + HALVES_UP,
    ),
    rock_paper_scissors=row(
        "(I,I)->I",
        lambda a, b: (a - b) % 3,
        Integers(0, 2),
        Integers(0, 2),
        cases=[(a, b) for a in range(3) for b in range(3)],
        note="Rock 0, paper 1, scissors 2: 0 for a draw, else who wins, 1 or 2.",
    ),
    next_in_cycle=row(
        "(I,I)->I",
        lambda x, n: (x + 1) % n,
        Integers(0, 1000),
        Integers(lambda earlier, _: earlier[0] + 1, 1001),
        special=lambda rng, _: (n := rng.randint(0, 1000), n + rng.choice((1, 1, 2))),
        cases=[(0, 1), (0, 2), (4, 5), (3, 5), (5, 6)],
        note="(x, n), x in 0..n-1.",
    ),
)
