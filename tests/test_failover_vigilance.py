"""False failovers and the U-shaped curve."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from hamodel import duration
from hamodel.failover import (
    Heartbeat,
    Lease,
    Stalls,
    best_misses,
    false_alarm_rate,
    vigilance,
)
from hamodel.markov import mean_time_to
from hamodel.units import DAY, HOUR, YEAR

MTTF = 2000 * HOUR


def test_the_curve_of_the_lesson():
    """1 s beats, 2 % lost, 20 s a failover; a beat counts as missed after 0.5 s."""
    beat = Heartbeat(interval=1, timeout=0.5, loss=0.02)
    curve = vigilance(beat, mttf=MTTF, recovery=20)
    assert (curve.best, max(curve.misses)) == (5, 20)
    assert round(curve.minutes_per_year[4], 1) == 1.9
    assert curve.minutes_per_year[1] == pytest.approx(4125, rel=5e-4)
    law = Heartbeat(interval=1, timeout=0.5, loss=0.02, misses=4).duration
    assert curve.detection[3] == pytest.approx(law.mean, rel=1e-9)
    assert np.all(np.diff(curve.downtime)[:4] < 0)
    assert np.all(np.diff(curve.downtime)[4:] > 0)
    first_order = 0.98 * 0.02**curve.misses
    assert curve.false_alarms[1:] == pytest.approx(first_order[1:], rel=5e-4)
    assert "5" in curve._repr_html_()


@given(st.floats(0.01, 0.6), st.integers(1, 6))
def test_false_alarms_are_runs_of_losses(loss, misses):
    """The mean time to the first run, from the chain that counts misses."""
    rates = np.zeros((misses + 1, misses + 1))
    for k in range(misses):
        rates[k, k + 1] = loss
        if k:
            rates[k, 0] = 1 - loss
    # from 0 a beat that arrives leads to 0 again: no move
    expected = mean_time_to(rates, [misses])[0]
    alarm = Heartbeat(interval=3.0, misses=misses, loss=loss).false_alarm_rate
    assert 1 / alarm == pytest.approx(3.0 * expected, rel=1e-9)


def test_false_alarms_by_playing_beats():
    rng = np.random.default_rng(6)
    beat = Heartbeat(interval=1, misses=3, loss=0.2)
    run = alarms = 0
    for lost in rng.random(300_000) < 0.2:
        run = run + 1 if lost else 0
        if run == 3:
            alarms, run = alarms + 1, 0
    assert alarms / 300_000 == pytest.approx(
        beat.false_alarm_rate, abs=4 * np.sqrt(alarms) / 300_000
    )


def test_stalls():
    """Exponential pauses against a uniform detection have a closed form."""
    stalls = Stalls(rate=1 / DAY, length=duration.exponential(2))
    beat = Heartbeat(interval=2, misses=3)
    expected = (np.exp(-4 / 2) - np.exp(-6 / 2)) / DAY
    assert stalls.false_alarm_rate(beat) == pytest.approx(expected, rel=1e-6)
    assert stalls.false_alarm_rate(4.5) == pytest.approx(np.exp(-2.25) / DAY)
    assert Stalls(rate=1, length=19).false_alarm_rate(Lease()) == 0
    exact = Stalls(rate=1, length=25).false_alarm_rate(Lease(tick=0))
    assert exact == pytest.approx(0.5)
    leases = [Lease(ttl=ttl, loop_wait=5) for ttl in (30, 40)]
    both = stalls.false_alarm_rate(Lease(ttl=np.array([30, 40]), loop_wait=5))
    alone = [stalls.false_alarm_rate(lease) for lease in leases]
    assert both == pytest.approx(alone, rel=1e-12)
    both = false_alarm_rate(Heartbeat(interval=1, misses=5, loss=0.1), stalls)
    assert both > expected
    with pytest.raises(ValueError, match="rate must be >= 0"):
        Stalls(rate=-1, length=1)


def test_stalls_move_the_best_number_of_misses_up():
    beat = Heartbeat(interval=1, loss=0.02)
    stalls = Stalls(rate=1 / HOUR, length=duration.exponential(2))
    calm = vigilance(beat, mttf=MTTF, recovery=20)
    stalling = vigilance(
        beat, mttf=MTTF, recovery=20, stalls=stalls, misses=range(1, 60)
    )
    assert stalling.best > calm.best
    assert stalling.downtime.min() > calm.downtime.min()


@given(st.floats(0.1, 5), st.floats(0.001, 0.3), st.floats(1e5, 1e8), st.floats(1, 600))
def test_the_derivative_finds_the_valley(interval, loss, mttf, recovery):
    smooth = best_misses(interval=interval, loss=loss, mttf=mttf, recovery=recovery)
    curve = vigilance(
        Heartbeat(interval=interval, loss=loss),
        mttf=mttf,
        recovery=recovery,
        misses=range(1, 40),
    )
    assert abs(curve.best - max(smooth, 1)) < 1.5


def test_the_optimum_as_a_formula():
    k, h, p, m, r = sympy.symbols("k h p m r", positive=True)
    cost = k * h / m + (1 - p) * p**k * r / h
    best = best_misses(interval=h, loss=p, mttf=m, recovery=r)
    values = {h: 2, p: sympy.Rational(1, 50), m: 7_200_000, r: 20}
    slope = sympy.diff(cost, k).subs(k, best).subs(values)
    assert abs(float(slope)) < 1e-20
    number = best_misses(interval=2, loss=0.02, mttf=7.2e6, recovery=20)
    assert float(best.subs(values)) == pytest.approx(number)


def test_unavailability_saturates():
    curve = vigilance(Heartbeat(interval=1, loss=0.5), mttf=MTTF, recovery=1e6)
    assert np.all(curve.unavailability < 1)
    assert curve.unavailability == pytest.approx(curve.downtime / (1 + curve.downtime))
    assert curve.false_alarms[0] * YEAR == pytest.approx(0.5 * YEAR / 1 / 0.5 * 0.5)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"mttf": 0}, "mttf must be > 0"),
        ({"recovery": -1}, "recovery must be >= 0"),
        ({"misses": [0]}, "misses must be a whole number >= 1, got 0"),
        ({"heartbeat": 3}, "heartbeat must be a Heartbeat, got 3"),
    ],
)
def test_bad_input(fields, words):
    given_ = {"heartbeat": Heartbeat(interval=1), "mttf": 1, "recovery": 1} | fields
    with pytest.raises(ValueError, match=words):
        vigilance(given_.pop("heartbeat"), **given_)


def test_bad_loss():
    with pytest.raises(ValueError, match="loss must be > 0"):
        best_misses(interval=1, loss=0, mttf=1, recovery=1)
