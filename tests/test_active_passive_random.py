"""Primaries and standbys drawn at random: what must not matter, what must not help.

Worse never helps, with exceptions that are true of what is described, found by trying
450 specifications, and bounded here:

- Where a write needs every node, a common cause lets outages overlap that would follow
  each other.  It gains less than the share of the failures that it joins.
- Where a process restarts in place, waiting for it may be better than the failover; so
  what delays or prevents the failover may gain, by less than 1 %.
- While a standby is down unseen, fewer failovers are tried, of which some fail; and a
  failure of another node finds it.  So a longer probe may gain, and so may, where a
  write needs every node, more failures.  Less than 1 % of what is drawn here.
"""

import itertools

import numpy as np
import pytest

import hamodel as ha
from hamodel.units import HOUR
from tests.test_active_passive_nodes import (
    NODE,
    ROOM,
    SPREAD,
    SWIFT,
    WIDE,
    spec_of,
    stopped,
)

NUMBERS = {  # how each gets worse
    "mttf": 0.7,
    "mttr": 1.4,
    "coverage": 0.9,
    "detection": 1.5,
    "promotion": 1.5,
    "manual": 1.5,
    "retry": 1.5,
    "probe": 1.5,
    "beta": 1.5,
    "timeout": 1.5,
}
EVENTS = {"site": (0.7, 1.4), "store": (0.7, 1.4), "failback": (1, 1.5)}


def drawn(seed):
    """The parameters of a primary and two standbys."""
    rng = np.random.default_rng(seed)

    def one(*choices):
        return choices[rng.integers(len(choices))]

    def some(chance, **more):
        return more if rng.random() < chance else {}

    def hours(low, high):
        return float(rng.uniform(low, high)) * HOUR

    p = NODE | SWIFT | {"sites": one(ROOM, SPREAD, WIDE, ("A", "B", "A"))}
    p |= {"coverage": float(rng.uniform(0.5, 1)), "crews": one(1, 2, 3)}
    p |= {name: float(rng.uniform(1, 60)) for name in ("detection", "promotion")}
    p |= some(len(set(p["sites"])) - 1, site=(hours(300, 3000), hours(2, 20)))
    again = some(0.35, retry=hours(0.01, 0.05))
    p |= again or some(0.6, manual=hours(0.1, 2))
    p |= some(0.5, probe=hours(1, 24)) | some(0.4, beta=float(rng.uniform(0.01, 0.2)))
    p |= {"mode": one("async", "semi-sync", "quorum", "in-sync", "sync")}
    if p["mode"] not in {"async", "sync"}:
        p |= {"acks": one(1, 2)}
    if p["mode"] in {"semi-sync", "in-sync"}:
        p |= {"timeout": hours(0.001, 0.02)}
    p |= some(0.5 * (p["mode"] == "in-sync"), unclean=True)
    if p["mode"] == "async":
        p |= some(0.4, follows=(None, None, one(0, 1)))
    if not p.get("follows"):
        ranks = one((2, 1, 0), (1, 0, 0), (1, 1, 0))
        p |= some(0.5, priority=ranks, failback=(hours(0.1, 5), hours(0.001, 0.02)))
    kinds = {"host": (500 * HOUR, 8 * HOUR, False)}
    kinds |= some(0.6, process=(200 * HOUR, hours(0.003, 0.03), True))
    kinds |= some(0.5, disk=(900 * HOUR, 12 * HOUR, False))
    p |= some(0.5, kinds=kinds)
    return p | some(0.3, store=(hours(100, 1000), hours(0.1, 4)))


def worse(p):
    """Each number that may get worse: its name, and the parameters then."""
    for name, factor in NUMBERS.items():
        known = name in {"mttf", "mttr"} and p.get("kinds")
        if p.get(name) and not known:
            yield name, p | {name: p[name] * factor}
    pairs = [(name, p[name]) for name in EVENTS if p.get(name)]
    for name, pair in pairs:
        for i in (0, 1):
            changed = list(pair)
            changed[i] *= EVENTS[name][i]
            yield name, p | {name: tuple(changed)}
    for kind, (mttf, mttr, again) in p.get("kinds", {}).items():
        for changed in ((0.7 * mttf, mttr, again), (mttf, 1.4 * mttr, again)):
            yield kind, p | {"kinds": p["kinds"] | {kind: changed}}


