"""Whole product spaces, written out and solved: downtime by cause, and its law.

Each system is told once more, as one chain of all that fails: a state is a tuple, and a
few lines say what follows it and who is served.  Nothing is multiplied, nothing lumped.
"""

import itertools
import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
import sympy
from scipy.sparse import csc_array
from scipy.sparse.linalg import spsolve

from hamodel import duration, markov
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Failure,
    Leaderless,
    Maintenance,
    Majority,
    Node,
    Region,
    SinglePrimary,
    Site,
    Tier,
)
from hamodel.architectures._events import Event, Raced
from hamodel.architectures.base import Part
from hamodel.assessment import assess
from hamodel.assessment._visits import process_of
from hamodel.failover import Failover
from hamodel.simulation import simulate
from hamodel.units import HOUR, MINUTE, MONTH, YEAR

FAIL, MEND = 1 / (900 * HOUR), 1 / (6 * HOUR)  # of databases and copies
LOST, BACK = 1 / (3000 * HOUR), 1 / (10 * HOUR)  # of sites
STRIKE, CALM = 1 / (8000 * HOUR), 1 / HOUR  # of what strikes everywhere
CRASH, START = 1 / (700 * HOUR), 1 / (2 * HOUR)  # of servers
LEAD, WORKS, HAND = 1 / (2 * MINUTE), 0.9, 1 / (30 * MINUTE)
ELECT = 1 / 20.0

NODE = Node(mttf=1 / FAIL, mttr=1 / MEND)
ALL = Node(mttf=1 / STRIKE, mttr=1 / CALM)
SERVER = Node(mttf=1 / CRASH, mttr=1 / START)
LED = Failover(
    redirection=duration.exponential(1 / LEAD), coverage=WORKS, manual=1 / HAND
)


def explored(start, follows):
    """All states and the rates between them."""
    index, edges, waiting = {start: 0}, defaultdict(float), [start]
    while waiting:
        state = waiting.pop()
        for after, rate in follows(state):
            if after not in index:
                index[after] = len(index)
                waiting.append(after)
            if after != state:
                edges[index[state], index[after]] += rate
    return list(index), edges


def long_run(states, edges):
    """Probabilities: the balance equations, one replaced by the sum."""
    n = len(states)
    rows, columns = (np.array(x) for x in zip(*edges, strict=True))
    rates = np.array(list(edges.values()))
    out = np.bincount(rows, weights=rates, minlength=n)
    keep = columns > 0
    balance = csc_array(
        (
            np.concatenate([rates[keep], -out[1:], np.ones(n)]),
            (
                np.concatenate([columns[keep], np.arange(1, n), np.zeros(n, int)]),
                np.concatenate([rows[keep], np.arange(1, n), np.arange(n)]),
            ),
        ),
        shape=(n, n),
    )
    right = np.zeros(n)
    right[0] = 1.0
    return spsolve(balance, right)


def tier(count, servers, crews):
    """What can happen to servers of one kind: the new number of failed ones."""
    if count < servers:
        yield count + 1, (servers - count) * CRASH
    if count:
        yield count - 1, min(count, crews) * START


def with_place(state, place, value):
    return (*state[:place], value, *state[place + 1 :])


# ---- one site ----------------------------------------------------------------------


def single(state):
    """Load balancers and app servers that failed, site, database, everywhere."""
    balancers, apps, site, database, strike = state
    for count, rate in tier(balancers, 2, 2):
        yield with_place(state, 0, count), rate
    for count, rate in tier(apps, 3, 1):
        yield with_place(state, 1, count), rate
    yield with_place(state, 2, not site), BACK if site else LOST
    if not site:
        yield with_place(state, 3, not database), MEND if database else FAIL
    yield with_place(state, 4, not strike), CALM if strike else STRIKE


def single_cause(state, _operation):
    balancers, apps, site, database, strike = state
    for broken, cause in (
        (strike, "everywhere"),
        (balancers > 1, "load balancer down"),
        (apps > 1, "app servers down"),
        (site, "site down"),
        (database, "database down"),
    ):
        if broken:
            return [(cause, 1.0)]
    return []


SINGLE = SinglePrimary(
    database=NODE,
    site=Site(
        mttf=1 / LOST,
        mttr=1 / BACK,
        balancers=Tier(node=SERVER, servers=2),
        apps=Tier(node=SERVER, servers=3, needed=2, crews=1),
    ),
    everywhere=ALL,
)


def room(state):
    """A pair in one room: nodes, why none serves, the room, everywhere."""
    nodes, _, dark, strike = state
    yield with_place(state, 3, not strike), CALM if strike else STRIKE
    yield with_place(state, 2, not dark), BACK if dark else LOST
    if dark:
        return
    after = {
        "both": [
            (("switching", "failing over"), WORKS * FAIL),
            (("none", "failover did not work"), (1 - WORKS) * FAIL),
            (("one", ""), FAIL),
        ],
        "switching": [(("one", ""), LEAD)],
        "one": [(("both", ""), MEND), (("none", "both nodes down"), FAIL)],
        "none": [(("one", ""), MEND)],
    }
    for (where, why), rate in after[nodes]:
        yield (where, why, dark, strike), rate


def room_cause(state, operation):
    nodes, cause, dark, strike = state
    if strike or dark:
        return [("everywhere" if strike else "site down", 1.0)]
    served = nodes == "switching" and operation == "read"
    return [(cause, 1.0)] if cause and not served else []


ROOM = ActivePassive(
    database=NODE,
    failover=replace(LED, manual=None),
    sites=("DC-1",),
    site=Site(mttf=1 / LOST, mttr=1 / BACK),
    everywhere=ALL,
)


# ---- several sites -----------------------------------------------------------------


def clients_after(where, broken):
    """Where the clients of a site are once it has broken, or is whole again."""
    if not broken:
        return "home"
    return "waiting" if where == "home" else where


def led_away(where):
    """Where lost clients can come to, each with its rate."""
    if where == "waiting":
        yield "moved", WORKS * LEAD
        yield "stuck", (1 - WORKS) * LEAD
    elif where == "stuck":
        yield "moved", HAND


WHILE = {"waiting": "failing over", "stuck": "failover did not work"}


