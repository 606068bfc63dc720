"""The built-in task set: 130 functions in 13 families, in the format of HumanEval files.

Each row of the tables is a name, a sentence and a reference body; arguments are drawn from a seeded
generator, three calls become examples in the prompt, twelve others the hidden tests.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

SEED = 7
EXAMPLES, HIDDEN = 3, 12

FILTERS = {
    "evens": ("even numbers", "[v for v in {0} if v % 2 == 0]"),
    "odds": ("odd numbers", "[v for v in {0} if v % 2 == 1]"),
    "positives": ("positive numbers", "[v for v in {0} if v > 0]"),
    "negatives": ("negative numbers", "[v for v in {0} if v < 0]"),
    "nonzeros": ("numbers that are not zero", "[v for v in {0} if v != 0]"),
    "large": ("numbers greater than 5", "[v for v in {0} if v > 5]"),
    "small": ("numbers between -5 and 5 inclusive", "[v for v in {0} if -5 <= v <= 5]"),
    "threes": ("multiples of three", "[v for v in {0} if v % 3 == 0]"),
    "distinct": ("numbers without repeats, first ones kept", "list(dict.fromkeys({0}))"),
    "peaks": (
        "numbers greater than the one before them",
        "[b for a, b in zip({0}, {0}[1:]) if b > a]",
    ),
}
MAPS = {
    "squares": ("squares", "[v * v for v in {0}]"),
    "doubles": ("doubles", "[2 * v for v in {0}]"),
    "absolutes": ("absolute values", "[abs(v) for v in {0}]"),
    "negated": ("negations", "[-v for v in {0}]"),
    "successors": ("successors", "[v + 1 for v in {0}]"),
    "halves": ("halves, rounded down,", "[v // 2 for v in {0}]"),
    "parities": ("remainders modulo two", "[v % 2 for v in {0}]"),
    "signs": ("signs (-1, 0 or 1)", "[(v > 0) - (v < 0) for v in {0}]"),
    "clipped": ("values cut to the range 0 to 9", "[min(max(v, 0), 9) for v in {0}]"),
    "cubes": ("cubes", "[v ** 3 for v in {0}]"),
}
REDUCTIONS = {
    "total": ("sum", "sum({0})"),
    "largest": ("largest (0 if there is none)", "max({0}, default=0)"),
    "smallest": ("smallest (0 if there is none)", "min({0}, default=0)"),
    "count": ("number", "len({0})"),
    "first": ("first (0 if there is none)", "({0} or [0])[0]"),
    "last": ("last (0 if there is none)", "({0} or [0])[-1]"),
    "spread": (
        "difference of largest and smallest (0 if there is none)",
        "max({0}, default=0) - min({0}, default=0)",
    ),
    "mean": ("mean, rounded down, (0 if there is none)", "sum({0}) // max(len({0}), 1)"),
    "kinds": ("number of different ones", "len(set({0}))"),
    "alternating": ("alternating sum", "sum({0}[::2]) - sum({0}[1::2])"),
}
SCANS = {
    "running_sums": (
        "sums of all prefixes",
        "[sum({0}[: i + 1]) for i in range(len({0}))]",
    ),
    "running_maxima": (
        "maxima of all prefixes",
        "[max({0}[: i + 1]) for i in range(len({0}))]",
    ),
    "deltas": ("differences of neighbours", "[b - a for a, b in zip({0}, {0}[1:])]"),
    "neighbour_sums": ("sums of neighbours", "[a + b for a, b in zip({0}, {0}[1:])]"),
    "reversed_list": ("numbers in reverse order", "{0}[::-1]"),
    "ascending": ("numbers in ascending order", "sorted({0})"),
    "descending": ("numbers in descending order", "sorted({0}, reverse=True)"),
    "without_ends": ("numbers without the first and the last", "{0}[1:-1]"),
    "every_second": ("numbers at even positions", "{0}[::2]"),
    "rotated": ("numbers with the first moved to the end", "{0}[1:] + {0}[:1]"),
}
PAIRS = [
    ("dot", "the dot product of a and b", "sum(x * y for x, y in zip(a, b))"),
    ("agreements", "at how many positions a and b agree", "sum(x == y for x, y in zip(a, b))"),
    ("distance", "the sum of absolute differences", "sum(abs(x - y) for x, y in zip(a, b))"),
    ("added", "the elementwise sums", "[x + y for x, y in zip(a, b)]"),
    ("upper", "the elementwise maxima", "[max(x, y) for x, y in zip(a, b)]"),
    ("common", "the numbers in both, ascending, once", "sorted(set(a) & set(b))"),
    ("either", "the numbers in either, ascending, once", "sorted(set(a) | set(b))"),
    ("missing", "the numbers of a that are not in b, in order", "[x for x in a if x not in b]"),
    ("interleaved", "a and b interleaved", "[v for pair in zip(a, b) for v in pair]"),
    ("merged", "all numbers of both, ascending", "sorted(a + b)"),
]
DIGITS = [
    ("digit_sum", "the sum of the decimal digits of n", "sum(map(int, str(n)))"),
    ("digit_count", "the number of decimal digits of n", "len(str(n))"),
    ("reversed_number", "n with its decimal digits reversed", "int(str(n)[::-1])"),
    ("largest_digit", "the largest decimal digit of n", "max(map(int, str(n)))"),
    ("is_palindrome", "whether n reads the same backwards", "str(n) == str(n)[::-1]"),
    ("digital_root", "the digital root of n", "1 + (n - 1) % 9 if n else 0"),
    ("zeros", "how many zeros the decimal digits of n have", "str(n).count('0')"),
    ("bit_count", "how many ones the binary form of n has", "bin(n).count('1')"),
    ("binary", "the binary form of n as text", "format(n, 'b')"),
    ("even_digits", "how many even decimal digits n has", "sum(int(c) % 2 == 0 for c in str(n))"),
]
NUMBERS = [
    ("factors", "the divisors of n, ascending", "[d for d in range(1, n + 1) if n % d == 0]"),
    ("is_prime", "whether n is a prime", "n > 1 and all(n % d for d in range(2, n))"),
    ("triangular", "the sum of 1 to n", "n * (n + 1) // 2"),
    ("root", "the largest integer whose square is at most n", "int(n ** 0.5)"),
    ("is_square", "whether n is a square", "int(n ** 0.5) ** 2 == n"),
    ("powers", "the powers of two that are at most n", "[2**i for i in range(n.bit_length())]"),
    ("next_even", "the smallest even number above n", "n + 2 - n % 2"),
    ("divisors", "how many divisors from 1 to n n has", "sum(n % k == 0 for k in range(1, n + 1))"),
    ("countdown", "the numbers from n down to 0", "list(range(n, -1, -1))"),
    ("odd_part", "n without its factors of two (0 for 0)", "n // (n & -n) if n else 0"),
]
TEXTS = [
    ("vowels", "how many vowels s has", "sum(c in 'aeiou' for c in s)"),
    ("backwards", "s backwards", "s[::-1]"),
    ("words", "how many words s has", "len(s.split())"),
    ("word_lengths", "the lengths of the words of s", "[len(w) for w in s.split()]"),
    ("capitals", "s with every word capitalised", "' '.join(w.capitalize() for w in s.split())"),
    ("longest_word", "the first longest word of s", "max(s.split(), key=len)"),
    ("reversed_words", "the words of s in reverse order", "' '.join(s.split()[::-1])"),
    ("without_vowels", "s without its vowels", "''.join(c for c in s if c not in 'aeiou')"),
    ("letters", "the different letters of s, sorted", "''.join(sorted(set(s) - {' '}))"),
    ("initials", "the first letters of the words of s", "''.join(w[0] for w in s.split())"),
]

_WORDS = [
    "red",
    "green",
    "blue",
    "apple",
    "orange",
    "tree",
    "stone",
    "river",
    "a",
    "cat",
    "under",
    "seven",
    "lazy",
    "old",
    "house",
]


def _numbers(rng: random.Random) -> tuple[list[int]]:
    return ([rng.randint(-20, 20) for _ in range(rng.randint(0, 9))],)


def _two_lists(rng: random.Random) -> tuple[list[int], list[int]]:
    size = rng.randint(1, 7)
    return [rng.randint(0, 9) for _ in range(size)], [rng.randint(0, 9) for _ in range(size)]


def _natural(rng: random.Random) -> tuple[int]:
    return (rng.choice([0, 1, 2, 9, 10, rng.randint(0, 99), rng.randint(0, 5000)]),)


def _text(rng: random.Random) -> tuple[str]:
    return (" ".join(rng.choice(_WORDS) for _ in range(rng.randint(1, 5))),)


def _single(table: dict[str, tuple[str, str]], article: str) -> Iterator[tuple[str, str, str]]:
    for name, (words, body) in table.items():
        yield name, f"{article} {words} of the list v", body.format("v")


def _composed(
    outer: dict[str, tuple[str, str]], inner: dict[str, tuple[str, str]], rng: random.Random
) -> Iterator[tuple[str, str, str]]:
    pairs = [(a, b) for a in outer for b in inner]
    for a, b in rng.sample(pairs, 10):
        sentence = f"of the {inner[b][0]} of the list v, the {outer[a][0]}"
        yield f"{a}_of_{b}", sentence, outer[a][1].format(f"({inner[b][1].format('v')})")


def _deep(rng: random.Random) -> Iterator[tuple[str, str, str]]:
    for _ in range(10):
        a, b, c = (rng.choice(list(t)) for t in (REDUCTIONS, MAPS, FILTERS))
        inside = MAPS[b][1].format(f"({FILTERS[c][1].format('v')})")
        sentence = f"of the {MAPS[b][0]} of the {FILTERS[c][0]} of v, the {REDUCTIONS[a][0]}"
        yield f"{a}_of_{b}_of_{c}", sentence, REDUCTIONS[a][1].format(f"({inside})")


def _families() -> dict[str, tuple[str, Callable[[random.Random], tuple[Any, ...]], list[Any]]]:
    rng = random.Random(SEED)
    return {
        "filter": ("v", _numbers, list(_single(FILTERS, "the"))),
        "map": ("v", _numbers, list(_single(MAPS, "the"))),
        "reduce": ("v", _numbers, list(_single(REDUCTIONS, "the"))),
        "scan": ("v", _numbers, list(_single(SCANS, "the"))),
        "filter-reduce": ("v", _numbers, list(_composed(REDUCTIONS, FILTERS, rng))),
        "map-reduce": ("v", _numbers, list(_composed(REDUCTIONS, MAPS, rng))),
        "filter-map": ("v", _numbers, list(_composed(MAPS, FILTERS, rng))),
        "scan-reduce": ("v", _numbers, list(_composed(REDUCTIONS, SCANS, rng))),
        "filter-map-reduce": ("v", _numbers, list(_deep(rng))),
        "pairs": ("a, b", _two_lists, PAIRS),
        "digits": ("n", _natural, DIGITS),
        "numbers": ("n", _natural, NUMBERS),
        "text": ("s", _text, TEXTS),
    }


def builtin_rows() -> Iterator[dict[str, Any]]:
    """The rows of the task file, the same in every run."""
    for family, (arguments, draw, rows) in _families().items():
        for number, (name, sentence, body) in enumerate(rows):
            rng = random.Random(f"{SEED} {family} {number}")
            source = f"def {name}({arguments}):\n    return {body}\n"
            space: dict[str, Any] = {}
            exec(source, space)  # the reference above, not a candidate
            calls: dict[str, Any] = {}
            while len(calls) < EXAMPLES + HIDDEN:
                args = draw(rng)
                calls[", ".join(map(repr, args))] = space[name](*args)
            cases = list(calls.items())
            examples = "".join(f"    >>> {name}({a})\n    {r!r}\n" for a, r in cases[:EXAMPLES])
            checks = "".join(f"    assert candidate({a}) == {r!r}\n" for a, r in cases[EXAMPLES:])
            yield {
                "task_id": f"{family}/{number}",
                "family": family,
                "prompt": f"def {name}({arguments}):\n"
                f'    """Return {sentence}.\n\n{examples}    """\n',
                "entry_point": name,
                "canonical_solution": f"    return {body}\n",
                "test": f"def check(candidate):\n{checks}",
            }
