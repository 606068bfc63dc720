"""From what a person names on the command line to an ELF file: ELF, assembly or toy source."""

from __future__ import annotations

import struct
from pathlib import Path

from ncpu.machine.asm import Assembled, assemble
from ncpu.machine.errors import ElfError
from ncpu.machine.state import EXEC, PAGE, READ, WRITE
from ncpu.machine.toy import assemble_toy

MAGIC = b"\x7fELF"
# Where assembly is placed, as static linkers place programs.
TEXT_BASE = 0x400000


def executable(path: Path) -> bytes:
    """The ELF bytes of an ELF file, of `.s` / `.S` assembly or of `.toy` source.

    Raises:
      ElfError: no such file, or a folder.
      AssemblyError: source that is not in the table, with its line.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ElfError(f"{path} cannot be read: {error.strerror}") from error
    if path.suffix == ".toy":
        return elf_bytes(assemble_toy(data.decode(), TEXT_BASE, halt="exit"))
    if path.suffix in (".s", ".S") and not data.startswith(MAGIC):
        return elf_bytes(assemble(data.decode(), TEXT_BASE))
    return data


def elf_bytes(assembled: Assembled) -> bytes:
    """A static AArch64 executable of the assembled sections."""
    headers, body = [], bytearray()
    start = 64 + 56 * len(assembled.segments)
    for segment in assembled.segments:
        # The file offset must agree with the address modulo the page size.
        position = start + len(body)
        body += bytes((segment.address - position) % PAGE)
        position = start + len(body)
        flags = (segment.perm & READ) << 2 | (segment.perm & WRITE) | (segment.perm & EXEC) >> 2
        size = len(segment.data)
        headers.append(
            struct.pack(
                "<IIQQQQQQ", 1, flags, position, segment.address, segment.address, size, size, PAGE
            )
        )
        body += segment.data
    ident = MAGIC + bytes([2, 1, 1]) + bytes(9)
    fields = (2, 183, 1, assembled.entry, 64, 0, 0, 64, 56, len(headers), 0, 0, 0)
    return ident + struct.pack("<HHIQQQIHHHHHH", *fields) + b"".join(headers) + bytes(body)
