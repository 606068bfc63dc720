"""Snapshots: a machine that was saved and restored ends in no bit different from one that was not.

The oracle is the run that was never interrupted: its output, exit code, clock, calls, files and the
memory and registers of its first process.
"""

from __future__ import annotations

import ast
import io
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from snapshot_end import end_of

import corpus
from ncpu.machine.linux import snapshot
from ncpu.machine.linux.files import Files
from ncpu.machine.linux.host import Script
from ncpu.machine.linux.launch import Running, Session, scripted_terminal

SEED = int(os.environ.get("NCPU_SNAPSHOT_SEED", "20250"))
SCRIPT = """
(seq 1 40 | sort -rn | head -n 2; sleep 1; echo job > /tmp/job) &
seq 5 > /tmp/numbers
head -c 6 /dev/urandom | od -An -tx1
wait
cat /tmp/job /tmp/numbers /etc/message
ls -i /etc /deep/er; cat /proc/self/stat; kill -USR1 $$; exit 3
"""


@pytest.fixture(scope="module")
def busybox() -> Path:
    from ncpu.machine.debian import DebianError, fetch

    try:
        return fetch("busybox-static") / "bin" / "busybox"
    except DebianError as error:
        pytest.skip(f"BusyBox cannot be fetched: {error}")


def start(make: Callable[[io.BytesIO], Running]) -> tuple[Running, io.BytesIO]:
    out = io.BytesIO()
    return make(out), out


def interrupted(
    make: Callable[[io.BytesIO], Running], stops: list[int], folder: Path
) -> tuple[Running, io.BytesIO]:
    """A machine that was saved and restored after each of so many instructions."""
    session, out = start(make)
    done = 0
    for stop in stops:
        done += snapshot.run_to(session, max(stop - done, 0))
        snapshot.save(session, folder)
        session = snapshot.load(folder, stdout=out)
    return session, out


def stops_before(end: int, count: int) -> list[int]:
    found = sorted(random.Random(SEED).sample(range(1, end), count))
    print(f"seed {SEED}: saved after {found} of {end} instructions")
    return found


