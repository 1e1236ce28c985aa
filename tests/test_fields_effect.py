"""No field without effect: each is moved, and some answer must move with it.

Bases are systems in which as much as possible is in use; a field has to move an answer
of one of them.  The answers are those of `assess`: every measure, downtime by cause,
percentiles of the recovery and of each latency, and what the diagram says.
"""

import dataclasses
import warnings

import numpy as np
import pytest

import hamodel as ha
from hamodel import duration
from hamodel._fields import about_at, paths, replaced, value_at
from hamodel.architectures import (
    Dependency,
    Failure,
    OldPrimary,
    Region,
    Replica,
    Standby,
)
from hamodel.assessment import MEASURES, assess
from hamodel.decision import Requirements
from hamodel.failover import MECHANISMS, Failback, Failover, Stalls, Switchover
from hamodel.fields import described
from hamodel.replication import Replication, WriteStage
from hamodel.units import DAY, HOUR, MS
from hamodel.workload import Workload

NODE = ha.Node(mttf=60 * DAY, mttr=4 * HOUR)
RICH = ha.Site(
    mttf=900 * DAY,
    mttr=3 * HOUR,
    balancers=ha.Tier(node=NODE, servers=2, crews=1),
    apps=ha.Tier(node=NODE, servers=4, needed=2, crews=1, waiting=50),
    cache=ha.Cache(hit_ratio=0.3),
)
FAILOVER = Failover(
    detection=9, fencing=1, promotion=5, redirection=20, coverage=0.9, manual=900
)
EVERYWHERE = ha.Node(mttf=700 * DAY, mttr=1800)
PLANNED = ha.Maintenance(every=30 * DAY, takes=600)
LOAD = Workload(
    reads=9000.0,
    writes=700.0,
    app_time=1 * MS,
    read_time=0.4 * MS,
    write_time=2 * MS,
    objective=0.5,
    keys=1000,
    transfer_price=0.01,
    clients=None,
)
SHARED = {
    "database": NODE,
    "site": RICH,
    "everywhere": EVERYWHERE,
    "maintenance": PLANNED,
}
PAIR = ha.ActivePassive(
    **SHARED,
    failover=FAILOVER,
    standby=Standby(mttf=50 * DAY, probe=600, takeover_mttf=10 * DAY),
    replication=Replication(mode="semi-sync", delay=3 * MS, timeout=5, flush=1 * MS),
)
THREE = ha.ActivePassive(
    database=NODE,
    failover=dataclasses.replace(FAILOVER, retry=60, tries=2),
    replicas=(
        Replica(site="A", priority=2, cost=3),
        Replica(site="B", priority=1),
        Replica(site="C", sync=False, reads="never"),
    ),
    failures=(
        Failure(kind="process", mttf=20 * DAY, mttr=120, detection=2, coverage=0.8),
        Failure(kind="host", mttf=60 * DAY, mttr=4 * HOUR),
    ),
    common_cause=0.02,
    failback=Failback(resync=600, switchover=Switchover(drain=2, promotion=3)),
    stalls=Stalls(rate=1 / DAY, length=duration.exponential(20)),
    depends_on=(Dependency(name="lock store", mttf=90 * DAY, mttr=HOUR),),
    restore=5 * HOUR,
    replication=Replication(
        mode="quorum", standbys=2, acknowledgements=1, delay=2 * MS, wait_for="applied"
    ),
)
BASES = {
    "single": ha.SinglePrimary(**SHARED, destroyed=0.1),
    "pair": PAIR,
    "async pair": replaced(
        PAIR,
        {
            "replication": Replication(
                delay=3 * MS,
                send=WriteStage(service=0.2 * MS),
                apply=WriteStage(service=0.3 * MS),
            )
        },
    ),
    "split pair": ha.ActivePassive(
        database=NODE,
        failover=FAILOVER,
        stalls=Stalls(rate=1 / DAY, length=duration.exponential(20)),
        old_primary=OldPrimary(fenced=0.9, stops=60, astray=0.3),
    ),
    "three": THREE,
    "active": ha.ActiveActive(
        **SHARED, failover=FAILOVER, clock_skew=0.1, common_cause=0.02
    ),
    "regions": ha.ActiveActive(
        database=NODE,
        site=ha.Site(mttf=900 * DAY, mttr=3 * HOUR),
        failover=FAILOVER,
        region=Region(
            nodes=3,
            failover=Failover(promotion=40, coverage=0.8),
            standby=Standby(mttf=50 * DAY, probe=600),
            replication=Replication(mode="quorum", delay=1 * MS),
            failures=(Failure(kind="process", mttf=20 * DAY, mttr=120),),
            common_cause=0.02,
        ),
    ),
    "majority": ha.Majority(
        **SHARED,
        failover=FAILOVER,
        copies={"A": 2, "B": 2, "W": 1},
        witnesses=("W",),
        election=3,
        common_cause=0.02,
    ),
    "leaderless": ha.Leaderless(
        **SHARED, failover=FAILOVER, read_quorum=1, hints=3 * HOUR, common_cause=0.02
    ),
}
POINTS = (0.2, 0.5, 0.9, 0.99)


