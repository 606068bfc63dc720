"""The guest's tree of files: paths, links, permissions, and mounts that nobody leaves."""

from __future__ import annotations

import contextlib
import gc
import os
import stat
from collections.abc import Callable
from functools import partial

import pytest

from ncpu.machine.linux import Files, LinuxError, abi
from ncpu.machine.linux.access import Credentials
from ncpu.machine.linux.directories import Directory
from ncpu.machine.linux.inodes import File, Symlink

USER = Credentials(1000, 1000)


def errno_of(action: Callable[[], object]) -> str:
    """The name of the errno that `action` fails with."""
    with pytest.raises(LinuxError) as caught:
        action()
    return caught.value.errno.name


@pytest.fixture
def files() -> Files:
    tree = Files(capacity=1 << 20)
    tree.add_file("/etc/passwd", b"guest")
    tree.add_file("/a/b/c", b"deep")
    tree.add_symlink("/a/abs", "/etc/passwd")
    tree.add_symlink("/a/rel", "../etc/passwd")
    tree.add_symlink("/a/dir", "b/")
    tree.add_symlink("/a/loop", "loop")
    tree.add_symlink("/a/up", "../../../../..")
    tree.add_symlink("/a/missing", "nowhere")
    return tree


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/a/b/c", b"deep"),
        ("//a///b/./c", b"deep"),
        ("/../../a/b/../b/c", b"deep"),
        ("/a/abs", b"guest"),
        ("/a/rel", b"guest"),
        ("/a/dir/c", b"deep"),
        ("/a/up/etc/passwd", b"guest"),
        ("/a/up/../../../etc/passwd", b"guest"),
    ],
)
def test_paths_that_lead_somewhere(files: Files, path: str, content: bytes) -> None:
    assert files.read_file(path) == content


@pytest.mark.parametrize(
    ("path", "errno"),
    [
        (b"", "ENOENT"),
        (b"/nope", "ENOENT"),
        (b"/nope/x", "ENOENT"),
        (b"/a/b/c/d", "ENOTDIR"),
        (b"/a/b/c/", "ENOTDIR"),
        (b"/a/loop", "ELOOP"),
        (b"/a/loop/x", "ELOOP"),
        (b"/a/missing", "ENOENT"),
        (b"/" + b"x" * 256, "ENAMETOOLONG"),
        (b"/a" * 2048, "ENAMETOOLONG"),
    ],
)
def test_paths_that_do_not(files: Files, path: bytes, errno: str) -> None:
    assert errno_of(lambda: files.walk(files.root, path).existing()) == errno


def test_chains_of_links_are_limited(files: Files) -> None:
    for i in range(60):
        files.add_symlink(f"/l/{i}", f"{i + 1}")
    files.add_file("/l/60", b"end")
    assert files.read_file("/l/25") == b"end"
    assert errno_of(lambda: files.read_file("/l/10")) == "ELOOP"
    # Links that double the path do not double the work beyond the limit.
    for i in range(50):
        files.add_symlink(f"/x/{i}", f"{i + 1}/../{i + 1}/../{i + 1}")
    assert errno_of(lambda: files.read_file("/x/0")) == "ELOOP"


def test_last_component_is_followed_on_request_only(files: Files) -> None:
    assert isinstance(files.walk(files.root, b"/a/abs", follow=False).node, Symlink)
    assert isinstance(files.walk(files.root, b"/a/abs").node, File)
    # A slash at the end asks for a directory, through a link too.
    assert isinstance(files.walk(files.root, b"/a/dir/", follow=False).node, Directory)


def test_links_unlink_and_rename_keep_count(files: Files) -> None:
    root = files.root
    files.link(files.walk(root, b"/a/b/c"), root, b"/second")
    node = files.walk(root, b"/second").existing()
    assert node.nlink == 2
    files.unlink(root, b"/a/b/c")
    assert node.nlink == 1 and files.read_file("/second") == b"deep"
    files.rename(files.walk(root, b"/second"), files.walk(root, b"/etc/passwd"))
    assert files.read_file("/a/abs") == b"deep"
    walk = files.walk
    assert errno_of(lambda: files.rename(walk(root, b"/a"), walk(root, b"/a/b/x"))) == "EINVAL"
    assert errno_of(lambda: files.rmdir(root, b"/a")) == "ENOTEMPTY"
    assert errno_of(lambda: files.rmdir(root, b"/etc/passwd")) == "ENOTDIR"
    assert errno_of(lambda: files.unlink(root, b"/a")) == "EISDIR"
    assert errno_of(lambda: files.rmdir(root, b"/")) == "EINVAL"
    assert errno_of(lambda: files.link(walk(root, b"/a"), root, b"/y")) == "EPERM"


def test_removed_directory_takes_nothing_new(files: Files) -> None:
    gone = files.make_directory("/gone")
    files.rmdir(files.root, b"/gone")
    assert errno_of(lambda: files.open(gone, b"x", abi.O_CREAT, 0o600)) == "ENOENT"
    assert errno_of(lambda: files.path_of(gone)) == "ENOENT"


