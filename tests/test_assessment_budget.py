"""The chance of a good month: written-out chains, years played, limits and bounds."""

import itertools
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hamodel import catalogue, duration, markov, specfile
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Leaderless,
    Maintenance,
    Majority,
    Node,
    SinglePrimary,
    Site,
)
from hamodel.assessment import (
    Journey,
    OtherPart,
    _any_missed,
    _inversion,
    _joint,
    _kinds,
    _lumping,
    _visits,
    assess,
    assess_journeys,
    budget,
)
from hamodel.assessment._adding import Atoms, Cluster, Later
from hamodel.assessment._combinations import Item, deeper
from hamodel.assessment._laws import transform
from hamodel.assessment.budget import Downtime
from hamodel.failover import Failover
from hamodel.units import DAY, HOUR, MINUTE, MONTH, YEAR
from tests.support.yardstick import cost

NODE = Node(mttf=2000 * HOUR, mttr=4 * HOUR)
HORIZONS = (MINUTE, HOUR, DAY, MONTH, YEAR, 10 * YEAR)


def missing(rates, down, horizon, target):
    """P(downtime > budget) of a written-out chain that starts in its long run."""
    start = markov.steady_state(rates)
    budget = [(1 - target) * horizon]
    return float(markov.downtime_sf(rates, start, down, horizon, budget)[0])


def copies_and_leader(count, node, election):
    """Failed copies, and whether a leader serves: states 2 k and 2 k + 1 (electing)."""
    n = 2 * (count + 1)
    rates = np.zeros((n, n))
    for k in range(count + 1):
        for leader in (0, 1):
            here = 2 * k + leader
            if k < count:
                rates[here, here + 2] = (count - k) / node.mttf
            if k > 0:
                rates[here, here - 2] = k / node.mttr
        rates[2 * k, 2 * k + 1] = 1 / node.mttf
        rates[2 * k + 1, 2 * k] = 1 / election
    return rates


def voters_chain(count, node, election):
    """How many are down, and whether a leader is sought: lost with its copy."""
    rates, most = np.zeros((2 * count + 2, 2 * count + 2)), count // 2
    for k in range(count + 1):
        for seeks in (0, 1):
            here, up = 2 * k + seeks, count - k
            if k < most:
                rates[here, 2 * k + 2 + seeks] = (up - 1 + seeks) / node.mttf
                rates[here, 2 * k + 3] += (1 - seeks) / node.mttf
            elif k < count:
                rates[here, 2 * k + 2] = up / node.mttf
            if k:
                back = 1 if k == most + 1 else seeks
                rates[here, 2 * k - 2 + back] = k / node.mttr
        rates[2 * k + 1, 2 * k] = 1 / election
    return rates


def pair_chain(node, failover, coverage):
    """Both, switching, one, none: with one crew and exponential failovers."""
    fail, repair = 1 / node.mttf, 1 / node.mttr
    rates = np.zeros((4, 4))
    rates[0, 1], rates[0, 3] = coverage * fail, (1 - coverage) * fail
    rates[0, 2] = fail  # the standby
    rates[1, 2] = 1 / failover
    rates[2, 0], rates[2, 3] = repair, fail
    rates[3, 2] = repair
    return rates


# ---- small chains, taken as they are -----------------------------------------------


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("target", [0.9, 0.999, 0.99999])
@pytest.mark.parametrize("needed", [1, 2, 3])
def test_copies_agree_with_a_written_out_chain(needed, target, horizon):
    store = Leaderless(database=NODE, write_quorum=needed)
    chance = assess(store).chance_of_missing(target, horizon)
    chain = copies_and_leader(3, NODE, 1.0)[::2, ::2]
    down = [k for k in range(4) if 3 - k < needed]
    exact = missing(chain, down, horizon, target)
    assert chance.probability == pytest.approx(exact, rel=1e-4, abs=1e-11)
    assert chance.error < 1e-4 or exact < 1e-9


