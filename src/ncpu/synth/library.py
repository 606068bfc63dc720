"""Solved programs on disk, found again by what was asked.

    LIBRARY/
      library.json                     what the folder is
      programs/<key>/manifest.json     what was asked and found, hashes of the files, a seal
      programs/<key>/program/          the program, an orbax checkpoint

The key is the SHA-256 of the specification's canonical text, which has no names in it.  A program
is written under a temporary name and renamed, and each has a folder of its own, so writers at the
same time lose nothing: of two for one key the first stays.  Nothing is believed: the hashes are
checked before the files are read, and the program is run on the examples before it is returned.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from ncpu import files, sealed
from ncpu.synth.errors import LibraryError
from ncpu.synth.evaluate import satisfies
from ncpu.synth.expression import from_json, to_json
from ncpu.synth.spec import Solution, SynthesisSpec
from ncpu.synth.types import Signature

FORMAT = 1
HEADER = "library.json"
MANIFEST = "manifest.json"
PROGRAMS = "programs"
TREE = "program"
_KIND = "ncpu program library"
_LARGEST = 1 << 20  # bytes of a program's tree
_FIELDS = {"strategy": str, "seconds": float, "candidates": int, "cost": float}


def key_of(spec: SynthesisSpec) -> str:
    """SHA-256 of a specification's canonical text, in hexadecimal."""
    return hashlib.sha256(spec.canonical().encode()).hexdigest()


