"""Every operation of the trained arithmetic by name, at 8, 16, 32 and 64 bits.

`compute` takes and gives integers of NumPy, `apply` bits of any wires: with soft wires it is
differentiable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.machine.errors import NcpuError
from ncpu.machine.word import from_limbs, join, split, to_limbs, with_x64
from ncpu.neural_alu import circuits
from ncpu.neural_alu.alu import AtEachPosition, Gates
from ncpu.neural_alu.circuits import Bits, Shift, Wires
from ncpu.neural_alu.planes import Networks

WIDTHS = (8, 16, 32, 64)


class OperandError(NcpuError, ValueError):
    """An operation, width or operand that the arithmetic does not have."""


@dataclass(frozen=True)
class Operation:
    """One operation.

    Attributes:
      apply: (wires, a, b, carry) to bits; b has the width of a, carry one bit.
      operands: 1 or 2; `carry` says whether the carry counts.
      summary: the result in words, the source of the docs' table.
    """

    apply: Callable[[Wires, Bits, Bits, Bits], Bits]
    summary: str
    operands: int = 2
    carry: bool = False


def _add(wires: Wires, a: Bits, b: Bits, carry: Bits) -> circuits.Sum:
    return circuits.add(wires, a, b, carry)


def _subtract(wires: Wires, a: Bits, b: Bits, carry: Bits) -> circuits.Sum:
    return circuits.add(wires, a, circuits.logic(wires, "not", b), carry)


def _constant(wires: Wires, like: Bits, bit: int) -> Bits:
    return wires.constant(bit, 1, like)


def _flags(wires: Wires, total: circuits.Sum) -> Bits:
    return circuits.nzcv(wires, total, circuits.is_zero(wires, total.value))


def _logic(name: str, summary: str, operands: int = 2) -> Operation:
    def apply(wires: Wires, a: Bits, b: Bits, carry: Bits) -> Bits:
        return circuits.logic(wires, name, *(a, b)[:operands])

    return Operation(apply, summary, operands)


def _shift(kind: Shift, summary: str) -> Operation:
    def apply(wires: Wires, a: Bits, b: Bits, carry: Bits) -> Bits:
        return circuits.shift(wires, a, b, kind)

    return Operation(apply, summary)


def _signed(circuit: Callable[..., Bits], signed: bool, summary: str) -> Operation:
    return Operation(lambda wires, a, b, carry: circuit(wires, a, b, signed), summary)


OPERATIONS: dict[str, Operation] = {
    "add": Operation(lambda w, a, b, c: _add(w, a, b, _constant(w, a, 0)).value, "a + b"),
    "adc": Operation(lambda w, a, b, c: _add(w, a, b, c).value, "a + b + carry", carry=True),
    "sub": Operation(lambda w, a, b, c: _subtract(w, a, b, _constant(w, a, 1)).value, "a - b"),
    "sbc": Operation(
        lambda w, a, b, c: _subtract(w, a, b, c).value, "a - b - 1 + carry", carry=True
    ),
    "cmn": Operation(lambda w, a, b, c: _flags(w, _add(w, a, b, _constant(w, a, 0))), "NZCV of +"),
    "cmp": Operation(
        lambda w, a, b, c: _flags(w, _subtract(w, a, b, _constant(w, a, 1))), "NZCV of a - b"
    ),
    "mul": Operation(
        lambda w, a, b, c: circuits.multiply(w, a, b, w.width(a)), "lower half of a * b"
    ),
    "umulh": _signed(circuits.multiply_high, False, "upper half of a * b"),
    "smulh": _signed(circuits.multiply_high, True, "upper half of a * b, signed"),
    "udiv": _signed(circuits.divide, False, "a / b rounded to zero, 0 for b = 0"),
    "sdiv": _signed(circuits.divide, True, "a / b rounded to zero, signed, 0 for b = 0"),
    "and": _logic("and", "a & b"),
    "or": _logic("or", "a | b"),
    "xor": _logic("xor", "a ^ b"),
    "bic": _logic("bic", "a & ~b"),
    "not": _logic("not", "~a", operands=1),
    "lsl": _shift(Shift(True, False, False), "a << b modulo the width"),
    "lsr": _shift(Shift(False, False, False), "a >> b modulo the width"),
    "asr": _shift(Shift(False, True, False), "a >> b modulo the width, signed"),
    "ror": _shift(Shift(False, False, True), "a rotated right by b"),
}


def operation(name: str) -> Operation:
    """The operation of that name.

    Raises:
      OperandError: there is none.
    """
    if name not in OPERATIONS:
        raise OperandError(f"{name!r} is no operation; there is: {', '.join(OPERATIONS)}")
    return OPERATIONS[name]


def apply(
    name: str, wires: Wires, a: Bits, b: Bits | None = None, carry: Bits | None = None
) -> Bits:
    """An operation on bits; with `planes.soft_wires` gradients flow from result to operands.

    Args:
      name: of `OPERATIONS`.
      wires: how bits are carried.
      a, b: operands of one width; `b` is not needed for "not".
      carry: one bit, 0 when left out.

    Returns:
      As many bits as `a`; the four flags (V lowest) for "cmp" and "cmn".
    """
    zero = wires.constant(0, 1, a)
    return operation(name).apply(wires, a, a if b is None else b, zero if carry is None else carry)


def compute(
    name: str,
    a: Any,
    b: Any = None,
    carry: Any = 0,
    *,
    width: int = 64,
    networks: Networks | None = None,
    gates: Gates | None = None,
) -> np.ndarray:
    """An operation on integers, by the trained networks.

    Args:
      name: of `OPERATIONS`.
      a, b: integers or arrays of integers that broadcast, each from -(2**(width - 1)) to
        2**width - 1; `b` is not needed for "not".
      carry: 0 or 1, for "adc" and "sbc".
      width: bits, 8, 16, 32 or 64.
      networks: the trained cells, those of the checkpoint when left out.
      gates: how they run, at each bit position when left out.

    Returns:
      `uint64[...]` below 2**width (NZCV for "cmp" and "cmn").

    Raises:
      OperandError: no such operation or width, or an operand that is no integer of it.
      CheckpointError: `networks` were left out and the checkpoint cannot be loaded.

    >>> int(compute("mul", 12345, 6789, width=32))
    83810205
    """
    known = operation(name)
    if width not in WIDTHS:
        raise OperandError(f"width {width!r} is not one of {', '.join(map(str, WIDTHS))}")
    if (b is None) == (known.operands == 2):
        raise OperandError(f"{name} takes {'one operand' if b is not None else 'two operands'}")
    if not known.carry and np.any(np.asarray(carry) != 0):
        raise OperandError(f"{name} takes no carry; adc and sbc do")
    if gates is None:
        from ncpu.neural_alu import checkpoint

        gates = AtEachPosition(networks or checkpoint.shared(checkpoint.folder()))
    words = [_operand(x, width) for x in (a, 0 if b is None else b)] + [_operand(carry, 1)]
    try:
        shaped = np.broadcast_arrays(*words)
    except ValueError as error:
        shapes = ", ".join(str(word.shape) for word in words)
        raise OperandError(f"operands of shapes {shapes} do not broadcast together") from error
    return from_limbs(_compute(gates, *map(to_limbs, shaped), name=name, width=width))


@partial(jax.jit, static_argnames=("name", "width"))
@with_x64
def _compute(
    gates: Gates, a: jax.Array, b: jax.Array, carry: jax.Array, *, name: str, width: int
) -> jax.Array:
    """`u32[..., 2]` limbs to limbs."""
    x, y = (gates.enter(join(word), width) for word in (a, b))
    result = apply(name, gates.wires(), x, y, gates.enter(join(carry), 1))
    return split(gates.leave(result).astype(jnp.uint64))


def _is_integer(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _operand(value: Any, width: int) -> np.ndarray:
    """Integers as `uint64[...]` modulo 2**width, checked."""
    # As objects: NumPy would make floats of a list that mixes large and small integers.
    array = np.asarray(value, getattr(value, "dtype", object))
    if array.dtype == object:
        kinds = {type(x).__name__ for x in array.flat if not _is_integer(x)}
    else:
        kinds = {str(array.dtype)} if array.dtype.kind not in "iu" else set()
    if kinds:
        raise OperandError(
            f"operands are integers or arrays of them, not {', '.join(sorted(kinds))}"
        )
    low, high = -(1 << width - 1) if width > 1 else 0, (1 << width) - 1
    if array.size and not (low <= int(array.min()) and int(array.max()) <= high):
        what = "the carry is" if width == 1 else f"operands of {width} bits lie from"
        raise OperandError(f"{what} {low} {'or' if width == 1 else 'to'} {high}")
    if array.dtype == object:
        array = np.asarray(np.frompyfunc(lambda x: int(x) & high, 1, 1)(array), object)
    return array.astype(np.uint64) & np.uint64(high)
