"""Reports of the sanitizer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ncpu.machine.debug.heap import Block


@dataclass(frozen=True)
class Report:
    """A bad use of memory.

    Attributes:
      kind: "heap-buffer-overflow", "use-after-free", "double-free", "invalid-free",
        "stack-overflow" (over a return address), "stack-buffer-overflow" (out of a local
        variable), "below-stack" or "uninitialised".
      what: in a sentence.
      retired, pc: when and where: `goto` goes there.
      address: what was accessed.
      stack: the calls that led there, innermost first.
      block: the piece of the heap it is about, with the stacks of its allocation and release.
    """

    kind: str
    what: str
    retired: int
    pc: int
    address: int
    stack: tuple[str, ...]
    block: Block | None = None

    def json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"{self.kind}: {self.what} [{self.retired:,} instructions]"]
        lines += [f"    #{k} {frame}" for k, frame in enumerate(self.stack)]
        if self.block is not None:
            lines.append(f"  allocated [{self.block.born:,} instructions]")
            lines += [f"    #{k} {frame}" for k, frame in enumerate(self.block.stack)]
            if self.block.died is not None:
                lines.append(f"  freed [{self.block.died:,} instructions]")
                lines += [f"    #{k} {frame}" for k, frame in enumerate(self.block.freed_by)]
        return "\n".join(lines)
