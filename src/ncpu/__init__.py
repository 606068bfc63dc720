"""ncpu: a computer made of JAX functions.

    step(state, instr) = commit(state, execute(state, instr))

Names are loaded when first used, so that `import ncpu` costs nothing but this file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ncpu import xla

xla.configure()

__version__ = "0.1.0"

if TYPE_CHECKING:
    from ncpu.machine.alu import EXACT, Alu, ExactAlu
    from ncpu.machine.asm import assemble
    from ncpu.machine.batch import broadcast, lane, run_batch, stack
    from ncpu.machine.commit import commit
    from ncpu.machine.decode import decode
    from ncpu.machine.disasm import disassemble
    from ncpu.machine.effects import Effects
    from ncpu.machine.errors import NcpuError
    from ncpu.machine.execute import execute
    from ncpu.machine.instr import Instr
    from ncpu.machine.program import Program
    from ncpu.machine.run import fetch, run, step
    from ncpu.machine.state import State, Status, new_state

_HOMES = {
    "alu": ("EXACT", "Alu", "ExactAlu"),
    "asm": ("assemble",),
    "batch": ("broadcast", "lane", "run_batch", "stack"),
    "commit": ("commit",),
    "decode": ("decode",),
    "disasm": ("disassemble",),
    "effects": ("Effects",),
    "errors": ("NcpuError",),
    "execute": ("execute",),
    "instr": ("Instr",),
    "program": ("Program",),
    "run": ("fetch", "run", "step"),
    "state": ("State", "Status", "new_state"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "EXACT",
    "Alu",
    "Effects",
    "ExactAlu",
    "Instr",
    "NcpuError",
    "Program",
    "State",
    "Status",
    "assemble",
    "broadcast",
    "commit",
    "decode",
    "disassemble",
    "execute",
    "fetch",
    "lane",
    "new_state",
    "run",
    "run_batch",
    "stack",
    "step",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ncpu' has no attribute {name!r}")
    value = getattr(import_module(f"ncpu.machine.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
