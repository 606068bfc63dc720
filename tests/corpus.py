"""The guest-program corpus: parse its headers, build it for AArch64, run it under qemu-user.

A program's header is the run of `//` lines at its top. The first says what it shows; the others
are optional `// key: value` lines:

    // cflags: -O1 -fno-builtin     added after the common flags
    // libs: -lm                    added when linking
    // args: one 'two words'        argv[1:], split like a shell does
    // stdin: text\\n                standard input, with Python's backslash escapes
    // env: NAME=value OTHER=x      the guest's whole environment (empty without it)
    // exit: 42                     the exit status; 128 + n for a guest ended by signal n
    // cpu: cortex-a76              the qemu CPU model where the default lacks an extension
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from ncpu.machine import debian

Compiler = Literal["gcc", "clang"]
Libc = Literal["glibc", "musl"]

PROGRAMS = Path(__file__).resolve().parent.parent / "programs"
DEFAULT_CPU = "cortex-a53"

_GCC = "aarch64-linux-gnu-gcc"
_QEMU = "qemu-aarch64-static"
_HEADER = re.compile(r"//\s*(cflags|libs|args|stdin|env|exit|cpu):\s?(.*)")
_COMMON = ("-std=gnu11", "-Wall")
_LINK = ("-static", "-Wl,--build-id=none")  # the same bytes from every folder
# What qemu says on stderr about a guest ended by a signal: qemu's words, not the guest's.
_QEMU_EPITAPH = re.compile(rb"qemu: uncaught target signal .*\n|qemu: unhandled CPU exception.*\n")


class BuildError(RuntimeError):
    """The compiler refused a program; the message is the command and what it printed."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """One guest program and how to build, run and judge it."""

    name: str
    source: Path
    summary: str
    cflags: tuple[str, ...] = ()
    libs: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    stdin: bytes = b""
    env: Mapping[str, str] = field(default_factory=dict, hash=False)
    exit: int = 0
    cpu: str = DEFAULT_CPU


def parse(source: Path) -> Program:
    """Read a program's header.

    Raises:
        ValueError: the file does not begin with a `//` line.
    """
    lines = source.read_text().splitlines()
    if not lines or not lines[0].startswith("//"):
        raise ValueError(f"{source.name}: the first line must be a // comment saying what it shows")
    found: dict[str, str] = {}
    for line in lines:
        if not line.startswith("//"):
            break
        if match := _HEADER.fullmatch(line):
            found[match[1]] = match[2].rstrip()
    return Program(
        name=source.stem,
        source=source,
        summary=lines[0].removeprefix("//").strip(),
        cflags=tuple(shlex.split(found.get("cflags", ""))),
        libs=tuple(shlex.split(found.get("libs", ""))),
        args=tuple(shlex.split(found.get("args", ""))),
        stdin=_unescape(found.get("stdin", "")),
        env=dict(item.split("=", 1) for item in shlex.split(found.get("env", ""))),
        exit=int(found.get("exit", "0")),
        cpu=found.get("cpu", DEFAULT_CPU),
    )


def corpus() -> list[Program]:
    """The C programs, by name."""
    return [parse(path) for path in sorted(PROGRAMS.glob("*.c"))]


def benchmarks() -> list[Program]:
    """The benchmark programs, by name: `argv[1]` is the size, the header's `args` a small one."""
    return [parse(path) for path in sorted((PROGRAMS / "bench").glob("*.c"))]


def assembly() -> list[Program]:
    """The assembly programs, by name: no libc, only base instructions."""
    return [parse(path) for path in sorted((PROGRAMS / "asm").glob("*.s"))]


