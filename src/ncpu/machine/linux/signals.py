"""Signals: sending, dispositions, and the frame a handler runs on.

The frame is `struct rt_sigframe` of arch/arm64/kernel/signal.c: siginfo, ucontext with the
general registers and an fpsimd record, and above it a frame record for unwinders.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ncpu.machine.linux import abi, posix_timers
from ncpu.machine.linux.abi import Errno, LinuxError, Signal
from ncpu.machine.linux.process import Action
from ncpu.machine.state import FPCR, READ, SP, WRITE, V

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel
    from ncpu.machine.linux.lane import Lane
    from ncpu.machine.linux.process import Process, Thread

INFO, CONTEXT = 128, 128 + 176  # sizes up to ucontext and to sigcontext
RESERVED = CONTEXT + 288
FRAME = RESERVED + 4096
FPSIMD_MAGIC, FPSIMD_SIZE = 0x46508001, 528
QUEUE_LIMIT = 1024  # pending instances of one real-time signal
FPSR_MASK = 0x0800009F  # QC and the cumulative exception bits


def bit(signal: int) -> int:
    """The signal's bit in a mask."""
    return 1 << (signal - 1)


def send(
    process: Process,
    signal: int,
    info: bytes,
    thread: Thread | None = None,
    *,
    queue: bool = False,
) -> bool:
    """Make a signal pending; one that is ignored and not blocked is lost, as on Linux.

    Standard signals are pending once, real-time ones and those to be put in a `queue` as often as
    they are sent. Returns whether it was not lost.
    """
    if not signal or lost(process, signal, thread):
        return False
    waiting = (thread or process).pending.setdefault(signal, [])
    if not waiting or queue or (signal >= abi.SIGRTMIN and len(waiting) < QUEUE_LIMIT):
        waiting.append(info)
    return True


def lost(process: Process, signal: int, thread: Thread | None = None) -> bool:
    """Whether a signal sent now would come to nothing."""
    if not _ignored(process, signal):
        return False
    return not all(t.mask & bit(signal) for t in ([thread] if thread else process.threads.values()))


def force(process: Process, signal: int, info: bytes) -> None:
    """A fault's signal: one that is blocked or ignored kills (force_sig_info)."""
    action, thread = process.actions.get(signal, Action()), process.thread
    if thread.mask & bit(signal) or action.handler == abi.SIG_IGN:
        process.actions[signal] = Action()
        thread.mask &= ~bit(signal)
    thread.pending[signal] = [info]


def _ignored(process: Process, signal: int) -> bool:
    handler = process.actions.get(signal, Action()).handler
    by_default = handler == abi.SIG_DFL and signal in abi.IGNORED_BY_DEFAULT
    return handler == abi.SIG_IGN or by_default


def pending(process: Process, thread: Thread | None = None) -> set[int]:
    """Signals pending for a thread, its own and the process's."""
    return {*process.pending, *(thread or process.thread).pending}


def take(process: Process, signal: int) -> bytes:
    """Remove one pending instance; its siginfo. A timer that sent it goes on."""
    source = process.thread.pending if signal in process.thread.pending else process.pending
    info = source[signal].pop(0)
    if not source[signal]:
        del source[signal]
    timer = posix_timers.sender(process.timers, info)
    return info if timer is None else timer.taken()


def discard(process: Process, *which: int) -> None:
    """Remove all pending instances of these signals."""
    for holder in (process, *process.threads.values()):
        for signal in which:
            holder.pending.pop(signal, None)


def next_signal(process: Process, thread: Thread | None = None) -> int | None:
    """The pending signal to deliver first: faults, then by number; None when none may be."""
    thread = thread or process.thread
    if not process.pending and not thread.pending:
        return None
    ready = [s for s in pending(process, thread) if not thread.mask & bit(s)]
    if thread.wait is not None and thread.wait.deaf:
        ready = [s for s in ready if s == Signal.SIGKILL]
    faults = (Signal.SIGSEGV, Signal.SIGBUS, Signal.SIGILL, Signal.SIGTRAP, Signal.SIGFPE)
    return min(ready, key=lambda s: (s not in faults, s), default=None)


def deliver(kernel: Kernel, lane: Lane) -> None:
    """Act on pending signals until the process runs, sleeps on, stops or ends."""
    process, thread = kernel.process, kernel.thread
    while process.alive and process.stopped is None:
        signal = next_signal(process)
        if signal is None:
            break
        info = take(process, signal)
        action = process.actions.get(signal, Action())
        if _ignored(process, signal):
            continue
        if action.handler != abi.SIG_DFL:
            _end_wait(thread, lane, action)
            _enter(kernel, lane, signal, action, info)
        elif signal not in abi.STOPS:
            kernel.terminate(128 + signal, signal)
        elif kernel.may_stop:
            kernel.stop(signal)
    if thread.saved_mask is not None and thread.wait is None:
        thread.mask, thread.saved_mask = thread.saved_mask, None


def _end_wait(thread: Thread, lane: Lane, action: Action) -> None:
    """A handler ends the call the thread sleeps in: with a result, or to start over."""
    wait, thread.wait = thread.wait, None
    if wait is None:
        return
    if wait.interrupted is not None:
        lane.set_x(0, wait.interrupted())
    elif wait.restart and action.flags & abi.SA_RESTART:
        lane.pc -= 4  # back to the SVC; the call has left the registers alone
    else:
        lane.set_x(0, -Errno.EINTR)


