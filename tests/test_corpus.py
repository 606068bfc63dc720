"""The corpus itself: every program builds, ends as its header says, and prints the same.

What the programs print is the material that the machine is compared on, so it may depend on the
program alone: not on the compiler, the optimisation level or the C library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

import corpus
from ncpu.machine import debian

GUESTS = [*corpus.corpus(), *corpus.benchmarks(), *corpus.assembly()]
VARIANTS: list[tuple[corpus.Compiler, str, corpus.Libc]] = [
    ("gcc", "-O0", "glibc"),
    ("gcc", "-O3", "glibc"),
    ("clang", "-O2", "glibc"),
    ("gcc", "-O2", "musl"),
    ("clang", "-O2", "musl"),
]
_BUILDS_AT_ONCE = 2

Built = Callable[[corpus.Program], Path]


def _identity(program: corpus.Program) -> str:
    """The folder tells the benchmarks from the programs of the same name."""
    return str(program.source.relative_to(corpus.PROGRAMS))


@pytest.fixture(scope="module")
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Built]:
    """A program's -O2 glibc build. Those of the session are started at once, two at a time."""
    for reason in (corpus.have_cross_gcc(), corpus.have_qemu()):
        if reason:
            pytest.skip(reason)
    folder = tmp_path_factory.mktemp("corpus")
    with ThreadPoolExecutor(_BUILDS_AT_ONCE) as pool:
        started: dict[Path, Future[Path]] = {}

        def start(program: corpus.Program) -> Future[Path]:
            if program.source not in started:
                out = folder / _identity(program).replace("/", "-")
                started[program.source] = pool.submit(corpus.build, program.source, out)
            return started[program.source]

        for item in request.session.items:
            call = getattr(item, "callspec", None)
            if call and isinstance(program := call.params.get("program"), corpus.Program):
                start(program)
        yield lambda program: start(program).result()


@pytest.mark.parametrize("program", GUESTS, ids=_identity)
def test_builds_runs_and_exits_as_declared(program: corpus.Program, built: Built) -> None:
    stdout, stderr, status = corpus.run_qemu(program, built(program))
    assert (status, stderr) == (program.exit, b"")
    assert stdout


@pytest.mark.slow
@pytest.mark.parametrize(("compiler", "opt", "libc"), VARIANTS, ids="".join)
@pytest.mark.parametrize("program", [p for p in GUESTS if p.source.suffix == ".c"], ids=_identity)
def test_prints_the_same_however_it_is_built(
    program: corpus.Program,
    compiler: corpus.Compiler,
    opt: str,
    libc: corpus.Libc,
    built: Built,
    tmp_path: Path,
) -> None:
    reasons = [corpus.have_clang() if compiler == "clang" else None]
    reasons.append(corpus.have_musl() if libc == "musl" else None)
    for reason in filter(None, reasons):
        pytest.skip(reason)
    out = tmp_path / program.name
    variant = corpus.build(program.source, out, compiler=compiler, opt=opt, libc=libc)
    assert corpus.run_qemu(program, variant) == corpus.run_qemu(program, built(program))


def test_there_are_programs_enough_and_each_says_what_it_shows() -> None:
    programs = corpus.corpus()
    assert len(programs) >= 62
    assert len({p.name for p in programs}) == len(programs)
    assert [p.name for p in GUESTS if len(p.summary) < 20] == []
    assert [p.name for p in corpus.benchmarks() if not p.args] == []


def test_a_header_is_parsed(tmp_path: Path) -> None:
    source = tmp_path / "sample.c"
    source.write_text(
        "// Shows something.\n// cflags: -O1 -DX=1\n// libs: -lm\n// args: a 'b c' ''\n"
        "// stdin: one\\n\\ttwo\\x00\n// env: A=1 B='x y'\n// exit: 139\n// cpu: cortex-a76\n"
        "int main(void) { return 0; }\n// exit: 1\n"
    )
    program = corpus.parse(source)
    assert program == corpus.Program(
        name="sample",
        source=source,
        summary="Shows something.",
        cflags=("-O1", "-DX=1"),
        libs=("-lm",),
        args=("a", "b c", ""),
        stdin=b"one\n\ttwo\0",
        env={"A": "1", "B": "x y"},
        exit=139,
        cpu="cortex-a76",
    )


def test_a_program_without_a_summary_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "bare.c"
    source.write_text("int main(void) { return 0; }\n")
    with pytest.raises(ValueError, match=r"bare\.c"):
        corpus.parse(source)