def build(
    source: Path,
    out: Path,
    *,
    compiler: Compiler = "gcc",
    opt: str = "-O2",
    libc: Libc = "glibc",
) -> Path:
    """Build `source` (.c or .s) as a static AArch64 executable at `out`.

    The result is kept in `$XDG_CACHE_HOME/ncpu/corpus` under the hash of everything that decides
    it, so a second build copies a file. `.s` files are assembled without a libc.

    Returns:
        `out`.

    Raises:
        BuildError: the compiler refused the program.
        ncpu.machine.debian.DebianError: musl was asked for and could not be downloaded.
    """
    program = parse(source)
    kept = cache_folder() / _key(program, compiler, opt, libc)
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".build-") as work:
            _compile(program, Path(work), compiler, opt, libc).rename(kept)
    out.parent.mkdir(parents=True, exist_ok=True)
    # A fresh name and a rename: an executable that is running cannot be written over.
    fresh = out.with_name(f".{out.name}.{os.getpid()}")
    shutil.copy(kept, fresh)
    fresh.rename(out)
    return out


def qemu(
    binary: Path,
    args: Sequence[str] = (),
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    *,
    argv0: str | None = None,
    cpu: str = DEFAULT_CPU,
    timeout: float = 60.0,
) -> tuple[bytes, bytes, int]:
    """Run a static AArch64 executable under qemu-user.

    The guest's environment is exactly `env` (empty by default), `argv[0]` is `argv0` (the file's
    name by default), and its working directory is a fresh empty one.

    Returns:
        Standard output, standard error without qemu's own words, and the exit status, which is
        128 + n for a guest ended by signal n.

    Raises:
        subprocess.TimeoutExpired: the guest ran longer than `timeout` seconds.
    """
    # qemu writes a core file of a crashed guest to the working directory: it goes with it.
    with tempfile.TemporaryDirectory(prefix="ncpu-qemu-") as folder:
        done = subprocess.run(
            [_found(_QEMU), "-cpu", cpu, "-0", argv0 or binary.name, str(binary.resolve()), *args],
            input=stdin,
            capture_output=True,
            # qemu hands the variables over last first.
            env=dict(reversed(list((env or {}).items()))),
            cwd=folder,
            timeout=timeout,
        )
    status = done.returncode if done.returncode >= 0 else 128 - done.returncode
    return done.stdout, _QEMU_EPITAPH.sub(b"", done.stderr), status


def run_qemu(program: Program, binary: Path, *, timeout: float = 60.0) -> tuple[bytes, bytes, int]:
    """`qemu` with the arguments, input, environment and CPU that the program's header asks for."""
    return qemu(
        binary,
        program.args,
        program.stdin,
        program.env,
        argv0=program.name,
        cpu=program.cpu,
        timeout=timeout,
    )


def have_cross_gcc() -> str | None:
    """None when AArch64 executables can be built with gcc and glibc, else the reason to skip."""
    if shutil.which(_GCC) is None:
        return f"{_GCC} is missing (Debian package gcc-aarch64-linux-gnu)"
    libc = subprocess.run([_GCC, "-print-file-name=libc.a"], capture_output=True, text=True)
    if not Path(libc.stdout.strip()).is_absolute():
        return "the AArch64 libc.a is missing (Debian package libc6-dev-arm64-cross)"
    return None


def have_qemu() -> str | None:
    """None when qemu-user is installed, else the reason to skip."""
    if shutil.which(_QEMU) is None:
        return f"{_QEMU} is missing (Debian package qemu-user-static)"
    return None


def have_clang() -> str | None:
    """None when clang can compile for AArch64 (the cross gcc links), else the reason to skip."""
    if shutil.which("clang") is None:
        return "clang is missing (Debian package clang)"
    return have_cross_gcc()


def have_musl() -> str | None:
    """None when musl is in the cache or can be downloaded, else the reason to skip."""
    if reason := have_cross_gcc():
        return reason
    try:
        musl_sysroot()
    except debian.DebianError as error:
        return f"musl-dev for arm64: {error}"
    return None


