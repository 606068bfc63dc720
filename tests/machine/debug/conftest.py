"""The program that is debugged, built once, and processes of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus import PROGRAMS, build, have_cross_gcc
from ncpu.machine.debug import Debugger
from ncpu.machine.linux.launch import Session

MEMORY = 16 << 20
INPUT = b"0123456789abcdef"


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if reason := have_cross_gcc():
        pytest.skip(reason)
    out = tmp_path_factory.mktemp("debug") / "list"
    return build(PROGRAMS / "debug" / "list.c", out, opt="-O0")


@pytest.fixture
def start(binary: Path) -> Callable[..., Session]:
    def session(arguments: list[str] | None = None, stdin: bytes | None = None, **streams: Any):
        feed = io.BytesIO(INPUT if stdin is None else stdin)
        argv = ["list", *(arguments or [])]
        return Session(binary.read_bytes(), argv, stdin=feed, memory_size=MEMORY, **streams)

    return session


@pytest.fixture
def debugger(start: Callable[..., Session]) -> Debugger:
    return Debugger(start())
