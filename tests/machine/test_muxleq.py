"""MUXLEQ against a plain interpreter of its definition: output, memory, pc and count."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import pytest

from ncpu.cli.machine import select_alu
from ncpu.machine import muxleq, word
from ncpu.machine import run as run_module
from ncpu.machine.alu import EXACT, Alu
from ncpu.machine.errors import AssemblyError, ImageError
from ncpu.machine.state import Status

PROGRAMS = Path(__file__).parents[2] / "programs" / "muxleq"
# Arithmetic that must give the same bits, and how many instructions of it a test can afford.
AFFORDABLE = {"exact": 1 << 30, "neural": 20_000, "tabulated": 50_000, "soft": 20_000}
ALUS = [pytest.param(name, steps, id=name) for name, steps in AFFORDABLE.items()]
alus = pytest.mark.parametrize(("alu", "affordable"), ALUS, indirect=["alu"])


@pytest.fixture(scope="module")
def alu(request: pytest.FixtureRequest) -> Alu:
    """The arithmetic of that name; the soft one at temperature 0."""
    return select_alu(request.param)


class Reference(NamedTuple):
    output: bytes
    memory: list[int]
    pc: int
    retired: int


def reference(
    image: np.ndarray, stdin: bytes = b"", steps: int = 1 << 30, pc: int = 0
) -> Reference:
    """The definition, instruction by instruction."""
    m = [int(value) for value in image] + [0] * (65536 - len(image))
    pending, output, retired = list(stdin), bytearray(), 0
    while pc < 0x8000 and retired < steps:
        a, b, c = m[pc : pc + 3]
        pc, retired = pc + 3, retired + 1
        if a == 0xFFFF:
            m[b] = pending.pop(0) if pending else 0xFFFF
        elif b == 0xFFFF:
            output.append(m[a] & 0xFF)
        elif c & 0x8000 and c != 0xFFFF:
            mask = m[c & 0x7FFF]
            m[b] = (m[a] & ~mask) | (m[b] & mask)
        else:
            m[b] = (m[b] - m[a]) & 0xFFFF
            if m[b] == 0 or m[b] & 0x8000:
                pc = c
    return Reference(bytes(output), m, pc, retired)


def same(result: muxleq.Result, expected: Reference) -> None:
    assert result.output == expected.output
    assert result.retired == expected.retired
    assert muxleq.pc(result.state) == expected.pc
    assert result.halted == (expected.pc >= 0x8000)
    np.testing.assert_array_equal(muxleq.memory(result.state), expected.memory)


def assembled(name: str) -> np.ndarray:
    return muxleq.assemble((PROGRAMS / f"{name}.mux").read_text()).words


DIALOGUE = b"1 2 + . cr : sq dup * ; 12 sq .\n: t 3 0 do i . loop ; t bye\n"
INPUTS = {"hello": b"", "rot13": bytes(range(256)) * 2, "primes": b"", "forth": DIALOGUE}


@alus
@pytest.mark.parametrize("name", INPUTS)
def test_programs(name: str, alu: Alu, affordable: int) -> None:
    image, stdin = assembled(name), INPUTS[name]
    result = muxleq.run(muxleq.load(image), stdin, affordable, alu=alu)
    same(result, reference(image, stdin, affordable))


def test_what_the_programs_print() -> None:
    def output(name: str, stdin: bytes = b"") -> bytes:
        return muxleq.run(muxleq.load(assembled(name)), stdin).output

    assert output("hello") == b"Hello from one instruction.\n"
    assert output("rot13", b"Hello, [World]! @z`{") == b"Uryyb, [Jbeyq]! @m`{"
    primes = [n for n in range(2, 2000) if all(n % k for k in range(2, n))]
    assert [int(text) for text in output("primes").split()] == primes


@pytest.mark.parametrize("name", INPUTS)
def test_stored_images_are_the_assembled_sources(name: str) -> None:
    stored = muxleq.parse((PROGRAMS / f"{name}.dec").read_text())
    np.testing.assert_array_equal(stored, assembled(name))


# Words whose meaning as an address, a mask, a jump or a value is a limit.
EDGES = np.array([0, 1, 2, 3, 0x7FFC, 0x7FFD, 0x7FFE, 0x7FFF, 0x8000, 0x8001, 0xFFFE, 0xFFFF])


def random_memory(seed: int) -> tuple[np.ndarray, int]:
    """A whole memory and a pc in its lower half; in the odd ones most words are edges."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 1 << 16, 1 << 16)
    edges = rng.random(1 << 16) < (0.6 if seed % 2 else 0.05)
    image[edges] = rng.choice(EDGES, int(edges.sum()))
    near = rng.random(1 << 16) < 0.2  # short jumps and writes into the code
    image[near] = (np.arange(1 << 16) + rng.integers(-9, 10, 1 << 16))[near] & 0xFFFF
    pc = int(rng.choice([0, 0x7FFA, 0x7FFD, 0x7FFE, 0x7FFF, int(rng.integers(0, 0x8000))]))
    return image.astype(np.uint16), pc


