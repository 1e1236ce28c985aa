"""Lesson 09 shows what the package computes, and what was worked out on paper."""

import math

import numpy as np
import pytest

from hamodel import assess
from hamodel.course import Scale
from hamodel.queueing import MMc
from hamodel.units import MS
from lessons import headroom as lesson
from lessons import site_loss


@pytest.fixture
def explorer():
    return lesson.lesson.explore()


# ---- the model, against paper, against dice and against the whole architecture ------


def test_the_numbers_of_the_question_on_paper():
    before, after = site_loss.model().shown
    assert before[0] == pytest.approx(10 / 0.51)
    assert after == pytest.approx((10 / 0.02, 10 / 0.02 * math.log(100)))
    assert lesson.truth() == pytest.approx({"after": 500, "most": 45})
    assert site_loss.model(lesson.most()).shown[1][0] == pytest.approx(100)


@pytest.mark.parametrize("servers", [1, 2, 4])
def test_a_queue_one_by_one(servers):
    """Throw dice for requests; each takes the server that is free first."""
    rng, n, load = np.random.default_rng(9), 60_000, 0.7
    arrived = np.cumsum(rng.exponential(1 / (load * servers), n))
    service = rng.exponential(1, n)
    free, took = [0.0] * servers, np.empty(n)
    for k in range(n):
        first = min(range(servers), key=free.__getitem__)
        free[first] = max(free[first], arrived[k]) + service[k]
        took[k] = free[first] - arrived[k]
    mean, late = site_loss.model(70, servers=servers).shown[0]
    assert mean / 10 == pytest.approx(took.mean(), rel=0.08)
    assert late / 10 == pytest.approx(np.quantile(took, 0.99), rel=0.12)


@pytest.mark.parametrize(("load", "sites", "servers"), [(49, 2, 1), (55, 3, 4)])
def test_the_architecture_says_the_same(load, sites, servers):
    found = assess(*site_loss.active(load / 100, sites, servers))
    here = site_loss.model(load, sites, servers)
    assert found.utilisation["database"] == pytest.approx(here.load)
    after = found.utilisation_after_site_loss["database"]
    assert after == pytest.approx(here.after)
    assert found.headroom_after_site_loss == pytest.approx(1 / here.after)
    assert bool(found.survives_site_loss) == (here.after < 1)


def test_cold_caches_on_paper():
    """1,000 reads a second at each site, 800 of them from its cache."""
    own, newcomers = 200, 1000  # what reaches the survivor's database
    here = site_loss.model(40, hits=80)
    assert here.after == pytest.approx(0.4 * (own + newcomers) / own)
    warm = assess(*site_loss.active(0.4, hits=0.8))
    assert warm.utilisation["database"] == pytest.approx(0.4)
    assert warm.utilisation_after_site_loss["database"] == pytest.approx(0.8)


def test_growth_beyond_the_wall_by_dice():
    rng = np.random.default_rng(3)
    here = site_loss.model(60, servers=4)
    came = rng.poisson(here.after * 4 * site_loss.RATE * 6000)
    done = rng.poisson(4 * site_loss.RATE * 6000)
    assert (came - done) / 6000 == pytest.approx(here.growth, rel=0.05)
    assert site_loss.model(45).growth == 0


# ---- explorer and picture ----------------------------------------------------------


def test_what_to_try_is_what_happens(explorer):
    explorer.apply("One per cent more")
    assert explorer.result.shown[1][0] == math.inf
    assert "no end" in explorer.svg
    explorer.reset()
    explorer.apply("Three sites")
    assert 100 * explorer.result.after == pytest.approx(73.5)
    green = Scale(0, 100, 60, 390)(100 * 2 / 3)
    assert f"M{green:.1f} 184".replace(".0 ", " ") in explorer.svg
    explorer.reset()
    explorer.apply("16 servers a site")
    assert explorer.result.shown[1][0] == pytest.approx(38.4, abs=0.05)
    explorer.reset()
    explorer.apply("Caches: 80 %")
    assert 100 * explorer.result.after == pytest.approx(294)


def test_objectives_can_be_reached(explorer):
    first, second = explorer.objectives
    explorer.set(load=60, sites=4, servers=4)
    assert explorer.reached == {first}
    explorer.set(load=20, hits=80, sites=4)
    assert explorer.reached == {first, second}


def test_the_work_of_the_lost_site_is_poured_whole(explorer):
    """What the others get, cache misses apart, is what the first one had."""
    for sites in (2, 3, 5):
        explorer.set(sites=sites)
        found = explorer.result
        assert (found.after - found.load) * (sites - 1) == pytest.approx(found.load)
        explorer.play()
        assert explorer.svg.count("@keyframes") == sites - 1 + 3 + 0


def test_what_waits_is_what_the_package_says():
    here = site_loss.model()
    assert here.waiting(0.98) == pytest.approx(0.98**2 / 0.02)  # M/M/1
    assert here.waiting(1.0) == math.inf


def test_own_numbers():
    found = lesson.own(98, 1, 2, 10)
    assert found["load now %"] == pytest.approx(49)
    assert found["load after a loss %"] == pytest.approx(98)
    assert (
        "sites >= 2"
        in lesson.lesson.mine(requests=1, servers=1, sites=1, service=1).words
    )


def test_exercises_on_paper():
    third, wait, _, saved, cold = (x.reference() for x in lesson.EXERCISES)
    assert third * 3 / 2 == pytest.approx(80)
    assert wait == pytest.approx(2 * 0.64 / 1.8)
    assert (saved, cold) == pytest.approx((800, 240))
    for arrival in (50, 300, 1000):
        servers = lesson.needed(arrival)
        enough, less = (
            MMc(2 * arrival, 10 * MS, c).response.quantile(0.99)
            for c in (servers, max(servers - 1, 1))
        )
        assert enough <= 0.05 < less


def test_money_is_servers_times_price():
    assert [lesson.money(sites) for sites in (2, 3, 4)] == [2400, 1800, 1600]
