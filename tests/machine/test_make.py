"""GNU make of Debian's on the machine: rules, variables, a failing command, nothing left to do."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from ncpu.machine import apps
from ncpu.machine.debian import DebianError
from ncpu.machine.linux.launch import Session

MAKEFILE = """\
WORDS := one two three
all: total
%.txt:
\t@echo making $@
\techo $* > $@
total: $(WORDS:=.txt)
\tcat $^ | wc -l > $@
fail: ; exit 3
.PHONY: all fail
"""


def make(folder: Path, *args: str) -> tuple[bytes, bytes, int | None]:
    app = apps.DEBIAN["make"]
    try:
        root = apps.root_of(app)
    except DebianError as error:
        pytest.skip(f"Debian's arm64 packages cannot be had: {error}")
    out, err = io.BytesIO(), io.BytesIO()
    session = Session(
        *(app.command, ["make", *args], {"PATH": "/usr/bin:/bin"}),
        root=root,
        mounts=[(folder, "/work", True)],
        cwd="/work",
        stdout=out,
        stderr=err,
        memory_size=16 << 20,
    )
    result = session.run(400_000_000)
    return out.getvalue(), err.getvalue(), result.exit_code


@pytest.mark.slow
def test_makes_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(MAKEFILE)
    os.utime(tmp_path / "Makefile", (1e9, 1e9))  # before the machine's virtual date
    lines = [f"making {w}.txt\necho {w} > {w}.txt\n" for w in ("one", "two", "three")]
    lines.append("cat one.txt two.txt three.txt | wc -l > total\n")
    assert make(tmp_path) == ("".join(lines).encode(), b"", 0)
    assert (tmp_path / "total").read_text() == "3\n"
    out, err, code = make(tmp_path, "fail")
    assert (out, code) == (b"exit 3\n", 2)
    assert b"Error 3" in err
