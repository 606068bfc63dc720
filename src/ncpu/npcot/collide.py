"""A search for hidden states that a library answers with a program of the attacker's choice.

The attacker knows every key and threshold, starts from a state and may move it by a given part of
its length.  Projected gradient ascent on

    min(cosine to the target - the target's threshold,  cosine to the target - the best other one)

finds a state that `consult` gives to the target whenever that is positive.  With no budget on the
way this always succeeds, because the target's key itself does it: a key is an address.  What the
search measures is how far a state must be moved, and the tests run what it finds to show that
nothing else than a verified program inside its domain ever answers.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from ncpu.npcot.library import ProgramLibrary


def margin(library: ProgramLibrary, hidden: jax.Array, target: jax.Array) -> jax.Array:
    """How far one state is inside the target's acceptance; positive is a hit, `f32[]`.

    Args:
      library: `N` entries.
      hidden: `f32[d]`.
      target: `i32[]`, an occupied slot.
    """
    cosines = library.keys @ hidden / jnp.maximum(jnp.linalg.norm(hidden), 1e-30)
    cosines = jnp.where(library.occupied, cosines, -jnp.inf)
    others = jnp.where(jnp.arange(library.capacity) == target, -jnp.inf, cosines)
    own = cosines[target]
    return jnp.minimum(own - library.thresholds[target], own - others.max())


@partial(jax.jit, static_argnames="steps")
def collide(
    library: ProgramLibrary,
    hidden: jax.Array,
    target: jax.Array,
    budget: jax.Array | float,
    steps: int = 40,
) -> jax.Array:
    """States near `hidden` that come closest to being answered by `target`.

    Args:
      library: `N` entries, known to the attacker.
      hidden: `f32[B, d]`, where the search starts.
      target: `i32[B]`, the slots wanted.
      budget: the longest change, in parts of each state's length.
      steps: of gradient ascent; each is a quarter of the budget at first and shrinks to 0.

    Returns:
      `f32[B, d]`, the best state seen on each path.
    """

    def one(start: jax.Array, slot: jax.Array) -> jax.Array:
        limit = budget * jnp.linalg.norm(start)
        value_and_slope = jax.value_and_grad(lambda h: margin(library, h, slot))

        def step(i: jax.Array, carry: tuple) -> tuple:
            now, best, most = carry
            value, slope = value_and_slope(now)
            best = jnp.where(value > most, now, best)
            size = 0.25 * limit * (1 - i / steps)
            moved = now - start + size * slope / jnp.maximum(jnp.linalg.norm(slope), 1e-30)
            length = jnp.maximum(jnp.linalg.norm(moved), 1e-30)
            return start + moved * jnp.minimum(1.0, limit / length), best, jnp.maximum(most, value)

        last, best, most = jax.lax.fori_loop(0, steps, step, (start, start, -jnp.inf))
        return jnp.where(margin(library, last, slot) > most, last, best)

    return jax.vmap(one)(jnp.asarray(hidden, jnp.float32), target)
