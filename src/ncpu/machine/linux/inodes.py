"""In-memory files: the nodes of a tmpfs-like file system and its accounting.

A node stores; how names lead to nodes is in `directories` and `paths`, who may do what in `names`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ncpu.machine.linux.abi import (
    MAX_FILE,
    S_IFCHR,
    S_IFIFO,
    S_IFLNK,
    S_IFMT,
    S_IFREG,
    Errno,
    LinuxError,
    Stat,
)
from ncpu.machine.linux.locks import Locks

TMPFS_MAGIC = 0x01021994
ABSENT = "absent"  # the driver of a device that this machine does not have


@dataclass
class FileSystem:
    """What the nodes of one file system share.

    Attributes:
      dev: device number shown by stat.
      clock: the time for stamps, nanoseconds since 1970.
      capacity: most bytes its files hold together (guests are hostile: host memory is not
        theirs to fill).
      max_nodes: most files.
    """

    dev: int
    clock: Callable[[], int]
    capacity: int = 1 << 30
    max_nodes: int = 1 << 20
    read_only: bool = False
    magic: int = TMPFS_MAGIC
    used: int = 0
    nodes: int = 0
    locks: Locks = field(default_factory=Locks, repr=False)
    _next: int = field(default=1, repr=False)

    def number(self) -> int:
        """A fresh inode number; ENOSPC when there are `max_nodes` files."""
        if self.nodes >= self.max_nodes:
            raise LinuxError(Errno.ENOSPC)
        self.nodes += 1
        self._next += 1
        return self._next - 1

    def reserve(self, size: int) -> None:
        """Account for `size` more bytes (fewer when negative); ENOSPC when full."""
        if self.used + size > self.capacity:
            raise LinuxError(Errno.ENOSPC)
        self.used += size


class Node:
    """Anything a path can name: type and mode, owner, links, times."""

    kind = 0

    def __init__(self, fs: FileSystem, mode: int, uid: int = 0, gid: int = 0) -> None:
        self.fs = fs
        self.ino = fs.number()
        self.mode = self.kind | mode & 0o7777
        self.uid, self.gid = uid, gid
        self.nlink = 1
        self.rdev = 0
        self.atime = self.mtime = self.ctime = fs.clock()

    def __del__(self) -> None:
        if hasattr(self, "ino"):
            self.fs.nodes -= 1

    def stat(self) -> Stat:
        """Type, mode, owner, size and times as stat(2) reports them."""
        return Stat(
            ino=self.ino,
            mode=self.mode,
            nlink=self.nlink,
            uid=self.uid,
            gid=self.gid,
            size=self.size,
            dev=self.fs.dev,
            rdev=self.rdev,
            atime=self.atime,
            mtime=self.mtime,
            ctime=self.ctime,
        )

    @property
    def size(self) -> int:
        """Length in bytes."""
        return 0

    def chmod(self, mode: int) -> None:
        """Set the twelve permission bits."""
        self.mode = self.mode & S_IFMT | mode & 0o7777
        self.ctime = self.fs.clock()

    def chown(self, uid: int, gid: int) -> None:
        """Set the owner; -1 keeps."""
        self.uid = self.uid if uid == -1 else uid
        self.gid = self.gid if gid == -1 else gid
        self.ctime = self.fs.clock()

    def utimes(self, atime: int | None, mtime: int | None) -> None:
        """Set access and modification time; None keeps."""
        self.atime = self.atime if atime is None else atime
        self.mtime = self.mtime if mtime is None else mtime
        self.ctime = self.fs.clock()

    def sync(self) -> None:
        """Make it durable: nothing to do in memory."""


class File(Node):
    """A regular file."""

    kind = S_IFREG

    def __init__(self, fs: FileSystem, mode: int, uid: int = 0, gid: int = 0) -> None:
        super().__init__(fs, mode, uid, gid)
        self.data = bytearray()

    def __del__(self) -> None:
        if hasattr(self, "data"):
            self.fs.reserve(-len(self.data))
        super().__del__()

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self.data)

    def read(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset`; fewer at the end."""
        self.atime = self.fs.clock()
        return bytes(self.data[offset : offset + count])

    def write(self, offset: int, data: bytes) -> int:
        """Store `data` at `offset`, zeros in any gap; the number of bytes stored."""
        if not data:
            return 0
        end = offset + len(data)
        if end > MAX_FILE:
            raise LinuxError(Errno.EFBIG)
        if end > len(self.data):
            self.truncate(end)
        self.data[offset:end] = data
        self.mtime = self.ctime = self.fs.clock()
        return len(data)

    def truncate(self, size: int) -> None:
        """Make it `size` bytes long."""
        self.fs.reserve(size - len(self.data))
        if size < len(self.data):
            del self.data[size:]
        else:
            self.data.extend(bytes(size - len(self.data)))
        self.mtime = self.ctime = self.fs.clock()


class Symlink(Node):
    """A symbolic link; its target is a guest path.

    `direct` is the node it leads to whatever the path says, for those of /proc/[pid]/fd.
    """

    kind = S_IFLNK
    direct: Node | None = None

    def __init__(
        self,
        fs: FileSystem,
        target: bytes,
        uid: int = 0,
        gid: int = 0,
        direct: Node | None = None,
    ) -> None:
        super().__init__(fs, 0o777, uid, gid)
        self.target = target
        self.direct = direct

    @property
    def size(self) -> int:
        """Length of the target."""
        return len(self.target)


class Device(Node):
    """A character device; `driver` names what opening it gives (see `node_files`)."""

    kind = S_IFCHR

    def __init__(self, fs: FileSystem, driver: str, rdev: int, mode: int = 0o666) -> None:
        super().__init__(fs, mode)
        self.driver = driver
        self.rdev = rdev


class Pipe(Node):
    """A pipe or FIFO: a bounded buffer and the number of its open ends."""

    kind = S_IFIFO
    CAPACITY = 65536

    def __init__(self, fs: FileSystem, mode: int = 0o600, uid: int = 0, gid: int = 0) -> None:
        super().__init__(fs, mode, uid, gid)
        self.buffer = bytearray()
        self.readers = self.writers = 0
        self.opened = [0, 0]  # how often it has been opened to read, to write
        self.activity = 0  # changes of what it holds
