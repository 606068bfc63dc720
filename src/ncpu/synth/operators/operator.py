"""One row of the operator table, and what the rows are made with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ncpu.synth.types import Kind

DTYPE: dict[Kind, Any] = {Kind.I: np.int64, Kind.U: np.uint64, Kind.B: np.bool_}


@dataclass(frozen=True)
class Operator:
    """One row.

    Attributes:
      name: how expressions name it.
      arguments: kinds of the operands.
      result: kind of the result.
      batched: `(width, *operands) -> result`, broadcasting NumPy arrays.
      python: source template; scalar, exact up to the wrap of `ring`.
      cost: what one use adds to a program's size.
      ring: the value is right modulo 2**64 when the operands are, so emitted Python may wrap late.
      commutes: operands may be swapped.
      c: C template over `int64_t`, the word type and `bool`; empty where there is none.
      rust: Rust template; empty where there is none.
      jax: JAX template under 64-bit types; empty where there is none.
      a64: instructions over `{d}` (result, no operand), `{t}`, `{u}` (free), operands, `{w}`,
        `{z}` = 64 - width and `{v}` = width - 1; empty where there is none.
      build: makes the expression of its operands, for a row that stands for more than one
        operator, such as a loop with a given body; such a row is in no table.
    """

    name: str
    arguments: tuple[Kind, ...]
    result: Kind
    batched: Callable[..., Any] = field(compare=False)
    python: str
    cost: int = 1
    ring: bool = False
    commutes: bool = False
    c: str = ""
    rust: str = ""
    jax: str = ""
    a64: tuple[str, ...] = ()
    build: Callable[..., Any] | None = field(default=None, compare=False)


def mask(width: int) -> np.uint64:
    """All ones."""
    return np.uint64((1 << width) - 1)


def word(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose result is cut to the width."""
    return lambda w, *operands: function(*operands) & mask(w)


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that does not depend on the width."""
    return lambda w, *operands: function(*operands)


def each(function: Callable[..., Any], count: int, result: Kind) -> Callable[..., Any]:
    """A Python function made to broadcast over object arrays."""
    ufunc = np.frompyfunc(function, count, 1)

    def batched(w: int, *operands: Any) -> Any:
        native = [a if a.dtype == object else a.astype(object) for a in operands]
        return np.asarray(ufunc(*native)).astype(DTYPE.get(result, object))

    return batched


def apply(row: Operator, operands: tuple[Any, ...], width: int = 64) -> Any:
    """An operator over batches.

    Args:
      row: the operator.
      operands: arrays that broadcast: int64 for `I`, uint64 for `U`, bool for `B`, else object.
      width: bits of a word.

    Returns:
      The batch of results, in the dtype of its kind.
    """
    with np.errstate(all="ignore"):
        return row.batched(width, *operands)
