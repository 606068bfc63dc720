"""The configured operations on operand registers, and the characters of their results.

Everything is done by a `machine.alu.Alu` on words; nothing here adds or divides by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.machine.alu import EXACT, Alu
from ncpu.machine.word import u64, with_x64

END = 10  # the symbol after an answer's last digit
NONE = -1  # no symbol: there is nothing to write
SYMBOLS = 11  # digits and END
POWERS = np.array([10**k for k in range(10)], np.uint64)  # places of a 32-bit number


@dataclass(frozen=True)
class Answer:
    """What a computation came to at each token.

    Attributes:
      a, b: `u32[b, t]`, operands as the operation takes them.
      values: `u32[ops, b, t]`, each operation's result.
      result: `u32[b, t]`, the one wanted.
      index: `i32[b, t]`, position in its text of the character to come, -1 for none.
      symbol: `i32[b, t]`, that character: a digit, END or NONE.
    """

    a: jax.Array
    b: jax.Array
    values: jax.Array
    result: jax.Array
    index: jax.Array
    symbol: jax.Array


Compute = Callable[[Alu, jax.Array, jax.Array, int], jax.Array]


def _logic(op: int) -> Compute:
    return lambda alu, a, b, bits: alu.logic(jnp.uint32(op), a, b)


def _add(alu: Alu, a: jax.Array, b: jax.Array, bits: int) -> jax.Array:
    return alu.add(a, b, u64(0), jnp.bool_(False))[0]


def _subtract(alu: Alu, a: jax.Array, b: jax.Array, bits: int) -> jax.Array:
    return alu.add(a, alu.invert(b, jnp.bool_(True)), u64(1), jnp.bool_(False))[0]


def _shift_left(alu: Alu, a: jax.Array, b: jax.Array, bits: int) -> jax.Array:
    return alu.shift(jnp.uint32(0), a, b & u64(bits - 1), jnp.bool_(False))


def _compare(alu: Alu, a: jax.Array, b: jax.Array, bits: int) -> jax.Array:
    # At the top of 32 bits, where a narrower sign, carry and overflow are.
    up = u64(32 - bits)
    inverse = alu.invert(b << up, jnp.bool_(True))
    return alu.add(a << up, inverse, u64(1), jnp.bool_(False))[1].astype(jnp.uint64)


# On words below 2**bits; only the lowest `bits` of a result count.
EXACTLY: dict[str, Compute] = {
    "ADD": _add,
    "SUB": _subtract,
    "MUL": lambda alu, a, b, bits: alu.multiply(a, b),
    "DIV": lambda alu, a, b, bits: alu.divide(a, b, jnp.bool_(False)),
    "AND": _logic(0),
    "OR": _logic(1),
    "XOR": _logic(2),
    "SHL": _shift_left,
    "CMP": _compare,
}


@with_x64
def results(
    ops: tuple[str, ...], a: jax.Array, b: jax.Array, bits: int, alu: Alu = EXACT
) -> jax.Array:
    """Every operation's result, `u32[len(ops), ...]` below 2**bits, of `u32[...]` below 2**bits.

    Unsigned: SUB wraps, DIV by zero is 0, SHL is by the amount modulo `bits`, CMP is NZCV.
    """
    wide = a.astype(jnp.uint64), b.astype(jnp.uint64)
    words = [EXACTLY[name](alu, *wide, bits) & u64((1 << bits) - 1) for name in ops]
    return jnp.stack([word.astype(jnp.uint32) for word in words])


def choose(values: jax.Array, op: jax.Array) -> jax.Array:
    """The result of operation `op` (`i32[...]`) among `values` `u32[ops, ...]`; 0 for op < 0."""
    out = jnp.zeros(op.shape, values.dtype)
    for k, value in enumerate(values):
        out = jnp.where(op == k, value, out)
    return out


@with_x64
def symbol(result: jax.Array, index: jax.Array, alu: Alu = EXACT) -> jax.Array:
    """Which symbol comes at position `index` of the decimal text of a result.

    Args:
      result: `u32[...]`.
      index: `i32[...]`, 0 for the first digit.
      alu: what divides.

    Returns:
      `i32[...]`: a digit, END after the last, NONE for any other index.
    """
    word = result.astype(jnp.uint64)
    digits = sum(((word >= u64(power)) for power in POWERS[1:]), jnp.ones(word.shape, jnp.int32))
    place = jnp.clip(digits - 1 - index, 0, len(POWERS) - 1)
    unsigned = jnp.bool_(False)
    head = alu.divide(word, jnp.asarray(POWERS)[place], unsigned)
    tens = alu.multiply(alu.divide(head, u64(10), unsigned), u64(10))
    digit = alu.add(head, alu.invert(tens, jnp.bool_(True)), u64(1), jnp.bool_(True))[0]
    inside = (index >= 0) & (index < digits)
    return jnp.where(
        inside, digit.astype(jnp.int32), jnp.where((index >= 0) & (index == digits), END, NONE)
    ).astype(jnp.int32)
