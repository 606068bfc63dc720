"""Resources: limits, usage, scheduling, processors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux import abi
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.process import RLIMIT_NOFILE, Process
from ncpu.machine.linux.table import syscall
from ncpu.machine.state import PAGE, WRITE

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel


def only_self(k: Kernel, pid: int) -> None:
    """ESRCH unless `pid` means the caller."""
    if pid not in (0, k.process.pid):
        raise LinuxError(Errno.ESRCH)


@syscall("prlimit64", "iuww")
def prlimit64(k: Kernel, pid: int, resource: int, new: int, old: int) -> int:
    """prlimit(2)."""
    only_self(k, pid)
    limits = k.process.limits
    if resource not in limits:
        raise LinuxError(Errno.EINVAL)
    before = limits[resource]
    if new:
        soft, hard = k.lane.unpack("QQ", new)
        if soft > hard:
            raise LinuxError(Errno.EINVAL)
        beyond = resource == RLIMIT_NOFILE and hard > 1 << 20
        if beyond or (hard > before[1] and k.process.uids[1] != 0):
            raise LinuxError(Errno.EPERM)
        limits[resource] = (soft, hard)
    if old:
        k.lane.pack("QQ", old, *before)
    return 0


@syscall("getrlimit", "uw")
def getrlimit(k: Kernel, resource: int, pointer: int) -> int:
    """getrlimit(2)."""
    k.lane.require(pointer, 16, WRITE)
    return prlimit64(k, 0, resource, 0, pointer) or 0


@syscall("setrlimit", "uw")
def setrlimit(k: Kernel, resource: int, pointer: int) -> int:
    """setrlimit(2)."""
    k.lane.read(pointer, 16)
    return prlimit64(k, 0, resource, pointer, 0) or 0


def rusage(process: Process, *, children: bool = False) -> bytes:
    """struct rusage of a process, or of its dead children."""
    resident = 0 if children else int(process.space.mapped.sum()) * PAGE // 1024
    instructions = process.cpu_children if children else process.cpu
    used = abi.timeval(instructions * process.clock.per_instruction)
    return used + bytes(16) + resident.to_bytes(8, "little") + bytes(104)


@syscall("getrusage", "iw")
def getrusage(k: Kernel, who: int, pointer: int) -> int:
    """getrusage(2): user time, and what memory is mapped."""
    if who not in (-1, 0, 1):
        raise LinuxError(Errno.EINVAL)
    k.lane.write(pointer, rusage(k.process, children=who == -1))
    return 0


@syscall("sysinfo", "w")
def sysinfo(k: Kernel, pointer: int) -> int:
    """sysinfo(2): the lane's memory is the machine's."""
    pages = k.space.mapped
    total, free = len(pages) * PAGE, int((~pages).sum()) * PAGE
    uptime = k.process.clock.monotonic() // abi.SECOND
    k.lane.pack("q3Q6QH6xQQI4x", pointer, uptime, 0, 0, 0, total, free, 0, 0, 0, 0, 1, 0, 0, 1)
    return 0


@syscall("sched_yield")
def sched_yield(k: Kernel) -> int:
    """sched_yield(2): nobody else is there."""
    return 0


@syscall("sched_getaffinity", "iuw")
def sched_getaffinity(k: Kernel, pid: int, size: int, pointer: int) -> int:
    """sched_getaffinity(2): one processor."""
    only_self(k, pid)
    if size < 8 or size % 8:
        raise LinuxError(Errno.EINVAL)
    k.lane.pack("Q", pointer, 1)
    return 8


@syscall("sched_setaffinity", "iuw")
def sched_setaffinity(k: Kernel, pid: int, size: int, pointer: int) -> int:
    """sched_setaffinity(2): the one processor must be among them."""
    only_self(k, pid)
    mask = k.lane.read(pointer, min(size, 128))
    if not mask or not mask[0] & 1:
        raise LinuxError(Errno.EINVAL)
    return 0


@syscall("sched_getscheduler", "i")
def sched_getscheduler(k: Kernel, pid: int) -> int:
    """sched_getscheduler(2): SCHED_OTHER."""
    only_self(k, pid)
    return 0


@syscall("sched_setscheduler", "iiw")
def sched_setscheduler(k: Kernel, pid: int, policy: int, pointer: int) -> int:
    """sched_setscheduler(2): only SCHED_OTHER, SCHED_BATCH and SCHED_IDLE."""
    only_self(k, pid)
    if policy not in (0, 3, 5) or k.lane.unpack("i", pointer)[0] != 0:
        raise LinuxError(Errno.EINVAL)
    return 0


@syscall("sched_getparam", "iw")
def sched_getparam(k: Kernel, pid: int, pointer: int) -> int:
    """sched_getparam(2): priority 0."""
    only_self(k, pid)
    k.lane.pack("i", pointer, 0)
    return 0


@syscall("sched_get_priority_max sched_get_priority_min", "i")
def sched_get_priority(k: Kernel, policy: int) -> int:
    """sched_get_priority_max(2), sched_get_priority_min(2)."""
    if policy in (1, 2):
        return 99 if k.lane.x(8) == 125 else 1
    if policy not in (0, 3, 5):
        raise LinuxError(Errno.EINVAL)
    return 0


@syscall("getpriority", "iu")
def getpriority(k: Kernel, which: int, who: int) -> int:
    """getpriority(2): 20 - nice, as the kernel returns it."""
    if not 0 <= which <= 2:
        raise LinuxError(Errno.EINVAL)
    return 20 - k.process.nice


@syscall("setpriority", "iui")
def setpriority(k: Kernel, which: int, who: int, nice: int) -> int:
    """setpriority(2)."""
    if not 0 <= which <= 2:
        raise LinuxError(Errno.EINVAL)
    nice = max(-20, min(19, nice))
    if nice < k.process.nice and k.process.uids[1] != 0:
        raise LinuxError(Errno.EACCES)
    k.process.nice = nice
    return 0


@syscall("getcpu", "ww")
def getcpu(k: Kernel, cpu: int, node: int) -> int:
    """getcpu(2): processor 0 of node 0."""
    for pointer in (cpu, node):
        if pointer:
            k.lane.pack("I", pointer, 0)
    return 0
