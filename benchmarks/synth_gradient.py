"""Gradient synthesis: who is solved, per-restart success, worth of the bank, restarts x steps/s.

    python benchmarks/synth_gradient.py u95 --seconds 6
    python benchmarks/synth_gradient.py u95 --seconds 6 --still    # the same draws, no gradient
    python benchmarks/synth_gradient.py tiny --seconds 6
    python benchmarks/synth_gradient.py loops --restarts 512
    python benchmarks/synth_gradient.py bank
    python benchmarks/synth_gradient.py speed

Every part writes `benchmarks/results/synth_gradient_PART.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ncpu import xla
from ncpu.synth import suites
from ncpu.synth.gradient.bank import Bank
from ncpu.synth.gradient.candidate import Layout
from ncpu.synth.gradient.frames import frames_of
from ncpu.synth.gradient.literature import TASKS, search
from ncpu.synth.gradient.strategy import LOOPS, STRAIGHT, Gradient
from ncpu.synth.gradient.tasks import prepare
from ncpu.synth.gradient.train import Schedule, train
from ncpu.synth.spec import Budget, SynthesisSpec

RESULTS = Path(__file__).parent / "results"


def warm(searcher: Gradient) -> None:
    """Compiles every layout, so that no problem pays for it."""
    spec = SynthesisSpec(suites.problem("sum_to_n").visible(), suites.problem("sum_to_n").signature)
    frames = {frame.loops: frame for frame in frames_of(spec.signature)}
    for layout in (*STRAIGHT, *LOOPS):
        frame = frames[layout.body > 0]
        prepared = prepare(spec, frame, layout)
        assert prepared is not None
        restarts = searcher.begin(prepared, layout, frame, jax.random.key(0))
        task = jax.tree.map(jnp.asarray, prepared.task)
        train(restarts, task, jax.random.key(0), jnp.int32(0), jnp.float32(60), layout=layout,
              schedule=searcher.schedule, steps=20)  # fmt: skip


def solve(searcher: Gradient, name: str, seconds: float, hidden: int) -> dict[str, Any]:
    """One problem, judged by the exact machine on inputs the search did not see."""
    problem = suites.problem(name)
    spec = SynthesisSpec(problem.visible(), problem.signature)
    start = time.perf_counter()
    found, turns = searcher.search(spec, Budget(seconds=seconds))
    spent = time.perf_counter() - start
    verdict, program = "unsolved", ""
    if found is not None:
        unseen = [*problem.hidden(hidden), *list(problem.edges())[:2000]]
        right = found.code.results([e.arguments for e in unseen]) == [e.result for e in unseen]
        verdict, program = "solved" if right else "wrong", str(found.code)
    last = turns[-1] if turns else None
    return {
        "name": name, "signature": str(problem.signature), "verdict": verdict, "seconds": spent,
        "restarts": sum(t.restarts for t in turns), "turns": len(turns),
        "restart steps": sum(t.restarts * t.steps for t in turns),
        "last turn": last and vars(last),
        "restart success": last.hits / last.restarts if last and found else 0.0,
        "lifted": bool(found and found.program is not None), "program": program,
    }  # fmt: skip


def suite(part: str, args: argparse.Namespace) -> dict[str, Any]:
    """Every problem of a suite, one bank over all of them."""
    schedule = Schedule(learning_rate=0.0) if args.still else Schedule()
    searcher = Gradient(restarts=args.restarts, schedule=schedule, learns=not args.no_bank)
    warm(searcher)
    rows, start = [], time.perf_counter()
    for name in suites.SUITES[part]:
        if time.perf_counter() - start > args.total:
            break
        row = solve(searcher, name, args.seconds, args.hidden)
        rows.append(row)
        print(f"{row['name']:22} {row['verdict']:9} {row['seconds']:6.1f} s "
              f"{row['restart success']:6.1%} of restarts", flush=True)  # fmt: skip
    seconds = [row["seconds"] for row in rows]
    tried = len(rows)
    count = {v: sum(r["verdict"] == v for r in rows) for v in ("solved", "wrong", "unsolved")}
    return {"problems": len(suites.SUITES[part]), "tried": tried, **count,
            "seconds": sum(seconds), "median seconds": float(np.median(seconds)),
            "limit": args.seconds, "bank": not args.no_bank, "gradient": not args.still,
            "rows": rows}  # fmt: skip


def loops(args: argparse.Namespace) -> dict[str, Any]:
    """The loop tasks with a pc of their own: success of each restart, exact machine as judge."""
    rows = []
    for task in TASKS:
        start = time.perf_counter()
        hits, right = search(task, args.restarts, args.steps, 0)
        rows.append({"name": task.name, "restarts": args.restarts, "hits": hits, "right": right,
                     "seconds": time.perf_counter() - start})  # fmt: skip
        print(f"{task.name:14} {hits:5} hit, {right:5} right of {args.restarts}", flush=True)
    note = (
        "our own selection in the manner of the literature's tasks; decrement, to zero, count up, "
        "double, multiply and parity need no branch with these forms"
    )
    return {"note": note, "steps": args.steps, "rows": rows}


def bank(args: argparse.Namespace) -> dict[str, Any]:
    """Per-restart success with starts from other problems' programs, and without."""
    teachers = ("array_sum", "digit_sum", "sum_to_n", "count_positive", "add_two")
    pupils = ("arr_sum_squares", "digit_product", "max_digit", "factorial", "sum_squares",
              "sum_positives", "count_zeros", "popcount")  # fmt: skip
    taught = Gradient(restarts=args.restarts)
    for name in teachers:
        solve(taught, name, args.seconds, 100)
    rows = []
    for name in pupils:
        row: dict[str, Any] = {"name": name}
        for label, used in (("with", taught.bank), ("without", Bank())):
            known = Gradient(restarts=args.restarts, bank=used, learns=False)
            done = solve(known, name, args.seconds, 1000)
            row[label] = {k: done[k] for k in ("verdict", "seconds", "restart success", "turns")}
        rows.append(row)
        print(name, row["with"], row["without"], flush=True)
    return {"teachers": teachers, "learned": len(taught.bank.programs), "rows": rows}


