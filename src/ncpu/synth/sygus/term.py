"""Terms of the theories: text, and values over batches with where they are defined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from ncpu.synth.sygus.reader import escaped
from ncpu.synth.sygus.theory import BOOL, INT, OPERATIONS, STRING, Sort
from ncpu.synth.types import Value


@dataclass(frozen=True)
class Term:
    """One node.

    Attributes:
      op: an operator of the theory, a defined function, or `const`, `var`, `apply` (of the
        function to be found), `hole` (a nonterminal), `any` (of a grammar: `(Constant S)`).
      args: operands.
      sort: of its value.
      data: value of `const`, name of `var` and `hole`, indices of an operator such as `extract`,
        the `Definition` of a defined function.
      size: nodes, those of defined functions' bodies included.
    """

    op: str
    args: tuple[Term, ...]
    sort: Sort
    data: Any = None
    size: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        inside = self.data.body.size if isinstance(self.data, Definition) else 0
        object.__setattr__(self, "size", 1 + inside + sum(a.size for a in self.args))

    def __str__(self) -> str:
        if self.op == "const":
            return literal(self.data, self.sort)
        if self.op in ("var", "hole"):
            return symbol(str(self.data))
        if self.op == "any":
            return f"(Constant {self.sort})"
        head = self.op
        if isinstance(self.data, tuple):
            head = f"(_ {self.op} {' '.join(map(str, self.data))})"
        elif isinstance(self.data, (str, Definition)):
            head = symbol(self.data if isinstance(self.data, str) else self.data.name)
        return f"({head} {' '.join(map(str, self.args))})" if self.args else head


@dataclass(frozen=True)
class Definition:
    """A function defined in the file.

    Attributes:
      name: of the function.
      parameters: names with sorts.
      sort: of its value.
      body: over the parameters.
    """

    name: str
    parameters: tuple[tuple[str, Sort], ...]
    sort: Sort
    body: Term

    def __str__(self) -> str:
        given = " ".join(f"({symbol(name)} {sort})" for name, sort in self.parameters)
        return f"(define-fun {symbol(self.name)} ({given}) {self.sort} {self.body})"


def symbol(name: str) -> str:
    """A name as SMT-LIB writes it."""
    from ncpu.synth.sygus.reader import read

    try:
        (node,) = read(name)
        plain = node.form == "symbol" and node.text == name
    except ValueError:
        plain = False
    return name if plain else f"|{name}|"


def literal(value: Value, sort: Sort) -> str:
    """A value as SMT-LIB writes it."""
    if sort == BOOL:
        return "true" if value else "false"
    if sort == INT:
        return str(value) if value >= 0 else f"(- {-value})"  # type: ignore[operator]
    if sort == STRING:
        return escaped(str(value))
    if sort.width % 4:
        return f"#b{value:0{sort.width}b}"
    return f"#x{value:0{sort.width // 4}x}"


def constant(value: Value, sort: Sort) -> Term:
    """A value as a term."""
    return Term("const", (), sort, value)


def walk(term: Term) -> Iterator[Term]:
    """Every node, operands first; bodies of defined functions are not entered."""
    for part in term.args:
        yield from walk(part)
    yield term


def column(values: list[Any], sort: Sort, exact: bool = True) -> np.ndarray:
    """A batch of values `[n]`; integers exact or as int64."""
    if sort.width:
        return np.array(values, np.uint64)
    if sort == BOOL:
        return np.array(values, np.bool_)
    if sort == INT and not exact:
        return np.array([(v + (1 << 63)) % (1 << 64) - (1 << 63) for v in values], np.int64)
    made = np.empty(len(values), object)
    made[:] = values
    return made


def evaluate(term: Term, names: Mapping[Any, Any], exact: bool = True) -> tuple[Any, Any]:
    """A term over batches.

    Args:
      term: the term.
      names: batches of its variables by name, and of its `apply` and `hole` nodes by node.
      exact: whether integers are Python's, in batches of objects, rather than int64.

    Returns:
      Values, and where they are defined (True for everywhere): not where an integer is divided by
      zero, unless a condition keeps that from mattering.
    """
    if term.op == "const":
        return column([term.data], term.sort, exact), True
    if term.op in ("var", "hole", "apply"):
        return names[term.data if term.op == "var" else term], True
    pairs = [evaluate(a, names, exact) for a in term.args]
    values, known = [v for v, _ in pairs], [k for _, k in pairs]
    if isinstance(term.data, Definition):
        given = dict(zip((name for name, _ in term.data.parameters), values, strict=True))
        made, inside = evaluate(term.data.body, given, exact)
        return made, reduce(_both, known, inside)
    sorts = tuple(a.sort for a in term.args)
    indices = term.data if isinstance(term.data, tuple) else ()
    with np.errstate(all="ignore"):
        made = OPERATIONS[term.op].batched(sorts, indices, *values)
    return made, _defined(term.op, values, known)


def _both(a: Any, b: Any) -> Any:
    return b if a is True else a if b is True else a & b


def _defined(op: str, values: list[Any], known: list[Any]) -> Any:
    if op in ("div", "mod"):
        return reduce(_both, [*known, *(v != 0 for v in values[1:])])
    if all(k is True for k in known):
        return True
    if op == "ite":
        return _both(known[0], np.where(values[0], known[1], known[2]))
    everywhere = reduce(_both, known)
    if op in ("and", "or"):
        deciding = [k & (v if op == "or" else ~v) for k, v in zip(known, values, strict=True)]
        return reduce(np.logical_or, deciding, everywhere)
    return everywhere
