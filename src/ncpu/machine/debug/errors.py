"""What the debugger raises; each message says what was accepted."""

from __future__ import annotations

from ncpu.machine.errors import NcpuError


class DebugError(NcpuError, ValueError):
    """A request the debugger cannot meet: an unknown name, an address outside memory."""


class PacketError(NcpuError, ValueError):
    """Bytes from a remote client that are no packet of the protocol."""
