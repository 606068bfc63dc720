"""The predictor: from latents of the operands to latents of what an instruction writes.

The form is given: words are selected, shifted, and combined bit by bit with carries; flags
and conditions are truth tables.  What is selected, and every table, is learned.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from ncpu.jepa.action import FEATURES, Action
from ncpu.jepa.arithmetic import Arithmetic
from ncpu.jepa.layers import AMOUNTS, Cells, Shifter, drawn, linear, walsh
from ncpu.jepa.view import BITS

FLAG_BITS = 5  # positions of the flags' word that a flag or its neighbour can reach
FLAGS = 4
PATTERNS = 8  # a bit with its two neighbours
# The three soft bits of each: below, the bit, above.
SIGNS = (((np.arange(PATTERNS)[:, None] >> np.arange(3)) & 1) * 2 - 1).astype(np.float32)
_VALUES = 3  # outputs that are registers
_SOURCES = ("a", "b", "c", "imm", "low", "high", "pc", "moved", "mask", "hit", "made", "zero")
_CONSTANTS = 3  # words learned as they are
_CONDITIONS = 4
_ENDS = (BITS // 2 - 1, BITS - 1)  # where an operation may end
_SHARP = 2.0


@dataclass(frozen=True)
class Config:
    """Sizes of the model.

    Attributes:
      latent: dimensions of a bit.
      hidden: units of the network that reads an instruction.
      code: dimensions of what it makes of it.
    """

    latent: int = 4
    hidden: int = 192
    code: int = 96

    def as_dict(self) -> dict[str, int]:
        """For a manifest."""
        return asdict(self)


class Decision(nnx.Module):
    """A perceptron with a linear path beside it, its output of norm one a dimension.

    What it decides sets up everything else: left to grow, it makes each step of training
    move the softmax and the tables behind it further than the one before.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, *, rngs: nnx.Rngs) -> None:
        """Widths."""
        self.inner = linear(inputs, hidden, rngs=rngs)
        self.outer = linear(hidden, outputs, rngs=rngs)
        self.beside = linear(inputs, outputs, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """`f32[n, inputs]` to `f32[n, outputs]`."""
        out = self.outer(jax.nn.relu(self.inner(x))) + self.beside(x)
        return out * jax.lax.rsqrt(jnp.mean(out**2, axis=-1, keepdims=True) + 1e-6)


class Predictor(nnx.Module):
    """Latents of the operands to latents of everything the instruction writes.

    Latents are read as soft bits, set right by their saturation; three cells make the
    words for registers, one makes the next pc, tables make the flags; soft bits with their
    neighbours are written as latents.
    """

    def __init__(self, config: Config, *, rngs: nnx.Rngs) -> None:
        """Sizes from `config`."""
        d, h, c = config.latent, config.hidden, config.code
        table = 1 << FLAGS
        self.reader = linear(d, 1, rngs=rngs)
        self.instruction = Decision(FEATURES, h, c, rngs=rngs)
        self.conditions = linear(c, _CONDITIONS * table, rngs=rngs)
        self.setup = Decision(c + _CONDITIONS + FLAGS, h, c, rngs=rngs)
        self.constants = nnx.Param(drawn()(rngs.params(), (_CONSTANTS, BITS)))
        self.shifter = Shifter(c, rngs=rngs)
        words, made = len(_SOURCES) + _CONSTANTS, _SOURCES.index("made")
        self.values = Cells(c, words, _VALUES, seldom=made, rngs=rngs)
        self.ends = linear(c, len(_ENDS), rngs=rngs)
        self.flags = linear(c, FLAGS * table, rngs=rngs)
        self.flags_from = linear(c, 3 * FLAGS, rngs=rngs)
        self.decide = Decision(c + _VALUES, h, c, rngs=rngs)
        self.pc = Cells(c, words, 1, seldom=made, rngs=rngs)
        self.writer = linear(PATTERNS, d, rngs=rngs)
        self.arithmetic = Arithmetic(c, rngs=rngs)

    def follow(self, table: np.ndarray) -> None:
        """Begin by reading and writing latents as an encoder makes them, `f32[8, d]` by pattern.

        Begun at random like all else, training ended at anything between useless and good, by
        the seed.
        """
        inputs = np.column_stack([table, np.ones(PATTERNS)])
        found = np.linalg.lstsq(inputs, SIGNS[:, 1])[0]
        self.reader.kernel[...] = jnp.asarray(found[:-1, None], jnp.float32)
        assert self.reader.bias is not None and self.writer.bias is not None
        self.reader.bias[...] = jnp.asarray(found[-1:], jnp.float32)
        basis = np.stack(walsh(list(jnp.asarray(SIGNS.T))), axis=1)
        self.writer.kernel[...] = jnp.asarray(np.linalg.solve(basis, table))
        self.writer.bias[...] = jnp.zeros_like(self.writer.bias[...])

    def __call__(self, tokens: dict[str, jax.Array], act: Action) -> jax.Array:
        """Operands' latents to `f32[n, 5, 64, d]`: result, second result, base, pc, flags.

        Args:
          tokens: a, b, c, imm, low, high (halves of the bus), pc, flags: `f32[n, 64, d]`.
          act: the instruction.
        """
        latents = jnp.stack(list(tokens.values()))
        soft = jnp.tanh(2 * _SHARP * self.reader(latents)[..., 0]).transpose(0, 2, 1)
        word = dict(zip(tokens, soft, strict=True))
        old = word["flags"][:FLAGS]
        code = self.instruction(act.features)
        asked = _table(self.conditions(code), list(old), _CONDITIONS)
        state = self.setup(jnp.concatenate([code, jnp.tanh(_SHARP * asked), old.T], axis=1))
        amounts = act.amounts.transpose(1, 2, 0)
        moved, mask = self.shifter(word["a"], word["b"], word["low"], amounts, state)
        word |= {"moved": moved, "mask": mask, "hit": self._hit(amounts)}
        word["made"] = self.arithmetic(word["a"], word["b"], state)
        word["zero"] = -jnp.ones_like(moved)
        constants = jnp.broadcast_to(
            jnp.tanh(_SHARP * self.constants[...])[..., None], (_CONSTANTS, *moved.shape)
        )
        words = jnp.concatenate([jnp.stack([word[name] for name in _SOURCES]), constants])
        values, carries, into = self.values(words, state)
        some = jnp.max(values, axis=0)
        ends = jax.nn.softmax(_SHARP * self.ends(state)).T
        last = [values[:, 0], carries[:, 0, 0], into[:, 0, 0]]
        signals = [sum(ends[k] * x[p] for k, p in enumerate(_ENDS)) for x in last]
        new = self._flags(state, old, amounts[2, :FLAGS], [*signals, some[0]])
        decision = self.decide(jnp.concatenate([state, some.T], axis=1))
        pc, _, _ = self.pc(words, decision)
        rest = -jnp.ones((BITS - FLAGS, *new.shape[1:]))
        flags = jnp.concatenate([new, rest])[:, None]
        return self._written(jnp.concatenate([values, pc, flags], axis=1))

    @staticmethod
    def _hit(amounts: jax.Array) -> jax.Array:
        """The word with the bit set that `arg` names."""
        places = (np.arange(BITS)[:, None] >> np.arange(AMOUNTS)) & 1
        same = jnp.asarray(places * 2.0 - 1.0)[..., None] == amounts[2]
        return jnp.all(same, axis=1).astype(jnp.float32) * 2 - 1

    def _flags(
        self, state: jax.Array, old: jax.Array, given: jax.Array, signals: list[Any]
    ) -> jax.Array:
        """Each flag the old one, the one given, or what a table says of the result."""
        made = jnp.tanh(_SHARP * _table(self.flags(state), signals, FLAGS)).T
        choice = self.flags_from(state).T.reshape(3, FLAGS, -1)
        weights = jax.nn.softmax(_SHARP * choice, axis=0)
        return jnp.sum(weights * jnp.stack([old, made, given]), axis=0)

    def _written(self, soft: jax.Array) -> jax.Array:
        """Soft bits `f32[64, words, n]` to latents `f32[n, words, 64, d]`."""
        edge = -jnp.ones_like(soft[:1])
        below = jnp.concatenate([edge, soft[:-1]])
        above = jnp.concatenate([soft[1:], edge])
        return self.writer(jnp.stack(walsh([below, soft, above]), -1)).transpose(2, 1, 0, 3)


def _table(weights: jax.Array, bits: list[Any], outputs: int) -> jax.Array:
    """Truth tables `f32[n, outputs * 2**k]` looked up for k soft bits: `f32[n, outputs]`."""
    basis = jnp.stack(walsh(bits), axis=-1)
    return jnp.sum(weights.reshape(len(basis), outputs, -1) * basis[:, None], axis=-1)
