"""Lemmas as data, and how they are put to a solver.

A lemma says in words what holds for all inputs and gives the formulas that amount to it.
It is proved when the negation of each is found unsatisfiable; every other verdict, a timeout
included, refuses the certificate.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import z3

from ncpu.neural_alu.certify.certificate import CertificationError, Proof
from ncpu.neural_alu.certify.integers import IntegerWires
from ncpu.neural_alu.measured import Measured
from ncpu.neural_alu.symbolic import CutWires, Obligation, SymbolicWires

TIMEOUT = 300  # seconds a query may take
SECOND_TIMEOUT = 20  # of the second solver, whose silence counts for nothing
BITS, INTEGERS = "QF_UFBV", "ALL"  # the solvers' names of the theories


@dataclass(frozen=True)
class WiresKind:
    """The wires that circuits are proved on; tests replace them by faulty ones."""

    unrolled: type[SymbolicWires] = SymbolicWires
    cut: type[CutWires] = CutWires
    integers: type[IntegerWires] = IntegerWires


@dataclass(frozen=True)
class Setting:
    """What a proof is about.

    Attributes:
      measured: the answers of the cells.
      kind: of wires.
    """

    measured: Measured
    kind: WiresKind = WiresKind()

    def wires(self) -> SymbolicWires:
        """Wires with unrolled loops."""
        return self.kind.unrolled(self.measured)


@dataclass(frozen=True)
class Lemma:
    """Something that holds for all inputs.

    Attributes:
      name: with `width` unique.
      statement: in words, read modulo 2**width where nothing else is said.
      width: of the words.
      method: how the formulas amount to the statement.
      formulas: (setting) to what has to hold.
      theory: `BITS` or `INTEGERS`.
      uses: names of the lemmas that it builds on.
      second: whether to ask another solver too.
    """

    name: str
    statement: str
    width: int
    method: str
    formulas: Callable[[Setting], Iterable[Obligation]]
    theory: str = BITS
    uses: tuple[str, ...] = ()
    second: bool = False


def prove(lemma: Lemma, setting: Setting, timeout: float = TIMEOUT) -> Proof:
    """Prove a lemma.

    Raises:
      CertificationError: a formula does not hold, or the solver did not decide it.
    """
    start = time.perf_counter()
    queries, verdicts = 0, []
    for formula in lemma.formulas(setting):
        solver = z3.SolverFor(lemma.theory) if lemma.theory == BITS else z3.Solver()
        solver.set("timeout", int(1000 * timeout))
        solver.add(*formula.given)
        solver.add(z3.Not(formula.claim))
        verdict = solver.check()
        if verdict == z3.sat:
            raise CertificationError(
                f"the lemma {lemma.name!r} of {lemma.width} bits does not hold "
                f"({lemma.statement}): {_sample(solver.model())}"
            )
        if verdict != z3.unsat:
            raise CertificationError(
                f"the lemma {lemma.name!r} of {lemma.width} bits was not decided in {timeout:g} s: "
                f"{solver.reason_unknown()}"
            )
        queries += 1
        if lemma.second:
            verdicts.append(second_opinion(solver, lemma.theory))
    if "sat" in verdicts:
        raise CertificationError(f"solvers disagree on the lemma {lemma.name!r}")
    second = ("cvc5 " + "/".join(sorted(set(verdicts)))) if verdicts else ""
    return Proof(
        lemma.name,
        lemma.statement,
        lemma.width,
        lemma.method,
        lemma.uses,
        queries,
        f"z3 {z3.get_version_string()}",
        round(time.perf_counter() - start, 3),
        second,
    )


def _sample(model: z3.ModelRef) -> str:
    """A counterexample, shortened."""
    values = sorted(f"{symbol} = {model[symbol]}" for symbol in model.decls())
    return ", ".join(values[:6]) + (", ..." if len(values) > 6 else "")


def second_opinion(solver: z3.Solver, theory: str) -> str:
    """The verdict of cvc5 on the same assertions: "unsat", "sat" or "unknown"."""
    import cvc5

    other = cvc5.Solver()
    other.setOption("tlimit-per", str(1000 * SECOND_TIMEOUT))
    parser = cvc5.InputParser(other)
    parser.setStringInput(
        cvc5.InputLanguage.SMT_LIB_2_6, f"(set-logic {theory})\n{solver.to_smt2()}", "lemma"
    )
    answer = ""
    while not (command := parser.nextCommand()).isNull():
        answer = command.invoke(other, parser.getSymbolManager()) or answer
    return answer.strip()