@alus
@pytest.mark.parametrize("seed", range(40))
def test_random_memories(seed: int, alu: Alu, affordable: int) -> None:
    image, pc = random_memory(seed)
    stdin, steps = bytes(range(0, 256, 3)), min(2000, affordable)
    state = muxleq.load(image).replace(pc=jnp.asarray(word.to_limbs(2 * pc)))
    same(muxleq.run(state, stdin, steps, alu=alu), reference(image, stdin, steps, pc))


@alus
def test_every_kind_of_instruction(alu: Alu, affordable: int) -> None:
    """One instruction each, on values where zero, sign and carry change."""
    values = [0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF, 0x5A5A]
    for a, b in [(10, 11), (0xFFFF, 11), (10, 0xFFFF), (0xFFFF, 0xFFFF), (1, 1), (10, 10)]:
        for c in (6, 0x800C, 0x8000, 0xFFFE, 0xFFFF):
            for left, right in zip(values, values[3:] + values[:3], strict=True):
                image = np.zeros(1 << 16, np.uint16)
                image[:3], image[10:13], image[0xFFFF] = (a, b, c), (left, right, 0x0FF0), 77
                result = muxleq.run(muxleq.load(image), b"\xc3", 1, alu=alu)
                same(result, reference(image, b"\xc3", 1))


def test_subtraction_branches_for_all_signs() -> None:
    rng = np.random.default_rng(1)
    for left, right in rng.choice([*EDGES, *range(100, 110)], (60, 2)):
        image = np.array([3, 4, 9, left, right], np.uint16)
        same(muxleq.run(muxleq.load(image), b"", 1), reference(image, b"", 1))


def test_pieces_and_fuel_change_nothing() -> None:
    image = assembled("forth")
    whole = reference(image, DIALOGUE)
    same(muxleq.run(muxleq.load(image), DIALOGUE, piece=97), whole)
    state, output, retired, rest = muxleq.load(image), b"", 0, list(DIALOGUE)

    def read(size: int) -> bytes:
        return bytes([rest.pop(0)]) if rest else b""

    while True:
        result = muxleq.run(state, read, 1999)
        state, output, retired = result.state, output + result.output, retired + result.retired
        if result.halted:
            break
    same(muxleq.Result(output, retired, state, True), whole)


def test_reads_only_when_asked_and_writes_as_it_goes() -> None:
    asked, written = [], []

    def read(size: int) -> bytes:
        asked.append(b"".join(written))
        return b"7\n" if len(asked) == 1 else b""

    source = "put #'?'\nget x\nput x\nget x\nget x\nput x\nhlt\nx: .word 0"
    result = muxleq.run(muxleq.load(muxleq.assemble(source).words), read, write=written.append)
    assert asked == [b"?", b"?7"]  # twice: for a line, then for its end
    assert result.output == b"".join(written) == b"?7\xff"


