"""A state as text and as HTML, for `repr` and notebooks."""

from __future__ import annotations

from html import escape

import numpy as np
from jax.core import Tracer

from ncpu.machine import memory, word
from ncpu.machine.disasm import disassemble
from ncpu.machine.instr import Unit, unpack
from ncpu.machine.program import PAGE_WORDS, Program
from ncpu.machine.state import State, Status

BEFORE, AFTER = 3, 5  # instructions shown around pc
_COLUMNS = 4


def text(state: State, program: Program | None = None) -> str:
    """Registers, flags, status and the instructions around pc; a summary of a batch.

    Instructions are read from memory, and where it is not mapped from `program`.
    """
    if not _concrete(state):
        return _shapes(state)
    if np.ndim(state.status):
        return _batch(state)
    lines = [_head(state), *_registers(state), *_vectors(state)]
    for mark, address, code, instruction in _listing(state, program):
        lines.append(f"{'=>' if mark else '  '} {address:12x}  {code:08x}  {instruction}")
    return "\n".join(lines)


def _concrete(state: State) -> bool:
    return all(
        not isinstance(leaf, Tracer) and hasattr(leaf, "__array__") for leaf in vars(state).values()
    )


def _shapes(state: State) -> str:
    fields = ", ".join(
        f"{name}: {getattr(value, 'dtype', type(value).__name__)}{list(np.shape(value))}"
        for name, value in vars(state).items()
    )
    return f"State({fields})"


def _status(code: int) -> str:
    return Status(code).name if code in {*Status} else f"status {code}"


def _flags(state: State) -> str:
    bits = int(state.nzcv)
    return "".join(n if bits >> 3 - k & 1 else n.lower() for k, n in enumerate("NZCV"))


def _head(state: State) -> str:
    status = int(state.status)
    fault = f" at {int(word.from_limbs(state.fault)):#x}" if status == Status.DATA_FAULT else ""
    base, size = int(word.from_limbs(state.base)), state.mem.shape[0] * 8
    return (
        f"pc {int(word.from_limbs(state.pc)):016x}  sp {int(state.sp):016x}  "
        f"flags {_flags(state)}  {_status(status)}{fault}  "
        f"retired {int(word.from_limbs(state.retired))}  memory {base:#x}-{base + size:#x}"
    )


def _cells(state: State) -> list[tuple[str, str]]:
    """(name, 16 hexadecimal digits) of X0-X30 and SP."""
    cells = [(f"x{k}", f"{int(value):016x}") for k, value in enumerate(state.x)]
    return [*cells, ("sp", f"{int(state.sp):016x}")]


def _registers(state: State) -> list[str]:
    cells = [f"{name:>3} {value}" for name, value in _cells(state)]
    return ["  ".join(cells[k : k + _COLUMNS]) for k in range(0, len(cells), _COLUMNS)]


def _vector_cells(state: State) -> list[tuple[str, str]]:
    """(name, 32 hexadecimal digits) of the vector registers that are not zero."""
    values = [(int(high) << 64) | int(low) for low, high in state.v]
    return [(f"v{k}", f"{value:032x}") for k, value in enumerate(values) if value]


def _vectors(state: State) -> list[str]:
    cells = [f"{name:>3} {value}" for name, value in _vector_cells(state)]
    return ["  ".join(cells[k : k + 2]) for k in range(0, len(cells), 2)]


def _word(state: State, program: Program | None, address: int) -> int | None:
    """The instruction word at an address, None where there is none."""
    if memory.permissions(state, address, 4):
        return int.from_bytes(memory.read(state, address, 4), "little")
    if program is None:
        return None
    page = address - int(word.from_limbs(program.base)) >> 12
    if not 0 <= page < len(program.pages) or address % 4:
        return None
    instr = unpack(np.asarray(program.rows[int(program.pages[page]) + (address >> 2) % PAGE_WORDS]))
    return None if instr.unit == Unit.NO_CODE else int(instr.word)


def _listing(state: State, program: Program | None = None) -> list[tuple[bool, int, int, str]]:
    """(whether pc is there, address, word, text) of the instructions around pc."""
    pc = int(word.from_limbs(state.pc))
    addresses = range(pc - 4 * BEFORE, pc + 4 * (AFTER + 1), 4)
    found = [(address, _word(state, program, address)) for address in addresses]
    return [(a == pc, a, code, disassemble(code, a)) for a, code in found if code is not None]


def _counts(state: State) -> tuple[int, list[tuple[str, int]], list[int]]:
    """(lanes, lanes of each status, [smallest, median, largest] of retired)."""
    status = np.asarray(state.status).reshape(-1)
    codes, counts = np.unique(status, return_counts=True)
    retired = word.from_limbs(state.retired).reshape(-1)
    spread = [int(f(retired)) for f in (np.min, np.median, np.max)] if len(retired) else [0] * 3
    named = [(_status(int(c)), int(n)) for c, n in zip(codes, counts, strict=True)]
    return len(status), named, spread


def _batch(state: State) -> str:
    lanes, statuses, (least, median, most) = _counts(state)
    named = ", ".join(f"{count} {name}" for name, count in statuses)
    return (
        f"{lanes} lanes: {named}; retired {least} / {median} / {most} (min / median / max); "
        f"{state.mem.shape[-2] * 8} bytes of memory each"
    )


# -- HTML -------------------------------------------------------------------------------

# Colours are inherited, so the table reads in light and dark themes.
_STYLE = "border-collapse:collapse;font-family:monospace;font-size:90%"
_CELL = "padding:1px 8px;text-align:left;border:none"
_HERE = "font-weight:bold;background:rgba(128,128,128,0.3)"
_QUIET = "opacity:0.65"


def html(state: State) -> str:
    """The same as `text`, as a self-contained HTML table without scripts."""
    if not _concrete(state):
        return f"<pre>{escape(_shapes(state))}</pre>"
    if np.ndim(state.status):
        return _batch_html(state)
    rows = [f'<tr><td colspan="{_COLUMNS}" style="{_CELL}">{escape(_head(state))}</td></tr>']
    cells = _cells(state)
    for k in range(0, len(cells), _COLUMNS):
        rows.append(_row([_named(*cell) for cell in cells[k : k + _COLUMNS]]))
    for name, value in _vector_cells(state):
        rows.append(f'<tr><td colspan="{_COLUMNS}" style="{_CELL}">{_named(name, value)}</td></tr>')
    for here, address, code, instruction in _listing(state):
        line = f'<span style="{_QUIET}">{address:x}  {code:08x}</span>  {escape(instruction)}'
        style = f"{_CELL};white-space:pre;{_HERE if here else ''}"
        mark = "&rarr; " if here else "&nbsp; "
        rows.append(f'<tr><td colspan="{_COLUMNS}" style="{style}">{mark}{line}</td></tr>')
    return f'<table style="{_STYLE}">{"".join(rows)}</table>'


def _named(name: str, value: str) -> str:
    return f'<span style="{_QUIET}">{name}</span> {value}'


def _row(cells: list[str]) -> str:
    return "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>"


def _batch_html(state: State) -> str:
    lanes, statuses, (least, median, most) = _counts(state)
    rows = [_row(["lanes", str(lanes)]), *(_row([name, str(count)]) for name, count in statuses)]
    rows.append(_row(["retired (min / median / max)", f"{least} / {median} / {most}"]))
    return f'<table style="{_STYLE}">{"".join(rows)}</table>'
