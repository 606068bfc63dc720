"""Breakpoints, watchpoints, and accesses to memory that were asked for."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from dataclasses import field as default

from ncpu.machine.debug.hunt import Watch


@dataclass
class Trap:
    """A breakpoint or watchpoint.

    Attributes:
      number: its name for people.
      what: as it was asked for.
      watch: the range, None for a breakpoint.
      address: of a breakpoint.
      condition: it stops only where this is not 0; None always.
      hits: how often it stopped the run.
    """

    number: int
    what: str
    address: int
    watch: Watch | None = None
    condition: str | None = None
    syntax: ast.expr | None = default(default=None, repr=False)
    hits: int = 0


@dataclass(frozen=True)
class Access:
    """One access to watched bytes.

    Attributes:
      retired: instructions done before it.
      kind: "read", "write", "read and write" or "system call".
      pc: of the instruction.
      data: what the bytes held afterwards.
    """

    retired: int
    kind: str
    pc: int
    data: bytes
