"""Units of the cryptographic extensions: AES, SHA-1, SHA-256, products of polynomials."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine import word
from ncpu.machine.alu import Alu
from ncpu.machine.instr import Unit
from ncpu.machine.isa.lanes import DECRYPT, HASH_0, MIX, UNMIX
from ncpu.machine.units.operands import Operands, Result, result
from ncpu.machine.units.vector_lanes import halves, pack_bytes, pair
from ncpu.machine.word import u64

# -- AES --------------------------------------------------------------------------------


def _boxes() -> np.ndarray:
    """The S-box of FIPS-197 and then its inverse: `u64[512]`."""
    # Powers and logarithms to the base 3, which generates the field's nonzero elements.
    powers = np.zeros(255, np.int64)
    value = 1
    for k in range(255):
        powers[k] = value
        value ^= value << 1 ^ (value >> 7) * 0x11B
    inverse = np.zeros(256, np.int64)
    inverse[powers] = powers[-np.arange(255)]
    turned = [(inverse << k | inverse >> (8 - k)) & 0xFF for k in range(5)]
    box = turned[0] ^ turned[1] ^ turned[2] ^ turned[3] ^ turned[4] ^ 0x63
    return np.concatenate([box, np.argsort(box)]).astype(np.uint64)


def _shift_rows(sign: int) -> np.ndarray:
    """Where ShiftRows, or with -1 its inverse, takes each byte from."""
    row, column = np.arange(16) % 4, np.arange(16) // 4
    return row + 4 * ((column + sign * row) % 4)


BOXES = _boxes()
# Which bytes change places: by operation, ShiftRows and its inverse.
SOURCES = np.stack([_shift_rows(1), _shift_rows(-1)]).astype(np.uint64)


def _double(x: jax.Array) -> jax.Array:
    """Every byte times x in GF(2^8)."""
    over = (x >> 7) & u64(0x0101010101010101)
    return ((x << 1) & u64(0xFEFEFEFEFEFEFEFE)) ^ (over * u64(0x1B))


def _turn(x: jax.Array, count: int) -> jax.Array:
    """Every 32-bit column rotated down by `count` bytes."""
    kept = u64((0xFFFFFFFF >> 8 * count) * 0x100000001)
    return ((x >> (8 * count)) & kept) | ((x << (32 - 8 * count)) & ~kept)


def aes(alu: Alu, o: Operands) -> Result:
    """AESE and AESD: key, ShiftRows and the S-box.  AESMC and AESIMC: MixColumns."""
    op, n = o.instr.op, pair(o, o.instr.rn)
    state = n ^ pair(o, o.instr.ra)
    inverse = op == DECRYPT
    place = jnp.where(inverse, SOURCES[1], SOURCES[0])
    half = jnp.where(place < 8, state[0], state[1])
    byte = ((half >> ((place & u64(7)) * u64(8))) & u64(255)).astype(jnp.uint32)
    index = byte + jnp.where(inverse, jnp.uint32(256), jnp.uint32(0))
    low, high = pack_bytes(jnp.asarray(BOXES).at[index].get(mode="promise_in_bounds"))
    # The inverse's coefficients are those of MixColumns times 4x^2 + 5.
    more = _double(_double(n ^ _turn(n, 2)))
    x = n ^ jnp.where(op == UNMIX, more, u64(0))
    following = _turn(x, 1)
    both = x ^ following
    mixed = _double(both) ^ following ^ _turn(both, 2)
    mixes = op >= MIX
    return result(o, jnp.where(mixes, mixed[0], low), jnp.where(mixes, mixed[1], high))


# -- SHA --------------------------------------------------------------------------------


def _words(o: Operands, row: jax.Array) -> jax.Array:
    """The register at `row` as `u32[4]`."""
    start = (row.astype(jnp.uint32), np.uint32(0))
    return lax.dynamic_slice(o.regs, start, (2, 2)).reshape(4)


def _registers(words: jax.Array) -> tuple[jax.Array, jax.Array]:
    """`u32[4]` as (low, high)."""
    return halves(word.join(words.reshape(2, 2)))


def _left(x: jax.Array, count: int) -> jax.Array:
    """Rotated to the left, `u32`."""
    return (x << np.uint32(count)) | (x >> np.uint32(32 - count))


def _choice(x: jax.Array, y: jax.Array, z: jax.Array) -> jax.Array:
    return z ^ (x & (y ^ z))


def _majority(x: jax.Array, y: jax.Array, z: jax.Array) -> jax.Array:
    return (x & y) | ((x | y) & z)


def sha1(alu: Alu, o: Operands) -> Result:
    """SHA1C, SHA1P and SHA1M: four rounds.  SHA1SU0, SHA1SU1 and SHA1H."""
    op = o.instr.op.astype(jnp.int32)
    n, m, d = (_words(o, row) for row in (o.instr.rn, o.instr.rm, o.instr.ra))

    def round_(k: int, state: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        a, b, c, e, f = state
        mixed = lax.select_n(jnp.minimum(op, 2), _choice(b, c, e), b ^ c ^ e, _majority(b, c, e))
        return f + _left(a, 5) + mixed + m[k], a, _left(b, 30), c, e

    hashed = lax.fori_loop(0, 4, round_, (d[0], d[1], d[2], d[3], n[0]))
    first = jnp.stack([d[2], d[3], n[0], n[1]]) ^ d ^ m
    mixed = d ^ jnp.stack([n[1], n[2], n[3], jnp.uint32(0)])
    second = _left(mixed, 1) ^ jnp.where(np.arange(4) == 3, _left(mixed[0], 2), jnp.uint32(0))
    turned = jnp.where(np.arange(4) == 0, _left(n, 30), jnp.uint32(0))
    rounds = jnp.stack(hashed[:4])
    return result(o, *_registers(lax.select_n(op, rounds, rounds, rounds, first, second, turned)))


def _sigma(x: jax.Array, first: int, second: int, third: int) -> jax.Array:
    """Three rotations to the right."""
    return _left(x, 32 - first) ^ _left(x, 32 - second) ^ _left(x, 32 - third)


def _small_sigma(x: jax.Array, first: int, second: int, drop: int) -> jax.Array:
    """Two rotations and a shift to the right."""
    return _left(x, 32 - first) ^ _left(x, 32 - second) ^ (x >> np.uint32(drop))


def sha256(alu: Alu, o: Operands) -> Result:
    """SHA256H and SHA256H2: four rounds, either half of the state.  SHA256SU0, SHA256SU1."""
    op = o.instr.op.astype(jnp.int32)
    n, m, d = (_words(o, row) for row in (o.instr.rn, o.instr.rm, o.instr.ra))
    upper = op != HASH_0
    x, y = jnp.where(upper, n, d), jnp.where(upper, d, n)

    def round_(k: int, state: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        a, b, c, e, f, g, h, i = state
        t = i + _sigma(f, 6, 11, 25) + _choice(f, g, h) + m[k]
        return t + _sigma(a, 2, 13, 22) + _majority(a, b, c), a, b, c, t + e, f, g, h

    start = (x[0], x[1], x[2], x[3], y[0], y[1], y[2], y[3])
    hashed = lax.fori_loop(0, 4, round_, start)
    first = d + _small_sigma(jnp.stack([d[1], d[2], d[3], n[0]]), 7, 18, 3)
    plain = d + jnp.stack([n[1], n[2], n[3], m[0]])
    lower = plain[:2] + _small_sigma(m[2:], 17, 19, 10)
    second = jnp.concatenate([lower, plain[2:] + _small_sigma(lower, 17, 19, 10)])
    value = lax.select_n(op, jnp.stack(hashed[:4]), jnp.stack(hashed[4:]), first, second)
    return result(o, *_registers(value))


# -- polynomials ------------------------------------------------------------------------


def polynomial_long(alu: Alu, o: Operands) -> Result:
    """PMULL of doublewords: one product of 128 bits without carries."""
    bit = np.arange(64, dtype=np.uint64)
    chosen = (o.b >> bit) & u64(1) == 1
    low = jnp.where(chosen, o.a << bit, u64(0))
    high = jnp.where(chosen, (o.a >> 1) >> (np.uint64(63) - bit), u64(0))
    terms = jnp.stack([low, high])
    return result(o, *halves(lax.reduce(terms, np.uint64(0), lax.bitwise_xor, (1,))))


UNITS = {
    Unit.VECTOR_AES: aes,
    Unit.VECTOR_SHA1: sha1,
    Unit.VECTOR_SHA256: sha256,
    Unit.VECTOR_POLYNOMIAL_LONG: polynomial_long,
}
