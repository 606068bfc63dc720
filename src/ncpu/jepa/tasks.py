"""The fourth level: what a program is for, as a latent of its input/output relation.

A few examples (two words in, one out) are encoded to a vector, a short program to another;
the first predicts the second, VICReg keeps both from collapsing.  With the vectors of many
programs in a table, examples retrieve the program that makes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from ncpu.jepa.action import FEATURES, action
from ncpu.jepa.layers import linear
from ncpu.jepa.predictor import Decision
from ncpu.jepa.programs import Random
from ncpu.jepa.regularize import vicreg
from ncpu.jepa.transition import transitions
from ncpu.jepa.view import BITS, PC, WORDS, Bus, View, to_bits
from ncpu.machine import word
from ncpu.machine.instr import Unit, field
from ncpu.machine.verify import random_words

REGISTERS_USED = 3  # x0 and x1 are inputs, x0 is the output, x2 is scratch
LENGTH = 2  # instructions of a program
_UNITS = (Unit.ADD, Unit.LOGIC, Unit.SHIFT, Unit.MULTIPLY, Unit.BITS, Unit.EXTRACT)


@dataclass(frozen=True)
class Tasks:
    """Programs and what they do.

    Attributes:
      packed: `u32[n, length, 8]`.
      inputs: `u32[n, m, 2, 2]`, x0 and x1 of each example.
      outputs: `u32[n, m, 2]`, x0 at the end.
    """

    packed: np.ndarray
    inputs: np.ndarray
    outputs: np.ndarray

    def __len__(self) -> int:
        """How many there are."""
        return len(self.packed)

    def part(self, index: Any) -> Tasks:
        """Some of them."""
        return Tasks(self.packed[index], self.inputs[index], self.outputs[index])


def draw(count: int, examples: int, seed: int) -> Tasks:
    """Random programs of the table's integer instructions, run exactly on random inputs.

    A program whose output is the same for all its examples is left out, and of several that
    agree on theirs only one stays.
    """
    source, rng = Random(seed), np.random.default_rng([seed, 2])
    unit = field(source.packed, "unit")
    fine = np.isin(unit, np.array(_UNITS)) & (field(source.packed, "set_flags") == 0)
    fine &= field(source.packed, "carry") != 2
    rows = np.flatnonzero(fine)
    share = 1 / np.bincount(unit[rows], minlength=len(Unit))[unit[rows]]
    chosen = rng.choice(rows, (count, LENGTH), p=share / share.sum())
    packed = np.array(source.packed[chosen])
    for name, index, low in (("rn", 0, 7), ("rm", 0, 14), ("ra", 0, 21)):
        reads = field(packed, name) < 32
        to = rng.integers(0, REGISTERS_USED, reads.shape).astype(np.uint32)
        _put(packed, index, low, np.where(reads, to, field(packed, name)))
    to = rng.integers(0, REGISTERS_USED, (count, LENGTH)).astype(np.uint32)
    to[:, -1] = 0
    _put(packed, 1, 0, to)
    inputs = random_words(rng, count * examples * 2).reshape(count, examples, 2)
    words = np.zeros((count * examples, WORDS, 2), np.uint32)
    words[:, :2] = word.to_limbs(inputs.reshape(-1, 2))
    words[:, PC, 0] = 4096
    valid = np.ones(count * examples, bool)
    for k in range(LENGTH):
        given = jnp.asarray(np.repeat(packed[:, k], examples, axis=0))
        none = Bus(words=jnp.zeros((len(words), 2, 2), jnp.uint32))
        made = transitions(View(words=jnp.asarray(words)), given, none)
        words, valid = np.asarray(made.after.words), valid & np.asarray(made.valid)
    outputs = words[:, 0].reshape(count, examples, 2)
    alive = valid.reshape(count, examples).all(1)
    alive &= (outputs != outputs[:, :1]).any((1, 2))
    # The same outputs on inputs of its own are a coincidence of constants: none is kept twice.
    _, first = np.unique(packed.reshape(count, -1), axis=0, return_index=True)
    keep = np.zeros(count, bool)
    keep[first] = True
    found = np.flatnonzero(keep & alive)
    return Tasks(packed[found], word.to_limbs(inputs)[found], outputs[found])


def _put(packed: np.ndarray, index: int, low: int, value: np.ndarray) -> None:
    mask = np.uint32(0x7F << low)
    packed[..., index] = (packed[..., index] & ~mask) | (value.astype(np.uint32) << np.uint32(low))


class TaskModel(nnx.Module):
    """Relations and programs in one space.

    Args:
      width: of a vector.
      seed: of the random weights.
    """

    def __init__(self, width: int = 96, *, seed: int = 0) -> None:
        """New and untrained."""
        rngs = nnx.Rngs(seed)
        self.example = Decision(3 * BITS * 3, 4 * width, 2 * width, rngs=rngs)
        self.relation = Decision(4 * width, 2 * width, width, rngs=rngs)
        each = FEATURES + 4 * (WORDS + 1)
        self.program = Decision(LENGTH * each, 4 * width, width, rngs=rngs)
        self.predict = linear(width, width, rngs=rngs)

    def encode_relation(self, inputs: jax.Array, outputs: jax.Array) -> jax.Array:
        """Examples `u32[n, m, 2, 2]` and `u32[n, m, 2]` as `f32[n, w]`, in any order."""
        a, b = (to_bits(inputs[..., k, :]) * 2 - 1 for k in range(2))
        out = to_bits(outputs) * 2 - 1
        # Each with the output: whether bits agree is what says most.
        parts = [a, b, out, a * out, b * out, a * b, a * b * out]
        lag = [jnp.roll(out, 1, -1) * a, jnp.roll(out, -1, -1) * a]
        seen = jax.nn.relu(self.example(jnp.concatenate([*parts, *lag], axis=-1)))
        pooled = jnp.concatenate([seen.mean(1), seen.max(1)], axis=-1)
        return self.relation(pooled)

    def encode_program(self, packed: jax.Array) -> jax.Array:
        """Programs `u32[n, length, 8]` as `f32[n, w]`."""
        act = action(packed)
        rows = jnp.concatenate([act.reads, act.writes[..., :1]], axis=-1)
        named = jax.nn.one_hot(rows, WORDS + 1).reshape(*rows.shape[:-1], -1)
        given = jnp.concatenate([act.features, named], axis=-1)
        return self.program(given.reshape(len(given), -1))


@partial(jax.jit, static_argnames=("graph", "optimizer"))
def _step(graph: Any, params: Any, state: Any, given: tuple, optimizer: Any) -> tuple[Any, Any]:
    def loss(params: Any) -> jax.Array:
        model: TaskModel = nnx.merge(graph, params)
        packed, inputs, outputs = given
        relation, program = model.encode_relation(inputs, outputs), model.encode_program(packed)
        error = jnp.mean((model.predict(relation) - program) ** 2)
        variance, covariance = vicreg(program)
        spread, apart = vicreg(relation)
        return 4 * error + variance + spread + 0.04 * (covariance + apart)

    updates, state = optimizer.update(jax.grad(loss)(params), state, params)
    return optax.apply_updates(params, updates), state


def train_tasks(
    tasks: Tasks, *, steps: int = 600, batch: int = 256, rate: float = 2e-3, seed: int = 0
) -> TaskModel:
    """A task level trained on programs and their examples."""
    graph, params = nnx.split(TaskModel(seed=seed))
    schedule = optax.cosine_decay_schedule(rate, steps)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule))
    state = optimizer.init(params)
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        some = tasks.part(rng.integers(0, len(tasks), batch))
        given = (some.packed, some.inputs, some.outputs)
        params, state = _step(graph, params, state, given, optimizer)
    return nnx.merge(graph, params)


@partial(jax.jit, static_argnames="graph")
def _vectors(graph: Any, params: Any, packed: Any, inputs: Any, outputs: Any) -> tuple:
    model: TaskModel = nnx.merge(graph, params)
    return model.predict(model.encode_relation(inputs, outputs)), model.encode_program(packed)


def retrieve(model: TaskModel, table: np.ndarray, inputs: Any, outputs: Any) -> np.ndarray:
    """Indices of programs, likeliest first, `i64[n, k]`.

    Args:
      model: the task level.
      table: vectors of k programs, from `encode_program`.
      inputs, outputs: examples of n relations.
    """
    wanted = np.asarray(model.predict(model.encode_relation(inputs, outputs)))
    return np.argsort(((wanted[:, None] - table) ** 2).sum(2), axis=1)


def panel(model: TaskModel, test: Tasks, train: Tasks, *, seed: int = 0) -> dict[str, float]:
    """Retrieval of held-out programs from their examples, and its controls.

    Returns:
      "first" and "ten": share of relations whose program is the nearest, or among ten;
      "shuffled": the same with another relation's outputs; "linear": ridge regression
      from the mean bits of examples to the program's vector; "chance"; "programs";
      "rank_effective" and "spread" of the programs' vectors.
    """
    graph, params = nnx.split(model)
    count = len(test)
    wanted, table = _vectors(graph, params, test.packed, test.inputs, test.outputs)
    order = np.random.default_rng(seed).permutation(count)
    mixed, _ = _vectors(graph, params, test.packed, test.inputs, test.outputs[order])
    _, known = _vectors(graph, params, train.packed, train.inputs, train.outputs)
    seen, held = _mean_bits(train), _mean_bits(test)
    gram = seen.T @ seen + len(seen) * 1e-2 * np.eye(seen.shape[1])
    fitted = held @ np.linalg.solve(gram, seen.T @ np.asarray(known))
    spectrum = np.clip(np.linalg.eigvalsh(np.cov(np.asarray(table).T)), 1e-12, None)
    share = spectrum / spectrum.sum()
    places = _places(np.asarray(wanted), np.asarray(table))
    return {
        "first": float((places == 0).mean()),
        "ten": float((places < 10).mean()),
        "shuffled": float((_places(np.asarray(mixed), np.asarray(table)) == 0).mean()),
        "linear": float((_places(fitted, np.asarray(table)) == 0).mean()),
        "chance": 1 / count,
        "programs": count,
        "rank_effective": float(np.exp(-(share * np.log(share)).sum())),
        "spread": float(np.asarray(table).std(0).min()),
    }


def _mean_bits(tasks: Tasks) -> np.ndarray:
    a, b = (np.asarray(to_bits(jnp.asarray(tasks.inputs[:, :, k]))) * 2 - 1 for k in range(2))
    out = np.asarray(to_bits(jnp.asarray(tasks.outputs))) * 2 - 1
    parts = [out, a * out, b * out, a * b * out]
    mean = np.concatenate([x.mean(1) for x in parts], axis=1)
    return np.concatenate([mean, np.ones((len(mean), 1))], axis=1)


def _places(wanted: np.ndarray, table: np.ndarray) -> np.ndarray:
    """How many programs are nearer than the right one, for each."""
    apart = ((wanted[:, None] - table) ** 2).sum(2)
    return (apart < np.diagonal(apart)[:, None]).sum(1)
