"""Arithmetic as wiring between cells, written once for every way to carry bits.

A circuit only moves bits and applies cells to them.  What a bit is, the `Wires` decide:
numbers in a plane (`planes.py`: trained networks, hard or soft), a bit of a packed word
(`packed.py`), or a symbol (`symbolic.py`: the proofs).  The circuit that is proved is
therefore the circuit that runs.

Position 0 is the least significant bit.  A control is a boolean that comes from the
instruction, never from operand values: choosing by it is wiring.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

Bits = Any  # some bits side by side, in the representation of the wires
Control = Any  # a boolean of the instruction: Python's, NumPy's or JAX's
Distance = Any  # positions to move by: the same in every operation, never an operand value


class Wires(Protocol):
    """How bits are carried."""

    def cell(self, name: str, *inputs: Bits) -> tuple[Bits, ...]:
        """The trained cell `name` at every position of its inputs."""
        ...

    def products(self, byte: Bits, word: Bits) -> list[Bits]:
        """The 16 bits that the product cell gives for `byte` and each byte of `word`."""
        ...

    def width(self, x: Bits) -> int:
        """How many bits."""
        ...

    def part(self, x: Bits, start: int, stop: int) -> Bits:
        """Positions `start` to `stop` (exclusive)."""
        ...

    def join(self, *parts: Bits) -> Bits:
        """Bits side by side, the lowest first."""
        ...

    def spread(self, bit: Bits, width: int) -> Bits:
        """One bit at `width` positions."""
        ...

    def constant(self, bit: int, width: int, like: Bits) -> Bits:
        """0 or 1 at `width` positions, batched as `like`."""
        ...

    def choose(self, control: Control, yes: Bits, no: Bits) -> Bits:
        """`yes` where the control holds."""
        ...

    def reverse(self, x: Bits) -> Bits:
        """The bits in opposite order."""
        ...

    def up(self, x: Bits, n: Distance, fill: int) -> Bits:
        """`x` moved up by 1 <= n <= 64 positions, `fill` (0 or 1) at the lowest `n`."""
        ...

    def down(self, x: Bits, n: Distance, above: Bits) -> Bits:
        """`x` (64 bits at most) moved `n` positions down, the lowest of `above` at the top."""
        ...

    def repeat(self, count: int, body: Callable[..., tuple[Bits, ...]], *carry: Bits) -> tuple:
        """`carry = body(k, *carry)` for k from 0 to `count` - 1."""
        ...


class Sum(NamedTuple):
    """A sum and what the flags need.

    Attributes:
      value: as wide as the addends.
      carry: out of the top position, one bit.
      into_top: the carry into the top position, one bit.
    """

    value: Bits
    carry: Bits
    into_top: Bits


def add(wires: Wires, a: Bits, b: Bits, carry: Bits) -> Sum:
    """a + b + carry, a parallel-prefix adder (Kogge & Stone 1973).

    After the level of distance d, (g, p) at a position say whether the 2d positions ending
    there generate a carry and whether they pass one on.
    """
    width = wires.width(a)
    g, propagate = wires.cell("half", a, b)
    p = propagate
    # The carry that comes in is the first thing that position 0 can generate.
    first = wires.cell(
        "carry", wires.part(g, 0, 1), wires.part(p, 0, 1), carry, wires.constant(0, 1, carry)
    )
    g = wires.join(first[0], wires.part(g, 1, width))

    def level(k: Distance, g: Bits, p: Bits) -> tuple[Bits, ...]:
        return wires.cell("carry", g, p, wires.up(g, 1 << k, 0), wires.up(p, 1 << k, 1))

    g, _ = wires.repeat((width - 1).bit_length(), level, g, p)
    into = wires.join(carry, wires.part(g, 0, width - 1))
    (total,) = wires.cell("sum", propagate, into)
    return Sum(total, wires.part(g, width - 1, width), wires.part(into, width - 1, width))


def logic(wires: Wires, name: str, *inputs: Bits) -> Bits:
    """The cell `name` ("and", "or", "xor", "bic" or "not") at every position."""
    return wires.cell(name, *inputs)[0]


def any_set(wires: Wires, x: Bits) -> Bits:
    """One bit: whether any bit of `x` is set, a tree of OR cells."""
    while (width := wires.width(x)) > 1:
        half = width // 2
        pairs = logic(wires, "or", wires.part(x, 0, half), wires.part(x, half, 2 * half))
        x = wires.join(pairs, wires.part(x, 2 * half, width))
    return x


def is_zero(wires: Wires, x: Bits) -> Bits:
    """One bit: whether no bit of `x` is set."""
    return logic(wires, "not", any_set(wires, x))


def nzcv(wires: Wires, total: Sum, zero: Bits) -> Bits:
    """The four flags of a sum, V lowest and N highest; `zero` says whether it is 0."""
    top = wires.width(total.value) - 1
    overflow = logic(wires, "xor", total.carry, total.into_top)
    negative = wires.part(total.value, top, top + 1)
    return wires.join(overflow, total.carry, zero, negative)


def negate_if(wires: Wires, condition: Bits, x: Bits) -> Bits:
    """`x`, or -x where the bit `condition` is set: complement and add the condition."""
    width = wires.width(x)
    flipped = logic(wires, "xor", x, wires.spread(condition, width))
    return add(wires, flipped, wires.constant(0, width, x), condition).value


class Shift(NamedTuple):
    """Which shift: all false is LSR.

    Attributes:
      left, arithmetic, rotate: LSL, ASR, ROR.
    """

    left: Control
    arithmetic: Control
    rotate: Control


def shift(wires: Wires, x: Bits, amount: Bits, kind: Shift) -> Bits:
    """`x` shifted by `amount`, log2(width) stages of route cells.

    Each stage moves by a power of two where its bit of the amount says so.  A left shift
    goes through the same stages with its bits in opposite order.

    Args:
      wires: how bits are carried.
      x: a power of two positions.
      amount: log2(width) positions or more, of which the lowest count.
      kind: controls.
    """
    width = wires.width(x)
    x = wires.choose(kind.left, wires.reverse(x), x)
    none = wires.constant(0, 1, x)
    fill = wires.choose(kind.arithmetic, wires.part(x, width - 1, width), none)
    filled = wires.spread(fill, width)

    def stage(k: Distance, x: Bits, amount: Bits) -> tuple[Bits, ...]:
        moved = wires.down(x, 1 << k, wires.choose(kind.rotate, x, filled))
        move = wires.spread(wires.part(amount, 0, 1), width)
        (x,) = wires.cell("route", move, x, moved)
        return x, wires.down(amount, 1, amount)

    x, _ = wires.repeat(width.bit_length() - 1, stage, x, amount)
    return wires.choose(kind.left, wires.reverse(x), x)


def multiply(wires: Wires, a: Bits, b: Bits, width: int) -> Bits:
    """The lowest `width` bits of the unsigned product of two words of whole bytes.

    Horner's scheme over the bytes of `a`, highest first; the sum so far is carried as two
    rows (carry-save), which full adder cells reduce to two again after each byte, and an
    addition at the end to one.
    """
    zero = wires.constant(0, width, a)
    size = wires.width(a)

    def step(_: Distance, rest: Bits, total: Bits, carry: Bits) -> tuple[Bits, ...]:
        products = wires.products(wires.part(rest, size - 8, size), b)
        total, carry = wires.up(total, 8, 0), wires.up(carry, 8, 0)
        # Products of neighbouring bytes overlap by one: even and odd ones in rows apart.
        for parity in range(min(2, len(products))):
            row = _lay(wires, products[parity::2], 8 * parity, width)
            total, carry = three_to_two(wires, total, carry, row)
        return wires.up(rest, 8, 0), total, carry

    _, total, carry = wires.repeat(size // 8, step, a, zero, zero)
    return add(wires, total, carry, wires.constant(0, 1, a)).value


def three_to_two(wires: Wires, a: Bits, b: Bits, c: Bits, carry: int = 0) -> tuple[Bits, Bits]:
    """Two rows with the sum of three rows and `carry`, modulo their width."""
    total, carries = wires.cell("full", a, b, c)
    return total, wires.up(carries, 1, carry)


def _lay(wires: Wires, parts: list[Bits], start: int, width: int) -> Bits:
    """Parts side by side from position `start`, zeros around, cut at `width`."""
    row = wires.join(*parts)
    if start:
        row = wires.join(wires.constant(0, start, row), row)
    if wires.width(row) < width:
        return wires.join(row, wires.constant(0, width - wires.width(row), row))
    return wires.part(row, 0, width)


def multiply_high(wires: Wires, a: Bits, b: Bits, signed: Control) -> Bits:
    """The upper half of the product.

    Read without sign, a negative factor is 2**width too large: the other factor is taken
    off the upper half again.
    """
    width = wires.width(a)
    high = wires.part(multiply(wires, a, b, 2 * width), width, 2 * width)
    none = wires.constant(0, 1, a)

    def taken(x: Bits, other: Bits) -> Bits:
        sign = wires.choose(signed, wires.part(x, width - 1, width), none)
        return logic(wires, "not", logic(wires, "and", other, wires.spread(sign, width)))

    # Two complements want one added each: one as the carry of either addition.
    total, carry = three_to_two(wires, high, taken(a, b), taken(b, a), carry=1)
    return add(wires, total, carry, wires.constant(1, 1, a)).value


def divide(wires: Wires, a: Bits, b: Bits, signed: Control) -> Bits:
    """The quotient rounded to zero, 0 for a zero divisor: restoring division."""
    width = wires.width(a)
    none = wires.constant(0, 1, a)
    sign_a = wires.choose(signed, wires.part(a, width - 1, width), none)
    sign_b = wires.choose(signed, wires.part(b, width - 1, width), none)
    quotient = divide_unsigned(wires, negate_if(wires, sign_a, a), negate_if(wires, sign_b, b))
    quotient = negate_if(wires, logic(wires, "xor", sign_a, sign_b), quotient)
    nonzero = any_set(wires, b)
    return logic(wires, "and", quotient, wires.spread(nonzero, width))


def divide_unsigned(wires: Wires, a: Bits, b: Bits) -> Bits:
    """The quotient of two unsigned words; all ones for a zero divisor."""
    width = wires.width(a)
    complement = logic(wires, "not", b)

    def step(_: Distance, remainder: Bits, register: Bits) -> tuple[Bits, Bits]:
        # The dividend leaves the register at the top as the quotient enters below.
        top = wires.part(register, width - 1, width)
        remainder, bit = division_step(wires, remainder, top, complement)
        return remainder, wires.join(bit, wires.part(register, 0, width - 1))

    return wires.repeat(width, step, wires.constant(0, width, a), a)[1]


def division_step(wires: Wires, remainder: Bits, bit: Bits, complement: Bits) -> tuple[Bits, Bits]:
    """One bit of a quotient.

    Args:
      wires: how bits are carried.
      remainder: so far, less than the divisor.
      bit: the next bit of the dividend.
      complement: of the divisor.

    Returns:
      The new remainder, and the bit of the quotient.
    """
    width = wires.width(remainder)
    out = wires.part(remainder, width - 1, width)
    shifted = wires.join(bit, wires.part(remainder, 0, width - 1))
    trial = add(wires, shifted, complement, wires.constant(1, 1, bit))
    # It fits when the subtraction does not borrow, or the bit shifted out made it larger.
    fits = logic(wires, "or", trial.carry, out)
    (left,) = wires.cell("route", wires.spread(fits, width), shifted, trial.value)
    return left, fits
