"""A7: reductions of arrays to one value; indices count from 0."""

from __future__ import annotations

import math
from functools import reduce
from itertools import accumulate, combinations, groupby, pairwise, takewhile
from operator import xor
from random import Random

from ncpu.synth.suites.arithmetic import constants
from ncpu.synth.suites.domains import (
    Arguments,
    Arrays,
    Integers,
    Members,
    Parameters,
    length,
)
from ncpu.synth.suites.family import each, families, row

ANY = Arrays()
FILLED = Arrays(range(1, 11))
PAIRED = Arrays(range(2, 11))
SAME_LENGTH = Arrays(like=0)


def _sorted(rng: Random, _: Parameters) -> Arguments:
    values = sorted(rng.choices(range(-20, 20), k=rng.randrange(9)))
    if len(values) > 1 and rng.random() < 0.3:
        values[0], values[-1] = values[-1], values[0]
    return (tuple(values),)


def _palindrome(rng: Random, _: Parameters) -> Arguments:
    half = rng.choices(range(-9, 10), k=rng.randrange(5))
    return (tuple(half + half[-1 - rng.randrange(2) :: -1]),)


def _positive(rng: Random, _: Parameters) -> Arguments:
    return (tuple(rng.choices(range(rng.choice((0, 1)), 20), k=rng.randrange(9))),)


def _evenless(rng: Random, _: Parameters) -> Arguments:
    odd = rng.choices(range(-9, 10, 2), k=rng.randrange(6))
    return (tuple(odd + rng.choices((4, -6, 1, 3), k=rng.randrange(3))),)


def _with_zeros(rng: Random, _: Parameters) -> Arguments:
    return (tuple(rng.choices((0, 0, 1, -1, 10), k=rng.randrange(9))),)


def _target(rng: Random, _: Parameters) -> Arguments:
    values = tuple(rng.choices(range(-20, 21), k=rng.randint(2, 8)))
    return values, sum(rng.sample(values, 2)) + rng.choice((0, 0, 1))


def _with_runs(rng: Random, _: Parameters) -> Arguments:
    runs = ([rng.randint(-3, 3)] * rng.randint(1, 4) for _ in range(rng.randrange(5)))
    return (sum(map(tuple, runs), ())[:10],)


def _best_run(values: tuple[int, ...]) -> int:
    return max(accumulate(values, lambda total, x: max(total, 0) + x))


def _rising(values: tuple[int, ...]) -> int:
    longest = here = int(bool(values))
    for a, b in pairwise(values):
        here = here + 1 if b > a else 1
        longest = max(longest, here)
    return longest


def _peaks(values: tuple[int, ...]) -> int:
    return sum(a < b > c for a, b, c in zip(values, values[1:], values[2:], strict=False))


def _sign_changes(values: tuple[int, ...]) -> int:
    return sum((a > 0) != (b > 0) for a, b in pairwise(x for x in values if x))


def _profit(values: tuple[int, ...]) -> int:
    return max([0, *(b - a for a, b in combinations(values, 2))])


