"""Programs found from examples.

from ncpu.synth import ProgramSynthesizer, SynthesisSpec
result = ProgramSynthesizer().synthesize(SynthesisSpec(examples=[((2,), 4), ((3,), 9)]))
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ncpu.synth.portfolio import ProgramSynthesizer, Result
    from ncpu.synth.rank import synthesize
    from ncpu.synth.spec import Budget, Solution, Strategy, SynthesisSpec
    from ncpu.synth.types import Example, Kind, Signature

_HOME = {
    "Budget": "spec",
    "Example": "types",
    "Kind": "types",
    "ProgramSynthesizer": "portfolio",
    "Result": "portfolio",
    "Signature": "types",
    "Solution": "spec",
    "Strategy": "spec",
    "SynthesisSpec": "spec",
    "synthesize": "rank",
}

__all__ = [
    "Budget",
    "Example",
    "Kind",
    "ProgramSynthesizer",
    "Result",
    "Signature",
    "Solution",
    "Strategy",
    "SynthesisSpec",
    "synthesize",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
