"""The smallest instruction subset that solves a suite: by gradient and by greedy removal.

python benchmarks/synth_isa.py [--output benchmarks/results/synth_isa.json]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import jax
import numpy as np

import ncpu  # noqa: F401
from ncpu import xla
from ncpu.synth.isa_discovery import Discovery, Solver, collect, gradient, greedy, solved_by


def smallest(known: list, count: int) -> int:
    """Fewest forms with which every problem keeps a known program (z3, exact)."""
    import z3

    optimizer = z3.Optimize()
    has = [z3.Bool(f"f{k}") for k in range(count)]
    for programs in known:
        if programs:
            optimizer.add(z3.Or([z3.And([has[f] for f in used]) for used in programs]))
    total = optimizer.minimize(z3.Sum([z3.If(h, 1, 0) for h in has]))
    optimizer.set("timeout", 60_000)
    return optimizer.upper(total).as_long() if optimizer.check() == z3.sat else -1


def main() -> None:
    """Print the table and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--work", type=float, default=1e6)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    xla.use_cache()
    solver = Solver(work=options.work)
    full = solved_by(solver, frozenset(range(len(solver.forms))))
    print(
        f"{len(solver.forms)} forms solve {len(full)} of {len(solver.problems)} problems; "
        "the suite is what they solve"
    )
    solver = Solver(problems=[solver.problems[p] for p in full], work=options.work)
    print(f"{'method':24}{'forms':>7}{'solved':>8}{'seconds':>9}{'searches':>10}")
    rows = []

    def show(found: Discovery, name: str, more: float = 0.0, searches: int = 0) -> None:
        row = {"method": name, "forms": len(found.forms), "solved": found.solved,
               "seconds": found.seconds + more, "searches": found.searches + searches,
               "subset": [solver.forms[f].text for f in sorted(found.forms)]}  # fmt: skip
        rows.append(row)
        if options.output:  # after every row, so that a stopped run keeps what it found
            options.output.parent.mkdir(parents=True, exist_ok=True)
            data = {"forms": len(solver.forms), "problems": len(solver.problems), "rows": rows}
            options.output.write_text(json.dumps(data, indent=1) + "\n")
        print(f"{name:24}{row['forms']:>7}{row['solved']:>8}{row['seconds']:>9.1f}"
              f"{row['searches']:>10}", flush=True)  # fmt: skip

    show(greedy(solver), "greedy, last first")
    for seed in range(options.seeds):
        order = np.random.default_rng(seed).permutation(len(solver.forms))
        show(greedy(solver, order), f"greedy, order {seed}")
    bounds = []
    for seed in range(options.seeds):
        key, train = jax.random.split(jax.random.key(seed))
        start, before = time.perf_counter(), solver.searches
        known = collect(solver, key)
        spent, made = time.perf_counter() - start, solver.searches - before
        bounds.append(smallest(known, len(solver.forms)))
        found = gradient(solver, train, known=known)
        show(found, f"gradient, seed {seed}", spent, made)
        rows[-1]["least over known programs"] = bounds[-1]
        rest = greedy(solver, start=found.forms)
        show(rest, f"gradient, then greedy {seed}", spent + found.seconds, made + found.searches)
    print(f"least over the programs known to the gradient (z3): {bounds}")
    print("smallest:", "; ".join(min(rows, key=lambda r: (-r["solved"], r["forms"]))["subset"]))


if __name__ == "__main__":
    main()
