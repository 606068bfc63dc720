"""Assembly source to statements: comments, labels, character constants, separators."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ncpu.machine.errors import AssemblyError

_ESCAPES = {"n": 10, "t": 9, "r": 13, "b": 8, "f": 12, "0": 0, "a": 7, "e": 27, "v": 11}
_LABEL = re.compile(r"\s*([A-Za-z_.$][\w.$]*|\d+)\s*:(?!\w+:)")
_ASSIGNMENT = re.compile(r"([A-Za-z_.$][\w.$]*)\s*=\s*(?!=)(.+)")
_PIECE = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\\])\'?|//|/\*|;|.', re.DOTALL)


@dataclass(frozen=True)
class Statement:
    """A label definition, directive or instruction.

    Attributes:
      line: number in the source, from 1.
      text: the source line, for messages.
      kind: "label", "directive", "instruction".
      name: the label, the directive with its dot, or the mnemonic.
      operands: the rest, comments removed and character constants replaced by numbers.
    """

    line: int
    text: str
    kind: str
    name: str
    operands: str = ""


def error(line: int, text: str, message: str) -> AssemblyError:
    """An `AssemblyError` that shows where it is."""
    return AssemblyError(f"line {line}: {text.strip()}\n  {message}")


def statements(source: str) -> list[Statement]:
    """The statements of `source`.

    `//` and `/* */` start comments anywhere, `#` and `;` at the beginning of a line; `;`
    elsewhere separates statements, as GNU as has it.

    Raises:
      AssemblyError: an unclosed comment or string.
    """
    out: list[Statement] = []
    lines = source.split("\n")
    for number, piece in _pieces(source):
        rest, text = piece, lines[number - 1]
        while match := _LABEL.match(rest):
            out.append(Statement(number, text, "label", match[1]))
            rest = rest[match.end() :]
        rest = rest.strip()
        if not rest:
            continue
        if match := _ASSIGNMENT.fullmatch(rest):
            operands = f"{match[1]}, {match[2]}"
            out.append(Statement(number, text, "directive", ".set", operands))
            continue
        name, operands = [*rest.split(None, 1), ""][:2]
        kind = "directive" if name[0] == "." else "instruction"
        out.append(Statement(number, text, kind, name.lower(), operands))
    return out


def _pieces(source: str) -> list[tuple[int, str]]:
    """(line, text) of each statement, without comments."""
    out: list[tuple[int, str]] = []
    line, current, at, line_start = 1, "", 0, 0

    def end() -> None:
        nonlocal current
        if current.strip():
            out.append((line, current))
        current = ""

    while at < len(source):
        match = _PIECE.match(source, at)
        assert match is not None
        token, at = match[0], match.end()
        fresh = not source[line_start : match.start()].strip()
        if token == "//" or (fresh and token in "#;"):
            stop = source.find("\n", at)
            at = len(source) if stop < 0 else stop
        elif token == "/*":
            stop = source.find("*/", at)
            if stop < 0:
                raise error(line, source.split("\n")[line - 1], "the comment is not closed by */")
            line += source.count("\n", at, stop)
            at = stop + 2
            current += " "
        elif token == "\n":
            end()
            line += 1
            line_start = at
        elif token == ";":
            end()
        elif token == '"':
            raise error(line, source.split("\n")[line - 1], "the string is not closed")
        elif token[0] == "'" and len(token) > 1:
            current += str(character(token[1:].removesuffix("'") or "'"))
        else:
            current += token
    end()
    return out


def character(text: str) -> int:
    """The code of a character, escaped or not."""
    return _ESCAPES.get(text[1], ord(text[1])) if text[0] == "\\" else ord(text)


def string(text: str) -> bytes:
    """The bytes of a string literal's inside: C escapes, UTF-8."""
    out, at = bytearray(), 0
    while at < len(text):
        if text[at] != "\\":
            out += text[at].encode()
            at += 1
            continue
        if match := re.compile(r"\\x([0-9a-fA-F]{1,2})|\\([0-7]{1,3})").match(text, at):
            out.append(int(match[1], 16) if match[1] else int(match[2], 8) & 255)
            at = match.end()
        else:
            out.append(character(text[at : at + 2]))
            at += 2
    return bytes(out)


def split(operands: str) -> list[str]:
    """Operands at the commas outside strings and brackets."""
    out, depth, current = [], 0, ""
    for token in re.findall(r'"(?:\\.|[^"\\])*"|.', operands, re.DOTALL):
        depth += (token in "([{") - (token in ")]}") if len(token) == 1 else 0
        if token == "," and not depth:
            out.append(current.strip())
            current = ""
        else:
            current += token
    return [*out, current.strip()] if current.strip() or out else []
