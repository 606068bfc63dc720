"""The MUXLEQ assembler: source with labels, data and mnemonics to the words of an image.

Every mnemonic is one or a few triples `a, b, c`, a row of `FORMS`.  `#expression` as an
operand is the address of a word that holds the value; such words, each value once, and the
two work words that some mnemonics need stand after the program.  Comments, labels,
character constants and expressions are those of the A64 assembler.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ncpu.machine.asm_source import Statement, error, split, statements, string
from ncpu.machine.errors import AssemblyError
from ncpu.machine.expression import evaluate
from ncpu.machine.isa.syntax import ExpressionError
from ncpu.machine.muxleq.execute import END, ONES, WORDS

# Mnemonic: its operands and its triples.  In a triple `$k` is an operand's address, `?x`
# a mask in the c field, `#v` a constant's address, `>k` the address of triple k (the count
# of triples: what follows) and `>k.a` one of its words.  NIL is a word that holds 0 between
# instructions, ODD one whose lowest bit is always set.  Operands named `to` are written.
FORMS: dict[str, tuple[str, str]] = {
    "subleq": ("from to label", "$0 $1 $2"),
    "mux": ("from to mask", "$0 $1 ?$2"),
    "get": ("to", "-1 $0 >1"),
    "put": ("from", "$0 -1 >1"),
    "jmp": ("label", "NIL NIL $0"),
    "hlt": ("", "NIL NIL -1"),
    "mov": ("to from", "$1 $0 ?#0"),
    "sub": ("to from", "$1 $0 >1"),
    "add": ("to from", "$1 NIL >1 / NIL $0 >2 / NIL NIL >3"),
    "and": ("to from", "#0 $0 ?$1"),
    "or": ("to from", "$1 $0 ?$0"),
    "jle": ("word label", "#0 $0 $1"),
    "jgt": ("word label", "#0 $0 >2 / NIL NIL $1"),
    "jlt": ("word label", "$0 ODD ?#1 / #0 ODD $1"),
    "jge": ("word label", "$0 ODD ?#1 / #0 ODD >3 / NIL NIL $1"),
    "jz": ("word label", "#0 $0 >2 / NIL NIL >5 / $0 ODD ?#1 / #0 ODD >5 / NIL NIL $1"),
    "jnz": ("word label", "#0 $0 >2 / NIL NIL $1 / $0 ODD ?#1 / #0 ODD $1"),
    "ld": ("to pointer", "$1 >1.a ?#0 / 0 $0 ?#0"),
    "st": ("pointer from", "$0 >1.b ?#0 / $1 0 ?#0"),
    "jmpi": ("pointer", "$0 >1.c ?#0 / NIL NIL 0"),
    "call": ("routine", "#>2 $0 ?#0 / NIL NIL $0+1"),
    "ret": ("routine", "$0 >1.c ?#0 / NIL NIL 0"),
}
_WORK = {"NIL": 0, "ODD": 1}
_DIRECTIVES = (".word", ".zero", ".ascii", ".asciz", ".counted", ".set")
_STRING = re.compile(r'"((?:\\.|[^"\\])*)"')


@dataclass(frozen=True)
class Assembled:
    """The result of assembling.

    Attributes:
      words: the image, NumPy `u16[n]`.
      symbols: labels and `.set` names to values.
      lines: address of each instruction's first triple to its line in the source.
    """

    words: np.ndarray
    symbols: dict[str, int]
    lines: dict[int, int]


def assemble(source: str) -> Assembled:
    """Assemble MUXLEQ source; `docs/muxleq.md` has the language.

    Raises:
      AssemblyError: with the line's number and text, what is wrong and what is accepted.

    >>> assemble("put #65\\nhlt").words.tolist()
    [6, 65535, 3, 7, 7, 65535, 65, 0]
    """
    return _Assembler(statements(source)).run()


@dataclass
class _Assembler:
    """Two passes: the first places labels (sizes do not depend on them), the second encodes."""

    code: list[Statement]
    symbols: dict[str, int] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)
    here: int = 0
    words: list[int] = field(default_factory=list)
    pool: list[int] = field(default_factory=list)
    constants: dict[int, int] = field(default_factory=dict)
    work: dict[str, int] = field(default_factory=dict)

    def run(self) -> Assembled:
        """Both passes."""
        self._each(self._place)
        end, self.here = self.here, 0
        if end > WORDS:
            raise AssemblyError(f"the program has {end:,} words: at most {WORDS:,}")
        self.pool_start = end
        self._each(self._encode)
        words = [value & ONES for value in [*self.words, *self.pool]]
        if not 1 <= len(words) <= WORDS:
            raise AssemblyError(
                f"the program and its constants have {len(words):,} words: from 1 to {WORDS:,}"
            )
        return Assembled(np.array(words, np.uint16), self.symbols, self.lines)

    def _each(self, handle: Callable[[Statement], None]) -> None:
        for statement in self.code:
            try:
                handle(statement)
            except ExpressionError as reason:
                raise error(statement.line, statement.text, str(reason)) from None

    # The first pass.
    def _place(self, s: Statement) -> None:
        if s.kind == "label":
            self._define(s.name, self.here)
        elif s.name == ".set":
            name, value = _two(s)
            self._define(name, self._value(value))
        else:
            self.here += self._size(s)

    def _define(self, name: str, value: int) -> None:
        if name in self.symbols or name == ".":
            raise ExpressionError(f"{name!r} is already defined")
        if name.isdigit():
            raise ExpressionError(f"{name!r}: a label starts with a letter")
        self.symbols[name] = value

    def _size(self, s: Statement) -> int:
        if s.kind == "instruction":
            return 3 * len(_triples(s.name))
        if s.name == ".zero":
            count = self._value(s.operands)
            if not 0 <= count <= WORDS:
                raise ExpressionError(f".zero {count}: from 0 to {WORDS:,} words")
            return count
        return len(_data(s))

    # The second pass.
    def _encode(self, s: Statement) -> None:
        if s.kind == "instruction":
            self.lines[self.here] = s.line
            self._instruction(s)
        elif s.name == ".zero":
            self.words += [0] * self._value(s.operands)
        elif s.kind == "directive" and s.name != ".set":
            items = _data(s)
            self.words += [
                item if isinstance(item, int) else self._word(item, "a word") for item in items
            ]
        self.here = len(self.words)

    def _instruction(self, s: Statement) -> None:
        names, given = FORMS[s.name][0].split(), split(s.operands)
        if s.name == "subleq" and len(given) == 2:
            given.append(f"{self.here + 3}")
        if len(given) != len(names):
            raise ExpressionError(f"accepted: {s.name} {', '.join(names)}".rstrip())
        for name, text in zip(names, given, strict=True):
            if name == "to" and text.startswith("#"):
                raise ExpressionError(f"{text!r} is a constant: it cannot be written")
        operands = [self._operand(text) for text in given]
        for triple in _triples(s.name):
            self.words += [self._field(token, operands) for token in triple]

    def _field(self, token: str, operands: list[int]) -> int:
        if token.startswith("?"):
            mask = self._field(token[1:], operands)
            if not 0 <= mask < END - 1:
                raise ExpressionError(f"a mask at {mask:#x}: masks are words 0 to {END - 2:#x}")
            return END + mask
        if token.startswith("#"):
            return self._constant(self._field(token[1:], operands))
        if token.startswith(">"):
            index, _, part = token[1:].partition(".")
            return self.here + 3 * int(index) + "abc".index(part or "a")
        if token.startswith("$"):
            index, _, more = token[1:].partition("+")
            return operands[int(index)] + int(more or 0)
        return self._work(token) if token in _WORK else int(token)

    def _operand(self, text: str) -> int:
        if text.startswith("#"):
            return self._constant(self._word(text[1:], "a constant"))
        return self._word(text, "an address")

    def _word(self, text: str, what: str) -> int:
        value = self._value(text)
        if not -END <= value < WORDS:
            raise ExpressionError(f"{text} is {value}: {what} is from {-END} to {ONES}")
        return value & ONES

    def _constant(self, value: int) -> int:
        return self._pooled(self.constants, value & ONES, value & ONES)

    def _work(self, name: str) -> int:
        return self._pooled(self.work, name, _WORK[name])

    def _pooled(self, places: dict, key: int | str, value: int) -> int:
        if key not in places:
            places[key] = self.pool_start + len(self.pool)
            self.pool.append(value)
        return places[key]

    def _value(self, text: str) -> int:
        return evaluate(text, self._symbol)

    def _symbol(self, name: str) -> int:
        if name == ".":
            return self.here
        if name not in self.symbols:
            close = difflib.get_close_matches(name, self.symbols, 3, 0.6)
            hint = f"; close are {', '.join(close)}" if close else ""
            raise ExpressionError(f"there is no label {name!r}{hint}")
        return self.symbols[name]


def _triples(name: str) -> list[list[str]]:
    if name not in FORMS:
        close = difflib.get_close_matches(name, FORMS, 3, 0.5)
        kind = "close" if close else "known"
        raise ExpressionError(
            f"unknown instruction {name!r}; {kind} are {', '.join(close or FORMS)}"
        )
    return [triple.split() for triple in FORMS[name][1].split("/")]


def _two(s: Statement) -> list[str]:
    parts = split(s.operands)
    if len(parts) != 2:
        raise ExpressionError("accepted: .set name, value or name = value")
    return parts


def _data(s: Statement) -> list[int | str]:
    """The words of a directive, known ones as numbers, others as expressions."""
    if s.name not in _DIRECTIVES:
        raise ExpressionError(f"unknown directive {s.name}; there are {', '.join(_DIRECTIVES)}")
    if s.name == ".word":
        return [*split(s.operands)]
    match = _STRING.fullmatch(s.operands.strip())
    if match is None:
        raise ExpressionError(f'accepted: {s.name} "text", one character a word')
    text = list(string(match[1]))
    before = [len(text)] if s.name == ".counted" else []
    return [*before, *text, *([0] if s.name == ".asciz" else [])]
