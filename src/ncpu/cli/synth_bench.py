"""`ncpu synth bench`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ncpu.synth.suites import Problem

_STOPPED = 130


def bench(
    suite: Annotated[str, typer.Option(help="a, b, u63, u95, tiny or additions.")] = "tiny",
    seeds: Annotated[str | None, typer.Option(help="Draws, such as 0,1.")] = None,
    limit: Annotated[float, typer.Option(help="Seconds of each problem.")] = 10.0,
    hidden: Annotated[int, typer.Option(min=1, help="Random inputs that judge.")] = 10_000,
    output: Annotated[Path | None, typer.Option(help="A JSON file of all rows.")] = None,
) -> None:
    """Run a suite; a program counts only when it is right on inputs it was not found from."""
    from ncpu.files import write_json
    from ncpu.synth import bench as suites
    from ncpu.synth.portfolio import ProgramSynthesizer
    from ncpu.synth.spec import Budget
    from ncpu.synth.suites import problems

    drawn = [int(s) for s in seeds.split(",")] if _numbers(seeds) and seeds else None
    if output is not None and not output.absolute().parent.is_dir():
        raise typer.BadParameter(f"{output.parent} is not a folder")
    synthesizer = ProgramSynthesizer(budget=Budget(limit))
    rows: list[Any] = []
    stopped = False
    try:
        for problem in _tracked(problems(suite, drawn)):
            row = suites.run(problem, synthesizer, hidden)
            rows.append(row)
            print(f"{row.name:24}{row.seed:3} {row.verdict:9}{row.seconds:7.2f} s  {row.strategy}",
                  flush=True)  # fmt: skip
    except KeyboardInterrupt:
        stopped = True
        print("stopped; what was run so far:", file=sys.stderr)
    found = suites.summary(rows)
    _table(suite, rows)
    if output is not None:
        write_json(output, {"suite": suite, "limit": limit, "hidden": hidden, **found})
    if stopped:
        raise typer.Exit(_STOPPED)


def _tracked(problems: Iterable[Problem]) -> Iterable[Problem]:
    """The problems, with a bar on a terminal."""
    if not sys.stderr.isatty():
        return problems
    from rich.console import Console
    from rich.progress import track

    return track(list(problems), "problems", console=Console(stderr=True), transient=True)


def _numbers(seeds: str | None) -> bool:
    if seeds is not None and not all(s.strip().isdecimal() for s in seeds.split(",")):
        raise typer.BadParameter(f"{seeds!r} is not numbers such as 0,1,2")
    return True


def _table(suite: str, rows: list[Any]) -> None:
    """Solved, wrong and unsolved by group, and in all."""
    import statistics

    from rich.console import Console
    from rich.table import Table

    made = Table("group", "problems", "solved", "wrong", "unsolved", "seconds", "median",
                 title=f"suite {suite}: `wrong` fits the examples only")  # fmt: skip
    groups = sorted({row.group for row in rows})
    for group in [*groups, "all"] if len(groups) != 1 else groups:
        part = [row for row in rows if group in (row.group, "all")]
        counts = [sum(r.verdict == v for r in part) for v in ("solved", "wrong", "unsolved")]
        times = [row.seconds for row in part] or [0.0]
        made.add_row(group, str(len(part)), *map(str, counts), f"{sum(times):.1f}",
                     f"{statistics.median(times):.3f}")  # fmt: skip
    Console().print(made)
