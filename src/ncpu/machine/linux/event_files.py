"""Files that say what has happened: a count, a timer's expiry, a signal (eventfd and its kin)."""

from __future__ import annotations

import struct

from ncpu.machine.linux import abi, signals
from ncpu.machine.linux.abi import Errno, LinuxError, WouldBlock
from ncpu.machine.linux.clock import Clock
from ncpu.machine.linux.inodes import Node
from ncpu.machine.linux.open_file import POLLIN, POLLOUT, OpenFile
from ncpu.machine.linux.process import Process
from ncpu.machine.linux.table import int32

RECORD = 128  # bytes of struct signalfd_siginfo


class EventOpen(OpenFile):
    """An eventfd(2) counter."""

    streams = True

    def __init__(self, node: Node, flags: int, value: int, semaphore: bool) -> None:
        super().__init__(node, flags | abi.O_RDWR)
        self.value = value
        self.semaphore = semaphore

    def read(self, count: int) -> bytes:
        """The counter, which falls to zero (by one for a semaphore)."""
        if count < 8:
            raise LinuxError(Errno.EINVAL)
        if self.value == 0:
            raise WouldBlock
        taken = 1 if self.semaphore else self.value
        self.value -= taken
        self.activity += 1
        return struct.pack("<Q", taken)

    def write(self, data: bytes) -> int:
        """Add to the counter."""
        if len(data) < 8:
            raise LinuxError(Errno.EINVAL)
        amount = int.from_bytes(data[:8], "little")
        if amount == (1 << 64) - 1:
            raise LinuxError(Errno.EINVAL)
        if self.value + amount >= (1 << 64) - 1:
            raise WouldBlock
        self.value += amount
        self.activity += 1
        return 8

    def poll(self) -> int:
        """Readable when positive."""
        return (POLLIN if self.value else 0) | (POLLOUT if self.value < (1 << 64) - 2 else 0)


class TimerOpen(OpenFile):
    """The open file of timerfd_create(2).

    Attributes:
      next: monotonic moment of the next expiry that has not been read; None when disarmed.
      interval: nanoseconds between expiries, 0 for a single one.
    """

    def __init__(self, node: Node, flags: int, clock: Clock, wall: bool) -> None:
        super().__init__(node, flags | abi.O_RDWR)
        self.clock = clock
        self.wall = wall
        self.next: int | None = None
        self.interval = 0

    @property
    def due(self) -> int | None:
        """When it becomes readable by itself."""
        return None if self.next is None or self.clock.passed(self.next) else self.next

    @property
    def _expired(self) -> int:
        if self.next is None or not self.clock.passed(self.next):
            return 0
        late = self.clock.monotonic() - self.next
        return late // self.interval + 1 if self.interval else 1

    @property
    def activity(self) -> int:  # type: ignore[override]
        """The last expiry: an edge for epoll."""
        count = self._expired
        return 0 if self.next is None or not count else self.next + (count - 1) * self.interval

    def set(self, first: int | None, interval: int) -> None:
        """Arm it for a moment, or disarm it with None."""
        self.next, self.interval = first, interval

    @property
    def left(self) -> int:
        """Nanoseconds until the next expiry, 0 when disarmed."""
        if self.next is None:
            return 0
        coming = self.next + self._expired * self.interval
        return max(coming - self.clock.monotonic(), 0)

    def read(self, count: int) -> bytes:
        """How often it has expired since the last reading."""
        if count < 8:
            raise LinuxError(Errno.EINVAL)
        expired = self._expired
        if not expired or self.next is None:
            raise WouldBlock
        self.next = self.next + expired * self.interval if self.interval else None
        return struct.pack("<Q", expired)

    def poll(self) -> int:
        """Readable once it has expired."""
        return POLLIN if self._expired else 0


class SignalOpen(OpenFile):
    """The open file of signalfd(2): the signals of a mask that are pending for its maker."""

    def __init__(self, node: Node, flags: int, process: Process, mask: int) -> None:
        super().__init__(node, flags | abi.O_RDWR)
        self.process = process
        self.mask = mask

    def _waiting(self) -> list[int]:
        return sorted(s for s in signals.pending(self.process) if self.mask & signals.bit(s))

    def read(self, count: int) -> bytes:
        """One record for each pending signal, which is then no longer pending."""
        if count < RECORD:
            raise LinuxError(Errno.EINVAL)
        out = b""
        while len(out) + RECORD <= count and (waiting := self._waiting()):
            out += _record(signals.take(self.process, waiting[0]))
        if not out:
            raise WouldBlock
        return out

    def poll(self) -> int:
        """Readable when a signal of the mask is pending."""
        return POLLIN if self._waiting() else 0


def _record(info: bytes) -> bytes:
    """struct signalfd_siginfo for a siginfo."""
    signal, errno, code = struct.unpack_from("<iii", info)
    pid, uid, status = struct.unpack_from("<IIi", info, 16)
    head = struct.pack("<Iii", signal, errno, code)
    if signal == abi.Signal.SIGCHLD and code > 0:
        user, system = struct.unpack_from("<QQ", info, 32)
        who = struct.pack("<II20xi12xQQ", pid, uid, status, user, system)
    elif code < 0:  # sigqueue and its kin send a value along
        (value,) = struct.unpack_from("<Q", info, 24)
        who = struct.pack("<II24xiQ", pid, uid, int32(value), value)
    else:
        who = struct.pack("<II", pid, uid)
    return (head + who).ljust(RECORD, b"\0")
