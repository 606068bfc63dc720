"""The assembler: round trips of every row, GNU as, directives and messages."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from ncpu.machine import memory
from ncpu.machine.asm import Assembled, assemble
from ncpu.machine.asm_source import statements
from ncpu.machine.decode import decode_table
from ncpu.machine.disasm import disassemble, disassemble_many
from ncpu.machine.errors import AssemblyError
from ncpu.machine.expression import evaluate
from ncpu.machine.isa import TABLE
from ncpu.machine.isa import lowering as lo
from ncpu.machine.isa.forms import row_forms
from ncpu.machine.isa.immediates import decode_bitmask, encode_bitmask
from ncpu.machine.isa.syntax import OperandError
from ncpu.machine.state import EXEC, READ, WRITE

PROGRAMS = sorted((Path(__file__).parents[2] / "programs" / "asm").glob("*.s"))
BASE = 0x2_0000_0000
TOOLS = all(shutil.which(f"aarch64-linux-gnu-{tool}") for tool in ("as", "ld", "objcopy"))
needs_gnu = pytest.mark.skipif(not TOOLS, reason="GNU binutils for aarch64 are not installed")


def words_of(source: str, base: int = 0) -> list[int]:
    return assemble(source, base).words.tolist()


def gnu(
    source: str, folder: Path, segments: dict[str, int], symbols: dict[str, int] | None = None
) -> dict[str, bytes]:
    """The sections that GNU as and ld make of a source, at the given addresses."""
    (folder / "in.s").write_text(source)
    script = "".join(f"{n} {a:#x} : {{ *({n}) }}\n" for n, a in segments.items())
    values = "".join(f"{name} = {value:#x};\n" for name, value in (symbols or {}).items())
    (folder / "in.ld").write_text(f"{values} SECTIONS {{ {script} }}")

    def call(tool: str, *arguments: str) -> None:
        command = [f"aarch64-linux-gnu-{tool}", *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        errors = [line for line in done.stderr.splitlines() if "Warning" not in line]
        assert done.returncode == 0, "\n".join(errors[:30])

    call("as", "-march=armv9-a+profile+fp16+crypto", "in.s", "-o", "in.o")
    call("ld", "-T", "in.ld", "in.o", "-o", "in")
    out = {}
    for name in segments:
        call("objcopy", "-O", "binary", "-j", name, "in", "out.bin")
        out[name] = (folder / "out.bin").read_bytes()
    return out


# -- every row --------------------------------------------------------------------------


def sample(each: int, seed: int) -> np.ndarray:
    """Allocated words of every row that has syntax: `each` random field values thrice."""
    rng = np.random.default_rng(seed)
    out = []
    for row, form in zip(TABLE, row_forms(), strict=True):
        if form is None:
            continue
        a, b, c = rng.integers(0, 1 << 32, (3, each), dtype=np.uint32)
        words = np.concatenate([(a, a & b & c, a | b | c)])
        words = (words.reshape(-1) & ~np.uint32(row.mask)) | np.uint32(row.match)
        out.append(words[row.matches(words)])
    return np.concatenate(out)


def same_instruction(one: list[int], other: list[int]) -> np.ndarray:
    """Which words decode alike: fields that an instruction ignores may differ."""
    tables = [decode_table(np.array(words, np.uint32)) for words in (one, other)]
    ignored = ("word", "next", "ra")  # ra: (1)(1)(1)(1)(1) in SMULH and UMULH
    same = [
        tables[0][f][: len(one)] == tables[1][f][: len(one)] for f in tables[0] if f not in ignored
    ]
    return np.all(same, axis=0)


def test_round_trip_of_every_row() -> None:
    words = sample(16, 1)
    texts = disassemble_many(words, BASE)
    made = assemble("\n".join(texts), BASE).words
    assert disassemble_many(made, BASE) == texts
    differ = np.flatnonzero(made != words)
    assert same_instruction(made[differ].tolist(), words[differ].tolist()).all()
    # Only hidden fields, rotations beyond the element size and unused index bits may differ.
    mnemonics = {texts[k].split()[0] for k in differ}
    allowed = {"smulh", "umulh", "and", "ands", "orr", "eor", "tst", "mov", "dup", "fcmp", "fcmpe"}
    exclusive = re.compile("(ld|st)(a?x|la|a|l|lx|ll)[rp][bh]?")
    assert not [m for m in mnemonics if m not in allowed and not exclusive.fullmatch(m)]
    assert len(words) >= 20_000


@needs_gnu
def test_gnu_as_agrees(tmp_path: Path) -> None:
    """Our text means the same to GNU as, whatever it is."""
    words = sample(4, 2)
    texts = disassemble_many(words, BASE)
    ours = assemble("\n".join(texts), BASE)
    # To GNU as an address is a symbol (a number is an offset): let the linker give its value.
    targets: dict[str, int] = {}
    plain = []
    for k, text in enumerate(texts):
        match = re.search(r"#(0x\w+)$", text)
        if (
            match
            and re.match(r"(adrp?|bl?|b\.\w+|cbn?z|tbn?z|prfm|ldr\w*) ", text)
            and "[" not in text
        ):
            targets[f"target_{k}"] = int(match[1], 0)
            text = f"{text[: match.start()]}target_{k}"
        plain.append(text)
    theirs = gnu("\n".join(plain) + "\n", tmp_path, {".text": BASE}, targets)[".text"]
    other = np.frombuffer(theirs, "<u4")
    wrong = np.flatnonzero(ours.words != other)
    assert not len(wrong), [(texts[k], hex(ours.words[k]), hex(other[k])) for k in wrong[:20]]


@needs_gnu
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_programs_as_gnu_makes_them(path: Path, tmp_path: Path) -> None:
    source = path.read_text()
    made = assemble(source, 0x10000)
    held = [s for s in made.segments if s.name != ".bss"]
    theirs = gnu(source, tmp_path, {s.name: s.address for s in made.segments})
    for segment in held:
        assert segment.data == theirs[segment.name], segment.name


# -- spellings --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("MOV X0, #1", "mov x0, #1"),
        ("mov x0,1", "mov x0, #1"),
        ("mov w0, #-1", "mov w0, #-1"),
        ("mov x0, #0xffff0000ffff0000", "mov x0, #-0xffff00010000"),
        ("mov x0, xzr", "mov x0, xzr"),
        ("mov fp, sp", "mov x29, sp"),
        ("add x0, x1, #-5", "sub x0, x1, #5"),
        ("cmp x0, #-1", "cmn x0, #1"),
        ("add x0, x1, #0x3000", "add x0, x1, #3, lsl #12"),
        ("add sp, sp, x1", "add sp, sp, x1"),
        ("add x0, x1, w2, sxtw #2", "add x0, x1, w2, sxtw #2"),
        ("bic x0, x1, #1", "and x0, x1, #0xfffffffffffffffe"),
        ("ldr x0, [x1, #-8]", "ldur x0, [x1, #-8]"),
        ("ldr x0, [x1, #7]", "ldur x0, [x1, #7]"),
        ("ldr x0, [x1,x2,lsl#3]", "ldr x0, [x1, x2, lsl #3]"),
        ("lsl x0, x1, #0", "lsr x0, x1, #0"),
        ("lsl w0, w1, #31", "lsl w0, w1, #0x1f"),
        ("ubfx w0, w1, #3, #29", "lsr w0, w1, #3"),
        ("beq .", "b.eq #0x0"),
        ("b.cs .+8", "b.hs #0x8"),
        ("ret x30", "ret"),
        ("isb sy", "isb"),
        ("dmb ish", "dmb ish"),
        ("hint #0", "nop"),
        ("cset x0, ne", "cset x0, ne"),
        ("stadd w1, [x2]", "stadd w1, [x2]"),
        ("movz x0, #:abs_g1:0x12345678", "mov x0, #0x12340000"),
    ],
)
def test_spellings(source: str, text: str) -> None:
    assert disassemble(words_of(source)[0]) == text


def test_bitmask_immediates_both_ways() -> None:
    """All 5,334 and 1,302 of them, against the decoder's own expansion."""
    for bits, count in ((64, 5334), (32, 1302)):
        n, immr, imms = np.meshgrid(*(np.arange(k, dtype=np.uint64) for k in (2, 64, 64)))
        if bits == 32:
            n = np.zeros_like(n)
        values, allocated = lo.bitmask_immediate(n, immr, imms)
        values = values & np.uint64((1 << bits) - 1)
        seen = set()
        for value in np.unique(values[allocated.astype(bool)]).tolist():
            code = encode_bitmask(value, bits)
            assert code is not None and decode_bitmask(*code, bits) == value
            seen.add(code)
        assert len(seen) == count
    assert encode_bitmask(0, 64) is None and encode_bitmask((1 << 32) - 1, 32) is None
    assert encode_bitmask(5, 64) is None


