"""One candidate on the device: run from the snapshot to its end, then undone.

What a lane stored is put back from a log, so that a lane costs what it executes and no more.  The
few system calls that a parser makes are answered here; a lane that makes another stops, for the
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
from ncpu.machine.debug.fuzz_compared import Compared, note
from ncpu.machine.debug.fuzz_edges import Edges, take
from ncpu.machine.effects import Effects
from ncpu.machine.execute import Lane, execute_lane, read_doubleword
from ncpu.machine.instr import Unit, field
from ncpu.machine.program import Program
from ncpu.machine.run import bubble, fetch_lane, may_run
from ncpu.machine.state import PC, WRITE, Status
from ncpu.machine.word import u64

LOG = 1 << 16  # stores of one lane that can be undone
READ_CALL, WRITE_CALL, EXIT, EXIT_GROUP = 63, 64, 93, 94
FULL = 64  # a status of this file: the log is full


class Shared(NamedTuple):
    """What all lanes of a batch have in common.

    Attributes:
      program: the text.
      first: the snapshot; `base` is the address of its memory, `u64`.
      limit: retired count to stop at, `u64`.
      inputs: `u8[n, width]`.
      lengths: `u32[n]`.
      alu: the arithmetic.
    """

    program: Program
    first: Lane
    base: jax.Array
    limit: jax.Array
    inputs: jax.Array
    lengths: jax.Array
    alu: Alu

    def lane(self, values: tuple) -> Lane:
        """A lane out of what a loop carries of it."""
        return Lane._make((*values, self.first.doublewords))


class Trail(NamedTuple):
    """What a lane leaves behind beside its own state.

    Attributes:
      log: `u32[LOG, 3]`, doublewords before they were stored to: index, content.
      used: `u32`, lines of the log.
      at: `u32`, bytes of its input that were read.
      edges: that it took; `compared`, what it compared.
      where: `u64`, a hash of the last calls.
      fault: `u64`, the address accessed last.
    """

    log: jax.Array
    used: jax.Array
    at: jax.Array
    edges: Edges
    compared: Compared
    where: jax.Array
    fault: jax.Array


def run_one(
    shared: Shared,
    index: jax.Array,
    mem: jax.Array,
    log: jax.Array,
    edges: Edges,
    compared: Compared,
) -> tuple[Lane, jax.Array, Trail]:
    """Run candidate `index` to its end: the lane, its status and what it left behind."""
    lane = shared.first._replace(mem=mem)
    trail = Trail(log, jnp.uint32(0), jnp.uint32(0), edges, compared, u64(0), u64(0))

    def go(c: tuple) -> tuple:
        (values, trail), _ = c
        lane, trail = _serve(shared, index, *_execute(shared, shared.lane(values), trail))
        again = (lane.status == Status.RUNNING) & may_run(lane, shared.limit)
        return (tuple(lane)[:-1], trail), again & (trail.used < LOG - 2)

    start = ((tuple(lane)[:-1], trail), jnp.bool_(True))
    (values, trail), _ = lax.while_loop(lambda c: c[1], go, start)
    lane = shared.lane(values)
    status = jnp.where(lane.status == Status.RUNNING, jnp.int32(Status.OUT_OF_FUEL), lane.status)
    return lane, jnp.where(trail.used >= LOG - 2, jnp.int32(FULL), status), trail


def undone(mem: jax.Array, trail: Trail) -> jax.Array:
    """Memory as it was before the lane ran."""
    log, used = trail.log, trail.used
    # Newest first, so that the oldest content stays.
    return lax.fori_loop(
        jnp.uint32(0),
        used,
        lambda k, m: word.put(m, log[used - 1 - k, 0], log[used - 1 - k, 1:]),
        mem,
    )


def _execute(shared: Shared, lane: Lane, trail: Trail) -> tuple[Lane, Trail]:
    """Run until the lane stops, is out of fuel, or the log is full."""
    log, used, at, edges, compared, where, _ = trail
    values, effects, log, used, edges, compared, where = lax.while_loop(
        lambda c: may_run(shared.lane(c[0]), shared.limit) & (c[3] < LOG - 2),
        partial(_tick, shared),
        (tuple(lane)[:-1], bubble(lane), log, used, edges, compared, where),
    )
    return shared.lane(values), Trail(log, used, at, edges, compared, where, effects.address)


def _tick(shared: Shared, carry: tuple) -> tuple:
    values, effects, log, used, edges, compared, where = carry
    lane = commit_lane(shared.lane(values), effects)
    packed = fetch_lane(shared.program, lane)
    effects = execute_lane(lane, packed, shared.alu)
    log, used = _noted(lane, effects, shared.base, log, used)
    unit = field(packed, "unit")
    branch = (unit >= int(Unit.BRANCH)) & (unit <= int(Unit.BRANCH_REG))
    pc = lane.row(PC)
    edges = take(edges, pc, effects.next_pc, branch)
    compared = note(compared, lane, packed, shared.alu)
    call = branch & (effects.rd == 30)
    where = jnp.where(call, (where << 16) ^ (pc >> 2) * u64(0x9E3779B1), where)
    return tuple(lane)[:-1], effects, log, used, edges, compared, where


def _noted(
    lane: Lane, effects: Effects, base: jax.Array, log: jax.Array, used: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The log with the two doublewords that the next commit may change."""
    offset = jnp.where(effects.stored != 0, effects.address - base, u64(0))
    place = (offset >> 3).astype(jnp.uint32)
    both = [read_doubleword(lane.mem, place + k) for k in range(2)]
    lines = jnp.stack([jnp.stack([place + k, *word.split(v)]) for k, v in enumerate(both)])
    log = lax.dynamic_update_slice(log, lines, (used, np.uint32(0)))
    return log, jnp.minimum(used + 2 * (effects.stored != 0).astype(jnp.uint32), LOG - 2)


