"""Files that say what has happened: a count, a timer's expiry, a signal (eventfd and its kin)."""

from __future__ import annotations

import struct

from ncpu.machine.linux import abi, signals
from ncpu.machine.linux.abi import Errno, LinuxError, WouldBlock
from ncpu.machine.linux.countdown import Countdown
from ncpu.machine.linux.inodes import Node
from ncpu.machine.linux.open_file import POLLIN, POLLOUT, OpenFile
from ncpu.machine.linux.posix_timers import SI_TIMER
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
    """The open file of timerfd_create(2)."""

    def __init__(self, node: Node, flags: int, countdown: Countdown) -> None:
        super().__init__(node, flags | abi.O_RDWR)
        self.countdown = countdown

    @property
    def due(self) -> int | None:
        """When it becomes readable by itself."""
        return None if self.countdown.expired else self.countdown.next

    @property
    def activity(self) -> int:  # type: ignore[override]
        """The last expiry: an edge for epoll."""
        return self.countdown.last

    def read(self, count: int) -> bytes:
        """How often it has expired since the last reading."""
        if count < 8:
            raise LinuxError(Errno.EINVAL)
        if not (expired := self.countdown.tell()):
            raise WouldBlock
        return struct.pack("<Q", expired)

    def poll(self) -> int:
        """Readable once it has expired."""
        return POLLIN if self.countdown.expired else 0


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
    elif code == SI_TIMER:
        (value,) = struct.unpack_from("<Q", info, 24)
        who = struct.pack("<12xI4xI8xiQ", pid, uid, int32(value), value)
    elif code < 0:  # sigqueue and its kin send a value along
        (value,) = struct.unpack_from("<Q", info, 24)
        who = struct.pack("<II24xiQ", pid, uid, int32(value), value)
    else:
        who = struct.pack("<II", pid, uid)
    return (head + who).ljust(RECORD, b"\0")
