"""Program libraries: a hit costs no search, damage is refused, writers lose nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from ncpu import sealed
from ncpu.synth.errors import LibraryError
from ncpu.synth.expression import arg, call, const, local, loop
from ncpu.synth.library import FORMAT, HEADER, MANIFEST, Library, key_of
from ncpu.synth.spec import Solution, SynthesisSpec
from ncpu.synth.types import Kind

A = arg(0, Kind.I)
SQUARE = SynthesisSpec((((2,), 4), ((3,), 9), ((-1,), 1)))  # type: ignore[arg-type]
FIB = SynthesisSpec((((5,), 5), ((6,), 8), ((10,), 55)))  # type: ignore[arg-type]
R0, R1 = local("r0_0"), local("r1_0")
FIB_PROGRAM = loop("repeat", A, const(0, Kind.I), const(1, Kind.I), R1, call("add", R0, R1),
                   registers=2)  # fmt: skip


def solution(spec: SynthesisSpec, program) -> Solution:
    count = len(spec.examples)
    return Solution(program, spec.signature, "by hand", count, count, 0.5, 7, 3.0)


@pytest.fixture
def library(tmp_path):
    made = Library(tmp_path / "library")
    made.put(SQUARE, solution(SQUARE, call("mul", A, A)))
    made.put(FIB, solution(FIB, FIB_PROGRAM))
    return made


def test_programs_come_back_in_another_process_the_same(library):
    again = Library(library.path)
    assert len(again) == 2 and SQUARE in again and again.check() == 2
    assert again.get(FIB) == solution(FIB, FIB_PROGRAM)
    assert again.get(SQUARE).program is call("mul", A, A)  # type: ignore[union-attr]
    assert again.get(SQUARE.with_example((4,), 16)) is None


def test_the_key_is_of_what_is_asked_not_of_how():
    turned = SynthesisSpec(tuple(reversed(SQUARE.examples)))
    assert key_of(turned) == key_of(SQUARE) != key_of(FIB)
    words = SynthesisSpec(SQUARE.examples[:2], "(U)->U")  # type: ignore[arg-type]
    narrow = SynthesisSpec(SQUARE.examples[:2], "(U8)->U8")  # type: ignore[arg-type]
    assert len({key_of(s) for s in (words, narrow, SynthesisSpec(SQUARE.examples[:2]))}) == 3


def test_a_hit_makes_no_search_and_reads_no_file(library, monkeypatch):
    again = Library(library.path)
    first = again.get(SQUARE)
    shutil.rmtree(library.path)
    assert again.get(SQUARE) is first


def test_the_first_program_for_a_key_stays(library):
    library.put(SQUARE, solution(SQUARE, call("abs", call("mul", A, A))))
    assert Library(library.path).get(SQUARE).program is call("mul", A, A)  # type: ignore[union-attr]


def test_a_program_that_is_wrong_is_not_stored(library):
    with pytest.raises(LibraryError, match="does not satisfy"):
        library.put(SQUARE.with_example((5,), 25), solution(SQUARE, call("add", A, A)))


def _files(library: Library, spec: SynthesisSpec = SQUARE):
    folder = library.path / "programs" / key_of(spec)
    return [f for f in sorted(folder.rglob("*")) if f.is_file()]


def test_every_truncated_missing_or_altered_file_is_refused(library, tmp_path):
    count = len(_files(library))
    assert count > 3
    for place in range(count):
        for harm in ("truncate", "flip", "delete"):
            copy = tmp_path / f"{harm}{place}"
            shutil.copytree(library.path, copy)
            damaged = Library(copy)
            file = _files(damaged)[place]
            data = bytearray(file.read_bytes())
            if harm == "delete":
                file.unlink()
            elif harm == "truncate":
                file.write_bytes(data[: len(data) // 2])
            else:
                middle = len(data) // 2
                file.write_bytes(bytes([*data[:middle], data[middle] ^ 1, *data[middle + 1 :]])
                                 if data else b"x")  # fmt: skip
            with pytest.raises(LibraryError):
                damaged.get(SQUARE)
            with pytest.raises(LibraryError):
                damaged.check()
            assert damaged.get(FIB) is not None


def test_a_forged_entry_is_refused_by_running_it(library):
    folder = library.path / "programs" / key_of(SQUARE)
    other = library.path / "programs" / key_of(FIB)
    shutil.rmtree(folder)
    shutil.copytree(other, folder)
    with pytest.raises(LibraryError, match="key of another"):
        Library(library.path).get(SQUARE)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest |= {"key": key_of(SQUARE), "specification": SQUARE.canonical()}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(LibraryError, match="altered"):
        Library(library.path).get(SQUARE)
    (folder / MANIFEST).write_text(json.dumps(manifest | {"seal": sealed.seal(manifest)}))
    with pytest.raises(LibraryError, match="does not satisfy the examples"):
        Library(library.path).get(SQUARE)


LATER = json.dumps({"kind": "ncpu program library", "format": FORMAT + 1})


@pytest.mark.parametrize("text", ["{}", "[]", "", "{", '{"kind": "x"}', LATER])
def test_foreign_libraries_are_refused(tmp_path, text):
    (tmp_path / HEADER).write_text(text)
    with pytest.raises(LibraryError):
        Library(tmp_path)


def test_folders_of_something_else_and_files_are_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(LibraryError, match="other files"):
        Library(tmp_path)
    with pytest.raises(LibraryError):
        Library(tmp_path / "thesis.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


WRITER = """
import sys
from pathlib import Path
import ncpu
from ncpu.synth.expression import arg, call, const
from ncpu.synth.library import Library
from ncpu.synth.spec import Solution, SynthesisSpec
from ncpu.synth.types import Kind
library = Library(Path(sys.argv[1]))
for k in (int(v) for v in sys.argv[2:]):
    spec = SynthesisSpec((((1,), 1 + k), ((5,), 5 + k)))
    program = call("add", arg(0, Kind.I), const(k, Kind.I))
    library.put(spec, Solution(program, spec.signature, "writer", 2, 2))
"""


def test_writers_at_the_same_time_lose_nothing(tmp_path):
    path = tmp_path / "shared"
    parts = [(0, 1, 2, 3), (3, 2, 4, 1)]
    running = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), *map(str, part)])
               for part in parts]  # fmt: skip
    assert [p.wait(120) for p in running] == [0, 0]
    library = Library(path)
    assert library.check() == len(library) == 5
    assert not [p for p in (path / "programs").iterdir() if p.name.startswith(".")]
    for k in range(5):
        spec = SynthesisSpec((((1,), 1 + k), ((5,), 5 + k)))  # type: ignore[arg-type]
        assert library.get(spec).program is call("add", A, const(k, Kind.I))  # type: ignore[union-attr]
