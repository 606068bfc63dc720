"""What the debugger costs, all against plain `run` on the same program in this run.

python benchmarks/debug.py [millions of instructions [speeds backwards flows fuzzing]]
"""

from __future__ import annotations

import resource
import statistics
import subprocess
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
from ncpu.machine.debug import Debugger, Plan, Watch, flow, taint
from ncpu.machine.debug.analysis import counts
from ncpu.machine.debug.calls import calls
from ncpu.machine.debug.fuzz import Fuzzer, starter
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


def fuzzing(folder: Path, seconds: float = 5.0) -> None:
    """Executions a second in lanes, against qemu-user started once for each input.

    Both are given the same inputs; both are counted in CPU seconds as well, since other work on
    the machine slows both.
    """
    table = Table("program", "instructions", "lanes/s", "qemu-user/s", "times", title="fuzzing")
    for name in ("magic", "checksum", "expression", "commands"):
        binary = corpus.build(corpus.PROGRAMS / "fuzz" / f"{name}.c", folder / name, opt="-O1")
        start = starter(binary.read_bytes(), [name], memory_size=128 << 10, stack_size=32 << 10)
        fuzzer = Fuzzer(start, lanes=1024)
        fuzzer.run(rounds=2)  # compiled
        count, begun = fuzzer.statistics.executions, time.process_time()
        fuzzer.run(seconds=seconds)
        s = fuzzer.statistics
        lanes = (s.executions - count) / (time.process_time() - begun)
        peer = _qemu(binary, (fuzzer.corpus * 40)[:200])
        each = f"{s.instructions / s.executions:,.0f}"
        table.add_row(name, each, f"{lanes:,.0f}", f"{peer:,.0f}", f"{lanes / peer:,.0f}")
    console.print(table)
    console.print("CPU seconds, mutation and coverage included for the lanes")


def _qemu(binary: Path, inputs: list[bytes]) -> float:
    """Runs of qemu-user for each second of CPU time that they take."""
    command = ["qemu-aarch64-static", str(binary)]
    begun = resource.getrusage(resource.RUSAGE_CHILDREN)
    for data in inputs:
        subprocess.run(command, input=data, capture_output=True, cwd=binary.parent)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime
    return len(inputs) / spent


def flows(binary: Path, steps: int = 1_000_000) -> None:
    """Replays that look at every instruction: labels, calls, a value followed back."""
    table = Table("question", "million instr/s", title=f"{steps:,} instructions, CPU time")
    debugger = Debugger(start(binary))
    debugger.history.forward(steps=steps)
    stack = int(debugger.state.sp)
    questions: dict[str, Callable[[], object]] = {
        "labels (sanitizer, taint)": lambda: taint.forward(debugger),
        "calls (flame graph)": lambda: calls(debugger.history, debugger.symbols),
        "origin of 8 bytes": lambda: flow.backward(debugger.history, [flow.memory(stack, 8)]),
    }
    for name, ask in questions.items():
        ask()  # compiled
        begun = time.process_time()
        ask()
        table.add_row(name, f"{steps / (time.process_time() - begun) / 1e6:.2f}")
    console.print(table)


def main() -> None:
    xla.use_cache()
    steps = int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 100_000_000
    with tempfile.TemporaryDirectory() as folder:
        source = corpus.PROGRAMS / "bench" / "integer_loop.c"
        binary = corpus.build(source, Path(folder) / "integer_loop")
        wanted = sys.argv[2:] or ["speeds", "backwards", "flows", "fuzzing"]
        if "speeds" in wanted:
            speeds(binary, min(steps, 20_000_000))
        if "backwards" in wanted:
            backwards(binary, steps)
        if "flows" in wanted:
            flows(binary)
        if "fuzzing" in wanted:
            fuzzing(Path(folder))


if __name__ == "__main__":
    main()
