"""A process's code, decoded as it is first executed.

A program with its libraries maps megabytes of code and runs a small part of it, and mappings come
and go while a dynamic linker works.  `Text` is to decoded instructions what a page table is to
pages: a fetch from a page that is not in it stops the lane with FETCH_FAULT, the host decodes
that page and its neighbours, and the lane runs on.
"""

from __future__ import annotations

from functools import cached_property

import jax.numpy as jnp
import numpy as np

from ncpu.machine import memory, word
from ncpu.machine.instr import PACKED_WORDS
from ncpu.machine.program import PAGE_WORDS, Program, no_code, packed_rows
from ncpu.machine.state import EXEC, PAGE, State

# Pages decoded together: the cost of a decoding is mostly the same for one page and for many.
CLUSTER = 16
# Few sizes, the first enough for most programs: `run` compiles once for each.
ROWS = 1 << 17
GROWTH = 4


class Text:
    """The decoded code of one lane.

    Args:
      state: the lane; only its place and size matter.
      rows: packed instructions to hold at first.
    """

    def __init__(self, state: State, rows: int = ROWS) -> None:
        self._base = int(word.from_limbs(np.asarray(state.base)))
        self._pages = np.zeros(state.perm.shape[0] + 1, np.uint32)
        self._decoded: dict[int, bytes] = {}  # page number to the bytes that were decoded
        self._clear(rows)

    @cached_property
    def program(self) -> Program:
        """What is decoded now, for `run`."""
        # Copies: on a CPU, JAX would otherwise keep looking at these arrays.
        return Program(
            rows=jnp.array(self._rows, copy=True),
            pages=jnp.array(self._pages, copy=True),
            base=jnp.asarray(word.to_limbs(self._base)),
        )

    def fetch(self, state: State) -> bool:
        """Decode the code at pc, after a FETCH_FAULT; False where there is none to run."""
        pc = int(word.from_limbs(np.asarray(state.pc)))
        page = (pc - self._base) // PAGE
        executable = np.asarray(state.perm) & EXEC != 0
        if pc % 4 or not 0 <= page < len(executable) or not executable[page]:
            return False
        if page in self._decoded:
            return False
        self._changed()
        first = page // CLUSTER * CLUSTER
        near = range(first, min(first + CLUSTER, len(executable)))
        wanted = [p for p in near if executable[p] and p not in self._decoded]
        for start, stop in _runs(wanted):
            self._decode(state, start, stop)
        return True

    def refresh(self, state: State) -> None:
        """Forget pages that no longer hold, or may no longer execute, what was decoded."""
        executable = np.asarray(state.perm) & EXEC != 0
        known = [p for p in sorted(self._decoded) if executable[p]]
        same = set()
        for start, stop in _runs(known):
            content = memory.read(state, self._base + start * PAGE, (stop - start) * PAGE)
            for index, page in enumerate(range(start, stop)):
                if content[index * PAGE : (index + 1) * PAGE] == self._decoded[page]:
                    same.add(page)
        for page in set(self._decoded) - same:
            del self._decoded[page]
            self._pages[page] = 0
            self._changed()

    def _decode(self, state: State, start: int, stop: int) -> None:
        content = memory.read(state, self._base + start * PAGE, (stop - start) * PAGE)
        packed = packed_rows(np.frombuffer(content, "<u4"), self._used)
        if self._used + len(packed) > len(self._rows):
            # What is still in use fills the larger file again as it is fetched.
            live = PAGE_WORDS * (len(self._decoded) + stop - start)
            self._clear(len(self._rows) * (GROWTH if 2 * live > len(self._rows) else 1))
            packed = packed_rows(np.frombuffer(content, "<u4"), self._used)
        self._rows[self._used : self._used + len(packed)] = packed
        for index, page in enumerate(range(start, stop)):
            self._pages[page] = self._used + index * PAGE_WORDS
            self._decoded[page] = content[index * PAGE : (index + 1) * PAGE]
        self._used += len(packed)

    def _clear(self, rows: int) -> None:
        self._changed()
        self._rows = np.zeros((rows, PACKED_WORDS), np.uint32)
        self._rows[:PAGE_WORDS] = no_code()
        self._used = PAGE_WORDS
        self._pages[:] = 0
        self._decoded.clear()

    def _changed(self) -> None:
        self.__dict__.pop("program", None)


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Ascending numbers as (first, one after the last) of consecutive ones."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number:
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs
