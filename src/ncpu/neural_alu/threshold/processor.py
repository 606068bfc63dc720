"""The machine: matrices and threshold circuits, and one forward pass of them a clock.

Everything else in this package runs instructions through `ncpu.machine`.  This is the one
deliberate exception: it shows a model of computation, a recurrent network of McCulloch-Pitts
units with constructed weights and an attention memory, and is checked against the machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.neural_alu.threshold import assemble, circuits
from ncpu.neural_alu.threshold.assemble import ALU, JUMPS, OPERATIONS, REGISTERS, Layout
from ncpu.neural_alu.threshold.gates import Circuit, CircuitError, Netlist
from ncpu.neural_alu.threshold.memory import Attention, attention, bipolar, from_bits, read, write

RESULTS = OPERATIONS.index("store")  # operations before it have a result
FIRST_JUMP = OPERATIONS.index("jmp")
STORE, HALT = OPERATIONS.index("store"), OPERATIONS.index("halt")
SETS_FLAGS = len(ALU) + 1  # the first operations: arithmetic and CMP


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ThresholdState:
    """What the machine remembers, all of it activations.

    Attributes:
      pc: `f32[rows]`, one-hot over the rows of the program.
      registers: `f32[8, width]`, a row of bits each, lowest first.
      flags: `f32[2]`, N and Z.
      memory: `f32[words, width]`.
      halted: `f32`, 1 after HALT.
    """

    pc: jax.Array
    registers: jax.Array
    flags: jax.Array
    memory: jax.Array
    halted: jax.Array

    @property
    def r(self) -> np.ndarray:
        """R0-R7 as unsigned numbers, NumPy `u64[..., 8]`."""
        return from_bits(self.registers)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ThresholdMachine:
    """The weights of one machine with its program.

    Attributes:
      program: `f32[rows, bits]`, see `assemble`.
      decoder: instruction bits to one-hot lines.
      arithmetic: by mnemonic, two words to one.
      flags: a result to N and Z.
      condition: one-hot jump lines, N and Z to whether the jump is taken.
      addressing: a query to weights over the words of memory.
      snap: whether a loaded word passes a layer of units that make its bits 0 or 1 again.
    """

    program: jax.Array
    decoder: Circuit
    arithmetic: dict[str, Circuit | circuits.Divider]
    flags: Circuit
    condition: Circuit
    addressing: Attention
    snap: bool = field(metadata={"static": True})

    @property
    def layout(self) -> Layout:
        """The fields of a program row."""
        return Layout(self.flags.layers[0].w.shape[-1], self.program.shape[-2])

    @property
    def units(self) -> dict[str, tuple[int, int, int]]:
        """Units, those of them that are relays, and depth, by circuit."""
        parts = {"decode": self.decoder, **self.arithmetic, "flags": self.flags}
        parts["condition"] = self.condition
        return {name: (part.units, part.relays, part.depth) for name, part in parts.items()}


def build(
    source: str,
    width: int = 16,
    words: int = 64,
    kind: str = "sparsemax",
    temperature: float = 1.0,
    snap: bool = True,
) -> ThresholdMachine:
    """Construct a machine for a program.

    Args:
      source: toy source, see `ncpu.machine.toy`; an address counts modulo `words`.
      width: bits of a word: 4, 8, 16, 32 or 64.
      words: of memory, a power of two of at most `2**width`.
      kind: attention, "softmax" or "sparsemax".
      temperature: of the attention; sparsemax is exact up to 2.
      snap: whether loaded bits are thresholded again.

    Raises:
      AssemblyError: the source, with its line and what is accepted.
      CircuitError: a width, memory size, attention or temperature that cannot be built.
    """
    program = assemble.assemble(source, width)
    if words > 1 << width:
        raise CircuitError(f"{words} words of memory: {width} bits address at most {1 << width}")
    return ThresholdMachine(
        program=jnp.asarray(program),
        decoder=Layout(width, program.shape[0]).decoder(),
        arithmetic=circuits.arithmetic(width),
        flags=circuits.flags(width),
        condition=_condition(),
        addressing=attention(kind, words, temperature),
        snap=snap,
    )


def _condition() -> Circuit:
    net = Netlist(len(JUMPS) + 2)
    line = {name: wire for wire, name in enumerate((*JUMPS, "n", "z"))}
    met = [circuits.conjunction(net, line[jump], line[f]) for jump, f in (("jz", "z"), ("js", "n"))]
    for jump, flag in (("jnz", "z"), ("jns", "n")):
        met.append(net.gate([(1, line[jump]), (-1, line[flag])], 1))
    return net.build([circuits.disjunction(net, line["jmp"], line["halt"], *met)])


def start(machine: ThresholdMachine) -> ThresholdState:
    """The state before the first clock: all zero but the pc's first line."""
    width, words = machine.layout.width, machine.addressing.keys.shape[0]
    return ThresholdState(
        pc=jnp.zeros(machine.program.shape[0]).at[0].set(1),
        registers=jnp.zeros((REGISTERS, width)),
        flags=jnp.zeros(2),
        memory=jnp.zeros((words, width)),
        halted=jnp.zeros(()),
    )


