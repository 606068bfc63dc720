"""A solver of the problems with a subset of the instruction forms."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import numpy as np

from ncpu.machine.asm import assemble
from ncpu.synth.isa_discovery.problems import FORMS, MASK, PROBLEMS, Problem
from ncpu.synth.optimize.allocate import Place, allocate
from ncpu.synth.optimize.forms import Form, form
from ncpu.synth.optimize.machine import CHECKED, VECTORS, run_codes
from ncpu.synth.optimize.search import Found, Search, Task

LONGEST = 4
WORK = 1e6  # candidates that a search of one length may evaluate
EDGES = (0, 1, 2, 3, 255, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, MASK - 1, MASK)
FREE = tuple(range(10))  # registers of the code that is run for the check

Subset = frozenset[int]  # of indices into the forms


class Solver:
    """Problems solved by short code over given forms; right on the exact machine to count.

    Attributes:
      forms: the forms to choose from.
      problems: what is to be solved.
      searches: how many were made.
    """

    def __init__(
        self,
        forms: Sequence[str] = FORMS,
        problems: Sequence[Problem] = PROBLEMS,
        *,
        work: float = WORK,
        longest: int = LONGEST,
        seed: int = 0,
    ) -> None:
        """`work` and `longest` bound each search; `seed` is of the test vectors."""
        made = [form(text) for text in forms]
        self.forms: list[Form] = [f for f in made if f is not None]
        if len(self.forms) != len(made):
            raise ValueError(f"{forms[made.index(None)]!r} is no form of an instruction")
        self.problems, self.work, self.longest = tuple(problems), work, longest
        self.searches = 0
        rng = np.random.default_rng(seed)
        self._given = [_vectors(rng, p.arity) for p in self.problems]
        self._wanted = [
            np.array([p.function(*map(int, row)) & MASK for row in given], np.uint64)
            for p, given in zip(self.problems, self._given, strict=True)
        ]

    def programs(self, problem: int, subset: Iterable[int], every: bool = False) -> list[Subset]:
        """Forms of programs that solve a problem, shortest programs first.

        Args:
          problem: its index.
          subset: the forms that may be used.
          every: all that the search finds at the least length, not only the first.
        """
        self.searches += 1
        chosen = sorted(subset)
        given, wanted = self._given[problem], self._wanted[problem]
        task = Task(given[:VECTORS].T.copy(), None, wanted[None, :VECTORS], None)
        search = Search(task, [self.forms[k] for k in chosen], time.perf_counter() + 60)
        for length in range(1, self.longest + 1):
            if search.work(length) > self.work:
                break
            found = self._right(problem, search.solutions(length), every)
            if found:
                return found
        return []

    def _right(self, problem: int, sequences: list[Found], every: bool) -> list[Subset]:
        """The forms of the sequences that are right on all vectors, run by the machine."""
        index = {f.text: k for k, f in enumerate(self.forms)}
        sets: dict[Subset, Found] = {}
        for sequence in sequences:
            sets.setdefault(frozenset(index[s.form.text] for s in sequence.steps), sequence)
        given = self._given[problem]
        rows = tuple(range(given.shape[1]))
        codes = []
        for sequence in sets.values():
            lines = allocate(sequence.steps, Place(rows, {0: sequence.holds[0]}, FREE))
            codes.append(assemble("\n".join(lines or ["nop"])).words.tolist())
        if not codes:
            return []
        regs = np.zeros((CHECKED, 31), np.uint64)
        regs[:, : given.shape[1]] = given
        x, _ = run_codes(codes, regs, np.zeros(CHECKED, np.uint32))
        right = (x[:, :, 0] == self._wanted[problem]).all(1)
        out = [used for used, good in zip(sets, right, strict=True) if good]
        return out if every else out[:1]


def _vectors(rng: np.random.Generator, arity: int) -> np.ndarray:
    """`u64[CHECKED, arity]`: random words of all sizes, edges, equal arguments."""
    words = rng.integers(0, 1 << 64, (CHECKED, arity), np.uint64)
    words[1::3] >>= rng.integers(0, 64, words[1::3].shape, np.uint64)
    words[CHECKED // 2 :] = np.array(EDGES, np.uint64)[
        rng.integers(0, len(EDGES), (CHECKED - CHECKED // 2, arity))
    ]
    words[3] = words[3, 0]
    words[CHECKED // 2 :: 6] = words[CHECKED // 2 :: 6, :1]
    return words
