"""`JEWorldModel`: encode a state, encode an instruction, predict the next latent.

A latent keeps the shape of what it stands for: 34 words of 64 bits, a small vector each.
The decoded instruction says which words are read and written, as it does to the machine;
what becomes of them (values, flags, the next pc) is learned, with weights shared over bit
positions and a scan that carries from each position to the next.

Sources: LeCun, "A Path Towards Autonomous Machine Intelligence" (2022), section 4.4, for the
architecture.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from ncpu.jepa.action import NONE, Action, action, checked
from ncpu.jepa.errors import ViewError
from ncpu.jepa.layers import drawn, linear, neighbours
from ncpu.jepa.predictor import PATTERNS, SIGNS, Config, Predictor
from ncpu.jepa.view import BITS, NZCV, PC, REGISTERS, WORDS, Bus, View, to_bits, view
from ncpu.machine.instr import Instr, Unit
from ncpu.machine.state import State

INVERSE = 32  # hidden units of the inverse head
_REST = 0.25


class Encoder(nnx.Module):
    """Words to latents: each bit with its two neighbours, the same weights everywhere.

    There are eight such patterns, so whatever a network makes of them is a table: here a
    line through the three bits and a bounded rest.  Left free, the table came to hold the bit
    where no line reads it, and prediction stopped improving.
    """

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        """Sizes from `config`."""
        self.line = nnx.Param(drawn()(rngs.params(), (3, config.latent)))
        self.rest = nnx.Param(drawn()(rngs.params(), (PATTERNS, config.latent)))

    def __call__(self, bits: jax.Array) -> jax.Array:
        """`f32[..., 64]` of 0 and 1 to `f32[..., 64, d]`."""
        pattern = neighbours(bits[..., None]) @ jnp.array([1.0, 2.0, 4.0])
        return jax.nn.one_hot(pattern.astype(jnp.int32), PATTERNS) @ self.table()

    def table(self) -> jax.Array:
        """The latent of each pattern, `f32[8, d]`."""
        return jnp.asarray(SIGNS) @ self.line[...] + _REST * jnp.tanh(self.rest[...])


class InverseHead(nnx.Module):
    """Inverse dynamics: which unit led from one latent to the next."""

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        """Sizes from `config`."""
        self.inner = linear(3 * 8 * config.latent, INVERSE, rngs=rngs)
        self.outer = linear(2 * INVERSE, len(Unit), rngs=rngs)

    def __call__(self, operands: jax.Array, results: jax.Array) -> jax.Array:
        """`f32[n, 3, 64, d]` (a, b, c) and `f32[n, 5, 64, d]` to logits `f32[n, units]`."""
        both = jnp.concatenate([operands, results], axis=1)
        flat = both.transpose(0, 2, 1, 3).reshape(len(both), BITS, -1)
        x = jax.nn.relu(self.inner(neighbours(flat)))
        return self.outer(jnp.concatenate([x.mean(1), x.max(1)], axis=-1))


class JEWorldModel(nnx.Module):
    """A joint-embedding predictive model of the machine.

    Args:
      config: its sizes.
      seed: of its random weights.
    """

    def __init__(self, config: Config | None = None, *, seed: int = 0) -> None:
        """New and untrained; `ncpu.jepa.checkpoint.load` gives the trained one."""
        rngs = nnx.Rngs(seed)
        self.config = config or Config()
        self.encoder = Encoder(self.config, rngs=rngs)
        self.predictor = Predictor(self.config, rngs=rngs)
        self.predictor.follow(np.asarray(self.encoder.table()))
        self.inverse = InverseHead(self.config, rngs=rngs)

    def encode_state(self, state: State | View) -> jax.Array:
        """A state, or a batch of them, as `f32[..., 34, 64, d]`.

        Raises:
          ViewError: a state of another machine.
        """
        seen = view(state) if isinstance(state, State) else state
        if not isinstance(seen, View) or jnp.shape(seen.words)[-2:] != (WORDS, 2):
            shape = jnp.shape(seen.words) if isinstance(seen, View) else type(seen).__name__
            raise ViewError(f"{shape} is no view: a State or a View of u32[..., {WORDS}, 2]")
        return self.encoder(to_bits(jnp.asarray(seen.words)))

    def encode_action(self, instr: Instr | Any, bus: Bus | None = None) -> Action:
        """Instructions of any batch shape, with what they read from memory (zeros if None).

        Raises:
          ActionError: an instruction outside the model.
        """
        return action(checked(instr), bus)

    def predict_next_latent(self, latent: jax.Array, act: Action) -> jax.Array:
        """The latent after each action, `f32[..., 34, 64, d]`, batch shapes as given.

        Raises:
          ViewError: a latent of another shape.
        """
        d, shape = self.config.latent, jnp.shape(act.immediate)
        if jnp.shape(latent) != (*shape, WORDS, BITS, d):
            raise ViewError(
                f"a latent of shape {jnp.shape(latent)} with actions of shape {shape}: "
                f"[..., {WORDS}, {BITS}, {d}] over the same batch is taken"
            )
        z = latent.reshape(-1, WORDS, BITS, d)
        act = jax.tree.map(lambda x: x.reshape(len(z), *x.shape[len(shape) :]), act)
        graph, params = nnx.split(self)
        return _ahead(graph, params, z, act).reshape(latent.shape)

    def operands(self, z: jax.Array, act: Action) -> dict[str, jax.Array]:
        """The latents that an action reads, from latents `f32[n, 34, 64, d]`."""
        blank = jnp.broadcast_to(self.encoder(jnp.zeros(BITS)), (len(z), 1, *z.shape[2:]))
        full = jnp.concatenate([z, blank], axis=1)
        read = jnp.take_along_axis(full, act.reads[..., None, None], axis=1)
        return self._named(read, self.encoder(to_bits(act.words)), z[:, PC], z[:, NZCV], act)

    def operands_of(self, words: jax.Array, act: Action) -> dict[str, jax.Array]:
        """The same from words `u32[n, 34, 2]`, encoding no more than is read."""
        full = jnp.pad(words, ((0, 0), (0, 1), (0, 0)))
        read = jnp.take_along_axis(full, act.reads[..., None], axis=1)
        needed = jnp.concatenate([read, act.words, words[:, PC:]], axis=1)
        z = self.encoder(to_bits(needed))
        return self._named(z[:, :3], z[:, 3:6], z[:, 6], z[:, 7], act)

    def _named(
        self, read: jax.Array, given: jax.Array, pc: jax.Array, flags: jax.Array, act: Action
    ) -> dict[str, jax.Array]:
        b = jnp.where(act.immediate[:, None, None], given[:, 0], read[:, 1])
        names = ("a", "b", "c", "imm", "low", "high", "pc", "flags")
        parts = (read[:, 0], b, read[:, 2], given[:, 0], given[:, 1], given[:, 2], pc, flags)
        return dict(zip(names, parts, strict=True))

    def outputs(self, tokens: dict[str, jax.Array], act: Action) -> jax.Array:
        """Latents of what is written, `f32[n, 5, 64, d]`; see `Predictor`."""
        return self.predictor(tokens, act)

    def placed(self, z: jax.Array, new: jax.Array, act: Action) -> jax.Array:
        """`z` with what an action writes, from `outputs`."""
        registers = z[:, :REGISTERS]
        for k in range(3):
            hit = act.writes[:, k, None] == jnp.arange(REGISTERS)
            registers = jnp.where(hit[..., None, None], new[:, k, None], registers)
        return jnp.concatenate([registers, new[:, 3:4], new[:, 4:5]], axis=1)


@partial(jax.jit, static_argnames="graph")
def _ahead(graph: Any, params: Any, z: jax.Array, act: Action) -> jax.Array:
    model: JEWorldModel = nnx.merge(graph, params)
    return model.placed(z, model.outputs(model.operands(z, act), act), act)


__all__ = ["NONE", "Config", "JEWorldModel"]
