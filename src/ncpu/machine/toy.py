"""The toy instruction set: a small assembly language that lowers to A64.

Registers R0-R7 are x0-x7.  Instructions, one a line, with `,` between operands:

  MOV r, s   ADD SUB MUL DIV AND OR XOR SHL SHR r, s  (r = r op s)  or  r, a, b  (r = a op b)
  INC r   DEC r   CMP a, b   JMP JZ JNZ JS JNS label   HALT   NOP

Sources are registers or immediates: decimal, 0x or 0b, any 64-bit value.  Labels end with
`:`, comments start with `;` or `#`, letter case is free.  Numbers are 64-bit and wrap; DIV
is signed, truncates, and gives 0 for a zero divisor as A64 has it; SHR shifts zeros in, and
shift amounts count modulo 64.  The flags that JZ, JNZ, JS and JNS test are those of the last
instruction but MOV and jumps; C and V are of no use here.
x9 and x10 hold immediates on the way.
"""

from __future__ import annotations

import difflib
import re

from ncpu.machine.asm import Assembled, assemble
from ncpu.machine.errors import AssemblyError

_BINARY = {
    "add": "adds",
    "sub": "subs",
    "mul": "mul",
    "div": "sdiv",
    "and": "ands",
    "or": "orr",
    "xor": "eor",
    "shl": "lsl",
    "shr": "lsr",
}
_JUMPS = {"jmp": "b", "jz": "b.eq", "jnz": "b.ne", "js": "b.mi", "jns": "b.pl"}
_FORMS = {
    "mov": "MOV r, source",
    **{name: f"{name.upper()} r, source or {name.upper()} r, source, source" for name in _BINARY},
    "inc": "INC r",
    "dec": "DEC r",
    "cmp": "CMP source, source",
    **{name: f"{name.upper()} label" for name in _JUMPS},
    "halt": "HALT",
    "nop": "NOP",
}
HALTS = {"brk": ("brk #0",), "exit": ("mov x8, #93", "svc #0")}
SCRATCH = ("x9", "x10")


class _Bad(Exception):
    """What is wrong with a line."""


def assemble_toy(source: str, base: int = 0, halt: str = "brk") -> Assembled:
    """Assemble toy source to A64.

    Args:
      source: the program.
      base: address of its first instruction.
      halt: what HALT becomes: "brk" stops with `Status.BREAKPOINT`, "exit" calls
        exit(R0) under the kernel.  A HALT is added at the end.

    Raises:
      AssemblyError: with the line and what is accepted.

    >>> assemble_toy("MOV R0, 6\\nADD R0, 7").words.size
    3
    """
    return assemble(lower(source, halt), base)


def lower(source: str, halt: str = "brk") -> str:
    """Toy source as A64 assembly text, each instruction under a comment with its line."""
    if halt not in HALTS:
        raise ValueError(f"halt is one of {', '.join(HALTS)}, not {halt!r}")
    out: list[str] = []
    labels = {m[1].lower() for m in re.finditer(r"^\s*([A-Za-z_]\w*)\s*:", source, re.MULTILINE)}
    for number, line in enumerate(source.splitlines(), 1):
        rest = re.split("[;#]", line)[0].strip()
        while match := re.match(r"([A-Za-z_]\w*)\s*:\s*", rest):
            out.append(f"toy_{match[1].lower()}:")
            rest = rest[match.end() :]
        if not rest:
            continue
        try:
            out += [f"  // {rest}", *("  " + text for text in _instruction(rest, labels, halt))]
        except _Bad as reason:
            raise AssemblyError(f"line {number}: {line.strip()}\n  {reason}") from None
    return "\n".join([*out, *("  " + text for text in HALTS[halt]), ""])


def _instruction(text: str, labels: set[str], halt: str) -> list[str]:
    name, *rest = text.lower().split(None, 1)
    operands = [part.strip() for part in rest[0].split(",")] if rest else []
    if name not in _FORMS:
        close = difflib.get_close_matches(name, _FORMS, 3, 0.5)
        known = ", ".join(form.upper() for form in close or _FORMS)
        raise _Bad(
            f"unknown instruction {name.upper()}; {'close' if close else 'known'} are {known}"
        )
    counts = {"nop": (0,), "halt": (0,), "inc": (1,), "dec": (1,), **dict.fromkeys(_JUMPS, (1,))}
    if len(operands) not in counts.get(name, (2, 3) if name in _BINARY else (2,)):
        raise _Bad(f"accepted: {_FORMS[name]}")
    if name in ("nop", "halt"):
        return ["nop"] if name == "nop" else [*HALTS[halt]]
    if name in _JUMPS:
        if operands[0] not in labels:
            close = difflib.get_close_matches(operands[0], labels, 3, 0.5)
            hint = f"; close are {', '.join(close)}" if close else ""
            raise _Bad(f"there is no label {operands[0]!r}{hint}")
        return [f"{_JUMPS[name]} toy_{operands[0]}"]
    if name in ("inc", "dec"):
        target = _register(operands[0])
        return [f"{'adds' if name == 'inc' else 'subs'} {target}, {target}, #1"]
    return _computation(name, operands)


def _computation(name: str, operands: list[str]) -> list[str]:
    out: list[str] = []
    if name == "cmp":
        left, right = _source(operands[0], out, 0), _right(name, operands[1], out)
        return [*out, f"cmp {left}, {right}"]
    target = _register(operands[0])
    if name == "mov":
        source = _source(operands[1], out, 0, target)
        return [*out, *([f"mov {target}, {source}"] if source != target else [])] or ["nop"]
    sources = operands if len(operands) == 2 else operands[1:]
    left, right = _source(sources[0], out, 0), _right(name, sources[1], out)
    out.append(f"{_BINARY[name]} {target}, {left}, {right}")
    if name not in ("add", "sub", "and"):
        out.append(f"tst {target}, {target}")
    return out


def _right(name: str, text: str, out: list[str]) -> str:
    """The second source: itself where the instruction has room for a small number."""
    if name in ("add", "sub", "cmp") and re.fullmatch(r"\d{1,3}", text):
        return f"#{int(text)}"
    return _source(text, out, 1)


def _register(text: str) -> str:
    if re.fullmatch("r[0-7]", text):
        return "x" + text[1]
    raise _Bad(f"{text!r} is no register; there are R0 to R7")


def _source(text: str, out: list[str], place: int, target: str = "") -> str:
    """The register that holds an operand; instructions that load an immediate go to `out`."""
    if re.fullmatch("r[0-7]", text):
        return "x" + text[1]
    try:
        value = int(text.replace("_", ""), 0)
    except ValueError:
        raise _Bad(f"{text!r} is neither a register R0 to R7 nor a number") from None
    if not -(1 << 63) <= value < 1 << 64:
        raise _Bad(f"{text} does not fit in 64 bits")
    if value == 0 and not target:
        return "xzr"
    register = target or SCRATCH[place]
    out += _load(register, value & (1 << 64) - 1)
    return register


def _load(register: str, value: int) -> list[str]:
    """MOVZ or MOVN and MOVKs."""
    parts = [value >> 16 * k & 0xFFFF for k in range(4)]
    inverted = parts.count(0xFFFF) > parts.count(0)
    skip = 0xFFFF if inverted else 0
    places = [k for k in range(4) if parts[k] != skip] or [0]
    first = places[0]
    name = "movn" if inverted else "movz"
    start = f"{name} {register}, #{parts[first] ^ skip}"
    rest = [f"movk {register}, #{parts[k]}, lsl #{16 * k}" for k in places[1:]]
    return [f"{start}, lsl #{16 * first}", *rest]
