"""A3: bit manipulation; every function gets the word width `w` after its arguments.

`hd01` to `hd25` are the 25 problems from Hacker's Delight in the order of Gulwani, Jha, Tiwari and
Venkatesan, Synthesis of loop-free programs (PLDI 2011).
"""

from __future__ import annotations

from random import Random

from ncpu.synth.suites.domains import Arguments, Integers, Parameters, Words
from ncpu.synth.suites.family import each, families, row

BELOW_WIDTH = Integers(0, lambda _, p: p[0] - 1)
BYTES = Integers(0, 255)
WIDE = (32, 64)


def _signed(x: int, w: int) -> int:
    return x - (x >> w - 1 << w)


def _near_lengths(rng: Random, parameters: Parameters) -> Arguments:
    """Two words whose highest ones are at most a place apart."""
    length = rng.randrange(parameters[0])
    return tuple(rng.getrandbits(64) % (1 << length) | 1 << length >> rng.randrange(2)
                 for _ in range(2))  # fmt: skip


def _smear(x: int) -> int:
    return (1 << x.bit_length()) - 1


def _lowest_run(x: int, w: int) -> int:
    return (x | x - 1) + 1 & x if x else 0


def _next_same_popcount(x: int, w: int) -> int:
    lowest = x & -x
    ripple = x + lowest
    return ripple | ((x ^ ripple) >> 2) // lowest


def _has_next(x: int, w: int) -> bool:
    """Whether a larger word has as many ones: these are not all at the top."""
    return x != 0 and x + (x & -x) < 1 << w


def _cycle(rng: Random, parameters: Parameters) -> Arguments:
    a, b, c = rng.sample(range(1 << min(parameters[0], rng.choice((3, 8, 32)))), 3)
    return rng.choice((a, b, c)), a, b, c


def _gray_decode(x: int) -> int:
    value = 0
    while x:
        value, x = value ^ x, x >> 1
    return value


def _reverse(x: int, count: int) -> int:
    return sum((x >> bit & 1) << count - 1 - bit for bit in range(count))


def _swap_bytes(x: int, count: int) -> int:
    return int.from_bytes((x & (1 << 8 * count) - 1).to_bytes(count, "little"))


def _nibbles(w: int) -> int:
    return ((1 << w) - 1) // 17  # 0x0f0f...


def _interleave(x: int, y: int, w: int) -> int:
    return sum((x >> k & 1) << 2 * k | (y >> k & 1) << 2 * k + 1 for k in range(8))


def _xorshift(x: int, w: int) -> int:
    left, right, last = {8: (1, 1, 2), 32: (13, 17, 5), 64: (13, 7, 17)}[w]
    mask = (1 << w) - 1
    x ^= x << left & mask
    x ^= x >> right
    return x ^ x << last


def _rotation(rng: Random, w: int) -> Parameters:
    return (rng.randint(1, w - 1),)


def _field_fits(_: int, low: int, count: int, w: int) -> bool:
    return low + count <= w


