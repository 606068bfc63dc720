"""Crystallisation: the gap holds on every input, and equivalence agrees with enumeration."""

from __future__ import annotations

import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from ncpu.npcot.crystallize import Certificate, crystallize, crystallize_logits
from ncpu.npcot.domain import Domain
from ncpu.npcot.enumerate import all_inputs, inputs_count
from ncpu.npcot.equivalence import equivalent
from ncpu.npcot.errors import CrystallizeError, HiddenStateError, ProgramSpaceError
from ncpu.npcot.execute import execute, run_program
from ncpu.npcot.head import ArrayThoughtHead, Slots, most_likely, probabilities, soft_execute
from ncpu.npcot.interval import bounds
from ncpu.npcot.number import WORD8
from ncpu.npcot.program import (
    SLOTS,
    SPACE_SIZE,
    ArrayProgram,
    Choice,
    all_choices,
    all_programs,
    canonical_bytes,
)
from ncpu.npcot.text import parse_program

SMALL = Domain(-1, 2, 2, 1)


def _peaked(program: ArrayProgram, sharpness: float, seed: int) -> Slots:
    """Logits whose largest entries spell `program`."""
    rng = np.random.default_rng(seed)
    out = {}
    for name, names in SLOTS.items():
        noise = rng.normal(size=len(names))
        noise[int(getattr(program, name))] = noise.max() + sharpness
        out[name] = jnp.asarray(noise, jnp.float32)
    bits = (int(program.offset) >> np.arange(32)) & 1
    offset = (2 * bits - 1) * (1.0 + rng.random(32)) * 3 * sharpness
    return Slots(**out, offset=jnp.asarray(offset, jnp.float32))


def _gap_seen(
    logits: Slots, program: ArrayProgram, domain: Domain, temperature: float, clip: float
):
    p = probabilities(logits, temperature)
    soft = jax.jit(jax.vmap(lambda a, n, b: soft_execute(p, a, n, b, clip=clip)))
    hard = jax.jit(jax.vmap(lambda a, n, b: execute(program, a, n, b)))
    unit = 2.0**-16 if program.choice.scaled else 1.0
    worst = 0.0
    for x, n, y in all_inputs(domain, second=True, batch=512):
        a, b = np.asarray(soft(x, n, y)), np.asarray(hard(x, n, y)) * unit
        worst = max(worst, float(np.abs(a - b).max()))
    return worst


@pytest.mark.parametrize(
    "text", ["sum(x*x) + 3", "max(x)/len - 0.5", "argmin(|x-y| if x>0, init=1)"]
)
@pytest.mark.parametrize("sharpness", [1.0, 4.0])
def test_the_gap_holds_on_every_input(text: str, sharpness: float) -> None:
    program = parse_program(text)
    logits = _peaked(program, sharpness, seed=len(text))
    found, exact = crystallize_logits(logits, SMALL, temperature=0.5, max_gap=1e12, clip=100.0)
    assert canonical_bytes(found) == canonical_bytes(program)
    assert exact.method == "enumeration"
    seen = _gap_seen(logits, program, SMALL, 0.5, 100.0)
    assert seen == pytest.approx(exact.gap, rel=1e-3, abs=1e-4)
    wide = Domain(-1, 2, 5, 1)
    _, bound = crystallize_logits(logits, wide, temperature=0.5, max_gap=1e12, clip=100.0)
    assert bound.method == "interval"
    assert seen <= bound.gap + 1e-4  # the small domain is part of the wide one


def test_at_temperature_zero_the_gap_is_zero() -> None:
    for i in range(0, SPACE_SIZE, 611):
        program = all_programs(-3)[i]
        _, certificate = crystallize_logits(
            _peaked(program, 2.0, i), Domain(-3, 3, 2, 1), temperature=0.0, max_gap=1e-6
        )
        assert certificate.weight == 1.0


def test_a_head_that_is_not_sure_is_refused() -> None:
    head = ArrayThoughtHead(4, rngs=nnx.Rngs(0))
    with pytest.raises(CrystallizeError, match=r"accepted: 0\.15"):
        crystallize(head, np.ones(4), SMALL)


def test_bad_hidden_states_and_offsets() -> None:
    head = ArrayThoughtHead(4, rngs=nnx.Rngs(0))
    for bad in (np.ones(5), [np.nan] * 4, [np.inf, 0, 0, 0], ["a"] * 4):
        with pytest.raises(HiddenStateError, match="hidden state"):
            crystallize(head, bad, SMALL)
    with pytest.raises(CrystallizeError, match="one hidden state"):
        crystallize(head, np.ones((2, 4)), SMALL)
    logits = _peaked(all_programs()[0], 1.0, 0)
    lowest = jnp.where(jnp.arange(32) == 31, 9.0, -9.0)
    with pytest.raises(ProgramSpaceError, match="offset is -2147483648"):
        crystallize_logits(Slots(**{**vars(logits), "offset": lowest}), SMALL)


def test_certificates_survive_json() -> None:
    logits = _peaked(parse_program("sum(x)"), 30.0, 1)
    _, certificate = crystallize_logits(logits, Domain(-9, 9, 8), clip=1e6)
    assert Certificate.from_json(json.loads(json.dumps(certificate.to_json()))) == certificate
    assert certificate.gap < 1e-6
    with pytest.raises(CrystallizeError, match="no certificate"):
        Certificate.from_json({})


