"""Brainfuck, Forth and CHIP-8: programs in them do what their definitions say."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from app_runs import at_terminal, built, run
from pseudo_terminal import DRAWN, Keyboard, screen


def brainfuck(code: str, read: bytes) -> bytes:
    """The language by its definition, a step a character."""
    tape, at, pc, out, stack, partner = [0] * 65536, 0, 0, bytearray(), [], {}
    for i, c in enumerate(code):
        if c == "[":
            stack.append(i)
        elif c == "]":
            partner[i] = stack.pop()
            partner[partner[i]] = i
    stream = iter(read)
    while pc < len(code):
        c = code[pc]
        at = (at + (c == ">") - (c == "<")) % 65536
        tape[at] = (tape[at] + (c == "+") - (c == "-")) % 256
        if c == ".":
            out.append(tape[at])
        elif c == ",":
            tape[at] = next(stream, 0)
        elif (c == "[" and not tape[at]) or (c == "]" and tape[at]):
            pc = partner[pc]
        pc += 1
    return bytes(out)


def random_brainfuck(source: random.Random, depth: int = 0) -> str:
    """A program that ends: loops count a cell down and come back to it."""
    code = ""
    for _ in range(source.randrange(4, 12)):
        if depth < 3 and source.random() < 0.3:
            inner = random_brainfuck(source, depth + 1)
            code += "+" * source.randrange(1, 4) + f"[>{inner}<-]"
        else:
            code += source.choice(["+", "+++", "-", ".", ",", "[-]"])
    return code


def test_brainfuck_runs_random_programs() -> None:
    source = random.Random(7)
    for _ in range(4):
        code, read = random_brainfuck(source), source.randbytes(9).replace(b"!", b"?")
        expected = brainfuck(code, read)
        assert run("brainfuck", "-e", code, stdin=read) == (expected, b"", 0)
    assert run("brainfuck", stdin=b",[.,]comment!echo") == (b"echo", b"", 0)
    assert run("brainfuck", "-e", "<-.") == (b"\xff", b"", 0)


@pytest.mark.parametrize("code", ["[", "]", "[]]["])
def test_brainfuck_refuses_a_bracket_without_partner(code: str) -> None:
    assert run("brainfuck", "-e", code) == (b"", b"brainfuck: a bracket has no partner\n", 2)


FORTH = [
    ("1 2 3 .s rot .s", "<3> 1 2 3 <3> 2 3 1 "),
    (": square dup * ; 7 square .", "49 "),
    (": fact dup 1 > if dup 1 - recurse * else drop 1 then ; 20 fact .", "2432902008176640000 "),
    ("-7 2 / . -7 2 mod . 7 -2 /mod . .", "-4 1 -4 -1 "),
    (": t 4 1 do 4 1 do i j * . loop cr loop ; t", "1 2 3 \n2 4 6 \n3 6 9 \n"),
    (": t 10 0 do i . 3 +loop ; t", "0 3 6 9 "),
    (': t begin dup . 1 - dup 0= until drop ." done" ; 3 t', "3 2 1 done"),
    (": t 1 begin dup 5 < while dup . 1 + repeat drop ; t", "1 2 3 4 "),
    (": t dup 0< if drop exit then . ; -1 t 1 t", "1 "),
    ("variable x 5 x ! 10 x +! x ? 42 constant c c .", "15 42 "),
    ("create a 3 , 4 , 5 , a @ a 1 + @ a 2 + @ . . .", "5 4 3 "),
    ("9 ' dup execute + . $ff . ( a comment ) \\ another", "18 255 "),
    ("9223372036854775807 1 + .", "-9223372036854775808 "),
    (
        ": sieve 50 2 do 1 i 2 do j i mod 0= if drop 0 then loop if i . then loop ;\n3 2 swap . .",
        "3 2 ",
    ),
    ("bye never", ""),
]


@pytest.mark.parametrize(("source", "expected"), FORTH)
def test_forth(source: str, expected: str) -> None:
    assert run("forth", stdin=source.encode() + b"\n") == (expected.encode(), b"", 0)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("+", "stack: is empty"),
        ("1 0 /", "/: division by zero"),
        ("foo", "foo: is not known"),
        ("99999 @", "address: is outside of memory"),
        (": r recurse ; r", "return stack: is full"),
        ("if", "if: is for definitions only"),
        (":", "name: is missing"),
        ("r>", "return stack: is empty"),
    ],
)
def test_forth_says_what_is_wrong(source: str, message: str) -> None:
    out, err, code = run("forth", stdin=source.encode() + b"\n1 .\n")
    assert (out.decode(), err, code) == (message + "\n", b"", 1)


def test_forth_goes_on_after_an_error_at_a_terminal() -> None:
    with Keyboard(
        b": broken foo ;\n", b"> ", [(b"> ", b"broken\n"), (b"> ", b"2 3 * .\nbye\n")]
    ) as k:
        assert at_terminal(built("forth"), ["forth"], k) == 0
    lines = screen(k.output)
    assert lines[:2] == ["> : broken foo ;", "foo: is not known"]
    assert "broken: is not known" in lines
    assert "6  ok" in lines


# Registers as digits, 8 pixels apart: V0 to V7 after some arithmetic, carries in VF.
CHIP8 = """
        LD   V0, 0xF0
        LD   V1, 0x20
        ADD  V0, V1        ; 0x10, carry 1
        LD   V2, VF
        SUB  V1, V0        ; 0x10, no borrow: 1
        LD   V3, VF
        SUBN V1, V2        ; 1 - 0x10 borrows: 0
        LD   V4, VF
        LD   V5, 0x81
        SHL  V5            ; 2, out goes 1
        LD   V6, VF
        SHR  V5
        ADD  V5, V6        ; 2
        LD   V7, 7
        CALL draw
