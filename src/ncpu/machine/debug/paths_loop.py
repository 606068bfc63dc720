"""Many lanes along one path, on the device: the first lane's trace, compared with the others'.

The lanes of a batch run one after the other, as in `batch.run_batch`.  The first writes down
where it is and what it accesses; the others are held against it instruction by instruction.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine import word
from ncpu.machine.alu import Alu
from ncpu.machine.commit import commit_lane, faults
from ncpu.machine.execute import Lane, execute_lane, row_fields, tick_rows
from ncpu.machine.instr import Unit, field
from ncpu.machine.program import PAGE_WORDS, Program
from ncpu.machine.run import bubble, fetch_lane, may_run, resume, settle
from ncpu.machine.state import PC, RETIRED, SP, State
from ncpu.machine.word import u64

LINES = 1 << 18  # transfers of the first lane that are kept at a time
PIECE = LINES // 32  # instructions: none has more than 32 transfers
# What Arm's data-independent timing (PSTATE.DIT) does not cover: division, floating point.
SLOW = (Unit.DIVIDE, *(unit for unit in Unit if unit.name.startswith("FP_")))
ADDRESS, OPERANDS = 0, 1  # what differs: an address, or operands of variable time


def _line(lane: Lane, packed: jax.Array, effects: object) -> jax.Array:
    """What is compared of one transfer: `u64[5]`, pc, address, three operands."""
    used = effects.size != 0  # type: ignore[attr-defined]
    address = jnp.where(used, effects.address, u64(0))  # type: ignore[attr-defined]
    slow = jnp.zeros((), bool)
    for unit in SLOW:
        slow |= field(packed, "unit") == int(unit)
    rows = [lane.row(field(packed, name)) for name in ("rn", "rm", "ra")]
    return jnp.stack([lane.row(PC), address, *(jnp.where(slow, r, u64(0)) for r in rows)])


class _Asked(NamedTuple):
    """What all lanes are given: `piece`'s arguments, numbers as `u64`."""

    program: Program
    base: jax.Array
    end_pc: jax.Array
    end_sp: jax.Array
    words: int
    size: int
    alu: Alu

    def lane(self, values: tuple) -> Lane:
        """A lane out of what a loop carries of it."""
        return Lane._make((*values, self.size))


@partial(jax.jit, donate_argnames=("states", "lines", "findings"))
@word.with_x64
def _piece(
    program: Program,
    states: State,
    follows: jax.Array,
    limit: jax.Array,
    until: jax.Array,
    lines: jax.Array,
    findings: jax.Array,
    alu: Alu,
) -> tuple[State, jax.Array, jax.Array, jax.Array, jax.Array]:
    count, size = states.mem.shape[:2]
    perm, base = states.perm.reshape(-1), word.join(program.base)
    limit, end_pc, end_sp = word.join(limit), word.join(until[0]), word.join(until[1])
    asked = _Asked(program, base, end_pc, end_sp, findings.shape[0] - 1, size, alu)

    def one(index: jax.Array, carry: tuple) -> tuple:
        regs, mem, status, beat, fault, lines, used, parted, findings = carry
        start = resume(
            Lane(
                regs=word.at(regs, index),
                mem=mem,
                perm=perm,
                first=index * jnp.uint32(size),
                beat=jnp.uint32(0),
                status=word.at(status, index),
                doublewords=size,
            )
        )
        mine = jnp.where(follows[index], limit, u64(0))
        done, address, (k, _, apart, lines, findings) = _along(
            asked, index, start, used, (jnp.uint32(0), mine, u64(word.MASK64), lines, findings)
        )
        return (
            word.put(regs, index, done.regs),
            done.mem,
            word.put(status, index, done.status),
            word.put(beat, index, (done.row(PC) == end_pc) & (done.row(SP) >= end_sp)),
            word.put(fault, index, address),
            lines,
            jnp.where(index == 0, k, used),
            word.put(parted, index, apart),
            findings,
        )

    begun = (
        tick_rows(states),
        states.mem.reshape(-1, 2),
        states.status,
        jnp.zeros(count, bool),
        jnp.zeros(count, jnp.uint64),
        lines,
        jnp.uint32(0),
        jnp.full(count, word.MASK64, jnp.uint64),
        findings,
    )
    regs, mem, status, ended, fault, lines, _, parted, findings = lax.fori_loop(
        jnp.uint32(0), jnp.uint32(count), one, begun
    )
    after = State(
        **row_fields(regs),
        beat=jnp.zeros_like(states.beat),
        mem=mem.reshape(states.mem.shape),
        perm=states.perm,
        status=status,
        fault=jnp.where(faults(status)[:, None], word.split(fault), states.fault),
    )
    return after, lines, findings, word.split(parted), ended


