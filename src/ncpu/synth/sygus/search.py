"""Bottom-up enumeration confined to a grammar: terms of every nonterminal, size by size.

Two terms of a nonterminal with the same values at all points are one (observational equivalence).
Every term is made by one of the nonterminal's productions, so nothing outside the grammar is seen.

Source: Alur, Radhakrishna, Udupa, "Scaling Enumerative Program Synthesis via Divide and Conquer"
(TACAS 2017), section 3.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ncpu.synth.sygus.grammar import Grammar
from ncpu.synth.sygus.points import Points
from ncpu.synth.sygus.rows import Rows
from ncpu.synth.sygus.term import Term, constant, evaluate, walk
from ncpu.synth.sygus.theory import BOOL, OPERATIONS, Sort
from ncpu.synth.types import Value

_CHUNK = 1 << 18  # values made by one call
_LONGEST = 4096  # characters of a string worth keeping


class Exhausted(Exception):
    """Time or memory of the search is spent."""


@dataclass(frozen=True)
class Rule:
    """A production made ready: its holes numbered.

    Attributes:
      term: with `hole` nodes whose data is their number.
      holes: the nonterminal of each.
      weight: nodes besides the holes, at least 1.
      commutes: the two holes may be swapped.
    """

    term: Term
    holes: tuple[str, ...]
    weight: int
    commutes: bool


def prepared(term: Term) -> Rule:
    """A production with its holes numbered."""
    holes: list[str] = []

    def number(node: Term) -> Term:
        if node.op == "hole":
            holes.append(node.data)
            return Term("hole", (), node.sort, len(holes) - 1)
        return Term(node.op, tuple(number(a) for a in node.args), node.sort, node.data)

    made = number(term)
    plain = all(a.op == "hole" for a in term.args)
    operation = OPERATIONS.get(term.op)
    commutes = plain and operation is not None and operation.commutes
    commutes = commutes and len(holes) == 2 and holes[0] == holes[1]
    nodes = sum(1 for _ in walk(made))
    return Rule(made, tuple(holes), max(1, nodes - len(holes)), commutes)


class Enumeration:
    """The terms of a grammar at some points.

    Args:
      grammar: what may be made.
      points: where terms are evaluated.
      constants: values for `(Constant S)`, by sort.
      deadline: `time.perf_counter()` at which `Exhausted` is raised.
      memory: bytes of all tables.
    """

    def __init__(
        self,
        grammar: Grammar,
        points: Points,
        constants: Mapping[Sort, Sequence[Value]],
        deadline: float,
        memory: int,
    ):
        self.grammar, self.points = grammar, points
        self.deadline, self.memory = deadline, memory
        self.count = len(points.rows)
        generator = np.random.default_rng(0)
        odd = generator.integers(0, 1 << 64, self.count, dtype=np.uint64) | np.uint64(1)
        self.rows = {n: Rows(sort, self.count, odd) for n, sort in grammar.sorts.items()}
        self.rules = {
            name: [prepared(t) for term in rules for t in _with_constants(term, constants)]
            for name, rules in grammar.productions.items()
        }
        self.size = self.candidates = 0
        self._full = False

    def grow(self) -> Iterator[Term]:
        """Makes all terms of the next size; yields those that satisfy every group.

        Raises:
          Exhausted: time or memory is spent; what is stored stays.
        """
        self.size += 1
        begun = {name: rows.count for name, rows in self.rows.items()}
        try:
            for name, rules in self.rules.items():
                for index, rule in enumerate(rules):
                    for sizes in _partitions(self.size - rule.weight, len(rule.holes)):
                        if not (rule.commutes and sizes[0] > sizes[1]):
                            yield from self._apply(name, index, rule, sizes)
        finally:
            for name, rows in self.rows.items():
                rows.spans[self.size] = (begun[name], rows.count)

    def _apply(self, name: str, index: int, rule: Rule, sizes: tuple[int, ...]) -> Iterator[Term]:
        spans = [
            self.rows[hole].spans.get(size, (0, 0))
            for hole, size in zip(rule.holes, sizes, strict=True)
        ]
        lengths = tuple(stop - start for start, stop in spans)
        total = int(np.prod(lengths, dtype=np.float64))
        step = max(1, _CHUNK // self.count)
        for begin in range(0, total, step):
            if time.perf_counter() > self.deadline or self._full:
                raise Exhausted
            flat = np.arange(begin, min(begin + step, total))
            places = np.unravel_index(flat, lengths) if lengths else ()
            chosen = [p + start for p, (start, _) in zip(places, spans, strict=True)]
            yield from self._block(name, index, rule, chosen, len(flat))

    def _block(self, name: str, index: int, rule: Rule, chosen, count: int) -> Iterator[Term]:
        rows = self.rows[name]
        names: dict[Any, Any] = {k: v[None] for k, v in self.points.columns.items()}
        for number, (hole, places) in enumerate(zip(rule.holes, chosen, strict=True)):
            node = Term("hole", (), self.grammar.sorts[hole], number)
            names[node] = self.rows[hole].values[places]
        values, _ = evaluate(rule.term, names, exact=False)
        values = rows.typed(np.ascontiguousarray(np.broadcast_to(values, (count, self.count))))
        self.candidates += count
        children = (
            np.stack(chosen, axis=1).astype(np.int32) if chosen else np.zeros((count, 0), np.int32)
        )
        if rows.sort.name == "String":
            lengths = np.asarray(np.frompyfunc(len, 1, 1)(values))
            keep = np.flatnonzero((lengths <= _LONGEST).all(axis=1))
            values, children = values[keep], children[keep]
        fresh, hashes = rows.fresh(values)
        if not len(fresh):
            return
        start = rows.count
        rows.add(values[fresh], index, children[fresh], hashes[fresh])
        self._full = sum(r.bytes() for r in self.rows.values()) > self.memory
        if name == self.grammar.start:
            good = self.points.satisfied(values[fresh]).all(axis=1)
            for place in np.flatnonzero(good):
                yield self.term(name, start + int(place))

    def term(self, name: str, place: int) -> Term:
        """The term of a stored row."""
        rows = self.rows[name]
        block = int(np.searchsorted(rows.starts, place, side="right")) - 1
        index, children = rows.made[block]
        rule = self.rules[name][index]
        row = children[place - rows.starts[block]]
        parts = [self.term(h, int(c)) for h, c in zip(rule.holes, row, strict=True)]
        return filled(rule.term, parts)


def filled(term: Term, parts: Sequence[Term]) -> Term:
    """A rule's term with terms in its numbered holes."""
    if term.op == "hole":
        return parts[term.data]
    return Term(term.op, tuple(filled(a, parts) for a in term.args), term.sort, term.data)


def _with_constants(term: Term, constants: Mapping[Sort, Sequence[Value]]) -> Iterator[Term]:
    """A production with every choice for its first `(Constant S)`, and so on."""
    place = next((t for t in walk(term) if t.op == "any"), None)
    if place is None:
        yield term
        return
    for value in (True, False) if place.sort == BOOL else constants.get(place.sort, ()):
        yield from _with_constants(_once(term, constant(value, place.sort))[0], constants)


def _once(term: Term, new: Term, done: bool = False) -> tuple[Term, bool]:
    """A term with its first `any` node of a sort replaced."""
    if term.op == "any" and not done and term.sort == new.sort:
        return new, True
    args = []
    for a in term.args:
        made, done = _once(a, new, done)
        args.append(made)
    return Term(term.op, tuple(args), term.sort, term.data), done


def _partitions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Ways to write a size as ordered positive sizes."""
    if parts == 0:
        if total == 0:
            yield ()
        return
    if parts == 1:
        if total > 0:
            yield (total,)
        return
    for first in range(1, total - parts + 2):
        for rest in _partitions(total - first, parts - 1):
            yield (first, *rest)
