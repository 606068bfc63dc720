"""The decoder: embedding, layers of a token mixer and an MLP, a norm and a head."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array
from jax.core import Tracer

from ncpu.coproc.decoder.attention import Attention, angles, visible
from ncpu.coproc.decoder.cache import Cache, Delta, KeyValue, LayerCache, empty_mixer
from ncpu.coproc.decoder.config import LINEAR, SLIDING, DecoderConfig
from ncpu.coproc.decoder.linear_attention import LinearAttention
from ncpu.coproc.decoder.mlp import FeedForward, Mlp, RMSNorm, dense
from ncpu.coproc.errors import DecoderInputError


class Layer(nnx.Module):
    """x + mixer(norm(x)), then x + mlp(norm(x)); `mixer` is attention or the gated delta rule."""

    def __init__(self, config: DecoderConfig, kind: str, *, rngs: nnx.Rngs) -> None:
        self.mixer_norm = RMSNorm(config.width, config)
        self.mixer: Attention | LinearAttention = (
            LinearAttention(config, rngs=rngs) if kind == LINEAR else Attention(config, rngs=rngs)
        )
        self.mlp_norm = RMSNorm(config.width, config)
        self.mlp: FeedForward = nnx.data(Mlp(config, rngs=rngs))


class Decoder(nnx.Module):
    """A decoder-only transformer in Flax NNX.

    `decoder.layers[i].mlp` may be replaced by any module that follows `FeedForward`: it is called
    as `mlp(hidden, state, valid) -> (added, state)` with the normed hidden states
    dtype[b, t, width], its own state and bool[b, t] (False at padding); its `initial_state(batch)`
    is what it remembers before the first token. To wrap the MLP that is there::

        class Wrapped(nnx.Module):
            def __init__(self, mlp, expert):
                self.mlp, self.expert = mlp, expert

            def initial_state(self, batch):
                return self.expert.initial_state(batch)

            def __call__(self, hidden, state, valid):
                added, _ = self.mlp(hidden, (), valid)
                output, state = self.expert(hidden, state, exact=True)
                return mix(added, output), state

        layer = decoder.layers[2]
        layer.mlp = Wrapped(layer.mlp, expert)

    The state is kept in the cache beside the layer's keys and values, so that cached decoding sees
    what the whole sequence would; caches made before the replacement do not fit after it.
    """

    def __init__(self, config: DecoderConfig, *, rngs: nnx.Rngs) -> None:
        self.config = config
        self.embed = nnx.Embed(
            config.vocab_size,
            config.width,
            dtype=config.jax_dtype,
            param_dtype=config.jax_param_dtype,
            embedding_init=nnx.initializers.normal(0.02),
            rngs=rngs,
        )
        self.layers = nnx.List([Layer(config, kind, rngs=rngs) for kind in config.layer_types])
        self.norm = RMSNorm(config.width, config)
        self.head = (
            None if config.tied else dense(config, config.width, config.vocab_size, False, rngs)
        )

    def empty_cache(self, batch: int, slots: int) -> Cache:
        """A cache for `slots` tokens, padding included, of each of `batch` rows."""
        layers = tuple(
            LayerCache(empty_mixer(self.config, i, batch, slots), layer.mlp.initial_state(batch))
            for i, layer in enumerate(self.layers)
        )
        return Cache(
            layers,
            valid=jnp.zeros((batch, slots), bool),
            filled=jnp.zeros((), jnp.int32),
            position=jnp.zeros((batch,), jnp.int32),
        )

    def __call__(
        self,
        tokens: Array,
        positions: Array | None = None,
        cache: Cache | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Cache | None]:
        """Logits of the next token after each of these.

        Args:
            tokens: i32[b, t].
            positions: i32[b, t], any numbers; None counts the valid tokens of each row from 0, or
                from where the cache stopped. They turn the rotary angles; who sees whom is decided
                by order alone.
            cache: from `empty_cache` or the last call; None treats the tokens as the whole text.
            mask: bool[b, t], False at padding; None is all True.

        Returns:
            f32[b, t, vocab_size], and the cache with these tokens (None without a cache).

        Raises:
            DecoderInputError: shapes that do not fit each other, or a cache that is too small
                (inside a jitted function only the shapes can be checked).
        """
        hidden, cache = self.hidden(tokens, positions, cache, mask)
        return self.logits(hidden), cache

    def logits(self, hidden: Array) -> Array:
        """f32[..., vocab_size] from what `hidden` returned."""
        if self.head is None:
            kernel, rule = self.embed.embedding[...], "...d,vd->...v"
        else:
            kernel, rule = self.head.kernel[...], "...d,dv->...v"
        return jnp.einsum(
            rule, hidden, kernel.astype(hidden.dtype), preferred_element_type=jnp.float32
        )

    def hidden(
        self,
        tokens: Array,
        positions: Array | None = None,
        cache: Cache | None = None,
        mask: Array | None = None,
    ) -> tuple[Array, Cache | None]:
        """As the call, but the normed hidden states dtype[b, t, width] in place of logits."""
        config = self.config
        batch, count = _check(tokens, positions, cache, mask)
        valid_now = jnp.ones((batch, count), bool) if mask is None else mask.astype(bool)
        start = jnp.zeros((batch,), jnp.int32) if cache is None else cache.position
        if positions is None:
            positions = start[:, None] + jnp.maximum(jnp.cumsum(valid_now, axis=1) - 1, 0)
        filled = jnp.zeros((), jnp.int32) if cache is None else cache.filled
        valid = (
            valid_now
            if cache is None
            else jax.lax.dynamic_update_slice_in_dim(cache.valid, valid_now, filled, axis=1)
        )
        cos, sin = angles(config.rope, config.rotary_dim, positions)
        seen = visible(filled, count, valid, None)
        near = visible(filled, count, valid, config.window)

        x = self.embed(tokens)
        layers = []
        for i, (kind, layer) in enumerate(zip(config.layer_types, self.layers, strict=True)):
            memory = cache.layers[i].mixer if cache is not None else None
            state = cache.layers[i].mlp if cache is not None else layer.mlp.initial_state(batch)
            normed = layer.mixer_norm(x)
            if isinstance(layer.mixer, LinearAttention):
                assert not isinstance(memory, KeyValue)
                mixed, memory = layer.mixer(normed, valid_now, memory)
            else:
                assert not isinstance(memory, Delta)
                looks = near if kind == SLIDING else seen
                mixed, memory = layer.mixer(normed, cos, sin, looks, memory, filled)
            x = x + mixed
            added, state = layer.mlp(layer.mlp_norm(x), state, valid_now)
            x = x + added
            if memory is not None:
                layers.append(LayerCache(memory, state))
        if cache is None:
            return self.norm(x), None
        reached = jnp.max(jnp.where(valid_now, positions + 1, 0), axis=1).astype(jnp.int32)
        cache = Cache(tuple(layers), valid, filled + count, jnp.maximum(start, reached))
        return self.norm(x), cache


def _check(
    tokens: Array, positions: Array | None, cache: Cache | None, mask: Array | None
) -> tuple[int, int]:
    """The batch and the number of tokens, or a typed error."""
    if tokens.ndim != 2 or not jnp.issubdtype(tokens.dtype, jnp.integer):
        raise DecoderInputError(
            f"tokens {tokens.dtype}{list(tokens.shape)}: integers [batch, time]"
        )
    for name, array in (("positions", positions), ("mask", mask)):
        if array is not None and array.shape != tokens.shape:
            raise DecoderInputError(
                f"{name} {list(array.shape)}: the tokens' shape {list(tokens.shape)}"
            )
    batch, count = tokens.shape
    if cache is None:
        return batch, count
    if cache.valid.shape[0] != batch:
        raise DecoderInputError(f"cache for {cache.valid.shape[0]} rows, tokens have {batch}")
    used = 0 if isinstance(cache.filled, Tracer) else int(cache.filled)
    if used + count > cache.slots:
        raise DecoderInputError(f"{count} tokens after {used}: the cache has {cache.slots} slots")
    return batch, count
