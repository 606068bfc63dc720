"""A debugger that misses nothing: the whole history of a run, in both directions."""

from ncpu.machine.debug.checkpoints import Instant
from ncpu.machine.debug.debugger import Debugger
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.debug.history import History
from ncpu.machine.debug.hunt import ON_READ, ON_WRITE, Watch
from ncpu.machine.debug.plan import Plan, Stop

__all__ = [
    "ON_READ",
    "ON_WRITE",
    "DebugError",
    "Debugger",
    "History",
    "Instant",
    "Plan",
    "Stop",
    "Watch",
]
