"""`ncpu apps`: lists the applications and runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ncpu.cli import apps_tcc
from ncpu.cli.machine import PASS_ON, Arguments, Forward, Stats
from ncpu.cli.options import parse_ports

WORK = "/work"  # where the guest sees the folder it is given


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    apps = typer.Typer(help="Applications for the machine: games, tools, Debian's programs.")
    apps.callback(invoke_without_command=True)(listing)
    apps.command(context_settings=PASS_ON)(run)
    apps_tcc.register(apps)
    app.add_typer(apps, name="apps")


def listing(context: typer.Context) -> None:
    """List the applications, with their keys; `ncpu apps run NAME` runs one."""
    if context.invoked_subcommand is not None:
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from ncpu.machine.apps import DEBIAN, OURS

    table = Table("name", "", "arguments; keys", title="Ours, built from programs/apps")
    for ours in OURS.values():
        table.add_row(ours.name, ours.summary, escape(ours.keys))
    theirs = Table("name", "", "Debian package", title="Debian's, for arm64")
    for app in DEBIAN.values():
        theirs.add_row(app.name, app.summary, app.package)
    console = Console()
    console.print(table)
    console.print(theirs)


def run(
    name: Annotated[str, typer.Argument(help="Of the application: `ncpu apps` lists them.")],
    args: Arguments = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="A folder of yours that it works in and may write to; without, it sees no file.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    forward: Forward = None,
    stats: Stats = False,
) -> None:
    """Run an application: `ncpu apps run tetris --seed 1`.

    On a terminal, keys and time are real; otherwise time is virtual and every run the same.
    Options of ours come before NAME.
    """
    from ncpu.cli.machine import execute
    from ncpu.machine import apps

    app = apps.find(name)
    options: dict[str, Any] = {
        "env": {"TERM": "xterm", "HOME": WORK},
        "forward": parse_ports(forward or []),
    }
    if folder is not None:
        options |= {"mounts": [(folder, WORK, True)], "cwd": WORK}
    source: Any
    if isinstance(app, apps.DebianApp):
        source = app.command
        options |= {"root": apps.root_of(app), "memory_size": app.memory}
    else:
        source = apps.build(app).read_bytes()
    raise SystemExit(execute(source, [name, *(args or [])], stats, None, options))
