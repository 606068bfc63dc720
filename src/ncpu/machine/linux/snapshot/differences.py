"""What differs between two snapshots: the machine, its processes with their memory, its files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ncpu.machine import word
from ncpu.machine.linux.abi import LinuxError, Signal
from ncpu.machine.linux.clock import RealClock
from ncpu.machine.linux.directories import Directory
from ncpu.machine.linux.inodes import Device, File, Node, Symlink
from ncpu.machine.linux.kernel import Kernel
from ncpu.machine.linux.numbers import NAME
from ncpu.machine.linux.open_file import OpenFile
from ncpu.machine.linux.process import Process, Thread
from ncpu.machine.linux.snapshot.classes import Saved
from ncpu.machine.linux.snapshot.store import read
from ncpu.machine.linux.space import Space
from ncpu.machine.state import FPCR, LATCH, MONITOR, PAGE, SP, TPIDR, State, V

Facts = dict[str, str]


@dataclass(frozen=True)
class Change:
    """One fact in both snapshots; None where there is no such thing."""

    what: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Memory:
    """Consecutive pages with changes: where they start, how many they are, the bytes changed."""

    address: int
    pages: int
    changed: int


@dataclass(frozen=True)
class Item:
    """A process or file that is "new", "gone" or "changed"."""

    name: str
    kind: str
    changes: list[Change] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """All differences; false where there are none."""

    machine: list[Change]
    processes: list[Item]
    files: list[Item]

    def __bool__(self) -> bool:
        return bool(self.machine or self.processes or self.files)

    def as_json(self) -> dict[str, Any]:
        """The same in what JSON has."""
        return asdict(self)


def diff(before: str | Path, after: str | Path) -> Report:
    """What differs between two snapshots.

    Raises:
      SnapshotError: one of them is none.
    """
    a, b = read(before), read(after)
    return Report(_changes(_machine(a), _machine(b)), _processes(a, b), _files(a, b))


def _changes(before: Facts, after: Facts) -> list[Change]:
    """Facts that are not the same, in the order in which they stand."""
    names = dict.fromkeys([*before, *after])
    return [
        Change(name, before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    ]


def _machine(saved: Saved) -> Facts:
    kernel, clock = saved.tasks.kernel, saved.tasks.first.clock
    facts = {"instructions, longest lanes": f"{clock.retired:,}"}
    if not isinstance(clock, RealClock):
        facts["nanoseconds"] = f"{clock.monotonic():,}"
    facts |= {f"calls of {name}": str(count) for name, count in sorted(kernel.calls.items())}
    if kernel.terminal is not None:
        facts["terminal settings"] = kernel.terminal.termios.hex()
        facts["terminal foreground group"] = str(kernel.terminal.foreground)
    return facts


# -- processes ----------------------------------------------------------------------------------


def _processes(a: Saved, b: Saved) -> list[Item]:
    items = []
    for pid in sorted(a.tasks.processes.keys() | b.tasks.processes.keys()):
        old, new = a.tasks.processes.get(pid), b.tasks.processes.get(pid)
        one = new or old
        assert one is not None
        name = f"{pid} {one.name.decode('latin-1')}"
        if old is None or new is None:
            items.append(Item(name, "new" if old is None else "gone"))
            continue
        changes = _changes(_process(a.tasks.kernel, old), _process(b.tasks.kernel, new))
        memory = _memory(old.space, new.space)
        if changes or memory:
            items.append(Item(name, "changed", changes, memory))
    return items


def _process(kernel: Kernel, p: Process) -> Facts:
    ended = f"ended with {p.exit_code}" if not p.alive else "alive"
    facts = {
        "state": ended if p.stopped is None else f"stopped by {Signal(p.stopped).name}",
        "command": b" ".join(p.argv).decode("latin-1"),
        "executable": p.exe.decode("latin-1"),
        "parent, group, session": f"{p.ppid}, {p.pgid}, {p.sid}",
        "users": f"{p.uids} {p.gids}",
        "timer": str(p.timer),
        "memory at": f"{p.space.base:#x}, {p.space.size:,} bytes",
        "heap end": f"{p.space.brk:#x}",
    }
    with suppress(LinuxError):
        facts["directory"] = kernel.files.path_of(p.cwd or kernel.files.root).decode("latin-1")
    facts |= {f"signal {n} pending": str(len(q)) for n, q in sorted(p.pending.items())}
    facts |= {f"descriptor {fd}": _open_file(kernel, d.file) for fd, d in sorted(p.fds.items())}
    for tid, thread in sorted(p.threads.items()):
        facts |= {f"thread {tid} {name}": value for name, value in _thread(thread).items()}
    return facts


def _open_file(kernel: Kernel, file: OpenFile) -> str:
    text = kernel.name_of(file).decode("latin-1")
    if file.seekable:
        return f"{text} at {file.offset}"
    with suppress(LinuxError):
        held = file.available()
        return f"{text}, {held} bytes to read" if held else text
    return text


def _thread(thread: Thread) -> Facts:
    state = thread.state
    if state is None:
        return {}
    regs = word.from_limbs(np.asarray(state.regs))
    waits = "runs" if thread.wait is None else f"waits in {NAME.get(int(regs[8]), regs[8])}"
    facts = {
        "state": waits,
        "signals blocked": f"{thread.mask:#x}",
        "signals pending": ", ".join(str(n) for n in sorted(thread.pending)),
        "instructions": f"{thread.instructions:,}",
        "pc": f"{int(word.from_limbs(np.asarray(state.pc))):#x}",
    }
    return facts | _registers(state, regs)


def _registers(state: State, regs: np.ndarray) -> Facts:
    rows = {f"x{i}": i for i in range(31)} | {"sp": SP}
    found = {name: f"{int(regs[row]):#x}" for name, row in rows.items()}
    for i in range(32):
        found[f"v{i}"] = f"{int(regs[V + 2 * i + 1]):#x}:{int(regs[V + 2 * i]):016x}"
    latch = f"{int(regs[LATCH + 1]):#x}:{int(regs[LATCH]):016x}"
    more = {"fpcr": FPCR, "tpidr": TPIDR, "exclusive monitor": MONITOR}
    found |= {name: f"{int(regs[row]):#x}" for name, row in more.items()}
    return found | {
        "half-done vector": latch,
        "beat": str(int(state.beat)),
        "flags": f"{int(state.flags):#x}",
    }


def _memory(old: Space, new: Space) -> list[Memory]:
    """Pages whose bytes differ; none where the two are not of one size and place."""
    if old.mem is None or new.mem is None or (old.base, old.size) != (new.base, new.size):
        return []
    a, b = (np.asarray(mem).view(np.uint8).reshape(-1, PAGE) for mem in (old.mem, new.mem))
    changed = (a != b).sum(axis=1)
    pages = np.flatnonzero(changed)
    runs = np.split(pages, np.flatnonzero(np.diff(pages) > 1) + 1)
    return [
        Memory(new.base + int(run[0]) * PAGE, len(run), int(changed[run].sum()))
        for run in runs
        if len(run)
    ]


# -- files --------------------------------------------------------------------------------------


def _files(a: Saved, b: Saved) -> list[Item]:
    old, new = (dict(_walk(s.tasks.kernel.files.root, b"")) for s in (a, b))
    items = []
    for path in sorted(old.keys() | new.keys()):
        name = (path or b"/").decode("latin-1")
        if path not in old or path not in new:
            items.append(Item(name, "new" if path not in old else "gone"))
        elif changes := _changes(_file(old[path]), _file(new[path])):
            items.append(Item(name, "changed", changes))
    return items


def _walk(folder: Directory, path: bytes) -> Iterator[tuple[bytes, Node]]:
    """Every node that has a name, but those that are made as they are looked up (/proc)."""
    pending = [(path, folder)]
    while pending:
        path, folder = pending.pop()
        yield path, folder
        for name, node in {**folder.children, **folder.mounts}.items():
            if node.fs is not folder.fs:
                continue
            if isinstance(node, Directory):
                pending.append((path + b"/" + name, node))
            else:
                yield path + b"/" + name, node


def _file(node: Node) -> Facts:
    facts = {
        "mode": f"{node.mode:o}",
        "owner": f"{node.uid}:{node.gid}",
        "links": str(node.nlink),
        "modified": f"{node.mtime:,}",
    }
    if isinstance(node, File):
        facts["size"] = str(node.size)
        with suppress(LinuxError):
            facts["SHA-256"] = hashlib.sha256(node.read(0, node.size)).hexdigest()
    elif isinstance(node, Symlink):
        facts["target"] = node.target.decode("latin-1")
    elif isinstance(node, Device):
        facts["device"] = f"{node.driver} {node.rdev:#x}"
    return facts
