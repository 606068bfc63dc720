"""What is done with a loop's value: nothing, one operator with a small term, or with a loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ncpu.synth.enumerate import Leaf
from ncpu.synth.expression import Expr, call
from ncpu.synth.operators import TABLE, Operator, apply
from ncpu.synth.types import Kind

_TO_NUMBER = ("add", "sub", "mul", "div", "mod", "max", "min")
_TO_TRUTH = ("eq", "lt", "le")
_KEPT = 24  # exact loops of one block
_DISTINCT = 20_000  # rows made distinct
_MOST = 2500  # rows tried with every small term
_PAIRS = 100  # rows tried with each other


@dataclass(frozen=True)
class Found:
    """A program that fits the examples used.

    Attributes:
      cost: in the sketches' own order, where a source or an element's neighbour is one symbol.
      program: the program.
    """

    cost: float
    program: Expr


@dataclass(frozen=True)
class Gathered:
    """Loop values of many loops.

    Attributes:
      rows: `[n, examples used]`.
      costs: `[n]`.
      make: the loop of a row.
      chosen: examples used.
    """

    rows: np.ndarray
    costs: np.ndarray
    make: Callable[[int], Expr]
    chosen: np.ndarray


def together(blocks: Sequence[Gathered]) -> Gathered | None:
    """Blocks that use the same examples as one; None of none."""
    if not blocks:
        return None
    ends = np.cumsum([len(block.costs) for block in blocks])

    def make(place: int) -> Expr:
        which = int(np.searchsorted(ends, place, side="right"))
        return blocks[which].make(place - int(ends[which]) + len(blocks[which].costs))

    rows = np.concatenate([block.rows for block in blocks])
    return Gathered(rows, np.concatenate([b.costs for b in blocks]), make, blocks[0].chosen)


@dataclass(frozen=True)
class Finisher:
    """Turns rows of loop values into programs for a target.

    Attributes:
      target: values wanted, `[examples]`.
      kind: their kind: `I`, `B`, or `U`, of which the target is given as integers.
      terms: small integer terms with values `[examples]`.
    """

    target: np.ndarray
    kind: Kind
    terms: tuple[Leaf, ...]

    def exact(self, loops: Gathered) -> Iterator[Found]:
        """Loops that are the program."""
        if self.kind is Kind.B:
            return
        fits = np.flatnonzero((loops.rows == self.target[loops.chosen]).all(axis=1))
        for place in fits[np.argsort(loops.costs[fits], kind="stable")][:_KEPT]:
            yield Found(float(loops.costs[place]), self._typed(loops.make(int(place))))

    def combined(self, loops: Gathered, pairs: int = _PAIRS) -> Iterator[Found]:
        """Loops joined with a small term, or the `pairs` shortest with each other."""
        wanted = self.target[loops.chosen]
        order = np.argsort(loops.costs, kind="stable")[:_DISTINCT]
        _, first = np.unique(loops.rows[order] @ _ODD[: loops.rows.shape[1]], return_index=True)
        places = order[np.sort(first)]
        few = places[:_MOST]
        distinct = loops.rows[few]
        for name in _TO_TRUTH if self.kind is Kind.B else _TO_NUMBER:
            row = TABLE[name]
            for rank, leaf in enumerate(self.terms):
                term = leaf.values[loops.chosen]
                for flipped in (False,) if row.commutes else (False, True):
                    pair = (term, distinct) if flipped else (distinct, term)
                    for place in few[_fitting(row, *pair, wanted)[:2, 0]]:
                        value = loops.make(int(place))
                        operands = (leaf.expr, value) if flipped else (value, leaf.expr)
                        cost = float(loops.costs[place]) + 2 + rank / 8
                        yield Found(cost, self._typed(call(name, *operands)))
        if self.kind is not Kind.B:
            yield from self._pairs(loops, places[:pairs], wanted)

    def _pairs(self, loops: Gathered, places: np.ndarray, wanted: np.ndarray) -> Iterator[Found]:
        left, right = loops.rows[places][:, None], loops.rows[places][None]
        for name in ("add", "sub", "mul", "div"):
            for one, other in places[_fitting(TABLE[name], left, right, wanted)[:2]]:
                program = call(name, loops.make(int(one)), loops.make(int(other)))
                cost = float(loops.costs[one] + loops.costs[other]) + 1
                yield Found(cost, self._typed(program))

    def _typed(self, program: Expr) -> Expr:
        return call("word_of", program) if self.kind is Kind.U else program


def _fitting(row: Operator, left: np.ndarray, right: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Places `[n, axes]` whose values are the wanted; most are told by the first two."""
    few = apply(row, (left[..., :2], right[..., :2])) == wanted[:2]
    places = np.argwhere(few.all(axis=-1))
    shape = (*few.shape[:-1], len(wanted))
    at = tuple(places.T)
    pair = np.broadcast_to(left, shape)[at], np.broadcast_to(right, shape)[at]
    return places[(apply(row, pair) == wanted).all(axis=1)]


_ODD = np.random.default_rng(0).integers(-(1 << 62), 1 << 62, 4096) | 1