def actives(state):
    """Two sites that serve: (dark, database down, clients) each, and everywhere."""
    *sites, strike = state
    yield (*sites, not strike), CALM if strike else STRIKE
    for i, (dark, down, where) in enumerate(sites):
        moves = [((not dark, down), BACK if dark else LOST)]
        if not dark:
            moves.append(((dark, not down), MEND if down else FAIL))
        for (d, b), rate in moves:
            site = (d, b, clients_after(where, d or b))
            yield with_place(state, i, site), rate
        for to, rate in led_away(where):
            yield with_place(state, i, (dark, down, to)), rate


def actives_cause(state, _operation):
    *sites, strike = state
    if strike:
        return [("everywhere", 1.0)]
    left = any(where == "home" for *_, where in sites)
    found = []
    for *_, where in sites:
        if where in WHILE:
            found.append((WHILE[where], 1 / len(sites)))
        elif where == "moved" and not left:
            found.append(("all sites down", 1 / len(sites)))
    return found


ACTIVE = ActiveActive(
    database=NODE, failover=LED, site=Site(mttf=1 / LOST, mttr=1 / BACK), everywhere=ALL
)


INSIDE, OUTSIDE, HEALS, LEADS = 1 / 180.0, 1 / 60.0, 0.9, 0.8


def regions(state):
    """Two sites that are pairs: (nodes, cause, dark, clients) each."""
    after = {
        "both": [
            ("switching", HEALS * FAIL),
            ("none", (1 - HEALS) * FAIL),
            ("one", FAIL),
        ],
        "switching": [("one", INSIDE)],
        "one": [("both", MEND), ("none", FAIL)],
        "none": [("one", MEND)],
    }
    for i, (nodes, dark, where) in enumerate(state):
        moves = [((nodes, not dark), BACK if dark else LOST)]
        if not dark:
            moves += [((to, False), rate) for to, rate in after[nodes]]
        for (n, d), rate in moves:
            to = clients_after(where, d or n in {"switching", "none"})
            yield with_place(state, i, (n, d, to)), rate
        for to, rate in regions_lead(where):
            yield with_place(state, i, (nodes, dark, to)), rate


def regions_lead(where):
    if where == "waiting":
        yield "moved", LEADS * OUTSIDE
        yield "stuck", (1 - LEADS) * OUTSIDE
    elif where == "stuck":
        yield "moved", HAND


def regions_cause(state, operation):
    left = any(where == "home" for *_, where in state)
    found = []
    for nodes, dark, where in state:
        standby = operation == "read" and nodes == "switching" and not dark
        if where in WHILE and not standby:
            found.append((WHILE[where], 1 / len(state)))
        elif where == "moved" and not left:
            found.append(("all sites down", 1 / len(state)))
    return found


REGIONS = ActiveActive(
    database=NODE,
    failover=Failover(
        redirection=duration.exponential(1 / OUTSIDE), coverage=LEADS, manual=1 / HAND
    ),
    site=Site(mttf=1 / LOST, mttr=1 / BACK),
    region=Region(
        failover=Failover(promotion=duration.exponential(1 / INSIDE), coverage=HEALS)
    ),
)


def quorums(held):
    """Copies at sites: (dark, failed copies, clients) for each site."""

    def follows(state):
        for i, (dark, failed, where) in enumerate(state):
            site = (not dark, failed, clients_after(where, not dark))
            yield with_place(state, i, site), BACK if dark else LOST
            if failed < held[i]:
                rate = (held[i] - failed) * FAIL
                yield with_place(state, i, (dark, failed + 1, where)), rate
            if failed:
                yield with_place(state, i, (dark, failed - 1, where)), failed * MEND
            for to, rate in led_away(where):
                yield with_place(state, i, (dark, failed, to)), rate

    return follows


def in_reach(state, held):
    return sum(
        n - failed for n, (dark, failed, _) in zip(held, state, strict=True) if not dark
    )


def quorums_cause(held, needed):
    def cause(state, operation):
        left = any(where == "home" for *_, where in state)
        enough = in_reach(state, held) >= needed[operation]
        found = []
        for *_, where in state:
            if where in WHILE:
                found.append((WHILE[where], 1 / len(state)))
            elif where == "moved" and not left:
                found.append(("all sites down", 1 / len(state)))
            elif not enough:
                found.append(("no quorum", 1 / len(state)))
        return found

    return cause


HELD = (2, 1)
QUORUM = Leaderless(
    database=NODE,
    failover=LED,
    copies={"DC-1": 2, "DC-2": 1},
    read_quorum=1,
    write_quorum=2,
    site=Site(mttf=1 / LOST, mttr=1 / BACK),
)


def voters(state):
    """Three copies, each up or not, and which of them leads (-1: an election runs)."""
    *up, leader = state
    for i, works in enumerate(up):
        yield with_place(state, i, not works), FAIL if works else MEND
    working = [i for i, works in enumerate(up) if works]
    if leader >= 0 and not up[leader]:
        raise AssertionError("a copy that is down leads")
    if leader < 0 and len(working) >= 2:
        for i in working:
            yield with_place(state, 3, i), ELECT / len(working)


def voters_lose(state):
    """The same, a leader being lost with its copy."""
    for after, rate in voters(state):
        *up, leader = after
        lost = leader >= 0 and (not up[leader] or sum(up) < 2)
        yield (with_place(after, 3, -1) if lost else after), rate


def voters_cause(state, _operation):
    *up, leader = state
    if sum(up) < 2:
        return [("no majority", 1.0)]
    return [("failing over", 1.0)] if leader < 0 else []


VOTERS = Majority(database=NODE, failover=LED, election=duration.exponential(1 / ELECT))


def joint_votes(copies, votes):
    """Sites, copies and an election together: the share of elections, and of none.

    A leader that was lost with the copies that went was any of them that vote.
    """
    nodes = [name for name, n in copies.items() for _ in range(n)]
    need = sum(votes[name] for name in nodes) // 2 + 1

    def cast(up, dark):
        return [
            votes[n] * (u and n not in dark) for n, u in zip(nodes, up, strict=True)
        ]

    def follows(state):
        up, dark, leads = state
        ways = [
            (with_place(up, i, not u), dark, FAIL if u else MEND)
            for i, u in enumerate(up)
        ]
        ways += [(up, dark ^ {n}, BACK if n in dark else LOST) for n in copies]
        before = cast(up, dark)
        for up_then, dark_then, rate in ways:
            after = cast(up_then, dark_then)
            if sum(after) < need:
                yield (up_then, dark_then, None), rate
                continue
            gone = sum(b > a for b, a in zip(before, after, strict=True))
            lost = gone / sum(b > 0 for b in before) if leads else 1.0
            yield (up_then, dark_then, False), rate * lost
            yield (up_then, dark_then, True), rate * (1 - lost)
        if leads is False:
            yield (up, dark, True), ELECT

    states, edges = explored(((True,) * len(nodes), frozenset(), True), follows)
    share = long_run(states, edges)
    led = list(zip(states, share, strict=True))
    return [sum(p for s, p in led if s[2] is x) for x in (False, None)]


