"""Two nodes, an old primary that lives on, and attempts made again: one joint chain.

All times are exponential, so that nothing is left to a rule for races: a cut node is
back, a detection ends and an attempt begins by clocks that run side by side.  How many
old primaries still take writes is part of the state.
"""

import numpy as np
import pytest

import hamodel as ha
from hamodel.architectures import ActivePassive, Failure, Node, OldPrimary
from hamodel.duration import exponential
from hamodel.failover import Failover, Stalls
from hamodel.replication import Replication
from hamodel.units import DAY, HOUR

HOST, CUT = (300 * HOUR, 6 * HOUR), (200 * HOUR, 400.0)  # mttf, mttr
DETECTION, PROMOTION, RETRY, BY_HAND = 30.0, 40.0, 90.0, 900.0
COVERAGE, FENCED, STOPS, ASTRAY = 0.8, 0.7, 120.0, 0.25
STALL = 9 * DAY  # mean time between stalls that last for ever
MOST = 4  # old primaries at once: five are less likely than one in 1e16
WRITES, DELAY = 200.0, 0.05
MIDS = 5e-6  # the laws of races are tabulated, straight between their times


def spec(*, tries, crews):
    host, cut = (
        Failure(kind=kind, mttf=mttf, mttr=mttr)
        for kind, (mttf, mttr) in {"host": HOST, "network": CUT}.items()
    )
    return ActivePassive(
        database=Node(mttf=float("inf"), mttr=HOUR),
        failover=Failover(
            detection=exponential(DETECTION),
            promotion=exponential(PROMOTION),
            coverage=COVERAGE,
            retry=None if tries == 0 else exponential(RETRY),
            tries=tries or None,
            manual=exponential(BY_HAND) if tries else None,
        ),
        sites=("A", "A"),
        crews=crews,
        failures=(host, cut),
        stalls=Stalls(rate=1 / STALL, length=1e12),
        old_primary=OldPrimary(fenced=FENCED, stops=STOPS, astray=ASTRAY),
        replication=Replication(delay=DELAY),
    )


def moves(state, tries, crews):
    """Yield (next state, rate, what is counted).

    A state is what the service does, how its primary failed, what is wrong with the
    other node, how many attempts were made again, and the old primaries alive.  With
    tries None it is tried until one works, with 0 not again.
    """
    phase, kind, other, made, olds = state
    if olds:
        yield (phase, kind, other, made, olds - 1), olds / STOPS, ""
    crash, cut = 1 / HOST[0], 1 / CUT[0]
    heal = {"host": 1 / HOST[1], "cut": 1 / CUT[1]}
    if phase == "serving":
        if other:
            yield ("serving", "", "", 0, olds), heal[other], ""
            yield ("lost", "host", other, 0, olds), crash, ""
            yield ("lost", "cut", other, 0, olds), cut, ""
            return
        yield ("serving", "", "host", 0, olds), crash, ""
        yield ("serving", "", "cut", 0, olds), cut, ""
        yield ("demoting", "", "", 0, olds), 1 / STALL, ""
        for why, rate in (("host", crash), ("cut", cut)):
            yield ("detecting", why, "", 0, olds), rate * COVERAGE, ""
            failed = ("spoilt", why, why, 0) if tries == 0 else ("retrying", why, "", 1)
            yield (*failed, olds), rate * (1 - COVERAGE), ""
    elif phase in {
        "lost",
        "spoilt",
    }:  # the node that is back serves, the other stays as it is
        both = 2 if kind == other == "host" and crews == 1 else 1
        yield ("serving", "", other, 0, olds), heal[kind] / both, ""
        yield ("serving", "", kind, 0, olds), heal[other] / both, ""
    elif phase == "demoting":
        yield from promoted(olds, "", "stall")
    else:
        yield from failing_over(state, tries, heal["cut"])


BY_A_PERSON = {"hand 1": (DETECTION, "hand 2"), "hand 2": (BY_HAND, "hand 3")}


def failing_over(state, tries, heals):
    phase, kind, _, made, olds = state
    if kind == "cut" and phase != "switching":
        yield ("serving", "", "", 0, olds), heals, ""
    if phase == "retrying":
        yield ("detecting", kind, "", made, olds), COVERAGE / RETRY, ""
        more = ("hand 1" if made == tries else "retrying", kind, "")
        made = 1 if tries is None else min(made + 1, tries)
        yield (*more, made, olds), (1 - COVERAGE) / RETRY, ""
    elif phase == "detecting":
        yield ("switching", kind, "", made, olds), 1 / DETECTION, ""
    elif phase in BY_A_PERSON:
        time, after = BY_A_PERSON[phase]
        yield (after, kind, "", made, olds), 1 / time, ""
    else:  # "switching", or the last that a person waits for
        yield from promoted(olds, kind, kind)


def promoted(olds, other, why):
    """Yield how the standby takes over: a cut or stalled primary may live on."""
    alive = 0 if why == "host" else 1 - FENCED
    to = ("serving", "", other, 0)
    yield (*to, olds), (1 - alive) / PROMOTION, why
    if alive:
        yield (*to, min(olds + 1, MOST)), alive / PROMOTION, why


def solved(tries, crews):
    """Return the share of time in each state, and how often what is counted comes."""
    start = ("serving", "", "", 0, 0)
    states, edges = [start], []
    for state in states:
        for to, rate, why in moves(state, tries, crews):
            if to not in states:
                states.append(to)
            edges.append((states.index(state), states.index(to), rate, why))
    q = np.zeros((len(states), len(states)))
    for i, j, rate, _ in edges:
        q[j, i] += rate
        q[i, i] -= rate
    q[0] = 1.0
    shares = np.linalg.solve(q, np.eye(len(states))[0])
    often = dict.fromkeys(("host", "cut", "stall"), 0.0)
    for i, _, rate, why in edges:
        if why:
            often[why] += shares[i] * rate
    return dict(zip(states, shares, strict=True)), often


def cause(phase):
    if phase in {"detecting", "switching"}:
        return "failing over"
    return WORDS.get(phase, "failover did not work")


WORDS = {"demoting": "false failover", "lost": "both nodes down", "serving": ""}


@pytest.mark.parametrize("crews", [1, 2])
@pytest.mark.parametrize("tries", [None, 2, 0])
def test_causes_and_lost_writes_are_those_of_the_joint_chain(tries, crews):
    shares, often = solved(tries, crews)
    down, well, taking = {}, 0.0, 0.0
    for (phase, _, other, _, olds), share in shares.items():
        down[cause(phase)] = down.get(cause(phase), 0.0) + share
        well += share * (phase == "serving" and not other)
        taking += share * olds
    del down[""]
    made = spec(tries=tries, crews=crews)
    assert {c: v for c, v in made.downtime_by_cause.items() if v} == pytest.approx(
        down, rel=1e-9
    )
    found = ha.assess(made, ha.Workload(writes=WRITES, reads=1))
    mean = (down["failing over"] + down["failover did not work"]) / well
    assert found.outage.mean == pytest.approx(
        mean / (1 / HOST[0] + 1 / CUT[0]), rel=MIDS
    )
    lost = found.lost_writes
    found = lost.by_failure
    split = found["split brain"]
    assert split.events * split.writes == pytest.approx(
        WRITES * ASTRAY * taking, rel=1e-9
    )
    for name, why in (("host", "host"), ("network", "cut")):
        assert found[name].events == pytest.approx(often[why], rel=1e-9)
    taken = sum(loss.per_year for loss in found.values() if not loss.kept)
    assert lost.per_year == pytest.approx(taken, rel=1e-12)
