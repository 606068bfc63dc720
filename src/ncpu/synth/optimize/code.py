"""Straight-line integer instructions: what each reads, writes and costs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace

import numpy as np

from ncpu.machine.decode import decode_table
from ncpu.machine.disasm import disassemble
from ncpu.machine.instr import Unit
from ncpu.machine.state import SINK, SP, ZR
from ncpu.synth.errors import SynthError
from ncpu.synth.optimize.semantics import NZCV

PURE = frozenset(
    [
        Unit.ADD,
        Unit.LOGIC,
        Unit.LOGIC_ROTATED,
        Unit.INSERT,
        Unit.SELECT,
        Unit.COMPARE,
        Unit.MULTIPLY,
        Unit.MULTIPLY_HIGH,
        Unit.DIVIDE,
        Unit.SHIFT,
        Unit.EXTRACT,
        Unit.BITS,
    ]
)
MEMORY = frozenset([Unit.LOAD, Unit.LOAD_PAIR, Unit.LOAD_WIDE, Unit.STORE])
EVERYTHING = frozenset([*range(31), NZCV])


class OptimizeError(SynthError):
    """A program or option that the optimiser does not take; says what it takes."""


@dataclass(frozen=True)
class Op:
    """One instruction.

    Attributes:
      word: its encoding.
      text: as disassembled.
      unit: what executes it.
      pure: it only computes registers and flags from registers and flags.
      reads: register numbers, and `NZCV`, that it may read; all where that is not known.
      writes: those that it surely writes.
      tied: it changes part of its destination, which is thus an operand too.
      latency: cycles on the core of `LATENCIES`.
    """

    word: int
    text: str
    unit: Unit
    pure: bool
    reads: frozenset[int]
    writes: frozenset[int]
    tied: bool
    latency: int


@lru_cache(1 << 14)
def op(word: int) -> Op:
    """The facts of an encoding, from the table that the machine runs by."""
    columns = decode_table(np.array([word], np.uint32))
    i = SimpleNamespace(**{name: int(column[0]) for name, column in columns.items()})
    unit = Unit(i.unit)
    rows = {i.rn, i.rm, i.ra} - {ZR}
    pure = unit in PURE and i.last == 1 and SP not in {*rows, i.rd}
    reads_flags = unit in (Unit.SELECT, Unit.COMPARE) or (unit == Unit.ADD and i.carry == 2)
    sets_flags = i.set_flags == 1 or unit == Unit.COMPARE
    if pure:
        reads = frozenset(rows | ({NZCV} if reads_flags else set()))
        writes = frozenset(({i.rd} - {SINK}) | ({NZCV} if sets_flags else set()))
    elif unit in MEMORY and i.last == 1:
        # Whatever row it names might be read; nothing is taken to be overwritten.
        reads = frozenset(r for r in {*rows, i.rd, i.rd2, i.wb} if r < SP)
        writes = frozenset()
    else:
        reads, writes = EVERYTHING, frozenset()
    return Op(
        word=word,
        text=disassemble(word),
        unit=unit,
        pure=pure,
        reads=reads,
        writes=writes,
        tied=pure and unit == Unit.INSERT,
        latency=_latency(unit, i),
    )


# Execution latency in cycles of the Neoverse N1 core, integer instructions: Arm Neoverse N1
# Software Optimization Guide, sections "Arithmetic and logical", "Divide and multiply" and
# "Miscellaneous data-processing"; the longest where a range is given.
LATENCIES = {
    Unit.ADD: 1,
    Unit.LOGIC: 1,
    Unit.LOGIC_ROTATED: 1,
    Unit.INSERT: 2,
    Unit.SELECT: 1,
    Unit.COMPARE: 1,
    Unit.SHIFT: 1,
    Unit.BITS: 1,
    Unit.EXTRACT: 1,
    Unit.MULTIPLY: 4,
    Unit.MULTIPLY_HIGH: 5,
    Unit.DIVIDE: 20,
}
NARROW_LATENCIES = {Unit.MULTIPLY: 2, Unit.DIVIDE: 12}  # of 32-bit operands
FAR_SHIFT = 2  # an added operand that is extended, or shifted but not by LSL #1-#4
TWO_REGISTER_EXTRACT = 3
FAST_SHIFT = 4


def _latency(unit: Unit, i: SimpleNamespace) -> int:
    base = LATENCIES.get(unit, 1)
    if unit == Unit.MULTIPLY and (i.sf == 0 or i.op & 6):  # W registers, or W factors
        return NARROW_LATENCIES[unit]
    if unit == Unit.DIVIDE and i.sf == 0:
        return NARROW_LATENCIES[unit]
    if unit == Unit.EXTRACT and i.rn != i.rm:
        return TWO_REGISTER_EXTRACT
    if unit == Unit.INSERT and i.use_imm:  # MOVK
        return 1
    low = 0 if i.sf else 32  # a 32-bit operand is worked on at the top of the word
    shifted = (i.left, i.right) != (low, low) and not i.use_imm
    near = i.right == low and 0 <= i.left - low <= FAST_SHIFT
    if unit == Unit.ADD and shifted and not near:
        return FAR_SHIFT
    if unit == Unit.LOGIC and shifted and i.set_flags:
        return FAR_SHIFT
    return base


REGISTER = re.compile(r"\b([xw])(\d+|zr)\b")


def critical_path(words: Sequence[int], live_out: Sequence[int] | None = None) -> int:
    """Cycles from the start until the last wanted value is there, by dependencies alone.

    Args:
      words: straight-line code; instructions that are not pure take part as if of one cycle.
      live_out: what is waited for; everything written when None.
    """
    ready: dict[int, int] = {}
    for instruction in map(op, words):
        start = max((ready.get(row, 0) for row in instruction.reads), default=0)
        for row in instruction.writes:
            ready[row] = start + instruction.latency
    rows = ready.keys() if live_out is None else live_out
    return max((ready.get(row, 0) for row in rows), default=0)


Cost = tuple[int, ...]


def cost_of(words: Sequence[int], model: str, live_out: Sequence[int] | None = None) -> Cost:
    """What code costs, to be compared.

    Args:
      words: the code.
      model: "count" (instructions, then their latencies added up) or "latency" (the critical
        path, then instructions, then latencies added up).
      live_out: what the critical path leads to.

    Raises:
      OptimizeError: no such model.
    """
    total = sum(op(w).latency for w in words)
    if model == "count":
        return (len(words), total)
    if model == "latency":
        return (critical_path(words, live_out), len(words), total)
    raise OptimizeError(f"cost model {model!r}: accepted are 'count' and 'latency'")