@pytest.mark.parametrize("horizon", [HOUR, DAY, MONTH, YEAR])
@pytest.mark.parametrize(("count", "mttr"), [(3, 4.0), (3, 72.0), (5, 4.0), (5, 24.0)])
def test_voters_agree_with_a_written_out_chain(count, mttr, horizon):
    """While one of three is away no copy's failure leads to an election."""
    node = replace(NODE, mttr=mttr * HOUR)
    voters = Majority(
        database=node,
        failover=Failover(),
        election=duration.exponential(10),
        copies=dict.fromkeys("abcde"[:count], 1),
    )
    rates = voters_chain(count, node, 10.0)
    down = [i for i in range(2 * count + 2) if i % 2 or i // 2 > count // 2]
    for target in (0.99, 0.9995, 0.99999):
        exact = missing(rates, down, horizon, target)
        ours = assess(voters).chance_of_missing(target, horizon)
        assert ours.error < 1e-4 or exact < 1e-9
        assert ours.probability == pytest.approx(exact, rel=1e-4, abs=1e-11)


@pytest.mark.parametrize("allowed", [45, 55])
def test_of_three_voters_elections_follow_each_other_a_repair_apart(allowed):
    """Two elections that hardly vary, of 30 s each, in a day: by phases."""
    phases, mean, node = 40, 30.0, replace(NODE, mttf=1000 * HOUR)
    voters = Majority(
        database=node,
        failover=Failover(),
        election=duration.erlang(phases, mean),
        copies={"a": 3},
    )
    rates = np.zeros((4, phases + 1, 4, phases + 1))  # away, phases of an election left
    for left in range(phases + 1):
        rates[:2, left, :2, left - 1] += np.eye(2) * (left > 0) * phases / mean
        rates[0, left, 1, left] = (3 - (left == 0)) / node.mttf
        rates[1, left, 0, left] = 1 / node.mttr
        rates[1, left, 2, 0] = 2 / node.mttf
    rates[0, 0, 1, phases] = 1 / node.mttf
    rates[2, 0, 1, phases] = 2 / node.mttr
    rates[2, 0, 3, 0], rates[3, 0, 2, 0] = 1 / node.mttf, 3 / node.mttr
    seen = [
        i for i in range(4 * phases + 4) if i < 2 * phases + 3 or i == 3 * phases + 3
    ]
    rates = rates.reshape(4 * phases + 4, -1)[np.ix_(seen, seen)]
    fails = [k for k in range(len(seen)) if k not in (0, phases + 1)]
    exact = missing(rates, fails, DAY, 1 - allowed / DAY)
    ours = assess(voters).chance_of_missing(1 - allowed / DAY, DAY)
    assert ours.probability == pytest.approx(exact, rel=0.02)
    assert ours.probability == pytest.approx(exact, rel=ours.error)


@pytest.mark.parametrize("mttr", [4 * HOUR, 72 * HOUR])
@pytest.mark.parametrize("horizon", [HOUR, MONTH, YEAR])
def test_a_pair_agrees_with_a_written_out_chain(mttr, horizon):
    node = replace(NODE, mttr=mttr)
    exponential = Failover(promotion=duration.exponential(300), coverage=0.95)
    pair = ActivePassive(database=node, failover=exponential, sites=("DC-1",))
    rates = pair_chain(node, 300, 0.95)
    for target in (0.9, 0.999, 0.9999):
        exact = missing(rates, [1, 3], horizon, target)
        ours = assess(pair).chance_of_missing(target, horizon).probability
        assert ours == pytest.approx(exact, rel=1e-4, abs=1e-11)


def test_the_chain_sees_a_planted_error():
    store = Leaderless(database=replace(NODE, mttr=1.05 * NODE.mttr))
    ours = assess(store).chance_of_missing(0.999, MONTH).probability
    exact = missing(copies_and_leader(3, NODE, 1.0)[::2, ::2], [2, 3], MONTH, 0.999)
    assert abs(ours / exact - 1) > 0.02


# ---- streams -----------------------------------------------------------------------


@st.composite
def systems(draw):
    """Systems whose times are all exponential, and a horizon."""
    mttf = math.exp(draw(st.floats(math.log(200), math.log(20000)))) * HOUR
    node = Node(mttf=mttf, mttr=mttf * 10 ** draw(st.floats(-4.0, -2.0)))
    site = Site(mttf=draw(st.sampled_from([float("inf"), YEAR])), mttr=4 * HOUR)
    quick = Failover(promotion=duration.exponential(120), coverage=0.9)
    led = Failover(redirection=duration.exponential(60), coverage=0.95)
    kind = draw(st.integers(0, 4))
    system = (
        lambda: SinglePrimary(database=node, site=site),
        lambda: ActivePassive(database=node, failover=quick, site=site),
        lambda: ActiveActive(database=node, failover=led, site=site),
        lambda: Majority(
            database=node, failover=led, election=duration.exponential(10)
        ),
        lambda: Leaderless(database=node, write_quorum=draw(st.integers(1, 3))),
    )[kind]()
    return system, draw(st.sampled_from(HORIZONS))


@settings(max_examples=25)
@given(systems(), st.floats(-2.0, 2.5))
def test_streams_are_as_near_to_the_joint_chain_as_they_say(system, times):
    architecture, horizon = system
    found = assess(architecture)
    share = min(found.write.unavailability * 10**times, 0.45)
    exact = found.chance_of_missing(1 - share, horizon)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_joint, "SMALL", 0)
        ours = assess(architecture).chance_of_missing(1 - share, horizon)
    if exact.probability > 1e-6:
        off = abs(ours.probability / exact.probability - 1)
        assert off < max(0.02, ours.error) + exact.error


@pytest.mark.parametrize("share", [0.01, 0.03, 0.05])
def test_visits_that_add_up_are_as_wrong_as_one(share):
    """Three sites away for a fifth of the time: 30 times what is missed was said."""
    node, led = Node(mttf=300 * HOUR, mttr=72 * HOUR), duration.exponential(60)
    sites = ActiveActive(
        database=node, failover=Failover(redirection=led), sites=("a", "b", "c")
    )
    exact = assess(sites).chance_of_missing(1 - share, YEAR)
    assert exact.error < 1e-4
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_joint, "SMALL", 0)
        ours = assess(sites).chance_of_missing(1 - share, YEAR)
    off = abs(ours.probability / exact.probability - 1)
    assert off < ours.error < 8 * node.mttr / (node.mttf + node.mttr)


def played_pair(node, failover, coverage, horizon, count, rng):
    """Downtime of a pair in periods that begin anywhere; a failover is constant."""
    fail, repair = 1 / node.mttf, 1 / node.mttr
    start = -20 * node.mttr
    now, state = np.full(count, start), np.zeros(count, int)
    down = np.zeros(count)
    while (now < horizon).any():
        leave = np.choose(state, [2 * fail, 0, fail + repair, repair])
        stay = np.where(
            state == 1,
            failover,
            rng.exponential(1, count) / np.where(leave > 0, leave, 1.0),
        )
        after = np.minimum(now + stay, horizon)
        lost = np.clip(after, 0, None) - np.clip(np.minimum(now, horizon), 0, None)
        down += np.where((state == 1) | (state == 3), lost, 0.0)
        pick = rng.random(count)
        works = rng.random(count) < coverage
        first = np.where(pick < 0.5, 2, np.where(works, 1, 3))
        second = np.where(pick < fail / (fail + repair), 3, 0)
        state = np.choose(state, [first, 2, second, 2])
        now = now + stay
    return down


