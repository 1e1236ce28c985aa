"""The smallest systems, whose numbers are known by hand."""

from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import combinations, product
from types import SimpleNamespace

import numpy as np
import pytest
import sympy

import hamodel as ha
from hamodel import duration, structure
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
    Tier,
    failed_apps,
)
from hamodel.architectures._assumptions import _joined, _lognormal
from hamodel.architectures._copies import Held
from hamodel.architectures._diagram import entrances, quorum
from hamodel.architectures._events import Event, Raced, Stages, is_never, rate_among
from hamodel.architectures._first import (
    race_of_stages,
)
from hamodel.architectures._front import Front, FrontState
from hamodel.architectures._pair_rules import _told, rules_of
from hamodel.architectures._seen import SiteView, combined
from hamodel.architectures._shape import Shape
from hamodel.architectures._sums import plus
from hamodel.architectures._voters import Voters
from hamodel.architectures.behaviour import Asked, entering, failures, led_away
from hamodel.failover import Failover
from hamodel.replication import Replication, WriteStage
from hamodel.units import DAY, HOUR

UP_TO_TEN = duration.uniform(0, 10)
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
    none = one.conflicts
    assert (none.pairs, none.share, none.lost, none.siblings) == (0, 0, 0, 1)
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


# ---- pieces, at random, against sums written out ------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_who_enters_a_site_is_the_mean_over_the_others_that_are_lost(count):
    """Own clients, those led there, and a fair part of the clients of lost sites."""
    rng = np.random.default_rng(count)
    names = "abcd"[:count]
    shares = dict(zip(names, rng.dirichlet(np.ones(count)).tolist(), strict=True))
    for client, through in product(names, repeat=2):
        others = [name for name in names if name not in {client, through}]
        away = client != through
        for gone in range(len(others) + 1):
            serving = count - away - gone
            each = []
            for lost in combinations(others, gone):
                out = sum(shares[name] for name in lost)
                out += shares[client] if away else 0.0
                each.append(shares[through] + out / serving)
            found = entering(shares, through, client, serving)
            assert found == pytest.approx(np.mean(each), rel=1e-12)


@pytest.mark.parametrize("more", [{}, {"retry": 25.0}, {"manual": 400.0}])
@pytest.mark.parametrize("cover", [1.0, 0.6, np.array([0.7, 0.9])])
def test_who_is_led_away_waits_for_the_first_of_the_ways_and_the_repair(more, cover):
    """Of an exponential repair and a time t the first takes m (1 - exp(-t / m))."""
    m, led = 300.0, 40.0
    failover = Failover(detection=30.0, redirection=10.0, coverage=cover, **more)
    law = led_away(failover, m)
    exact = cover * m * -np.expm1(-led / m)
    if "retry" in more:
        for k in range(1, 60):
            ends = led + 25.0 * k
            exact += cover * (1 - cover) ** k * m * -np.expm1(-ends / m)
    elif "manual" in more:  # exponential, after the redirection
        both = 1 / (1 / m + 1 / 400)
        late = m * -np.expm1(-led / m) + np.exp(-led / m) * both
        exact += (1 - cover) * late
    else:
        exact += (1 - cover) * m
    assert law.mean == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize(("servers", "needed"), [(1, 1), (3, 2), (5, 1), (9, 7)])
@pytest.mark.parametrize("crews", [1, 2, None])
def test_failed_servers_are_a_birth_and_death_chain_in_fractions(
    servers, needed, crews
):
    life, mend = Fraction(800), Fraction(7)
    node = Node(mttf=float(life), mttr=float(mend))
    tier = Tier(node=node, servers=servers, needed=needed, crews=crews)
    weights, rates = [Fraction(1)], {}
    for failed in range(servers + 1):
        at_work = failed if crews is None else min(crews, failed)
        rates[failed] = (servers - failed) / life, at_work / mend
    for failed in range(servers):
        weights.append(weights[-1] * rates[failed][0] / rates[failed + 1][1])
    law = [weight / sum(weights) for weight in weights]
    assert tier.failed() == pytest.approx([float(p) for p in law], rel=1e-12)
    for failed, (fails, mends) in rates.items():
        steps = {to: 1 / after for _, after, to in tier.changes(failed)}
        wanted = {failed + 1: float(fails), failed - 1: float(mends)}
        wanted = {to: rate for to, rate in wanted.items() if rate}
        assert steps == pytest.approx(wanted, rel=1e-12)
        assert tier.serves(failed) == (servers - failed >= needed)
    least = servers - needed + 1  # too few are left
    beyond = [sum(law[k:]) for k in range(servers + 1)]
    told = (k for k in range(least, servers) if beyond[k + 1] <= beyond[least] / 10**17)
    if servers < 9:
        assert tier.counted == next(told, servers)
    enough = law[:least]
    shares = failed_apps(Site(apps=tier))
    for k, share in shares.items():
        assert share == pytest.approx(float(enough[k] / sum(enough)), rel=1e-12)
    assert sum(shares.values()) == pytest.approx(1, rel=1e-12)


