"""Layers whose weights are shared over the 64 bit positions of a word.

Inside the predictor a bit is a soft one: a number in -1..1.  Arrays are batch-last,
`f32[..., 64, n]`, which a CPU runs several times faster than batch-first.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from ncpu.jepa.view import BITS

AMOUNTS = 6  # bits of a shift amount
SELECTED = 3  # words that a cell reads
SCANS = 2  # carries of a cell
_GIVEN = 5  # amounts that a barrel selects from: left, right, arg, operand b, none
_SELDOM = -1.0  # added to what its weight is the exponential of
_SHARP = 2.0  # slope of what must saturate
# Instructions treat the bits 0-7, 8-15, 16-31 and 32-63 of a word apart.
SIZES = (8, 8, 16, 32)
REGIONS = len(SIZES)
_TABLES = 3 * SCANS + 1  # of a cell: gates, fresh carries, output, output by carry


def drawn(scale: float = 1.0) -> nnx.Initializer:
    """Normal weights of variance `scale / inputs`, by NumPy: no compilation for each shape."""

    def draw(key: Any, shape: Any, dtype: Any = jnp.float32, out_sharding: Any = None) -> Any:
        rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
        return jnp.asarray(rng.normal(0, np.sqrt(scale / shape[0]), shape), dtype)

    return draw


def linear(inputs: int, outputs: int, *, rngs: nnx.Rngs, scale: float = 1.0) -> nnx.Linear:
    """A linear layer, its weights of variance `scale / inputs`."""
    return nnx.Linear(inputs, outputs, kernel_init=drawn(scale), rngs=rngs)


def neighbours(x: jax.Array, edge: float = 0.0) -> jax.Array:
    """Each position beside the one below and the one above: `[..., 64, 3 d]`."""
    around = [(0, 0)] * (x.ndim - 2) + [(1, 1), (0, 0)]
    pad = jnp.pad(x, around, constant_values=edge)
    return jnp.concatenate([pad[..., :-2, :], x, pad[..., 2:, :]], axis=-1)


def walsh(inputs: list[jax.Array]) -> list[jax.Array]:
    """Products of every subset of soft bits, the empty one first.

    Every Boolean function of the inputs is a weighted sum of them (its Walsh spectrum), so
    that a truth table is 2**k weights, and fitting it a linear problem.
    """
    out = [jnp.ones_like(inputs[0])]
    for x in inputs:
        out += [term * x for term in out]
    return out


def barrel(x: jax.Array, gates: jax.Array, *, left: bool) -> jax.Array:
    """`x` moved by 1, 2, 4, ..., 32 positions, each move as far as its gate is open.

    Args:
      x: `f32[p, ..., n]`; what is moved in is position 0 (left) or p - 1 (right).
      gates: `f32[6, n]` in 0..1.
      left: towards higher positions.
    """
    for k in range(AMOUNTS):
        by = 1 << k
        edge = x[:1] if left else x[-1:]
        fill = jnp.broadcast_to(edge, (by, *x.shape[1:]))
        moved = jnp.concatenate([fill, x[:-by]] if left else [x[by:], fill], axis=0)
        x = x + gates[k] * (moved - x)
    return x


class Shifter(nnx.Module):
    """A left and a right barrel whose source, fill and amounts the instruction selects.

    Which word, which amounts and what is moved in are learned; that a shift is made of
    moves by powers of two is given.
    """

    def __init__(self, hidden: int, *, rngs: nnx.Rngs) -> None:
        """`hidden`: width of an instruction's code."""
        self.source = linear(hidden, 3, rngs=rngs)
        self.repeat = linear(hidden, 5, rngs=rngs)
        self.fill = linear(hidden, 4, rngs=rngs)
        self.amount = linear(hidden, 2 * 2 * _GIVEN, rngs=rngs)

    def __call__(
        self, a: jax.Array, b: jax.Array, low: jax.Array, amounts: jax.Array, code: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """The word moved, and where the moved bits came to lie, `f32[64, n]` each.

        Args:
          a, b, low: words it may move, `f32[64, n]`.
          amounts: of `left`, `right` and `arg`, soft bits `f32[3, 6, n]`.
          code: `f32[n, h]`.
        """
        count, half = code.shape[0], BITS // 2
        x = mixed(self.source(code) + jnp.array([0.0, 2.0, 0.0]), [a, b, low])
        gates = self._gates(amounts, b, code)
        zero = -jnp.ones((1, 2, count))
        pair = jnp.stack([x, jnp.ones_like(x)], axis=1)
        pair = barrel(jnp.concatenate([zero, pair]), gates[0], left=True)[1:]
        moved, mask = pair[:, 0], pair[:, 1]
        sign = jnp.broadcast_to(moved[half - 1], (half, count))
        choice = self.repeat(code) + jnp.array([2.0, 0.0, 0.0, 0.0, 0.0])
        nothing = jnp.broadcast_to(zero[0, 0], sign.shape)
        top = mixed(choice, [moved[half:], moved[:half], a[:half], sign, nothing])
        moved = jnp.concatenate([moved[:half], top])
        zeros = jnp.broadcast_to(zero[0, 0], moved.shape)
        sign = jnp.broadcast_to(moved[-1], moved.shape)
        above = mixed(self.fill(code), [zeros, sign, a, moved])
        both = jnp.stack([moved, mask], axis=1)
        both = jnp.concatenate([both, jnp.stack([above, zeros], axis=1)])
        both = barrel(both, gates[1], left=False)[:BITS]
        return both[:, 0], both[:, 1]

    def _gates(self, amounts: jax.Array, b: jax.Array, code: jax.Array) -> jax.Array:
        """How far each move of the left and the right barrel is open, `f32[2, 6, n]`.

        The bits of one amount are selected together, but for the highest: words of 32 bits
        have no move by 32.
        """
        count = code.shape[0]
        none = jnp.full((1, AMOUNTS, count), -1.0)
        given = jnp.concatenate([amounts, b[None, :AMOUNTS], none])
        default = jnp.zeros((2, 1, _GIVEN, 1)).at[0, 0, 0].set(1.0).at[1, 0, 1].set(1.0)
        choice = self.amount(code).T.reshape(2, 2, _GIVEN, count) + default
        weights = jax.nn.softmax(_SHARP * choice, axis=2)
        split = AMOUNTS - 1
        parts = [jnp.einsum("bsn,spn->bpn", weights[:, 0], given[:, :split])]
        parts.append(jnp.einsum("bsn,spn->bpn", weights[:, 1], given[:, split:]))
        return jax.nn.sigmoid(2 * _SHARP * jnp.concatenate(parts, axis=1))


def mixed(logits: jax.Array, parts: list[jax.Array]) -> jax.Array:
    """A weighted mean of words `f32[p, n]`, weights the softmax of `f32[n, len(parts)]`."""
    weights = jax.nn.softmax(logits, axis=-1).T
    return jnp.sum(weights[:, None] * jnp.stack(parts), axis=0)


class Cells(nnx.Module):
    """A few word-wide units, each as its instruction sets it up.

    A cell selects three words, complements each or not, and goes over the positions from the
    lowest: two carries are passed on or made anew, `h = f h + (1 - f) u`, and the output is
    looked up, all in truth tables of the three bits and the carries in.
    What it selects and every table come from the instruction, with tables of their own for
    the four regions of a word.  The recurrence is that of Feng et al., "Were RNNs All We
    Needed?" (2024); its gates saturate, so that a carry can go all the way.
    """

    def __init__(
        self, hidden: int, sources: int, count: int, *, rngs: nnx.Rngs, seldom: int | None = None
    ) -> None:
        """Widths of what sets a cell up, words to select from, and how many cells.

        The word at `seldom` starts with little weight: one that looks random to every instruction
        but a few disturbs while the others are learned.
        """
        self.sources, self.count, self.seldom = sources, count, seldom
        self.select = linear(hidden, count * SELECTED * sources, rngs=rngs, scale=0.3)
        self.sign = linear(hidden, count * SELECTED, rngs=rngs)
        tables = _TABLES * REGIONS * count << SELECTED
        self.tables = linear(hidden, tables, rngs=rngs, scale=0.1)
        self.start = linear(hidden, SCANS * count, rngs=rngs)

    def __call__(
        self, words: jax.Array, condition: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Outputs `f32[64, cells, n]`, carries out `f32[64, scans, cells, n]`, carries in.

        Args:
          words: to select from, `f32[sources, 64, n]`.
          condition: `f32[n, h]`.
        """
        n, count = condition.shape[0], self.count
        choice = self.select(condition).T.reshape(SELECTED, count, self.sources, n)
        if self.seldom is not None:
            choice = choice.at[:, :, self.seldom].add(_SELDOM)
        sign = jnp.tanh(self.sign(condition).T.reshape(SELECTED, count, n) + 1.0)
        weights = jax.nn.softmax(_SHARP * choice, axis=2) * sign[:, :, None]
        picked = jnp.einsum("kcsn,spn->kpcn", weights, words)
        tables = self.tables(condition).T.reshape(REGIONS, 1 << SELECTED, _TABLES, count, n)
        carry = jnp.tanh(self.start(condition).T.reshape(SCANS, count, n))
        picked = picked.transpose(1, 0, 2, 3)
        found = []
        for region, part in zip(tables, jnp.split(picked, np.cumsum(SIZES)[:-1]), strict=True):
            carry, made = lax.scan(partial(_tick, region), carry, part)
            found.append(made)
        return jax.tree.map(lambda *parts: jnp.concatenate(parts), *found)


@jax.checkpoint  # cheaper to do again than to keep
def _tick(
    tables: jax.Array, carry: jax.Array, picked: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array, jax.Array]]:
    """One position of every cell: tables `f32[8, t, c, n]` looked up for `f32[3, c, n]`."""
    found = tables
    # One bit after the other: half of the terms have it as a factor.
    for bit in picked:
        half = len(found) // 2
        found = found[:half] + bit * found[half:]
    forget, update, output = jnp.split(found[0], [SCANS, 2 * SCANS])
    gate = jax.nn.sigmoid(_SHARP * forget)
    out = jnp.tanh(_SHARP * (output[0] + jnp.sum(output[1:] * carry, axis=0)))
    onward = gate * carry + (1 - gate) * jnp.tanh(_SHARP * update)
    return onward, (out, onward, carry)
