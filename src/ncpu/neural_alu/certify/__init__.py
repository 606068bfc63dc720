"""Certification: that trained cells, wired as they are, are exact arithmetic.

Four parts, each of which raises `CertificationError` at the first thing that is not so:
every cell on its whole domain (`cells.py`), 8 and 16-bit operations on all their operands
(`sweeps.py`), proofs for all inputs of every width (`proofs.py`), and operands by the million
at 32 and 64 bits (`vectors.py`).  Needs the solvers `z3-solver` and `cvc5`.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version

from ncpu.neural_alu.certify.cells import check_cells
from ncpu.neural_alu.certify.certificate import (
    Certificate,
    CertificationError,
    read_certificate,
    write_certificate,
)
from ncpu.neural_alu.measured import measure
from ncpu.neural_alu.planes import Networks

__all__ = [
    "Certificate",
    "CertificationError",
    "certify",
    "read_certificate",
    "write_certificate",
]

PACKAGES = ("ncpu", "jax", "jaxlib", "flax", "numpy", "z3-solver", "cvc5")
WORDS = 1 << 16


def certify(
    networks: Networks,
    *,
    digest: str,
    vectors: int = 10_000_000,
    network_vectors: int = 10_000,
    first_words: int = WORDS,
    seed: int = 0,
    report: Callable[[str], None] = lambda line: None,
) -> Certificate:
    """Certify trained cells; the defaults take minutes.

    Args:
      networks: the trained cells by name.
      digest: of their weights, which the certificate is bound to.
      vectors: for each operation of 32 and of 64 bits.
      network_vectors: the same with the networks run at every bit position, and packed; 0
        leaves these out, and the 8-bit sweep on them.
      first_words: values of the first operand in the 16-bit sweep; 65,536 is all.
      seed: of the random vectors.
      report: called with a line of text now and then.

    Raises:
      CertificationError: something is not exact, or could not be shown to be.
    """
    try:
        from ncpu.neural_alu.certify.lemmas import Setting
        from ncpu.neural_alu.certify.proofs import prove_all
    except ImportError as error:
        raise CertificationError(
            f"certification needs {error.name}: pip install 'ncpu[certify]'"
        ) from error
    from ncpu.neural_alu.certify.sweeps import sweep_bytes, sweep_shifts, sweep_words
    from ncpu.neural_alu.certify.vectors import run_networks, run_vectors

    seconds: dict[str, float] = {}

    @contextmanager
    def part(name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        seconds[name] = round(time.perf_counter() - start, 2)
        report(f"{name}: done in {seconds[name]:.1f} s")

    with part("cells"):
        cells = check_cells(networks)
        measured = measure(networks)
    with part("proofs"):
        proofs = prove_all(Setting(measured), report)
    with part("sweeps of 8 bits"):
        sweeps = sweep_bytes(measured, networks if network_vectors else None, report)
    with part("sweeps of 16 bits"):
        sweeps += sweep_shifts(measured, report) + sweep_words(measured, first_words, report)
    with part("vectors"):
        tried = run_vectors(measured, vectors, seed, report)
    if network_vectors:
        with part("vectors through the networks"):
            tried += run_networks(networks, network_vectors, seed, report)
    return Certificate(
        digest=digest,
        seed=seed,
        packages={"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        complete=all(sweep.complete for sweep in sweeps),
        seconds=seconds,
        cells=cells,
        sweeps=sweeps,
        proofs=proofs,
        vectors=tried,
    )
