"""Words against Python integers, edge values included."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ncpu.machine import word
from ncpu.machine.alu import EXACT

MASK = word.MASK64
EDGES = [0, 1, 2, 31, 32, 63, 64, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 32]
EDGES += [(1 << 63) - 1, 1 << 63, MASK, MASK - 1]
words = st.one_of(st.sampled_from(EDGES), st.integers(0, MASK))


def signed(value: int, bits: int = 64) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


@jax.jit
@word.with_x64
def _everything(a: jax.Array, b: jax.Array) -> dict[str, Any]:
    """Every operation on words joined from limbs, results as limbs."""
    x, y = word.join(a), word.join(b)
    n = y & word.u64(63)
    yes, no = jnp.bool_(True), jnp.bool_(False)
    wide, narrow = EXACT.add(x, y, word.u64(1), yes), EXACT.add(x, y, word.u64(0), no)
    out = {
        "high": word.mul_high(x, y, no),
        "high_signed": word.mul_high(x, y, yes),
        "udiv": word.divide(x, y, no),
        "sdiv": word.divide(x, y, yes),
        "shl": word.shl(x, y & word.u64(127)),
        "shr": word.shr(x, y & word.u64(127)),
        "sar": word.sar(x, n),
        "mask": word.low_mask(n),
        "sign": word.sign_extend(x, n + word.u64(1)),
        "reverse": word.reverse_bits(x),
        "sum": wide[0],
        "sum32": narrow[0],
        "ror": EXACT.shift(jnp.uint32(3), x, y, yes),
        "ror32": EXACT.shift(jnp.uint32(3), x, y, no) & word.u64(0xFFFFFFFF),
        "asr32": EXACT.shift(jnp.uint32(2), x, y, no) & word.u64(0xFFFFFFFF),
    }
    limbs = {name: word.split(value) for name, value in out.items()}
    return limbs | {"nzcv": wide[1], "nzcv32": narrow[1]}


def nzcv(a: int, b: int, carry: int, bits: int) -> int:
    mask = (1 << bits) - 1
    total = (a & mask) + (b & mask) + carry
    value = total & mask
    overflow = signed(a, bits) + signed(b, bits) + carry != signed(value, bits)
    return (value >> bits - 1) << 3 | (value == 0) << 2 | (total > mask) << 1 | overflow


@settings(max_examples=400, deadline=None)
@given(words, words)
def test_operations(a: int, b: int) -> None:
    out = _everything(jnp.asarray(word.to_limbs(a)), jnp.asarray(word.to_limbs(b)))
    got = {name: int(word.from_limbs(v)) for name, v in out.items() if v.ndim}
    n, wide = b & 63, b & 127
    quotient = 0 if b == 0 else abs(signed(a)) // abs(signed(b))
    quotient *= -1 if (signed(a) < 0) != (signed(b) < 0) else 1
    low, m = a & 0xFFFFFFFF, b & 31
    assert got == {
        "high": a * b >> 64,
        "high_signed": signed(a) * signed(b) >> 64 & MASK,
        "udiv": a // b if b else 0,
        "sdiv": quotient & MASK,
        "shl": a << wide & MASK,
        "shr": a >> wide,
        "sar": signed(a) >> n & MASK,
        "mask": (1 << n) - 1,
        "sign": signed(a, n + 1) & MASK,
        "reverse": int(f"{a:064b}"[::-1], 2),
        "sum": a + b + 1 & MASK,
        "sum32": low + b & 0xFFFFFFFF,
        "ror": (a >> n | a << 64 - n) & MASK,
        "ror32": (low >> m | low << 32 - m) & 0xFFFFFFFF,
        "asr32": signed(low, 32) >> m & 0xFFFFFFFF,
    }
    assert int(out["nzcv"]) == nzcv(a, b, 1, 64)
    assert int(out["nzcv32"]) == nzcv(a, b, 0, 32)


@given(st.lists(words, min_size=1, max_size=9))
def test_limbs_round_trip(values: list[int]) -> None:
    array = np.array(values, np.uint64)
    assert (word.from_limbs(word.to_limbs(array)) == array).all()
    assert int(word.from_limbs(word.to_limbs(values[0]))) == values[0]