def _serve(shared: Shared, index: jax.Array, lane: Lane, trail: Trail) -> tuple[Lane, Trail]:
    """Answer the system call that the lane stands at, if it is one of the few."""
    number, fd = lane.row(8), lane.row(0)
    called = lane.status == Status.SYSCALL
    reads = called & (number == READ_CALL) & (fd == 0)
    written, trail = _read_when(shared, reads, index, lane, trail)
    writes = called & (number == WRITE_CALL) & ((fd == 1) | (fd == 2))
    result = jnp.where(writes, lane.row(2), written.row(0))
    exits = called & ((number == EXIT) | (number == EXIT_GROUP))
    status = jnp.where(writes, jnp.int32(Status.RUNNING), written.status)
    status = jnp.where(exits, jnp.int32(Status.EXITED), status)
    regs = word.put(written.regs, 0, word.split(result))
    return written._replace(regs=regs, status=status), trail


def _read_when(
    shared: Shared, reads: jax.Array, index: jax.Array, lane: Lane, trail: Trail
) -> tuple[Lane, Trail]:
    """`read` with nothing to read where it was another call: memory passes no branch."""
    asked = jnp.where(reads, lane.row(2), u64(0))
    regs = word.put(lane.regs, 2, word.split(asked))
    after, trail = _read(shared, index, lane._replace(regs=regs), trail)
    regs = word.put(after.regs, 2, word.split(lane.row(2)))
    regs = word.put(regs, 0, word.split(jnp.where(reads, after.row(0), lane.row(0))))
    status = jnp.where(reads, after.status, lane.status)
    return after._replace(regs=regs, status=status), trail


def _read(shared: Shared, index: jax.Array, lane: Lane, trail: Trail) -> tuple[Lane, Trail]:
    """`read` of standard input: some bytes of the lane's input into memory."""
    log, used, at = trail.log, trail.used, trail.at
    base, to, most = shared.base, lane.row(1), lane.row(2)
    n = jnp.minimum(most, (shared.lengths[index] - at).astype(jnp.uint64))
    ok = (n == 0) | (_writable(lane, to, base) & _writable(lane, to + n - u64(1), base))
    n = jnp.where(ok, n, u64(0)).astype(jnp.uint32)

    def one(k: jax.Array, carry: tuple) -> tuple:
        # Written one turn later than read: a body that does both copies the memory.
        mem, log, used, before, value = carry
        mem = word.put(mem, before, value)
        offset = to + k.astype(jnp.uint64) - base
        place, shift = (offset >> 3).astype(jnp.uint32), (offset & u64(7)) * u64(8)
        old = read_doubleword(mem, place)
        byte = word.at(word.at(shared.inputs, index), at + k).astype(jnp.uint64)
        new = (old & ~(u64(255) << shift)) | (byte << shift)
        log = word.put(log, used, jnp.stack([place, *word.split(old)]))
        return mem, log, jnp.minimum(used + 1, LOG - 1), place, word.split(new)

    begun = (lane.mem, log, used, jnp.uint32(0), word.at(lane.mem, jnp.uint32(0)))
    mem, log, used, before, value = lax.fori_loop(jnp.uint32(0), n, one, begun)
    mem = word.put(mem, before, value)
    regs = word.put(lane.regs, 0, word.split(n.astype(jnp.uint64)))
    status = jnp.where(ok, jnp.int32(Status.RUNNING), lane.status)
    trail = trail._replace(log=log, used=used, at=at + n)
    return lane._replace(regs=regs, mem=mem, status=status), trail


def _writable(lane: Lane, address: jax.Array, base: jax.Array) -> Any:
    inside = address - base < u64(lane.doublewords * 8)
    page = (jnp.where(inside, address - base, u64(0)) >> 12).astype(jnp.uint32)
    return inside & (word.at(lane.perm, page) & WRITE != 0)