def _pairs(count: int, seed: int):
    """Pairs that differ in one slot or in nothing visible, and random ones."""
    rng = np.random.default_rng(seed)
    space = all_programs()
    for _ in range(count):
        p = space[int(rng.integers(SPACE_SIZE))]
        fields = {k: v for k, v in vars(p).items()}
        for slot in rng.choice(list(SLOTS), int(rng.integers(1, 3)), replace=False):
            fields[slot] = np.int32(rng.integers(len(SLOTS[slot])))
        yield p, ArrayProgram(**fields)


@pytest.mark.parametrize(
    "domain", [Domain(-2, 1, 3, format=WORD8), Domain(0, 3, 3, 1, 1, 2, format=WORD8)], ids=str
)
def test_the_solver_agrees_with_enumeration(domain: Domain) -> None:
    proofs = 0
    for p, q in _pairs(12, seed=domain.high):
        want = equivalent(p, q, domain, methods=("enumeration",))
        got = equivalent(p, q, domain, methods=("induction", "unrolled"), seconds=1)
        assert got.equal in (want.equal, None), (str(p), str(q), got, want)
        proofs += got.equal is not None
    assert proofs >= 7


@pytest.mark.parametrize(
    ("a", "b", "domain", "equal"),
    [
        ("sum(x)", "sum(|x|)", Domain(0, 10**9, 20000), True),
        ("sum(x)", "sum(|x|)", Domain(-1, 10**9, 20000), False),
        ("sum([x>0])", "sum(1 if x>0)", Domain(-(10**9), 10**9, 20000), True),
        ("product(x*x)", "product(|x|)", Domain(-1, 1, 30), True),
        ("sum(x)/len", "sum(x)/count", Domain(-99, 99, 30), True),
        ("sum(x if x!=0)/len", "sum(x)/len", Domain(-99, 99, 30), True),
        ("sum(x if x!=0)/count", "sum(x)/count", Domain(-99, 99, 30), False),
        ("argmax(x)", "argmax(x*x)", Domain(0, 99, 6), True),
        ("max(x)", "max(x, init=0)", Domain(-9, 9, 30), False),
    ],
)
def test_equivalence_at_32_bits(a: str, b: str, domain: Domain, equal: bool) -> None:
    found = equivalent(parse_program(a), parse_program(b), domain)
    assert found.equal is equal, found
    assert json.loads(json.dumps(found.to_json())) == found.to_json()
    if not equal:
        assert found.counterexample is not None


@pytest.mark.parametrize(
    ("a", "b", "domain", "equal"),
    [
        ("sum([x>0]) + 7", "product(1) + 5", Domain(-9, 0, 20000), False),
        ("sum([x>0]) + 7", "product(1) + 5", Domain(-9, 0, 20000, 1), False),
        ("sum([x>0]) + 7", "product(1) + 5", Domain(-9, -1, 6), False),
        ("sum([x>0]) + 1", "product(1)", Domain(-9, 0, 20000), True),
        ("sum([x>0])/len + 1.0", "product(1)", Domain(-9, 0, 20000), True),  # as numbers
        ("sum(x if x>0) - 4", "argmax(x if x>0) - 3", Domain(-9, 0, 6), True),
        ("sum(x)", "sum(|x|)", Domain(5, 5, 3, 3), True),
        ("sum(x)", "sum(x*x)", Domain(5, 5, 3, 3), False),
    ],
)
def test_constants_are_decided_without_a_solver(a: str, b: str, domain: Domain, equal: bool):
    p, q = parse_program(a), parse_program(b)
    found = equivalent(p, q, domain)
    assert (found.equal, found.method, found.solver) == (equal, "constant", "executor"), found
    if not equal:
        assert found.counterexample is not None
        values = [run_program(r, found.counterexample["x"]) for r in (p, q)]
        assert values[0] != values[1]


def test_the_constant_step_agrees_with_enumeration() -> None:
    """Every program that the intervals call constant on a small domain, against all inputs."""
    domain = Domain(-1, 0, 2, 1, 1, 1, format=WORD8)
    choices, space = list(all_choices()), all_programs()
    constant = [i for i in range(0, SPACE_SIZE, 11) if _single(choices[i], domain)]
    assert len(constant) > 40
    for i, j in itertools.pairwise(constant):
        p, q = space[i], space[j]
        found = equivalent(p, q, domain, methods=("constant",))
        want = equivalent(p, q, domain, methods=("enumeration",))
        assert found.equal is want.equal, (str(p), str(q), found, want)
    moving = parse_program("sum(x)", WORD8)
    assert equivalent(moving, space[constant[0]], domain, methods=("constant",)).equal is None


def _single(choice: Choice, domain: Domain) -> bool:
    found = bounds(choice, 0, domain).result
    return found is not None and found.low == found.high


def test_every_input_is_listed_once() -> None:
    seen = set()
    for x, n, y in all_inputs(SMALL, second=True, batch=100):
        seen |= {
            (tuple(a[:k]), tuple(b[:k])) for a, b, k in zip(x.tolist(), y.tolist(), n, strict=True)
        }
    assert len(seen) == inputs_count(SMALL, second=True) == 16 + 256


def test_most_likely_reads_every_bit() -> None:
    for offset in (0, -1, 2**31 - 2, -(2**31) + 2, 12345):
        program = ArrayProgram.of("max", "x*y", predicate="x odd", post="acc/len", offset=offset)
        found = jax.device_get(most_likely(_peaked(program, 1.0, 7)))
        assert canonical_bytes(found) == canonical_bytes(program)
