"""Files on the host that are written whole or not at all: to another name, then renamed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def write(path: Path, data: bytes | str, mode: int = 0o644) -> None:
    """Write a file; what was there stays until all is written.

    Args:
      path: the file; its folder exists.
      data: bytes, or text that becomes UTF-8.
      mode: its permissions.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)
        temporary.chmod(mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any, indent: int | None = 1) -> None:
    """Write a value as JSON."""
    write(path, json.dumps(value, indent=indent) + "\n")
