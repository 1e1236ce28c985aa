"""Visits of many states against dense linear algebra; what is believed, by its mean."""

import itertools
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import linalg

import hamodel as ha
from hamodel import duration
from hamodel._fields import replaced
from hamodel.architectures import ActiveActive, Event, Node, Part
from hamodel.assessment import WORKBOOK, Journey, _joint, assess_journeys
from hamodel.assessment._adding import Cluster
from hamodel.assessment._clusters import _joined, _within
from hamodel.assessment._combinations import Item, beside_of, excess_of, often_of
from hamodel.assessment._following import _within as _follow
from hamodel.assessment._kinds import Visits
from hamodel.assessment._lumping import lumped, members, rounded
from hamodel.assessment._streams import _other
from hamodel.assessment._visits import Moves, Other, process_of
from hamodel.assessment.expected import assessed, spread_draws
from hamodel.markov import steady_state
from hamodel.units import HOUR, MONTH


def visits(n, density, rng):
    """Visits to n states, of which some lead to each other and all lead out."""
    rates = rng.random((n, n + 1)) * (rng.random((n, n + 1)) < density)
    rates[:, n] += 0.1
    np.fill_diagonal(rates, 0.0)
    begins = rng.random(n)
    inner, out = rates[:, :n], rates.sum(axis=1)
    stays = np.linalg.solve((np.diag(out) - inner).T, begins)
    begins, stays = begins / (4 * stays.sum()), stays / (4 * stays.sum())
    moves = Moves(rates=rates)
    return Visits(moves=moves, begins=begins, entries=stays * out, fails=rng.random(n))


@pytest.mark.parametrize("left_out", [1e-8, 1e-3])
def test_joint_states_that_hardly_count_are_left_out(left_out, monkeypatch):
    """Of two sites: with all states as without the rare ones, unless too many are."""
    sites = ActiveActive(
        database=Node(mttf=1000 * HOUR, mttr=ha.duration.lognormal(mean=HOUR, cv=1)),
        failover=ha.Failover(detection=10, redirection=60, coverage=0.9, manual=900),
        site=ha.Site(mttf=9000 * HOUR, mttr=8 * HOUR),
    )

    def found(share):
        monkeypatch.setattr(_joint, "_HARDLY", share)
        _joint.stream_of.cache_clear()
        lost = ha.assess(sites).chance_of_missing(0.4, HOUR).probability
        return lost, sum(map(len, counted))

    counted, kept = [], _joint._frequent

    def spied(parts, states):
        counted.append(kept(parts, states))
        return counted[-1]

    monkeypatch.setattr(_joint, "_frequent", spied)
    exact, every = found(0.0)
    counted.clear()
    nearly, some = found(left_out)
    _joint.stream_of.cache_clear()
    assert some < every
    assert (abs(nearly / exact - 1) < 1e-5) == (left_out < 1e-3)


@pytest.mark.parametrize("density", [0.2, 0.5, 1.0])
def test_states_that_are_put_into_each_other_are_a_linear_system(density):
    """With few moves, putting one state into others makes moves that were none."""
    rng = np.random.default_rng(5)
    for n in (1, 2, 5, 9):
        some = visits(n, density, rng)
        kill = np.outer([0.3, 0.01 + 1j, 7 - 2j], some.fails)
        out, inner = some.moves.rates.sum(axis=1), some.moves.rates[:, :n]
        dead = [np.linalg.solve(np.diag(out + row) - inner, row) for row in kill]
        expected = np.array(dead) @ some.begins
        assert some.killed_per_second(kill) == pytest.approx(expected, rel=1e-12)
        longest = np.linalg.solve(np.diag(out) - inner, np.ones(n)).max()
        for times, short in ((39, True), (41, False)):
            assert some.is_short(times * longest) == short
        # of a visit that a period cuts: all begun before, less what its ends cut off
        late = [
            np.linalg.solve(np.diag(out + row) - inner, ends)
            for row, ends in zip(kill, dead, strict=True)
        ]
        stays = some.entries / out
        for horizon in (41 * longest, 400 * longest):
            whole = horizon * expected - np.array(late) @ some.begins
            whole = whole - np.log1p(-np.array(dead) @ stays)  # one at most
            found = some.exponent(kill, horizon)
            assert found == pytest.approx(whole, rel=1e-10)