# -- directives and symbols -------------------------------------------------------------


def test_sections_symbols_and_data() -> None:
    made = assemble(
        """
        .equ size, end - start          // forward
_start: adrp x0, start
        add  x0, x0, :lo12:start
        mov  x1, #size
        .data
start:  .byte 1, 'a', -1
        .balign 4
        .hword 0x1234
        .word _start, size
        .quad end
        .asciz "a\\n\\x41\\101;//"
end:    .bss
room:   .space 100
        """,
        base=0x400000,
    )
    text, data, bss = made.segments
    assert (text.perm, data.perm, bss.perm) == (READ | EXEC, READ | WRITE, READ | WRITE)
    assert data.address == 0x401000 and bss.address == 0x402000 and len(bss.data) == 100
    start, end = made.symbols["start"], made.symbols["end"]
    assert start == 0x401000 and end == start + len(data.data)
    assert data.data[:4] == b"\x01a\xff\0"
    assert data.data[6:14] == (0x400000).to_bytes(4, "little") + (end - start).to_bytes(4, "little")
    assert data.data[14:22] == end.to_bytes(8, "little")
    assert data.data[22:] == b"a\nAA;//\0"
    assert disassemble_many(made.words, made.base)[0] == "adrp x0, #0x401000"
    assert made.lines[0x400000] == 3 and made.entry == 0x400000


