"""Descriptors: close, dup, fcntl, ioctl, pipes, eventfd, memfd."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux import abi, sys_locks, terminals
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.event_files import EventOpen
from ncpu.machine.linux.inodes import File, Pipe
from ncpu.machine.linux.pipe_files import PipeOpen
from ncpu.machine.linux.process import RLIMIT_NOFILE
from ncpu.machine.linux.table import int32, syscall

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

SETTABLE = abi.O_APPEND | abi.O_NONBLOCK | abi.O_DIRECT | abi.O_NOATIME


@syscall("close", "i")
def close(k: Kernel, fd: int) -> int:
    """close(2)."""
    k.process.close(fd)
    return 0


@syscall("close_range", "uuu")
def close_range(k: Kernel, first: int, last: int, flags: int) -> int:
    """close_range(2)."""
    if first > last or flags & ~6:
        raise LinuxError(Errno.EINVAL)
    for fd in [fd for fd in k.process.fds if first <= fd <= last]:
        if flags & 4:
            k.process.fds[fd].cloexec = True
        else:
            k.process.close(fd)
    return 0


@syscall("dup", "i")
def dup(k: Kernel, fd: int) -> int:
    """dup(2)."""
    return k.process.install(k.file(fd))


@syscall("dup3", "iii")
def dup3(k: Kernel, old: int, new: int, flags: int) -> int:
    """dup3(2)."""
    if old == new or flags & ~abi.O_CLOEXEC:
        raise LinuxError(Errno.EINVAL)
    return k.process.install(k.file(old), fd=new, cloexec=bool(flags))


@syscall("pipe2", "wi")
def pipe2(k: Kernel, pointer: int, flags: int) -> int:
    """pipe2(2)."""
    if flags & ~(abi.O_CLOEXEC | abi.O_NONBLOCK | abi.O_DIRECT):
        raise LinuxError(Errno.EINVAL)
    node, cloexec = Pipe(k.files.fs), bool(flags & abi.O_CLOEXEC)
    ends = [PipeOpen(node, flags | access) for access in (abi.O_RDONLY, abi.O_WRONLY)]
    first = k.process.install(ends[0], cloexec=cloexec)
    try:
        second = k.process.install(ends[1], cloexec=cloexec)
    except LinuxError:
        k.process.close(first)
        raise
    try:
        k.lane.pack("ii", pointer, first, second)
    except LinuxError:
        k.process.close(first)
        k.process.close(second)
        raise
    return 0


@syscall("eventfd2", "ui")
def eventfd2(k: Kernel, value: int, flags: int) -> int:
    """eventfd(2)."""
    if flags & ~(abi.O_CLOEXEC | abi.O_NONBLOCK | 1):
        raise LinuxError(Errno.EINVAL)
    file = EventOpen(File(k.files.fs, 0o600), flags & abi.O_NONBLOCK, value, bool(flags & 1))
    return k.process.install(file, cloexec=bool(flags & abi.O_CLOEXEC))


@syscall("memfd_create", "wu")
def memfd_create(k: Kernel, name: int, flags: int) -> int:
    """memfd_create(2), without huge pages; seals are not offered."""
    if len(k.lane.cstring(name, 250)) > 249 or flags & ~3:
        raise LinuxError(Errno.EINVAL)
    node = File(k.files.fs, 0o777, k.process.uids[1], k.process.gids[1])
    node.nlink = 0
    return k.process.install(k.open_file(node, abi.O_RDWR), cloexec=bool(flags & 1))


@syscall("fcntl", "iiw")
def fcntl(k: Kernel, fd: int, command: int, argument: int) -> int:
    """fcntl(2): descriptors, flags, pipe sizes and locks."""
    descriptor = k.process.descriptor(fd)
    file = descriptor.file
    if command in (0, 1030):  # F_DUPFD, F_DUPFD_CLOEXEC
        if not 0 <= int32(argument) < k.process.limits[RLIMIT_NOFILE][0]:
            raise LinuxError(Errno.EINVAL)
        return k.process.install(file, lowest=int32(argument), cloexec=command == 1030)
    if command == 1:  # F_GETFD
        return int(descriptor.cloexec)
    if command == 2:  # F_SETFD
        descriptor.cloexec = bool(argument & 1)
        return 0
    if command == 3:  # F_GETFL
        return file.flags | (abi.O_LARGEFILE if not file.flags & abi.O_PATH else 0)
    if file.flags & abi.O_PATH:
        raise LinuxError(Errno.EBADF)
    if command == 4:  # F_SETFL
        file.flags = file.flags & ~SETTABLE | argument & SETTABLE
        return 0
    if command in sys_locks.COMMANDS:
        return sys_locks.record_lock(k, file, command, argument)
    if command in (1031, 1032) and isinstance(file, PipeOpen):  # F_SETPIPE_SZ, F_GETPIPE_SZ
        return Pipe.CAPACITY
    if command in (8, 9):  # F_SETOWN, F_GETOWN
        return 0
    raise LinuxError(Errno.EINVAL)


@syscall("ioctl", "iuw")
def ioctl(k: Kernel, fd: int, request: int, argument: int) -> int:
    """ioctl(2): FIONREAD and friends, and the terminal's where there is one."""
    descriptor = k.process.descriptor(fd)
    file = descriptor.file
    if file.flags & abi.O_PATH:
        raise LinuxError(Errno.EBADF)
    if request == 0x541B:  # FIONREAD
        k.lane.pack("i", argument, min(file.available(), 0x7FFFFFFF))
    elif request == 0x5421:  # FIONBIO
        on = k.lane.unpack("i", argument)[0]
        file.flags = file.flags & ~abi.O_NONBLOCK | (abi.O_NONBLOCK if on else 0)
    elif request in (0x5450, 0x5451):  # FIONCLEX, FIOCLEX
        descriptor.cloexec = request == 0x5451
    elif hasattr(file, "tty"):
        terminals.ioctl(k, file, request, argument)
    elif file.terminal:
        _terminal(k, request, argument)
    else:
        raise LinuxError(Errno.ENOTTY)
    return 0


def _terminal(k: Kernel, request: int, argument: int) -> None:
    """Requests of ioctl_tty(2)."""
    console = k.console
    if request == 0x5401:  # TCGETS
        k.lane.write(argument, console.termios)
    elif request in (0x5402, 0x5403, 0x5404):  # TCSETS, TCSETSW, TCSETSF
        console.termios = k.lane.read(argument, len(console.termios))
    elif request == 0x5413:  # TIOCGWINSZ
        k.lane.pack("HHHH", argument, *console.size, 0, 0)
    elif request == 0x5414:  # TIOCSWINSZ
        rows, columns, _, _ = k.lane.unpack("HHHH", argument)
        console.size = (rows, columns)
    elif request in (0x540F, 0x5429):  # TIOCGPGRP, TIOCGSID
        k.lane.pack("i", argument, k.process.pgid if request == 0x540F else k.process.sid)
    elif request == 0x5410:  # TIOCSPGRP
        if k.lane.unpack("i", argument)[0] != k.process.pgid:
            raise LinuxError(Errno.EPERM)
    elif request not in (0x5409, 0x540A, 0x540B, 0x540E):  # TCSBRK, TCXONC, TCFLSH, TIOCSCTTY
        raise LinuxError(Errno.ENOTTY)
