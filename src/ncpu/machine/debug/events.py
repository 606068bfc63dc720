"""What the host did to a lane, recorded so that it can be done again without the kernel.

The machine is deterministic between two visits of the host; a visit is a system call, a
signal, the timer, a change of code or an edit by the person debugging.  An `Event` holds
what such a visit changed.  With the events, any instant of a run is replayed to the same
bits, whatever the guest read from the world the first time.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from ncpu.machine import memory, word
from ncpu.machine.errors import MemoryRangeError
from ncpu.machine.state import State, Status


@dataclass(frozen=True)
class Event:
    """One visit of the host.

    Attributes:
      at: instructions retired when it happened.
      kind: "syscall", "signal", "timer", "code" or "edit".
      what: for people: the call with its arguments and result, the signal.
      rows: register-file rows changed, and their values, NumPy `u64[n]`.
      pc, flags, status: the lane's afterwards.
      writes: memory stored, (address, bytes) in order.
      perm: pages whose permissions changed, (first page, one byte a page); None if none.
      program: index of the decoded text from here on.
    """

    at: int
    kind: str
    what: str
    rows: np.ndarray
    values: np.ndarray
    pc: int
    flags: int
    status: int
    writes: Sequence[tuple[int, bytes]]
    perm: tuple[int, bytes] | None
    program: int

    def touches(self, low: int, high: int) -> bool:
        """Whether it stored into [low, high)."""
        spans = getattr(self.writes, "spans", None)  # without reading what lies in a file
        if spans is None:
            spans = ((address, len(data)) for address, data in self.writes)
        return any(a < high and low < a + length for a, length in spans)


@dataclass(frozen=True)
class Before:
    """What `record` compares with: the small part of a state, kept from donation."""

    regs: np.ndarray
    perm: np.ndarray
    retired: int

    @classmethod
    def of(cls, state: State) -> Before:
        """The part of `state` that a visit may change, memory aside."""
        return cls(
            word.from_limbs(np.asarray(state.regs)),
            np.array(state.perm),
            int(word.from_limbs(np.asarray(state.retired))),
        )


def record(
    before: Before,
    after: State,
    writes: list[tuple[int, bytes]],
    *,
    kind: str,
    what: str,
    program: int,
) -> Event:
    """The event that made `after` of the state `before` was taken of."""
    regs, perm = word.from_limbs(np.asarray(after.regs)), np.asarray(after.perm)
    rows = np.flatnonzero(regs != before.regs)
    pages = np.flatnonzero(perm != before.perm)
    span = None
    if len(pages):
        span = int(pages[0]), perm[pages[0] : pages[-1] + 1].tobytes()
    return Event(
        at=before.retired,
        kind=kind,
        what=what,
        rows=rows,
        values=regs[rows],
        pc=int(word.from_limbs(np.asarray(after.pc))),
        flags=int(after.flags),
        status=int(after.status),
        writes=tuple(writes),
        perm=span,
        program=program,
    )


def apply(event: Event, state: State) -> State:
    """`state` as the event left it; its memory is donated."""
    for address, data in event.writes:
        state = memory.write(state, address, data)
    if event.perm is not None:
        first, pages = event.perm
        perm = np.array(state.perm)
        perm[first : first + len(pages)] = np.frombuffer(pages, np.uint8)
        state = state.replace(perm=jnp.asarray(perm))
    regs = np.array(state.regs)
    regs[event.rows] = word.to_limbs(event.values)
    return state.replace(
        regs=jnp.asarray(regs),
        pc=jnp.asarray(word.to_limbs(event.pc)),
        flags=jnp.uint32(event.flags),
        status=jnp.int32(event.status),
        beat=jnp.uint32(0),
    )


# Which argument of a call is a path.
_PATHS = {
    **dict.fromkeys(("chdir", "execve", "statfs", "truncate"), 0),
    **dict.fromkeys(("openat", "newfstatat", "faccessat", "faccessat2", "readlinkat", "statx"), 1),
    **dict.fromkeys(("mkdirat", "mknodat", "unlinkat", "renameat2", "linkat", "utimensat"), 1),
}


def call_text(arguments: tuple[int, ...], before: Before, after: State) -> str:
    """A system call as strace shows it: name(arguments) = result."""
    from ncpu.machine.linux.numbers import NAME

    number, *values = arguments
    name = NAME.get(number, str(number))
    words = [str(v) if v < 4096 else f"{v:#x}" for v in values]
    for place, pointer in enumerate(values):
        if _PATHS.get(name) == place:
            with suppress(MemoryRangeError):
                text = memory.read_cstring(after, pointer, 4096).decode("utf-8", "backslashreplace")
                words[place] = f'"{text}"'
    shown = ", ".join(words)
    result = int(word.from_limbs(np.asarray(after.regs[0])))
    if Status(int(after.status)) == Status.EXITED:
        return f"{name}({shown}) = ?"
    signed = result - (1 << 64) if result >> 63 else result
    text = str(signed) if abs(signed) < 4096 else f"{result:#x}"
    return f"{name}({shown}) = {text}"
