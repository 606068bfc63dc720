"""Heads trained to crystallisation, all in one vmap: time and how many are exactly right.

    python benchmarks/npcot_head.py --heads 1000

Each head has a hidden state of its own (64 numbers) and examples of a program of its own, drawn
from the programs that the verifier finds free of infinities on the domain and of which two inputs
show that they are not constant there, with an offset.  A head counts as exact if its crystallised
program is *decided* to equal the one behind the examples on the whole domain; what is not decided
is counted apart.  `crystallize` is called on every head as a user would call it: its certificate
bounds the distance of soft and discrete on the whole domain, and a bound above `MAX_GAP` is a
refusal.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import Counter

import jax
import numpy as np
from flax import nnx

import ncpu
from ncpu.npcot.crystallize import MAX_GAP, crystallize
from ncpu.npcot.domain import Domain
from ncpu.npcot.equivalence import equivalent
from ncpu.npcot.execute import execute
from ncpu.npcot.head import most_likely
from ncpu.npcot.interval import bounds
from ncpu.npcot.program import SPACE_SIZE, ArrayProgram, all_choices, all_programs
from ncpu.npcot.train import Schedule, all_results, evidence, logits_of, new_heads, train

DOMAIN = Domain(-9, 9, 6, 1)
METHODS = ("identical", "constant", "trial", "induction")  # the rest counts as undecided
WIDTH, ARRAYS, ROUNDS, OFFSETS = 64, 64, 3, 100


def usable_programs() -> tuple[list[int], dict[str, int]]:
    """Programs without infinities that are shown not to be constant, and how the others fall."""
    x, y, lengths = draw_arrays(np.random.default_rng(123))
    words = np.asarray(all_results(x, lengths, y))
    moves = (words != words[0]).any(0)
    usable, counts = [], Counter()
    for i, choice in enumerate(all_choices()):
        most = OFFSETS << (DOMAIN.format.frac if choice.scaled else 0)
        found = [bounds(choice, sign * most, DOMAIN) for sign in (-1, 1)]
        if any(f.infinite for f in found):
            counts["can be infinite"] += 1
        elif found[0].result is not None and found[0].result.low == found[0].result.high:
            counts["constant"] += 1
        elif not moves[i]:
            counts["not shown to vary"] += 1
        else:
            counts["usable"] += 1
            usable.append(i)
    return usable, dict(counts)


def draw_tasks(count: int, usable: list[int], rng: np.random.Generator) -> ArrayProgram:
    programs = all_programs()[rng.choice(usable, count)]
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


def certificates(heads: nnx.Module, hidden: np.ndarray) -> dict[str, object]:
    """`crystallize` on every head: how many are accepted, by which method, with which gaps."""
    graph, state = nnx.split(heads)
    gaps, methods = [], Counter()
    for i in range(len(hidden)):
        head = nnx.merge(graph, jax.tree.map(lambda leaf, i=i: leaf[i], state))
        _, certificate = crystallize(head, hidden[i], DOMAIN, max_gap=math.inf)
        gaps.append(certificate.gap)
        methods[certificate.method] += 1
    accepted = np.array(gaps) <= MAX_GAP
    quantiles = dict(zip(("50 %", "90 %", "99 %", "100 %"), (0.5, 0.9, 0.99, 1.0), strict=True))
    return {
        "max_gap": MAX_GAP,
        "temperature": certificate.temperature,
        "accepted": int(accepted.sum()),
        "refused": int((~accepted).sum()),
        "methods": dict(methods),
        "gap_quantiles": {k: float(np.quantile(gaps, q)) for k, q in quantiles.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--heads", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    usable, space = usable_programs()
    tasks = draw_tasks(args.heads, usable, rng)
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
    outcome, undecided = Counter(), 0
    wrong = []
    for i in range(args.heads):
        verdict = equivalent(found[i], tasks[i], DOMAIN, seconds=2.0, methods=METHODS)
        undecided += verdict.equal is None
        outcome[f"{verdict.method}: {verdict.equal}"] += 1
        if not verdict.equal:
            wrong.append((str(tasks[i]), str(found[i])))
    decided = time.perf_counter()
    certified = certificates(heads, hidden)
    exact = args.heads - len(wrong)
    for pair in wrong[:10]:
        print("  wanted {}, got {}".format(*pair))
    print(
        json.dumps(
            {
                "heads": args.heads,
                "space": {"all": SPACE_SIZE, **space},
                "seed": args.seed,
                "steps": args.steps,
                "seconds_evidence": round(looked - start, 1),
                "seconds_training": round(trained - looked, 1),
                "cpu_seconds": round(cpu, 1),
                "seconds_deciding": round(decided - trained, 1),
                "seconds_crystallising": round(time.perf_counter() - decided, 1),
                "first_loss": float(losses[0]),
                "last_loss": float(losses[-1]),
                "exact": exact,
                "different": args.heads - exact - undecided,
                "undecided": undecided,
                "decided_by": dict(outcome),
                "crystallised": certified,
                "version": ncpu.__version__,
                "jax": jax.__version__,
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
