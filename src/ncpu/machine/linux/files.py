"""The guest's file tree: paths to nodes, permissions, and the operations on names.

Paths are resolved here, component by component: `..` of a root is the root itself, links
are followed as guest paths wherever their text comes from, at most 40 of them.  See
path_resolution(7).
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ncpu.machine.errors import RootError
from ncpu.machine.linux import abi, archive, hostfs, rootfs
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.inodes import Device, Directory, File, FileSystem, Node, Symlink

MAX_LINKS = 40
R, W, X = 4, 2, 1
EPOCH = 1_700_000_000  # seconds since 1970 at which every virtual clock starts


@dataclass(frozen=True)
class Credentials:
    """Who asks; uid 0 may do everything but execute what nobody may."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()

    def may(self, node: Node, want: int) -> bool:
        """Whether the mode bits of `node` grant all of `want` (R | W | X)."""
        if self.uid == 0:
            return not want & X or isinstance(node, Directory) or bool(node.mode & 0o111)
        shift = 6 if node.uid == self.uid else 3 if node.gid in (self.gid, *self.groups) else 0
        return (node.mode >> shift) & want == want

    def require(self, node: Node, want: int) -> None:
        """EACCES unless granted."""
        if not self.may(node, want):
            raise LinuxError(Errno.EACCES)


ROOT = Credentials()


@dataclass(frozen=True)
class Found:
    """Where a path leads: `name` in `parent`, and the node there, None when missing.

    `name` is `.` or `..` for a path that ends so; `directory` when it ends in a slash.
    """

    parent: Directory
    name: bytes
    node: Node | None
    directory: bool

    def existing(self) -> Node:
        """The node; ENOENT when missing, ENOTDIR for `file/`."""
        if self.node is None:
            raise LinuxError(Errno.ENOENT)
        if self.directory and not isinstance(self.node, Directory):
            raise LinuxError(Errno.ENOTDIR)
        return self.node


