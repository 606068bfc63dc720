"""Exports agree with the library: StableHLO in a process without this package, C bit for bit."""

from __future__ import annotations

import ctypes
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from ncpu.npcot.domain import Domain
from ncpu.npcot.emit_c import emit_c
from ncpu.npcot.errors import LibraryFormatError
from ncpu.npcot.execute import execute_all
from ncpu.npcot.export import export_library, trimmed, write_export
from ncpu.npcot.library import empty_library, insert, remove
from ncpu.npcot.number import WORD8, WORD32
from ncpu.npcot.program import SPACE_SIZE, all_programs
from ncpu.npcot.retrieval import Lookup, consult

DOMAIN = Domain(-1000, 1000, 12)
SPACE = all_programs(offset=3)
FLAGS = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")
needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="needs cc")


def library_of(count, width, capacity=None, domain=DOMAIN, unverified=()):
    rng = np.random.default_rng(count)
    library = empty_library(capacity or count, width, domain)
    keys = rng.normal(size=(count, width)).astype(np.float32)
    for i, key in enumerate(keys):
        program = SPACE[int(rng.integers(SPACE_SIZE))]
        library, _ = insert(library, key, program, verified=i not in unverified)
    return library, keys


def queries(keys, count=60, longest=12, seed=1):
    """Hits, misses, lengths and elements outside the domain, unusable states."""
    rng = np.random.default_rng(seed)
    hidden = keys[rng.integers(len(keys), size=count)] * rng.uniform(0.1, 10, (count, 1))
    hidden[::7] = rng.normal(size=hidden[::7].shape)
    hidden[5], hidden[6, 0] = 0, np.nan
    x, y = rng.integers(-1001, 1001, (2, count, longest)).astype(np.int32)
    x[::3] //= 100
    y[::3] = x[::3]
    length = rng.integers(-1, longest + 1, count).astype(np.int32)
    return hidden.astype(np.float32), x, length, y


@pytest.fixture(scope="module")
def big():
    return library_of(128, 64)


def test_128_programs_with_64_numbers_a_key_take_under_130_kb(big):
    assert len(export_library(big[0])) < 130_000


def test_the_artefact_answers_as_the_library_for_any_batch():
    library, keys = library_of(9, 16, capacity=16, unverified=(2, 4))
    library = remove(library, 5)
    exported = export.deserialize(bytearray(export_library(library)))
    for count in (1, 7, 60):
        hidden, x, length, y = queries(keys, max(count, 8))
        hidden, x, length, y = hidden[:count], x[:count], length[:count], y[:count]
        found = exported.call(hidden, x, length, y)
        expected = consult(library, hidden, x, length, y)
        for array, name in zip(found, ("value", "status", "slot"), strict=False):
            np.testing.assert_array_equal(array, getattr(expected, name))
        np.testing.assert_allclose(found[3], expected.score, atol=1e-6)


def test_every_status_was_among_the_queries():
    library, keys = library_of(9, 16, unverified=(2, 4))
    assert set(np.asarray(consult(library, *queries(keys)).status)) == set(map(int, Lookup))


def test_a_script_with_jax_alone_runs_it(tmp_path):
    library, keys = library_of(5, 8)
    size = write_export(library, tmp_path / "library.shlo")
    assert size == (tmp_path / "library.shlo").stat().st_size
    hidden, x, length, y = queries(keys, 8)
    length = np.maximum(length, 0)
    hidden = np.nan_to_num(hidden)
    lines = [
        json.dumps({"hidden": h.tolist(), "x": a[:n].tolist(), "y": b[:n].tolist()})
        for h, a, n, b in zip(hidden, x, length, y, strict=True)
    ]
    blocked = tmp_path / "blocked" / "ncpu"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ImportError('the artefact must not need ncpu')")
    run = subprocess.run(
        [sys.executable, tmp_path / "library.py"],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(blocked.parent), "JAX_PLATFORMS": "cpu"},
    )
    assert run.returncode == 0, run.stderr
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    expected = consult(library, hidden, x, length, y)
    assert [r["value"] for r in rows] == expected.value.tolist()
    names = [Lookup(int(s)).name.lower() for s in np.asarray(expected.status)]
    assert [r["status"] for r in rows] == names


def test_an_empty_library_has_no_export():
    empty = empty_library(4, 4, DOMAIN)
    for make in (export_library, emit_c, trimmed):
        with pytest.raises(LibraryFormatError, match="empty"):
            make(empty)


