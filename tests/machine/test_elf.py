"""Loading executables: what a good one becomes, and what is said of bad ones."""

from __future__ import annotations

import contextlib
import random
import shutil
import struct
import subprocess
from typing import Any

import numpy as np
import pytest

from ncpu.machine import elf, memory, word
from ncpu.machine.errors import ElfError
from ncpu.machine.state import EXEC, PAGE, READ, WRITE

R, W, X = 4, 2, 1
SMALL: Any = {"memory": 1 << 20, "stack": 1 << 16}
CODE = struct.pack("<II", 0xD2800000, 0xD4000001)

TWO = ((0x400000, CODE, len(CODE), R | X), (0x410000, b"data", 0x2345, R | W))


def executable(
    segments: tuple[tuple[int, bytes, int, int], ...] = TWO,
    *,
    entry: int | None = None,
    kind: int = 2,
    extra: tuple[bytes, ...] = (),
    phnum: int | None = None,
) -> bytes:
    """An ELF file: segments as (address, content, size in memory, flags)."""
    count = len(segments) + len(extra)
    entry = segments[0][0] if entry is None and segments else entry or 0
    header = b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", kind, 183, 1, entry, 64, 0, 0, 64, 56, phnum or count, 0, 0, 0
    )
    rows, body = b"", b""
    start = -(-(64 + 56 * count) // PAGE) * PAGE
    for address, content, size, flags in segments:
        body = body.ljust(-(-len(body) // PAGE) * PAGE, b"\0")
        body += bytes(address % PAGE)
        offset = start + len(body)
        rows += struct.pack(
            "<IIQQQQQQ", 1, flags, offset, address, address, len(content), size, PAGE
        )
        body += content
    return (header + rows + b"".join(extra)).ljust(start, b"\0") + body


def interpreter(offset: int = 1, size: int = 7) -> bytes:
    """A PT_INTERP header; by default its path is bytes 1 to 7 of the file, which end in a NUL."""
    return struct.pack("<IIQQQQQQ", 3, R, offset, 0, 0, size, size, 1)


def words(image: elf.Image, address: int, count: int) -> list[int]:
    return list(struct.unpack(f"<{count}Q", memory.read(image.state, address, 8 * count)))


def test_segments_heap_and_permissions() -> None:
    image = elf.load(executable(), ["prog"], **SMALL)
    base = int(word.from_limbs(image.state.base))
    assert image.entry == int(word.from_limbs(image.state.pc)) == 0x400000
    assert image.brk == 0x413000
    assert memory.read(image.state, 0x400000, 8) == CODE
    assert memory.read(image.state, 0x410000, 6) == b"data\0\0"
    assert memory.permissions(image.state, 0x400000, 8) == READ | EXEC
    assert memory.permissions(image.state, 0x410000, 0x2345) == READ | WRITE
    assert memory.permissions(image.state, 0x413000, 1) == 0
    assert memory.permissions(image.state, base, 1) == 0
    assert memory.permissions(image.state, image.mmap_top, 1) == 0  # guard below the stack
    assert memory.permissions(image.state, image.stack[0], 1 << 16) == READ | WRITE
    assert image.mmap_top == image.stack[0] - PAGE
    assert (0x400000, CODE) in image.text
    assert image.trampoline in [address for address, _ in image.text]
    assert image.symbols == {}


def test_initial_stack() -> None:
    image = elf.load(
        executable(), [b"prog", "arg \xe4"], {"A": "1", b"B": b"2"}, seed=7, execfn="/x", **SMALL
    )
    sp = int(image.state.sp)
    assert sp % 16 == 0 and image.stack[0] < sp < image.stack[1]
    argc, first, second, null, a, b, end = words(image, sp, 7)
    assert (argc, null, end) == (2, 0, 0)
    texts = [memory.read_cstring(image.state, p) for p in (first, second, a, b)]
    assert texts == [b"prog", "arg \xe4".encode(), b"A=1", b"B=2"]
    auxv, at = {}, sp + 56
    while (pair := words(image, at, 2))[0]:
        auxv[pair[0]] = pair[1]
        at += 16
    assert {k: auxv[k] for k in (3, 4, 5, 6, 7, 8, 9, 16, 23, 26)} == {
        **{3: 0, 4: 56, 5: 2, 6: 4096, 7: 0, 8: 0},
        **{9: 0x400000, 16: 3, 23: 0, 26: 0},
    }
    assert memory.read_cstring(image.state, auxv[31]) == b"/x"
    assert memory.read_cstring(image.state, auxv[15]) == b"aarch64"
    assert memory.read(image.state, auxv[25], 16) == random.Random(7).randbytes(16)
    assert set(auxv) >= {11, 12, 13, 14, 17}


def test_static_pie_goes_high_and_keeps_alignment() -> None:
    image = elf.load(executable(((0, CODE, 8, R | X),), kind=3), **SMALL)
    assert image.bias == image.entry == elf.PIE_BASE
    assert memory.read(image.state, image.entry, 8) == CODE


def test_no_arguments_still_names_the_program() -> None:
    image = elf.load(executable(), **SMALL)
    assert words(image, int(image.state.sp), 1) == [1]


def segment(address: int, content: bytes, size: int, flags: int = R | W):
    return ((0x400000, CODE, 8, R | X), (address, content, size, flags))


GOOD = executable()
BAD = {
    "not an ELF": (b"#!/bin/sh\n", "not an ELF"),
    "empty": (b"", "not an ELF"),
    "short header": (GOOD[:40], "truncated"),
    "32-bit": (GOOD[:4] + b"\1" + GOOD[5:], "class 1"),
    "big-endian": (GOOD[:5] + b"\2" + GOOD[6:], "little-endian"),
    "other machine": (GOOD[:18] + b"\x3e\0" + GOOD[20:], "machine 62"),
    "object file": (GOOD[:16] + b"\1\0" + GOOD[18:], "relocatable"),
    "core file": (GOOD[:16] + b"\4\0" + GOOD[18:], "core"),
    "headers cut off": (GOOD[:100], "program headers end"),
    "segment cut off": (GOOD[:-2], "file part ends"),
    "headers far away": (GOOD[:32] + b"\xff" * 8 + GOOD[40:], "program headers end"),
    "many headers": (executable(phnum=0xFFFF), "program headers end"),
    "dynamic": (executable(extra=(interpreter(),)), "no file system to find it in"),
    "linker unnamed": (executable(extra=(interpreter(0, 0),)), "PT_INTERP"),
    "linker's name without end": (executable(extra=(interpreter(1, 3),)), "PT_INTERP"),
    "linker's name outside": (executable(extra=(interpreter(1 << 40, 9),)), "PT_INTERP"),
    "linker's name long": (executable(extra=(interpreter(0, 5000),)), "PT_INTERP"),
    "filesz above memsz": (executable(segment(0x410000, b"12345678", 4)), "p_filesz"),
    "overlap": (executable(segment(0x400004, b"x", 9)), "overlap"),
    "huge": (executable(segment(0x410000, b"x", 1 << 63)), "beyond"),
    "wraps": (executable(segment((1 << 64) - PAGE, b"x", 2 * PAGE)), "beyond"),
    "does not fit": (executable(segment(0x410000, b"x", 1 << 20)), "more memory"),
    "far apart": (executable(segment(0x40000000, b"x", 1)), "more memory"),
    "entry in data": (executable(entry=0x410000), "entry"),
    "entry nowhere": (executable(entry=0x12340000), "entry"),
    "entry unaligned": (executable(entry=0x400002), "multiple of 4"),
    "no segment": (executable(()), "program headers"),
    "only notes": (executable((), extra=(struct.pack("<IIQQQQQQ", 4, *[0] * 7),)), "PT_LOAD"),
    "too low": (executable(((0, CODE, 8, R | X),)), "0x10000"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_named(name: str) -> None:
    data, message = BAD[name]
    with pytest.raises(ElfError, match=message):
        elf.load(data, ["x"], **SMALL)


def test_bad_arguments(tmp_path) -> None:
    with pytest.raises(ElfError, match="stack"):
        elf.load(GOOD, ["x" * 1000] * 100, **SMALL)
    with pytest.raises(ElfError, match="at most"):
        elf.load(GOOD, ["x" * (1 << 18)])
    with pytest.raises(ElfError, match="NUL"):
        elf.load(GOOD, ["a\0b"], **SMALL)
    with pytest.raises(ElfError, match="multiples"):
        elf.load(GOOD, memory=12345)
    with pytest.raises(ElfError, match="cannot read"):
        elf.load(tmp_path / "missing")
    with pytest.raises(ElfError, match="cannot read"):
        elf.load(tmp_path)


def test_mutated_files_raise_only_elf_errors() -> None:
    rng = random.Random(1)
    special = (0, 1, 0x7F, 0xFF, 0x80, 0x40)
    loaded = 0
    for _ in range(10_000):
        data = bytearray(GOOD)
        for _ in range(rng.randint(1, 4)):
            where = rng.randrange(64 + 56 * 2)
            if rng.random() < 0.3:
                where &= ~7
                data[where : where + 8] = rng.getrandbits(64).to_bytes(8, "little")
            else:
                data[where] = rng.choice(special) if rng.random() < 0.5 else rng.randrange(256)
        if rng.random() < 0.1:
            del data[rng.randrange(len(data)) :]
        try:
            # Loading is a header check and then copying; only the check sees the mutation.
            header = elf.elf_file.parse(bytes(data))
            if rng.random() < 0.2:
                elf.load(bytes(data), memory=1 << 18, stack=1 << 14)
            elf.elf_file.symbols(bytes(data), 0)
            loaded += len(header.segments) > 0
        except ElfError:
            pass
    assert loaded > 100


@pytest.fixture(scope="module")
def hello(tmp_path_factory) -> bytes:
    gcc = shutil.which("aarch64-linux-gnu-gcc")
    if gcc is None:
        pytest.skip("aarch64-linux-gnu-gcc is not installed")
    folder = tmp_path_factory.mktemp("hello")
    (folder / "a.c").write_text("int main(void) { return 3; }\n")
    subprocess.run([gcc, "-static", "-o", folder / "a", folder / "a.c"], check=True)
    return (folder / "a").read_bytes()


def test_compiled_program(hello: bytes) -> None:
    image = elf.load(hello, ["a"], memory=4 << 20, stack=1 << 20)
    address, size = image.symbols["main"]
    assert size > 0 and memory.permissions(image.state, address, size) == READ | EXEC
    assert image.symbols["_start"][0] == image.entry


def test_mutated_symbol_tables_raise_only_elf_errors(hello: bytes) -> None:
    rng = random.Random(2)
    (shoff,) = struct.unpack_from("<Q", hello, 40)
    for _ in range(30):
        data = bytearray(hello)
        for _ in range(3):
            at = rng.randrange(shoff, len(data)) if rng.random() < 0.8 else rng.randrange(40, 64)
            data[at] = rng.randrange(256)
        with contextlib.suppress(ElfError):
            elf.elf_file.symbols(bytes(data), 0)


LINKER = executable(((0, CODE, 8, R | X), (0x3000, b"data", 0x1800, R | W)), entry=4, kind=3)


@pytest.mark.parametrize("kind", [2, 3])
def test_interpreter_is_loaded_as_the_kernel_does(kind: int) -> None:
    segments = TWO if kind == 2 else ((0, CODE, 8, R | X),)
    asked: list[bytes] = []

    def read(path: bytes) -> bytes:
        asked.append(path)
        return LINKER

    image = elf.load(
        executable(segments, kind=kind, extra=(interpreter(),)), **SMALL, interpreter=read
    )
    assert asked == [b"ELF\2\1\1"]
    base = image.interpreter
    # At the top of what is free, page-aligned, apart from the program.
    assert base % PAGE == 0 and base + 0x4800 <= image.mmap_top < base + 0x4800 + PAGE
    assert image.entry == int(word.from_limbs(image.state.pc)) == base + 4
    argc, _, *vector = words(image, int(image.state.sp), 44)
    auxv = dict(zip(vector[2::2], vector[3::2], strict=True))
    assert (argc, auxv[7], auxv[9]) == (1, base, segments[0][0] + image.bias)
    assert memory.read(image.state, base + 0x3000, 6) == b"data\0\0"
    assert memory.permissions(image.state, base + 0x3000, 0x1800) == READ | WRITE
    assert memory.permissions(image.state, base + 0x1000, 1) == 0
    assert [a for a, _ in image.text][1:] == [segments[0][0] + image.bias, base]


def test_interpreters_that_cannot_be(tmp_path) -> None:
    program = executable(extra=(interpreter(),))
    for data, message in (
        (b"#!/bin/sh", "interpreter .*not an ELF"),
        (executable(((0, CODE, 1 << 20, R | X),), kind=3), "more memory"),
        (executable(((0x800000, CODE, 8, R | X),)), "more memory"),
        (executable(((0x400000, CODE, 8, R | X),)), "more memory"),
    ):
        with pytest.raises(ElfError, match=message):
            elf.load(program, **SMALL, interpreter=lambda _, data=data: data)


def test_memory_is_a_device_array_of_its_own() -> None:
    image = elf.load(executable(), **SMALL)
    assert image.state.mem.shape == (1 << 17, 2) and image.state.mem.dtype == np.uint32
    assert image.state.perm.shape == (256,)
