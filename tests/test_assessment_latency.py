"""Latencies put together from ways: what must hold of any, and laws cut off."""

from dataclasses import replace
from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest
import sympy

from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Cache,
    SinglePrimary,
    Site,
    Tier,
    Work,
)
from hamodel.assessment import assess
from hamodel.assessment.latency import Latency, Loads, Paths, _in_time, _parted
from hamodel.assessment.loads import busiest, survival, usual
from hamodel.assessment.retries import Attempt, Balance, attempt, metastability
from hamodel.duration import constant, exponential, gamma, mixture, uniform
from hamodel.queueing import MMc
from hamodel.workload import Workload, unpacked
from tests.test_architectures import FAILOVER, NODE, SITE

LOAD = Workload(reads=900, writes=100, round_trip=0.08)
CACHE = Cache(hit_ratio=0.8, time=0.0002)
PAIR = ActivePassive(
    database=NODE, failover=FAILOVER, site=Site(cache=CACHE, apps=SITE.apps)
)
TIMES = np.array([0.0006, 0.002, 0.01, 0.03, 0.081, 0.09])


def paths_of(pair=PAIR, load=LOAD):
    paths = Paths(architecture=pair, behaviour=pair.behaviour(load), model=pair.model())
    ways = list(usual(paths, paths.model))
    return paths, ways[0], ways[-1]  # a near read, a write at the other site


LAWS = {
    "exponential": exponential(0.02),
    "shifted": gamma(mean=0.01, cv=0.7) + 0.005,
    "jumps": mixture([0.3, 0.7], [constant(0.012), uniform(0.0, 0.1)]),
    "near and far": mixture([0.6, 0.4], [exponential(0.003), gamma(mean=0.09, cv=0.1)]),
}


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("limit", [0.013, 0.04, 0.09])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_what_comes_in_time(name, limit, scale):
    law, limit = LAWS[name] * scale, limit * scale
    late = law.sf(limit)
    kept = _in_time(law, limit)
    times = np.linspace(0, limit, 400)
    expected = (law.sf(times) - late) / (1 - late)
    assert kept.sf(times) == pytest.approx(expected, abs=2e-4, rel=2e-3)
    mean = (law.mean - late * (limit + law.mean_excess(limit))) / (1 - late)
    assert kept.mean == pytest.approx(mean, rel=1e-4)
    assert kept.sf(limit) == 0
    levels = np.array([0.01, 0.5, 0.9, 0.999])
    exact = law.quantile(levels * (1 - late))
    assert kept.quantile(levels) == pytest.approx(exact, rel=2e-3)


def test_what_is_never_or_always_late_is_left_as_it_is():
    law = exponential(0.01)
    assert _in_time(law, np.inf) is law
    assert _in_time(law + 1.0, 0.5).mean == pytest.approx(1.01)
    kept = _in_time(law, 0.01 * np.log(1e6))  # one in a million
    assert kept.support[1] < 0.14 < law.quantile(1 - 1e-7)


def test_arrays_of_weights_are_asked_one_by_one():
    """Also where a client gives up, and where nobody goes one of the ways."""
    for load in (LOAD, replace(LOAD, timeout=0.03)):
        paths, near, far = paths_of(load=load)
        rows = np.array([0.6, 0.2]), np.array([0.0, 0.7])
        law = paths.latency(dict(zip((near, far), rows, strict=True)))
        for k in range(2):
            one = paths.latency({near: rows[0][k], far: rows[1][k]})
            there = [law.sf(t)[k] for t in TIMES]
            assert there == pytest.approx(one.sf(TIMES).tolist(), abs=1e-12)
            assert law.mean[k] == pytest.approx(one.mean, rel=1e-9)
    swept = replace(PAIR, database=replace(NODE, mttf=np.array([1e5, 1e7])))
    limited = assess(swept, replace(LOAD, timeout=0.05)).latency["DC-1", "write"]
    assert limited.sf(0.05).tolist() == [0, 0]


def test_only_shares_of_weights_count():
    paths, near, far = paths_of()
    whole = paths.latency({near: 0.999, far: 1e-3})
    for weight in (1e-7, 1e6):
        part = paths.latency({near: 0.999 * weight, far: 1e-3 * weight})
        assert part.sf(TIMES) == pytest.approx(whole.sf(TIMES), rel=1e-12)
    rare = paths.latency({near: 1.0, far: 1e-10})
    near_only = paths.latency({near: 1.0}).sf(0.2)  # those 80 ms away are left out
    assert rare.sf(0.2) == near_only < 1e-12 < paths.latency({far: 1e-10}).sf(0.08)


