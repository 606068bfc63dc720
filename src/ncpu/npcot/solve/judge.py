"""Run a candidate on cases: the calls go into the sandbox, the comparisons are made outside."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ncpu.npcot.sandbox import Sandbox
from ncpu.npcot.solve import harness
from ncpu.npcot.solve.task import Case, Task

_HARNESS = Path(harness.__file__).read_text()


@dataclass(frozen=True)
class Judgement:
    """How a candidate did.

    Attributes:
      passed: for each case.
      reasons: for each case, empty, or an exception's name, `wrong`, `wall`, ...
    """

    passed: tuple[bool, ...]
    reasons: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Of the first failure."""
        return next(filter(None, self.reasons), "")

    @property
    def ok(self) -> bool:
        """True when there was a case and all passed."""
        return bool(self.passed) and all(self.passed)


def judge_task(sandbox: Sandbox, source: str, task: Task) -> tuple[Judgement, bool]:
    """Visible and hidden cases in one run; inside they look alike.

    Returns:
      the judgement on the visible ones; whether all hidden ones passed.
    """
    split = len(task.visible)
    whole = judge(sandbox, source, task.entry_point, task.visible + task.hidden)
    visible = Judgement(whole.passed[:split], whole.reasons[:split])
    return visible, Judgement(whole.passed[split:], whole.reasons[split:]).ok


def judge(sandbox: Sandbox, source: str, entry_point: str, cases: Sequence[Case]) -> Judgement:
    """Run `source` once in the sandbox on all cases.

    Args:
      sandbox: where.
      source: Python that defines `entry_point`.
      entry_point: the function's name.
      cases: what it is called with, and the values that stay here.
    """
    calls = [[harness.encode(a) for a in case.args] for case in cases]
    order = {"source": source, "entry": entry_point, "calls": calls}
    outcome = sandbox.run(_HARNESS, json.dumps(order).encode())
    lines = outcome.stdout.decode("utf-8", "replace").splitlines()[: len(cases)]
    problems = [_problem(line, case) for line, case in zip(lines, cases, strict=False)]
    problems += [outcome.ended] * (len(cases) - len(problems))
    return Judgement(tuple(not p for p in problems), tuple(problems))


def _problem(line: str, case: Case) -> str:
    """Empty if the line is the right answer."""
    try:
        answer = json.loads(line)
        if "error" in answer:
            return str(answer["error"])[:100]
        right = case.passes(harness.decode(answer["value"]))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "unreadable"  # the candidate wrote over the answers
    return "" if right else "wrong"
