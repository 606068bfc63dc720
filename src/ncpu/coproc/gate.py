"""How much of a layer's output is the expert's: g of (1 - g) * MLP(x) + g * expert(x)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx

from ncpu.coproc.config import CoprocessorConfig
from ncpu.coproc.read import Reading


def warmup(config: CoprocessorConfig, step: jax.Array | int | None) -> jax.Array:
    """Share of `max_gate` that is allowed at a training step, rising to 1; 1 without a step."""
    if step is None or config.gate_warmup_steps == 0:
        return jnp.float32(1)
    done = (jnp.asarray(step, jnp.float32) + 1) / (config.gate_warmup_steps + 1)
    return jnp.clip(done, 0.0, 1.0)


class Gate(nnx.Module):
    """Per-token gates from a reading.

    Args:
      config: of the coprocessor.

    Attributes:
      scale: with the strategy "learned" a logit for the whole layer, else absent.
    """

    def __init__(self, config: CoprocessorConfig) -> None:
        self.config = config
        learned = config.layer_gate_strategy == "learned"
        self.scale = nnx.Param(jnp.float32(2.0)) if learned else None

    def __call__(
        self,
        reading: Reading,
        ready: jax.Array,
        cost: jax.Array,
        step: jax.Array | int | None = None,
    ) -> jax.Array:
        """Gates `f32[b, t]` in [0, max_gate], exactly 0 where the expert has nothing to write.

        Args:
          reading: gate logits and mask.
          ready: `bool[b, t]`, where there is something to write.
          cost: `f32[b, t]`, -log probability that everything was read right.
          step: of training, for the warm-up.
        """
        gate = (
            self.config.max_gate * warmup(self.config, step) * jax.nn.sigmoid(reading.gate_logits)
        )
        if self.scale is not None:
            gate = gate * jax.nn.sigmoid(self.scale[...])
        if self.config.confidence_aware:
            gate = gate * jnp.exp(-cost)
        return jnp.where(ready & reading.mask, gate, 0.0)


def balance_loss(config: CoprocessorConfig, reading: Reading) -> jax.Array:
    """Squared distance of the mean open gate from `target_load`, times `balance_coeff`.

    What is averaged is the learned gate of every token that is no padding, before the cap and
    before what the expert is ready for: a gate that is open everywhere costs, though the expert
    would seldom use it.
    """
    open_ = jnp.where(reading.mask, jax.nn.sigmoid(reading.gate_logits), 0.0)
    load = jnp.sum(open_) / jnp.maximum(jnp.sum(reading.mask), 1)
    return config.balance_coeff * (load - config.target_load) ** 2


def mix(mlp_output: jax.Array, gate: jax.Array, value: jax.Array) -> jax.Array:
    """(1 - g) * mlp_output + g * value in mlp_output's type; its very bits where g is 0."""
    g = gate[..., None].astype(mlp_output.dtype)
    mixed = (1 - g) * mlp_output + g * value.astype(mlp_output.dtype)
    return jnp.where(g == 0, mlp_output, mixed)
