"""One byte string for each value: JSON by RFC 8785, hashes of it, and its strict reader."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import rfc8785

from ncpu.npcot.errors import LibraryFormatError


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value.

    Raises:
      LibraryFormatError: not a JSON value, an integer of more than 53 bits, NaN or infinity.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        raise LibraryFormatError(f"not canonical JSON: {error}") from error


def parse_canonical(data: bytes) -> Any:
    """The value of canonical bytes, which must be exactly what `canonical` writes.

    Raises:
      LibraryFormatError: not JSON, or JSON in another form (duplicate names, spaces, order).
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise LibraryFormatError(f"not JSON: {error}") from error
    if canonical(value) != data:
        raise LibraryFormatError("JSON that is not in canonical form (RFC 8785)")
    return value


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
