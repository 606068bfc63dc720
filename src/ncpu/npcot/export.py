"""A library as one StableHLO artefact: consult and execute with the programs inside.

The artefact needs jax and jaxlib to run, not this package:

    exported = jax.export.deserialize(bytearray(Path("library.shlo").read_bytes()))
    value, status, slot, score = exported.call(hidden, x, length, y)

for any batch size; `script` is that as a file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import export

from ncpu.npcot.errors import LibraryFormatError
from ncpu.npcot.library import ProgramLibrary
from ncpu.npcot.program import ArrayProgram
from ncpu.npcot.retrieval import Lookup, consult_traced
from ncpu.npcot.storage import write_durably

PLATFORMS = ("cpu", "cuda", "tpu")


def export_library(library: ProgramLibrary, platforms: Sequence[str] = PLATFORMS) -> bytes:
    """Serialise consult and execute with the library's arrays as constants.

    Args:
      library: its empty slots at the end are left out.
      platforms: that the artefact can run on.

    Returns:
      bytes for `jax.export.deserialize`: a function of hidden `f32[B, d]`, x `i32[B, L]`, length
      `i32[B]` and y `i32[B, L]`, `L` the domain's longest array, to value, status, slot `i32[B]`
      and score `f32[B]`.

    Raises:
      LibraryFormatError: an empty library.
    """
    small = trimmed(library)
    longest = max(library.domain.max_length, 1)

    def consult_inside(hidden, x, length, y):
        answer = consult_traced(small, hidden, x, length, y)
        return answer.value, answer.status, answer.slot, answer.score

    (batch,) = export.symbolic_shape("batch")
    words = jax.ShapeDtypeStruct((batch, longest), jnp.int32)
    exported = export.export(jax.jit(consult_inside), platforms=platforms)(
        jax.ShapeDtypeStruct((batch, library.width), jnp.float32),
        words,
        jax.ShapeDtypeStruct((batch,), jnp.int32),
        words,
    )
    return bytes(exported.serialize())


def trimmed(library: ProgramLibrary) -> ProgramLibrary:
    """The library without the empty slots behind its last entry; slots keep their numbers.

    Raises:
      LibraryFormatError: an empty library.
    """
    occupied = np.flatnonzero(np.asarray(library.occupied))
    if not occupied.size:
        raise LibraryFormatError("the library is empty; there is nothing to export")
    end = int(occupied[-1]) + 1
    order = np.asarray(library.order)
    columns = {
        f.name: np.asarray(getattr(library, f.name))[:end]
        for f in fields(library)
        if f.name not in ("programs", "order", "clock", "threshold", "domain")
    }
    programs = {k: np.asarray(v)[:end] for k, v in library.programs.__dict__.items()}
    return replace(
        library,
        **jax.tree.map(jnp.asarray, columns),
        programs=ArrayProgram(**jax.tree.map(jnp.asarray, programs)),
        order=jnp.asarray(order[order < end]),
    )


def script(artefact: str) -> str:
    """A program that asks an exported library from the shell; it imports jax and NumPy only.

    Args:
      artefact: the file's name, looked for beside the script.
    """
    names = {int(v): v.name.lower() for v in Lookup}
    return f'''"""Ask an exported program library: JSON lines in, JSON lines out.

Each line in is {{"hidden": [...], "x": [...], "y": [...]}}, "y" only for programs of two arrays.
"""

import json
import sys
from pathlib import Path

import numpy as np
from jax import export

STATUS = {json.dumps(list(names.values()))}
exported = export.deserialize(bytearray((Path(__file__).parent / {artefact!r}).read_bytes()))
longest = exported.in_avals[1].shape[1]


def padded(rows):
    if any(len(row) > longest for row in rows):
        sys.exit(f"an array is longer than {{longest}}")
    return np.array([[*row, *[0] * (longest - len(row))] for row in rows], np.int32)


queries = [json.loads(line) for line in sys.stdin]
x = padded([q["x"] for q in queries])
y = padded([q.get("y", []) for q in queries])
length = np.array([len(q["x"]) for q in queries], np.int32)
hidden = np.array([q["hidden"] for q in queries], np.float32)
for value, status, slot, score in zip(*map(np.asarray, exported.call(hidden, x, length, y))):
    print(json.dumps({{"value": int(value), "status": STATUS[status], "slot": int(slot),
                      "score": float(score)}}))
'''


def write_export(library: ProgramLibrary, path: Path) -> int:
    """Write the artefact at `path` and the script beside it, `path` with `.py`.

    Returns:
      the artefact's bytes.
    """
    data = export_library(library)
    write_durably(path, data)
    write_durably(path.with_suffix(".py"), script(path.name).encode())
    return len(data)
