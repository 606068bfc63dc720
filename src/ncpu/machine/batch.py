"""Many lanes: the same tick, one lane after the other (CPU) or all in lockstep (GPU).

Lane after lane keeps the native loop of a single lane, on one flat memory, and does not
care how lanes diverge.  Lockstep is `vmap` of a tick in which stopped lanes do nothing.
Both give the same bits as `run` on each lane.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from ncpu.machine import word
from ncpu.machine.alu import EXACT, Alu
from ncpu.machine.commit import commit_lane, faults
from ncpu.machine.effects import Effects
from ncpu.machine.execute import Lane, enter, execute_lane, row_fields, tick_rows
from ncpu.machine.program import Program
from ncpu.machine.run import (
    bubble,
    fetch_lane,
    fuel_limbs,
    may_run,
    resume,
    run_lane,
    settle,
)
from ncpu.machine.state import RETIRED, State, Status

Form = Literal["lanes", "lockstep"]
AXIS = "lanes"


def stack(states: list[State]) -> State:
    """One batch of single-lane states with memories of one size."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)


def broadcast(state: State, lanes: int) -> State:
    """`lanes` copies of a single-lane state."""
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (lanes, *leaf.shape)), state)


def lane(states: State, index: int) -> State:
    """Lane `index` of a batch as a single-lane state."""
    return jax.tree.map(lambda leaf: leaf[index], states)


def _lane_after_lane(program: Program, states: State, fuel: jax.Array, alu: Alu) -> State:
    """Run each lane to its stop before the next one starts."""
    count, doublewords = states.mem.shape[:2]
    perm = states.perm.reshape(-1)
    fuel = word.join(fuel)

    def one(index: jax.Array, carry: tuple) -> tuple:
        regs, mem, status, fault = carry
        here = Lane(
            regs=word.at(regs, index),
            mem=mem,
            perm=perm,
            first=index * jnp.uint32(doublewords),
            beat=jnp.uint32(0),
            status=word.at(status, index),
            doublewords=doublewords,
        )
        done, address = run_lane(program, here, here.row(RETIRED) + fuel, alu)
        return (
            word.put(regs, index, done.regs),
            done.mem,
            word.put(status, index, done.status),
            word.put(fault, index, address),
        )

    mem = states.mem.reshape(-1, 2)
    carry = (tick_rows(states), mem, states.status, jnp.zeros(count, jnp.uint64))
    regs, mem, status, fault = lax.fori_loop(jnp.uint32(0), jnp.uint32(count), one, carry)
    return _leave(states, regs, mem.reshape(states.mem.shape), status, fault)


def _lockstep(program: Program, states: State, fuel: jax.Array, alu: Alu) -> State:
    """Tick all lanes together until none is running; a stopped lane commits nothing."""
    size = states.mem.shape[1]
    lanes = jax.vmap(lambda s: tuple(resume(enter(s)))[:-1])(states)
    limit = jax.vmap(lambda s: word.join(s.retired) + word.join(fuel))(states)

    def tick(values: tuple, effects: Effects, limit: jax.Array) -> tuple[tuple, Effects]:
        lane = commit_lane(Lane._make((*values, size)), effects)
        effects = execute_lane(lane, fetch_lane(program, lane), alu)
        stopped = ~may_run(lane, limit)
        # The address stays: it is where a faulting lane stopped.
        idle = dataclasses.replace(bubble(lane), address=effects.address)
        effects = jax.tree.map(lambda a, b: jnp.where(stopped, a, b), idle, effects)
        return tuple(lane)[:-1], effects

    def running(carry: tuple) -> jax.Array:
        return jnp.any(jax.vmap(lambda v, m: may_run(Lane._make((*v, size)), m))(carry[0], limit))

    first = jax.vmap(lambda v: bubble(Lane._make((*v, size))))(lanes)
    values, effects = lax.while_loop(
        running, lambda c: jax.vmap(tick)(c[0], c[1], limit), (lanes, first)
    )
    done = Lane._make(
        (*jax.vmap(lambda v: tuple(settle(Lane._make((*v, size))))[:-1])(values), size)
    )
    return _leave(states, done.regs, done.mem, done.status, effects.address)


def _leave(
    states: State, regs: jax.Array, mem: jax.Array, status: jax.Array, fault: jax.Array
) -> State:
    faulted = faults(status)[:, None]
    return State(
        **row_fields(regs),
        beat=jnp.zeros_like(states.beat),
        mem=mem,
        perm=states.perm,
        status=status,
        fault=jnp.where(faulted, word.split(fault), states.fault),
    )


_FORMS = {"lanes": _lane_after_lane, "lockstep": _lockstep}


@partial(jax.jit, donate_argnames="states", static_argnames=("form", "mesh"))
@word.with_x64
def _run_batch(
    program: Program, states: State, fuel: jax.Array, alu: Alu, form: Form, mesh: Mesh | None
) -> State:
    body = _FORMS[form]
    if mesh is None:
        return body(program, states, fuel, alu)
    shared, split = PartitionSpec(), PartitionSpec(AXIS)
    return jax.shard_map(
        body, mesh=mesh, in_specs=(shared, split, shared, shared), out_specs=split, check_vma=False
    )(program, states, fuel, alu)


def run_batch(
    program: Program,
    states: State,
    max_steps: int = 1 << 40,
    *,
    alu: Alu = EXACT,
    mesh: Mesh | None = None,
    form: Form | None = None,
) -> State:
    """Run every lane of a batch until it stops, `max_steps` instructions at most.

    Lanes run the same program or different ones: a program of many (`Program.many`) and a
    pc of its own for each lane.

    Args:
      program: the decoded text, shared by all lanes.
      states: a batch; its buffers are donated.
      max_steps: instructions each lane may retire before `Status.OUT_OF_FUEL`.
      alu: the arithmetic.
      mesh: devices over which the lanes are split, one axis named "lanes"; all devices of
        the default backend when left out.
      form: "lanes" (one after the other) or "lockstep"; by default what suits the backend.

    Returns:
      The batch where each lane stopped; `status` has one entry a lane.
    """
    if states.mem.ndim != 3:
        raise ValueError(
            f"run_batch takes a batch, fields with a leading lane axis; mem has shape "
            f"{states.mem.shape}, a single lane's: use run"
        )
    if mesh is None and jax.device_count() > 1:
        mesh = jax.make_mesh((jax.device_count(),), (AXIS,), axis_types=(AxisType.Auto,))
    if form is None:
        form = "lanes" if jax.default_backend() == "cpu" else "lockstep"
    fuel = fuel_limbs(max_steps)
    if mesh is None:
        return _run_batch(program, states, fuel, alu, form, None)
    count, devices = states.status.shape[0], mesh.devices.size
    padded = -(-count // devices) * devices
    if padded != count:
        states = pad(states, padded - count)
    states = jax.device_put(states, NamedSharding(mesh, PartitionSpec(AXIS)))
    program = jax.device_put(program, NamedSharding(mesh, PartitionSpec()))
    done = _run_batch(program, states, fuel, alu, form, mesh)
    return done if padded == count else jax.tree.map(lambda leaf: leaf[:count], done)


def pad(states: State, extra: int) -> State:
    """The batch with `extra` lanes that never run."""
    grown = jax.tree.map(
        lambda leaf: jnp.concatenate([leaf, jnp.zeros((extra, *leaf.shape[1:]), leaf.dtype)]),
        states,
    )
    idle = grown.status.at[len(states.status) :].set(Status.EXITED)
    return grown.replace(status=idle)
