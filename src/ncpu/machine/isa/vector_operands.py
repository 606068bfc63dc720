"""The operand kinds of floating-point and vector instructions.

What an operand holds is written as a dotted spec, `{v.size:rd}`: where the element's size
is (log2 of its bytes), then how much of the register is used.

  size sz type 0..4   field holding the size, or the size itself (0 B .. 4 Q); `+n` adds to a
                      field; `type` is that of scalar floating point; `immh` and `imm5` hold
                      it as their highest and lowest set bit
  (nothing) ! - p     64 or 128 bits by the field q; always 128; always 64; two elements

  v.spec              vector, `v1.4s`
  f.spec              scalar, `s1`; b h s d q: of one size
  e.spec              element, `v1.s[2]`, its index in the field named behind the register,
                      in imm5, or in h:l:m of multiplications by element
  listN.spec          N consecutive vectors, `{v1.4s, v2.4s}`
  laneN.size          one element of N vectors, `{v1.s, v2.s}[2]`, index in q, s and size
  wx.imm5 wx.q        general register, X for D elements or when q is 1
  dv                  `d1` or `v1.2d` by q
  fp8 bytes msl       FMOV's immediate, `#1.5`; a bit for each byte; MSL's 8 or 16
  left right          shift amounts in immh:immb
  fbits esize         fraction bits, counted down from the field's range; the element's size
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ncpu.machine.isa.immediates import EXPRESSION, as_unsigned, checked, computed, number
from ncpu.machine.isa.operands import GENERAL, read_register, register
from ncpu.machine.isa.syntax import Builder, Context, Fields, Operand, OperandError, Slot

_VREG = "(?:3[01]|[12][0-9]|0?[0-9])"
_LETTERS = "bhsdq"
_TYPES = {2: 0, 3: 1, 1: 3}  # log2 of the bytes to the field `type`


PAIR = 2


@dataclass(frozen=True)
class Shape:
    """A spec: which element size and how many elements an operand has.

    Attributes:
      source: the field of the size, or "" for the constant.
      offset: added to the field, or the constant.
      full: 1 always 128 bits, 0 always 64, PAIR two elements, None by the field q.
    """

    source: str
    offset: int
    full: int | None

    @classmethod
    def of(cls, spec: str) -> Shape:
        """The shape that a spec describes."""
        match = re.fullmatch(r"(\d|[a-z]+5?)(?:\+(\d))?([!p-]?)", spec)
        if match is None:
            raise ValueError(f"{spec!r} is no element size")
        full = {"": None, "!": 1, "-": 0, "p": PAIR}[match[3]]
        if match[1].isdigit():
            return cls("", int(match[1]), full)
        return cls(match[1], int(match[2] or 0), full)

    def element(self, f: Fields) -> int:
        """Log2 of the element's bytes."""
        if not self.source:
            return self.offset
        value = f[self.source]
        if self.source in ("type", "opc"):
            return {code: size for size, code in _TYPES.items()}[value] + self.offset
        if self.source == "immh":
            return value.bit_length() - 1 + self.offset
        if self.source == "imm5":
            return (value & -value).bit_length() - 1 + self.offset
        return value + self.offset

    def arrangement(self, f: Fields) -> str:
        """`4s`."""
        element = self.element(f)
        full = f["q"] if self.full is None else self.full
        if full == PAIR:
            return f"2{_LETTERS[element]}"
        return f"{8 << full >> element}{_LETTERS[element]}"

    def fields(self, element: int, known: Fields, slot: Slot) -> Fields:
        """The fields of an element size that was read."""
        if not self.source:
            if element != self.offset:
                raise OperandError(f"elements are {_LETTERS[self.offset].upper()} here")
            return {}
        value = element - self.offset
        if self.source in ("immh", "imm5"):
            return {"_" + self.source: value}
        if self.source in ("type", "opc"):
            if value not in _TYPES:
                raise OperandError("a floating-point register is H, S or D")
            return {self.source: _TYPES[value]}
        width = slot.places[self.source][1]
        if not 0 <= value < 1 << width:
            raise OperandError(f"elements of {_LETTERS[element].upper()} are not possible here")
        return {self.source: value}

    def read(self, text: str, known: Fields, slot: Slot) -> Fields:
        """The fields of an arrangement `4s`."""
        element = _LETTERS.index(text[-1])
        bits = int(text[:-1]) * 8 << element
        if self.full == PAIR:
            if text[:-1] != "2":
                raise OperandError(f"two elements are needed, not {text}")
            return self.fields(element, known, slot)
        if bits not in (64, 128):
            raise OperandError(f"{text} is neither 64 nor 128 bits")
        full = int(bits == 128)
        if self.full is not None:
            if full != self.full:
                raise OperandError(f"{text} is {bits} bits, {64 << self.full} are needed")
            return self.fields(element, known, slot)
        return {"q": full, **self.fields(element, known, slot)}


