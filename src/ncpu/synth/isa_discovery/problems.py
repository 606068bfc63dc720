"""Small problems that an instruction set has to solve, and the forms it may be made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Problem:
    """A function of 64-bit words.

    Attributes:
      name: for tables only.
      arity: of its arguments, 1 to 3.
      function: on integers in [0, 2**64); the result is taken modulo 2**64.
    """

    name: str
    arity: int
    function: Callable[..., int]


def _s(x: int) -> int:
    """A word as a signed integer."""
    return x - (1 << 64) if x >> 63 else x


PROBLEMS = (
    Problem("sum", 2, lambda x, y: x + y),
    Problem("difference", 2, lambda x, y: x - y),
    Problem("negative", 1, lambda x: -x),
    Problem("complement", 1, lambda x: ~x),
    Problem("not and", 2, lambda x, y: ~(x & y)),
    Problem("exclusive or", 2, lambda x, y: x ^ y),
    Problem("equal bits", 2, lambda x, y: ~(x ^ y)),
    Problem("x without y", 2, lambda x, y: x & ~y),
    Problem("twice", 1, lambda x: 2 * x),
    Problem("three times", 1, lambda x: 3 * x),
    Problem("half", 1, lambda x: x >> 1),
    Problem("square plus", 2, lambda x, y: x * x + y),
    Problem("product less", 3, lambda x, y, z: x * y - z),
    Problem("remainder", 2, lambda x, y: x % y if y else x),
    Problem("lowest one cleared", 1, lambda x: x & (x - 1)),
    Problem("lowest one isolated", 1, lambda x: x & -x),
    Problem("lowest one spread", 1, lambda x: x | (x - 1)),
    Problem("mask to lowest one", 1, lambda x: x ^ (x - 1)),
    Problem("lowest zero set", 1, lambda x: x | (x + 1)),
    Problem("lowest zero isolated", 1, lambda x: ~x & (x + 1)),
    Problem("trailing zeros as mask", 1, lambda x: ~x & (x - 1)),
    Problem("trailing ones cleared", 1, lambda x: x & (x + 1)),
    Problem("number of trailing zeros", 1, lambda x: (x & -x).bit_length() - 1 if x else 64),
    Problem("sign as mask", 1, lambda x: _s(x) >> 63),
    Problem("absolute value", 1, lambda x: abs(_s(x))),
    Problem("average, down", 2, lambda x, y: (x + y) >> 1),
    Problem("average, up", 2, lambda x, y: (x + y + 1) >> 1),
    Problem("least, signed", 2, lambda x, y: min(x, y, key=_s)),
    Problem("greatest, signed", 2, lambda x, y: max(x, y, key=_s)),
    Problem("least", 2, min),
    Problem("less, signed", 2, lambda x, y: int(_s(x) < _s(y))),
    Problem("equal", 2, lambda x, y: int(x == y)),
)

FORMS = (
    *(f"{n} {{d}}, {{a}}, {{b}}" for n in ("add", "sub", "and", "orr", "eor")),
    *(f"{n} {{d}}, {{a}}, {{b}}" for n in ("bic", "orn", "eon", "mul", "udiv")),
    *(f"{n} {{d}}, {{a}}, {{b}}, {{c}}" for n in ("madd", "msub")),
    *(f"{n} {{d}}, {{a}}" for n in ("neg", "mvn", "clz", "rbit")),
    *(f"{n} {{d}}, {{a}}, #1" for n in ("add", "sub", "lsl", "lsr")),
    "asr {d}, {a}, #63",
    "add {d}, {a}, {b}, lsl #1",
    "add {d}, {a}, {b}, lsr #1",
    "sub {d}, {a}, {b}, lsr #1",
    "eor {d}, {a}, {b}, asr #63",
    "sub {d}, {a}, {b}, asr #63",
    "cmp {a}, {b}",
    *(f"csel {{d}}, {{a}}, {{b}}, {c}" for c in ("lt", "lo", "eq")),
    *(f"cset {{d}}, {c}" for c in ("lt", "eq")),
)
