"""What a fuzzer keeps: inputs that showed something new, crashes, figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Crash:
    """A way to end badly.

    Attributes:
      signal: its name.
      pc: where.
      data: an input that leads there; the shortest so far.
      count: candidates that did.
      execution: number of the candidate that was the first.
      stack: calls, innermost first, once it has been looked at.
    """

    signal: str
    pc: int
    data: bytes
    count: int
    execution: int
    stack: tuple[str, ...] = ()

    def json(self) -> dict[str, Any]:
        """For a file."""
        return {**vars(self), "data": self.data.hex()}


@dataclass
class Statistics:
    """How a fuzzer is doing.

    Attributes:
      executions, seconds: so far.
      edges: counters of edges that have been hit.
      hangs: candidates that did not end in their steps.
      hosted: candidates that made a system call for the host.
      instructions: executed in all.
    """

    executions: int = 0
    seconds: float = 0.0
    edges: int = 0
    hangs: int = 0
    hosted: int = 0
    instructions: int = 0

    @property
    def speed(self) -> float:
        """Executions a second."""
        return self.executions / self.seconds if self.seconds else 0.0


@dataclass
class Corpus:
    """Inputs with their lengths, and how often each was chosen."""

    data: list[np.ndarray] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    chosen: list[int] = field(default_factory=list)

    def add(self, data: bytes, width: int) -> None:
        """Keep an input, as a row of `width` bytes."""
        self.data.append(np.frombuffer(data.ljust(width, b"\0"), np.uint8))
        self.lengths.append(len(data))
        self.chosen.append(0)
