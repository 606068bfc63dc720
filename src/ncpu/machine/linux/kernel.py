"""The kernel of one process: serves its system calls, faults and signals on the host.

kernel = Kernel(Process.from_image(image), Files(), stdout=sys.stdout.buffer)
state = kernel.serve(state)      # when run() stopped with Status.SYSCALL
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from ncpu.machine import word
from ncpu.machine.linux import (
    abi,
    mappings,
    signals,
    sys_attributes,
    sys_copy,
    sys_descriptors,
    sys_files,
    sys_identity,
    sys_io,
    sys_memory,
    sys_process,
    sys_resources,
    sys_signals,
    sys_time,
)
from ncpu.machine.linux.abi import Blocked, Errno, LinuxError, Signal
from ncpu.machine.linux.console import Console
from ncpu.machine.linux.descriptors import OpenFile, open_node
from ncpu.machine.linux.files import Files, Found
from ncpu.machine.linux.inodes import Directory, Node
from ncpu.machine.linux.lane import Lane
from ncpu.machine.linux.numbers import NAME
from ncpu.machine.linux.process import Process
from ncpu.machine.linux.table import TABLE
from ncpu.machine.state import State, Status

# Importing these fills TABLE.
SUBJECTS = (
    *(sys_attributes, sys_copy, sys_descriptors, sys_files, sys_identity, sys_io),
    *(sys_memory, sys_process, sys_resources, sys_signals, sys_time),
)


class Kernel:
    """Linux for one process.

    Args:
      process: its record.
      files: the tree it sees; a new one with devices only when left out.
      stdin, stdout, stderr: host byte streams; None is empty or discards.
      isatty: whether they look like a terminal.
      warn: called with one line for each system call that is not implemented, once a name.

    Attributes:
      unknown: how often each call that is not implemented was made, by name.
      calls: how often each call was made, by name.
      code_changed: executable memory changed since this was last set to False: what was
        decoded of it may be out of date.
    """

    lane: Lane

    def __init__(
        self,
        process: Process,
        files: Files | None = None,
        stdin: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        *,
        isatty: bool = False,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self.process = process
        self.files = files or Files()
        self.files.clock = process.clock.now
        self.console = Console(stdin, stdout, stderr, isatty=isatty)
        self.warn = warn
        self.unknown: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.code_changed = False
        if process.cwd is None:
            process.cwd = self.files.root
        if not process.fds:
            for name in ("/dev/stdin", "/dev/stdout", "/dev/stderr"):
                process.install(self.open_path(name, abi.O_RDWR))
        self._describe()

    def _describe(self) -> None:
        """/proc/self with what programs ask of it."""
        pid = str(self.process.pid).encode()
        proc = self.files.make_directory("/proc")
        for name in (b"self", pid):
            if name in proc.children:
                proc.detach(name)
        here = b"/proc/" + pid
        self.files.add_symlink("/proc/self", pid)
        self.files.make_directory(here, 0o555)
        self.files.add_symlink(here + b"/exe", self.process.exe)
        self.files.add_file(here + b"/cmdline", b"\0".join((*self.process.argv, b"")), 0o444)
        self.files.add_file(here + b"/comm", self.process.name + b"\n", 0o444)
        self.files.add_file(here + b"/mounts", b"ncpu / tmpfs rw 0 0\n", 0o444)
        total = len(self.process.mapped) * 4
        free = total - int(self.process.mapped.sum()) * 4
        lines = (("MemTotal", total), ("MemFree", free), ("MemAvailable", free), ("Cached", 0))
        text = "".join(f"{name + ':':16}{size:8} kB\n" for name, size in lines)
        self.files.add_file("/proc/meminfo", text.encode(), 0o444)
        if b"mounts" not in proc.children:
            self.files.add_symlink("/proc/mounts", "self/mounts")

    # -- for the caller -------------------------------------------------------------------------

    def serve(self, state: State) -> State:
        """Serve the system call that stopped `state`; the state is RUNNING or EXITED after.

        An EXITED state has its exit code in x0, and `process.exit_code` and
        `process.exit_signal` say how it ended.  The state given is used up: its memory
        is donated.
        """
        lane = self._enter(state)
        number = lane.x(8)
        name = NAME.get(number, str(number))
        self.calls[name] += 1
        handler = TABLE.get(number)
        try:
            if handler is None:
                self.missing(name)
            else:
                result = handler(self, tuple(lane.x(i) for i in range(6)))
                if result is not None:
                    lane.set_x(0, result)
        except LinuxError as error:
            lane.set_x(0, -error.errno)
        return self._leave()

    def fault(self, state: State) -> State:
        """Turn a fault's status into its signal, delivered: RUNNING in a handler or EXITED."""
        lane = self._enter(state)
        address = int(word.from_limbs(np.asarray(state.fault)))
        signal, code, address = self._signal_of(Status(int(state.status)), address)
        signals.force(self.process, signal, abi.siginfo_fault(signal, code, address))
        lane.restart()
        return self._leave()

    def interrupt(self, state: State, signal: int) -> State:
        """Send a signal from outside (SIGINT, say) to a process that is not in a call."""
        self._enter(state)
        signals.send(self.process, signal, abi.siginfo_kill(signal, abi.SI_KERNEL, 0, 0))
        return self._leave()

    def tick(self, state: State) -> State:
        """Deliver what the passing of time brought, after running without a call."""
        self._enter(state)
        return self._leave()

    def close(self) -> None:
        """Write back shared mappings and flush the console; after the process ended."""
        mappings.write_back(self, self.process.maps)
        self._flush()

    # -- for the handlers -----------------------------------------------------------------------

    def terminate(self, code: int, signal: int | None = None) -> None:
        """End the process with an exit code (128 + signal when a signal ends it)."""
        self.process.exit_code = code & 0xFF
        self.process.exit_signal = signal

    def missing(self, name: str) -> None:
        """Record a call that is not implemented and fail with ENOSYS."""
        self.unknown[name] += 1
        if self.warn is not None and self.unknown[name] == 1:
            self.warn(f"system call {name} is not implemented: the program sees ENOSYS")
        raise LinuxError(Errno.ENOSYS)

    def file(self, fd: int) -> OpenFile:
        """The open file of a descriptor; EBADF where there is none."""
        return self.process.descriptor(fd).file

    @property
    def cwd(self) -> Directory:
        """The working directory."""
        return self.process.cwd or self.files.root

    def start(self, dirfd: int, path: bytes) -> Directory:
        """Where a path given with `dirfd` starts; EBADF, ENOTDIR."""
        if not path:
            raise LinuxError(Errno.ENOENT)
        if path.startswith(b"/") or dirfd == abi.AT_FDCWD:
            return self.cwd
        node = self.file(dirfd).node
        if not isinstance(node, Directory):
            raise LinuxError(Errno.ENOTDIR)
        return node

    def find(self, dirfd: int, pointer: int, *, follow: bool = True) -> Found:
        """Resolve the path at a guest pointer."""
        path = self.lane.cstring(pointer)
        who = self.process.who
        return self.files.walk(self.start(dirfd, path), path, follow=follow, who=who)

    def node(self, dirfd: int, pointer: int, flags: int) -> Node:
        """The existing node at a path, by AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH."""
        if flags & abi.AT_EMPTY_PATH and not self.lane.cstring(pointer):
            return self.cwd if dirfd == abi.AT_FDCWD else self.file(dirfd).node
        follow = not flags & abi.AT_SYMLINK_NOFOLLOW
        return self.find(dirfd, pointer, follow=follow).existing()

    def open_path(self, path: str, flags: int) -> OpenFile:
        """An open file, not yet a descriptor."""
        return self.open_file(self.files.open(self.cwd, path.encode(), flags, 0), flags)

    def open_file(self, node: Node, flags: int) -> OpenFile:
        """Open a node, whatever its permissions."""
        return open_node(node, flags, console=self.console, generator=self.process.entropy)

    def wait(self, until: int | None) -> None:
        """Let virtual time pass until the monotonic clock reads `until`, None for ever.

        Raises:
          LinuxError: EINTR when a signal comes first.
          Blocked: for ever, and no signal can come.
        """
        timer, clock = self.process.timer, self.process.clock
        if signals.next_signal(self.process) is not None:
            raise LinuxError(Errno.EINTR)
        if timer is not None and (until is None or timer[0] < until):
            clock.sleep_until(timer[0])
            self._expire()
            if signals.next_signal(self.process) is not None:
                raise LinuxError(Errno.EINTR)
        if until is None:
            raise Blocked
        clock.sleep_until(until)

    # -- entering and leaving ---------------------------------------------------------------------

    def _enter(self, state: State) -> Lane:
        self.lane = lane = Lane(state)
        self.process.clock.retired = int(word.from_limbs(np.asarray(state.retired)))
        return lane

    def _leave(self) -> State:
        self._expire()
        waiting = self.process.pending or self.process.saved_mask is not None
        if self.process.exit_code is None and waiting:
            signals.deliver(self, self.lane)
        self.code_changed |= self.lane.code_written
        if self.process.exit_code is None:
            return self.lane.finish(Status.RUNNING)
        self.lane.set_x(0, self.process.exit_code)
        self._flush()
        return self.lane.finish(Status.EXITED)

    def _flush(self) -> None:
        """Pass on what is left of the output; nobody is there to hear that it failed."""
        with suppress(LinuxError):
            self.console.flush()

    def _expire(self) -> None:
        """SIGALRM when the interval timer's time has come."""
        timer = self.process.timer
        if timer is None or self.process.clock.monotonic() < timer[0]:
            return
        late = self.process.clock.monotonic() - timer[0]
        rounds = late // timer[1] + 1 if timer[1] else 0
        self.process.timer = (timer[0] + rounds * timer[1], timer[1]) if timer[1] else None
        info = abi.siginfo_kill(Signal.SIGALRM, abi.SI_KERNEL, 0, 0)
        signals.send(self.process, Signal.SIGALRM, info)

    def _signal_of(self, status: Status, address: int) -> tuple[int, int, int]:
        """(signal, si_code, si_addr) that Linux has for a fault."""
        pc = self.lane.pc
        process = self.process
        if status == Status.FETCH_FAULT:
            if pc % 4:
                return Signal.SIGBUS, 1, pc  # BUS_ADRALN
            address = pc
        elif status == Status.ALIGNMENT:
            return Signal.SIGBUS, 1, address
        elif status == Status.UNDEFINED:
            return Signal.SIGILL, 1, pc  # ILL_ILLOPC
        elif status == Status.BREAKPOINT:
            return Signal.SIGTRAP, 1, pc  # TRAP_BRKPT
        inside = process.inside(address, 1)
        known = inside and bool(process.mapped[process.pages(address & ~4095, 1)].any())
        return Signal.SIGSEGV, 2 if known else 1, address  # SEGV_ACCERR, SEGV_MAPERR