def laws(found):
    """Yield percentiles of what an assessment times."""
    for name in ("rto", "outage", "rpo", "replication_lag"):
        law = getattr(found, name, None)
        if law is not None:
            yield name, [float(law.quantile(p)) for p in POINTS]
    if not found.is_overloaded:
        for key, law in found.latency.items():
            yield key, [float(law.quantile(p)) for p in POINTS]


def downtime(found):
    """Return how long reads and writes are down, and for what."""
    return {
        (operation, str(cause)): float(share)
        for operation in ("read", "write")
        for cause, share in getattr(found, operation).downtime_by_cause.items()
    }


def measures(found):
    """Return every measure, and what the diagram says."""
    answer = {name: measure.of(found) for name, measure in MEASURES.items()}
    answer["weak"] = sorted(found.single_points_of_failure)
    answer["survives"] = str(found.survives_site_loss)
    answer["sites"] = tuple(found.architecture.sites)
    return answer


#: What is compared, the quick answers first.
READINGS = (downtime, measures, lambda found: dict(laws(found)))


def moved(value, about):
    """Yield other values that a field may have."""
    if about.kind == "flag":
        yield not value
    elif about.kind == "word":
        yield from (w for w in about.choices or (f"{value}x",) if w != value)
    elif about.kind == "names":
        yield tuple(f"{name}x" for name in value)
        yield tuple(value)[:1]
    elif about.kind == "whole" and value is not None and not isinstance(value, dict):
        yield from (value + 1, max(int(about.least), value - 1))
    elif isinstance(value, dict):
        yield {name: x + 1 for name, x in value.items()}
        first, last = next(iter(value)), next(reversed(value))
        yield {**value, first: value[first] - 1, last: value[last] + 1}
    else:
        yield from moved_number(value, about)


def moved_number(value, about):
    """Yield other numbers in place of one."""
    if about.kind == "share" and value is not None:
        yield from (x for x in (0.5 * value, 0.5 + 0.5 * value, 0.05) if x != value)
    elif value in (0, None):
        yield from (1, 30, 1e-3)
    elif isinstance(value, int | float) and np.isfinite(value):
        yield from (1.7 * value, 0.5 * value)
    elif isinstance(value, float):
        yield 1e6


def differ(one, other):
    """Tell whether some answer moved."""
    if one.keys() != other.keys():
        return True
    for key, value in one.items():
        if isinstance(value, str | list | tuple | dict):
            if not _alike(value, other[key]):
                return True
        elif not np.allclose(value, other[key], rtol=1e-9, atol=0, equal_nan=True):
            return True
    return False


def _alike(value, other):
    if isinstance(value, list) and value and isinstance(value[0], float):
        return np.allclose(value, other, rtol=1e-9, atol=0)
    return value == other


def fields_of(spec):
    """Yield the paths of fields that hold values, with what they are."""
    for path, value in paths(spec):
        if path.endswith("mtbf"):
            continue
        about = about_at(spec, path)
        if about is not None and about.kind not in ("spec", "specs"):
            yield path, value, about


