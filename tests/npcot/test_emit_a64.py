"""A library as A64 assembly: every routine on our machine, the entry's checks, GNU's assembler."""

from __future__ import annotations

import shutil
import subprocess

import jax
import numpy as np
import pytest

from ncpu.machine import word
from ncpu.machine.asm import assemble
from ncpu.npcot.domain import Domain
from ncpu.npcot.emit_a64 import emit_a64
from ncpu.npcot.errors import LibraryFormatError
from ncpu.npcot.execute import execute
from ncpu.npcot.library import ProgramLibrary, empty_library, fingerprint, insert, remove
from ncpu.npcot.lower import X, call
from ncpu.npcot.program import SPACE_SIZE, ArrayProgram, all_programs
from ncpu.npcot.retrieval import Lookup, consult_fingerprint

DOMAIN = Domain(-1000, 70000, 12, 1, -5, 1000)
WIDTH = 12
PAGE = 1024
UNVERIFIED, REMOVED = (2, 7), 5
AS = shutil.which("aarch64-linux-gnu-as")


@pytest.fixture(scope="module")
def library() -> ProgramLibrary:
    """Programs from all over the space, one of them twice, some not verified, one removed."""
    rng = np.random.default_rng(4)
    space = all_programs(offset=3)
    chosen = [*rng.choice(SPACE_SIZE, 22, replace=False).tolist()]
    chosen.append(chosen[0])
    library = empty_library(24, 8, DOMAIN)
    for slot, i in enumerate(chosen):
        library, _ = insert(
            library, rng.normal(size=8), space[int(i)], verified=slot not in UNVERIFIED
        )
    return remove(library, REMOVED)


@pytest.fixture(scope="module")
def assembled(library):
    return assemble(emit_a64(library), base=X)


def call_with(assembled, entries, x, y, prints, arguments):
    """Run with four pages behind the text: x, y, fingerprint, value.

    `arguments` maps the addresses of these pages to those of the function.
    """
    code = assembled.words
    first = -(-len(code) // PAGE)
    memory = np.zeros((len(x), (first + 4) * PAGE), np.uint32)
    memory[:, : len(code)] = code
    for page, rows in enumerate((x.view(np.uint32), y.view(np.uint32), prints), first):
        memory[:, page * PAGE : page * PAGE + rows.shape[1]] = rows
    pages = [X + 4 * PAGE * page for page in range(first, first + 4)]
    done = call(assembled.program(), entries, arguments(*pages), memory, pages[0])
    values = np.asarray(done.mem).reshape(len(x), -1)[:, (first + 3) * PAGE]
    return word.from_limbs(done.regs)[:, 0].astype(np.uint32).view(np.int32), values.view(np.int32)


def arrays(count, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(DOMAIN.low, 1000, (count, WIDTH), np.int32)
    y = rng.integers(-5, 1001, (count, WIDTH), np.int32)
    x[::5, ::3] = DOMAIN.high
    return x, np.where(rng.random(y.shape) < 0.2, np.clip(x, -5, 1000), y).astype(np.int32)


def test_each_routine_equals_the_executor(library, assembled):
    slots = [s for s in range(22) if s not in (*UNVERIFIED, REMOVED)]
    lanes = np.repeat(slots, 6)
    x, y = arrays(len(lanes), 1)
    length = np.tile([0, 1, 2, 5, 11, 12], len(slots)).astype(np.int32)
    entries = [assembled.symbols[f"program_{slot}"] for slot in lanes]
    prints = np.zeros((len(lanes), 8), np.uint32)
    found, _ = call_with(assembled, entries, x, y, prints, lambda a, b, p, v: (a, b, length))
    want = jax.jit(jax.vmap(execute))(library.programs[lanes], x, length, y)
    np.testing.assert_array_equal(found, want)


def test_the_entry_answers_as_the_library(library, assembled):
    """Every fingerprint, unknown ones, and arrays at and past every end of the domain."""
    rng = np.random.default_rng(2)
    prints = np.asarray(library.fingerprints)[rng.integers(0, 23, 160)].copy()
    for i in range(8):  # differs in one word only
        prints[i, i] ^= 1
    prints[8] = fingerprint(ArrayProgram.of("max", offset=99))
    x, y = arrays(160, 3)
    length = rng.integers(1, WIDTH + 1, 160).astype(np.int32)
    length[20:26] = [0, -1, 13, -(2**31), 2**31 - 1, 12]
    for lane, (array, value) in enumerate(
        [(x, -1001), (x, -1000), (x, 70001), (x, 70000), (y, -6), (y, -5), (y, 1001), (y, 1000)]
    ):
        array[30 + lane, 0] = value
        array[40 + lane, int(length[40 + lane]) :] = 2**31 - 1  # past the end: not read
    answer = consult_fingerprint(library, prints, x, length, y)
    # The library answers `unverified` where the file has no such program.
    status = np.asarray(answer.status)
    status = np.where(status == Lookup.UNVERIFIED, Lookup.MISS, status)
    assert set(status) == {Lookup.HIT, Lookup.MISS, Lookup.OUT_OF_DOMAIN}
    entries = np.full(160, assembled.symbols["ncpu_run"])
    found, values = call_with(
        assembled, entries, x, y, prints, lambda a, b, p, v: (p, a, b, length, v)
    )
    np.testing.assert_array_equal(found, status)
    np.testing.assert_array_equal(values, answer.value)


def test_only_verified_programs_are_in_the_file(library, assembled):
    present = {int(n.removeprefix("program_")) for n in assembled.symbols if "program_" in n}
    assert present == set(range(22)) - {*UNVERIFIED, REMOVED}  # slot 22 is slot 0's program
    none = insert(empty_library(2, 8, DOMAIN), np.ones(8), ArrayProgram.of("sum"), verified=False)
    for empty in (none[0], empty_library(2, 8, DOMAIN)):
        with pytest.raises(LibraryFormatError, match="no verified program"):
            emit_a64(empty)


@pytest.mark.oracle
@pytest.mark.skipif(AS is None, reason="needs aarch64-linux-gnu-as")
def test_gnu_as_makes_the_same_bytes(library, assembled, tmp_path):
    assert AS is not None
    (tmp_path / "library.s").write_text(emit_a64(library))
    subprocess.run([AS, "library.s", "-o", "library.o"], cwd=tmp_path, check=True)
    copy = [AS.removesuffix("as") + "objcopy", "-O", "binary", "-j", ".text"]
    subprocess.run([*copy, "library.o", "library.bin"], cwd=tmp_path, check=True)
    assert (tmp_path / "library.bin").read_bytes() == assembled.text
