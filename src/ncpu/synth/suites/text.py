"""Strings to sample from: words, sentences, and texts with the drawn literal planted in them."""

from __future__ import annotations

from random import Random

from ncpu.synth.suites.domains import Parameters, Strings

LOWER = "abcdefghijklmnopqrstuvwxyz"
MIXED = LOWER + "aeiou" + LOWER.upper() + "0123456789" + "    .,-!?"


def word_of(rng: Random, letters: str = LOWER, longest: int = 7) -> str:
    """A word of one to `longest` letters."""
    return "".join(rng.choices(letters, k=rng.randint(1, longest)))


def words_of(rng: Random, least: int = 1, most: int = 5) -> list[str]:
    """Words of lower-case letters."""
    return [word_of(rng) for _ in range(rng.randint(least, most))]


def _sentence(rng: Random, _: Parameters) -> str:
    return " ".join(words_of(rng, 0))


def _tidy(rng: Random, _: Parameters) -> str:
    return " ".join(words_of(rng))


def _spaced(rng: Random, _: Parameters) -> str:
    gaps = [" " * rng.choice((1, 1, 1, 2, 3)) for _ in range(6)]
    inner = "".join(a + b for a, b in zip(words_of(rng, 0), gaps, strict=False))
    return " " * rng.choice((0, 0, 1, 2)) + inner.rstrip() + " " * rng.choice((0, 0, 1, 3))


def _mixed(rng: Random, _: Parameters) -> str:
    return "".join(rng.choices(MIXED, k=rng.randrange(13)))


def _planted(rng: Random, parameters: Parameters) -> str:
    literal = parameters[0]
    text = " ".join(words_of(rng, 0, 3))
    if rng.random() < 0.5:
        at = rng.choice((0, len(text), rng.randint(0, len(text))))
        return text[:at] + literal + text[at:]
    if rng.random() < 0.5:  # nearly the literal
        return text + literal[: rng.randint(0, len(literal))] + rng.choice(LOWER)
    return text


SENTENCES = Strings(_sentence)
TIDY = Strings(_tidy, "[a-z]+( [a-z]+)*")
SPACED = Strings(_spaced)
MIXED_TEXT = Strings(_mixed, letters="aB1")
NON_EMPTY = Strings(lambda rng, p: _sentence(rng, p) or "x", "[ -~]+")
PLANTED = Strings(_planted, letters="")
CHARACTER = Strings(lambda rng, _: rng.choice("aeinorst "), "[ -~]")
WORD = Strings(lambda rng, _: word_of(rng), "[a-z]*", "abc")
