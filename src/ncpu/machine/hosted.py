"""`run` for a host that looks at the lane at every stop: a kernel serving system calls.

All of a `State` but memory and permissions comes and goes as one array, the register file of the
tick, whose spare rows take what is no register. A transfer costs the host as much for a word as
for a hundred, and a stop is all that a short system call consists of.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine import word
from ncpu.machine.alu import EXACT, Alu
from ncpu.machine.commit import faults
from ncpu.machine.execute import Lane
from ncpu.machine.run import may_run, run_lane
from ncpu.machine.state import BASE, FLAGS, PC, RETIRED, ROWS, TICK_ROWS, State, Status

STOP, FAULT, LIMIT = 108, 109, 110  # STOP holds status and beat


def pack(state: State, max_steps: int) -> np.ndarray:
    """One lane's fields but memory, and the steps it may do, as `u32[112, 2]`."""
    rows = np.zeros((TICK_ROWS, 2), np.uint32)
    rows[:ROWS] = state.regs
    rows[PC] = state.pc
    rows[FLAGS, 0] = state.flags
    rows[RETIRED] = state.retired
    rows[BASE] = state.base
    spent = state.status == Status.OUT_OF_FUEL
    rows[STOP] = Status.RUNNING if spent else state.status, state.beat
    rows[FAULT] = state.fault
    rows[LIMIT] = word.to_limbs(word.integer(state.retired) + max_steps)
    return rows


def unpack(rows: np.ndarray, mem: jax.Array, perm: jax.Array) -> State:
    """The lane of packed rows; its small fields are read-only NumPy views of them."""
    small: dict[str, Any] = dict(
        regs=rows[:ROWS],
        pc=rows[PC],
        flags=rows[FLAGS, 0],
        beat=rows[STOP, 1],
        base=rows[BASE],
        status=rows[STOP, 0].astype(np.int32),
        fault=rows[FAULT],
        retired=rows[RETIRED],
    )
    return State(**small, mem=mem, perm=perm)


@partial(jax.jit, donate_argnames="mem")
@word.with_x64
def _run(
    program: Any, rows: jax.Array, mem: jax.Array, perm: jax.Array, alu: Alu
) -> tuple[jax.Array, jax.Array]:
    def lane_of(rows: jax.Array, mem: jax.Array) -> Lane:
        return Lane(
            regs=rows,
            mem=mem,
            perm=perm,
            first=jnp.uint32(0),
            beat=rows[STOP, 1],
            status=rows[STOP, 0].astype(jnp.int32),
            doublewords=mem.shape[0],
        )

    def stretch(carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        lane, address = run_lane(program, lane_of(*carry), word.join(carry[0][LIMIT]), alu)
        stop = jnp.stack([lane.status.astype(jnp.uint32), lane.beat])
        fault = jnp.where(faults(lane.status), word.split(address), lane.regs[FAULT])
        return lane.regs.at[STOP].set(stop).at[FAULT].set(fault), lane.mem

    # A loop that ends after one turn, so that all of it is compiled into one function: each
    # operation outside of one is a task for a scheduler, which costs as much as a system call.
    return lax.while_loop(
        lambda c: may_run(lane_of(*c), word.join(c[0][LIMIT])), stretch, (rows, mem)
    )


def run(program: Any, state: State, max_steps: int, *, alu: Alu = EXACT) -> State:
    """`machine.run.run`, on the host's terms.

    Args:
      program: the decoded text.
      state: one lane; its memory is donated.
      max_steps: instructions to retire before stopping with `Status.OUT_OF_FUEL`.
      alu: the arithmetic.

    Returns:
      The lane where it stopped; all but its memory and permissions are NumPy.
    """
    rows, mem = _run(program, pack(state, max_steps), state.mem, state.perm, alu)
    stopped = unpack(np.asarray(rows), mem, state.perm)
    if stopped.status == Status.RUNNING:  # no step was allowed
        return stopped.replace(status=np.int32(Status.OUT_OF_FUEL))
    return stopped
