"""The discrete-event runs against the chains, and against the shapes of time."""

from dataclasses import replace

import numpy as np
import pytest

from hamodel.architectures import ActiveActive, ActivePassive, Node, SinglePrimary
from hamodel.assessment import assess
from hamodel.failover import Failover
from hamodel.simulation import Simulated, simulate
from hamodel.units import HOUR, YEAR
from hamodel.workload import Workload
from tests.test_architectures import FULL, NODE

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
@pytest.mark.parametrize("name", FULL)
def test_runs_agree_with_the_chain(name, apart):
    architecture = FULL[name]
    run = simulate(architecture, None, 1200, np.random.default_rng(7), apart=apart)
    for operation, causes in architecture.model().downtime().items():
        assert sum(causes.values()) in widened(run.unavailability[operation])


def widened(estimate):
    """Return the interval at 1.5 times its reach: one seed, ten comparisons."""
    reach = 1.5 * (estimate.high - estimate.value)
    return Simulated(estimate.value, estimate.value - reach, estimate.value + reach)


def test_a_planted_error_of_a_fifth_is_seen():
    wrong = replace(FULL["single"], database=Node(mttf=2000 * HOUR, mttr=6 * HOUR))
    run = simulate(wrong, None, 1200, np.random.default_rng(7))
    truth = sum(FULL["single"].model().downtime()["write"].values())
    assert truth not in widened(run.unavailability["write"])


def test_apart_sees_what_together_never_meets():
    rare = Node(mttf=YEAR, mttr=0.5 * HOUR)
    both = ActiveActive(database=rare, failover=Failover(), sites=("a", "b", "c"))
    exact = (rare.mttr / (rare.mttf + rare.mttr)) ** 3
    run = simulate(both, None, 20_000, np.random.default_rng(3), apart=True)
    assert run.unavailability["read"].value == pytest.approx(exact, rel=0.1)
    joint = simulate(both, None, 500, np.random.default_rng(3))
    assert joint.unavailability["read"].value == 0


def test_the_shape_of_a_stage_does_not_matter_in_the_long_run():
    from hamodel import duration

    wide = Failover(promotion=duration.lognormal(mean=600, cv=2.0), coverage=1)
    pair = ActivePassive(database=NODE, failover=wide)
    run = simulate(pair, None, 1500, np.random.default_rng(11))
    exponential = pair.model().downtime()["write"]["failing over"]
    estimate = run.downtime["write"]["failing over"]
    assert exponential in widened(estimate)


def test_outages_have_the_length_of_their_stages():
    pair = ActivePassive(database=NODE, failover=Failover(detection=10, promotion=20))
    run = simulate(pair, Workload(clients={"DC-1": 1}), 200, np.random.default_rng(5))
    waits = [
        o.length
        for o in run.outages
        if o.operation == "write" and o.cause == "failing over"
    ]
    assert len(waits) > 500
    assert np.allclose(waits, 30)


def test_outages_add_up_to_the_downtime():
    run = simulate(
        FULL["active"], Workload(clients={"DC-2": 1}), 300, np.random.default_rng(9)
    )
    total = sum(o.length for o in run.outages if o.operation == "write")
    assert total / (300 * YEAR) == pytest.approx(
        run.unavailability["write"].value, rel=1e-9
    )


def test_a_seed_decides_the_run():
    first, second = (
        simulate(FULL["passive"], None, 50, np.random.default_rng(1)) for _ in range(2)
    )
    assert first.unavailability == second.unavailability


def test_survivors_without_room_serve_nobody():
    """Two sites at 60 % each: without one of them both sites' clients suffer."""
    shop = ActiveActive(
        database=Node(mttf=200 * HOUR, mttr=4 * HOUR, cores=1),
        failover=Failover(detection=60),
    )
    load = Workload(reads=1200, writes=0, read_time=0.001, app_time=0)
    run = simulate(shop, load, 400, np.random.default_rng(2))
    found = assess(shop, load).read
    assert found.unavailability in widened(run.unavailability["read"])
    assert found.downtime_by_cause["overload"] in widened(
        run.downtime["read"]["overload"]
    )


def covered(architecture, years, runs, truth, *, apart=False):
    """Return the share of seeded runs whose interval holds the truth."""
    found = [
        simulate(architecture, None, years, seed, apart=apart).unavailability["write"]
        for seed in range(runs)
    ]
    return np.mean([truth in estimate for estimate in found]), found


@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
@pytest.mark.parametrize("failures", [0.3, 1, 3, 9, 90])
def test_intervals_hold_the_truth_as_often_as_they_say(failures, apart):
    shop = SinglePrimary(database=Node(mttf=YEAR, mttr=8 * HOUR))
    truth = sum(shop.model().downtime()["write"].values())
    share, _ = covered(shop, failures, 300, truth, apart=apart)
    assert share > 0.95 - 2.5 * np.sqrt(0.05 * 0.95 / 300)


def test_intervals_of_a_mixture_and_of_a_product_hold():
    mixed = ActivePassive(
        database=Node(mttf=0.2 * YEAR, mttr=8 * HOUR),
        failover=Failover(promotion=60, coverage=0.9),
    )
    truth = sum(mixed.model().downtime()["write"].values())
    share, found = covered(mixed, 10, 150, truth)
    assert share > 0.95 - 2.5 * np.sqrt(0.05 * 0.95 / 150)
    widths = [e.high - e.low for e in found]
    assert np.median(widths) < 3 * truth
    sites = ActiveActive(
        database=Node(mttf=0.1 * YEAR, mttr=20 * HOUR), failover=Failover()
    )
    truth = sum(sites.model().downtime()["write"].values())
    share, _ = covered(sites, 8, 150, truth, apart=True)
    assert share > 0.95 - 2.5 * np.sqrt(0.05 * 0.95 / 150)


def test_a_run_without_an_event_says_how_bad_it_may_be():
    shop = SinglePrimary(database=Node(mttf=1000 * YEAR, mttr=8 * HOUR))
    for apart in (False, True):
        found = simulate(shop, None, 1, 1, apart=apart).unavailability["write"]
        assert found.value == found.low == 0
        assert found.high == pytest.approx(2 * 3.69 * 8 * HOUR / YEAR, rel=0.01)
    never = SinglePrimary(database=Node(mttf=np.inf, mttr=8 * HOUR))
    assert simulate(never, None, 1, 1).unavailability["write"] == (0, 0, 0)


def test_a_seed_may_be_a_number():
    shop = SinglePrimary(database=NODE)
    by_number = simulate(shop, None, 20, 5)
    assert by_number.outages == simulate(shop, years=20, rng=5).outages
    assert (
        by_number.outages == simulate(shop, None, 20, np.random.default_rng(5)).outages
    )


@pytest.mark.parametrize(
    ("years", "clients", "message"),
    [
        (0, None, r"years must be > 0 and finite, got 0"),
        (1, {"DC1": 1.0}, r"clients must be one of 'DC-1', got 'DC1'"),
    ],
)
def test_bad_input_is_named(years, clients, message):
    shop = SinglePrimary(database=NODE)
    with pytest.raises(ValueError, match=message):
        simulate(shop, Workload(clients=clients), years, np.random.default_rng(1))
