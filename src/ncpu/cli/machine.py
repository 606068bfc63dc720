"""Commands that run programs: run, batch, busybox; and what they run in: rootfs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ncpu.cli.options import parse_environment, parse_mounts, parse_size

if TYPE_CHECKING:
    from ncpu.machine.linux.launch import Running, Session
    from ncpu.machine.linux.run import Result

PASS_ON = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
}
INTERRUPTED = 130

Arguments = Annotated[list[str] | None, typer.Argument(help="Its arguments.", show_default=False)]
Stats = Annotated[
    bool, typer.Option("--stats", help="Print instructions, time and speed at the end.")
]
MaxSteps = Annotated[int | None, typer.Option(help="Stop after so many instructions.", min=0)]
Env = Annotated[list[str] | None, typer.Option(help="NAME=VALUE for its environment; repeatable.")]
Mount = Annotated[
    list[str] | None,
    typer.Option(help="HOST:GUEST[:rw], a host folder it may see; read-only unless rw."),
]
Forward = Annotated[
    list[str] | None,
    typer.Option(help="HOST:GUEST, a port of 127.0.0.1 that leads to one of the machine's."),
]
Rootfs = Annotated[
    Path | None,
    typer.Option(
        help="The guest's /: a folder or a tar archive (plain, .gz, .xz, .zst). PROGRAM is then a "
        "command in it. Writes stay in memory, except to --mount HOST:GUEST:rw."
    ),
]
Memory = Annotated[str, typer.Option(help="Guest memory: bytes, or with K, M, G.")]
Seed = Annotated[int, typer.Option(help="Of everything random the program can see.")]
ALUS = ("exact", "neural", "tabulated", "soft")
AluName = Annotated[str, typer.Option("--alu", help=f"The arithmetic: {', '.join(ALUS)}.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command(context_settings=PASS_ON)(run)
    app.command()(batch)
    app.command(context_settings=PASS_ON)(busybox)
    rootfs = typer.Typer(help="Make root file systems for `ncpu run --rootfs`.")
    rootfs.command()(debian)
    app.add_typer(rootfs, name="rootfs", no_args_is_help=True)


def run(
    program: Annotated[
        str,
        typer.Argument(
            help="An ELF file, `.s` assembly or `.toy` source; with --rootfs a command in it."
        ),
    ],
    args: Arguments = None,
    rootfs: Rootfs = None,
    stats: Stats = False,
    max_steps: MaxSteps = None,
    env: Env = None,
    mount: Mount = None,
    memory: Memory = "64M",
    seed: Seed = 0,
    alu: AluName = "exact",
) -> None:
    """Run one program as a process: its stdin, stdout and exit code are ours.

    A dynamically linked program finds its linker and libraries in the guest's file system:
    `ncpu run --rootfs root ls -l /`, where root is a distribution's root file system or one made
    by `ncpu rootfs debian`. 127 is the exit code where command or linker is missing.
    """
    from ncpu.machine.loader import executable

    options = {
        "env": parse_environment(env or []),
        "mounts": parse_mounts(mount or []),
        "memory_size": parse_size(memory),
        "seed": seed,
        "alu": select_alu(alu),
        "root": rootfs,
    }
    source = executable(Path(program)) if rootfs is None else program
    raise SystemExit(execute(source, [program, *(args or [])], stats, max_steps, options))


def debian(
    packages: Annotated[list[str], typer.Argument(help="Packages of the host's Debian release.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to make.")],
) -> None:
    """Make a root of Debian's arm64 packages and all they depend on; no scripts are run.

    `ncpu rootfs debian coreutils gawk -o root`, then `ncpu run --rootfs root ls /`. Nothing is
    installed on the host; downloads are kept in the cache.
    """
    from ncpu.machine.debian import build_root

    for line in build_root(packages, output):
        print(line)


def busybox(
    args: Arguments = None,
    stats: Stats = False,
    max_steps: MaxSteps = None,
    env: Env = None,
    mount: Mount = None,
    memory: Memory = "64M",
) -> None:
    """Run Debian's arm64 BusyBox, fetched once: `ncpu busybox -- ls -l /`."""
    from ncpu.machine.debian import fetch

    options = {
        "env": parse_environment(env or []),
        "mounts": parse_mounts(mount or []),
        "memory_size": parse_size(memory),
    }
    binary = (fetch("busybox-static") / "bin" / "busybox").read_bytes()
    arguments = [a for a in args or [] if a != "--"] if (args or [None])[0] == "--" else args or []
    raise SystemExit(execute(binary, ["busybox", *arguments], stats, max_steps, options))