def _along(
    asked: _Asked, index: jax.Array, start: Lane, used: jax.Array, begun: tuple
) -> tuple[Lane, jax.Array, tuple]:
    """Run one lane beside the first one's trace of `used` lines, or write that trace."""
    leads = index == 0

    def tick(carry: tuple) -> tuple:
        lane = commit_lane(asked.lane(carry[0]), carry[1])
        k, stop, apart, lines, findings = carry[2]
        packed = fetch_lane(asked.program, lane)
        effects = execute_lane(lane, packed, asked.alu)
        now = lane.row(RETIRED)
        ended = (lane.row(PC) == asked.end_pc) & (lane.row(SP) >= asked.end_sp) & (lane.beat == 0)
        stop = jnp.where(ended, now, stop)
        counted = may_run(lane, stop)
        mine, theirs = _line(lane, packed, effects), word.join(word.at(lines, k))
        aside = counted & ~leads & ((mine[0] != theirs[0]) | (k >= used))
        apart = jnp.where(aside & (apart == u64(word.MASK64)), k.astype(jnp.uint64), apart)
        stop = jnp.where(aside, now, stop)
        compared = counted & ~aside & ~leads
        at = jnp.minimum((lane.row(PC) - asked.base) >> 2, u64(asked.words)).astype(jnp.uint32)
        # One row is read and written once: with two, XLA copies all of them at every tick.
        row = word.at(findings, at)
        unlike = compared & jnp.stack([mine[1] != theirs[1], (mine[2:] != theirs[2:]).any()])
        last = jnp.stack([row[:, 0] + 1, jnp.full(2, index + 1)], 1)
        findings = word.put(findings, at, jnp.where(unlike[:, None], last, row))
        lines = word.put(lines, k, word.split(jnp.where(leads & counted, mine, theirs)))
        k = k + counted.astype(jnp.uint32)
        return tuple(lane)[:-1], effects, (k, stop, apart, lines, findings)

    values, effects, kept = lax.while_loop(
        lambda c: may_run(asked.lane(c[0]), c[2][1]) & (c[2][0] < LINES),
        tick,
        (tuple(start)[:-1], bubble(start), begun),
    )
    return settle(asked.lane(values)), effects.address, kept


def new_findings(program: Program) -> jax.Array:
    """Nothing differs yet: `u32[words + 1, 2, 2]`.

    For every instruction, by `(pc - base) >> 2`, and for ADDRESS and OPERANDS: how often it
    differed from the first lane, and 1 + the lane that differed last.
    """
    words = (program.pages.shape[0] - 1) * PAGE_WORDS
    return jnp.zeros((words + 1, 2, 2), jnp.uint32)


def new_lines() -> jax.Array:
    """Room for the first lane's trace."""
    return jnp.zeros((LINES, 5, 2), jnp.uint32)


def piece(
    program: Program,
    states: State,
    follows: np.ndarray,
    limit: int,
    until: tuple[int, int],
    lines: jax.Array,
    findings: jax.Array,
    alu: Alu,
) -> tuple[State, jax.Array, jax.Array, np.ndarray, np.ndarray]:
    """Run every lane of a batch to `limit` retired instructions and compare with the first.

    Args:
      program: the text.
      states: the batch, donated; all lanes have retired as many instructions.
      follows: `bool[lanes]`, which lanes run at all.
      limit: retired count to stop at, PIECE further at most.
      until: pc and sp: a lane has ended where it comes to that pc with at least that sp.
      lines: the first lane's trace, donated, of `new_lines` or a piece before.
      findings: what differed before, donated, of `new_findings` or a piece before.
      alu: the arithmetic.

    Returns:
      The batch, the trace, the findings, `u64[lanes]` with the transfer at which a lane left
      the first one's path (all ones where it did not), and `bool[lanes]`: it has ended.
    """
    limbs = word.to_limbs(limit), word.to_limbs(np.array(until, np.uint64))
    states, lines, findings, parted, ended = _piece(
        program, states, jnp.asarray(follows), *limbs, lines, findings, alu
    )
    return states, lines, findings, word.from_limbs(np.asarray(parted)), np.asarray(ended)
