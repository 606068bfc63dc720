"""Trained models of the experiment on disk: orbax weights and a manifest that seals them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx

from ncpu import sealed
from ncpu.coproc.errors import CoprocessorError
from ncpu.coproc.experiment.conditions import COPROCESSOR, build, condition
from ncpu.coproc.experiment.model import TextDecoder
from ncpu.coproc.experiment.train import Trained


class CheckpointError(CoprocessorError, RuntimeError):
    """A trained model is missing, altered, or of another version of the experiment."""


def home() -> Path:
    """Where the trained models are that come with ncpu: in the package, or in the repository."""
    package = Path(__file__).parents[2]
    inside = package / "checkpoints" / "coproc"
    return inside if inside.is_dir() else package.parents[1] / "checkpoints" / "coproc"


def folder(name: str, seed: int, under: Path | None = None) -> Path:
    """The folder of a condition's model, by default of those that come with ncpu."""
    plain = "-".join("".join(c if c.isalnum() else " " for c in name).split())
    return (home() if under is None else under) / f"{plain}-seed{seed}"


def save(trained: Trained, path: Path) -> None:
    """Write a trained model; what was there is replaced only when all is written."""
    about = {"command": command(trained.record), "coprocessor": COPROCESSOR.to_dict()}
    sealed.write(path, arrays(trained.model), about | trained.record)


def command(record: dict[str, Any]) -> str:
    """What trains such a model again."""
    steps = record["schedule"]["steps"]
    name = record["condition"]
    quoted = f"'{name}'" if " " in name else name
    return f"ncpu coproc train --condition {quoted} --seed {record['seed']} --steps {steps}"


def load(path: Path, expected: str = "ncpu coproc train") -> Trained:
    """A trained model.

    Args:
      path: its folder.
      expected: the command that makes it, for the message if it is not there.

    Raises:
      CheckpointError: it is missing, altered or of another version; says what makes it anew.
    """
    try:
        manifest = sealed.read_manifest(path)
    except sealed.SealError as error:
        raise _error(path, str(error), expected) from error
    if manifest["coprocessor"] != COPROCESSOR.to_dict():
        raise _error(path, "it is of another coprocessor config", manifest["command"])
    made = build(condition(manifest["condition"]), manifest["seed"], **manifest["sizes"])
    try:
        restored = sealed.read_weights(path, manifest, arrays(made))
    except sealed.SealError as error:
        raise _error(path, str(error), manifest["command"]) from error
    nnx.update(made, nnx.from_flat_state(_placed(made, restored)))
    drop = ("format", "command", "coprocessor", "files", "seal")
    return Trained(made, {k: v for k, v in manifest.items() if k not in drop})


def arrays(model: nnx.Module) -> dict[str, np.ndarray]:
    """The trained weights by path."""
    flat = nnx.to_flat_state(nnx.state(model, nnx.Param))
    return {".".join(map(str, path)): np.asarray(leaf[...]) for path, leaf in flat}


def _placed(model: TextDecoder, restored: dict[str, np.ndarray]) -> list[tuple[Any, Any]]:
    flat = nnx.to_flat_state(nnx.state(model, nnx.Param))
    return [
        (path, leaf.replace(jax.numpy.asarray(restored[".".join(map(str, path))])))
        for path, leaf in flat
    ]


def _error(path: Path, what: str, command: str) -> CheckpointError:
    return CheckpointError(
        f"the trained model {path} cannot be used: {what}; `{command}` makes it anew"
    )
