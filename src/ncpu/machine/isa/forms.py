"""Forms: every way an instruction is written, made from the table, its aliases and syntax."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache

import numpy as np

from ncpu.machine.isa import TABLE
from ncpu.machine.isa.aliases import ACCEPTED, ALIASES
from ncpu.machine.isa.operands import KINDS as GENERAL
from ncpu.machine.isa.rows import Row
from ncpu.machine.isa.syntax import Context, ExpressionError, Fields, OperandError, Syntax
from ncpu.machine.isa.vector_operands import VECTORS
from ncpu.machine.isa.vector_syntax import vector_syntax

KINDS = {**GENERAL, **VECTORS}


@dataclass(frozen=True)
class Form:
    """One way to write an instruction.

    Attributes:
      row: a row of the table, or an alias.
      bases: the table rows whose encodings it can make.
      syntax: its operands.
      names: (mnemonic, fields that it implies); more than one where it has a suffix.
    """

    row: Row
    bases: tuple[Row, ...]
    syntax: Syntax
    names: tuple[tuple[str, Fields], ...]

    def format(self, word: int, pc: int) -> str:
        """The text of a word that this form matches."""
        fields = {n: word >> low & (1 << width) - 1 for n, (low, width) in self.row.places.items()}
        name = self.names[0][0]
        if self.syntax.suffix:
            field = self.syntax.suffix[0]
            name = next(n for n, implied in self.names if implied[field] == fields[field])
        operands = self.syntax.format(fields, pc)
        return f"{name} {operands}" if operands else name

    def encode(self, mnemonic: str, operands: str, context: Context) -> int | None:
        """The word of operand text, None where the text has another shape.

        Raises:
          OperandError: a value is impossible.
        """
        implied = next(fields for name, fields in self.names if name == mnemonic)
        fields = self.syntax.parse(operands, context, implied)
        if fields is None:
            return None
        word = self.row.match
        for name, (low, width) in self.row.places.items():
            word |= (fields.get(name, 0) & (1 << width) - 1) << low
        if not any(_matches(row, word) for row in self.bases):
            raise OperandError("these values together are not allocated")
        return word

    def preferred(self, word: int) -> bool:
        """Whether `word` meets the condition of an alias."""
        return _matches(self.row, word)

    def describe(self) -> str:
        """The form for people: `add Rd|SP, Rn|SP, #imm12{, lsl #12}`."""
        name = "|".join(name for name, _ in self.names)
        return f"{name} {self.syntax.describe()}".rstrip()


def _matches(row: Row, word: int) -> bool:
    if word & row.mask != row.match:
        return False
    return row.valid is None or bool(row.matches(np.array([word], np.uint32))[0])


def encode(mnemonic: str, operands: str, context: Context) -> int:
    """The word of an instruction.

    Raises:
      OperandError: no such mnemonic or operands; says what is accepted.
    """
    candidates = forms().get(mnemonic, ())
    if not candidates:
        raise OperandError(f"unknown instruction {mnemonic!r}{_close(mnemonic)}")
    reasons: list[OperandError] = []
    shaped: list[Form] = []  # forms whose shape the text has
    possible: int | None = None
    for form in candidates:
        try:
            word = form.encode(mnemonic, operands, context)
        except OperandError as reason:
            reasons.append(reason)
            shaped.append(form)
            continue
        if word is None:
            continue
        if form.preferred(word):
            return word
        possible = word if possible is None else possible
    if possible is not None:
        return possible
    for reason in reasons:
        if isinstance(reason, ExpressionError):
            raise reason
    lines = [*dict.fromkeys(map(str, reasons))][:3]
    lines = lines or [f"{mnemonic} does not take {operands or 'nothing'!r}"]
    accepted = _accepted(shaped or _alike(candidates, operands))
    raise OperandError("\n  ".join([*lines, "accepted:", *(f"  {form}" for form in accepted)]))


def _alike(candidates: tuple[Form, ...], operands: str) -> list[Form]:
    """The forms whose first operand the text has; all when there are none."""
    first = operands.split(",")[0].strip()
    same = [
        form
        for form in candidates
        if form.syntax.operands and re.fullmatch(form.syntax.operands[0].regex, first, re.I)
    ]
    return same or list(candidates)


def _accepted(candidates: list[Form], most: int = 12) -> list[str]:
    texts = [*dict.fromkeys(form.describe() for form in candidates)]
    more = [f"and {len(texts) - most} more"] if len(texts) > most else []
    return texts[:most] + more


def _close(mnemonic: str) -> str:
    close = difflib.get_close_matches(mnemonic, forms(), 5, 0.6)
    return f"; close are {', '.join(close)}" if close else ""


def _names(row: Row, syntax: Syntax) -> tuple[tuple[str, Fields], ...]:
    stem = row.mnemonic.split()[0]
    if syntax.suffix is None:
        return ((stem, {}),)
    field, choices = syntax.suffix
    stem = stem.removesuffix("cond")
    return tuple((stem + text, {field: value}) for text, value in choices)


def _contains(base: Row, row: Row) -> bool:
    return base.mask & row.mask == base.mask and (base.match ^ row.match) & base.mask == 0


def _form(row: Row, bases: tuple[Row, ...]) -> Form:
    syntax = Syntax(row.syntax or vector_syntax(row), row.places, KINDS)
    return Form(row, bases, syntax, _names(row, syntax))


def _bases(alias: Row) -> tuple[Row, ...]:
    bases = tuple(row for row in TABLE if _contains(row, alias))
    if not bases:
        raise ValueError(f"alias {alias.mnemonic} {alias.pattern} is no row of the table")
    return bases


@cache
def row_forms() -> tuple[Form | None, ...]:
    """The form of each row of the table; None for a row without syntax."""
    return tuple(_form(row, (row,)) if row.syntax or vector_syntax(row) else None for row in TABLE)


@cache
def alias_forms() -> tuple[Form, ...]:
    """The form of each preferred alias."""
    return tuple(_form(alias, _bases(alias)) for alias in ALIASES)


@cache
def printers() -> tuple[tuple[Form, ...], ...]:
    """For each row of the table, its aliases in order of preference and then itself."""
    return tuple(
        (*(alias for alias in alias_forms() if form.row in alias.bases), form) if form else ()
        for form in row_forms()
    )


@cache
def forms() -> dict[str, tuple[Form, ...]]:
    """All forms of each mnemonic, in the order in which the assembler tries them."""
    out: dict[str, list[Form]] = defaultdict(list)
    accepted = (_form(alias, _bases(alias)) for alias in ACCEPTED)
    for form in (*alias_forms(), *filter(None, row_forms()), *accepted):
        for name, _ in form.names:
            out[name].append(form)
    return {name: tuple(forms) for name, forms in out.items()}
