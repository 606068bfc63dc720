"""Every program of a few instructions, run by the machine's own units on many inputs.

The programs are all sequences of `LENGTH` instructions from a list of sixteen on X0, X1, X2.
Their results are tables, so that the expectation of anything that depends on execution, under
any distribution over programs, is a sum and has an exact gradient; execution itself stays exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ncpu.machine import word
from ncpu.machine.asm import assemble
from ncpu.synth.optimize.code import REGISTER, op
from ncpu.synth.optimize.evaluate import apply
from ncpu.synth.optimize.forms import Form, form, template_of
from ncpu.synth.optimize.semantics import NZCV

LENGTH = 3
REGISTERS = 3
TOGETHER = 256  # inputs at a time, so that XLA compiles once
BITS = 16  # of a result that the model sees and the error counts
INSTRUCTIONS = (
    "add x0, x0, x1",
    "sub x0, x0, x1",
    "sub x0, x1, x0",
    "and x0, x0, x1",
    "orr x0, x0, x1",
    "eor x0, x0, x1",
    "add x0, x0, x2",
    "sub x0, x0, x2",
    "mvn x0, x0",
    "neg x0, x0",
    "lsl x0, x0, #1",
    "lsr x0, x0, #1",
    "add x0, x0, #1",
    "sub x0, x0, #1",
    "mov x2, x0",
    "lsl x1, x1, #1",
)


@dataclass(frozen=True)
class _Concrete:
    form: Form
    target: int
    sources: tuple[int, ...]


def _concrete(text: str) -> _Concrete:
    """An instruction on given registers as a form and their numbers."""
    code = int(assemble(text).words[0])
    made = form(template_of(code))
    rows = [int(name) for _, name in REGISTER.findall(text) if name != "zr"]
    (target,) = op(code).writes - {NZCV}
    if made is None or made.sets_flags or made.reads_flags:
        raise ValueError(f"{text!r}: only instructions without flags are taken")
    return _Concrete(made, target, tuple(rows[1:]))


def execute_all(
    inputs: np.ndarray, instructions: tuple[str, ...] = INSTRUCTIONS, length: int = LENGTH
) -> np.ndarray:
    """X0 after every program.

    Args:
      inputs: `u64[n, 2]`, X0 and X1; X2 starts as zero.
      instructions: to make programs of.
      length: of the programs.

    Returns:
      `u64[C**length, n]`; program (i, j, k) is entry (i * C + j) * C + k.
    """
    outputs = []
    for first in range(0, len(inputs), TOGETHER):
        part = inputs[first : first + TOGETHER]
        states = np.zeros((1, TOGETHER, REGISTERS), np.uint64)
        states[0, : len(part), :2] = part
        for _ in range(length):
            after = [_execute(_concrete(text), states) for text in instructions]
            states = np.stack(after, 1).reshape(-1, TOGETHER, REGISTERS)
        outputs.append(states[:, : len(part), 0])
    return np.concatenate(outputs, 1)


def _execute(instruction: _Concrete, states: np.ndarray) -> np.ndarray:
    nodes, count, _ = states.shape
    operands = np.zeros((1, 3, nodes * count, 2), np.uint32)
    for place, row in enumerate(instruction.sources):
        operands[0, place] = word.to_limbs(states[:, :, row].reshape(-1))
    packed = instruction.form.packed[None]
    flags = np.zeros((1, nodes * count), np.uint32)
    values, _ = apply(instruction.form.unit, packed, operands, flags)
    out = states.copy()
    out[:, :, instruction.target] = word.from_limbs(values)[0].reshape(nodes, count)
    return out


def draw_inputs(rng: np.random.Generator, count: int) -> np.ndarray:
    """`u64[count, 2]`: words of up to `BITS` bits, of all sizes."""
    words = rng.integers(0, 1 << BITS, (count, 2), np.uint64)
    return words >> rng.integers(0, BITS - 1, words.shape, np.uint64)


def classes(outputs: np.ndarray) -> np.ndarray:
    """`u64[P, n]` to `i32[P]`: programs with the same outputs get the same number."""
    keys = np.ascontiguousarray(outputs).view(f"V{outputs.shape[1] * 8}").reshape(-1)
    return np.unique(keys, return_inverse=True)[1].astype(np.int32)
