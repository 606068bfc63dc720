"""The program space: bytes, text and validation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ncpu.npcot.errors import ProgramSpaceError
from ncpu.npcot.number import WORD8, WORD32, Format, exp_raw, log_raw
from ncpu.npcot.program import (
    PROGRAM_BYTES,
    SPACE_SIZE,
    ArrayProgram,
    all_choices,
    all_programs,
    canonical_bytes,
    from_bytes,
    validate,
)
from ncpu.npcot.text import format_program, parse_program


@pytest.mark.parametrize("offset", [0, -3, 98304])
def test_every_program_survives_bytes_and_text(offset: int) -> None:
    seen = set()
    programs = all_programs(offset)
    for i, choice in enumerate(all_choices()):
        program = programs[i]
        assert program.choice == choice
        data = canonical_bytes(program)
        assert len(data) == PROGRAM_BYTES
        assert canonical_bytes(from_bytes(data)) == data
        assert canonical_bytes(parse_program(format_program(program))) == data
        seen |= {data, str(program)}
    assert len(seen) == 2 * SPACE_SIZE


def test_the_bytes_do_not_change() -> None:
    program = ArrayProgram.of("sum", "x*x", predicate="x>0", post="acc/len", offset=3 << 16)
    assert str(program) == "sum(x*x if x>0)/len + 3"
    assert canonical_bytes(program).hex() == "4e434150010100010001000000000300"


def test_no_mutated_byte_is_the_same_program() -> None:
    data = canonical_bytes(parse_program("max(|x|, init=0) - 7"))
    for i in range(len(data)):
        for flip in range(1, 256):
            other = data[:i] + bytes([data[i] ^ flip]) + data[i + 1 :]
            try:
                program = from_bytes(other)
            except ProgramSpaceError:
                continue
            assert canonical_bytes(program) == other != data


@pytest.mark.parametrize("bad", [b"", b"NCAP", bytes(16), b"NCAP\x02" + bytes(11)])
def test_bytes_of_no_program(bad: bytes) -> None:
    with pytest.raises(ProgramSpaceError):
        from_bytes(bad)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "sum",
        "mean(x)",
        "sum(x**3)",
        "sum(x) + 0.5",
        "exp(sum(x))/len",
        "sum(x",
        "sum(x)) + 1",
        "sum(x)/len + 0.00001",
        "sum(x) + 2147483647",
        "sum(x) + 99999999999",
        "sum(x)/len + 32768",
    ],
)
def test_text_of_no_program(bad: str) -> None:
    with pytest.raises(ProgramSpaceError):
        parse_program(bad)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reduce": np.int32(6)}, "reduce is 6; accepted: 0 to 5"),
        ({"post": np.int32(-1)}, "post is -1"),
        ({"init": np.float32(0)}, "init is float32"),
        ({"predicate": np.zeros(2, np.int32)}, "predicate is int32"),
        ({"offset": np.int64(2**31 - 1)}, "offset is 2147483647"),
    ],
)
def test_fields_outside_the_space_are_named(change: dict, message: str) -> None:
    with pytest.raises(ProgramSpaceError, match=message):
        validate(replace(all_programs()[5], **change))


def test_narrow_formats_have_narrow_offsets() -> None:
    validate(ArrayProgram.of("sum", offset=126), WORD8)
    with pytest.raises(ProgramSpaceError, match="-126 to 126"):
        validate(ArrayProgram.of("sum", offset=127), WORD8)


def test_names_outside_the_tables() -> None:
    with pytest.raises(ProgramSpaceError, match="accepted: sum, product"):
        ArrayProgram.of("mean")
    with pytest.raises(ProgramSpaceError, match="batch"):
        canonical_bytes(all_programs())


@pytest.mark.parametrize(
    "fmt", [WORD32, WORD8, Format(16, 8), Format(20, 16), Format(4, 0)], ids=str
)
def test_log_and_exp_are_within_one_unit(fmt: Format) -> None:
    scale, rng = 1 << fmt.frac, np.random.default_rng(fmt.bits)
    xs = {
        *range(300),
        *rng.integers(0, 2**31, 3000).tolist(),
        *(2**k + d for k in range(31) for d in (-1, 1)),
    }
    for x in xs:
        want = math.log(max(abs(x), 1 / scale)) * scale
        assert abs(log_raw(x, fmt) - want) <= 1 and log_raw(-x, fmt) == log_raw(x, fmt)
    for v in {fmt.exp_min, fmt.exp_max, *rng.integers(fmt.exp_min, fmt.exp_max + 1, 3000).tolist()}:
        want = math.exp(v / scale) * scale
        assert abs(exp_raw(v, fmt) - want) <= 1 + want * 2**-24
    assert exp_raw(0, fmt) == scale and exp_raw(fmt.exp_min - 9, fmt) == 0
    assert exp_raw(1 << 40, fmt) < fmt.infinity
