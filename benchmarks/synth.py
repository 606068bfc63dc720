"""Solved problems and times of program synthesis: `python benchmarks/synth.py --help`.

`suite` runs families of the suites and judges programs on hidden inputs; `solo` does so with every
strategy alone, `ablate` without one ingredient at a time; `rate` prints candidates
per second of the enumeration; `peer` runs cvc5 on the same SyGuS files; `library` compares a hit of
a program library with the search it saves.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import ncpu  # noqa: F401  (sets XLA flags before jax starts)
from ncpu.synth import bench
from ncpu.synth.odds import Odds
from ncpu.synth.portfolio import ProgramSynthesizer
from ncpu.synth.spec import Budget
from ncpu.synth.strategies import default_strategies
from ncpu.synth.suites import problem, problems

SUITES = ("u63", "u95", "tiny", "a", "b", "additions")


def chosen_of(options: argparse.Namespace) -> list:
    """The problems asked for."""
    if options.suite in SUITES:
        found = list(problems(options.suite, seeds=options.seeds, widths=options.widths))
    else:
        seeds = options.seeds or [0]
        found = [problem(name, seed) for name in options.suite.split(",") for seed in seeds]
    return [p for p in found if not options.group or p.family.group in options.group]


def suite(options: argparse.Namespace) -> None:
    odds = None
    if options.odds:
        odds = Odds.load(options.odds) if options.odds.exists() else Odds()
    made = ProgramSynthesizer(budget=Budget(options.limit), odds=odds)
    found = judged(chosen_of(options), made, options)
    if odds is not None:
        odds.save(options.odds)
    print({k: v for k, v in found.items() if k != "rows"})
    if options.json:
        write(options.json, found)


def judged(chosen, synthesizer, options, mining: bool = True, quiet: bool = False) -> dict:
    """Problems run one after the other, with a line for each."""
    rows, start = [], time.perf_counter()
    for made in chosen:
        row = bench.run(made, synthesizer, options.hidden, mining)
        rows.append(row)
        if not quiet:
            print(f"{row.group:4}{row.name:24}{row.seed:2}{row.width:3} {row.verdict:9}"
                  f"{row.seconds:7.2f} s  {row.strategy:11} {row.program[:90]}  "
                  f"{row.wrong_at[:60]}",
                  flush=True)  # fmt: skip
    found = bench.summary(rows)
    return {"suite": options.suite, "limit": options.limit, "hidden": options.hidden,
            "wall seconds with judging": time.perf_counter() - start,
            "load average": os.getloadavg()[0], **found}  # fmt: skip


def solo(options: argparse.Namespace) -> None:
    """What every strategy solves alone."""
    chosen, found = chosen_of(options), {}
    for strategy in default_strategies():
        made = ProgramSynthesizer([strategy], Budget(options.limit))
        result = judged(chosen, made, options, quiet=True)
        found[strategy.name] = {k: result[k] for k in ("solved", "wrong", "unsolved", "seconds")}
        print(f"{strategy.name:12} {found[strategy.name]}", flush=True)
    if options.json:
        write(options.json, {"suite": options.suite, "problems": len(chosen), "alone": found})


def ablate(options: argparse.Namespace) -> None:
    """The whole portfolio, then without one ingredient at a time."""
    chosen, found = chosen_of(options), {}
    learned = Odds()
    runs = {
        "in the order given": (None, True),
        "learning odds": (learned, True),
        "odds learned before": (learned, True),
        "without mined constants": (None, False),
    }
    for name, (odds, mining) in runs.items():
        made = ProgramSynthesizer(budget=Budget(options.limit), odds=odds)
        result = judged(chosen, made, options, mining, quiet=True)
        found[name] = {k: v for k, v in result.items() if k != "rows"}
        print(f"{name:24} {result['solved']} of {len(chosen)} in {result['seconds']:.1f} s, "
              f"median {result['median seconds']:.3f} s", flush=True)  # fmt: skip
    if options.json:
        write(options.json, found)


def rate(options: argparse.Namespace) -> None:
    import numpy as np

    from ncpu.synth.enumerate import Bank, Leaf, OutOfBudget
    from ncpu.synth.expression import arg, const
    from ncpu.synth.operators import TABLE
    from ncpu.synth.types import Kind

    rng = np.random.default_rng(0)
    leaves = [Leaf(arg(k, Kind.I), rng.integers(-50, 50, 16)) for k in range(2)]
    leaves += [Leaf(const(c, Kind.I), np.full(16, c)) for c in (0, 1, 2)]
    names = ["add", "sub", "mul", "div", "mod", "min", "max", "abs"]
    rows = [TABLE[name] for name in [*names, "lt", "le", "eq", "and", "or", "not"]]
    start = time.perf_counter()
    bank = Bank(leaves, rows, 16, deadline=start + options.limit)
    try:
        while True:
            bank.grow()
    except OutOfBudget:
        spent = time.perf_counter() - start
    kept = sum(r.count for r in bank.rows.values())
    print(f"{bank.candidates:,} candidates in {spent:.2f} s: {bank.candidates / spent:,.0f}/s, "
          f"{kept:,} distinct on 16 examples, to size {bank.size}")  # fmt: skip
    jitted_block()


def jitted_block() -> None:
    """One block of candidates, values and hashes, by NumPy and by a jitted JAX function."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    rng = np.random.default_rng(0)
    left, right = rng.integers(-50, 50, (2, 256, 16))
    odd = rng.integers(0, 1 << 63, 16, np.uint64)
    names = ["add", "subtract", "multiply", "minimum", "maximum", "less"]
    times = {"numpy": 0.0, "jax": 0.0, "compile": 0.0}

    def timed(key, function, *operands):
        start = time.perf_counter()
        made = jax.block_until_ready(function(*operands))
        times[key] += time.perf_counter() - start
        return made[1]

    def block(xp):
        def made(function, a, b, odd):
            values = function(a[:, None], b[None])
            return values, (values.astype(xp.uint64) * odd).sum(axis=-1)

        return made

    with jax.enable_x64(True):
        by_numpy, by_jax = block(np), jax.jit(block(jnp), static_argnums=0)
        for name in names:
            first = timed("compile", by_jax, getattr(jnp, name), left, right, odd)
            for _ in range(20):
                hashes = timed("numpy", by_numpy, getattr(np, name), left, right, odd)
                timed("jax", by_jax, getattr(jnp, name), left, right, odd)
                assert (hashes == np.asarray(first)).all()
    count = 20 * len(names) * 256 * 256
    rates = {key: count / seconds for key, seconds in times.items()}
    print(f"values and hashes of blocks of 65,536: NumPy {rates['numpy']:,.0f}/s, jitted JAX "
          f"{rates['jax']:,.0f}/s, {times['compile'] / len(names) * 1e3:.0f} ms to compile each "
          f"shape of an operator")  # fmt: skip


