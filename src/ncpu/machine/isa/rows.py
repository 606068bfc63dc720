"""One row of the instruction table, and how its bit pattern is read.

A pattern lists the 32 bits from the highest: runs of 0 and 1 are fixed, `name:width` is a
field.  `"sf:1 0010001 0 sh:1 imm12:12 rn:5 rd:5"` is ADD (immediate).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

# Lowering: the row's fields as NumPy u64 columns to `Instr` columns, one dict for each
# transfer of the instruction (nearly always one).
Lowering = Callable[[SimpleNamespace], "dict[str, Any] | list[dict[str, Any]]"]


def parse_pattern(pattern: str) -> tuple[int, int, dict[str, tuple[int, int]]]:
    """(mask, match, {field: (lowest bit, width)}) of a pattern."""
    mask = match = 0
    position = 32
    places: dict[str, tuple[int, int]] = {}
    for token in pattern.split():
        if ":" in token:
            name, width = token.split(":")
            position -= int(width)
            places[name] = (position, int(width))
            continue
        for bit in token:
            position -= 1
            mask |= 1 << position
            match |= int(bit) << position
    if position:
        raise ValueError(f"pattern {pattern!r} describes {32 - position} bits, not 32")
    return mask, match, places


@dataclass(frozen=True)
class Row:
    """One instruction of the table.

    Attributes:
      mnemonic: as in the Arm manual, lower case.
      pattern: the encoding; see `parse_pattern`.
      lower: how it becomes `Instr` fields.
      group: heading in the docs and the coverage report.
      valid: which field values are allocated; all when None.
      syntax: operands as the assembler reads and the disassembler prints them.
    """

    mnemonic: str
    pattern: str
    lower: Lowering
    group: str
    valid: Callable[[SimpleNamespace], Any] | None = None
    syntax: str = ""

    @cached_property
    def _parsed(self) -> tuple[int, int, dict[str, tuple[int, int]]]:
        return parse_pattern(self.pattern)

    @property
    def mask(self) -> int:
        """Bits of the encoding that are fixed."""
        return self._parsed[0]

    @property
    def match(self) -> int:
        """Their values."""
        return self._parsed[1]

    @property
    def places(self) -> dict[str, tuple[int, int]]:
        """Where each field is: (lowest bit, width)."""
        return self._parsed[2]

    @property
    def name(self) -> str:
        """Unique and stable: the mnemonic and the fixed bits."""
        return f"{self.mnemonic}:{self.match:08x}"

    def fields(self, words: np.ndarray) -> SimpleNamespace:
        """The fields of `words` (which match) as NumPy u64 columns, and `word` itself."""
        wide = words.astype(np.uint64)
        values = {
            name: (wide >> np.uint64(low)) & np.uint64((1 << width) - 1)
            for name, (low, width) in self.places.items()
        }
        return SimpleNamespace(word=wide, **values)

    def matches(self, words: np.ndarray) -> np.ndarray:
        """Which of the NumPy u32 `words` are this instruction."""
        hit = (words & np.uint32(self.mask)) == np.uint32(self.match)
        if self.valid is not None and hit.any():
            hit[hit] = self.valid(self.fields(words[hit]))
        return hit
