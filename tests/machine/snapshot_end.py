"""How a machine ended, to the bit; run as a script, goes on with a snapshot and prints it.

python snapshot_end.py FOLDER
"""

from __future__ import annotations

import hashlib
import io
import sys
from typing import Any

import ncpu  # noqa: F401  - first, so that XLA's flags are set before JAX starts


def end_of(session: Any, out: io.BytesIO) -> tuple[str, ...]:
    """Run to the end: what was put out, exit code, clock, calls, memory, registers, files."""
    import numpy as np

    result = session.run(300_000_000)
    kernel, clock = session.kernel, session.machine.first.clock
    digest = hashlib.sha256()
    for name in ("mem", "perm", "regs", "pc", "flags", "retired"):
        digest.update(np.ascontiguousarray(getattr(result.state, name)).tobytes())
    files = [
        (node.ino, node.mode, node.mtime)
        for node in kernel.files.directory("/tmp").children.values()
    ]
    calls = sorted(kernel.calls.items())
    return (
        out.getvalue().decode("latin-1"),
        f"{result.exit_code} {clock.retired} {clock.slept} {session.machine.first.cpu_children}",
        f"{calls} {files} {kernel.files.fs.used} {kernel.files.fs.nodes}",
        digest.hexdigest(),
    )


def main(folder: str) -> None:
    import jax

    from ncpu import xla
    from ncpu.machine.linux import snapshot

    xla.use_cache()
    out = io.BytesIO()
    end = end_of(snapshot.load(folder, stdout=out), out)
    print(repr((jax.device_count(), end)))


if __name__ == "__main__":
    main(sys.argv[1])
