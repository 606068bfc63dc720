"""The processes of a machine: who exists, whose child each is, how they stop and end.

The table is Linux's: a process that ends is a zombie until its parent has waited for it, its
children become those of process 1 (the machine itself, which waits at once), and job control
works on groups and sessions. Everything here happens on the host, between runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ncpu.machine.linux import abi, signals
from ncpu.machine.linux.abi import Errno, LinuxError, Signal
from ncpu.machine.linux.conditions import Unopened
from ncpu.machine.linux.file_table import MAX_FILES
from ncpu.machine.linux.process import RLIMIT_NPROC, Action, Process, Thread

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

INIT = 1
PID_MAX = 32768
EXITED, KILLED, STOPPED, CONTINUED = 1, 2, 5, 6  # CLD_ codes of siginfo


class Tasks:
    """The table of processes.

    Args:
      kernel: the machine's kernel.
      first: the process it is started for; its number is the first one given out.
      max_tasks: most threads in all: beyond it clone fails with EAGAIN.
      max_memory: most bytes of guest memory in all: beyond it clone and execve fail with ENOMEM.
      max_files: most open files in all: beyond it open and its like fail with ENFILE.
    """

    def __init__(
        self,
        kernel: Kernel,
        first: Process,
        *,
        max_tasks: int = 512,
        max_memory: int = 4 << 30,
        max_files: int = MAX_FILES,
    ) -> None:
        self.kernel = kernel
        self.first = first
        self.processes = {first.pid: first}
        self.max_tasks = max_tasks
        self.max_memory = max_memory
        first.open_files.limit = max_files
        self._last = first.pid

    def all(self) -> list[Process]:
        """Every process, zombies too, by number."""
        return [self.processes[pid] for pid in sorted(self.processes)]

    def threads(self) -> list[tuple[Process, Thread]]:
        """Every thread that has not ended, in the order in which they are stepped."""
        return [(p, p.threads[tid]) for p in self.all() if p.alive for tid in sorted(p.threads)]

    def new_number(self) -> int:
        """A free process number; EAGAIN when there are too many."""
        taken = {tid for p in self.processes.values() for tid in (p.pid, *p.threads)}
        taken |= {n for p in self.processes.values() for n in (p.pgid, p.sid)}
        own = [p for p in self.processes.values() if p.uids[0] == self.kernel.process.uids[0]]
        limit = self.kernel.process.limits[RLIMIT_NPROC][0]
        if len(taken) >= self.max_tasks or sum(len(p.threads) for p in own) >= limit:
            raise LinuxError(Errno.EAGAIN)
        number = self._last + 1
        while number in taken or number > PID_MAX:
            number = number + 1 if number < PID_MAX else 300
        self._last = number
        return number

    def require_memory(self, size: int, freed: int = 0) -> None:
        """ENOMEM unless `size` more bytes of guest memory may exist, after giving back `freed`."""
        spaces = {id(p.space): p.space.size for p in self.processes.values() if p.alive}
        if sum(spaces.values()) + size - freed > self.max_memory:
            raise LinuxError(Errno.ENOMEM)

    def children(self, process: Process) -> list[Process]:
        """Its children, zombies too, by number."""
        return [p for p in self.all() if p.ppid == process.pid]

    def orphaned(self, group: int) -> bool:
        """Whether no member of the group has a parent outside it in its session (POSIX)."""
        for member in self.all():
            parent = self.processes.get(member.ppid)
            if member.pgid != group or not member.alive or parent is None:
                continue
            if parent.pgid != group and parent.sid == member.sid:
                return False
        return True

    # -- signals and job control ----------------------------------------------------------------

    def before_signal(self, process: Process, signal: int) -> None:
        """What sending a signal does at once, whatever becomes of the signal."""
        if signal == Signal.SIGCONT:
            signals.discard(process, *abi.STOPS)
            self.resume(process)
        elif signal == Signal.SIGKILL:
            process.stopped = None
        elif signal in abi.STOPS:
            signals.discard(process, Signal.SIGCONT)

    def resume(self, process: Process) -> None:
        """Let a stopped process go on, and its parent know."""
        if process.stopped is not None:
            process.stopped, process.news = None, "continued"
            self._tell_parent(process, CONTINUED, Signal.SIGCONT)

    def stop(self, process: Process, signal: int) -> None:
        """Stop a process; a terminal's stop has no effect on an orphaned group."""
        if signal != Signal.SIGSTOP and self.orphaned(process.pgid):
            return
        process.stopped, process.news = signal, "stopped"
        self._tell_parent(process, STOPPED, signal)

    def signal_group(self, group: int, signal: int) -> None:
        """Send a signal of the kernel's own to every process of a group."""
        for process in self.all():
            if process.pgid == group and process.alive:
                info = abi.siginfo_kill(signal, abi.SI_KERNEL, 0, 0)
                self.kernel.send(process, signal, info)

    def _tell_parent(self, process: Process, code: int, status: int) -> None:
        parent = self.processes.get(process.ppid)
        if parent is None or not parent.alive:
            return
        action = parent.actions.get(Signal.SIGCHLD, Action())
        ended = code in (EXITED, KILLED)
        signal = process.exit_signal_parent if ended else Signal.SIGCHLD
        if signal and (ended or not action.flags & abi.SA_NOCLDSTOP):
            ticks = process.cpu * process.clock.per_instruction // (abi.SECOND // 100)
            info = abi.siginfo_child(code, process.pid, process.uids[0], status, ticks)
            self.kernel.send(parent, signal, info)

    # -- ends -----------------------------------------------------------------------------------

    def end_thread(self, process: Process, thread: Thread) -> None:
        """Take one thread of several out of its process."""
        process.cpu_ended += thread.instructions
        del process.threads[thread.tid]
        process.thread = next(iter(process.threads.values()))

    def end(self, process: Process) -> None:
        """A process whose exit code is set becomes a zombie, or vanishes unmourned."""
        for thread in process.threads.values():
            if thread.wait is not None and isinstance(thread.wait.interrupted, Unopened):
                thread.wait.interrupted()
        for fd in list(process.fds):
            process.close(fd)
        self.release_space(process)
        process.cpu_ended, process.stopped, process.news = process.cpu, None, ""
        process.timer, process.timers = None, {}
        process.threads = {process.pid: Thread(process.pid, name=process.name)}
        process.thread = process.threads[process.pid]
        process.text = None
        groups = {child.pgid for child in self.children(process)} | {process.pgid}
        before = {group: self.orphaned(group) for group in groups}
        for child in self.children(process):
            child.ppid = INIT
            if not child.alive:
                self.forget(child)
        self._hang_up(process)
        for group in groups:
            stopped = [p for p in self.all() if p.pgid == group and p.stopped is not None]
            if stopped and not before[group] and self.orphaned(group):
                self.signal_group(group, Signal.SIGHUP)
                self.signal_group(group, Signal.SIGCONT)
        signal = process.exit_signal
        self._tell_parent(
            process, EXITED if signal is None else KILLED, signal or process.exit_code or 0
        )
        parent = self.processes.get(process.ppid)
        if process is not self.first and (parent is None or self._unmourned(parent)):
            self.forget(process)

    def _unmourned(self, parent: Process) -> bool:
        action = parent.actions.get(Signal.SIGCHLD, Action())
        return action.handler == abi.SIG_IGN or bool(action.flags & abi.SA_NOCLDWAIT)

    def forget(self, process: Process) -> None:
        """Remove a zombie from the table, its time going to its parent."""
        parent = self.processes.get(process.ppid)
        if parent is not None:
            parent.cpu_children += process.cpu_ended + process.cpu_children
        del self.processes[process.pid]

    def release_space(self, process: Process) -> None:
        """Leave the address space, which goes when nobody else uses it."""
        space = process.space
        space.users -= 1
        if space.users == 0:
            space.mem = space.perm = None

    def _hang_up(self, process: Process) -> None:
        """The end of a session's leader takes the terminal from the session."""
        terminal = self.kernel.terminal
        if terminal is None or process.sid != process.pid or terminal.session != process.pid:
            return
        self.signal_group(terminal.foreground, Signal.SIGHUP)
        self.signal_group(terminal.foreground, Signal.SIGCONT)
        terminal.session = terminal.foreground = 0
