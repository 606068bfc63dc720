"""`Transition`: (view, instruction, bus, effects), exact, from the one `execute`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from ncpu.jepa.view import NZCV, PC, REGISTERS, WORDS, Bus, View
from ncpu.machine import word
from ncpu.machine.alu import EXACT
from ncpu.machine.effects import Effects
from ncpu.machine.execute import Lane, execute_lane
from ncpu.machine.instr import Unit, field
from ncpu.machine.state import BASE, FLAGS, MONITOR, READ, TICK_ROWS, WRITE, ZR, Status
from ncpu.machine.state import PC as PC_ROW

# Units that compute from general registers, flags, pc and memory alone.
COVERED = (
    *(Unit.ADD, Unit.LOGIC, Unit.LOGIC_ROTATED, Unit.INSERT, Unit.SELECT, Unit.COMPARE),
    *(Unit.MULTIPLY, Unit.MULTIPLY_HIGH, Unit.DIVIDE, Unit.SHIFT, Unit.EXTRACT, Unit.BITS),
    *(Unit.CRC, Unit.ADDRESS, Unit.BRANCH, Unit.BRANCH_COND, Unit.BRANCH_ZERO),
    *(Unit.BRANCH_BIT, Unit.BRANCH_REG, Unit.LOAD, Unit.LOAD_PAIR, Unit.LOAD_WIDE),
    *(Unit.STORE, Unit.ATOMIC),
)
_READS = 1  # the bit of `Instr.access` that says memory is read


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Written:
    """The effects of one instruction on a view.

    Attributes:
      rows: `u32[..., 3]`, registers that receive `values`; 32 and above are outside the view.
      values: `u32[..., 3, 2]`: result, second result, updated base.
      pc: `u32[..., 2]` afterwards.
      nzcv: `u32[...]` afterwards.
    """

    rows: Any
    values: Any
    pc: Any
    nzcv: Any


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Transition:
    """One tick as the world model sees it; leading axes are batch axes.

    Attributes:
      before: the view it starts from.
      packed: `u32[..., 8]`, the instruction (`ncpu.machine.instr.unpack` gives its fields).
      bus: what it reads from memory.
      written: what it does.
      valid: `bool[...]`: it ran, and it is one that the model covers.
    """

    before: View
    packed: Any
    bus: Bus
    written: Written
    valid: Any

    @property
    def after(self) -> View:
        """The view it leads to."""
        return apply(self.before, self.written)


def apply(before: View, written: Written) -> View:
    """`before` with what an instruction writes."""
    words = before.words
    places = jnp.arange(REGISTERS, dtype=jnp.uint32)
    regs = words[..., :REGISTERS, :]
    for k in range(3):
        hit = written.rows[..., k, None] == places
        regs = jnp.where(hit[..., None], written.values[..., k, None, :], regs)
    nzcv = jnp.stack([written.nzcv, jnp.zeros_like(written.nzcv)], axis=-1)
    rest = jnp.stack([written.pc, nzcv], axis=-2)
    return View(words=jnp.concatenate([regs, rest], axis=-2))


def covered(packed: Any) -> Any:
    """Whether each instruction of `u32[..., 8]` is one that the model covers.

    It is not when it reads registers outside the view (vectors, system registers).
    """
    unit = field(packed, "unit")
    known = (unit[..., None] == jnp.asarray(COVERED, jnp.uint32)).any(-1)
    for name in ("rn", "rm", "ra"):
        known &= field(packed, name) <= ZR + 1
    return known


def written(effects: Effects) -> Written:
    """What `Effects` (64-bit fields as u64, under x64) change of a view."""
    values = jnp.stack([effects.value, effects.value2, effects.base])
    return Written(
        rows=jnp.stack([effects.rd, effects.rd2, effects.wb]),
        values=word.split(values),
        pc=word.split(effects.next_pc),
        nzcv=effects.flags >> 28,
    )


def done(effects: Effects) -> jax.Array:
    """Whether the tick did what its instruction says, rather than stop the lane."""
    return (effects.status == Status.RUNNING) | (effects.status == Status.SYSCALL)


def _one(words: jax.Array, packed: jax.Array, bus: jax.Array) -> Transition:
    """One exact transition of a lane that has these words and nothing else."""
    regs = jnp.zeros((TICK_ROWS, 2), jnp.uint32)
    regs = regs.at[:REGISTERS].set(words[:REGISTERS])
    regs = regs.at[MONITOR].set(jnp.uint32(0xFFFFFFFF)).at[PC_ROW].set(words[PC])
    regs = regs.at[FLAGS, 0].set(words[NZCV, 0] << 28)
    lane = Lane(
        regs=regs,
        mem=jnp.zeros((8, 2), jnp.uint32).at[:2].set(bus),
        perm=jnp.full(1, READ | WRITE, jnp.uint8),
        first=jnp.uint32(0),
        beat=jnp.uint32(0),
        status=jnp.int32(Status.RUNNING),
        doublewords=8,
    )
    # Where it looks is found first, so that the bus can be put there.
    address = execute_lane(lane, packed, EXACT).address
    lane = lane._replace(regs=regs.at[BASE].set(word.split(address)))
    effects = execute_lane(lane, packed, EXACT)
    return Transition(
        before=View(words=words),
        packed=packed,
        bus=Bus(words=bus),
        written=written(effects),
        valid=done(effects) & covered(packed),
    )


@partial(jax.jit, static_argnames="form")
@word.with_x64
def _transitions(words: jax.Array, packed: jax.Array, bus: jax.Array, form: str) -> Transition:
    reads = (field(packed, "access") & _READS)[:, None, None]
    bus = jnp.where(reads == 1, bus, jnp.zeros_like(bus))
    if form == "lockstep":
        return jax.vmap(_one)(words, packed, bus)
    return lax.map(lambda given: _one(*given), (words, packed, bus))


def transitions(before: View, packed: jax.Array, bus: Bus) -> Transition:
    """Exactly what each instruction does from each view, whatever program it comes from.

    Args:
      before: views of shape `[n]`.
      packed: `u32[n, 8]`, an instruction for each.
      bus: what each would read from memory.

    Returns:
      The transitions, not valid where the instruction faults or is not covered.
    """
    form = "lanes" if jax.default_backend() == "cpu" else "lockstep"
    return _transitions(before.words, packed, bus.words, form)


def take(batch: Any, index: Any) -> Any:
    """`batch[index]` in every leaf of a pytree."""
    return jax.tree.map(lambda leaf: leaf[index], batch)


__all__ = ["COVERED", "WORDS", "Transition", "Written", "apply", "covered", "take", "transitions"]
