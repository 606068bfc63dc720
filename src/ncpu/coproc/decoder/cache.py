"""What a decoder remembers between calls: keys and values, delta-rule states, MLP states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ncpu.coproc.decoder.config import LINEAR, DecoderConfig


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class KeyValue:
    """An attention layer's memory: `keys` and `values`, dtype[b, slots, kv_heads, head_dim]."""

    keys: Array
    values: Array

    @classmethod
    def empty(cls, config: DecoderConfig, batch: int, slots: int) -> KeyValue:
        """Zeros for `slots` tokens of each of `batch` rows."""
        shape = (batch, slots, config.kv_size, config.head_size)
        return cls(jnp.zeros(shape, config.jax_dtype), jnp.zeros(shape, config.jax_dtype))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Delta:
    """A linear-attention layer's memory.

    Attributes:
        window: dtype[b, kernel - 1, channels], the convolution's last inputs.
        memory: f32[b, value_heads, key_dim, value_dim], the map from keys to values.
    """

    window: Array
    memory: Array

    @classmethod
    def empty(cls, config: DecoderConfig, batch: int) -> Delta:
        """The state before the first token."""
        sizes = config.linear
        assert sizes is not None
        channels = 2 * sizes.key_heads * sizes.key_dim + sizes.value_heads * sizes.value_dim
        return cls(
            jnp.zeros((batch, sizes.kernel - 1, channels), config.jax_dtype),
            jnp.zeros((batch, sizes.value_heads, sizes.key_dim, sizes.value_dim), jnp.float32),
        )


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LayerCache:
    """One layer's memory: its mixer's, and the pytree its MLP carries (`()` for a plain one)."""

    mixer: KeyValue | Delta
    mlp: Any


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Cache:
    """A decoder's memory of the tokens so far; fixed shapes, so that decoding compiles once.

    Attributes:
        layers: one record a layer.
        valid: bool[b, slots], which slots hold a token that may be looked at.
        filled: i32[], slots written, the same in all rows (rows are padded on the left).
        position: i32[b], the position the next token gets by default.
    """

    layers: tuple[LayerCache, ...]
    valid: Array
    filled: Array
    position: Array

    @property
    def slots(self) -> int:
        """Tokens per row that fit in all."""
        return self.valid.shape[1]


def empty_mixer(config: DecoderConfig, layer: int, batch: int, slots: int) -> KeyValue | Delta:
    """The memory of layer number `layer`'s mixer before the first token."""
    if config.layer_types[layer] == LINEAR:
        return Delta.empty(config, batch)
    return KeyValue.empty(config, batch, slots)
