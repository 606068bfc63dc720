"""Debian's tcc on the machine: what it compiles does what it does under qemu-user."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest

import corpus
from ncpu.machine import tcc
from ncpu.machine.debian import DebianError

PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pair { int key; double value; };
static int by_key(const void *a, const void *b) {
    return ((const struct pair *)a)->key - ((const struct pair *)b)->key;
}
static unsigned long long gcd(unsigned long long a, unsigned long long b) {
    return b ? gcd(b, a % b) : a;
}
int main(int argc, char **argv) {
    struct pair pairs[5] = {{9, .5}, {-3, 1e10}, {4, -2.25}, {0, 3}, {7, 1.0 / 3}};
    char text[64];
    qsort(pairs, 5, sizeof *pairs, by_key);
    for (int i = 0; i < 5; i++) printf("%d %.17g\n", pairs[i].key, pairs[i].value);
    snprintf(text, sizeof text, "%s has %d arguments", "hello", argc);
    printf("%s %zu %llu\n", text, strlen(text), gcd(1ull << 40, 6ull << 33));
    return argc > 1 ? atoi(argv[1]) : 3;
}
"""


@pytest.fixture(scope="module")
def root() -> Path:
    """tcc's root file system."""
    if reason := corpus.have_qemu():
        pytest.skip(reason)
    try:
        return tcc.root()
    except DebianError as error:
        pytest.skip(f"Debian's arm64 packages cannot be had: {error}")


def test_compiles_and_runs_as_under_qemu(root: Path, tmp_path: Path) -> None:
    (tmp_path / "hello.c").write_text(PROGRAM)
    qemu = ["qemu-aarch64-static", "-cpu", "cortex-a53", "-L", str(root)]
    theirs = tmp_path / "theirs"
    compile_there = [*qemu, str(root / "usr/bin/tcc"), "hello.c", "-o", str(theirs)]
    subprocess.run(compile_there, cwd=tmp_path, check=True, timeout=60)
    said = io.BytesIO()
    assert tcc.run("/usr/bin/tcc", ["hello.c", "-o", "ours"], tmp_path, stderr=said)[0] == 0
    assert said.getvalue() == b""
    assert (tmp_path / "ours").read_bytes() == theirs.read_bytes()
    out = io.BytesIO()
    code, _ = tcc.run("/src/ours", ["41"], tmp_path, stdout=out)
    done = subprocess.run([*qemu, str(theirs), "41"], stdout=subprocess.PIPE, timeout=60)
    assert (out.getvalue(), code) == (done.stdout, done.returncode)
    assert code == 41


@pytest.mark.slow
def test_compiles_itself_to_a_fixed_point(root: Path) -> None:
    with tcc.own_source() as folder:
        second = tcc.compile_self("/usr/bin/tcc", "tcc2", folder)
        third = tcc.compile_self("/src/tcc2", "tcc3", folder)
    assert second.program == third.program