def test_the_first_of_several_that_must_work_fails_as_often_as_each_alone_says():
    one, two = Node(mttf=300.0, mttr=7.0), Site(mttf=500.0, mttr=20.0)
    up = (300 / 307) * (500 / 520)  # both work
    assert failures(one) == pytest.approx(1 / 307, rel=1e-12)
    assert failures(one, two) == pytest.approx(up / 300, rel=1e-12)
    assert failures(two, one) == pytest.approx(up / 500, rel=1e-12)


def test_a_sum_that_may_not_have_begun_takes_numbers_and_arrays_of_any_shape():
    rng = np.random.default_rng(7)
    shapes = [(), (3,), (3,), (2, 1), (2, 3), (1, 3)]
    for one, other in product(shapes, repeat=2):
        a, b = rng.random(one), rng.random(other)
        kept = a.copy()
        assert np.array_equal(plus(None, b), b)
        assert np.array_equal(plus(a, b), kept + b)
    assert plus(1.5, 2) == 3.5
    total = np.zeros(4)
    assert plus(total, np.ones(4)) is total  # no new array for each of many terms


@pytest.mark.parametrize("begun", [1.0, 0.7])
def test_of_times_of_phases_one_that_takes_no_time_is_first(begun):
    """With some probability it is over at once; else two phases of 3 and of 5 s."""
    alpha, phases = [0.25 * begun, 0.75 * begun], [[-1 / 3, 1 / 4], [0.0, -1 / 5]]
    one = duration.phase_type(alpha, phases)
    for beta, b in (
        ([1.0], [[-1 / 4]]),
        ([0.5, 0.5], [[-1 / 2, 0], [0, -1 / 9]]),
    ):
        other = duration.phase_type(beta, b)
        # P(one <= other) = 1 - sum of beta times the transform of what is left
        lives = sum(
            p * one.lst(-rate) for p, rate in zip(beta, np.diag(b), strict=True)
        )
        won, mean = race_of_stages(one, other)
        assert won == pytest.approx(lives, rel=1e-9)
        assert mean == pytest.approx(duration.minimum(one, other).mean, rel=1e-12)


def test_the_paths_through_servers_and_copies_serve_where_enough_of_both_do():
    """Two sites, each with two balancers, servers 2 of 3, and two or one copy.

    All of a site stands and falls with it.
    """
    node = Node(mttf=1.0, mttr=1.0)
    site = Site(
        balancers=Tier(node=node, servers=2),
        apps=Tier(node=node, servers=3, needed=2),
    )
    held = {"A": 2, "B": 1}
    rng = np.random.default_rng(3)
    for needed, votes in ((1, None), (2, None), (3, {"A": 1, "B": 2}), (3, None)):
        drawn = f"{entrances(site, held)} > {quorum(held, needed, votes)}"
        system = structure.parse(drawn)
        for _ in range(60):
            up = {part: rng.random() < 0.7 for part in system.components}
            counts = {
                (name, kind): sum(
                    up[part] for part in up if part.startswith(f"{name} {kind}")
                )
                for name in held
                for kind in ("load balancer", "app server", "copy")
            }
            enter = any(
                up[name]
                and counts[name, "load balancer"] >= 1
                and counts[name, "app server"] >= 2
                for name in held
            )
            of = dict.fromkeys(held, 1) if votes is None else votes
            cast = sum(of[name] * counts[name, "copy"] * up[name] for name in held)
            works = {part: float(not u) for part, u in up.items()}
            assert system.unavailability(works) == float(
                not (enter and cast >= needed)
            ), (needed, up)


