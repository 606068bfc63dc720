"""Processes, threads, pipes, signals and sockets: C programs print what they print under qemu-user.

Then what only a machine of our own can be asked: limits, deadlocks, and that its processes end the
same way however they are stepped.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import corpus
from ncpu.machine.linux import machine
from ncpu.machine.linux.launch import Session

SOURCES = corpus.PROGRAMS / "linux"
DOCUMENTED = {"robust": ("/programs/robust",), "ipv6": ()}  # and their arguments
NAMES = sorted({path.stem for path in SOURCES.glob("*.c")} - DOCUMENTED.keys())
LIMIT = 300_000_000


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory):
    if reason := corpus.have_qemu():
        pytest.skip(reason)
    if shutil.which("aarch64-linux-gnu-gcc") is None:
        pytest.skip("aarch64-linux-gnu-gcc is not installed (Debian package gcc-aarch64-linux-gnu)")
    folder = tmp_path_factory.mktemp("programs")

    def compile_program(name: str, text: str = "") -> Path:
        source = SOURCES / f"{name}.c"
        if text:
            source = folder / f"{name}.c"
            source.write_text(text)
        out = folder / name
        flags = ["-O1", "-static", "-pthread", "-Wall", "-Wno-unused-result", f"-I{SOURCES}"]
        subprocess.run(["aarch64-linux-gnu-gcc", *flags, "-o", out, source], check=True)
        return out

    return compile_program


def ours(binary: Path, *args: str, **options) -> tuple[bytes, int | None, Session]:
    out = io.BytesIO()
    session = Session(binary, [binary.name, *args], stdout=out, **options)
    result = session.run(LIMIT)
    return out.getvalue(), result.exit_code, session


@pytest.mark.parametrize("name", NAMES)
def test_program_as_under_qemu(name: str, build) -> None:
    binary = build(name)
    qemu = ["qemu-aarch64-static", "-cpu", "cortex-a53", str(binary)]
    done = subprocess.run(qemu, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60)
    found, code, _ = ours(binary)
    assert (found, code) == (done.stdout, done.returncode)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_program_as_documented(name: str, build) -> None:
    """What qemu-user or its host may not have: NAME.txt is what Linux 6.18 (x86-64) prints."""
    binary = build(name)
    mounts = [(binary.parent, "/programs", False)]
    found, code, _ = ours(binary, *DOCUMENTED[name], mounts=mounts)
    assert (found.decode(), code) == ((SOURCES / f"{name}.txt").read_text(), 0)


def test_ipv6_as_under_qemu(build) -> None:
    interfaces = Path("/proc/net/if_inet6")
    if not interfaces.exists() or "lo\n" not in interfaces.read_text():
        pytest.skip("this host's loopback has no IPv6")
    qemu = ["qemu-aarch64-static", "-cpu", "cortex-a53", str(build("ipv6"))]
    done = subprocess.run(qemu, stdout=subprocess.PIPE, timeout=60, text=True)
    assert done.stdout == (SOURCES / "ipv6.txt").read_text()


def test_rounds_do_not_change_the_result(build, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = build("pipes")
    outcomes = []
    for quantum in (200_000, 7_001):
        monkeypatch.setattr(machine, "QUANTUM", quantum)
        found, code, session = ours(binary)
        outcomes.append((found, code))
        again, _, second = ours(binary)
        assert again == found
        assert second.kernel.process.clock.retired == session.kernel.process.clock.retired
    assert outcomes[0] == outcomes[1]


BOMB = """
#include "check.h"
int main(void) {
    int made = 0;
    pid_t pid;
    while ((pid = fork()) > 0) made++;
    if (pid == 0) pause();
    printf("%d %s\\n", made, strerror(errno));
    return 0;
}
"""


@pytest.mark.parametrize(
    ("limits", "made", "text"),
    [
        ({"max_tasks": 12}, 11, b"Resource temporarily unavailable"),
        ({"max_memory": 10 * (64 << 20)}, 9, b"Cannot allocate memory"),
    ],
)
def test_fork_bomb_meets_a_limit(build, limits, made, text) -> None:
    found, code, _ = ours(build("bomb", BOMB), limits=limits)
    assert (found, code) == (b"%d %s\n" % (made, text), 0)


DEADLOCK = """
#include "check.h"
int main(void) {
    int ends[2], status;
    char byte;
    pipe(ends);
    pid_t pid = fork();
    if (pid == 0) _exit(read(ends[0], &byte, 1) < 0 ? errno : 0);
    waitpid(pid, &status, 0);
    printf("%d\\n", WEXITSTATUS(status) == EDEADLK);
    return 0;
}
"""


def test_waiting_for_ever_ends(build) -> None:
    assert ours(build("deadlock", DEADLOCK))[:2] == (b"1\n", 0)


LEFT = """
#include "check.h"
int main(void) {
    if (fork() == 0) for (;;) ;
    if (fork() == 0) { signal(SIGTERM, SIG_IGN); for (;;) usleep(100); }
    usleep(2000);
    puts("first ends");
    return 3;
}
"""


def test_the_machine_ends_with_its_first_process(build) -> None:
    found, code, session = ours(build("left", LEFT))
    assert (found, code) == (b"first ends\n", 3)
    assert not any(p.alive for p in session.kernel.processes)


def test_steps_can_run_out_and_go_on(build) -> None:
    binary, out = build("pipes"), io.BytesIO()
    session = Session(binary, ["pipes"], stdout=out)
    result, rounds = session.run(100_000), 0
    while result.exit_code is None:
        result, rounds = session.run(1_000_000), rounds + 1
    assert rounds >= 2
    assert (out.getvalue(), result.exit_code) == ours(binary)[:2]


@pytest.mark.slow
def test_one_batch_gives_the_same_bits(build) -> None:
    binary = build("workers", (SOURCES / "bench" / "workers.c").read_text())
    ends = []
    for batched in (False, True):
        out = io.BytesIO()
        session = Session(binary, ["workers", "3", "2000"], stdout=out, memory_size=16 << 20)
        session.start().batched = batched
        result = session.run(LIMIT)
        assert result.exit_code == 0
        mem = np.asarray(result.state.mem).tobytes()
        clock = session.kernel.process.clock.retired
        ends.append((out.getvalue(), result.retired, clock, hashlib.sha256(mem).digest()))
    assert ends[0] == ends[1]


SLEEPER = """
#include <pthread.h>
#include "check.h"
static struct timespec left;
static void *sleeps(void *unused) {
    struct timespec wish = {50, 0};
    nanosleep(&wish, &left);
    return unused;
}
int main(void) {
    pthread_t thread;
    pthread_create(&thread, NULL, sleeps, NULL);
    usleep(1000);
    return 6;
}
"""


def test_memory_can_be_read_after_an_end_beside_a_sleeper(build) -> None:
    binary = build("sleeper", SLEEPER)
    found, code, session = ours(binary)
    assert (found, code) == (b"", 6)
    assert np.asarray(session.start().state.mem).any()
