"""Vector units that compute on whole halves: logic, arithmetic, permutations, moves.

Elements of any size are handled inside 64-bit words: sums are kept from carrying into the
next element by adding all but the top bits and putting the top bits in afterwards.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine import word
from ncpu.machine.alu import Alu
from ncpu.machine.instr import Unit
from ncpu.machine.isa.lanes import (
    CHOOSE,
    FLIP,
    NARROW,
    NEGATE,
    SATURATE,
    SWAP,
    TEST_AND,
    ZERO_TEST,
)
from ncpu.machine.state import V
from ncpu.machine.units import structures, vector_crypto, vector_lanes
from ncpu.machine.units.operands import Operands, Result, result
from ncpu.machine.units.vector_lanes import LANES, QC, halves, pack_bytes, pair
from ncpu.machine.word import u64


def _second(o: Operands) -> jax.Array:
    """Register rm, or the immediate in both halves: `u64[2]`."""
    return jnp.where(o.instr.use_imm == 1, o.instr.imm, pair(o, o.instr.rm))


def _flag(o: Operands, bit: int) -> jax.Array:
    return o.instr.arg & bit != 0


def _kept(o: Operands) -> jax.Array:
    """The bits of a register that belong to the result: `u64[2]`."""
    low = u64(word.MASK64) >> o.instr.right.astype(jnp.uint64)
    return jnp.stack([low, jnp.where(o.wide, u64(word.MASK64), u64(0))])


def logic(alu: Alu, o: Operands) -> Result:
    """AND, ORR, EOR, BSL, BIT and their inverted forms; MOVI; NOT."""
    n, m, d = pair(o, o.instr.rn), _second(o), pair(o, o.instr.ra)
    m = jnp.where(o.instr.invert == 1, ~m, m)
    chosen = m ^ ((m ^ n) & d)
    inserted = d ^ ((d ^ n) & m)
    op = o.instr.op.astype(jnp.int32)
    value = lax.select_n(op, n & m, n | m, n ^ m, chosen, inserted, m)
    low, high = halves(value)
    return result(o, low, jnp.where(o.wide, high, u64(0)))


class _Sum(NamedTuple):
    """Sums of all elements, and single bits at the top of each element."""

    total: jax.Array
    below: jax.Array  # sign of the exact sum; without signs, its carry or borrow
    overflow: jax.Array  # of the signed sum


def _top_bits(size: jax.Array) -> jax.Array:
    """The top bit of every element."""
    tops = np.array(
        [0x8080808080808080, 0x8000800080008000, 0x8000000080000000, 1 << 63], np.uint64
    )
    return word.at(jnp.asarray(tops), size)


def _sum(o: Operands, a: jax.Array, b: jax.Array, top: jax.Array, rest: jax.Array) -> _Sum:
    """a + b, or a - b with `invert` and a `carry`; `rest` is an element's bits less one."""
    subtract = o.instr.invert == 1
    b = jnp.where(subtract, ~b, b)
    carry = jnp.where(o.instr.carry == 1, top >> rest, u64(0))
    partial = (a & ~top) + (b & ~top) + carry
    total = partial ^ ((a ^ b) & top)
    carried = (a & b) | ((a | b) & partial)
    overflow = (partial ^ carried) & top
    unsigned = jnp.where(subtract, ~carried, carried)
    below = jnp.where(o.instr.signed == 1, total ^ overflow, unsigned) & top
    return _Sum(total, below, overflow)


def _spread(bits: jax.Array, rest: jax.Array) -> jax.Array:
    """All ones in every element whose top bit is set in `bits` (which has no others)."""
    return (bits << 1) - (bits >> rest)


def arith(alu: Alu, o: Operands) -> Result:
    """Sums, halved and saturated sums, comparisons, extremes and absolute differences."""
    op, rest = o.instr.op, (u64(8) << o.instr.size.astype(jnp.uint64)) - u64(1)
    top = _top_bits(o.instr.size)
    n, m = pair(o, o.instr.rn), _second(o)
    swap = _flag(o, SWAP)
    flip = jnp.where(_flag(o, FLIP), top, u64(0))
    a, b = jnp.where(swap, m, n) ^ flip, jnp.where(swap, n, m)
    s = _sum(o, a, b, top, rest)
    tested = jnp.where(_flag(o, TEST_AND), a & b, s.total)
    nonzero = (((tested & ~top) + ~top) | tested) & top
    condition = jnp.where(_flag(o, ZERO_TEST), nonzero, s.below)
    condition = condition ^ jnp.where(_flag(o, NEGATE), top, u64(0))
    is_signed = o.instr.signed == 1
    beyond = jnp.where(is_signed, s.overflow, s.below)
    mask = _spread(jnp.where(op == SATURATE, beyond, condition), rest)
    # A sum that overflowed has the wrong sign; a carry means too large, a borrow too small.
    limit = jnp.where(
        is_signed,
        top - ((s.total & top) >> rest),
        jnp.where(o.instr.invert == 1, u64(0), u64(word.MASK64)),
    )
    value = lax.select_n(
        op.astype(jnp.int32),
        s.total,
        ((s.total >> 1) & ~top) | s.below,
        ((s.total & ~mask) | (limit & mask)) ^ flip,
        mask,
        (a & ~mask) | (b & mask),
        (s.total ^ mask) + (condition >> rest),
    )
    kept = _kept(o)
    saturated = (op == SATURATE) & jnp.any(beyond & kept != 0)
    low, high = halves(value & kept)
    return result(o, low, high, flags=o.raising(jnp.where(saturated, QC, jnp.uint32(0))))


