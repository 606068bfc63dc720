"""Dynamically linked programs give the output and exit status they give under qemu-user."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

import corpus
from ncpu.machine import debian
from ncpu.machine.errors import CommandError
from ncpu.machine.linux.launch import Session

SOURCES = corpus.PROGRAMS / "dynamic"
LIMIT = 200_000_000
GLIBC = ("ld-linux-aarch64.so.1", "libc.so.6", "libm.so.6", "libdl.so.2")
Run = tuple[bytes, bytes, int | None]


def ours(
    root: Path,
    argv: Sequence[str],
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    **options,
) -> Run:
    out, err = io.BytesIO(), io.BytesIO()
    streams = {"stdin": io.BytesIO(stdin), "stdout": out, "stderr": err}
    session = Session(argv[0], argv, dict(env or {}), root=root, **streams, **options)
    result = session.run(LIMIT)
    assert result.signal is None, session.where()
    return out.getvalue(), err.getvalue(), result.exit_code


def theirs(
    root: Path, argv: Sequence[str], env: Mapping[str, str] | None = None, stdin: bytes = b""
) -> Run:
    program = root / argv[0].lstrip("/")
    if "/" not in argv[0]:
        program = root / "usr/bin" / argv[0]
    qemu = ["qemu-aarch64-static", "-cpu", "cortex-a53", "-L", str(root), "-0", argv[0]]
    done = subprocess.run(
        [*qemu, str(program), *argv[1:]],
        input=stdin,
        capture_output=True,
        env=dict(reversed(list((env or {}).items()))),
        cwd=root,
        timeout=120,
    )
    # qemu starts the program by its path on the host.
    return done.stdout, done.stderr.replace(bytes(root), b""), done.returncode


def compiler(libc: str, root: Path) -> list[str]:
    gcc = ["aarch64-linux-gnu-gcc", "-O2", "-Wall", "-Werror"]
    if libc == "musl":
        specs = corpus.musl_sysroot() / "musl-gcc.specs"
        gcc += [f"-specs={specs}", f"-L{root}/lib/aarch64-linux-musl"]
    return gcc


def make_root(libc: str, root: Path) -> None:
    """A root of the C library, the shared libraries and the programs, in both kinds."""
    if libc == "musl":
        shutil.copytree(debian.fetch("musl"), root, symlinks=True)
        (root / "etc").mkdir(exist_ok=True)
        (root / "etc" / "ld-musl-aarch64.path").write_text("/lib\n")
    else:
        (root / "lib").mkdir(parents=True)
        for name in GLIBC:
            found = Path("/usr/aarch64-linux-gnu/lib") / name
            if not found.is_file():
                pytest.skip(f"{found} is missing (Debian package libc6-arm64-cross)")
            shutil.copy(found, root / "lib")
    gcc = compiler(libc, root)
    (root / "bin").mkdir()
    for name, out in (("shape", "lib/libshape.so"), ("plugin", "lib/plugin.so")):
        run = [*gcc, "-fPIC", "-shared", f"{name}.c", "-o", str(root / out)]
        subprocess.run(run, cwd=SOURCES, check=True)
    for name in ("hello", "linked", "loader"):
        program = corpus.parse(SOURCES / f"{name}.c")
        for kind in ("pie", "no-pie"):
            out = root / "bin" / f"{name}-{kind}"
            flags = [f"-{kind}", *(["-fPIE"] if kind == "pie" else ["-fno-pie"]), *program.cflags]
            libs = [f"-L{root}/lib", *program.libs]
            subprocess.run(
                [*gcc, *flags, f"{name}.c", "-o", str(out), *libs], cwd=SOURCES, check=True
            )


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Roots made so far, by C library."""
    return {"": tmp_path_factory.mktemp("roots")}


