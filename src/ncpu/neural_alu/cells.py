"""The trained cells: small networks that each know one truth table.

A cell computes on bits.  It is a perceptron with one hidden layer whose outputs are bits
when positive; the same weights serve every bit position, every width and every
instruction.  `CELLS` says what each one has to learn, and is used for nothing else than
training and certification: arithmetic reads the weights alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product as cartesian

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

BYTE = 8  # bits of a factor of the product cell
PAIRS = 1 << 2 * BYTE


@dataclass(frozen=True)
class CellSpec:
    """What a cell must learn.

    Attributes:
      inputs, outputs: names of its bits.
      hidden: units of its hidden layer.
      rule: the outputs for given inputs, each 0 or 1.
      use: what it is for.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    hidden: int
    rule: Callable[..., tuple[int, ...]]
    use: str

    def domain(self) -> np.ndarray:
        """Every input, `f32[2**inputs, inputs]` of zeros and ones."""
        return np.array([*cartesian((0.0, 1.0), repeat=len(self.inputs))], np.float32)

    def truth(self) -> np.ndarray:
        """The outputs for each row of the domain, `f32[2**inputs, outputs]`."""
        rows = [self.rule(*map(int, row)) for row in self.domain()]
        return np.array(rows, np.float32)


CELLS: dict[str, CellSpec] = {
    "half": CellSpec(
        ("a", "b"),
        ("generate", "propagate"),
        2,
        lambda a, b: (a & b, a ^ b),
        "what one position of an addition does to a carry",
    ),
    "carry": CellSpec(
        ("g", "p", "g_low", "p_low"),
        ("generate", "propagate"),
        2,
        lambda g, p, g_low, p_low: (g | p & g_low, p & p_low),
        "the same of two neighbouring stretches together (the prefix operator)",
    ),
    "sum": CellSpec(("propagate", "carry"), ("bit",), 2, lambda p, c: (p ^ c,), "the bit of a sum"),
    "full": CellSpec(
        ("a", "b", "c"),
        ("sum", "carry"),
        3,
        lambda a, b, c: (a ^ b ^ c, a & b | a & c | b & c),
        "three rows of a product to two",
    ),
    "and": CellSpec(("a", "b"), ("bit",), 2, lambda a, b: (a & b,), "AND, TST"),
    "or": CellSpec(("a", "b"), ("bit",), 2, lambda a, b: (a | b,), "ORR, and the zero test"),
    "xor": CellSpec(("a", "b"), ("bit",), 2, lambda a, b: (a ^ b,), "EOR, and overflow"),
    "bic": CellSpec(("a", "b"), ("bit",), 2, lambda a, b: (a & ~b & 1,), "BIC"),
    "not": CellSpec(("a",), ("bit",), 2, lambda a: (1 - a,), "MVN, and what is subtracted"),
    "route": CellSpec(
        ("move", "here", "there"),
        ("bit",),
        2,
        lambda move, here, there: (there if move else here,),
        "one stage of a shift; the restoring step of a division",
    ),
}


class Cell(nnx.Module):
    """A perceptron with one hidden layer of rectified units.

    Attributes:
      w1, b1: `f32[inputs, hidden]`, `f32[hidden]`.
      w2, b2: `f32[hidden, outputs]`, `f32[outputs]`.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, *, rngs: nnx.Rngs) -> None:
        """Random weights (He et al. 2015) and small random biases."""
        init = nnx.initializers.he_normal()
        bias = nnx.initializers.uniform(0.5)
        self.w1 = nnx.Param(init(rngs.params(), (inputs, hidden)))
        self.b1 = nnx.Param(bias(rngs.params(), (hidden,)))
        self.w2 = nnx.Param(init(rngs.params(), (hidden, outputs)))
        self.b2 = nnx.Param(bias(rngs.params(), (outputs,)))

    def __call__(self, *bits: jax.Array) -> tuple[jax.Array, ...]:
        """Logits, one array for each output, of input bits given one array each.

        Every position of the arrays is an application of its own.  Written out unit by
        unit because a product with matrices this small is slower than its terms: XLA
        makes one vectorised loop over the positions of these.
        """
        w1, b1, w2, b2 = self.w1[...], self.b1[...], self.w2[...], self.b2[...]
        hidden = [
            jax.nn.relu(sum((w1[i, h] * x for i, x in enumerate(bits)), b1[h]))
            for h in range(w1.shape[1])
        ]
        return tuple(
            sum((w2[h, o] * x for h, x in enumerate(hidden)), b2[o]) for o in range(w2.shape[1])
        )


class ProductCell(nnx.Module):
    """The product of two bytes: a bilinear form in their one-hot codes.

    logit[k] = sum over i, j of onehot(a)[i] * table[i, j, k] * onehot(b)[j].  With bits as
    inputs the form picks one row, which is how it is evaluated; with soft bits it is the
    expectation over the bytes that they may be.

    Attributes:
      table: `i8[65536, 16]`, row a * 256 + b; weights are kept as 8-bit integers.
    """

    def __init__(self, table: jax.Array) -> None:
        """`table` i8[65536, 16]."""
        self.table = nnx.Param(table)

    def __call__(self, pair: jax.Array) -> jax.Array:
        """Logits `i8[..., 16]` of byte pairs given as their row, `u32[...]`."""
        return jnp.take(self.table[...], pair, axis=0, mode="clip")


def product_truth() -> np.ndarray:
    """The bits of every product of two bytes, `bool[65536, 16]`, rows a * 256 + b."""
    a, b = np.divmod(np.arange(PAIRS), 1 << BYTE)
    return (a * b)[:, None] >> np.arange(2 * BYTE) & 1 == 1
