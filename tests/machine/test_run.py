"""The loop: what it computes, how it stops, and that XLA does not copy the memory."""

from __future__ import annotations

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import ncpu
from ncpu.machine import batch, hosted, word
from ncpu.machine import run as run_module
from ncpu.machine.state import EXEC, PAGE, READ, SP, State, Status, new_state

BASE = 0x1000
# x0 += 1 … x1 times, storing x0 at [x2]: add, str, subs, b.ne, brk
COUNT = [0x91000400, 0xF9000040, 0xF1000421, 0x54FFFFA1, 0xD4200000]


def start(pc: int = BASE, size: int = 4 * PAGE, **x: int) -> State:
    state = new_state(size=size, pc=pc)
    regs = np.array(state.regs)
    for name, value in x.items():
        regs[SP if name == "sp" else int(name[1:])] = word.to_limbs(value)
    return state.replace(regs=jnp.asarray(regs))


def same(a: State, b: State) -> None:
    chex.assert_trees_all_equal(a, b)


def test_counts() -> None:
    done = ncpu.run(ncpu.Program.from_words(COUNT, BASE), start(x1=10, x2=0x2000))
    assert Status(int(done.status)) == Status.BREAKPOINT
    assert (int(done.x[0]), int(done.x[1])) == (10, 0)
    assert int(word.from_limbs(done.retired)) == 40
    assert int(word.from_limbs(done.pc)) == BASE + 16


def test_step_equals_run() -> None:
    """The loop is nothing but fetch and step, repeated."""
    program = ncpu.Program.from_words(COUNT, BASE)
    stepped = start(x1=3, x2=0x2000)
    step, fetch = jax.jit(ncpu.step), jax.jit(ncpu.fetch)
    for _ in range(12):
        stepped = step(stepped, fetch(program, stepped))
    ran = ncpu.run(program, start(x1=3, x2=0x2000), 12)
    same(stepped, ran.replace(status=stepped.status))
    assert Status(int(ran.status)) == Status.OUT_OF_FUEL


def test_fuel_splits_anywhere() -> None:
    program = ncpu.Program.from_words(COUNT, BASE)
    whole = ncpu.run(program, start(x1=20, x2=0x2000))
    for piece in (1, 7, 13):
        state = start(x1=20, x2=0x2000)
        for _ in range(100):
            state = ncpu.run(program, state, piece)
            if Status(int(state.status)) != Status.OUT_OF_FUEL:
                break
        same(whole, state)


def test_one_compilation_for_all_fuels() -> None:
    run_module._run.clear_cache()
    program = ncpu.Program.from_words(COUNT, BASE)
    for steps in (1, 5, 1000, 1 << 40):
        ncpu.run(program, start(x1=4, x2=0x2000), steps)
    assert run_module._run._cache_size() == 1


def compiled(size: int) -> jax.stages.Compiled:
    program = ncpu.Program.from_words(COUNT, BASE)
    state = new_state(size=size, pc=BASE)
    fuel = run_module.fuel_limbs(1)
    return run_module._run.lower(program, state, fuel, ncpu.EXACT).compile()


def test_memory_is_not_copied() -> None:
    """Commit first, then execute: XLA updates memory in place, whatever its size."""
    size = 16 << 20
    program = compiled(size)
    shape = f"u32[{size // 8},2]"
    copies = [line for line in program.as_text().splitlines() if " copy(" in line and shape in line]
    assert not copies, copies[:3]
    analysis = program.memory_analysis()
    assert analysis is not None
    assert analysis.temp_size_in_bytes < size // 16


