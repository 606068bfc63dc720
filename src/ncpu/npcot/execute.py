"""One total, pure JAX function for discrete array programs.

Everything is integer arithmetic in 64 bits clamped to the words of `ncpu.npcot.number`, so the
result does not depend on the backend, and there is no NaN and no undefined input: lengths are
clamped to the array, and every word is an element.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ncpu.npcot.domain import MAX_LENGTH
from ncpu.npcot.errors import ArrayInputError
from ncpu.npcot.number import (
    EXP_POLYNOMIAL,
    LN2,
    LOG2E,
    LOG_POLYNOMIAL,
    WORD32,
    Format,
    Q,
    horner,
)
from ncpu.npcot.program import (
    INITS,
    POSTS,
    PREDICATES,
    REDUCES,
    TRANSFORMS,
    ArrayProgram,
    validate,
)

PREDICATE: dict[str, Callable] = {
    "all": lambda x: x == x,
    "x>0": lambda x: x > 0,
    "x<0": lambda x: x < 0,
    "x!=0": lambda x: x != 0,
    "x even": lambda x: (x & 1) == 0,
    "x odd": lambda x: (x & 1) == 1,
}

TRANSFORM: dict[str, Callable] = {
    "x": lambda x, y, fmt: x,
    "x*x": lambda x, y, fmt: x * x,
    "|x|": lambda x, y, fmt: jnp.abs(x),
    "1": lambda x, y, fmt: jnp.ones_like(x),
    "[x>0]": lambda x, y, fmt: (x > 0).astype(x.dtype),
    "log|x|": lambda x, y, fmt: _log(x, fmt),
    "x*y": lambda x, y, fmt: x * y,
    "[x==y]": lambda x, y, fmt: (x == y).astype(x.dtype),
    "|x-y|": lambda x, y, fmt: jnp.abs(x - y),
}

assert tuple(PREDICATE) == PREDICATES and tuple(TRANSFORM) == TRANSFORMS

_LOG = TRANSFORMS.index("log|x|")


def execute(
    program: ArrayProgram,
    x: jax.Array,
    length: jax.Array | int,
    y: jax.Array | None = None,
    *,
    fmt: Format = WORD32,
) -> jax.Array:
    """The result word of one program on one array; `vmap` and `jit` freely.

    Args:
      program: one program (scalar fields) of the space.
      x: `i32[n]`, elements, padded to `n` with anything.
      length: how many are real; below 0 counts as 0, above `n` as `n`.
      y: `i32[n]`, the second array; zeros if absent.
      fmt: width and fraction bits of the words.

    Returns:
      `i32[]` in units of the result (`Choice.scaled`); ±`fmt.infinity` is an infinity.
    """
    with jax.enable_x64(True):
        n = x.shape[-1]
        xs = _words(x, fmt)
        ys = jnp.zeros_like(xs) if y is None else _words(y, fmt)
        length = jnp.clip(jnp.asarray(length, jnp.int64), 0, n)
        part = lax.select_n(_index(program.predicate, xs), *(p(xs) for p in PREDICATE.values()))
        part &= jnp.arange(n) < length
        t = lax.select_n(_index(program.transform, xs), *all_transforms(xs, ys, fmt))
        shift = jnp.where(program.transform == _LOG, fmt.frac, 0)
        init = jnp.stack(init_words(fmt, shift))[program.init]
        acc, index = _reduce(program.reduce, init, t, part, shift, fmt)
        return finish(program, acc, index, length, part.sum(), shift, fmt).astype(jnp.int32)


def execute_all(
    x: jax.Array, length: jax.Array | int, y: jax.Array | None = None, *, fmt: Format = WORD32
) -> jax.Array:
    """Results of the whole space (offset 0) on one array, `i32[SPACE_SIZE]` as `all_programs()`.

    The reductions are shared by the posts and the transforms by everything, which makes this about
    twenty times cheaper than `execute` on each program.
    """
    with jax.enable_x64(True):
        n = x.shape[-1]
        xs = _words(x, fmt)
        ys = jnp.zeros_like(xs) if y is None else _words(y, fmt)
        length = jnp.clip(jnp.asarray(length, jnp.int64), 0, n)
        part = jnp.stack([p(xs) for p in PREDICATE.values()]) & (jnp.arange(n) < length)
        t = jnp.stack(all_transforms(xs, ys, fmt))
        slots = (len(PREDICATES), len(INITS), len(TRANSFORMS), len(REDUCES), len(POSTS))
        predicate, init, transform, reduce, post = jnp.indices(slots, sparse=True)
        shift = jnp.where(transform == _LOG, fmt.frac, 0)
        starts = jnp.choose(init, init_words(fmt, shift), mode="clip")
        acc, index = _reduce(
            reduce,
            jnp.broadcast_to(starts, (*slots[:4], 1)),
            t[None, None, :, None, None],
            part[:, None, None, None, None],
            shift,
            fmt,
        )
        count = part.sum(-1)[:, None, None, None, None]
        zero = jnp.zeros((), jnp.int64)
        program = ArrayProgram(
            predicate=predicate,
            init=init,
            transform=transform,
            reduce=reduce,
            post=post,
            offset=zero,
        )
        result = finish(program, acc, index, length, count, shift, fmt)
        return jnp.broadcast_to(result, slots).reshape(-1).astype(jnp.int32)


def run_program(
    program: ArrayProgram,
    x: Any,
    y: Any = None,
    *,
    fmt: Format = WORD32,
    max_length: int | None = None,
) -> int | float:
    """The value of one program on one unpadded array of Python or NumPy integers.

    Returns:
      An integer, for a scaled program the real number of its word; ±inf for an infinity.

    Raises:
      ProgramSpaceError: a program outside the space.
      ArrayInputError: an array that is no list of finite words, is longer than `max_length`
        (default `MAX_LENGTH`), has no second array where one is read, or one of another length.
    """
    choice = validate(program, fmt).choice
    xs = check_array(x, fmt, max_length)
    if choice.second and y is None:
        raise ArrayInputError(f"{program} reads a second array; none was given")
    ys = np.zeros_like(xs) if y is None else check_array(y, fmt, max_length)
    if ys.shape != xs.shape:
        raise ArrayInputError(
            f"arrays of {len(xs)} and {len(ys)} elements; accepted: equal lengths"
        )
    width = max(1, 1 << (len(xs) - 1).bit_length()) if len(xs) else 1  # few shapes to compile
    padded = [np.pad(a, (0, width - len(a))) for a in (xs, ys)]
    return to_value(
        choice.scaled, int(_jitted(program, padded[0], len(xs), padded[1], fmt=fmt)), fmt
    )


_jitted = jax.jit(execute, static_argnames="fmt")


def to_value(scaled: bool, word: int, fmt: Format = WORD32) -> int | float:
    """The number that a result word stands for."""
    if abs(word) >= fmt.infinity:
        return float("inf") if word > 0 else float("-inf")
    return word / (1 << fmt.frac) if scaled else word


def check_array(x: Any, fmt: Format = WORD32, max_length: int | None = None) -> np.ndarray:
    """`x` as `i32[n]`.

    Raises:
      ArrayInputError: not one axis, not integers, not finite words, or too long.
    """
    array = np.asarray(x) if np.size(x) else np.zeros(np.shape(x), np.int32)
    limit, longest = fmt.infinity - 1, MAX_LENGTH if max_length is None else max_length
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ArrayInputError(
            f"array is {array.dtype}{list(array.shape)}; accepted: integers with one axis"
        )
    if len(array) > longest:
        raise ArrayInputError(f"array of {len(array)} elements; accepted: at most {longest}")
    wrong = array[(array < -limit) | (array > limit)]
    if wrong.size:
        raise ArrayInputError(f"element {wrong[0]}; accepted: {-limit} to {limit}")
    return array.astype(np.int32)


def init_words(fmt: Format, shift: Any) -> list[Any]:
    """The words of `INITS` where values have `shift` fraction bits."""
    one = jnp.int64(1) << jnp.asarray(shift, jnp.int64)
    inf = jnp.full_like(one, fmt.infinity)
    return [jnp.zeros_like(one), one, -inf, inf]


def all_transforms(xs: jax.Array, ys: jax.Array, fmt: Format) -> list[jax.Array]:
    """Every row of `TRANSFORMS` on word arrays, clamped."""
    return [_clamp(f(xs, ys, fmt), fmt) for f in TRANSFORM.values()]


def _reduce(reduce, init, t, part, shift, fmt: Format) -> tuple[jax.Array, jax.Array]:
    """Accumulator and index after all elements (last axis of `t` and `part`)."""
    shape = jnp.broadcast_shapes(jnp.shape(init), jnp.shape(reduce), t.shape[:-1], part.shape[:-1])
    start = jnp.broadcast_to(init, shape), jnp.full(shape, -1, jnp.int64)
    if not t.shape[-1]:
        return start
    which = jnp.broadcast_to(jnp.asarray(reduce, jnp.int32), shape)

    def body(i, carry):
        acc, index = carry
        new = reduce_step(which, acc, index, jnp.broadcast_to(t[..., i], shape), i, shift, fmt)
        return tuple(jnp.where(part[..., i], n, old) for n, old in zip(new, carry, strict=True))

    return lax.fori_loop(0, t.shape[-1], body, start)


def reduce_step(
    reduce: jax.Array,
    acc: jax.Array,
    index: jax.Array,
    t: jax.Array,
    i: jax.Array | int,
    shift: jax.Array | int,
    fmt: Format,
) -> tuple[jax.Array, jax.Array]:
    """Accumulator and index after element `i`, whose transformed value is `t`; all of one shape."""
    inf = fmt.infinity
    beats = jnp.where(reduce == REDUCES.index("argmin"), t < acc, t > acc)
    largest, smallest = jnp.maximum(acc, t), jnp.minimum(acc, t)
    total = _absorb(acc, t, acc + t, fmt)
    times = _absorb(acc, t, (acc * t) >> shift, fmt)
    new = lax.select_n(reduce, total, times, largest, smallest, largest, smallest)
    at = jnp.where(beats, jnp.minimum(i, inf), index)
    return new, jnp.where((jnp.abs(t) >= inf) | (index >= inf), inf, at)


def finish(
    program: ArrayProgram,
    acc: jax.Array,
    index: jax.Array,
    length: jax.Array | int,
    count: jax.Array | int,
    shift: jax.Array | int,
    fmt: Format,
) -> jax.Array:
    """Post and offset, from the reduction's result and the numbers of elements."""
    is_arg = program.reduce >= REDUCES.index("argmax")
    value = jnp.where(is_arg, index, acc)
    raised = value << jnp.where(is_arg, fmt.frac, fmt.frac - shift)
    by_length = lax.div(*jnp.broadcast_arrays(raised, jnp.maximum(length, 1)))
    by_count = lax.div(*jnp.broadcast_arrays(raised, jnp.maximum(count, 1)))
    post = jnp.asarray(program.post, jnp.int32)
    which, *results = jnp.broadcast_arrays(post, value, by_length, by_count, _exp(raised, fmt))
    out = lax.select_n(which, *results)
    out = jnp.where(jnp.abs(value) >= fmt.infinity, value, _clamp(out, fmt))
    return _absorb(out, jnp.asarray(program.offset, jnp.int64), out + program.offset, fmt)


def _index(index: Any, like: jax.Array) -> jax.Array:
    return jnp.full(like.shape, index, jnp.int32)


def _words(x: jax.Array, fmt: Format) -> jax.Array:
    return _clamp(jnp.asarray(x).astype(jnp.int64), fmt)


def _clamp(value: jax.Array, fmt: Format) -> jax.Array:
    return jnp.clip(value, -fmt.infinity, fmt.infinity)


def _absorb(acc: jax.Array, t: jax.Array, result: jax.Array, fmt: Format) -> jax.Array:
    """`result` clamped, unless an operand is infinite: then the first that is."""
    result = jnp.where(jnp.abs(t) >= fmt.infinity, t, _clamp(result, fmt))
    return jnp.where(jnp.abs(acc) >= fmt.infinity, acc, result)


def _log(x: jax.Array, fmt: Format) -> jax.Array:
    """`number.log_raw` on arrays."""
    magnitude = jnp.abs(x)
    exponent = 63 - lax.clz(jnp.maximum(magnitude, 1))
    mantissa = ((magnitude << Q) >> exponent) - (1 << Q)
    is_zero = magnitude == 0
    total = jnp.where(is_zero, -fmt.frac, exponent) * LN2
    total += horner(LOG_POLYNOMIAL, jnp.where(is_zero, 0, mantissa))
    shift = Q - fmt.frac
    return (total + (1 << (shift - 1))) >> shift


def _exp(v: jax.Array, fmt: Format) -> jax.Array:
    """`number.exp_raw` on arrays."""
    v = jnp.clip(v, fmt.exp_min, fmt.exp_max)
    power = (v * LOG2E) >> fmt.frac
    fraction = horner(EXP_POLYNOMIAL, power & ((1 << Q) - 1))
    shift = Q - fmt.frac - (power >> Q)
    return (fraction + ((1 << shift) >> 1)) >> shift