def test_all_events_of_other_clocks_are_rivals_each_with_its_share():
    """A time of 4 s against two clocks, of which one has two outcomes."""
    raced = Raced((1.0, 3.0))
    events = [
        Event("it", raced, "a", 0.3),
        Event("it", raced, "b", 0.7),
        Event("one", 10.0, "c", 0.25),
        Event("one", 10.0, "d", 0.75),
        Event("two", Stages((20.0,)), "e"),
    ]
    r = 1 / 10 + 1 / 20
    first = np.exp(-r * 4)
    assert rate_among(events[0], events) == pytest.approx(r * first / (1 - first))
    assert rate_among(events[2], events) == pytest.approx(1 / 10)
    assert rate_among(events[0], events[:2]) == pytest.approx(1 / 4)  # no rival
    assert is_never(np.inf)
    assert not is_never(1.0)
    assert not is_never(np.array([np.inf, np.inf]))  # it may be of one of them only


def test_what_is_left_of_other_stages_in_a_race_is_drawn_from_transforms():
    """A uniform time of 0 to 6 s and 2 s more, against rivals of any rate."""
    raced = Raced((duration.uniform(0, 6), 2.0))
    for r in (1e-9, 1e-3, 0.2, 5.0):
        first = np.exp(-2 * r) * -np.expm1(-6 * r) / (6 * r)
        exact = r * first / (1 - first) if r > 1e-6 else 1 / 5
        assert raced.rate(r) == pytest.approx(exact, rel=1e-6)
    # of symbols a law counts by its mean, and what is constant as it is
    r = sympy.Symbol("r", positive=True)
    assert raced.rate(r) == pytest.approx(1 / 5, rel=1e-12)
    fixed = Raced((4.0, 2.0)).rate(r).subs(r, 0.2)
    assert float(fixed) == pytest.approx(0.2 / np.expm1(1.2), rel=1e-12)
    both = raced.rate(np.array([1e-9, 0.2]))
    assert both == pytest.approx([raced.rate(1e-9), raced.rate(0.2)], rel=1e-12)


def test_servers_of_which_too_few_are_never_left_are_not_told_apart():
    calm, busy = Node(mttf=1e12, mttr=1.0), Node(mttf=1e9, mttr=1.0)
    assert Tier(node=calm, servers=3).counted == 0  # 1e-36 of the time
    assert Tier(node=busy, servers=3).counted == 3  # 1e-27
    assert Tier(node=busy, servers=5, needed=4).counted == 3  # 5e-19 of it beyond


def test_repairs_that_vary_more_keep_their_means_and_those_that_never_end():
    law = duration.uniform(1, 2)
    assert _lognormal(law) is law
    for endless in (np.inf, np.array([3.0, np.inf])):
        assert _lognormal(endless) is endless
    for mean in (5.0, np.array([3.0, 4.0])):
        found = _lognormal(mean)
        assert found.mean == pytest.approx(mean, rel=1e-12)
        assert found.var**0.5 == pytest.approx(2 * np.asarray(mean), rel=1e-9)


def test_two_things_that_strike_everything_strike_as_one():
    """Their rates add up, and it lasts as long as their mean, by how often each is."""
    outage = Node(mttf=400.0, mttr=6.0)
    both = _joined(outage, 1 / 100, duration.uniform(0, 4))
    assert 1 / both.mttf == pytest.approx(1 / 400 + 1 / 100, rel=1e-12)
    assert both.mttr == pytest.approx((6 / 400 + 2 / 100) / (1 / 80), rel=1e-12)
    one = _joined(None, 1 / 100, 3.0)
    assert (one.mttf, one.mttr) == pytest.approx((100.0, 3.0), rel=1e-12)
    assert _joined(outage, 0, 3.0) is outage
    several = _joined(outage, np.array([0.0, 0.01]), 3.0)
    assert several.mttf == pytest.approx([400.0, 80.0], rel=1e-12)


@pytest.mark.parametrize("sites", [("a", "b"), ("a", "b", "c")])
def test_clients_of_sites_that_are_alike_are_kept_out_alike(sites):
    """A pair's primary is at each site as often, wherever it was at first."""
    led = Failover(detection=30.0, promotion=60.0, redirection=300.0)
    often = Site(mttf=900 * HOUR, mttr=8 * HOUR)
    found = ha.assess(pair(sites=sites, site=often, failover=led))
    for operation in (found.read, found.write):
        first, *others = operation.by_site.values()
        assert others == pytest.approx([first] * len(others), rel=1e-9)
    waits = 330 / (900 * HOUR)  # each site's clients, when it is lost, at the least
    assert first > waits