FIELDS = sorted(
    {
        (type(value_at(base, path.rpartition(".")[0]) if "." in path else base), last)
        for base in BASES.values()
        for path, _, _ in fields_of(base)
        for last in [path.rpartition(".")[2]]
    },
    key=lambda pair: (pair[0].__name__, pair[1]),
)


def quorum(**changes):
    """Return three nodes that commit at one of two standbys, some of it changed."""
    usual = {"mode": "quorum", "standbys": 2, "acknowledgements": 1, "delay": 2 * MS}
    apply = WriteStage(service=0.3 * MS)
    return ha.ActivePassive(
        database=NODE,
        failover=FAILOVER,
        sites=("A", "B", "C")[: changes.get("standbys", 2) + 1],
        replication=Replication(**usual | {"flush": 1 * MS, "apply": apply} | changes),
    )


def leaderless(**changes):
    """Return three copies at each of two sites."""
    usual = {"copies": {"A": 3, "B": 3}, "read_quorum": 2, "write_quorum": 2}
    return ha.Leaderless(database=NODE, failover=FAILOVER, **usual | changes)


def majority(**changes):
    """Return five copies over three sites."""
    copies = {"A": 2, "B": 2, "W": 1}
    return ha.Majority(
        database=NODE, failover=FAILOVER, copies=copies, election=3, **changes
    )


def applied(**stage):
    """Return a pair whose standby applies writes in a stage."""
    apply = Replication(delay=3 * MS, apply=WriteStage(**stage))
    return replaced(PAIR, {"replication": apply})


def stalling(mean):
    """Return a pair that stalls now and then."""
    stalls = Stalls(rate=1 / DAY, length=duration.exponential(mean))
    return dataclasses.replace(PAIR, stalls=stalls)


def named(name):
    """Return three nodes whose first kind of failure has a name."""
    first, *others = THREE.failures
    first = dataclasses.replace(first, name=name)
    return dataclasses.replace(THREE, failures=(first, *others))


def backed_up(every):
    """Return a pair whose disks fail, and that nobody helps."""
    disk = Failure(kind="disk", mttf=60 * DAY, mttr=4 * HOUR, backup=every)
    left_alone = dataclasses.replace(FAILOVER, manual=None)
    return ha.ActivePassive(database=NODE, failover=left_alone, failures=(disk,))


def crewed(**changes):
    """Return three nodes that are repaired all at once."""
    return dataclasses.replace(quorum(**changes), crews=3)


def restored(after):
    """Return a pair whose disks fail, restored from a backup in some time."""
    disk = Failure(kind="disk", mttf=60 * DAY, mttr=4 * HOUR, restore=after)
    return ha.ActivePassive(database=NODE, failover=FAILOVER, failures=(disk,))


def cascade(above, first="a", second="b"):
    """Return a primary at A, a standby at B, and one that follows one of them."""
    return ha.ActivePassive(
        database=NODE,
        failover=FAILOVER,
        replicas=(
            Replica(site="A", name=first, priority=1),
            Replica(site="B", name=second),
            Replica(site="A", follows=above),
        ),
    )


