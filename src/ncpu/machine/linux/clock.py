"""The machine's time: virtual, or the host's where somebody sits at its terminal."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ncpu.machine.linux import abi

EPOCH = 1_700_000_000  # seconds since 1970 at which every virtual clock starts
END_OF_TIME = 1 << 62  # nanoseconds: no clock goes further by sleeping


@dataclass
class Clock:
    """The machine's virtual time: a fixed start, a nanosecond an instruction, and sleeps.

    Processes run side by side, as on a machine with a processor for each: `retired` counts
    the instructions of the one that took longest in each round. The same programs see the
    same times on every run and every host.
    """

    epoch: int = EPOCH * abi.SECOND
    per_instruction: int = 1
    slept: int = 0
    retired: int = 0

    def monotonic(self) -> int:
        """Nanoseconds since the machine started (a second before the program did)."""
        return abi.SECOND + self.retired * self.per_instruction + self.slept

    def now(self) -> int:
        """Nanoseconds since 1970."""
        return self.epoch + self.monotonic()

    def sleep_until(self, moment: int) -> None:
        """Let time pass until `monotonic` reads `moment`, or the end of time."""
        self.slept += max(min(moment, END_OF_TIME) - self.monotonic(), 0)

    def passed(self, moment: int | None) -> bool:
        """Whether that moment has come; None never does, the end of time counts as any later."""
        return moment is not None and self.monotonic() >= min(moment, END_OF_TIME)


@dataclass
class RealClock(Clock):
    """The host's time, for programs that a person plays with; nothing is repeatable.

    Only what processes have used of the processor is still counted in instructions.
    """

    started: int = field(default_factory=time.monotonic_ns)

    def monotonic(self) -> int:
        """Nanoseconds since the machine started, a second added as on the virtual clock."""
        return abi.SECOND + time.monotonic_ns() - self.started

    def now(self) -> int:
        """The host's date."""
        return time.time_ns()

    def sleep_until(self, moment: int) -> None:
        """Wait for real; what has waited elsewhere until then does not wait again."""
        time.sleep(max(min(moment, END_OF_TIME) - self.monotonic(), 0) / abi.SECOND)
