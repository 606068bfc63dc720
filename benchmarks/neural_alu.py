"""Arithmetic by trained networks: latency, throughput, instructions a second; medians.

    python benchmarks/neural_alu.py [operations] [machine] [start]

Without arguments all three tables.  The published figures are those of the earlier system
of PyTorch modules, 32 bits, one operation a call; they were measured again there on two CPU
cores such as ours ("measured").
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

import ncpu  # before jax: sets XLA's flags
from ncpu import xla
from ncpu.machine import word
from ncpu.machine.alu import EXACT, Alu
from ncpu.neural_alu import alu as alus
from ncpu.neural_alu import checkpoint, ops
from ncpu.neural_alu.alu import AtEachPosition, ForEachInput, Gates
from ncpu.neural_alu.packed import answers

REPEATS = 5
LEAST = 0.02  # seconds that one timing lasts at least
BATCHES = (1, 4_096, 65_536)
console = Console(width=120)

# Operation: its name here, NumPy's, microseconds published and measured.
OPERATIONS: dict[str, tuple[str, Callable, str]] = {
    "ADD": ("add", np.add, "248 / 336"),
    "MUL": ("mul", np.multiply, "21 / 38"),
    "AND": ("and", np.bitwise_and, "21 / 36"),
    "SHL": ("lsl", lambda a, b: a << (b & b.dtype.type(31)), "434 / 1,186"),
    "DIV": ("udiv", np.floor_divide, "- / 11,000"),
}


def seconds(call: Callable[[], object]) -> float:
    """Median time of a call, repeated until the clock can tell; the first one compiles."""
    jax.block_until_ready(call())

    def mean(count: int) -> float:
        started = time.perf_counter()
        for _ in range(count):
            jax.block_until_ready(call())
        return (time.perf_counter() - started) / count

    first = mean(1)
    if first > LEAST:
        return statistics.median([first, *(mean(1) for _ in range(REPEATS - 1))])
    return statistics.median(mean(int(LEAST / first)) for _ in range(REPEATS))


@partial(jax.jit, static_argnames=("name", "width"))
@word.with_x64
def applied(gates: Gates, a: jax.Array, b: jax.Array, *, name: str, width: int) -> jax.Array:
    """Words as limbs `u32[..., 2]` in and out, as the machine keeps them."""
    x, y = (gates.enter(word.join(v), width) for v in (a, b))
    return word.split(gates.leave(ops.apply(name, gates.wires(), x, y)).astype(jnp.uint64))


def microseconds(value: float) -> str:
    return f"{1e6 * value:,.{3 if value < 1e-6 else 2 if value < 1e-4 else 0}f}"


def operations() -> None:
    """One operation a call and in batches, 32 and 64 bits, beside NumPy."""
    networks = checkpoint.load()
    kinds: dict[str, Gates] = {
        "planes": AtEachPosition(networks),
        "packed": ForEachInput(answers(networks)),
    }
    rng = np.random.default_rng(0)
    best: dict[str, float] = {}
    for width in (32, 64):
        table = Table(
            *("operation", "earlier system", "batch"),
            *("planes", "packed", "NumPy", "packed / NumPy", "earlier / packed"),
            title=f"Microseconds an element, {width} bits, {jax.devices()[0].device_kind}",
        )
        for label, (name, peer, earlier) in OPERATIONS.items():
            for batch in BATCHES:
                shape = () if batch == 1 else (batch,)
                a, b = (rng.integers(1, 1 << width - 1, shape, np.uint64) for _ in range(2))
                b = b >> rng.integers(0, width - 1, shape, np.uint64) | np.uint64(1)
                limbs = [jnp.asarray(word.to_limbs(x)) for x in (a, b)]
                mine = {}
                for kind, gates in kinds.items():
                    call = partial(applied, gates, *limbs, name=name, width=width)
                    mine[kind] = seconds(call) / batch
                words = [x.astype(f"u{width // 8}") for x in (a, b)]
                numpy = seconds(lambda w=words, p=peer: p(*w)) / batch
                packed = mine["packed"]
                measured = float(earlier.split("/ ")[1].replace(",", "")) * 1e-6
                best[f"{label} {width}-bit"] = packed
                table.add_row(
                    *((label, f"{earlier} µs") if batch == 1 else ("", "")),
                    f"{batch:,}",
                    *(microseconds(v) for v in (mine["planes"], packed, numpy)),
                    *(f"{packed / numpy:,.1f}", f"{measured / packed:,.0f}"),
                )
        console.print(table)
    console.print(
        f"Fastest: {min(best, key=lambda k: best[k])}. A logical operation is one cell at every "
        "position; nothing has to travel between positions. An addition passes carries through "
        "log2(width) levels, a shift log2(width) stages, a product looks up 4 byte pairs a byte "
        "(32 bits) and adds them, and a division is width additions, one after the other."
    )


LOOP = """
loop: add x0, x0, x1
      eor x2, x0, x0, lsr #7
      mul x4, x2, x1
      subs x3, x3, #1
      b.ne loop
      brk #0
