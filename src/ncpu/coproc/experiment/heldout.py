"""What models are tested on: templates, negatives and seeds that no training code imports.

The words for operations and answers are those of training; how they are put together is new:
other orders and brackets, methods, tables, more units, distractors between the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from ncpu.coproc.experiment.chatter import FAMILIES, chatter, expression, sentence
from ncpu.coproc.experiment.problems import OPS, Problem, digits, draw, edge
from ncpu.coproc.experiment.text import NAME, PEOPLE, SYMBOL, Line, Role, render

SEED = "coprocessor test, never trained on"
LENGTHS = {"1-4": (1, 4), "5-6": (5, 6), "7-9": (7, 9)}

HELD_OUT = {
    "infix, question in front": "Tell me: what is {a}_{sym}_{b}? Answer: ",
    "infix, double brackets": "(({a}_{sym}_{b})) -> ",
    "infix, request behind": "{a} {sym} {b}, if you please. Result: ",
    "words, request behind": "{a} {word} {b}, how much is that? A: ",
    "words, doubly introduced": "Exercise: calc: {a} {word} {b} = ",
    "imperative, polite": "Could you {imperative}? Answer: ",
    "reversed, fields": "with b being {b} and a being {a}, {name} => ",
    "reversed, names": "given b={b}; given a={a}; a {word} b equals ",
    "reversed, phrase": "Which number is {x} {later} {y}? Result: ",
    "prefix, double brackets": "(({sym} {a} {b})) = ",
    "call, square brackets": "{name}[{a}, {b}] = ",
    "call, assigned": "{name}(a := {a}, b := {b}) -> ",
    "call, printed": "echo({NAME}({a}, {b})) = ",
    "units, other ones": "{a} litres {sym} {b} litres = ",
    "units, words": "And {a} {unit} {word} {b} {unit} makes? Answer: ",
    "distractor in front": "In {year}, on day {n}, {a} {word} {b} is ",
    "distractor between": "{imperative} (see also page {n}): ",
    "distractor, aged": "{person}, aged {n}, likes {a}_{sym}_{b} = ",
}


def _braces(rng: Random) -> str:
    return f'{{"text": "{expression(rng)}", "id": {digits(rng, 1, 9)}}}'


def _sticker(rng: Random) -> str:
    return f'a sticker with "{expression(rng)}" on it, no. {digits(rng, 1, 4)}'


def _log(rng: Random) -> str:
    clock = f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}"
    return f"{clock} retry {digits(rng, 1, 2)}/{digits(rng, 1, 2)} ok: {digits(rng, 1, 6)}"


def _isbn(rng: Random) -> str:
    return f"isbn = {digits(rng, 3, 3)}-{rng.randint(0, 9)}-{digits(rng, 4, 4)}-{digits(rng, 3, 4)}"


def _address(rng: Random) -> str:
    return f"host: {'.'.join(str(rng.randint(0, 255)) for _ in range(4))}:{digits(rng, 2, 4)}"


def _formula(rng: Random) -> str:
    sign = rng.choice("+-*/")
    return f"x{sign}{digits(rng, 1, 4)} = y{rng.choice('+-*/')}{digits(rng, 1, 4)}"


def _shelf(rng: Random) -> str:
    return (
        f"shelf {digits(rng, 1, 3)}-{digits(rng, 1, 3)} is {rng.choice(('full', 'empty', 'red'))}"
    )


def _range_is(rng: Random) -> str:
    return f"seats {digits(rng, 1, 4)} to {digits(rng, 1, 4)}: {sentence(rng)}"


def _recall(rng: Random) -> str:
    return f"{rng.choice(PEOPLE)} forgot what '{expression(rng)}' meant."


def _copied(rng: Random) -> str:
    return f"copy: {_formula(rng)} -> "


def _sorted(rng: Random) -> str:
    return f"sort: {' '.join(digits(rng, 1, 9) for _ in range(rng.randint(2, 5)))} = "


def _coordinates(rng: Random) -> str:
    return f"at ({digits(rng, 1, 3)}, {digits(rng, 1, 3)}) -> ({digits(rng, 1, 3)}, 0)"


def _half(rng: Random) -> str:
    op = rng.choice(OPS)
    return rng.choice(
        (
            f"date: {digits(rng, 4, 4)}{SYMBOL[op]}{digits(rng, 1, 2)} = ",
            f"the {rng.choice(NAME[op])} of the {digits(rng, 1, 4)} cats is ",
            f"{rng.choice(PEOPLE)} wrote '{digits(rng, 1, 9)} {SYMBOL[op]}' -> ",
            f"version {digits(rng, 1, 2)}.{digits(rng, 1, 2)}: ",
            f"phone: {digits(rng, 3, 5)}-{digits(rng, 3, 5)}. Answer: ",
            f"let size = {digits(rng, 1, 9)}; result: ",
        )
    )


NEGATIVES: dict[str, Callable[[Random], str]] = {
    "JSON": _braces,
    "sticker": _sticker,
    "log": _log,
    "isbn": _isbn,
    "address": _address,
    "formula": _formula,
    "shelf": _shelf,
    "seats": _range_is,
    "forgotten": _recall,
    "copied formula": _copied,
    "sorted": _sorted,
    "coordinates": _coordinates,
    "half an expression": _half,
}


def negatives(count: int, seed: int = 0) -> list[Line]:
    """Text with numbers and operators in which nothing is to be computed.

    Two in three lines are of families that training has not (`NEGATIVES`), the others new
    draws of those it has.
    """
    rng = Random(f"{SEED} negatives {seed}")
    known = [name for name in FAMILIES if name not in ("sentence", "sort", "reverse", "copy")]
    out = []
    for number in range(count):
        if number % 3 == 2:
            out.append(chatter(rng, rng.choice(known)))
            continue
        name = rng.choice(tuple(NEGATIVES))
        text = NEGATIVES[name](rng)
        out.append(Line(text + "\n", (Role.OTHER,) * (len(text) + 1), None, name))
    return out


def asked(
    op: str, length: str, count: int, seed: int = 0, templates: Mapping[str, str] = HELD_OUT
) -> list[Line]:
    """Problems of one operation and length, in held-out templates, each as often."""
    rng = Random(f"{SEED} {op} {length} {seed}")
    low, high = LENGTHS[length]
    return [_ask(number, draw(rng, op, low, high), rng, templates) for number in range(count)]


def edges(family: str, count: int, seed: int = 0) -> list[Line]:
    """Problems of an edge family (`problems.EDGES`) in held-out templates."""
    rng = Random(f"{SEED} {family} {seed}")
    return [_ask(number, edge(rng, family), rng, HELD_OUT) for number in range(count)]


def _ask(number: int, problem: Problem, rng: Random, templates: Mapping[str, str]) -> Line:
    name = rng.choice(tuple(templates)) if number >= len(templates) else tuple(templates)[number]
    line = render(templates[name], problem, rng)
    return Line(line.text, line.roles, problem, name, line.exchanged)
