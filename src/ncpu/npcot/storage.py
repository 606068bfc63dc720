"""Snapshots of a library on disk: whole or absent, signed, numbered, each naming the one before.

    LIBRARY/
      lock                       held by the one writing session
      audit.log                  `audit.py`
      snapshots/00000007/
        manifest                 signed: version, hash of the one before, hash of each file
        ...                      the files

A snapshot is written under a temporary name, made durable and renamed; a reader never sees half of
one.  The manifest's signature is checked before it is parsed, each file's hash before the file is.
Whoever can write the folder can still put back an *old* snapshot: `Anchor`, kept with the owner's
keys, remembers what was seen last and refuses that.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ncpu.npcot.canonical import canonical, digest, parse_canonical
from ncpu.npcot.errors import LibraryFormatError, RollbackError, SignatureError
from ncpu.npcot.signing import Signer, Trust

FORMAT = 1
PURPOSE = "snapshot manifest"
GENESIS = "0" * 64
"""What the first snapshot names as the one before."""

MAXIMUM_FILES = 4096
MAXIMUM_BYTES = 4 << 30


@dataclass(frozen=True)
class Manifest:
    """What a snapshot is; everything in it is signed.

    Attributes:
      library: the library's identity, 32 hexadecimal digits, the same in all its snapshots.
      version: 1, 2, ...
      previous: SHA-256 of the previous snapshot's manifest file, or `GENESIS`.
      audit_count, audit_head: length and last hash of the audit log when it was saved.
      files: path inside the snapshot to SHA-256.
      note: free data of the caller.
    """

    library: str
    version: int
    previous: str
    audit_count: int
    audit_head: str
    files: Mapping[str, str]
    note: Mapping[str, Any]

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return canonical({"format": FORMAT, **self.__dict__, "files": dict(self.files)})

    @staticmethod
    def from_bytes(data: bytes) -> Manifest:
        """Read and check against the schema.

        Raises:
          LibraryFormatError: not canonical, a field missing, unknown or of another type.
        """
        value = parse_canonical(data)
        fields: dict[str, Callable[[Any], bool]] = {
            "format": lambda v: v == FORMAT,
            "library": lambda v: _is_hex(v, 32),
            "version": lambda v: _is_count(v) and v > 0,
            "previous": lambda v: _is_hex(v, 64),
            "audit_count": _is_count,
            "audit_head": lambda v: _is_hex(v, 64),
            "files": _is_file_table,
            "note": lambda v: isinstance(v, dict),
        }
        if not isinstance(value, dict) or set(value) != set(fields):
            raise LibraryFormatError(f"a manifest has exactly the fields {sorted(fields)}")
        for name, accepted in fields.items():
            if not accepted(value[name]):
                raise LibraryFormatError(f"manifest field {name!r} is not accepted")
        del value["format"]
        return Manifest(**value)


@dataclass(frozen=True)
class Snapshot:
    """A snapshot whose signature and hashes were checked.

    Attributes:
      manifest: what was signed.
      hash: SHA-256 of the manifest file; the next snapshot names it.
      signer: key id, 16 bytes.
      folder: where its files are.
      files: their bytes, as they were checked.
    """

    manifest: Manifest
    hash: str
    signer: bytes
    folder: Path
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Anchor:
    """The highest version this owner has seen of each library; one small file beside the keys."""

    path: Path

    def check(self, snapshot: Snapshot) -> None:
        """Refuse a snapshot that is older than, or another one than, what was seen.

        Raises:
          RollbackError: a lower version, or the same version with other content.
        """
        manifest = snapshot.manifest
        version, known = self._read().get(manifest.library, (0, GENESIS))
        if manifest.version < version:
            raise RollbackError(
                f"snapshot {manifest.version} is older than {version}, which was seen here"
            )
        expected = {version: snapshot.hash, version + 1: manifest.previous}
        if version and expected.get(manifest.version, known) != known:
            raise RollbackError(f"snapshot {manifest.version} does not follow the one seen here")

    def advance(self, snapshot: Snapshot) -> None:
        """Remember a snapshot, durably."""
        table = self._read()
        table[snapshot.manifest.library] = (snapshot.manifest.version, snapshot.hash)
        write_durably(self.path, canonical({k: list(v) for k, v in table.items()}))

    def _read(self) -> dict[str, tuple[int, str]]:
        try:
            value = parse_canonical(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        rows = value.items() if isinstance(value, dict) else [("", None)]
        table: dict[str, tuple[int, str]] = {}
        for library, row in rows:
            if not (isinstance(row, list) and len(row) == 2 and _is_count(row[0])):
                raise LibraryFormatError(f"{self.path}: not an anchor file")
            table[library] = (row[0], row[1])
        return table


def versions(library: Path) -> list[int]:
    """Version numbers of the complete snapshots, ascending."""
    folder = library / "snapshots"
    names = os.listdir(folder) if folder.is_dir() else []
    return sorted(int(n) for n in names if len(n) == 8 and n.isdigit())


def snapshot_folder(library: Path, version: int) -> Path:
    """Where a version is."""
    return library / "snapshots" / f"{version:08d}"


def write_snapshot(
    library: Path,
    manifest: Manifest,
    write_files: Callable[[Path], None],
    signer: Signer,
    at: Callable[[str], None] = lambda point: None,
) -> Snapshot:
    """Write one snapshot: all of it or nothing.

    Args:
      library: its folder.
      manifest: with an empty file table; it is filled from what `write_files` made.
      write_files: writes the files into the folder it is given.
      signer: of the manifest.
      at: called with the name of each point between two steps (for tests that stop there).

    Raises:
      RollbackError: the version exists.
    """
    final = snapshot_folder(library, manifest.version)
    if final.exists():
        raise RollbackError(f"snapshot {manifest.version} exists; versions are written once")
    final.parent.mkdir(parents=True, exist_ok=True)
    work = final.with_name(f".{final.name}.{os.getpid()}")
    work.mkdir()
    try:
        write_files(work)
        at("files written")
        table = {name: digest(data) for name, data in _read_files(work).items()}
        complete = Manifest(**{**manifest.__dict__, "files": table})
        envelope = signer.seal(complete.to_bytes(), PURPOSE)
        (work / "manifest").write_bytes(envelope)
        at("manifest written")
        _sync_tree(work)
        at("synced")
        os.rename(work, final)
        at("renamed")
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    sync_folder(final.parent)
    return Snapshot(complete, digest(envelope), signer.key_id, final, _read_files(final))


def read_snapshot(library: Path, version: int, trust: Trust) -> Snapshot:
    """Read and check a snapshot.

    Raises:
      SignatureError: no such snapshot, not signed by a trusted key, or a file whose hash differs,
        is missing or was added.
      LibraryFormatError: signed, but not a manifest.
    """
    folder = snapshot_folder(library, version)
    try:
        envelope = (folder / "manifest").read_bytes()
        files = _read_files(folder)
    except OSError as error:
        raise SignatureError(f"snapshot {version} cannot be read: {error}") from error
    manifest, signer = check_snapshot(envelope, files, trust)
    if manifest.version != version:
        raise SignatureError(f"snapshot {manifest.version} lies where {version} should be")
    return Snapshot(manifest, digest(envelope), signer, folder, files)


def check_snapshot(
    envelope: bytes, files: Mapping[str, bytes], trust: Trust
) -> tuple[Manifest, bytes]:
    """Check a manifest and the bytes it speaks of, all in memory.

    Returns:
      the manifest; the signer's key id.

    Raises:
      SignatureError, LibraryFormatError: as `read_snapshot`.
    """
    payload, signer = trust.open(envelope, PURPOSE)
    manifest = Manifest.from_bytes(payload)
    if set(files) != set(manifest.files):
        odd = sorted(set(files) ^ set(manifest.files))
        raise SignatureError(f"files missing or added: {odd[:5]}")
    for name, data in files.items():
        if digest(data) != manifest.files[name]:
            raise SignatureError(f"{name} is not the file that was signed")
    return manifest, signer


def remove_unfinished(library: Path) -> list[str]:
    """Remove what interrupted writers left under temporary names; only with the lock held."""
    folder = library / "snapshots"
    left = [n for n in os.listdir(folder) if n.startswith(".")] if folder.is_dir() else []
    for name in left:
        shutil.rmtree(folder / name, ignore_errors=True)
    return left


def remove_snapshots(library: Path, gone: Iterable[int]) -> None:
    """Remove snapshots, each under a temporary name first: none is ever seen half-removed."""
    for version in gone:
        final = snapshot_folder(library, version)
        doomed = final.with_name(f".{final.name}.{os.getpid()}")
        os.rename(final, doomed)
        sync_folder(final.parent)
        shutil.rmtree(doomed)


def write_durably(path: Path, data: bytes) -> None:
    """Replace a file by a temporary one, flushed to the disk before and after."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_tree(folder: Path) -> None:
    for path, _, names in os.walk(folder):
        for name in names:
            descriptor = os.open(os.path.join(path, name), os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        sync_folder(Path(path))


def _read_files(folder: Path) -> dict[str, bytes]:
    """All regular files but the manifest; anything else is refused."""
    found: dict[str, bytes] = {}
    total = 0
    for path, names, files in os.walk(folder):
        for name in names + files:
            full = Path(path, name)
            if full.is_symlink() or not (full.is_file() or full.is_dir()):
                raise SignatureError(f"{full.relative_to(folder)} is no regular file")
        for name in files:
            full = Path(path, name)
            relative = full.relative_to(folder).as_posix()
            if relative == "manifest":
                continue
            total += full.stat().st_size
            if len(found) >= MAXIMUM_FILES or total > MAXIMUM_BYTES:
                raise SignatureError(f"more than {MAXIMUM_FILES} files or {MAXIMUM_BYTES} bytes")
            found[relative] = full.read_bytes()
    return found


def _is_hex(value: Any, digits: int) -> bool:
    return (
        isinstance(value, str) and len(value) == digits and not set(value) - set("0123456789abcdef")
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53


def _is_file_table(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_hex(v, 64) for v in value.values())
