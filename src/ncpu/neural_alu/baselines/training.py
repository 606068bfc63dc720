"""Training one architecture on one task from many seeds at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from ncpu.neural_alu.baselines.modules import (
    MLP,
    NAC,
    NALU,
    NAU,
    NMU,
    Linear,
    MultiplicativeNAC,
    Network,
    Unit,
)
from ncpu.neural_alu.baselines.tasks import Task, TaskError

DECAY = 0.2  # of the steps, at their end, in which the learning rate falls to zero
HIDDEN = 2  # one hidden unit for each of the two sums, as published


@dataclass(frozen=True)
class Sparsity:
    """The sparsity term's weight, rising linearly over a stretch of the training.

    Attributes:
      weight: at the end of the rise.
      start, end: of the rise, as fractions of the budget.
    """

    weight: float
    start: float
    end: float

    def at(self, fraction: jax.Array) -> jax.Array:
        """The weight after a fraction of the budget."""
        return self.weight * jnp.clip((fraction - self.start) / (self.end - self.start), 0, 1)


# Madsen and Johansen 2020: steps 5e3 to 5e4, and 1e6 to 2e6, of 5e6.
ADDITION = Sparsity(0.01, 0.001, 0.01)
MULTIPLICATION = Sparsity(10.0, 0.2, 0.4)

# The layers that form the two sums and then the result; an operation left out is not defined.
Layers = tuple[Callable[..., Unit], Callable[..., Unit]]
MODELS: dict[str, dict[str, Layers]] = {
    "linear": dict.fromkeys(("add", "sub", "mul", "div"), (Linear, Linear)),
    "MLP": dict.fromkeys(("add", "sub", "mul", "div"), (Linear, MLP)),
    "NAC": {
        "add": (NAC, NAC),
        "sub": (NAC, NAC),
        "mul": (NAC, MultiplicativeNAC),
        "div": (NAC, MultiplicativeNAC),
    },
    "NALU": dict.fromkeys(("add", "sub", "mul", "div"), (NALU, NALU)),
    "NAU/NMU": {"add": (NAU, NAU), "sub": (NAU, NAU), "mul": (NAU, NMU)},
}


@dataclass(frozen=True)
class Budget:
    """How long to train, and on what.

    Attributes:
      steps: optimiser steps; the published budget is 5,000,000.
      seeds: independent runs, each with its own data, subsets and start.
      batch: fresh samples in a step.
      learning_rate: of Adam, constant and then falling linearly to zero over the last fifth.
        Published: a constant 1e-3, for which budgets this small are too few steps.
      checkpoints: measurements during the training, evenly spaced.
      validation: samples of each fixed validation set.
    """

    steps: int = 10_000
    seeds: int = 10
    batch: int = 128
    learning_rate: float = 1e-2
    checkpoints: int = 100
    validation: int = 10_000

    def __post_init__(self) -> None:
        """Check the sizes.

        Raises:
          TaskError: a size below one, or fewer steps than checkpoints.
        """
        if min(self.steps, self.seeds, self.batch, self.checkpoints, self.validation) < 1:
            raise TaskError("steps, seeds, batch, checkpoints and validation must be at least 1")
        if self.steps < self.checkpoints:
            raise TaskError(f"{self.steps} steps are too few for {self.checkpoints} checkpoints")

    @property
    def interval(self) -> int:
        """Steps from one checkpoint to the next."""
        return self.steps // self.checkpoints


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Runs:
    """What the runs of one architecture did; leading axis seeds.

    Attributes:
      params: their final parameters.
      subsets: what their two sums were of, `f32[seeds, 2, size]`.
      interpolation, extrapolation: mean squared errors, `f32[seeds, checkpoints]`.
      sparsity: largest distance of a weight from {-1, 0, 1}, `f32[seeds, checkpoints]`.
    """

    params: nnx.State
    subsets: jax.Array
    interpolation: jax.Array
    extrapolation: jax.Array
    sparsity: jax.Array


def build(model: str, task: Task, rngs: nnx.Rngs) -> Network:
    """The network of a model for a task: two layers, or the last one alone on two operands.

    Raises:
      TaskError: the model is unknown or has no unit for the operation.
    """
    if task.operation not in MODELS.get(model, {}):
        known = [name for name, layers in MODELS.items() if task.operation in layers]
        raise TaskError(f"{model!r} has no {task.operation!r}; models with one: {', '.join(known)}")
    first, last = MODELS[model][task.operation]
    if task.size == HIDDEN:
        return Network([last(HIDDEN, 1, rngs=rngs)])
    return Network([first(task.size, HIDDEN, rngs=rngs), last(HIDDEN, 1, rngs=rngs)])


@partial(jax.jit, static_argnames=("model", "task", "budget"))
def train(model: str, task: Task, budget: Budget, keys: jax.Array) -> Runs:
    """Train `model` on `task` once for each key, all at once.

    Args:
      model: a key of `MODELS`.
      task: what to learn.
      budget: how long; its `seeds` is not read.
      keys: `key[seeds]`; each determines its run whatever the others are.
    """
    graph = nnx.graphdef(nnx.eval_shape(lambda: build(model, task, nnx.Rngs(0))))
    schedule = MULTIPLICATION if task.operation == "mul" else ADDITION
    fall = round(budget.steps * DECAY)
    rate = optax.linear_schedule(budget.learning_rate, 0.0, fall, budget.steps - fall)
    optimizer = optax.adam(rate)

    def run(key: jax.Array) -> Runs:
        initial, where, inside, outside, stream = jax.random.split(key, 5)
        subsets = task.subsets(where)
        near = task.draw(inside, budget.validation, task.interpolation)
        far = task.draw(outside, budget.validation, task.extrapolation)

        def error(network: Network, x: jax.Array) -> jax.Array:
            return jnp.mean(jnp.square(network(x) - task.target(x, subsets)))

        def step(carry: tuple, number: jax.Array) -> tuple[tuple, None]:
            params, state = carry
            x = task.draw(jax.random.fold_in(stream, number), budget.batch, task.interpolation)

            def loss(params: nnx.State) -> jax.Array:
                network = nnx.merge(graph, params)
                weight = schedule.at(number / budget.steps)
                return error(network, x) + weight * network.regularizer()

            updates, state = optimizer.update(jax.grad(loss)(params), state)
            network = nnx.merge(graph, optax.apply_updates(params, updates))
            network.project()
            return (nnx.state(network), state), None

        def checkpoint(carry: tuple, first: jax.Array) -> tuple[tuple, tuple]:
            carry, _ = jax.lax.scan(step, carry, first + jnp.arange(budget.interval))
            network = nnx.merge(graph, carry[0])
            return carry, (error(network, near), error(network, far), network.sparsity_error())

        params = nnx.state(build(model, task, nnx.Rngs(initial)))
        firsts = jnp.arange(budget.checkpoints) * budget.interval
        (params, _), measured = jax.lax.scan(checkpoint, (params, optimizer.init(params)), firsts)
        return Runs(params, subsets, *measured)

    return jax.vmap(run)(keys)
