"""`ncpu doctor`: what this installation can do, what is missing and how to get it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True)
class Finding:
    """One thing looked at: is it there, what it is, and the remedy when it is not."""

    name: str
    found: bool
    detail: str
    needed: bool = True


def _package(name: str, purpose: str, extra: str | None = None) -> Finding:
    if importlib.util.find_spec(name.replace("-", "_")) is None:
        how = f"pip install 'ncpu[{extra}]'" if extra else "pip install ncpu"
        return Finding(name, False, f"{purpose}: {how}", needed=extra is None)
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        version = "installed"
    return Finding(name, True, version, needed=extra is None)


def _tool(command: str, package: str, purpose: str) -> Finding:
    path = shutil.which(command)
    if path is None:
        return Finding(command, False, f"{purpose}: Debian package {package}", needed=False)
    return Finding(command, True, path, needed=False)


def _devices() -> Finding:
    import jax

    devices = jax.devices()
    kinds = ", ".join(sorted({d.device_kind for d in devices}))
    return Finding("devices", True, f"{len(devices)} × {devices[0].platform} ({kinds})")


def _machine() -> Finding:
    """Run two instructions and look at the result."""
    import ncpu

    state = ncpu.new_state(size=4096)
    program = ncpu.Program.from_words([0x91000C00, 0xD4200000])  # add x0, x0, #3; brk #0
    done = ncpu.run(program, state, 10)
    right = int(done.x[0]) == 3 and ncpu.Status(int(done.status)) == ncpu.Status.BREAKPOINT
    return Finding("the machine", right, "add and brk ran" if right else f"wrong result:\n{done}")


def _native_loop() -> Finding:
    flags = os.environ.get("XLA_FLAGS", "")
    right = "xla_cpu_small_while_loop_byte_threshold" in flags
    remedy = "import ncpu before anything uses JAX, or set XLA_FLAGS as docs/speed.md says"
    return Finding("native CPU loop", right, "XLA flag set" if right else remedy)


def findings() -> list[Finding]:
    """Everything `report` looks at, in its order."""
    supported = (3, 11) <= sys.version_info < (3, 14)
    return [
        Finding("Python", supported, f"{platform.python_version()}; 3.11 to 3.13 is supported"),
        *(_package(name, "required") for name in ("jax", "jaxlib", "numpy", "rich", "typer")),
        _native_loop(),
        _devices(),
        _machine(),
        _package("unicorn", "`ncpu verify isa`", "oracle"),
        _package("capstone", "disassembler tests", "oracle"),
        _package("matplotlib", "notebooks", "notebook"),
        _tool("apt-get", "apt", "`ncpu busybox` and `ncpu rootfs debian` fetch packages with it"),
        _tool("zstd", "zstd", "`ncpu run --rootfs` of archives compressed with it"),
        _tool("qemu-aarch64-static", "qemu-user-static", "whole-program tests"),
        _tool("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu", "building programs/"),
    ]


def report(out: TextIO) -> int:
    """Print the findings; 0 when nothing required is missing, else 1."""
    from rich.console import Console
    from rich.table import Table

    table = Table("", "what", "detail", title="ncpu doctor")
    failed = False
    for finding in findings():
        mark = (
            "[green]ok[/]" if finding.found else "[red]no[/]" if finding.needed else "[yellow]--[/]"
        )
        failed |= finding.needed and not finding.found
        table.add_row(mark, finding.name, finding.detail)
    console = Console(file=out)
    console.print(table)
    served, missing = system_calls()
    console.print(f"{len(served)} system calls of Linux are served: {' '.join(served)}")
    console.print(f"{len(missing)} fail with ENOSYS: {' '.join(missing)}")
    return int(failed)


def system_calls() -> tuple[list[str], list[str]]:
    """Names of the AArch64 system calls that the machine serves, and of those it does not."""
    import ncpu.machine.linux.kernel  # noqa: F401 - fills the table
    from ncpu.machine.linux.numbers import NAME
    from ncpu.machine.linux.table import TABLE

    served = sorted(name for number, name in NAME.items() if number in TABLE)
    return served, sorted(name for number, name in NAME.items() if number not in TABLE)
