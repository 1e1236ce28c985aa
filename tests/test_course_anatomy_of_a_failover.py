"""Lesson 05 shows what the package computes, and what was worked out on paper."""

import math
import re
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamodel import catalogue, sweep, text
from hamodel.failover import STAGES
from hamodel.units import HOUR, MINUTE, YEAR
from lessons import anatomy_of_a_failover as lesson
from lessons import watchdogs
from lessons.watchdogs import ROWS

MTTF = 2000 * HOUR
START = {"interval": 1, "misses": 3, "loss": 2, "promotion": 12, "way": watchdogs.PROXY}
MEANS = {watchdogs.ADDRESS: 1, watchdogs.PROXY: 3, watchdogs.NAME: 30}


@pytest.fixture(scope="module")
def explorer():
    return lesson.lesson.explore()


def watch(**values):
    return watchdogs.model(**START | values)


def by_hand(interval, misses, loss, recovery):
    """Return detection in s, and minutes a year of failures and of false alarms."""
    p = loss / 100
    counted = np.arange(misses)
    share = p**counted / np.sum(p**counted)
    detection = np.sum(share * (misses - counted - 0.5)) * interval
    beats = sum(p**-j for j in range(1, misses + 1)) if p else math.inf
    real = (detection + recovery) / MTTF * YEAR / MINUTE
    return detection, real, recovery / (beats * interval) * YEAR / MINUTE


# ---- the model, against paper ------------------------------------------------------


@pytest.mark.parametrize(
    ("misses", "wanted"), [(15, 2.5), (10, 2.2), (5, 1.8), (3, 84.1), (2, 4123.9)]
)
def test_the_numbers_of_the_question(misses, wanted):
    assert watchdogs.minutes(misses) == pytest.approx(wanted, abs=0.05)


@given(
    st.floats(0.1, 5),
    st.integers(1, 15),
    st.floats(0.01, 10),
    st.floats(1, 50),
    st.sampled_from(list(MEANS)),
)
def test_the_model_is_what_paper_says(interval, misses, loss, promotion, way):
    found = watch(
        interval=interval, misses=misses, loss=loss, promotion=promotion, way=way
    )
    recovery = 5 + promotion + MEANS[way]
    detection, real, false = by_hand(interval, misses, loss, recovery)
    assert found.mean == pytest.approx(detection + recovery, rel=1e-9)
    assert found.wasted == pytest.approx(false, rel=1e-9)
    assert found.minutes == pytest.approx(real + false, rel=1e-9)
    per_year = found.false_alarms * recovery / MINUTE
    assert per_year == pytest.approx(false, rel=1e-9)


def test_nothing_lost_is_nothing_false():
    found = watch(loss=0)
    assert found.wasted == found.false_alarms == 0
    assert found.best[0] == 1


@given(st.integers(1, 14), st.floats(0, 0.49))
def test_misses_that_were_typed_are_rounded(misses, more):
    assert watch(misses=misses + more).beat.misses == misses


@pytest.mark.parametrize("way", watchdogs.WAYS)
@pytest.mark.parametrize(("misses", "loss"), [(1, 2), (3, 10), (15, 10), (5, 0)])
def test_one_sum_in_place_of_many_is_the_same_law(way, misses, loss):
    found = watch(misses=misses, loss=loss, way=way)
    times = np.linspace(0, 120, 49)
    whole = found.failover.duration
    np.testing.assert_allclose(found.rto.cdf(times), whole.cdf(times), atol=1e-7)
    assert found.rto.mean == pytest.approx(whole.mean, rel=1e-7)
    quantiles = whole.quantile([0.5, 0.95])
    assert [found.half, found.late] == pytest.approx(quantiles, abs=1e-4)


def played(interval, misses, loss, n, rng):
    """Return times to notice, from beats that are lost or not, one by one."""
    lost = rng.random((n, 60)) < loss / 100
    run = np.zeros(n, int)
    for beat in lost.T:  # the watchdog acts at a full run, and counts anew
        run = np.where(beat, (run + 1) % misses, 0)
    since = rng.uniform(0, interval, n)  # from the last beat to the failure
    return (misses - run) * interval - since


