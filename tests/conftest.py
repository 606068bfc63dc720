"""Shared by all tests: ncpu before JAX, one compilation cache, no host-dependent dtypes."""

from __future__ import annotations

import pytest

import ncpu  # noqa: F401  - first, so that XLA's flags are set before JAX starts
from ncpu import xla


def pytest_configure(config: pytest.Config) -> None:
    """Compile each shape once a machine, not once a test."""
    xla.use_cache()
