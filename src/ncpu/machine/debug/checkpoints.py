"""Checkpoints: states kept whole, pages shared, thinned so that memory stays bounded."""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass, field
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from ncpu.machine.state import PAGE, State


class Instant(NamedTuple):
    """A point of a run: `retired` instructions and `events` visits of the host are done."""

    retired: int
    events: int


@dataclass(order=True)
class Checkpoint:
    """A state at an instant; pages that did not change are the arrays of its neighbours."""

    instant: Instant
    pages: list[np.ndarray] = field(compare=False, repr=False)
    rest: State = field(compare=False, repr=False)  # `mem` is a single doubleword

    def state(self) -> State:
        """The state, in memory of its own."""
        mem = np.concatenate(self.pages).reshape(-1, 2)
        fields = {name: jnp.array(np.array(v)) for name, v in vars(self.rest).items()}
        return State(**{**fields, "mem": jnp.array(mem)})


class Checkpoints:
    """The checkpoints of one run.

    Args:
      budget: bytes of distinct pages to keep; older checkpoints are thinned out first, so
        that their distances grow with their age.
    """

    def __init__(self, budget: int = 512 << 20) -> None:
        self.budget = budget
        self.kept: list[Checkpoint] = []
        self.bytes = 0
        self._latest: tuple[Instant, np.ndarray] | None = None  # as one array: compared fast

    def add(self, instant: Instant, state: State) -> None:
        """Keep `state`; nothing when that instant is kept already."""
        at = bisect_right(self.kept, instant, key=lambda c: c.instant)
        near = self.kept[at - 1] if at else None
        if near is not None and near.instant == instant:
            return
        image = np.asarray(state.mem).reshape(-1, PAGE // 4)
        if near is None:
            pages = _shared(image)
            self.bytes += image.nbytes
        else:
            pages = list(near.pages)
            changed = self._changed(near, image)
            for k in changed:
                pages[k] = image[k].copy()
            self.bytes += len(changed) * PAGE
        small = {name: np.array(v) for name, v in vars(state).items() if name != "mem"}
        rest = State(**small, mem=np.zeros((1, 2), np.uint32))  # type: ignore[arg-type]
        insort(self.kept, Checkpoint(instant, pages, rest))
        self._latest = instant, image.copy()
        while self.bytes > self.budget and len(self.kept) > 2:  # the first and the last stay
            self._thin()

    def before(self, instant: Instant) -> Checkpoint:
        """The last checkpoint at or before `instant`."""
        return self.kept[bisect_right(self.kept, instant, key=lambda c: c.instant) - 1]

    def _changed(self, near: Checkpoint, image: np.ndarray) -> list[int]:
        """The pages of `image` that are not those of a checkpoint."""
        if self._latest is None or self._latest[0] != near.instant:
            self._latest = near.instant, np.stack(near.pages)
        return np.flatnonzero((self._latest[1] != image).any(axis=1)).tolist()

    def _thin(self) -> None:
        """Drop every other one of the older half; the first always stays."""
        half = max(len(self.kept) // 2, 2)
        old = self.kept[:half]
        self.kept = [c for k, c in enumerate(old) if k % 2 == 0] + self.kept[half:]
        distinct = {id(page) for c in self.kept for page in c.pages}
        self.bytes = len(distinct) * PAGE


_ZERO = np.zeros(PAGE // 4, np.uint32)


def _shared(image: np.ndarray) -> list[np.ndarray]:
    """The pages of a whole memory; empty ones are one array."""
    used = np.asarray(image.any(axis=1)).tolist()
    return [row.copy() if some else _ZERO for row, some in zip(image, used, strict=True)]
