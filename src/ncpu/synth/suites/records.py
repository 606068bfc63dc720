"""B3: points, intervals, fractions, and records of what a pass over an array found."""

from __future__ import annotations

from ncpu.synth.suites.domains import Arrays, Integers, Members, Records, previous
from ncpu.synth.suites.family import each, families, row

Pair = tuple[int, int]
Four = tuple[int, int, int, int]
Array = tuple[int, ...]

SIZES = Records((Integers(0, 1000), Integers(0, 1000)))
INTERVALS = Records((Integers(-100, 100), Integers(previous, 200)))
FRACTIONS = Records((Integers(-100, 100), Integers(1, 100)))
ANY = Arrays()
FILLED = Arrays(range(1, 11))
SAME_LENGTH = Arrays(like=0)
BITS = Arrays(low=0, high=1)


def _tally(a: Array) -> Four:
    return sum(x > 0 for x in a), sum(x < 0 for x in a), a.count(0), sum(a)


def _classify(a: Array, low: int, high: int) -> Four:
    below, above = sum(x < low for x in a), sum(x > high for x in a)
    return below, len(a) - below - above, above, len(a)


def _extrema(a: Array) -> Four:
    return min(a), a.index(min(a)), max(a), a.index(max(a))


def _rate(a: Array, limit: int) -> Four:
    over = sum(x > limit for x in a)
    return sum(a), over, len(a), int(over > 0)


def _correlation(a: Array, b: Array) -> Four:
    return sum(a), sum(b), sum(map(int.__mul__, a, b)), len(a)


def _joint(a: Array, b: Array) -> Four:
    pairs = list(zip(a, b, strict=True))
    return pairs.count((0, 0)), pairs.count((0, 1)), pairs.count((1, 0)), pairs.count((1, 1))


def _complex(p: Pair, q: Pair) -> Pair:
    return p[0] * q[0] - p[1] * q[1], p[0] * q[1] + p[1] * q[0]


FAMILIES = families(
    "B3",
    point_sum=row("P->I", sum),
    point_manhattan=row("(P,P)->I", lambda p, q: abs(p[0] - q[0]) + abs(p[1] - q[1])),
    point_dist_sq=row("(P,P)->I", lambda p, q: (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2),
    point_swap=row("P->P", lambda p: (p[1], p[0])),
    point_scale=row("(P,I)->P", lambda p, k: (k * p[0], k * p[1])),
    rectangle_area=row("P->I", lambda p: p[0] * p[1], SIZES, note="(width, height)"),
    rectangle_perimeter=row("P->I", lambda p: 2 * (p[0] + p[1]), SIZES, note="(width, height)"),
    interval_contains=row(
        "(P,I)->B",
        lambda p, x: p[0] <= x <= p[1],
        INTERVALS,
        Integers(-100, 200),
        cases=[((5, 9), 5), ((5, 9), 9), ((5, 9), 4), ((5, 9), 10), ((3, 3), 3)],
        note="Both ends belong to it.",
    ),
    interval_overlap_len=row(
        "(P,P)->I",
        lambda p, q: max(0, min(p[1], q[1]) - max(p[0], q[0])),
        INTERVALS,
        INTERVALS,
        cases=[((0, 5), (3, 9)), ((0, 5), (5, 9)), ((0, 3), (5, 9)), ((0, 9), (2, 4))],
        note="0 if they do not meet.",
    ),
    fraction_add_numer=row(
        "(P,P)->I",
        lambda p, q: p[0] * q[1] + q[0] * p[1],
        FRACTIONS,
        FRACTIONS,
        note="Over the product of the denominators, not reduced.",
    ),
    complex_mul=row("(P,P)->P", _complex, note="(real, imaginary)"),
    divmod_pair=row(
        "(I,I)->P",
        divmod,
        where=lambda a, b: b != 0,
        cases=[(7, 2), (-7, 2), (7, -2), (-7, -2), (6, 3)],
        note="The quotient floors; the remainder has the divisor's sign.",
    ),
    minmax_pair=row("A->P", lambda a: (min(a), max(a)), FILLED),
    dual_tally=row(
        "A->Q", _tally, cases=each((0, 0, 1, -5)), note="(positives, negatives, zeros, sum)"
    ),
    threshold_classifier=row(
        "(A,I,I)->Q",
        _classify,
        ANY,
        Integers(-50, 50),
        Integers(previous, 100),
        cases=[((1, 2, 3, 4, 5), 2, 4), ((5, 5), 5, 5)],
        note="(below low, between, above high, length); the bounds are between.",
    ),
    paired_extrema=row(
        "A->Q",
        _extrema,
        FILLED,
        cases=each((2, 1, 1, 9, 9), (4,)),
        note="(min, its first index, max, its first index)",
    ),
    rate_limiter=row(
        "(A,I)->Q",
        _rate,
        Arrays(low=0),
        Members(Integers(0, 1000)),
        cases=[((5, 9, 2), 5), ((5, 9, 2), 9), ((5, 9, 2), 8), ((), 0)],
        note="(sum, elements above the limit, length, 1 if there was one)",
    ),
    running_correlation=row(
        "(A,A)->Q", _correlation, ANY, SAME_LENGTH, note="(Σx, Σy, Σxy, n), of one length."
    ),
    joint_counts=row(
        "(A,A)->Q",
        _joint,
        BITS,
        Arrays(low=0, high=1, like=0),
        cases=[((0, 0, 1, 1), (0, 1, 0, 1)), ((1, 1, 0), (1, 1, 1))],
        note="Two bit arrays of one length: how often 00, 01, 10, 11.",
    ),
)