def test_memory_is_bounded(files: Files) -> None:
    node = files.add_file("/big", b"")
    assert isinstance(node, File)
    assert errno_of(partial(node.truncate, 1 << 40)) == "ENOSPC"
    assert errno_of(partial(node.write, 1 << 62, b"x")) == "ENOSPC"
    node.truncate(1 << 19)
    assert errno_of(lambda: files.add_file("/other", bytes(1 << 20))) == "ENOSPC"
    used = files.fs.used
    files.unlink(files.root, b"/big")
    del node
    gc.collect()
    assert files.fs.used == used - (1 << 19)


def test_permissions_of_others(files: Files) -> None:
    files.walk(files.root, b"/etc/passwd").existing().chmod(0o600)
    assert errno_of(lambda: files.open(files.root, b"/etc/passwd", 0, 0, USER)) == "EACCES"
    assert errno_of(lambda: files.open(files.root, b"/new", abi.O_CREAT, 0, USER)) == "EACCES"
    node = files.open(files.root, b"/tmp/new", abi.O_CREAT, 0o640, USER)
    assert (node.uid, node.mode & 0o777) == (1000, 0o640)
    other = Credentials(1001, 1001)
    assert errno_of(lambda: files.unlink(files.root, b"/tmp/new", other)) == "EPERM"  # sticky
    files.walk(files.root, b"/a").existing().chmod(0o700)
    assert errno_of(lambda: files.walk(files.root, b"/a/b", who=USER)) == "EACCES"


# -- host folders -----------------------------------------------------------------------------


@pytest.fixture
def host(tmp_path):
    """A folder to mount, with ways out of it, beside a file that must stay unseen."""
    (tmp_path / "secret").write_bytes(b"secret")
    folder = tmp_path / "shared"
    (folder / "sub").mkdir(parents=True)
    (folder / "file").write_bytes(b"hello")
    (folder / "sub" / "inner").write_bytes(b"inner")
    (folder / "abs").symlink_to(tmp_path / "secret")
    (folder / "rel").symlink_to("../secret")
    (folder / "up").symlink_to("..")
    (folder / "etc").symlink_to("/etc")
    (folder / "far").symlink_to("../" * 30 + str(tmp_path).lstrip("/"))
    (folder / "good").symlink_to("sub/inner")
    os.mkfifo(folder / "fifo")
    return folder


@pytest.mark.parametrize("writable", [False, True])
@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "../../secret",
        "sub/../../secret",
        "abs",
        "rel",
        "up/secret",
        "up/shared/file",
        "far/secret",
        "far/shared/file",
        "etc/hostname",
        "sub/../up/../../secret",
        "../shared/file",
    ],
)
def test_no_way_out_of_a_mount(files: Files, host, path: str, writable: bool) -> None:
    files.mount("/m", host, writable=writable)
    assert errno_of(lambda: files.read_file("/m/" + path)) == "ENOENT"
    assert errno_of(lambda: files.read_file(str(host.parent / "secret"))) == "ENOENT"
    start = files.walk(files.root, b"/m").existing()
    assert isinstance(start, Directory)
    assert errno_of(lambda: files.walk(start, path.encode()).existing()) == "ENOENT"


def test_links_in_a_mount_are_guest_paths(files: Files, host) -> None:
    files.mount("/m", host)
    assert files.read_file("/m/good") == b"inner"
    assert files.read_file("/m/etc/passwd") == b"guest"
    assert files.read_file("/m/up/etc/passwd") == b"guest"
    assert files.walk(files.root, b"/m/..").node is files.root


def test_mount_as_root_stays_inside(host) -> None:
    files = Files()
    files.mount("/", host)
    for path in ("/../secret", "/abs", "/rel", "/up/secret", "/far/secret"):
        assert errno_of(lambda path=path: files.read_file(path)) == "ENOENT"
    assert errno_of(lambda: files.read_file("/../etc/passwd")) == "ELOOP"  # /etc is /etc
    assert files.read_file("/file") == files.read_file("/up/up/../file") == b"hello"
    assert files.walk(files.root, b"/dev/null").node is not None
    assert b"dev" in {name for name, _, _ in files.root.entries()}


def test_special_files_of_the_host_stay_closed(files: Files, host) -> None:
    files.mount("/m", host)
    node = files.walk(files.root, b"/m/fifo").existing()
    assert stat.S_ISFIFO(node.stat().mode)
    assert errno_of(lambda: files.read_file("/m/fifo")) == "EACCES"


