"""Traces: what running programs do, tick by tick, out of the machine's own loop."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from ncpu.jepa.errors import TraceError
from ncpu.jepa.transition import Transition, covered, done, written
from ncpu.jepa.view import REGISTERS, Bus, View
from ncpu.machine import word
from ncpu.machine.alu import EXACT, Alu
from ncpu.machine.commit import commit_lane
from ncpu.machine.effects import Effects
from ncpu.machine.execute import Lane, enter, execute_lane, read_doubleword
from ncpu.machine.instr import field
from ncpu.machine.program import Program
from ncpu.machine.run import bubble, fetch_lane, resume
from ncpu.machine.state import BASE, FLAGS, PC, State, Status
from ncpu.machine.word import u64


def _seen(lane: Lane) -> View:
    nzcv = jnp.stack([lane.regs[FLAGS, 0] >> 28, jnp.uint32(0)])
    tail = jnp.stack([lane.regs[PC], nzcv])
    return View(words=jnp.concatenate([lane.regs[:REGISTERS], tail]))


def bus_at(lane: Lane, packed: jax.Array, address: jax.Array, ran: jax.Array) -> Bus:
    """The 16 bytes at `address` where a tick that ran reads memory."""
    reads = ran & (field(packed, "access") & 1 == 1)
    offset = jnp.where(reads, address - lane.row(BASE), u64(0))
    index = lane.first + (offset >> 3).astype(jnp.uint32)
    shift = (offset & u64(7)) * u64(8)
    words = jnp.stack([read_doubleword(lane.mem, index + k) for k in range(3)])
    pair = (words[:2] >> shift) | ((words[1:] << 1) << (u64(63) - shift))
    return Bus(words=word.split(jnp.where(reads, pair, u64(0))))


def _trace_lane(program: Program, state: State, alu: Alu, steps: int) -> Transition:
    lane = resume(enter(state))
    size = lane.doublewords

    def tick(carry: tuple, _: None) -> tuple[tuple, Transition]:
        # Commit first, as in `run`: memory is then updated in place.
        lane = commit_lane(Lane._make((*carry[0], size)), carry[1])
        packed = fetch_lane(program, lane)
        found = execute_lane(lane, packed, alu)
        running = lane.status == Status.RUNNING
        ran = running & done(found)
        seen = Transition(
            before=_seen(lane),
            packed=packed,
            bus=bus_at(lane, packed, found.address, ran),
            written=written(found),
            valid=ran & covered(packed),
        )
        idle = bubble(lane)
        effects: Effects = jax.tree.map(lambda a, b: jnp.where(running, a, b), found, idle)
        return (tuple(lane)[:-1], effects), seen

    return lax.scan(tick, (tuple(lane)[:-1], bubble(lane)), length=steps)[1]


@partial(jax.jit, static_argnames=("steps", "form"))
@word.with_x64
def _trace(program: Program, states: State, alu: Alu, steps: int, form: str) -> Transition:
    if states.mem.ndim == 2:
        return _trace_lane(program, states, alu, steps)
    stacked = program.rows.ndim == 3
    if form == "lockstep":
        axis = 0 if stacked else None
        each = jax.vmap(lambda p, s: _trace_lane(p, s, alu, steps), (axis, 0))
        return each(program, states)
    if stacked:
        return lax.map(lambda given: _trace_lane(given[0], given[1], alu, steps), (program, states))
    return lax.map(lambda state: _trace_lane(program, state, alu, steps), states)


def trace(
    program: Program,
    state: State,
    steps: int,
    *,
    alu: Alu = EXACT,
    form: str | None = None,
) -> Transition:
    """What the next `steps` ticks of one lane, or of each lane of a batch, do.

    A tick is one transfer: an instruction that makes several is several ticks.

    Args:
      program: the decoded text, shared by all lanes, or one for each lane (stacked leaves).
      state: a lane or a batch; it is not consumed.
      steps: ticks to record; those after a lane stopped are not valid.
      alu: the arithmetic.
      form: "lanes" (one after the other) or "lockstep" (`vmap`); by default what suits the
        backend.

    Returns:
      Transitions of shape `[steps]`, or `[lanes, steps]`.

    Raises:
      TraceError: fewer than one step.
    """
    if steps < 1:
        raise TraceError(f"a trace of {steps} steps: at least 1 is needed")
    if form is None:
        form = "lanes" if jax.default_backend() == "cpu" else "lockstep"
    return _trace(program, state, alu, steps, form)
