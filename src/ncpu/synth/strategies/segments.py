"""Piecewise linear functions: slopes and levels that change at thresholds, fitted at once.

`(sum c_k * f_k + c) / d` over products of the arguments, the same from a threshold on, and hinges
`max(x - t, 0)`: rates by bracket and discounts by tier are such sums, rounded.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ncpu.synth.expression import Expr, arg, call, const
from ncpu.synth.linear import SPARE, quotient, real_fit
from ncpu.synth.spec import Budget, Solution, SynthesisSpec
from ncpu.synth.strategies.common import solution
from ncpu.synth.types import Kind

_THRESHOLDS = {1: 200, 2: 24}  # of one argument, by how many are joined
_DECIMAL = (2, 4, 5, 10, 20, 50, 100, 1000)  # denominators of rates, tried before others
_PIECE = 0.6  # cost of the fit by its size: it is over-determined

Term = tuple[Expr, np.ndarray]


@dataclass(frozen=True)
class Segments:
    """Rounded sums of products that change at one or two thresholds.

    Attributes:
      name: what reports call it.
    """

    name: str = "segments"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """The shortest fit over one threshold, else over two."""
        start = time.perf_counter()
        kinds = spec.signature.arguments
        if spec.signature.result is not Kind.I or set(kinds) != {Kind.I} or len(kinds) > 3:
            return None
        if spec.operators is not None or int(max(np.abs(c).max() for c in spec.arguments)) >> 40:
            return None
        deadline = start + budget.seconds
        for count in (1, 2):
            found = []
            for terms in _bases(spec, count):
                if time.perf_counter() > deadline:
                    return None
                program = _fitted(terms, spec.results)
                if program is not None:
                    found.append(program)
            for program in sorted(found, key=lambda p: p.size)[:8]:
                made = solution(self.name, spec, program, start, cost=_PIECE * program.size)
                if made.solved:
                    return made
        return None


def _bases(spec: SynthesisSpec, count: int) -> Iterator[list[Term]]:
    """Terms of a sum that changes at so many thresholds of one argument."""
    columns = spec.arguments
    plain: list[Term] = [(arg(k, Kind.I), column) for k, column in enumerate(columns)]
    products = [(call("mul", a, b), x * y) for (a, x), (b, y) in combinations(plain, 2)]
    for expr, column in plain:
        levels = np.unique(column)[1:][-_THRESHOLDS[count] :]
        hinged = [_hinge(expr, column, int(t)) for level in levels for t in (level - 1, level)]
        for chosen in combinations(hinged, count):
            yield [(expr, column), *chosen]
        for product in products:
            if len(columns) == 2:
                steps = [_step(product, expr, column, int(level)) for level in levels]
                for chosen in combinations(steps, count):
                    yield [product, *chosen]


def _hinge(expr: Expr, column: np.ndarray, cut: int) -> Term:
    zero, moved = const(0, Kind.I), call("sub", expr, const(cut, Kind.I))
    return call("max", moved, zero), np.maximum(column - cut, 0)


def _step(term: Term, expr: Expr, column: np.ndarray, cut: int) -> Term:
    value, values = term
    test = call("lt", expr, const(cut, Kind.I))
    return call("ite_i", test, const(0, Kind.I), value), np.where(column < cut, 0, values)


def _fitted(terms: list[Term], target: np.ndarray) -> Expr | None:
    if len(terms) + 1 + SPARE > len(target):
        return None
    columns = np.stack([column for _, column in terms])
    if real_fit(columns, target) is None:
        return None
    exprs = [expr for expr, _ in terms]
    found = quotient(exprs, columns.tolist(), target.tolist(), 1, _DECIMAL)
    return found or quotient(exprs, columns.tolist(), target.tolist(), 1)
