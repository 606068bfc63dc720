"""The loop of `run` with eyes: breakpoints and watchpoints on the device, and traces.

The same `fetch_lane`, `execute_lane` and `commit_lane` as in `run`, in the same order; these
loops only read the `Effects` in between.  A program without traps runs through `run` itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine import word
from ncpu.machine.alu import Alu
from ncpu.machine.commit import commit_lane, faults
from ncpu.machine.effects import WIDE_FIELDS, Effects
from ncpu.machine.execute import Lane, enter, execute_lane, leave
from ncpu.machine.instr import PACKED_WORDS, Unit, field
from ncpu.machine.program import PAGE_WORDS, Program
from ncpu.machine.run import bubble, fetch_lane, may_run, resume, settle
from ncpu.machine.state import BASE, PC, RETIRED, State, Status
from ncpu.machine.word import u64

ON_READ, ON_WRITE = 1, 2
# A bit of the packed instruction that no field uses: a breakpoint is here.
MARK = (2, 31)
_UNMARKED = np.full(PACKED_WORDS, 0xFFFFFFFF, np.uint32)
_UNMARKED[MARK[0]] ^= np.uint32(1 << MARK[1])


@dataclass(frozen=True)
class Watch:
    """A range of memory [low, high) and which accesses to it count, ON_READ | ON_WRITE."""

    low: int
    high: int
    kinds: int = ON_WRITE


@dataclass(frozen=True)
class Hit:
    """What a hunt found: `count` instants; the last was before instruction number `at`.

    `address` is the access that hit, None where it was a breakpoint.
    """

    count: int
    at: int
    address: int | None


def mark(program: Program, addresses: Sequence[int]) -> Program:
    """`program` with breakpoints; addresses that hold no instruction are left out."""
    rows = np.array(program.rows)
    for address in addresses:
        row = row_of(program, address)
        if row is not None:
            rows[row, MARK[0]] |= np.uint32(1 << MARK[1])
    return replace(program, rows=jnp.asarray(rows))


def row_of(program: Program, address: int) -> int | None:
    """The row of the instruction at `address`, None where there is none."""
    page = (address - int(word.from_limbs(np.asarray(program.base)))) >> 12
    if address % 4 or not 0 <= page < len(program.pages) - 1:
        return None
    row = int(program.pages[page]) + (address >> 2) % PAGE_WORDS
    unit = int(field(np.asarray(program.rows[row]), "unit"))
    return None if unit == Unit.NO_CODE else row


def table(watches: Sequence[Watch]) -> np.ndarray:
    """Watches as `u32[W, 3, 2]` (low, high, kinds), W a power of two from 32 on."""
    size = 32
    while size < len(watches):
        size *= 2
    out = np.zeros((size, 3, 2), np.uint32)
    for row, watch in zip(out, watches, strict=False):
        row[:] = word.to_limbs(np.array([watch.low, watch.high, watch.kinds], np.uint64))
    return out


def _overlaps(effects: Effects, packed: jax.Array, watches: jax.Array) -> jax.Array:
    """Whether what the instruction accesses is watched."""
    low, high, kinds = (word.join(watches[:, k]) for k in range(3))
    stored = effects.stored.astype(jnp.uint64)
    loaded = jnp.where(field(packed, "access") & 1 != 0, effects.size.astype(jnp.uint64), u64(0))
    done = effects.status == Status.RUNNING

    def meets(length: jax.Array, kind: int) -> jax.Array:
        inside = (effects.address < high) & (low < effects.address + length)
        return inside & (length != 0) & (kinds & u64(kind) != 0)

    return done & (meets(stored, ON_WRITE) | meets(loaded, ON_READ)).any()


@partial(jax.jit, donate_argnames="state")
@word.with_x64
def _hunt(
    program: Program,
    state: State,
    limit: jax.Array,
    skip: jax.Array,
    watches: jax.Array,
    stop: jax.Array,
    early: jax.Array,
    alu: Alu,
) -> tuple[State, jax.Array]:
    lane = resume(enter(state))
    size = lane.doublewords
    skip = word.join(skip)

    def tick(carry: tuple) -> tuple:
        lane = commit_lane(Lane._make((*carry[0], size)), carry[1])
        count, at, address, limit = carry[2]
        packed = fetch_lane(program, lane)
        effects = execute_lane(lane, packed, alu)
        now = lane.row(RETIRED)
        marked = (packed[MARK[0]] >> MARK[1] != 0) & (now != skip)
        touched = _overlaps(effects, packed, watches) & ~(early & (now == skip))
        hit = may_run(lane, limit) & (marked | touched)
        count = count + (hit & ((count == 0) | (at != now))).astype(jnp.uint64)
        at = jnp.where(hit, now, at)
        address = jnp.where(hit, jnp.where(marked, u64(0), effects.address), address)
        # Before a marked instruction, after one that touched.
        limit = jnp.where(stop & hit, jnp.where(marked | early, now, now + u64(1)), limit)
        return tuple(lane)[:-1], effects, (count, at, address, limit)

    zero = u64(0)
    carry = (tuple(lane)[:-1], bubble(lane), (zero, zero, zero, word.join(limit)))
    lane_, effects, found = lax.while_loop(
        lambda c: may_run(Lane._make((*c[0], size)), c[2][3]), tick, carry
    )
    lane = settle(Lane._make((*lane_, size)))
    fault = jnp.where(faults(lane.status), word.split(effects.address), state.fault)
    return leave(lane, fault), word.split(jnp.stack(found))


def hunt(
    program: Program,
    state: State,
    limit: int,
    watches: Sequence[Watch],
    *,
    alu: Alu,
    skip: int | None = None,
    stop: bool = True,
    early: bool = False,
) -> tuple[State, Hit]:
    """Run until `limit` instructions are retired in all, looking for traps.

    Args:
      program: the text, breakpoints marked in it.
      state: one lane; its buffers are donated.
      limit: retired count to stop at.
      watches: watched ranges.
      alu: the arithmetic.
      skip: the retired count at which a breakpoint is not looked at: where one stands.
      stop: stop at the first hit (before a breakpoint, after an access); otherwise go on
        and tell of the last.
    """
    limits = word.to_limbs(limit), word.to_limbs(word.MASK64 if skip is None else skip)
    state, found = _hunt(
        program, state, *limits, table(watches), np.bool_(stop), np.bool_(early), alu
    )
    count, at, address, _ = (int(v) for v in word.from_limbs(np.asarray(found)))
    return state, Hit(count, at, address or None)


# -- traces ---------------------------------------------------------------------------------

TRACE = 8192  # transfers in a piece of a trace
_NARROW = ("rd", "rd2", "wb", "size", "stored", "flags", "beat", "retires", "status")


@partial(jax.jit, donate_argnames="state")
@word.with_x64
def _trace(program: Program, state: State, limit: jax.Array, alu: Alu) -> tuple[State, Any]:
    lane = resume(enter(state))
    size = lane.doublewords
    limit = word.join(limit)

    def tick(carry: tuple) -> tuple:
        lane = commit_lane(Lane._make((*carry[0], size)), carry[1])
        packed = fetch_lane(program, lane)
        effects = execute_lane(lane, packed, alu)
        wide = [getattr(effects, name) for name in WIDE_FIELDS]
        wide = word.split(jnp.stack([lane.row(RETIRED), lane.row(PC), *wide])).reshape(-1)
        narrow = [jnp.asarray(getattr(effects, name)).astype(jnp.uint32) for name in _NARROW]
        line = jnp.concatenate([wide, packed, jnp.stack(narrow)])
        return tuple(lane)[:-1], effects, word.put(carry[2], carry[3], line), carry[3] + 1

    width = 2 * (2 + len(WIDE_FIELDS)) + PACKED_WORDS + len(_NARROW)
    lines = jnp.zeros((TRACE + 1, width), jnp.uint32)
    lane_, _, lines, used = lax.while_loop(
        lambda c: may_run(Lane._make((*c[0], size)), limit) & (c[3] <= TRACE),
        tick,
        (tuple(lane)[:-1], bubble(lane), lines, jnp.uint32(0)),
    )
    lane = Lane._make((*lane_, size))
    # In the middle of an instruction its latch and place are kept: the next piece goes on.
    rest = settle(lane)
    lane = lane._replace(regs=jnp.where(lane.beat == 0, rest.regs, lane.regs), status=rest.status)
    # The last line is of what was executed, but not committed.
    return leave(lane, state.fault), (lines, jnp.maximum(used, 1) - 1)


def trace(
    program: Program, state: State, limit: int, *, alu: Alu
) -> tuple[State, dict[str, np.ndarray]]:
    """Run at most TRACE transfers and say what each did.

    Returns:
      The state, in the middle of an instruction where the piece ended there, and columns:
      `retired`, `pc`, `word` and the fields of `Effects`, NumPy `[n]`, and `packed`, the
      instructions as decoded, `u32[n, 8]`.
    """
    state, (lines, used) = _trace(program, state, word.to_limbs(limit), alu)
    lines = np.asarray(lines)[: int(used)]
    names = ("retired", "pc", *WIDE_FIELDS)
    out = {name: word.from_limbs(lines[:, 2 * k : 2 * k + 2]) for k, name in enumerate(names)}
    rest = lines[:, 2 * len(names) :]
    out["packed"] = rest[:, :PACKED_WORDS] & _UNMARKED
    out["word"] = field(rest, "word")
    for k, name in enumerate(_NARROW):
        out[name] = rest[:, PACKED_WORDS + k]
    return state, out


@partial(jax.jit, donate_argnames=("state", "text", "pages"))
@word.with_x64
def _count(
    program: Program, state: State, limit: jax.Array, text: jax.Array, pages: jax.Array, alu: Alu
) -> tuple[State, jax.Array, jax.Array]:
    lane = resume(enter(state))
    size = lane.doublewords
    limit, base = word.join(limit), word.join(program.base)

    def bump(counts: jax.Array, index: jax.Array, by: jax.Array) -> jax.Array:
        index = jnp.minimum(index, u64(counts.shape[0] - 1)).astype(jnp.uint32)
        return word.put(counts, index, word.at(counts, index) + by)

    def tick(carry: tuple) -> tuple:
        lane = commit_lane(Lane._make((*carry[0], size)), carry[1])
        effects = execute_lane(lane, fetch_lane(program, lane), alu)
        counted = may_run(lane, limit)
        once = counted & (effects.retires != 0)
        used = counted & (effects.size != 0)
        page = (effects.address - lane.row(BASE)) >> 12
        text = bump(carry[2], (lane.row(PC) - base) >> 2, once.astype(jnp.uint32))
        pages = bump(carry[3], page, used.astype(jnp.uint32))
        return tuple(lane)[:-1], effects, text, pages

    carry = (tuple(lane)[:-1], bubble(lane), text, pages)
    lane_, effects, text, pages = lax.while_loop(
        lambda c: may_run(Lane._make((*c[0], size)), limit), tick, carry
    )
    lane = settle(Lane._make((*lane_, size)))
    fault = jnp.where(faults(lane.status), word.split(effects.address), state.fault)
    return leave(lane, fault), text, pages


@dataclass
class Counts:
    """How often each instruction ran and each 4 KiB page was accessed.

    Attributes:
      text: `u32[n + 1]`, by `(pc - base) >> 2`; the last is everything elsewhere.
      pages: `u32[p + 1]`, by page of the lane's memory.
      base: address of `text[0]`.
    """

    text: Any
    pages: Any
    base: int

    @classmethod
    def empty(cls, program: Program, state: State) -> Counts:
        """Nothing counted yet."""
        words = (program.pages.shape[0] - 1) * PAGE_WORDS
        base = int(word.from_limbs(np.asarray(program.base)))
        pages = state.perm.shape[0]
        return cls(jnp.zeros(words + 1, jnp.uint32), jnp.zeros(pages + 1, jnp.uint32), base)

    def run(self, program: Program, state: State, limit: int, alu: Alu) -> State:
        """Run to `limit` retired instructions, adding to the counts."""
        limbs = word.to_limbs(limit)
        state, self.text, self.pages = _count(program, state, limbs, self.text, self.pages, alu)
        return state
