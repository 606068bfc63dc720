"""Assembly source as pieces: straight-line code that may be rewritten, and all else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ncpu.machine.asm import assemble
from ncpu.machine.asm_source import Statement, split, statements
from ncpu.machine.disasm import disassemble_many
from ncpu.machine.instr import Unit
from ncpu.synth.optimize.code import OptimizeError, op
from ncpu.synth.optimize.semantics import NZCV

PRESERVED = frozenset(range(18, 31))  # what a procedure keeps for its caller, and the link
_RELATIVE = ("b", "bl", "cbz", "cbnz", "tbz", "tbnz", "adr", "adrp", "ldr", "ldrsw", "prfm")
_HERE = re.compile(r"(?<![\w.$])\.(?![\w.$])")
_LABELLED = re.compile(r"(\s*(?:[A-Za-z_.$][\w.$]*|\d+)\s*:\s*)+")


@dataclass(frozen=True)
class Piece:
    """Instructions on consecutive lines.

    Attributes:
      words: their encodings.
      lines: the line of each, from 0.
      straight: they only compute, nothing enters between them, so they may be rewritten.
    """

    words: tuple[int, ...]
    lines: tuple[int, ...]
    straight: bool


def pieces(text: str) -> list[Piece]:
    """The instructions of a program, in order.

    Raises:
      AssemblyError: the program does not assemble.
      OptimizeError: it has no instruction, or names a place by a number that would move.
    """
    assembled = assemble(text)
    found = statements(text)
    for statement in found:
        _refuse_numbers(statement)
    code = [s for s in found if s.kind == "instruction"]
    if not code:
        raise OptimizeError("there is no instruction to optimise")
    by_line: dict[int, list[int]] = {}
    for address, line in sorted(assembled.lines.items()):
        at = (address - assembled.base) // 4
        if address - assembled.base >= len(assembled.text):
            raise OptimizeError(f"line {line}: instructions outside of .text are not optimised")
        by_line.setdefault(line - 1, []).append(int(assembled.words[at]))
    entered = {s.line - 1 for s in found if s.kind != "instruction"}
    out: list[Piece] = []
    for line, words in sorted(by_line.items()):
        pure = len(words) == 1 and op(words[0]).pure
        before = out[-1] if out and pure and out[-1].straight else None
        if before and not entered & set(range(before.lines[-1] + 1, line + 1)):
            out[-1] = Piece((*before.words, *words), (*before.lines, line), True)
        else:
            out += [Piece((w,), (line,), pure) for w in words]
    return out


def _refuse_numbers(statement: Statement) -> None:
    """Places written as numbers or as distances from here would be wrong in shorter code."""
    if statement.kind != "instruction":
        return
    name = statement.name.split(".")[0]
    place = split(statement.operands)[-1:] or [""]
    if name in _RELATIVE and re.fullmatch(r"#?-?(0x[0-9a-fA-F]+|\d+)", place[0]):
        moving = place[0]
    elif _HERE.search(statement.operands):
        moving = "."
    else:
        return
    raise OptimizeError(
        f"line {statement.line}: {statement.text.strip()}\n  {moving} is a place that moves when "
        "code gets shorter: give it a label"
    )


def live_before(piece: Piece, live: frozenset[int], at_return: frozenset[int]) -> frozenset[int]:
    """What is live before a piece, given what is live after it.

    Args:
      piece: the code.
      live: register numbers, and `NZCV`, live after it.
      at_return: those live where the procedure returns.
    """
    for word in reversed(piece.words):
        instruction = op(word)
        if instruction.unit == Unit.BRANCH_REG and instruction.text.startswith("ret"):
            live = at_return | {30}
        else:
            live = (live - instruction.writes) | instruction.reads
    return live


def rewritten(text: str, changes: dict[int, tuple[Piece, Sequence[int]]]) -> str:
    """The source with the instructions of some pieces replaced.

    Args:
      text: the source.
      changes: first line of a piece to (the piece, its new words).
    """
    lines: list[str | None] = list(text.split("\n"))
    for piece, words in changes.values():
        for line in piece.lines:
            label = _LABELLED.match(lines[line] or "")
            lines[line] = label[0].rstrip() if label else None
        first = piece.lines[0]
        new = [f"        {line}" for line in disassemble_many(list(words))] if words else []
        head = [lines[first]] if lines[first] is not None else []
        lines[first] = "\n".join([*head, *new]) if head or new else None  # type: ignore[list-item]
    return "\n".join(line for line in lines if line is not None)


def registers(names: str | Sequence[str]) -> frozenset[int]:
    """`x0,x1,flags` or a sequence of such names as register numbers and `NZCV`.

    Raises:
      OptimizeError: a name that is neither a register nor `flags`.
    """
    parts = names.split(",") if isinstance(names, str) else names
    out = set()
    for part in (p.strip().lower() for p in parts if p.strip()):
        match = re.fullmatch(r"[xw](\d|[12]\d|30)", part)
        if match is None and part not in ("flags", "nzcv"):
            raise OptimizeError(f"{part!r}: accepted are x0 to x30 and flags")
        out.add(int(match[1]) if match else NZCV)
    return frozenset(out)
