"""Host folders mounted into the guest's tree, which the guest cannot leave.

The host is only ever asked about one name relative to an open directory, never about a
path: no `..`, no `/`, and no symbolic link is followed by the host (O_NOFOLLOW; links are
read and resolved as guest paths by `files`).  Only regular files and directories are
opened; devices, sockets and FIFOs of the host are visible but stay closed.
"""

from __future__ import annotations

import errno as host_errno
import os
import stat as host_stat
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from ncpu.machine.linux.abi import S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, Errno, LinuxError, Stat
from ncpu.machine.linux.inodes import Directory, File, FileSystem, Node, Symlink

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


def to_errno(error: OSError) -> Errno:
    """The guest's errno for a host failure; EIO where there is no counterpart."""
    name = host_errno.errorcode.get(error.errno or 0, "EIO")
    # The host's limit on open files is no limit of the guest's process.
    name = {"EMFILE": "ENFILE", "ENOTSUP": "EOPNOTSUPP"}.get(name, name)
    return Errno.__members__.get(name, Errno.EIO)


@contextmanager
def _host() -> Iterator[None]:
    """Host errors inside become the guest's."""
    try:
        yield
    except OSError as error:
        raise LinuxError(to_errno(error)) from None
    except (ValueError, OverflowError):
        raise LinuxError(Errno.EINVAL) from None


def _component(name: bytes) -> bytes:
    """`name`, certain to mean an entry of the directory it is used with."""
    if name in (b"", b".", b"..") or b"/" in name or b"\0" in name:
        raise LinuxError(Errno.EINVAL)
    return name


class _Hosted:
    """What host nodes share: where they are, and attributes from the host.

    Owners are shown as root and cannot be changed: host identities are not the guest's.
    """

    fs: FileSystem
    folder: HostDirectory
    name: bytes
    identity: tuple[int, int]

    def _place(self, folder: HostDirectory, name: bytes, found: os.stat_result) -> None:
        self.folder, self.name = folder, name
        self.identity = (found.st_dev, found.st_ino)
        self.nlink = found.st_nlink

    def _change(self) -> None:
        """EROFS on a read-only mount: every method that writes asks, whoever called it."""
        if self.fs.read_only:
            raise LinuxError(Errno.EROFS)

    def _status(self) -> os.stat_result:
        with _host():
            found = os.stat(self.name, dir_fd=self.folder.fd, follow_symlinks=False)
        if (found.st_dev, found.st_ino) != self.identity:
            raise LinuxError(Errno.ENOENT)  # another file took the name
        return found

    def stat(self) -> Stat:
        """Attributes from the host, owner root, device that of the mount."""
        s = self._status()
        return Stat(
            ino=s.st_ino,
            mode=s.st_mode,
            nlink=s.st_nlink,
            uid=0,
            gid=0,
            size=s.st_size,
            dev=self.fs.dev,
            atime=s.st_atime_ns,
            mtime=s.st_mtime_ns,
            ctime=s.st_ctime_ns,
        )

    def chown(self, uid: int, gid: int) -> None:
        """Accepted only where it changes nothing."""
        if uid not in (-1, 0) or gid not in (-1, 0):
            raise LinuxError(Errno.EPERM)


