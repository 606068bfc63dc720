"""Neural arithmetic units on the published extrapolation task, and on two integer operands.

    python benchmarks/arithmetic_extrapolation.py [--steps N] [--seeds N] [--rate R] [--seed S]
        [--task sums|operands] [--quick] [--json PATH]

Success is an extrapolation error below that of a solution whose weights are off by 1e-5
(Madsen and Johansen 2019).  The published figures took 5,000,000 steps a run; the budget here
is printed above the tables.  `--quick` is a smoke run: 1,000 steps, 3 seeds.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import time
from pathlib import Path

from rich.console import Console

import ncpu  # noqa: F401  - before jax: sets XLA's flags
from ncpu.neural_alu.baselines import OPERATIONS, Budget, Row, display, operands, subset_sums, table

TASKS = {"sums": subset_sums, "operands": operands}
QUICK = Budget(steps=1_000, seeds=3, validation=1_000)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Arithmetic extrapolation of neural units.")
    parser.add_argument("--steps", type=int, help="of Adam, a run")
    parser.add_argument("--seeds", type=int, help="runs of each model, trained at once")
    parser.add_argument("--rate", type=float, help="Adam's learning rate")
    parser.add_argument("--seed", type=int, default=0, help="of all randomness")
    parser.add_argument("--task", choices=TASKS, help="only this one")
    parser.add_argument("--quick", action="store_true", help="a smoke run")
    parser.add_argument("--json", type=Path, help="where to write budget and rows")
    return parser.parse_args()


def write(path: Path, budget: Budget, seed: int, rows: list[Row]) -> None:
    content = {
        "budget": dataclasses.asdict(budget),
        "seed": seed,
        "rows": [dataclasses.asdict(row) for row in rows],
    }
    partial = path.with_name(path.name + ".part")
    partial.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(partial, path)


def main() -> None:
    args = arguments()
    given = {"steps": args.steps, "seeds": args.seeds, "learning_rate": args.rate}
    changed = {name: value for name, value in given.items() if value is not None}
    budget = dataclasses.replace(QUICK if args.quick else Budget(), **changed)
    console, progress = Console(width=170), Console(stderr=True)
    makers = [TASKS[args.task]] if args.task else list(TASKS.values())
    tasks = [make(operation) for make in makers for operation in OPERATIONS]
    console.print(
        f"{budget.seeds} runs of {budget.steps:,} steps (published: 100 of 5,000,000), batch "
        f"{budget.batch}, Adam at {budget.learning_rate:g}, to zero in the last fifth (published: "
        f"constant 0.001), seed {args.seed}"
    )
    started = time.perf_counter()

    def report(row: Row) -> None:
        where = f"{row.task}, {row.operation}, {row.model}"
        progress.print(f"{where}: {row.solved}/{row.seeds} in {row.seconds:.1f} s")

    rows = table(budget, tasks=tasks, seed=args.seed, report=report)
    for name in dict.fromkeys(task.name for task in tasks):
        console.print(display(rows, name))
    console.print(f"{time.perf_counter() - started:.0f} s in all, compilation included")
    if args.json:
        write(args.json, budget, args.seed, rows)


if __name__ == "__main__":
    main()
