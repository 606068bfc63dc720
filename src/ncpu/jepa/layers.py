"""Layers whose weights are shared over the 64 bit positions of a word."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from ncpu.jepa.view import BITS

_AMOUNTS = 6  # bits of a shift amount


def position_features() -> np.ndarray:
    """What a position knows of itself: its six bits, and whether a size ends there."""
    places = np.arange(BITS)
    bits = (places[:, None] >> np.arange(_AMOUNTS)) & 1
    ends = places[:, None] == np.array([0, 7, 15, 31, 63])
    return np.concatenate([bits * 2.0 - 1.0, ends], axis=1).astype(np.float32)


def neighbours(x: jax.Array) -> jax.Array:
    """Each position beside the one below and the one above: `[..., 64, 3 d]`."""
    pad = jnp.pad(x, [(0, 0)] * (x.ndim - 2) + [(1, 1), (0, 0)])
    return jnp.concatenate([pad[..., :-2, :], x, pad[..., 2:, :]], axis=-1)


def carry_scan(forget: jax.Array, update: jax.Array, start: jax.Array) -> jax.Array:
    """`h[p] = f[p] h[p-1] + (1 - f[p]) u[p]` from the lowest position up, `h[-1] = start`.

    A carry is such a recurrence: it is passed on where one operand bit is set, else made
    anew.  The form is that of Feng et al., "Were RNNs All We Needed?" (2024).

    Args:
      forget, update: `f32[..., 64, h]`.
      start: `f32[..., h]`.
    """

    def step(carry: jax.Array, given: tuple) -> tuple[jax.Array, jax.Array]:
        carry = given[0] * carry + given[1]
        return carry, carry

    # Position first: a loop over contiguous slices, which a CPU runs faster than a
    # log-depth scan that moves everything six times.
    kept, made = jnp.moveaxis(forget, -2, 0), jnp.moveaxis((1 - forget) * update, -2, 0)
    return jnp.moveaxis(lax.scan(step, start, (kept, made), unroll=4)[1], 0, -2)


class Mix(nnx.Module):
    """A perceptron at each position whose hidden units the condition scales and moves.

    It makes what a scan's gates need: whether two operand bits differ is not linear in them.
    """

    def __init__(self, inputs: int, width: int, condition: int, *, rngs: nnx.Rngs) -> None:
        """Widths of what is read, of a position and of the condition."""
        self.up = nnx.Linear(inputs, 2 * width, rngs=rngs)
        self.film = nnx.Linear(condition, 4 * width, rngs=rngs)
        self.down = nnx.Linear(2 * width, width, rngs=rngs)

    def __call__(self, x: jax.Array, condition: jax.Array) -> jax.Array:
        """`f32[n, 64, i]` under `f32[n, c]` to `f32[n, 64, w]`."""
        scale, offset = jnp.split(self.film(condition)[:, None], 2, axis=-1)
        return self.down(jax.nn.relu(self.up(x) * (1 + scale) + offset))


class Block(nnx.Module):
    """A carry scan and a conditioned perceptron, with a residual."""

    def __init__(self, width: int, hidden: int, condition: int, *, rngs: nnx.Rngs) -> None:
        """Widths of a position, of the carry and of the condition."""
        self.norm = nnx.RMSNorm(width, rngs=rngs)
        self.gates = nnx.Linear(width, 2 * hidden, rngs=rngs)
        self.bias = nnx.Linear(condition, 3 * hidden, rngs=rngs)
        self.mix = Mix(width + hidden, width, condition, rngs=rngs)

    def __call__(self, x: jax.Array, condition: jax.Array) -> tuple[jax.Array, jax.Array]:
        """`x` `f32[n, 64, w]` under `condition` `f32[n, c]`; also the carry out, `f32[n, h]`."""
        y = self.norm(x)
        shift, bias, start = jnp.split(self.bias(condition), 3, axis=-1)
        forget, update = jnp.split(self.gates(y), 2, axis=-1)
        forget = jax.nn.sigmoid(forget + shift[:, None])
        carries = carry_scan(forget, update + bias[:, None], start)
        carry_in = jnp.concatenate([start[:, None], carries[:, :-1]], axis=1)
        mixed = self.mix(jnp.concatenate([y, carry_in], axis=-1), condition)
        return x + mixed, carries[:, -1]


def barrel(x: jax.Array, gates: jax.Array, *, left: bool) -> jax.Array:
    """`x` moved by 1, 2, 4, ..., 32 positions, each move as far as its gate is open.

    Args:
      x: `f32[n, p, d]`; what is moved in is position 0 (left) or p - 1 (right).
      gates: `f32[n, 6]` in 0..1.
      left: towards higher positions.
    """
    for k in range(_AMOUNTS):
        by, gate = 1 << k, gates[:, k, None, None]
        if left:
            fill = jnp.repeat(x[:, :1], by, axis=1)
            moved = jnp.concatenate([fill, x[:, :-by]], axis=1)
        else:
            fill = jnp.repeat(x[:, -1:], by, axis=1)
            moved = jnp.concatenate([x[:, by:], fill], axis=1)
        x = x + gate * (moved - x)
    return x


class Shifter(nnx.Module):
    """A left and a right barrel whose sources, fill and amounts the instruction selects.

    Which words, which amounts and what is moved in are learned; that a shift is made of
    moves by powers of two is given.
    """

    def __init__(self, latent: int, condition: int, *, rngs: nnx.Rngs) -> None:
        """Widths of a latent bit and of the condition."""
        self.source = nnx.Linear(condition, 2, rngs=rngs)
        self.repeat = nnx.Linear(condition, 3, rngs=rngs)
        self.fill = nnx.Linear(condition, 4, rngs=rngs)
        self.amount = nnx.Linear(condition, 2 * 4 * _AMOUNTS, rngs=rngs)
        self.reader = nnx.Linear(latent, 1, rngs=rngs)

    def __call__(
        self, a: jax.Array, b: jax.Array, zero: jax.Array, amounts: jax.Array, condition: jax.Array
    ) -> jax.Array:
        """Operands `f32[n, 64, d]`, a zero bit `f32[d]`, `amounts` `f32[n, 3, 6]` of +-1.

        Returns:
          `f32[n, 64, d + 1]`: the operand moved, and where the moved bits came to lie.
        """
        pick = jax.nn.softmax(self.source(condition) + jnp.array([0.0, 2.0]))
        x = _mix(pick, a, b)
        spoken = jnp.tanh(self.reader(b[:, :_AMOUNTS]))[..., 0]
        given = jnp.stack([amounts[:, 0], amounts[:, 1], amounts[:, 2], spoken], axis=1)
        weight = self.amount(condition).reshape(-1, 2, 4, _AMOUNTS)
        default = jnp.zeros((2, 4, 1)).at[0, 0].set(2.0).at[1, 1].set(2.0)
        # A move is made where the bits selected are set.
        gates = jax.nn.sigmoid(jnp.sum((weight + default) * given[:, None], 2) * 3)
        ones = jnp.ones((*x.shape[:2], 1))
        moved = self._left(jnp.concatenate([x, ones], -1), zero, gates[:, 0])
        half = moved.shape[1] // 2
        low = moved[..., :-1]
        top = _mix(
            jax.nn.softmax(self.repeat(condition) + jnp.array([2.0, 0.0, 0.0])),
            low[:, half:],
            low[:, :half],
            a[:, :half],
        )
        low = jnp.concatenate([low[:, :half], top], axis=1)
        zeros = jnp.broadcast_to(zero, low.shape)
        sign = jnp.broadcast_to(low[:, -1:], low.shape)
        above = _mix(jax.nn.softmax(self.fill(condition)), zeros, sign, a, low)
        pair = jnp.concatenate([low, above], axis=1)
        mask = jnp.concatenate([moved[..., -1:], jnp.zeros_like(ones)], axis=1)
        return barrel(jnp.concatenate([pair, mask], -1), gates[:, 1], left=False)[:, :BITS]

    @staticmethod
    def _left(x: jax.Array, zero: jax.Array, gates: jax.Array) -> jax.Array:
        edge = jnp.concatenate([zero, jnp.zeros(1)])
        below = jnp.broadcast_to(edge, (x.shape[0], 1, x.shape[2]))
        return barrel(jnp.concatenate([below, x], axis=1), gates, left=True)[:, 1:]


def _mix(weights: jax.Array, *parts: jax.Array) -> jax.Array:
    """A weighted sum, `weights` `f32[n, len(parts)]`."""
    return sum((weights[:, k, None, None] * part for k, part in enumerate(parts)), jnp.zeros(()))