@pytest.mark.parametrize(
    ("copies", "votes", "witnesses"),
    [
        ((1, 1, 1), None, ()),
        ((2, 2, 1), None, ("c",)),
        ((1, 2, 1), (3, 1, 2), ()),
        ((2, 1, 1), (1, 1, 0), ()),
    ],
)
def test_votes_sites_and_elections_are_one_chain(copies, votes, witnesses):
    copies = dict(zip("abc", copies, strict=True))
    votes = None if votes is None else dict(zip("abc", votes, strict=True))
    spec = Majority(
        database=NODE,
        failover=Failover(),
        election=1 / ELECT,
        copies=copies,
        votes=votes,
        witnesses=witnesses,
        site=Site(mttf=1 / LOST, mttr=1 / BACK),
    )
    electing, without = joint_votes(copies, votes or dict.fromkeys(copies, 1))
    found = spec.model().downtime()["write"]
    assert found["failing over"] == pytest.approx(electing, rel=1e-9)
    ours = found["no majority"] + found["all sites down"]
    assert ours == pytest.approx(without, rel=1e-9)


#: The last entry is the width.
SYSTEMS = {
    "single": (SINGLE, (0, 0, False, False, False), single, single_cause, 1e-9),
    "room": (ROOM, ("both", "", False, False), room, room_cause, 1e-9),
    "active": (
        ACTIVE,
        ((False, False, "home"), (False, False, "home"), False),
        actives,
        actives_cause,
        1e-9,
    ),
    "regions": (REGIONS, (("both", False, "home"),) * 2, regions, regions_cause, 1e-9),
    "quorum": (
        QUORUM,
        ((False, 0, "home"), (False, 0, "home")),
        quorums(HELD),
        quorums_cause(HELD, {"read": 1, "write": 2}),
        1e-9,
    ),
    "voters": (VOTERS, (True, True, True, 0), voters_lose, voters_cause, 1e-9),
}


#: Width of the law beside its stated error.
LAWS = {"room": 1e-4, "voters": 1e-4}


def budget(states, probabilities, cause, operation):
    found = defaultdict(float)
    for state, probability in zip(states, probabilities, strict=True):
        for why, share in cause(state, operation):
            found[why] += probability * share
    return dict(found)


@pytest.mark.parametrize("name", SYSTEMS)
def test_downtime_by_cause_is_that_of_the_joint_chain(name):
    spec, start, follows, cause, width = SYSTEMS[name]
    states, edges = explored(start, follows)
    exact = long_run(states, edges)
    found = assess(spec)
    for operation in (found.read, found.write):
        joint = budget(states, exact, cause, operation.name)
        ours = {str(c): u for c, u in operation.downtime_by_cause.items() if u > 0}
        assert ours == pytest.approx(joint, rel=width, abs=1e-16)
        total = sum(joint.values())
        assert operation.unavailability == pytest.approx(total, rel=width)


@pytest.mark.parametrize("horizon", [HOUR, 24 * HOUR, MONTH, YEAR])
@pytest.mark.parametrize("name", LAWS)
def test_the_law_of_the_downtime_is_that_of_the_joint_chain(name, horizon):
    spec, start, follows, cause, _ = SYSTEMS[name]
    states, edges = explored(start, follows)
    exact = long_run(states, edges)
    rates = np.zeros((len(states), len(states)))
    for (i, j), rate in edges.items():
        rates[i, j] = rate
    down = [i for i, state in enumerate(states) if cause(state, "write")]
    found = assess(spec)
    mean = float(exact[down].sum())
    for times in (0.3, 4):
        share = times * mean
        (joint,) = markov.downtime_sf(rates, exact, down, horizon, [share * horizon])
        ours = found.chance_of_missing(1 - share, horizon)
        assert abs(ours.probability / joint - 1) < LAWS[name] + ours.error


def test_a_planted_error_of_a_thousandth_is_seen_among_voters():
    spec, start, follows, cause, width = SYSTEMS["voters"]
    slower = replace(spec, election=duration.exponential(1.001 / ELECT))
    states, edges = explored(start, follows)
    joint = budget(states, long_run(states, edges), cause, "write")
    for found, seen in ((spec, False), (slower, True)):
        ours = assess(found).write.downtime_by_cause["failing over"]
        assert (abs(ours / joint["failing over"] - 1) > width) == seen


def test_a_planted_error_of_a_hundredth_is_seen():
    spec, start, _, cause, _ = SYSTEMS["room"]

    def wrong(state):
        for after, rate in room(state):
            yield after, rate * (1.01 if rate == MEND else 1)

    states, edges = explored(start, wrong)
    joint = budget(states, long_run(states, edges), cause, "write")
    ours = assess(spec).write.downtime_by_cause["both nodes down"]
    assert abs(ours / joint["both nodes down"] - 1) > 0.005


def test_a_failover_inside_is_overtaken_only_by_a_quicker_way_out():
    """The first of two times counts: 30 s of 30 and 60, 60 s of 180 and 60."""

    rare = Node(mttf=1e6 * HOUR, mttr=HOUR)  # hardly ever two at once

    def waits(inside, outside):
        spec = replace(
            REGIONS,
            database=rare,
            failover=Failover(detection=10, redirection=outside),
            site=Site(),
            region=Region(failover=Failover(detection=5, promotion=inside - 5)),
        )
        down = assess(spec).write.downtime_by_cause["failing over"]
        return down * rare.mttf

    assert waits(30, 50) == pytest.approx(30, rel=1e-3)
    assert waits(30, 590) == pytest.approx(30, rel=1e-3)
    assert waits(180, 50) == pytest.approx(60, rel=1e-3)
    either = duration.uniform(0, 60)  # a name that is kept for up to a minute
    found = waits(30, either)
    assert found == pytest.approx(10 + 20 - 20**2 / 120, rel=1e-3)


