"""`Task`: a function to write, examples that the solver sees, and tests that only score it.

Read from HumanEval files (`prompt`, `entry_point`, `test`: examples in the prompt's docstring are
visible, the assertions of `test` hidden) and from MBPP files (`text`, `test_list`: the first
assertion is visible, the others hidden).  Assertions are turned into calls with literal arguments
and expected values, so that the values can stay outside the sandbox; a test that cannot is not
guessed at: it is left out and counted in `unread`.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ncpu.npcot.canonical import canonical, digest
from ncpu.npcot.errors import TaskFormatError


@dataclass(frozen=True)
class Case:
    """One call and what it must give.

    Attributes:
      args: literal arguments.
      expected: a literal.
      tolerance: largest absolute difference for numbers; 0 means `==`.
    """

    args: tuple[Any, ...]
    expected: Any
    tolerance: float = 0.0

    def passes(self, found: Any) -> bool:
        """Whether a result is right."""
        if self.tolerance:
            numbers = isinstance(found, int | float) and isinstance(self.expected, int | float)
            return numbers and abs(found - self.expected) <= self.tolerance
        return found == self.expected


@dataclass(frozen=True)
class Task:
    """One task.

    Attributes:
      task_id: its name in the file.
      family: group of related tasks; the part of `task_id` before the slash unless stated.
      prompt: text that ends where the function's body begins, or a description.
      entry_point: the function's name.
      visible: cases that the solver may use.
      hidden: cases that score it.
      unread: tests that are no literal comparisons and were left out.
    """

    task_id: str
    family: str
    prompt: str
    entry_point: str
    visible: tuple[Case, ...]
    hidden: tuple[Case, ...] = field(repr=False)
    unread: int = 0

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what the solver sees; hidden tests are no part of it."""
        cases = [repr((c.args, c.expected, c.tolerance)) for c in self.visible]
        return digest(canonical([self.prompt, self.entry_point, cases]))


def load_tasks(path: Path) -> list[Task]:
    """The tasks of a JSONL file.

    Raises:
      TaskFormatError: names the line that is no task, or says that there is none.
    """
    tasks = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TaskFormatError(f"{path}: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                tasks.append(read_task(json.loads(line)))
            except (ValueError, TypeError, KeyError, SyntaxError, RecursionError) as error:
                raise TaskFormatError(f"{path}, line {number}: {error}") from error
    if not tasks:
        raise TaskFormatError(f"{path}: no tasks")
    return tasks


def read_task(row: Any) -> Task:
    """One line of a HumanEval or MBPP file.

    Raises:
      TaskFormatError: neither.
    """
    if not isinstance(row, dict):
        raise TaskFormatError("a task is a JSON object")
    if all(isinstance(row.get(k), str) for k in ("prompt", "entry_point", "test")):
        hidden, unread = _assertions(row["test"], {"candidate", row["entry_point"]})
        name, visible = row["entry_point"], _doctests(row["prompt"], row["entry_point"])
        prompt, unread_visible = row["prompt"], 0
    elif isinstance(row.get("test_list"), list) and isinstance(row.get("text"), str):
        name = _first_call(row["test_list"])
        visible, unread_visible = _assertions("\n".join(row["test_list"][:1]), {name})
        hidden, unread = _assertions("\n".join(row["test_list"][1:]), {name})
        example = "\n".join(row["test_list"][:1])
        prompt = f'"""{row["text"]}\n{example}\n"""\n'
    else:
        raise TaskFormatError(
            "accepted: HumanEval (prompt, entry_point, test) or MBPP (text, test_list)"
        )
    task_id = str(row.get("task_id", name))
    family = str(row.get("family", task_id.partition("/")[0]))
    return Task(
        task_id, family, prompt, name, tuple(visible), tuple(hidden), unread + unread_visible
    )


_WRAPPERS = ("set", "sorted", "abs", "round", "tuple", "list", "isclose")


def _first_call(tests: list[str]) -> str:
    for node in ast.walk(ast.parse("\n".join(tests))):
        name = node.func if isinstance(node, ast.Call) else None
        if isinstance(name, ast.Name) and name.id not in _WRAPPERS:
            return name.id
    raise TaskFormatError("the tests call no function")


def _doctests(prompt: str, name: str) -> list[Case]:
    """`>>> f(1)` followed by a literal, as in a docstring."""
    cases = []
    for call, value in re.findall(r"^\s*>>> (.+)\n\s*(?!>>>)(\S.*)$", prompt, re.MULTILINE):
        try:
            case = _comparison(ast.parse(f"({call}) == ({value})", mode="eval").body, {name})
        except SyntaxError:
            continue
        cases += [case] if case else []
    return cases


def _assertions(text: str, names: set[str]) -> tuple[list[Case], int]:
    """The cases of all `assert` statements, and how many others there are."""
    cases, unread = [], 0
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assert):
            case = _comparison(node.test, names)
            trivial = isinstance(node.test, ast.Constant)
            cases += [case] if case else []
            unread += not case and not trivial
    return cases, unread


def _comparison(test: ast.expr, names: set[str]) -> Case | None:
    """A case of `f(..) == v`, `f(..)`, `not f(..)` or `abs(f(..) - v) < t`; else None."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _case(test.operand, ast.Constant(False), names)
    if isinstance(test, ast.Call):
        return _case(test, ast.Constant(True), names)
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    left, op, right = test.left, test.ops[0], test.comparators[0]
    if isinstance(op, ast.Eq | ast.Is):
        return _case(left, right, names) or _case(right, left, names)
    if isinstance(op, ast.Lt | ast.LtE) and isinstance(left, ast.Call):
        return _near(left, _literal(right), names)
    return None


def _near(call: ast.Call, tolerance: Any, names: set[str]) -> Case | None:
    """A case of `abs(f(..) - v)` compared with a number."""
    is_abs = isinstance(call.func, ast.Name) and call.func.id == "abs" and len(call.args) == 1
    difference = call.args[0] if is_abs else None
    if not isinstance(difference, ast.BinOp) or not isinstance(difference.op, ast.Sub):
        return None
    case = _case(difference.left, difference.right, names)
    return Case(case.args, case.expected, tolerance) if case and type(tolerance) is float else None


def _case(call: ast.expr, value: ast.expr, names: set[str]) -> Case | None:
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return None
    if call.func.id not in names or call.keywords:
        return None
    args, expected = [_literal(a) for a in call.args], _literal(value)
    if expected is _NOT_LITERAL or any(a is _NOT_LITERAL for a in args):
        return None
    return Case(tuple(args), expected)


_NOT_LITERAL = object()


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _NOT_LITERAL


def write_rows(rows: Iterable[dict[str, Any]], path: Path) -> None:
    """Write task rows as JSONL."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
