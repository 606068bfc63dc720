"""Copying between descriptors: sendfile, copy_file_range."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux import abi, mappings, sys_io
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.node_files import RegularOpen
from ncpu.machine.linux.open_file import OpenFile
from ncpu.machine.linux.table import int64, syscall

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel


def _copy(source: OpenFile, target: OpenFile, at: int | None, to: int | None, count: int) -> int:
    """Bytes from one file to another; offsets of None are the files' own."""
    done = 0
    while done < count:
        size = min(count - done, 1 << 16)
        data = source.read(size) if at is None else source.pread(size, at + done)
        if not data:
            break
        try:
            took = target.write(data) if to is None else target.pwrite(data, to + done)
        except LinuxError:
            if not done:
                raise
            break
        done += took
        if took < len(data):
            break
    return done


def _position(k: Kernel, pointer: int) -> int | None:
    return sys_io.checked(int64(k.lane.unpack("Q", pointer)[0])) if pointer else None


@syscall("sendfile", "iiww")
def sendfile(k: Kernel, out: int, source: int, offset: int, count: int) -> int:
    """sendfile(2) from a regular file."""
    target, origin = sys_io.writable(k, out), sys_io.readable(k, source)
    if not isinstance(origin, RegularOpen) or target.flags & abi.O_APPEND:
        raise LinuxError(Errno.EINVAL)
    at = _position(k, offset)
    done = _copy(origin, target, at, None, min(count, abi.MAX_RW))
    if at is not None:
        k.lane.pack("Q", offset, at + done)
    mappings.after_write(k, target.node)
    return done


@syscall("copy_file_range", "iwiwwu")
def copy_file_range(
    k: Kernel, source: int, at: int, out: int, to: int, count: int, flags: int
) -> int:
    """copy_file_range(2) between regular files."""
    origin, target = sys_io.readable(k, source), sys_io.writable(k, out)
    both = isinstance(origin, RegularOpen) and isinstance(target, RegularOpen)
    if flags or not both:
        raise LinuxError(Errno.EINVAL)
    if target.flags & abi.O_APPEND:
        raise LinuxError(Errno.EBADF)
    first, second = _position(k, at), _position(k, to)
    begin = origin.offset if first is None else first
    where = target.offset if second is None else second
    count = min(count, abi.MAX_RW, max(origin.node.size - begin, 0))
    if origin.node is target.node and begin < where + count and where < begin + count:
        raise LinuxError(Errno.EINVAL)
    done = _copy(origin, target, first, second, count)
    for pointer, start in ((at, first), (to, second)):
        if start is not None:
            k.lane.pack("Q", pointer, start + done)
    mappings.after_write(k, target.node)
    return done
