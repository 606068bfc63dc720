"""Expressions: hash-consed trees over the operator table, with loops as binders.

Leaves are `arg` (an argument by position), `const` (a value) and `local` (a variable of the
enclosing loop).  Loops bind locals in their bodies:

| form | operands | meaning |
| --- | --- | --- |
| `map` | source, body(x, i) | the body for each element |
| `filter` | source, test(x, i) | the elements that pass |
| `fold` | source, init, step(acc, x, i) | accumulator after the last element |
| `scan` | source, init, step(acc, x, i) | accumulators after each element |
| `repeat` | count, inits, steps(r0.., i) | register 0 after `count` simultaneous steps |
| `while` | guard(r0..), inits, steps(r0.., i) | register `data` when the guard first fails |

A loop stops after `FUEL` rounds.  A name of a local carries its loop's depth, so nested loops
never capture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from ncpu.synth.operators import TABLE
from ncpu.synth.types import Kind, Value

FUEL = 100_000
LOOPS = ("map", "filter", "fold", "scan", "repeat", "while")


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Expr:
    """One node; equal trees are the same object, so `is` and `==` agree.

    Attributes:
      op: operator, loop form or leaf form.
      args: operands.
      kind: kind of the value.
      data: argument position, constant value, local name, or number of registers and result.
      size: nodes weighted by their cost.
    """

    op: str
    args: tuple[Expr, ...]
    kind: Kind
    data: Any
    size: int

    def __str__(self) -> str:
        if self.op == "const":
            return repr(self.data)
        if self.op == "arg":
            return f"a{self.data}"
        if self.op == "local":
            return self.data
        return f"{self.op}({', '.join(map(str, self.args))})"

    __repr__ = __str__


_NODES: WeakValueDictionary[Any, Expr] = WeakValueDictionary()


def _node(op: str, args: tuple[Expr, ...], kind: Kind, data: Any, cost: int) -> Expr:
    key = (op, tuple(map(id, args)), kind, type(data), data)
    found = _NODES.get(key)
    if found is None:
        found = Expr(op, args, kind, data, cost + sum(arg.size for arg in args))
        _NODES[key] = found
    return found


def const(value: Value, kind: Kind) -> Expr:
    """A constant; larger numbers and longer strings cost more."""
    length = value.bit_length() if isinstance(value, int) else len(value)
    return _node("const", (), kind, value, 1 + min(length // 8, 3))


def arg(position: int, kind: Kind) -> Expr:
    """An argument."""
    return _node("arg", (), kind, position, 1)


def local(name: str, kind: Kind = Kind.I) -> Expr:
    """A variable of an enclosing loop, such as `x0`: the element of the outermost one."""
    return _node("local", (), kind, name, 1)


def call(op: str, *args: Expr) -> Expr:
    """An operator of the table over expressions.

    Raises:
      KeyError: no such operator.
      TypeError: operands of the wrong kinds.
    """
    row = TABLE[op]
    if tuple(a.kind for a in args) != row.arguments:
        raise TypeError(f"{op} takes {row.arguments}, not {tuple(a.kind for a in args)}")
    return _node(op, args, row.result, None, row.cost)


def loop(form: str, *args: Expr, depth: int = 0, registers: int = 0, result: int = 0) -> Expr:
    """A loop form; `depth` numbers its locals (`x0`, `i0`, `acc0`, `r0_0`, ...)."""
    kind = Kind.A if form in ("map", "filter", "scan") else args[1].kind
    if form == "while":
        kind = Kind.I
    return _node(form, args, kind, (depth, registers, result), 1)


def walk(expr: Expr) -> Iterator[Expr]:
    """Each distinct node once, operands first."""
    seen: set[int] = set()
    stack = [(expr, False)]
    while stack:
        node, ready = stack.pop()
        if id(node) in seen:
            continue
        if ready:
            seen.add(id(node))
            yield node
        else:
            stack.append((node, True))
            stack.extend((a, False) for a in node.args)


def substitute(expr: Expr, mapping: dict[Expr, Expr]) -> Expr:
    """The expression with nodes replaced."""
    done: dict[int, Expr] = {id(old): new for old, new in mapping.items()}
    for node in walk(expr):
        if id(node) not in done:
            args = tuple(done[id(a)] for a in node.args)
            cost = node.size - sum(a.size for a in node.args)
            done[id(node)] = _node(node.op, args, node.kind, node.data, cost)
    return done[id(expr)]


def to_json(expr: Expr) -> list[Any]:
    """The tree as nested lists of text and numbers, in one form."""
    data = list(expr.data) if isinstance(expr.data, tuple) else expr.data
    return [expr.op, expr.kind.value, data, *(to_json(a) for a in expr.args)]


def from_json(tree: Any) -> Expr:
    """The inverse of `to_json`.

    Raises:
      ValueError: not such a tree.
    """
    try:
        op, kind, data, *rest = tree
        args = tuple(from_json(a) for a in rest)
        if op == "const":
            return const(tuple(data) if isinstance(data, list) else data, Kind(kind))
        if op == "arg":
            return arg(int(data), Kind(kind))
        if op == "local":
            return local(str(data), Kind(kind))
        if op in LOOPS:
            return loop(op, *args, depth=data[0], registers=data[1], result=data[2])
        return call(op, *args)
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"not an expression: {tree!r}") from error
