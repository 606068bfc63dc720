"""Conditionals: terms that fit some of the examples, joined by a tree of tests."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ncpu.synth.enumerate import Bank, OutOfBudget
from ncpu.synth.spec import Budget, Solution, SynthesisSpec
from ncpu.synth.strategies.common import leaves_of, operators_of, partial, solution
from ncpu.synth.types import Kind
from ncpu.synth.unify import MOST_EXAMPLES, Tree, Unifier

_KINDS = (Kind.I, Kind.U, Kind.B, Kind.S)
_SMALLEST, _LARGEST = 2, 6  # sizes of terms and tests
_DEPTHS = (1, 2, 3, 4)
_PER_EXAMPLE = 1.6  # cost for each example above which a tree has learned them by heart


@dataclass(frozen=True)
class Unification:
    """Divide and conquer over a growing bank of terms.

    Attributes:
      name: what reports call it.
    """

    name: str = "unify"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """The shortest tree met; one step more is tried after the first."""
        start = time.perf_counter()
        kind = spec.signature.result
        if kind not in _KINDS or len(spec.examples) > MOST_EXAMPLES:
            return None
        deadline = start + budget.seconds
        bank = Bank(leaves_of(spec), operators_of(spec), len(spec.examples), spec.signature.width,
                    deadline, budget.bytes // 4, budget.seed)  # fmt: skip
        best: Tree | None = None
        met = 0
        try:
            while bank.size < _LARGEST and (not met or bank.size <= met):
                bank.grow()
                if bank.size >= _SMALLEST:
                    share = (deadline - time.perf_counter()) / 2
                    best = self._shorter(bank, spec, time.perf_counter() + share, best)
                    met = met or (bank.size if best else 0)
        except OutOfBudget:
            pass
        if best is None:
            program = partial(bank, spec)
            return program and solution(self.name, spec, program, start, candidates=bank.candidates)
        return solution(self.name, spec, best.program, start, candidates=bank.candidates,
                        cost=best.cost)  # fmt: skip

    def _shorter(
        self, bank: Bank, spec: SynthesisSpec, deadline: float, best: Tree | None
    ) -> Tree | None:
        unifier = Unifier(bank, spec.results, spec.signature.result, deadline)
        for depth in _DEPTHS:
            try:
                tree = unifier.solve(depth)
            except OutOfBudget:
                break
            if tree is None or tree.cost > _PER_EXAMPLE * len(spec.examples):
                continue
            if best is None or tree.cost < best.cost:
                best = tree
        return best
