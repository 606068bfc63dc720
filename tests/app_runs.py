"""Our applications built, and run on the machine with a given input."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import corpus
from ncpu.machine import apps
from ncpu.machine.linux.launch import Session, host_terminal
from pseudo_terminal import Keyboard

LIMIT = 400_000_000


def built(name: str) -> Path:
    """The executable; the test is skipped where it or its reference cannot be had."""
    for reason in (corpus.have_cross_gcc(), corpus.have_qemu()):
        if reason:
            pytest.skip(reason)
    return apps.build(apps.OURS[name])


def run(
    name: str, *args: str, stdin: bytes = b"", folder: Path | None = None, seed: int = 0
) -> tuple[bytes, bytes, int | None]:
    """Output, errors and exit code; `folder` is where it works, and `seed` its randomness."""
    out, err = io.BytesIO(), io.BytesIO()
    session = Session(
        *(built(name), [name, *args]),
        stdin=io.BytesIO(stdin),
        stdout=out,
        stderr=err,
        mounts=[] if folder is None else [(folder, "/work", True)],
        cwd="/" if folder is None else "/work",
        seed=seed,
    )
    result = session.run(LIMIT)
    return out.getvalue(), err.getvalue(), result.exit_code


def at_terminal(
    binary: Path, argv: Sequence[str], keyboard: Keyboard, **options: Any
) -> int | None:
    """Run on the machine at the keyboard's terminal; its exit code."""
    limit = options.pop("max_steps", LIMIT)
    session = Session(binary, argv, env={"TERM": "xterm"}, **options)
    host_terminal(session, keyboard.slave, keyboard.slave)
    try:
        return session.run(limit).exit_code
    finally:
        session.kernel.close_host()
