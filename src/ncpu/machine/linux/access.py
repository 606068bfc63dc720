"""Who asks for a file, and what its mode bits let them do (path_resolution(7))."""

from __future__ import annotations

from dataclasses import dataclass

from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.directories import Directory
from ncpu.machine.linux.inodes import Node

R, W, X = 4, 2, 1


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
