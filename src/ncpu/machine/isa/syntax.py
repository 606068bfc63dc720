"""Operand syntax: one string per instruction, read in both directions.

`"{r|sp:rd}, {r|sp:rn}, #{u:imm12}<, lsl #{is12:sh}>"` prints and parses the operands of
ADD (immediate).  A syntax string is made of

  `{kind:field,field}`  an operand of one of `KINDS` over these fields of the row's pattern;
                        `field=n` is the value when the text leaves the operand out (else 0);
  `<...>`               optional text, printed unless all its fields have those values;
  anything else         itself; blanks and `#` may be left out when reading.

A string may begin with a suffix of the mnemonic, `{cond:cond}` or `{2:q}`: see `SUFFIXES`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

Fields = dict[str, int]
Places = Mapping[str, tuple[int, int]]


class OperandError(Exception):
    """An operand of the right shape with an impossible value; says what is accepted."""


class ExpressionError(OperandError):
    """An expression that has no value: malformed, or with unknown symbols."""


@dataclass(frozen=True)
class Context:
    """What reading an operand needs to know: how to evaluate expressions, and where we are."""

    evaluate: Callable[[str], int]
    pc: int = 0


@dataclass(frozen=True)
class Operand:
    """One operand, in both directions.

    Attributes:
      fields: the fields it covers.
      regex: what its text looks like, without capturing groups.
      show: (fields, pc) to text.
      read: (text, fields known so far, context) to fields; raises `OperandError`.
      label: how error messages and the docs call it.
    """

    fields: tuple[str, ...]
    regex: str
    show: Callable[[Fields, int], str]
    read: Callable[[str, Fields, Context], Fields]
    label: str

    def format(self, fields: Fields, pc: int = 0) -> str:
        """The operand's text in an instruction at `pc`."""
        return self.show(fields, pc)

    def parse(self, text: str, known: Fields, context: Context) -> Fields:
        """The field values that `text` stands for."""
        return self.read(text, known, context)


@dataclass(frozen=True)
class Slot:
    """A `{kind*scale:fields}` before it becomes an `Operand`; kinds may have `.details`."""

    kind: str
    scale: int
    fields: tuple[str, ...]
    places: Places

    @property
    def width(self) -> int:
        """Bits of all its fields together."""
        return sum(self.places[name][1] for name in self.fields)

    def join(self, values: Fields) -> int:
        """The fields as one number, the first one highest."""
        out = 0
        for name in self.fields:
            out = out << self.places[name][1] | values[name]
        return out

    def split(self, value: int) -> Fields:
        """Inverse of `join`, modulo the width."""
        out: Fields = {}
        for name in reversed(self.fields):
            width = self.places[name][1]
            out[name] = value & ((1 << width) - 1)
            value >>= width
        return out


Builder = Callable[[Slot], Operand]

CONDITIONS = (
    "eq",
    "ne",
    "hs",
    "lo",
    "mi",
    "pl",
    "vs",
    "vc",
    "hi",
    "ls",
    "ge",
    "lt",
    "gt",
    "le",
    "al",
    "nv",
)
SUFFIXES: dict[str, tuple[tuple[str, int], ...]] = {
    "2": (("", 0), ("2", 1)),
    "cond": (*((name, code) for code, name in enumerate(CONDITIONS)), ("cs", 2), ("cc", 3)),
}

_SLOT = re.compile(r"\{([^:{}*]+)(?:\*(\d+))?:([^{}]*)\}")
_LITERAL = {",": r"\s*,\s*", "[": r"\[\s*", "]": r"\s*\]", "#": r"#?\s*", "!": r"\s*!", " ": r"\s+"}


