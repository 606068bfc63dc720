"""Gradient synthesis: exact at temperature 0, unbiased, and programs that the machine runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from capstone import CS_ARCH_ARM64, CS_MODE_ARM, Cs
from jax.sharding import AxisType
from jax.test_util import check_grads

import ncpu
from ncpu.machine.asm import assemble
from ncpu.machine.state import Status
from ncpu.machine.word import to_limbs
from ncpu.synth.errors import LibraryError
from ncpu.synth.evaluate import satisfies
from ncpu.synth.gradient import candidate, forms, pc, soft
from ncpu.synth.gradient.bank import Bank
from ncpu.synth.gradient.candidate import Candidate, Choice, Layout
from ncpu.synth.gradient.code import MachineCode, build
from ncpu.synth.gradient.frames import STRAIGHT, frames_of
from ncpu.synth.gradient.strategy import Gradient
from ncpu.synth.gradient.tasks import EXAMPLES, prepare
from ncpu.synth.spec import Budget, SynthesisSpec
from ncpu.synth.types import Example, Signature

LAYOUT = Layout(0, 2)


def spec_of(
    signature: str, function: Callable[..., Any], inputs: Sequence[tuple[Any, ...]]
) -> SynthesisSpec:
    examples = tuple(Example(given, function(*given)) for given in inputs)
    return SynthesisSpec(examples, Signature.parse(signature))


NUMBERS = [(v,) for v in (-7, -1, 0, 1, 2, 5, 12, 40)]
PAIRS = [(3, 4), (-2, 9), (0, 0), (7, -7), (12, 5), (-6, -8), (1, 100)]
SMALL = [(v,) for v in range(9)]
ARRAYS = [((),), ((4,),), ((1, -2),), ((5, 5, 5),), ((-1, 0, 9, 2),), ((3, 1, 4, 1, 5, -9),)]


@pytest.fixture(scope="module")
def searcher() -> Gradient:
    return Gradient(restarts=256)


@pytest.mark.parametrize(
    ("signature", "function", "inputs", "fresh"),
    [
        ("(I,I)->I", lambda a, b: a + b, PAIRS, [(1 << 40, -3)]),
        ("(I)->I", lambda a: 2 * a, NUMBERS, [(-(1 << 50),)]),
        ("(I)->I", lambda a: -a, NUMBERS, [(123456789,)]),
        ("(I,I)->I", max, PAIRS, [(-5, -6), (10**12, 10**13)]),
        ("(I)->I", lambda n: n * (n + 1) // 2, SMALL, [(100,), (1000,)]),
        ("(A)->I", sum, ARRAYS, [((9,) * 40,)]),
    ],
    ids=["add_two", "double", "negate", "max", "sum_to_n", "array_sum"],
)
def test_programs_are_found_and_run_on_the_machine(
    searcher: Gradient, signature: str, function: Any, inputs: Any, fresh: Any
) -> None:
    spec = spec_of(signature, function, inputs)
    found, turns = searcher.search(spec, Budget(seconds=60, seed=1))
    assert found is not None, turns
    assert found.code.results(fresh) == [function(*given) for given in fresh]
    assert found.program is not None and satisfies(found.program, spec)
    # The disassembly says what the words do, in another disassembler's words too.
    listed = list(Cs(CS_ARCH_ARM64, CS_MODE_ARM).disasm(found.code.words[:-1].tobytes(), 0))
    assert len(listed) == found.code.size == len(str(found.code).splitlines())


def test_the_words_run_in_ncpu_run(searcher: Gradient) -> None:
    found, _ = searcher.search(spec_of("(I,I)->I", lambda a, b: a + b, PAIRS), Budget(60, seed=1))
    assert found is not None
    text = assemble("mov x0, #40\nmov x1, #2").words.tolist() + found.code.words.tolist()
    state = ncpu.run(ncpu.Program.from_words(text), ncpu.new_state(size=4096))
    assert (int(state.status), int(state.x[0])) == (Status.BREAKPOINT, 42)


def test_forms_compute_what_the_machine_computes() -> None:
    rng = np.random.default_rng(5)
    edges = np.array([0, 1, (1 << 64) - 1, 1 << 63, (1 << 63) - 1, 7], np.uint64)
    words = rng.choice(np.concatenate([edges, rng.integers(0, 1 << 64, 6, np.uint64)]), (3, 32))
    with jax.enable_x64(True):
        wide = jnp.broadcast_to(jnp.asarray(words)[:, None], (3, len(forms.FORMS), 32))
        found = np.asarray(jax.jit(forms.values)(*wide))
    for row, form in zip(found, forms.FORMS, strict=True):
        text = form.text.format(a="x0", b="x1", c="x2", d="x0", t="x9") + "; brk #0"
        signature = Signature.parse("(U,U,U)->U")
        code = MachineCode(text, signature, "straight")
        assert code.results(words.T.tolist()) == row.tolist(), form.name


def one_hot(choice: Choice, layout: Layout) -> Candidate:
    """Logits that leave no other program."""
    sharp = {}
    for name in ("form", "operand", "start", "step"):
        like = getattr(candidate.zeros(layout), name)
        sharp[name] = 60.0 * jax.nn.one_hot(np.asarray(getattr(choice, name)), like.shape[-1])
    return Candidate(**sharp)


def random_choice(layout: Layout, readable: dict[str, np.ndarray], seed: int) -> Choice:
    """Any program of the layout, that ends with its last slot."""
    rng = np.random.default_rng(seed)

    def pick(mask: np.ndarray) -> np.ndarray:
        chosen = np.apply_along_axis(lambda row: rng.choice(np.flatnonzero(row)), -1, mask)
        return chosen.astype(np.int32)

    return Choice(
        form=rng.integers(0, len(forms.FORMS), layout.slots).astype(np.int32),
        operand=pick(readable["operand"]),
        start=pick(readable["start"]),
        step=pick(readable["step"]),
        result=np.int32(candidate.TEMPORARY + layout.slots - 1),
    )


@pytest.mark.parametrize("frame", ["straight", "count", "digits"])
def test_at_temperature_zero_the_soft_mode_is_the_exact_machine(frame: str) -> None:
    """Judged by what the machine computes, J of a one-hot candidate is 0."""
    inputs = [(v,) for v in (0, 1, 2, 3, 7, 9, 11)]
    spec = spec_of("(I)->I", lambda a: a, inputs)
    chosen = next(f for f in frames_of(spec.signature) if f.name == frame)
    layout = Layout(1, 1) if chosen.loops else LAYOUT
    prepared = prepare(spec, chosen, layout)
    assert prepared is not None
    uniform = jax.tree.map(lambda x: x[0], soft.uniforms(layout, 1, jax.random.key(0)))

    @jax.jit
    def value(logits: Candidate, task: soft.Task) -> jax.Array:
        logits = soft.masked(logits, task)
        drawn = soft.draw(logits, layout, uniform)
        judged = soft.run(drawn, task, layout)
        return soft.evaluate(logits, drawn, judged, layout, jnp.float32(0.01))[0]

    for seed in range(8):
        choice = random_choice(layout, prepared.task.readable, seed)
        code = build(choice, layout, chosen, spec.signature, prepared.constants)
        known = dict(zip(inputs, code.results(inputs), strict=True))
        wanted = np.zeros((EXAMPLES, 2), np.uint32)
        for place in range(len(inputs)):
            result = known[(int(prepared.task.fixed[0, place, 0]),)]
            assert isinstance(result, int)
            wanted[place] = to_limbs(result)
        task = dataclasses.replace(prepared.task, wanted=wanted)
        with jax.enable_x64(True):
            found = value(one_hot(choice, layout), jax.tree.map(jnp.asarray, task))
        # Other outputs that are right as well make J a little smaller than 0.
        assert -0.01 * np.log(60) < float(found) < 1e-3, (seed, str(code))


def test_gradient_against_finite_differences() -> None:
    """The estimator's derivative is that of its own surrogate, sample by sample."""
    spec = spec_of("(I,I)->I", lambda a, b: a + b, PAIRS)
    prepared = prepare(spec, STRAIGHT, LAYOUT)
    assert prepared is not None
    task = jax.tree.map(jnp.asarray, prepared.task)
    logits = jax.tree.map(
        lambda x, k: jax.random.normal(jax.random.key(k), x.shape),
        candidate.zeros(LAYOUT), Candidate(form=1, operand=2, start=3, step=4),
    )  # fmt: skip
    uniform = jax.tree.map(lambda x: x[0], soft.uniforms(LAYOUT, 1, jax.random.key(9)))
    with jax.enable_x64(True):
        drawn = soft.draw(soft.masked(logits, task), LAYOUT, uniform)
        judged = jax.jit(lambda d, t: soft.run(d, t, LAYOUT))(drawn, task)
        judged = jax.tree.map(lambda x: x.astype(jnp.float64), judged)

        def both(form: jax.Array) -> jax.Array:
            changed = Candidate(form=form, operand=logits.operand, start=logits.start,
                                step=logits.step)  # fmt: skip
            value, sampled = soft.evaluate(
                soft.masked(changed, task), drawn, judged, LAYOUT, jnp.float64(0.1)
            )
            return value + sampled

        check_grads(both, (logits.form.astype(jnp.float64),), order=1, modes=["rev"], atol=1e-4,
                    rtol=1e-4)  # fmt: skip


