"""The framing of the GDB remote serial protocol: `$data#checksum`.

Everything a client sends is hostile until checked: a packet is complete with a right
checksum, or it is refused; nothing is ever allocated beyond `LIMIT`.

Source: GDB manual, appendix E.1 "Remote Protocol, Overview".
"""

from __future__ import annotations

from collections.abc import Iterator

from ncpu.machine.debug.errors import PacketError

LIMIT = 0x4000  # bytes of a packet's data, as qSupported's PacketSize says
INTERRUPT = b"\x03"
NAK = b"-"
_ESCAPED = b"#$}*"


def frame(data: bytes) -> bytes:
    """`data` as a packet."""
    return b"$" + data + b"#%02x" % (sum(data) & 0xFF)


def escape(data: bytes) -> bytes:
    """Binary data as it goes into a packet."""
    return b"".join(bytes([0x7D, b ^ 0x20]) if b in _ESCAPED else bytes([b]) for b in data)


def unescape(data: bytes) -> bytes:
    """What `escape` made, as it was.

    Raises:
      PacketError: an escape at the end of the data.
    """
    out, at = bytearray(), 0
    while at < len(data):
        if data[at] == 0x7D:
            at += 1
            if at == len(data):
                raise PacketError("binary data ends in the middle of an escape")
            out.append(data[at] ^ 0x20)
        else:
            out.append(data[at])
        at += 1
    return bytes(out)


class Receiver:
    """Bytes as they arrive, to packets.

    `feed` yields the data of each packet, `INTERRUPT` for Ctrl-C, and `NAK` for a packet
    whose checksum is wrong.
    """

    def __init__(self) -> None:
        self.buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take in bytes.

        Raises:
          PacketError: a packet longer than LIMIT.
        """
        self.buffer += data
        while self.buffer:
            if self.buffer[0] != 0x24:
                # Acknowledgements are of no interest: TCP does not lose anything.
                if self.buffer[0] == INTERRUPT[0]:
                    yield INTERRUPT
                del self.buffer[0]
                continue
            end = self.buffer.find(b"#")
            if (end < 0 and len(self.buffer) > LIMIT + 1) or end > LIMIT + 1:
                raise PacketError(f"a packet of more than {LIMIT} bytes")
            if end < 0 or len(self.buffer) < end + 3:
                return
            body, check = bytes(self.buffer[1:end]), bytes(self.buffer[end + 1 : end + 3])
            del self.buffer[: end + 3]
            yield body if check.lower() == b"%02x" % (sum(body) & 0xFF) else NAK
