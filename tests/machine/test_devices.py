"""The same bits on one device, on eight, and on two processes."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import textwrap

import pytest

# Runs a mixed batch and prints a digest of every bit of the result.
BODY = """
import hashlib
import numpy as np, jax, jax.numpy as jnp
from ncpu.machine import batch, word
from ncpu.machine.state import new_state
LANES = 37
WORDS = [0x91000400, 0xF9000040, 0xF1000421, 0x54FFFFA1, 0xD4200000]
program = ncpu.Program.from_words(WORDS, 0x1000)
state = new_state(size=1 << 14, pc=0x1000)
regs = np.zeros((LANES, *state.regs.shape), np.uint32)
regs[:] = np.asarray(state.regs)
regs[:, 1, 0] = 1 + np.arange(LANES) * 7 % 11
regs[:, 2, 0] = 0x2000 + 8 * np.arange(LANES)
regs[5, 2, 0] = 0xFFFFFFF0
states = batch.broadcast(state, LANES).replace(regs=jnp.asarray(regs))
"""
DIGEST = """
digest = hashlib.sha256()
for leaf in jax.tree.leaves(done):
    digest.update(np.ascontiguousarray(leaf).tobytes())
print("DIGEST", digest.hexdigest())
"""


def run_script(script: str, *, devices: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
    return subprocess.Popen(
        [sys.executable, "-c", "import ncpu\n" + textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def digests(process: subprocess.Popen[str]) -> list[str]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err[-2000:]
    return [line.split()[1] for line in out.splitlines() if line.startswith("DIGEST")]


@pytest.fixture(scope="module")
def one_device() -> str:
    script = BODY + "done = ncpu.run_batch(program, states, 35)\n" + DIGEST
    return digests(run_script(script, devices=1))[0]


@pytest.mark.slow
def test_eight_devices(one_device: str) -> None:
    """37 lanes over 8 devices, in both forms and in another order."""
    script = (
        BODY
        + "assert jax.device_count() == 8\n"
        + "again = jax.tree.map(jnp.array, states)\n"
        + "done = ncpu.run_batch(program, states, 35)\n"
        + DIGEST
        + "turned = jax.tree.map(lambda leaf: jnp.roll(leaf, 5, axis=0), again)\n"
        + "done = ncpu.run_batch(program, turned, 35)\n"
        + "done = jax.tree.map(lambda leaf: jnp.roll(leaf, -5, axis=0), done)\n"
        + DIGEST
    )
    assert digests(run_script(script, devices=8)) == [one_device, one_device]


def test_two_processes(one_device: str) -> None:
    """Two hosts under jax.distributed: the same `run_batch`, lanes split between them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    processes = []
    for rank in range(2):
        head = (
            "import jax\n"
            "jax.config.update('jax_cpu_collectives_implementation', 'gloo')\n"
            f"jax.distributed.initialize('127.0.0.1:{port}', num_processes=2, process_id={rank})\n"
        )
        tail = (
            "assert jax.device_count() == 4 and jax.process_count() == 2\n"
            "done = ncpu.run_batch(program, states, 35)\n"
            "from jax.experimental import multihost_utils\n"
            "done = multihost_utils.process_allgather(done, tiled=True)\n"
        )
        processes.append(run_script(head + BODY + tail + DIGEST, devices=2))
    assert [digests(p)[0] for p in processes] == [one_device, one_device]


def test_digest_is_stable_across_runs(one_device: str) -> None:
    assert len(one_device) == len(hashlib.sha256().hexdigest())
    script = BODY + "done = ncpu.run_batch(program, states, 35, form='lockstep')\n" + DIGEST
    assert digests(run_script(script, devices=1))[0] == one_device
