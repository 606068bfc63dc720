"""A terminal inside the machine: line editing, echo, signals, output (termios(3), ioctl_tty(2)).

Bytes typed at it come in through `feed`, from the host's terminal or a pseudo-terminal's master;
what is to be shown goes out through `show`.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable

from ncpu.machine.linux.abi import SECOND, Errno, LinuxError, Signal, WouldBlock
from ncpu.machine.linux.console import TERMIOS

VINTR, VQUIT, VERASE, VKILL, VEOF, VTIME, VMIN = range(7)
VSUSP, VEOL, VREPRINT, VWERASE, VLNEXT, VEOL2 = 10, 11, 12, 14, 15, 16
INLCR, IGNCR, ICRNL, IXON = 0o100, 0o200, 0o400, 0o2000
OPOST, ONLCR, OCRNL = 1, 4, 8
ISIG, ICANON, ECHO, ECHOE, ECHOK, ECHONL = 1, 2, 8, 0o20, 0o40, 0o100
NOFLSH, TOSTOP, ECHOCTL, ECHOKE = 0o200, 0o400, 0o1000, 0o4000
MAX_LINE = 4095  # bytes of a line in canonical mode
MAX_INPUT = 1 << 16
_SPECIAL = (9, 10, 13)  # control characters that are echoed as they are


class Terminal:
    """One terminal.

    Args:
      show: takes the bytes to be shown.
      signal: sends a signal to a process group.
      size: rows and columns.

    Attributes:
      session, foreground: the session it controls and the group in its foreground; 0 is none.
      hung_up: nobody is at the other end any more.
      activity: changes of what there is to read.
    """

    def __init__(
        self,
        show: Callable[[bytes], None],
        signal: Callable[[int, int], None],
        size: tuple[int, int] = (24, 80),
    ) -> None:
        self._show, self._signal = show, signal
        self.size = size
        self.session = self.foreground = 0
        self.hung_up = False
        self.activity = 0
        self._lines: deque[bytes] = deque()  # what may be read; b"" is an end of file
        self._line = bytearray()  # what is being typed
        self._literal = False
        self._raw = TERMIOS
        self._iflag, self._oflag, _, self._lflag, _ = struct.unpack_from("<IIIIB", TERMIOS)
        self._cc = TERMIOS[17:]

    def connect(
        self, show: Callable[[bytes], None], signal: Callable[[int, int], None] | None = None
    ) -> None:
        """Show to somebody else from now on; signals go where they went unless said otherwise."""
        self._show = show
        self._signal = signal or self._signal

    @property
    def termios(self) -> bytes:
        """struct termios of the kernel."""
        return self._raw

    def set_termios(self, raw: bytes, *, flush: bool = False) -> None:
        """TCSETS; `flush` drops what has been typed (TCSETSF)."""
        was = self._lflag & ICANON
        self._raw = raw
        self._iflag, self._oflag, _, self._lflag, _ = struct.unpack_from("<IIIIB", raw)
        self._cc = raw[17:]
        if flush:
            self.flush()
        if was and not self._lflag & ICANON and self._line:
            self._accept()

    def flush(self) -> None:
        """Drop what has been typed and not read."""
        self._lines.clear()
        self._line.clear()

    def resize(self, rows: int, columns: int) -> None:
        """Change the window; the foreground is told."""
        if (rows, columns) != self.size:
            self.size = (rows, columns)
            self._signal(self.foreground, Signal.SIGWINCH)

    def hang_up(self) -> None:
        """The other end is gone: reading ends, the session is told."""
        self.hung_up = True
        self.activity += 1
        for group in sorted({self.session, self.foreground}):
            self._signal(group, Signal.SIGHUP)
            self._signal(group, Signal.SIGCONT)

    # -- input ----------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Bytes typed at the terminal."""
        for byte in data:
            self._type(byte)

    def _is(self, byte: int, *which: int) -> bool:
        return any(self._cc[i] == byte and byte for i in which)

    def _type(self, byte: int) -> None:
        if self._literal:
            self._literal = False
            self._put(byte)
            return
        if byte == 13 and self._iflag & IGNCR:
            return
        if byte == 13 and self._iflag & ICRNL:
            byte = 10
        elif byte == 10 and self._iflag & INLCR:
            byte = 13
        if self._lflag & ISIG:
            for which, signal in (
                (VINTR, Signal.SIGINT),
                (VQUIT, Signal.SIGQUIT),
                (VSUSP, Signal.SIGTSTP),
            ):
                if self._is(byte, which):
                    if not self._lflag & NOFLSH:
                        self.flush()
                    self._echo(byte)
                    self._signal(self.foreground, signal)
                    return
        if self._lflag & ICANON:
            self._edit(byte)
        else:
            self._put(byte)
            self._accept()

    def _edit(self, byte: int) -> None:
        """One byte in canonical mode."""
        if self._is(byte, VERASE) or byte == 8:
            self._erase(1)
        elif self._is(byte, VKILL):
            self._erase(len(self._line))
        elif self._is(byte, VWERASE):
            kept = self._line.rstrip(b" \t")
            word = len(kept) - max(kept.rfind(b" "), kept.rfind(b"\t")) - 1
            self._erase(len(self._line) - len(kept) + word)
        elif self._is(byte, VREPRINT):
            self._show_out(b"^R\n" + bytes(self._line))
        elif self._is(byte, VLNEXT):
            self._literal = True
        elif self._is(byte, VEOF):
            self._accept(end=True)
        elif byte == 10 or self._is(byte, VEOL, VEOL2):
            if self._lflag & (ECHO | ECHONL):
                self._show_out(bytes([byte]))
            self._line.append(byte)
            self._accept()
        elif len(self._line) < MAX_LINE:
            self._put(byte)

    def _put(self, byte: int) -> None:
        if sum(map(len, self._lines)) + len(self._line) < MAX_INPUT:
            self._line.append(byte)
            self._echo(byte)

    def _accept(self, *, end: bool = False) -> None:
        """What has been typed may be read."""
        if self._line or end:
            self._lines.append(bytes(self._line))
            self._line.clear()
            self.activity += 1

    def _erase(self, count: int) -> None:
        for _ in range(min(count, len(self._line))):
            byte = self._line.pop()
            while byte & 0xC0 == 0x80 and self._line:  # the rest of a UTF-8 character
                byte = self._line.pop()
            if self._lflag & ECHO and self._lflag & ECHOE:
                width = 2 if byte < 32 and byte != 9 and self._lflag & ECHOCTL else 1
                self._show(b"\b \b" * width)

    def _echo(self, byte: int) -> None:
        if not self._lflag & ECHO:
            return
        if self._lflag & ECHOCTL and (byte < 32 or byte == 127) and byte not in _SPECIAL:
            self._show_out(bytes((94, byte ^ 64)))
        else:
            self._show_out(bytes([byte]))

    def available(self) -> int:
        """Bytes that a read would give at once."""
        if self._lflag & ICANON:
            return len(self._lines[0]) if self._lines else 0
        return sum(map(len, self._lines))

    @property
    def readable(self) -> bool:
        """Whether a read would not wait."""
        if self.hung_up or (self._lflag & ICANON and self._lines):
            return True
        return not self._lflag & ICANON and self.available() >= max(self._cc[VMIN], 1)

    @property
    def patience(self) -> int | None:
        """Nanoseconds after which a read in vain ends: VTIME where VMIN is 0."""
        if self._lflag & ICANON or self._cc[VMIN]:
            return None
        return self._cc[VTIME] * SECOND // 10

    def read(self, count: int) -> bytes:
        """Up to `count` bytes: of one line in canonical mode; WouldBlock when there are none."""
        if self._lflag & ICANON and self._lines:
            line = self._lines.popleft()
            if len(line) > count:
                self._lines.appendleft(line[count:])
            return line[:count]
        enough = self.available() >= min(max(self._cc[VMIN], 1), max(count, 1))
        if not self._lflag & ICANON and enough:
            data = b"".join(self._lines)
            self._lines.clear()
            if len(data) > count:
                self._lines.append(data[count:])
            return data[:count]
        if self.hung_up:
            return b""
        raise WouldBlock

    # -- output ---------------------------------------------------------------------------------

    def write(self, data: bytes) -> int:
        """Show what a program writes; EIO when nobody sees it."""
        if self.hung_up:
            raise LinuxError(Errno.EIO)
        self._show_out(data)
        return len(data)

    def _show_out(self, data: bytes) -> None:
        if self._oflag & OPOST:
            if self._oflag & OCRNL:
                data = data.replace(b"\r", b"\n")
            if self._oflag & ONLCR:
                data = data.replace(b"\n", b"\r\n")
        self._show(data)

    @property
    def stops_writers(self) -> bool:
        """Whether writing from the background is answered with SIGTTOU."""
        return bool(self._lflag & TOSTOP)
