"""A proposer without a model: chains of small list operations, shortest first, stored ones reused.

It searches compositions `f(g(h(v)))` of the operations below until they give the visible examples.
Chains found in the sources of stored solutions count as single operations and are tried first,
which is how solved tasks make harder ones reachable under the same budget of evaluations.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ncpu.npcot.solve.propose import Request
from ncpu.npcot.solve.task import Task

_ELEMENT = {
    "square": "x * x",
    "double": "x + x",
    "absolute": "abs(x)",
    "negate": "-x",
    "increment": "x + 1",
    "decrement": "x - 1",
    "halve": "x // 2",
    "parity": "x % 2",
    "cube": "x * x * x",
    "sign": "(x > 0) - (x < 0)",
}
_PREDICATE = {
    "even": "x % 2 == 0",
    "odd": "x % 2 == 1",
    "positive": "x > 0",
    "negative": "x < 0",
    "nonzero": "x != 0",
    "multiple_of_3": "x % 3 == 0",
    "above_5": "x > 5",
    "within_5": "-5 <= x <= 5",
}
_LIST = {
    "reverse": "v[::-1]",
    "ascending": "sorted(v)",
    "tail": "v[1:]",
    "drop_last": "v[:-1]",
    "alternate": "v[::2]",
    "unique": "list(dict.fromkeys(v))",
    "differences": "[b - a for a, b in zip(v, v[1:])]",
    "adjacent_sums": "[a + b for a, b in zip(v, v[1:])]",
    "increases": "[b for a, b in zip(v, v[1:]) if b > a]",
    "rotate": "v[1:] + v[:1]",
    "prefix_sums": "[sum(v[: i + 1]) for i in range(len(v))]",
    "prefix_maxima": "[max(v[: i + 1]) for i in range(len(v))]",
}
_NUMBER = {
    "total": "sum(v)",
    "maximum": "max(v, default=0)",
    "minimum": "min(v, default=0)",
    "length": "len(v)",
    "head": "(v or [0])[0]",
    "end": "(v or [0])[-1]",
    "floor_mean": "sum(v) // max(len(v), 1)",
    "range_of": "max(v, default=0) - min(v, default=0)",
    "alternating_sum": "sum(v[::2]) - sum(v[1::2])",
}
BODIES: dict[str, str] = {
    **{f"map_{k}": f"[{e} for x in v]" for k, e in _ELEMENT.items()},
    **{f"keep_{k}": f"[x for x in v if {e}]" for k, e in _PREDICATE.items()},
    **_LIST,
    **_NUMBER,
}
"""Operation to the Python expression of its value; `v` is a list of integers."""

_FUNCTIONS = {name: eval(f"lambda v: {body}") for name, body in BODIES.items()}
LONGEST = 4
_LARGEST = 1 << 62

Chain = tuple[str, ...]


@dataclass
class ComposingProposer:
    """Searches chains under a budget.

    Attributes:
      budget: evaluations of a chain on the visible examples, for each task.
      calls: tasks asked.
      evaluations: chains evaluated so far, all tasks.
    """

    budget: int = 2000
    calls: int = field(default=0, init=False)
    evaluations: int = field(default=0, init=False)

    def propose(self, request: Request) -> list[str]:
        """Chains that give the visible examples, shortest first."""
        self.calls += 1
        task = request.task
        inputs = [case.args[0] for case in task.visible if len(case.args) == 1]
        usable = len(inputs) == len(task.visible) and all(isinstance(v, list) for v in inputs)
        if not inputs or not usable:
            return []
        expected = [case.expected for case in task.visible]
        found = []
        for spent, (chain, values) in enumerate(_chains(inputs, request.helpers)):
            if spent >= self.budget or len(found) >= request.count:
                break
            self.evaluations += 1
            if values == expected and all(
                type(a) is type(b) for a, b in zip(values, expected, strict=True)
            ):
                found.append(source_of(chain, task))
        return found


def source_of(chain: Chain, task: Task) -> str:
    """Python for a chain: its operations as functions, then the entry point."""
    names = sorted(set(chain))
    parts = [f"def {name}(v):\n    return {BODIES[name]}\n" for name in names]
    call = "v"
    for name in chain:
        call = f"{name}({call})"
    return "\n\n".join([*parts, f"def {task.entry_point}(v):\n    return {call}\n"])


def chain_of(source: str) -> Chain | None:
    """The chain of a source that `source_of` wrote; None for any other."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return None
    last = body[-1] if body else None
    if not isinstance(last, ast.FunctionDef) or not isinstance(last.body[0], ast.Return):
        return None
    chain, node = [], last.body[0].value
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
        chain.append(node.func.id)
        node = node.args[0]
    known = isinstance(node, ast.Name) and set(chain) <= BODIES.keys()
    return tuple(reversed(chain)) if known and chain else None


def _chains(inputs: list[Any], helpers: Sequence[str]) -> Iterator[tuple[Chain, list[Any]]]:
    """Chains and their values: those of helpers alone, of helpers and operations, of operations."""
    stored = list(dict.fromkeys(c for c in map(chain_of, helpers) if c))
    single: list[Chain] = [(name,) for name in BODIES]
    seen = {repr(inputs)}
    for steps in (stored, stored + single, single):
        if steps is single or stored:
            yield from _breadth_first(inputs, steps, 2 if steps is not single else LONGEST, seen)
        if steps is stored and stored:
            yield from _breadth_first(inputs, stored, 3, {repr(inputs)})


def _breadth_first(
    inputs: list[Any], steps: Sequence[Chain], depth: int, seen: set[str]
) -> Iterator[tuple[Chain, list[Any]]]:
    """All chains of up to `depth` steps whose values on the inputs were not seen before."""
    layer: list[tuple[Chain, list[Any]]] = [((), inputs)]
    for _ in range(depth):
        following = []
        for chain, values in layer:
            if not all(isinstance(v, list) for v in values):
                continue
            for step in steps:
                now = [_apply(step, v) for v in values]
                yield (*chain, *step), now
                mark = repr(now)
                if mark not in seen and None not in now:
                    seen.add(mark)
                    following.append(((*chain, *step), now))
        layer = following


def _apply(step: Chain, value: Any) -> Any:
    """The value of a chain; None where it is applied to a number or leaves 62 bits."""
    for name in step:
        if not isinstance(value, list):
            return None
        value = _FUNCTIONS[name](value)
        numbers = value if isinstance(value, list) else [value]
        if any(abs(v) > _LARGEST for v in numbers):
            return None
    return value
