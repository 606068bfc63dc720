"""How option values are written on the command line."""

from __future__ import annotations

from pathlib import Path

import typer

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def parse_size(text: str) -> int:
    """`64M` to bytes.

    Raises:
      typer.BadParameter: not a number with an optional K, M or G, or not whole pages.
    """
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].isalpha() else (text, "")
    if not number.isdigit() or unit not in _UNITS:
        raise typer.BadParameter(f"{text!r} is not a size such as 65536, 512K, 64M or 1G")
    size = int(number) * _UNITS[unit]
    if size % 4096 or size == 0:
        raise typer.BadParameter(f"{text!r} is not a positive multiple of 4096 bytes")
    return size


def parse_environment(items: list[str]) -> dict[str, str]:
    """`NAME=VALUE` items to a mapping."""
    for item in items:
        if "=" not in item or item.startswith("="):
            raise typer.BadParameter(f"{item!r} is not NAME=VALUE")
    return dict(item.split("=", 1) for item in items)


def parse_mounts(items: list[str]) -> list[tuple[Path, str, bool]]:
    """`HOST:GUEST[:rw]` items to (host folder, guest path, writable)."""
    mounts = []
    for item in items:
        host, _, rest = item.partition(":")
        guest, _, mode = rest.partition(":")
        if not host or not guest.startswith("/") or mode not in ("", "ro", "rw"):
            raise typer.BadParameter(
                f"{item!r} is not HOST:/GUEST, HOST:/GUEST:ro or HOST:/GUEST:rw"
            )
        if not Path(host).is_dir():
            raise typer.BadParameter(f"{host!r} is not a folder")
        mounts.append((Path(host), guest, mode == "rw"))
    return mounts


def parse_ports(items: list[str]) -> dict[int, int]:
    """`HOST:GUEST` items to a mapping of ports."""
    ports = {}
    for item in items:
        host, _, guest = item.partition(":")
        numbers = [int(n) if n.isdigit() else 0 for n in (host, guest or host)]
        if not all(0 < n < 65536 for n in numbers):
            raise typer.BadParameter(f"{item!r} is not HOST:GUEST, two ports from 1 to 65535")
        ports[numbers[0]] = numbers[1]
    return ports
