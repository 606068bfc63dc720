"""Bits packed in words: each network runs once for every input it can have.

A cell sees at most 16 different inputs.  Instead of a forward pass at each of 64
positions, the network is evaluated on its whole domain once, and its answers are handed
to the positions with bitwise selection.  The answers are still the weights': change one
and the arithmetic changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.machine import word
from ncpu.machine.word import u64
from ncpu.neural_alu.cells import BYTE, CELLS
from ncpu.neural_alu.planes import Networks, product_cell

LIMB = 64


class Packed(NamedTuple):
    """`width` bits in `u64` limbs, lowest first; the bits above are zero."""

    limbs: tuple[jax.Array, ...]
    width: int


def _mask(bits: int) -> np.uint64:
    return np.uint64((1 << bits) - 1)


def _limb(x: Packed, start: int) -> jax.Array:
    """The 64 bits from position `start`, zeros beyond the last limb."""
    index, shift = divmod(start, LIMB)
    low = x.limbs[index] >> np.uint64(shift) if index < len(x.limbs) else jnp.zeros_like(x.limbs[0])
    if shift and index + 1 < len(x.limbs):
        low = low | x.limbs[index + 1] << np.uint64(LIMB - shift)
    return low


Answers = dict[str, jax.Array]


def answers(networks: Networks) -> Answers:
    """What each cell says to each input of its domain, `u32[outputs, rows, 2]` masks.

    A mask is a word of 64 equal bits; "product" keeps the bilinear form's logits.
    """
    out = {"product": product_cell(networks).table[...]}
    for name, spec in CELLS.items():
        logits = jnp.stack(networks[name](*jnp.asarray(spec.domain().T)))
        mask = jnp.where(logits > 0, jnp.uint32(0xFFFFFFFF), jnp.uint32(0))
        out[name] = jnp.stack([mask, mask], -1)
    return out


class PackedWires:
    """Wires whose bits are `Packed`; only under x64."""

    def __init__(self, answers: Answers) -> None:
        """`answers` of trained networks."""
        self.answers = answers

    def cell(self, name: str, *inputs: Packed) -> tuple[Packed, ...]:
        """See `Wires.cell`."""
        width = inputs[0].width
        outputs = []
        for answers in word.join(self.answers[name]):
            limbs = [
                _select(answers, bits) for bits in zip(*(x.limbs for x in inputs), strict=True)
            ]
            outputs.append(_trim(limbs, width))
        return tuple(outputs)

    def products(self, byte: Packed, word: Packed) -> list[Packed]:
        """See `Wires.products`."""
        return [
            self._product(byte, self.part(word, k, k + BYTE)) for k in range(0, word.width, BYTE)
        ]

    def _product(self, a: Packed, b: Packed) -> Packed:
        pair = (a.limbs[0] << BYTE | b.limbs[0]).astype(jnp.uint32)
        logits = jnp.take(self.answers["product"], pair, axis=0, mode="clip")
        bits = (logits > 0).astype(jnp.uint64) << np.arange(2 * BYTE, dtype=np.uint64)
        return Packed((jnp.sum(bits, axis=-1, dtype=jnp.uint64),), 2 * BYTE)

    def width(self, x: Packed) -> int:
        """See `Wires.width`."""
        return x.width

    def part(self, x: Packed, start: int, stop: int) -> Packed:
        """See `Wires.part`."""
        return _trim([_limb(x, k) for k in range(start, max(stop, start + 1), LIMB)], stop - start)

    def join(self, *parts: Packed) -> Packed:
        """See `Wires.join`."""
        width = sum(part.width for part in parts)
        limbs = [jnp.zeros_like(parts[0].limbs[0])] * max(1, -(-width // LIMB))
        start = 0
        for part in parts:
            for k, limb in enumerate(part.limbs):
                index, shift = divmod(start + LIMB * k, LIMB)
                if index < len(limbs):
                    limbs[index] = limbs[index] | limb << np.uint64(shift)
                if shift and index + 1 < len(limbs):
                    limbs[index + 1] = limbs[index + 1] | limb >> np.uint64(LIMB - shift)
            start += part.width
        return Packed(tuple(limbs), width)

    def spread(self, bit: Packed, width: int) -> Packed:
        """See `Wires.spread`."""
        everywhere = u64(0) - bit.limbs[0]
        return _trim([everywhere] * -(-width // LIMB), width)

    def constant(self, bit: int, width: int, like: Packed) -> Packed:
        """See `Wires.constant`."""
        limb = jnp.full_like(like.limbs[0], word.MASK64 if bit else 0)
        return _trim([limb] * max(1, -(-width // LIMB)), width)

    def choose(self, control: jax.Array | bool, yes: Packed, no: Packed) -> Packed:
        """See `Wires.choose`."""
        pairs = zip(yes.limbs, no.limbs, strict=True)
        return Packed(tuple(jnp.where(control, a, b) for a, b in pairs), yes.width)

    def reverse(self, x: Packed) -> Packed:
        """See `Wires.reverse`."""
        whole = Packed(tuple(word.reverse_bits(limb) for limb in reversed(x.limbs)), 0)
        return self.part(whole, LIMB * len(x.limbs) - x.width, LIMB * len(x.limbs))

    def up(self, x: Packed, n: jax.Array | int, fill: int) -> Packed:
        """See `Wires.up`."""
        n = jnp.asarray(n).astype(jnp.uint64)
        limbs = []
        below = u64(word.MASK64 if fill else 0)
        for limb in x.limbs:
            limbs.append(word.shl(limb, n) | word.shr(below, u64(LIMB) - n))
            below = limb
        return _trim(limbs, x.width)

    def down(self, x: Packed, n: jax.Array | int, above: Packed) -> Packed:
        """See `Wires.down`."""
        n = jnp.asarray(n).astype(jnp.uint64)
        low = word.shr(x.limbs[0], n) | word.shl(above.limbs[0], u64(x.width) - n)
        return _trim([low], x.width)

    def repeat(self, count: int, body: Callable, *carry: Packed) -> tuple:
        """See `Wires.repeat`."""
        widths = [x.width for x in carry]

        def step(k: jax.Array, limbs: tuple) -> tuple:
            out = body(k, *map(Packed, limbs, widths))
            return tuple(x.limbs for x in out)

        limbs = lax.fori_loop(0, count, step, tuple(x.limbs for x in carry))
        return tuple(map(Packed, limbs, widths))


def _trim(limbs: list[jax.Array], width: int) -> Packed:
    """Limbs with the bits from `width` on cleared."""
    rest = width - LIMB * (len(limbs) - 1)
    return Packed((*limbs[:-1], limbs[-1] & _mask(rest)), width)


def _select(answers: jax.Array, inputs: tuple[jax.Array, ...]) -> jax.Array:
    """At each bit position the answer to the inputs there, halving by one input at a time."""
    choices = list(answers)
    for x in reversed(inputs):  # the last input is the lowest bit of the row
        choices = [
            no ^ ((no ^ yes) & x) for no, yes in zip(choices[::2], choices[1::2], strict=True)
        ]
    return choices[0]