@pytest.mark.parametrize("led", [600.0, 30 * MINUTE, duration.uniform(0, HOUR)])
@pytest.mark.parametrize("mttr", [120.0, 20 * MINUTE])
def test_a_slow_way_out_is_overtaken_by_a_quick_repair(led, mttr):
    """What clients wait for is the first of both, and not as if both were memoryless.

    A lost database is back after an exponential time, or its clients are led away
    after another, of any law: each outage costs (1 - E exp(-T / mttr)) mttr.
    """
    spec = ActiveActive(
        database=Node(mttf=1e6 * HOUR, mttr=mttr), failover=Failover(redirection=led)
    )
    law = led if hasattr(led, "lst") else duration.constant(led)
    each = (1 - law.lst(1 / mttr)) * mttr
    down = assess(spec).write.downtime_by_cause["failing over"]
    assert down * 1e6 * HOUR == pytest.approx(each, rel=1e-6)
    rng = np.random.default_rng(1)
    played = np.minimum(rng.exponential(mttr, 40_000), law.sample(40_000, rng))
    assert played.mean() == pytest.approx(each, rel=0.03)


BETA = 0.2
SHARED = {
    "active": (ActiveActive(database=NODE, failover=LED), 2),
    "majority": (Majority(database=NODE, failover=LED), 3),
    "leaderless": (
        Leaderless(
            database=NODE,
            failover=LED,
            copies={"a": 2, "b": 1},
            read_quorum=1,
            write_quorum=2,
        ),
        3,
    ),
}
ENOUGH = {"active": (1, 1), "majority": (2, 2), "leaderless": (1, 2)}


@pytest.mark.parametrize("name", SHARED)
def test_a_common_cause_takes_all_databases(name):
    """The joint chain of databases that fail alone, or all at once."""
    spec, count = SHARED[name]

    def follows(up):
        for i, works in enumerate(up):
            rate = FAIL * (1 - BETA) if works else MEND
            yield with_place(up, i, not works), rate
        yield (False,) * count, FAIL * BETA

    states, edges = explored((True,) * count, follows)
    exact = long_run(states, edges)
    model = replace(spec, common_cause=BETA).model().downtime()
    for (operation, causes), needed in zip(model.items(), ENOUGH[name], strict=True):
        down = sum(p for up, p in zip(states, exact, strict=True) if sum(up) < needed)
        waits = {"failing over", "failover did not work"}
        ours = sum(p for cause, p in causes.items() if cause not in waits)
        alone = 1 - (1 + FAIL / MEND) ** -count  # of the time some is down by itself
        assert abs(ours / down - 1) < alone, operation
        assert 0.5 < causes["common cause"] / down < 1
    usual = spec.model().downtime()
    none = replace(spec, common_cause=0.0).model().downtime()
    assert none == usual
    assert "common cause" not in usual["write"]


@pytest.mark.parametrize(
    "mttr",
    [
        duration.constant(6 * HOUR),
        duration.uniform(2 * HOUR, 10 * HOUR),
        duration.lognormal(mean=6 * HOUR, cv=1.2),
    ],
)
@pytest.mark.parametrize("name", SHARED)
def test_what_a_common_cause_takes_is_back_as_the_law_of_a_repair_says(name, mttr):
    """Three constant repairs are over at once, not one after the other."""
    spec, count = SHARED[name]
    spec = replace(spec, database=replace(NODE, mttr=mttr), common_cause=BETA)
    drawn = mttr.sample(count * 40_000, np.random.default_rng(3)).reshape(-1, count)
    drawn.sort(axis=1)
    for operation, needed in zip(("read", "write"), ENOUGH[name], strict=True):
        back = drawn[:, needed - 1].mean()
        ours = spec.model().downtime()[operation]["common cause"]
        # it strikes only what is not struck yet
        both = FAIL * BETA / (1 + FAIL * BETA * drawn[:, -1].mean())
        assert ours == pytest.approx(both * back, rel=0.02)


def begun(crews, alpha, cause, down, rate):
    """Who waits, at -1, is begun where a crew is free, in one of the first phases."""
    down = sorted(down, key=lambda phase: phase < 0)
    place = next((i for i, x in enumerate(down[:crews]) if x < 0), None)
    if place is None:
        running = tuple(sorted(x for x in down if x >= 0))
        yield (cause, running + tuple(x for x in down if x < 0)), rate
        return
    for phase in np.flatnonzero(alpha):
        to = with_place(tuple(down), place, int(phase))
        yield from begun(crews, alpha, cause, to, rate * alpha[phase])


def fails(nodes, down, works):
    """What may fail where a node serves: why nobody does then, and who is down."""
    ready = nodes - len(down) - 1
    yield "common cause", down + (ready + 1) * (-1,), STRUCK
    if not ready:
        yield "nodes down", (*down, -1), SELDOM
        return
    yield "failing over", down, SELDOM * works
    yield "failover did not work", (*down, -1, -1), SELDOM * (1 - works)
    yield "", (*down, -1), SELDOM * ready


def mended(down, inner):
    """How repairs go on, from phase to phase and to their end."""
    for i, phase in enumerate(down):
        if phase >= 0:
            yield True, down[:i] + down[i + 1 :], -inner[phase].sum()
            for to in np.flatnonzero(inner[phase] > 0):
                yield False, with_place(down, i, int(to)), inner[phase, to]


def one_room(nodes, crews, phases, works):
    """What follows if each repair is in some phase: a cause, and phases of nodes."""

    def follows(state):
        cause, down = state
        if cause == "failing over":
            yield from begun(crews, phases[0], "", (*down, -1), LEAD)
            return
        for over, to, rate in mended(down, phases[1]):
            yield from begun(crews, phases[0], "" if over else cause, to, rate)
        if not cause:
            for why, to, rate in fails(nodes, down, works):
                if why == "failing over":
                    yield (why, to), rate
                else:
                    yield from begun(crews, phases[0], why, to, rate)

    return follows


SELDOM, STRUCK = 0.95 / (2e4 * HOUR), 0.05 / (2e4 * HOUR)


