"""`Anomaly`: how surprised the model is by a transition, with a calibrated threshold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from ncpu.jepa.action import action
from ncpu.jepa.errors import TraceError
from ncpu.jepa.faults import FAULTS, Observed, clean, inject
from ncpu.jepa.linear import Linear
from ncpu.jepa.model import JEWorldModel
from ncpu.jepa.transition import Transition
from ncpu.jepa.view import Bus, View, to_bits
from ncpu.machine.instr import Unit, field

_BATCH = 64
_LEAST = 16  # clean transitions from which a unit gets a threshold of its own


@partial(jax.jit, static_argnames="graph")
def _surprise(graph: Any, params: Any, before: Any, packed: Any, bus: Bus, after: Any) -> jax.Array:
    """The largest squared error of any bit's latent, for each transition, `f32[n]`."""
    model: JEWorldModel = nnx.merge(graph, params)
    act = action(packed, bus)
    z = model.encode_state(View(words=before))
    ahead = model.placed(z, model.outputs(model.operands(z, act), act), act)
    apart = jnp.sum((ahead - model.encoder(to_bits(after))) ** 2, axis=-1)
    return jnp.max(apart, axis=(1, 2))


@dataclass(frozen=True)
class Anomaly:
    """An online monitor: `score` transitions, alarm where it exceeds 1.

    Attributes:
      model: what predicts.
      thresholds: surprise at which each unit alarms, `f32[units]`.
      rate: share of clean transitions that alarmed when it was calibrated.
      sees_memory: whether it is shown what instructions read from memory.
    """

    model: JEWorldModel
    thresholds: np.ndarray
    rate: float
    sees_memory: bool = True

    @classmethod
    def calibrated(
        cls,
        model: JEWorldModel,
        ticks: Transition,
        rate: float = 0.001,
        *,
        sees_memory: bool = True,
    ) -> Anomaly:
        """A monitor that false-alarms on about `rate` of clean transitions `[n]` of each unit.

        A unit that the model cannot predict gets a threshold so high that little exceeds it:
        the monitor is then blind there rather than loud.

        Raises:
          TraceError: no transitions.
        """
        if not len(ticks.valid):
            raise TraceError("calibration needs clean transitions")
        blind = cls(model, np.ones(len(Unit)), rate, sees_memory)
        found = blind.score(clean(ticks))
        units = np.asarray(field(ticks.packed, "unit"))
        common = np.quantile(found, 1 - rate, method="higher")
        thresholds = np.full(len(Unit), common)
        for unit in np.unique(units):
            own = found[units == unit]
            if len(own) >= _LEAST:
                thresholds[unit] = np.quantile(own, 1 - rate, method="higher")
        return cls(model, np.maximum(thresholds, 1e-6), rate, sees_memory)

    def score(self, seen: Observed) -> np.ndarray:
        """Surprise over threshold of each transition, `f64[n]`; above 1 is an alarm."""
        graph, params = nnx.split(self.model)
        shown, count = seen.shown, len(seen.shown.valid)
        bus = shown.bus.words if self.sees_memory else np.zeros_like(shown.bus.words)
        found = []
        for start in range(0, count, _BATCH):
            # The last batch is filled up, so that one shape is compiled.
            at = np.minimum(np.arange(start, start + _BATCH), count - 1)
            arrays = (shown.before.words[at], shown.packed[at], Bus(words=bus[at]))
            made = _surprise(graph, params, *arrays, seen.after.words[at])
            found.append(np.asarray(made, np.float64)[: count - start])
        units = np.asarray(field(shown.packed, "unit"))
        return np.concatenate(found) / self.thresholds[units]


def auroc(clean_scores: np.ndarray, fault_scores: np.ndarray) -> float:
    """Probability that a fault scores above a clean transition, ties counting half."""
    both = np.concatenate([clean_scores, fault_scores])
    _, inverse, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n = len(fault_scores)
    return float((ranks[len(clean_scores) :].sum() - n * (n + 1) / 2) / (n * len(clean_scores)))


def alarms_at_95(clean_scores: np.ndarray, fault_scores: np.ndarray) -> float:
    """Share of clean transitions that alarm where 95 % of the faults do (FPR@95)."""
    return float((clean_scores >= np.quantile(fault_scores, 0.05)).mean())


def _changed(seen: Observed) -> np.ndarray:
    """Baseline: bits that differ from the view before."""
    apart = np.asarray(seen.shown.before.words) ^ np.asarray(seen.after.words)
    return np.bitwise_count(apart).sum((1, 2)).astype(np.float64)


def _replayed(seen: Observed) -> np.ndarray:
    """Baseline: whether exact execution says otherwise."""
    right = np.asarray(seen.shown.after.words)
    return (right != np.asarray(seen.after.words)).any((1, 2)).astype(np.float64)


def table(
    monitor: Anomaly, blind: Anomaly, linear: Linear, test: Transition, seed: int = 0
) -> dict[str, dict[str, float]]:
    """AUROC of every fault by the model, the model without memory, and the baselines.

    Args:
      monitor: calibrated.
      blind: calibrated without seeing memory.
      linear: the linear baseline.
      test: held-out valid transitions.
      seed: of the faults.

    Returns:
      For each fault: "count", "model", "fpr95", "alarms" (share above the threshold),
      "blind", "copy", "linear", "replay".  The row "none" holds the clean share of alarms.
    """
    rng = np.random.default_rng(seed)
    judges = {
        "model": monitor.score,
        "blind": blind.score,
        "copy": _changed,
        "linear": linear.residual,
        "replay": _replayed,
    }
    calm = clean(test)
    base = {name: judge(calm) for name, judge in judges.items()}
    out: dict[str, dict[str, float]] = {
        "none": {"count": len(test.valid), "alarms": float((base["model"] > 1).mean())}
    }
    for name in FAULTS:
        seen = inject(name, test, rng)
        found = {judge: score(seen) for judge, score in judges.items()}
        row = {judge: auroc(base[judge], scores) for judge, scores in found.items()}
        row["fpr95"] = alarms_at_95(base["model"], found["model"])
        row["alarms"] = float((found["model"] > 1).mean())
        out[name] = {"count": len(seen.shown.valid), **row}
    return out
