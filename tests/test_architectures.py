"""Every architecture: limits with a closed form, and what must never happen."""

import math
from collections import Counter
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import combinations

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from hamodel import architectures, duration
from hamodel._fields import about_at, paths, replaced, value_at
from hamodel._quantity import mean_of
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Leaderless,
    Loss,
    LostWrites,
    Majority,
    Node,
    Replica,
    SinglePrimary,
    Site,
    Tier,
    failed_apps,
)
from hamodel.architectures._copies import answered_by
from hamodel.architectures._events import (
    Raced,
)
from hamodel.architectures._first import (
    race,
)
from hamodel.architectures._pair_losses import _earliest
from hamodel.architectures._pair_rules import rules_of
from hamodel.architectures._races import Copy, _picked
from hamodel.architectures._region import Both, Left
from hamodel.assessment import assess
from hamodel.failover import Failover
from hamodel.replication import Replication, WriteStage
from hamodel.units import DAY, HOUR, YEAR
from hamodel.workload import Workload

NODE = Node(mttf=2000 * HOUR, mttr=4 * HOUR)
SERVERS = Tier(node=Node(mttf=1000 * HOUR, mttr=2 * HOUR), servers=3)
SITE = Site(mttf=2 * YEAR, mttr=6 * HOUR, balancers=Tier(node=NODE), apps=SERVERS)
EVERYWHERE = Node(mttf=YEAR, mttr=HOUR)
FAILOVER = Failover(detection=10, promotion=20, redirection=5, coverage=0.98)

FULL = {
    "single": SinglePrimary(database=NODE, site=SITE, everywhere=EVERYWHERE),
    "passive": ActivePassive(
        database=NODE, failover=FAILOVER, site=SITE, everywhere=EVERYWHERE
    ),
    "active": ActiveActive(
        database=NODE, failover=FAILOVER, site=SITE, everywhere=EVERYWHERE
    ),
    "majority": Majority(
        database=NODE, failover=FAILOVER, site=SITE, everywhere=EVERYWHERE
    ),
    "leaderless": Leaderless(
        database=NODE,
        failover=FAILOVER,
        copies={"DC-1": 2, "DC-2": 1},
        site=SITE,
        everywhere=EVERYWHERE,
    ),
}


def unavailability(architecture, operation="write", clients=None):
    """Sum the causes of an operation's downtime."""
    return sum(architecture.model().downtime(clients)[operation].values())


@pytest.mark.parametrize("name", FULL)
def test_in_a_pair_alone_one_site_takes_all_writes(name):
    assert FULL[name].one_writer is (name in {"single", "passive"})


@pytest.mark.parametrize("name", FULL)
@pytest.mark.parametrize("operation", ["read", "write"])
def test_served_and_not_served_add_up_to_one(name, operation):
    model = FULL[name].model()
    for site, seen in model.situations().items():
        served = sum(
            p for s, p in seen.items() if not model.verdict(s, site, operation).cause
        )
        down = model.downtime({site: 1})[operation]
        assert served + sum(down.values()) == pytest.approx(1, abs=1e-14)
        assert all(share >= 0 for share in down.values())


def test_instant_failover_over_two_sites_that_fail():
    """Two things at once, clients led away and the pair taken over, are no race."""
    site = Site(mttf=YEAR, mttr=6 * HOUR)
    at_once = ActivePassive(database=NODE, failover=Failover(), site=site)
    soon = replace(at_once, failover=Failover(promotion=1e-6, redirection=1e-6))
    assert at_once.unavailability == pytest.approx(soon.unavailability, rel=1e-6)
    assert unavailability(at_once) == pytest.approx(unavailability(soon), rel=1e-6)


def test_two_active_sites_with_instant_redirection_are_two_units_in_parallel():
    both = ActiveActive(database=NODE, failover=Failover())
    alone = NODE.mttr / (NODE.mttf + NODE.mttr)
    assert unavailability(both) == pytest.approx(alone**2, rel=1e-12)


