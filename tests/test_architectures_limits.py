"""Every field of every specification, tried beyond its limits."""

import math
import re
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamodel.architectures import (
    ActiveActive,
    Cache,
    Dependency,
    Failure,
    Leaderless,
    Maintenance,
    Majority,
    Node,
    OldPrimary,
    Region,
    Replica,
    Site,
    Standby,
    Tier,
)
from hamodel.assessment import assess
from hamodel.duration import constant
from hamodel.failover import Failover
from hamodel.replication import Replication
from hamodel.units import DAY, HOUR
from tests.test_architectures import FAILOVER, FULL, NODE, SERVERS, SITE

TEXTS = st.sampled_from(["", "three", "3 apples"])
BELOW = st.floats(max_value=-1e-9, allow_nan=False)
BAD = st.one_of(BELOW, st.just(math.nan), st.none(), TEXTS, st.booleans())
NO_NUMBER = st.one_of(st.none(), TEXTS)

POSITIVE = "> 0 and finite", st.one_of(BAD, st.sampled_from([0.0, math.inf]))
MEAN_TIME = "> 0 (inf for never)", st.one_of(BAD, st.just(0.0))
NOT_NEGATIVE = ">= 0 and finite", st.one_of(BAD, st.just(math.inf))
SHARE = "in [0, 1]", st.one_of(BAD, st.floats(1.0000001, allow_nan=False))
WHOLE = (
    "a whole number >= 1",
    st.one_of(
        st.integers(max_value=0), st.floats(1.01, 1.99), st.just(math.nan), NO_NUMBER
    ),
)
NAMES = "different names", st.sampled_from(["DC-1", 3, ("a", "a"), ("a", ""), (1,)])


def kind(name):
    """Return the limit of a field that takes another specification."""
    others = st.sampled_from([3, "x", (1,), constant(1.0)])
    return f"must be a {name}", others


def several(name):
    """Return the limit of a field that takes several other specifications."""
    return f"a sequence of {name}", st.sampled_from([3, "x", None])


def choice(first):
    return f"must be one of {first!r}", st.sampled_from(["", "x", 7])


PASSIVE, ACTIVE = FULL["passive"], FULL["active"]
REGION = Region(failover=Failover())
MAJORITY, LEADERLESS, SINGLE = FULL["majority"], FULL["leaderless"], FULL["single"]
COMMON = {
    "database": kind("Node"),
    "site": kind("Site"),
    "everywhere": kind("Node"),
    "maintenance": kind("Maintenance"),
}
COPIES = {
    **COMMON,
    "failover": kind("Failover"),
    "copies": ("copies", st.sampled_from([3, {}, {"a": 0}, {"a": 1.5}, {"": 1}])),
}

