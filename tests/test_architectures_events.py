"""Every event of every part, over whole families: outcomes that share one whole.

Means of products cannot tell an outcome that is left out from one that is drawn twice;
here each state that can be reached is asked.
"""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

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
