"""Quorums of one's own site, of each site, of anyone: by the product of all states."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from hamodel import duration, markov
from hamodel.architectures import Cause, Leaderless, Maintenance, Majority, Node, Site
from hamodel.assessment import assess
from hamodel.failover import Failover
from hamodel.quorum import latency
from hamodel.units import DAY, HOUR, MS
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
    way = back / np.expm1(back * (600 + 1200))  # a constant time against the repair
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


def raced(read, write, load, rng, n=60_000):
    """P(none of the copies that a read asks shows its key's last answered write).

    Copies are idle.  A write is made, and answered when 2 copies of those that count
    have; a read asks one of each place that counts.  How long it comes after the answer
    is exponential, key by key, and integrated over.
    """
    site = np.repeat(np.arange(3), list(COPIES.values()))
    hop, trip = load.hop / 2, load.round_trip / 2
    row, first = np.arange(n), np.cumsum([0, *COPIES.values()])

    def entered():
        at = rng.integers(3, size=n)
        copy = first[at] + (rng.random(n) * np.diff(first)[at]).astype(int)
        way = np.where(site == at[:, None], hop, trip)
        way[row, copy] = 0.0
        return at, way

    at, way = entered()
    shown = way + rng.exponential(load.write_time, way.shape)
    back = shown + way
    places = {"any": [site >= 0], "each": [site == s for s in range(3)]}
    places = places.get(write, [site == at[:, None]])
    ranked = [np.sort(np.where(p, back, np.inf), axis=1)[:, 1] for p in places]
    answered = np.max(ranked, axis=0)
    _, ahead = entered()
    asked = ahead == 0
    if read == "each":
        luck = rng.random(way.shape) - (ahead == 0)
        asked = np.zeros(way.shape, bool)
        for s in range(3):
            least = np.argmin(np.where(site == s, luck, np.inf), axis=1)
            asked[row, least] = True
    behind = np.where(asked, shown - ahead - answered[:, None], np.inf).min(axis=1)
    weight = np.arange(1, load.keys + 1) ** -load.exponent
    weight /= weight.sum()
    younger = -np.expm1(-load.writes * np.outer(np.maximum(behind, 0), weight))
    return younger @ weight


@pytest.mark.parametrize("read", SCOPES)
@pytest.mark.parametrize("write", SCOPES)
def test_stale_reads_by_racing_each_write_to_each_copy(read, write):
    load = Workload(reads=5, writes=1, keys=100, round_trip=20 * MS, write_time=0.05)
    spec = store(read_from=read, write_to=write)
    played = raced(read, write, load, np.random.default_rng(2))
    width = 0.05 if played.mean() > 1e-3 else 0.1
    assert played.std() / len(played) ** 0.5 <= 0.4 * width * played.mean()
    given = spec.behaviour(load).stale
    assert given == pytest.approx(played.mean(), rel=width)
    assert (assess(spec, load).read.stale > 0) == (given > 0)


def network(behaviour):
    """Mean time that a write waits for if the copies themselves take none."""
    ((_, answers),) = behaviour.waits("write", "a")
    at_once = duration.constant(0.0)
    return answers.law(lambda _: at_once, at_once).mean


def test_what_each_scope_waits_for():
    load = Workload(reads=50, writes=10, round_trip=80 * MS, hop=1 * MS)
    waits = {scope: network(store(write_to=scope).behaviour(load)) for scope in SCOPES}
    assert waits["local"] == waits["any"] == pytest.approx(1 * MS)
    assert waits["each"] == pytest.approx(80 * MS)
    four = network(store(write_quorum=4).behaviour(load))
    assert four == pytest.approx(80 * MS)


def test_what_a_lost_site_takes_depends_on_whose_answers_counted():
    load = Workload(reads=50, writes=10, round_trip=80 * MS)
    lost = {s: assess(store(write_to=s), load).lost_writes for s in SCOPES}
    assert lost["local"].missing_per_year > 0
    assert lost["each"].missing_per_year == 0


def test_the_diagram_follows_the_scope():
    points = {s: store(write_to=s).diagram().single_points_of_failure() for s in SCOPES}
    assert points["any"] == points["local"] == ()
    assert {"a", "b", "c"} <= set(points["each"])


VOTES = {"a": 1, "b": 2, "c": 0}  # 7 votes in all: a majority is 4


def voters(**more):
    fields = {"database": NODE, "failover": FAILOVER, "site": SITE, "copies": COPIES}
    return Majority(**fields | {"votes": VOTES, "election": 1e-9} | more)


@pytest.mark.parametrize("client", COPIES)
def test_votes_equal_the_written_out_product(client):
    law, q = site_law(), 8 / 208
    rows = []
    for count in COPIES.values():
        up = binom.pmf(range(count + 1), count, 1 - q)
        rows.append([(s, n, law[s] * up[n]) for s in law for n in range(count + 1)])
    lost = 0.0
    for joint in itertools.product(*rows):
        where = {name: s for name, (s, _, _) in zip(COPIES, joint, strict=True)}
        enters = where[client] == "home" or (
            where[client] == "moved" and "home" in where.values()
        )
        cast = sum(
            VOTES[name] * n * (where[name] == "home")
            for name, (_, n, _) in zip(COPIES, joint, strict=True)
        )
        lost += np.prod([p for *_, p in joint]) * (enters and cast < 4)
    clients = {name: float(name == client) for name in COPIES}
    found = voters().model().downtime(clients)["write"]
    assert found[Cause.NO_MAJORITY] == pytest.approx(lost, rel=1e-9)


def test_one_vote_each_is_what_no_votes_are():
    one = voters(votes=dict.fromkeys(COPIES, 1))
    plain = voters(votes=None)
    for operation in ("read", "write"):
        found = one.model().downtime()[operation]
        assert found == pytest.approx(plain.model().downtime()[operation], rel=1e-12)
    assert one.majority == plain.majority == 4


def test_what_votes_wait_for():
    load = Workload(reads=50, writes=10, round_trip=80 * MS, hop=1 * MS)
    from_a, from_b = (voters().behaviour(load).waits("write", s) for s in "ab")
    # a leader at a (3 of 5 voters) has 3 votes in the room and needs one more
    assert [share for share, _ in from_a] == pytest.approx([3 / 5, 2 / 5])
    assert [law.mean for _, law in from_a] == pytest.approx([80 * MS, 81 * MS])
    # a leader at b has its own 2 votes and 2 more beside it
    assert [law.mean for _, law in from_b] == pytest.approx([160 * MS, 1 * MS])
    rng = np.random.default_rng(3)
    quick, far = duration.exponential(1 * MS), duration.exponential(80 * MS)
    law = latency([quick, quick, far, far], 4, votes=[1, 1, 2, 0])
    draws = np.array([d.sample(200_000, rng) for d in (quick, quick, far)])
    assert law.mean == pytest.approx(draws.max(axis=0).mean(), rel=0.01)
    some = latency([quick, quick, far], 2, votes=[1, 1, 2])
    either = np.minimum(draws[:2].max(axis=0), draws[2])
    assert some.mean == pytest.approx(either.mean(), rel=0.01)
    assert some.quantile(0.99) == pytest.approx(np.quantile(either, 0.99), rel=0.03)
    down = latency([quick, quick, far], 2, unavailability=[0.5, 0, 0], votes=[1, 1, 2])
    gone = np.where(rng.random(200_000) < 0.5, np.inf, draws[0])
    either = np.minimum(np.maximum(gone, draws[1]), draws[2])
    assert down.mean == pytest.approx(either.mean(), rel=0.01)


def moves(state, spec, rates):
    """Sites (up, copies up) and the leader's site: a group told as one chain."""
    sites, leader = state
    fail, back, gone, here, elect = rates
    names = list(spec.copies)
    for i, (up, n) in enumerate(sites):
        most = spec.copies[names[i]]

        def at(new, i=i):
            return (*sites[:i], new, *sites[i + 1 :])

        yield at((not up, n)), (None if leader == i else leader), gone if up else here
        if n < most:
            yield at((up, n + 1)), leader, (most - n) * back
        if n:
            led = leader == i
            yield at((up, n - 1)), leader, (n - led) * fail
            yield at((up, n - 1)), None, led * fail
    if leader is None:
        alive = [n * up for up, n in sites]
        for i, n in enumerate(alive):
            yield sites, i, elect * n / max(sum(alive), 1)


def electing(spec, rates):
    """Shares of time without a majority, and electing with one, of the joint chain."""
    per_site = [
        [(up, n) for up in (False, True) for n in range(count + 1)]
        for count in spec.copies.values()
    ]
    states = [
        (sites, leader)
        for sites in itertools.product(*per_site)
        for leader in (None, *range(len(sites)))
    ]

    def cast(sites):
        return sum(n * up for up, n in sites)

    spot = {state: i for i, state in enumerate(states)}
    matrix = np.zeros((len(states),) * 2)
    for (sites, leader), i in spot.items():
        for to, led, rate in moves((sites, leader), spec, rates):
            led = led if cast(to) >= spec.majority else None  # nobody leads a minority
            matrix[i, spot[to, led]] += rate
    start = spot[tuple((True, n) for n in spec.copies.values()), 0]
    inside = reached(matrix, start)
    p = np.zeros(len(states))
    p[inside] = markov.steady_state(matrix[np.ix_(inside, inside)])
    few = sum(p[i] for (s, _), i in spot.items() if cast(s) < spec.majority)
    at_it = sum(
        p[i] for (s, x), i in spot.items() if x is None and cast(s) >= spec.majority
    )
    return few, at_it


def reached(matrix, start):
    seen, todo = {start}, [start]
    while todo:
        fresh = set(np.flatnonzero(matrix[todo.pop()])) - seen
        seen |= fresh
        todo += fresh
    return sorted(seen)


@pytest.mark.parametrize("takes", [30.0, 50 * HOUR])
@pytest.mark.parametrize("copies", [{"a": 3}, {"a": 5}, {"a": 1, "b": 1, "c": 1}])
def test_elections_and_the_loss_of_the_majority_equal_one_chain(copies, takes):
    """Those, too, during which something else fails, as it does in two days."""
    at_once = Failover(detection=1e-9, redirection=1e-9)
    alone = Site() if len(copies) == 1 else SITE
    spec = Majority(
        database=NODE, failover=at_once, copies=copies, election=takes, site=alone
    )
    rates = (1 / NODE.mttf, 1 / NODE.mttr, 1 / alone.mttf, 1 / alone.mttr, 1 / takes)
    few, at_it = electing(spec, rates)
    found = spec.model().downtime()["write"]
    lost = found[Cause.NO_MAJORITY] + found.get(Cause.ALL_SITES_DOWN, 0)
    assert lost == pytest.approx(few, rel=1e-9)
    assert found[Cause.FAILING_OVER] == pytest.approx(at_it, rel=1e-9)
    apart = takes * (1 / NODE.mttf + 1 / alone.mttf)
    assert at_it != pytest.approx(apart, rel=2e-2)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"write_to": "all"}, "write_to must be one of 'any', 'local', 'each'"),
        ({"write_to": "local", "write_quorum": 3}, "write_quorum must be <= 2 copies"),
        ({"read_from": "each", "read_quorum": 3}, "read_quorum must be <= 2 copies at"),
        ({"read_quorum": 8}, "read_quorum must be <= 7 copies, got 8"),
    ],
)
def test_impossible_scopes(fields, words):
    with pytest.raises(ValueError, match=words):
        store(**fields)


