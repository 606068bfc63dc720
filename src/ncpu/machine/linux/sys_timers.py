"""POSIX timers by call: timer_create and its kin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux import abi, posix_timers, timing
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.countdown import Countdown
from ncpu.machine.linux.posix_timers import NONE, SIGNAL, THREAD, THREAD_ID, PosixTimer
from ncpu.machine.linux.sys_time import CPU, MONOTONIC, WALL
from ncpu.machine.linux.table import syscall

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

ABSOLUTE = 1  # TIMER_ABSTIME
MAX_TIMERS = 1024  # of a process
_CLOCKS = (0, 1, 7, 8, 9, 11)


@syscall("timer_create", "iww")
def timer_create(k: Kernel, clock: int, event: int, pointer: int) -> int:
    """timer_create(2); clocks of processor time are EOPNOTSUPP."""
    if clock not in (*WALL, *MONOTONIC, *CPU):
        raise LinuxError(Errno.EINVAL)
    if clock not in _CLOCKS:
        raise LinuxError(Errno.EOPNOTSUPP)
    timers = k.process.timers
    if len(timers) >= MAX_TIMERS:
        raise LinuxError(Errno.EAGAIN)
    number = max(timers, default=-1) + 1
    value, signal, notify, tid = posix_timers.default(number)
    if event:
        value, signal, notify, tid = k.lane.unpack("Qiii", event)
    if notify not in (SIGNAL, NONE, THREAD, THREAD_ID):
        raise LinuxError(Errno.EINVAL)
    if notify != NONE and not 1 <= signal <= abi.SIGNALS:
        raise LinuxError(Errno.EINVAL)
    if notify == THREAD_ID and tid not in k.process.threads:
        raise LinuxError(Errno.EINVAL)
    k.lane.pack("i", pointer, number)
    countdown = Countdown(k.process.clock, wall=clock in WALL)
    timers[number] = PosixTimer(number, countdown, notify, signal, value, tid)
    return 0


def _timer(k: Kernel, number: int) -> PosixTimer:
    if number not in k.process.timers:
        raise LinuxError(Errno.EINVAL)
    return k.process.timers[number]


@syscall("timer_settime", "iiww")
def timer_settime(k: Kernel, number: int, flags: int, new: int, old: int) -> int:
    """timer_settime(2); virtual time is never set, so that absolute moments stay where they are."""
    if not new:
        raise LinuxError(Errno.EINVAL)
    fields = k.lane.unpack("qqqq", new)
    timer = _timer(k, number)
    before = timer.countdown.setting()
    timer.countdown.set(fields, absolute=bool(flags & ABSOLUTE))
    timer.overrun = 0
    timing.forget(k.process, timer)
    if old:
        k.lane.pack("qqqq", old, *before)
    return 0


@syscall("timer_gettime", "iw")
def timer_gettime(k: Kernel, number: int, pointer: int) -> int:
    """timer_gettime(2)."""
    k.lane.pack("qqqq", pointer, *_timer(k, number).countdown.setting())
    return 0


@syscall("timer_getoverrun", "i")
def timer_getoverrun(k: Kernel, number: int) -> int:
    """timer_getoverrun(2)."""
    return _timer(k, number).overrun


@syscall("timer_delete", "i")
def timer_delete(k: Kernel, number: int) -> int:
    """timer_delete(2)."""
    timing.forget(k.process, _timer(k, number))
    del k.process.timers[number]
    return 0
