"""Everything this machine raises on the host; each message says what was accepted."""

from __future__ import annotations


class NcpuError(Exception):
    """Base of all errors of this package; `exit_code` is what the command line ends with."""

    exit_code = 2


class MemoryRangeError(NcpuError, ValueError):
    """An address range outside the lane's memory, or an impossible memory size."""


class ElfError(NcpuError, ValueError):
    """Not an executable this machine loads; says which property was wrong."""


class CommandError(NcpuError, ValueError):
    """A command that cannot be started: 127 where it or its interpreter is missing, else 126."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class RootError(NcpuError, ValueError):
    """A folder or archive that cannot be a root file system; says which entry and why."""


class AssemblyError(NcpuError, ValueError):
    """Source text that is not in the table; carries line number and text."""


class ImageError(NcpuError, ValueError):
    """Not a MUXLEQ image; says what was wrong and where."""


class SnapshotError(NcpuError, ValueError):
    """A machine that cannot be saved, or a folder that holds none that can be restored."""


class GuestError(NcpuError, RuntimeError):
    """A guest stopped for a reason its caller did not expect; carries pc and reason."""