def select_alu(name: str) -> Any:
    """The arithmetic of that name.

    Raises:
      typer.BadParameter: there is none.
    """
    if name not in ALUS:
        raise typer.BadParameter(f"{name!r} is not an arithmetic; there is: {', '.join(ALUS)}")
    if name == "exact":
        from ncpu.machine.alu import EXACT

        return EXACT
    from ncpu.neural_alu import alu, checkpoint

    return getattr(alu, name)(checkpoint.load())


def execute(
    source: bytes | str,
    argv: list[str],
    stats: bool,
    max_steps: int | None,
    options: dict[str, Any],
) -> int:
    """Run a process on our streams, or at our terminal; its exit code."""
    from ncpu import xla

    xla.use_cache()
    xla.run_in_place()
    return finish(open_session(source, argv, **options), max_steps, stats)


def finish(
    session: Running, max_steps: int | None, stats: bool, begin: Callable[[], Any] = lambda: None
) -> int:
    """Run a session to its end, after `begin`, and give our terminal back; the exit code."""
    started = time.perf_counter()
    result = None
    try:
        begin()
        result = session.run(max_steps)
    except KeyboardInterrupt:
        pass
    finally:
        session.kernel.close_host()
    return report(session, result, time.perf_counter() - started, stats)


def report(session: Running, result: Result | None, seconds: float, stats: bool) -> int:
    """Say how a run ended, None where it was interrupted; the exit code for it."""
    from ncpu.machine.linux.abi import Signal

    if result is None:
        print(f"\nncpu: interrupted at {session.where()}", file=sys.stderr)
        return INTERRUPTED
    if result.exit_code is None:
        print(f"ncpu: out of steps at {session.where()}", file=sys.stderr)
    elif result.signal is not None:
        print(f"ncpu: {Signal(result.signal).name} at {session.where()}", file=sys.stderr)
    if stats:
        _print_stats(result, seconds)
    return 124 if result.exit_code is None else result.exit_code


def open_session(source: Any, argv: list[str], *arguments: Any, **options: Any) -> Session:
    """A session on our streams; its own terminal, and real time, where a person sits at ours.

    `session.kernel.close_host()` gives the terminal back.
    """
    from ncpu.machine.linux.clock import RealClock
    from ncpu.machine.linux.launch import Session, host_terminal

    stdin, stdout, stderr = sys.stdin, sys.stdout, sys.stderr
    interactive = stdin.isatty() and stdout.isatty()
    end = "\r\n" if interactive else "\n"  # our terminal is raw then
    session = Session(
        *(source, argv, *arguments),
        stdin=stdin.buffer,
        stdout=stdout.buffer,
        stderr=stderr.buffer,
        clock=RealClock() if interactive else None,
        warn=lambda line: print(f"ncpu: {line}", file=stderr, end=end),
        **options,
    )
    if interactive:
        host_terminal(session, stdin.fileno(), stdout.fileno(), errors=stderr.isatty())
    return session


def _print_stats(result: Any, seconds: float) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", "", show_header=False, title="ncpu run")
    table.add_row("instructions", f"{result.retired:,}")
    table.add_row("seconds, compilation included", f"{seconds:.3f}")
    table.add_row("million instructions a second", f"{result.retired / seconds / 1e6:.1f}")
    calls = ", ".join(f"{name} {count}" for name, count in result.syscalls.most_common(12))
    table.add_row("system calls", calls or "none")
    Console(stderr=True).print(table)


def batch(
    program: Annotated[Path, typer.Argument(help="An ELF file or `.s` assembly.")],
    inputs: Annotated[Path, typer.Argument(help="One run a line: its arguments.")],
    max_steps: Annotated[
        int, typer.Option(help="Instructions a run may take.", min=1)
    ] = 10_000_000,
    memory: Annotated[str, typer.Option(help="Guest memory of each run.")] = "2M",
) -> None:
    """Run one program on every line of a file, all lanes in one batch.

    Prints a line for each: exit code, instructions, and what it wrote to stdout.
    """
    from rich.console import Console
    from rich.table import Table

    from ncpu import xla
    from ncpu.machine.linux.many import run_many
    from ncpu.machine.loader import executable

    xla.use_cache()
    lines = [line.split() for line in inputs.read_text().splitlines() if line.strip()]
    name = str(program)
    results = run_many(
        executable(program),
        [[name, *line] for line in lines],
        memory=parse_size(memory),
        max_steps=max_steps,
    )
    table = Table("arguments", "exit", "instructions", "output")
    for line, result in zip(lines, results, strict=True):
        output = result.stdout.decode(errors="replace").rstrip("\n")
        code = "-" if result.exit_code is None else str(result.exit_code)
        table.add_row(" ".join(line), code, f"{result.retired:,}", output)
    Console().print(table)
