"""The kernel's visits to threads: to serve what their lanes stopped for, to wake, to end them."""

from __future__ import annotations

from collections.abc import Callable

from ncpu.machine.linux import mappings, signals, timing
from ncpu.machine.linux.abi import Signal
from ncpu.machine.linux.lanes import Lanes
from ncpu.machine.linux.process import Process, Thread
from ncpu.machine.linux.tasks import Tasks
from ncpu.machine.state import State, Status


class Visits:
    """What the kernel does between two runs of a machine's lanes.

    Args:
      tasks: the table of processes.
      lanes: their lanes.

    Attributes:
      final: the lane of the first process, once that has ended.
    """

    def __init__(self, tasks: Tasks, lanes: Lanes) -> None:
        self.kernel, self.first = tasks.kernel, tasks.first
        self._tasks, self._lanes = tasks, lanes
        self.final: State | None = None

    def serve_stop(self, process: Process, thread: Thread) -> None:
        """Serve what a lane stopped for."""
        assert thread.state is not None
        status = Status(int(thread.state.status))
        if status == Status.SYSCALL:
            self.visit(process, thread, self.kernel.serve)
        elif status not in (Status.RUNNING, Status.OUT_OF_FUEL):
            self.visit(process, thread, self.kernel.fault)
        else:
            self.visit(process, thread, self.kernel.tick)

    def visit(self, process: Process, thread: Thread, action: Callable[[State], State]) -> None:
        """Let the kernel act on one thread, and see to what became of it."""
        kernel = self.kernel
        kernel.process, process.thread = process, thread
        state = self._lanes.load(process, thread)
        if self._lanes.shared:
            state = self._lanes.exchange(process, thread, state, mappings.show)
        state = action(state)
        if self._lanes.shared or any(m.shared for m in process.space.maps):
            self._lanes.shared = True
            mappings.publish(kernel)
            state = state.replace(mem=kernel.lane.state.mem)
        self._lanes.store(process, thread, state)
        if kernel.code_changed:
            kernel.code_changed = False
            self._lanes.code_changed(process)
        if not process.alive:
            self._ended(process, state)
        elif thread.ended:
            self._tasks.end_thread(process, thread)

    def _ended(self, process: Process, state: State) -> None:
        if process is self.first:
            self.final = state
            self.kernel.close()
        else:
            mappings.write_back(self.kernel, process.space.maps)
        self._tasks.end(process)

    def serve_due(self) -> None:
        """Serve threads whose wait is over, until none is."""
        tasks, clock = self._tasks, self.first.clock
        progress = True
        while progress and self.first.alive:
            progress = False
            for process in tasks.all():
                if clock.passed(timing.next_moment(process)):
                    timing.expire(self.kernel, process)
            for process, thread in tasks.threads():
                wait = thread.wait
                gone = not process.alive or thread.tid not in process.threads
                if gone or wait is None or process.stopped is not None:
                    continue
                if signals.next_signal(process, thread) is not None:
                    self.visit(process, thread, self.kernel.tick)
                elif (wait.ready is not None and wait.ready()) or clock.passed(wait.until):
                    self.visit(process, thread, self.kernel.serve)
                else:
                    continue
                progress = True

    def kill_stopped(self) -> None:
        """Everybody is stopped, and nobody is left to continue them."""
        for process in self._tasks.all():
            if process.alive:
                self.kernel.send(process, Signal.SIGKILL, bytes(128))
                for thread in process.threads.values():
                    if thread.wait is not None:
                        self.visit(process, thread, self.kernel.tick)
                        break

    def halt(self) -> None:
        """The first process has ended: so do all others."""
        for process in self._tasks.all():
            if process.alive:
                self.visit(process, process.thread, self.kernel.kill)
        self.kernel.process = self.first
        self.kernel.close_host()