@pytest.mark.parametrize("scale", [1e-3, 60.0])
def test_in_another_unit_of_time_nothing_changes(scale):
    """All times longer and all rates lower: laws stretch, shares and loads stay."""
    names = ("round_trip", "hop", "app_time", "read_time", "write_time", "timeout")
    load = replace(LOAD, timeout=0.03, retries=2)
    times = {name: getattr(load, name) * scale for name in names}
    rates = {name: getattr(load, name) / scale for name in ("reads", "writes")}
    cache = replace(CACHE, time=CACHE.time * scale)
    tier = replace(SITE.apps, waiting=5)
    pair = replace(PAIR, site=replace(PAIR.site, apps=tier))
    other = replace(pair, site=replace(pair.site, cache=cache))
    one, near, far = paths_of(pair, load)
    two, near2, far2 = paths_of(other, replace(load, **times, **rates))
    for here, there in ((near, near2), (far, far2)):
        assert there.loads == pytest.approx(here.loads, rel=1e-12)
        assert two.refused(there) == pytest.approx(one.refused(here), rel=1e-9)
        assert 0 < one.refused(here) < 1e-3
        for limit in TIMES:
            slow = two.slow(there, limit * scale)
            assert slow == pytest.approx(one.slow(here, limit), rel=1e-6, abs=1e-15)
        law, stretched = one.latency({here: 1.0}), two.latency({there: 1.0})
        assert stretched.mean == pytest.approx(law.mean * scale, rel=1e-6)


def test_tries_multiply():
    """Twice three attempts are six; loads and work count each of them."""
    _, way, _ = paths_of()
    six = way.times(2.0).times(3.0)
    assert six.attempts == 6.0
    assert six.loads == pytest.approx([6 * load for load in way.loads], rel=1e-15)
    assert six.work == pytest.approx([6 * rate for rate in way.work], rel=1e-15)
    assert six.times(1 / 6).loads == pytest.approx(way.loads)


def test_constant_times_are_told_from_random_ones():
    given = [constant(0.5), exponential(2.0), constant(0.25), uniform(1, 3)]
    shift, law = _parted(given)
    assert shift == 0.75
    assert (law.mean, law.var) == pytest.approx((4.0, 4.0 + 4 / 12))
    assert _parted(given[::2])[1].mean == 0


def test_a_tier_without_a_limit_is_overloaded_from_1_on():
    x = sympy.Symbol("x")
    for waiting, loads, beyond in (
        (None, (0.99, 0.99), 0),
        (None, (1.0, 0.5), 1),
        (3, (1.5, 0.5), 0),  # who finds the queue full is turned away
        (3, (0.5, 1.1), 1),
        (3, (3.0, 1.1), 0),  # the database gets what they let through
        (None, (x, 2.0), 0),  # a formula is not asked
        (None, (2.0, x), 0),
    ):
        shop = SinglePrimary(
            database=NODE, site=Site(apps=Tier(node=NODE, waiting=waiting))
        )
        paths, way, _ = paths_of(shop)
        assert paths.beyond(way._replace(loads=Loads(*loads))) == beyond
    swept = paths.beyond(way._replace(loads=Loads(np.array([0.5, 2.0]), 0.1)))
    assert swept.tolist() == [0, 1]


def test_servers_that_do_nothing_take_no_time():
    idle = replace(LOAD, app_time=0.0)
    tiers = [None, Tier(node=NODE), Tier(node=NODE, waiting=2)]
    found = []
    for tier in tiers:
        paths, way, _ = paths_of(
            SinglePrimary(database=NODE, site=Site(apps=tier)), idle
        )
        assert (paths.refused(way), paths.slow(way, np.inf)) == (0, 0)
        found.append(paths.latency({way: 1.0}).sf(TIMES).tolist())
    assert found[0] == found[1] == found[2]
    shop = SinglePrimary(database=NODE, site=Site(apps=Tier(node=NODE, waiting=2)))
    full = [
        assess(shop, replace(LOAD, app_time=time)).read.downtime_by_cause.get(
            "queue full", 0
        )
        for time in (0.0, 0.006)
    ]
    swept = assess(shop, replace(LOAD, app_time=np.array([0.0, 0.006]))).read
    assert swept.downtime_by_cause["queue full"].tolist() == pytest.approx(full)
    assert full[1] > full[0] == 0