#: Fields that no other value of a base moves alone: two systems that differ by them.
PAIRS = {
    ("Failure", "backup"): (backed_up(DAY), backed_up(2 * DAY)),
    ("Failure", "restore"): (restored(None), restored(DAY)),
    ("Replica", "follows"): (cascade("a"), cascade("b")),
    ("Replica", "name"): (cascade("a"), cascade("a", first="b", second="a")),
    ("Replication", "unclean"): (
        crewed(mode="in-sync"),
        crewed(mode="in-sync", unclean=True),
    ),
    ("Failure", "name"): (named(""), named("crash")),
    ("Leaderless", "read_from"): (leaderless(), leaderless(read_from="local")),
    ("Leaderless", "write_to"): (leaderless(), leaderless(write_to="each")),
    ("Leaderless", "ring"): (leaderless(), leaderless(ring={"A": 9, "B": 9})),
    ("Leaderless", "repair_every"): tuple(
        leaderless(read_quorum=1, hints=HOUR, repair_every=days * DAY)
        for days in (7, 30)
    ),
    ("Leaderless", "keys"): (
        leaderless(ring={"A": 9, "B": 9}),
        leaderless(ring={"A": 9, "B": 9}, keys="every"),
    ),
    ("Majority", "votes"): (majority(), majority(votes={"A": 1, "B": 1, "W": 3})),
    ("Majority", "witnesses"): (majority(), majority(witnesses=("W",))),
    ("Replication", "acknowledgements"): (quorum(), quorum(acknowledgements=2)),
    ("Replication", "standbys"): (quorum(), quorum(standbys=1)),
    ("Replication", "wait_for"): (quorum(), quorum(wait_for="applied")),
    ("Stalls", "length"): (stalling(20), stalling(40)),
    ("WriteStage", "in_order"): (
        applied(service=1 * MS, workers=4),
        applied(service=1 * MS, workers=4, in_order=False),
    ),
    ("WriteStage", "sizes"): (
        applied(service=0.1 * MS),
        applied(service=0.1 * MS, sizes=(0.5, 0.5)),
    ),
}
PRESSED = dataclasses.replace(LOAD, retries=3, timeout=0.005, reads=12000.0)
USUAL = {}


def usual(name, reading):
    """Return a reading of a base as it is, made once."""
    if (name, reading) not in USUAL:
        USUAL[name, reading] = READINGS[reading](assess(BASES[name], LOAD))
    return USUAL[name, reading]


def changes(name, architecture, workload):
    """Tell whether some answer differs from that of a base."""
    found = assess(architecture, workload)
    return any(
        differ(usual(name, reading), made(found))
        for reading, made in enumerate(READINGS)
    )


def moves(made, field):
    """Tell whether moving a field moves an answer of some base."""
    for name, base in BASES.items():
        for path, value, about in fields_of(base):
            owner, _, last = path.rpartition(".")
            if last != field or made is not type(
                value_at(base, owner) if owner else base
            ):
                continue
            for other in moved(value, about):
                try:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        if changes(name, replaced(base, {path: other}), LOAD):
                            return True
                except ValueError:
                    continue
    return False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "field"), FIELDS, ids=[f"{m.__name__}.{f}" for m, f in FIELDS]
)
def test_every_field_of_an_architecture_moves_an_answer(made, field):
    if pair := PAIRS.get((made.__name__, field)):
        one, other = (assess(a, Workload(reads=900, writes=70)) for a in pair)
        readings = (*READINGS, lambda found: dict(found.lost_writes.by_failure))
        assert any(differ(read(one), read(other)) for read in readings)
    else:
        assert moves(made, field)


def test_every_field_that_a_specification_has_is_tried():
    """No class is left out: what a base does not hold has no effect to be seen."""
    tried = {(made.__name__, field) for made, field in FIELDS}
    for made in {made for made, _ in FIELDS}:
        for field, about in described(made).items():
            assert about.kind in ("spec", "specs") or (made.__name__, field) in tried


@pytest.mark.slow
@pytest.mark.parametrize("field", ["timeout", "retries", "retry_budget"])
def test_every_field_of_retries_moves_an_answer(field):
    other = {"timeout": 0.002, "retries": 1, "retry_budget": 0.05}[field]
    base = BASES["single"]
    changed = dataclasses.replace(PRESSED, **{field: other})
    one, two = assess(base, PRESSED), assess(base, changed)
    assert differ(downtime(one), downtime(two))


RETRIES = {"timeout", "retries", "retry_budget"}


@pytest.mark.slow
@pytest.mark.parametrize("field", [f for f in described(Workload) if f not in RETRIES])
def test_every_field_of_a_workload_moves_an_answer(field):
    about = described(Workload)[field]
    value = getattr(LOAD, field)
    for name, base in BASES.items():
        choices = moved(value, about)
        if field == "clients":
            sites = tuple(base.sites)
            choices = [dict(zip(sites, (0.9, 0.1), strict=False))] if sites[1:] else []
        for other in choices:
            try:
                if changes(name, base, dataclasses.replace(LOAD, **{field: other})):
                    return
            except ValueError:
                continue
    raise AssertionError(f"{field} moves nothing")