LIMITS = {
    NODE: {"mttf": MEAN_TIME, "mttr": MEAN_TIME, "cores": WHOLE, "cost": NOT_NEGATIVE},
    SERVERS: {
        "node": kind("Node"),
        "servers": WHOLE,
        "needed": WHOLE,
        "crews": ("a whole number >= 1", st.integers(max_value=0)),
        "waiting": ("a whole number >= 0", st.integers(max_value=-1)),
    },
    SITE: {
        "mttf": MEAN_TIME,
        "mttr": POSITIVE,
        "balancers": kind("Tier"),
        "apps": kind("Tier"),
        "cache": kind("Cache"),
    },
    Cache(hit_ratio=0.5): {"hit_ratio": SHARE, "time": NOT_NEGATIVE},
    Maintenance(every=DAY, takes=HOUR): {"every": POSITIVE, "takes": POSITIVE},
    Standby(mttf=DAY): {
        "mttf": ("> 0 (inf for never)", st.one_of(BELOW, st.just(0.0), TEXTS)),
        "probe": NOT_NEGATIVE,
        "takeover_mttf": MEAN_TIME,
    },
    FAILOVER: {
        **dict.fromkeys(
            ("detection", "fencing", "promotion", "redirection"), NOT_NEGATIVE
        ),
        "coverage": SHARE,
        "manual": (">= 0 and finite", st.one_of(BELOW, TEXTS, st.just(math.inf))),
        "retry": (">= 0 and finite", st.one_of(BELOW, TEXTS, st.just(math.inf))),
        "tries": ("a whole number >= 1", st.integers(max_value=0)),
    },
    Replication(): {
        "mode": choice("async"),
        "wait_for": choice("received"),
        "delay": NOT_NEGATIVE,
        "standbys": ("a whole number >= 1", st.integers(max_value=-1)),
        "acknowledgements": WHOLE,
        "timeout": NOT_NEGATIVE,
        "unclean": ("must be a bool", st.sampled_from([0, 1, "yes", None])),
        "flush": NOT_NEGATIVE,
        "send": kind("WriteStage"),
        "apply": kind("WriteStage"),
    },
    SINGLE: {
        **COMMON,
        "name": ("must be a name", st.sampled_from(["", 3, None])),
        "backup": POSITIVE,
        "destroyed": SHARE,
    },
    PASSIVE: {
        **COMMON,
        "failover": kind("Failover"),
        "standby": kind("Standby"),
        "replication": kind("Replication"),
        "crews": ("crews", st.sampled_from([0, 3, 1.5, math.nan, "x", None])),
        "restore": ("> 0 and finite", st.one_of(BELOW, st.just(0.0), TEXTS)),
        "sites": ("sequence of names", st.sampled_from(["DC-1", 3, ("a", ""), (1,)])),
        "replicas": several("Replica"),
        "failures": several("Failure"),
        "depends_on": several("Dependency"),
        "common_cause": SHARE,
        "failback": kind("Failback"),
        "stalls": kind("Stalls"),
        "old_primary": kind("OldPrimary"),
    },
    OldPrimary(): {"fenced": SHARE, "stops": NOT_NEGATIVE, "astray": SHARE},
    Replica(site="a", cost=1.0): {
        "site": ("must be a name", st.sampled_from(["", 3, None])),
        "promotable": ("must be a bool", st.sampled_from([0, 1, "yes", None])),
        "priority": ("a whole number >= 0", st.integers(max_value=-1)),
        "reads": choice("local"),
        "sync": ("must be a bool", st.sampled_from([0, 1, "yes", None])),
        "cost": (">= 0 and finite", st.one_of(BELOW, TEXTS, st.just(math.inf))),
        "name": ("must be a name", st.sampled_from([3, None, ()])),
        "follows": ("must be a name", st.sampled_from([3, None, ()])),
    },
    Failure(kind="disk", mttf=1.0, mttr=1.0, backup=1.0, restore=1.0): {
        "kind": choice("host"),
        "restore": ("> 0 and finite", st.one_of(BELOW, TEXTS, st.just(0.0))),
        "backup": (
            "> 0 and finite",
            st.one_of(BELOW, TEXTS, st.sampled_from([0.0, math.inf, math.nan])),
        ),
        "mttf": MEAN_TIME,
        "mttr": MEAN_TIME,
        "detection": (">= 0 and finite", st.one_of(BELOW, TEXTS, st.just(math.inf))),
        "coverage": ("in [0, 1]", st.one_of(BELOW, TEXTS, st.just(math.inf))),
        "name": ("must be a name", st.sampled_from([3, None, ()])),
    },
    Dependency(name="dns", mttf=1.0, mttr=1.0): {
        "name": ("must be a name", st.sampled_from(["", 3, None])),
        "mttf": MEAN_TIME,
        "mttr": POSITIVE,
        "effect": choice("stops"),
    },
    ACTIVE: {
        **COMMON,
        "failover": kind("Failover"),
        "replication": kind("Replication"),
        "resolution": choice("last write wins"),
        "clock_skew": NOT_NEGATIVE,
        "sites": NAMES,
        "common_cause": SHARE,
        "region": kind("Region"),
    },
    REGION: {
        "failover": kind("Failover"),
        "nodes": ("a whole number >= 2", st.integers(max_value=1)),
        "standby": kind("Standby"),
        "replication": kind("Replication"),
        "failures": several("Failure"),
        "common_cause": SHARE,
        "crews": WHOLE,
    },
    MAJORITY: {
        **COPIES,
        "election": NOT_NEGATIVE,
        "votes": ("votes", st.sampled_from([3, {}, {"a": -1}, {"a": 1.5}, {"": 1}])),
        "witnesses": NAMES,
        "common_cause": SHARE,
        "local_reads": ("must be a bool", st.sampled_from([0, 1, "yes", None])),
    },
    LEADERLESS: {
        **COPIES,
        "read_quorum": WHOLE,
        "write_quorum": WHOLE,
        "read_from": choice("any"),
        "write_to": choice("any"),
        "ring": ("ring", st.sampled_from([3, {}, {"a": 0}, {"a": 1.5}, {"": 1}])),
        "keys": choice("one"),
        "common_cause": SHARE,
        "hints": (">= 0 and finite", st.one_of(BELOW, TEXTS, st.just(math.inf))),
        "repair_every": POSITIVE,
    },
}
CASES = [
    pytest.param(spec, field, limit, values, id=f"{type(spec).__name__}.{field}")
    for spec, table in LIMITS.items()
    for field, (limit, values) in table.items()
]


def shown(value):
    """Return how a message shows a value: as a number, or as it is."""
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {f"{value:g}", repr(value)} if plain else {repr(value)}


