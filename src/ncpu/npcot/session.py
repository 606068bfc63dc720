"""`ProgramLibrarySession`: load, use, save, snapshot and diff one library, with an audit trail.

    with ProgramLibrarySession.open(folder, owner) as session:
        answer = session.consult(hidden, x, length)
        session.insert(state, program, task="sum of squares")
        session.save()

What is executed was cleared by the static verifier when it was inserted, and again when it was
loaded: the flag in the file is not believed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from ncpu.npcot.arrays import write_arrays
from ncpu.npcot.canonical import canonical
from ncpu.npcot.contents import Contents, by_identity, diff, load, put
from ncpu.npcot.domain import Domain
from ncpu.npcot.entry import Entry
from ncpu.npcot.errors import LibraryFormatError, UnverifiedProgramError
from ncpu.npcot.folder import LibraryFolder
from ncpu.npcot.library import (
    DEFAULT_THRESHOLD,
    ProgramLibrary,
    empty_library,
    remove,
    unit_key,
)
from ncpu.npcot.owner import Owner
from ncpu.npcot.program import ArrayProgram, canonical_bytes
from ncpu.npcot.retrieval import Answer, Lookup, consult, consult_fingerprint, feedback, record
from ncpu.npcot.verify import LEVELS


class ProgramLibrarySession:
    """One session on one library folder; hold it briefly, the next one is told to wait.

    Attributes:
      contents: the library now, saved or not.
    """

    def __init__(self, folder: LibraryFolder, contents: Contents):
        """Use `open` or `create`."""
        self.contents = contents
        self._folder = folder
        self._saved = contents

    @staticmethod
    def create(
        path: Path,
        owner: Owner,
        *,
        capacity: int,
        width: int,
        domain: Domain,
        threshold: float = DEFAULT_THRESHOLD,
        accept: str = "safe",
    ) -> ProgramLibrarySession:
        """Start a library and save its first, empty snapshot.

        Args:
          path: its folder; made if it is not there.
          owner: whose keys sign.
          capacity, width, domain, threshold: as `empty_library`.
          accept: the most serious verdict that is executed, `safe` or `warn`.

        Raises:
          LibraryFormatError: a library is there, or `accept` is another word.
        """
        if accept not in LEVELS[:2]:
            raise LibraryFormatError(f"accept is {accept!r}; accepted: {LEVELS[:2]}")
        contents = Contents(empty_library(capacity, width, domain, threshold), {}, accept)
        session = ProgramLibrarySession(LibraryFolder(path, owner, create=True), contents)
        session.log("created", **contents.note())
        session.save()
        return session

    @staticmethod
    def open(path: Path, owner: Owner) -> ProgramLibrarySession:
        """Load the newest snapshot.

        Raises:
          LibraryBusyError: another session has the library.
          SignatureError, AuditError, RollbackError, LibraryFormatError: it was tampered with, or is
            not one; nothing is loaded.
        """
        folder = LibraryFolder(path, owner)
        try:
            assert folder.current is not None
            session = ProgramLibrarySession(folder, load(folder.current))
            session.log("opened", version=folder.version)
        except BaseException:
            folder.close()
            raise
        return session

    @property
    def library(self) -> ProgramLibrary:
        """The arrays."""
        return self.contents.library

    @property
    def version(self) -> int:
        """Of the newest snapshot on disk."""
        return self._folder.version

    @property
    def unsaved(self) -> bool:
        """Whether a save would change anything."""
        return self.contents is not self._saved

    @property
    def records(self) -> list[Any]:
        """The audit log."""
        return self._folder.log.records

    def log(self, event: str, **data: Any) -> None:
        """Append to the audit log; on return it is on the disk."""
        self._folder.log.append(event, **data)

    def consult(self, hidden: Any, x: Any, length: Any, y: Any = None) -> Answer:
        """As `retrieval.consult`; hits are counted and entries marked as used."""
        answer = consult(self.library, hidden, x, length, y)
        self._set_library(record(self.library, answer))
        return answer

    def consult_fingerprint(self, prints: Any, x: Any, length: Any, y: Any = None) -> Answer:
        """As `retrieval.consult_fingerprint`; hits are counted and entries marked as used."""
        answer = consult_fingerprint(self.library, prints, x, length, y)
        self._set_library(record(self.library, answer))
        return answer

    def feedback(self, answer: Answer, right: Any) -> None:
        """Say which answers of `consult` were right, `bool[B]`; thresholds follow."""
        right = np.asarray(right, bool)
        wrong = int(np.sum(~right & (np.asarray(answer.status) == Lookup.HIT)))
        self._set_library(feedback(self.library, answer, jnp.asarray(right)))
        self.log("feedback", answers=right.size, wrong_hits=wrong)

    def insert(
        self,
        hidden: Any,
        program: ArrayProgram,
        *,
        task: str,
        gap: float = 0.0,
        certificate: str = "",
    ) -> int:
        """Verify a program and put it under a key; signed with the owner's Ed25519 key.

        Args:
          hidden: `f32[d]`, the state that should find it.
          program: one program.
          task: what it is for.
          gap: of its crystallisation.
          certificate: SHA-256 of its certificate, hexadecimal.

        Returns:
          the slot.

        Raises:
          UnverifiedProgramError: its verdict is above what the library accepts.
          HiddenStateError, ProgramSpaceError, LibraryFormatError: a key, program or text that is
            none.
        """
        key = unit_key(hidden, self.library.width)
        entry = Entry(
            key=key.astype("<f4").tobytes().hex(),
            program=canonical_bytes(program).hex(),
            task=task,
            gap=float(gap),
            created=int(time.time()),
            domain=self.library.domain,
            certificate=certificate,
        ).signed_by(self._folder.owner.share)
        return self.add(Entry.from_json(entry.to_json()))

    def add(self, entry: Entry) -> int:
        """Put in an entry that is signed already, as `insert`.

        Raises:
          UnverifiedProgramError: its verdict is above what the library accepts, or no trusted key
            signed it.
        """
        if not entry.vouchers(self._folder.owner.entry_trust):
            raise UnverifiedProgramError(f"no trusted key vouches for entry {entry.identity}")
        try:
            contents, slot = put(self.contents, entry)
        except UnverifiedProgramError as error:
            self.log("refused", entry=entry.identity, task=entry.task, reason=str(error))
            raise
        self.log("inserted", slot=slot, entry=entry.identity, task=entry.task)
        self.contents = contents
        return slot

    def remove(self, slot: int) -> None:
        """Empty a slot.

        Raises:
          LibraryFormatError: it is empty.
        """
        if slot not in self.contents.entries:
            raise LibraryFormatError(f"slot {slot} is empty")
        entries = dict(self.contents.entries)
        entry = entries.pop(slot)
        self.log("removed", slot=slot, entry=entry.identity)
        self.contents = replace(self.contents, library=remove(self.library, slot), entries=entries)

    def replace_entries(self, entries: Iterable[Entry], reason: str) -> None:
        """Hold exactly these entries (of a merge); thresholds of those that stay are kept.

        Raises:
          UnverifiedProgramError: one is not cleared; then nothing changes.
          LibraryFormatError: more than the capacity.
        """
        wanted = {e.identity: e for e in entries}
        if len(wanted) > self.library.capacity:
            raise LibraryFormatError(
                f"{len(wanted)} entries; the library has {self.library.capacity} slots"
            )
        before, contents = self.contents, self.contents
        kept: dict[int, Entry] = {}
        for slot, entry in before.entries.items():
            if entry.identity in wanted:
                kept[slot] = wanted.pop(entry.identity)
            else:
                contents = replace(contents, library=remove(contents.library, slot))
        contents = replace(contents, entries=kept)
        for entry in sorted(wanted.values(), key=lambda e: e.identity):
            contents, _ = put(contents, entry)
        self.log(reason, change=diff(before, contents).to_json())
        self.contents = contents

    def save(self) -> int:
        """Write the next snapshot; when this returns, it is there to stay.

        Returns:
          its version.
        """
        entries = self._with_own_hits()

        def write_files(folder: Path) -> None:
            write_arrays(self.library, folder)
            rows = [{"slot": s, "entry": e.to_json()} for s, e in sorted(entries.items())]
            (folder / "entries.json").write_bytes(canonical(rows))

        snapshot = self._folder.save(write_files, self.contents.note())
        self.contents = self._saved = replace(self.contents, entries=entries)
        return snapshot.manifest.version

    def at_version(self, version: int) -> Contents:
        """The contents of an older snapshot, checked; the session stays where it is.

        Raises:
          SignatureError, LibraryFormatError: there is none, or it was tampered with.
        """
        return load(self._folder.read(version))

    def prune(self, keep: int) -> list[int]:
        """Remove all snapshots but the newest `keep`; never the current one.  The log says which.

        Returns:
          the versions removed; `at_version` no longer has them.

        Raises:
          LibraryFormatError: `keep` below 1.
        """
        return self._folder.prune(keep)

    def close(self) -> None:
        """Release the library; what was not saved is gone, and the log says so."""
        self.log("closed", version=self.version, unsaved=self.unsaved)
        self._folder.close()

    def __enter__(self) -> ProgramLibrarySession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _set_library(self, library: ProgramLibrary) -> None:
        self.contents = replace(self.contents, library=library)

    def _with_own_hits(self) -> dict[int, Entry]:
        """Entries with what this owner's sessions used since the last save added."""
        own, now = self._folder.owner.share.key_id.hex(), np.asarray(self.library.hits)
        saved = by_identity(self._saved)
        entries = {}
        for slot, entry in self.contents.entries.items():
            gained = int(now[slot]) - saved.get(entry.identity, (0.0, 0))[1]
            total = entry.hits.get(own, 0) + gained
            entries[slot] = replace(entry, hits={**entry.hits, own: total}) if gained else entry
        return entries
