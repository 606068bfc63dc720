"""Signals by call: dispositions, masks, sending to oneself, waiting, returning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux import abi, signals
from ncpu.machine.linux.abi import Blocked, Errno, LinuxError, Signal
from ncpu.machine.linux.process import Action
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
        p.pending.pop(signal, None)
    return 0


@syscall("rt_sigprocmask", "iwww")
def rt_sigprocmask(k: Kernel, how: int, new: int, old: int, size: int) -> int:
    """rt_sigprocmask(2): SIG_BLOCK 0, SIG_UNBLOCK 1, SIG_SETMASK 2."""
    p = k.process
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
    bits = sum(signals.bit(signal) for signal in k.process.pending) & k.process.mask
    k.lane.write(pointer, bits.to_bytes(8, "little")[:size])
    return 0


@syscall("rt_sigsuspend", "ww")
def rt_sigsuspend(k: Kernel, pointer: int, size: int) -> int:
    """rt_sigsuspend(2): the old mask returns when the handler does."""
    p = k.process
    mask = _mask(k, pointer, size) & ~abi.UNBLOCKABLE
    p.saved_mask, p.mask = p.mask, mask
    try:
        k.wait(None)
    except Blocked:
        p.mask, p.saved_mask = p.saved_mask, None
        raise
    return 0


@syscall("rt_sigtimedwait", "wwww")
def rt_sigtimedwait(k: Kernel, pointer: int, info: int, timeout: int, size: int) -> int:
    """rt_sigtimedwait(2)."""
    p = k.process
    wanted = _mask(k, pointer, size)
    limit = duration(k, timeout) if timeout else None
    before = p.mask
    for last in (False, True):
        signal = min((s for s in p.pending if wanted & signals.bit(s)), default=None)
        if signal is not None:
            if info:
                k.lane.write(info, p.pending[signal])
            del p.pending[signal]
            return signal
        if not last:
            p.mask &= ~wanted
            try:
                k.wait(None if limit is None else p.clock.monotonic() + limit)
            except LinuxError as error:
                if isinstance(error, Blocked) or not any(
                    wanted & signals.bit(s) for s in p.pending
                ):
                    raise
            finally:
                p.mask = before
    raise LinuxError(Errno.EAGAIN)


def _send(k: Kernel, signal: int, code: int) -> int:
    p = k.process
    if signal:
        info = abi.siginfo_kill(_valid(signal), code, p.pid, p.uids[0])
        signals.send(p, signal, info)
    return 0


@syscall("kill", "ii")
def kill(k: Kernel, pid: int, signal: int) -> int:
    """kill(2): only the caller and its own group exist."""
    if signal:
        _valid(signal)
    if pid not in (0, k.process.pid, -k.process.pgid):
        raise LinuxError(Errno.ESRCH)
    return _send(k, signal, abi.SI_USER)


@syscall("tkill", "ii")
def tkill(k: Kernel, tid: int, signal: int) -> int:
    """tkill(2)."""
    return tgkill(k, k.process.pid, tid, signal) or 0


@syscall("tgkill", "iii")
def tgkill(k: Kernel, pid: int, tid: int, signal: int) -> int:
    """tgkill(2)."""
    if pid <= 0 or tid <= 0:
        raise LinuxError(Errno.EINVAL)
    if signal:
        _valid(signal)
    if pid != k.process.pid or tid != k.process.pid:
        raise LinuxError(Errno.ESRCH)
    return _send(k, signal, abi.SI_TKILL)


@syscall("rt_sigqueueinfo", "iiw")
def rt_sigqueueinfo(k: Kernel, pid: int, signal: int, info: int) -> int:
    """rt_sigqueueinfo(2) to oneself."""
    data = k.lane.read(info, 128)
    if pid != k.process.pid:
        raise LinuxError(Errno.ESRCH)
    if signal:
        signals.send(k.process, _valid(signal), signal.to_bytes(4, "little") + data[4:])
    return 0


@syscall("rt_sigreturn")
def rt_sigreturn(k: Kernel) -> None:
    """rt_sigreturn(2)."""
    signals.sigreturn(k, k.lane)


@syscall("sigaltstack", "ww")
def sigaltstack(k: Kernel, new: int, old: int) -> int:
    """sigaltstack(2)."""
    p = k.process
    address, flags, size = p.altstack
    if signals.on_altstack(p, k.lane.x(31)):
        flags |= abi.SS_ONSTACK
    wanted = k.lane.unpack("Qi4xQ", new) if new else None
    if wanted is not None:
        signals.set_altstack(p, k.lane, (wanted[0], wanted[1], wanted[2]))
    if old:
        k.lane.pack("Qi4xQ", old, address, flags, size)
    return 0
