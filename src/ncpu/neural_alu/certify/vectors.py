"""Random and edge operands by the million, compared with integer arithmetic."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from ncpu.neural_alu import ops, sliced
from ncpu.neural_alu.alu import AtEachPosition, ForEachInput, Gates
from ncpu.neural_alu.certify.certificate import CertificationError, Vectors
from ncpu.neural_alu.certify.oracle import expected
from ncpu.neural_alu.measured import Measured
from ncpu.neural_alu.packed import answers
from ncpu.neural_alu.planes import Networks

WIDTHS = (32, 64)
CHUNK = 1 << 14  # cases at once: 64 positions of them stay in the cache
Operands = tuple[np.ndarray, np.ndarray, np.ndarray]


def run_vectors(
    measured: Measured, count: int, seed: int, report: Callable[[str], None]
) -> tuple[Vectors, ...]:
    """`count` vectors of every operation and width on sliced wires."""
    wires = sliced.SlicedWires(measured)
    out = []
    for width in WIDTHS:
        for name in ops.OPERATIONS:
            start = time.perf_counter()
            done = 0
            for a, b, carry in operands(count, width, seed):
                compare(
                    "sliced", name, width, (a, b, carry), apply(wires, name, width, a, b, carry)
                )
                done += len(a)
            seconds = time.perf_counter() - start
            out.append(Vectors(name, width, done, "sliced", round(seconds, 3)))
            report(f"{name}, {width} bits: {done:,} vectors in {seconds:.1f} s")
    return tuple(out)


def run_networks(
    networks: Networks,
    count: int,
    seed: int,
    report: Callable[[str], None],
    names: tuple[str, ...] = tuple(ops.OPERATIONS),
) -> tuple[Vectors, ...]:
    """The same through the networks at every bit position, and through packed words."""
    out = []
    forms: dict[str, Gates] = {
        "planes": AtEachPosition(networks),
        "packed": ForEachInput(answers(networks)),
    }
    for kind, gates in forms.items():
        for width in WIDTHS:
            for name in names:
                start = time.perf_counter()
                done = 0
                for a, b, carry in operands(count, width, seed):
                    found = through(gates, name, width, a, b, carry)
                    compare(kind, name, width, (a, b, carry), found)
                    done += len(a)
                out.append(Vectors(name, width, done, kind, round(time.perf_counter() - start, 3)))
            report(f"{len(names)} operations, {width} bits: {count:,} vectors each on {kind}")
    return tuple(out)


def apply(
    wires: sliced.SlicedWires,
    name: str,
    width: int,
    a: np.ndarray,
    b: np.ndarray,
    carry: np.ndarray,
) -> np.ndarray:
    """An operation on sliced wires, `u64[cases]` to `u64[cases]`."""
    bits = (sliced.enter(x, size) for x, size in ((a, width), (b, width), (carry, 1)))
    return sliced.leave(ops.OPERATIONS[name].apply(wires, *bits))


def through(
    gates: Gates, name: str, width: int, a: np.ndarray, b: np.ndarray, carry: np.ndarray
) -> np.ndarray:
    """An operation by the networks as a user calls it."""
    known = ops.OPERATIONS[name]
    return ops.compute(
        name,
        a,
        b if known.operands == 2 else None,
        carry if known.carry else 0,
        width=width,
        gates=gates,
    )


def compare(wires: str, name: str, width: int, given: Operands, found: np.ndarray) -> None:
    """Raise if a result is not the integer one.

    Raises:
      CertificationError: with the first operands that go wrong.
    """
    wanted = expected(name, *given, width)
    wrong = np.flatnonzero(found != wanted)
    if len(wrong):
        first = wrong[0]
        a, b, carry = (int(x[first]) for x in given)
        raise CertificationError(
            f"{name} of {width} bits on {wires} wires is wrong for {len(wrong)} of {len(wanted)} "
            f"vectors, first a={a:#x}, b={b:#x}, carry={carry}: {int(found[first]):#x}, "
            f"not {int(wanted[first]):#x}"
        )


def edges(width: int) -> np.ndarray:
    """Values at which carries, signs and bytes begin and end, `u64[n]`."""
    powers = [1 << k for k in range(width)]
    values = {0, *powers, *(p - 1 for p in powers), *(p + 1 for p in powers)}
    patterns = (0x55, 0xAA, 0x0F, 0xF0, 0x80, 0x7F, 0x01, 0xFE)
    values |= {int.from_bytes(bytes([p]) * (width // 8), "little") for p in patterns}
    top = (1 << width) - 1
    return np.array(sorted({v & top for v in values} | {top - v & top for v in values}), np.uint64)


def operands(count: int, width: int, seed: int) -> Iterator[Operands]:
    """All pairs of edges (as far as `count` goes), then random ones, in chunks.

    Random operands have random lengths as well: quotients are then of every size.
    """
    rng = np.random.default_rng((seed, width))
    special = edges(width)
    order = rng.permutation(len(special) ** 2)
    for start in range(0, count, CHUNK):
        size = -(-min(CHUNK, count - start) // sliced.CASES) * sliced.CASES
        unused = rng.integers(64 - width, 64, (2, size), np.uint64)
        unused[:, ::2] = 64 - width  # every other one of full length
        a, b = rng.integers(0, 1 << 64, (2, size), np.uint64) >> unused
        pairs = order[start : start + size]
        a[: len(pairs)], b[: len(pairs)] = (
            special[pairs // len(special)],
            special[pairs % len(special)],
        )
        yield a, b, rng.integers(0, 2, size, np.uint64)
