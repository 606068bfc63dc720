"""All terms of one nonterminal, as rows of values that are stored once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ncpu.synth.sygus.theory import INT, Sort
from ncpu.synth.types import signed

_ATOM_BYTES = 160  # of a string held by a row


class Rows:
    """All terms of one nonterminal: values, how each was made, and sizes.

    Args:
      sort: of the values.
      points: how many.
      multipliers: odd `u64[points]` of the hash.
    """

    def __init__(self, sort: Sort, points: int, multipliers: np.ndarray):
        self.sort, self.count = sort, 0
        kinds = {"Int": np.int64, "Bool": np.bool_, "BitVec": np.uint64}
        self.values = np.empty((64, points), kinds.get(sort.name, object))
        self.made: list[tuple[int, np.ndarray]] = []  # rule and children, block by block
        self.starts: list[int] = []
        self.spans: dict[int, tuple[int, int]] = {}
        self._sorted: list[np.ndarray] = []  # of hashes, each at least twice the next
        self._multipliers, self._held = multipliers, 0
        self.atoms: dict[Any, int] = {}
        self._atom = np.frompyfunc(lambda v: self.atoms.setdefault(v, len(self.atoms) + 1), 1, 1)

    def typed(self, values: np.ndarray) -> np.ndarray:
        """Values in this nonterminal's dtype; an integer too large wraps."""
        if self.sort == INT and values.dtype == object:
            try:
                return values.astype(np.int64)
            except OverflowError:
                return np.asarray(np.frompyfunc(signed, 1, 1)(values)).astype(np.int64)
        return values.astype(self.values.dtype, copy=False)

    def fresh(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places of rows that were not stored before, in order, and all hashes."""
        if values.dtype == object:
            values = np.asarray(self._atom(values)).astype(np.uint64)
        hashes = values.astype(np.uint64, copy=False) @ self._multipliers
        _, first = np.unique(hashes, return_index=True)
        for known in self._sorted:
            place = np.minimum(np.searchsorted(known, hashes[first]), len(known) - 1)
            first = first[known[place] != hashes[first]]
        return np.sort(first), hashes

    def add(self, values: np.ndarray, rule: int, children: np.ndarray, hashes: np.ndarray) -> None:
        """Stores fresh rows made by one rule."""
        need = self.count + len(values)
        if need > len(self.values):
            grown = np.empty((max(need, 2 * len(self.values)), self.values.shape[1]),
                             self.values.dtype)  # fmt: skip
            grown[: self.count] = self.values[: self.count]
            self.values = grown
        self.values[self.count : need] = values
        self.starts.append(self.count)
        self.made.append((rule, children))
        self._held += children.nbytes
        self.count = need
        self._sorted.append(np.sort(hashes))
        while len(self._sorted) > 1 and len(self._sorted[-2]) < 2 * len(self._sorted[-1]):
            pair = np.concatenate([self._sorted.pop(), self._sorted.pop()])
            self._sorted.append(np.sort(pair))

    def bytes(self) -> int:
        """Memory held, strings estimated."""
        return self.values.nbytes + 8 * self.count + self._held + _ATOM_BYTES * len(self.atoms)

    def sizes(self) -> np.ndarray:
        """Size of every row."""
        made = np.zeros(self.count, np.int64)
        for size, (start, stop) in self.spans.items():
            made[start:stop] = size
        return made
