"""`ArrayThoughtHead`: from a hidden state to a distribution over array programs, and to a number.

The head gives logits for every slot of the space and for each bit of the offset.  Its output on an
array is the expectation of the *discrete executor* over that distribution,

    soft(x) = sum over programs p of  w_p (value_p(x) + unit_p * E[offset]),   w_p = prod of its
    slots,

which is exact, differentiable in the hidden state, and at temperature 0 the discrete program
itself. There is no relaxed arithmetic that could disagree with it, and the distance to the
discrete program is bounded by the weights of the others (`ncpu.npcot.crystallize`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from ncpu.npcot.errors import HiddenStateError
from ncpu.npcot.execute import execute_all
from ncpu.npcot.number import WORD32, Format
from ncpu.npcot.program import SLOTS, SPACE_SIZE, ArrayProgram, all_choices

OFFSET_BITS = 32
CLIP = float(1 << 31)
"""What an infinity counts as in an expectation, unless told otherwise."""

SCALED = np.array([choice.scaled for choice in all_choices()])
"""`bool[SPACE_SIZE]`: which programs have results in units of 2^-frac."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Slots:
    """One array for each slot, last axis over its values: logits, or probabilities.

    Attributes:
      predicate: `f32[..., 6]`.
      init: `f32[..., 4]`.
      transform: `f32[..., 9]`.
      reduce: `f32[..., 6]`.
      post: `f32[..., 4]`.
      offset: `f32[..., 32]`, of each bit of the two's complement offset being 1, lowest first.
    """

    predicate: Any
    init: Any
    transform: Any
    reduce: Any
    post: Any
    offset: Any


_SIZES = [len(names) for names in SLOTS.values()]


class ArrayThoughtHead(nnx.Module):
    """Hidden state to slot logits: root-mean-square scaling, an optional GELU layer, a linear map.

    Args:
      width: of the hidden states.
      features: width of the GELU layer; none if left out.
      rngs: keys of the initial weights, stream `params`.
    """

    def __init__(self, width: int, *, features: int | None = None, rngs: nnx.Rngs) -> None:
        self.width = width
        self.mid = nnx.Linear(width, features, rngs=rngs) if features else None
        self.out = nnx.Linear(features or width, sum(_SIZES) + OFFSET_BITS, rngs=rngs)

    def __call__(self, hidden: jax.Array) -> Slots:
        """Logits of hidden states `f32[..., width]`.

        Raises:
          HiddenStateError: another width (values are checked by `check_hidden`).
        """
        if jnp.ndim(hidden) < 1 or hidden.shape[-1] != self.width:
            raise HiddenStateError(
                f"hidden state of shape {list(jnp.shape(hidden))}; accepted: [..., {self.width}]"
            )
        h = hidden * jax.lax.rsqrt(jnp.mean(hidden * hidden, -1, keepdims=True) + 1e-6)
        if self.mid is not None:
            h = nnx.gelu(self.mid(h))
        parts = jnp.split(self.out(h), np.cumsum(_SIZES), axis=-1)
        return Slots(**dict(zip((*SLOTS, "offset"), parts, strict=True)))


def check_hidden(hidden: Any, width: int) -> np.ndarray:
    """`hidden` as `f32[..., width]`.

    Raises:
      HiddenStateError: another width or dtype, or a value that is not finite.
    """
    array = np.asarray(hidden)
    if array.ndim < 1 or array.shape[-1] != width or array.dtype.kind not in "fiu":
        raise HiddenStateError(
            f"hidden state is {array.dtype}{list(array.shape)}; accepted: numbers [..., {width}]"
        )
    array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise HiddenStateError("hidden state has values that are not finite")
    return array


