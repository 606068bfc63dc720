"""ncpu snapshot: save a whole machine, go on with it, compare two."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ncpu.cli.machine import (
    PASS_ON,
    AluName,
    Arguments,
    Env,
    Forward,
    MaxSteps,
    Rootfs,
    Seed,
    Stats,
    finish,
    open_session,
    select_alu,
)
from ncpu.cli.options import parse_environment, parse_ports, parse_size

if TYPE_CHECKING:
    from ncpu.machine.linux.launch import Running

Snapshot = Annotated[Path, typer.Argument(help="The snapshot, a folder.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    commands = typer.Typer(help="A whole machine, saved and restored to the bit.")
    commands.command(context_settings=PASS_ON)(save)
    commands.command()(restore)
    commands.command()(diff)
    app.add_typer(commands, name="snapshot", no_args_is_help=True)


def save(
    snapshot: Snapshot,
    program: Annotated[
        str, typer.Argument(help="An ELF file; with --rootfs or --busybox a command in the tree.")
    ],
    args: Arguments = None,
    after: Annotated[
        int, typer.Option(help="Save at the end of the first round after so many instructions.")
    ] = 0,
    rootfs: Rootfs = None,
    busybox: Annotated[
        bool, typer.Option("--busybox", help="The guest's / is that of `ncpu shell`.")
    ] = False,
    env: Env = None,
    memory: Annotated[str, typer.Option(help="Memory of each process.")] = "16M",
    forward: Forward = None,
    seed: Seed = 0,
) -> None:
    """Run a program up to a moment and save the machine: processes, memory, files, all of it.

    `ncpu snapshot save --after 3000000 --busybox now sh -c 'seq 9000 | sort -n | tail -n 1'`
    """
    from ncpu import xla
    from ncpu.cli.shell import busybox_tree, shell_environment
    from ncpu.machine.linux import snapshot as snapshots
    from ncpu.machine.loader import executable

    xla.use_cache()
    xla.run_in_place()
    if rootfs is not None and busybox:
        raise typer.BadParameter("--rootfs and --busybox are two roots; one is accepted")
    size = parse_size(memory)
    root: Any = busybox_tree(size) if busybox else rootfs
    session = open_session(
        executable(Path(program)) if root is None else program,
        [program, *(args or [])],
        shell_environment(env) if busybox else parse_environment(env or []),
        root=root,
        memory_size=size,
        seed=seed,
        forward=parse_ports(forward or []),
    )
    try:
        done = snapshots.run_to(session, after)
        snapshots.save(session, snapshot)
    finally:
        session.kernel.close_host()
    alive = sum(p.alive for p in session.kernel.processes)
    print(f"ncpu: {snapshot}: {done:,} instructions, processes: {alive}", file=sys.stderr)


def restore(
    snapshot: Snapshot, max_steps: MaxSteps = None, stats: Stats = False, alu: AluName = "exact"
) -> None:
    """Go on with a saved machine: its streams are ours, its exit code too.

    One that was saved at a terminal has this one now; where there is none, standard input is typed
    at its terminal. Ports are forwarded again; connections through them are reset.
    """
    from ncpu import xla
    from ncpu.machine.linux import snapshot as snapshots
    from ncpu.machine.linux.host import Script
    from ncpu.machine.linux.launch import host_terminal

    xla.use_cache()
    xla.run_in_place()
    stdin, stdout, stderr = sys.stdin, sys.stdout, sys.stderr
    interactive = stdin.isatty() and stdout.isatty()
    end = "\r\n" if interactive else "\n"  # at a terminal that is raw then
    session: Running = snapshots.load(
        snapshot,
        stdin=stdin.buffer,
        stdout=stdout.buffer,
        stderr=stderr.buffer,
        alu=select_alu(alu),
        warn=lambda line: print(f"ncpu: {line}", file=stderr, end=end),
    )
    session.start()

    def attach() -> None:
        terminal = session.kernel.terminal
        if terminal is not None and interactive:
            host_terminal(session, stdin.fileno(), stdout.fileno())
        elif terminal is not None:
            clock = session.kernel.process.clock
            session.kernel.wait_on(Script(terminal, [stdin.buffer.read()], clock))

    raise SystemExit(finish(session, max_steps, stats, attach))


def diff(
    before: Snapshot,
    after: Snapshot,
    as_json: Annotated[bool, typer.Option("--json", help="All of it, as JSON.")] = False,
) -> None:
    """What differs between two snapshots: processes, registers, memory, files, time.

    The exit code is 1 where they differ, 0 where they do not.
    """
    from ncpu.machine.linux import snapshot as snapshots

    found = snapshots.diff(before, after)
    if as_json:
        print(json.dumps(found.as_json(), indent=2))
    else:
        _print(found)
    raise SystemExit(1 if found else 0)


def _print(found: Any) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "", "before", "after")
    for change in found.machine:
        table.add_row("machine", change.what, change.before or "-", change.after or "-")
    for title, items in (("process", found.processes), ("file", found.files)):
        for item in items:
            name = escape(f"{title} {item.name}")
            if not item.changes and not item.memory:
                table.add_row(name, item.kind)
            for change in item.changes:
                texts = (change.what, change.before or "-", change.after or "-")
                table.add_row(name, *(escape(text) for text in texts))
            for part in item.memory:
                where = f"memory from {part.address:#x}"
                table.add_row(name, where, "", f"{part.changed:,} bytes, pages: {part.pages}")
    Console().print(table if found else "no difference")
