"""Laws of times and of planned work, and rates of alerts: each against an integral."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import integrate, special, stats

from hamodel import duration, markov
from hamodel.architectures import Event, Node, Part, SinglePrimary
from hamodel.architectures._events import Stages
from hamodel.assessment import BurnRate, _any_missed, assess
from hamodel.assessment._adding import Atom
from hamodel.assessment._calendar import Calendar
from hamodel.assessment._jumps import Jumps
from hamodel.assessment._kinds import Pairs, Visits
from hamodel.assessment._laws import (
    NARROW,
    ends_of,
    law_of,
    left_of,
    outlasting,
    transform,
)
from hamodel.assessment._visits import Clock, Moves, _ages, process_of
from hamodel.assessment._whole import Whole
from hamodel.assessment.alerts import _LEVELS, Costs
from hamodel.assessment.budget import Chance, Downtime
from hamodel.units import DAY, HOUR

UNIFORM = duration.uniform(0, 2)
GAMMA = duration.gamma(mean=3.0, cv=0.5)


# ---- what is left of a time that has run -------------------------------------------


@pytest.mark.parametrize("law", [UNIFORM, GAMMA, duration.uniform(1, 4)])
@pytest.mark.parametrize("age", [0.02, 0.3, 0.99, 0.9999])
def test_what_is_left_of_a_time_that_has_run_for_an_exponential_one(law, age):
    """Of those times that were longer: the age is so much of the mean, on average."""
    mean, age = float(law.mean), age * float(law.mean)
    pace = 1 / age - 1 / mean
    left = left_of(law, age)

    def beyond(t):
        end = float(law.quantile(1 - 1e-13))
        if pace * mean > 10:  # it is taken as it is
            return float(law.sf(age + t))
        points = np.clip(law.quantile([1e-9, 0.1, 0.5, 0.9]) - t, 0.0, end)
        found = integrate.quad(
            lambda a: math.exp(-pace * a) * float(law.sf(a + t)), 0, end, points=points
        )
        return found[0]

    for t in (0.0, 0.1 * mean, 0.5 * mean, mean, 1.3 * mean):
        expected = beyond(t) / beyond(0.0)
        assert left.sf(t) == pytest.approx(expected, rel=2e-3, abs=1e-6)


def test_a_time_that_has_hardly_run_is_the_time():
    assert left_of(UNIFORM, 0.0009) is UNIFORM
    assert left_of(UNIFORM, 0.0011) is not UNIFORM
    memory = duration.exponential(3.0)
    assert left_of(memory, 2.0) is memory
    assert law_of(memory) is None


# ---- the gamma laws that stand for a law -------------------------------------------


def test_stages_are_transformed_one_by_one():
    """A constant, an exponential and a uniform time, at a table of complex points."""
    stages = Stages((5.0, duration.exponential(2.0), UNIFORM))
    s = np.array([[0.0, 0.1, 3.0], [0.2 + 1j, 7.0, 0.01]])
    value, change = transform(stages, s)
    uniform, slope = transform(UNIFORM, s)
    long = (1 + 5 * s / 1024) ** -1024.0
    once = 1 / (1 + 2 * s)
    assert value == pytest.approx(long * once * uniform, rel=1e-11)
    each = -5 / (1 + 5 * s / 1024) - 2 * once + slope / uniform
    assert change == pytest.approx(value * each, rel=1e-11)
    assert transform(UNIFORM, 0.7)[0] == pytest.approx(-np.expm1(-1.4) / 1.4, rel=1e-3)


@pytest.mark.parametrize("law", [UNIFORM, GAMMA, duration.lognormal(mean=2.0, cv=0.8)])
def test_a_mixture_has_the_mean_and_the_variance_of_its_law(law):
    """By derivatives along a circle around 0."""
    turns = np.exp(2j * np.pi * np.arange(16) / 16) * 0.05 / law.mean
    value, change = transform(law, turns)
    assert np.mean(value) == pytest.approx(1, abs=1e-12)
    assert -np.mean(change).real == pytest.approx(law.mean, rel=1e-9)
    second = np.mean(change / turns).real
    assert second - law.mean**2 <= law.var * (1 + 1e-9)
    assert second - law.mean**2 == pytest.approx(law.var, rel=2e-3)


def test_between_its_ends_a_law_that_is_transformed_has_all_but_nothing():
    low, high = ends_of(Stages((5.0, 3.0)))
    assert low < 8 < high
    for mean in (5.0, 3.0):
        stood = stats.gamma(1024, scale=mean / 1024)
        assert stood.cdf(mean * low / 8) + stood.sf(mean * high / 8) < 1e-16
    assert high - low < 8
    assert ends_of(duration.exponential(2.0)) == (0.0, math.inf)
    assert ends_of(duration.uniform(4, 6))[0] > 2.5


# ---- what adds downtime ------------------------------------------------------------


@pytest.mark.parametrize("horizon", [0.5, 3.0, 5.5, 7.0, 8.0, 11.5, 70.25])
def test_work_by_the_calendar_from_every_moment(horizon):
    """A cycle of 7, of which 2 fail a quarter: begun at 100,000 moments of it."""
    work = Calendar(
        cycle=7.0,
        starts=np.array([5.0]),
        lengths=np.array([2.0]),
        fails=np.array([0.25]),
        laws=(None,),
    )
    begin = (np.arange(100_000) + 0.5) * 7 / 100_000

    def worked(until):  # within (0, until) of cycles that begin with the pause
        return np.floor(until / 7) * 2 + np.maximum(until % 7 - 5, 0)

    lost = worked(begin + horizon) - worked(begin)
    kill = 0.25 * np.array([[0.3], [0.7 + 2j], [4.0]])
    alive = np.exp(-kill * lost).mean(axis=1)
    assert np.exp(-work.exponent(kill, horizon)) == pytest.approx(alive, rel=1e-4)
    none = np.mean(lost == 0)
    never = work.never(horizon)
    assert math.exp(-never) == pytest.approx(none, abs=2e-5)
    assert work.mean == pytest.approx(0.25 * lost.mean() / horizon, rel=1e-4)


def test_a_chain_that_is_never_down_in_a_period():
    rates = np.array([[0.0, 0.01, 0.02], [0.5, 0.0, 0.0], [0.1, 0.1, 0.0]])
    law = markov.steady_state(rates)
    chain = Whole(rates=rates, law=law, fails=np.array([0.0, 0.5, 1.0]))
    assert math.exp(-chain.never(20.0)) == pytest.approx(law[0] * math.exp(-0.6))
    assert chain.mean == pytest.approx(law[1] / 2 + law[2])
    kill = np.array([[1e30, 1e30, 1e30]], complex)  # dead for sure
    assert 36 < chain.exponent(kill, 20.0)[0].real < 37
    down = Whole(rates=rates, law=np.array([0.0, 0.5, 0.5]), fails=chain.fails)
    assert down.never(1.0) == math.inf


@pytest.mark.parametrize("horizon", [0.1, 3.0, 50.0])
def test_pairs_of_a_period_are_an_integral(horizon):
    """What follows a beginning fades with time: so many more until the end."""
    pairs = Pairs(rates=np.array([[2.0]]), lasts=3.0)
    more = integrate.quad(lambda t: 2 * -math.expm1(-(horizon - t) / 3), 0, horizon)
    assert pairs.within(horizon)[0, 0] == pytest.approx(more[0], rel=1e-9)


def test_a_clock_that_leads_back_to_its_state_starts_anew():
    """A restart of a minute fails half of the time, and is tried again."""

    def events(works):
        if works:
            yield Event("failure", 1000.0, False)
        else:
            yield Event("restart", duration.constant(60.0), True, 0.5)
            yield Event("restart", duration.constant(60.0), False, 0.5)

    found = process_of(Part(name="node", start=True, events=events, view=bool))
    down = found.views.index(False)
    assert found.law[down] == pytest.approx(120 / 1120, rel=1e-9)
    assert found.entries[down] == pytest.approx(2 / 1120, rel=1e-9)


@pytest.mark.parametrize("other", [UNIFORM, duration.uniform(1, 4)])
def test_a_clock_runs_on_only_where_its_law_is_the_same(other):
    """A repair that another failure finds on its way; of another law it starts anew."""

    def events(state):
        if state == "up":
            yield Event("failure", 1000.0, "down")
        else:
            yield Event("repair", UNIFORM if state == "down" else other, "up")
        if state == "down":
            yield Event("worse", 3.0, "worst")

    found = process_of(Part(name="node", start="up", events=events, view=str))
    clock = found.moves.clocks[found.views.index("worst")]
    assert (clock.law is other) == (other is not UNIFORM)


def test_a_clock_is_as_old_as_the_states_through_which_it_ran():
    """A repair runs on as a second one fails, and begins anew once it is over."""
    fail, also, mend = 0.01, 0.03, 0.25
    rates = np.array([[0, fail, 0], [mend, 0, also], [0, mend, 0]])
    law = markov.steady_state(rates)
    clock = [
        {},
        {"repair": Clock(law=UNIFORM, rate=mend, goals=np.eye(3)[0])},
        {"repair": Clock(law=UNIFORM, rate=mend, goals=np.eye(3)[1])},
    ]
    ages = _ages("repair", clock, rates, law)
    assert ages == pytest.approx([0, 0, 1 / (mend + also)], rel=1e-12)
    # where something else may lead back as often, it runs on that way, too
    rates[2, 1] = 2 * mend
    law = markov.steady_state(rates)
    ages = _ages("repair", clock, rates, law)
    back, new = law[2] * mend, law[0] * fail + law[2] * mend
    one = back / (back + new)  # of those that come to the first state
    here, then = 1 / (mend + also), 1 / (2 * mend)
    exact = one * (here + then) / (1 - one)
    assert ages[1:] == pytest.approx([exact, exact + here], rel=1e-12)


@pytest.mark.parametrize("least", [True, False])
def test_what_three_at_a_time_tell_has_the_truth_at_an_end(least, monkeypatch):
    """Of forty months four journeys miss some: the last shares one with the third.

    If it is one that the first misses too, the most is true; if not, the least.
    """
    misses = {1: {*range(12)}, 2: {*range(12, 22)}, 3: {*range(22, 30)}}
    misses[4] = {0, 1, 12, 13, 39}
    misses[4 if least else 3].add(22 if least else 0)

    def any_of(_joint, _budgets, places, _singles, _horizon):
        return Chance(len(set().union(*(misses[k] for k in places))) / 40, 0.0)

    monkeypatch.setattr(_any_missed, "_missed", any_of)
    alone = {k: Chance(len(months) / 40, 0.0) for k, months in misses.items()}
    found = _any_missed._between(None, None, alone, 1.0)
    off = found.probability - len(set().union(*misses.values())) / 40
    half = found.error * found.probability
    assert off == pytest.approx(half if least else -half, rel=1e-9)
    assert half == pytest.approx(0.5 / 40)


def _visits(kinds, mean=600.0, often=1e-5):
    """Visits of one exponential length, of which each kind is as frequent."""
    n = len(kinds)
    moves = Moves(rates=np.column_stack([np.zeros((n, n)), np.full(n, 1 / mean)]))
    begins = np.full(n, often)
    return Visits(moves=moves, begins=begins, entries=begins, fails=np.array(kinds))


def test_any_of_two_journeys_that_have_nothing_in_common():
    """Each misses by itself, or half of one and the other, or none at all."""
    day, rows = DAY, np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])

    def chances(kinds, base, budgets):
        joint = _any_missed.Joint(
            base=np.array(base),
            kinds=rows,
            streams=tuple((_visits([float(kind)]), 1) for kind in kinds),
            error=0.0,
            missed=0.0,
        )
        singles = [
            Downtime(
                base=base[k],
                streams=tuple((_visits([rows[kind, k]]), 1) for kind in kinds),
            ).miss(budgets[k], day)
            for k in (0, 1)
        ]
        return _any_missed.missed_any(joint, np.array(budgets), singles, day), singles

    found, (one, other) = chances([1, 2], [0.0, 0.0], [0.01, 0.02])
    assert 0.05 < other.probability < one.probability
    both = 1 - (1 - one.probability) * (1 - other.probability)
    assert found.probability == pytest.approx(both, rel=1e-3)
    found, (one, other) = chances([1], [0.0, 0.0], [0.01, 0.02])  # the second never
    assert found.probability == pytest.approx(one.probability, rel=1e-9)
    for base in ([0.015, 0.0], [0.0, 0.03], [0.05, 0.05]):  # one of them always
        assert chances([1, 2], base, [0.01, 0.02])[0] == (1.0, 0.0)
    none, _ = chances([1, 2], [0.0, 0.0], [1.5, 2.0])  # beyond all that there is
    assert none.probability < 1e-9


def test_what_is_missed_adds_to_the_error_as_often_as_it_comes():
    law = Downtime(base=0.0, streams=((_visits([1.0]), 1),))
    p, off = law.miss(0.01, DAY)
    missed, more = replace(law, missed=3e-8).miss(0.01, DAY)
    assert missed == p
    assert more - off == pytest.approx(3e-8 * DAY / p, rel=1e-6)


# ---- alerts ------------------------------------------------------------------------


def test_a_visit_costs_what_it_burns_fast_enough():
    """Two kinds of visits, one fails all and one a tenth; both last a minute."""
    moves = Moves(rates=np.array([[0.0, 0.0, 1 / 60], [0.0, 0.0, 1 / 60]]))
    begins = np.array([1e-6, 4e-6])
    two = Visits(moves=moves, begins=begins, entries=begins, fails=np.array([1.0, 0.1]))
    fast, every = (Costs([(two, 3)], burn=burn) for burn in (0.5, 0.05))
    assert Costs([(two, 3)], burn=1.0).above(1.0) == 0
    for x in _LEVELS[[5, 32, 56, 69, 77]]:  # from 0.02 to 600 s; a line in between
        one, other = 3e-6 * math.exp(-x / 60), 12e-6 * math.exp(-x / 6)
        assert fast.above(x) == pytest.approx(one, rel=1e-4)
        assert every.above(x) == pytest.approx(one + other, rel=1e-4)
    assert fast.above(0.0) == pytest.approx(3e-6, rel=1e-3)
    assert fast.above(2e6) == 0


def down_longer(x, window, mttf, mttr):
    """P(downtime of a window > x) of a node, by how often it fails while it is up."""
    n, x = np.arange(40), x[:, None]
    up = (window - x) / mttf
    fails = np.exp(-up) * up**n / special.factorial(n)
    ended = special.pdtr(n, x / mttr)  # fewer repairs than that within x
    from_up = (fails[:, 1:] * ended[:, :-1]).sum(axis=1)
    from_down = (fails * ended).sum(axis=1)
    return (mttf * from_up + mttr * from_down) / (mttf + mttr)


@pytest.mark.parametrize("short", [DAY, DAY / 2, HOUR])
def test_an_alert_fires_as_the_sum_over_what_windows_hold(short):
    """Written out: N is exponential, and what a window holds is a sum of repairs."""
    mttf, mttr = 40 * HOUR, 120.0
    alert = BurnRate(factor=4, long=DAY, short=short)
    found = assess(SinglePrimary(database=Node(mttf=mttf, mttr=mttr)))
    least, most = (4e-3 * window for window in (short, DAY))

    def held(window, top):
        if window <= 0:
            return [0.0], [1.0]
        levels = np.linspace(0, top, 161)
        beyond = down_longer(levels, window, mttf, mttr)
        inside = [1 - beyond[0], *-np.diff(beyond), beyond[-1]]
        return [0.0, *((levels[1:] + levels[:-1]) / 2), top], inside

    expected = 0.0
    for p, chance in zip(*held(short, least), strict=True):
        for q, other in zip(*held(DAY - short, most), strict=True):
            if p < least or p + q < most:
                lacks = max(most - p - q, least - p)
                expected += chance * other * math.exp(-lacks / mttr) / (mttf + mttr)
    assert found.alert_rate(alert, 0.999) == pytest.approx(expected, rel=0.012)


TWO = {  # in a cycle of 12 s, which begins within the calm: 2 s, a gap, 1 s and 1.5 s
    "cycle": 12.0,
    "starts": np.array([3.0, 7.0, 8.0]),
    "lengths": np.array([2.0, 1.0, 1.5]),
    "fails": np.array([0.25, 0.5, 1.0]),
}


@pytest.mark.parametrize("horizon", [0.4, 2.5, 6.0, 12.0, 13.0, 31.5])
def test_several_stages_of_the_calendar_from_every_moment(horizon):
    work = Calendar(**TWO, laws=(None, None, None))
    ends, n = TWO["starts"] + TWO["lengths"], 60_000
    begin = (np.arange(n) + 0.5) * 12 / n
    lost = np.zeros((n, 3))
    for k in range(5):  # cycle by cycle
        low, high = TWO["starts"] + 12 * k, ends + 12 * k
        over = np.minimum(begin[:, None] + horizon, high)
        over -= np.maximum(begin[:, None], low)
        lost += np.maximum(over, 0.0)
    s = np.array([0.2, 0.9 + 2j, 3.0])
    alive = np.exp(-np.multiply.outer(s, lost @ TWO["fails"])).mean(axis=1)
    found = work.exponent(s[:, None] * TWO["fails"], horizon)
    assert np.exp(-found) == pytest.approx(alive, rel=1e-4)
    assert work.mean == pytest.approx((0.5 + 0.5 + 1.5) / 12, rel=1e-12)
    none = np.mean(lost.sum(axis=1) == 0)
    assert math.exp(-work.never(horizon)) == pytest.approx(none, abs=1e-4)
    # downtimes of one length: those that a moment later are the same
    cost = lost @ TWO["fails"]
    still = np.abs(np.roll(lost, -1, axis=0) - lost).max(axis=1) < 1e-9
    for each, likely in work.atoms(horizon).sure:
        assert likely == pytest.approx(
            np.mean(still & (np.abs(cost - each) < 1e-6)), abs=2e-4
        )
    assert sum(p for _, p in work.atoms(horizon).sure) == pytest.approx(
        np.mean(still), abs=5e-4
    )


def test_stages_of_the_calendar_that_are_random_last_as_their_laws_say():
    """The period is three cycles: whatever its start, each stage comes three times."""
    law = duration.gamma(mean=1.0, cv=0.5)
    work = Calendar(**TWO, laws=(None, law, None))
    s = np.array([0.2, 0.9 + 2j, 3.0])
    sure = 0.25 * 2 + 1.0 * 1.5
    exact = np.exp(-3 * s * sure) * (1 + 0.5 * s / 4) ** (-4 * 3)
    found = np.exp(-work.exponent(s[:, None] * TWO["fails"], 36.0))
    # where it begins or ends within a stage, that one is of two parts
    assert found == pytest.approx(exact, rel=5e-3)
    assert work.never(36.0) == math.inf
    calm = work.never(2.0)  # P(no stage within 2 s): pauses of 5.5 s and 2 s
    assert math.exp(-calm) == pytest.approx(3.5 / 12, abs=0.02)


def test_a_run_of_stages_of_the_calendar_burns_what_they_cost_together():
    """Stages that join count as one; of a random one its law."""
    sure = Calendar(**TWO, laws=(None, None, None))
    for x, burn, often in (
        (0.49, 0.1, 2),
        (0.51, 0.1, 1),
        (1.99, 0.1, 1),
        (2.01, 0.1, 0),
        (1.4, 0.7, 1),
        (1.6, 0.7, 0),
        (1.0, 0.3, 1),
        (0.1, 1.0, 0),
    ):
        assert sure.above(x, burn) == pytest.approx(often / 12, rel=1e-12), (x, burn)
    law = duration.gamma(mean=1.0, cv=0.5)
    some = Calendar(**TWO, laws=(None, law, None))
    for x in (1.6, 2.0, 3.0):  # 1.5 s for sure, and half of the random one
        assert some.above(x, 0.3) == pytest.approx(law.sf((x - 1.5) / 0.5) / 12)
    mean = Calendar(**TWO, laws=(None, None, duration.exponential(1.5)))
    assert mean.above(2.0, 0.3) == pytest.approx(math.exp(-1) / 12)


# ---- times that outlast others -----------------------------------------------------


@pytest.mark.parametrize("other", [duration.uniform(0, 4), duration.exponential(2.0)])
@pytest.mark.parametrize(
    "law", [duration.gamma(mean=3.0, cv=0.5), duration.uniform(1, 5)]
)
def test_what_is_left_of_a_time_that_is_longer_than_another(law, other):
    """Mean over 200,000 parts of the other time, each as likely."""
    levels = (np.arange(200_000) + 0.5) / 200_000
    ages = other.quantile(levels)
    share, left = outlasting(law, other)
    assert share == pytest.approx(np.mean(law.sf(ages)), rel=2e-3)
    for t in (0.5, 1.5, 3.0):
        exact = np.mean(law.sf(ages + t)) / np.mean(law.sf(ages))
        assert left.sf(t) == pytest.approx(exact, rel=0.01)
    assert left.mean == pytest.approx(
        np.mean(law.law.excess(ages)) / np.mean(law.sf(ages)), rel=3e-3
    )
    memoryless = duration.exponential(3.0)
    share, left = outlasting(memoryless, other)
    assert left is memoryless
    assert share == pytest.approx(np.mean(np.exp(-ages / 3)), rel=2e-3)


# ---- sums of constant costs --------------------------------------------------------


@pytest.mark.parametrize("x", [20.0, 45.0, 61.0])
def test_sums_of_constant_costs_that_are_near_are_all_that_there_are(x):
    """Two costs and a calendar of two, each number of visits in turn."""
    costs, often = np.array([17.0, 5.0]), np.array([0.8, 2.5])
    fixed = {0.0: 0.7, 11.0: 0.3}

    def atom(cost, rate):
        return Atom(cost, lambda s: rate * (1 + s * cost / NARROW) ** -NARROW)

    kinds = tuple(((1, atom(c, r)),) for c, r in zip(costs, often, strict=True))
    planned = SimpleNamespace(
        fails=np.array([0.25, 0.5]),
        exponent=lambda kill, horizon: kill @ [0.003, 0.002] * horizon,
    )
    jumps = Jumps(
        fixed=((planned, 2),),
        sure=np.array([*fixed.items()]),
        costs=costs,
        often=often,
        kinds=kinds,
    )
    near, wanted = jumps.near(x), {}
    ways = [stats.poisson.pmf(range(40), mean).tolist() for mean in often]
    for first, p in fixed.items():
        for n in range(40):
            for m in range(40):
                total = first + 17 * n + 5 * m
                likely = p * ways[0][n] * ways[1][m]
                wide = 6 * ((n * 17**2 + m * 5**2) / NARROW) ** 0.5
                if abs(total - x) < (wide if n or m else 0.25 * x) and total:
                    wanted[first, n, m] = likely
    seen = {
        (sorted(fixed)[which], n, m): p
        for (which, m, n), p in zip(near.counts.tolist(), near.likely, strict=True)
    }
    total = sum(wanted.values())
    assert sum(seen.values()) == pytest.approx(total, rel=1e-4)
    for key, likely in seen.items():
        assert likely == pytest.approx(wanted[key], rel=1e-9)
    for key, cost in zip(seen, near.costs, strict=True):
        assert cost == pytest.approx(key[0] + 17 * key[1] + 5 * key[2])
    s, rest = np.array([0.02, 0.05 + 0.3j]), np.array([0.1, 0.2 + 0.1j])
    smooth = sum(
        p * np.exp(-s * first)
        * (1 + s * 17 / NARROW) ** (-NARROW * n)
        * (1 + s * 5 / NARROW) ** (-NARROW * m)
        for (first, n, m), p in seen.items()
    )  # fmt: skip
    found = jumps.smoothed(s, rest, near)
    assert found == pytest.approx(near.likely.sum() - np.exp(-rest) * smooth, rel=1e-9)
    alive = jumps.rest(s, np.array([3.0, 3.0 + 1j]), 100.0)
    exact = (
        np.array([3.0, 3.0 + 1j])
        - 2 * s * (0.25 * 0.3 + 0.5 * 0.2)
        - sum(
            r * (1 - (1 + s * c / NARROW) ** -NARROW)
            for c, r in zip(costs, often, strict=True)
        )
    )
    assert alive == pytest.approx(exact, rel=1e-9)