def test_impossible_votes():
    with pytest.raises(
        ValueError, match=r"votes must name the sites \['a', 'b', 'c'\]"
    ):
        voters(votes={"a": 1})
    with pytest.raises(ValueError, match="votes must leave a copy that votes"):
        voters(votes=dict.fromkeys(COPIES, 0))
    with pytest.raises(ValueError, match=r"votes\[1\] must be a whole number >= 0"):
        latency([duration.constant(1)] * 2, 1, votes=[1, -1])


# ---- rings of more nodes than copies, and hints ------------------------------------

RING = Leaderless(
    database=Node(mttf=300 * HOUR, mttr=6 * HOUR), copies={"A": 3}, ring={"A": 9}
)


def at_least(least, nodes):
    """P(so many nodes of a ring are down)."""
    return binom.sf(least - 1, nodes, 6 / 306)


@pytest.mark.parametrize(("needed", "spoils"), [(1, 3), (2, 2), (3, 1)])
def test_one_key_has_its_copies_and_every_key_the_whole_ring(needed, spoils):
    one = replace(RING, read_quorum=needed, write_quorum=needed)
    every = replace(one, keys="every")
    assert one.unavailability == pytest.approx(at_least(spoils, 3), rel=1e-12)
    assert every.unavailability == pytest.approx(at_least(spoils, 9), rel=1e-12)
    work = Maintenance(every=20 * DAY, takes=HOUR)  # and then nine hours, node by node
    theirs, all_nodes = 3 / (20 * 24 + 9), 9 / (20 * 24 + 9)
    for spec, share, nodes in ((one, theirs, 3), (every, all_nodes, 9)):
        planned = replace(spec, maintenance=work).unavailability
        exact = (1 - share) * at_least(spoils, nodes)
        exact += share * at_least(spoils - 1, nodes - 1)
        assert planned == pytest.approx(exact, rel=1e-12)