"""
INSTRUCTIONS = 5


def machine() -> None:
    """Instructions a second by each arithmetic: one lane, and 1,024 lanes in all."""
    table = Table(
        *("arithmetic", "one lane, K instr/s", "1,024 lanes, K instr/s in all"),
        title="A loop of ADD, EOR with LSR, MUL, SUBS, B.NE (earlier: 5 K neural)",
    )
    xla.use_cache()
    networks = checkpoint.load()
    modes: dict[str, Alu] = {
        "exact": EXACT,
        "neural": alus.neural(networks),
        "tabulated": alus.tabulated(networks),
        "soft, temperature 0": alus.soft(networks, 0.0),
    }
    program = ncpu.Program.from_words(ncpu.assemble(LOOP).words)

    def lane(rounds: int) -> ncpu.State:
        state = ncpu.new_state(size=4096)
        regs = np.array(state.regs)
        regs[1], regs[3] = word.to_limbs(0x9E3779B97F4A7C15), word.to_limbs(rounds)
        return state.replace(regs=jnp.asarray(regs))

    for name, alu in modes.items():
        cells = []
        for lanes in (1, 1024):
            run = ncpu.run if lanes == 1 else ncpu.run_batch

            def once(rounds: int, lanes: int = lanes, run: Callable = run, alu: Alu = alu) -> float:
                one = lane(rounds)
                state = one if lanes == 1 else ncpu.broadcast(one, lanes)
                state = jax.block_until_ready(jax.tree.map(jnp.array, state))
                started = time.perf_counter()
                jax.block_until_ready(run(program, state, alu=alu))
                return time.perf_counter() - started

            once(1)
            per_round = INSTRUCTIONS * lanes
            rounds = max(1, 100_000 // per_round)
            rounds = max(rounds, int(0.5 / once(rounds) * rounds))  # about half a second
            took = statistics.median(once(rounds) for _ in range(REPEATS))
            cells.append(f"{per_round * rounds / took / 1e3:,.0f}")
        table.add_row(name, *cells)
    console.print(table)
    console.print(
        "soft at temperature 0 is neural: the same function, compiled once. One program on many "
        f"lanes runs in the {'lane after lane' if jax.default_backend() == 'cpu' else 'lockstep'} "
        "form here."
    )


def start() -> None:
    """Compile times in fresh processes without and with the persistent cache; sizes."""
    table = Table("what", "", title="Starting")
    code = (
        "import tempfile, time, sys, ncpu; from ncpu import xla; from pathlib import Path\n"
        "xla.use_cache(Path(sys.argv[2]))\n"
        "from ncpu.cli.machine import select_alu\n"
        "alu = select_alu(sys.argv[1]); s = ncpu.new_state(size=1 << 20)\n"
        "p = ncpu.Program.from_words([0xD4200000]); t = time.perf_counter()\n"
        "ncpu.run(p, s, alu=alu).status.block_until_ready(); print(time.perf_counter() - t)"
    )
    import tempfile

    for name in ("exact", "neural", "tabulated"):
        with tempfile.TemporaryDirectory() as folder:
            times = []
            for _ in ("cold", "warm"):
                command = [sys.executable, "-c", code, name, folder]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                times.append(float(done.stdout))
        table.add_row(
            f"first `run`, {name}: cold / compiled before", "{:.1f} / {:.2f} s".format(*times)
        )
    started = time.perf_counter()
    networks = checkpoint.load()
    table.add_row("loading the checkpoint", f"{time.perf_counter() - started:.2f} s")
    files = [file for file in Path(checkpoint.folder()).rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    table.add_row("checkpoint on disk", f"{size:,} bytes in {len(files)} files")
    cells = {
        name: sum(x.size for x in part.values())
        for name, part in checkpoint.weights(networks).items()
    }
    product = cells.pop("product")
    table.add_row(
        "weights", f"{sum(cells.values())} in {len(cells)} cells, {product:,} 8-bit in the product"
    )
    console.print(table)


if __name__ == "__main__":
    tables = {"operations": operations, "machine": machine, "start": start}
    for name in sys.argv[1:] or tables:
        tables[name]()
