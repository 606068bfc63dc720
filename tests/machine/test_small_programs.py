"""The corpus of small programs: its own expectations, Unicorn, and what it covers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ncpu
from ncpu.cli.machine import ALUS, select_alu
from ncpu.machine import corpus, memory, word
from ncpu.machine.alu import Alu
from ncpu.machine.decode import classify, decode_table
from ncpu.machine.errors import AssemblyError
from ncpu.machine.instr import Unit
from ncpu.machine.isa import TABLE, Row
from ncpu.machine.loader import TEXT_BASE

FOLDER = Path(__file__).resolve().parents[2] / "programs" / "corpus"
CASES = corpus.cases(FOLDER)
LIMIT = 3000  # instructions that any of them may take


@pytest.fixture(scope="module", params=ALUS)
def alu(request: pytest.FixtureRequest) -> Alu:
    """Each arithmetic that the corpus must run on; the soft one at temperature 0."""
    return select_alu(request.param)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.name)
def test_ends_as_it_says(case: corpus.Case, alu: Alu) -> None:
    state = ncpu.run(*corpus.program(case), LIMIT, alu=alu)
    assert corpus.differences(case, state) == []


@dataclass(frozen=True)
class Outcome:
    """What Unicorn makes of a program."""

    x: list[int]
    sp: int
    pc: int
    nzcv: int
    vectors: list[int]
    memory: bytes
    executed: list[int]  # words, in order


@cache
def unicorn_outcome(case: corpus.Case) -> Outcome:
    unicorn = pytest.importorskip("unicorn")
    from unicorn import arm64_const as arm

    uc = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
    uc.ctl_set_cpu_model(arm.UC_CPU_ARM64_MAX)
    uc.mem_map(TEXT_BASE, corpus.MEMORY)
    for segment in case.assembled.segments:
        uc.mem_write(segment.address, segment.data)
    uc.reg_write(arm.UC_ARM64_REG_SP, TEXT_BASE + corpus.MEMORY)
    uc.reg_write(arm.UC_ARM64_REG_NZCV, 0)
    executed: list[int] = []

    def before(uc: Any, address: int, size: int, _: object) -> None:
        instruction = int.from_bytes(uc.mem_read(address, 4), "little")
        if instruction & 0xFFE0001F == 0xD4200000:  # BRK
            uc.emu_stop()
        else:
            executed.append(instruction)

    uc.hook_add(unicorn.UC_HOOK_CODE, before)
    uc.emu_start(case.assembled.entry, 0, count=LIMIT + 1)
    x = [*range(arm.UC_ARM64_REG_X0, arm.UC_ARM64_REG_X28 + 1)]
    x += [arm.UC_ARM64_REG_X29, arm.UC_ARM64_REG_X30]
    return Outcome(
        x=[uc.reg_read(register) for register in x],
        sp=uc.reg_read(arm.UC_ARM64_REG_SP),
        pc=uc.reg_read(arm.UC_ARM64_REG_PC),
        nzcv=uc.reg_read(arm.UC_ARM64_REG_NZCV) >> 28,
        vectors=[uc.reg_read(arm.UC_ARM64_REG_Q0 + k) for k in range(32)],
        memory=bytes(uc.mem_read(TEXT_BASE, corpus.MEMORY)),
        executed=executed,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.name)
def test_ends_as_in_unicorn(case: corpus.Case) -> None:
    """By exact arithmetic; `neural_alu/test_modes.py` compares the others with it."""
    state = ncpu.run(*corpus.program(case), LIMIT)
    theirs = unicorn_outcome(case)
    vectors = [int(low) | int(high) << 64 for low, high in state.v]
    ours = Outcome(
        x=state.x.tolist(),
        sp=int(state.sp),
        pc=int(word.from_limbs(state.pc)),
        nzcv=int(state.nzcv),
        vectors=vectors,
        memory=memory.read(state, TEXT_BASE, corpus.MEMORY),
        executed=theirs.executed,
    )
    assert ours == theirs
    assert int(word.from_limbs(state.retired)) == len(theirs.executed)


def test_size_of_the_corpus() -> None:
    """At least 36 A64 and 28 toy programs, all with arrays of one shape."""
    toy = sum(case.path.suffix == ".toy" for case in CASES)
    assert toy >= 28 and len(CASES) - toy >= 36
    shapes = set()
    for case in CASES:
        program, state = corpus.program(case)
        shapes.add((program.rows.shape, program.pages.shape, state.mem.shape, state.perm.shape))
    assert len(shapes) == 1


# Groups of the table that a program of integers is made of, and those of which it is enough
# to use each mnemonic in one of its forms.
EVERY_ROW = (
    "Add and subtract",
    "Logical",
    "Move wide",
    "Bitfield and extract",
    "Multiply, divide, shift by register",
    "CRC32",
    "Bit operations",
    "Conditional select and compare",
    "PC-relative address",
    "Branches",
)
EVERY_MNEMONIC = ("Load and store register", "Load register (literal)", "Load and store pair")


# Units of numbers other than integers.
OTHERS = ("FP_", "VECTOR_", "LOAD_STRUCTURE", "LOAD_ELEMENT", "STORE_BYTES")


def executed_words() -> np.ndarray:
    words = {word for case in CASES for word in unicorn_outcome(case).executed}
    return np.array(sorted(words), np.uint32)


def test_every_integer_unit_is_used() -> None:
    used = set(decode_table(executed_words())["unit"].tolist())
    integer = {unit for unit in Unit if not unit.name.startswith(OTHERS)}
    assert integer - {Unit.UNDEFINED, Unit.NO_CODE} - used == set()


def test_every_integer_instruction_is_executed() -> None:
    used = {TABLE[index].name for index in classify(executed_words())}
    mnemonics = {name.split(":")[0] for name in used}

    def unused(row: Row) -> bool:
        if row.group in EVERY_ROW:
            return row.name not in used
        return row.group in EVERY_MNEMONIC and row.mnemonic not in mnemonics

    assert [f"{row.group}: {row.name}" for row in TABLE if unused(row)] == []


def test_differences_are_told(tmp_path: Path) -> None:
    path = tmp_path / "wrong.s"
    path.write_text(
        "// expect: x0 = 2, nzcv = 0b0110\n// expect: data + 1: .byte 2, 3\n"
        "mov x0, #1\ncmp x0, x0\nbrk #0\n.data\ndata: .byte 1, 2, 4\n"
    )
    case = corpus.case(path)
    state = ncpu.run(*corpus.program(case))
    assert corpus.differences(case, state) == [
        "x0 is 0x1, not 0x2",
        "data + 1 holds 02 04, not 02 03",
    ]
    program, state = corpus.program(case)
    assert corpus.differences(case, ncpu.run(program, state, 1)) == [
        f"stopped by OUT_OF_FUEL at {TEXT_BASE + 4:#x}"
    ]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "expects nothing"),
        ("// expect: x0 == 1", "neither a register or nzcv with its value"),
        ("// expect: x0 = start", "'start' is no number"),
        ("// expect: table: .bite 1", "unknown directive"),
    ],
)
def test_headers_that_cannot_be_read(tmp_path: Path, header: str, message: str) -> None:
    path = tmp_path / "bad.s"
    path.write_text(header + "\nbrk #0\n")
    with pytest.raises(AssemblyError, match=message):
        corpus.case(path)


def test_a_label_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "bad.s"
    path.write_text("// expect: table: .byte 1\nbrk #0\n")
    case = corpus.case(path)
    with pytest.raises(AssemblyError, match="expects something at table, which it has not"):
        corpus.differences(case, ncpu.run(*corpus.program(case)))


@pytest.mark.parametrize("extra", ["nop\n" * 1025, ".data\n.skip 0x10000"])
def test_a_program_that_is_too_long(tmp_path: Path, extra: str) -> None:
    path = tmp_path / "long.s"
    path.write_text(f"// expect: x0 = 0\nbrk #0\n{extra}")
    with pytest.raises(AssemblyError, match="at most 4096 bytes of text and 65536 bytes in all"):
        corpus.program(corpus.case(path))
