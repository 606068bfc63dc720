"""Labels of bytes: how an instruction moves and mixes them.

What only moves bytes is done by the machine's own unit on the labels, so that each byte's label
moves with it; what computes gives its result all labels of what it read.
"""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from ncpu.machine import word
from ncpu.machine.alu import Alu
from ncpu.machine.debug import reads
from ncpu.machine.effects import Effects
from ncpu.machine.execute import Lane, read_doubleword
from ncpu.machine.instr import Unit, field
from ncpu.machine.program import PAGE_WORDS, Program
from ncpu.machine.state import BASE, FLAGS, SP, TICK_ROWS, State
from ncpu.machine.units import memory, structures
from ncpu.machine.units.operands import Operands
from ncpu.machine.word import u64

UNDEFINED, BAD, RETURN = 0x80, 0x40, 0x20  # RETURN: a saved return address
TAINT = 0x1F  # five labels of the user's
TRUSTED = (2, 30)  # a bit of the packed instruction: its loads are not looked at
EACH = 0x0101010101010101
_MOVERS = {
    Unit.LOAD: memory.load,
    Unit.LOAD_PAIR: memory.load_pair,
    Unit.LOAD_WIDE: memory.load_wide,
    Unit.STORE: memory.store,
    Unit.LOAD_STRUCTURE: structures.load_structure,
    Unit.LOAD_ELEMENT: structures.load_element,
    Unit.STORE_BYTES: structures.store_bytes,
}


class Labels(NamedTuple):
    """The labels of a lane.

    Attributes:
      regs: `u32[112, 2]`, a byte for each byte of a row.
      mem: `u32[D, 2]`.
      sp: `u32[2]`, the stack pointer when the labels were last brought up to date.
      touched: `u32[words + 1]`, how often each instruction handled something tainted.
    """

    regs: jax.Array
    mem: jax.Array
    sp: jax.Array
    touched: jax.Array

    @classmethod
    def none(cls, program: Program, state: State) -> Labels:
        """Nothing is labelled."""
        words = (program.pages.shape[0] - 1) * PAGE_WORDS
        return cls(
            jnp.zeros((TICK_ROWS, 2), jnp.uint32),
            jnp.zeros(state.mem.shape, jnp.uint32),
            jnp.asarray(state.regs)[SP],
            jnp.zeros(words + 1, jnp.uint32),
        )


def fold(labels: jax.Array) -> jax.Array:
    """All labels of a word's bytes, in its lowest byte."""
    for by in (32, 16, 8):
        labels = labels | labels >> by
    return labels & u64(255)


