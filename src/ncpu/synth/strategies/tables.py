"""Dynamic programs: tables of a few forms of recurrence, made and run."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from ncpu.synth.evaluate import satisfies
from ncpu.synth.sketch.tables import grids, histories, layers
from ncpu.synth.spec import Budget, Solution, SynthesisSpec
from ncpu.synth.strategies.common import solution
from ncpu.synth.types import Example, Kind, Value


@dataclass(frozen=True)
class Tables:
    """Tables over two sequences, over items and a capacity, and over all earlier entries."""

    name: str = "table"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """The first table that gives the results, the smallest examples being tried first."""
        start = time.perf_counter()
        if spec.signature.result is not Kind.I:
            return None
        tried = 0
        ordered = replace(spec, examples=tuple(sorted(spec.examples, key=_extent)))
        for sketch in (grids, layers, histories):
            for found in sketch(spec):
                tried += 1
                if time.perf_counter() - start > budget.seconds:
                    return None
                if satisfies(found.program, ordered):
                    return solution(self.name, spec, found.program, start, cost=found.cost,
                                    candidates=tried)  # fmt: skip
        return None


def _extent(example: Example) -> int:
    return sum(_size(value) for value in example.arguments)


def _size(value: Value) -> int:
    return abs(value) if isinstance(value, int) else len(value)