@pytest.fixture(params=["glibc", "musl"])
def root(request: pytest.FixtureRequest, roots: dict[str, Path]) -> Path:
    libc: str = request.param
    reasons = [corpus.have_cross_gcc(), corpus.have_qemu()]
    for reason in [*reasons, corpus.have_musl() if libc == "musl" else None]:
        if reason:
            pytest.skip(reason)
    if libc not in roots:
        try:
            make_root(libc, roots[""] / libc)
        except debian.DebianError as error:
            pytest.skip(f"musl for arm64: {error}")
        roots[libc] = roots[""] / libc
    return roots[libc]


@pytest.mark.parametrize("kind", ["pie", "no-pie"])
@pytest.mark.parametrize("name", ["hello", "linked"])
def test_program(root: Path, name: str, kind: str) -> None:
    program = corpus.parse(SOURCES / f"{name}.c")
    argv, env = [f"/bin/{name}-{kind}", *program.args], dict(program.env)
    found = ours(root, argv, env)
    assert found == theirs(root, argv, env)
    assert found[2] == {"hello": 7, "linked": 3}[name]


@pytest.mark.parametrize("kind", ["pie", "no-pie"])
def test_dlopen(root: Path, kind: str) -> None:
    argv = [f"/bin/loader-{kind}", "/lib/plugin.so"]
    assert ours(root, argv) == theirs(root, argv)
    argv, env = [f"/bin/loader-{kind}"], {"LD_LIBRARY_PATH": "/nowhere:/lib"}
    found = ours(root, argv, env)
    assert found == theirs(root, argv, env) and found[2] == 0
    env = {"LD_LIBRARY_PATH": "/nowhere", "LD_BIND_NOW": "1"}
    assert ours(root, [argv[0], "absent.so"], env) == theirs(root, [argv[0], "absent.so"], env)


def test_library_found_by_environment_or_not_at_all(root: Path) -> None:
    argv = ["/bin/linked-pie"]
    library = root / "lib" / "libshape.so"
    (root / "opt").mkdir(exist_ok=True)
    library.rename(root / "opt" / "libshape.so")
    try:
        found = ours(root, argv)
        assert found[2] == 127 and b"libshape.so" in found[1]
        assert found == theirs(root, argv)
        env = {"LD_LIBRARY_PATH": "/opt"}
        assert ours(root, argv, env) == theirs(root, argv, env)
    finally:
        (root / "opt" / "libshape.so").rename(library)


def test_the_linker_as_a_command_and_preloading(root: Path) -> None:
    linker = next(p.name for p in (root / "lib").glob("ld-*"))
    argv = [f"/lib/{linker}", "/bin/hello-pie", "x"]
    env = {"NAME": "value"}
    assert ours(root, argv, env) == theirs(root, argv, env)
    env["LD_PRELOAD"] = "/lib/libshape.so"
    found = ours(root, ["/bin/hello-pie"], env)
    assert found == theirs(root, ["/bin/hello-pie"], env) and b"first constructor" in found[0]


def test_missing_linker(root: Path, tmp_path: Path) -> None:
    shutil.copy(root / "bin" / "hello-pie", tmp_path)
    with pytest.raises(CommandError, match=r"dynamic linker /lib/ld-.*No such file") as caught:
        Session("/hello-pie", root=tmp_path)
    assert caught.value.exit_code == 127
    with pytest.raises(CommandError, match="rootfs"):
        Session(tmp_path / "hello-pie")
    # Without a root, a mount serves as well.
    out = io.BytesIO()
    mounts = [(root / "lib", "/lib", False)]
    session = Session(tmp_path / "hello-pie", ["h", "a"], {"NAME": "n"}, mounts=mounts, stdout=out)
    assert session.run(LIMIT).exit_code == 7 and out.getvalue().startswith(b"1: a\nNAME=n\n")


def test_root_as_an_archive(root: Path, tmp_path: Path) -> None:
    argv, env = ["/bin/linked-pie"], {"LD_LIBRARY_PATH": "/lib"}
    found = ours(root, argv, env)
    for suffix in ("tar", "tar.xz"):
        path = tmp_path / f"root.{suffix}"
        subprocess.run(["tar", "-caf", str(path), "-C", str(root), "."], check=True)
        assert ours(path, argv, env) == found