def test_read_only_mount_changes_nothing(files: Files, host) -> None:
    files.mount("/m", host)
    root, walk = files.root, files.walk
    before = sorted(os.listdir(host))
    here = walk(root, b"/m").existing()
    file = walk(root, b"/m/file").existing()
    assert isinstance(here, Directory) and isinstance(file, File)
    attempts = [
        lambda: files.open(root, b"/m/new", abi.O_CREAT | abi.O_RDWR, 0o644),
        lambda: files.open(root, b"/m/file", abi.O_RDWR, 0),
        lambda: files.open(root, b"/m/file", abi.O_TRUNC, 0),
        lambda: files.unlink(root, b"/m/file"),
        lambda: files.rmdir(root, b"/m/sub"),
        lambda: files.rename(walk(root, b"/m/file"), walk(root, b"/m/x")),
        lambda: files.link(walk(root, b"/m/file"), root, b"/m/x"),
        lambda: files.make_directory("/m/x"),
        lambda: files.add_file("/m/file", b"y"),
        lambda: files.add_symlink("/m/x", "y"),
        lambda: here.mkdir(b"x", 0o700, 0, 0),
        lambda: here.unlink(b"file"),
        lambda: here.rmdir(b"sub"),
        lambda: here.rename(b"file", here, b"x"),
        lambda: here.link(b"x", file),
        lambda: here.chmod(0o777),
        lambda: file.chmod(0o777),
        lambda: file.truncate(0),
        lambda: file.write(0, b"y"),
        lambda: file.utimes(1, 1),
    ]
    assert {errno_of(attempt) for attempt in attempts} == {"EROFS"}
    assert sorted(os.listdir(host)) == before and (host / "file").read_bytes() == b"hello"


def test_writable_mount_writes_through(files: Files, host) -> None:
    files.mount("/m", host, writable=True)
    root, walk = files.root, files.walk
    files.add_file("/m/new", b"made here")
    assert (host / "new").read_bytes() == b"made here"
    files.make_directory("/m/d/e")
    files.rename(walk(root, b"/m/new"), walk(root, b"/m/d/e/moved"))
    assert (host / "d/e/moved").read_bytes() == b"made here"
    files.unlink(root, b"/m/d/e/moved")
    files.rmdir(root, b"/m/d/e")
    assert os.listdir(host / "d") == []
    assert errno_of(lambda: files.rmdir(root, b"/m")) == "EBUSY"
    assert errno_of(lambda: files.rename(walk(root, b"/m"), walk(root, b"/n"))) == "EBUSY"
    assert errno_of(lambda: files.link(walk(root, b"/m/file"), root, b"/x")) == "EXDEV"


def test_no_set_id_files_and_no_owners_on_the_host(files: Files, host) -> None:
    files.mount("/m", host, writable=True)
    node = files.open(files.root, b"/m/suid", abi.O_CREAT | abi.O_RDWR, 0o6755)
    node.chmod(0o6777)
    assert (host / "suid").stat().st_mode & 0o7777 == 0o777
    assert errno_of(lambda: node.chown(1234, -1)) == "EPERM"
    node.chown(0, 0)


def test_links_that_the_guest_makes_lead_nowhere(files: Files, host) -> None:
    files.mount("/m", host, writable=True)
    for target in (str(host.parent / "secret"), "../secret", "/proc/self/root/etc/passwd"):
        files.add_symlink("/m/link", target)
        assert errno_of(lambda: files.read_file("/m/link")) == "ENOENT"
        flags = abi.O_CREAT | abi.O_WRONLY | abi.O_TRUNC
        node = None
        with contextlib.suppress(LinuxError):
            node = files.open(files.root, b"/m/link", flags, 0o600)
        assert node is None or node.fs is files.fs  # made in the guest's own tree
        files.unlink(files.root, b"/m/link")
    assert (host.parent / "secret").read_bytes() == b"secret"


def test_directory_swapped_for_a_link_on_the_host(files: Files, host) -> None:
    files.mount("/m", host)
    held = files.walk(files.root, b"/m/sub").existing()
    assert isinstance(held, Directory)
    (host / "sub").rename(host / "was")
    (host / "sub").symlink_to(host.parent)
    assert errno_of(lambda: files.read_file("/m/sub/secret")) == "ENOENT"
    inner = files.walk(held, b"inner").existing()
    assert isinstance(inner, File) and inner.read(0, 10) == b"inner"
    # A name that became another file is not the file it was.
    node = files.walk(files.root, b"/m/file").existing()
    (host / "file").unlink()
    (host / "file").symlink_to(host.parent / "secret")
    assert isinstance(node, File)
    assert errno_of(lambda: node.read(0, 9)) in ("ENOENT", "EACCES")


def test_names_given_to_the_host_are_single_components(files: Files, host) -> None:
    files.mount("/m", host, writable=True)
    here = files.walk(files.root, b"/m").existing()
    assert isinstance(here, Directory)
    for name in (b"..", b".", b"", b"a/b", b"../secret", b"a\0b"):
        assert errno_of(lambda name=name: here.lookup(name)) == "EINVAL"
        assert errno_of(lambda name=name: here.create(name, 0o600, 0, 0)) == "EINVAL"
        assert errno_of(lambda name=name: here.unlink(name)) == "EINVAL"
    assert (host.parent / "secret").read_bytes() == b"secret"


def test_host_descriptors_are_given_back(files: Files, host) -> None:
    files.mount("/m", host)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        assert files.read_file("/m/sub/inner") == b"inner"
    assert len(os.listdir("/proc/self/fd")) <= before + 1
