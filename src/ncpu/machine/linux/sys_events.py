"""Timers and signals as files: timerfd and signalfd."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux import abi
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.countdown import Countdown
from ncpu.machine.linux.event_files import SignalOpen, TimerOpen
from ncpu.machine.linux.inodes import File
from ncpu.machine.linux.sys_time import WALL
from ncpu.machine.linux.table import syscall

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

ABSOLUTE, CANCEL_ON_SET = 1, 2
_OPEN = abi.O_CLOEXEC | abi.O_NONBLOCK
_CLOCKS = (0, 1, 7, 8, 9)  # real time, monotonic, boot time, and the two that wake a sleeper


@syscall("timerfd_create", "ii")
def timerfd_create(k: Kernel, clock: int, flags: int) -> int:
    """timerfd_create(2)."""
    if clock not in _CLOCKS or flags & ~_OPEN:
        raise LinuxError(Errno.EINVAL)
    node = File(k.files.fs, 0o600)
    file = TimerOpen(node, flags & abi.O_NONBLOCK, Countdown(k.process.clock, wall=clock in WALL))
    number = k.process.install(file, cloexec=bool(flags & abi.O_CLOEXEC))
    k.timers = [t for t in k.timers if t.users] + [file]
    return number


def _timer(k: Kernel, fd: int) -> TimerOpen:
    file = k.file(fd)
    if not isinstance(file, TimerOpen):
        raise LinuxError(Errno.EINVAL)
    return file


@syscall("timerfd_settime", "iiww")
def timerfd_settime(k: Kernel, fd: int, flags: int, new: int, old: int) -> int:
    """timerfd_settime(2); virtual time is never set, so nothing cancels."""
    fields = k.lane.unpack("qqqq", new)
    if flags & ~(ABSOLUTE | CANCEL_ON_SET):
        raise LinuxError(Errno.EINVAL)
    countdown = _timer(k, fd).countdown
    before = countdown.setting()
    countdown.set(fields, absolute=bool(flags & ABSOLUTE))
    if old:
        k.lane.pack("qqqq", old, *before)
    return 0


@syscall("timerfd_gettime", "iw")
def timerfd_gettime(k: Kernel, fd: int, pointer: int) -> int:
    """timerfd_gettime(2)."""
    k.lane.pack("qqqq", pointer, *_timer(k, fd).countdown.setting())
    return 0


@syscall("signalfd4", "iwwi")
def signalfd4(k: Kernel, fd: int, mask: int, size: int, flags: int) -> int:
    """signalfd(2); what is read through it are its maker's signals, in a child, too."""
    if size != 8 or flags & ~_OPEN:
        raise LinuxError(Errno.EINVAL)
    bits = k.lane.unpack("Q", mask)[0] & ~abi.UNBLOCKABLE
    if fd == -1:
        node = File(k.files.fs, 0o600)
        file = SignalOpen(node, flags & abi.O_NONBLOCK, k.process, bits)
        return k.process.install(file, cloexec=bool(flags & abi.O_CLOEXEC))
    file = k.file(fd)
    if not isinstance(file, SignalOpen):
        raise LinuxError(Errno.EINVAL)
    file.mask = bits
    return fd
