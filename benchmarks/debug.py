"""What the debugger costs, all against plain `run` on the same program in this run.

python benchmarks/debug.py [millions of instructions]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

import ncpu  # noqa: F401  - before jax: sets XLA's flags

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import corpus
from ncpu import xla
from ncpu.machine.debug import Debugger, Plan, Watch
from ncpu.machine.debug.analysis import counts
from ncpu.machine.linux.launch import Session
from ncpu.machine.linux.run import retired_of

REPEATS = 3
console = Console(width=100)


def start(binary: Path) -> Session:
    return Session(str(binary), ["integer_loop", "1000000000"])


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def speeds(binary: Path, steps: int) -> None:
    """Instructions a second in each way of watching."""
    nowhere = frozenset({start(binary).image.trampoline})
    far = Watch(start(binary).image.stack[1] - 8, start(binary).image.stack[1])
    ways: dict[str, Callable[[], Callable[[], int]]] = {}

    def plain() -> Callable[[], int]:
        session = start(binary)
        return lambda: session.run(steps).retired

    def forward(plan: Plan) -> Callable[[], Callable[[], int]]:
        def prepare() -> Callable[[], int]:
            history = Debugger(start(binary)).history
            return lambda: history.forward(plan, steps) and retired_of(history.state)

        return prepare

    def replayed(what: Callable[[Debugger], object], count: int) -> Callable[[], Callable[[], int]]:
        def prepare() -> Callable[[], int]:
            debugger = Debugger(start(binary))
            debugger.history.forward(steps=count)
            return lambda: (what(debugger) and count) or count

        return prepare

    few = max(steps // 50, 20_000)
    ways["plain `run`"] = plain
    ways["recorded, checkpoints"] = forward(Plan())
    ways["one breakpoint never reached"] = forward(Plan(nowhere))
    ways["four watchpoints never hit"] = forward(Plan(watches=(far,) * 4))
    ways["32 watchpoints never hit"] = forward(Plan(watches=(far,) * 32))
    ways["counts (profile, coverage, heat)"] = replayed(lambda d: counts(d.history), steps)
    ways["full trace to the host"] = replayed(
        lambda d: sum(len(p["pc"]) for p in d.history.trace(d.history.start)), few
    )
    table = Table("way", "million instr/s", "of plain `run`", title=f"{steps:,} instructions")
    base = 0.0
    for name, prepare in ways.items():
        prepare()()  # compiled
        rates = []
        for _ in range(REPEATS):
            work = prepare()
            begun = time.perf_counter()
            count = work()
            rates.append(count / (time.perf_counter() - begun))
        rate = statistics.median(rates)
        base = base or rate
        table.add_row(name, f"{rate / 1e6:.2f}", f"{100 * rate / base:.0f} %")
    console.print(table)


def backwards(binary: Path, steps: int) -> None:
    """How long going back takes at the end of a long run."""
    debugger = Debugger(start(binary))
    history = debugger.history
    taken = timed(lambda: history.forward(steps=steps))
    stack = f"{int(history.state.sp):#x}"
    table = Table("request", "seconds, median", title=f"at the end of {steps:,} instructions")
    table.add_row("the run itself, recorded", f"{taken:.2f}")
    history.step_back()
    table.add_row("first reverse-step", f"{timed(history.step_back):.3f}")
    more = [timed(history.step_back) for _ in range(9)]
    table.add_row("further reverse-steps", f"{statistics.median(more):.3f}")
    half = timed(lambda: debugger.goto(steps // 2))
    table.add_row("goto the middle", f"{half:.3f}")
    history.goto(history.end)
    asked = timed(lambda: debugger.who_wrote(stack))
    table.add_row("who wrote this byte? (early in the run)", f"{asked:.2f}")
    console.print(table)
    kept = history.checkpoints
    console.print(f"{len(kept.kept)} checkpoints, {kept.bytes / 2**20:.0f} MiB of pages")


def main() -> None:
    xla.use_cache()
    steps = int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 100_000_000
    with tempfile.TemporaryDirectory() as folder:
        source = corpus.PROGRAMS / "bench" / "integer_loop.c"
        binary = corpus.build(source, Path(folder) / "integer_loop")
        wanted = sys.argv[2:] or ["speeds", "backwards"]
        if "speeds" in wanted:
            speeds(binary, min(steps, 20_000_000))
        if "backwards" in wanted:
            backwards(binary, steps)


if __name__ == "__main__":
    main()
