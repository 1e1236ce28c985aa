"""Assessments: each figure by a second road, and what must never happen."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from hamodel import duration
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Cache,
    Leaderless,
    Majority,
    Node,
    SinglePrimary,
    Site,
    Tier,
)
from hamodel.architectures._copies import answered_by
from hamodel.assessment import MEASURES, assess, compare
from hamodel.assessment.alerts import WORKBOOK
from hamodel.assessment.latency import Paths
from hamodel.assessment.loads import usual
from hamodel.failover import Failover
from hamodel.replication import Replication, WriteStage
from hamodel.units import DAY, HOUR, YEAR
from hamodel.workload import Workload
from tests.test_architectures import FAILOVER, FULL, NODE, SITE

LOAD = Workload(reads=900, writes=100, round_trip=0.08)
PAIR = ActivePassive(database=NODE, failover=FAILOVER, site=SITE)
ACTIVE = ActiveActive(database=NODE, failover=FAILOVER, site=SITE)
BARE = Workload(reads=800, writes=200, app_time=0, hop=0, read_time=0.001)


def close(x, rel=1e-9):
    return pytest.approx(x, rel=rel)


# ---- availability ------------------------------------------------------------------


@pytest.mark.parametrize("name", FULL)
def test_causes_and_sites_add_up(name):
    clients = dict.fromkeys(FULL[name].sites, 1.0)
    clients = {s: (i + 1) for i, s in enumerate(clients)}
    total = sum(clients.values())
    clients = {s: share / total for s, share in clients.items()}
    found = assess(FULL[name], replace(LOAD, clients=clients))
    for operation in (found.read, found.write):
        whole = operation.unavailability
        assert sum(operation.downtime_by_cause.values()) == close(whole, 1e-14)
        by_site = sum(clients[s] * u for s, u in operation.by_site.items())
        assert by_site == close(whole, 1e-12)
        assert 10**-operation.nines == close(whole)
    direct = FULL[name].model().downtime(clients)
    assert found.write.unavailability == close(sum(direct["write"].values()), 1e-12)
    assert found.read.unavailability <= found.write.unavailability * (1 + 1e-12)


def test_a_site_without_clients_weighs_nothing():
    found = assess(ACTIVE, replace(LOAD, clients={"DC-1": 1.0}))
    assert found.write.by_site["DC-2"] == 0
    assert found.write.by_site["DC-1"] == close(found.write.unavailability)


def test_numbers_arrays_and_symbols_agree():
    mttf = np.array([1000.0, 2000.0, 9000.0]) * HOUR
    swept = assess(replace(PAIR, database=replace(NODE, mttf=mttf)), LOAD)
    each = [assess(replace(PAIR, database=replace(NODE, mttf=m)), LOAD) for m in mttf]
    for operation in ("read", "write"):
        row = [getattr(a, operation).unavailability for a in each]
        assert getattr(swept, operation).unavailability == close(row, 1e-12)
    row = [a.stale_read_probability for a in each]
    assert swept.stale_read_probability == close(row, 1e-12)
    x = sympy.Symbol("x", positive=True)
    bare = ActivePassive(
        database=replace(NODE, mttf=x), failover=Failover(promotion=30)
    )
    formula = assess(bare, LOAD).write.unavailability
    number = assess(replace(bare, database=NODE), LOAD).write.unavailability
    assert float(formula.subs(x, NODE.mttf)) == close(number)


# ---- load --------------------------------------------------------------------------


def busy(share):
    """Return reads such that each of two sites uses this share of one core."""
    return Workload(reads=2000 * share, writes=0, read_time=0.001, app_time=0)


def test_losing_a_site_costs_everybody_when_the_rest_has_no_room():
    node = Node(mttf=200 * HOUR, mttr=4 * HOUR, cores=1)
    shop = ActiveActive(database=node, failover=Failover())
    down = node.mttr / (node.mttf + node.mttr)
    below, above = assess(shop, busy(0.49)), assess(shop, busy(0.51))
    assert below.read.unavailability == close(down**2)
    assert above.read.unavailability == close(1 - (1 - down) ** 2)
    assert above.read.downtime_by_cause["overload"] == close(2 * down * (1 - down))
    assert below.survives_site_loss
    assert not above.survives_site_loss
    assert "cannot carry the load" in str(above.survives_site_loss)
    assert below.headroom_after_site_loss == close(1 / 0.98)
    assert below.utilisation["database"] == close(0.49)


def test_a_full_queue_refuses_some_instead_of_all():
    """M/M/c/K by its own sums: below and beyond the capacity of the servers."""
    for load in (0.9, 1.5):
        tier = Tier(node=Node(mttf=YEAR, mttr=1.0, cores=2), waiting=3)
        shop = SinglePrimary(
            database=Node(mttf=math.inf, mttr=1.0, cores=10_000), site=Site(apps=tier)
        )
        rate = load * 2 / 0.01
        asked = Workload(reads=0.6 * rate, writes=0.4 * rate, app_time=0.01, hop=0)
        found = assess(shop, asked)
        offered = load * 2
        weights = [offered**n / math.factorial(n) for n in range(3)]
        weights += [weights[2] * load**k for k in range(1, 4)]
        refused = weights[-1] / sum(weights)
        up = 1 - 1.0 / (YEAR + 1.0)
        for operation in (found.read, found.write):
            assert operation.downtime_by_cause["queue full"] == close(up * refused)
        waits = [max(n - 1, 0) for n in range(5)]
        mean = sum(w * (0.01 + 0.005 * k) for w, k in zip(weights, waits, strict=False))
        accepted = mean / sum(weights[:-1]) + 0.001
        law = found.latency["DC-1", "read"]
        assert float(law.mean) == close(accepted, 1e-6)
    assert "overload" not in found.read.downtime_by_cause


def test_headroom_is_the_factor_that_saturates():
    found = assess(PAIR, LOAD)
    grown = replace(
        LOAD, reads=LOAD.reads * found.headroom, writes=LOAD.writes * found.headroom
    )
    assert max(assess(PAIR, grown).utilisation.values()) == close(1.0)
    assert assess(PAIR, grown).write.unavailability > 0.5


def test_writes_are_done_at_every_active_site():
    loads = [
        assess(replace(ACTIVE, sites=tuple("abcd"[:n])), LOAD).utilisation["database"]
        for n in (1, 2, 4)
    ]
    work = [(900 / n * 0.001 + 100 * 0.002) / NODE.cores for n in (1, 2, 4)]
    assert loads == close(work)


def test_the_standby_answers_the_reads_of_its_own_clients():
    plain = ActivePassive(database=NODE, failover=FAILOVER)
    found = assess(plain, replace(LOAD, clients={"DC-1": 0.3, "DC-2": 0.7}))
    busiest = (0.7 * 900 * 0.001 + 100 * 0.002) / NODE.cores
    assert found.utilisation["database"] == close(busiest)
    alone = (900 * 0.001 + 100 * 0.002) / NODE.cores
    assert found.utilisation_after_site_loss["database"] == close(alone)


def test_copies_share_the_work():
    nine = dict.fromkeys("abc", 1)
    votes = assess(Majority(database=NODE, failover=FAILOVER, copies=nine), LOAD)
    assert votes.utilisation["database"] == close((0.9 + 0.2) / NODE.cores)
    cloud = Leaderless(database=NODE, failover=FAILOVER, copies=nine)
    assert assess(cloud, LOAD).utilisation["database"] == close(
        (0.9 * 2 / 3 + 0.2) / NODE.cores
    )


# ---- latency -----------------------------------------------------------------------


def test_the_passive_side_pays_for_its_writes():
    """Lesson 7: 17 ms on average, which nobody ever sees."""
    sound = Node(mttf=math.inf, mttr=HOUR, cores=100_000)
    far = ActivePassive(database=sound, failover=FAILOVER)
    load = replace(BARE, write_time=0.001)
    found = assess(far, load)
    read, write = found.latency["DC-2", "read"], found.latency["DC-2", "write"]
    assert float(read.quantile(0.5)) == close(0.001 * math.log(2), 1e-2)
    mixed = 0.8 * read.mean + 0.2 * write.mean
    assert float(mixed) == close(0.017, 2e-2)
    assert float(write.quantile(0.01)) > 0.08


def test_latency_is_what_queues_played_by_hand_show():
    """One queue of 2 cores and one of 3, played request by request."""
    tier = Tier(node=Node(mttf=YEAR, mttr=1.0, cores=2))
    shop = SinglePrimary(
        database=Node(mttf=YEAR, mttr=1.0, cores=3), site=Site(apps=tier)
    )
    load = Workload(reads=100, writes=0, app_time=0.014, read_time=0.02, hop=0.001)
    law = assess(shop, load).latency["DC-1", "read"]
    rng = np.random.default_rng(4)
    arrivals = np.cumsum(rng.exponential(1 / 100, 300_000))
    after = _served(arrivals, rng.exponential(0.014, len(arrivals)), 2)
    order = np.argsort(after)
    left = np.empty_like(after)
    left[order] = _served(after[order], rng.exponential(0.02, len(after)), 3)
    played = (left - arrivals + 0.001)[1000:]
    for p in (0.5, 0.9, 0.99):
        assert float(law.quantile(p)) == close(np.quantile(played, p), 0.03)


def _served(arrivals, work, cores):
    """Return when each request is done, first come first served."""
    free = np.zeros(cores)
    done = np.empty_like(arrivals)
    for i, (now, need) in enumerate(zip(arrivals, work, strict=True)):
        core = int(np.argmin(free))
        free[core] = done[i] = max(now, free[core]) + need
    return done


def test_waiting_for_the_standby_is_part_of_a_write():
    sync = replace(
        ActivePassive(database=NODE, failover=FAILOVER),
        replication=Replication(mode="sync", delay=0.003),
    )
    late = assess(sync, BARE).latency["DC-1", "write"].mean
    soon = assess(replace(sync, replication=Replication()), BARE)
    assert float(late - soon.latency["DC-1", "write"].mean) == close(0.086, 1e-3)


def test_a_majority_waits_for_its_leader_and_the_second_copy():
    votes = Majority(database=replace(NODE, cores=10_000), failover=Failover())
    write = assess(votes, BARE).latency["DC-1", "write"]
    # a third of the leaders is here: one round trip; else two
    assert float(write.cdf(0.08 + 0.07)) == close(1 / 3, 2e-2)
    assert float(write.cdf(0.16 + 0.07)) == close(1.0, 1e-3)


def test_quorums_wait_for_their_slowest_answer():
    near = Leaderless(database=NODE, failover=FAILOVER, copies={"a": 2, "b": 1})
    all_of = replace(near, write_quorum=3, read_quorum=1)
    found = assess(all_of, BARE)
    assert float(found.latency["a", "write"].quantile(0.001)) >= 0.08
    assert float(found.latency["a", "read"].quantile(0.5)) < 0.01


def test_slow_counts_as_down():
    shop = SinglePrimary(database=replace(NODE, cores=10_000))
    load = Workload(reads=100, writes=0, app_time=0, hop=0, read_time=0.010)
    found = assess(shop, load).within(0.030)
    up = 1 - assess(shop, load).read.unavailability
    assert found.read.downtime_by_cause["too slow"] == close(up * math.exp(-3), 1e-6)
    writing = replace(load, reads=0, writes=100, write_time=0.010)
    slow = assess(shop, writing).within(0.030).write.downtime_by_cause["too slow"]
    assert slow == close(up * math.exp(-3), 1e-6)
    strict, lax = (assess(shop, load).within(t).read for t in (0.01, 1.0))
    assert strict.unavailability > found.read.unavailability > lax.unavailability


def test_overloaded_laws_say_so():
    swamped = Workload(reads=20_000, writes=0)
    with pytest.raises(ValueError, match=r"latency has no answer at DC-1: .*load is"):
        assess(SinglePrimary(database=NODE), swamped).latency["DC-1", "read"]


# ---- recovery and data -------------------------------------------------------------


def test_recovery_is_that_of_the_failover():
    found = assess(PAIR, LOAD)
    assert float(found.rto.mean) == close(35.0)
    assert assess(ACTIVE, LOAD).rto.mean == close(15.0)
    by_hand = replace(PAIR, failover=replace(FAILOVER, manual=600))
    both = 0.98 * 35 + 0.02 * 635
    assert float(assess(by_hand, LOAD).outage.mean) == close(both)


def test_what_is_under_way_is_what_is_lost():
    found = assess(PAIR, LOAD)
    one_way = 0.04
    assert found.replication_lag.mean == close(one_way)
    age = one_way - (1 - math.exp(-100 * one_way)) / 100
    assert float(found.rpo.mean) == close(age)
    fails = (1 / NODE.mttf + 1 / SITE.mttf) * 0.98
    ready = 1 / (1 + NODE.mttr / NODE.mttf)  # the standby, near enough
    taken = fails * ready * 100 * one_way * YEAR
    assert found.lost_writes.per_year == close(taken, 5e-3)
    assert found.lost_writes.by_failure["database"].writes == close(100 * one_way)
    sync = replace(PAIR, replication=Replication(mode="sync"))
    assert assess(sync, LOAD).lost_writes.per_year == 0
    assert assess(sync, LOAD).lost_writes.per_failure == 0
    assert float(assess(sync, LOAD).rpo.quantile(0.99)) == 0


def test_a_slow_replay_is_lag_but_no_loss():
    slow = Replication(apply=WriteStage(service=0.009))
    found = assess(replace(PAIR, replication=slow), LOAD)
    assert float(found.replication_lag.mean) == close(0.04 + 0.09)
    assert float(found.rpo.mean) == close(float(assess(PAIR, LOAD).rpo.mean))


def test_a_backup_is_as_old_as_it_is():
    shop = SinglePrimary(database=NODE, backup=DAY, destroyed=0.01)
    found = assess(shop, LOAD)
    assert float(found.rpo.quantile(0.5)) == close(DAY / 2)
    events = 0.01 / (NODE.mttf + NODE.mttr) * YEAR
    assert found.lost_writes.per_year == close(events * 100 * DAY / 2)


def test_stale_reads_summed_key_by_key():
    load = replace(LOAD, keys=500)
    rank = np.arange(1, 501.0) ** -0.99
    share = rank / rank.sum()
    late = (share * -np.expm1(-100 * share * 0.04)).sum()
    found = assess(ActivePassive(database=NODE, failover=FAILOVER), load)
    assert found.stale_read_probability == close(found.read.stale * late)
    assert found.read.stale == close(0.5, 1e-2)
    late = late / 2  # half of the last writes were made where they are read
    active = assess(ActiveActive(database=NODE, failover=FAILOVER), load)
    assert active.stale_read_probability == close(active.read.stale * late)


@pytest.mark.parametrize("stage", ["send", "apply"])
@pytest.mark.parametrize("kind", [ActivePassive, ActiveActive])
def test_what_never_arrives_is_lost_without_end(kind, stage):
    """Lag, age of the oldest lost write and their number are endless together."""
    load = Workload(reads=900, writes=100)
    lost = {}
    for service in (0.005, 0.025):  # 50 or 100 writes/s come to a stage
        way = Replication(**{stage: WriteStage(service=service)})
        spec = kind(database=NODE, failover=FAILOVER, replication=way)
        found = assess(spec, load)
        taken = found.lost_writes
        a_year = taken.per_year + taken.missing_per_year
        lost[service] = found.replication_lag.quantile(0.5), found.rpo.mean, a_year
        rows = found._repr_html_()
        endless = "oldest lost write, p50 / p99</th><td>endless / endless</td>" in rows
        assert endless == (service > 0.02)
        assert taken.by_failure["site"].per_year == 0  # sites are never lost here
    assert all(np.isfinite(lost[0.005]))
    assert all(np.isposinf(lost[0.025]))


def test_writes_without_end_are_told_apart_in_an_array():
    way = Replication(apply=WriteStage(service=0.008))
    spec = ActivePassive(database=NODE, failover=FAILOVER, replication=way)
    found = assess(spec, Workload(reads=900, writes=np.array([100.0, 200.0])))
    one = assess(spec, Workload(reads=900, writes=100.0))
    assert found.lost_writes.per_failure[0] == one.lost_writes.per_failure
    assert np.isposinf(found.lost_writes.per_year[1])
    assert found.rpo.quantile(0.9)[0] == close(one.rpo.quantile(0.9), 1e-9)
    assert np.isposinf(found.rpo.quantile(0.9)[1])


def test_quorums_that_overlap_are_never_stale():
    copies = {"a": 1, "b": 1, "c": 1}
    strong = Leaderless(database=NODE, failover=FAILOVER, copies=copies)
    assert assess(strong, LOAD).stale_read_probability == 0
    weak = replace(strong, read_quorum=1, write_quorum=1)
    found = assess(weak, LOAD)
    assert 0 < found.stale_read_probability < 1
    lasting = replace(weak, database=replace(NODE, mttf=math.inf))
    assert 0 < assess(lasting, LOAD).stale_read_probability < 1
    assert assess(Majority(database=NODE, failover=FAILOVER), LOAD).read.stale == 0


@pytest.mark.parametrize("resolution", ["last write wins", "vector clocks", "crdt"])
def test_conflicts_counted_one_by_one(resolution):
    """Play the writes of a few keys at two sites and count the pairs."""
    load = Workload(reads=1, writes=40, keys=3, exponent=0.5, round_trip=0.1)
    shop = replace(ACTIVE, resolution=resolution, clock_skew=0.0)
    found = assess(shop, load).conflicts
    rng = np.random.default_rng(8)
    length, pairs, lost = 5000.0, 0, 0
    rank = np.arange(1, 4.0) ** -0.5
    for share in rank / rank.sum():
        first, second = (
            np.sort(rng.random(rng.poisson(20 * share * length)) * length) for _ in "ab"
        )
        low = np.searchsorted(second, first - 0.05)
        high = np.searchsorted(second, first + 0.05)
        pairs += (high - low).sum()
        for mine, other in ((first, second), (second, first)):
            after = np.searchsorted(other, mine)
            soon = np.searchsorted(other, mine + 0.05)
            lost += (soon > after).sum()
    assert found.pairs == close(pairs / length, 0.02)
    expected = lost / length if resolution == "last write wins" else 0
    assert found.lost == close(expected, 0.02)
    assert (found.siblings > 1) == (resolution == "vector clocks")


def test_a_copy_is_no_rival_of_its_own():
    """Each of three copies has two rivals, of a third of the writes each."""
    load = Workload(reads=0, writes=60, keys=5, exponent=0.7, write_time=0.004)
    store = Leaderless(database=replace(NODE, cores=64), copies={"A": 3})
    hidden = load.within_site.mean / 2 + 0.004  # nobody waits for one of 64 cores
    rank = np.arange(1, 6.0) ** -0.7
    same = ((rank / rank.sum()) ** 2).sum()
    found = assess(store, load).conflicts
    assert found.pairs == close(60 * 60 * 2 / 3 * hidden * same, 1e-6)


def test_a_home_site_knows_no_conflicts_and_takes_the_long_way():
    homes = replace(ACTIVE, resolution="home site")
    assert assess(homes, LOAD).conflicts.pairs == 0
    write = assess(homes, LOAD).latency["DC-1", "write"].mean
    read = assess(homes, LOAD).latency["DC-1", "read"].mean
    assert float(write - read) > 0.035


# ---- assumptions -------------------------------------------------------------------


def test_an_assumption_given_up_shows_its_worth():
    found = assess(PAIR, LOAD)
    assert all(a.text.endswith(".") for a in found.assumptions)
    (dependent,) = [a for said, a in found.flipped.items() if "strike" in said]
    common = 0.05 / NODE.mttf * NODE.mttr
    shared = dependent.write.downtime_by_cause["everywhere"]
    assert shared == close(common, 1e-2)
    assert dependent.write.unavailability > 1.5 * found.write.unavailability
    waits = [a.text for a in found.assumptions if a.simulated]
    assert waits == ["Times to failure and to repair are exponential."]


# ---- structure, cost, tables -------------------------------------------------------


def test_what_stops_everything_alone():
    single = assess(FULL["single"], LOAD).single_points_of_failure
    assert {"DC-1", "everywhere"} <= set(single)
    assert any("load balancer" in name for name in single)
    assert any("database" in name for name in single)
    assert assess(FULL["active"], LOAD).single_points_of_failure == ("everywhere",)


def test_two_sites_of_a_majority_are_its_bigger_one():
    two = Majority(database=NODE, failover=FAILOVER, copies={"a": 2, "b": 1})
    lost = assess(two, LOAD).survives_site_loss
    assert not lost.write
    assert "a" in lost.why[0]
    three = Majority(database=NODE, failover=FAILOVER)
    assert assess(three, LOAD).survives_site_loss


def test_cost_is_counted_in_nodes():
    found = assess(ACTIVE, replace(LOAD, transfer_price=0.01)).cost
    assert (found.databases, found.servers, found.transfer) == (2, 2 * (1 + 3), 1.0)
    assert found.total == float(found) == 11
    assert "total" in found._repr_html_()


@pytest.mark.parametrize("name", FULL)
def test_every_measure_is_a_number(name):
    found = assess(FULL[name], LOAD)
    for measure in MEASURES.values():
        value = float(measure.of(found))
        assert value >= 0, measure.name
        assert math.isfinite(value), measure.name


def test_a_table_has_one_column_each():
    table = compare([FULL["single"], FULL["active"], FULL["active"]], LOAD)
    assert table.names == ("SinglePrimary", "ActiveActive 1", "ActiveActive 2")
    assert "survives a site loss" in repr(table)
    assert table._repr_html_().count("<tr>") == len(table.rows) + 1
    assert all(len(row) == 4 for row in table.rows)
    with pytest.raises(ValueError, match="architectures must name at least one"):
        compare([])


# ---- bad input ---------------------------------------------------------------------

NEGATIVE = (
    "reads",
    "writes",
    "app_time",
    "read_time",
    "write_time",
    "round_trip",
    "hop",
    "transfer_price",
    "exponent",
)


@given(
    st.sampled_from(NEGATIVE),
    st.floats(max_value=-1e-9) | st.just(math.nan) | st.just(math.inf),
)
def test_a_field_beyond_its_limit_is_named(name, value):
    with pytest.raises(ValueError, match=rf"^{name} must be >= 0 and finite, got "):
        Workload(**{name: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reads": 0, "writes": 0}, "reads and writes must not both be 0"),
        ({"keys": 0}, "keys must be a whole number >= 1, got 0"),
        ({"keys": 1.5}, "keys must be a whole number >= 1, got 1.5"),
        ({"objective": 0}, "objective must be > 0"),
        ({"clients": {"a": 0.5}}, "clients must add up to 1, got 0.5"),
        ({"clients": {"a": -1, "b": 2}}, r"clients\['a'\] must be in"),
        ({"clients": 3}, "clients must be a Mapping, got 3"),
        ({"reads": "many"}, "reads must be a rate, such as 900/s, got 'many'"),
    ],
)
def test_impossible_workloads_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        Workload(**change)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: assess("pair"), "architecture must be an Architecture"),
        (lambda: assess(PAIR, 3), "workload must be a Workload, got 3"),
        (
            lambda: assess(PAIR, replace(LOAD, clients={"DC-3": 1.0})),
            "clients must be one of 'DC-1', 'DC-2', got 'DC-3'; did you mean",
        ),
        (lambda: assess(PAIR, LOAD).latency["DC-9", "read"], "site must be one of"),
        (lambda: assess(PAIR, LOAD).latency["DC-1", "scan"], "operation must be one"),
        (
            lambda: assess(PAIR, LOAD).probability_of_meeting(1.2),
            r"target must be in \[0, 1\], got 1.2",
        ),
        (
            lambda: assess(PAIR, LOAD).probability_of_meeting(0.9, 0),
            "horizon must be > 0 and finite, got 0",
        ),
        (
            lambda: assess(PAIR, replace(LOAD, reads=[1, 2])).latency["DC-1", "read"],
            "latency needs single numbers for loads, got arrays",
        ),
    ],
)
def test_impossible_questions_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_an_assessment_is_given_as_data():
    found = assess(PAIR, LOAD)
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert set(data["measures"]) == set(MEASURES)
    assert data["measures"]["cost"] == found.cost.total
    assert sum(data["downtime_by_cause"]["write"].values()) == close(
        found.write.unavailability
    )
    assert data["latency"][0]["p99"] == found.latency["DC-1", "read"].quantile(0.99)
    table = found.to_frame()
    assert table.loc["write_minutes_per_year", "unit"] == "min"
    assert table.value["rto_p95"] == data["measures"]["rto_p95"]
    both = compare({"one": PAIR, "two": PAIR}, LOAD)
    assert both.to_dict()["two"]["measures"] == data["measures"]
    assert (both.to_frame()["one"] == both.to_frame()["two"]).all()
    endless = assess(PAIR, replace(LOAD, writes=9000)).to_dict()
    full = json.loads(json.dumps(endless, allow_nan=False))
    assert full["measures"]["read_p99"] == "inf"
    assert full["latency"] == []


def test_without_application_servers_nobody_waits_for_them():
    bare = ActivePassive(database=NODE, failover=FAILOVER)
    found, idle = (
        assess(bare, Workload(app_time=busy, hop=0.001, read_time=0.002))
        for busy in (0.5, 0.0)
    )
    for operation in ("read", "write"):
        slow, quick = (a.latency["DC-1", operation].mean for a in (found, idle))
        assert slow == quick < 0.5


def test_some_reads_of_a_cache_go_the_long_way_to_a_leader():
    """Two of three leaders are away; what the cache answers goes nowhere."""
    node = Node(mttf=1e12, mttr=1.0)
    site = Site(cache=Cache(hit_ratio=0.5))
    store = Majority(database=node, failover=Failover(), site=site)
    found = assess(store, Workload(round_trip=10.0))
    law = found.latency["DC-1", "read"]
    assert law.sf(9.0) == law.sf(0.9) == pytest.approx(0.5 * 2 / 3, rel=1e-6)


def test_a_read_waits_for_the_slower_of_the_two_copies_it_asks():
    store = Leaderless(database=Node(mttf=1e12, mttr=1.0))
    calm = Workload(reads=1e-6, writes=1e-6, hop=0.0, app_time=0.0, read_time=0.01)
    law = assess(store, calm).latency["DC-1", "read"]
    assert law.mean == pytest.approx(0.01 * (1 + 1 / 2), rel=1e-4)


def test_servers_with_nothing_to_do_refuse_nobody():
    tiers = [Tier(node=NODE, servers=2, waiting=most) for most in (3, None)]
    shops = [SinglePrimary(database=NODE, site=Site(apps=tier)) for tier in tiers]
    few, all_ = (assess(shop, replace(LOAD, app_time=0.0)) for shop in shops)
    assert few.read.unavailability == all_.read.unavailability


def test_an_objective_beyond_the_timeout_asks_no_more_than_the_timeout():
    alone = SinglePrimary(database=Node(mttf=1e12, mttr=1.0))
    given_up = Workload(timeout=0.01)
    both = Workload(timeout=0.01, objective=0.05)
    strict = Workload(timeout=0.01, objective=0.005)
    late, same, more = (
        assess(alone, w).read.downtime_by_cause["too slow"]
        for w in (given_up, both, strict)
    )
    assert late == same < more


def test_a_workload_asks_something_and_has_retries_to_limit():
    with pytest.raises(ValueError, match="retries must be >= 1 where there is"):
        Workload(retry_budget=0.1)
    least = Workload(reads=1, writes=0, timeout=1.0, retries=1, retry_budget=0.1)
    assert least.requests == 1
    assert least.write_share == 0
    usual = Workload()
    times = usual.hop, usual.app_time, usual.read_time, usual.write_time
    assert times == (0.0005, 0.005, 0.001, 0.002)


def test_a_queue_that_is_full_answers_none_too_late():
    """Of what the full queue lets in, as many are late as without its refusals."""
    node = Node(mttf=1e12, mttr=1.0)
    tier = Tier(node=replace(node, cores=2), waiting=3)
    shop = SinglePrimary(database=replace(node, cores=10_000), site=Site(apps=tier))
    asked = Workload(reads=180, writes=0, app_time=0.01, hop=0, objective=0.02)
    found = assess(shop, asked)
    causes = found.read.downtime_by_cause
    late = float(found.latency["DC-1", "read"].sf(0.02))
    assert causes["too slow"] == close((1 - causes["queue full"]) * late, 1e-6)


def test_attempts_that_are_given_up_are_as_many_as_answers_too_late():
    """A timeout for an objective: the same shares, of a queue that is full too."""
    node = Node(mttf=1e12, mttr=1.0)
    tier = Tier(node=replace(node, cores=2), waiting=3)
    shop = SinglePrimary(database=replace(node, cores=10_000), site=Site(apps=tier))
    asked = Workload(reads=180, writes=0, app_time=0.01, hop=0, objective=0.02)
    late = assess(shop, asked).read.downtime_by_cause
    given_up = assess(shop, replace(asked, objective=np.inf, timeout=0.02, retries=0))
    for cause in ("queue full", "too slow"):
        assert late[cause] > 0.01
        assert given_up.read.downtime_by_cause[cause] == close(late[cause])


def test_workbooks_alerts_and_named_percentiles():
    alerts = [(each.factor, each.long, each.short) for each in WORKBOOK]
    hours = [(14.4, 1, 1 / 12), (6, 6, 1 / 2), (1, 72, 6)]
    assert alerts == [(f, long * HOUR, short * HOUR) for f, long, short in hours]
    assert {"rto_p50", "rto_p95", "rto_p99", "rpo_p99"} <= set(MEASURES)
    found = assess(PAIR, LOAD)
    worst = max(found.latency[s, "write"].quantile(0.99) for s in found.sites)
    assert MEASURES["write_p99"].of(found) == close(worst)


def test_each_way_round_costs_its_trip_and_failed_servers_carry_nothing():
    tier = Tier(node=NODE, servers=3, needed=1)
    pair = replace(PAIR, site=Site(apps=tier))
    behaviour, model = pair.behaviour(LOAD), pair.model()
    paths = Paths(architecture=pair, behaviour=behaviour, model=model)
    way = next(iter(usual(paths, model)))

    def mean(**ways):
        pieces = paths.pieces(way._replace(**ways))
        return sum(p.share * (p.shift + p.law.mean) for p in pieces)

    once, twice = (mean(led_away=True, forwarded=f) for f in (False, True))
    assert twice - once == close(LOAD.round_trip, 1e-9)
    full, left = (paths.loads(1.0, failed, way.work).app for failed in (0, 1))
    assert left == close(full * 3 / 2)


def test_ways_are_mixed_by_how_many_go_them():
    """A cache answers four of five reads; some requests go to the other site."""
    pair = replace(PAIR, site=Site(cache=Cache(hit_ratio=0.8)))
    paths = Paths(architecture=pair, behaviour=pair.behaviour(LOAD), model=pair.model())
    ways = list(usual(paths, paths.model))
    near, far = ways[0], ways[-1]
    assert near.operation == "read"
    assert far.forwarded
    times = np.array([0.0006, 0.002, 0.01, LOAD.round_trip + 0.002])

    def beyond(way):
        pieces = paths.pieces(way)
        return sum(p.share * p.law.sf(times - p.shift) for p in pieces)

    mixed = paths.latency({near: 0.6, far: 0.3}).sf(times)
    assert mixed == close((2 * beyond(near) + beyond(far)) / 3, 1e-4)
    assert [paths.slow(near, t) for t in times] == close(beyond(near), 1e-9)
    assert [piece.share for piece in paths.pieces(near)] == close([0.8, 0.2])


def test_servers_carry_what_enters_at_their_site_wherever_it_is_written():
    pair = replace(PAIR, site=Site(apps=Tier(node=NODE, servers=4)))
    load = replace(LOAD, clients=dict(zip(pair.sites, (0.7, 0.3), strict=True)))
    behaviour, model = pair.behaviour(load), pair.model()
    paths = Paths(architecture=pair, behaviour=behaviour, model=model)
    found = list(usual(paths, model))
    assert [way.forwarded for way in found] == [False, False, False, True]
    each = load.requests * load.app_time / (4 * NODE.cores)
    assert [way.loads.app for way in found] == close([0.7 * each, 0.3 * each] * 2)


def test_one_site_beyond_its_capacity_is_an_overload():
    node = Node(mttf=1000 * HOUR, mttr=HOUR, cores=1)
    w = Workload(reads=900, writes=1, clients={"DC-1": 0.9, "DC-2": 0.1})
    site = Site(apps=Tier(node=node, servers=1))
    pair = ActiveActive(database=node, site=site, failover=FAILOVER)
    some = replace(w, app_time=0.002, read_time=1e-5)
    assert assess(pair, some).is_overloaded
    assert not assess(pair, replace(some, app_time=0.001)).is_overloaded


def test_the_first_of_a_random_and_a_constant_answer():
    """A vote from the leader's site, or one from the other after just 20 ms."""
    w = Workload(hop=duration.exponential(0.01), round_trip=0.02)
    law = answered_by({"DC-1": 2, "DC-2": 1}, "DC-1", 2, w)
    times = np.array([0.001, 0.01, 0.019, 0.021])
    expected = np.where(times < 0.02, np.exp(-times / 0.01), 0)
    assert law.sf(times) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_conflicts_by_the_day_are_those_by_the_second():
    found = assess(
        ActiveActive(database=NODE, failover=FAILOVER), Workload(reads=10, writes=50)
    ).conflicts
    assert 0 < found.per_day == found.pairs * 86_400
    assert found.lost_per_day == found.lost * 86_400


def test_a_majority_over_sites_that_are_lost_half_of_the_time():
    """Copies do not fail: what counts is which two of three sites are there."""
    site = Site(mttf=100 * HOUR, mttr=100 * HOUR)
    node = Node(mttf=float("inf"), mttr=1.0)
    copies = dict.fromkeys(("A", "B", "C"), 1)
    spec = Majority(
        database=node, site=site, copies=copies, election=1e-6, failover=Failover()
    )
    assert spec.unavailability == pytest.approx(0.5, rel=1e-6)


def test_requests_are_reads_and_writes():
    w = Workload(reads=90, writes=10)
    assert (w.requests, w.write_share) == (100, 0.1)
