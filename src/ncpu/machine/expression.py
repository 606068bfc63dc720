"""Integer expressions of assembly source, with the precedence of GNU as.

From tightest: unary `- + ~ !`; `* / % << >>`; `| & ^`; `+ -`.  (Shifts bind like products
and `&` tighter than `+`: unlike C.)  Values are Python integers; `/` and `%` truncate.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ncpu.machine.isa.syntax import ExpressionError

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>0x[0-9a-f]+|0b[01]+|\d+(?![\w$.]))
    | (?P<local>\d+[bf](?![\w$.]))
    | (?P<relocation>:\w+:)
    | (?P<name>[\w$.]+)
    | (?P<operator><<|>>|[-+*/%&|^~!()])
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_LEVELS = (("+", "-"), ("|", "&", "^"), ("*", "/", "%", "<<", ">>"))
_RELOCATIONS: dict[str, Callable[[int], int]] = {
    ":lo12:": lambda value: value & 0xFFF,
    ":pg_hi21:": lambda value: value,
    **{
        f":abs_g{k}{nc}:": lambda v, k=k: v >> 16 * k & 0xFFFF
        for k in range(4)
        for nc in ("", "_nc")
    },
}


def _divide(left: int, right: int) -> int:
    if right == 0:
        raise ExpressionError("division by zero in an expression")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


_BINARY: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide,
    "%": lambda a, b: a - b * _divide(a, b),
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "<<": lambda a, b: a << b if 0 <= b < 128 else 0,
    ">>": lambda a, b: a >> max(b, 0),
}


def _tokens(text: str) -> list[tuple[str, str]]:
    out, at = [], 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"{text!r} is no expression")
        assert match.lastgroup is not None
        out.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return out


class _Parser:
    """Recursive descent over one expression; `position` is the next token."""

    def __init__(self, text: str, symbol: Callable[[str], int]) -> None:
        self.text, self.symbol = text, symbol
        self.tokens, self.position = _tokens(text), 0

    def peek(self) -> str:
        """The next token, "" at the end."""
        return self.tokens[self.position][1] if self.position < len(self.tokens) else ""

    def binary(self, level: int) -> int:
        """An expression of operators of `level` and tighter ones."""
        if level == len(_LEVELS):
            return self.unary()
        value = self.binary(level + 1)
        while self.peek() in _LEVELS[level]:
            operator = self.peek()
            self.position += 1
            value = _BINARY[operator](value, self.binary(level + 1))
        return value

    def unary(self) -> int:
        """A number, a symbol, a parenthesis, or an operator before one."""
        if self.position == len(self.tokens):
            raise ExpressionError(f"{self.text!r} ends where a value is missing")
        kind, text = self.tokens[self.position]
        self.position += 1
        if kind == "number":
            octal = len(text) > 1 and text[0] == "0" and text.isdigit()
            if octal and not set(text) <= set("01234567"):
                raise ExpressionError(f"{text} is no octal number, as the leading 0 says")
            return int(text, 8 if octal else 0)
        if kind in ("name", "local"):
            return self.symbol(text)
        if kind == "relocation":
            if text.lower() not in _RELOCATIONS:
                raise ExpressionError(f"{text} is not known; known are {', '.join(_RELOCATIONS)}")
            return _RELOCATIONS[text.lower()](self.binary(0))
        if text == "(":
            value = self.binary(0)
            if self.peek() != ")":
                raise ExpressionError(f"{self.text!r} lacks a )")
            self.position += 1
            return value
        if text not in "-+~!":
            raise ExpressionError(f"{self.text!r}: a value is missing before {text}")
        value = self.unary()
        return {"-": -value, "+": value, "~": ~value, "!": int(not value)}[text]


def evaluate(text: str, symbol: Callable[[str], int]) -> int:
    """The value of an expression; `symbol` gives that of names, `.` and `1b`, `1f`.

    Raises:
      ExpressionError: it is malformed, or `symbol` does not know a name.
    """
    parser = _Parser(text.strip().removeprefix("#"), symbol)
    value = parser.binary(0)
    if parser.position != len(parser.tokens):
        raise ExpressionError(f"{text!r}: {parser.peek()!r} is not expected there")
    return value
