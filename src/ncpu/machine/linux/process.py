"""The record of a process: everything Linux remembers of it beside its machine state.

A process has an address space, descriptors, signal dispositions and one or more threads; a
thread has a lane, a signal mask and what it waits for.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ncpu.machine.elf import Image
from ncpu.machine.linux import abi
from ncpu.machine.linux.abi import Errno, LinuxError
from ncpu.machine.linux.access import Credentials
from ncpu.machine.linux.clock import Clock
from ncpu.machine.linux.directories import Directory
from ncpu.machine.linux.file_table import FileTable
from ncpu.machine.linux.open_file import Descriptor, OpenFile
from ncpu.machine.linux.posix_timers import PosixTimer
from ncpu.machine.linux.space import Space
from ncpu.machine.state import State

INFINITY = (1 << 64) - 1
RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_NPROC = 1, 2, 3, 6
RLIMIT_NOFILE, RLIMIT_AS = 7, 9


@dataclass(frozen=True)
class Action:
    """A signal's disposition: struct sigaction as the kernel keeps it."""

    handler: int = abi.SIG_DFL
    flags: int = 0
    restorer: int = 0
    mask: int = 0


@dataclass
class Wait:
    """What a thread asleep in a system call waits for; the call is made again when it wakes.

    Attributes:
      ready: asked whether the call should be tried again; None is always.
      until: virtual time at which to try again in any case; None is never.
      restart: whether a handler with SA_RESTART lets the call start over, once it returns.
      input: it waits for what may come from the host: keys, a connection.
      interrupted: makes the result when a handler ends the wait; -EINTR where None.
      data: what the call has to remember between two tries.
      deaf: only SIGKILL ends it.
    """

    ready: Callable[[], bool] | None = None
    until: int | None = None
    restart: bool = True
    input: bool = False
    interrupted: Callable[[], int] | None = None
    data: Any = None
    deaf: bool = False


@dataclass
class Thread:
    """A thread: one lane's registers and its own signals.

    Attributes:
      state: its lane; memory and permissions are those of the process's space.
      pending: signals sent to it alone.
      wait: what it sleeps for in a call, None while it runs.
      ended: it has exited while others of its process go on.
      started: instructions retired in the lane before the thread existed.
    """

    tid: int
    state: State | None = None
    mask: int = 0
    saved_mask: int | None = None  # to go back to after sigsuspend's handler
    pending: dict[int, list[bytes]] = field(default_factory=dict)
    altstack: tuple[int, int, int] = (0, abi.SS_DISABLE, 0)  # address, flags, size
    clear_tid: int = 0
    robust_list: tuple[int, int] = (0, 0)
    name: bytes = b"program"
    wait: Wait | None = None
    started: int = 0
    retired: int = 0
    ended: bool = False

    @property
    def instructions(self) -> int:
        """Instructions it has completed."""
        return self.retired - self.started


def _limits(stack: int) -> dict[int, tuple[int, int]]:
    limits = {number: (INFINITY, INFINITY) for number in range(16)}
    limits[RLIMIT_STACK] = (stack, INFINITY)
    limits[RLIMIT_NOFILE] = (1024, 4096)
    limits[4] = (0, INFINITY)  # core files
    limits[13] = limits[14] = (0, 0)  # nice, real-time priority
    return limits


