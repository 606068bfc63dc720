"""Labels beside the machine, on the device: which bytes are bad, undefined or tainted.

Every byte of memory and of the registers has a label of eight bits.  They are kept as a second
lane whose values are labels, written by the same `commit_lane` from label effects: what only
moves bytes is done by the machine's own unit on the labels, so that each byte's label moves with
it; what computes gives its result all labels of what it read.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine import word
from ncpu.machine.alu import Alu
from ncpu.machine.commit import commit_lane, faults
from ncpu.machine.debug import reads
from ncpu.machine.debug.hunt import MARK
from ncpu.machine.effects import Effects
from ncpu.machine.execute import Lane, enter, execute_lane, leave, read_doubleword
from ncpu.machine.instr import Unit, field
from ncpu.machine.program import PAGE_WORDS, Program
from ncpu.machine.run import bubble, fetch_lane, may_run, resume, settle
from ncpu.machine.state import BASE, FLAGS, PC, RETIRED, SINK, SP, TICK_ROWS, ZR, State, Status
from ncpu.machine.units import memory, structures
from ncpu.machine.units.operands import Operands
from ncpu.machine.word import u64

UNDEFINED, BAD, RETURN = 0x80, 0x40, 0x20  # RETURN: a saved return address
TAINT = 0x1F  # five labels of the user's
# Why a run stopped.
NOTHING, MARKED, BAD_ACCESS, OVER_RETURN, BELOW_SP, UNDEFINED_USE, END = range(7)
TRUSTED = (2, 30)  # a bit of the packed instruction: its loads are not looked at
_EACH = 0x0101010101010101
_MOVERS = {
    Unit.LOAD: memory.load,
    Unit.LOAD_PAIR: memory.load_pair,
    Unit.LOAD_WIDE: memory.load_wide,
    Unit.STORE: memory.store,
    Unit.LOAD_STRUCTURE: structures.load_structure,
    Unit.LOAD_ELEMENT: structures.load_element,
    Unit.STORE_BYTES: structures.store_bytes,
}
_LARGEST_FRAME = 1 << 20


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


def _fold(labels: jax.Array) -> jax.Array:
    """All labels of a word's bytes, in its lowest byte."""
    for by in (32, 16, 8):
        labels = labels | labels >> by
    return labels & u64(255)


