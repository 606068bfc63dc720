"""128-bit intermediates as (high, low) pairs of `u64`; only under x64."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine.fp.core import ZERO, pick, u64

Wide = tuple[jax.Array, jax.Array]


def mul_wide(a: jax.Array, b: jax.Array) -> Wide:
    """The 128-bit product of two words below 2**63."""
    mask = np.uint64(0xFFFFFFFF)
    a0, a1, b0, b1 = a & mask, a >> 32, b & mask, b >> 32
    # No carry to lose: each factor's upper half is below 2**31.
    middle = a0 * b1 + a1 * b0 + ((a0 * b0) >> 32)
    return a1 * b1 + (middle >> 32), a * b


def jam_right_wide(high: jax.Array, low: jax.Array, amount: jax.Array) -> Wide:
    """(high, low) below 2**126 shifted right, any lost bit ORed into bit 0."""
    amount = jnp.minimum(amount, 126)
    far = amount > 63
    lost = pick(far, low, ZERO)
    low, high = pick(far, high, low), pick(far, ZERO, high)
    amount = amount & 63
    rest = amount ^ 63  # 63 - amount: with one place more, a shift by 64 when amount is 0
    lost = lost | (low << 1 << rest)
    return high >> amount, (low >> amount) | (high << 1 << rest) | u64(lost != 0)


def add_signed(big: Wide, small: Wide, subtract: jax.Array) -> tuple[jax.Array, Wide]:
    """(1 if negative else 0, magnitude) of big +- small, both below 2**126."""
    # -x is ~x + 1; `ones` and `subtract` are that complement and that carry.
    ones = -subtract
    low = (small[1] ^ ones) + subtract
    # The +1 reaches the high word only if the low word is zero.
    high = (small[0] ^ ones) + (subtract & u64(low == 0))
    total = big[1] + low
    high = big[0] + high + u64(total < low)
    negative = high >> 63
    ones = -negative
    low = (total ^ ones) + negative
    return negative, ((high ^ ones) + (negative & u64(low == 0)), low)


def normalize_wide(high: jax.Array, low: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(word with its leading bit at 62 and a sticky bit 0, places shifted left).

    `high` is below 2**63; where it is zero, `low`'s bit 0 must be zero.
    """
    empty = high == 0
    high, low = pick(empty, low >> 1, high), pick(empty, ZERO, low)
    shift = (lax.clz(high) - 1) & 63
    word = (high << shift) | (low >> 1 >> (shift ^ 63)) | u64((low << shift) != 0)
    return word, shift + pick(empty, np.uint64(63), ZERO)
