"""The arrays of a snapshot: lanes as one batch, memory as distinct pages, long byte strings.

The tree that orbax saves, all of it NumPy arrays:

    lanes/<field>     the `State` of every thread without its memory, stacked: a batch
    pages             u8[n, 4096], every distinct page of any memory once; the first is zeros
    spaces/<s>/page   u32[pages], which of them each page of an address space holds
    spaces/<s>/...    perm u8[pages], mapped bool[pages], stale bool[pages]
    bytes             u8[n], long byte strings (files, pipes) one after the other
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import jax.numpy as jnp
import numpy as np

from ncpu.machine.errors import SnapshotError
from ncpu.machine.linux.space import Space
from ncpu.machine.state import PAGE, State, new_state

LANE = tuple(f.name for f in fields(State) if f.name not in ("mem", "perm"))
WORDS = PAGE // 4
Tree = dict[str, Any]


class ArrayWriter:
    """Collects arrays; what the methods return says where to find them again."""

    def __init__(self) -> None:
        self._lanes: list[State] = []
        self._pages: dict[bytes, int] = {bytes(PAGE): 0}
        self._spaces: list[Tree] = []
        self._bytes: list[bytes] = []
        self._places: dict[bytes, int] = {}
        self._end = 0

    def lane(self, state: State) -> int:
        """A thread's lane; its memory is that of its space."""
        self._lanes.append(state)
        return len(self._lanes) - 1

    def bytes(self, data: bytes) -> list[int]:
        """A byte string: [offset, length]; equal ones are kept once."""
        if data not in self._places:
            self._places[data] = self._end
            self._bytes.append(data)
            self._end += len(data)
        return [self._places[data], len(data)]

    def space(self, space: Space) -> int:
        """The memory of an address space; one that is no longer used has none."""
        found: Tree = {"mapped": np.array(space.mapped), "stale": np.array(space.stale)}
        if space.mem is not None and space.perm is not None:
            found["perm"] = np.asarray(space.perm)
            found["page"] = self._index(np.asarray(space.mem))
        self._spaces.append(found)
        return len(self._spaces) - 1

    def _index(self, mem: np.ndarray) -> np.ndarray:
        pages = np.ascontiguousarray(mem).reshape(-1, WORDS)
        index = np.zeros(len(pages), np.uint32)
        for number in np.flatnonzero(pages.any(axis=1)):
            content = pages[number].tobytes()
            index[number] = self._pages.setdefault(content, len(self._pages))
        return index

    def tree(self) -> Tree:
        """What to save."""
        pages = np.frombuffer(b"".join(self._pages), np.uint8).reshape(-1, PAGE)
        lanes = {n: np.stack([np.asarray(getattr(s, n)) for s in self._lanes]) for n in LANE}
        spaces = {str(number): space for number, space in enumerate(self._spaces)}
        data = b"".join(self._bytes) or bytes(1)  # no empty arrays
        return {
            "lanes": lanes,
            "pages": pages,
            "spaces": spaces,
            "bytes": np.frombuffer(data, np.uint8),
        }


class ArrayReader:
    """Gives back what an `ArrayWriter` has collected.

    Raises:
      SnapshotError: an array is missing or of another shape or type than a machine has.
    """

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self.tree = tree
        self._bytes = self._array("bytes", np.uint8, (None,)).tobytes()
        self._pages = self._array("pages", np.uint8, (None, PAGE))
        want = new_state(size=PAGE)
        for name in LANE:
            leaf = np.asarray(getattr(want, name))
            self._array(f"lanes/{name}", leaf.dtype, (None, *leaf.shape))

    def _array(self, path: str, dtype: Any, shape: tuple[int | None, ...]) -> np.ndarray:
        found: Any = self.tree
        for key in path.split("/"):
            found = found.get(key) if isinstance(found, Mapping) else None
        if not isinstance(found, np.ndarray) or found.dtype != dtype:
            raise SnapshotError(f"its array {path} is missing or not of type {np.dtype(dtype)}")
        if len(shape) != found.ndim or any(
            n not in (None, m) for n, m in zip(shape, found.shape, strict=True)
        ):
            raise SnapshotError(f"its array {path} has shape {found.shape}, not {shape}")
        return found

    def lane(self, number: int) -> dict[str, Any]:
        """The fields of a `State`; the memory is left to the space."""
        return {name: np.array(self.tree["lanes"][name][number]) for name in LANE}

    def bytes(self, offset: int, length: int) -> bytes:
        """A byte string."""
        if offset < 0 or length < 0 or offset + length > len(self._bytes):
            raise SnapshotError("its byte strings are cut short")
        return self._bytes[offset : offset + length]

    def space(self, number: int) -> dict[str, Any]:
        """The arrays of a `Space`."""
        at = f"spaces/{number}"
        found: Tree = {n: np.array(self._array(f"{at}/{n}", bool, (None,))) for n in _MASKS}
        size = len(found["mapped"])
        if len(found["stale"]) != size:
            raise SnapshotError(f"its array {at}/stale is not as long as {at}/mapped")
        if "page" not in self.tree["spaces"][str(number)]:
            return {**found, "mem": None, "perm": None}
        page = self._array(f"{at}/page", np.uint32, (size,))
        perm = self._array(f"{at}/perm", np.uint8, (size,))
        if len(page) and int(page.max()) >= len(self._pages):
            raise SnapshotError(f"its array {at}/page names pages that are not there")
        mem = self._pages[page].reshape(-1).view(np.uint32).reshape(-1, 2)
        # Copies: JAX might otherwise go on looking at these very arrays.
        return {**found, "mem": jnp.array(mem, copy=True), "perm": jnp.array(perm, copy=True)}


_MASKS = ("mapped", "stale")
