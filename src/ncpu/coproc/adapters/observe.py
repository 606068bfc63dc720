"""What a forward pass tells its experts and hears from them, whatever model is around them.

The models' own calls have no place for a training step, for operands that are given, or for what
the experts read; a context around the call has::

    with observe(step=step) as seen:
        logits = model(tokens, params=params, train=True).logits
    loss = cross_entropy(logits)
    loss += sum(balance_loss(config, out.reading) for out in seen.outputs.values())

Under `jax.jit` the context belongs inside the jitted function, where the model is traced.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
from flax import nnx

from ncpu.coproc.config import CoprocessorConfig
from ncpu.coproc.expert import ExpertOutput, mix
from ncpu.coproc.operands import Operands
from ncpu.coproc.registers import ExpertState


@dataclass
class Observation:
    """One `observe` block.

    Attributes:
      step: of training, for the gates' warm-up; None is after it.
      given: operands in place of what is read, the same for all layers.
      exact: overrides whether gradients reach the readings; None leaves it to the model's mode.
      temperature: of the soft bits, in place of the configuration's.
      outputs: layer to what its expert made of the last call's tokens.
    """

    step: jax.Array | int | None = None
    given: Operands | None = None
    exact: bool | None = None
    temperature: jax.Array | float | None = None
    outputs: dict[int, ExpertOutput] = field(default_factory=dict)


_current: ContextVar[Observation | None] = ContextVar("observation", default=None)


@contextmanager
def observe(
    *,
    step: jax.Array | int | None = None,
    given: Operands | None = None,
    exact: bool | None = None,
    temperature: jax.Array | float | None = None,
) -> Iterator[Observation]:
    """Everything that experts do in this block is told these and noted in what it yields."""
    seen = Observation(step, given, exact, temperature)
    token = _current.set(seen)
    try:
        yield seen
    finally:
        _current.reset(token)


def run_expert(
    graph: nnx.GraphDef,
    state: Any,
    layer: int,
    hidden: jax.Array,
    memory: ExpertState,
    mask: jax.Array | None,
    exact: bool,
) -> tuple[ExpertOutput, ExpertState]:
    """An expert's call as the surrounding `observe` wants it; compiled, also in eager models."""
    seen = _current.get() or Observation()
    exact = exact if seen.exact is None else seen.exact
    told = {"step": seen.step, "given": seen.given, "temperature": seen.temperature}
    output, memory = _call(graph, state, hidden, memory, mask, told, exact=exact)
    seen.outputs[layer] = output
    return output, memory


def mixed(config: CoprocessorConfig, mlp_output: jax.Array, output: ExpertOutput) -> jax.Array:
    """What a layer adds: `mix`, and under a cap of 0 the very array that the MLP gave.

    Where a gate is 0 `mix` gives the MLP's bits as well, but XLA fuses what follows with it, and
    may round that differently from the model without it.
    """
    return mlp_output if config.max_gate == 0 else mix(mlp_output, output)


@partial(jax.jit, static_argnames=("graph", "exact"))
def _call(
    graph: nnx.GraphDef,
    state: Any,
    hidden: jax.Array,
    memory: ExpertState,
    mask: jax.Array | None,
    told: dict[str, Any],
    *,
    exact: bool,
) -> tuple[ExpertOutput, ExpertState]:
    expert = nnx.merge(graph, state)
    return expert(hidden, memory, exact=exact, mask=mask, **told)