@pytest.mark.parametrize(
    ("nodes", "crews", "works"),
    [(2, 1, 0.99), (2, 2, 0.99), (3, 3, 1.0)],
)
@pytest.mark.parametrize(
    "law",
    [
        duration.erlang(4, mean=6 * HOUR),
        duration.hyperexponential([0.9, 0.1], [2 * HOUR, 42 * HOUR]),
    ],
)
def test_how_long_all_are_down_follows_from_the_law_of_a_repair(
    nodes, crews, works, law
):
    """After a common cause all repairs are new; after second failures one is not."""
    states, edges = explored(("", ()), one_room(nodes, crews, law.phases, works))
    true = defaultdict(float)
    for (cause, _), share in zip(states, long_run(states, edges), strict=True):
        true[cause] += share
    spec = ActivePassive(
        database=Node(mttf=2e4 * HOUR, mttr=law),
        failover=Failover(promotion=duration.exponential(1 / LEAD), coverage=works),
        sites=nodes * ("a",),
        crews=crews,
        common_cause=0.05,
    )
    found = {c: p for c, p in spec.model().downtime()["write"].items() if p}
    both = "both nodes down" if nodes == 2 else "all nodes down"
    found["nodes down"] = found.pop(both)
    del true[""]
    shares = {cause: share for cause, share in true.items() if share}
    assert found == pytest.approx(shares, rel=0.03, abs=1e-9)


def random_region(rng, k):
    """Two sites that are pairs or more, with constant times and laws that race."""
    crash = Failure(kind="process", mttf=90 * HOUR, mttr=100.0)
    inside = Failover(
        detection=rng.uniform(10, 300),
        promotion=rng.uniform(10, 300),
        coverage=0.9,
        retry=[None, 200.0][k % 2],
    )
    return ActiveActive(
        database=Node(mttf=rng.uniform(20, 80) * HOUR, mttr=rng.uniform(1, 4) * HOUR),
        failover=Failover(
            detection=rng.uniform(30, 300),
            redirection=[60.0, duration.uniform(0, 600)][k % 2],
            coverage=0.9,
            manual=HOUR,
        ),
        site=Site(mttf=500 * HOUR, mttr=6 * HOUR),
        region=Region(
            nodes=int(rng.integers(2, 4)),
            failover=inside,
            failures=[(), (crash,)][k % 2],
        ),
    )


def test_random_regions_agree_with_their_runs():
    rng = np.random.default_rng(7)
    found = []
    for k in range(4):
        spec = random_region(rng, k)
        run = simulate(spec, None, 12, rng)
        for operation, causes in spec.model().downtime().items():
            true = sum(causes.values())
            _, low, high = run.unavailability[operation]
            found.append(low <= true <= high)
            wide = high - low
            assert low - wide <= true <= high + wide, (spec, operation)
            assert operation == "read" or wide < true  # so that it can fail
    assert np.mean(found) >= 0.75


def test_a_rival_with_two_outcomes_is_one_rival_and_a_long_tail_has_a_rate():
    def rate(law, *rivals):
        events = [Event("redirection", Raced((law,)), "moved"), *rivals]
        part = Part(name="", start="", events=lambda _: events, view=str)
        return next(part.moves(""))[1]

    ways = [Event("repair", 100.0, to, share) for to, share in (("a", 0.3), ("b", 0.7))]
    first = np.exp(-1.0)
    assert rate(100.0, *ways) == pytest.approx(0.01 * first / (1 - first), rel=1e-12)
    assert rate(100.0, *ways, Event("never", 0, "c", 0)) == rate(100.0, *ways)
    rare = Event("repair", 1e12, "a")
    tail = duration.pareto(scale=100.0 / 3, alpha=1.5)
    assert rate(tail, rare) == pytest.approx(0.01, rel=1e-3)


def astray(share, works, hand, lead):
    """Two sites that a common cause strikes: up, or where their clients are."""
    fails, mended = 1 / (20_000 * HOUR), 1 / (4 * HOUR)

    def follows(state):
        for i, now in enumerate(state):
            if now == "up":
                yield put(state, i, "waiting"), fails * (1 - share)
            else:
                yield put(state, i, "up"), mended
            if now == "waiting":
                yield put(state, i, "led"), works / lead
                yield put(state, i, "astray"), (1 - works) / lead
            elif now == "astray":
                yield put(state, i, "led"), hand
        struck = tuple("waiting" if now == "up" else now for now in state)
        yield struck, fails * share

    return follows


def put(state, i, value):
    return (*state[:i], value, *state[i + 1 :])


@pytest.mark.parametrize(
    ("works", "more", "hand"),
    [
        (1, {}, 0.0),
        (0.9, {}, 0.0),
        (0.9, {"manual": HOUR}, 1 / HOUR),
        (0.9, {"retry": duration.exponential(HOUR)}, 0.9 / HOUR),
    ],
)
def test_clients_astray_after_a_common_cause_wait_for_their_own_site(works, more, hand):
    # no site is lost; an hour to lead away is half of the time until one is back
    slow = Failover(redirection=duration.exponential(HOUR), coverage=works, **more)
    sites = ActiveActive(
        database=Node(mttf=20_000 * HOUR, mttr=4 * HOUR),
        failover=slow,
        common_cause=0.1,
        resolution="home site",
    )
    found = assess(sites)
    follows = astray(0.1, works, hand, HOUR)
    states, edges = explored(("up", "up"), follows)
    law = dict(zip(states, long_run(states, edges), strict=True))
    out = {"waiting", "astray"}
    lost = {s for s in states if s[0] in out or (s[0] == "led" and s[1] != "up")}
    reads = sum(law[s] for s in lost)
    away = sum(law[s] for s in states if s[1] in out and s not in lost)
    assert found.read.unavailability == pytest.approx(reads, rel=5e-4)
    # a key has its home at either site: half of the writes wait for the other one
    assert found.write.unavailability == pytest.approx(reads + away / 2, rel=5e-4)


def electing(elect, lead, lost, back):
    """Three sites with a copy each, which fail as a whole, and their clients."""
    sites = range(3)

    def follows(state):
        clients, leader = state[:3], state[3]
        up = [i for i in sites if clients[i] == "home"]
        for i in sites:
            away = put(clients, i, "waiting" if i in up else "home")
            left = len(up) + (-1 if i in up else 1)
            now = leader if left > 1 else "none"
            if left > 1 and (leader == "none" or (i in up and leader == i)):
                now = "electing"
            yield (*away, now), lost if i in up else back
            if clients[i] == "waiting":
                yield (*put(clients, i, "led"), leader), 1 / lead
        if leader == "electing":
            for i in up:
                yield (*clients, i), 1 / elect / len(up)

    states, edges = explored(("home",) * 3 + (0,), follows)
    return list(zip(states, long_run(states, edges), strict=True))


