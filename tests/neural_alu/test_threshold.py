"""Threshold circuits on their whole domains, attention, and programs on both machines."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from ncpu.machine.corpus import Case, cases, program
from ncpu.machine.errors import AssemblyError
from ncpu.machine.run import fetch, run, step
from ncpu.machine.state import State, Status
from ncpu.machine.toy import Register, assemble_toy, parse
from ncpu.machine.word import from_limbs
from ncpu.neural_alu.threshold import circuits, memory, processor
from ncpu.neural_alu.threshold.assemble import LEAST_ROWS, assemble
from ncpu.neural_alu.threshold.gates import Circuit, CircuitError, Netlist
from ncpu.neural_alu.threshold.memory import from_bits, to_bits
from ncpu.neural_alu.threshold.sweep import correct_clocks, sweep

CORPUS = Path(__file__).parents[2] / "programs" / "corpus"
SEED = 1943

PROGRAMS = {
    "factorial": "MOV R0, 1\nMOV R1, 7\nloop: MUL R0, R1\nDEC R1\nJNZ loop",
    "fibonacci": """
            MOV R0, 0
            MOV R1, 1
            MOV R2, 22
    next:   ADD R3, R0, R1
            MOV R0, R1
            MOV R1, R3
            DEC R2
            JNZ next
    """,
    "gcd": """
            MOV R0, 10374
            MOV R1, 2652
    next:   DIV R2, R0, R1
            MUL R2, R1
            SUB R2, R0, R2
            MOV R0, R1
            MOV R1, R2
            OR R1, 0
            JNZ next
    """,
    "bits": """
            MOV R1, 0x5A3C          ; counts bits, mirrors them, keeps a parity
    next:   AND R2, R1, 1
            ADD R0, R2
            XOR R3, R2
            SHL R4, 1
            OR R4, R2
            SHR R1, 1
            JNZ next
    """,
    "signs": """
            MOV R0, -100
            DIV R1, R0, 7
            DIV R2, R0, -7
            DIV R3, R0, 0
            CMP R0, 3
            JS less
            MOV R4, 1
    less:   CMP 3, R0
            JNS more
            MOV R4, 2
    more:   NOP
    """,
    "sieve": """
            MOV R0, 2
    outer:  LOAD R1, [R0]
            CMP R1, 0
            JNZ next
            INC R2                  ; a prime
            MOV R1, R0
    mark:   ADD R1, R0
            CMP R1, 50
            JNS next
            STORE [R1], 1
            JMP mark
    next:   INC R0
            CMP R0, 50
            JNZ outer
            LOAD R3, [49]
            LOAD R4, [47]
    """,
    "sort": """
            MOV R1, 77
    fill:   MUL R1, 13
            ADD R1, 29
            AND R1, 0x3FF
            STORE [R0], R1
            INC R0
            CMP R0, 10
            JNZ fill
            MOV R0, 1
    outer:  LOAD R2, [R0]
            MOV R1, R0
    inner:  SUB R3, R1, 1
            LOAD R4, [R3]
            CMP R4, R2
            JS place
            STORE [R1], R4
            DEC R1
            JNZ inner
    place:  STORE [R1], R2
            INC R0
            CMP R0, 10
            JNZ outer
            LOAD R5, [0]
            LOAD R6, [9]
    """,
}


def pairs(width: int, count: int = 4096) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of words, or edge values and random ones, as signed numbers."""
    if width <= 8:
        a, b = np.divmod(np.arange(1 << 2 * width), 1 << width)
    else:
        generator = np.random.default_rng(SEED)
        top = 1 << width - 1
        edges = np.array([0, 1, 2, 3, 7, top - 1, top, top + 1, 2 * top - 1], np.uint64)
        a, b = generator.integers(0, 2 * top, (2, count), np.uint64)
        b >>= generator.integers(0, width, count, np.uint64)  # divisors of every size
        a[:81], b[:81] = np.repeat(edges, 9), np.tile(edges, 9)
    high = 64 - width
    return tuple((x.astype(np.uint64) << np.uint64(high)).view(np.int64) >> high for x in (a, b))


def divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    magnitude = np.abs(a) // np.where(b == 0, 1, np.abs(b))
    return np.where(b == 0, 0, np.where((a < 0) == (b < 0), magnitude, -magnitude))