def test_a_ring_over_sites_has_keys_that_miss_what_they_have_there():
    """However many nodes of a site are down, a key misses no more than it has there."""
    spec = replace(
        RING,
        copies={"A": 2, "B": 1},
        ring={"A": 4, "B": 3},
        keys="every",
        read_quorum=1,
    )
    exact = {1: 0.0, 2: 0.0}
    for a, b in itertools.product(range(5), range(4)):
        chance = binom.pmf(a, 4, 6 / 306) * binom.pmf(b, 3, 6 / 306)
        for needed in exact:
            if 3 - min(a, 2) - min(b, 1) < needed:
                exact[needed] += chance
    down = spec.model().downtime()
    assert sum(down["read"].values()) == pytest.approx(exact[1], rel=1e-12)
    assert sum(down["write"].values()) == pytest.approx(exact[2], rel=1e-12)


def test_a_ring_shares_the_work_and_costs_its_nodes():
    load = Workload(reads=1000, writes=10)
    ring, alone = assess(RING, load), assess(replace(RING, ring=None), load)
    used = alone.utilisation["database"]
    assert 3 * ring.utilisation["database"] == pytest.approx(used, rel=1e-12)
    assert ring.cost.total == 3 * alone.cost.total == 9


def test_each_node_of_a_ring_fails_and_takes_what_is_on_it_alone():
    """Three times the nodes, each with a third of the keys."""
    load, many = Workload(reads=1000, writes=10), 1e-6  # whatever the queues
    ring = replace(RING, read_quorum=1, write_quorum=1)
    alone = replace(ring, ring=None)
    of_nine, of_three = (
        assess(spec, replace(load, read_time=many, write_time=0.001)).lost_writes
        for spec in (ring, alone)
    )
    nine, three = (of.by_failure["database"] for of in (of_nine, of_three))
    assert nine.events == pytest.approx(3 * three.events, rel=1e-12)
    assert nine.writes == pytest.approx(three.writes / 3, rel=0.01)


