"""The table: how often each baseline learns each operation, and how wrong it is outside."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from ncpu.neural_alu.baselines.tasks import (
    OPERATIONS,
    Task,
    TaskError,
    exact_match,
    operands,
    subset_sums,
)
from ncpu.neural_alu.baselines.training import MODELS, Budget, Runs, build, train

if TYPE_CHECKING:
    from rich.table import Table

LEAST_SQUARES = "least squares"
SELECTION = 10  # of the last so many checkpoints, the one with the best interpolation counts
BITS = (8, 16, 32)

# Success rates of Madsen and Johansen 2020: 100 seeds of 5,000,000 steps each, subset sums.
PUBLISHED: dict[tuple[str, str], float] = {
    **{("linear", op): rate for op, rate in zip(OPERATIONS, (1.0, 0.07, 0.0, 0.0), strict=True)},
    **{("NAC", op): rate for op, rate in zip(OPERATIONS, (1.0, 1.0, 0.31, 0.0), strict=True)},
    **{("NALU", op): rate for op, rate in zip(OPERATIONS, (0.14, 0.14, 0.0, 0.0), strict=True)},
    **{("NAU/NMU", op): rate for op, rate in zip(OPERATIONS, (1.0, 1.0, 0.98), strict=False)},
}


@dataclass(frozen=True)
class Row:
    """One model on one operation.

    Attributes:
      task, operation, model: what was trained.
      seeds: independent runs.
      steps: of each; 0 for the closed form.
      solved: runs whose extrapolation error is below `threshold`, at the checkpoint that
        interpolates best among the last ten.
      low, high: Wilson's 95 % interval of the success rate.
      median_step: first checkpoint below the threshold, over the solved runs.
      median_error: median over the runs of the extrapolation mean squared error.
      threshold: that of success.
      sparsity: median over the runs of the largest distance of a weight from {-1, 0, 1}.
      exact: fraction of integer results right to the unit, by operand width in bits, the mean
        over the runs; empty for the subset sums.
      published: success rate in the paper at 5,000,000 steps, where it has one.
      seconds: of training and measuring, compilation included.
    """

    task: str
    operation: str
    model: str
    seeds: int
    steps: int
    solved: int
    low: float
    high: float
    median_step: float | None
    median_error: float
    threshold: float
    sparsity: float | None
    exact: dict[int, float]
    published: float | None
    seconds: float


def wilson(successes: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval of a rate (95 %), Wilson 1927."""
    rate, spread = successes / trials, z * z / trials
    centre = rate + spread / 2
    half = z * math.sqrt(rate * (1 - rate) / trials + spread / (4 * trials))
    return max(0.0, (centre - half) / (1 + spread)), min(1.0, (centre + half) / (1 + spread))


