"""Training: predict the latents of what each instruction writes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from ncpu.jepa.action import NONE, action
from ncpu.jepa.errors import TraceError
from ncpu.jepa.model import Config, JEWorldModel
from ncpu.jepa.predictor import FLAG_BITS
from ncpu.jepa.programs import Random
from ncpu.jepa.regularize import sigreg, vicreg
from ncpu.jepa.transition import Transition, take
from ncpu.jepa.view import to_bits
from ncpu.machine.instr import Unit

Target = Literal["vicreg", "sigreg", "ema", "none"]
_SMOOTH = 1e-4  # under the root of a word's error
_WARM = 100
_FEW = 32  # transitions of a batch that the guard and the inverse head look at
# No carry scan computes these: what they get wrong should not move what others need.
_BEYOND = (Unit.CRC, Unit.BITS)
UNIT_WEIGHTS = np.array([0.1 if u in _BEYOND else 1.0 for u in Unit], np.float32)
OPTIMIZER = optax.chain(
    optax.clip_by_global_norm(1.0), optax.scale_by_adam(b2=0.99), optax.add_decayed_weights(1e-4)
)
TARGETS: tuple[str, ...] = get_args(Target)


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
      target: what keeps the latents apart: "vicreg", "sigreg", "ema" (targets from a moving
        average of the encoder, no gradient into them) or "none" (the collapse control).
      weight: of the variance and covariance terms, or of SIGReg.
      inverse: share of inverse dynamics' gradient that reaches the encoder; at 0 its head
        only reads.
      decay: of the moving average.
      steps, batch, rate: of AdamW; see `rates`.
      chunk: steps for which transitions are drawn at once.
      real: share of a batch from programs; the rest is drawn anew from the table.
      seed: of weights and data.
    """

    target: Target = "vicreg"
    weight: float = 1.0
    inverse: float = 0.0
    decay: float = 0.99
    steps: int = 12000
    batch: int = 128
    rate: float = 4e-4
    chunk: int = 50
    real: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise ValueError(f"target {self.target!r} is none of {', '.join(TARGETS)}")
        if self.steps < 1 or self.batch < 2 or self.chunk < 1 or not 0 <= self.real <= 1:
            raise ValueError("steps and chunk must be positive, batch at least 2, real in 0..1")

    def as_dict(self) -> dict[str, Any]:
        """For a manifest."""
        return asdict(self)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Scale:
    """The numbers of a recipe that a step reads, as data: see `Recipe`.

    Attributes:
      guard: weight of the regulariser.
      inverse: share of the inverse head's gradient that reaches the encoder.
      decay: of the moving average.
    """

    guard: Any
    inverse: Any
    decay: Any


@dataclass(frozen=True)
class Progress:
    """Where training is.

    Attributes:
      step: gradient steps done.
      loss: mean error of the predicted latents over the last chunk.
      spread: standard deviation of the encoder's latents.
      inverse: share of units that the inverse head names rightly.
      seconds: since training began.
    """

    step: int
    loss: float
    spread: float
    inverse: float
    seconds: float


def word_errors(predicted: jax.Array, target: jax.Array) -> jax.Array:
    """Squared error of each written word's latents, `f32[n, 5]`.

    Of the flags' word only the positions that a flag reaches are looked at.
    """
    error = jnp.mean((predicted - target) ** 2, axis=-1)
    return jnp.concatenate([error[:, :4].mean(-1), error[:, 4:, :FLAG_BITS].mean(-1)], axis=1)


def written_words(batch: Transition) -> jax.Array:
    """What an instruction writes: result, second result, base, pc, flags: `u32[n, 5, 2]`."""
    nzcv = jnp.stack([batch.written.nzcv, jnp.zeros_like(batch.written.nzcv)], axis=-1)
    tail = jnp.stack([batch.written.pc, nzcv], axis=1)
    return jnp.concatenate([batch.written.values, tail], axis=1)


def _loss(
    model: JEWorldModel, average: Any, batch: Transition, key: jax.Array, kind: str, scale: Scale
) -> tuple[jax.Array, dict[str, jax.Array]]:
    act = action(batch.packed, batch.bus)
    tokens = model.operands_of(batch.before.words, act)
    predicted = model.outputs(tokens, act)
    bits = to_bits(written_words(batch))
    target = model.encoder(bits)
    aim = target
    if kind == "ema":
        aim = jax.lax.stop_gradient(nnx.merge(nnx.graphdef(model.encoder), average)(bits))
    valid = batch.valid.astype(jnp.float32)
    unit = (batch.packed[:, 0] & 0x7F).astype(jnp.int32)
    active = jnp.concatenate([act.writes < NONE, jnp.ones((len(valid), 2), bool)], axis=1)
    weight = active * (valid * jnp.asarray(UNIT_WEIGHTS)[unit])[:, None]
    errors = word_errors(predicted, aim)
    # The root: a word that is nearly right pulls as much as one that no scan can compute.
    error = jnp.sum(jnp.sqrt(errors + _SMOOTH) * weight) / jnp.sum(weight)
    few = min(len(valid), _FEW)
    # Words that carry something: operands and results, neither flags nor absent ones.
    seen = [tokens[name][:few] for name in ("a", "b", "c", "pc")]
    seen += [target[:few, k] for k in (0, 3)]
    flat = jnp.concatenate([x.reshape(-1, x.shape[-1]) for x in seen])
    guard = jnp.zeros(())
    if kind == "vicreg":
        variance, covariance = vicreg(flat)
        guard = scale.guard * (variance + 0.1 * covariance)
    elif kind == "sigreg":
        guard = scale.guard * sigreg(flat, key)
    operands = jnp.stack([tokens[name][:few] for name in "abc"], axis=1)
    logits = model.inverse(_passing(operands, scale.inverse), _passing(target[:few], scale.inverse))
    named = optax.softmax_cross_entropy_with_integer_labels(logits, unit[:few])
    share = valid[:few] / jnp.sum(valid[:few])
    hit = jnp.sum((jnp.argmax(logits, -1) == unit[:few]) * share)
    mean = jnp.sum(errors * weight) / jnp.sum(weight)
    said = {"loss": mean, "spread": jnp.std(flat, axis=0).mean(), "inverse": hit}
    return error + guard + jnp.sum(named * share), said


