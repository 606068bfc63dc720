"""cvc5 and this package on the same SyGuS files, with the same limit, in the same run.

Both get the visible examples of a problem of the suites and a grammar of the whole theory: integers
with linear and nonlinear arithmetic, comparisons and `ite`, or all bit-vector operators, any
constant.  Both answers are judged on inputs that neither saw.  cvc5 runs in a process of its own
with its default options, and is killed at the limit; reading and starting up are not counted.  Its
limit and times are of the processor, ours of the wall, so that a loaded machine is never to its
disadvantage.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Any

import ncpu  # noqa: F401  (sets XLA flags before jax starts)
from ncpu.synth import sygus
from ncpu.synth.spec import Budget, SynthesisSpec
from ncpu.synth.suites import Problem
from ncpu.synth.sygus.bridge import sort_of
from ncpu.synth.sygus.grammar import default
from ncpu.synth.sygus.term import literal
from ncpu.synth.types import Kind

GROUPS = ("A1", "A2", "A3", "A4", "A5")
_CHILD = """
import json, signal, sys, time
import cvc5
text, limit = sys.stdin.read(), float(sys.argv[1])
solver = cvc5.Solver(cvc5.TermManager())
solver.setOption("sygus", "true")
parser = cvc5.InputParser(solver)
parser.setStringInput(cvc5.InputLanguage.SYGUS_2_1, text, "problem")
names = parser.getSymbolManager()
while not (command := parser.nextCommand()).isNull():
    if str(command).startswith("(check-synth"):
        break
    command.invoke(solver, names)
signal.setitimer(signal.ITIMER_PROF, limit)
start = time.process_time()
found = command.invoke(solver, names)
print(json.dumps([found, time.process_time() - start]))
"""


@dataclass(frozen=True)
class Answer:
    """What one of the two made of a problem.

    Attributes:
      text: its `define-fun`; empty if there is none.
      seconds: time it took, the limit if there is none.
      right: share of the unseen inputs on which it is right.
    """

    text: str
    seconds: float
    right: float


def scalar(problem: Problem) -> bool:
    """Whether the theories can say what a problem is about."""
    kinds = set(problem.signature.kinds)
    return kinds <= {Kind.I, Kind.B} or kinds <= {Kind.U, Kind.B}


def source(problem: Problem) -> str:
    """A problem's visible examples and the grammar, as a SyGuS file."""
    signature = problem.signature
    sorts = [sort_of(kind, signature.width) for kind in signature.arguments]
    result = sort_of(signature.result, signature.width)
    named = [(f"x{place}", sort) for place, sort in enumerate(sorts)]
    logic = "BV" if any(sort.width for sort in sorts) else "NIA"
    grammar = default(logic, named, result)
    order = sorted(grammar.sorts, key=lambda name: name != grammar.start)
    declared = " ".join(f"({name} {grammar.sorts[name]})" for name in order)
    rules = " ".join(
        f"({name} {grammar.sorts[name]} ({' '.join(map(str, grammar.productions[name]))}))"
        for name in order
    )
    given = " ".join(f"({name} {sort})" for name, sort in named)
    lines = [f"(set-logic {logic})",
             f"(synth-fun f ({given}) {result} ({declared}) ({rules}))"]  # fmt: skip
    for example in problem.visible():
        pairs = zip(example.arguments, sorts, strict=True)
        operands = " ".join(literal(value, sort) for value, sort in pairs)
        lines.append(f"(constraint (= (f {operands}) {literal(example.result, result)}))")
    return "\n".join([*lines, "(check-synth)", ""])


def theirs(text: str, limit: float) -> tuple[str, float]:
    """cvc5's answer and its processor time."""
    command = [sys.executable, "-c", _CHILD, str(limit)]
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True,
                              timeout=20 * limit + 60, check=False)  # fmt: skip
    except subprocess.TimeoutExpired:
        return "", limit
    if done.returncode == -signal.SIGPROF:
        return "", limit
    if done.returncode:
        raise RuntimeError(f"cvc5 failed: {done.stderr[-600:]}")
    found, seconds = json.loads(done.stdout)
    begin = found.find("(define-fun")
    return (found[begin:].strip().removesuffix(")").strip(), seconds) if begin >= 0 else ("", limit)


def ours(text: str, limit: float) -> tuple[str, float]:
    """This package's answer and its wall time."""
    answer = sygus.solve(sygus.parse(text), Budget(limit))
    return (answer.text, answer.seconds) if answer.solved else ("", limit)


def judged(found: tuple[str, float], hidden: SynthesisSpec) -> Answer:
    """An answer with the share of unseen inputs on which it is right."""
    text, seconds = found
    values = sygus.evaluated(text, "f", hidden) if text else []
    pairs = zip(values, hidden.examples, strict=False)
    right = sum(value == example.result for value, example in pairs)
    return Answer(text, seconds, right / len(hidden.examples))


def report(rows: list[dict[str, Any]], limit: float) -> dict[str, Any]:
    """Solved, right, and times of both."""
    made: dict[str, Any] = {"limit": limit, "problems": len(rows)}
    for who in ("ours", "cvc5"):
        found = [row[who] for row in rows if row[who]["text"]]
        made[who] = {
            "solved": len(found),
            "right on all unseen inputs": sum(f["right"] == 1.0 for f in found),
            "mean agreement on unseen inputs": statistics.mean(
                [row[who]["right"] for row in rows] or [0.0]
            ),
            "median seconds": statistics.median([row[who]["seconds"] for row in rows] or [0.0]),
            "median seconds of solved": statistics.median([f["seconds"] for f in found] or [0.0]),
        }
    return made | {"rows": rows}


def peer(options: argparse.Namespace, problems: list[Problem]) -> dict[str, Any]:
    """Runs both on every problem and prints as it goes."""
    rows = []
    for problem in problems:
        text = source(problem)
        hidden = SynthesisSpec(problem.hidden(options.hidden), problem.signature)
        pair = {
            "ours": judged(ours(text, options.limit), hidden),
            "cvc5": judged(theirs(text, options.limit), hidden),
        }
        rows.append({"group": problem.family.group, "name": problem.name,
                     **{who: asdict(answer) for who, answer in pair.items()}})  # fmt: skip
        said = "  ".join(
            f"{who} {a.seconds:6.2f} s {a.right:6.1%}" if a.text else f"{who} {'-':>16}"
            for who, a in pair.items()
        )
        print(f"{problem.family.group:3}{problem.name:26}{said}", flush=True)
    return report(rows, options.limit)
