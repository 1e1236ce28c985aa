"""Elections: closed forms against elections played message by message."""

import numpy as np
import pytest

from hamodel import catalogue, duration
from hamodel.failover import Election, simulate_elections
from tests.support.reference import answer


@pytest.mark.parametrize(("low", "left"), [(1.0, 2), (0.15, 2), (2.0, 4)])
def test_the_first_of_the_timers(low, left):
    """Of s times uniform over (E, 2E) the first has mean E (1 + 1/(s + 1))."""
    raft = Election(low=low, high=2 * low, nodes=left + 1, failed=1)
    assert raft.first_timeout.mean == pytest.approx(
        low * (1 + 1 / (left + 1)), rel=1e-9
    )
    assert raft.duration.mean == pytest.approx(raft.first_timeout.mean, rel=1e-9)


def test_three_nodes_one_dead():
    assert Election(low=3, high=6).first_timeout.mean == pytest.approx(4, rel=1e-9)


@pytest.mark.parametrize("nodes", [3, 5, 7])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_split_votes(nodes, share):
    """Count, in drawn timers, how often too many fire before the first is heard."""
    raft = Election(low=1, high=2, nodes=nodes, one_way=share)
    timers = np.sort(np.random.default_rng(9).uniform(1, 2, (100_000, nodes - 1)))
    rivals = (timers[:, 1:] < timers[:, :1] + share).sum(axis=1)
    split = nodes - 1 - rivals < raft.majority
    assert raft.split_probability == pytest.approx(split.mean(), abs=4 * 0.5 / 316)


@pytest.mark.parametrize(
    ("nodes", "one_way"), [(3, 0.0), (3, 0.01), (5, 0.01), (5, 0.03)]
)
def test_the_closed_form_against_played_elections(nodes, one_way):
    """The closed form leaves out small dependences; 4 % and four standard errors."""
    raft = Election(low=0.15, high=0.3, nodes=nodes, one_way=one_way, heartbeat=0.075)
    drawn = simulate_elections(
        1000,
        np.random.default_rng(12),
        logs=[1] * (nodes - 1),
        timeout=(0.15, 0.3),
        one_way=one_way,
        heartbeat=0.075,
    )
    error = 4 * drawn.std() / np.sqrt(1000)
    assert raft.duration.mean == pytest.approx(drawn.mean(), abs=error, rel=0.04)
    assert raft.mean == pytest.approx(raft.duration.mean, rel=1e-6)
    assert raft.duration.quantile(0.5) == pytest.approx(np.median(drawn), rel=0.06)


def test_published_election():
    """A sanity band for the simulation: Raft's figure 16, 5 ms of randomness."""
    record = answer("failover", "pub-raft-01")
    p = record["params"]
    low, high = (x / 1000 for x in p["timeout_ms"])
    drawn = simulate_elections(
        1000,
        np.random.default_rng(16),
        logs=[0, 1, 2, 3],  # lengths differ, so some candidates cannot win
        timeout=(low, high),
        one_way=duration.exponential(p["broadcast_ms"] / 2000),
        heartbeat=low / 2,
    )
    assert np.median(drawn) * 1000 == pytest.approx(record["value"], rel=record["rtol"])
    spread = simulate_elections(
        1000,
        np.random.default_rng(17),
        logs=[0, 1, 2, 3],
        timeout=(low, 0.2),
        one_way=duration.exponential(p["broadcast_ms"] / 2000),
        heartbeat=low / 2,
    )
    assert 0.3 < spread.max() < 1.0  # published: 513 ms, the worst of 1000


@pytest.mark.parametrize(
    ("fact", "left"), [("FO-055", 4), ("FO-056", 3)], ids=["1 of 5", "2 of 5"]
)
def test_published_elections_over_a_wide_area(fact, left):
    """Means and 99.9th percentiles of Ongaro's dissertation, read from its figures.

    Means within 6 %, the far tail (3 of 3000 elections) within a quarter.
    """
    published = catalogue.fact(fact)
    drawn = simulate_elections(
        3000,
        np.random.default_rng(21),
        logs=[0] * left + [None] * (4 - left),
        timeout=(0.3, 0.6),
        one_way=duration.uniform(0.03, 0.04),
        heartbeat=0,
    )
    assert drawn.mean() == pytest.approx(published.value, rel=0.06)
    assert np.quantile(drawn, 0.999) == pytest.approx(published.high, rel=0.25)
    raft = Election(low=0.3, high=0.6, nodes=5, failed=5 - left, one_way=0.035)
    assert raft.duration.mean == pytest.approx(published.value, rel=0.06)
    assert raft.split_probability < catalogue.fact("FO-057").in_base()


def test_too_little_randomness_is_refused():
    with pytest.raises(ValueError, match="one_way must be well below high - low"):
        _ = Election(low=0.15, high=0.151, one_way=0.01).duration
    assert Election(low=0.15, high=0.151, one_way=0.01).mean_rounds == float("inf")
    assert Election(low=0.15, high=0.151, one_way=0.01).mean == float("inf")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"low": 0}, "low must be > 0"),
        ({"low": 2, "high": 1}, "low must be < high, got 2 and 1"),
        ({"nodes": 3, "failed": 2}, "failed must leave a majority of 2 of 3, got 2"),
        ({"failed": 0}, "failed must be a whole number >= 1"),
        ({"one_way": -1}, "one_way must be >= 0"),
        ({"heartbeat": 9}, r"heartbeat must be in \[0, 0.15\], got 9"),
    ],
)
def test_bad_elections(fields, words):
    with pytest.raises(ValueError, match=words):
        Election(**fields)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"logs": [1]}, "servers_left must be a whole number >= 2, got 1"),
        ({"timeout": (2, 1)}, "timeout must be .low, high. with low < high"),
        ({"timeout": (0, 1)}, "least_timeout must be > 0"),
        ({"one_way": -1}, "one_way must be >= 0"),
        ({"heartbeat": -1}, "heartbeat must be >= 0"),
        ({"count": 0}, "count must be a whole number >= 1"),
    ],
)
def test_bad_simulations(fields, words):
    asked = {"count": 1, "rng": np.random.default_rng(1), "logs": [1, 1]} | fields
    with pytest.raises(ValueError, match=words):
        simulate_elections(asked.pop("count"), asked.pop("rng"), **asked)


def test_a_seed_gives_the_same_elections():
    first, second = (
        simulate_elections(5, np.random.default_rng(3), logs=[1, 1]) for _ in range(2)
    )
    assert first.tolist() == second.tolist()
