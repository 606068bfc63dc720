"""Stepping the lanes of processes: alone, or those with the same decoded text as one batch."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ncpu.machine import batch, memory, word
from ncpu.machine.linux import mappings
from ncpu.machine.linux.process import Process, Thread
from ncpu.machine.linux.tasks import Tasks
from ncpu.machine.state import EXEC, MONITOR, PAGE, State, Status

if TYPE_CHECKING:
    from ncpu.machine.linux.kernel import Kernel

GOING = (Status.RUNNING, Status.OUT_OF_FUEL)
TEXTS = 8  # decoded programs kept for the next execve of the same file

Task = tuple[Process, Thread]
Run = Callable[[Any, State, int], State]


@dataclass
class Stop:
    """A lane at the end of its part of a round."""

    process: Process
    thread: Thread
    used: int


class Lanes:
    """The lanes of a machine's threads, and the decoded text that each runs.

    Args:
      tasks: the table of processes.
      run: `run(program, state, steps)`, which stops with a `Status` after at most `steps`.
      new_text: makes the decoded text of a lane.

    Attributes:
      shared: whether there may be pages that several spaces show.
    """

    def __init__(self, tasks: Tasks, run: Run, new_text: Callable[[State], Any]) -> None:
        self._tasks, self._run, self._new_text = tasks, run, new_text
        self._texts: OrderedDict[bytes, Any] = OrderedDict()
        self.shared = False

    def load(self, process: Process, thread: Thread) -> State:
        """A thread's lane, with the memory of its process."""
        assert thread.state is not None
        state, space = thread.state, process.space
        if state.mem is space.mem and state.perm is space.perm:
            return state
        return state.replace(mem=space.mem, perm=space.perm)

    def store(self, process: Process, thread: Thread, state: State) -> None:
        """Put a lane to rest."""
        process.space.mem, process.space.perm, thread.state = state.mem, state.perm, state

    @staticmethod
    def break_monitor(thread: Thread) -> None:
        """Another thread may store between two parts of a lane's run."""
        assert thread.state is not None
        regs = np.array(thread.state.regs)
        regs[MONITOR] = 0xFFFFFFFF
        thread.state = thread.state.replace(regs=regs)

    def step_together(self, tasks: list[Task], steps: int) -> None:
        """Run lanes that have the same decoded text as one batch, as far as each goes by itself.

        `step` takes every lane on from there, so that the bits are those of stepping it alone.
        """
        groups: dict[int, list[Task]] = {}
        for process, thread in tasks:
            shares = any(m.shared for m in process.space.maps)
            if thread.state is not None and int(thread.state.status) in GOING and not shares:
                text = self._text_of(process, self.load(process, thread))
                groups.setdefault(id(text), []).append((process, thread))
        for group in groups.values():
            if len(group) > 1:
                states = batch.stack([self.load(p, t) for p, t in group])
                count = 1 << (len(group) - 1).bit_length()  # few shapes, each compiled once
                states = batch.pad(states, count - len(group))
                states = batch.run_batch(group[0][0].text.program, states, steps)
                for index, (process, thread) in enumerate(group):
                    state = batch.lane(states, index)
                    thread.retired = retired_of(state)
                    self.store(process, thread, state)

    def step(self, process: Process, thread: Thread, begun: int, steps: int) -> Stop:
        """Run one lane until it stops for the kernel, at `begun + steps` instructions at most."""
        state = self.load(process, thread)
        status, done = Status(int(state.status)), thread.retired
        if self.shared:
            state = self.exchange(process, thread, state, mappings.show)
        text = self._text_of(process, state)
        while True:
            if status == Status.OUT_OF_FUEL:
                state, status = state.replace(status=np.int32(Status.RUNNING)), Status.RUNNING
            if status == Status.RUNNING:
                if done - begun >= steps:
                    break
                text = self._text_of(process, state)
                state = self._run(text.program, state, steps - (done - begun))
                status, done = Status(int(state.status)), retired_of(state)
            if status in GOING:
                continue
            if status == Status.CODE_CHANGED:
                self.code_changed(process)
            elif status != Status.FETCH_FAULT or not text.fetch(state):
                break
            state, status = state.replace(status=np.int32(Status.RUNNING)), Status.RUNNING
        if self.shared:
            state = self.exchange(process, thread, state, mappings.publish)
        thread.retired = done
        self.store(process, thread, state)
        return Stop(process, thread, done - begun)

    def exchange(
        self, process: Process, thread: Thread, state: State, action: Callable[[Kernel], None]
    ) -> State:
        """Bring shared pages and their files in line with each other."""
        if not any(m.shared for m in process.space.maps):
            return state
        return self._tasks.kernel.touch(process, thread, state, action)

    def code_changed(self, process: Process) -> None:
        """What was decoded of a process's space may be out of date."""
        for other in self._tasks.processes.values():
            other.code_changed |= other.space is process.space

    def _text_of(self, process: Process, state: State) -> Any:
        """The process's decoded text, up to date."""
        if process.text is None:
            key = _text_key(state)
            if key not in self._texts:
                self._texts[key] = self._new_text(state)
                if len(self._texts) > TEXTS:
                    self._texts.popitem(last=False)
            self._texts.move_to_end(key)
            process.text = self._texts[key]
        elif process.code_changed:
            # Text that others use too, or will, is left to them.
            users = sum(p.text is process.text for p in self._tasks.processes.values())
            if users > 1 or any(process.text is text for text in self._texts.values()):
                process.text = self._new_text(state)
            else:
                process.text.refresh(state)
        process.code_changed = False
        return process.text


def retired_of(state: State) -> int:
    """Instructions the lane has completed."""
    return word.integer(state.retired)


def _text_key(state: State) -> bytes:
    """What the decoded text of a fresh program depends on."""
    executable = np.asarray(state.perm) & EXEC != 0
    base = word.integer(state.base)
    digest = hashlib.blake2b(executable.tobytes() + base.to_bytes(8, "little"))
    pages = np.flatnonzero(executable)
    runs: Sequence[np.ndarray] = np.split(pages, np.flatnonzero(np.diff(pages) > 1) + 1)
    for pages in runs:
        if len(pages):
            digest.update(memory.read(state, base + int(pages[0]) * PAGE, len(pages) * PAGE))
    return digest.digest()
