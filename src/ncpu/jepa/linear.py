"""The linear baseline: ridge regression from an instruction and its operands to its results."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from ncpu.jepa.action import action
from ncpu.jepa.faults import Observed
from ncpu.jepa.probe import Scores, scores
from ncpu.jepa.train import written_words
from ncpu.jepa.transition import Transition, Written, apply
from ncpu.jepa.view import PC, REGISTERS, WORDS, View, from_bits, to_bits

_RIDGE = 1e-2


def _inputs(batch: Transition) -> np.ndarray:
    act = action(batch.packed, batch.bus)
    full = jnp.pad(jnp.asarray(batch.before.words), ((0, 0), (0, 1), (0, 0)))
    read = jnp.take_along_axis(full, act.reads[..., None], axis=1)
    words = jnp.concatenate([read, act.words, full[:, PC : PC + 2]], axis=1)
    bits = to_bits(words).reshape(len(words), -1)
    one = jnp.ones((len(words), 1))
    return np.asarray(jnp.concatenate([bits, act.features, one], axis=1), np.float64)


class Linear:
    """As much as is linear in bits, with the same wiring of operands as the model."""

    def __init__(self, training: Transition) -> None:
        """Fitted on valid transitions of shape `[n]`."""
        inputs = _inputs(training)
        target = np.asarray(to_bits(written_words(training)), np.float64)
        gram = inputs.T @ inputs + _RIDGE * len(inputs) * np.eye(inputs.shape[1])
        self.weights = np.linalg.solve(gram, inputs.T @ target.reshape(len(inputs), -1))

    def residual(self, seen: Observed) -> np.ndarray:
        """How far each transition is from what is predicted: the largest error of a bit."""
        found = (_inputs(seen.shown) @ self.weights).reshape(-1, 5, 64)
        rows = np.asarray(seen.shown.written.rows).astype(int)
        rows = np.where(rows < REGISTERS, rows, WORDS)  # others are outside the view
        before, after = (np.asarray(x) for x in (seen.shown.before.words, seen.after.words))
        at = np.arange(len(rows))[:, None]
        places = np.concatenate([rows, np.tile([PC, PC + 1], (len(rows), 1))], axis=1)
        inside = places < WORDS
        got = np.asarray(to_bits(jnp.asarray(after[at, np.where(inside, places, 0)])))
        error = (np.abs(found - got).max(-1) * inside).max(1)
        # Words that the instruction does not name stay as they are.
        untouched = np.ones((len(rows), WORDS), bool)
        untouched[at, np.where(inside, places, PC)] = False
        moved = ((before != after).any(2) & untouched).any(1)
        return np.where(moved, np.inf, error)

    def score(self, test: Transition) -> Scores:
        """Its scores one instruction ahead."""
        found = _inputs(test) @ self.weights > 0.5
        words = from_bits(jnp.asarray(found.reshape(len(found), 5, 64)))
        written = Written(
            rows=jnp.asarray(test.written.rows),
            values=words[:, :3],
            pc=words[:, 3],
            nzcv=words[:, 4, 0] & 15,
        )
        before = View(words=jnp.asarray(test.before.words))
        bits = [before.words, test.after.words, apply(before, written).words]
        return scores(*(np.asarray(to_bits(x)) == 1 for x in bits))
