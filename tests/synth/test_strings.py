"""Strings: parts, concatenations and maps of characters, judged on inputs not seen."""

from __future__ import annotations

import string
from random import Random

import numpy as np
import pytest

from ncpu.synth.bench import judge
from ncpu.synth.codegen_python import compiled
from ncpu.synth.evaluate import evaluate
from ncpu.synth.expression import arg
from ncpu.synth.sketch.characters import CLASSES
from ncpu.synth.spec import Budget, SynthesisSpec
from ncpu.synth.strategies.gathering import Gathering, carried
from ncpu.synth.strategies.reduction import Reduce
from ncpu.synth.strategies.text import Texts
from ncpu.synth.strategies.transducer import Transducer
from ncpu.synth.suites import problem
from ncpu.synth.types import Example, Kind, Signature

SOLVES = [
    (Texts(), "remove_vowels initials nth_field between_parens file_extension last_first_swap"),
    (Texts(), "area_code digits_only"),
    (Transducer(), "replace_char caesar_shift to_upper swap_case"),
    (Reduce(), "vowel_count digit_chars sum_of_digits_in"),
    (Gathering(carried, "carry"), "longest_word_len"),
]
EACH = [(strategy, name) for strategy, names in SOLVES for name in names.split()]


@pytest.mark.parametrize(("strategy", "name"), EACH, ids=[n for _, n in EACH])
def test_solves_from_the_visible_examples(strategy, name):
    drawn = problem(name)
    found = strategy.solve(SynthesisSpec(drawn.visible(), drawn.signature), Budget(40))
    assert found is not None and found.solved and found.strategy == strategy.name
    assert judge(drawn, compiled(found.program, drawn.signature), hidden=300) == ""


FUNCTIONS = [
    (Texts(), lambda s: s.split("-")[0] + "/" + s.split("-")[-1]),
    (Texts(), lambda s: "<" + s.upper() + ">"),
    (Texts(), lambda s: "".join(c for c in s if not c.isdigit())),
    (Transducer(), lambda s: "".join("#" if c.isdigit() else c for c in s)),
    (Transducer(), lambda s: s.replace("-", "_")),
]


@pytest.mark.parametrize(("strategy", "function"), FUNCTIONS)
def test_solves_functions_of_no_family(strategy, function):
    rng = Random(8)
    letters = "abcxyz0189"
    parts = [["".join(rng.choices(letters, k=rng.randint(1, 5))) for _ in range(k % 3 + 1)]
             for k in range(40)]  # fmt: skip
    texts = ["-".join(some) for some in parts]
    rows = tuple(Example((text,), function(text)) for text in texts)
    found = strategy.solve(SynthesisSpec(rows[:10], Signature.parse("S->S")), Budget(30))
    assert found is not None and found.solved
    program = compiled(found.program, found.signature)
    assert all(program(*row.arguments) == row.result for row in rows)


@pytest.mark.parametrize("chars", CLASSES, ids=lambda c: c.characters[:4])
def test_class_tests_hold_for_their_characters_alone(chars):
    codes = np.arange(256)
    holds = evaluate(chars.test(arg(0, Kind.I)), [codes])
    assert {chr(code) for code in codes[holds]} == set(chars.characters)
    assert set(chars.characters) <= set(string.printable)
