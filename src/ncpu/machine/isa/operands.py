"""The operand kinds of integer, control and memory instructions.

Each builder turns a `Slot` of a syntax string into an `Operand`; see `ncpu.machine.isa.syntax`.

  x w r            register 0-30 or zero register; `r` is W or X by the field sf
  x|sp w|sp r|sp   register 0-30 or stack pointer
  x+ w+            the register after the one in the field (CASP)
  rx:rm,option     register of an extension: X for UXTX, LSL and SXTX, else W
  rb:rt            register of TBZ: W when bit 5 of the position (field b5) is 0
  u i n            unsigned, signed, decimal immediate, times `*scale`; fields high to low
  u+ neg lsl width the field counts from 1; modulo the register size; shift; field width
  mask mask- mask! logical immediate: unsigned, signed, inverted
  wide widen       MOVZ and MOVN immediates as the value moved
  high minus       immediate of ADD shifted by 12; negated
  shift extended index   LSL..ROR; `, uxtw #2`; the same inside an address
  cond cond!       condition; inverted condition
  label page       pc-relative address, of bytes times `*scale` or of 4 KiB pages
  barrier sy prfop options of DMB and DSB; of ISB; of PRFM
  hidden           no text: fields that are fixed by convention
  size top same element   no text: equal to sf; the register's highest bit; equal to rn;
                   the element size in immh
"""

from __future__ import annotations

from collections.abc import Callable

from ncpu.machine.isa.immediates import EXPRESSION, IMMEDIATES, checked, number
from ncpu.machine.isa.syntax import (
    CONDITIONS,
    Builder,
    Context,
    Fields,
    Operand,
    OperandError,
    Slot,
)

_NAMES = {"lr": 30, "fp": 29, "ip0": 16, "ip1": 17}
_NUMBER = "(?:30|[12][0-9]|0?[0-9])"
_X, _W = rf"(?:x{_NUMBER}|xzr|lr|fp|ip[01])", rf"(?:w{_NUMBER}|wzr)"
GENERAL = f"{_X}|{_W}"
_X_SP, _W_SP = rf"(?:x{_NUMBER}|sp|lr|fp|ip[01])", rf"(?:w{_NUMBER}|wsp)"


# -- registers --------------------------------------------------------------------------


def register(index: int, letter: str, stack: bool = False) -> str:
    """The name of a general register."""
    if index != 31:
        return f"{letter}{index}"
    if stack:
        return "sp" if letter == "x" else "wsp"
    return f"{letter}zr"


def read_register(text: str) -> tuple[int, bool]:
    """(number, whether it is a 64-bit register) of a register's name."""
    name = text.lower()
    if name in _NAMES:
        return _NAMES[name], True
    if name in ("sp", "wsp", "xzr", "wzr"):
        return 31, name in ("sp", "xzr")
    return int(name[1:]), name[0] == "x"


def _label(slot: Slot, letter: str) -> str:
    return letter.upper() + slot.fields[0].removeprefix("r")


def _fixed(letter: str, stack: bool) -> Builder:
    def build(slot: Slot) -> Operand:
        (name,) = slot.fields
        regex = {"x": (_X, _X_SP), "w": (_W, _W_SP)}[letter][stack]
        return Operand(
            slot.fields,
            regex,
            lambda f, pc: register(f[name], letter, stack),
            lambda text, known, context: {name: read_register(text)[0]},
            _label(slot, letter) + ("|SP" if stack else ""),
        )

    return build


def _by_size(stack: bool) -> Builder:
    def build(slot: Slot) -> Operand:
        (name,) = slot.fields

        def read(text: str, known: Fields, context: Context) -> Fields:
            index, wide = read_register(text)
            return {name: index, "sf": int(wide)}

        return Operand(
            slot.fields,
            f"{_X_SP}|{_W_SP}" if stack else f"{_X}|{_W}",
            lambda f, pc: register(f[name], "wx"[f["sf"]], stack),
            read,
            _label(slot, "r") + ("|SP" if stack else ""),
        )

    return build


def _next(letter: str) -> Builder:
    def build(slot: Slot) -> Operand:
        (name,) = slot.fields

        def read(text: str, known: Fields, context: Context) -> Fields:
            if read_register(text)[0] != known[name] + 1:
                raise OperandError("the second register of a pair is the next after the first")
            return {}

        show = lambda f, pc: register(f[name] + 1, letter)  # noqa: E731
        return Operand((), _X if letter == "x" else _W, show, read, _label(slot, letter) + "+1")

    return build


def _takes_x(option: int, fields: Fields) -> bool:
    """Whether the register extended by `option` is an X register."""
    return option & 3 == 3 and fields.get("sf", 1) == 1


