"""Advanced SIMD integer instructions: all rows but the loads and stores of structures."""

from ncpu.machine.isa import vector_crypto, vector_moves, vector_same, vector_shifts, vector_wide
from ncpu.machine.isa.rows import Row

ROWS: list[Row] = [
    *vector_same.ROWS,
    *vector_wide.ROWS,
    *vector_shifts.ROWS,
    *vector_moves.ROWS,
    *vector_crypto.ROWS,
]
