"""In-memory directories: names to nodes.

Every method takes one name, never a path, and trusts its caller to have looked first.
"""

from __future__ import annotations

from ncpu.machine.linux.abi import S_IFDIR, S_IFMT, Errno, LinuxError
from ncpu.machine.linux.inodes import File, FileSystem, Node, Pipe, Symlink


class Directory(Node):
    """A directory: names to nodes.  `parent` of the root is itself."""

    kind = S_IFDIR
    covered = False  # a mount: may not be removed or renamed

    def __init__(
        self,
        fs: FileSystem,
        mode: int,
        uid: int = 0,
        gid: int = 0,
        parent: Directory | None = None,
        name: bytes = b"",
    ) -> None:
        super().__init__(fs, mode, uid, gid)
        self.nlink = 2
        self.parent = parent or self
        self.name = name
        self.children: dict[bytes, Node] = {}
        self.mounts: dict[bytes, Directory] = {}

    @property
    def size(self) -> int:
        """As tmpfs counts: 20 bytes a name."""
        return 20 * (len(self.children) + len(self.mounts))

    @property
    def deleted(self) -> bool:
        """It has been removed and only lives on as somebody's working directory."""
        return self.nlink == 0

    def lookup(self, name: bytes) -> Node | None:
        """The node of that name, None where there is none."""
        return self.mounts.get(name) or self.children.get(name)

    def entries(self) -> list[tuple[bytes, int, int]]:
        """(name, inode number, S_IFMT bits) of everything but `.` and `..`."""
        merged = {**self.children, **self.mounts}
        return [(name, node.ino, node.mode & S_IFMT) for name, node in merged.items()]

    def attach(self, name: bytes, node: Node) -> None:
        """Enter `node` under a free name."""
        if self.deleted:
            raise LinuxError(Errno.ENOENT)
        self.children[name] = node
        if isinstance(node, Directory):
            node.parent, node.name = self, name
            self.nlink += 1
        self._changed()

    def detach(self, name: bytes) -> Node:
        """Take the entry out, without touching its link count."""
        node = self.children.pop(name)
        if isinstance(node, Directory):
            self.nlink -= 1
        self._changed()
        return node

    def create(self, name: bytes, mode: int, uid: int, gid: int) -> Node:
        """A new empty file."""
        node = File(self.fs, mode, uid, gid)
        self.attach(name, node)
        return node

    def mkdir(self, name: bytes, mode: int, uid: int, gid: int) -> Directory:
        """A new empty directory."""
        node = Directory(self.fs, mode, uid, gid)
        self.attach(name, node)
        return node

    def symlink(self, name: bytes, target: bytes, uid: int, gid: int) -> None:
        """A new symbolic link."""
        self.attach(name, Symlink(self.fs, target, uid, gid))

    def mkfifo(self, name: bytes, mode: int, uid: int, gid: int) -> None:
        """A new FIFO."""
        self.attach(name, Pipe(self.fs, mode, uid, gid))

    def link(self, name: bytes, node: Node) -> None:
        """Another name for a node of this file system that is no directory."""
        self.attach(name, node)
        node.nlink += 1
        node.ctime = self.fs.clock()

    def unlink(self, name: bytes) -> None:
        """Remove a name that is no directory's."""
        node = self.detach(name)
        node.nlink -= 1
        node.ctime = self.fs.clock()

    def rmdir(self, name: bytes) -> None:
        """Remove an empty directory; ENOTEMPTY otherwise."""
        node = self.children[name]
        if isinstance(node, Directory):
            if node.entries():
                raise LinuxError(Errno.ENOTEMPTY)
            node.nlink = 0
        self.detach(name)

    def rename(self, name: bytes, target: Directory, new: bytes) -> None:
        """Move an entry to `target`, replacing what is there; both in this file system."""
        if target.deleted:
            raise LinuxError(Errno.ENOENT)
        old = target.children.get(new)
        if isinstance(old, Directory):
            target.rmdir(new)
        elif old is not None:
            target.unlink(new)
        node = self.detach(name)
        target.attach(new, node)
        node.ctime = self.fs.clock()

    def exchange(self, name: bytes, target: Directory, new: bytes) -> None:
        """Swap two entries of this file system (RENAME_EXCHANGE)."""
        first, second = self.detach(name), target.detach(new)
        self.attach(name, second)
        target.attach(new, first)

    def _changed(self) -> None:
        self.mtime = self.ctime = self.fs.clock()
