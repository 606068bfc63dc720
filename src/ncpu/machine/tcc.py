"""Debian's tcc on the machine: a C compiler that compiles itself there.

The compiler builds its own source, what comes out builds the same source again, and the two
programs are the same, byte for byte: a compiler's fixed point, and as sharp a test of the machine
as a hundred million instructions can be.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ncpu.machine import debian, debian_source
from ncpu.machine.errors import NcpuError
from ncpu.machine.linux.launch import Session

PACKAGES = ("tcc", "libc6-dev")
MEMORY = 128 << 20
PIECE = 2_000_000  # instructions between two reports
# What `configure` would say for a compiler that lives where Debian's does.
_CONFIG = """\
#define TCC_VERSION "0.9.27"
#define CONFIG_TCCDIR "/usr/lib/aarch64-linux-gnu/tcc"
#define CONFIG_TRIPLET "aarch64-linux-gnu"
"""
_SELF = ("-I.", "-DTCC_TARGET_ARM64", "-DONE_SOURCE=1", "tcc.c", "-ldl", "-lm", "-lpthread")


class CompilerError(NcpuError, RuntimeError):
    """A compiler on the machine failed; says what it printed."""


@dataclass(frozen=True)
class Pass:
    """One compilation.

    Attributes:
      program: what came out.
      instructions: what it took.
    """

    program: bytes
    instructions: int


def root() -> Path:
    """A root file system with tcc and the C library's headers, kept in the cache.

    Raises:
      DebianError: the packages could not be had.
    """
    path = debian.cache_folder().parent / "roots" / "tcc"
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        debian.build_root(PACKAGES, path)
    return path


@contextmanager
def own_source() -> Iterator[Path]:
    """A folder with tcc's source, ready to be compiled, that may be written to.

    Raises:
      DebianError: it could not be had.
    """
    with TemporaryDirectory() as work:
        folder = Path(work) / "tcc"
        shutil.copytree(debian_source.fetch_source("tcc"), folder)
        (folder / "config.h").write_text(_CONFIG)
        yield folder


def run(
    command: str,
    args: list[str],
    folder: Path,
    report: Callable[[int], Any] = lambda done: None,
    *,
    stdout: Any = None,
    stderr: Any = None,
) -> tuple[int | None, int]:
    """Run a program in tcc's root, with `folder` as /src and its working directory.

    Args:
      command: its path there.
      args: its arguments, without its name.
      folder: a folder of the host.
      report: told the instructions done so far, now and then.
      stdout, stderr: host byte streams.

    Returns:
      Its exit code and the instructions it took.
    """
    session = Session(
        *(command, [command, *args], {"PATH": "/usr/bin"}),
        root=root(),
        mounts=[(folder, "/src", True)],
        cwd="/src",
        memory_size=MEMORY,
        stdout=stdout,
        stderr=stderr,
    )
    done = 0
    while True:
        result = session.run(PIECE)
        done += result.retired
        report(done)
        if result.exit_code is not None:
            return result.exit_code, done


def compile_self(
    compiler: str, name: str, folder: Path, report: Callable[[int], Any] = lambda done: None
) -> Pass:
    """Let a tcc compile its own source in `folder` to a program there.

    Args:
      compiler: its path on the machine; /usr/bin/tcc or what an earlier pass made, in /src.
      name: of the program.
      folder: as `own_source` gives it.
      report: as for `run`.

    Raises:
      CompilerError: it did not compile.
    """
    errors = io.BytesIO()
    code, done = run(compiler, [*_SELF, "-o", name], folder, report, stderr=errors)
    if code != 0:
        said = errors.getvalue().decode(errors="replace").strip()
        raise CompilerError(f"{compiler} compiling itself ended with {code}: {said[:500]}")
    return Pass((folder / name).read_bytes(), done)
