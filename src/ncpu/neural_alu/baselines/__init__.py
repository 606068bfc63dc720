"""Published neural arithmetic units, trained on the published extrapolation benchmark."""

from __future__ import annotations

from ncpu.neural_alu.baselines.benchmark import Budget, Row, display, table
from ncpu.neural_alu.baselines.modules import MLP, NAC, NALU, NAU, NMU, Linear, MultiplicativeNAC
from ncpu.neural_alu.baselines.tasks import OPERATIONS, Task, operands, subset_sums

__all__ = [
    "MLP",
    "NAC",
    "NALU",
    "NAU",
    "NMU",
    "OPERATIONS",
    "Budget",
    "Linear",
    "MultiplicativeNAC",
    "Row",
    "Task",
    "display",
    "operands",
    "subset_sums",
    "table",
]