@pytest.mark.parametrize(
    ("horizon", "target"),
    [
        (HOUR, 0.98),
        (MONTH, 0.99985),
        (YEAR, 0.99995),
        (YEAR, 0.9996),
    ],
)
def test_constant_failovers_agree_with_periods_played(horizon, target):
    node = Node(mttf=300 * HOUR, mttr=1 * HOUR)
    pair = ActivePassive(
        database=node, failover=Failover(promotion=60, coverage=0.98), sites=("DC-1",)
    )
    count = {HOUR: 1_200_000, MONTH: 400_000, YEAR: 40_000}[horizon]
    down = played_pair(node, 60.0, 0.98, horizon, count, np.random.default_rng(4))
    played = float(np.mean(down > (1 - target) * horizon))
    error = math.sqrt(played / count)
    assert error < 0.1 * played
    ours = assess(pair).chance_of_missing(target, horizon).probability
    assert abs(ours - played) < 3.5 * error
    wrong = assess(replace(pair, failover=Failover(promotion=60, coverage=0.9)))
    assert (
        abs(wrong.chance_of_missing(target, horizon).probability - played) > 6 * error
    )


@pytest.mark.parametrize("seconds", [237.5, 239, 241, 242.5])
def test_failovers_that_hardly_vary_are_as_narrow_as_they_are(seconds):
    """Four in a year last four times 60 s: a law wider by 3 % was up to 13 % off."""
    node, often = Node(mttf=2000 * HOUR, mttr=1e-3), YEAR / (2000 * HOUR)
    pair = ActivePassive(
        database=node,
        failover=Failover(promotion=duration.uniform(59, 61)),
        sites=("DC-1",),
    )

    def longer(n):  # Irwin and Hall: the sum of n uniform times
        left = seconds / 2 - 29.5 * n
        if left >= n:
            return 0.0
        terms = ((-1) ** k * math.comb(n, k) * (left - k) ** n for k in range(n + 1))
        inside = sum(t for k, t in enumerate(terms) if k < left)
        return 1 - inside / math.factorial(n)

    some = range(1, 30)
    exact = sum(
        math.exp(-often) * often**n / math.factorial(n) * longer(n) for n in some
    )
    ours = assess(pair).chance_of_missing(1 - seconds / YEAR, YEAR).probability
    assert ours == pytest.approx(exact, rel=3e-3)


def test_two_failovers_of_a_day_are_a_repair_apart():
    node = Node(mttf=300 * HOUR, mttr=1 * HOUR)
    pair = ActivePassive(
        database=node, failover=Failover(promotion=60), sites=("DC-1",)
    )
    down = played_pair(node, 60.0, 1.0, DAY, 1_500_000, np.random.default_rng(5))
    played = float(np.mean(down > 90))
    ours = assess(pair).chance_of_missing(1 - 90 / DAY, DAY).probability
    assert ours == pytest.approx(played, rel=0.02 + 2 / math.sqrt(played * 1.5e6))


def test_an_election_of_any_law_is_alone_or_with_the_majority():
    """Exactly three exponential copies, and a leader with constant elections."""
    voters = Majority(database=NODE, failover=Failover(), election=20.0)
    exponential = replace(voters, election=duration.exponential(20))
    constant = replace(voters, election=duration.constant(20))
    for target in (0.999, 0.9998):
        one, other = (
            assess(v).chance_of_missing(target, YEAR).probability
            for v in (exponential, constant)
        )
        assert one == pytest.approx(other, rel=0.02)  # both need the majority
    count = YEAR / NODE.mttf  # more than 300 s of elections: 16 or more of them
    often = replace(voters, database=Node(mttf=NODE.mttf, mttr=1e-3))
    several = [math.exp(-count) * count**k / math.factorial(k) for k in range(10, 60)]
    met = assess(replace(often, election=duration.constant(20))).chance_of_missing(
        1 - 190 / YEAR, YEAR
    )
    assert met.probability == pytest.approx(sum(several), rel=0.02)


def test_a_law_that_jumps_jumps_in_the_chance_too():
    """A failover takes 30 s: an hour that allows more is missed by two of them."""
    node = Node(mttf=2000 * HOUR, mttr=1e-3)
    failover = Failover(promotion=duration.constant(30))
    pair = assess(ActivePassive(database=node, failover=failover, sites=("DC-1",)))
    often = 1 / node.mttf
    for allowed in (20.0, 29.7, 29.99, 30.01, 30.3, 36.0):
        found = pair.chance_of_missing(1 - allowed / HOUR, HOUR).probability
        begins = HOUR + 30 - 2 * allowed  # when one failover costs too much
        two = (often * HOUR) ** 2 / 2  # but for the ends of the hour
        alone = often * begins if allowed < 30 else two
        assert found == pytest.approx(alone, rel=0.02 if allowed < 30 else 0.04)


@pytest.mark.parametrize("count", [2, 3, 7])
def test_a_law_that_jumps_again_and_again(count):
    """Of so many failovers of 30 s as are allowed, one more is too many."""
    node = Node(mttf=MONTH / 3, mttr=1e-3)
    failover = Failover(promotion=duration.constant(30))
    pair = assess(ActivePassive(database=node, failover=failover, sites=("DC-1",)))
    fewer = sum(math.exp(-3) * 3**k / math.factorial(k) for k in range(count))
    last = math.exp(-3) * 3**count / math.factorial(count)
    for beside, met in ((-0.01, fewer), (0.01, fewer + last)):
        target = 1 - 30 * count * (1 + beside) / MONTH
        found = pair.chance_of_missing(target, MONTH).probability
        assert found == pytest.approx(1 - met, rel=2e-3)