@pytest.mark.parametrize("copies", [{"a": 3}, {"a": 2, "b": 1}, {"a": 2, "b": 2}])
def test_a_majority_without_elections_is_a_binomial_tail(copies):
    store = Majority(database=NODE, failover=Failover(), copies=copies, election=1e-12)
    n = sum(copies.values())
    q = Fraction(4, 2004)
    exact = sum(
        math.comb(n, k) * q**k * (1 - q) ** (n - k)
        for k in range(n - store.majority + 1, n + 1)
    )
    assert unavailability(store) == pytest.approx(float(exact), rel=1e-9)


@pytest.mark.parametrize(("read", "write"), [(1, 3), (2, 2), (3, 1)])
def test_a_quorum_is_a_binomial_tail(read, write):
    store = Leaderless(database=NODE, read_quorum=read, write_quorum=write)
    q = Fraction(4, 2004)
    for operation, needed in (("read", read), ("write", write)):
        exact = sum(
            math.comb(3, k) * q**k * (1 - q) ** (3 - k) for k in range(4 - needed, 4)
        )
        assert unavailability(store, operation) == pytest.approx(
            float(exact), rel=1e-12
        )


def test_reads_go_on_at_the_replica_while_writes_wait():
    pair = ActivePassive(database=NODE, failover=FAILOVER)
    down = pair.model().downtime()
    assert "failing over" not in down["read"]
    assert down["write"]["failing over"] == pytest.approx(
        35 * 0.98 / NODE.mttf, rel=0.01
    )


@pytest.mark.parametrize("n", [2, 3, 4])
def test_losing_a_site_costs_its_share_detection_and_redirection(n):
    site = Site(mttf=YEAR, mttr=6 * HOUR)
    failover = Failover(detection=20, redirection=40)
    names = tuple(f"DC-{k}" for k in range(n))
    active = ActiveActive(
        database=Node(mttf=math.inf, mttr=1.0),
        failover=failover,
        site=site,
        sites=names,
    )
    down = active.model().downtime()["write"]
    up = YEAR / (YEAR + 6 * HOUR)
    assert down["failing over"] == pytest.approx(60 / YEAR * up, rel=0.02)
    one = active.model().downtime({names[0]: 1.0})["write"]
    assert one["failing over"] == pytest.approx(down["failing over"], rel=1e-12)


@given(st.integers(1, 3), st.integers(1, 3))
def test_a_majority_over_two_sites_is_no_better_than_its_bigger_site(a, b):
    site = Site(mttf=YEAR, mttr=6 * HOUR)
    spread = Majority(
        database=NODE, failover=Failover(), copies={"a": a, "b": b}, site=site
    )
    bigger = site.mttr / (site.mttf + site.mttr)
    assert unavailability(spread) >= bigger


@pytest.mark.parametrize("name", FULL)
def test_more_sites_never_hurt_reads(name):
    down = []
    for n in (1, 2, 3):
        names = [f"DC-{k}" for k in range(n)]
        if name == "active":
            more = replace(FULL[name], sites=tuple(names))
        elif name == "leaderless":
            more = replace(
                FULL[name],
                copies=dict.fromkeys(names, 1),
                read_quorum=1,
                write_quorum=1,
            )
        elif name == "majority":
            more = replace(FULL[name], copies=dict.fromkeys(names, 1), local_reads=True)
        else:
            return
        down.append(unavailability(more, "read"))
    assert down == sorted(down, reverse=True)


WORSE = {  # the power that makes a value worse
    "failover.coverage": -1,
    "failover.detection": 1,
    "failover.promotion": 1,
    "failover.redirection": 1,
    "database.mttf": -1,
    "database.mttr": 1,
    "site.mttf": -1,
    "site.mttr": 1,
    "site.apps.node.mttr": 1,
    "site.balancers.node.mttr": 1,
    "everywhere.mttr": 1,
}


@pytest.mark.parametrize("name", FULL)
@given(st.sampled_from(list(WORSE)), st.floats(1.01, 20))
def test_worse_parameters_never_help(name, path, factor):
    architecture = FULL[name]
    if name == "single" and path.startswith("failover"):
        return
    value = value_at(architecture, path) * factor ** WORSE[path]
    worse = replaced(architecture, {path: value})
    for operation in ("read", "write"):
        before = unavailability(architecture, operation)
        assert unavailability(worse, operation) >= before * (1 - 1e-12)


