"""The guest's terminal: three host byte streams, buffered, and the terminal's settings."""

from __future__ import annotations

import struct
from typing import Any

from ncpu.machine.linux.abi import Errno, LinuxError

LIMIT = 64 << 10  # bytes of output held back at most

# struct termios of the kernel (asm-generic/termbits.h) as a fresh tty has it: ICRNL | IXON,
# OPOST | ONLCR, B38400 | CS8 | CREAD, ISIG | ICANON | ECHO and friends.
_CONTROL = bytes((3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0))
TERMIOS = struct.pack("<IIIIB", 0x500, 0x5, 0xBF, 0x8A3B, 0) + _CONTROL


class Console:
    """Standard input, output and error.

    Output is passed on at a newline, after 64 KiB, before input is read, and by `flush`.

    Args:
      stdin: readable binary stream; None is empty.
      stdout, stderr: writable binary streams, may be the same; None discards.
      isatty: whether the guest sees a terminal.
      size: rows and columns of it.
    """

    def __init__(
        self,
        stdin: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        *,
        isatty: bool = False,
        size: tuple[int, int] = (24, 80),
    ) -> None:
        self.isatty = isatty
        self.size = size
        self.termios = TERMIOS
        self.connect(stdin, stdout, stderr)

    def connect(self, stdin: Any, stdout: Any, stderr: Any) -> None:
        """Read from and write to these streams from now on."""
        self.streams = (stdin, stdout, stderr)
        self._pending: dict[int, bytearray] = {}

    def read(self, count: int) -> bytes:
        """Up to `count` bytes of input, waiting for at least one; empty at its end."""
        stream = self.streams[0]
        self.flush()
        if stream is None or count == 0:
            return b""
        try:
            return (getattr(stream, "read1", None) or stream.read)(count) or b""
        except (OSError, ValueError):
            raise LinuxError(Errno.EIO) from None

    def write(self, number: int, data: bytes) -> int:
        """Put out `data` on stream 1 or 2; the number of bytes taken."""
        stream = self.streams[number]
        if stream is None:
            return len(data)
        buffer = self._pending.setdefault(id(stream), bytearray())
        buffer += data
        if b"\n" in data or len(buffer) >= LIMIT:
            self._put(stream, buffer)
        return len(data)

    def flush(self) -> None:
        """Pass on everything held back."""
        for stream in self.streams[1:]:
            buffer = self._pending.get(id(stream))
            if buffer:
                self._put(stream, buffer)

    @staticmethod
    def _put(stream: Any, buffer: bytearray) -> None:
        """Hand a buffer to the host; EPIPE or EIO where the host's stream fails."""
        data = bytes(buffer)
        buffer.clear()
        try:
            stream.write(data)
            if hasattr(stream, "flush"):
                stream.flush()
        except BrokenPipeError:
            raise LinuxError(Errno.EPIPE) from None
        except (OSError, ValueError):  # ValueError: the stream is closed
            raise LinuxError(Errno.EIO) from None
