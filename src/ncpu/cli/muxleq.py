"""The command that runs MUXLEQ images: muxleq."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from ncpu.cli.machine import INTERRUPTED, AluName, MaxSteps, Stats, select_alu

OUT_OF_STEPS = 124
# Learned arithmetic is hundreds of times slower: look at the output that much more often.
SLOW_PIECE = 1 << 13


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(muxleq)


def muxleq(
    image: Annotated[Path, typer.Argument(help="A `.dec` image, or assembly in `.mux`.")],
    save: Annotated[
        Path | None, typer.Option(help="Write the image there, in `.dec`, instead of running it.")
    ] = None,
    alu: AluName = "exact",
    max_steps: MaxSteps = None,
    stats: Stats = False,
) -> None:
    """Run a program of the one-instruction computer MUXLEQ, an eForth for one.

    Its input and output are ours; the end is exit code 0.
    """
    from ncpu import files
    from ncpu.machine.muxleq import image as images

    words = read_image(image)
    if save is not None:
        files.write(save, images.text(words).encode())
        return
    raise SystemExit(execute(words, alu, max_steps, stats))


def read_image(path: Path) -> Any:
    """The words of a `.dec` file or of `.mux` source, NumPy `u16[n]`.

    Raises:
      ImageError: no such file, or no image.
      AssemblyError: source that does not assemble, with its line.
    """
    from ncpu.machine.errors import ImageError
    from ncpu.machine.muxleq import assemble, parse

    try:
        text = path.read_text()
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ImageError(f"{path} is no text, as images and sources are") from error
    return assemble(text).words if path.suffix == ".mux" else parse(text)


def execute(words: Any, alu: str, max_steps: int | None, stats: bool) -> int:
    """Run an image on the terminal's streams; the exit code."""
    from ncpu import xla
    from ncpu.machine import muxleq as machine
    from ncpu.machine.alu import EXACT

    xla.use_cache()

    def write(data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    options: dict[str, Any] = {"alu": select_alu(alu), "write": write}
    if options["alu"] is not EXACT:
        options["piece"] = SLOW_PIECE
    if max_steps is not None:
        options["max_steps"] = max_steps
    started = time.perf_counter()
    try:
        result = machine.run(
            machine.load(words), lambda size: os.read(sys.stdin.fileno(), size), **options
        )
    except KeyboardInterrupt:
        print("\nncpu: interrupted", file=sys.stderr)
        return INTERRUPTED
    seconds = time.perf_counter() - started
    if not result.halted:
        print(f"ncpu: out of steps at word {machine.pc(result.state):#x}", file=sys.stderr)
    if stats:
        _print_stats(result.retired, seconds)
    return 0 if result.halted else OUT_OF_STEPS


def _print_stats(retired: int, seconds: float) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", "", show_header=False, title="ncpu muxleq")
    table.add_row("instructions", f"{retired:,}")
    table.add_row("seconds, compilation and waiting included", f"{seconds:.3f}")
    table.add_row("million instructions a second", f"{retired / seconds / 1e6:.3f}")
    Console(stderr=True).print(table)