def _shape(slot: Slot) -> Shape:
    return Shape.of(slot.kind.partition(".")[2])


def _label(slot: Slot, rest: str) -> str:
    return "V" + slot.fields[0].removeprefix("r") + rest


def _vector(slot: Slot) -> Operand:
    (name,) = slot.fields
    shape = _shape(slot)

    def read(text: str, known: Fields, context: Context) -> Fields:
        register, arrangement = text.lower().split(".")
        return {name: int(register[1:]), **shape.read(arrangement, known, slot)}

    return Operand(
        slot.fields,
        rf"v{_VREG}\.(?:[0-9]+[bhsdq])",
        lambda f, pc: f"v{f[name]}.{shape.arrangement(f)}",
        read,
        _label(slot, ".T"),
    )


def _scalar(slot: Slot) -> Operand:
    (name,) = slot.fields
    fixed = slot.kind in _LETTERS
    shape = Shape("", _LETTERS.index(slot.kind), 1) if fixed else _shape(slot)

    def read(text: str, known: Fields, context: Context) -> Fields:
        element = _LETTERS.index(text[0].lower())
        return {name: int(text[1:]), **shape.fields(element, known, slot)}

    letters = slot.kind if fixed else "[bhsdq]"
    label = slot.kind.upper() if fixed else "F"
    show = lambda f, pc: f"{_LETTERS[shape.element(f)]}{f[name]}"  # noqa: E731
    return Operand(slot.fields, letters + _VREG, show, read, label + name.removeprefix("r"))


def _index_fields(element: int, index: int, slot: Slot) -> Fields:
    """Fields of an element index: imm5, a field of its own, or h:l:m by size."""
    checked(index, 0, (16 >> element) - 1, "the element")
    if len(slot.fields) > 1:
        field = slot.fields[1]
        width = slot.places[field][1]
        return {field: (index << (width - 4 + element)) if field == "imm4" else index}
    if "imm5" in slot.places:
        return {"imm5": (2 * index + 1) << element}
    if element == 1:
        return {"h": index >> 2, "l": index >> 1 & 1, "m": index & 1}
    if element == 2:
        return {"h": index >> 1, "l": index & 1}
    return {"h": index, "l": 0}


def _index_of(f: Fields, element: int, slot: Slot) -> int:
    if len(slot.fields) > 1:
        field = slot.fields[1]
        return f[field] >> element if field == "imm4" else f[field]
    if "imm5" in f:
        return f["imm5"] >> element + 1
    if element == 1:
        return f["h"] << 2 | f["l"] << 1 | f["m"]
    return f["h"] << 1 | f["l"] if element == 2 else f["h"]


def _element(slot: Slot) -> Operand:
    name, shape = slot.fields[0], _shape(slot)
    pattern = re.compile(rf"v({_VREG})\.([bhsd])\[\s*#?\s*(.+?)\s*\]", re.IGNORECASE)

    def show(f: Fields, pc: int) -> str:
        element = shape.element(f)
        return f"v{f[name]}.{_LETTERS[element]}[{number(_index_of(f, element, slot))}]"

    def read(text: str, known: Fields, context: Context) -> Fields:
        match = pattern.fullmatch(text)
        assert match is not None
        element = _LETTERS.index(match[2].lower())
        # H elements of multiplications leave four bits for the register's number.
        top = (1 << slot.places[name][1]) - 1
        register = checked(int(match[1]), 0, top, "the register's number")
        out = {name: register, **_index_fields(element, context.evaluate(match[3]), slot)}
        return {**out, **shape.fields(element, known, slot)}

    regex = rf"v{_VREG}\.[bhsd]\[[^\]]+\]"
    return Operand(slot.fields, regex, show, read, _label(slot, ".Ts[i]"))


