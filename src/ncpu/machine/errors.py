"""Everything this machine raises on the host; each message says what was accepted."""

from __future__ import annotations


class NcpuError(Exception):
    """Base of all errors of this package."""


class MemoryRangeError(NcpuError, ValueError):
    """An address range outside the lane's memory, or an impossible memory size."""


class ElfError(NcpuError, ValueError):
    """Not an executable this machine loads; says which property was wrong."""


class AssemblyError(NcpuError, ValueError):
    """Source text that is not in the table; carries line number and text."""


class ImageError(NcpuError, ValueError):
    """Not a MUXLEQ image; says what was wrong and where."""


class GuestError(NcpuError, RuntimeError):
    """A guest stopped for a reason its caller did not expect; carries pc and reason."""
