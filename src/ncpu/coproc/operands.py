"""What comes from outside: values given in place of what was read, and the check of a call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp

from ncpu.coproc.errors import ExpertInputError
from ncpu.coproc.registers import Channel, ExpertState, Registers, initial_state


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Operands:
    """What is given from outside in place of what was read or computed; None is left as it is.

    Each broadcasts to `[b, t]`.  A parser gives operands and perhaps the index; an evaluation
    gives a donor's operands, or a result that the text does not have.

    Attributes:
      a, b: the operands, integers of which the lowest n_bits count.
      op: the operation, from 0 to 2 * ops - 1 (the second half exchanges operands), or -1.
      index: which character of the answer comes after this token, -1 outside an answer.
      result: in place of the operation's.
      symbol: in place of the result's: a digit, 10 for the end, -1 to write nothing.
    """

    a: Any = None
    b: Any = None
    op: Any = None
    index: Any = None
    result: Any = None
    symbol: Any = None

    def replacing(self, read: Registers, bits: int) -> Registers:
        """The registers with what is given in place of what was read, at no cost.

        Raises:
          ExpertInputError: something given is no array of integers, or does not broadcast.
        """
        a, b = fitted("a", self.a, read.a), fitted("b", self.b, read.b)
        mask, costs = jnp.uint32((1 << bits) - 1), read.costs
        for part, value in enumerate((self.a, self.b, self.op, self.index)):
            costs = costs if value is None else costs.at[..., part].set(0.0)
        return replace(
            read,
            a=a & mask,
            b=b & mask,
            op=fitted("op", self.op, read.op),
            index=fitted("index", self.index, read.index),
            length_a=read.length_a if self.a is None else jnp.ones_like(read.length_a),
            length_b=read.length_b if self.b is None else jnp.ones_like(read.length_b),
            costs=costs,
        )


def fitted(name: str, value: Any, like: jax.Array) -> jax.Array:
    """`value` with the shape and type of `like`, which stands for it if it is None.

    Raises:
      ExpertInputError: it is no array of integers, or does not broadcast.
    """
    if value is None:
        return like
    array = jnp.asarray(value)
    try:
        if not jnp.issubdtype(array.dtype, jnp.integer):
            raise ValueError
        return jnp.broadcast_to(array.astype(like.dtype), like.shape)
    except ValueError:
        raise ExpertInputError(
            f"{name} is {array.dtype}{list(array.shape)}; accepted: integers that broadcast "
            f"to {list(like.shape)}"
        ) from None


def checked(
    width: int, hidden: jax.Array, state: ExpertState | None, mask: jax.Array | None
) -> ExpertState:
    """The state to begin with: `state`, or empty registers.

    Raises:
      ExpertInputError: shapes or types that do not fit each other.
    """
    floats = jnp.issubdtype(hidden.dtype, jnp.floating)
    if hidden.ndim != 3 or hidden.shape[-1] != width or 0 in hidden.shape or not floats:
        raise ExpertInputError(
            f"hidden is {hidden.dtype}{list(hidden.shape)}; accepted: floats [b, t, {width}], "
            "b and t at least 1"
        )
    b, t, _ = hidden.shape
    if mask is not None and (mask.shape != (b, t) or mask.dtype != bool):
        raise ExpertInputError(f"mask is {mask.dtype}{list(mask.shape)}; accepted: bool{[b, t]}")
    if state is None:
        return initial_state(b)
    if state.words.shape != (b, len(Channel)) or state.role.shape != (b,):
        raise ExpertInputError(
            f"state is for {list(state.words.shape)}, {list(state.role.shape)}; accepted: "
            f"{[b, len(Channel)]}, {[b]}, as `initial_state({b})` makes it"
        )
    return state
