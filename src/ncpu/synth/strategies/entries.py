"""Arrays of one length, entry by entry."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

from ncpu.synth.expression import call
from ncpu.synth.spec import Budget, Solution, Strategy, SynthesisSpec
from ncpu.synth.strategies.common import solution, solved_by
from ncpu.synth.strategies.enumeration import Enumeration
from ncpu.synth.strategies.polynomial import Polynomial
from ncpu.synth.strategies.sparse import SparsePolynomial
from ncpu.synth.types import Example, Kind

_MOST = 9


@dataclass(frozen=True)
class Entries:
    """Arrays of one length, entry by entry.

    Attributes:
      inner: solve one entry, in this order.
      name: what reports call it.
    """

    inner: Sequence[Strategy] = (Polynomial(), SparsePolynomial(), Enumeration())
    name: str = "entries"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """All entries or nothing."""
        start = time.perf_counter()
        if spec.signature.result is not Kind.A:
            return None
        lengths = {len(result) for result in spec.results}
        count = lengths.pop()
        if lengths or not 0 < count <= _MOST:
            return None
        found: list[Solution] = []
        for place in range(count):
            rows = tuple(Example(e.arguments, e.result[place]) for e in spec.examples)  # type: ignore[index]
            part = replace(spec, examples=rows, signature=replace(spec.signature, result=Kind.I))
            left = (start + budget.seconds - time.perf_counter()) / (count - place)
            entry = solved_by(self.inner, part, left) if left > 0 else None
            if entry is None:
                return None
            found.append(entry)
        program = reduce(lambda a, b: call("join", a, b), (call("unit", f.program) for f in found))
        return solution(self.name, spec, program, start, cost=sum(f.cost for f in found))
