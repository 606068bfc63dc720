"""ncpu shell: a shell in a machine, on this terminal."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from ncpu.cli.machine import PASS_ON, Env, Forward, Mount, Rootfs, Seed, open_session
from ncpu.cli.options import parse_environment, parse_mounts, parse_ports, parse_size


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
    forward: Forward = None,
    seed: Seed = 0,
) -> None:
    """A shell in a machine of its own: processes, pipes, signals and job control.

    Without --rootfs the machine holds Debian's arm64 BusyBox, fetched once. In a terminal, keys
    go to the guest's terminal: Ctrl-C and Ctrl-Z reach its programs, `exit` or Ctrl-D ends it.
    """
    from ncpu import xla
    from ncpu.machine.linux.applets import busybox_root

    xla.use_cache()
    size = parse_size(memory)
    if rootfs is None:
        from ncpu.machine.debian import fetch

        binary = (fetch("busybox-static") / "bin" / "busybox").read_bytes()
        root = busybox_root(binary, memory_size=size)
    else:
        root = rootfs
    words = command or ["/bin/sh"]
    environment = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "TERM": os.environ.get("TERM", "dumb"),
        "PS1": "\\w # ",
        **parse_environment(env or []),
    }
    session = open_session(
        words[0],
        words,
        environment,
        root=root,
        mounts=parse_mounts(mount or []),
        memory_size=size,
        seed=seed,
        limits={"max_tasks": tasks, "max_memory": parse_size(total)},
        forward=parse_ports(forward or []),
    )
    try:
        result = session.run()
    finally:
        session.kernel.close_host()
    raise SystemExit(124 if result.exit_code is None else result.exit_code)
