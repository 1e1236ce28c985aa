"""Arrays and symbols: each number of an array, or of a symbol, answers as alone.

All numbers of a specification are arrays at once, so whatever looks at an array as a
whole, or at its first number, gives another answer somewhere.
"""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest
import sympy

import hamodel as ha
from hamodel._fields import replaced
from hamodel.architectures import Cache, Failure, Region
from hamodel.duration import constant, exponential, lognormal, uniform
from hamodel.failover import (
    MECHANISMS,
    Dns,
    Failover,
    Heartbeat,
    Lease,
    RaftElection,
)
from hamodel.fields import described
from hamodel.replication import Replication
from hamodel.units import HOUR
from tests.test_fields_effect import BASES, NEEDED, fields_of

NODE = ha.Node(mttf=300 * HOUR, mttr=6 * HOUR)
NUMBERS = {"time", "mean time", "share", "rate", "number"}


def two(spec):
    """The numbers of a specification as they are, and as they might be, by paths."""
    found = {}
    for path, value, about in fields_of(spec):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and about.kind in NUMBERS and np.isfinite(value):
            other = 0.9 * value if about.kind == "share" else 1.05 * value
            found[path] = np.array([value, other])
    return found


DATA = {  # what is said beside availability and cost
    "rto": lambda found: found.rto.mean,
    "outage": lambda found: found.outage.mean,
    "rpo": lambda found: found.rpo.mean,
    "lag": lambda found: found.replication_lag.mean,
    "lost writes": lambda found: found.lost_writes.per_year,
    "stale": lambda found: found.read.stale,
    "conflicts": lambda found: found.conflicts.pairs,
    "load": lambda found: sum(found.utilisation_after_site_loss.values()),
}
SINGLE = {  # of which laws only single numbers are taken
    "three": ["rto", "outage"],
    "regions": ["rto", "outage"],
    "leaderless": ["rpo", "lag", "conflicts"],
}


@pytest.mark.parametrize("name", BASES)
def test_an_architecture(name):
    both = two(BASES[name])
    assert len(both) >= 17
    many = ha.assess(replaced(BASES[name], both))
    for k in (0, 1):
        alone = replaced(BASES[name], {path: float(x[k]) for path, x in both.items()})
        one = ha.assess(alone)
        for fares, alike in ((many.read, one.read), (many.write, one.write)):
            shares = {c: x[k] for c, x in fares.downtime_by_cause.items() if np.any(x)}
            assert shares == pytest.approx(alike.downtime_by_cause, rel=1e-12)
            sites = {site: x[k] for site, x in fares.by_site.items()}
            assert sites == pytest.approx(dict(alike.by_site), rel=1e-12)
        assert many.cost.total[k] == one.cost.total
        for number, of in DATA.items():
            if number not in SINGLE.get(name, ()):
                found = np.broadcast_to(of(many), 2)[k]
                assert found == pytest.approx(float(of(one)), rel=1e-9), number


@pytest.mark.parametrize("name", SINGLE)
def test_numbers_that_take_no_arrays_say_so(name):
    many = ha.assess(replaced(BASES[name], two(BASES[name])))
    for number in SINGLE[name]:
        with pytest.raises(ValueError, match="one setting at a time"):
            DATA[number](many)


TWO = np.array([20.0, 30.0])
LAWS = {"number": TWO, "law": uniform(0.0, TWO)}


@pytest.mark.parametrize("kind", LAWS)
@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("detection", ("rto", "outage")),
        ("mttr", ("rto", "outage")),
        ("retry", ("outage",)),
        ("manual", ("outage",)),
        ("promotion", ("outage",)),
        ("fencing", ("outage",)),
        ("redirection", ("outage",)),
    ],
)
def test_the_one_array_is_named(name, numbers, kind):
    """Of a process that restarts in place while its failover is decided."""
    given = {"detection": 25.0, "promotion": 40.0, "coverage": 0.9, "manual": 900.0}
    if name == "retry":
        del given["manual"]
    given |= {} if name == "mttr" else {name: LAWS[kind]}
    mttr = LAWS[kind] if name == "mttr" else 30.0
    spec = ha.ActivePassive(
        database=NODE,
        failover=Failover(**given),
        failures=(Failure(kind="process", mttf=200 * HOUR, mttr=mttr),),
    )
    found = ha.assess(spec)
    for number in numbers:
        with pytest.raises(ValueError, match=f"got arrays: {name};"):
            getattr(found, number)


