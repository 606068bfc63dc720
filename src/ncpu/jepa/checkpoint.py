"""A trained model on disk: an orbax checkpoint with a manifest, never a fallback."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from ncpu.jepa.action import FEATURES
from ncpu.jepa.errors import CheckpointError
from ncpu.jepa.model import Config, JEWorldModel
from ncpu.jepa.view import WORDS

COMMAND = "ncpu train jepa"
MANIFEST = "MANIFEST.json"
WEIGHTS = "weights"
SCHEMA = {"format": 1, "words": WORDS, "features": FEATURES}


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
    import orbax.checkpoint as ocp

    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        with ocp.StandardCheckpointer() as checkpointer:
            checkpointer.save(temporary / WEIGHTS, _arrays(model))
        manifest = {**SCHEMA, "command": COMMAND, "config": model.config.as_dict(), **training}
        manifest["files"] = _files(temporary)
        manifest["seal"] = _seal(manifest)
        (temporary / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
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


def _files(path: Path) -> dict[str, str]:
    """SHA-256 of each file of the weights."""
    return {
        file.relative_to(path).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted((path / WEIGHTS).rglob("*"))
        if file.is_file()
    }


def _seal(manifest: dict[str, Any]) -> str:
    """SHA-256 of what a manifest says."""
    said = {key: value for key, value in manifest.items() if key != "seal"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def manifest(path: Path | None = None) -> dict[str, Any]:
    """What a checkpoint says of itself.

    Raises:
      CheckpointError: it is missing, altered, or of another schema.
    """
    path = folder() if path is None else path
    if not path.is_dir():
        raise _error(path, "there is no such folder")
    try:
        said = json.loads((path / MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise _error(path, f"{MANIFEST} cannot be read ({error})") from error
    if not isinstance(said, dict):
        raise _error(path, f"{MANIFEST} is not a JSON object")
    if found := {k: said.get(k) for k in SCHEMA if said.get(k) != SCHEMA[k]}:
        raise _error(path, f"its schema says {found}, this version reads {SCHEMA}")
    if said.get("seal") != _seal(said):
        raise _error(path, f"{MANIFEST} was altered")
    return said


def load(path: Path | None = None) -> JEWorldModel:
    """The trained model of a checkpoint, by default the one that comes with ncpu.

    Raises:
      CheckpointError: it is missing, altered, or of another schema; says how to make it anew.
    """
    path = folder() if path is None else path
    said = manifest(path)
    # Before orbax reads them: it overlooks some damage and reports other from threads.
    found = _files(path)
    for name, expected in said["files"].items():
        if found.get(name) != expected:
            raise _error(path, f"{name} {'was altered' if name in found else 'is missing'}")
    try:
        return _restore(path, Config(**said["config"]))
    except Exception as error:  # orbax and tensorstore raise whatever the damage leads to
        raise _error(path, f"its weights cannot be read ({type(error).__name__})") from error


def _restore(path: Path, config: Config) -> JEWorldModel:
    import orbax.checkpoint as ocp

    # Only the structure: random weights would be computed to be thrown away.
    graph, state = nnx.split(nnx.eval_shape(lambda: JEWorldModel(config)))
    leaves, tree = jax.tree_util.tree_flatten_with_path(state)
    names = [jax.tree_util.keystr(at) for at, _ in leaves]
    expected = {
        name: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype)
        for name, (_, leaf) in zip(names, leaves, strict=True)
    }
    with ocp.StandardCheckpointer() as checkpointer:
        held = checkpointer.restore((path / WEIGHTS).absolute(), expected)
    if jax.tree.map(jnp.shape, held) != jax.tree.map(lambda x: x.shape, expected):
        raise ValueError("weights of other shapes")  # which orbax restores as they are
    arrays = [jnp.asarray(held[name]) for name in names]
    return nnx.merge(graph, jax.tree_util.tree_unflatten(tree, arrays))


def _error(path: Path, what: str) -> CheckpointError:
    return CheckpointError(
        f"the checkpoint {path} cannot be used: {what}; `{COMMAND}` makes it anew"
    )
