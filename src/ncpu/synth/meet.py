"""The other half of a target: two stored terms joined by an operator that can be undone.

What is missing from a sum, a difference, a product or a quotient is looked up by its hash, so that
a bank of size n reaches such programs of size 2n + 1.  Greater, lesser, union and intersection are
found among the terms that bound the target; a test is a conjunction, a disjunction or an equation,
whose sides agree where it holds.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ncpu.synth.enumerate import Bank
from ncpu.synth.expression import Expr, call
from ncpu.synth.types import Kind

_KEPT = 8  # pairs of one operator
_TESTS = 300  # shortest tests joined by logic: few examples tell longer ones apart
_SIDES = 50_000  # shortest terms that may be a side of an equation
_GROUP = 12  # neighbours compared, of terms alike where the test holds
_BOUNDS = 1500  # terms that bound the target, smallest first


def halves(bank: Bank, target: np.ndarray, kind: Kind) -> Iterator[Expr]:
    """Pairs of stored terms that make the target, `[examples]`; numbers and truth values."""
    rows = bank.rows[kind]
    if kind not in (Kind.I, Kind.U, Kind.B) or not rows.count:
        return
    if kind is Kind.B:
        yield from _equations(bank, target)
    stored = rows.values[: _TESTS if kind is Kind.B else rows.count][: rows.count]
    with np.errstate(all="ignore"):
        inverses = () if kind is Kind.B else _inverses(bank, stored, target, kind)
        for op, needed, usable, flipped in inverses:
            hashes = rows.hash(np.ascontiguousarray(needed))
            fits = np.flatnonzero(rows.contains(hashes) & usable)
            for place in fits[:_KEPT]:
                other = rows.find(int(hashes[place]))
                if other >= 0 and np.array_equal(rows.values[other], needed[place]):
                    pair = [bank.expr(kind, int(place)), bank.expr(kind, other)]
                    yield call(op, *(pair[::-1] if flipped else pair))
    for op, bounds, join in _bounds(stored, target, kind):
        yield from _joined(bank, kind, target, op, bounds, join)


def _equations(bank: Bank, target: np.ndarray) -> Iterator[Expr]:
    """Pairs of terms that are equal on just the examples that hold."""
    odd = np.random.default_rng(2).integers(1, 1 << 63, len(target), np.uint64) | np.uint64(1)
    odd = np.where(target, odd, np.uint64(0))
    if not 2 <= target.sum() < len(target):
        return
    for op, kind in (("eq", Kind.I), ("ueq", Kind.U)):
        rows = bank.rows[kind]
        values = rows.values[: min(rows.count, _SIDES)]
        hashes = values.view(np.uint64) @ odd
        order = np.argsort(hashes, kind="stable")
        best: tuple[int, int] | None = None
        for gap in range(1, _GROUP):  # terms that agree where the test holds stand together
            one, other = order[:-gap], order[gap:]
            alike = np.flatnonzero(hashes[one] == hashes[other])
            one, other = one[alike], other[alike]
            fits = ((values[one] == values[other]) == target).all(axis=1)
            for pair in zip(one[fits].tolist(), other[fits].tolist(), strict=True):
                if best is None or sum(pair) < sum(best):
                    best = pair
        if best is not None:
            yield call(op, *(bank.expr(kind, place) for place in best))


def _inverses(bank: Bank, stored: np.ndarray, target: np.ndarray, kind: Kind):
    """Operator, row needed beside each stored one, where that is meant, whether it comes first."""
    always = np.ones(len(stored), bool)
    if kind is Kind.U:
        mask = np.uint64((1 << bank.width) - 1)
        yield "uadd", (target - stored) & mask, always, False
        yield "usub", (target + stored) & mask, always, True
        yield "uxor", target ^ stored, always, False
        return
    yield "add", target - stored, always, False
    yield "sub", target + stored, always, True
    divisor = np.where(stored == 0, 1, stored)
    quotient = np.where(stored == 0, 0, target // divisor)
    yield "mul", quotient, (quotient * stored == target).all(axis=1), False
    product = target * stored
    exact = np.where(stored == 0, target == 0, product // divisor == target)
    yield "div", product, exact.all(axis=1), True


def _bounds(stored: np.ndarray, target: np.ndarray, kind: Kind):
    """Operator, stored terms that bound the target on one side, how they are joined."""
    if kind is Kind.I:
        yield "max", (stored <= target), np.maximum
        yield "min", (stored >= target), np.minimum
    elif kind is Kind.B:
        yield "and", stored >= target, np.logical_and
        yield "or", stored <= target, np.logical_or
    else:
        yield "uor", (stored & ~target) == 0, np.bitwise_or
        yield "uand", (target & ~stored) == 0, np.bitwise_and


def _joined(bank: Bank, kind: Kind, target: np.ndarray, op: str, bounds: np.ndarray, join):
    places = np.flatnonzero(bounds.all(axis=1))[:_BOUNDS]
    values = bank.rows[kind].values[places]
    first: tuple[int, int] | None = None
    for one in range(len(places)):
        fits = np.flatnonzero((join(values[one], values[: one + 1]) == target).all(axis=1))
        if len(fits):
            pair = int(places[one]), int(places[fits[0]])
            if first is None or sum(pair) < sum(first):
                first = pair
        elif first is not None and places[one] > sum(first):
            break
    if first is not None:
        yield call(op, *(bank.expr(kind, place) for place in first))
