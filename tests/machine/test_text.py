"""Text decoded on demand runs like text decoded at once, however little of it fits."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from ncpu.machine import memory, text, word
from ncpu.machine.asm import assemble
from ncpu.machine.program import Program
from ncpu.machine.run import run
from ncpu.machine.state import EXEC, PAGE, READ, WRITE, State, Status, new_state
from ncpu.machine.text import Text

BASE, PAGES = 0x400000, 64


def code() -> bytes:
    """Forty pages, each of which stores and loads a pair (two transfers) and goes to the next."""
    lines = ["mov x3, #3", "again:"]
    for page in range(40):
        here = [
            f"p{page}: add x0, x0, #{page}",
            "stp x0, x1, [sp, #-16]!",
            "ldp x4, x5, [sp], #16",
            "add x1, x1, x4",
            f"b p{page + 1}",
        ]
        lines += [*here, *["nop"] * (PAGE // 4 - len(here) - (page == 0))]
    lines += ["p40: subs x3, x3, #1", "b.eq done", "b p0", "done: brk #0"]
    return np.array(assemble("\n".join(lines)).words, "<u4").tobytes()


def lane(content: bytes) -> State:
    state = new_state(size=PAGES * PAGE, base=BASE, pc=BASE, perm=READ | WRITE)
    state = memory.write(state, BASE, content)
    return memory.protect(state, BASE, -(-len(content) // PAGE) * PAGE, READ | EXEC)


def finish(state: State, code: Text) -> tuple[State, int]:
    """Run until something else than a missing page stops the lane; how many were missing."""
    missing = 0
    while True:
        state = run(code.program, state, 100_000)
        if int(state.status) != Status.FETCH_FAULT or not code.fetch(state):
            return state, missing
        missing += 1
        state = state.replace(status=jnp.int32(Status.RUNNING))


ROWS = 1 << 16  # for everything here


def test_same_as_decoded_at_once() -> None:
    content = code()
    whole = run(Program.from_segments([(BASE, content)]), lane(content), 100_000)
    # A quarter of what is needed: what is decoded is dropped, then there is room for more.
    state, missing = finish(lane(content), Text(lane(content), ROWS // 4))
    assert int(whole.status) == int(state.status) == Status.BREAKPOINT
    assert missing >= 41 / text.CLUSTER
    for name in ("regs", "pc", "flags", "mem", "retired"):
        assert (np.asarray(getattr(whole, name)) == np.asarray(getattr(state, name))).all(), name


def test_changed_and_forbidden_code_is_forgotten() -> None:
    words = assemble("mov x0, #1\nbrk #0").words
    content = np.array(words, "<u4").tobytes()
    code = Text(lane(content), ROWS)
    state, _ = finish(lane(content), code)
    assert int(state.x[0]) == 1

    def again(state: State) -> State:
        pc = jnp.asarray(word.to_limbs(BASE))
        return state.replace(status=jnp.int32(Status.RUNNING), pc=pc)

    other = np.array(assemble("mov x0, #2").words, "<u4").tobytes()
    state = memory.write(again(state), BASE, other)
    code.refresh(state)
    state, missing = finish(state, code)
    assert (int(state.x[0]), missing) == (2, 1)
    state = again(state)
    code.refresh(state)
    state, missing = finish(state, code)
    assert (int(state.x[0]), missing) == (2, 0)  # nothing had changed
    state = memory.protect(again(state), BASE, PAGE, READ)
    code.refresh(state)
    state, missing = finish(state, code)
    assert (int(state.status), missing) == (Status.FETCH_FAULT, 0)


@pytest.mark.parametrize("pc", [BASE + 2, BASE - 4, BASE + PAGES * PAGE, BASE + 20 * PAGE, 0])
def test_nothing_to_fetch(pc: int) -> None:
    content = np.array(assemble("brk #0").words, "<u4").tobytes()
    state = lane(content).replace(pc=jnp.asarray(word.to_limbs(pc)))
    state, missing = finish(state, Text(state, ROWS))
    assert (int(state.status), missing) == (Status.FETCH_FAULT, 0)
    assert int(word.from_limbs(state.pc)) == pc
