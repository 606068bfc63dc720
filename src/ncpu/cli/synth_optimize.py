"""`ncpu synth optimize`: shorter or faster straight-line A64, proved equal."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer


def optimize(
    source: Annotated[str, typer.Argument(help="A file of A64 assembly, or `-`.")],
    live_out: Annotated[
        str, typer.Option(help="What is read afterwards, such as x0,x1,flags.")
    ] = "x0",
    cost: Annotated[str, typer.Option(help="count, or latency (the critical path).")] = "count",
    limit: Annotated[float, typer.Option(help="Seconds.")] = 60.0,
    longest: Annotated[int, typer.Option(help="Instructions in a new sequence.")] = 4,
    output: Annotated[Path | None, typer.Option(help="Where the program goes.")] = None,
    report: Annotated[Path | None, typer.Option(help="A JSON file of costs and proofs.")] = None,
    quiet: Annotated[bool, typer.Option(help="Only the program.")] = False,
) -> None:
    """Make straight-line code shorter or faster; every change is proved for all inputs."""
    from ncpu import files, xla
    from ncpu.synth.optimize import OptimizeError
    from ncpu.synth.optimize import optimize as run

    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise OptimizeError(f"{source}: {error}") from error
    xla.use_cache()
    done = run(text, live_out=live_out, cost=cost, limit=limit, longest=longest)
    if output is None:
        print(done.text.rstrip("\n"))
    else:
        files.write(output, done.text)
    if report is not None:
        files.write_json(report, asdict(done))
    if quiet:
        return
    for change in done.rewrites:
        new = "; ".join(change.new) or "nothing"
        print(f"line {change.line}: {'; '.join(change.old)}  ->  {new}  "
              f"(proved, {change.proof_seconds:.2f} s)", file=sys.stderr)  # fmt: skip
    unit = "instructions" if cost == "count" else "cycles"
    tally = done.tally
    print(f"{done.old_cost[0]} -> {done.new_cost[0]} {unit} in straight-line code; "
          f"{tally.tried} candidates, {tally.proofs} proofs in {tally.proof_seconds:.2f} s, "
          f"{tally.refuted} refuted, {tally.undecided} undecided and refused"
          f"{'' if done.finished else '; stopped at the limit'}", file=sys.stderr)  # fmt: skip