FAMILIES = families(
    "A7",
    array_sum=row("A->I", sum),
    array_product=row("A->I", math.prod, Arrays(range(9), -9, 9), note="1 if empty."),
    array_max=row("A->I", max, FILLED),
    min_element=row("A->I", min, FILLED),
    array_mean_floor=row(
        "A->I", lambda a: sum(a) // len(a), FILLED, cases=each((-1, 0), (1, 2)), note="Floors."
    ),
    array_range=row("A->I", lambda a: max(a) - min(a), FILLED, note="Largest less smallest."),
    max_abs=row("A->I", lambda a: max(map(abs, a)), FILLED),
    min_positive=row(
        "A->I", lambda a: min((x for x in a if x > 0), default=0), ANY, note="0 if there is none."
    ),
    second_max=row(
        "A->I",
        lambda a: sorted(a)[-2],
        PAIRED,
        cases=each((5, 5, 1), (1, 5, 5, 3), (2, 1), (-4, -9, -2)),
        note="An equal of the largest counts.",
    ),
    count_positive=row("A->I", lambda a: sum(x > 0 for x in a)),
    count_negative=row("A->I", lambda a: sum(x < 0 for x in a)),
    count_zeros=row(
        "A->I", lambda a: a.count(0), special=_with_zeros, cases=each((0, 0, 1), (5, 0, 0, 0))
    ),
    count_evens=row("A->I", lambda a: sum(x % 2 == 0 for x in a)),
    count_occurrences=row(
        "(A,I)->I", lambda a, x: a.count(x), ANY, Members(), cases=[((5, 5, 1), 5), ((5, 1), 2)]
    ),
    count_greater_than=row("(A,I)->I", lambda a, x: sum(y > x for y in a), ANY, Members()),
    sum_positives=row("A->I", lambda a: sum(x for x in a if x > 0)),
    sum_negatives=row("A->I", lambda a: sum(x for x in a if x < 0)),
    sum_absolute=row("A->I", lambda a: sum(map(abs, a))),
    arr_sum_squares=row("A->I", lambda a: sum(x * x for x in a)),
    sum_at_even_indices=row("A->I", lambda a: sum(a[::2])),
    sum_odd_indexed=row("A->I", lambda a: sum(a[1::2]), note="Of the elements at odd indices."),
    alternating_sum=row("A->I", lambda a: sum(a[::2]) - sum(a[1::2])),
    weighted_index_sum=row(
        "A->I", lambda a: sum(i * x for i, x in enumerate(a)), note="Index from 0 times element."
    ),
    dot_product=row(
        "(A,A)->I",
        lambda a, b: sum(map(int.__mul__, a, b)),
        ANY,
        SAME_LENGTH,
        note="Of one length.",
    ),
    l1_distance=row(
        "(A,A)->I",
        lambda a, b: sum(abs(x - y) for x, y in zip(a, b, strict=True)),
        ANY,
        SAME_LENGTH,
        note="Of one length.",
    ),
    xor_all=row("A->I", lambda a: reduce(xor, a, 0), note="Two's complement; 0 if empty."),
    gcd_all=row(
        "A->I",
        lambda a: math.gcd(*a),
        special=lambda rng, _: (
            tuple(rng.choice((2, 6, 15)) * rng.randint(-9, 9) for _ in range(rng.randrange(6))),
        ),
        cases=each(
            (12, 18),
            (-4, 6),
            (0, 5),
            (7,),
            (6, 8, 10, 12),
            (4, 6, 10, 8, 12),
            (30, -42, 70, 105),
            (18, -24, 60),
            (-8, -8, 17, -18, 0, -2),
            (-21, 14, 35, 49),
        ),
        note="Never negative; 0 if empty.",
    ),
    first_element=row("A->I", lambda a: a[0], FILLED),
    last_element=row("A->I", lambda a: a[-1], FILLED),
    kth_from_end=row(
        "(A,I)->I", lambda a, k: a[-k], FILLED, Integers(1, length), note="k from 1: the last."
    ),
    find_first_even=row(
        "A->I",
        lambda a: next((x for x in a if x % 2 == 0), -1),
        special=_evenless,
        cases=each((1, 3), (1, 4, 6), (-3, -2)),
        note="The element; -1 if there is none.",
    ),
    index_of=row(
        "(A,I)->I",
        lambda a, x: a.index(x) if x in a else -1,
        ANY,
        Members(),
        cases=[((5, 7, 5), 5), ((5, 7), 7), ((5, 7), 6)],
        note="The first; -1 if there is none.",
    ),
    contains_value=row(
        "(A,I)->B", lambda a, x: x in a, ANY, Members(), cases=[((5, 7), 7), ((5, 7), 6)]
    ),
    argmax_index=row(
        "A->I", lambda a: a.index(max(a)), FILLED, cases=each((1, 9, 9), (3, 2)), note="The first."
    ),
    any_negative=row("A->B", lambda a: any(x < 0 for x in a), special=_positive),
    all_positive=row("A->B", lambda a: all(x > 0 for x in a), special=_positive),
    is_sorted=row(
        "A->B",
        lambda a: list(a) == sorted(a),
        special=_sorted,
        cases=each((1, 1, 2), (2, 1), (1, 3, 2), (1, 2, 3), ()),
        note="Ascending; equals may stand together.",
    ),
    is_palindrome_arr=row(
        "A->B",
        lambda a: a == a[::-1],
        special=_palindrome,
        cases=each((1, 2, 1), (1, 2), (1, 2, 2, 1), (1, 2, 3, 1), ()),
    ),
    count_peaks=row(
        "A->I",
        _peaks,
        cases=each((1, 3, 1), (1, 3, 3, 1), (5, 1, 5), (1, 3, 2, 4, 1)),
        note="Elements above both neighbours; the ends have only one.",
    ),
    count_sign_changes=row(
        "A->I", _sign_changes, cases=each((1, -1), (1, 0, -1), (1, 0, 1)), note="Without zeros."
    ),
    max_pair_diff=row(
        "A->I",
        lambda a: max(y - x for x, y in combinations(a, 2)),
        PAIRED,
        cases=each((5, 3, 1), (1, 9), (9, 1, 5), (4, 4)),
        note="The largest of later less earlier; negative where the array falls.",
    ),
    max_adjacent_diff=row(
        "A->I",
        lambda a: max(abs(y - x) for x, y in pairwise(a)),
        PAIRED,
        note="Of absolute differences.",
    ),
    max_consecutive_sum=row(
        "A->I",
        _best_run,
        FILLED,
        cases=each((-5, -3, -9), (2, -1, 3), (4, -9, 5), (1, 2, 3), (5, -1, -1)),
        note="Largest sum of consecutive elements, at least one.",
    ),
    min_consecutive_sum=row(
        "A->I",
        lambda a: -_best_run(tuple(-x for x in a)),
        FILLED,
        cases=each((5, 3, 9), (-2, 1, -3), (-4, 9, -5), (-1, -2, -3)),
        note="Smallest sum of consecutive elements, at least one.",
    ),
    longest_increasing_run=row(
        "A->I",
        _rising,
        special=_sorted,
        cases=each((), (1, 2, 2, 3, 4), (3, 2, 1), (1, 5, 2, 3, 4)),
        note="Strictly, of consecutive elements.",
    ),
    longest_plateau=row(
        "A->I",
        lambda a: max((len(list(run)) for _, run in groupby(a)), default=0),
        special=_with_runs,
        cases=each((), (1, 1, 2), (1, 2, 2, 2, 1), (1, 2, 1)),
        note="Longest run of equal elements.",
    ),
    max_stock_profit=row(
        "A->I",
        _profit,
        Arrays(low=0),
        cases=each((7, 1, 5, 3, 6, 4), (7, 6, 4, 3, 1), (), (3,), (9, 1, 4)),
        note="Buy, then sell, once or not at all; prices are not negative.",
    ),
    prefix_sum_k=row(
        "(A,I)->I",
        lambda a, k: sum(a[:k]),
        ANY,
        Integers(0, length),
        note="Of the first k, at most all.",
    ),
    prefix_max_sum=row(
        "A->I", lambda a: sum(accumulate(a, max)), note="Sum of the running maxima."
    ),
    sum_until_negative=row(
        "A->I",
        lambda a: sum(takewhile(lambda x: x >= 0, a)),
        special=_positive,
        cases=each(
            (1, 2, -3, 4),
            (-1, 5, 6),
            (1, 2, 3),
            (5, 0, 2, -1, 7),
            (1, -3, 4, 7),
            (),
            (7, 3, -2, 50, 60),
            (12, -1, -1),
            (4, 9, 30, -7, 100),
            (-5, 8, 9, 10),
        ),
        note="Of the elements before the first negative one.",
    ),
    two_sum_exists=row(
        "(A,I)->B",
        lambda a, x: any(p + q == x for p, q in combinations(a, 2)),
        special=_target,
        cases=[((3, 4), 6), ((3, 3), 6), ((1, 5, 2), 7), ((), 0), ((1, 5, 2), 4)],
        note="Of two different positions.",
    ),
    closure_map_sum=row(
        "A->I",
        lambda a, p, q: sum(p * x + q for x in a),
        draw=constants(2, -9, 9),
        note="Sum of p x + q.",
    ),
    reverse_sum=row("A->I", lambda a: sum(reversed(a)), note="From the end."),
)
