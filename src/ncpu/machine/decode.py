"""Words to `Instr`: total and vectorised, generated from the table."""

from __future__ import annotations

from functools import cache

import numpy as np

from ncpu.machine.instr import FIELDS, Instr, Unit, columns, pack_columns, unpack
from ncpu.machine.isa import TABLE


@cache
def _candidates() -> list[np.ndarray]:
    """For each value of bits 28-21, the table rows that such a word may match."""
    buckets: list[list[int]] = [[] for _ in range(256)]
    for index, row in enumerate(TABLE):
        mask, match = (row.mask >> 21) & 0xFF, (row.match >> 21) & 0xFF
        for key in range(256):
            if key & mask == match:
                buckets[key].append(index)
    return [np.array(bucket, np.int32) for bucket in buckets]


def classify(words: np.ndarray) -> np.ndarray:
    """Index into `TABLE` of each word of `u32[n]`, -1 where none matches: `i32[n]`."""
    words = np.ascontiguousarray(words, np.uint32)
    unique, inverse = np.unique(words, return_inverse=True)
    found = np.full(len(unique), -1, np.int32)
    keys = (unique >> 21) & 0xFF
    order = np.argsort(keys, kind="stable")
    bounds = np.searchsorted(keys[order], np.arange(257))
    for key, rows in enumerate(_candidates()):
        where = order[bounds[key] : bounds[key + 1]]
        if not len(where):
            continue
        for index in rows:
            open_ = where[found[where] < 0]
            if not len(open_):
                break
            found[open_[TABLE[index].matches(unique[open_])]] = index
    return found[inverse]


def decode_table(words: np.ndarray) -> dict[str, np.ndarray]:
    """The `Instr` fields of `u32[n]` words as NumPy columns of length n + m.

    Entry i < n belongs to word i; the m entries behind are the further transfers of
    multi-transfer instructions, reached through `next` (an index into these columns).
    """
    words = np.ascontiguousarray(words, np.uint32)
    unique, inverse = np.unique(words, return_inverse=True)
    rows = classify(unique)
    table = columns(len(unique), unit=Unit.UNDEFINED, word=unique)
    tails: list[dict[str, np.ndarray]] = []
    total = len(unique)
    for index in np.unique(rows[rows >= 0]):
        where = np.flatnonzero(rows == index)
        lowered = TABLE[index].lower(TABLE[index].fields(unique[where]))
        parts = lowered if isinstance(lowered, list) else [lowered]
        # A transfer may be absent for some encodings of a row: `skip` marks those.
        previous: tuple[dict[str, np.ndarray], np.ndarray] | None = None
        for part in parts:
            skip = np.broadcast_to(part.get("skip", False), len(where)).astype(bool)
            fields = {name: value for name, value in part.items() if name != "skip"}
            values = columns(len(where), word=unique[where], **fields)
            if previous is None:
                target, slots = table, where
                for name in FIELDS:
                    table[name][where] = values[name]
            else:
                target, slots = values, np.arange(len(where))
                tails.append(values)
                place = total + np.arange(len(where), dtype=np.uint64)
                total += len(where)
                before, at = previous
                before["next"][at[~skip]] = place[~skip]
                before["last"][at[skip]] = 1
            previous = (target, slots)
    if tails:
        table = {f: np.concatenate([table[f], *(t[f] for t in tails)]) for f in FIELDS}
    return _expand(table, inverse, len(unique))


def _expand(
    table: dict[str, np.ndarray], inverse: np.ndarray, unique: int
) -> dict[str, np.ndarray]:
    """From one entry a distinct word to one entry a word; tails stay shared."""
    out = {f: np.concatenate([table[f][:unique][inverse], table[f][unique:]]) for f in FIELDS}
    out["next"][out["last"] == 0] += np.uint64(len(inverse) - unique)
    return out


def decode(words: np.ndarray | int) -> Instr:
    """Decode `u32[...]` words into an `Instr` of that shape; any word decodes.

    Words outside the table become `Unit.UNDEFINED`.  An instruction of several transfers
    gives its first; `Program` holds the whole chain.
    """
    array = np.asarray(words, np.uint32)
    packed = pack_columns(decode_table(array.reshape(-1)))[: array.size]
    return unpack(packed.reshape(*array.shape, -1))
