"""The chance of a good period where outages follow each other, or come in crowds."""

import functools
import itertools
import math

import numpy as np
import pytest

from hamodel import (
    ActiveActive,
    ActivePassive,
    Failover,
    Majority,
    Node,
    Site,
    Workload,
    assess,
    duration,
)
from hamodel.architectures import Dependency, Maintenance, Region, Replica
from hamodel.assessment._laws import flat, left_of
from hamodel.failover import Failback, Switchover
from hamodel.units import DAY, HOUR, MONTH, YEAR

WEEK = 7 * DAY
SELDOM = Node(mttf=1e9 * HOUR, mttr=HOUR)


@pytest.mark.parametrize(
    "redirection", [60.0, duration.exponential(60), duration.uniform(30, 90)]
)
@pytest.mark.parametrize("horizon", [60.0, 600.0])
def test_work_by_the_calendar_ends_when_it_ends(redirection, horizon):
    """A period meets work of any law if it begins less than its length before the end.

    What ran beyond the end of a cycle was cut off there: a minute said 9 % too little.
    """
    pair = ActivePassive(
        database=SELDOM,
        failover=Failover(promotion=120, redirection=redirection),
        sites=("A", "A"),
        maintenance=Maintenance(every=WEEK, takes=600),
    )
    found = assess(pair).chance_of_missing(1 - 1e-6, horizon, "write")
    meets = (180 + horizon - 2e-6 * horizon) / (WEEK + 180)
    assert found.probability == pytest.approx(meets, rel=1e-6)


