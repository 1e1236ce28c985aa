"""Writes that wait: for a standby, for planned work, for the home of their key.

The second roads are `Replication.protection`, closed forms and simulated runs.
"""

from dataclasses import replace

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from hamodel import duration
from hamodel.architectures import (
    CAUSES,
    ActiveActive,
    ActivePassive,
    Leaderless,
    Maintenance,
    Majority,
    Node,
    SinglePrimary,
    Site,
    Standby,
)
from hamodel.architectures._leaderless_behaviour import oldest
from hamodel.architectures._races import Alone
from hamodel.assessment import assess
from hamodel.failover import Failover
from hamodel.replication import Replication
from hamodel.simulation import simulate
from hamodel.units import DAY, HOUR, MINUTE, YEAR
from tests.test_architectures import FAILOVER, FULL, NODE, unavailability

LASTING = Node(mttf=float("inf"), mttr=4 * HOUR)
STRICT = Replication(mode="sync")
PATIENT = Replication(mode="semi-sync", timeout=10)
WORK = Maintenance(every=30 * DAY, takes=20 * MINUTE)


def lonely(replication, mttf=500 * HOUR):
    """Return a pair of which only the standby can fail."""
    return ActivePassive(
        database=LASTING,
        failover=FAILOVER,
        standby=Standby(mttf=mttf),
        replication=replication,
    )


# ---- writes that wait for the standby ----------------------------------------------


@given(st.floats(10, 1e4), st.sampled_from(["sync", "quorum"]))
def test_strict_writes_stop_while_the_standby_is_down(hours, mode):
    replication = Replication(mode=mode)
    pair = lonely(replication, hours * HOUR)
    price = replication.protection(mttf=hours * HOUR, mttr=LASTING.mttr)
    down = pair.model().downtime()
    assert down["write"] == pytest.approx({"standby down": price.blocked}, rel=1e-12)
    assert down["read"] == {}
    assert pair.unavailability == pytest.approx(price.blocked, rel=1e-12)
    assert pair.downtime_by_cause["standby down"] == pytest.approx(price.blocked)


@given(st.floats(10, 1e4), st.floats(1, 60))
def test_semi_synchronous_writes_stop_for_the_timeout(hours, timeout):
    """The chain lets nobody return during the timeout: a part in a hundred at most."""
    replication = Replication(mode="semi-sync", timeout=timeout)
    pair = lonely(replication, hours * HOUR)
    price = replication.protection(mttf=hours * HOUR, mttr=LASTING.mttr)
    down = pair.model().downtime()["write"]
    assert set(down) == {"waiting for the standby"}
    assert sum(down.values()) == pytest.approx(price.blocked, rel=5e-3)


def test_asynchronous_writes_wait_for_nobody():
    assert lonely(Replication()).model().downtime() == {"read": {}, "write": {}}


def test_strict_writes_gain_nothing_from_a_second_node():
    strict = replace(FULL["passive"], replication=STRICT)
    assert unavailability(strict) > unavailability(FULL["single"])
    assert unavailability(strict, "read") == unavailability(FULL["passive"], "read")


def test_a_timeout_of_nothing_is_no_wait():
    at_once = replace(
        FULL["passive"], replication=Replication(mode="semi-sync", timeout=0.0)
    )
    for operation in ("read", "write"):
        down = unavailability(at_once, operation)
        before = unavailability(FULL["passive"], operation)
        assert down == pytest.approx(before, rel=1e-12)


@pytest.mark.parametrize("replication", [STRICT, PATIENT], ids=["strict", "patient"])
@pytest.mark.parametrize("sites", [("DC-1",), ("DC-1", "DC-2")])
def test_causes_of_a_waiting_pair_add_up(replication, sites):
    pair = ActivePassive(
        database=NODE,
        failover=FAILOVER,
        site=Site(mttf=YEAR, mttr=6 * HOUR),
        replication=replication,
        sites=sites,
        standby=Standby(probe=DAY),
    )
    alone = pair.downtime_by_cause
    assert list(alone)[: len(CAUSES)] == list(CAUSES)
    assert sum(alone.values()) == pytest.approx(pair.unavailability, rel=1e-12)
    if len(sites) == 1:
        model = pair.model().downtime()["write"]
        assert {k: v for k, v in alone.items() if v} == pytest.approx(model, rel=1e-12)


