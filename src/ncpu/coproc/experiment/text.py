"""Lines that ask for arithmetic, with what each character is.

A template is text with fields in braces.  Which operand a number is, and whether it is one, can
be told from what stands before it, since text is read from left to right; only an operator's
phrase may come later and exchange the two ("5 subtracted from 9").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from random import Random

from ncpu.coproc.experiment.problems import OPS, Problem, digits
from ncpu.coproc.read import Role


@dataclass(frozen=True)
class Line:
    """One line of text and its labels.

    Attributes:
      text: ends with a line feed.
      roles: `Role` of each character.
      problem: what is asked; None where nothing is to be computed.
      source: the name of its template or family.
      exchanged: whether the number read into A is the second operand.
    """

    text: str
    roles: tuple[int, ...]
    problem: Problem | None
    source: str
    exchanged: bool = False

    @property
    def prompt(self) -> str:
        """The text up to where the answer begins; all of it without one."""
        if self.problem is None:
            return self.text
        return self.text[: self.roles.index(Role.BEGIN) + 1]


SYMBOL: dict[str, str] = dict(zip(OPS, ("+", "-", "*", "/", "&", "|", "^", "<<"), strict=True))
WORD = {
    "ADD": ("plus",),
    "SUB": ("minus",),
    "MUL": ("times", "multiplied by"),
    "DIV": ("divided by", "over"),
    "AND": ("and", "bitand"),
    "OR": ("or", "bitor"),
    "XOR": ("xor",),
    "SHL": ("shl", "shifted left by"),
}
NAME = {
    "ADD": ("add", "sum"),
    "SUB": ("sub", "diff"),
    "MUL": ("mul", "product"),
    "DIV": ("div", "quotient"),
    "AND": ("and", "bitand"),
    "OR": ("or", "bitor"),
    "XOR": ("xor", "bitxor"),
    "SHL": ("shl", "lshift"),
}
# {op:...} marks the operator's phrase.
IMPERATIVE = {
    "ADD": ("{op:add} {a} to {b}", "{op:add} {a} and {b}"),
    "SUB": ("{op:subtract} {b} from {a}", "{op:subtract} {b} from {a}", "{op:reduce} {a} by {b}"),
    "MUL": ("{op:multiply} {a} by {b}", "{op:multiply} {a} and {b}"),
    "DIV": ("{op:divide} {a} by {b}", "{op:split} {a} by {b}"),
    "AND": ("{op:and} {a} with {b}", "{op:mask} {a} with {b}"),
    "OR": ("{op:or} {a} with {b}", "{op:join} {a} with {b}"),
    "XOR": ("{op:xor} {a} with {b}", "{op:flip} {a} with {b}"),
    "SHL": ("{op:shift} {a} left by {b}", "{op:shl} {a} by {b}"),
}
# {later} follows the first number; in EXCHANGED operations that is the second operand.
LATER = {
    "ADD": ("added to",),
    "SUB": ("subtracted from", "taken from"),
    "MUL": ("multiplied with",),
    "DIV": ("divided into", "goes into"),
    "AND": ("masked with",),
    "OR": ("joined with",),
    "XOR": ("flipped with",),
    "SHL": ("places left for",),
}
EXCHANGED = ("SUB", "DIV", "SHL")
UNITS = ("kg", "m", "apples", "coins", "cm", "boxes", "euros", "points")
PEOPLE = ("Ann", "Tom", "Eve", "Sam", "Kim", "Max")

# `_` is a space or nothing.
TEMPLATES = (
    "{a}_{sym}_{b}_= ",
    "{a} {sym} {b} is ",
    "({a}_{sym}_{b}) = ",
    "calc: {a}_{sym}_{b}_= ",
    "What is {a}_{sym}_{b}? A: ",
    "Q: {a} {sym} {b} A: ",
    "{a}_{sym}_{b} -> ",
    "> {a}_{sym}_{b} => ",
    "value {a} {sym} {b}: ",
    "[{a}_{sym}_{b}] result: ",
    "Solve {a} {sym} {b}. Answer: ",
    "{a} {word} {b} is ",
    "{a} {word} {b} = ",
    "What is {a} {word} {b}? Answer: ",
    "compute {a} {word} {b}: ",
    "{a} {word} {b} gives ",
    "Find {a} {word} {b}. Result: ",
    "{a} {word} {b} equals ",
    "say {a} {word} {b} -> ",
    "{name}({a},_{b})_= ",
    "{name}({a},_{b}) -> ",
    "{NAME} {a} {b} -> ",
    "{NAME}({a};_{b}) = ",
    "{name} {a}, {b}: ",
    "({sym} {a} {b}) = ",
    "{sym}({a},_{b}) = ",
    "{a}.{name}({b}) -> ",
    "{name}: {a}, {b} => ",
    "({name} {a} {b}) => ",
    "{name} of {a} and {b} is ",
    "the {name} of {a} and {b} equals ",
    "print({name}({a}, {b})) -> ",
    "{imperative}: ",
    "{imperative} = ",
    "{imperative}, then stop. Result: ",
    "{person} needs {a} {word} {b}. A: ",
    "Now {imperative}. Answer: ",
    "Please {imperative}. A: ",
    "If you {imperative} you get ",
    "a={a} b={b} op={sym} -> ",
    "a={a}, b={b}, {name}: ",
    "b={b}, a={a}, {name}: ",
    "b: {b}; a: {a}; a_{sym}_b = ",
    "op {name}; a {a}; b {b}; result: ",
    "op={sym} b={b} a={a} => ",
    "rpn: {a} {b} {sym} = ",
    "let b be {b} and a be {a}; a {sym} b = ",
    "a is {a}, b is {b}; a {sym} b = ",
    "with b at {b} and a at {a}, {name} is ",
    "let a be {a} and b be {b}; a {word} b is ",
    "{x} {later} {y} is ",
    "What is {x} {later} {y}? A: ",
    "{x} {unit} {later} {y} {unit} = ",
    "{x} {later} {y} -> ",
    "{a} {unit} {sym} {b} {unit} = ",
    "{a} {unit} {word} {b} is ",
    "How much is {a} {unit} {word} {b} {unit}? A: ",
    "{imperative} {unit} -> ",
    "On day {n}, {a}_{sym}_{b} = ",
    "line {n}: {a} {word} {b}: ",
    "{person}, aged {n}, asks: {a} {sym} {b}? Answer: ",
    "Item {n}: {name}({a},_{b}) = ",
    "#{n}: {imperative}: ",
    "In {year} {person} wrote {a} {word} {b}. Result: ",
    "{a}_{sym}_{b} (see page {n}) = ",
    "{a} {word} {b}, as in {year}, is ",
    "Not {n} but {a}_{sym}_{b} is ",
    "version {version}: {a}_{sym}_{b} = ",
    "{person} has {n} {unit}. {a} {word} {b} equals ",
)

_FIELD = re.compile(r"\{(op:[a-z ]+|[A-Za-z]+)\}")


@cache
def _parts(template: str) -> tuple[str, ...]:
    """Text and fields in turn."""
    return tuple(_FIELD.split(template))


def render(template: str, problem: Problem, rng: Random) -> Line:
    """A line of a template that asks for a problem, with its answer."""
    text: list[str] = []
    roles: list[int] = []

    def put(piece: str, role: Role = Role.OTHER) -> None:
        text.append(piece)
        roles.extend([role] * len(piece))

    def put_text(piece: str) -> None:
        if "_" in piece:
            piece = piece.replace("_", rng.choice((" ", "")))
        nonlocal waiting
        put(piece)
        if waiting and piece:  # the operator's word has ended
            roles[len(roles) - len(piece)] = Role.OPERATOR
            waiting = False

    def operator(phrase: str) -> None:
        nonlocal waiting
        put(phrase)
        if phrase[-1].isalpha():
            waiting = True
        else:
            roles[-1] = Role.OPERATOR

    def fill(name: str) -> None:
        match name:
            case "a" | "x":
                put(problem.b if exchanged else problem.a, Role.DIGIT_A)
            case "b" | "y":
                put(problem.a if exchanged else problem.b, Role.DIGIT_B)
            case "sym":
                operator(SYMBOL[problem.op])
            case "word":
                operator(rng.choice(WORD[problem.op]))
            case "name":
                operator(rng.choice(NAME[problem.op]))
            case "NAME":
                operator(rng.choice(NAME[problem.op]).upper())
            case "later":
                operator(rng.choice(LATER[problem.op]))
            case "imperative":
                walk(rng.choice(IMPERATIVE[problem.op]))
            case _ if name.startswith("op:"):
                operator(name[3:])
            case _:
                put(filler(name, rng))

    def walk(template: str) -> None:
        for index, part in enumerate(_parts(template)):
            (fill if index % 2 else put_text)(part)

    waiting = False
    exchanged = "{later}" in template and problem.op in EXCHANGED
    walk(template)
    roles[-1] = Role.BEGIN
    put(str(problem.answer), Role.INSIDE)
    put("\n")
    return Line("".join(text), tuple(roles), problem, template, exchanged)


def junk(rng: Random) -> str:
    """A word that means nothing."""
    word = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(2, 7)))
    return word.capitalize() if rng.random() < 0.25 else word


def filler(name: str, rng: Random) -> str:
    """What stands in a field that has nothing to do with the problem."""
    match name:
        case "n":
            return digits(rng, 1, 3)
        case "year":
            return str(rng.randint(1900, 2099))
        case "version":
            return f"{rng.randint(0, 9)}.{rng.randint(0, 30)}.{rng.randint(0, 9)}"
        case "unit":
            return rng.choice(UNITS)
        case "person":
            return rng.choice(PEOPLE)
        case "junk":
            return junk(rng)
    raise KeyError(name)
