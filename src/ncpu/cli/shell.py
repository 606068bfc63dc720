"""ncpu shell: a shell in a machine, on this terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from ncpu.cli.machine import PASS_ON, Env, Forward, Mount, Rootfs, Seed, open_session
from ncpu.cli.options import parse_environment, parse_mounts, parse_ports, parse_size

if TYPE_CHECKING:
    from ncpu.machine.linux.files import Files


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command(context_settings=PASS_ON)(shell)


def shell(
    command: Annotated[
        list[str] | None, typer.Argument(help="What to run; /bin/sh by default.")
    ] = None,
    rootfs: Rootfs = None,
    env: Env = None,
    mount: Mount = None,
    memory: Annotated[str, typer.Option(help="Memory of each process.")] = "16M",
    total: Annotated[str, typer.Option(help="Memory of all processes together.")] = "4G",
    tasks: Annotated[int, typer.Option(help="Most processes and threads.", min=1)] = 512,
    files: Annotated[int, typer.Option(help="Most open files of all.", min=16)] = 65_536,
    forward: Forward = None,
    seed: Seed = 0,
) -> None:
    """A shell in a machine of its own: processes, pipes, signals and job control.

    Without --rootfs the machine holds Debian's arm64 BusyBox, fetched once. In a terminal, keys
    go to the guest's terminal: Ctrl-C and Ctrl-Z reach its programs, `exit` or Ctrl-D ends it.
    """
    from ncpu import xla

    xla.use_cache()
    xla.run_in_place()
    size = parse_size(memory)
    words = command or ["/bin/sh"]
    session = open_session(
        words[0],
        words,
        shell_environment(env),
        root=busybox_tree(size) if rootfs is None else rootfs,
        mounts=parse_mounts(mount or []),
        memory_size=size,
        seed=seed,
        limits={"max_tasks": tasks, "max_memory": parse_size(total), "max_files": files},
        forward=parse_ports(forward or []),
    )
    try:
        result = session.run()
    finally:
        session.kernel.close_host()
    raise SystemExit(124 if result.exit_code is None else result.exit_code)


def busybox_tree(memory_size: int) -> Files:
    """A tree of Debian's BusyBox alone, fetched once."""
    from ncpu.machine.debian import fetch
    from ncpu.machine.linux.applets import busybox_root

    binary = (fetch("busybox-static") / "bin" / "busybox").read_bytes()
    return busybox_root(binary, memory_size=memory_size)


def shell_environment(env: list[str] | None) -> dict[str, str]:
    """What a shell finds in its environment, `env` included."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "TERM": os.environ.get("TERM", "dumb"),
        "PS1": "\\w # ",
        **parse_environment(env or []),
    }
