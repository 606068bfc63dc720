"""How GDB sees the machine: the target description and the registers in its order.

Source: GDB manual, appendix G.5.1 "AArch64 Features".
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from ncpu.machine import word
from ncpu.machine.linux.signals import FPSR_MASK
from ncpu.machine.state import FPCR, SP, State, V

_NZCV = 0xF0000000
_ELEMENTS = (
    ("d", 64, "ieee_double"),
    ("s", 32, "ieee_single"),
    ("h", 16, "ieee_half"),
    ("b", 8, ""),
    ("q", 128, ""),
)


def _target() -> str:
    core = [f'<reg name="x{k}" bitsize="64"/>' for k in range(31)]
    core += ['<reg name="sp" bitsize="64" type="data_ptr"/>']
    core += ['<reg name="pc" bitsize="64" type="code_ptr"/>', '<reg name="cpsr" bitsize="32"/>']
    types, views = [], []
    # Views of a vector register, under the names that GDB's own description has.
    for letter, bits, floating in _ELEMENTS:
        kinds = {"u": f"uint{bits}", "s": f"int{bits}"}
        kinds = {"f": floating, **kinds} if floating else kinds
        for kind, element in kinds.items():
            count = 128 // bits
            types.append(f'<vector id="v{letter}{kind}" type="{element}" count="{count}"/>')
        fields = [f'<field name="{kind}" type="v{letter}{kind}"/>' for kind in kinds]
        types += [f'<union id="vn{letter}">', *fields, "</union>"]
        views.append(f'<field name="{letter}" type="vn{letter}"/>')
    types += ['<union id="aarch64v">', *views, "</union>"]
    fpu = [f'<reg name="v{k}" bitsize="128" type="aarch64v"/>' for k in range(32)]
    fpu += ['<reg name="fpsr" bitsize="32"/>', '<reg name="fpcr" bitsize="32"/>']
    return "\n".join(
        (
            '<?xml version="1.0"?>',
            '<!DOCTYPE target SYSTEM "gdb-target.dtd">',
            '<target version="1.0"><architecture>aarch64</architecture>',
            "<osabi>GNU/Linux</osabi>",
            *('<feature name="org.gnu.gdb.aarch64.core">', *core, "</feature>"),
            *('<feature name="org.gnu.gdb.aarch64.fpu">', *types, *fpu, "</feature>"),
            "</target>",
        )
    )


TARGET_XML = _target().encode()
# (bytes, row of the register file, or None for pc, cpsr, fpsr) of each register, by number.
SIZES = [8] * 33 + [4] + [16] * 32 + [4, 4]
PC, CPSR, V0, FPSR, FPCR_NUMBER = 32, 33, 34, 66, 67


def read_registers(state: State) -> list[bytes]:
    """Every register in GDB's order, little-endian."""
    rows = word.from_limbs(np.asarray(state.regs))
    flags = int(state.flags)
    general = [int(rows[k]).to_bytes(8, "little") for k in range(32)]
    pc = int(word.from_limbs(np.asarray(state.pc))).to_bytes(8, "little")
    vectors = [rows[V + 2 * k : V + 2 * k + 2].astype("<u8").tobytes() for k in range(32)]
    fpcr = int(rows[FPCR]) & 0xFFFFFFFF
    small = [value.to_bytes(4, "little") for value in (flags & _NZCV, flags & FPSR_MASK, fpcr)]
    return [*general, pc, small[0], *vectors, *small[1:]]


def write_registers(state: State, values: dict[int, bytes]) -> State:
    """The state with some registers, by GDB's number, set."""
    rows = word.from_limbs(np.asarray(state.regs)).copy()
    pc, flags = int(word.from_limbs(np.asarray(state.pc))), int(state.flags)
    for number, data in values.items():
        value = int.from_bytes(data, "little")
        if number <= SP:
            rows[number] = value
        elif number == PC:
            pc = value
        elif number == CPSR:
            flags = value & _NZCV | flags & ~_NZCV & 0xFFFFFFFF
        elif number < FPSR:
            rows[V + 2 * (number - V0) : V + 2 * (number - V0) + 2] = np.frombuffer(data, "<u8")
        elif number == FPSR:
            flags = value & FPSR_MASK | flags & ~FPSR_MASK & 0xFFFFFFFF
        else:
            rows[FPCR] = value & 0x07F79F00
    return state.replace(
        regs=jnp.asarray(word.to_limbs(rows)),
        pc=jnp.asarray(word.to_limbs(pc)),
        flags=jnp.uint32(flags),
    )
