"""Linux on the machine beside qemu-user, measured in this run; medians of three.

    python benchmarks/linux.py [shell] [calls] [processes] [tcc] [sqlite]

Compilation is not counted: everything runs once before. Sizes are chosen for two CPU cores.
"""

from __future__ import annotations

import io
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import jax
from rich.console import Console
from rich.table import Table

import ncpu  # noqa: F401 - before jax works: sets XLA's flags
from ncpu import xla
from ncpu.machine import apps
from ncpu.machine import tcc as compiler
from ncpu.machine.debian import fetch
from ncpu.machine.linux.files import Files
from ncpu.machine.linux.launch import Session, scripted_terminal

REPEATS = 3
MEMORY = 16 << 20
PROGRAMS = Path(__file__).parents[1] / "programs" / "linux" / "bench"
QEMU = shutil.which("qemu-aarch64-static")
SCRIPTS = {
    "sh -c :": ":",
    "seq 1000 | sort -rn | head -n 1": "seq 1000 | sort -rn | head -n 1",
    "20 substitutions": "i=0; while [ $i -lt 20 ]; do i=$((i+1)); x=$(echo $i); done",
}
console = Console(width=100)


def seconds(action: Callable[[], object]) -> float:
    """Wall seconds of an action, the median; it has run once before."""
    action()
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def build(name: str, folder: Path) -> Path:
    out = folder / name
    gcc = ["aarch64-linux-gnu-gcc", "-O2", "-static", "-o", str(out), str(PROGRAMS / f"{name}.c")]
    subprocess.run(gcc, check=True)
    return out


def under_qemu(*command: str) -> Callable[[], object]:
    env = {"PATH": "/nowhere"}
    full = [str(QEMU), "-cpu", "cortex-a53", *command]
    return lambda: subprocess.run(full, check=True, env=env, stdout=subprocess.DEVNULL)


def shell(folder: Path) -> None:
    """Shells: boot to the prompt, scripts; qemu-user runs applets that need no exec."""
    binary = fetch("busybox-static") / "bin" / "busybox"
    root = Files()
    root.add_file("/bin/busybox", binary.read_bytes(), 0o755)
    for name in ("sh", "seq", "sort", "head", "echo"):
        root.add_symlink(f"/bin/{name}", "busybox")
    env = {"PATH": "/bin"}
    table = Table("script", "ncpu s", "qemu-user s", title="BusyBox ash")

    def prompt() -> None:
        session = Session("/bin/sh", ["sh"], env, root=root, memory_size=MEMORY)
        scripted_terminal(session, [b"\x04"])
        session.run()

    table.add_row("boot to the prompt, and Ctrl-D", f"{seconds(prompt):.3f}", "-")
    for name, script in SCRIPTS.items():

        def ours(script: str = script) -> None:
            out = io.BytesIO()
            argv = ["sh", "-c", script]
            Session("/bin/sh", argv, env, root=root, stdout=out, memory_size=MEMORY).run()

        theirs = under_qemu("-0", "sh", str(binary), "-c", script)
        table.add_row(name, f"{seconds(ours):.3f}", f"{seconds(theirs):.3f}")
    console.print(table)


def calls(folder: Path) -> None:
    """System calls a second: a loop of getpid."""
    binary, count = build("getpid", folder), 20_000
    ours = seconds(lambda: Session(binary, ["getpid", str(count)], memory_size=MEMORY).run())
    theirs = seconds(under_qemu(str(binary), str(10 * count)))
    table = Table("", "ncpu", "qemu-user", title="getpid loop")
    table.add_row("calls a second", f"{count / ours:,.0f}", f"{10 * count / theirs:,.0f}")
    console.print(table)


def processes(folder: Path) -> None:
    """CPU-bound processes: lanes of one batch against lanes stepped one after another."""
    binary, steps = build("workers", folder), 100_000
    table = Table(
        *("processes", "one after another", "as one batch", "batch / one", "qemu-user"),
        title=f"Instructions a second, {jax.devices()[0].device_kind}",
    )
    for count in (8, 64):
        figures = []
        for batched in (False, True):

            def run(batched: bool = batched, count: int = count) -> int:
                argv = ["workers", str(count), str(steps)]
                session = Session(binary, argv, memory_size=1 << 21)
                session.start().batched = batched
                return session.run().retired

            retired = run()
            figures.append(retired / seconds(run) / 1e6)
        theirs = seconds(under_qemu(str(binary), str(count), str(steps)))
        one, many = figures
        qemu = f"{retired / theirs / 1e6:.0f} M"
        table.add_row(str(count), f"{one:.1f} M", f"{many:.1f} M", f"{many / one:.2f}", qemu)
    console.print(table)


def rooted(command: str, args: list[str], root: Path, folder: Path) -> Callable[[], object]:
    """A program of Debian's on the machine, in a folder of the host's."""

    def run() -> None:
        session = Session(
            *(command, [command, *args]),
            root=root,
            mounts=[(folder, "/src", True)],
            cwd="/src",
            memory_size=64 << 20,
        )
        if session.run().exit_code != 0:
            raise RuntimeError(f"{command} failed")

    return run


def debian(folder: Path, what: str, command: str, args: list[str], root: Path) -> None:
    """One of Debian's programs, beside qemu-user on the same files."""
    env = {"PATH": "/nowhere"}
    theirs = [str(QEMU), "-cpu", "cortex-a53", "-L", str(root), str(root) + command, *args]
    table = Table(what, "ncpu s", "qemu-user s", "qemu-user / ncpu")
    ours = seconds(rooted(command, args, root, folder))
    quiet = subprocess.DEVNULL
    other = seconds(lambda: subprocess.run(theirs, check=True, env=env, cwd=folder, stdout=quiet))
    table.add_row("", f"{ours:.2f}", f"{other:.2f}", f"{other / ours:.3f}")
    console.print(table)


def tcc(folder: Path) -> None:
    """Debian's tcc compiling a generated file of 10,000 lines."""
    lines = [f"int f{i}(int x) {{ return x * {i} + (x >> {i % 31}); }}" for i in range(9_998)]
    (folder / "long.c").write_text("\n".join([*lines, "int main(void)", "{ return f7(0); }\n"]))
    args = ["-c", "long.c", "-o", "long.o"]
    debian(folder, "tcc, 10,000 lines", "/usr/bin/tcc", args, compiler.root())


def sqlite(folder: Path) -> None:
    """Debian's sqlite3 inserting 10,000 rows in a transaction."""
    rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
    sql = f"CREATE TABLE t(i INTEGER, s TEXT); INSERT INTO t {rows} SELECT i, 'row ' || i FROM n;"
    app = apps.DEBIAN["sqlite3"]
    args = [":memory:", sql]
    debian(folder, "sqlite3, 10,000 rows", app.command, args, apps.root_of(app))


def main() -> None:
    xla.use_cache()
    xla.run_in_place()
    tables = {f.__name__: f for f in (shell, calls, processes, tcc, sqlite)}
    chosen = sys.argv[1:] or list(tables)
    console.print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen:
            tables[name](Path(folder))


if __name__ == "__main__":
    main()
