"""Words to text, from the same table that decodes and assembles them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ncpu.machine.decode import classify
from ncpu.machine.isa import TABLE
from ncpu.machine.isa.forms import printers


def disassemble(word: int, pc: int = 0) -> str:
    """The text of the instruction `word` at address `pc`; `.inst` where it is none.

    >>> disassemble(0x91004020)
    'add x0, x1, #0x10'
    """
    return disassemble_many([word], pc)[0]


def disassemble_many(words: Sequence[int] | np.ndarray, base: int = 0) -> list[str]:
    """The text of each of `u32[n]` words, the first at address `base`."""
    words = np.ascontiguousarray(words, np.uint32)
    rows = classify(words)
    out = [f".inst {word:#010x}" for word in words.tolist()]
    for index in np.unique(rows[rows >= 0]).tolist():
        where = np.flatnonzero(rows == index)
        if not printers()[index]:
            for at in where.tolist():
                out[at] += f" // {TABLE[index].mnemonic}"
        for form in printers()[index]:
            hit = form.row.matches(words[where])
            for at in where[hit].tolist():
                out[at] = form.format(int(words[at]), base + 4 * at)
            where = where[~hit]
            if not len(where):
                break
    return out
