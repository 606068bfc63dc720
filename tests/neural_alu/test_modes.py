"""One machine, other arithmetic: the same states and output, because of the weights."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import corpus as guests
import ncpu
from ncpu import EXACT
from ncpu.cli.machine import select_alu
from ncpu.machine import asm, corpus, elf_file, memory, word
from ncpu.machine.alu import Alu
from ncpu.machine.linux.launch import Session
from ncpu.machine.loader import TEXT_BASE
from ncpu.machine.program import Program
from ncpu.machine.state import EXEC, PAGE, READ, WRITE, State, Status
from ncpu.neural_alu import alu as alus
from ncpu.neural_alu import checkpoint, ops
from ncpu.neural_alu.cells import CELLS, Cell, ProductCell
from ncpu.neural_alu.planes import Networks

CASES = corpus.cases(Path(__file__).parents[2] / "programs" / "corpus")
LIMIT = 3000  # instructions that any of them may take
MODES = ("neural", "tabulated", "soft")


@cache
def loaded(case: corpus.Case) -> tuple[Program, State]:
    return corpus.program(case)


@cache
def exact_end(case: corpus.Case) -> State:
    return end(case, EXACT)


def end(case: corpus.Case, alu: Alu) -> State:
    program, state = loaded(case)
    # `run` takes the buffers of its state.
    return ncpu.run(program, jax.tree.map(jnp.array, state), LIMIT, alu=alu)


def same(a: State, b: State) -> bool:
    return jax.tree.all(jax.tree.map(np.array_equal, a, b))


@pytest.fixture(scope="module", params=MODES)
def alu(request: pytest.FixtureRequest) -> Alu:
    """Each arithmetic by networks; the soft one at temperature 0."""
    return select_alu(request.param)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.name)
def test_ends_in_the_same_state(case: corpus.Case, alu: Alu) -> None:
    """Registers, vectors, flags, pc, memory, retired instructions, reason."""
    assert same(end(case, alu), exact_end(case))


# What is left of a program's surroundings: its output goes to an array, libc is three loops.
FREESTANDING = """
#include <stdint.h>
#include <stdio.h>
#include <string.h>
uint32_t digest[9];
static unsigned count;
#define printf(format, ...) (digest[count++ % 9] = (0, ##__VA_ARGS__))
#define main unused
#include SOURCE
void *memcpy(void *to, const void *from, size_t n) {
    for (size_t i = 0; i < n; i++) ((char *)to)[i] = ((const char *)from)[i];
    return to;
}
void *memmove(void *to, const void *from, size_t n) {
    while (n-- > 0) ((char *)to)[n] = ((const char *)from)[n];
    return to;
}
void *memset(void *to, int c, size_t n) {
    for (size_t i = 0; i < n; i++) ((char *)to)[i] = (char)c;
    return to;
}
void _start(void) {
    constants();
    sha256((const uint8_t *)"abc", 3);
    __builtin_trap();
}
"""


def test_sha256_compiled_from_c(alu: Alu, tmp_path: Path) -> None:
    """`programs/sha256.c` without a C library, in a lane of the corpus' shape."""
    if reason := guests.have_cross_gcc():
        pytest.skip(reason)
    source, binary, image = (tmp_path / name for name in ("sha256.c", "sha256", "image"))
    source.write_text(FREESTANDING)
    options = "-O2 -w -ffreestanding -nostdlib -static -fno-tree-loop-distribute-patterns"
    link = f"-Wl,-N,-Ttext={TEXT_BASE:#x},--build-id=none,--no-warn-rwx-segments"
    name = f'-DSOURCE="{guests.PROGRAMS / "sha256.c"}"'
    compiler = ["aarch64-linux-gnu-gcc", *options.split(), link, name]
    subprocess.run([*compiler, "-o", binary, source], check=True)
    subprocess.run(["aarch64-linux-gnu-objcopy", "-O", "binary", binary, image], check=True)
    symbols = {name: at for name, (at, _) in elf_file.symbols(binary.read_bytes(), 0).items()}
    text = image.read_bytes().ljust(PAGE, b"\0")  # and the zeroed variables after it
    assert len(text) == PAGE and symbols["digest"] + 36 <= TEXT_BASE + PAGE
    part = asm.Segment(".text", TEXT_BASE, text, READ | WRITE | EXEC)
    made = asm.Assembled(TEXT_BASE, (part,), symbols, {})
    template, blank = loaded(CASES[0])
    state = made.state(stack=corpus.MEMORY - len(text))
    decoded = made.program()
    rows = template.rows.at[: len(decoded.rows)].set(decoded.rows)
    assert (state.mem.shape, decoded.pages.shape) == (blank.mem.shape, template.pages.shape)
    done = ncpu.run(dataclasses.replace(decoded, rows=rows), state, alu=alu)
    assert Status(int(done.status)) == Status.BREAKPOINT
    digest = np.frombuffer(memory.read(done, symbols["digest"], 32), "<u4")
    assert digest.astype(">u4").tobytes() == hashlib.sha256(b"abc").digest()
    assert int(word.from_limbs(done.retired)) > 10_000


