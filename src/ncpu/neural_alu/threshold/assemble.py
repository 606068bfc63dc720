"""Toy source to the program matrix of the threshold machine, a row of bits an instruction.

A row holds the fields of `Layout` side by side.  A source is a register and an immediate that
are added: register 8 selects no row of the register file, and a register's immediate is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ncpu.machine.errors import AssemblyError
from ncpu.machine.toy import Instruction, Register, Source, parse
from ncpu.neural_alu.threshold.circuits import checked, decode
from ncpu.neural_alu.threshold.gates import Circuit, Netlist
from ncpu.neural_alu.threshold.memory import to_bits

ALU = ("add", "sub", "mul", "div", "and", "or", "xor", "shl", "shr")
JUMPS = ("jmp", "jz", "jnz", "js", "jns", "halt")
# One-hot lines in this order; the first 12 have a result.
OPERATIONS = (*ALU, "cmp", "mov", "load", "store", "nop", *JUMPS)
REGISTERS = 8
NONE = REGISTERS  # the register field of an operand that is no register
LEAST_ROWS = 64


@dataclass(frozen=True)
class Layout:
    """The fields of an instruction row, in this order; and what the decoder makes of them.

    Attributes:
      width: bits of each of the two immediates, which come last.
      rows: of the program matrix, a power of two.
    """

    width: int
    rows: int

    @property
    def fields(self) -> tuple[tuple[int, int], ...]:
        """Bits and decoded lines of operation, destination, left, right and jump target."""
        register = (NONE.bit_length(), REGISTERS)
        operation = ((len(OPERATIONS) - 1).bit_length(), len(OPERATIONS))
        return operation, register, register, register, (self.rows.bit_length() - 1, self.rows)

    def decoder(self) -> Circuit:
        """The bits before the immediates to the one-hot lines of all fields: one layer."""
        net = Netlist(sum(bits for bits, _ in self.fields))
        lines: list[int] = []
        first = 0
        for bits, count in self.fields:
            lines += decode(net, range(first, first + bits), count)
            first += bits
        return net.build(lines)


def assemble(source: str, width: int = 16) -> np.ndarray:
    """Assemble a toy program; see `ncpu.machine.toy` for the language.

    The matrix has a power of two of rows, 64 or more, so that most programs share one
    compilation; the rows after the program are HALT.

    Args:
      source: the program.
      width: bits of a word; immediates must fit in it, signed or unsigned.

    Returns:
      The program matrix, `f32[rows, bits]`.

    Raises:
      AssemblyError: with the line and what is accepted.
      CircuitError: a width that circuits are not built for.
    """
    checked(width)
    parsed = parse(source)
    rows = max(LEAST_ROWS, 1 << len(parsed.instructions).bit_length())
    layout = Layout(width, rows)
    matrix = [_row(i, parsed.labels, index, layout) for index, i in enumerate(parsed.instructions)]
    halts = range(len(matrix), rows)
    matrix += [_row(Instruction("halt", (), 0, "HALT"), {}, k, layout) for k in halts]
    return np.stack(matrix)


def _row(
    instruction: Instruction, labels: dict[str, int], index: int, layout: Layout
) -> np.ndarray:
    """One row: HALT is a jump to itself, CMP and STORE and jumps have no destination."""
    name, operands = instruction.name, instruction.operands
    destination, target = NONE, index
    left: Source | str = 0
    right: Source | str = 0
    match name, operands:
        case _, (str(label),):
            target = labels[label]
        case "store", (address, value):
            left, right = value, address
        case "cmp", (first, second):
            left, right = first, second
        case _, (Register(number), source):
            destination, right = number, source
        case _, (Register(number), first, second):
            destination, left, right = number, first, second
    sources = [_source(source, instruction, layout.width) for source in (left, right)]
    numbers = (OPERATIONS.index(name), destination, *(place for place, _ in sources), target)
    fields = [to_bits(n, bits) for n, (bits, _) in zip(numbers, layout.fields, strict=True)]
    return np.concatenate([*fields, *(to_bits(value, layout.width) for _, value in sources)])


def _source(source: Source | str, instruction: Instruction, width: int) -> tuple[int, int]:
    """Register field and immediate, modulo 2**width."""
    if isinstance(source, Register):
        return source.number, 0
    value = int(source)
    if not -(1 << width - 1) <= value < 1 << width:
        raise AssemblyError(
            f"line {instruction.line}: {instruction.text}\n  {value} does not fit in the machine's "
            f"{width} bits; {-(1 << width - 1)} to {(1 << width) - 1} do"
        )
    return NONE, value & (1 << width) - 1