class Library:
    """A folder of solved programs; what was read once is kept in memory.

    Args:
      path: the folder; made if it is not there.

    Raises:
      LibraryError: it holds something else, or was made by another version.
    """

    def __init__(self, path: Path):
        self.path = path.absolute()
        self._known: dict[str, Solution] = {}
        self._open()

    def _open(self) -> None:
        header = self.path / HEADER
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not header.exists():
                if any(
                    p.name != PROGRAMS and not p.name.startswith(".") for p in self.path.iterdir()
                ):
                    raise LibraryError(f"{self.path} holds other files: a program library is a new "
                                       f"or empty folder, or one with {HEADER}")  # fmt: skip
                _write(header, {"kind": _KIND, "format": FORMAT})
            (self.path / PROGRAMS).mkdir(exist_ok=True)
        except OSError as error:
            raise LibraryError(f"{self.path} cannot be a program library: {error}") from error
        found = _read(header)
        if found.get("kind") != _KIND or found.get("format") != FORMAT:
            raise LibraryError(f"{header} is not of a program library of format {FORMAT}")

    def __len__(self) -> int:
        return sum(len(p.name) == 64 for p in (self.path / PROGRAMS).iterdir())

    def __contains__(self, spec: SynthesisSpec) -> bool:
        return self._folder(key_of(spec)).is_dir()

    def get(self, spec: SynthesisSpec) -> Solution | None:
        """The program that was stored for a specification; None if there is none.

        Raises:
          LibraryError: it is damaged, was altered, or does not satisfy the examples.
        """
        key = key_of(spec)
        found = self._known.get(key)
        if found is None and self._folder(key).is_dir():
            found = self._known[key] = self._load(key, spec)
        return found

    def put(self, spec: SynthesisSpec, solution: Solution) -> str:
        """Stores a program, unless there is one for the specification already.

        Returns:
          The key.

        Raises:
          LibraryError: it does not satisfy the examples, or cannot be written.
        """
        if not satisfies(solution.program, spec):
            raise LibraryError("a program that does not satisfy the examples is not stored")
        key = key_of(spec)
        if not self._folder(key).is_dir():
            try:
                self._save(key, spec, solution)
            except OSError as error:
                raise LibraryError(f"{self.path}: the program was not stored: {error}") from error
        self._known.setdefault(key, solution)
        return key

    def check(self) -> int:
        """Reads every program; how many there are.

        Raises:
          LibraryError: one is damaged, was altered, or is not what its name says.
        """
        folders = sorted((self.path / PROGRAMS).iterdir())
        for folder in folders:
            if not folder.name.startswith("."):
                self._verified(folder.name)
        return len(self)

    def _folder(self, key: str) -> Path:
        return self.path / PROGRAMS / key

    def _save(self, key: str, spec: SynthesisSpec, solution: Solution) -> None:
        import orbax.checkpoint as ocp

        tree = json.dumps(to_json(solution.program), separators=(",", ":")).encode()
        temporary = Path(tempfile.mkdtemp(prefix=".", dir=self.path / PROGRAMS))
        try:
            with ocp.StandardCheckpointer() as checkpointer:
                checkpointer.save(temporary / TREE, {"json": np.frombuffer(tree, np.uint8)})
            manifest = {
                "format": FORMAT,
                "key": key,
                "specification": spec.canonical(),
                "signature": str(spec.signature),
                "program": str(solution.program),
                "length": len(tree),
                **{name: kind(getattr(solution, name)) for name, kind in _FIELDS.items()},
                "files": sealed.hashes(temporary, TREE),
            }
            _write(temporary / MANIFEST, manifest | {"seal": sealed.seal(manifest)})
            temporary.chmod(0o755)
            try:
                os.rename(temporary, self._folder(key))
            except OSError:
                if not self._folder(key).is_dir():  # else another writer was first
                    raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _verified(self, key: str) -> tuple[dict[str, Any], Any]:
        """A manifest that its seal, key and files agree with, and the program's tree."""
        folder = self._folder(key)
        manifest = _read(folder / MANIFEST)
        wanted = {"key": str, "specification": str, "signature": str, "length": int, "files": dict}
        for name, kind in (wanted | _FIELDS).items():
            if not isinstance(manifest.get(name), kind):
                raise _damaged(folder, f"its manifest has no {name}")
        if manifest.get("format") != FORMAT or manifest.get("seal") != sealed.seal(manifest):
            raise _damaged(folder, "its manifest was altered, or is of another version")
        stated = hashlib.sha256(manifest["specification"].encode()).hexdigest()
        if not key == manifest["key"] == stated:
            raise _damaged(folder, "it stands under the key of another specification")
        if sealed.hashes(folder, TREE) != manifest["files"]:
            raise _damaged(folder, "a file was altered, added or is missing")
        if not 0 < manifest["length"] <= _LARGEST:
            raise _damaged(folder, f"a program of {manifest['length']} bytes")
        try:
            return manifest, json.loads(_restored(folder / TREE, manifest["length"]))
        except Exception as error:  # orbax and tensorstore raise whatever the damage leads to
            raise _damaged(folder, f"it cannot be read ({type(error).__name__})") from error

    def _load(self, key: str, spec: SynthesisSpec) -> Solution:
        folder = self._folder(key)
        manifest, tree = self._verified(key)
        try:
            program = from_json(tree)
            signature = Signature.parse(manifest["signature"])
            right = signature == spec.signature and satisfies(program, spec)
        except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
            raise _damaged(folder, f"it is no program ({error})") from error
        if not right:
            raise _damaged(folder, "its program does not satisfy the examples")
        count = len(spec.examples)
        fields = {name: manifest[name] for name in _FIELDS}
        return Solution(program, spec.signature, matched=count, total=count, **fields)


def _damaged(folder: Path, what: str) -> LibraryError:
    return LibraryError(f"{folder} cannot be used: {what}; delete it to have it solved anew")


def _restored(path: Path, length: int) -> bytes:
    import jax
    import orbax.checkpoint as ocp

    wanted = {"json": jax.ShapeDtypeStruct((length,), np.uint8)}
    with ocp.StandardCheckpointer() as checkpointer:
        return np.asarray(checkpointer.restore(path, wanted)["json"]).tobytes()


def _write(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=2, sort_keys=True) + "\n"
    files.write(path, text, mode=0o600)


def _read(path: Path) -> dict[str, Any]:
    try:
        return sealed.read_json(path)
    except sealed.SealError as error:
        raise _damaged(path.parent, str(error)) from error
