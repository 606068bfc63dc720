"""Floating point against QEMU's softfloat (unicorn): every format, mode and control.

One small guest loop loads operands and an FPCR per vector, runs the instruction under
test, and stores its result, FPSR and NZCV; our side is one vmapped call per vector set.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import numpy as np
import pytest
import unicorn
from unicorn import Uc  # pyright: ignore[reportPrivateImportUsage]
from unicorn import arm64_const as arm

from ncpu.machine import fp
from ncpu.machine.fp import MulAdd

SEED = int(os.environ.get("NCPU_FP_SEED", "20240607"))
COUNT = int(os.environ.get("NCPU_FP_COUNT", "2500"))  # vectors for each (instruction, format)
print(f"floating-point vectors: seed {SEED}, {COUNT} each")

FORMATS = (1, 2, 3)
FRACTION = {1: 10, 2: 23, 3: 52}
EXPONENT = {1: 5, 2: 8, 3: 11}
WIDTH = {1: 16, 2: 32, 3: 64}

# ------------------------------------------------------------------- the oracle

_CODE, _DATA, _SPACE = 0x10000, 0x1000000, 1 << 24
_SLOT = 9  # of the instruction under test
_LOOP: tuple[int, ...] = (
    0x6CC10400,  # ldp d0, d1, [x0], #16
    0xFC408402,  # ldr d2, [x0], #8
    0xF8408404,  # ldr x4, [x0], #8
    0x9E660005,  # fmov x5, d0
    0x1E604043,  # fmov d3, d2
    0xD2800006,  # mov x6, #0
    0xD51B4404,  # msr fpcr, x4
    0xD51B443F,  # msr fpsr, xzr
    0xD503201F,  # (a spare nop)
    0xD503201F,  # the instruction: operands 0, 1, 2 or w5/x5, result 3 or w6/x6
    0xD53B4427,  # mrs x7, fpsr
    0xD53B4208,  # mrs x8, nzcv
    0xFC008423,  # str d3, [x1], #8
    0xF8008426,  # str x6, [x1], #8
    0xA8812027,  # stp x7, x8, [x1], #16
    0xF1000442,  # subs x2, x2, #1
    0x54FFFE01,  # b.ne to the top
)


@cache
def _engine() -> Any:
    uc = Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
    uc.ctl_set_cpu_model(arm.UC_CPU_ARM64_MAX)  # the one with half precision
    uc.mem_map(_CODE, 0x100000)
    uc.mem_map(_DATA, _SPACE)
    uc.reg_write(arm.UC_ARM64_REG_CPACR_EL1, uc.reg_read(arm.UC_ARM64_REG_CPACR_EL1) | 3 << 20)
    return uc


_loops: dict[int, int] = {}


def oracle(word: int, rows: np.ndarray) -> np.ndarray:
    """`rows` u64[n, 4] (three operands, FPCR) to u64[n, 4] (d3, x6, FPSR, NZCV)."""
    uc = _engine()
    # Each instruction has a loop of its own, so no translation is ever stale.
    at = _loops.setdefault(word, _CODE + len(_loops) * 128)
    loop = list(_LOOP)
    loop[_SLOT] = word
    code = struct.pack(f"<{len(loop)}I", *loop)
    uc.mem_write(at, code)
    uc.mem_write(_DATA, rows.astype("<u8").tobytes())
    out = _DATA + _SPACE // 2
    uc.reg_write(arm.UC_ARM64_REG_X0, _DATA)
    uc.reg_write(arm.UC_ARM64_REG_X1, out)
    uc.reg_write(arm.UC_ARM64_REG_X2, len(rows))
    uc.emu_start(at, at + len(code))
    return np.frombuffer(bytes(uc.mem_read(out, rows.size * 8)), "<u8").reshape(rows.shape)


# ------------------------------------------------------------------ the vectors


def _edges(fmt: int) -> np.ndarray:
    frac, bias = FRACTION[fmt], (1 << (EXPONENT[fmt] - 1)) - 1
    unit, sign = 1 << frac, 1 << (WIDTH[fmt] - 1)
    inf = sign - unit
    one = bias << frac
    mags = [0, 1, 2, 3, unit >> 1, unit - 1, unit, unit + 1, inf - 1, inf - 2, inf]
    mags += [inf | unit >> 1, inf | unit >> 1 | 5, inf | 1, inf | (unit >> 1) - 1, inf | unit - 1]
    mags += [one, one - 1, one + 1, one + (unit >> 1), one + unit, one - unit, one - unit - 1]
    for power in (-24, -14, -1, 1, 7, 8, 15, 16, 31, 32, 63, 64):
        if 0 < bias + power < 2 * bias + 1:
            at = (bias + power) << frac
            mags += [at - 1, at, at + 1, at + unit // 2]
    return np.array([m | s for m in mags for s in (0, sign)], np.uint64)


def values(rng: np.random.Generator, fmt: int, count: int) -> np.ndarray:
    """Encodings: edges, uniform bits, near 1, few set bits, near the range's ends."""
    frac, expo = FRACTION[fmt], EXPONENT[fmt]
    bias, top = (1 << (expo - 1)) - 1, 1 << frac
    uniform = rng.integers(0, 1 << 64, count, np.uint64) >> np.uint64(64 - WIDTH[fmt])
    sign = uniform >> np.uint64(WIDTH[fmt] - 1) << np.uint64(WIDTH[fmt] - 1)
    near = rng.integers(max(1, bias - frac - 4), min(2 * bias, bias + frac + 12) + 1, count)
    ends = rng.choice([0, 1, 2, frac, 2 * bias - 1, 2 * bias, 2 * bias + 1], count)
    mantissa = rng.integers(0, top, count, np.uint64)
    few = mantissa & ~np.uint64(0) << rng.integers(0, frac, count, np.uint64)
    few = np.where(rng.random(count) < 0.3, (np.uint64(top) - few) & np.uint64(top - 1), few)
    near_bits = sign | near.astype(np.uint64) << np.uint64(frac)
    end_bits = sign | ends.astype(np.uint64) << np.uint64(frac)
    choices = [
        rng.choice(_edges(fmt), count),
        uniform,
        near_bits | mantissa,
        near_bits | few,
        end_bits | rng.choice([mantissa, few]),
    ]
    return np.choose(rng.integers(0, len(choices), count), choices)


