"""Visits of many states against dense linear algebra; what is believed, by its mean."""

from dataclasses import replace

import numpy as np
import pytest

import hamodel as ha
from hamodel._fields import replaced
from hamodel.assessment import WORKBOOK, Journey, assess_journeys
from hamodel.assessment._kinds import Visits
from hamodel.assessment._visits import Moves
from hamodel.assessment.expected import assessed, spread_draws
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
