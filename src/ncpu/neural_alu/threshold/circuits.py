"""Arithmetic as threshold circuits: gates on lists of wires, lowest bit first.

The constructions are the textbook ones: carries by weighing all lower bits at once
(Siu, Roychowdhury and Kailath, "Depth-size tradeoffs for neural computation", 1991), products
by shifting and adding with counters for the columns, barrel shifts, restoring division.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import lax

from ncpu.neural_alu.threshold.gates import Circuit, CircuitError, Netlist

WIDTHS = (4, 8, 16, 32, 64)
BLOCK = 16  # bits weighed by one unit: sums below 2**18 are exact in f32
Wires = Sequence[int]


def invert(net: Netlist, wire: int) -> int:
    """NOT."""
    return net.gate([(-1, wire)], 0)


def conjunction(net: Netlist, *wires: int) -> int:
    """AND."""
    return net.gate([(1, wire) for wire in wires], len(wires))


def disjunction(net: Netlist, *wires: int) -> int:
    """OR."""
    return net.gate([(1, wire) for wire in wires], 1)


def exclusive(net: Netlist, a: int, b: int) -> int:
    """XOR, which no single unit computes: OR but not AND."""
    return net.gate([(1, disjunction(net, a, b)), (-1, conjunction(net, a, b))], 1)


def majority(net: Netlist, *wires: int) -> int:
    """Whether more than half of the wires are 1."""
    return net.gate([(1, wire) for wire in wires], len(wires) // 2 + 1)


def decode(net: Netlist, bits: Wires, lines: int) -> list[int]:
    """One-hot: line `v` is 1 where the bits spell `v`, one unit a line."""
    return [
        net.gate([(1 if v >> k & 1 else -1, bit) for k, bit in enumerate(bits)], v.bit_count())
        for v in range(lines)
    ]


def select(net: Netlist, chosen: int, one: int, zero: int) -> int:
    """`one` where `chosen` is 1, else `zero`."""
    kept = net.gate([(1, zero), (-1, chosen)], 1)
    return disjunction(net, conjunction(net, chosen, one), kept)


def full_adder(net: Netlist, a: int, b: int, carry: int) -> tuple[int, int]:
    """Sum and carry in two layers: the carry is the majority, and outweighs two inputs."""
    out = majority(net, a, b, carry)
    return net.gate([(1, a), (1, b), (1, carry), (-2, out)], 1), out


def ripple(net: Netlist, a: Wires, b: Wires, carry: int) -> tuple[list[int], int]:
    """`a + b + carry` by full adders in a chain: depth in proportion to width."""
    total = []
    for x, y in zip(a, b, strict=True):
        bit, carry = full_adder(net, x, y, carry)
        total.append(bit)
    return total, carry


def add(net: Netlist, a: Wires, b: Wires, carry: int) -> tuple[list[int], int]:
    """`a + b + carry` in two layers up to 16 bits, four beyond."""
    carries = [carry, *_carries(net, a, b, carry)]
    total = [
        net.gate([(1, x), (1, y), (1, c), (-2, out)], 1)
        for x, y, c, out in zip(a, b, carries, carries[1:], strict=False)
    ]
    return total, carries[-1]


def _carries(net: Netlist, a: Wires, b: Wires, carry: int) -> list[int]:
    """The carry out of each bit: whether the bits up to it, weighed by 2**k, overflow.

    Blocks beyond the first get their carry from digits 0, 1 and 2 that say whether each
    block before them kills, propagates or generates one: the same sum one level up.
    """
    out: list[int] = []
    digits: list[tuple[float, int]] = [(1, carry)]
    start = carry
    for low in range(0, len(a), BLOCK):
        pairs = [*zip(a[low : low + BLOCK], b[low : low + BLOCK], strict=True)]
        terms = [(1 << k, wire) for k, pair in enumerate(pairs) for wire in pair]
        for k in range(len(pairs)):
            out.append(net.gate([(1, start), *terms[: 2 * k + 2]], 2 << k))
        block, full = low // BLOCK, 1 << len(pairs)
        digits += [(1 << block, net.gate(terms, reach)) for reach in (full - 1, full)]
        start = net.gate(digits, 2 << block)
    return out


def subtract(net: Netlist, a: Wires, b: Wires) -> tuple[list[int], int]:
    """`a - b`, and 1 where `a >= b` as unsigned numbers (Arm's carry)."""
    return add(net, a, [invert(net, bit) for bit in b], net.constant(1))


def negate_if(net: Netlist, negative: int, word: Wires) -> list[int]:
    """`-word` where `negative` is 1."""
    flipped = [exclusive(net, bit, negative) for bit in word]
    return add(net, flipped, [net.constant(0)] * len(word), negative)[0]


def count(net: Netlist, wires: Wires) -> list[int]:
    """How many wires are 1, in binary: two layers, after Muroga's parity of thresholds.

    Bit j is the parity of how many multiples of 2**j the count has reached.
    """
    reached = [net.gate([(1, wire) for wire in wires], n + 1) for n in range(len(wires))]
    return [
        net.gate([((-1) ** k, r) for k, r in enumerate(reached[(1 << j) - 1 :: 1 << j])], 1)
        for j in range(len(wires).bit_length())
    ]


def multiply(net: Netlist, a: Wires, b: Wires) -> list[int]:
    """The low word of `a * b`: shifted rows, columns counted until two rows are left to add."""
    width = len(a)
    columns = [[conjunction(net, a[i], b[k - i]) for i in range(k + 1)] for k in range(width)]
    while max(map(len, columns)) > 2:
        counted: list[list[int]] = [[] for _ in columns]
        for k, column in enumerate(columns):
            bits = [*enumerate(count(net, column))] if len(column) > 2 else [(0, w) for w in column]
            for j, wire in bits:
                if k + j < width:
                    counted[k + j].append(wire)
        columns = counted
    zero = net.constant(0)
    first, second = zip(*([*column, zero, zero][:2] for column in columns), strict=True)
    return add(net, first, second, zero)[0]


def shift_left(net: Netlist, word: Wires, amount: Wires) -> list[int]:
    """A barrel shifter: by 1, 2, 4, ... where the amount's bit is set; the width is 2**len."""
    for j, moves in enumerate(amount[: (len(word) - 1).bit_length()]):
        step = 1 << j
        low = [net.gate([(1, bit), (-1, moves)], 1) for bit in word[:step]]
        rest = [select(net, moves, a, b) for a, b in zip(word[:-step], word[step:], strict=True)]
        word = low + rest
    return [*word]


def shift_right(net: Netlist, word: Wires, amount: Wires) -> list[int]:
    """A left shift with the bits in reverse."""
    return shift_left(net, word[::-1], amount)[::-1]


def checked(width: int) -> int:
    """The width, if circuits are built for it.

    Raises:
      CircuitError: it is not in `WIDTHS`.
    """
    if width not in WIDTHS:
        raise CircuitError(f"words of {width} bits: the width is one of {WIDTHS}")
    return width


def binary(function: Callable[[Netlist, Wires, Wires], Wires], width: int) -> Circuit:
    """The circuit of an operation on two words, `f32[..., 2 * width]` (a, then b) to a word."""
    net = Netlist(2 * checked(width))
    return net.build(function(net, range(width), range(width, 2 * width)))


def adder(width: int, chain: bool = False) -> Circuit:
    """`f32[..., 2 * width + 1]` (a, b, carry) to sum and carry out; by `ripple` if `chain`."""
    net = Netlist(2 * checked(width) + 1)
    a, b = range(width), range(width, 2 * width)
    total, carry = (ripple if chain else add)(net, a, b, 2 * width)
    return net.build([*total, carry])


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Divider:
    """Signed division, truncating, 0 for a zero divisor: restoring, one stage a quotient bit.

    All stages are the same circuit, whose weights are stored once.

    Attributes:
      prepare: a, b to |a|, |b|, whether the quotient is negative, whether b is not zero.
      stage: remainder, divisor, and the register that holds the rest of the dividend in its
        high end and the quotient so far in its low end; the same three after one bit.
      finish: magnitude of the quotient and the two bits of `prepare`, to the quotient.
    """

    prepare: Circuit
    stage: Circuit
    finish: Circuit

    def __call__(self, x: jax.Array) -> jax.Array:
        """`f32[..., 2 * width]` (a, b) to `f32[..., width]`."""
        width = x.shape[-1] // 2
        made = self.prepare(x)
        dividend, divisor, signs = jnp.split(made, (width, 2 * width), axis=-1)
        registers = jnp.concatenate((jnp.zeros_like(dividend), divisor, dividend), axis=-1)
        registers = lax.fori_loop(0, width, lambda _, r: self.stage(r), registers)
        return self.finish(jnp.concatenate((registers[..., 2 * width :], signs), axis=-1))

    @property
    def stages(self) -> int:
        """How often `stage` is passed."""
        return self.finish.layers[-1].b.size

    @property
    def depth(self) -> int:
        """Layers from input to output."""
        return self.prepare.depth + self.stages * self.stage.depth + self.finish.depth

    @property
    def units(self) -> int:
        """Threshold units of the unrolled circuit, relays included."""
        return self.prepare.units + self.stages * self.stage.units + self.finish.units

    @property
    def relays(self) -> int:
        """Units that only hand one value on to the next layer."""
        return self.prepare.relays + self.stages * self.stage.relays + self.finish.relays


def divider(width: int) -> Divider:
    """The three circuits of a `Divider`."""
    net = Netlist(2 * checked(width))
    a, b = range(width), range(width, 2 * width)
    magnitudes = [*negate_if(net, a[-1], a), *negate_if(net, b[-1], b)]
    signs = [exclusive(net, a[-1], b[-1]), disjunction(net, *b)]
    prepare = net.build([*magnitudes, *signs])

    net = Netlist(3 * width)
    remainder, divisor, shifting = (range(k * width, (k + 1) * width) for k in range(3))
    # |b| is at most 2**(width - 1), so twice a remainder still fits in a word.
    shifted = [shifting[-1], *remainder[:-1]]
    difference, fits = subtract(net, shifted, divisor)
    rest = [select(net, fits, *pair) for pair in zip(difference, shifted, strict=True)]
    stage = net.build([*rest, *divisor, fits, *shifting[:-1]])

    net = Netlist(width + 2)
    quotient = negate_if(net, width, range(width))
    finish = net.build([conjunction(net, bit, width + 1) for bit in quotient])
    return Divider(prepare, stage, finish)


def _bitwise(gate: Callable[[Netlist, int, int], int]) -> Callable[[Netlist, Wires, Wires], Wires]:
    return lambda net, a, b: [gate(net, x, y) for x, y in zip(a, b, strict=True)]


OPERATIONS: dict[str, Callable[[Netlist, Wires, Wires], Wires]] = {
    "add": lambda net, a, b: add(net, a, b, net.constant(0))[0],
    "sub": lambda net, a, b: subtract(net, a, b)[0],
    "mul": multiply,
    "and": _bitwise(conjunction),
    "or": _bitwise(disjunction),
    "xor": _bitwise(exclusive),
    "shl": shift_left,
    "shr": shift_right,
}


def arithmetic(width: int) -> dict[str, Circuit | Divider]:
    """The circuit of each arithmetic mnemonic of the toy instruction set, DIV included."""
    circuits = {name: binary(function, width) for name, function in OPERATIONS.items()}
    return {**circuits, "div": divider(width)}


def flags(width: int) -> Circuit:
    """A word to N (its sign) and Z (whether no bit is set)."""
    net = Netlist(checked(width))
    return net.build([width - 1, net.gate([(-1, bit) for bit in range(width)], 0)])
