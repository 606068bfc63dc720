"""Candidates: independent distributions over what each slot does, and programs drawn from them.

Registers are numbered: arguments, constants, what the frame streams (index, element, second
element), accumulators, results of the body's slots, results of the finishing slots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.synth.gradient.forms import FORMS, LATCHES

ARGUMENTS, CONSTANTS, STREAMS, ACCUMULATORS = 4, 12, 3, 2
STREAM = ARGUMENTS + CONSTANTS
ACCUMULATOR = STREAM + STREAMS
TEMPORARY = ACCUMULATOR + ACCUMULATORS
_NEVER = -1e9


@dataclass(frozen=True)
class Layout:
    """How many slots.

    Attributes:
      body: executed once for each round of the frame's loop; none in straight-line code.
      finish: executed after it.
    """

    body: int
    finish: int

    @property
    def slots(self) -> int:
        """Both kinds together."""
        return self.body + self.finish

    @property
    def parts(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the uniform numbers that one drawing takes."""
        return {
            "form": (self.slots, len(FORMS)),
            "body": (self.body, LATCHES),
            "finish": (len(FORMS), self.finish, LATCHES),
            "start": (ACCUMULATORS,),
            "step": (ACCUMULATORS,),
        }

    @property
    def registers(self) -> int:
        """Registers in all."""
        return TEMPORARY + self.slots

    def readable(self, valid: np.ndarray) -> dict[str, np.ndarray]:
        """What each distribution may choose, `bool[..., registers]`, by field of `Candidate`.

        Args:
          valid: `bool[TEMPORARY]`, registers that hold something.
        """
        valid = np.concatenate([valid, np.zeros(self.slots, bool)])
        slot = np.tile(valid, (self.slots, 1))
        for k in range(self.slots):
            slot[k, TEMPORARY : TEMPORARY + k] = True
        start = np.where(np.arange(self.registers) < STREAM, valid, False)
        step = valid.copy()
        step[TEMPORARY : TEMPORARY + self.body] = True
        return {
            "operand": np.repeat(slot[:, None], LATCHES, 1),
            "start": np.tile(start, (ACCUMULATORS, 1)),
            "step": np.tile(step, (ACCUMULATORS, 1)),
        }


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Logits; `probabilities` and `draw` mask what a slot cannot read.

    Attributes:
      form: `f32[..., slots, forms]`.
      operand: `f32[..., slots, 3, registers]`, attention of each operand.
      start: `f32[..., accumulators, registers]`, what an accumulator holds before the loop.
      step: `f32[..., accumulators, registers]`, what it takes at the end of each round.
    """

    form: Any
    operand: Any
    start: Any
    step: Any


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Choice:
    """One program, integers in place of distributions.

    Attributes:
      form: `i32[..., slots]`.
      operand: `i32[..., slots, 3]`.
      start, step: `i32[..., accumulators]`.
      result: `i32[...]`, the register read at the end.
    """

    form: Any
    operand: Any
    start: Any
    step: Any
    result: Any


def zeros(layout: Layout) -> Candidate:
    """Uniform distributions."""
    shapes = {
        "form": (layout.slots, len(FORMS)),
        "operand": (layout.slots, LATCHES, layout.registers),
        "start": (ACCUMULATORS, layout.registers),
        "step": (ACCUMULATORS, layout.registers),
    }
    return Candidate(**{name: np.zeros(shape, np.float32) for name, shape in shapes.items()})


def masked(candidate: Candidate, readable: dict[str, jax.Array]) -> Candidate:
    """Logits with what may not be chosen out of reach."""
    fields = {n: jnp.where(m, getattr(candidate, n), _NEVER) for n, m in readable.items()}
    return Candidate(form=candidate.form, **fields)


def gumbel(uniform: jax.Array, logits: jax.Array) -> jax.Array:
    """A sample of each distribution, `i32[...]`: Gumbel-max on as many uniform numbers."""
    noise = -jnp.log(-jnp.log(uniform))
    return lax.argmax(logits + noise, logits.ndim - 1, jnp.int32)


def inverse(uniform: jax.Array, logits: jax.Array) -> jax.Array:
    """A sample for each uniform number `[..., distributions]`, by inversion."""
    cumulated = jnp.cumsum(jax.nn.softmax(logits), -1)
    below = uniform[..., None] * cumulated[..., -1:] >= cumulated
    return below.sum(-1, dtype=jnp.int32)


def log_probability(logits: jax.Array, chosen: jax.Array) -> jax.Array:
    """Of one chosen value of each distribution, `f32[...]`."""
    log = jnp.broadcast_to(jax.nn.log_softmax(logits), (*chosen.shape, logits.shape[-1]))
    return jnp.take_along_axis(log, chosen[..., None], -1)[..., 0]
