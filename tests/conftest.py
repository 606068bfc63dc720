"""Shared by all tests: ncpu before JAX, one compilation cache, bounded memory."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

import ncpu  # noqa: F401  - first, so that XLA's flags are set before JAX starts
from ncpu import xla

ENOUGH = 3 << 30  # bytes of a worker
PAGE = resource.getpagesize()


def pytest_configure(config: pytest.Config) -> None:
    """Compile each shape once a machine, not once a test; no thread beside the one that waits."""
    xla.use_cache()
    xla.run_in_place()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Notebooks first: they are the longest, and at the end one worker would wait for another."""
    items.sort(key=lambda item: "test_notebooks" not in item.nodeid)


@pytest.fixture(scope="module", autouse=True)
def forget_compiled() -> Iterator[None]:
    """Let executables go before they fill the memory; until then files share them."""
    yield
    import jax

    sizes = Path("/proc/self/statm")  # Linux says how much; elsewhere nothing is kept
    if not sizes.exists() or int(sizes.read_text().split()[1]) * PAGE > ENOUGH:
        jax.clear_caches()
