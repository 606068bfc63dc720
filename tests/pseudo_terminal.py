"""A person at a pseudo-terminal: types when the program is ready, and keeps what it shows.

with Keyboard(b"ws.q") as keyboard:
    run(keyboard.slave)          # the program's terminal
keyboard.output                  # every byte it wrote
screen(keyboard.output)          # what is seen then
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import termios
import threading
from collections.abc import Sequence
from pathlib import Path

import corpus

QEMU = "qemu-aarch64-static"
ROWS, COLUMNS = 24, 80
DRAWN = b"\x1b[2J"  # what our games write when the terminal is raw
NORMAL_SCREEN = b"\x1b[?1049l"  # back from the alternate screen, which pyte does not know


class Keyboard:
    """The far end of a new pseudo-terminal.

    Args:
      keys: what is typed, in one piece.
      after: typed once the program has written this.
      then: further (after, keys) pairs, each looked for in what comes later.
    """

    def __init__(
        self, keys: bytes, after: bytes = b"", then: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        self._todo = [(after, keys), *then]
        self._done = threading.Event()
        self._seen = 0
        self.output = b""

    def __enter__(self) -> Keyboard:
        self.master, self.slave = os.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        os.close(self.slave)
        os.close(self.master)

    def await_output(self, data: bytes) -> bool:
        """Wait until the program has written this; False where it has ended without."""
        while data not in self.output:
            if self._done.wait(0.02):
                return False
        return True

    def press(self, keys: bytes) -> None:
        """Type now."""
        os.write(self.master, keys)

    def modes(self) -> list[object]:
        """The terminal's attributes now."""
        return termios.tcgetattr(self.slave)

    def _serve(self) -> None:
        while True:
            self._type()
            if select.select([self.master], [], [], 0.02)[0]:
                self.output += os.read(self.master, 1 << 16)
            elif self._done.is_set():
                return

    def _type(self) -> None:
        while self._todo:
            after, keys = self._todo[0]
            at = self.output.find(after, self._seen)
            if at < 0:
                return
            self._seen = at + len(after)
            self._todo.pop(0)
            os.write(self.master, keys)


def qemu(binary: Path, argv: Sequence[str], keyboard: Keyboard) -> int:
    """Run a static AArch64 program under qemu-user at the keyboard's terminal; its exit code."""
    slave = keyboard.slave
    return subprocess.run(
        [QEMU, "-cpu", corpus.DEFAULT_CPU, "-0", argv[0], str(binary), *argv[1:]],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={"TERM": "xterm"},
        timeout=60,
    ).returncode


def screen(output: bytes) -> list[str]:
    """The lines a terminal shows after `output`, before it left the alternate screen."""
    import pyte

    output = output.partition(NORMAL_SCREEN)[0]

    display = pyte.Screen(COLUMNS, ROWS)
    pyte.ByteStream(display).feed(output)
    return [line.rstrip() for line in display.display]
