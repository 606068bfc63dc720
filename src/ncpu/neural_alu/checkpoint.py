"""The trained cells on disk: an orbax checkpoint with a manifest, never a fallback."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from ncpu.machine.errors import NcpuError
from ncpu.neural_alu.cells import BYTE, CELLS, PAIRS, Cell, ProductCell
from ncpu.neural_alu.planes import Networks

COMMAND = "ncpu train alu"
MANIFEST = "manifest.json"
CERTIFICATE = "certificate.json"
WEIGHTS = "weights"
FORMAT = 1


class CheckpointError(NcpuError, RuntimeError):
    """A checkpoint is missing, damaged or not the one that was certified."""


def folder() -> Path:
    """Where the trained cells are: in the installed package, or in the repository."""
    package = Path(__file__).parents[1]
    inside = package / "checkpoints" / "neural_alu"
    return inside if inside.is_dir() else package.parents[1] / "checkpoints" / "neural_alu"


def weights(networks: Networks) -> dict[str, dict[str, np.ndarray]]:
    """The weights of each cell by name."""
    return {
        name: {key: np.asarray(value[...]) for key, value in sorted(nnx.state(cell).items())}
        for name, cell in sorted(networks.items())
    }


def digest(networks: Networks) -> str:
    """SHA-256 of every weight with its name, dtype and shape."""
    total = hashlib.sha256()
    for cell, arrays in weights(networks).items():
        for name, array in arrays.items():
            total.update(f"{cell}.{name}:{array.dtype.str}{array.shape}".encode())
            total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def save(networks: Networks, path: Path, training: dict[str, Any]) -> str:
    """Write a checkpoint; what was there is replaced only when all is written.

    Args:
      networks: the trained cells.
      path: its folder.
      training: how they came about (seed, steps, margins), for the manifest.

    Returns:
      The digest.
    """
    import orbax.checkpoint as ocp

    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        with ocp.StandardCheckpointer() as checkpointer:
            checkpointer.save(temporary / WEIGHTS, weights(networks))
        value = digest(networks)
        manifest = {"format": FORMAT, "command": COMMAND, "digest": value, **training}
        manifest["files"] = _files(temporary)
        manifest["seal"] = _seal(manifest)
        (temporary / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        temporary.chmod(0o755)
        _replace(path, temporary)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    shared.cache_clear()  # what was loaded from that folder is no longer there
    return value


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
    """SHA-256 of each file of the weights in a checkpoint's folder."""
    return {
        file.relative_to(path).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted((path / WEIGHTS).rglob("*"))
        if file.is_file()
    }


def _seal(manifest: dict[str, Any]) -> str:
    """SHA-256 of what a manifest says."""
    said = {key: value for key, value in manifest.items() if key != "seal"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def load(path: Path | None = None, *, certified: bool = True) -> dict[str, Cell | ProductCell]:
    """The trained cells of a checkpoint, by default the one that comes with ncpu.

    They are the caller's own: changing their weights changes no other caller's arithmetic.

    Args:
      path: its folder.
      certified: whether a certificate that is there must be for these weights.

    Raises:
      CheckpointError: it is missing, truncated or altered, or has a certificate for other
        weights; says how to make it anew.
    """
    read = shared(folder() if path is None else path, certified)
    return {name: nnx.clone(cell) for name, cell in read.items()}


@cache
def shared(path: Path, certified: bool = True) -> Networks:
    """As `load`, read once for all callers, who must not change what they get."""
    if not path.is_dir():
        raise _error(path, "there is no such folder")
    manifest = _read_json(path / MANIFEST)
    if manifest.get("format") != FORMAT:
        raise _error(path, f"its format is {manifest.get('format')!r}, not {FORMAT}")
    if manifest.get("seal") != _seal(manifest):
        raise _error(path, f"{MANIFEST} was altered")
    # Before orbax reads them: it overlooks some damage and reports other from threads.
    found = _files(path)
    for name, expected in manifest["files"].items():
        if found.get(name) != expected:
            raise _error(path, f"{name} {'was altered' if name in found else 'is missing'}")
    try:
        networks = _networks(_restore(path / WEIGHTS))
    except Exception as error:  # orbax and tensorstore raise whatever the damage leads to
        raise _error(path, f"its weights cannot be read ({type(error).__name__})") from error
    found = digest(networks)
    if found != manifest.get("digest"):
        raise _error(path, f"its weights have digest {found[:16]}, not that of the manifest")
    certificate = path / CERTIFICATE
    if certified and certificate.exists() and _read_json(certificate).get("digest") != found:
        raise CheckpointError(
            f"{certificate} certifies other weights than {path} holds: run `ncpu certify alu`"
        )
    return networks


def _error(path: Path, what: str) -> CheckpointError:
    return CheckpointError(
        f"the checkpoint {path} cannot be used: {what}; `{COMMAND}` makes it anew, "
        "`ncpu certify alu` certifies it"
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise _error(path.parent, f"{path.name} cannot be read ({error})") from error
    if not isinstance(value, dict):
        raise _error(path.parent, f"{path.name} is not a JSON object")
    return value


def _shapes() -> dict[str, dict[str, jax.ShapeDtypeStruct]]:
    """What a checkpoint of these cells holds."""
    out = {"product": {"table": jax.ShapeDtypeStruct((PAIRS, 2 * BYTE), jnp.int8)}}
    for name, spec in CELLS.items():
        i, h, o = len(spec.inputs), spec.hidden, len(spec.outputs)
        shapes = {"w1": (i, h), "b1": (h,), "w2": (h, o), "b2": (o,)}
        out[name] = {k: jax.ShapeDtypeStruct(shape, jnp.float32) for k, shape in shapes.items()}
    return out


def _restore(path: Path) -> dict[str, dict[str, Any]]:
    import orbax.checkpoint as ocp

    expected = _shapes()
    with ocp.StandardCheckpointer() as checkpointer:
        found = checkpointer.restore(path.absolute(), expected)
    if jax.tree.map(jnp.shape, found) != jax.tree.map(jnp.shape, expected):
        raise ValueError("weights of other shapes")  # which orbax restores as they are
    return found


def _networks(arrays: dict[str, dict[str, Any]]) -> dict[str, Cell | ProductCell]:
    networks: dict[str, Cell | ProductCell] = {
        "product": ProductCell(jnp.asarray(arrays["product"]["table"]))
    }
    for name, spec in CELLS.items():
        sizes = (len(spec.inputs), spec.hidden, len(spec.outputs))
        # Only the structure: random weights would be computed to be thrown away.
        graph = nnx.graphdef(nnx.eval_shape(lambda sizes=sizes: Cell(*sizes, rngs=nnx.Rngs(0))))
        state = nnx.State({key: nnx.Param(jnp.asarray(x)) for key, x in arrays[name].items()})
        networks[name] = nnx.merge(graph, state)
    return networks
