"""When the timers of a process send their signals: the interval timer and POSIX timers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux import abi, signals
from ncpu.machine.linux.abi import Signal
from ncpu.machine.linux.posix_timers import NONE, THREAD_ID, PosixTimer
from ncpu.machine.linux.process import Process, Thread

if TYPE_CHECKING:
    from ncpu.machine.linux.services import Services


def _holder(process: Process, timer: PosixTimer) -> Process | Thread | None:
    """Where its signal is pending; None where the thread it is for has ended."""
    return process.threads.get(timer.tid) if timer.notify == THREAD_ID else process


def _moment(process: Process, timer: PosixTimer) -> int | None:
    """When a timer sends its signal: never again while that is pending, or ignored."""
    moment, holder = timer.countdown.next, _holder(process, timer)
    if moment is None or timer.notify == NONE or holder is None:
        return None
    if any(timer.sent(info) for info in holder.pending.get(timer.signal, ())):
        return None
    thread = holder if isinstance(holder, Thread) else None
    if timer.countdown.interval and signals.lost(process, timer.signal, thread):
        return None
    return moment


def next_moment(process: Process) -> int | None:
    """The monotonic moment at which one of its timers sends a signal next."""
    moments = [_moment(process, timer) for timer in process.timers.values()]
    if process.timer is not None:
        moments.append(process.timer[0])
    return min((moment for moment in moments if moment is not None), default=None)


def expire(k: Services, process: Process) -> None:
    """Send the signals of the timers whose time has come."""
    if process.timer is not None:
        _expire_interval(k, process)
    for timer in process.timers.values():
        if process.clock.passed(_moment(process, timer)):
            thread = process.threads.get(timer.tid) if timer.notify == THREAD_ID else None
            if not k.send(process, timer.signal, timer.info(), thread, queue=True):
                timer.countdown.tell()


def _expire_interval(k: Services, process: Process) -> None:
    """SIGALRM when the interval timer's time has come."""
    timer, clock = process.timer, process.clock
    if timer is None or not clock.passed(timer[0]):
        return
    late = clock.monotonic() - timer[0]
    rounds = late // timer[1] + 1 if timer[1] else 0
    process.timer = (timer[0] + rounds * timer[1], timer[1]) if timer[1] else None
    info = abi.siginfo_kill(Signal.SIGALRM, abi.SI_KERNEL, 0, 0)
    k.send(process, Signal.SIGALRM, info)


def forget(process: Process, timer: PosixTimer) -> None:
    """Take back a timer's pending signal: it is set anew, or deleted."""
    holder = _holder(process, timer)
    if holder is not None and timer.signal in holder.pending:
        kept = [info for info in holder.pending[timer.signal] if not timer.sent(info)]
        holder.pending[timer.signal] = kept
        if not kept:
            del holder.pending[timer.signal]
