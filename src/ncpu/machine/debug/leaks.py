"""What a check for constant time found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

PATH, ADDRESS, OPERANDS = "path", "address", "operands"


@dataclass(frozen=True)
class Leak:
    """An instruction that tells of the secret.

    Attributes:
      kind: "path" (where it branches), "address" (what it accesses) or "operands" (of an
        instruction whose time depends on them).
      pc: its address.
      count: how often it did so otherwise than with the first secret.
      secret: a value with which it did, hexadecimal, the low byte first.
      where, instruction: for people.
    """

    kind: str
    pc: int
    count: int
    secret: str
    where: str = ""
    instruction: str = ""


@dataclass
class Report:
    """What was seen.

    Attributes:
      function: what was watched.
      tried: how many secrets.
      exhaustive: these are all there are.
      retired: instructions with the first secret.
      leaks: instructions that tell, none when the function is constant time.
      secrets: the bytes tried, NumPy `u8[tried, bytes]`.
      values: x0 at the end for each, NumPy `u64[tried]`.
    """

    function: str
    tried: int
    exhaustive: bool
    retired: int = 0
    leaks: list[Leak] = field(default_factory=list)
    secrets: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint8), repr=False)
    values: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64), repr=False)

    @property
    def constant(self) -> bool:
        """Nothing differed."""
        return not self.leaks

    def json(self) -> dict[str, Any]:
        """For a file."""
        row = {
            name: value for name, value in vars(self).items() if name not in ("secrets", "values")
        }
        return {**row, "constant": self.constant, "leaks": [asdict(leak) for leak in self.leaks]}
