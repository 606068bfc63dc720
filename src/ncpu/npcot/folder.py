"""`LibraryFolder`: one library on disk with its lock, its log and its snapshots.

It knows nothing of arrays (and imports no JAX): what a snapshot contains is the caller's.  A save
is reported only when everything is on the disk:

    files, manifest -> flush -> rename -> audit record -> anchor -> return

A process that dies in between leaves either no new snapshot or a whole one that the next session
finds and records as recovered.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ncpu.npcot.audit import AuditLog
from ncpu.npcot.errors import LibraryBusyError, LibraryFormatError, RollbackError
from ncpu.npcot.owner import Owner
from ncpu.npcot.storage import (
    GENESIS,
    Manifest,
    Snapshot,
    read_snapshot,
    remove_snapshots,
    remove_unfinished,
    versions,
    write_snapshot,
)


def _nothing(point: str) -> None:
    """Called between two steps of a save."""


class LibraryFolder:
    """Exclusive access to a library folder; a context manager.

    Attributes:
      path: the folder.
      owner: whose keys sign.
      log: the audit log.
      current: the newest snapshot, checked; None in a new folder.
    """

    def __init__(self, path: Path, owner: Owner, *, create: bool = False):
        """Lock the folder and check its log and newest snapshot.

        Args:
          path: the folder.
          owner: whose library it is.
          create: start a new library where there is none.

        Raises:
          LibraryBusyError: another session has it.
          LibraryFormatError: no library there, or with `create`, one is there already.
          SignatureError, AuditError, RollbackError: it was tampered with.
        """
        self.path, self.owner = path, owner
        self.current: Snapshot | None = None
        if create:
            path.mkdir(parents=True, exist_ok=True)
        elif not path.is_dir():
            raise LibraryFormatError(f"{path}: no library; `create` starts one")
        self._lock = _lock(path / "lock")
        try:
            if bool(versions(path)) == create:
                what = "there is a library already" if create else "no library with a snapshot"
                raise LibraryFormatError(f"{path}: {what}")
            self.log = AuditLog(path / "audit.log", owner.own)
            self._recover(versions(path))
        except BaseException:
            os.close(self._lock)
            raise

    def _recover(self, found: list[int]) -> None:
        left = remove_unfinished(self.path)
        if found:
            snapshot = read_snapshot(self.path, found[-1], self.owner.trust)
            self.owner.anchor.check(snapshot)
            manifest = snapshot.manifest
            self.log.check_contains(manifest.audit_count, manifest.audit_head)
            self.current = snapshot
        recorded = [
            r.data["version"] for r in self.log.records if r.event in ("saved", "recovered")
        ]
        version = found[-1] if found else 0
        if recorded and max(recorded) > version:
            raise RollbackError(f"the log speaks of snapshot {max(recorded)}; newest is {version}")
        if left or self.log.torn or (found and version not in recorded):
            self.log.append(
                "recovered", version=version, unfinished=len(left), torn_bytes=self.log.torn
            )
        if self.current is not None:
            self.owner.anchor.advance(self.current)

    @property
    def version(self) -> int:
        """Of the newest snapshot; 0 before the first."""
        return self.current.manifest.version if self.current else 0

    def save(
        self,
        write_files: Callable[[Path], None],
        note: dict[str, Any],
        at: Callable[[str], None] = _nothing,
    ) -> Snapshot:
        """Write the next snapshot; when this returns, it is there to stay.

        Args:
          write_files: writes its files into the folder it is given.
          note: JSON, signed with them.
          at: called with the name of each point between two steps (for tests that stop there).
        """
        last = self.current
        manifest = Manifest(
            library=last.manifest.library if last else secrets.token_hex(16),
            version=self.version + 1,
            previous=last.hash if last else GENESIS,
            audit_count=len(self.log.records),
            audit_head=self.log.head,
            files={},
            note=note,
        )
        snapshot = write_snapshot(self.path, manifest, write_files, self.owner.own, at)
        self.log.append("saved", version=manifest.version, manifest=snapshot.hash)
        at("recorded")
        self.owner.anchor.advance(snapshot)
        at("anchored")
        self.current = snapshot
        return snapshot

    def read(self, version: int) -> Snapshot:
        """An older snapshot, checked (its signature, not its age).

        Raises:
          SignatureError, LibraryFormatError: as `read_snapshot`.
        """
        return read_snapshot(self.path, version, self.owner.trust)

    def prune(self, keep: int) -> list[int]:
        """Remove all but the newest snapshots; the current one, which the anchor names, stays.

        The log is told first: if the process dies in between, more is there than it says, never
        less, and the next call removes it.

        Args:
          keep: how many stay, at least 1.

        Returns:
          the versions removed.

        Raises:
          LibraryFormatError: `keep` below 1.
        """
        if keep < 1:
            raise LibraryFormatError(f"keep is {keep}; accepted: 1 or more snapshots")
        found = versions(self.path)
        gone = [v for v in found[:-keep] if v != self.version]
        if gone:
            self.log.append("pruned", versions=gone)
            remove_snapshots(self.path, gone)
        return gone

    def close(self) -> None:
        """Release the folder; unsaved work is the caller's."""
        self.log.close()
        os.close(self._lock)

    def __enter__(self) -> LibraryFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _lock(path: Path) -> int:
    """Take the lock, which the kernel releases when the process ends, however it ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "another one"
        os.close(descriptor)
        raise LibraryBusyError(
            f"{path.parent} is held by process {holder}; nothing was read or changed"
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
    return descriptor
