"""B1: arrays out, sorting and searching; indices count from 0."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from itertools import accumulate, combinations, groupby, pairwise

from ncpu.synth.suites.domains import (
    Arrays,
    Integers,
    Members,
    ascending,
    length,
    previous,
    strictly_ascending,
)
from ncpu.synth.suites.family import each, families, row

Array = tuple[int, ...]

ANY = Arrays()
FILLED = Arrays(range(1, 11))
SORTED = Arrays(order=ascending)
SAME_LENGTH = Arrays(like=0)
COUNT = Integers(0, 12)
DOUBLES = each((3, 1, 2, 1, 3), (1, 1, 1), (2, 2, 1))


def _search(a: Array, x: int) -> int:
    return a.index(x) if x in a else -1


def _rotate(a: Array, k: int) -> Array:
    k %= len(a) or 1
    return a[k:] + a[:k]


def _zip(function: Callable[[int, int], int]) -> Callable[[Array, Array], Array]:
    return lambda a, b: tuple(map(function, a, b))


FAMILIES = families(
    "B1",
    sort_ascending=row("A->A", ascending, cases=DOUBLES),
    sort_descending=row("A->A", lambda a: tuple(sorted(a, reverse=True)), cases=DOUBLES),
    sort_and_sum=row(
        "(A,I)->I",
        lambda a, k: sum(sorted(a)[:k]),
        ANY,
        Integers(0, length),
        note="Sum of the k smallest, at most all.",
    ),
    kth_smallest=row(
        "(A,I)->I", lambda a, k: sorted(a)[k - 1], FILLED, Integers(1, length), note="k from 1."
    ),
    kth_largest=row(
        "(A,I)->I", lambda a, k: sorted(a)[-k], FILLED, Integers(1, length), note="k from 1."
    ),
    median_odd=row(
        "A->I",
        lambda a: sorted(a)[len(a) // 2],
        Arrays(range(1, 10, 2)),
        cases=each((9, 1, 5), (3, 3, 1), (4, 1, 5, 2, 3)),
        note="Of an odd number of elements.",
    ),
    count_distinct=row("A->I", lambda a: len(set(a)), cases=DOUBLES),
    count_inversions=row(
        "A->I",
        lambda a: sum(x > y for x, y in combinations(a, 2)),
        cases=[*DOUBLES, ((3, 2, 1),), ((1, 2, 3),)],
    ),
    binary_search=row(
        "(A,I)->I",
        _search,
        Arrays(order=strictly_ascending),
        Members(),
        cases=[((1, 3, 5), 3), ((1, 3, 5), 4), ((1, 3, 5), 5)],
        note="Index in a strictly ascending array; -1 if not there.",
    ),
    lower_bound=row(
        "(A,I)->I",
        bisect_left,
        SORTED,
        Members(),
        cases=[((1, 3, 3, 5), 3), ((1, 3, 5), 4), ((1, 3, 5), 9), ((1, 3, 5), 0)],
        note="In an ascending array the first index not below; the length if all are.",
    ),
    merge_sorted=row("(A,A)->A", lambda a, b: ascending(a + b), SORTED, SORTED),
    reverse_array=row("A->A", lambda a: a[::-1]),
    rotate_left=row("(A,I)->A", _rotate, ANY, COUNT, note="By k modulo the length."),
    prefix_sums=row("A->A", lambda a: tuple(accumulate(a))),
    running_max=row("A->A", lambda a: tuple(accumulate(a, max))),
    adjacent_diffs=row(
        "A->A", lambda a: tuple(y - x for x, y in pairwise(a)), note="Later less earlier."
    ),
    map_square=row("A->A", lambda a: tuple(x * x for x in a)),
    array_triple=row("A->A", lambda a: tuple(3 * x for x in a), note="Each element times three."),
    map_add_k=row("(A,I)->A", lambda a, k: tuple(x + k for x in a)),
    clamp_all=row(
        "(A,I,I)->A",
        lambda a, low, high: tuple(min(max(x, low), high) for x in a),
        ANY,
        Integers(-500, 500),
        Integers(previous, 1000),
        cases=[((-9, 0, 9), -5, 5), ((1, 2, 3), 2, 2)],
        note="low is not above high.",
    ),
    filter_positive=row("A->A", lambda a: tuple(x for x in a if x > 0)),
    filter_multiple_of=row(
        "(A,I)->A",
        lambda a, k: tuple(x for x in a if x % k == 0),
        ANY,
        Integers(1, 12),
        cases=[((1, 2, 3, 4, 6), 2), ((1, 2, 3, 4, 6), 3), ((-4, 0, 5), 4), ((1, 5), 1)],
    ),
    remove_value=row(
        "(A,I)->A",
        lambda a, x: tuple(y for y in a if y != x),
        ANY,
        Members(),
        cases=[((5, 1, 5), 5), ((5, 1), 2)],
        note="All its occurrences.",
    ),
    dedup_adjacent=row(
        "A->A",
        lambda a: tuple(x for x, _ in groupby(a)),
        special=lambda rng, _: (tuple(rng.choices(range(3), k=rng.randrange(9))),),
        cases=each((1, 1, 2, 1), (2, 2, 2), (1, 2, 1)),
    ),
    take_k=row("(A,I)->A", lambda a, k: a[:k], ANY, COUNT, note="All, if k is above the length."),
    drop_k=row("(A,I)->A", lambda a, k: a[k:], ANY, COUNT, note="None, if k is above the length."),
    slice_k_n=row(
        "(A,I,I)->A",
        lambda a, k, n: a[k : k + n],
        ANY,
        COUNT,
        COUNT,
        cases=[((1, 2, 3, 4, 5), 1, 3), ((1, 2, 3), 1, 9), ((1, 2, 3, 4), 0, 2), ((7, 8), 5, 1)],
        note="Up to n elements from index k on.",
    ),
    zip_add=row("(A,A)->A", _zip(int.__add__), note="As long as the shorter."),
    zip_max=row("(A,A)->A", _zip(max), note="As long as the shorter."),
    interleave=row(
        "(A,A)->A",
        lambda a, b: tuple(x for pair in zip(a, b, strict=True) for x in pair),
        ANY,
        SAME_LENGTH,
        note="Of one length.",
    ),
    partition_parity=row(
        "A->A", lambda a: tuple(sorted(a, key=lambda x: x % 2)), note="Evens, then odds; stable."
    ),
    append_last_twice=row(
        "A->A", lambda a: (*a, a[-1]), FILLED, note="The last element is repeated once more."
    ),
)
