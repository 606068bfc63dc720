"""What was certified, as JSON beside the checkpoint."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ncpu.files import write_json
from ncpu.machine.errors import NcpuError

FORMAT = 1


class CertificationError(NcpuError, RuntimeError):
    """The trained cells or a circuit of them are not exact, or it could not be shown."""


@dataclass(frozen=True)
class CellCheck:
    """One cell on its whole domain.

    Attributes:
      rows: inputs of the domain, all right.
      margin: smallest absolute logit, computed exactly.
      error: bound on what rounding in float32 can do to a logit; 0 for integer logits.
      ratio: margin / error, None where the error is 0.
    """

    cell: str
    rows: int
    margin: float
    error: float
    ratio: float | None


@dataclass(frozen=True)
class Sweep:
    """Operations on all their operands.

    Attributes:
      cases: operand combinations compared.
      complete: whether they are all there are.
      wires: what carried the bits, "planes" or "sliced".
    """

    operations: str
    width: int
    cases: int
    complete: bool
    wires: str
    seconds: float
    mismatches: int = 0


@dataclass(frozen=True)
class Proof:
    """A lemma that holds for all inputs.

    Attributes:
      method: how it was shown.
      uses: names of lemmas it builds on.
      queries: formulas whose negation was found unsatisfiable.
      second: the verdict of another solver, "" where it was not asked.
    """

    name: str
    statement: str
    width: int
    method: str
    uses: tuple[str, ...]
    queries: int
    solver: str
    seconds: float
    second: str = ""


@dataclass(frozen=True)
class Vectors:
    """Random and edge operands compared with integer arithmetic.

    Attributes:
      wires: what carried the bits: "sliced", "planes" or "packed".
    """

    operation: str
    width: int
    cases: int
    wires: str
    seconds: float
    mismatches: int = 0


@dataclass(frozen=True)
class Certificate:
    """Everything that was shown of one set of trained cells.

    Attributes:
      digest: of the weights (`checkpoint.digest`).
      seed: of the random vectors.
      packages: versions of what computed.
      complete: whether every sweep was.
      seconds: of each part.
    """

    digest: str
    seed: int
    packages: dict[str, str]
    complete: bool
    seconds: dict[str, float]
    cells: tuple[CellCheck, ...]
    sweeps: tuple[Sweep, ...]
    proofs: tuple[Proof, ...]
    vectors: tuple[Vectors, ...]
    format: int = FORMAT


PARTS = {"cells": CellCheck, "sweeps": Sweep, "proofs": Proof, "vectors": Vectors}


def write_certificate(path: Path, certificate: Certificate) -> None:
    """Write JSON; what was there is replaced only when all is written."""
    write_json(path, asdict(certificate))


def read_certificate(path: Path) -> Certificate:
    """A certificate from its file.

    Raises:
      CertificationError: there is none, or it is none of this format.
    """
    try:
        fields: dict[str, Any] = json.loads(path.read_bytes())
        if fields["format"] != FORMAT:
            raise ValueError(f"its format is {fields['format']!r}, not {FORMAT}")
        for name, kind in PARTS.items():
            fields[name] = tuple(kind(**_tuples(row)) for row in fields[name])
        return Certificate(**fields)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CertificationError(
            f"{path} is no certificate ({error}); `ncpu certify alu` writes one"
        ) from error


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    """JSON's lists as tuples again."""
    return {key: tuple(x) if isinstance(x, list) else x for key, x in row.items()}