def allowed(p, name):
    """What a number that gets worse may gain: see above."""
    spec = spec_of(p)
    every = spec.nodes_needed >= sum(node.acknowledges for node in spec.nodes)
    restarts = "process" in p.get("kinds", {})
    if name == "beta":
        return 0.5 * p["beta"] if every else 1e-12
    races = restarts and name in {"detection", "promotion", "coverage"}
    found = every and p.get("probe") and name in {"mttf", "site", "process", "host"}
    return 0.01 if name == "probe" or races or found else 1e-12


def down(p):
    """Share of time in which the nodes take no writes."""
    return float(sum(stopped(spec_of(p), watched=-1).values()))


@pytest.mark.parametrize("seed", range(24))
def test_worse_never_helps(seed):
    p = drawn(seed)
    before = down(p)
    changes = list(worse(p))
    assert len(changes) >= 5
    for name, changed in changes:
        after = down(changed)
        assert after >= before * (1 - allowed(p, name)), name
        assert after != before or changed == p, name  # none changes nothing


def test_the_exceptions_are_true():
    strict = NODE | SWIFT | {"sites": ROOM, "mode": "sync"}
    assert down(strict | {"beta": 0.1}) < down(strict | {"beta": 0.05}) * 0.999
    kinds = {"process": (200 * HOUR, 20.0, True), "host": (500 * HOUR, HOUR, False)}
    hasty = NODE | SWIFT | {"sites": ROOM, "kinds": kinds, "promotion": 60.0}
    assert down(hasty | {"detection": 20.0}) < down(hasty | {"detection": 5.0})
    unseen = hasty | {"mode": "sync", "probe": 20 * HOUR, "crews": 3}
    more = {"process": (140 * HOUR, 20.0, True), "host": kinds["host"]}
    assert down(unseen | {"kinds": more}) < down(unseen)


def permuted(p, order):
    """The parameters with the nodes in another order."""
    found = p | {"sites": tuple(p["sites"][i] for i in order)}
    if "priority" in p:
        found |= {"priority": tuple(p["priority"][i] for i in order)}
    if "follows" in p:
        above = (p["follows"][i] for i in order)
        found |= {
            "follows": tuple(None if a is None else order.index(a) for a in above)
        }
    return found


@pytest.mark.parametrize("seed", range(104, 111))
def test_the_order_of_the_nodes_does_not_matter(seed):
    """Nor does it for the writes that are lost, where the same node is at home."""
    p = drawn(seed)
    load = ha.Workload(reads=10, writes=20, round_trip=0.01)
    usual = spec_of(p)
    times = stopped(usual, watched=-1)
    lost = usual.behaviour(load).lost_writes.by_failure
    home = max(range(3), key=lambda i: p.get("priority", (0, 0, 0))[i])
    for order in list(itertools.permutations(range(3)))[1:]:
        other = spec_of(permuted(p, order))
        assert stopped(other, watched=-1) == pytest.approx(times, rel=1e-9)
        first = max(order, key=lambda i: p.get("priority", (0, 0, 0))[i])
        if first == home:
            found = other.behaviour(load).lost_writes.by_failure
            assert {k: v.per_year for k, v in found.items()} == pytest.approx(
                {k: v.per_year for k, v in lost.items()}, rel=1e-9
            )


@pytest.mark.parametrize("seed", range(200, 224))
def test_lost_writes_add_up_by_cause(seed):
    """A kind that is left out takes its losses along; a standby is ready more often."""
    p = drawn(seed) | {"mode": "async", "unclean": False}
    p |= {"acks": 1, "kinds": drawn(seed).get("kinds") or {"host": (9e6, 9e3, False)}}
    load = ha.Workload(writes=20, round_trip=0.01)
    whole = spec_of(p).behaviour(load).lost_writes
    parts = whole.by_failure
    added = sum(x.per_year for x in parts.values() if not x.kept)
    assert whole.per_year == pytest.approx(added)
    assert all(parts[kind].per_year > 0 for kind in p["kinds"] if kind != "process")
    for kind in p["kinds"]:
        fewer = {name: one for name, one in p["kinds"].items() if name != kind}
        left = spec_of(p | {"kinds": fewer, "mttf": float("inf")})
        found = left.behaviour(load).lost_writes
        others = whole.per_year - parts[kind].per_year
        assert others * (1 - 1e-12) - 1e-12 <= found.per_year <= 1.2 * others + 1e-12
