"""Functions that do not change when their arguments change places: one term, over all rotations.

A term of the first argument and the others is evaluated with the arguments rotated; the results
are joined by a sum, by logic or by an extremum.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from ncpu.synth.enumerate import Bank, Leaf, OutOfBudget
from ncpu.synth.expression import Expr, arg, call, const, substitute
from ncpu.synth.spec import Budget, Solution, SynthesisSpec, batch
from ncpu.synth.strategies.common import operators_of, solution
from ncpu.synth.types import Kind

_JOINS: dict[Kind, tuple[tuple[str, Any], ...]] = {
    Kind.I: (("add", np.add), ("max", np.maximum), ("min", np.minimum)),
    Kind.U: (("uor", np.bitwise_or), ("uand", np.bitwise_and), ("uxor", np.bitwise_xor)),
    Kind.B: (("and", np.logical_and), ("or", np.logical_or), ("xor", np.logical_xor)),
}
_IDEMPOTENT = frozenset(("max", "min", "uor", "uand", "and", "or"))
_LARGEST = 9


@dataclass(frozen=True)
class Symmetric:
    """A small term joined over the rotations of the arguments.

    Attributes:
      name: what reports call it.
    """

    name: str = "symmetric"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """The program of the smallest term, if the examples leave the order of arguments open."""
        start = time.perf_counter()
        kinds, kind = spec.signature.arguments, spec.signature.result
        if len(kinds) < 2 or len(set(kinds)) > 1 or kinds[0] not in _JOINS or kind not in _JOINS:
            return None
        if _depends_on_order(spec):
            return None
        bank = _rotated_bank(spec, start + budget.seconds, budget.bytes // 4)
        try:
            while bank.size < _LARGEST:
                seen = {k: rows.count for k, rows in bank.rows.items()}
                bank.grow()
                for joined, term in _fitting(bank, spec, seen):
                    program = _joined(joined, term, kinds) if joined else term
                    return solution(self.name, spec, program, start, cost=term.size + 1.0,
                                    candidates=bank.candidates)  # fmt: skip
        except OutOfBudget:
            pass
        return None


def _depends_on_order(spec: SynthesisSpec) -> bool:
    """Whether two examples of the same arguments in another order differ."""
    known: dict[tuple[Any, ...], Any] = {}
    return any(
        known.setdefault(tuple(sorted(e.arguments)), e.result) != e.result  # type: ignore[type-var]
        for e in spec.examples
    )


def _rotated_bank(spec: SynthesisSpec, deadline: float, memory: int) -> Bank:
    """Terms over the arguments in every rotation, one rotation's examples after the other's."""
    kind, columns = spec.signature.arguments[0], spec.arguments
    count, total = len(columns), len(columns) * len(spec.examples)
    leaves = [
        Leaf(arg(k, kind), np.concatenate([columns[(k + turn) % count] for turn in range(count)]))
        for k in range(count)
    ]
    numbers = () if kind is Kind.B else (0, 1, 2)
    leaves += [Leaf(const(n, kind), batch([n] * total, kind)) for n in numbers]
    return Bank(leaves, operators_of(spec), total, spec.signature.width, deadline, memory)


def _fitting(bank: Bank, spec: SynthesisSpec, seen: dict[Kind, int]) -> Iterator[tuple[str, Expr]]:
    """New terms whose values over the rotations join to the results."""
    kind, turns = spec.signature.result, len(spec.signature.arguments)
    for of in {kind, Kind.B}:
        rows = bank.rows[of]
        values = rows.values[seen[of] : rows.count].reshape(-1, turns, len(spec.examples))
        if of is not kind:
            values = values.astype(spec.results.dtype)
        if of is kind:
            alone = (values == spec.results).all(axis=(1, 2))
            for place in np.flatnonzero(alone)[:1]:
                yield "", bank.expr(of, seen[of] + int(place))
        joins = _JOINS[kind] if of is kind else (("add", np.add),) if kind is Kind.I else ()
        for name, ufunc in joins:
            fits = (ufunc.reduce(values, axis=1) == spec.results).all(axis=1)
            for place in np.flatnonzero(fits)[:1]:
                term = bank.expr(of, seen[of] + int(place))
                yield name, term if of is kind else _counted(term)


def _counted(test: Expr) -> Expr:
    return call("ite_i", test, const(1, Kind.I), const(0, Kind.I))


def _joined(name: str, term: Expr, kinds: tuple[Kind, ...]) -> Expr:
    count = len(kinds)
    places = [arg(k, kinds[0]) for k in range(count)]
    turned = [
        substitute(term, {places[k]: places[(k + turn) % count] for k in range(count)})
        for turn in range(count)
    ]
    parts = dict.fromkeys(turned) if name in _IDEMPOTENT else turned
    return reduce(lambda left, right: call(name, left, right), parts)
