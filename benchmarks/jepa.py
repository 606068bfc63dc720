"""The world model: every target trained on the same data, and the panel of each.

    python benchmarks/jepa.py [--steps 2500] [--seeds 5] [--arms vicreg,sigreg:1,ema,none]

Writes `benchmarks/results/jepa.json`; a target is followed by its weight after a colon.
"""

from __future__ import annotations

import argparse
import platform
import time
from pathlib import Path

import ncpu
from ncpu import files, xla

ARMS = "vicreg:1,sigreg:0.1,sigreg:1,sigreg:10,ema,none"
RESULTS = Path(__file__).parent / "results" / "jepa.json"


def main() -> None:
    import flax
    import jax

    from ncpu.jepa import checkpoint, study, train
    from ncpu.jepa.programs import Random

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--binaries", type=int, default=32)
    parser.add_argument("--arms", default=ARMS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--keep", type=Path, help="save the first arm's first model here")
    options = parser.parse_args()
    xla.use_cache()
    started = time.perf_counter()
    work = study.Study(study.gather(study.folder(), options.binaries, print))
    source = Random(0)
    source.draw(16384)
    before = time.perf_counter()
    source.draw(16384)
    drawn = 16384 / (time.perf_counter() - before)
    result = {
        "command": "python benchmarks/jepa.py",
        "versions": {"ncpu": ncpu.__version__, "jax": jax.__version__, "flax": flax.__version__},
        "machine": f"{platform.machine()}, {jax.default_backend()}",
        "data": work.describe(),
        "transitions_per_minute": round(60 * drawn),
        "arms": [],
    }
    print(f"data {time.perf_counter() - started:.0f} s, {60 * drawn:,.0f} transitions a minute")
    for arm in options.arms.split(","):
        name, _, weight = arm.partition(":")
        for seed in range(options.seeds):
            recipe = train.Recipe(
                target=name,
                weight=float(weight or 1),
                steps=options.steps,
                batch=options.batch,
                seed=seed,
            )
            before = time.perf_counter()
            cpu = time.process_time()
            model = train.train(work.pool, recipe)
            spent = {
                "seconds": round(time.perf_counter() - before, 1),
                "cpu_seconds": round(time.process_time() - cpu, 1),
            }
            panel = work.panel(model)
            result["arms"].append({"recipe": recipe.as_dict(), **spent, "panel": panel})
            one = panel["one_step"]["predicted"]
            print(arm, seed, spent, panel["rank"]["first"], one, flush=True)
            if options.keep is not None and len(result["arms"]) == 1:
                said = {"training": recipe.as_dict(), **spent, "data": result["data"]}
                checkpoint.save(model, options.keep, {**said, "panel": panel})
            files.write_json(options.out, result)


if __name__ == "__main__":
    main()
