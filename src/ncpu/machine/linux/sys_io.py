"""Reading, writing and positioning: read, write, their vector and offset forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from ncpu.machine.linux import abi, mappings, terminals
from ncpu.machine.linux.abi import Errno, LinuxError, Signal, WouldBlock
from ncpu.machine.linux.conditions import Partly, Polled
from ncpu.machine.linux.node_files import DirectoryOpen, RegularOpen
from ncpu.machine.linux.open_file import POLLERR, POLLHUP, POLLIN, POLLOUT, OpenFile
from ncpu.machine.linux.process import Wait
from ncpu.machine.linux.table import syscall
from ncpu.machine.state import READ, WRITE

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

JOIN = 1 << 20  # pieces of a vector are written together up to this size
Pieces = list[tuple[int, int]]


def readable(k: Kernel, fd: int) -> OpenFile:
    """The open file of a descriptor to read from; EBADF otherwise."""
    file = k.file(fd)
    if not file.readable:
        raise LinuxError(Errno.EBADF)
    if file.terminal:
        terminals.check_foreground(k, file, Signal.SIGTTIN)
    mappings.before_read(k, file.node)
    return file


def writable(k: Kernel, fd: int) -> OpenFile:
    """The open file of a descriptor to write to; EBADF otherwise."""
    file = k.file(fd)
    if not file.writable:
        raise LinuxError(Errno.EBADF)
    if isinstance(file, terminals.TerminalOpen) and file.tty.stops_writers:
        terminals.check_foreground(k, file, Signal.SIGTTOU)
    mappings.before_read(k, file.node)
    return file


def vector(k: Kernel, pointer: int, count: int) -> Pieces:
    """The (address, length) pieces of an iovec array, at most MAX_RW bytes in all."""
    if not 0 <= count <= abi.IOV_MAX:
        raise LinuxError(Errno.EINVAL)
    fields = k.lane.unpack(f"{2 * count}Q", pointer)
    pieces, total = [], 0
    for address, length in zip(fields[::2], fields[1::2], strict=True):
        if length >> 63:
            raise LinuxError(Errno.EINVAL)
        length = min(length, abi.MAX_RW - total)
        total += length
        pieces.append((address, length))
    return pieces


def await_input(k: Kernel, file: OpenFile, until: int | None = None) -> NoReturn:
    """Wait until the file can be read."""
    bits = POLLIN | POLLHUP | POLLERR
    k.block(Wait(Polled(file, bits), until, input=file.host))


def _fill(k: Kernel, file: OpenFile, pieces: Pieces, offset: int | None) -> int:
    """Read into the pieces, in order, until one is not filled."""
    done = 0
    try:
        for address, length in pieces:
            room = k.lane.extent(address, length, WRITE)
            if length and not room:
                raise LinuxError(Errno.EFAULT)
            if not length:
                continue
            data = file.read(room) if offset is None else file.pread(room, offset + done)
            k.lane.write(address, data)
            done += len(data)
            if len(data) < length:
                break
    except WouldBlock:
        if not done:
            if not file.blocking:
                raise
            until = k.deadline(file.patience)
            if not k.passed(until):
                await_input(k, file, until)
    except LinuxError:
        if not done:
            raise
    return done


def _drain(k: Kernel, file: OpenFile, pieces: Pieces, offset: int | None) -> int:
    """Write the pieces, in order, until one is not taken whole."""
    before = k.resumed.data if k.resumed is not None else 0
    done, pending, full = before, bytearray(), False

    def put() -> bool:
        nonlocal done, full
        data = bytes(pending)
        pending.clear()
        took = file.write(data) if offset is None else file.pwrite(data, offset + done)
        done += took
        full = took < len(data)
        return not full

    try:
        skip = before
        for address, length in pieces:
            passed = min(skip, length)
            skip -= passed
            address, length = address + passed, length - passed
            room = k.lane.extent(address, length, READ)
            if length and not room:
                if pending:
                    put()
                raise LinuxError(Errno.EFAULT)
            pending += k.lane.read(address, room)
            short = room < length
            if (len(pending) >= JOIN or short) and (not put() or short):
                break
        if pending or not done:
            put()
    except WouldBlock:
        full = True
        if not file.blocking and not done:
            raise
    except LinuxError as error:
        if error.errno == Errno.EPIPE:
            p = k.process
            info = abi.siginfo_kill(Signal.SIGPIPE, abi.SI_USER, p.pid, p.uids[0])
            k.send(p, Signal.SIGPIPE, info, k.thread)
        if not done:
            raise
    if full and file.blocking and file.streams:
        _await_room(k, file, done)
    mappings.after_write(k, file.node)
    return done


def _await_room(k: Kernel, file: OpenFile, done: int) -> NoReturn:
    """Wait until more can be written; `done` bytes have been, which a signal would report."""
    bits = POLLOUT | POLLHUP | POLLERR
    k.block(
        Wait(
            Polled(file, bits),
            input=file.host,
            interrupted=Partly(done) if done else None,
            data=done,
        )
    )


def checked(value: int) -> int:
    """A file offset; EINVAL when negative."""
    if value < 0:
        raise LinuxError(Errno.EINVAL)
    return value


@syscall("read", "iww")
def read(k: Kernel, fd: int, buffer: int, count: int) -> int:
    """read(2)."""
    file = readable(k, fd)
    if count >> 63:
        raise LinuxError(Errno.EINVAL)
    if count == 0:
        return len(file.read(0))
    return _fill(k, file, [(buffer, min(count, abi.MAX_RW))], None)


@syscall("write", "iww")
def write(k: Kernel, fd: int, buffer: int, count: int) -> int:
    """write(2)."""
    file = writable(k, fd)
    if count >> 63:
        raise LinuxError(Errno.EINVAL)
    return _drain(k, file, [(buffer, min(count, abi.MAX_RW))], None)


@syscall("pread64", "iwwl")
def pread64(k: Kernel, fd: int, buffer: int, count: int, offset: int) -> int:
    """pread(2)."""
    file = readable(k, fd)
    return _fill(k, file, [(buffer, min(count, abi.MAX_RW))], checked(offset))


@syscall("pwrite64", "iwwl")
def pwrite64(k: Kernel, fd: int, buffer: int, count: int, offset: int) -> int:
    """pwrite(2)."""
    file = writable(k, fd)
    return _drain(k, file, [(buffer, min(count, abi.MAX_RW))], checked(offset))


@syscall("readv", "iwl")
def readv(k: Kernel, fd: int, iov: int, count: int) -> int:
    """readv(2)."""
    file = readable(k, fd)
    return _fill(k, file, vector(k, iov, count), None)


@syscall("writev", "iwl")
def writev(k: Kernel, fd: int, iov: int, count: int) -> int:
    """writev(2)."""
    file = writable(k, fd)
    return _drain(k, file, vector(k, iov, count), None)


@syscall("preadv", "iwll")
def preadv(k: Kernel, fd: int, iov: int, count: int, offset: int) -> int:
    """preadv(2)."""
    file = readable(k, fd)
    return _fill(k, file, vector(k, iov, count), checked(offset))


@syscall("pwritev", "iwll")
def pwritev(k: Kernel, fd: int, iov: int, count: int, offset: int) -> int:
    """pwritev(2)."""
    file = writable(k, fd)
    return _drain(k, file, vector(k, iov, count), checked(offset))


@syscall("preadv2", "iwllwi")
def preadv2(k: Kernel, fd: int, iov: int, count: int, offset: int, _: int, flags: int) -> int:
    """preadv2(2); RWF_ flags are accepted as hints except RWF_NOWAIT and RWF_APPEND."""
    if flags & ~7:
        raise LinuxError(Errno.EOPNOTSUPP)
    file = readable(k, fd)
    return _fill(k, file, vector(k, iov, count), None if offset == -1 else checked(offset))


@syscall("pwritev2", "iwllwi")
def pwritev2(k: Kernel, fd: int, iov: int, count: int, offset: int, _: int, flags: int) -> int:
    """pwritev2(2), flags as for preadv2."""
    if flags & ~7:
        raise LinuxError(Errno.EOPNOTSUPP)
    file = writable(k, fd)
    return _drain(k, file, vector(k, iov, count), None if offset == -1 else checked(offset))


@syscall("lseek", "ili")
def lseek(k: Kernel, fd: int, offset: int, whence: int) -> int:
    """lseek(2)."""
    file = k.file(fd)
    if file.flags & abi.O_PATH:
        raise LinuxError(Errno.EBADF)
    if not 0 <= whence <= 4:
        raise LinuxError(Errno.EINVAL)
    return file.seek(offset, whence)


@syscall("getdents64", "iwu")
def getdents64(k: Kernel, fd: int, buffer: int, count: int) -> int:
    """getdents64(2)."""
    file = k.file(fd)
    if not isinstance(file, DirectoryOpen):
        raise LinuxError(Errno.ENOTDIR if not file.flags & abi.O_PATH else Errno.EBADF)
    before = file.offset
    records = file.entries(count)
    try:
        k.lane.write(buffer, records)
    except LinuxError:
        file.offset = before
        raise
    return len(records)


@syscall("fsync fdatasync", "i")
def fsync(k: Kernel, fd: int) -> int:
    """fsync(2); EINVAL on what holds no data."""
    file = k.file(fd)
    if file.flags & abi.O_PATH:
        raise LinuxError(Errno.EBADF)
    if not isinstance(file, RegularOpen | DirectoryOpen):
        raise LinuxError(Errno.EINVAL)
    mappings.before_read(k, file.node)
    file.node.sync()
    return 0


@syscall("syncfs", "i")
def syncfs(k: Kernel, fd: int) -> int:
    """syncfs(2)."""
    k.file(fd)
    return 0


@syscall("sync")
def sync(k: Kernel) -> int:
    """sync(2)."""
    mappings.write_back(k, k.space.maps)
    return 0
