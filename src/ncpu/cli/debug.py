"""`ncpu debug`: a program under the debugger, at a terminal, from a script or from GDB."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ncpu.cli import debug_const_time, debug_fuzz, debug_sanitize
from ncpu.cli.machine import PASS_ON, Arguments, Env, Memory, Mount, Seed
from ncpu.cli.options import parse_environment, parse_mounts, parse_size

PROMPT = "(ncpu) "


class _Group(TyperGroup):
    """`ncpu debug PROGRAM` is `ncpu debug run PROGRAM`: what is no subcommand is a program."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(
        cls=_Group,
        no_args_is_help=True,
        help="Debug a program (`ncpu debug PROGRAM args...`), or examine all it does.",
    )
    group.command("run", context_settings=PASS_ON)(debug)
    for module in (debug_const_time, debug_sanitize, debug_fuzz):
        module.register(group)
    app.add_typer(group, name="debug")


def debug(
    program: Annotated[Path, typer.Argument(help="An ELF file, `.s` assembly or `.toy` source.")],
    args: Arguments = None,
    gdb: Annotated[
        int | None,
        typer.Option(help="Serve GDB on this port of 127.0.0.1 (0: a free one).", min=0, max=65535),
    ] = None,
    tui: Annotated[
        bool, typer.Option("--tui", help="Source, registers, memory, timeline (needs textual).")
    ] = False,
    command: Annotated[
        list[str] | None, typer.Option("--command", "-c", help="A command to run; repeatable.")
    ] = None,
    script: Annotated[Path | None, typer.Option(help="A file of commands, one a line.")] = None,
    stdin: Annotated[
        Path | None, typer.Option(help="The program's standard input; empty when left out.")
    ] = None,
    thaw: Annotated[bool, typer.Option(help="PROGRAM is a history that `freeze` wrote.")] = False,
    checkpoints: Annotated[str, typer.Option(help="Memory that checkpoints may take.")] = "512M",
    env: Env = None,
    mount: Mount = None,
    memory: Memory = "64M",
    seed: Seed = 0,
) -> None:
    """Debug a program, forwards and backwards in time; `help` at the prompt lists the commands.

    Without `-c` and `--script`, commands are read from the terminal (or from a pipe); the
    program's own input comes from `--stdin`.
    """
    from ncpu import xla
    from ncpu.machine.debug import Debugger, recording
    from ncpu.machine.debug.commands import Shell, load
    from ncpu.machine.linux.launch import Session
    from ncpu.machine.loader import executable

    xla.use_cache()
    load()
    options = {
        "env": parse_environment(env or []),
        "mounts": parse_mounts(mount or []),
        "memory_size": parse_size(memory),
        "seed": seed,
    }
    source = b"" if thaw else executable(program)
    given = stdin.read_bytes() if stdin else b""

    budget, printed = parse_size(checkpoints), io.BytesIO()

    def warn(line: str) -> None:
        text = f"ncpu: {line}\n"
        if tui:
            printed.write(text.encode())
        else:
            sys.stderr.write(text)

    def start(arguments: list[str] | None, data: bytes | None, **streams: Any) -> Session:
        argv = [str(program), *((args or []) if arguments is None else arguments)]
        feed = io.BytesIO(given if data is None else data)
        return Session(source, argv, stdin=feed, warn=warn, **streams, **options)

    if thaw:
        debugger = recording.thaw(program)
    else:
        outs = {"stdout": sys.stdout.buffer, "stderr": sys.stderr.buffer}
        if tui:
            outs = {name: printed for name in outs}
        debugger = Debugger(start(None, None, **outs), budget=budget)
    if gdb is not None:
        _serve(debugger, gdb)
        return
    shell = Shell(debugger, start)
    if tui:
        _screen(shell, printed)
        return
    lines = list(command or [])
    if script:
        lines += script.read_text().splitlines()
    if command or script:
        raise SystemExit(_batch(shell, lines))
    _converse(shell)


def _serve(debugger: Any, port: int) -> None:
    from ncpu.machine.debug.gdb_server import HOST, Server

    server = Server(debugger, port, lambda line: print(f"ncpu: {line}", file=sys.stderr))
    print(
        f"ncpu: waiting for GDB: gdb-multiarch PROGRAM -ex 'target remote {HOST}:{server.port}'",
        file=sys.stderr,
        flush=True,
    )
    try:
        server.serve()
    except KeyboardInterrupt:
        print("\nncpu: stopped", file=sys.stderr)


def _screen(shell: Any, printed: io.BytesIO) -> None:
    from ncpu.machine.debug import DebugError

    try:
        from ncpu.machine.debug.screen import Screen
    except ImportError:
        raise DebugError("the screen needs textual: pip install 'ncpu[tui]'") from None

    def fresh() -> str:
        text = printed.getvalue().decode(errors="replace")
        printed.seek(0)
        printed.truncate()
        return text

    Screen(shell, fresh).run()


def _batch(shell: Any, lines: list[str]) -> int:
    """Run commands, each shown before what it printed; 1 when one of them failed."""
    failed = 0
    for line in lines:
        if shell.ended:
            break
        print(f"{PROMPT}{line}", flush=True)  # before what the program itself prints
        out = shell.run(line)
        failed |= out.startswith("error: ")
        if out:
            print(out, flush=True)
    return failed


def _converse(shell: Any) -> None:
    """Read commands from a person or a pipe until the end of input or `quit`."""
    from contextlib import suppress

    interactive = sys.stdin.isatty()
    if interactive:
        with suppress(ImportError):
            import readline  # noqa: F401  - line editing in input()
        print(shell.run("history"))
    last = ""
    while not shell.ended:
        try:
            line = input(PROMPT if interactive else "")
        except EOFError:
            break
        except KeyboardInterrupt:
            print("\n(`quit` leaves)")
            continue
        # An empty line repeats, as in gdb; the history survives Ctrl-C.
        line = line.strip() or (last if interactive else "")
        try:
            out = shell.run(line)
        except KeyboardInterrupt:
            out = "interrupted; the history is as it was"
        last = line
        if out:
            print(out, flush=True)
