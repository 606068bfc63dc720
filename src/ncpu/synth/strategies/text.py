"""Strings out of strings: parts by position, field, word and class, and their concatenation.

Source: Gulwani, "Automating String Processing in Spreadsheets Using Input-Output Examples"
(POPL 2011), for concatenations of parts; here the parts are enumerated.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from ncpu.synth.enumerate import Bank, Leaf, OutOfBudget
from ncpu.synth.expression import Expr, arg, call, const
from ncpu.synth.sketch.text import constants, pieces
from ncpu.synth.spec import Budget, Solution, SynthesisSpec, batch
from ncpu.synth.strategies.common import solution
from ncpu.synth.types import Kind
from ncpu.synth.unify import MOST_EXAMPLES, Unifier

_LARGEST = 9
_TESTED = 5  # size of strings joined by tests
_PARTS = 4  # of a concatenation
_TRIED = 12  # parts tried at one place


@dataclass(frozen=True)
class Texts:
    """Strings out of strings: parts and their concatenation."""

    name: str = "text"

    def solve(self, spec: SynthesisSpec, budget: Budget) -> Solution | None:
        """The smallest part, or concatenation of parts, as the bank of parts grows."""
        start = time.perf_counter()
        kinds, result = spec.signature.arguments, spec.signature.result
        if Kind.S not in kinds or set(kinds) - {Kind.S, Kind.I} or result not in (Kind.S, Kind.I):
            return None
        deadline = start + budget.seconds
        count = len(spec.examples)
        given = [
            Leaf(arg(p, k), v) for p, (k, v) in enumerate(zip(kinds, spec.arguments, strict=True))
        ]
        given += [Leaf(c, batch([c.data] * count, c.kind)) for c in constants(spec)]
        bank = Bank(given, pieces(spec), count, deadline=deadline, memory=budget.bytes // 4)
        found: Expr | None = None
        try:
            while found is None and bank.size < _LARGEST:
                bank.grow()
                found = bank.match(result, spec.results)
                if found is None and result is Kind.S and bank.size > 2:
                    found = _Parts(bank, spec.results.tolist(), deadline).concatenated()
                    found = found or _conditional(bank, spec, deadline)
        except OutOfBudget:
            found = bank.match(result, spec.results)
        if found is None:
            return None
        return solution(self.name, spec, found, start, cost=float(bank.size + _joints(found)),
                        candidates=bank.candidates)  # fmt: skip


def _conditional(bank: Bank, spec: SynthesisSpec, deadline: float) -> Expr | None:
    """Two stored strings joined by a stored test."""
    if bank.size > _TESTED or not bank.rows[Kind.B].count or len(spec.examples) > MOST_EXAMPLES:
        return None
    tree = Unifier(bank, spec.results, Kind.S, deadline).solve(1)
    return tree and tree.program


def _joints(program: Expr) -> int:
    """How many further parts a concatenation or conditional has."""
    if program.op == "ite_s":
        return _TESTED
    return 1 + _joints(program.args[1]) if program.op == "cat" else 0


def _shared(texts: list[str]) -> str:
    """What all of them begin with."""
    first, last = min(texts), max(texts)
    differing = (k for k, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
    return first[: next(differing, len(first))]


@dataclass
class _Parts:
    """Stored strings that continue the results from given offsets."""

    bank: Bank
    wanted: list[str]
    deadline: float
    failed: set[tuple[int, ...]] = field(default_factory=set)

    def concatenated(self) -> Expr | None:
        """Parts that make the results one after another."""
        rows = self.bank.rows[Kind.S]
        self.rows = [tuple(row) for row in rows.values[: rows.count]]
        for most in range(2, _PARTS + 1):
            self.failed.clear()
            parts = self._after(tuple(0 for _ in self.wanted), most)
            if parts:
                return reduce(lambda rest, part: call("cat", part, rest), reversed(parts))
        return None

    def _after(self, offsets: tuple[int, ...], most: int) -> list[Expr] | None:
        if time.perf_counter() > self.deadline:
            raise OutOfBudget
        rests = [w[o:] for w, o in zip(self.wanted, offsets, strict=True)]
        whole = self.bank.match(Kind.S, np.array(rests, object))
        if whole is not None:
            return [whole]
        if len(set(rests)) == 1 and rests[0]:
            return [const(rests[0], Kind.S)]
        if most == 1 or (most, *offsets) in self.failed:
            return None
        for part, ends in self._next(offsets, rests):
            others = self._after(ends, most - 1)
            if others:
                return [part, *others]
        self.failed.add((most, *offsets))
        return None

    def _next(self, offsets: tuple[int, ...], rests: list[str]):
        """Parts that come next, with where they end: what all have in common first."""
        shared = _shared(rests)
        if shared:
            yield const(shared, Kind.S), tuple(o + len(shared) for o in offsets)
        tried = 0
        for place, row in enumerate(self.rows):
            if any(row) and all(r.startswith(v) for r, v in zip(rests, row, strict=True)):
                yield (self.bank.expr(Kind.S, place),
                       tuple(o + len(v) for o, v in zip(offsets, row, strict=True)))  # fmt: skip
                tried += 1
                if tried == _TRIED:
                    return