def test_laws_are_made_once_and_listed_by_site_and_operation():
    asked = []

    def law_of(site, operation):
        asked.append((site, operation))
        return constant(len(asked))

    laws = Latency(sites=("a", "b"), law_of=law_of)
    listed = [(key, float(law.mean)) for key, law in laws.items()]
    keys = [(s, o) for s in "ab" for o in ("read", "write")]
    assert listed == [(key, i + 1) for i, key in enumerate(keys)]
    assert len(laws) == len(list(laws)) == 4
    assert laws["b", "read"].mean == 3
    assert asked == keys
    with pytest.raises(ValueError, match="operation must be"):
        laws["a", "delete"]


def test_work_is_what_its_kinds_take():
    paths, *_ = paths_of()
    cores = paths.behaviour.cores
    for reads, writes in ((100.0, 0.0), (0.0, 100.0), (30.0, 70.0)):
        found = paths.loads(0.5, 1, Work(reads, writes))
        assert found.database == pytest.approx((reads * 0.001 + writes * 0.002) / cores)
        assert found.app == pytest.approx(0.5 * 1000 * 0.005 / (2 * NODE.cores))


def test_the_greatest_load_of_each_tier():
    """Single numbers come as such, arrays element by element."""
    found = busiest([Loads(np.array([0.1, 0.9]), 0.3), Loads(0.5, 0.2)])
    assert found["app"].tolist() == [0.5, 0.9]
    assert (type(found["database"]), found["database"]) == (float, 0.3)


def test_servers_cost_by_tier_and_site():
    tiers = [
        Tier(node=replace(NODE, cost=cost), servers=n)
        for n, cost in ((2, 3.0), (4, 5.0))
    ]
    pair = replace(PAIR, site=Site(balancers=tiers[0], apps=tiers[1]))
    assert assess(pair, LOAD).cost.servers == len(pair.sites) * (2 * 3 + 4 * 5)


def test_a_site_is_spared_where_nothing_hangs_on_it_and_the_rest_has_room():
    spared = survival(ActiveActive(database=NODE, failover=FAILOVER), full=False)
    crowded = survival(ActiveActive(database=NODE, failover=FAILOVER), full=True)
    alone = survival(SinglePrimary(database=NODE), full=False)
    assert (spared.read, spared.write, spared.why) == (True, True, ())
    for lost in (crowded, alone):
        assert (lost.read, lost.write, bool(lost)) == (False, False, False)
    assert crowded.why == ("the rest cannot carry the load",)


class Curve(Balance):
    """Attempts that keep themselves up at 1.2 and at 3, and rise from 2 on."""

    most = 4.0

    def asked(self, attempts):
        return attempts - 0.2 * (attempts - 1.2) * (attempts - 2) * (attempts - 3)

    def fails(self, attempts):
        return 0.1 if attempts < 2 else 0.9


def test_retries_settle_below_and_above_the_tipping_point():
    curve = Curve(paths=None, weights={})
    assert (curve.calm, curve.worst) == pytest.approx((1.2, 3.0), rel=1e-8)
    assert curve.tipping_point(1.2, 3.0) == pytest.approx(2.0, rel=2e-6)
    found = metastability(iter([curve]))
    assert (found.calm, found.worst) == pytest.approx((1.2, 3.0), rel=1e-8)
    assert (found.failing, found.budget) == pytest.approx((0.9, 1.0), rel=1e-5)
    assert bool(found)
    assert Attempt(0.5, 0.25, 0.125).fails == 0.875


class Early(Curve):
    """Attempts that rise from 1.5 on."""

    def asked(self, attempts):
        return attempts - 0.2 * (attempts - 1.2) * (attempts - 1.5) * (attempts - 3)


class Calm(Curve):
    """Attempts that make some fail, always as many."""

    def __init__(self, attempts):
        super().__init__(paths=None, weights={})
        object.__setattr__(self, "kept", attempts)

    def asked(self, _):
        return self.kept

    def fails(self, _):
        return 0.1


