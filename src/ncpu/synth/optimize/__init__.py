"""Shorter or faster straight-line A64 code, proved equal for all inputs.

    from ncpu.synth.optimize import optimize
    optimize("mvn x2, x1\\nand x0, x0, x2").text        # bic x0, x0, x1

Short sequences are enumerated on test vectors by the machine's own units (Massalin 1987;
Bansal and Aiken 2006), run by the exact machine on more, and proved by an SMT solver from the
machine's own step; a counterexample becomes a test vector.  A verdict of "unknown" refuses.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ncpu.machine.disasm import disassemble_many
from ncpu.synth.optimize.code import Cost, OptimizeError, cost_of, critical_path
from ncpu.synth.optimize.machine import run_codes
from ncpu.synth.optimize.semantics import NZCV, Verdict, prove_equal
from ncpu.synth.optimize.source import (
    PRESERVED,
    Piece,
    live_before,
    pieces,
    registers,
    rewritten,
)
from ncpu.synth.optimize.window import Effort, Tally, Window, improve

__all__ = [
    "Effort",
    "OptimizeError",
    "Optimized",
    "Rewrite",
    "Verdict",
    "critical_path",
    "optimize",
    "prove_equal",
]

LARGEST = 6  # instructions in a window


@dataclass(frozen=True)
class Rewrite:
    """One proved step.

    Attributes:
      line: of the piece of code it is in, from 1.
      old: instructions before.
      new: instructions after.
      proof_seconds: the solver took for this one and for those it refused on the way.
    """

    line: int
    old: tuple[str, ...]
    new: tuple[str, ...]
    proof_seconds: float


@dataclass(frozen=True)
class Optimized:
    """What became of a program.

    Attributes:
      text: the new source.
      model: the cost model.
      old_cost: the straight-line code before, added over its pieces.
      new_cost: and after.
      rewrites: the proved steps, in the order they were made.
      tally: candidates, proofs and what they took.
      seconds: all in all.
      finished: everything was tried; False when the time was up before.
    """

    text: str
    model: str
    old_cost: Cost
    new_cost: Cost
    rewrites: tuple[Rewrite, ...]
    tally: Tally
    seconds: float
    finished: bool


def optimize(
    program_text: str,
    *,
    live_out: str | Sequence[str] = "x0",
    cost: str = "count",
    limit: float = 60.0,
    longest: int = 4,
    largest: int = LARGEST,
    work: float = 1e7,
    seed: int = 0,
) -> Optimized:
    """Optimise the straight-line integer code of a program.

    Branches, labels, memory and system instructions stay where they are and part the code;
    what is live across them is found from the instructions, and taken to be everything where
    that is not known.  Registers X18-X30 are kept, as procedures have to.

    Args:
      program_text: GNU-style A64 assembly.
      live_out: registers (and `flags`) read after the end and after every `ret`.
      cost: "count" or "latency", see `cost_of`.
      limit: seconds.
      longest: instructions in a sequence that is searched for.
      largest: instructions in a window.
      work: candidates that one search of one length may evaluate.
      seed: of the test vectors.

    Raises:
      AssemblyError: the program does not assemble.
      OptimizeError: an option, or code that cannot be moved.
    """
    start = time.perf_counter()
    if limit <= 0 or longest < 0 or largest < 1:
        raise OptimizeError("limit has to be positive, longest at least 0, largest at least 1")
    cost_of((), cost)
    effort = Effort(cost=cost, longest=longest, work=work, deadline=start + limit, seed=seed)
    parts = pieces(program_text)
    at_end = registers(live_out) | PRESERVED
    live, tally, rewrites = at_end, Tally(), []
    changes: dict[int, tuple[Piece, Sequence[int]]] = {}
    old_cost = new_cost = cost_of((), cost)
    finished = True
    for piece in reversed(parts):
        if piece.straight:
            run = _Straight(piece, live, effort, tally, largest)
            finished &= run.go() if finished else False
            rewrites += run.rewrites
            new = tuple(run.words)
            if new != piece.words:
                run.confirm()
                changes[piece.lines[0]] = (piece, new)
            old_cost = _sum(old_cost, cost_of(piece.words, cost, sorted(live)))
            new_cost = _sum(new_cost, cost_of(new, cost, sorted(live)))
            live = live_before(replace(piece, words=new), live, at_end)
        else:
            live = live_before(piece, live, at_end)
    text = rewritten(program_text, changes)
    seconds = time.perf_counter() - start
    return Optimized(text, cost, old_cost, new_cost, tuple(rewrites), tally, seconds, finished)


def _sum(a: Cost, b: Cost) -> Cost:
    return tuple(x + y for x, y in zip(a, b, strict=True))


class _Straight:
    """One piece of straight-line code while windows of it are rewritten."""

    def __init__(
        self, piece: Piece, live: frozenset[int], effort: Effort, tally: Tally, largest: int
    ) -> None:
        self.piece, self.live, self.effort = piece, live, effort
        self.tally, self.largest = tally, largest
        self.words = list(piece.words)
        self.rewrites: list[Rewrite] = []
        self.barren: set[Window] = set()

    def go(self) -> bool:
        """Rewrite until no window gets cheaper; False when the time is up."""
        try:
            while self._pass():
                pass
        except KeyboardInterrupt:
            return False
        return time.perf_counter() <= self.effort.deadline

    def _pass(self) -> bool:
        """One rewrite, False where no window has one.

        Small windows come first: they cost little and leave less for the large ones.  A path
        gets shorter by what is done over the whole of it, so there large ones do.
        """
        sizes = range(1, min(self.largest, len(self.words)) + 1)
        for size in sizes if self.effort.cost == "count" else sizes[::-1]:
            for start in range(len(self.words) - size + 1):
                if time.perf_counter() > self.effort.deadline:
                    return False
                if self._at(start, size):
                    return True
        return False

    def _at(self, start: int, size: int) -> bool:
        old = tuple(self.words[start : start + size])
        behind = Piece(tuple(self.words[start + size :]), (), True)
        window = Window(old, live_before(behind, self.live, self.live))
        if window in self.barren:
            return False
        spent = self.tally.proof_seconds
        new = improve(window, self.effort, self.tally)
        if new is None or not self._cheaper(start, size, new):
            self.barren.add(window)
            return False
        self.words[start : start + size] = new
        self.rewrites.append(
            Rewrite(
                self.piece.lines[0] + 1,
                tuple(disassemble_many(list(old))),
                tuple(disassemble_many(list(new))) if new else (),
                self.tally.proof_seconds - spent,
            )
        )
        return True

    def _cheaper(self, start: int, size: int, new: tuple[int, ...]) -> bool:
        """Whether the piece as a whole gets cheaper: a shorter path may not be the longest."""
        model, wanted = self.effort.cost, sorted(self.live)
        whole = [*self.words[:start], *new, *self.words[start + size :]]
        return cost_of(whole, model, wanted) < cost_of(self.words, model, wanted)

    def confirm(self) -> None:
        """Run old and new on the machine: what is live has to come out the same."""
        rng = np.random.default_rng(self.effort.seed + 1)
        regs = rng.integers(0, 1 << 64, (64, 31), np.uint64)
        flags = rng.integers(0, 16, 64).astype(np.uint32) << np.uint32(28)
        x, nzcv = run_codes([self.piece.words, self.words], regs, flags)
        rows = sorted(self.live - {NZCV})
        same = (x[0][:, rows] == x[1][:, rows]).all()
        if not same or (NZCV in self.live and (nzcv[0] != nzcv[1]).any()):
            raise AssertionError(f"the rewrites of line {self.piece.lines[0] + 1} disagree")