def test_hosted_run_gives_the_same_bits_and_copies_no_memory() -> None:
    """Out of fuel, on again, a fault, no step at all: as `run`, and settled as it settles."""
    size = 1 << 20
    program = ncpu.Program.from_words(COUNT, BASE)
    cases = ((0x2000, 7, 2), (0x2000, 1 << 40, 1), (size - 4, 100, 1), (0x2000, 0, 2))
    for pointer, steps, times in cases:
        here = start(size=size, x1=10, x2=pointer)
        there = start(size=size, x1=10, x2=pointer)
        for _ in range(times):
            here, there = hosted.run(program, here, steps), ncpu.run(program, there, steps)
            same(jax.tree.map(np.asarray, here), jax.tree.map(np.asarray, there))
    packed = hosted.pack(here, 1)
    text = hosted._run.lower(program, packed, here.mem, here.perm, ncpu.EXACT).compile().as_text()
    shape = f"u32[{size // 8},2]"
    assert not [line for line in text.splitlines() if " copy(" in line and shape in line]
    # One native function: a scheduler for many costs as much as a system call.
    tasks = [line for line in text[text.index("ENTRY") :].splitlines() if " = " in line]
    assert sum(any(f" {kind}(" in t for kind in ("fusion", "copy", "call")) for t in tasks) < 8


def test_batch_memory_is_not_copied() -> None:
    lanes, size = 64, 1 << 20
    program = ncpu.Program.from_words(COUNT, BASE)
    states = batch.broadcast(new_state(size=size, pc=BASE), lanes)
    fuel = run_module.fuel_limbs(1)
    lowered = batch._run_batch.lower(program, states, fuel, ncpu.EXACT, "lanes", None)
    analysis = lowered.compile().memory_analysis()
    assert analysis is not None
    assert analysis.temp_size_in_bytes < lanes * size // 16


def test_lane_costs_less_than_2_kib() -> None:
    state = new_state(size=PAGE)
    held = sum(leaf.nbytes for leaf in jax.tree.leaves(state)) - state.mem.nbytes
    assert held <= 2048


@pytest.mark.parametrize("form", ["lanes", "lockstep"])
def test_lanes_equal_single_runs(form: batch.Form) -> None:
    """Bit for bit, at any position, with neighbours that fault or run longer."""
    program, entries = ncpu.Program.many(
        [COUNT, [0xF9400040, 0xD4200000], [0x00000000], [0x14000000], [0xD503201F] * 3], BASE
    )
    singles = []
    for k in range(10):
        pc = int(entries[k % 5])
        singles.append(start(pc=pc, x1=k + 1, x2=0x2000 if k < 5 else 0xFFFF_0000))
    alone = [ncpu.run(program, jax.tree.map(jnp.array, s), 300) for s in singles]
    together = batch.run_batch(program, batch.stack(singles), 300, form=form)
    for index, one in enumerate(alone):
        same(one, batch.lane(together, index))
    assert {Status(int(s)) for s in together.status} >= {
        Status.BREAKPOINT,
        Status.DATA_FAULT,
        Status.UNDEFINED,
        Status.OUT_OF_FUEL,
    }


def test_vmap_of_run() -> None:
    program = ncpu.Program.from_words(COUNT, BASE)
    states = batch.stack([start(x1=n, x2=0x2000) for n in (1, 5, 2)])
    done = jax.vmap(lambda s: ncpu.run(program, s, 100))(states)
    assert done.x[:, 0].tolist() == [1, 5, 2]


def stop_of(words: list[int], perm: int | None = None, **x: int) -> State:
    state = start(**x)
    if perm is not None:
        perms = np.array(state.perm)
        perms[3] = perm
        state = state.replace(perm=jnp.asarray(perms))
    return ncpu.run(ncpu.Program.from_words(words, BASE), state, 100)


LDR, STR, BR = 0xF9400041, 0xF9000041, 0xD61F0040  # ldr x1,[x2]; str x1,[x2]; br x2


