"""What is lost when a node leads that was out of sync: the chain against plays."""

from dataclasses import replace

import numpy as np
import pytest
import sympy

from hamodel import Workload, assess
from hamodel.architectures import ActivePassive, Node, Site
from hamodel.failover import Failover
from hamodel.replication import Replication
from hamodel.units import HOUR, YEAR

FAIL, MEND = 1 / (60 * HOUR), 1 / (10 * HOUR)
QUICK = Failover(detection=1e-6)
TRIO = ActivePassive(
    database=Node(mttf=1 / FAIL, mttr=1 / MEND),
    failover=QUICK,
    sites=("a",) * 3,
    crews=3,
    replication=Replication(mode="in-sync", standbys=2, timeout=1e-6, unclean=True),
)


def loss(spec):
    found = assess(spec, Workload(writes=1.0)).lost_writes.by_failure
    return found["unclean election"]


def played(crews, years, rng):
    """Elections in 1/s and time lost at them: nodes by name, and what each has."""
    up, primary, clock, taken, lost, elections = [True] * 3, 0, 0.0, 0.0, 0.0, 0
    has = [0.0] * 3  # of the time in which writes were taken; kept while down
    while clock < years * YEAR:
        serving = up[primary]
        down = [i for i in range(3) if not up[i]]
        mended = [i for i in down if len(down) <= crews or serving or i != primary]
        each = MEND * min(1, crews / len(mended)) if mended else 0.0
        ways = [(i, FAIL) for i in range(3) if up[i] and serving]
        ways += [(i, each) for i in mended]
        rates = np.array([rate for _, rate in ways])
        lasts = rng.exponential(1 / rates.sum())
        clock, taken = clock + lasts, taken + lasts * (serving and sum(up) > 1)
        i = ways[rng.choice(len(ways), p=rates / rates.sum())][0]
        up[i] = not up[i]
        if not up[i]:
            has[i] = taken
            if i == primary and any(up):
                primary = rng.choice([j for j in range(3) if up[j]])
        elif not serving:
            elections, lost, primary = elections + 1, lost + taken - has[i], i
            taken = has[i]
            has = [min(h, taken) for h in has]
    return elections / clock, lost / clock


@pytest.mark.parametrize("crews", [1, 3])
def test_the_first_node_back_lacks_what_it_missed(crews):
    found = loss(replace(TRIO, crews=crews))
    events, lost = played(crews, 120, np.random.default_rng(4))
    assert found.events == pytest.approx(events, rel=0.06)
    assert found.events * found.writes == pytest.approx(lost, rel=0.1)
    assert lost > 1e-4


@pytest.mark.parametrize(("crews", "first"), [(1, 2), (2, 2), (3, 3)])
def test_of_nodes_that_seldom_fail_the_first_to_go_missed_most(crews, first):
    """It missed what came until one more went; who may be back first is as likely.

    Without a crew for each, the last to go is not among them.
    """
    node = Node(mttf=1e5 / MEND, mttr=1 / MEND)
    seldom = replace(TRIO, database=node, crews=crews)
    assert loss(seldom).writes == pytest.approx(1 / MEND / first, rel=1e-4)


def test_a_clean_election_loses_nothing_and_arrays_are_as_numbers():
    clean = replace(TRIO, replication=replace(TRIO.replication, unclean=False))
    assert assess(clean).lost_writes.per_year == 0
    swept = loss(
        replace(TRIO, database=Node(mttf=np.array([1e5, 1 / FAIL]), mttr=36e3))
    )
    assert swept.writes[1] == pytest.approx(loss(TRIO).writes, rel=1e-12)
    apart = replace(TRIO, sites=("a", "b", "c"), site=Site(mttf=400 * HOUR))
    assert loss(apart).events > loss(TRIO).events
    symbol = Node(mttf=1 / sympy.Symbol("f", positive=True), mttr=36e3)
    with pytest.raises(ValueError, match="unclean must be False in a formula"):
        _ = assess(replace(TRIO, database=symbol)).lost_writes
