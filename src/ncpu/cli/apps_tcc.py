"""`ncpu apps tcc`: a C compiler compiles itself on the machine until nothing changes."""

from __future__ import annotations

import hashlib
import time

import typer


def register(apps: typer.Typer) -> None:
    """Add this module's commands."""
    apps.command()(tcc)


def tcc() -> None:
    """Let Debian's tcc compile its own source on the machine, and the result do so again.

    Both programs must be the same, byte for byte. Some hundred million instructions each.
    """
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from ncpu import xla
    from ncpu.machine import tcc as compiler

    xla.use_cache()
    xla.run_in_place()
    console = Console()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    passes = []
    with (
        compiler.own_source() as folder,
        Progress(*columns, console=console, transient=True) as progress,
    ):
        for command, name in (("/usr/bin/tcc", "tcc2"), ("/src/tcc2", "tcc3")):
            task = progress.add_task(f"{command} compiles {name}")
            started = time.perf_counter()

            def report(done: int, task=task, command: str = command, name: str = name) -> None:
                text = f"{command} compiles {name}: {done / 1e6:,.0f} million instructions"
                progress.update(task, description=text)

            made = compiler.compile_self(command, name, folder, report)
            seconds = time.perf_counter() - started
            passes.append(made.program)
            digest = hashlib.sha256(made.program).hexdigest()
            console.print(
                f"{command} made {name}: {len(made.program):,} bytes, "
                f"{made.instructions:,} instructions in {seconds:.0f} s, sha256 {digest[:16]}"
            )
    if passes[0] != passes[1]:
        console.print("tcc2 and tcc3 differ")
        raise SystemExit(1)
    console.print("tcc2 and tcc3 are the same, byte for byte")