def test_two_constant_times_jump_beside_short_ones():
    """Visits of 30 s and of 47 s in a month, and exponential ones of 2 s: by hand."""
    lasts, often = (30.0, 47.0, 2.0), (3.0, 0.5, 2.0)

    def visits(k):
        begins, leaves = np.array([often[k] / MONTH]), np.array([0.0, 1.0])
        law = duration.constant(lasts[k])
        clock = _visits.Clock(law=law, rate=1 / lasts[k], goals=leaves)
        fixed = _visits.Moves(rates=np.zeros((1, 2)), clocks={0: clock})
        plain = _visits.Moves(rates=np.array([[0.0, 1 / lasts[k]]]))
        moves = plain if k == 2 else fixed
        return _kinds.Visits(
            moves=moves, begins=begins, entries=begins, fails=np.ones(1)
        )

    law = Downtime(base=0.0, streams=tuple((visits(k), 1) for k in range(3)))
    counts = [stats.poisson(each).pmf(np.arange(25)) for each in often]
    before = 1.0
    for x in (29.0, 29.9, 30.1, 31.0, 46.9, 47.1, 60.1, 76.9, 77.1, 90.5, 107.1):
        met = 0.0
        for i, j, k in np.ndindex(25, 6, 25):
            left = x - 30 * i - 47 * j
            short = stats.gamma.cdf(left, k, scale=2) if k else 1.0
            met += math.prod(map(np.take, counts, (i, j, k))) * short * (left >= 0)
        found = law.miss(x / MONTH, MONTH).probability
        assert found == pytest.approx(1 - met, rel=5e-4), x
        assert found <= before
        before = found


def test_an_hour_within_an_outage_of_one_of_two_sites_jumps():
    """Half fails: more than half an hour is an outage throughout, or two."""
    site = Site(mttf=YEAR, mttr=4 * HOUR)
    stays = Failover(redirection=duration.exponential(1e9), detection=0)
    two = assess(
        ActiveActive(
            database=Node(mttf=1e12, mttr=1),
            failover=stays,
            sites=("DC-1", "DC-2"),
            site=site,
        )
    )
    rate, down = 1 / site.mttr, site.mttr / (site.mttf + site.mttr)
    for share in (0.45, 0.49, 0.499):
        lasts = 2 * share * HOUR  # of an hour: half of the requests
        away = down * math.exp(-rate * lasts) * (1 + rate * (HOUR - lasts))
        found = two.chance_of_missing(1 - share, HOUR).probability
        assert found == pytest.approx(2 * away, rel=2e-3), share
    both = two.chance_of_missing(1 - 0.501, HOUR).probability
    assert both < 0.01 * found


def test_elections_of_a_month_add_up_and_a_lost_majority_is_rare():
    """Five voters, elections uniform over 1 to 9 s, 26 s allowed in a month: by hand.

    Four elections or more are too long together, three hardly ever; or a majority is
    lost, for most of an hour.
    """
    node = Node(mttf=7_509_600, mttr=3 * HOUR)
    copies = {"A": 2, "B": 2, "C": 1}
    five = Majority(
        database=node,
        failover=Failover(),
        election=duration.uniform(1, 9),
        copies=copies,
    )
    found, rng = assess(five), np.random.default_rng(3)
    for target in (0.99999, 0.9999, 0.999):
        allowed, often = (1 - target) * MONTH, MONTH / node.mttf
        long = [
            math.exp(-often)
            * often**k
            / math.factorial(k)
            * np.mean(rng.uniform(1, 9, (400_000, k)).sum(axis=1) > allowed)
            for k in range(3, 12)
        ]
        down = node.mttr / (node.mttf + node.mttr)
        three = 10 * down**3 * (1 - down) ** 2  # of five, and entered from two
        lost = three * 3 / node.mttr * MONTH * math.exp(-3 * allowed / node.mttr)
        ours = found.chance_of_missing(target, MONTH)
        assert ours.probability == pytest.approx(sum(long) + lost, rel=0.02)
        assert ours.error < 0.05  # a majority is lost more often after an election


def test_an_election_begins_as_a_site_is_lost():
    """A third of the clients waits for 60 s; of three losses one is the leader's."""
    three = Majority(
        database=Node(mttf=float("inf"), mttr=HOUR),
        site=Site(mttf=10 * YEAR, mttr=HOUR),
        election=duration.constant(30),
        failover=Failover(redirection=duration.constant(60), detection=0),
    )
    often, found = 3 * MONTH / (10 * YEAR), assess(three)
    for allowed, share in ((10, 1), (30, 1 / 3)):
        missed = -math.expm1(-often * share)
        missed += math.exp(-often) * (often * 2 / 3) ** 2 / 2 * (allowed == 30)
        ours = found.chance_of_missing(1 - allowed / MONTH, MONTH).probability
        assert ours == pytest.approx(missed, rel=0.01)


@pytest.mark.parametrize(
    ("way", "near", "far"),
    [(duration.exponential(60), 0.02, 0.02), (duration.uniform(0, 120), 0.075, 0.25)],
)
@pytest.mark.parametrize("elect", [duration.exponential(30), duration.uniform(0, 60)])
def test_an_election_is_longer_where_it_outlasts_the_way_of_clients(
    elect, way, near, far
):
    """Both are drawn: all clients wait for it, a third for what is left of the way."""
    three = Majority(
        database=Node(mttf=1e12, mttr=1.0),
        site=Site(mttf=1000 * YEAR, mttr=DAY),
        election=elect,
        failover=Failover(redirection=way, detection=0),
    )
    rng, n = np.random.default_rng(8), 2_000_000
    first, other = elect.sample(n, rng), way.sample(n, rng)
    with_it = first + np.maximum(other - first, 0) / 3
    found, often = assess(three), 3 * MONTH / (1000 * YEAR)
    for allowed in (20, 50, 90):
        drawn = np.mean(with_it > allowed) / 3 + np.mean(other / 3 > allowed) * 2 / 3
        ours = found.chance_of_missing(1 - allowed / MONTH, MONTH).probability
        if drawn > 1e-3:
            assert ours == pytest.approx(
                often * drawn, rel=far if allowed == 90 else near
            )