def label_effects(
    lane: Lane,
    labels: Lane,
    packed: jax.Array,
    effects: Effects,
    alu: Alu,
    pointers: jax.Array,
    checks: jax.Array,
) -> tuple[Effects, jax.Array, jax.Array]:
    """What the instruction does to the labels; those it accessed (16); of its address."""
    nothing = u64(0)
    at = jnp.where(effects.size != 0, effects.address, lane.row(BASE)) - lane.row(BASE)
    index, shift = (at >> 3).astype(jnp.uint32), (at & u64(7)) * u64(8)
    words = [read_doubleword(labels.mem, index + k) for k in range(3)]
    low, high = ((a >> shift) | ((b << 1) << (u64(63) - shift)) for a, b in pairwise(words))
    size = effects.size.astype(jnp.uint64) * u64(8)
    low = jnp.where(size == 0, nothing, low & word.low_mask(jnp.minimum(size, u64(64))))
    high = jnp.where(size == 128, high, nothing)
    loads = field(packed, "access") & 1 != 0
    keep = u64(EACH * (0xFF & ~(BAD | RETURN)))
    loaded = [jnp.where(loads, part & keep, nothing) for part in (low, high)]

    wide = (field(packed, "sf") == 1) | (field(packed, "unit") >= int(Unit.FP_MULADD))
    cut = jnp.where(wide, u64(word.MASK64), u64(0xFFFFFFFF))
    every = nothing
    for k in range(reads.MOST):
        every = every | labels.row(reads.data_rows(packed)[k])
    flags = jnp.where(reads.reads_flags(packed), labels.row(FLAGS), nothing)
    every = fold((every & cut) | flags | loaded[0] | loaded[1]) * u64(EACH)
    chosen = fold(
        labels.row(reads.address_rows(packed)[0]) | labels.row(reads.address_rows(packed)[1])
    )

    def moved(unit: object) -> object:
        def run(packed: jax.Array, regs: jax.Array, low: jax.Array, high: jax.Array) -> tuple:
            done = unit(alu, Operands(alu, packed, regs, low, high))  # type: ignore[operator]
            return done.value, done.value2, done.store

        return run

    def logic(packed: jax.Array, regs: jax.Array, low: jax.Array, high: jax.Array) -> tuple:
        """AND, ORR and EOR byte by byte; a constant hides what it makes zero."""
        o = Operands(alu, packed, regs, low, high)
        constant = o.instr.use_imm == 1
        imm = jnp.where(o.instr.invert == 1, ~o.instr.imm, o.instr.imm)
        some = imm | imm >> 4
        some = some | some >> 2
        some = ((some | some >> 1) & u64(EACH)) * u64(255)
        a = jnp.where(constant & (o.instr.op == 0), o.a & some, o.a)
        b = jnp.where(constant, nothing, o.b)
        exact = (o.instr.left | o.instr.right) & 7 == 0
        exact = exact & (o.instr.signed == 0)
        value = jnp.where(
            exact, a | b, fold(o.a | jnp.where(constant, nothing, o.row(o.instr.rm))) * u64(EACH)
        )
        return value & cut, nothing, nothing

    def computed(packed: jax.Array, regs: jax.Array, low: jax.Array, high: jax.Array) -> tuple:
        return every, every, every

    signed = reads.is_unit(packed, Unit.LOAD, Unit.LOAD_PAIR) & (field(packed, "op") == 1)
    which = jnp.int32(0)
    cases = [computed, logic, *(moved(unit) for unit in _MOVERS.values())]
    which = jnp.where(reads.is_unit(packed, Unit.LOGIC), 1, which)
    for k, unit in enumerate(_MOVERS):
        which = jnp.where(reads.is_unit(packed, unit) & ~signed, k + 2, which)
    value, value2, store = lax.switch(which, cases, packed, labels.regs, *loaded)
    through = jnp.where(pointers & (effects.size != 0), chosen * u64(EACH), nothing)
    narrow = jnp.where(wide | signed, u64(word.MASK64), u64(0xFFFFFFFF))
    flag = jnp.where(reads.writes_flags(packed), fold(every), labels.row(FLAGS))
    # Saving the return address marks where it lies.
    saves = reads.is_unit(packed, Unit.STORE) & (field(packed, "ra") == 30) & (effects.stored == 8)
    saves = saves & (field(packed, "rn") == SP)
    # The allocator's own notes stay bad for everyone else.
    kept = jnp.where(checks, nothing, low & u64(EACH * BAD))
    out = dataclasses.replace(
        effects,
        value=(value | through) & narrow,
        value2=value2 | through,
        base=chosen * u64(EACH),
        store=(store | through) & keep | jnp.where(saves, u64(EACH * RETURN), nothing) | kept,
        flags=flag.astype(jnp.uint32),
        next_pc=nothing,
        retires=jnp.uint32(0),
        status=jnp.int32(0),
    )
    return out, fold(low | high), chosen


def used_undefined(labels: Lane, packed: jax.Array, chosen: jax.Array) -> jax.Array:
    """Whether something undefined decides where the program goes or what it accesses."""
    bit = (field(packed, "arg") >> 3).astype(jnp.uint64) * u64(8)
    ra = labels.row(field(packed, "ra"))
    ra = jnp.where(field(packed, "sf") == 1, ra, ra & u64(0xFFFFFFFF))
    used = jnp.where(reads.is_unit(packed, Unit.BRANCH_ZERO), fold(ra), chosen)
    used = jnp.where(reads.is_unit(packed, Unit.BRANCH_BIT), ra >> (bit & u64(63)), used)
    used = jnp.where(reads.is_unit(packed, Unit.BRANCH_COND), labels.row(FLAGS), used)
    to = fold(labels.row(field(packed, "rn")))
    used = jnp.where(reads.is_unit(packed, Unit.BRANCH_REG), to, used)
    return used & u64(UNDEFINED) != 0
