"""What a whole history can be asked: counts, differences between runs, entropy."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import numpy as np

from ncpu.machine import memory, word
from ncpu.machine.debug.history import History
from ncpu.machine.debug.hunt import Counts
from ncpu.machine.state import EXEC, PAGE, READ, WRITE, State

_WRITE_COLUMNS = ("address", "stored", "store")
_FLOW_COLUMNS = ("pc", "word")


def counts(history: History) -> Counts:
    """How often each instruction ran and each page was accessed, from the start to now."""
    found = Counts.empty(history.program, history.state)
    for target in history.stretches(history.start):
        alu = history.session.alu
        history.state = found.run(history.program, history.state, target, alu)
    return found


def ran(found: Counts) -> dict[int, int]:
    """Address to count of the instructions that ran."""
    text = np.asarray(found.text)[:-1]
    return {found.base + 4 * int(k): int(text[k]) for k in np.flatnonzero(text)}


def digest(state: State) -> str:
    """A fingerprint of every bit of a state."""
    hasher = blake2b(digest_size=16)
    for name, value in sorted(vars(state).items()):
        if name != "status":
            hasher.update(np.ascontiguousarray(value).tobytes())
    return hasher.hexdigest()


@dataclass(frozen=True)
class Difference:
    """Where two runs part.

    Attributes:
      index: instructions (or writes) they have in common before.
      first, second: the columns of the first that differs in each, None where a run ended.
    """

    index: int
    first: dict[str, int] | None
    second: dict[str, int] | None


def difference(
    first: History, second: History, *, writes: bool = False, most: int = 4_000_000
) -> Difference | None:
    """The first instruction at which two runs differ; with `writes`, the first write to memory.

    Both are looked at from their start to their present.  None: they do not differ in
    their first `most` instructions (or writes).
    """
    names = _WRITE_COLUMNS if writes else _FLOW_COLUMNS
    streams = [_rows(history, writes) for history in (first, second)]
    held: list[dict[str, np.ndarray]] = [{}, {}]
    index = 0
    try:
        while index < most:
            for k, stream in enumerate(streams):
                if not held[k] or not len(held[k]["pc"]):
                    held[k] = next(stream, {})
            ends = [not piece for piece in held]
            if any(ends):
                if all(ends):
                    return None
                a, b = (_row(piece, 0) if piece else None for piece in held)
                return Difference(index, a, b)
            length = min(len(piece["pc"]) for piece in held)
            unlike = np.zeros(length, bool)
            for name in names:
                unlike |= held[0][name][:length] != held[1][name][:length]
            if unlike.any():
                at = int(np.flatnonzero(unlike)[0])
                return Difference(index + at, _row(held[0], at), _row(held[1], at))
            index += length
            held = [{name: column[length:] for name, column in piece.items()} for piece in held]
        return None
    finally:
        for stream in streams:
            stream.close()


def _rows(history: History, writes: bool) -> Any:
    """The trace, of complete instructions or of writes only."""
    for piece in history.trace(history.start):
        keep = piece["stored"] != 0 if writes else piece["retires"] != 0
        if keep.any():
            yield {name: column[keep] for name, column in piece.items()}


def _row(piece: dict[str, np.ndarray], at: int) -> dict[str, int]:
    return {name: int(column[at]) for name, column in piece.items() if column.ndim == 1}


def entropy(data: bytes) -> float:
    """Shannon entropy of the bytes, 0 to 8 bits a byte."""
    if not data:
        return 0.0
    shares = np.bincount(np.frombuffer(data, np.uint8), minlength=256) / len(data)
    used = shares[shares > 0]
    return float(-(used * np.log2(used)).sum())


@dataclass(frozen=True)
class Region:
    """Neighbouring pages with the same permissions."""

    start: int
    end: int
    perm: int
    name: str

    @property
    def flags(self) -> str:
        """`rwx` as ls shows it."""
        pairs = ((READ, "r"), (WRITE, "w"), (EXEC, "x"))
        return "".join(letter if self.perm & bit else "-" for bit, letter in pairs)


def regions(history: History) -> list[Region]:
    """The mapped memory of the process, lowest address first."""
    state, image = history.state, history.session.image
    base = int(word.from_limbs(np.asarray(state.base)))
    perm = np.asarray(state.perm)
    # Pages end where permissions do, and where one thing ends and another begins.
    marks = (image.trampoline + PAGE, image.brk, image.mmap_top, image.stack[0])
    edges = {(at - base) // PAGE for at in marks}
    cuts = np.flatnonzero(np.diff(perm)) + 1
    bounds = sorted({0, len(perm), *cuts.tolist(), *(e for e in edges if 0 < e < len(perm))})
    out = []
    for low, high in pairwise(bounds):
        if not perm[low]:
            continue
        start, end = base + low * PAGE, base + high * PAGE
        name = image.execfn.decode(errors="replace")
        if start == image.trampoline:
            name = "[trampoline]"
        elif start >= image.stack[0]:
            name = "[stack]"
        elif start >= image.brk:
            # The heap grows from brk on without a gap; mappings come down from above.
            name = "[heap]" if not out or out[-1].end == start or start == image.brk else "[mapped]"
        out.append(Region(start, end, int(perm[low]), name))
    return out


def functions(found: dict[int, int], name: Any) -> Counter[str]:
    """Instructions executed in each function."""
    total: Counter[str] = Counter()
    for address, count in found.items():
        inside = name(address)
        total[inside[0] if inside else "?"] += count
    return total


def page_bytes(state: State, region: Region) -> bytes:
    """A region's content."""
    return memory.read(state, region.start, region.end - region.start)