NEEDED = {
    "attempts": {"first": 1, "again": 2, "failed": 0.5},
    "heartbeat": {"interval": 1},
    "promotion": {"usual": 1, "lag": 5, "slow": 300, "slow_probability": 0.01},
    "sequential probe": {"pause": 1},
    "session": {"timeout": 9, "heartbeat": 3, "tick": 1},
    "virtual ip": {"takeover": 1, "stale": 0.1},
    "dns": {"ignoring": 0.1},
    "eviction": {"reboot": 200},
    "lease": {"ttl": 28, "version": 4},
    "pgbouncer": {"reset": 0.5, "answers": 0.2},
    "vrrp": {"interval": 2},
    "sentinel": {"failed": 0.1},
    "election": {"nodes": 5},
    "raft election": {"nodes": 5},
    "consul election": {"nodes": 5},
}


#: Servers over sites, for the fields that are about them.
OVER = {"nodes": 5, "one_way": 0.05, "copies": {"a": 3, "b": 1, "c": 1}, "within": 1e-3}


def needed(word, field):
    """Return settings of a mechanism beside which a field says something."""
    return NEEDED.get(word, {}) | (OVER if field in ("copies", "within") else {})


def readings(mechanism):
    """Return what a mechanism says: percentiles of its laws, and its plain numbers."""
    found = {}
    for name in dir(type(mechanism)):
        if name.startswith("_") or name in described(type(mechanism)):
            continue
        try:
            value = getattr(mechanism, name)
        except (ValueError, NotImplementedError):
            continue
        if hasattr(value, "quantile"):
            found[name] = [
                float(value.mean),
                *(float(value.quantile(p)) for p in POINTS),
            ]
        elif isinstance(value, int | float):
            found[name] = float(value)
    return found


MECHANISM_FIELDS = [(w, f) for w, made in MECHANISMS.items() for f in described(made)]


@pytest.mark.parametrize(("word", "field"), MECHANISM_FIELDS)
def test_every_setting_of_a_mechanism_moves_one_of_its_readings(word, field):
    made = MECHANISMS[word]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        base = made(**needed(word, field))
    about = described(made)[field]
    for other in moved(getattr(base, field), about):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                changed = readings(dataclasses.replace(base, **{field: other}))
        except ValueError:
            continue
        if differ(readings(base), changed):
            return
    raise AssertionError(f"{word}: {field} moves nothing")


def test_lost_beats_cost_false_failovers_of_a_pair():
    down = []
    for loss in (0.0, 0.02):
        detector = MECHANISMS["heartbeat"](interval=1, misses=2, loss=loss)
        found = Failover(detection=detector, promotion=5)
        pair = ha.ActivePassive(database=NODE, failover=found)
        down.append(assess(pair, LOAD).write.minutes_per_year)
    assert down[1] > 2 * down[0]


@pytest.mark.parametrize("field", described(Requirements))
def test_every_requirement_is_judged(field):
    about = described(Requirements)[field]
    strict = {"rpo_p99": 1.0, "lost_writes_per_year": 3.0, "growth": 3.0, "budget": 9.0}
    tried = [
        *([True] if about.kind == "flag" else []),
        *(about.choices or ()),
        *([0.9] if about.kind == "share" else []),
        *([strict.get(field, 5.0)] if about.kind in ("time", "number") else []),
    ]
    plain = Requirements()
    sites = tuple(PAIR.sites)
    found = assess(PAIR, LOAD)
    assert any(
        [str(f) for f in dataclasses.replace(plain, **{field: value}).judge(found)]
        != [str(f) for f in plain.judge(found)]
        for value in tried
        if dataclasses.replace(plain, **{field: value}).limits(sites) is not None
    )


def test_what_is_the_same_moves_nothing():
    """The plant: a comparison that always finds a difference would hold nothing."""
    assert not changes("single", BASES["single"], LOAD)
    assert changes("single", PAIR, LOAD)
