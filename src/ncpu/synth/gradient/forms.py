"""What one slot of a candidate may do: A64 sequences with one result, and their values.

A form is one or two instructions over operand latches.  Its value is computed by the machine's own
semantic functions (`ncpu.machine.execute.UNITS`) on the decoded instructions.  Which instruction
it is, is known when the search is traced, so what the machine would look up at run time (unit,
fields, rows) is decided then, and latches stand in for the register file: `execute`, partially
evaluated.  Nothing here computes an instruction.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.machine import word
from ncpu.machine.alu import EXACT, Alu
from ncpu.machine.asm import assemble
from ncpu.machine.decode import decode_table
from ncpu.machine.execute import UNITS
from ncpu.machine.instr import Unit, field, pack_columns
from ncpu.machine.units.operands import Operands
from ncpu.machine.word import u64

LATCHES = 3  # operands a, b, c
_ROWS = {"a": 0, "b": 1, "c": 2, "d": 3, "t": 4}


@dataclass(frozen=True)
class Form:
    """One choice of a slot.

    Attributes:
      name: in reports and banks.
      text: A64 source over `{a}`, `{b}`, `{c}` (operands), `{d}` (result, written last) and
        `{t}` (scratch).
    """

    name: str
    text: str

    @property
    def operands(self) -> int:
        """How many operands it reads."""
        return sum(f"{{{name}}}" in self.text for name in "abc")


FORMS: tuple[Form, ...] = (
    Form("add", "add {d}, {a}, {b}"),
    Form("sub", "sub {d}, {a}, {b}"),
    Form("mul", "mul {d}, {a}, {b}"),
    Form("madd", "madd {d}, {a}, {b}, {c}"),
    Form("sdiv", "sdiv {d}, {a}, {b}"),
    Form("srem", "sdiv {t}, {a}, {b}; msub {d}, {t}, {b}, {a}"),
    Form("and", "and {d}, {a}, {b}"),
    Form("orr", "orr {d}, {a}, {b}"),
    Form("eor", "eor {d}, {a}, {b}"),
    Form("max", "cmp {a}, {b}; csel {d}, {a}, {b}, gt"),
    Form("min", "cmp {a}, {b}; csel {d}, {a}, {b}, lt"),
    Form("abs", "cmp {a}, xzr; cneg {d}, {a}, lt"),
    Form("lt", "cmp {a}, {b}; cset {d}, lt"),
    Form("le", "cmp {a}, {b}; cset {d}, le"),
    Form("eq", "cmp {a}, {b}; cset {d}, eq"),
    Form("inc_lt", "cmp {a}, {b}; cinc {d}, {c}, lt"),
    Form("inc_eq", "cmp {a}, {b}; cinc {d}, {c}, eq"),
    Form("select", "cmp {a}, xzr; csel {d}, {b}, {c}, ne"),
)
NAMES = tuple(form.name for form in FORMS)


class _Known:
    """The fields of an instruction known when traced, as `units.operands.Fields` of one not."""

    def __init__(self, packed: np.ndarray) -> None:
        self._packed = packed

    def __getattr__(self, name: str) -> Any:
        value = field(self._packed, name)
        return u64(int(word.from_limbs(value))) if name == "imm" else value


class Latched(Operands):
    """Operands of a known instruction that reads named values for rows and flags."""

    def __init__(
        self, alu: Alu, packed: np.ndarray, rows: dict[int, jax.Array], flags: jax.Array
    ) -> None:
        """`packed` NumPy u32[8]; `rows` the register-file rows that hold something."""
        nothing = u64(0)
        super().__init__(alu, jnp.asarray(packed), jnp.zeros((0, 2), jnp.uint32), nothing, nothing)
        self.instr: Any = _Known(packed)
        self._rows, self._nzcv = rows, flags

    def row(self, index: Any) -> jax.Array:
        """See `Operands.row`; rows that hold nothing read as zero."""
        return self._rows.get(int(index), u64(0))

    @property
    def flags(self) -> jax.Array:
        """See `Operands.flags`."""
        return self._nzcv


@cache
def _decoded(text: str) -> np.ndarray:
    """The instructions of a form on its latches, packed `u32[n, 8]`."""
    source = text.format(**{name: f"x{row}" for name, row in _ROWS.items()})
    return pack_columns(decode_table(assemble(source).words))


def value(form: Form, a: jax.Array, b: jax.Array, c: jax.Array, alu: Alu = EXACT) -> jax.Array:
    """The result of a form, `u64`, of operands `u64`; only under x64.

    Raises:
      ValueError: a form that branches, touches memory or stops.
    """
    rows, flags = {_ROWS["a"]: a, _ROWS["b"]: b, _ROWS["c"]: c}, jnp.uint32(0)
    for packed in _decoded(form.text):
        if field(packed, "access") or not field(packed, "last"):
            raise ValueError(f"{form.name}: {form.text!r} accesses memory, which no slot does")
        made = UNITS[Unit(int(field(packed, "unit")))](alu, Latched(alu, packed, rows, flags))
        rows = {**rows, int(field(packed, "rd")): made.value}
        flags = made.flags
    return rows[_ROWS["d"]]


def values(a: jax.Array, b: jax.Array, c: jax.Array, alu: Alu = EXACT) -> jax.Array:
    """Every form's result, `u64[forms, ...]`; `a`, `b`, `c` hold one operand for each form."""
    rows = [value(form, a[k], b[k], c[k], alu) for k, form in enumerate(FORMS)]
    return jnp.stack(rows)


def taken(branch: str, a: jax.Array, alu: Alu = EXACT) -> jax.Array:
    """Whether `cbz` or `cbnz` branches on an operand, `bool[...]`; only under x64."""
    packed = pack_columns(decode_table(assemble(f"{branch} x0, .+8").words))[0]
    unit = UNITS[Unit(int(field(packed, "unit")))]
    made = unit(alu, Latched(alu, packed, {_ROWS["a"]: a}, jnp.uint32(0)))
    return made.next_pc != u64(4)  # of an instruction at address 0
