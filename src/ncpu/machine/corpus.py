"""Small assembly programs that say with which registers they end, one `Case` a file.

They are what different arithmetic is compared on.  Comments at the top of a program, A64
(`.s`) or toy (`.toy`, where R0 is x0), hold the expectations:

    // expect: x0 = 120, x1 = -1, nzcv = 0b0110    registers and flags
    // expect: table + 4: .word 1, 2, 3            memory, as the assembler would fill it
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import jax.numpy as jnp

from ncpu.machine import memory
from ncpu.machine.asm import Assembled, assemble
from ncpu.machine.errors import AssemblyError
from ncpu.machine.expression import evaluate
from ncpu.machine.loader import TEXT_BASE
from ncpu.machine.program import Program
from ncpu.machine.state import State, Status
from ncpu.machine.toy import assemble_toy
from ncpu.machine.word import MASK64, from_limbs

MEMORY = 1 << 16  # bytes of every program's lane
ROWS = 1 << 12  # of every decoded program: with equal shapes, `run` compiles once for all

_EXPECT = re.compile(r"^(?://|;) expect: (.+)$", re.MULTILINE)
_BYTES = re.compile(r"([\w. +]+): (\.\w+ .+)")
_VALUE = re.compile(r"(x\d+|r[0-7]|sp|nzcv) = ([^,=]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Case:
    """A program and how it ends.

    Attributes:
      name: of the file, without its suffix.
      path: of the file.
      source: its text.
      registers: `x0` to `x30`, `sp` and `nzcv` to what they hold when the program stops.
      contents: addresses, as expressions of labels, to the bytes found there.
    """

    name: str
    path: Path
    source: str
    registers: dict[str, int] = field(hash=False)
    contents: dict[str, bytes] = field(hash=False)

    @cached_property
    def assembled(self) -> Assembled:
        """The program in A64; it stops at a BRK."""
        make = assemble_toy if self.path.suffix == ".toy" else assemble
        return make(self.source, TEXT_BASE)


def cases(folder: Path) -> list[Case]:
    """The programs of a folder, by name.

    Raises:
      AssemblyError: a program without expectations, or one that cannot be read.
    """
    return [case(path) for path in sorted(folder.iterdir()) if path.suffix in (".s", ".toy")]


def case(path: Path) -> Case:
    """The program in a file; see `cases`."""
    source = path.read_text()
    registers: dict[str, int] = {}
    contents: dict[str, bytes] = {}
    for line in _EXPECT.findall(source):
        if match := _BYTES.fullmatch(line):
            contents[match[1]] = assemble(f".data\n{match[2]}").segments[-1].data
            continue
        for part in line.split(", "):
            if not (match := _VALUE.fullmatch(part)):
                raise AssemblyError(
                    f"{path.name}: {part!r} is neither a register or nzcv with its value nor a "
                    "label with a data directive"
                )
            name = match[1].lower().replace("r", "x")
            registers[name] = evaluate(match[2], _no_symbol) & MASK64
    if not registers and not contents:
        raise AssemblyError(f"{path.name} expects nothing: add a comment like expect: x0 = 1")
    return Case(path.stem, path, source, registers, contents)


def program(case: Case) -> tuple[Program, State]:
    """A case ready to run; all cases have arrays of the same shapes.

    Raises:
      AssemblyError: the program is too long for that.
    """
    made, decoded = case.assembled, case.assembled.program()
    stack = TEXT_BASE + MEMORY - max(s.address + len(s.data) for s in made.segments)
    if len(decoded.rows) > ROWS or len(decoded.pages) > 2 or stack < 0:
        raise AssemblyError(
            f"{case.path.name}: at most 4096 bytes of text and {MEMORY} bytes in all fit"
        )
    rows = jnp.zeros((ROWS, decoded.rows.shape[1]), decoded.rows.dtype)
    rows = rows.at[: len(decoded.rows)].set(decoded.rows)
    return dataclasses.replace(decoded, rows=rows), made.state(stack=stack)


def differences(case: Case, state: State) -> list[str]:
    """Where the lane in which a case stopped differs from its expectations.

    Raises:
      AssemblyError: an expectation is about a label that the program lacks.
    """
    if (status := Status(int(state.status))) != Status.BREAKPOINT:
        return [f"stopped by {status.name} at {int(from_limbs(state.pc)):#x}"]
    got = {f"x{k}": int(value) for k, value in enumerate(state.x)}
    got |= {"sp": int(state.sp), "nzcv": int(state.nzcv)}
    found = [
        f"{name} is {got[name]:#x}, not {expected:#x}"
        for name, expected in case.registers.items()
        if got[name] != expected
    ]
    for place, expected in case.contents.items():
        data = memory.read(state, evaluate(place, partial(_label, case)), len(expected))
        if data != expected:
            found.append(f"{place} holds {data.hex(' ')}, not {expected.hex(' ')}")
    return found


def _label(case: Case, name: str) -> int:
    if name not in case.assembled.symbols:
        raise AssemblyError(f"{case.path.name} expects something at {name}, which it has not")
    return case.assembled.symbols[name]


def _no_symbol(name: str) -> int:
    raise AssemblyError(f"{name!r} is no number")