def test_halted_stays_halted() -> None:
    done = muxleq.run(muxleq.load([0, 0, -1]))
    assert (done.retired, done.halted, muxleq.pc(done.state)) == (1, True, 0xFFFF)
    assert Status(int(done.state.status)) == Status.EXITED
    again = muxleq.run(done.state)
    assert (again.retired, again.halted) == (0, True)
    outside = muxleq.load([0]).replace(pc=jnp.asarray(word.to_limbs(0x10000)))
    never = muxleq.run(outside)
    assert (never.retired, never.halted) == (0, True)


def test_memory_is_not_copied() -> None:
    """The loop of this instruction set keeps the memory in place, too."""
    state = muxleq.load([0])
    fuel = run_module.fuel_limbs(1)
    lowered = run_module._run.lower(None, state, fuel, EXACT, muxleq.MUXLEQ)
    analysis = lowered.compile().memory_analysis()
    assert analysis is not None
    assert analysis.temp_size_in_bytes < state.mem.nbytes // 4


def test_image_text() -> None:
    words = muxleq.parse(" 1,-1 65537\n\n+7 , -32768\t99999999999999999999\n")
    assert words.tolist() == [1, 65535, 1, 7, 32768, 99999999999999999999 % 65536]
    rng = np.random.default_rng(2)
    for count in (1, 12, 13, 65536):
        words = rng.integers(0, 1 << 16, count).astype(np.uint16)
        np.testing.assert_array_equal(muxleq.parse(muxleq.text(words)), words)
        np.testing.assert_array_equal(muxleq.memory(muxleq.load(words))[:count], words)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an image of 0 words: it has from 1 to 65,536"),
        (" \n,\n", "an image of 0 words"),
        ("1 2\n3 x4", "line 2: 'x4' is no signed decimal"),
        ("0x10", "no signed decimal"),
        ("1.5", "no signed decimal"),
        ("٣", "no signed decimal"),
        ("- 1", "no signed decimal"),
        ("0 " * 65537, "an image of 65,537 words"),
    ],
)
def test_bad_images(text: str, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        muxleq.load(text)


def signed(value: int) -> int:
    return (value & 0xFFFF) - ((value & 0x8000) << 1)


COMPUTES: dict[str, Callable[[int, int], int]] = {
    "mov": lambda a, b: b,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
}
JUMPS: dict[str, Callable[[int], bool]] = {
    "jle": lambda a: a <= 0,
    "jgt": lambda a: a > 0,
    "jlt": lambda a: a < 0,
    "jge": lambda a: a >= 0,
    "jz": lambda a: a == 0,
    "jnz": lambda a: a != 0,
}
VALUES = [0, 1, 2, 100, 0x7FFE, 0x7FFF, 0x8000, 0x8001, 0xFFFE, 0xFFFF]


@pytest.mark.parametrize("name", COMPUTES)
def test_assembled_computations(name: str) -> None:
    cases = [(a, b) for a in VALUES for b in VALUES]
    data = "".join(f"a{k}: .word {a}\nb{k}: .word {b}\n" for k, (a, b) in enumerate(cases))
    code = "".join(f"{name} a{k}, b{k}\n" for k in range(len(cases)))
    made = muxleq.assemble(f"{code}hlt\n{data}")
    memory = reference(made.words).memory
    for k, (a, b) in enumerate(cases):
        assert memory[made.symbols[f"a{k}"]] == COMPUTES[name](a, b) & 0xFFFF, (a, b)
        assert memory[made.symbols[f"b{k}"]] == b


@pytest.mark.parametrize("name", JUMPS)
def test_assembled_jumps(name: str) -> None:
    code = "".join(
        f"{name} a{k}, taken{k}\nput #'-'\njmp on{k}\ntaken{k}: put #'+'\non{k}:\n"
        for k in range(len(VALUES))
    )
    data = "".join(f"a{k}: .word {value}\n" for k, value in enumerate(VALUES))
    output = reference(muxleq.assemble(f"{code}hlt\n{data}").words).output
    assert output.decode() == "".join("-+"[JUMPS[name](signed(v))] for v in VALUES)


def test_assembled_pointers_routines_and_data() -> None:
    source = """
        STEP = 2
            mov p, #table + 1      // 'b'
            ld x, p
            call show
            st p, #'z'
            put table + 1
            jmpi finish
            put #'!'               /* passed over */
    show:   .word 0
            put x
            ret show
    last:   subleq x, x
            mux #0x1234, x, #0xFF0F
            hlt
    finish: .word last
    x:      .word 0
    p:      .word 0
    table:  .ascii "abc"; .counted "de"; .asciz "\\x41"; .word ., . - STEP, 'q', -1; .zero STEP
    end:    .word 5
    """
    made = muxleq.assemble(source)
    done = reference(made.words)
    assert done.output == b"bz"
    assert done.memory[made.symbols["x"]] == 0x0030
    table = made.symbols["table"]
    words = [97, 122, 99, 2, 100, 101, 65, 0, table + 8, table + 6, 113, 0xFFFF, 0, 0, 5]
    assert done.memory[table : made.symbols["end"] + 1] == words
    assert made.lines[0] == 3


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("hlt\nmvo x, y", "line 2: mvo x, y\n  unknown instruction 'mvo'; close are mov"),
        ("mov x", "accepted: mov to, from"),
        ("mov #5, x\nx: .word 0", "'#5' is a constant: it cannot be written"),
        ("jmp lop\nloop: hlt", "there is no label 'lop'; close are loop"),
        ("a: hlt\na: hlt", "line 2: a: hlt\n  'a' is already defined"),
        ("1: jmp 1b", "a label starts with a letter"),
        (".byte 1", "unknown directive .byte; there are .word"),
        (".word 65536", "65536 is 65536: a word is from -32768 to 65535"),
        ("put #-32769", "a constant is from -32768 to 65535"),
        ("mux 1, 2, 0x7fff", "masks are words 0 to 0x7ffe"),
        (".ascii text", 'accepted: .ascii "text"'),
        (".zero 65537", "from 0 to 65,536 words"),
        (".zero 65536\nhlt", "the program has 65,539 words: at most 65,536"),
        (".zero 65533\nhlt", "the program and its constants have 65,537 words"),
        ("", "have 0 words"),
        ("a = 1, 2", "accepted: .set name, value"),
    ],
)
def test_assembler_messages(source: str, message: str) -> None:
    with pytest.raises(AssemblyError) as caught:
        muxleq.assemble(source)
    assert message in str(caught.value)


