"""A coprocessor on disk, beside its model's own files: an orbax checkpoint and a manifest.

MODEL/
  config.json, ...           the model's own
  coprocessor/
    manifest.json            configuration, which model it fits, SHA-256 of each file
    weights/                 the experts' weights by layer
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from ncpu import sealed
from ncpu.coproc.config import CoprocessorConfig
from ncpu.coproc.errors import CoprocessorConfigError, CoprocessorFilesError

FOLDER = "coprocessor"


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
    about = {
        "model": identity.model,
        "depth": identity.depth,
        "width": identity.width,
        "config": identity.config.to_dict(),
    }
    sealed.write(folder, jax.device_get(dict(weights)), about)


def read_identity(folder: Path) -> Identity:
    """Which model a saved coprocessor fits, and its configuration.

    Raises:
      CoprocessorFilesError: the manifest is missing or altered, or a field of it is wrong.
    """
    manifest = _manifest(folder)
    try:
        config = CoprocessorConfig.from_dict(manifest["config"])
    except CoprocessorConfigError as error:
        raise CoprocessorFilesError(f"{folder / sealed.MANIFEST}: config: {error}") from error
    return Identity(manifest["model"], manifest["depth"], manifest["width"], config)


def read_weights(folder: Path, expected: Mapping[str, Any]) -> dict[str, Any]:
    """The weights, of the shapes and types of `expected`.

    Raises:
      CoprocessorFilesError: they cannot be read, or a tensor is missing, too many or of another
        shape; names it.
    """
    try:
        return sealed.read_weights(folder, _manifest(folder), expected)
    except sealed.SealError as error:
        raise CoprocessorFilesError(f"{folder}: {error}") from error


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = sealed.read_manifest(folder)
    except sealed.SealError as error:
        raise CoprocessorFilesError(
            f"{folder}: {error}; save_pretrained of a model with a coprocessor writes it"
        ) from error
    for name, kind in {"model": str, "depth": int, "width": int, "config": dict}.items():
        value = manifest.get(name)
        if type(value) is not kind:
            raise CoprocessorFilesError(
                f"{folder / sealed.MANIFEST}: {name} is {value!r}; accepted: a JSON {kind.__name__}"
            )
    return manifest