def semantics(name: str, width: int, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    amount = b & width - 1
    low = a & (1 << width) - 1
    results = {
        "add": lambda: a + b,
        "sub": lambda: a - b,
        "mul": lambda: (a.view(np.uint64) * b.view(np.uint64)).view(np.int64),
        "div": lambda: divide(a, b),
        "and": lambda: a & b,
        "or": lambda: a | b,
        "xor": lambda: a ^ b,
        "shl": lambda: a << amount,
        "shr": lambda: low >> amount,
    }
    return (results[name]() & (1 << width) - 1).astype(np.uint64)


def evaluate(circuit: Circuit | circuits.Divider, *words: np.ndarray) -> np.ndarray:
    """Bits in, bits out."""
    return np.asarray(jax.jit(lambda c, x: c(x))(circuit, np.concatenate(words, axis=-1)))


@pytest.mark.parametrize("width", [4, 8, 16, 32])
def test_arithmetic(width: int) -> None:
    """4 and 8 bits on the whole domain, more on edges and random pairs."""
    a, b = pairs(width)
    for name, circuit in circuits.arithmetic(width).items():
        got = evaluate(
            circuit, to_bits(a.view(np.uint64), width), to_bits(b.view(np.uint64), width)
        )
        wrong = np.flatnonzero(from_bits(got) != semantics(name, width, a, b))
        assert not wrong.size, (name, width, a[wrong[:3]], b[wrong[:3]])


@pytest.mark.parametrize("chain", [False, True], ids=["lookahead", "ripple"])
@pytest.mark.parametrize("width", [8, 32])
def test_adders(width: int, chain: bool) -> None:
    """Both carries in, sum and carry out."""
    a, b = (x.view(np.uint64) for x in pairs(width))
    mask = np.uint64((1 << width) - 1)
    circuit = circuits.adder(width, chain)
    for carry in (0, 1):
        carries = np.full((len(a), 1), carry, np.float32)
        got = evaluate(circuit, to_bits(a, width), to_bits(b, width), carries)
        total = (a & mask) + (b & mask) + np.uint64(carry)
        assert (from_bits(got) == total).all()
    assert circuit.depth == (width + 1 if chain else 2 if width <= circuits.BLOCK else 4)


def test_flags_and_decoder() -> None:
    words = np.arange(256)
    flags = evaluate(circuits.flags(8), to_bits(words, 8))
    assert (flags == np.stack((words > 127, words == 0), -1)).all()
    net = Netlist(5)
    lines = evaluate(net.build(circuits.decode(net, range(5), 20)), to_bits(np.arange(32), 5))
    assert (lines == np.eye(32, 20)).all()


@pytest.mark.parametrize("inputs", range(1, 9))
def test_counting_and_majority(inputs: int) -> None:
    bits = to_bits(np.arange(1 << inputs), inputs)
    net = Netlist(inputs)
    made = net.build([*circuits.count(net, range(inputs)), circuits.majority(net, *range(inputs))])
    got = evaluate(made, bits)
    assert (from_bits(got[:, :-1]) == bits.sum(-1)).all()
    assert (got[:, -1] == (bits.mean(-1) > 0.5)).all()


def test_units_have_a_margin_of_one_half() -> None:
    """Integer weights, thresholds half way between: no sum of bits is near a step."""
    for circuit in circuits.arithmetic(16).values():
        whole = isinstance(circuit, Circuit)
        for part in [circuit] if whole else [circuit.prepare, circuit.stage, circuit.finish]:
            for layer in part.layers:
                w, b = np.asarray(layer.w), np.asarray(layer.b)
                assert (w == np.round(w)).all() and (b % 1 == 0.5).all()
                assert np.abs(w).sum(-1).max() < 1 << 24  # so sums are exact in f32


def simplex_projection(z: np.ndarray) -> np.ndarray:
    """The projection by bisection on the threshold, in f64."""
    low, high = z.max() - 1, z.max()
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if np.maximum(z - middle, 0).sum() > 1 else (low, middle)
    return np.maximum(z - (low + high) / 2, 0)


def test_sparsemax() -> None:
    generator = np.random.default_rng(SEED)
    for size in (2, 5, 300):
        for scale in (1e-3, 0.3, 1.0, 20.0):
            z = (generator.normal(size=size) * scale).astype(np.float32)
            got = np.asarray(memory.sparsemax(jnp.asarray(z)), np.float64)
            expected = simplex_projection(z.astype(np.float64))
            np.testing.assert_allclose(got, expected, atol=3e-6 * max(1.0, scale))
            assert abs(got.sum() - 1) < 1e-5 and (got >= 0).all()
            clear = np.abs(expected) > 1e-5  # support, but for entries on its very edge
            assert (got[clear] > 0).all() and (got[expected == 0] < 1e-5).all()


@pytest.mark.parametrize("words", [16, 256])
def test_attention_reads_and_writes(words: int) -> None:
    """Sparsemax is a memory up to temperature 2, bit for bit; softmax leaks what it must."""
    generator = np.random.default_rng(SEED)
    held = jnp.asarray(generator.integers(0, 2, (words, 16)), jnp.float32)
    for temperature in (0.01, 0.7, 1.0, 2.0):
        sparse = memory.attention("sparsemax", words, temperature)
        soft = memory.attention("softmax", words, temperature)
        weights = jax.vmap(sparse)(sparse.keys)
        assert (weights == jnp.eye(words)).all()
        word = 1 - held[3]
        assert (memory.write(held, weights[3], word) == held.at[3].set(word)).all()
        # In closed form: each of the log2(words) bits shares a weight out independently.
        share = (1 + np.exp(-2 / temperature)) ** -np.log2(words)
        np.testing.assert_allclose(jnp.diag(jax.vmap(soft)(soft.keys)), share, rtol=1e-5)
    barely = memory.attention("sparsemax", words, 2.1)
    assert (jnp.diag(jax.vmap(barely)(barely.keys)) < 1).all()


def test_random_keys_are_addresses_too() -> None:
    keys = memory.random_keys(jax.random.key(SEED), 128, 64)
    addressing = memory.keyed("sparsemax", keys, 8.0)
    assert (jax.vmap(addressing)(keys) == jnp.eye(128)).all()


def exact(source: str) -> np.ndarray:
    """R0-R7 of the A64 lowering, signed."""
    made = assemble_toy(source)
    state = run(made.program(), made.state(), 100_000)
    assert state.status == Status.BREAKPOINT
    return state.x[:8].view(np.int64)


@pytest.fixture(scope="module")
def machines() -> dict[str, processor.ThresholdMachine]:
    """Machines of 16 bits, to be given programs."""
    limits = {"sparsemax": 2.0, "softmax": 0.02}
    return {kind: processor.build("HALT", kind=kind, temperature=t) for kind, t in limits.items()}


def loaded(machine: processor.ThresholdMachine, source: str) -> processor.ThresholdMachine:
    """The machine with another program of as many rows."""
    matrix = jnp.asarray(assemble(source, machine.layout.width))
    assert matrix.shape == machine.program.shape
    return dataclasses.replace(machine, program=matrix)


def same(machine: processor.ThresholdMachine, expected: np.ndarray, limit: int = 5000) -> bool:
    """Whether the machine halts with these numbers in its registers, modulo its width."""
    state, _ = processor.run(machine, processor.start(machine), limit)
    mask = (1 << machine.layout.width) - 1
    return bool(state.halted == 1) and (state.r == (expected & mask).astype(np.uint64)).all()


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(machines: dict[str, processor.ThresholdMachine], name: str) -> None:
    expected = exact(PROGRAMS[name])
    for kind, machine in machines.items():
        assert same(loaded(machine, PROGRAMS[name]), expected), kind


def test_programs_in_32_bits() -> None:
    machine = processor.build("HALT", width=32)
    for name in ("fibonacci", "gcd", "signs", "sieve"):
        assert same(loaded(machine, PROGRAMS[name]), exact(PROGRAMS[name])), name


TOY = [
    case
    for case in (cases(CORPUS) if CORPUS.is_dir() else ())
    if case.path.suffix == ".toy" and len(parse(case.source).instructions) < LEAST_ROWS
]


@partial(jax.jit, static_argnums=2)
def values_seen(decoded: object, state: State, steps: int) -> jax.Array:
    """x0-x7 after each step on the exact machine, in limbs."""

    def tick(state: State, _: None) -> tuple[State, jax.Array]:
        state = step(state, fetch(decoded, state))
        return state, state.regs[:8]

    return lax.scan(tick, state, length=steps)[1]


def fits(case: Case, width: int) -> bool:
    """Whether all of a program's numbers, and differences of two, fit in words of `width` bits."""
    instructions = parse(case.source).instructions
    shifts = [i.operands[2] for i in instructions if i.name in ("shl", "shr")]
    if any(isinstance(amount, Register) or amount >= width for amount in shifts):
        return False
    numbers = [o for i in instructions for o in i.operands if isinstance(o, int)]
    values = from_limbs(values_seen(*program(case), 1024)).view(np.int64)
    return all(abs(n) < 1 << width - 2 for n in (*numbers, *values.ravel().tolist()))


@pytest.mark.skipif(not TOY, reason="programs/corpus holds no toy programs")
def test_corpus_programs_that_fit_in_16_bits(
    machines: dict[str, processor.ThresholdMachine],
) -> None:
    ran = [case for case in TOY if fits(case, 16)]
    for case in ran:
        assert same(loaded(machines["sparsemax"], case.source), exact(case.source)), case.name
    assert len(ran) >= 10


@pytest.mark.slow
@pytest.mark.skipif(not TOY, reason="programs/corpus holds no toy programs")
def test_corpus_in_64_bits() -> None:
    """Every program, whatever its numbers, as lanes of one machine."""
    machine = processor.build("HALT", width=64)
    programs = [loaded(machine, case.source).program for case in TOY]

    def lane(matrix: jax.Array) -> tuple[processor.ThresholdState, jax.Array]:
        lane = dataclasses.replace(machine, program=matrix)
        return processor.run(lane, processor.start(lane), 5000)

    states, _ = jax.vmap(lane)(jnp.stack(programs))
    assert (states.halted == 1).all()
    for case, registers in zip(TOY, states.r, strict=True):
        assert (registers.view(np.int64) == exact(case.source)).all(), case.name


USES = {
    "add": "fibonacci",
    "sub": "gcd",
    "mul": "factorial",
    "div": "gcd",
    "and": "bits",
    "or": "bits",
    "xor": "bits",
    "shl": "bits",
    "shr": "bits",
    "decoder": "signs",
    "flags": "sieve",
    "condition": "sieve",
}


@pytest.mark.parametrize("part", USES)
def test_random_weights_break_it(
    machines: dict[str, processor.ThresholdMachine], part: str
) -> None:
    """Each circuit is on the path: the same shapes with random weights end differently."""
    source = PROGRAMS[USES[part]]
    machine = loaded(machines["sparsemax"], source)
    generator = np.random.default_rng(SEED)

    def randomised(circuit: Circuit | circuits.Divider) -> Circuit | circuits.Divider:
        return jax.tree.map(lambda w: jnp.asarray(generator.normal(size=w.shape), w.dtype), circuit)

    if part in machine.arithmetic:
        broken = {**machine.arithmetic, part: randomised(machine.arithmetic[part])}
        machine = dataclasses.replace(machine, arithmetic=broken)
    else:
        machine = dataclasses.replace(machine, **{part: randomised(getattr(machine, part))})
    assert not same(machine, exact(source), 1000)


def test_sweep() -> None:
    temperatures = (0.05, 0.5, 2.0, 4.0)
    soft = sweep(jax.random.key(SEED), (16, 64), temperatures, "softmax")
    sparse = sweep(jax.random.key(SEED), (16, 64), temperatures, "sparsemax")
    assert (sparse.read[:, :3] == 0).all() and (sparse.write[:, :3] == 0).all()
    assert (sparse.read[:, 3] > 0.05).all()
    assert (soft.read > 0).all() and (soft.write > 0).all()
    assert (np.diff(soft.write, axis=1) > 0).all() and (np.diff(soft.write, axis=0) >= 0).all()
    assert (soft.wrong[:, 0] == 0).all() and (soft.wrong[:, 3] > 0.5).all()


def test_correct_clocks() -> None:
    kept, taken = correct_clocks(PROGRAMS["sort"], (0.02, 4.0), "softmax", True, clocks=400)
    assert kept[0] == taken and kept[1] < taken
    with pytest.raises(CircuitError, match="does not halt within 20 clocks"):
        correct_clocks(PROGRAMS["sort"], (1.0,), "softmax", True, clocks=20)


def test_halting_is_final(machines: dict[str, processor.ThresholdMachine]) -> None:
    machine = loaded(machines["sparsemax"], "MOV R0, 5\nHALT\nMOV R0, 6")
    state, clocks = processor.run(machine, processor.start(machine), 100)
    assert clocks == 2
    going = dataclasses.replace(state, halted=jnp.zeros(()))
    chex.assert_trees_all_equal(processor.run(machine, going, 1)[0], state)
    endless = loaded(machine, "loop: JMP loop")
    state, clocks = processor.run(endless, processor.start(endless), 7)
    assert (state.halted, clocks) == (0, 7)


def test_errors() -> None:
    with pytest.raises(AssemblyError, match="line 1: MOV R0, 300\n  300 does not fit in the"):
        assemble("MOV R0, 300", width=8)
    for arguments, message in (
        ({"width": 12}, "words of 12 bits: the width is one of"),
        ({"words": 48}, "a memory of 48 words: the number is a power of two from 2"),
        ({"width": 4, "words": 32}, "4 bits address at most 16"),
        ({"kind": "hardmax"}, "it is one of softmax, sparsemax"),
        ({"temperature": 0.0}, "it must be above 0"),
    ):
        with pytest.raises(CircuitError, match=message):
            processor.build("HALT", **arguments)