def test_one_journey_with_an_objective_is_all_of_them():
    one = ha.SinglePrimary(database=ha.Node(mttf=400 * HOUR, mttr=0.5 * HOUR))
    journeys = {
        "pay": Journey(path="write", objective=0.999),
        "look": Journey(path="read"),
    }
    shop = assess_journeys(one, journeys=journeys)
    assert shop.chance_of_missing_any() == shop.chance_of_missing("pay")


@pytest.mark.parametrize("target", [-0.1, 1.1])
def test_an_alert_needs_an_objective_that_can_be(target):
    shop = assess_journeys(ONE, journeys={"pay": Journey(path="write")})
    for ask in (ha.assess(ONE).alert_rate, lambda *a: shop.alert_rate("pay", *a)):
        with pytest.raises(ValueError, match=r"target must be in \[0, 1\]"):
            ask(WORKBOOK[0], target)


# ---- what is believed --------------------------------------------------------------

ONE = ha.SinglePrimary(database=ha.Node(mttf=100 * HOUR, mttr=5 * HOUR))
LASTS = ha.duration.lognormal(mean=5 * HOUR, cv=1.0)


def mean_of(f, *laws):
    """The mean of a function of independent values; points crowd at the ends."""
    u, w = np.polynomial.legendre.leggauss(300)
    u, w = (1 + u) / 2, w / 2
    u, w = u**2 * (3 - 2 * u), w * 6 * u * (1 - u)
    values = f(*np.meshgrid(*(law.quantile(u) for law in laws)))
    for _ in laws:
        values = values @ w
    return values


def down(mttf, mttr):
    return mttr / (mttf + mttr)


@pytest.mark.parametrize("factor", [1, 3])
def test_a_mean_over_what_is_believed(factor):
    """A repair that takes three times as long is believed to, whatever it takes."""
    found = assessed(ONE, None, {"database.mttr": LASTS})
    median = float(LASTS.quantile(0.5))
    moved = replaced(ONE, {"database.mttr": factor * median})
    same = replace(found, architecture=moved)
    exact = mean_of(lambda x: down(100 * HOUR, factor * x), LASTS)
    assert same.write.unavailability == pytest.approx(exact, rel=1e-4)
    assert same.read.by_site["DC-1"] == pytest.approx(exact, rel=1e-4)
    assert same.for_gains.write.unavailability == pytest.approx(exact, rel=0.01)


def test_a_mean_over_two_that_are_believed():
    fails = ha.duration.uniform(50 * HOUR, 500 * HOUR)
    beliefs = {"database.mttr": LASTS, "database.mttf": fails}
    medians = {path: float(law.quantile(0.5)) for path, law in beliefs.items()}
    found = assessed(replaced(ONE, medians), None, beliefs)
    exact = mean_of(lambda repair, life: down(life, repair), LASTS, fails)
    assert found.write.unavailability == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize(
    ("count", "within"), [(4000, 0.002), (50, 0.07), (40, 0.07), (10, 0.2)]
)
def test_draws_of_several_that_are_believed_are_hardly_correlated(count, within):
    """They were, by 0.4 % of two at 4000 draws, and by all of five at ten."""
    for several in (2, 3, 5, 7):
        beliefs = {f"{k}": ha.duration.uniform(k, k + 1) for k in range(several)}
        drawn = np.array([*spread_draws(beliefs, count).values()])
        alike = np.corrcoef(drawn) - np.eye(several)
        assert np.abs(alike).max() < within
        even = np.arange(several)[:, None] + (np.arange(count) + 0.5) / count
        assert np.sort(drawn) == pytest.approx(even)


