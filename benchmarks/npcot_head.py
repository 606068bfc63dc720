"""Heads trained to crystallisation, all in one vmap: time and how many are exactly right.

    python benchmarks/npcot_head.py --heads 1000

Each head has a hidden state of its own (64 numbers) and examples of a program of its own, drawn
from the programs that the verifier finds free of infinities on the domain, with an offset.  A head
counts as exact if its crystallised program is *decided* to equal the one behind the examples on
the whole domain.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter

import jax
import numpy as np

import ncpu
from ncpu.npcot.domain import Domain
from ncpu.npcot.equivalence import equivalent
from ncpu.npcot.execute import execute
from ncpu.npcot.head import most_likely
from ncpu.npcot.interval import bounds
from ncpu.npcot.program import SPACE_SIZE, ArrayProgram, all_choices, all_programs
from ncpu.npcot.train import Schedule, all_results, evidence, logits_of, new_heads, train

DOMAIN = Domain(-9, 9, 6, 1)
METHODS = ("identical", "trial", "induction")  # what these leave open counts as not exact
WIDTH, ARRAYS, ROUNDS, OFFSETS = 64, 64, 3, 100


def draw_tasks(count: int, rng: np.random.Generator) -> ArrayProgram:
    space = all_programs()
    usable = [
        i
        for i, c in enumerate(all_choices())
        if not any(
            bounds(c, sign * OFFSETS << (DOMAIN.format.frac if c.scaled else 0), DOMAIN).infinite
            for sign in (-1, 1)
        )
    ]
    programs = space[rng.choice(usable, count)]
    scaled = np.array([program.choice.scaled for program in (programs[i] for i in range(count))])
    offsets = rng.integers(-OFFSETS, OFFSETS + 1, count) * np.where(
        scaled, 1 << DOMAIN.format.frac, 1
    )
    return ArrayProgram(**{**programs.__dict__, "offset": offsets.astype(np.int32)})


def draw_arrays(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = DOMAIN.max_length
    x = rng.integers(DOMAIN.low, DOMAIN.high + 1, (ARRAYS, n), np.int32)
    y = np.where(rng.random(x.shape) < 0.3, x, rng.permuted(x, axis=0)).astype(np.int32)
    span = rng.integers(1, DOMAIN.high + 1, (ARRAYS, 1))  # arrays of small numbers as well
    x, y = np.clip(x, -span, span), np.clip(y, -span, span)
    return x.astype(np.int32), y.astype(np.int32), rng.integers(DOMAIN.min_length, n + 1, ARRAYS)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--heads", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    tasks = draw_tasks(args.heads, rng)
    scaled = np.array([tasks[i].choice.scaled for i in range(args.heads)])
    hidden = rng.normal(size=(args.heads, WIDTH)).astype(np.float32)
    grid = jax.jit(jax.vmap(jax.vmap(execute, (None, 0, 0, 0)), (0, None, None, None)))

    start, cpu = time.perf_counter(), time.process_time()
    heads = new_heads(args.heads, WIDTH, jax.random.key(args.seed))
    seen = []
    for _ in range(ROUNDS):
        x, y, lengths = draw_arrays(rng)
        target = grid(tasks, x, lengths, y)
        seen.append(evidence(all_results(x, lengths, y), target, scaled))
    jax.block_until_ready(seen)
    looked = time.perf_counter()
    losses = train(heads, hidden, seen, Schedule(steps=args.steps), stacked=True)
    found = jax.device_get(most_likely(logits_of(heads, hidden, stacked=True)))
    trained, cpu = time.perf_counter(), time.process_time() - cpu
    print(f"trained in {trained - start:.1f} s ({cpu:.1f} s of CPU time)", flush=True)
    outcome = Counter()
    wrong = []
    for i in range(args.heads):
        verdict = equivalent(found[i], tasks[i], DOMAIN, seconds=2.0, methods=METHODS)
        outcome[verdict.method if verdict.equal else f"not equal: {verdict.equal}"] += 1
        if not verdict.equal:
            wrong.append((str(tasks[i]), str(found[i])))
    exact = args.heads - len(wrong)
    for pair in wrong[:20]:
        print("  wanted {}, got {}".format(*pair))
    print(
        json.dumps(
            {
                "heads": args.heads,
                "space": SPACE_SIZE,
                "seed": args.seed,
                "steps": args.steps,
                "seconds_evidence": round(looked - start, 1),
                "seconds_training": round(trained - looked, 1),
                "cpu_seconds": round(cpu, 1),
                "seconds_deciding": round(time.perf_counter() - trained, 1),
                "first_loss": float(losses[0]),
                "last_loss": float(losses[-1]),
                "exact": exact,
                "decided_by": dict(outcome),
                "version": ncpu.__version__,
                "jax": jax.__version__,
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
