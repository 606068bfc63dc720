"""The panel: what is known of a model on programs it has not seen, beside its baselines.

Section by section: rank of the true successor among 16, latent error, what a linear probe
reads from true and from predicted latents, rollouts, and signs of collapse.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from ncpu.jepa.action import Action, action
from ncpu.jepa.errors import TraceError
from ncpu.jepa.model import JEWorldModel
from ncpu.jepa.probe import Scores, fit_probe, scores
from ncpu.jepa.programs import Traced
from ncpu.jepa.transition import Transition, take, transitions
from ncpu.jepa.view import NZCV, PC, WORDS, View, to_bits
from ncpu.machine.instr import Unit, field

CANDIDATES = 16
HORIZONS = (1, 2, 4, 8, 16, 32, 64)
_BATCH = 64  # views evaluated at once: a latent of all 34 words is 9,000 numbers


class Evaluator:
    """A model with its probe and jitted forms of what the panel asks of it."""

    def __init__(self, model: JEWorldModel, training: Transition) -> None:
        """`training`: transitions of the programs it was trained on, for the probe."""
        graph, params = nnx.split(model)
        self.model = model
        some = np.linspace(0, len(training.valid) - 1, 512).astype(int)
        self.probe = fit_probe(model, View(words=training.before.words[some]))

        @jax.jit
        def forward(words: jax.Array, act: Action) -> tuple[jax.Array, jax.Array]:
            live: JEWorldModel = nnx.merge(graph, params)
            z = live.encode_state(View(words=words))
            return z, live.predict_next_latent(z, act)

        @jax.jit
        def onward(z: jax.Array, act: Action) -> jax.Array:
            return nnx.merge(graph, params).predict_next_latent(z, act)

        self.forward, self.onward = forward, onward
        self.encode = jax.jit(lambda words: nnx.merge(graph, params).encoder(to_bits(words)))

    def read(self, latent: jax.Array) -> np.ndarray:
        """Bits `bool[n, 34, 64]` that the probe reads; flags are the lowest four."""
        bits = np.array(self.probe(latent))
        bits[..., NZCV, 4:] = False
        return bits


def _batches(count: int) -> list[np.ndarray]:
    """Whole batches only, so that each function compiles once.

    Raises:
      TraceError: not even one batch.
    """
    if count < _BATCH:
        raise TraceError(f"{count} transitions: the panel needs at least {_BATCH}")
    return [np.arange(k, k + _BATCH) for k in range(0, count - _BATCH + 1, _BATCH)]


def shuffled(batch: Transition, rng: np.random.Generator) -> Transition:
    """The same views under instructions of other transitions: the control."""
    order = rng.permutation(len(batch.valid))
    return replace(batch, packed=batch.packed[order], bus=take(batch.bus, order))


def one_step(
    evaluator: Evaluator, test: Transition, control: bool = False, seed: int = 0
) -> dict[str, Any]:
    """What is read one instruction later, on valid transitions of shape `[n]`.

    Args:
      evaluator: the model.
      test: held-out transitions.
      control: give it other transitions' instructions.
      seed: of the control.

    Returns:
      "predicted", "true" and "copy" `Scores`, latent error over variance of the model and
      of copying, and the share of whole views right for each unit.
    """
    given = shuffled(test, np.random.default_rng(seed)) if control else test
    found: dict[str, list] = {"before": [], "after": [], "guess": [], "true": []}
    errors = []
    for index in _batches(len(test.valid)):
        here, acts = take(test, index), take(given, index)
        z, ahead = evaluator.forward(here.before.words, action(acts.packed, acts.bus))
        after = here.after.words
        aim = evaluator.encode(after)
        found["before"].append(np.asarray(to_bits(jnp.asarray(here.before.words))) == 1)
        found["after"].append(np.asarray(to_bits(after)) == 1)
        found["guess"].append(evaluator.read(ahead))
        found["true"].append(evaluator.read(aim))
        errors.append(_latent_errors(z, ahead, aim))
    bits = {name: np.concatenate(parts) for name, parts in found.items()}
    before, after = bits["before"], bits["after"]
    whole = (bits["guess"] == after).all((1, 2))
    units = np.asarray(field(test.packed[: len(whole)], "unit"))
    squared, copied, variance = np.mean(errors, axis=0)
    return {
        "predicted": scores(before, after, bits["guess"]),
        "true": scores(before, after, bits["true"]),
        "copy": scores(before, after, before),
        "latent_error": squared / max(variance, 1e-12),
        "copy_error": copied / max(variance, 1e-12),
        "units": {
            Unit(u).name: (int((units == u).sum()), float(whole[units == u].mean()))
            for u in np.unique(units)
        },
    }


@jax.jit
def _latent_errors(z: jax.Array, ahead: jax.Array, aim: jax.Array) -> jax.Array:
    """Squared error, that of copying, and variance, over the words that change."""
    moved = jnp.any(z != aim, axis=(2, 3), keepdims=True).at[:, NZCV].set(False)
    count = jnp.sum(moved) * z.shape[2]
    mean = jnp.sum(aim * moved, (0, 1, 2)) / count
    terms = ((ahead - aim) ** 2, (z - aim) ** 2, (aim - mean) ** 2)
    return jnp.stack([jnp.sum(term * moved) / count for term in terms])


def rank(evaluator: Evaluator, test: Transition, seed: int = 0, count: int = 512) -> dict[str, Any]:
    """How often the true successor is the nearest of 16 successors of the same view.

    The others are the exact successors under instructions (with what they read) of other
    transitions; one that faults or leads to the same view is no candidate.

    Returns:
      "first" and "copy" (the view itself as prediction): shares in first place; "mean" rank
      (1 is best) and "candidates", how many there were on average.
    """
    rng = np.random.default_rng(seed)
    count = min(count, len(test.valid)) // _BATCH * _BATCH
    chosen = rng.choice(len(test.valid), count, replace=False)
    ranks, copies, sizes = [], [], []
    for index in _batches(count):
        here = take(test, chosen[index])
        others = take(test, rng.integers(0, len(test.valid), (CANDIDATES - 1) * _BATCH))
        words = np.tile(here.before.words, (CANDIDATES - 1, 1, 1))
        made = transitions(View(words=words), others.packed, others.bus)
        shape = (CANDIDATES - 1, _BATCH)
        after = np.asarray(made.after.words).reshape(*shape, WORDS, 2)
        truth = np.asarray(here.after.words)
        fair = np.asarray(made.valid).reshape(shape) & (after != truth).any((2, 3))
        z, ahead = evaluator.forward(here.before.words, action(here.packed, here.bus))
        for into, guess in ((ranks, ahead), (copies, z)):
            own = _distance(guess, evaluator.encode(truth))
            rest = np.stack([_distance(guess, evaluator.encode(x)) for x in after])
            into.append(1 + ((rest <= own) & fair).sum(0))
        sizes.append(1 + fair.sum(0))
    place, copied = np.concatenate(ranks), np.concatenate(copies)
    return {
        "first": float((place == 1).mean()),
        "copy": float((copied == 1).mean()),
        "mean": float(place.mean()),
        "candidates": float(np.concatenate(sizes).mean()),
        "count": count,
    }


def _distance(a: jax.Array, b: jax.Array) -> np.ndarray:
    return np.asarray(jnp.sum((a - b) ** 2, axis=(1, 2, 3)))


def sequences(programs: list[Traced], length: int, limit: int, seed: int = 0) -> Transition:
    """Stretches of `length` valid ticks in a row, `[n, length]`, spread over the programs.

    Raises:
      TraceError: fewer than a batch of them.
    """
    rng = np.random.default_rng(seed)
    found: list[Transition] = []
    each = -(-limit // len(programs))
    for program in programs:
        valid = program.ticks.valid
        total = np.pad(np.cumsum(valid, axis=1), ((0, 0), (1, 0)))
        starts = np.argwhere(total[:, length:] - total[:, :-length] == length)
        for window, start in rng.permutation(starts)[:each]:
            found.append(take(program.ticks, np.s_[window, start : start + length]))
    found = found[: len(found) // _BATCH * _BATCH]
    if not found:
        raise TraceError(f"fewer than {_BATCH} stretches of {length} instructions in a row")
    return jax.tree.map(lambda *leaves: np.stack(leaves), *found)


def rollout(evaluator: Evaluator, ticks: Transition) -> dict[int, dict[str, Scores]]:
    """Predictions fed back, k steps ahead, from stretches `[n, 64]`.

    Returns:
      For each k of `HORIZONS`: "predicted", and "copy" of the view at the start.
    """
    steps = ticks.valid.shape[1]
    bits: dict[int, list[tuple]] = {k: [] for k in HORIZONS if k <= steps}
    for index in _batches(len(ticks.valid)):
        here = take(ticks, index)
        first = here.before.words[:, 0]
        z = evaluator.encode(first)
        start = np.asarray(to_bits(jnp.asarray(first))) == 1
        for k in range(1, steps + 1):
            now = take(here, np.s_[:, k - 1])
            z = evaluator.onward(z, action(now.packed, now.bus))
            if k in bits:
                after = np.asarray(to_bits(now.after.words)) == 1
                bits[k].append((start, after, evaluator.read(z)))
    out = {}
    for k, parts in bits.items():
        start, after, guess = (np.concatenate(x) for x in zip(*parts, strict=True))
        out[k] = {"predicted": scores(start, after, guess), "copy": scores(start, after, start)}
    return out


def collapse(evaluator: Evaluator, test: Transition, seed: int = 0) -> dict[str, float]:
    """Signs of collapse: none of them is enough by itself.

    Returns:
      "rank_bit" and "rank_word": effective ranks (exponential of the eigenvalues' entropy)
      of the latents of bits and of whole changed words; "spread": the smallest standard
      deviation of a dimension; "sensitivity": how far the prediction moves when only the
      instruction changes, over the latents' standard deviation.
    """
    rng = np.random.default_rng(seed)
    words, moves = [], []
    for index in _batches(min(len(test.valid), 16 * _BATCH)):
        here = take(test, index)
        other = shuffled(here, rng)
        _, ahead = evaluator.forward(here.before.words, action(here.packed, here.bus))
        _, else_ = evaluator.forward(here.before.words, action(other.packed, other.bus))
        after = evaluator.encode(here.after.words)
        moved = np.array(jnp.any(jnp.asarray(here.before.words) != here.after.words, -1))
        moved[:, PC:] = False
        words.append(np.asarray(after)[moved])
        differs = (here.packed != other.packed).any(1)
        moves.append(np.asarray(jnp.sqrt(jnp.mean((ahead - else_) ** 2, (1, 2, 3))))[differs])
    held = np.concatenate(words)
    bits = held.reshape(-1, held.shape[-1])
    spread = bits.std(0)
    return {
        "rank_bit": _effective_rank(bits),
        "rank_word": _effective_rank(held.reshape(len(held), -1)),
        "spread": float(spread.min()),
        "sensitivity": float(np.concatenate(moves).mean() / max(float(spread.mean()), 1e-12)),
    }


def _effective_rank(x: np.ndarray) -> float:
    values = np.clip(np.linalg.eigvalsh(np.cov(x.T.astype(np.float64))), 0, None)
    if values.sum() <= 1e-20:
        return 0.0
    share = values[values > 0] / values.sum()
    return float(np.exp(-(share * np.log(share)).sum()))