@jax.jit
def clock(machine: ThresholdMachine, state: ThresholdState) -> ThresholdState:
    """One forward pass: fetch, decode, read, compute, write.  A halted machine stays as it is."""
    layout = machine.layout
    row = read(machine.program, state.pc)
    code, immediates = row[: -2 * layout.width], row[-2 * layout.width :]
    ends = np.cumsum([lines for _, lines in layout.fields])[:-1]
    operation, into, left, right, target = jnp.split(machine.decoder(code), ends)
    a = read(state.registers, left) + immediates[: layout.width]
    b = read(state.registers, right) + immediates[layout.width :]

    weights = machine.addressing(bipolar(b[: machine.addressing.keys.shape[1]]))
    loaded = read(state.memory, weights)
    if machine.snap:
        loaded = (loaded > 0.5).astype(loaded.dtype)
    pair = jnp.concatenate((a, b))
    computed = {name: machine.arithmetic[name](pair) for name in ALU}
    results = jnp.stack([*computed.values(), computed["sub"], b, loaded])
    value = read(results, operation[:RESULTS])

    # The one-hot line of an operation is the switch of what it writes.
    sets = operation[:SETS_FLAGS].sum()
    taken = machine.condition(jnp.concatenate((operation[FIRST_JUMP:], state.flags)))
    return ThresholdState(
        pc=taken * target + (1 - taken) * jnp.roll(state.pc, 1),
        registers=write(state.registers, into, value),
        flags=state.flags + sets * (machine.flags(value) - state.flags),
        memory=write(state.memory, operation[STORE] * weights, a),
        halted=operation[HALT],
    )


@jax.jit
def run(
    machine: ThresholdMachine, state: ThresholdState, clocks: int | jax.Array
) -> tuple[ThresholdState, jax.Array]:
    """Clock the machine until it halts, at most `clocks` times.

    Returns:
      The state and how many clocks it took, `i32`, that of HALT included; `halted` is 0 where
      they ran out.
    """

    def going(carry: tuple[ThresholdState, jax.Array]) -> jax.Array:
        return (carry[0].halted == 0) & (carry[1] < clocks)

    def tick(carry: tuple[ThresholdState, jax.Array]) -> tuple[ThresholdState, jax.Array]:
        return clock(machine, carry[0]), carry[1] + 1

    return lax.while_loop(going, tick, (state, jnp.int32(0)))


@partial(jax.jit, static_argnames="clocks")
def trace(machine: ThresholdMachine, state: ThresholdState, clocks: int) -> ThresholdState:
    """The states after each of `clocks` clocks, stacked; memory is left out (`f32[clocks, 0]`)."""

    def tick(state: ThresholdState, _: None) -> tuple[ThresholdState, tuple[jax.Array, ...]]:
        state = clock(machine, state)
        return state, (state.pc, state.registers, state.flags, jnp.zeros(0), state.halted)

    return ThresholdState(*lax.scan(tick, state, length=clocks)[1])