def output(binary: bytes | Path, argv: list[str], alu: Alu) -> tuple[bytes, int | None, int]:
    out = io.BytesIO()
    result = Session(binary, argv, stdout=out, alu=alu).run(300_000_000)
    return out.getvalue(), result.exit_code, result.retired


@pytest.mark.slow
def test_sha256_with_the_c_library(tmp_path: Path) -> None:
    """180,000 instructions as a Linux process."""
    if reason := guests.have_cross_gcc():
        pytest.skip(reason)
    binary = guests.build(guests.PROGRAMS / "sha256.c", tmp_path / "sha256")
    ours = output(binary, ["sha256"], select_alu("neural"))
    assert ours == output(binary, ["sha256"], EXACT)
    assert ours[0].splitlines()[1].decode() == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.slow
def test_busybox_echo() -> None:
    from ncpu.machine.debian import DebianError, fetch

    try:
        binary = (fetch("busybox-static") / "bin" / "busybox").read_bytes()
    except DebianError as error:
        pytest.skip(f"BusyBox cannot be fetched: {error}")
    argv = ["busybox", "echo", "hello", "world"]
    ours = output(binary, argv, select_alu("neural"))
    assert ours[:2] == (b"hello world\n", 0)
    assert ours == output(binary, argv, EXACT)


@pytest.fixture(scope="module")
def networks() -> Networks:
    return checkpoint.load()


def random_cell(name: str, seed: int = 0) -> Cell | ProductCell:
    """Weights as training starts with them."""
    key = jax.random.key(seed)
    if name == "product":
        return ProductCell(jax.random.randint(key, (1 << 16, 16), -127, 128, jnp.int8))
    spec = CELLS[name]
    cell = Cell(len(spec.inputs), spec.hidden, len(spec.outputs), rngs=nnx.Rngs(key))
    logits = jnp.stack(cell(*jnp.asarray(spec.domain().T)), -1)
    if np.array_equal(logits > 0, spec.truth() == 1):
        return random_cell(name, seed + 1)  # one in 16 of them is a cell of two bits
    return cell


# The instructions that BIC stands for complement by the cell "not".
USED = [*(name for name in CELLS if name != "bic"), "product"]


@pytest.mark.parametrize("name", USED)
def test_each_network_matters(name: str, networks: Networks) -> None:
    """With one network's weights random, programs of the corpus end differently."""
    altered = alus.tabulated({**networks, name: random_cell(name)})
    assert any(not same(end(case, altered), exact_end(case)) for case in CASES)


def test_the_bic_network_matters(networks: Networks) -> None:
    a, b = np.divmod(np.arange(1 << 16), 256)
    altered = {**networks, "bic": random_cell("bic")}
    for given, right in ((networks, True), (altered, False)):
        got = ops.compute("bic", a, b, width=8, networks=given)
        assert np.array_equal(got, a & ~b) == right


@pytest.mark.parametrize("make", [alus.neural, alus.tabulated])
def test_nothing_but_networks_computes(make: Callable[[Networks], Alu]) -> None:
    """With all networks' weights random every program of the corpus ends differently."""
    altered = make({name: random_cell(name) for name in (*CELLS, "product")})
    assert [case.path.name for case in CASES if same(end(case, altered), exact_end(case))] == []
    assert all(corpus.differences(case, end(case, EXACT)) == [] for case in CASES)
