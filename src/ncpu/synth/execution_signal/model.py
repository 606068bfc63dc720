"""A small network from examples to a distribution over programs."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx

from ncpu.synth.execution_signal.language import BITS


def bits(words: jax.Array) -> jax.Array:
    """The lowest `BITS` bits of `u32[...]` as `f32[..., BITS]` of 0 and 1."""
    return ((words[..., None] >> jnp.arange(BITS, dtype=jnp.uint32)) & 1).astype(jnp.float32)


def shown(outputs: jax.Array, references: jax.Array) -> jax.Array:
    """What a model sees of examples: bits as -1 and 1.

    Args:
      outputs: `u32[batch, n]`, the results.
      references: `u32[R, n]`, what they are compared with: the arguments, and what a single
        instruction makes of them.

    Returns:
      `f32[batch, n, (R + 1) * BITS]`: the result, and the result less each reference.
    """
    words = outputs[:, None]
    against = jnp.concatenate([words, words - references], 1)
    seen = bits(jnp.swapaxes(against, 1, 2))
    return 2 * seen.reshape(*seen.shape[:2], -1) - 1


class Inducer(nnx.Module):
    """Examples to the log-probabilities of a Markov chain over instructions.

    Each example is encoded by itself and the codes are averaged, so that their order does
    not matter (Zaheer et al. 2017, Deep Sets).  The first instruction has a distribution of
    its own, every later one depends on the one before it and on its place.
    """

    def __init__(
        self, references: int, instructions: int, length: int, hidden: int, rngs: nnx.Rngs
    ) -> None:
        """`instructions` to choose from at each of `length` places; `references` as in `shown`."""
        self.count, self.length = instructions, length
        self.example = nnx.Linear((references + 1) * BITS, hidden, rngs=rngs)
        self.encode = nnx.Linear(hidden, hidden, rngs=rngs)
        self.problem = nnx.Linear(hidden, hidden, rngs=rngs)
        outputs = instructions + (length - 1) * instructions**2
        self.head = nnx.Linear(hidden, outputs, rngs=rngs)

    def __call__(self, examples: jax.Array) -> jax.Array:
        """Log-probabilities of all programs.

        Args:
          examples: what `shown` makes of them.

        Returns:
          `f32[batch, instructions**length]`, the first instruction the slowest index.
        """
        code = nnx.relu(self.encode(nnx.relu(self.example(examples)))).mean(1)
        flat = self.head(nnx.relu(self.problem(code)))
        count = self.count
        total = jax.nn.log_softmax(flat[:, :count])
        rest = flat[:, count:].reshape(-1, self.length - 1, count, count)
        for place in range(self.length - 1):
            following = jax.nn.log_softmax(rest[:, place])  # [batch, before, next]
            total = total[..., None] + jnp.tile(following, (1, total.shape[1] // count, 1))
            total = total.reshape(len(flat), -1)
        return total