class CAnswer(ctypes.Structure):
    _fields_ = [
        ("value", ctypes.c_int32),
        ("status", ctypes.c_int32),
        ("slot", ctypes.c_int32),
        ("score", ctypes.c_float),
    ]


def compiled(library, folder):
    source, shared = folder / "library.c", folder / "library.so"
    source.write_text(emit_c(library))
    subprocess.run(
        [
            *["cc", "-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"],
            source,
            "-o",
            shared,
        ],
        check=True,
    )
    code = ctypes.CDLL(str(shared))
    code.ncpu_consult.restype = CAnswer
    return code


def pointer(array):
    return np.ascontiguousarray(array).ctypes.data_as(ctypes.c_void_p)


@needs_cc
def test_c_consults_as_the_library(tmp_path, big):
    library, keys = library_of(20, 16, capacity=24, unverified=(2, 4))
    library = remove(library, 5)
    code = compiled(library, tmp_path)
    hidden, x, length, y = queries(keys, 400)
    expected = consult(library, hidden, x, length, y)
    for i in range(400):
        found = code.ncpu_consult(pointer(hidden[i]), pointer(x[i]), pointer(y[i]), int(length[i]))
        assert found.status == expected.status[i] and found.value == expected.value[i]
        np.testing.assert_allclose(found.score, expected.score[i], atol=2e-6)
        if found.status != Lookup.BAD_KEY:
            assert found.slot == expected.slot[i]


def edge_arrays(limit, rng):
    yield np.zeros(0, np.int32), np.zeros(0, np.int32)
    for size in (1, 3, 12):
        for scale in (2, 200, limit):
            x, y = rng.integers(-scale, scale + 1, (2, size)).astype(np.int32)
            yield x, np.where(rng.random(size) < 0.3, x, y).astype(np.int32)
    yield np.array([limit, -limit, limit], np.int32), np.array([limit, limit, 0], np.int32)


@needs_cc
@pytest.mark.parametrize("fmt", [WORD32, WORD8], ids=["32 bits", "8 bits"])
def test_c_runs_the_whole_space_bit_for_bit(tmp_path, fmt):
    """Every program of the space on edge and random arrays, infinities included."""
    domain = Domain(-100, 100, 12, format=fmt)
    count = SPACE_SIZE
    library = empty_library(count, 1, domain)
    library = replace(
        library,
        programs=jax.tree.map(jnp.asarray, all_programs()),
        occupied=jnp.ones(count, bool),
    )
    code = compiled(library, tmp_path)
    rng = np.random.default_rng(7)
    for x, y in edge_arrays(fmt.infinity - 1, rng):
        padded = [np.pad(a, (0, 12 - len(a))) for a in (x, y)]
        expected = np.asarray(execute_all(padded[0], len(x), padded[1], fmt=fmt))
        found = [code.ncpu_run(i, pointer(x), pointer(y), len(x)) for i in range(count)]
        np.testing.assert_array_equal(found, expected)


@needs_cc
def test_c_from_the_shell(tmp_path):
    library, keys = library_of(5, 4)
    (tmp_path / "library.c").write_text(emit_c(library))
    command = ["cc", "-O2", "-Wall", "-Werror", "-DNCPU_MAIN", "library.c", "-o", "library"]
    subprocess.run(command, cwd=tmp_path, check=True)
    text = "".join(f"{' '.join(map(str, k))} 3  1 2 3  4 5 6\n" for k in keys)
    run = subprocess.run(
        [tmp_path / "library"], input=text, capture_output=True, text=True, check=True
    )
    x, y = (np.tile(np.array(v, np.int32), (5, 1)) for v in ([1, 2, 3], [4, 5, 6]))
    expected = consult(library, keys, x, np.full(5, 3), y)
    rows = [tuple(map(int, line.split())) for line in run.stdout.splitlines()]
    assert rows == [(int(v), 0, i) for i, v in enumerate(expected.value)]


@needs_cc
def test_the_c_executor_has_no_undefined_behaviour(tmp_path):
    """The same driver under the compiler's sanitizers."""
    library, keys = library_of(40, 4)
    (tmp_path / "library.c").write_text(emit_c(library))
    flags = ["-O1", "-fsanitize=undefined,address", "-fno-sanitize-recover=all", "-DNCPU_MAIN"]
    command = ["cc", *flags, "library.c", "-o", "library"]
    if subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode:
        pytest.skip("this compiler has no sanitizers")
    text = "".join(f"{' '.join(map(str, k))} 3  1000 -999 3  -1000 5 6\n" for k in keys)
    run = subprocess.run(
        [tmp_path / "library"], input=text, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.splitlines()) == 40
