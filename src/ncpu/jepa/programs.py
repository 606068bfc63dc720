"""Where transitions come from: assembled and compiled programs, and the instruction table."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from ncpu.jepa.errors import TraceError
from ncpu.jepa.trace import trace
from ncpu.jepa.transition import Transition, covered, take, transitions
from ncpu.jepa.view import NZCV, PC, WORDS, Bus, View
from ncpu.machine import batch, corpus, word
from ncpu.machine.decode import decode_table
from ncpu.machine.instr import Unit, field, pack_columns
from ncpu.machine.isa import TABLE
from ncpu.machine.program import Program
from ncpu.machine.state import Status
from ncpu.machine.verify import random_encodings, random_words

COMPILER = "aarch64-linux-gnu-gcc"
LANE = 16 << 20  # bytes of memory of a compiled program
_PAGES = 1 << 10  # of every compiled program's text: with equal shapes one trace serves all
_ENCODINGS = 48  # words drawn for each row of the table
# How often each unit is drawn: common ones more, those no carry scan computes less.
_COMMON = {Unit.ADD: 4, Unit.LOGIC: 4, Unit.SELECT: 2, Unit.COMPARE: 2, Unit.LOAD: 2}
_RARE = {Unit.MULTIPLY, Unit.MULTIPLY_HIGH, Unit.DIVIDE, Unit.CRC, Unit.BITS, Unit.ATOMIC}


@dataclass(frozen=True)
class Traced:
    """What one program did.

    Attributes:
      name: of the program; sets are split by it.
      ticks: transitions in order, NumPy leaves of shape `[windows, steps, ...]`.
    """

    name: str
    ticks: Transition

    def flat(self) -> Transition:
        """The valid transitions, shape `[n]`."""
        keep = np.flatnonzero(self.ticks.valid.reshape(-1))
        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:])[keep], self.ticks)


def held_out(name: str, parts: int = 4) -> bool:
    """Whether a program belongs to the held-out quarter: its name alone decides.

    What follows the first dot does not count, so that every compilation of a source, and
    the same program in assembly and in C, is on the same side.
    """
    return hashlib.sha256(name.partition(".")[0].encode()).digest()[0] % parts == 0


def split(programs: Iterable[Traced]) -> tuple[list[Traced], list[Traced]]:
    """Programs to train on and held-out ones, disjoint by name.

    Raises:
      TraceError: one side would be empty.
    """
    train: list[Traced] = []
    test: list[Traced] = []
    for program in programs:
        (test if held_out(program.name) else train).append(program)
    if not train or not test:
        raise TraceError(
            f"{len(train)} programs to train on and {len(test)} held out: give more programs"
        )
    return train, test


def trace_corpus(folder: Path, steps: int = 1024) -> list[Traced]:
    """The assembly programs of a folder, from their first instruction.

    Raises:
      AssemblyError: a program that cannot be assembled.
      TraceError: no programs.
    """
    found = corpus.cases(folder)
    if not found:
        raise TraceError(f"{folder} holds no .s or .toy programs")
    made = [corpus.program(case) for case in found]
    programs = jax.tree.map(lambda *leaves: jnp.stack(leaves), *[p for p, _ in made])
    ticks = jax.device_get(trace(programs, batch.stack([s for _, s in made]), steps))
    return [Traced(case.name, take(ticks, np.s_[k : k + 1])) for k, case in enumerate(found)]


def padded(program: Program) -> Program:
    """The same program with arrays of common shapes.

    Raises:
      TraceError: text that spans more than 4 MiB.
    """
    extra = _PAGES - len(program.pages)
    if extra < 0:
        raise TraceError(f"text of {len(program.pages)} pages: at most {_PAGES} are traced")
    rows = 1 << max(18, (len(program.rows) - 1).bit_length())
    grown = jnp.zeros((rows, program.rows.shape[1]), program.rows.dtype)
    return dataclasses.replace(
        program,
        pages=jnp.pad(program.pages, (0, extra)),
        rows=grown.at[: len(program.rows)].set(program.rows),
    )


def trace_binary(
    name: str, elf: bytes, argv: Sequence[str] = (), *, windows: int = 8, steps: int = 512
) -> Traced:
    """A static Linux executable in windows, the distance between them doubling.

    Raises:
      ElfError: not an executable this machine runs.
      TraceError: it ended before a single window.
    """
    from ncpu.machine.linux.launch import Session

    session = Session(elf, [name, *argv], memory_size=LANE)
    program = padded(Program.from_state(session.state))
    found = []
    for window in range(windows):
        session.run(500 << window)
        if int(session.state.status) != Status.OUT_OF_FUEL:
            break
        found.append(jax.device_get(trace(program, session.state, steps)))
    if not found:
        raise TraceError(f"{name} ended within its first 500 instructions")
    return Traced(name, jax.tree.map(lambda *leaves: np.stack(leaves), *found))


def compile_c(source: Path) -> bytes:
    """A C program as a static AArch64 executable.

    Raises:
      TraceError: no cross compiler, or it refused the program.
    """
    if shutil.which(COMPILER) is None:
        raise TraceError(f"{COMPILER} is not installed: `make tools` installs it")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "program"
        command = [COMPILER, "-O2", "-static", "-std=gnu11", "-w", str(source), "-o", str(out)]
        done = subprocess.run([*command, "-lm"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise TraceError(f"{source} does not compile: {done.stderr.strip()[:200]}")
        return out.read_bytes()


def together(programs: Iterable[Traced], limit: int | None = None) -> Transition:
    """The valid transitions of several programs, at most `limit` (spread evenly) of each.

    Raises:
      TraceError: there are none.
    """
    parts = []
    for program in programs:
        flat = program.flat()
        count = len(flat.valid)
        if limit is not None and count > limit:
            flat = take(flat, np.linspace(0, count - 1, limit).astype(int))
        if count:
            parts.append(flat)
    if not parts:
        raise TraceError("no transition that the model covers in these programs")
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


class Random:
    """Unlimited exact transitions: instructions from the table on random views."""

    def __init__(self, seed: int) -> None:
        """`seed` decides everything drawn."""
        self.rng = np.random.default_rng(seed)
        words = [random_encodings(row, self.rng, _ENCODINGS) for row in TABLE]
        packed = pack_columns(decode_table(np.concatenate(words)))
        packed = packed[np.asarray(covered(jnp.asarray(packed)))]
        # A link to a further transfer is a place in a program; these have none.
        packed[:, 7] = 0
        unit = field(packed, "unit")
        weight = np.array([_COMMON.get(u, 0.5 if u in _RARE else 1.0) for u in Unit])
        share = weight[unit] / np.bincount(unit, minlength=len(Unit))[unit]
        self.packed, self.share = packed, share / share.sum()

    def draw(self, count: int) -> Transition:
        """`count` transitions (NumPy leaves), not all of them valid."""
        rng = self.rng
        values = random_words(rng, count * (WORDS + 2)).reshape(count, WORDS + 2)
        # Equal registers now and then, so that comparisons come out equal.
        same = rng.random((count, WORDS + 2)) < 0.15
        values = np.where(same, values[:, :1], values)
        values[:, PC] &= np.uint64((1 << 48) - 4)
        values[:, NZCV] = rng.integers(0, 16, count)
        limbs = word.to_limbs(values)
        packed = self.packed[rng.choice(len(self.packed), count, p=self.share)]
        bus = Bus(words=jnp.asarray(limbs[:, WORDS:]))
        made = transitions(View(words=jnp.asarray(limbs[:, :WORDS])), jnp.asarray(packed), bus)
        return jax.device_get(made)