def test_leaders_step_down_by_the_calendar():
    """Each 20 days, for 10 s: in a month of 30.4 days once or twice."""
    work = Maintenance(every=20 * DAY - 190, takes=60)
    lasting = Node(mttf=float("inf"), mttr=HOUR)
    for election in (duration.constant(10), duration.erlang(400, mean=10)):
        three = assess(
            Majority(
                database=lasting,
                failover=Failover(),
                election=election,
                maintenance=work,
            )
        )
        for allowed, missed in ((5, 1.0), (15, MONTH / (20 * DAY) - 1), (25, 0.0)):
            ours = three.chance_of_missing(1 - allowed / MONTH, MONTH).probability
            assert ours == pytest.approx(missed, abs=2e-3)


def test_work_by_the_calendar_falls_into_each_month():
    work = Maintenance(every=29.5 * DAY, takes=0.5 * DAY)
    never = Node(mttf=float("inf"), mttr=HOUR)
    shop = assess(SinglePrimary(database=never, maintenance=work))

    def over(days, horizon):
        return shop.chance_of_missing(1 - days / horizon, horizon * DAY).probability

    assert over(0.4, 30) == pytest.approx(1, abs=2e-3)
    assert over(0.6, 30) == pytest.approx(0, abs=2e-3)
    # 45 days: one piece or two, half of the time, or one and a part of another
    assert over(0.75, 45) == pytest.approx(15 / 30, abs=2e-3)
    assert over(0.9, 45) == pytest.approx((15 - 2 * 0.15) / 30, abs=2e-3)
    assert shop.chance_of_missing(1.0, 10 * DAY).probability == pytest.approx(
        10.5 / 30, abs=1e-6
    )


def test_a_period_a_little_shorter_than_a_cycle_misses_a_part_of_the_work():
    """Of each 30 days 0.2 are missed: within the half day of work, or not."""
    work = Maintenance(every=29.5 * DAY, takes=0.5 * DAY)
    never = Node(mttf=float("inf"), mttr=HOUR)
    shop = assess(SinglePrimary(database=never, maintenance=work))

    def over(days, horizon):
        return shop.chance_of_missing(1 - days / horizon, horizon * DAY).probability

    for whole in (0, 1):
        length, more = 29.8 + 30 * whole, 0.5 * whole
        assert over(0.25 + more, length) == pytest.approx(1, abs=2e-3)
        within = (0.5 - 0.2) / 30 + 2 * 0.1 / 30  # by more than a tenth of a day
        assert over(0.4 + more, length) == pytest.approx(1 - within, abs=2e-3)
        assert over(0.55 + more, length) == pytest.approx(0, abs=2e-3)


# ---- what holds for all ------------------------------------------------------------


@pytest.mark.parametrize("key", catalogue.systems())
def test_a_stricter_target_is_missed_more_often(key):
    found = assess(catalogue.system(key).architecture())
    for horizon in (HOUR, MONTH, YEAR):
        budgets = np.geomspace(1e-8, 0.5, 12)
        missed = [found.chance_of_missing(1 - b, horizon).probability for b in budgets]
        assert all(0 <= p <= 1 for p in missed)
        assert np.all(np.diff(missed) <= 1e-5 * np.array(missed[:-1]) + 1e-9)


@settings(max_examples=30)
@given(systems(), st.floats(1e-7, 0.5), st.floats(1.0001, 3.0))
def test_any_system_is_monotone_and_answers(system, budget, wider):
    """To 5e-5: a scan past multiples of a constant time rises by 1.6e-5 at most."""
    architecture, horizon = system
    slack = 5e-5
    found = assess(architecture)
    strict = found.chance_of_missing(1 - budget, horizon).probability
    loose = found.chance_of_missing(1 - min(budget * wider, 1), horizon).probability
    assert 0 <= loose <= strict * (1 + slack) + 1e-9 <= 1.1


def test_the_mean_downtime_is_the_unavailability():
    """P(missing) integrated over all budgets is the expected share."""
    for key in ("redis-sentinel", "cockroachdb"):
        found = assess(catalogue.system(key).architecture())
        points = np.geomspace(1e-9, 0.1, 120)
        missed = [found.chance_of_missing(1 - x, YEAR).probability for x in points]
        whole = points[0] + np.trapezoid(missed * points, np.log(points))
        assert whole == pytest.approx(found.write.unavailability, rel=0.02)


SMOOTH = Failover(promotion=duration.erlang(3, mean=30))


def test_a_quantile_stands_where_the_law_jumps():
    found = assess(ActivePassive(database=NODE, failover=Failover(promotion=30)))
    for p in (0.5, 0.9):
        down = found.downtime_quantile(p, YEAR)
        more, less = (
            found.chance_of_missing(1 - x * down / YEAR).probability
            for x in (0.9999, 1.0001)
        )
        assert less < 1 - p < more
        assert down / 30 == pytest.approx(round(down / 30), rel=1e-4)


def test_the_downtime_of_a_year_is_the_inverse_of_meeting():
    found = assess(ActivePassive(database=NODE, failover=SMOOTH))
    for p in (0.5, 0.9, 0.9999):
        down = found.downtime_quantile(p, YEAR)
        missed = found.chance_of_missing(1 - down / YEAR).probability
        assert missed == pytest.approx(1 - p, rel=2e-5)
        assert found.probability_of_meeting(1 - down / YEAR) == pytest.approx(
            p, rel=1e-5
        )
    assert found.downtime_quantile(0.01, HOUR) == 0


def test_a_quantile_is_found_far_above_the_mean():
    """Of one visit in ten million lives; a search from the mean begins at 1e-13."""
    node = Node(mttf=1e16, mttr=1000.0)
    down = assess(SinglePrimary(database=node)).downtime_quantile(1 - 1e-9, YEAR)
    begun = (YEAR - down + node.mttr) / node.mttf
    assert begun * math.exp(-down / node.mttr) == pytest.approx(1e-9, rel=1e-4)


