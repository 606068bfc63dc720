"""Expressions as Python source: exact integers, loops as loops, helpers only where used."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from ncpu.synth import codegen_runtime
from ncpu.synth.expression import FUEL, Expr
from ncpu.synth.operators import TABLE
from ncpu.synth.types import Kind, Signature

_NATURAL_DIVISION = {"div": "//", "mod": "%"}
_INDENT = "    "


class _Writer:
    """Statements of one function; loop bodies are written where they run."""

    def __init__(self, width: int):
        self.width = width
        self.lines: list[str] = []
        self.depth = 1
        self.names = 0
        self.known: dict[Expr, str] = {}  # values made before the loops that use them

    def put(self, text: str) -> None:
        self.lines.append(_INDENT * self.depth + text)

    def fresh(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    def value(self, node: Expr, names: dict[str, str], wrapped: bool = True) -> str:
        """Source text of a node; `names` maps locals to variables."""
        if node in self.known:
            return self.known[node]
        if node.op == "const":
            return f"({node.data})" if node.kind is Kind.I and node.data < 0 else repr(node.data)
        if node.op == "arg":
            return f"a{node.data}"
        if node.op == "local":
            return names[node.data]
        if node.op in _FORMS:
            return _FORMS[node.op](self, node, names)
        row = TABLE[node.op]
        divisor = node.args[1] if node.op in _NATURAL_DIVISION else None
        if divisor is not None and divisor.op == "const" and divisor.data > 0:
            left, right = (self.value(a, names) for a in node.args)
            return f"({left} {_NATURAL_DIVISION[node.op]} {right})"
        operands = [
            self.value(a, names, wrapped=not (row.ring and a.op in TABLE and TABLE[a.op].ring))
            for a in node.args
        ]
        text = row.python.format(*operands, w=self.width, m=hex((1 << self.width) - 1))
        return f"_i64{text}" if row.ring and wrapped else text

    def _elements(self, node: Expr, names: dict[str, str]) -> dict[str, str]:
        """Opens the loop over a source; gives the names of its body."""
        depth = node.data[0]
        source = self.value(node.args[0], names)
        x, i = self.fresh("x"), self.fresh("i")
        used = {n.data for a in node.args[1:] for n in _nodes(a) if n.op == "local"}
        if f"i{depth}" in used:
            self.put(f"for {i}, {x} in enumerate({source}):")
        else:
            self.put(f"for {x} in {_plain_range(source)}:")
        return {**names, f"x{depth}": x, f"i{depth}": i}

    def _fold(self, node: Expr, names: dict[str, str]) -> str:
        acc = self.fresh("acc")
        self.put(f"{acc} = {self.value(node.args[1], names)}")
        out = self.fresh("out") if node.op == "scan" else ""
        if out:
            self.put(f"{out} = []")
        inner = {**self._elements(node, names), f"acc{node.data[0]}": acc}
        self.depth += 1
        self.put(f"{acc} = {self.value(node.args[2], inner)}")
        if out:
            self.put(f"{out}.append({acc})")
        self.depth -= 1
        return f"tuple({out})" if out else acc

    def _map(self, node: Expr, names: dict[str, str]) -> str:
        out = self.fresh("out")
        self.put(f"{out} = []")
        inner = self._elements(node, names)
        self.depth += 1
        body = self.value(node.args[1], inner)
        if node.op == "filter":
            self.put(f"if {body}:")
            self.put(f"{_INDENT}{out}.append({inner[f'x{node.data[0]}']})")
        else:
            self.put(f"{out}.append({body})")
        self.depth -= 1
        return f"tuple({out})"

    def _registers(self, node: Expr, names: dict[str, str]) -> str:
        depth, count, result = node.data
        regs = [self.fresh("r") for _ in range(count)]
        inits, steps = node.args[1 : 1 + count], node.args[1 + count :]
        left = ", ".join(regs)
        self.put(f"{left} = {', '.join(self.value(a, names) for a in inits)}")
        i = self.fresh("i")
        inner = {**names, f"i{depth}": i}
        inner.update({f"r{k}_{depth}": reg for k, reg in enumerate(regs)})
        limit = FUEL if node.op == "while" else f"min({self.value(node.args[0], names)}, {FUEL})"
        self.put(f"for {i} in range({limit}):")
        self.depth += 1
        if node.op == "while":
            self.put(f"if not {self.value(node.args[0], inner)}:")
            self.put(f"{_INDENT}break")
        self.put(f"{left} = {', '.join(self.value(a, inner) for a in steps)}")
        self.depth -= 1
        return regs[result]


_FORMS: dict[str, Callable[[_Writer, Expr, dict[str, str]], str]] = {
    "fold": _Writer._fold,
    "scan": _Writer._fold,
    "map": _Writer._map,
    "filter": _Writer._map,
    "repeat": _Writer._registers,
    "while": _Writer._registers,
}


def _nodes(expr: Expr):
    from ncpu.synth.expression import walk

    return walk(expr)


def _parts(node: Expr) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
    """Operands of a loop that are evaluated once, and those evaluated in every round."""
    count = node.data[1]
    if node.op == "while":
        return node.args[1 : 1 + count], (node.args[0], *node.args[1 + count :])
    once = {"map": 1, "filter": 1, "fold": 2, "scan": 2, "repeat": 1 + count}[node.op]
    return node.args[:once], node.args[once:]


def _invariant(expr: Expr) -> list[Expr]:
    """Loops, arrays and strings in the bodies of loops that use no variable, operands first."""
    free: dict[Expr, frozenset[str]] = {}
    inside: set[Expr] = set()
    for node in _nodes(expr):
        names = frozenset[str]().union(*(free[a] for a in node.args))
        if node.op == "local":
            names = frozenset((node.data,))
        elif node.op in _FORMS:
            once, body = _parts(node)
            depth, count = node.data[:2]
            bound = {f"{stem}{depth}" for stem in ("x", "i", "acc")}
            bound |= {f"r{k}_{depth}" for k in range(count)}
            names = frozenset[str]().union(
                *(free[a] - bound for a in body), *(free[a] for a in once)
            )
            inside.update(n for a in body for n in _nodes(a))
        free[node] = names
    heavy = (Kind.A, Kind.S)
    return [n for n in free if n in inside and n.args and not free[n]
            and (n.op in _FORMS or n.kind in heavy)]  # fmt: skip


def _plain_range(source: str) -> str:
    """A source that is iterated needs no tuple."""
    return (
        source.removeprefix("tuple(").removesuffix(")") if source.startswith("tuple(x") else source
    )


@cache
def _source(name: str) -> str:
    return inspect.getsource(getattr(codegen_runtime, name))


def helpers(source: str) -> list[str]:
    """Names of the runtime functions a source uses, those they use included, in order."""
    found: list[str] = []

    def visit(text: str) -> None:
        for name in re.findall(r"(?<![\w.])_[a-z]\w*(?=\()", text):
            function = getattr(codegen_runtime, name, None)
            if function is not None and name not in found:
                body = _source(name)
                visit(body.split(":\n", 1)[1])
                found.append(name)

    visit(source)
    return found


def emit(expr: Expr, signature: Signature, name: str = "f") -> str:
    """Python source of one function over the arguments, in order, with what it needs.

    Arrays and records are tuples; a list given for one is not accepted by every operator.
    """
    writer = _Writer(signature.width)
    for node in _invariant(expr):
        value = writer.value(node, {})
        writer.known[node] = writer.fresh("v")
        writer.put(f"{writer.known[node]} = {value}")
    result = writer.value(expr, {})
    parameters = ", ".join(f"a{k}" for k in range(len(signature.arguments)))
    body = "\n".join([*writer.lines, f"{_INDENT}return {_unwrapped(result)}"])
    function = f"def {name}({parameters}):\n{body}\n"
    used = [_source(helper) for helper in helpers(function)]
    return "\n\n".join([*used, function])


def _unwrapped(text: str) -> str:
    """Text without one pair of parentheses that encloses all of it."""
    if not (text.startswith("(") and text.endswith(")")) or text.endswith(",)"):
        return text
    depth = 0
    for place, char in enumerate(text[:-1]):
        depth += (char == "(") - (char == ")")
        if depth == 0 and place:
            return text
    return text if "," in text else text[1:-1]


def compiled(expr: Expr, signature: Signature) -> Callable[..., Any]:
    """The expression as a Python function."""
    scope: dict[str, Any] = {}
    exec(compile(emit(expr, signature), "<synthesised>", "exec"), scope)
    return scope["f"]