def controls(rng: np.random.Generator, count: int) -> np.ndarray:
    """FPCR: all rounding modes, with FZ16, FZ, DN and AHP on and off."""
    fpcr = rng.integers(0, 4, count) << 22
    for bit in (19, 24, 25, 26):
        fpcr |= (rng.random(count) < 0.3).astype(np.int64) << bit
    return fpcr.astype(np.uint64)


def vectors(name: str, fmt: int) -> np.ndarray:
    """u64[COUNT, 4] of operands and FPCR, reproducible from SEED."""
    rng = np.random.default_rng([SEED, fmt, *name.encode()])
    a, b, c = (values(rng, fmt, COUNT) for _ in range(3))
    # Neighbours: equal operands and ones differing in the last places.
    close = rng.random(COUNT)
    delta = rng.integers(0, 3, COUNT).astype(np.uint64)
    b = np.where(close < 0.1, a ^ delta, b)
    if fmt != 1:  # an addend that nearly cancels the product (half is dense enough)
        kind, bits = (np.float32, np.uint32) if fmt == 2 else (np.float64, np.uint64)
        with np.errstate(all="ignore"):
            product = a.astype(bits).view(kind) * b.astype(bits).view(kind)
        cancel = (-product).view(bits).astype(np.uint64) ^ delta
        c = np.where(close > 0.6, cancel, c)
    return np.stack([a, b, c, controls(rng, COUNT)], axis=1)


# -------------------------------------------------------------------- our side


@cache
def compiled(function: Callable[..., Any], mapped: int) -> Callable[..., Any]:
    """`function` jitted over vectors in its first `mapped` arguments, scalars after."""

    def call(*args: Any) -> Any:
        axes = tuple(0 if i < mapped else None for i in range(len(args)))
        return jax.vmap(function, in_axes=axes)(*args)

    return jax.jit(call)


def ours(function: Callable[..., Any], rows: np.ndarray, columns: int, *scalars: Any) -> Any:
    """Call `function(*operands, fpcr, *scalars)` over `rows`, as NumPy arrays."""
    with jax.enable_x64(True):
        operands = [rows[:, i] for i in range(columns)]
        fpcr = rows[:, 3].astype(np.uint32)
        out = compiled(function, columns + 1)(*operands, fpcr, *scalars)
    return [np.asarray(x) for x in out]


