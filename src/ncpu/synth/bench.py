"""Suites run and judged: a program counts when it is right on inputs the search did not see."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from ncpu.synth.codegen_python import compiled
from ncpu.synth.portfolio import ProgramSynthesizer
from ncpu.synth.spec import SynthesisSpec
from ncpu.synth.suites import Problem


@dataclass(frozen=True)
class Row:
    """One problem's outcome.

    Attributes:
      name: of the problem; the search never sees it.
      group: its table.
      seed: of the draw.
      width: bits of its words.
      verdict: `solved` (right on all hidden inputs), `wrong` (right on the visible only), or
        `unsolved`.
      strategy: who found the program.
      seconds: wall time of the search.
      candidates: programs evaluated.
      size: of the program.
      program: its text.
      wrong_at: the first hidden input it gets wrong, with the result wanted.
    """

    name: str
    group: str
    seed: int
    width: int
    verdict: str
    strategy: str
    seconds: float
    candidates: int
    size: int
    program: str
    wrong_at: str


def judge(problem: Problem, function: Callable[..., Any], hidden: int = 10_000) -> str:
    """The first hidden input, edge or small input on which a function is wrong; empty if none."""
    seen: set[Any] = set()
    for inputs in (problem.hidden(hidden), problem.edges(), problem.small_scope()):
        fresh = (e for e in inputs if e.arguments not in seen and not seen.add(e.arguments))
        wrong = problem.counterexample(function, fresh)
        if wrong is not None:
            return f"{wrong.arguments} -> {wrong.result!r}"[:200]
    return ""


def run(
    problem: Problem, synthesizer: ProgramSynthesizer, hidden: int = 10_000, mining: bool = True
) -> Row:
    """One problem searched for from its visible examples, then judged.

    Args:
      problem: what is asked for; the search gets its signature and visible examples alone.
      synthesizer: who searches.
      hidden: random inputs a program is judged on, besides edges and small inputs.
      mining: whether constants may be taken from the examples.
    """
    signature = problem.signature
    spec = SynthesisSpec(problem.visible(), signature, mining=mining)
    result = synthesizer.synthesize(spec)
    if result.interrupted:
        raise KeyboardInterrupt  # a search that was cut short has no verdict
    solution = result.solution
    wrong = ""
    if result.solved and solution is not None:
        wrong = judge(problem, compiled(solution.program, signature), hidden)
    verdict = "unsolved" if not result.solved else "wrong" if wrong else "solved"
    return Row(
        problem.name, problem.family.group, problem.seed, problem.width, verdict,
        solution.strategy if solution and result.solved else "", result.seconds,
        solution.candidates if solution else 0, solution.program.size if solution else 0,
        str(solution.program) if solution else "", wrong,
    )  # fmt: skip


def summary(rows: Iterable[Row]) -> dict[str, Any]:
    """Counts, times and who solved what."""
    rows = list(rows)
    by: dict[str, int] = {}
    for row in rows:
        if row.verdict == "solved":
            by[row.strategy] = by.get(row.strategy, 0) + 1
    return {
        "problems": len(rows),
        "solved": sum(r.verdict == "solved" for r in rows),
        "wrong": sum(r.verdict == "wrong" for r in rows),
        "unsolved": sum(r.verdict == "unsolved" for r in rows),
        "seconds": sum(r.seconds for r in rows),
        "median seconds": statistics.median(r.seconds for r in rows) if rows else 0.0,
        "solved by": by,
        "rows": [asdict(row) for row in rows],
    }
