"""Which registers an instruction reads, and for what: the values it computes, or an address.

Written for arrays of packed instructions, NumPy or JAX, so that the same table serves the
backward search on the host and the labels on the device.  `test_debug_flow` holds it against
the machine: rows that are not named here change nothing.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.machine.instr import Unit, field
from ncpu.machine.isa.control import READ_NZCV, WRITE_NZCV
from ncpu.machine.isa.floating import COMPARE_FLAGS
from ncpu.machine.isa.transfers import ARG
from ncpu.machine.state import FPCR, LATCH, MONITOR, ZR, V

_FLOATING = tuple(unit for unit in Unit if unit.name.startswith("FP_"))
_PAIRS = (*(u for u in Unit if u.name.startswith("VECTOR_")), Unit.LOAD_STRUCTURE)
_SINGLE = (Unit.VECTOR_REPLICATE, Unit.VECTOR_POLYNOMIAL_LONG)  # of the vectors: one row each
_CONDITIONAL = (Unit.SELECT, Unit.COMPARE, Unit.BRANCH_COND, Unit.FP_COMPARE)
_SUMS = (Unit.ADD, Unit.LOGIC, Unit.LOGIC_ROTATED)
STORES = (Unit.STORE, Unit.STORE_EXCLUSIVE, Unit.ATOMIC)
MOST = 14  # rows that one transfer reads


def _xp(packed: Any) -> Any:
    return jnp if isinstance(packed, jax.Array) else np


def is_unit(packed: Any, *units: Unit) -> Any:
    """Whether an instruction belongs to one of these units."""
    unit = field(packed, "unit")
    found = unit == int(units[0])
    for other in units[1:]:
        found = found | (unit == int(other))
    return found


def address_rows(packed: Any) -> Any:
    """The rows that an address comes from, `u32[..., 2]`; ZR for none."""
    xp, zr = _xp(packed), np.uint32(ZR)
    used = field(packed, "access") != 0
    index = xp.where(used & (field(packed, "use_imm") == 0), field(packed, "rm"), zr)
    return xp.stack([xp.where(used, field(packed, "rn"), zr), index], axis=-1)


def data_rows(packed: Any) -> Any:
    """The rows that the results (or what is stored) come from, `u32[..., MOST]`; ZR for none."""
    xp, zr = _xp(packed), np.uint32(ZR)
    accessing = field(packed, "access") != 0
    vector = is_unit(packed, *_PAIRS) & ~is_unit(packed, *_SINGLE)
    none = accessing
    named = {
        "rn": xp.where(none, zr, field(packed, "rn")),
        "rm": xp.where(none | (field(packed, "use_imm") == 1), zr, field(packed, "rm")),
        "ra": field(packed, "ra"),
    }
    rows = []
    for row in named.values():
        rows += [row, xp.where(vector & (row != zr), row + np.uint32(1), zr)]
    return xp.stack([*rows, *_further(packed, xp)], axis=-1)


def _further(packed: Any, xp: Any) -> list[Any]:
    """Rows beside rn, rm and ra: eight columns, for each unit what it needs."""
    zr = np.uint32(ZR)
    arg, op, ra = (field(packed, name) for name in ("arg", "op", "ra"))
    nothing = xp.zeros_like(arg) + zr
    columns = [nothing] * (MOST - 6)

    def put(unit: Any, place: int, row: Any) -> None:
        columns[place] = xp.where(unit, row, columns[place])

    lowest, _ = ARG["first"]
    later = is_unit(packed, *_FLOATING) & ((arg >> lowest) & 1 == 0)
    put(later, 0, np.uint32(LATCH))
    put(later, 1, np.uint32(LATCH + 1))
    put(is_unit(packed, *_FLOATING), 2, np.uint32(FPCR))
    exclusive, atomic = is_unit(packed, Unit.STORE_EXCLUSIVE), is_unit(packed, Unit.ATOMIC)
    paired = (is_unit(packed, Unit.STORE) | exclusive) & (op == 1)
    put(paired | atomic, 0, arg)
    put(exclusive, 1, np.uint32(MONITOR))
    put(exclusive, 2, field(packed, "rn"))
    put(atomic, 1, np.uint32(LATCH))
    put(atomic, 2, np.uint32(LATCH + 1))
    put(atomic, 3, xp.where(ra >= 30, zr, ra + np.uint32(1)))
    # TBL: up to four registers from rn on; ST1 to ST4: those that `imm` chooses, after ra.
    table, store = is_unit(packed, Unit.VECTOR_TABLE), is_unit(packed, Unit.STORE_BYTES)
    low = field(packed, "imm")[..., 0]
    for k in range(8):
        row = np.uint32(V) + ((field(packed, "rn") - np.uint32(V) + np.uint32(k)) & np.uint32(63))
        put(table & (arg > 8 * k), k, row)
        register = (low >> np.uint32(16 + 2 * k)) & np.uint32(3)
        byte = (arg >> np.uint32(4 * k)) & np.uint32(15)
        row = ra - np.uint32(V) + register * np.uint32(2) + (byte >> np.uint32(3))
        put(store, k, np.uint32(V) + (row & np.uint32(63)))
    return columns


def reads_flags(packed: Any) -> Any:
    """Whether NZCV has a part in what is computed."""
    carried = is_unit(packed, Unit.ADD) & (field(packed, "carry") == 2)
    system = is_unit(packed, Unit.SYSTEM) & (field(packed, "op") == READ_NZCV)
    always = is_unit(packed, Unit.FP_COMPARE) & (field(packed, "op") & 3 != COMPARE_FLAGS)
    certain = field(packed, "cond") >= 14
    return carried | system | (is_unit(packed, *_CONDITIONAL) & ~always & ~certain)


def writes_flags(packed: Any) -> Any:
    """Whether NZCV is written."""
    sums = is_unit(packed, *_SUMS) & (field(packed, "set_flags") == 1)
    floating = is_unit(packed, Unit.FP_COMPARE) & (field(packed, "op") & 3 == COMPARE_FLAGS)
    system = is_unit(packed, Unit.SYSTEM) & (field(packed, "op") == WRITE_NZCV)
    return sums | floating | system | is_unit(packed, Unit.COMPARE)
