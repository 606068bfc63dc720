"""`SolveStore`: solutions that passed their visible tests, signed, by the task's fingerprint.

The same folder as a program library's: exclusive lock, signed snapshots, audit log.  A stored
solution is judged again before it is used, like any candidate.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ncpu.npcot.canonical import canonical, parse_canonical
from ncpu.npcot.errors import LibraryFormatError
from ncpu.npcot.folder import LibraryFolder
from ncpu.npcot.owner import Owner
from ncpu.npcot.solve.task import Task

_FILE = "solutions.json"


@dataclass(frozen=True)
class Solution:
    """A stored solution.

    Attributes:
      task_id, family: of the task it solved.
      description: the prompt's sentence, for retrieval.
      source: Python.
    """

    task_id: str
    family: str
    description: str
    source: str


class SolveStore:
    """Solutions by task fingerprint; in memory, and in a folder if there is one."""

    def __init__(self, folder: LibraryFolder | None = None):
        """Use `open` for one on disk.

        Raises:
          LibraryFormatError: a signed snapshot that is no store.
        """
        self._folder = folder
        self.solutions: dict[str, Solution] = {}
        if folder is not None and folder.current is not None:
            try:
                rows = parse_canonical(folder.current.files[_FILE])
                self.solutions = {k: Solution(**row) for k, row in rows.items()}
            except (KeyError, TypeError, AttributeError) as error:
                raise LibraryFormatError(f"signed, but not a solution store: {error}") from error

    @staticmethod
    def open(path: Path, owner: Owner) -> SolveStore:
        """The store in a folder, new if there is none.

        Raises:
          LibraryBusyError, SignatureError, RollbackError, AuditError: as `LibraryFolder`.
        """
        create = not (path / "snapshots").is_dir()
        store = SolveStore(LibraryFolder(path, owner, create=create))
        if create:
            store.save()
        return store

    def find(self, task: Task) -> str | None:
        """The stored source for exactly this task."""
        solution = self.solutions.get(task.fingerprint)
        return solution.source if solution else None

    def put(self, task: Task, source: str) -> None:
        """Keep a solution that passed the visible tests."""
        solution = Solution(task.task_id, task.family, description(task), source)
        self.solutions[task.fingerprint] = solution
        if self._folder is not None:
            self._folder.log.append("solved", task=task.task_id, fingerprint=task.fingerprint)

    def nearest(self, task: Task, count: int) -> list[str]:
        """Sources of the solutions whose descriptions share most words with the task's.

        Words that many descriptions have count for less.
        """
        rows = list(self.solutions.values())
        bags = [_words(row.description) for row in rows]
        common = Counter(word for bag in bags for word in bag)
        wanted = _words(description(task))

        def weight(words: Iterable[str]) -> float:
            return sum(1.0 / common[word] for word in words if word in common)

        scores = [weight(wanted & bag) / (1.0 + weight(bag)) for bag in bags]
        best = sorted(range(len(rows)), key=lambda i: (-scores[i], rows[i].task_id))
        return [rows[i].source for i in best[:count] if scores[i] > 0]

    def shuffled(self, seed: int) -> SolveStore:
        """A control in memory: the same solutions under each other's descriptions."""
        sources = [s.source for s in self.solutions.values()]
        random.Random(seed).shuffle(sources)
        other = SolveStore()
        for (key, old), source in zip(self.solutions.items(), sources, strict=True):
            other.solutions[key] = Solution(old.task_id, old.family, old.description, source)
        return other

    def save(self) -> int:
        """Write a signed snapshot; its version (0 in memory)."""
        if self._folder is None:
            return 0
        rows = canonical({k: s.__dict__ for k, s in self.solutions.items()})
        note = {"solutions": len(self.solutions)}
        snapshot = self._folder.save(lambda into: _write(into / _FILE, rows), note)
        return snapshot.manifest.version

    def close(self) -> None:
        """Release the folder."""
        if self._folder is not None:
            self._folder.close()

    def __enter__(self) -> SolveStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def description(task: Task) -> str:
    """The prompt's own words: its docstring up to the first example."""
    match = re.search(r'"""(.*?)(?:>>>|assert|""")', task.prompt, re.DOTALL)
    return " ".join((match[1] if match else task.prompt).split())


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9]+", text.lower()))


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