def test_recovery_time_by_playing_beats():
    rng = np.random.default_rng(5)
    n, cv = 400_000, 0.5
    sigma = math.sqrt(math.log(1 + cv**2))
    promotion = rng.lognormal(math.log(12) - sigma**2 / 2, sigma, n)
    way = rng.uniform(2, 4, n)
    whole = played(1, 3, 10, n, rng) + 5 + promotion + way
    found = watch(loss=10)
    assert found.mean == pytest.approx(whole.mean(), abs=0.05)
    assert found.half == pytest.approx(np.quantile(whole, 0.5), abs=0.06)
    assert found.late == pytest.approx(np.quantile(whole, 0.95), abs=0.2)


def test_times_are_published():
    assert catalogue.fact("FO-005").in_base() == watchdogs.FENCING
    proxy, name = watchdogs.WAYS[watchdogs.PROXY], watchdogs.WAYS[watchdogs.NAME]
    assert proxy.marks_down.support[1] == catalogue.fact("FO-075").in_base()
    assert proxy.duration.support == (2, 4)
    slowest = name.detection + name.duration
    assert slowest.support[1] == catalogue.fact("FO-082").in_base()


def test_bad_settings_are_named():
    with pytest.raises(ValueError, match="way must be one of a virtual address"):
        watch(way="by post")
    with pytest.raises(ValueError, match="loss must be in"):
        watch(loss=101)


# ---- the sentence and the picture --------------------------------------------------


def test_sentence_says_the_model(explorer):
    explorer.reset()
    explorer.set(misses=3)
    found = explorer.result
    detection, real, false = by_hand(1, 3, 2, 20)
    said = re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", explorer.sentence)
    wanted = [f"{detection + 20:.1f}", f"{found.half:.1f}", "95", f"{found.late:.1f}"]
    alarms = false * MINUTE / 20
    wanted += [
        text.short(real + false),
        text.short(false),
        text.short(alarms),
        "5",
        "1.8",
    ]
    assert said == ["3", "1", *wanted]


def test_samples_follow_the_law():
    """Kolmogorov's distance of 41 failovers, at a level of one in a thousand."""
    whole = watch(more=3).drawn
    drawn = np.sort(whole.sum(axis=1))
    share = (np.arange(drawn.size) + 0.5) / drawn.size
    distance = np.max(np.abs(watch().rto.cdf(drawn) - share))
    assert distance < 1.95 / math.sqrt(drawn.size)
    assert whole.shape == (1 + 2 * ROWS, len(STAGES))
    assert np.all(np.diff(whole[1:].sum(axis=1)) >= 0)


def boxes(svg, low, high):
    """Return (top, left, width) of the rectangles between two heights of a picture."""
    number = r"([\d.]+)"
    found = re.findall(rf'<rect x="{number}" y="{number}" width="{number}"', svg)
    return np.array(
        [(float(y), float(x), float(w)) for x, y, w in found if low < float(y) < high]
    )


@pytest.mark.parametrize("more", [1, 2, 3])
def test_what_is_drawn_is_the_sample(explorer, more):
    """The widths of the bars, read off the picture, are the seconds of the stages."""
    explorer.reset()
    explorer.set(more=more)
    wide = boxes(explorer.svg, 166.5, 275)[:, 2]
    scale = watchdogs.SECONDS(1) - watchdogs.SECONDS(0)
    seconds = explorer.result.drawn
    assert len(seconds) == 1 + 20 * (more - 1)
    np.testing.assert_allclose(wide, (seconds * scale).ravel(), atol=0.11)


