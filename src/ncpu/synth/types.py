"""Values of specifications: seven kinds, their Python form, and signatures.

| kind | value | Python |
| --- | --- | --- |
| `I` | signed 64-bit integer, wraps | `int` in `[-2**63, 2**63)` |
| `U` | machine word of the signature's width (8, 32 or 64 bits), wraps | `int` in `[0, 2**width)` |
| `B` | truth value | `bool` |
| `S` | string of Unicode characters | `str` |
| `A` | array of `I` of any length | `tuple` of `int` |
| `P` | record of two `I` | `tuple` of two `int` |
| `Q` | record of four `I` | `tuple` of four `int` |
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from ncpu.synth.errors import SpecError

Value: TypeAlias = "int | bool | str | tuple[int, ...]"

WIDTHS = (8, 32, 64)
INT_MIN = -(1 << 63)
INT_MAX = (1 << 63) - 1


class Kind(StrEnum):
    """The kind of one value."""

    I = "I"  # noqa: E741
    U = "U"
    B = "B"
    S = "S"
    A = "A"
    P = "P"
    Q = "Q"


RECORD_SIZE = {Kind.P: 2, Kind.Q: 4}
WANTED = {
    Kind.I: "an integer of signed 64 bits",
    Kind.U: "an unsigned word",
    Kind.B: "true or false",
    Kind.S: "a string",
    Kind.A: "a list of signed 64-bit integers",
    Kind.P: "a record of two signed 64-bit integers",
    Kind.Q: "a record of four signed 64-bit integers",
}


def signed(value: int) -> int:
    """An unbounded integer wrapped to signed 64 bits."""
    return ((value + (1 << 63)) & ((1 << 64) - 1)) - (1 << 63)


def word(value: int, width: int) -> int:
    """An unbounded integer wrapped to an unsigned word of `width` bits."""
    return value & ((1 << width) - 1)


@dataclass(frozen=True)
class Signature:
    """The kinds of a program's arguments and of its result.

    Attributes:
      arguments: kinds of the arguments, in order.
      result: kind of the result.
      width: bits of every `U` in it: 8, 32 or 64; 64 where there is none.
    """

    arguments: tuple[Kind, ...]
    result: Kind
    width: int = 64

    def __post_init__(self) -> None:
        if self.width not in WIDTHS:
            raise SpecError(f"word width {self.width}: accepted are 8, 32 and 64")

    def __str__(self) -> str:
        bits = "" if self.width == 64 else str(self.width)
        names = [kind + bits if kind is Kind.U else str(kind) for kind in self.kinds]
        return f"({','.join(names[:-1])})->{names[-1]}"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of the arguments, then of the result."""
        return (*self.arguments, self.result)

    @classmethod
    def parse(cls, text: str, width: int | None = None) -> Signature:
        """`(I,A)->I`, `(U8,U8)->B`; `→` may stand for `->`.

        Args:
          text: the signature.
          width: bits of a `U` written without a width; 64 if not given.

        Raises:
          SpecError: not of that form, or words of different widths.
        """
        match = re.fullmatch(r"\(?\s*([^()]*?)\s*\)?\s*(?:->|→)\s*(\S+)\s*", text)
        if match is None:
            raise SpecError(f"{text!r} is not a signature such as (I,A)->I")
        names = [name.strip() for name in match[1].split(",") if name.strip()] + [match[2]]
        parts = [re.fullmatch(r"([IBSAPQ]|U(8|32|64)?)", name) for name in names]
        if not all(parts):
            wrong = names[parts.index(None)]
            accepted = "I, U, U8, U32, U64, B, S, A, P, Q"
            raise SpecError(f"{wrong!r} in {text!r} is not one of {accepted}")
        kinds = [Kind(part[1][0]) for part in parts if part]
        widths = {int(part[2]) for part in parts if part and part[2]}
        if len(widths) > 1:
            raise SpecError(f"{text!r} mixes words of {sorted(widths)} bits: one width is accepted")
        return cls(tuple(kinds[:-1]), kinds[-1], *(widths or {width or 64}))


@dataclass(frozen=True)
class Example:
    """One input and the result wanted for it.

    Attributes:
      arguments: one value per argument.
      result: the result.
    """

    arguments: tuple[Value, ...]
    result: Value


def checked(value: Any, kind: Kind, width: int = 64) -> Value:
    """The value in its one Python form (lists become tuples).

    Raises:
      SpecError: not a value of that kind, or out of its range.
    """
    if kind is Kind.B and isinstance(value, bool):
        return value
    if kind is Kind.S and isinstance(value, str):
        return value
    if kind is Kind.I and type(value) is int and INT_MIN <= value <= INT_MAX:
        return value
    if kind is Kind.U and type(value) is int and 0 <= value < 1 << width:
        return value
    if kind in (Kind.A, Kind.P, Kind.Q) and isinstance(value, Sequence):
        fits = all(type(item) is int and INT_MIN <= item <= INT_MAX for item in value)
        if fits and len(value) == RECORD_SIZE.get(kind, len(value)):
            return tuple(value)
    size = f" of {width} bits" if kind is Kind.U else ""
    raise SpecError(f"{value!r} is not {WANTED[kind]}{size} (kind {kind})")


def inferred(value: Any) -> Kind:
    """The kind a Python value is taken for when no signature is given.

    `bool` B, `int` I, `str` S, `list` A, `tuple` of two P and of four Q (other tuples A).

    Raises:
      SpecError: a value of no kind.
    """
    if isinstance(value, bool):
        return Kind.B
    if isinstance(value, int):
        return Kind.I
    if isinstance(value, str):
        return Kind.S
    if isinstance(value, tuple) and len(value) in (2, 4):
        return Kind.P if len(value) == 2 else Kind.Q
    if isinstance(value, (list, tuple)):
        return Kind.A
    raise SpecError(
        f"{value!r} is a {type(value).__name__}: accepted are int, bool, str, lists of int and "
        "tuples of two or four int"
    )
