"""The process itself: threads' leftovers, futex, prctl, randomness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ncpu.machine.linux import abi, futex, sys_resources
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.conditions import Woken
from ncpu.machine.linux.process import Wait
from ncpu.machine.linux.sys_time import duration
from ncpu.machine.linux.table import syscall
from ncpu.machine.state import WRITE

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

RANDOM_LIMIT = (1 << 25) - 1


@syscall("set_tid_address", "w")
def set_tid_address(k: Kernel, pointer: int) -> int:
    """set_tid_address(2): the thread's number."""
    k.thread.clear_tid = pointer
    return k.thread.tid


@syscall("set_robust_list", "ww")
def set_robust_list(k: Kernel, head: int, size: int) -> int:
    """set_robust_list(2)."""
    if size != 24:
        raise LinuxError(Errno.EINVAL)
    k.thread.robust_list = (head, size)
    return 0


@syscall("get_robust_list", "iww")
def get_robust_list(k: Kernel, pid: int, head: int, size: int) -> int:
    """get_robust_list(2)."""
    sys_resources.only_self(k, pid)
    k.lane.pack("Q", head, k.thread.robust_list[0])
    k.lane.pack("Q", size, 24)
    return 0


@syscall("rseq", "wuiu")
def rseq(k: Kernel, area: int, size: int, flags: int, signature: int) -> int:
    """rseq(2): not offered, which libraries accept."""
    raise LinuxError(Errno.ENOSYS)


@syscall("futex", "wiuwwu")
def futex_call(
    k: Kernel, address: int, operation: int, value: int, timeout: int, other: int, third: int
) -> int:
    """futex(2), without the priority-inheriting operations."""
    command, key = operation & 127, futex.key_of(k, address)
    if command not in (0, 1, 3, 4, 5, 9, 10):
        raise LinuxError(Errno.ENOSYS)
    if address % 4 or (command in (9, 10) and third == 0):
        raise LinuxError(Errno.EINVAL)
    if command in (0, 9):
        return _futex_wait(k, address, operation, value, timeout, third)
    if command == 4 and k.lane.unpack("I", address)[0] != third:
        raise LinuxError(Errno.EAGAIN)
    count = min(value, 0x7FFFFFFF)
    if command == 5:
        return _wake_op(k, key, other, third, count, timeout)
    woken = k.futexes.wake(key, count, third if command == 10 else futex.ALL)
    if command in (3, 4):
        return woken + k.futexes.requeue(key, futex.key_of(k, other), timeout & 0x7FFFFFFF)
    return woken


def _futex_wait(
    k: Kernel, address: int, operation: int, value: int, timeout: int, bits: int
) -> int:
    command, clock = operation & 127, k.process.clock
    if k.resumed is not None:
        if k.resumed.data.woken:
            return 0
        raise LinuxError(Errno.ETIMEDOUT)
    if k.lane.unpack("I", address)[0] != value:
        raise LinuxError(Errno.EAGAIN)
    until = duration(k, timeout) if timeout else None
    if until is not None and command == 0:
        until += clock.monotonic()
    elif until is not None and operation & 256:  # FUTEX_CLOCK_REALTIME
        until += clock.monotonic() - clock.now()
    if k.passed(until):
        raise LinuxError(Errno.ETIMEDOUT)
    waiter = futex.Waiter(k.thread, bits if command == 9 else futex.ALL)
    k.futexes.add(futex.key_of(k, address), waiter)
    k.block(Wait(Woken(waiter), until, restart=until is None, data=waiter))


def _wake_op(k: Kernel, key: Any, other: int, encoded: int, count: int, count2: int) -> int:
    """FUTEX_WAKE_OP: change the second word, wake on the first, and on the second if it was so."""
    (old,) = k.lane.unpack("i", other)
    operation, comparison = encoded >> 28 & 15, encoded >> 24 & 15
    operand, against = ((encoded >> s & 0xFFF ^ 0x800) - 0x800 for s in (12, 0))
    operand = 1 << (operand & 31) if operation & 8 else operand
    new = (operand, old + operand, old | operand, old & ~operand, old ^ operand)
    holds = (old == against, old != against, old < against, old <= against)
    holds += (old > against, old >= against)
    if operation & 7 >= len(new) or comparison >= len(holds):
        raise LinuxError(Errno.ENOSYS)
    k.lane.pack("I", other, new[operation & 7] & 0xFFFFFFFF)
    woken = k.futexes.wake(key, count)
    if holds[comparison]:
        woken += k.futexes.wake(futex.key_of(k, other), count2 & 0x7FFFFFFF)
    return woken


@syscall("setns", "")
def setns(k: Kernel) -> int:
    """setns(2): there are no namespaces."""
    raise LinuxError(Errno.EPERM)


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
    p, thread = k.process, k.thread
    if option == 15:  # PR_SET_NAME
        thread.name = k.lane.read(value, k.lane.extent(value, 16, 1) or 1).split(b"\0")[0][:15]
    elif option == 16:  # PR_GET_NAME
        k.lane.write(value, thread.name.ljust(16, b"\0"))
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
