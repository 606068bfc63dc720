"""The limit of open files in all (ENFILE), which protects the host and so binds root, too.

The answers are those of the manual pages: open(2), pipe(2), accept(2), unix(7). Linux itself
exempts root, so that no other machine can be asked without changing its settings.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import pytest

import corpus
from ncpu.machine.linux.launch import Session

SOURCES = corpus.PROGRAMS / "linux"

FILES = r"""
#include "check.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
static long fill(void) {
    long made = 0;
    while (open("/dev/null", O_RDONLY) >= 0) made++;
    return made;
}
static void numbers(const char *path) {
    char text[100];
    int fd = open(path, O_RDONLY);
    text[read(fd, text, 99)] = 0;
    close(fd);
    printf("%s %s", path, text);
}
int main(void) {
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/tmp/s"};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), caller = socket(AF_UNIX, SOCK_STREAM, 0);
    int ends[2], ways[2], status;
    sigset_t none;
    sigemptyset(&none);
    bind(listener, (struct sockaddr *)&name, sizeof name);
    listen(listener, 2);
    connect(caller, (struct sockaddr *)&name, sizeof name);
    mkfifo("/tmp/fifo", 0600);
    socketpair(AF_UNIX, SOCK_STREAM, 0, ways);
    numbers("/proc/sys/fs/file-max");
    numbers("/proc/sys/fs/file-nr");
    SHOW(fill());
    SHOW(open("/tmp/new", O_CREAT | O_WRONLY, 0600));
    SHOW(access("/tmp/new", F_OK));
    SHOW(open("/missing", O_PATH));
    SHOW(open("/tmp/fifo", O_RDONLY | O_NONBLOCK));
    SHOW(posix_openpt(O_RDWR));
    SHOW(pipe(ends));
    SHOW(socket(AF_UNIX, SOCK_STREAM, 0));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    SHOW(accept(listener, NULL, NULL));
    SHOW(memfd_create("m", 0));
    SHOW(eventfd(0, 0));
    SHOW(epoll_create1(0));
    SHOW(timerfd_create(CLOCK_MONOTONIC, 0));
    SHOW(signalfd(-1, &none, 0));
    SHOW(dup(0) > 0);
    SHOW(fcntl(0, F_DUPFD, 50) >= 50);
    pid_t pid = fork();
    if (pid == 0) _exit(open("/dev/null", O_RDONLY) < 0 ? errno : 0);
    waitpid(pid, &status, 0);
    SHOW(WEXITSTATUS(status) == ENFILE);

    char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 'f';
    struct iovec vector = {&byte, 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET, head->cmsg_type = SCM_RIGHTS, head->cmsg_len = CMSG_LEN(4);
    memcpy(CMSG_DATA(head), &caller, 4);
    SHOW(sendmsg(ways[0], &message, 0));
    SHOW(close(caller));
    SHOW(fill());
    SHOW(close(ways[1]));
    SHOW(fill());
    SHOW(close(30));
    SHOW(pipe(ends));
    SHOW(accept(listener, NULL, NULL) == 30);
    SHOW(fill());
    pid = fork();
    if (pid == 0) { for (int fd = 3; fd < 60; fd++) close(fd); _exit(0); }
    waitpid(pid, &status, 0);
    SHOW(fill());
    return 0;
}
"""
NOT_MADE = (
    'open("/tmp/new", O_CREAT | O_WRONLY, 0600)',
    'open("/missing", O_PATH)',
    'open("/tmp/fifo", O_RDONLY | O_NONBLOCK)',
    "posix_openpt(O_RDWR)",
    "pipe(ends)",
    "socket(AF_UNIX, SOCK_STREAM, 0)",
    "socketpair(AF_UNIX, SOCK_STREAM, 0, ends)",
    "accept(listener, NULL, NULL)",
    'memfd_create("m", 0)',
    "eventfd(0, 0)",
    "epoll_create1(0)",
    "timerfd_create(CLOCK_MONOTONIC, 0)",
    "signalfd(-1, &none, 0)",
)


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    if shutil.which("aarch64-linux-gnu-gcc") is None:
        pytest.skip("aarch64-linux-gnu-gcc is not installed (Debian package gcc-aarch64-linux-gnu)")
    (tmp_path / "files.c").write_text(FILES)
    command = ["aarch64-linux-gnu-gcc", "-O1", "-static", "-Wall", f"-I{SOURCES}"]
    subprocess.run([*command, "-o", "files", "files.c"], check=True, cwd=tmp_path)
    return tmp_path / "files"


def test_open_files_meet_a_limit_of_all(binary: Path) -> None:
    out = io.BytesIO()
    session = Session(binary, stdout=out, limits={"max_files": 40}, memory_size=8 << 20)
    assert session.run(100_000_000).exit_code == 0
    lines = out.getvalue().decode().splitlines()
    # Three standard streams and four sockets; the text is older than the file that shows it.
    assert lines[:2] == ["/proc/sys/fs/file-max 40", "/proc/sys/fs/file-nr 7\t0\t40"]
    assert "fill() = 33 " in lines[2]
    for call in NOT_MADE:
        assert f"{call} = -1 Too many open files in system" in lines
    assert 'access("/tmp/new", F_OK) = -1 No such file or directory' in lines
    assert lines[17:] == [
        "dup(0) > 0 = 1 ",
        "fcntl(0, F_DUPFD, 50) >= 50 = 1 ",
        "WEXITSTATUS(status) == ENFILE = 1 ",
        "sendmsg(ways[0], &message, 0) = 1 ",
        "close(caller) = 0 ",
        "fill() = 0 ",
        "close(ways[1]) = 0 ",
        "fill() = 2 ",
        "close(30) = 0 ",
        "pipe(ends) = -1 Too many open files in system",
        "accept(listener, NULL, NULL) == 30 = 1 ",
        "fill() = 0 ",
        "fill() = 0 ",
    ]
    assert session.kernel.process.open_files.count == 0
