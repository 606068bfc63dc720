"""Labels beside the machine, on the device: which bytes are bad, undefined or tainted.

Every byte of memory and of the registers has a label of eight bits.  They are kept as a second
lane whose values are labels, written by the same `commit_lane` from label effects: what only
moves bytes is done by the machine's own unit on the labels, so that each byte's label moves with
it; what computes gives its result all labels of what it read.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine import word
from ncpu.machine.alu import Alu
from ncpu.machine.commit import commit_lane, faults
from ncpu.machine.debug.hunt import MARK
from ncpu.machine.debug.labels import (
    BAD,
    EACH,
    RETURN,
    TAINT,
    TRUSTED,
    UNDEFINED,
    Labels,
    fold,
    label_effects,
    used_undefined,
)
from ncpu.machine.effects import Effects
from ncpu.machine.execute import Lane, enter, execute_lane, leave
from ncpu.machine.instr import PACKED_WORDS, field
from ncpu.machine.program import Program
from ncpu.machine.run import bubble, fetch_lane, may_run, resume, settle
from ncpu.machine.state import BASE, PC, RETIRED, SINK, SP, ZR, State, Status
from ncpu.machine.word import u64

# Why a run stopped.
NOTHING, MARKED, BAD_ACCESS, OVER_RETURN, BELOW_SP, UNDEFINED_USE, END, BEYOND = range(8)
_LARGEST_FRAME = 1 << 20


class _Asked(NamedTuple):
    """What a run under labels is given: `run`'s arguments, numbers as `u64`."""

    program: Program
    start: Lane
    text: jax.Array
    skip: jax.Array
    end_pc: jax.Array
    end_sp: jax.Array
    low_stack: jax.Array
    high_stack: jax.Array
    checks: jax.Array
    pointers: jax.Array
    alu: Alu

    def lane(self, values: tuple) -> Lane:
        """A lane out of what a loop carries of it."""
        return Lane._make((*values, self.start.doublewords))


class _Found(NamedTuple):
    """What was found so far: the last three of `Halt`, where to stop, and of `Labels`."""

    why: jax.Array
    at: jax.Array
    address: jax.Array
    limit: jax.Array
    sp: jax.Array
    touched: jax.Array


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
    text = word.join(program.base)
    limit, skip = word.join(limit), word.join(skip)
    ends = (word.join(until[0]), word.join(until[1]), word.join(stack[0]), word.join(stack[1]))
    asked = _Asked(program, lane, text, skip, *ends, checks, pointers, alu)
    label_regs = labels.regs.at[BASE].set(word.split(lane.row(BASE)))
    second = lane._replace(regs=label_regs, mem=labels.mem)
    none = _Found(jnp.int32(NOTHING), u64(0), u64(0), limit, word.join(labels.sp), labels.touched)
    quiet = dataclasses.replace(bubble(second), next_pc=u64(0), status=jnp.int32(0))
    carry = (tuple(lane)[:-1], bubble(lane), tuple(second)[:-1], quiet, none)
    lane_, effects, second_, _, found = lax.while_loop(
        lambda c: may_run(asked.lane(c[0]), c[4].limit), partial(_tick, asked), carry
    )
    done = settle(asked.lane(lane_))
    second = asked.lane(second_)
    fault = jnp.where(faults(done.status), word.split(effects.address), state.fault)
    why, at, address, _, sp, touched = found
    after = Labels(second.regs.at[ZR].set(0), second.mem, word.split(sp), touched)
    return leave(done, fault), after, word.split(jnp.stack([why.astype(jnp.uint64), at, address]))


def _tick(asked: _Asked, carry: tuple) -> tuple:
    lane = commit_lane(asked.lane(carry[0]), carry[1])
    second = commit_lane(asked.lane(carry[2]), carry[3])
    why, at, address, limit, sp, touched = carry[4]
    now_sp = lane.row(SP)
    second = second._replace(mem=_popped(asked, second.mem, sp, now_sp))
    packed = fetch_lane(asked.program, lane)
    effects = execute_lane(lane, packed, asked.alu)
    after, accessed, chosen = label_effects(
        lane, second, packed, effects, asked.alu, asked.pointers, asked.checks
    )
    now, stored = lane.row(RETIRED), effects.stored != 0
    trusted = (packed[TRUSTED[0]] >> TRUSTED[1] & 1 != 0) & ~stored
    undefined = ~trusted & used_undefined(second, packed, chosen)
    found = _bad_use(asked, lane, packed, effects, accessed, after, trusted, undefined)
    hit = may_run(lane, limit) & (found != NOTHING)
    why, at = jnp.where(hit, found, why), jnp.where(hit, now, at)
    address = jnp.where(hit, effects.address, address)
    limit = jnp.where(hit, now, limit)
    # An undefined value that a trusted function loads counts as defined from there on.
    clean = jnp.where(trusted, ~u64(EACH * UNDEFINED), u64(word.MASK64))
    after = dataclasses.replace(after, value=after.value & clean, value2=after.value2 & clean)
    tainted = fold(after.value | after.value2 | after.store) & u64(TAINT) != 0
    tainted = tainted & ((effects.rd != SINK) | stored) & may_run(lane, limit)
    words = touched.shape[0] - 1
    row = jnp.minimum((lane.row(PC) - asked.text) >> 2, u64(words)).astype(jnp.uint32)
    touched = word.put(touched, row, word.at(touched, row) + tainted.astype(jnp.uint32))
    found_ = _Found(why, at, address, limit, now_sp, touched)
    return tuple(lane)[:-1], effects, tuple(second)[:-1], after, found_