def table(
    budget: Budget | None = None,
    *,
    tasks: Iterable[Task] | None = None,
    models: Sequence[str] = (LEAST_SQUARES, *MODELS),
    seed: int = 0,
    report: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """Train and measure every model on every task; operations a model lacks are left out.

    Args:
      budget: of each model's training; `Budget()` when None.
      tasks: by default the subset sums and the two operands, four operations each.
      models: `LEAST_SQUARES` and keys of `MODELS`.
      seed: of all randomness.
      report: called after each row.

    Raises:
      TaskError: a model that does not exist.
    """
    known = (LEAST_SQUARES, *MODELS)
    if unknown := [model for model in models if model not in known]:
        raise TaskError(f"no model {unknown[0]!r}; there is: {', '.join(known)}")
    budget = budget or Budget()
    chosen = [make(op) for make in (subset_sums, operands) for op in OPERATIONS]
    keys = jax.random.split(jax.random.key(seed), budget.seeds)
    rows = []
    for task in chosen if tasks is None else tasks:
        for model in models:
            if model == LEAST_SQUARES or task.operation in MODELS[model]:
                rows.append(_row(model, task, budget, keys))
                report(rows[-1])
    return rows


def _row(model: str, task: Task, budget: Budget, keys: jax.Array) -> Row:
    started = time.perf_counter()
    threshold = task.threshold()
    if model == LEAST_SQUARES:
        errors, predictors = _least_squares(task, budget, keys)
        first, sparsity = np.zeros(len(keys)), math.nan
    else:
        runs = train(model, task, budget, keys)
        errors, first, sparsity = _outcome(runs, threshold, budget)
        predictors = _predictors(model, task, runs)
    solved = errors < threshold
    low, high = wilson(int(solved.sum()), len(keys))
    exact = {}
    if task.grid:
        for bits in BITS:
            rates = [exact_match(predict, task.operation, bits) for predict in predictors]
            exact[bits] = float(np.mean(rates))
    return Row(
        task=task.name,
        operation=task.operation,
        model=model,
        seeds=len(keys),
        steps=0 if model == LEAST_SQUARES else budget.interval * budget.checkpoints,
        solved=int(solved.sum()),
        low=low,
        high=high,
        median_step=float(np.median(first[solved])) if solved.any() else None,
        median_error=float(np.median(errors)),
        threshold=threshold,
        sparsity=None if math.isnan(sparsity) else sparsity,
        exact=exact,
        published=None if task.grid else PUBLISHED.get((model, task.operation)),
        seconds=time.perf_counter() - started,
    )


def _outcome(runs: Runs, threshold: float, budget: Budget) -> tuple[np.ndarray, np.ndarray, float]:
    """Each run's extrapolation error and first solved step, and the median sparsity error."""
    # A run that diverged has nan errors: it is never best and never below the threshold.
    inside = np.nan_to_num(np.asarray(runs.interpolation), nan=np.inf)
    outside = np.nan_to_num(np.asarray(runs.extrapolation), nan=np.inf)
    skipped = max(0, inside.shape[1] - SELECTION)
    best = skipped + np.argmin(inside[:, skipped:], axis=1)
    at = np.arange(len(best)), best
    first = (np.argmax(outside < threshold, axis=1) + 1) * budget.interval
    return outside[at], first, float(np.median(np.asarray(runs.sparsity)[at]))


Predictor = Callable[[np.ndarray], np.ndarray]


def _predictors(model: str, task: Task, runs: Runs) -> list[Predictor]:
    """Each run's network as a function in float64 of the trained float32 weights."""
    graph = nnx.graphdef(nnx.eval_shape(lambda: build(model, task, nnx.Rngs(0))))

    def predictor(index: int) -> Predictor:
        network = nnx.merge(graph, jax.tree.map(lambda leaf: leaf[index], runs.params))

        def predict(x: np.ndarray) -> np.ndarray:
            with jax.enable_x64(True):
                return np.asarray(network(jnp.asarray(x, jnp.float64)))

        return predict

    return [predictor(index) for index in range(len(runs.subsets))]


def _least_squares(
    task: Task, budget: Budget, keys: jax.Array
) -> tuple[np.ndarray, list[Predictor]]:
    """Ordinary least squares with an intercept, in float64, on one set for each key."""

    def design(x: np.ndarray) -> np.ndarray:
        return np.concatenate([x, np.ones((len(x), 1))], axis=1)

    errors, predictors = [], []
    for key in keys:
        where, inside, outside = jax.random.split(key, 3)
        subsets = np.asarray(task.subsets(where), np.float64)
        near, far = (
            np.asarray(task.draw(k, budget.validation, bounds), np.float64)
            for k, bounds in ((inside, task.interpolation), (outside, task.extrapolation))
        )
        truth = [OPERATIONS[task.operation](*(subsets @ x.T)) for x in (near, far)]
        weights = np.linalg.lstsq(design(near), np.asarray(truth[0]), rcond=None)[0]

        def predict(x: np.ndarray, weights: np.ndarray = weights) -> np.ndarray:
            return design(x) @ weights

        errors.append(np.mean(np.square(predict(far) - np.asarray(truth[1]))))
        predictors.append(predict)
    return np.array(errors), predictors


def display(rows: Sequence[Row], task: str) -> Table:
    """The rows of the task of that name as a rich table."""
    from rich.table import Table

    mine = [row for row in rows if row.task == task]
    exact = any(row.exact for row in mine)
    extra = [f"exact, {bits} bit" for bits in BITS] if exact else ["published"]
    steps = max((row.steps for row in mine), default=0)
    out = Table(
        *("operation", "model", "solved", "Wilson 95 %", "steps to success", "error outside"),
        *("threshold", "sparsity error", *extra),
        title=f"{task}: {steps:,} steps of Adam a run; medians over the runs",
    )
    for row in mine:
        given = "" if row.published is None else f"{row.published:.0%}"
        out.add_row(
            row.operation,
            row.model,
            f"{row.solved}/{row.seeds}",
            f"{row.low:.2f}–{row.high:.2f}",
            "" if not row.solved or not row.steps else f"{row.median_step:,.0f}",
            f"{row.median_error:.1e}",
            f"{row.threshold:.1e}",
            "" if row.sparsity is None else f"{row.sparsity:.1e}",
            *([f"{row.exact[bits]:.2%}" for bits in BITS] if exact else [given]),
        )
    return out
