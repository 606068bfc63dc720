"""The loop: consult the store, else ask; judge on visible tests; store; score on hidden tests.

Three rates are reported and never mixed: `first` is pass@1 of the first candidate as it came,
`chosen` is pass@1 of the one submission that the visible tests chose, `any` is pass@k, whether any
of the k candidates passes.  Only hidden tests decide, and only candidates of this run count; what
the store answered is counted apart as `reused`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ncpu.npcot.sandbox import Sandbox
from ncpu.npcot.solve.judge import judge_task
from ncpu.npcot.solve.propose import Proposer, Request
from ncpu.npcot.solve.store import SolveStore
from ncpu.npcot.solve.task import Task


@dataclass(frozen=True)
class Plan:
    """What a run may do.

    Attributes:
      candidates: k, for each task.
      helpers: stored solutions shown with a task.
      temperature: of the first round.
      retries: further rounds for tasks whose visible tests nothing passed.
      retry_budget: candidates that all retries together may judge.
      reuse: whether a stored solution of the very same task is used.
      seed: of the sampling.
    """

    candidates: int = 4
    helpers: int = 6
    temperature: float = 0.0
    retries: int = 0
    retry_budget: int = 200
    reuse: bool = True
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """How one task went.

    Attributes:
      task_id, family: of the task.
      origin: `store`, `model` or `retry`: where the submission came from; empty without one.
      candidates: judged in this run.
      visible: whether the submission passed the visible tests.
      first, chosen, any: hidden tests passed by the first candidate, the submission, any candidate.
      reason: of the submission's first failure on visible tests.
    """

    task_id: str
    family: str
    origin: str = ""
    candidates: int = 0
    visible: bool = False
    first: bool = False
    chosen: bool = False
    any: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Run:
    """A whole run.

    Attributes:
      results: one for each task, in order.
      calls: of the proposers.
    """

    results: tuple[Result, ...]
    calls: int

    def report(self) -> dict[str, Any]:
        """Rates with 95 % Wilson intervals, for all tasks and for each family."""
        families = sorted({r.family for r in self.results})
        by_family = {f: _rates([r for r in self.results if r.family == f]) for f in families}
        return {"calls": self.calls, "all": _rates(self.results), "families": by_family}


def solve(
    tasks: Iterable[Task],
    proposer: Proposer,
    sandbox: Sandbox,
    store: SolveStore | None = None,
    plan: Plan | None = None,
    note: Callable[[Result], None] = lambda result: None,
    last: Proposer | None = None,
) -> Run:
    """Work through tasks.

    Args:
      tasks: in this order; later ones may use what earlier ones put into the store.
      proposer: makes candidates.
      sandbox: runs them.
      store: None for a run without one.
      plan: limits.
      note: called with each result as it comes.
      last: asked, within the budget of the retries, for what these leave unsolved.
    """
    plan = plan or Plan()
    tasks = list(tasks)
    rounds = [proposer] * plan.retries + ([last] if last is not None else [])
    asked = [proposer] if last is None or last is proposer else [proposer, last]
    before = sum(p.calls for p in asked)
    results = []
    for task in tasks:
        results.append(_solve_one(task, proposer, sandbox, store, plan))
        note(results[-1])
    spent = 0
    for number, asking in enumerate(rounds):
        for index, task in enumerate(tasks):
            if results[index].visible or spent >= plan.retry_budget:
                continue
            left = min(plan.candidates, plan.retry_budget - spent)
            retry = _varied(task, plan, number, left, results[index].reason)
            found = _judged(task, asking, sandbox, store, retry)
            spent += found.candidates
            results[index] = _after_retry(results[index], found)
            note(results[index])
    return Run(tuple(results), sum(p.calls for p in asked) - before)


def _solve_one(
    task: Task, proposer: Proposer, sandbox: Sandbox, store: SolveStore | None, plan: Plan
) -> Result:
    stored = store.find(task) if store is not None and plan.reuse else None
    if stored is not None:
        visible, right = judge_task(sandbox, stored, task)
        if visible.ok:
            return Result(task.task_id, task.family, "store", visible=True, chosen=right)
    request = Request(task, plan.candidates, temperature=plan.temperature, seed=plan.seed)
    helpers = store.nearest(task, plan.helpers) if store is not None else []
    return _judged(task, proposer, sandbox, store, replace(request, helpers=helpers))


def _judged(
    task: Task, proposer: Proposer, sandbox: Sandbox, store: SolveStore | None, request: Request
) -> Result:
    sources = proposer.propose(request)[: request.count]
    if not sources:
        return Result(task.task_id, task.family, reason="no candidate")
    seen, scored = zip(*(judge_task(sandbox, s, task) for s in sources), strict=True)
    chosen = next((i for i, j in enumerate(seen) if j.ok), 0)
    if seen[chosen].ok and store is not None:
        store.put(task, sources[chosen])
    return Result(
        task.task_id,
        task.family,
        origin="model",
        candidates=len(sources),
        visible=seen[chosen].ok,
        first=scored[0],
        chosen=scored[chosen],
        any=any(scored),
        reason=seen[chosen].reason,
    )


_VARIATIONS = (
    (0.4, "Solve the task step by step. The last attempt failed: {reason}."),
    (0.8, "Think of empty and extreme inputs. The last attempt failed: {reason}."),
    (1.0, "Use another approach than before."),
)


def _varied(task: Task, plan: Plan, number: int, count: int, reason: str) -> Request:
    """The request of a retry: another temperature, another sentence, other samples."""
    temperature, hint = _VARIATIONS[number % len(_VARIATIONS)]
    return Request(
        task,
        count,
        temperature=temperature,
        hint=hint.format(reason=reason),
        seed=plan.seed + 1000 * (number + 1),
    )


def _after_retry(before: Result, found: Result) -> Result:
    """The result with a retry added; `first` stays what the very first candidate was."""
    submission = found if found.visible or not before.origin else before
    return replace(
        submission,
        origin="retry" if found.visible else submission.origin,
        candidates=before.candidates + found.candidates,
        first=before.first,
        any=before.any or found.any,
    )


def _rates(results: Sequence[Result]) -> dict[str, Any]:
    mine = [r for r in results if r.origin != "store"]
    rows: dict[str, Any] = {
        "tasks": len(results),
        "reused": len(results) - len(mine),
        "reused_right": sum(r.chosen for r in results if r.origin == "store"),
        "asked": len(mine),
        "candidates": sum(r.candidates for r in mine),
    }
    for name in ("first", "chosen", "any"):
        right = sum(getattr(r, name) for r in mine)
        rows[name] = {"right": right, "of": len(mine), "interval": wilson(right, len(mine))}
    return rows


def wilson(right: int, of: int, z: float = 1.959964) -> tuple[float, float]:
    """95 % interval of a rate (Wilson 1927); (0, 1) for no trials."""
    if not of:
        return 0.0, 1.0
    rate, square = right / of, z * z / of
    middle = (rate + square / 2) / (1 + square)
    half = z * math.sqrt(rate * (1 - rate) / of + square / (4 * of)) / (1 + square)
    low = 0.0 if right == 0 else middle - half
    return low, 1.0 if right == of else middle + half
