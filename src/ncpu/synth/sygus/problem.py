"""A SyGuS-IF version 2 file as a task: the function wanted, its grammar and its constraints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ncpu.synth.errors import SpecError
from ncpu.synth.spec import SynthesisSpec
from ncpu.synth.sygus.grammar import Grammar
from ncpu.synth.sygus.term import Definition, Term, evaluate, walk
from ncpu.synth.sygus.theory import BOOL, Sort
from ncpu.synth.types import WIDTHS, Example, Kind, Signature, Value

_KINDS = {"Int": Kind.I, "Bool": Kind.B, "String": Kind.S, "BitVec": Kind.U}


@dataclass(frozen=True)
class Task:
    """What a file asks for.

    Attributes:
      logic: its logic.
      name: of the function wanted.
      parameters: its parameters with sorts.
      result: sort of its value.
      grammar: what it may look like.
      variables: universally quantified, with sorts.
      functions: defined in the file.
      constraints: truth-valued terms over the variables and `apply` nodes.
    """

    logic: str
    name: str
    parameters: tuple[tuple[str, Sort], ...]
    result: Sort
    grammar: Grammar
    variables: Mapping[str, Sort]
    functions: Mapping[str, Definition]
    constraints: tuple[Term, ...]

    @cached_property
    def examples(self) -> tuple[Example, ...] | None:
        """The constraints as examples; None where one of them says something else."""
        found = [_example(term) for part in self.constraints for term in conjuncts(part)]
        return None if None in found else tuple(found)  # type: ignore[arg-type]

    @property
    def signature(self) -> Signature:
        """Kinds of the function.

        Raises:
          SpecError: words of no width or of several widths that specifications have.
        """
        sorts = [*(sort for _, sort in self.parameters), self.result]
        widths = {sort.width for sort in sorts if sort.width}
        if len(widths) > 1 or not widths <= set(WIDTHS):
            raise SpecError(f"words of {sorted(widths)} bits: specifications have one of 8, 32, 64")
        kinds = [_KINDS[sort.name] for sort in sorts]
        return Signature(tuple(kinds[:-1]), kinds[-1], *(widths or {64}))

    @property
    def spec(self) -> SynthesisSpec:
        """The examples as a specification.

        Raises:
          SpecError: the constraints are not examples, or not of kinds that specifications have.
        """
        if self.examples is None:
            raise SpecError(f"the constraints on {self.name} are not examples")
        free = self.grammar.free_constants
        fixed = {
            t.data
            for rules in self.grammar.productions.values()
            for rule in rules
            for t in walk(rule)
            if t.op == "const" and t.sort in free and t.sort != BOOL
        }
        return SynthesisSpec(self.examples, self.signature, tuple(sorted(fixed)))

    def header(self) -> str:
        """Name, parameters and sort as `define-fun` writes them."""
        text = str(Definition(self.name, self.parameters, self.result, Term("var", (), BOOL, "_")))
        return text.removeprefix("(define-fun ").removesuffix(" _)")

    def define_fun(self, body: Term) -> str:
        """The answer in SyGuS-IF."""
        return str(Definition(self.name, self.parameters, self.result, body))


def conjuncts(term: Term) -> list[Term]:
    """The parts of a conjunction."""
    return [p for a in term.args for p in conjuncts(a)] if term.op == "and" else [term]


def ground(term: Term) -> bool:
    """Whether a term has neither variables nor the function wanted."""
    return all(t.op not in ("var", "apply") for t in walk(term))


def value_of(term: Term) -> Value:
    """The value of a ground term.

    Raises:
      ValueError: it divides by zero.
    """
    values, defined = evaluate(term, {})
    if not (defined is True or bool(defined.all())):
        raise ValueError("a division by zero")
    return python_value(values[0], term.sort)


def python_value(value: Any, sort: Sort) -> Value:
    """An element of a batch as Python has it."""
    if sort == BOOL:
        return bool(value)
    return str(value) if sort.name == "String" else int(value)


def _example(term: Term) -> Example | None:
    """`(= (f 1 2) 3)`, either way round, or `(f 1 2)` and `(not (f 1 2))`."""
    wanted: Value = True
    if term.op == "not" and term.args[0].op == "apply":
        term, wanted = term.args[0], False
    elif term.op == "=" and len(term.args) == 2:
        sides = sorted(term.args, key=lambda t: t.op != "apply")
        if not ground(sides[1]):
            return None
        term, wanted = sides[0], value_of(sides[1])
    if term.op != "apply" or not all(map(ground, term.args)):
        return None
    return Example(tuple(map(value_of, term.args)), wanted)
