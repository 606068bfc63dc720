"""Accumulators over arrays, pairs, counters, digits, bits and characters."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from ncpu.synth.enumerate import OutOfBudget
from ncpu.synth.sketch.finish import Finisher, Found, together
from ncpu.synth.sketch.reduce import MONOIDS, Reductions, enlarge
from ncpu.synth.sketch.streams import streams
from ncpu.synth.spec import Budget, Solution, SynthesisSpec
from ncpu.synth.strategies.common import chosen, finisher_of, solution
from ncpu.synth.types import Kind

_EFFORTS = (60, 250, 1000)  # expressions of an element
_ACROSS = 200  # of each source when loops over several are joined


Stage = Callable[[Reductions, Finisher, int], Iterator[Found]]


@dataclass(frozen=True)
class Reduce:
    """Accumulators over arrays, pairs, counters, digits, bits and characters."""

    name: str = "reduce"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """The cheapest loop of the earliest stage that has one."""
        start = time.perf_counter()
        finisher = finisher_of(spec)
        if finisher is None:
            return None
        search = _search(spec)
        found: list[Found] = []
        best: Found | None = None
        search.until(start + budget.seconds)
        try:
            while best is None and search.stages:
                found += search.stage(finisher)
                best = chosen(found, spec)
        except OutOfBudget:
            best = chosen(found, spec)
        return best and solution(self.name, spec, best.program, start, cost=best.cost)


@dataclass
class _Search:
    """How far the sketches of one specification have come; a later turn goes on from there."""

    sketches: list[Reductions]
    stages: list[tuple[int, Stage]]

    def until(self, deadline: float) -> None:
        """Sets when `OutOfBudget` is raised."""
        for sketch in self.sketches:
            sketch.deadline = deadline

    def stage(self, finisher: Finisher) -> list[Found]:
        """What the next stage finds; it is done again if it was cut short."""
        most, stage = self.stages[0]
        found: list[Found] = []
        for sketch in self.sketches:
            enlarge(sketch.bank, most)
            found += stage(sketch, finisher, most)
        if stage is _combined:
            found += _across(self.sketches, finisher)
        self.stages.pop(0)
        return found


@lru_cache(maxsize=8)
def _search(spec: SynthesisSpec) -> _Search:
    sketches = [Reductions(stream, math.inf) for stream in streams(spec)]
    return _Search(sketches, _schedule(spec.signature.result))


def _schedule(kind: Kind) -> list[tuple[int, Stage]]:
    """Stages with how many expressions of an element they use, the shortest programs first."""
    few, some, many = _EFFORTS
    stages = [(few, _plain), (few, _filtered), (some, _plain), (some, _conjoined), (few, _combined)]
    stages += [(some, _filtered), (many, _plain), (some, _combined), (many, _filtered)]
    if kind is Kind.B:  # comparisons of numbers fit few truth values too easily
        stages.sort(key=lambda s: s[1] is not _plain)
    return stages


def _plain(sketch: Reductions, finisher: Finisher, most: int) -> Iterator[Found]:
    if finisher.kind is Kind.B:
        yield from sketch.quantified(finisher.target)
        return
    for loops in sketch.plain(4 * most + 400):
        yield from finisher.exact(loops)


def _filtered(sketch: Reductions, finisher: Finisher, most: int) -> Iterator[Found]:
    for loops in sketch.filtered(most // 20 + 6, most):
        yield from finisher.exact(loops)


def _conjoined(sketch: Reductions, finisher: Finisher, most: int) -> Iterator[Found]:
    for loops in sketch.conjoined():
        yield from finisher.exact(loops)


def _combined(sketch: Reductions, finisher: Finisher, most: int) -> Iterator[Found]:
    for loops in sketch.plain(most):
        yield from finisher.combined(loops)
    for loops in sketch.filtered(4, most // 4):
        yield from finisher.combined(loops)


def _across(sketches: list[Reductions], finisher: Finisher) -> Iterator[Found]:
    """Sums over one array joined with sums over another."""
    everyone = len(finisher.target)
    whole = [
        s for s in sketches if len(s.stream.chosen) == everyone and s.stream.source.op == "arg"
    ]
    loops = together([block for s in whole for block in s.plain(_ACROSS, MONOIDS[:1])])
    if loops is not None and finisher.kind is not Kind.B:
        yield from finisher.combined(loops, 600)
