"""Sorts, and what an operator is: a typing rule with a meaning over batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

WIDEST = 64


@dataclass(frozen=True)
class Sort:
    """`Int`, `Bool`, `String`, or `BitVec` with its width."""

    name: str
    width: int = 0

    def __str__(self) -> str:
        return f"(_ BitVec {self.width})" if self.width else self.name


INT, BOOL, STRING = Sort("Int"), Sort("Bool"), Sort("String")
Sorts: TypeAlias = "tuple[Sort, ...]"
Indices: TypeAlias = "tuple[int, ...]"
Rule: TypeAlias = "Callable[[Sorts, Indices], Sort | None]"
LOGICS = {
    "LIA": {"Int", "Bool"},
    "NIA": {"Int", "Bool"},
    "BV": {"BitVec", "Bool"},
    "S": {"String", "Int", "Bool"},
    "SLIA": {"String", "Int", "Bool"},
    "ALL": {"String", "Int", "Bool", "BitVec"},
}


def bits(width: int) -> Sort:
    """The sort of words of that width."""
    return Sort("BitVec", width)


@dataclass(frozen=True)
class Operation:
    """An operator.

    Attributes:
      rule: result sort for operand sorts and indices; None if it does not take them.
      batched: `(operand sorts, indices, *batches) -> batch`.
      commutes: two operands may be swapped.
    """

    rule: Rule
    batched: Callable[..., Any]
    commutes: bool = False


def alike(name: str, least: int, most: int = 1000, result: Sort | None = None) -> Rule:
    """Operands of one sort of that name."""

    def rule(sorts: Sorts, indices: Indices) -> Sort | None:
        fits = least <= len(sorts) <= most and len(set(sorts)) == 1 and sorts[0].name == name
        return (result or sorts[0]) if fits and not indices else None

    return rule


def exactly(result: Sort, *wanted: Sort) -> Rule:
    """Operands of these sorts."""
    return lambda sorts, indices: result if sorts == wanted and not indices else None


def any_alike(sorts: Sorts, indices: Indices) -> Sort | None:
    """Two or more operands of one sort; a truth value."""
    return BOOL if len(sorts) >= 2 and len(set(sorts)) == 1 and not indices else None


def choice(sorts: Sorts, indices: Indices) -> Sort | None:
    """A truth value and two operands of one sort; that sort."""
    fits = len(sorts) == 3 and sorts[0] == BOOL and sorts[1] == sorts[2] and not indices
    return sorts[1] if fits else None


def left(function: Callable[..., Any]) -> Callable[..., Any]:
    """Operands taken from the left, two by two."""
    return lambda sorts, indices, *xs: reduce(function, xs)


def right(function: Callable[..., Any]) -> Callable[..., Any]:
    """Operands taken from the right, two by two."""
    return lambda sorts, indices, *xs: reduce(lambda b, a: function(a, b), reversed(xs))


def chain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Whether a test holds of every two neighbours."""
    return lambda sorts, indices, *xs: reduce(
        np.logical_and, (function(a, b) for a, b in pairwise(xs))
    )


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the batches alone."""
    return lambda sorts, indices, *xs: function(*xs)


def each(function: Callable[..., Any], count: int, result: type | None = None) -> Any:
    """A Python function of single values, over batches."""
    ufunc = np.frompyfunc(function, count, 1)

    def batched(sorts: Sorts, indices: Indices, *xs: Any) -> Any:
        made = ufunc(*(x if x.dtype == object else x.astype(object) for x in xs))
        return made.astype(result) if result else made

    return batched
