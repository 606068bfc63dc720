"""Where candidates are evaluated, and which of them satisfy the constraints there.

The constraints of a task fall into groups: each ground constraint alone, and for every assignment
to the declared variables all that mention them.  A group is satisfied or not by the candidate's
values at the points (operands of the function wanted) that it applies the function to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from ncpu.synth.sygus.problem import Task, conjuncts, ground, python_value, value_of
from ncpu.synth.sygus.term import Term, column, constant, evaluate, walk
from ncpu.synth.sygus.theory import Sort
from ncpu.synth.types import Value

Assignment = Mapping[str, Value]


@dataclass(frozen=True)
class Group:
    """Constraints that stand or fall together.

    Attributes:
      terms: without variables: over `apply` nodes of constants.
      points: operands of each `apply` node in them, by node.
      target: the value wanted, where the group says no more than that.
    """

    terms: tuple[Term, ...]
    points: Mapping[Term, tuple[Value, ...]]
    target: Value | None


def _filled(term: Term, names: Mapping[str, Term]) -> Term:
    """A term with constants for its variables; operands of `apply` nodes become values."""
    if term.op == "var":
        return names[term.data]
    args = tuple(_filled(a, names) for a in term.args)
    if term.op == "apply":
        args = tuple(constant(value_of(a), a.sort) for a in args)
    return Term(term.op, args, term.sort, term.data)


def group(terms: Sequence[Term], assignment: Mapping[str, Term]) -> Group:
    """The group of some constraints under one assignment.

    Raises:
      ValueError: an operand of the function divides by zero.
    """
    filled = tuple(_filled(term, assignment) for term in terms)
    applied = {t: tuple(a.data for a in t.args) for f in filled for t in walk(f) if t.op == "apply"}
    return Group(filled, applied, _target(filled))


def _target(terms: tuple[Term, ...]) -> Value | None:
    if len(terms) != 1:
        return None
    term, wanted = terms[0], True
    if term.op == "not":
        term, wanted = term.args[0], False
    if term.op == "=" and len(term.args) == 2 and wanted:
        sides = sorted(term.args, key=lambda t: t.op != "apply")
        if sides[0].op == "apply" and ground(sides[1]):
            return value_of(sides[1])
    return wanted if term.op == "apply" else None


class Points:
    """Groups that a candidate has to satisfy, as batches.

    Args:
      task: what is asked.
      groups: at most 64.
    """

    def __init__(self, task: Task, groups: Sequence[Group]):
        self.task, self.groups = task, list(groups)
        rows = [row for g in groups for row in g.points.values()]
        self.rows = list(dict.fromkeys(rows)) or [tuple(_any(s) for _, s in task.parameters)]
        self.place = {row: k for k, row in enumerate(self.rows)}
        self.columns = {
            name: column([row[k] for row in self.rows], sort, exact=False)
            for k, (name, sort) in enumerate(task.parameters)
        }

    @property
    def single(self) -> bool:
        """Whether every group looks at one point, so that conditions can part them."""
        return all(len(set(g.points.values())) == 1 for g in self.groups)

    def point_of_group(self) -> np.ndarray:
        """Index of the point of each group, where `single`."""
        return np.array([self.place[next(iter(g.points.values()))] for g in self.groups])

    def satisfied(self, values: np.ndarray) -> np.ndarray:
        """`bool[n, groups]` for candidates' values `[n, points]`."""
        found = [self._one(g, values) for g in self.groups]
        return np.stack(found, axis=1) if found else np.ones((len(values), 0), bool)

    def _one(self, made: Group, values: np.ndarray) -> Any:
        if made.target is not None:
            return values[:, self.place[next(iter(made.points.values()))]] == made.target
        names = {term: values[:, self.place[row]] for term, row in made.points.items()}
        found = [evaluate(term, names, exact=False)[0] for term in made.terms]
        return np.broadcast_to(reduce(np.logical_and, found), len(values))


def _any(sort: Sort) -> Value:
    return {"Bool": False, "String": ""}.get(sort.name, 0)


def initial(task: Task) -> list[Group]:
    """The ground constraints as groups."""
    parts = [term for part in task.constraints for term in conjuncts(part)]
    return [group([t], {}) for t in parts if all(p.op != "var" for p in walk(t))]


def assigned(task: Task, assignment: Assignment) -> Group:
    """The constraints over variables as a group."""
    parts = [term for part in task.constraints for term in conjuncts(part)]
    chosen = [t for t in parts if any(p.op == "var" for p in walk(t))]
    names = {n: constant(assignment[n], sort) for n, sort in task.variables.items()}
    return group(chosen, names)


def right(task: Task, body: Term, groups: Sequence[Group]) -> list[bool]:
    """Which groups a program satisfies, exactly; where it is not defined it does not."""
    if not groups:
        return []
    points = (row for g in groups for row in g.points.values())
    rows = list(dict.fromkeys(points)) or [tuple(_any(s) for _, s in task.parameters)]
    batches = {
        name: column([row[k] for row in rows], sort)
        for k, (name, sort) in enumerate(task.parameters)
    }
    values, defined = evaluate(body, batches)
    count = len(rows)
    values = np.broadcast_to(values, count).tolist()
    known = np.broadcast_to(np.asarray(defined, bool), count)
    places = {row: k for k, row in enumerate(rows)}
    return [_holds(task, g, values, known, places) for g in groups]


def _holds(task: Task, made: Group, values: list[Any], known: Any, places: Any) -> bool:
    names = {}
    for term, row in made.points.items():
        if not known[places[row]]:
            return False
        names[term] = column([python_value(values[places[row]], task.result)], task.result)
    for term in made.terms:
        value, defined = evaluate(term, names)
        if not (bool(np.all(value)) and bool(np.all(defined))):
            return False
    return True