def _read_list(text: str, count: int) -> tuple[int, str]:
    """(first register, arrangement) of `{v1.4s, v2.4s}` or `{v1.4s-v2.4s}`."""
    inner = text.strip()[1 : text.rstrip().rindex("}")].lower()
    names = [piece.strip() for piece in re.split("[,-]", inner)]
    registers = [int(name.split(".")[0][1:]) for name in names]
    arrangements = {name.split(".")[1] for name in names}
    first = registers[0]
    if "-" in inner:
        registers = [(first + k) % 32 for k in range((registers[-1] - first) % 32 + 1)]
    if registers != [(first + k) % 32 for k in range(count)] or len(arrangements) != 1:
        raise OperandError(f"a list here is {count} consecutive registers of one arrangement")
    return first, arrangements.pop()


def _list(count: int) -> Builder:
    regex = rf"\{{\s*v{_VREG}\.\d+[bhsdq]\s*(?:[,-]\s*v{_VREG}\.\d+[bhsdq]\s*)*\}}"

    def build(slot: Slot) -> Operand:
        (name,) = slot.fields
        shape = _shape(slot)

        def show(f: Fields, pc: int) -> str:
            each = (f"v{(f[name] + k) % 32}.{shape.arrangement(f)}" for k in range(count))
            return f"{{{', '.join(each)}}}"

        def read(text: str, known: Fields, context: Context) -> Fields:
            first, arrangement = _read_list(text, count)
            return {name: first, **shape.read(arrangement, known, slot)}

        return Operand(slot.fields, regex, show, read, "{" + "V, " * (count - 1) + "Vt.T}")

    return build


def _lane(count: int) -> Builder:
    regex = rf"\{{\s*v{_VREG}\.[bhsd]\s*(?:[,-]\s*v{_VREG}\.[bhsd]\s*)*\}}\s*\[[^\]]+\]"

    def build(slot: Slot) -> Operand:
        (name,) = slot.fields
        element = int(slot.kind.partition(".")[2])

        def show(f: Fields, pc: int) -> str:
            index = (f["q"] << 3 | f.get("s", 0) << 2 | f.get("size", 0)) >> element
            each = (f"v{(f[name] + k) % 32}.{_LETTERS[element]}" for k in range(count))
            return f"{{{', '.join(each)}}}[{number(index)}]"

        def read(text: str, known: Fields, context: Context) -> Fields:
            body, _, index = text.rpartition("[")
            first, letter = _read_list(body, count)
            if letter != _LETTERS[element]:
                raise OperandError(f"elements are {_LETTERS[element].upper()} here")
            at = checked(
                context.evaluate(index.strip(" #]")), 0, (16 >> element) - 1, "the element"
            )
            at = at << element | (1 if element == 3 else 0)
            return {name: first, "q": at >> 3, "s": at >> 2 & 1, "size": at & 3}

        return Operand(slot.fields, regex, show, read, "{" + "V, " * (count - 1) + "Vt.Ts}[i]")

    return build


# -- immediates -------------------------------------------------------------------------


def fp8(value: int) -> float:
    """The number that an 8-bit floating-point immediate stands for (VFPExpandImm)."""
    sign, exponent = value >> 7, (value >> 4 & 7 ^ 4) - 3
    return (-1.0 if sign else 1.0) * (16 + (value & 15)) / 16 * 2.0**exponent


_FP8 = {fp8(value): value for value in range(256)}


def _float(slot: Slot) -> Operand:
    def read(text: str, known: Fields, context: Context) -> Fields:
        value = float(text)
        if value not in _FP8:
            raise OperandError(f"{value} is not n/16 times a power of two from 1/8 to 31")
        return slot.split(_FP8[value])

    regex = r"[+-]?\d+(?:\.\d*)?(?:e[+-]?\d+)?"
    show = lambda f, pc: f"{fp8(slot.join(f)):.8f}"  # noqa: E731
    return Operand(slot.fields, regex, show, read, "float")