@dataclass
class Syntax:
    """A syntax string for a pattern with these `places`.

    Attributes:
      parts: literal text, operands, and lists of these for optional text.
      defaults: the value of each covered field when the text leaves it out.
      suffix: (field, ((text, value), ...)) of the mnemonic's suffix, if it has one.
    """

    source: str
    places: Places
    kinds: Mapping[str, Builder]
    parts: list = field(default_factory=list)
    defaults: Fields = field(default_factory=dict)
    suffix: tuple[str, tuple[tuple[str, int], ...]] | None = None

    def __post_init__(self) -> None:
        """Split the source into its parts."""
        rest = self.source
        head = _SLOT.match(rest)
        if head and head[1] in SUFFIXES:
            self.suffix = (head[3], SUFFIXES[head[1]])
            self.defaults[head[3]] = 0
            rest = rest[head.end() :].lstrip()
        self.parts = self._split(rest)

    def _split(self, text: str) -> list:
        """Text with slots and `<...>` to parts."""
        parts: list = []
        stack: list[list] = []
        at = 0
        for token in re.finditer(rf"{_SLOT.pattern}|[<>]", text):
            if token.start() > at:
                parts.append(text[at : token.start()])
            at = token.end()
            if token[0] == "<":
                stack.append(parts)
                parts = []
            elif token[0] == ">":
                stack[-1].append(parts)
                parts = stack.pop()
            else:
                parts.append(self._operand(token[1], token[2], token[3]))
        if at < len(text):
            parts.append(text[at:])
        if stack:
            raise ValueError(f"unclosed < in syntax {self.source!r}")
        return parts

    def _operand(self, kind: str, scale: str | None, arguments: str) -> Operand:
        names = []
        for argument in filter(None, arguments.split(",")):
            name, _, default = argument.partition("=")
            self.defaults[name] = int(default or 0)
            names.append(name)
            if name not in self.places:
                raise ValueError(f"{self.source!r} names {name}, the pattern has {[*self.places]}")
        builder = self.kinds.get(kind.partition(".")[0])
        if builder is None:
            raise ValueError(f"{self.source!r}: no operand kind {kind!r}")
        return builder(Slot(kind, int(scale or 1), tuple(names), self.places))

    # -- printing

    def format(self, fields: Fields, pc: int = 0) -> str:
        """The operands' text in an instruction at `pc`."""
        return self._format(self.parts, fields, pc)

    def _format(self, parts: list, fields: Fields, pc: int) -> str:
        out = ""
        for part in parts:
            if isinstance(part, str):
                out += part
            elif isinstance(part, Operand):
                out += part.show(fields, pc)
            elif any(fields[n] != self.defaults[n] for p in _flat(part) for n in p.fields):
                out += self._format(part, fields, pc)
        return out

    def describe(self, parts: list | None = None) -> str:
        """The operands' form for people: `Rd|SP, Rn|SP, #imm12{, lsl #12}`."""
        out = ""
        for part in self.parts if parts is None else parts:
            if isinstance(part, str):
                out += part
            else:
                out += part.label if isinstance(part, Operand) else f"{{{self.describe(part)}}}"
        return out

    # -- reading

    @cached_property
    def operands(self) -> list[Operand]:
        """All operands in order, those of optional text included."""
        return _flat(self.parts)

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """Matches operand text; one group per operand."""
        return re.compile(_regex(self.parts), re.IGNORECASE)

    def parse(self, text: str, context: Context, known: Fields | None = None) -> Fields | None:
        """Field values of operand text, or None where it has another shape.

        Raises:
          OperandError: the shape is right and a value is not.
        """
        match = self.regex.fullmatch(text.strip())
        if match is None:
            return None
        fields = dict(known or {})
        for operand, piece in zip(self.operands, match.groups(), strict=True):
            if piece is None:
                continue
            for name, value in operand.read(piece.strip(), fields, context).items():
                if fields.setdefault(name, value) != value:
                    raise OperandError(f"{piece.strip()!r} does not go with the other operands")
        return {**self.defaults, **fields}


def _flat(parts: list) -> list[Operand]:
    out: list[Operand] = []
    for part in parts:
        if isinstance(part, Operand):
            out.append(part)
        elif isinstance(part, list):
            out += _flat(part)
    return out


def _regex(parts: list) -> str:
    out = ""
    for part in parts:
        if isinstance(part, str):
            text = re.sub(r"\s*,\s*", ",", part)
            out += "".join(_LITERAL.get(c, re.escape(c)) for c in text)
        elif isinstance(part, Operand):
            out += f"({part.regex})"
        else:
            out += f"(?:{_regex(part)})?"
    return out
