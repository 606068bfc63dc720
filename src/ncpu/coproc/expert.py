"""The expert beside an MLP: hidden states to what is added, token by token."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx

from ncpu.coproc import compute, gate, registers, soft
from ncpu.coproc.config import CoprocessorConfig
from ncpu.coproc.gate import Gate
from ncpu.coproc.operands import Operands, checked, fitted
from ncpu.coproc.read import Reader, Reading
from ncpu.coproc.registers import ExpertState, Registers
from ncpu.coproc.write import Writer


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class ExpertOutput:
    """What the expert made of each token.

    Attributes:
      value: `[b, t, width]`, what is mixed in, of the hidden states' type.
      gate: `f32[b, t]`, from 0 to max_gate.
      reading: logits of what was read.
      registers: after each token, as used (what was given in place).
      result: `u32[b, t]`, the operation's.
      symbol: `i32[b, t]`, what is written: a digit, 10 for the end, -1 for nothing.
    """

    value: jax.Array
    gate: jax.Array
    reading: Reading
    registers: Registers
    result: jax.Array
    symbol: jax.Array


def mix(mlp_output: jax.Array, output: ExpertOutput) -> jax.Array:
    """(1 - g) * mlp_output + g * value; where g is 0 the result is mlp_output bit for bit."""
    return gate.mix(mlp_output, output.gate, output.value)


class Expert(nnx.Module):
    """Reads operands and an operation, computes, and writes the answer's next symbol.

    The forward pass is the same whether `exact` or not; not exact, gradients go through the
    readings, the registers and the arithmetic as well (`coproc.soft`).

    Args:
      config: of the coprocessor.
      width: of the hidden states.
      rngs: keys of the initial weights, stream `params`.

    Attributes:
      alu: the trained arithmetic cells, `nnx.Param` or, with `freeze_alu`, `soft.AluWeight`.
    """

    def __init__(self, config: CoprocessorConfig, width: int, *, rngs: nnx.Rngs) -> None:
        self.config = config
        self.width = width
        self.reader = Reader(width, len(config.ops), config.target_load, rngs=rngs)
        self.gate = Gate(config)
        self.writer = Writer(width, config.residual_init_scale, rngs=rngs)
        self.alu = soft.cells(config.freeze_alu)

    def initial_state(self, batch: int) -> ExpertState:
        """Empty registers for `batch` rows."""
        return registers.initial_state(batch)

    def __call__(
        self,
        hidden: jax.Array,
        state: ExpertState | None = None,
        *,
        step: jax.Array | int | None = None,
        given: Operands | None = None,
        exact: bool,
        mask: jax.Array | None = None,
        temperature: jax.Array | float | None = None,
    ) -> tuple[ExpertOutput, ExpertState]:
        """What to add at each token, and the state to go on from.

        Args:
          hidden: `[b, t, width]` of any float type.
          state: before the first token; empty registers if left out.
          step: of training, for the gate's warm-up.
          given: values in place of what is read or computed.
          exact: inference, which leaves out what only gradients need.
          mask: `bool[b, t]`, false for padding, which changes nothing.
          temperature: in place of `config.bit_temperature`, for annealing.

        Raises:
          ExpertInputError: shapes or types that do not fit.
        """
        given = Operands() if given is None else given
        state = checked(self.width, hidden, state, mask)
        bits, reading = self.config.n_bits, self.reader(hidden, mask)
        cost = registers.read_costs(reading)
        read, after = registers.scan(reading, cost, state, bits)
        used = given.replacing(read, bits)
        answer = self._answer(used, given)
        if exact:
            value, costs = self.writer(answer.symbol), used.costs
        else:
            reads = soft.SoftReads(reading, read, used, given, bits)
            warmth = self.config.bit_temperature if temperature is None else temperature
            wires = soft.TruthTables(self.alu, temperature=warmth)
            weights = reads.symbol(answer, wires, self.config.ops)
            value, costs = self.writer.soft(weights), reads.costs(cost)
        ready = answer.symbol != compute.NONE
        output = ExpertOutput(
            value=value.astype(hidden.dtype),
            gate=self.gate(reading, ready, jnp.sum(costs, -1), step),
            reading=reading,
            registers=used,
            result=answer.result,
            symbol=answer.symbol,
        )
        return output, after

    def _answer(self, used: Registers, given: Operands) -> compute.Answer:
        """What the registers come to, exactly."""
        ops, bits = self.config.ops, self.config.n_bits
        swap = used.op >= len(ops)
        a, b = jnp.where(swap, used.b, used.a), jnp.where(swap, used.a, used.b)
        values = compute.results(ops, a, b, bits)
        if not self.config.deterministic_alu:
            values = soft.rounded(ops, self.alu, a, b, values, bits)
        result = compute.choose(values, jnp.where(swap, used.op - len(ops), used.op))
        result = fitted("result", given.result, result)
        index = jnp.where(used.complete, used.index, -1)
        symbol = fitted("symbol", given.symbol, compute.symbol(result, index))
        return compute.Answer(a, b, values, result, index, symbol)