def test_reads_at_a_node_whose_writes_wait_are_fresh():
    model = lonely(STRICT).model()
    for seen, _ in model.situations()["DC-1"].items():
        if model.verdict(seen, "DC-1", "write").cause:
            assert not model.verdict(seen, "DC-1", "read").stale


@pytest.mark.parametrize("replication", [STRICT, PATIENT], ids=["strict", "patient"])
def test_a_run_waits_as_long(replication):
    """The timeout is long here, so that a run of affordable length sees it."""
    if replication is PATIENT:
        replication = replace(replication, timeout=HOUR)
    pair = ActivePassive(
        database=Node(mttf=100 * HOUR, mttr=9 * HOUR),
        failover=FAILOVER,
        replication=replication,
    )
    run = simulate(pair, None, 60, np.random.default_rng(5))
    down = pair.model().downtime()["write"]
    for cause in ("standby down", "waiting for the standby"):
        if cause in down:
            assert down[cause] in run.downtime["write"][cause]


def test_a_formula_of_a_waiting_pair():
    mttr = sympy.Symbol("R", positive=True)
    pair = replace(lonely(STRICT), database=Node(mttf=float("inf"), mttr=mttr))
    formula = pair.model().downtime()["write"]["standby down"]
    exact = mttr / (mttr + 500 * HOUR)
    for hours in (1, 7):
        assert float((formula / exact).subs(mttr, hours * HOUR)) == pytest.approx(1)


def test_a_pair_has_one_standby():
    with pytest.raises(
        ValueError, match=r"replication.standbys must be 1, one for each .*, got 2"
    ):
        lonely(Replication(standbys=2))


# ---- planned work ------------------------------------------------------------------


@pytest.mark.parametrize(
    "shop",
    [
        SinglePrimary(database=LASTING, maintenance=WORK),
        ActiveActive(
            database=LASTING, failover=FAILOVER, sites=("A",), maintenance=WORK
        ),
    ],
)
def test_planned_work_stops_a_single_database(shop):
    share = WORK.takes / (WORK.every + WORK.takes)
    for operation in ("read", "write"):
        down = getattr(assess(shop), operation).downtime_by_cause
        assert down == pytest.approx({"planned maintenance": share}, rel=1e-12)


@pytest.mark.parametrize("sites", [("DC-1",), ("DC-1", "DC-2")])
def test_planned_work_costs_a_pair_a_change_of_roles(sites):
    pair = ActivePassive(
        database=LASTING,
        failover=FAILOVER,
        standby=Standby(mttf=float("inf")),
        maintenance=WORK,
        sites=sites,
    )
    away = FAILOVER.promotion + FAILOVER.redirection
    found, expected = assess(pair), away / (WORK.every + away)
    down = found.write.downtime_by_cause
    assert down == pytest.approx({"planned maintenance": expected}, rel=1e-12)
    assert found.read.downtime_by_cause == {}


@pytest.mark.parametrize(
    ("mode", "count", "more", "out"),
    [
        ("sync", 2, {}, 2),  # each of two nodes is out in turn, and none may be
        ("sync", 3, {}, 3),
        ("quorum", 3, {"acknowledgements": 2}, 3),
        ("quorum", 3, {"acknowledgements": 1}, 0),
        ("in-sync", 3, {"acknowledgements": 2}, 3),
        ("in-sync", 3, {"acknowledgements": 1}, 0),
        ("semi-sync", 2, {}, 0),
        ("async", 3, {}, 0),
    ],
)
def test_planned_work_on_a_node_that_no_commit_does_without(mode, count, more, out):
    pair = ActivePassive(
        database=LASTING,
        failover=FAILOVER,
        standby=Standby(mttf=float("inf")),
        maintenance=WORK,
        sites=("A", "B", "C")[:count],
        replication=Replication(mode=mode, standbys=count - 1, **more),
    )
    away = FAILOVER.promotion + FAILOVER.redirection + out * WORK.takes
    found, expected = assess(pair), away / (WORK.every + away)
    down = found.write.downtime_by_cause
    assert down == pytest.approx({"planned maintenance": expected}, rel=1e-12)
    assert found.read.downtime_by_cause == {}


