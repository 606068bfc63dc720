"""`Entry`: one program with its key and history as a signed record, the unit that owners exchange.

The body never changes; signatures and hit counts are added beside it.  Who vouches for an entry is
checked against the body's canonical bytes, whatever file or merge it came through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ncpu.npcot.canonical import canonical, digest
from ncpu.npcot.domain import Domain
from ncpu.npcot.errors import (
    DomainError,
    KeyFileError,
    LibraryFormatError,
    ProgramSpaceError,
)
from ncpu.npcot.program import PROGRAM_BYTES, ArrayProgram, from_bytes
from ncpu.npcot.signing import ED25519, Signer, Trust

_LABEL = b"ncpu npcot entry\0"
_BODY = ("key", "program", "task", "gap", "created", "domain", "certificate")


@dataclass(frozen=True)
class Entry:
    """One entry.

    Attributes:
      key: `f32[d]` unit row, little-endian, hexadecimal.
      program: canonical bytes, hexadecimal.
      task: what it is for, at most 1,000 characters.
      gap: soft-discrete gap at crystallisation, at least 0.
      created: seconds since 1970.
      domain: the arrays it was verified for.
      certificate: SHA-256 of its crystallisation certificate, hexadecimal; empty without one.
      signatures: Ed25519 key id to signature, both hexadecimal: its provenance.
      hits: key id to how often that owner's sessions used it.
    """

    key: str
    program: str
    task: str
    gap: float
    created: int
    domain: Domain
    certificate: str = ""
    signatures: Mapping[str, str] = field(default_factory=dict)
    hits: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def body(self) -> bytes:
        """Canonical bytes of what is signed."""
        fields = {name: getattr(self, name) for name in _BODY}
        return canonical(fields | {"domain": self.domain.to_json()})

    @cached_property
    def identity(self) -> str:
        """SHA-256 of the body."""
        return digest(self.body)

    @property
    def key_row(self) -> np.ndarray:
        """`f32[d]`."""
        return np.frombuffer(bytes.fromhex(self.key), "<f4").astype(np.float32)

    @property
    def array_program(self) -> ArrayProgram:
        """The program."""
        return from_bytes(bytes.fromhex(self.program))

    def signed_by(self, signer: Signer) -> Entry:
        """The entry with one more signature.

        Raises:
          KeyFileError: not an Ed25519 key.
        """
        if signer.algorithm != ED25519:
            raise KeyFileError("an entry is signed with an Ed25519 key, which others can check")
        mark = signer.sign(_LABEL + self.body).hex()
        return replace(self, signatures={**self.signatures, signer.key_id.hex(): mark})

    def vouchers(self, trust: Trust) -> frozenset[str]:
        """Ids of the trusted keys whose signatures on this body are right."""
        return frozenset(
            name
            for name, mark in self.signatures.items()
            if trust.vouches(ED25519, bytes.fromhex(name), bytes.fromhex(mark), _LABEL + self.body)
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON object; `from_json` reads it back."""
        return {
            **{name: getattr(self, name) for name in _BODY},
            "domain": self.domain.to_json(),
            "signatures": dict(self.signatures),
            "hits": dict(self.hits),
        }

    @staticmethod
    def from_json(value: Any) -> Entry:
        """Read and check against the schema.

        Raises:
          LibraryFormatError: a field missing, unknown, of another type or out of range.
        """
        names = {*_BODY, "signatures", "hits"}
        if not isinstance(value, dict) or set(value) != names:
            raise LibraryFormatError(f"an entry has exactly the fields {sorted(names)}")
        try:
            entry = Entry(**{**value, "domain": Domain.from_json(value["domain"])})
            _check(entry)
        except (DomainError, ProgramSpaceError, ValueError, TypeError, AttributeError) as error:
            raise LibraryFormatError(f"not an entry: {error}") from error
        return entry


def _check(entry: Entry) -> None:
    if len(_bytes(entry.program)) != PROGRAM_BYTES:
        raise ValueError(f"a program has {PROGRAM_BYTES} bytes")
    from_bytes(_bytes(entry.program))
    row = np.frombuffer(_bytes(entry.key), "<f4").astype(np.float64)
    if not row.size or not abs(float(np.linalg.norm(row)) - 1.0) < 1e-3:
        raise ValueError("a key is a row of length 1")
    if not (isinstance(entry.task, str) and len(entry.task) <= 1000):
        raise ValueError("a task is text of at most 1,000 characters")
    if type(entry.gap) not in (int, float) or not 0 <= entry.gap < float("inf"):
        raise ValueError("a gap is a number, at least 0")
    if type(entry.created) is not int or not 0 <= entry.created < 1 << 32:
        raise ValueError("a time is whole seconds since 1970 in 32 bits")
    if len(_bytes(entry.certificate)) not in (0, 32):
        raise ValueError("a certificate is named by its SHA-256")
    for name, mark in entry.signatures.items():
        if len(_bytes(name)) != 16 or len(_bytes(mark)) != 64:
            raise ValueError("a signature is a key id of 16 and a signature of 64 bytes")
    for name, count in entry.hits.items():
        if len(_bytes(name)) != 16 or type(count) is not int or not 0 <= count < 1 << 53:
            raise ValueError("hits are counts by key id")


def _bytes(text: str) -> bytes:
    """Bytes of lower-case hexadecimal; one value has one spelling."""
    data = bytes.fromhex(text)
    if data.hex() != text:
        raise ValueError("hexadecimal digits are lower-case, without spaces")
    return data
