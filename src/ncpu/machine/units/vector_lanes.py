"""Vector units that compute lane by lane, each element widened to 64 bits.

One graph serves every element size: sixteen lanes are taken out, those beyond the count
are ignored, and the results are put together again in elements of their own size.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine import word
from ncpu.machine.alu import Alu
from ncpu.machine.instr import Unit
from ncpu.machine.isa.lanes import (
    ARG,
    COUNT_ONES,
    DOUBLE,
    LEADING_SIGNS,
    MAXIMUM,
    PRODUCT,
    REVERSE,
    TOTAL,
)
from ncpu.machine.units.operands import Operands, Result, result
from ncpu.machine.word import u64

LANES = np.arange(16, dtype=np.uint64)
QC = np.uint32(1 << 27)


def pair(o: Operands, row: jax.Array) -> jax.Array:
    """Rows `row` and `row + 1`, the halves of a register: `u64[2]`."""
    start = (row.astype(jnp.uint32), np.uint32(0))
    return word.join(lax.dynamic_slice(o.regs, start, (2, 2)))


def halves(value: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Both elements of `u64[2]`."""
    return value[0], value[1]


def pack_bytes(lanes: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Sixteen bytes, a lane each, as (low, high)."""
    places = (lanes << ((LANES & np.uint64(7)) * np.uint64(8))).reshape(2, 8)
    return halves(jnp.sum(places, axis=1))


def _arg(o: Operands, name: str) -> jax.Array:
    """A field of `Instr.arg`."""
    lowest, width = ARG[name]
    return (o.instr.arg >> lowest) & ((1 << width) - 1)


def _bits(size: jax.Array) -> jax.Array:
    """Bits of an element of 2**size bytes."""
    return u64(8) << size.astype(jnp.uint64)


def _lanes(
    o: Operands, register: jax.Array, signed: jax.Array, index: jax.Array | np.ndarray = LANES
) -> jax.Array:
    """Elements `index` of a register, sign- or zero-extended: `u64[16]`."""
    bits = _bits(o.instr.size)
    place = index * bits
    half = jnp.where(place & u64(64) != 0, register[1], register[0])
    unused = u64(64) - bits
    top = half << (unused - (place & u64(63)))
    return jnp.where(signed, word.sar(top, unused), top >> unused)


def _counted(o: Operands) -> jax.Array:
    """The lanes that count: `bool[16]`."""
    return _arg(o, "count").astype(jnp.uint64) > LANES


def _pack(o: Operands, lanes: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The counted lanes as elements of the result's size: (low, high)."""
    bits = _bits(_arg(o, "result"))
    place = LANES * bits
    value = jnp.where(_counted(o), lanes & word.low_mask(bits), u64(0)) << (place & u64(63))
    upper = place & u64(64) != 0
    low = jnp.sum(jnp.where(upper, u64(0), value))
    return low, jnp.sum(jnp.where(upper, value, u64(0)))


def _saturating(o: Operands, lanes: jax.Array) -> jax.Array:
    """The flags when the lanes where this holds saturate."""
    return o.raising(jnp.where(jnp.any(lanes & _counted(o)), QC, jnp.uint32(0)))


# -- shifts -----------------------------------------------------------------------------


def _clamped(
    o: Operands, value: jax.Array, lost: jax.Array, negative: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """(the value brought into range, where it was not); `lost` is beyond any range.

    With its top bit inverted, a signed range is an unsigned one.
    """
    flip = jnp.where(o.instr.signed == 1, u64(1 << 63), u64(0))
    limit = o.instr.imm
    lowest = jnp.where(_arg(o, "signed") == 1, ~limit, u64(0)) ^ flip
    beyond = jnp.where(negative, u64(0), u64(word.MASK64))
    wanted = jnp.where(lost, beyond, value ^ flip)
    clamped = jnp.minimum(jnp.maximum(wanted, lowest), limit ^ flip)
    return clamped ^ flip, lost | (clamped != wanted)


def shift(alu: Alu, o: Operands) -> Result:
    """Every shift: by register or immediate, rounding, saturating, narrowing, widening.

    `imm` is the largest result when it saturates.
    """
    signed = o.instr.signed == 1
    x = _lanes(o, pair(o, o.instr.rn), signed)
    by_register = _lanes(o, pair(o, o.instr.rm), jnp.bool_(False))
    amount = jnp.where(o.instr.use_imm == 1, _arg(o, "amount").astype(jnp.uint64), by_register)
    amount = word.sign_extend(amount, u64(8))
    to_right = amount >> 63 == 1
    far = jnp.where(to_right, -amount, amount)
    # To the right in two steps: the bit that the second drops is the one to round by.
    first = jnp.minimum(far - u64(1), u64(63))
    part = jnp.where(signed, word.sar(x, first), x >> first)
    rounds = (_arg(o, "round") == 1) & (signed | (far <= 64))
    up = jnp.where(rounds, part & u64(1), u64(0))
    right = jnp.where(signed, word.sar(part, u64(1)), part >> 1) + up
    near = jnp.minimum(far, u64(63))
    left = jnp.where(far > 63, u64(0), x << near)
    back = jnp.where(signed, word.sar(left, near), left >> near)
    value = jnp.where(to_right, right, left)
    saturates = _arg(o, "saturate") == 1
    lost = (back != x) & ~to_right
    clamped, beyond = _clamped(o, value, lost, signed & (x >> 63 == 1))
    low, high = _pack(o, jnp.where(saturates, clamped, value))
    return result(o, low, high, flags=_saturating(o, beyond & saturates))


# -- products ---------------------------------------------------------------------------


def _factors(o: Operands) -> tuple[jax.Array, jax.Array]:
    signed = o.instr.signed == 1
    index = jnp.where(_arg(o, "by_element") == 1, _arg(o, "index").astype(jnp.uint64), LANES)
    a = _lanes(o, pair(o, o.instr.rn), signed)
    return a, _lanes(o, pair(o, o.instr.rm), signed, index)


def multiply(alu: Alu, o: Operands) -> Result:
    """MUL, SMULL, UMULL, SQDMULL, SQDMULH, SQRDMULH.

    Doubling overflows for one product alone, the square of the least; `imm` replaces it.
    """
    a, b = _factors(o)
    product = a * b
    sign = _bits(o.instr.size) - u64(1)
    half = jnp.where(_arg(o, "round") == 1, (u64(1) << sign) >> 1, u64(0))
    high = word.sar(product + half, sign)
    op = o.instr.op
    value = jnp.where(op == PRODUCT, product, jnp.where(op == DOUBLE, product << 1, high))
    least = u64(word.MASK64) << sign
    beyond = (op != PRODUCT) & (a == least) & (b == least)
    low, high = _pack(o, jnp.where(beyond, o.instr.imm, value))
    return result(o, low, high, flags=_saturating(o, beyond))


def multiply_add(alu: Alu, o: Operands) -> Result:
    """SQRDMLAH and SQRDMLSH: half a sum of twice its terms, so that 64 bits hold it."""
    a, b = _factors(o)
    sign = _bits(o.instr.size) - u64(1)
    product = a * b
    product = jnp.where(o.instr.invert == 1, -product, product)
    start = _lanes(o, pair(o, o.instr.ra), jnp.bool_(True)) << sign
    value = word.sar(start + product + (u64(1) << (sign - u64(1))), sign)
    limit = o.instr.imm
    beyond = word.sar(value, sign) != word.sar(value, u64(63))
    nearest = jnp.where(value >> 63 == 1, ~limit, limit)
    low, high = _pack(o, jnp.where(beyond, nearest, value))
    return result(o, low, high, flags=_saturating(o, beyond))


def dot(alu: Alu, o: Operands) -> Result:
    """SDOT and UDOT: products of four bytes added to each word."""
    signed = o.instr.signed == 1
    one_word = (_arg(o, "index") * 4).astype(jnp.uint64) + (LANES & np.uint64(3))
    index = jnp.where(_arg(o, "by_element") == 1, one_word, LANES)
    a = _lanes(o, pair(o, o.instr.rn), signed)
    b = _lanes(o, pair(o, o.instr.rm), signed, index)
    sums = jnp.sum((a * b).reshape(4, 4), axis=1).astype(jnp.uint32)
    start = (o.instr.ra.astype(jnp.uint32), np.uint32(0))
    total = lax.dynamic_slice(o.regs, start, (2, 2)) + sums.reshape(2, 2)
    low, high = halves(word.join(total))
    return result(o, low, jnp.where(_arg(o, "count") > 2, high, u64(0)))


def polynomial(alu: Alu, o: Operands) -> Result:
    """PMUL and PMULL: products of bytes without carries."""
    a, b = _factors(o)
    bit = np.arange(8, dtype=np.uint64)
    terms = jnp.where((b[:, None] >> bit) & u64(1) == 1, a[:, None] << bit, u64(0))
    product = lax.reduce(terms, np.uint64(0), lax.bitwise_xor, (1,))
    return result(o, *_pack(o, product))


# -- bits, reductions -------------------------------------------------------------------


def bits(alu: Alu, o: Operands) -> Result:
    """CNT, CLZ, CLS and RBIT."""
    op = o.instr.op
    x = _lanes(o, pair(o, o.instr.rn), o.instr.signed == 1)
    signs = op == LEADING_SIGNS
    unused = u64(64) - _bits(o.instr.size) + signs.astype(jnp.uint64)
    leading = lax.clz(jnp.where(signs, x ^ word.sar(x, u64(1)), x)) - unused
    counted = jnp.where(op == COUNT_ONES, lax.population_count(x), leading)
    value = jnp.where(op == REVERSE, word.reverse_bits(x) >> 56, counted)
    return result(o, *_pack(o, value))


def reduce(alu: Alu, o: Operands) -> Result:
    """ADDV, SADDLV, UADDLV, SMAXV, UMAXV, SMINV, UMINV, and ADDP of two doublewords."""
    op = o.instr.op
    x = _lanes(o, pair(o, o.instr.rn), o.instr.signed == 1)
    total = jnp.sum(jnp.where(_counted(o), x, u64(0)))
    # Inverting bits turns signed order into unsigned, and the smallest into the largest.
    flip = jnp.where(o.instr.signed == 1, u64(1 << 63), u64(0))
    flip = jnp.where(op == MAXIMUM, flip, ~flip)
    largest = jnp.max(jnp.where(_counted(o), x ^ flip, u64(0))) ^ flip
    value = jnp.where(op == TOTAL, total, largest)
    return result(o, value & word.low_mask(_bits(_arg(o, "result"))))


def add_pairs(alu: Alu, o: Operands) -> Result:
    """SADDLP and UADDLP."""
    register, signed = pair(o, o.instr.rn), o.instr.signed == 1
    even = _lanes(o, register, signed, LANES * np.uint64(2))
    odd = _lanes(o, register, signed, LANES * np.uint64(2) + np.uint64(1))
    return result(o, *_pack(o, even + odd))


UNITS = {
    Unit.VECTOR_SHIFT: shift,
    Unit.VECTOR_MULTIPLY: multiply,
    Unit.VECTOR_MULTIPLY_ADD: multiply_add,
    Unit.VECTOR_DOT: dot,
    Unit.VECTOR_POLYNOMIAL: polynomial,
    Unit.VECTOR_BITS: bits,
    Unit.VECTOR_REDUCE: reduce,
    Unit.VECTOR_ADD_PAIRS: add_pairs,
}
