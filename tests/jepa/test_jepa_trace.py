"""Traces against stepping the machine by hand and against Unicorn; sets and their split."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ncpu
from ncpu.jepa import programs
from ncpu.jepa.errors import TraceError, ViewError
from ncpu.jepa.programs import Random, Traced, held_out, split, together, trace_corpus
from ncpu.jepa.trace import trace
from ncpu.jepa.transition import Transition, take, transitions
from ncpu.jepa.view import PC, View, view
from ncpu.machine import corpus, word
from ncpu.machine.decode import decode_table
from ncpu.machine.instr import field, pack
from ncpu.machine.state import PAGE, Status

CORPUS = Path(__file__).parents[2] / "programs" / "corpus"
STEPS = 1024


@pytest.fixture(scope="module")
def traced() -> list[Traced]:
    return trace_corpus(CORPUS, STEPS)


def test_every_view_is_the_effects_of_the_one_before(traced: list[Traced]) -> None:
    for program in traced:
        ticks = take(program.ticks, 0)
        count = int(np.argmin(ticks.valid)) if not ticks.valid.all() else STEPS
        after = np.asarray(ticks.after.words)[: count - 1]
        assert (after == ticks.before.words[1:count]).all(), program.name


def test_a_trace_is_what_stepping_by_hand_finds(traced: list[Traced]) -> None:
    by_name = {program.name: program for program in traced}
    fetch, step = jax.jit(ncpu.fetch), jax.jit(ncpu.step)
    for name in ("quicksort", "siphash"):
        program, state = corpus.program(corpus.case(CORPUS / f"{name}.s"))
        ticks = take(by_name[name].ticks, 0)
        for k in range(150):
            assert (np.asarray(view(state).words) == ticks.before.words[k]).all(), (name, k)
            instr = fetch(program, state)
            assert (np.asarray(pack(instr)) == ticks.packed[k]).all(), (name, k)
            state = step(state, instr)


@pytest.mark.oracle
def test_a_trace_is_what_unicorn_does(traced: list[Traced]) -> None:
    unicorn = pytest.importorskip("unicorn")
    arm = pytest.importorskip("unicorn.arm64_const")
    registers = [arm.UC_ARM64_REG_X0 + k for k in range(29)]
    registers += [arm.UC_ARM64_REG_X29, arm.UC_ARM64_REG_X30, arm.UC_ARM64_REG_SP]
    compared = 0
    for program, case in zip(traced, corpus.cases(CORPUS), strict=True):
        _, state = corpus.program(case)
        uc = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
        uc.ctl_set_cpu_model(arm.UC_CPU_ARM64_MAX)
        base = int(word.from_limbs(state.base))
        uc.mem_map(base, state.mem.shape[0] * 8 + PAGE)
        uc.mem_write(base, np.asarray(state.mem).tobytes())
        for number, value in zip(registers, [*state.x, state.sp], strict=True):
            uc.reg_write(number, int(value))
        uc.reg_write(arm.UC_ARM64_REG_NZCV, 0)
        uc.reg_write(arm.UC_ARM64_REG_PC, int(word.from_limbs(state.pc)))
        ticks = take(program.ticks, 0)
        words = word.from_limbs(ticks.before.words)
        for k in range(64):
            if not ticks.valid[k]:
                break
            if k and not field(ticks.packed[k - 1], "last"):
                continue  # a further transfer of an instruction that Unicorn does at once
            seen = [uc.reg_read(number) for number in registers]
            assert seen == words[k, :32].tolist(), (program.name, k)
            assert uc.reg_read(arm.UC_ARM64_REG_PC) == words[k, PC], (program.name, k)
            assert uc.reg_read(arm.UC_ARM64_REG_NZCV) >> 28 == words[k, 33], (program.name, k)
            pc = int(words[k, PC])
            uc.emu_start(pc, pc + (1 << 20), count=1)
            compared += 1
    assert compared > 1_000


def test_a_transition_alone_is_the_one_in_the_trace(traced: list[Traced]) -> None:
    """What a program did, done again from the view, instruction and bus alone."""
    flat = together(traced)
    alone = transitions(flat.before, jnp.asarray(flat.packed), flat.bus)
    assert np.asarray(alone.valid).all()
    assert (np.asarray(alone.after.words) == np.asarray(flat.after.words)).all()


def test_random_transitions_are_new_and_come_again_with_the_seed() -> None:
    source, again = Random(3), Random(3)
    first, second, repeated = source.draw(512), source.draw(512), again.draw(512)
    assert first.valid.mean() > 0.9
    assert not (first.before.words == second.before.words).all()
    assert (first.before.words == repeated.before.words).all()
    units = np.unique(field(first.packed, "unit"))
    assert len(units) > 15  # of the 24 that are covered


def test_a_batch_that_shares_a_program_and_a_single_lane_agree() -> None:
    from ncpu.machine import batch

    program, state = corpus.program(corpus.case(CORPUS / "gcd.toy"))
    one = trace(program, state, 8)
    both = trace(program, batch.broadcast(state, 2), 8)
    assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b[1]).all()), one, both))
    assert not np.asarray(one.valid)[-1] or int(state.status) == Status.RUNNING


def test_the_split_is_by_program(traced: list[Traced]) -> None:
    train, test = split(traced)
    assert {p.name for p in train}.isdisjoint(p.name for p in test)
    assert len(train) + len(test) == len(traced) and len(test) > 15
    assert all(held_out(p.name) for p in test)


def test_bad_input(traced: list[Traced]) -> None:
    program, state = corpus.program(corpus.case(CORPUS / "gcd.toy"))
    with pytest.raises(TraceError, match="at least 1"):
        trace(program, state, 0)
    with pytest.raises(TraceError, match="held out"):
        split([p for p in traced if held_out(p.name)])
    with pytest.raises(TraceError, match="no transition"):
        together([])
    with pytest.raises(ViewError, match="104"):
        view(state.replace(regs=state.regs[:50]))
    with pytest.raises(TraceError, match="programs"):
        trace_corpus(Path(__file__).parent)


def test_what_reads_outside_the_view_is_not_covered() -> None:
    # add x0, x1, x2; fmov x0, d1; svc #0; ldr d0, [x1]; mrs x0, tpidr_el0
    words = np.array([0x8B020020, 0x9E660020, 0xD4000001, 0xFD400020, 0xD53BD040], np.uint32)
    packed = programs.pack_columns(decode_table(words))[: len(words)]
    found = np.asarray(programs.covered(jnp.asarray(packed)))
    assert found.tolist() == [True, False, False, True, False]


def test_the_types_are_pytrees(traced: list[Traced]) -> None:
    flat = together(traced[:1])
    assert isinstance(take(flat, 0), Transition) and isinstance(flat.after, View)
