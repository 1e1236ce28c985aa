"""No number without a second road: each field of each architecture is listed.

The list is `tests.support.roads`; the page of it stands in docs/validation.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hamodel import catalogue, duration
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Leaderless,
    Maintenance,
    Majority,
    Node,
    Replica,
    SinglePrimary,
)
from hamodel.architectures._events import Cause
from hamodel.assessment import assess
from hamodel.failover import Failover, Heartbeat
from hamodel.units import DAY, HOUR
from hamodel.workload import Workload
from tests import test_joint_chains as joints
from tests.support import roads

PAGE = Path(__file__).parents[1] / "docs" / "validation" / "fields.md"
NODE = Node(mttf=2000 * HOUR, mttr=4 * HOUR, cores=4)
FAILOVER = Failover(detection=10.0, promotion=20.0, coverage=0.9, manual=1200.0)
PLAIN = Workload(reads=900, writes=100)
WORKLOADS = {
    "plain": PLAIN,
    "tried again": replace(PLAIN, timeout=0.5, retries=2, objective=0.2),
    "too much": Workload(reads=9e5, writes=1e5),
}


def toys():
    """One of each architecture, with what presets do not have."""
    work = Maintenance(every=30 * DAY, takes=600.0)
    also = {"failover": FAILOVER, "maintenance": work, "common_cause": 0.05}
    yield "single", SinglePrimary(database=NODE, maintenance=work)
    yield "pair", ActivePassive(database=NODE, **also)
    lossy = Heartbeat(interval=1, misses=3, loss=0.02)
    hasty = Failover(detection=lossy, promotion=20.0)
    yield "hasty", ActivePassive(database=NODE, failover=hasty)
    yield "active", ActiveActive(database=NODE, **also)
    clocks = ActiveActive(
        database=NODE, failover=FAILOVER, resolution="vector clocks", sites=("a", "b")
    )
    yield "clocks", clocks
    yield "majority", Majority(database=NODE, local_reads=True, **also)
    held = {"a": 3, "b": 2}
    yield (
        "copies",
        Leaderless(
            database=NODE,
            copies=held,
            write_quorum=1,
            read_quorum=1,
            hints=HOUR,
            **also,
        ),
    )
    for name, (spec, *_) in joints.SYSTEMS.items():
        yield name, spec


TOYS = dict(toys())
WHOLE = set(TOYS) - set(joints.SYSTEMS)  # those whose data are walked as well
SYSTEMS = TOYS | {
    key: catalogue.system(key).architecture() for key in catalogue.systems()
}


@cache
def found(name, load):
    return assess(SYSTEMS[name], WORKLOADS[load])


@cache
def fields(name, load):
    """All fields of a toy, with its data; of others what is quick to say."""
    data = name in WHOLE and load == "plain"
    return tuple(roads.fields(found(name, load), data=data))


def unlisted(name, load):
    """Fields that have no road, and those that are not what they say."""
    a = found(name, load)
    kind = type(a.architecture).__name__
    for path, value in fields(name, load):
        if other := roads.same(path):
            said = value if value is None else other(a)
            if isinstance(value, str) and not isinstance(said, str):
                value, said = float(value), float(said)
            exact = value is None or isinstance(said, str)
            if value != (said if exact else pytest.approx(said, rel=1e-12)):
                yield f"{path}: {value!r} is not {said!r}"
        elif roads.matches(path, (*roads.WORDS, *roads.TWICE)):
            continue
        elif not any(road.holds(kind, path) for road in roads.ROADS):
            yield f"{path} of {kind} has no second road"


ASKED = [(name, "plain") for name in SYSTEMS]
ASKED += [(name, load) for name in TOYS for load in WORKLOADS if load != "plain"]


def test_every_field_has_a_second_road():
    wrong = {text for one in ASKED for text in unlisted(*one)}
    assert "\n".join(sorted(wrong)) == ""


def test_every_cause_has_a_second_road():
    for cause in Cause:
        path = f"write.downtime_by_cause.{cause}"
        assert any(roads.matches(path, road.fields) for road in roads.ROADS), cause


def test_the_tests_that_are_named_are_there():
    named = {test for road in roads.ROADS for test in road.tests}
    assert [test for test in sorted(named) if not roads.there(test)] == []


def test_no_row_is_of_nothing():
    """A row whose fields no architecture has is not a road."""
    met = {
        (type(SYSTEMS[name]).__name__, path)
        for name, load in ASKED
        for path, _ in fields(name, load)
    }
    for road in roads.ROADS:
        assert any(road.holds(*one) for one in met), road.fields


def test_a_field_that_is_not_listed_is_named(monkeypatch):
    monkeypatch.setattr(roads, "ROADS", roads.ROADS[1:])
    texts = list(unlisted("single", "plain"))
    assert "read.unavailability of SinglePrimary has no second road" in texts
    monkeypatch.setitem(roads.SAME, "headroom", lambda _: 2.0)
    assert any(text.startswith("headroom: ") for text in unlisted("pair", "plain"))


def test_the_page_is_the_list():
    assert PAGE.read_text(encoding="utf-8") == roads.page()


# ---- what was held by nothing else -------------------------------------------------


def test_one_database_is_back_when_it_is_repaired():
    law = duration.lognormal(mean=4 * HOUR, cv=1.5)
    a = assess(SinglePrimary(database=replace(NODE, mttr=law)))
    for said in (a.rto, a.outage):
        for p in (0.05, 0.5, 0.99):
            assert law.cdf(said.quantile(p)) == pytest.approx(p, rel=1e-9)
    plain = assess(SinglePrimary(database=NODE))
    assert plain.rto.quantile(1 - np.exp(-2)) == pytest.approx(2 * NODE.mttr, rel=1e-9)
    assert plain.stale_read_probability == plain.replication_lag.mean == 0


def test_who_orders_all_writes_knows_no_conflicts():
    for name, spec in SYSTEMS.items():
        if isinstance(spec, (SinglePrimary, ActivePassive, Majority)):
            said = found(name, "plain").conflicts
            assert (said.pairs, said.share, said.lost, said.siblings) == (0, 0, 0, 1)


def test_two_sites_hold_the_siblings_of_what_travels_at_once():
    """A key that both sites write as often, half a round trip apart, by hand."""
    spec = ActiveActive(
        database=NODE, failover=FAILOVER, resolution="vector clocks", sites=("a", "b")
    )
    work = {"keys": 1, "round_trip": 0.1, "write_time": 1e-9, "read_time": 1e-9}
    said = assess(spec, Workload(reads=1, writes=20, **work)).conflicts.siblings
    assert said == pytest.approx(1 + 0.5 * -np.expm1(-10 * 0.1), rel=1e-3)


def standing(sites, reads):
    """Nodes at sites that do, or do not, answer reads while they stand by."""
    return tuple(Replica(site=site, reads=reads) for site in sites)


#: Reads and writes in 1/s of the busiest database once a site of three is lost.
LEFT = {
    "active": (ActiveActive, {"sites": ("a", "b", "c")}, 900 / 2),
    "majority": (Majority, {}, 900),
    "local reads": (Majority, {"local_reads": True}, 900 / 2),
    "copies": (Leaderless, {"copies": dict.fromkeys("abc", 1)}, 900),
    "one of three": (
        Leaderless,
        {"copies": dict.fromkeys("abc", 1), "read_quorum": 1},
        900 / 2,
    ),
    "a primary": (ActivePassive, {"replicas": standing("ab", "never")}, 900),
    "three, unread": (ActivePassive, {"replicas": standing("abc", "never")}, 900),
    "three, read": (ActivePassive, {"replicas": standing("abc", "local")}, 900 / 2),
    "a room beside": (ActivePassive, {"replicas": standing("abb", "local")}, 900),
    "one is unread": (
        ActivePassive,  # "a" is lost, "b" serves its own and what enters at "c"
        {"replicas": (*standing("ab", "local"), *standing("c", "never"))},
        900,
    ),
}


@pytest.mark.parametrize("name", LEFT)
def test_what_is_left_to_do_without_a_site(name):
    """Its clients go to the others evenly; all that are left do every write."""
    kind, fields, reads = LEFT[name]
    w = replace(PLAIN, read_time=0.002, write_time=0.003)
    for cores in (4, 1):
        node = replace(NODE, cores=cores)
        a = assess(kind(database=node, failover=FAILOVER, **fields), w)
        load = (reads * 0.002 + 100 * 0.003) / cores
        assert a.utilisation_after_site_loss["database"] == pytest.approx(load)
        assert a.headroom_after_site_loss == pytest.approx(1 / load)
        assert bool(a.survives_site_loss) == (load < 1)


def test_what_is_sent_to_other_sites():
    """Writes in 1/s, each counted once for each copy at another site."""
    held = {"a": 3, "b": 2}
    w = replace(PLAIN, clients={"a": 0.9, "b": 0.1}, transfer_price=0.01)
    near = {"database": NODE, "failover": FAILOVER}
    sent = {
        100 * 1: ActivePassive(**near, sites=("a", "b")),
        100 * 2: ActiveActive(**near, sites=("a", "b", "c")),
        # the leader is on each copy alike; whoever is asked by a client is at its site
        100 * (3 / 5 * 2 + 2 / 5 * 3): Majority(**near, copies=held),
        100 * (0.9 * 2 + 0.1 * 3): Leaderless(**near, copies=held),
    }
    for count, spec in sent.items():
        clients = w if set(spec.sites) == {"a", "b"} else replace(w, clients=None)
        a = assess(spec, clients)
        assert a.transfers == pytest.approx(count, rel=1e-12)
        assert a.cost.transfer == pytest.approx(0.01 * count, rel=1e-12)
    assert assess(SinglePrimary(database=NODE), PLAIN).transfers == 0


def test_a_cascade_takes_its_writes_from_the_node_that_it_follows():
    """Of a site with a relay each write comes once, and goes on from there."""
    relay = (Replica(site="a", name="first", priority=1), Replica(site="b", name="in"))
    sent = {
        1: (*relay, Replica(site="b", follows="in")),
        2: (*relay, Replica(site="b")),
        3: (
            *relay,
            Replica(site="a", follows="in"),
            Replica(site="b", follows="first"),
        ),
    }
    for ways, replicas in sent.items():
        spec = ActivePassive(database=NODE, failover=FAILOVER, replicas=replicas)
        assert assess(spec, PLAIN).transfers == 100 * ways
