"""File locks: records of bytes owned by processes or open files, and flock's whole files.

Source: fcntl(2) "Advisory record locking" and "Open file description locks", flock(2).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace

READ, WRITE, UNLOCK = 0, 1, 2
END = 1 << 63  # one after the last byte a file may have


@dataclass(frozen=True)
class Record:
    """Bytes [start, end) locked by `owner`; `pid` is what F_GETLK tells of it."""

    owner: Hashable
    pid: int
    kind: int
    start: int
    end: int

    def conflicts(self, other: Record) -> bool:
        """Whether the two cannot both be held."""
        apart = self.end <= other.start or other.end <= self.start
        return self.owner != other.owner and not apart and WRITE in (self.kind, other.kind)


@dataclass
class Locks:
    """The locks of one file system, by inode number."""

    records: dict[int, list[Record]] = field(default_factory=dict)
    whole: dict[int, dict[Hashable, int]] = field(default_factory=dict)

    def conflict(self, ino: int, wanted: Record) -> Record | None:
        """The first lock in the way of `wanted`."""
        return next((r for r in self.records.get(ino, ()) if r.conflicts(wanted)), None)

    def set(self, ino: int, wanted: Record) -> None:
        """Lock or unlock a range, which nothing is in the way of, for its owner."""
        kept = []
        for r in self.records.get(ino, ()):
            if r.owner != wanted.owner or r.end <= wanted.start or wanted.end <= r.start:
                kept.append(r)
                continue
            if r.start < wanted.start:
                kept.append(replace(r, end=wanted.start))
            if r.end > wanted.end:
                kept.append(replace(r, start=wanted.end))
        if wanted.kind != UNLOCK:
            kept.append(wanted)
        self._keep(ino, sorted(kept, key=lambda r: (r.start, r.end)))

    def _keep(self, ino: int, records: list[Record]) -> None:
        self.records[ino] = records
        if not records:
            del self.records[ino]

    def release(self, ino: int, owner: Hashable) -> None:
        """Unlock all that an owner holds of a file."""
        if ino in self.records:
            self._keep(ino, [r for r in self.records[ino] if r.owner != owner])
        held = self.whole.get(ino)
        if held is not None:
            held.pop(owner, None)
            if not held:
                del self.whole[ino]

    def may_hold(self, ino: int, owner: Hashable, kind: int) -> bool:
        """Whether flock's lock of this kind is free for the owner."""
        others = [k for o, k in self.whole.get(ino, {}).items() if o != owner]
        return not others or (kind == READ and WRITE not in others)

    def hold(self, ino: int, owner: Hashable, kind: int) -> None:
        """Take flock's lock."""
        self.whole.setdefault(ino, {})[owner] = kind