def _passing(x: jax.Array, share: jax.Array) -> jax.Array:
    """`x`, with only a share of the gradient going further back."""
    return share * x + jax.lax.stop_gradient((1 - share) * x)


@partial(jax.jit, static_argnames=("graph", "kind"), donate_argnames=("carry",))
def _train_chunk(
    graph: Any,
    carry: tuple,
    batches: Transition,
    keys: jax.Array,
    rates: jax.Array,
    kind: str,
    scale: Scale,
) -> tuple[tuple, dict[str, jax.Array]]:
    """One gradient step for each batch.  Only the kind of target is compiled in, so that
    every weight and rate of a sweep shares a program."""

    def step(carry: tuple, given: tuple) -> tuple[tuple, dict[str, jax.Array]]:
        params, average, state = carry
        batch, key, rate = given

        def loss(params: Any) -> tuple[jax.Array, dict[str, jax.Array]]:
            return _loss(nnx.merge(graph, params), average, batch, key, kind, scale)

        gradient, said = jax.grad(loss, has_aux=True)(params)
        updates, state = OPTIMIZER.update(gradient, state, params)
        updates = jax.tree.map(lambda x: -rate * x, updates)
        params: Any = optax.apply_updates(params, updates)
        average = optax.incremental_update(params["encoder"], average, 1 - scale.decay)
        return (params, average, state), said

    return jax.lax.scan(step, carry, (batches, keys, rates))


def rates(recipe: Recipe) -> np.ndarray:
    """The rate of every step: up in 100 steps, then level, down to nothing in the last 30 %."""
    step = np.arange(1, recipe.steps + 1)
    shape = np.minimum(step / _WARM, (recipe.steps + 1 - step) / (0.3 * recipe.steps + 1))
    return (recipe.rate * np.minimum(shape, 1.0)).astype(np.float32)


class Stream:
    """Batches without end: transitions of programs, and new ones from the table."""

    def __init__(self, pool: Transition | None, recipe: Recipe) -> None:
        """`pool` may be None if the recipe takes nothing from programs.

        Raises:
          TraceError: no transitions in the pool.
        """
        self.count = recipe.chunk * recipe.batch
        self.real = int(self.count * recipe.real)
        if self.real and (pool is None or not len(pool.valid)):
            raise TraceError("training on programs needs at least one transition of one")
        self.pool, self.recipe = pool, recipe
        self.random = Random(recipe.seed) if self.real < self.count else None
        self.rng = np.random.default_rng([recipe.seed, 1])

    def chunk(self) -> Transition:
        """Transitions of shape `[chunk, batch]`."""
        parts = []
        if self.random is not None:
            parts.append(self.random.draw(self.count - self.real))
        if self.real:
            index = self.rng.integers(0, len(self.pool.valid), self.real)  # pyright: ignore
            parts.append(take(self.pool, index))
        order = self.rng.permutation(self.count)
        shape = (self.recipe.chunk, self.recipe.batch)
        return jax.tree.map(
            lambda *x: np.concatenate(x)[order].reshape(*shape, *x[0].shape[1:]), *parts
        )


def train(
    pool: Transition | None,
    recipe: Recipe | None = None,
    config: Config | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
) -> JEWorldModel:
    """A model trained from random weights.

    Args:
      pool: transitions of programs to train on.
      recipe: how.
      config: the model's sizes.
      report: called after each chunk.

    Returns:
      The model.
    """
    recipe = recipe or Recipe()
    recipe = replace(recipe, chunk=min(recipe.chunk, recipe.steps))
    model = JEWorldModel(config, seed=recipe.seed)
    graph, params = nnx.split(model)
    recipe = replace(recipe, steps=-(-recipe.steps // recipe.chunk) * recipe.chunk)
    scale = Scale(guard=recipe.weight, inverse=recipe.inverse, decay=recipe.decay)
    rate = rates(recipe)
    average = jax.tree.map(jnp.copy, params["encoder"])
    carry = (params, average, OPTIMIZER.init(params))
    stream = Stream(pool, recipe)
    key = jax.random.key(recipe.seed)
    started = time.perf_counter()
    for done in range(0, recipe.steps, recipe.chunk):
        keys = jax.random.split(jax.random.fold_in(key, done), recipe.chunk)
        now = rate[done : done + recipe.chunk]
        carry, said = _train_chunk(
            graph, carry, stream.chunk(), keys, now, kind=recipe.target, scale=scale
        )
        mean = {name: float(np.mean(value)) for name, value in said.items()}
        report(Progress(done + recipe.chunk, seconds=time.perf_counter() - started, **mean))
    return nnx.merge(graph, carry[0])