@cache
def musl_sysroot() -> Path:
    """The unpacked arm64 `musl-dev`, with `musl-gcc.specs` rewritten for where it lies.

    Returns:
        The folder that holds `include/`, `lib/` and `musl-gcc.specs`.

    Raises:
        ncpu.machine.debian.DebianError: it is not cached and cannot be downloaded.
    """
    package = debian.fetch("musl-dev")
    triple = "aarch64-linux-musl"
    sysroot = cache_folder() / "musl"
    specs = (package / "usr/lib" / triple / "musl-gcc.specs").read_text()
    for kind in ("include", "lib"):
        specs = specs.replace(f"/usr/{kind}/{triple}", str(sysroot / kind))
    if not (sysroot / "musl-gcc.specs").is_file():
        sysroot.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=sysroot.parent, prefix=".musl-") as work:
            tree = Path(work) / "musl"
            for kind in ("include", "lib"):
                shutil.copytree(package / "usr" / kind / triple, tree / kind, symlinks=True)
            (tree / "musl-gcc.specs").write_text(specs)
            try:
                tree.rename(sysroot)
            except OSError:  # another process was first
                if not (sysroot / "musl-gcc.specs").is_file():
                    raise
    return sysroot


def cache_folder() -> Path:
    """Where built programs are kept: `$XDG_CACHE_HOME/ncpu/corpus`, else `~/.cache/...`."""
    return debian.cache_folder().parent / "corpus"


def _compile(program: Program, work: Path, compiler: Compiler, opt: str, libc: Libc) -> Path:
    """Compile and link into `work`, returning the executable."""
    source, binary, unit = program.source, work / program.name, work / "unit.o"
    gcc = [_found(_GCC)]
    if source.suffix == ".s":
        _invoke([*gcc, "-nostdlib", *_LINK, source.name, "-o", str(binary)], source.parent)
        return binary
    if libc == "musl":
        gcc.append(f"-specs={musl_sysroot() / 'musl-gcc.specs'}")
    command = [*gcc, *_flags(program, opt)]
    if compiler == "clang":
        command = [_found("clang"), "--target=aarch64-linux-gnu", *_flags(program, opt)]
        if libc == "musl":
            # -nostdlibinc keeps the compiler's own headers (arm_neon.h) and drops glibc's.
            command += ["-nostdlibinc", "-isystem", str(musl_sysroot() / "include")]
    _invoke([*command, "-c", source.name, "-o", str(unit)], source.parent)
    _invoke([*gcc, *_LINK, str(unit), *program.libs, "-o", str(binary)], source.parent)
    return binary


def _flags(program: Program, opt: str) -> list[str]:
    return [opt, *_COMMON, *program.cflags]


def _key(program: Program, compiler: Compiler, opt: str, libc: Libc) -> str:
    """A file name for the build: the hash of the source, the flags and the tools."""
    tools = [_version(_found(_GCC))]
    if compiler == "clang":
        tools.append(_version(_found("clang")))
    if libc == "musl":
        tools.append(_digest(musl_sysroot() / "lib" / "libc.a"))
    facts = (compiler, libc, *_flags(program, opt), *_LINK, *program.libs, *tools)
    # Any header beside the source may be included by it.
    files = [program.source, *sorted(program.source.parent.glob("*.h"))]
    text = repr(facts).encode() + b"".join(file.read_bytes() for file in files)
    return f"{program.name}-{hashlib.sha256(text).hexdigest()[:32]}"


def _invoke(command: list[str], cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise BuildError(f"{shlex.join(command)}\n{done.stderr}")


def _found(tool: str) -> str:
    path = shutil.which(tool)
    if path is None:
        raise BuildError(f"{tool} is not installed")
    return path


@cache
def _version(tool: str) -> str:
    return subprocess.run([tool, "--version"], capture_output=True, text=True).stdout


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _unescape(text: str) -> bytes:
    r"""Turn `\n`, `\t`, `\x41` and the like into bytes; other text becomes UTF-8."""
    return text.encode().decode("unicode_escape").encode("latin-1")
