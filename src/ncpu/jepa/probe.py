"""Reading bits out of latents by a line, and scoring what was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.jepa.model import JEWorldModel
from ncpu.jepa.view import NZCV, PC, REGISTERS, View, to_bits


@dataclass(frozen=True)
class Probe:
    """A linear reading of a bit from its latent, fitted by least squares on true latents.

    Attributes:
      weight: `f32[d]`.
      bias: `f32`.
    """

    weight: jax.Array
    bias: jax.Array

    def __call__(self, latent: jax.Array) -> jax.Array:
        """Bits, boolean `[..., 64]`, of latents `f32[..., 64, d]`."""
        return latent @ self.weight + self.bias > 0


@dataclass(frozen=True)
class Scores:
    """How well views were predicted; each a share of what it counts.

    Attributes:
      changed: bits that differ from the view before, right afterwards.
      destination: written registers with all 64 bits right (those that change).
      registers, flags, pc: each with every bit right.
      whole: views with every bit right.
    """

    changed: float
    destination: float
    registers: float
    flags: float
    pc: float
    whole: float


def scores(before: Any, after: Any, guess: Any) -> Scores:
    """Compare bits `bool[n, 34, 64]`; NaN where nothing changes."""
    right = guess == after
    moved = before != after
    words = right.all(-1)
    written = moved[:, :REGISTERS].any(-1)
    return Scores(
        changed=_share(right, moved),
        destination=_share(words[:, :REGISTERS], written),
        registers=float(words[:, :REGISTERS].all(1).mean()),
        flags=float(words[:, NZCV].mean()),
        pc=float(words[:, PC].mean()),
        whole=float(words.all(1).mean()),
    )


def _share(right: np.ndarray, where: np.ndarray) -> float:
    return float(right[where].mean()) if where.any() else float("nan")


def fit_probe(model: JEWorldModel, views: View) -> Probe:
    """The linear reading of bits from the latents of `views`, `[n]`."""
    bits = to_bits(jnp.asarray(views.words)).reshape(-1)
    latents = model.encode_state(views).reshape(-1, model.config.latent)
    # Few bits are set: each kind counts the same.
    weight = jnp.where(bits == 1, 1 / bits.sum(), 1 / (1 - bits).sum())[:, None]
    inputs = jnp.concatenate([latents, jnp.ones((len(latents), 1))], axis=1)
    gram = inputs.T @ (inputs * weight) + 1e-6 * jnp.eye(inputs.shape[1])
    found = jnp.linalg.solve(gram, inputs.T @ ((bits[:, None] * 2 - 1) * weight))[:, 0]
    return Probe(found[:-1], found[-1])