def _bad_use(
    asked: _Asked,
    lane: Lane,
    packed: jax.Array,
    effects: Effects,
    accessed: jax.Array,
    after: Effects,
    trusted: jax.Array,
    undefined: jax.Array,
) -> jax.Array:
    """Why the run stops before this instruction, `i32`."""
    now_sp, stored = lane.row(SP), effects.stored != 0
    ended = (lane.row(PC) == asked.end_pc) & (now_sp >= asked.end_sp) & (lane.beat == 0)
    marked = packed[MARK[0]] >> MARK[1] & 1 != 0
    accesses = (effects.size != 0) & (effects.status == Status.RUNNING) & ~trusted
    # From the stack pointer itself only what is being pushed is reached below it.
    below = accesses & (effects.address < now_sp) & (field(packed, "rn") != SP)
    below = below & (effects.address >= asked.low_stack)
    bad = accesses & (accessed & u64(BAD) != 0)
    over = stored & (accessed & u64(RETURN) != 0) & (after.store & u64(RETURN) == 0)
    found = jnp.int32(NOTHING)
    for kind, holds in (
        (UNDEFINED_USE, undefined),
        (BELOW_SP, below & (effects.address < asked.high_stack)),
        (BEYOND, accesses & _beyond(packed, effects, now_sp)),
        (OVER_RETURN, over),
        (BAD_ACCESS, bad),
    ):
        found = jnp.where(holds & asked.checks, kind, found)
    found = jnp.where(marked & (lane.beat == 0), MARKED, found)
    found = jnp.where(lane.row(RETIRED) == asked.skip, NOTHING, found)
    return jnp.where(ended, END, found)


def bounded(program: Program, bounds: dict[int, tuple[int, int]]) -> Program:
    """`program` with where accesses must lie: two words more behind each instruction.

    Args:
      program: the text.
      bounds: by the row of an instruction, bytes [low, high) counted from the stack pointer.
    """
    more = np.zeros((program.rows.shape[0], 2), np.int32)
    for row, bound in bounds.items():
        more[row] = bound
    rows = np.concatenate([np.asarray(program.rows), more.view(np.uint32)], axis=1)
    return dataclasses.replace(program, rows=jnp.asarray(rows))


def _beyond(packed: jax.Array, effects: Effects, sp: jax.Array) -> jax.Array:
    """Whether an access is outside of the bounds that `bounded` gave it."""
    low, high = (
        packed[PACKED_WORDS + k].astype(jnp.int32).astype(jnp.int64).astype(jnp.uint64)
        for k in range(2)
    )
    begin = effects.address - sp - low
    length = high - low
    size = effects.size.astype(jnp.uint64)
    return (length != 0) & ((begin >= length) | (begin + size > length))


def _popped(asked: _Asked, mem: jax.Array, low: jax.Array, high: jax.Array) -> jax.Array:
    """What is given back of the stack holds nothing any more."""
    in_stack = (low >= asked.low_stack) & (high <= asked.high_stack)
    in_stack = in_stack & (high - low < u64(_LARGEST_FRAME))
    stop = jnp.where(in_stack, (high - asked.start.row(BASE)) >> 3, u64(0))

    def clear(carry: tuple) -> tuple:
        at, mem = carry
        gone = jnp.full(2, EACH * UNDEFINED & 0xFFFFFFFF, jnp.uint32)
        return at + 1, word.put(mem, at.astype(jnp.uint32), gone)

    begin = (low - asked.start.row(BASE) + u64(7)) >> 3
    return lax.while_loop(lambda c: c[0] < stop, clear, (begin, mem))[1]


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
      program: the text, of `bounded`, marks in it.
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
