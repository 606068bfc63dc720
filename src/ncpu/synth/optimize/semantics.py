"""What straight-line A64 code does to symbolic registers, and proofs about it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import z3

from ncpu.machine.alu import EXACT
from ncpu.machine.commit import commit_lane
from ncpu.machine.decode import decode_table
from ncpu.machine.execute import enter, execute_lane
from ncpu.machine.instr import PACKED_WORDS, pack_columns
from ncpu.machine.state import FLAGS, TICK_ROWS, ZR, new_state
from ncpu.synth.optimize import bits
from ncpu.synth.optimize.jaxpr import evaluate, known

NZCV = -1  # the condition flags, where registers are listed by number


@cache
def _step() -> Any:
    """The jaxpr of one tick: (register file, packed instruction) to the register file."""
    lane = enter(new_state(size=4096))

    def tick(regs: jax.Array, packed: jax.Array) -> jax.Array:
        here = lane._replace(regs=regs)
        return commit_lane(here, execute_lane(here, packed, EXACT)).regs

    with jax.enable_x64(True):
        shapes = (jnp.zeros((TICK_ROWS, 2), jnp.uint32), jnp.zeros(PACKED_WORDS, jnp.uint32))
        return jax.make_jaxpr(tick)(*shapes)


@lru_cache(4096)
def _packed(code: int) -> np.ndarray:
    return pack_columns(decode_table(np.array([code], np.uint32)))[0]


def symbol(row: int) -> z3.BitVecRef:
    """The unknown value of a register before the code, or of NZCV (4 bits)."""
    return z3.BitVec("nzcv", 4) if row == NZCV else z3.BitVec(f"x{row}", 64)


def after(words: Iterable[int], wanted: Sequence[int]) -> list[z3.BitVecRef]:
    """Values of the wanted registers (or `NZCV`) after straight-line code.

    Args:
      words: encodings of integer instructions without memory, branches or system calls.
      wanted: register numbers 0-30, or `NZCV`.

    Raises:
      UnreadableError: an instruction whose step has no meaning for symbols.
    """
    regs = known(np.zeros((TICK_ROWS, 2), np.uint32))
    for row in range(ZR):
        regs[row] = bits.split(symbol(row), 2, 32)
    regs[FLAGS, 0] = z3.Concat(symbol(NZCV), z3.BitVecVal(0, 28))
    for code in words:
        (regs,) = evaluate(_step(), [regs, known(_packed(code))])

    def value(row: int) -> z3.BitVecRef:
        if row == NZCV:
            return z3.simplify(z3.Extract(31, 28, bits.term(regs[FLAGS, 0], 32)))
        return bits.term(bits.join(list(regs[row]), 32), 64)

    return [value(row) for row in wanted]


@dataclass(frozen=True)
class Verdict:
    """The answer to "do these programs agree on every input?".

    Attributes:
      equal: proved; False also for undecided.
      seconds: the solver took.
      counterexample: register (or `NZCV`) to a value where they differ; None when they are
        equal or the solver did not decide.
    """

    equal: bool
    seconds: float
    counterexample: dict[int, int] | None = field(default=None)

    @property
    def undecided(self) -> bool:
        """Whether the solver gave up."""
        return not self.equal and self.counterexample is None


def prove_equal(
    old: Sequence[int], new: Sequence[int], live_out: Sequence[int], timeout: float = 10.0
) -> Verdict:
    """Whether two pieces of straight-line code leave the same in the live registers.

    Args:
      old: words of the one.
      new: words of the other.
      live_out: register numbers, and `NZCV` for the flags.
      timeout: seconds for the solver.
    """
    start = time.perf_counter()
    solver = z3.SolverFor("QF_BV")
    solver.set("timeout", max(1, int(1000 * timeout)))
    pairs = zip(after(old, live_out), after(new, live_out), strict=True)
    solver.add(z3.Or([z3.simplify(a != b) for a, b in pairs]))
    found = solver.check()
    seconds = time.perf_counter() - start
    if found == z3.unsat:
        return Verdict(True, seconds)
    if found != z3.sat:
        return Verdict(False, seconds)
    model = solver.model()
    rows = (NZCV, *range(31))
    values = {row: model.eval(symbol(row), model_completion=True).as_long() for row in rows}
    return Verdict(False, seconds, values)
