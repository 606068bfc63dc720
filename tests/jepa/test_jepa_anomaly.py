"""Faults alter what they say, the monitor scores them, figures agree with definitions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ncpu.jepa import Config, JEWorldModel
from ncpu.jepa.anomaly import Anomaly, alarms_at_95, auroc
from ncpu.jepa.errors import TraceError
from ncpu.jepa.faults import FAULTS, clean, inject
from ncpu.jepa.programs import Random
from ncpu.jepa.transition import Transition, take
from ncpu.jepa.view import PC, REGISTERS, Bus, View
from ncpu.machine.instr import Unit, field

SMALL = Config(hidden=8, code=8)


@pytest.fixture(scope="module")
def batch() -> Transition:
    made = Random(7).draw(512)
    # As many as drawn, so that the machine is compiled for one size.
    return take(made, np.resize(np.flatnonzero(made.valid), 512))


@pytest.mark.parametrize("name", list(FAULTS))
def test_a_fault_alters_the_view_and_nothing_else(batch: Transition, name: str) -> None:
    seen = inject(name, batch, np.random.default_rng(1))
    right, after = np.asarray(seen.shown.after.words), np.asarray(seen.after.words)
    assert len(after) >= 5 and len(seen.index) == len(after)
    assert (right != np.asarray(batch.before.words)[seen.index]).any()
    assert (right != after).any((1, 2)).all()
    apart = right ^ after
    if name.startswith("flip in"):
        assert (np.bitwise_count(apart).sum((1, 2)) == 1).all()
    rows = (apart != 0).any(2)
    written = np.asarray(seen.shown.written.rows)[:, 0]
    if name in ("flip in the destination", "stuck-at-1 in results"):
        assert (rows.argmax(1) == written).all()
    if name in ("flip in pc", "hijacked return"):
        assert not rows[:, :PC].any() and rows[:, PC].all()
    if name == "hijacked return":
        assert (field(seen.shown.packed, "unit") == Unit.BRANCH_REG).all()
    if name == "wrong destination":
        assert (written < REGISTERS).all()


def test_unknown_and_impossible_faults(batch: Transition) -> None:
    with pytest.raises(TraceError, match="there are flip in the destination"):
        inject("gremlin", batch, np.random.default_rng(0))
    stores = take(batch, np.flatnonzero(field(batch.packed, "unit") == Unit.STORE))
    with pytest.raises(TraceError, match="can suffer"):
        inject("hijacked return", stores, np.random.default_rng(0))


def test_a_calibrated_monitor_alarms_at_its_rate_and_sees_a_flip(batch: Transition) -> None:
    """Untrained: what no instruction writes is copied, so a flip there is seen at once."""
    monitor = Anomaly.calibrated(JEWorldModel(SMALL), batch, 0.05)
    calm = monitor.score(clean(batch))
    # Rare units share one threshold, so the rate holds over all units and not in each.
    assert 0 < (calm > 1).mean() <= 0.07
    silent = replace(clean(batch), after=View(words=np.asarray(batch.before.words)))
    assert monitor.score(silent).shape == calm.shape
    with pytest.raises(TraceError, match="clean"):
        Anomaly.calibrated(JEWorldModel(SMALL), take(batch, np.arange(0)))


def test_auroc_is_the_share_of_ordered_pairs() -> None:
    rng = np.random.default_rng(2)
    calm, faulty = rng.integers(0, 6, 50), rng.integers(2, 9, 40)
    pairs = (faulty[:, None] > calm).mean() + 0.5 * (faulty[:, None] == calm).mean()
    assert auroc(calm, faulty) == pytest.approx(pairs)
    assert alarms_at_95(np.array([0.0, 1.0, 5.0, 9.0]), np.full(100, 5.0)) == 0.5


def test_the_bus_is_hidden_from_a_blind_monitor(batch: Transition) -> None:
    loads = take(batch, np.flatnonzero(field(batch.packed, "unit") == Unit.LOAD))
    other = replace(loads, bus=Bus(words=np.asarray(loads.bus.words)[::-1]))
    blind = Anomaly(JEWorldModel(SMALL), np.ones(len(Unit)), 0.0, sees_memory=False)
    one, two = blind.score(clean(loads)), blind.score(replace(clean(loads), shown=other))
    np.testing.assert_array_equal(one, two)
