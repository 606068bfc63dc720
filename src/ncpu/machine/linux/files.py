"""The guest's file tree: where it starts from, what is mounted in it, and the host's side of it."""

from __future__ import annotations

import os
from collections.abc import Callable

from ncpu.machine.errors import RootError
from ncpu.machine.linux import abi, archive, hostfs, rootfs
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.clock import EPOCH
from ncpu.machine.linux.devices import DEVICES
from ncpu.machine.linux.directories import Directory
from ncpu.machine.linux.inodes import Device, File, FileSystem, Node
from ncpu.machine.linux.names import Names


class Files(Names):
    """A tree of files, memory and mounted host folders.

    Args:
      clock: time for stamps, nanoseconds since 1970; fixed at the epoch when left out
        (a `Kernel` puts its own virtual clock in).
      capacity: most bytes that files in memory hold together.
      root: a host folder or a tar archive that is the tree at first; what is written to it
        stays in memory.  An empty tree when left out.

    Raises:
      RootError: `root` is neither, or an archive that is damaged or refused.
    """

    def __init__(
        self,
        clock: Callable[[], int] | None = None,
        capacity: int = 1 << 30,
        root: str | os.PathLike[str] | None = None,
    ) -> None:
        self.clock = clock or (lambda: EPOCH * abi.SECOND)
        self.fs = FileSystem(1, lambda: self.clock(), capacity)
        self.root = Directory(self.fs, 0o755)
        self._devices = 1
        if root is not None:
            self._start_from(root)
        # Ours, whatever a root has there.
        dev, proc = (Directory(self.fs, mode, parent=self.root) for mode in (0o755, 0o555))
        for name, node in ((b"dev", dev), (b"proc", proc)):
            node.name, node.covered = name, True
            self.root.mounts[name] = node
        if self.root.lookup(b"tmp") is None:
            self.root.mkdir(b"tmp", 0o1777, 0, 0)
        self.root.nlink += len(self.root.mounts.keys() - self.root.children.keys())
        for name, rdev in DEVICES.items():
            dev.attach(name.encode(), Device(self.fs, name, rdev))
        dev.mkdir(b"pts", 0o755, 0, 0)
        dev.symlink(b"fd", b"/proc/self/fd", 0, 0)

    def _start_from(self, root: str | os.PathLike[str]) -> None:
        if os.path.isdir(root):
            self.root = rootfs.HostTree(root).root(self.fs)
        elif os.path.isfile(root):
            archive.fill(self, root)
        else:
            raise RootError(f"{root} is no folder and no file: a root is a folder or tar archive")

    # -- from the host's side -------------------------------------------------------------

    def make_directory(self, path: bytes | str, mode: int = 0o755) -> Directory:
        """The directory at `path`, made with its parents where missing."""
        here = self.root
        for part in os.fsencode(path).split(b"/"):
            if not part:
                continue
            node = self.walk(here, part).node or here.mkdir(part, mode, 0, 0)
            if not isinstance(node, Directory):
                raise LinuxError(Errno.ENOTDIR)
            here = node
        return here

    def directory(self, path: bytes | str) -> Directory:
        """The directory at a path.

        Raises:
          RootError: there is none.
        """
        try:
            node = self.walk(self.root, os.fsencode(path)).existing()
        except LinuxError as error:
            raise RootError(f"{path!r}: {os.strerror(error.errno)} in the guest's tree") from None
        if not isinstance(node, Directory):
            raise RootError(f"{path!r} is no directory in the guest's tree")
        return node

    def add_file(self, path: bytes | str, data: bytes, mode: int = 0o644) -> Node:
        """A file with content, its parents made where missing, replacing one there."""
        folder, _, name = os.fsencode(path).rpartition(b"/")
        parent = self.make_directory(folder)
        node = parent.lookup(name) or parent.create(name, mode, 0, 0)
        if not isinstance(node, File):
            raise LinuxError(Errno.EEXIST)
        node.truncate(0)
        node.write(0, data)
        return node

    def add_symlink(self, path: bytes | str, target: bytes | str) -> None:
        """A symbolic link; its target is a guest path."""
        folder, _, name = os.fsencode(path).rpartition(b"/")
        self.make_directory(folder).symlink(name, os.fsencode(target), 0, 0)

    def read_file(self, path: bytes | str) -> bytes:
        """The content of a file; LinuxError where there is none."""
        node = self.walk(self.root, os.fsencode(path)).existing()
        if not isinstance(node, File):
            raise LinuxError(Errno.EISDIR)
        return node.read(0, node.size)

    def mount(
        self, path: bytes | str, folder: str | os.PathLike[str], *, writable: bool = False
    ) -> None:
        """Show a host folder at `path`, read-only unless said otherwise.

        The guest reaches what lies inside the folder and nothing else of the host.

        Raises:
          OSError: the folder cannot be opened.
          LinuxError: `path` cannot be a directory.
        """
        above, _, name = os.fsencode(path).rstrip(b"/").rpartition(b"/")
        self._devices += 1
        fs = FileSystem(self._devices, lambda: self.clock(), read_only=not writable)
        fs.capacity = 1 << 40
        if not name:
            old, self.root = self.root, hostfs.mount(fs, folder, self.root, b"")
            self.root.parent = self.root
            for node in old.mounts.values():
                node.parent = self.root
            self.root.mounts.update(old.mounts)
            return
        parent = self.make_directory(above)
        parent.mounts[name] = hostfs.mount(fs, folder, parent, name)
