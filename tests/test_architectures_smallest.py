"""The smallest systems, whose numbers are known by hand."""

from dataclasses import replace

import numpy as np
import pytest

import hamodel as ha
from hamodel import duration
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Dependency,
    Failure,
    Leaderless,
    Majority,
    Node,
    Replica,
    Site,
    Standby,
)
from hamodel.architectures._first import (
    race_of_stages,
)
from hamodel.architectures._pair_rules import rules_of
from hamodel.architectures._seen import SiteView, combined
from hamodel.failover import Failover
from hamodel.replication import Replication, WriteStage
from hamodel.units import DAY, HOUR

NODE = Node(mttf=1000 * HOUR, mttr=4 * HOUR)
LED = Failover(redirection=60.0, coverage=0.9)
IDLE = {"read_time": 0.0, "write_time": 0.0, "app_time": 0.0, "hop": 0.01}
ONE_KEY = ha.Workload(writes=10.0, keys=1, **IDLE)


def store(copies, load=ONE_KEY, **more):
    usual = {"database": NODE, "read_quorum": 1, "write_quorum": 1, "copies": copies}
    return Leaderless(**usual | more).behaviour(load)


def test_of_two_copies_one_hears_of_a_write_half_a_round_trip_later():
    two = store({"a": 2})
    assert two.lag.mean == pytest.approx(0.005, rel=0.01)
    # a copy that is lost has coordinated half of the writes of the last 5 ms
    lost = two.lost_writes.by_failure
    assert lost["database"].writes == pytest.approx(5 * 0.005, rel=0.01)
    each = NODE.mttf + NODE.mttr  # s from one failure of a copy to its next
    assert lost["database"].events == pytest.approx(2 / each, rel=1e-9)
    # of the reads at the other copy those find it missing that come in these 5 ms
    late = -np.expm1(-10 * 0.005)
    assert two.stale == pytest.approx(late / 2, rel=0.02)
    # two coordinators with 5 writes/s each: pairs within 5 ms, whichever comes first
    assert two.conflicts.pairs == pytest.approx(2 * 5 * 5 * 0.005, rel=0.01)


def test_one_copy_has_nobody_to_differ_from():
    one = store({"a": 1})
    assert (one.lag.mean, one.rpo.mean, one.stale) == (0, 0, 0)
    assert (one.conflicts.pairs, one.conflicts.siblings) == (0, 1)
    assert one.lost_writes.per_year == 0
    votes = Majority(database=NODE, failover=LED, copies={"a": 1}, local_reads=True)
    found = votes.behaviour(ONE_KEY)
    assert (found.lag.mean, found.stale, found.conflicts.siblings) == (0, 0, 1)


def test_copies_with_more_writes_than_they_can_do_hear_of_them_ever_later():
    busy = store({"a": 2}, ha.Workload(writes=10.0, write_time=1.0))
    assert np.isinf(busy.lag.mean)
    assert np.isinf(busy.conflicts.pairs)
    assert (busy.stale, busy.conflicts.share, busy.conflicts.lost) == (1, 1, 10)


@pytest.mark.parametrize("cores", [2, 4])
def test_reads_overtake_alike_where_the_other_cores_are_all_but_taken(cores):
    """One free core fewer has no queue without end: the chance goes on without a jump.

    All others are taken; one is free before the write is over as a race says: each
    takes 10 ms, and so much work comes in as keeps them busy.
    """
    chances = []
    for work in (1 - 1e-6, 1 + 1e-6):
        load = ha.Workload(
            reads=0.0, writes=100 * (cores - 1) * work, read_time=0.01, write_time=0.01
        )
        node = replace(NODE, cores=cores)
        found = store({"a": 2}, load, database=node)
        chances.append(found._overtakes(found.work_of(found._share)))
    assert chances[0] == pytest.approx(chances[1], rel=1e-4)
    assert chances[0] == pytest.approx((cores - 1) / cores, rel=1e-4)


def test_copies_need_single_numbers_of_a_workload():
    for name in ("reads", "writes", "read_time", "write_time"):
        many = ha.Workload(**{"writes": 10.0} | {name: np.array([0.001, 0.002])})
        with pytest.raises(ValueError, match="need single numbers"):
            _ = store({"a": 2}, many).lag


