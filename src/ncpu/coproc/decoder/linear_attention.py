"""Linear attention by the gated delta rule, Qwen3-Next's and Qwen3.5's other mixer.

A head's memory S maps keys to values. For each token, with decay a in (0, 1] and rate b in (0, 1):
S = a S; S = S + k (b (v - S'k))'; output S'q. Source: Yang, Kautz, Hatamizadeh, "Gated Delta
Networks" (arXiv:2412.06464), section 3; the form in chunks follows its equations.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from ncpu.coproc.decoder.cache import Delta
from ncpu.coproc.decoder.config import DecoderConfig
from ncpu.coproc.decoder.mlp import RMSNorm, dense

CHUNK = 64  # tokens that are solved for at once


def gated_delta_rule(
    query: Array, key: Array, value: Array, log_decay: Array, rate: Array, memory: Array
) -> tuple[Array, Array]:
    """Run the recurrence over t tokens, `CHUNK` of them at a time.

    Within a chunk that starts from S, the corrections D written at its tokens satisfy a unit lower
    triangular system: d_i = b_i (v_i - e^{G_i} S'k_i - sum_{j<i} e^{G_i - G_j} (k_i.k_j) d_j),
    where G is the running sum of the log decay. It is solved for all chunks side by side, as far
    as it does not depend on S; only S goes from chunk to chunk.

    Args:
        query: f32[b, t, heads, key_dim].
        key: f32[b, t, heads, key_dim].
        value: f32[b, t, heads, value_dim].
        log_decay: f32[b, t, heads], <= 0.
        rate: f32[b, t, heads].
        memory: f32[b, heads, key_dim, value_dim].

    Returns:
        f32[b, t, heads, value_dim] and the memory after the last token.
    """
    batch, count, heads, _ = key.shape
    chunk = min(CHUNK, count)
    blocks = -(-count // chunk)

    def cut(x: Array) -> Array:  # [b, t, heads, ...] -> [blocks, b, heads, chunk, ...]
        x = jnp.pad(x, [(0, 0), (0, blocks * chunk - count)] + [(0, 0)] * (x.ndim - 2))
        x = x.reshape(batch, blocks, chunk, *x.shape[2:])
        return jnp.moveaxis(x, (1, 3), (0, 2))

    query, key, value, log_decay, rate = map(cut, (query, key, value, log_decay, rate))
    total = jnp.cumsum(log_decay, axis=-1)
    order = jnp.arange(chunk)
    earlier = order[:, None] > order[None, :]
    # Summed from j + 1 to i for each pair: differences of `total` lose digits where it is big.
    gap = jnp.cumsum(jnp.where(earlier, log_decay[..., :, None], 0), axis=-2)
    strictly = jnp.exp(jnp.where(earlier, gap, -jnp.inf))
    within = jnp.exp(jnp.where(order[:, None] >= order[None, :], gap, -jnp.inf))

    known = rate[..., None] * jnp.concatenate(
        (value, key * jnp.exp(total)[..., None]), axis=-1
    )  # what is read from S is `key` part times S
    if chunk > 1:
        system = rate[..., None] * strictly * (key @ jnp.swapaxes(key, -1, -2))
        known = jax.lax.linalg.triangular_solve(
            system, known, left_side=True, lower=True, unit_diagonal=True
        )
    written, read = jnp.split(known, (value.shape[-1],), axis=-1)
    looks = within * (query @ jnp.swapaxes(key, -1, -2))
    from_memory = query * jnp.exp(total)[..., None]
    to_end = key * jnp.exp(gap[..., -1, :])[..., None]
    kept = jnp.exp(total[..., -1])[..., None, None]

    def block(memory: Array, parts: tuple[Array, ...]) -> tuple[Array, Array]:
        written, read, looks, from_memory, to_end, kept = parts
        correction = written - read @ memory
        output = from_memory @ memory + looks @ correction
        return kept * memory + jnp.swapaxes(to_end, -1, -2) @ correction, output

    parts = (written, read, looks, from_memory, to_end, kept)
    memory, output = jax.lax.scan(block, memory, parts)
    output = jnp.moveaxis(output, (0, 2), (1, 3)).reshape(batch, blocks * chunk, heads, -1)
    return output[:, :count], memory


def unit(x: Array) -> Array:
    """x over its length along the last axis, in float32."""
    x = x.astype(jnp.float32)
    return x * jax.lax.rsqrt(jnp.sum(x * x, axis=-1, keepdims=True) + 1e-6)


class LinearAttention(nnx.Module):
    """Projections, a short causal convolution, the delta rule, a gated norm and the way out."""

    def __init__(self, config: DecoderConfig, *, rngs: nnx.Rngs) -> None:
        sizes = config.linear
        assert sizes is not None
        self.config, self.sizes = config, sizes
        self.keys = sizes.key_heads * sizes.key_dim
        values = sizes.value_heads * sizes.value_dim
        channels, dtype = 2 * self.keys + values, config.jax_param_dtype
        self.qkv = dense(config, config.width, channels, False, rngs)
        self.z = dense(config, config.width, values, False, rngs)
        self.rate = dense(config, config.width, sizes.value_heads, False, rngs)
        self.step = dense(config, config.width, sizes.value_heads, False, rngs)
        bound = sizes.kernel**-0.5
        taps = (sizes.kernel, channels)
        self.conv = nnx.Param(jax.random.uniform(rngs.params(), taps, dtype, -bound, bound))
        speed = jax.random.uniform(rngs.params(), (sizes.value_heads,), jnp.float32, 1e-3, 16.0)
        self.log_speed = nnx.Param(jnp.log(speed).astype(dtype))
        self.step_bias = nnx.Param(jnp.ones((sizes.value_heads,), dtype))
        self.norm = RMSNorm(sizes.value_dim, config, centred=False)
        self.output = dense(config, values, config.width, False, rngs)

    def __call__(
        self, hidden: Array, valid: Array, memory: Delta | None
    ) -> tuple[Array, Delta | None]:
        """Mix the new tokens with those in memory.

        Args:
            hidden: dtype[b, t, width].
            valid: bool[b, t], False at padding, which is on the left of a row's text.
            memory: the state so far, or None at the start of a text that is not continued.

        Returns:
            dtype[b, t, width] and the state after these tokens, None if none was given.
        """
        batch, count, _ = hidden.shape
        sizes = self.sizes
        start = Delta.empty(self.config, batch) if memory is None else memory
        hidden = jnp.where(valid[..., None], hidden, 0)
        taken, window = self._convolve(self.qkv(hidden), start.window)
        query, key, value = jnp.split(taken, (self.keys, 2 * self.keys), axis=-1)
        share = sizes.value_heads // sizes.key_heads
        query, key = (
            jnp.repeat(unit(x.reshape(batch, count, sizes.key_heads, -1)), share, axis=2)
            for x in (query, key)
        )
        value = value.reshape(batch, count, sizes.value_heads, -1).astype(jnp.float32)
        step = self.step(hidden).astype(jnp.float32) + self.step_bias[...].astype(jnp.float32)
        log_decay = -jnp.exp(self.log_speed[...].astype(jnp.float32)) * jax.nn.softplus(step)
        rate = jax.nn.sigmoid(self.rate(hidden).astype(jnp.float32))
        output, state = gated_delta_rule(
            query * sizes.key_dim**-0.5,
            key,
            value,
            jnp.where(valid[..., None], log_decay, 0),
            jnp.where(valid[..., None], rate, 0),
            start.memory,
        )
        gate = jax.nn.silu(self.z(hidden).astype(jnp.float32))
        output = self.norm(output.astype(hidden.dtype)).reshape(gate.shape) * gate
        output = self.output(output.astype(hidden.dtype))
        return output, None if memory is None else Delta(window, state)

    def _convolve(self, x: Array, window: Array) -> tuple[Array, Array]:
        """silu of each channel's causal convolution of dtype[b, t, channels]; the next window."""
        longer = jnp.concatenate((window, x), axis=1)
        taps = self.conv[...].astype(x.dtype)
        count = x.shape[1]
        parts = (longer[:, i : i + count] * taps[i] for i in range(self.sizes.kernel))
        return jax.nn.silu(sum(parts, start=jnp.zeros((), x.dtype))), longer[:, count:]