FAMILIES = families(
    "A3",
    hd01_clear_lowest_set=row("U->U", lambda x, w: x & x - 1),
    hd02_low_ones_residue=row("U->U", lambda x, w: x & x + 1),
    hd03_isolate_lowest_set=row("U->U", lambda x, w: x & -x),
    hd04_mask_through_lowest_set=row("U->U", lambda x, w: x ^ x - 1),
    hd05_smear_lowest_set=row("U->U", lambda x, w: x | x - 1),
    hd06_set_lowest_clear=row("U->U", lambda x, w: x | x + 1),
    hd07_isolate_lowest_clear=row("U->U", lambda x, w: ~x & x + 1),
    hd08_mask_trailing_zeros=row("U->U", lambda x, w: ~x & x - 1),
    hd09_abs_branchless=row(
        "U->U", lambda x, w: abs(_signed(x, w)), note="Of two's complement; the minimum stays."
    ),
    hd10_same_clz=row(
        "(U,U)->B", lambda x, y, w: x.bit_length() == y.bit_length(), special=_near_lengths
    ),
    hd11_clz_less=row(
        "(U,U)->B", lambda x, y, w: x.bit_length() > y.bit_length(), special=_near_lengths
    ),
    hd12_clz_leq=row(
        "(U,U)->B", lambda x, y, w: x.bit_length() >= y.bit_length(), special=_near_lengths
    ),
    hd13_sign_branchless=row(
        "U->U",
        lambda x, w: (_signed(x, w) > 0) - (_signed(x, w) < 0),
        note="Of two's complement; all ones for -1.",
    ),
    hd14_floor_average=row(
        "(U,U)->U", lambda x, y, w: x + y >> 1, note="Floor of half the unwrapped sum."
    ),
    hd15_ceil_average=row(
        "(U,U)->U", lambda x, y, w: x + y + 1 >> 1, note="Half the unwrapped sum, rounded up."
    ),
    hd16_max_branchless=row("(U,U)->U", lambda x, y, w: max(x, y), note="Unsigned."),
    hd17_clear_lowest_run=row("U->U", _lowest_run, cases=each(0b01101110, 0b11, 0xF0)),
    hd18_is_pow2=row(
        "U->B",
        lambda x, w: x.bit_count() == 1,
        cases=each(0, 1, 2, 3, 4, 6, 12),
        note="False for 0.",
    ),
    hd19_exchange_fields=row(
        "(U,U,U)->U",
        lambda x, m, k, w: x ^ ((x >> k ^ x) & m) ^ ((x >> k ^ x) & m) << k,
        Words(),
        Words(),
        BELOW_WIDTH,
        cases=[(0b10110001, 0b11, 4), (0xAB, 0xF, 4)],
        note="(x, m, k): the bits of x under m and those k above change places.",
    ),
    hd20_next_same_popcount=row(
        "U->U", _next_same_popcount, where=_has_next, cases=each(0b1, 0b11, 0b1011, 0b1110)
    ),
    hd21_cycle_three=row(
        "(U,U,U,U)->U",
        lambda x, a, b, c, w: {a: b, b: c, c: a}[x],
        where=lambda x, a, b, c, w: x in (a, b, c) and len({a, b, c}) == 3,
        special=_cycle,
        cases=[(1, 1, 2, 3), (2, 1, 2, 3), (3, 1, 2, 3), (0, 0, 255, 9), (255, 9, 0, 255)],
        note="(x, a, b, c), the last three different, x one of them: a to b to c to a.",
    ),
    hd22_parity=row("U->U", lambda x, w: x.bit_count() & 1),
    hd23_popcount=row("U->U", lambda x, w: x.bit_count()),
    hd24_round_up_pow2=row(
        "U->U",
        lambda x, w: 1 << (x - 1).bit_length() if x else 0,
        cases=each(0, 1, 2, 3, 4, 5, 127, 128, 129),
        note="The least power of two not below x; it wraps to 0; 0 for 0.",
    ),
    hd25_mul_high=row(
        "(U,U)->U", lambda x, y, w: x * y >> w, note="High half of the unsigned product."
    ),
    nand2=row("(U,U)->U", lambda x, y, w: ~(x & y)),
    nor2=row("(U,U)->U", lambda x, y, w: ~(x | y)),
    xnor2=row("(U,U)->U", lambda x, y, w: ~(x ^ y)),
    and_not=row("(U,U)->U", lambda x, y, w: x & ~y),
    bit_select=row("(U,U,U)->U", lambda m, a, b, w: m & a | ~m & b),
    majority3=row("(U,U,U)->U", lambda x, y, z, w: x & y | y & z | z & x),
    xor3=row("(U,U,U)->U", lambda x, y, z, w: x ^ y ^ z),
    rotl_const=row("U->U", lambda x, w, k: x << k | x >> w - k, draw_at=_rotation),
    rotr_const=row("U->U", lambda x, w, k: x >> k | x << w - k, draw_at=_rotation),
    rotl_var=row("(U,U)->U", lambda x, k, w: x << k | x >> w - k, Words(), BELOW_WIDTH),
    bit_test=row("(U,U)->B", lambda x, k, w: bool(x >> k & 1), Words(), BELOW_WIDTH),
    bit_set=row("(U,U)->U", lambda x, k, w: x | 1 << k, Words(), BELOW_WIDTH),
    bit_clear=row("(U,U)->U", lambda x, k, w: x & ~(1 << k), Words(), BELOW_WIDTH),
    bit_toggle=row("(U,U)->U", lambda x, k, w: x ^ 1 << k, Words(), BELOW_WIDTH),
    low_mask=row("U->U", lambda n, w: (1 << n) - 1, BELOW_WIDTH, note="n ones, n below w."),
    extract_field=row(
        "(U,U,U)->U",
        lambda x, low, count, w: x >> low & (1 << count) - 1,
        Words(),
        BELOW_WIDTH,
        Integers(1, lambda _, p: p[0] - 1),
        where=_field_fits,
        note="(x, lowest bit, number of bits)",
    ),
    insert_byte=row(
        "(U,U)->U",
        lambda x, b, w, k: x & ~(255 << 8 * k) | b << 8 * k,
        Words(),
        BYTES,
        draw_at=lambda rng, w: (rng.randrange(w // 8),),
        widths=WIDE,
        note="The drawn byte of x is replaced.",
    ),
    sign_extend8=row(
        "U->U", lambda x, w: _signed(x & 255, 8), widths=WIDE, cases=each(127, 128, 255, 256)
    ),
    bswap16=row(
        "U->U",
        lambda x, w: _swap_bytes(x, 2),
        widths=WIDE,
        cases=each(0x1234, 0x80, 0x123456),
        note="Of the low 16 bits; the rest is cleared.",
    ),
    bswap32=row(
        "U->U",
        lambda x, w: _swap_bytes(x, 4),
        widths=WIDE,
        cases=each(0x12345678, 0x80),
        note="Of the low 32 bits; the rest is cleared.",
    ),
    swap_nibbles=row(
        "U->U",
        lambda x, w: (x & _nibbles(w)) << 4 | x >> 4 & _nibbles(w),
        cases=each(0x12, 0xF0),
        note="In every byte.",
    ),
    reverse_bits8=row(
        "U->U",
        lambda x, w: _reverse(x, 8),
        cases=each(1, 0x12, 0xF0),
        note="Of the low 8 bits; the rest is cleared.",
    ),
    reverse_bits32=row(
        "U->U",
        lambda x, w: _reverse(x, 32),
        widths=WIDE,
        cases=each(1, 0x12345678),
        note="Of the low 32 bits; the rest is cleared.",
    ),
    count_trailing_zeros=row(
        "U->U", lambda x, w: (x & -x).bit_length() - 1 if x else w, note="The width for 0."
    ),
    count_leading_zeros=row("U->U", lambda x, w: w - x.bit_length(), note="The width for 0."),
    ilog2=row("U->U", lambda x, w: x.bit_length() - 1, Words(1), note="Floor; x is not 0."),
    gray_encode=row("U->U", lambda x, w: x ^ x >> 1),
    gray_decode=row("U->U", lambda x, w: _gray_decode(x)),
    hamming_distance=row("(U,U)->U", lambda x, y, w: (x ^ y).bit_count()),
    align_up_pow2=row(
        "(U,U)->U",
        lambda x, a, w: x + a - 1 & -a,
        where=lambda x, a, w: a.bit_count() == 1,
        special=lambda rng, p: (Words().sample(rng, (), p), 1 << rng.randrange(p[0])),
        cases=[(13, 8), (16, 8), (0, 4), (1, 16)],
        note="(x, a), a a power of two: the least multiple of a not below x; it wraps to 0.",
    ),
    prev_pow2=row(
        "U->U",
        lambda x, w: 1 << x.bit_length() - 1 if x else 0,
        cases=each(0, 1, 3, 4, 5),
        note="The greatest power of two not above x; 0 for 0.",
    ),
    opposite_signs=row(
        "(I,I)->B",
        lambda a, b: (a < 0) != (b < 0),
        Integers(-(1 << 63), (1 << 63) - 1),
        Integers(-(1 << 63), (1 << 63) - 1),
        cases=[(0, -1), (0, 1), (-1, 0), (0, 0), (-1, -1)],
        note="By the sign bits: zero counts as positive.",
    ),
    one_bit_apart=row(
        "(U,U)->B",
        lambda x, y, w: (x ^ y).bit_count() == 1,
        special=lambda rng, p: (x := Words().sample(rng, (), p), x ^ 1 << rng.randrange(p[0])),
        cases=[(5, 5), (5, 4), (5, 6), (0, 128)],
    ),
    full_adder_carry=row(
        "(U,U,U)->U",
        lambda a, b, carry, w: a + b + carry >> w,
        Words(),
        Words(),
        Integers(0, 1),
        special=lambda rng, p: (
            x := Words().sample(rng, (), p),
            (~x + rng.randint(-1, 1)) % (1 << p[0]),
            rng.randrange(2),
        ),
        cases=lambda w: [(5, (1 << w) - 6 + more, carry) for carry in (0, 1) for more in (0, 1)],
        note="Carry out of the sum of two words and a carry bit.",
    ),
    morton_interleave8=row(
        "(U,U)->U",
        _interleave,
        BYTES,
        BYTES,
        widths=WIDE,
        note="Two bytes to 16 bits; those of the first at the even places.",
    ),
    xorshift_step=row(
        "U->U",
        _xorshift,
        note="Marsaglia's generator; left, right, left by 13, 7, 17 at 64 bits, 13, 17, 5 at 32, "
        "1, 1, 2 at 8.",
    ),
    saturating_add8=row(
        "(U,U)->U",
        lambda a, b, w: min(a + b, 255),
        BYTES,
        BYTES,
        cases=[(255, 255), (128, 127), (128, 128), (200, 100), (139, 4), (250, 3), (90, 99)],
        note="Of two bytes.",
    ),
    min_branchless=row("(U,U)->U", lambda x, y, w: min(x, y), note="Unsigned."),
)