def probabilities(
    logits: Slots,
    temperature: float = 1.0,
    *,
    gumbel: jax.Array | None = None,
    straight_through: bool = False,
) -> Slots:
    """Probabilities of every slot value and offset bit.

    Args:
      logits: of the head.
      temperature: divides the logits; 0 gives one-hot slots, without gradient.
      gumbel: a key, consumed, for a Gumbel-softmax sample instead of the softmax itself.
      straight_through: one-hot values with the gradient of the soft ones.
    """
    if gumbel is not None:
        logits = _with_noise(logits, gumbel)

    def soft(name: str) -> jax.Array:
        scaled = getattr(logits, name) / temperature
        return jax.nn.sigmoid(scaled) if name == "offset" else jax.nn.softmax(scaled)

    def hard(name: str) -> jax.Array:
        x = getattr(logits, name)
        if name == "offset":
            return (x > 0).astype(x.dtype)
        return jax.nn.one_hot(x.argmax(-1), x.shape[-1], dtype=x.dtype)

    def chosen(name: str) -> jax.Array:
        if temperature == 0:
            return hard(name)
        p = soft(name)
        return p + jax.lax.stop_gradient(hard(name) - p) if straight_through else p

    return Slots(**{f.name: chosen(f.name) for f in fields(Slots)})


def _with_noise(logits: Slots, key: jax.Array) -> Slots:
    out = {}
    for f, k in zip(fields(Slots), jax.random.split(key, len(fields(Slots))), strict=True):
        value = getattr(logits, f.name)
        noise = jax.random.logistic if f.name == "offset" else jax.random.gumbel
        out[f.name] = value + noise(k, value.shape, value.dtype)
    return Slots(**out)


def program_weights(p: Slots) -> jax.Array:
    """Probability of each program of the space (offsets aside), `[..., SPACE_SIZE]`."""
    w = jnp.ones_like(p.predicate[..., :1])
    for name in SLOTS:
        w = (w[..., :, None] * getattr(p, name)[..., None, :]).reshape(*w.shape[:-1], -1)
    return w


def expected_offset(p: Slots) -> jax.Array:
    """Expectation of the offset, in units of a program's result."""
    place = 2.0 ** np.arange(OFFSET_BITS)
    place[-1] = -place[-1]
    return (p.offset * place).sum(-1)


def expectation(p: Slots, values: jax.Array, fmt: Format = WORD32) -> jax.Array:
    """Expected value given every program's value without offset, `[SPACE_SIZE]`."""
    unit = np.where(SCALED, 2.0**-fmt.frac, 1.0)
    return (program_weights(p) * (values + unit * expected_offset(p)[..., None])).sum(-1)


def values_of(words: jax.Array, fmt: Format = WORD32, clip: float = CLIP) -> jax.Array:
    """Numbers of result words `[..., SPACE_SIZE]` of the space; infinities are ±`clip`."""
    values = words * jnp.where(SCALED, 2.0**-fmt.frac, 1.0)
    values = jnp.where(jnp.abs(words) >= fmt.infinity, jnp.sign(words) * clip, values)
    return jnp.clip(values, -clip, clip)


def soft_execute(
    p: Slots,
    x: jax.Array,
    length: jax.Array | int,
    y: jax.Array | None = None,
    *,
    fmt: Format = WORD32,
    clip: float = CLIP,
) -> jax.Array:
    """The expected number of one array under one distribution, `f32[]`; `vmap` for more.

    Gradients reach the probabilities, and through them the head and the hidden state.  The sum is
    taken in double precision, so at temperature 0 this is the discrete result to the last bit of
    f32.

    Args:
      p: probabilities (one head, one hidden state).
      x: `i32[n]`, padded elements.
      length: how many are real.
      y: `i32[n]`, the second array; zeros if absent.
      fmt: width and fraction bits of the words.
      clip: what an infinite result, or one beyond it, counts as before the offset is added.
    """
    words = execute_all(x, length, y, fmt=fmt)
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), p)
        values = values_of(words.astype(jnp.float64), fmt, clip)
        return expectation(wide, jax.lax.stop_gradient(values), fmt).astype(jnp.float32)


def most_likely(logits: Slots) -> ArrayProgram:
    """The programs of the largest logits, a pytree of `i32[...]`."""
    bits = (logits.offset > 0).astype(jnp.uint32) << jnp.arange(OFFSET_BITS, dtype=jnp.uint32)
    offset = jax.lax.bitcast_convert_type(bits.sum(-1, dtype=jnp.uint32), jnp.int32)
    slots = {name: getattr(logits, name).argmax(-1).astype(jnp.int32) for name in SLOTS}
    return ArrayProgram(**slots, offset=offset)


assert len(SCALED) == SPACE_SIZE
