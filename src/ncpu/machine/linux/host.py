"""What reaches a machine from outside while it runs: keys, and connections to forwarded ports."""

from __future__ import annotations

import os
import select
import signal
import termios
import time
import tty
from collections.abc import Callable, Sequence
from typing import Any

from ncpu.machine.linux.terminal import Terminal

CHUNK = 4096


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
    """The host's own terminal, in raw mode while the machine runs."""

    def __init__(self, terminal: Terminal, keys: int, screen: int) -> None:
        super().__init__()
        self.terminal, self.keys, self.screen = terminal, keys, screen
        self._saved = termios.tcgetattr(keys)
        tty.setraw(keys)
        self._wake, self._woken = os.pipe()
        os.set_blocking(self._woken, False)
        self._before: Any = signal.signal(signal.SIGWINCH, self._window_changed)
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
        signal.signal(signal.SIGWINCH, self._before)
        termios.tcsetattr(self.keys, termios.TCSADRAIN, self._saved)
        os.close(self._wake)
        os.close(self._woken)
        self._saved = None


class Script(Host):
    """Somebody who types the next piece when the machine waits for a key; then hangs up."""

    def __init__(self, terminal: Terminal, pieces: Sequence[bytes]) -> None:
        super().__init__(paced=False)
        self.terminal = terminal
        self._pieces = list(pieces)

    def wait(self, length: int | None) -> int | None:
        """Sleeps pass at once; keys come when nothing else can happen."""
        if length is not None:
            return length
        if self._pieces:
            self.terminal.feed(self._pieces.pop(0))
            return 0
        if self.terminal.hung_up:
            return None
        self.terminal.hang_up()
        return 0
