"""What GDB is handed as files: the target description, the auxiliary vector, the program.

Source: GDB manual, appendices E.4 (qXfer) and E.7 (vFile).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ncpu.machine import memory, word
from ncpu.machine.debug import gdb_target
from ncpu.machine.debug.debugger import Debugger
from ncpu.machine.debug.packets import LIMIT, escape
from ncpu.machine.state import State


class Transfers:
    """Files and objects that one client reads.

    Args:
      debugger: what is debugged.
    """

    def __init__(self, debugger: Debugger) -> None:
        self.debugger, self.history = debugger, debugger.history
        self.files: dict[int, bytes] = {}

    def transfer(self, rest: bytes) -> bytes:
        """qXfer: a piece of an object."""
        what, kind, _, span = rest.split(b":")
        offset, length = (int(part, 16) for part in span.split(b","))
        makers: dict[bytes, Callable[[], bytes]] = {
            b"features": lambda: gdb_target.TARGET_XML,
            b"auxv": self._auxv,
            b"exec-file": lambda: self._executable,
        }
        if what not in makers or kind != b"read":
            return b""
        content = makers[what]()
        piece = content[offset : offset + min(length, LIMIT // 2 - 8)]
        last = offset + len(piece) >= len(content)
        return (b"l" if last else b"m") + escape(piece)

    @property
    def _executable(self) -> bytes:
        return b"/" + self.history.kernel.process.execfn.lstrip(b"/")

    def _auxv(self) -> bytes:
        """The auxiliary vector, from the stack as the program found it."""
        state = self.history.checkpoints.kept[0]
        first = state.state()
        at = int(first.sp)
        words = np.frombuffer(memory.read(first, at, self._top(first) - at & ~7), "<u8")
        index = 1 + int(words[0]) + 1  # argc, argv, NULL
        while words[index]:
            index += 1
        index += 1
        end = index
        while words[end]:
            end += 2
        return words[index : end + 2].tobytes()

    @staticmethod
    def _top(state: State) -> int:
        return int(word.from_limbs(np.asarray(state.base))) + state.mem.shape[0] * 8

    def file(self, rest: bytes) -> bytes:
        """vFile: the program itself can be read, and nothing else."""
        operation, _, arguments = rest.partition(b":")
        if operation == b"setfs":
            return b"F0"
        if operation == b"open":
            name = bytes.fromhex(arguments.split(b",")[0].decode("latin-1"))
            if name != self._executable:
                return b"F-1,2"  # ENOENT
            if int(arguments.split(b",")[1], 16) & 3:
                return b"F-1,1e"  # EROFS
            descriptor = min(set(range(3, 64)) - set(self.files), default=None)
            if descriptor is None:
                return b"F-1,18"  # EMFILE
            self.files[descriptor] = self.debugger.session.image.data
            return b"F%x" % descriptor
        numbers = [int(part, 16) for part in arguments.split(b",")]
        content = self.files.get(numbers[0])
        if content is None:
            return b"F-1,9"  # EBADF
        if operation == b"pread":
            _, count, offset = numbers
            piece = content[offset : offset + min(count, LIMIT // 2 - 16)]
            return b"F%x;" % len(piece) + escape(piece)
        if operation == b"close":
            del self.files[numbers[0]]
            return b"F0"
        return b""
