"""The machine's arithmetic from trained networks: `ncpu.machine.alu.Alu`, hard or soft."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import jax
import jax.numpy as jnp
from jax import lax

from ncpu.machine.word import u64
from ncpu.neural_alu import circuits
from ncpu.neural_alu.circuits import Bits, Shift, Wires
from ncpu.neural_alu.packed import Answers, Packed, PackedWires, answers
from ncpu.neural_alu.planes import Networks, from_word, soft_wires, to_word

WIDTH = 64
DROP = 32  # positions a 32-bit operand is moved up by, so that its carry leaves at the top


class Gates(Protocol):
    """Trained cells as `NeuralAlu` uses them."""

    def wires(self) -> Wires:
        """The wires that apply them."""
        ...

    def enter(self, word: jax.Array, width: int) -> Bits:
        """The lowest bits of `u64[...]`."""
        ...

    def leave(self, bits: Bits) -> jax.Array:
        """At most 64 bits as `u64[...]`."""
        ...


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class AtEachPosition:
    """The networks run at every bit position, hard or soft (`planes.py`)."""

    networks: Networks
    temperature: float = field(default=0.0, metadata={"static": True})

    def wires(self) -> Wires:
        """See `Gates.wires`."""
        return soft_wires(self.networks, self.temperature)

    def enter(self, word: jax.Array, width: int) -> jax.Array:
        """See `Gates.enter`."""
        return from_word(word, width)

    def leave(self, bits: jax.Array) -> jax.Array:
        """See `Gates.leave`; soft bits are rounded."""
        return to_word(bits, jnp.uint64)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ForEachInput:
    """The networks have run once for every input they can have (`packed.py`)."""

    answers: Answers

    def wires(self) -> Wires:
        """See `Gates.wires`."""
        return PackedWires(self.answers)

    def enter(self, word: jax.Array, width: int) -> Packed:
        """See `Gates.enter`."""
        return Packed((word.astype(jnp.uint64) & u64((1 << width) - 1),), width)

    def leave(self, bits: Packed) -> jax.Array:
        """See `Gates.leave`."""
        return bits.limbs[0]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class NeuralAlu:
    """Arithmetic by trained cells on `u64` words; made by `neural`, `tabulated` and `soft`."""

    gates: Gates

    def _use(self) -> tuple[Wires, Callable[..., Bits], Callable[[Bits], jax.Array]]:
        return self.gates.wires(), self.gates.enter, self.gates.leave

    def when(self, wanted: jax.Array, compute: Callable[[], jax.Array]) -> jax.Array:
        """See `Alu.when`."""
        return lax.cond(wanted, compute, lambda: u64(0))

    def add(
        self, a: jax.Array, b: jax.Array, carry: jax.Array, wide: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """See `Alu.add`."""
        wires, enter, leave = self._use()
        bits_a, bits_b = enter(a, WIDTH), enter(b, WIDTH)
        carry_in = enter(jnp.broadcast_to(carry, a.shape), 1)

        def lift(x: Bits, fill: int) -> Bits:
            return wires.choose(wide, x, wires.up(x, DROP, fill))

        # Below a lifted operand lie positions that pass the carry on: 1 + 0.
        total = circuits.add(wires, lift(bits_a, 1), lift(bits_b, 0), carry_in)
        high = wires.part(total.value, DROP, WIDTH)
        dropped = wires.join(high, wires.constant(0, DROP, high))
        value = wires.choose(wide, total.value, dropped)
        flags = circuits.nzcv(wires, total, circuits.is_zero(wires, value))
        return leave(value), leave(flags).astype(jnp.uint32)

    def logic(self, op: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
        """See `Alu.logic`."""

        def by(name: str) -> Callable[[jax.Array, jax.Array], jax.Array]:
            return lambda a, b: self._positionwise(name, a, b)

        return lax.switch(op.astype(jnp.int32), [by("and"), by("or"), by("xor")], a, b)

    def invert(self, a: jax.Array, when: jax.Array) -> jax.Array:
        """See `Alu.invert`."""
        return lax.cond(when, lambda: self._positionwise("not", a), lambda: a)

    def _positionwise(self, name: str, *words: jax.Array) -> jax.Array:
        wires, enter, leave = self._use()
        return leave(circuits.logic(wires, name, *(enter(x, WIDTH) for x in words)))

    def is_zero(self, a: jax.Array) -> jax.Array:
        """See `Alu.is_zero`."""
        wires, enter, leave = self._use()
        return leave(circuits.is_zero(wires, enter(a, WIDTH))) == 1

    def two_shift(
        self, a: jax.Array, left: jax.Array, right: jax.Array, signed: jax.Array
    ) -> jax.Array:
        """See `Alu.two_shift`; nothing is computed for amounts of zero."""
        wide = jnp.bool_(True)
        to_right = jnp.where(signed, jnp.uint32(2), jnp.uint32(1))
        a = lax.cond(left != 0, lambda: self.shift(jnp.uint32(0), a, left, wide), lambda: a)
        return lax.cond(right != 0, lambda: self.shift(to_right, a, right, wide), lambda: a)

    def shift(self, op: jax.Array, a: jax.Array, amount: jax.Array, wide: jax.Array) -> jax.Array:
        """See `Alu.shift`."""
        wires, enter, leave = self._use()
        bits, by = enter(a, WIDTH), enter(amount, 6)
        kind = Shift(op == 0, op == 2, op == 3)
        low = wires.part(bits, 0, DROP)
        # A 32-bit operand is continued by what will move in: itself, its sign or zeros.
        sign = wires.spread(wires.part(low, DROP - 1, DROP), DROP)
        zeros = wires.constant(0, DROP, low)
        above = wires.choose(kind.rotate, low, wires.choose(kind.arithmetic, sign, zeros))
        bits = wires.choose(wide, bits, wires.join(low, above))
        fifth = wires.part(by, 5, 6)
        five = wires.join(wires.part(by, 0, 5), wires.constant(0, 1, fifth))
        return leave(circuits.shift(wires, bits, wires.choose(wide, by, five), kind))

    def multiply(self, a: jax.Array, b: jax.Array) -> jax.Array:
        """See `Alu.multiply`."""
        wires, enter, leave = self._use()
        return leave(circuits.multiply(wires, enter(a, WIDTH), enter(b, WIDTH), WIDTH))

    def multiply_high(self, a: jax.Array, b: jax.Array, signed: jax.Array) -> jax.Array:
        """See `Alu.multiply_high`."""
        wires, enter, leave = self._use()
        return leave(circuits.multiply_high(wires, enter(a, WIDTH), enter(b, WIDTH), signed))

    def divide(self, a: jax.Array, b: jax.Array, signed: jax.Array) -> jax.Array:
        """See `Alu.divide`."""
        wires, enter, leave = self._use()
        return leave(circuits.divide(wires, enter(a, WIDTH), enter(b, WIDTH), signed))


def neural(networks: Networks) -> NeuralAlu:
    """The networks run at every bit position of every operation."""
    return NeuralAlu(AtEachPosition(networks))


def tabulated(networks: Networks) -> NeuralAlu:
    """The networks run once for each input they can have, now."""
    return NeuralAlu(ForEachInput(answers(networks)))


def soft(networks: Networks, temperature: float = 0.0) -> NeuralAlu:
    """The networks pass on probabilities at `temperature`; results are rounded.

    At 0 this is `neural`.  For gradients carry the soft bits yourself: `circuits` on
    `soft_wires`, or `ops.soft`.
    """
    return NeuralAlu(AtEachPosition(networks, temperature))
