"""What an `ActivePassive` says of itself: nodes, short cuts, names of states."""

import math
from dataclasses import replace

import numpy as np
import pytest

from hamodel.architectures import (
    ActivePassive,
    Dependency,
    Failure,
    Node,
    Replica,
    Site,
    Standby,
    Tier,
)
from hamodel.architectures._replicas import State
from hamodel.architectures.active_passive import CAUSES, PairState, pair_state
from hamodel.assessment import assess
from hamodel.failover import Failover, Heartbeat, Stalls
from hamodel.replication import Replication
from hamodel.units import DAY, HOUR
from hamodel.workload import Workload

NODE = Node(mttf=300 * HOUR, mttr=6 * HOUR)
FAILOVER = Failover(detection=20.0, promotion=40.0, coverage=0.9)
TIER = Tier(node=Node(mttf=90 * HOUR, mttr=HOUR))
CUT = Failure(kind="network", mttf=900 * HOUR, mttr=600.0)
PUSH = Failure(kind="everywhere", mttf=900 * HOUR, mttr=600.0, name="push")


def pair(**changes):
    """A pair, plain but for some changes."""
    return ActivePassive(**{"database": NODE, "failover": FAILOVER} | changes)


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ({}, ("DC-1", "DC-2")),
        ({"sites": ["A"]}, ("A", "A")),
        ({"sites": ("A", "A")}, ("A", "A")),
        ({"sites": ("A", "A", "B")}, ("A", "A", "B")),
        ({"sites": ("A", "B", "C")}, ("A", "B", "C")),
        ({"replicas": tuple(Replica(site=site) for site in "ABA")}, ("A", "B", "A")),
    ],
)
def test_each_node_has_its_site(given, held):
    assert tuple(node.site for node in pair(**given).nodes) == held


def test_what_is_not_said_is_plain():
    spec = pair()
    assert (spec.crews, spec.common_cause, spec.stopping) == (1, 0, ())
    assert not spec.false_failovers
    assert not spec.leaves_primaries


def test_commits_wait_for_as_many_as_the_mode_says():
    three = ("A", "A", "B")

    def waits(mode, k=1, sites=three):
        way = Replication(mode=mode, standbys=len(sites) - 1, acknowledgements=k)
        return pair(sites=sites, replication=way).acknowledgements

    assert [waits(mode) for mode in ("async", "semi-sync", "quorum")] == [0, 1, 1]
    assert waits("quorum", 2) == waits("sync") == waits("in-sync") == 2
    assert waits("sync", sites=("A", "B")) == 1
    replicas = (
        Replica(site="A", sync=False),
        Replica(site="B", sync=True, promotable=False),
    )
    assert (
        pair(replicas=replicas, replication=Replication(mode="sync")).acknowledgements
        == 1
    )


def test_an_old_primary_lives_on_after_cuts_and_false_alarms():
    losing = Failover(detection=Heartbeat(interval=1.0, misses=3, loss=0.01))
    stalls = Stalls(rate=1 / DAY, length=60.0)
    host = Failure(kind="host", mttf=900 * HOUR, mttr=HOUR)
    assert pair(failover=losing).false_failovers
    assert pair(stalls=stalls).false_failovers
    assert pair(stalls=stalls).leaves_primaries
    assert pair(failures=(CUT,)).leaves_primaries
    assert not pair(failures=(CUT,)).false_failovers
    assert not pair(failures=(host,)).leaves_primaries


def test_what_stops_everything_is_told_from_what_does_not():
    held = Dependency(name="lock", mttf=DAY, mttr=60.0, effect="no failover")
    dns = Dependency(name="dns", mttf=DAY, mttr=60.0)
    spec = pair(failures=(CUT, PUSH), depends_on=(held, dns))
    assert [one.name for one in spec.stopping] == ["push", "dns"]


def test_what_only_writes_hang_on_leaves_reads_alone():
    """Writes as if all stopped, by cause; reads as if it never failed."""
    dns = Dependency(name="dns", mttf=90 * DAY, mttr=600.0)

    def budget(*effects):
        stores = (Dependency(name=e, mttf=DAY, mttr=60.0, effect=e) for e in effects)
        return pair(depends_on=(dns, *stores)).model().downtime()

    alone, stops, held = budget(), budget("stops"), budget("read-only")
    assert held["read"] == pytest.approx(alone["read"], rel=1e-12)
    renamed = {c.replace("stops", "read-only"): v for c, v in stops["write"].items()}
    assert held["write"] == pytest.approx(renamed, rel=1e-12)
    assert held["write"]["read-only"] > alone["write"]["dns"]
    spec = pair(
        depends_on=(Dependency(name="lock", mttf=DAY, mttr=60.0, effect="read-only"),)
    )
    assert "lock" in spec.diagram("write").single_points_of_failure()
    assert "lock" not in spec.diagram("read").single_points_of_failure()


