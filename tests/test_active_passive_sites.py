"""A pair over two sites, of which each may be lost, written out on its own.

One detection serves the clients of the primary's site and the failover, and works for
both or for neither.  Nothing here is shared with the package's rules.
"""

from dataclasses import replace

import numpy as np
import pytest

import hamodel as ha
from hamodel import markov
from hamodel.architectures import Replica
from hamodel.failover import Failback, Switchover
from hamodel.units import HOUR

LOST, BACK = 1 / (300 * HOUR), 1 / (5 * HOUR)
SEEN, LED, PROMOTED, HAND, WORKS = 40.0, 20.0, 90.0, 1800.0, 0.8
AWAY, TAKES = 1 / (SEEN + LED), 1 / PROMOTED  # led away; then promoted
FINISHED = 1 / (SEEN + LED + PROMOTED + HAND)

PAIR = ha.ActivePassive(
    database=ha.Node(mttf=float("inf"), mttr=HOUR),
    failover=ha.Failover(
        detection=SEEN, promotion=PROMOTED, redirection=LED, coverage=WORKS, manual=HAND
    ),
    site=ha.Site(mttf=1 / LOST, mttr=1 / BACK),
)


def put(clients, site, where):
    return tuple(where if k == site else c for k, c in enumerate(clients))


def lone(clients):
    """Clients of a lost site while no failover runs: led away, or by hand."""
    for site, where in enumerate(clients):
        if where == "waiting":
            yield put(clients, site, "moved"), WORKS * AWAY
            yield put(clients, site, "stuck"), (1 - WORKS) * AWAY
        elif where == "stuck":
            yield put(clients, site, "moved"), 1 / HAND


def follows(state):
    """Where a pair goes: (phase, site of the primary, clients of each site)."""
    phase, at, clients = state
    other = 1 - at
    if phase == "leads":
        yield ("promotes", at, put(clients, at, "moved")), AWAY
    elif phase == "promotes":
        yield ("serves", other, clients), TAKES
    elif phase == "by hand":
        yield ("serves", other, put(clients, at, "moved")), FINISHED
        if clients[at] == "stuck":
            yield ("by hand", at, put(clients, at, "moved")), 1 / HAND
    else:
        for after, rate in lone(clients):
            yield (phase, at, after), rate
        yield from sites(phase, at, clients)


def sites(phase, at, clients):
    """How sites are lost and come back while no failover runs."""
    other = 1 - at
    if phase == "none":
        for site in (0, 1):
            yield ("serves", site, put(clients, site, "home")), BACK
    elif clients[other] == "home":
        yield ("leads", at, put(clients, at, "waiting")), WORKS * LOST
        yield ("by hand", at, put(clients, at, "stuck")), (1 - WORKS) * LOST
        yield ("serves", at, put(clients, other, "waiting")), LOST
    else:
        yield ("none", at, put(clients, at, "waiting")), LOST
        yield ("serves", at, put(clients, other, "home")), BACK


def fails(state, operation):
    """Share of the requests that nobody answers."""
    phase, _, clients = state
    if phase == "none" or (operation == "write" and phase != "serves"):
        return 1.0
    return sum(c in {"waiting", "stuck"} for c in clients) / 2


def by_hand(operation):
    states, waiting = {}, [("serves", 0, ("home", "home"))]
    while waiting:
        state = waiting.pop()
        if state not in states:
            states[state] = len(states)
            waiting += [after for after, _ in follows(state)]
    rates = np.zeros((len(states), len(states)))
    for state, k in states.items():
        for after, rate in follows(state):
            rates[k, states[after]] += rate
    law = markov.steady_state(rates)
    return law @ [fails(state, operation) for state in states]


@pytest.mark.parametrize("operation", ["read", "write"])
def test_one_site_loss_is_detected_once(operation):
    found = getattr(ha.assess(PAIR), operation).unavailability
    assert found == pytest.approx(by_hand(operation), rel=1e-9)


def test_writes_wait_for_one_failover_not_for_the_later_of_two():
    """Without second losses and by hand: the failover's mean, and never more."""
    failover = replace(PAIR.failover, coverage=1, manual=None)
    rare = replace(PAIR, failover=failover, site=ha.Site(mttf=1e12, mttr=HOUR))
    # of a lost primary's site all writes wait; of the other's, its clients are led away
    expected = (SEEN + LED + PROMOTED + (SEEN + LED) / 2) / 1e12
    down = ha.assess(rare).write.unavailability
    assert down == pytest.approx(expected, rel=1e-6)


def test_a_played_life_agrees():
    run = ha.simulate(PAIR, None, 400, np.random.default_rng(5))
    for operation in ("read", "write"):
        assert by_hand(operation) in run.unavailability[operation]


@pytest.mark.parametrize("preferred", [0, 1])
@pytest.mark.parametrize("sites", ["AB", "ABC", "AABB"])
def test_what_clients_of_one_site_see_is_in_the_whole_chain(sites, preferred):
    """Sites that are alike are counted once: not where the service returns to one."""
    home = Failback(resync=HOUR, switchover=Switchover(drain=10.0))
    ranks = [preferred * (i == 0) for i in range(len(sites))]
    spec = ha.ActivePassive(
        database=ha.Node(mttf=300 * HOUR, mttr=6 * HOUR),
        failover=ha.Failover(detection=600.0, redirection=300.0, coverage=0.9),
        replicas=[
            Replica(site=s, priority=p) for s, p in zip(sites, ranks, strict=True)
        ],
        site=ha.Site(mttf=900 * HOUR, mttr=20 * HOUR),
        failback=home if preferred else None,
    )
    model = spec.model()
    whole = replace(model, parts=[replace(p, seen_from=None) for p in model.parts])
    for site in sorted(set(sites)):
        for operation in ("read", "write"):
            seen, exact = (m.downtime({site: 1.0})[operation] for m in (model, whole))
            assert seen == pytest.approx(exact, rel=1e-9, abs=1e-15)
