"""/proc: what the kernel tells of its processes, made when it is asked for (proc(5))."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ncpu.machine.linux import abi
from ncpu.machine.linux.files import Files
from ncpu.machine.linux.inodes import Directory, File, FileSystem, Node, Symlink
from ncpu.machine.linux.process import Process
from ncpu.machine.linux.proctext import MACHINE, PROCESS

if TYPE_CHECKING:
    from ncpu.machine.linux.services import Services

PROC_MAGIC = 0x9FA0
Maker = Callable[[bytes], Node | None]


class Listing(Directory):
    """A directory whose entries are made as they are looked up."""

    def __init__(
        self,
        fs: FileSystem,
        parent: Directory,
        name: bytes,
        names: Callable[[], list[bytes]],
        make: Maker,
    ) -> None:
        super().__init__(fs, 0o555, parent=parent, name=name)
        self.covered = True
        self._names, self._make = names, make
        self._numbers: dict[bytes, int] = {}

    def lookup(self, name: bytes) -> Node | None:
        """The entry as it is now."""
        node = self._make(name)
        if node is not None:
            node.ino = self._numbers.setdefault(name, node.ino)
        return node

    def entries(self) -> list[tuple[bytes, int, int]]:
        """All entries as they are now."""
        found = [(name, self.lookup(name)) for name in self._names()]
        return [(name, n.ino, n.mode & abi.S_IFMT) for name, n in found if n is not None]


def _file(fs: FileSystem, data: bytes) -> File:
    node = File(fs, 0o444)
    node.data = bytearray(data)
    fs.used += len(data)
    return node


def _process(k: Services, fs: FileSystem, parent: Directory, process: Process) -> Listing:
    links = {
        b"exe": lambda: process.exe,
        b"cwd": lambda: k.files.path_of(process.cwd or k.files.root),
        b"root": lambda: b"/",
    }

    def descriptor(name: bytes) -> Node | None:
        held = process.fds.get(int(name)) if name.isdigit() else None
        return None if held is None else Symlink(fs, k.name_of(held.file), direct=held.file.node)

    def task(name: bytes) -> Node | None:
        if not name.isdigit() or int(name) not in process.threads:
            return None
        return Listing(fs, here, name, lambda: [b"comm", b"stat", b"status"], make)

    def make(name: bytes) -> Node | None:
        if name in links:
            try:
                return Symlink(fs, links[name]())
            except abi.LinuxError:
                return Symlink(fs, b"(deleted)")
        if name == b"fd":
            return Listing(
                fs, here, name, lambda: [b"%d" % fd for fd in sorted(process.fds)], descriptor
            )
        if name == b"task":
            return Listing(
                fs, here, name, lambda: [b"%d" % t for t in sorted(process.threads)], task
            )
        if name in PROCESS:
            return _file(fs, PROCESS[name](k, process))
        return None

    names = lambda: [*links, b"fd", b"task", *PROCESS]  # noqa: E731
    here = Listing(fs, parent, b"%d" % process.pid, names, make)
    here.uid, here.gid = process.uids[1], process.gids[1]
    return here


def mount(k: Services) -> None:
    """Put the kernel's /proc into its tree."""
    files: Files = k.files
    fs = FileSystem(dev=21, clock=lambda: files.clock(), read_only=True, magic=PROC_MAGIC)
    fs.capacity = 1 << 40

    def names() -> list[bytes]:
        return [*MACHINE, b"self", b"mounts", *(b"%d" % p.pid for p in k.processes)]

    def make(name: bytes) -> Node | None:
        if name == b"self":
            return Symlink(fs, b"%d" % k.process.pid)
        if name == b"mounts":
            return Symlink(fs, b"self/mounts")
        if name in MACHINE:
            return _file(fs, MACHINE[name](k))
        process = k.find_process(int(name)) if name.isdigit() and len(name) < 9 else None
        return None if process is None else _process(k, fs, root, process)

    root = Listing(fs, files.root, b"proc", names, make)
    files.root.mounts[b"proc"] = root
