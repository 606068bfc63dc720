"""Debian's arm64 packages as guest material: downloaded and unpacked, nothing installed.

The host's `apt-get` does the work, so its mirrors, proxies and signing keys are the ones in force.
It runs on a private state folder whose only architecture is arm64: the host's package database and
its list of foreign architectures stay as they are, and no privileges are needed.

    busybox = fetch("busybox-static") / "bin/busybox"  # one package, alone
    build_root(["coreutils", "gawk"], Path("root"))    # packages and all they depend on
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from ncpu.machine.errors import NcpuError

ARCHITECTURE = "arm64"

_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
# A line of `apt-get -s install`: what it would unpack, in an order that honours dependencies.
_PLANNED = re.compile(r"Inst (\S+) (?:\[\S+\] )?\((\S+) .*\[(\S+)\]\)")
# Folders that Debian's releases have merged into /usr; links there lead old packages into place.
_MERGED = ("bin", "sbin", "lib")
_TIMEOUT_SECONDS = 300

# `#clear` drops the host's hooks, which would otherwise clean or notify the host's own package
# manager. The host's status file is replaced by an empty one: nothing counts as installed.
_APT_CONF = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Architectures;
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "root";
Acquire::Languages "none";
Dir::State "{state}";
Dir::State::status "{state}/status";
Dir::Cache "{cache}";
Dir::Log "{log}";
"""


class DebianError(NcpuError, RuntimeError):
    """A package could not be had: a tool or the network is missing, or there is no such package."""


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where packages are kept by default: `$XDG_CACHE_HOME/ncpu/debian`, else `~/.cache/...`."""
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ncpu" / "debian"


def fetch(name: str, *, cache: Path | None = None) -> Path:
    """Download one arm64 package of the host's Debian release and unpack it.

    Dependencies are not followed and no maintainer script is run: the result is the package's file
    tree as it would lie below `/`. A package already in the cache is returned without any network.

    Args:
        name: the package, for example `"busybox-static"`.
        cache: the folder that keeps unpacked packages; `cache_folder()` when left out. Several
            processes may share it.

    Returns:
        The folder that holds the package's files (`usr/`, `bin/`, ...). Treat it as read-only.

    Raises:
        DebianError: `apt-get` or `dpkg-deb` is missing, the index or the package could not be
            downloaded, or the release has no such package.
    """
    check_names([name])
    cache = cache_folder() if cache is None else cache
    target = cache / ARCHITECTURE / name
    if target.is_dir():
        return target
    tools = {tool: host_tool(tool) for tool in ("apt-get", "dpkg-deb")}
    with locked(cache):
        if target.is_dir():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=f".{name}-") as work:
            archive = _download(tools["apt-get"], name, cache / "apt", Path(work))
            tree = Path(work) / "tree"
            run_tool([tools["dpkg-deb"], "-x", str(archive), str(tree)], f"cannot unpack {name}")
            # The rename is what makes the package appear: a killed process leaves no half tree.
            tree.rename(target)
    return target


def build_root(packages: Sequence[str], out: Path, *, cache: Path | None = None) -> list[str]:
    """Make a root file system of arm64 packages and everything they depend on.

    Packages are unpacked in the order apt would install them, recommended ones left out. No
    maintainer script is run: what those would make (alternatives such as `awk`, caches, users)
    is not there. `/bin`, `/sbin` and `/lib` are links into `/usr`.

    Args:
        packages: their names, at least one.
        out: the folder to make; it appears whole, under a temporary name before, and must not
            exist or be empty.
        cache: where downloaded archives are kept; `cache_folder()` when left out.

    Returns:
        What was unpacked, as `name version`, in order.

    Raises:
        DebianError: a tool or the network is missing, there is no such package, dependencies
            cannot be met, or `out` cannot be written.
    """
    check_names(packages)
    out = out.absolute()
    if not out.parent.is_dir() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise DebianError(f"cannot make {out}: a new or empty folder in an existing one is needed")
    cache = cache_folder() if cache is None else cache
    tools = {tool: host_tool(tool) for tool in ("apt-get", "dpkg-deb", "tar")}
    with locked(cache):
        plan, archives = _download_all(tools["apt-get"], packages, cache / "apt")
        try:
            with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as work:
                tree = Path(work) / "tree"
                _skeleton(tree)
                for archive in archives:
                    _unpack(tools, archive, tree, Path(work) / "tar")
                tree.rename(out)
        except OSError as error:
            raise DebianError(f"cannot make {out}: {error}") from error
    return plan


def _skeleton(tree: Path) -> None:
    """The folders that packages take for granted."""
    tree.mkdir(mode=0o755)
    for name in _MERGED:
        (tree / "usr" / name).mkdir(parents=True)
        (tree / name).symlink_to(f"usr/{name}")
    for name, mode in (("etc", 0o755), ("root", 0o700), ("tmp", 0o1777), ("var", 0o755)):
        (tree / name).mkdir()
        (tree / name).chmod(mode)


def _unpack(tools: Mapping[str, str], archive: Path, tree: Path, scratch: Path) -> None:
    """Add a package's files to `tree`, through its links (`dpkg-deb -x` would replace them)."""
    failure = f"cannot unpack {archive.name}"
    with scratch.open("wb") as file:
        run_tool([tools["dpkg-deb"], "--fsys-tarfile", str(archive)], failure, stdout=file)
    extract = [tools["tar"], "-x", "-p", "--keep-directory-symlink", "-f", str(scratch)]
    run_tool([*extract, "-C", str(tree)], failure)