def scaled(architecture, by):
    """Return the architecture with every time multiplied."""
    times = {
        path: value * by
        for path, value in paths(architecture)
        if value is not None and about_at(architecture, path).unit == "s"
    }
    return replaced(architecture, times)


@pytest.mark.parametrize("name", FULL)
def test_the_unit_of_time_does_not_matter(name):
    before = FULL[name].model().downtime()
    after = scaled(FULL[name], 1000).model().downtime()
    for operation, causes in before.items():
        assert after[operation] == pytest.approx(causes, rel=1e-12)


@pytest.mark.parametrize("name", FULL)
def test_numbers_and_arrays_agree(name):
    times = np.array([1.0, 4.0, 30.0]) * HOUR
    swept = replace(FULL[name], database=Node(mttf=2000 * HOUR, mttr=times))
    several = swept.model().downtime()
    for k, mttr in enumerate(times):
        node = Node(mttf=2000 * HOUR, mttr=float(mttr))
        one = replace(FULL[name], database=node).model().downtime()
        for operation, causes in one.items():
            for cause, share in causes.items():
                row = np.broadcast_to(several[operation][cause], 3)
                assert row[k] == pytest.approx(share, rel=1e-12)


@pytest.mark.parametrize("name", FULL)
def test_symbols_and_numbers_agree(name):
    repair = sympy.Symbol("R", positive=True)
    plain = replace(FULL[name], site=Site(), everywhere=None)
    formula = unavailability(
        replace(plain, database=Node(mttf=2000 * HOUR, mttr=repair))
    )
    for value in (2 * HOUR, 3 * DAY):
        number = unavailability(
            replace(plain, database=Node(mttf=2000 * HOUR, mttr=value))
        )
        assert float(formula.subs(repair, value)) == pytest.approx(number, rel=1e-9)


# ---- what parts of an architecture say by themselves --------------------------------


def leaderless(copies, read=1, write=1, **more):
    given = {"copies": copies, "read_quorum": read, "write_quorum": write}
    return Leaderless(database=NODE, **given | more)


def test_clients_of_a_lost_site_are_shared_by_the_others():
    three = dict.fromkeys("abc", 1)
    ring = leaderless(three, 2, 2).behaviour(Workload())
    votes = Majority(database=NODE, failover=FAILOVER, copies=three)
    assert ring.work_without("a")[0] == 1 / 2
    assert votes.behaviour(Workload()).work_without("a")[0] == 1 / 2
    uneven = Workload(clients={"a": 0.6, "b": 0.3, "c": 0.1})
    for left in (leaderless(three, 2, 2), votes):
        assert left.behaviour(uneven).work_without("a")[0] == pytest.approx(0.6)
        assert left.behaviour(uneven).work_without("c")[0] == pytest.approx(0.65)


def test_one_database_does_all_the_work_whatever_is_lost():
    shop = assess(SinglePrimary(database=NODE, site=SITE))
    assert shop.utilisation_after_site_loss == shop.utilisation
    assert shop.utilisation["database"] == pytest.approx((0.9 + 0.2) / NODE.cores)
    assert SinglePrimary(database=NODE).behaviour(Workload()).databases == 1
    dear = assess(SinglePrimary(database=replace(NODE, cost=3.0)))
    assert dear.cost.total == 3.0
    assert shop.rpo.quantile(0.01) == pytest.approx(0.01 * DAY)
    assert shop.rpo.quantile(0.99) == pytest.approx(0.99 * DAY)


def test_a_client_that_keeps_a_dead_address_keeps_it_for_a_minute():
    """A name's usual time to live, beside the redirection."""
    (late,) = (a for a in FULL["passive"].assumptions if "address" in a.without)
    assert "60 s" in late.without or "1 min" in late.without
    led = late.flip().failover.redirection
    assert mean_of(led) == pytest.approx(FAILOVER.redirection + 60)


