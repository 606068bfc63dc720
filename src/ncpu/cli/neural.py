"""Commands of the trained arithmetic: train, certify, compare, text."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from ncpu.cli.machine import (
    ALUS,
    PASS_ON,
    AluName,
    Arguments,
    Env,
    MaxSteps,
    Memory,
    select_alu,
)
from ncpu.cli.options import parse_environment, parse_mounts, parse_size

Folder = Annotated[
    Path | None,
    typer.Option("--checkpoint", help="The checkpoint's folder, by default the one in use."),
]

# `ncpu train`, to which every trained part adds its own command.
TRAINS = typer.Typer(help="Train networks from scratch, from a seed.")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    TRAINS.command("alu")(train_alu)
    app.add_typer(TRAINS, name="train")
    certifies = typer.Typer(help="Prove what trained networks compute.")
    certifies.command("alu")(certify_alu)
    app.add_typer(certifies, name="certify")
    app.command(context_settings=PASS_ON)(compare)
    app.command()(text)


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


def compare(
    program: Annotated[Path, typer.Argument(help="An ELF file, `.s` assembly or `.toy` source.")],
    args: Arguments = None,
    alu: Annotated[
        list[str] | None,
        typer.Option(help=f"Only this beside exact, repeatable: {', '.join(ALUS[1:])}."),
    ] = None,
    max_steps: MaxSteps = None,
    env: Env = None,
    mount: Annotated[
        list[str] | None,
        typer.Option(help="HOST:GUEST, a host folder it may read; repeatable."),
    ] = None,
    memory: Memory = "64M",
) -> None:
    """Run one program on every arithmetic, side by side; exit code 1 if they differ.

    Each run starts from the same state and reads the same input. Soft is at temperature 0,
    where it is the computation of neural: what one has compiled the other does not.
    """
    from rich.console import Console

    from ncpu import xla
    from ncpu.machine.loader import executable
    from ncpu.neural_alu import compare as comparison

    mounts = parse_mounts(mount or [])
    if any(writable for _, _, writable in mounts):
        raise typer.BadParameter("one run must not see what another wrote: mount read-only")
    alus = {name: select_alu(name) for name in dict.fromkeys(["exact", *(alu or ALUS)])}
    xla.use_cache()
    with Console(stderr=True).status(str(program)) as status:

        def report(mode: str, retired: int | None) -> None:
            done = "compiling" if retired is None else f"{retired:,} instructions"
            status.update(f"{mode}: {done}")

        rows = comparison.compare(
            executable(program),
            [str(program), *(args or [])],
            alus,
            stdin=b"" if sys.stdin.isatty() else sys.stdin.buffer.read(),
            max_steps=max_steps,
            report=report,
            env=parse_environment(env or []),
            mounts=mounts,
            memory_size=parse_size(memory),
        )
    raise SystemExit(_print_comparison(program, rows))


def _print_comparison(program: Path, rows: list[Any]) -> int:
    """The table; 1 if a row differs from the first."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console()
    reference = rows[0]
    table = Table("alu", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for column in ("exit", "retired", "seconds", "M instr/s", "compile"):
        table.add_column(column, justify="right")
    for column in ("digest", "differs in"):
        table.add_column(column)
    for row in rows:
        differing = ", ".join(row.differing(reference))
        table.add_row(
            row.mode,
            "-" if row.exit_code is None else str(row.exit_code),
            f"{row.retired:,}",
            f"{row.seconds:.3f}",
            f"{row.retired / row.seconds / 1e6:.3f}",
            f"{row.compiling:.1f} s",
            row.digest[:8],
            f"[red]{differing}[/]" if differing else "nothing",
        )
    console.print(f"{program} on each arithmetic, compared with {reference.mode}", highlight=False)
    console.print(table)
    differ = [row for row in rows if row.differing(reference)]
    for row in differ:
        for line in row.explain(reference):
            console.print(f"{row.mode}: {line}", markup=False)
    return 1 if differ else 0


def text(
    cipher: Annotated[str, typer.Option(help="caesar, vigenere or xor.")],
    key: Annotated[str, typer.Option(help="A number from 0 to 25; letters; for xor any text.")],
    decrypt: Annotated[bool, typer.Option("--decrypt", help="The other way.")] = False,
    alu: AluName = "neural",
) -> None:
    """Encrypt or decrypt text, each byte computed by the trained networks.

    Bytes in, bytes out; at a terminal a line at a time, for xor with the encrypted side in
    hexadecimal digits. A demonstration: none of these ciphers keeps a secret.
    """
    from ncpu import xla
    from ncpu.machine.alu import EXACT
    from ncpu.neural_alu.cipher import BLOCK
    from ncpu.neural_alu.cipher import cipher as start
    from ncpu.neural_alu.compute import ByNetworks, Exactly

    xla.use_cache()
    chosen = select_alu(alu)
    compute = Exactly() if chosen is EXACT else ByNetworks(chosen.gates)
    machine = start(cipher, key, compute, decrypt=decrypt)
    if sys.stdin.isatty():
        _converse(lambda: start(cipher, key, compute, decrypt=decrypt), cipher == "xor", decrypt)
        return
    while data := os.read(sys.stdin.fileno(), BLOCK):
        sys.stdout.buffer.write(machine(data))
        sys.stdout.buffer.flush()


def _converse(start: Any, binary: bool, decrypt: bool) -> None:
    """Each line typed is a message of its own; the end of input ends it."""
    prompt = "decrypt> " if decrypt else "encrypt> "
    while True:
        try:
            line = input(prompt)
        except (EOFError, KeyboardInterrupt):
            print()
            return
        try:
            message = bytes.fromhex(line) if binary and decrypt else line.encode()
        except ValueError:
            print("hexadecimal digits in pairs, please: what encrypting gave")
            continue
        out = start()(message)
        print(out.hex(" ") if binary and not decrypt else out.decode(errors="replace"))