@pytest.mark.parametrize("misses", [1, 5, 15])
@pytest.mark.parametrize("night", watchdogs.NIGHTS)
def test_one_failover_is_played_beat_by_beat(explorer, misses, night):
    """Each miss is counted; both take writes only after a false alarm, unfenced."""
    explorer.reset()
    explorer.set(misses=misses, night=night)
    counted = re.findall(r'font-size="10"[^>]*>(\d+)<', explorer.svg)
    shown = [k for k in range(1, misses + 1) if k < 9 or (misses - k) % 2 == 0]
    assert counted == ["1", *map(str, shown)]  # one before, in vain
    dead = night == watchdogs.FAILS
    dots = re.findall(r'<circle [^>]*r="4"[^>]*stroke="([^"]+)"', explorer.svg)
    sent = 3 if dead else 3 + misses
    assert len(dots) == sent + 3 + misses  # those that fall, and those that are heard
    writes = boxes(explorer.svg, watchdogs.OLD - 1, watchdogs.NEW + 1)
    old, new = (writes[writes[:, 0] == y] for y in (watchdogs.OLD, watchdogs.NEW))
    both = old[:, 1:].sum(axis=1).max() - new[:, 1].min()
    assert (both > 0) == (night == watchdogs.UNFENCED)
    assert ("two primaries" in explorer.svg) == (night == watchdogs.UNFENCED)
    assert ("both take writes" in explorer.sentence) == (night == watchdogs.UNFENCED)


def test_what_is_to_come_is_hidden_while_it_plays_and_shown_on_paper(explorer):
    explorer.reset()
    curtain = '<rect x="123" y="12" width="640"'
    still = explorer.svg.partition(curtain)[0]
    assert still.endswith('display="none">\n'), "the first frame tells all of it"
    explorer.play()
    assert 'display="none"' not in explorer.svg
    (name,) = re.findall(r"animation:(k\d+)[^>]*>\n" + re.escape(curtain), explorer.svg)
    rights = re.findall(
        r"translate\(([\d.]+)px", explorer.svg.partition(f"@keyframes {name}{{")[2]
    )[:6]
    assert [float(r) for r in rights] == sorted(float(r) for r in rights)
    explorer.pause()


def test_the_guess_is_drawn_on_the_very_axes():
    """A handle stands at its value on the axes of the picture, to a pixel."""
    prediction = lesson.lesson.predict()
    assert prediction.line.picture(prediction.fields).count("alt=")
    for value in (1, 80, 4100):
        prediction.fields["3"].value = value
        picture = unquote(prediction.line.picture(prediction.fields))
        (line,) = re.findall(r'<path d="M([^"Z]+)" [^>]*stroke-width="2.5"', picture)
        x, y, *_ = map(float, line.split())
        assert x == pytest.approx(watchdogs.WIDE(3), abs=0.06)
        assert y == pytest.approx(watchdogs.HIGH(value), abs=1.5)
        assert f"3 misses {value:,} min" in picture


def test_the_valley_is_what_paper_says(explorer):
    explorer.reset()
    paper = [sum(by_hand(1, k, 2, 20)[1:]) for k in watchdogs.TRIED]
    np.testing.assert_allclose(explorer.result.curve.minutes_per_year, paper, rtol=1e-9)
    (line,) = re.findall(r'<path d="M([^"Z]+)" [^>]*stroke-width="2.5"', explorer.svg)
    places = np.array(line.split(), float).reshape(-1, 2)
    wanted = [watchdogs.VALLEY(cost) for cost in paper]
    np.testing.assert_allclose(places[:, 1], wanted, atol=0.06)


def test_what_to_try_is_what_happens(explorer):
    """Each line of *Try this* in the notebook, done by its buttons."""
    explorer.reset()
    explorer.apply("2 misses")
    two = explorer.result
    explorer.apply("5 misses")
    five = explorer.result
    assert 2.5 < five.mean - two.mean < 3.2
    assert two.minutes > 2000 * five.minutes
    explorer.set(misses=3)
    before = explorer.result
    explorer.apply("5 beats a second")
    assert explorer.result.mean < before.mean
    assert explorer.result.false_alarms == pytest.approx(5 * before.false_alarms)
    explorer.reset()
    explorer.apply("Bad network")
    assert explorer.result.best[0] == 9
    explorer.apply("No beat lost")
    assert explorer.result.best[0] == 1
    explorer.reset()
    explorer.apply("5 misses")
    explorer.apply("DNS")
    stages = explorer.result.failover.stages
    assert max(stages, key=stages.get) == "redirection"
    explorer.apply("Two primaries")
    assert "both take writes" in explorer.sentence
    for rows in (21, 41, 1):
        explorer.controls["more"].next()
        assert len(explorer.result.drawn) == rows


