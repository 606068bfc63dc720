"""Snapshots of a whole machine: saved between two rounds, restored to the bit, compared."""

from ncpu.machine.linux.snapshot.differences import Report, diff
from ncpu.machine.linux.snapshot.store import Restored, load, run_to, save

__all__ = ["Report", "Restored", "diff", "load", "run_to", "save"]