def test_literal_pools() -> None:
    made = assemble(
        "ldr x0, =0x123456789\nldr w1, =-1\nldr x2, =0x123456789\nb .\n.ltorg\nnop\nldr x3, =5"
    )
    assert disassemble_many(made.words) == [
        "ldr x0, #0x18",
        "ldr w1, #0x10",
        "ldr x2, #0x18",
        "b #0xc",
        ".inst 0xffffffff",
        ".inst 0x00000000",
        ".inst 0x23456789",
        ".inst 0x00000001",
        "nop",
        "ldr x3, #0x28",
        ".inst 0x00000005",
        ".inst 0x00000000",
    ]


def test_numeric_labels_comments_separators() -> None:
    source = "# comment\n; comment\n1: nop; b 1b /* two\nlines */\n b 1f // 1:\n1: b 1b\n"
    assert disassemble_many(assemble(source).words) == ["nop", "b #0x0", "b #0xc", "b #0xc"]
    assert [s.line for s in statements("a:\n\n b a")] == [1, 3]


def test_alignment_pads_text_with_nops() -> None:
    made = assemble(".byte 1\n.balign 16\nnop\n.p2align 3\nret")
    assert made.text[:4] == b"\x01\0\0\0"
    assert disassemble_many(made.words)[1:] == ["nop"] * 5 + ["ret"]


