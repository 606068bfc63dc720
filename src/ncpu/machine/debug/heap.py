"""The heap as a program asked for it: blocks, told from calls of the malloc family."""

from __future__ import annotations

import re
from bisect import bisect_right, insort
from dataclasses import dataclass

import numpy as np

from ncpu.machine import memory
from ncpu.machine.debug.symbols import Symbols
from ncpu.machine.state import State

# How many bytes are asked for, given x0, x1, x2; None: nothing is.
_SIZES = {
    "malloc": lambda a, b, c: a,
    "calloc": lambda a, b, c: a * b,
    "realloc": lambda a, b, c: b,
    "reallocarray": lambda a, b, c: b * c,
    "aligned_alloc": lambda a, b, c: b,
    "memalign": lambda a, b, c: b,
    "valloc": lambda a, b, c: a,
    "posix_memalign": lambda a, b, c: c,
    "free": lambda a, b, c: None,
}
_TRUSTED = re.compile(
    r"_*(GI_+|libc_)?(strn?len|str(r?chr|chrnul|n?cmp|n?cpy|n?cat|n?casecmp|spn|cspn|pbrk|str)"
    r"|stpn?cpy|rawmemchr|memr?chr)(_\w+)?"
)


@dataclass(frozen=True)
class Block:
    """A piece of the heap.

    Attributes:
      start, size: where it is.
      born: instructions retired when it was allocated; `stack` is who asked for it.
      died: instructions retired when it was freed, None while it lives; `freed_by` is who did.
    """

    start: int
    size: int
    born: int
    stack: tuple[str, ...]
    died: int | None = None
    freed_by: tuple[str, ...] = ()

    def holds(self, address: int) -> bool:
        """Whether an address lies in it."""
        return self.start <= address < self.start + self.size


@dataclass(frozen=True)
class Call:
    """A call of the malloc family that has not returned."""

    name: str
    arguments: tuple[int, int, int]
    born: int
    stack: tuple[str, ...]

    @property
    def size(self) -> int | None:
        """Bytes asked for, None where none are."""
        return _SIZES[self.name](*self.arguments)

    def result(self, state: State) -> int:
        """The block it returned, 0 for none."""
        value = int(state.x[0])
        if self.name != "posix_memalign":
            return value
        pointer = memory.read(state, self.arguments[0], 8) if value & 0xFFFFFFFF == 0 else b""
        return int.from_bytes(pointer, "little")


class Heap:
    """The blocks of one run, at the instant that was told last."""

    def __init__(self) -> None:
        self.blocks: dict[int, Block] = {}  # by start; freed ones until their place is reused
        self._starts: list[int] = []

    def add(self, block: Block) -> None:
        """A new block; what was freed where it lies is forgotten."""
        low = bisect_right(self._starts, block.start - 1)
        if low and self.blocks[self._starts[low - 1]].holds(block.start):
            low -= 1
        while low < len(self._starts) and self._starts[low] < block.start + max(block.size, 1):
            del self.blocks[self._starts.pop(low)]
        self.blocks[block.start] = block
        insort(self._starts, block.start)

    def near(self, address: int) -> Block | None:
        """The block an address lies in, else the one it is nearest to."""
        at = bisect_right(self._starts, address)
        close = [self.blocks[start] for start in self._starts[max(at - 1, 0) : at + 1]]
        if inside := [b for b in close if b.holds(address)]:
            return inside[0]

        def distance(b: Block) -> int:
            return b.start - address if address < b.start else address - b.start - b.size

        return min(close, key=distance, default=None)


def allocators(symbols: Symbols) -> dict[int, str]:
    """Address to name of the functions of the malloc family that a program has."""
    found = {}
    for name in _SIZES:
        for known in (name, f"__libc_{name}", f"__{name}"):
            if known in symbols.table:
                found.setdefault(symbols.table[known][0], name)
    return found


def trusted(symbols: Symbols) -> np.ndarray:
    """Addresses of instructions of the library's string functions, `u64[n]`.

    They read whole aligned blocks, beyond the string's end; a program's own function of such
    a name, which has line numbers, is not among them.
    """
    parts = [np.zeros(0, np.uint64)]
    for name, (start, size) in symbols.table.items():
        if _TRUSTED.fullmatch(name) and symbols.line(start) is None:
            parts.append(np.arange(start & ~3, start + size, 4, dtype=np.uint64))
    return np.unique(np.concatenate(parts))
