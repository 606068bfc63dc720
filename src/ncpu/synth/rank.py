"""Which of several programs: size, disagreement, and questions to an oracle."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ncpu.synth.codegen_python import compiled
from ncpu.synth.portfolio import ProgramSynthesizer, Result
from ncpu.synth.spec import Budget, Oracle, Solution, SynthesisSpec
from ncpu.synth.types import INT_MAX, INT_MIN, Example, Kind, Value, checked

_PROBES = 400
_QUESTIONS = 24


@dataclass(frozen=True)
class Confidence:
    """How sure a result is.

    Attributes:
      rivals: other programs that satisfy the examples.
      agreement: share of probes on which all of them give the same result; 1 without rivals.
      distinguishing: an input on which they differ, to be asked; None if none was met.
    """

    rivals: int
    agreement: float
    distinguishing: tuple[Value, ...] | None


def probes(spec: SynthesisSpec, count: int = _PROBES, seed: int = 0) -> list[tuple[Value, ...]]:
    """Inputs like those of the examples: values mixed, changed a little, and drawn between."""
    rng = random.Random(seed)
    columns = list(zip(*(e.arguments for e in spec.examples), strict=True))
    kinds = spec.signature.arguments
    found = []
    for _ in range(count):
        row = []
        for column, kind in zip(columns, kinds, strict=True):
            row.append(_varied(rng, rng.choice(column), column, kind, spec.signature.width))
        found.append(tuple(row))
    return list(dict.fromkeys(found))


def _varied(rng: random.Random, value: Any, column: Sequence[Any], kind: Kind, width: int) -> Any:
    if kind is Kind.B or rng.random() < 0.2:
        return value
    if kind in (Kind.I, Kind.U):
        low, high = (INT_MIN, INT_MAX) if kind is Kind.I else (0, (1 << width) - 1)
        least, most = min(column), max(column)
        value = rng.randint(least, most) if rng.random() < 0.6 else value + rng.randint(-2, 2)
        return min(max(value, low if min(column) < 0 else 0), high)
    if kind is Kind.S:
        letters = "".join(column) or "a"
        cut = rng.randint(0, len(value))
        return value[:cut] + rng.choice(letters) + value[cut + rng.randint(0, 1) :]
    pool = [v for item in column for v in item] or [0]
    if kind in (Kind.P, Kind.Q):
        return tuple(rng.choice(pool) for _ in value)
    length = max(0, len(value) + rng.randint(-1, 1))
    return tuple(rng.choice(pool) + rng.randint(-1, 1) for _ in range(length))


def confidence(spec: SynthesisSpec, programs: Sequence[Solution]) -> Confidence:
    """Agreement of programs that all satisfy the examples."""
    if len(programs) < 2:
        return Confidence(0, 1.0, None)
    functions = [compiled(p.program, p.signature) for p in programs]
    agreed, first = 0, None
    asked = probes(spec)
    for arguments in asked:
        results = {repr(_called(f, arguments)) for f in functions}
        agreed += len(results) == 1
        if len(results) > 1 and first is None:
            first = arguments
    return Confidence(len(programs) - 1, agreed / len(asked), first)


def _called(function: Callable[..., Any], arguments: tuple[Value, ...]) -> Any:
    try:
        return function(*arguments)
    except (ArithmeticError, ValueError, TypeError, IndexError) as error:
        return type(error)


def synthesize(
    spec: SynthesisSpec,
    oracle: Oracle | None = None,
    budget: Budget | None = None,
    synthesizer: ProgramSynthesizer | None = None,
) -> Result:
    """A program for the examples; with an oracle, refined by counterexamples.

    Each round asks the oracle about inputs like the examples, those on which rivals differ first,
    adds the first wrong one and searches again. A program that survives every probe is returned.

    Args:
      spec: examples; its own oracle is used if none is given.
      oracle: gives the right result for any input, or raises `ValueError` outside its domain.
      budget: wall time of all rounds together.
      synthesizer: the portfolio; a fresh one if not given.
    """
    oracle = oracle or spec.oracle
    budget = budget or (synthesizer.budget if synthesizer else Budget())
    engine = synthesizer or ProgramSynthesizer()
    deadline = time.perf_counter() + budget.seconds
    result = engine.run(spec, budget)
    for question in range(_QUESTIONS if oracle is not None else 0):
        left = deadline - time.perf_counter()
        if not result.solved or result.solution is None or left < 0.05:
            break
        wrong = _counterexample(spec, result, oracle, question)
        if wrong is None:
            break
        spec = spec.with_example(wrong.arguments, wrong.result)
        result = engine.run(spec, Budget(left, budget.bytes, budget.seed))
    return result


def _counterexample(spec: SynthesisSpec, result: Result, oracle: Any, seed: int) -> Example | None:
    assert result.solution is not None
    function = compiled(result.solution.program, spec.signature)
    asked = probes(spec, seed=seed)
    first = confidence(spec, (result.solution, *result.rivals)).distinguishing
    for arguments in [*([first] if first else []), *asked]:
        try:
            wanted = checked(oracle(*arguments), spec.signature.result, spec.signature.width)
        except ValueError:
            continue
        if _called(function, arguments) != wanted:
            return Example(arguments, wanted)
    return None
