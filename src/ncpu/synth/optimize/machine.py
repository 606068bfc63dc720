"""Code on test vectors, run by the exact machine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import jax.numpy as jnp
import numpy as np

from ncpu.machine import word
from ncpu.machine.batch import broadcast, run_batch
from ncpu.machine.program import Program
from ncpu.machine.state import ROWS, Status, new_state
from ncpu.synth.optimize.code import op
from ncpu.synth.optimize.search import Task
from ncpu.synth.optimize.semantics import NZCV

VECTORS = 8  # in the search
CHECKED = 64  # of each candidate
LANES = 4096  # in one batch
LONGEST = 1 << 10  # instructions in all of them, and steps of a lane
EDGES = (0, 1, 2, 3, 7, 8, 63, 64, 255, 1 << 31, (1 << 32) - 1, 1 << 63, (1 << 63) - 1)


def run_codes(
    codes: Sequence[Sequence[int]], regs: np.ndarray, flags: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Straight-line codes, each from the same registers.

    Args:
      codes: words of each.
      regs: `u64[n, 31]`, X0-X30 of n runs.
      flags: `u32[n]`, their NZCV in the highest bits.

    Returns:
      X0-X30 afterwards `u64[codes, n, 31]` and flags `u32[codes, n]`.
    """
    count, runs = len(codes), len(regs)
    together = max(1, min(LANES // runs, LONGEST // (1 + max(map(len, codes), default=0))))
    outs = [
        _batch(codes[first : first + together], regs, flags) for first in range(0, count, together)
    ]
    return tuple(np.concatenate(parts) for parts in zip(*outs, strict=True))  # type: ignore[return-value]


def _batch(
    codes: Sequence[Sequence[int]], regs: np.ndarray, flags: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    runs, used = len(regs), len(codes) * len(regs)
    program, entries = Program.many([np.array(code, np.uint32) for code in codes])
    pc = np.zeros((LANES, 2), np.uint32)
    pc[:used] = word.to_limbs(np.repeat(entries, runs))
    rows = np.zeros((LANES, ROWS, 2), np.uint32)
    rows[:used, :31] = np.tile(word.to_limbs(regs), (len(codes), 1, 1))
    nzcv = np.zeros(LANES, np.uint32)
    nzcv[:used] = np.tile(flags, len(codes))
    status = np.full(LANES, Status.EXITED, np.int32)
    status[:used] = Status.RUNNING
    states = broadcast(new_state(size=4096), LANES).replace(
        regs=jnp.asarray(rows),
        pc=jnp.asarray(pc),
        flags=jnp.asarray(nzcv),
        status=jnp.asarray(status),
    )
    done = run_batch(program, states, LONGEST)
    shape = (len(codes), runs)
    x = done.x[:used].reshape(*shape, 31)
    return x, np.asarray(done.flags)[:used].reshape(shape)


class Machine:
    """A piece of code with the inputs that candidates are compared on.

    Attributes:
      constants: values that are the same whatever the inputs, and numbers of the code.
    """

    def __init__(
        self,
        words: Sequence[int],
        inputs: Sequence[int],
        outputs: Sequence[int],
        reads_flags: bool,
        writes_flags: bool,
        seed: int = 0,
    ) -> None:
        """`inputs` and `outputs` are register numbers; the rest says whether NZCV is one."""
        self.words, self.rows, self.outputs = tuple(words), tuple(inputs), tuple(outputs)
        self.reads_flags, self.writes_flags = reads_flags, writes_flags
        rng = np.random.default_rng(seed)
        numbers = {int(n, 0) for w in words for n in re.findall(r"#(-?\w+)", op(w).text)}
        self.regs, self.flags = _vectors(rng, self.rows, sorted(numbers), reads_flags)
        values, _ = run_codes([words[:k] for k in range(1, len(words) + 1)], self.regs, self.flags)
        fixed = [
            int(values[k, 0, row])
            for k, w in enumerate(words)
            for row in op(w).writes - {NZCV}
            if (values[k, :, row] == values[k, 0, row]).all()
        ]
        self.constants = list(dict.fromkeys([*fixed, *sorted(numbers, key=abs)]))
        self._remember()

    def _remember(self) -> None:
        x, flags = run_codes([self.words], self.regs, self.flags)
        self.wanted, self.wanted_flags = x[0][:, self.outputs], flags[0]

    def add(self, values: Mapping[int, int]) -> None:
        """One more vector, which the search from now on uses: a counterexample."""
        row = np.array([[values.get(r, 0) for r in range(31)]], np.uint64)
        flags = np.array([values.get(NZCV, 0) << 28], np.uint32)
        self.regs = np.concatenate([row, self.regs[:-1]])
        self.flags = np.concatenate([flags, self.flags[:-1]])
        self._remember()

    def task(self) -> Task:
        """The search problem on the first vectors."""
        some = slice(VECTORS)
        return Task(
            inputs=self.regs[some][:, self.rows].T.copy(),
            flags=self.flags[some] if self.reads_flags else None,
            targets=self.wanted[some].T.copy(),
            target_flags=self.wanted_flags[some] if self.writes_flags else None,
        )

    def agreeing(self, codes: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """The codes that leave the same in the outputs on every vector."""
        if not codes:
            return []
        x, flags = run_codes(codes, self.regs, self.flags)
        same = (x[:, :, self.outputs] == self.wanted).all((1, 2))
        if self.writes_flags:
            same &= (flags == self.wanted_flags).all(1)
        return [code for code, right in zip(codes, same, strict=True) if right]


def _vectors(
    rng: np.random.Generator, rows: Sequence[int], numbers: Iterable[int], flags: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Random words of all sizes, then words around edges and the code's own numbers."""
    regs = rng.integers(0, 1 << 64, (CHECKED, 31), np.uint64)
    small = rng.integers(0, 1 << 8, regs.shape, np.uint64)
    sizes = rng.integers(0, 64, regs.shape, np.uint64)
    regs[1::4] = small[1::4]
    regs[2::4] >>= sizes[2::4]
    regs[3::8] = ~regs[3::8] >> np.uint64(1) | np.uint64(1 << 63)
    edges = [(e + k) & (1 << 64) - 1 for e in (*EDGES, *numbers) for k in (0, -1, 1)]
    half = CHECKED // 2
    picked = np.array(edges, np.uint64)[rng.integers(0, len(edges), (half, 31))]
    regs[half:] = np.where(rng.random((half, 31)) < 0.7, picked, regs[half:])
    if len(rows) > 1:  # equal operands are rare by chance
        regs[5, list(rows)] = regs[5, rows[0]]
        regs[half::8, list(rows)] = regs[half::8, rows[:1]]
    nzcv = rng.integers(0, 16, CHECKED).astype(np.uint32) << np.uint32(28)
    return regs, nzcv if flags else np.zeros_like(nzcv)
