"""Matrices as memory: rows read by weights and written by outer products, and attention.

A register file addressed by one-hot vectors and a memory addressed by attention are the same
two products; only where the weights come from differs.  Writing erases, then adds, as in
Graves, Wayne and Danihelka, "Neural Turing machines" (2014).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.neural_alu.threshold.gates import CircuitError

ArrayT = TypeVar("ArrayT", jax.Array, np.ndarray)


def read(matrix: jax.Array, weights: jax.Array) -> jax.Array:
    """The weighted sum of rows: `f32[rows, width]`, `f32[rows]` to `f32[width]`."""
    return jnp.matmul(weights, matrix, precision=lax.Precision.HIGHEST)


def write(matrix: jax.Array, weights: jax.Array, value: jax.Array) -> jax.Array:
    """Each row erased by its weight, then the outer product of weights and value added."""
    return matrix * (1 - weights)[:, None] + jnp.outer(weights, value)


def sparsemax(z: jax.Array) -> jax.Array:
    """The point of the probability simplex nearest to `z`, over the last axis.

    Exactly one-hot where the largest entry leads by at least 1 (Martins and Astudillo, "From
    softmax to sparsemax", 2016, algorithm 1).
    """
    z = z - z.max(axis=-1, keepdims=True)  # so that a leader's weight is exactly 1
    ranked = jnp.flip(jnp.sort(z, axis=-1), axis=-1)
    rank = jnp.arange(1, z.shape[-1] + 1, dtype=z.dtype)
    excess = jnp.cumsum(ranked, axis=-1) - 1
    support = jnp.sum(rank * ranked > excess, axis=-1, keepdims=True)
    threshold = jnp.take_along_axis(excess, support - 1, axis=-1) / support
    return jnp.maximum(z - threshold, 0)


ATTENTION: dict[str, Callable[[jax.Array], jax.Array]] = {
    "softmax": lambda z: jax.nn.softmax(z, axis=-1),
    "sparsemax": sparsemax,
}


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Attention:
    """How a query addresses rows: weights `attention(keys @ query / temperature)`.

    With the bits of the address as +1 and -1, a row scores its address's length less twice
    the number of bits that differ: the row meant leads by 2, so by `2 / temperature`.

    Attributes:
      keys: `f32[rows, code]`, +1 or -1.
      temperature: `f32`, above 0.
      kind: "softmax" or "sparsemax".
    """

    keys: jax.Array
    temperature: jax.Array
    kind: str = field(metadata={"static": True})

    def __call__(self, query: jax.Array) -> jax.Array:
        """`f32[..., code]` to weights `f32[..., rows]` that sum to 1."""
        scores = jnp.matmul(query, self.keys.T, precision=lax.Precision.HIGHEST)
        return ATTENTION[self.kind](scores / self.temperature)


def bipolar(bits: ArrayT) -> ArrayT:
    """0 and 1 as -1 and +1."""
    return 2 * bits - 1


def to_bits(values: np.ndarray | int, width: int) -> np.ndarray:
    """Integers, modulo 2**width, as `f32[..., width]`, lowest bit first."""
    shifts = np.arange(width, dtype=np.uint64)
    words = np.asarray(values).astype(np.uint64)[..., None]
    return (words >> shifts & np.uint64(1)).astype(np.float32)


def from_bits(bits: jax.Array | np.ndarray) -> np.ndarray:
    """The inverse of `to_bits`, NumPy `u64[...]`; what lies above one half counts as 1."""
    set_bits = (np.asarray(bits) > 0.5).astype(np.uint64)
    shifts = np.arange(set_bits.shape[-1], dtype=np.uint64)
    return np.bitwise_or.reduce(set_bits << shifts, axis=-1)


def attention(kind: str, rows: int, temperature: float) -> Attention:
    """Attention over `rows` addresses with their bits as keys.

    Raises:
      CircuitError: `kind` is unknown, `rows` is no power of two from 2, or `temperature` is
        not above 0.
    """
    if rows < 2 or rows & rows - 1:
        raise CircuitError(f"a memory of {rows} words: the number is a power of two from 2")
    keys = bipolar(to_bits(np.arange(rows), rows.bit_length() - 1))
    return keyed(kind, jnp.asarray(keys), temperature)


def random_keys(key: jax.Array, rows: int, length: int) -> jax.Array:
    """Independent random signs `f32[rows, length]`: the leads of rows grow with `length`."""
    return jax.random.rademacher(key, (rows, length), jnp.float32)


def keyed(kind: str, keys: jax.Array, temperature: float) -> Attention:
    """Attention with the keys given, `f32[rows, code]`.

    Raises:
      CircuitError: `kind` is unknown or `temperature` is not above 0.
    """
    if kind not in ATTENTION:
        raise CircuitError(f"attention {kind!r}: it is one of {', '.join(ATTENTION)}")
    if not temperature > 0:
        raise CircuitError(f"a temperature of {temperature}: it must be above 0")
    return Attention(keys, jnp.float32(temperature), kind)
