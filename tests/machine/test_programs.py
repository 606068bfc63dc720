"""Compiled C programs give the output and exit status they give under qemu-user."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import corpus
from ncpu.machine.linux.launch import Session

LIMIT = 200_000_000


def check(program: corpus.Program, binary: Path) -> None:
    out, err = io.BytesIO(), io.BytesIO()
    session = Session(
        binary,
        [program.name, *program.args],
        env=dict(program.env),
        stdin=io.BytesIO(program.stdin),
        stdout=out,
        stderr=err,
    )
    result = session.run(LIMIT)
    expected = corpus.run_qemu(program, binary)
    assert (out.getvalue(), err.getvalue(), result.exit_code) == expected, session.where()


def build(
    program: corpus.Program,
    folder: Path,
    compiler: str = "gcc",
    opt: str = "-O2",
    libc: str = "glibc",
) -> Path:
    reasons = [corpus.have_cross_gcc(), corpus.have_qemu()]
    reasons += [corpus.have_clang()] if compiler == "clang" else []
    reasons += [corpus.have_musl()] if libc == "musl" else []
    for reason in reasons:
        if reason:
            pytest.skip(reason)
    return corpus.build(
        program.source, folder / program.name, compiler=compiler, opt=opt, libc=libc
    )


ALL = [*corpus.corpus(), *corpus.benchmarks()]


@pytest.mark.parametrize("program", ALL, ids=lambda p: p.name)
def test_gcc_o2_glibc(program: corpus.Program, tmp_path: Path) -> None:
    check(program, build(program, tmp_path))


# Other compilers, levels and libraries: each program meets one of them in the default run.
VARIANTS = [
    ("gcc", "-O0", "glibc"),
    ("gcc", "-O3", "glibc"),
    ("clang", "-O2", "glibc"),
    ("clang", "-O3", "musl"),
    ("gcc", "-O2", "musl"),
    ("gcc", "-O0", "musl"),
]


@pytest.mark.parametrize("index", range(len(ALL)), ids=[p.name for p in ALL])
def test_one_other_variant(index: int, tmp_path: Path) -> None:
    check(ALL[index], build(ALL[index], tmp_path, *VARIANTS[index % len(VARIANTS)]))


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS, ids="-".join)
@pytest.mark.parametrize("program", ALL, ids=lambda p: p.name)
def test_every_variant(
    program: corpus.Program, variant: tuple[str, str, str], tmp_path: Path
) -> None:
    check(program, build(program, tmp_path, *variant))


@pytest.mark.parametrize("program", corpus.assembly(), ids=lambda p: p.name)
def test_our_assembler(program: corpus.Program, tmp_path: Path) -> None:
    """The same source through GNU as under qemu and through our assembler here."""
    from ncpu.machine.loader import executable

    theirs = build(program, tmp_path)
    ours = tmp_path / "ours"
    ours.write_bytes(executable(program.source))
    out = io.BytesIO()
    session = Session(
        ours, [program.name, *program.args], stdin=io.BytesIO(program.stdin), stdout=out
    )
    result = session.run(LIMIT)
    expected = corpus.run_qemu(program, theirs)
    assert (out.getvalue(), result.exit_code) == (expected[0], expected[2])
