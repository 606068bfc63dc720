"""Softmax attention with grouped heads, rotary positions, and the variants of Llama and Qwen."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array

from ncpu.coproc.decoder.cache import KeyValue
from ncpu.coproc.decoder.config import DecoderConfig, Rope
from ncpu.coproc.decoder.mlp import RMSNorm, dense


def frequencies(rope: Rope, size: int) -> np.ndarray:
    """f32[size / 2]: radians per position of each rotated pair, scaled as `rope` says."""
    plain = 1.0 / rope.theta ** (np.arange(0, size, 2, dtype=np.float32) / np.float32(size))
    plain = plain.astype(np.float32)
    if rope.kind == "default":
        return plain
    if rope.kind == "linear":
        return plain / np.float32(rope.factor)
    turns = rope.original_length * plain / (2 * math.pi)  # over the original context
    keep = np.clip(
        (turns - rope.low_factor) / (rope.high_factor - rope.low_factor), 0.0, 1.0
    ).astype(np.float32)
    return plain * keep + plain / np.float32(rope.factor) * (1 - keep)


def angles(rope: Rope, size: int, positions: Array) -> tuple[Array, Array]:
    """Cosines and sines, f32[b, t, size / 2], of positions i32[b, t]."""
    turned = positions.astype(jnp.float32)[..., None] * jnp.asarray(frequencies(rope, size))
    return jnp.cos(turned), jnp.sin(turned)


def rotate(x: Array, cos: Array, sin: Array) -> Array:
    """Turn the first dimensions of x, dtype[b, t, heads, d]; pair i is those at i and i + half."""
    half = cos.shape[-1]
    first, second, rest = jnp.split(x.astype(jnp.float32), (half, 2 * half), axis=-1)
    cos, sin = cos[:, :, None], sin[:, :, None]
    turned = (first * cos - second * sin, second * cos + first * sin, rest)
    return jnp.concatenate(turned, axis=-1).astype(x.dtype)


def visible(filled: Array | int, tokens: int, valid: Array, window: int | None) -> Array:
    """bool[b, 1, tokens, slots]: which slot each new token looks at.

    Order is that of arrival, so positions may be any numbers.

    Args:
        filled: slots written before these tokens.
        tokens: how many are new.
        valid: bool[b, slots], after these tokens were written.
        window: how far back a token looks, itself included; None is all the way.
    """
    query = filled + jnp.arange(tokens)[:, None]
    key = jnp.arange(valid.shape[1])[None, :]
    seen = key <= query
    if window is not None:
        seen &= key > query - window
    return seen[None, None] & valid[:, None, None, :]


class Attention(nnx.Module):
    """Causal self-attention."""

    def __init__(self, config: DecoderConfig, *, rngs: nnx.Rngs) -> None:
        size, heads, kv_heads = config.head_size, config.heads, config.kv_size
        self.head_size, self.heads = size, heads
        queries = heads * size * (2 if config.output_gate else 1)
        self.output_gate = config.output_gate
        self.query = dense(config, config.width, queries, config.qkv_bias, rngs)
        self.key = dense(config, config.width, kv_heads * size, config.qkv_bias, rngs)
        self.value = dense(config, config.width, kv_heads * size, config.qkv_bias, rngs)
        self.output = dense(config, heads * size, config.width, config.output_bias, rngs)
        self.query_norm = RMSNorm(size, config) if config.qk_norm else None
        self.key_norm = RMSNorm(size, config) if config.qk_norm else None

    def __call__(
        self,
        hidden: Array,
        cos: Array,
        sin: Array,
        seen: Array,
        memory: KeyValue | None,
        filled: Array | int,
    ) -> tuple[Array, KeyValue | None]:
        """Mix the new tokens with those in memory.

        Args:
            hidden: dtype[b, t, width].
            cos: f32[b, t, rotary / 2], with `sin` from `angles`.
            sin: as `cos`.
            seen: bool[b, 1, t, slots] from `visible`; slots = t without memory.
            memory: keys and values so far, or None.
            filled: slots written so far.

        Returns:
            dtype[b, t, width] and the memory with these tokens written at `filled`.
        """
        heads = (*hidden.shape[:2], -1, self.head_size)
        query = self.query(hidden)
        gate = None
        if self.output_gate:  # each head's query, then its gate
            query, gate = jnp.split(query.reshape(*hidden.shape[:2], self.heads, -1), 2, axis=-1)
        query, key = query.reshape(heads), self.key(hidden).reshape(heads)
        value = self.value(hidden).reshape(heads)
        if self.query_norm is not None and self.key_norm is not None:
            query, key = self.query_norm(query), self.key_norm(key)
        query, key = rotate(query, cos, sin), rotate(key, cos, sin)
        if memory is not None:
            key = jax.lax.dynamic_update_slice_in_dim(memory.keys, key, filled, axis=1)
            value = jax.lax.dynamic_update_slice_in_dim(memory.values, value, filled, axis=1)
            memory = KeyValue(key, value)
        mixed = jax.nn.dot_product_attention(query, key, value, mask=seen)
        if gate is not None:
            mixed = mixed * jax.nn.sigmoid(gate)
        return self.output(mixed.reshape(*hidden.shape[:2], -1)), memory
