"""Which instruction forms are worth trying for a piece of code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import Formatter

from ncpu.synth.optimize.code import op
from ncpu.synth.optimize.forms import Form, form, template_of
from ncpu.synth.optimize.semantics import NZCV

CONDITIONS = ("eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")
LOGIC = ("and", "orr", "eor", "bic", "orn", "eon")
RIGHT = ("lsr", "asr")
MOST_NUMBERS = 12
MOST_SHIFTS = 10


def menu(words: Sequence[int], constants: Iterable[int]) -> list[list[Form]]:
    """Forms worth trying for a piece of code, in groups: the likeliest first.

    Args:
      words: the code.
      constants: 64-bit values met in it.
    """
    ops = [op(w) for w in words]
    texts = [template_of(w) for w in words]
    wide = any("{d}" in t or "{a}" in t for t in texts)
    narrow = any("{wd}" in t or "{wa}" in t for t in texts)
    numbers = _numbers(constants)
    flags = any(NZCV in o.reads | o.writes for o in ops)
    widths = [w for w, there in ((64, wide or not narrow), (32, narrow)) if there]
    groups: list[list[str]] = [texts, [], [], [], [], [], []]
    for bits in widths:
        shifts = _shifts(numbers, bits)
        _basic(groups[1], bits)
        _near(groups[2], bits)
        _numbered(groups[3], bits, numbers)
        _shifted(groups[4], bits, shifts)
        _rare(groups[5], bits, shifts)
        _flags(groups[3 if flags else 6], bits, numbers)
    if wide and narrow:
        groups[1] += ["mov {wd}, {wa}", "sxtw {d}, {wa}"]
    seen: set[str] = set()
    out = []
    for group in groups:
        out.append(
            [f for t in dict.fromkeys(group) if t not in seen and (f := form(t)) is not None]
        )
        seen.update(group)
    return out


def _sized(template: str, bits: int) -> str:
    """A template written for X registers, for W registers where `bits` is 32."""
    if bits == 64:
        return template
    return "".join(
        head + (f"{{w{name}}}" if name else "") for head, name, _, _ in Formatter().parse(template)
    )


def _numbers(constants: Iterable[int]) -> list[int]:
    """Constants and their neighbours, negatives and complements, 64-bit."""
    met = list(dict.fromkeys(constants))
    near = [f(c) for f in (lambda c: c, lambda c: -c, lambda c: ~c) for c in met]
    near += [c + k for c in met for k in (1, -1)]
    return [c & (1 << 64) - 1 for c in dict.fromkeys([*near, 1])][: 2 * MOST_NUMBERS]


def _shifts(numbers: Sequence[int], bits: int) -> list[int]:
    """Shift amounts: the numbers themselves, and where their bits and runs of bits begin."""
    direct = [n for n in numbers if 0 < n < bits]
    places: list[int] = []
    for n in numbers[:MOST_NUMBERS]:
        ones = [k for k in range(64) if n >> k & 1]
        if 0 < len(ones) <= 4:
            places += ones + [y - x for x in ones for y in ones]
        elif ones:
            places += [n.bit_length(), ones[0]]
    wanted = [bits - 1, 1, *direct, *places, *(bits - k for k in direct), 2, 3]
    return list(dict.fromkeys(k for k in wanted if 0 < k < bits))[:MOST_SHIFTS]


def _basic(out: list[str], bits: int) -> None:
    for name in ("add", "sub", *LOGIC):
        out.append(_sized(f"{name} {{d}}, {{a}}, {{b}}", bits))
    out += [_sized(t, bits) for t in ("neg {d}, {a}", "mvn {d}, {a}")]


def _near(out: list[str], bits: int) -> None:
    """Operands moved by a few places, as products by constants need, and by all but the sign."""
    lines = [f"{n} {{d}}, {{a}}, {{b}}, lsl #{k}" for k in (1, 2, 3, 4) for n in ("add", "sub")]
    lines += [f"{n} {{d}}, {{a}}, #{bits - 1}" for n in RIGHT]
    lines += [f"{n} {{d}}, {{a}}, {{b}}, asr #{bits - 1}" for n in ("add", "sub", *LOGIC[:3])]
    lines += [f"{n} {{d}}, {{a}}, {{b}}, lsr #{bits - 1}" for n in ("add", "orr")]
    lines += ["lsl {d}, {a}, #1", "lsr {d}, {a}, #1"]
    lines += [f"{n} {{d}}, {{a}}, #1" for n in ("add", "sub", "and")]
    out += [_sized(line, bits) for line in lines]


def _numbered(out: list[str], bits: int, numbers: Sequence[int]) -> None:
    lines = []
    for n in (number & (1 << bits) - 1 for number in numbers[:MOST_NUMBERS]):
        lines += [f"mov {{d}}, #{n}"]
        lines += [f"{name} {{d}}, {{a}}, #{n}" for name in ("add", "sub", *LOGIC[:3])]
    out += [_sized(line, bits) for line in [*lines, "mov {d}, #0"]]


def _shifted(out: list[str], bits: int, shifts: Sequence[int]) -> None:
    lines = [f"{name} {{d}}, {{a}}, #{k}" for k in shifts for name in ("lsl", *RIGHT)]
    lines += [f"{n} {{d}}, {{a}}, {{b}}, lsl #{k}" for n in ("add", "sub") for k in shifts[2:6]]
    for k in shifts[:4]:
        lines += [f"{n} {{d}}, {{a}}, {{b}}, {r} #{k}" for n in ("add", "sub") for r in RIGHT]
        lines += [f"{n} {{d}}, {{a}}, {{b}}, {r} #{k}" for n in LOGIC[:3] for r in ("lsl", *RIGHT)]
    out += [_sized(line, bits) for line in lines]


def _rare(out: list[str], bits: int, shifts: Sequence[int]) -> None:
    lines = [f"{name} {{d}}, {{a}}" for name in ("clz", "cls", "rbit", "rev", "rev16")]
    lines += [f"{name} {{d}}, {{a}}, {{b}}" for name in ("mul", "lsl", "lsr", "asr", "ror")]
    lines += [f"{name} {{d}}, {{a}}, {{b}}, {{c}}" for name in ("madd", "msub")]
    for k in shifts:
        lines += [f"ror {{d}}, {{a}}, #{k}", f"neg {{d}}, {{a}}, lsl #{k}"]
        lines += [f"bic {{d}}, {{a}}, {{b}}, {kind} #{k}" for kind in ("lsl", "lsr", "asr")]
        lines += [f"{name} {{d}}, {{a}}, #{k}, #{bits - k}" for name in ("bfi", "bfxil")]
        lines += [f"{name} {{d}}, {{a}}, #0, #{k}" for name in ("bfi", "sbfx", "ubfx")]
    out += [_sized(line, bits) for line in lines]
    out += ["sxtb {d}, {wa}", "sxth {d}, {wa}", "sxtw {d}, {wa}"] if bits == 64 else []
    out += ["uxtb {wd}, {wa}", "uxth {wd}, {wa}", "mov {wd}, {wa}"]


def _flags(out: list[str], bits: int, numbers: Sequence[int]) -> None:
    lines = ["cmp {a}, {b}", "cmp {a}, #0", "tst {a}, {b}", "cmn {a}, {b}"]
    lines += ["subs {d}, {a}, {b}", "adds {d}, {a}, {b}", "negs {d}, {a}", "ands {d}, {a}, {b}"]
    lines += [f"cmp {{a}}, #{n}" for n in numbers[:4] if n]
    for c in CONDITIONS:
        lines += [f"csel {{d}}, {{a}}, {{b}}, {c}", f"cset {{d}}, {c}", f"csetm {{d}}, {c}"]
        lines += [f"cneg {{d}}, {{a}}, {c}", f"cinc {{d}}, {{a}}, {c}", f"cinv {{d}}, {{a}}, {c}"]
        lines += [f"csel {{d}}, {{a}}, xzr, {c}" if bits == 64 else f"csel {{d}}, {{a}}, wzr, {c}"]
    out += [_sized(line, bits) for line in lines]
