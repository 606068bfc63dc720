"""Freeze and thaw: a whole history in one file, replayed anywhere without its inputs.

The file is a zip: `meta.json`, the program, the first state (its memory page by page, empty
pages left out) and what the events stored.  No code is in it, and nothing in it is executed
but by the guest.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from ncpu.machine.debug.checkpoints import Instant
from ncpu.machine.debug.debugger import Debugger
from ncpu.machine.debug.errors import DebugError
from ncpu.machine.debug.events import Event
from ncpu.machine.errors import NcpuError
from ncpu.machine.linux.launch import Session
from ncpu.machine.state import PAGE, State

VERSION = 1
_SMALL = ("regs", "pc", "flags", "beat", "base", "perm", "status", "fault", "retired")


def freeze(debugger: Debugger, path: Path) -> int:
    """Write the history up to its end; the file's size in bytes.

    Raises:
      DebugError: the file cannot be written; the run is not touched.
    """
    history = debugger.history
    first = history.checkpoints.kept[0].state()
    pages = np.asarray(first.mem).reshape(-1, PAGE // 4)
    used = np.flatnonzero(pages.any(axis=1))
    arrays = {name: np.asarray(getattr(first, name)) for name in _SMALL}
    arrays |= {"used": used, "pages": pages[used], "count": np.array(len(pages))}
    process = history.kernel.process
    meta = {
        "version": VERSION,
        "argv": [a.decode("latin-1") for a in debugger.session.image.argv],
        "memory": first.mem.shape[0] * 8,
        "end": list(history.end),
        "now": list(history.now),
        "faults": sorted(map(list, history.faults)),
        "exit": [process.exit_code, process.exit_signal],
        "events": [_to_json(event) for event in history.events],
    }
    blob = io.BytesIO()
    np.savez(blob, allow_pickle=False, **arrays)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("meta.json", json.dumps(meta))
            file.writestr("program", debugger.session.image.data)
            file.writestr("state.npz", blob.getvalue())
        temporary.replace(path)
        return path.stat().st_size
    except OSError as error:
        raise DebugError(f"cannot write {path}: {error.strerror}; the run is as it was") from None
    finally:
        temporary.unlink(missing_ok=True)


def thaw(path: Path) -> Debugger:
    """The debugger of a frozen history, at the instant it was frozen.

    It can go anywhere in the recording; past its end it cannot go on.

    Raises:
      DebugError: not such a file, or a damaged one.
    """
    try:
        with zipfile.ZipFile(path) as file:
            meta = json.loads(file.read("meta.json"))
            data, blob = file.read("program"), file.read("state.npz")
        if meta["version"] != VERSION:
            raise DebugError(f"{path} is of version {meta['version']}; {VERSION} is accepted")
        arrays = dict(np.load(io.BytesIO(blob), allow_pickle=False))
        return _rebuild(meta, data, arrays)
    except OSError as error:
        raise DebugError(f"cannot read {path}: {error.strerror or error}") from None
    except DebugError:
        raise
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, IndexError, NcpuError) as error:
        raise DebugError(f"{path} is no frozen history, or a damaged one: {error}") from None


def _rebuild(meta: dict[str, Any], data: bytes, arrays: dict[str, np.ndarray]) -> Debugger:
    mem = np.zeros((int(arrays["count"]), PAGE // 4), np.uint32)
    mem[arrays["used"]] = arrays["pages"]
    session = Session(data, meta["argv"], memory_size=meta["memory"])
    small = {name: jnp.array(arrays[name]) for name in _SMALL}
    session.state = State(**small, mem=jnp.array(mem.reshape(-1, 2)))
    process = session.kernel.process
    process.exit_code, process.exit_signal = meta["exit"]
    debugger = Debugger(session)
    history = debugger.history
    history.live = False
    history.events = [_from_json(row) for row in meta["events"]]
    history.faults = {Instant(*pair) for pair in meta["faults"]}
    history.end = Instant(*meta["end"])
    history.goto(Instant(*meta["now"]))
    return debugger


def _to_json(event: Event) -> dict[str, Any]:
    row = dict(vars(event))
    row["rows"], row["values"] = event.rows.tolist(), [int(v) for v in event.values]
    row["writes"] = [(address, data.hex()) for address, data in event.writes]
    row["perm"] = None if event.perm is None else (event.perm[0], event.perm[1].hex())
    return row


def _from_json(row: dict[str, Any]) -> Event:
    perm = row["perm"]
    return Event(
        **{
            **row,
            "rows": np.array(row["rows"], np.int64),
            "values": np.array(row["values"], np.uint64),
            "writes": tuple((a, bytes.fromhex(text)) for a, text in row["writes"]),
            "perm": None if perm is None else (perm[0], bytes.fromhex(perm[1])),
        }
    )
