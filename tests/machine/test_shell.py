"""Shell scripts print and exit as the same BusyBox does under qemu-user.

qemu-user hands execve to the host's kernel, which runs no AArch64 files: there, commands are small
host scripts that start qemu again.
"""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import corpus
from ncpu.machine.linux.files import Files
from ncpu.machine.linux.launch import Session

APPLETS = [
    "sh",
    "cat",
    "sleep",
    "head",
    "tail",
    "seq",
    "tac",
    "sort",
    "uniq",
    "wc",
    "grep",
    "sed",
    "tr",
    "cut",
    "rm",
    "ls",
    "mkdir",
    "rmdir",
    "touch",
    "chmod",
    "env",
    "xargs",
    "tee",
    "date",
    "setsid",
    "awk",
    "find",
    "basename",
    "tar",
    "mkfifo",
    "true",
    "false",
    "echo",
    "printf",
    "expr",
    "test",
    "kill",
    "yes",
]
DATA = Path(__file__).parent / "data" / "shell_scripts.txt"
# Blocks of `=== name` and a script: what it prints must not depend on pids, time or paths.
SCRIPTS = dict(
    block.split("\n", 1) for block in DATA.read_text().removeprefix("=== ").split("\n=== ")
)
LIMIT = 200_000_000


@pytest.fixture(scope="module")
def busybox() -> Path:
    from ncpu.machine.debian import DebianError, fetch

    if reason := corpus.have_qemu():
        pytest.skip(reason)
    try:
        return fetch("busybox-static") / "bin" / "busybox"
    except DebianError as error:
        pytest.skip(f"BusyBox cannot be fetched: {error}")


@pytest.fixture(scope="module")
def host_bin(busybox: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of commands that run the applets under qemu."""
    folder = tmp_path_factory.mktemp("bin")
    qemu = shutil.which("qemu-aarch64-static")
    for name in APPLETS:
        line = f'#!/bin/sh\nexec {qemu} -cpu cortex-a53 -0 {name} {busybox} "$@"\n'
        (folder / name).write_text(line)
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture(scope="module", autouse=True)
def hang_up() -> Iterator[None]:
    """As ours begins: started by nohup(1) theirs would ignore the signal, and go on to."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def theirs(script: str, host_bin: Path, folder: Path) -> tuple[bytes, bytes, int]:
    script = script.replace("#!/bin/", f"#!{host_bin}/")
    done = subprocess.run(
        [host_bin / "sh", "-c", script],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env={"PATH": str(host_bin)},
        cwd=folder,
        timeout=120,
        start_new_session=True,
    )
    return done.stdout, done.stderr, done.returncode


def ours(script: str, busybox: bytes, **options) -> tuple[bytes, bytes, int | None]:
    files = Files()
    files.add_file("/bin/busybox", busybox, 0o755)
    for name in APPLETS:
        files.add_symlink(f"/bin/{name}", "busybox")
    files.make_directory("/work")
    out, err = io.BytesIO(), io.BytesIO()
    session = Session(
        "/bin/sh",
        ["sh", "-c", script],
        {"PATH": "/bin", "PWD": "/work"},
        root=files,
        stdout=out,
        stderr=err,
        cwd="/work",
        **options,
    )
    result = session.run(LIMIT)
    return out.getvalue(), err.getvalue(), result.exit_code


@pytest.mark.parametrize("name", SCRIPTS)
def test_script(name: str, busybox: Path, host_bin: Path, tmp_path: Path) -> None:
    expected = theirs(SCRIPTS[name], host_bin, tmp_path)
    found = ours(SCRIPTS[name], busybox.read_bytes())
    assert found == expected