def mixed(*states):
    """Mean over what planned work does, each with how long it lasts."""
    return sum(length * down for length, down in states) / sum(t for t, _ in states)


def test_planned_work_on_one_of_two_active_sites_leaves_the_other_alone():
    spec = ActiveActive(database=NODE, failover=FAILOVER, maintenance=WORK)
    lost = NODE.mttr / (NODE.mttf + NODE.mttr)
    calm = unavailability(replace(spec, maintenance=None))
    expected = mixed((WORK.every, calm), (2 * WORK.takes, lost))
    assert unavailability(spec) == pytest.approx(expected, rel=1e-12)
    assert expected > 1.03 * calm


@pytest.mark.parametrize(
    "copies", [{"A": 1, "B": 1, "C": 1}, {"A": 2, "B": 1}, {"A": 3}]
)
def test_a_rolling_restart_costs_a_majority_its_slack_and_one_election(copies):
    spec = Majority(
        database=NODE, failover=FAILOVER, copies=copies, election=40, maintenance=WORK
    )
    up = NODE.mttf / (NODE.mttf + NODE.mttr)
    calm = unavailability(replace(spec, maintenance=None))
    elects = 1 - (1 - calm) / (up**3 + 3 * up**2 * (1 - up))  # share of the time
    alone = 1 - up**2 * (1 - elects)  # both others must be up, with a leader
    expected = mixed((WORK.every, calm), (40, 1.0), (3 * WORK.takes, alone))
    down = assess(spec).write.downtime_by_cause
    assert sum(down.values()) == pytest.approx(expected, rel=1e-12)
    assert down["planned maintenance"] > 0
    free = replace(spec, maintenance=None).model().downtime()["write"]
    assert "planned maintenance" not in free


@pytest.mark.parametrize(
    "copies", [{"A": 1, "B": 1, "C": 1}, {"A": 2, "B": 1}, {"A": 3}]
)
def test_planned_work_takes_a_copy_from_a_quorum(copies):
    spec = Leaderless(database=NODE, copies=copies, maintenance=WORK)
    up = NODE.mttf / (NODE.mttf + NODE.mttr)
    calm = unavailability(replace(spec, maintenance=None))
    expected = mixed((WORK.every, calm), (3 * WORK.takes, 1 - up**2))
    assert unavailability(spec) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["single", "passive"])
def test_planned_work_is_never_charged_twice(name):
    """What is down anyway is not down for planned work."""
    worked = replace(FULL[name], maintenance=WORK)
    down = worked.model().downtime()["write"]
    before = FULL[name].model().downtime()["write"]
    for cause, share in before.items():
        assert down[cause] == pytest.approx(share, rel=1e-12)
    assert set(down) == {*before, "planned maintenance"}


def test_a_run_keeps_the_calendar():
    shop = SinglePrimary(
        database=Node(mttf=100 * HOUR, mttr=5 * HOUR),
        maintenance=Maintenance(every=7 * DAY, takes=6 * HOUR),
    )
    run = simulate(shop, None, 60, np.random.default_rng(2))
    down = shop.model().downtime()["write"]
    for cause, share in down.items():
        assert share in run.downtime["write"][cause]


# ---- the home of a key -------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 4])
def test_a_lost_home_costs_everybody_its_share_of_the_writes(n):
    site = Site(mttf=YEAR, mttr=6 * HOUR)
    names = tuple(f"DC-{k}" for k in range(n))
    failover = Failover(detection=20, redirection=40)
    plain = ActiveActive(database=LASTING, failover=failover, site=site, sites=names)
    homes = replace(plain, resolution="home site")
    own = plain.model().downtime()["write"]["failing over"]
    down = homes.model().downtime()["write"]["failing over"]
    assert down == pytest.approx(own * (1 + (n - 1) / n), rel=1e-3)
    assert unavailability(homes, "read") == pytest.approx(
        unavailability(plain, "read"), rel=1e-12
    )


