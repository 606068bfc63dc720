"""The third level: one latent for a whole state, predicted k instructions ahead in one step.

It stands on the instruction level: a state's latents are pooled to one vector, a stretch of
instructions to another, and a network predicts the vector k instructions later.  VICReg
keeps the vectors apart, as one level below.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from ncpu.jepa.action import FEATURES, NONE, Action, action
from ncpu.jepa.layers import linear
from ncpu.jepa.model import JEWorldModel
from ncpu.jepa.predictor import Decision
from ncpu.jepa.regularize import vicreg
from ncpu.jepa.transition import Transition, take
from ncpu.jepa.view import BITS, WORDS, View

CANDIDATES = 16
_POOLED = 8  # numbers of a word


class BlockModel(nnx.Module):
    """States and stretches of instructions as vectors.

    Args:
      base: the trained instruction level; it is only read.
      width: of a vector.
      seed: of the random weights.
    """

    def __init__(self, base: JEWorldModel, width: int = 96, *, seed: int = 0) -> None:
        """New and untrained."""
        rngs = nnx.Rngs(seed)
        self.width = width
        each = FEATURES + 2 * (NONE + 1)
        self.pool = linear(BITS * base.config.latent, _POOLED * 2, rngs=rngs)
        self.join = Decision(WORDS * _POOLED * 2, 2 * width, width, rngs=rngs)
        self.read = linear(each, width, rngs=rngs)
        self.recur = nnx.GRUCell(width, width, rngs=rngs)
        self.predict = Decision(2 * width, 4 * width, width, rngs=rngs)

    def encode(self, latents: jax.Array) -> jax.Array:
        """Latents of states, `f32[n, 34, 64, d]`, as `f32[n, w]`."""
        words = jax.nn.relu(self.pool(latents.reshape(*latents.shape[:2], -1)))
        return self.join(words.reshape(len(words), -1))

    def summary(self, acts: Action) -> jax.Array:
        """Stretches of k actions, leaves `[n, k, ...]`, as `f32[n, w]`."""
        rows = [jax.nn.one_hot(x[..., 0], NONE + 1) for x in (acts.reads, acts.writes)]
        given = jax.nn.relu(self.read(jnp.concatenate([acts.features, *rows], axis=-1)))

        def step(carry: jax.Array, x: jax.Array) -> tuple[jax.Array, None]:
            return self.recur(carry, x)[0], None

        start = jnp.zeros((len(given), self.width))
        return jax.lax.scan(step, start, given.swapaxes(0, 1))[0]

    def ahead(self, state: jax.Array, acts: Action) -> jax.Array:
        """The vector after a stretch, from the one before it: a change that is added."""
        return state + self.predict(jnp.concatenate([state, self.summary(acts)], axis=-1))


@dataclass(frozen=True)
class BlockRecipe:
    """How to train: `steps` of `batch` stretches at `rate`, VICReg's terms by `weight`."""

    steps: int = 400
    batch: int = 64
    rate: float = 2e-3
    weight: float = 1.0
    seed: int = 0


@partial(jax.jit, static_argnames=("base_graph",))
def _latents(base_graph: Any, base: Any, words: jax.Array) -> jax.Array:
    return nnx.merge(base_graph, base).encode_state(View(words=words))


@partial(jax.jit, static_argnames=("graph", "optimizer"))
def _step(
    graph: Any, params: Any, state: Any, given: tuple, weight: jax.Array, optimizer: Any
) -> tuple[Any, Any, jax.Array]:
    here, there, acts = given

    def loss(params: Any) -> tuple[jax.Array, jax.Array]:
        model: BlockModel = nnx.merge(graph, params)
        before, after = model.encode(here), model.encode(there)
        error = jnp.mean((model.ahead(before, acts) - after) ** 2)
        variance, covariance = vicreg(jnp.concatenate([before, after]))
        return error + weight * (variance + 0.04 * covariance), error

    gradient, error = jax.grad(loss, has_aux=True)(params)
    updates, state = optimizer.update(gradient, state, params)
    return optax.apply_updates(params, updates), state, error


def _given(base: JEWorldModel, stretches: Transition, index: np.ndarray) -> tuple:
    """Latents before and after, and the actions between, of some stretches."""
    graph, params = nnx.split(base)
    some = take(stretches, index)
    here = _latents(graph, params, some.before.words[:, 0])
    there = _latents(graph, params, np.asarray(some.after.words[:, -1]))
    return here, there, _actions(some.packed, some.bus)


_actions = jax.jit(action)


def train_blocks(
    base: JEWorldModel, stretches: Transition, recipe: BlockRecipe | None = None
) -> BlockModel:
    """A block level trained on stretches of transitions, leaves `[n, k, ...]`."""
    recipe = recipe or BlockRecipe()
    model = BlockModel(base, seed=recipe.seed)
    graph, params = nnx.split(model)
    schedule = optax.cosine_decay_schedule(recipe.rate, recipe.steps)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule))
    state = optimizer.init(params)
    rng = np.random.default_rng(recipe.seed)
    weight = jnp.float32(recipe.weight)
    for _ in range(recipe.steps):
        index = rng.integers(0, len(stretches.valid), recipe.batch)
        given = _given(base, stretches, index)
        params, state, _ = _step(graph, params, state, given, weight, optimizer)
    return nnx.merge(graph, params)