def test_own_beats():
    found = lesson.own(10_000, 200)
    paper = [sum(by_hand(1, k, 2, 20)[1:]) for k in range(1, 60)]
    assert found == {"share lost": 0.02, "best misses": 1 + int(np.argmin(paper))}


# ---- prediction, exercises, sweep --------------------------------------------------


def test_exercises_on_paper():
    rng = np.random.default_rng(2)
    n, spread = 400_000, np.sqrt(np.log(1 + 0.25**2))
    waits = sum(rng.uniform(0, most, n) for most in (5, 2, 0.5))
    usual = rng.lognormal(np.log(0.384) - spread**2 / 2, spread, n)
    promoted = np.where(rng.random(n) < 0.031, 5.384, usual)
    assert lesson.ask_product.reference() == pytest.approx(
        15 + 2 + np.quantile(waits + promoted, 0.95), rel=2e-3
    )
    paper = [sum(by_hand(0.2, k, 5, 20)[1:]) for k in range(1, 21)]
    assert lesson.ask_best.reference() == 1 + int(np.argmin(paper))
    assert lesson.ask_code.reference()(8, 0.2) == pytest.approx(
        sum(by_hand(1, 8, 20, 20)[1:])
    )
    alarms = by_hand(1, 3, 2, 20)[2] * MINUTE / 20
    lost = alarms * 0.05 * 200 * 0.3 * 600
    assert lesson.ask_split.reference() == pytest.approx(lost)


def test_split_brains_of_five_misses_are_as_rare_as_said():
    alarms = by_hand(1, 5, 2, 20)[2] * MINUTE / 20
    assert 1 / (0.05 * alarms) == pytest.approx(200, rel=0.05)
    assert "two hundred years" in lesson.ask_split.right
    assert pytest.approx(1 / 3, rel=0.1) == 1.6 / 4.5  # "three times as soon"


def test_tail_exercise_by_sampling():
    rng = np.random.default_rng(8)
    n, sigma = 400_000, math.sqrt(math.log(1.25))
    promotion = rng.lognormal(math.log(12) - sigma**2 / 2, sigma, n)
    whole = rng.uniform(6, 8, n) + 5 + promotion + rng.uniform(0, 60, n)
    found = lesson.ask_tail.reference()
    assert found == pytest.approx(np.quantile(whole, 0.95), rel=3e-3)


def test_sweep_by_sampling():
    """Outages of the shop: one in some waits for a person, and then for her work."""
    cover = [0.9, 0.98]
    found = sweep(
        watchdogs.shop(),
        failover__detection=[5, 30],
        failover__coverage=cover,
        quantities=["outage_p95", "outage_p99"],
    )
    rng = np.random.default_rng(9)
    n, sigma = 400_000, math.sqrt(math.log(1.25))
    promotion = rng.lognormal(math.log(12) - sigma**2 / 2, sigma, n)
    rest = 5 + promotion + rng.uniform(2, 4, n)
    person = rng.exponential(30 * MINUTE, n)
    luck = rng.random(n)
    for c in cover:
        outage = 5 + rest + np.where(luck < c, 0, person)
        at = found.sel(failover__detection=5, failover__coverage=c)
        for name, share in (("outage_p95", 0.95), ("outage_p99", 0.99)):
            assert at[name].item() == pytest.approx(
                np.quantile(outage, share), rel=0.03
            )


def test_shop_is_the_pair_of_lesson_04_with_this_failover():
    shop = watchdogs.shop()
    assert shop.database.mttf == watchdogs.MTTF == MTTF
    assert (shop.failover.coverage, shop.failover.manual) == (0.99, 30 * MINUTE)
    assert shop.failover.outage == pytest.approx(24.48, abs=0.01)