@pytest.mark.parametrize("scope", ["any", "local", "each"])
@pytest.mark.parametrize("needed", [1, 2])
def test_each_read_is_work_of_as_many_copies_as_it_asks(scope, needed):
    """Whoever enters where: of a site that has fewer copies those of the others too."""
    held = {"a": 3, "b": 2, "c": 2 if scope != "any" else 1}
    shares = {"a": 0.2, "b": 0.3, "c": 0.5}
    ring = leaderless(held, needed, 2, read_from=scope).behaviour(Workload())
    asked = sum(n * ring.reads_at(at, shares, held) for at, n in held.items())
    assert asked == pytest.approx(needed * (3 if scope == "each" else 1))
    alone = {"a": 1.0}  # and where only one copy is left there
    some = {"a": 1, "b": 2} if scope == "any" else {"a": 2, "b": 2}
    asked = sum(n * ring.reads_at(at, alone, some) for at, n in some.items())
    assert asked == pytest.approx(needed * (2 if scope == "each" else 1))
    for local, work in ((True, 1.0), (False, 7.0 if scope != "any" else 6.0)):
        votes = Majority(
            database=NODE, failover=FAILOVER, copies=held, local_reads=local
        ).behaviour(Workload())
        reads = [n * votes.reads_at(at, shares, held) for at, n in held.items()]
        assert sum(reads) == pytest.approx(work)  # the leader's, be it any of them


def test_of_equal_nodes_the_near_ones_lead_or_each_is_as_likely():
    for sites, found in (("AAAB", [(0, 1)]), ("ABBC", [(1, 2 / 3), (2, 1 / 3)])):
        replicas = tuple(Replica(site=site) for site in sites)
        spec = ActivePassive(database=NODE, failover=FAILOVER, replicas=replicas)
        nodes = rules_of(spec).nodes
        assert nodes.candidates(nodes.start) == found


def test_a_repair_of_any_law_races_a_constant_stage():
    law = duration.lognormal(mean=100.0, cv=1.0)
    won, mean = race(law, 50.0)
    assert won == pytest.approx(float(law.cdf(50.0)), rel=1e-9)
    assert mean == pytest.approx(quad(law.sf, 0, 50)[0], rel=1e-6)
    assert race(law, 0) == (0.0, 0.0)


def test_stages_against_hardly_any_rival():
    law = duration.gamma(mean=3600.0, cv=0.5)
    rivals = 1e-9  # of E exp(-r T) what double precision leaves is little
    exact = rivals / ((1 + rivals * 900) ** 4 - 1)  # r L / (1 - L) of a gamma law
    assert Raced((law,)).rate(rivals) == pytest.approx(exact, rel=1e-8)


def test_the_local_quorums_of_two_sites_stand_in_for_each_other():
    two = leaderless({"a": 3, "b": 3}, 2, 2, read_from="local")
    assert two.diagram("read").single_points_of_failure() == ()


def test_writes_that_only_copies_of_two_hold():
    load = Workload(reads=1, writes=90, round_trip=0.1)
    windows = leaderless({"a": 2, "b": 1}).behaviour(load)._on_one_node
    assert sum(rate for rate, _ in windows) == pytest.approx(90)
    full = leaderless({"a": 3}, 2, 2).behaviour(Workload(writes=1e6))
    assert full.rpo.mean == 0


def test_copies_are_picked_at_random():
    pool = Counter({Copy("a"): 3, Copy("b"): 1})
    picks = list(_picked([(pool, 2, 0.0)]))
    assert sum(chance for chance, _ in picks) == pytest.approx(1)
    of_a = sum(chance * pick[Copy("a"), 0.0] for chance, pick in picks)
    assert of_a == pytest.approx(2 * 3 / 4)


def test_keys_have_homes_alike():
    home = ActiveActive(
        database=NODE, failover=FAILOVER, sites=("a", "b"), resolution="home site"
    )
    assert home.behaviour(Workload())._origins == {"a": 1 / 2, "b": 1 / 2}


