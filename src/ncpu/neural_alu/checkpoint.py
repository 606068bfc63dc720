"""The trained cells on disk: an orbax checkpoint with a manifest, never a fallback."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from ncpu import sealed
from ncpu.machine.errors import NcpuError
from ncpu.neural_alu.cells import BYTE, CELLS, PAIRS, Cell, ProductCell
from ncpu.neural_alu.planes import Networks

COMMAND = "ncpu train alu"
CERTIFICATE = "certificate.json"


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
    value = digest(networks)
    sealed.write(path, weights(networks), {"command": COMMAND, "digest": value, **training})
    shared.cache_clear()  # what was loaded from that folder is no longer there
    return value


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
    try:
        manifest = sealed.read_manifest(path)
        networks = _networks(sealed.read_weights(path, manifest, _shapes()))
        found = digest(networks)
        if found != manifest.get("digest"):
            raise sealed.SealError(
                f"its weights have digest {found[:16]}, not that of the manifest"
            )
        certificate = _certificate(path) if certified else {}
    except sealed.SealError as error:
        raise _error(path, str(error)) from error
    if certificate and certificate.get("digest") != found:
        raise CheckpointError(
            f"{path / CERTIFICATE} certifies other weights than {path} holds: "
            "run `ncpu certify alu`"
        )
    return networks


def _certificate(path: Path) -> dict[str, Any]:
    """What was certified of a checkpoint; empty if nothing was."""
    certificate = path / CERTIFICATE
    return sealed.read_json(certificate) if certificate.exists() else {}


def _error(path: Path, what: str) -> CheckpointError:
    return CheckpointError(
        f"the checkpoint {path} cannot be used: {what}; `{COMMAND}` makes it anew, "
        "`ncpu certify alu` certifies it"
    )


def _shapes() -> dict[str, dict[str, jax.ShapeDtypeStruct]]:
    """What a checkpoint of these cells holds."""
    out = {"product": {"table": jax.ShapeDtypeStruct((PAIRS, 2 * BYTE), jnp.int8)}}
    for name, spec in CELLS.items():
        i, h, o = len(spec.inputs), spec.hidden, len(spec.outputs)
        shapes = {"w1": (i, h), "b1": (h,), "w2": (h, o), "b2": (o,)}
        out[name] = {k: jax.ShapeDtypeStruct(shape, jnp.float32) for k, shape in shapes.items()}
    return out


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
