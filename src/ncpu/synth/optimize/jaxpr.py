"""A jaxpr evaluated on cells that are integers or bit-vectors (`bits.py`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from ncpu.synth.optimize import bits
from ncpu.synth.optimize.bits import Cell, UnreadableError

Cells = np.ndarray  # of `object`: a Cell for each element


def known(values: Any) -> Cells:
    """A numeric array as cells."""
    array = np.asarray(values)
    mask = (1 << bits.width(array.dtype)) - 1
    out = np.empty(array.shape, object)
    for index, value in np.ndenumerate(array):
        out[index] = int(value) & mask
    return out


def evaluate(closed: ClosedJaxpr, arguments: list[Cells]) -> list[Cells]:
    """The outputs of a jaxpr; only what they depend on is computed.

    Raises:
      UnreadableError: an operation that has no meaning for symbols here.
    """
    return _evaluate(closed.jaxpr, [known(const) for const in closed.consts], arguments)


def _evaluate(jaxpr: Jaxpr, consts: list[Cells], arguments: list[Cells]) -> list[Cells]:
    values: dict[Any, Cells] = dict(zip(jaxpr.constvars, consts, strict=True))
    values.update(zip(jaxpr.invars, arguments, strict=True))
    for eqn in _needed(jaxpr):
        inputs = [known(v.val) if isinstance(v, Literal) else values[v] for v in eqn.invars]
        values.update(zip(eqn.outvars, _apply(eqn, inputs), strict=True))
    return [known(v.val) if isinstance(v, Literal) else values[v] for v in jaxpr.outvars]


def _needed(jaxpr: Jaxpr) -> list[Any]:
    """The equations that the outputs depend on: a step that stores nothing needs no memory."""
    wanted = {v for v in jaxpr.outvars if not isinstance(v, Literal)}
    out = []
    for eqn in reversed(jaxpr.eqns):
        if wanted.intersection(eqn.outvars):
            out.append(eqn)
            wanted.update(v for v in eqn.invars if not isinstance(v, Literal))
    return out[::-1]


def _apply(eqn: Any, inputs: list[Cells]) -> list[Cells]:
    name, params = eqn.primitive.name, eqn.params
    source = eqn.invars[0].aval.dtype
    target, shape = eqn.outvars[0].aval.dtype, eqn.outvars[0].aval.shape
    if name in bits.BINARY:
        return [_map(lambda x, y: bits.binary(name, x, y, source), *inputs)]
    if name in bits.UNARY:
        return [_map(lambda x: bits.unary(name, x, source), *inputs)]
    if name == "convert_element_type":
        return [_map(lambda x: bits.convert(x, source, target), *inputs)]
    if name == "select_n":
        size = bits.width(target)
        return [_map(lambda *cells: bits.select(*cells, bits=size), *inputs)]
    if name == "clamp":
        low, x, high = inputs
        above = _map(lambda x, y: bits.binary("max", x, y, source), x, low)
        return [_map(lambda x, y: bits.binary("min", x, y, source), above, high)]
    if name == "bitcast_convert_type":
        return [_bitcast(inputs[0], source, target, shape)]
    if name in ("jit", "pjit", "closed_call"):
        return evaluate(params["jaxpr"], inputs)
    if name == "cond":
        branches = params["branches"]
        index = min(_number(inputs[0].item(), "the choice of a branch"), len(branches) - 1)
        return evaluate(branches[index], inputs[1:])
    if name in _SHAPES:
        return [_SHAPES[name](inputs, params, shape)]
    raise UnreadableError(f"the operation {name!r} on symbols")


def _map(function: Any, *arrays: Cells) -> Cells:
    arrays = tuple(np.broadcast_arrays(*arrays))
    out = np.empty(arrays[0].shape, object)
    for index in np.ndindex(out.shape):
        out[index] = function(*(array[index] for array in arrays))
    return out


def _number(cell: Cell, what: str) -> int:
    if not isinstance(cell, int):
        raise UnreadableError(f"{what} depends on symbols")
    return cell


def _bitcast(x: Cells, source: Any, target: Any, shape: tuple[int, ...]) -> Cells:
    before, after = bits.width(source), bits.width(target)
    out = np.empty(shape, object)
    if before == after:
        return x
    if before < after:
        for index in np.ndindex(shape):
            out[index] = bits.join(list(x[index]), before)
    else:
        for index in np.ndindex(x.shape):
            out[index] = bits.split(x[index], before // after, after)
    return out


def _clipped(starts: list[Cells], array: Cells, sizes: Any) -> tuple[slice, ...]:
    """Where a dynamic slice lies: XLA moves it inside the array."""
    out = []
    for start, length, size in zip(starts, array.shape, sizes, strict=True):
        first = min(_number(start.item(), "an index"), length - size)
        out.append(slice(first, first + size))
    return tuple(out)


def _dynamic_slice(inputs: list[Cells], params: Any, shape: Any) -> Cells:
    return inputs[0][_clipped(inputs[1:], inputs[0], params["slice_sizes"])]


def _dynamic_update(inputs: list[Cells], params: Any, shape: Any) -> Cells:
    out = inputs[0].copy()
    out[_clipped(inputs[2:], out, inputs[1].shape)] = inputs[1]
    return out


def _slice(inputs: list[Cells], params: Any, shape: Any) -> Cells:
    steps = params["strides"] or (1,) * len(shape)
    places = zip(params["start_indices"], params["limit_indices"], steps, strict=True)
    return inputs[0][tuple(slice(*place) for place in places)]


def _broadcast(inputs: list[Cells], params: Any, shape: Any) -> Cells:
    wide = [1] * len(shape)
    for axis, size in zip(params["broadcast_dimensions"], inputs[0].shape, strict=True):
        wide[axis] = size
    return np.broadcast_to(inputs[0].reshape(wide), shape)


_SHAPES = {
    "squeeze": lambda inputs, params, shape: inputs[0].reshape(shape),
    "reshape": lambda inputs, params, shape: inputs[0].reshape(shape),
    "stack": lambda inputs, params, shape: np.stack(inputs, params["axis"]),
    "concatenate": lambda inputs, params, shape: np.concatenate(inputs, params["dimension"]),
    "slice": _slice,
    "broadcast_in_dim": _broadcast,
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update,
}