def test_state_holds_the_program() -> None:
    made = assemble("adr x0, here\nhere: ldr x1, [x0]\n.data\n.quad 7", base=0x10000)
    state = made.state()
    assert memory.read(state, 0x10000, 8) == made.text
    assert memory.read(state, 0x11000, 8) == (7).to_bytes(8, "little")
    assert memory.permissions(state, 0x10000, 4) == READ | EXEC
    assert isinstance(made, Assembled) and made.program().rows.shape[1] == 8


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("1 << 4 | 1", 17),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("~0 & 0xff", 255),
        ("0b101 + 010", 13),
        ("a - 1", 41),
        ("!0", 1),
        (":lo12:0x12345", 0x345),
    ],
)
def test_expressions(text: str, value: int) -> None:
    assert evaluate(text, {"a": 42}.__getitem__) == value


# -- messages ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("\naddd x0, x1, x2", ("line 2", "addd x0, x1, x2", "unknown instruction 'addd'", "add")),
        (
            "add x0, x1, #5000",
            ("imm12 is 0 to 4095", "accepted", "add Rd|SP, Rn|SP, #imm12{, lsl #12}"),
        ),
        ("ldr x0, [x1, #3", ("does not take", "ldr Xt, [Xn|SP{, #imm12}]")),
        ("b nowhere", ("'nowhere' is not defined",)),
        ("and x0, x1, #5", ("not a logical immediate",)),
        ("add x0, w1, w2", ("does not go with the other operands",)),
        ("ldp x0, x1, [x2, #4]", ("multiple of 8",)),
        ("tbz w0, #32, .", ("does not go with",)),
        ("b .+2", ("no multiple of 4",)),
        ("cbz x0, . + 0x200000", ("distance to the target is -1048576 to 1048572",)),
        ("cbz x0, 3f", ("no label 3: below",)),
        ("a: nop\na: nop", ("line 2", "a is already defined")),
        (".word 1 << 40", ("does not fit in 32 bits",)),
        (".frob 1", ("unknown directive .frob", ".balign")),
        (".balign 3", ("power of two",)),
        (".ascii hello", ("double quotes",)),
        ('.ascii "hello', ("line 1", "string is not closed")),
        ("nop\n/* open", ("line 2", "not closed")),
        (".word 1 +", ("ends where a value is missing",)),
        (".word 1 / 0", ("division by zero",)),
        (".byte 1\nnop", ("multiple of 4",)),
        ("nop\nldr x0, =nothing", ("line 2: ldr x0, =nothing", "'nothing' is not defined")),
        (".word 09", ("no octal number",)),
        (".double one", ("no floating-point number",)),
        (".space 1 << 40", ("the size is 0 to",)),
        (".float 1, 2\n.fill 2, 9, 1", ("line 2", "the size is 0 to 8")),
        ("lsl x0, x1, #64", ("the shift is 0 to 63",)),
        ("mov x0, #0x12345", ("not one MOV",)),
    ],
)
def test_messages(source: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble(source)
    for part in parts:
        assert part in str(caught.value)


def test_garbage_is_an_assembly_error() -> None:
    """Whatever is wrong with a line, it is reported as such."""
    rng = np.random.default_rng(4)
    lines = [
        *disassemble_many(sample(1, 5)),
        '.asciz "a"',
        ".balign 8",
        "ldr x0, =a+1",
        ".set x, 1",
    ]
    letters = list("x019wvsd.#,[]{}!l +-*/()'\"=:;\\")
    for _ in range(1500):
        text = list(lines[rng.integers(len(lines))])
        for _ in range(3):
            at = int(rng.integers(len(text) + 1))
            text[at : at + int(rng.integers(2))] = letters[rng.integers(len(letters))]
        with contextlib.suppress(AssemblyError):
            assemble("".join(text))


def test_malformed_expressions() -> None:
    for text in ("", "1 2", "(1", "1 + * 2", "@"):
        with pytest.raises(OperandError):
            evaluate(text, {}.__getitem__)
