"""The toy instruction set, executed on the machine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ncpu.machine.errors import AssemblyError
from ncpu.machine.run import run
from ncpu.machine.state import State, Status
from ncpu.machine.toy import Instruction, Register, assemble_toy, lower, parse

MASK = (1 << 64) - 1


def execute(source: str) -> State:
    """The state in which a toy program stops."""
    made = assemble_toy(source)
    return run(made.program(), made.state(), 10_000)


def signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def divide(a: int, b: int) -> int:
    a, b = signed(a), signed(b)
    quotient = abs(a) // abs(b) if b else 0
    return quotient if (a < 0) == (b < 0) else -quotient


SEMANTICS: dict[str, Callable[[int, int], int]] = {
    "ADD": lambda a, b: a + b,
    "SUB": lambda a, b: a - b,
    "MUL": lambda a, b: a * b,
    "DIV": divide,
    "AND": lambda a, b: a & b,
    "OR": lambda a, b: a | b,
    "XOR": lambda a, b: a ^ b,
    "SHL": lambda a, b: a << (b & 63),
    "SHR": lambda a, b: a >> (b & 63),
}
VALUES = (
    0,
    1,
    7,
    64,
    100,
    999,
    4095,
    MASK,
    MASK - 6,
    1 << 63,
    0x123456789ABCDEF0,
    0xFFFF0000FFFF0001,
)


@pytest.mark.parametrize("name", SEMANTICS)
def test_operations(name: str) -> None:
    function = SEMANTICS[name]
    for a in VALUES:
        for chunk in (VALUES[:6], VALUES[6:]):
            lines = [f"MOV R7, {a}"]
            for k, b in enumerate(chunk):
                lines += [f"MOV R{k}, R7", f"{name} R{k}, {b}"]
            state = execute("\n".join(lines))
            assert state.status == Status.BREAKPOINT
            for k, b in enumerate(chunk):
                assert int(state.x[k]) == function(a, b) & MASK, (name, a, b)


def test_three_operands_and_registers() -> None:
    state = execute("MOV R1, 40\nMOV R2, 0b10\nADD R0, R1, R2\nsub r3, R1, 0x10\nINC R1\nDEC R2")
    assert state.x[:4].tolist() == [42, 41, 1, 24]


@pytest.mark.parametrize(
    ("jump", "value", "taken"),
    [
        ("JZ", 0, 1),
        ("JZ", 1, 0),
        ("JNZ", 0, 0),
        ("JNZ", 5, 1),
        ("JS", -1, 1),
        ("JS", 1, 0),
        ("JNS", 0, 1),
        ("JMP", 9, 1),
    ],
)
def test_jumps(jump: str, value: int, taken: int) -> None:
    state = execute(f"MOV R1, {value}\nOR R1, 0\nMOV R0, 1\n{jump} end\nMOV R0, 0\nend: HALT")
    assert int(state.x[0]) == taken
    state = execute(f"MOV R1, {value}\nCMP R1, 0\nMOV R0, 1\n{jump} End\nMOV R0, 0\nEND: HALT")
    assert int(state.x[0]) == taken


def test_factorial() -> None:
    state = execute(
        """
            MOV R0, 1      ; the product
            MOV R1, 20     # counts down
    loop:   MUL R0, R1
            DEC R1
            JNZ loop
            HALT
        """
    )
    assert int(state.x[0]) == 2432902008176640000


def test_an_immediate_on_the_left() -> None:
    state = execute(
        "SUB R0, 0, 5\nADD R1, 7, 4095\nMOV R2, 1\nCMP 0, 5\nJS end\nMOV R2, 0\nend: HALT"
    )
    assert state.x[:3].tolist() == [MASK - 4, 4102, 1]


def test_memory() -> None:
    """Words are numbered, addresses wrap, and the transfers leave the flags alone."""
    state = execute(
        """
            MOV R1, 1023
            STORE [R1], 0x123456789
            STORE [5], R1
            LOAD R2, [2047]
            ADD R3, R1, 6           # 1029, word 5
            CMP R3, R3
            LOAD R4, [R3]
            LOAD R5, [ 6 ]
            STORE [-1], 77
            LOAD R6, [1023]
            JNZ end
            MOV R0, 1
    end:    HALT
        """
    )
    assert state.x[:7].tolist() == [1, 1023, 0x123456789, 1029, 1023, 0, 77]


def test_parse() -> None:
    parsed = parse("JMP b\na: b: ADD R1, 0x10 ; sum\n\nINC R2\nJNZ END\nend:")
    one, two = Register(1), Register(2)
    assert parsed.instructions == (
        Instruction("jmp", ("b",), 1, "JMP b"),
        Instruction("add", (one, one, 16), 2, "ADD R1, 0x10"),
        Instruction("add", (two, two, 1), 4, "INC R2"),
        Instruction("jnz", ("end",), 5, "JNZ END"),
    )
    assert parsed.labels == {"a": 1, "b": 1, "end": 4}


def test_halt_as_exit() -> None:
    text = lower("HALT", halt="exit")
    assert "svc #0" in text and "brk" not in text
    with pytest.raises(ValueError, match="brk, exit"):
        lower("HALT", halt="stop")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("NOP\nADDD R0, 1", "line 2: ADDD R0, 1\n  unknown instruction ADDD; close are ADD"),
        ("MOV R8, 1", "no register; there are R0 to R7"),
        ("MOV R0, x", "neither a register R0 to R7 nor a number"),
        ("MOV R0", "accepted: MOV r, source"),
        ("ADD R0", "accepted: ADD r, source or ADD r, source, source"),
        ("HALT R0", "accepted: HALT"),
        ("LOAD R0, R1", "'r1' is no memory word; accepted: [register] or [number]"),
        ("loop: JMP lop", "there is no label 'lop'; close are loop"),
        ("MOV R0, 0x1_0000_0000_0000_0000", "does not fit in 64 bits"),
        ("a: NOP\nA: NOP", "already defined"),
    ],
)
def test_messages(source: str, message: str) -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble_toy(source)
    assert message in str(caught.value)
