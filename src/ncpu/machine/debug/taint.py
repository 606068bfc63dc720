"""Taint, forward: where input went, found by one replay with labels beside it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from ncpu.machine import memory, word
from ncpu.machine.debug import labels as labels_
from ncpu.machine.debug import shadow_loop as shadow
from ncpu.machine.debug.debugger import Debugger
from ncpu.machine.debug.events import Event
from ncpu.machine.state import SP, State, V

LABEL = 1  # of labels.TAINT
_INPUT = ("read(", "readv(", "pread64(", "recvfrom(")


@dataclass
class Spread:
    """Where something went.

    Attributes:
      instructions: address to how often an instruction made something of it.
      memory: (address, bytes) of memory that holds something made of it now.
      registers: names of those that do.
    """

    instructions: Counter[int] = field(default_factory=Counter)
    memory: list[tuple[int, int]] = field(default_factory=list)
    registers: list[str] = field(default_factory=list)


def forward(
    debugger: Debugger, start: tuple[int, int] | None = None, *, pointers: bool = True
) -> Spread:
    """Follow input, or what some bytes held at the start, to now; now stays.

    Args:
      debugger: a process that has run.
      start: (address, bytes) followed from the start; the program's input when left out.
      pointers: what is loaded from an address made of it counts as made of it.
    """
    history, done = debugger.history, 0
    labels = labels_.Labels.none(history.program, history.state)
    text, program = history.program, shadow.bounded(history.program, {})
    for target in history.stretches(history.start):
        state = history.state
        if start is not None and not done and history.now == history.start:
            labels = _put(labels, state, start[0], bytes([LABEL]) * start[1])
        for event in history.events[done : history.now.events]:
            labels = _event(labels, state, event, start is None)
        done = history.now.events
        if history.program is not text:
            text, program = history.program, shadow.bounded(history.program, {})
        history.state, labels, _ = shadow.run(
            *(program, state, labels, target),
            alu=history.session.alu,
            stack=debugger.session.image.stack,
            checks=False,
            pointers=pointers,
        )
    return _result(debugger, labels)


def _put(labels: labels_.Labels, state: State, address: int, data: bytes) -> labels_.Labels:
    return labels._replace(mem=memory.write(state.replace(mem=labels.mem), address, data).mem)


def _event(labels: labels_.Labels, state: State, event: Event, inputs: bool) -> labels_.Labels:
    """What the host stored is input, or is not."""
    label = LABEL if inputs and event.what.startswith(_INPUT) else 0
    for address, data in event.writes:
        labels = _put(labels, state, address, bytes([label]) * len(data))
    return labels


def _result(debugger: Debugger, labels: labels_.Labels) -> Spread:
    program = debugger.history.program
    text = int(word.from_limbs(np.asarray(program.base)))
    touched = np.asarray(labels.touched)[:-1]
    found = Spread(Counter({text + 4 * int(k): int(touched[k]) for k in np.flatnonzero(touched)}))
    base = int(word.from_limbs(np.asarray(debugger.state.base)))
    held = np.flatnonzero(np.asarray(labels.mem).reshape(-1).view(np.uint8) & labels_.TAINT)
    for piece in np.split(held, np.flatnonzero(np.diff(held) != 1) + 1) if len(held) else ():
        found.memory.append((base + int(piece[0]), len(piece)))
    rows = (np.asarray(labels.regs).view(np.uint8) & labels_.TAINT).reshape(-1, 8).any(1)
    names = {**{k: f"x{k}" for k in range(31)}, SP: "sp"}
    names |= {V + k: f"v{k // 2}" for k in range(64)}
    used = [k for k in np.flatnonzero(rows).tolist() if k in names]
    found.registers = list(dict.fromkeys(names[k] for k in used))
    return found