def test_the_guest_gets_exactly_what_is_asked_for(built: Built) -> None:
    program = next(p for p in GUESTS if p.name == "arguments_environment")
    binary = built(program)
    stdout, _, _ = corpus.qemu(binary, ["x"], argv0="zero", env={"B": "2", "A": "1"})
    lines = stdout.decode().splitlines()
    assert lines[:4] == ["argc 2", "argv[0] = 'zero' (4)", "argv[1] = 'x' (1)", "ends 1"]
    assert lines[4:6] == ["env[0] = 'B=2'", "env[1] = 'A=1'"]
    assert b"0 variables" in corpus.qemu(binary)[0]


def test_a_program_that_does_not_compile_is_a_build_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason := corpus.have_cross_gcc():
        pytest.skip(reason)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = tmp_path / "wrong.c"
    source.write_text("// Refers to a name that does not exist.\nint main(void) { return no; }\n")
    with pytest.raises(corpus.BuildError, match=r"wrong\.c:2.*undeclared"):
        corpus.build(source, tmp_path / "wrong")
    assert not (tmp_path / "wrong").exists()


def test_a_build_is_kept_and_a_changed_source_is_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason := corpus.have_cross_gcc():
        pytest.skip(reason)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = tmp_path / "small.c"
    source.write_text("// Returns one.\nint main(void) { return 1; }\n")
    first = corpus.build(source, tmp_path / "a").read_bytes()
    assert corpus.build(source, tmp_path / "b").read_bytes() == first
    assert len(list(corpus.cache_folder().iterdir())) == 1
    source.write_text("// Returns two.\nint main(void) { return 2; }\n")
    assert corpus.build(source, tmp_path / "a").read_bytes() != first
    assert len(list(corpus.cache_folder().iterdir())) == 2


@pytest.mark.parametrize("name", ["", "x", "../etc", "Upper", "a b", "-o", "name=1.0"])
def test_a_name_that_is_no_package_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(debian.DebianError, match="no Debian package name"):
        debian.fetch(name, cache=tmp_path)


def test_a_missing_tool_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(debian.DebianError, match="apt-get is not installed"):
        debian.fetch("busybox-static", cache=tmp_path)


def test_a_cached_package_needs_no_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    folder = tmp_path / debian.ARCHITECTURE / "busybox-static"
    folder.mkdir(parents=True)
    assert debian.fetch("busybox-static", cache=tmp_path) == folder


def _fake_tool(folder: Path, name: str, script: str) -> None:
    tool = folder / name
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)


def test_apts_refusal_is_passed_on_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools, cache = tmp_path / "bin", tmp_path / "cache"
    tools.mkdir()
    _fake_tool(tools, "apt-get", "echo 'E: no route to the mirror' >&2; exit 100")
    _fake_tool(tools, "dpkg-deb", "exit 0")
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(debian.DebianError, match="package index: E: no route to the mirror"):
        debian.fetch("busybox-static", cache=cache)
    assert not (cache / debian.ARCHITECTURE / "busybox-static").exists()
    assert list(cache.glob(".busybox*")) == []


def test_a_package_is_unpacked_once_and_a_stale_index_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools, cache, log = tmp_path / "bin", tmp_path / "cache", tmp_path / "log"
    tools.mkdir()
    # Called as: apt-get -q -c CONF update | apt-get -q -c CONF download NAME
    _fake_tool(
        tools,
        "apt-get",
        f'echo "$4" >> {log}\n'
        'if [ "$4" = update ]; then : > "${3%/*}/state/lists/main_Packages"; exit; fi\n'
        f"if [ -e {tmp_path}/stale ]; then rm {tmp_path}/stale; exit 100; fi\n"
        ': > "$5_1.0_arm64.deb"',
    )
    _fake_tool(tools, "dpkg-deb", 'mkdir "$3" && : > "$3/from-${2##*/}"')
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    first = debian.fetch("first", cache=cache)
    assert [path.name for path in first.iterdir()] == ["from-first_1.0_arm64.deb"]
    assert debian.fetch("first", cache=cache) == first
    (tmp_path / "stale").touch()
    assert debian.fetch("second", cache=cache).is_dir()
    assert log.read_text().split() == ["update", "download", "download", "update", "download"]


def test_busybox_runs_under_qemu() -> None:
    if reason := corpus.have_qemu():
        pytest.skip(reason)
    try:
        busybox = debian.fetch("busybox-static") / "bin" / "busybox"
    except debian.DebianError as error:
        pytest.skip(str(error))
    stdout, _, status = corpus.qemu(busybox, ["echo", "from", "the", "guest"])
    assert (stdout, status) == (b"from the guest\n", 0)
