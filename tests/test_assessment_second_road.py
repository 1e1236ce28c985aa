"""Numbers beside availability, each by a second road that shares no code with it."""

import heapq
from dataclasses import replace

import numpy as np
import pytest

import hamodel as ha
from hamodel.overload import Retries
from hamodel.queueing import MMc
from hamodel.replication import Replication, Stream, WriteStage

NODE = ha.Node(mttf=7.2e6, mttr=14400, cores=4)


def played(kinds, cores, rng, queues=400, steps=16_000, warm=4_000):
    """Play FIFO queues side by side; return the response times of each kind.

    A queue is what each core still has to do, least first (Kiefer and Wolfowitz).
    """
    rates = np.array([rate for rate, _ in kinds])
    means = np.array([mean for _, mean in kinds])
    left = np.zeros((queues, cores))
    seen, took = [], []
    for step in range(steps):
        kind = rng.choice(len(kinds), size=queues, p=rates / rates.sum())
        work = rng.exponential(means[kind])
        if step >= warm:
            seen.append(kind)
            took.append(left[:, 0] + work)
        left[:, 0] += work
        left = np.maximum(left - rng.exponential(1 / rates.sum(), (queues, 1)), 0)
        left.sort(axis=1)
    seen, took = np.concatenate(seen), np.concatenate(took)
    return [took[seen == k] for k in range(len(kinds))]


@pytest.mark.parametrize("load", [0.3, 0.75, 0.9])
def test_reads_wait_behind_writes_that_take_ten_times_as_long(load):
    reads, writes = load * 1600, load * 240  # 40 % and 60 % of the work
    w = ha.Workload(
        reads=reads, writes=writes, read_time=0.001, write_time=0.01, hop=0, app_time=0
    )
    found = ha.assess(ha.SinglePrimary(database=NODE), w)
    assert found.utilisation["database"] == pytest.approx(load)
    kinds = [(reads, 0.001), (writes, 0.01)]
    seen = played(kinds, NODE.cores, np.random.default_rng(7))
    for operation, times in zip(("read", "write"), seen, strict=True):
        law = found.latency["DC-1", operation]
        for p in (0.5, 0.95, 0.99):
            assert law.quantile(p) == pytest.approx(np.quantile(times, p), rel=0.05)
    # the mean service time alone, as if all were alike, is far from it
    alike = MMc(reads + writes, load * 4 / (reads + writes), 4).response
    if load > 0.5:
        assert alike.quantile(0.99) < 0.8 * np.quantile(seen[0], 0.99)


# ---- active-active: each write followed to every other site ------------------------


def written(writes, shares, trip, service, keys, rng, seconds=2000.0):
    """Follow writes to the other sites, where one worker replays them in order.

    Returns when each was made, its site and key, and when each other site shows it.
    """
    n = rng.poisson(writes * seconds)
    made = np.sort(rng.uniform(0, seconds, n))
    site, key = rng.choice(len(shares), size=n, p=shares), rng.integers(keys, size=n)
    shown = np.tile(made[:, None], len(shares))
    for there in range(len(shares)):
        foreign = site != there
        arrives = made[foreign] + trip / 2
        done = np.cumsum(rng.exponential(service, arrives.size))
        begins = np.maximum.accumulate(arrives - np.r_[0, done[:-1]])
        shown[foreign, there] = begins + done
    return made, site, key, shown


def clashes(made, site, key, shown):
    """Count pairs of writes to a key neither of whose sites had seen the other."""
    pairs = 0
    for k in np.unique(key):
        mine = np.flatnonzero(key == k)
        t, at, seen = made[mine], site[mine], shown[mine]
        for there in range(shown.shape[1]):
            other = t[at == there]
            here = at != there
            first = np.searchsorted(other, t[here], side="right")
            last = np.searchsorted(other, seen[here, there], side="right")
            pairs += int((last - first).sum())
    return pairs