def check(
    name: str,
    fmt: int,
    rows: np.ndarray,
    got: tuple[np.ndarray, np.ndarray],
    want: tuple[np.ndarray, np.ndarray],
    skip: np.ndarray | None = None,
) -> None:
    """Results and exceptions agree; reports the first vectors that do not."""
    wrong = (got[0].astype(np.uint64) != want[0]) | (got[1].astype(np.uint64) != want[1])
    if skip is not None:
        wrong &= ~skip
    report = [
        f"{name} fmt {fmt}: operands {[hex(v) for v in rows[i, :3].tolist()]} "
        f"fpcr {int(rows[i, 3]):#x}: got {int(got[0][i]):#x} exc {int(got[1][i]):#x}, "
        f"want {int(want[0][i]):#x} exc {int(want[1][i]):#x}"
        for i in np.flatnonzero(wrong)[:6]
    ]
    assert not wrong.any(), f"seed {SEED}: {wrong.sum()} of {len(wrong)}\n" + "\n".join(report)


def scalar_word(single: int, fmt: int) -> int:
    """A scalar FP instruction given for single precision, in format `fmt`."""
    return single | {1: 3, 2: 0, 3: 1}[fmt] << 22


def low(words: np.ndarray, fmt: int) -> np.ndarray:
    """The element of format `fmt` at the bottom of each word."""
    return words & np.uint64((1 << WIDTH[fmt]) - 1)


U32, U64 = np.uint32, np.uint64


# Functions with the operands first, for `ours`.
def _muladd(a: Any, b: Any, c: Any, fpcr: Any, fmt: Any, kind: Any) -> Any:
    return fp.muladd(fmt, c, a, b, fpcr, kind)


def _div_sqrt(a: Any, b: Any, fpcr: Any, fmt: Any, is_sqrt: Any) -> Any:
    return fp.div_sqrt(fmt, a, b, fpcr, is_sqrt)


def _minmax(a: Any, b: Any, fpcr: Any, fmt: Any, is_max: Any, is_nm: Any) -> Any:
    return fp.minmax(fmt, a, b, fpcr, is_max, is_nm)


def _compare(a: Any, b: Any, fpcr: Any, fmt: Any, signal: Any) -> Any:
    return fp.compare(fmt, a, b, fpcr, signal)


def _mask(a: Any, b: Any, fpcr: Any, fmt: Any, relation: Any, absolute: Any) -> Any:
    return fp.compare_mask(fmt, a, b, fpcr, relation, absolute)


