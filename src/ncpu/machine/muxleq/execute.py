"""MUXLEQ's fetch and execute: one instruction, words a, b, c, as `Effects`.

The 65,536 16-bit words are the lane's memory from guest address 0, two bytes each, so pc
and every address in `Effects` are twice the word's index.  Input and output pass through
two queues in the register file, which the host fills and empties (`console`).

Arithmetic on operand values goes through the `Alu`; what is done here beside it is wiring:
choosing bytes of memory, counting pc up, moving queue pointers.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from ncpu.machine.alu import Alu
from ncpu.machine.commit import read_doubleword
from ncpu.machine.effects import Effects
from ncpu.machine.execute import Lane
from ncpu.machine.run import InstructionSet
from ncpu.machine.state import FLAGS, PC, SINK, Status, V
from ncpu.machine.word import u64

WORDS = 1 << 16
ONES = WORDS - 1  # as a or b the console, as c the end, as an input the end of input
END = WORDS // 2  # pc from here on halts

# Rows of the register file that hold the queues' pointers: rows, too.
IN_NEXT, IN_END, OUT_NEXT = 0, 1, 2
QUEUE = 32
INPUT, OUTPUT = V, V + QUEUE  # where the queues are: one byte (or ONES) a row

_AND, _OR = 0, 1  # of `Alu.logic`


class Triple(NamedTuple):
    """The words of one instruction, `u64` below 2**16."""

    a: jax.Array
    b: jax.Array
    c: jax.Array


def _word(lane: Lane, index: jax.Array) -> jax.Array:
    """Memory word `index`, `u64`."""
    held = read_doubleword(lane.mem, lane.first + (index >> 2).astype(jnp.uint32))
    return (held >> ((index & u64(3)) << 4)) & u64(ONES)


def fetch(program: None, lane: Lane) -> Triple:
    """The lane's next instruction, out of its memory: it may have written it just now."""
    index = lane.row(PC) >> 1
    first = lane.first + (index >> 2).astype(jnp.uint32)
    shift = (index & u64(3)) << 4
    low, high = (read_doubleword(lane.mem, first + k) for k in range(2))
    words = (low >> shift) | ((high << 1) << (u64(63) - shift))
    return Triple(*((words >> 16 * k) & u64(ONES) for k in range(3)))


def _subtract(
    alu: Alu, a: jax.Array, b: jax.Array, _mask: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """`b - a` and whether it is zero or negative, in the upper half of a 32-bit addition."""
    inverted = alu.invert(a << 16, jnp.bool_(True))
    total, nzcv = alu.add(b << 16, inverted, u64(1), jnp.bool_(False))
    return total >> 16, (nzcv & 0b1100) != 0


def _multiplex(
    alu: Alu, a: jax.Array, b: jax.Array, mask: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Bits of b where the mask has ones, of a where it has zeros; it never jumps."""
    kept = alu.logic(jnp.uint32(_AND), b, mask)
    taken = alu.logic(jnp.uint32(_AND), a, alu.invert(mask, jnp.bool_(True)))
    mixed = alu.logic(jnp.uint32(_OR), taken, kept)
    return mixed, jnp.bool_(False)


def execute(lane: Lane, triple: Triple, alu: Alu) -> Effects:
    """What the instruction does.

    An input that finds its queue empty stops the lane before itself, an output that fills
    its queue after itself, both with `Status.SYSCALL`; pc at END or beyond is
    `Status.EXITED`.
    """
    zero, none, sink = u64(0), jnp.uint32(0), jnp.uint32(SINK)
    a, b, c = triple
    pc, in_next, out_next = lane.row(PC), lane.row(IN_NEXT), lane.row(OUT_NEXT)
    inside = pc < u64(2 * END)
    reads = a == u64(ONES)
    writes = (b == u64(ONES)) & ~reads
    muxes = (c >> 15 == u64(1)) & (c != u64(ONES))
    starved = reads & (in_next == lane.row(IN_END))

    left, right, mask = (_word(lane, index) for index in (a, b, c & u64(END - 1)))
    # A branch, not a selection: learned arithmetic computes only what is wanted.
    computed, low = lax.cond(muxes, _multiplex, _subtract, alu, left, right, mask)
    result = jnp.where(reads, lane.row(in_next), computed)
    jumps = low & ~(reads | writes)

    done = inside & ~starved
    reads, writes = reads & done, writes & done
    stores = done & ~writes
    next_pc = jnp.where(done, jnp.where(jumps, c << 1, pc + u64(6)), pc)
    calls = starved | (writes & (out_next == u64(OUTPUT + QUEUE - 1)))
    status = jnp.where(calls, jnp.int32(Status.SYSCALL), lane.status)
    return Effects(
        rd=jnp.where(reads, jnp.uint32(IN_NEXT), jnp.where(writes, jnp.uint32(OUT_NEXT), sink)),
        value=jnp.where(reads, in_next, out_next) + u64(1),
        rd2=jnp.where(writes, out_next.astype(jnp.uint32), sink),
        value2=left & u64(0xFF),
        wb=sink,
        base=zero,
        address=jnp.where(writes, a, b) << 1,
        size=jnp.where(done, jnp.uint32(2), none),
        stored=jnp.where(stores, jnp.uint32(2), none),
        store=result,
        flags=lane.regs[FLAGS, 0],
        next_pc=next_pc,
        beat=none,
        retires=done.astype(jnp.uint32),
        status=jnp.where(next_pc < u64(2 * END), status, jnp.int32(Status.EXITED)),
    )


MUXLEQ = InstructionSet(fetch, execute)