def test_homes_cost_all_clients_alike():
    homes = replace(FULL["active"], resolution="home site").model()
    first, second = (homes.downtime({site: 1})["write"] for site in homes.sites)
    assert first == pytest.approx(second, rel=1e-12)


def test_one_site_is_home_to_all():
    alone = replace(FULL["active"], sites=("DC-1",))
    homes = replace(alone, resolution="home site")
    assert homes.model().downtime() == alone.model().downtime()


def test_a_home_that_is_not_moved_waits_for_repair():
    """Coverage 0 and nobody's hand: each site's keys are down as long as it is."""
    node = Node(mttf=1000 * HOUR, mttr=4 * HOUR)
    homes = ActiveActive(
        database=node, failover=Failover(coverage=0.0), resolution="home site"
    )
    q = 4 / 1004
    # own site (q), or own site up (1 - q) and a foreign home (1/2) down (q)
    assert unavailability(homes) == pytest.approx(q + (1 - q) * q / 2, rel=1e-9)


@pytest.mark.parametrize("apart", [True, False])
def test_a_run_moves_homes(apart):
    homes = ActiveActive(
        database=Node(mttf=100 * HOUR, mttr=5 * HOUR),
        failover=Failover(detection=5 * MINUTE, redirection=5 * MINUTE, coverage=0.9),
        resolution="home site",
    )
    run = simulate(homes, None, 80, np.random.default_rng(8), apart=apart)
    for operation in ("read", "write"):
        assert unavailability(homes, operation) in run.unavailability[operation]


def test_no_site_is_named_like_another_part():
    shop = replace(FULL["active"], sites=("home", "away"), resolution="home site")
    with pytest.raises(ValueError, match=r"named like another part, got \['home'\]"):
        shop.model()


def test_the_oldest_write_of_streams_of_unlike_windows():
    """Of none within the last t of either window: Poisson streams, by hand."""
    at_once = duration.constant(0.0)
    windows = (3.0, duration.constant(0.2)), (0.5, duration.uniform(0, 4))
    law = oldest([(rate, Alone(window, at_once, 0.0)) for rate, window in windows])
    times = np.array([0.05, 0.15, 1.0, 3.0])
    within = 3 * np.maximum(0.2 - times, 0) + 0.5 * (4 - times) ** 2 / 8
    assert law.sf(times) == pytest.approx(-np.expm1(-within), rel=2e-3)


def test_the_oldest_write_where_one_queue_holds_all_of_them_back():
    """Given how long it is for, v, there are none older than t with e^(-r (v - t))."""
    for rate in (0.5, 5.0, 50.0):
        queue = duration.uniform(0, 4)
        law = oldest([(rate, Alone(queue, queue, 0.0))])
        times = np.array([0.5, 1.0, 3.0])
        left = rate * (4 - times)
        expected = (4 - times) / 4 * (1 + np.expm1(-left) / left)
        assert law.sf(times) == pytest.approx(expected, rel=0.01)
    # and where each write has work of its own beside: as drawn
    rng, rate, work = np.random.default_rng(2), 5.0, 0.5
    held = rng.uniform(0, 4, 20_000)
    other, own = rng.exponential(work, (2, 20_000, 120))
    ages = np.cumsum(rng.exponential(1 / rate, (20_000, 120)), axis=1)
    window = held[:, None] + other - own
    alone = window > ages
    old = np.where(alone, ages, 0.0).max(axis=1)
    times = np.linspace(0, 12, 2001)
    late = 1 - np.searchsorted(np.sort(window, axis=None), times) / window.size
    law = oldest([(rate, Alone(duration.tabulated(times, late), queue, work))])
    for p in (0.5, 0.9, 0.99):
        assert law.quantile(p) == pytest.approx(np.quantile(old, p), rel=0.05)
