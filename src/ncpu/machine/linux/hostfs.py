"""Host folders mounted into the guest's tree, which the guest cannot leave.

The host is only ever asked about one name relative to an open directory, never about a
path: no `..`, no `/`, and no symbolic link is followed by the host (O_NOFOLLOW; links are
read and resolved as guest paths by `paths`).  Only regular files and directories are
opened; devices, sockets and FIFOs of the host are visible but stay closed.
"""

from __future__ import annotations

import os
import weakref

from ncpu.machine.linux.abi import S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, Errno, LinuxError
from ncpu.machine.linux.directories import Directory
from ncpu.machine.linux.host_calls import FILE_FLAGS, component, host_errors, to_errno
from ncpu.machine.linux.host_files import HostFile, HostSymlink, Opened
from ncpu.machine.linux.inodes import FileSystem, Node

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class HostDirectory(Opened, Directory):
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

    def open(self) -> int:
        """The host's descriptor, open as long as the node lives."""
        return self.fd

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
            found = os.stat(component(name), dir_fd=self.fd, follow_symlinks=False)
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
        with host_errors(), os.scandir(self.fd) as listing:
            rows = []
            for item in listing:
                kind = S_IFLNK if item.is_symlink() else 0
                kind = kind or (S_IFDIR if item.is_dir(follow_symlinks=False) else S_IFREG)
                rows.append((os.fsencode(item.name), item.inode(), kind))
            rows += [(name, node.ino, S_IFDIR) for name, node in self.mounts.items()]
            return sorted({row[0]: row for row in rows}.values())

    def create(self, name: bytes, mode: int, uid: int, gid: int) -> Node:
        """A new empty file."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | FILE_FLAGS
        self._change()
        with host_errors():
            fd = os.open(component(name), flags, mode & 0o777, dir_fd=self.fd)
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
        with host_errors():
            os.mkdir(component(name), 0o700, dir_fd=self.fd)
        node = self.lookup(name)
        if not isinstance(node, Directory):
            raise LinuxError(Errno.EIO)
        node.chmod(mode)
        return node

    def symlink(self, name: bytes, target: bytes, uid: int, gid: int) -> None:
        """A new symbolic link; nothing here ever lets the host follow it."""
        self._change()
        with host_errors():
            os.symlink(target, component(name), dir_fd=self.fd)

    def mkfifo(self, name: bytes, mode: int, uid: int, gid: int) -> None:
        """Not on the host."""
        raise LinuxError(Errno.EPERM)

    def link(self, name: bytes, node: Node) -> None:
        """Another name for a file of the same mount."""
        if not isinstance(node, HostFile | HostSymlink):
            raise LinuxError(Errno.EXDEV)
        self._change()
        with host_errors():
            os.link(
                component(node.name),
                component(name),
                src_dir_fd=node.folder.fd,
                dst_dir_fd=self.fd,
                follow_symlinks=False,
            )

    def unlink(self, name: bytes) -> None:
        """Remove a name that is no directory's."""
        self._change()
        with host_errors():
            os.unlink(component(name), dir_fd=self.fd)

    def rmdir(self, name: bytes) -> None:
        """Remove an empty directory."""
        self._change()
        node = self.lookup(name)
        with host_errors():
            os.rmdir(component(name), dir_fd=self.fd)
        if isinstance(node, HostDirectory):
            node.nlink = 0

    def rename(self, name: bytes, target: Directory, new: bytes) -> None:
        """Move an entry within the mount, replacing what is there."""
        if not isinstance(target, HostDirectory):
            raise LinuxError(Errno.EXDEV)
        self._change()
        node = self.lookup(name)
        with host_errors():
            os.rename(component(name), component(new), src_dir_fd=self.fd, dst_dir_fd=target.fd)
        if isinstance(node, HostDirectory):
            self.known.pop(node.identity, None)
            target.known[node.identity] = node
            node.parent, node.name = target, new

    def exchange(self, name: bytes, target: Directory, new: bytes) -> None:
        """Not offered by the host interface."""
        raise LinuxError(Errno.EINVAL)


def mount(
    fs: FileSystem, folder: str | os.PathLike[str], parent: Directory, name: bytes
) -> HostDirectory:
    """The host's `folder` as a directory `name` of `parent`; OSError where it cannot be read."""
    # The folder itself is the caller's choice: only here may the host follow links.
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    node = HostDirectory(fs, fd, parent, name)
    node.covered = True
    return node
