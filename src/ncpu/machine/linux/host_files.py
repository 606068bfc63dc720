"""Files and symbolic links of the host, as nodes of the guest's tree (see `hostfs`)."""

from __future__ import annotations

import os
import stat as host_stat
import weakref
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from ncpu.machine.linux.abi import S_IFLNK, Errno, LinuxError, Stat
from ncpu.machine.linux.host_calls import FILE_FLAGS, host_errors
from ncpu.machine.linux.inodes import File, FileSystem, Symlink

if TYPE_CHECKING:
    from ncpu.machine.linux.hostfs import HostDirectory


class Hosted:
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
        with host_errors():
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


class Opened(Hosted, ABC):
    """A node that is changed through a descriptor of the host."""

    @abstractmethod
    def open(self) -> int:
        """The host's descriptor."""

    def chmod(self, mode: int) -> None:
        """Permission bits only: no set-id program comes into being on the host."""
        self._change()
        with host_errors():
            os.fchmod(self.open(), mode & 0o777)

    def utimes(self, atime: int | None, mtime: int | None) -> None:
        """Set access and modification time; None keeps."""
        self._change()
        s = self._status()
        times = (
            s.st_atime_ns if atime is None else atime,
            s.st_mtime_ns if mtime is None else mtime,
        )
        with host_errors():
            os.utime(self.open(), ns=times)


class HostFile(Opened, File):
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
        with host_errors():
            try:
                fd = os.open(self.name, access | FILE_FLAGS, dir_fd=self.folder.fd)
            except PermissionError:
                fd = os.open(self.name, os.O_RDONLY | FILE_FLAGS, dir_fd=self.folder.fd)
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
        with host_errors():
            return os.pread(self.open(), min(count, max(self.size - offset, 0)), offset)

    def write(self, offset: int, data: bytes) -> int:
        """Store `data` at `offset`; the number of bytes stored."""
        with host_errors():
            self._within_capacity(offset + len(data))
            return os.pwrite(self.open(), data, offset)

    def truncate(self, size: int) -> None:
        """Make it `size` bytes long."""
        with host_errors():
            self._within_capacity(size)
            os.ftruncate(self.open(), size)

    def _within_capacity(self, size: int) -> None:
        self._change()
        if size > self.fs.capacity:
            raise LinuxError(Errno.EFBIG)

    def sync(self) -> None:
        """fsync on the host."""
        if self._fd is not None:
            with host_errors():
                os.fsync(self._fd)


class HostSymlink(Hosted, Symlink):
    """A symbolic link of the host; its target is read as a guest path."""

    def __init__(self, folder: HostDirectory, name: bytes, found: os.stat_result) -> None:
        self.fs, self.ino = folder.fs, found.st_ino
        self.mode, self.uid, self.gid, self.rdev = S_IFLNK | 0o777, 0, 0, 0
        self._place(folder, name, found)
        with host_errors():
            self.target = os.readlink(name, dir_fd=folder.fd)

    def __del__(self) -> None:
        pass

    def utimes(self, atime: int | None, mtime: int | None) -> None:
        """Not offered for links."""
        raise LinuxError(Errno.EOPNOTSUPP)