def forth(*lines: str) -> str:
    stdin = "".join(line + "\n" for line in lines).encode()
    return muxleq.run(muxleq.load(assembled("forth")), stdin).output.decode()


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("1 2 + .", "3 "),
        ("2 3 4 rot .s", "3 4 2 "),
        ("1 2 swap over .s", "2 1 2 "),
        ("1 2 drop dup nip .s", "1 "),
        ("5 >r 1 r@ r> .s", "1 5 5 "),
        ("12 10 and . 12 10 or . 12 10 xor . 0 invert .", "8 14 6 -1 "),
        ("3 3 = . 3 4 = . 0 0= . 7 0= . -1 0< . 1 0< .", "-1 0 -1 0 -1 0 "),
        ("3 4 < . 4 3 < . 4 3 > . 3 3 > . -30000 30000 < .", "-1 0 -1 0 -1 "),
        ("30000 -30000 < . 32767 1+ . 0 1- . 5 negate .", "0 -32768 -1 -5 "),
        ("7 0 / .", "-1 "),
        ("72 emit space 105 emit", "H i"),
        (': greet ." hello, " ." you" ; greet ." !"', "hello, you!"),
        (": abs dup 0< if negate then ; -5 abs . 5 abs .", "5 5 "),
        (": sign 0< if -1 else 1 then ; -9 sign . 9 sign .", "-1 1 "),
        (": fact dup 1 > if dup 1- recurse * else drop 1 then ; 7 fact .", "5040 "),
        (": down begin dup . 1- dup 0= until drop ; 3 down", "3 2 1 "),
        (": down begin dup while dup . 1- repeat drop ; 3 down", "3 2 1 "),
        (": grid 3 0 do 2 0 do i . loop loop ; grid", "0 1 0 1 0 1 "),
        (": three 3 ; : three three 1 + ; three .", "4 "),
        ("variable v 5 v ! 3 v +! v @ . 9 constant nine nine .", "8 9 "),
        ("here 3 allot here swap - . here 7 , @ .", "3 7 "),
        ("( a comment ) 1 . \\ and another", "1 "),
        ("key x .", "120 "),
    ],
)
def test_forth_words(line: str, printed: str) -> None:
    assert forth(line) == f"{printed} ok\n"


