"""Open files: what a file descriptor refers to (an "open file description", open(2)).

An open file has status flags and an offset; descriptors made by dup and fork share it.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass

from ncpu.machine.linux import abi
from ncpu.machine.linux.abi import Errno, LinuxError, WouldBlock
from ncpu.machine.linux.console import Console
from ncpu.machine.linux.file_table import FileTable
from ncpu.machine.linux.inodes import ABSENT, Device, Directory, File, Node, Pipe

RANDOM_LIMIT = (1 << 25) - 1  # the most one read of /dev/urandom gives (random(4))
POLLIN, POLLOUT, POLLERR, POLLHUP = 1, 4, 8, 16


class OpenFile:
    """An open node that can be neither read nor written: O_PATH, and the base of the rest."""

    seekable = False
    terminal = False
    streams = False  # a blocking write goes on until everything is taken
    host = False  # what it waits for may come from outside the machine
    path = b""  # by which it was opened, absolute where that is known
    patience: int | None = None  # nanoseconds a read waits at most, None for ever
    activity = 0  # changes of what it holds, for edge-triggered epoll
    table: FileTable | None = None  # where it is counted while somebody refers to it

    def __init__(self, node: Node, flags: int) -> None:
        self.node = node
        self.flags = flags & ~(
            abi.O_CREAT | abi.O_EXCL | abi.O_NOCTTY | abi.O_TRUNC | abi.O_CLOEXEC
        )
        self.offset = 0
        self.users = 0  # descriptors that refer to it, and messages on their way

    @property
    def _access(self) -> int:
        """The access mode; 3, which Linux takes too, allows neither reading nor writing."""
        return self.flags & abi.O_ACCMODE

    @property
    def readable(self) -> bool:
        """Opened for reading."""
        return not self.flags & abi.O_PATH and self._access in (abi.O_RDONLY, abi.O_RDWR)

    @property
    def writable(self) -> bool:
        """Opened for writing."""
        return not self.flags & abi.O_PATH and self._access in (abi.O_WRONLY, abi.O_RDWR)

    def read(self, count: int) -> bytes:
        """Up to `count` bytes from the offset on, which advances."""
        raise LinuxError(Errno.EINVAL)

    def write(self, data: bytes) -> int:
        """Write at the offset, which advances; the number of bytes taken."""
        raise LinuxError(Errno.EINVAL)

    def pread(self, count: int, offset: int) -> bytes:
        """Up to `count` bytes from `offset`."""
        raise LinuxError(Errno.ESPIPE)

    def pwrite(self, data: bytes, offset: int) -> int:
        """Write at `offset`; the number of bytes taken."""
        raise LinuxError(Errno.ESPIPE)

    def seek(self, offset: int, whence: int) -> int:
        """lseek(2)."""
        raise LinuxError(Errno.ESPIPE)

    def poll(self) -> int:
        """The POLL bits that hold now."""
        return POLLIN | POLLOUT

    def available(self) -> int:
        """Bytes to read without waiting (FIONREAD); ENOTTY where that has no meaning."""
        raise LinuxError(Errno.ENOTTY)

    def hold(self, table: FileTable) -> None:
        """One more refers to it; ENFILE where it is the first, and there are too many."""
        if self.users == 0:
            table.require()
            table.count += 1
            self.table = table
        self.users += 1

    def share(self) -> None:
        """One more refers to what others refer to already."""
        self.users += 1

    def release(self) -> None:
        """One fewer refers to it; the last one takes its locks along."""
        self.users -= 1
        if self.users or self.table is None:
            return
        self.table.count -= 1
        held = self.node.fs.locks
        if held.records or held.whole:
            held.release(self.node.ino, self)
        self.closed()

    def closed(self) -> None:
        """The last descriptor is gone."""

    @property
    def blocking(self) -> bool:
        """Calls wait where they cannot go on."""
        return not self.flags & abi.O_NONBLOCK


class RegularOpen(OpenFile):
    """An open regular file."""

    node: File
    seekable = True

    def read(self, count: int) -> bytes:
        """Up to `count` bytes from the offset on."""
        data = self.node.read(self.offset, count)
        self.offset += len(data)
        return data

    def write(self, data: bytes) -> int:
        """Write at the offset, at the end with O_APPEND."""
        if self.flags & abi.O_APPEND:
            self.offset = self.node.size
        done = self.node.write(self.offset, data)
        self.offset += done
        return done

    def pread(self, count: int, offset: int) -> bytes:
        """Up to `count` bytes from `offset`."""
        return self.node.read(offset, count)

    def pwrite(self, data: bytes, offset: int) -> int:
        """Write at `offset`; Linux appends all the same with O_APPEND (pwrite(2), BUGS)."""
        return self.node.write(self.node.size if self.flags & abi.O_APPEND else offset, data)

    def seek(self, offset: int, whence: int) -> int:
        """lseek(2); files have no holes, so SEEK_DATA stays and SEEK_HOLE is the end."""
        size = self.node.size
        if whence in (3, 4) and not 0 <= offset < size:
            raise LinuxError(Errno.ENXIO)
        starts = {0: 0, 1: self.offset, 2: size, 3: 0, 4: size - offset}
        if whence not in starts or starts[whence] + offset < 0:
            raise LinuxError(Errno.EINVAL)
        if starts[whence] + offset > abi.MAX_FILE:
            raise LinuxError(Errno.EOVERFLOW)
        self.offset = starts[whence] + offset
        return self.offset

    def available(self) -> int:
        """Bytes from the offset to the end."""
        return max(self.node.size - self.offset, 0)


class DirectoryOpen(OpenFile):
    """An open directory; its listing is taken when reading starts at 0."""

    node: Directory

    def __init__(self, node: Node, flags: int) -> None:
        super().__init__(node, flags)
        self.listing: list[tuple[bytes, int, int]] = []

    def read(self, count: int) -> bytes:
        """EISDIR, as for all directories."""
        raise LinuxError(Errno.EISDIR)

    def entries(self, room: int) -> bytes:
        """linux_dirent64 records from the offset on, in at most `room` bytes.

        EINVAL where not even one fits; empty at the end.
        """
        if self.offset == 0:
            if self.node.deleted:
                raise LinuxError(Errno.ENOENT)
            dots = [
                (b".", self.node.ino, abi.S_IFDIR),
                (b"..", self.node.parent.ino, abi.S_IFDIR),
            ]
            self.listing = dots + self.node.entries()
        out = b""
        while self.offset < len(self.listing):
            name, ino, kind = self.listing[self.offset]
            record = abi.dirent64(ino, self.offset + 1, kind, name)
            if len(out) + len(record) > room:
                if not out:
                    raise LinuxError(Errno.EINVAL)
                break
            out += record
            self.offset += 1
        return out

    def seek(self, offset: int, whence: int) -> int:
        """To a position that getdents gave out."""
        offset += self.offset if whence == 1 else 0
        if whence not in (0, 1) or offset < 0:
            raise LinuxError(Errno.EINVAL)
        self.offset = offset
        return offset


class DeviceOpen(OpenFile):
    """/dev/null, zero, full, random and urandom."""

    node: Device

    def __init__(self, node: Node, flags: int, generator: random.Random) -> None:
        super().__init__(node, flags)
        self.generator = generator

    def read(self, count: int) -> bytes:
        """Nothing, zeros or random bytes."""
        driver = self.node.driver
        if driver == "null":
            return b""
        if driver.endswith("random"):
            return self.generator.randbytes(min(count, RANDOM_LIMIT))
        return bytes(count)

    def write(self, data: bytes) -> int:
        """Swallowed; ENOSPC on /dev/full."""
        if self.node.driver == "full":
            raise LinuxError(Errno.ENOSPC)
        return len(data)

    def pread(self, count: int, offset: int) -> bytes:
        """As `read`."""
        return self.read(count)

    def pwrite(self, data: bytes, offset: int) -> int:
        """As `write`."""
        return self.write(data)

    def seek(self, offset: int, whence: int) -> int:
        """Always at 0."""
        return 0


class ConsoleOpen(OpenFile):
    """A standard stream or /dev/tty."""

    def __init__(self, node: Node, flags: int, console: Console, number: int) -> None:
        super().__init__(node, flags)
        self.console = console
        self.number = number  # the stream written to

    @property
    def terminal(self) -> bool:  # type: ignore[override]
        """Whether the guest sees a terminal."""
        return self.console.isatty

    def read(self, count: int) -> bytes:
        """Input of the console."""
        return self.console.read(count)

    def write(self, data: bytes) -> int:
        """Output of the console."""
        return self.console.write(self.number, data)

    def available(self) -> int:
        """Unknown before reading: 0."""
        return 0


class PipeOpen(OpenFile):
    """One end of a pipe."""

    node: Pipe
    streams = True

    def __init__(self, node: Node, flags: int) -> None:
        super().__init__(node, flags)
        self.node.readers += self.readable
        self.node.writers += self.writable
        self.node.opened[0] += self.readable
        self.node.opened[1] += self.writable

    @property
    def activity(self) -> int:  # type: ignore[override]
        """Changes of the pipe."""
        return self.node.activity

    def read(self, count: int) -> bytes:
        """What is there; WouldBlock when empty, the end when no writer is left."""
        buffer = self.node.buffer
        if not buffer and count and self.node.writers:
            raise WouldBlock
        data = bytes(buffer[:count])
        del buffer[:count]
        self.node.activity += 1
        return data

    def write(self, data: bytes) -> int:
        """As much as fits, at least up to PIPE_BUF in one piece; EPIPE without a reader."""
        if not self.node.readers:
            raise LinuxError(Errno.EPIPE)
        room = Pipe.CAPACITY - len(self.node.buffer)
        if data and (room == 0 or (len(data) <= abi.PIPE_BUF and len(data) > room)):
            raise WouldBlock
        self.node.buffer += data[:room]
        self.node.activity += 1
        return min(len(data), room)

    def poll(self) -> int:
        """Readable when it holds bytes, writable when PIPE_BUF bytes fit."""
        bits = 0
        if self.readable:
            bits |= (POLLIN if self.node.buffer else 0) | (0 if self.node.writers else POLLHUP)
        if self.writable:
            bits |= POLLOUT if Pipe.CAPACITY - len(self.node.buffer) >= abi.PIPE_BUF else 0
            bits |= 0 if self.node.readers else POLLERR
        return bits

    def available(self) -> int:
        """Bytes in the pipe."""
        return len(self.node.buffer)

    def closed(self) -> None:
        """One end fewer."""
        self.node.activity += 1
        self.node.readers -= self.readable
        self.node.writers -= self.writable


class EventOpen(OpenFile):
    """An eventfd(2) counter."""

    streams = True

    def __init__(self, node: Node, flags: int, value: int, semaphore: bool) -> None:
        super().__init__(node, flags | abi.O_RDWR)
        self.value = value
        self.semaphore = semaphore

    def read(self, count: int) -> bytes:
        """The counter, which falls to zero (by one for a semaphore)."""
        if count < 8:
            raise LinuxError(Errno.EINVAL)
        if self.value == 0:
            raise WouldBlock
        taken = 1 if self.semaphore else self.value
        self.value -= taken
        self.activity += 1
        return struct.pack("<Q", taken)

    def write(self, data: bytes) -> int:
        """Add to the counter."""
        if len(data) < 8:
            raise LinuxError(Errno.EINVAL)
        amount = int.from_bytes(data[:8], "little")
        if amount == (1 << 64) - 1:
            raise LinuxError(Errno.EINVAL)
        if self.value + amount >= (1 << 64) - 1:
            raise WouldBlock
        self.value += amount
        self.activity += 1
        return 8

    def poll(self) -> int:
        """Readable when positive."""
        return (POLLIN if self.value else 0) | (POLLOUT if self.value < (1 << 64) - 2 else 0)


@dataclass
class Descriptor:
    """An entry of a process's table: the open file, and close-on-exec, which is its own."""

    file: OpenFile
    cloexec: bool = False


def open_node(node: Node, flags: int, *, console: Console, generator: random.Random) -> OpenFile:
    """The open file for a node; ENXIO for one that cannot be opened."""
    if flags & abi.O_PATH:
        return OpenFile(node, flags)
    if isinstance(node, File):
        # A host file is opened now, so that failing to shows in open and not in read.
        getattr(node, "open", lambda: None)()
        return RegularOpen(node, flags)
    if isinstance(node, Directory):
        return DirectoryOpen(node, flags)
    if isinstance(node, Pipe):
        return PipeOpen(node, flags)
    if isinstance(node, Device):
        absent = node.driver == ABSENT or node.driver == "console"
        if absent or (node.driver == "tty" and not console.isatty):
            raise LinuxError(Errno.ENXIO)
        if node.driver in _STREAMS:
            return ConsoleOpen(node, flags, console, _STREAMS[node.driver])
        return DeviceOpen(node, flags, generator)
    raise LinuxError(Errno.ENXIO)


_STREAMS = {"stdin": 1, "tty": 1, "stdout": 1, "stderr": 2}
