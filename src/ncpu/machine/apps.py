"""Applications: programs of our own in C, built when they are asked for, and Debian's.

binary = build(OURS["tetris"])            # an AArch64 executable, kept in the cache
root = root_of(DEBIAN["lua"])             # a root file system with Debian's package
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ncpu.machine import debian
from ncpu.machine.errors import NcpuError

COMPILER = "aarch64-linux-gnu-gcc"
FLAGS = ("-std=gnu11", "-O2", "-ffp-contract=off", "-static", "-Wl,--build-id=none")


class AppError(NcpuError, RuntimeError):
    """An application that does not exist or cannot be built; says what there is or is missing."""


@dataclass(frozen=True)
class App:
    """A program of ours: `programs/apps/NAME.c`.

    Attributes:
      name: what `ncpu apps run` calls it.
      summary: one line.
      keys: its keys, arguments or commands.
      libs: what it is linked with.
    """

    name: str
    summary: str
    keys: str
    libs: tuple[str, ...] = ()

    @property
    def source(self) -> Path:
        """Its C file."""
        return folder() / f"{self.name}.c"


@dataclass(frozen=True)
class DebianApp:
    """A program of Debian's.

    Attributes:
      name: what `ncpu apps run` calls it.
      package: the arm64 package that has it.
      command: its file in the package's root.
      summary: one line.
      memory: bytes of guest memory it is given.
      needs: further packages that belong into its root.
    """

    name: str
    package: str
    command: str
    summary: str
    memory: int = 64 << 20
    needs: tuple[str, ...] = ()


_GAME_KEYS = "--seed N; "
OURS = {
    app.name: app
    for app in (
        App("tetris", "Seven pieces, ten columns", _GAME_KEYS + "arrows, space drops, p, q"),
        App("snake", "Eat, grow, do not bite yourself", _GAME_KEYS + "arrows or wasd, p, r, q"),
        App("life", "Conway's Game of Life", "[glider|gun|pentomino|random]; space, n, arrows, q"),
        App("rogue", "Five levels, an amulet", _GAME_KEYS + "arrows or hjklyubn, s, d, >, q"),
        App("adventure", "A lighthouse, a lamp, a ship", "help lists commands"),
        App("chip8", "The interpreter of 1977's home computers", "catch|weave|keypad|FILE; escape"),
        App("sha256", "SHA-256 of files or standard input", "[FILE...]"),
        App("aes", "AES-128 in the modes ECB, CBC, CTR", "test | MODE encrypt|decrypt KEY [IV]"),
        App("vault", "Passwords in an encrypted file", "FILE init|list|get|set|remove [NAME]"),
        App("brainfuck", "Brainfuck, compiled to runs and jumps", "[FILE | -e CODE]"),
        App("forth", "A Forth", "[FILE...]; words, bye"),
        App("ed", "A line editor", "[-s] [FILE]; the commands of ed(1)"),
        App("mandelbrot", "The Mandelbrot set as a PNG", "[WIDTH HEIGHT [X Y SPAN]] > FILE"),
        App("httpd", "A web server for a folder's files", "PORT | --stdin"),
        App("digits", "Reads handwritten digits", "[FILE]; PGM of 28 by 28, or a drawing"),
    )
}
DEBIAN = {
    app.name: app
    for app in (
        DebianApp("lua", "lua5.4", "/usr/bin/lua5.4", "Lua 5.4"),
        DebianApp("sqlite3", "sqlite3", "/usr/bin/sqlite3", "The SQLite shell"),
        DebianApp("bc", "bc", "/usr/bin/bc", "Arithmetic of any precision"),
        DebianApp("awk", "mawk", "/usr/bin/mawk", "The AWK language (mawk)"),
        DebianApp(
            *("make", "make", "/usr/bin/make", "GNU make, with a shell and coreutils"),
            needs=("dash", "coreutils"),
        ),
        DebianApp("python", "python3-minimal", "/usr/bin/python3", "Python, minimal", 256 << 20),
    )
}


def folder() -> Path:
    """Where the sources are: in the installed package, or in the repository."""
    package = Path(__file__).parents[1]
    inside = package / "programs" / "apps"
    return inside if inside.is_dir() else package.parents[1] / "programs" / "apps"


def find(name: str) -> App | DebianApp:
    """The application of that name.

    Raises:
      AppError: there is none.
    """
    found = OURS.get(name) or DEBIAN.get(name)
    if found is None:
        raise AppError(f"no application {name!r}; there is: {', '.join([*OURS, *DEBIAN])}")
    return found


def compiler() -> str:
    """The cross compiler's path.

    Raises:
      AppError: it is not installed.
    """
    path = shutil.which(COMPILER)
    if path is None:
        raise AppError(
            f"{COMPILER} is not installed: our applications are C programs and are built with it "
            "(Debian packages gcc-aarch64-linux-gnu and libc6-dev-arm64-cross)"
        )
    return path


def build(app: App) -> Path:
    """The app's executable; kept in the cache under the hash of all that decides it.

    Raises:
      AppError: no compiler, or it refused the program.
    """
    gcc = compiler()
    version = subprocess.run([gcc, "--version"], capture_output=True).stdout
    files = [app.source, *sorted(app.source.parent.glob("*.h"))]
    facts = repr((FLAGS, app.libs)).encode() + version + b"".join(f.read_bytes() for f in files)
    kept = debian.cache_folder().parent / "apps"
    binary = kept / f"{app.name}-{hashlib.sha256(facts).hexdigest()[:32]}"
    if binary.is_file():
        return binary
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept, prefix=".build-") as work:
        out = Path(work) / app.name
        command = [gcc, *FLAGS, str(app.source), "-o", str(out), *app.libs]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        if done.returncode:
            first = "\n".join(done.stderr.splitlines()[:5])
            raise AppError(f"{app.name} cannot be built: {first}")
        out.rename(binary)
    return binary


def root_of(app: DebianApp) -> Path:
    """A root file system with the app's package, made once and kept in the cache.

    Raises:
      DebianError: the package could not be had.
    """
    root = debian.cache_folder().parent / "roots" / app.package
    if not root.is_dir():
        root.parent.mkdir(parents=True, exist_ok=True)
        debian.build_root([app.package, *app.needs], root)
    return root