@pytest.mark.parametrize(
    "words, x2, perm, status",
    [
        ([LDR], 0xFFFF_FFFF_FFFF_FFF8, None, Status.DATA_FAULT),  # wraps around
        ([LDR], 4 * PAGE - 4, None, Status.DATA_FAULT),  # last bytes outside
        ([LDR], 1 << 63, None, Status.DATA_FAULT),
        ([STR], 0x3000, READ | EXEC, Status.DATA_FAULT),  # store to text
        ([STR], 0x2FFC, READ, Status.DATA_FAULT),  # second page not writable
        ([LDR], 0x3000, 0, Status.DATA_FAULT),
        ([BR], 0x9000_0000, None, Status.FETCH_FAULT),  # wild pc
        ([BR], BASE + 2, None, Status.FETCH_FAULT),  # unaligned pc
        ([BR], (1 << 64) - 4, None, Status.FETCH_FAULT),
        ([0xC85F7C41], 0x2004, None, Status.ALIGNMENT),  # ldxr x1, [x2]
        ([0xC8DFFC41], 0x2001, None, Status.ALIGNMENT),  # ldar x1, [x2]
        ([0x00000000], 0, None, Status.UNDEFINED),
        ([0xFFFFFFFF], 0, None, Status.UNDEFINED),
        ([0xD4200000], 0, None, Status.BREAKPOINT),
    ],
)
def test_precise_stop(words: list[int], x2: int, perm: int | None, status: Status) -> None:
    """The lane stops at the instruction, which has changed nothing."""
    before = start(x2=x2, x1=77)
    done = stop_of(words, perm, x2=x2, x1=77)
    assert Status(int(done.status)) == status
    at = x2 if words == [BR] else BASE
    assert int(word.from_limbs(done.pc)) == at
    assert (done.x == before.x).all()
    assert not np.asarray(done.mem).any()
    if status == Status.DATA_FAULT or status == Status.ALIGNMENT:
        assert int(word.from_limbs(done.fault)) == x2


def test_load_at_the_very_end() -> None:
    done = stop_of([LDR, 0xD4200000], x2=4 * PAGE - 8)
    assert Status(int(done.status)) == Status.BREAKPOINT


def test_supervisor_call_retires() -> None:
    done = stop_of([0xD4000001])
    assert Status(int(done.status)) == Status.SYSCALL
    assert int(word.from_limbs(done.pc)) == BASE + 4


def test_exclusive_pair_succeeds_then_fails() -> None:
    # ldxr x1,[x2]; stxr w3,x4,[x2]; stxr w5,x4,[x2]; brk
    done = stop_of([0xC85F7C41, 0xC8037C44, 0xC8057C44, 0xD4200000], x2=0x2000, x4=99)
    assert (int(done.x[3]), int(done.x[5])) == (0, 1)
    assert int(np.asarray(done.mem)[0x2000 // 8, 0]) == 99


@pytest.mark.parametrize("extra", (0, 1, 3))
def test_padding_leaves_the_lanes_that_are_there(extra: int) -> None:
    padded = batch.pad(batch.broadcast(start(), 2), extra)
    same(batch.lane(padded, 1), start())
    assert padded.status.tolist() == [Status.RUNNING] * 2 + [Status.EXITED] * extra


def test_single_state_in_run_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="leading lane axis"):
        ncpu.run_batch(ncpu.Program.from_words(COUNT, BASE), start(), 1)


@pytest.mark.parametrize(
    "seed", [5, *(pytest.param(s, marks=pytest.mark.slow) for s in range(100, 150))]
)
def test_random_code_never_escapes(seed: int) -> None:
    """Random bytes as code: every lane stops with a status and within its fuel."""
    rng = np.random.default_rng(seed)
    lanes, length = 2000, 50
    words = rng.integers(0, 1 << 32, (lanes, length), dtype=np.uint32)
    program, entries = ncpu.Program.many(list(words), BASE)
    state = start(x1=0x2000, x2=0x1800, x3=0x1008, sp=0x3000)
    states = batch.broadcast(state, lanes).replace(pc=jnp.asarray(word.to_limbs(entries)))
    done = ncpu.run_batch(program, states, 1000)
    statuses = np.asarray(done.status)
    assert ((statuses > 0) & (statuses <= max(Status))).all()
    assert (word.from_limbs(done.retired) <= 1000).all()