stop:   JP   stop
draw:   LD   I, store
        LD   [I], V7
        LD   V8, 0         ; column
        LD   V9, 0
digit:  LD   I, store
        ADD  I, V9
        LD   V0, [I]
        LD   VA, 15
        AND  V0, VA
        LD   F, V0
        DRW  V8, VB, 5
        ADD  V8, 8
        ADD  V9, 1
        SE   V9, 8
        JP   digit
        RET
store:  DB 0 0 0 0 0 0 0 0
"""


# All digits of the interpreter's font, eight in a row.
FONT = """
        LD   V0, 0
next:   LD   F, V0
        LD   V1, V0
        SHL  V1
        SHL  V1
        SHL  V1            ; the column wraps around at 64
        LD   V2, V0
        LD   V3, 8
        AND  V2, V3        ; the second row starts at 8
        LD   V4, 63
        AND  V1, V4
        DRW  V1, V2, 5
        ADD  V0, 1
        SE   V0, 16
        JP   next
stop:   JP   stop
"""


def chip8(argv: list[str], keys: bytes, folder: Path | None = None) -> list[str]:
    """The 32 rows of the display when the keys are pressed and Escape last."""
    mounts = [] if folder is None else [(folder, "/work", True)]
    with Keyboard(keys + b"\x1b", DRAWN) as keyboard:
        argv = ["chip8", "--turns", *argv]
        assert at_terminal(built("chip8"), argv, keyboard, mounts=mounts) == 0
    rows = [line.ljust(80)[8:72] for line in screen(keyboard.output)[1:17]]
    upper, lower = str.maketrans("▀▄█", "# #"), str.maketrans("▀▄█", " ##")
    return [row.translate(half) for row in rows for half in (upper, lower)]


def test_chip8_arithmetic_and_assembler(tmp_path: Path) -> None:
    (tmp_path / "sums.8s").write_text(CHIP8)
    rows = chip8(["/work/sums.8s"], b"." * 20, tmp_path)
    (tmp_path / "font.8s").write_text(FONT)
    font = chip8(["/work/font.8s"], b"." * 30, tmp_path)
    shapes = {}
    for digit in range(16):
        x, y = digit % 8 * 8, digit // 8 * 8
        shapes["|".join(row[x : x + 4] for row in font[y : y + 5])] = digit
    assert len(shapes) == 16
    got = [shapes["|".join(row[8 * i : 8 * i + 4] for row in rows[:5])] for i in range(8)]
    assert got == [0, 1, 1, 1, 0, 2, 1, 7]


def test_chip8_catches_a_drop() -> None:
    """The score is drawn anew when the paddle has been under the drop, or lives are lost."""
    start = chip8(["--seed", "1", "catch"], b"." * 3)
    assert start[30].count("#") == 8  # the paddle
    moved = chip8(["--seed", "1", "catch"], b"q" + b"." * 9)
    assert moved[30].index("#") < start[30].index("#")


def test_chip8_names_a_line_that_is_no_instruction(tmp_path: Path) -> None:
    (tmp_path / "wrong.8s").write_text("CLS\nLD V0, 256\n")
    out, err, code = run("chip8", "wrong.8s", folder=tmp_path)
    assert (out, err, code) == (b"", b"chip8: wrong.8s: line 2 is no instruction\n", 2)
