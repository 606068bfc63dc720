"""Array programs as A64 machine code: a leaf function without stack or branches out of it.

Calling convention (AAPCS64): `int32_t f(const int32_t *x, const int32_t *y, int32_t length)`, x in
X0, y in X1 (read only where the program does), length in W2 and at least 0; the result in W0.  All
values are 64-bit integers in registers, clamped as `ncpu.npcot.number` says:

    x0 x, x1 y, x2 length, x3 i, x4 acc, x5 index, x6 count, x7 element, x8 second element or t,
    x9 INF, x10 -INF, x11-x15 scratch
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np

from ncpu.machine import word
from ncpu.machine.asm import assemble
from ncpu.machine.batch import broadcast, run_batch
from ncpu.machine.errors import GuestError
from ncpu.machine.program import Program
from ncpu.machine.state import State, Status, new_state
from ncpu.npcot.number import EXP_POLYNOMIAL, LN2, LOG2E, LOG_POLYNOMIAL, WORD32, Format, Q
from ncpu.npcot.program import ArrayProgram, Choice, validate

X = 0x1000
"""Where `run_lowered` puts x; y follows on a page of its own."""

_SKIP = {
    "all": "",
    "x>0": "cmp x7, #0\n b.le next",
    "x<0": "tbz x7, #63, next",
    "x!=0": "cbz x7, next",
    "x even": "tbnz x7, #0, next",
    "x odd": "tbz x7, #0, next",
}

_TRANSFORM = {
    "x": "mov x8, x7",
    "x*x": "mul x8, x7, x7",
    "|x|": "cmp x7, #0\n cneg x8, x7, mi",
    "1": "mov x8, #1",
    "[x>0]": "cmp x7, #0\n cset x8, gt",
    "x*y": "mul x8, x7, x8",
    "[x==y]": "cmp x7, x8\n cset x8, eq",
    "|x-y|": "subs x8, x7, x8\n cneg x8, x8, mi",
}


def lower(program: ArrayProgram, fmt: Format = WORD32) -> str:
    """A64 assembly of one program, ending in `ret`.

    Raises:
      ProgramSpaceError: a batch, or a program outside the space.
    """
    choice = validate(program, fmt).choice
    shift = fmt.frac if choice.log_scaled else 0
    inf = fmt.infinity
    start = {"0": 0, "1": 1 << shift, "-inf": -inf, "inf": inf}[choice.init]
    parts = [
        _constant("x9", inf),
        "neg x10, x9",
        _constant("x4", start),
        "mov x3, #0\n mov x5, #-1\n mov x6, #0",
        "loop: cmp x3, x2\n b.ge done",
        "ldrsw x7, [x0, x3, lsl #2]",
        _clamp("x7"),
        _SKIP[choice.predicate],
        f"ldrsw x8, [x1, x3, lsl #2]\n {_clamp('x8')}" if choice.second else "",
        "add x6, x6, #1",
        _log(fmt) if choice.log_scaled else _TRANSFORM[choice.transform],
        _clamp("x8"),
        _reduce(choice, shift),
        "next: add x3, x3, #1\n b loop",
        "done:",
        _post(choice, fmt),
        _add_offset(int(program.offset)),
        "ret",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def machine_code(program: ArrayProgram, fmt: Format = WORD32) -> np.ndarray:
    """The instruction words of `lower`, `u32[n]`; position-independent.

    The same as assembling the text, but each different instruction is encoded only once.
    """
    labels: dict[str, int] = {}
    lines: list[str] = []
    for line in lower(program, fmt).splitlines():
        label, colon, instruction = line.rpartition(":")
        if colon:
            labels[label.strip()] = len(lines)
        if instruction.strip():
            lines.append(instruction.strip())
    words = []
    for i, line in enumerate(lines):
        head, _, target = line.rpartition(" ")
        distance = f"{head} .{4 * (labels[target] - i):+d}" if target in labels else line
        words.append(_encode(distance))
    return np.array(words, np.uint32)


@cache
def _encode(instruction: str) -> int:
    return int(assemble(instruction + "\n").words[0])


def run_lowered(
    programs: list[ArrayProgram], x: Any, length: Any, y: Any = None, *, fmt: Format = WORD32
) -> np.ndarray:
    """Each program's machine code on its own array, one machine lane each.

    Args:
      programs: one for each lane.
      x: `i32[lanes, n]`, padded arrays.
      length: `i32[lanes]`, between 0 and `n`.
      y: `i32[lanes, n]`, the second arrays; zeros if absent.
      fmt: width and fraction bits of the words.

    Returns:
      `i32[lanes]`, W0 of each lane at its return.

    Raises:
      GuestError: a lane that did not return, which would be a defect of the lowering.
    """
    x = np.asarray(x, np.int32)
    y = np.zeros_like(x) if y is None else np.asarray(y, np.int32)
    # The return address is an undefined word after the code, where a lane stops.
    codes = [machine_code(p, fmt) for p in programs]
    text, entries = Program.many([*codes, np.zeros(1, np.uint32)])
    size = -(-x.shape[1] * 4 // 4096) * 4096
    memory = np.zeros((len(programs), 2 * size // 4 or 1024), np.uint32)
    memory[:, : x.shape[1]] = x.view(np.uint32)
    memory[:, size // 4 : size // 4 + x.shape[1]] = y.view(np.uint32)
    lengths = np.clip(np.asarray(length, np.int64), 0, x.shape[1])
    done = call(text, entries[:-1], (X, X + size, lengths), memory, int(entries[-1]))
    return word.from_limbs(done.regs)[:, 0].astype(np.uint32).view(np.int32)


def call(
    text: Program, entries: Any, arguments: Sequence[Any], memory: np.ndarray, stop: int
) -> State:
    """Call one function on each machine lane.

    Args:
      text: holds the functions.
      entries: `u64[lanes]`, their addresses.
      arguments: of X0, X1, ...: one integer each, or one for each lane.
      memory: `u32[lanes, n]`, whole pages from address `X` on.
      stop: the return address, where no instruction is.

    Returns:
      the lanes at their return.

    Raises:
      GuestError: a lane that did not return.
    """
    lanes = len(memory)
    state = broadcast(new_state(size=memory.shape[1] * 4, base=X), lanes)
    regs = np.array(state.regs)
    for register, values in (*enumerate(arguments), (30, stop)):
        words = np.asarray(values).astype(np.int64).view(np.uint64)
        regs[:, register] = word.to_limbs(np.broadcast_to(words, lanes))
    state = state.replace(
        regs=jnp.asarray(regs),
        mem=jnp.asarray(memory.reshape(lanes, -1, 2)),
        pc=jnp.asarray(word.to_limbs(np.asarray(entries, np.uint64))),
    )
    done = run_batch(text, state)
    pcs = word.from_limbs(done.pc)
    lost = np.flatnonzero(pcs != stop)
    if lost.size:
        lane = int(lost[0])
        status = Status(int(done.status[lane])).name
        raise GuestError(f"lane {lane} stopped at {int(pcs[lane]):#x} with {status}")
    return done


def _constant(register: str, value: int) -> str:
    """Instructions that load any signed 64-bit constant."""
    bits = value & (1 << 64) - 1
    halves = [(bits >> 16 * k) & 0xFFFF for k in range(4)]
    filler = 0xFFFF if value < 0 else 0
    first = f"mov{'n' if value < 0 else 'z'} {register}, #{halves[0] ^ filler}"
    rest = [
        f"movk {register}, #{half}, lsl #{16 * k}"
        for k, half in enumerate(halves)
        if k and half != filler
    ]
    return "\n ".join([first, *rest])


def _clamp(r: str) -> str:
    return f"cmp {r}, x9\n csel {r}, {r}, x9, le\n cmp {r}, x10\n csel {r}, {r}, x10, ge"


def _unless_infinite(r: str, label: str) -> str:
    """Go to `label` if `r` is an infinity."""
    return f"cmp {r}, x9\n ccmp {r}, x10, #4, ne\n b.eq {label}"


def _reduce(choice: Choice, shift: int) -> str:
    """acc (x4) and index (x5) after t (x8)."""
    match choice.reduce:
        case "sum" | "product":
            exact = "add x4, x4, x8"
            if choice.reduce == "product":
                exact = f"mul x4, x4, x8\n asr x4, x4, #{shift}" if shift else "mul x4, x4, x8"
            return "\n ".join(
                [
                    _unless_infinite("x4", "next"),
                    _unless_infinite("x8", "take"),
                    exact,
                    _clamp("x4"),
                    "b next",
                    "take: mov x4, x8",
                ]
            )
        case "max" | "min":
            return f"cmp x8, x4\n csel x4, x8, x4, {'gt' if choice.reduce == 'max' else 'lt'}"
        case _:
            beats = "gt" if choice.reduce == "argmax" else "lt"
            return "\n ".join(
                [
                    _unless_infinite("x8", "infinite"),
                    "cmp x5, x9\n b.eq next",
                    f"cmp x8, x4\n csel x4, x8, x4, {beats}\n csel x5, x3, x5, {beats}",
                    "cmp x5, x9\n csel x5, x5, x9, le\n b next",
                    "infinite: mov x5, x9",
                ]
            )


def _post(choice: Choice, fmt: Format) -> str:
    """The result before the offset, in x4; infinities go on to `end`."""
    lines = ["mov x4, x5"] if choice.reduce.startswith("arg") else []
    lines.append(_unless_infinite("x4", "end"))
    if choice.post == "acc":
        return "\n ".join(lines)
    if not choice.acc_scaled and fmt.frac:
        lines.append(f"lsl x4, x4, #{fmt.frac}")
    if choice.post == "exp(acc)":
        lines.append(_exp(fmt))
    else:
        by = "x2" if choice.post == "acc/len" else "x6"
        lines.append(f"cmp {by}, #1\n csinc {by}, {by}, xzr, gt\n sdiv x4, x4, {by}")
        lines.append(_clamp("x4"))
        lines.append(_unless_infinite("x4", "end"))
    return "\n ".join(lines)


def _add_offset(offset: int) -> str:
    add = f"{_constant('x11', offset)}\n add x4, x4, x11\n {_clamp('x4')}\n" if offset else ""
    return f"{add} end: mov w0, w4"


def _horner(coefficients: tuple[int, ...]) -> str:
    """The polynomial at x11 (30 fraction bits), in x12; uses x13."""
    lines = [_constant("x12", coefficients[-1])]
    for c in reversed(coefficients[:-1]):
        lines += [f"mul x12, x12, x11\n asr x12, x12, #{Q}"]
        lines += [f"{_constant('x13', c)}\n add x12, x12, x13"] if c else []
    return "\n ".join(lines)


def _log(fmt: Format) -> str:
    """`number.log_raw` of x7, in x8."""
    shift = Q - fmt.frac
    return "\n ".join(
        [
            "cmp x7, #0\n cneg x11, x7, mi",
            "clz x14, x11\n mov x13, #63\n sub x14, x13, x14",  # exponent
            f"lsl x11, x11, #{Q}\n asr x11, x11, x14\n and x11, x11, #{(1 << Q) - 1:#x}",
            "cmp x7, #0",
            _constant("x13", -fmt.frac),
            "csel x14, x13, x14, eq",
            _horner(LOG_POLYNOMIAL),
            _constant("x13", LN2),
            "madd x12, x14, x13, x12",
            _constant("x13", 1 << (shift - 1)),
            f"add x12, x12, x13\n asr x8, x12, #{shift}",
        ]
    )


def _exp(fmt: Format) -> str:
    """`number.exp_raw` of x4, in x4."""
    return "\n ".join(
        [
            _constant("x11", fmt.exp_min),
            "cmp x4, x11\n csel x4, x4, x11, ge",
            _constant("x11", fmt.exp_max),
            "cmp x4, x11\n csel x4, x4, x11, le",
            _constant("x11", LOG2E),
            f"mul x14, x4, x11\n asr x14, x14, #{fmt.frac}",
            f"and x11, x14, #{(1 << Q) - 1:#x}",
            _horner(EXP_POLYNOMIAL),
            f"asr x14, x14, #{Q}\n mov x13, #{Q - fmt.frac}\n sub x14, x13, x14",
            "mov x13, #1\n lsl x13, x13, x14\n lsr x13, x13, #1",
            "add x12, x12, x13\n asr x4, x12, x14",
        ]
    )
