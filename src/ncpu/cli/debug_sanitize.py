"""`ncpu debug sanitize`: bad uses of memory by a program that was not built for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ncpu.cli.machine import Arguments, Env, Seed
from ncpu.cli.options import parse_environment, parse_size
from ncpu.files import write_json


def register(group: typer.Typer) -> None:
    """Add the subcommand."""
    group.command("sanitize")(sanitize)


def sanitize(
    program: Annotated[Path, typer.Argument(help="An ELF file with symbols.")],
    args: Arguments = None,
    stdin: Annotated[Path | None, typer.Option(help="The program's standard input.")] = None,
    quarantine: Annotated[
        bool, typer.Option(help="Keep freed blocks from being used again.")
    ] = True,
    undefined: Annotated[bool, typer.Option(help="Report uses of what was never set.")] = True,
    output: Annotated[Path | None, typer.Option("--json", help="Write the reports here.")] = None,
    env: Env = None,
    memory: Annotated[str, typer.Option(help="Guest memory.")] = "64M",
    seed: Seed = 0,
) -> None:
    """Run a program and report bad uses of memory, with the stacks; exit code 1 for any.

    Arguments of the program that begin with a dash go after `--`.
    """
    import io
    import sys

    from ncpu import xla
    from ncpu.machine.debug import Debugger
    from ncpu.machine.debug.sanitize import sanitize as look
    from ncpu.machine.linux.launch import Session
    from ncpu.machine.loader import executable

    xla.use_cache()
    session = Session(
        executable(program),
        [str(program), *(args or [])],
        parse_environment(env or []),
        stdin=io.BytesIO(stdin.read_bytes() if stdin else b""),
        stdout=sys.stdout.buffer,
        stderr=sys.stderr.buffer,
        memory_size=parse_size(memory),
        seed=seed,
        warn=lambda line: print(f"ncpu: {line}", file=sys.stderr),
    )
    debugger = Debugger(session)
    reports = look(debugger, quarantine=quarantine, undefined=undefined)
    for report in reports:
        print(f"{report}\n", file=sys.stderr)
    many = f"{len(reports)} bad uses of memory" if reports else "no bad use of memory"
    print(f"ncpu: {many} in {debugger.history.end.retired:,} instructions", file=sys.stderr)
    if output:
        write_json(output, [report.json() for report in reports])
    raise SystemExit(1 if reports else 0)