@dataclass
class Process:
    """One process; `from_image` makes it for a loaded program.

    It runs as root in its own world unless told otherwise: nothing outside the tree of
    files it is given exists for it.

    Attributes:
      exe: absolute path of its executable file, what /proc/self/exe names.
      open_files: the table of the machine, which all processes share.
      threads: by number, in order of creation; `thread` is the one last run.
      pending: signals sent to the process, for any thread to take.
      text: its decoded code; processes that forked share it until one changes its code.
      code_changed: what was decoded may be out of date.
      entropy: source of getrandom, /dev/urandom.
      stopped: the signal that stopped it, None while it may run.
      news: what wait4 has not told the parent yet: "stopped", "continued" or "".
      exit_code, exit_signal: set when it has ended; a zombie until its parent has waited.
      cpu_ended, cpu_children: instructions of its ended threads, and of its dead children.
    """

    space: Space
    argv: tuple[bytes, ...] = (b"program",)
    execfn: bytes = b"program"
    exe: bytes = b"/program"
    pid: int = 1000
    ppid: int = 1
    pgid: int = 1000
    sid: int = 1000
    uids: tuple[int, int, int] = (0, 0, 0)  # real, effective, saved
    gids: tuple[int, int, int] = (0, 0, 0)
    groups: tuple[int, ...] = ()
    umask: int = 0o022
    cwd: Directory | None = None
    fds: dict[int, Descriptor] = field(default_factory=dict)
    open_files: FileTable = field(default_factory=FileTable)
    actions: dict[int, Action] = field(default_factory=dict)
    pending: dict[int, list[bytes]] = field(default_factory=dict)
    limits: dict[int, tuple[int, int]] = field(default_factory=lambda: _limits(8 << 20))
    clock: Clock = field(default_factory=Clock)
    entropy: random.Random = field(default_factory=lambda: random.Random(0))
    dumpable: int = 1
    no_new_privs: int = 0
    nice: int = 0
    personality: int = 0
    timer: tuple[int, int] | None = None  # ITIMER_REAL: monotonic deadline, interval
    timers: dict[int, PosixTimer] = field(default_factory=dict)
    threads: dict[int, Thread] = field(default_factory=dict)
    text: Any = None
    code_changed: bool = False
    executed: bool = False  # has called execve: its parent may not move it to a group
    stopped: int | None = None
    news: str = ""
    exit_signal_parent: int = int(abi.Signal.SIGCHLD)
    started: int = 0  # monotonic time of its birth
    cpu_ended: int = 0
    cpu_children: int = 0
    exit_code: int | None = None
    exit_signal: int | None = None

    def __post_init__(self) -> None:
        if not self.threads:
            self.threads[self.pid] = Thread(self.pid)
        self.thread = next(iter(self.threads.values()))

    @classmethod
    def from_image(
        cls,
        image: Image,
        *,
        seed: int = 0,
        uid: int = 0,
        gid: int = 0,
        clock: Clock | None = None,
        exe: bytes | None = None,
    ) -> Process:
        """The process of a freshly loaded program; `exe` is made of `execfn` when left out."""
        low, high = image.stack
        process = cls(
            space=Space.from_image(image),
            uids=(uid, uid, uid),
            gids=(gid, gid, gid),
            limits=_limits(high - low),
            clock=clock or Clock(),
            entropy=random.Random(f"ncpu {seed}"),
        )
        process.describe(image, exe)
        return process

    def describe(self, image: Image, exe: bytes | None = None) -> None:
        """Take names and arguments from the program it runs now."""
        self.argv, self.execfn = image.argv, image.execfn
        self.exe = b"/" + image.execfn.lstrip(b"/") if exe is None else exe
        self.thread.name = image.execfn.rpartition(b"/")[2][:15]

    @property
    def name(self) -> bytes:
        """The command's name: that of the main thread."""
        return next(iter(self.threads.values())).name

    @property
    def who(self) -> Credentials:
        """Whom permissions are checked for."""
        return Credentials(self.uids[1], self.gids[1], self.groups)

    @property
    def cpu(self) -> int:
        """Instructions its threads have completed."""
        return self.cpu_ended + sum(t.instructions for t in self.threads.values())

    @property
    def alive(self) -> bool:
        """Not a zombie."""
        return self.exit_code is None

    def fork(self, pid: int, space: Space) -> Process:
        """The record of a child; its one thread continues the present one.

        Descriptors refer to the same open files; pending signals and timers are not inherited.
        """
        here = self.thread
        child = replace(
            self,
            space=space,
            pid=pid,
            ppid=self.pid,
            fds={fd: replace(d) for fd, d in self.fds.items()},
            actions=dict(self.actions),
            limits=dict(self.limits),
            pending={},
            entropy=random.Random(self.entropy.getrandbits(64)),
            timer=None,
            timers={},
            threads={pid: replace(here, tid=pid, pending={}, wait=None, saved_mask=None)},
            executed=False,
            stopped=None,
            news="",
            started=self.clock.monotonic(),
            cpu_ended=0,
            cpu_children=0,
        )
        child.thread.started = child.thread.retired = here.retired
        child.thread.robust_list, child.thread.clear_tid = (0, 0), 0
        for descriptor in child.fds.values():
            descriptor.file.share()
        return child

    # -- descriptors --------------------------------------------------------------------------

    def descriptor(self, fd: int) -> Descriptor:
        """The descriptor; EBADF where there is none."""
        if fd not in self.fds:
            raise LinuxError(Errno.EBADF)
        return self.fds[fd]

    def require_room(self) -> None:
        """EMFILE or ENFILE unless another file can be opened."""
        limit = self.limits[RLIMIT_NOFILE][0]
        if len(self.fds) >= limit and sum(fd < limit for fd in self.fds) >= limit:
            raise LinuxError(Errno.EMFILE)
        self.open_files.require()

    def install(
        self, file: OpenFile, *, lowest: int = 0, cloexec: bool = False, fd: int | None = None
    ) -> int:
        """Enter an open file at `fd`, or at the lowest free number from `lowest` on."""
        limit = self.limits[RLIMIT_NOFILE][0]
        if fd is None:
            fd = lowest
            while fd in self.fds:
                fd += 1
            if fd >= limit:
                raise LinuxError(Errno.EMFILE)
        elif not 0 <= fd < limit:
            raise LinuxError(Errno.EBADF)
        file.hold(self.open_files)
        if fd in self.fds:
            self.close(fd)
        self.fds[fd] = Descriptor(file, cloexec)
        return fd

    def close(self, fd: int) -> None:
        """Remove a descriptor, and with its last one the open file."""
        file = self.descriptor(fd).file
        del self.fds[fd]
        held = file.node.fs.locks
        if held.records:
            held.release(file.node.ino, self.pid)
        file.release()