def test_what_hints_miss_of_arrays_is_that_of_each():
    def stale(mttr, hints=3):
        node = Node(mttf=1000 * HOUR, mttr=mttr)
        kept = {"hints": hints * HOUR, "repair_every": DAY}
        return store({"a": 3}, database=node, **kept).stale

    both = stale(np.array([2.0, 6.0]) * HOUR)
    assert both == pytest.approx([stale(2 * HOUR), stale(6 * HOUR)], rel=1e-12)
    assert both[1] > both[0]
    kept = [stale(6 * HOUR, hours) for hours in (1, 3)]
    assert stale(6 * HOUR, np.array([1, 3])) == pytest.approx(kept, rel=1e-12)


def test_a_copy_that_is_read_beside_its_leader_lacks_the_last_five_milliseconds():
    votes = Majority(database=NODE, failover=LED, copies={"a": 2}, local_reads=True)
    late = -np.expm1(-10 * 0.005)  # and every second read asks the leader itself
    assert votes.behaviour(ONE_KEY).stale == pytest.approx(late / 2, rel=1e-9)


def test_a_write_is_sent_to_all_sites_but_its_own():
    three = ActiveActive(database=NODE, failover=LED, sites=("A", "B", "C"))
    assert three.behaviour(ONE_KEY).transfers == 20.0


def test_a_site_alone_sends_nothing():
    one = ActiveActive(database=NODE, failover=LED, sites=("A",))
    alone = one.behaviour(ONE_KEY)
    assert (alone.lag.mean, alone.rpo.mean, alone.lost_writes.per_year) == (0, 0, 0)
    found = ha.assess(one, ha.Workload())
    assert found.utilisation_after_site_loss == found.utilisation


def test_sites_of_which_some_are_overtaken_lose_without_end_and_say_the_rest_alone():
    sent = Replication(send=WriteStage(service=0.02))
    sites = ActiveActive(database=NODE, failover=LED, replication=sent)
    many = sites.behaviour(ha.Workload(writes=np.array([10.0, 200.0])))
    each = [sites.behaviour(ha.Workload(writes=w)) for w in (10.0, 200.0)]
    lost = [found.lost_writes.by_failure["site"].writes for found in (many, *each)]
    assert lost[0] == pytest.approx(lost[1:], rel=1e-12)
    for name in ("rpo", "stale", "conflicts"):
        with pytest.raises(ValueError, match="point by point"):
            getattr(many, name)
    assert each[1].conflicts.pairs == each[1].rpo.mean == np.inf


def test_the_first_of_ten_equal_keys_is_as_one_with_a_tenth_of_the_writes():
    sites = ActiveActive(database=NODE, failover=LED, resolution="vector clocks")
    few = ha.Workload(writes=10.0, keys=10, exponent=0.0, **IDLE)
    one = ha.Workload(writes=1.0, keys=1, **IDLE)
    versions = [sites.behaviour(load).conflicts.siblings for load in (few, one)]
    assert versions[0] == pytest.approx(versions[1], rel=1e-12)
    assert versions[0] > 1


def pair(*nodes, **more):
    usual = {"database": NODE, "failover": Failover(promotion=60.0)}
    return ActivePassive(**usual | more, replicas=nodes)


def test_who_is_preferred_is_at_home_though_no_commit_waits_for_it():
    three = pair(
        Replica(site="A", priority=1, sync=False),
        Replica(site="B"),
        Replica(site="B"),
    )
    assert three.behaviour(ONE_KEY).transfers == 2 * ONE_KEY.writes


def test_a_commit_waits_for_what_answers_to_the_preferred_node():
    """Of two nodes at home the preferred one leads, and the other does not answer."""
    three = pair(
        Replica(site="A", priority=1),
        Replica(site="A", sync=False),
        Replica(site="B"),
        replication=Replication(mode="quorum"),
    )
    load = ha.Workload(round_trip=0.08, hop=0.001)
    ((_, home),) = three.behaviour(load).waits("write", "A")
    assert home.mean == pytest.approx(0.08)


def test_who_is_fed_by_a_node_that_works_may_lead():
    three = pair(
        Replica(site="A", name="a", priority=2),
        Replica(site="B", name="b"),
        Replica(site="C", priority=1, follows="b"),
    )
    nodes = rules_of(three).nodes
    assert nodes.candidates(nodes.start) == [(2, 1)]


def test_a_standby_may_follow_the_primary_by_name_and_no_primary_a_standby():
    pair(Replica(site="A", name="a", priority=1), Replica(site="B", follows="a"))
    with pytest.raises(ValueError, match="follows must be empty for a node of the hig"):
        pair(
            Replica(site="A", priority=1, follows="b"),
            Replica(site="B", name="b"),
        )


