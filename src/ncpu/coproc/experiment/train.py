"""Training: every condition sees the same lines in the same order, for as many steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from random import Random
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from ncpu.coproc.adapters.observe import observe
from ncpu.coproc.experiment import data, tokens
from ncpu.coproc.experiment.conditions import COPROCESSOR, Condition, build
from ncpu.coproc.experiment.data import Batch
from ncpu.coproc.experiment.model import ABACUS, LARGEST_SHIFT, TextDecoder
from ncpu.coproc.gate import balance_loss
from ncpu.coproc.read import Labels, read_losses


@dataclass(frozen=True)
class Schedule:
    """How a model is trained.

    Attributes:
      steps: of the optimiser.
      batch: sequences in a step.
      length: tokens in a sequence.
      learning_rate: the highest, reached after `warmup` steps; it falls to a hundredth by cosine.
      warmup: steps.
      weight_decay: of AdamW.
      reading: weight of the auxiliary loss on what is read.
      soft_steps: at the end, in which gradients of the text also go through soft arithmetic.
    """

    steps: int = 6000
    batch: int = 16
    length: int = data.LENGTH
    learning_rate: float = 3e-3
    warmup: int = 60
    weight_decay: float = 0.01
    reading: float = 1.0
    soft_steps: int = 0

    def optimiser(self) -> optax.GradientTransformation:
        """AdamW, clipped."""
        peak, warmup = self.learning_rate, min(self.warmup, self.steps // 5)
        rate = optax.warmup_cosine_decay_schedule(0.0, peak, warmup, self.steps, peak / 100)
        adam = optax.adamw(rate, b1=0.9, b2=0.98, weight_decay=self.weight_decay)
        return optax.chain(optax.clip_by_global_norm(1.0), adam)


@dataclass(frozen=True)
class Trained:
    """A trained model and how it came about.

    Attributes:
      model: the decoder with whatever stands beside its last MLP.
      record: condition, seed, schedule, seconds (by the clock, and of all processors), sizes and
        the last losses, as JSON has it.
    """

    model: TextDecoder
    record: dict[str, Any]


def train(
    wanted: Condition,
    seed: int,
    schedule: Schedule,
    *,
    report: Callable[[int, dict[str, float]], None] = lambda step, losses: None,
    every: int = 100,
    **sizes: int,
) -> Trained:
    """Train a condition from scratch.

    Args:
      wanted: the condition.
      seed: of weights and text; conditions of the same seed see the same lines.
      schedule: how long and how fast.
      report: called every so many steps with the mean losses since.
      every: so many.
      **sizes: `width` and `depth`, see `conditions.build`.
    """
    model = build(wanted, seed, **sizes)
    graph, weights, rest = nnx.split(model, nnx.Param, ...)
    optimiser = schedule.optimiser()
    moments = optimiser.init(weights)
    started, busy = time.perf_counter(), time.process_time()
    sums: list[dict[str, jax.Array]] = []
    means: dict[str, float] = {}
    batches = _batches(wanted, seed, schedule)
    for step, (batch, shift) in enumerate(batches):
        exact = step < schedule.steps - schedule.soft_steps
        weights, moments, parts = _step(
            weights,
            moments,
            rest,
            (batch.tokens, batch.role, batch.digit, batch.op, shift),
            jnp.int32(step),
            graph=graph,
            schedule=schedule,
            exact=exact,
        )
        sums.append(parts)
        if step % every == every - 1 or step == schedule.steps - 1:
            means = {k: float(np.mean([float(x[k]) for x in sums])) for k in parts}
            sums = []
            report(step + 1, means)
    model = nnx.merge(graph, weights, rest)
    record = {
        "condition": wanted.name,
        "seed": seed,
        "schedule": asdict(schedule),
        "seconds": round(time.perf_counter() - started, 1),
        "seconds_of_processor": round(time.process_time() - busy, 1),
        "sizes": {"width": model.config.width, "depth": model.config.depth},
        "parameters": sum(x.size for x in jax.tree.leaves(weights)),
        "losses": {k: round(v, 5) for k, v in means.items()},
    }
    return Trained(model, record)


def _batches(
    wanted: Condition, seed: int, schedule: Schedule
) -> Iterator[tuple[Batch, np.ndarray]]:
    source = data.lines(Random(f"coprocessor training {seed}"))
    if wanted.reverse:
        source = map(data.reversed_digits, source)
    draw = np.random.default_rng(seed)
    for _ in range(schedule.steps):
        shift = draw.integers(0, LARGEST_SHIFT + 1, schedule.batch, np.int32)
        yield data.pack(source, schedule.batch, schedule.length), shift


def losses(
    model: TextDecoder, batch: tuple, step: jax.Array | int, *, reading: float, exact: bool
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """The sum that is minimised, and its parts.

    Args:
      model: of any condition.
      batch: tokens, role, digit, op `i32[n, t]` and shift `i32[n]`.
      step: of training.
      reading: weight of what is read.
      exact: whether gradients stop at the arithmetic.
    """
    codes, role, digit, op, shift = batch
    mask = codes != tokens.PAD
    with observe(step=step, exact=exact) as seen:
        moved = shift if model.numbering == ABACUS else None
        hidden, _ = model.hidden(codes, mask=mask, shift=moved)
    logits = model.logits(hidden[:, :-1])
    each = optax.softmax_cross_entropy_with_integer_labels(logits, codes[:, 1:])
    text = jnp.sum(each * mask[:, 1:]) / jnp.sum(mask[:, 1:])
    parts = {"text": text}
    total = text
    for output in seen.outputs.values():
        labels = Labels(role=jnp.where(mask, role, -1), digit=digit, op=op)
        parts |= read_losses(output.reading, labels)
        total += reading * (parts["role"] + parts["digit"] + parts["op"])
        parts["balance"] = balance_loss(COPROCESSOR, output.reading)
        total += parts["balance"]
        answer = mask & (role >= data.Role.BEGIN)
        parts["gate"] = jnp.sum(output.gate * answer) / jnp.maximum(jnp.sum(answer), 1)
    return total, parts


@partial(jax.jit, static_argnames=("graph", "schedule", "exact"), donate_argnums=(0, 1))
def _step(
    weights: Any,
    moments: Any,
    rest: Any,
    batch: tuple,
    step: jax.Array,
    *,
    graph: Any,
    schedule: Schedule,
    exact: bool,
) -> tuple[Any, Any, dict[str, jax.Array]]:
    def loss(weights: Any) -> tuple[jax.Array, dict[str, jax.Array]]:
        model = nnx.merge(graph, weights, rest)
        return losses(model, batch, step, reading=schedule.reading, exact=exact)

    gradients, parts = jax.grad(loss, has_aux=True)(weights)
    updates, moments = schedule.optimiser().update(gradients, moments, weights)
    return optax.apply_updates(weights, updates), moments, parts
