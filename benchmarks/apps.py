"""Applications: instructions and CPU seconds, beside qemu-user's in the same run.

python benchmarks/apps.py [frames [games]]      with `games`, those alone

The second table is what a person at a terminal feels: how regularly a game's clock ticks.
"""

from __future__ import annotations

import io
import itertools
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import ncpu  # noqa: F401  - before jax: sets XLA's flags

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import corpus
from ncpu import xla
from ncpu.machine import apps, debian
from ncpu.machine.linux.clock import RealClock
from ncpu.machine.linux.launch import Session, host_terminal
from pseudo_terminal import DRAWN, Keyboard

KEY = "00112233445566778899aabbccddeeff"
FORTH = b": t 0 20000 0 do i + loop . ; t\n"
# Name, arguments, standard input.
WORK: list[tuple[str, list[str], bytes]] = [
    ("sha256", [], bytes(1 << 18)),
    ("aes", ["cbc", "encrypt", KEY, KEY], bytes(1 << 14)),
    ("brainfuck", ["-e", "++++++++[>++++++++[>++++++++[>++++++++<-]<-]<-]"], b""),
    ("forth", [], FORTH),
    ("life", ["--seed", "1", "--generations", "50", "random"], b""),
    ("mandelbrot", ["80", "60"], b""),
    ("lua", ["-e", "local s=0 for i=1,50000 do s=s+i%7 end print(s)"], b""),
    ("sqlite3", [":memory:", "with recursive c(n) as (select 1 union all select n+1 from c "
                 "where n<5000) select sum(n*n) from c;"], b""),
    ("bc", ["-l"], b"scale=150\n4*a(1)\n"),
    ("awk", ["BEGIN { for (i = 0; i < 30000; i++) s += i * i; print s }"], b""),
    ("python", ["-S", "-c", "print(sum(i * i for i in range(5000)))"], b""),
]  # fmt: skip


def machine(name: str, args: Sequence[str], stdin: bytes) -> tuple[bytes, int, float]:
    """Output, instructions and CPU seconds of a run whose code is compiled already."""
    app = apps.find(name)
    out, retired, seconds = io.BytesIO(), 0, 0.0
    for _ in range(2):
        out = io.BytesIO()
        options: dict[str, Any] = {"stdin": io.BytesIO(stdin), "stdout": out}
        begun = time.process_time()
        if isinstance(app, apps.App):
            session = Session(apps.build(app), [name, *args], **options)
        else:
            options |= {"root": apps.root_of(app), "memory_size": app.memory}
            session = Session(app.command, [app.command, *args], **options)
        retired = session.run(4_000_000_000).retired
        seconds = time.process_time() - begun
    return out.getvalue(), retired, seconds


def qemu(name: str, args: Sequence[str], stdin: bytes) -> tuple[bytes, float]:
    app = apps.find(name)
    command = ["qemu-aarch64-static", "-cpu", corpus.DEFAULT_CPU]
    if isinstance(app, apps.App):
        command.append(str(apps.build(app)))
    else:
        root = apps.root_of(app)
        command += ["-L", str(root), f"{root}{app.command}"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([*command, *args], input=stdin, capture_output=True, env={})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return done.stdout, seconds


def programs(console: Console) -> None:
    table = Table("", "instructions", "seconds", "M/s", "qemu-user, s", title="CPU time")
    for name, args, stdin in WORK:
        try:
            ours, retired, seconds = machine(name, args, stdin)
        except (apps.AppError, debian.DebianError) as error:
            console.print(f"{name}: {error}")
            continue
        theirs, reference = qemu(name, args, stdin)
        if ours != theirs:
            raise SystemExit(f"{name}: another output than qemu-user's")
        speed = f"{retired / seconds / 1e6:.1f}"
        print(name, retired, seconds, reference, file=sys.stderr)
        table.add_row(name, f"{retired:,}", f"{seconds:.2f}", speed, f"{reference:.2f}")
    console.print(table)


def ticks(name: str, line: bytes, frames: int) -> tuple[list[float], float]:
    """Milliseconds between a game's frames, by when a line of each reaches the terminal.

    And milliseconds of CPU time a frame, those of the watching thread included.
    """
    moments: list[float] = []
    spent: list[float] = []
    with Keyboard(b"", DRAWN) as keyboard:

        def watch() -> None:
            seen = 0
            while len(moments) <= frames:
                now = keyboard.output.count(line)
                moments.extend([time.perf_counter()] * (now - seen))
                spent.extend([time.process_time()] * (now - seen))
                seen = now
                time.sleep(0.005)
            keyboard.press(b"\x03")

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        argv = [name, "--seed", "1", *(["random"] if name == "life" else [])]
        session = Session(apps.build(apps.OURS[name]), argv, clock=RealClock())
        host_terminal(session, keyboard.slave, keyboard.slave)
        session.run()
        watcher.join()
    cost = 1000 * (spent[-1] - spent[1]) / (len(spent) - 2)
    return [1000 * (b - a) for a, b in itertools.pairwise(moments[1:])], cost


def games(console: Console, frames: int) -> None:
    table = Table(
        "", "asked for", "median", "longest", "CPU", title=f"Milliseconds of {frames} frames"
    )
    for name, period in (("snake", 150), ("tetris", 600), ("life", 100)):
        measured, cost = ticks(name, b"\x1b[24H", frames // 4 if name == "tetris" else frames)
        median, most = statistics.median(measured), max(measured)
        table.add_row(name, str(period), f"{median:.0f}", f"{most:.0f}", f"{cost:.0f}")
    console.print(table)


def main() -> None:
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    xla.use_cache()
    xla.run_in_place()
    console = Console(width=100)
    if sys.argv[2:] != ["games"]:
        programs(console)
    games(console, frames)


if __name__ == "__main__":
    main()