def test_forth_arithmetic() -> None:
    rng = np.random.default_rng(3)
    lines, expected = [], []
    for _ in range(30):
        a, b = (int(v) for v in rng.integers(-32767, 32768, 2) >> rng.integers(0, 15, 2))
        b = b or 1
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        lines.append(f"{a} {b} + . {a} {b} - . {a} {b} * . {a} {b} / . {a} {b} mod .")
        expected.append([signed(a + b), signed(a - b), signed(a * b), quotient, a - b * quotient])
    got = [[int(v) for v in line.split()[:-1]] for line in forth(*lines).splitlines()]
    assert got == expected


def test_forth_errors_and_end() -> None:
    assert forth("1 2 nothing 3 .", ".s 4 .") == "nothing ?\n4  ok\n"
    assert forth(": broken 1 nothing ;", "5 . broken") == "nothing ?\n5 broken ?\n"
    assert forth("+ .", "1 .") == "stack underflow\n1  ok\n"
    assert forth("1 . bye", "2 .") == "1 "
    assert set(forth("words").split()) > {"dup", ":", "recurse", "/mod", "bye"}


def cli(*args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from ncpu.cli import main; main()", "muxleq", *args]
    return subprocess.run(command, capture_output=True, text=True, input=stdin, timeout=300)


def test_command(tmp_path: Path) -> None:
    done = cli(str(PROGRAMS / "forth.dec"), "--stats", stdin="1 2 + . cr bye\n")
    assert (done.returncode, done.stdout) == (0, "3 \n"), done.stderr
    assert "instructions" in done.stderr
    saved = tmp_path / "rot13.dec"
    assert cli(str(PROGRAMS / "rot13.mux"), "--save", str(saved)).returncode == 0
    assert saved.read_text() == (PROGRAMS / "rot13.dec").read_text()
    done = cli(str(PROGRAMS / "primes.mux"), "--max-steps", "1000")
    assert done.returncode == 124 and "out of steps at word 0x" in done.stderr


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.dec", b"1 2 three", "line 1: 'three'"),
        ("a.mux", b"frob", "line 1: frob"),
        ("b.dec", b"\xff\xfe", "is no text"),
        ("missing.dec", None, "cannot be read"),
    ],
)
def test_command_with_bad_files(
    tmp_path: Path, name: str, data: bytes | None, message: str
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    done = cli(str(tmp_path / name))
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(
    "NCPU_EFORTH" not in os.environ, reason="NCPU_EFORTH names no eForth image (.dec)"
)
def test_eforth_boots_and_evaluates() -> None:
    image = muxleq.parse(Path(os.environ["NCPU_EFORTH"]).read_text())
    stdin = b"1 2 + . cr bye\n"
    result = muxleq.run(muxleq.load(image), stdin)
    assert result.halted
    assert b"3" in result.output.split()
    same(result, reference(image, stdin))
