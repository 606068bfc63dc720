"""An append-only log in which a change, a gap or a wrong order shows.

One line a record: canonical JSON of number, time, event, data, the hash of the record before and a
MAC by the owner's key over all of that.  Without the key no record can be written or changed; with
the hash of the last one in each snapshot's signed manifest, the log cannot be cut back before the
last save either.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ncpu.npcot.canonical import canonical, digest, parse_canonical
from ncpu.npcot.errors import AuditError, LibraryFormatError
from ncpu.npcot.signing import Signer
from ncpu.npcot.storage import GENESIS, sync_folder

_FIELDS = {"number", "time", "event", "data", "previous", "mac"}


@dataclass(frozen=True)
class Record:
    """One event.

    Attributes:
      number: 0, 1, ...
      time: seconds since 1970, whole.
      event: what happened, one word.
      data: of the event, JSON.
      previous: SHA-256 of the line before, or `GENESIS`.
      mac: HMAC-SHA256 by the owner's key, hexadecimal.
    """

    number: int
    time: int
    event: str
    data: Mapping[str, Any]
    previous: str
    mac: str

    def unsigned(self) -> bytes:
        """What the MAC covers."""
        fields = {k: v for k, v in self.__dict__.items() if k != "mac"}
        return b"ncpu npcot audit\0" + canonical(fields)

    def line(self) -> bytes:
        """The record as it stands in the file, without the line end."""
        return canonical(self.__dict__)


class AuditLog:
    """The log of one library; open it only with the library's lock held."""

    def __init__(self, path: Path, signer: Signer):
        """Read and check the whole log, or start one.

        A last line without its end was being written when a process died: it was never reported as
        written, so it is removed, and `torn` says how many bytes that were.

        Raises:
          AuditError: a record that is changed, missing, out of order or by another key.
        """
        self.path, self._signer = path, signer
        existed = path.exists()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        if not existed:
            sync_folder(path.parent)
        with open(self._file, "rb", closefd=False) as file:
            text = file.read()
        whole = text.rfind(b"\n") + 1
        self.torn = len(text) - whole
        if self.torn:
            os.ftruncate(self._file, whole)
            os.fsync(self._file)
        self.records = read_records(text[:whole], signer)

    @property
    def head(self) -> str:
        """Hash of the last record."""
        return digest(self.records[-1].line()) if self.records else GENESIS

    def append(self, event: str, **data: Any) -> Record:
        """Write one record; on return it is on the disk.

        Raises:
          LibraryFormatError: data that is not JSON.
        """
        bare = Record(len(self.records), int(time.time()), event, data, self.head, "")
        record = Record(**{**bare.__dict__, "mac": self._signer.sign(bare.unsigned()).hex()})
        line = record.line() + b"\n"
        if os.write(self._file, line) != len(line):
            raise AuditError(f"{self.path}: record {record.number} was not written whole")
        os.fsync(self._file)
        self.records.append(record)
        return record

    def check_contains(self, count: int, head: str) -> None:
        """Refuse a log that was cut back or rewritten since `count` records ended in `head`.

        Raises:
          AuditError: it was.
        """
        known = GENESIS
        if 0 < count <= len(self.records):
            known = digest(self.records[count - 1].line())
        if count > len(self.records) or known != head:
            raise AuditError(f"{self.path}: the log no longer has the {count} records of the save")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def read_records(text: bytes, signer: Signer) -> list[Record]:
    """Check a whole log.

    Raises:
      AuditError: names the first bad record.
    """
    records: list[Record] = []
    previous = GENESIS
    for number, line in enumerate(text.splitlines()):
        try:
            value = parse_canonical(line)
        except LibraryFormatError as error:
            raise AuditError(f"audit record {number}: {error}") from error
        if not isinstance(value, dict) or set(value) != _FIELDS:
            raise AuditError(f"audit record {number} has not the fields {sorted(_FIELDS)}")
        record = Record(**value)
        expected = signer.sign(record.unsigned()).hex()
        if not isinstance(record.mac, str) or not hmac.compare_digest(
            expected.encode(), record.mac.encode()
        ):
            raise AuditError(f"audit record {number} is not by the owner's key")
        if record.number != number or record.previous != previous:
            raise AuditError(f"audit record {number} does not follow the one before it")
        previous = digest(line)
        records.append(record)
    return records
