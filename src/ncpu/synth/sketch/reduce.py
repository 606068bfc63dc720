"""Accumulators: `finish(op over source of (value(x) where test(x)))`, every hole in batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ncpu.synth.enumerate import Bank, OutOfBudget
from ncpu.synth.expression import Expr, call, const
from ncpu.synth.operators import TABLE
from ncpu.synth.sketch.finish import Found, Gathered
from ncpu.synth.sketch.streams import Stream
from ncpu.synth.types import INT_MAX, INT_MIN, Kind

_ELEMENT_OPS: list[str] = [
    "add",
    "sub",
    "mul",
    "div",
    "mod",
    "abs",
    "neg",
    "lt",
    "le",
    "eq",
    "and",
    "or",
    "not",
]
_ELEMENT_OPS_WIDE = [*_ELEMENT_OPS, "min", "max"]
_CONJOINED = 60
_SMALL = 600  # expressions among which those of the element alone are sought
_GROWTH = 0.3  # seconds


@dataclass(frozen=True)
class Monoid:
    """How values are gathered: operator, start, and the value that changes nothing."""

    op: str
    ufunc: np.ufunc
    start: int
    identity: int


MONOIDS = (
    Monoid("add", np.add, 0, 0),
    Monoid("max", np.maximum, INT_MIN, INT_MIN),
    Monoid("min", np.minimum, INT_MAX, INT_MAX),
    Monoid("mul", np.multiply, 1, 1),
    Monoid("max", np.maximum, 0, INT_MIN),
    Monoid("ixor", np.bitwise_xor, 0, 0),
    Monoid("gcd", np.gcd, 0, 0),
)


def bodies(stream: Stream, most: int, wide: bool = False) -> Bank:
    """Expressions of one element, as many as `most` rows of one kind."""
    names = _ELEMENT_OPS_WIDE if wide else _ELEMENT_OPS
    bank = Bank(stream.leaves, [TABLE[n] for n in names], len(stream.leaves[0].values),
                memory=1 << 28)  # fmt: skip
    enlarge(bank, most)
    return bank


def enlarge(bank: Bank, most: int) -> None:
    """Grows a bank to `most` rows of one kind, or until its limits; a level may stay incomplete."""
    bank.deadline = time.perf_counter() + _GROWTH
    try:
        while bank.size < 7 and max(r.count for r in bank.rows.values()) < most:
            bank.grow()
    except OutOfBudget:
        pass


def gathered(values: np.ndarray, stream: Stream, ufunc: np.ufunc, start: Any) -> np.ndarray:
    """Rows `[n, elements]` gathered per example, `[n, examples used]`."""
    out = np.full((len(values), len(stream.lengths)), start, values.dtype)
    filled = np.flatnonzero(stream.lengths)
    if len(filled):
        parts = ufunc.reduceat(values, stream.starts[filled], axis=1)
        out[:, filled] = ufunc(parts, np.asarray(start, values.dtype))
    return out


class Reductions:
    """This sketch over one stream, as far as its expressions of an element have grown."""

    def __init__(self, stream: Stream, deadline: float):
        self.stream, self.deadline = stream, deadline
        self.bank = bodies(stream, 0)

    def plain(self, most: int, monoids: Sequence[Monoid] = MONOIDS) -> Iterator[Gathered]:
        """Every element is gathered."""
        numbers = self.bank.rows[Kind.I]
        values = numbers.values[: min(numbers.count, most)]
        sizes = self.bank.sizes(Kind.I)[: len(values)]
        for rank, monoid in enumerate(monoids):
            _check(self.deadline)
            rows = gathered(values, self.stream, monoid.ufunc, monoid.start)
            costs = self.stream.cost + sizes + rank / 2
            yield Gathered(rows, costs, self._maker(monoid, None), self.stream.chosen)

    def filtered(self, most_values: int, most_tests: int) -> Iterator[Gathered]:
        """Elements that pass a test are gathered."""
        numbers, tests = self.bank.rows[Kind.I], self.bank.rows[Kind.B]
        n_tests = min(tests.count, most_tests)
        sizes, test_sizes = self.bank.sizes(Kind.I), self.bank.sizes(Kind.B)[:n_tests]
        for rank, monoid in enumerate(MONOIDS):
            blocks, origins, costs = [], [], []
            for place in self._values(most_values):
                _check(self.deadline)
                row = numbers.values[place]
                masked = np.where(tests.values[:n_tests], row, np.int64(monoid.identity))
                blocks.append(gathered(masked, self.stream, monoid.ufunc, monoid.start))
                origins += [(place, test) for test in range(n_tests)]
                costs.append(self.stream.cost + sizes[place] + test_sizes + rank / 2 + 1)
            if origins:
                make = self._maker(monoid, origins)
                rows = np.concatenate(blocks)
                yield Gathered(rows, np.concatenate(costs), make, self.stream.chosen)

    def _values(self, most: int) -> list[int]:
        """The first rows, and the small ones that are made of the element alone."""
        count = self.bank.rows[Kind.I].count
        small = int(np.searchsorted(self.bank.sizes(Kind.I), 3, side="right"))
        found = list(range(min(count, most)))
        element = self.stream.leaves[0].expr
        for place in range(len(found), min(small, _SMALL)):
            value = self.bank.expr(Kind.I, place)
            if all(term is element for term in value.args):
                found.append(place)
        return found

    def conjoined(self) -> Iterator[Gathered]:
        """Elements that pass two tests, either, or one alone, are counted or summed."""
        numbers, tests = self.bank.rows[Kind.I], self.bank.rows[Kind.B]
        small = np.flatnonzero(self.bank.sizes(Kind.B) <= 3)[:_CONJOINED]
        ones, others = np.triu_indices(len(small), 1)
        passed: Any = tests.values[small]
        one, other = passed[ones], passed[others]
        sizes = self.bank.sizes(Kind.B)[small]
        for op, joined in (("and", one & other), ("or", one | other), ("xor", one ^ other)):
            for rank, value in enumerate(self._counted()):
                _check(self.deadline)
                rows = gathered(np.where(joined, numbers.values[value], 0), self.stream, np.add, 0)
                costs = self.stream.cost + sizes[ones] + sizes[others] + 2.0 + rank / 2

                def make(place: int, op: str = op, value: int = value) -> Expr:
                    pair = (self.bank.expr(Kind.B, int(small[p[place]])) for p in (ones, others))
                    return self._folded(MONOIDS[0], value, call(op, *pair))

                yield Gathered(rows, costs, make, self.stream.chosen)

    def _counted(self) -> list[int]:
        """Rows of one and of the element."""
        numbers = self.bank.rows[Kind.I]
        exprs = {self.bank.expr(Kind.I, k): k for k in range(min(numbers.count, 20))}
        wanted = (const(1, Kind.I), self.stream.leaves[0].expr)
        return [exprs[e] for e in wanted if e in exprs]

    def quantified(self, target: np.ndarray) -> Iterator[Found]:
        """All, or any, of the elements pass a test."""
        tests = self.bank.rows[Kind.B]
        values = tests.values[: tests.count]
        sizes = self.bank.sizes(Kind.B)
        wanted = target[self.stream.chosen]
        for op, ufunc, start in (("and", np.logical_and, True), ("or", np.logical_or, False)):
            rows = gathered(values, self.stream, ufunc, start)
            for negated in (False, True):
                for place in np.flatnonzero((rows == (wanted ^ negated)).all(axis=1))[:3]:
                    test = self.bank.expr(Kind.B, int(place))
                    program = self.stream.fold(
                        const(start, Kind.B), lambda acc, op=op, test=test: call(op, acc, test)
                    )
                    cost = self.stream.cost + sizes[place] + 2 * negated
                    yield Found(float(cost), call("not", program) if negated else program)

    def _maker(
        self, monoid: Monoid, origins: list[tuple[int, int]] | None
    ) -> Callable[[int], Expr]:
        def make(place: int) -> Expr:
            number, test = (place, None) if origins is None else origins[place]
            condition = None if test is None else self.bank.expr(Kind.B, test)
            return self._folded(monoid, number, condition)

        return make

    def _folded(self, monoid: Monoid, number: int, test: Expr | None) -> Expr:
        value = self.bank.expr(Kind.I, number)

        def step(acc: Expr) -> Expr:
            taken = call(monoid.op, acc, value)
            return taken if test is None else call("ite_i", test, taken, acc)

        return self.stream.fold(const(monoid.start, Kind.I), step)


def _check(deadline: float) -> None:
    if time.perf_counter() > deadline:
        raise OutOfBudget