def exceeded(found, down, horizon):
    """P(downtime > down) of the same transform: 30 000 plain terms, then averaged."""
    law = found._over("write").downtime
    x = down - law.base * horizon
    k = np.arange(30_021)
    s = (32 / 6 + 1j * np.pi * k / 3) / x
    weight = np.where(k == 0, 0.5, 1.0) * np.exp(1j * np.pi * k / 3 + 32 / 6) / (3 * x)
    values = -np.expm1(-law._exponent(s, horizon)) / s
    sums = np.cumsum((values * weight).real)[2::3]
    for _ in range(20):
        sums = (sums[1:] + sums[:-1]) / 2
    return sums[-1]


@pytest.mark.parametrize("p", [0.5, 0.9, 0.9999])
def test_the_downtime_of_a_year_is_that_of_another_inversion(p):
    """The search stops where the share of the periods is right to some 1e-5."""
    found = assess(ActivePassive(database=NODE, failover=SMOOTH))
    down = found.downtime_quantile(p, YEAR)
    assert exceeded(found, down, YEAR) == pytest.approx(1 - p, rel=2e-5)
    assert abs(exceeded(found, 1.0003 * down, YEAR) / (1 - p) - 1) > 2e-5


def test_a_key_with_a_home_counts_each_home_for_its_share():
    homes = ActiveActive(
        database=NODE, failover=Failover(redirection=60), resolution="home site"
    )
    found = assess(homes)
    often = 2 / NODE.mttf  # of two sites; half of the clients, and half of the keys
    ever = found.chance_of_missing(1.0, MONTH).probability
    assert ever == pytest.approx(1 - math.exp(-often * MONTH), rel=0.01)


def test_a_lost_home_fails_its_own_clients_and_the_keys_of_others():
    """Of two sites, one lost: half of the requests, and half of the other half."""
    homes = ActiveActive(
        database=Node(mttf=100 * HOUR, mttr=HOUR),
        failover=Failover(detection=1e5 * HOUR),  # nobody is led away
        resolution="home site",
    )
    found, q = assess(homes), 1 / 101
    for target in (0.3, 0.45):  # of one second, with one of them lost throughout
        chance = found.chance_of_missing(target, 1.0).probability
        assert chance == pytest.approx(1 - (1 - q) ** 2, rel=1e-3)
    both = found.chance_of_missing(0.2, 1.0)
    assert both.probability == pytest.approx(q**2, rel=both.error)


@pytest.mark.parametrize("target", [0.9999, 0.99])
def test_what_is_left_out_is_less_than_the_error_says(target, monkeypatch):
    starter = specfile.read(Path("system.yaml"), specfile.starter())

    def asked():
        return assess(starter.architecture, starter.workload)

    few = asked()
    chance, year = few.chance_of_missing(target, MONTH), few.downtime_quantile(0.9)
    later = [s for s, _ in few._over("write").downtime.streams if isinstance(s, Later)]
    assert any("made" not in vars(s) for s in later) == (target == 0.9999)
    monkeypatch.setattr(budget, "_SLIGHT", 0.0)
    every = asked()
    exact = every.chance_of_missing(target, MONTH)
    assert chance.probability == pytest.approx(exact.probability, rel=5e-6)
    assert chance.error >= abs(chance.probability / exact.probability - 1)
    assert year == pytest.approx(every.downtime_quantile(0.9), rel=1e-5)
    for stream in later:
        assert 0.999 < stream.seldom(MONTH) / stream.never(MONTH) < 3
        assert stream.mean == pytest.approx(stream.made.mean, rel=1e-3)


@pytest.mark.parametrize("horizon", [MINUTE, HOUR, DAY, YEAR])
def test_a_warm_answer_takes_no_time(horizon):
    """About 50 ms on a quiet machine, where a yardstick is 5; the worst takes 9."""
    for key in catalogue.systems():
        found = assess(catalogue.system(key).architecture())
        found.chance_of_missing(0.99, horizon)
        assert cost(lambda f=found: f.chance_of_missing(0.9995, horizon), 5) < 20, key