def _by_option(slot: Slot) -> Operand:
    name, option = slot.fields

    def read(text: str, known: Fields, context: Context) -> Fields:
        index, wide = read_register(text)
        return {name: index, "_wide": int(wide)}

    return Operand(
        (name,),
        f"{_X}|{_W}",
        lambda f, pc: register(f[name], "x" if _takes_x(f[option], f) else "w"),
        read,
        _label(slot, "r"),
    )


def _by_bit(slot: Slot) -> Operand:
    (name,) = slot.fields

    def read(text: str, known: Fields, context: Context) -> Fields:
        index, wide = read_register(text)
        return {name: index} if wide else {name: index, "b5": 0}

    show = lambda f, pc: register(f[name], "wx"[f["b5"]])  # noqa: E731
    return Operand((name,), f"{_X}|{_W}", show, read, _label(slot, "r"))


# -- shifts and extensions --------------------------------------------------------------


def choice(names: dict[int, str], label: str) -> Builder:
    """Builder of an operand that is one of `names`, by field value."""
    codes = {name: code for code, name in names.items()}

    def build(slot: Slot) -> Operand:
        return Operand(
            slot.fields,
            "|".join(sorted(map(str, codes), key=len, reverse=True)),
            lambda f, pc: names[slot.join(f)],
            lambda text, known, context: slot.split(codes[text.lower()]),
            label,
        )

    return build


_EXTENSIONS = {i: f"{'us'[i >> 2]}xt{'bhwx'[i & 3]}" for i in range(8)}
_EXTENSION_CODES = {name: code for code, name in _EXTENSIONS.items()}
_EXTENSION = rf"(?:\s*,\s*(?:lsl|[us]xt[bhwx])(?:\s*#?\s*{EXPRESSION})?)?"


def _split_extension(text: str, context: Context) -> tuple[str, int | None]:
    """`, uxtw #2` to its name ("" when there is none) and amount (None when not given)."""
    name, _, amount = text.lstrip(" ,").partition(" ")
    name, mark, rest = name.partition("#")
    amount = (rest if mark else amount).strip().removeprefix("#")
    return name.lower(), context.evaluate(amount) if amount else None


def _extension(name: str, known: Fields, plain: int) -> int:
    """The option field: `plain` for LSL and nothing; checked against the register read."""
    option = _EXTENSION_CODES.get(name, plain)
    wide = _takes_x(option, known)
    if wide != bool(known["_wide"]):
        needs = "an X register" if wide else "a W register"
        raise OperandError(f"{name or 'no extension'} needs {needs}")
    return option


def _extended(stack_target: bool) -> Builder:
    """`, uxtw #2` of ADD and SUB; LSL stands for UXTX (UXTW) where SP takes part."""

    def build(slot: Slot) -> Operand:
        def show(f: Fields, pc: int) -> str:
            name = _EXTENSIONS[f["option"]]
            stack = f["rn"] == 31 or (stack_target and f["rd"] == 31)
            if stack and f["option"] == 2 + f["sf"]:
                name = "lsl" if f["imm3"] else ""
            return (f", {name}" if name else "") + (f" #{f['imm3']}" if f["imm3"] else "")

        def read(text: str, known: Fields, context: Context) -> Fields:
            name, amount = _split_extension(text, context)
            if name == "lsl" and amount is None:
                raise OperandError("lsl needs an amount")
            option = _extension(name, known, 2 + known["sf"])
            return {"option": option, "imm3": checked(amount or 0, 0, 4, "the shift")}

        return Operand(slot.fields, _EXTENSION, show, read, "{, extend #n}")

    return build


def _index(slot: Slot) -> Operand:
    """`, lsl #3` or `, sxtw #3` of an address; the shift is 0 or that of the access."""
    shift = slot.scale.bit_length() - 1

    def show(f: Fields, pc: int) -> str:
        name = "lsl" if f["option"] == 3 else _EXTENSIONS[f["option"]]
        amount = f" #{shift}" if f["s"] else ""
        return "" if name == "lsl" and not amount else f", {name}{amount}"

    def read(text: str, known: Fields, context: Context) -> Fields:
        name, amount = _split_extension(text, context)
        option = _extension(name, known, 3)
        if not option & 2 or (name == "lsl" and amount is None):
            raise OperandError("an index is extended by uxtw, sxtw, sxtx or lsl #n")
        if amount not in (None, 0, shift):
            raise OperandError(f"the shift is 0 or {shift}, not {amount}")
        # Of bytes, #0 written out sets the bit that other sizes use for the shift.
        return {"option": option, "s": int(amount == shift)}

    return Operand(slot.fields, _EXTENSION, show, read, "{, extend #n}")


