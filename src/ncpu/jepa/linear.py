"""The linear baseline: ridge regression from an instruction and its operands to its results."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from ncpu.jepa.action import action
from ncpu.jepa.evaluate import Scores, scores
from ncpu.jepa.train import written_words
from ncpu.jepa.transition import Transition, Written, apply
from ncpu.jepa.view import PC, View, from_bits, to_bits

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
