"""The scalar meaning of operators Python has no word for; emitted programs carry the ones they use.

Every function is total: the table in `operators.py` names the result of the undefined cases.
"""

from __future__ import annotations


def _i64(value):
    return ((value + (1 << 63)) & ((1 << 64) - 1)) - (1 << 63)


def _div(a, b):
    return _i64(a // b) if b else 0


def _mod(a, b):
    return a % b if b else a


def _quot(a, b):
    return _i64(abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)) if b else 0


def _rem(a, b):
    return _i64(a - _quot(a, b) * b)


def _gcd(a, b):
    while b:
        a, b = b, a % b
    return _i64(abs(a))


def _pow(a, b):
    return _i64(pow(a, min(max(b, 0), 100000), 1 << 64))


def _signed(value, width):
    return value - (1 << width) if value >> (width - 1) else value


def _get(items, index):
    return items[index] if 0 <= index < len(items) else 0


def _slice(items, start, stop):
    return items[max(start, 0) : max(stop, 0)]


def _range(start, stop):
    return tuple(range(start, min(stop, start + 100000)))


def _digits(value, base):
    """Least significant first; the one digit of 0 is 0."""
    digits = []
    value = abs(value)
    while base > 1 and (value or not digits):
        digits.append(value % base)
        value //= base
    return tuple(digits)


def _bits(value, width):
    return tuple(value >> place & 1 for place in range(width))


def _index(items, value):
    return items.index(value) if value in items else -1


def _distinct(items):
    return tuple(dict.fromkeys(items))


def _sum(items):
    return _i64(sum(items))


def _largest(items):
    return max(items, default=0)


def _smallest(items):
    return min(items, default=0)


def _substr(text, start, length):
    return text[start : start + length] if 0 <= start < len(text) and length > 0 else ""


def _find(text, part, start):
    return text.find(part, start) if 0 <= start <= len(text) else -1


def _replace(text, old, new):
    return text.replace(old, new) if old else text


def _replace_first(text, old, new):
    return text.replace(old, new, 1)


def _field(text, separator, index):
    parts = text.split(separator) if separator else [text]
    return parts[index] if -len(parts) <= index < len(parts) else ""


def _to_int(text):
    return int(text) if text.isascii() and text.isdigit() and int(text) < 1 << 63 else -1


def _pad_left(text, fill, length):
    return fill * min(length - len(text), 10000) + text if len(fill) == 1 else text


def _repeat(text, count):
    return text * min(max(count, 0), 10000)


def _from_codes(items):
    return "".join(chr(code) if 0 <= code < 0x110000 else "" for code in items)


def _clz(value, width):
    return width - value.bit_length()


def _rbit(value, width):
    return int(format(value, f"0{width}b")[::-1], 2)


def _rev(value, width):
    return int.from_bytes(value.to_bytes(width // 8, "little"), "big")
