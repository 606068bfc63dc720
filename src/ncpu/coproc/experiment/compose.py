"""Templates put together at random, so that a model learns the parts and not the lines."""

from __future__ import annotations

from random import Random

from ncpu.coproc.experiment.problems import practice
from ncpu.coproc.experiment.text import TEMPLATES, Line, render

SHARE = 0.6  # of lines whose template is put together

# A number that is no operand stands behind words that say so, never behind any word: otherwise
# what it is could not be told when it is read.
_FRONTS = (
    "What is ",
    "what is ",
    "Q: ",
    "calc: ",
    "Compute ",
    "Find ",
    "Solve ",
    "> ",
    "On day {n}, ",
    "on day {n}: ",
    "In {year}, ",
    "In {year} ",
    "line {n}: ",
    "Item {n}: ",
    "item {n}, ",
    "#{n}: ",
    "no. {n}: ",
    "page {n}: ",
    "version {version}: ",
    "{person}: ",
    "{person} asks: ",
    "{person}, aged {n}, asks: ",
    "{person}, aged {n}: ",
    "{person} has {n} {unit}. ",
    "Not {n} but ",
    "{junk}: ",
    "{junk}, ",
    "{junk} {junk}: ",
    "{junk} {junk} {junk}: ",
    "{junk}. ",
    "{junk}! ",
)
_BACKS = (
    "?",
    ".",
    ",",
    " ?",
    ", {junk}",
    ", {junk}.",
    " {junk}",
    " {junk}?",
    " (see page {n})",
    " (page {n})",
    " (no. {n})",
    " ({junk})",
    ", as in {year},",
    " in {year}",
    ", {junk} {junk},",
)
_LEADS = (
    "_= ",
    " = ",
    " is ",
    " -> ",
    " => ",
    ": ",
    " A: ",
    " Answer: ",
    " Result: ",
    " result: ",
    " gives ",
    " equals ",
    " you get ",
)
_BRACKETS = (("(", ")"), ("[", "]"), ("<", ">"), ("", ""), ("", ""))
_SEPARATORS = (", ", ",", "; ", " and ", " ", " with ")


def _infix(rng: Random) -> str:
    unit = rng.choice(("{unit}", "{junk}", "{junk}"))
    body = rng.choice(
        (
            "{a}_{sym}_{b}",
            "{a} {word} {b}",
            f"{{a}} {unit} {{sym}} {{b}} {unit}",
            f"{{a}} {unit} {{sym}} {{b}} {unit}",
            f"{{a}} {unit} {{word}} {{b}} {unit}",
            f"{{a}} {unit} {{word}} {{b}}",
            "{x} {later} {y}",
            f"{{x}} {unit} {{later}} {{y}} {unit}",
        )
    )
    left, right = rng.choice(_BRACKETS)
    return left + body + right


def _call(rng: Random) -> str:
    name = rng.choice(("{name}", "{NAME}", "{sym}", "{name}"))
    separator = rng.choice(_SEPARATORS)
    left, right = rng.choice((("(", ")"), ("( ", " )"), ("<", ">"), (" ", ""), (": ", "")))
    if name == "{name}" and rng.random() < 0.2:
        left, right = rng.choice(((" of ", ""), (" from ", ""), (" for ", "")))
    a, b = "{a}", "{b}"
    style = rng.choice(("", "", "", "=", _style(rng)))
    if style:
        a, b = f"a{style}{a}", f"b{style}{b}"
        if rng.random() < 0.5:
            a, b = b, a
    body = name + left + a + separator + b + right
    return f"({body})" if left == " " and rng.random() < 0.4 else body


def _method(rng: Random) -> str:
    return rng.choice(("{a}.{name}({b})", "{a} {b} {sym}", "{a}, {b}, {name}", "{a} {b} {NAME}"))


def _imperative(rng: Random) -> str:
    front = rng.choice(("", "", "{junk} ", "{junk} {junk} ", "Please ", "Now "))
    return front + "{imperative}" + rng.choice(("", "", "", " {unit}", " {junk}", ", then stop"))


def _style(rng: Random) -> str:
    """What stands between a name and its value."""
    known = ("=", " = ", ": ", " ", " is ", " be ")
    sign = "".join(rng.choice("=:~!<>@$%.#") for _ in range(rng.randint(1, 3)))
    return rng.choice((*known, " {junk} ", " {junk} ", " {junk} ", sign, f" {sign} ", f" {sign} "))


def _fields(rng: Random) -> str:
    style, front = _style(rng), rng.choice(("", "", "{junk} ", "let ", "with "))
    fields = [f"{front}a{style}{{a}}", f"b{style}{{b}}"]
    if rng.random() < 0.5:
        fields[1] = front + fields[1]
    rng.shuffle(fields)
    separator = rng.choice((", ", "; ", " ", " and ", ". "))
    op = rng.choice(("op={sym}", "op: {name}", "op {name}", "{name}", "do {name}"))
    if rng.random() < 0.4:
        last = rng.choice(("a_{sym}_b", "a {word} b", "{name}(a, b)", "{name}"))
        return separator.join(fields) + rng.choice(("; ", ", ", ": ")) + last
    fields.insert(rng.randint(0, 2), op)
    return separator.join(fields)


_BODIES = ((_infix, 4.0), (_call, 3.0), (_imperative, 2.5), (_fields, 2.0), (_method, 0.7))


def template(rng: Random) -> str:
    """A template: perhaps something in front, a problem, perhaps something behind, a lead."""
    make = rng.choices([body for body, _ in _BODIES], [weight for _, weight in _BODIES])[0]
    front = rng.choice(_FRONTS) if rng.random() < 0.6 else ""
    back = rng.choice(_BACKS) if rng.random() < 0.4 else ""
    lead = rng.choice(_LEADS)
    return front + make(rng) + back + lead


def asking(rng: Random) -> Line:
    """A training line that asks for a problem."""
    wanted = template(rng) if rng.random() < SHARE else rng.choice(TEMPLATES)
    return render(wanted, practice(rng), rng)