def test_a_copy_elsewhere_has_its_clients_share_of_the_reads():
    """Two copies of 80 % of the reads beside one of 20 %; else as many as its own."""
    ring = partial(store, {"a": 2, "b": 1}, read_from="local")

    def times(a, b):
        load = replace(ONE_KEY, reads=100.0, clients={"a": a, "b": b})
        found = ring(load)
        return found.times_the_reads("b", "a"), found.times_the_reads("a", "b")

    assert times(0.8, 0.2) == pytest.approx((0.2 / 0.4, 0.4 / 0.2), rel=1e-12)
    assert times(0.0, 1.0) == (1.0, 0.0)  # nobody reads at its own: as many
    some = np.array([0.8, 0.5])
    assert times(some, 1 - some) == (1.0, 1.0)


def test_the_work_of_a_copy_is_that_of_those_that_are_left():
    """Reads of its site's clients; those of a lost site enter at the others, evenly."""
    load = replace(ONE_KEY, reads=100.0, clients={"a": 0.5, "b": 0.3, "c": 0.2})
    ring = store({"a": 2, "b": 1, "c": 1}, load, read_from="local")

    def reads(at, up, serving):
        return ring.work(SimpleNamespace(copies=up, serving=serving), at).reads

    led = 100 * (0.5 + (0.3 + 0.2) / 2 / 2) / 2  # that of b or c, at two copies
    assert reads("a", 4, 3) == reads("a", 0, 3) == pytest.approx(25)
    assert reads("a", 3, 3) == pytest.approx(25 * 4 / 3)  # a copy less
    assert reads("a", 3, 2) == pytest.approx(led)
    assert reads("a", 4, 2) == pytest.approx(led)  # a site lost its servers only
    assert reads("a", 2, 2) == pytest.approx(led * 3 / 2)
    assert reads("b", 1, 3) == 100  # no more than all
    assert reads("b", 4, 1) == 100  # nobody else serves


def test_a_node_alone_has_nobody_that_follows_it():
    alone = pair(Replica(site="A")).behaviour(ONE_KEY)
    assert (alone.lag.mean, alone.rpo.mean, alone.stale, alone.transfers) == (0,) * 4
    assert alone.lost_writes.per_year == 0


def test_attempts_are_told_apart_until_one_in_a_billion_is_left():
    """Of repairs of up to 10 s; a hundred at most, none of what has no memory."""

    def told(coverage, mttr=UP_TO_TEN, **more):
        failover = Failover(promotion=60.0, **{"retry": 1.0} | more)
        return _told(mttr, coverage, failover)

    def left(n, coverage, gap=1.0):
        return (1 - coverage) ** n * max(1 - n * gap / 10, 0.0)

    for coverage, n in ((0.999, 3), (0.99, 5), (0.95, 7)):
        assert left(n, coverage) <= 1.0001e-9 < left(n - 1, coverage)
        assert told(coverage) == n
    assert (told(0.5), told(0.5, retry=0.01), told(0.1, retry=0.01)) == (10, 30, 100)
    assert told(1.0) == 1
    assert told(0.5, retry=6.0) == told(0.5, retry=duration.uniform(6, 9)) == 2
    assert told(np.array([0.999, 0.95])) == 7
    assert (told(0.5, tries=1), told(0.5, tries=9)) == (1, 9)
    assert told(0.5, retry=None) == told(sympy.Symbol("c")) == 0
    assert told(0.5, 10.0) == told(0.5, duration.exponential(5.0)) == 0


def test_reads_of_any_copy_are_served_while_one_is_up():
    votes = Majority(database=NODE, failover=LED, copies={"a": 1, "b": 2})
    near = replace(votes, local_reads=True)
    for up in product(range(2), range(3)):
        left = dict(zip("ab", up, strict=True))
        for at in "ab":
            assert near._served(left, at, "read") == (sum(up) > 0)
            most = sum(up) >= 2
            assert near._served(left, at, "write") == most
            assert votes._served(left, at, "read") == most


def test_nodes_that_say_where_they_are_may_be_exchanged_for_others():
    """Their sites are those of the nodes, also of a copy with other nodes."""
    one = pair(Replica(site="A", priority=1), Replica(site="B"))
    other = replace(one, replicas=(Replica(site="C"), Replica(site="D")))
    assert (tuple(one.sites), tuple(other.sites)) == (("A", "B"), ("C", "D"))
    with pytest.raises(ValueError, match="sites must be those of the replicas"):
        replace(one, sites=("C", "D"))