# -- Debian's own programs ------------------------------------------------------------------------

PACKAGES = ("coreutils", "grep", "sed", "gawk", "mawk", "bc", "lua5.4", "sqlite3", "dash")
TEXT = b"b 2\na 10\nc 3\nthe quick brown fox\n" * 20
SQL = b"""create table t(a integer primary key, b text, c real);
insert into t select value, 'n' || value, value * 1.5 from generate_series(1, 100);
create index i on t(b);
select count(*), sum(c), max(b) from t;
select * from t where a % 17 = 0 order by b desc;
explain query plan select * from t where b = 'n5';
select round(3.14159, 2), upper('x'), 1.0 / 3;
select nothing;
"""
LUA = b"""local t = {} for i = 1, 200 do t[i] = i * 7919 % 211 end
table.sort(t) print(table.concat(t, ",")) print(_VERSION, string.format("%.14g", math.pi))
print(pcall(error, "caught")) print(("hello world"):gsub("o", "0"))
"""
# The command line, words split at blanks with ~ for a blank; standard input.
COMMANDS: list[tuple[str, bytes]] = [
    ("ls -a1 usr/share/awk", b""),
    ("sort -k2n", TEXT),
    ("sha256sum", TEXT),
    ("factor 360 1000000007 18446744073709551557", b""),
    ("grep -nE [ab].*0$|q(u)i", TEXT),
    (r"sed -e s/\(.\)~\(.*\)/\2-\1/;3d", TEXT),
    ('gawk {s+=$2;n[$1]++}END{print~s,sqrt(s),length(n);printf~"%.6f\\n",atan2(1,2)}', TEXT),
    ('mawk {s+=$2}END{print~s,log(s),sin(1),toupper("x")}', TEXT),
    ("bc -l", b"scale=30\na(1)*4\n2^200\n"),
    ("lua5.4 -", LUA),
    ("sqlite3", SQL),
    ("dash -c x=1;while~[~$x~-lt~20~];do~x=$((x*2));done;echo~$x;exit~5", b""),
]


@pytest.fixture(scope="module")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root of Debian's packages, kept in the cache."""
    if reason := corpus.have_qemu():
        pytest.skip(reason)
    kept = corpus.cache_folder().parent / "roots" / "-".join(PACKAGES)
    if not kept.is_dir():
        kept.parent.mkdir(parents=True, exist_ok=True)
        try:
            debian.build_root(PACKAGES, kept)
        except debian.DebianError as error:
            if not kept.is_dir():  # else another process was first
                pytest.skip(f"no root of Debian packages: {error}")
    return kept


@pytest.mark.parametrize("command, stdin", COMMANDS, ids=[c.split()[0] for c, _ in COMMANDS])
def test_debian_program(command: str, stdin: bytes, distribution: Path) -> None:
    argv = [word.replace("~", " ") for word in command.split(" ")]
    env = {"HOME": "/root"}
    assert ours(distribution, argv, env, stdin) == theirs(distribution, argv, env, stdin)


def test_writes_stay_in_memory_or_go_to_a_mount(distribution: Path, tmp_path: Path) -> None:
    script = (
        "echo new > /etc/new; echo over > /usr/bin/dash; read x < /etc/new; echo $x > /out/file; "
        "read x < /usr/bin/dash; echo $x; cd /usr; pwd; : > /in/no"
    )
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    mounts = [(tmp_path / "out", "/out", True), (tmp_path / "in", "/in", False)]
    before = (distribution / "usr/bin/dash").read_bytes()
    out, err, code = ours(distribution, ["dash", "-c", script], mounts=mounts)
    assert (out, code) == (b"over\n/usr\n", 2) and b"Read-only file system" in err
    assert (tmp_path / "out" / "file").read_text() == "new\n"
    assert not list((tmp_path / "in").iterdir()) and not (distribution / "etc/new").exists()
    assert (distribution / "usr/bin/dash").read_bytes() == before
