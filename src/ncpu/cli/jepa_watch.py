"""`ncpu jepa watch`: the world model's anomaly monitor beside a running program."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ncpu.cli.machine import Arguments

BAR = " ▁▂▃▄▅▆▇█"
CELLS = 32


def watch(
    program: Annotated[Path, typer.Argument(help="An ELF file, `.s` assembly or `.toy` source.")],
    args: Arguments = None,
    stretches: Annotated[int, typer.Option(help="Stretches to score at most.", min=1)] = 16,
    steps: Annotated[int, typer.Option(help="Instructions of each.", min=8)] = 256,
    between: Annotated[int, typer.Option(help="Instructions between them.", min=1)] = 10_000,
    fault: Annotated[str | None, typer.Option(help="Show the monitor this fault once.")] = None,
    at: Annotated[int, typer.Option(help="In which stretch, from 0.", min=0)] = 4,
    seed: Annotated[int, typer.Option(help="Of the fault.")] = 0,
    checkpoint: Annotated[
        Path | None, typer.Option(help="The model's folder, by default the one in use.")
    ] = None,
) -> None:
    """Run a program with the monitor beside it; each line is a stretch of its instructions.

    Bars are the highest surprise among neighbouring instructions, full at the threshold; an
    alarm names its instruction. `--fault list` names the faults.
    """
    from rich.console import Console

    from ncpu import xla
    from ncpu.jepa import checkpoint as storage
    from ncpu.jepa import watch as watching
    from ncpu.jepa.faults import FAULTS
    from ncpu.machine.linux.launch import Session
    from ncpu.machine.loader import executable

    console = Console(highlight=False)
    if fault == "list":
        console.print("\n".join(FAULTS))
        return
    if fault is not None and fault not in FAULTS:
        raise typer.BadParameter(f"{fault!r} is none of {', '.join(FAULTS)}")
    xla.use_cache()
    monitor = storage.monitor(checkpoint)
    out = sys.stdout.buffer
    session = Session(executable(program), [str(program), *(args or [])], stdout=out, stderr=out)
    alarms = checked = 0
    told = False
    options = {"stretches": stretches, "steps": steps, "between": between}
    for stretch in watching.watch(session, monitor, **options, fault=fault, at=at, seed=seed):
        sys.stdout.flush()
        checked += len(stretch.scores)
        alarms += len(stretch.alarms)
        told |= stretch.faulty is not None and stretch.faulty in stretch.alarms
        console.print(f"{stretch.executed:12,} {_bars(stretch)} {len(stretch.alarms):3} alarms")
        for index in stretch.alarms[:3]:
            note = f"  [bold]{fault}[/]" if index == stretch.faulty else ""
            console.print(
                f"{'':12} {stretch.where(int(index))}, {stretch.scores[index]:.1f} times the "
                f"threshold{note}"
            )
    console.print(f"{alarms} alarms in {checked:,} instructions checked")
    if fault is not None:
        console.print(f"{fault}: {'found' if told else 'not found'}")


def _bars(stretch: object) -> str:
    import numpy as np

    scores = np.asarray(stretch.scores)  # pyright: ignore[reportAttributeAccessIssue]
    parts = np.array_split(scores, min(CELLS, len(scores)))
    highest = np.array([part.max() for part in parts])
    level = np.clip(highest * (len(BAR) - 1), 0, len(BAR) - 1).astype(int)
    return "".join(BAR[k] for k in level).ljust(CELLS)