def peer(options: argparse.Namespace) -> None:
    import synth_peer

    chosen = [p for p in problems("a", seeds=options.seeds, widths=options.widths)
              if p.family.group in options.group and synth_peer.scalar(p)]  # fmt: skip
    if options.names:
        chosen = [p for p in chosen if p.name in options.names.split(",")]
    found = synth_peer.peer(options, chosen[:: options.every])
    print(json.dumps({k: v for k, v in found.items() if k != "rows"}, indent=1))
    if options.json:
        write(options.json, found)


def library(options: argparse.Namespace) -> None:
    import statistics
    import tempfile

    from ncpu.synth.library import Library
    from ncpu.synth.spec import SynthesisSpec

    synthesizer = ProgramSynthesizer(budget=Budget(options.limit))
    cold, hits, first, specs = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        store = Library(Path(folder))
        for made in list(problems(options.suite, seeds=[0]))[:: options.every]:
            spec = SynthesisSpec(made.visible(), made.signature)
            start = time.perf_counter()
            found = synthesizer.synthesize(spec)
            if found.solved and found.solution is not None:
                cold.append(time.perf_counter() - start)
                store.put(spec, found.solution)
                specs.append((spec, found.solution.program))
        again = Library(Path(folder))
        for spec, program in specs:
            times = []
            for _ in range(101):
                start = time.perf_counter()
                hit = again.get(spec)
                times.append(time.perf_counter() - start)
                assert hit is not None and hit.program is program
            first.append(times[0])
            hits.append(statistics.median(times[1:]))
    middle = statistics.median
    made = {"suite": options.suite, "programs": len(specs), "median cold seconds": middle(cold),
            "median first hit seconds": middle(first), "median hit seconds": middle(hits),
            "cold over hit": middle(cold) / middle(hits),
            "median of cold over hit": middle(c / h for c, h in zip(cold, hits, strict=True)),
            "same programs": True}  # fmt: skip
    print(json.dumps(made, indent=1))
    if options.json:
        write(options.json, made)


def write(path: Path, content: dict) -> None:
    """JSON under a temporary name, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1) + "\n")
    partial.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parts = parser.add_subparsers(required=True)
    for name, run, limit in (("suite", suite, 10.0), ("solo", solo, 2.0), ("ablate", ablate, 5.0)):
        one = parts.add_parser(name)
        one.add_argument("suite", help="a, b, u63, u95, tiny, additions, or names with commas")
        one.add_argument("--limit", type=float, default=limit, help="seconds of each problem")
        one.add_argument("--hidden", type=int, default=10_000)
        one.add_argument("--seeds", type=int, nargs="+", help="draws of each family")
        one.add_argument("--widths", type=int, nargs="+", default=[64])
        one.add_argument("--group", nargs="+", help="only these tables, such as A6")
        one.add_argument("--odds", type=Path, help="learn the schedule, kept in this file")
        one.add_argument("--json", type=Path)
        one.set_defaults(run=run)
    two = parts.add_parser("rate")
    two.add_argument("--limit", type=float, default=5.0)
    two.set_defaults(run=rate)
    three = parts.add_parser("peer")
    three.add_argument("--limit", type=float, default=10.0, help="seconds of each problem")
    three.add_argument("--hidden", type=int, default=2000)
    three.add_argument("--seeds", type=int, nargs="+", default=[0])
    three.add_argument("--widths", type=int, nargs="+", default=[64])
    three.add_argument("--group", nargs="+", default=["A1", "A2", "A3", "A4", "A5"])
    three.add_argument("--names", help="only these, with commas")
    three.add_argument("--every", type=int, default=1, help="every Nth problem")
    three.add_argument("--json", type=Path)
    three.set_defaults(run=peer)
    four = parts.add_parser("library")
    four.add_argument("suite", nargs="?", default="u95")
    four.add_argument("--limit", type=float, default=10.0)
    four.add_argument("--every", type=int, default=1, help="every Nth problem")
    four.add_argument("--json", type=Path)
    four.set_defaults(run=library)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    sys.exit(main())
