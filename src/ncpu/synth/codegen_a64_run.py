"""Emitted A64 on the exact machine, all inputs as lanes, and its machine code as text."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ncpu.synth.errors import CodegenError
from ncpu.synth.types import RECORD_SIZE, Kind, Signature, Value, signed, word

if TYPE_CHECKING:
    from ncpu.machine.state import State

_LANES, _WORDS = 32, 256  # programs and batches are padded to these, to be compiled once
_STEPS = 10_000_000
_TEXT, _MEMORY = 4096, 16384  # bytes for the text, and above it for arrays


def listing(source: str) -> str:
    """The machine code of an emitted function, disassembled, as comments."""
    from ncpu.machine.asm import assemble
    from ncpu.machine.disasm import disassemble_many

    words = [int(code) for code in assemble(source).words]
    lines = enumerate(zip(words, disassemble_many(words), strict=True))
    return "\n".join(f"// {4 * k:#06x}: {code:08x}  {text}" for k, (code, text) in lines)


def execute(
    source: str, name: str, inputs: Sequence[Sequence[Value]], signature: Signature
) -> list[Value]:
    """Runs an emitted function.

    Args:
      source: what `codegen_a64.emit` made.
      name: of the function.
      inputs: arguments of each call.
      signature: kinds.

    Returns:
      The results.

    Raises:
      CodegenError: a lane did not come back, or code or arrays are too long.
    """
    from ncpu.machine.asm import assemble
    from ncpu.machine.batch import run_batch, stack
    from ncpu.machine.program import Program
    from ncpu.machine.state import Status

    made = assemble(f"_start:\n    bl {name}\n    svc #0\n{source}")
    if 4 * len(made.words) > _TEXT:
        raise CodegenError(f"{len(made.words)} instructions: up to {_TEXT // 4} are run")
    padded = np.zeros(-(-len(made.words) // _WORDS) * _WORDS, np.uint32)
    padded[: len(made.words)] = made.words
    program = Program.from_words(padded, made.base)
    found: list[Value] = []
    for begin in range(0, len(inputs), _LANES):
        rows = list(inputs[begin : begin + _LANES])
        rows += rows[:1] * (_LANES - len(rows))
        lanes = [_called(made.state(_MEMORY), row, signature) for row in rows]
        done = run_batch(program, stack(lanes), _STEPS)
        if not np.all(np.asarray(done.status) == Status.SYSCALL):
            raise CodegenError("the emitted program did not return on the machine")
        limbs = np.asarray(done.regs)[:, :2].astype(np.uint64)
        words = limbs[..., 0] | limbs[..., 1] << np.uint64(32)
        found += [_value(pair, signature.result) for pair in words.tolist()]
    return found[: len(inputs)]


def _value(registers: Sequence[int], kind: Kind) -> Value:
    if kind in RECORD_SIZE:
        return tuple(signed(v) for v in registers[: RECORD_SIZE[kind]])
    first = registers[0]
    return bool(first) if kind is Kind.B else signed(first) if kind is Kind.I else first


def _called(rest: State, arguments: Sequence[Value], signature: Signature) -> State:
    """A lane at the entry with its arguments in registers, arrays in memory."""
    from ncpu.machine import memory

    registers: list[int] = []
    free = _TEXT
    for value, kind in zip(arguments, signature.arguments, strict=True):
        if kind is Kind.A and isinstance(value, tuple):
            data = np.array(value, np.int64).tobytes()
            if free + len(data) > _MEMORY:
                raise CodegenError(f"arrays of more than {(_MEMORY - _TEXT) // 8} elements in all")
            rest = memory.write(rest, free, data) if data else rest
            registers += [free, len(value)]
            free += len(data)
        else:
            registers += value if isinstance(value, tuple) else [int(value)]  # type: ignore[list-item]
    regs = np.array(rest.regs)
    for place, held in enumerate(registers):
        bits = word(held, 64)
        regs[place] = bits & 0xFFFFFFFF, bits >> 32
    return dataclasses.replace(rest, regs=regs)
