"""Quorums of one's own site, of each site, of anyone: by the product of all states."""

import itertools
from math import comb

import numpy as np
import pytest
from scipy.stats import binom

from hamodel import markov
from hamodel.architectures import Cause, Leaderless, Node, Site
from hamodel.assessment import assess
from hamodel.failover import Failover
from hamodel.units import HOUR, MS
from hamodel.workload import Workload

NODE = Node(mttf=200 * HOUR, mttr=8 * HOUR)
SITE = Site(mttf=900 * HOUR, mttr=20 * HOUR)
FAILOVER = Failover(detection=600, redirection=1200, coverage=0.9, manual=4 * HOUR)
COPIES = {"a": 3, "b": 2, "c": 2}
SCOPES = ("any", "local", "each")


def store(**more):
    given = {"read_quorum": 1, "write_quorum": 2} | more
    fields = {"database": NODE, "failover": FAILOVER, "site": SITE, "copies": COPIES}
    return Leaderless(**fields | given)


def site_law():
    """A site and its clients: home, on their way, led away, stuck."""
    fail, back = 1 / SITE.mttf, 1 / SITE.mttr
    rates = np.zeros((4, 4))
    rates[0, 1] = fail
    rates[1:, 0] = back
    way = 1 / (600 + 1200)
    rates[1, 2], rates[1, 3] = 0.9 * way, 0.1 * way
    rates[3, 2] = 1 / FAILOVER.manual
    found = markov.steady_state(rates)
    return dict(zip(("home", "waiting", "moved", "stuck"), found, strict=True))


def written_out(needed, scope, client):
    """The causes of an operation, over every state of three sites and seven copies."""
    law, q = site_law(), 8 / 208
    rows = []
    for count in COPIES.values():
        up = binom.pmf(range(count + 1), count, 1 - q)
        rows.append([(s, n, law[s] * up[n]) for s in law for n in range(count + 1)])
    causes = {}
    for joint in itertools.product(*rows):
        where = {name: s for name, (s, _, _) in zip(COPIES, joint, strict=True)}
        held = {
            n: k * (s == "home") for n, (s, k, _) in zip(COPIES, joint, strict=True)
        }
        alive = [name for name in COPIES if where[name] == "home"]
        enters = client if where[client] == "home" else next(iter(alive), None)
        enough = {
            "any": sum(held.values()) >= needed,
            "local": enters is not None and held[enters] >= needed,
            "each": all(k >= needed for k in held.values()),
        }[scope]
        if where[client] == "waiting":
            cause = Cause.FAILING_OVER
        elif where[client] == "stuck":
            cause = Cause.FAILOVER_FAILED
        elif enters is None:
            cause = Cause.ALL_SITES_DOWN
        else:
            cause = "" if enough else Cause.NO_QUORUM
        causes[cause] = causes.get(cause, 0) + np.prod([p for *_, p in joint])
    return {cause: p for cause, p in causes.items() if cause}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("client", COPIES)
def test_each_scope_equals_the_written_out_product(scope, client):
    spec = store(write_to=scope, read_from=scope)
    clients = {name: float(name == client) for name in COPIES}
    found = spec.model().downtime(clients)
    for operation, needed in (("read", 1), ("write", 2)):
        expected = written_out(needed, scope, client)
        assert found[operation].keys() == expected.keys()
        for cause, share in expected.items():
            assert found[operation][cause] == pytest.approx(share, rel=1e-9)


def missed(read, write, reader, writer):
    """Count the pairs of quorums that have no copy in common."""
    copies = [(name, i) for name, n in COPIES.items() for i in range(n)]

    def quorums(needed, scope, at):
        if scope == "each":
            each = ([c for c in copies if c[0] == name] for name in COPIES)
            ways = (itertools.combinations(held, needed) for held in each)
            return [frozenset(sum(q, ())) for q in itertools.product(*ways)]
        of = [c for c in copies if scope == "any" or c[0] == at]
        return [frozenset(q) for q in itertools.combinations(of, needed)]

    reads, writes = quorums(1, read, reader), quorums(2, write, writer)
    apart = sum(not r & w for r in reads for w in writes)
    return apart / (len(reads) * len(writes))


@pytest.mark.parametrize("read", SCOPES)
@pytest.mark.parametrize("write", SCOPES)
def test_stale_reads_by_counting_quorums(read, write):
    load = Workload(reads=50, writes=10, keys=100, round_trip=80 * MS)
    shares = load.shares(tuple(COPIES))
    apart = sum(
        shares[r] * shares[w] * missed(read, write, r, w)
        for r, w in itertools.product(COPIES, repeat=2)
    )
    spec = store(read_from=read, write_to=write)
    behaviour = spec.behaviour(load)
    plain = store(read_quorum=1, write_quorum=2).behaviour(load)
    late = plain.stale / (comb(5, 1) / comb(7, 1))
    assert behaviour.stale == pytest.approx(apart * late, rel=1e-9, abs=1e-15)
    seen = assess(spec, load)
    assert (seen.read.stale > 0) == (apart > 0)


def test_what_each_scope_waits_for():
    load = Workload(reads=50, writes=10, round_trip=80 * MS, hop=1 * MS)
    waits = {
        scope: store(write_to=scope).behaviour(load).waits("write", "a")[0][1].mean
        for scope in SCOPES
    }
    assert waits["local"] == waits["any"] == pytest.approx(1 * MS)
    assert waits["each"] == pytest.approx(80 * MS)
    four = store(write_quorum=4).behaviour(load).waits("write", "a")[0][1]
    assert four.mean == pytest.approx(80 * MS)


def test_what_a_lost_site_takes_depends_on_whose_answers_counted():
    load = Workload(reads=50, writes=10, round_trip=80 * MS)
    lost = {s: assess(store(write_to=s), load).lost_writes for s in SCOPES}
    assert lost["local"].missing_per_year > 0
    assert lost["each"].missing_per_year == 0


def test_the_diagram_follows_the_scope():
    points = {s: store(write_to=s).diagram().single_points_of_failure() for s in SCOPES}
    assert points["any"] == points["local"] == ()
    assert {"a", "b", "c"} <= set(points["each"])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"write_to": "all"}, "write_to must be one of 'any', 'local', 'each'"),
        (
            {"write_to": "local", "write_quorum": 3},
            "write_quorum must be <= 2 copies",
        ),
        ({"read_from": "each", "read_quorum": 3}, "read_quorum must be <= 2 copies at"),
        ({"read_quorum": 8}, "read_quorum must be <= 7 copies, got 8"),
    ],
)
def test_impossible_scopes(fields, words):
    with pytest.raises(ValueError, match=words):
        store(**fields)
