"""One instruction on thousands of operand values at once, by the machine's own units.

A unit of the machine is a function of one packed instruction and what it reads.  Here it is
given operands in place of a register file and mapped over test vectors, instructions and
search nodes, so that what the search sees is what the machine does.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.machine import word
from ncpu.machine.alu import EXACT
from ncpu.machine.execute import UNITS
from ncpu.machine.instr import Unit
from ncpu.machine.units.operands import Operands
from ncpu.machine.word import u64

NODES, ACTIONS = 64, 128  # a block: so many nodes times so many actions in one call


class _Given(Operands):
    """Operands whose rows 0, 1, 2 are given values; every other row reads as zero."""

    def __init__(self, packed: jax.Array, abc: jax.Array, flags: jax.Array) -> None:
        """`packed` u32[8], `abc` u64[3], `flags` u32 with NZCV in its highest bits."""
        zero = u64(0)
        super().__init__(EXACT, packed, packed, zero, zero)
        self._abc, self._flags = abc, flags

    def row(self, index: jax.Array | int) -> jax.Array:
        """A given value by its row."""
        a, b, c = self._abc
        other = jnp.where(index == 1, b, jnp.where(index == 2, c, u64(0)))
        return jnp.where(index == 0, a, other)

    @property
    def flags(self) -> jax.Array:
        """NZCV."""
        return self._flags

    @property
    def pc(self) -> jax.Array:
        """Of no instruction that is evaluated."""
        return u64(0)


def _instruction(
    unit: Unit, packed: jax.Array, abc: jax.Array, flags: jax.Array
) -> tuple[jax.Array, jax.Array]:
    out = UNITS[unit](EXACT, _Given(packed, abc, flags))
    return out.value, out.flags


@partial(jax.jit, static_argnames="unit")
@word.with_x64
def apply(
    unit: Unit, packed: jax.Array, operands: jax.Array, flags: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Instructions of one unit on operand values.

    Args:
      unit: of all of them.
      packed: `u32[n, 8]`.
      operands: `u32[n, 3, K, 2]`, words for a, b, c on K test vectors.
      flags: `u32[n, K]`.

    Returns:
      Results `u32[n, K, 2]` and flags `u32[n, K]`.
    """
    one = partial(_instruction, unit)
    over = jax.vmap(jax.vmap(one, (None, 1, 0)), (0, 0, 0))
    values, nzcv = over(packed, word.join(operands), flags)
    return word.split(values), nzcv


class Block(NamedTuple):
    """What a block of candidates comes to.

    Attributes:
      keys: `u32[N, A, 2]`, a hash of what the node then holds, alike for alike holdings.
      usable: `bool[N, A]`, its operands exist and it adds a value or changes the flags.
      hits: `u32[N, A]`, bit j: the result is target j; the highest bit: the flags are right.
    """

    keys: Any
    usable: Any
    hits: Any


def _mix(x: jax.Array) -> jax.Array:
    """A 64-bit finaliser (splitmix64, Steele et al. 2014)."""
    x = (x ^ (x >> 30)) * u64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> 27)) * u64(0x94D049BB133111EB)
    return x ^ (x >> 31)


def _digest(values: jax.Array) -> jax.Array:
    """`u64[..., K]` to a hash over its last axis."""
    lanes = jnp.arange(1, values.shape[-1] + 1, dtype=jnp.uint64) * u64(0x9E3779B97F4A7C15)
    return jnp.sum(_mix(values + lanes), axis=-1, dtype=jnp.uint64)


FLAGS_RIGHT = 31  # the bit of `Block.hits`


@partial(jax.jit, static_argnames="unit")
@word.with_x64
def block(
    unit: Unit,
    packed: jax.Array,
    slots: jax.Array,
    traits: jax.Array,
    values: jax.Array,
    exists: jax.Array,
    flags: jax.Array,
    targets: jax.Array,
    target_flags: jax.Array,
) -> Block:
    """Every action of a block at every node of it.

    Args:
      unit: of all actions.
      packed: `u32[A, 8]`.
      slots: `i32[A, 3]`, which values of a node a, b, c are; -1 where there is none.
      traits: `bool[A, 3]`: has a result; sets flags; reads flags.
      values: `u32[N, W, K, 2]`, what each node holds.
      exists: `bool[N, W + 1]`, which of these there are, and whether the flags are set.
      flags: `u32[N, K]`.
      targets: `u32[T, K, 2]`, T at most 31.
      target_flags: `u32[K]`.
    """
    held = word.join(values)
    wanted = word.join(targets)
    one = jax.vmap(partial(_instruction, unit), (None, 1, 0))  # over test vectors

    def at_node(held: jax.Array, exists: jax.Array, flags: jax.Array) -> Block:
        known = jnp.where(exists[:-1], _digest(held), u64(0))

        def action(packed: jax.Array, slots: jax.Array, traits: jax.Array) -> Block:
            there = slots >= 0
            operands = jnp.where(there[:, None], held[jnp.maximum(slots, 0)], u64(0))
            value, after = one(packed, operands, flags)
            valued, sets, reads = traits
            value = jnp.where(valued, value, u64(0))
            key = _digest(value)
            fresh = valued & ~jnp.any((known == key) & exists[:-1])
            changed = sets & jnp.any(after != flags) | sets & ~exists[-1]
            usable = jnp.all(exists[jnp.maximum(slots, 0)] | ~there) & (~reads | exists[-1])
            total = jnp.sum(known, dtype=jnp.uint64) + jnp.where(fresh, key, u64(0))
            set_ = exists[-1] | sets
            marked = jnp.where(set_, _digest(after.astype(jnp.uint64)) * u64(3) + u64(1), u64(0))
            same = jnp.all(value == wanted, axis=-1) & valued
            bits = jnp.sum(
                jnp.where(same, jnp.uint32(1) << jnp.arange(len(wanted), dtype=jnp.uint32), 0),
                dtype=jnp.uint32,
            )
            right = set_ & jnp.all(after == target_flags)
            hits = bits | right.astype(jnp.uint32) << FLAGS_RIGHT
            return Block(word.split(total + marked), usable & (fresh | changed), hits)

        return jax.vmap(action)(packed, slots, traits)

    return jax.vmap(at_node)(held, exists, flags)


def padded(array: np.ndarray, size: int) -> np.ndarray:
    """The array with its first axis filled up to `size` by its last entry."""
    short = size - len(array)
    return array if not short else np.concatenate([array, np.repeat(array[-1:], short, 0)])
