"""Sketches that give blocks of loop values, each a strategy of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ncpu.synth.enumerate import OutOfBudget
from ncpu.synth.expression import arg
from ncpu.synth.sketch.carry import Carry, over_suffixes
from ncpu.synth.sketch.finish import Found, Gathered
from ncpu.synth.sketch.streams import carried_forms, streams
from ncpu.synth.spec import Budget, Solution, SynthesisSpec
from ncpu.synth.strategies.common import chosen, finisher_of, solution
from ncpu.synth.types import Kind


@dataclass(frozen=True)
class Gathering:
    """A sketch that gives blocks of loop values.

    Attributes:
      blocks: the sketch.
      name: what reports call it.
    """

    blocks: Callable[[SynthesisSpec, float], Iterable[Gathered]]
    name: str

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """The cheapest loop, of those that are the program, else joined with a small term."""
        start = time.perf_counter()
        finisher = finisher_of(spec)
        if finisher is None:
            return None
        found: list[Found] = []
        kept: list[Gathered] = []
        best: Found | None = None
        limit = start + budget.seconds
        try:
            for loops in self.blocks(spec, start + budget.seconds * 0.8):
                kept.append(loops)
                found += finisher.exact(loops)
                if best is None and (best := chosen(found, spec)) is not None:
                    # A shorter program gets as long again.
                    limit = min(limit, 2 * time.perf_counter() - start + 0.05)
                if time.perf_counter() > limit:
                    break
        except OutOfBudget:
            kept = []  # a longer turn may find a loop that needs nothing joined to it
        for loops in [] if best else kept:
            if time.perf_counter() > start + budget.seconds:
                break
            found += finisher.combined(loops)
        best = chosen(found, spec)
        return best and solution(self.name, spec, best.program, start, cost=best.cost)


def carried(spec: SynthesisSpec, deadline: float) -> Iterable[Gathered]:
    """Accumulators of any step over the likeliest sources, and over all suffixes of an array."""
    sketches = [Carry(stream, deadline) for stream in streams(spec, carried_forms(spec))]
    arrays = [arg(p, k) for p, k in enumerate(spec.signature.arguments) if k is Kind.A]
    for number in range(3):
        for sketch in sketches:
            yield from sketch.round(number)
        for array in arrays if number == 0 else ():
            yield from over_suffixes(array, spec, deadline)