def elected(elect, lead, lost, back):
    """The same, as it is assessed."""
    majority = Majority(
        database=Node(mttf=float("inf"), mttr=HOUR),
        failover=Failover(redirection=duration.exponential(lead)),
        election=duration.exponential(elect),
        copies=dict.fromkeys("ABC", 1),
        site=Site(mttf=1 / lost, mttr=1 / back),
    )
    return assess(majority)


@pytest.mark.parametrize("elect", [5.0, 90.0])
def test_an_election_that_begins_with_a_lost_site_runs_beside_the_way_out(elect):
    lead = 60.0
    law = electing(elect, lead, LOST, BACK)
    waits = sum(p for s, p in law if s[0] == "waiting")
    elections = sum(p for s, p in law if s[3] == "electing")
    both = sum(p for s, p in law if s[0] == "waiting" and s[3] == "electing")
    found = elected(elect, lead, LOST, BACK)
    ours = found.write.downtime_by_cause["failing over"]
    assert found.read.downtime_by_cause["failing over"] == pytest.approx(ours)
    # lost with the leader, and the shorter of two exponential times
    known = LOST / (1 + LOST / BACK) / 3 * lead * elect / (lead + elect)
    assert both == pytest.approx(known, rel=0.02)
    assert ours == pytest.approx(waits + elections - both, rel=0.01)


@pytest.mark.parametrize(("lead", "times"), [(60, 1), (300, 1), (60, 30), (10, 30)])
def test_a_site_that_is_mended_as_quickly_as_leaders_are_elected(lead, times):
    """Up to a tenth too short, as is said, and 0.3 % at thirty times as long."""
    elect, most = 5.0, {1: (0.08, 0.1), 30: (0, 0.003)}[times]
    quick = 1 / (1e6 * HOUR), 1 / (times * elect)
    law = electing(elect, lead, *quick)
    down = sum(p for s, p in law if s[0] == "waiting" or s[3] == "electing")
    found = elected(elect, lead, *quick).write.downtime_by_cause["failing over"]
    assert most[0] <= 1 - found / down <= most[1]


def staying(votes):
    """Copies whose leader stays where it was elected: the share of elections."""
    need, voters = sum(votes) // 2 + 1, range(len(votes))

    def follows(state):
        up, leader = state
        for i in voters:
            then = put(up, i, not up[i])
            if sum(v for v, on in zip(votes, then, strict=True) if on) < need:
                leads = "none"
            else:
                leads = "electing" if leader in {"none", i} else leader
            yield (then, leads), FAIL if up[i] else MEND
        if leader == "electing":
            for i in (left := [i for i in voters if up[i]]):
                yield (up, i), ELECT / len(left)

    states, edges = explored(((True,) * len(votes), 0), follows)
    law = zip(states, long_run(states, edges), strict=True)
    return sum(p for state, p in law if state[1] == "electing")


@pytest.mark.parametrize(
    ("votes", "more"), [((1, 1, 1), 0), ((2, 2, 1), 0), ((2, 1, 1), 0.15)]
)
def test_a_leader_that_stays_where_it_was_elected(votes, more):
    """Where one copy has half of the votes it is the leader more often than others."""
    names = "ABC"
    spec = Majority(
        database=NODE,
        failover=LED,
        election=duration.exponential(1 / ELECT),
        copies=dict.fromkeys(names, 1),
        votes=dict(zip(names, votes, strict=True)),
    )
    found = spec.downtime_by_cause["failing over"] / staying(votes)
    assert found == pytest.approx(1 + more, rel=3e-3)


def test_servers_and_database_lead_clients_away_each_by_itself():
    """Two sites whose balancer and database fail: one way to the other site, or two."""

    def follows(state):
        for i, (balancer, database, where) in enumerate(state):
            moves = [((not balancer, database), START if balancer else CRASH)]
            moves += [((balancer, not database), MEND if database else FAIL)]
            for broken, rate in moves:
                yield put(state, i, (*broken, clients_after(where, any(broken)))), rate
            for then, rate in led_away(where):
                yield put(state, i, (balancer, database, then)), rate

    states, edges = explored(((False, False, "home"),) * 2, follows)
    down = sum(
        p
        for (mine, other), p in zip(states, long_run(states, edges), strict=True)
        if mine[2] in WHILE or (mine[2] == "moved" and (other[0] or other[1]))
    )
    spec = ActiveActive(
        database=NODE, failover=LED, site=Site(balancers=Tier(node=SERVER, servers=1))
    )
    found = assess(spec)
    for operation in (found.read, found.write):
        assert 1e-7 < abs(operation.unavailability / down - 1) < CRASH / START


@pytest.mark.parametrize(
    ("repair", "more"),
    [
        (duration.constant(HOUR), {"redirection": HOUR / 4, "coverage": 1.0}),
        (duration.lognormal(mean=HOUR, cv=2), {"redirection": HOUR / 2}),
        (duration.uniform(0, 2 * HOUR), {"manual": duration.constant(HOUR / 4)}),
        (
            duration.lognormal(mean=HOUR, cv=2),
            {"redirection": duration.exponential(HOUR / 2), "manual": HOUR},
        ),
        (duration.constant(HOUR), {"coverage": 0.5, "retry": HOUR / 8}),
    ],
)
@pytest.mark.parametrize("place", ["database", "site", "balancer"])
def test_a_repair_of_any_law_races_the_way_to_another_site(repair, more, place):
    """Against draws of each loss by itself, and at the three places of a loss."""
    failover = Failover(**{"redirection": HOUR / 4, "coverage": 0.8} | more)
    fails = Node(mttf=9e4 * HOUR, mttr=repair)
    never = Node(mttf=1e15, mttr=1.0)
    site = {
        "database": Site(),
        "site": Site(mttf=fails.mttf, mttr=repair),
        "balancer": Site(balancers=Tier(node=fails, servers=1)),
    }[place]
    database = fails if place == "database" else never
    sites = ActiveActive(database=database, site=site, failover=failover)
    found = assess(sites)
    rng, n = np.random.default_rng(1), 200_000
    ends, led = repair.sample(n, rng), failover.redirection
    led = led.sample(n, rng) if hasattr(led, "sample") else np.full(n, led)
    works = rng.random(n) < failover.coverage
    by_hand = np.full(n, np.inf)
    if failover.retry is not None:
        by_hand = failover.retry * rng.geometric(failover.coverage, n)
    elif hasattr(failover.manual, "sample"):
        by_hand = failover.manual.sample(n, rng)
    elif failover.manual is not None:
        by_hand = rng.exponential(failover.manual, n)
    stuck = np.where(works, 0, np.minimum(np.maximum(ends - led, 0), by_hand))
    for cause, true in (
        ("failing over", np.minimum(ends, led)),
        ("failover did not work", stuck),
    ):
        width = 0.002 * np.mean(true) + 4 * np.std(true) / n**0.5
        for operation in (found.read, found.write):
            ours = operation.downtime_by_cause.get(cause, 0) * fails.mttf
            assert ours == pytest.approx(true.mean(), abs=width)


