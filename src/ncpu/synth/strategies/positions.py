"""Arrays that rearrange their arguments: how long they are, and where each element is from."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import reduce

from ncpu.synth.evaluate import evaluate
from ncpu.synth.expression import Expr, arg, call, const, local, loop, substitute
from ncpu.synth.spec import Budget, Solution, SynthesisSpec
from ncpu.synth.strategies.common import solution, solved_by
from ncpu.synth.strategies.enumeration import Enumeration
from ncpu.synth.strategies.unification import Unification
from ncpu.synth.types import Example, Kind, Signature
from ncpu.synth.unify import MOST_EXAMPLES

_FEWEST = 3  # positions that say anything


@dataclass(frozen=True)
class Positions:
    """The element at each place of the result as an element of the arguments, by its position."""

    name: str = "positions"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """A map over positions; both its length and the positions are enumerated."""
        start = time.perf_counter()
        kinds = spec.signature.arguments
        arrays = [arg(p, k) for p, k in enumerate(kinds) if k is Kind.A]
        if spec.signature.result is not Kind.A or not arrays:
            return None
        sizes = [call("len", a) for a in arrays]
        sizes += [arg(p, k) for p, k in enumerate(kinds) if k is Kind.I]
        source = reduce(lambda a, b: call("join", a, b), arrays)
        columns = zip(*(evaluate(s, spec.arguments).tolist() for s in sizes), strict=True)
        rows = list(zip(columns, evaluate(source, spec.arguments), spec.results, strict=True))
        length = _expression([(row, len(out)) for row, _, out in rows], sizes, budget.seconds / 4)
        if length is None:
            return None
        places = _places(rows)
        left = start + budget.seconds - time.perf_counter()
        if len(places) < _FEWEST or left <= 0:
            return None
        place = _expression(places, [*sizes, local("x0")], left)
        if place is None:
            return None
        positions = call("range", const(0, Kind.I), length)
        program = loop("map", positions, call("get", source, place))
        return solution(self.name, spec, program, start, cost=float(length.size + place.size))


def _places(rows: list) -> list[tuple[tuple[int, ...], int]]:
    """Where each element is from, where that is certain; the shortest arrays first."""
    found = []
    for row, source, out in sorted(rows, key=lambda r: len(r[1])):
        if len(set(source)) == len(source) and set(out) <= set(source):
            found += [((*row, k), source.index(value)) for k, value in enumerate(out)]
    return found


def _expression(rows: list, terms: list[Expr], seconds: float) -> Expr | None:
    """An integer of the terms that has these values."""
    distinct = dict(rows)
    step = max(1, len(distinct) // MOST_EXAMPLES + 1)
    examples = tuple(Example(k, v) for k, v in list(distinct.items())[::step])
    if any(distinct[k] != v for k, v in rows):
        return None
    spec = SynthesisSpec(examples, Signature((Kind.I,) * len(terms), Kind.I))
    found = solved_by((Enumeration(), Unification()), spec, seconds)
    return found and substitute(found.program, {arg(k, Kind.I): t for k, t in enumerate(terms)})
