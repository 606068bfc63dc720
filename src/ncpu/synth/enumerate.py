"""Bottom-up enumeration by size with observational equivalence, batched over candidates.

Every term keeps its values on all examples as a row; one NumPy call makes the rows of an operator
over all pairs of sizes, and a row seen before is dropped.

NumPy rather than JAX: making values is a small part of the work beside telling them apart, and
shapes change with every level, so that a traced kernel is compiled again or padded.
`benchmarks/synth.py rate` prints both rates.

Source: Albarghouthi, Gulwani, Kincaid, "Recursive Program Synthesis" (CAV 2013), section 4;
Udupa et al., "TRANSIT" (PLDI 2013).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass
from itertools import product

import numpy as np

from ncpu.synth.expression import Expr, call
from ncpu.synth.operators import TABLE, Operator, apply
from ncpu.synth.rows import Rows
from ncpu.synth.types import Kind

_CHUNK = 1 << 19  # values made by one call; about what stays in a second-level cache


class OutOfBudget(Exception):
    """Raised inside a search at its deadline."""


@dataclass(frozen=True)
class Leaf:
    """A term of size one (or more) to start from: its expression and values `[examples]`."""

    expr: Expr
    values: np.ndarray
    size: int = 1


class Bank:
    """Terms over examples, grown size by size.

    Args:
      leaves: arguments, constants, locals with their values.
      operators: rows of the table that may be used.
      examples: how many.
      width: bits of a word.
      deadline: `time.perf_counter()` at which `OutOfBudget` is raised.
      memory: bytes of its tables; past it growing stops with `OutOfBudget`.
      seed: of the hash.
      most: candidates after which growing stops with `OutOfBudget`.
    """

    def __init__(
        self,
        leaves: Sequence[Leaf],
        operators: Sequence[Operator],
        examples: int,
        width: int = 64,
        deadline: float = float("inf"),
        memory: int = 1 << 30,
        seed: int = 0,
        most: float = float("inf"),
    ):
        generator = np.random.default_rng(seed)
        odd = generator.integers(0, 1 << 64, examples, dtype=np.uint64) | np.uint64(1)
        self.rows = {kind: Rows(kind, examples, odd) for kind in Kind}
        self.operators = list(operators)
        self.leaves = list(leaves)
        self.examples, self.width = examples, width
        self.deadline, self.memory, self.most = deadline, memory, most
        self.size = 0
        self.candidates = 0
        self.full = False

    def grow(self) -> bool:
        """Makes all terms of the next size; whether any was made.

        Raises:
          OutOfBudget: the deadline or another limit is reached; what is stored stays.
        """
        self.size += 1
        starts = {kind: rows.count for kind, rows in self.rows.items()}
        made_any = False
        for place, leaf in enumerate(self.leaves):
            if leaf.size == self.size:
                self._store(leaf.expr.kind, leaf.values[None], np.array([[-1, place, 0, 0, 0]]))
                made_any = True
        try:
            for index, row in enumerate(self.operators):
                for sizes in _partitions(self.size - max(row.cost, 1), len(row.arguments)):
                    made_any |= self._apply(index, row, sizes)
        finally:
            for kind, rows in self.rows.items():
                rows.spans[self.size] = (starts[kind], rows.count)
        return made_any

    def _apply(self, index: int, row: Operator, sizes: tuple[int, ...]) -> bool:
        if row.commutes and sizes[0] > sizes[1]:
            return False
        spans = []
        for kind, size in zip(row.arguments, sizes, strict=True):
            start, stop = self.rows[kind].spans.get(size, (0, 0))
            if start == stop:
                return False
            spans.append((start, stop))
        tail = int(np.prod([stop - start for start, stop in spans[1:]], dtype=np.int64))
        per_row = tail * self.examples
        start, stop = spans[0]
        if per_row > _CHUNK and len(spans) > 1:
            for begin in range(spans[-1][0], spans[-1][1], max(1, _CHUNK // self.examples)):
                end = min(begin + max(1, _CHUNK // self.examples), spans[-1][1])
                for first in product(*(range(*span) for span in spans[:-1])):
                    self._block(index, row, [*((f, f + 1) for f in first), (begin, end)])
            return True
        step = max(1, _CHUNK // max(per_row, 1))
        for begin in range(start, stop, step):
            self._block(index, row, [(begin, min(begin + step, stop)), *spans[1:]])
        return True

    def _block(self, index: int, row: Operator, spans: list[tuple[int, int]]) -> None:
        if time.perf_counter() > self.deadline or self.candidates > self.most:
            raise OutOfBudget
        operands, axes = [], len(spans)
        for axis, (kind, (start, stop)) in enumerate(zip(row.arguments, spans, strict=True)):
            shape = [1] * axes + [self.examples]
            shape[axis] = stop - start
            operands.append(self.rows[kind].values[start:stop].reshape(shape))
        values = apply(row, tuple(operands), self.width)
        shape = (*(stop - start for start, stop in spans), self.examples)
        values = np.broadcast_to(values, shape).reshape(-1, self.examples)
        self.candidates += len(values)
        grid = np.indices(shape[:-1]).reshape(axes, -1)
        made = np.zeros((len(values), 5), np.int32)
        made[:, 0] = index
        made[:, 1 : 1 + axes] = grid.T + [start for start, _ in spans]
        self._store(row.result, values, made)

    def _store(self, kind: Kind, values: np.ndarray, made: np.ndarray) -> None:
        rows = self.rows[kind]
        values = np.ascontiguousarray(values)
        if values.dtype == object:
            sizes = np.asarray(np.frompyfunc(_length, 1, 1)(values)).max(axis=1)
            keep = np.flatnonzero(sizes.astype(np.int64) <= 4096)
            values, made = values[keep], made[keep]
            if not len(values):
                return
        fresh, hashes = rows.fresh(values)
        if len(fresh) and not self.full:
            rows.add(values[fresh], made[fresh], hashes[fresh])
            self.full = sum(r.bytes for r in self.rows.values()) > self.memory
        if self.full:
            raise OutOfBudget

    def expr(self, kind: Kind, place: int) -> Expr:
        """The expression of a stored row."""
        index, *children = (int(v) for v in self.rows[kind].made[place])
        if index < 0:
            return self.leaves[children[0]].expr
        row = self.operators[index]
        pairs = zip(row.arguments, children, strict=False)
        operands = [self.expr(k, c) for k, c in pairs]
        return row.build(*operands) if row.build else call(row.name, *operands)

    def sizes(self, kind: Kind) -> np.ndarray:
        """Sizes of the stored rows of one kind."""
        rows = self.rows[kind]
        out = np.zeros(rows.count, np.int64)
        for size, (start, stop) in rows.spans.items():
            out[start:stop] = size
        return out

    def match(self, kind: Kind, target: np.ndarray) -> Expr | None:
        """A smallest stored term with these values."""
        rows = self.rows[kind]
        place = rows.find(int(rows.hash(target[None])[0]))
        if place >= 0 and bool(np.all(rows.values[place] == target)):
            return self.expr(kind, place)
        return None


def _length(value: Sized) -> int:
    return len(value)


def _partitions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Ways to write a size as ordered sizes of the operands."""
    if parts == 1:
        if total > 0:
            yield (total,)
        return
    for first in range(1, total - parts + 2):
        for rest in _partitions(total - first, parts - 1):
            yield (first, *rest)


def operators_for(kinds: Sequence[Kind], allowed: frozenset[str] | None = None) -> list[Operator]:
    """Rows whose operands can be made from values of these kinds, and of their results."""
    reach = set(kinds)
    rows = [r for r in TABLE.values() if allowed is None or r.name in allowed]
    return [r for r in rows if set(r.arguments) <= reach and r.result in reach]