def stale(made, key, shown, rng, reads=200_000):
    """Share of reads at random times and sites that miss their key's last write."""
    missed = 0
    for k in np.unique(key):
        mine = key == k
        t, seen = made[mine], shown[mine]
        when = rng.uniform(t[0], t[-1], reads // np.unique(key).size)
        where = rng.integers(shown.shape[1], size=when.size)
        last = np.searchsorted(t, when) - 1
        missed += int((seen[last, where] > when).sum())
    return missed / reads


@pytest.mark.parametrize("sites", [("A", "B"), ("A", "B", "C")])
@pytest.mark.parametrize("load", [0.3, 0.6, 0.9])
def test_active_sites_replay_what_the_others_write(sites, load):
    n, service, trip, keys = len(sites), 0.01, 0.08, 40
    writes = load / service * n / (n - 1)  # a site replays (n - 1) / n of them
    spec = ha.ActiveActive(
        database=NODE,
        failover=ha.Failover(),
        sites=sites,
        replication=Replication(apply=WriteStage(service=service)),
    )
    w = ha.Workload(reads=900, writes=writes, round_trip=trip, keys=keys, exponent=0)
    found = ha.assess(spec, w)
    rng = np.random.default_rng(11)
    made, site, key, shown = written(
        writes, [1 / n] * n, trip, service, keys, rng, 6000
    )
    lag = np.concatenate([(shown[:, s] - made)[site != s] for s in range(n)])
    for p in (0.5, 0.95, 0.99):
        assert found.replication_lag.quantile(p) == pytest.approx(
            np.quantile(lag, p), rel=0.05
        )
    counted = clashes(made, site, key, shown) / 6000
    assert found.conflicts.pairs == pytest.approx(counted, rel=0.05)
    missed = stale(made, key, shown, rng)
    assert found.stale_read_probability == pytest.approx(
        missed * found.read.stale, rel=0.05
    )
    # the network's delay alone, and all writes in each replay, are far from it
    assert found.conflicts.pairs > 1.05 * writes**2 * (n - 1) / n / keys * trip / 2
    replay = WriteStage(service=service)
    everything = Stream(writes=writes, delay=trip / 2, apply=replay)
    assert everything.lag.quantile(0.95) > 1.1 * np.quantile(lag, 0.95)


def test_clients_at_one_site_leave_nothing_to_replay_there():
    spec = ha.ActiveActive(
        database=NODE,
        failover=ha.Failover(),
        replication=Replication(apply=WriteStage(service=0.01)),
    )
    w = ha.Workload(writes=80, round_trip=0.08, clients={"DC-1": 0.9, "DC-2": 0.1})
    made, site, _, shown = written(
        80, [0.9, 0.1], 0.08, 0.01, 10, np.random.default_rng(3), 6000
    )
    lag = np.concatenate([(shown[:, s] - made)[site != s] for s in range(2)])
    law = ha.assess(spec, w).replication_lag
    for p in (0.5, 0.95, 0.99):
        assert law.quantile(p) == pytest.approx(np.quantile(lag, p), rel=0.05)


def test_an_outage_is_over_when_clients_were_led_away_or_the_site_is_back():
    """Race the redirection, a person and the repair against each other."""
    rng, n = np.random.default_rng(5), 400_000
    mttr, soon, by_hand, works = 1800.0, 60.0, 1200.0, 0.9
    failover = ha.Failover(detection=40, redirection=20, coverage=works, manual=by_hand)
    spec = ha.ActiveActive(database=ha.Node(mttf=1e7, mttr=mttr), failover=failover)
    back = rng.exponential(mttr, n)
    led = np.where(rng.random(n) < works, soon, soon + rng.exponential(by_hand, n))
    took = np.minimum(back, led)
    law = ha.assess(spec).outage
    assert law.mean == pytest.approx(took.mean(), rel=0.02)
    assert ha.assess(spec).rto.quantile(0.5) == pytest.approx(soon)
    for p in (0.5, 0.95, 0.99):
        assert law.quantile(p) == pytest.approx(np.quantile(took, p), rel=0.03)
    never = ha.ActiveActive(
        database=spec.database,
        failover=ha.Failover(detection=40, redirection=20, coverage=works),
    )
    took = np.where(rng.random(n) < works, np.minimum(back, soon), back)
    for p in (0.5, 0.95, 0.99):
        assert ha.assess(never).outage.quantile(p) == pytest.approx(
            np.quantile(took, p), rel=0.03
        )


# ---- retries -----------------------------------------------------------------------


def tried(w, rng, backlog=0.0, seconds=4000.0, budget=None, took=None):
    """Follow each attempt through one core; what comes too late is sent again later.

    Returns attempts per request and the share of the requests that nobody answers;
    `took` is told how long the attempts took that were answered in time.
    """
    n = rng.poisson(w.reads * seconds)
    waiting = [(t, 0) for t in np.sort(rng.uniform(0, seconds, n))]
    free, attempts, lost, again = backlog, 0, 0, 0
    while waiting:
        now, tries = heapq.heappop(waiting)
        attempts += 1
        free = max(free, now) + rng.exponential(w.read_time)
        if free - now <= w.timeout:
            if took is not None:
                took.append(free - now)
            continue
        if tries < w.retries and (budget is None or again < budget * n * now / seconds):
            again += 1
            later = now + w.timeout + rng.uniform(0, 60)
            if later < seconds:
                heapq.heappush(waiting, (later, tries + 1))
        else:
            lost += 1
    return attempts / n, lost / n


ONE_CORE = ha.SinglePrimary(database=ha.Node(mttf=1e12, mttr=1.0, cores=1))
TRIED = ha.Workload(
    reads=50, writes=0, read_time=0.01, hop=0, app_time=0, timeout=0.05, retries=2
)


def test_retries_add_load_and_lose_what_always_comes_too_late():
    found, took = ha.assess(ONE_CORE, TRIED), []
    attempts, lost = tried(TRIED, np.random.default_rng(2), took=took)
    for p in (0.5, 0.95, 0.99):
        said = found.latency["DC-1", "read"].quantile(p)
        assert said == pytest.approx(np.quantile(took, p), rel=0.02)
    assert found.metastability.calm == pytest.approx(attempts, rel=0.02)
    assert found.utilisation["database"] == pytest.approx(0.5 * attempts, rel=0.02)
    assert found.read.downtime_by_cause["too slow"] == pytest.approx(lost, rel=0.25)
    once = ha.assess(ONE_CORE, replace(TRIED, retries=0)).read.downtime_by_cause
    assert once["too slow"] == pytest.approx(np.exp(-50 * 0.05), rel=1e-6)


def test_an_answer_within_the_timeout_may_be_too_slow():
    """Of those that are answered in the end: the rest of an exponential time."""
    w = replace(TRIED, retries=1, objective=0.02)
    found = ha.assess(ONE_CORE, w)
    lost = ha.assess(ONE_CORE, replace(w, objective=1.0)).read.unavailability
    pace = 1 / w.read_time - w.reads * found.metastability.calm
    late, given_up = np.exp(-pace * 0.02), np.exp(-pace * w.timeout)
    slow = (1 - lost) * (late - given_up) / (1 - given_up)
    assert 0.005 < lost < 0.1
    assert found.read.unavailability == pytest.approx(lost + slow, rel=1e-6)


def test_an_outage_leaves_a_service_that_retries_keep_down():
    w = replace(TRIED, timeout=0.2, retries=3)
    found = ha.assess(ONE_CORE, w).metastability
    assert found
    calm, _ = tried(w, np.random.default_rng(3))
    pushed, lost = tried(w, np.random.default_rng(3), backlog=300.0)
    assert calm == pytest.approx(found.calm, rel=1e-3)
    assert pushed == pytest.approx(found.worst, rel=0.05)
    assert lost > 0.9
    # a budget well below the limit lets it recover; one above does not
    for budget, kept_down in ((0.5 * found.budget, False), (1.3 * found.budget, True)):
        limited = replace(w, retry_budget=budget)
        assert bool(ha.assess(ONE_CORE, limited).metastability) == kept_down
        _, lost = tried(
            w, np.random.default_rng(4), backlog=300.0, seconds=4000.0, budget=budget
        )
        assert (lost > 0.5) == kept_down


def test_retries_of_an_assessment_agree_with_those_of_one_queue():
    for load, timeout, tries in (
        (50, 0.2, 3),
        (80, 0.2, 3),
        (30, 0.1, 3),
        (60, 0.2, 1),
    ):
        w = replace(TRIED, reads=load, timeout=timeout, retries=tries)
        model = Retries(arrival=load, service=0.01, timeout=timeout, retries=tries)
        found = ha.assess(ONE_CORE, w).metastability
        states = [s.amplification for s in model.states if s.stable]
        assert found.calm == pytest.approx(states[0], rel=1e-6)
        assert found.worst == pytest.approx(states[-1], rel=1e-6)
        if len(states) > 1:
            assert found.budget == pytest.approx(model.critical_budget, rel=1e-3)


def test_retries_that_never_let_it_rise_are_named():
    mixed = replace(TRIED, reads=60, writes=20, write_time=0.01, retries=3)
    found = ha.assess(ONE_CORE, mixed)
    for operation in (found.read, found.write):
        down = operation.downtime_by_cause["kept down by retries"]
        assert down == pytest.approx(1, abs=1e-9)
    assert str(found.metastability) == "retries keep it down, whatever happens"
    assert found.is_overloaded
    calm = ha.assess(ONE_CORE, replace(TRIED, reads=80, retries=0))
    assert "kept down by retries" not in calm.read.downtime_by_cause
    busy = ha.assess(ONE_CORE, replace(mixed, reads=100))
    for operation in (busy.read, busy.write):
        down = operation.downtime_by_cause["overload"]
        assert down == pytest.approx(1, abs=1e-9)


def test_copies_that_do_not_keep_up_never_hear_of_what_the_others_wrote():
    spec = ha.ActiveActive(
        database=NODE,
        failover=ha.Failover(),
        replication=Replication(apply=WriteStage(service=0.03)),
    )
    found = ha.assess(spec)
    assert found.replication_lag.quantile(0.5) == np.inf
    assert found.conflicts.share == 1
    assert found.stale_read_probability == pytest.approx(found.read.stale / 2)