def test_tails_at_several_times_are_those_one_by_one():
    """Gamma laws of 1 and of 40 stages: the steep one takes more terms at some x."""
    x = np.array([0.2, 0.9, 1.0, 1.3, 4.0])

    def transform(s):
        return np.stack([(1 - (1 + s / n) ** -n) / s for n in (1.0, 40.0)])

    together = _inversion.tails(transform, x, 400)
    alone = [_inversion.tail(transform, each, 400)[0] for each in x]
    np.testing.assert_allclose(together, np.transpose(alone), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(together[0], np.exp(-x), rtol=1e-5)
    steps = [len(terms) for terms in (_asked(transform, each) for each in x)]
    assert len(set(steps)) > 1, "all settle at once, so that nothing is left out"


def _asked(transform, x):
    """The lengths of the rows of points that one tail asks for."""
    rows = []

    def counted(s):
        rows.append(len(s))
        return transform(s)

    _inversion.tail(counted, x, 400)
    return rows


@pytest.mark.parametrize("horizon", [3.0, 60.0, 3000.0])
def test_visits_by_clocks_are_those_by_rates(horizon):
    """A clock of an exponential law is a rate: another way through all horizons."""
    law, goals = duration.exponential(10.0), np.array([0.0, 0.6, 0.4])
    rates = np.array([[0.0, 0.06, 0.04], [0.1, 0.0, 0.2]])
    by_clock = rates.copy()
    by_clock[0] = 0.0
    clock = _visits.Clock(law=law, rate=0.1, goals=goals)
    beside = {
        "fails": np.array([1.0, 0.5]),
        "begins": np.array([1e-4, 2e-4]),
        "entries": np.array([2e-4, 3e-4]),
    }
    one = _kinds.Visits(moves=_visits.Moves(rates=rates), **beside)
    moves = _visits.Moves(rates=by_clock, clocks={0: clock})
    other = _kinds.Visits(moves=moves, **beside)
    kill = np.array([[0.01 + 0j, 0.02], [0.5, 0.1], [0.3 + 1j, 0.1 + 2j]])
    expected = one.exponent(kill, horizon)
    assert other.exponent(kill, horizon) == pytest.approx(expected, rel=1e-6)


def test_many_states_together_are_a_sparse_product():
    rng = np.random.default_rng(1)
    parts = [
        SimpleNamespace(
            views=range(n),
            moves=SimpleNamespace(pace=rng.random((n, n))),
            law=rng.random(n),
        )
        for n in (12, 11)
    ]
    rates, law = _lumping.product_chain(parts)
    one, other = (part.moves.pace for part in parts)
    expected = np.kron(one, np.eye(11)) + np.kron(np.eye(12), other)
    assert np.allclose(rates.toarray(), expected, rtol=1e-14)
    assert np.allclose(law, np.kron(*(part.law for part in parts)), rtol=1e-14)


def test_planned_work_beyond_a_budget_misses_it_for_sure():
    joint = SimpleNamespace(base=np.array([0.1]))
    certain = _any_missed.missed_any(joint, np.array([0.05]), (), 1.0)
    assert (certain.probability, certain.error) == (1.0, 0.0)


# ---- what small errors in these rooms would change ---------------------------------


@pytest.mark.parametrize("horizon", [MINUTE, HOUR])
def test_any_downtime_at_all_in_a_short_period(horizon):
    """Down at its start, or a failure within it; the repair always takes four hours."""
    node = Node(mttf=1000 * HOUR, mttr=duration.constant(4 * HOUR))
    found = assess(SinglePrimary(database=node))
    up = 1000 / 1004 * math.exp(-horizon / (1000 * HOUR))
    chance = found.chance_of_missing(1 - 1e-14, horizon)
    assert chance.probability == pytest.approx(1 - up, rel=0.003)
    assert abs(chance.probability / (1 - up) - 1) <= chance.error


def test_more_parts_away_than_are_combined_by_counting():
    parts = [(0, 0.1, 0.01), (1, 0.2, 0.03), (2, 0.15, 0.02), (3, 0.3, 0.05)]
    parts += [(4, 0.25, 0.04), (5, 0.05, 0.06), (6, 0.1, 0.02), (7, 0.4, 0.03)]
    expected = sum(
        math.prod(share for _, share, _ in seven)
        * sum(often / share for _, share, often in seven)
        for seven in itertools.combinations(parts, 7)
    )
    items = [Item(leaf, 1, share, often) for leaf, share, often in parts]
    assert deeper(items) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "law",
    [
        duration.lognormal(mean=2.0, cv=0.8),
        duration.lognormal(mean=3.0, cv=2.0),
        duration.uniform(1, 4),
    ],
)
def test_a_law_read_as_a_mixture_keeps_its_mean_and_nearly_its_variance(law):
    s = np.array([0.0, 1e-4 / law.mean])
    value, change = transform(law, s)
    assert value[0] == pytest.approx(1, rel=1e-12)
    assert -change[0] == pytest.approx(law.mean, rel=1e-9)
    second = (change[1] - change[0]) / s[1]
    assert second == pytest.approx(law.moment(2), rel=0.02)


def played_overlaps(count, needed, mttf, law, horizon, periods, rng):
    """Live the nodes of periods that begin anywhere; return the time with too few."""
    down_share = law.mean / (mttf + law.mean)
    down_time = np.zeros(periods)
    for period in range(periods):
        changes = []
        for _ in range(count):
            t = 0.0
            if rng.random() < down_share:
                t = float(law.residual().sample(1, rng)[0])
                changes += [(0.0, 1), (t, -1)]
            while (t := t + rng.exponential(mttf)) < horizon:
                end = t + float(law.sample(1, rng)[0])
                changes += [(t, 1), (end, -1)]
                t = end
        down, since = 0, 0.0
        for t, step in sorted(changes):
            if down > count - needed:
                down_time[period] += min(t, horizon) - min(since, horizon)
            down, since = down + step, t
    return down_time


def test_copies_whose_repairs_have_a_law_overlap_as_they_are_lived():
    """Two of three down, each for ten hours: hardly ever for more than ten."""
    node = Node(mttf=300 * HOUR, mttr=duration.constant(10 * HOUR))
    found = assess(Leaderless(database=node, read_quorum=2, write_quorum=2))
    rng = np.random.default_rng(4)
    played = played_overlaps(3, 2, node.mttf, node.mttr, MONTH, 4000, rng)
    for hours in (0.01, 2, 5, 9):
        chance = found.chance_of_missing(1 - hours * HOUR / MONTH, MONTH)
        share = float((played > hours * HOUR).mean())
        noise = 3.5 * math.sqrt(share * (1 - share) / len(played))
        assert chance.probability == pytest.approx(share, rel=0.06, abs=noise)
    # with exponential repairs of the same mean it would be 4 %
    over = found.chance_of_missing(1 - 15 * HOUR / MONTH, MONTH).probability
    assert over < 0.02


def test_three_of_three_are_away_for_as_long_as_one_repair_takes():
    node = Node(mttf=3000 * HOUR, mttr=duration.constant(4 * HOUR))
    found = assess(Leaderless(database=node, read_quorum=1, write_quorum=3))
    # a period is hit by a Poisson number of repairs of four hours, cut at its ends
    for hours in (1.0, 3.0):
        budget = hours * HOUR
        expected = -math.expm1(-3 * (MONTH + 4 * HOUR - 2 * budget) / (3004 * HOUR))
        chance = found.chance_of_missing(1 - budget / MONTH, MONTH)
        assert chance.probability == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    "repair",
    [duration.constant(4 * HOUR), duration.gamma(mean=4 * HOUR, cv=0.5)],
)
def test_clients_that_nobody_leads_away_wait_for_a_repair_that_runs_already(repair):
    """The site is back hours after its failure, and not hours after a failover.

    Half of the clients lose one repair each time, cut at the ends of the month.
    """
    node = Node(mttf=30_000 * HOUR, mttr=repair)
    stuck = Failover(detection=300, redirection=300, coverage=0.0)
    found = assess(ActiveActive(database=node, failover=stuck))
    for hours in (1.0, 1.8, 3.0):
        least = 2 * hours * HOUR  # of one site
        begins = float(repair.sf(least)) * (MONTH - least)
        begins += float(repair.law.excess(least))
        alone = -math.expm1(-2 * begins / (30_004 * HOUR))
        two = (2 * MONTH / (30_004 * HOUR)) ** 2 / 2
        chance = found.chance_of_missing(1 - hours * HOUR / MONTH, MONTH)
        assert chance.probability == pytest.approx(alone, rel=0.01, abs=1.1 * two)


