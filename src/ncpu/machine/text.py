"""A process's code, decoded as it is first executed.

A program with its libraries maps megabytes of code and runs a small part of it, and mappings come
and go while a dynamic linker works.  `Text` is to decoded instructions what a page table is to
pages: a fetch from a page that is not in it stops the lane with FETCH_FAULT, the host decodes
that page and its neighbours, and the lane runs on.
"""

from __future__ import annotations

from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine import memory, word
from ncpu.machine.instr import PACKED_WORDS
from ncpu.machine.program import PAGE_WORDS, Program, no_code, packed_rows, relocated
from ncpu.machine.state import EXEC, PAGE, State

# Pages decoded together: the cost of a decoding is mostly the same for one page and for many.
CLUSTER = 8
# Few sizes, the first enough for most programs (2 MiB of code): `run` compiles once for each.
ROWS = 1 << 19
GROWTH = 4
CHUNK = 4 * PAGE_WORDS  # rows that go to the device together


@partial(jax.jit, donate_argnames="rows")
def _put(rows: jax.Array, chunk: jax.Array, start: jax.Array) -> jax.Array:
    return lax.dynamic_update_slice(rows, chunk, (start, np.int32(0)))


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

    @property
    def program(self) -> Program:
        """What is decoded now, for `run`; used up by the next `fetch` or `refresh`."""
        if self._program is None:
            self._program = Program(
                rows=self._rows,
                # A copy: on a CPU, JAX might otherwise go on looking at this very array.
                pages=jnp.array(self._pages, copy=True),
                base=jnp.asarray(word.to_limbs(self._base)),
            )
        return self._program

    def fetch(self, state: State) -> bool:
        """Decode the code at pc, after a FETCH_FAULT; False where there is none to run."""
        pc = int(word.from_limbs(np.asarray(state.pc)))
        page = (pc - self._base) // PAGE
        executable = np.asarray(state.perm) & EXEC != 0
        if pc % 4 or not 0 <= page < len(executable) or not executable[page]:
            return False
        if page in self._decoded:
            return False
        self._program = None
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
            self._program = None

    def _decode(self, state: State, start: int, stop: int) -> None:
        content = memory.read(state, self._base + start * PAGE, (stop - start) * PAGE)
        packed = _packed(content)
        if not self._fits(len(packed)):
            # What is still in use fills the larger file again as it is fetched.
            live = PAGE_WORDS * (len(self._decoded) + stop - start)
            self._clear(len(self._rows) * (GROWTH if 2 * live > len(self._rows) else 1))
        first = self._used
        self._store(relocated(packed, first))
        for index, page in enumerate(range(start, stop)):
            self._pages[page] = first + index * PAGE_WORDS
            self._decoded[page] = content[index * PAGE : (index + 1) * PAGE]

    def _fits(self, count: int) -> bool:
        return self._used + -(-count // CHUNK) * CHUNK <= len(self._rows)

    def _store(self, packed: np.ndarray) -> None:
        """Append rows, in whole chunks so that one shape is ever compiled."""
        for start in range(0, len(packed), CHUNK):
            chunk = np.zeros((CHUNK, PACKED_WORDS), np.uint32)
            part = packed[start : start + CHUNK]
            chunk[: len(part)] = part
            self._rows = _put(self._rows, chunk, np.int32(self._used + start))
        self._used += len(packed)

    def _clear(self, rows: int) -> None:
        self._program: Program | None = None
        self._rows = jnp.zeros((rows, PACKED_WORDS), jnp.uint32)
        self._used = 0
        self._store(no_code())
        self._pages[:] = 0
        self._decoded.clear()


@lru_cache(maxsize=256)
def _packed(content: bytes) -> np.ndarray:
    """Code decoded; processes that run the same program or library share the work."""
    return packed_rows(np.frombuffer(content, "<u4"))


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Ascending numbers as (first, one after the last) of consecutive ones."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number:
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs
