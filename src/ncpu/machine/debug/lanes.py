"""Lanes of one batch, each with a kernel of its own, for what compares many runs."""

from __future__ import annotations

import copy
from functools import partial

import jax
import numpy as np
from jax import lax

from ncpu.machine import batch, word
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.linux.kernel import Kernel
from ncpu.machine.state import State, Status


@partial(jax.jit, donate_argnames="states")
def put_lane(states: State, index: jax.Array, one: State) -> State:
    """The batch, donated, with one lane replaced."""
    return jax.tree.map(lambda every, leaf: every.at[index].set(leaf), states, one)


broadcast = jax.jit(batch.broadcast, static_argnums=1)


@partial(jax.jit, donate_argnames="mem")
def put_words(mem: jax.Array, first: jax.Array, values: jax.Array) -> jax.Array:
    """Memory of a batch, donated, with doublewords `u32[lanes, n, 2]` from `first` on."""
    return lax.dynamic_update_slice(mem, values, (np.int32(0), first, np.int32(0)))


def serve(states: State, index: int, kernel: Kernel) -> State:
    """One lane's system call; the batch is donated."""
    one = batch.lane(states, index)
    if Status(int(one.status)) != Status.SYSCALL:
        raise DebugError(
            f"the program stopped with {Status(int(one.status)).name} at "
            f"{int(word.from_limbs(one.pc)):#x}: a program that gets signals or changes its code "
            "cannot be compared"
        )
    return put_lane(states, np.int32(index), kernel.serve(one))


def fork(kernel: Kernel) -> Kernel:
    """A copy of a kernel, its files and its standard input at the place they are at."""
    held = kernel.__dict__.pop("lane", None)
    try:
        return copy.deepcopy(kernel)
    finally:
        if held is not None:
            kernel.lane = held