def _unary(operation: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, fpcr, fmt: operation(fmt, a, fpcr)


RECPE, RSQRTE, RECPX = map(_unary, (fp.recip_estimate, fp.rsqrt_estimate, fp.recpx))
SQRT = _unary(fp.sqrt)


def _div(a: Any, b: Any, fpcr: Any, fmt: Any) -> Any:
    return fp.div(fmt, a, b, fpcr)


def _round_int(a: Any, fpcr: Any, fmt: Any, mode: Any, exact: Any) -> Any:
    mode = jax.numpy.where(mode > 4, (fpcr >> 22) & 3, mode)  # FRINTX, FRINTI
    return fp.round_int(fmt, a, fpcr, mode, exact)


def _to_int(a: Any, fpcr: Any, fmt: Any, mode: Any, signed: Any, width: Any, fbits: Any) -> Any:
    return fp.to_int(fmt, a, fpcr, mode, signed, width, fbits)


def _from_int(a: Any, fpcr: Any, fmt: Any, signed: Any, width: Any, fbits: Any) -> Any:
    return fp.from_int(fmt, a, fpcr, signed, width, fbits)


def _convert(a: Any, fpcr: Any, src: Any, dst: Any, to_odd: Any) -> Any:
    return fp.convert(src, dst, a, fpcr, to_odd)


# ------------------------------------------------------------------- the tests

MULADD = {  # instruction: kind, words for half, single, double (one word: scalar FP)
    "fadd": (MulAdd.FADD, (0x1E212803,)),
    "fsub": (MulAdd.FSUB, (0x1E213803,)),
    "fmul": (MulAdd.FMUL, (0x1E210803,)),
    "fnmul": (MulAdd.FNMUL, (0x1E218803,)),
    "fmadd": (MulAdd.FMADD, (0x1F010803,)),
    "fmsub": (MulAdd.FMSUB, (0x1F018803,)),
    "fnmadd": (MulAdd.FNMADD, (0x1F210803,)),
    "fnmsub": (MulAdd.FNMSUB, (0x1F218803,)),
    "fmla": (MulAdd.FMADD, (0x0E410C03, 0x0E21CC03, 0x4E61CC03)),
    "fmls": (MulAdd.FMSUB, (0x0EC10C03, 0x0EA1CC03, 0x4EE1CC03)),
    "fabd": (MulAdd.FABD, (0x7EC11403, 0x7EA1D403, 0x7EE1D403)),
    "fmulx": (MulAdd.FMULX, (0x5E411C03, 0x5E21DC03, 0x5E61DC03)),
    "frecps": (MulAdd.FRECPS, (0x5E413C03, 0x5E21FC03, 0x5E61FC03)),
    "frsqrts": (MulAdd.FRSQRTS, (0x5EC13C03, 0x5EA1FC03, 0x5EE1FC03)),
}


def _word(words: tuple[int, ...], fmt: int) -> int:
    return scalar_word(words[0], fmt) if len(words) == 1 else words[fmt - 1]


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("name", MULADD)
def test_muladd(name: str, fmt: int) -> None:
    kind, words = MULADD[name]
    rows = vectors(name, fmt)
    if name in ("fmla", "fmls"):
        # The other lanes of the vector form would raise exceptions of their own: they
        # are +0 * +0 + +0 here because the upper bits of all three operands are zero.
        assert not (rows[:, :3] >> U64(WIDTH[fmt] - 1) >> U64(1)).any()
    want = oracle(_word(words, fmt), rows)
    got = ours(_muladd, rows, 3, U32(fmt), U32(kind))
    check(name, fmt, rows, (got[0], got[1]), (low(want[:, 0], fmt), want[:, 2]))


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("name", ["fdiv", "fsqrt"])
def test_div_sqrt(name: str, fmt: int) -> None:
    rows = vectors(name, fmt)
    if name == "fsqrt":
        rows[::2, 0] = low(rows[::2, 0], fmt) & U64((1 << (WIDTH[fmt] - 1)) - 1)
    single = {"fdiv": 0x1E211803, "fsqrt": 0x1E21C003}[name]
    want = oracle(scalar_word(single, fmt), rows)
    swapped = rows[:, [1, 0, 2, 3]] if name == "fsqrt" else rows
    got = ours(_div_sqrt, swapped, 2, U32(fmt), np.bool_(name == "fsqrt"))
    check(name, fmt, rows, (got[0], got[1]), (low(want[:, 0], fmt), want[:, 2]))


@pytest.mark.parametrize("name", ["div", "sqrt"])
def test_div_and_sqrt_alone(name: str) -> None:
    rows = vectors(name, 3)[:500]
    function, single, operands = {"div": (_div, 0x1E211803, 2), "sqrt": (SQRT, 0x1E21C003, 1)}[name]
    want = oracle(scalar_word(single, 3), rows)
    got = ours(function, rows, operands, U32(3))
    check(name, 3, rows, (got[0], got[1]), (want[:, 0], want[:, 2]))


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize(
    ("name", "single"),
    [("fmax", 0x1E214803), ("fmin", 0x1E215803), ("fmaxnm", 0x1E216803), ("fminnm", 0x1E217803)],
)
def test_minmax(name: str, single: int, fmt: int) -> None:
    rows = vectors(name, fmt)
    want = oracle(scalar_word(single, fmt), rows)
    flags = np.bool_(name.startswith("fmax")), np.bool_(name.endswith("nm"))
    got = ours(_minmax, rows, 2, U32(fmt), *flags)
    check(name, fmt, rows, (got[0], got[1]), (low(want[:, 0], fmt), want[:, 2]))


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize(("name", "single"), [("fcmp", 0x1E212000), ("fcmpe", 0x1E212010)])
def test_compare(name: str, single: int, fmt: int) -> None:
    rows = vectors(name, fmt)
    want = oracle(scalar_word(single, fmt), rows)
    got = ours(_compare, rows, 2, U32(fmt), np.bool_(name == "fcmpe"))
    check(name, fmt, rows, (got[0], got[1]), (want[:, 3] >> U64(28), want[:, 2]))


MASKS = {
    "fcmeq": (0, False, (0x5E412403, 0x5E21E403, 0x5E61E403)),
    "fcmge": (1, False, (0x7E412403, 0x7E21E403, 0x7E61E403)),
    "fcmgt": (2, False, (0x7EC12403, 0x7EA1E403, 0x7EE1E403)),
    "facge": (1, True, (0x7E412C03, 0x7E21EC03, 0x7E61EC03)),
    "facgt": (2, True, (0x7EC12C03, 0x7EA1EC03, 0x7EE1EC03)),
}


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("name", MASKS)
def test_compare_mask(name: str, fmt: int) -> None:
    relation, absolute, words = MASKS[name]
    rows = vectors(name, fmt)
    want = oracle(words[fmt - 1], rows)
    got = ours(_mask, rows, 2, U32(fmt), U32(relation), np.bool_(absolute))
    check(name, fmt, rows, (got[0], got[1]), (want[:, 0] & U64(1), want[:, 2]))


ESTIMATES = {
    "frecpe": (RECPE, (0x5EF9D803, 0x5EA1D803, 0x5EE1D803)),
    "frsqrte": (RSQRTE, (0x7EF9D803, 0x7EA1D803, 0x7EE1D803)),
    "frecpx": (RECPX, (0x5EF9F803, 0x5EA1F803, 0x5EE1F803)),
}


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("name", ESTIMATES)
def test_estimate(name: str, fmt: int) -> None:
    function, words = ESTIMATES[name]
    rows = vectors(name, fmt)
    want = oracle(words[fmt - 1], rows)
    got = ours(function, rows, 1, U32(fmt))
    check(name, fmt, rows, (got[0], got[1]), (low(want[:, 0], fmt), want[:, 2]))


@pytest.mark.parametrize(("name", "word"), [("urecpe", 0x0EA1C803), ("ursqrte", 0x2EA1C803)])
def test_unsigned_estimate(name: str, word: int) -> None:
    rng = np.random.default_rng([SEED, *name.encode()])
    rows = rng.integers(0, 1 << 32, (COUNT, 4), np.uint64)
    rows[:, 3] = 0
    rows[:512, 0] = np.arange(512, dtype=np.uint64) << U64(23)
    want = oracle(word, rows)
    with jax.enable_x64(True):
        got = np.asarray(jax.jit(getattr(fp, name))(rows[:, 0]))
    check(name, 2, rows, (got, np.zeros_like(got)), (low(want[:, 0], 2), want[:, 2]))


FRINT = {  # mode (9: FPCR's), exact, word
    "frintn": (0, False, 0x1E244003),
    "frintp": (1, False, 0x1E24C003),
    "frintm": (2, False, 0x1E254003),
    "frintz": (3, False, 0x1E25C003),
    "frinta": (4, False, 0x1E264003),
    "frintx": (9, True, 0x1E274003),
    "frinti": (9, False, 0x1E27C003),
}


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("name", FRINT)
def test_round_int(name: str, fmt: int) -> None:
    mode, exact, single = FRINT[name]
    rows = vectors(name, fmt)
    want = oracle(scalar_word(single, fmt), rows)
    got = ours(_round_int, rows, 1, U32(fmt), U32(mode), np.bool_(exact))
    check(name, fmt, rows, (got[0], got[1]), (low(want[:, 0], fmt), want[:, 2]))


MODE_WORD = {"n": 0x1E200006, "p": 0x1E280006, "m": 0x1E300006, "z": 0x1E380006, "a": 0x1E240006}
MODES = {"n": 0, "p": 1, "m": 2, "z": 3, "a": 4}
HALF_TO_INT = {"n": 0x5E79A803, "p": 0x5EF9A803, "m": 0x5E79B803, "z": 0x5EF9B803, "a": 0x5E79C803}


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("width", [32, 64])
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_to_int(mode: str, signed: bool, width: int, fmt: int) -> None:
    name = f"fcvt{mode}{'s' if signed else 'u'}{width}"
    rows = vectors(name, fmt)
    word = scalar_word(MODE_WORD[mode], fmt) | (not signed) << 16 | (width == 64) << 31
    want = oracle(word, rows)
    scalars = U32(fmt), U32(MODES[mode]), np.bool_(signed), U32(width), U32(0)
    got = ours(_to_int, rows, 1, *scalars)
    check(name, fmt, rows, (got[0], got[1]), (want[:, 1], want[:, 2]))


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize(("width", "fbits"), [(32, 1), (32, 15), (32, 32), (64, 31), (64, 64)])
@pytest.mark.parametrize("signed", [True, False])
def test_to_fixed(signed: bool, width: int, fbits: int, fmt: int) -> None:
    name = f"fcvtz{'s' if signed else 'u'}{width}_{fbits}"
    rows = vectors(name, fmt)
    word = scalar_word(0x1E180006, fmt) | (not signed) << 16 | (width == 64) << 31
    want = oracle(word | (64 - fbits) << 10, rows)
    scalars = U32(fmt), U32(3), np.bool_(signed), U32(width), U32(fbits)
    got = ours(_to_int, rows, 1, *scalars)
    check(name, fmt, rows, (got[0], got[1]), (want[:, 1], want[:, 2]))


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("mode", [*MODES, "fixed"])
def test_to_int16(mode: str, signed: bool) -> None:
    fbits = 5 if mode == "fixed" else 0
    rows = vectors(f"to_int16{mode}", 1)
    word = (0x5F1BFC03 if fbits else HALF_TO_INT[mode]) | (not signed) << 29
    want = oracle(word, rows)
    scalars = U32(1), U32(MODES.get(mode, 3)), np.bool_(signed), U32(16), U32(fbits)
    got = ours(_to_int, rows, 1, *scalars)
    check(f"{mode}16", 1, rows, (got[0], got[1]), (low(want[:, 0], 1), want[:, 2]))


def _integers(name: str, width: int) -> np.ndarray:
    rng = np.random.default_rng([SEED, width, *name.encode()])
    x = rng.integers(0, 1 << 64, COUNT, np.uint64) >> rng.integers(0, 64, COUNT, np.uint64)
    few = x & ~U64(0) << rng.integers(0, 64, COUNT, np.uint64)
    near = (U64(1) << rng.integers(0, 64, COUNT, np.uint64)) - rng.integers(0, 3, COUNT, np.uint64)
    x = np.choose(rng.integers(0, 3, COUNT), [x, few, near])
    x = np.where(rng.random(COUNT) < 0.5, x, ~x + U64(1))
    x[0] = 0
    return np.stack([x, x, x, controls(rng, COUNT)], axis=1)


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize(
    ("width", "fbits"), [(32, 0), (32, 1), (32, 15), (32, 32), (64, 0), (64, 31), (64, 64)]
)
@pytest.mark.parametrize("signed", [True, False])
def test_from_int(signed: bool, width: int, fbits: int, fmt: int) -> None:
    name = f"{'s' if signed else 'u'}cvtf{width}_{fbits}"
    rows = _integers(name, width)
    fixed = 0x1E0200A3 | (64 - fbits) << 10
    word = scalar_word(fixed if fbits else 0x1E2200A3, fmt)
    want = oracle(word | (not signed) << 16 | (width == 64) << 31, rows)
    got = ours(_from_int, rows, 1, U32(fmt), np.bool_(signed), U32(width), U32(fbits))
    check(name, fmt, rows, (got[0], got[1]), (low(want[:, 0], fmt), want[:, 2]))


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("fbits", [0, 5])
def test_from_int16(fbits: int, signed: bool) -> None:
    rows = _integers(f"from_int16_{fbits}", 16)
    want = oracle((0x5F1BE403 if fbits else 0x5E79D803) | (not signed) << 29, rows)
    got = ours(_from_int, rows, 1, U32(1), np.bool_(signed), U32(16), U32(fbits))
    check("cvtf16", 1, rows, (got[0], got[1]), (low(want[:, 0], 1), want[:, 2]))


@pytest.mark.parametrize(
    ("src", "dst", "word"),
    [
        (1, 2, 0x1EE24003),
        (1, 3, 0x1EE2C003),
        (2, 1, 0x1E23C003),
        (2, 3, 0x1E22C003),
        (3, 1, 0x1E63C003),
        (3, 2, 0x1E624003),
        (3, 2, 0x7E616803),  # FCVTXN
    ],
)
def test_convert(src: int, dst: int, word: int) -> None:
    rows = vectors(f"fcvt{src}{dst}{word:x}", src)
    rng = np.random.default_rng([SEED, word])
    if src > dst:  # half of the vectors within reach of the destination's range
        top, bottom = FRACTION[src], (1 << (EXPONENT[src] - 1)) - 1
        reach = (1 << (EXPONENT[dst] - 1)) + FRACTION[dst] + 3
        field = rng.integers(bottom - reach, bottom + reach // 2 + 20, COUNT).astype(np.uint64)
        sign_fraction = rows[:, 0] & U64(1 << (WIDTH[src] - 1) | (1 << top) - 1)
        near = sign_fraction | field % U64(2 * bottom + 2) << U64(top)
        rows[:, 0] = np.where(rng.random(COUNT) < 0.6, near, rows[:, 0])
    want = oracle(word, rows)
    got = ours(_convert, rows, 1, U32(src), U32(dst), np.bool_(word == 0x7E616803))
    check(f"fcvt {src} to {dst}", src, rows, (got[0], got[1]), (low(want[:, 0], dst), want[:, 2]))


@pytest.mark.parametrize("fmt", FORMATS)
def test_expand_imm8(fmt: int) -> None:
    imm8 = np.arange(256)
    frac, expo = FRACTION[fmt], EXPONENT[fmt]
    exponent = (~imm8 >> 6 & 1) << (expo - 1) | (imm8 >> 6 & 1) * (((1 << (expo - 3)) - 1) << 2)
    exponent |= imm8 >> 4 & 3
    want = (imm8 >> 7).astype(np.uint64) << U64(WIDTH[fmt] - 1)
    want |= exponent.astype(np.uint64) << U64(frac)
    want |= (imm8 & 15).astype(np.uint64) << U64(frac - 4)
    with jax.enable_x64(True):
        got = np.asarray(jax.jit(fp.expand_imm8)(U32(fmt), imm8.astype(np.uint32)))
    assert (got == want).all()
    host = fp.expand_imm8(fmt, imm8)  # on the host, outside x64
    assert isinstance(host, np.ndarray) and (host == want).all()


def test_elementwise_without_vmap() -> None:
    """Arrays of mixed formats and kinds give what vmapped scalars give, jitted or not."""
    rows = np.concatenate([vectors("elementwise", fmt)[:120] for fmt in FORMATS])
    fmt = np.repeat(np.array(FORMATS, np.uint32), 120)
    kind = np.resize(np.array([k for k, _ in MULADD.values()], np.uint32), len(rows))
    fpcr = rows[:, 3].astype(np.uint32)
    a, b, c = rows[:, 0], rows[:, 1], rows[:, 2]
    root = kind % 2 == 0
    div_sqrt: Callable[..., Any] = fp.div_sqrt
    with jax.enable_x64(True):
        pairs = [
            (jax.jit(fp.muladd)(fmt, c, a, b, fpcr, kind), fp.muladd, (fmt, c, a, b, fpcr, kind)),
            (div_sqrt(fmt, a, b, fpcr, root), div_sqrt, (fmt, a, b, fpcr, root)),
        ]
        for got, function, arguments in pairs:
            want = jax.jit(jax.vmap(function))(*arguments)
            for x, y in zip(got, want, strict=True):
                assert x.shape == fmt.shape
                assert (np.asarray(x) == np.asarray(y)).all()


def test_idle_division_spends_no_trips() -> None:
    """`active` leaves the answers of active lanes alone, whatever the idle ones hold."""
    rows = vectors("idle", 3)[:64]
    fpcr, root = rows[:, 3].astype(np.uint32), np.zeros(64, bool)
    active = np.arange(64) % 3 == 0
    fmt = np.full(64, 3, np.uint32)
    with jax.enable_x64(True):
        arguments = fmt, rows[:, 0], rows[:, 1], fpcr, root
        want = jax.jit(jax.vmap(fp.div_sqrt))(*arguments)
        got = jax.jit(jax.vmap(fp.div_sqrt))(*arguments, active)
    for x, y in zip(got, want, strict=True):
        assert (np.asarray(x)[active] == np.asarray(y)[active]).all()
