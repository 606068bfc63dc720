"""The sandbox: what honest programs get, and attempts to get out of it, each refused."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from ncpu.npcot import seccomp
from ncpu.npcot.errors import SandboxUnavailableError
from ncpu.npcot.sandbox import Limits, Sandbox

if not sys.platform.startswith("linux") or shutil.which("bwrap") is None:
    pytest.skip("needs bubblewrap: apt-get install bubblewrap", allow_module_level=True)

SMALL = Limits(wall_seconds=30.0, cpu_seconds=2, memory_bytes=256 << 20)
SYSCALL = """
import ctypes, os, platform
libc = ctypes.CDLL(None, use_errno=True)
def call(x86, arm, *args):
    number = x86 if platform.machine() == "x86_64" else arm
    result = libc.syscall(number, *args)
    print("refused" if result == -1 else "done", os.strerror(ctypes.get_errno()))
"""


@pytest.fixture(scope="module")
def box() -> Sandbox:
    return Sandbox(SMALL)


def test_an_honest_program_runs(box):
    outcome = box.run("import sys\nprint(sum(map(int, sys.stdin)))", b"1\n2\n3\n")
    assert outcome.ok and outcome.stdout == b"6\n" and outcome.stderr == b""


def test_the_usual_library_is_there(box):
    names = "math re json itertools functools collections heapq bisect string random decimal typing"
    assert box.run(f"import {names.replace(' ', ',')},hashlib,datetime\nprint('ok')").ok


def test_an_exception_or_exit_status_is_reported(box):
    assert b"ZeroDivisionError" in box.run("1/0").stderr
    assert box.run("raise SystemExit(7)").code == 7
    assert box.run("print('é\\ud800')").code == 1  # a lone surrogate cannot be printed


def test_runs_are_independent(box):
    assert box.run("open('/tmp/left', 'w').write('x')").ok
    assert box.run("import os; print(os.listdir('/tmp'))").stdout == b"[]\n"


def test_the_numbers_are_the_kernels():
    """Names and numbers against the C library's headers, where they are installed."""
    headers = "#include <sys/syscall.h>\n" + "\n".join(
        f"N {name} SYS_{name}" for name, row in seccomp.ALLOWED.items() if row[0] is not None
    )
    if platform.machine() != "x86_64" or shutil.which("cc") is None:
        pytest.skip("needs cc on x86-64")
    text = subprocess.run(
        ["cc", "-E", "-P", "-"], input=headers, capture_output=True, text=True, check=True
    ).stdout
    found = dict(line.split()[1:] for line in text.splitlines() if line.startswith("N "))
    for name, (number, _) in seccomp.ALLOWED.items():
        if number is not None and found[name].isdigit():
            assert int(found[name]) == number, name
    assert sum(v.isdigit() for v in found.values()) > 60


