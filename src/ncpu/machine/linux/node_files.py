"""Open regular files, directories and devices, and the opening of any node."""

from __future__ import annotations

import random

from ncpu.machine.linux import abi
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.console import Console
from ncpu.machine.linux.directories import Directory
from ncpu.machine.linux.inodes import ABSENT, Device, File, Node, Pipe
from ncpu.machine.linux.open_file import OpenFile
from ncpu.machine.linux.pipe_files import PipeOpen

RANDOM_LIMIT = (1 << 25) - 1  # the most one read of /dev/urandom gives (random(4))


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
