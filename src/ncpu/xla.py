"""How XLA is asked to compile the machine: set up once, before JAX starts its backends.

XLA's CPU backend compiles a `while` loop into one native function only when one iteration
touches few bytes, by its own estimate; otherwise every operation of the body becomes a
separate task, a hundred times slower.  The limit is a flag, read when the first backend
starts.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

_OPTION = "xla_cpu_small_while_loop_byte_threshold"
# One tick is estimated at about 10 KB with exact arithmetic and 200 KB with trained
# arithmetic; loops that move more are not interpreters.
_LIMIT = 1 << 18


def _flags_with_option(flags: str) -> str:
    """`flags` with the loop limit set, keeping whatever else is there."""
    prefix = "--xla_backend_extra_options="
    parts = flags.split()
    for index, part in enumerate(parts):
        if part.startswith(prefix):
            if _OPTION not in part:
                parts[index] = f"{part},{_OPTION}={_LIMIT}"
            return " ".join(parts)
    return " ".join([*parts, f"{prefix}{_OPTION}={_LIMIT}"])


def configure() -> None:
    """Set the loop limit for backends that start from now on.

    Warns when JAX has started one already: the machine then works, at a hundredth of its
    speed on a CPU.
    """
    wanted = _flags_with_option(os.environ.get("XLA_FLAGS", ""))
    if wanted == os.environ.get("XLA_FLAGS"):
        return
    os.environ["XLA_FLAGS"] = wanted
    bridge = sys.modules.get("jax._src.xla_bridge")
    started = getattr(bridge, "backends_are_initialized", lambda: False)
    if started():
        warnings.warn(
            "JAX was used before ncpu was imported, so XLA's CPU backend will run the machine "
            f"about 100 times slower: import ncpu first, or set XLA_FLAGS={wanted!r}",
            RuntimeWarning,
            stacklevel=3,
        )


def run_in_place() -> None:
    """Run CPU programs on the thread that starts them, from the first backend on.

    By default JAX hands them to another thread and goes on in Python. Who waits for each result,
    as a kernel does for the next system call, only pays for the way there and back.
    """
    import jax

    jax.config.update("jax_cpu_enable_async_dispatch", False)


def use_cache(folder: Path | None = None) -> None:
    """Keep compiled programs on disk, so that a second process starts in a second.

    Args:
      folder: where; `$XDG_CACHE_HOME/ncpu/jax` by default.  An explicit
        `JAX_COMPILATION_CACHE_DIR` wins.
    """
    import jax

    if getattr(jax.config, "jax_compilation_cache_dir", None) is None:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        jax.config.update("jax_compilation_cache_dir", str(folder or home / "ncpu" / "jax"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