def test_the_first_of_two_clocks_ends_a_wait():
    """Stuck clients are led away after an hour by hand; a repair takes 30 to 90 min."""
    node = Node(mttf=30_000 * HOUR, mttr=duration.uniform(0.5 * HOUR, 1.5 * HOUR))
    by_hand = Failover(coverage=0.0, manual=duration.constant(HOUR))
    found = assess(ActiveActive(database=node, failover=by_hand))
    for minutes, longer in ((10, 1.0), (20, 5 / 6), (25, 2 / 3), (31, 0.0)):
        x = minutes * MINUTE  # half of the clients: twice as long
        chance = found.chance_of_missing(1 - x / MONTH, MONTH).probability
        alone = -math.expm1(-2 * longer * (MONTH - 2 * x) / (30_001 * HOUR))
        two = (2 * MONTH / (30_001 * HOUR)) ** 2 / 2
        assert chance == pytest.approx(alone, rel=0.01, abs=1.1 * two)


def test_a_peaked_law_does_not_seem_settled_early():
    """Outages of one length: the first terms know nothing of it, and agree."""
    found = assess(catalogue.system("kafka"))._over("write").downtime
    late_by = found.quantile(0.9, YEAR) * YEAR

    def missed(s):
        return (-np.expm1(-found._exponent(s, YEAR)) / s)[None]

    (late,), _ = _inversion.tail(missed, late_by, 3000, agree=1e-9)
    assert late == pytest.approx(0.1, rel=1e-3)


@pytest.mark.parametrize("hours", [2.0, 3.5, 4.5])
def test_a_common_cause_lasts_until_the_third_of_four_repairs(hours):
    """Repairs that begin together: the third of four, by counting."""
    four = Majority(
        database=Node(mttf=1e9, mttr=duration.uniform(HOUR, 5 * HOUR)),
        copies={"A": 2, "B": 2},
        common_cause=0.5,
        election=duration.constant(1),
        failover=Failover(),
    )
    allowed, later = hours * HOUR, np.linspace(hours, 5, 20_001)
    done = (later - 1) / 4
    longer = sum(math.comb(4, k) * done**k * (1 - done) ** (4 - k) for k in range(3))
    density = -np.diff(longer)
    room = MONTH - 2 * allowed + (later[1:] + later[:-1]) / 2 * HOUR
    expected = 0.5e-9 * float(density @ room)
    found = assess(four).chance_of_missing(1 - allowed / MONTH, MONTH)
    assert found.probability == pytest.approx(expected, rel=0.02)


def test_two_are_down_for_no_longer_than_the_repair_that_is_bounded():
    """Whichever fails first: of two visits in an hour the chance is a square."""
    both = assess_journeys(
        Majority(database=Node(mttf=1e12, mttr=1), failover=Failover()),
        parts={
            "card": OtherPart(mttf=300 * HOUR, mttr=duration.uniform(600, 1200)),
            "invoice": OtherPart(mttf=100 * HOUR, mttr=2 * HOUR),
        },
        journeys={"pay": Journey(path="any(card, invoice)", objective=0.6)},
    )
    ever = both.chance_of_missing("pay", HOUR)
    assert ever.probability < 1e-7


def test_visits_within_others_add_to_them():
    """Two visits in three bring another one; by drawing whole clusters."""
    often, share, lasts, rng = 0.02, 2 / 3, (3.0, 5.0), np.random.default_rng(4)

    def visits(rate, mean):
        def killed(kill, horizon):
            one = (kill / (kill + 1 / mean))[:, 0]
            return rate * horizon * one, one

        return SimpleNamespace(
            fails=1.0,
            unsure=lambda _: None,
            mean=rate * mean,
            killed=killed,
            is_short=lambda _: False,
            never=lambda horizon: rate * horizon,
            lacks=lambda x, _: np.zeros(len(x)),
            atoms=lambda _: Atoms(),
        )

    outer, inner = visits(often, lasts[0]), visits(often * share, lasts[1])
    cluster = Cluster(inner, often * share, ((outer, 1.0),), 0.0, 0.0, 1e-6)
    law = Downtime(base=0.0, streams=((outer, 1), (inner, 1)), clusters=(cluster,))
    count = rng.poisson(often * 100.0, 1_000_000)
    drawn = rng.gamma(np.maximum(count, 1e-9), lasts[0]) * (count > 0)
    within = rng.binomial(count, share)
    drawn += rng.gamma(np.maximum(within, 1e-9), lasts[1]) * (within > 0)
    for x in (0.5, 5.0, 20.0):
        expected = np.mean(drawn > x)
        assert law.miss(x / 100, 100.0).probability == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("key", ["etcd", "consul", "cockroachdb"])
def test_the_error_covers_what_visits_add_up_to_wrongly(key):
    """Of all visits the mean is known by another road: the long-run downtime."""
    found = assess(catalogue.system(key))
    law = found._over("write").downtime
    mean = law.base + sum(count * stream.mean for stream, count in law.streams)
    off = abs(mean / found.write.unavailability - 1)
    assert 1e-5 < off < law.error
    assert found.chance_of_missing(0.999, MONTH).error > off
