"""What the instruction table holds, as data and as the page `docs/isa.md`."""

from __future__ import annotations

from dataclasses import dataclass

from ncpu.machine.isa import TABLE
from ncpu.machine.isa.aliases import ALIASES
from ncpu.machine.isa.forms import alias_forms, row_forms
from ncpu.machine.isa.rows import Row


@dataclass(frozen=True)
class Coverage:
    """One group of the table.

    Attributes:
      group: its heading.
      mnemonics: distinct mnemonics, sorted.
      rows: encodings.
      words: 32-bit words that match a row's fixed bits, unallocated ones included.
    """

    group: str
    mnemonics: tuple[str, ...]
    rows: int
    words: int


def coverage() -> list[Coverage]:
    """Each group of the table, in its order."""
    groups: dict[str, list[Row]] = {}
    for row in TABLE:
        groups.setdefault(row.group, []).append(row)
    return [
        Coverage(
            group,
            tuple(sorted({row.mnemonic for row in rows})),
            len(rows),
            sum(1 << 32 - row.mask.bit_count() for row in rows),
        )
        for group, rows in groups.items()
    ]


def isa_markdown() -> str:
    """The text of `docs/isa.md`: every form of every instruction, generated from the table."""
    found = coverage()
    rows, mnemonics = len(TABLE), len({row.mnemonic for row in TABLE})
    out = [
        "# Instructions",
        "",
        f"{rows} encodings of {mnemonics} instructions, and {len(ALIASES)} aliases. "
        "Generated from `ncpu.machine.isa.TABLE` by `ncpu.machine.coverage.isa_markdown()`.",
        "",
        "Rd, Rn, Rm are W or X registers, all of one size; braces hold what may be left out.",
        "",
        "| group | instructions | encodings |",
        "| --- | --- | --- |",
        *(f"| {c.group} | {len(c.mnemonics)} | {c.rows} |" for c in found),
    ]
    forms = row_forms()
    for one in found:
        out += ["", f"## {one.group}", "", "| form | encoding |", "| --- | --- |"]
        for row, form in zip(TABLE, forms, strict=True):
            if row.group == one.group:
                text = form.describe() if form else row.mnemonic
                out.append(_line(text, row.pattern))
    out += ["", "## Aliases", "", "| form | encoding |", "| --- | --- |"]
    out += [_line(form.describe(), form.row.pattern) for form in alias_forms()]
    return "\n".join(out) + "\n"


def _line(form: str, pattern: str) -> str:
    return f"| `{form.replace('|', chr(92) + '|')}` | `{pattern}` |"
