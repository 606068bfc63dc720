"""Execution as a training signal: a small model with it, without it, and controls.

    python benchmarks/synth_execution.py --output benchmarks/results/synth_execution.json

Every arm trains the same network on the same known programs.  Scores are shares of held-out
functions solved on inputs never trained on, judged by exact execution on 256 further inputs;
intervals are two-sided 95 % t-intervals over the seeds (draw of problems, start and batches).
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np

import ncpu  # noqa: F401
from ncpu import xla
from ncpu.synth.execution_signal import ARMS, make_world, score, split_problems, train

T_975 = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57}  # Student's t by the number of seeds


def interval(values: list[float]) -> tuple[float, float]:
    """Mean and half-width."""
    if len(values) < 2:
        return float(np.mean(values)), float("nan")
    half = T_975[len(values)] * np.std(values, ddof=1) / len(values) ** 0.5
    return float(np.mean(values)), float(half)


def main() -> None:
    """Print the table and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, choices=sorted(T_975))
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--labelled", type=int, default=400)
    parser.add_argument("--held-out", type=int, default=150)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    xla.use_cache()
    world = make_world(0)
    functions = int(world.function.max()) + 1
    print(
        f"{len(world.function)} programs, {functions} functions, {options.labelled} with a "
        f"known program, {options.held_out} held out; {options.steps} steps",
        flush=True,
    )
    known = {arm.name: arm for arm in ARMS}
    equal = "programs, equal compute"
    results: dict[str, list[dict[str, float]]] = {name: [] for name in [*known, equal]}
    if options.output and options.output.exists():  # go on where an earlier run stopped
        earlier = json.loads(options.output.read_text())
        if _given(earlier["options"]) == _given(vars(options)):
            results |= earlier["rows"]
    for seed in range(options.seeds):
        parts = split_problems(world, seed, options.labelled, options.held_out)
        flops = {
            n: r[seed]["flops"] / r[seed]["steps"] for n, r in results.items() if len(r) > seed
        }
        for name in results:
            if len(results[name]) > seed:
                continue
            start = time.perf_counter()
            arm, steps = known.get(name), options.steps
            if arm is None:  # as many operations as the most costly arm
                arm = replace(known["programs"], name=name)
                costliest = max(flops[n] for n in known)
                steps = round(steps * costliest / flops["programs"])
            model, cost = train(world, parts, arm, jax.random.key(seed), steps)
            flops[name] = cost
            row = score(world, model, parts.held_out) | {"steps": steps, "flops": cost * steps}
            row["seconds"] = time.perf_counter() - start
            row["trained"] = score(world, model, parts.labelled[:150])["tries"]
            results[name].append(row)
            print(f"seed {seed} {name:32}" + "".join(f"{k} {v:.4g}  " for k, v in row.items()),
                  flush=True)  # fmt: skip
            if options.output:
                _write(options.output, vars(options), functions, results)
    print(f"\n{'arm':32}{'first':>16}{'in ten tries':>16}{'trained on':>12}{'Tflop':>8}")
    for name, rows in results.items():
        cells = [interval([r[k] for r in rows]) for k in ("first", "tries")]
        text = "".join(f"{100 * m:9.1f} ±{100 * h:4.1f} %" for m, h in cells)
        trained = 100 * float(np.mean([r["trained"] for r in rows]))
        print(f"{name:32}{text}{trained:10.1f} %{rows[0]['flops'] / 1e12:8.2f}")
    for name in known:
        if name != "programs":
            pairs = zip(results[name], results[equal], strict=True)
            mean, half = interval([a["tries"] - b["tries"] for a, b in pairs])
            print(f"{name} less {equal}, paired, in ten tries: "
                  f"{100 * mean:+.1f} ±{100 * half:.1f} points")  # fmt: skip


def _write(path: Path, options: dict, functions: int, results: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = {"options": _given(options), "functions": functions, "rows": results}
    path.write_text(json.dumps(data, indent=1) + "\n")


def _given(options: dict) -> dict:
    return {k: v for k, v in options.items() if k not in ("output", "seeds")}


if __name__ == "__main__":
    main()
