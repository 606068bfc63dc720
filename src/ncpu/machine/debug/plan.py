"""What stops a run, and why it stopped."""

from __future__ import annotations

from dataclasses import dataclass

from ncpu.machine.debug.events import Event
from ncpu.machine.debug.hunt import ON_WRITE, Watch
from ncpu.machine.linux.abi import Signal
from ncpu.machine.state import Status

FAULTS = {
    Status.BREAKPOINT: Signal.SIGTRAP,
    Status.UNDEFINED: Signal.SIGILL,
    Status.DATA_FAULT: Signal.SIGSEGV,
    Status.FETCH_FAULT: Signal.SIGSEGV,
    Status.ALIGNMENT: Signal.SIGBUS,
}


@dataclass(frozen=True)
class Plan:
    """What stops a run: breakpoints, watched ranges, system calls.

    `early` stops before a watched access rather than after it.
    """

    breakpoints: frozenset[int] = frozenset()
    watches: tuple[Watch, ...] = ()
    calls: bool = False
    early: bool = False

    @property
    def empty(self) -> bool:
        """Nothing does."""
        return not (self.breakpoints or self.watches)


@dataclass(frozen=True)
class Stop:
    """Why a run stopped.

    Attributes:
      reason: "breakpoint", "watch", "step", "signal", "syscall", "exited", "start",
        "interrupted" or "end" (of a recording that cannot go on).
      address: the watched access, or None.
      signal: the signal about to be delivered, or that ended the process.
    """

    reason: str
    address: int | None = None
    signal: int | None = None


def stop_after(event: Event, plan: Plan) -> Stop | None:
    """Whether a plan stops the run after a visit of the host."""
    for watch in plan.watches:
        if watch.kinds & ON_WRITE and event.touches(watch.low, watch.high):
            return Stop("watch", watch.low)
    return Stop("syscall") if plan.calls and event.kind == "syscall" else None
