"""A world model: a joint-embedding predictive architecture of the machine's own dynamics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ncpu.jepa.model import Config, JEWorldModel
    from ncpu.jepa.trace import trace

__all__ = ["Config", "JEWorldModel", "trace"]


def __getattr__(name: str) -> Any:
    if name == "trace":
        from ncpu.jepa.trace import trace

        return trace
    if name in __all__:
        from ncpu.jepa import model

        return getattr(model, name)
    raise AttributeError(f"module 'ncpu.jepa' has no attribute {name!r}")
