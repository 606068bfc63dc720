"""The command line: `ncpu --help` teaches, each command imports only what it runs."""

from __future__ import annotations

import sys
from typing import Any

import typer

from ncpu.cli import (
    apps,
    coproc,
    debug,
    jepa,
    machine,
    muxleq,
    neural,
    npcot,
    project,
    shell,
    snapshot,
    synth,
)

app = typer.Typer(
    name="ncpu",
    help="A computer made of JAX functions: run ARM64 Linux programs, alone or by the thousand.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
machine.register(app)
shell.register(app)
snapshot.register(app)
apps.register(app)
debug.register(app)
project.register(app)
neural.register(app)
muxleq.register(app)
npcot.register(app)
synth.register(app)
coproc.register(app)
jepa.register(app)


def main(argv: list[str] | None = None) -> Any:
    """Entry point; our own errors become one line and their exit code."""
    from ncpu.machine.errors import NcpuError

    try:
        app(args=argv)
    except NcpuError as error:
        print(f"ncpu: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
