"""Array programs as text: `sum(x*x if x>0, init=1)/len + 3`."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np

from ncpu.npcot.errors import ProgramSpaceError
from ncpu.npcot.number import WORD32, Format
from ncpu.npcot.program import IDENTITY, INITS, PREDICATES, REDUCES, TRANSFORMS, ArrayProgram


def format_program(program: ArrayProgram, fmt: Format = WORD32) -> str:
    """Text like `sum(x*x if x>0)/len + 3`; `parse_program` reads it back."""
    choice = program.choice
    inside = choice.transform
    if choice.predicate != "all":
        inside += f" if {choice.predicate}"
    if choice.init != IDENTITY[choice.reduce]:
        inside += f", init={choice.init}"
    text = choice.post.replace("acc", f"{choice.reduce}({inside})")
    offset = int(program.offset)
    if not offset:
        return text
    unit = 1 << fmt.frac if choice.scaled else 1
    value = Decimal(abs(offset)) / unit  # at most 26 digits: exact
    return f"{text} {'-' if offset < 0 else '+'} {value:f}"


def _alternatives(names: tuple[str, ...]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


_TEXT = re.compile(
    rf"(?P<exp>exp\()?(?P<reduce>{_alternatives(REDUCES)})"
    rf"\((?P<transform>{_alternatives(TRANSFORMS)})"
    rf"(?: if (?P<predicate>{_alternatives(PREDICATES)}))?"
    rf"(?:, init=(?P<init>{_alternatives(INITS)}))?\)"
    r"(?(exp)\))(?P<by>/len|/count)?(?: (?P<sign>[+-]) (?P<offset>\d{1,10}(?:\.\d{1,20})?))?"
)


def parse_program(text: str, fmt: Format = WORD32) -> ArrayProgram:
    """The program written as `text`; the inverse of `format_program`.

    Raises:
      ProgramSpaceError: text of no program, or an offset that is no word of `fmt`.
    """
    match = _TEXT.fullmatch(" ".join(text.split()))
    if match is None or (match["exp"] and match["by"]):
        raise ProgramSpaceError(
            f"no array program: {text!r}; accepted: like 'sum(x*x if x>0, init=1)/len + 3'"
        )
    post = "exp(acc)" if match["exp"] else "acc" + (match["by"] or "")
    program = ArrayProgram.of(
        match["reduce"],
        match["transform"],
        post=post,
        predicate=match["predicate"] or "all",
        init=match["init"],
    )
    scale = 1 << fmt.frac if program.choice.scaled else 1
    offset = Fraction((match["sign"] or "+") + (match["offset"] or "0")) * scale
    if offset.denominator != 1 or abs(offset) >= fmt.infinity:
        raise ProgramSpaceError(
            f"offset {match['offset']}; accepted: multiples of 1/{scale} in range"
        )
    return replace(program, offset=np.int32(int(offset)))
