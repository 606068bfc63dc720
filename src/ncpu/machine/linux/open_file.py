"""An open file, what a file descriptor refers to (an "open file description", open(2)).

It has status flags and an offset; descriptors made by dup and fork share it.
"""

from __future__ import annotations

from dataclasses import dataclass

from ncpu.machine.linux import abi
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.file_table import FileTable
from ncpu.machine.linux.inodes import Node

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


@dataclass
class Descriptor:
    """An entry of a process's table: the open file, and close-on-exec, which is its own."""

    file: OpenFile
    cloexec: bool = False
