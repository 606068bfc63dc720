"""Bits as numbers, one plane of an array for each position: the networks themselves run.

Hard wires threshold every output of every cell.  Soft wires (temperature above zero) pass
on the probability that a bit is set, so that gradients flow through a whole operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.neural_alu.cells import BYTE, Cell, ProductCell

Networks = Mapping[str, Cell | ProductCell]
# The product cell's weights are kept in sixteenths: its logits, at most 8, are then as far
# apart as other cells' (6 to 10), and one temperature suits all.
PRODUCT_UNIT = 16


def product_cell(networks: Networks) -> ProductCell:
    """The one cell that is no perceptron."""
    return cast(ProductCell, networks["product"])


def threshold(logit: jax.Array) -> jax.Array:
    """1 where positive, else 0: the decision that ends every cell."""
    return (logit > 0).astype(jnp.float32)


def _through(primals: tuple, tangents: tuple) -> tuple[jax.Array, jax.Array]:
    (logit,), (tangent,) = primals, tangents
    soft = jax.nn.sigmoid(logit)
    return threshold(logit), soft * (1 - soft) * tangent


# The threshold, with the derivative of the logistic function (Bengio et al. 2013).
straight_through = jax.custom_jvp(threshold)
straight_through.defjvp(_through)


@dataclass(frozen=True)
class Planes:
    """Wires whose bits are `f32[width, ...]`, each 0 or 1, or between when soft.

    Attributes:
      networks: the trained cells.
      activation: what turns a logit into a bit.
    """

    networks: Networks
    activation: Callable[[jax.Array], jax.Array] = threshold

    def cell(self, name: str, *inputs: jax.Array) -> tuple[jax.Array, ...]:
        """See `Wires.cell`: a forward pass at every position."""
        return tuple(self.activation(logit) for logit in self.networks[name](*inputs))

    def products(self, byte: jax.Array, word: jax.Array) -> list[jax.Array]:
        """See `Wires.products`; hard bits pick their row of the bilinear form."""
        first = _code(byte) << BYTE
        logits = [product_cell(self.networks)(first | _code(other)) for other in _bytes(word)]
        return [self.activation(jnp.moveaxis(x, -1, 0).astype(jnp.float32)) for x in logits]

    def width(self, x: jax.Array) -> int:
        """See `Wires.width`."""
        return x.shape[0]

    def part(self, x: jax.Array, start: int, stop: int) -> jax.Array:
        """See `Wires.part`."""
        return x[start:stop]

    def join(self, *parts: jax.Array) -> jax.Array:
        """See `Wires.join`."""
        return jnp.concatenate(parts)

    def spread(self, bit: jax.Array, width: int) -> jax.Array:
        """See `Wires.spread`."""
        return jnp.broadcast_to(bit, (width, *bit.shape[1:]))

    def constant(self, bit: int, width: int, like: jax.Array) -> jax.Array:
        """See `Wires.constant`."""
        return jnp.full((width, *like.shape[1:]), bit, jnp.float32)

    def choose(self, control: jax.Array | bool, yes: jax.Array, no: jax.Array) -> jax.Array:
        """See `Wires.choose`."""
        return jnp.where(control, yes, no)

    def reverse(self, x: jax.Array) -> jax.Array:
        """See `Wires.reverse`."""
        return x[::-1]

    def up(self, x: jax.Array, n: jax.Array | int, fill: int) -> jax.Array:
        """See `Wires.up`."""
        width = x.shape[0]
        return lax.dynamic_slice_in_dim(self.join(jnp.full_like(x, fill), x), width - n, width)

    def down(self, x: jax.Array, n: jax.Array | int, above: jax.Array) -> jax.Array:
        """See `Wires.down`."""
        return lax.dynamic_slice_in_dim(self.join(x, above), n, x.shape[0])

    def repeat(self, count: int, body: Callable, *carry: jax.Array) -> tuple:
        """See `Wires.repeat`; a loop, so that XLA compiles its body once."""
        return lax.fori_loop(0, count, lambda k, values: body(k, *values), carry)


class SoftPlanes(Planes):
    """Wires whose bits are probabilities, made by `soft_wires`."""

    def products(self, byte: jax.Array, word: jax.Array) -> list[jax.Array]:
        """See `Wires.products`: the bilinear form in the distributions over bytes."""
        table = product_cell(self.networks).table[...].astype(jnp.float32) / PRODUCT_UNIT
        form = table.reshape(1 << BYTE, 1 << BYTE, 2 * BYTE)
        half = jnp.einsum("i...,ijk->jk...", _distribution(byte), form)
        forms = [jnp.einsum("j...,jk...->k...", _distribution(x), half) for x in _bytes(word)]
        return [self.activation(logits) for logits in forms]


def soft_wires(networks: Networks, temperature: float | jax.Array, through: bool = False) -> Planes:
    """Wires at a temperature: `sigmoid(logit / temperature)`, the threshold at 0.

    Args:
      networks: the trained cells.
      temperature: 0 or more, an array above 0; logits are a few units apart (see the
        certificate's margins).
      through: thresholded bits forwards, the soft derivative backwards.
    """
    cold = not isinstance(temperature, jax.Array) and temperature == 0
    if through:
        scale = 1.0 if cold else temperature
        return SoftPlanes(networks, lambda logit: straight_through(logit / scale))
    if cold:
        return Planes(networks)
    return SoftPlanes(networks, lambda logit: jax.nn.sigmoid(logit / temperature))


def _bytes(x: jax.Array) -> list[jax.Array]:
    return [x[k : k + BYTE] for k in range(0, x.shape[0], BYTE)]


def _code(byte: jax.Array) -> jax.Array:
    """Eight hard bits as a number, `u32[...]`: which one-hot code they have."""
    return to_word(byte, jnp.uint32)


def _distribution(bits: jax.Array) -> jax.Array:
    """Eight independent soft bits as a distribution over bytes, `f32[256, ...]`."""
    out = jnp.ones((1, *bits.shape[1:]), jnp.float32)
    for bit in bits:
        out = jnp.concatenate([out * (1 - bit), out * bit])
    return out


def from_word(word: jax.Array, width: int) -> jax.Array:
    """The lowest `width` bits of `u32[...]` or `u64[...]` as planes `f32[width, ...]`."""
    place = np.arange(width).reshape(width, *[1] * word.ndim).astype(word.dtype)
    return (word[None] >> place & np.ones((), word.dtype)).astype(jnp.float32)


def to_word(bits: jax.Array, dtype: jax.typing.DTypeLike) -> jax.Array:
    """Planes as words of an unsigned dtype that has room for them; bits above 1/2 are set."""
    place = np.arange(bits.shape[0]).reshape(-1, *[1] * (bits.ndim - 1)).astype(dtype)
    return jnp.sum((bits > 0.5).astype(dtype) << place, axis=0, dtype=dtype)