def test_a_share_that_is_believed_is_moved_by_what_it_lacks():
    """Coverage of 0.8 to 1, the median 0.9: at 0.95 it lacks half of what it lacked."""
    covers = ha.duration.uniform(0.8, 1.0)
    pair = ha.ActivePassive(
        database=ONE.database,
        failover=ha.Failover(promotion=60, coverage=0.95),
        sites=("DC-1",),
    )
    found = assessed(pair, None, {"failover.coverage": covers})
    half = [
        ha.assess(replaced(pair, {"failover.coverage": 1 - (1 - c) / 2})).write
        for c in covers.quantile((np.arange(50) + 0.5) / 50)
    ]
    exact = np.mean([w.unavailability for w in half])
    assert found.write.unavailability == pytest.approx(exact, rel=1e-4)


def test_a_load_that_is_believed_is_tried_again_at_a_few_draws():
    """Attempts that give up after 50 ms, of which more do the more is asked for."""
    asked = ha.Workload(reads=30, writes=0, read_time=0.01, timeout=0.05, retries=1)
    one = replace(ONE, database=replace(ONE.database, cores=1))
    law = ha.duration.uniform(20, 40)
    each = [
        ha.assess(one, replace(asked, reads=x)).read
        for x in law.quantile((np.arange(40) + 0.5) / 40).tolist()
    ]
    found = assessed(one, asked, {"workload.reads": law}).read
    assert set(found.downtime_by_cause) == {"database down", "too slow"}
    for cause, down in found.downtime_by_cause.items():
        exact = np.mean([read.downtime_by_cause[cause] for read in each])
        assert down == pytest.approx(exact, rel=2e-3), cause
    assert found.by_site["DC-1"] == pytest.approx(found.unavailability)


def test_the_chance_of_a_month_is_a_mean_too():
    """One belief takes three values of Gauss, two take ten that are spread."""
    law = ha.duration.uniform(4 * HOUR, 6 * HOUR)
    found = assessed(ONE, None, {"database.mttr": law})
    each = [
        ha.assess(replaced(ONE, {"database.mttr": float(x)}))
        for x in law.quantile((np.arange(20) + 0.5) / 20)
    ]
    exact = np.mean([a.chance_of_missing(0.95, MONTH).probability for a in each])
    assert found.chance_of_missing(0.95, MONTH).probability == pytest.approx(
        exact, rel=1e-4
    )
    both = {"database.mttr": law, "database.mttf": ha.duration.constant(100 * HOUR)}
    chance = assessed(ONE, None, both).chance_of_missing(0.95, MONTH)
    assert chance.probability == pytest.approx(exact, rel=0.01)
    assert 1e-6 < chance.error < 2e-6  # of each, not of how few they are


# ---- combinations of parts -----------------------------------------------------------

PARTS = [(0.1, 0.01), (0.2, 0.03), (0.15, 0.02), (0.3, 0.05)]  # of time, and in 1/s
ITEMS = [Item(leaf, 1, *both) for leaf, both in enumerate(PARTS)]


def begins(items):
    """How often some are away together, in 1/s: one goes while the others are."""
    return sum(
        one.often * math.prod(other.share for other in items if other is not one)
        for one in items
    )


def test_how_often_parts_are_away_together_and_which_within_which():
    triple, pairs = tuple(ITEMS[:3]), [tuple(ITEMS[:2]), tuple(ITEMS[1:3])]
    other = (ITEMS[0], ITEMS[1]._replace(view=2, share=0.05, often=0.001), ITEMS[2])
    often, inner = _within([*((i,) for i in ITEMS), *pairs, triple, other])
    assert often[0, 1, 2] == pytest.approx(begins(triple) + begins(other), rel=1e-12)
    assert often[0, 1] == pytest.approx(begins(pairs[0]), rel=1e-12)
    assert often[3,] == pytest.approx(0.05, rel=1e-12)
    # of those of three parts a share has a pair within that fails by itself
    with_pair = begins(triple) / often[0, 1, 2]
    assert inner[0, 1, 2] == pytest.approx({(0, 1): with_pair, (1, 2): with_pair})
    assert inner.keys() == {(0, 1, 2)}
    assert often_of((ITEMS[0]._replace(share=0.0, often=0.0),)) == 0
    assert beside_of([(ITEMS[3],), *pairs]) == pytest.approx(0.35)
    assert beside_of([(ITEMS[3],)]) == 0


