"""Names and source lines of a program: its ELF symbols and DWARF line tables."""

from __future__ import annotations

import io
from bisect import bisect_right
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from elftools.elf.elffile import ELFFile

from ncpu.machine import elf_file
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.errors import ElfError


class Line(NamedTuple):
    """A source line, and the address where its code begins."""

    address: int
    path: str
    line: int

    @property
    def file(self) -> str:
        """The file's name without its folders."""
        return self.path.rsplit("/", 1)[-1]


class Symbols:
    """What is known of a program beside its code; of a stripped one, nothing.

    Args:
      data: the ELF file.
      bias: what loading added to its addresses.

    Attributes:
      problem: why names or lines are missing, None when they are there.
    """

    def __init__(self, data: bytes, bias: int) -> None:
        self.data, self.bias = data, bias
        self.problem: str | None = None
        try:
            self.table = elf_file.symbols(data, bias)
        except ElfError as error:
            self.table, self.problem = {}, str(error)
        if not self.table and self.problem is None:
            self.problem = "the program has no symbols (stripped): use addresses"
        order = sorted((a, size, name) for name, (a, size) in self.table.items())
        self._order = order
        self._starts = [row[0] for row in order]

    @cached_property
    def dwarf(self) -> Any:
        """pyelftools' view of the debugging information, None where there is none."""
        try:
            elf = ELFFile(io.BytesIO(self.data))
            if not (elf.has_dwarf_info() or elf.get_section_by_name(".eh_frame")):
                return None
            return elf.get_dwarf_info(follow_links=False)
        except elf_file.DAMAGE:
            return None

    @cached_property
    def lines(self) -> list[Line]:
        """The line table in address order; a line 0 ends a range that has lines."""
        found: list[Line] = []
        try:
            for unit in self.dwarf.iter_CUs() if self.dwarf is not None else ():
                found += self._unit_lines(unit)
        except elf_file.DAMAGE:
            found = []
        # Where ranges meet, the end of one comes before the start of the next.
        return sorted(found, key=lambda row: (row.address, row.line != 0))

    def _unit_lines(self, unit: Any) -> list[Line]:
        program = self.dwarf.line_program_for_CU(unit)
        if program is None:
            return []
        paths = self._paths(unit, program)
        first = 0 if program["version"] >= 5 else 1
        out = []
        for entry in program.get_entries():
            state = entry.state
            if state is None:
                continue
            at = state.address + self.bias
            index = state.file - first
            known = not state.end_sequence and 0 <= index < len(paths)
            out.append(Line(at, paths[index] if known else "", state.line if known else 0))
        return out

    @staticmethod
    def _paths(unit: Any, program: Any) -> list[str]:
        """The files of a line table, with their folders."""
        home = unit.get_top_DIE().attributes.get("DW_AT_comp_dir")
        folder = home.value.decode(errors="replace") if home else ""
        folders = [f.decode(errors="replace") for f in program["include_directory"]]
        if program["version"] < 5:
            folders.insert(0, folder)
        paths = []
        for entry in program["file_entry"]:
            inside = folders[entry.dir_index] if entry.dir_index < len(folders) else folder
            name = entry.name.decode(errors="replace")
            paths.append(str(PurePosixPath(folder, inside, name)))
        return paths

    @cached_property
    def _line_starts(self) -> list[int]:
        return [row.address for row in self.lines]

    def line(self, address: int) -> Line | None:
        """The source line an address belongs to."""
        at = bisect_right(self._line_starts, address) - 1
        if at < 0 or not self.lines[at].line:
            return None
        return self.lines[at]

    @staticmethod
    def source(line: Line) -> Path | None:
        """The source file of a line, None where it is not on this machine."""
        path = Path(line.path)
        return path if path.is_file() else None

    def line_address(self, file: str, number: int) -> int:
        """The first address of a source line.

        Raises:
          DebugError: no code came from there.
        """
        rows = [r for r in self.lines if r.file == file.rsplit("/", 1)[-1]]
        if not rows:
            files = sorted({row.file for row in self.lines if row.path})
            known = f"; it has {', '.join(files[:8])}" if files else " (compile it with -g)"
            raise DebugError(f"the program has no lines of {file!r}{known}")
        at = [row.address for row in rows if row.line == number]
        if not at:
            raise DebugError(f"no code came from line {number} of {file}")
        return min(at)

    def function(self, address: int) -> tuple[str, int] | None:
        """The function or object an address lies in, and how far in."""
        at = bisect_right(self._starts, address) - 1
        for index in range(at, max(at - 8, -1), -1):
            start, size, name = self._order[index]
            if start <= address < start + max(size, 1):
                return name, address - start
        return None

    def name(self, address: int) -> str:
        """An address for people: `main+8 (t.c:3)`, or just the number."""
        found = self.function(address)
        where = f"{address:#x}"
        if found is not None:
            where += f" {found[0]}" + (f"+{found[1]}" if found[1] else "")
        line = self.line(address)
        return where + (f" ({line.file}:{line.line})" if line else "")
