"""32-bit operations on 64-bit wires, as the machine has them.

`wide` is a control: where it does not hold the lowest 32 bits of the operands count and
results are zero-extended.
"""

from __future__ import annotations

from ncpu.neural_alu import circuits
from ncpu.neural_alu.circuits import Bits, Control, Shift, Wires

DROP = 32  # positions a 32-bit operand is moved up by, so that its carry leaves at the top
WIDTH = 64


def add(wires: Wires, a: Bits, b: Bits, carry: Bits, wide: Control) -> tuple[Bits, Bits]:
    """a + b + carry of 64 or 32 bits, and its NZCV."""

    def lift(x: Bits, fill: int) -> Bits:
        return wires.choose(wide, x, wires.up(x, DROP, fill))

    # Below a lifted operand lie positions that pass the carry on: 1 + 0.
    total = circuits.add(wires, lift(a, 1), lift(b, 0), carry)
    high = wires.part(total.value, DROP, WIDTH)
    dropped = wires.join(high, wires.constant(0, DROP, high))
    value = wires.choose(wide, total.value, dropped)
    return value, circuits.nzcv(wires, total, circuits.is_zero(wires, value))


def shift(wires: Wires, x: Bits, amount: Bits, kind: Shift, wide: Control) -> Bits:
    """`x` of 64 or 32 bits shifted by its `amount` (6 bits) modulo its width.

    Nothing is said about the upper half of a 32-bit result.
    """
    low = wires.part(x, 0, DROP)
    # A 32-bit operand is continued by what will move in: itself, its sign or zeros.
    sign = wires.spread(wires.part(low, DROP - 1, DROP), DROP)
    zeros = wires.constant(0, DROP, low)
    above = wires.choose(kind.rotate, low, wires.choose(kind.arithmetic, sign, zeros))
    bits = wires.choose(wide, x, wires.join(low, above))
    fifth = wires.part(amount, 5, 6)
    five = wires.join(wires.part(amount, 0, 5), wires.constant(0, 1, fifth))
    return circuits.shift(wires, bits, wires.choose(wide, amount, five), kind)
