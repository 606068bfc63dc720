"""The bytes that visits of the host stored, in memory up to a bound and in a file beyond it."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import IO, overload

from ncpu.machine.debug.events import Event

BUDGET = 256 << 20


class Spilled(Sequence[tuple[int, bytes]]):
    """What an event stored, (address, bytes) in order, read from a file when it is asked for."""

    def __init__(self, ledger: Ledger, file: IO[bytes], pieces: list[tuple[int, int, int]]) -> None:
        """`pieces` are (address, offset in the file, length)."""
        self._ledger = ledger  # which closes the file when nobody needs it any more
        self._file, self._pieces = file, pieces

    @property
    def spans(self) -> Iterator[tuple[int, int]]:
        """(address, length) of each piece, without reading it."""
        return ((address, length) for address, _, length in self._pieces)

    def __len__(self) -> int:
        return len(self._pieces)

    @overload
    def __getitem__(self, index: int) -> tuple[int, bytes]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[tuple[int, bytes]]: ...
    def __getitem__(self, index: int | slice) -> tuple[int, bytes] | Sequence[tuple[int, bytes]]:
        if isinstance(index, slice):
            return Spilled(self._ledger, self._file, self._pieces[index])
        address, offset, length = self._pieces[index]
        self._file.seek(offset)
        return address, self._file.read(length)


class Ledger:
    """Keeps the events of one run within a bound.

    Args:
      budget: bytes of stored data that stay in memory; what comes after them goes to a file
        without a name.  When that cannot be written (a full disk), it stays in memory: the run
        is not lost.

    Attributes:
      held: bytes in memory.
      spilled: bytes in the file.
      full: the file could not be written.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget = budget
        self.held = self.spilled = 0
        self.full = False
        self._file: IO[bytes] | None = None

    def keep(self, event: Event) -> Event:
        """The event, its bytes in memory or in the file."""
        size = sum(len(data) for _, data in event.writes)
        if self.held + size > self.budget and size and not self.full:
            try:
                return replace(event, writes=self._spill(event))
            except OSError:
                self.full = True
        self.held += size
        return event

    def _spill(self, event: Event) -> Spilled:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="ncpu-history-")  # noqa: SIM115
            weakref.finalize(self, self._file.close)
        at, pieces = self.spilled, []
        self._file.seek(at)
        for address, data in event.writes:
            self._file.write(data)
            pieces.append((address, at, len(data)))
            at += len(data)
        self._file.flush()
        self.spilled = at
        return Spilled(self, self._file, pieces)
