"""Training with and without execution, and controls.

With `log p` the log-probabilities of all programs for a problem, the losses are

- programs: `-log p(the known program)`;
- match: `-log` of the probability of all programs whose results on the examples are right;
- error: the expected share of wrong bits in the results on the examples.

The last two are expectations over exact executions.  Shuffled, they are given the results of
another problem: as much computation and as much regularisation, and nothing to learn from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from ncpu.synth.execution_signal.language import (
    INSTRUCTIONS,
    LENGTH,
    classes,
    draw_inputs,
    execute_all,
)
from ncpu.synth.execution_signal.model import Inducer, bits, shown

EXAMPLES = 8
HIDDEN_INPUTS = 256  # inputs that decide which programs compute the same
HIDDEN_UNITS = 96
SETS = 33  # of inputs, the last for the score
BATCH = 64
RATE = 4e-3


@dataclass(frozen=True)
class Arm:
    """A way to train.

    Attributes:
      name: in tables.
      execution: "", "match" or "error".
      shuffled: execution is judged by the results of another problem.
      unlabelled: execution is also learned from problems without a known program.
      weight: of the execution loss.
    """

    name: str
    execution: str = ""
    shuffled: bool = False
    unlabelled: bool = False
    weight: float = 1.0


ARMS = (
    Arm("programs"),
    Arm("programs + match", "match"),
    Arm("programs + error", "error", weight=5.0),
    Arm("programs + match, shuffled", "match", shuffled=True),
    Arm("programs + error, shuffled", "error", shuffled=True, weight=5.0),
    Arm("programs + match, more problems", "match", unlabelled=True),
    Arm("the same, shuffled", "match", shuffled=True, unlabelled=True),
)


@dataclass(frozen=True)
class World:
    """All programs and what they compute.

    Attributes:
      function: `i32[P]`, which function a program computes, by `HIDDEN_INPUTS` inputs.
      outputs: `u32[S, P, n]`, low halves of the results on S sets of inputs; the last is
        never trained on.
      references: `u32[S, R, n]`, the arguments and what single instructions make of them.
      alike: `i32[S, P]`, programs with the same results on a set have the same number.
    """

    function: np.ndarray
    outputs: np.ndarray
    references: np.ndarray
    alike: np.ndarray


def make_world(seed: int, sets: int = SETS, instructions: tuple[str, ...] = INSTRUCTIONS) -> World:
    """Run every program on `sets` sets of inputs and on the hidden ones."""
    rng = np.random.default_rng(seed)
    hidden = execute_all(rng.integers(0, 1 << 64, (HIDDEN_INPUTS, 2), np.uint64), instructions)
    inputs = draw_inputs(rng, sets * EXAMPLES)
    results = execute_all(inputs, instructions)
    once = np.concatenate([inputs.T, execute_all(inputs, instructions, 1)])
    parts = np.split(results, sets, axis=1)
    return World(
        function=classes(hidden),
        outputs=np.stack(parts).astype(np.uint32),
        references=np.stack(np.split(once, sets, axis=1)).astype(np.uint32),
        alike=np.stack([classes(part) for part in parts]),
    )


@dataclass(frozen=True)
class Problems:
    """Programs that stand for problems; no function is in two of the parts.

    Attributes:
      labelled: `i32[n]`, known programs to train on.
      unlabelled: `i32[m]`, programs whose results alone may be used.
      held_out: `i32[k]`, for the score.
    """

    labelled: np.ndarray
    unlabelled: np.ndarray
    held_out: np.ndarray


def split_problems(world: World, seed: int, labelled: int, held_out: int) -> Problems:
    """One program of each function, drawn at random, parted at random."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(world.function))
    _, first = np.unique(world.function[order], return_index=True)
    chosen = rng.permutation(order[first])
    ends = np.cumsum([labelled, held_out])
    return Problems(chosen[: ends[0]], chosen[ends[1] :], chosen[ends[0] : ends[1]])


