"""From a folder of programs to trained models and the tables about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ncpu.jepa import anomaly, evaluate
from ncpu.jepa.anomaly import Anomaly
from ncpu.jepa.errors import TraceError
from ncpu.jepa.linear import Linear
from ncpu.jepa.model import JEWorldModel
from ncpu.jepa.ngram import Ngram
from ncpu.jepa.probe import Scores
from ncpu.jepa.programs import Traced, compile_c, split, together, trace_binary, trace_corpus
from ncpu.jepa.transition import Transition, take
from ncpu.machine.errors import NcpuError

TRAIN_LIMIT = 2_000  # transitions of one program, so that no long loop outweighs the others
TEST_LIMIT = 120
CALIBRATION = 8_192  # clean transitions that thresholds come from


def folder() -> Path:
    """The programs of the repository.

    Raises:
      TraceError: ncpu was installed without them.
    """
    found = Path(__file__).parents[3] / "programs"
    if not found.is_dir():
        raise TraceError("the repository's programs are not here: give a folder with --programs")
    return found


def gather(
    where: Path, binaries: int = 32, report: Callable[[str], None] = lambda line: None
) -> list[Traced]:
    """The programs of a folder: `corpus/*.s`, `corpus/*.toy`, and compiled `*.c`.

    Args:
      where: the folder.
      binaries: how many of the C programs, spread evenly over their names.
      report: told of each C program that is left out, and why.
    """
    programs = trace_corpus(where / "corpus")
    sources = sorted(where.glob("*.c"))
    chosen = np.unique(np.linspace(0, len(sources) - 1, min(binaries, len(sources))).astype(int))
    for source in [sources[k] for k in chosen]:
        try:
            programs.append(trace_binary(f"{source.stem}.c", compile_c(source)))
        except NcpuError as error:
            report(f"without {source.name}: {error}")
    return programs


class Study:
    """Programs split into those to train on and held-out ones, and what is measured on these."""

    def __init__(self, programs: list[Traced]) -> None:
        """Splits `programs` by name."""
        self.train, self.test = split(programs)
        self.pool = together(self.train, TRAIN_LIMIT)
        self.held = self._interleaved()
        self.fitted = Linear(self.pool)
        self.linear = self.fitted.score(self.held)

    def _interleaved(self) -> Transition:
        """Held-out transitions in an order that mixes the programs."""
        held = together(self.test, TEST_LIMIT)
        return take(held, np.random.default_rng(0).permutation(len(held.valid)))

    def describe(self) -> dict[str, Any]:
        """What there is, and how much of it the model covers."""
        ran = sum(int(p.ticks.valid.size) for p in self.train + self.test)
        return {
            "train_programs": sorted(p.name for p in self.train),
            "test_programs": sorted(p.name for p in self.test),
            "train_transitions": len(self.pool.valid),
            "test_transitions": len(self.held.valid),
            "valid_ticks": sum(int(p.ticks.valid.sum()) for p in self.train + self.test),
            "recorded_ticks": ran,
        }

    def monitor(self, model: JEWorldModel, *, sees_memory: bool = True) -> Anomaly:
        """An anomaly monitor calibrated on programs that were trained on."""
        some = np.linspace(0, len(self.pool.valid) - 1, CALIBRATION).astype(int)
        return Anomaly.calibrated(model, take(self.pool, some), sees_memory=sees_memory)

    def faults(self, model: JEWorldModel, monitor: Anomaly) -> dict[str, Any]:
        """How well every fault is found on held-out programs, by the model and baselines."""
        blind = self.monitor(model, sees_memory=False)
        table = anomaly.table(monitor, blind, self.fitted, self.held)
        for name, value in Ngram(self.train).table(self.train, self.test).items():
            table.setdefault(name, {})["ngram"] = value
        return _plain(table)

    def panel(self, model: JEWorldModel, *, stretches: int = 256, ranked: int = 512) -> dict:
        """Every figure of the panel about `model`, as plain numbers."""
        evaluator = evaluate.Evaluator(model, self.pool)
        forward = evaluate.one_step(evaluator, self.held)
        control = evaluate.one_step(evaluator, self.held, control=True)
        ticks = evaluate.sequences(self.test, evaluate.HORIZONS[-1], stretches)
        rolled = evaluate.rollout(evaluator, ticks)
        return _plain(
            {
                "rank": evaluate.rank(evaluator, self.held, count=ranked),
                "one_step": forward,
                "shuffled": control,
                "linear": self.linear,
                "rollout": {str(k): row for k, row in rolled.items()},
                "stretches": len(ticks.valid),
                "collapse": evaluate.collapse(evaluator, self.held),
            }
        )


def _plain(value: Any) -> Any:
    """Scores and NumPy numbers as what JSON holds."""
    if isinstance(value, Scores):
        return {name: round(x, 5) for name, x in asdict(value).items()}
    if isinstance(value, dict):
        return {name: _plain(x) for name, x in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(x) for x in value]
    return round(float(value), 5) if isinstance(value, float | np.floating) else value
