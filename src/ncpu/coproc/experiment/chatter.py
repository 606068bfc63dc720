"""Other text, in which nothing is to be computed although much of it has numbers and operators."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ncpu.coproc.experiment.compose import asking
from ncpu.coproc.experiment.problems import digits
from ncpu.coproc.experiment.text import PEOPLE, UNITS, Line, junk
from ncpu.coproc.read import Role

_ADJECTIVES = ("red", "small", "old", "quick", "green", "quiet")
_NOUNS = ("cat", "dog", "bird", "fox", "horse", "mouse")
_VERBS = ("sees", "likes", "follows", "hears", "finds")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_KEYS = ("total", "k", "size", "rate", "x", "count", "limit", "score")


def _number(rng: Random) -> str:
    return digits(rng, 1, 4) if rng.random() < 0.7 else digits(rng, 5, 9)


def _word(rng: Random) -> str:
    return "".join(rng.choice(_LETTERS) for _ in range(rng.randint(2, 5)))


def _noun(rng: Random) -> str:
    return f"{rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)}"


def expression(rng: Random) -> str:
    """What asks for arithmetic where it is not quoted, up to where the answer would begin."""
    line = asking(rng)
    return line.prompt if rng.random() < 0.7 else line.prompt.rstrip(" =:>-")


def sentence(rng: Random) -> str:
    """A sentence of a toy grammar."""
    if rng.random() < 0.4:
        return f"the {_number(rng)} {rng.choice(_NOUNS)}s and {_number(rng)} {rng.choice(UNITS)}."
    return f"the {_noun(rng)} {rng.choice(_VERBS)} a {_noun(rng)}."


def _copy(rng: Random) -> str:
    words = " ".join(rng.choice((_word, _number))(rng) for _ in range(rng.randint(2, 4)))
    return f"copy: {words} -> {words}"


def _copy_expression(rng: Random) -> str:
    words = expression(rng).rstrip()
    return f"copy: {words} -> {words}"


def _sort(rng: Random) -> str:
    if rng.random() < 0.5:
        values = [rng.randint(0, 99) for _ in range(rng.randint(2, 5))]
        inside, out = values, sorted(values)
    else:
        inside = rng.sample(_LETTERS, rng.randint(2, 5))
        out = sorted(inside)
    arrow = rng.choice(("->", "=>", "="))
    return f"sort: {' '.join(map(str, inside))} {arrow} {' '.join(map(str, out))}"


def _reverse(rng: Random) -> str:
    word = rng.choice((_word, _number))(rng)
    return f"reverse: {word} {rng.choice(('->', '='))} {word[::-1]}"


def _repeat(rng: Random) -> str:
    quote = rng.choice("\"'")
    text = expression(rng)
    order = rng.choice(("repeat", "say", "print", "write", "echo"))
    return f"{order} {quote}{text}{quote}: {text}" if rng.random() < 0.5 else (
        f"{order} {quote}{text}{quote} -> {quote}{text}{quote}"
    )  # fmt: skip


def _quote(rng: Random) -> str:
    quote = rng.choice("\"'")
    said = rng.choice(("said", "wrote", "read", "asked", "shouted"))
    after = rng.choice(
        ("and left.", "twice.", "to the cat.", f"in {rng.randint(1900, 2099)}.", ".")
    )
    return f"{rng.choice(PEOPLE)} {said} {quote}{expression(rng)}{quote} {after}"


def _title(rng: Random) -> str:
    quote = rng.choice("\"'")
    noun = rng.choice(("sign", "card", "book", "page", "line", "label"))
    return f"the {noun} {quote}{expression(rng)}{quote} is {rng.choice(_ADJECTIVES)}"


def _comment(rng: Random) -> str:
    return f"{rng.choice(('#', '//', '--'))} {expression(rng).rstrip()} {sentence(rng)}"


def _date(rng: Random) -> str:
    year, month, day = rng.randint(1900, 2099), rng.randint(1, 12), rng.randint(1, 28)
    form = rng.choice(
        (
            f"{year}-{month:02}-{day:02}",
            f"{day}/{month}/{year}",
            f"{day}.{month}.{year}",
            f"{year}/{month:02}/{day:02} {rng.randint(0, 23):02}:{rng.randint(0, 59):02}",
        )
    )
    return rng.choice(("date: ", "date = ", "on ", "since ", "due ")) + form


def _version(rng: Random) -> str:
    v = [rng.randint(0, 30) for _ in range(4)]
    return rng.choice(
        (
            f"version {v[0]}.{v[1]}.{v[2]}-{v[3]}",
            f"update v{v[0]}.{v[1]} -> v{v[0]}.{v[1] + 1}",
            f"release = {v[0]}.{v[1]}+{v[2]}",
            f"build: {v[0]}{v[1]} of {v[2]}.{v[3]}",
        )
    )


def _range(rng: Random) -> str:
    a, b = sorted((rng.randint(1, 999), rng.randint(1, 999)))
    noun = rng.choice(("pages", "rows", "lines", "rooms", "seats", junk(rng)))
    sign = rng.choice(("-", " - ", " to ", "..", "/", "+", " / ", " x "))
    ends = ("", " of the book", " = closed", ": closed", f" is {junk(rng)}", f" {junk(rng)}: {a}")
    return f"{noun} {a}{sign}{b}{rng.choice(ends)}"


def _phone(rng: Random) -> str:
    parts = "-".join(digits(rng, 2, 4) for _ in range(rng.randint(2, 4)))
    return f"{rng.choice(('call', 'phone:', 'tel:', 'fax ='))} {rng.choice(('', '+'))}{parts}"


def _assignment(rng: Random) -> str:
    key = rng.choice(_KEYS)
    return rng.choice(
        (
            f"let {key} = {_number(rng)}",
            f"{key} = {_number(rng)}; {rng.choice(_KEYS)} = {_number(rng)}",
            f"{key}: {_number(rng)}",
            f"{key} += {_number(rng)}",
            f"{key} = {rng.choice(_KEYS)} {rng.choice('+-*/&|^')} {_number(rng)}",
            f"{key} is {_word(rng)}",
        )
    )


def _score(rng: Random) -> str:
    a, b = rng.randint(0, 99), rng.randint(0, 99)
    return f"{rng.choice(('score', 'match', 'set'))}{rng.choice((':', ' ='))} {a}{rng.choice((' - ', '-', ':'))}{b}"  # noqa: E501


def _verdict(rng: Random) -> str:
    lead = rng.choice(("Answer:", "A:", "Result:", "result:", "it gives", "that is", "it equals"))
    return f"{lead} {rng.choice((sentence, _word, _number))(rng)}"


def _entry(rng: Random) -> str:
    first = rng.choice((f"{rng.randint(0, 23)}:{rng.randint(0, 59):02}", f"{rng.randint(1, 99)}."))
    return f"{first} {rng.choice((sentence, _range, _assignment, _version))(rng)}"


def _recipe(rng: Random) -> str:
    return f"use {rng.randint(1, 9)}/{rng.randint(2, 9)} of {_number(rng)} {rng.choice(UNITS)}"


def _remark(rng: Random) -> str:
    person = rng.choice(PEOPLE)
    return rng.choice(
        (
            f"In {rng.randint(1900, 2099)} {person} had {_number(rng)} {rng.choice(UNITS)}.",
            f"{person}, aged {digits(rng, 1, 2)}, likes the {_noun(rng)}.",
            f"On day {digits(rng, 1, 3)} {person} {rng.choice(_VERBS)} the {_noun(rng)}.",
            f"What is {_word(rng)}? A: {_word(rng)}",
            f"Item {digits(rng, 1, 3)}: {_noun(rng)}",
            f"#{digits(rng, 1, 3)}: {sentence(rng)}",
        )
    )


def _unfinished(rng: Random) -> str:
    """A line that ends as if an answer began, with no expression before it."""
    family = rng.choice((_date, _version, _range, _phone, _assignment, _score, _recipe, _remark))
    lead = rng.choice((" = ", " -> ", " => ", ": ", " is ", ". Answer: ", "? A: ", ". Result: "))
    return family(rng) + lead


# Family: how often, how it is written.
FAMILIES: dict[str, tuple[float, Callable[[Random], str]]] = {
    "sentence": (2.0, sentence),
    "copy": (1.0, _copy),
    "copied expression": (1.5, _copy_expression),
    "sort": (1.5, _sort),
    "reverse": (0.7, _reverse),
    "repeated quote": (1.5, _repeat),
    "quoted speech": (1.5, _quote),
    "quoted title": (1.5, _title),
    "comment": (1.0, _comment),
    "date": (1.0, _date),
    "version": (1.0, _version),
    "range": (0.8, _range),
    "phone": (0.7, _phone),
    "assignment": (1.2, _assignment),
    "score": (0.6, _score),
    "verdict": (1.2, _verdict),
    "recipe": (0.4, _recipe),
    "entry": (0.8, _entry),
    "remark": (1.2, _remark),
    "unfinished": (1.0, _unfinished),
}


def chatter(rng: Random, family: str | None = None) -> Line:
    """A line of other text, every character of which is `Role.OTHER`."""
    if family is None:
        family = rng.choices(tuple(FAMILIES), [w for w, _ in FAMILIES.values()])[0]
    text = FAMILIES[family][1](rng) + "\n"
    return Line(text, (Role.OTHER,) * len(text), None, family)