class Files:
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

    # -- paths ------------------------------------------------------------------------------

    def walk(
        self,
        start: Directory,
        path: bytes,
        *,
        follow: bool = True,
        who: Credentials = ROOT,
    ) -> Found:
        """Resolve `path` from `start`, the last component too where it is a link and `follow`.

        Raises:
          LinuxError: ENOENT (empty, or a directory on the way is missing), ENOTDIR, EACCES,
            ELOOP, ENAMETOOLONG.
        """
        if not path:
            raise LinuxError(Errno.ENOENT)
        if len(path) >= abi.PATH_MAX:
            raise LinuxError(Errno.ENAMETOOLONG)
        here = self.root if path.startswith(b"/") else start
        pending = deque(part for part in path.split(b"/") if part)
        slash = path.endswith(b"/")
        name, links = b".", 0
        while pending:
            who.require(here, X)
            name = pending.popleft()
            if len(name) > abi.NAME_MAX:
                raise LinuxError(Errno.ENAMETOOLONG)
            if name in (b".", b".."):
                here = here.parent if name == b".." else here
                continue
            node = here.lookup(name)
            if node is None:
                if pending:
                    raise LinuxError(Errno.ENOENT)
                return Found(here, name, None, slash)
            if isinstance(node, Symlink) and node.direct and (pending or follow or slash):
                node = node.direct
            if isinstance(node, Symlink) and (pending or follow or slash):
                links += 1
                if links > MAX_LINKS:
                    raise LinuxError(Errno.ELOOP)
                here, slash = self._enter(node, here, pending, slash)
                name = b"."
            elif not pending:
                return Found(here, name, node, slash)
            elif isinstance(node, Directory):
                here = node
            else:
                raise LinuxError(Errno.ENOTDIR)
        return Found(here.parent, name, here, slash)

    def _enter(
        self, link: Symlink, here: Directory, pending: deque[bytes], slash: bool
    ) -> tuple[Directory, bool]:
        """Put a link's target in front of what is left of the path."""
        if not link.target or len(link.target) >= abi.PATH_MAX:
            raise LinuxError(Errno.ENOENT if not link.target else Errno.ENAMETOOLONG)
        slash = slash or (not pending and link.target.endswith(b"/"))
        pending.extendleft(part for part in reversed(link.target.split(b"/")) if part)
        return (self.root if link.target.startswith(b"/") else here), slash

    def path_of(self, directory: Directory) -> bytes:
        """Absolute path of a directory; ENOENT when it has been removed."""
        parts: list[bytes] = []
        while directory is not self.root:
            if directory.deleted or directory.parent is directory:
                raise LinuxError(Errno.ENOENT)
            parts.append(directory.name)
            directory = directory.parent
        return b"/" + b"/".join(reversed(parts))

    # -- operations on names ------------------------------------------------------------------

    def open(
        self, start: Directory, path: bytes, flags: int, mode: int, who: Credentials = ROOT
    ) -> Node:
        """The node that open(2) means, created or emptied as `flags` say."""
        follow = not flags & abi.O_NOFOLLOW and flags & (abi.O_CREAT | abi.O_EXCL) != (
            abi.O_CREAT | abi.O_EXCL
        )
        found = self.walk(start, path, follow=follow, who=who)
        if flags & abi.O_CREAT and not flags & abi.O_PATH:
            if found.node is None:
                if found.directory:
                    raise LinuxError(Errno.EISDIR)
                self._modify(found.parent, who)
                return found.parent.create(found.name, mode, who.uid, who.gid)
            if flags & abi.O_EXCL:
                raise LinuxError(Errno.EEXIST)
        node = found.existing()
        if flags & abi.O_PATH:
            return node
        self._check_open(node, flags, who)
        if flags & abi.O_TRUNC and isinstance(node, File):
            node.truncate(0)
        return node

    def _check_open(self, node: Node, flags: int, who: Credentials) -> None:
        access = flags & abi.O_ACCMODE
        if isinstance(node, Symlink):
            raise LinuxError(Errno.ELOOP)
        if isinstance(node, Directory):
            if access != abi.O_RDONLY or flags & (abi.O_CREAT | abi.O_TRUNC):
                raise LinuxError(Errno.EISDIR)
        elif flags & abi.O_DIRECTORY:
            raise LinuxError(Errno.ENOTDIR)
        want = {abi.O_RDONLY: R, abi.O_WRONLY: W}.get(access, R | W)
        want |= W if flags & abi.O_TRUNC else 0
        who.require(node, want)
        if want & W and isinstance(node, File):
            self.writable(node)

    def writable(self, node: Node) -> None:
        """EROFS on a read-only mount."""
        if node.fs.read_only:
            raise LinuxError(Errno.EROFS)

    def _modify(self, parent: Directory, who: Credentials) -> None:
        self.writable(parent)
        who.require(parent, W | X)
        if parent.deleted:
            raise LinuxError(Errno.ENOENT)

    def new_entry(
        self,
        start: Directory,
        path: bytes,
        make: Callable[[Directory, bytes], object],
        who: Credentials = ROOT,
        *,
        directory: bool = False,
    ) -> None:
        """Call `make(parent, name)` for a name that must be free."""
        found = self.walk(start, path, follow=False, who=who)
        if found.node is not None:
            raise LinuxError(Errno.EEXIST)
        if found.directory and not directory:
            raise LinuxError(Errno.ENOENT)
        self._modify(found.parent, who)
        make(found.parent, found.name)

    def unlink(self, start: Directory, path: bytes, who: Credentials = ROOT) -> None:
        """unlink(2)."""
        found = self.walk(start, path, follow=False, who=who)
        node = found.existing()
        if isinstance(node, Directory):
            raise LinuxError(Errno.EISDIR)
        self._removable(found.parent, node, who)
        found.parent.unlink(found.name)

    def rmdir(self, start: Directory, path: bytes, who: Credentials = ROOT) -> None:
        """rmdir(2)."""
        found = self.walk(start, path, follow=False, who=who)
        node = found.existing()
        if not isinstance(node, Directory):
            raise LinuxError(Errno.ENOTDIR)
        if found.name in (b".", b".."):
            raise LinuxError(Errno.EINVAL if found.name == b"." else Errno.ENOTEMPTY)
        self._removable(found.parent, node, who)
        if node.entries():
            raise LinuxError(Errno.ENOTEMPTY)
        found.parent.rmdir(found.name)

    def _removable(self, parent: Directory, node: Node, who: Credentials) -> None:
        self._modify(parent, who)
        if isinstance(node, Directory) and (node.covered or node is self.root or node.mounts):
            raise LinuxError(Errno.EBUSY)
        sticky = parent.mode & 0o1000 and who.uid not in (0, node.uid, parent.uid)
        if sticky:
            raise LinuxError(Errno.EPERM)

    def link(
        self,
        source: Found,
        start: Directory,
        path: bytes,
        who: Credentials = ROOT,
    ) -> None:
        """link(2): another name for an existing file."""
        node = source.existing()
        if isinstance(node, Directory):
            raise LinuxError(Errno.EPERM)

        def make(parent: Directory, name: bytes) -> None:
            if parent.fs is not node.fs:
                raise LinuxError(Errno.EXDEV)
            parent.link(name, node)

        self.new_entry(start, path, make, who)

    def rename(self, old: Found, new: Found, who: Credentials = ROOT, *, flags: int = 0) -> None:
        """renameat2(2) with RENAME_NOREPLACE (1) or RENAME_EXCHANGE (2)."""
        node = old.existing()
        special = (b".", b"..")
        if old.name in special or new.name in special:
            raise LinuxError(Errno.EBUSY)
        if old.parent.fs is not new.parent.fs:
            raise LinuxError(Errno.EXDEV)
        self._removable(old.parent, node, who)
        self._modify(new.parent, who)
        if flags & 1 and new.node is not None:
            raise LinuxError(Errno.EEXIST)
        self._not_inside(node, new.parent)
        if flags & 2:
            self._not_inside(new.existing(), old.parent)
            self._removable(new.parent, new.existing(), who)
            old.parent.exchange(old.name, new.parent, new.name)
            return
        target = new.node
        if target is not None:
            self._replaceable(node, target)
            self._removable(new.parent, target, who)
        elif new.directory and not isinstance(node, Directory):
            raise LinuxError(Errno.ENOTDIR)
        if target is None or (target is not node and _identity(target) != _identity(node)):
            old.parent.rename(old.name, new.parent, new.name)

    def _not_inside(self, node: Node, parent: Directory) -> None:
        """EINVAL for a directory that would move below itself."""
        while True:
            if parent is node:
                raise LinuxError(Errno.EINVAL)
            if parent is self.root or parent.parent is parent:
                return
            parent = parent.parent

    def _replaceable(self, node: Node, target: Node) -> None:
        if isinstance(target, Directory) and not isinstance(node, Directory):
            raise LinuxError(Errno.EISDIR)
        if isinstance(node, Directory) and not isinstance(target, Directory):
            raise LinuxError(Errno.ENOTDIR)
        if isinstance(target, Directory) and target is not node and target.entries():
            raise LinuxError(Errno.ENOTEMPTY)


def _identity(node: Node) -> tuple[int, int]:
    return node.fs.dev, node.ino


DEVICES = {
    "null": abi.device(1, 3),
    "zero": abi.device(1, 5),
    "full": abi.device(1, 7),
    "random": abi.device(1, 8),
    "urandom": abi.device(1, 9),
    "tty": abi.device(5, 0),
    "console": abi.device(5, 1),
    "ptmx": abi.device(5, 2),
    "stdin": abi.device(136, 0),
    "stdout": abi.device(136, 0),
    "stderr": abi.device(136, 0),
}
