"""MUXLEQ beside a plain Python interpreter of the same images; medians of five.

    python benchmarks/muxleq.py [IMAGE.dec [INPUT]]

Without an image: a counting loop, the sieve and the Forth of `programs/muxleq`.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

import ncpu  # noqa: F401  - before jax starts: sets XLA's flags
from ncpu.machine import muxleq

PROGRAMS = Path(__file__).parents[1] / "programs" / "muxleq"
REPEATS = 5
COUNT = """
outer:  mov inner, #30000
loop:   subleq #1, inner, done
        jmp loop
done:   subleq #1, rounds, end
        jmp outer
end:    hlt
inner:  .word 0
rounds: .word 300
"""
LOOPS = b": t 3000 0 do i i * drop loop ; : u 5 0 do t loop ; u 1 2 + . bye\n"


def interpret(image: np.ndarray, stdin: bytes, most: int) -> int:
    """Run `most` instructions at most in Python; how many it did."""
    m, pc, done, at = [*image.tolist(), *[0] * (65536 - len(image))], 0, 0, 0
    output = bytearray()
    while pc < 0x8000 and done < most:
        a, b, c = m[pc], m[pc + 1], m[pc + 2]
        pc += 3
        done += 1
        if a == 0xFFFF:
            m[b] = stdin[at] if at < len(stdin) else 0xFFFF
            at += 1
        elif b == 0xFFFF:
            output.append(m[a] & 0xFF)
        elif 0x8000 <= c < 0xFFFF:
            mask = m[c - 0x8000]
            m[b] = (m[a] & ~mask) | (m[b] & mask)
        else:
            m[b] = r = (m[b] - m[a]) & 0xFFFF
            if r == 0 or r > 0x7FFF:
                pc = c
    return done


def median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(REPEATS))


def row(table: Table, name: str, image: np.ndarray, stdin: bytes) -> None:
    retired = muxleq.run(muxleq.load(image), stdin).retired

    def ours() -> float:
        state = jax.block_until_ready(muxleq.load(image))
        started = time.perf_counter()
        muxleq.run(state, stdin)
        return retired / (time.perf_counter() - started)

    def python() -> float:
        started = time.perf_counter()
        return interpret(image, stdin, 2_000_000) / (time.perf_counter() - started)

    speed, peer = median(ours) / 1e6, median(python) / 1e6
    table.add_row(name, f"{retired:,}", f"{speed:.1f}", f"{peer:.2f}", f"{speed / peer:.1f}")


def main() -> None:
    table = Table(*("program", "instructions", "ncpu M/s", "Python M/s", "ratio"), title="MUXLEQ")
    if len(sys.argv) > 1:
        image = muxleq.parse(Path(sys.argv[1]).read_text())
        row(table, Path(sys.argv[1]).name, image, " ".join(sys.argv[2:]).encode() + b"\n")
    else:
        row(table, "counting loop", muxleq.assemble(COUNT).words, b"")
        for name, stdin in (("primes", b""), ("forth", LOOPS)):
            row(table, name, muxleq.parse((PROGRAMS / f"{name}.dec").read_text()), stdin)
    Console().print(table)


if __name__ == "__main__":
    main()