def test_no_commit_waits_for_more_than_the_others_that_answer():
    nodes = Replica(site="A"), Replica(site="A"), Replica(site="A", sync=False)
    mode = Replication(mode="quorum", standbys=2, acknowledgements=2)
    with pytest.raises(ValueError, match=r"wait for \(1\), got 2"):
        pair(*nodes, replication=mode)


def test_one_thing_at_most_holds_failovers_up():
    held = [
        Dependency(name=name, mttf=DAY, mttr=60.0, effect="no failover")
        for name in ("lock", "quorum")
    ]
    with pytest.raises(ValueError, match='effect "no failover" at most'):
        pair(depends_on=tuple(held))


def test_further_attempts_promote_a_standby_too():
    tries = Failover(promotion=60.0, coverage=0.9, retry=10.0, tries=2)
    lost = pair(failover=tries).behaviour(ONE_KEY).lost_writes.by_failure["database"]
    # but for the 0.8 % of the time in which one of the two is down
    assert lost.events == pytest.approx((1 - 0.1**3) / NODE.mttf, rel=0.01)


def test_attempts_of_several_coverages_are_those_of_each():
    def outage(cover):
        tries = {"coverage": cover, "retry": 10.0, "tries": 2, "manual": HOUR}
        spec = pair(failover=Failover(promotion=60.0, **tries))
        return spec.behaviour(ONE_KEY).outage.mean

    both = outage(np.array([1.0, 0.5]))
    assert both == pytest.approx([outage(1.0), outage(0.5)], rel=1e-12)


def test_a_database_that_never_fails_may_have_a_standby_that_does():
    spec = pair(
        Replica(site="A", priority=1),
        Replica(site="A"),
        database=Node(mttf=float("inf"), mttr=4 * HOUR),
        standby=Standby(mttf=96 * HOUR),
        failures=(Failure(kind="process", mttf=1e9 * HOUR, mttr=1.0),),
        replication=Replication(mode="sync"),
        site=Site(mttf=float("inf")),
    )
    down = ha.assess(spec).write.unavailability
    assert down == pytest.approx(4 / 100, rel=1e-6)  # writes wait for it


def test_a_race_of_several_laws_is_that_of_each():
    low, high = np.array([0.0, 5.0]), np.array([10.0, 30.0])
    rival = duration.lognormal(mean=8.0, cv=1.0)
    both = race_of_stages(rival, duration.uniform(low, high))
    each = [
        race_of_stages(rival, duration.uniform(*ends))
        for ends in zip(low, high, strict=True)
    ]
    assert both[0] == pytest.approx([won for won, _ in each], rel=1e-12)


def test_reads_go_on_where_nothing_else_is_broken():
    blocked, well = SiteView("lost", "no standby", reads=True), SiteView("home")
    assert combined(blocked, well).reads
    assert combined(well, blocked).reads
    assert not combined(blocked, SiteView("lost", "app servers down")).reads
    assert not combined(well, SiteView("lost", "app servers down")).reads
    assert not combined(well, well).reads


@pytest.mark.parametrize("sites", [("A", "B"), ("A", "B", "C")])
def test_a_key_has_its_home_at_each_site_alike(sites):
    spec = ActiveActive(database=NODE, failover=LED, sites=sites)
    homes = replace(spec, resolution="home site").behaviour(ONE_KEY)
    (here, _), (there, _) = homes.waits("write", "A")
    assert (here, there) == pytest.approx((1 / len(sites), 1 - 1 / len(sites)))


def test_where_no_commit_waits_for_a_standby_it_takes_no_time():
    two = pair(Replica(site="A", priority=1), Replica(site="B"))
    commit = two.behaviour(ONE_KEY).commit
    assert [commit[site].mean for site in "AB"] == [0, 0]


def test_what_holds_failovers_up_and_hardly_ever_fails_changes_nothing():
    nodes = Replica(site="A", priority=1), Replica(site="A")
    lock = Dependency(name="lock", mttf=1e12 * HOUR, mttr=60.0, effect="no failover")
    held, free = (
        pair(*nodes, depends_on=of).model().downtime()["write"] for of in ((lock,), ())
    )
    assert held["failing over"] == pytest.approx(free["failing over"], rel=1e-9)
    assert sum(held.values()) == pytest.approx(sum(free.values()), rel=1e-9)
