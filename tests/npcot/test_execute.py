"""The executor against Python integers, on the whole space."""

from __future__ import annotations

import math

import jax
import numpy as np
import oracle
import pytest

from ncpu.npcot.errors import ArrayInputError
from ncpu.npcot.execute import execute, execute_all, run_program
from ncpu.npcot.number import WORD8, WORD32, Format
from ncpu.npcot.program import SPACE_SIZE, ArrayProgram, all_programs
from ncpu.npcot.text import parse_program

N = 5
EDGES32 = [0, 1, -1, 2, -2, 7, 46341, -65536, 2**30, 2**31 - 2, 2**31 - 1, -(2**31)]


def _arrays(fmt: Format, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    edges = EDGES32 if fmt is WORD32 else [0, 1, -1, 2, 11, -12, 126, 127, -128]
    small = rng.integers(-9, 10, (2, count, N))
    edge = rng.choice(edges, (2, count, N))
    x, y = np.where(rng.random((2, count, 1)) < 0.5, small, edge).astype(np.int32)
    return x, y, rng.integers(0, N + 1, count, np.int32)


@pytest.mark.parametrize("fmt", [WORD32, WORD8, Format(16, 8)], ids=str)
@pytest.mark.parametrize("offset", [0, -5])
def test_every_program_is_what_python_integers_say(fmt: Format, offset: int) -> None:
    programs = all_programs(offset)
    x, y, lengths = _arrays(fmt, SPACE_SIZE, seed=fmt.bits + offset)
    got = jax.jit(jax.vmap(lambda p, a, n, b: execute(p, a, n, b, fmt=fmt)))(
        programs, x, lengths, y
    )
    for i in range(SPACE_SIZE):
        n = lengths[i]
        want = oracle.run(programs[i], x[i, :n].tolist(), y[i, :n].tolist(), fmt)
        assert got[i] == want, (str(programs[i]), x[i, :n], y[i, :n])


@pytest.mark.parametrize("fmt", [WORD32, WORD8], ids=str)
def test_execute_all_is_execute_on_each(fmt: Format) -> None:
    x, y, lengths = _arrays(fmt, 6, seed=3)
    together = jax.jit(jax.vmap(lambda a, n, b: execute_all(a, n, b, fmt=fmt)))(x, lengths, y)
    one = jax.vmap(lambda p, a, n, b: execute(p, a, n, b, fmt=fmt), (0, None, None, None))
    apart = jax.jit(jax.vmap(one, (None, 0, 0, 0)))(all_programs(), x, lengths, y)
    np.testing.assert_array_equal(together, apart)


@pytest.mark.parametrize(
    ("text", "x", "want"),
    [
        ("sum(x*x if x>0)/len + 3", [1, -5, 2], 5 / 3 + 3),
        ("sum(x)/count", [], 0),
        ("product(x, init=0)", [4, 5], 0),
        ("max(x)", [], -math.inf),
        ("max(x, init=0)", [-4, -2], 0),
        ("sum(x) - 1", [2**31 - 2, 2, -9], math.inf),
        ("argmax(x)", [1, 5, 5, 2], 1),
        ("argmin(|x| if x even)", [1, -6, 4, 3], 2),
        ("exp(sum(log|x|))", [3, -5], 15),
        ("exp(sum(x))", [200], 32767.3),
    ],
)
def test_known_values(text: str, x: list[int], want: float) -> None:
    assert run_program(parse_program(text), x) == pytest.approx(want, rel=1e-4)


def test_second_array() -> None:
    assert run_program(parse_program("sum(x*y)"), [1, 2, 3], [4, 5, -6]) == -4
    assert run_program(parse_program("sum([x==y])"), [1, 2, 3], [1, 5, 3]) == 2
    assert run_program(parse_program("max(|x-y|)"), [1, 2, 3], [4, 5, -6]) == 9


def test_padding_and_impossible_lengths_are_defined() -> None:
    program = parse_program("sum(x)")
    x = np.array([1, 2, 4, 8], np.int32)
    assert [int(execute(program, x, n)) for n in (-3, 0, 2, 4, 99)] == [0, 0, 3, 15, 15]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(x=[[1]]), "one axis"),
        (dict(x=[1.5]), "integers"),
        (dict(x=[2**31]), "accepted"),
        (dict(x=[1, 2, 3], max_length=2), "at most 2"),
        (dict(x=[1], y=[1, 2]), "equal lengths"),
    ],
)
def test_bad_arrays_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(ArrayInputError, match=message):
        run_program(parse_program("sum(x)"), **arguments)


def test_a_missing_second_array_is_an_error() -> None:
    with pytest.raises(ArrayInputError, match="second array"):
        run_program(ArrayProgram.of("sum", "x*y"), [1])
