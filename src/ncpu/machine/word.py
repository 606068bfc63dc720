"""64-bit words: how they are stored, joined, split, and computed on.

A stored word is two ``uint32`` limbs, ``u32[..., 2]`` (low, high), because every
shortcut through ``jnp.uint64`` outside :func:`jax.enable_x64` silently keeps 32
bits.  Inside the traced tick (``with jax.enable_x64(True)``) words are ``u64``
scalars; this module owns the way between the two and every operation whose
meaning differs between Arm and XLA: shift amounts, signedness, division by zero.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike

P = ParamSpec("P")
T = TypeVar("T")

MASK64 = (1 << 64) - 1


def with_x64(function: Callable[P, T]) -> Callable[P, T]:
    """Trace `function` with 64-bit types enabled, whatever the caller's setting."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        with jax.enable_x64(True):
            return function(*args, **kwargs)

    return wrapped


def join(limbs: jax.Array) -> jax.Array:
    """`u32[..., 2]` (low, high) to `u64[...]`; only under x64."""
    return lax.bitcast_convert_type(limbs, jnp.uint64)


def join_anew(limbs: jax.Array) -> jax.Array:
    """`join`, computed again by whatever uses the word.

    XLA's CPU backend makes a reduction of a bitcast: it computes that once, but allocates three
    buffers for it on every call of the compiled program, which the short calls between system
    calls feel. In the units a word has few uses; in what all instructions share `join` is faster.
    """
    low = lax.index_in_dim(limbs, 0, -1, keepdims=False).astype(jnp.uint64)
    high = lax.index_in_dim(limbs, 1, -1, keepdims=False).astype(jnp.uint64)
    return low | lax.shift_left(high, u64(32))


def split(word: jax.Array) -> jax.Array:
    """`u64[...]` to `u32[..., 2]` (low, high); only under x64."""
    return lax.bitcast_convert_type(word, jnp.uint32)


def u64(value: ArrayLike) -> jax.Array:
    """A `u64` from an array or a Python integer below 2**64; only under x64."""
    return jnp.asarray(value, dtype=jnp.uint64)


def at(array: jax.Array, index: jax.Array | int) -> jax.Array:
    """`array[index]` for an unsigned `index`, the last element when beyond.

    Unsigned because a signed index costs a comparison, an addition and a selection more:
    JAX wraps negative ones.
    """
    start = (jnp.asarray(index).astype(jnp.uint32), *[np.uint32(0)] * (array.ndim - 1))
    return lax.dynamic_slice(array, start, (1, *array.shape[1:]))[0]


def put(array: jax.Array, index: jax.Array | int, value: jax.Array) -> jax.Array:
    """`array` with `value` at an unsigned `index`, in place where XLA can."""
    start = (jnp.asarray(index).astype(jnp.uint32), *[np.uint32(0)] * (array.ndim - 1))
    return lax.dynamic_update_slice(array, value[None], start)


def shl(word: jax.Array, amount: jax.Array) -> jax.Array:
    """`word << amount`, 0 where `amount` is 64 or more."""
    return jnp.where(amount > 63, u64(0), word << (amount & u64(63)))


def shr(word: jax.Array, amount: jax.Array) -> jax.Array:
    """`word >> amount` without sign, 0 where `amount` is 64 or more."""
    return jnp.where(amount > 63, u64(0), word >> (amount & u64(63)))


def sar(word: jax.Array, amount: jax.Array) -> jax.Array:
    """Arithmetic `word >> amount` for `amount` in 0..63."""
    return (word.astype(jnp.int64) >> amount.astype(jnp.int64)).astype(jnp.uint64)


def low_mask(bits: jax.Array) -> jax.Array:
    """A word with its lowest `bits` (0..64) bits set."""
    return jnp.where(bits > 63, u64(MASK64), (u64(1) << (bits & u64(63))) - u64(1))


def sign_extend(word: jax.Array, bits: jax.Array) -> jax.Array:
    """The lowest `bits` (1..64) bits of `word`, sign-extended to 64."""
    amount = u64(64) - bits
    return sar(word << amount, amount)


def mul_wide(a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The unsigned 128-bit product of two `u64` as (high, low)."""
    mask = u64(0xFFFFFFFF)
    a0, a1, b0, b1 = a & mask, a >> 32, b & mask, b >> 32
    p00, p01, p10, p11 = a0 * b0, a0 * b1, a1 * b0, a1 * b1
    middle = (p00 >> 32) + (p01 & mask) + (p10 & mask)
    return p11 + (p01 >> 32) + (p10 >> 32) + (middle >> 32), a * b


def mul_high(a: jax.Array, b: jax.Array, signed: jax.Array) -> jax.Array:
    """The upper 64 bits of the 128-bit product; `signed` is a traced boolean."""
    high = mul_wide(a, b)[0]
    zero = u64(0)
    # A negative operand reads as itself + 2**64: take the other factor off again.
    correction = jnp.where(a >> 63 == 1, b, zero) + jnp.where(b >> 63 == 1, a, zero)
    return jnp.where(signed, high - correction, high)


def divide(a: jax.Array, b: jax.Array, signed: jax.Array) -> jax.Array:
    """The A64 quotient: truncated, x / 0 = 0, and INT64_MIN / -1 = INT64_MIN."""
    negative_a = signed & (a >> 63 == 1)
    negative_b = signed & (b >> 63 == 1)
    abs_a = jnp.where(negative_a, -a, a)
    abs_b = jnp.where(negative_b, -b, b)
    quotient = abs_a // jnp.where(b == 0, u64(1), abs_b)
    quotient = jnp.where(negative_a ^ negative_b, -quotient, quotient)
    return jnp.where(b == 0, u64(0), quotient)


def reverse_bits(word: jax.Array) -> jax.Array:
    """The 64 bits of `word` in opposite order."""
    for shift, mask in (
        (1, 0x5555555555555555),
        (2, 0x3333333333333333),
        (4, 0x0F0F0F0F0F0F0F0F),
        (8, 0x00FF00FF00FF00FF),
        (16, 0x0000FFFF0000FFFF),
    ):
        word = ((word >> shift) & u64(mask)) | ((word & u64(mask)) << shift)
    return (word >> 32) | (word << 32)


def to_limbs(value: int | np.ndarray) -> np.ndarray:
    """Host: a Python integer or NumPy `u64[...]` to NumPy `u32[..., 2]`."""
    if isinstance(value, int):
        return np.array((value & 0xFFFFFFFF, (value >> 32) & 0xFFFFFFFF), np.uint32)
    words = np.array(value, "<u8", order="C")
    return words[..., None].view("<u4").astype(np.uint32, copy=False)


def integer(limbs: Any) -> int:
    """Host: one word, `u32[2]`, as a Python integer."""
    return int.from_bytes(np.asarray(limbs, "<u4").tobytes(), "little")


def from_limbs(limbs: Any) -> np.ndarray:
    """Host: `u32[..., 2]` to NumPy `u64[...]`."""
    # A copy, so that nobody edits the lane from which the limbs came.
    return np.array(limbs, "<u4", order="C").view("<u8")[..., 0]
