"""A task solved: candidates of its grammar, refined by counterexamples.

Examples are checked exactly.  Constraints over variables are proved by z3; what it refutes becomes
another point for the search (counterexample-guided inductive synthesis).

Source: Solar-Lezama et al., "Combinatorial Sketching for Finite Programs" (ASPLOS 2006).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ncpu.synth.errors import CodegenError, ContradictionError, SpecError
from ncpu.synth.expression import Expr
from ncpu.synth.portfolio import ProgramSynthesizer
from ncpu.synth.spec import Budget
from ncpu.synth.strategies import default_strategies
from ncpu.synth.sygus.answer import Answer
from ncpu.synth.sygus.bridge import OPERATORS, to_term
from ncpu.synth.sygus.constants import constants
from ncpu.synth.sygus.fit import Fitter
from ncpu.synth.sygus.points import Group, Points, initial, right
from ncpu.synth.sygus.problem import Task
from ncpu.synth.sygus.search import Enumeration, Exhausted
from ncpu.synth.sygus.term import Term
from ncpu.synth.sygus.theory import Sort
from ncpu.synth.sygus.tree import MOST_GROUPS, Tree, joints
from ncpu.synth.sygus.verify import counterexample
from ncpu.synth.types import Value

_LOOP_FREE = ("polynomial", "enumerate", "unify")  # of the portfolio, what theories can say
_SHARE = 0.5  # of the time, for the portfolio where the grammar has free constants
_FIRST = 12  # groups that the search starts from
_DEEPEST = 8


@dataclass
class _Search:
    """One task on the way."""

    task: Task
    budget: Budget
    watch: Callable[[str, int], None] | None
    start: float = field(default_factory=time.perf_counter)
    candidates: int = 0
    spent: str = "time limit"

    def __post_init__(self) -> None:
        self.deadline = self.start + self.budget.seconds
        self.ground = initial(self.task)
        wanted: dict[object, Value] = {}
        for made in self.ground:
            for row in made.points.values() if made.target is not None else ():
                if wanted.setdefault(row, made.target) != made.target:  # type: ignore[arg-type]
                    raise ContradictionError(
                        f"{row} gives both {wanted[row]!r} and {made.target!r}"
                    )

    @property
    def left(self) -> float:
        return self.deadline - time.perf_counter()

    def refuted(self, body: Term) -> Group | bool:
        """As `counterexample`, examples first."""
        for made, fine in zip(self.ground, right(self.task, body, self.ground), strict=True):
            if not fine:
                return made
        if not self.task.variables:
            return False
        return counterexample(self.task, body, max(self.left, 0.05))

    def run(self) -> Answer:
        body, name = self.by_portfolio(), "portfolio"
        if body is None:
            body, name = self.by_grammar(), "grammar"
        evidence = "proof" if self.task.variables else "examples"
        return Answer(self.task, body, name if body else "", evidence if body else self.spent,
                      time.perf_counter() - self.start, self.candidates)  # fmt: skip

    def by_portfolio(self) -> Term | None:
        """The portfolio's program, where the grammar can say it."""
        task = self.task
        values = {sort for _, sort in task.parameters} | {task.result}
        free = {s for s in values if s.name != "Bool"} <= task.grammar.free_constants
        if task.examples is None or not free:
            return None
        try:
            spec = replace(task.spec, operators=OPERATORS)
        except SpecError:
            return None
        chosen = [s for s in default_strategies() if s.name in _LOOP_FREE]
        budget = replace(self.budget, seconds=_SHARE * self.budget.seconds)
        if self.watch is not None:
            self.watch("portfolio", 0)
        result = ProgramSynthesizer(chosen, budget).synthesize(spec)
        for solution in (*([result.solution] if result.solution else ()), *result.rivals):
            self.candidates += solution.candidates
            body = self.admitted(solution.program) if solution.solved else None
            if body is not None:
                return body
        if result.interrupted:
            raise KeyboardInterrupt
        return None

    def admitted(self, program: Expr) -> Term | None:
        """A program found elsewhere, if the grammar can say it and it is right."""
        names = [name for name, _ in self.task.parameters]
        try:
            found = to_term(program, names, self.task.signature.width)
        except CodegenError:
            return None
        body = Fitter(self.task.grammar).fit(found)
        return body if body is not None and self.refuted(body) is False else None

    def by_grammar(self) -> Term | None:
        """The first candidate of the grammar that nothing refutes."""
        groups = _spread(self.ground)
        given = constants(self.task)
        while self.left > 0:
            for body in self.tried(groups, given):
                wrong = self.refuted(body)
                if wrong is False:
                    return body
                if wrong is not True and wrong not in groups:
                    groups.append(wrong)  # type: ignore[arg-type]
                    break
            else:
                return None
        return None

    def tried(
        self, groups: Sequence[Group], given: Mapping[Sort, Sequence[Value]]
    ) -> Iterator[Term]:
        """Candidates that satisfy some groups, by size; conditionals as they can be joined."""
        points = Points(self.task, groups)
        found = Enumeration(self.task.grammar, points, given, self.deadline, self.budget.bytes // 2)
        before = self.candidates
        rules = [rule for rules in found.rules.values() for rule in rules]
        holes = max((len(rule.holes) for rule in rules), default=0)
        weight = max((rule.weight for rule in rules), default=1)
        last, total, seen = 1, 0, None
        try:
            while found.size <= holes * last + weight:
                yield from found.grow()
                self.candidates = before + found.candidates
                if self.watch is not None:
                    self.watch("grammar", self.candidates)
                stored = sum(rows.count for rows in found.rows.values())
                last, total = (found.size, stored) if stored > total else (last, total)
                tree = self.joined(found, groups)
                if tree is not None and tree != seen:
                    yield tree
                    seen = tree
            self.spent = "no program of the grammar satisfies the constraints"
        except Exhausted:
            if self.left > 0:
                self.spent = "memory limit"
                tree = self.joined(found, groups)
                if tree is not None:
                    yield tree
        finally:
            self.candidates = before + found.candidates

    def joined(self, found: Enumeration, groups: Sequence[Group]) -> Term | None:
        """A decision tree of what is stored, deeper as the terms grow."""
        if not groups or len(groups) > MOST_GROUPS or not found.points.single or found.size < 3:
            return None
        until = time.perf_counter() + 0.3 * max(self.left, 0)
        for branch, condition in joints(found):
            tree = Tree(found, branch, condition, until)
            for depth in range(1, min(found.size, _DEEPEST) + 1):
                made = tree.solve(depth)
                if made is not None:
                    return made
        return None


def _spread(groups: Sequence[Group]) -> list[Group]:
    """A few groups with as many different targets as there are."""
    seen: set[object] = set()
    first = [g for g in groups if not (g.target in seen or seen.add(g.target))][:_FIRST]
    rest = [g for g in groups if g not in first]
    step = max(1, len(rest) // max(1, _FIRST - len(first)))
    return (first + rest[::step])[:_FIRST]


def recalled(task: Task, program: Expr) -> Answer | None:
    """A stored program as the answer, if the grammar can say it and it satisfies the task."""
    search = _Search(task, Budget(), None)
    body = search.admitted(program)
    spent = time.perf_counter() - search.start
    return Answer(task, body, "library", "examples", spent) if body is not None else None


def solve(
    task: Task,
    budget: Budget | None = None,
    watch: Callable[[str, int], None] | None = None,
) -> Answer:
    """A program for a task, in its grammar.

    Args:
      task: what is asked; `parse` makes it.
      budget: wall time and memory.
      watch: called with who searches and the candidates so far.

    Raises:
      ContradictionError: two examples that give one input two results.
      ProofError: the constraints have variables and z3 is not installed.
    """
    return _Search(task, budget or Budget(), watch).run()
