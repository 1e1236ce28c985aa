"""Integrals over laws that jump and bend, by what must hold of any law."""

from itertools import combinations_with_replacement, product

import numpy as np
import pytest

from hamodel import duration
from hamodel.duration import constant, exponential, gamma, lognormal, mixture, uniform
from hamodel.quorum import Delays, Quorum, stale_probability
from hamodel.quorum._cuts import Plain, Sum, ranked, spread

LAWS = {
    "exponential": exponential(2.0),
    "uniform": uniform(1, 3),
    "constant": constant(2.0),
    "shifted": exponential(1.0) + 1.0,
    "jumps": mixture([0.3, 0.5, 0.2], [constant(1.0), uniform(0, 2), constant(3.0)]),
    "or at once": mixture([0.5, 0.5], [constant(0.0), exponential(1.0)]),
    "steps": mixture([0.25, 0.75], [constant(1.0), constant(2.5)]),
    "gamma": gamma(mean=1.0, cv=0.5),
    "lognormal": lognormal(mean=2.0, cv=1.0),
    "heavy": mixture([0.4, 0.6], [duration.pareto(1, 3.5), exponential(2)]),
}
SUMS = [*combinations_with_replacement([*LAWS][:7], 2), ("gamma", "uniform")]
TIMES = np.array([0.0, 0.5, 1.0, 2.0, 2.9, 3.0, 3.5, 4.0, 4.7, 5.0, 6.0, 9.0])
NOWHERE = np.empty(0)


def holds(law, at, mean):
    """Of n alike the last is one of them: E F(X)^(n - 1) = 1 / n, ties shared."""
    assert at.weights.sum() == pytest.approx(1, abs=2e-10)
    assert at.weights @ at.times == pytest.approx(mean, rel=2e-10)
    for ask in (law.cdf, law.sf):
        chance = ranked(ask, at)
        for others in (1, 2, 5):
            last = at.weights @ chance**others
            assert last == pytest.approx(1 / (others + 1), rel=1e-9)


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("scale", [1.0, 1e-5, 1e6])
def test_nodes_of_a_law_wherever_it_is_cut(name, scale):
    law = LAWS[name] * scale
    plain, at = Plain(law), TIMES * scale
    for cut in (0.7, 1.0, 1.7, 2.5):
        c = cut * scale
        kept = spread(plain, np.array([c, 0.1 * scale, 50 * scale, 1e9]), ranks=True)
        holds(plain, kept, law.mean)
        shorter = law.mean - law.sf(c) * law.mean_excess(c)  # E min(X, c)
        assert kept.weights @ np.minimum(kept.times, c) == pytest.approx(shorter)
    rows = spread(plain, at[:, None])  # a row of nodes for each cut
    below = (rows.weights * (rows.times <= at[:, None])).sum(axis=1)
    assert below == pytest.approx(law.cdf(at), abs=1e-11)


@pytest.mark.parametrize(("one", "other"), SUMS)
def test_sums_of_laws(one, other):
    first, second = LAWS[one], LAWS[other]
    law, turned = (
        Sum(*map(Plain, pair)) for pair in ((first, second), (second, first))
    )
    expected = first + second
    holds(law, spread(law, NOWHERE, ranks=True), expected.mean)
    assert law.cdf(TIMES) == pytest.approx(expected.cdf(TIMES), abs=1e-6)
    assert law.sf(TIMES) == pytest.approx(expected.sf(TIMES), rel=1e-5, abs=1e-12)
    assert law.cdf(TIMES) == pytest.approx(turned.cdf(TIMES), abs=1e-12)
    assert law.cdf(TIMES) + law.sf(TIMES) == pytest.approx(1, abs=1e-10)
    far = np.array([30.0, 1e5])  # beyond the last panel, too
    assert law.sf(far) == pytest.approx(expected.sf(far), rel=1e-5, abs=2e-14)


STEPS, QUICK, SLOW = LAWS["steps"], exponential(0.5), exponential(2.0)
WAYS = (  # of write, ack, read, response
    (SLOW, QUICK, QUICK, QUICK),
    (SLOW, QUICK, uniform(0, 1), constant(1.0)),
    (LAWS["or at once"], constant(0.0), constant(0.5), QUICK),
    (STEPS + QUICK, STEPS, STEPS, constant(1.0)),
)


@pytest.mark.parametrize(
    ("way", "read", "write"),
    [*product(range(3), [1, 2], [1]), *product(range(3), [1], [2]), (3, 1, 1)],
)
def test_staleness_knows_no_unit_and_no_names(way, read, write):
    """In other units it is the same; replicas alike are alike, whoever asks."""
    times, quorum = (
        np.array([0.0, 0.4, 2.0]),
        Quorum(replicas=3, read=read, write=write),
    )

    def asked(scale, names):
        each = [
            Delays(**dict(zip(("write", "ack", "read", "response"), laws, strict=True)))
            for laws in [[law * scale for law in WAYS[way]] for _ in range(names)]
        ]
        each = (each * 3)[:3]
        return stale_probability(
            each, times * scale, quorum=quorum, missed=0.1, down=0.2
        )

    found = asked(1.0, 1)
    assert asked(1e-4, 1) == pytest.approx(found, rel=1e-9, abs=1e-15)
    assert asked(1.0, 2) == pytest.approx(found, rel=1e-9, abs=1e-15)
    assert np.all(np.diff(found) <= 0)
    assert np.all(found > 0)


@pytest.mark.parametrize(("read", "write"), [(1, 1), (2, 1), (1, 2)])
def test_a_replica_that_is_one_or_another_is_the_mean_of_both(read, write):
    """Of three replicas each may be either: the mean over all eight cases."""
    writes = uniform(0, 1), exponential(1.0)
    laws = [*writes, mixture([0.5, 0.5], writes)]
    rest = {"ack": constant(0.0), "read": uniform(0, 1), "response": constant(0.0)}
    one, other, either = (Delays(write=law, **rest) for law in laws)
    times, quorum = [0.0, 0.2, 0.45], Quorum(replicas=3, read=read, write=write)
    weights = {(one,) * 3: 1, (one, one, other): 3, (one, other, other): 3}
    mean = sum(
        weight / 8 * stale_probability(each, times, quorum=quorum)
        for each, weight in {**weights, (other,) * 3: 1}.items()
    )
    found = stale_probability(either, times, quorum=quorum)
    assert found == pytest.approx(mean, rel=1e-9)