def speed(args: argparse.Namespace) -> dict[str, Any]:
    """Restarts x steps a second of every layout."""
    rows = []
    spec = SynthesisSpec(suites.problem("sum_to_n").visible(), suites.problem("sum_to_n").signature)
    frames = {frame.loops: frame for frame in frames_of(spec.signature)}
    for layout in (*STRAIGHT, *LOOPS):
        for count in (512, 4096):
            rows.append(_rate(spec, frames[layout.body > 0], layout, count))
            print(rows[-1], flush=True)
    return {"rows": rows}


def _rate(spec: SynthesisSpec, frame: Any, layout: Layout, count: int) -> dict[str, Any]:
    searcher, key = Gradient(restarts=count), jax.random.key(0)
    prepared = prepare(spec, frame, layout)
    assert prepared is not None
    restarts = searcher.begin(prepared, layout, frame, key)
    task = jax.tree.map(jnp.asarray, prepared.task)
    best = float("inf")
    for turn in range(4):  # the first compiles
        start = time.perf_counter()
        restarts, means = train(restarts, task, key, jnp.int32(0), jnp.float32(60), layout=layout,
                                schedule=Schedule(), steps=20)  # fmt: skip
        means.block_until_ready()
        best = min(best, time.perf_counter() - start) if turn else best
    return {"body": layout.body, "finish": layout.finish, "restarts": count,
            "restart steps per second": 20 * count / best}  # fmt: skip


def main() -> None:
    """Runs one part."""
    parser = argparse.ArgumentParser(description="gradient synthesis, measured")
    parser.add_argument("part", choices=("u95", "tiny", "loops", "bank", "speed"))
    parser.add_argument("--seconds", type=float, default=6.0, help="limit of a problem")
    parser.add_argument("--total", type=float, default=600.0, help="limit of a suite")
    parser.add_argument("--restarts", type=int, default=512)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--hidden", type=int, default=10_000)
    parser.add_argument("--no-bank", action="store_true", help="nothing is learned on the way")
    parser.add_argument("--still", action="store_true", help="a learning rate of 0: sampling alone")
    args = parser.parse_args()
    parts = {"loops": loops, "bank": bank, "speed": speed}
    xla.use_cache()
    start = time.perf_counter()
    load = os.getloadavg()[0]
    made = parts[args.part](args) if args.part in parts else suite(args.part, args)
    made |= {"part": args.part, "command": "python benchmarks/synth_gradient.py "
             f"{args.part} --seconds {args.seconds} --restarts {args.restarts}",
             "backend": jax.default_backend(), "cpus": os.cpu_count(),
             "load average at start": load,
             "wall seconds": time.perf_counter() - start}  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    without = "_no_bank" * args.no_bank + "_still" * args.still
    out = RESULTS / f"synth_gradient_{args.part}{without}.json"
    out.write_text(json.dumps(made, indent=1) + "\n")
    print({k: v for k, v in made.items() if k != "rows"})


if __name__ == "__main__":
    main()