def test_states_that_no_rate_leads_back_from_are_not_all_of_the_time():
    """From 0 to 1 and back, and to 2 for good: at some rates only."""
    ways = {0: [(1, 2.0), (2, 0.5)], 1: [(0, 1.0)], 2: [(0, 4.0)]}
    shape = Shape.explore(0, lambda state: ways[state], str)
    names = [*shape.moves]
    rates = {(0, 1): 2.0, (0, 2): 0.5, (1, 0): 1.0, (2, 0): 4.0}

    def given(**changed):
        found = rates | {(int(k[1]), int(k[2])): v for k, v in changed.items()}
        return [found[shape.states[i], shape.states[j]] for i, j in names]

    def shares(**changed):
        found = dict(shape.probabilities(given(**changed)))
        return [found.get(shape.states.index(k), 0) for k in ways]

    assert shape.connects(given())
    assert shares() == pytest.approx(np.array([1, 2, 1 / 8]) / 3.125, rel=1e-12)
    for value in (0.0, 1e-9):
        assert shape.connects(given(m02=value)) == (value > 0)
        assert shares(m02=value) == pytest.approx([1 / 3, 2 / 3, 0], abs=1e-9)
    assert not shape.connects(given(m20=0.0))
    assert shares(m20=0.0) == pytest.approx([0, 0, 1])  # it ends there
    several = np.array([0.5, 0.0])
    assert not shape.connects(given(m02=several))
    assert shape.connects(given(m02=several + 1))
    assert not shape.connects(given(m02=1e300))  # that is at once
    assert not shape.connects(given(m02=sympy.Symbol("x", positive=True)))


@pytest.mark.parametrize("common", [0.0, 0.2])
def test_elections_that_come_alone_follow_the_loss_of_a_leader_alone(common):
    """Of three copies at one site: with all up; else the majority goes with it."""
    node = Node(mttf=50 * HOUR, mttr=4 * HOUR)
    one = Majority(
        database=node,
        failover=LED,
        copies={"a": 3},
        election=1e-6,
        common_cause=common,
    )
    voters = Voters(one)
    f, g = (1 - common) / node.mttf, 1 / node.mttr
    most = np.array([1, 3 * f / g])  # none or one is down
    elections, begins = voters.elections()
    alone, chances = voters.along(elections, begins)
    assert (begins, chances) == ({}, {})
    assert alone == pytest.approx(f * most[0] / most.sum(), rel=1e-6)
    # and after each return of a majority, and each strike
    back = most[1] * 2 * f / most.sum()
    assert elections == pytest.approx(alone + back + common / node.mttf, rel=1e-6)


def test_elections_that_come_with_a_lost_site_are_those_of_its_leaders():
    """Three sites of a copy each, all hardly ever lost: a leader is at one in three."""
    node, site = Node(mttf=9e7 * HOUR, mttr=HOUR), Site(mttf=5e7 * HOUR, mttr=HOUR)
    spec = Majority(
        database=node,
        site=site,
        failover=LED,
        copies=dict.fromkeys("abc", 1),
        election=1.0,
    )
    voters = Voters(spec)
    elections, begins = voters.elections()
    alone, chances = voters.along(elections, begins)
    assert chances == pytest.approx(dict.fromkeys("abc", 1 / 3), rel=1e-6)
    assert begins == pytest.approx(dict.fromkeys("abc", 1 / site.mttf / 3), rel=1e-6)
    assert alone == pytest.approx(1 / node.mttf, rel=1e-6)
    assert elections == pytest.approx(1 / node.mttf + 1 / site.mttf, rel=1e-6)


@pytest.mark.parametrize(
    ("resolution", "lost", "versions"),
    [("last write wins", 200, 1), ("vector clocks", 0, 3), ("crdt", 0, 1)],
)
def test_what_becomes_of_writes_that_sites_never_hear_of(resolution, lost, versions):
    """Each site keeps its own version, if they are kept; else one is thrown away."""
    spec = ActiveActive(
        database=NODE,
        failover=LED,
        sites=("A", "B", "C"),
        replication=Replication(send=WriteStage(service=0.02)),
        resolution=resolution,
    )
    found = spec.behaviour(ha.Workload(writes=200.0)).conflicts
    assert (found.pairs, found.share) == (np.inf, 1)
    assert (found.lost, found.siblings) == (lost, versions)


def test_all_is_well_at_first_and_copies_are_told_apart_by_name():
    assert (FrontState().balancers, FrontState().apps) == (0, 0)
    assert Front(site=Site(), redirect=None).part("a").turns == 1
    assert Asked(duration.constant(1.0)).reads == 1  # as busy as its own
    held = Held(node=NODE, count=1, copies=1)
    names = [held, replace(held, in_turn=True), replace(held, number=2)]
    assert [one.name for one in names] == ["copies", "copy in turn", "copy 2"]
