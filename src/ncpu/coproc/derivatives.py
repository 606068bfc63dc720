"""Derivatives of what has none: a choice, a register's bits, a symbol of a number's text.

Each of these has its exact value and the derivative of the multilinear function through its
exact values: with respect to one digit or bit, what would be if it alone were another.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.coproc.compute import POWERS, SYMBOLS, symbol
from ncpu.coproc.read import DIGITS
from ncpu.neural_alu.planes import from_word


def through(value: jax.Array, derivative: jax.Array) -> jax.Array:
    """`value` to the bit, with the derivative of `derivative`."""
    return lax.stop_gradient(value) + (derivative - lax.stop_gradient(derivative))


def one_hot(logits: jax.Array, chosen: jax.Array) -> jax.Array:
    """`chosen` in one-hot code, with the derivative of the softmax of `logits`."""
    p = jax.nn.softmax(logits)
    return through(jax.nn.one_hot(chosen, logits.shape[-1]), p)


def latest(where: jax.Array) -> jax.Array:
    """Position of the last token up to each for which `where` holds, -1 if none: `i32[b, t]`."""
    position = jnp.arange(where.shape[1], dtype=jnp.int32)
    return lax.cummax(jnp.where(where, position, -1), axis=1)


def picked(x: jax.Array, position: jax.Array) -> jax.Array:
    """`x[b, t, ...]` at positions `[b, t]`, zero for negative ones."""
    index = jnp.maximum(position, 0).reshape(*position.shape, *[1] * (x.ndim - 2))
    found = jnp.take_along_axis(x, index, axis=1)
    return jnp.where((position >= 0).reshape(index.shape), found, 0)


@partial(jax.custom_vjp, nondiff_argnums=(4,))
def register_bits(
    digits: jax.Array, value: jax.Array, last: jax.Array, length: jax.Array, bits: int
) -> jax.Array:
    """The bits of an operand's register after each token, as planes `f32[bits, b, t]`.

    Args:
      digits: `f32[b, t, 10]`, the digit at each token in one-hot code.
      value: `u32[b, t]`, the register.
      last: `i32[b, t]`, position of its last digit, negative if that is in an earlier call.
      length: `i32[b, t]`, how many digits it has.
      bits: its width.
    """
    return from_word(value, bits)


def _register_forward(
    digits: jax.Array, value: jax.Array, last: jax.Array, length: jax.Array, bits: int
) -> tuple[jax.Array, tuple]:
    return from_word(value, bits), (digits, value, last, length)


def _register_backward(bits: int, kept: tuple, tangents: jax.Array) -> tuple:
    """The derivative for digit k at a place: the register's bits if that digit were k."""
    digits, value, last, length = kept
    chosen = jnp.argmax(digits, -1).astype(jnp.uint32)
    row = jnp.arange(value.shape[0])[:, None]

    powers = jnp.asarray(POWERS.astype(np.uint32))

    def place(j: jax.Array, out: jax.Array) -> jax.Array:
        valid = (last >= j) & (j < length)
        source, power = jnp.where(valid, last - j, 0), powers[j]
        rest = value - chosen[row, source] * power
        score = [_dot(tangents, rest + jnp.uint32(k) * power) for k in range(DIGITS)]
        return out.at[row, source].add(jnp.where(valid[..., None], jnp.stack(score, -1), 0.0))

    return lax.fori_loop(0, len(POWERS), place, jnp.zeros_like(digits)), None, None, None


def _dot(tangents: jax.Array, word: jax.Array) -> jax.Array:
    """Sum of the planes `f32[bits, ...]` where the bits of `u32[...]` are set."""
    return sum(
        (jnp.where(word >> k & 1 == 1, tangent, 0.0) for k, tangent in enumerate(tangents)),
        jnp.zeros(word.shape, tangents.dtype),
    )


register_bits.defvjp(_register_forward, _register_backward)


@partial(jax.custom_vjp, nondiff_argnums=(3,))
def symbol_weights(planes: jax.Array, result: jax.Array, index: jax.Array, bits: int) -> jax.Array:
    """The symbol at `index` of a result's decimal text, in one-hot code `f32[..., 11]`.

    Args:
      planes: `f32[bits, ...]`, the result's bits, for the derivative alone.
      result: `u32[...]`, the result.
      index: `i32[...]`, -1 for no symbol, whose code is zero.
      bits: how many planes there are.
    """
    return jax.nn.one_hot(symbol(result, index), SYMBOLS)


def _symbol_forward(
    planes: jax.Array, result: jax.Array, index: jax.Array, bits: int
) -> tuple[jax.Array, tuple]:
    return symbol_weights(planes, result, index, bits), (result, index)


def _symbol_backward(bits: int, kept: tuple, tangents: jax.Array) -> tuple:
    """The derivative for a bit: the symbol if it were set less the symbol if it were not."""
    result, index = kept
    place = jnp.arange(bits, dtype=jnp.uint32).reshape(-1, *[1] * result.ndim)

    def score(word: jax.Array) -> jax.Array:
        code = jax.nn.one_hot(symbol(word, jnp.broadcast_to(index, word.shape)), SYMBOLS)
        return jnp.sum(code * tangents, -1)

    change = score(result ^ (jnp.uint32(1) << place)) - score(result)
    return jnp.where(result >> place & 1 == 1, -change, change), None, None


symbol_weights.defvjp(_symbol_forward, _symbol_backward)
