"""Whether two loop-free programs agree on every input, decided by SMT solvers.

Both are written as bit-vector terms with the synthesiser's own meaning (integers wrap at 64 bits,
words at their width, every operator is total), so a proof speaks of exactly what runs.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ncpu.synth.codegen_python import compiled
from ncpu.synth.errors import ProofError, SpecError
from ncpu.synth.expression import Expr
from ncpu.synth.smt import Script
from ncpu.synth.types import INT_MAX, INT_MIN, RECORD_SIZE, Kind, Signature, Value, signed

Verdict: TypeAlias = Literal["equal", "different", "undecided"]
_TRIALS = 2000


@dataclass(frozen=True)
class Equality:
    """What is known of two programs.

    Attributes:
      verdict: `equal` (proved), `different` (see the counterexample), or `undecided` in time.
      counterexample: arguments on which the two were run and gave different results.
      by: `identical`, `trial`, or the solver with its version.
      seconds: wall time.
    """

    verdict: Verdict
    counterexample: tuple[Value, ...] | None
    by: str
    seconds: float

    @property
    def proved(self) -> bool:
        """Whether the programs are equal on every input."""
        return self.verdict == "equal"


def prove_equal(p: Expr, q: Expr, signature: Signature, seconds: float = 30.0) -> Equality:
    """Decides whether two programs are equal: by form, by trial, by z3, then by cvc5.

    Args:
      p: a program without loops over integers, words, truth values and records.
      q: another.
      signature: of both.
      seconds: limit, half of it for each solver that is installed.

    Raises:
      ProofError: a loop, an array, a string or an operator on them; or no solver is installed.
      SpecError: a limit of 0 s or less, or programs of another kind than the signature's.
    """
    if not seconds > 0:
        raise SpecError(f"a limit of {seconds} s: more than 0 is needed")
    if {p.kind, q.kind} != {signature.result}:
        raise SpecError(f"programs of kinds {p.kind} and {q.kind} for the signature {signature}")
    start = time.perf_counter()

    def made(verdict: Verdict, by: str, found: tuple[Value, ...] | None = None) -> Equality:
        return Equality(verdict, found, by, time.perf_counter() - start)

    script = Script.unequal(p, q, signature)
    if p is q:
        return made("equal", "identical")
    pair = compiled(p, signature), compiled(q, signature)
    for arguments in _trials(signature):
        if _differ(pair, arguments):
            return made("different", "trial", arguments)
    solvers = (_z3, _cvc5)
    asked: list[str] = []
    for rank, solver in enumerate(solvers):
        left = (start + seconds - time.perf_counter()) / (len(solvers) - rank)
        answer = solver(script, max(left, 0.01))
        if answer is None:
            continue
        by, found = answer
        asked.append(by)
        if found is False:
            return made("equal", by)
        if isinstance(found, tuple) and _differ(pair, found):
            return made("different", by, found)
    if not asked:
        raise ProofError("proving needs a solver: pip install z3-solver, or cvc5")
    return made("undecided", ", ".join(asked))


def _differ(pair: tuple[Callable[..., Any], Callable[..., Any]], arguments: Any) -> bool:
    return pair[0](*arguments) != pair[1](*arguments)


def _trials(signature: Signature):
    """Inputs of a fixed seed: edges, small values, and values of every length."""
    rng = random.Random(0)

    def integer() -> int:
        edges = (0, 1, -1, 2, INT_MIN, INT_MAX, INT_MIN + 1)
        small, wide = rng.randint(-9, 9), signed(rng.getrandbits(rng.randint(1, 64)))
        return rng.choice((rng.choice(edges), small, wide))

    def value(kind: Kind) -> Value:
        if kind is Kind.B:
            return rng.random() < 0.5
        if kind in RECORD_SIZE:
            return tuple(integer() for _ in range(RECORD_SIZE[kind]))
        return integer() % (1 << signature.width) if kind is Kind.U else integer()

    for _ in range(_TRIALS):
        yield tuple(value(kind) for kind in signature.arguments)


def _z3(script: Script, seconds: float):
    """The solver's name with its answer: False, arguments, or None if undecided."""
    try:
        import z3
    except ImportError:
        return None
    name = f"z3 {z3.get_version_string()}"
    solver = z3.SolverFor("QF_BV")
    solver.set("timeout", max(1, int(1000 * seconds)))
    solver.from_string(script.text)
    answer = solver.check()
    if answer == z3.sat:
        model = solver.model()
        wanted = {n: z3.BitVec(n, bits) for n, bits in script.variables.items()}
        values = {n: model.eval(v, model_completion=True).as_long() for n, v in wanted.items()}
        return name, script.arguments(values)
    return name, False if answer == z3.unsat else None


def _cvc5(script: Script, seconds: float):
    try:
        import cvc5
    except ImportError:
        return None
    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("produce-models", "true")
    solver.setOption("tlimit-per", str(max(1, int(1000 * seconds))))
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, script.text, "script")
    symbols = parser.getSymbolManager()
    while not (command := parser.nextCommand()).isNull():
        command.invoke(solver, symbols)
    name = f"cvc5 {solver.getVersion().decode()}"
    answer = solver.checkSat()
    if answer.isSat():
        terms = {str(t): t for t in symbols.getDeclaredTerms() if str(t) in script.variables}
        values = {n: int(solver.getValue(t).getBitVectorValue(10)) for n, t in terms.items()}
        return name, script.arguments(values)
    return name, False if answer.isUnsat() else None
