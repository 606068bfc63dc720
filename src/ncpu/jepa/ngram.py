"""The opcode baseline: how rare a unit is after the one before it."""

from __future__ import annotations

import numpy as np

from ncpu.jepa.anomaly import auroc
from ncpu.jepa.programs import Traced
from ncpu.machine.instr import Unit, field


def _pairs(programs: list[Traced], gap: int = 1) -> np.ndarray:
    """Units of valid ticks and of those `gap` later, `[n, 2]`."""
    found = []
    for program in programs:
        units = np.asarray(field(program.ticks.packed, "unit"))
        both = program.ticks.valid[:, gap:] & program.ticks.valid[:, :-gap]
        found.append(np.stack([units[:, :-gap][both], units[:, gap:][both]], axis=1))
    return np.concatenate(found)


class Ngram:
    """Surprise at a unit after another, counted in the training programs."""

    def __init__(self, programs: list[Traced]) -> None:
        """Counts pairs, with one added to each."""
        counts = np.ones((len(Unit), len(Unit)))
        first, second = _pairs(programs).T
        np.add.at(counts, (first, second), 1)
        self.surprise = -np.log(counts / counts.sum(1, keepdims=True))

    def score(self, pairs: np.ndarray) -> np.ndarray:
        """Surprise at each pair, `f64[n]`."""
        return self.surprise[pairs[:, 0], pairs[:, 1]]

    def table(
        self, train: list[Traced], test: list[Traced], *, window: int = 64, seed: int = 0
    ) -> dict[str, float]:
        """AUROC on held-out programs, for the faults that change which instructions run.

        "foreign program" is another question: whether `window` pairs in a row are those of
        a held-out program rather than of one it was counted on.
        """
        rng = np.random.default_rng(seed)
        pairs, over = _pairs(test), _pairs(test, gap=2)
        replaced = np.stack([pairs[:, 0], rng.permutation(pairs[:, 1])], axis=1)
        replaced = replaced[(replaced != pairs).any(1)]
        jumps = pairs[pairs[:, 0] == Unit.BRANCH_REG]
        landed = np.stack([jumps[:, 0], rng.choice(pairs[:, 1], len(jumps))], axis=1)
        calm = self.score(pairs)
        known, new = (self._windows(_pairs(x), window) for x in (train, test))
        return {
            "skipped instruction": auroc(calm, self.score(over)),
            "replaced instruction": auroc(calm, self.score(replaced)),
            "hijacked return": auroc(self.score(jumps), self.score(landed)),
            "foreign program": auroc(known, new),
        }

    def _windows(self, pairs: np.ndarray, window: int) -> np.ndarray:
        scores = self.score(pairs)
        return scores[: len(scores) // window * window].reshape(-1, window).mean(1)
