"""A folder of weights and a manifest that seals them: written whole or not at all.

FOLDER/
  manifest.json    what they are, SHA-256 of each file, and of itself
  weights/         an orbax checkpoint

The seal finds damage and changes by accident; it is no signature.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
WEIGHTS = "weights"
FORMAT = 1


class SealError(ValueError):
    """What is wrong with such a folder; its reader says what to do about it."""


def write(path: Path, weights: Any, manifest: Mapping[str, Any]) -> None:
    """Write such a folder; what was there is replaced only when all is written.

    Args:
      path: the folder.
      weights: a pytree of arrays.
      manifest: what they are, as JSON has it.
    """
    import orbax.checkpoint as ocp

    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        with ocp.StandardCheckpointer() as checkpointer:
            checkpointer.save(temporary / WEIGHTS, weights)
        # Says where on this machine it was written, and is not needed to read it.
        (temporary / WEIGHTS / "commit_success.txt").unlink(missing_ok=True)
        said = {"format": FORMAT, **manifest, "files": hashes(temporary, WEIGHTS)}
        (temporary / MANIFEST).write_text(json.dumps(said | {"seal": seal(said)}, indent=2) + "\n")
        temporary.chmod(0o755)
        _replace(path, temporary)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _replace(path: Path, new: Path) -> None:
    """Put the folder `new` at `path`, or leave what is there."""
    if not path.exists():
        os.rename(new, path)
        return
    aside = new.with_name(f"{new.name}.old")
    os.rename(path, aside)
    try:
        os.rename(new, path)
    except BaseException:
        os.rename(aside, path)
        raise
    shutil.rmtree(aside)


def read_manifest(path: Path) -> dict[str, Any]:
    """What a folder's manifest says.

    Raises:
      SealError: it is missing, of another format or altered.
    """
    manifest = read_json(path / MANIFEST)
    if manifest.get("format") != FORMAT:
        raise SealError(f"its format is {manifest.get('format')!r}, not {FORMAT}")
    if manifest.get("seal") != seal(manifest):
        raise SealError(f"{MANIFEST} was altered")
    return manifest


def read_weights(path: Path, manifest: Mapping[str, Any], expected: Any) -> Any:
    """The weights, in the structure of `expected` and of its shapes and types.

    Args:
      path: the folder.
      manifest: as `read_manifest` returned it.
      expected: a pytree of arrays or of their shapes and types.

    Raises:
      SealError: a file is missing or altered, or a tensor is missing, too many or of another
        shape or type; names it.
    """
    import jax
    import orbax.checkpoint as ocp

    # Before orbax reads them: it overlooks some damage and reports other from threads.
    files = hashes(path, WEIGHTS)
    for name, digest in manifest["files"].items():
        if files.get(name) != digest:
            raise SealError(f"{name} {'was altered' if name in files else 'is missing'}")
    try:
        with ocp.StandardCheckpointer() as checkpointer:
            found = checkpointer.restore(path.absolute() / WEIGHTS)
    except Exception as error:  # orbax and tensorstore raise whatever the damage leads to
        raise SealError(f"its weights cannot be read ({type(error).__name__})") from error
    have, want = _tensors(found), _tensors(expected)
    for name in sorted(want.keys() | have.keys()):
        if have.get(name) != want.get(name):
            raise SealError(
                f"its weights do not fit: tensor {name} is {have.get(name, 'missing')}; accepted: "
                f"{want.get(name, 'no such tensor')}"
            )
    return jax.tree.map(jax.numpy.asarray, found)


def _tensors(tree: Any) -> dict[str, str]:
    """Type and shape of each array by its path."""
    import jax

    leaves, _ = jax.tree.flatten_with_path(tree)
    return {
        "/".join(str(key.key) for key in path): f"{leaf.dtype}{list(leaf.shape)}"
        for path, leaf in leaves
    }


def hashes(path: Path, part: str) -> dict[str, str]:
    """SHA-256 of each file of one part of a folder, by its path from the folder."""
    return {
        file.relative_to(path).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted((path / part).rglob("*"))
        if file.is_file()
    }


def seal(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of what a manifest says."""
    said = {key: value for key, value in manifest.items() if key != "seal"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """A file with one JSON object.

    Raises:
      SealError: it cannot be read, or is none.
    """
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise SealError(f"{path.name} cannot be read ({error})") from error
    if not isinstance(value, dict):
        raise SealError(f"{path.name} is not a JSON object")
    return value
