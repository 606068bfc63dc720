"""One program on several arithmetics, and whether they left the same behind."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ncpu.machine import word
from ncpu.machine.alu import EXACT, Alu
from ncpu.machine.hosted import run
from ncpu.machine.linux.launch import Session
from ncpu.machine.linux.run import Result
from ncpu.machine.state import MONITOR, ROWS, SP, State, V
from ncpu.neural_alu import alu as arithmetic
from ncpu.neural_alu.planes import Networks

REFERENCE = "exact"
FIRST_PIECE = 1 << 14  # instructions between two reports, doubled while they are too frequent
REPORT_EVERY = 0.5  # seconds

Report = Callable[[str, int | None], None]


@dataclass(frozen=True)
class Row:
    """How a program ended in one mode.

    Attributes:
      mode: name of the arithmetic.
      exit_code: 128 + signal after a signal; None when the steps ran out first.
      retired: instructions completed.
      compiling, seconds: until the first instruction; from there to the end.
      registers: NumPy `u64[105]`, every row of the register file, then pc.
      flags: NZCV and FPSR.
      memory: SHA-256 of memory and its permissions.
      stdout, stderr: what was written to them.
    """

    mode: str
    exit_code: int | None
    retired: int
    compiling: float
    seconds: float
    registers: np.ndarray
    flags: int
    memory: str
    stdout: bytes
    stderr: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the registers."""
        return hashlib.sha256(self.registers.astype("<u8").tobytes()).hexdigest()

    def parts(self) -> dict[str, Any]:
        """What must be the same in every mode, by name."""
        return {
            "end": (self.exit_code, self.retired),
            "registers": self.digest,
            "memory": self.memory,
            "flags": self.flags,
            "output": (self.stdout, self.stderr),
        }

    def differing(self, reference: Row) -> list[str]:
        """Names of the parts that differ."""
        theirs = reference.parts()
        return [name for name, part in self.parts().items() if part != theirs[name]]

    def explain(self, reference: Row, limit: int = 4) -> list[str]:
        """A sentence for each difference, of registers the first `limit`."""
        found = []
        if self.exit_code != reference.exit_code or self.retired != reference.retired:
            found.append(f"{self.ending()}, not {reference.ending()}")
        for index in np.flatnonzero(self.registers != reference.registers)[:limit]:
            got, expected = int(self.registers[index]), int(reference.registers[index])
            found.append(f"{register_name(int(index))} is {got:#x}, not {expected:#x}")
        if self.flags != reference.flags:
            found.append(f"flags are {self.flags:#010x}, not {reference.flags:#010x}")
        if self.memory != reference.memory:
            found.append("memory differs")
        for name in ("stdout", "stderr"):
            got, expected = getattr(self, name), getattr(reference, name)
            if got != expected:
                found.append(f"{name} is {got[:40]!r}, not {expected[:40]!r}")
        return found

    def ending(self) -> str:
        """Exit code and instructions, for people."""
        code = "no exit" if self.exit_code is None else f"exit {self.exit_code}"
        return f"{code} after {self.retired:,} instructions"


def register_name(index: int) -> str:
    """What the manual calls an element of `Row.registers`."""
    if index < SP:
        return f"x{index}"
    if V <= index < V + 64:
        register, half = divmod(index - V, 2)
        return f"v{register}.d[{half}]"
    names = {SP: "sp", MONITOR: "the exclusive monitor", ROWS: "pc"}
    return names.get(index, f"row {index}")


def modes(networks: Networks) -> dict[str, Alu]:
    """Every arithmetic by name: exact first, then the trained ones, soft at temperature 0."""
    return {
        REFERENCE: EXACT,
        "neural": arithmetic.neural(networks),
        "tabulated": arithmetic.tabulated(networks),
        "soft": arithmetic.soft(networks, temperature=0.0),
    }


def compare(
    source: bytes,
    argv: Sequence[str],
    alus: Mapping[str, Alu],
    *,
    stdin: bytes = b"",
    max_steps: int | None = None,
    report: Report = lambda mode, retired: None,
    **options: Any,
) -> list[Row]:
    """Run one program from the same start on each arithmetic.

    Args:
      source: a static AArch64 Linux executable (`loader.executable` makes one of assembly).
      argv: its name and arguments.
      alus: the arithmetics by name, see `modes`; the first is what others are compared with.
      stdin: its input.
      max_steps: instructions it may take.
      report: called with mode and instructions so far (None while it is compiled) about
        twice a second.
      options: of `Session`.

    Raises:
      ElfError: not a file this machine runs.
    """
    return [
        _row(mode, alu, source, argv, stdin, max_steps, report, options)
        for mode, alu in alus.items()
    ]


def _row(
    mode: str,
    alu: Alu,
    source: bytes,
    argv: Sequence[str],
    stdin: bytes,
    max_steps: int | None,
    report: Report,
    options: dict[str, Any],
) -> Row:
    stdout, stderr = io.BytesIO(), io.BytesIO()
    streams = {"stdin": io.BytesIO(stdin), "stdout": stdout, "stderr": stderr}
    session = Session(source, argv, alu=alu, **streams, **options)
    report(mode, None)
    started = time.perf_counter()
    # No instruction: this compiles the loop and stops.
    session.state = run(session.text.program, session.state, 0, alu=alu)
    ready = time.perf_counter()
    result, retired = _run(session, max_steps, lambda retired: report(mode, retired))
    seconds = time.perf_counter() - ready
    state = result.state
    rows = word.from_limbs(state.regs)
    return Row(
        mode=mode,
        exit_code=result.exit_code,
        retired=retired,
        compiling=ready - started,
        seconds=seconds,
        registers=np.append(rows, word.from_limbs(state.pc)),
        flags=int(state.flags),
        memory=_memory_digest(state),
        stdout=stdout.getvalue(),
        stderr=stderr.getvalue(),
    )


def _run(
    session: Session, max_steps: int | None, report: Callable[[int], None]
) -> tuple[Result, int]:
    """Run to the end or to `max_steps`; the last result, and instructions in all."""
    retired, piece = 0, FIRST_PIECE
    while True:
        left = piece if max_steps is None else min(piece, max_steps - retired)
        started = time.perf_counter()
        result = session.run(left)
        retired += result.retired
        if result.exit_code is not None or retired == max_steps:
            return result, retired
        report(retired)
        if time.perf_counter() - started < REPORT_EVERY:
            piece *= 2


def _memory_digest(state: State) -> str:
    total = hashlib.sha256()
    for part in (state.mem, state.perm):
        total.update(np.asarray(part).data)
    return total.hexdigest()
