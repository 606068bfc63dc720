"""`ArrayProgram`: the finite space of array reductions, its bytes and its text.

A program reads an array x of `length` integers (and, for some transforms, a second one y):

    acc = init
    for the elements that satisfy the predicate:  acc = reduce(acc, transform(x, y))
    result = post(acc) + offset

The five tables below are the space; executor, verifier, lowering, head and display each give every
row of them one meaning.  Numbers are the saturating words of `ncpu.npcot.number`: a finite result
is exact, an infinite one says that a value left the range, or that a maximum of nothing was asked
for.

A program is *scaled*, its result in units of 2^-frac, when its transform is the logarithm or its
post divides or exponentiates; otherwise its result and offset are plain integers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import jax
import numpy as np

from ncpu.npcot.errors import ProgramSpaceError
from ncpu.npcot.number import WORD32, Format

PREDICATES = ("all", "x>0", "x<0", "x!=0", "x even", "x odd")
"""Which elements take part."""

INITS = ("0", "1", "-inf", "inf")
"""Where the accumulator starts; 1 is 1.0 when the transform is the logarithm."""

TRANSFORMS = ("x", "x*x", "|x|", "1", "[x>0]", "log|x|", "x*y", "[x==y]", "|x-y|")
"""What is reduced; `log|x|` is ln(max(|x|, 2^-frac)), and `[p]` is 1 where p holds, else 0."""

REDUCES = ("sum", "product", "max", "min", "argmax", "argmin")
"""How; argmax and argmin give the first index whose value beat `init` and all before, or -1."""

POSTS = ("acc", "acc/len", "acc/count", "exp(acc)")
"""What follows; divisors are at least 1, quotients truncate, exp clamps its argument."""

SLOTS: dict[str, tuple[str, ...]] = {
    "predicate": PREDICATES,
    "init": INITS,
    "transform": TRANSFORMS,
    "reduce": REDUCES,
    "post": POSTS,
}
"""The discrete fields of a program, in the order of its bytes."""

SPACE_SIZE = len(PREDICATES) * len(INITS) * len(TRANSFORMS) * len(REDUCES) * len(POSTS)

IDENTITY = {
    "sum": "0",
    "product": "1",
    "max": "-inf",
    "min": "inf",
    "argmax": "-inf",
    "argmin": "inf",
}
"""The init that a reduction has when its text names none."""

SECOND = tuple("y" in t for t in TRANSFORMS)
"""Which transforms read the second array."""

_BYTES = struct.Struct("<4sB5B2xi")
_MAGIC, _VERSION = b"NCAP", 1
PROGRAM_BYTES = _BYTES.size


class Choice(NamedTuple):
    """The slot values of one program, by name."""

    predicate: str
    init: str
    transform: str
    reduce: str
    post: str

    @property
    def log_scaled(self) -> bool:
        """Whether transformed values and accumulator have `frac` fraction bits."""
        return self.transform == "log|x|"

    @property
    def acc_scaled(self) -> bool:
        """Whether what the post sees is scaled; an index never is."""
        return self.log_scaled and not self.reduce.startswith("arg")

    @property
    def scaled(self) -> bool:
        """Whether result and offset have `frac` fraction bits."""
        return self.acc_scaled or self.post != "acc"

    @property
    def second(self) -> bool:
        """Whether the program reads the second array."""
        return SECOND[TRANSFORMS.index(self.transform)]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class ArrayProgram:
    """One array program, or a batch of them along leading axes; a pytree of `i32`.

    Attributes:
      predicate: `i32[...]`, index in `PREDICATES`.
      init: `i32[...]`, index in `INITS`.
      transform: `i32[...]`, index in `TRANSFORMS`.
      reduce: `i32[...]`, index in `REDUCES`.
      post: `i32[...]`, index in `POSTS`.
      offset: `i32[...]`, a finite word added last, in units of the result.
    """

    predicate: Any
    init: Any
    transform: Any
    reduce: Any
    post: Any
    offset: Any

    @classmethod
    def of(
        cls,
        reduce: str,
        transform: str = "x",
        *,
        predicate: str = "all",
        init: str | None = None,
        post: str = "acc",
        offset: int = 0,
    ) -> ArrayProgram:
        """The program with these slot names; `init` defaults to the reduction's identity.

        Raises:
          ProgramSpaceError: a name that is in no table, or an offset that is no finite word.
        """
        names = Choice(predicate, init or IDENTITY.get(reduce, "0"), transform, reduce, post)
        fields = {}
        for slot, name in names._asdict().items():
            if name not in SLOTS[slot]:
                raise ProgramSpaceError(f"{slot} is {name!r}; accepted: {', '.join(SLOTS[slot])}")
            fields[slot] = np.int32(SLOTS[slot].index(name))
        if not -WORD32.infinity < offset < WORD32.infinity:
            raise ProgramSpaceError(f"offset is {offset}; accepted: a finite 32-bit word")
        return cls(**fields, offset=np.int32(offset))

    @property
    def shape(self) -> tuple[int, ...]:
        """Leading (batch) axes; `()` for one program."""
        return np.shape(self.offset)

    def __getitem__(self, index: Any) -> ArrayProgram:
        """The programs of a batch at `index`."""
        return jax.tree.map(lambda leaf: leaf[index], self)

    @property
    def choice(self) -> Choice:
        """The slot names of one program.

        Raises:
          ProgramSpaceError: a batch, or an index that is in no table.
        """
        program = validate(self)
        if program.shape:
            raise ProgramSpaceError(f"one program is needed, this is a batch {program.shape}")
        return Choice(*(SLOTS[slot][int(getattr(program, slot))] for slot in SLOTS))

    def __str__(self) -> str:
        from ncpu.npcot.text import format_program

        return format_program(self) if not self.shape else f"ArrayProgram{list(self.shape)}"


def validate(program: ArrayProgram, fmt: Format = WORD32) -> ArrayProgram:
    """`program` as NumPy `i32`, if every field is in the space.

    Raises:
      ProgramSpaceError: a field of the wrong dtype or shape, an index outside its table, or an
        offset that is not a finite word of `fmt`; names the field and what is accepted.
    """
    fields = {}
    for slot in (*SLOTS, "offset"):
        value = np.asarray(getattr(program, slot))
        if value.dtype.kind not in "iu" or value.shape != program.shape:
            raise ProgramSpaceError(
                f"{slot} is {value.dtype}{list(value.shape)}; "
                f"accepted: integers of shape {list(program.shape)}"
            )
        limit = fmt.infinity - 1
        low, high = (-limit, limit) if slot == "offset" else (0, len(SLOTS[slot]) - 1)
        wrong = value[(value < low) | (value > high)]
        if wrong.size:
            raise ProgramSpaceError(f"{slot} is {wrong.flat[0]}; accepted: {low} to {high}")
        fields[slot] = value.astype(np.int32)[()]
    return ArrayProgram(**fields)


def canonical_bytes(program: ArrayProgram) -> bytes:
    """The one 16-byte form of one program: magic, version, five slots, offset, little-endian.

    Raises:
      ProgramSpaceError: a batch, or a program outside the space.
    """
    choice = program.choice
    indices = (SLOTS[slot].index(name) for slot, name in choice._asdict().items())
    return _BYTES.pack(_MAGIC, _VERSION, *indices, int(program.offset))


def from_bytes(data: bytes) -> ArrayProgram:
    """The program whose `canonical_bytes` are `data`.

    Raises:
      ProgramSpaceError: anything else, padding that is not zero included.
    """
    if len(data) != PROGRAM_BYTES or data[:4] != _MAGIC:
        raise ProgramSpaceError(
            f"not a program: accepted are {PROGRAM_BYTES} bytes with {_MAGIC!r}"
        )
    _, version, *indices, offset = _BYTES.unpack(data)
    if version != _VERSION:
        raise ProgramSpaceError(f"program version {version}; accepted: {_VERSION}")
    fields = dict(zip(SLOTS, map(np.int32, indices), strict=True))
    program = validate(ArrayProgram(**fields, offset=np.int32(offset)))
    if canonical_bytes(program) != data:
        raise ProgramSpaceError("padding bytes of a program must be zero")
    return program


def all_programs(offset: int = 0) -> ArrayProgram:
    """Every choice of slots, in the order of `SLOTS`, as a batch of `SPACE_SIZE` programs."""
    sizes = tuple(len(names) for names in SLOTS.values())
    grid = np.indices(sizes, np.int32).reshape(len(sizes), -1)
    offsets = np.full(SPACE_SIZE, offset, np.int32)
    return ArrayProgram(**dict(zip(SLOTS, grid, strict=True)), offset=offsets)


def all_choices() -> Iterator[Choice]:
    """The names of `all_programs()`, in the same order."""
    return (Choice(*names) for names in product(*SLOTS.values()))