# -- conditions, addresses, options -----------------------------------------------------


def _condition(inverted: int) -> Builder:
    codes = {name: code for code, name in enumerate(CONDITIONS)} | {"cs": 2, "cc": 3}

    def build(slot: Slot) -> Operand:
        (name,) = slot.fields

        def read(text: str, known: Fields, context: Context) -> Fields:
            code = codes[text.lower()]
            if inverted and code >= 14:
                raise OperandError(f"{text} has no opposite")
            return {name: code ^ inverted}

        show = lambda f, pc: CONDITIONS[f[name] ^ inverted]  # noqa: E731
        return Operand(slot.fields, "|".join(codes), show, read, "cond")

    return build


def _address(page: int) -> Builder:
    """A pc-relative address in units of `scale` bytes from pc with `page` low bits cleared."""

    def build(slot: Slot) -> Operand:
        width, unit = slot.width, slot.scale << page
        reach = unit << width - 1

        def show(f: Fields, pc: int) -> str:
            value = slot.join(f)
            offset = (value - (1 << width) if value >> width - 1 else value) * unit
            return f"#{((pc >> page << page) + offset) & (1 << 64) - 1:#x}"

        def read(text: str, known: Fields, context: Context) -> Fields:
            offset = (context.evaluate(text) >> page << page) - (context.pc >> page << page)
            offset = (offset + (1 << 63) & (1 << 64) - 1) - (1 << 63)  # addresses wrap
            if offset % unit:
                raise OperandError(f"the target is {offset} bytes away, no multiple of {unit}")
            checked(offset, -reach, reach - unit, "the distance to the target")
            return slot.split(offset // unit)

        return Operand(slot.fields, rf"#?\s*{EXPRESSION}", show, read, "label")

    return build


def _named(names: dict[int, str], label: str) -> Builder:
    """A name by value, `#n` where the value has none."""
    codes = {name: code for code, name in names.items()}

    def build(slot: Slot) -> Operand:
        def show(f: Fields, pc: int) -> str:
            value = slot.join(f)
            return names.get(value, f"#{number(value)}")

        def read(text: str, known: Fields, context: Context) -> Fields:
            if text.lower() in codes:
                return slot.split(codes[text.lower()])
            value = context.evaluate(text.removeprefix("#"))
            return slot.split(checked(value, 0, (1 << slot.width) - 1, label))

        return Operand(slot.fields, rf"#?\s*{EXPRESSION}", show, read, label)

    return build


BARRIERS = {
    4 * domain + kind: name + ("ld", "st", "")[kind - 1]
    for domain, name in enumerate(("osh", "nsh", "ish", ""))
    for kind in (1, 2, 3)
} | {15: "sy"}
PREFETCHES = {
    8 * kind + 2 * level + stream: f"{name}l{level + 1}{('keep', 'strm')[stream]}"
    for kind, name in enumerate(("pld", "pli", "pst"))
    for level in range(3)
    for stream in range(2)
}


def _silent(value: Callable[[Fields], int] | None) -> Builder:
    """No text: the field is `value` of those already read, or stays at its default."""

    def build(slot: Slot) -> Operand:
        def read(text: str, known: Fields, context: Context) -> Fields:
            return {} if value is None else {slot.fields[0]: value(known)}

        return Operand(slot.fields, "", lambda f, pc: "", read, "")

    return build


KINDS: dict[str, Builder] = {
    **IMMEDIATES,
    "x": _fixed("x", stack=False),
    "w": _fixed("w", stack=False),
    "x|sp": _fixed("x", stack=True),
    "w|sp": _fixed("w", stack=True),
    "r": _by_size(stack=False),
    "r|sp": _by_size(stack=True),
    "x+": _next("x"),
    "w+": _next("w"),
    "rx": _by_option,
    "rb": _by_bit,
    "shift": choice({0: "lsl", 1: "lsr", 2: "asr", 3: "ror"}, "shift"),
    "extended": _extended(stack_target=False),
    "extended|sp": _extended(stack_target=True),
    "index": _index,
    "cond": _condition(0),
    "cond!": _condition(1),
    "label": _address(0),
    "page": _address(12),
    "barrier": _named(BARRIERS, "barrier"),
    "sy": _named({15: "sy"}, "barrier"),
    "prfop": _named(PREFETCHES, "prfop"),
    "hidden": _silent(None),
    "size": _silent(lambda known: known["sf"]),
    "top": _silent(lambda known: 63 if known["sf"] else 31),
    "same": _silent(lambda known: known["rn"]),
    "element": _silent(lambda known: 1 << known["_immh"]),
}
