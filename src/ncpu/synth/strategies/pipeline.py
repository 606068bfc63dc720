"""Arrays through pieces: maps, filters, scans, sorts, cuts and joins, composed by enumeration."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from ncpu.synth.enumerate import Bank, Leaf, OutOfBudget
from ncpu.synth.expression import Expr, arg, call
from ncpu.synth.sketch.pipeline import leaves, pieces
from ncpu.synth.spec import Budget, Solution, SynthesisSpec, batch
from ncpu.synth.strategies.common import solution
from ncpu.synth.types import Kind

_DEEPEST = 12


@dataclass(frozen=True)
class Pipelines:
    """Arrays through pieces: maps, filters, scans, sorts, cuts and joins."""

    name: str = "pipeline"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """The smallest composition, a loop with its body counting as one piece."""
        start = time.perf_counter()
        kinds, result = spec.signature.arguments, spec.signature.result
        usable = Kind.A in kinds and set(kinds) <= {Kind.A, Kind.I}
        if not usable or result not in (Kind.A, Kind.I, Kind.B):
            return None
        deadline = start + budget.seconds
        count = len(spec.examples)
        given = [
            Leaf(arg(p, k), v) for p, (k, v) in enumerate(zip(kinds, spec.arguments, strict=True))
        ]
        given += [Leaf(c, np.full(count, c.data, np.int64)) for c in leaves(spec)]
        bank = Bank(
            given, pieces(spec, deadline), count, deadline=deadline, memory=budget.bytes // 4
        )
        found: Expr | None = None
        try:
            while found is None and bank.size < _DEEPEST:
                bank.grow()
                found = bank.match(result, spec.results) or _halves(bank, spec)
        except OutOfBudget:
            found = bank.match(result, spec.results)
        if found is None:
            return None
        return solution(self.name, spec, found, start, cost=float(bank.size),
                        candidates=bank.candidates)  # fmt: skip


def _halves(bank: Bank, spec: SynthesisSpec) -> Expr | None:
    """Two stored arrays whose join is the result."""
    rows, target = bank.rows[Kind.A], spec.results
    if spec.signature.result is not Kind.A:
        return None
    for place in range(rows.count):
        row = rows.values[place]
        if any(row) and all(w[: len(v)] == v for v, w in zip(row, target, strict=True)):
            rest = [w[len(v) :] for v, w in zip(row, target, strict=True)]
            other = bank.match(Kind.A, batch(rest, Kind.A))
            if other is not None:
                return call("join", bank.expr(Kind.A, place), other)
    return None