def test_the_worst_situation_is_the_one_that_the_fewest_retries_keep_up():
    curve, early = (kind(paths=None, weights={}) for kind in (Curve, Early))
    for some in permutations([Calm(1.1), curve, early, Calm(3.9)]):
        assert metastability(iter(some)).budget == pytest.approx(0.5, rel=1e-5)
    for some in permutations([Calm(1.1), Calm(1.3), Calm(1.2)]):
        found = metastability(iter(some))
        assert (found.worst, found.budget, bool(found)) == (1.3, np.inf, False)


def test_a_workload_by_itself():
    w = Workload()
    rest = w.round_trip, w.timeout, w.objective, w.retries, w.retry_budget
    assert (w.reads, w.writes, w.keys, w.exponent) == (900, 100, 1_000_000, 0.99)
    assert (rest, w.transfer_price) == ((0.08, np.inf, np.inf, 0, None), 0)
    with pytest.raises(ValueError, match="must not both be 0"):
        Workload(reads=[0.0, 1.0], writes=0.0)
    laws = Latency(sites=("a",), law_of=lambda *_: uniform(0, 100))
    shown = laws._repr_html_()
    for point, time in (("50 %", "50 s"), ("95 %", "1.58 min"), ("99 %", "1.65 min")):
        assert point in shown
        assert time in shown


class Stuck(Calm):
    """Attempts that mostly fail once they are as many as they always are."""

    def fails(self, attempts):
        return 0.4 if attempts == 1 else 0.9


def test_retries_that_have_one_state_only_keep_it_down_whatever_happens():
    found = metastability(iter([Stuck(3.0)]))
    assert (found.calm, found.worst, found.failing, found.budget) == (3, 3, 0.9, 0)
    assert str(found) == "retries keep it down, whatever happens"


@pytest.mark.parametrize(("budget", "most"), [(None, 4), (0.5, 1.5), (7.0, 4)])
def test_the_most_attempts_are_those_of_requests_that_all_fail(budget, most):
    """A database that has ten times more to do than it can answers none."""
    load = replace(LOAD, timeout=0.05, retries=3, retry_budget=budget)
    paths, read, write = paths_of(load=load)
    over = [way.times(10 / way.loads.database) for way in (read, write)]
    for way in over:
        assert attempt(paths, way) == (1.0, 0.0, 0.0)
    balance = Balance(paths=paths, weights={over[0]: 0.9, over[1]: 0.1})
    assert balance.most == balance.worst == balance.calm == most
    assert balance.fails(1.0) == pytest.approx(1, rel=1e-12)
    none, late = attempt(paths, read)[:2]
    assert (none, late) == (0, 0)  # nobody is turned away


@pytest.mark.parametrize("waiting", [0, 3, None])
def test_what_app_servers_turn_away_asks_no_database(waiting):
    """One server of 4 cores before one database: each a queue of its own."""
    load = Workload(
        reads=400, writes=0, hop=0.01, app_time=0.008, read_time=0.002, timeout=1e6
    )
    node = replace(NODE, cores=1)
    apps = Tier(node=replace(NODE, cores=4), servers=1, waiting=waiting)
    one = SinglePrimary(database=node, site=Site(apps=apps))
    room = None if waiting is None else 4 + waiting
    tier = MMc(400, 0.008, 4, room)
    passed = 400 * (1 - (tier.blocking if waiting is not None else 0))
    law = assess(one, load).latency["DC-1", "read"]
    exact = 0.01 + tier.response.mean + MMc(passed, 0.002, 1).response.mean
    assert law.mean == pytest.approx(exact, rel=1e-6)


def test_shares_of_clients_add_up_in_each_element_of_an_array():
    half = np.array([0.5, 0.4])
    for other, total in ((0.5, 0.9), (half, 0.8)):
        with pytest.raises(ValueError, match=f"add up to 1, got {total}"):
            Workload(clients={"a": half, "b": other})
    Workload(clients={"a": half, "b": 1 - half})


def test_what_has_no_workload_is_taken_as_it_is():
    """Be it an architecture, or something that merely holds one."""
    holds = SimpleNamespace(architecture=PAIR)
    assert unpacked(holds, None) == (holds, None)
    assert unpacked(PAIR, LOAD) == (PAIR, LOAD)
    loaded = SimpleNamespace(architecture=PAIR, workload=LOAD)
    other = replace(LOAD, reads=1.0)
    assert unpacked(loaded, None) == (PAIR, LOAD)
    assert unpacked(SimpleNamespace(spec=loaded), other) == (PAIR, other)
