"""The machine: processes as lanes, stepped in rounds, and the one kernel that serves them.

A process is a record (`process.Process`) with an address space and one lane a thread; fork copies
the arrays of the space, threads and vfork children share them. The kernel (`kernel.Kernel`) owns
what all have in common: the tree of files, the table of processes (`tasks.Tasks`), the futexes,
the terminal and the virtual clock. It serves one thread at a time, on the host.

Time passes in rounds. In a round every runnable thread runs until it stops for the kernel, a
quantum of instructions at most; then those that stopped are served, in the order in which they
stopped on the virtual clock, then by number. So each process has a processor of its own, and a
round takes as long as its longest lane. No lane sees another within a round, except through
memory: lanes that share a space, or pages of a file, are stepped in turn, in the order of their
numbers. The result therefore does not depend on how lanes are stepped - alone, several at once
or as one batch - and is the same on every run and every host.

A call that cannot go on leaves a `Wait` in its thread and is made again, from its beginning, when
what it waits for may have happened. When nobody can run, the clock jumps to the next deadline, or
the host is waited for. When nothing will ever happen the youngest waiting call fails with EDEADLK.
The machine ends with its first process, as a container does; the others are killed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import jax

from ncpu.machine.linux import network, timing
from ncpu.machine.linux.abi import Errno, Signal
from ncpu.machine.linux.kernel import Kernel
from ncpu.machine.linux.lanes import Lanes, Run, Task, retired_of
from ncpu.machine.linux.process import Process, Thread
from ncpu.machine.linux.tasks import Tasks
from ncpu.machine.linux.visits import Visits
from ncpu.machine.state import State

QUANTUM = 200_000
PATIENCE = 2_000_000  # instructions between two looks at the host's keyboard
FOREVER = (1 << 31) - 1
STRIKES = 16  # deadlocks in a row that a thread survives


class Machine:
    """All processes of one kernel: those of a table, or one, by `start`.

    Args:
      tasks: the table of processes.
      run: `run(program, state, steps)`, which stops with a `Status` after at most `steps`.
      new_text: makes the decoded text of a process.
      batched: whether runnable lanes of the same text are stepped as one batch: by default on
        accelerators, where a lane alone leaves the device idle; on CPUs stacking the lanes'
        memories costs more than the batch saves.  The bits are the same.
    """

    def __init__(
        self,
        tasks: Tasks,
        run: Run,
        new_text: Callable[[State], Any],
        *,
        batched: bool | None = None,
    ) -> None:
        if batched is None:
            batched = jax.default_backend() != "cpu"
        self.batched = batched
        self.kernel, self.first, self._tasks = tasks.kernel, tasks.first, tasks
        self.lanes = Lanes(tasks, run, new_text)
        self.visits = Visits(tasks, self.lanes)
        self.strikes: Counter[int] = Counter()

    @classmethod
    def start(
        cls,
        kernel: Kernel,
        state: State,
        run: Run,
        text: Any,
        new_text: Callable[[State], Any],
        *,
        spawn: bool = True,
        limits: dict[str, int] | None = None,
        batched: bool | None = None,
    ) -> Machine:
        """A machine with one process, which is its first one.

        Args:
          kernel: its `process` is the first process.
          state: where that one starts.
          run: as of the class.
          text: decoded text of the first process; `new_text(state)` makes further ones.
          spawn: whether processes may make others.
          limits: `max_tasks`, `max_memory` and `max_files` of `Tasks`.
          batched: as of the class.
        """
        tasks = Tasks(kernel, kernel.process, **(limits or {}))
        if spawn:
            kernel.tasks = tasks
        machine = cls(tasks, run, new_text, batched=batched)
        machine.first.text = text
        thread = machine.first.thread
        thread.retired = thread.started = retired_of(state)
        machine.lanes.store(machine.first, thread, state)
        return machine

    def signal_group(self, group: int, signal: int) -> None:
        """Send a signal to a process group, as a terminal does."""
        self._tasks.signal_group(group, signal)

    def forward(self, ports: dict[int, int]) -> None:
        """Let connections to ports of the host's 127.0.0.1 come to ports of the machine."""
        for host, guest in ports.items():
            network.forward(self.kernel, host, guest)

    @property
    def state(self) -> State:
        """The lane of the first process, where it is or where it ended."""
        final = self.visits.final
        return self.lanes.load(self.first, self.first.thread) if final is None else final

    def run(self, max_steps: int | None = None, *, whole_rounds: bool = False) -> int:
        """Go on until the first process ends or `max_steps` instructions have been completed.

        With `whole_rounds` a round of several lanes is not cut short at `max_steps`: a machine that
        stops there and goes on later is in no bit different from one that never stopped.

        Returns:
          The instructions completed.
        """
        done = 0
        while self.first.alive:
            if self.kernel.host is not None:
                self.kernel.host.poll()
            lone = self._lone()
            if not lone:
                self.visits.serve_due()
            ready = lone or self._runnable()
            if not self.first.alive:
                break
            if not ready:
                self._idle()
                continue
            left = FOREVER if max_steps is None else (max_steps - done) // len(ready)
            if whole_rounds and len(ready) > 1 and max_steps is not None:
                left = QUANTUM if done < max_steps else 0
            steps = min(left, FOREVER if lone else self._until_deadline(), FOREVER)
            if left <= 0:
                break
            if self.kernel.host is not None:
                steps = min(steps, PATIENCE)
            done += self._round(ready, steps if len(ready) == 1 else min(steps, QUANTUM))
        if not self.first.alive:
            self.visits.halt()
        return done

    # -- lanes -----------------------------------------------------------------------------------

    def _lone(self) -> list[Task]:
        """The only thread there is, where it runs and nothing is due to happen to it."""
        process, host = self.first, self.kernel.host
        if len(self._tasks.processes) > 1 or len(process.threads) > 1:
            return []
        thread = process.thread
        idle = thread.wait is not None or process.stopped is not None
        due = timing.next_moment(process) is not None
        due |= host is not None and host.due is not None
        return [] if idle or due or not process.alive else [(process, thread)]

    def _runnable(self) -> list[Task]:
        """Threads that do not wait, in the order in which they are stepped."""
        tasks = self._tasks.threads()
        return [(p, t) for p, t in tasks if p.stopped is None and t.wait is None]

    def _round(self, ready: list[Task], steps: int) -> int:
        """Run every lane for `steps` at most, then serve those that stopped; instructions done."""
        if len(ready) == 1:
            return self._round_of_one(*ready[0], steps)
        clock = self.first.clock
        start, stops = clock.retired, []
        spaces = Counter(id(p.space) for p, _ in ready)
        begun = {t.tid: t.retired for _, t in ready}
        if self.batched:
            self.lanes.step_together([(p, t) for p, t in ready if spaces[id(p.space)] == 1], steps)
        for process, thread in ready:
            if spaces[id(process.space)] > 1:
                self.lanes.break_monitor(thread)
            stops.append(self.lanes.step(process, thread, begun[thread.tid], steps))
        for stop in sorted(stops, key=lambda s: (s.used, s.thread.tid)):
            clock.retired = start + stop.used
            if stop.process.alive and stop.thread.tid in stop.process.threads:
                self.visits.serve_stop(stop.process, stop.thread)
        clock.retired = start + max(s.used for s in stops)
        self.strikes.clear()
        return sum(s.used for s in stops)

    def _round_of_one(self, process: Process, thread: Thread, steps: int) -> int:
        """What `_round` does, with nothing to put in order."""
        clock = self.first.clock
        start = clock.retired
        used = self.lanes.step(process, thread, thread.retired, steps).used
        clock.retired = start + used
        self.visits.serve_stop(process, thread)
        clock.retired = start + used
        if self.strikes:
            self.strikes.clear()
        return used

    # -- time ------------------------------------------------------------------------------------

    def _deadlines(self) -> list[int]:
        """Moments at which something happens by itself."""
        alive = [p for p in self._tasks.processes.values() if p.alive]
        found = [m for p in alive if (m := timing.next_moment(p)) is not None]
        if self.kernel.host is not None and self.kernel.host.due is not None:
            found.append(self.kernel.host.due)
        found += [t.due for t in self.kernel.timers if t.users and t.due is not None]
        for process, thread in self._tasks.threads():
            if process.stopped is None and thread.wait and thread.wait.until is not None:
                found.append(thread.wait.until)
        return found

    def _until_deadline(self) -> int:
        """Instructions until the first of them."""
        clock, moments = self.first.clock, self._deadlines()
        if not moments or not clock.per_instruction:
            return FOREVER
        left = min(moments) - clock.monotonic()
        return max(left // clock.per_instruction, 0) + 1

    def _idle(self) -> None:
        """Nobody runs: let time pass, or wait for the host, or end a wait that has no end."""
        clock, moments = self.first.clock, self._deadlines()
        waiting = [(p, t) for p, t in self._tasks.threads() if t.wait is not None]
        host = self.kernel.host
        if host is not None and (host.paced or any(t.wait and t.wait.input for _, t in waiting)):
            now = clock.monotonic()
            passed = host.wait(min(moments) - now if moments else None)
            if passed is not None:
                clock.sleep_until(now + passed)
                return
        if moments:
            clock.sleep_until(min(moments))
            return
        awake = [(p, t) for p, t in waiting if p.stopped is None]
        if not awake:
            self.visits.kill_stopped()
            return
        process, thread = max(awake, key=lambda task: task[1].tid)
        self.strikes[thread.tid] += 1
        if self.strikes[thread.tid] > STRIKES or (thread.wait and thread.wait.deaf):
            self.kernel.send(process, Signal.SIGKILL, bytes(128))
        else:
            self.visits.visit(
                process, thread, lambda state: self.kernel.give_up(state, Errno.EDEADLK)
            )
