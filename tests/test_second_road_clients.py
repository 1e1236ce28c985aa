"""Requests played one by one where most clients are at one site, and ways vary.

Beside the road of `test_second_road`, whose sites are alike and whose ways are steady:
what one site's copies do more than others' is seen in their loads and queues.
"""

from dataclasses import replace

import numpy as np
import pytest

from hamodel import duration
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Cache,
    Leaderless,
    Majority,
    Node,
    Replica,
    SinglePrimary,
    Site,
    Tier,
)
from hamodel.assessment import assess
from hamodel.failover import Failover
from hamodel.replication import Replication
from hamodel.units import HOUR
from hamodel.workload import Workload
from tests.support import messages

CORES, TRIP, WITHIN = 2, 0.02, 0.05
NODE = Node(mttf=1e12, mttr=4 * HOUR, cores=CORES)
FAILOVER = Failover(detection=10, promotion=20)
CLIENTS = {"a": 0.6, "b": 0.3, "c": 0.1}
PLACES = np.arange(3)


def loaded(spec, load, **fields):
    """Return requests that keep the busiest database busy for a share of its time."""
    fields = {"clients": CLIENTS, "round_trip": TRIP} | fields
    w = Workload(reads=8, writes=2, read_time=0.001, write_time=0.002, **fields)
    more = load / assess(spec, w).utilisation["database"]
    return replace(w, reads=8 * more, writes=2 * more)


def agree(spec, runs):
    """Compare the times of reads and writes of all sites at 75, 95 and 99 %."""
    said = assess(spec, runs[0][0])
    for site, name in enumerate(said.sites):
        for operation in ("read", "write"):
            write = operation == "write"
            seen = np.concatenate([run.latencies(site, write) for _, run in runs])
            played = np.quantile(seen, [0.75, 0.95, 0.99])
            law = said.latency[name, operation]
            ours = [law.quantile(p) for p in (0.75, 0.95, 0.99)]
            assert ours == pytest.approx(played, rel=WITHIN), (name, operation)


def shop(spec, w):
    return messages.Shop(w, len(spec.sites), None, CORES)


def seconds(w, count):
    return count / (w.reads + w.writes)


def test_copies_of_a_majority_answer_the_reads_of_their_own_site():
    """A leader at an idle site is quick; reads of the busy site have its queue."""
    copies = dict.fromkeys(CLIENTS, 1)
    spec = Majority(database=NODE, failover=FAILOVER, copies=copies, local_reads=True)
    w, rng = loaded(spec, 0.8), np.random.default_rng(1)
    assert (w.reads * 0.6 * 0.001 + w.writes * 0.002) / CORES == pytest.approx(0.8)

    def led(leader):
        def rule(run, rng):
            del rng
            away = np.where(run.write & (run.site != leader), TRIP, 0.0)
            followers = [(site, TRIP / 2) for site in PLACES]
            waits = np.where(run.write, TRIP, 0.0)
            return np.where(run.write, leader, run.site), away, followers, waits

        return rule

    runs = [
        (w, messages.play(shop(spec, w), led(k), seconds(w, 250_000), rng))
        for k in PLACES
    ]
    agree(spec, runs)


def test_home_sites_have_the_queues_of_their_own_reads():
    spec = ActiveActive(
        database=NODE, failover=FAILOVER, sites=tuple(CLIENTS), resolution="home site"
    )
    w, rng = loaded(spec, 0.8), np.random.default_rng(2)

    def rule(run, rng):
        home = np.where(run.write, rng.integers(0, 3, len(run.at)), run.site)
        away = np.where(home == run.site, 0.0, TRIP)
        return home, away, [(site, TRIP / 2) for site in PLACES], 0.0

    agree(spec, [(w, messages.play(shop(spec, w), rule, seconds(w, 700_000), rng))])


def test_a_quorum_waits_for_busier_and_farther_copies():
    """Ways that vary are each copy's own: only queues are late together."""
    spec = Leaderless(
        database=NODE, copies=dict.fromkeys(CLIENTS, 1), read_quorum=2, write_quorum=3
    )
    w = loaded(spec, 0.8, round_trip=duration.lognormal(mean=TRIP, cv=1.0))
    rng = np.random.default_rng(3)
    played = messages.play_copies(
        shop(spec, w), PLACES, (2, 3), (2, 3), seconds(w, 600_000), rng
    )
    agree(spec, [(w, played.run)])


