"""Operations on all operands that there are, at 8 and 16 bits."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from ncpu.neural_alu import circuits, ops, sliced
from ncpu.neural_alu.alu import AtEachPosition
from ncpu.neural_alu.certify.certificate import CertificationError, Sweep
from ncpu.neural_alu.certify.vectors import apply, compare, through
from ncpu.neural_alu.measured import Measured
from ncpu.neural_alu.planes import Networks
from ncpu.neural_alu.sliced import SlicedWires

Report = Callable[[str], None]
WORDS = 1 << 16  # 16-bit words
SHIFTS = ("lsl", "lsr", "asr", "ror")
ROUNDS = 2  # shift amounts up to this many times the width: they count modulo the width


def sweep_bytes(measured: Measured, networks: Networks | None, report: Report) -> tuple[Sweep, ...]:
    """Every 8-bit operation on every pair of operands (and both carries, where it has one).

    Args:
      measured: answers of the cells, for sliced wires.
      networks: the cells, to run at every bit position as well; None to leave that out.
      report: called after each operation.
    """
    wires = SlicedWires(measured)
    b, a = (x.ravel() for x in np.meshgrid(*[np.arange(256, dtype=np.uint64)] * 2))
    out = []
    for name, known in ops.OPERATIONS.items():
        carries = (0, 1) if known.carry else (0,)
        for kind in ("sliced", "planes") if networks else ("sliced",):
            start = time.perf_counter()
            for carry in carries:
                given = (a, b, np.full(a.shape, carry, np.uint64))
                if kind == "sliced":
                    found = apply(wires, name, 8, *given)
                else:
                    found = through(AtEachPosition(networks or {}), name, 8, *given)
                compare(kind, name, 8, given, found)
            seconds = time.perf_counter() - start
            out.append(Sweep(name, 8, len(carries) * len(a), True, kind, round(seconds, 3)))
        report(f"{name}, 8 bits: all {len(carries) * len(a):,} operands")
    return tuple(out)


def sweep_shifts(measured: Measured, report: Report) -> tuple[Sweep, ...]:
    """Every 16-bit shift of every word by every amount, twice around."""
    wires = SlicedWires(measured)
    words = np.arange(WORDS, dtype=np.uint64)
    out = []
    for name in SHIFTS:
        start = time.perf_counter()
        for amount in range(16 * ROUNDS):
            given = (words, np.full(WORDS, amount, np.uint64), np.zeros(WORDS, np.uint64))
            compare("sliced", name, 16, given, apply(wires, name, 16, *given))
        seconds = time.perf_counter() - start
        out.append(Sweep(name, 16, 16 * ROUNDS * WORDS, True, "sliced", round(seconds, 3)))
    report(f"16-bit shifts: every word by amounts 0 to {16 * ROUNDS - 1}")
    return tuple(out)


class Windows:
    """A function of consecutive integers as sliced bits, from any of them on.

    For a fixed operand the exact sums with all others are consecutive integers; what they
    have to give is then cut out of a table instead of being sliced each time.
    """

    def __init__(self, function: Callable[[np.ndarray], np.ndarray], start: int, bits: int) -> None:
        """The `bits` of `function` for 2**17 + 64 integers from `start` on."""
        self.start = start
        count = 2 * WORDS
        values = function(np.arange(start, start + count + sliced.CASES))
        # A word holds 64 cases: a table for each integer that its lowest bit can stand for.
        self.tables = [
            sliced.enter(values[k : k + count].astype(np.uint32), bits) for k in range(sliced.CASES)
        ]

    def at(self, first: int, count: int) -> np.ndarray:
        """`u64[bits, count / 64]` for `count` integers from `first` on."""
        word, table = divmod(first - self.start, sliced.CASES)
        return self.tables[table][:, word : word + count // sliced.CASES]


def _value_and_zero(carry_from: int) -> Callable[[np.ndarray], np.ndarray]:
    """Bits 0 to 15 the value, 16 the carry, 17 whether the value is zero."""

    def function(exact: np.ndarray) -> np.ndarray:
        value = exact & WORDS - 1
        return value | (exact >= carry_from) << 16 | (value == 0) << 17

    return function


def _overflow(exact: np.ndarray) -> np.ndarray:
    return (exact < -WORDS // 2) | (exact >= WORDS // 2)


def sweep_words(measured: Measured, first: int, report: Report) -> tuple[Sweep, ...]:
    """16-bit sums and differences with both carries and their flags, and the logic.

    Args:
      measured: answers of the cells.
      first: how many values of the first operand; 65,536 is complete.
      report: called now and then.
    """
    wires = SlicedWires(measured)
    up = sliced.enter(np.arange(WORDS, dtype=np.uint16), 16)
    signed = Windows(_overflow, -WORDS, 1)
    checks = {
        "add, adc and flags": _Sums(up, Windows(_value_and_zero(WORDS), 0, 18), signed, 0),
        # From the highest operand down: differences then are consecutive too.
        "sub, sbc, cmp and flags": _Sums(
            sliced.enter(np.arange(WORDS, dtype=np.uint16)[::-1], 16),
            Windows(_value_and_zero(0), -WORDS, 18),
            signed,
            -WORDS,
        ),
        "and, or, xor, bic, not": _Logic(up),
    }
    values = np.unique(np.linspace(0, WORDS - 1, first).astype(int))
    out = []
    for name, check in checks.items():
        start = time.perf_counter()
        for done, a in enumerate(map(int, values), 1):
            wrong = check(wires, a)
            if wrong:
                raise CertificationError(f"16-bit {wrong} is wrong for some b with a={a:#x}")
            if not done % (WORDS // 4):
                report(f"16-bit {name}: {done * WORDS:,} pairs")
        seconds = time.perf_counter() - start
        pairs = len(values) * WORDS * check.carries
        out.append(Sweep(name, 16, pairs, len(values) == WORDS, "sliced", round(seconds, 3)))
        report(f"16-bit {name}: {pairs:,} cases in {seconds:.1f} s")
    return tuple(out)


def _word(a: int) -> np.ndarray:
    """One 16-bit word in all cases."""
    bits = [sliced.ALL if a >> k & 1 else np.uint64(0) for k in range(16)]
    return np.broadcast_to(np.array(bits)[:, None], (16, WORDS // sliced.CASES))


class _Sums:
    """a + b + carry, or a - b - 1 + carry, for one a and every b."""

    carries = 2

    def __init__(self, b: np.ndarray, exact: Windows, signed: Windows, offset: int) -> None:
        self.b, self.exact, self.signed, self.offset = b, exact, signed, offset

    def __call__(self, wires: SlicedWires, a: int) -> str:
        """What is wrong, "" if nothing is."""
        x, y = _word(a), self.b
        if self.offset:
            y = circuits.logic(wires, "not", y)
        for carry in (0, 1):
            total = circuits.add(wires, x, y, wires.constant(carry, 1, x))
            flags = circuits.nzcv(wires, total, circuits.is_zero(wires, total.value))
            wanted = self.exact.at(a + self.offset + carry, WORDS)
            if (total.value != wanted[:16]).any():
                return "sum" if not self.offset else "difference"
            nzcv = np.concatenate([self._overflow(a, carry), wanted[16:18], wanted[15:16]])
            if (flags != nzcv).any():
                return "NZCV"
        return ""

    def _overflow(self, a: int, carry: int) -> np.ndarray:
        """The signed sum with each half of the others: they are consecutive there."""
        exact = (a ^ WORDS // 2) - WORDS // 2 + carry
        halves = [self.signed.at(exact - shift, WORDS // 2) for shift in (0, WORDS // 2)]
        return np.concatenate(halves, 1)


class _Logic:
    """The bitwise operations for one a and every b."""

    carries = 1

    def __init__(self, b: np.ndarray) -> None:
        self.b = b

    def __call__(self, wires: SlicedWires, a: int) -> str:
        """What is wrong, "" if nothing is."""
        x, y = _word(a), self.b
        wanted = {"and": x & y, "or": x | y, "xor": x ^ y, "bic": x & ~y}
        for name, result in wanted.items():
            if (circuits.logic(wires, name, x, y) != result).any():
                return name
        return "" if (circuits.logic(wires, "not", y) == ~y).all() else "not"