def _enter(kernel: Kernel, lane: Lane, signal: int, action: Action, info: bytes) -> None:
    """Build the frame and point the registers at the handler; SIGSEGV when it cannot be."""
    process, thread = kernel.process, kernel.thread
    lane.restart()
    top = _stack_top(process, lane, action)
    record = top - 16
    frame = record - FRAME
    if lane.extent(frame, FRAME + 16, WRITE) != FRAME + 16:
        kernel.terminate(128 + Signal.SIGSEGV, Signal.SIGSEGV)
        return
    mask = thread.mask if thread.saved_mask is None else thread.saved_mask
    thread.saved_mask = None
    lane.write(
        frame, _frame(process, lane, info, mask) + struct.pack("<QQ", lane.x(29), lane.x(30))
    )
    lane.set_x(0, signal)
    if action.flags & abi.SA_SIGINFO:
        lane.set_x(1, frame)
        lane.set_x(2, frame + INFO)
    lane.set_x(29, record)
    lane.set_x(30, action.restorer if action.flags & abi.SA_RESTORER else process.space.trampoline)
    lane.set_x(SP, frame)
    lane.pc = action.handler
    thread.mask |= action.mask & ~abi.UNBLOCKABLE
    if not action.flags & abi.SA_NODEFER:
        thread.mask |= bit(signal)
    if action.flags & abi.SA_RESETHAND:
        process.actions[signal] = replace(action, handler=abi.SIG_DFL)


def on_altstack(process: Process, sp: int) -> bool:
    """Whether `sp` is on the alternate stack."""
    address, flags, size = process.thread.altstack
    return not flags & abi.SS_DISABLE and address < sp <= address + size


def _stack_top(process: Process, lane: Lane, action: Action) -> int:
    sp = lane.x(SP)
    address, flags, size = process.thread.altstack
    alternate = action.flags & abi.SA_ONSTACK and not flags & abi.SS_DISABLE
    if alternate and not on_altstack(process, sp):
        sp = address + size
    return sp & ~15


def _frame(process: Process, lane: Lane, info: bytes, mask: int) -> bytes:
    """struct rt_sigframe for the lane as it stands."""
    address, flags, size = process.thread.altstack
    if on_altstack(process, lane.x(SP)):
        flags |= abi.SS_ONSTACK
    context = struct.pack("<QQQi4xQQ", 0, 0, address, flags, size, mask).ljust(176, b"\0")
    # Only a fault's siginfo has an address where kill's has a pid.
    fault = info[16:24] if struct.unpack_from("<i", info, 8)[0] > 0 else bytes(8)
    general = fault + np.asarray(lane.regs[:32], "<u8").tobytes()
    general += struct.pack("<QQ", lane.pc, lane.flags & 0xF0000000)
    fpsr, fpcr = lane.flags & FPSR_MASK, lane.x(FPCR) & 0xFFFFFFFF
    simd = struct.pack("<IIII", FPSIMD_MAGIC, FPSIMD_SIZE, fpsr, fpcr)
    simd += np.asarray(lane.regs[V : V + 64], "<u8").tobytes()
    return info + context + general.ljust(288, b"\0") + simd.ljust(4096, b"\0")


def sigreturn(kernel: Kernel, lane: Lane) -> None:
    """Take everything back from the frame at sp; SIGSEGV for a frame that is none."""
    process, sp = kernel.process, lane.x(SP)
    if sp & 15 or lane.extent(sp, FRAME, READ) != FRAME:
        force(process, Signal.SIGSEGV, abi.siginfo_fault(Signal.SIGSEGV, abi.SI_KERNEL, 0))
        return
    frame = lane.read(sp, FRAME)
    stack, flags, size, mask = struct.unpack_from("<Qi4xQQ", frame, INFO + 16)
    general = np.frombuffer(frame, "<u8", 34, CONTEXT + 8)
    lane.regs[:32] = general[:32]
    lane.pc = int(general[32])
    fpsr = lane.flags & FPSR_MASK
    magic, length, saved_fpsr, fpcr = struct.unpack_from("<IIII", frame, RESERVED)
    if magic == FPSIMD_MAGIC and length == FPSIMD_SIZE:
        lane.regs[V : V + 64] = np.frombuffer(frame, "<u8", 64, RESERVED + 16)
        lane.set_x(FPCR, fpcr & 0x07F79F00)
        fpsr = saved_fpsr & FPSR_MASK
    lane.flags = int(general[33]) & 0xF0000000 | fpsr
    lane.restart()
    process.thread.mask = mask & ~abi.UNBLOCKABLE
    process.thread.altstack = (stack, flags & ~abi.SS_ONSTACK, size)


def set_altstack(process: Process, lane: Lane, new: tuple[int, int, int]) -> None:
    """sigaltstack(2): EPERM while on it, ENOMEM when small, EINVAL for unknown flags."""
    address, flags, size = new
    if on_altstack(process, lane.x(SP)):
        raise LinuxError(Errno.EPERM)
    if flags & ~0x80000000 not in (0, abi.SS_ONSTACK, abi.SS_DISABLE):
        raise LinuxError(Errno.EINVAL)
    if flags & abi.SS_DISABLE:
        process.thread.altstack = (0, abi.SS_DISABLE, 0)
    elif size < abi.MINSIGSTKSZ:
        raise LinuxError(Errno.ENOMEM)
    else:
        process.thread.altstack = (address, flags & 0x80000000, size)
