"""What each token is to a calculation, read from its hidden state by one learned linear map."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

DIGITS = 10


class Role(IntEnum):
    """What a token is to a calculation.

    BEGIN is the token after which the answer's first character comes, INSIDE a character of
    the answer.  An operator of several tokens may have the role on any of them; the last counts.
    """

    OTHER = 0
    DIGIT_A = 1
    DIGIT_B = 2
    OPERATOR = 3
    BEGIN = 4
    INSIDE = 5


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was read from the hidden states `[b, t, width]`.

    Attributes:
      role_logits: `f32[b, t, 6]`, over `Role`.
      digit_logits: `f32[b, t, 10]`.
      op_logits: `f32[b, t, 2 * ops]`: the configured operations, then the same with operands
        exchanged ("5 subtracted from 9" says so only after its first operand).
      gate_logits: `f32[b, t]`.
      mask: `bool[b, t]`, false for padding, which has no role and no gate.
    """

    role_logits: jax.Array
    digit_logits: jax.Array
    op_logits: jax.Array
    gate_logits: jax.Array
    mask: jax.Array

    @property
    def role(self) -> jax.Array:
        """The likeliest role, `i32[b, t]`; OTHER for padding."""
        return jnp.where(self.mask, jnp.argmax(self.role_logits, -1), 0).astype(jnp.int32)

    @property
    def digit(self) -> jax.Array:
        """The likeliest digit, `i32[b, t]`."""
        return jnp.argmax(self.digit_logits, -1).astype(jnp.int32)

    @property
    def op(self) -> jax.Array:
        """The likeliest operation, `i32[b, t]` from 0 to 2 * ops - 1."""
        return jnp.argmax(self.op_logits, -1).astype(jnp.int32)


class Reader(nnx.Module):
    """Hidden states to a `Reading`: root-mean-square scaling, then a linear map.

    Args:
      width: of the hidden states.
      ops: how many operations are configured.
      load: the gate's value at first.
      rngs: keys of the initial weights, stream `params`.
    """

    def __init__(self, width: int, ops: int, load: float, *, rngs: nnx.Rngs) -> None:
        self.ops = ops
        sizes = (len(Role), DIGITS, 2 * ops, 1)
        bias = jnp.zeros(sum(sizes)).at[-1].set(jnp.log(load / (1 - load)))
        self.map = nnx.Linear(width, sum(sizes), bias_init=lambda *_: bias, rngs=rngs)

    def __call__(self, hidden: jax.Array, mask: jax.Array | None = None) -> Reading:
        """Read hidden states `[b, t, width]` of any float type."""
        h = hidden.astype(jnp.float32)
        h = h * jax.lax.rsqrt(jnp.mean(h * h, -1, keepdims=True) + 1e-6)
        out = self.map(h)
        digits, ops = len(Role), len(Role) + DIGITS
        return Reading(
            role_logits=out[..., :digits],
            digit_logits=out[..., digits:ops],
            op_logits=out[..., ops:-1],
            gate_logits=out[..., -1],
            mask=jnp.ones(hidden.shape[:2], bool) if mask is None else mask,
        )


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Labels:
    """What should have been read; negative entries count for nothing.

    Attributes:
      role: `i32[b, t]`.
      digit: `i32[b, t]`, of digits of operands.
      op: `i32[b, t]`, of operators, from 0 to 2 * ops - 1.
    """

    role: Any
    digit: Any
    op: Any


def read_losses(
    reading: Reading, labels: Labels, role_weights: jax.Array | None = None
) -> dict[str, jax.Array]:
    """Mean cross-entropies of "role", "digit" and "op" over the tokens that have a label.

    Args:
      reading: of the expert.
      labels: what is right.
      role_weights: `f32[6]`, how much a token of each role counts; all the same if left out.
    """
    weights = jnp.ones(len(Role)) if role_weights is None else role_weights
    return {
        "role": _cross_entropy(reading.role_logits, labels.role, reading.mask, weights),
        "digit": _cross_entropy(reading.digit_logits, labels.digit, reading.mask),
        "op": _cross_entropy(reading.op_logits, labels.op, reading.mask),
    }


def _cross_entropy(
    logits: jax.Array, labels: jax.Array, mask: jax.Array, weights: jax.Array | None = None
) -> jax.Array:
    known = jnp.maximum(labels, 0)
    counted = (mask & (labels >= 0)).astype(logits.dtype)
    if weights is not None:
        counted = counted * weights[known]
    logs = jax.nn.log_softmax(logits)
    picked = jnp.take_along_axis(logs, known[..., None], -1)[..., 0]
    return -jnp.sum(picked * counted) / jnp.maximum(jnp.sum(counted), 1.0)
