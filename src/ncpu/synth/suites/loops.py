"""A6: scalar loops and recurrences."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from random import Random

from ncpu.synth.suites.domains import Integers
from ncpu.synth.suites.family import each, families, row

TERMS = Integers(0, 1000)
NATURAL = Integers(0, 10**6)
DIGITS = Integers(0, 10**12)
SMALL = Integers(0, 2000)
POSITIVE = Integers(1, 2000)
NUMBERS = each(0, 7, 10, 99, 100, 1234, 90817)
FLOORS = "Every quotient is floored."


def recurrence(*initial: int, step: Callable[..., int]) -> Callable[[int], int]:
    """The n-th term, from 0, of a recurrence over as many terms as are given to start."""

    def term(n: int) -> int:
        terms = initial
        for _ in range(n):
            terms = (*terms[1:], step(*terms))
        return terms[0]

    return term


fibonacci = recurrence(0, 1, step=lambda a, b: a + b)


def digits(n: int, base: int = 10) -> list[int]:
    """Digits, the last first; one for 0."""
    found = [n % base]
    while n := n // base:
        found.append(n % base)
    return found


@lru_cache(maxsize=4096)
def divisors(n: int) -> tuple[int, ...]:
    """All divisors of a positive n, ascending."""
    return tuple(d for d in range(1, n + 1) if n % d == 0)


@lru_cache(maxsize=8192)
def is_prime(n: int) -> bool:
    """Whether n is a prime."""
    return n > 1 and all(n % d for d in range(2, math.isqrt(n) + 1))


def collatz(n: int) -> list[int]:
    """From a positive n to 1."""
    path = [n]
    while n != 1:
        n = 3 * n + 1 if n % 2 else n // 2
        path.append(n)
    return path


def _extended(a: int, b: int) -> int:
    x, following = 1, 0
    while b:
        x, following = following, x - a // b * following
        a, b = b, a % b
    return x


def _cube_root(n: int) -> int:
    root = round(n ** (1 / 3))
    while root**3 > n:
        root -= 1
    while (root + 1) ** 3 <= n:
        root += 1
    return root


def _logarithm(n: int, base: int) -> int:
    return len(digits(n, base)) - 1


def _next_prime(n: int) -> int:
    return next(p for p in range(n + 1, 2 * n + 3) if is_prime(p))


def _armstrong(n: int) -> bool:
    return sum(d ** len(digits(n)) for d in digits(n)) == n


def _reverse(n: int) -> int:
    return int(str(n)[::-1])


def _palindrome(rng: Random, _: tuple) -> tuple[int]:
    half = str(rng.randint(1, 9999))
    return (int(half + half[-1 - rng.randrange(2) :: -1]),)


def _power_off_one(rng: Random, _: tuple) -> tuple[int]:
    return ((1 << rng.randint(1, 19)) - rng.choice((1, 1, 0)),)


def _multiples(rng: Random, _: tuple) -> tuple[int, ...]:
    divisor = rng.randint(2, 30)
    return tuple(divisor * rng.randint(0, 1000 // divisor) for _ in range(3))


def _double_factorial(n: int) -> int:
    return math.prod(range(n, 0, -2))


def _alternating(n: int) -> int:
    return sum(k if k % 2 else -k for k in range(1, n + 1))


def _fib_mod(n: int, m: int) -> int:
    return recurrence(0, 1, step=lambda a, b: (a + b) % m)(n) % m


NTH = each(0, 1, 2, 3, 4, 5, 6, 10)

FAMILIES = families(
    "A6",
    sum_to_n=row("I->I", lambda n: sum(range(n + 1)), TERMS, cases=NTH),
    nth_triangle=row("I->I", lambda n: n * (n + 1) // 2, TERMS, cases=NTH, note="Exact."),
    sum_squares=row("I->I", lambda n: sum(k * k for k in range(n + 1)), TERMS, cases=NTH),
    sum_cubes=row("I->I", lambda n: sum(k**3 for k in range(n + 1)), TERMS, cases=NTH),
    sum_odds=row(
        "I->I", lambda n: sum(range(1, n + 1, 2)), TERMS, cases=NTH, note="Odd numbers up to n."
    ),
    sum_evens=row(
        "I->I", lambda n: sum(range(0, n + 1, 2)), TERMS, cases=NTH, note="Even numbers up to n."
    ),
    alternating_to_n=row("I->I", _alternating, TERMS, cases=NTH, note="1 - 2 + 3 - ... n"),
    product_1_to_n=row("I->I", lambda n: math.prod(range(1, n + 1)), Integers(0, 20), cases=NTH),
    factorial=row("I->I", math.factorial, Integers(0, 20), cases=NTH),
    double_factorial=row(
        "I->I", _double_factorial, Integers(0, 30), cases=[*NTH, (7,), (9,)], note="n (n-2) ..."
    ),
    power=row(
        "(I,I)->I",
        pow,
        Integers(-10, 10),
        Integers(0, 15),
        cases=[(0, 0), (2, 10), (-3, 3), (7, 1)],
    ),
    mod_pow=row(
        "(I,I,I)->I",
        pow,
        TERMS,
        Integers(0, 200),
        Integers(1, 10**6),
        cases=[(2, 10, 1000), (3, 0, 7), (5, 3, 1), (0, 0, 5), (7, 13, 11)],
        note="(base, exponent, modulus)",
    ),
    geometric_sum=row(
        "(I,I)->I",
        lambda r, n: sum(r**k for k in range(n + 1)),
        Integers(-10, 10),
        Integers(0, 15),
        cases=[(2, 0), (2, 4), (1, 5), (-1, 4), (0, 3), (3, 3)],
        note="(r, n): powers 0 to n of r.",
    ),
    harmonic_sum=row(
        "I->I", lambda n: sum(n // k for k in range(1, n + 1)), TERMS, cases=NTH, note=FLOORS
    ),
    nested_sum=row("I->I", lambda n: sum(k * (k + 1) // 2 for k in range(n + 1)), TERMS, cases=NTH),
    gcd=row("(I,I)->I", math.gcd, NATURAL, NATURAL, cases=[(0, 0), (0, 5), (12, 18), (18, 12)]),
    gcd3=row(
        "(I,I,I)->I",
        math.gcd,
        TERMS,
        TERMS,
        TERMS,
        special=_multiples,
        cases=[(12, 18, 30), (0, 0, 4)],
    ),
    lcm=row("(I,I)->I", math.lcm, NATURAL, NATURAL, cases=[(0, 5), (4, 6), (6, 3), (7, 5)]),
    gcd_extended=row(
        "(I,I)->I",
        _extended,
        NATURAL,
        NATURAL,
        cases=[(0, 5), (5, 0), (12, 18), (35, 15), (240, 46), (3, 7)],
        note="(a, b): x of a x + b y = gcd, as the extended Euclidean algorithm gives it.",
    ),
    coprime=row("(I,I)->B", lambda a, b: math.gcd(a, b) == 1, NATURAL, NATURAL),
    fibonacci=row("I->I", fibonacci, Integers(0, 90), cases=NTH, note="From 0, 1."),
    fib_iter=row("I->I", fibonacci, Integers(0, 90), cases=NTH, note="From 0, 1."),
    fib_cached=row("I->I", fibonacci, Integers(0, 90), cases=NTH, note="From 0, 1."),
    fib_mod=row(
        "(I,I)->I",
        _fib_mod,
        Integers(0, 300),
        Integers(1, 10**6),
        cases=[(0, 1), (1, 1), (10, 7), (20, 1000), (12, 5)],
        note="(n, modulus), Fibonacci from 0, 1.",
    ),
    lucas_number=row(
        "I->I",
        recurrence(2, 1, step=lambda a, b: a + b),
        Integers(0, 88),
        cases=NTH,
        note="From 2, 1.",
    ),
    tribonacci=row(
        "I->I",
        recurrence(0, 0, 1, step=lambda a, b, c: a + b + c),
        Integers(0, 70),
        cases=NTH,
        note="From 0, 0, 1.",
    ),
    pell=row(
        "I->I",
        recurrence(0, 1, step=lambda a, b: a + 2 * b),
        Integers(0, 48),
        cases=NTH,
        note="From 0, 1.",
    ),
    jacobsthal=row(
        "I->I",
        recurrence(0, 1, step=lambda a, b: 2 * a + b),
        Integers(0, 60),
        cases=NTH,
        note="From 0, 1.",
    ),
    catalan=row(
        "I->I",
        lambda n: math.comb(2 * n, n) // (n + 1),
        Integers(0, 30),
        cases=NTH,
        note="Exact.",
    ),
    digit_sum=row("I->I", lambda n: sum(digits(n)), DIGITS, cases=NUMBERS),
    digit_count=row("I->I", lambda n: len(digits(n)), DIGITS, cases=NUMBERS, note="1 for 0."),
    digit_product=row("I->I", lambda n: math.prod(digits(n)), DIGITS, cases=each(0, 7, 999, 1234)),
    max_digit=row("I->I", lambda n: max(digits(n)), DIGITS, cases=NUMBERS),
    min_digit=row("I->I", lambda n: min(digits(n)), DIGITS, cases=[*NUMBERS, (98,), (5678,)]),
    reverse_digits=row("I->I", _reverse, DIGITS, cases=NUMBERS),
    count_even_digits=row(
        "I->I", lambda n: sum(d % 2 == 0 for d in digits(n)), DIGITS, cases=NUMBERS, note="1 for 0."
    ),
    sum_odd_digits=row("I->I", lambda n: sum(d for d in digits(n) if d % 2), DIGITS, cases=NUMBERS),
    digital_root=row("I->I", lambda n: (n - 1) % 9 + 1 if n else 0, DIGITS, cases=NUMBERS),
    leading_digit=row("I->I", lambda n: digits(n)[-1], DIGITS, cases=NUMBERS),
    palindrome_number=row(
        "I->B",
        lambda n: n == _reverse(n),
        DIGITS,
        special=_palindrome,
        cases=each(0, 7, 10, 11, 121, 122, 1221, 100),
    ),
    armstrong_check=row(
        "I->B",
        _armstrong,
        NATURAL,
        special=lambda rng, _: (rng.choice((rng.randrange(10), 153, 370, 371, 407, 1634, 9474)),),
        cases=each(0, 7, 10, 153, 154, 370, 371, 407, 1634, 100),
        note="The sum of the digits to the power of their number is n.",
    ),
    count_digit_k=row(
        "(I,I)->I",
        lambda n, k: digits(n).count(k),
        DIGITS,
        Integers(0, 9),
        special=lambda rng, _: (
            int("0" + "".join(rng.choices("0377", k=9))),
            rng.choice((0, 3, 7)),
        ),
        cases=[(0, 0), (0, 1), (100, 0), (3373, 3), (12, 3)],
        note="(n, digit); 0 has one digit 0.",
    ),
    popcount=row("I->I", int.bit_count, Integers(0, (1 << 62) - 1), cases=each(0, 7, 8, 255)),
    bit_length=row("I->I", int.bit_length, Integers(0, (1 << 62) - 1), cases=each(0, 7, 8, 255)),
    collatz_steps=row(
        "I->I", lambda n: len(collatz(n)) - 1, Integers(1, 10_000), cases=each(1, 2, 3, 6, 7, 27)
    ),
    collatz_peak=row(
        "I->I", lambda n: max(collatz(n)), Integers(1, 10_000), cases=each(1, 2, 3, 27)
    ),
    is_prime=row("I->B", is_prime, SMALL, cases=each(0, 1, 2, 3, 4, 9, 25, 97)),
    next_prime=row("I->I", _next_prime, SMALL, cases=each(0, 1, 2, 3, 7, 13, 89)),
    count_primes_to=row(
        "I->I",
        lambda n: sum(map(is_prime, range(n + 1))),
        Integers(0, 300),
        cases=each(0, 1, 2, 3, 10, 11, 100),
        note="Up to n, n included.",
    ),
    count_divisors=row("I->I", lambda n: len(divisors(n)), POSITIVE, cases=each(1, 2, 6, 7, 36)),
    sum_of_divisors=row(
        "I->I", lambda n: sum(divisors(n)), POSITIVE, cases=each(1, 2, 6, 7, 36), note="n included."
    ),
    smallest_factor=row(
        "I->I",
        lambda n: divisors(n)[1],
        Integers(2, 2000),
        cases=each(2, 3, 4, 15, 49, 97),
        note="The least prime factor.",
    ),
    perfect_check=row(
        "I->B",
        lambda n: sum(divisors(n)) == 2 * n,
        POSITIVE,
        special=lambda rng, _: (rng.choice((6, 28, 496)) + rng.choice((0, 0, 1, -1)),),
        cases=each(1, 2, 6, 12, 28, 24, 496, 495),
    ),
    euler_totient=row(
        "I->I",
        lambda n: sum(math.gcd(n, k) == 1 for k in range(1, n + 1)),
        Integers(1, 500),
        cases=each(1, 2, 3, 4, 6, 7, 9, 30),
    ),
    mersenne_check=row(
        "I->B",
        lambda n: n & n + 1 == 0,
        Integers(1, 10**6),
        special=_power_off_one,
        cases=each(1, 2, 3, 4, 7, 8, 15, 31),
        note="Whether n is 2^k - 1, k positive; prime or not.",
    ),
    triangular_check=row(
        "I->B",
        lambda n: math.isqrt(8 * n + 1) ** 2 == 8 * n + 1,
        NATURAL,
        special=lambda rng, _: ((k := rng.randint(1, 1000)) * (k + 1) // 2 + rng.randrange(2),),
        cases=each(0, 1, 2, 3, 4, 6, 10, 11),
    ),
    is_perfect_square=row(
        "I->B",
        lambda n: math.isqrt(n) ** 2 == n,
        NATURAL,
        special=lambda rng, _: (rng.randint(1, 999) ** 2 + rng.randrange(2),),
        cases=each(0, 1, 2, 3, 4, 8, 9, 16),
    ),
    isqrt=row("I->I", math.isqrt, NATURAL, cases=each(0, 1, 3, 4, 8, 9, 99, 100)),
    icbrt=row("I->I", _cube_root, NATURAL, cases=each(0, 1, 7, 8, 26, 27, 999, 1000)),
    ilog10=row(
        "I->I", lambda n: len(str(n)) - 1, Integers(1, 10**12), cases=each(1, 9, 10, 99, 100, 1000)
    ),
    next_power_of_2=row(
        "I->I",
        lambda n: 1 << max(n - 1, 0).bit_length(),
        NATURAL,
        cases=each(0, 1, 2, 3, 4, 5, 8, 9),
        note="The least power of two not below n; 1 for 0.",
    ),
    binomial=row(
        "(I,I)->I",
        math.comb,
        Integers(0, 40),
        Integers(0, 40),
        cases=[(0, 0), (5, 0), (5, 2), (5, 5), (5, 6), (10, 3)],
        note="(n, k); 0 for k above n.",
    ),
    sum_multiples_3_5=row(
        "I->I",
        lambda n: sum(k for k in range(n) if k % 3 == 0 or k % 5 == 0),
        TERMS,
        cases=each(0, 3, 4, 5, 6, 10, 16),
        note="Multiples of 3 or 5 below n.",
    ),
    integer_log=row(
        "(I,I)->I",
        _logarithm,
        Integers(1, 10**6),
        Integers(2, 20),
        special=lambda rng, _: (
            (b := rng.randint(2, 10)) ** rng.randint(1, 5) - rng.randrange(2),
            b,
        ),
        cases=[(1, 2), (8, 2), (7, 2), (100, 10), (99, 10), (3, 5)],
        note="(n, base): floor of the logarithm.",
    ),
    to_base_digit_sum=row(
        "(I,I)->I",
        lambda n, base: sum(digits(n, base)),
        NATURAL,
        Integers(2, 16),
        cases=[(0, 2), (7, 2), (255, 16), (123, 10)],
        note="(n, base)",
    ),
)