def pairwise(alu: Alu, o: Operands) -> Result:
    """ADDP, SMAXP, UMAXP, SMINP, UMINP: neighbouring elements of n, then of m.  SHRN, XTN.

    `right` is an element's bits, so that the second of a pair is moved over the first, or
    the shift of a narrowing, whose elements are pairs of the result's.
    """
    size, op = o.instr.size, o.instr.op
    top, rest = _top_bits(size), (u64(8) << size.astype(jnp.uint64)) - u64(1)
    x = jnp.concatenate([pair(o, o.instr.rn), pair(o, o.instr.rm)])
    doublewords = size == 3
    following = jnp.concatenate([x[1:], x[:1]])
    y = jnp.where(doublewords, following, x >> o.instr.right.astype(jnp.uint64))
    s = _sum(o, x, y, top, rest)
    mask = _spread(s.below ^ jnp.where(_flag(o, NEGATE), top, u64(0)), rest)
    extreme = (x & ~mask) | (y & mask)
    value = jnp.where(op == CHOOSE, extreme, jnp.where(op == NARROW, y, s.total))
    # The results are in the even elements of each word: move them together into 32 bits.
    bytes_, halfwords = u64(0x00FF00FF00FF00FF), u64(0x0000FFFF0000FFFF)
    words = u64(0xFFFFFFFF)
    even = jnp.where(size == 0, bytes_, jnp.where(size == 1, halfwords, words))
    dense = value & even
    dense = jnp.where(size == 0, (dense | (dense >> 8)) & halfwords, dense)
    dense = jnp.where(size <= 1, dense | (dense >> 16), dense) & words
    first, second = dense[0] | (dense[1] << 32), dense[2] | (dense[3] << 32)
    low = jnp.where(o.wide, first, dense[0] | (dense[2] << 32))
    high = jnp.where(o.wide & (op != NARROW), second, u64(0))
    return result(o, jnp.where(doublewords, value[0], low), jnp.where(doublewords, value[2], high))


def replicate(alu: Alu, o: Operands) -> Result:
    """DUP: a field of row rn times `imm`, which has a one at the bottom of every element."""
    left, right = o.instr.left.astype(jnp.uint64), o.instr.right.astype(jnp.uint64)
    value = ((o.a << left) >> right) * o.instr.imm
    return result(o, value, jnp.where(o.wide, value, u64(0)))


def permute(alu: Alu, o: Operands) -> Result:
    """ZIP, UZP, TRN, EXT, REV, XTN, SHLL, INS: bytes of n and m in an order fixed by the code."""
    n, m = pair(o, o.instr.rn), pair(o, o.instr.rm)
    place = LANES.astype(np.uint32)
    index = (o.instr.imm >> (LANES * u64(4))).astype(jnp.uint32) & 15
    second = (o.instr.arg >> place) & 1 == 1
    upper = index & 8 != 0
    half = jnp.where(second, jnp.where(upper, m[1], m[0]), jnp.where(upper, n[1], n[0]))
    byte = half >> ((index & 7) * 8).astype(jnp.uint64)
    kept = (o.instr.arg >> (place + np.uint32(16))) & 1 == 1
    return result(o, *pack_bytes(jnp.where(kept, byte & u64(255), u64(0))))


def table(alu: Alu, o: Operands) -> Result:
    """TBL and TBX: bytes of up to four registers, chosen by the bytes of m."""

    def single(words: jax.Array) -> jax.Array:
        """The sixteen bytes of a register."""
        half = jnp.where(LANES < 8, words[0], words[1])
        return (half >> ((LANES & u64(7)) * u64(8))) & u64(255)

    index = single(pair(o, o.instr.rm)).astype(jnp.uint32)
    inside = index < o.instr.arg
    rows = np.uint32(V) + ((o.instr.rn - np.uint32(V) + (index >> 3)) & 63)
    words = word.join(o.regs.at[rows].get(mode="promise_in_bounds"))
    byte = (words >> ((index & 7) * 8).astype(jnp.uint64)) & u64(255)
    otherwise = jnp.where(o.instr.op == 1, single(pair(o, o.instr.ra)), u64(0))
    low, high = pack_bytes(jnp.where(inside, byte, otherwise))
    return result(o, low, jnp.where(o.wide, high, u64(0)))


UNITS = {
    Unit.VECTOR_LOGIC: logic,
    Unit.VECTOR_ARITH: arith,
    Unit.VECTOR_PAIRWISE: pairwise,
    Unit.VECTOR_REPLICATE: replicate,
    Unit.VECTOR_PERMUTE: permute,
    Unit.VECTOR_TABLE: table,
    **vector_lanes.UNITS,
    **vector_crypto.UNITS,
    **structures.UNITS,
}
