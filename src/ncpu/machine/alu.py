"""The arithmetic protocol that `execute` is given, and its exact implementation.

Exact, trained and soft arithmetic are values of this protocol: pytrees whose parameters
are their leaves.  Words are `u64` scalars under x64; `wide` is a traced boolean, false
for 32-bit operations, whose results come back zero-extended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp

from ncpu.machine import word
from ncpu.machine.word import u64

WIDE_DROP = 32  # bits a 32-bit operand is moved up by, so that carries leave at bit 63


class Alu(Protocol):
    """What computes on operand values."""

    def when(self, wanted: jax.Array, compute: Callable[[], jax.Array]) -> jax.Array:
        """`compute()`, or anything where it is not wanted: skipped if it is worth a branch."""
        ...

    def add(
        self, a: jax.Array, b: jax.Array, carry: jax.Array, wide: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """`a + b + carry` and its NZCV as `u32` (AddWithCarry of the Arm manual)."""
        ...

    def logic(self, op: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
        """AND (0), OR (1) or exclusive OR (2) of two words."""
        ...

    def invert(self, a: jax.Array, when: jax.Array) -> jax.Array:
        """The complement of `a` where `when` holds."""
        ...

    def is_zero(self, a: jax.Array) -> jax.Array:
        """Whether no bit of `a` is set."""
        ...

    def shift(self, op: jax.Array, a: jax.Array, amount: jax.Array, wide: jax.Array) -> jax.Array:
        """LSL (0), LSR (1), ASR (2) or ROR (3) by `amount` modulo the width."""
        ...

    def two_shift(
        self, a: jax.Array, left: jax.Array, right: jax.Array, signed: jax.Array
    ) -> jax.Array:
        """`a` shifted left, then right (ASR where `signed`), both by 0..63 as `u64`.

        What the table makes of shifted and extended operands and of bitfields.
        """
        ...

    def multiply(self, a: jax.Array, b: jax.Array) -> jax.Array:
        """The low 64 bits of the product."""
        ...

    def multiply_high(self, a: jax.Array, b: jax.Array, signed: jax.Array) -> jax.Array:
        """The high 64 bits of the 128-bit product."""
        ...

    def divide(self, a: jax.Array, b: jax.Array, signed: jax.Array) -> jax.Array:
        """The quotient of two 64-bit words, 0 for a zero divisor."""
        ...


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ExactAlu:
    """Integer arithmetic on u64."""

    def when(self, wanted: jax.Array, compute: Callable[[], jax.Array]) -> jax.Array:
        """See `Alu.when`."""
        return compute()

    def add(
        self, a: jax.Array, b: jax.Array, carry: jax.Array, wide: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """See `Alu.add`."""
        drop = jnp.where(wide, u64(0), u64(WIDE_DROP))
        a, b = a << drop, b << drop
        partial = a + b
        total = partial + (carry << drop)
        carried = (partial < a) | (total < partial)
        overflow = ((a ^ total) & (b ^ total)) >> 63
        negative = (total >> 63).astype(jnp.uint32)
        zero = (total == 0).astype(jnp.uint32)
        nzcv = negative << 3 | zero << 2 | carried.astype(jnp.uint32) << 1
        return total >> drop, nzcv | overflow.astype(jnp.uint32)

    def logic(self, op: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
        """See `Alu.logic`."""
        return jnp.where(op == 0, a & b, jnp.where(op == 1, a | b, a ^ b))

    def invert(self, a: jax.Array, when: jax.Array) -> jax.Array:
        """See `Alu.invert`."""
        return jnp.where(when, ~a, a)

    def is_zero(self, a: jax.Array) -> jax.Array:
        """See `Alu.is_zero`."""
        return a == 0

    def two_shift(
        self, a: jax.Array, left: jax.Array, right: jax.Array, signed: jax.Array
    ) -> jax.Array:
        """See `Alu.two_shift`."""
        a = a << left
        return jnp.where(signed, word.sar(a, right), a >> right)

    def shift(self, op: jax.Array, a: jax.Array, amount: jax.Array, wide: jax.Array) -> jax.Array:
        """See `Alu.shift`."""
        n = amount & jnp.where(wide, u64(63), u64(31))
        narrow = a & u64(0xFFFFFFFF)
        a = jnp.where(wide, a, narrow)
        arithmetic = word.sar(jnp.where(wide, a, word.sign_extend(a, u64(32))), n)
        # A 32-bit rotation is a 64-bit one of the word repeated.
        twice = jnp.where(wide, a, a | (a << 32))
        rotated = (twice >> n) | (twice << ((u64(64) - n) & u64(63)))
        return jnp.where(
            op == 0, a << n, jnp.where(op == 1, a >> n, jnp.where(op == 2, arithmetic, rotated))
        )

    def multiply(self, a: jax.Array, b: jax.Array) -> jax.Array:
        """See `Alu.multiply`."""
        return a * b

    def multiply_high(self, a: jax.Array, b: jax.Array, signed: jax.Array) -> jax.Array:
        """See `Alu.multiply_high`."""
        return word.mul_high(a, b, signed)

    def divide(self, a: jax.Array, b: jax.Array, signed: jax.Array) -> jax.Array:
        """See `Alu.divide`."""
        return word.divide(a, b, signed)


EXACT = ExactAlu()
