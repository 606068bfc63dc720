"""What every operation has to give: integer arithmetic of NumPy and Python."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Words = np.ndarray  # u64[cases], each below 2**width


def expected(name: str, a: Words, b: Words, carry: Words, width: int) -> Words:
    """The result of an operation of `ops.OPERATIONS` on integers."""
    return _ORACLES[name](a, b, carry, width) & _mask(width if name not in FLAGS else 4)


FLAGS = ("cmp", "cmn")


def _mask(width: int) -> np.uint64:
    return np.uint64((1 << width) - 1)


def _signed(x: Words, width: int) -> np.ndarray:
    unused = np.uint64(64 - width)
    return (x << unused).view(np.int64) >> np.int64(64 - width)


def _unsigned(x: np.ndarray) -> Words:
    return x.astype(np.int64).view(np.uint64)


def _flags(a: Words, b: Words, width: int, *, subtract: bool) -> Words:
    """NZCV of a + b or a - b in integers wider than the operands."""
    total = a - b if subtract else a + b
    result = total & _mask(width)
    carry = a >= b if subtract else result < a
    x, y, z = (_signed(value, width) for value in (a, b, result))
    # Out of range: the sum of operands of one sign (the difference of two) has the other.
    other = y < 0 if not subtract else y >= 0
    overflow = ((x < 0) == other) & ((z < 0) != (x < 0))
    nzcv = (z < 0, result == 0, carry, overflow)
    return np.packbits(np.array(nzcv), axis=0, bitorder="big")[0].astype(np.uint64) >> np.uint64(4)


def _upper(a: Words, b: Words, width: int, *, signed: bool) -> Words:
    """Python's integers where the product has more bits than NumPy's."""
    factors = (_signed(a, width), _signed(b, width)) if signed else (a, b)
    if width == 64:
        x, y = (factor.astype(object) for factor in factors)
        return (((x * y) >> 64) & ((1 << 64) - 1)).astype(np.uint64)
    product = factors[0] * factors[1]
    return (product >> product.dtype.type(width)).view(np.uint64)


def _quotient(a: Words, b: Words, width: int, *, signed: bool) -> Words:
    if not signed:
        return np.where(b == 0, np.uint64(0), a // np.where(b == 0, np.uint64(1), b))
    x, y = _signed(a, width), _signed(b, width)
    # Magnitudes without sign: that of the lowest integer has no signed form.
    size = np.where(x < 0, -x, x).view(np.uint64), np.where(y < 0, -y, y).view(np.uint64)
    quotient = _quotient(*size, width, signed=False)
    return np.where((x < 0) != (y < 0), np.uint64(0) - quotient, quotient)


def _shifted(kind: str) -> Callable[[Words, Words, Words, int], Words]:
    def shift(a: Words, b: Words, carry: Words, width: int) -> Words:
        n = b % np.uint64(width)
        if kind == "asr":
            return _unsigned(_signed(a, width) >> n.view(np.int64))
        if kind == "ror":
            back = (np.uint64(width) - n) % np.uint64(width)
            return a >> n | a << back
        return a << n if kind == "lsl" else a >> n

    return shift


_ORACLES: dict[str, Callable[[Words, Words, Words, int], Words]] = {
    "add": lambda a, b, c, w: a + b,
    "adc": lambda a, b, c, w: a + b + c,
    "sub": lambda a, b, c, w: a - b,
    "sbc": lambda a, b, c, w: a - b - np.uint64(1) + c,
    "cmn": lambda a, b, c, w: _flags(a, b, w, subtract=False),
    "cmp": lambda a, b, c, w: _flags(a, b, w, subtract=True),
    "mul": lambda a, b, c, w: a * b,
    "umulh": lambda a, b, c, w: _upper(a, b, w, signed=False),
    "smulh": lambda a, b, c, w: _upper(a, b, w, signed=True),
    "udiv": lambda a, b, c, w: _quotient(a, b, w, signed=False),
    "sdiv": lambda a, b, c, w: _quotient(a, b, w, signed=True),
    "and": lambda a, b, c, w: a & b,
    "or": lambda a, b, c, w: a | b,
    "xor": lambda a, b, c, w: a ^ b,
    "bic": lambda a, b, c, w: a & ~b,
    "not": lambda a, b, c, w: ~a,
    **{name: _shifted(name) for name in ("lsl", "lsr", "asr", "ror")},
}
