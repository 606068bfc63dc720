"""Instruction forms: what the search may put at a place, as text of the assembler.

A form is a line with places for registers: `{d}` the destination, `{a}`, `{b}`, `{c}` the
operands (`{wd}`, `{wa}` ... for their 32-bit names).  The assembler says whether it exists, the
decoder gives what the machine executes, and filling in registers gives the code to show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import Formatter

import numpy as np

from ncpu.machine.asm import assemble
from ncpu.machine.decode import decode_table
from ncpu.machine.errors import AssemblyError
from ncpu.machine.instr import Unit, pack_columns
from ncpu.synth.optimize.code import REGISTER, op
from ncpu.synth.optimize.semantics import NZCV

PLACES = "abc"
COMMUTES = (
    "add",
    "and",
    "orr",
    "eor",
    "eon",
    "mul",
    "adds",
    "ands",
    "tst",
    "cmn",
    "smulh",
    "umulh",
)


@dataclass(frozen=True, eq=False)
class Form:
    """An instruction with its registers left open.

    Attributes:
      text: the template.
      unit: what executes it.
      packed: `u32[8]`, decoded with rows 0, 1, 2 for a, b, c.
      operands: how many of a, b, c it has.
      valued: it writes a register (a comparison does not).
      tied: the destination has to be where the last operand is.
      reads_flags: its result depends on NZCV.
      sets_flags: it writes NZCV.
      commutes: a and b may change places.
      latency: cycles.
    """

    text: str
    unit: Unit
    packed: np.ndarray
    operands: int
    valued: bool
    tied: bool
    reads_flags: bool
    sets_flags: bool
    commutes: bool
    latency: int

    def fill(self, d: int, operands: Sequence[int]) -> str:
        """The instruction on registers: `d` for the result, `operands` for a, b, c."""
        return _fill(self.text, {"d": d, **dict(zip(PLACES, operands, strict=False))})


def _fill(template: str, rows: dict[str, int]) -> str:
    names = {key: f"x{row}" for key, row in rows.items()}
    return template.format(**names, **{f"w{key}": f"w{row}" for key, row in rows.items()})


@lru_cache(1 << 13)
def form(template: str) -> Form | None:
    """The form of a template; None where there is no such instruction."""
    fields = [name for _, name, _, _ in Formatter().parse(template) if name]
    places = {name[-1] for name in fields}
    operands = len(places & set(PLACES))
    tied = template.split()[0] in ("bfi", "bfxil", "movk", "bfm", "bfc")
    rows = {"d": 3, "a": 0, "b": 1, "c": 2}
    if tied:  # the destination is the last operand, which the text does not name
        rows["d"] = operands
        operands += 1
    try:
        word = int(assemble(_fill(template, rows)).words[0])
    except AssemblyError:
        return None
    facts = op(word)
    name = template.split()[0]
    return Form(
        text=template,
        unit=facts.unit,
        packed=pack_columns(decode_table(np.array([word], np.uint32)))[0],
        operands=operands,
        valued="d" in places,
        tied=tied,
        reads_flags=NZCV in facts.reads,
        sets_flags=NZCV in facts.writes,
        commutes=name in COMMUTES
        and operands == 2
        and template.count(",") == template.count("{") - 1,
        latency=facts.latency,
    )


def template_of(word: int) -> str:
    """The template of an instruction: its text with the registers taken out."""
    facts = op(word)
    letters = iter(PLACES)
    first = bool(facts.writes - {NZCV})

    def place(match: object) -> str:
        nonlocal first
        kind, name = match[1], match[2]  # type: ignore[index]
        if first:
            first = False
            letter = "d"
        elif name == "zr":
            return match[0]  # type: ignore[index]
        else:
            letter = next(letters)
        return "{" + ("w" if kind == "w" else "") + letter + "}"

    return REGISTER.sub(place, facts.text)  # type: ignore[arg-type]
