"""Which classes of the kernel a snapshot holds, and what is made again when it is restored."""

from __future__ import annotations

import random
import time
import weakref
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np

from ncpu.machine.linux import (
    abi,
    archive,
    clock,
    conditions,
    console,
    countdown,
    directories,
    epoll,
    event_files,
    file_table,
    files,
    futex,
    host_files,
    hostfs,
    inodes,
    kernel,
    locks,
    network,
    node_files,
    open_file,
    pipe_files,
    posix_timers,
    process,
    procfs,
    rootfs,
    sockets,
    space,
    tasks,
    terminal,
    terminals,
)
from ncpu.machine.linux.abi import LinuxError
from ncpu.machine.linux.snapshot.arrays import ArrayReader, ArrayWriter
from ncpu.machine.linux.snapshot.graph import Kind, Registry
from ncpu.machine.state import State


@dataclass
class Saved:
    """The root of a snapshot's graph: a machine between two rounds.

    Attributes:
      tasks: its processes, and by way of them its kernel.
      strikes: deadlocks in a row of each thread.
      shared: whether there may be pages that several spaces show.
      symbols: functions of the first program.
      forward: ports of the host's to ports of the machine.
    """

    tasks: tasks.Tasks
    strikes: dict[int, int]
    shared: bool
    symbols: dict[str, tuple[int, int]]
    forward: dict[int, int]


