"""What this package raises; each message says what was wrong and what is accepted."""

from __future__ import annotations

from ncpu.machine.errors import NcpuError


class ViewError(NcpuError, ValueError):
    """A state or latent whose shape is not one the model was made for."""


class ActionError(NcpuError, ValueError):
    """An instruction outside what the model covers."""


class TraceError(NcpuError, ValueError):
    """A trace or set of programs with too little in it."""


class CheckpointError(NcpuError, RuntimeError):
    """A checkpoint is missing, altered, or of another schema."""
