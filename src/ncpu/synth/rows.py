"""Terms of one kind with their values on all examples, told apart by a hash of these.

Rows of numbers are hashed by a random linear form modulo 2**64, so that the hash of a row never
made, such as `target - row`, is as quick to look up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ncpu.synth.operators import DTYPE
from ncpu.synth.types import Kind

_ATOM_BYTES = 160  # of a string or tuple held by a row


class Rows:
    """All terms of one kind: rows of values, hashes, and how each was made."""

    def __init__(self, kind: Kind, examples: int, multipliers: np.ndarray):
        self.kind = kind
        self.examples = examples
        self.count = 0
        self.values = np.empty((64, examples), DTYPE.get(kind, object))
        self.made = np.zeros((64, 5), np.int32)
        self.hashes = np.zeros(64, np.uint64)
        self.spans: dict[int, tuple[int, int]] = {}
        self._known = np.zeros(0, np.uint64)
        self._multipliers = multipliers
        self._atoms: dict[Any, int] = {}
        self._atom = np.frompyfunc(lambda v: self._atoms.setdefault(v, len(self._atoms) + 1), 1, 1)

    def hash(self, values: np.ndarray) -> np.ndarray:
        """`u64[n]` for rows `[n, examples]`; linear modulo 2**64 in numbers."""
        if values.dtype == object:
            values = np.asarray(self._atom(values)).astype(np.uint64)
        elif values.dtype == np.int64:
            values = values.view(np.uint64)
        else:
            values = values.astype(np.uint64)
        return values @ self._multipliers

    def contains(self, hashes: np.ndarray) -> np.ndarray:
        """Which hashes are of stored rows."""
        if not len(self._known):
            return np.zeros(len(hashes), bool)
        place = np.minimum(np.searchsorted(self._known, hashes), len(self._known) - 1)
        return self._known[place] == hashes

    def find(self, wanted: int) -> int:
        """Index of the stored row of that hash, or -1."""
        places = np.flatnonzero(self.hashes[: self.count] == np.uint64(wanted))
        return int(places[0]) if len(places) else -1

    def fresh(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places of first rows not stored before, and all their hashes."""
        hashes = self.hash(values)
        new = np.flatnonzero(~self.contains(hashes))
        _, first = np.unique(hashes[new], return_index=True)
        return new[np.sort(first)], hashes

    def add(self, values: np.ndarray, made: np.ndarray, hashes: np.ndarray) -> None:
        """Stores rows known to be fresh."""
        need = self.count + len(values)
        if need > len(self.values):
            size = max(need, 2 * len(self.values))
            for name in ("values", "made", "hashes"):
                old = getattr(self, name)
                grown = np.empty((size, *old.shape[1:]), old.dtype)
                grown[: self.count] = old[: self.count]
                setattr(self, name, grown)
        self.values[self.count : need] = values
        self.made[self.count : need] = made
        self.hashes[self.count : need] = hashes
        self.count = need
        merged = np.concatenate([self._known, np.sort(hashes)])
        merged.sort(kind="stable")
        self._known = merged

    @property
    def bytes(self) -> int:
        """Memory held, strings and tuples estimated."""
        own = self.values.nbytes + self.made.nbytes + self.hashes.nbytes + self._known.nbytes
        return own + _ATOM_BYTES * len(self._atoms)
