"""Requests played one by one against `assess`: latency, load, lag, losses, conflicts.

Each comparison has a relative width: what is frequent agrees within 5 %, what is rare
within 20 %, and the run is long enough for its own noise to be less than half of that.
"""

from dataclasses import replace

import numpy as np
import pytest

from hamodel import catalogue, duration
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Leaderless,
    Majority,
    Node,
    SinglePrimary,
    Site,
    Tier,
)
from hamodel.assessment import assess
from hamodel.failover import Failover
from hamodel.replication import Replication
from hamodel.units import HOUR, YEAR
from hamodel.workload import Workload
from tests.support import lives, messages, served

CORES = 4
TRIP = 0.04
#: Failures are so rare that latencies are those of times in which all is well.
NODE = Node(mttf=2_000_000 * HOUR, mttr=4 * HOUR, cores=CORES)
APPS = Tier(node=Node(mttf=float("inf"), mttr=1.0, cores=CORES), servers=2)
SITE = Site(apps=APPS, mttf=4000 * YEAR, mttr=12 * HOUR)
FAILOVER = Failover(detection=10, promotion=20)
LOADS = (0.1, 0.5, 0.9)
FREQUENT, RARE = 0.05, 0.20
COUNT = 400_000
READ, WRITE = 0.001, 0.002


def workload(load, reads, writes, **fields):
    """A fifth of the requests write; a node does these shares of reads and writes."""
    requests = load * CORES / (0.8 * READ * reads + 0.2 * WRITE * writes)
    return Workload(
        reads=0.8 * requests,
        writes=0.2 * requests,
        read_time=READ,
        write_time=WRITE,
        app_time=0.001,
        round_trip=TRIP,
        **fields,
    )


def seconds(w, count=COUNT):
    return count / (w.reads + w.writes)


def one(run, rng):
    del rng
    return np.zeros(len(run.at), int), np.zeros(len(run.at)), [], 0.0


def pair_rule(active, wait=0.0):
    """Reads at the client's site, writes at the active one, applied at the other."""

    def rule(run, rng):
        del rng
        copy = np.where(run.write, active, run.site)
        trip = np.where(copy == run.site, 0.0, TRIP)
        return copy, trip, [(1 - active, TRIP / 2)], np.where(run.write, wait, 0.0)

    return rule


def everyone(sites):
    """All at the client's site, writes applied at all others."""

    def rule(run, rng):
        del rng
        others = [(site, TRIP / 2) for site in range(sites)]
        return run.site, np.zeros(len(run.at)), others, 0.0

    return rule


def led(leader, sites):
    """All at the leader; a write waits for the nearest follower."""

    def rule(run, rng):
        del rng
        copy = np.full(len(run.at), leader)
        trip = np.where(run.site == leader, 0.0, TRIP)
        followers = [(site, TRIP / 2) for site in range(sites)]
        return copy, trip, followers, np.where(run.write, TRIP, 0.0)

    return rule


def single(load):
    w = workload(load, 1, 1)
    shop = messages.Shop(w, 1, APPS, CORES)
    return SinglePrimary(database=NODE, site=SITE), w, [(shop, one)]


def passive(load):
    w = workload(load, 0.5, 1)
    shop = messages.Shop(w, 2, APPS, CORES)
    spec = ActivePassive(database=NODE, site=SITE, failover=FAILOVER)
    return spec, w, [(shop, pair_rule(active)) for active in (0, 1)]


def waiting(load):
    """A synchronous pair: its commit waits for a trip there and back, and a flush."""
    spec, w, _ = passive(load)
    way = Replication(mode="sync", delay=0.001, flush=0.002)
    wait = TRIP + 2 * 0.001 + 0.002
    shop = messages.Shop(w, 2, APPS, CORES)
    runs = [(shop, pair_rule(active, wait)) for active in (0, 1)]
    return replace(spec, replication=way), w, runs


