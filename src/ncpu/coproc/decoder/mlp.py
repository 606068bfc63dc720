"""The gated MLP, the protocol that whatever stands in its place follows, and the RMS norm."""

from __future__ import annotations

from typing import Any, Protocol

import jax
import jax.numpy as jnp
from flax import nnx
from jax import Array

from ncpu.coproc.decoder.config import DecoderConfig


class FeedForward(Protocol):
    """What `decoder.layers[i].mlp` must be: a map of each token that may remember earlier ones."""

    def initial_state(self, batch: int) -> Any:
        """What is remembered before the first token: a pytree of arrays, `()` for nothing."""
        ...

    def __call__(self, hidden: Array, state: Any, valid: Array) -> tuple[Array, Any]:
        """What is added to the residual stream, and what is remembered after these tokens.

        Args:
            hidden: dtype[b, t, width], normed.
            state: as `initial_state` or the last call gave it.
            valid: bool[b, t], False at padding, which must leave no trace in the state.
        """
        ...


class Mlp(nnx.Module):
    """down(silu(gate(x)) * up(x)), the SwiGLU of Shazeer (arXiv:2002.05202). Remembers nothing."""

    def __init__(self, config: DecoderConfig, *, rngs: nnx.Rngs) -> None:
        def linear(inputs: int, outputs: int) -> nnx.Linear:
            return dense(config, inputs, outputs, config.mlp_bias, rngs)

        self.gate = linear(config.width, config.mlp_size)
        self.up = linear(config.width, config.mlp_size)
        self.down = linear(config.mlp_size, config.width)

    def initial_state(self, batch: int) -> tuple[()]:
        """Nothing."""
        return ()

    def __call__(self, hidden: Array, state: Any, valid: Array) -> tuple[Array, Any]:
        """See `FeedForward`."""
        return self.down(jax.nn.silu(self.gate(hidden)) * self.up(hidden)), state


class RMSNorm(nnx.Module):
    """x / rms(x) * weight over the last axis, in float32; returned in x's dtype.

    Args:
        size: of the last axis.
        config: gives `norm_eps` and whether the weight is stored as its distance from one.
        centred: overrides `config.centred_norm`.
    """

    def __init__(self, size: int, config: DecoderConfig, *, centred: bool | None = None) -> None:
        self.eps = config.norm_eps
        self.offset = float(config.centred_norm if centred is None else centred)
        start = jnp.full((size,), 1.0 - self.offset, config.jax_param_dtype)
        self.scale = nnx.Param(start)

    def __call__(self, x: Array) -> Array:
        """dtype[..., size] -> dtype[..., size]."""
        wide = x.astype(jnp.float32)
        wide = wide * jax.lax.rsqrt(jnp.mean(wide * wide, axis=-1, keepdims=True) + self.eps)
        return (wide * (self.scale[...].astype(jnp.float32) + self.offset)).astype(x.dtype)


def dense(
    config: DecoderConfig, inputs: int, outputs: int, bias: bool, rngs: nnx.Rngs
) -> nnx.Linear:
    """A linear map in the config's dtypes, normal(0, 0.02) at the start."""
    return nnx.Linear(
        inputs,
        outputs,
        use_bias=bias,
        dtype=config.jax_dtype,
        param_dtype=config.jax_param_dtype,
        kernel_init=nnx.initializers.normal(0.02),
        rngs=rngs,
    )
