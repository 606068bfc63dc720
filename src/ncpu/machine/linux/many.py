"""One program on many inputs: a lane and a kernel for each, one batch for all."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax
import numpy as np

from ncpu.machine import batch, elf, word
from ncpu.machine.errors import GuestError
from ncpu.machine.linux.kernel import Kernel
from ncpu.machine.linux.process import Process
from ncpu.machine.program import Program
from ncpu.machine.state import State, Status


@dataclass(frozen=True)
class Outcome:
    """How one lane ended.

    Attributes:
      exit_code: as a shell shows it; None when the steps ran out.
      stdout, stderr: what it wrote.
      retired: instructions completed.
    """

    exit_code: int | None
    stdout: bytes
    stderr: bytes
    retired: int


@partial(jax.jit, donate_argnames="states")
def _put_lane(states: State, index: jax.Array, one: State) -> State:
    return jax.tree.map(lambda all_, leaf: all_.at[index].set(leaf), states, one)


def run_many(
    source: bytes,
    arguments: Sequence[Sequence[str]],
    *,
    stdin: Sequence[bytes] | None = None,
    memory: int = 2 << 20,
    stack: int = 256 << 10,
    max_steps: int = 10_000_000,
    seed: int = 0,
) -> list[Outcome]:
    """Run a static executable once for each argument list, as one batch.

    Args:
      source: the ELF file's bytes.
      arguments: argv of each lane, the program's name first.
      stdin: what each lane reads; empty when left out.
      memory, stack: bytes for each lane.
      max_steps: instructions a lane may retire.
      seed: of what is random in each lane, the same for all.

    Raises:
      ElfError: not a file this machine runs, or it does not fit.
      GuestError: a lane changed its own code, which lanes share.
    """
    if not arguments:
        return []
    images = [elf.load(source, argv, memory=memory, stack=stack, seed=seed) for argv in arguments]
    streams = [(io.BytesIO(), io.BytesIO()) for _ in images]
    feeds = [io.BytesIO(data) for data in (stdin or [b""] * len(images))]
    kernels = [
        Kernel(Process.from_image(image, seed=seed), None, feed, out, err)
        for image, feed, (out, err) in zip(images, feeds, streams, strict=True)
    ]
    program = Program.from_segments(images[0].text)
    states = batch.stack([image.state for image in images])
    while True:
        spent = int(word.from_limbs(states.retired).min())
        left = max_steps - spent
        states = batch.run_batch(program, states, left)
        waiting = _stopped(states, max_steps)
        if not len(waiting):
            break
        for index in waiting:
            states = _serve(states, int(index), kernels[index])
    return _outcomes(states, kernels, streams)


def _stopped(states: State, max_steps: int) -> np.ndarray:
    """Lanes the kernel has to look at before they can go on."""
    status = np.asarray(states.status)
    retired = word.from_limbs(states.retired)
    over = (status == Status.EXITED) | (status == Status.OUT_OF_FUEL) | (retired >= max_steps)
    return np.flatnonzero(~over)


def _serve(states: State, index: int, kernel: Kernel) -> State:
    one = batch.lane(states, index)
    status = Status(int(one.status))
    if status == Status.CODE_CHANGED or kernel.code_changed:
        raise GuestError(f"lane {index} changed its code at run time; run it alone")
    served = kernel.serve(one) if status == Status.SYSCALL else kernel.fault(one)
    return _put_lane(states, np.int32(index), served)


def _outcomes(
    states: State, kernels: list[Kernel], streams: list[tuple[io.BytesIO, io.BytesIO]]
) -> list[Outcome]:
    outcomes = []
    retired = word.from_limbs(states.retired)
    for kernel, (out, err), count in zip(kernels, streams, retired, strict=True):
        kernel.close()
        code = kernel.process.exit_code
        outcomes.append(Outcome(code, out.getvalue(), err.getvalue(), int(count)))
    return outcomes