def interpret(program: bytes, number: int, arch: int, argument: int = 0) -> int:
    """What a classic BPF program returns for one system call."""
    lines = [struct.unpack_from("<HBBI", program, 8 * i) for i in range(len(program) // 8)]
    data = struct.pack("<IIQ6Q", number, arch, 0, 0, argument, 0, 0, 0, 0)
    at, loaded = 0, 0
    while True:
        code, jt, jf, k = lines[at]
        at += 1
        if code == 0x20:
            (loaded,) = struct.unpack_from("<I", data, k)
        elif code == 0x06:
            return k
        else:
            at += jt if (loaded == k if code == 0x15 else loaded >= k) else jf


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
def test_the_filter_allows_exactly_its_list(machine):
    column = seccomp.ARCHITECTURES.index(machine)
    arch = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine]
    program = seccomp.filter_program(machine)
    allowed = {row[column] for row in seccomp.ALLOWED.values()} - {None}
    ioctl = {"x86_64": 16, "aarch64": 29}[machine]
    for number in range(600):
        verdict = interpret(program, number, arch, 0x5412)  # TIOCSTI
        assert (verdict == 0x7FFF0000) == (number in allowed and number != ioctl), number
    assert interpret(program, ioctl, arch, 0x5401) == 0x7FFF0000
    assert interpret(program, 0, arch ^ 1) == 0x80000000  # another architecture: killed
    assert interpret(program, 0x40000001, arch) == 0x00050026  # x32: ENOSYS


def refused(box: Sandbox, source: str) -> bytes:
    """Run something that must not work; the program itself says `done` where it did."""
    outcome = box.run(source)
    assert b"done" not in outcome.stdout
    return outcome.stdout + outcome.stderr


# Each prints "done" if it gets what it wants.
ESCAPES = {
    "read a host file": "print('done', open('/etc/passwd').read())",
    "read the host's working folder": "import os; print('done', os.listdir('{cwd}'))",
    "write outside /tmp": "open('/escaped', 'w'); print('done')",
    "write over the interpreter's library": "import os; open(os.__file__, 'a'); print('done')",
    "write to /usr": "import os; os.mkdir('/usr'); open('/usr/x', 'w'); print('done')",
    "replace the interpreter": "import os, sys; os.unlink(sys._base_executable); print('done')",
    "list processes": "import os; print('done', os.listdir('/proc')[0])",
    "read /proc/1/environ": "print('done', open('/proc/1/environ').read())",
    "open a device": "open('/dev/mem', 'rb'); print('done')",
    "read the kernel's log": "open('/dev/kmsg'); print('done')",
    "open a socket": "import socket; socket.socket(); print('done')",
    "resolve a name": "import socket; socket.getaddrinfo('example.org', 80); print('done')",
    "fork": "import os; os.fork(); print('done')",
    "start a program": "import subprocess; subprocess.run(['/bin/true']); print('done')",
    "become a shell": "import os; os.execv('/bin/sh', ['sh', '-c', 'echo done'])",
    "start a thread": "import threading; threading.Thread(target=print, args=['done']).start()",
    "follow a symbolic link out": (
        "import os; os.symlink('/etc/passwd', '/tmp/l'); print('done', open('/tmp/l').read())"
    ),
    "hard-link the library": "import os; os.link(os.__file__, '/tmp/l'); print('done')",
    "make a device": "import os; os.mknod('/tmp/d', 0o20666, os.makedev(1, 1)); print('done')",
    "become root": "import os; os.setuid(0); print('done')",
    "set the setuid bit": "import os; os.chmod('/tmp', 0o4777); print('done')",
    "signal the parent": "import os; os.kill(os.getppid(), 9); print('done')",
    "signal everyone": "import os; os.kill(-1, 9); print('done')",
    "raise a limit": "import resource as r; r.setrlimit(r.RLIMIT_AS, (-1, -1)); print('done')",
    "leave the root": "import os; os.chroot('/tmp'); print('done')",
    "import from the host": "import numpy; print('done')",
    "import this package": "import ncpu; print('done')",
    "change the host's name": "import socket; socket.sethostname('x'); print('done')",
}


@pytest.mark.parametrize("source", ESCAPES.values(), ids=ESCAPES.keys())
def test_escape_in_python(box, source):
    output = refused(box, source.replace("{cwd}", os.getcwd()))
    assert b"Traceback" in output


# (x86-64 number, aarch64 number, arguments)
SYSCALLS = {
    "ptrace": (101, 117, "0, 0, 0, 0"),
    "process_vm_readv": (310, 270, "1, 0, 0, 0, 0, 0"),
    "mount": (165, 40, "b'none', b'/tmp', b'tmpfs', 0, 0"),
    "umount2": (166, 39, "b'/tmp', 2"),
    "pivot_root": (155, 41, "b'/tmp', b'/tmp'"),
    "open_tree": (428, 428, "-100, b'/', 1"),
    "unshare a user namespace": (272, 97, "0x10000000"),
    "setns": (308, 268, "0, 0"),
    "clone": (56, 220, "17, 0, 0, 0, 0"),
    "clone3": (435, 435, "0, 0"),
    "io_uring_setup": (425, 425, "8, ctypes.create_string_buffer(256)"),
    "bpf": (321, 280, "0, 0, 0"),
    "keyctl": (250, 219, "0, -3, 1"),
    "add_key": (248, 217, "b'user', b'k', b'v', 1, -2"),
    "shmget": (29, 194, "0, 4096, 0o1600"),
    "msgget": (68, 186, "0, 0o1600"),
    "semget": (64, 190, "0, 1, 0o1600"),
    "perf_event_open": (298, 241, "0, 0, -1, -1, 0"),
    "userfaultfd": (323, 282, "1"),
    "memfd_create": (319, 279, "b'x', 0"),
    "init_module": (175, 105, "0, 0, b''"),
    "kexec_load": (246, 104, "0, 0, 0, 0"),
    "reboot": (169, 142, "0, 0, 0, 0"),
    "settimeofday": (164, 170, "0, 0"),
    "prctl": (157, 167, "4, 1, 0, 0, 0"),
    "seccomp": (317, 277, "0, 0, 0"),
    "personality": (135, 92, "0x0040000"),
    "pidfd_open": (434, 434, "1, 0"),
    "name_to_handle_at": (303, 264, "-100, b'/', 0, 0, 0"),
    "fanotify_init": (300, 262, "0, 0"),
}


@pytest.mark.parametrize("call", SYSCALLS.values(), ids=SYSCALLS.keys())
def test_escape_by_system_call(box, call):
    x86, arm, arguments = call
    output = refused(box, f"{SYSCALL}\ncall({x86}, {arm}, {arguments})")
    assert output == b"refused Operation not permitted\n"


def test_the_32_bit_entry_is_closed():
    """int 0x80 would speak i386 numbers, which the filter's list does not mean."""
    if platform.machine() != "x86_64":
        pytest.skip("x86 only")
    code = "b'\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3'"  # mov eax, 20 (getpid); int 0x80; ret
    outcome = Sandbox(SMALL).run(
        f"import ctypes, mmap\nm = mmap.mmap(-1, 4096, prot=7)\nm.write({code})\n"
        "f = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))\n"
        "print('done', f())"
    )
    assert b"done" not in outcome.stdout and outcome.ended == "signal"
    assert outcome.code in (-signal.SIGSYS, 128 + signal.SIGSYS)


def test_memory_bomb(box):
    assert b"MemoryError" in refused(box, "x = bytearray(1 << 33)\nprint('done')")
    grown = box.run("x = []\nwhile True: x.append(bytearray(1 << 20))")
    assert not grown.ok and b"MemoryError" in grown.stderr


def test_disk_bomb(box):
    refused(box, "open('/tmp/x', 'wb').write(bytes(1 << 26))\nprint('done')")
    refused(
        box,
        "for i in range(64): open(f'/tmp/{i}', 'wb').write(bytes(1 << 20))\nprint('done')",
    )


def test_fork_bomb(box):
    outcome = box.run("import os\nwhile True: os.fork()")
    assert not outcome.ok and b"PermissionError" in outcome.stderr


def test_descriptor_bomb(box):
    refused(box, "x = [open('/tmp/x', 'w') for _ in range(1000)]\nprint('done')")


def test_infinite_loop():
    box = Sandbox(Limits(wall_seconds=0.5))
    outcome = box.run("while True: pass")
    assert outcome.ended == "wall"


def test_sleeping_with_closed_outputs():
    box = Sandbox(Limits(wall_seconds=0.5))
    outcome = box.run("import os, time\nos.close(1)\nos.close(2)\ntime.sleep(60)")
    assert outcome.ended == "wall"


def test_cpu_limit_without_wall_limit():
    outcome = Sandbox(Limits(wall_seconds=60, cpu_seconds=1)).run("while True: pass")
    assert not outcome.ok and outcome.ended != "wall"


def test_endless_output(box):
    outcome = box.run("while True: print('x' * 1000)")
    assert outcome.ended == "output" and len(outcome.stdout) <= SMALL.output_bytes


def test_ignored_signals_do_not_save_it():
    box = Sandbox(Limits(wall_seconds=0.5))
    outcome = box.run(
        "import signal\nfor s in range(1, 32):\n  try: signal.signal(s, signal.SIG_IGN)\n"
        "  except (OSError, ValueError): pass\nwhile True: pass"
    )
    assert outcome.ended == "wall"


def test_nothing_of_it_is_left_running():
    mark = f"left-{os.getpid()}-{time.monotonic_ns()}"
    box = Sandbox(Limits(wall_seconds=0.5))
    box.run(f"{mark!r}\nimport time\ntime.sleep(60)")
    time.sleep(0.1)
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(box._root) not in listed.stdout


def test_the_environment_does_not_leak(box, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    assert b"hidden" not in box.run("import os; print(os.environ)").stdout


def test_open_files_are_not_inherited(box, tmp_path):
    with (tmp_path / "secret").open("w+") as file, socket.socket() as other:
        file.write("hidden")
        file.flush()
        os.set_inheritable(file.fileno(), True)
        os.set_inheritable(other.fileno(), True)
        outcome = box.run(
            "import os\nfor n in range(3, 32):\n"
            "  try: os.fstat(n); print('open', n)\n  except OSError: pass"
        )
    assert outcome.ok and outcome.stdout == b""


def test_the_user_is_unprivileged_inside_and_outside(box):
    assert box.run("import os; print(os.getuid(), os.getgid())").stdout == b"65534 65534\n"
    sleeper = threading.Thread(target=box.run, args=("import time; time.sleep(1)  # uid",))
    sleeper.start()
    try:
        deadline = time.monotonic() + 5
        users: set[int] = set()
        while not users and time.monotonic() < deadline:
            users = host_users(str(box._root))
        assert users and 0 not in users
    finally:
        sleeper.join()


def host_users(text: str) -> set[int]:
    """The host's user ids of the processes whose arguments contain `text`."""
    found = set()
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and text in (folder / "cmdline").read_text(errors="replace"):
                status = (folder / "status").read_text()
                found.add(int(status.split("Uid:")[1].split()[1]))
        except OSError:  # it ended meanwhile
            continue
    return found


def test_no_weaker_fallback(monkeypatch):
    # Not pytest's own folder, which is private: what is in it is started as another user.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        monkeypatch.setenv("PATH", name)
        with pytest.raises(SandboxUnavailableError, match="apt-get install bubblewrap"):
            Sandbox()
        false = folder / "bwrap"
        false.write_text("#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n")
        false.chmod(0o755)
        monkeypatch.setenv("PATH", f"{name}:/usr/bin:/bin")
        wanted = r"new namespace.*user\.max_user_namespaces"
        with pytest.raises(SandboxUnavailableError, match=wanted):
            Sandbox()
