"""The machine's speed beside its peers', all measured in this run; medians of five.

    python benchmarks/machine.py [programs] [short] [lanes] [start]

Without arguments all four tables.  Sizes are chosen for two CPU cores; on a GPU the same
command uses the lockstep form.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console
from rich.table import Table

import ncpu  # before jax: sets XLA's flags

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import peers

import corpus
from ncpu.machine import word
from ncpu.machine.linux.launch import Session

REPEATS = 5
SIZES = {
    "integer_loop": "2000000",
    "sieve": "1048576",
    "sha256": "1000000",
    "quicksort": "50000",
    "matmul_double": "64",
    "string_search": "200000",
}
console = Console(width=110)


def median(measure: Callable[[], float], repeats: int = REPEATS) -> float:
    return statistics.median(measure() for _ in range(repeats))


def programs() -> None:
    """One lane, C at -O2, against qemu-user and Unicorn on the same binaries."""
    table = Table(
        *("program", "instructions", "ncpu M/s", "Unicorn M/s", "qemu-user M/s"),
        *("ncpu / Unicorn", "ncpu / qemu"),
        title=f"One lane, C programs at -O2, {jax.devices()[0].device_kind}",
    )
    folder = Path(tempfile.mkdtemp())
    for program in corpus.benchmarks():
        args = [SIZES[program.name]]
        binary = corpus.build(program.source, folder / program.name)
        retired = 0

        def ours(binary: Path = binary, args: list[str] = args) -> float:
            nonlocal retired
            session = Session(binary, [binary.name, *args])
            started = time.perf_counter()
            result = session.run()
            retired = result.retired
            return time.perf_counter() - started

        ours()
        speed = retired / median(ours) / 1e6
        qemu = retired / median(lambda b=binary, a=args: peers.qemu_seconds(b, a)) / 1e6
        unicorn = retired / median(lambda b=binary, a=args: peers.unicorn_seconds(b, a)) / 1e6
        figures = [f"{v:,.1f}" for v in (speed, unicorn, qemu)]
        ratios = [f"{speed / unicorn:.3f}", f"{speed / qemu:.3f}"]
        table.add_row(program.name, f"{retired:,}", *figures, *ratios)
    console.print(table)


def random_programs(count: int, length: int, seed: int = 0) -> list[np.ndarray]:
    """Different straight-line programs of integer instructions on x0-x15."""
    rng = np.random.default_rng(seed)
    heads = np.array([0x8B000000, 0xCB000000, 0xCA000000, 0x8A000000, 0xAA000000, 0x9B007C00])
    kind = rng.choice(heads, (count, length)).astype(np.uint32)
    rd, rn, rm = (rng.integers(0, 16, (count, length), dtype=np.uint32) for _ in range(3))
    return list(kind | rd | rn << 5 | rm << 16)


def short() -> None:
    """10,000 different short programs: programs a second against one reused Unicorn."""
    table = Table(
        *("instructions", "ncpu programs/s", "Unicorn, no registers set", "ratio"),
        *("Unicorn, 16 registers in", "ratio"),
        title="10,000 different programs, programs a second (ncpu: all registers in and out)",
    )
    count = 10_000
    rng = np.random.default_rng(1)
    inputs = rng.integers(0, 1 << 63, (count, 16), dtype=np.uint64)
    for length in (10, 30, 100, 1000):
        texts = random_programs(count, length)
        program, entries = ncpu.Program.many(texts)
        state = ncpu.broadcast(ncpu.new_state(size=4096), count)
        regs = np.array(state.regs)
        regs[:, :16] = word.to_limbs(inputs)
        fields = {"regs": jnp.asarray(regs), "pc": jnp.asarray(word.to_limbs(entries))}

        def ours(state: ncpu.State = state, fields: dict = fields, n: int = length) -> float:
            fresh = jax.tree.map(jnp.array, state.replace(**fields))
            jax.block_until_ready(fresh)
            started = time.perf_counter()
            done = ncpu.run_batch(program, fresh, n)  # noqa: B023
            _ = done.x[:, :16]
            return time.perf_counter() - started

        ours()
        mine = count / median(ours)
        cells = [str(length), f"{mine:,.0f}"]
        for given in (inputs[:, :0], inputs):
            seconds = median(lambda t=texts, g=given: peers.unicorn_programs(t, g), 3)
            cells += [f"{count / seconds:,.0f}", f"{mine / (count / seconds):.1f}"]
        table.add_row(*cells)
    console.print(table)


LOOP = "loop: add x0, x0, x1\neor x2, x0, x0, lsr #7\nsubs x3, x3, #1\nb.ne loop\nbrk #0\n"


def lanes() -> None:
    """One program on more and more lanes: aggregate speed and bytes a lane."""
    table = Table(
        *("lanes", "instructions", "M instr/s in all", "bytes a lane beyond memory"),
        title=f"One program on many lanes, {jax.device_count()} device(s)",
    )
    program = ncpu.Program.from_words(ncpu.assemble(LOOP).words)
    for count in (1, 64, 4096, 65536):
        rounds = max(100, 4_000_000 // (4 * count))
        one = ncpu.new_state(size=4096)
        regs = np.array(one.regs)
        regs[3], regs[1] = word.to_limbs(rounds), [1, 0]
        one = one.replace(regs=jnp.asarray(regs))

        def ours(one: ncpu.State = one, count: int = count) -> float:
            states = jax.block_until_ready(jax.tree.map(jnp.array, ncpu.broadcast(one, count)))
            started = time.perf_counter()
            jax.block_until_ready(ncpu.run_batch(program, states))
            return time.perf_counter() - started

        ours()
        total = count * (4 * rounds + 1)
        beyond = sum(leaf.nbytes for leaf in jax.tree.leaves(one)) - one.mem.nbytes
        speed = total / median(ours) / 1e6
        table.add_row(f"{count:,}", f"{total:,}", f"{speed:,.1f}", str(beyond))
    console.print(table)


def start() -> None:
    """Import, compile and process start."""
    table = Table("what", "seconds", title="Starting")

    def timed(code: str, **environment: str) -> float:
        import os

        def once() -> float:
            started = time.perf_counter()
            env = {**os.environ, **environment}
            subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=env)
            return time.perf_counter() - started

        return median(once, 3)

    bare, with_jax = timed("pass"), timed("import jax")
    table.add_row("python", f"{bare:.2f}")
    table.add_row("import jax", f"{with_jax - bare:.2f}")
    table.add_row("import ncpu", f"{timed('import ncpu') - bare:.2f}")
    both = timed("import ncpu, jax; ncpu.run, ncpu.State")
    table.add_row("import ncpu and its core, beyond jax's own", f"{both - with_jax:.2f}")
    compile_ = (
        "import ncpu, time; s = ncpu.new_state(size=1 << 24);"
        "p = ncpu.Program.from_words([0xD4200000]); t = time.perf_counter();"
        "ncpu.run(p, s).status.block_until_ready(); print(time.perf_counter() - t)"
    )
    cached = "from ncpu import xla; xla.use_cache(); " + compile_

    def reported(code: str) -> float:
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        return float(done.stdout)

    table.add_row("first `run`, cold", f"{reported(compile_):.2f}")
    reported(cached)
    table.add_row("first `run`, compiled before (persistent cache)", f"{reported(cached):.2f}")
    hello = Path(__file__).parents[1] / "programs" / "asm" / "hello.s"
    command = f"from ncpu.cli import main; main(['run', {str(hello)!r}])"
    subprocess.run([sys.executable, "-c", command], capture_output=True)
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", command], capture_output=True)
    table.add_row("`ncpu run hello.s`, wall clock, warm", f"{time.perf_counter() - started:.2f}")
    console.print(table)


if __name__ == "__main__":
    tables = {"programs": programs, "short": short, "lanes": lanes, "start": start}
    for name in sys.argv[1:] or tables:
        tables[name]()