def _shift_amount(left: bool) -> Builder:
    """A shift in immh:immb, whose highest bit is the element's size."""

    def build(slot: Slot) -> Operand:
        def show(f: Fields, pc: int) -> str:
            value, bits = f["immh"] << 3 | f["immb"], 8 << f["immh"].bit_length() - 1
            return number(value - bits if left else 2 * bits - value)

        def read(text: str, known: Fields, context: Context) -> Fields:
            bits, amount = 8 << known["_immh"], context.evaluate(text)
            checked(amount, *((0, bits - 1) if left else (1, bits)), "the shift")
            value = bits + amount if left else 2 * bits - amount
            return {"immh": value >> 3, "immb": value & 7}

        return Operand(("immh", "immb"), EXPRESSION, show, read, "shift")

    return build


def _counted_down(value: int, known: Fields, bits: int, slot: Slot) -> Fields:
    top = 1 << slot.width
    most = 32 if slot.fields == ("scale",) and not known["sf"] else top
    return slot.split(top - checked(value, 1, most, "the number of fraction bits"))


def _read_bytes(value: int, known: Fields, bits: int, slot: Slot) -> Fields:
    each = as_unsigned(value, 64).to_bytes(8, "little")
    if not set(each) <= {0, 255}:
        raise OperandError(f"each byte of {value:#x} must be 0x00 or 0xff")
    return slot.split(sum((byte & 1) << k for k, byte in enumerate(each)))


def _show_bytes(f: Fields, bits: int, slot: Slot) -> int:
    return sum(0xFF << 8 * k for k in range(8) if slot.join(f) >> k & 1)


def _read_element_size(value: int, known: Fields, bits: int, slot: Slot) -> Fields:
    checked(value, 8 << known["size"], 8 << known["size"], "the shift")
    return {}


def _read_msl(value: int, known: Fields, bits: int, slot: Slot) -> Fields:
    if value not in (8, 16):
        raise OperandError(f"MSL shifts by 8 or 16, not {value}")
    return slot.split(value // 8 - 1)


def _general(slot: Slot) -> Operand:
    (name,) = slot.fields
    by_q = slot.kind == "wx.q"

    def wide(f: Fields) -> bool:
        return bool(f["q"] if by_q else f["imm5"] & 15 == 8)

    def read(text: str, known: Fields, context: Context) -> Fields:
        index, is_wide = read_register(text)
        if by_q:
            return {name: index, "q": int(is_wide)}
        imm5 = known.get("imm5", 1 << known["_imm5"])
        if is_wide != (known["_imm5"] == 3):
            raise OperandError("D elements need an X register, the others a W register")
        return {name: index, "imm5": imm5}

    show = lambda f, pc: register(f[name], "wx"[wide(f)])  # noqa: E731
    return Operand(slot.fields, GENERAL, show, read, "R" + name.removeprefix("r"))


def _d_or_vector(slot: Slot) -> Operand:
    (name,) = slot.fields

    def read(text: str, known: Fields, context: Context) -> Fields:
        return {name: int(text[1:].split(".")[0]), "q": int("." in text)}

    show = lambda f, pc: f"v{f[name]}.2d" if f["q"] else f"d{f[name]}"  # noqa: E731
    return Operand(slot.fields, rf"d{_VREG}|v{_VREG}\.2d", show, read, "Dd|Vd.2D")


VECTORS: dict[str, Builder] = {
    "wx": _general,
    "dv": _d_or_vector,
    "fbits": computed(
        lambda f, bits, slot: (1 << slot.width) - slot.join(f), _counted_down, "fbits"
    ),
    "bytes": computed(_show_bytes, _read_bytes, "imm64"),
    "esize": computed(lambda f, bits, slot: 8 << f["size"], _read_element_size, "size", str),
    "msl": computed(lambda f, bits, slot: 8 << f["shift"], _read_msl, "8|16", str),
    "v": _vector,
    "f": _scalar,
    **dict.fromkeys(_LETTERS, _scalar),
    "e": _element,
    **{f"list{n}": _list(n) for n in (1, 2, 3, 4)},
    **{f"lane{n}": _lane(n) for n in (1, 2, 3, 4)},
    "fp8": _float,
    "left": _shift_amount(left=True),
    "right": _shift_amount(left=False),
}
