"""`ncpu debug fuzz`: coverage-guided fuzzing of a program's standard input."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ncpu.cli.machine import Arguments, Seed
from ncpu.cli.options import parse_size
from ncpu.files import write, write_json


def register(group: typer.Typer) -> None:
    """Add the subcommand."""
    group.command("fuzz")(fuzz)


def fuzz(
    program: Annotated[Path, typer.Argument(help="An ELF file that reads standard input.")],
    args: Arguments = None,
    seeds: Annotated[
        Path | None, typer.Option(help="A folder of inputs, or one, to begin with.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder for what is found: `corpus/`, `crashes/`.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="How long.", min=0.0)] = 60.0,
    crashes: Annotated[int | None, typer.Option(help="Stop at so many.", min=1)] = None,
    word: Annotated[
        list[str] | None, typer.Option(help="A word to put into inputs; repeatable.")
    ] = None,
    width: Annotated[int, typer.Option(help="Bytes of an input at most.", min=1, max=4096)] = 64,
    lanes: Annotated[int, typer.Option(help="Candidates in a batch.", min=2)] = 512,
    fuel: Annotated[int, typer.Option(help="Instructions of a candidate at most.")] = 200_000,
    output: Annotated[Path | None, typer.Option("--json", help="Write the crashes here.")] = None,
    memory: Annotated[str, typer.Option(help="Guest memory.")] = "2M",
    stack: Annotated[str, typer.Option(help="Stack.")] = "128K",
    seed: Seed = 0,
) -> None:
    """Look for inputs that end a program badly; exit code 1 when there are any.

    Arguments of the program that begin with a dash go after `--`; Ctrl-C ends with what is found.
    """
    from contextlib import suppress

    from rich.console import Console
    from rich.live import Live

    from ncpu import xla
    from ncpu.machine.debug.fuzz import Fuzzer, starter
    from ncpu.machine.loader import executable

    xla.use_cache()
    console = Console()
    start = starter(
        executable(program),
        [str(program), *(args or [])],
        memory_size=parse_size(memory),
        stack_size=parse_size(stack),
        seed=seed,
    )
    given = [b"0"]
    if seeds:
        files = sorted(f for f in seeds.iterdir() if f.is_file()) if seeds.is_dir() else [seeds]
        given = [file.read_bytes()[:width] for file in files] or given
    words = [text.encode() for text in word or []]
    fuzzer = Fuzzer(start, given, width=width, lanes=lanes, fuel=fuel, words=words, seed=seed)
    with (
        Live(_panel(fuzzer), console=console, refresh_per_second=4, transient=True) as live,
        suppress(KeyboardInterrupt),
    ):
        fuzzer.run(seconds=seconds, crashes=crashes, told=lambda f: live.update(_panel(f)))
    console.print(_panel(fuzzer))
    found = fuzzer.triage()
    for number, crash in enumerate(found):
        console.print(
            f"crash {number}: {crash.signal}, {crash.count:,} times, first at execution "
            f"{crash.execution:,}, input {crash.data!r}",
            markup=False,
            highlight=False,
        )
        for k, frame in enumerate(crash.stack):
            console.print(f"    #{k} {frame}", markup=False, highlight=False)
    if out:
        _save(out, fuzzer, found)
    if output:
        write_json(output, [crash.json() for crash in found])
    raise SystemExit(1 if found else 0)


def _panel(fuzzer: Any) -> Any:
    from rich.table import Table

    s = fuzzer.statistics
    table = Table(show_header=False, title="fuzzing")
    rows = {
        "executions": f"{s.executions:,}",
        "executions/s": f"{s.speed:,.0f}",
        "instructions each": f"{s.instructions / max(s.executions, 1):,.0f}",
        "edges": f"{s.edges:,}",
        "corpus": f"{len(fuzzer.corpus):,}",
        "crashes": f"{len(fuzzer.crashes):,}",
        "did not end": f"{s.hangs:,}",
        "for the host": f"{s.hosted:,}",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _save(folder: Path, fuzzer: Any, found: list[Any]) -> None:
    """Write the corpus and the crashing inputs, a file each."""
    for name, inputs in (("corpus", fuzzer.corpus), ("crashes", [c.data for c in found])):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(inputs):
            write(folder / name / f"{number:05}", data)
