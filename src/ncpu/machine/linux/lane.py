"""The kernel's hands on one lane: registers in one transfer each way, checked memory access.

Every guest pointer goes through here; a bad one is EFAULT, never a Python exception.
"""

from __future__ import annotations

import struct

import jax.numpy as jnp
import numpy as np

from ncpu.machine import memory, word
from ncpu.machine.errors import MemoryRangeError
from ncpu.machine.linux.abi import PATH_MAX, Errno, LinuxError
from ncpu.machine.state import EXEC, MONITOR, PAGE, READ, WRITE, State, Status


class Lane:
    """A `State` being edited on the host; `finish` gives the edited state.

    Attributes:
      state: memory and permissions as edited so far; registers as they came.
      regs: NumPy `u64[104]`, the register file, edited in place.
      code_written: the kernel stored into an executable page.
      written: what the kernel stored, (address, bytes) in order: what a replay needs.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.regs = word.from_limbs(state.regs)
        self.base = word.integer(state.base)
        self.end = self.base + state.mem.shape[0] * 8
        self.code_written = False
        self.written: list[tuple[int, bytes]] = []
        self._pc: int | None = None
        self._flags: int | None = None

    def x(self, index: int) -> int:
        """Row `index` of the register file, unsigned."""
        return int(self.regs[index])

    def set_x(self, index: int, value: int) -> None:
        """Set a row, modulo 2**64."""
        self.regs[index] = value & word.MASK64

    @property
    def pc(self) -> int:
        """Address of the next instruction."""
        if self._pc is None:
            self._pc = word.integer(self.state.pc)
        return self._pc

    @pc.setter
    def pc(self, value: int) -> None:
        self._pc = value & word.MASK64

    @property
    def flags(self) -> int:
        """NZCV and FPSR."""
        return int(self.state.flags) if self._flags is None else self._flags

    @flags.setter
    def flags(self, value: int) -> None:
        self._flags = value & 0xFFFFFFFF

    def restart(self) -> None:
        """Forget a half-done instruction and the exclusive monitor, as an exception does."""
        self.regs[MONITOR] = word.MASK64
        self.state = self.state.replace(beat=jnp.uint32(0))

    def finish(self, status: Status) -> State:
        """The state with the edited registers, pc and flags, and this status."""
        changes: dict[str, object] = {
            # NumPy arrays: the next run takes them to the device, all at once.
            "regs": word.to_limbs(self.regs),
            "status": np.int32(status),
        }
        if self._pc is not None:
            changes["pc"] = word.to_limbs(self._pc)
        if self._flags is not None:
            changes["flags"] = np.uint32(self._flags)
        return self.state.replace(**changes)

    def copy(self, status: Status, rows: dict[int, int]) -> State:
        """What `finish` would give, some rows changed, in arrays of its own except for memory.

        The lane goes on.
        """
        kept, self.regs = self.regs, self.regs.copy()
        for row, value in rows.items():
            self.set_x(row, value)
        state = self.finish(status)
        self.regs = kept
        small = ("regs", "pc", "flags", "beat", "base", "status", "fault", "retired")
        return state.replace(**{name: np.array(getattr(state, name)) for name in small})

    # -- memory -------------------------------------------------------------------------------

    @property
    def perm(self) -> np.ndarray:
        """Permissions per page, read-only."""
        return np.asarray(self.state.perm)

    def extent(self, address: int, length: int, want: int) -> int:
        """How many of `length` bytes from `address` on can be accessed so, from the first."""
        if length <= 0 or not self.base <= address < self.end:
            return 0
        length = min(length, self.end - address)
        first = (address - self.base) // PAGE
        last = -(-(address + length - self.base) // PAGE)
        bad = np.flatnonzero((self.perm[first:last] & want) != want)
        if len(bad):
            length = min(length, max(self.base + (first + int(bad[0])) * PAGE - address, 0))
        return length

    def require(self, address: int, length: int, want: int) -> None:
        """EFAULT unless the whole range can be accessed so."""
        if length and self.extent(address, length, want) != length:
            raise LinuxError(Errno.EFAULT)

    def read(self, address: int, length: int) -> bytes:
        """Guest bytes; EFAULT unless all are readable."""
        self.require(address, length, READ)
        return memory.read(self.state, address, length) if length else b""

    def write(self, address: int, data: bytes) -> None:
        """Store guest bytes; EFAULT unless all are writable."""
        self.require(address, len(data), WRITE)
        self.poke(address, data)

    def poke(self, address: int, data: bytes) -> None:
        """Store whatever the permissions: the kernel filling a mapping."""
        if not data:
            return
        try:
            self.state = memory.write(self.state, address, data)
        except MemoryRangeError:
            raise LinuxError(Errno.EFAULT) from None
        self.written.append((address, bytes(data)))
        first, last = (address - self.base) // PAGE, -(-(address + len(data) - self.base) // PAGE)
        if (self.perm[first:last] & EXEC).any():
            self.code_written = True

    def cstring(self, address: int, limit: int = PATH_MAX) -> bytes:
        """The string at `address`; EFAULT, or ENAMETOOLONG without a NUL in `limit` bytes."""
        room = self.extent(address, limit, READ)
        if room == 0:
            raise LinuxError(Errno.EFAULT)
        data = b""
        while len(data) < room:
            piece = memory.read(self.state, address + len(data), min(256, room - len(data)))
            data += piece
            if b"\0" in piece:
                return data[: data.index(b"\0")]
        raise LinuxError(Errno.ENAMETOOLONG if room == limit else Errno.EFAULT)

    def unpack(self, layout: str, address: int) -> tuple[int, ...]:
        """A little-endian structure of guest memory."""
        return struct.unpack("<" + layout, self.read(address, struct.calcsize("<" + layout)))

    def pack(self, layout: str, address: int, *values: int) -> None:
        """Store a little-endian structure."""
        self.write(address, struct.pack("<" + layout, *values))

    def protect(self, address: int, length: int, perm: int) -> None:
        """Set the permissions of whole pages inside the lane."""
        self.state = memory.protect(self.state, address, length, perm)
