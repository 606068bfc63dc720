"""Machine code against the executor: every program, on our machine and on Unicorn."""

from __future__ import annotations

import struct

import jax
import numpy as np
import pytest

from ncpu.machine.asm import assemble
from ncpu.npcot.execute import execute
from ncpu.npcot.lower import lower, machine_code, run_lowered
from ncpu.npcot.number import WORD8, WORD32, Format
from ncpu.npcot.program import SPACE_SIZE, ArrayProgram, all_programs

N = 6
EDGES = [0, 1, -1, 2, -7, 46341, -65536, 2**30, 2**31 - 2, 2**31 - 1, -(2**31)]


def _inputs(fmt: Format, count: int, seed: int):
    rng = np.random.default_rng(seed)
    edges = EDGES if fmt is WORD32 else [0, 1, -1, 2, 11, -12, 126, 127, -128]
    small = rng.integers(-9, 10, (2, count, N))
    x, y = np.where(rng.random((2, count, 1)) < 0.5, small, rng.choice(edges, small.shape))
    lengths = rng.integers(0, N + 1, count, np.int32)
    offsets = (
        rng.choice([0, 3, -100000, 2**31 - 2], count) if fmt is WORD32 else rng.choice(9, count)
    )
    programs = ArrayProgram(**{**all_programs().__dict__, "offset": offsets.astype(np.int32)})
    return programs, x.astype(np.int32), y.astype(np.int32), lengths


@pytest.mark.parametrize("fmt", [WORD32, pytest.param(WORD8, marks=pytest.mark.slow)], ids=str)
def test_every_program_as_machine_code(fmt: Format) -> None:
    programs, x, y, lengths = _inputs(fmt, SPACE_SIZE, seed=fmt.bits)
    run = jax.jit(jax.vmap(lambda p, a, n, b: execute(p, a, n, b, fmt=fmt)))
    want = np.asarray(run(programs, x, lengths, y))
    got = run_lowered([programs[i] for i in range(SPACE_SIZE)], x, lengths, y, fmt=fmt)
    wrong = np.flatnonzero(got != want)
    assert not wrong.size, [(str(programs[i]), x[i], y[i], lengths[i]) for i in wrong[:3]]


@pytest.mark.oracle
def test_some_programs_on_unicorn() -> None:
    """The code is A64, not just what our machine makes of it."""
    unicorn = pytest.importorskip("unicorn")
    from unicorn import arm64_const as arm

    programs, x, y, lengths = _inputs(WORD32, SPACE_SIZE, seed=5)
    run = jax.jit(jax.vmap(execute))
    want = np.asarray(run(programs, x, lengths, y))
    emulator = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
    emulator.mem_map(0, 0x4000)
    for i in range(0, SPACE_SIZE, 7):
        code = machine_code(programs[i]).tobytes()
        emulator.ctl_remove_cache(0, 0x1000)
        emulator.mem_write(0, code)
        emulator.mem_write(0x2000, x[i].tobytes())
        emulator.mem_write(0x3000, y[i].tobytes())
        for register, value in (
            ("X0", 0x2000),
            ("X1", 0x3000),
            ("X2", lengths[i]),
            ("X30", 0x1000),
        ):
            emulator.reg_write(getattr(arm, f"UC_ARM64_REG_{register}"), int(value))
        emulator.emu_start(0, 0x1000)
        result = struct.unpack("<i", struct.pack("<I", emulator.reg_read(arm.UC_ARM64_REG_W0)))[0]
        assert result == want[i], (str(programs[i]), x[i], y[i], lengths[i])


def test_machine_code_is_the_assembled_text() -> None:
    programs = all_programs(70000)
    for i in range(0, SPACE_SIZE, 73):
        want = assemble(lower(programs[i])).words
        np.testing.assert_array_equal(machine_code(programs[i]), want)


def test_empty_lanes() -> None:
    programs = all_programs()
    some = [programs[i] for i in range(0, SPACE_SIZE, 997)]
    got = run_lowered(some, np.zeros((len(some), 0), np.int32), np.zeros(len(some), np.int32))
    want = [int(execute(p, np.zeros(0, np.int32), 0)) for p in some]
    assert got.tolist() == want
