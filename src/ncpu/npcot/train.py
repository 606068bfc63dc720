"""Training heads on examples: annealed maximum likelihood over the whole program space.

For a hidden state with examples (arrays and the results wanted), every program p has a misfit L_p,
the mean of log2(1 + error) over the examples with the offset that fits p best.  The head maximises

    log sum over p of  w_p exp(-L_p / tau)

while tau falls: at first all programs that come close pull the slots towards them, at the end only
exact ones do.  The offset bits follow the best offset of the program that the posterior prefers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from ncpu.npcot.execute import execute_all
from ncpu.npcot.head import OFFSET_BITS, SCALED, ArrayThoughtHead, Slots, check_hidden
from ncpu.npcot.number import WORD32, Format
from ncpu.npcot.program import SLOTS

_WORST = 48  # log2 of the largest error of scaled words


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What examples say about every program.

    Attributes:
      misfit: `f32[..., SPACE_SIZE]`, L_p in 0..1; 0 where a program with its offset fits exactly.
      offset: `i32[..., SPACE_SIZE]`, the offset that fits best, in units of the program's result.
    """

    misfit: Any
    offset: Any


@dataclass(frozen=True)
class Schedule:
    """Steps, learning rate of Adam (cosine to 0), and first and last tau."""

    steps: int = 300
    learning_rate: float = 0.03
    first: float = 0.01
    last: float = 3e-4


@partial(jax.jit, static_argnames="fmt")
def all_results(
    x: jax.Array, length: jax.Array, y: jax.Array | None = None, *, fmt: Format = WORD32
) -> jax.Array:
    """Result words of the whole space on arrays `i32[k, n]`: `i32[k, SPACE_SIZE]`."""
    return jax.vmap(lambda a, n, b: execute_all(a, n, b, fmt=fmt))(x, length, y)


@partial(jax.jit, static_argnames="fmt")
def evidence(
    results: jax.Array, target: jax.Array, scaled: jax.Array, *, fmt: Format = WORD32
) -> Evidence:
    """What tasks with the same arrays say about every program.

    Args:
      results: `i32[k, SPACE_SIZE]` from `all_results`.
      target: `i32[tasks, k]`, result words wanted; the two infinities are words as well.
      scaled: `bool[tasks]`, whether the words are in units of 2^-frac.
      fmt: width and fraction bits of the words.
    """
    with jax.enable_x64(True):
        inf = fmt.infinity
        unit = jnp.where(SCALED, 1, 1 << fmt.frac).astype(jnp.int64)
        found, infinite = results.astype(jnp.int64) * unit, jnp.abs(results) >= inf

        def one(task: tuple[jax.Array, jax.Array]) -> Evidence:
            want, is_scaled = task
            aim = want.astype(jnp.int64) << jnp.where(is_scaled, 0, fmt.frac)
            lost = (jnp.abs(want) >= inf)[:, None]
            both = ~lost & ~infinite
            gap = jnp.where(both, aim[:, None] - found, 0)
            mean = gap.sum(0) / jnp.maximum(both.sum(0), 1)
            offset = jnp.clip(jnp.rint(mean / unit).astype(jnp.int64), 1 - inf, inf - 1)
            error = jnp.abs(gap - offset * unit).astype(jnp.float32)
            bits = jnp.log2(1 + error) / _WORST
            agree = lost & infinite & (jnp.sign(want)[:, None] == jnp.sign(results))
            misfit = jnp.where(both, bits, jnp.where(agree, 0.0, 1.0)).mean(0)
            return Evidence(misfit=misfit.astype(jnp.float32), offset=offset.astype(jnp.int32))

        return jax.lax.map(one, (target, scaled))


def task_loss(logits: Slots, seen: Evidence, tau: jax.Array | float) -> jax.Array:
    """Negative log likelihood of one task's examples and offset under one head's logits."""
    scores = jnp.zeros(1)
    for name in SLOTS:
        slot = jax.nn.log_softmax(getattr(logits, name))
        scores = (scores[:, None] + slot).reshape(-1)
    posterior = scores - seen.misfit / tau
    best = seen.offset[jnp.argmax(posterior)]
    bits = (best >> jnp.arange(OFFSET_BITS)) & 1
    offset = optax.sigmoid_binary_cross_entropy(logits.offset, bits.astype(jnp.float32)).sum()
    return offset - jax.nn.logsumexp(posterior)


def new_heads(count: int, width: int, key: jax.Array, features: int | None = None) -> nnx.Module:
    """`count` independent heads as one module whose parameters have a leading axis."""

    @nnx.vmap(in_axes=0, out_axes=0)
    def make(k: jax.Array) -> ArrayThoughtHead:
        return ArrayThoughtHead(width, features=features, rngs=nnx.Rngs(k))

    return make(jax.random.split(key, count))


def logits_of(head: Any, hidden: jax.Array, *, stacked: bool = False) -> Slots:
    """Logits of one head for hidden states `[tasks, width]`, or of stacked heads for one each."""
    if not stacked:
        return head(hidden)
    return nnx.vmap(lambda h, v: h(v), in_axes=(0, 0))(head, hidden)


def train(
    head: Any,
    hidden: Any,
    seen: list[Evidence],
    schedule: Schedule | None = None,
    *,
    stacked: bool = False,
) -> jax.Array:
    """Train in place; the steps are divided evenly among the batches of evidence.

    Args:
      head: one head, or stacked ones from `new_heads`.
      hidden: `f32[tasks, width]`; one row for each head if stacked.
      seen: batches of evidence about these tasks, from different arrays.
      schedule: steps and annealing.
      stacked: whether `head` has a leading axis.

    Returns:
      `f32[steps]`, mean loss before each step.

    Raises:
      HiddenStateError: hidden states of another width or not finite.
    """
    schedule = schedule or Schedule()
    states = jnp.asarray(check_hidden(hidden, head.width))
    graph, parameters, rest = nnx.split(head, nnx.Param, ...)
    optimiser = optax.adam(optax.cosine_decay_schedule(schedule.learning_rate, schedule.steps))

    def loss(p: Any, batch: Evidence, tau: jax.Array) -> jax.Array:
        logits = logits_of(nnx.merge(graph, p, rest), states, stacked=stacked)
        return jax.vmap(task_loss, (0, 0, None))(logits, batch, tau).sum()

    def step(carry: tuple, i: jax.Array, batch: Evidence) -> tuple[tuple, jax.Array]:
        p, opt = carry
        tau = schedule.first * (schedule.last / schedule.first) ** (i / schedule.steps)
        value, gradient = jax.value_and_grad(loss)(p, batch, tau)
        updates, opt = optimiser.update(gradient, opt, p)
        return (optax.apply_updates(p, updates), opt), value / len(states)

    @jax.jit
    def some(carry: tuple, steps: jax.Array, batch: Evidence) -> tuple[tuple, jax.Array]:
        return jax.lax.scan(lambda c, i: step(c, i, batch), carry, steps)

    carry, losses = (parameters, optimiser.init(parameters)), []
    for steps, batch in zip(
        jnp.array_split(jnp.arange(schedule.steps), len(seen)), seen, strict=True
    ):
        carry, values = some(carry, steps, batch)
        losses.append(values)
    nnx.update(head, carry[0])
    return jnp.concatenate(losses)