def test_a_copy_whose_hints_expired_lacks_what_was_written_meanwhile():
    """Lives of one copy: what a read of it misses until all copies are repaired."""
    load = Workload(reads=1000, writes=10, keys=1000)
    spec = replace(RING, ring=None, read_quorum=1, hints=3 * HOUR)
    stale = assess(spec, load).stale_read_probability
    kept = assess(replace(spec, hints=None), load).stale_read_probability
    rng, n = np.random.default_rng(3), 400_000
    up, down = rng.exponential(300 * HOUR, n), rng.exponential(6 * HOUR, n)
    until = rng.uniform(0, 7 * DAY, n)
    missed = np.maximum(down - 3 * HOUR, 0)
    popular = np.arange(1, 1001) ** -0.99
    rate = 10 * rng.choice(popular / popular.sum(), n, p=popular / popular.sum())
    lacks = np.expm1(-rate * until) * np.expm1(-rate * missed) / rate
    played = lacks.sum() / (up + down).sum()
    error = lacks.std() / np.sqrt(n) / (up + down).mean()
    assert 0 < error < 0.02 * played
    assert abs(stale - kept - played) < 4 * error
    assert assess(replace(spec, read_quorum=2), load).stale_read_probability == 0


@pytest.mark.parametrize("ring", [{"A": 2}, {"B": 3}, {"A": 3, "B": 3}])
def test_a_ring_holds_all_copies(ring):
    with pytest.raises(ValueError, match="ring must"):
        replace(RING, ring=ring)
