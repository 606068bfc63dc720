"""Time: clocks, sleeping and the interval timer, all on the process's virtual clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux import abi
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.conditions import SleptPart
from ncpu.machine.linux.countdown import nanoseconds
from ncpu.machine.linux.process import Wait
from ncpu.machine.linux.table import syscall

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

WALL, MONOTONIC, CPU = (0, 5, 8, 11), (1, 4, 6, 7, 9), (2, 3)


def duration(k: Kernel, pointer: int) -> int:
    """The timespec at a guest pointer, in nanoseconds."""
    seconds, part = k.lane.unpack("qq", pointer)
    return nanoseconds(seconds, part)


def _clock(k: Kernel, clock: int) -> int:
    now = k.process.clock
    if clock in WALL:
        return now.now()
    if clock in MONOTONIC:
        return now.monotonic()
    if clock in CPU:
        instructions = k.process.cpu if clock == 2 else k.thread.instructions
        return instructions * now.per_instruction
    raise LinuxError(Errno.EINVAL)


@syscall("clock_gettime", "iw")
def clock_gettime(k: Kernel, clock: int, pointer: int) -> int:
    """clock_gettime(2)."""
    k.lane.write(pointer, abi.timespec(_clock(k, clock)))
    return 0


@syscall("clock_getres", "iw")
def clock_getres(k: Kernel, clock: int, pointer: int) -> int:
    """clock_getres(2): a nanosecond."""
    _clock(k, clock)
    if pointer:
        k.lane.write(pointer, abi.timespec(1))
    return 0


@syscall("clock_settime", "iw")
def clock_settime(k: Kernel, clock: int, pointer: int) -> int:
    """clock_settime(2): virtual time cannot be set."""
    if clock != 0:
        raise LinuxError(Errno.EINVAL)
    duration(k, pointer)
    raise LinuxError(Errno.EPERM)


@syscall("gettimeofday", "ww")
def gettimeofday(k: Kernel, tv: int, tz: int) -> int:
    """gettimeofday(2)."""
    if tv:
        k.lane.write(tv, abi.timeval(k.process.clock.now()))
    if tz:
        k.lane.write(tz, bytes(8))
    return 0


@syscall("settimeofday adjtimex", "ww")
def settimeofday(k: Kernel, tv: int, tz: int) -> int:
    """settimeofday(2), adjtimex(2): virtual time cannot be set."""
    raise LinuxError(Errno.EPERM)


def _sleep(k: Kernel, length: int, remaining: int) -> int:
    """Sleep; when a signal ends it early say what was left."""
    until = k.deadline(length)
    if until is None or k.passed(until):
        return 0
    k.block(Wait(until=until, interrupted=SleptPart(k, until, remaining)))


@syscall("nanosleep", "ww")
def nanosleep(k: Kernel, request: int, remaining: int) -> int:
    """nanosleep(2): virtual time passes, real time does not."""
    return _sleep(k, duration(k, request), remaining)


@syscall("clock_nanosleep", "iiww")
def clock_nanosleep(k: Kernel, clock: int, flags: int, request: int, remaining: int) -> int:
    """clock_nanosleep(2)."""
    now = _clock(k, clock)
    if clock in CPU:
        raise LinuxError(Errno.EINVAL)
    length = duration(k, request)
    if flags & 1:  # TIMER_ABSTIME
        return _sleep(k, max(length - now, 0), 0)
    return _sleep(k, length, remaining)


@syscall("setitimer", "iww")
def setitimer(k: Kernel, which: int, new: int, old: int) -> int:
    """setitimer(2) for ITIMER_REAL; the CPU timers are EINVAL."""
    if which != 0:
        raise LinuxError(Errno.EINVAL)
    interval_s, interval_us, first_s, first_us = k.lane.unpack("qqqq", new)
    interval = nanoseconds(interval_s, interval_us * 1000)
    first = nanoseconds(first_s, first_us * 1000)
    if old:
        getitimer(k, which, old)
    start = k.process.clock.monotonic()
    k.process.timer = (start + first, interval) if first else None
    return 0


@syscall("getitimer", "iw")
def getitimer(k: Kernel, which: int, pointer: int) -> int:
    """getitimer(2)."""
    if which != 0:
        raise LinuxError(Errno.EINVAL)
    deadline, interval = k.process.timer or (0, 0)
    left = max(deadline - k.process.clock.monotonic(), 0)
    k.lane.write(pointer, abi.timeval(interval) + abi.timeval(left))
    return 0


@syscall("times", "w")
def times(k: Kernel, pointer: int) -> int:
    """times(2), in ticks of 10 ms."""
    tick, p = abi.SECOND // 100, k.process
    if pointer:
        scale = p.clock.per_instruction
        own, children = p.cpu * scale // tick, p.cpu_children * scale // tick
        k.lane.pack("qqqq", pointer, own, 0, children, 0)
    return p.clock.monotonic() // tick
