"""The system call table: number to handler, filled by the `syscall` decorator.

A handler takes the kernel and the call's arguments, already of the C types named by its
signature, and returns x0; None leaves all registers alone.  It raises `LinuxError`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ncpu.machine.linux.numbers import NUMBER


def int32(value: int) -> int:
    """The low half of a register as a C `int`."""
    return ((value & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000


def int64(value: int) -> int:
    """A register as a C `long`."""
    return (value ^ (1 << 63)) - (1 << 63)


_KINDS: dict[str, Callable[[int], int]] = {
    "i": int32,
    "u": lambda value: value & 0xFFFFFFFF,
    "l": int64,
    "w": lambda value: value,
}


@dataclass(frozen=True)
class Handler:
    """A call's name, argument types and implementation."""

    name: str
    kinds: str
    function: Callable[..., int | None]

    def __call__(self, kernel: Any, registers: Sequence[int]) -> int | None:
        """Run it with x0-x5."""
        pairs = zip(self.kinds, registers, strict=False)
        return self.function(kernel, *(_KINDS[kind](value) for kind, value in pairs))


TABLE: dict[int, Handler] = {}


def syscall(
    names: str, kinds: str = ""
) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """Enter a function under one or more names.

    Args:
      names: as in `numbers`, separated by spaces.
      kinds: a letter per argument: `i` int, `u` unsigned int, `l` long, `w` unsigned long
        or pointer.
    """

    def enter(function: Callable[..., int | None]) -> Callable[..., int | None]:
        for name in names.split():
            TABLE[NUMBER[name]] = Handler(name, kinds, function)
        return function

    return enter