def active(load, sites=2):
    w = workload(load, 1 / sites, 1)
    shop = messages.Shop(w, sites, APPS, CORES)
    names = tuple(f"DC-{i + 1}" for i in range(sites))
    spec = ActiveActive(database=NODE, site=SITE, failover=FAILOVER, sites=names)
    return spec, w, [(shop, everyone(sites))]


def majority(load):
    w = workload(load, 1, 1)
    shop = messages.Shop(w, 3, APPS, CORES)
    spec = Majority(database=NODE, site=SITE, failover=FAILOVER)
    return spec, w, [(shop, led(leader, 3)) for leader in range(3)]


CASES = {
    "single": single,
    "passive": passive,
    "waiting": waiting,
    "active": active,
    "three active": lambda load: active(load, sites=3),
    "majority": majority,
}


def agrees(ours, played, width):
    """Within a width; `played` are batches, whose noise is below half of it."""
    played = np.asarray(played, float)
    mean = played.mean()
    noise = played.std(ddof=1) / np.sqrt(len(played))
    assert noise < width / 2 * mean, f"too short a run: {noise / mean:.3f} of {mean}"
    assert abs(float(ours) / mean - 1) < width, f"said {float(ours)}, played {mean}"


def batches(values, count=10):
    return np.array_split(values, count)


