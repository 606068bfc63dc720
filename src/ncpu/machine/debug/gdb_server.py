"""The GDB remote stub: `gdb-multiarch` and editors drive a `Debugger` over TCP.

Loopback only: a debugger hands out the guest's memory to whoever connects.  One client at a
time; one that vanishes leaves the run where it was for the next.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from contextlib import suppress

from ncpu.machine.debug.debugger import Debugger
from ncpu.machine.debug.errors import DebugError, PacketError
from ncpu.machine.debug.gdb_protocol import Protocol
from ncpu.machine.debug.packets import INTERRUPT, NAK, Receiver, frame

HOST = "127.0.0.1"


class Server:
    """Listens on the loopback interface and serves one debugger.

    Args:
      debugger: what clients drive.
      port: TCP port; 0 takes a free one, see `port`.
      say: called with a line for people when something happens.

    Raises:
      DebugError: the port cannot be had.
    """

    def __init__(
        self, debugger: Debugger, port: int, say: Callable[[str], None] = lambda line: None
    ) -> None:
        self.debugger, self.say = debugger, say
        try:
            self.listener = socket.create_server((HOST, port), backlog=4)
        except (OSError, OverflowError) as error:
            raise DebugError(f"cannot listen on {HOST}:{port}: {error}") from None
        self.port: int = self.listener.getsockname()[1]

    def serve(self) -> None:
        """Serve clients, one after another, until one kills the program."""
        try:
            while True:
                client, _ = self.listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with client:
                    self.say("a client is connected")
                    ended = _Connection(self, client).serve()
                if ended:
                    return
                self.say("the client is gone; the run is kept, connect again to go on")
        finally:
            self.listener.close()

    def refuse_others(self) -> None:
        """Turn away whoever else wants to connect while a client is there."""
        while select.select([self.listener], [], [], 0)[0]:
            other, _ = self.listener.accept()
            other.close()
            self.say("a second client was turned away: one at a time")


class _Connection:
    """One client from its connection to its end."""

    def __init__(self, server: Server, client: socket.socket) -> None:
        self.server, self.client = server, client
        self.receiver = Receiver()
        self.protocol = Protocol(server.debugger)
        self.waiting: list[bytes] = []
        self.gone = False

    def serve(self) -> bool:
        """Answer packets until the client leaves; whether it killed the program."""
        history = self.server.debugger.history
        history.poll = self._interrupted
        try:
            while not self.gone:
                if not self.waiting:
                    self._receive(None)
                    continue
                self._answer(self.waiting.pop(0))
                if self.protocol.ended:
                    return self.protocol.killed
        except PacketError as error:
            self.server.say(f"the client was cut off: {error}")
        except OSError:
            pass  # it vanished
        finally:
            history.poll = lambda: False
        return False

    def _answer(self, packet: bytes) -> None:
        if packet == NAK:
            self.client.sendall(b"-")
            return
        if packet == INTERRUPT:
            return  # nothing is running
        if not self.protocol.quiet:
            self.client.sendall(b"+")
        reply = self.protocol.answer(packet)
        if reply is not None:
            self.client.sendall(frame(reply))

    def _receive(self, timeout: float | None) -> None:
        """Take in what has arrived, waiting for it."""
        ready, _, _ = select.select([self.client, self.server.listener], [], [], timeout)
        # A client that has left makes room: look at it before turning anybody away.
        while self.client in ready and not self.gone:
            data = self.client.recv(1 << 16)
            self.gone = not data
            self.waiting += self.receiver.feed(data)
            if not select.select([self.client], [], [], 0)[0]:
                break
        if self.server.listener in ready and not self.gone:
            self.server.refuse_others()

    def _interrupted(self) -> bool:
        """While the guest runs: whether the client wants it stopped, or has left."""
        with suppress(OSError):
            self._receive(0)
        if INTERRUPT in self.waiting:
            self.waiting.remove(INTERRUPT)
            return True
        return self.gone
