"""What threads asleep in a system call wait for, as data: a `Wait`'s `ready` and `interrupted`.

Each is called without arguments. None is a closure: a machine's state holds no functions, so that
all of it can be written down (`snapshot`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ncpu.machine.linux import abi, signals
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.open_file import POLLERR, POLLHUP, OpenFile
from ncpu.machine.linux.sockets import ROOM, SocketOpen

if TYPE_CHECKING:
    from ncpu.machine.linux.futex import Waiter
    from ncpu.machine.linux.inodes import Pipe
    from ncpu.machine.linux.kernel import Kernel
    from ncpu.machine.linux.locks import Locks, Record
    from ncpu.machine.linux.process import Process, Thread
    from ncpu.machine.linux.space import Space
    from ncpu.machine.linux.tasks import Tasks

ANY = -1
POLLNVAL = 32
STOPPED, EXITED, CONTINUED = 2, 4, 8  # options of waitid


# -- ready ------------------------------------------------------------------------------------


@dataclass
class Always:
    """The call is made again at once."""

    def __call__(self) -> bool:
        """Whether it is so."""
        return True


@dataclass
class Polled:
    """One of these POLL bits holds of a file."""

    file: OpenFile
    bits: int = ANY

    def __call__(self) -> bool:
        """Whether it is so."""
        return bool(self.file.poll() & self.bits)


@dataclass
class AnyPolled:
    """poll's: `rows` of (descriptor, events) of a process have something to tell."""

    process: Process
    rows: list[tuple[int, int]]

    def look(self) -> list[int]:
        """What each has to tell."""
        found, known = [], self.process.fds
        for fd, wanted in self.rows:
            bits = 0
            if fd >= 0:
                bits = POLLNVAL
                if fd in known:
                    bits = known[fd].file.poll() & (wanted | POLLERR | POLLHUP)
            found.append(bits)
        return found

    def __call__(self) -> bool:
        """Whether it is so."""
        return any(self.look())


@dataclass
class AnySelected:
    """select's: `sets` of (POLL bits, [(descriptor, file)])."""

    sets: list[tuple[int, list[tuple[int, OpenFile]]]]

    def look(self) -> list[int]:
        """The descriptors of each set that are ready, as bits."""
        found = [[fd for fd, file in files if file.poll() & bits] for bits, files in self.sets]
        return [sum(1 << fd for fd in fds) for fds in found]

    def __call__(self) -> bool:
        """Whether it is so."""
        return any(self.look())


@dataclass
class OpenedAgain:
    """A FIFO's end (0 reads, 1 writes) has been opened more often than `seen`."""

    node: Pipe
    end: int
    seen: int

    def __call__(self) -> bool:
        """Whether it is so."""
        return self.node.opened[self.end] != self.seen


@dataclass
class LeftSpace:
    """A vfork child runs in memory of its own, or has ended."""

    child: Process
    begun: Space

    def __call__(self) -> bool:
        """Whether it is so."""
        return self.child.space is not self.begun or not self.child.alive


@dataclass
class MayHold:
    """flock's lock is free."""

    held: Locks
    ino: int
    file: OpenFile
    kind: int

    def __call__(self) -> bool:
        """Whether it is so."""
        return self.held.may_hold(self.ino, self.file, self.kind)


@dataclass
class NoConflict:
    """No lock is in the way of a record."""

    held: Locks
    ino: int
    wanted: Record

    def __call__(self) -> bool:
        """Whether it is so."""
        return self.held.conflict(self.ino, self.wanted) is None


@dataclass
class RoomToSend:
    """The peer takes `need` more bytes, or will not take any."""

    sock: SocketOpen
    peer: SocketOpen | None
    need: int

    def __call__(self) -> bool:
        """Whether it is so."""
        failed = self.peer is None or self.sock.poll() & POLLERR != 0
        return failed or (self.peer is not None and ROOM - self.peer.held >= self.need)


@dataclass
class AllArrived:
    """MSG_WAITALL's: `count` bytes are there, or no more will come."""

    sock: SocketOpen
    count: int

    def __call__(self) -> bool:
        """Whether it is so."""
        sock = self.sock
        ended = sock.ended or bool(sock.poll() & (POLLHUP | POLLERR))
        return ended or sock.held >= min(self.count, ROOM)


@dataclass
class RoomToConnect:
    """A listening socket takes another connection, or listens no more."""

    target: SocketOpen

    def __call__(self) -> bool:
        """Whether it is so."""
        backlog = self.target.backlog
        return backlog is None or len(backlog) < self.target.limit


@dataclass
class Woken:
    """A futex's waiter has been woken."""

    waiter: Waiter

    def __call__(self) -> bool:
        """Whether it is so."""
        return self.waiter.woken


@dataclass
class SignalPending:
    """One of the signals of a mask is pending."""

    process: Process
    thread: Thread
    wanted: int

    def look(self) -> set[int]:
        """Which."""
        pending = signals.pending(self.process, self.thread)
        return {s for s in pending if self.wanted & signals.bit(s)}

    def __call__(self) -> bool:
        """Whether it is so."""
        return bool(self.look())


@dataclass
class ChildNews:
    """Children chosen as wait4 and waitid do have news that `options` ask for, or are gone.

    Those of number `pid` or of group `group`; all where both are None.
    """

    tasks: Tasks | None
    parent: Process
    pid: int | None
    group: int | None
    options: int

    def candidates(self) -> list[Process]:
        """The children meant."""
        children = [] if self.tasks is None else self.tasks.children(self.parent)
        if self.pid is not None:
            return [p for p in children if p.pid == self.pid]
        return [p for p in children if self.group in (None, p.pgid)]

    def tells(self, child: Process) -> bool:
        """Whether there is something to tell of a child."""
        if not child.alive:
            return bool(self.options & EXITED)
        wanted = {"stopped": self.options & STOPPED, "continued": self.options & CONTINUED}
        return bool(wanted.get(child.news, 0))

    def __call__(self) -> bool:
        """Whether it is so."""
        found = self.candidates()
        return not found or any(self.tells(p) for p in found)


# -- interrupted ------------------------------------------------------------------------------


@dataclass
class Partly:
    """A handler leaves what has been done as the result."""

    done: int

    def __call__(self) -> int:
        """The call's result."""
        return self.done


@dataclass
class Unopened:
    """A FIFO's end that was being opened is given up."""

    file: OpenFile

    def __call__(self) -> int:
        """The call's result."""
        self.file.closed()
        return -Errno.EINTR


@dataclass
class SleptPart:
    """A sleep that ends early says what was left of it, where there is a pointer for it."""

    k: Kernel
    until: int
    remaining: int

    def __call__(self) -> int:
        """The call's result."""
        if self.remaining:
            left = max(self.until - self.k.process.clock.monotonic(), 0)
            try:
                self.k.lane.write(self.remaining, abi.timespec(left))
            except LinuxError as error:
                return -error.errno
        return -Errno.EINTR