def test_what_combinations_fail_beyond_those_within_them_adds_up():
    """What fails is a sum over all that is within what is shown, so each is found."""
    adds = {
        ((0, 1),): 0.01,
        ((2, 1),): 0.03,
        ((0, 1), (1, 1)): 0.05,
        ((0, 2), (1, 1)): 0.02,
        ((1, 1), (2, 1)): 0.04,
        ((0, 1), (1, 1), (2, 1)): 0.2,
        ((0, 2), (1, 1), (2, 1), (3, 1)): 0.1,
        tuple((leaf, 1) for leaf in range(1, 7)): 0.02,
    }

    def of(shown):
        within = (more for views, more in adds.items() if {*views} <= {*shown.items()})
        return 0.1 + sum(within)

    items = [ITEMS[0], ITEMS[0]._replace(view=2), *ITEMS[1:]]
    items += [Item(leaf, 1, 0.3, 0.05) for leaf in (4, 5, 6)]
    found = excess_of(SimpleNamespace(of=of), items, 0.1)
    views = {tuple((i.leaf, i.view) for i in c): more for c, more in found.items()}
    assert views == pytest.approx(adds, abs=1e-15)
    # those of which fewer than one in 1e10 times ten years begins are left out
    seldom = 1e-10 / (10 * 365.25 * 24 * HOUR) / often_of(ITEMS[:3])
    for factor, left in ((1.01, True), (0.99, False)):
        rare = [one._replace(often=one.often * seldom * factor) for one in ITEMS]
        found = excess_of(SimpleNamespace(of=of), rare, 0.1)
        assert (tuple(rare[:3]) in found) == left


def test_visits_to_two_states_begin_once():
    """Of a chain: pairs that begin t apart, beyond chance, at T - t places each."""
    goes = {
        "up": {"down": 0.3, "worse": 0.1},
        "tired": {"worse": 0.5, "up": 0.2},
        "down": {"worse": 0.7, "up": 1.1},
        "worse": {"later": 1.8},  # an Erlang law: two stages
        "later": {"tired": 1.8},
    }

    def events(state):
        if state == "worse":
            yield Event("mend", duration.erlang(2, 2 / 1.8), "tired")
        else:
            for to, rate in goes[state].items():
                yield Event(f"{state} {to}", 1 / rate, to)

    part = process_of(Part(name="node", start="up", events=events, view=str))
    states = tuple(map(part.views.index, ("down", "worse")))
    rates = np.array([[goes[i].get(j, 0.0) for j in goes] for i in goes])
    q = rates - np.diag(rates.sum(axis=1))
    enters = rates[:, 2:4] * [[1], [1], [0], [0], [0]]  # from up, or from tired
    often = steady_state(rates) @ enters
    points, weights = np.polynomial.legendre.leggauss(60)
    for horizon in (1.0, 8.0):
        exact = np.zeros((2, 2))
        for t, weight in zip((points + 1) / 2 * horizon, weights / 2, strict=True):
            then = linalg.expm(q * t)[2:4] @ enters
            exact += weight * horizon * (horizon - t) * often[:, None] * (then - often)
        assert _follow(part, states, horizon) == pytest.approx(exact, rel=3e-3)