@pytest.fixture(scope="module")
def host_root(busybox: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root on the host: BusyBox, folders that are looked into late, a file of two names."""
    root = tmp_path_factory.mktemp("root")
    for folder in ("bin", "etc", "deep/er"):
        (root / folder).mkdir(parents=True)
    shutil.copy(busybox, root / "bin" / "busybox")
    for name in ("sh", "seq", "sort", "head", "sleep", "od", "cat", "ls"):
        (root / "bin" / name).symlink_to("busybox")
    (root / "etc" / "message").write_text("from below\n")
    (root / "deep" / "er" / "one").write_text("twice")
    (root / "deep" / "er" / "two").hardlink_to(root / "deep" / "er" / "one")
    return root


def shell(root: Path | Files, script: str) -> Callable[[io.BytesIO], Session]:
    def make(out: io.BytesIO) -> Session:
        words, env = ["sh", "-c", script], {"PATH": "/bin"}
        return Session("/bin/sh", words, env, root=root, stdout=out, memory_size=8 << 20)

    return make


def test_a_pipeline_goes_on_here_and_on_four_devices(host_root: Path, tmp_path: Path) -> None:
    make = shell(host_root, SCRIPT)
    session, out = start(make)
    expected = end_of(session, out)
    assert session.kernel.process.exit_signal == 10  # SIGUSR1
    end = sum(p.cpu + p.cpu_children for p in [session.kernel.first])
    stops = stops_before(end, 3)
    folder, moved = tmp_path / "saved", tmp_path / "root"
    shutil.copytree(host_root, moved, symlinks=True)
    os.unlink(moved / "deep" / "er" / "two")
    os.link(moved / "deep" / "er" / "one", moved / "deep" / "er" / "two")
    session, out = interrupted(shell(moved, SCRIPT), stops[:2], folder)
    shutil.rmtree(moved)  # nothing of the host's folder is needed any more
    before = out.getvalue()
    done = snapshot.run_to(session, stops[2] - stops[1])
    assert done >= stops[2] - stops[1]
    snapshot.save(session, folder)
    said = len(out.getvalue())
    assert end_of(session, out) == expected

    flags = "--xla_force_host_platform_device_count=4"
    done_there = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("snapshot_end.py")), str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, "XLA_FLAGS": flags},
        timeout=300,
    )
    assert done_there.returncode == 0, done_there.stderr[-2000:]
    devices, there = ast.literal_eval(done_there.stdout)
    assert devices == 4
    assert (out.getvalue()[:said].decode("latin-1") + there[0], *there[1:]) == expected
    assert before == out.getvalue()[: len(before)]


WAITS = """
#include "check.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int turn, rings, ends[2];
static void ring(int n) { rings++; }
static void *worker(void *at) {
    long me = (long)at;
    for (int i = 0; i < 5; i++) {
        pthread_mutex_lock(&lock);
        while (turn % 3 != me) pthread_cond_wait(&changed, &lock);
        turn++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
        usleep(100 * me);
    }
    return 0;
}
static void *reader(void *at) {
    char text[8] = "";
    struct epoll_event event = {EPOLLIN, {0}};
    int set = epoll_create1(0);
    epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event);
    printf("epoll %d\\n", epoll_wait(set, &event, 1, -1));
    printf("read %zd %s\\n", recv(ends[0], text, 8, 0), text);
    return 0;
}
int main(void) {
    pthread_t threads[4];
    sigset_t set;
    struct itimerval every = {{0, 300}, {0, 300}};
    struct timespec limit = {1, 0};
    char shown[9] = "", key[9] = "";
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    unlockpt(master);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    write(slave, "shown\\n", 6);
    write(master, "typed\\n", 6);
    signal(SIGALRM, ring);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, 0);
    kill(getpid(), SIGUSR1);
    setitimer(ITIMER_REAL, &every, 0);
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    pthread_create(&threads[3], 0, reader, 0);
    for (long i = 0; i < 3; i++) pthread_create(&threads[i], 0, worker, (void *)i);
    if (fork() == 0) { usleep(2000); FILE *f = fopen("/tmp/child", "w"); fputs("x", f); _exit(4); }
    for (int i = 0; i < 3; i++) pthread_join(threads[i], 0);
    int status, event = eventfd(7, 0);
    wait(&status);
    printf("turn %d, signal %d, child %d\\n", turn, sigtimedwait(&set, 0, &limit), status);
    write(ends[1], "hello", 5);
    pthread_join(threads[3], 0);
    while (rings < 12) pause();
    unsigned long value;
    read(event, &value, 8);
    read(master, shown, 7);
    read(slave, key, 8);
    printf("%s%s%lu, rings %d\\n", shown, key, value, rings);
    return rings;
}
"""


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    if reason := corpus.have_cross_gcc():
        pytest.skip(reason)
    folder, sources = tmp_path_factory.mktemp("programs"), corpus.PROGRAMS / "linux"

    def compile_program(name: str, text: str = "") -> Path:
        source = sources / f"{name}.c"
        if text:
            source = folder / f"{name}.c"
            source.write_text(text)
        flags = ["-O1", "-static", "-pthread", "-Wno-unused-result", f"-I{sources}"]
        out = folder / name
        subprocess.run(["aarch64-linux-gnu-gcc", *flags, "-o", out, source], check=True)
        return out

    return compile_program


def program(binary: Path, memory_size: int = 8 << 20) -> Callable[[io.BytesIO], Session]:
    return lambda out: Session(binary, [binary.name], stdout=out, memory_size=memory_size)


@pytest.mark.slow
def test_threads_timers_and_pending_signals_go_on(build, tmp_path: Path) -> None:
    make = program(build("waits", WAITS))
    session, out = start(make)
    expected = end_of(session, out)
    assert b"turn 15, signal 10, child 1024" in out.getvalue()
    assert b"shown\r\ntyped\n" in out.getvalue()
    stops = stops_before(session.kernel.first.cpu, 3)
    assert end_of(*interrupted(make, stops, tmp_path / "saved")) == expected


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(p.stem for p in (corpus.PROGRAMS / "linux").glob("*.c")))
def test_every_program_goes_on(name: str, build, tmp_path: Path) -> None:
    make = program(build(name), 64 << 20)
    session, out = start(make)
    expected = end_of(session, out)
    stops = stops_before(session.kernel.first.cpu + session.kernel.first.cpu_children, 6)
    assert end_of(*interrupted(make, stops, tmp_path / "saved")) == expected


def test_a_terminal_goes_on(host_root: Path, tmp_path: Path) -> None:
    pieces = [b"x=5; seq 3\n", b"sleep 9\n", b"\x03", b"echo $x\n"]

    def make() -> Session:
        return Session("/bin/sh", ["sh"], {"PATH": "/bin"}, root=host_root, memory_size=8 << 20)

    session = make()
    screen = scripted_terminal(session, pieces)
    code = session.run(300_000_000).exit_code
    second = make()
    first_screen = scripted_terminal(second, pieces)
    snapshot.run_to(second, session.kernel.first.cpu // 2)
    snapshot.save(second, tmp_path / "saved")
    host = second.kernel.host
    assert isinstance(host, Script)
    assert 0 < len(host.pieces) < len(pieces)
    third = snapshot.load(tmp_path / "saved")
    rest_of_screen = scripted_terminal(third, host.pieces)
    assert third.run(300_000_000).exit_code == code
    assert first_screen + rest_of_screen == screen
