"""Running a MUXLEQ machine with its input and output: the host's side of the two queues."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from ncpu.machine import word
from ncpu.machine.alu import EXACT, Alu
from ncpu.machine.muxleq.execute import (
    IN_END,
    IN_NEXT,
    INPUT,
    MUXLEQ,
    ONES,
    OUT_NEXT,
    OUTPUT,
    QUEUE,
)
from ncpu.machine.run import run as run_machine
from ncpu.machine.state import State, Status

# Instructions at a stretch: output is handed on and interrupts are heard in between.
PIECE = 1 << 20

Read = Callable[[int], bytes]
Write = Callable[[bytes], object]


@dataclass(frozen=True)
class Result:
    """How a run ended.

    Attributes:
      output: every byte written.
      retired: instructions of this run.
      state: the machine.
      halted: whether pc left the lower half; otherwise `max_steps` were done.
    """

    output: bytes
    retired: int
    state: State
    halted: bool


def run(
    state: State,
    stdin: bytes | Read = b"",
    max_steps: int = 1 << 40,
    *,
    write: Write | None = None,
    alu: Alu = EXACT,
    piece: int = PIECE,
) -> Result:
    """Run until the machine halts, `max_steps` instructions at most.

    Args:
      state: from `load`, or an earlier result's; its buffers are donated.
      stdin: the input; or a function that is called with a size when the machine waits
        for input, and returns at least one and at most so many bytes, none at the end.
      max_steps: instructions to do before stopping unhalted; running again goes on.
      write: called with output as it comes.
      alu: the arithmetic.
      piece: instructions between looks at the output; less for slow arithmetic.
    """
    if piece < 1:
        raise ValueError(f"piece is {piece}: it must be at least 1")
    read = _reader(stdin) if isinstance(stdin, bytes) else stdin
    output = bytearray()
    started = int(word.from_limbs(state.retired))
    left = max_steps
    while True:
        state = run_machine(None, state, min(left, piece), alu=alu, isa=MUXLEQ)
        status = Status(int(state.status))
        regs = np.array(state.regs)
        fresh = _drain(regs)
        output += fresh
        if fresh and write is not None:
            write(fresh)
        retired = int(word.from_limbs(state.retired)) - started
        left = max_steps - retired
        halted = status == Status.EXITED
        if status == Status.SYSCALL:
            if len(fresh) < QUEUE:  # it waits for input, not with a full output queue
                _refill(regs, read(QUEUE)[:QUEUE])
            state = state.replace(status=jnp.int32(Status.RUNNING))
        state = state.replace(regs=jnp.asarray(regs))
        if halted or not left:
            return Result(bytes(output), retired, state, halted)


def _reader(data: bytes) -> Read:
    position = 0

    def read(size: int) -> bytes:
        nonlocal position
        position += size
        return data[position - size : position]

    return read


def _drain(regs: np.ndarray) -> bytes:
    """What the output queue holds; it is empty afterwards."""
    count = int(regs[OUT_NEXT, 0]) - OUTPUT
    regs[OUT_NEXT] = word.to_limbs(OUTPUT)
    return regs[OUTPUT : OUTPUT + count, 0].astype(np.uint8).tobytes()


def _refill(regs: np.ndarray, data: bytes) -> None:
    """Put input into the empty queue; of nothing, one end of input."""
    values = np.frombuffer(data, np.uint8) if data else np.array([ONES])
    regs[INPUT : INPUT + len(values), 0] = values
    regs[IN_NEXT], regs[IN_END] = word.to_limbs(INPUT), word.to_limbs(INPUT + len(values))