def test_a_commit_travels_there_and_back_once():
    """Two standbys of a site share its reads; a round trip is drawn as a whole."""
    trip, wait = duration.exponential(TRIP), duration.exponential(0.004)
    spec = ActivePassive(
        database=NODE,
        failover=FAILOVER,
        replicas=(
            Replica(site="a", priority=1),
            Replica(site="b"),
            Replica(site="b"),
        ),
        replication=Replication(mode="sync", delay=wait, standbys=2),
    )
    clients = {"a": 0.2, "b": 0.8}
    w, rng = (
        loaded(spec, 0.8, clients=clients, round_trip=trip),
        np.random.default_rng(4),
    )
    assert assess(spec, w).utilisation["database"] == pytest.approx(0.8)

    def rule(run, rng):
        n = len(run.at)
        copy = np.where(run.write | (run.site == 0), 0, rng.integers(1, 3, n))
        away = np.where(run.write & (run.site == 1), trip.sample(n, rng), 0.0)
        answers = trip.sample(2 * n, rng) + wait.sample(2 * n, rng)
        answers += wait.sample(2 * n, rng)
        waits = np.where(run.write, answers.reshape(2, n).max(axis=0), 0.0)
        return copy, away, [(k, TRIP / 2) for k in (1, 2)], waits

    three = messages.Shop(w, 2, None, CORES)
    agree(spec, [(w, messages.play(three, rule, seconds(w, 500_000), rng))])


def test_a_hit_of_the_cache_travels_to_no_other_site():
    """The rest does while the primary is there, which is half of the time."""
    site = Site(cache=Cache(hit_ratio=0.9, time=0.0005))
    spec = ActivePassive(
        database=NODE,
        failover=FAILOVER,
        site=site,
        replicas=(Replica(site="a", priority=1), Replica(site="b", reads="never")),
    )
    w = Workload(reads=80, writes=20, round_trip=TRIP)
    read = assess(spec, w).latency["b", "read"]
    assert read.cdf(TRIP) == pytest.approx(0.9 + 0.1 / 2, rel=1e-6)


def test_clients_of_a_lost_site_go_where_there_are_copies():
    """Of 90 % and two of 5 % each, the busier rest serves 95 % without a small one."""
    clients = {"a": 0.9, "b": 0.05, "c": 0.05}
    w = Workload(reads=900, writes=100, clients=clients)
    lone = Majority(
        database=NODE,
        failover=FAILOVER,
        copies={"a": 2, "b": 1, "c": 1},
        local_reads=True,
    )
    ring = Leaderless(
        database=NODE,
        copies=lone.copies,
        read_quorum=1,
        write_quorum=2,
        read_from="local",
    )
    for spec in (lone, ring):
        found = assess(spec, w)
        now = max(0.9 / 2, 0.05) * 900 * w.read_time + 100 * w.write_time
        assert found.utilisation["database"] == pytest.approx(now / CORES)
        without_a = (0.05 + 0.45) * 900 * w.read_time + 100 * w.write_time
        most = found.utilisation_after_site_loss["database"]
        assert most == pytest.approx(without_a / CORES)


def test_what_app_servers_refuse_reaches_no_database():
    """Half of the attempts find the one core taken; the database has the rest."""
    apps = Tier(node=Node(mttf=1e12, mttr=1.0, cores=1), servers=1, waiting=0)
    spec = SinglePrimary(database=NODE, site=Site(apps=apps))
    w = Workload(reads=900, writes=0, read_time=0.002, app_time=1 / 900, hop=0.0)
    found = assess(spec, w)
    assert found.utilisation["database"] == pytest.approx(0.45)
    rng = np.random.default_rng(5)
    at, work = rng.exponential(1 / 900, 300_000).cumsum(), rng.exponential(1, 300_000)
    let, free = [], 0.0
    for k, now in enumerate(at):
        if now >= free:
            free = now + work[k] / 900
            let.append(k)
    begun = at[let] + work[let] / 900
    ends = messages.served(begun, rng.exponential(0.002, len(let)), CORES)
    refused = found.read.downtime_by_cause["queue full"]
    assert refused == pytest.approx(1 - len(let) / len(at), rel=0.02)
    law = found.latency["DC-1", "read"]
    for p in (0.5, 0.95, 0.99):
        played = np.quantile(ends - at[let], p)
        assert law.quantile(p) == pytest.approx(played, rel=0.10)  # as is said


@pytest.mark.parametrize(("load", "longer"), [(0.3, 0.08), (0.8, 0.29), (0.95, 0.325)])
def test_one_core_without_a_place_to_wait_lets_through_a_smooth_stream(load, longer):
    """Behind it is a queue GI/M/1: times are too long by as much as is said."""
    busy, arrivals = 0.01, 100.0  # half of the requests are let through
    apps = Tier(node=Node(mttf=1e12, mttr=1.0, cores=1), servers=1, waiting=0)
    spec = SinglePrimary(database=replace(NODE, cores=1), site=Site(apps=apps))
    takes = load / (arrivals / 2)
    w = Workload(reads=arrivals, writes=0, read_time=takes, app_time=busy, hop=0.0)
    waits = 0.5  # root of its transform: each gap is a service and an idle time
    for _ in range(1000):
        s = (1 - waits) / takes
        waits = 1 / (1 + s * busy) * arrivals / (arrivals + s)
    exact = duration.exponential(busy) + duration.exponential(takes / (1 - waits))
    law = assess(spec, w).latency["DC-1", "read"]
    ratio = float(law.quantile(0.99)) / float(exact.quantile(0.99))
    assert 1 + 0.5 * longer < ratio < 1 + longer  # as is said
