"""Words that no carry scan computes: products and quotients, by the machine's own ALU.

The adder, the shifter's settings, widths, flags are learned; a multiplier is not something a
scan over 64 positions can be.  So it is a part given to the model, as a coprocessor is to a
processor: which of its words an instruction takes, of what width, and what is done with it
afterwards, are learned like everything else.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx

from ncpu.jepa.layers import linear, mixed
from ncpu.jepa.view import from_bits, to_bits
from ncpu.machine import word
from ncpu.machine.alu import EXACT

# Products: of words, of unsigned and of signed halves, and the high halves of both kinds.
# Quotients: unsigned and signed, of words and of halves.
GIVEN = 9


@word.with_x64
def computed(a: jax.Array, b: jax.Array) -> jax.Array:
    """Products and quotients of words as limbs `u32[n, 2]`: `u32[9, n, 2]`."""
    whole = word.join(a), word.join(b)
    unsigned = whole[0] & word.u64(0xFFFFFFFF), whole[1] & word.u64(0xFFFFFFFF)
    signed = word.sign_extend(whole[0], word.u64(32)), word.sign_extend(whole[1], word.u64(32))
    no, yes = jnp.bool_(False), jnp.bool_(True)
    words = [EXACT.multiply(*pair) for pair in (whole, unsigned, signed)]
    words += [EXACT.multiply_high(*whole, no), EXACT.multiply_high(*whole, yes)]
    words += [EXACT.divide(*whole, no), EXACT.divide(*unsigned, no)]
    words += [EXACT.divide(*whole, yes), EXACT.divide(*signed, yes)]
    return word.split(jnp.stack(words))


class Arithmetic(nnx.Module):
    """One word of `computed`, selected by the instruction."""

    def __init__(self, hidden: int, *, rngs: nnx.Rngs) -> None:
        """`hidden`: width of an instruction's code."""
        self.choice = linear(hidden, GIVEN, rngs=rngs)

    def __call__(self, a: jax.Array, b: jax.Array, code: jax.Array) -> jax.Array:
        """Soft bits `f32[64, n]` of the selected word.

        Args:
          a, b: soft bits of the operands; rounded, and no gradient goes through them.
          code: `f32[n, h]`.
        """
        first, second = (from_bits(jax.lax.stop_gradient(x).T > 0) for x in (a, b))
        words = to_bits(computed(first, second)).transpose(0, 2, 1) * 2 - 1
        return mixed(2 * self.choice(code), list(words))
