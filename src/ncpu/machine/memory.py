"""Host access to a lane's memory: small reads and writes that leave the rest on the device.

Guest addresses are Python integers.  Reads look at the device buffer without a copy
where the backend allows (CPU); writes are jitted, in place, in a few fixed sizes so
that they compile once.
"""

from __future__ import annotations

from functools import partial

import jax
import numpy as np
from jax import lax

from ncpu.machine import word
from ncpu.machine.errors import MemoryRangeError
from ncpu.machine.state import PAGE, State

# Doublewords per jitted transfer: a long write is a few big ones and one small one.
_CHUNKS = (8, 64, 520, 4096, 1 << 15)


def _offset(state: State, address: int, length: int) -> int:
    offset = address - int(word.from_limbs(state.base))
    if length < 0 or offset < 0 or offset + length > state.mem.shape[0] * 8:
        raise MemoryRangeError(
            f"{length} bytes at {address:#x} are outside the lane's {state.mem.shape[0] * 8} bytes "
            f"at {int(word.from_limbs(state.base)):#x}"
        )
    return offset


@partial(jax.jit, static_argnames="count")
def _fetch(mem: jax.Array, start: jax.Array, count: int) -> jax.Array:
    return lax.dynamic_slice(mem, (start, np.int32(0)), (count, 2))


@partial(jax.jit, donate_argnames="mem")
def _store(mem: jax.Array, start: jax.Array, values: jax.Array) -> jax.Array:
    return lax.dynamic_update_slice(mem, values, (start, np.int32(0)))


def _doublewords(mem: jax.Array, first: int, last: int) -> np.ndarray:
    """Doublewords first..last (exclusive) as NumPy `u32[n, 2]`."""
    if mem.is_fully_addressable and all(d.platform == "cpu" for d in mem.devices()):
        return np.asarray(mem)[first:last]
    parts = []
    while first < last:
        count = min((c for c in _CHUNKS if c >= last - first), default=_CHUNKS[-1])
        count = min(count, mem.shape[0])
        start = min(first, mem.shape[0] - count)
        part = np.asarray(_fetch(mem, np.int32(start), count))[first - start : last - start]
        parts.append(part)
        first += len(part)
    return np.concatenate(parts) if parts else np.zeros((0, 2), np.uint32)


def read(state: State, address: int, length: int) -> bytes:
    """`length` bytes of guest memory from `address`.

    Raises:
      MemoryRangeError: the range is not inside the lane's memory.
    """
    offset = _offset(state, address, length)
    first, last = offset // 8, -(-(offset + length) // 8)
    raw = _doublewords(state.mem, first, last).tobytes()
    return raw[offset - 8 * first : offset - 8 * first + length]


def write(state: State, address: int, data: bytes) -> State:
    """The state with `data` at `address`; the old state's memory is donated.

    Raises:
      MemoryRangeError: the range is not inside the lane's memory.
    """
    offset = _offset(state, address, len(data))
    if not data:
        return state
    total = state.mem.shape[0]
    first, last = offset // 8, -(-(offset + len(data)) // 8)
    # Whole chunks, so that few shapes are ever compiled: pad with what memory holds.
    mem = state.mem
    done = 0
    while first < last:
        count = min((c for c in _CHUNKS if c >= last - first), default=_CHUNKS[-1])
        count = min(count, total)
        start = min(first, total - count)
        block = bytearray(np.array(_doublewords(mem, start, start + count)).tobytes())
        at = offset + done - 8 * start
        piece = data[done : done + len(block) - at]
        block[at : at + len(piece)] = piece
        values = np.frombuffer(bytes(block), dtype="<u4").reshape(count, 2)
        mem = _store(mem, np.int32(start), values)
        done += len(piece)
        first = start + count
    return state.replace(mem=mem)


def read_cstring(state: State, address: int, limit: int = 4096) -> bytes:
    """The NUL-terminated string at `address`, without its NUL.

    Raises:
      MemoryRangeError: no NUL within `limit` bytes or within memory.
    """
    end = int(word.from_limbs(state.base)) + state.mem.shape[0] * 8
    out = b""
    while len(out) < limit:
        piece = read(state, address + len(out), max(1, min(64, end - address - len(out))))
        if b"\0" in piece:
            return out + piece[: piece.index(b"\0")]
        out += piece
    raise MemoryRangeError(f"no NUL within {limit} bytes of {address:#x}")


def protect(state: State, address: int, length: int, perm: int) -> State:
    """The state with the pages of [address, address + length) set to `perm`."""
    first = _offset(state, address, length) // PAGE
    last = -(-(_offset(state, address, length) + length) // PAGE)
    perms = np.array(state.perm)
    perms[first:last] = perm
    return state.replace(perm=jax.numpy.asarray(perms))


def permissions(state: State, address: int, length: int) -> int:
    """The permission bits that every page of the range has; 0 where any is unmapped."""
    try:
        offset = _offset(state, address, length)
    except MemoryRangeError:
        return 0
    pages = np.asarray(state.perm)[offset // PAGE : -(-(offset + max(length, 1)) // PAGE)]
    return int(np.bitwise_and.reduce(pages)) if len(pages) else 0
