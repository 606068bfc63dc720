"""Fuzzing on the device: each candidate input a lane, run from one snapshot, edges counted.

The lanes run one after the other, as in `batch.run_batch` on a CPU, but in one memory: what a
lane stored is put back from a log, so that a lane costs what it executes and no more.  The few
system calls that a parser makes are answered here; a lane that makes another stops, for the
host to run it under the kernel.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine import word
from ncpu.machine.alu import Alu
from ncpu.machine.commit import commit_lane
from ncpu.machine.execute import Lane, enter, execute_lane, read_doubleword
from ncpu.machine.instr import Unit, field
from ncpu.machine.program import Program
from ncpu.machine.run import bubble, fetch_lane, may_run
from ncpu.machine.state import BASE, PC, RETIRED, WRITE, State, Status
from ncpu.machine.word import u64

EDGES = 1 << 13  # counters of edges, one byte's worth each
LOG = 1 << 16  # stores of one lane that can be undone
READ_CALL, WRITE_CALL, EXIT, EXIT_GROUP = 63, 64, 93, 94
FULL = 64  # a status of this file: the log is full


class Lanes(NamedTuple):
    """How each lane ended.

    Attributes:
      status: `i32[n]`, a `Status`; SYSCALL is a call for the host; FULL, too many stores.
      pc, fault: `u64[n]` as limbs: where, and the address accessed last.
      retired: `u32[n]`, instructions of this lane.
      code: `u32[n]`, x0: the exit code of a lane that has exited.
      new: `u32[n]`, counters whose class was not seen before: 0 for nothing new.
      path: `u32[n, 2]`, a hash of the edges and their classes.
      where: `u32[n, 2]`, a hash of the last calls: like crashes have the same.
    """

    status: Any
    pc: Any
    fault: Any
    retired: Any
    code: Any
    new: Any
    path: Any
    where: Any


def _class(counts: jax.Array) -> jax.Array:
    """A count as one of eight classes, a bit each: 1, 2, 3, 4-7, 8-15, 16-31, 32-127, more."""
    c = counts.astype(jnp.uint32)
    out = jnp.zeros_like(c)
    for bit, least in enumerate((1, 2, 3, 4, 8, 16, 32, 128)):
        out = jnp.where(c >= least, jnp.uint32(1 << bit), out)
    return out.astype(jnp.uint8)


@partial(jax.jit, donate_argnames=("mem", "seen"))
@word.with_x64
def _run(
    program: Program,
    state: State,
    mem: jax.Array,
    inputs: jax.Array,
    lengths: jax.Array,
    fuel: jax.Array,
    seen: jax.Array,
    alu: Alu,
) -> tuple[jax.Array, jax.Array, Lanes]:
    count = inputs.shape[0]
    first = enter(state)
    limit = first.row(RETIRED) + fuel.astype(jnp.uint64)
    size, base = first.doublewords, first.row(BASE)

    def writable(lane: Lane, address: jax.Array) -> jax.Array:
        inside = address - base < u64(size * 8)
        page = (jnp.where(inside, address - base, u64(0)) >> 12).astype(jnp.uint32)
        return inside & (word.at(lane.perm, page) & WRITE != 0)

    def read(lane: Lane, log: jax.Array, used: jax.Array, index: jax.Array, at: jax.Array) -> tuple:
        """`read` of standard input: some bytes of the lane's input into memory."""
        to, most = lane.row(1), lane.row(2)
        n = jnp.minimum(most, (lengths[index] - at).astype(jnp.uint64))
        ok = (n == 0) | (writable(lane, to) & writable(lane, to + n - u64(1)))
        n = jnp.where(ok, n, u64(0)).astype(jnp.uint32)

        def one(k: jax.Array, carry: tuple) -> tuple:
            # Written one turn later than read: a body that does both copies the memory.
            mem, log, used, before, value = carry
            mem = word.put(mem, before, value)
            offset = to + k.astype(jnp.uint64) - base
            place, shift = (offset >> 3).astype(jnp.uint32), (offset & u64(7)) * u64(8)
            old = read_doubleword(mem, place)
            byte = word.at(word.at(inputs, index), at + k).astype(jnp.uint64)
            new = (old & ~(u64(255) << shift)) | (byte << shift)
            log = word.put(log, used, jnp.stack([place, *word.split(old)]))
            return mem, log, jnp.minimum(used + 1, LOG - 1), place, word.split(new)

        begun = (lane.mem, log, used, jnp.uint32(0), word.at(lane.mem, jnp.uint32(0)))
        mem, log, used, before, value = lax.fori_loop(jnp.uint32(0), n, one, begun)
        mem = word.put(mem, before, value)
        regs = word.put(lane.regs, 0, word.split(n.astype(jnp.uint64)))
        answered = jnp.where(ok, jnp.int32(Status.RUNNING), lane.status)
        return lane._replace(regs=regs, mem=mem, status=answered), log, used, at + n

    def execute(index: jax.Array, carry: tuple) -> tuple:
        """One lane, from the snapshot to its end."""
        lane, log, used, at, counts, where, _ = carry

        def tick(c: tuple) -> tuple:
            values, effects, log, used, (counts, touched, hit), where = c
            lane = commit_lane(Lane._make((*values, size)), effects)
            packed = fetch_lane(program, lane)
            effects = execute_lane(lane, packed, alu)
            # The two doublewords that the next commit may change are put down first.
            offset = jnp.where(effects.stored != 0, effects.address - base, u64(0))
            place = (offset >> 3).astype(jnp.uint32)
            both = [read_doubleword(lane.mem, place + k) for k in range(2)]
            lines = jnp.stack([jnp.stack([place + k, *word.split(v)]) for k, v in enumerate(both)])
            log = lax.dynamic_update_slice(log, lines, (used, np.uint32(0)))
            used = jnp.minimum(used + 2 * (effects.stored != 0).astype(jnp.uint32), LOG - 2)
            unit = field(packed, "unit")
            branch = (unit >= int(Unit.BRANCH)) & (unit <= int(Unit.BRANCH_REG))
            pc = lane.row(PC)
            edge = (pc >> 2) * u64(0x9E3779B97F4A7C15) ^ (effects.next_pc >> 2) * u64(
                0xC2B2AE3D27D4EB4F
            )
            edge = ((edge ^ edge >> 29) * u64(0xBF58476D1CE4E5B9) >> 51).astype(jnp.uint32)
            edge = edge & jnp.uint32(EDGES - 1)
            old = word.at(counts, edge)
            more = (branch & (old < 255)).astype(jnp.uint8)
            counts = word.put(counts, edge, old + more)
            touched = word.put(touched, hit, edge)
            hit = hit + (branch & (old == 0)).astype(jnp.uint32)
            call = branch & (effects.rd == 30)
            where = jnp.where(call, (where << 16) ^ (pc >> 2) * u64(0x9E3779B1), where)
            return tuple(lane)[:-1], effects, log, used, (counts, touched, hit), where

        values, effects, log, used, counts, where = lax.while_loop(
            lambda c: may_run(Lane._make((*c[0], size)), limit) & (c[3] < LOG - 2),
            tick,
            (tuple(lane)[:-1], bubble(lane), log, used, counts, where),
        )
        lane = Lane._make((*values, size))
        return lane, log, used, at, counts, where, effects.address

    def serve(index: jax.Array, carry: tuple) -> tuple:
        lane, log, used, at, counts, where, fault = carry
        number, fd = lane.row(8), lane.row(0)
        called = lane.status == Status.SYSCALL
        reads = called & (number == READ_CALL) & (fd == 0)
        written, log, used, at = _when(reads, lane, log, used, index, at, read)
        writes = called & (number == WRITE_CALL) & ((fd == 1) | (fd == 2))
        result = jnp.where(writes, lane.row(2), written.row(0))
        exits = called & ((number == EXIT) | (number == EXIT_GROUP))
        status = jnp.where(writes, jnp.int32(Status.RUNNING), written.status)
        status = jnp.where(exits, jnp.int32(Status.EXITED), status)
        regs = word.put(written.regs, 0, word.split(result))
        return written._replace(regs=regs, status=status), log, used, at, counts, where, fault

    def _when(reads: jax.Array, lane: Lane, log: jax.Array, used: jax.Array, index, at, do):
        """`read` with nothing to read where it was another call: memory passes no branch."""
        asked = jnp.where(reads, lane.row(2), u64(0))
        regs = word.put(lane.regs, 2, word.split(asked))
        after, log, used, at = do(lane._replace(regs=regs), log, used, index, at)
        regs = word.put(after.regs, 2, word.split(lane.row(2)))
        regs = word.put(regs, 0, word.split(jnp.where(reads, after.row(0), lane.row(0))))
        status = jnp.where(reads, after.status, lane.status)
        return after._replace(regs=regs, status=status), log, used, at

    def one(index: jax.Array, carry: tuple) -> tuple:
        mem, log, counts, touched, seen, out = carry
        lane = first._replace(mem=mem)
        edges = counts, touched, jnp.uint32(0)
        begun = (lane, log, jnp.uint32(0), jnp.uint32(0), edges, u64(0), u64(0))

        def go(c: tuple) -> tuple:
            inner, _ = c
            inner = (Lane._make((*inner[0], size)), *inner[1:])
            done = serve(index, execute(index, inner))
            again = (done[0].status == Status.RUNNING) & may_run(done[0], limit)
            return (tuple(done[0])[:-1], *done[1:]), again & (done[2] < LOG - 2)

        start = ((tuple(begun[0])[:-1], *begun[1:]), jnp.bool_(True))
        (values, log, used, _, edges, where, fault), _ = lax.while_loop(lambda c: c[1], go, start)
        lane = Lane._make((*values, size))
        status = jnp.where(
            lane.status == Status.RUNNING, jnp.int32(Status.OUT_OF_FUEL), lane.status
        )
        status = jnp.where(used >= LOG - 2, jnp.int32(FULL), status)
        # Newest first, so that the oldest content stays.
        mem = lax.fori_loop(
            jnp.uint32(0),
            used,
            lambda k, m: word.put(m, log[used - 1 - k, 0], log[used - 1 - k, 1:]),
            lane.mem,
        )
        finished = (status != Status.OUT_OF_FUEL) & (status != FULL)
        counts, touched, hit = edges

        # Looking, learning and clearing are loops of their own: one that read a table for
        # something else than its new entry would copy it.
        def look(k: jax.Array, c: tuple) -> tuple:
            new, path = c
            edge = touched[k]
            kind = _class(word.at(counts, edge))
            new = new + (finished & (kind & ~word.at(seen, edge) != 0)).astype(jnp.uint32)
            mixed = (edge.astype(jnp.uint64) << 8 | kind.astype(jnp.uint64)) + u64(1)
            mixed = mixed * u64(0x9E3779B97F4A7C15)
            return new, path + (mixed ^ mixed >> 31)

        def learn(k: jax.Array, seen: jax.Array) -> jax.Array:
            kind = jnp.where(finished, _class(word.at(counts, touched[k])), jnp.uint8(0))
            return word.put(seen, touched[k], word.at(seen, touched[k]) | kind)

        def clear(k: jax.Array, counts: jax.Array) -> jax.Array:
            return word.put(counts, touched[k], jnp.uint8(0))

        zero = jnp.uint32(0)
        new, path = lax.fori_loop(zero, hit, look, (zero, u64(0)))
        seen = lax.fori_loop(zero, hit, learn, seen)
        counts = lax.fori_loop(zero, hit, clear, counts)
        row = Lanes(
            status,
            word.split(lane.row(PC)),
            word.split(fault),
            (lane.row(RETIRED) - first.row(RETIRED)).astype(jnp.uint32),
            lane.row(0).astype(jnp.uint32),
            new,
            word.split(path),
            word.split(where),
        )
        out = Lanes(*(word.put(all_, index, value) for all_, value in zip(out, row, strict=True)))
        return mem, log, counts, touched, seen, out

    pairs = jnp.zeros((count, 2), jnp.uint32)
    singles = jnp.zeros(count, jnp.uint32)
    out = Lanes(jnp.zeros(count, jnp.int32), pairs, pairs, singles, singles, singles, pairs, pairs)
    log = jnp.zeros((LOG, 3), jnp.uint32)
    counts = jnp.zeros(EDGES, jnp.uint8)
    touched = jnp.zeros(EDGES + 1, jnp.uint32)
    mem, _, _, _, seen, out = lax.fori_loop(
        jnp.uint32(0), jnp.uint32(count), one, (mem, log, counts, touched, seen, out)
    )
    return mem, seen, out


class Batch:
    """Runs candidates from one snapshot.

    Args:
      program: the text.
      state: where every lane starts: at a `read` of standard input, its call not yet made.
      alu: the arithmetic.
      fuel: instructions a lane may take.
    """

    def __init__(self, program: Program, state: State, alu: Alu, fuel: int) -> None:
        self.program, self.alu, self.fuel = program, alu, np.uint32(fuel)
        self._mem = jnp.array(state.mem)
        self.state = state
        self.seen = jnp.zeros(EDGES, jnp.uint8)

    def run(self, inputs: np.ndarray, lengths: np.ndarray) -> Lanes:
        """Run one lane for each row of `inputs`, `u8[n, width]`; NumPy arrays."""
        self._mem, self.seen, out = _run(
            self.program,
            self.state,
            self._mem,
            jnp.asarray(inputs),
            jnp.asarray(lengths.astype(np.uint32)),
            self.fuel,
            self.seen,
            self.alu,
        )
        return Lanes(*(np.asarray(part) for part in out))
