"""Two times that race, by integrals written out, and what follows from who is first."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

import hamodel as ha
from hamodel import duration
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Failure,
    Node,
    Site,
    Tier,
    _absence,
)
from hamodel.architectures._first import (
    Both,
    First,
    Left,
    race,
    race_of_stages,
)
from hamodel.failover import Failover
from hamodel.units import HOUR

INF = float("inf")
# ---- laws, each with its survival and its density by hand ---------------------------
TIMES = {
    "exponential": (
        duration.exponential(3.0),
        lambda t: np.exp(-t / 3),
        lambda t: np.exp(-t / 3) / 3,
        200.0,
    ),
    "uniform": (
        duration.uniform(1.0, 5.0),
        lambda t: np.clip((5 - t) / 4, 0, 1),
        lambda t: np.where((t >= 1) & (t <= 5), 0.25, 0.0),
        5.0,
    ),
    "of two phases": (
        duration.gamma(mean=4.0, cv=0.5**0.5),
        lambda t: (1 + t / 2) * np.exp(-t / 2),
        lambda t: t / 4 * np.exp(-t / 2),
        200.0,
    ),
}


@pytest.mark.parametrize("one", TIMES)
@pytest.mark.parametrize("other", TIMES)
def test_who_of_two_laws_is_first(one, other):
    (law, sf, pdf, end), (rival, outlasts, _, until) = TIMES[one], TIMES[other]
    points = {"points": [1, 5], "limit": 200}
    chance = quad(lambda t: pdf(t) * outlasts(t), 0, end, **points)[0]
    first = quad(lambda t: sf(t) * outlasts(t), 0, min(end, until), **points)[0]
    won, mean = race_of_stages(law, rival)
    assert won == pytest.approx(chance, rel=1e-4)
    assert mean == pytest.approx(first, rel=1e-6)
    both = Both(one=law, other=rival)
    assert (both.won, both.mean) == (won, mean)
    for t in (0.5, 2.0, 4.0):
        assert both.law.sf(t) == pytest.approx(sf(t) * outlasts(t), rel=1e-6)


@pytest.mark.parametrize("one", TIMES)
def test_who_of_a_law_and_a_constant_is_first(one):
    law, sf, _, _ = TIMES[one]
    first = quad(sf, 0, 2.0, points=[1])[0]
    assert race_of_stages(law, 2.0) == pytest.approx((1 - sf(2.0), first), rel=1e-6)
    assert race_of_stages(2.0, law) == pytest.approx((sf(2.0), first), rel=1e-6)


def test_who_of_two_constants_is_first_and_whom_a_tie_is_given():
    won, mean = race_of_stages(np.array([1.0, 2.0, 3.0]), 2.0)
    assert (won.tolist(), mean.tolist()) == ([1, 1, 0], [1, 2, 2])


def test_what_is_left_of_a_stage_that_lost():
    """Of a uniform time of 100 s when another of 50 s is over: by hand."""
    race_ = Both(one=duration.uniform(0, 100), other=duration.uniform(0, 50))
    left = Left(race=race_)
    mean = (100**3 - 50**3) / 3 / (2 * 100 * 50) / 0.75
    assert left.mean == pytest.approx(mean, rel=1e-6)
    assert left.law.mean == pytest.approx(mean, rel=0.01)
    drawn = left.sample(40_000, np.random.default_rng(1))
    assert drawn.mean() == pytest.approx(mean, rel=0.02)
    for t in (10.0, 40.0):
        exact = (100 - t - 25) / 100 / 0.75
        assert left.law.sf(t) == pytest.approx(exact, abs=0.01)
        assert np.mean(drawn > t) == pytest.approx(exact, abs=0.01)
    never = Left(race=Both(one=duration.uniform(0, 100), other=200.0))
    assert never.mean == pytest.approx(50)
    assert never.law.mean == pytest.approx(50)
    some = Left(race=Both(one=np.array([30.0, 5.0]), other=10.0))
    assert some.mean.tolist() == [20, 5]


def test_what_is_left_of_a_long_tail():
    """P(X > Y + t | X > Y) as an integral over Y."""
    whole = duration.lognormal(mean=100, cv=1.0)
    law = Left(race=Both(one=whole, other=duration.uniform(0, 50))).law

    def beyond(t):
        return quad(lambda gone: whole.sf(gone + t) / 50, 0, 50)[0]

    t = np.array([1.0, 30.0, 200.0, 600.0])
    exact = np.array([beyond(each) for each in t]) / beyond(0.0)
    np.testing.assert_allclose(law.sf(t), exact, rtol=0.01)
    fixed = Left(race=Both(one=30.0, other=duration.constant(10.0))).law
    assert fixed.support == (20, 20)


@pytest.mark.parametrize(
    ("passed", "won", "mean"),
    [
        (20.0, 30 / 80, 30 * 50 / 80 + 15 * 30 / 80),
        (duration.uniform(0, 40), 30 / 80, 24.375),
        (200.0, 30 / 100, 30 * 70 / 100 + 15 * 30 / 100),  # it never comes to that
    ],
)
def test_a_repair_that_has_lasted_races_a_stage(passed, won, mean):
    """A repair of 0 to 100 s and a stage of 30 s that begins after some time."""
    repair = duration.uniform(0, 100)
    assert race(repair, 30.0, passed) == pytest.approx((won, mean), rel=2e-3)
    first = First(repair=repair, stage=30.0, passed=passed)
    assert first.law.mean == pytest.approx(mean, rel=0.01)
    assert 1 - first.law.sf(29.999) == pytest.approx(won, rel=0.02)


def test_an_exponential_repair_does_not_know_how_long_it_has_lasted():
    for stage, wins in ((30.0, -np.expm1(-0.3)), (duration.exponential(50.0), 1 / 3)):
        for passed in (0, 70.0):
            found = race(100.0, stage, passed)
            assert found == pytest.approx((wins, 100 * wins), rel=1e-9)
    some = race(100.0, np.array([0.0, 30.0]))
    assert some[0] == pytest.approx([0, -np.expm1(-0.3)])


# ---- clients of a lost site ---------------------------------------------------------

REPAIRS = {
    "constant": (duration.constant(100.0), lambda t: 1.0 * (t < 100)),
    "uniform": (duration.uniform(20, 120), lambda t: np.clip((120 - t) / 100, 0, 1)),
    "of two phases": (
        duration.gamma(mean=80.0, cv=0.5**0.5),
        lambda t: (1 + t / 40) * np.exp(-t / 40),
    ),
}
ALIKE = {"constant": 0.2901, "uniform": 0.0415, "of two phases": 0.00794}
GRID = np.linspace(0, 3000, 300_001)


def outage_of(sf, ways):
    """Mean of the first of a repair and a way out: chances, and when it is over."""
    lasts = np.concatenate([[0], np.cumsum(sf(GRID + 0.005)[:-1] * np.diff(GRID))])
    return sum(chance * np.interp(after, GRID, lasts) for chance, after in ways)


NEVER = Node(mttf=INF, mttr=HOUR)


def sites(law, fails="site", **led):
    """Two sites of which one thing fails, and whose clients are led away."""
    usual = {"detection": 10.0, "redirection": 5.0}
    broken, apps = Node(mttf=1e8, mttr=law), None
    if fails == "servers":
        apps = Tier(node=broken)
    return ActiveActive(
        database=broken if fails == "database" else NEVER,
        site=Site(mttf=1e8, mttr=law) if fails == "site" else Site(apps=apps),
        failover=Failover(**usual | led),
    )


@pytest.mark.parametrize("fails", ["site", "servers", "database"])
@pytest.mark.parametrize("name", REPAIRS)
@pytest.mark.parametrize("coverage", [1.0, 0.6, 0.1])
def test_clients_of_a_lost_site_are_led_away_or_it_is_back(name, coverage, fails):
    """Attempts 7 s apart until one works: those after the eighth count like it."""
    law, sf = REPAIRS[name]
    more = {} if coverage == 1 else {"coverage": coverage, "retry": 7.0}
    down = sites(law, fails, **more).model().downtime()["write"]
    ways = [(coverage * (1 - coverage) ** k, 15.0 + 7 * k) for k in range(400)]
    longer = sum(down.values()) / (outage_of(sf, ways) / 1e8) - 1
    assert longer == pytest.approx(ALIKE[name] if coverage < 0.5 else 0, abs=1e-4)


@pytest.mark.parametrize("name", REPAIRS)
def test_clients_are_led_away_by_a_hand_or_their_site_is_back(name):
    """A hand takes an exponential time, 60 s on average, after an attempt of 15 s."""
    law, sf = REPAIRS[name]
    down = sites(law, coverage=0.7, manual=60.0).model().downtime()["write"]
    levels = (np.arange(4000) + 0.5) / 4000
    ways = [(0.7, 15.0)] + [(0.3 / 4000, 15 - 60 * np.log(x)) for x in levels]
    assert sum(down.values()) == pytest.approx(outage_of(sf, ways) / 1e8, rel=2e-3)
    none = sites(law, coverage=0.7).model().downtime()["write"]
    ways = [(0.7, 15.0), (0.3, 2900.0)]
    assert sum(none.values()) == pytest.approx(outage_of(sf, ways) / 1e8, rel=2e-3)


@pytest.mark.parametrize("name", REPAIRS)
@pytest.mark.parametrize("more", [{}, {"retry": 7.0}, {"manual": 60.0}])
def test_a_site_is_lost_for_its_repair_wherever_its_clients_are(name, more):
    """Of the time, mttr / (mttf + mttr): whoever is led away, or tries again."""
    law, _ = REPAIRS[name]
    spec = sites(law, coverage=0.5, **more)
    spec = replace(spec, site=Site(mttf=200.0, mttr=law))
    (part,) = {
        p.name: p for p in spec.model().parts if p.name == spec.sites[0]
    }.values()
    lost = sum(x for view, x in part.views().items() if view.clients != "home")
    assert lost == pytest.approx(law.mean / (200 + law.mean), rel=2e-3)


# ---- a process that may be back first ------------------------------------------------

BACK, TOLD, GAP, HAND, PROMOTED = 30.0, 20.0, 25.0, 40.0, 12.0


def restarts(**more):
    """Restarts, detections, gaps and hands of exponential laws."""
    spec = ActivePassive(
        database=Node(mttf=1e9, mttr=HOUR),
        failover=Failover(
            detection=duration.exponential(TOLD), promotion=PROMOTED, **more
        ),
        sites=("A",),
        failures=(Failure(kind="process", mttf=1e6, mttr=BACK),),
    )
    return replace(spec, database=Node(mttf=INF, mttr=HOUR)).behaviour(ha.Workload())


def first_of(*means):
    """Mean of the first of exponential times, and the chance that it is the first."""
    rate = sum(1 / mean for mean in means)
    return 1 / rate, 1 / means[0] / rate


def test_a_restart_races_the_detection():
    """Of exponential times the first, and 12 s more where it is the detection."""
    outage = restarts().outage
    mean, told = first_of(TOLD, BACK)
    assert outage.mean == pytest.approx(mean + told * PROMOTED, rel=1e-3)
    for t in (20.0, 60.0, 200.0):
        still, before = np.exp(-t / mean), np.exp(-(t - PROMOTED) / mean)
        exact = still + told * (before - still)
        assert outage.sf(t) == pytest.approx(exact, rel=0.02)


def test_a_restart_races_one_attempt_after_the_other():
    """An attempt that fails is followed by the next, a gap later."""
    chance = 0.7
    led, told = first_of(TOLD, BACK)
    waits, again = first_of(GAP, BACK)
    worked = led + told * PROMOTED
    for tries in (1, None):
        more = {} if tries is None else {"tries": tries}
        if tries is not None:
            more["manual"] = duration.exponential(HAND)
        left, exact, promoted = 1.0, 0.0, 0.0
        for _ in range(1000 if tries is None else tries):
            exact += left * (chance * worked + (1 - chance) * waits)
            promoted += left * chance * told
            left *= (1 - chance) * again
        exact, promoted = (
            exact + left * chance * worked,
            promoted + left * chance * told,
        )
        if tries is not None:  # a person: all stages again, while it may come back
            levels = -np.log((np.arange(1000) + 0.5) / 1000)
            sums = np.add.outer(TOLD * levels, HAND * levels) + PROMOTED
            stays = np.mean(np.exp(-sums / BACK))
            exact += left * (1 - chance) * BACK * (1 - stays)
            promoted += left * (1 - chance) * stays
        gap = duration.exponential(GAP)
        found = restarts(coverage=chance, retry=gap, **more)
        assert found.outage.mean == pytest.approx(exact, rel=5e-3)
        ((kind, _),) = (k for k in found.recovery.kinds() if k[0].in_place)
        assert found.recovery.promoted(kind) == pytest.approx(promoted, rel=2e-3)


def test_of_several_coverages_of_a_restart_each_has_its_attempts():
    more = {"retry": GAP, "tries": 1, "manual": HAND}
    both = restarts(coverage=np.array([1.0, 0.6]), **more).outage.mean
    each = [restarts(coverage=c, **more).outage.mean for c in (1.0, 0.6)]
    assert both == pytest.approx(each, rel=1e-9)


# ---- what absent nodes miss ---------------------------------------------------------


def pair(**more):
    usual = {"sites": ("A", "A"), "failover": Failover(detection=1e-6), "crews": 2}
    usual["database"] = Node(mttf=3e5 * HOUR, mttr=10 * HOUR)
    return ActivePassive(**usual | more)


def absent(spec):
    load = ha.Workload(writes=100.0, hop=0.0, round_trip=0.0)
    return ha.assess(spec, load).lost_writes.by_failure.get("all nodes lost")


def test_the_first_of_two_nodes_that_were_lost_misses_a_repair_at_most():
    """Each is the first back in half the cases; the other went 10 h later, if then."""
    fail, mend = 1 / (3e5 * HOUR), 1 / (10 * HOUR)
    found = absent(pair())
    assert found.events == pytest.approx(fail**2 / mend, rel=1e-3)
    assert found.writes == pytest.approx(100 / mend, rel=1e-3)


def test_the_first_of_two_sites_that_were_lost_misses_a_repair_at_most():
    node, site = Node(mttf=INF, mttr=HOUR), Site(mttf=3e5 * HOUR, mttr=10 * HOUR)
    found = absent(pair(sites=("A", "B"), database=node, site=site))
    assert found.events == pytest.approx((10 * HOUR) / (3e5 * HOUR) ** 2, rel=1e-3)
    assert found.writes == pytest.approx(100 * 10 * HOUR, rel=1e-3)


def test_nodes_that_are_restored_together_miss_nothing():
    found = absent(pair(restore=5 * HOUR))
    assert found is None or found.events == found.per_year == 0


@pytest.mark.parametrize("crews", [1, 3])
def test_a_sparse_balance_is_that_of_the_dense_one(crews, monkeypatch):
    spec = pair(sites=("A", "A", "B"), crews=crews, site=Site(mttf=400 * HOUR))
    dense = absent(spec)
    monkeypatch.setattr(_absence, "_SMALL", 0)
    sparse = absent(spec)
    assert sparse.events == pytest.approx(dense.events, rel=1e-9)
    assert sparse.writes == pytest.approx(dense.writes, rel=1e-9)
