"""B2: strings of printable ASCII; words are separated by spaces."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ncpu.synth.suites.domains import Arguments, Integers, Parameters, Strings
from ncpu.synth.suites.family import each, families, row
from ncpu.synth.suites.text import (
    CHARACTER,
    LOWER,
    MIXED_TEXT,
    NON_EMPTY,
    PLANTED,
    SENTENCES,
    SPACED,
    TIDY,
    word_of,
    words_of,
)

VOWELS = "aeiouAEIOU"
VOWEL_CASES = each("Hello World", "AEIOU", "rhythm", "banana")
SPACE_CASES = each("  two words ", "one", "a  b", "   ")


def _literal(*choices: str) -> Callable[[Random], Parameters]:
    return lambda rng: (rng.choice(choices),)


def _planted(literal: str) -> list[Arguments]:
    return each(
        literal, "my " + literal, literal + " x", literal[:-1], literal[1:], literal.upper()
    )


def _palindrome(rng: Random, _: Parameters) -> Arguments:
    half = "".join(rng.choices("abcA ", k=rng.randrange(5)))
    return (half + half[-1 - rng.randrange(2) :: -1] if half else half,)


def _fields(rng: Random, _: Parameters) -> str:
    return ",".join(
        "".join(rng.choices(LOWER, k=rng.randrange(5))) for _ in range(rng.randint(1, 5))
    )


def _parenthesised(rng: Random, _: Parameters) -> str:
    before, inside, after = (" ".join(words_of(rng, 0, 2)) for _ in range(3))
    return f"{before}({inside}){after}"


def _email(rng: Random, _: Parameters) -> str:
    return f"{'.'.join(words_of(rng, 1, 2))}@{'.'.join(words_of(rng, 1, 3))}"


def _file_name(rng: Random, _: Parameters) -> str:
    return ".".join(words_of(rng, 1, 3))


def _extension(name: str) -> str:
    return name.rpartition(".")[2] if "." in name else ""


def _full_name(rng: Random, _: Parameters) -> str:
    return " ".join(word_of(rng).capitalize() for _ in range(2))


def _phone(rng: Random, _: Parameters) -> str:
    a, b, c = (str(rng.randrange(10**n)).zfill(n) for n in (3, 3, 4))
    return rng.choice((f"({a}) {b}-{c}", f"{a}-{b}-{c}"))


def _caesar(text: str, k: int) -> str:
    def shifted(letter: str) -> str:
        if not letter.isalpha():
            return letter
        first = ord("a" if letter.islower() else "A")
        return chr((ord(letter) - first + k) % 26 + first)

    return "".join(map(shifted, text))


def _camel(text: str) -> str:
    first, *rest = text.split(" ")
    return first + "".join(map(str.capitalize, rest))


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


FAMILIES = families(
    "B2",
    string_length=row("S->I", len, SPACED),
    trimmed_len=row(
        "S->I", lambda s: len(s.strip()), SPACED, cases=SPACE_CASES, note="Without outer spaces."
    ),
    vowel_count=row(
        "S->I",
        lambda s: sum(c in VOWELS for c in s),
        MIXED_TEXT,
        cases=VOWEL_CASES,
        note="a e i o u, small and capital.",
    ),
    digit_chars=row(
        "S->I",
        lambda s: len(_digits(s)),
        MIXED_TEXT,
        cases=each("a1b22", "2024"),
        note="Their number.",
    ),
    count_char=row(
        "(S,S)->I",
        str.count,
        SENTENCES,
        CHARACTER,
        cases=[("banana", "a"), ("banana", "n"), ("banana", "x"), ("a b c", " ")],
        note="The second is one character.",
    ),
    count_words=row("S->I", lambda s: len(s.split()), SPACED, cases=SPACE_CASES),
    contains_cat=row(
        "S->B",
        lambda s, t: t in s,
        PLANTED,
        draw=_literal("cat", "dog", "fox", "ox", "bird"),
        cases=_planted,
        note="The literal is drawn; case matters.",
    ),
    starts_with_m=row(
        "S->B",
        str.startswith,
        PLANTED,
        draw=_literal(*"mbtsr"),
        cases=lambda t: each("", t, t + "ap", "a" + t, t.upper() + "ap", "xy"),
        note="The letter is drawn; case matters.",
    ),
    ends_with_literal=row(
        "S->B",
        str.endswith,
        PLANTED,
        draw=_literal("ing", "ed", "txt", "ly", "s"),
        cases=_planted,
        note="The literal is drawn; case matters.",
    ),
    palindrome_check=row(
        "S->B",
        lambda s: s == s[::-1],
        special=_palindrome,
        cases=each("", "a", "ab", "aba", "abba", "Aba", "abca"),
        note="Of all characters; case matters.",
    ),
    reverse_string=row("S->S", lambda s: s[::-1]),
    to_upper=row("S->S", str.upper, MIXED_TEXT, cases=each("Hello, World 1")),
    capitalize=row(
        "S->S",
        str.capitalize,
        MIXED_TEXT,
        cases=each("hello World", "ABC", "1abC"),
        note="First character to upper case, the others to lower.",
    ),
    swap_case=row("S->S", str.swapcase, MIXED_TEXT, cases=each("Hello, World 1")),
    concat_sep=row(
        "(S,S)->S", lambda a, b, sep: a + sep + b, draw=_literal("-", ", ", "/", ":", "_")
    ),
    repeat_n=row("(S,I)->S", str.__mul__, SENTENCES, Integers(0, 6)),
    remove_spaces=row("S->S", lambda s: s.replace(" ", ""), SPACED, cases=SPACE_CASES),
    replace_char=row(
        "S->S",
        str.replace,
        Strings(
            lambda rng, p: "".join(rng.choices(LOWER + 12 * p[0], k=rng.randrange(12))), letters=""
        ),
        draw=lambda rng: tuple(rng.sample("aeionrst", 2)),
        cases=lambda old, new: each(old, new, old + new + old, "x" + old + old + "y"),
        note="Both characters are drawn.",
    ),
    remove_vowels=row(
        "S->S",
        lambda s: "".join(c for c in s if c not in VOWELS),
        MIXED_TEXT,
        cases=VOWEL_CASES,
        note="a e i o u, small and capital.",
    ),
    first_word=row("S->S", lambda s: s.split()[0], TIDY, note="Single spaces, at least a word."),
    last_word=row("S->S", lambda s: s.split()[-1], TIDY, note="Single spaces, at least a word."),
    initials=row("S->S", lambda s: "".join(w[0] for w in s.split()), TIDY),
    nth_field=row(
        "(S,I)->S",
        lambda s, k: s.split(",")[k],
        Strings(_fields, "[a-z,]*", "ab,"),
        Integers(0, lambda earlier, _: earlier[0].count(",")),
        cases=[("ab,cd,ef", 0), ("ab,cd,ef", 1), ("ab,cd,ef", 2), (",x,", 0)],
        note="Between commas, k from 0.",
    ),
    between_parens=row(
        "S->S",
        lambda s: s[s.index("(") + 1 : s.index(")")],
        Strings(_parenthesised, "[a-z ]*[(][a-z ]*[)][a-z ]*", "a()"),
        note="Of exactly one pair.",
    ),
    domain_of_email=row(
        "S->S",
        lambda s: s.partition("@")[2],
        Strings(_email, "[a-z.]+@[a-z.]+", "a@."),
        cases=each("a.b@c.org", "joe@mail.example.com"),
    ),
    file_extension=row(
        "S->S",
        _extension,
        Strings(_file_name, "[a-z.]+", "ab."),
        cases=each("a.txt", "archive.tar.gz", "readme"),
        note="After the last dot; empty without a dot.",
    ),
    last_first_swap=row(
        "S->S",
        lambda s: ", ".join(reversed(s.split(" "))),
        Strings(_full_name, "[A-Za-z]+ [A-Za-z]+", "Ab "),
        note="Ada Byron to Byron, Ada.",
    ),
    area_code=row(
        "S->S",
        lambda s: _digits(s)[:3],
        Strings(_phone, r"\(\d{3}\) \d{3}-\d{4}|\d{3}-\d{3}-\d{4}", "1()"),
        cases=each("(555) 123-4567", "212-555-0100"),
        note="Of (ddd) ddd-dddd and ddd-ddd-dddd.",
    ),
    digits_only=row("S->S", _digits, MIXED_TEXT, cases=each("a1b22", "2024", "x")),
    left_pad_zero=row(
        "(S,I)->S",
        lambda s, n: s.rjust(n, "0"),
        Strings(lambda rng, _: str(rng.randrange(10 ** rng.randint(1, 6))), "[0-9a-z]*", "10a"),
        Integers(0, 10),
        cases=[("42", 5), ("42", 2), ("42", 1), ("", 3)],
        note="To at least n characters.",
    ),
    caesar_shift=row(
        "(S,I)->S",
        _caesar,
        MIXED_TEXT,
        Integers(0, 25),
        cases=[("abc", 3), ("xyz", 3), ("Hello, World", 13), ("a-z", 25)],
        note="Letters only; case stays.",
    ),
    middle_char=row(
        "S->S",
        lambda s: s[len(s) // 2],
        NON_EMPTY,
        cases=each("a", "ab", "abc", "abcd"),
        note="Of an even number the second of the middle two.",
    ),
    longest_word_len=row(
        "S->I",
        lambda s: max(map(len, s.split()), default=0),
        SPACED,
        cases=[*SPACE_CASES, *each("a bcd ef", "a bc  def g h", "one two three of")],
    ),
    camel_case=row(
        "S->S", _camel, TIDY, cases=each("hello big world", "one"), note="helloBigWorld"
    ),
    sum_of_digits_in=row(
        "S->I", lambda s: sum(map(int, _digits(s))), MIXED_TEXT, cases=each("a1b22", "2024", "x")
    ),
)