def test_an_outage_begins_with_others_or_follows_them():
    """An election, leaf 1, begins with 30 % of what "copy" does, and follows pairs."""
    shares = SimpleNamespace(
        along=(1, SimpleNamespace(begins={"copy": 0.3})),
        leaves=[SimpleNamespace(name=name) for name in ("copy", "", "other")],
        views=[("up", "down"), ("led", "lost", "electing"), ("up", "down")],
        leads_on=lambda shown: len(shown) > 1,
    )
    moves = SimpleNamespace(lasts=lambda state: f"law {state}")
    led = SimpleNamespace(views=("electing", "led", "lost"), moves=moves)
    copy, other, lost = (Item(i, 1, 0.1, 0.1) for i in (0, 2, 1))
    excess = {(copy,): 0.1, (lost, other): 0.4, (lost,): 0.7, (copy, other): 0.2}

    def begun(*combination):
        return _other(shares, [None, led, None], excess, [combination])

    assert begun(copy) == Other("law 2", 0.7, 0.3, frozenset())
    assert begun(copy, other) == Other("law 2", 0.7, 0.0, frozenset({(1, 1)}))
    assert begun(other) is None
    assert begun(lost) is begun(lost, other) is None  # it does not follow itself
    del excess[lost,]
    assert begun(copy) is None


def test_others_join_while_all_but_one_are_away():
    """Of parts 0, 1 away while 2 goes: 3 may come in its place while 0 and 1 are."""
    away = {0: (0.01, 10.0), 1: (0.03, 5.0), 2: (0.02, 8.0), 3: (0.05, 4.0)}
    streams = {(0, 1, 2), (0, 1, 3), (1, 2, 3), (0,)}
    found = _joined((0, 1, 2), away, streams)
    without_2, without_0 = 0.05 / (1 / 10 + 1 / 5), 0.05 / (1 / 5 + 1 / 8)
    assert found == pytest.approx(without_2 + without_0, rel=1e-12)


def test_visits_that_come_together_lower_the_exponent():
    """Each with one of another kind in 30 %, of a third in 100 %; they fade in 7 s."""
    one, two, three = SimpleNamespace(), SimpleNamespace(), SimpleNamespace()
    cluster = Cluster(one, 0.02, ((two, 0.3), (three, 1.0)), 0.001, 2.0, 7.0)
    kill = {id(one): np.array([0.2, 0.9]), id(two): np.array([0.5, 0.1])}
    time = 50 + 7 * (math.exp(-50 / 7) - 1)
    both, unsure = cluster.less(kill, 50.0)
    assert both == pytest.approx(0.02 * time * np.array([0.2 * 0.15, 0.9 * 0.03]))
    again = 0.001 * (1 - np.array([0.8, 0.1]) ** 2)
    assert unsure == pytest.approx(
        time * (again + 2 * 0.02 * np.array([0.2, 0.9])), rel=1e-12
    )
    kill[id(three)] = np.array([0.6, 0.4])
    both, _ = cluster.less(kill, 50.0)
    none = (1 - 0.3 * kill[id(two)]) * (1 - kill[id(three)])
    assert both == pytest.approx(0.02 * time * kill[id(one)] * (1 - none), rel=1e-12)


def test_states_that_are_alike_are_one():
    """Three machines of two kinds: what matters is how many of each kind are down."""
    states = list(itertools.product((0, 1), repeat=3))
    rates = np.zeros((8, 8))
    for i, state in enumerate(states):
        for k, (fail, mend) in enumerate([(0.3, 2.0), (0.3, 2.0), (0.1, 1.0)]):
            to = (*state[:k], 1 - state[k], *state[k + 1 :])
            rates[i, states.index(to)] = mend if state[k] else fail
    fails = np.array([float(sum(state) >= 2) for state in states])
    blocks = lumped(rates, fails, 8)
    alike = {}
    for state, block in zip(states, blocks.tolist(), strict=True):
        alike.setdefault(block, set()).add((state[0] + state[1], state[2]))
    assert sorted(map(sorted, alike.values())) == sorted(
        [[(a, b)] for a in range(3) for b in range(2)]
    )
    assert lumped(rates, fails, 5) is None
    assert lumped(rates, fails, 6) is not None
    member = members(blocks)
    assert member.sum(axis=1).tolist() == [1.0] * 8
    assert member.argmax(axis=1).tolist() == blocks.tolist()
    near = rounded(np.array([1 / 3, 1 / 3 + 1e-13, 1 / 3 + 1e-8, 1e-9, 0.0]))
    assert near[0] == near[1] != near[2]
    assert near == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1e-9, 0], rel=1e-7, abs=0)
