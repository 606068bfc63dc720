"""The instruction table: every row the machine knows, in one tuple.

The decoder, the assembler, the disassembler, the coverage report and the docs are all
generated from `TABLE`.  To add an instruction, add a row and its semantics.
"""

from ncpu.machine.isa import (
    control,
    floating,
    floating_simd,
    integer,
    memory,
    structures,
    vector,
)
from ncpu.machine.isa.rows import Row

TABLE: tuple[Row, ...] = (
    *integer.ROWS,
    *control.ROWS,
    *memory.ROWS,
    *floating.ROWS,
    *floating_simd.ROWS,
    *vector.ROWS,
    *structures.ROWS,
)

__all__ = ["TABLE", "Row"]
