"""The loop: while running, commit, fetch, execute.

Commit comes first so that no instruction both reads and writes memory in one pass over
the loop body: XLA then updates memory in place.  A body that reads, then writes, copies
the whole memory every tick.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine import word
from ncpu.machine.alu import EXACT, Alu
from ncpu.machine.commit import commit, commit_lane, faults
from ncpu.machine.effects import Effects
from ncpu.machine.execute import Lane, enter, execute, execute_lane, leave
from ncpu.machine.instr import Instr, unpack
from ncpu.machine.program import PAGE_WORDS, Program
from ncpu.machine.state import FLAGS, LATCH, PC, RETIRED, SINK, State, Status
from ncpu.machine.word import u64


def fetch_lane(program: Program, lane: Lane) -> jax.Array:
    """The lane's next instruction, packed `u32[8]`."""
    last = program.pages.shape[0] - 1
    pc = lane.row(PC)
    page = (pc - word.join(program.base)) >> 12
    unaligned = pc & u64(3) != 0
    page = jnp.where(unaligned, u64(last), jnp.minimum(page, u64(last)))
    start = word.at(program.pages, page)
    index = start + ((pc >> 2) & u64(PAGE_WORDS - 1)).astype(jnp.uint32)
    # A branch, not a selection: predicted, so that the fetch need not wait for `beat`, which
    # depends on everything the instruction before did (28 instead of 24 M instr/s).
    row = lax.cond(lane.beat != 0, lambda: lane.beat, lambda: index)
    return word.at(program.rows, row)


@dataclass(frozen=True)
class InstructionSet:
    """What the loop runs; a static argument of it.

    Attributes:
      fetch: `(program, lane)` to the lane's next instruction, in a form of its own.
      execute: `(lane, that instruction, alu)` to its effects.
    """

    fetch: Callable[[Any, Lane], Any]
    execute: Callable[[Lane, Any, Alu], Effects]


A64 = InstructionSet(fetch_lane, execute_lane)


@jax.jit
@word.with_x64
def fetch(program: Program, state: State) -> Instr:
    """The instruction (or transfer) that one lane executes next."""
    return unpack(fetch_lane(program, enter(state)))


@jax.jit
def step(state: State, instr: Instr, alu: Alu = EXACT) -> State:
    """One tick of one lane: `commit(state, execute(state, instr))`."""
    return commit(state, execute(state, instr, alu))


def bubble(lane: Lane) -> Effects:
    """Effects that change nothing."""
    sink = jnp.uint32(SINK)
    zero, none = u64(0), jnp.uint32(0)
    return Effects(
        rd=sink,
        rd2=sink,
        wb=sink,
        value=zero,
        value2=zero,
        base=zero,
        address=zero,
        size=none,
        stored=none,
        store=zero,
        flags=lane.regs[FLAGS, 0],
        next_pc=lane.row(PC),
        beat=lane.beat,
        retires=none,
        status=lane.status,
    )


def may_run(lane: Lane, limit: jax.Array) -> jax.Array:
    """Whether the lane is running and has not yet retired `limit` instructions in all."""
    return (lane.status == Status.RUNNING) & (lane.row(RETIRED) < limit)


def resume(lane: Lane) -> Lane:
    """A lane that only ran out of fuel runs again."""
    spent = lane.status == Status.OUT_OF_FUEL
    return lane._replace(status=jnp.where(spent, jnp.int32(Status.RUNNING), lane.status))


def settle(lane: Lane) -> Lane:
    """A stopped lane in canonical form: scratch rows zero, out of fuel if still running."""
    regs = lane.regs
    for row in (SINK, LATCH, LATCH + 1):
        regs = word.put(regs, row, jnp.zeros(2, jnp.uint32))
    running = lane.status == Status.RUNNING
    status = jnp.where(running, jnp.int32(Status.OUT_OF_FUEL), lane.status)
    beat = lane.beat & jnp.uint32(0)  # zero, with the batch axis a constant would lack
    return lane._replace(regs=regs, beat=beat, status=status)


def run_lane(
    program: Any, lane: Lane, limit: jax.Array, alu: Alu, isa: InstructionSet = A64
) -> tuple[Lane, jax.Array]:
    """Run until the lane stops or has retired `limit` instructions in all.

    Returns the lane and the address its last instruction accessed, for faults.
    """
    size = lane.doublewords  # static: kept out of the carry

    def tick(carry: tuple) -> tuple:
        lane = commit_lane(Lane._make((*carry[0], size)), carry[1])
        effects = isa.execute(lane, isa.fetch(program, lane), alu)
        return tuple(lane)[:-1], effects

    lane = resume(lane)
    carry = (tuple(lane)[:-1], bubble(lane))
    carry, effects = lax.while_loop(
        lambda c: may_run(Lane._make((*c[0], size)), limit), tick, carry
    )
    # The effects in hand are those of the instruction where the lane stopped.
    return settle(Lane._make((*carry, size))), effects.address


def fuel_limbs(max_steps: int) -> np.ndarray:
    """`max_steps` (below 2**63) as limbs."""
    if not 0 <= max_steps < 1 << 63:
        raise ValueError(f"max_steps is {max_steps}: it must be from 0 to 2**63 - 1")
    return word.to_limbs(max_steps)


@partial(jax.jit, donate_argnames="state", static_argnames="isa")
@word.with_x64
def _run(program: Any, state: State, fuel: jax.Array, alu: Alu, isa: InstructionSet = A64) -> State:
    lane = enter(state)
    lane, fault = run_lane(program, lane, lane.row(RETIRED) + word.join(fuel), alu, isa)
    return leave(lane, jnp.where(faults(lane.status), word.split(fault), state.fault))


def run(
    program: Any,
    state: State,
    max_steps: int = 1 << 40,
    *,
    alu: Alu = EXACT,
    isa: InstructionSet = A64,
) -> State:
    """Run one lane until it stops, `max_steps` instructions at most.

    Args:
      program: the decoded text, a `Program`; what the fetch of another `isa` takes.
      state: one lane; its buffers are donated, use the returned state from now on.
      max_steps: instructions to retire before stopping with `Status.OUT_OF_FUEL`.
      alu: the arithmetic.
      isa: the instruction set.

    Returns:
      The lane where it stopped: `status` says why.
    """
    return _run(program, state, fuel_limbs(max_steps), alu, isa)
