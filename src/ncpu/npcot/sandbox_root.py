"""The read-only root that sandboxed Python sees: one interpreter, its library, nothing else.

The files are copied, so that the sandbox can be started by a user who may not read the
interpreter where it is installed, and so that no host folder is visible inside.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from ncpu.npcot.errors import SandboxUnavailableError

# Large or useless without a terminal, a display, a compiler or a network.
_LEFT_OUT = shutil.ignore_patterns(
    *("__pycache__", "site-packages", "test", "tests", "idlelib", "tkinter", "turtledemo"),
    *("ensurepip", "lib2to3", "pydoc_data", "distutils", "config-*", "_tkinter*", "_test*"),
)
_MOUNT_POINTS = ("tmp", "proc", "dev")


def build_root(folder: Path) -> Path:
    """Copy the running interpreter under `folder`.

    Args:
      folder: an empty folder that the sandbox's user can reach.

    Returns:
      the interpreter's path as seen from inside, absolute.

    Raises:
      SandboxUnavailableError: the interpreter's shared libraries cannot be listed.
    """
    executable = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    library = Path(sysconfig.get_path("stdlib")).resolve()
    platform = {"platbase": sys.base_exec_prefix}  # in a virtual environment: the one it is of
    modules = Path(sysconfig.get_path("platstdlib", vars=platform)).resolve() / "lib-dynload"
    for source in {library, modules}:
        shutil.copytree(
            source, _inside(folder, source), ignore=_LEFT_OUT, dirs_exist_ok=True, symlinks=True
        )
    binaries = [executable, *sorted(modules.glob("*.so"))]
    for needed in {executable, *_shared_libraries(binaries)}:
        target = _inside(folder, needed)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(needed, target)
    for name in _MOUNT_POINTS:
        (folder / name).mkdir(exist_ok=True)
    for path, _, _ in os.walk(folder):
        os.chmod(path, 0o755)
    return executable


def _inside(folder: Path, path: Path) -> Path:
    return folder / path.relative_to("/")


def _shared_libraries(binaries: list[Path]) -> set[Path]:
    listing = subprocess.run(
        ["ldd", *map(str, binaries)], capture_output=True, text=True, check=False
    ).stdout
    words = {w for line in listing.splitlines() for w in line.split() if w.startswith("/")}
    found = {Path(w) for w in words if not w.endswith(":") and Path(w).is_file()}
    if not any("ld-" in p.name or "ld.so" in p.name for p in found):
        raise SandboxUnavailableError(
            f"ldd did not list the shared libraries of {binaries[0]}; a glibc system is needed"
        )
    return found
