"""What reaches a machine from outside while it runs: keys, and connections to forwarded ports."""

from __future__ import annotations

import os
import select
import signal
import termios
import time
import tty
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from ncpu.machine.linux.abi import SECOND
from ncpu.machine.linux.clock import Clock
from ncpu.machine.linux.console import TERMIOS
from ncpu.machine.linux.terminal import Terminal

CHUNK = 4096
# What is typed: a piece, or the nanosecond after the program's start at which it is, and it.
Piece = bytes | tuple[int, bytes]
# Colours off, cursor shown, keypad and mouse as usual, and back from the alternate screen.
RESET = b"\x1b[0m\x1b[?25h\x1b[?1l\x1b>\x1b[?1000l\x1b[?2004l\x1b[?1049l"
ENDINGS = (signal.SIGTERM, signal.SIGHUP)


class Host:
    """Sources outside the machine; it is waited for when all processes wait.

    Args:
      paced: virtual sleeps take real time, as somebody at the keyboard expects.

    Attributes:
      sources: file descriptor to what is called when it can be read.
      resources: what is closed at the end.
    """

    def __init__(self, *, paced: bool = True) -> None:
        self.paced = paced
        self.sources: dict[int, Callable[[], None]] = {}
        self.resources: list[Any] = []

    @property
    def due(self) -> int | None:
        """When something comes by itself, on the machine's clock."""
        return None

    def wait(self, length: int | None) -> int | None:
        """Wait for a source, `length` nanoseconds at most; the time that passed.

        None where there is nothing to wait for.
        """
        if length is None and not self.sources:
            return None
        started = time.monotonic_ns()
        ready = self._select(None if length is None else max(length, 0) / 1e9)
        if not ready and length is not None:
            return length
        passed = time.monotonic_ns() - started
        return passed if length is None else min(passed, length)

    def poll(self) -> None:
        """Take what is there without waiting."""
        if self.sources:
            self._select(0)

    def _select(self, timeout: float | None) -> bool:
        ready, _, _ = select.select(list(self.sources), [], [], timeout)
        for descriptor in ready:
            self.sources[descriptor]()
        return bool(ready)

    def close(self) -> None:
        """Give everything back."""
        self.sources.clear()
        for resource in self.resources:
            resource.close()
        self.resources.clear()


class Keyboard(Host):
    """The host's own terminal, in raw mode while the machine runs.

    However that ends - the guest's exit, steps that run out, a signal that ends this process -
    `close` gives the terminal back as it was.
    """

    def __init__(self, terminal: Terminal, keys: int, screen: int) -> None:
        super().__init__()
        self.terminal, self.keys, self.screen = terminal, keys, screen
        self._saved = termios.tcgetattr(keys)
        tty.setraw(keys)
        self._wake, self._woken = os.pipe()
        os.set_blocking(self._woken, False)
        self._before: dict[int, Any] = {n: signal.signal(n, _leave) for n in ENDINGS}
        self._before[signal.SIGWINCH] = signal.signal(signal.SIGWINCH, self._window_changed)
        self.sources = {keys: self._typed, self._wake: self._resize}
        self._resize(drain=False)

    def _typed(self) -> None:
        try:
            data = os.read(self.keys, CHUNK)
        except OSError:
            data = b""
        if data:
            self.terminal.feed(data)
        else:
            self.sources.pop(self.keys, None)
            self.terminal.hang_up()

    def _window_changed(self, number: int, frame: object) -> None:
        os.write(self._woken, b"w")

    def _resize(self, *, drain: bool = True) -> None:
        if drain:
            os.read(self._wake, CHUNK)
        size = os.get_terminal_size(self.screen)
        self.terminal.resize(size.lines, size.columns)

    def close(self) -> None:
        """The terminal is the user's again."""
        if self._saved is None:
            return
        super().close()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        with suppress(OSError, termios.error):  # the terminal itself may be gone
            if self.terminal.termios != TERMIOS:  # the guest was stopped on the way
                os.write(self.screen, RESET)
            termios.tcsetattr(self.keys, termios.TCSADRAIN, self._saved)
        os.close(self._wake)
        os.close(self._woken)
        self._saved = None


class Script(Host):
    """Somebody who types pieces by a script, then hangs up.

    A piece without a moment is typed when the machine does nothing but wait for a key, one with a
    moment when the clock reaches it; the ones that follow a piece wait for it.
    """

    def __init__(self, terminal: Terminal, pieces: Sequence[Piece], clock: Clock) -> None:
        super().__init__(paced=False)
        self.terminal, self.clock = terminal, clock
        self.pieces = list(pieces)

    @property
    def due(self) -> int | None:
        """The moment of the next piece, where it has one."""
        piece = self.pieces[0] if self.pieces else b""
        return None if isinstance(piece, bytes) else SECOND + piece[0]

    def poll(self) -> None:
        """Type what is due."""
        while self.clock.passed(self.due):
            self._type()

    def wait(self, length: int | None) -> int | None:
        """Sleeps pass at once; keys come when nothing else can happen."""
        if length is not None:
            return length
        if self.pieces:
            self._type()
            return 0
        if self.terminal.hung_up:
            return None
        self.terminal.hang_up()
        return 0

    def _type(self) -> None:
        piece = self.pieces.pop(0)
        self.terminal.feed(piece if isinstance(piece, bytes) else piece[1])


def _leave(number: int, _: object) -> NoReturn:
    """A signal that ends this process does so by way of every `finally`."""
    raise SystemExit(128 + number)
