"""Integer polynomials by exact elimination."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ncpu.synth.linear import fit, quotient
from ncpu.synth.spec import Budget, Solution, SynthesisSpec
from ncpu.synth.strategies.common import leaves_of, solution
from ncpu.synth.types import Kind

_DETERMINED = 0.4  # how much less likely than its size says an over-determined fit is to be luck


@dataclass(frozen=True)
class Polynomial:
    """Integer polynomials by exact elimination."""

    name: str = "polynomial"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """The polynomial of the lowest degree, if over-determined."""
        start = time.perf_counter()
        if spec.signature.result is not Kind.I:
            return None
        terms = [leaf for leaf in leaves_of(spec, False) if leaf.expr.kind is Kind.I]
        if not terms:
            return None
        columns = [leaf.values.tolist() for leaf in terms]
        exprs, target = [leaf.expr for leaf in terms], spec.results.tolist()
        program = fit(exprs, columns, target, 6)
        if program is not None:
            return solution(self.name, spec, program, start, cost=program.size * _DETERMINED)
        program = quotient(exprs, columns, target)
        return program and solution(self.name, spec, program, start)
