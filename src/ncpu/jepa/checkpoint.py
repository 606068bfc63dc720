"""A trained model on disk: an orbax checkpoint with a manifest, never a fallback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx

from ncpu import sealed
from ncpu.jepa.action import FEATURES
from ncpu.jepa.anomaly import Anomaly
from ncpu.jepa.errors import CheckpointError
from ncpu.jepa.model import Config, JEWorldModel
from ncpu.jepa.view import WORDS

COMMAND = "ncpu train jepa"
SCHEMA = {"architecture": "cells and arithmetic", "words": WORDS, "features": FEATURES}


def folder() -> Path:
    """Where the trained model is: in the installed package, or in the repository."""
    package = Path(__file__).parents[1]
    inside = package / "checkpoints" / "jepa"
    return inside if inside.is_dir() else package.parents[1] / "checkpoints" / "jepa"


def _arrays(model: JEWorldModel) -> dict[str, np.ndarray]:
    """Every weight by its path."""
    leaves = jax.tree_util.tree_leaves_with_path(nnx.state(model, nnx.Param))
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}


def save(model: JEWorldModel, path: Path, training: dict[str, Any]) -> None:
    """Write a checkpoint; what was there is replaced only when all is written.

    Args:
      model: the trained model.
      path: its folder.
      training: how it came about, for the manifest.
    """
    about = {**SCHEMA, "command": COMMAND, "config": model.config.as_dict()}
    sealed.write(path, _arrays(model), about | training)


def manifest(path: Path | None = None) -> dict[str, Any]:
    """What a checkpoint says of itself.

    Raises:
      CheckpointError: it is missing, altered, or of another schema.
    """
    path = folder() if path is None else path
    if not path.is_dir():
        raise _error(path, "there is no such folder")
    try:
        said = sealed.read_manifest(path)
    except sealed.SealError as error:
        raise _error(path, str(error)) from error
    if found := {k: said.get(k) for k in SCHEMA if said.get(k) != SCHEMA[k]}:
        raise _error(path, f"its schema says {found}, this version reads {SCHEMA}")
    return said


def load(path: Path | None = None) -> JEWorldModel:
    """The trained model of a checkpoint, by default the one that comes with ncpu.

    Raises:
      CheckpointError: it is missing, altered, or of another schema; says how to make it anew.
    """
    path = folder() if path is None else path
    said = manifest(path)
    graph, state = nnx.split(JEWorldModel(Config(**said["config"])))
    leaves, tree = jax.tree_util.tree_flatten_with_path(state)
    named = {jax.tree_util.keystr(at): leaf for at, leaf in leaves}
    try:
        held = sealed.read_weights(path, said, named)
    except sealed.SealError as error:
        raise _error(path, str(error)) from error
    return nnx.merge(graph, jax.tree_util.tree_unflatten(tree, [held[name] for name in named]))


def monitor(path: Path | None = None) -> Anomaly:
    """The anomaly monitor of a checkpoint, calibrated when it was trained.

    Raises:
      CheckpointError: as for `load`, or it was never calibrated.
    """
    said = manifest(path)
    if "monitor" not in said:
        raise _error(folder() if path is None else path, "it holds no thresholds")
    about = said["monitor"]
    return Anomaly(load(path), np.array(about["thresholds"]), about["rate"])


def _error(path: Path, what: str) -> CheckpointError:
    return CheckpointError(
        f"the checkpoint {path} cannot be used: {what}; `{COMMAND}` makes it anew"
    )
