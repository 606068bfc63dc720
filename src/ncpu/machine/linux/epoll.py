"""An epoll instance: descriptors watched, and what to tell of them (epoll(7))."""

from __future__ import annotations

from dataclasses import dataclass

from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.node_files import DirectoryOpen, RegularOpen
from ncpu.machine.linux.open_file import POLLERR, POLLHUP, POLLIN, OpenFile

EPOLLONESHOT, EPOLLET = 1 << 30, 1 << 31
_ADD, _DELETE, _MODIFY = 1, 2, 3
_DEPTH = 5  # how deep instances may watch each other


@dataclass
class Watch:
    """What an instance knows of one descriptor."""

    file: OpenFile
    events: int
    data: int
    told: int = -1  # edge-triggered: the file's `activity` when last told


class EpollOpen(OpenFile):
    """The open file of epoll_create1."""

    def __init__(self, node, flags: int) -> None:
        super().__init__(node, flags)
        self.watched: dict[tuple[int, OpenFile], Watch] = {}

    @property
    def host(self) -> bool:  # type: ignore[override]
        """Whether something watched waits for the host."""
        return any(w.file.host for w in self._open().values())

    def control(self, operation: int, fd: int, file: OpenFile, events: int, data: int) -> None:
        """epoll_ctl(2)."""
        key = (fd, file)
        if file is self or operation not in (_ADD, _DELETE, _MODIFY):
            raise LinuxError(Errno.EINVAL)
        if isinstance(file, RegularOpen | DirectoryOpen):
            raise LinuxError(Errno.EPERM)
        known = self._open()
        if operation == _ADD:
            if key in known:
                raise LinuxError(Errno.EEXIST)
            if isinstance(file, EpollOpen) and file._watches(self, _DEPTH):
                raise LinuxError(Errno.ELOOP)
            self.watched[key] = Watch(file, events, data)
            return
        if key not in known:
            raise LinuxError(Errno.ENOENT)
        if operation == _DELETE:
            del self.watched[key]
        else:
            self.watched[key] = Watch(file, events, data)

    def poll(self) -> int:
        """Readable when there is something to tell."""
        return POLLIN if any(self._ready(w) for w in self._open().values()) else 0

    def collect(self, room: int) -> list[tuple[int, int]]:
        """At most `room` (events, data) pairs; the rest comes first the next time."""
        found = []
        for key, watch in list(self._open().items()):
            if len(found) == room:
                break
            bits = self._ready(watch)
            if not bits:
                continue
            found.append((bits, watch.data))
            watch.told = watch.file.activity
            if watch.events & EPOLLONESHOT:
                watch.events = 0
            self.watched[key] = self.watched.pop(key)
        return found

    def _ready(self, watch: Watch) -> int:
        if not watch.events & ~(EPOLLET | EPOLLONESHOT):
            return 0
        bits = watch.file.poll() & (watch.events | POLLERR | POLLHUP)
        told = watch.events & EPOLLET and watch.told == watch.file.activity
        return 0 if told else bits

    def _open(self) -> dict[tuple[int, OpenFile], Watch]:
        """What is watched; an open file that was closed everywhere is forgotten."""
        for key in [key for key, watch in self.watched.items() if watch.file.users == 0]:
            del self.watched[key]
        return self.watched

    def _watches(self, other: OpenFile, depth: int) -> bool:
        if depth == 0:
            return True
        inner = [w.file for w in self.watched.values() if isinstance(w.file, EpollOpen)]
        return any(file is other or file._watches(other, depth - 1) for file in inner)