def test_estimator_is_unbiased() -> None:
    """Its mean is the derivative, by differences, of the expectation over every program."""
    layout = pc.FreeLayout(1, 1, 0)
    registers = np.zeros((pc.GENERAL, 1, 2), np.uint32)
    registers[:2, 0, 0] = 3, 4
    task = pc.FreeTask(registers=registers, wanted=np.array([[7, 0]], np.uint32),
                       weight=np.ones(1, np.float32))  # fmt: skip
    task = jax.tree.map(jnp.asarray, task)
    form = jax.random.normal(jax.random.key(0), (1, pc.KINDS))
    rest = pc.zeros(layout)
    # Operands and places are certain, so that the forms are all there is to sum over.
    operand = np.asarray(60 * jax.nn.one_hot(np.array([[0, 1, 0]]), pc.GENERAL))
    place = np.asarray(60 * jax.nn.one_hot(np.array([2]), pc.GENERAL))

    def logits(form: jax.Array) -> pc.Free:
        return pc.Free(form=form, operand=operand, place=place, target=rest.target)

    tau = jnp.float32(0.1)

    def sample(form: jax.Array, uniform: dict[str, jax.Array]) -> jax.Array:
        at = logits(form)
        drawn = jax.lax.stop_gradient(pc.draw(at, layout, uniform))
        judged = jax.lax.stop_gradient(pc.run(drawn, task, layout))
        value, sampled = pc.evaluate(at, drawn, judged, layout, tau)
        return soft.surrogate(value, sampled, jnp.float32(0.3))

    with jax.enable_x64(True):
        uniform = soft.uniforms(layout, 20_000, jax.random.key(4))
        slopes = jax.jit(jax.vmap(jax.grad(sample), (None, 0)))(form, uniform)
        mean, error = slopes.mean(0), slopes.std(0) / np.sqrt(len(slopes))
        values, ran = [], jax.jit(lambda d, t: pc.run(d, t, layout))
        for kind in range(pc.KINDS):
            drawn = pc.Free(
                form=jnp.array([kind], jnp.int32),
                operand=jnp.array([[0, 1, 0]], jnp.int32),
                place=jnp.array([2], jnp.int32),
                target=jnp.array([0], jnp.int32),
            )
            judged = ran(drawn, task)
            values.append(pc.evaluate(logits(form), drawn, judged, layout, tau)[0])

        def expected(form: jax.Array) -> jax.Array:
            return (jax.nn.softmax(form[0]) * jnp.stack(values)).sum()

        exact = jax.grad(expected)(form)
    off = np.abs(np.asarray(mean) - np.asarray(exact)).max()
    assert off < 6 * np.asarray(error).max() + 1e-4


