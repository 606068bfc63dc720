"""The ends of pipes and FIFOs (pipe(7))."""

from __future__ import annotations

from ncpu.machine.linux import abi
from ncpu.machine.linux.abi import Errno, LinuxError, WouldBlock
from ncpu.machine.linux.inodes import Node, Pipe
from ncpu.machine.linux.open_file import POLLERR, POLLHUP, POLLIN, POLLOUT, OpenFile


class PipeOpen(OpenFile):
    """One end of a pipe."""

    node: Pipe
    streams = True

    def __init__(self, node: Node, flags: int) -> None:
        super().__init__(node, flags)
        self.node.readers += self.readable
        self.node.writers += self.writable
        self.node.opened[0] += self.readable
        self.node.opened[1] += self.writable

    @property
    def activity(self) -> int:  # type: ignore[override]
        """Changes of the pipe."""
        return self.node.activity

    def read(self, count: int) -> bytes:
        """What is there; WouldBlock when empty, the end when no writer is left."""
        buffer = self.node.buffer
        if not buffer and count and self.node.writers:
            raise WouldBlock
        data = bytes(buffer[:count])
        del buffer[:count]
        self.node.activity += 1
        return data

    def write(self, data: bytes) -> int:
        """As much as fits, at least up to PIPE_BUF in one piece; EPIPE without a reader."""
        if not self.node.readers:
            raise LinuxError(Errno.EPIPE)
        room = Pipe.CAPACITY - len(self.node.buffer)
        if data and (room == 0 or (len(data) <= abi.PIPE_BUF and len(data) > room)):
            raise WouldBlock
        self.node.buffer += data[:room]
        self.node.activity += 1
        return min(len(data), room)

    def poll(self) -> int:
        """Readable when it holds bytes, writable when PIPE_BUF bytes fit."""
        bits = 0
        if self.readable:
            bits |= (POLLIN if self.node.buffer else 0) | (0 if self.node.writers else POLLHUP)
        if self.writable:
            bits |= POLLOUT if Pipe.CAPACITY - len(self.node.buffer) >= abi.PIPE_BUF else 0
            bits |= 0 if self.node.readers else POLLERR
        return bits

    def available(self) -> int:
        """Bytes in the pipe."""
        return len(self.node.buffer)

    def closed(self) -> None:
        """One end fewer."""
        self.node.activity += 1
        self.node.readers -= self.readable
        self.node.writers -= self.writable
