"""The way back: arithmetic that gradients go through while training.

The circuits of `ncpu.neural_alu` (a parallel scan of carries, shifts in stages) compute the
configured operations on the operands' bits, with the truth tables of its trained cells:
thresholds forwards, so that the values are exact, soft tables at a temperature backwards.

MUL and DIV are too large for this at every token (a soft product of two bytes has 2**20 terms,
a division is 32 additions in a row): their results are constants to the operands, though not to
the choice of the operation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from ncpu.coproc.compute import POWERS, SYMBOLS, Answer
from ncpu.coproc.derivatives import latest, one_hot, picked, register_bits, symbol_weights, through
from ncpu.coproc.operands import Operands
from ncpu.coproc.read import Reading, Role
from ncpu.coproc.registers import Registers
from ncpu.neural_alu import checkpoint, ops
from ncpu.neural_alu.cells import Cell
from ncpu.neural_alu.planes import Planes, from_word, to_word

SOFT = {
    "ADD": "add",
    "SUB": "sub",
    "AND": "and",
    "OR": "or",
    "XOR": "xor",
    "SHL": "lsl",
    "CMP": "cmp",
}
"""The operations that have a soft form, and their names in `neural_alu.ops`."""
CELLS = ("half", "carry", "sum", "and", "or", "xor", "not", "route")


class AluWeight(nnx.Variable):
    """A weight of the trained arithmetic that training leaves as it is."""


def cells(frozen: bool) -> nnx.Dict[Cell]:
    """The checkpoint's cells that `SOFT` needs; their weights are `AluWeight` if frozen.

    Raises:
      CheckpointError: it cannot be loaded.
    """
    with jax.ensure_compile_time_eval():  # read once for all, so not as part of a trace
        loaded = checkpoint.shared(checkpoint.folder())
    kind = AluWeight if frozen else nnx.Param
    found = {}
    for name in CELLS:
        source = nnx.state(loaded[name])
        state = nnx.State({key: kind(value[...]) for key, value in source.items()})
        found[name] = nnx.merge(nnx.graphdef(loaded[name]), state)
    return nnx.Dict(found)


def operations(
    names: tuple[str, ...], wires: Planes, a: jax.Array, b: jax.Array, exact: jax.Array
) -> jax.Array:
    """Every operation's result as planes `f32[len(names), bits, ...]`.

    Args:
      names: of the operations.
      wires: the trained cells, soft or straight through.
      a, b: operands as planes `f32[bits, ...]`.
      exact: `u32[len(names), ...]`, what is taken for operations without a soft form.
    """
    bits = a.shape[0]

    def planes(name: str, value: jax.Array) -> jax.Array:
        if name not in SOFT:
            return from_word(value, bits)
        out = ops.apply(SOFT[name], wires, a, b)
        return jnp.pad(out, [(0, bits - out.shape[0]), *[(0, 0)] * (out.ndim - 1)])

    return jnp.stack([planes(name, value) for name, value in zip(names, exact, strict=True)])


@dataclass(frozen=True)
class TruthTables(Planes):
    """Wires whose cells are their truth tables, as soft as the temperature, interpolated.

    A cell's table is its output for every input of zeros and ones; between them it is the
    multilinear function through these, so that the derivative for a bit is what flipping it
    changes.  That of the perceptron itself is local, and at some inputs has the other sign.

    Attributes:
      temperature: divides the cells' logits; may be traced.
      hard: whether values are thresholded, with the derivative of the soft ones.
    """

    temperature: jax.Array | float = 1.0
    hard: bool = True

    def cell(self, name: str, *inputs: jax.Array) -> tuple[jax.Array, ...]:
        """See `Wires.cell`."""
        corners = np.indices((2,) * len(inputs)).astype(np.float32)
        logits = self.networks[name](*map(jnp.asarray, corners))
        return tuple(self._between(jax.nn.sigmoid(x / self.temperature), inputs) for x in logits)

    def _between(self, table: jax.Array, inputs: tuple[jax.Array, ...]) -> jax.Array:
        value = _interpolated(table, inputs)
        return through((value > 0.5).astype(value.dtype), value) if self.hard else value


def _interpolated(table: jax.Array, inputs: tuple[jax.Array, ...]) -> jax.Array:
    """The multilinear function through `table` `[2, ..., 2]` at `inputs`."""
    if not inputs:
        return table
    low, high = (_interpolated(half, inputs[1:]) for half in table)
    return low + inputs[0] * (high - low)


def rounded(
    names: tuple[str, ...],
    trained: Mapping[str, Cell],
    a: jax.Array,
    b: jax.Array,
    exact: jax.Array,
    bits: int,
) -> jax.Array:
    """`compute.results` by the trained cells where there is a soft form, else as in `exact`."""
    planes_a, planes_b = from_word(a, bits), from_word(b, bits)
    found = operations(names, Planes(trained), planes_a, planes_b, exact)
    return jnp.stack([to_word(x, jnp.uint32) for x in found])


@dataclass(frozen=True)
class SoftReads:
    """A call's readings, straight through.

    Attributes:
      reading: logits.
      read, used: registers after each token, as read and as computed with.
      given: what makes the difference; nothing is derived through it.
      bits: width of the registers.
    """

    reading: Reading
    read: Registers
    used: Registers
    given: Operands
    bits: int

    def symbol(self, answer: Answer, wires: TruthTables, names: tuple[str, ...]) -> jax.Array:
        """The answer's symbol in one-hot code, `f32[b, t, 11]`; zero for none."""
        if self.given.symbol is not None:
            return jax.nn.one_hot(answer.symbol, SYMBOLS)
        a, b = self.operands()
        swap = self.used.op >= len(names)
        a, b = jnp.where(swap, b, a), jnp.where(swap, a, b)
        planes = operations(names, wires, a, b, answer.values)
        chosen = jnp.einsum("bto,onbt->nbt", self.op_weights(), planes)
        if self.given.result is not None:
            chosen = lax.stop_gradient(chosen)
        return symbol_weights(chosen, answer.result, answer.index, self.bits)

    def operands(self) -> tuple[jax.Array, jax.Array]:
        """Both operands as planes `f32[bits, b, t]`."""
        digits = one_hot(self.reading.digit_logits, self.reading.digit)

        def planes(role: Role, given: Any, value: jax.Array, length: jax.Array) -> jax.Array:
            if given is not None:
                return from_word(value, self.bits)
            return register_bits(digits, value, self._last(role), length, self.bits)

        u, r = self.used, self.read
        return (
            planes(Role.DIGIT_A, self.given.a, u.a, r.length_a),
            planes(Role.DIGIT_B, self.given.b, u.b, r.length_b),
        )

    def op_weights(self) -> jax.Array:
        """The operation in one-hot code, `f32[b, t, ops]`, whichever way its operands are."""
        # Given or read in an earlier call there is only the number.
        code = jax.nn.one_hot(self.used.op, self.reading.op_logits.shape[-1])
        if self.given.op is None:
            last = self._last(Role.OPERATOR)
            readings = one_hot(self.reading.op_logits, self.reading.op)
            here = (last >= 0) & (self.used.op >= 0)
            code = jnp.where(here[..., None], picked(readings, last), code)
        first, second = jnp.split(code, 2, axis=-1)
        return first + second

    def costs(self, cost: jax.Array) -> jax.Array:
        """`Registers.costs`, with derivatives with respect to each token's `cost` `f32[b, t]`."""
        r = self.read

        def digits(role: Role, length: jax.Array) -> jax.Array:
            last = self._last(role)
            sources = [jnp.where(j < length, last - j, -1) for j in range(len(POWERS))]
            return sum((picked(cost, s) for s in sources), jnp.zeros_like(cost))

        operator = jnp.where(r.op >= 0, self._last(Role.OPERATOR), -1)
        parts = jnp.stack(
            [
                digits(Role.DIGIT_A, r.length_a),
                digits(Role.DIGIT_B, r.length_b),
                picked(cost, operator),
                jnp.where(r.index >= 0, cost, 0.0),
            ],
            -1,
        )
        g = self.given
        certain = np.array([x is not None for x in (g.a, g.b, g.op, g.index)])
        return through(self.used.costs, jnp.where(certain, 0.0, parts))

    def _last(self, role: Role) -> jax.Array:
        return latest(self.reading.role == role)
