"""Commit: the only writer of the machine's state."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from ncpu.machine import word
from ncpu.machine.effects import WIDE_FIELDS, Effects
from ncpu.machine.execute import Lane, enter, leave, read_doubleword
from ncpu.machine.state import BASE, FLAGS, PC, RETIRED, State, Status
from ncpu.machine.units.operands import read_row
from ncpu.machine.word import u64


def _write_row(regs: jax.Array, index: jax.Array | int, value: jax.Array) -> jax.Array:
    return word.put(regs, index, word.split(value))


def _write_memory(lane: Lane, effects: Effects) -> jax.Array:
    """Up to 8 bytes at any alignment: merge them into two neighbouring doublewords.

    Always done, with an empty mask when nothing is stored: a conditional write would copy
    the whole memory.
    """
    stored = effects.stored.astype(jnp.uint64)
    offset = jnp.where(stored == 0, u64(0), effects.address - lane.row(BASE))
    shift = (offset & u64(7)) * u64(8)
    mask = word.low_mask(stored * u64(8))
    index = lane.first + (offset >> 3).astype(jnp.uint32)
    rest = u64(63) - shift
    mem = lane.mem
    for k, (bits, value) in enumerate(
        (
            (mask << shift, effects.store << shift),
            ((mask >> 1) >> rest, (effects.store >> 1) >> rest),
        )
    ):
        old = read_doubleword(mem, index + k)
        mem = word.put(mem, index + k, word.split(old ^ ((old ^ value) & bits)))
    return mem


def commit_lane(lane: Lane, effects: Effects) -> Lane:
    """`commit` inside the tick."""
    regs = _write_row(lane.regs, effects.rd, effects.value)
    regs = _write_row(regs, effects.rd2, effects.value2)
    regs = _write_row(regs, effects.wb, effects.base)
    regs = _write_row(regs, PC, effects.next_pc)
    regs = _write_row(regs, FLAGS, effects.flags.astype(jnp.uint64))
    # Counted on the new file: reading the old one after a write would copy it.
    count = read_row(regs, RETIRED) + effects.retires.astype(jnp.uint64)
    lane = lane._replace(regs=_write_row(regs, RETIRED, count))
    return lane._replace(
        mem=_write_memory(lane, effects),
        beat=effects.beat,
        status=effects.status,
    )


@jax.jit
@word.with_x64
def commit(state: State, effects: Effects) -> State:
    """The state after `effects` (as `execute` returned them) are done."""
    joined = {name: word.join(getattr(effects, name)) for name in WIDE_FIELDS}
    lane = commit_lane(enter(state), dataclasses.replace(effects, **joined))
    return leave(lane, jnp.where(faults(effects.status), effects.address, state.fault))


def faults(status: jax.Array) -> jax.Array:
    """Whether this `Status` reports an address in `State.fault`."""
    return (status == Status.DATA_FAULT) | (status == Status.ALIGNMENT)