def _label_effects(
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
    keep = u64(_EACH * (0xFF & ~(BAD | RETURN)))
    loaded = [jnp.where(loads, part & keep, nothing) for part in (low, high)]

    wide = (field(packed, "sf") == 1) | (field(packed, "unit") >= int(Unit.FP_MULADD))
    cut = jnp.where(wide, u64(word.MASK64), u64(0xFFFFFFFF))
    every = nothing
    for k in range(reads.MOST):
        every = every | labels.row(reads.data_rows(packed)[k])
    flags = jnp.where(reads.reads_flags(packed), labels.row(FLAGS), nothing)
    every = _fold((every & cut) | flags | loaded[0] | loaded[1]) * u64(_EACH)
    chosen = _fold(
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
        some = ((some | some >> 1) & u64(_EACH)) * u64(255)
        a = jnp.where(constant & (o.instr.op == 0), o.a & some, o.a)
        b = jnp.where(constant, nothing, o.b)
        exact = (o.instr.left | o.instr.right) & 7 == 0
        exact = exact & (o.instr.signed == 0)
        value = jnp.where(
            exact, a | b, _fold(o.a | jnp.where(constant, nothing, o.row(o.instr.rm))) * u64(_EACH)
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
    through = jnp.where(pointers & (effects.size != 0), chosen * u64(_EACH), nothing)
    narrow = jnp.where(wide | signed, u64(word.MASK64), u64(0xFFFFFFFF))
    flag = jnp.where(reads.writes_flags(packed), _fold(every), labels.row(FLAGS))
    # Saving the return address marks where it lies.
    saves = reads.is_unit(packed, Unit.STORE) & (field(packed, "ra") == 30) & (effects.stored == 8)
    saves = saves & (field(packed, "rn") == SP)
    # The allocator's own notes stay bad for everyone else.
    kept = jnp.where(checks, nothing, low & u64(_EACH * BAD))
    out = dataclasses.replace(
        effects,
        value=(value | through) & narrow,
        value2=value2 | through,
        base=chosen * u64(_EACH),
        store=(store | through) & keep | jnp.where(saves, u64(_EACH * RETURN), nothing) | kept,
        flags=flag.astype(jnp.uint32),
        next_pc=nothing,
        retires=jnp.uint32(0),
        status=jnp.int32(0),
    )
    return out, _fold(low | high), chosen


def _used_undefined(labels: Lane, packed: jax.Array, chosen: jax.Array) -> jax.Array:
    """Whether something undefined decides where the program goes or what it accesses."""
    bit = (field(packed, "arg") >> 3).astype(jnp.uint64) * u64(8)
    ra = labels.row(field(packed, "ra"))
    ra = jnp.where(field(packed, "sf") == 1, ra, ra & u64(0xFFFFFFFF))
    used = jnp.where(reads.is_unit(packed, Unit.BRANCH_ZERO), _fold(ra), chosen)
    used = jnp.where(reads.is_unit(packed, Unit.BRANCH_BIT), ra >> (bit & u64(63)), used)
    used = jnp.where(reads.is_unit(packed, Unit.BRANCH_COND), labels.row(FLAGS), used)
    to = _fold(labels.row(field(packed, "rn")))
    used = jnp.where(reads.is_unit(packed, Unit.BRANCH_REG), to, used)
    return used & u64(UNDEFINED) != 0


@partial(jax.jit, donate_argnames=("state", "labels"))
@word.with_x64
def _run(
    program: Program,
    state: State,
    labels: Labels,
    limit: jax.Array,
    skip: jax.Array,
    until: jax.Array,
    stack: jax.Array,
    checks: jax.Array,
    pointers: jax.Array,
    alu: Alu,
) -> tuple[State, Labels, jax.Array]:
    lane = resume(enter(state))
    size, text = lane.doublewords, word.join(program.base)
    limit, skip = word.join(limit), word.join(skip)
    end_pc, end_sp = word.join(until[0]), word.join(until[1])
    low_stack, high_stack = word.join(stack[0]), word.join(stack[1])
    label_regs = labels.regs.at[BASE].set(word.split(lane.row(BASE)))
    second = lane._replace(regs=label_regs, mem=labels.mem)
    words = labels.touched.shape[0] - 1

    def popped(mem: jax.Array, low: jax.Array, high: jax.Array) -> jax.Array:
        """What is given back of the stack holds nothing any more."""
        in_stack = (low >= low_stack) & (high <= high_stack) & (high - low < u64(_LARGEST_FRAME))
        stop = jnp.where(in_stack, (high - lane.row(BASE)) >> 3, u64(0))

        def clear(carry: tuple) -> tuple:
            at, mem = carry
            gone = jnp.full(2, _EACH * UNDEFINED & 0xFFFFFFFF, jnp.uint32)
            return at + 1, word.put(mem, at.astype(jnp.uint32), gone)

        begin = (low - lane.row(BASE) + u64(7)) >> 3
        return lax.while_loop(lambda c: c[0] < stop, clear, (begin, mem))[1]

    def tick(carry: tuple) -> tuple:
        lane = commit_lane(Lane._make((*carry[0], size)), carry[1])
        second = commit_lane(Lane._make((*carry[2], size)), carry[3])
        why, at, address, limit, sp, touched = carry[4]
        now_sp = lane.row(SP)
        second = second._replace(mem=popped(second.mem, sp, now_sp))
        packed = fetch_lane(program, lane)
        effects = execute_lane(lane, packed, alu)
        after, accessed, chosen = _label_effects(
            lane, second, packed, effects, alu, pointers, checks
        )
        now, stored = lane.row(RETIRED), effects.stored != 0
        ended = (lane.row(PC) == end_pc) & (now_sp >= end_sp) & (lane.beat == 0)
        marked = packed[MARK[0]] >> MARK[1] & 1 != 0
        trusted = (packed[TRUSTED[0]] >> TRUSTED[1] & 1 != 0) & ~stored
        accesses = (effects.size != 0) & (effects.status == Status.RUNNING) & ~trusted
        # From the stack pointer itself only what is being pushed is reached below it.
        below = accesses & (effects.address < now_sp) & (field(packed, "rn") != SP)
        below = below & (effects.address >= low_stack)
        bad = accesses & (accessed & u64(BAD) != 0)
        over = stored & (accessed & u64(RETURN) != 0) & (after.store & u64(RETURN) == 0)
        undefined = ~trusted & _used_undefined(second, packed, chosen)
        found = jnp.int32(NOTHING)
        for kind, holds in (
            (UNDEFINED_USE, undefined),
            (BELOW_SP, below & (effects.address < high_stack)),
            (OVER_RETURN, over),
            (BAD_ACCESS, bad),
        ):
            found = jnp.where(holds & checks, kind, found)
        found = jnp.where(marked & (lane.beat == 0), MARKED, found)
        found = jnp.where(now == skip, NOTHING, found)
        found = jnp.where(ended, END, found)
        hit = may_run(lane, limit) & (found != NOTHING)
        why, at = jnp.where(hit, found, why), jnp.where(hit, now, at)
        address = jnp.where(hit, effects.address, address)
        limit = jnp.where(hit, now, limit)
        # An undefined value that a trusted function loads counts as defined from there on.
        clean = jnp.where(trusted, ~u64(_EACH * UNDEFINED), u64(word.MASK64))
        after = dataclasses.replace(after, value=after.value & clean, value2=after.value2 & clean)
        tainted = _fold(after.value | after.value2 | after.store) & u64(TAINT) != 0
        tainted = tainted & ((effects.rd != SINK) | stored) & may_run(lane, limit)
        row = jnp.minimum((lane.row(PC) - text) >> 2, u64(words)).astype(jnp.uint32)
        touched = word.put(touched, row, word.at(touched, row) + tainted.astype(jnp.uint32))
        found_ = (why, at, address, limit, now_sp, touched)
        return tuple(lane)[:-1], effects, tuple(second)[:-1], after, found_

    none = jnp.int32(NOTHING), u64(0), u64(0), limit, word.join(labels.sp), labels.touched
    quiet = dataclasses.replace(bubble(second), next_pc=u64(0), status=jnp.int32(0))
    carry = (tuple(lane)[:-1], bubble(lane), tuple(second)[:-1], quiet, none)
    lane_, effects, second_, _, found = lax.while_loop(
        lambda c: may_run(Lane._make((*c[0], size)), c[4][3]), tick, carry
    )
    done = settle(Lane._make((*lane_, size)))
    second = Lane._make((*second_, size))
    fault = jnp.where(faults(done.status), word.split(effects.address), state.fault)
    why, at, address, _, sp, touched = found
    after = Labels(second.regs.at[ZR].set(0), second.mem, word.split(sp), touched)
    return leave(done, fault), after, word.split(jnp.stack([why.astype(jnp.uint64), at, address]))


class Halt(NamedTuple):
    """Why a run under labels stopped: a kind, the retired count and the address accessed."""

    why: int
    at: int
    address: int


def run(
    program: Program,
    state: State,
    labels: Labels,
    limit: int,
    *,
    alu: Alu,
    stack: tuple[int, int],
    skip: int | None = None,
    until: tuple[int, int] = (word.MASK64, 0),
    checks: bool = True,
    pointers: bool = False,
) -> tuple[State, Labels, Halt]:
    """Run until `limit` instructions are retired in all, a mark, `until` or a finding.

    Args:
      program: the text, marks in it.
      state, labels: of one lane, donated.
      limit: retired count to stop at.
      alu: the arithmetic.
      stack: lowest and highest address of the stack.
      skip: the retired count at which nothing is looked for: where one stands.
      until: pc and sp: stop before that pc with at least that sp.
      checks: look for bad accesses and uses of what is undefined.
      pointers: what is loaded has the labels of its address, too.
    """
    state, labels, found = _run(
        program,
        state,
        labels,
        word.to_limbs(limit),
        word.to_limbs(word.MASK64 if skip is None else skip),
        word.to_limbs(np.array(until, np.uint64)),
        word.to_limbs(np.array(stack, np.uint64)),
        np.bool_(checks),
        np.bool_(pointers),
        alu,
    )
    return state, labels, Halt(*(int(v) for v in word.from_limbs(np.asarray(found))))
