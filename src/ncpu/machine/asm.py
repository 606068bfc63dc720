"""The assembler: GNU-style A64 source to words, data and symbols.

Encodings come from the instruction table.  The source is gone through until no symbol
moves any more, then once again to encode; so anything may refer forward, sizes included.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ncpu.machine import memory
from ncpu.machine.asm_source import Statement, error, split, statements, string
from ncpu.machine.errors import AssemblyError
from ncpu.machine.expression import evaluate
from ncpu.machine.isa.forms import encode
from ncpu.machine.isa.immediates import checked
from ncpu.machine.isa.syntax import Context, ExpressionError, OperandError
from ncpu.machine.program import Program
from ncpu.machine.state import EXEC, PAGE, READ, WRITE, State, new_state

# Sections in the order of their addresses; others follow, readable and writable.
_PERMISSIONS = {".text": READ | EXEC, ".rodata": READ, ".data": READ | WRITE, ".bss": READ | WRITE}
_PASSES = 20
_MOST = 1 << 28  # bytes that one directive may make
_NOP = struct.pack("<I", 0xD503201F)
_LITERAL = re.compile(r"([wxsdq]\d+|[wx]zr|lr|fp)\s*,\s*=\s*(.+)", re.IGNORECASE)
_WIDE = re.compile(r":abs_g([0-3])")
_LITERAL_SIZE = {"w": 4, "s": 4, "q": 16}


@dataclass(frozen=True)
class Segment:
    """A section with its place in memory.

    Attributes:
      name: `.text`, `.rodata`, `.data`, `.bss` or as the source names it.
      address: of its first byte; a multiple of 4096 except for the first segment.
      data: its bytes.
      perm: `READ | WRITE | EXEC` bits it asks for.
    """

    name: str
    address: int
    data: bytes
    perm: int


@dataclass(frozen=True)
class Assembled:
    """The result of assembling.

    Attributes:
      base: address of the text.
      segments: text first, then the other sections that are not empty.
      symbols: labels and `.set` names to values.
      lines: address of each instruction to its line in the source.
    """

    base: int
    segments: tuple[Segment, ...]
    symbols: dict[str, int]
    lines: dict[int, int]

    @property
    def text(self) -> bytes:
        """The text section."""
        return self.segments[0].data

    @cached_property
    def words(self) -> np.ndarray:
        """The text section as NumPy `u32[n]`."""
        return np.frombuffer(self.text + bytes(-len(self.text) % 4), "<u4")

    @property
    def entry(self) -> int:
        """Where to start: `_start`, else `main`, else the first instruction."""
        return self.symbols.get("_start", self.symbols.get("main", self.base))

    def program(self) -> Program:
        """The text, decoded."""
        return Program.from_words(self.words, self.base)

    def state(self, stack: int = 1 << 16) -> State:
        """A lane with all segments in memory, pc at the entry and sp at the end of memory.

        Args:
          stack: bytes of memory above the segments.
        """
        start = self.base // PAGE * PAGE
        end = max(s.address + len(s.data) for s in self.segments)
        size = -(-(end + stack - start) // PAGE) * PAGE
        state = new_state(size=size, base=start, pc=self.entry)
        for segment in self.segments:
            state = memory.write(state, segment.address, segment.data)
            if segment.data:
                state = memory.protect(state, segment.address, len(segment.data), segment.perm)
        return state


def assemble(source: str, base: int = 0, symbols: Mapping[str, int] | None = None) -> Assembled:
    """Assemble A64 source.

    Args:
      source: GNU-style assembly; see `docs/isa.md` for the forms of each instruction.
      base: address of the text, a multiple of 4; the other sections follow, each at a
        multiple of 4096.
      symbols: values of names that the source uses and does not define.

    Raises:
      AssemblyError: with the line's number and text, what is wrong and what is accepted.

    >>> assemble("mov x0, #1").words
    array([3531604000], dtype=uint32)
    """
    if base % 4:
        raise AssemblyError(f"the text cannot start at {base:#x}: it must be a multiple of 4")
    return _Assembler(statements(source), base, dict(symbols or {})).result()


@dataclass
class _Section:
    name: str
    base: int = 0
    data: bytearray = field(default_factory=bytearray)
    pool: dict[tuple[int, str], Statement] = field(default_factory=dict)
    pools: int = 0  # literal pools already placed

    @property
    def here(self) -> int:
        return self.base + len(self.data)


class _Assembler:
    """The passes over one source.  `known` is what the previous pass found."""

    def __init__(self, source: list[Statement], base: int, given: dict[str, int]) -> None:
        self.source, self.base, self.given = source, base, given
        self.known: dict[str, int] = dict(given)
        self.layout: dict[str, int] = {".text": base}
        self.literals: dict[tuple[str, int, int, str], int] = {}
        self.numbered: list[tuple[str, int, int]] = []  # (label, statement, address)
        self.final = False

    # -- passes

    def result(self) -> Assembled:
        before = None
        for _ in range(_PASSES):
            self.go_through()
            if before == (before := (dict(self.known), dict(self.layout))):
                break
        else:
            raise AssemblyError(f"sizes and symbols still move after {_PASSES} passes")
        self.final = True
        self.go_through()
        segments = tuple(
            Segment(s.name, s.base, bytes(s.data), _PERMISSIONS.get(s.name, READ | WRITE))
            for s in sorted(self.sections.values(), key=lambda s: s.base)
            if s.data or s.name == ".text"
        )
        return Assembled(self.base, segments, self.found, self.lines)

    def go_through(self) -> None:
        self.sections = {n: _Section(n, self.layout.get(n, 0)) for n in _PERMISSIONS}
        self.section = self.sections[".text"]
        self.found: dict[str, int] = dict(self.given)
        self.labels: set[str] = set()
        self.here_numbered: list[tuple[str, int, int]] = []
        self.lines: dict[int, int] = {}
        for index, statement in enumerate(self.source):
            self.index = index
            try:
                getattr(self, "do_" + statement.kind)(statement)
            except OperandError as reason:
                raise error(statement.line, statement.text, str(reason)) from None
        for section in self.sections.values():
            self.section = section
            self.place_pool()
        self.known, self.numbered = self.found, self.here_numbered
        address = self.base
        for section in self.sections.values():
            self.layout[section.name] = address
            address = -(-(address + len(section.data)) // PAGE) * PAGE

    # -- values

    def symbol(self, name: str) -> int:
        if name == ".":
            return self.section.here
        if name[0].isdigit():
            return self.local(name)
        for symbols in (self.found, self.known):
            if name in symbols:
                return symbols[name]
        if self.final:
            raise ExpressionError(f"{name!r} is not defined")
        return 0

    def local(self, name: str) -> int:
        label, forward = name[:-1], name[-1].lower() == "f"
        if forward:
            places = [a for n, at, a in self.numbered if n == label and at > self.index][:1]
        else:
            places = [a for n, at, a in self.here_numbered if n == label][-1:]
        if not places and self.final:
            where = "below" if forward else "above"
            raise ExpressionError(f"there is no label {label}: {where} this line")
        return places[0] if places else 0

    def value(self, text: str) -> int:
        return evaluate(text, self.symbol)

    # -- statements

    def do_label(self, statement: Statement) -> None:
        name, here = statement.name, self.section.here
        if name.isdigit():
            self.here_numbered.append((name, self.index, here))
            return
        if name in self.labels:
            raise OperandError(f"{name} is already defined")
        self.labels.add(name)
        self.found[name] = here

    def do_instruction(self, statement: Statement) -> None:
        section = self.section
        if len(section.data) % 4:
            raise OperandError(
                "instructions need an address that is a multiple of 4: use .balign 4"
            )
        self.lines[section.here] = statement.line
        operands = statement.operands
        if (match := _LITERAL.fullmatch(operands)) and statement.name in ("ldr", "ldrsw"):
            operands = f"{match[1]}, {self.literal(statement, match[1].lower(), match[2].strip())}"
        if (match := _WIDE.search(operands)) and "lsl" not in operands:
            operands += f", lsl #{16 * int(match[1])}"  # MOVZ and MOVK of :abs_g1: shift too
        word = 0
        if self.final:
            word = encode(statement.name, operands, Context(self.value, section.here))
        section.data += struct.pack("<I", word)

    def do_directive(self, statement: Statement) -> None:
        name, arguments = statement.name, split(statement.operands)
        if name in _DATA:
            for argument in arguments:
                self.section.data += self.number(_DATA[name], argument)
        elif name in _FLOATS:
            for argument in arguments:
                self.section.data += self.floating(_FLOATS[name], argument)
        elif name in _DIRECTIVES:
            try:
                _DIRECTIVES[name](self, *arguments)
            except TypeError:
                raise OperandError(f"{name} does not take {len(arguments)} arguments") from None
        elif name not in _IGNORED and not name.startswith(".cfi"):
            known = sorted({*_DATA, *_FLOATS, *_DIRECTIVES, *_IGNORED})
            raise OperandError(f"unknown directive {name}; known are {' '.join(known)}")

    # -- literals

    def literal(self, statement: Statement, register: str, value: str) -> int:
        """The address of the literal pool's entry for `=value`."""
        size = 4 if statement.name == "ldrsw" else _LITERAL_SIZE.get(register[0], 8)
        self.section.pool.setdefault((size, value), statement)
        key = (self.section.name, self.section.pools, size, value)
        return self.literals.get(key, self.section.here)

    def place_pool(self) -> None:
        """`.ltorg`: the literals asked for so far, in this section, smallest first."""
        section = self.section
        for (size, value), asked in sorted(section.pool.items(), key=lambda item: item[0][0]):
            section.data += bytes(-section.here % size)
            self.literals[section.name, section.pools, size, value] = section.here
            try:
                section.data += self.number(size, value)
            except OperandError as reason:
                raise error(asked.line, asked.text, str(reason)) from None
        section.pool, section.pools = {}, section.pools + bool(section.pool)

    # -- directives

    def number(self, size: int, text: str) -> bytes:
        """`size` bytes of an expression's value, which must fit signed or unsigned."""
        value, bits = self.value(text), 8 * size
        if self.final and not -(1 << bits - 1) <= value < 1 << bits:
            raise OperandError(f"{value} does not fit in {bits} bits")
        return (value & (1 << bits) - 1).to_bytes(size, "little")

    def floating(self, layout: str, text: str) -> bytes:
        """The bytes of a floating-point number."""
        try:
            return struct.pack(layout, float(text))
        except (ValueError, OverflowError):
            raise OperandError(f"{text!r} is no floating-point number of this size") from None

    def to_section(self, name: str, *rest: str) -> None:
        name = name.strip('"')
        for known in _PERMISSIONS:
            if name.startswith(known + "."):
                name = known
        if name not in self.sections:
            self.sections[name] = _Section(name, self.layout.get(name, 0))
        self.section = self.sections[name]

    def align(self, alignment: int, fill: str = "", most: str = "") -> None:
        if not 0 < alignment <= _MOST or alignment & alignment - 1:
            raise OperandError(f"an alignment is a power of two up to {_MOST}, not {alignment}")
        gap = -self.section.here % alignment
        if most and gap > self.value(most):
            return
        if self.section.name == ".text" and not fill:
            self.section.data += bytes(gap % 4) + _NOP * (gap // 4)
        else:
            self.section.data += bytes([self.value(fill or "0") & 255]) * gap

    def align_power(self, power: str, *rest: str) -> None:
        self.align(1 << checked(self.value(power), 0, 63, "the power of two"), *rest)

    def count(self, text: str) -> int:
        """A number of bytes or repetitions, within reason."""
        return checked(self.value(text), 0, _MOST, "the size")

    def space(self, count: str, fill: str = "0") -> None:
        self.section.data += bytes([self.value(fill) & 255]) * self.count(count)

    def fill(self, count: str, size: str = "1", value: str = "0") -> None:
        each = self.number(checked(self.value(size), 0, 8, "the size"), value)
        self.section.data += each * self.count(count)

    def text_bytes(self, *texts: str, end: bytes = b"") -> None:
        for text in texts:
            if len(text) < 2 or text[0] != '"' or text[-1] != '"':
                raise OperandError(f"{text} is no string in double quotes")
            self.section.data += string(text[1:-1]) + end

    def set(self, name: str, value: str) -> None:
        self.found[name] = self.value(value)

    def reserve(self, name: str, size: str, alignment: str = "8") -> None:
        before = self.section
        self.to_section(".bss")
        self.align(self.value(alignment))
        self.found[name] = self.section.here
        self.space(size)
        self.section = before


_DATA = {
    **dict.fromkeys((".byte", ".1byte"), 1),
    **dict.fromkeys((".hword", ".short", ".2byte"), 2),
    **dict.fromkeys((".word", ".long", ".int", ".4byte", ".inst"), 4),
    **dict.fromkeys((".quad", ".xword", ".dword", ".8byte"), 8),
    ".octa": 16,
}
_FLOATS = {".float": "<f", ".single": "<f", ".double": "<d"}
_IGNORED = frozenset(
    [
        ".global",
        ".globl",
        ".type",
        ".size",
        ".file",
        ".ident",
        ".arch",
        ".arch_extension",
        ".cpu",
        ".loc",
        ".weak",
        ".hidden",
        ".local",
        ".protected",
        ".previous",
        ".end",
    ]
)
_DIRECTIVES: dict[str, Callable[..., None]] = {
    **{name: lambda self, name=name: self.to_section(name) for name in _PERMISSIONS},
    ".section": _Assembler.to_section,
    ".balign": lambda self, n, *rest: self.align(self.value(n), *rest),
    ".align": _Assembler.align_power,
    ".p2align": _Assembler.align_power,
    ".space": _Assembler.space,
    ".skip": _Assembler.space,
    ".zero": _Assembler.space,
    ".fill": _Assembler.fill,
    ".ascii": _Assembler.text_bytes,
    ".asciz": lambda self, *texts: self.text_bytes(*texts, end=b"\0"),
    ".string": lambda self, *texts: self.text_bytes(*texts, end=b"\0"),
    ".set": _Assembler.set,
    ".equ": _Assembler.set,
    ".equiv": _Assembler.set,
    ".comm": _Assembler.reserve,
    ".lcomm": _Assembler.reserve,
    ".ltorg": _Assembler.place_pool,
    ".pool": _Assembler.place_pool,
}
