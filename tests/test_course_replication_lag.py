"""Lesson 06 shows what the package computes, and what was worked out on paper."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamodel import catalogue, plots, sweep, text
from hamodel.units import HOUR, MINUTE, MS, YEAR
from lessons import replication_lag as lesson
from lessons.replication_lag._copy import absence
from lessons.replication_lag._picture import (
    _FIRST,
    _LAST,
    _TIMES,
    CopyPicture,
)
from tests.support.svg_pictures import texts

START = {
    "writes": 990,
    "capacity": 1000,
    "trip": 0.5,
    "pause": 100,
    "queue": lesson.REPLAY,
}
RATES = st.floats(1, 999)
TRIPS = st.floats(0, 300)
PAUSES = st.floats(0, 5000)


@pytest.fixture(scope="module")
def explorer():
    return lesson.explorer()


def shown(**values):
    return lesson.model(**START | values)


# ---- the model, against paper ------------------------------------------------------


def test_the_numbers_of_the_question():
    quiet, busy = lesson.stream(900), lesson.stream(990)
    assert quiet.mean_lag == pytest.approx(0.010, rel=0.03)
    assert busy.mean_lag == pytest.approx(0.100, rel=0.003)
    assert quiet.lag.quantile(0.99) == pytest.approx(0.0461, abs=3e-4)
    assert busy.lag.quantile(0.99) == pytest.approx(0.4605, abs=3e-4)


def queued(writes, n, rng):
    """Return when writes came and how long each took, one after the other."""
    arrived = np.cumsum(rng.exponential(1 / writes, n))
    service = rng.exponential(1 / 1000, n)
    before = np.cumsum(service) - service
    return arrived, np.maximum.accumulate(arrived - before) + before + service - arrived


@given(RATES, TRIPS, PAUSES)
def test_queue_in_the_replay_is_what_paper_says(writes, trip, pause):
    copy = shown(writes=writes, trip=trip, pause=pause)
    spare, way, read = 1000 - writes, trip * MS / 2, pause * MS

    def left(t):
        return math.exp(-spare * max(t, 0.0))

    unwaited, semi, sync, applied = (copy.bill(name) for name in lesson.PLANS)
    assert unwaited.missed == pytest.approx(left(read - way), rel=1e-9, abs=1e-300)
    for bill in (semi, sync):
        assert bill.missed == pytest.approx(left(read + way), rel=1e-9, abs=1e-300)
        assert bill.wait == pytest.approx(2 * way)
    assert unwaited.wait == applied.missed == 0
    assert applied.wait == pytest.approx(2 * way + 1 / spare)
    assert unwaited.lost == pytest.approx(writes * way)
    assert semi.lost == sync.lost == applied.lost == 0


@given(RATES, TRIPS, PAUSES)
def test_queue_in_the_sender_is_what_paper_says(writes, trip, pause):
    copy = shown(writes=writes, trip=trip, pause=pause, queue=lesson.SENDER)
    spare, way, limit = 1000 - writes, trip * MS / 2, 10.0
    late = math.exp(-spare * (limit - 2 * way))  # a commit that runs into the timeout
    unwaited, semi, sync, applied = (copy.bill(name) for name in lesson.PLANS)
    missed = math.exp(-spare * max(pause * MS - way, 0.0))
    assert unwaited.missed == pytest.approx(missed, rel=1e-9, abs=1e-300)
    assert unwaited.lost == pytest.approx(writes * (1 / spare + way))
    assert sync.wait == applied.wait == pytest.approx(2 * way + 1 / spare)
    assert semi.wait == pytest.approx(2 * way + (1 - late) / spare, rel=1e-6)
    missed = math.exp(-spare * (limit + pause * MS - way))  # told at the timeout
    assert semi.missed == pytest.approx(missed, rel=1e-9, abs=1e-300)
    lost = writes * math.exp(-spare * (limit - way)) / spare
    assert semi.lost == pytest.approx(lost, rel=1e-6, abs=1e-300)
    assert sync.missed == applied.missed == sync.lost == applied.lost == 0


def test_stale_reads_of_every_mode_by_simulation():
    """Writes one after the other through one queue; the client reads a while later."""
    rng = np.random.default_rng(6)
    writes, way, pause = 800.0, 0.002, 0.004
    visible = way + queued(writes, 1_000_000, rng)[1]  # since the commit
    told = {"async": 0.0, "semi-sync": 2 * way, "sync": 2 * way}
    copy = shown(writes=writes, trip=2 * way / MS, pause=pause / MS)
    for name, heard in told.items():
        missed = np.mean(visible > heard + pause)
        assert copy.bill(name).missed == pytest.approx(missed, abs=0.015), name
    assert np.mean(visible > visible + way) == copy.bill("sync, applied").missed


@given(RATES, TRIPS)
def test_loss_by_littles_law_is_the_mean_of_its_whole_law(writes, trip):
    for queue in lesson.QUEUES:
        plan = lesson.replication("async", trip=trip, queue=queue)
        whole = plan.loss("network", writes=writes).writes.mean
        lost = shown(writes=writes, trip=trip, queue=queue).bill("async").lost
        assert lost == pytest.approx(whole, rel=1e-9)


@pytest.mark.parametrize("queue", lesson.QUEUES)
@pytest.mark.parametrize("writes", [1000, 1050, 1200])
def test_overload_is_an_answer(writes, queue):
    copy = shown(writes=writes, queue=queue)
    unwaited, semi, sync, applied = (copy.bill(name) for name in lesson.PLANS)
    assert copy.overloaded
    assert unwaited.missed == 1
    assert applied.wait == math.inf
    assert sync.lost == 0
    if queue == lesson.REPLAY:
        assert semi.missed == sync.missed == 1
        assert semi.wait == sync.wait == pytest.approx(0.5 * MS)
        assert unwaited.lost == pytest.approx(writes * 0.25 * MS)
    else:
        assert sync.wait == math.inf
        assert unwaited.lost == semi.lost == math.inf
        assert (semi.wait, semi.missed) == (10, 1)


def test_growth_under_overload_by_simulation():
    writes, n = 1200.0, 1_000_000
    arrived, lag = queued(writes, n, np.random.default_rng(7))
    slope = (lag[-1] - lag[n // 10]) / (arrived[-1] - arrived[n // 10])
    assert shown(writes=writes).growth == pytest.approx(slope, rel=0.05)


def test_absence_of_a_standby_on_paper():
    share = 4 / 1004
    assert absence("async") == pytest.approx((0, share))
    assert absence("sync") == absence("sync, applied") == pytest.approx((share, 0))
    stopped, unprotected = absence("semi-sync")
    stalls = 1 / (1004 * HOUR)
    assert stopped == pytest.approx(stalls * 4 * HOUR * -math.expm1(-10 / (4 * HOUR)))
    assert stopped + unprotected == pytest.approx(share)


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="plan must be one of async"):
        lesson.replication("slow")
    with pytest.raises(ValueError, match="queue must be one of in the replay"):
        lesson.replication(queue="nowhere")
    with pytest.raises(ValueError, match="service must be"):
        lesson.replication(capacity=-1)


# ---- explorer and picture ----------------------------------------------------------


def test_opens_where_intuition_is_wrong(explorer):
    """Commits wait for the standby, and a third of the reads miss the write still."""
    explorer.reset()
    assert explorer.values == START
    unwaited, sync = (explorer.result.bill(name) for name in ("async", "sync"))
    assert 0.3 < sync.missed < unwaited.missed < 0.4
    assert "36.9 % miss it if async, 36.7 % if sync" in explorer.sentence


def test_far_is_a_fact(explorer):
    explorer.apply("Another region")
    assert explorer.values["trip"] == catalogue.fact("RTT-010").value
    near = catalogue.fact("RTT-001").value
    assert explorer.controls["trip"].start == pytest.approx(near, rel=0.05)


def drawn(guess=None, **values):
    picture, copy = CopyPicture(), shown(**values)
    picture.update(START | values, copy, guess)
    return picture, copy


@pytest.mark.parametrize("queue", lesson.QUEUES)
def test_curves_are_the_shares(queue):
    picture, copy = drawn(trip=80, queue=queue)
    for name, line in picture._curves._lines.items():
        share = copy.missed(name, _TIMES)
        assert line.get_visible() is bool(share.max() > 0)
        at = share > 1e-4
        np.testing.assert_allclose(line.get_ydata()[at], share[at])


@pytest.mark.parametrize(
    ("values", "unwaited", "waited"),
    [
        ({"trip": 82.8}, "async: 99 % fresh after 502 ms", "99 % fresh after 419 ms"),
        ({"queue": lesson.SENDER}, "async: 99 % fresh after 461 ms", "all are fresh"),
        ({"writes": 100, "trip": 80}, "async: 99 % fresh after 45.1 ms", "at once"),
        ({"writes": 1050}, "async: later and later", "sync: later and later"),
        ({"writes": 1050, "queue": lesson.SENDER}, "async: later", "no commit returns"),
    ],
)
def test_keys_say_when_reads_are_fresh(values, unwaited, waited):
    keys = drawn(**values)[0]._curves._keys
    assert unwaited in keys["async"].get_text()
    assert waited in keys["sync"].get_text()


def test_marks_stand_on_the_curve():
    picture, copy = drawn(trip=80)
    marks = picture._curves._marks
    (mean,), (share,) = marks["mean"]._dot.get_data()
    assert mean == pytest.approx(0.14)
    assert share == pytest.approx(math.exp(-1))
    (tail,), (share,) = marks["99 %"]._dot.get_data()
    assert (tail, share) == pytest.approx((copy.stream.lag.quantile(0.99), 0.01))
    picture, _ = drawn(writes=1050)
    assert not any(m._dot.get_visible() for m in picture._curves._marks.values())


@pytest.mark.parametrize(
    ("values", "name", "cells"),
    [
        ({}, "async", ["for nobody", "36.9 %", "0.2 writes", "one copy 35 h"]),
        ({}, "sync", ["0.5 ms", "36.7 %", "none", "stopped 35 h"]),
        ({}, "sync, applied", ["100 ms", "none", "none", "stopped 35 h"]),
        ({"trip": 82.8}, "semi-sync", ["82.8 ms", "24.3 %", "none", "one copy 35 h"]),
        (
            {"writes": 1050, "queue": lesson.SENDER},
            "semi-sync",
            ["10 s", "100 %", "more and more", "one copy 35 h"],
        ),
        (
            {"writes": 1050, "queue": lesson.SENDER},
            "sync",
            ["for ever", "none", "none", "stopped 35 h"],
        ),
    ],
)
def test_table_says_the_bill(values, name, cells):
    row = drawn(**values)[0]._table._rows[name]
    assert [words.get_text() for words in row._words] == cells


def test_bars_are_in_proportion():
    picture, copy = drawn(trip=82.8)
    row, bill = picture._table._rows["sync"], copy.bill("sync")
    wait, missed, lost, _ = (bar.get_width() / 0.165 for bar in row._bars)
    assert wait == pytest.approx(math.log10(bill.wait / _FIRST) / 5)
    assert math.log10(_LAST / _FIRST) == pytest.approx(5)
    assert missed == pytest.approx(bill.missed)
    assert lost == 0
    lost = picture._table._rows["async"]._bars[2].get_width() / 0.165
    assert lost == pytest.approx((math.log10(copy.bill("async").lost) + 1) / 6)


def test_one_copy_and_a_stop_look_different():
    rows = drawn()[0]._table._rows
    hatches = {name: row._bars[-1].get_hatch() for name, row in rows.items()}
    assert hatches["async"] == hatches["semi-sync"] != hatches["sync"]
    assert hatches["sync"] == plots.LOOKS["both nodes down"].hatch


def test_ghosts_stand_where_the_learner_said():
    picture, _ = drawn(guess={"mean": 11, "tail": 9000})
    places = [g._line.get_xdata()[0] for g in picture._curves._ghosts.values()]
    assert places == pytest.approx([0.011, 9])
    assert all(g._line.get_visible() for g in picture._curves._ghosts.values())
    assert all(g._line.get_linestyle() != "-" for g in picture._curves._ghosts.values())
    picture, _ = drawn()
    assert not any(g._line.get_visible() for g in picture._curves._ghosts.values())


# ---- prediction, recording, exercises ----------------------------------------------


def test_recording_is_the_file():
    assert [key.reads for key in lesson.recorded()] == [1045, 1057, 1104, 1083]
    assert not lesson.recorded_lags().flags.writeable
    assert np.median(lesson.recorded_lags()) == pytest.approx(0.1, abs=0.01)


def test_prediction_from_the_measured_lag_is_what_was_measured():
    """The mean of 1 - exp(-k lag) over the sample, and the reads that were stale."""
    for key in lesson.recorded():
        sample = np.mean(-np.expm1(-key.writes * lesson.recorded_lags()))
        error = math.sqrt(sample * (1 - sample) / key.reads)
        assert abs(key.share - sample) < 3 * error + 0.02
    third = lesson.recorded()[2]
    sample = np.mean(-np.expm1(-third.writes * lesson.recorded_lags()))
    assert lesson.real_exercise.reference() == pytest.approx(100 * sample, rel=1e-9)


def test_exercises_on_paper():
    assert lesson.tail_exercise.reference() == pytest.approx(math.log(100) / 50 / MS)
    wait = 41.4 + math.log(1000) / 10 / MS
    assert lesson.wait_exercise.reference() == pytest.approx(wait)
    backlog = 900 * 10 * MINUTE
    assert lesson.drain_exercise.reference() == pytest.approx(backlog / 100 / MINUTE)
    stalls = YEAR / (1004 * HOUR)
    stall = 4 * HOUR * -math.expm1(-10 / (4 * HOUR))
    assert lesson.price_exercise.reference() == pytest.approx(stalls * stall / MINUTE)
    assert lesson.code_exercise.reference()(900, 0.05) == pytest.approx(math.exp(-5))


def test_sentence_says_the_bill(explorer):
    explorer.apply("Another region")
    unwaited, sync, applied = (
        explorer.result.bill(name) for name in ("async", "sync", "sync, applied")
    )
    said = re.findall(r"\d[\d,]*(?:\.\d+)?", explorer.sentence)
    lag = explorer.result.stream
    wanted = [lag.mean_lag / MS, 99, lag.lag.quantile(0.99) / MS, 100]
    wanted += [100 * unwaited.missed, 100 * sync.missed, unwaited.lost]
    wanted += [sync.wait / MS, applied.wait / MS]
    assert said == [text.short(n) if n not in (99, 100) else str(n) for n in wanted]


# ---- the sweep ---------------------------------------------------------------------


def test_sweep_is_the_lag_on_paper():
    trips = [0.01, 0.08]
    found = sweep(
        lesson.shop(),
        workload__writes=[500, 990],
        workload__round_trip=trips,
        quantities=["lag_p99", "rpo_p99"],
    )
    queue = math.log(100) / np.array([[500.0], [10.0]])
    np.testing.assert_allclose(found.lag_p99, queue + np.array(trips) / 2, rtol=1e-6)
    latest = -math.log(0.99) / np.array([[500.0], [990.0]])  # age of the last write
    oldest = np.array(trips) / 2 - latest
    np.testing.assert_allclose(found.rpo_p99, oldest, rtol=1e-6)
    before = found.workload__writes.long_name
    shown = lesson.draw(found, "lag_p99")
    assert "percentile by writes, and" in shown.alt
    assert found.workload__writes.long_name == before
    assert "Most: 501 ms at 990/s and 80 ms" in shown.alt
    assert {"501 ms", "466 ms"} <= {words for words, _ in texts(shown.svg)}
    with pytest.raises(KeyError):
        lesson.draw(found, "cost")
