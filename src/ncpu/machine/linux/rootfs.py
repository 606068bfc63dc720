"""Root file systems: a host folder or a tar archive as the guest's `/`.

The guest's tree stays one file system in memory.  What comes from below is looked at when it is
first needed, a folder's names when it is entered, a file's content when it is read, and is
copied into memory when it is first changed: nothing is ever written below.  The layer below is
host material; `archive` reads the hostile kind.
"""

from __future__ import annotations

import os
import stat as host_stat
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from ncpu.machine.errors import RootError
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.directories import Directory
from ncpu.machine.linux.host_calls import to_errno
from ncpu.machine.linux.inodes import File, FileSystem, Node, Symlink

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
Parts = tuple[bytes, ...]


class Content(Protocol):
    """Bytes below, read and never written."""

    @property
    def size(self) -> int:
        """Length in bytes."""
        ...

    def read(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset`; LinuxError where they cannot be had."""
        ...


class Below(Protocol):
    """A folder below, read and never written."""

    @property
    def links(self) -> Links:
        """The files of several names of the whole layer."""
        ...

    def entries(self) -> list[Entry]:
        """What is in it, by name; LinuxError where that cannot be had."""
        ...


@dataclass(frozen=True)
class Entry:
    """What is below at a name: a folder, a link or a file.

    Attributes:
      mode: type and permissions.
      identity: of the file, whatever its names; `nlink` of them.
      times: of access, modification and change, in nanoseconds since 1970.
      target: of a link.
    """

    name: bytes
    mode: int
    nlink: int
    identity: tuple[int, int]
    times: tuple[int, int, int]
    target: bytes = b""
    content: Content | None = None
    folder: Below | None = None

    def node(self, fs: FileSystem, links: Links) -> Node:
        """A node of `fs` for it; the same one for another name of the same file."""
        if self.folder is not None:
            node = LayeredDirectory(fs, self.mode, self.folder)
            node.nlink = max(self.nlink, 1)
        elif (known := links.known.get(self.identity)) is not None:
            known.nlink += 1
            return known
        elif self.content is None:
            node = Symlink(fs, self.target)
        else:
            node = LayeredFile(fs, self.mode & 0o777, 0, 0, self.content)
        node.atime, node.mtime, node.ctime = self.times
        if self.nlink > 1 and self.folder is None:
            links.known[self.identity] = node
        return node


@dataclass(eq=False)
class Links:
    """Nodes of files with several names, by identity; gone with the last name the guest keeps."""

    known: weakref.WeakValueDictionary[tuple[int, int], Node] = field(
        default_factory=weakref.WeakValueDictionary
    )


class LayeredFile(File):
    """A regular file whose content is below until it is first changed."""

    def __init__(self, fs: FileSystem, mode: int, uid: int, gid: int, below: Content) -> None:
        super().__init__(fs, mode, uid, gid)
        self.below: Content | None = below

    @property
    def size(self) -> int:
        """Length in bytes."""
        return len(self.data) if self.below is None else self.below.size

    def read(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset`; fewer at the end."""
        if self.below is None:
            return super().read(offset, count)
        return self.below.read(offset, min(count, max(self.below.size - offset, 0)))

    def write(self, offset: int, data: bytes) -> int:
        """Store `data` at `offset`, zeros in any gap; the number of bytes stored."""
        self._copy_up(self.size)
        return super().write(offset, data)

    def truncate(self, size: int) -> None:
        """Make it `size` bytes long."""
        self._copy_up(min(size, self.size))
        super().truncate(size)

    def _copy_up(self, keep: int) -> None:
        """Bring the first `keep` bytes into memory."""
        if self.below is None:
            return
        self.fs.reserve(keep)
        try:
            data = bytearray(self.below.read(0, keep))
        except LinuxError:
            self.fs.reserve(-keep)
            raise
        self.fs.reserve(len(data) - keep)
        self.data, self.below = data, None


class LayeredDirectory(Directory):
    """A directory whose names come from below when it is first looked into."""

    def __init__(self, fs: FileSystem, mode: int, below: Below) -> None:
        self.below: Below | None = None
        super().__init__(fs, mode)
        self.below = below

    @property
    def children(self) -> dict[bytes, Node]:  # type: ignore[override]
        """Names to nodes."""
        if self.below is not None:
            entries, links = self.below.entries(), self.below.links
            self.below = None
            times = self.mtime, self.ctime
            self.nlink = 2
            for entry in entries:
                self.attach(entry.name, entry.node(self.fs, links))
            self.mtime, self.ctime = times
        return self._children

    @children.setter
    def children(self, value: dict[bytes, Node]) -> None:  # type: ignore[override]
        self._children = value


class HostTree:
    """A host folder that is only read.

    The host is asked about one name at a time, from the folder down, and follows no link: what
    links mean is the guest's affair.  No descriptor but the folder's own stays open.  Owners
    are shown as root: host identities are not the guest's.

    Raises:
      RootError: it cannot be opened.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            self._fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise RootError(f"{folder} cannot be a root: {error.strerror}") from error
        weakref.finalize(self, os.close, self._fd)
        self.links = Links()

    def root(self, fs: FileSystem) -> Directory:
        """The folder as a directory of `fs`."""
        node = self._entry((), os.fstat(self._fd), self._fd).node(fs, self.links)
        assert isinstance(node, Directory)
        return node

    def entries(self, parts: Parts) -> list[Entry]:
        """What is in the folder at `parts`."""
        found = []
        with self._open(parts) as fd:
            for name in sorted(map(os.fsencode, os.listdir(fd))):
                try:
                    status = os.stat(name, dir_fd=fd, follow_symlinks=False)
                except FileNotFoundError:
                    continue
                found.append(self._entry((*parts, name), status, fd))
        return found

    def _entry(self, parts: Parts, found: os.stat_result, fd: int) -> Entry:
        """What is at `parts`, in the folder open as `fd`."""
        target, content, folder = b"", None, None
        if host_stat.S_ISDIR(found.st_mode):
            folder = HostFolder(self, parts)
        elif host_stat.S_ISLNK(found.st_mode):
            target = os.readlink(parts[-1], dir_fd=fd)
        else:
            content = HostContent(self, parts, found)
        return Entry(
            name=parts[-1] if parts else b"",
            mode=found.st_mode,
            nlink=found.st_nlink,
            identity=(found.st_dev, found.st_ino),
            times=(found.st_atime_ns, found.st_mtime_ns, found.st_ctime_ns),
            target=target,
            content=content,
            folder=folder,
        )

    @contextmanager
    def _open(self, parts: Parts, flags: int = _DIRECTORY) -> Iterator[int]:
        """A descriptor of what lies at `parts`; host errors become the guest's."""
        fd = os.dup(self._fd)
        try:
            for index, part in enumerate(parts):
                here, last = fd, index == len(parts) - 1
                fd = os.open(part, flags if last else _DIRECTORY, dir_fd=here)
                os.close(here)
            yield fd
        except OSError as error:
            raise LinuxError(to_errno(error)) from None
        finally:
            os.close(fd)

    def read(self, parts: Parts, identity: tuple[int, int], offset: int, count: int) -> bytes:
        """Bytes of the regular file at `parts`; ENOENT where another has taken its name."""
        with self._open(parts, _FILE) as fd:
            found = os.fstat(fd)
            if (found.st_dev, found.st_ino) != identity:
                raise LinuxError(Errno.ENOENT)
            return os.pread(fd, count, offset)


@dataclass(frozen=True)
class HostFolder:
    """A folder of a host tree."""

    tree: HostTree
    parts: Parts

    @property
    def links(self) -> Links:
        """Those of the tree."""
        return self.tree.links

    def entries(self) -> list[Entry]:
        """What is in it."""
        return self.tree.entries(self.parts)


class HostContent:
    """A file of a host tree; what is no regular file (a socket, a device) stays closed."""

    def __init__(self, tree: HostTree, parts: Parts, found: os.stat_result) -> None:
        self.tree, self.parts = tree, parts
        self.identity = (found.st_dev, found.st_ino)
        self.regular = host_stat.S_ISREG(found.st_mode)
        self.size = found.st_size if self.regular else 0

    def read(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset`."""
        if not self.regular:
            raise LinuxError(Errno.EACCES)
        return self.tree.read(self.parts, self.identity, offset, count)
