"""Run Python that a model wrote, where it can reach nothing: bubblewrap, seccomp, limits.

The process has its own user, mount, pid, network, ipc, uts and cgroup namespaces, an unprivileged
user on the host, a read-only root that holds one interpreter and no host folder, a list of allowed
system calls (`seccomp.py`), resource limits and a wall-clock limit after which its whole process
group is killed.  There is no weaker mode: without bubblewrap or user namespaces `Sandbox()`
raises.

What goes in is a source text and bytes on standard input; what comes out is capped bytes.  Values
that an answer is compared with stay outside.
"""

from __future__ import annotations

import atexit
import os
import platform
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from ncpu.npcot.errors import SandboxUnavailableError
from ncpu.npcot.sandbox_root import build_root
from ncpu.npcot.seccomp import ARCHITECTURES, filter_program

NOBODY = 65534
PROBE_SECONDS = 60.0  # a loaded machine starts an interpreter slowly
_FIRST_LINE = (
    "import sys;n=int(sys.stdin.buffer.readline());s=sys.stdin.buffer.read(n).decode();del n;"
    "exec(compile(s,'<candidate>','exec'),{'__name__':'__main__'})"
)


@dataclass(frozen=True)
class Limits:
    """What one run may use; every limit is a hard one."""

    wall_seconds: float = 5.0
    cpu_seconds: int = 5
    memory_bytes: int = 512 << 20
    file_bytes: int = 8 << 20
    """Of one file, and of /tmp as a whole."""
    output_bytes: int = 256 << 10
    """Of standard output and standard error together."""
    open_files: int = 32


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
      ended: `exit` (by itself), `signal`, `wall` (time limit) or `output` (output limit).
      code: exit status, or minus the signal's number.
      stdout, stderr: what was written, cut at the limit.
      seconds: wall time.
    """

    ended: str
    code: int
    stdout: bytes
    stderr: bytes
    seconds: float

    @property
    def ok(self) -> bool:
        """True when it ended by itself with status 0."""
        return self.ended == "exit" and self.code == 0


class Sandbox:
    """One prepared root; `run` starts a new process in new namespaces each time."""

    def __init__(self, limits: Limits | None = None, bwrap: str = "bwrap"):
        """Prepare and prove the sandbox by running an empty program in it.

        Args:
          limits: of every run.
          bwrap: bubblewrap's name or path.

        Raises:
          SandboxUnavailableError: no Linux, bubblewrap or prlimit, an unknown architecture,
            user namespaces refused, or an interpreter that does not start inside.
        """
        wanted = limits or Limits()
        # Whether it starts at all is not a question of how fast.
        self.limits = replace(wanted, wall_seconds=max(wanted.wall_seconds, PROBE_SECONDS))
        self._bwrap = _tool(bwrap, "bubblewrap")
        self._prlimit = _tool("prlimit", "util-linux")
        if platform.machine() not in ARCHITECTURES:
            raise SandboxUnavailableError(
                f"no system-call filter for {platform.machine()}; accepted: {ARCHITECTURES}"
            )
        self._root, self._python = _root()
        self._filter = filter_program(platform.machine())
        probe = self.run("print('ready')")
        if not probe.ok or probe.stdout != b"ready\n":
            reason = probe.stderr.decode(errors="replace").strip() or f"it ended by {probe.ended}"
            raise SandboxUnavailableError(
                f"an empty program does not run in the sandbox: {reason}. Unprivileged user "
                "namespaces must be allowed (sysctl user.max_user_namespaces, and on Ubuntu "
                "kernel.apparmor_restrict_unprivileged_userns=0)"
            )
        self.limits = wanted

    def run(self, source: str, stdin: bytes = b"") -> Outcome:
        """Run a program.

        Args:
          source: Python; it runs as `__main__` with only the standard library.
          stdin: what it finds on standard input.

        Returns:
          how it ended, always: nothing that the program does raises here.
        """
        text = source.encode("utf-8", "surrogatepass")
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as rules:
            given.write(b"%d\n" % len(text) + text + stdin)
            given.seek(0)
            rules.write(self._filter)
            rules.seek(0)
            return self._start(given.fileno(), rules.fileno())

    def _start(self, stdin: int, rules: int) -> Outcome:
        root = os.geteuid() == 0
        started = time.monotonic()
        process = subprocess.Popen(
            [*self._limit_arguments(), *self._bwrap_arguments(rules)],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={},
            cwd="/",
            pass_fds=(rules,),
            start_new_session=True,
            user=NOBODY if root else None,
            group=NOBODY if root else None,
            extra_groups=[] if root else None,
        )
        stdout, stderr, cut = _read(process, started, self.limits)
        _kill_group(process)
        code = process.wait()
        ended = cut or ("signal" if code < 0 or code > 128 else "exit")
        return Outcome(ended, code, stdout, stderr, time.monotonic() - started)

    def _limit_arguments(self) -> list[str]:
        limits = self.limits
        return [
            self._prlimit,
            f"--as={limits.memory_bytes}",
            f"--cpu={limits.cpu_seconds}",
            f"--fsize={limits.file_bytes}",
            f"--nofile={limits.open_files}",
            "--core=0",
            "--",
        ]

    def _bwrap_arguments(self, rules: int) -> list[str]:
        return [
            *(self._bwrap, "--unshare-all", "--unshare-user", "--disable-userns"),
            *("--uid", str(NOBODY), "--gid", str(NOBODY), "--hostname", "sandbox"),
            *("--die-with-parent", "--new-session", "--clearenv"),
            *("--setenv", "PYTHONHASHSEED", "0", "--ro-bind", str(self._root), "/"),
            *("--size", str(self.limits.file_bytes), "--tmpfs", "/tmp", "--chdir", "/tmp"),
            *("--seccomp", str(rules), "--", str(self._python)),
            *("-I", "-S", "-B", "-X", "utf8", "-c", _FIRST_LINE),
        ]


def _tool(name: str, package: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise SandboxUnavailableError(
            f"{name!r} is not installed; model-written Python runs only in it: apt-get install "
            f"{package}"
        )
    return path


@cache
def _root() -> tuple[Path, Path]:
    """The root of this process's sandboxes and the interpreter in it; removed at exit."""
    if sys.platform != "linux":
        raise SandboxUnavailableError(f"the sandbox needs Linux, this is {sys.platform}")
    folder = Path(tempfile.mkdtemp(prefix="ncpu-sandbox-", dir="/tmp"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder, build_root(folder)


def _read(
    process: subprocess.Popen[bytes], started: float, limits: Limits
) -> tuple[bytes, bytes, str]:
    """Both outputs until they close, the time is up or they are too long; and which of these."""
    assert process.stdout is not None and process.stderr is not None
    kept = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    left, cut = limits.output_bytes, ""
    with selectors.DefaultSelector() as ready, process.stdout, process.stderr:
        for descriptor in kept:
            ready.register(descriptor, selectors.EVENT_READ)
        while ready.get_map() and not cut:
            wait = started + limits.wall_seconds - time.monotonic()
            events = ready.select(max(wait, 0.0)) if wait > 0 else []
            if not events:
                cut = "wall"
            for key, _ in events:
                chunk = os.read(key.fd, 65536)
                if not chunk:
                    ready.unregister(key.fd)
                kept[key.fd] += chunk[: max(left, 0)]
                left -= len(chunk)
            if left < 0:
                cut = cut or "output"
        if cut:
            _kill_group(process)
        stdout, stderr = (bytes(kept[f.fileno()]) for f in (process.stdout, process.stderr))
    if not cut:
        try:  # both outputs closed by a program that goes on
            process.wait(max(started + limits.wall_seconds - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            cut = "wall"
    return stdout, stderr, cut


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