def test_a_repair_raced_with_the_way_out_is_the_same_played_and_exported():
    spec = ActiveActive(
        database=Node(mttf=100 * HOUR, mttr=duration.uniform(0, 2 * HOUR)),
        failover=Failover(redirection=HOUR / 2, coverage=0.7, manual=HOUR / 4),
    )
    played = simulate(spec, years=60, rng=3).unavailability["write"]
    assert played.high < 1.1 * played.low
    assert float(assess(spec).write.unavailability) in played
    part = next(leaf for leaf in spec.model().leaves() if leaf.name == "DC-1 data")
    process = process_of(part)
    for view, share in part.views().items():
        here = [shown == view for shown in process.views]
        assert float(process.law @ here) == pytest.approx(share, rel=2e-3)


def test_a_formula_of_a_common_cause_stays_short_and_arrays_may_hold_no_time():
    struck = ActiveActive(database=NODE, failover=LED, common_cause=0.1)
    span = sympy.Symbol("T", positive=True)
    slow = Failover(redirection=span, coverage=0.9, manual=HOUR)
    formula = sum(replace(struck, failover=slow).model().downtime()["write"].values())
    quick = replace(struck, failover=replace(slow, redirection=1.0))
    number = assess(quick).write.unavailability
    assert float(formula.subs(span, 1.0)) == pytest.approx(number, rel=1e-6)
    rows = replace(slow, redirection=np.array([0.0, 1.0]))
    both = assess(replace(struck, failover=rows)).write.unavailability
    assert both[1] == pytest.approx(number, rel=1e-12)
    none = assess(replace(struck, failover=replace(slow, redirection=0.0)))
    assert both[0] == pytest.approx(none.write.unavailability, rel=1e-8)


@pytest.mark.parametrize("works", [1.0, 0.8])
@pytest.mark.parametrize("elect", [0.0, 20.0, 60.0, 90.0])
@pytest.mark.parametrize("copies", [(1, 1, 1), (2, 2, 1)])
def test_a_leader_lost_with_a_site_costs_its_clients_the_longer_wait(
    copies, elect, works
):
    """A loss costs the way out, and each site its elections; the leader's site both."""
    lead, fails, back = 60, 3000 * HOUR, 10 * HOUR
    majority = Majority(
        database=Node(mttf=float("inf"), mttr=HOUR),
        failover=Failover(redirection=lead, coverage=works, manual=HOUR),
        election=duration.constant(elect),
        copies=dict(zip("ABC", copies, strict=True)),
        site=Site(mttf=fails, mttr=back),
    )
    ours = majority.model().downtime({"A": 1.0, "B": 0.0, "C": 0.0})["write"]
    led_at_a = copies[0] / sum(copies)
    beside = min(lead, elect) + (1 - works) * max(elect - lead, 0)
    true = (lead + elect - led_at_a * beside) / (fails + back)
    assert ours["failing over"] == pytest.approx(true, rel=0.012)  # all is seldom lost


def test_an_election_beside_the_way_out_is_the_same_played_exported_and_swept():
    majority = Majority(
        database=Node(mttf=float("inf"), mttr=HOUR),
        failover=Failover(redirection=60, coverage=0.8, manual=HOUR / 4),
        election=duration.uniform(30, 120),
        site=Site(mttf=30 * HOUR, mttr=duration.exponential(300)),
    )
    law = sum(majority.model().downtime()["write"].values())
    played = simulate(majority, years=6, rng=4).unavailability["write"]
    assert played.high < 1.1 * played.low
    assert law in played
    part = next(leaf for leaf in majority.model().leaves() if leaf.name == "leader")
    process = process_of(part)
    for view, share in part.views().items():
        here = [shown == view for shown in process.views]
        assert float(process.law @ here) == pytest.approx(share, rel=1e-5)
    times = np.array([30.0, 90.0])
    both = replace(majority, election=times).model().downtime()["write"]
    for time, found in zip(times, both["failing over"], strict=True):
        one = replace(majority, election=duration.constant(time)).model().downtime()
        assert found == pytest.approx(one["write"]["failing over"], rel=1e-9)
    symbol = sympy.Symbol("e", positive=True)
    formula = replace(majority, election=symbol).model().downtime()["write"]
    found = float(formula["failing over"].subs(symbol, 30.0))
    assert found == pytest.approx(both["failing over"][0], rel=3e-4)


def test_a_formula_of_elections_beside_lost_sites_is_short_and_near():
    majority = Majority(
        database=NODE,
        failover=Failover(redirection=30),
        site=Site(mttf=1 / LOST, mttr=1 / BACK),
    )
    symbol = sympy.Symbol("e", positive=True)
    formula = replace(majority, election=symbol).unavailability
    assert sympy.count_ops(formula) < 500
    for time, near in ((2.0, 1e-7), (60.0, 2e-5)):
        exact = replace(majority, election=time).unavailability
        found = float(formula.subs(symbol, time))
        assert 0 < found / exact - 1 < near


def places(lead, works, hand):
    """Where the clients of a site are, as shares of the time."""
    moves = {
        "home": [("waiting", LOST)],
        "waiting": [
            ("home", BACK),
            ("led", works * lead),
            ("stuck", lead - works * lead),
        ],
        "stuck": [("home", BACK), ("led", hand)],
        "led": [("home", BACK)],
    }
    states, edges = explored("home", moves.__getitem__)
    return dict(zip(states, long_run(states, edges), strict=True))


