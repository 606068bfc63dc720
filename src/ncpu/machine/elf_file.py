"""The ELF file format: headers checked field by field, symbols through pyelftools.

Everything in a file is hostile until checked: `parse` reads with `struct` and bounds, and
raises nothing but `ElfError`.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from itertools import pairwise

from elftools.common.exceptions import DWARFError, ELFError
from elftools.construct import ConstructError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from ncpu.machine.errors import ElfError
from ncpu.machine.state import PAGE

ACCEPTED = "an ELF-64 little-endian AArch64 executable is accepted"
EHDR_SIZE, PHDR_SIZE = 64, 56
ET_EXEC, ET_DYN, EM_AARCH64 = 2, 3, 183
PT_LOAD, PT_INTERP, PT_PHDR = 1, 3, 6
PF_X, PF_W, PF_R = 1, 2, 4
LIMIT = 1 << 47  # end of the user address space accepted in a file
MAX_ALIGNMENT = 1 << 30
PATH_MAX = 4096
_TYPES = {0: "no type", 1: "a relocatable object", 4: "a core dump"}

# pyelftools trusts what it parses: besides its own errors, garbage shows as these.
DAMAGE = (
    *(ELFError, DWARFError, ConstructError, struct.error, OSError, ArithmeticError),
    *(ValueError, LookupError, TypeError, AttributeError, AssertionError, MemoryError),
)


@dataclass(frozen=True)
class Segment:
    """One PT_LOAD: `file_size` bytes of the file at `offset`, `memory_size` in memory."""

    address: int
    memory_size: int
    offset: int
    file_size: int
    flags: int
    alignment: int


@dataclass(frozen=True)
class Header:
    """What loading needs: segments in address order, unbiased addresses.

    `program_headers` is where the loaded image holds them, 0 where it does not; `interpreter`
    the path of the dynamic linker it asks for (PT_INTERP), None for a static program.
    """

    entry: int
    position_independent: bool
    segments: tuple[Segment, ...]
    program_headers: int
    program_header_count: int
    interpreter: bytes | None = None


def parse(data: bytes) -> Header:
    """The checked headers of an executable.

    Raises:
      ElfError: not an executable that can be loaded, and why.
    """
    _check_identity(data)
    fields = struct.unpack_from("<HHIQQQIHHH", data, 16)
    kind, machine, version, entry, phoff, _, _, ehsize, phentsize, phnum = fields
    if machine != EM_AARCH64:
        raise ElfError(f"machine {machine}, not {EM_AARCH64} (AArch64): {ACCEPTED}")
    if kind not in (ET_EXEC, ET_DYN):
        raise ElfError(f"type {kind} ({_TYPES.get(kind, 'unknown')}): {ACCEPTED}")
    if version != 1 or ehsize < EHDR_SIZE:
        raise ElfError(f"ELF version {version}, header of {ehsize} bytes; 1 and 64 are accepted")
    if phnum == 0 or phentsize != PHDR_SIZE:
        raise ElfError(f"{phnum} program headers of {phentsize} bytes; 1 or more of 56 are needed")
    if phoff + phnum * PHDR_SIZE > len(data):
        raise ElfError(
            f"program headers end at {phoff + phnum * PHDR_SIZE}, "
            f"the file at {len(data)}: truncated"
        )
    rows = [struct.unpack_from("<IIQQQQQQ", data, phoff + i * PHDR_SIZE) for i in range(phnum)]
    loads = [_segment(row, len(data)) for row in rows if row[0] == PT_LOAD]
    segments = tuple(sorted((s for s in loads if s.memory_size), key=lambda s: s.address))
    _check_layout(segments, entry)
    in_image = [
        s.address + phoff - s.offset
        for s in segments
        if s.offset <= phoff and phoff + phnum * PHDR_SIZE <= s.offset + s.file_size
    ]
    interpreters = [_interpreter(row, data) for row in rows if row[0] == PT_INTERP]
    where = (*in_image, 0)[0]
    return Header(entry, kind == ET_DYN, segments, where, phnum, (*interpreters, None)[0])


def _interpreter(row: tuple[int, ...], data: bytes) -> bytes:
    """The path in a PT_INTERP header, checked as `load_elf_binary` checks it."""
    offset, size = row[2], row[5]
    path = data[offset : offset + size]
    if len(path) != size or not 2 <= size <= PATH_MAX or path[-1:] != b"\0":
        raise ElfError(
            f"dynamic linker named by {size} bytes at {offset} (PT_INTERP): a path of 1 to "
            f"{PATH_MAX - 1} bytes and a NUL inside the file is accepted"
        )
    return path[: path.index(b"\0")]


def _check_identity(data: bytes) -> None:
    if data[:4] != b"\x7fELF":
        raise ElfError(f"starts with {bytes(data[:4])!r}: not an ELF file; {ACCEPTED}")
    if len(data) < EHDR_SIZE:
        raise ElfError(f"{len(data)} bytes: truncated before the end of the ELF header")
    if data[4] != 2:
        raise ElfError(f"ELF class {data[4]}, not 2 (64-bit): {ACCEPTED}")
    if data[5] != 1:
        raise ElfError(f"ELF data encoding {data[5]}, not 1 (little-endian): {ACCEPTED}")
    if data[6] != 1:
        raise ElfError(f"ELF identification version {data[6]}: only 1 exists")
    if data[7] not in (0, 3):
        raise ElfError(f"ELF OS ABI {data[7]}; 0 (System V) and 3 (GNU/Linux) are accepted")


def _segment(row: tuple[int, ...], size: int) -> Segment:
    _, flags, offset, address, _, file_size, memory_size, alignment = row
    where = f"segment at {address:#x}"
    if file_size > memory_size:
        raise ElfError(f"{where}: p_filesz {file_size:#x} is above p_memsz {memory_size:#x}")
    if file_size and offset + file_size > size:  # Linux maps nothing of an empty part
        raise ElfError(f"{where}: its file part ends at {offset + file_size}, the file at {size}")
    if address + memory_size > LIMIT:
        raise ElfError(f"{where}: {memory_size:#x} bytes end beyond {LIMIT:#x} or wrap around")
    if (address - offset) % PAGE and memory_size:
        raise ElfError(f"{where}: address and offset {offset:#x} differ modulo {PAGE}")
    if alignment & (alignment - 1) or alignment > MAX_ALIGNMENT:
        raise ElfError(f"{where}: p_align {alignment:#x}; powers of two up to 2**30 are accepted")
    return Segment(address, memory_size, offset, file_size, flags, max(alignment, PAGE))


def _check_layout(segments: tuple[Segment, ...], entry: int) -> None:
    if not segments:
        raise ElfError("no loadable segment (PT_LOAD): nothing to run")
    for low, high in pairwise(segments):
        if low.address + low.memory_size > high.address:
            raise ElfError(f"segments at {low.address:#x} and {high.address:#x} overlap")
    code = [s for s in segments if s.flags & PF_X]
    if not any(s.address <= entry < s.address + s.memory_size for s in code):
        raise ElfError(f"entry {entry:#x} is in no executable segment")
    if entry % 4:
        raise ElfError(f"entry {entry:#x} is not a multiple of 4, as A64 instructions are")


def symbols(data: bytes, bias: int) -> dict[str, tuple[int, int]]:
    """Functions and objects of the symbol tables: name to (address + bias, size).

    Raises:
      ElfError: the tables are damaged.
    """
    found: dict[str, tuple[int, int]] = {}
    try:
        for section in ELFFile(io.BytesIO(data)).iter_sections():
            if not isinstance(section, SymbolTableSection):
                continue
            if section["sh_offset"] + section["sh_size"] > len(data) or section["sh_entsize"] != 24:
                raise ElfError("a symbol table lies outside the file or has odd entries")
            for symbol in section.iter_symbols():
                kind, where = symbol["st_info"]["type"], symbol["st_shndx"]
                named = symbol.name and not symbol.name.startswith("$")  # $x, $d: mapping symbols
                if named and kind in _KINDS and where != "SHN_UNDEF":
                    found[symbol.name] = (symbol["st_value"] + bias, symbol["st_size"])
    except DAMAGE as error:
        raise ElfError(f"the symbol tables are damaged: {error}") from error
    return found


_KINDS = ("STT_FUNC", "STT_OBJECT", "STT_NOTYPE", "STT_GNU_IFUNC", "STT_LOOS")
