"""Running one process to its end: the machine on the device, the kernel on the host."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import jax.numpy as jnp

from ncpu.machine.elf import Image
from ncpu.machine.linux.kernel import Kernel
from ncpu.machine.linux.lanes import retired_of
from ncpu.machine.linux.machine import FOREVER, Machine
from ncpu.machine.state import State, Status

P = TypeVar("P", covariant=True)


@dataclass(frozen=True)
class Result:
    """How a run ended.

    Attributes:
      exit_code: what the parent's shell would show: the program's exit code, 128 + signal
        when a signal ended it; None when the steps ran out first.
      signal: the signal that ended it, None otherwise.
      state: the last state; EXITED, or OUT_OF_FUEL: running it again goes on.
      retired: instructions completed in this run, by all processes.
      syscalls: how often each call was made in this run, by name.
    """

    exit_code: int | None
    signal: int | None
    state: State
    retired: int
    syscalls: Counter[str]


class Code(Protocol[P]):
    """Decoded text that follows what the process does to its code: `machine.text.Text`."""

    @property
    def program(self) -> P:
        """What is decoded now."""
        ...

    def fetch(self, state: State) -> bool:
        """Decode what pc asks for, after a FETCH_FAULT; False where there is no code."""
        ...

    def refresh(self, state: State) -> None:
        """The guest has changed its code: forget what is out of date."""
        ...


def run_process(
    run: Callable[[P, State, int], State],
    code: Code[P],
    image: Image | State,
    kernel: Kernel,
    max_steps: int | None = None,
) -> Result:
    """Run a process until it exits or `max_steps` instructions have retired.

    Args:
      run: `run(program, state, steps)`, which stops with a `Status` after at most `steps`.
      code: the process's decoded text.
      image: where to start: a loaded image or the state of an earlier `Result`.  Its
        memory is donated where the backend allows: do not use it again.
      kernel: the process's kernel.
      max_steps: instructions in all; None is unlimited.
    """
    state = image.state if isinstance(image, Image) else image
    machine = Machine.start(kernel, state, run, code, lambda _: code, spawn=False)
    return go_on(machine, max_steps)


def go_on(machine: Machine, max_steps: int | None = None) -> Result:
    """Let a machine run until its first process ends, or for `max_steps` instructions."""
    kernel = machine.kernel
    before = Counter(kernel.calls)
    retired = machine.run(max_steps)
    state = machine.state
    if int(state.status) == Status.RUNNING:
        state = state.replace(status=jnp.int32(Status.OUT_OF_FUEL))
    calls = Counter(kernel.calls)
    calls.subtract(before)
    return Result(
        exit_code=machine.first.exit_code,
        signal=machine.first.exit_signal,
        state=state,
        retired=retired,
        syscalls=+calls,
    )


def steps_allowed(kernel: Kernel, state: State, first: int, max_steps: int | None) -> int:
    """How far to run: to the end of the steps, or to when the timer rings."""
    done = retired_of(state)
    steps = FOREVER if max_steps is None else min(first + max_steps - done, FOREVER)
    process = kernel.process
    if process.timer is not None and process.clock.per_instruction:
        passed = done * process.clock.per_instruction + process.clock.slept
        left = process.timer[0] - 1_000_000_000 - passed
        steps = min(steps, max(left // process.clock.per_instruction, 0) + 1)
    return steps
