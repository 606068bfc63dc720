"""A coprocessor on disk, beside its model's own files: an orbax checkpoint and a manifest.

MODEL/
  config.json, ...           the model's own
  coprocessor/
    manifest.json            configuration, which model it fits, SHA-256 of each file
    weights/                 the experts' weights by layer
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from ncpu.coproc.config import CoprocessorConfig
from ncpu.coproc.errors import CoprocessorConfigError, CoprocessorFilesError

FOLDER = "coprocessor"
MANIFEST = "manifest.json"
WEIGHTS = "weights"
FORMAT = 1


@dataclass(frozen=True)
class Identity:
    """Which model a coprocessor belongs to.

    Attributes:
      model: name of the model's class.
      depth: its layers.
      width: of its hidden states.
      config: of the coprocessor.
    """

    model: str
    depth: int
    width: int
    config: CoprocessorConfig


def save(folder: Path, identity: Identity, weights: Mapping[str, Any]) -> None:
    """Write a coprocessor; what was there is replaced only when all is written.

    Args:
      folder: where its files go.
      identity: which model it fits.
      weights: layer to an expert's weights, as dictionaries of arrays.
    """
    import orbax.checkpoint as ocp

    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        with ocp.StandardCheckpointer() as checkpointer:
            checkpointer.save(temporary / WEIGHTS, jax.device_get(dict(weights)))
        manifest = {
            "format": FORMAT,
            "model": identity.model,
            "depth": identity.depth,
            "width": identity.width,
            "config": identity.config.to_dict(),
            "files": _digests(temporary),
        }
        (temporary / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        temporary.chmod(0o755)
        _replace(folder, temporary)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def read_identity(folder: Path) -> Identity:
    """Which model a saved coprocessor fits, and its configuration, with all its files checked.

    Raises:
      CoprocessorFilesError: a file is missing or altered, or a field of the manifest is wrong.
    """
    manifest = _manifest(folder)
    found = _digests(folder)
    for name, expected in manifest["files"].items():
        if found.get(name) != expected:
            what = "was altered" if name in found else "is missing"
            raise CoprocessorFilesError(f"{folder / name} {what}; save the coprocessor again")
    try:
        config = CoprocessorConfig.from_dict(manifest["config"])
    except CoprocessorConfigError as error:
        raise CoprocessorFilesError(f"{folder / MANIFEST}: config: {error}") from error
    return Identity(manifest["model"], manifest["depth"], manifest["width"], config)


def read_weights(folder: Path, expected: Mapping[str, Any]) -> dict[str, Any]:
    """The weights, of the shapes and types of `expected`.

    Raises:
      CoprocessorFilesError: they cannot be read, or a tensor is missing, too many or of another
        shape; names it.
    """
    import orbax.checkpoint as ocp

    path = folder.absolute() / WEIGHTS
    try:
        with ocp.StandardCheckpointer() as checkpointer:
            found = checkpointer.restore(path)
    except Exception as error:  # orbax and tensorstore raise whatever the damage leads to
        raise CoprocessorFilesError(f"{path} cannot be read ({type(error).__name__})") from error
    have, want = _shapes(found), _shapes(expected)
    for name in sorted(want.keys() | have.keys()):
        if have.get(name) != want.get(name):
            raise CoprocessorFilesError(
                f"{path}: tensor {name} is {have.get(name, 'missing')}; accepted: "
                f"{want.get(name, 'no such tensor')}"
            )
    return jax.tree.map(jax.numpy.asarray, found)


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CoprocessorFilesError(
            f"{path} cannot be read ({error}); save_pretrained of a model with a coprocessor "
            "writes it"
        ) from error
    kinds = {"format": int, "model": str, "depth": int, "width": int, "config": dict, "files": dict}
    for name, kind in kinds.items():
        value = manifest.get(name) if isinstance(manifest, dict) else None
        if type(value) is not kind:
            raise CoprocessorFilesError(
                f"{path}: {name} is {value!r}; accepted: a JSON {kind.__name__}"
            )
    if manifest["format"] != FORMAT:
        raise CoprocessorFilesError(f"{path}: format is {manifest['format']}; accepted: {FORMAT}")
    return manifest


def _shapes(tree: Any) -> dict[str, str]:
    leaves, _ = jax.tree.flatten_with_path(tree)
    return {
        "/".join(str(key.key) for key in path): f"{leaf.dtype}{list(leaf.shape)}"
        for path, leaf in leaves
    }


def _digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of the weights."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted((folder / WEIGHTS).rglob("*"))
        if file.is_file()
    }


def _replace(folder: Path, new: Path) -> None:
    """Put the folder `new` at `folder`, or leave what is there."""
    if not folder.exists():
        os.rename(new, folder)
        return
    aside = new.with_name(f"{new.name}.old")
    os.rename(folder, aside)
    try:
        os.rename(new, folder)
    except BaseException:
        os.rename(aside, folder)
        raise
    shutil.rmtree(aside)
