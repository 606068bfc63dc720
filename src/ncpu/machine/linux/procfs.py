"""/proc: what the kernel tells of its processes, made when it is asked for (proc(5))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux import abi
from ncpu.machine.linux.directories import Directory
from ncpu.machine.linux.files import Files
from ncpu.machine.linux.inodes import File, FileSystem, Node, Symlink
from ncpu.machine.linux.process import Process
from ncpu.machine.linux.proctext import FOLDERS, MACHINE, PROCESS, TEXTS

if TYPE_CHECKING:
    from ncpu.machine.linux.services import Services

PROC_MAGIC = 0x9FA0
LINKS = (b"exe", b"cwd", b"root")
TASK = (b"comm", b"stat", b"status")


class Listing(Directory):
    """A directory whose entries are made as they are looked up."""

    def __init__(self, k: Services, fs: FileSystem, parent: Directory, name: bytes) -> None:
        super().__init__(fs, 0o555, parent=parent, name=name)
        self.covered = True
        self.k = k
        self.numbers: dict[bytes, int] = {}  # of the inodes

    def names(self) -> list[bytes]:
        """The names of all entries."""
        raise NotImplementedError

    def make(self, name: bytes) -> Node | None:
        """A node for one of them, None for another name."""
        raise NotImplementedError

    def lookup(self, name: bytes) -> Node | None:
        """The entry as it is now."""
        node = self.make(name)
        if node is not None:
            node.ino = self.numbers.setdefault(name, node.ino)
        return node

    def entries(self) -> list[tuple[bytes, int, int]]:
        """All entries as they are now."""
        found = [(name, self.lookup(name)) for name in self.names()]
        return [(name, n.ino, n.mode & abi.S_IFMT) for name, n in found if n is not None]


class ProcRoot(Listing):
    """/proc itself."""

    def names(self) -> list[bytes]:
        """What is told of the machine, and its processes."""
        links = (b"self", b"mounts")
        return [*MACHINE, *FOLDERS, *links, *(b"%d" % p.pid for p in self.k.processes)]

    def make(self, name: bytes) -> Node | None:
        """One of them."""
        if name == b"self":
            return Symlink(self.fs, b"%d" % self.k.process.pid)
        if name == b"mounts":
            return Symlink(self.fs, b"self/mounts")
        if name in MACHINE:
            return _file(self.fs, MACHINE[name](self.k))
        if name in FOLDERS:
            return ProcTexts(self, name, name + b"/")
        process = self.k.find_process(int(name)) if name.isdigit() and len(name) < 9 else None
        return None if process is None else ProcProcess(self, b"%d" % process.pid, process)


class ProcTexts(Listing):
    """A directory with what is told of the machine under one heading; `under` is its path."""

    def __init__(self, parent: Listing, name: bytes, under: bytes) -> None:
        super().__init__(parent.k, parent.fs, parent, name)
        self.under = under

    def names(self) -> list[bytes]:
        """The first components of the paths below it."""
        below = (path[len(self.under) :] for path in TEXTS if path.startswith(self.under))
        return list(dict.fromkeys(path.split(b"/")[0] for path in below))

    def make(self, name: bytes) -> Node | None:
        """A text, or another such directory."""
        path = self.under + name
        if path in TEXTS:
            return _file(self.fs, TEXTS[path](self.k))
        return ProcTexts(self, name, path + b"/") if name in self.names() else None


class OfProcess(Listing):
    """A directory about one process."""

    def __init__(self, parent: Listing, name: bytes, process: Process) -> None:
        super().__init__(parent.k, parent.fs, parent, name)
        self.process = process


class ProcProcess(OfProcess):
    """/proc/[pid]."""

    def __init__(self, parent: Listing, name: bytes, process: Process) -> None:
        super().__init__(parent, name, process)
        self.uid, self.gid = process.uids[1], process.gids[1]

    def names(self) -> list[bytes]:
        """What is told of a process."""
        return [*LINKS, b"fd", b"task", *PROCESS]

    def make(self, name: bytes) -> Node | None:
        """One of them."""
        if name in LINKS:
            try:
                return Symlink(self.fs, self._target(name))
            except abi.LinuxError:
                return Symlink(self.fs, b"(deleted)")
        if name == b"fd":
            return ProcDescriptors(self, name, self.process)
        if name == b"task":
            return ProcTasks(self, name, self.process)
        if name in PROCESS:
            return _file(self.fs, PROCESS[name](self.k, self.process))
        return None

    def _target(self, name: bytes) -> bytes:
        files, process = self.k.files, self.process
        if name == b"cwd":
            return files.path_of(process.cwd or files.root)
        return process.exe if name == b"exe" else b"/"


class ProcDescriptors(OfProcess):
    """/proc/[pid]/fd."""

    def names(self) -> list[bytes]:
        """The descriptors."""
        return [b"%d" % fd for fd in sorted(self.process.fds)]

    def make(self, name: bytes) -> Node | None:
        """A link that leads to the open node itself."""
        held = self.process.fds.get(int(name)) if name.isdigit() else None
        if held is None:
            return None
        return Symlink(self.fs, self.k.name_of(held.file), direct=held.file.node)


class ProcTasks(OfProcess):
    """/proc/[pid]/task."""

    def names(self) -> list[bytes]:
        """The threads."""
        return [b"%d" % tid for tid in sorted(self.process.threads)]

    def make(self, name: bytes) -> Node | None:
        """One thread's directory."""
        if not name.isdigit() or int(name) not in self.process.threads:
            return None
        return ProcTask(self, name, self.process)


class ProcTask(ProcProcess):
    """/proc/[pid]/task/[tid]: what is told of a thread is what is told of its process."""

    def names(self) -> list[bytes]:
        """What is listed of it."""
        return list(TASK)


def _file(fs: FileSystem, data: bytes) -> File:
    node = File(fs, 0o444)
    node.data = bytearray(data)
    fs.used += len(data)
    return node


def mount(k: Services) -> None:
    """Put the kernel's /proc into its tree."""
    files: Files = k.files
    fs = FileSystem(dev=21, clock=lambda: files.clock(), read_only=True, magic=PROC_MAGIC)
    fs.capacity = 1 << 40
    files.root.mounts[b"proc"] = ProcRoot(k, fs, files.root, b"proc")
