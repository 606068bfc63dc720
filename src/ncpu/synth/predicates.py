"""Tests that a conditional may split by: stored ones, thresholds, and divisibility."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ncpu.synth.enumerate import Bank
from ncpu.synth.expression import Expr, call, const
from ncpu.synth.mine import roundness
from ncpu.synth.rows import Rows
from ncpu.synth.types import Kind

_SPLIT_TERMS = 60  # integer terms whose thresholds and divisors are tried
_DIVISORS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 100)


@dataclass(frozen=True)
class Predicate:
    """A test.

    Attributes:
      mask: examples it accepts, one bit each.
      cost: its description length.
      write: makes its expression.
    """

    mask: np.uint64
    cost: float
    write: Callable[[], Expr]


def bits(table: np.ndarray) -> np.ndarray:
    """Truth values `[n, examples]` as `u64[n]`."""
    places = np.uint64(1) << np.arange(table.shape[1], dtype=np.uint64)
    return table.astype(np.uint64) @ places


def sizes_of(rows: Rows, places: np.ndarray) -> np.ndarray:
    """Sizes of stored terms."""
    starts = np.array([start for start, _ in rows.spans.values()])
    return np.searchsorted(starts, places, side="right")


def predicates(bank: Bank) -> Iterator[Predicate]:
    """All tests that a bank offers."""
    yield from _enumerated(bank)
    yield from _thresholds(bank)
    yield from _divisible(bank)


def _enumerated(bank: Bank) -> Iterator[Predicate]:
    rows = bank.rows[Kind.B]
    masks = bits(rows.values[: rows.count])
    costs = sizes_of(rows, np.arange(rows.count)) if rows.count else []
    for place, (mask, cost) in enumerate(zip(masks, costs, strict=True)):
        yield Predicate(mask, cost, lambda place=place: bank.expr(Kind.B, place))


def _numbers(bank: Bank) -> Iterator[tuple[int, np.ndarray, float]]:
    """Small integer terms that vary: place, values, size."""
    rows = bank.rows[Kind.I]
    for place in range(min(rows.count, _SPLIT_TERMS)):
        row = rows.values[place]
        if row.min() != row.max():
            yield place, row, float(sizes_of(rows, np.array([place]))[0])


def _thresholds(bank: Bank) -> Iterator[Predicate]:
    """`term < c` for every way a small integer term splits the examples.

    A threshold between neighbouring values is read off the examples and costs nothing.
    """
    for place, row, size in _numbers(bank):
        levels = np.unique(row)
        for low, high in zip(levels[:-1].tolist(), levels[1:].tolist(), strict=True):
            between = {low + 1, high, (low + high + 1) // 2, *_rounded(low, high)}
            cut = min((c for c in between if low < c <= high), key=roundness)
            mask = bits((row < cut)[None])[0]
            loose = 0 if high - low == 1 else 1
            yield Predicate(mask, size + 1 + loose, lambda place=place, cut=cut: call(
                "lt", bank.expr(Kind.I, place), const(cut, Kind.I)))  # fmt: skip


def _divisible(bank: Bank) -> Iterator[Predicate]:
    """Small integer terms divisible by a number that is usual or among the constants."""
    mined = [leaf.expr.data for leaf in bank.leaves if leaf.expr.op == "const"]
    more = [v for v in mined if type(v) is int and 2 < v <= 1000 and v not in _DIVISORS]
    zero = const(0, Kind.I)
    for place, row, size in _numbers(bank):
        if size > 1:
            break
        for divisor in (*_DIVISORS, *more):
            mask = bits((row % divisor == 0)[None])[0]
            yield Predicate(mask, size + 3, lambda place=place, divisor=divisor: call(
                "eq", call("mod", bank.expr(Kind.I, place), const(divisor, Kind.I)),
                zero))  # fmt: skip


def _rounded(low: int, high: int) -> list[int]:
    """The roundest integers in `(low, high]`."""
    found = []
    for power in range(1, 19):
        step = 10**power
        if high // step * step > low:
            found.append(high // step * step)
    return found
