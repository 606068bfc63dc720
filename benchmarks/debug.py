"""What the debugger costs, all against plain `run` on the same program in this run.

python benchmarks/debug.py [millions of instructions [speeds backwards flows fuzzing]]

Times are CPU seconds of the process: other work on the machine does not make them longer.
"""

from __future__ import annotations

import resource
import statistics
import struct
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

REPEATS = 3
console = Console(width=100)


def start(binary: Path) -> Session:
    return Session(str(binary), ["integer_loop", "1000000000"])


def timed(work: Callable[[], object]) -> float:
    """CPU seconds of a piece of work."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def speeds(binary: Path, steps: int) -> None:
    """Instructions a second in each way of watching; the slow ways are given fewer."""
    nowhere = frozenset({start(binary).image.trampoline})
    top = start(binary).image.stack[1]
    far = [Watch(top - 8 * k - 8, top - 8 * k) for k in range(32)]

    def plain(count: int) -> Callable[[], object]:
        session = start(binary)
        return lambda: session.run(count)

    def forward(plan: Plan) -> Callable[[int], Callable[[], object]]:
        def prepare(count: int) -> Callable[[], object]:
            history = Debugger(start(binary)).history
            return lambda: history.forward(plan, count)

        return prepare

    def replayed(what: Callable[[Debugger], object]) -> Callable[[int], Callable[[], object]]:
        def prepare(count: int) -> Callable[[], object]:
            debugger = Debugger(start(binary))
            debugger.history.forward(steps=count)
            return lambda: what(debugger)

        return prepare

    ways = {
        "plain `run`": (plain, steps),
        "recorded, checkpoints": (forward(Plan()), steps),
        "one breakpoint never reached": (forward(Plan(nowhere)), steps // 4),
        "four watchpoints never hit": (forward(Plan(watches=tuple(far[:4]))), steps // 4),
        "32 watchpoints never hit": (forward(Plan(watches=tuple(far))), steps // 10),
        "counts (profile, coverage, heat)": (replayed(lambda d: counts(d.history)), steps // 10),
        "full trace to the host": (
            replayed(lambda d: sum(len(p["pc"]) for p in d.history.trace(d.history.start))),
            steps // 100,
        ),
    }
    table = Table("way", "instructions", "million instr/s", "of plain `run`", title="watching")
    base = 0.0
    for name, (prepare, count) in ways.items():
        prepare(20_000)()  # compiled
        taken = statistics.median(timed(prepare(count)) for _ in range(REPEATS))
        rate = count / taken
        base = base or rate
        table.add_row(name, f"{count:,}", f"{rate / 1e6:.2f}", f"{100 * rate / base:.0f} %")
    console.print(table)


def backwards(binary: Path, steps: int) -> None:
    """How long going back takes at the end of a long run."""
    debugger = Debugger(start(binary))
    history = debugger.history
    taken = timed(lambda: history.forward(steps=steps))
    stack = f"{int(history.state.sp):#x}"
    table = Table("request", "CPU seconds", title=f"at the end of {steps:,} instructions")
    table.add_row("the run itself, recorded", f"{taken:.2f}")
    table.add_row("first reverse-step", f"{timed(history.step_back):.3f}")
    more = [timed(history.step_back) for _ in range(9)]
    table.add_row("further reverse-steps, median of 9", f"{statistics.median(more):.3f}")
    half = timed(lambda: debugger.goto(steps // 2))
    table.add_row("goto the middle", f"{half:.3f}")
    history.goto(history.end)
    asked = timed(lambda: debugger.who_wrote(stack))
    table.add_row("who wrote this byte? (early in the run)", f"{asked:.2f}")
    console.print(table)
    kept = history.checkpoints
    console.print(f"{len(kept.kept)} checkpoints, {kept.bytes / 2**20:.0f} MiB of pages")


def fuzzing(folder: Path, seconds: float = 5.0) -> None:
    """Executions a second in lanes, against a fork server under qemu-user and against qemu-user
    started once for each input; all three are given what the fuzzer found."""
    columns = ("program", "instructions", "lanes/s", "fork server/s", "qemu-user/s")
    table = Table(*columns, title="fuzzing: executions in a CPU second")
    for name in ("magic", "checksum", "expression", "commands"):
        source = corpus.PROGRAMS / "fuzz" / f"{name}.c"
        binary = corpus.build(source, folder / name, opt="-O1")
        start = starter(binary.read_bytes(), [name], memory_size=128 << 10, stack_size=32 << 10)
        fuzzer = Fuzzer(start, lanes=1024)
        fuzzer.run(rounds=2)  # compiled
        count, begun = fuzzer.statistics.executions, time.process_time()
        fuzzer.run(seconds=seconds)
        s = fuzzer.statistics
        lanes = (s.executions - count) / (time.process_time() - begun)
        inputs = (fuzzer.corpus * 400)[:2000]
        served, started = _fork_server(source, folder, inputs), _qemu(binary, inputs[:200])
        each = f"{s.instructions / s.executions:,.0f}"
        table.add_row(name, each, f"{lanes:,.0f}", f"{served:,.0f}", f"{started:,.0f}")
    console.print(table)
    console.print("mutation and coverage are in the lanes' time; the others do without")


def _fork_server(source: Path, folder: Path, inputs: list[bytes]) -> float:
    """Runs a CPU second of the program behind a fork server, under one qemu-user."""
    program, binary = corpus.parse(source), folder / f"{source.stem}_server"
    server = corpus.PROGRAMS / "bare" / "fork_server.c"
    target = f'-DTARGET="{source}"'
    command = ["aarch64-linux-gnu-gcc", "-O1", *program.cflags, target, str(server), "-static"]
    subprocess.run([*command, *program.libs, "-o", str(binary)], check=True)
    fed = b"".join(struct.pack("<I", len(data)) + data for data in inputs)
    return len(inputs) / _children(["qemu-aarch64-static", str(binary)], [fed], folder)


def _qemu(binary: Path, inputs: list[bytes]) -> float:
    """Runs of qemu-user in a CPU second."""
    return len(inputs) / _children(["qemu-aarch64-static", str(binary)], inputs, binary.parent)


def _children(command: list[str], inputs: list[bytes], folder: Path) -> float:
    """CPU seconds of a command, run once for each input."""
    begun = resource.getrusage(resource.RUSAGE_CHILDREN)
    for data in inputs:
        subprocess.run(command, input=data, capture_output=True, cwd=folder)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime


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
        table.add_row(name, f"{steps / timed(ask) / 1e6:.2f}")
    console.print(table)


def main() -> None:
    xla.use_cache()
    steps = int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 100_000_000
    with tempfile.TemporaryDirectory() as folder:
        source = corpus.PROGRAMS / "bench" / "integer_loop.c"
        binary = corpus.build(source, Path(folder) / "integer_loop")
        wanted = sys.argv[2:] or ["speeds", "backwards", "flows", "fuzzing"]
        if "speeds" in wanted:
            speeds(binary, min(steps, 16_000_000))
        if "backwards" in wanted:
            backwards(binary, steps)
        if "flows" in wanted:
            flows(binary)
        if "fuzzing" in wanted:
            fuzzing(Path(folder))


if __name__ == "__main__":
    main()