def test_local_reads_change_nothing_for_writes():
    votes = Majority(database=NODE, failover=FAILOVER, common_cause=0.05)
    local = replace(votes, local_reads=True)
    assert unavailability(local) == pytest.approx(unavailability(votes), rel=1e-12)
    assert unavailability(local, "read") < unavailability(votes, "read")


def test_losses_are_counted():
    shop = SinglePrimary(database=NODE, backup=DAY)
    assert shop.behaviour(Workload(writes=100)).lost_writes.per_year == 0
    lost = replace(shop, destroyed=0.1).behaviour(Workload(writes=100)).lost_writes
    assert lost.per_failure == 100 * DAY / 2
    assert Loss(events=1.0, writes=3.0).per_year == 3 * YEAR
    often, each = sympy.symbols("often each", positive=True)
    assert Loss(events=often, writes=each).per_year == often * each * YEAR
    assert Loss(events=0.0, writes=math.inf).per_year == 0
    worst = {"a": Loss(events=1.0, writes=3.0), "b": Loss(events=1.0, writes=5.0)}
    assert LostWrites(by_failure=worst).per_failure == 5


@pytest.mark.parametrize("writes", [0.0, 100.0])
@pytest.mark.parametrize("among", ["any", "local", "each"])
def test_queues_are_as_alike_as_the_work_that_comes_to_both(among, writes):
    """Covariance of the work of two copies of a site over its variance, counted."""
    held = {"a": 3, "b": 3}
    load = Workload(reads=100, writes=writes, read_time=0.004, write_time=0.002)
    spec = leaderless(held, 2, 2, read_from=among)
    behaviour = replace(spec, database=replace(NODE, cores=1)).behaviour(load)
    places = {"any": range(6), "local": range(3), "each": range(3)}[among]
    picks = [set(pick) for pick in combinations(places, 2)]
    one, both = (sum(pick >= these for pick in picks) for these in ({0}, {0, 1}))
    if among == "each":  # the other copy may be at the other site
        both = (2 * both + 3 * one * one / len(picks)) / 5
    elif among == "any":
        assert both == 1
    work = behaviour.work_of(behaviour._share)
    reads, updates = work.reads * 0.004**2, work.writes * 0.002**2
    shared = (reads * both / one + updates) / (2 * (reads + updates))
    busy = work.reads * 0.004 + work.writes * 0.002
    assert behaviour._shared == pytest.approx((0.42 + 0.46 * busy) * shared)


def test_failed_servers_have_shares_of_the_time():
    shares = failed_apps(Site(apps=Tier(node=NODE, servers=3, needed=2)))
    q = 4 / 2004
    one, none = 3 * q * (1 - q) ** 2, (1 - q) ** 3
    assert shares == pytest.approx({0: none / (one + none), 1: one / (one + none)})


@pytest.mark.parametrize("kind", [ActiveActive, partial(Majority, local_reads=True)])
def test_all_that_many_primaries_or_any_copy_answer_may_be_stale(kind):
    read = assess(kind(database=NODE, failover=FAILOVER, site=SITE)).read
    assert read.stale == pytest.approx(1 - read.unavailability, rel=1e-12)
    assert assess(Majority(database=NODE, failover=FAILOVER)).read.stale == 0


def test_what_a_lost_site_took_is_missing_and_not_lost():
    """Its repair brings it back, of a database and of a site."""
    found = assess(ActiveActive(database=NODE, failover=FAILOVER, site=SITE))
    lost = found.lost_writes
    assert lost.by_failure.keys() == {"database", "site"}
    assert lost.per_year == 0 < lost.missing_per_year
    assert lost.missing_per_year == pytest.approx(
        sum(one.events * one.writes * YEAR for one in lost.by_failure.values())
    )


@pytest.mark.parametrize(
    ("resolution", "thrown", "versions"),
    [("last write wins", True, False), ("vector clocks", False, True), ("crdt", 0, 0)],
)
def test_who_throws_writes_away_and_who_keeps_versions(resolution, thrown, versions):
    shop = ActiveActive(database=NODE, failover=FAILOVER, resolution=resolution)
    clashes = assess(shop, Workload(writes=1000)).conflicts
    assert (clashes.lost > 0, clashes.siblings > 1) == (thrown, versions)
    assert clashes.pairs > 0
    assert thrown or clashes.lost == 0
    assert versions or clashes.siblings == 1


