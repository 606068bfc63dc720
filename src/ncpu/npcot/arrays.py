"""The library's arrays as an orbax checkpoint inside a signed snapshot.

What is restored is exactly the bytes whose hashes were checked: they are written to a private
folder first, so nobody can exchange a file between the check and the reading.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp

from ncpu.npcot.errors import LibraryFormatError
from ncpu.npcot.library import ProgramLibrary
from ncpu.npcot.program import ArrayProgram, validate

FOLDER = "arrays"


def write_arrays(library: ProgramLibrary, folder: Path) -> None:
    """Write `folder/arrays`, which must not exist."""
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(folder.resolve() / FOLDER, _tree(library))


def read_arrays(files: Mapping[str, bytes], like: ProgramLibrary) -> ProgramLibrary:
    """The library of a checked snapshot.

    Args:
      files: path to bytes, checked.
      like: a library with the capacity, width and domain that the manifest states.

    Raises:
      LibraryFormatError: no checkpoint, or arrays of another structure, shape or dtype, or values
        outside the program space.
    """
    with tempfile.TemporaryDirectory() as name:
        for path, data in files.items():
            if path.startswith(f"{FOLDER}/"):
                target = Path(name, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
        try:
            with ocp.StandardCheckpointer() as checkpointer:
                tree = checkpointer.restore(Path(name, FOLDER).resolve(), _tree(like))
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise LibraryFormatError(f"the arrays do not fit the manifest: {error}") from error
    _check(tree, _tree(like))
    columns = jax.tree.map(jnp.asarray, tree)
    programs = ArrayProgram(**columns.pop("programs"))
    validate(programs)
    return replace(like, **columns, programs=programs)


def _tree(library: ProgramLibrary) -> dict[str, Any]:
    names = [f.name for f in fields(library) if f.name not in ("domain", "programs")]
    tree: dict[str, Any] = {name: np.asarray(getattr(library, name)) for name in names}
    return tree | {"programs": {k: np.asarray(v) for k, v in library.programs.__dict__.items()}}


def _check(tree: Any, like: Any) -> None:
    found, wanted = jax.tree.leaves_with_path(tree), jax.tree.leaves_with_path(like)
    for (path, array), (_, example) in zip(found, wanted, strict=True):
        if array.shape != example.shape or array.dtype != example.dtype:
            raise LibraryFormatError(
                f"{jax.tree_util.keystr(path)} is {array.dtype}{list(array.shape)}; accepted: "
                f"{example.dtype}{list(example.shape)}"
            )
