"""Records field by field."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from ncpu.synth.expression import call
from ncpu.synth.spec import Budget, Solution, Strategy, SynthesisSpec
from ncpu.synth.strategies.common import solution
from ncpu.synth.types import RECORD_SIZE, Example, Kind


@dataclass(frozen=True)
class Components:
    """Records field by field.

    Attributes:
      inner: solves one field.
      name: what reports call it.
    """

    inner: Strategy
    name: str = "components"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """All fields or nothing."""
        start = time.perf_counter()
        count = RECORD_SIZE.get(spec.signature.result, 0)
        fields: list[Solution] = []
        for place in range(count):
            rows = tuple(Example(e.arguments, e.result[place]) for e in spec.examples)  # type: ignore[index]
            signature = replace(spec.signature, result=Kind.I)
            part = SynthesisSpec(rows, signature, spec.constants, None, spec.operators)
            left = (start + budget.seconds - time.perf_counter()) / (count - place)
            if left <= 0:
                return None
            found = self.inner.solve(part, replace(budget, seconds=left))
            if found is None or not found.solved:
                return None
            fields.append(found)
        if not fields:
            return None
        program = call("pair" if count == 2 else "quad", *(f.program for f in fields))
        return solution(self.name, spec, program, start, cost=sum(f.cost for f in fields))
