"""What the expert adds to the residual stream: a learned vector for each symbol."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx

from ncpu.coproc.compute import SYMBOLS


class Writer(nnx.Module):
    """Symbols to vectors.

    Args:
      width: of the vectors.
      scale: standard deviation of their components at first.
      rngs: keys of the initial weights, stream `params`.

    Attributes:
      vectors: `f32[11, width]`, of the digits and of the end of an answer.
    """

    def __init__(self, width: int, scale: float, *, rngs: nnx.Rngs) -> None:
        vectors = scale * jax.random.normal(rngs.params(), (SYMBOLS, width))
        self.vectors = nnx.Param(vectors)

    def __call__(self, symbol: jax.Array) -> jax.Array:
        """The vectors `f32[..., width]` of symbols `i32[...]`, zero for none."""
        found = jnp.take(self.vectors[...], jnp.maximum(symbol, 0), axis=0, mode="clip")
        return jnp.where((symbol >= 0)[..., None], found, 0.0)

    def soft(self, weights: jax.Array) -> jax.Array:
        """The same of weights of the symbols `f32[..., 11]`, differentiable in them."""
        return weights @ self.vectors[...]
