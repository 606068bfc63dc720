"""B4: small tensors, flattened row by row, and dynamic programs."""

from __future__ import annotations

import math

from ncpu.synth.suites.domains import Arrays, Integers, previous, strictly_ascending
from ncpu.synth.suites.family import each, families, row
from ncpu.synth.suites.loops import recurrence
from ncpu.synth.suites.text import WORD

Array = tuple[int, ...]

SHORT = Arrays(range(7))
FOUR = Arrays((4,))
COINS = Arrays(range(1, 5), 1, 20, strictly_ascending)


def _mat2_trace(a: Array, b: Array) -> int:
    return a[0] * b[0] + a[1] * b[2] + a[2] * b[1] + a[3] * b[3]


def _ways(coins: Array, amount: int) -> int:
    ways = [1] + [0] * amount
    for coin in coins:
        for total in range(coin, amount + 1):
            ways[total] += ways[total - coin]
    return ways[amount]


def _fewest(coins: Array, amount: int) -> int:
    fewest = [0]
    for total in range(1, amount + 1):
        fewest.append(1 + min((fewest[total - c] for c in coins if c <= total), default=amount))
    return fewest[amount] if fewest[amount] <= amount else -1


def _common(a: Array, b: Array) -> int:
    above = [0] * (len(b) + 1)
    for x in a:
        here = [0]
        for j, y in enumerate(b):
            here.append(above[j] + 1 if x == y else max(above[j + 1], here[j]))
        above = here
    return above[-1]


def _edits(a: str, b: str) -> int:
    above = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        here = [i]
        for j, y in enumerate(b):
            here.append(min(above[j] + (x != y), above[j + 1] + 1, here[j] + 1))
        above = here
    return above[-1]


def _knapsack(weights: Array, values: Array, capacity: int) -> int:
    best = [0] * (capacity + 1)
    for weight, value in zip(weights, values, strict=True):
        for room in range(capacity, weight - 1, -1):
            best[room] = max(best[room], best[room - weight] + value)
    return best[capacity]


def _rising_subsequence(a: Array) -> int:
    lengths: list[int] = []
    for i, x in enumerate(a):
        lengths.append(1 + max((lengths[j] for j in range(i) if a[j] < x), default=0))
    return max(lengths, default=0)


def _best_product(a: Array) -> int:
    best = low = high = a[0]
    for x in a[1:]:
        low, high = min(x, x * low, x * high), max(x, x * low, x * high)
        best = max(best, high)
    return best


def _square_sum(a: Array) -> int:
    return sum(x * x for x in a)


def _diagonal(a: Array) -> int:
    return sum(a[:: math.isqrt(len(a)) + 1])


