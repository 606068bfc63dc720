"""`Contents`: what a session holds and a snapshot stores: arrays and entries that say the same.

What is executed was cleared by the static verifier when it was put in, and again when it was
loaded: the flag in the file is not believed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from ncpu.npcot.arrays import read_arrays
from ncpu.npcot.canonical import parse_canonical
from ncpu.npcot.domain import Domain
from ncpu.npcot.entry import Entry
from ncpu.npcot.errors import DomainError, LibraryFormatError, UnverifiedProgramError
from ncpu.npcot.library import ProgramLibrary, empty_library, fingerprint, insert
from ncpu.npcot.program import ArrayProgram, canonical_bytes
from ncpu.npcot.storage import Snapshot
from ncpu.npcot.verify import LEVELS, verify


@dataclass(frozen=True)
class Contents:
    """A library and what its slots are; frozen, so keeping one is a snapshot in memory.

    Attributes:
      library: the arrays.
      entries: slot to entry.
      accept: the most serious verdict that is executed, `safe` or `warn`.
    """

    library: ProgramLibrary
    entries: dict[int, Entry]
    accept: str = "safe"

    def note(self) -> dict[str, Any]:
        """What the manifest states about the arrays."""
        library = self.library
        return {
            "capacity": library.capacity,
            "width": library.width,
            "domain": library.domain.to_json(),
            "accept": self.accept,
        }

    def cleared(self, program: ArrayProgram) -> bool:
        """Whether the verifier's verdict on a program is within what is accepted."""
        level = verify(program, self.library.domain).level
        return LEVELS.index(level) <= LEVELS.index(self.accept)


@dataclass(frozen=True)
class Difference:
    """What changed from one `Contents` to another; entries by identity.

    Attributes:
      added, removed: identities.
      moved: identity to thresholds before and after.
      hits: identity to hits gained.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    moved: dict[str, tuple[float, float]]
    hits: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """A JSON object for reports and the audit log."""
        return {
            "added": list(self.added),
            "removed": list(self.removed),
            "moved": {k: list(v) for k, v in self.moved.items()},
            "hits": self.hits,
        }


def diff(before: Contents, after: Contents) -> Difference:
    """What changed."""
    old, new = by_identity(before), by_identity(after)
    both = sorted(old.keys() & new.keys())
    return Difference(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        moved={k: (old[k][0], new[k][0]) for k in both if old[k][0] != new[k][0]},
        hits={k: new[k][1] - old[k][1] for k in both if old[k][1] != new[k][1]},
    )


def by_identity(contents: Contents) -> dict[str, tuple[float, int]]:
    """Identity of each entry to its threshold and hits."""
    thresholds, hits = np.asarray(contents.library.thresholds), np.asarray(contents.library.hits)
    return {e.identity: (float(thresholds[s]), int(hits[s])) for s, e in contents.entries.items()}


def put(contents: Contents, entry: Entry) -> tuple[Contents, int]:
    """Verify an entry's program for the library's domain and insert it.

    Returns:
      the new contents; the slot.

    Raises:
      UnverifiedProgramError: the verdict is above what is accepted.
      HiddenStateError: a key of another width.
    """
    program, library = entry.array_program, contents.library
    if not contents.cleared(program):
        verdict = verify(program, library.domain)
        raise UnverifiedProgramError(
            f"{verdict.program} is {verdict.level}; accepted: {contents.accept}. "
            + "; ".join(verdict.reasons)
        )
    library, slot = insert(
        library, entry.key_row, program, verified=True, gap=entry.gap, created=entry.created
    )
    return replace(contents, library=library, entries={**contents.entries, slot: entry}), slot


def load(snapshot: Snapshot) -> Contents:
    """The contents of a checked snapshot; every program is verified again.

    Raises:
      LibraryFormatError: arrays and entries that do not say the same, or outside the schema.
    """
    note = snapshot.manifest.note
    try:
        domain = Domain.from_json(note["domain"])
        like = empty_library(note["capacity"], note["width"], domain)
        rows = parse_canonical(snapshot.files["entries.json"])
        entries = {int(row["slot"]): Entry.from_json(row["entry"]) for row in rows}
        accept = LEVELS[LEVELS[:2].index(note["accept"])]
    except (KeyError, TypeError, ValueError, DomainError) as error:
        raise LibraryFormatError(f"signed, but not a library: {error}") from error
    contents = Contents(read_arrays(snapshot.files, like), entries, accept)
    return replace(contents, library=_reverified(contents))


def _reverified(contents: Contents) -> ProgramLibrary:
    library = contents.library
    occupied = np.zeros(library.capacity, bool)
    verified = np.zeros(library.capacity, bool)
    keys, prints = np.asarray(library.keys), np.asarray(library.fingerprints)
    verdicts: dict[str, bool] = {}
    for slot, entry in contents.entries.items():
        program = entry.array_program
        same = (
            0 <= slot < library.capacity
            and np.array_equal(keys[slot], entry.key_row)
            and np.array_equal(prints[slot], fingerprint(program))
            and canonical_bytes(library.programs[slot]) == canonical_bytes(program)
        )
        if not same:
            raise LibraryFormatError(f"slot {slot}: the arrays are not those of its entry")
        if entry.program not in verdicts:
            verdicts[entry.program] = contents.cleared(program)
        occupied[slot], verified[slot] = True, verdicts[entry.program]
    if not np.array_equal(occupied, np.asarray(library.occupied)):
        raise LibraryFormatError("a slot is occupied without an entry")
    return replace(library, verified=jnp.asarray(verified))
