"""Commands of the trained arithmetic: train, certify, compare, text."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[
    Path | None,
    typer.Option("--checkpoint", help="The checkpoint's folder, by default the one in use."),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    trains = typer.Typer(help="Train networks from scratch, from a seed.")
    trains.command("alu")(train_alu)
    app.add_typer(trains, name="train")
    certifies = typer.Typer(help="Prove what trained networks compute.")
    certifies.command("alu")(certify_alu)
    app.add_typer(certifies, name="certify")


def train_alu(
    seed: Annotated[int, typer.Option(help="Of the random weights.")] = 0,
    checkpoint: Folder = None,
) -> None:
    """Train every cell of the arithmetic on its truth table and save the checkpoint.

    A certificate of other weights is removed with them: `ncpu certify alu` makes a new one.
    """
    from rich.console import Console
    from rich.table import Table

    from ncpu.neural_alu import checkpoint as storage
    from ncpu.neural_alu.train import LEARNING_RATE, RESTARTS, STEPS, Progress, train

    console = Console()
    progress: list[Progress] = []

    def report(cell: Progress) -> None:
        progress.append(cell)
        console.print(f"  {cell.cell:8} {cell.rows:6,} rows, margin {cell.margin:.2f}")

    started = time.perf_counter()
    console.print(f"training from seed {seed}")
    networks = train(seed, report=report)
    seconds = time.perf_counter() - started
    table = Table("cell", "rows", "parameters", "exact of", "margin", title="Trained cells")
    for cell in progress:
        row = (f"{cell.rows:,}", f"{cell.parameters:,}", f"{cell.exact} of {cell.restarts}")
        table.add_row(cell.cell, *row, f"{cell.margin:.2f}")
    console.print(table)
    path = storage.folder() if checkpoint is None else checkpoint
    training = {
        "seed": seed,
        "steps": STEPS,
        "restarts": RESTARTS,
        "learning_rate": LEARNING_RATE,
        "cells": {cell.cell: {"rows": cell.rows, "margin": cell.margin} for cell in progress},
    }
    digest = storage.save(networks, path, training)
    console.print(f"{seconds:.0f} s; saved to {path}, digest {digest[:16]}")


def certify_alu(
    vectors: Annotated[
        int, typer.Option(help="Random and edge vectors for each operation and width.", min=1)
    ] = 10_000_000,
    seed: Annotated[int, typer.Option(help="Of the random vectors.")] = 0,
    checkpoint: Folder = None,
) -> None:
    """Certify the checkpoint: cells, complete sweeps, proofs for all inputs, random vectors."""
    from rich.console import Console

    from ncpu import xla
    from ncpu.neural_alu import checkpoint as storage
    from ncpu.neural_alu.certify import certify, write_certificate

    xla.use_cache()
    console = Console()
    path = storage.folder() if checkpoint is None else checkpoint
    networks = storage.load(path, certified=False)
    certificate = certify(
        networks, digest=storage.digest(networks), vectors=vectors, seed=seed, report=console.print
    )
    write_certificate(path / storage.CERTIFICATE, certificate)
    console.print(f"certificate written to {path / storage.CERTIFICATE}")
