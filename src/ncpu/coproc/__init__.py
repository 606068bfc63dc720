"""Exact arithmetic inside a transformer's forward pass: a routed expert beside its MLPs."""

from __future__ import annotations

from ncpu.coproc.config import CoprocessorConfig
from ncpu.coproc.errors import CoprocessorConfigError, CoprocessorError, ExpertInputError
from ncpu.coproc.expert import Expert, ExpertOutput, mix
from ncpu.coproc.gate import balance_loss
from ncpu.coproc.operands import Operands
from ncpu.coproc.read import Labels, Reading, Role, read_losses
from ncpu.coproc.registers import ExpertState, Registers

__all__ = [
    "CoprocessorConfig",
    "CoprocessorConfigError",
    "CoprocessorError",
    "Expert",
    "ExpertInputError",
    "ExpertOutput",
    "ExpertState",
    "Labels",
    "Operands",
    "Reading",
    "Registers",
    "Role",
    "balance_loss",
    "mix",
    "read_losses",
]
