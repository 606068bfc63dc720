"""Arithmetic problems in decimal: unsigned 32-bit words, as the machine's registers hold them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

MASK = 0xFFFFFFFF
OPS = ("ADD", "SUB", "MUL", "DIV", "AND", "OR", "XOR", "SHL")

_PYTHON: dict[str, Callable[[int, int], int]] = {
    "ADD": lambda a, b: a + b,
    "SUB": lambda a, b: a - b,
    "MUL": lambda a, b: a * b,
    "DIV": lambda a, b: a // b if b else 0,
    "AND": lambda a, b: a & b,
    "OR": lambda a, b: a | b,
    "XOR": lambda a, b: a ^ b,
    "SHL": lambda a, b: a << (b % 32),
}


@dataclass(frozen=True)
class Problem:
    """One operation on two operands as they are written.

    Attributes:
      op: one of `OPS`.
      a: the first operand, decimal digits, perhaps with leading zeros.
      b: the second.
    """

    op: str
    a: str
    b: str

    @property
    def answer(self) -> int:
        """The result modulo 2**32, by Python's integers: 0 for a division by zero."""
        return _PYTHON[self.op](int(self.a), int(self.b)) & MASK


def digits(rng: Random, low: int, high: int) -> str:
    """A number of `low` to `high` digits, each length as likely, without a leading zero."""
    length = rng.randint(low, high)
    if length == 1:
        return str(rng.randint(0, 9))
    return str(rng.randint(10 ** (length - 1), 10**length - 1))


def draw(rng: Random, op: str, low: int, high: int) -> Problem:
    """A problem whose operands have `low` to `high` digits.

    A shift's amount is 0 to 31; a divisor has 1 to `high` digits, so that quotients vary.
    """
    a = digits(rng, low, high)
    if op == "SHL":
        return Problem(op, a, str(rng.randint(0, 31)))
    return Problem(op, a, digits(rng, 1 if op == "DIV" else low, high))


def chain(rng: Random, op: str) -> Problem:
    """An addition that carries, or a subtraction that borrows, through 4 to 9 digits."""
    length = rng.randint(4, 9)
    low = rng.randint(1, 9)
    if op == "ADD":
        return Problem(op, "9" * length, str(low))
    return Problem(op, "1" + "0" * (length - 1), str(low))


def edge(rng: Random, name: str) -> Problem:
    """A problem of one of the families in `EDGES`, 1 to 9 digits."""
    a, b = digits(rng, 1, 9), digits(rng, 1, 9)
    match name:
        case "carry chain":
            return chain(rng, "ADD")
        case "borrow chain":
            return chain(rng, "SUB")
        case "shift by 0":
            return Problem("SHL", a, "0")
        case "shift by 31":
            return Problem("SHL", a, "31")
        case "divisor 1":
            return Problem("DIV", a, "1")
        case "divisor 0":
            return Problem("DIV", a, "0")
        case "equal operands":
            return Problem(rng.choice(OPS[:-1]), a, a)
        case "leading zeros":
            a, b = (x.zfill(min(9, len(x) + rng.randint(1, 3))) for x in (a, b))
            return Problem(rng.choice(OPS[:-1]), a, b)
        case "wraps":
            return Problem("SUB", *sorted((a, b), key=int))
    raise KeyError(name)


EDGES = (
    "carry chain",
    "borrow chain",
    "shift by 0",
    "shift by 31",
    "divisor 1",
    "divisor 0",
    "equal operands",
    "leading zeros",
    "wraps",
)


def practice(rng: Random, low: int = 1, high: int = 4) -> Problem:
    """A problem to train on: operations alike often, a few leading zeros and edge values."""
    op = rng.choice(OPS)
    problem = draw(rng, op, low, high)
    a, b = problem.a, problem.b
    chance = rng.random()
    if chance < 0.03:
        a = a.zfill(rng.randint(len(a), high))
    elif chance < 0.06 and op != "SHL":
        b = rng.choice((a, "0", "1"))
    return Problem(op, a, b)
