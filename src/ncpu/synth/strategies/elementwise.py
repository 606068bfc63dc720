"""Arrays made element by element: maps, filters and scans over every source."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ncpu.synth.enumerate import Bank, Leaf, OutOfBudget
from ncpu.synth.evaluate import evaluate
from ncpu.synth.expression import Expr, arg, call, const, local, loop, substitute
from ncpu.synth.operators import TABLE
from ncpu.synth.sketch.reduce import MONOIDS, bodies
from ncpu.synth.sketch.streams import Stream, forms, streams
from ncpu.synth.spec import Budget, Solution, SynthesisSpec
from ncpu.synth.strategies.common import solution
from ncpu.synth.types import Kind
from ncpu.synth.unify import MOST_EXAMPLES, Unifier

Arrays = list[tuple[int, ...]]
_OPS: list[str] = [
    "add",
    "sub",
    "mul",
    "div",
    "mod",
    "abs",
    "neg",
    "min",
    "max",
    "lt",
    "le",
    "eq",
    "and",
    "or",
    "not",
]
_TERMS = 3000  # of the first examples' elements
_SAMPLE = 40  # elements a body is first found on
_CORRECTIONS, _CORRECTED = 4, 8  # rounds, and elements added in each
_TURN = 0.6  # seconds for the bodies over one source


@dataclass(frozen=True)
class Elementwise:
    """Arrays made element by element: map, filter, and scans."""

    name: str = "elementwise"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """The first source over which a map, filter or scan gives the results."""
        start = time.perf_counter()
        if spec.signature.result is not Kind.A:
            return None
        wanted = spec.results.tolist()
        usable = [form for form in forms(spec) if form.outer is None]
        for stream in streams(spec, usable):
            left = start + budget.seconds - time.perf_counter()
            if left <= 0:
                break
            if len(stream.chosen) < len(spec.examples):
                continue
            for program in _programs(stream, wanted, min(left, _TURN)):
                found = solution(self.name, spec, program, start, cost=program.size - 2.0)
                if found.solved:
                    return found
        return None


def _programs(stream: Stream, wanted: Arrays, seconds: float) -> Iterator[Expr]:
    deadline = time.perf_counter() + seconds
    if [len(w) for w in wanted] == stream.lengths.tolist():
        target = np.array([v for w in wanted for v in w], np.int64)
        yield from _scanned(stream, target)
        body = mapped(stream.leaves, target, deadline)
        if body is not None:
            yield loop("map", stream.source, body)
    else:
        yield from _kept(stream, wanted)


def mapped(terms: Sequence[Leaf], target: np.ndarray, deadline: float) -> Expr | None:
    """A body with these values, found on some elements and corrected by those it gets wrong."""
    names = {leaf.expr: arg(k, leaf.expr.kind) for k, leaf in enumerate(terms)}
    columns = np.stack([leaf.values for leaf in terms])
    _, first = np.unique(columns, axis=1, return_index=True)
    simple = first[np.argsort(np.abs(columns[0, first]), kind="stable")]
    picked = simple[:: max(1, -(-len(simple) // _SAMPLE))]
    for _ in range(_CORRECTIONS):
        body = _body(terms, target, np.sort(picked), deadline)
        if body is None:
            return None
        values = evaluate(substitute(body, names), [leaf.values for leaf in terms])
        wrong = np.flatnonzero(values != target)
        if not len(wrong):
            return body
        picked = np.concatenate([picked, wrong[:_CORRECTED]])[-MOST_EXAMPLES:]
    return None


def _body(terms: Sequence[Leaf], target: np.ndarray, picked: np.ndarray, deadline: float):
    leaves = [Leaf(leaf.expr, leaf.values[picked], leaf.size) for leaf in terms]
    bank = Bank(leaves, [TABLE[n] for n in _OPS], len(picked), deadline=deadline)
    try:
        while bank.rows[Kind.I].count < _TERMS:
            bank.grow()
            body = bank.match(Kind.I, target[picked])
            if body is None and bank.size > 2:
                tree = Unifier(bank, target[picked], Kind.I, deadline, polynomials=False).solve(2)
                body = tree and tree.program
            if body is not None:
                return body
    except OutOfBudget:
        pass
    return None


def _kept(stream: Stream, wanted: Arrays) -> Iterator[Expr]:
    bank = bodies(stream, 800)
    tests = bank.rows[Kind.B]
    elements = stream.leaves[0].values
    bounds = [*stream.starts.tolist(), len(elements)]
    values: Any = tests.values[: tests.count]
    for place in np.flatnonzero(values.sum(axis=1) == sum(map(len, wanted))):
        kept = [tuple(elements[a:b][values[place, a:b]].tolist()) for a, b in pairwise(bounds)]
        if kept == wanted:
            yield loop("filter", stream.source, bank.expr(Kind.B, int(place)))
            return


def _scanned(stream: Stream, target: np.ndarray) -> Iterator[Expr]:
    elements = stream.leaves[0].values
    bounds = [*stream.starts.tolist(), len(elements)]
    for monoid in MONOIDS[:4]:
        rows = [monoid.ufunc.accumulate(elements[a:b]) for a, b in pairwise(bounds)]
        if (np.concatenate(rows) == target).all():
            step = call(monoid.op, local("acc0"), local("x0"))
            yield loop("scan", stream.source, const(monoid.start, Kind.I), step)
