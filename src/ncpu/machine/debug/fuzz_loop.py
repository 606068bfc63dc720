"""Fuzzing on the device: each candidate input a lane, run from one snapshot, edges counted.

The lanes run one after the other, as in `batch.run_batch` on a CPU, but in one memory
(`fuzz_lane`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine import word
from ncpu.machine.alu import Alu
from ncpu.machine.debug.fuzz_compared import COMPARED, Compared, pairs
from ncpu.machine.debug.fuzz_edges import EDGES, Edges, judge
from ncpu.machine.debug.fuzz_lane import FULL, LOG, Shared, Trail, run_one, undone
from ncpu.machine.execute import Lane, enter
from ncpu.machine.program import Program
from ncpu.machine.state import BASE, PC, RETIRED, State, Status


class Lanes(NamedTuple):
    """How each lane ended.

    Attributes:
      status: `i32[n]`, a `Status`; SYSCALL is a call for the host; FULL, too many stores.
      pc, fault: `u64[n]` as limbs: where, and the address accessed last.
      retired: `u32[n]`, instructions of this lane.
      code: `u32[n]`, x0: the exit code of a lane that has exited.
      new: `u32[n]`, counters whose class was not seen before: 0 for nothing new.
      path: `u32[n, 2]`, a hash of the edges and their classes.
      where: `u32[n, 2]`, a hash of the last calls: like crashes have the same.
    """

    status: Any
    pc: Any
    fault: Any
    retired: Any
    code: Any
    new: Any
    path: Any
    where: Any


@partial(jax.jit, donate_argnames=("mem", "seen"))
@word.with_x64
def _run(
    program: Program,
    state: State,
    mem: jax.Array,
    inputs: jax.Array,
    lengths: jax.Array,
    count: jax.Array,
    fuel: jax.Array,
    seen: jax.Array,
    alu: Alu,
) -> tuple[jax.Array, jax.Array, Lanes, Compared]:
    first = enter(state)
    limit = first.row(RETIRED) + fuel.astype(jnp.uint64)
    shared = Shared(program, first, first.row(BASE), limit, inputs, lengths, alu)

    def one(index: jax.Array, carry: tuple) -> tuple:
        mem, log, counts, touched, compared, seen, out = carry
        edges = Edges(counts, touched, jnp.uint32(0))
        compared = compared._replace(used=jnp.uint32(0))
        lane, status, trail = run_one(shared, index, mem, log, edges, compared)
        mem = undone(lane.mem, trail)
        finished = (status != Status.OUT_OF_FUEL) & (status != FULL)
        new, path, seen, counts = judge(trail.edges, seen, finished)
        row = _row(shared, lane, status, trail, new, path)
        out = Lanes(*(word.put(all_, index, value) for all_, value in zip(out, row, strict=True)))
        return mem, trail.log, counts, trail.edges.touched, trail.compared, seen, out

    log = jnp.zeros((LOG, 3), jnp.uint32)
    counts = jnp.zeros(EDGES, jnp.uint8)
    touched = jnp.zeros(EDGES + 1, jnp.uint32)
    compared = Compared(jnp.zeros((COMPARED + 1, 4), jnp.uint32), jnp.uint32(0))
    begun = (mem, log, counts, touched, compared, seen, _rows(inputs.shape[0]))
    mem, _, _, _, compared, seen, out = lax.fori_loop(jnp.uint32(0), count, one, begun)
    return mem, seen, out, compared


def _rows(count: int) -> Lanes:
    pairs = jnp.zeros((count, 2), jnp.uint32)
    singles = jnp.zeros(count, jnp.uint32)
    return Lanes(jnp.zeros(count, jnp.int32), pairs, pairs, singles, singles, singles, pairs, pairs)


def _row(
    shared: Shared, lane: Lane, status: jax.Array, trail: Trail, new: jax.Array, path: jax.Array
) -> Lanes:
    """What the host is told of a lane."""
    return Lanes(
        status,
        word.split(lane.row(PC)),
        word.split(trail.fault),
        (lane.row(RETIRED) - shared.first.row(RETIRED)).astype(jnp.uint32),
        lane.row(0).astype(jnp.uint32),
        new,
        word.split(path),
        word.split(trail.where),
    )


class Batch:
    """Runs candidates from one snapshot.

    Args:
      program: the text.
      state: where every lane starts: at a `read` of standard input, its call not yet made.
      alu: the arithmetic.
      lanes: candidates of a batch at most.
      width: bytes of an input at most.
    """

    def __init__(self, program: Program, state: State, alu: Alu, lanes: int, width: int) -> None:
        self.program, self.alu = program, alu
        self._mem = jnp.array(state.mem)
        self.state = state
        self.seen = jnp.zeros(EDGES, jnp.uint8)
        self._shape = lanes, width
        self._compared = Compared(jnp.zeros((1, 4), jnp.uint32), jnp.uint32(0))

    def run(self, inputs: Sequence[bytes], fuel: int) -> Lanes:
        """Run one lane for each input; NumPy arrays, a row for each.

        Args:
          inputs: at most `lanes`.
          fuel: instructions a lane may take.
        """
        rows, lengths = np.zeros(self._shape, np.uint8), np.zeros(self._shape[0], np.uint32)
        for k, data in enumerate(inputs):
            rows[k, : len(data)] = np.frombuffer(data, np.uint8)
            lengths[k] = len(data)
        return self.run_rows(rows, lengths, fuel, len(inputs))

    def run_rows(
        self, inputs: np.ndarray, lengths: np.ndarray, fuel: int, count: int | None = None
    ) -> Lanes:
        """`run` for inputs that are rows already, `u8[lanes, width]`: the first `count`."""
        count = len(inputs) if count is None else count
        self._mem, self.seen, out, self._compared = _run(
            self.program,
            self.state,
            self._mem,
            jnp.asarray(inputs),
            jnp.asarray(lengths.astype(np.uint32)),
            np.uint32(count),
            np.uint32(fuel),
            self.seen,
            self.alu,
        )
        return Lanes(*(np.asarray(part)[:count] for part in out))

    def compared(self) -> list[tuple[int, int]]:
        """What the last lane that ran compared: both sides, where they were not equal."""
        return pairs(np.asarray(self._compared.rows)[: int(self._compared.used)])