@dataclass(frozen=True)
class KeptContent:
    """What a file of a root holds below, kept in memory; `errno` where it could not be read."""

    size: int
    data: bytes
    errno: int = 0

    def read(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset`."""
        if self.errno:
            raise LinuxError(abi.Errno(self.errno))
        return self.data[offset : offset + count]


@dataclass(frozen=True)
class KeptFolder:
    """A folder of a root that nobody has looked into yet, kept in memory."""

    links: rootfs.Links
    listed: list[rootfs.Entry] = field(default_factory=list)

    def entries(self) -> list[rootfs.Entry]:
        """What is in it."""
        return list(self.listed)


def _keep_content(below: rootfs.Content) -> KeptContent:
    try:
        return KeptContent(below.size, below.read(0, below.size))
    except LinuxError as error:
        return KeptContent(below.size, b"", int(error.errno))


def _keep_folder(below: rootfs.HostFolder) -> KeptFolder:
    return KeptFolder(below.links, below.entries())


# -- classes with arrays, or whose values are no plain attributes -------------------------------


def _fill_lane(state: State, values: dict[str, Any], arrays: ArrayReader) -> None:
    vars(state).update(arrays.lane(values["lane"]), mem=None, perm=None)


def _fill_space(new: space.Space, values: dict[str, Any], arrays: ArrayReader) -> None:
    vars(new).update(values, **arrays.space(values.pop("arrays")))


def _random_values(generator: random.Random, arrays: ArrayWriter) -> dict[str, Any]:
    version, words, gauss = generator.getstate()
    assert gauss is None
    return {"version": version, "words": np.array(words, "<u4").tobytes()}


def _fill_random(new: random.Random, values: dict[str, Any], _: ArrayReader) -> None:
    words = np.frombuffer(values["words"], "<u4").tolist()
    new.setstate((values["version"], tuple(words), None))


def _fill_clock(new: clock.RealClock, values: dict[str, Any], _: ArrayReader) -> None:
    passed = values.pop("passed")
    vars(new).update(values, started=time.monotonic_ns() + abi.SECOND - passed)


def _fill_links(new: rootfs.Links, values: dict[str, Any], _: ArrayReader) -> None:
    new.known = weakref.WeakValueDictionary(values["known"])


def _socket_end(sock: sockets.SocketOpen, _: ArrayWriter) -> dict[str, Any]:
    """A connection that came from the host is reset."""
    return {"ended": True} if isinstance(sock.peer, network.Outside) else {}


# -- the registry -------------------------------------------------------------------------------


def _data(*classes: type, made: tuple[str, ...] = (), also: tuple[str, ...] = ()) -> list[Kind]:
    """Dataclasses: their fields, less those that are `made` again."""
    found = []
    for cls in classes:
        assert is_dataclass(cls)
        names = tuple(f.name for f in fields(cls) if f.name not in made)
        found.append(Kind(cls, (*names, *also), made))
    return found


def _plain(*rows: tuple[type, str], made: tuple[str, ...] = ()) -> list[Kind]:
    """Other classes: the attributes named, and those of the bases that stand before them."""
    known: dict[type, tuple[str, ...]] = {}
    for cls, names in rows:
        above = [name for base in cls.__mro__[1:] for name in known.get(base, ())]
        wanted = dict.fromkeys([*above, *names.split()])
        hidden = [name for name in wanted if isinstance(getattr(cls, name, None), property)]
        known[cls] = tuple(name for name in wanted if name not in hidden)
    return [Kind(cls, names, made) for cls, names in known.items()]


NODES = _plain(
    (inodes.Node, "fs ino mode uid gid nlink rdev atime mtime ctime"),
    (inodes.File, "data"),
    (inodes.Symlink, "target direct"),
    (inodes.Device, "driver"),
    (inodes.Pipe, "buffer readers writers opened activity"),
    (directories.Directory, "parent name children mounts covered"),
    (rootfs.LayeredFile, "below"),
    (rootfs.LayeredDirectory, "_children below"),
    (sockets.SocketNode, "bound"),
    (procfs.Listing, "k numbers"),
    (procfs.ProcRoot, ""),
    (procfs.ProcTexts, "under"),
    (procfs.OfProcess, "process"),
    (procfs.ProcProcess, ""),
    (procfs.ProcDescriptors, ""),
    (procfs.ProcTasks, ""),
    (procfs.ProcTask, ""),
)
OPEN_FILES = _plain(
    (open_file.OpenFile, "node flags offset users path activity table"),
    (node_files.RegularOpen, ""),
    (node_files.DirectoryOpen, "listing"),
    (node_files.DeviceOpen, "generator"),
    (node_files.ConsoleOpen, "console number"),
    (pipe_files.PipeOpen, ""),
    (event_files.EventOpen, "value semaphore"),
    (event_files.TimerOpen, "countdown"),
    (event_files.SignalOpen, "process mask"),
    (epoll.EpollOpen, "watched"),
    (terminals.TerminalOpen, "tty host"),
    (terminals.SlaveOpen, "pair"),
    (terminals.MasterOpen, "pair tty"),
)
SOCKET = (
    "node flags offset users path activity table network domain kind peer queue held backlog limit "
    "name peer_name connected ended muted options credentials"
)
KERNEL = (
    "process files console unknown calls code_changed futexes terminal terminal_nodes network "
    "pairs tasks timers"
)
TERMINAL = (
    "size session foreground hung_up activity _lines _line _literal _raw _iflag _oflag _lflag _cc"
)
KINDS = [
    *NODES,
    *OPEN_FILES,
    Kind(sockets.SocketOpen, tuple(SOCKET.split()), extra=_socket_end),
    *_plain((kernel.Kernel, KERNEL), made=("warn", "host", "lane", "resumed")),
    *_plain((files.Files, "fs root _devices"), made=("clock",)),
    *_plain((console.Console, "isatty size termios"), made=("streams", "_pending")),
    *_plain((tasks.Tasks, "kernel first processes max_tasks max_memory _last")),
    *_plain((network.Network, "fs forwards _ports _abstract _next")),
    *_plain((terminals.Pair, "number shown locked tty slaves")),
    *_plain((terminal.Terminal, TERMINAL), made=("_show", "_signal")),
    *_data(inodes.FileSystem, made=("clock",)),
    *_data(process.Process, made=("text",), also=("thread",)),
    *_data(process.Thread, process.Wait, process.Action, open_file.Descriptor, clock.Clock),
    *_data(countdown.Countdown, posix_timers.PosixTimer, file_table.FileTable),
    *_data(locks.Locks, locks.Record, futex.Futexes, futex.Waiter, space.FileMap, epoll.Watch),
    *_data(sockets.Message, rootfs.Entry, KeptContent, KeptFolder, Saved),
    *_data(conditions.Always, conditions.Polled, conditions.AnyPolled, conditions.AnySelected),
    *_data(conditions.OpenedAgain, conditions.LeftSpace, conditions.MayHold),
    *_data(conditions.NoConflict, conditions.RoomToSend, conditions.AllArrived),
    *_data(conditions.RoomToConnect, conditions.Woken, conditions.SignalPending),
    *_data(conditions.ChildNews, conditions.Partly, conditions.Unopened, conditions.SleptPart),
    Kind(
        space.Space,
        tuple(
            f.name for f in fields(space.Space) if f.name not in ("mapped", "stale", "mem", "perm")
        ),
        ("mapped", "stale", "mem", "perm"),
        lambda obj, arrays: {"arrays": arrays.space(obj)},
        _fill_space,
    ),
    Kind(State, (), (), lambda obj, arrays: {"lane": arrays.lane(obj)}, _fill_lane),
    Kind(random.Random, (), (), _random_values, _fill_random, lambda: random.Random(0)),
    Kind(
        clock.RealClock,
        tuple(f.name for f in fields(clock.Clock)),
        ("started",),
        lambda obj, _: {"passed": obj.monotonic()},
        _fill_clock,
    ),
    Kind(rootfs.Links, (), (), lambda obj, _: {"known": dict(obj.known)}, _fill_links),
]
_MOUNTED = "a folder of the host is mounted: a snapshot holds what is in the machine alone"
REGISTRY = Registry(
    KINDS,
    substitutes={
        rootfs.HostContent: _keep_content,
        archive.Extent: _keep_content,
        rootfs.HostFolder: _keep_folder,
        network.Outside: lambda _: None,
    },
    refused=dict.fromkeys(
        (hostfs.HostDirectory, host_files.HostFile, host_files.HostSymlink), _MOUNTED
    ),
)
