"""Conditionals by divide and conquer: terms that fit parts of the examples, joined by a tree.

A term is reduced to the set of examples it satisfies, a predicate to the set it accepts, both as
bits of one 64-bit word, so that a split is tried against every pair at once.

Source: Alur, Radhakrishna, Udupa, "Scaling Enumerative Program Synthesis via Divide and Conquer"
(TACAS 2017).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from ncpu.synth.enumerate import Bank, OutOfBudget
from ncpu.synth.expression import Expr, call, walk
from ncpu.synth.linear import fit, quotient
from ncpu.synth.predicates import bits, predicates, sizes_of
from ncpu.synth.types import Kind

MOST_EXAMPLES = 64
_TERMS = 1000
_PREDICATES = 3000
_BRANCHES = 8
_FITTING = 80  # cheapest splits whose sides are tried with polynomials
_NONE = 1e6  # more than any cost
_FITTED = 0.5  # cost of a fitted polynomial by its size
_LEAF_EXAMPLES = 3  # that a polynomial of one branch needs
_QUOTIENT_EXAMPLES = 6


@dataclass(frozen=True)
class Tree:
    """A program for some examples, with its description length."""

    cost: float
    program: Expr


@dataclass
class Unifier:
    """A tree of conditions over one bank.

    Attributes:
      bank: terms and predicates.
      target: values wanted, `[examples]`.
      kind: their kind.
      deadline: `time.perf_counter()` at which it gives up.
      polynomials: whether leaves may be fitted rather than stored.
      terms: sets of examples satisfied, with the term's place, smallest first.
      predicates: sets of examples accepted, with how to write the predicate.
    """

    bank: Bank
    target: np.ndarray
    kind: Kind
    deadline: float
    polynomials: bool = True
    terms: np.ndarray = field(init=False)
    sizes: np.ndarray = field(init=False)
    predicates: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        rows = self.bank.rows[self.kind]
        satisfied = bits(rows.values[: rows.count] == self.target)
        masks, places = np.unique(satisfied, return_index=True)
        keep = masks != 0
        masks, places = masks[keep], places[keep]
        order = np.argsort(-np.bitwise_count(masks).astype(np.int64), kind="stable")[:_TERMS]
        order = order[np.argsort(places[order], kind="stable")]
        self.terms, self._places = masks[order], places[order]
        self.sizes = sizes_of(rows, self._places).astype(float)
        _, value = np.unique(self.target, return_inverse=True)
        self._alike = bits(value[None] == np.arange(value.max() + 1)[:, None])
        self._leaves: dict[int, Tree | None] = {}
        self._tried: dict[tuple[int, int], Tree | None] = {}
        self._fill()

    def _fill(self) -> None:
        """Chooses the cheapest predicate of every split."""
        found = list(predicates(self.bank))
        everything = np.uint64((1 << len(self.target)) - 1)
        table = np.array([p.mask for p in found], np.uint64)
        costs = np.array([p.cost for p in found], float)
        # A predicate and its negation split alike.
        canonical = np.where(table & np.uint64(1), table, ~table & everything)
        order = np.argsort(costs, kind="stable")
        _, first = np.unique(canonical[order], return_index=True)
        chosen = order[np.sort(first)]
        chosen = chosen[(table[chosen] != 0) & (table[chosen] != everything)][:_PREDICATES]
        self.predicates, self.costs = table[chosen], costs[chosen]
        self._writers = [found[k].write for k in chosen]

    def solve(self, depth: int) -> Tree | None:
        """A tree of at most this depth, or None.

        Raises:
          OutOfBudget: at the deadline.
        """
        return self._tree((1 << len(self.target)) - 1, depth)

    def _leaf(self, mask: int) -> Tree | None:
        if mask not in self._leaves:
            wanted = np.uint64(mask)
            fitting = np.flatnonzero((self.terms & wanted) == wanted)
            found = self._fitted(mask) if self.polynomials and not len(fitting) else None
            if len(fitting):
                place = int(fitting[0])
                term = self.bank.expr(self.kind, int(self._places[place]))
                found = Tree(float(self.sizes[place]), term)
            self._leaves[mask] = found
        return self._leaves[mask]

    def _fitted(self, mask: int) -> Tree | None:
        """A polynomial, or a rounded quotient of one, through some examples."""
        chosen = [e for e in range(len(self.target)) if mask >> e & 1]
        varying = [
            leaf
            for leaf in self.bank.leaves
            if leaf.expr.kind is Kind.I and leaf.expr.op != "const" and leaf.size == 1
        ]
        if self.kind is not Kind.I or len(chosen) < _LEAF_EXAMPLES or not varying:
            return None
        columns = [[int(leaf.values[e]) for e in chosen] for leaf in varying]
        exprs, wanted = [leaf.expr for leaf in varying], [int(self.target[e]) for e in chosen]
        if len(chosen) < 4:  # one example to spare
            program = fit(exprs, columns, wanted, 1, 1)
            return program and Tree(program.size, program)
        program = fit(exprs, columns, wanted, 2)
        if program is None and len(set(wanted)) >= _QUOTIENT_EXAMPLES:
            program = quotient(exprs, columns, wanted)
            return program and Tree(program.size + _digits(program), program)
        return program and Tree(_FITTED * program.size, program)

    def _tree(self, mask: int, depth: int) -> Tree | None:
        if time.perf_counter() > self.deadline:
            raise OutOfBudget
        key = (mask, depth)
        if key not in self._tried:
            self._tried[key] = self._leaf(mask) or (self._split(mask, depth) if depth else None)
        return self._tried[key]

    def _covered(self, masks: np.ndarray) -> np.ndarray:
        """Size of the smallest term for each set of examples, or a large number."""
        best = np.full(len(masks), _NONE)
        for start in range(0, len(masks), 256):
            block = masks[start : start + 256, None]
            fits = (self.terms[None] & block) == block
            sizes = np.where(fits, self.sizes[None], _NONE)
            best[start : start + 256] = sizes.min(axis=1, initial=_NONE)
        return best

    def _split(self, mask: int, depth: int) -> Tree | None:
        wanted = np.uint64(mask)
        yes, no = self.predicates & wanted, ~self.predicates & wanted
        # The cheapest of those that split these examples alike; costs ascend.
        _, usable = np.unique(np.minimum(yes, no), return_index=True)
        usable = np.sort(usable)
        usable = usable[(yes[usable] != 0) & (no[usable] != 0)]
        if not len(usable):
            return None
        yes, no, costs = yes[usable], no[usable], self.costs[usable]
        left, right = self._covered(yes), self._covered(no)
        total = left + right + costs
        best = int(np.argmin(total))
        if total[best] < _NONE:
            return self._join(int(usable[best]), int(yes[best]), int(no[best]), 0)
        counts_yes, counts_no = np.bitwise_count(yes), np.bitwise_count(no)
        done = np.where(left < _NONE, counts_yes, 0) + np.where(right < _NONE, counts_no, 0)
        balance = np.minimum(counts_yes, counts_no)
        by_done = np.lexsort((costs, -balance.astype(int), -done.astype(int)))[:_BRANCHES]
        by_gain = np.argsort(self._mixture(yes) + self._mixture(no) + costs / 2)[:_BRANCHES]
        found: Tree | None = None
        for k in dict.fromkeys([*by_done, *by_gain, *self._fitting_splits(yes, no)]):
            tree = self._join(int(usable[k]), int(yes[k]), int(no[k]), depth - 1)
            if tree is not None and (found is None or tree.cost < found.cost):
                found = tree
        return found

    def _mixture(self, masks: np.ndarray) -> np.ndarray:
        """Bits by which the results of each set of examples differ among themselves."""
        counts = np.bitwise_count(masks[:, None] & self._alike[None]).astype(float)
        total = counts.sum(axis=1)
        return total * np.log2(np.maximum(total, 1)) - (
            counts * np.log2(np.maximum(counts, 1))
        ).sum(axis=1)

    def _fitting_splits(self, yes: np.ndarray, no: np.ndarray) -> list[int]:
        """Splits with a polynomial on one side and something on the other."""
        if self.kind is not Kind.I or not self.polynomials:
            return []
        scores = []
        for k in range(min(len(yes), _FITTING)):
            sides = [side for side in (yes[k], no[k]) if self._leaf(int(side)) is not None]
            if sides:
                scores.append((-sum(int(np.bitwise_count(side)) for side in sides), k))
            if time.perf_counter() > self.deadline:
                break
        return [k for _, k in sorted(scores)[:_BRANCHES]]

    def _join(self, predicate: int, yes: int, no: int, depth: int) -> Tree | None:
        one = self._tree(yes, depth)
        other = self._tree(no, depth) if one is not None else None
        if one is None or other is None:
            return None
        test = self._writers[predicate]()
        cost = 1 + float(self.costs[predicate]) + one.cost + other.cost
        if self.kind is Kind.B:
            program = _truth(test, one.program, other.program)
            negated = any(node.op == "not" and node.args[0] is test for node in walk(program))
            return Tree(cost - 1 + negated, program)
        name = f"ite_{self.kind}".lower()
        return Tree(cost, call(name, test, one.program, other.program))


def _truth(test: Expr, one: Expr, other: Expr) -> Expr:
    """A conditional between truth values, as a formula where that is shorter."""
    if one.op == "const" and other.op == "const":
        return test if one.data else call("not", test)
    if one.op == "const":
        return call("or", test, other) if one.data else call("and", call("not", test), other)
    if other.op == "const":
        return call("or", call("not", test), one) if other.data else call("and", test, one)
    return call("ite_b", test, one, other)


def _digits(program: Expr) -> float:
    """Decimal digits of the constants, which a rounded fit leaves more or less free."""
    numbers = {node.data for node in walk(program) if node.op == "const"}
    return float(sum(len(str(abs(v))) for v in numbers))
