"""Accesses made from one local variable that leave it, for programs whose DWARF names them."""

from __future__ import annotations

from ncpu.machine.debug.frame_bounds import Bound, bounds
from ncpu.machine.debug.hunt import row_of
from ncpu.machine.debug.shadow_loop import bounded
from ncpu.machine.debug.symbols import Symbols
from ncpu.machine.debug.variables import functions
from ncpu.machine.program import Program


class FrameCheck:
    """What accesses to frames must keep to.

    Args:
      symbols: of the program; without DWARF nothing is checked.
    """

    def __init__(self, symbols: Symbols) -> None:
        self._functions = functions(symbols)
        self._bounds: dict[int, Bound] = {}

    def mark(self, program: Program) -> Program:
        """`program` with the bounds of its accesses (`shadow_loop.bounded`)."""
        rows: dict[int, tuple[int, int]] = {}
        for function in self._functions:
            if row_of(program, function.start) is None:
                continue
            found = bounds(program, function)
            self._bounds |= found
            for address, bound in found.items():
                rows[row_of(program, address) or 0] = bound.low, bound.high
        return bounded(program, rows)

    def told(self, pc: int, sp: int, address: int) -> str:
        """Where an access is that left its variable."""
        low, high, variable = self._bounds[pc]
        low, high = sp + low, sp + high
        where = f"{address - high} bytes after"
        if address < high:
            where = f"{low - address} bytes before" if address < low else "across the end of"
        return f"{where} {variable.name}, a variable of {high - low:,} bytes"
