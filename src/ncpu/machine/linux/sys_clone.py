"""clone(2) and its relatives, and the ends of threads and processes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ncpu.machine import memory
from ncpu.machine.linux import abi, futex
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.conditions import LeftSpace
from ncpu.machine.linux.process import Thread, Wait
from ncpu.machine.linux.table import syscall
from ncpu.machine.state import MONITOR, SP, TPIDR, State, Status
from ncpu.machine.word import MASK64

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel
    from ncpu.machine.linux.tasks import Tasks

VM, FS, FILES, SIGHAND, VFORK = 0x100, 0x200, 0x400, 0x800, 0x4000
PARENT, THREAD, SETTLS = 0x8000, 0x10000, 0x80000
PARENT_SETTID, CHILD_CLEARTID, CHILD_SETTID = 0x100000, 0x200000, 0x1000000
NAMESPACES = 0x7E020000 | 0x80
ALONE = "makes no process or thread here, where one runs alone (as under a debugger)"


def _clone(
    k: Kernel, flags: int, signal: int, stack: int, parent_tid: int, tls: int, child_tid: int
) -> int:
    if k.tasks is None:
        k.missing("clone", ALONE)
    if k.resumed is not None:  # vfork: the child has let go of the memory
        return k.resumed.data
    if flags & NAMESPACES:
        raise LinuxError(Errno.EPERM)
    if (flags & SIGHAND and not flags & VM) or (flags & THREAD and not flags & SIGHAND):
        raise LinuxError(Errno.EINVAL)
    if signal > abi.SIGNALS or (flags & FILES and not flags & THREAD):
        raise LinuxError(Errno.EINVAL)  # processes do not share a table of descriptors here
    make = _thread if flags & THREAD else _process
    return make(k, k.tasks, flags, signal, stack, parent_tid, tls, child_tid)


def _child_state(k: Kernel, flags: int, stack: int, tls: int) -> State:
    """The caller's registers as the child has them."""
    changes = {0: 0, MONITOR: MASK64}
    if stack:
        changes[SP] = stack
    if flags & SETTLS:
        changes[TPIDR] = tls
    return k.lane.copy(Status.RUNNING, changes)


def _thread(
    k: Kernel, tasks: Tasks, flags: int, _: int, stack: int, parent_tid: int, tls: int, tid_at: int
) -> int:
    tid = tasks.new_number()
    here = k.thread
    for flag, pointer in ((PARENT_SETTID, parent_tid), (CHILD_SETTID, tid_at)):
        if flags & flag:
            k.lane.pack("I", pointer, tid)
    child = Thread(
        tid=tid,
        state=_child_state(k, flags, stack, tls),
        mask=here.mask,
        name=here.name,
        started=here.retired,
        retired=here.retired,
        clear_tid=tid_at if flags & CHILD_CLEARTID else 0,
    )
    k.process.threads[tid] = child
    return tid


def _process(
    k: Kernel,
    tasks: Tasks,
    flags: int,
    signal: int,
    stack: int,
    parent_tid: int,
    tls: int,
    tid_at: int,
) -> int:
    process, lane = k.process, k.lane
    if not flags & VM:
        tasks.require_memory(k.space.size)
    pid = tasks.new_number()
    if flags & PARENT_SETTID:
        lane.pack("I", parent_tid, pid)
    state = _child_state(k, flags, stack, tls)
    if flags & VM:
        space = k.space
        space.users += 1
        if flags & CHILD_SETTID:
            lane.pack("I", tid_at, pid)
    else:
        space = k.space.copy(lane.state.mem, lane.state.perm)
        if flags & CHILD_SETTID and lane.extent(tid_at, 4, 2) == 4:
            assert space.mem is not None and space.perm is not None
            state = state.replace(mem=space.mem, perm=space.perm)
            state = memory.write(state, tid_at, pid.to_bytes(4, "little"))
            space.mem = state.mem
    child = process.fork(pid, space)
    if flags & PARENT:
        child.ppid = process.ppid
    child.exit_signal_parent = signal
    child.thread.state = state
    child.thread.clear_tid = tid_at if flags & CHILD_CLEARTID else 0
    if flags & VM:
        child.thread.altstack = (0, abi.SS_DISABLE, 0)
    tasks.processes[pid] = child
    if flags & VFORK:
        k.block(Wait(LeftSpace(child, child.space), data=pid, deaf=True))
    return pid


@syscall("clone", "wwwww")
def clone(k: Kernel, flags: int, stack: int, parent_tid: int, tls: int, child_tid: int) -> int:
    """clone(2): fork, vfork and threads; no namespaces."""
    return _clone(k, flags & ~0xFF, flags & 0xFF, stack, parent_tid, tls, child_tid)


@syscall("clone3", "ww")
def clone3(k: Kernel, pointer: int, size: int) -> int:
    """clone3(2), with what clone offers."""
    if k.tasks is None:
        k.missing("clone3", ALONE)
    if size < 64 or size > 4096:
        raise LinuxError(Errno.EINVAL if size < 64 else Errno.E2BIG)
    flags, _, child, parent, signal, stack, length, tls = k.lane.unpack("8Q", pointer)
    if size > 64 and any(k.lane.read(pointer + 64, size - 64)):
        raise LinuxError(Errno.EINVAL)
    top = stack + length if stack else 0
    return _clone(k, flags & ~0xFF, signal, top, parent, tls, child)


@syscall("unshare", "w")
def unshare(k: Kernel, flags: int) -> int:
    """unshare(2): threads here share what they share."""
    if flags & NAMESPACES:
        raise LinuxError(Errno.EPERM)
    if flags & ~(FS | FILES | 0x40000):
        raise LinuxError(Errno.EINVAL)
    if flags & FILES:
        k.process.fds = {fd: replace(d) for fd, d in k.process.fds.items()}
    return 0


@syscall("exit", "i")
def exit_thread(k: Kernel, code: int) -> None:
    """exit(2): one thread; the last one takes the process along."""
    if len(k.process.threads) == 1:
        k.terminate(code)
    else:
        futex.leave(k, k.thread)
        k.thread.ended = True


@syscall("exit_group", "i")
def exit_group(k: Kernel, code: int) -> None:
    """exit_group(2)."""
    k.terminate(code)
