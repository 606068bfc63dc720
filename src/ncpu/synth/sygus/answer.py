"""What a task came to, and what a `define-fun` computes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, product

import numpy as np

from ncpu.synth.errors import CodegenError
from ncpu.synth.expression import Expr
from ncpu.synth.spec import SynthesisSpec
from ncpu.synth.sygus.bridge import to_expr
from ncpu.synth.sygus.commands import parse
from ncpu.synth.sygus.problem import Task, python_value
from ncpu.synth.sygus.term import Term, column, evaluate
from ncpu.synth.types import Example, Value


@dataclass(frozen=True)
class Answer:
    """What a task came to.

    Attributes:
      task: what was asked.
      body: the program in the grammar; None if none was found.
      strategy: who found it.
      evidence: `examples` (all satisfied), `proof` (by z3, for all values), or why there is none.
      seconds: wall time.
      candidates: terms evaluated.
    """

    task: Task
    body: Term | None
    strategy: str
    evidence: str
    seconds: float
    candidates: int = 0

    @property
    def solved(self) -> bool:
        """Whether there is a program."""
        return self.body is not None

    @property
    def text(self) -> str:
        """The answer in SyGuS-IF: `define-fun`, or `fail`."""
        return self.task.define_fun(self.body) if self.body is not None else "fail"

    @property
    def spec(self) -> SynthesisSpec:
        """The examples; where there were none, the program's own values at small inputs.

        Raises:
          SpecError: values of no kind that specifications have.
        """
        if self.task.examples or self.body is None:
            return self.task.spec
        rows = small_inputs(self.task)
        batches = zip(zip(*rows, strict=True), self.task.parameters, strict=True)
        names = {name: column(list(values), sort) for values, (name, sort) in batches}
        values, defined = evaluate(self.body, names)
        count = len(rows)
        found = np.broadcast_to(values, count).tolist()
        known = np.broadcast_to(np.asarray(defined, bool), count)
        made = [python_value(v, self.task.result) for v in found]
        examples = [Example(*pair) for pair, fine in zip(zip(rows, made, strict=True), known,
                                                         strict=True) if fine]  # fmt: skip
        return SynthesisSpec(tuple(examples), self.task.signature)

    @property
    def program(self) -> Expr:
        """The program as an expression, for other languages.

        Raises:
          CodegenError: there is none, or it has no such form.
        """
        if self.body is None:
            raise CodegenError("there is no program")
        return to_expr(self.body, self.task)


def small_inputs(task: Task, most: int = 24) -> list[tuple[Value, ...]]:
    """Inputs of every sort's first values."""
    small = {"Int": (3, -2, 0, 7), "Bool": (True, False), "String": ("ab", "", "a b")}
    columns = [small.get(sort.name, (5, 0, 1, 2)) for _, sort in task.parameters]
    return list(islice(product(*columns), most))


def evaluated(source: str, name: str, spec: SynthesisSpec) -> list[Value | None]:
    """What a `define-fun` gives for the arguments of some examples, exactly.

    Returns:
      A value for each example; None where it divides by zero.

    Raises:
      SourceError: it does not parse.
    """
    task = parse(f"(set-logic ALL)\n{source}\n(synth-fun {name}.wanted () Bool)\n(check-synth)")
    definition = task.functions[name]
    sorts = [sort for _, sort in definition.parameters]
    columns = list(zip(*(e.arguments for e in spec.examples), strict=True))
    batches = [column(list(c), sort) for c, sort in zip(columns, sorts, strict=True)]
    names = dict(zip((n for n, _ in definition.parameters), batches, strict=True))
    found, defined = evaluate(definition.body, names)
    count = len(spec.examples)
    values = np.broadcast_to(found, count).tolist()
    known = np.broadcast_to(np.asarray(defined, bool), count)
    pairs = zip(values, known, strict=True)
    return [python_value(v, definition.sort) if fine else None for v, fine in pairs]
