"""The toy instruction set: a small assembly language that lowers to A64.

Registers R0-R7 are x0-x7.  Instructions, one a line, with `,` between operands:

  MOV r, s   ADD SUB MUL DIV AND OR XOR SHL SHR r, s  (r = r op s)  or  r, a, b  (r = a op b)
  INC r   DEC r   CMP a, b   JMP JZ JNZ JS JNS label   HALT   NOP
  LOAD r, [s]   STORE [s], v

Sources are registers or immediates: decimal, 0x or 0b, any 64-bit value.  Labels end with
`:`, comments start with `;` or `#`, letter case is free.  Numbers are 64-bit and wrap; DIV
is signed, truncates, and gives 0 for a zero divisor as A64 has it; SHR shifts zeros in, and
shift amounts count modulo 64.  The flags that JZ, JNZ, JS and JNS test are those of the last
arithmetic, logical, shift or compare instruction; C and V are of no use here.

LOAD and STORE are an extension: a memory of 1,024 words, zero at the start and numbered from
0; an address counts modulo 1,024.  x9, x10 and x11 hold immediates and addresses on the way.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from ncpu.machine.asm import Assembled, assemble
from ncpu.machine.errors import AssemblyError

MEMORY_WORDS = 1024
HALTS = {"brk": ("brk #0",), "exit": ("mov x8, #93", "svc #0")}
SCRATCH = ("x9", "x10", "x11")

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
_ONE = {"inc": "add", "dec": "sub"}
# The operands of each form, a letter each; what the letters mean is in `_WORDS`.
_FORMS = {
    "mov": ("rs",),
    **dict.fromkeys(_BINARY, ("rs", "rss")),
    **dict.fromkeys(_ONE, ("r",)),
    "cmp": ("ss",),
    **dict.fromkeys(_JUMPS, ("l",)),
    "load": ("rm",),
    "store": ("ms",),
    "halt": ("",),
    "nop": ("",),
}
_WORDS = {"r": "r", "s": "source", "m": "[source]", "l": "label"}


@dataclass(frozen=True)
class Register:
    """R0 to R7 as an operand."""

    number: int


Source = Register | int


@dataclass(frozen=True)
class Instruction:
    """One parsed instruction, in the fewest shapes.

    `ADD r, s` is parsed as `ADD r, r, s`, INC and DEC as ADD and SUB of 1.

    Attributes:
      name: lower-case mnemonic.
      operands: registers, immediates as Python integers from -2**63 to 2**64 - 1, or the
        lower-case name of a label.  The address of LOAD and STORE is the source in brackets.
      line: its number in the source, from 1.
      text: as written, comment left out.
    """

    name: str
    operands: tuple[Source | str, ...]
    line: int
    text: str


@dataclass(frozen=True)
class Parsed:
    """A parsed program.

    Attributes:
      instructions: in the order of the source.
      labels: lower-case name to the index of the instruction that follows it.
    """

    instructions: tuple[Instruction, ...]
    labels: dict[str, int]


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


def parse(source: str) -> Parsed:
    """Toy source as instructions and labels.

    Raises:
      AssemblyError: with the line and what is accepted.

    >>> parse("loop: DEC R1").instructions[0].operands
    (Register(number=1), Register(number=1), 1)
    """
    statements: list[tuple[int, str]] = []
    labels: dict[str, int] = {}
    for number, line in enumerate(source.splitlines(), 1):
        rest = re.split("[;#]", line)[0].strip()
        while match := re.match(r"([A-Za-z_]\w*)\s*:\s*", rest):
            label = match[1].lower()
            if label in labels:
                raise _error(number, line, f"label {match[1]!r} is already defined")
            labels[label] = len(statements)
            rest = rest[match.end() :]
        if rest:
            statements.append((number, rest))
    instructions: list[Instruction] = []
    for number, text in statements:
        try:
            instructions.append(Instruction(*_instruction(text, labels), number, text))
        except _Bad as reason:
            raise _error(number, text, str(reason)) from None
    return Parsed(tuple(instructions), labels)


def _error(number: int, line: str, reason: str) -> AssemblyError:
    return AssemblyError(f"line {number}: {line.strip()}\n  {reason}")


def _instruction(text: str, labels: dict[str, int]) -> tuple[str, tuple[Source | str, ...]]:
    name, *rest = text.lower().split(None, 1)
    parts = [part.strip() for part in rest[0].split(",")] if rest else []
    if name not in _FORMS:
        close = difflib.get_close_matches(name, _FORMS, 3, 0.5)
        known = ", ".join(form.upper() for form in close or _FORMS)
        raise _Bad(
            f"unknown instruction {name.upper()}; {'close' if close else 'known'} are {known}"
        )
    form = next((form for form in _FORMS[name] if len(form) == len(parts)), None)
    if form is None:
        accepted = (", ".join(_WORDS[kind] for kind in form) for form in _FORMS[name])
        raise _Bad(
            "accepted: " + " or ".join(f"{name.upper()} {text}".strip() for text in accepted)
        )
    operands = tuple(_operand(kind, part, labels) for kind, part in zip(form, parts, strict=True))
    if form == "rs" and name in _BINARY:
        return name, (operands[0], *operands)
    if name in _ONE:
        return _ONE[name], (operands[0], operands[0], 1)
    return name, operands


def _operand(kind: str, text: str, labels: dict[str, int]) -> Source | str:
    """One operand of the kind that a letter of `_FORMS` names."""
    if kind == "l":
        if text in labels:
            return text
        close = difflib.get_close_matches(text, labels, 3, 0.5)
        hint = f"; close are {', '.join(close)}" if close else ""
        raise _Bad(f"there is no label {text!r}{hint}")
    if kind == "m":
        if not (match := re.fullmatch(r"\[\s*(.*?)\s*\]", text)):
            raise _Bad(f"{text!r} is no memory word; accepted: [register] or [number]")
        text = match[1]
    if re.fullmatch("r[0-7]", text):
        return Register(int(text[1]))
    if kind == "r":
        raise _Bad(f"{text!r} is no register; there are R0 to R7")
    try:
        value = int(text.replace("_", ""), 0)
    except ValueError:
        raise _Bad(f"{text!r} is neither a register R0 to R7 nor a number") from None
    if not -(1 << 63) <= value < 1 << 64:
        raise _Bad(f"{text} does not fit in 64 bits")
    return value


def lower(source: str, halt: str = "brk") -> str:
    """Toy source as A64 assembly text, each instruction under a comment with its line."""
    if halt not in HALTS:
        raise ValueError(f"halt is one of {', '.join(HALTS)}, not {halt!r}")
    parsed = parse(source)
    out: list[str] = []
    for index, instruction in enumerate(parsed.instructions):
        out += [f"toy_{name}:" for name, at in parsed.labels.items() if at == index]
        out.append(f"  // {instruction.text}")
        out += ["  " + text for text in _lower(instruction, halt)]
    end = len(parsed.instructions)
    out += [f"toy_{name}:" for name, at in parsed.labels.items() if at == end]
    out += ["  " + text for text in HALTS[halt]]
    if any(i.name in ("load", "store") for i in parsed.instructions):
        out += [".bss", f"toy_memory: .skip {8 * MEMORY_WORDS}"]
    return "\n".join([*out, ""])


def _lower(instruction: Instruction, halt: str) -> list[str]:
    match instruction.name, instruction.operands:
        case "nop", _:
            return ["nop"]
        case "halt", _:
            return [*HALTS[halt]]
        case "mov", (Register(number), Register(other)):
            return [f"mov x{number}, x{other}"]
        case "mov", (Register(number), int(value)):
            return _immediate(f"x{number}", value)
        case "load", (Register(number), (Register() | int()) as address):
            out, place = _address(address)
            return [*out, f"ldr x{number}, {place}"]
        case "store", ((Register() | int()) as address, (Register() | int()) as value):
            out, place = _address(address)
            register = _source(value, out, SCRATCH[2])
            return [*out, f"str {register}, {place}"]
        case name, (str(label),):
            return [f"{_JUMPS[name]} toy_{label}"]
        case name, (*target, (Register() | int()) as left, (Register() | int()) as right):
            return _computation(name, target, left, right)
    raise AssertionError(instruction)


def _computation(name: str, target: list, left: Source, right: Source) -> list[str]:
    """A CMP, which has no target, or an operation of `_BINARY`."""
    out: list[str] = []
    first = _source(left, out, SCRATCH[0])
    # ADDS, SUBS and CMP hold 12 bits, but not beside XZR: register 31 is SP there.
    short = name in ("add", "sub", "cmp") and isinstance(left, Register)
    if short and isinstance(right, int) and 0 <= right < 1 << 12:
        second = f"#{right}"
    else:
        second = _source(right, out, SCRATCH[1])
    if name == "cmp":
        return [*out, f"cmp {first}, {second}"]
    result = f"x{target[0].number}"
    out.append(f"{_BINARY[name]} {result}, {first}, {second}")
    if name not in ("add", "sub", "and"):
        out.append(f"tst {result}, {result}")
    return out


def _address(address: Source) -> tuple[list[str], str]:
    """What prepares the address of a memory word, and how the transfer names it."""
    out = [f"adr {SCRATCH[1]}, toy_memory"]
    if isinstance(address, int):
        return out, f"[{SCRATCH[1]}, #{address % MEMORY_WORDS * 8}]"
    out.append(f"and {SCRATCH[0]}, x{address.number}, #{MEMORY_WORDS - 1}")
    return out, f"[{SCRATCH[1]}, {SCRATCH[0]}, lsl #3]"


def _source(source: Source, out: list[str], scratch: str) -> str:
    """The register that holds an operand; instructions that load an immediate go to `out`."""
    if isinstance(source, Register):
        return f"x{source.number}"
    if source == 0:
        return "xzr"
    out += _immediate(scratch, source)
    return scratch


def _immediate(register: str, value: int) -> list[str]:
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
