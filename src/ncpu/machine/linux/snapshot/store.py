"""A machine on disk: arrays as an orbax checkpoint, the kernel's objects as JSON beside them.

    FOLDER/manifest.json   kind, schema, the objects, the arrays' shapes, SHA-256 of every file
    FOLDER/weights/        the arrays (see `arrays`)

A machine is saved between two rounds, when all lanes rest: its state is then `Saved`, a graph of
plain objects. What leads outside is not in it and is made again when it is restored: the host's
streams and terminal, decoded text, the functions that read the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ncpu import sealed
from ncpu.machine.alu import EXACT, Alu
from ncpu.machine.errors import SnapshotError
from ncpu.machine.linux.abi import LinuxError
from ncpu.machine.linux.kernel import Kernel
from ncpu.machine.linux.launch import Running
from ncpu.machine.linux.machine import Machine
from ncpu.machine.linux.process import Process
from ncpu.machine.linux.snapshot.arrays import ArrayReader, ArrayWriter
from ncpu.machine.linux.snapshot.classes import REGISTRY, Saved
from ncpu.machine.linux.space import Space
from ncpu.machine.linux.tasks import Tasks
from ncpu.machine.state import State
from ncpu.machine.text import Text

KIND = "ncpu machine snapshot"


def run_to(session: Running, instructions: int) -> int:
    """Run to the end of the first round after so many instructions; how many there were.

    A machine that is stopped so and goes on later is in no bit different from one that never was.
    """
    return session.start().run(instructions, whole_rounds=True) if instructions else 0


def save(session: Running, folder: str | Path) -> None:
    """Write a machine that rests; it can go on afterwards.

    What its programs have put out so far is passed on first.

    Raises:
      SnapshotError: it has ended, holds what cannot be saved (a folder of the host), or the folder
        cannot be written; a snapshot that was there before is untouched then.
    """
    machine, path = session.start(), Path(folder)
    if not machine.first.alive:
        raise SnapshotError("the machine has ended: there is nothing left to save")
    if path.exists() and not (path / sealed.MANIFEST).is_file():
        raise SnapshotError(f"{path} is there already and is no snapshot")
    kernel, arrays = session.kernel, ArrayWriter()
    with suppress(LinuxError):
        kernel.console.flush()
    assert kernel.tasks is not None
    root = Saved(
        tasks=kernel.tasks,
        strikes=dict(machine.strikes),
        shared=machine.lanes.shared,
        symbols=session.symbols,
        forward=session.forward,
    )
    try:
        objects = REGISTRY.describe(root, arrays)
    except SnapshotError as error:
        raise SnapshotError(f"this machine cannot be saved: {error}") from None
    tree = arrays.tree()
    manifest = {
        "kind": KIND,
        "schema": REGISTRY.schema(),
        "arrays": _shapes(tree),
        "objects": objects,
    }
    try:
        sealed.write(path, tree, manifest)
    except OSError as error:
        raise SnapshotError(f"{path} cannot be written: {error.strerror or error}") from error


def read(folder: str | Path) -> Saved:
    """The objects of a snapshot, to look at; `load` makes them fit to run.

    Raises:
      SnapshotError: it is none, was altered or cut short, or was written by another version of this
        package, whose kernel has other objects.
    """
    path = Path(folder)
    if not path.is_dir():
        raise SnapshotError(f"{path} is no snapshot: there is no such folder")
    try:
        manifest = sealed.read_manifest(path)
        if manifest.get("kind") != KIND:
            raise SnapshotError(f"it is of kind {manifest.get('kind')!r}, not {KIND!r}")
        _same_schema(manifest.get("schema"))
        tree = sealed.read_weights(path, manifest, _expected(manifest))
        saved = REGISTRY.build(manifest["objects"], ArrayReader(jax.tree.map(np.asarray, tree)))
        _check(saved)
        _start_clocks(saved)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SnapshotError(f"{path} cannot be restored: {error}") from error
    return saved


def _check(saved: Any) -> None:
    """A machine is where one is expected, with processes that can be stepped."""
    if not isinstance(saved, Saved) or not isinstance(saved.tasks, Tasks):
        raise SnapshotError("its first object is no machine")
    tasks = saved.tasks
    if not isinstance(tasks.kernel, Kernel) or tasks.processes[tasks.first.pid] is not tasks.first:
        raise SnapshotError("its processes are no table of a kernel")
    for process in tasks.processes.values():
        if not isinstance(process, Process) or not isinstance(process.space, Space):
            raise SnapshotError("one of its processes is none")
        lanes = [t.state for t in process.threads.values()]
        rests = isinstance(process.space.mem, jax.Array)
        if process.alive and not (rests and lanes and all(isinstance(s, State) for s in lanes)):
            raise SnapshotError(f"its process {process.pid} has no lane or no memory")


def _start_clocks(saved: Saved) -> None:
    """The functions that read the time, for the stamps of files."""
    files = saved.tasks.kernel.files
    files.clock = saved.tasks.first.clock.now
    for top in (files.root, *files.root.mounts.values()):
        top.fs.clock = lambda: files.clock()


class Restored(Running):
    """A machine from a snapshot, ready to go on; made by `load`."""

    def __init__(self, saved: Saved, alu: Alu) -> None:
        first = saved.tasks.first
        space, lane = first.space, first.thread.state
        if lane is None or space.mem is None:
            raise SnapshotError("its first process has ended")
        state = lane.replace(mem=space.mem, perm=space.perm)
        super().__init__(saved.tasks.kernel, state, alu, saved.forward)
        self._saved = saved

    def _make(self) -> Machine:
        machine = Machine(self._saved.tasks, self._stretch, Text)
        machine.strikes.update(self._saved.strikes)
        machine.lanes.shared = self._saved.shared
        return machine

    @property
    def symbols(self) -> dict[str, tuple[int, int]]:
        """As when it was saved."""
        return self._saved.symbols


def load(
    folder: str | Path,
    *,
    stdin: Any = None,
    stdout: Any = None,
    stderr: Any = None,
    alu: Alu = EXACT,
    warn: Any = None,
) -> Restored:
    """A machine as it was saved; `run` goes on with it.

    What its terminal shows, where it had one, goes to `stdout` unless `host_terminal` or
    `scripted_terminal` give it another; ports are forwarded again when it starts.

    Args:
      folder: the snapshot.
      stdin, stdout, stderr: host byte streams, as of `Session`.
      alu: the arithmetic; the bits are the same.
      warn: as of `Session`.

    Raises:
      SnapshotError: as `read` says.
    """
    saved = read(folder)
    kernel = saved.tasks.kernel
    kernel.warn, kernel.host = warn, None
    kernel.console.connect(stdin, stdout, stderr)
    kernel.network.forwards = False
    group = saved.tasks.signal_group
    if kernel.terminal is not None:
        kernel.terminal.connect(lambda data: _show(stdout, data), group)
    for pair in kernel.pairs.values():
        pair.tty.connect(pair.show, group)
    return Restored(saved, alu)


def _show(stream: Any, data: bytes) -> None:
    if stream is not None:
        stream.write(data)
        stream.flush()


def _shapes(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Type and shape of each array by its path."""
    leaves, _ = jax.tree.flatten_with_path(tree)
    return {
        "/".join(str(key.key) for key in path): [str(leaf.dtype), list(leaf.shape)]
        for path, leaf in leaves
    }


def _expected(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The tree that a manifest promises."""
    tree: dict[str, Any] = {}
    for path, (dtype, shape) in manifest["arrays"].items():
        *above, name = path.split("/")
        here = tree
        for part in above:
            here = here.setdefault(part, {})
        here[name] = jax.ShapeDtypeStruct(tuple(shape), np.dtype(dtype))
    return tree


def _same_schema(found: Any) -> None:
    own = REGISTRY.schema()
    if found == own:
        return
    found = found if isinstance(found, dict) else {}
    differ = [
        name for name in sorted(own.keys() | found.keys()) if found.get(name) != own.get(name)
    ]
    raise SnapshotError(
        f"it was written by another version, whose {differ[0]} has other fields; save it again "
        "with this one"
    )