def test_branches_follow_a_pc_of_each_example() -> None:
    """`r1 += r0; r0 -= c; cbnz r0` counts down; the A64 text does the same on the machine."""
    layout = pc.FreeLayout(3, 40, 1)
    add, sub = forms.NAMES.index("add"), forms.NAMES.index("sub")
    program = pc.Free(
        form=np.array([add, sub, len(forms.FORMS) + 1]),
        operand=np.array([[1, 0, 0], [0, pc.GENERAL, 0], [0, 0, 0]]),
        place=np.array([1, 0, 0]),
        target=np.array([0, 0, 0]),
    )
    inputs = [1, 2, 5, 10]
    registers = np.zeros((pc.GENERAL + 1, len(inputs), 2), np.uint32)
    registers[0, :, 0], registers[pc.GENERAL, :, 0] = inputs, 1
    wanted = np.array([[n * (n + 1) // 2, 0] for n in inputs], np.uint32)
    task = pc.FreeTask(registers=registers, wanted=wanted, weight=np.full(4, 0.25, np.float32))
    with jax.enable_x64(True):
        arrays = jax.tree.map(jnp.asarray, (jax.tree.map(np.int32, program), task))
        judged = jax.jit(lambda d, t: pc.run(d, t, layout))(*arrays)
    assert judged.missed.tolist() == [1, 0, 1, 1]
    text = pc.source(pc.FreeChoice(program, jnp.int32(1)), layout, 1, [1])
    code = MachineCode(text, Signature.parse("(I)->I"), "free")
    assert code.results([(n,) for n in inputs]) == [n * (n + 1) // 2 for n in inputs]


def test_bank_is_kept_and_refused(tmp_path: Path, searcher: Gradient) -> None:
    searcher.search(spec_of("(I)->I", lambda a: 2 * a, NUMBERS), Budget(60, seed=1))
    assert searcher.bank.programs
    path = tmp_path / "bank.json"
    searcher.bank.save(path)
    again = Bank.load(path)
    assert again == searcher.bank
    starts = [b.starts(LAYOUT, "straight", [0, 1, 2], 8, 0) for b in (again, Bank())]
    biased, plain = (np.asarray(s.form).max(-1) for s in starts)
    assert (biased[:4] > 0).any() and not plain.any() and not biased[4:].any()
    path.write_text('{"version": 9}')
    with pytest.raises(LibraryError, match="version"):
        Bank.load(path)


def test_a_mesh_only_splits_the_restarts() -> None:
    spec = spec_of("(I,I)->I", lambda a, b: a + b, PAIRS)
    mesh = jax.make_mesh((1,), ("restarts",), axis_types=(AxisType.Auto,))
    sources = []
    for given in (None, mesh):
        found, _ = Gradient(restarts=256, mesh=given).search(spec, Budget(60, seed=2))
        assert found is not None
        sources.append(found.code.source)
    assert sources[0] == sources[1]
