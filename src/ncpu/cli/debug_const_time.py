"""`ncpu debug const-time`: does a secret change where a program goes or what it accesses?"""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import Annotated, Any

import typer

from ncpu.cli.machine import Arguments, Seed
from ncpu.cli.options import parse_size
from ncpu.files import write_json


def register(group: typer.Typer) -> None:
    """Add the subcommand."""
    group.command("const-time")(const_time)


def const_time(
    program: Annotated[Path, typer.Argument(help="An ELF file.")],
    args: Arguments = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(help="SYMBOL[:BYTES], *x0:BYTES, x0[:BITS] or stdin:BYTES; repeatable."),
    ] = None,
    function: Annotated[
        list[str] | None, typer.Option(help="What to watch, `*` for any letters; repeatable.")
    ] = None,
    call: Annotated[
        bool, typer.Option("--call", help="Call it from the start of main rather than wait for it.")
    ] = False,
    operands: Annotated[
        bool,
        typer.Option(
            "--operands", help="Also the operands of divisions and floating-point instructions."
        ),
    ] = False,
    exhaustive: Annotated[
        bool, typer.Option("--exhaustive", help="Try every value: 16 secret bits at most.")
    ] = False,
    secrets: Annotated[int, typer.Option(help="How many values to try otherwise.", min=2)] = 64,
    lanes: Annotated[int, typer.Option(help="How many run at a time.", min=2, max=4096)] = 64,
    stdin: Annotated[Path | None, typer.Option(help="The program's standard input.")] = None,
    output: Annotated[Path | None, typer.Option("--json", help="Write the reports here.")] = None,
    memory: Annotated[str, typer.Option(help="Guest memory of each lane.")] = "2M",
    stack: Annotated[str, typer.Option(help="Stack of each lane.")] = "128K",
    seed: Seed = 0,
) -> None:
    """Run a function with many secrets and compare paths and addresses; exit code 1 for a leak.

    Arguments of the program that begin with a dash go after `--`.
    """
    import io

    from rich.console import Console

    from ncpu import xla
    from ncpu.machine.debug.const_time import Checker
    from ncpu.machine.debug.errors import DebugError
    from ncpu.machine.linux.launch import Session
    from ncpu.machine.loader import executable

    xla.use_cache()
    source = executable(program)
    given = stdin.read_bytes() if stdin else b""

    def session() -> Session:
        feed = io.BytesIO(given)
        return Session(
            source,
            [str(program), *(args or [])],
            stdin=feed,
            memory_size=parse_size(memory),
            stack_size=parse_size(stack),
            seed=seed,
        )

    names = sorted(session().image.symbols)
    wanted = [
        name for text in function or ["main"] for name in fnmatch.filter(names, text) or [text]
    ]
    reports = []
    console = Console(soft_wrap=True, highlight=False)
    for name in wanted:
        try:
            checker = Checker(session(), name, call=call, operands=operands, lanes=lanes)
            report = checker.check(secret or [], secrets, seed=seed, exhaustive=exhaustive)
        except DebugError as error:
            raise DebugError(f"{name}: {error}") from None
        reports.append(report)
        console.print(_shown(report), markup=False)
    if output:
        write_json(output, [report.json() for report in reports])
    raise SystemExit(0 if all(report.constant for report in reports) else 1)


def _shown(report: Any) -> str:
    tried = f"all {report.tried:,} secrets" if report.exhaustive else f"{report.tried:,} secrets"
    head = f"{report.function:28} {tried}, {report.retired:,} instructions: "
    if report.constant:
        return head + "the same path and addresses"
    lines = [head + "LEAKS"]
    for leak in report.leaks:
        lines.append(f"  {leak.kind:8} {leak.where}: {leak.instruction}")
        lines.append(f"           {leak.count:,} times, with {leak.secret} among others")
    return "\n".join(lines)
