"""Bottom-up enumeration, with sums, differences, products and quotients looked up."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ncpu.synth.enumerate import Bank, OutOfBudget
from ncpu.synth.expression import Expr, walk
from ncpu.synth.meet import halves
from ncpu.synth.spec import Budget, Solution, SynthesisSpec
from ncpu.synth.strategies.common import leaves_of, operators_of, partial, solution
from ncpu.synth.types import Kind

_LARGEST = 30
_LEAN = 150_000  # candidates without mined constants, for words and tests


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
        leaves, operators = leaves_of(spec), operators_of(spec)
        kinds = {*spec.signature.arguments, spec.signature.result}
        best, count = None, 0
        if spec.operators is None and kinds & {Kind.U, Kind.B}:
            lean = [leaf for leaf in leaves if leaf.expr.op != "const" or leaf.expr.data in (0, 1)]
            half = start + budget.seconds / 2
            bank = Bank(lean, operators, len(spec.examples), spec.signature.width,
                        half, budget.bytes // 4, budget.seed, _LEAN)  # fmt: skip
            best = _searched(bank, spec, None, half)
            count = bank.candidates
        bank = Bank(leaves, operators, len(spec.examples), spec.signature.width,
                    deadline, budget.bytes // 4, budget.seed)  # fmt: skip
        if best is not None:
            bank.deadline = _as_long_again(start, deadline)
        best = _searched(bank, spec, best, deadline)
        program = best or bank.match(spec.signature.result, spec.results) or partial(bank, spec)
        if program is None:
            return None
        return solution(self.name, spec, program, start, candidates=count + bank.candidates)


def _searched(bank: Bank, spec: SynthesisSpec, best: Expr | None, deadline: float) -> Expr | None:
    """The shortest program met; the first gets rivals for as long again."""
    start = time.perf_counter()
    target, kind = spec.results, spec.signature.result
    try:
        while bank.size < _LARGEST and (best is None or best.size > bank.size + 1):
            bank.grow()
            options = [best, bank.match(kind, target)]
            if spec.operators is None:
                options += halves(bank, target, kind)
            best = min((o for o in options if o), key=_length, default=None)
            if best is not None and bank.deadline == deadline:
                bank.deadline = _as_long_again(start, deadline)
    except OutOfBudget:
        pass
    return best


def _as_long_again(start: float, deadline: float) -> float:
    now = time.perf_counter()
    return min(deadline, now + (now - start) + 0.02)


def _length(program: Expr) -> tuple[int, int]:
    """Size, and the constants of equally long programs; one out of the blue counts as a symbol."""
    constants = [node.data for node in walk(program) if node.op == "const"]
    blue = sum(value not in (0, 1, 2) for value in constants)
    return program.size + blue, len(constants)
