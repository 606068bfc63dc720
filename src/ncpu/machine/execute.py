"""Execute: read the operands, compute, and say what changes.  Nothing is written here."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from ncpu.machine import word
from ncpu.machine.alu import EXACT, Alu
from ncpu.machine.effects import WIDE_FIELDS, Effects
from ncpu.machine.instr import Instr, Unit, pack
from ncpu.machine.state import (
    BASE,
    FLAGS,
    PC,
    READ,
    RETIRED,
    ROWS,
    SINK,
    TICK_ROWS,
    WRITE,
    State,
    Status,
)
from ncpu.machine.units import control, floating, integer, memory, vector
from ncpu.machine.units.operands import Fields, Operands, Result, read_row
from ncpu.machine.word import u64

UNITS = {
    Unit.UNDEFINED: control.undefined,
    Unit.NO_CODE: control.no_code,
    Unit.ADD: integer.add,
    Unit.LOGIC: integer.logic,
    Unit.LOGIC_ROTATED: integer.logic_rotated,
    Unit.INSERT: integer.insert,
    Unit.SELECT: integer.select,
    Unit.COMPARE: integer.compare,
    Unit.MULTIPLY: integer.multiply,
    Unit.MULTIPLY_HIGH: integer.multiply_high,
    Unit.DIVIDE: integer.divide,
    Unit.SHIFT: integer.shift,
    Unit.EXTRACT: integer.extract,
    Unit.BITS: integer.bits,
    Unit.CRC: integer.crc,
    Unit.ADDRESS: control.address,
    Unit.BRANCH: control.branch,
    Unit.BRANCH_COND: control.branch_cond,
    Unit.BRANCH_ZERO: control.branch_zero,
    Unit.BRANCH_BIT: control.branch_bit,
    Unit.BRANCH_REG: control.branch_reg,
    Unit.LOAD: memory.load,
    Unit.LOAD_PAIR: memory.load_pair,
    Unit.LOAD_WIDE: memory.load_wide,
    Unit.STORE: memory.store,
    Unit.STORE_EXCLUSIVE: memory.store_exclusive,
    Unit.ATOMIC: memory.atomic,
    Unit.SYSTEM: control.system,
    **floating.UNITS,
    **vector.UNITS,
}


class Lane(NamedTuple):
    """A state inside the tick.

    The register file has pc, flags, count and base as further rows, so that one array is
    all a unit needs.  `mem` and `perm` may hold many lanes end to end: this one's
    doublewords start at `first` and there are `doublewords` of them.
    """

    regs: jax.Array  # u32[112, 2]
    mem: jax.Array  # u32[D, 2]
    perm: jax.Array  # u8[D // 512]
    first: jax.Array  # u32
    beat: jax.Array  # u32
    status: jax.Array  # i32
    doublewords: int

    def row(self, index: jax.Array | int) -> jax.Array:
        """A row of the register file, `u64`."""
        return read_row(self.regs, index)


class Access(NamedTuple):
    """The 16 bytes at an address and whether the access is allowed."""

    low: jax.Array
    high: jax.Array
    allowed: jax.Array


def read_doubleword(mem: jax.Array, index: jax.Array) -> jax.Array:
    """Doubleword `index` of memory as `u64`; the last one when beyond."""
    return word.join(word.at(mem, index))


def _probe(lane: Lane, address: jax.Array, size: jax.Array, need: jax.Array) -> Access:
    """Read 16 bytes and check range and permissions of the first `size` of them."""
    offset = address - lane.row(BASE)
    inside = offset <= u64(lane.doublewords * 8) - size
    offset = jnp.where(inside, offset, u64(0))
    index = lane.first + (offset >> 3).astype(jnp.uint32)
    shift = (offset & u64(7)) * u64(8)
    words = [read_doubleword(lane.mem, index + k) for k in range(3)]

    def align(this: jax.Array, following: jax.Array) -> jax.Array:
        return (this >> shift) | ((following << 1) << (u64(63) - shift))

    pages = lane.first >> 9
    final = offset + size - u64(1)
    granted = word.at(lane.perm, pages + (offset >> 12).astype(jnp.uint32)) & word.at(
        lane.perm, pages + (final >> 12).astype(jnp.uint32)
    )
    allowed = inside & ((granted & need) == need)
    return Access(align(words[0], words[1]), align(words[1], words[2]), allowed)


def execute_lane(lane: Lane, packed: jax.Array, alu: Alu) -> Effects:
    """`execute` inside the tick, on a packed instruction `u32[8]`; the effects' words are u64.

    Every unit is given the same two arrays and reads what it needs: operands of its own
    for each would be buffers written on every tick, whichever unit runs.
    """
    nothing = u64(0)
    operands = Operands(alu, packed, lane.regs, nothing, nothing)
    instr = operands.instr
    size = u64(1) << instr.size.astype(jnp.uint64)

    a = operands.a
    moved = alu.when(instr.access != 0, lambda: alu.add(a, operands.b, nothing, jnp.bool_(True))[0])
    # A load or store addresses base + offset, or the base alone (post-index).
    address = jnp.where(instr.post == 1, a, moved)
    need = (instr.access & 1) * READ | (instr.access >> 1) * WRITE
    access = lax.cond(
        instr.access != 0,
        lambda: _probe(lane, address, size, need.astype(jnp.uint8)),
        lambda: Access(nothing, nothing, jnp.bool_(True)),
    )
    units = [lambda *read, unit=UNITS[unit]: unit(alu, Operands(alu, *read)) for unit in Unit]
    unit = instr.unit.astype(jnp.int32)
    result = lax.switch(unit, units, packed, lane.regs, access.low, access.high)
    misaligned = (instr.aligned == 1) & (address & (size - u64(1)) != 0)
    status = jnp.where(
        misaligned,
        jnp.int32(Status.ALIGNMENT),
        jnp.where(access.allowed, result.status, jnp.int32(Status.DATA_FAULT)),
    )
    return _effects(lane, instr, result, status, address, moved, size)


def _effects(
    lane: Lane,
    instr: Fields,
    result: Result,
    status: jax.Array,
    address: jax.Array,
    moved: jax.Array,
    size: jax.Array,
) -> Effects:
    """Effects of a result; of a precise stop, nothing but the status."""
    done = (status == Status.RUNNING) | (status == Status.SYSCALL) | (status == Status.CODE_CHANGED)
    complete = done & (instr.last == 1)

    def row(index: jax.Array) -> jax.Array:
        return jnp.where(done, index, jnp.uint32(SINK))

    accessed = jnp.where(instr.access != 0, size, u64(0)).astype(jnp.uint32)
    return Effects(
        rd=row(instr.rd),
        rd2=row(instr.rd2),
        wb=row(instr.wb),
        value=result.value,
        value2=result.value2,
        base=moved,
        address=address,
        size=accessed,
        # A 16-byte access for writing only asks for permission; stores are of 8 at most.
        stored=jnp.where(done & (instr.access >= 2) & (instr.size < 4), accessed, jnp.uint32(0)),
        store=result.store,
        flags=jnp.where(done, result.flags, lane.regs[FLAGS, 0]),
        next_pc=jnp.where(complete, result.next_pc, lane.row(PC)),
        beat=jnp.where(done, jnp.where(complete, jnp.uint32(0), instr.next), lane.beat),
        retires=complete.astype(jnp.uint32),
        status=status,
    )


def tick_rows(state: State) -> jax.Array:
    """The register file of the tick, `u32[..., 112, 2]`: pc, flags, count and base as rows."""
    flags = jnp.stack([state.flags, jnp.zeros_like(state.flags)], axis=-1)
    further = jnp.stack([state.pc, flags, state.retired, state.base], axis=-2)
    spare = jnp.zeros((*state.regs.shape[:-2], TICK_ROWS - BASE - 1, 2), jnp.uint32)
    return jnp.concatenate([state.regs, further, spare], axis=-2)


def row_fields(regs: jax.Array) -> dict[str, jax.Array]:
    """The fields of `State` that the register file of the tick holds."""
    return {
        "regs": regs[..., :ROWS, :],
        "pc": regs[..., PC, :],
        "flags": regs[..., FLAGS, 0],
        "retired": regs[..., RETIRED, :],
        "base": regs[..., BASE, :],
    }


def enter(state: State) -> Lane:
    """A single-lane state as a `Lane`; only under x64."""
    return Lane(
        regs=tick_rows(state),
        mem=state.mem,
        perm=state.perm,
        first=jnp.uint32(0),
        beat=state.beat,
        status=state.status,
        doublewords=state.mem.shape[0],
    )


def leave(lane: Lane, fault: jax.Array) -> State:
    """The state of a `Lane` with memory of its own; `fault` is `u32[2]`."""
    return State(
        **row_fields(lane.regs),
        beat=lane.beat,
        mem=lane.mem,
        perm=lane.perm,
        status=lane.status,
        fault=fault,
    )


@jax.jit
@word.with_x64
def execute(state: State, instr: Instr, alu: Alu = EXACT) -> Effects:
    """What one instruction does to one lane, computed but not done.

    Args:
      state: one lane.
      instr: its next instruction (or transfer), fields of shape `()`.
      alu: the arithmetic.

    Returns:
      The effects; 64-bit fields are `u32[2]` limbs.
    """
    effects = execute_lane(enter(state), pack(instr), alu)
    split = {name: word.split(getattr(effects, name)) for name in WIDE_FIELDS}
    return dataclasses.replace(effects, **split)
