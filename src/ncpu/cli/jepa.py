"""Commands of the world model: `ncpu train jepa`, `ncpu jepa report` and `ncpu jepa watch`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from ncpu.cli.jepa_watch import watch
from ncpu.cli.machine import PASS_ON
from ncpu.cli.neural import TRAINS

Folder = Annotated[
    Path | None,
    typer.Option("--checkpoint", help="The checkpoint's folder, by default the one in use."),
]
Programs = Annotated[
    Path | None,
    typer.Option(help="A folder with corpus/*.s, corpus/*.toy and *.c; ours if not given."),
]
Binaries = Annotated[int, typer.Option(help="How many of its C programs to compile.", min=0)]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    TRAINS.command("jepa")(train_jepa)
    jepa = typer.Typer(help="The world model: what it predicts.", no_args_is_help=True)
    jepa.callback()(_group)
    jepa.command()(report)
    jepa.command(context_settings=PASS_ON)(watch)
    app.add_typer(jepa, name="jepa")


def _group() -> None:
    """The world model: what it predicts of the machine, and how well."""


def train_jepa(
    seed: Annotated[int, typer.Option(help="Of the random weights and of the data.")] = 0,
    target: Annotated[str, typer.Option(help="vicreg, sigreg, ema or none.")] = "vicreg",
    weight: Annotated[float, typer.Option(help="Of VICReg's or SIGReg's terms.")] = 1.0,
    steps: Annotated[int, typer.Option(help="Gradient steps.", min=1)] = 12000,
    batch: Annotated[int, typer.Option(help="Transitions in each.", min=2)] = 128,
    programs: Programs = None,
    binaries: Binaries = 32,
    checkpoint: Folder = None,
) -> None:
    """Train a world model from scratch, measure it on held-out programs, save it."""
    from rich.console import Console

    from ncpu import xla
    from ncpu.jepa import checkpoint as storage
    from ncpu.jepa import study
    from ncpu.jepa.train import TARGETS, Progress, Recipe, train

    if target not in TARGETS:
        raise typer.BadParameter(f"{target!r} is none of {', '.join(TARGETS)}")
    xla.use_cache()
    console = Console()

    def show(progress: Progress) -> None:
        console.print(
            f"  step {progress.step:6,}: latent error {progress.loss:.4f}, "
            f"spread {progress.spread:.2f}, {progress.seconds:.0f} s"
        )

    work = _study(study, programs, binaries, console)
    recipe = Recipe(target=target, weight=weight, steps=steps, batch=batch, seed=seed)  # pyright: ignore[reportArgumentType]
    started = time.perf_counter()
    model = train(work.pool, recipe, report=show)
    seconds = round(time.perf_counter() - started, 1)
    monitor = work.monitor(model)
    panel = {**work.panel(model), "faults": work.faults(model, monitor)}
    _tables(panel, console)
    path = storage.folder() if checkpoint is None else checkpoint
    said = {"training": recipe.as_dict(), "seconds": seconds, "data": work.describe()}
    about = {"thresholds": monitor.thresholds.round(6).tolist(), "rate": monitor.rate}
    storage.save(model, path, {**said, "panel": panel, "monitor": about})
    console.print(f"{seconds:.0f} s; saved to {path}")


def report(
    programs: Programs = None,
    binaries: Binaries = 32,
    checkpoint: Folder = None,
    stored: Annotated[
        bool, typer.Option("--stored", help="What the checkpoint says, without measuring again.")
    ] = False,
    plots: Annotated[Path | None, typer.Option(help="A folder to draw into.")] = None,
) -> None:
    """Print every table of the panel, measured on programs held out from training.

    `--plots FOLDER` draws rank, rollouts, faults and a map of latents as PNG files.
    """
    from rich.console import Console

    from ncpu import xla
    from ncpu.jepa import checkpoint as storage
    from ncpu.jepa.errors import CheckpointError

    console = Console()
    if stored:
        said = storage.manifest(checkpoint)
        if "panel" not in said:
            raise CheckpointError("this checkpoint holds no figures: report without --stored")
        _tables(said["panel"], console)
        _draw(said["panel"], plots, console)
        return
    from ncpu.jepa import study

    xla.use_cache()
    model = storage.load(checkpoint)
    work = _study(study, programs, binaries, console)
    panel = {**work.panel(model), "faults": work.faults(model, work.monitor(model))}
    _tables(panel, console)
    _draw(panel, plots, console, model, work.held)


def _draw(panel: dict[str, Any], folder: Path | None, console: Any, *measured: Any) -> None:
    """The plots, with the map of latents where there is something to encode."""
    if folder is None:
        return
    from ncpu.jepa import plots

    for path in plots.draw(panel, folder, *measured):
        console.print(f"drew {path}")


def _study(study: Any, programs: Path | None, binaries: int, console: Any) -> Any:
    where = study.folder() if programs is None else programs
    with console.status(f"tracing the programs of {where}"):
        work = study.Study(study.gather(where, binaries, console.print))
    said = work.describe()
    console.print(
        f"{len(said['train_programs'])} programs to train on with "
        f"{said['train_transitions']:,} transitions, {len(said['test_programs'])} held out with "
        f"{said['test_transitions']:,}"
    )
    return work


def _tables(panel: dict[str, Any], console: Any) -> None:
    """The panel as tables."""
    from rich.table import Table

    names = ("changed", "destination", "registers", "flags", "pc", "whole")
    one, shuffled = panel["one_step"], panel["shuffled"]
    rows = {
        "predicted": one["predicted"],
        "true latents": one["true"],
        "copy": one["copy"],
        "linear": panel["linear"],
        "shuffled instructions": shuffled["predicted"],
    }
    table = Table("", *names, title="One instruction ahead, read by a linear probe")
    for name, row in rows.items():
        table.add_row(name, *(f"{row[key]:.4f}" for key in names))
    console.print(table)
    rank, errors = panel["rank"], f"{one['latent_error']:.4f} (copy {one['copy_error']:.4f})"
    console.print(
        f"rank of 16: first {rank['first']:.3f} (copy {rank['copy']:.3f}), mean "
        f"{rank['mean']:.2f}; latent error over variance {errors}"
    )
    table = Table("k", "changed", "whole", "copy changed", "copy whole", title="Rollouts")
    for k, row in panel["rollout"].items():
        own, copy = row["predicted"], row["copy"]
        cells = (own["changed"], own["whole"], copy["changed"], copy["whole"])
        table.add_row(k, *(f"{x:.4f}" for x in cells))
    console.print(table)
    table = Table("unit", "transitions", "whole view right", title="By unit")
    for name, (count, share) in sorted(one["units"].items(), key=lambda item: -item[1][0]):
        table.add_row(name, f"{count:,}", f"{share:.4f}")
    console.print(table)
    if "faults" in panel:
        _faults(panel["faults"], console)
    table = Table("sign of collapse", "", title="Collapse panel")
    for name, value in panel["collapse"].items():
        table.add_row(name, f"{value:.3f}")
    console.print(table)


def _faults(faults: dict[str, Any], console: Any) -> None:
    """AUROC of the monitor and of the baselines for each fault."""
    from rich.table import Table

    names = ("model", "fpr95", "alarms", "blind", "copy", "linear", "ngram", "replay")
    table = Table("fault", "count", *names, title="Faults: AUROC on held-out programs")
    for name, row in faults.items():
        cells = (f"{row[key]:.4f}" if key in row else "" for key in names)
        table.add_row(name, f"{row.get('count', 0):,}", *cells)
    console.print(table)
