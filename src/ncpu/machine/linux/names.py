"""The operations on names: open, unlink, rmdir, link, rename, and who may do them."""

from __future__ import annotations

from collections.abc import Callable

from ncpu.machine.linux import abi
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.access import ROOT, Credentials, R, W, X
from ncpu.machine.linux.directories import Directory
from ncpu.machine.linux.inodes import File, Node, Symlink
from ncpu.machine.linux.paths import Found, Paths


class Names(Paths):
    """A tree in which names are made, moved and removed as their permissions say."""

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
