"""Loads and stores of structures: bytes of memory dealt out to registers and gathered again."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from ncpu.machine import word
from ncpu.machine.alu import Alu
from ncpu.machine.instr import Unit
from ncpu.machine.isa.lanes import ALL_LANES
from ncpu.machine.state import V
from ncpu.machine.units.operands import Operands, Result, result
from ncpu.machine.units.vector_lanes import LANES, pack_bytes, pair
from ncpu.machine.word import u64


def load_structure(alu: Alu, o: Operands) -> Result:
    """LD2, LD3, LD4: those of 16 loaded bytes that belong to one register, and its others.

    `arg` is 4 bits each of log2 of the element's bytes, registers, which of them this is,
    and which 16 bytes of memory these are.
    """
    scale, registers, which, chunk = ((o.instr.arg >> k) & 15 for k in (0, 4, 8, 12))
    place = LANES.astype(np.uint32)
    element = (place >> scale) * registers + which
    source = (element << scale) | (place & ((jnp.uint32(1) << scale) - 1))
    half = jnp.where(source & 8 != 0, o.high, o.low)
    loaded = half >> ((source & 7) * 8).astype(jnp.uint64)
    old = pair(o, o.instr.ra)
    before = jnp.where(LANES < 8, old[0], old[1]) >> ((LANES & np.uint64(7)) * np.uint64(8))
    low, high = pack_bytes(jnp.where(source >> 4 == chunk, loaded, before) & u64(255))
    return result(o, low, jnp.where(o.wide, high, u64(0)))


def load_element(alu: Alu, o: Operands) -> Result:
    """LD1 to LD4 of one lane (at bit `arg` of row ra), and LD1R to LD4R."""
    mask = word.low_mask(u64(8) << o.instr.size.astype(jnp.uint64))
    loaded = o.low & mask
    ones = np.array([0x0101010101010101, 0x0001000100010001, 0x0000000100000001, 1], np.uint64)
    everywhere = loaded * word.at(jnp.asarray(ones), o.instr.size)
    place = o.instr.arg.astype(jnp.uint64)
    inserted = (o.c & ~(mask << place)) | (loaded << place)
    value = jnp.where(o.instr.op == ALL_LANES, everywhere, inserted)
    return result(o, value, jnp.where(o.wide, everywhere, u64(0)))


def store_bytes(alu: Alu, o: Operands) -> Result:
    """ST1 to ST4: eight bytes of up to four registers.

    Byte b comes from the register (imm >> (16 + 2b)) & 3 after ra, and is number
    (arg >> 4b) & 15 of its bytes.
    """
    b = np.arange(8, dtype=np.uint32)
    register = (o.instr.imm >> (b * 2 + 16).astype(np.uint64)).astype(jnp.uint32) & 3
    byte = (o.instr.arg >> (b * 4)) & 15
    rows = np.uint32(V) + ((o.instr.ra - np.uint32(V) + register * 2 + (byte >> 3)) & 63)
    words = word.join(o.regs.at[rows].get(mode="promise_in_bounds"))
    value = (words >> ((byte & 7) * 8).astype(jnp.uint64)) & u64(255)
    return result(o, store=jnp.sum(value << (b * 8).astype(np.uint64)))


UNITS = {
    Unit.LOAD_STRUCTURE: load_structure,
    Unit.LOAD_ELEMENT: load_element,
    Unit.STORE_BYTES: store_bytes,
}
