"""Commands about the machine itself: asm, disasm, isa, verify, doctor, demo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (asm, disasm, isa, doctor, demo):
        app.command()(command)
    checks = typer.Typer(help="Check the machine against independent implementations.")
    checks.command("isa")(verify_isa)
    app.add_typer(checks, name="verify")


def asm(
    source: Annotated[Path, typer.Argument(help="A64 assembly.", exists=True, dir_okay=False)],
    output: Annotated[Path | None, typer.Option("-o", help="Write an ELF file here.")] = None,
) -> None:
    """Assemble: print address, word and text of every instruction, or write an ELF file."""
    from ncpu import files
    from ncpu.machine.asm import assemble
    from ncpu.machine.disasm import disassemble
    from ncpu.machine.loader import TEXT_BASE, elf_bytes

    assembled = assemble(source.read_text(), TEXT_BASE)
    if output is not None:
        files.write(output, elf_bytes(assembled), mode=0o755)
        return
    for offset, value in enumerate(assembled.words.tolist()):
        address = assembled.base + 4 * offset
        print(f"{address:8x}:  {value:08x}  {disassemble(value, address)}")


def disasm(
    program: Annotated[Path, typer.Argument(help="An ELF file.", exists=True, dir_okay=False)],
) -> None:
    """Disassemble an ELF file's executable segments."""
    import numpy as np

    from ncpu.machine import elf
    from ncpu.machine.disasm import disassemble_many

    image = elf.load(program, memory=256 << 20)
    names = {address: name for name, (address, _) in image.symbols.items()}
    for base, text in image.text:
        words = np.frombuffer(text[: len(text) & ~3], "<u4")
        for offset, line in enumerate(disassemble_many(words, base)):
            address = base + 4 * offset
            if address in names:
                print(f"\n{address:016x} <{names[address]}>:")
            print(f"{address:8x}:  {int(words[offset]):08x}  {line}")


def isa(
    markdown: Annotated[bool, typer.Option(help="Every form, as the page docs/isa.md.")] = False,
) -> None:
    """List what the instruction table covers."""
    from rich.console import Console
    from rich.table import Table

    from ncpu.machine.coverage import coverage, isa_markdown

    if markdown:
        print(isa_markdown())
        return
    table = Table("group", "rows", "mnemonics", title="The instruction table")
    for group in coverage():
        table.add_row(group.group, str(group.rows), " ".join(group.mnemonics))
    Console().print(table)


def verify_isa(
    count: Annotated[int, typer.Option(help="Random states for each row.", min=1)] = 100_000,
    seed: Annotated[int, typer.Option(help="Of the random states.")] = 0,
    only: Annotated[
        str, typer.Option(help="Only rows whose mnemonic or group contains this.")
    ] = "",
) -> None:
    """Compare every row of the table with Unicorn on random states."""
    from rich.progress import Progress

    from ncpu import xla
    from ncpu.machine.isa import TABLE
    from ncpu.machine.verify import comparable, verify

    xla.use_cache()
    rows = [r for r in comparable(TABLE) if only in f"{r.mnemonic} {r.group}"]
    cases = 0
    with Progress(transient=True) as progress:
        task = progress.add_task(f"{len(rows)} rows, seed {seed}", total=len(rows))

        def note(row, done, bad):
            nonlocal cases
            cases += done
            progress.update(task, advance=1, description=row.mnemonic)
            for mismatch in bad[:3]:
                progress.console.print(mismatch)

        found = verify(rows, count, seed, note)
    print(f"{len(rows)} rows, {cases:,} cases, seed {seed}: {len(found)} mismatches")
    raise SystemExit(1 if found else 0)


def doctor() -> None:
    """Check the installation: what is there, what is missing and how to get it."""
    from ncpu.doctor import report

    raise SystemExit(report(sys.stdout))


def demo() -> None:
    """The main job on real input: BusyBox, then a batch of lanes, and what was measured."""
    from ncpu.demo import main

    raise SystemExit(main())
