"""All inputs of a small domain, as padded arrays."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ncpu.npcot.domain import Domain


def inputs_count(domain: Domain, second: bool) -> float:
    """How many inputs the domain has, pairs if a second array is read; inf from 2^62 on."""
    values = domain.high - domain.low + 1
    if second:
        values *= domain.second[1] - domain.second[0] + 1
    if values == 1:
        return domain.max_length - domain.min_length + 1
    if domain.max_length * math.log2(values) >= 62:
        return math.inf
    return sum(values**n for n in range(domain.min_length, domain.max_length + 1))


def all_inputs(
    domain: Domain, second: bool, batch: int = 1 << 14
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Every input once: `x i32[batch, n]`, `length i32[batch]`, `y i32[batch, n]`.

    Batches all have one shape; the last of a length repeats its first input to fill it.
    """
    width_x = domain.high - domain.low + 1
    width_y = domain.second[1] - domain.second[0] + 1 if second else 1
    low_y = domain.second[0] if second else 0
    columns = max(1, domain.max_length)
    for n in range(domain.min_length, domain.max_length + 1):
        total = (width_x * width_y) ** n
        for start in range(0, total, batch):
            rest = np.arange(start, start + batch, dtype=np.int64)
            rest = np.where(rest < total, rest, start)
            x = np.zeros((batch, columns), np.int32)
            y = np.zeros((batch, columns), np.int32)
            for k in range(n):
                rest, digit = np.divmod(rest, width_x * width_y)
                x[:, k], y[:, k] = domain.low + digit // width_y, low_y + digit % width_y
            yield x, np.full(batch, n, np.int32), y
