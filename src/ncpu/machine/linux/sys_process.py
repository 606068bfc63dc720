"""The process itself: exit, threads' leftovers, futex, prctl, randomness."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux import abi, sys_resources
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.sys_time import duration
from ncpu.machine.linux.table import syscall
from ncpu.machine.state import WRITE

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

RANDOM_LIMIT = (1 << 25) - 1


@syscall("exit exit_group", "i")
def exit_group(k: Kernel, code: int) -> None:
    """exit(2), exit_group(2)."""
    k.terminate(code)


@syscall("set_tid_address", "w")
def set_tid_address(k: Kernel, pointer: int) -> int:
    """set_tid_address(2): the thread's number."""
    k.process.clear_tid = pointer
    return k.process.pid


@syscall("set_robust_list", "ww")
def set_robust_list(k: Kernel, head: int, size: int) -> int:
    """set_robust_list(2)."""
    if size != 24:
        raise LinuxError(Errno.EINVAL)
    k.process.robust_list = (head, size)
    return 0


@syscall("get_robust_list", "iww")
def get_robust_list(k: Kernel, pid: int, head: int, size: int) -> int:
    """get_robust_list(2)."""
    sys_resources.only_self(k, pid)
    k.lane.pack("Q", head, k.process.robust_list[0])
    k.lane.pack("Q", size, 24)
    return 0


@syscall("rseq", "wuiu")
def rseq(k: Kernel, area: int, size: int, flags: int, signature: int) -> int:
    """rseq(2): not offered, which libraries accept."""
    raise LinuxError(Errno.ENOSYS)


@syscall("futex", "wiuwwu")
def futex(
    k: Kernel, address: int, operation: int, value: int, timeout: int, other: int, third: int
) -> int:
    """futex(2) with one thread: nobody waits to be woken, and nobody wakes."""
    command = operation & 127
    if command not in (0, 1, 3, 4, 9, 10):  # WAIT, WAKE, REQUEUE, CMP_REQUEUE and _BITSET
        raise LinuxError(Errno.ENOSYS)
    if address % 4 or (command in (9, 10) and third == 0):
        raise LinuxError(Errno.EINVAL)
    if command in (0, 4, 9):
        (now,) = k.lane.unpack("I", address)
        if now != (third if command == 4 else value):
            raise LinuxError(Errno.EAGAIN)
    if command not in (0, 9):
        return 0
    if not timeout:
        k.wait(None)
    until = duration(k, timeout)
    clock = k.process.clock
    if command == 0:
        until += clock.monotonic()
    elif operation & 256:  # FUTEX_CLOCK_REALTIME
        until += clock.monotonic() - clock.now()
    k.wait(until)
    raise LinuxError(Errno.ETIMEDOUT)


@syscall("clone clone3 execve execveat unshare setns", "")
def clone(k: Kernel) -> int:
    """clone(2), execve(2): one process and one program; recorded as missing."""
    from ncpu.machine.linux.numbers import NAME

    k.missing(NAME[k.lane.x(8)])
    return 0


@syscall("wait4 waitid", "")
def wait4(k: Kernel) -> int:
    """wait4(2), waitid(2): there are no children."""
    raise LinuxError(Errno.ECHILD)


@syscall("socket socketpair", "")
def socket(k: Kernel) -> int:
    """socket(2): there is no network of any kind."""
    raise LinuxError(Errno.EAFNOSUPPORT)


@syscall(
    "connect bind listen accept accept4 getsockname getpeername sendto recvfrom setsockopt "
    "getsockopt shutdown sendmsg recvmsg",
    "i",
)
def connect(k: Kernel, fd: int) -> int:
    """Calls on sockets: no descriptor is one."""
    k.file(fd)
    raise LinuxError(Errno.ENOTSOCK)


@syscall("personality", "u")
def personality(k: Kernel, persona: int) -> int:
    """personality(2): remembered, without effect."""
    old = k.process.personality
    if persona != 0xFFFFFFFF:
        k.process.personality = persona
    return old


@syscall("prctl", "iwwww")
def prctl(k: Kernel, option: int, value: int, third: int, fourth: int, fifth: int) -> int:
    """prctl(2): names, dumpable, no_new_privs, and the reading of capabilities."""
    p = k.process
    if option == 15:  # PR_SET_NAME
        p.name = k.lane.read(value, k.lane.extent(value, 16, 1) or 1).split(b"\0")[0][:15]
    elif option == 16:  # PR_GET_NAME
        k.lane.write(value, p.name.ljust(16, b"\0"))
    elif option == 3:  # PR_GET_DUMPABLE
        return p.dumpable
    elif option == 4 and value in (0, 1):  # PR_SET_DUMPABLE
        p.dumpable = value
    elif option == 38 and (value, third, fourth, fifth) == (1, 0, 0, 0):  # PR_SET_NO_NEW_PRIVS
        p.no_new_privs = 1
    elif option == 39:  # PR_GET_NO_NEW_PRIVS
        return p.no_new_privs
    elif option == 1 and value <= abi.SIGNALS:  # PR_SET_PDEATHSIG: no parent dies
        return 0
    elif option == 23 and value <= 40:  # PR_CAPBSET_READ
        return 1
    else:
        raise LinuxError(Errno.EINVAL)
    return 0


@syscall("getrandom", "wwu")
def getrandom(k: Kernel, buffer: int, size: int, flags: int) -> int:
    """getrandom(2), from the process's seed."""
    if flags & ~7 or flags & 6 == 6:
        raise LinuxError(Errno.EINVAL)
    size = min(size, RANDOM_LIMIT)
    room = k.lane.extent(buffer, size, WRITE)
    if size and not room:
        raise LinuxError(Errno.EFAULT)
    k.lane.write(buffer, k.process.entropy.randbytes(room))
    return room