@pytest.mark.parametrize("name", ["reads", "writes", "read_time", "write_time"])
def test_the_one_array_of_a_workload_is_named(name):
    load = ha.Workload(**{name: np.array([0.001, 0.002])})
    with pytest.raises(ValueError, match=f"got arrays: {name};"):
        _ = ha.assess(ha.Leaderless(database=NODE), load).replication_lag


def test_an_array_of_hits_is_named():
    site = ha.Site(cache=Cache(hit_ratio=np.array([0.5, 0.6])))
    found = ha.assess(ha.Leaderless(database=NODE, site=site))
    with pytest.raises(ValueError, match="got arrays: hit_ratio;"):
        _ = found.replication_lag


def of_pair(after):
    """A pair whose process restarts in place while its failure is noticed."""
    return ha.ActivePassive(
        database=NODE,
        failover=Failover(detection=after, promotion=40, coverage=0.9),
        sites=("A",),
        failures=(Failure(kind="process", mttf=200 * HOUR, mttr=30.0),),
    )


def of_region(after):
    """Sites that are pairs, whose failover races the way to the other site."""
    return ha.ActiveActive(
        database=NODE,
        failover=Failover(redirection=after, coverage=0.9),
        region=Region(failover=Failover(promotion=40, coverage=0.9)),
    )


def restarting(repair, **failover):
    """A pair whose process restarts in place in a time of some law."""
    usual = {"detection": 20.0, "promotion": 40, "coverage": 0.9}
    return ha.ActivePassive(
        database=NODE,
        failover=Failover(**usual | failover),
        failures=(Failure(kind="process", mttf=200 * HOUR, mttr=repair),),
    )


@pytest.mark.parametrize(
    "system",
    [
        lambda x: restarting(constant(25), detection=x - 20),
        lambda x: restarting(lognormal(mean=30, cv=1), detection=x, retry=2 * x),
        lambda x: restarting(constant(25), retry=x, tries=3, manual=600),
        lambda x: restarting(constant(90), manual=10 * x),
    ],
)
def test_a_restart_of_a_law_races_each_number_of_an_array(system):
    numbers = np.array([20.0, 28.0, 20.5])
    many = system(numbers).downtime_by_cause
    lost = ha.assess(system(numbers)).lost_writes.per_year
    for k, number in enumerate(numbers):
        alone = system(float(number))
        one = alone.downtime_by_cause
        each = {cause: np.broadcast_to(many[cause], 3)[k] for cause in one}
        assert each == pytest.approx(one, rel=1e-9)
        said = ha.assess(alone).lost_writes.per_year
        assert np.broadcast_to(lost, 3)[k] == pytest.approx(said, rel=1e-9)


@pytest.mark.parametrize(
    ("field", "repair", "failover"),
    [
        ("mttr", constant(np.array([25.0, 30.0])), {}),
        ("detection", constant(25), {"detection": exponential([20.0, 25.0])}),
        ("retry", constant(25), {"retry": exponential([20.0, 25.0])}),
        ("manual", constant(25), {"manual": exponential([20.0, 25.0])}),
        (
            "promotion",  # with a detection of a law it makes a law of arrays
            constant(25),
            {
                "detection": exponential(20.0),
                "promotion": np.array([30.0, 40.0]),
                "manual": 600,
            },
        ),
    ],
)
def test_a_restart_of_a_law_races_no_arrays_of_laws(field, repair, failover):
    with pytest.raises(ValueError, match=f"single numbers, got arrays: {field};"):
        _ = restarting(repair, **failover).downtime_by_cause


@pytest.mark.parametrize("system", [of_pair, of_region])
def test_a_race_with_a_symbol_is_that_with_its_number(system):
    x = sympy.Symbol("x", positive=True)
    said = system(x).model().downtime()["write"]
    for number in (20.0, 60.0):
        found = {cause: float(share.subs(x, number)) for cause, share in said.items()}
        exact = system(number).model().downtime()["write"]
        assert found == pytest.approx(exact, rel=1e-12)


