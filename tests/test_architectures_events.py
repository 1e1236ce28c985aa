"""Every event of every part, over whole families: outcomes that share one whole.

Means of products cannot tell an outcome that is left out from one that is drawn twice;
here each state that can be reached is asked.
"""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

import hamodel as ha
from hamodel import duration
from hamodel.failover import Failover
from hamodel.units import DAY, HOUR
from tests.test_active_passive_nodes import spec_of
from tests.test_active_passive_random import drawn
from tests.test_fields_effect import BASES

LED = (
    Failover(redirection=duration.exponential(600), coverage=0.7),
    Failover(redirection=HOUR, coverage=0.7, manual=2 * HOUR),
    Failover(detection=HOUR, coverage=0.7, retry=HOUR),
)
SOON = (HOUR, duration.lognormal(mean=HOUR, cv=2))
STRUCK = [
    replace(
        BASES[name],
        failover=led,
        common_cause=0.3,
        database=ha.Node(mttf=30 * DAY, mttr=mttr),
    )
    for name in ("active", "leaderless", "majority")
    for led in LED
    for mttr in SOON
]
FAMILIES = {"bases": [*BASES.values()], "struck": STRUCK}
FAMILIES |= {"pairs": [spec_of(drawn(seed)) for seed in range(24)]}


def single(parts):
    """Parts one by one, also those of groups."""
    for part in parts:
        yield from single(part.parts) if hasattr(part, "parts") else [part]


def reached(part):
    """Every state of a part."""
    found, waiting = {part.start}, [part.start]
    while waiting:
        new = {event.to for event in part.events(waiting.pop())} - found
        found |= new
        waiting += new
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_the_outcomes_of_an_event_share_one_whole(family):
    for spec in FAMILIES[family]:
        for part in single(spec.model().parts):
            for state in reached(part):
                whole = defaultdict(float)
                for (clock, _, _, share), rate in part.timed(state):
                    assert 0 <= share <= 1, (part.name, state, clock)
                    assert 0 <= rate < np.inf, (part.name, state, clock)
                    whole[clock] += float(share)
                for clock, share in whole.items():
                    assert share == pytest.approx(1), (part.name, state, clock)


@pytest.mark.parametrize("tries", [1, 3, None])
def test_attempts_are_counted_up_to_their_limit(tries):
    way = Failover(promotion=5, coverage=0.5, retry=60, tries=tries)
    pair = ha.ActivePassive(database=ha.Node(mttf=60 * DAY, mttr=HOUR), failover=way)
    parts = single(pair.model().parts)
    states = {s for part in parts for s in reached(part) if hasattr(s, "tries")}
    waiting = {state.tries for state in states if state.phase == "retrying"}
    assert waiting == ({0} if tries is None else set(range(1, tries + 1)))


def test_of_many_servers_the_time_with_too_few_is_a_binomial_tail():
    down = 0.1 / 1.1
    servers = ha.Node(mttf=10 * HOUR, mttr=HOUR)
    apps = ha.Tier(node=servers, servers=40, needed=30)
    site = ha.SinglePrimary(
        database=ha.Node(mttf=60 * DAY, mttr=HOUR), site=ha.Site(apps=apps)
    )
    lost = site.model().downtime()["write"]["app servers down"]
    assert lost == pytest.approx(binom.sf(10, 40, down), rel=1e-9)
    assert apps.counted > 11