FAMILIES = families(
    "B4",
    dot_product_4d=row(
        "(A,A)->I", lambda a, b: sum(map(int.__mul__, a, b)), FOUR, FOUR, note="Of length 4."
    ),
    matrix_diagonal_sum=row(
        "A->I",
        _diagonal,
        Arrays((1, 4, 9, 16)),
        cases=each((1, 2, 3, 4), (1, 2, 3, 4, 5, 6, 7, 8, 9)),
        note="Square matrices of 1 to 4 rows.",
    ),
    mat2_determinant=row("A->I", lambda a: a[0] * a[3] - a[1] * a[2], FOUR),
    mat2_mul_trace=row("(A,A)->I", _mat2_trace, FOUR, FOUR, note="Trace of the product."),
    mat_vec_2=row(
        "(A,A)->A",
        lambda m, v: (m[0] * v[0] + m[1] * v[1], m[2] * v[0] + m[3] * v[1]),
        FOUR,
        Arrays((2,)),
    ),
    transpose_2x3=row("A->A", lambda a: (a[0], a[3], a[1], a[4], a[2], a[5]), Arrays((6,))),
    outer_product_norm_sq=row(
        "(A,A)->I",
        lambda a, b: _square_sum(a) * _square_sum(b),
        SHORT,
        SHORT,
        note="Sum of the squares of all products of an element of each.",
    ),
    convolution_1d_sum=row(
        "(A,A)->I",
        lambda a, b: sum(a) * sum(b),
        SHORT,
        SHORT,
        note="Sum of the full convolution; 0 if one is empty.",
    ),
    broadcast_scale_sum=row("(I,A)->I", lambda k, a: sum(k * x for x in a)),
    climb_stairs=row(
        "I->I",
        recurrence(1, 1, step=int.__add__),
        Integers(0, 80),
        cases=each(0, 1, 2, 3, 4, 5, 6, 10),
        note="Ways in steps of 1 and 2: 1, 1, 2, 3, 5.",
    ),
    coin_change_ways=row(
        "(A,I)->I",
        _ways,
        COINS,
        Integers(0, 60),
        cases=[((1, 2, 5), 5), ((2,), 3), ((1,), 0), ((2, 3), 12)],
        note="(coins, amount), in any order; coins strictly ascending.",
    ),
    min_coins=row(
        "(A,I)->I",
        _fewest,
        COINS,
        Integers(0, 60),
        cases=[((1, 2, 5), 11), ((2,), 3), ((1,), 0), ((1, 3, 4), 6), ((5, 7), 13)],
        note="(coins, amount); -1 if impossible; coins strictly ascending.",
    ),
    lcs_length=row(
        "(A,A)->I",
        _common,
        SHORT,
        SHORT,
        special=lambda rng, _: tuple(
            tuple(rng.choices(range(3), k=rng.randrange(7))) for _ in range(2)
        ),
        cases=[((1, 2, 3), (1, 3)), ((1, 2, 3), (3, 2, 1)), ((1, 2, 1, 2), (2, 1, 2, 1))],
        note="Longest common subsequence.",
    ),
    edit_distance=row(
        "(S,S)->I",
        _edits,
        WORD,
        WORD,
        special=lambda rng, _: tuple("".join(rng.choices("ab", k=rng.randrange(7))) for _ in "xy"),
        cases=[("kitten", "sitting"), ("abc", "abc"), ("", "abc"), ("flaw", "lawn")],
        note="Insertions, deletions, substitutions.",
    ),
    knapsack_small=row(
        "(A,A,I)->I",
        _knapsack,
        Arrays(range(7), 1, 10),
        Arrays(low=0, high=50, like=0),
        Integers(0, 30),
        cases=[((1, 3, 4), (15, 20, 30), 4), ((5,), (10,), 4), ((2, 2), (3, 4), 4)],
        note="(weights, values, capacity), each thing once.",
    ),
    pascal_entry=row(
        "(I,I)->I",
        math.comb,
        Integers(0, 40),
        Integers(0, previous),
        cases=[(0, 0), (5, 2), (6, 3), (7, 7), (7, 1)],
        note="(row, place), both from 0.",
    ),
    grid_paths=row(
        "(I,I)->I",
        lambda rows, columns: math.comb(rows + columns - 2, rows - 1),
        Integers(1, 20),
        Integers(1, 20),
        cases=[(1, 1), (2, 2), (3, 7), (1, 5), (3, 3)],
        note="From corner to corner of rows x columns cells, right and down.",
    ),
    longest_increasing_subseq=row(
        "A->I",
        _rising_subsequence,
        cases=each((10, 9, 2, 5, 3, 7, 101, 18), (), (2, 2), (3, 2, 1), (1, 9, 2, 3)),
        note="Strictly; not only of consecutive elements.",
    ),
    max_product_subarray=row(
        "A->I",
        _best_product,
        Arrays(range(1, 9), -9, 9),
        cases=each((2, 3, -2, 4), (-2, 0, -1), (-2, 3, -4), (-3,), (0, 2)),
        note="Of consecutive elements, at least one.",
    ),
)
