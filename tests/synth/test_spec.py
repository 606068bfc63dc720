"""Specifications: what is read, what is inferred, and what is refused with a typed error."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ncpu.synth.errors import ContradictionError, SourceError, SpecError
from ncpu.synth.spec import Budget, SynthesisSpec
from ncpu.synth.types import Example, Kind, Signature, signed, word


@pytest.mark.parametrize(
    ("examples", "signature"),
    [
        ([((2,), 4), ((3,), 9)], "(I)->I"),
        ([((True, False), True)], "(B,B)->B"),
        ([(("ab", 2), "abab")], "(S,I)->S"),
        ([(([1, 2],), 3)], "(A)->I"),
        ([(((1, 2),), (2, 1))], "(P)->P"),
        ([(((1, 2, 3, 4),), 0)], "(Q)->I"),
        ([{"input": [1], "output": 2}], "(I)->I"),
        ([Example((1,), 2)], "(I)->I"),
    ],
)
def test_kinds_are_inferred(examples, signature):
    assert str(SynthesisSpec(tuple(examples)).signature) == signature


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ((), "no examples"),
        ((((1,), 2), ((1, 2), 3)), "one arity"),
        ((((1,), 2), (("a",), 2)), "one kind"),
        ((((1,), 2), ((2,), "b")), "one kind"),
        ((((1.5,), 2),), "float"),
        (((((1, "a"),), 2),), "64-bit"),
        ((((1 << 63,), 2),), "64 bits"),
        (((1, 2, 3),), "not an example"),
    ],
)
def test_bad_examples_are_refused(examples, message):
    with pytest.raises(SpecError, match=message):
        SynthesisSpec(examples)


def test_contradictions_are_refused_and_duplicates_dropped():
    with pytest.raises(ContradictionError, match="both 2 and 3"):
        SynthesisSpec((((1,), 2), ((1,), 3)))
    assert len(SynthesisSpec((((1,), 2), ((1,), 2))).examples) == 1


def test_json_faults_are_placed():
    with pytest.raises(SourceError) as caught:
        SynthesisSpec.from_json("[\n  [[1], 2],\n  [[2] 3]\n]")
    assert (caught.value.line, caught.value.column) == (3, 8)
    for text in ('{"examples": 3}', '"text"', '{"examples": [], "colour": 1}'):
        with pytest.raises(SpecError):
            SynthesisSpec.from_json(text)


def test_json_round_trip():
    text = json.dumps({"signature": "(U8,U8)->B", "examples": [[[1, 255], True]], "constants": [7]})
    spec = SynthesisSpec.from_json(text)
    assert spec.signature == Signature((Kind.U, Kind.U), Kind.B, 8)
    assert spec.constants == (7,)
    with pytest.raises(SpecError, match="8 bits"):
        SynthesisSpec(((((256, 1)), True),), spec.signature)


def test_canonical_form_ignores_the_order_of_examples():
    rows = tuple(((n,), n * n) for n in range(5))
    assert SynthesisSpec(rows).canonical() == SynthesisSpec(rows[::-1]).canonical()
    assert SynthesisSpec(rows).canonical() != SynthesisSpec(rows[:4]).canonical()


def test_batches_have_the_dtype_of_their_kind():
    spec = SynthesisSpec(((([1, 2], 3), True), (([], -1), False)))
    arrays, numbers = spec.arguments
    assert arrays.dtype == object and arrays[0] == (1, 2)
    assert numbers.dtype == np.int64 and spec.results.dtype == np.bool_


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan")])
def test_a_limit_of_nothing_is_refused(seconds):
    with pytest.raises(SpecError, match="more than 0"):
        Budget(seconds)


@pytest.mark.parametrize("text", ["I", "(X)->I", "(U8,U32)->B", "(I)->", ""])
def test_bad_signatures_are_refused(text):
    with pytest.raises(SpecError):
        Signature.parse(text)


def test_wrapping():
    for value in (0, 1, -1, 2**63 - 1, 2**63, -(2**63) - 1, 12345 << 64):
        assert signed(value) == int(np.array(value % 2**64, np.uint64).view(np.int64))
        assert word(value, 8) == value % 256
