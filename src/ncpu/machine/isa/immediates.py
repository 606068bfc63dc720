"""Immediate operands: numbers, bitfield positions, logical and move-wide immediates."""

from __future__ import annotations

from typing import Any

from ncpu.machine.isa.syntax import Builder, Context, Fields, Operand, OperandError, Slot

# Expressions: anything that is no punctuation of the operand syntax and no register.
REGISTER = r"(?:[wx](?:\d+|zr)|w?sp)\b"
EXPRESSION = rf"(?!{REGISTER})[^\s,\[\]{{}}!][^,\[\]{{}}!]*"


def number(value: int) -> str:
    """An immediate as disassemblers print it: decimal up to 9, hexadecimal beyond."""
    return str(value) if -10 < value < 10 else hex(value)


def size(fields: Fields) -> int:
    """Bits of the general registers."""
    return 64 if fields.get("sf", 1) else 32


def checked(value: int, low: int, high: int, what: str) -> int:
    """`value` if it is in [low, high].

    Raises:
      OperandError: it is not.
    """
    if not low <= value <= high:
        raise OperandError(f"{what} is {low} to {high}, not {value}")
    return value


def _immediate(signed: bool, text: Any = number) -> Builder:
    def build(slot: Slot) -> Operand:
        what, width, scale = "".join(slot.fields), slot.width, slot.scale
        low = -(1 << width - 1) if signed else 0

        def show(f: Fields, pc: int) -> str:
            value = slot.join(f)
            if signed and value >> width - 1:
                value -= 1 << width
            return text(value * scale)

        def read(text: str, known: Fields, context: Context) -> Fields:
            value = context.evaluate(text)
            checked(value, low * scale, (low + (1 << width) - 1) * scale, what)
            if value % scale:
                raise OperandError(f"{what} is a multiple of {scale}, not {value}")
            return slot.split(value // scale)

        label = str(scale) if scale > 1 and width == 1 else what
        return Operand(slot.fields, EXPRESSION, show, read, label)

    return build


def computed(show: Any, read: Any, label: str, text: Any = number) -> Builder:
    """Builder of an immediate operand.

    Args:
      show: (fields, register size, slot) to the number printed.
      read: (number, known fields, register size, slot) to fields; may raise `OperandError`.
      label: what it is called in messages.
      text: the number to text.
    """

    def build(slot: Slot) -> Operand:
        return Operand(
            slot.fields,
            EXPRESSION,
            lambda f, pc: text(show(f, size(f), slot)),
            lambda given, known, c: read(c.evaluate(given), known, size(known), slot),
            label,
        )

    return build


def _read_negated(value: int, known: Fields, bits: int, slot: Slot) -> Fields:
    return {"immr": -checked(value, 0, bits - 1, "the lowest bit") % bits}


def _read_shift(value: int, known: Fields, bits: int, slot: Slot) -> Fields:
    checked(value, 0, bits - 1, "the shift")
    return {"immr": -value % bits, "imms": bits - 1 - value}


def _read_width(value: int, known: Fields, bits: int, slot: Slot) -> Fields:
    return {"imms": known["immr"] + checked(value, 1, bits - known["immr"], "the width") - 1}


def _read_count(value: int, known: Fields, bits: int, slot: Slot) -> Fields:
    low = -known.get("immr", 0) % bits
    return slot.split(checked(value, 1, bits - low, "the width") - 1)


def encode_bitmask(value: int, bits: int) -> tuple[int, int, int] | None:
    """(n, immr, imms) of a logical immediate, None where there is none: inverse of
    `ncpu.machine.isa.lowering.bitmask_immediate`, immr reduced modulo the element size."""
    full = (1 << bits) - 1
    if not 0 < value < full:
        return None
    element = bits
    while element > 2 and not (value ^ value >> element // 2) & ((1 << element // 2) - 1):
        element //= 2
        value &= (1 << element) - 1
    ones = value.bit_count()
    run, all_ones = (1 << ones) - 1, (1 << element) - 1
    for rotate in range(element):
        if (run >> rotate | run << element - rotate) & all_ones == value:
            return int(element == 64), rotate, (-2 * element & 0x3F) | (ones - 1)
    return None


def decode_bitmask(n: int, immr: int, imms: int, bits: int) -> int:
    """The value of an allocated logical immediate."""
    element = 1 << ((n << 6) | (~imms & 0x3F)).bit_length() - 1
    run, rotate = (1 << (imms & element - 1) + 1) - 1, immr & element - 1
    value = (run >> rotate | run << element - rotate) & ((1 << element) - 1)
    return sum(value << at for at in range(0, bits, element))


def as_unsigned(value: int, bits: int) -> int:
    """A number of either sign as `bits` bits.

    Raises:
      OperandError: it has more bits than that.
    """
    return checked(value, -(1 << bits - 1), (1 << bits) - 1, "the value") & ((1 << bits) - 1)


def _show_mask(f: Fields, bits: int, slot: Slot) -> int:
    return decode_bitmask(f["n"], f["immr"], f["imms"], bits)


def _read_mask(value: int, known: Fields, bits: int, slot: Slot) -> Fields:
    found = encode_bitmask(as_unsigned(value, bits), bits)
    if found is None:
        raise OperandError(
            f"{value:#x} is not a logical immediate: a rotated run of ones, "
            "repeated every 2, 4, 8, 16, 32 or 64 bits"
        )
    return dict(zip(("n", "immr", "imms"), found, strict=True))


def _show_signed_mask(f: Fields, bits: int, slot: Slot) -> int:
    return signed(_show_mask(f, bits, slot), bits)


def signed(value: int, bits: int) -> int:
    """`bits` bits as two's complement."""
    return value - (1 << bits) if value >> bits - 1 else value


def _show_wide(f: Fields, bits: int, slot: Slot) -> int:
    return signed(f["imm16"] << 16 * f["hw"], bits)


def _show_wide_inverted(f: Fields, bits: int, slot: Slot) -> int:
    return signed(~(f["imm16"] << 16 * f["hw"]) & (1 << bits) - 1, bits)


def _read_wide(value: int, known: Fields, bits: int, slot: Slot) -> Fields:
    value = as_unsigned(value, bits)
    for hw in range(bits // 16):
        if not value & ~(0xFFFF << 16 * hw):
            return {"imm16": value >> 16 * hw, "hw": hw}
    raise OperandError(f"{value:#x} is not one MOV: no 16 bits with zeros or ones around, no mask")


def _read_wide_inverted(value: int, known: Fields, bits: int, slot: Slot) -> Fields:
    return _read_wide(as_unsigned(value, bits) ^ ((1 << bits) - 1), known, bits, slot)


def _read_inverted_mask(value: int, known: Fields, bits: int, slot: Slot) -> Fields:
    return _read_mask(~value & (1 << bits) - 1, known, bits, slot)


def _read_high(value: int, known: Fields, bits: int, slot: Slot) -> Fields:
    if not 0 < value <= 0xFFF000 or value & 0xFFF:
        raise OperandError(f"imm12 is 0 to 4095, or such a number times 4096, not {value}")
    return {"imm12": value >> 12, "sh": 1}


def _read_minus(value: int, known: Fields, bits: int, slot: Slot) -> Fields:
    if -4096 < value < 0:
        return {"imm12": -value, "sh": 0}
    return _read_high(-value, known, bits, slot)


def _show_high(f: Fields, bits: int, slot: Slot) -> int:
    return f["imm12"] << 12 * f["sh"]


IMMEDIATES: dict[str, Builder] = {
    "u": _immediate(signed=False),
    "i": _immediate(signed=True),
    "n": _immediate(signed=False, text=str),
    "u+": computed(lambda f, bits, slot: slot.join(f) + 1, _read_count, "width"),
    "neg": computed(lambda f, bits, slot: -f["immr"] % bits, _read_negated, "lsb"),
    "lsl": computed(lambda f, bits, slot: bits - 1 - f["imms"], _read_shift, "shift"),
    "width": computed(lambda f, bits, slot: f["imms"] - f["immr"] + 1, _read_width, "width"),
    "mask": computed(_show_mask, _read_mask, "mask"),
    "mask-": computed(_show_signed_mask, _read_mask, "mask"),
    "mask!": computed(lambda *a: ~_show_mask(*a), _read_inverted_mask, "mask"),
    "high": computed(_show_high, _read_high, "imm"),
    "minus": computed(lambda *a: -_show_high(*a), _read_minus, "imm"),
    "wide": computed(_show_wide, _read_wide, "imm"),
    "widen": computed(_show_wide_inverted, _read_wide_inverted, "imm"),
}
