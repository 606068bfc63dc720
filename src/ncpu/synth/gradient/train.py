"""Annealed training of many candidates at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ncpu.machine import word
from ncpu.synth.gradient import pc, soft
from ncpu.synth.gradient.candidate import Layout
from ncpu.synth.gradient.pc import FreeLayout
from ncpu.synth.gradient.soft import Judged, surrogate, uniforms

MODELS = {Layout: soft, FreeLayout: pc}
_UNSEEN = 1 << 30


@dataclass(frozen=True)
class Schedule:
    """How restarts are trained.

    Attributes:
      steps: of Adam in the first turn.
      learning_rate: of Adam, on logits.
      hot, cold: temperature of the logits at the first and the last step, geometric between.
      tau: sharpness of the soft minimum over outputs.
      spread: standard deviation of the noise that makes restarts differ.
      memory: of the baseline's running mean.
    """

    steps: int = 60
    learning_rate: float = 0.1
    hot: float = 1.0
    cold: float = 0.3
    tau: float = 0.1
    spread: float = 0.5
    memory: float = 0.9


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Restarts:
    """Candidates in training, a leading axis of restarts on every field.

    Attributes:
      candidate: logits.
      optimizer: Adam's state.
      baseline: `f32[restarts]`, running mean of J's samples.
      missed: `f32[restarts]`, the least weight of missed examples so far.
      first: `i32[restarts]`, step at which a program first missed nothing.
      best: the program that missed least.
    """

    candidate: Any
    optimizer: Any
    baseline: Any
    missed: Any
    first: Any
    best: Any


@partial(jax.jit, static_argnames=("schedule", "layout"))
def begin(starts: Any, schedule: Schedule, layout: Layout | FreeLayout, key: jax.Array) -> Restarts:
    """Restarts around `starts`, which have the axis of restarts; the key is consumed."""
    leaves, tree = jax.tree.flatten(starts)
    keys = jax.random.split(key, len(leaves))
    noisy = [
        x + schedule.spread * jax.random.normal(k, x.shape, jnp.float32)
        for x, k in zip(leaves, keys, strict=True)
    ]
    candidate = jax.tree.unflatten(tree, noisy)
    count = leaves[0].shape[0]
    return Restarts(
        candidate=candidate,
        optimizer=optax.adam(schedule.learning_rate).init(candidate),
        baseline=jnp.full(count, 0.5, jnp.float32),
        missed=jnp.full(count, 2.0, jnp.float32),
        first=jnp.full(count, _UNSEEN, jnp.int32),
        best=MODELS[type(layout)].nothing(layout, count),
    )


@partial(jax.jit, static_argnames=("layout", "schedule", "steps"), donate_argnames="restarts")
@word.with_x64
def train(
    restarts: Restarts,
    task: Any,
    key: jax.Array,
    done: jax.Array,
    total: jax.Array,
    *,
    layout: Layout | FreeLayout,
    schedule: Schedule,
    steps: int,
) -> tuple[Restarts, jax.Array]:
    """`steps` more steps after `done` of `total`; the key is consumed.

    Returns:
      The restarts, and the mean of J's samples at each step, `f32[steps]`.
    """
    optimizer = optax.adam(schedule.learning_rate)
    count = restarts.first.shape[0]

    model, tau = MODELS[type(layout)], jnp.float32(schedule.tau)

    def objective(candidate: Any, drawn: Any, judged: Judged, base: jax.Array):
        def one(*of: Any) -> tuple[jax.Array, jax.Array]:
            value, sampled = model.evaluate(of[0], of[1], of[2], layout, tau)
            return surrogate(value, sampled, of[3]), value

        values, found = jax.vmap(one)(candidate, drawn, judged, base)
        return values.sum(), found

    def sharpened(candidate: Any, temperature: jax.Array) -> Any:
        return model.masked(jax.tree.map(lambda x: x / temperature, candidate), task)

    def attempt(logits: Any, uniform: dict[str, jax.Array]) -> tuple:
        drawn = model.draw(logits, layout, uniform)
        judged = model.run(drawn, task, layout)
        return drawn, judged, *model.best(drawn, judged, layout)

    def step(carry: tuple, number: jax.Array) -> tuple[tuple, jax.Array]:
        now, key = carry
        key, used = jax.random.split(key)
        part = jnp.minimum(number.astype(jnp.float32) / total, 1)
        temperature = schedule.hot * (schedule.cold / schedule.hot) ** part
        logits = sharpened(now.candidate, temperature)
        drawn, judged, missed, choice = jax.vmap(attempt)(logits, uniforms(layout, count, used))
        slope, value = jax.grad(
            lambda x: objective(sharpened(x, temperature), drawn, judged, now.baseline),
            has_aux=True,
        )(now.candidate)
        change, optimizer_state = optimizer.update(slope, now.optimizer)
        better = missed < now.missed

        def pick(new: jax.Array, old: jax.Array) -> jax.Array:
            return jnp.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)

        new = Restarts(
            candidate=optax.apply_updates(now.candidate, change),  # type: ignore[arg-type]
            optimizer=optimizer_state,
            baseline=schedule.memory * now.baseline + (1 - schedule.memory) * value,
            missed=pick(missed, now.missed),
            first=jnp.minimum(now.first, jnp.where(missed == 0, number, _UNSEEN)),
            best=jax.tree.map(pick, choice, now.best),
        )
        return (new, key), value.mean()

    numbers = done + jnp.arange(steps, dtype=jnp.int32)
    (restarts, _), means = lax.scan(step, (restarts, key), numbers)
    return restarts, means


def spread_over(restarts: Restarts, mesh: Mesh) -> Restarts:
    """The restarts split over a mesh's devices along its only axis."""
    split, shared = (
        NamedSharding(mesh, spec) for spec in (PartitionSpec(mesh.axis_names[0]), PartitionSpec())
    )
    return jax.tree.map(lambda x: jax.device_put(x, split if x.ndim else shared), restarts)