def test_what_is_assumed_where_nothing_is_said():
    """Numbers of the models that a specification may leave out, in s."""
    found = {}
    for kind in (*vars(architectures).values(), Replication, WriteStage):
        for f in fields(kind) if is_dataclass(kind) and isinstance(kind, type) else ():
            if f.metadata and isinstance(f.default, int | float) and f.default:
                found[f"{kind.__name__}.{f.name}"] = f.default
    assert found == {
        "ActiveActive.clock_skew": 0.01,
        "ActivePassive.crews": 1,
        "Cache.time": 0.0005,
        "Leaderless.read_quorum": 2,
        "Leaderless.repair_every": 7 * 86_400,
        "Leaderless.write_quorum": 2,
        "Majority.election": 2,
        "Node.cores": 8,
        "Node.cost": 1,
        "OldPrimary.astray": 0.5,
        "OldPrimary.fenced": 1,
        "OldPrimary.stops": 600,
        "Region.crews": 1,
        "Region.nodes": 2,
        "Replica.promotable": True,
        "Replica.sync": True,
        "Replication.acknowledgements": 1,
        "Replication.timeout": 10,
        "SinglePrimary.backup": 86_400,
        "Site.mttf": math.inf,
        "Site.mttr": 4 * 3600,
        "Standby.takeover_mttf": math.inf,
        "Tier.needed": 1,
        "Tier.servers": 1,
        "WriteStage.in_order": True,
        "WriteStage.workers": 1,
    }


@pytest.mark.parametrize("unit", [0.02, 20.0])
def test_of_exponential_times_the_first_and_what_is_left_are_known(unit):
    one, other = duration.exponential(3 * unit), duration.exponential(2 * unit)
    first = _earliest([one, other, 4 * unit])
    assert first.mean == pytest.approx(1.2 * unit * -math.expm1(-4 / 1.2), rel=1e-6)
    left = Left(race=Both(one=one, other=other))  # memoryless
    assert left.mean == pytest.approx(3 * unit, rel=1e-9)
    assert left.law.mean == pytest.approx(3 * unit, rel=0.02)
    assert left.law.cdf(unit) == pytest.approx(one.cdf(unit), abs=0.01)


NO_TIME = "hop", "round_trip", "read_time", "write_time"


@pytest.mark.parametrize(("write", "load"), [(3, {}), (1, dict.fromkeys(NO_TIME, 0))])
def test_copies_that_no_write_leaves_behind_have_no_lag(write, load):
    ring = leaderless({"a": 3}, 1, write).behaviour(Workload(**load))
    assert ring.lag.mean == 0


def test_who_follows_a_node_that_is_down_falls_behind_while_writes_are_taken():
    names = ("one", ""), ("two", "one"), ("three", "two")
    chain = ActivePassive(
        database=NODE,
        failover=FAILOVER,
        replicas=[Replica(site="a", name=name, follows=of) for name, of in names],
    )
    nodes = rules_of(chain).nodes
    middle = nodes.moved(nodes.start, 1, (0, -1), (1, 1))
    assert [nodes.behind(nodes.start, i) for i in range(3)] == [False] * 3
    assert [nodes.behind(middle, i) for i in range(3)] == [False, False, True]
    assert not nodes.behind(middle._replace(phase="lost"), 2)


@pytest.mark.parametrize("far", [0.08, duration.exponential(0.08)])
@pytest.mark.parametrize("near", [0.001, duration.exponential(0.001)])
def test_a_majority_waits_for_the_first_of_its_answers(near, far):
    """Of two far copies the first, be it drawn or not; of a near one that alone."""
    load = Workload(hop=near, round_trip=far)
    apart = answered_by(dict.fromkeys("abc", 1), "a", 2, load)
    assert apart.mean == pytest.approx(0.08 if far == 0.08 else 0.04, rel=1e-6)
    beside = answered_by({"a": 2}, "a", 2, load)
    assert beside.mean == pytest.approx(0.001, rel=1e-6)
