"""The law of the downtime of a period where it jumps: held against sums by hand."""

import math

import numpy as np
import pytest

from hamodel import catalogue, duration
from hamodel.architectures import ActiveActive, Node, SinglePrimary
from hamodel.assessment import Journey, OtherPart, assess, assess_journeys
from hamodel.assessment.budget import Downtime
from hamodel.failover import Failover
from hamodel.units import DAY, HOUR, MINUTE, MONTH, YEAR
from hamodel.workload import Workload


@pytest.mark.parametrize(
    "repair",
    [
        duration.lognormal(mean=4 * HOUR, cv=1.0),
        duration.gamma(mean=6 * HOUR, cv=0.4),
        duration.lognormal(mean=8 * HOUR, cv=0.6),
    ],
)
@pytest.mark.parametrize("horizon", [HOUR, 4 * HOUR])
def test_a_period_within_one_outage(repair, horizon):
    """Down at its start for so long, or from within it on; hardly ever twice.

    A period that an outage takes as a whole is a jump of the law at its end.
    """
    node = Node(mttf=20_000 * HOUR, mttr=repair)
    found = assess(SinglePrimary(database=node))
    cycle = node.mttf + repair.mean
    for x in horizon * np.array([0.3, 0.6, 0.9, 0.97, 0.995, 0.9999]):
        begun = float(repair.law.excess(np.array([x]))[0])
        within = (horizon - x) * float(repair.sf(x))
        chance = found.chance_of_missing(1 - x / horizon, horizon)
        assert chance.probability == pytest.approx((begun + within) / cycle, rel=0.02)


def test_a_period_that_is_down_throughout_is_its_own_quantile():
    node = Node(mttf=20 * HOUR, mttr=duration.lognormal(mean=4 * HOUR, cv=1.0))
    found = assess(SinglePrimary(database=node))
    whole = found.chance_of_missing(1 - 0.9999, HOUR).probability
    assert found.downtime_quantile(1 - whole / 2, HOUR) == pytest.approx(HOUR)


def test_failovers_of_one_length_make_a_staircase():
    """Of 30, 55 and 1855 s in a year: sums of them are multiples of five."""
    found = assess(catalogue.system("oracle-data-guard").architecture())

    def missed(x):
        return found.chance_of_missing(1 - x / YEAR, YEAR).probability

    steps = [565, 570, 575, 580]
    levels = [[missed(k + x) for x in (0.3, 2.5, 4.7)] for k in steps]
    for step in levels:
        assert step == pytest.approx([step[1]] * 3, rel=2e-4)
    lengths = [step[1] for step in levels]
    assert all(np.diff(lengths) < 0)
    assert lengths[0] - lengths[1] > 0.03 * lengths[0]  # 570 is 4 x 30 + 6 x 55 + ...
    between = 1 - (lengths[0] + lengths[1]) / 2
    assert found.downtime_quantile(between, YEAR) == pytest.approx(570, rel=1e-8)


@pytest.mark.parametrize("horizon", [HOUR, DAY, MONTH, YEAR])
def test_a_quantile_is_found_in_a_few_steps(horizon, monkeypatch):
    """Each asks for the law once; in halves of the whole it would take some fifty."""
    asked, place = [], Downtime._sloped

    def counted(*given):
        asked.append(given)
        return place(*given)

    monkeypatch.setattr(Downtime, "_sloped", counted)
    for key in ("kafka", "mysql-orchestrator", "oracle-data-guard", "redis-sentinel"):
        found = assess(catalogue.system(key).architecture())
        for p in (0.5, 0.9, 0.99, 0.999):
            asked.clear()
            down = found.downtime_quantile(p, horizon)
            assert len(asked) <= 20, (key, p)
            for x, side in ((0.999 * down, 1), (1.001 * down, -1)):
                if 0 < x < horizon:
                    missed = found.chance_of_missing(1 - x / horizon, horizon)
                    assert side * math.log(missed.probability / (1 - p)) > -2e-3


@pytest.mark.parametrize(
    "key", ["kafka", "cockroachdb", "mysql-orchestrator", "postgresql-patroni"]
)
@pytest.mark.parametrize(
    ("horizon", "target"), [(DAY, 0.9995), (MONTH, 0.99999), (YEAR, 0.9999)]
)
def test_journeys_that_fail_alike_miss_as_often_as_one(key, horizon, target):
    """They differ by parts that hardly ever fail: any of them misses as one does."""
    shop = assess_journeys(
        catalogue.system(key).architecture(),
        journeys={
            name: Journey(path=f"write > {name}", objective=target) for name in "ab"
        },
        parts={name: OtherPart(mttf=1e15, mttr=1.0) for name in "ab"},
    )
    one = shop.chance_of_missing("a", horizon).probability
    chance = shop.chance_of_missing_any(horizon)
    assert chance.probability == pytest.approx(one, rel=chance.error)
    assert chance.error < 0.3
    assert chance.probability >= one


@pytest.mark.parametrize(("beyond", "most"), [(1.02, 1.4), (1.12, 1.05)])
def test_a_constant_repair_behind_a_way_out_with_a_law_is_smooth(beyond, most):
    """Clients whom nobody leads away: a quarter is not down for long enough."""
    repair, share, works = 4 * HOUR, 0.25, 0.95
    node = Node(mttf=3000 * HOUR, mttr=duration.constant(repair))
    way = Failover(detection=duration.erlang(3, 300.0), coverage=works)
    shop = ActiveActive(database=node, failover=way, sites=("a", "b"))
    found = assess(shop, Workload(clients={"a": 1 - share, "b": share}))
    x = repair * share * beyond
    begins = DAY + repair - 2 * x / (1 - share)
    exact = (1 - works) * begins / node.mttf
    ratio = found.chance_of_missing(1 - x / DAY, DAY).probability / exact
    assert ratio < most  # as is said
    assert (ratio > 1.05) == (beyond == 1.02)


def test_beyond_what_one_of_two_sites_can_cost_a_minute_a_part_is_left():
    node = Node(mttf=1000 * HOUR, mttr=600.0)
    way = Failover(detection=60.0, coverage=0.8)
    found = assess(ActiveActive(database=node, failover=way))
    one, *left = (
        found.chance_of_missing(1 - x, MINUTE).probability for x in (0.49, 0.5, 0.55)
    )
    exact = 1.2e-7  # at most: both sites are away, 1e-4 of the time each
    assert one > 100 * exact
    assert exact < left[0] < 0.05 * one  # as is said
    assert left[1] <= exact
