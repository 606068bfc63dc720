"""S-expressions with the line and column of every part."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from ncpu.synth.errors import SourceError

DEEPEST = 200  # nested lists; far more than any term that is worth writing
_TOKEN = re.compile(
    r"""(?P<blank>[\s]+|;[^\n]*)
      | (?P<open>\() | (?P<close>\))
      | (?P<string>"(?:[^"]|"")*")
      | \|(?P<quoted>[^|\\]*)\|
      | (?P<hex>\#x[0-9A-Fa-f]+) | (?P<binary>\#b[01]+)
      | (?P<keyword>:[A-Za-z0-9~!@$%^&*_+=<>.?/-]+)
      | (?P<word>[A-Za-z0-9~!@$%^&*_+=<>.?/-]+)""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\u\{([0-9A-Fa-f]{1,5})\}|\\u([0-9A-Fa-f]{4})")


@dataclass(frozen=True)
class Node:
    """An atom or a list.

    Attributes:
      form: `list`, `symbol`, `numeral`, `decimal`, `hex`, `binary`, `string` or `keyword`.
      text: of an atom, a string without its quotes.
      items: of a list.
      line: where it begins, from 1.
      column: where it begins, from 1.
    """

    form: str
    text: str
    items: tuple[Node, ...]
    line: int
    column: int

    def fail(self, message: str) -> NoReturn:
        """Raises `SourceError` at this place."""
        raise SourceError(message, self.line, self.column)

    def __str__(self) -> str:
        if self.form == "list":
            return f"({' '.join(map(str, self.items))})"
        return f'"{self.text}"' if self.form == "string" else self.text


def read(text: str) -> tuple[Node, ...]:
    """All expressions of a text.

    Raises:
      SourceError: a character that begins nothing, an open list or string, too deep a nesting.
    """
    stack: list[tuple[int, int, list[Node]]] = [(1, 1, [])]
    place, line, start = 0, 1, 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        column = place - start + 1
        if match is None:
            what = {'"': "a string", "|": "a quoted symbol"}.get(text[place])
            wrong = f"{what} that does not end" if what else f"{text[place]!r} begins nothing here"
            raise SourceError(wrong, line, column)
        form = match.lastgroup or ""
        if form == "open":
            stack.append((line, column, []))
            if len(stack) > DEEPEST:
                raise SourceError(f"lists nested deeper than {DEEPEST}", line, column)
        elif form == "close":
            if len(stack) == 1:
                raise SourceError("`)` without `(`", line, column)
            began, at, items = stack.pop()
            stack[-1][2].append(Node("list", "", tuple(items), began, at))
        elif form != "blank":
            stack[-1][2].append(_atom(form, match[form], line, column))
        newlines = match[0].count("\n")
        if newlines:
            line += newlines
            start = place + match[0].rindex("\n") + 1
        place = match.end()
    if len(stack) > 1:
        began, at, _ = stack[-1]
        raise SourceError("`(` that is not closed", began, at)
    return tuple(stack[0][2])


def _atom(form: str, text: str, line: int, column: int) -> Node:
    if form == "string":
        form, text = "string", unescaped(text[1:-1].replace('""', '"'))
    elif form == "quoted":
        form = "symbol"
    elif form == "word":
        form = "numeral" if re.fullmatch(r"-?\d+", text) else "symbol"
        if re.fullmatch(r"-?\d+\.\d+", text):
            form = "decimal"
    return Node(form, text, (), line, column)


def unescaped(text: str) -> str:
    r"""A string literal's characters: `\u{41}` and `\u0041` stand for one; all else for itself."""

    def character(match: re.Match[str]) -> str:
        code = int(match[1] or match[2], 16)
        return chr(code) if code < 0x30000 else match[0]

    return _ESCAPE.sub(character, text)


def escaped(text: str) -> str:
    """A string literal of these characters."""
    plain = [c if " " <= c <= "~" and c != "\\" else f"\\u{{{ord(c):x}}}" for c in text]
    return '"' + "".join(plain).replace('"', '""') + '"'
