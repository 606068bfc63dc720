"""Waiting for descriptors: ppoll, pselect6 and epoll."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from ncpu.machine.linux import abi, sys_signals
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.conditions import AnyPolled, AnySelected, Polled
from ncpu.machine.linux.epoll import EpollOpen
from ncpu.machine.linux.inodes import File
from ncpu.machine.linux.open_file import POLLERR, POLLHUP, POLLIN, POLLOUT
from ncpu.machine.linux.process import RLIMIT_NOFILE, Wait
from ncpu.machine.linux.sys_time import duration
from ncpu.machine.linux.table import syscall

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel


def _wait_for(
    k: Kernel, some: Callable[[], bool], limit: int | None, mask: tuple[int, int], *, host: bool
) -> None:
    """Wait until `some()`, `limit` nanoseconds at most, with a signal mask (pointer, size)."""
    if mask[0] and k.resumed is None:
        sys_signals.suspend_mask(k, *mask)
    until = k.deadline(limit)
    if some() or limit == 0 or k.passed(until):
        return
    k.block(Wait(some, until, restart=False, input=host))


@syscall("ppoll", "wuwww")
def ppoll(k: Kernel, fds: int, count: int, timeout: int, mask: int, size: int) -> int:
    """ppoll(2)."""
    if count > k.process.limits[RLIMIT_NOFILE][0]:
        raise LinuxError(Errno.EINVAL)
    limit = duration(k, timeout) if timeout else None
    rows = list(struct.iter_unpack("<ihh", k.lane.read(fds, 8 * count)))
    k.lane.require(fds, 8 * count, 2)
    known = k.process.fds
    some = AnyPolled(k.process, [(fd, wanted) for fd, wanted, _ in rows])
    host = any(row[0] in known and known[row[0]].file.host for row in rows)
    _wait_for(k, some, limit, (mask, size), host=host)
    found = some.look()
    table = zip(rows, found, strict=True)
    k.lane.write(fds, b"".join(struct.pack("<ihh", fd, want, got) for (fd, want, _), got in table))
    return sum(bits != 0 for bits in found)


@syscall("pselect6", "iwwwww")
def pselect6(
    k: Kernel, count: int, reads: int, writes: int, errors: int, timeout: int, mask: int
) -> int:
    """pselect6(2)."""
    if count < 0:
        raise LinuxError(Errno.EINVAL)
    limit = duration(k, timeout) if timeout else None
    count = min(count, k.process.limits[RLIMIT_NOFILE][0])
    length = -(-count // 64) * 8
    pointers: list[int] = []
    some = AnySelected([])
    for pointer, bits in ((reads, POLLIN | POLLHUP), (writes, POLLOUT | POLLERR), (errors, 0)):
        if pointer:
            wanted = int.from_bytes(k.lane.read(pointer, length), "little")
            files = [(fd, k.file(fd)) for fd in range(count) if wanted >> fd & 1]
            pointers.append(pointer)
            some.sets.append((bits, files))

    where = k.lane.unpack("QQ", mask) if mask else (0, 0)
    host = any(file.host for _, files in some.sets for _, file in files)
    _wait_for(k, some, limit, (where[0], where[1]), host=host)
    results = some.look()
    for pointer, bits in zip(pointers, results, strict=True):
        k.lane.write(pointer, bits.to_bytes(length, "little"))
    return sum(bits.bit_count() for bits in results)


@syscall("epoll_create1", "i")
def epoll_create1(k: Kernel, flags: int) -> int:
    """epoll_create(2)."""
    if flags & ~abi.O_CLOEXEC:
        raise LinuxError(Errno.EINVAL)
    file = EpollOpen(File(k.files.fs, 0o600), abi.O_RDWR)
    return k.process.install(file, cloexec=bool(flags))


def _epoll(k: Kernel, fd: int) -> EpollOpen:
    file = k.file(fd)
    if not isinstance(file, EpollOpen):
        raise LinuxError(Errno.EINVAL)
    return file


@syscall("epoll_ctl", "iiiw")
def epoll_ctl(k: Kernel, epfd: int, operation: int, fd: int, event: int) -> int:
    """epoll_ctl(2)."""
    file = k.file(fd)
    events, data = k.lane.unpack("I4xQ", event) if operation != 2 else (0, 0)
    _epoll(k, epfd).control(operation, fd, file, events, data)
    return 0


@syscall("epoll_pwait", "iwiiww")
def epoll_pwait(
    k: Kernel, epfd: int, events: int, room: int, timeout: int, mask: int, size: int
) -> int:
    """epoll_pwait(2); a timeout in milliseconds, negative for ever."""
    limit = None if timeout < 0 else timeout * 1_000_000
    return _epoll_wait(k, epfd, events, room, limit, (mask, size))


@syscall("epoll_pwait2", "iwiwww")
def epoll_pwait2(
    k: Kernel, epfd: int, events: int, room: int, timeout: int, mask: int, size: int
) -> int:
    """epoll_pwait2(2)."""
    limit = duration(k, timeout) if timeout else None
    return _epoll_wait(k, epfd, events, room, limit, (mask, size))


def _epoll_wait(
    k: Kernel, epfd: int, events: int, room: int, limit: int | None, mask: tuple[int, int]
) -> int:
    file = _epoll(k, epfd)
    if not 0 < room <= 1 << 26:
        raise LinuxError(Errno.EINVAL)
    _wait_for(k, Polled(file), limit, mask, host=file.host)
    k.lane.require(events, 16, 2)
    found = file.collect(min(room, 4096))
    k.lane.write(events, b"".join(struct.pack("<I4xQ", bits, data) for bits, data in found))
    return len(found)
