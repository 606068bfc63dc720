"""Process groups and sessions (credentials(7)), and who the parent is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.process import Process
from ncpu.machine.linux.table import syscall

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel


@syscall("getpid")
def getpid(k: Kernel) -> int:
    """getpid(2)."""
    return k.process.pid


@syscall("gettid")
def gettid(k: Kernel) -> int:
    """gettid(2)."""
    return k.thread.tid


@syscall("getppid")
def getppid(k: Kernel) -> int:
    """getppid(2)."""
    return k.process.ppid


def _process(k: Kernel, pid: int) -> Process:
    found = k.process if pid == 0 else k.find_process(pid)
    if found is None:
        raise LinuxError(Errno.ESRCH)
    return found


@syscall("getpgid", "i")
def getpgid(k: Kernel, pid: int) -> int:
    """getpgid(2)."""
    return _process(k, pid).pgid


@syscall("getsid", "i")
def getsid(k: Kernel, pid: int) -> int:
    """getsid(2)."""
    return _process(k, pid).sid


@syscall("setpgid", "ii")
def setpgid(k: Kernel, pid: int, group: int) -> int:
    """setpgid(2): for oneself, or a child that has not called execve."""
    here = k.process
    if group < 0:
        raise LinuxError(Errno.EINVAL)
    target = _process(k, pid)
    if target is not here:
        if target.ppid != here.pid:
            raise LinuxError(Errno.ESRCH)
        if target.sid != here.sid:
            raise LinuxError(Errno.EPERM)
        if target.executed:
            raise LinuxError(Errno.EACCES)
    group = group or target.pid
    members = [p for p in k.processes if p.pgid == group]
    known = group == target.pid or any(p.sid == target.sid for p in members)
    if target.sid == target.pid or not known:
        raise LinuxError(Errno.EPERM)
    target.pgid = group
    return 0


@syscall("setsid")
def setsid(k: Kernel) -> int:
    """setsid(2): EPERM for a group leader."""
    p = k.process
    if any(other.pgid == p.pid for other in k.processes):
        raise LinuxError(Errno.EPERM)
    p.sid = p.pgid = p.pid
    return p.pid
