"""Conditionals by divide and conquer over a grammar's `ite`: terms right on parts, joined.

A term is the set of groups it satisfies, a condition the set it holds on, both as bits of a word.

Source: Alur, Radhakrishna, Udupa (TACAS 2017), section 4.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from ncpu.synth.sygus.search import Enumeration
from ncpu.synth.sygus.term import Term

MOST_GROUPS = 64
_KEPT = 4000  # terms, and conditions
_BRANCHES = 8
_NONE = 1 << 20  # the size of a term that is not there


def joints(found: Enumeration) -> list[tuple[str, str]]:
    """`(branch, condition)` nonterminals of every `ite` rule that can be the whole program."""
    grammar = found.grammar
    whole, left = {grammar.start}, [grammar.start]
    made = []
    while left:
        name = left.pop()
        for rule in grammar.productions[name]:
            if rule.op == "hole" and rule.data not in whole:
                whole.add(rule.data)
                left.append(rule.data)
            if rule.op == "ite" and all(a.op == "hole" for a in rule.args):
                test, one, other = (a.data for a in rule.args)
                if one == other == name:
                    made.append((name, test))
    return made


def _masks(table: np.ndarray) -> np.ndarray:
    return table.astype(np.uint64) @ (np.uint64(1) << np.arange(table.shape[1], dtype=np.uint64))


@dataclass
class Tree:
    """Decision trees over what an enumeration stored.

    Attributes:
      found: the enumeration.
      branch: nonterminal of the leaves.
      condition: nonterminal of the tests.
      deadline: `time.perf_counter()` at which it gives up.
    """

    found: Enumeration
    branch: str
    condition: str
    deadline: float
    _tried: dict[tuple[int, int], Term | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        points, rows = self.found.points, self.found.rows[self.branch]
        self.everything = (1 << len(points.groups)) - 1
        good = _masks(points.satisfied(rows.values[: rows.count]))
        self.terms, self.term_places, self.sizes = _distinct(good, rows.sizes())
        tests = self.found.rows[self.condition]
        holds = _masks(tests.values[: tests.count][:, points.point_of_group()])
        both = (holds != 0) & (holds != np.uint64(self.everything))
        canonical = np.where(both, holds, np.uint64(0))
        self.tests, self.test_places, self.costs = _distinct(canonical, tests.sizes())

    def solve(self, depth: int) -> Term | None:
        """A tree of at most this depth, or None."""
        return self._tree(self.everything, depth)

    def _tree(self, mask: int, depth: int) -> Term | None:
        key = (mask, depth)
        if key not in self._tried:
            leaf = self._leaf(mask)
            self._tried[key] = leaf or (self._split(mask, depth) if depth else None)
        return self._tried[key]

    def _leaf(self, mask: int) -> Term | None:
        fits = np.flatnonzero((self.terms & np.uint64(mask)) == np.uint64(mask))
        return self.found.term(self.branch, int(self.term_places[fits[0]])) if len(fits) else None

    def _covering(self, masks: np.ndarray) -> np.ndarray:
        """Size of the smallest term that is right on each set of groups."""
        best = np.full(len(masks), _NONE)
        for begin in range(0, len(masks), 512):
            block = masks[begin : begin + 512, None]
            sizes = np.where((self.terms[None] & block) == block, self.sizes[None], _NONE)
            best[begin : begin + 512] = sizes.min(axis=1, initial=_NONE)
        return best

    def _split(self, mask: int, depth: int) -> Term | None:
        if time.perf_counter() > self.deadline:
            return None
        yes, no = self.tests & np.uint64(mask), ~self.tests & np.uint64(mask)
        usable = np.flatnonzero((yes != 0) & (no != 0))
        if not len(usable):
            return None
        yes, no, costs = yes[usable], no[usable], self.costs[usable]
        left, right = self._covering(yes), self._covering(no)
        best = int(np.argmin(left + right + costs))
        if left[best] + right[best] < _NONE:
            return self._joined(int(usable[best]), int(yes[best]), int(no[best]), 0)
        if depth == 1:
            return None
        counts = [np.bitwise_count(m).astype(np.int64) for m in (yes, no)]
        done = np.where(left < _NONE, counts[0], 0) + np.where(right < _NONE, counts[1], 0)
        order = np.lexsort((costs, -np.minimum(*counts), -done))
        trees = (
            self._joined(int(usable[k]), int(yes[k]), int(no[k]), depth - 1)
            for k in order[:_BRANCHES]
        )
        return min((t for t in trees if t), key=lambda t: t.size, default=None)

    def _joined(self, test: int, yes: int, no: int, depth: int) -> Term | None:
        one = self._tree(yes, depth)
        other = self._tree(no, depth) if one else None
        if one is None or other is None:
            return None
        condition = self.found.term(self.condition, int(self.test_places[test]))
        return Term("ite", (condition, one, other), one.sort)


def _distinct(masks: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nonempty masks with the place and size of the smallest row of each."""
    kept, places = np.unique(masks, return_index=True)
    places = places[kept != 0]
    counts = np.bitwise_count(masks[places]).astype(np.int64)
    chosen = places[np.lexsort((places, -counts))][:_KEPT]
    chosen = np.sort(chosen)
    return masks[chosen], chosen, sizes[chosen]
