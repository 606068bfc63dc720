"""What the handlers of system calls find in the kernel: the caller, files, waiting, signals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from ncpu.machine.linux import abi, procfs, signals, terminals
from ncpu.machine.linux.abi import Blocked, Errno, LinuxError
from ncpu.machine.linux.console import Console
from ncpu.machine.linux.directories import Directory
from ncpu.machine.linux.event_files import TimerOpen
from ncpu.machine.linux.files import Files
from ncpu.machine.linux.futex import Futexes
from ncpu.machine.linux.inodes import Device, Node, Pipe
from ncpu.machine.linux.lane import Lane
from ncpu.machine.linux.network import Network
from ncpu.machine.linux.node_files import open_node
from ncpu.machine.linux.open_file import OpenFile
from ncpu.machine.linux.paths import Found
from ncpu.machine.linux.process import Process, Thread, Wait
from ncpu.machine.linux.space import Space

if TYPE_CHECKING:
    from ncpu.machine.linux.host import Host
    from ncpu.machine.linux.tasks import Tasks
    from ncpu.machine.linux.terminal import Terminal


class Services:
    """The state of a kernel, and what handlers do with it.

    Args:
      process: the first process.
      files: the tree it sees; a new one with devices only when left out.
      stdin, stdout, stderr: host byte streams; None is empty or discards.
      isatty: whether they look like a terminal.
      warn: called with one line for each system call that is not implemented, once a name.

    Attributes:
      unknown: how often each call that is not implemented was made, by name.
      calls: how often each call was made, by name.
      code_changed: executable memory changed since this was last set to False: what was
        decoded of it may be out of date.
      tasks: the processes of the machine; None for a kernel of one process.
      resumed: what the call being served waited for at its last try; None at the first.
      timers: the timerfds there are.
      terminal, host: the machine's terminal, and what waits for the world outside.
      terminal_nodes: the devices by which the terminal is opened.
    """

    lane: Lane
    tasks: Tasks | None = None
    resumed: Wait | None = None

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
        self.futexes = Futexes()
        self.timers: list[TimerOpen] = []
        self.terminal: Terminal | None = None
        self.terminal_nodes: tuple[str, ...] = ()
        self.host: Host | None = None
        self.network = Network(self.files.fs)
        self.pairs: dict[int, terminals.Pair] = {}
        if process.cwd is None:
            process.cwd = self.files.root
        if not process.fds:
            self.open_standard()
        procfs.mount(self)

    def open_standard(self) -> None:
        """Open descriptors 0, 1 and 2 anew."""
        for fd, name in enumerate(("stdin", "stdout", "stderr")):
            device = "console" if name in self.terminal_nodes else name
            self.process.install(self.open_path(f"/dev/{device}", abi.O_RDWR), fd=fd)

    def attach(self, terminal: Terminal, host: Host, *, errors: bool = True) -> None:
        """Give the machine a terminal, and what waits for its keys; before the first run.

        Without `errors`, standard error stays a stream of the host's.
        """
        nodes = terminals.TERMINAL_NODES
        self.terminal_nodes = nodes if errors else tuple(n for n in nodes if n != "stderr")
        self.terminal = terminal
        self.wait_on(host)
        terminal.session, terminal.foreground = self.process.sid, self.process.pgid
        self.open_standard()

    def wait_on(self, host: Host) -> None:
        """Let what comes from outside come by way of `host`, open ports included."""
        if self.host is not None:
            host.sources |= self.host.sources
            host.resources += self.host.resources
        self.host = host

    @property
    def thread(self) -> Thread:
        """The thread being served."""
        return self.process.thread

    @property
    def space(self) -> Space:
        """The address space of the process being served."""
        return self.process.space

    def missing(self, name: str, why: str = "is not implemented") -> NoReturn:
        """Record a call that is not to be had here and fail with ENOSYS."""
        self.unknown[name] += 1
        if self.warn is not None and self.unknown[name] == 1:
            self.warn(f"system call {name} {why}: the program sees ENOSYS")
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
        if isinstance(node, Device) and not flags & abi.O_PATH:
            file = terminals.open_device(self, node, flags)
            if file is not None:
                return file
        return open_node(node, flags, console=self.console, generator=self.process.entropy)

    def block(self, wait: Wait) -> NoReturn:
        """Put the call off; it is made again, from its beginning, when `wait` is over."""
        raise Blocked(wait)

    def deadline(self, length: int | None) -> int | None:
        """When a call that may take `length` nanoseconds gives up: from its first try on."""
        if self.resumed is not None:
            return self.resumed.until
        return None if length is None else self.process.clock.monotonic() + length

    def passed(self, until: int | None) -> bool:
        """Whether that moment has come."""
        return self.process.clock.passed(until)

    @property
    def first(self) -> Process:
        """The process the machine was started for."""
        return self.process if self.tasks is None else self.tasks.first

    @property
    def processes(self) -> list[Process]:
        """All processes, zombies too, by number."""
        return [self.process] if self.tasks is None else self.tasks.all()

    @property
    def memory_total(self) -> int:
        """Bytes of guest memory there may be."""
        return self.space.size if self.tasks is None else self.tasks.max_memory

    def name_of(self, file: OpenFile) -> bytes:
        """What the link /proc/[pid]/fd/N says of an open file."""
        node = file.node
        if isinstance(node, Directory):
            with suppress(LinuxError):
                return self.files.path_of(node)
        if isinstance(node, Pipe):
            return b"pipe:[%d]" % node.ino
        if isinstance(node, Device):
            return b"/dev/" + node.driver.encode().replace(b"pts", b"pts/")
        return file.path or b"anon_inode:[%d]" % node.ino

    def find_process(self, pid: int) -> Process | None:
        """The process of that number, a zombie too."""
        if self.tasks is None:
            return self.process if pid == self.process.pid else None
        return self.tasks.processes.get(pid)

    def send(
        self,
        process: Process,
        signal: int,
        info: bytes,
        thread: Thread | None = None,
        *,
        queue: bool = False,
    ) -> bool:
        """Send a signal to a process, or to one of its threads: see `signals.send`."""
        if self.tasks is not None:
            self.tasks.before_signal(process, signal)
        return signals.send(process, signal, info, thread, queue=queue)

    @property
    def may_stop(self) -> bool:
        """Whether somebody could continue the process if a signal stopped it."""
        return self.tasks is not None and self.process is not self.tasks.first

    def stop(self, signal: int) -> None:
        """The default action of SIGSTOP and its kin."""
        if self.tasks is not None:
            self.tasks.stop(self.process, signal)
