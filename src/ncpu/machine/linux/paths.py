"""Paths to nodes, component by component.

`..` of a root is the root itself, links are followed as guest paths wherever their text comes
from, at most 40 of them. See path_resolution(7).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from ncpu.machine.linux import abi
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.access import ROOT, Credentials, X
from ncpu.machine.linux.directories import Directory
from ncpu.machine.linux.inodes import Node, Symlink

MAX_LINKS = 40


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


class Paths:
    """A tree of directories.

    Attributes:
      root: where absolute paths start.
    """

    root: Directory

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