@partial(jax.jit, static_argnames=("graph",))
def _vectors(graph: Any, params: Any, here: jax.Array, there: jax.Array, acts: Action) -> tuple:
    model: BlockModel = nnx.merge(graph, params)
    before = model.encode(here)
    return before, model.encode(there), model.ahead(before, acts)


@partial(jax.jit, static_argnames=("graph", "base_graph"))
def _rolled(
    base_graph: Any, base: Any, graph: Any, params: Any, z: jax.Array, acts: Action
) -> jax.Array:
    lower: JEWorldModel = nnx.merge(base_graph, base)

    def step(z: jax.Array, act: Action) -> tuple[jax.Array, None]:
        return lower.placed(z, lower.outputs(lower.operands(z, act), act), act), None

    z, _ = jax.lax.scan(step, z, jax.tree.map(lambda x: x.swapaxes(0, 1), acts))
    return nnx.merge(graph, params).encode(z)


def panel(
    base: JEWorldModel, model: BlockModel, test: Transition, *, batch: int = 64, seed: int = 0
) -> dict[str, float]:
    """What one jump over k instructions is worth, on held-out stretches `[n, k]`.

    Returns:
      "rank", "copy_rank", "shuffled_rank", "rolled_rank", "equal_rank": how often the true
      vector is the nearest of 16 (the others are ends of other stretches) to the
      prediction, to the vector before, to the prediction with other stretches' instructions,
      to the instruction level rolled out k steps, and rolled out only as many steps as cost
      no more than the jump; "equal_steps"; "error" and "copy_error" over the variance;
      "rank_effective", "spread"; "jump_ms" and "rolled_ms" of process time a stretch.
    """
    rng = np.random.default_rng(seed)
    graph, params = nnx.split(model)
    base_graph, lower = nnx.split(base)
    count, k = len(test.valid) // batch * batch, test.valid.shape[1]
    names = ("before", "after", "ahead", "shuffled", "rolled", "equal")
    kept: dict[str, list] = {name: [] for name in names}
    parts = [_given(base, test, np.arange(s, s + batch)) for s in range(0, count, batch)]
    jump = _cost(lambda: _vectors(graph, params, *parts[0])[2]) / batch
    whole = _cost(lambda: _rolled(base_graph, lower, graph, params, parts[0][0], parts[0][2]))
    steps = max(1, int(k * jump * batch / whole))
    for here, there, acts in parts:
        before, after, ahead = _vectors(graph, params, here, there, acts)
        other = take(acts, rng.permutation(batch))
        few = jax.tree.map(lambda x: x[:, :steps], acts)
        kept["before"].append(before)
        kept["after"].append(after)
        kept["ahead"].append(ahead)
        kept["shuffled"].append(_vectors(graph, params, here, there, other)[2])
        kept["rolled"].append(_rolled(base_graph, lower, graph, params, here, acts))
        kept["equal"].append(_rolled(base_graph, lower, graph, params, here, few))
    v = {name: np.concatenate([np.asarray(x) for x in rows]) for name, rows in kept.items()}
    others = rng.integers(1, count, (count, CANDIDATES - 1))
    others = (np.arange(count)[:, None] + others) % count
    variance = v["after"].var(0).mean()
    spectrum = np.clip(np.linalg.eigvalsh(np.cov(v["after"].T)), 1e-12, None)
    share = spectrum / spectrum.sum()
    first = {name: _first(v[name], v["after"], others) for name in names if name != "after"}
    return {
        "rank": first["ahead"],
        "copy_rank": first["before"],
        "shuffled_rank": first["shuffled"],
        "rolled_rank": first["rolled"],
        "equal_rank": first["equal"],
        "equal_steps": steps,
        "error": float(((v["ahead"] - v["after"]) ** 2).mean() / variance),
        "copy_error": float(((v["before"] - v["after"]) ** 2).mean() / variance),
        "rank_effective": float(np.exp(-(share * np.log(share)).sum())),
        "spread": float(v["after"].std(0).min()),
        "jump_ms": 1e3 * jump,
        "rolled_ms": 1e3 * whole / batch,
        "stretches": count,
    }


def _first(guess: np.ndarray, truth: np.ndarray, others: np.ndarray) -> float:
    own = ((guess - truth) ** 2).sum(1)
    rest = ((guess[:, None] - truth[others]) ** 2).sum(2)
    same = (truth[others] == truth[:, None]).all(2)
    return float(((rest > own[:, None]) | same).all(1).mean())


def _cost(work: Any) -> float:
    """Seconds of process time, compiled."""
    jax.block_until_ready(work())
    before = time.process_time()
    for _ in range(3):
        jax.block_until_ready(work())
    return (time.process_time() - before) / 3