@pytest.mark.parametrize("kinds", [2, 4])
@pytest.mark.parametrize("horizon", [YEAR, 10 * YEAR])
def test_crowds_of_constant_outages(kinds, horizon):
    """Numbers of outages of each length, by Poisson's law, and what they add up to.

    Near combinations of numbers were looked at one by one: GiBs of them.
    """
    hangs_on = [(200 * HOUR + 37 * HOUR * k, 300.0 + 170 * k) for k in range(kinds)]
    pair = ActivePassive(
        database=SELDOM,
        failover=Failover(promotion=30),
        sites=("A", "A"),
        depends_on=tuple(
            Dependency(name=f"{k}", mttf=mttf, mttr=duration.constant(mttr))
            for k, (mttf, mttr) in enumerate(hangs_on)
        ),
    )
    found = assess(pair)
    down = found.write.unavailability * horizon
    sums = np.zeros(2**18)  # chance of a downtime of so many times 10 s
    sums[0] = 1.0
    for mttf, mttr in hangs_on:
        mean, step = horizon / (mttf + mttr), int(mttr / 10)
        n = np.arange(len(sums) // step)
        each = np.zeros(len(sums))
        logs = n * math.log(mean) - mean - np.array([math.lgamma(k + 1) for k in n])
        each[n * step] = np.exp(logs)
        size = 2 * len(sums)
        sums = np.fft.irfft(np.fft.rfft(sums, size) * np.fft.rfft(each, size))[:size]
        sums = sums[: size // 2]
    for share in (0.9, 1.0, 1.05):
        over = int(share * down / 10) + 0.5
        said = found.chance_of_missing(1 - over * 10 / horizon, horizon, "write")
        played = sums[int(over + 0.5) :].sum()
        assert said.probability == pytest.approx(played, rel=0.02 + said.error)


def test_many_constant_outages_that_avoid_each_other():
    """Ten years of sites that fail over inside have some downtime for sure: 0 was said.

    Pairs of outages that come less often than by chance outnumbered single ones.
    """
    sites = ActiveActive(
        database=Node(mttf=300 * HOUR, mttr=duration.constant(72 * HOUR)),
        failover=Failover(detection=30, redirection=600),
        region=Region(failover=Failover(detection=5, promotion=25), nodes=3, crews=3),
    )
    found = assess(sites)
    down = [1e5, 4e4, 3e4, 2e4, 16e3, 5e3, 1e3]
    chances = [
        found.chance_of_missing(1 - x / (10 * YEAR), 10 * YEAR, "write").probability
        for x in down
    ]
    assert all(a <= b for a, b in itertools.pairwise(chances))
    assert chances[-2:] == pytest.approx([1.0, 1.0], abs=1e-6)


def pair_that_fails_back(repair, resync):
    return ActivePassive(
        database=Node(mttf=300 * HOUR, mttr=repair),
        failover=Failover(detection=10, promotion=50),
        replicas=(Replica(site="A", priority=2), Replica(site="A", priority=1)),
        crews=2,
        failback=Failback(resync=resync, switchover=Switchover(promotion=5)),
    )


def test_a_failback_within_the_hour_takes_a_repair_that_is_quicker():
    """Repaired and copied in two hours, a node comes back in another hour than it went.

    As if these times were exponential, one in four came back within the hour.
    """
    found = assess(pair_that_fails_back(duration.constant(HOUR), HOUR))
    by_cause = found.write.downtime_by_cause
    often = by_cause["failing over"] / 60, by_cause["failing back"] / 5
    x = 1.0  # of a minute, and of 5 s
    by_hand = often[0] * (HOUR + 60 - 2 * x) + often[1] * (HOUR + 5 - 2 * x)
    by_hand += by_cause["both nodes down"]
    said = found.chance_of_missing(1 - x / HOUR, HOUR, "write")
    assert said.probability == pytest.approx(by_hand, rel=5e-3)


def test_a_stricter_target_is_missed_more_often_where_failbacks_are_short():
    """Two switchovers of a day are never two without a failover between them."""
    found = assess(pair_that_fails_back(duration.erlang(2, HOUR), 2 * HOUR))
    chances = [
        found.chance_of_missing(1 - x / DAY, DAY, "write").probability
        for x in (50, 30, 17, 11, 9, 8, 7)
    ]
    assert all(a <= b * (1 + 5e-5) for a, b in itertools.pairwise(chances))


def test_a_race_as_a_table():
    """What is left of races of what others have left, without thousands of sums."""
    race = duration.minimum(
        duration.constant(630.0),
        duration.uniform(0, 86400.0),
        duration.lognormal(mean=900.0, cv=1.5),
    )
    t = np.array([1.0, 50.0, 300.0, 600.0, 629.9])
    assert flat(race, 300.0).sf(t) == pytest.approx(race.sf(t), rel=1e-5)
    assert float(flat(race, 300.0).sf(630.0)) == 0
    left = left_of(race, float(race.mean))
    assert left.sf(t) == pytest.approx(race.residual().sf(t), rel=1e-4, abs=1e-6)
    both = duration.minimum(duration.constant(30.0), duration.constant(630.0))
    assert float(flat(both, 30.0).var) == 0


def test_a_month_of_sites_that_repair_for_days_is_answered():
    """Races of repairs that began before others: minutes were spent on their laws."""
    sites = ActiveActive(
        database=Node(mttf=2000 * HOUR, mttr=duration.constant(DAY)),
        failover=Failover(detection=30, redirection=600),
        region=Region(failover=Failover(detection=5, promotion=25), crews=2),
    )
    said = assess(sites).chance_of_missing(0.9999, MONTH, "write")
    assert 0 < said.probability < 0.1


@pytest.mark.parametrize(
    ("horizon", "down", "within"),
    [
        *((DAY, 1, 0.03), (DAY, 62, 0.05), (DAY, 66, 0.15)),
        *((WEEK, 126, 0.06), (MONTH, 250, 0.03), (MONTH, 700, 0.05)),
    ],
)
def test_more_than_two_that_follow_each_other(horizon, down, within):
    """Failovers, repairs, copies and failbacks of a pair, one after another, played.

    Pairs of outages are as the laws say, but of three no more than that is known: the
    error that is said covers it.
    """
    begins, lasts, end = lived(1_000_000, 300 * HOUR, HOUR, HOUR)
    edges = np.arange(int(end / horizon) + 1) * horizon
    before = np.append(0.0, np.cumsum(lasts))[np.searchsorted(begins, edges)]
    played = float(np.mean(np.diff(before) > down))
    found = assess(pair_that_fails_back(duration.constant(HOUR), HOUR))
    said = found.chance_of_missing(1 - down / horizon, horizon, "write")
    assert said.probability == pytest.approx(played, rel=within)
    assert said.probability == pytest.approx(played, rel=said.error)


@functools.cache
def lived(events, mttf, repair, resync):
    """Return when a pair that fails back is down, for how long, and the end."""
    rng = np.random.default_rng(7)
    waits, sides = rng.exponential(mttf, events), rng.random(events)
    outages, t, home, ready, left = [], 0.0, True, True, math.inf
    for wait, side in zip(waits, sides, strict=True):
        nodes = 2 if ready else 1
        if wait / nodes > left:  # a repair, or a copy, is done before a failure
            t += left
            if ready:
                outages.append((t, 5.0))
                t, home = t + 5.0, True
            ready, left = True, math.inf if home else resync
            continue
        t, left = t + wait / nodes, left - wait / nodes
        if not ready:  # both are down until the first of them is repaired
            outages.append((t, left))
            t, home, left = t + left, not home, repair - left
            continue
        if side < 0.5:  # the primary
            outages.append((t, 60.0))
            t, home = t + 60.0, not home
        ready, left = False, repair
    return (*np.array(outages).T, t)


@pytest.mark.parametrize("horizon", [60.0, HOUR])
def test_a_site_that_holds_the_majority_is_lost_once(horizon):
    """Its clients wait, are stuck and are led away within one outage: one visit.

    Each was counted as an outage that begins: a minute was missed twice as often.
    """
    mttf, mttr = 3000 * HOUR, HOUR
    two = Majority(
        database=Node(mttf=1e12, mttr=1.0),
        copies={"A": 2, "B": 1},
        site=Site(mttf=mttf, mttr=mttr),
        failover=Failover(
            redirection=duration.exponential(60), coverage=0.9, manual=600.0
        ),
        election=duration.constant(1.0),
    )
    found = assess(two, Workload(clients={"A": 1.0}))
    for down in (2.0, 30.0, 55.0):
        within = (horizon - down) / mttf + mttr / (mttf + mttr)  # a rest lasts as long
        exact = within * math.exp(-(down - 1) / mttr)  # and an election of 1 s
        ours = found.chance_of_missing(1 - down / horizon, horizon).probability
        assert ours == pytest.approx(exact, rel=1e-3), down