def short(reach, copies, weight, needed):
    """The chance that too few votes of the copies of some sites are up."""
    votes = {0: 1.0}
    for name in (n for n in reach for _ in range(copies[n])):
        after = defaultdict(float)
        for cast, p in votes.items():
            after[cast] += p * FAIL / (FAIL + MEND)
            after[cast + weight[name]] += p * MEND / (FAIL + MEND)
        votes = after
    return sum(p for cast, p in votes.items() if cast < needed)


def all_states(copies, serving, law, rule):
    """Each site up or lost, each client: the downtime by cause of all of them."""
    weight, needed, local = rule
    found = defaultdict(float)
    for me, ups in itertools.product(
        serving, itertools.product((True, False), repeat=len(copies))
    ):
        up = dict(zip(copies, ups, strict=True))
        rest = np.prod([law["home"] if u else 1 - law["home"] for u in ups])
        rest /= len(serving) * (law["home"] if up[me] else 1 - law["home"])
        enters = [me] if up[me] else [n for n in serving if up[n]]
        reach = enters[:1] if local else [n for n in copies if up[n]]
        where = ("home",) if up[me] else ("waiting", "stuck", "led")
        for place in where:
            share = law[place] * rest
            if place in WHILE:
                found[WHILE[place]] += share
            elif not enters:
                found["all sites down"] += share
            else:
                found["short"] += share * short(reach, copies, weight, needed)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_votes_witnesses_and_local_quorums_drawn_at_random(seed):
    """Up to nine copies at two to four sites, by all their states."""
    rng = np.random.default_rng(seed)
    copies = {name: int(rng.integers(1, 4)) for name in "abcd"[: 2 + seed % 3]}
    lead, works, hand = 1 / rng.uniform(60, 3600), rng.uniform(0.5, 1), 1 / HOUR
    given = {
        "database": NODE,
        "copies": copies,
        "site": Site(mttf=1 / LOST, mttr=1 / BACK),
        "failover": Failover(
            redirection=duration.exponential(1 / lead), coverage=works, manual=1 / hand
        ),
    }
    serving, local, weight = tuple(copies), seed % 4 == 1, dict.fromkeys(copies, 1)
    if seed % 2:
        scope = "local" if local else "any"
        most = min(copies.values()) if local else sum(copies.values())
        needed = int(rng.integers(1, most + 1))
        spec = Leaderless(
            **given, write_quorum=needed, read_quorum=1, write_to=scope, read_from=scope
        )
    else:
        weight = {name: int(rng.integers(0, 4)) for name in copies} | {"a": 1}
        needed = sum(weight[name] * n for name, n in copies.items()) // 2 + 1
        serving = serving[:-1] if len(copies) > 2 else serving
        witnesses = tuple(name for name in copies if name not in serving)
        spec = Majority(**given, votes=weight, witnesses=witnesses, election=1e-12)
    rule = weight, needed, local
    true = all_states(copies, serving, places(lead, works, hand), rule)
    ours = dict(spec.model().downtime()["write"])
    ours["short"] = ours.pop("no quorum", 0) + ours.pop("no majority", 0)
    for cause in true.keys() | ours.keys():
        assert ours.get(cause, 0) == pytest.approx(true[cause], rel=1e-8, abs=1e-14)


def reach_of(copies, nodes, out):
    """How many copies of the key with fewest left are up at a site, as a law."""
    found, rest = defaultdict(float), nodes - out
    for failed in range(rest + 1):
        ways = math.comb(rest, failed) * FAIL**failed * MEND ** (rest - failed)
        found[max(copies - failed - out, 0)] += ways / (FAIL + MEND) ** rest
    return found


def too_few(spec, here, up, out):
    """The chance that a write which enters at a site finds no quorum."""
    laws = [
        reach_of(n, spec.ring[name], out == name) if up[name] else {0: 1.0}
        for name, n in spec.copies.items()
    ]
    found, needed = 0.0, spec.write_quorum
    for each in itertools.product(*(law.items() for law in laws)):
        have = dict(zip(spec.copies, (n for n, _ in each), strict=True))
        least = {"any": sum(have.values()), "each": min(have.values())}
        if least.get(spec.write_to, have[here]) < needed:
            found += math.prod(p for _, p in each)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_rings_and_quorums_at_each_site_while_work_goes_on(seed):
    """Site by site, node by node and turn by turn: the share without a quorum."""
    rng = np.random.default_rng(seed)
    copies = {name: int(rng.integers(1, 4)) for name in "abc"[: 2 + seed % 2]}
    ring = {name: n + int(rng.integers(0, 3)) for name, n in copies.items()}
    scope = ("any", "each", "local")[seed % 3]
    most = sum(copies.values()) if scope == "any" else min(copies.values())
    work = Maintenance(every=rng.uniform(24, 900) * HOUR, takes=rng.uniform(0.1, 3))
    lead, works = 1 / rng.uniform(60, 3600), rng.uniform(0.5, 1)
    spec = Leaderless(
        database=NODE,
        copies=copies,
        ring=ring,
        keys="every",
        site=Site(mttf=1 / LOST, mttr=1 / BACK),
        failover=Failover(
            redirection=duration.exponential(1 / lead), coverage=works, manual=HOUR
        ),
        write_quorum=int(rng.integers(1, most + 1)),
        read_quorum=1,
        write_to=scope,
        maintenance=replace(work, takes=work.takes * HOUR),
    )
    turns = {None: spec.maintenance.every} | {
        name: spec.maintenance.takes * n for name, n in ring.items()
    }
    law, true = places(lead, works, 1 / HOUR), 0.0
    for me, ups in itertools.product(
        copies, itertools.product((True, False), repeat=len(copies))
    ):
        up = dict(zip(copies, ups, strict=True))
        if not any(ups):
            continue
        here = me if up[me] else next(name for name in copies if up[name])
        others = [up[name] for name in copies if name != me]
        share = law["home" if up[me] else "led"] / len(copies)
        share *= math.prod(law["home"] if u else 1 - law["home"] for u in others)
        for out, lasts in turns.items():
            part = lasts / sum(turns.values())
            true += share * part * too_few(spec, here, up, out)
    ours = spec.model().downtime()["write"]["no quorum"]
    assert ours == pytest.approx(true, rel=1e-9)