def execution_loss(
    kind: str, log_p: jax.Array, alike: jax.Array, outputs: jax.Array, wanted: jax.Array
) -> jax.Array:
    """What the execution of the model's programs costs, averaged over the problems.

    Args:
      kind: "match" or "error".
      log_p: `f32[batch, P]`.
      alike: `i32[P]`, see `World`.
      outputs: `u32[P, n]`, see `World`.
      wanted: `i32[batch]`, programs with the right results.
    """
    if kind == "match":
        right = alike[None] == alike[wanted][:, None]
        return -jax.nn.logsumexp(jnp.where(right, log_p, -jnp.inf), axis=-1).mean()
    results = bits(outputs).reshape(len(outputs), -1)
    expected, target = jnp.exp(log_p) @ results, results[wanted]
    return (expected + target - 2 * expected * target).mean()


def train(
    world: World, problems: Problems, arm: Arm, key: jax.Array, steps: int
) -> tuple[Inducer, float]:
    """A model trained by an arm; also the floating-point operations of one step, by XLA."""
    starting, drawing = jax.random.split(key)
    references = world.references.shape[1]
    model = Inducer(references, len(INSTRUCTIONS), LENGTH, HIDDEN_UNITS, nnx.Rngs(starting))
    graph, params = nnx.split(model, nnx.Param)
    optimizer = optax.adam(optax.cosine_decay_schedule(RATE, steps))
    tables = [jnp.asarray(x[:-1]) for x in (world.outputs, world.references, world.alike)]
    pools = jnp.asarray(problems.labelled), jnp.asarray(problems.unlabelled)
    step = jax.jit(partial(_step, graph, optimizer, arm))
    state = (params, optimizer.init(params))
    compiled = step.lower(state, drawing, tables, pools).compile()
    for number in range(steps):
        state = compiled(state, jax.random.fold_in(drawing, number), tables, pools)
    return nnx.merge(graph, state[0]), flops(compiled)


def flops(compiled: Any) -> float:
    """Floating-point operations of a compiled step."""
    return float(compiled.cost_analysis()["flops"])


def _step(
    graph: Any,
    optimizer: optax.GradientTransformation,
    arm: Arm,
    state: tuple,
    key: jax.Array,
    tables: list[jax.Array],
    pools: tuple[jax.Array, jax.Array],
) -> tuple:
    params, moments = state
    drawn, more, chosen = jax.random.split(key, 3)
    which = jax.random.randint(chosen, (), 0, len(tables[0]))
    outputs, references, alike = (table[which] for table in tables)
    known = jax.random.choice(drawn, pools[0], (BATCH,))
    used = known
    if arm.unlabelled:
        used = jnp.concatenate([known, jax.random.choice(more, pools[1], (BATCH,))])

    def loss(params: Any) -> jax.Array:
        log_p = nnx.merge(graph, params)(shown(outputs[used], references))
        total = -log_p[jnp.arange(BATCH), known].mean()
        if arm.execution:
            wanted = jnp.roll(used, 1) if arm.shuffled else used
            total += arm.weight * execution_loss(arm.execution, log_p, alike, outputs, wanted)
        return total

    updates, moments = optimizer.update(jax.grad(loss)(params), moments, params)
    return optax.apply_updates(params, updates), moments


def score(world: World, model: Callable, held_out: np.ndarray, tries: int = 10) -> dict[str, float]:
    """Shares of the held-out problems that are solved, judged by exact execution.

    `first`: the likeliest program computes the function.  `tries`: the likeliest of the first
    `tries` that is right on the examples does.  Inputs of the examples are new to the model.
    """
    last = len(world.outputs) - 1
    first = found = 0
    for at in range(0, len(held_out), BATCH):
        part = held_out[at : at + BATCH]
        given = jnp.asarray(world.outputs[last][part]), jnp.asarray(world.references[last])
        log_p = np.asarray(model(shown(*given)))
        best = np.argsort(-log_p, axis=1)[:, :tries]
        for problem, programs in zip(part, best, strict=True):
            first += world.function[programs[0]] == world.function[problem]
            fits = programs[world.alike[last][programs] == world.alike[last][problem]]
            found += len(fits) > 0 and world.function[fits[0]] == world.function[problem]
    return {"first": first / len(held_out), "tries": found / len(held_out)}
