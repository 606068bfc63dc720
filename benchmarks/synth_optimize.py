"""Straight-line A64 optimised: instructions and cycles before and after, proofs and their time.

    python benchmarks/synth_optimize.py --output benchmarks/results/synth_optimize.json

The programs are written out the long way: idioms of Warren's Hacker's Delight, products by
constants, absolute values, minima, masks and copies.  Each is optimised for the number of
instructions and for the critical path, and every rewrite is proved.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import ncpu  # noqa: F401
from ncpu import xla
from ncpu.synth.optimize import optimize

PROGRAMS = {
    "copy there and back": "mov x2, x0; mov x0, x2",
    "double mask": "and x0, x0, #0xffff; and x0, x0, #0xff",
    "and not": "mvn x2, x1; and x0, x0, x2",
    "x * 8 + y": "lsl x2, x0, #3; add x0, x2, x1",
    "x * 7": "mov x1, #7; mul x0, x0, x1",
    "x * 10": "mov x1, #10; mul x0, x0, x1",
    "x * 45": "mov x1, #45; mul x0, x0, x1",
    "x * 11 + y": "mov x2, #11; mul x0, x0, x2; add x0, x0, x1",
    "shift left and right": "lsl x0, x0, #56; lsr x0, x0, #56",
    "exclusive or from and, or": "orr x2, x0, x1; and x3, x0, x1; sub x0, x2, x3",
    "rotate": "lsl x1, x0, #13; lsr x2, x0, #51; orr x0, x1, x2",
    "absolute value": "cmp x0, #0; neg x1, x0; csel x0, x1, x0, lt",
    "absolute value by masks": "asr x1, x0, #63; eor x2, x0, x1; sub x0, x2, x1",
    "maximum by masks": (
        "cmp x0, x1; cset x2, gt; neg x2, x2; eor x3, x0, x1; and x3, x3, x2; eor x0, x3, x1"
    ),
    "minimum, branch-free": (
        "cmp x0, x1; csetm x2, lo; and x3, x0, x2; bic x4, x1, x2; orr x0, x3, x4"
    ),
    "chain of selects": "cmp x0, x1; csel x2, x0, x1, lt; csel x3, x2, x1, lt; mov x0, x3",
    "less than as a number": "subs x2, x0, x1; mov x3, #1; csel x0, x3, xzr, lt",
    "HD lowest one isolated": "mvn x1, x0; add x1, x1, #1; and x0, x0, x1",
    "HD lowest one cleared": "neg x1, x0; and x1, x0, x1; sub x0, x0, x1",
    "HD lowest zero isolated": "mvn x1, x0; add x2, x0, #1; and x0, x1, x2",
    "HD trailing zeros as mask": "mvn x1, x0; sub x2, x0, #1; and x0, x1, x2",
    "HD trailing ones cleared": "mvn x1, x0; neg x2, x1; and x0, x0, x2",
    "HD average, rounded down": "and x2, x0, x1; eor x3, x0, x1; lsr x3, x3, #1; add x0, x2, x3",
    "HD average, rounded up": "orr x2, x0, x1; eor x3, x0, x1; lsr x3, x3, #1; sub x0, x2, x3",
    "HD sign": "asr x1, x0, #63; neg x2, x0; lsr x2, x2, #63; orr x0, x1, x2",
    "HD lowest ones cleared": "sub x1, x0, #1; orr x1, x0, x1; add x1, x1, #1; and x0, x1, x0",
    "HD power of two": (
        "sub x1, x0, #1; eor x2, x0, x1; cmp x2, x1; cset x0, hi"
    ),
    "HD bits equal": "eor x2, x0, x1; mvn x2, x2; and x3, x0, x1; orr x0, x2, x3",
    "best already: lowest one": "neg x1, x0; and x0, x0, x1",
    "best already: difference": "sub x0, x0, x1",
}  # fmt: skip


def main() -> None:
    """Print the table and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for one program")
    parser.add_argument("--work", type=float, default=1e7, help="candidates of one length")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    xla.use_cache()
    for cost in ("count", "latency"):  # so that no program's time has XLA's in it
        optimize("subs x2, x0, x1\nmul x2, x2, x1\ncsel x0, x0, x2, lt", cost=cost, work=1e5)
    rows = []
    print(f"{'program':28}{'count':>8}{'cycles':>9}{'seconds':>9}{'proof s':>9}   code")
    for name, code in PROGRAMS.items():
        row: dict[str, object] = {"program": name, "old": code}
        for cost in ("count", "latency"):
            start = time.perf_counter()
            text = code.replace("; ", "\n")
            done = optimize(text, cost=cost, limit=options.limit, work=options.work)
            row[cost] = {
                "old": done.old_cost,
                "new": done.new_cost,
                "seconds": time.perf_counter() - start,
                "proof_seconds": done.tally.proof_seconds,
                "candidates": done.tally.tried,
                "refuted": done.tally.refuted,
                "undecided": done.tally.undecided,
                "code": "; ".join(x.strip() for x in done.text.split("\n") if x.strip()),
            }
        count, cycles = row["count"], row["latency"]
        print(
            f"{name:28}{count['old'][0]:>4} >{count['new'][0]:>2}"  # type: ignore[index]
            f"{cycles['old'][0]:>5} >{cycles['new'][0]:>2}"  # type: ignore[index]
            f"{count['seconds'] + cycles['seconds']:>9.1f}"  # type: ignore[index]
            f"{count['proof_seconds'] + cycles['proof_seconds']:>9.2f}   {count['code']}",  # type: ignore[index]
            flush=True,
        )
        rows.append(row)
    shorter = sum(r["count"]["new"][0] < r["count"]["old"][0] for r in rows)  # type: ignore[index]
    faster = sum(r["latency"]["new"][0] < r["latency"]["old"][0] for r in rows)  # type: ignore[index]
    print(f"{len(rows)} programs: {shorter} shorter, {faster} with a shorter critical path")
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
