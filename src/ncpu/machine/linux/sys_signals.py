"""Signals by call: dispositions, masks, sending to oneself, waiting, returning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux import abi, signals
from ncpu.machine.linux.abi import Errno, LinuxError, Signal
from ncpu.machine.linux.conditions import SignalPending
from ncpu.machine.linux.process import Action, Process, Thread, Wait
from ncpu.machine.linux.sys_time import duration
from ncpu.machine.linux.table import syscall

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel


def _valid(signal: int) -> int:
    if not 1 <= signal <= abi.SIGNALS:
        raise LinuxError(Errno.EINVAL)
    return signal


def _mask(k: Kernel, pointer: int, size: int) -> int:
    if size != 8:
        raise LinuxError(Errno.EINVAL)
    return k.lane.unpack("Q", pointer)[0]


@syscall("rt_sigaction", "iwww")
def rt_sigaction(k: Kernel, signal: int, new: int, old: int, size: int) -> int:
    """rt_sigaction(2)."""
    p = k.process
    _valid(signal)
    if size != 8 or (new and signal in (Signal.SIGKILL, Signal.SIGSTOP)):
        raise LinuxError(Errno.EINVAL)
    before = p.actions.get(signal, Action())
    action = Action(*k.lane.unpack("QQQQ", new)) if new else before
    if old:
        fields = (before.handler, before.flags, before.restorer, before.mask)
        k.lane.pack("QQQQ", old, *fields)
    p.actions[signal] = action
    default = action.handler == abi.SIG_DFL and signal in abi.IGNORED_BY_DEFAULT
    if action.handler == abi.SIG_IGN or default:
        signals.discard(p, signal)
    return 0


@syscall("rt_sigprocmask", "iwww")
def rt_sigprocmask(k: Kernel, how: int, new: int, old: int, size: int) -> int:
    """rt_sigprocmask(2): SIG_BLOCK 0, SIG_UNBLOCK 1, SIG_SETMASK 2."""
    p = k.thread
    if size != 8:
        raise LinuxError(Errno.EINVAL)
    before = p.mask
    if new:
        (bits,) = k.lane.unpack("Q", new)
        if how not in (0, 1, 2):
            raise LinuxError(Errno.EINVAL)
        p.mask = (before | bits, before & ~bits, bits)[how] & ~abi.UNBLOCKABLE
    if old:
        k.lane.pack("Q", old, before)
    return 0


@syscall("rt_sigpending", "ww")
def rt_sigpending(k: Kernel, pointer: int, size: int) -> int:
    """rt_sigpending(2)."""
    if size > 8:
        raise LinuxError(Errno.EINVAL)
    bits = sum(signals.bit(signal) for signal in signals.pending(k.process)) & k.thread.mask
    k.lane.write(pointer, bits.to_bytes(8, "little")[:size])
    return 0


@syscall("rt_sigsuspend", "ww")
def rt_sigsuspend(k: Kernel, pointer: int, size: int) -> int:
    """rt_sigsuspend(2): the old mask returns when the handler does."""
    if k.resumed is None:
        suspend_mask(k, pointer, size)
    k.block(Wait(restart=False))


def suspend_mask(k: Kernel, pointer: int, size: int) -> None:
    """Put a mask in force until the call is over, for sigsuspend, ppoll and their like."""
    mask = _mask(k, pointer, size) & ~abi.UNBLOCKABLE
    k.thread.saved_mask, k.thread.mask = k.thread.mask, mask


@syscall("rt_sigtimedwait", "wwww")
def rt_sigtimedwait(k: Kernel, pointer: int, info: int, timeout: int, size: int) -> int:
    """rt_sigtimedwait(2)."""
    wanted = _mask(k, pointer, size)
    limit = duration(k, timeout) if timeout else None

    ready = SignalPending(k.process, k.thread, wanted)
    if found := ready.look():
        signal = min(found)
        data = signals.take(k.process, signal)
        if info:
            k.lane.write(info, data)
        return signal
    until = k.deadline(limit)
    if limit == 0 or k.passed(until):
        raise LinuxError(Errno.EAGAIN)
    k.block(Wait(ready, until, restart=False))


def _may(k: Kernel, target: Process, signal: int) -> bool:
    """Whether the caller may signal the target (kill(2), "Permissions")."""
    own, theirs = k.process.uids, target.uids
    related = bool({own[0], own[1]} & {theirs[0], theirs[2]})
    return own[1] == 0 or related or (signal == Signal.SIGCONT and target.sid == k.process.sid)


def _send(k: Kernel, target: Process, signal: int, code: int, thread: Thread | None = None) -> None:
    if not _may(k, target, signal):
        raise LinuxError(Errno.EPERM)
    if signal:
        info = abi.siginfo_kill(signal, code, k.process.pid, k.process.uids[0])
        k.send(target, signal, info, thread)


@syscall("kill", "ii")
def kill(k: Kernel, pid: int, signal: int) -> int:
    """kill(2): a process, a group, or with -1 all processes but the caller and the first."""
    if signal:
        _valid(signal)
    if pid > 0:
        found = k.find_process(pid)
        targets = [found] if found else []
    elif pid == -1:
        targets = [p for p in k.processes if p is not k.process and p.pid != k.first.pid]
    else:
        group = -pid or k.process.pgid
        targets = [p for p in k.processes if p.pgid == group]
    if not targets:
        raise LinuxError(Errno.ESRCH)
    allowed = [p for p in targets if _may(k, p, signal)]
    for target in allowed or targets[:1]:
        _send(k, target, signal, abi.SI_USER)
    return 0


@syscall("tkill", "ii")
def tkill(k: Kernel, tid: int, signal: int) -> int:
    """tkill(2)."""
    return _to_thread(k, None, tid, signal)


@syscall("tgkill", "iii")
def tgkill(k: Kernel, pid: int, tid: int, signal: int) -> int:
    """tgkill(2)."""
    if pid <= 0:
        raise LinuxError(Errno.EINVAL)
    return _to_thread(k, pid, tid, signal)


def _to_thread(k: Kernel, pid: int | None, tid: int, signal: int) -> int:
    if tid <= 0:
        raise LinuxError(Errno.EINVAL)
    if signal:
        _valid(signal)
    for process in k.processes:
        if tid in process.threads and pid in (None, process.pid):
            _send(k, process, signal, abi.SI_TKILL, process.threads[tid])
            return 0
    raise LinuxError(Errno.ESRCH)


@syscall("rt_sigqueueinfo", "iiw")
def rt_sigqueueinfo(k: Kernel, pid: int, signal: int, info: int) -> int:
    """rt_sigqueueinfo(2); only the kernel may claim to be the kernel."""
    data = k.lane.read(info, 128)
    target = k.find_process(pid)
    if target is None:
        raise LinuxError(Errno.ESRCH)
    code = int.from_bytes(data[8:12], "little", signed=True)
    if (code >= 0 or code == abi.SI_TKILL) and target is not k.process:
        raise LinuxError(Errno.EPERM)
    if not _may(k, target, signal):
        raise LinuxError(Errno.EPERM)
    if signal:
        k.send(target, _valid(signal), signal.to_bytes(4, "little") + data[4:])
    return 0


@syscall("rt_tgsigqueueinfo", "iiiw")
def rt_tgsigqueueinfo(k: Kernel, pid: int, tid: int, signal: int, info: int) -> int:
    """rt_tgsigqueueinfo(2) to a thread of the caller's own process."""
    data = k.lane.read(info, 128)
    if pid != k.process.pid or tid not in k.process.threads:
        raise LinuxError(Errno.ESRCH)
    if signal:
        raw = _valid(signal).to_bytes(4, "little") + data[4:]
        k.send(k.process, signal, raw, k.process.threads[tid])
    return 0


@syscall("rt_sigreturn")
def rt_sigreturn(k: Kernel) -> None:
    """rt_sigreturn(2)."""
    signals.sigreturn(k, k.lane)


@syscall("sigaltstack", "ww")
def sigaltstack(k: Kernel, new: int, old: int) -> int:
    """sigaltstack(2)."""
    p = k.process
    address, flags, size = p.thread.altstack
    if signals.on_altstack(p, k.lane.x(31)):
        flags |= abi.SS_ONSTACK
    wanted = k.lane.unpack("Qi4xQ", new) if new else None
    if wanted is not None:
        signals.set_altstack(p, k.lane, (wanted[0], wanted[1], wanted[2]))
    if old:
        k.lane.pack("Qi4xQ", old, address, flags, size)
    return 0