NARROW = {
    "plain": {},
    "one site": {"sites": ("A",), "site": Site(mttf=900 * HOUR, mttr=9 * HOUR)},
    "probed": {"standby": Standby(probe=DAY)},
    "by hand": {"failover": Failover(promotion=60.0, coverage=0.8, manual=HOUR)},
    "two sites that stay": {"sites": ("A", "B")},
}
WIDE = {
    "two sites": {"site": Site(mttf=900 * HOUR, mttr=9 * HOUR)},
    "semi-synchronous": {"replication": Replication(mode="semi-sync")},
    "preferred": {"replicas": (Replica(site="A", priority=1), Replica(site="B"))},
    "three nodes": {"sites": ("A", "A", "A")},
    "two kinds": {"failures": (CUT,)},
}
BESIDE = {
    "balancers": {"site": Site(balancers=TIER)},
    "apps": {"site": Site(apps=TIER)},
    "everywhere": {"everywhere": Node(mttf=900 * HOUR, mttr=HOUR)},
    "a push": {"failures": (PUSH,)},
    "two crews": {"crews": 2},
    "restored together": {"restore": 3 * HOUR},
    "failing takeovers": {"standby": Standby(probe=DAY, takeover_mttf=HOUR)},
    "common cause": {"common_cause": 0.1},
}


@pytest.mark.parametrize("name", NARROW)
def test_states_of_a_plain_pair_have_the_names_of_the_lesson(name):
    chain = pair(**NARROW[name]).chain()
    assert all(type(state) is PairState for state in chain.states)
    named = {state.nodes for state in chain.states}
    other = {"probed": {"unseen"}, "by hand": {"manual"}}.get(name, set())
    assert {"both", "switching", "one"} | other <= named
    assert {s.nodes for s in set(chain.states) - chain.down} == {
        "both",
        "one",
        *(other - {"manual"}),
    }
    lost = {state for state in chain.states if state.site == "down"}
    assert bool(lost) == (name == "one site")
    assert lost <= chain.down


def test_a_failed_standby_is_unseen_for_as_long_as_a_probe_takes():
    shares = pair(standby=Standby(probe=DAY)).chain().steady_state()
    seen, unseen, both = (
        shares[PairState(nodes)] for nodes in ("one", "unseen", "both")
    )
    leaves = 1 / NODE.mttf + 1 / DAY  # the primary fails, or a probe finds it
    assert unseen == pytest.approx(both / NODE.mttf / leaves, rel=1e-9)
    assert seen > 0


@pytest.mark.parametrize("unseen", [(1, 0), (0, 1)])
def test_a_standby_is_unseen_whatever_took_it(unseen):
    state = State("serving", 0, ((0, 0, 0, *unseen),), ("home",))
    assert pair_state(state) == PairState("unseen")


@pytest.mark.parametrize("name", WIDE)
def test_states_that_say_more_keep_their_own(name):
    chain = pair(**WIDE[name]).chain()
    assert all(type(state) is State for state in chain.states)
    down = sum(p for state, p in chain.steady_state().items() if state in chain.down)
    assert chain.unavailability == pytest.approx(down, rel=1e-12)


@pytest.mark.parametrize("name", NARROW | WIDE | BESIDE)
def test_short_cuts_say_what_the_model_says(name):
    spec = pair(**(NARROW | WIDE | BESIDE)[name])
    told = spec.model().downtime()["write"]
    whole = sum(told.values())
    assert spec.unavailability == pytest.approx(whole, rel=1e-9)
    assert spec.availability == pytest.approx(1 - whole, rel=1e-9)
    assert spec.minutes_per_year == pytest.approx(whole * 525_600, rel=1e-9)
    budget = spec.downtime_by_cause
    assert set(CAUSES) <= set(budget)
    for cause, share in budget.items():
        assert share == pytest.approx(told.get(cause, 0.0), rel=1e-9, abs=0)
    if name not in WIDE and name not in BESIDE:
        assert spec.chain().unavailability == pytest.approx(whole, rel=1e-9)


def test_sweeps_have_false_alarms_where_some_point_has():
    loss = np.array([0.0, 0.02])
    losing = Failover(detection=Heartbeat(interval=1.0, misses=2, loss=loss))
    assert pair(failover=losing).false_failovers


def test_a_kind_of_failure_that_never_occurs_makes_no_states_but_keeps_its_law():
    bare = ActivePassive(
        database=Node(mttf=2000 * HOUR, mttr=4 * HOUR), failover=Failover(promotion=20)
    )
    lost = Failure(kind="host", mttf=math.inf, mttr=600, detection=7, name="lost")
    listed = replace(bare, failures=(lost,))
    states = [len(s.model().leaves()[0].chain().states) for s in (bare, listed)]
    assert states[0] == states[1]
    assert assess(listed).write.unavailability == assess(bare).write.unavailability
    assert listed.behaviour(Workload()).rto_by_kind["lost"].mean == 27
    struck = replace(listed, failures=(replace(lost, mttf=1e9),))
    assert assess(struck).write.unavailability > assess(bare).write.unavailability
