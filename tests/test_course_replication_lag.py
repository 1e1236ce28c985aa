"""Lesson 06 shows what the package computes, and what was worked out on paper."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamodel import catalogue, sweep, text
from hamodel.units import HOUR, MINUTE, MS, YEAR
from lessons import copies
from lessons import replication_lag as lesson
from lessons import what_a_crash_takes as seven
from lessons.copies import absence

START = {
    "writes": 990,
    "capacity": 1000,
    "trip": 0.5,
    "pause": 100,
    "queue": copies.REPLAY,
}
RATES = st.floats(1, 999)
TRIPS = st.floats(0, 300)
PAUSES = st.floats(0, 5000)


@pytest.fixture(scope="module")
def explorer():
    return seven.lesson.explore()


def shown(**values):
    return copies.model(**START | values)


# ---- the model, against paper ------------------------------------------------------


def test_the_numbers_of_the_question():
    quiet, busy = copies.stream(900), copies.stream(990)
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

    unwaited, semi, sync, applied = (copy.bill(name) for name in copies.PLANS)
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
    copy = shown(writes=writes, trip=trip, pause=pause, queue=copies.SENDER)
    spare, way, limit = 1000 - writes, trip * MS / 2, 10.0
    late = math.exp(-spare * (limit - 2 * way))  # a commit that runs into the timeout
    unwaited, semi, sync, applied = (copy.bill(name) for name in copies.PLANS)
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
    for queue in copies.QUEUES:
        plan = copies.replication("async", trip=trip, queue=queue)
        whole = plan.loss("network", writes=writes).writes.mean
        lost = shown(writes=writes, trip=trip, queue=queue).bill("async").lost
        assert lost == pytest.approx(whole, rel=1e-9)


@pytest.mark.parametrize("queue", copies.QUEUES)
@pytest.mark.parametrize("writes", [1000, 1050, 1200])
def test_overload_is_an_answer(writes, queue):
    copy = shown(writes=writes, queue=queue)
    unwaited, semi, sync, applied = (copy.bill(name) for name in copies.PLANS)
    assert copy.overloaded
    assert unwaited.missed == 1
    assert applied.wait == math.inf
    assert sync.lost == 0
    if queue == copies.REPLAY:
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
    # As an operator sees it: now, less the commit of the last write that is visible.
    visible = arrived + lag
    seen = visible - arrived
    slope = (seen[-1] - seen[n // 10]) / (visible[-1] - visible[n // 10])
    assert shown(writes=writes).growth == pytest.approx(slope, rel=0.05)


@pytest.mark.parametrize("lecture", [lesson, seven])
def test_the_sentence_says_how_the_lag_grows_where_it_has_no_steady_state(lecture):
    said = lecture.sentence(START, shown(writes=1200))
    assert "grow by 10.0 s a minute" in said, "a sixth of the writes waits, of 60 s"
    said = lecture.sentence(START, shown(writes=1000))
    assert "grows without end, ever more slowly" in said, "as a root of the time"
    assert " 0 s" not in said


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
        copies.replication("slow")
    with pytest.raises(ValueError, match="queue must be one of replica"):
        copies.replication(queue="nowhere")
    with pytest.raises(ValueError, match="service must be"):
        copies.replication(capacity=-1)


# ---- explorer and picture ----------------------------------------------------------


def test_far_is_a_fact(explorer):
    explorer.apply("Another region")
    assert explorer.values["trip"] == catalogue.fact("RTT-010").value
    near = catalogue.fact("RTT-001").value
    assert explorer.controls["trip"].start == pytest.approx(near, rel=0.05)


def points(svg, weight):
    """Return the places of the one line of a picture that has this weight."""
    (line,) = re.findall(rf'<path d="M([^"Z]+)" [^>]*stroke-width="{weight}"', svg)
    return np.array(line.split(), float).reshape(-1, 2)


def test_the_curve_is_the_share_of_reads_that_miss():
    here = lesson.lesson.explore()
    for writes in (900, 990):
        here.set(writes=writes)
        curve = points(here.svg, "2.5")
        times = np.geomspace(1, 60_000, 120) * MS
        share = np.exp(-(1000 - writes) * np.maximum(times - 0.25 * MS, 0))
        wanted = [lesson.SHARES(100 * s) for s in share]
        np.testing.assert_allclose(curve[:, 1], wanted, atol=0.06)


@pytest.mark.parametrize("queue", copies.QUEUES)
def test_the_queue_is_counted_by_little(queue):
    """Dots: as many as wait, up to forty, and as many as travel, up to thirty."""
    here = lesson.lesson.explore()
    on_the_way = 5  # unseen, before anything is played
    for writes, trip, dots, flying in (
        (500, 0.5, 1, 0),
        (900, 0.5, 9, 0),
        (990, 20, 40, 10),
        (1200, 300, 40, 40),
    ):
        here.set(writes=writes, trip=trip, queue=queue)
        red, safe = (
            len(re.findall(rf'r="5" fill="{colour}"', here.svg))
            for colour in ("#d55e00", "#009e73")
        )
        lost = dots if queue == copies.SENDER else 0
        assert (red, safe) == (flying + lost + on_the_way, dots - lost)
    load = 0.9
    assert shown(writes=900).waiting == pytest.approx(load / (1 - load))


def test_a_crash_takes_what_is_red_and_nothing_else():
    """Held before and after the crash: the red dots are gone, the received are not."""
    here = lesson.lesson.explore()
    here.apply("Another region")
    seen = []
    for _ in range(5):
        here.step()
        visible = re.sub(
            r'<g [^>]*display="none".*?</g>', "", here.svg, flags=re.DOTALL
        )
        seen.append([visible.count(c) for c in ('r="5" fill="#d55e00"', "#009e73")])
    assert seen[2][0] > 0 == seen[4][0]
    assert all(safe for _, safe in seen)


def test_what_to_try_in_lesson_06_is_what_happens():
    here = lesson.lesson.explore()
    here.apply("900 writes/s")
    quiet = here.result.stream.lag.mean
    here.apply("990 writes/s")
    assert here.result.stream.lag.mean / quiet == pytest.approx(10, rel=0.03)
    here.apply("Another region")
    assert here.result.stream.lag.mean - quiet * 10 == pytest.approx(0.0414, rel=0.1)
    here.reset()
    here.set(writes=990)
    here.apply("Faster replica")
    assert here.result.waiting < 1
    here.reset()
    here.apply("Too many writes")
    assert "2.9 s a minute" in here.sentence
    here.reset()
    before = here.sentence, here.svg.count("#d55e00")
    here.apply("Queue in the sender")
    assert here.sentence == before[0]
    assert here.svg.count("#d55e00") > before[1]


def test_what_to_try_in_lesson_07_is_what_happens(explorer):
    explorer.reset()
    explorer.apply("Next door")
    unwaited, sync = (explorer.result.bill(name) for name in ("async", "sync"))
    assert 0.3 < sync.missed < unwaited.missed < 0.4
    assert "36.9 % miss it if async, 36.7 % if sync" in explorer.sentence
    explorer.apply("Another region")
    before = explorer.result
    assert before.bill("sync").wait == pytest.approx(0.0828)
    explorer.apply("Queue in the sender")
    after = explorer.result
    assert after.stream.lag.mean == pytest.approx(before.stream.lag.mean)
    assert after.bill("async").lost > 3 * before.bill("async").lost
    assert after.bill("sync").wait > 2 * before.bill("sync").wait
    explorer.apply("Too many writes")
    assert explorer.result.bill("sync").wait == math.inf
    assert explorer.result.bill("async").lost == math.inf


def test_own_numbers():
    lags = [0.1] * 19 + [2.0]
    assert lesson.own(lags)["mean s"] == pytest.approx(0.195)
    assert "at least 20" in lesson.lesson.mine(lags=[1, 2]).words
    assert seven.own(200, 0.5) == {"writes lost": 100}


def test_recording_is_the_file():
    assert [key.reads for key in copies.recorded()] == [1045, 1057, 1104, 1083]
    assert not copies.recorded_lags().flags.writeable
    assert np.median(copies.recorded_lags()) == pytest.approx(0.1, abs=0.01)


def test_prediction_from_the_measured_lag_is_what_was_measured():
    """The mean of 1 - exp(-k lag) over the sample, and the reads that were stale."""
    for key in copies.recorded():
        sample = np.mean(-np.expm1(-key.writes * copies.recorded_lags()))
        error = math.sqrt(sample * (1 - sample) / key.reads)
        assert abs(key.share - sample) < 3 * error + 0.02
    third = copies.recorded()[2]
    sample = np.mean(-np.expm1(-third.writes * copies.recorded_lags()))
    assert lesson.ask_real.reference() == pytest.approx(100 * sample, rel=1e-9)


def test_exercises_on_paper():
    assert lesson.ask_tail.reference() == pytest.approx(math.log(100) / 50 / MS)
    wait = 41.4 + math.log(1000) / 10 / MS
    assert lesson.ask_wait.reference() == pytest.approx(wait)
    backlog = 900 * 10 * MINUTE
    assert lesson.ask_drain.reference() == pytest.approx(backlog / 100 / MINUTE)
    stalls = YEAR / (1004 * HOUR)
    stall = 4 * HOUR * -math.expm1(-10 / (4 * HOUR))
    assert seven.ask_price.reference() == pytest.approx(stalls * stall / MINUTE)
    # rho exp(-10 t) = 0.01, and a write that is under way takes its own time too
    late = math.log(99) / 10 / MS
    assert seven.ask_rpo.reference() == pytest.approx(late, rel=2e-3)
    assert seven.ask_row.reference() == pytest.approx(1 / 0.0828)
    both = (4 / 1004) ** 2 * YEAR / MINUTE
    assert seven.ask_two.reference() == pytest.approx(both, rel=2e-3)
    assert lesson.ask_code.reference()(900, 0.05) == pytest.approx(math.exp(-5))


def test_sentence_says_the_bill(explorer):
    explorer.reset()
    explorer.apply("Another region")
    unwaited, sync, applied = (
        explorer.result.bill(name) for name in ("async", "sync", "sync, applied")
    )
    said = re.findall(r"\d[\d,]*(?:\.\d+)?", explorer.sentence)
    wanted = [100, 100 * unwaited.missed, 100 * sync.missed, unwaited.lost]
    wanted += [sync.wait / MS, applied.wait / MS]
    assert said == [text.short(n) if n != 100 else str(n) for n in wanted]


# ---- the sweep ---------------------------------------------------------------------


def test_sweep_is_the_lag_on_paper():
    trips = [0.01, 0.08]
    found = sweep(
        copies.shop(),
        workload__writes=[500, 990],
        workload__round_trip=trips,
        quantities=["lag_p99", "rpo_p99"],
    )
    queue = math.log(100) / np.array([[500.0], [10.0]])
    np.testing.assert_allclose(found.lag_p99, queue + np.array(trips) / 2, rtol=1e-6)
    latest = -math.log(0.99) / np.array([[500.0], [990.0]])  # age of the last write
    oldest = np.array(trips) / 2 - latest
    np.testing.assert_allclose(found.rpo_p99, oldest, rtol=1e-6)
