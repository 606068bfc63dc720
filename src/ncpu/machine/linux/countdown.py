"""A timer as such: when it expires next, and how often it has since."""

from __future__ import annotations

from dataclasses import dataclass

from ncpu.machine.linux import abi
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.clock import Clock

FOREVER = 1 << 62  # the longest time there is


def nanoseconds(seconds: int, part: int) -> int:
    """A timespec as nanoseconds; EINVAL for one that is none."""
    if seconds < 0 or not 0 <= part < abi.SECOND:
        raise LinuxError(Errno.EINVAL)
    return min(seconds * abi.SECOND + part, FOREVER)


@dataclass
class Countdown:
    """A timer on the machine's clock.

    Attributes:
      wall: moments given to it are of the date, not since the machine started.
      next: monotonic moment of the first expiry that nobody has been told; None when disarmed.
      interval: nanoseconds between expiries, 0 for a single one.
    """

    clock: Clock
    wall: bool = False
    next: int | None = None
    interval: int = 0

    def set(self, new: tuple[int, ...], *, absolute: bool) -> None:
        """Arm it as a struct itimerspec says, whose value 0 disarms it."""
        interval, first = nanoseconds(*new[:2]), nanoseconds(*new[2:])
        clock = self.clock
        behind = clock.now() - clock.monotonic() if self.wall else 0
        moment = first - behind if absolute else clock.monotonic() + first
        self.next, self.interval = moment if first else None, interval

    def setting(self) -> tuple[int, int, int, int]:
        """The struct itimerspec that says how it stands."""
        return (*divmod(self.interval, abi.SECOND), *divmod(self.left, abi.SECOND))

    @property
    def expired(self) -> int:
        """How many expiries nobody has been told."""
        if self.next is None or not self.clock.passed(self.next):
            return 0
        late = self.clock.monotonic() - self.next
        return late // self.interval + 1 if self.interval else 1

    @property
    def last(self) -> int:
        """The moment of the last of them, 0 where there is none."""
        count = self.expired
        return 0 if self.next is None or not count else self.next + (count - 1) * self.interval

    @property
    def left(self) -> int:
        """Nanoseconds until the next expiry, 0 when disarmed."""
        if self.next is None:
            return 0
        coming = self.next + self.expired * self.interval
        return max(coming - self.clock.monotonic(), 0)

    def tell(self) -> int:
        """How many expiries nobody has been told, until now."""
        count = self.expired
        if count and self.next is not None:
            self.next = self.next + count * self.interval if self.interval else None
        return count
