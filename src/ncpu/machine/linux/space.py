"""An address space: the memory of a process, its pages and the files they show.

Threads of one process have one space, and a vfork child borrows its parent's; `users` counts
them. The arrays rest here between runs, while each thread keeps its own registers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.machine.elf import Image
from ncpu.machine.linux.inodes import File
from ncpu.machine.state import PAGE


@dataclass
class FileMap:
    """Pages that came from a file: [address, address + length) shows it from `offset`."""

    address: int
    length: int
    node: File
    offset: int
    shared: bool
    writable: bool


@dataclass(eq=False)  # itself, as a key: futexes are known by it
class Space:
    """One address space.

    Attributes:
      base: address of the first page of its memory.
      mapped: `bool[pages]`, which pages belong to it (PROT_NONE ones too).
      stale: `bool[pages]`, which unmapped pages may hold old bytes.
      brk_start, brk: the heap; mmap_top: exclusive end of where mappings go.
      trampoline: address of the code that calls rt_sigreturn.
      mem, perm: the arrays of `State` while none of its threads is being run or served.
    """

    base: int
    mapped: np.ndarray
    stale: np.ndarray
    brk_start: int
    brk: int
    mmap_top: int
    stack: tuple[int, int]
    trampoline: int
    maps: list[FileMap] = field(default_factory=list)
    mem: jax.Array | None = None
    perm: jax.Array | None = None
    users: int = 1

    @classmethod
    def from_image(cls, image: Image) -> Space:
        """The space of a freshly loaded program."""
        mapped = np.asarray(image.state.perm) != 0
        return cls(
            base=image.trampoline - PAGE,
            mapped=mapped,
            stale=np.zeros_like(mapped),
            brk_start=image.brk,
            brk=image.brk,
            mmap_top=image.mmap_top,
            stack=image.stack,
            trampoline=image.trampoline,
        )

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return len(self.mapped) * PAGE

    def copy(self, mem: jax.Array, perm: jax.Array) -> Space:
        """What fork gives the child: the same pages, in memory of its own."""
        return replace(
            self,
            mapped=self.mapped.copy(),
            stale=self.stale.copy(),
            maps=[replace(m) for m in self.maps],
            mem=jnp.array(mem, copy=True),
            perm=jnp.array(perm, copy=True),
            users=1,
        )

    def pages(self, address: int, length: int) -> slice:
        """The slice of `mapped` for a page-aligned range inside memory."""
        first = (address - self.base) // PAGE
        return slice(first, first + -(-length // PAGE))

    def inside(self, address: int, length: int) -> bool:
        """Whether the range lies in this memory."""
        end = self.base + len(self.mapped) * PAGE
        return self.base <= address and address + length <= end

    def free_range(self, length: int) -> int | None:
        """The highest free range of `length` bytes below `mmap_top`; None when full."""
        # The heap keeps what it has; mappings may come down to it, as on Linux.
        low = (-(-self.brk // PAGE) * PAGE - self.base) // PAGE
        high = (self.mmap_top - self.base) // PAGE
        need = length // PAGE
        used = np.flatnonzero(self.mapped[low:high]) + low
        edges = np.concatenate(([low - 1], used, [high]))
        fits = np.flatnonzero(np.diff(edges) - 1 >= need)
        if not len(fits):
            return None
        return self.base + (int(edges[fits[-1] + 1]) - need) * PAGE
