"""Where the local variables of a function lie in its frame, as DWARF says.

Sources: DWARF 5 sections 2.6, 3.3, 4.1 and 5; "DWARF for the Arm 64-bit Architecture".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ncpu.machine import elf_file
from ncpu.machine.debug.symbols import Symbols

_CALL_FRAME_CFA, _FBREG = 0x9C, 0x91
# Only unoptimised code forms each address from the start of the variable it is meant for.
_UNOPTIMISED = re.compile(r"GNU C(?!.*\s-O(?!0))")
_SAME_SIZE = ("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type", "DW_TAG_restrict_type")


class Variable(NamedTuple):
    """A local variable: its bytes are [low, high), counted from the canonical frame address."""

    low: int
    high: int
    name: str


class Function(NamedTuple):
    """A function's addresses [start, end) and the variables in its frame."""

    start: int
    end: int
    variables: list[Variable]


def functions(symbols: Symbols) -> list[Function]:
    """The functions whose variables are known: compiled with `-g` and without optimisation."""
    found: list[Function] = []
    if symbols.dwarf is None or not symbols.dwarf.has_debug_info:
        return found
    try:
        for unit in symbols.dwarf.iter_CUs():
            top = unit.get_top_DIE()
            if not _UNOPTIMISED.match(_text(top, "DW_AT_producer")):
                continue
            for die in unit.iter_DIEs():
                if die.tag == "DW_TAG_subprogram" and (made := _function(die, symbols.bias)):
                    found.append(made)
    except elf_file.DAMAGE:
        return []
    return found


def _text(die: Any, name: str) -> str:
    value = die.attributes.get(name)
    return value.value.decode(errors="replace") if value else ""


def _function(die: Any, bias: int) -> Function | None:
    low, high = (die.attributes.get(f"DW_AT_{side}_pc") for side in ("low", "high"))
    base = die.attributes.get("DW_AT_frame_base")
    if low is None or high is None or base is None or base.value != [_CALL_FRAME_CFA]:
        return None
    start = low.value + bias
    end = high.value + bias if high.form == "DW_FORM_addr" else start + high.value
    return Function(start, end, sorted(_variables(die)))


def _variables(die: Any) -> Iterator[Variable]:
    """Those of a function and of the blocks in it."""
    for child in die.iter_children():
        if child.tag in ("DW_TAG_variable", "DW_TAG_formal_parameter"):
            where = child.attributes.get("DW_AT_location")
            size = _size(child)
            if size and where and where.form == "DW_FORM_exprloc" and where.value[0] == _FBREG:
                low = _signed(where.value[1:])
                yield Variable(low, low + size, _text(child, "DW_AT_name"))
        elif child.tag == "DW_TAG_lexical_block":
            yield from _variables(child)


def _signed(data: list[int]) -> int:
    """A number in SLEB128."""
    value = sum((byte & 127) << 7 * k for k, byte in enumerate(data))
    return value - (1 << 7 * len(data)) if data[-1] & 64 else value


def _size(die: Any) -> int | None:
    """Bytes of what a variable or a type is of, None where they are not constant."""
    if "DW_AT_type" not in die.attributes:
        return None
    kind = die.get_DIE_from_attribute("DW_AT_type")
    if "DW_AT_byte_size" in kind.attributes:
        return int(kind.attributes["DW_AT_byte_size"].value)
    if kind.tag in _SAME_SIZE:
        return _size(kind)
    if kind.tag != "DW_TAG_array_type":
        return None
    size = _size(kind)
    for part in kind.iter_children():
        upper, count = (part.attributes.get(f"DW_AT_{n}") for n in ("upper_bound", "count"))
        many = count.value if count else upper.value + 1 if upper else None
        size = size * many if size is not None and type(many) is int else None
    return size