TAKES = [  # settings that say they take arrays
    (word, field.name)
    for word, made in MECHANISMS.items()
    for field in dataclasses.fields(made)
    if field.type == "Quantity" and field.name in described(made)
]


SOME = np.array([0.01, 0.0125])  # of what is 0 by default


@pytest.mark.filterwarnings("ignore:ttl should be")
@pytest.mark.parametrize(("word", "setting"), TAKES)
def test_a_mechanism(word, setting):
    usual = MECHANISMS[word](**NEEDED.get(word, {}))
    usual = replace(usual, version=2.0) if word == "lease" else usual
    value = getattr(usual, setting)
    both = (
        [value, value + 1]
        if setting in {"misses", "rise", "fall", "tries"}
        else [1, 1.25]
    )
    both = np.array(both) * (1 if value in both else value or 0.01)
    many = replace(usual, **{setting: both})
    for k, one in enumerate(replace(usual, **{setting: x}) for x in both):
        for p in (0.1, 0.9):
            laws = (many.duration.quantile(p), one.duration.quantile(p))
            found = [np.broadcast_to(law, 2)[k] for law in laws]
            assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_a_lease_of_several_settings():
    """One that is too short among others is told, and so is one that cannot be."""
    with pytest.warns(UserWarning, match="ttl should be"):
        Lease(ttl=np.array([25.0, 40.0]))
    with pytest.raises(ValueError, match="loop_wait must be <="):
        Lease(ttl=np.array([5.0, 40.0]))
    with pytest.raises(ValueError, match="low must be < high in every element"):
        _ = Lease(tick=np.array([0.0, 2.0])).duration


def of_commits(delay):
    """A pair whose commits wait for the other site."""
    way = Replication(mode="semi-sync", delay=delay)
    pair = ha.ActivePassive(database=NODE, failover=Failover(), replication=way)
    return ha.assess(pair)


def of_caches(time):
    """A site whose cache takes a time."""
    site = ha.Site(cache=ha.Cache(hit_ratio=0.5, time=time))
    return ha.assess(ha.SinglePrimary(database=NODE, site=site))


@pytest.mark.parametrize(
    ("system", "operation"), [(of_commits, "write"), (of_caches, "read")]
)
def test_latencies_take_one_setting_at_a_time(system, operation):
    found = system(np.array([0.001, 0.002]))
    with pytest.raises(ValueError, match="latencies need single numbers"):
        _ = found.latency["DC-1", operation].mean


def test_times_to_live_and_lost_beats_are_several_settings_at_once():
    """As a belief about one of them is read: each of the settings by itself."""

    def pair(workload=ha.Workload(), ttl=30.0, loss=0.01):  # noqa: B008  frozen
        beats = Heartbeat(interval=1.0, misses=3, loss=loss)
        led = Failover(detection=beats, promotion=40.0, redirection=Dns(ttl=ttl))
        return ha.assess(ha.ActivePassive(database=NODE, failover=led), workload)

    for name, values in (("ttl", [30.0, 90.0]), ("loss", [0.0, 0.2])):
        alone = [pair(**{name: value}).write.unavailability for value in values]
        found = pair(**{name: np.array(values)}).write.unavailability
        assert found == pytest.approx(alone, rel=1e-9)
        assert found[1] > 1.01 * found[0], name
    keys = ha.Workload(exponent=np.array([0.5, 0.9]))
    with pytest.raises(ValueError, match="single numbers, got arrays: exponent"):
        pair(keys).stale_read_probability  # noqa: B018


def test_a_field_of_one_number_says_so():
    words = "fields of RaftElection need single numbers, got arrays: low; one setting"
    with pytest.raises(ValueError, match=words):
        RaftElection(low=np.array([0.1, 0.15]))
    with pytest.raises(ValueError, match="a failure everywhere"):
        Failure(kind="everywhere", mttf=HOUR, mttr=1.0, coverage=np.array([0.5, 0.9]))
