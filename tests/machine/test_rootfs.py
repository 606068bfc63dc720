"""Root file systems: what of a folder or archive the guest sees, and what hostile ones do."""

from __future__ import annotations

import bz2
import contextlib
import gc
import gzip
import io
import lzma
import os
import random
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ncpu.machine import debian
from ncpu.machine.errors import CommandError, NcpuError, RootError
from ncpu.machine.linux import Files, LinuxError, abi, command, decompress
from ncpu.machine.linux.access import Credentials
from ncpu.machine.linux.directories import Directory
from ncpu.machine.linux.inodes import Symlink
from ncpu.machine.linux.node_files import open_node
from ncpu.machine.linux.rootfs import LayeredFile

Entry = dict[str, Any]
DIR, LINK, HARD, CHAR, BLOCK, FIFO = (
    *(tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE),
    *(tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE),
)


def tar(*entries: Entry) -> bytes:
    """An archive; an entry has `name`, `data` and attributes of `TarInfo`."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as file:
        for entry in entries:
            info = tarfile.TarInfo(entry["name"])
            data = entry.get("data", b"")
            info.size, info.mtime = len(data), 86400
            for name, value in entry.items():
                if name not in ("name", "data"):
                    setattr(info, name, value)
            file.addfile(info, io.BytesIO(data))
    return out.getvalue()


TREE: list[Entry] = [
    {"name": "./", "type": DIR, "mode": 0o755},
    {"name": "./usr/", "type": DIR, "mode": 0o755},
    {"name": "./usr/bin", "type": DIR, "mode": 0o755},
    {"name": "bin", "type": LINK, "linkname": "usr/bin"},
    {"name": "bin/tool", "data": b"tool", "mode": 0o4755, "uid": 7, "gid": 8},
    {"name": "usr/bin/same", "type": HARD, "linkname": "./usr/bin/tool"},
    {"name": "/etc/passwd", "data": b"root"},
    {"name": "etc/pointer", "type": LINK, "linkname": "../../../etc/passwd"},
    {"name": "deep/er/file", "data": b"x" * 5000},
    {"name": "pipe", "type": FIFO},
]


@pytest.fixture
def root(tmp_path: Path) -> Callable[[bytes], Files]:
    def make(data: bytes) -> Files:
        path = tmp_path / "root.tar"
        path.write_bytes(data)
        return Files(root=path)

    return make


def errno_of(action: Callable[[], object]) -> str:
    with pytest.raises(LinuxError) as caught:
        action()
    return caught.value.errno.name


# -- archives ---------------------------------------------------------------------------------


def test_tree_of_an_archive(root: Callable[[bytes], Files]) -> None:
    files = root(tar(*TREE))
    assert files.read_file("/usr/bin/tool") == files.read_file("/bin/same") == b"tool"
    assert files.read_file("/etc/pointer") == b"root"
    assert files.read_file("/deep/er/file") == b"x" * 5000
    status = files.walk(files.root, b"/bin/tool").existing().stat()
    assert (status.mode, status.uid, status.gid) == (stat.S_IFREG | 0o4755, 7, 8)
    assert (status.nlink, status.size, status.mtime) == (2, 4, 86400 * abi.SECOND)
    names = {name for name, _, _ in files.root.entries()}
    assert names == {b"usr", b"bin", b"etc", b"deep", b"pipe", b"dev", b"proc", b"tmp"}


@pytest.mark.parametrize(
    "pack",
    [
        bytes,
        gzip.compress,
        bz2.compress,
        lzma.compress,
        lambda data: subprocess.run(["zstd", "-qc"], input=data, capture_output=True).stdout,
    ],
    ids=["plain", "gzip", "bzip2", "xz", "zstd"],
)
def test_compressions(root: Callable[[bytes], Files], pack: Callable[[bytes], bytes]) -> None:
    if not shutil.which("zstd"):
        pytest.skip("zstd is missing (Debian package zstd)")
    data = pack(tar(*TREE))
    assert root(data).read_file("/bin/tool") == b"tool"
    with pytest.raises(RootError):
        root(data[: len(data) // 2 & ~511 | 100])


HOSTILE: dict[str, tuple[list[Entry], str]] = {
    "up": ([{"name": "../outside", "data": b"x"}], r"'\.\.'"),
    "up inside": ([{"name": "a/../../b", "data": b"x"}], r"'\.\.'"),
    "hard link up": ([{"name": "a", "type": HARD, "linkname": "../etc/passwd"}], r"'\.\.'"),
    "hard link to nothing": ([{"name": "a", "type": HARD, "linkname": "/etc/passwd"}], "earlier"),
    "hard link to itself": ([{"name": "a", "type": HARD, "linkname": "a"}], "earlier"),
    "hard link to a folder": (
        [{"name": "d", "type": DIR}, {"name": "a", "type": HARD, "linkname": "d"}],
        "earlier",
    ),
    "below a file": ([{"name": "a"}, {"name": "a/b", "data": b"x"}], "below"),
    "below a loop": (
        [{"name": "a", "type": LINK, "linkname": "a"}, {"name": "a/b", "data": b"x"}],
        "ELOOP",
    ),
    "file over a folder": ([{"name": "a/b"}, {"name": "a", "data": b"x"}], "replace a folder"),
    "long name": ([{"name": "x" * 300}], "too long"),
    "long path": ([{"name": "x/" * 3000 + "x"}], "too long"),
    "long target": ([{"name": "a", "type": LINK, "linkname": "x" * 5000}], "target"),
    "giant header": ([{"name": "a", "pax_headers": {"comment": "x" * (2 << 20)}}], "header"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_refused_entries_are_named(name: str, root: Callable[[bytes], Files]) -> None:
    entries, message = HOSTILE[name]
    with pytest.raises(RootError, match=message):
        root(tar({"name": "ok", "data": b"fine"}, *entries))


def test_harmless_entries(root: Callable[[bytes], Files], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("host")
    files = root(
        tar(
            {"name": f"{tmp_path}/secret", "data": b"guest"},
            {"name": "out", "type": LINK, "linkname": "/../../../../" + str(tmp_path)},
            {"name": "out/planted", "data": b"inside"},
            {"name": "loop", "type": LINK, "linkname": "loop2"},
            {"name": "loop2", "type": LINK, "linkname": "loop"},
            {"name": "twice", "data": b"first", "mode": 0o600},
            {"name": "twice", "type": LINK, "linkname": "/dev/null"},
            {"name": "twice", "data": b"last", "mode": 0o644},
            {"name": "null", "type": CHAR, "devmajor": 1, "devminor": 3},
            {"name": "mem", "type": CHAR, "devmajor": 1, "devminor": 1},
            {"name": "sda", "type": BLOCK, "devmajor": 8, "devminor": 0},
            {"name": "dev", "type": LINK, "linkname": "/etc"},
            {"name": "proc", "data": b"no folder"},
            {"name": "odd", "data": b"", "mtime": -5, "uid": 1 << 40},
        )
    )
    # Absolute names and links are the guest's: nothing of the host is read or written.
    assert files.read_file("/out/secret") == b"guest"
    assert files.read_file(f"{tmp_path}/planted") == b"inside"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["root.tar", "secret"]
    assert errno_of(lambda: files.read_file("/loop")) == "ELOOP"
    assert errno_of(lambda: files.read_file("/loop/x")) == "ELOOP"
    assert files.read_file("/twice") == b"last"
    kernel: Any = {"console": None, "generator": random.Random(0)}
    null = files.walk(files.root, b"/null").existing()
    assert open_node(null, abi.O_RDONLY, **kernel).read(5) == b""
    for name in (b"/mem", b"/sda"):
        node = files.walk(files.root, name).existing()
        assert errno_of(lambda node=node: open_node(node, abi.O_RDONLY, **kernel)) == "ENXIO"
    assert isinstance(files.walk(files.root, b"/dev").node, Directory)
    assert isinstance(files.walk(files.root, b"/proc").node, Directory)


def test_damaged_archives(root: Callable[[bytes], Files], tmp_path: Path) -> None:
    good = tar(*TREE)
    for data in (b"", b"hello", bytes(10240), good[:100], b"\x1f\x8b" + bytes(50), good[:700]):
        with pytest.raises(RootError):
            root(data)
    middle = bytearray(good)
    middle[1536 + 148] ^= 0xFF  # the checksum of a header in the middle
    with pytest.raises(RootError, match="damaged after"):
        root(bytes(middle))
    with pytest.raises(RootError, match=r"truncated|unexpected end"):
        root(tar({"name": "big", "data": bytes(5000)})[:2000])
    for path in (tmp_path / "nothing", Path("/dev/null")):
        with pytest.raises(RootError, match="folder"):
            Files(root=path)
    with pytest.raises(RootError, match="sparse"):
        root(sparse())


def sparse() -> bytes:
    info = tarfile.TarInfo("holes")
    info.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(1 << 50)}
    info.size = 1
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as file:
        file.addfile(info, io.BytesIO(b"x"))
    return out.getvalue()


def test_mutated_archives_raise_only_root_errors(root: Callable[[bytes], Files]) -> None:
    good, rng = tar(*TREE), random.Random(4)
    for _ in range(150):
        data = bytearray(good)
        for _ in range(rng.randrange(1, 6)):
            block = rng.randrange(len(TREE) * 2) * 512
            data[min(block + rng.choice((0, 105, 124, 150, 156, 345)), len(data) - 1)] = (
                rng.randrange(256)
            )
        with contextlib.suppress(RootError):
            root(bytes(data))


def test_bombs_are_stopped(root: Callable[[bytes], Files], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompress, "FREE", 1 << 20)
    bomb = tar({"name": "zeros", "data": bytes(64 << 20)})
    packs = [gzip.compress, lzma.compress]
    if shutil.which("zstd"):
        zstd = ["zstd", "-qc"]
        packs.append(lambda d: subprocess.run(zstd, input=d, capture_output=True).stdout)
    for pack in packs:
        with pytest.raises(RootError, match="unpacks to more than"):
            root(pack(bomb))


# -- layers -----------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    base = tmp_path / "root"
    (base / "usr" / "bin").mkdir(parents=True)
    (base / "usr" / "bin" / "a").write_bytes(b"content")
    os.link(base / "usr" / "bin" / "a", base / "usr" / "bin" / "b")
    (base / "abs").symlink_to("/usr/bin/a")
    (base / "out").symlink_to(tmp_path / "secret")
    (base / "dev").mkdir()
    (base / "dev" / "null").write_text("not the device")
    (tmp_path / "secret").write_text("secret")
    os.mkfifo(base / "pipe")
    return base


def listing(path: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}


def test_folder_is_read_and_never_written(folder: Path) -> None:
    before = listing(folder.parent)
    files = Files(root=folder)
    start = files.root
    node = files.walk(start, b"/abs").existing()
    assert isinstance(node, LayeredFile) and node.read(0, 99) == b"content"
    assert node.stat().nlink == 2 and node is files.walk(start, b"/usr/bin/b").node
    assert (node.uid, node.gid) == (0, 0)
    node.write(3, b"XYZ")
    assert files.read_file("/usr/bin/b") == b"conXYZt"
    files.unlink(start, b"/usr/bin/a")
    assert node.stat().nlink == 1
    files.rename(files.walk(start, b"/usr"), files.walk(start, b"/moved"))
    assert files.read_file("/moved/bin/b") == b"conXYZt"
    files.add_file("/moved/bin/new", b"new")
    files.open(start, b"/moved/bin/b", abi.O_WRONLY | abi.O_TRUNC, 0)
    assert files.read_file("/moved/bin/b") == b""
    assert errno_of(lambda: files.read_file("/usr/bin/a")) == "ENOENT"
    assert listing(folder.parent) == before


def test_links_out_of_a_folder_stay_in_it(folder: Path) -> None:
    files = Files(root=folder)
    assert errno_of(lambda: files.read_file("/out")) == "ENOENT"
    assert isinstance(files.walk(files.root, b"/out", follow=False).node, Symlink)
    # A folder that becomes a link on the host after it was listed is not followed either.
    files.walk(files.root, b"/usr/bin").existing()
    (folder / "usr").rename(folder.parent / "away")
    (folder / "usr").symlink_to(folder.parent / "away")
    assert errno_of(lambda: files.read_file("/usr/bin/a")) in ("ENOTDIR", "ELOOP")


def test_own_devices_shadow_a_root(folder: Path) -> None:
    files = Files(root=folder)
    assert errno_of(lambda: files.read_file("/dev/null")) == "EISDIR"  # a device
    assert errno_of(lambda: files.read_file("/pipe")) == "EACCES"  # stays closed
    user = Credentials(1000, 1000)
    assert errno_of(lambda: files.open(files.root, b"/dev/x", abi.O_CREAT, 0o644, user)) == "EACCES"


def test_changes_count_against_the_capacity(folder: Path) -> None:
    (folder / "big").write_bytes(bytes(100_000))
    files = Files(root=folder, capacity=50_000)
    node = files.walk(files.root, b"/big").existing()
    assert isinstance(node, LayeredFile)
    assert errno_of(partial(node.write, 0, b"x")) == "ENOSPC"
    node.truncate(10)
    assert (node.size, files.fs.used) == (10, 10)
    node.write(0, b"x")
    files.unlink(files.root, b"/big")
    del node
    gc.collect()
    assert files.fs.used == 0


def test_many_files_open_few_descriptors(folder: Path) -> None:
    for i in range(300):
        (folder / "usr" / f"d{i}").mkdir()
        (folder / "usr" / f"d{i}" / "f").write_text(str(i))
    files = Files(root=folder)
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    assert all(files.read_file(f"/usr/d{i}/f") == str(i).encode() for i in range(300))
    assert len(os.listdir("/proc/self/fd")) <= before


# -- commands ---------------------------------------------------------------------------------

ELF = b"\x7fELF rest"


@pytest.fixture
def bin_files() -> Files:
    files = Files()
    files.add_file("/usr/bin/prog", ELF, 0o755)
    files.add_file("/opt/prog", ELF, 0o644)
    files.add_file("/usr/bin/plain", b"echo", 0o755)
    files.add_file("/usr/bin/script", b"#! /usr/bin/prog  -x  y \nbody", 0o755)
    files.add_file("/usr/bin/nested", b"#!/usr/bin/script\n", 0o755)
    files.add_file("/usr/bin/self", b"#!/usr/bin/self\n", 0o755)
    files.add_file("/usr/bin/lost", b"#!/no/such\n", 0o755)
    files.add_file("/usr/bin/empty", b"#!\n", 0o755)
    files.add_symlink("/link", "/usr/bin/prog")
    files.add_symlink("/loop", "/loop")
    return files


def test_commands_are_found_as_a_shell_finds_them(bin_files: Files) -> None:
    found = command.find(bin_files, "prog", ["name", "1"], {})
    assert (found.path, found.execfn) == (b"/usr/bin/prog", b"/usr/bin/prog")
    assert found.argv == (b"name", b"1")
    # A file that may not be executed does not end the search.
    found = command.find(bin_files, "prog", ["prog"], {"PATH": "/opt:/nowhere:/usr/bin"})
    assert found.path == b"/usr/bin/prog"
    found = command.find(bin_files, "/link", ["l"], {})
    assert (found.path, found.execfn) == (b"/usr/bin/prog", b"/link")
    found = command.find(bin_files, "script", ["script", "a"], {})
    assert found.argv == (b"/usr/bin/prog", b"-x  y", b"/usr/bin/script", b"a")
    assert (found.path, found.execfn) == (b"/usr/bin/prog", b"/usr/bin/script")
    found = command.find(bin_files, "nested", ["n", "a"], {})
    assert found.argv[2:] == (b"/usr/bin/script", b"/usr/bin/nested", b"a")


@pytest.mark.parametrize(
    ("name", "env", "code", "words"),
    [
        ("absent", {}, 127, "command not found"),
        ("", {}, 127, "no command"),
        ("/no/prog", {}, 127, "No such file"),
        ("lost", {}, 127, "not found"),
        ("prog", {"PATH": "/opt"}, 126, "Permission denied"),
        ("/usr/bin", {}, 126, "Permission denied"),
        ("plain", {}, 126, "Exec format error"),
        ("empty", {}, 126, "Exec format error"),
        ("self", {}, 126, "Too many levels"),
        ("/loop", {}, 126, "Too many levels"),
    ],
)
def test_commands_that_cannot_run(
    name: str, env: dict[str, str], code: int, words: str, bin_files: Files
) -> None:
    with pytest.raises(CommandError, match=words) as caught:
        command.find(bin_files, name, [name], env)
    assert caught.value.exit_code == code and isinstance(caught.value, NcpuError)


def test_command_line(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from ncpu.cli import main
    from ncpu.machine.asm import assemble
    from ncpu.machine.loader import elf_bytes

    source = "mov x0, #9\nmov x8, #93\nsvc #0"
    (folder / "usr" / "bin" / "nine").write_bytes(elf_bytes(assemble(source, 0x400000)))
    (folder / "usr" / "bin" / "nine").chmod(0o755)
    for arguments, code, words in (
        (["--rootfs", str(folder), "nine"], 9, ""),
        (["--rootfs", str(folder), "ten"], 127, "ten: command not found"),
        (["--rootfs", str(folder), "a"], 126, "a: Permission denied"),
        (["--rootfs", str(folder / "nowhere"), "a"], 2, "a root is a folder or tar archive"),
    ):
        with pytest.raises(SystemExit) as caught:
            main(["run", *arguments])
        assert (caught.value.code, words in capfd.readouterr().err) == (code, True)


# -- Debian -----------------------------------------------------------------------------------


def test_debian_refuses_before_it_works(tmp_path: Path) -> None:
    for names in ([], ["-o"], ["UPPER"], ["ok", "--purge"]):
        with pytest.raises(debian.DebianError, match="package"):
            debian.build_root(names, tmp_path / "r")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    for out in (tmp_path / "full", tmp_path / "no" / "parent", tmp_path / "full" / "x"):
        with pytest.raises(debian.DebianError, match="cannot make"):
            debian.build_root(["bc"], out)


def test_debian_root_has_dependencies_in_merged_folders(tmp_path: Path) -> None:
    out = tmp_path / "root"
    try:
        plan = debian.build_root(["bc"], out)
    except debian.DebianError as error:
        pytest.skip(f"no packages: {error}")
    names = [line.split()[0] for line in plan]
    assert {"bc", "libc6", "libreadline8"} <= set(names) and names.index("libc6") < len(names) - 1
    assert (out / "bin" / "bc").is_file() and (out / "lib").is_symlink()
    assert (out / "lib" / "ld-linux-aarch64.so.1").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["root"]
    with pytest.raises(debian.DebianError, match="no-such-package"):
        debian.build_root(["no-such-package-here"], tmp_path / "other")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["root"]
