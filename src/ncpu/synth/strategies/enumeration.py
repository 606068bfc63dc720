"""Bottom-up enumeration, with sums, differences, products and quotients looked up."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ncpu.synth.enumerate import Bank, OutOfBudget
from ncpu.synth.expression import Expr
from ncpu.synth.meet import halves
from ncpu.synth.spec import Budget, Solution, SynthesisSpec
from ncpu.synth.strategies.common import leaves_of, operators_of, partial, solution

_LARGEST = 30


@dataclass(frozen=True)
class Enumeration:
    """Bottom-up enumeration in the order of sizes.

    Attributes:
      name: what reports call it.
    """

    name: str = "enumerate"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """The smallest program; one found by looking up its other half gets rivals."""
        start = time.perf_counter()
        deadline = start + budget.seconds
        target, kind = spec.results, spec.signature.result
        bank = Bank(leaves_of(spec), operators_of(spec), len(spec.examples), spec.signature.width,
                    deadline, budget.bytes // 4, budget.seed)  # fmt: skip
        best: Expr | None = None
        try:
            while bank.size < _LARGEST and (best is None or best.size > bank.size + 1):
                bank.grow()
                options = [best, bank.match(kind, target)]
                if spec.operators is None:
                    options += halves(bank, target, kind)
                best = min((o for o in options if o), key=lambda e: e.size, default=None)
                if best is not None and bank.deadline == deadline:
                    # A shorter program gets as long again.
                    spent = time.perf_counter() - start
                    bank.deadline = min(deadline, start + 2 * spent + 0.02)
        except OutOfBudget:
            pass
        program = best or bank.match(kind, target) or partial(bank, spec)
        if program is None:
            return None
        return solution(self.name, spec, program, start, candidates=bank.candidates)
