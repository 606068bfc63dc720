"""What the world model is used for: levels, speculation, scheduling, and the price of a check.

    python benchmarks/jepa_uses.py [--parts levels,tasks,speculation,scheduling,price]

Reads the committed checkpoint; writes `benchmarks/results/jepa_uses.json`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

import ncpu
from ncpu import files, xla

RESULTS = Path(__file__).parent / "results" / "jepa_uses.json"
PARTS = ("levels", "tasks", "speculation", "scheduling", "price")


def levels(work: Any, model: Any, options: argparse.Namespace) -> dict[str, Any]:
    """The block level over 8 and 64 instructions, one seed each."""
    from ncpu.jepa import blocks, evaluate

    found = {}
    for k in (8, 64):
        train = evaluate.sequences(work.train, k, options.stretches)
        test = evaluate.sequences(work.test, k, 512, seed=1)
        recipe = blocks.BlockRecipe(steps=options.steps)
        level = blocks.train_blocks(model, train, recipe)
        found[str(k)] = blocks.panel(model, level, test)
        print("level of", k, found[str(k)], flush=True)
    return found


def tasks(work: Any, model: Any, options: argparse.Namespace) -> dict[str, Any]:
    """The task level: programs retrieved from eight examples of what they do."""
    from ncpu.jepa import tasks as level

    found = []
    for seed in range(options.seeds):
        train = level.draw(options.programs, 8, seed)
        test = level.draw(1024, 8, 1000 + seed).part(np.arange(256))
        trained = level.train_tasks(train, steps=3 * options.steps, seed=seed)
        found.append(level.panel(trained, test, train))
        print("tasks", found[-1], flush=True)
    return {"seeds": found}


def speculation(work: Any, model: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Stretches of compiled programs, predicted and verified."""
    from ncpu.jepa import evaluate, study
    from ncpu.jepa.programs import LANE, compile_c, padded
    from ncpu.jepa.speculate import speculate, summary
    from ncpu.machine.linux.launch import Session
    from ncpu.machine.program import Program

    probe = evaluate.Evaluator(model, work.pool).probe
    names = [p.name for p in work.test if p.name.endswith(".c")][: options.binaries]
    found = {}
    for k in (1, 4, 16, 64):
        parts = []
        for name in names:
            elf = compile_c(study.folder() / name)
            session = Session(elf, [name], memory_size=LANE)
            session.run(3000)
            state, program = session.state, padded(Program.from_state(session.state))
            for _ in range(8):
                state, said = speculate(model, probe, program, state, k)
                parts.append(said)
        found[str(k)] = summary(parts)
        print("speculation over", k, found[str(k)], flush=True)
    return found


def scheduling(work: Any, model: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Turnaround on held-out programs, a scheduler fitted on the others."""
    from ncpu.jepa.gather import jobs
    from ncpu.jepa.programs import held_out
    from ncpu.jepa.scheduling import PredictiveScheduler, compare

    known = jobs(work.train + work.test, print)
    fitted = PredictiveScheduler([job for job in known if not held_out(job.name)])
    test = [job for job in known if held_out(job.name)]
    found = compare(fitted, test, rounds=10)
    print("scheduling", found, flush=True)
    lengths = [job.total for job in test]
    return {"policies": found, "jobs": len(test), "lengths": [min(lengths), max(lengths)]}


def price(work: Any, model: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Seconds to check a transition: by the model, by replay alone, one and many at a time."""
    from ncpu.jepa.faults import clean
    from ncpu.jepa.transition import take, transitions

    monitor = work.monitor(model)
    found = {}
    for count in (64, 2048):
        some = take(work.held, np.resize(np.arange(len(work.held.valid)), count))
        seen = clean(some)
        checks = {
            "model": lambda seen=seen: monitor.score(seen),
            "replay": lambda some=some: np.asarray(
                transitions(some.before, some.packed, some.bus).valid
            ),
        }
        for name, check in checks.items():
            check()
            before = time.perf_counter()
            check()
            found[f"{name}, {count} at once"] = count / (time.perf_counter() - before)
    print("checked a second", found, flush=True)
    return found


def main() -> None:
    from ncpu.jepa import checkpoint, study

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--stretches", type=int, default=4000)
    parser.add_argument("--programs", type=int, default=8000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--binaries", type=int, default=32)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    xla.use_cache()
    work = study.Study(study.gather(study.folder(), options.binaries, print))
    model = checkpoint.load()
    result: dict[str, Any] = {
        "command": "python benchmarks/jepa_uses.py",
        "ncpu": ncpu.__version__,
        "options": {name: str(value) for name, value in vars(options).items() if name != "out"},
    }
    for part in options.parts.split(","):
        result[part] = globals()[part](work, model, options)
        options.out.parent.mkdir(exist_ok=True)
        files.write_json(options.out, result)


if __name__ == "__main__":
    main()