@pytest.mark.parametrize(("spec", "field", "limit", "values"), CASES)
@given(data=st.data())
def test_a_message_names_field_limit_and_value(spec, field, limit, values, data):
    value = data.draw(values)
    with pytest.raises(ValueError, match=re.escape(field)) as caught:
        replace(spec, **{field: value})
    message = str(caught.value)
    assert "must" in message
    if not isinstance(value, str):  # of a text the reader says how to write it
        assert limit in message
    if not isinstance(value, dict):
        assert any(text in message for text in shown(value)), message


def test_every_field_is_tried():
    for spec, table in LIMITS.items():
        assert set(table) == {f.name for f in fields(spec) if f.init}, type(spec)


@pytest.mark.parametrize(
    ("spec", "field"),
    [(NODE, "mttf"), (NODE, "mttr"), (SITE, "mttr"), (FAILOVER, "promotion")],
)
@given(st.integers(0, 4), BELOW)
def test_the_first_offender_of_an_array_is_named(spec, field, place, value):
    times = np.ones(5)
    times[place] = value
    with pytest.raises(ValueError, match=f"{field} must be .* at index {place}"):
        replace(spec, **{field: times})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Tier(node=NODE, needed=2), r"needed must be <= servers \(1\), got 2"),
        (lambda: replace(PASSIVE, crews=3), r"crews must be in \[1, 2\], got 3"),
        (
            lambda: replace(PASSIVE, sites=()),
            r"sites must be at least 1 name, got \(\)",
        ),
        (
            lambda: replace(PASSIVE, failures=(3,)),
            r"failures\[0\] must be a Failure, got 3",
        ),
        (
            lambda: replace(PASSIVE, replicas=(Replica(site="a"), 3)),
            r"replicas\[1\] must be a Replica, got 3",
        ),
        (lambda: replace(ACTIVE, sites=()), r"sites must be at least 1 name, got \(\)"),
        (
            lambda: replace(ACTIVE, replication=Replication(mode="sync")),
            "replication must be one of 'async', got 'sync'",
        ),
        (
            lambda: replace(LEADERLESS, read_quorum=4),
            "read_quorum must be <= 3 copies, got 4",
        ),
        (lambda: replace(MAJORITY, witnesses=("DC-4",)), "witnesses must be one of"),
        (
            lambda: replace(MAJORITY, witnesses=("DC-1", "DC-2", "DC-3")),
            "witnesses must leave a site that serves",
        ),
        (
            lambda: replace(MAJORITY, copies={"a": 0}),
            r"copies\['a'\] must be a whole number >= 1, got 0",
        ),
        (lambda: replace(MAJORITY, copies={}), "copies must name at least one site"),
        (lambda: Node(mttf=1, mttr=constant(0.0)), "mttr must be > 0 .*got 0"),
        (lambda: Failover(coverage=[0.5, 2.0]), "coverage must be in .*at index 1"),
        (
            lambda: Failover(coverage=[0.5, 0.0], retry=0, manual=HOUR),
            "coverage must be > 0 where attempts go on until one works",
        ),
        (
            lambda: replace(
                PASSIVE,
                failover=Failover(coverage=0.9, retry=60),
                failures=(Failure(kind="disk", mttf=DAY, mttr=HOUR, coverage=0),),
            ),
            r"failures\[0\].coverage must be > 0 where attempts go on",
        ),
    ],
)
def test_fields_that_do_not_fit_each_other(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("spec", LIMITS, ids=lambda s: type(s).__name__)
def test_what_is_at_the_limit_is_taken(spec):
    assert replace(spec) is not spec


@pytest.mark.parametrize("base", ["active", "leaderless"])
def test_clients_that_are_led_away_try_again(base):
    """Attempt k ends retry later than the one before, unless the repair comes first."""
    failover = Failover(detection=20, redirection=10, coverage=0.6, retry=45)
    node = Node(mttf=30 * DAY, mttr=HOUR)
    made, more = {
        "active": (ActiveActive, {}),
        "leaderless": (Leaderless, {"copies": {"A": 3, "B": 3}}),
    }[base]
    site = Site(mttf=90 * DAY, mttr=HOUR)
    found = assess(made(database=node, failover=failover, site=site, **more))
    mean = sum(
        0.6 * 0.4**k * HOUR * -math.expm1(-(30 + 45 * k) / HOUR) for k in range(60)
    )
    assert found.outage.mean == pytest.approx(mean, rel=1e-6)
    alone = replace(failover, retry=None)
    one = assess(made(database=node, failover=alone, site=site, **more))
    assert one.outage.mean > 10 * mean


@pytest.mark.parametrize("kind", [ActiveActive, Majority, Leaderless])
def test_attempts_to_lead_clients_away_have_no_limit(kind):
    counted = Failover(detection=5, coverage=0.9, retry=60, tries=2)
    with pytest.raises(
        ValueError, match="tries must be None where clients are only led away"
    ):
        kind(database=Node(mttf=1e6, mttr=1e4), failover=counted)