def _download_all(
    apt_get: str, packages: Sequence[str], private: Path
) -> tuple[list[str], list[Path]]:
    """Have the archives of packages and dependencies in the cache: what they are, and where."""
    command = [apt_get, "-q", "-c", str(private / "apt.conf"), "--no-install-recommends"]
    failure = f"cannot download {' '.join(packages)} for {ARCHITECTURE}"
    fresh = not (private / "apt.conf").is_file()
    if fresh:
        _update(apt_get, private)
    try:
        run_tool([*command, "-y", "--download-only", "install", *packages], failure)
    except DebianError:
        if fresh:
            raise
        _update(apt_get, private)
        run_tool([*command, "-y", "--download-only", "install", *packages], failure)
    said = run_tool([*command, "-s", "install", *packages], failure)
    found = [match.groups() for match in map(_PLANNED.match, said.splitlines()) if match]
    folder = private.absolute() / "cache" / "archives"
    paths = [folder / f"{n}_{v.replace(':', '%3a')}_{a}.deb" for n, v, a in found]
    missing = [path.name for path in paths if not path.is_file()]
    if missing or not paths:
        raise DebianError(f"{failure}: apt-get left no {', '.join(missing) or 'archives'}")
    return [f"{name} {version}" for name, version, _ in found], paths


def check_names(names: Sequence[str]) -> None:
    """Refuse what is no package name: an option for apt-get, say."""
    if not names:
        raise DebianError("no package named: one or more are needed")
    for name in names:
        if not _NAME.fullmatch(name):
            raise DebianError(
                f"{name!r} is no Debian package name: accepted are two or more of a-z 0-9 + . -"
            )


def _download(apt_get: str, name: str, private: Path, work: Path) -> Path:
    """Download `name`'s archive into `work`, renewing a stale or missing index at most once."""
    conf = private / "apt.conf"
    fresh = not conf.is_file()
    if fresh:
        _update(apt_get, private)
    command = [apt_get, "-q", "-c", str(conf), "download", name]
    try:
        run_tool(command, f"cannot download {name}:{ARCHITECTURE}", cwd=work)
    except DebianError:
        if fresh:
            raise
        # An old index names versions that the mirror may have dropped since.
        _update(apt_get, private)
        run_tool(command, f"cannot download {name}:{ARCHITECTURE}", cwd=work)
    archives = sorted(work.glob("*.deb"))
    if len(archives) != 1:
        raise DebianError(f"apt-get said it downloaded {name} but left {len(archives)} archives")
    return archives[0]


def _update(apt_get: str, private: Path) -> None:
    """Build or renew the private package index in `private`."""
    private = private.absolute()
    state, archives, log = private / "state", private / "cache", private / "log"
    for folder in (state / "lists" / "partial", archives / "archives" / "partial", log):
        folder.mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    conf = private / "apt.conf.new"
    conf.write_text(
        _APT_CONF.format(architecture=ARCHITECTURE, state=state, cache=archives, log=log)
    )
    run_tool([apt_get, "-q", "-c", str(conf), "update"], "cannot read Debian's package index")
    if not any((state / "lists").glob("*_Packages*")):
        raise DebianError(
            f"cannot read Debian's package index for {ARCHITECTURE}: no source gave one "
            "(no network, or no deb source for this architecture)"
        )
    conf.rename(private / "apt.conf")


def host_tool(name: str) -> str:
    """The path of a host program, or the error that says it is missing."""
    path = shutil.which(name)
    if path is None:
        raise DebianError(f"{name} is not installed: arm64 packages need a Debian-based host")
    return path


def run_tool(
    command: list[str], failure: str, *, cwd: Path | None = None, stdout: IO[bytes] | None = None
) -> str:
    """Run a tool: its output, unless that goes to `stdout`.

    On any failure raises `DebianError(failure: the tool's last words)`.
    """
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=stdout or subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=_TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise DebianError(f"{failure}: no answer in {_TIMEOUT_SECONDS} s (network?)") from error
    except OSError as error:
        raise DebianError(f"{failure}: {error}") from error
    if done.returncode:
        words = done.stderr.decode(errors="replace")
        said = [line for line in words.splitlines() if line.startswith(("E:", "W:"))]
        words = " ".join(said[-3:]) or words.strip()[-300:] or "no reason given"
        raise DebianError(f"{failure}: {words}")
    return (done.stdout or b"").decode(errors="replace")


@contextlib.contextmanager
def locked(cache: Path) -> Iterator[None]:
    """Hold the cache's lock: apt's private state serves one process at a time."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        handle = (cache / "lock").open("w")
    except OSError as error:
        raise DebianError(f"cannot write the package cache: {error}") from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
