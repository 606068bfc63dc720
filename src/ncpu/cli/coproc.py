"""Commands of the coprocessor: train, eval, report and bench."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RESULTS = Path("benchmarks/results/coproc.json")
ALL = "all"
EXAMPLE = "On day 12, subtract 4809 from 70512983: "

Folder = Annotated[
    Path | None,
    typer.Option("--models", help="The folder of trained models, by default ncpu's own."),
]
Json = Annotated[Path, typer.Option("--json", help="The file of results.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    coproc = typer.Typer(
        help="Exact arithmetic inside a language model's forward pass.", no_args_is_help=True
    )
    coproc.command()(train)
    coproc.command("eval")(evaluate)
    coproc.command()(report)
    coproc.command()(ask)
    coproc.command()(bench)
    app.add_typer(coproc, name="coproc")


def train(
    condition: Annotated[
        str, typer.Option(help="A row of the comparison, or `all` of them.")
    ] = "ours",
    seed: Annotated[list[int] | None, typer.Option(help="Repeatable; 0 by default.")] = None,
    steps: Annotated[int, typer.Option(help="Of the optimiser.", min=1)] = 6000,
    models: Folder = None,
) -> None:
    """Train small decoders from scratch on generated text, with and without the coprocessor.

    All conditions have as many parameters and see the same text for as many steps.
    """
    from rich.console import Console

    from ncpu import xla
    from ncpu.coproc.experiment import checkpoint
    from ncpu.coproc.experiment import train as training
    from ncpu.coproc.experiment.conditions import CONDITIONS
    from ncpu.coproc.experiment.conditions import condition as by_name

    xla.use_cache()
    console = Console()
    wanted = list(CONDITIONS.values()) if condition == ALL else [by_name(condition)]
    schedule = training.Schedule(steps=steps)

    def progress(step: int, means: dict[str, float]) -> None:
        losses = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
        console.print(f"  {step:5}  {losses}", highlight=False)

    for number in seed or [0]:
        for each in wanted:
            console.print(f"{each.name}, seed {number}")
            trained = training.train(each, number, schedule, report=progress)
            path = checkpoint.folder(each.name, number, models)
            checkpoint.save(trained, path)
            console.print(f"{trained.record['seconds']:.0f} s; saved to {path}")


def evaluate(
    models: Folder = None,
    each: Annotated[int, typer.Option(help="Problems for every operation and length.", min=1)] = 90,
    negatives: Annotated[
        int, typer.Option(help="Lines in which nothing is to be computed.", min=1)
    ] = 10_000,
    json: Json = RESULTS,
) -> None:
    """Score every trained model that is there on held-out text; write the results as JSON.

    Results of models that are not there stay as they are in the file.
    """
    import sys
    import time

    from rich.console import Console

    from ncpu import xla
    from ncpu.coproc.experiment import checkpoint
    from ncpu.coproc.experiment import evaluate as protocol
    from ncpu.coproc.experiment import report as reporting
    from ncpu.coproc.experiment.conditions import CONDITIONS

    xla.use_cache()
    console = Console()
    under = checkpoint.home() if models is None else models
    found = {
        name: [
            checkpoint.load(path)
            for path in sorted(under.glob(f"{checkpoint.folder(name, 0).name[:-1]}*"))
        ]
        for name in CONDITIONS
    }
    if not any(found.values()):
        checkpoint.load(checkpoint.folder("ours", 0, models))  # says what is missing
    results = reporting.read(json) if json.exists() else reporting.nothing()
    started, command = time.perf_counter(), " ".join(["ncpu", *sys.argv[1:]])
    for name, runs in found.items():
        for run in runs:
            console.print(f"{name}, seed {run.record['seed']}")
            row = protocol.evaluate(run, each=each, report=lambda text: console.print("  ", text))
            kept = [
                r
                for r in results["conditions"].get(name, [])
                if r["training"]["seed"] != run.record["seed"]
            ]
            results["conditions"][name] = [*kept, row | {"command": command}]
    if found["ours"]:
        results["ours"] = protocol.mechanism(
            found["ours"][0],
            each=each,
            negatives=negatives,
            report=lambda text: console.print("  ", text),
        )
        results["ours"]["command"] = command
    results["versions"] = protocol.versions()
    reporting.write(results, json)
    console.print(f"{time.perf_counter() - started:.0f} s; written to {json}")


def report(
    json: Annotated[Path, typer.Argument(help="Results of `ncpu coproc eval`.")] = RESULTS,
    plots: Annotated[
        Path | None, typer.Option(help="A folder that gets the plots as SVG files.")
    ] = None,
) -> None:
    """Print the tables of an evaluation."""
    from rich.console import Console

    from ncpu.coproc.experiment import report as reporting

    results = reporting.read(json)
    console = Console()
    for table in reporting.tables(results):
        console.print(table)
    if plots is not None:
        from ncpu import xla
        from ncpu.coproc.experiment import checkpoint
        from ncpu.coproc.experiment.show import sentence

        xla.use_cache()
        found = sentence(checkpoint.load(checkpoint.folder("ours", 0)).model, EXAMPLE)
        heat = plots / "coproc-sentence.svg"
        reporting.heat_map(found.text, found.role, found.gate, heat)
        for path in [*reporting.plots(results, plots), heat]:
            console.print(f"plot written to {path}")


def ask(
    prompt: Annotated[str, typer.Argument(help="The beginning of a line, such as '12 + 30 = '.")],
    models: Folder = None,
) -> None:
    """Continue a line with the small trained model, and show what its coprocessor read."""
    from rich.console import Console

    from ncpu import xla
    from ncpu.coproc.experiment import checkpoint
    from ncpu.coproc.experiment.show import table

    xla.use_cache()
    trained = checkpoint.load(checkpoint.folder("ours", 0, models))
    Console().print(table(trained.model, prompt))


def bench(
    model: Annotated[Path, typer.Option(help="A local Hugging Face folder with its coprocessor.")],
    tasks: Annotated[
        list[str] | None, typer.Option(help="arithmetic, humaneval or mbpp; repeatable.")
    ] = None,
    coprocessor: Annotated[
        Path | None, typer.Option(help="The coprocessor's folder, by default the model's own.")
    ] = None,
    humaneval: Annotated[Path | None, typer.Option(help="HumanEval's problems, JSONL.")] = None,
    mbpp: Annotated[Path | None, typer.Option(help="MBPP's problems, JSONL.")] = None,
    count: Annotated[int, typer.Option(help="Problems of each operation and length.", min=1)] = 10,
    limit: Annotated[int | None, typer.Option(help="Problems of each task at most.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Where results are written.")] = None,
) -> None:
    """Compare a model with itself and its coprocessor: same problems, prompts and seeds.

    Code that the model writes runs in the sandbox only.
    """
    from rich.console import Console
    from rich.table import Table

    from ncpu.coproc.bench import run as harness

    console = Console()
    found = harness.run(
        model,
        tasks or ["arithmetic"],
        coprocessor=coprocessor,
        humaneval=humaneval,
        mbpp=mbpp,
        count=count,
        limit=limit,
        report=console.print,
    )
    table = Table("task", "base", "injected", "p (McNemar)", "mean gate", title="Exact match, %")
    for name, row in found["tasks"].items():
        rates = (
            f"{100 * row[k]['rate']:.1f} ({100 * row[k]['interval'][0]:.1f}-"
            f"{100 * row[k]['interval'][1]:.1f})"
            for k in ("base", "injected")
        )
        table.add_row(name, *rates, f"{row['mcnemar']['p']:.2g}", f"{row['gates']['mean']:.2g}")
    console.print(table)
    if json is not None:
        harness.write(found, json)
        console.print(f"written to {json}")
