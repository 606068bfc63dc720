"""Keeping freed blocks from being used again, by recorded edits of a run."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from ncpu.machine.debug.debugger import Debugger
from ncpu.machine.debug.heap import allocators
from ncpu.machine.debug.plan import Plan

QUARANTINE = "free put off"  # what an edit is called that keeps a block from being reused


def put_off_frees(debugger: Debugger, most: int = 10_000) -> None:
    """Run to the end without giving freed blocks back, so that none is used again by another.

    Each `free` returns at once, as a recorded edit: the history can be gone through as any.

    Args:
      debugger: at the start of a run.
      most: frees put off; later ones are done.
    """
    history = debugger.history
    frees = frozenset(a for a, n in allocators(debugger.symbols).items() if n == "free")
    while most > 0:
        stop = history.forward(Plan(breakpoints=frees))
        if stop.reason in ("exited", "interrupted", "end"):
            return
        if stop.reason == "breakpoint" and int(history.state.x[0]):
            most -= 1
            history.edit(
                lambda s: (s.replace(pc=jnp.array(np.asarray(s.regs)[30])), []), QUARANTINE
            )
    while history.forward().reason not in ("exited", "interrupted", "end"):
        pass
