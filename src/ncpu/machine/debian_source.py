"""Debian's source packages as material for compilers on the machine: downloaded, never committed.

tree = fetch_source("tcc")  # what upstream released, as Debian's release has it
"""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path

from ncpu.machine import debian
from ncpu.machine.debian import DebianError

# The host's own mirrors and suites, asked for sources.
_TARGETS = "deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)"


def fetch_source(name: str, *, cache: Path | None = None) -> Path:
    """Download the upstream part of one source package and unpack it; Debian's patches are not.

    Args:
      name: the source package, for example `"tcc"`.
      cache: as for `debian.fetch`.

    Returns:
      The folder with the files, from the cache where it has them. Treat it as read-only.

    Raises:
      DebianError: `apt-get` is missing, or the index or the package could not be had.
    """
    debian.check_names([name])
    cache = debian.cache_folder() if cache is None else cache
    target = cache / "source" / name
    if target.is_dir():
        return target
    apt_get = debian.host_tool("apt-get")
    with debian.locked(cache):
        if target.is_dir():
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=f".{name}-") as work:
            _download(apt_get, name, cache / "apt-source", Path(work))
            archives = sorted(Path(work).glob("*.orig.tar.*[!c]"))  # but no .asc
            if len(archives) != 1:
                raise DebianError(f"source of {name}: {len(archives)} upstream archives, not one")
            tree = Path(work) / "tree"
            with tarfile.open(archives[0]) as archive:
                archive.extractall(tree, filter="data")
            inside = list(tree.iterdir())
            only = inside[0] if len(inside) == 1 and inside[0].is_dir() else tree
            only.rename(target)
    return target


def _download(apt_get: str, name: str, private: Path, work: Path) -> None:
    """Download the files of a source package into `work`, with an index of its own."""
    private = private.absolute()
    for folder in ("lists/partial", "cache/archives/partial"):
        (private / folder).mkdir(parents=True, exist_ok=True)
    (private / "status").touch()
    sources = private / "sources.list"
    command = [apt_get, "indextargets", "--format", _TARGETS, "Created-By: Packages"]
    lines = debian.run_tool(command, "cannot read the host's list of mirrors").splitlines()
    sources.write_text("\n".join(lines) + "\n")
    options = [
        *("-o", f"Dir::Etc::sourcelist={sources}", "-o", "Dir::Etc::sourceparts=/dev/null"),
        *("-o", f"Dir::State={private}", "-o", f"Dir::State::status={private / 'status'}"),
        *("-o", f"Dir::Cache={private / 'cache'}", "-o", "APT::Sandbox::User=root"),
    ]
    if not any((private / "lists").glob("*Sources*")):
        debian.run_tool([apt_get, "-q", *options, "update"], "cannot read Debian's source index")
    download = [apt_get, "-q", *options, "source", "--download-only", name]
    debian.run_tool(download, f"cannot download the source of {name}", cwd=work)
