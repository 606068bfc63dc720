"""Privacy against dp-accounting and exact distributions; transfer against SciPy and known maps."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from ncpu.npcot.errors import HiddenStateError, PrivacyError
from ncpu.npcot.privacy import (
    Budget,
    gaussian_delta,
    gaussian_sigma,
    private_counts,
    private_keys,
    utility_curve,
)
from ncpu.npcot.transfer import METHODS, fit, held_out

BUDGETS = [(0.1, 1e-6), (1.0, 1e-5), (10.0, 1e-5), (50.0, 1e-5), (200.0, 1e-9)]


@pytest.mark.parametrize(("epsilon", "delta"), BUDGETS)
@pytest.mark.parametrize("releases", [1, 7])
def test_sigma_is_dp_accountings(epsilon, delta, releases):
    accountant = pytest.importorskip("dp_accounting.pld.accountant")
    common = pytest.importorskip("dp_accounting.pld.common")
    parameters = common.DifferentialPrivacyParameters(epsilon, delta)
    expected = accountant.get_smallest_gaussian_noise(parameters, releases, 2.0)
    found = gaussian_sigma(Budget(epsilon, delta), releases=releases)
    assert found == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("epsilon", "delta"), BUDGETS)
def test_sigma_is_the_smallest_that_keeps_the_budget(epsilon, delta):
    sigma = gaussian_sigma(Budget(epsilon, delta))
    assert gaussian_delta(sigma, epsilon, 2.0) <= delta < gaussian_delta(0.999 * sigma, epsilon, 2)


def unit_rows(rng, count, width):
    rows = rng.normal(size=(count, width))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_a_small_epsilon_on_keys_needs_the_flag():
    keys = unit_rows(np.random.default_rng(0), 5, 8)
    for epsilon in (0.5, 10.0):
        with pytest.raises(PrivacyError, match="destroys retrieval"):
            private_keys(keys, Budget(epsilon, 1e-5), np.random.default_rng(0))
        noisy = private_keys(
            keys, Budget(epsilon, 1e-5), np.random.default_rng(0), destroy_retrieval=True
        )
        np.testing.assert_allclose(np.linalg.norm(noisy, axis=1), 1.0, rtol=1e-5)
    with pytest.raises(PrivacyError, match="unit rows"):
        private_keys(2 * keys, Budget(20, 1e-5), np.random.default_rng(0))
    for wrong in [(0, 0.1), (-1, 0.1), (1, 0), (1, 1), (math.inf, 0.1), (math.nan, 0.1)]:
        with pytest.raises(PrivacyError):
            Budget(*wrong)


def test_the_utility_curve_says_what_is_lost():
    rng = np.random.default_rng(1)
    keys = unit_rows(rng, 128, 64)
    right = rng.integers(0, 128, 400)
    queries = keys[right] + 0.02 * rng.normal(size=(400, 64))
    curve = utility_curve(keys, queries, right, [1, 10, 100, 10_000, math.inf], 1e-5, rng)
    rates = [row["top1"] for row in curve]
    assert rates[0] < 0.1 and rates[1] < 0.5 and rates[-1] == 1.0 and rates[-2] > 0.9
    sigmas = [row["sigma"] for row in curve]
    assert sigmas == sorted(sigmas, reverse=True) and sigmas[-1] == 0


def test_counts_have_discrete_laplace_noise():
    rng = np.random.default_rng(2)

    def below(n):
        return int(rng.integers(n))

    epsilon = Fraction(1, 2)
    noise = np.array(private_counts([0] * 20_000, epsilon, per_person=1, below=below))
    ratio = math.exp(-0.5)
    for value in range(-4, 5):
        expected = (1 - ratio) / (1 + ratio) * ratio ** abs(value)
        spread = math.sqrt(expected * (1 - expected) / len(noise))
        assert abs(np.mean(noise == value) - expected) < 5 * spread
    wide = np.array(private_counts([100] * 4000, epsilon, per_person=3, below=below))
    assert abs(wide.mean() - 100) < 1.0 and wide.std() > 2 * noise.std()


def test_counts_refuse_what_has_no_meaning():
    for counts, epsilon, bound in [([1.5], 1, 1), ([1], 0, 1), ([1], 1, 0), ([1], -1, 1)]:
        with pytest.raises(PrivacyError):
            private_counts(counts, epsilon, per_person=bound)
    assert len(private_counts([1, 2, 3], 1, per_person=1)) == 3


def paired(rng, count=200, dt=24, ds=24, noise=0.05, rotation=False):
    teacher = rng.normal(size=(count, dt)) + 3.0
    matrix = rng.normal(size=(dt, ds)) / math.sqrt(dt)
    if rotation:
        matrix = np.linalg.qr(matrix)[0] * 0.7
    student = teacher @ matrix + noise * rng.normal(size=(count, ds)) - 1.0
    return teacher, student


@pytest.mark.parametrize("method", METHODS)
def test_a_known_map_is_found(method):
    teacher, student = paired(np.random.default_rng(3), noise=0.0, rotation=True)
    found = fit(teacher, student, method, ridge=1e-12)
    np.testing.assert_allclose(found(teacher), student, atol=1e-6)


def test_procrustes_is_scipys():
    linalg = pytest.importorskip("scipy.linalg")
    teacher, student = paired(np.random.default_rng(4), noise=0.5)
    found = fit(teacher, student, "procrustes")
    t, s = teacher - teacher.mean(0), student - student.mean(0)
    rotation, sizes = linalg.orthogonal_procrustes(t, s)
    np.testing.assert_allclose(found.matrix, rotation * sizes / (t * t).sum(), atol=1e-9)


def test_least_squares_is_numpys():
    teacher, student = paired(np.random.default_rng(5), noise=0.5, ds=10)
    found = fit(teacher, student, ridge=1e-13)
    t, s = teacher - teacher.mean(0), student - student.mean(0)
    np.testing.assert_allclose(found.matrix, np.linalg.lstsq(t, s, rcond=None)[0], atol=1e-8)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("widths", [(24, 24), (32, 16)])
def test_held_out_retrieval_and_its_controls(method, widths):
    teacher, student = paired(np.random.default_rng(6), 400, *widths, rotation=True)
    report = held_out(teacher, student, np.random.default_rng(0), method)
    assert report.pairs == 100 and report.chance == 0.01
    assert report.top1 > (0.95 if method == "least-squares" or widths[0] == 24 else 0.3)
    assert report.shuffled < 0.1


def test_pairs_that_are_none():
    good = np.ones((4, 3))
    for teacher, student in [(good, good[:2]), (good[0], good), (good * np.nan, good)]:
        with pytest.raises(HiddenStateError):
            fit(teacher, student)
    with pytest.raises(HiddenStateError):
        fit(good, good, "magic")
    with pytest.raises(HiddenStateError):
        held_out(good, good, np.random.default_rng(0))
