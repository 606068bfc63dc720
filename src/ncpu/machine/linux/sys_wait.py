"""wait4(2), waitid(2): news of children."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux import abi, tasks
from ncpu.machine.linux.abi import Errno, LinuxError, Signal
from ncpu.machine.linux.conditions import CONTINUED, EXITED, STOPPED, ChildNews
from ncpu.machine.linux.process import Process, Wait
from ncpu.machine.linux.sys_resources import rusage
from ncpu.machine.linux.table import syscall

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

NOHANG, UNTRACED, NOWAIT = 1, 2, 0x1000000
THREADS = 0xE0000000  # __WALL, __WCLONE, __WNOTHREAD: all children are alike here


def _find(k: Kernel, pid: int | None, group: int | None, options: int) -> Process | None:
    """The first child with news; None with WNOHANG and none; ECHILD without such children."""
    ready = ChildNews(k.tasks, k.process, pid, group, options)
    found = ready.candidates()
    if not found:
        raise LinuxError(Errno.ECHILD)
    for child in found:
        if ready.tells(child):
            return child
    if options & NOHANG:
        return None
    k.block(Wait(ready))


def _status(child: Process) -> int:
    """The status word of wait4."""
    if not child.alive:
        return child.exit_signal or (child.exit_code or 0) << 8
    return 0xFFFF if child.news == "continued" else (child.stopped or 0) << 8 | 0x7F


def _done(k: Kernel, child: Process, options: int) -> None:
    """What has been told is told once."""
    if options & NOWAIT or k.tasks is None:
        return
    if child.alive:
        child.news = ""
    else:
        k.tasks.forget(child)


@syscall("wait4", "iwiw")
def wait4(k: Kernel, pid: int, status: int, options: int, usage: int) -> int:
    """wait4(2)."""
    if options & ~(NOHANG | UNTRACED | CONTINUED | THREADS):
        raise LinuxError(Errno.EINVAL)
    if pid == -(1 << 31):
        raise LinuxError(Errno.ESRCH)
    group = -pid if pid < -1 else k.process.pgid
    options = options & ~UNTRACED | (STOPPED if options & UNTRACED else 0) | EXITED
    child = _find(k, pid if pid > 0 else None, None if pid == -1 else group, options)
    if child is None:
        return 0
    if status:
        k.lane.pack("I", status, _status(child))
    if usage:
        k.lane.write(usage, rusage(child))
    _done(k, child, options)
    return child.pid


@syscall("waitid", "iiwiw")
def waitid(k: Kernel, kind: int, number: int, info: int, options: int, usage: int) -> int:
    """waitid(2) for all children, one, or a group."""
    if options & ~(NOHANG | STOPPED | EXITED | CONTINUED | NOWAIT | THREADS):
        raise LinuxError(Errno.EINVAL)
    if not options & (STOPPED | EXITED | CONTINUED) or kind not in (0, 1, 2):
        raise LinuxError(Errno.EINVAL)
    if (kind == 1 and number <= 0) or (kind == 2 and number < 0):
        raise LinuxError(Errno.EINVAL)
    pid = number if kind == 1 else None
    child = _find(k, pid, number or k.process.pgid if kind == 2 else None, options)
    if info:
        k.lane.write(info, bytes(128) if child is None else _siginfo(child))
    if child is None:
        return 0
    if usage:
        k.lane.write(usage, rusage(child))
    _done(k, child, options)
    return 0


def _siginfo(child: Process) -> bytes:
    if not child.alive:
        signal = child.exit_signal
        code = tasks.EXITED if signal is None else tasks.KILLED
        status = signal or child.exit_code or 0
    elif child.news == "continued":
        code, status = tasks.CONTINUED, int(Signal.SIGCONT)
    else:
        code, status = tasks.STOPPED, child.stopped or 0
    ticks = child.cpu * child.clock.per_instruction // (abi.SECOND // 100)
    return abi.siginfo_child(code, child.pid, child.uids[0], status, ticks)
