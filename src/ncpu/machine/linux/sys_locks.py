"""Locks by call: flock, and the lock commands of fcntl."""

from __future__ import annotations

import os
from collections.abc import Hashable
from typing import TYPE_CHECKING

from ncpu.machine.linux import locks
from ncpu.machine.linux.abi import Errno, LinuxError, WouldBlock
from ncpu.machine.linux.conditions import MayHold, NoConflict
from ncpu.machine.linux.locks import Record
from ncpu.machine.linux.open_file import OpenFile
from ncpu.machine.linux.process import Wait
from ncpu.machine.linux.table import syscall

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

GET, SET, SET_WAIT = (5, 36), (6, 37), (7, 38)
COMMANDS = (*GET, *SET, *SET_WAIT)
_OPEN_FILE = 36  # F_OFD_ commands start here


@syscall("flock", "ii")
def flock(k: Kernel, fd: int, operation: int) -> int:
    """flock(2)."""
    file = k.file(fd)
    kinds = {1: locks.READ, 2: locks.WRITE, 8: locks.UNLOCK}
    if operation & ~4 not in kinds:
        raise LinuxError(Errno.EINVAL)
    kind, held, ino = kinds[operation & ~4], file.node.fs.locks, file.node.ino
    if kind == locks.UNLOCK:
        held.release(ino, file)
        return 0
    if not held.may_hold(ino, file, kind):
        if operation & 4:
            raise WouldBlock
        k.block(Wait(MayHold(held, ino, file, kind)))
    held.hold(ino, file, kind)
    return 0


def record_lock(k: Kernel, file: OpenFile, command: int, pointer: int) -> int:
    """F_GETLK, F_SETLK, F_SETLKW and their forms for open files."""
    kind, whence, start, length, pid = k.lane.unpack("hh4xqqi4x", pointer)
    if kind not in (locks.READ, locks.WRITE, locks.UNLOCK) or whence not in (0, 1, 2):
        raise LinuxError(Errno.EINVAL)
    start += (0, file.offset, file.node.size)[whence]
    first, end = (start + length, start) if length < 0 else (start, start + length or locks.END)
    end = locks.END if length == 0 else end
    if first < 0 or end > locks.END:
        raise LinuxError(Errno.EINVAL if first < 0 else Errno.EOVERFLOW)
    own: Hashable = file if command >= _OPEN_FILE else k.process.pid
    if command >= _OPEN_FILE and pid:
        raise LinuxError(Errno.EINVAL)
    shown = -1 if command >= _OPEN_FILE else k.process.pid
    wanted = Record(own, shown, kind, first, end)
    held, ino = file.node.fs.locks, file.node.ino
    other = held.conflict(ino, wanted) if kind != locks.UNLOCK else None
    if command in GET:
        if other is None:
            k.lane.pack("h", pointer, locks.UNLOCK)
        else:
            size = 0 if other.end == locks.END else other.end - other.start
            k.lane.pack("hh4xqqi4x", pointer, other.kind, os.SEEK_SET, other.start, size, other.pid)
        return 0
    needs = {locks.READ: file.readable, locks.WRITE: file.writable}
    if not needs.get(kind, True):
        raise LinuxError(Errno.EBADF)
    if other is not None:
        if command not in SET_WAIT:
            raise WouldBlock
        k.block(Wait(NoConflict(held, ino, wanted)))
    held.set(ino, wanted)
    return 0