class HostFile(_Hosted, File):
    """A regular file of the host (or something that stays closed), opened when needed."""

    def __init__(self, folder: HostDirectory, name: bytes, found: os.stat_result) -> None:
        self.fs, self.ino = folder.fs, found.st_ino
        self.mode, self.uid, self.gid, self.rdev = found.st_mode, 0, 0, 0
        self._place(folder, name, found)
        self._fd: int | None = None

    def __del__(self) -> None:
        pass

    def open(self) -> int:
        """The host's descriptor, opened on first use; EACCES for anything but a file."""
        if self._fd is not None:
            return self._fd
        if not host_stat.S_ISREG(self._status().st_mode):
            raise LinuxError(Errno.EACCES)
        access = os.O_RDONLY if self.fs.read_only else os.O_RDWR
        with _host():
            try:
                fd = os.open(self.name, access | _FILE, dir_fd=self.folder.fd)
            except PermissionError:
                fd = os.open(self.name, os.O_RDONLY | _FILE, dir_fd=self.folder.fd)
        found = os.fstat(fd)
        if (found.st_dev, found.st_ino) != self.identity or not host_stat.S_ISREG(found.st_mode):
            os.close(fd)
            raise LinuxError(Errno.ENOENT)
        return self.adopt(fd)

    def adopt(self, fd: int) -> int:
        """Use a descriptor that is open already, and close it in the end."""
        self._fd = fd
        weakref.finalize(self, os.close, fd)
        return fd

    def _status(self) -> os.stat_result:
        # An open file stays itself when its name goes.
        return super()._status() if self._fd is None else os.fstat(self._fd)

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self._status().st_size

    def read(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset`."""
        with _host():
            return os.pread(self.open(), min(count, max(self.size - offset, 0)), offset)

    def write(self, offset: int, data: bytes) -> int:
        """Store `data` at `offset`; the number of bytes stored."""
        with _host():
            self._within_capacity(offset + len(data))
            return os.pwrite(self.open(), data, offset)

    def truncate(self, size: int) -> None:
        """Make it `size` bytes long."""
        with _host():
            self._within_capacity(size)
            os.ftruncate(self.open(), size)

    def _within_capacity(self, size: int) -> None:
        self._change()
        if size > self.fs.capacity:
            raise LinuxError(Errno.EFBIG)

    def chmod(self, mode: int) -> None:
        """Permission bits only: no set-id program comes into being on the host."""
        self._change()
        with _host():
            os.fchmod(self.open(), mode & 0o777)

    def utimes(self, atime: int | None, mtime: int | None) -> None:
        """Set access and modification time; None keeps."""
        self._change()
        s = self._status()
        times = (
            s.st_atime_ns if atime is None else atime,
            s.st_mtime_ns if mtime is None else mtime,
        )
        with _host():
            os.utime(self.open(), ns=times)

    def sync(self) -> None:
        """fsync on the host."""
        if self._fd is not None:
            with _host():
                os.fsync(self._fd)


class HostSymlink(_Hosted, Symlink):
    """A symbolic link of the host; its target is read as a guest path."""

    def __init__(self, folder: HostDirectory, name: bytes, found: os.stat_result) -> None:
        self.fs, self.ino = folder.fs, found.st_ino
        self.mode, self.uid, self.gid, self.rdev = S_IFLNK | 0o777, 0, 0, 0
        self._place(folder, name, found)
        with _host():
            self.target = os.readlink(name, dir_fd=folder.fd)

    def __del__(self) -> None:
        pass

    def utimes(self, atime: int | None, mtime: int | None) -> None:
        """Not offered for links."""
        raise LinuxError(Errno.EOPNOTSUPP)


class HostDirectory(_Hosted, Directory):
    """A directory of the host, held open; `parent` is the guest's parent."""

    def __init__(self, fs: FileSystem, fd: int, parent: Directory, name: bytes) -> None:
        found = os.fstat(fd)
        self.fs, self.fd, self.ino = fs, fd, found.st_ino
        self.mode, self.uid, self.gid, self.rdev = found.st_mode, 0, 0, 0
        self.parent, self.name = parent, name
        self.children, self.mounts = {}, {}
        self.identity = (found.st_dev, found.st_ino)
        self.nlink = max(found.st_nlink, 1)  # some host file systems count 1
        self.known: weakref.WeakValueDictionary[tuple[int, int], HostDirectory]
        self.known = weakref.WeakValueDictionary()
        weakref.finalize(self, os.close, fd)

    def __del__(self) -> None:
        pass

    def _status(self) -> os.stat_result:
        return os.fstat(self.fd)

    @property
    def size(self) -> int:
        """As the host says."""
        return self._status().st_size

    def lookup(self, name: bytes) -> Node | None:
        """The node of that name, None where there is none."""
        if name in self.mounts:
            return self.mounts[name]
        try:
            found = os.stat(_component(name), dir_fd=self.fd, follow_symlinks=False)
            kind = found.st_mode & S_IFMT
            if kind == S_IFDIR:
                return self._subdirectory(name, found)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LinuxError(to_errno(error)) from None
        return (HostSymlink if kind == S_IFLNK else HostFile)(self, name, found)

    def _subdirectory(self, name: bytes, found: os.stat_result) -> HostDirectory:
        key = (found.st_dev, found.st_ino)
        node = self.known.get(key)
        if node is None or node.deleted or node.name != name:
            fd = os.open(name, _DIRECTORY, dir_fd=self.fd)
            node = HostDirectory(self.fs, fd, self, name)
            self.known[node.identity] = node
        return node

    def entries(self) -> list[tuple[bytes, int, int]]:
        """(name, inode number, S_IFMT bits), in name order."""
        with _host(), os.scandir(self.fd) as listing:
            rows = []
            for item in listing:
                kind = S_IFLNK if item.is_symlink() else 0
                kind = kind or (S_IFDIR if item.is_dir(follow_symlinks=False) else S_IFREG)
                rows.append((os.fsencode(item.name), item.inode(), kind))
            rows += [(name, node.ino, S_IFDIR) for name, node in self.mounts.items()]
            return sorted({row[0]: row for row in rows}.values())

    def create(self, name: bytes, mode: int, uid: int, gid: int) -> Node:
        """A new empty file."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _FILE
        self._change()
        with _host():
            fd = os.open(_component(name), flags, mode & 0o777, dir_fd=self.fd)
            os.fchmod(fd, mode & 0o777)  # the host's umask is not the guest's
        node = self.lookup(name)
        if not isinstance(node, HostFile):
            os.close(fd)
            raise LinuxError(Errno.EIO)
        node.adopt(fd)  # open for writing whatever its mode
        return node

    def mkdir(self, name: bytes, mode: int, uid: int, gid: int) -> Directory:
        """A new empty directory."""
        self._change()
        with _host():
            os.mkdir(_component(name), 0o700, dir_fd=self.fd)
        node = self.lookup(name)
        if not isinstance(node, Directory):
            raise LinuxError(Errno.EIO)
        node.chmod(mode)
        return node

    def symlink(self, name: bytes, target: bytes, uid: int, gid: int) -> None:
        """A new symbolic link; nothing here ever lets the host follow it."""
        self._change()
        with _host():
            os.symlink(target, _component(name), dir_fd=self.fd)

    def mkfifo(self, name: bytes, mode: int, uid: int, gid: int) -> None:
        """Not on the host."""
        raise LinuxError(Errno.EPERM)

    def link(self, name: bytes, node: Node) -> None:
        """Another name for a file of the same mount."""
        if not isinstance(node, HostFile | HostSymlink):
            raise LinuxError(Errno.EXDEV)
        self._change()
        with _host():
            os.link(
                _component(node.name),
                _component(name),
                src_dir_fd=node.folder.fd,
                dst_dir_fd=self.fd,
                follow_symlinks=False,
            )

    def unlink(self, name: bytes) -> None:
        """Remove a name that is no directory's."""
        self._change()
        with _host():
            os.unlink(_component(name), dir_fd=self.fd)

    def rmdir(self, name: bytes) -> None:
        """Remove an empty directory."""
        self._change()
        node = self.lookup(name)
        with _host():
            os.rmdir(_component(name), dir_fd=self.fd)
        if isinstance(node, HostDirectory):
            node.nlink = 0

    def rename(self, name: bytes, target: Directory, new: bytes) -> None:
        """Move an entry within the mount, replacing what is there."""
        if not isinstance(target, HostDirectory):
            raise LinuxError(Errno.EXDEV)
        self._change()
        node = self.lookup(name)
        with _host():
            os.rename(_component(name), _component(new), src_dir_fd=self.fd, dst_dir_fd=target.fd)
        if isinstance(node, HostDirectory):
            self.known.pop(node.identity, None)
            target.known[node.identity] = node
            node.parent, node.name = target, new

    def exchange(self, name: bytes, target: Directory, new: bytes) -> None:
        """Not offered by the host interface."""
        raise LinuxError(Errno.EINVAL)

    def chmod(self, mode: int) -> None:
        """Permission bits only."""
        self._change()
        with _host():
            os.fchmod(self.fd, mode & 0o777)

    def utimes(self, atime: int | None, mtime: int | None) -> None:
        """Set access and modification time; None keeps."""
        self._change()
        s = self._status()
        times = (
            s.st_atime_ns if atime is None else atime,
            s.st_mtime_ns if mtime is None else mtime,
        )
        with _host():
            os.utime(self.fd, ns=times)


def mount(
    fs: FileSystem, folder: str | os.PathLike[str], parent: Directory, name: bytes
) -> HostDirectory:
    """The host's `folder` as a directory `name` of `parent`; OSError where it cannot be read."""
    # The folder itself is the caller's choice: only here may the host follow links.
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    node = HostDirectory(fs, fd, parent, name)
    node.covered = True
    return node