def play(name, load, seed=1):
    rng = np.random.default_rng(seed)
    spec, w, runs = CASES[name](load)
    longer = 10 * min(len(runs), 2) if load > 0.8 else 1  # busy times last long
    count = COUNT * longer
    played = [
        messages.play(shop, rule, seconds(w, count // len(runs)), rng)
        for shop, rule in runs
    ]
    return assess(spec, w), w, played, rng


# ---- load and latency --------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("name", CASES)
def test_latency_and_load(name, load):
    found, _, played, _ = play(name, load)
    for tier in ("app", "database"):
        shares = [run.busy[tier] for run in played]
        assert float(found.utilisation[tier]) == pytest.approx(
            np.mean(shares), rel=0.02
        )
    for write in (False, True):
        law = found.latency["DC-1", "write" if write else "read"]
        parts = [batches(run.latencies(0, write)) for run in played]
        mixed = [np.concatenate(part) for part in zip(*parts, strict=True)]
        for p in (0.25, 0.75, 0.95, 0.99):  # half of some go a long way: no median
            agrees(law.quantile(p), [np.quantile(part, p) for part in mixed], FREQUENT)


@pytest.mark.slow
@pytest.mark.parametrize("load", LOADS)
def test_latency_of_a_quorum(load):
    """All asked copies work; the coordinator waits for as many as it needs."""
    w = workload(load, 2 / 3, 1)
    shop = messages.Shop(w, 1, APPS, CORES)
    rng = np.random.default_rng(3)
    longer = seconds(w, COUNT * (8 if load > 0.8 else 1))  # busy times last long
    run = messages.play_copies(shop, [0] * 3, (2, 3), (2, 2), longer, rng).run
    found = assess(Leaderless(database=NODE, site=SITE), w)
    assert float(found.utilisation["database"]) == pytest.approx(
        run.busy["database"], rel=0.02
    )
    for write in (False, True):
        law = found.latency["DC-1", "write" if write else "read"]
        parts = batches(run.latencies(0, write))
        for p in (0.5, 0.95, 0.99):
            agrees(law.quantile(p), [np.quantile(part, p) for part in parts], FREQUENT)


def test_a_planted_error_of_a_tenth_is_seen():
    found, w, played, _ = play("single", 0.5)
    slower = assess(found.architecture, replace(w, write_time=1.1 * WRITE))
    parts = batches(played[0].latencies(0, True))
    said = slower.latency["DC-1", "write"].quantile(0.95)
    with pytest.raises(AssertionError, match="said"):
        agrees(said, [np.quantile(part, 0.95) for part in parts], FREQUENT)


# ---- lag, losses, stale reads ------------------------------------------------------


def crash(run, way, rng, count=100_000):
    """Writes that a copy lacks, and the oldest one's age, at random moments."""
    end = run.at[-1]
    moments = rng.uniform(0.1 * end, 0.9 * end, count)
    return messages.fate(run, lambda k: np.full(k, way), moments)


@pytest.mark.slow
@pytest.mark.parametrize("load", [0.1, 0.5])
def test_what_a_crash_of_the_primary_takes(load):
    found, _, played, rng = play("passive", load)
    lost, oldest = crash(played[0], TRIP / 2, rng)
    losses = found.lost_writes.by_failure
    agrees(losses["database"].writes, [part.mean() for part in batches(lost)], FREQUENT)
    for p in (0.5, 0.9, 0.99):
        parts = [np.quantile(part, p) for part in batches(oldest)]
        agrees(found.rpo.quantile(p), parts, FREQUENT)
    assert found.replication_lag.quantile(0.99) == pytest.approx(TRIP / 2)
    waits, *_ = play("waiting", 0.5)
    assert waits.lost_writes.per_year == 0
    assert waits.rpo.quantile(0.99) == 0


@pytest.mark.slow
@pytest.mark.parametrize("load", [0.1, 0.5])
def test_what_a_crash_of_an_active_site_takes(load):
    """Only its own writes can be missing elsewhere."""
    found, _, played, rng = play("active", load)
    run = played[0]
    run.write &= run.site == 0
    lost, oldest = crash(run, TRIP / 2, rng)
    losses = found.lost_writes.by_failure
    agrees(losses["database"].writes, [part.mean() for part in batches(lost)], FREQUENT)
    assert losses["database"].kept
    for p in (0.5, 0.9):
        parts = [np.quantile(part, p) for part in batches(oldest)]
        agrees(found.rpo.quantile(p), parts, FREQUENT)


@pytest.mark.slow
@pytest.mark.parametrize("load", [0.1, 0.5])
def test_reads_of_a_standby_are_stale_as_often(load):
    found, _, played, _ = play("passive", load)
    run = played[0]
    reads = np.flatnonzero(~run.write & (run.site == 1))[run.first :]
    share = [
        0.5 * messages.stale_share(run, part, lambda k: np.full(k, TRIP / 2))
        for part in batches(reads, 8)
    ]
    agrees(found.stale_read_probability, share, RARE)


# ---- conflicts ---------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("load", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("sites", [2, 3])
def test_conflicts_of_active_sites(load, sites):
    name = "active" if sites == 2 else "three active"
    found, _, played, _ = play(name, load)
    run = played[0]
    mine = np.flatnonzero(run.write)[run.first // 5 :]
    ahead = np.array([0.0, 0.01, 0.0])[:sites]
    pairs, share, lost = [], [], []
    for part in batches(mine, 8):
        args = run.committed[part], run.site[part], run.key[part]
        some = messages.clashes(*args, TRIP / 2, ahead)
        span = np.ptp(run.committed[part])
        pairs.append(some[0] / span)
        share.append(some[1])
        lost.append(some[2] / span)
    agrees(found.conflicts.pairs, pairs, RARE)
    agrees(found.conflicts.share, share, RARE)
    agrees(found.conflicts.lost, lost, RARE)


@pytest.mark.parametrize(("sites", "skew"), [(2, 0.0), (2, 0.02), (3, 0.02)])
def test_conflicts_where_each_write_takes_its_own_time(sites, skew):
    """Mean delays alone are 8 to 16 % off what last write wins throws away."""
    delay, rng = duration.lognormal(mean=0.05, cv=1.5), np.random.default_rng(9)
    w = workload(0.5, 1 / sites, 1, keys=200)
    spec = ActiveActive(
        database=NODE,
        failover=FAILOVER,
        sites=tuple(f"DC-{i + 1}" for i in range(sites)),
        replication=Replication(delay=delay),
        clock_skew=skew,
    )
    span = 240_000 / w.writes
    at, site = np.sort(rng.uniform(0, span, 240_000)), rng.integers(0, sites, 240_000)
    key = np.searchsorted(np.cumsum(messages.popularity(w)), rng.random(len(at)))
    taken = TRIP / 2 + delay.sample(sites * len(at), rng).reshape(-1, sites)
    ahead = np.array([0.0, skew, 0.0])[:sites]
    pairs, share, lost = messages.clashes(at, site, key, taken, ahead)
    said = assess(spec, w).conflicts
    assert said.pairs == pytest.approx(pairs / span, rel=FREQUENT)
    assert said.share == pytest.approx(share, rel=FREQUENT / 2)
    assert said.lost == pytest.approx(lost / span, rel=FREQUENT / 2)


# ---- copies without a leader -------------------------------------------------------

COPIES = {  # copies by site, R and W
    "one answers": ({"DC-1": 3}, 1, 1),
    "two are read": ({"DC-1": 3}, 2, 1),
    "two sites": ({"DC-1": 2, "DC-2": 2}, 1, 2),
}


@pytest.mark.slow
@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("name", COPIES)
def test_each_write_at_each_copy(name, load):
    """Lag, losses, stale reads and conflicts: what each copy shows, and when."""
    copies, read, write = COPIES[name]
    total = sum(copies.values())
    w = workload(load, read / total, 1, keys=1000)
    shop = messages.Shop(w, len(copies), APPS, CORES)
    held = [k for k, count in enumerate(copies.values()) for _ in range(count)]
    rng = np.random.default_rng(6)
    span = seconds(w, COUNT * {0.1: 1, 0.5: 2, 0.9: 6}[load])  # busy times last long
    asked, needed = (read, total), (read, write)
    played = messages.play_copies(shop, held, asked, needed, span, rng)
    spec = Leaderless(
        database=NODE, site=SITE, copies=copies, read_quorum=read, write_quorum=write
    )
    found, run = assess(spec, w), played.run
    assert float(found.utilisation["database"]) == pytest.approx(
        run.busy["database"], rel=0.02
    )
    late = played.back[run.write] - run.committed[run.write][:, None] > 0
    lag = (played.done[run.write] - run.committed[run.write][:, None])[late]
    lag = np.maximum(lag, 0)
    agrees(found.replication_lag.mean, [x.mean() for x in batches(lag)], FREQUENT)
    for p in (0.75, 0.99):
        parts = [np.quantile(x, p) for x in batches(lag)]
        agrees(found.replication_lag.quantile(p), parts, FREQUENT)
    stale = [x.mean() for x in batches(messages.unread(played))]
    agrees(found.stale_read_probability, stale, RARE)
    kind = "site" if len(copies) > 1 else "database"
    gone = np.array(held) == 0 if kind == "site" else np.arange(total) == 0
    moments = rng.uniform(0.1 * run.at[-1], 0.9 * run.at[-1], 40_000)
    lost, oldest = messages.lost_with(played, gone, np.sort(moments))
    loss, law = found.lost_writes.by_failure[kind], found.rpo
    agrees(loss.writes, [x.mean() for x in batches(lost, 5)], RARE)
    for p in (0.99, 0.999) if load < 0.8 else (0.95, 0.99):  # one in 1000: a busy time
        played_age = np.quantile(oldest, p)
        assert law.quantile(p) == pytest.approx(played_age, rel=3 * FREQUENT)
    pairs, share, thrown = messages.clashes_of_copies(played)
    assert found.conflicts.pairs == pytest.approx(pairs, rel=RARE)
    near = RARE / 2 if load > 0.8 else RARE  # many conflicts; it is 5 % off
    assert found.conflicts.share == pytest.approx(share, rel=near)
    assert found.conflicts.lost == pytest.approx(thrown, rel=RARE)


@pytest.mark.slow
def test_the_copies_of_a_small_site_are_asked_more_often():
    """Each read asks a copy near it: two copies share what three share elsewhere."""
    w = workload(0.5, 0.2, 1)
    shop = messages.Shop(w, 2, APPS, CORES)
    held, span = [0, 0, 0, 1, 1], seconds(w, COUNT // 4)
    rng = np.random.default_rng(8)
    played = messages.play_copies(shop, held, (1, 5), (1, 1), span, rng)
    for scope in ("any", "local"):
        spec = Leaderless(
            database=NODE,
            site=SITE,
            copies={"DC-1": 3, "DC-2": 2},
            read_quorum=1,
            write_quorum=1,
            read_from=scope,
        )
        busy = assess(spec, w).utilisation["database"]
        assert busy == pytest.approx(played.run.busy["database"], rel=0.02)
        skewed = replace(w, clients={"DC-1": 0.1, "DC-2": 0.9})
        more = assess(spec, skewed).utilisation["database"] - busy
        assert more * CORES == pytest.approx(0.4 / 2 * w.reads * w.read_time)


def test_a_copy_that_showed_writes_at_once_would_be_seen():
    """The network's delay alone is far from when copies show what they are sent."""
    w = workload(0.5, 1 / 3, 1, keys=1000)
    quick = Leaderless(database=NODE, site=SITE, read_quorum=1, write_quorum=1)
    shop = messages.Shop(w, 1, APPS, CORES)
    span, rng = seconds(w, COUNT // 4), np.random.default_rng(7)
    played = messages.play_copies(shop, [0] * 3, (1, 3), (1, 1), span, rng)
    found = assess(quick, replace(w, write_time=1.1 * w.write_time))
    said, stale = found.replication_lag, messages.unread(played).mean()
    late = np.sort(played.done[played.run.write], axis=1)[:, 1:]
    late = late - played.run.committed[played.run.write][:, None]
    assert w.hop / 2 < 0.3 * late.mean()
    assert abs(said.mean / np.maximum(late, 0).mean() - 1) > FREQUENT
    assert w.writes * 0.007 * w.hop / 2 < 0.3 * stale  # two writes to a key, Zipf


# ---- presets -----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("load", [0.1, 0.5])
@pytest.mark.parametrize("key", catalogue.systems())
def test_each_number_of_a_preset(key, load):
    """Load, latency at each site, lag, losses and conflicts; at 0.9 in `validation`."""
    spec = catalogue.system(key).architecture()
    count = 100_000 if load * spec.database.cores > 0.5 else 300_000
    if isinstance(spec, Leaderless):
        count *= 6  # a copy is seldom behind: the others have answered meanwhile
    for number in served.numbers(spec, load, count, np.random.default_rng(4)):
        if len(number.parts) > 1 and np.mean(number.parts):
            agrees(number.said, number.parts, number.width)
        else:
            mean = np.mean(number.parts)
            assert number.said == pytest.approx(mean, rel=number.width), number.name


# ---- downtime by cause -------------------------------------------------------------

#: From this share of an operation's downtime on a cause is frequent, unless it is less
#: than 0.3 s in a year; and from this share on it is looked at.
OFTEN, SELDOM, EVER = 0.05, 1e-8, 0.005


def looked_at(found):
    """Each cause that is looked at, with its share of time and the width it is due."""
    for operation in (found.read, found.write):
        whole = operation.unavailability
        for cause, share in operation.downtime_by_cause.items():
            if share > EVER * whole:
                often = share > max(OFTEN * whole, SELDOM)
                width = FREQUENT if often else RARE
                yield (operation.name, str(cause)), share, width


def known(found):
    """Whether what is played is known well enough to be compared."""

    def enough(played):
        for key, _, width in looked_at(found):
            row = played[key]
            noise = row.std(ddof=1) / np.sqrt(len(row))
            if not noise < 0.4 * width * row.mean():
                return False
        return True

    return enough


@pytest.mark.slow
@pytest.mark.parametrize("key", catalogue.systems())
def test_a_preset_is_down_as_often_as_its_nodes_live(key):
    spec = catalogue.system(key).architecture()
    found = assess(spec, Workload(reads=90, writes=10))
    played = lives.downtime(spec, 60_000, np.random.default_rng(1), known(found))
    for cause, share, width in looked_at(found):
        agrees(share, played[cause], width)


def test_lives_see_a_planted_error():
    spec = catalogue.system("mysql-orchestrator").architecture()
    wrong = replace(
        spec, database=replace(spec.database, mttf=1.1 * spec.database.mttf)
    )
    played = lives.downtime(spec, 20_000, np.random.default_rng(1))
    said = assess(wrong).write.downtime_by_cause["failing over"]
    with pytest.raises(AssertionError, match="said"):
        agrees(said, played["write", "failing over"], FREQUENT)


# ---- recovery ----------------------------------------------------------------------


def test_recovery_is_the_sum_of_what_happens():
    """Detection, fencing, promotion, redirection; by hand where that did not work."""
    rng = np.random.default_rng(5)
    stages = {
        "detection": duration.uniform(5, 15),
        "fencing": duration.constant(2.0),
        "promotion": duration.lognormal(mean=20, cv=0.5),
        "redirection": duration.exponential(5),
    }
    failover = Failover(**stages, coverage=0.9, manual=1800.0)
    pair = assess(ActivePassive(database=NODE, failover=failover))
    n = 400_000
    sigma = np.sqrt(np.log(1.25))
    works = (
        rng.uniform(5, 15, n)
        + 2.0
        + rng.lognormal(np.log(20) - sigma**2 / 2, sigma, n)
        + rng.exponential(5, n)
    )
    hand = np.where(rng.random(n) < 0.9, 0.0, rng.exponential(1800, n))
    for p in (0.5, 0.95, 0.99):
        parts = [np.quantile(part, p) for part in batches(works)]
        agrees(pair.rto.quantile(p), parts, FREQUENT)
    parts = [np.quantile(part, 0.95) for part in batches(works + hand)]
    agrees(pair.outage.quantile(0.95), parts, RARE)


def drawn(time, count, rng, law=duration.constant):
    """A setting, as often as asked: a law, or the mean of one."""
    return (time if isinstance(time, duration.Duration) else law(time)).sample(
        count, rng
    )


def recovered(spec, count, rng):
    """How long clients are away if the first attempt works, and however it ends."""
    hand = duration.exponential
    if isinstance(spec, SinglePrimary):
        return [drawn(spec.database.mttr, count, rng, hand)] * 2
    if isinstance(spec, Majority):
        return [drawn(spec.election, count, rng)] * 2
    way, pair = spec.failover, isinstance(spec, ActivePassive)
    stages = ["detection", "redirection"] + ["fencing", "promotion"] * pair
    works = sum(drawn(getattr(way, stage), count, rng) for stage in stages)
    more = rng.geometric(way.coverage, count) - 1  # attempts that did not work
    if way.retry is None:
        late = np.where(more > 0, drawn(way.manual, count, rng, hand), 0.0)
    else:
        late = more * drawn(way.retry, count, rng)
    if pair:
        return works, works + late
    lost = spec.database if isinstance(spec, ActiveActive) else spec.site
    return works, np.minimum(works + late, drawn(lost.mttr, count, rng, hand))


@pytest.mark.parametrize("key", catalogue.systems())
def test_recovery_of_a_preset_is_what_its_settings_add_up_to(key):
    spec = catalogue.system(key).architecture()
    found, rng = assess(spec), np.random.default_rng(6)
    for law, times in zip(
        (found.rto, found.outage), recovered(spec, 200_000, rng), strict=True
    ):
        for p in (0.05, 0.5, 0.95, 0.985):
            assert law.quantile(p) == pytest.approx(np.quantile(times, p), rel=FREQUENT)
