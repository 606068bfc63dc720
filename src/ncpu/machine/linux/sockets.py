"""Sockets of the machine's own network: connected pairs of queues (socket(7), unix(7), tcp(7)).

There are AF_UNIX, AF_INET and AF_INET6, stream and datagram; of the internet only the loopback
exists.
Nothing gets lost or reordered, and a connection is made as soon as it is asked for.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ncpu.machine.linux import abi
from ncpu.machine.linux.abi import Errno, LinuxError, WouldBlock
from ncpu.machine.linux.addresses import AF_UNIX, INTERNET, translate
from ncpu.machine.linux.inodes import FileSystem, Node
from ncpu.machine.linux.open_file import POLLERR, POLLHUP, POLLIN, POLLOUT, OpenFile

if TYPE_CHECKING:
    from ncpu.machine.linux.network import Network

STREAM, DGRAM, SEQPACKET = 1, 2, 5
ROOM = 212_992  # bytes a socket holds for its reader (net.core.rmem_default)
POLLRDHUP = 0x2000
IPPROTO_IPV6, IPV6_V6ONLY = 41, 26


class SocketNode(Node):
    """The inode of a socket; `bound` is the socket a path leads to."""

    kind = abi.S_IFSOCK

    def __init__(self, fs: FileSystem, mode: int = 0o777, uid: int = 0, gid: int = 0) -> None:
        super().__init__(fs, mode, uid, gid)
        self.bound: SocketOpen | None = None


@dataclass
class Message:
    """Bytes in a queue: a datagram, or a stretch of a stream with the files sent along."""

    data: bytes
    sender: bytes = b""
    files: list[OpenFile] = field(default_factory=list)


class SocketOpen(OpenFile):
    """An open socket.

    Attributes:
      peer: where what is written goes.
      queue: what has arrived.
      backlog: connections not yet accepted, of a listening socket; None of others.
      name, peer_name: sockaddr bytes, empty where there is none.
      ended: nothing more will arrive; `muted`: nothing more may be written.
      credentials: (pid, uid, gid) of who made the other end.
    """

    streams = True

    def __init__(self, network: Network, domain: int, kind: int, flags: int) -> None:
        super().__init__(SocketNode(network.fs), flags | abi.O_RDWR)
        self.network, self.domain, self.kind = network, domain, kind
        self.peer: SocketOpen | None = None
        self.queue: deque[Message] = deque()
        self.held = 0
        self.backlog: deque[SocketOpen] | None = None
        self.limit = 0
        self.name = self.peer_name = b""
        self.connected = self.ended = self.muted = False
        self.options: dict[tuple[int, int], bytes] = {}
        self.credentials: tuple[int, int, int] = (0, 0, 0)
        self.activity = 0

    @property
    def host(self) -> bool:  # type: ignore[override]
        """Connections and data may come through a forwarded port."""
        return self.network.forwards

    @property
    def packets(self) -> bool:
        """Whether the bounds of messages are kept."""
        return self.kind != STREAM

    @property
    def only6(self) -> bool:
        """IPv4 does not reach it (IPV6_V6ONLY)."""
        return any(self.options.get((IPPROTO_IPV6, IPV6_V6ONLY), b""))

    # -- data ------------------------------------------------------------------------------------

    def send(self, message: Message) -> int:
        """Queue a message at the peer; of a stream as much as there is room for."""
        if self.muted:
            raise LinuxError(Errno.EPIPE)
        if self.peer is None or (self.kind == DGRAM and self.peer.users == 0):
            if self.connected:
                raise LinuxError(Errno.EPIPE if self.kind != DGRAM else Errno.ECONNREFUSED)
            if self.kind == DGRAM:
                raise LinuxError(Errno.EDESTADDRREQ)
            raise LinuxError(Errno.EPIPE if self.domain in INTERNET else Errno.ENOTCONN)
        return self.peer.arrive(message, whole=self.packets)

    def arrive(self, message: Message, *, whole: bool) -> int:
        """Take a message into the queue; how many bytes of it."""
        room = ROOM - self.held
        size = len(message.data)
        if whole and size > ROOM:
            raise LinuxError(Errno.EMSGSIZE)
        if size and (room <= 0 or (whole and size > room)):
            raise WouldBlock
        if not whole and size > room:
            message = Message(message.data[:room], message.sender, message.files)
        if message.data or whole:
            self.queue.append(message)
            for file in message.files:
                file.share()
            self.held += len(message.data)
            self.activity += 1
        return len(message.data)

    def receive(self, count: int, *, peek: bool = False) -> Message:
        """One datagram (its excess lost), or up to `count` bytes of a stream."""
        if self.backlog is not None or (not self.connected and self.kind != DGRAM):
            raise LinuxError(
                Errno.ENOTCONN if self.kind != STREAM or not self.ended else Errno.EINVAL
            )
        if not self.queue:
            if self.ended or count == 0:
                return Message(b"")
            raise WouldBlock
        if self.packets or peek:
            first = self.queue[0]
            if not peek:
                self._drop(self.queue.popleft())
            return first if self.packets else Message(first.data[:count], first.sender)
        taken = Message(b"")
        while self.queue and len(taken.data) < count:
            first = self.queue[0]
            if taken.data and first.files:
                break
            piece = first.data[: count - len(taken.data)]
            taken = Message(taken.data + piece, first.sender, taken.files + first.files)
            if len(piece) < len(first.data):
                self.queue[0] = Message(first.data[len(piece) :], first.sender)
                self.held -= len(piece)
            else:
                self.queue.popleft()
                self.held -= len(piece)
            if taken.files:
                break
        self.activity += 1
        if self.peer is not None:
            self.peer.activity += 1
        return taken

    def _drop(self, message: Message) -> None:
        self.held -= len(message.data)
        if self.peer is not None:
            self.peer.activity += 1

    def read(self, count: int) -> bytes:
        """read(2) is recv(2) without flags."""
        return self.receive(count).data[:count]

    def write(self, data: bytes) -> int:
        """write(2) is send(2) without flags."""
        return self.send(Message(data, self.name))

    # -- connections -----------------------------------------------------------------------------

    def pair_with(self, other: SocketOpen) -> None:
        """Connect two sockets to each other."""
        self.peer, other.peer = other, self
        for one, another in ((self, other), (other, self)):
            one.connected, one.peer_name = True, translate(another.name, one.domain)
            one.activity += 1

    def listen(self, backlog: int) -> None:
        """listen(2)."""
        if self.kind == DGRAM:
            raise LinuxError(Errno.EOPNOTSUPP)
        if self.connected or (self.domain == AF_UNIX and not self.name):
            raise LinuxError(Errno.EINVAL)
        self.limit = max(1, min(backlog if backlog >= 0 else 4096, 4096)) + 1
        if self.backlog is None:
            self.backlog = deque()

    def answer(self, caller: SocketOpen, called: bytes = b"") -> None:
        """Make the other end of a connection asked for by `caller`, to be accepted later.

        `called` is the address asked for where this socket listens at several.
        """
        if self.backlog is None:
            raise LinuxError(Errno.ECONNREFUSED)
        if len(self.backlog) >= self.limit:
            raise WouldBlock
        end = SocketOpen(self.network, self.domain, self.kind, abi.O_RDWR)
        end.name = translate(called, self.domain) or self.name
        end.credentials, end.users = self.credentials, 0
        caller.pair_with(end)
        self.backlog.append(end)
        self.activity += 1

    def accept(self) -> SocketOpen:
        """The connection that has waited longest."""
        if self.backlog is None:
            raise LinuxError(Errno.EINVAL if self.kind != DGRAM else Errno.EOPNOTSUPP)
        if not self.backlog:
            raise WouldBlock
        return self.backlog.popleft()

    def shutdown(self, how: int) -> None:
        """shutdown(2): 0 reading, 1 writing, 2 both."""
        if how not in (0, 1, 2):
            raise LinuxError(Errno.EINVAL)
        if not self.connected:
            raise LinuxError(Errno.ENOTCONN)
        if how != 1:
            self._end()
        if how != 0:
            self.muted = True
            if self.peer is not None and self.kind != DGRAM:
                self.peer._end()
        self.activity += 1

    def _end(self) -> None:
        """Nothing more will arrive."""
        self.ended = True
        self.activity += 1

    def poll(self) -> int:
        """Readable, writable, ended, hung up."""
        if self.backlog is not None:
            return POLLIN if self.backlog else 0
        bits = POLLIN if self.queue or self.ended else 0
        bits |= POLLRDHUP if self.ended else 0
        if self.kind == DGRAM:
            return bits | POLLOUT
        if not self.connected:
            return bits | POLLOUT | POLLHUP
        if self.peer is None:
            bits |= POLLOUT | (POLLHUP if self.ended else POLLERR)
        elif self.muted or self.peer.held < ROOM:
            bits |= POLLOUT
        return bits | (POLLHUP if self.ended and self.muted else 0)

    def available(self) -> int:
        """Bytes to read at once."""
        if self.packets and self.queue:
            return len(self.queue[0].data)
        return self.held

    def closed(self) -> None:
        """Both directions end; who waits to be accepted is refused."""
        self.network.unbind(self)
        for message in self.queue:
            for file in message.files:
                file.release()
        self.queue.clear()
        for end in self.backlog or ():
            end.closed()
        if self.peer is not None and self.peer.peer is self:
            self.peer._end()
            self.peer.peer = None
        self.peer = None
