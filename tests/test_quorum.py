"""Quorums by enumeration, by published cases, by running them."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from hamodel import duration
from hamodel.quorum import (
    Delays,
    NoQuorumError,
    Quorum,
    latency,
    load,
    majority,
    older_than,
    stale_probability,
    unavailability,
)
from hamodel.quorum._load import transversals
from hamodel.structure import parse
from hamodel.units import MS
from tests.support.reference import cases


def pareto_exponential(fit):
    """Return a published latency fit in ms as a duration in s."""
    pareto = duration.pareto(fit["xm"] * MS, fit["alpha"])
    tail = duration.exponential(MS / fit["exp_rate"])
    weight = fit["pareto_weight"]
    return duration.mixture([weight, 1 - weight], [pareto, tail])


def published_pbs(name, given_):
    quorum = Quorum(replicas=given_["N"], read=given_["R"], write=given_["W"])
    if name == "pub-pbs-03":
        return 1 - older_than(quorum, given_["k"])
    # a client sees time go back if its read is older than all since its last one
    return older_than(quorum, 1 + given_["g_w"] / given_["g_r"])


def published_freshness(name, given_):
    if name == "pub-pbs-01":
        step = {n: duration.exponential(1 / given_[f"lambda_{n}"]) for n in "WARS"}
        delays = [step[n] for n in "WARS"]
    elif name == "pub-pbs-02":
        other = pareto_exponential(given_["A=R=S"])
        delays = [pareto_exponential(given_["W"]), other, other, other]
    else:
        other = pareto_exponential(given_["fit"]["ARS"])
        delays = [pareto_exponential(given_["fit"]["W"]), other, other, other]
    fields = dict(zip(("write", "ack", "read", "response"), delays, strict=True))
    quorum = Quorum(replicas=3, read=1, write=1)
    return 1 - stale_probability(Delays(**fields), given_["t"], quorum=quorum)


def published(record):
    name, given_ = record["id"], record["params"]
    if name in ("pub-pbs-03", "pub-pbs-04"):
        return published_pbs(name, given_)
    if name.startswith("pub-pbs"):
        return published_freshness(name, given_)
    if name == "pub-quorum-01":
        each = [duration.exponential(1 / given_["rate"])] * given_["n"]
        return latency(each, given_["k"]).mean
    if name in ("pub-quorum-02", "pub-quorum-06"):
        each = [duration.exponential(1 / rate) for rate in given_["rates"]]
        found = latency(each, given_["k"])
        return found.quantile(given_["q"]) if "q" in given_ else found.mean
    if name == "pub-quorum-03":
        return unavailability(given_["k"], [1 - given_["a"]] * given_["n"])
    if name == "pub-quorum-04":
        return load(given_["read_quorums"], read_fraction=given_["read_fraction"])
    assert name == "pub-quorum-05"
    nodes = [1 - a for a in given_["a"]]
    return unavailability(given_["quorum"], nodes, votes=given_["votes"])


@pytest.mark.parametrize("record", cases("quorum"))
def test_published_cases(record):
    assert published(record) == pytest.approx(record["value"], rel=record["rtol"])


@given(
    st.lists(
        st.tuples(st.fractions(0, 1, max_denominator=30), st.integers(0, 3)),
        min_size=1,
        max_size=6,
    ),
    st.data(),
)
def test_votes_by_enumeration(nodes, data):
    votes = [v for _, v in nodes]
    if not sum(votes):
        return
    needed = data.draw(st.integers(1, sum(votes)))
    total = Fraction(0)
    for up in itertools.product((0, 1), repeat=len(nodes)):
        if sum(u * v for u, v in zip(up, votes, strict=True)) < needed:
            total += math.prod(
                (1 - q) if u else q for u, (q, _) in zip(up, nodes, strict=True)
            )
    assert unavailability(needed, [q for q, _ in nodes], votes=votes) == total


@given(st.integers(1, 7), st.data())
def test_agrees_with_the_structure_room(n, data):
    needed = data.draw(st.integers(1, n))
    q = data.draw(st.lists(st.floats(1e-9, 0.9), min_size=n, max_size=n))
    names = [f"n{i}" for i in range(n)]
    same = parse(f"atleast({needed}, {', '.join(names)})")
    expected = same.unavailability(dict(zip(names, q, strict=True)))
    assert unavailability(needed, q) == pytest.approx(expected, rel=1e-12)


def test_small_arrays_and_formulas():
    assert unavailability(1, [1e-12] * 3) == pytest.approx(1e-36, rel=1e-13)
    grid = np.array([1e-6, 0.01, 0.5])
    many = Quorum(replicas=5, read=2, write=4).write_unavailability(grid)
    for i, q in enumerate(grid):
        one = Quorum(replicas=5, read=2, write=4).write_unavailability(float(q))
        assert many[i] == pytest.approx(one, rel=1e-14)
    q = sympy.Symbol("q")
    found = Quorum(replicas=3, read=2, write=2).read_unavailability(q)
    assert sympy.expand(found - (3 * q**2 - 2 * q**3)) == 0


def test_quorums_that_just_do_not_overlap():
    assert not Quorum(replicas=3, read=1, write=2).overlaps
    assert Quorum(replicas=3, read=2, write=2).overlaps
    assert Quorum(replicas=1, read=1, write=1).read_unavailability(0.25) == 0.25
    one = Quorum(replicas=3, read=1, write=1)
    assert older_than(one) == pytest.approx(2 / 3)


def test_even_is_worse_than_odd():
    for q in (1e-4, 0.01, 0.2):
        for n in range(1, 9, 2):
            odd = unavailability(majority(n), [q] * n)
            even = unavailability(majority(n + 1), [q] * (n + 1))
            assert even > odd


def test_transversals_are_the_path_sets_of_the_cut_sets():
    for reads in (["abc", "def"], ["ab", "bc", "ca"], ["abcd"], ["a", "bc"]):
        text = ", ".join(f"all({', '.join(quorum)})" for quorum in reads)
        expected = set(
            parse(f"any({text})" if len(reads) > 1 else text).minimal_cut_sets()
        )
        assert set(transversals(reads)) == expected
        assert set(transversals(transversals(reads))) == set(map(frozenset, reads))


def test_load_of_majorities_and_grids():
    # Naor and Wool (1998): a majority of n has load ⌈(n + 1) / 2⌉ / n
    for n in (3, 4, 5, 7):
        quorums = list(itertools.combinations(range(n), majority(n)))
        found = load(quorums, read_fraction=0.3, writes=quorums)
        assert found == pytest.approx(majority(n) / n, rel=1e-9)
    assert load(["abc", "def"], read_fraction=1) == pytest.approx(0.5)
    assert load(["abc", "def"], read_fraction=0) == pytest.approx(1 / 3)
    # of three nodes, one ten times as fast: what each pair of them takes, by hand
    each = {"a": 1000.0, "b": 100.0, "c": (100.0, 50.0)}
    pairs = ["ab", "bc", "ca"]
    found = load(pairs, read_fraction=1, writes=pairs, capacities=each)
    assert 1 / found == pytest.approx(200.0)  # half by ab, half by ca
    found = load(pairs, read_fraction=0, writes=pairs, capacities=each)
    assert 1 / found == pytest.approx(150.0)  # b takes 100, c the other 50
    alike = load(pairs, read_fraction=0.4, capacities=dict.fromkeys("abc", 50.0))
    assert alike == pytest.approx(load(pairs, read_fraction=0.4) / 50)
    with pytest.raises(ValueError, match="capacities must give 'c'"):
        load(pairs, read_fraction=1, capacities={"a": 1, "b": 1})
    with pytest.raises(ValueError, match="capacity of b must be > 0"):
        load(pairs, read_fraction=1, capacities={"a": 1, "b": 0, "c": 1})
    with pytest.raises(ValueError, match="writes must meet every read quorum"):
        load(["ab", "cd"], read_fraction=0.5, writes=["a"])


def test_latency_over_sites_by_drawing():
    near = duration.lognormal(mean=0.002, cv=0.5)
    mid = near + duration.constant(0.020)
    far = near + duration.uniform(0.070, 0.090)
    replies = [near, mid, mid, far, far]
    down = [0.3, 0.1, 0.1, 0.2, 0.05]
    found = latency(replies, 3, unavailability=down)
    rng = np.random.default_rng(7)
    n = 200_000
    drawn = np.array([reply.sample(n, rng) for reply in replies])
    drawn[rng.random(drawn.shape) < np.array(down)[:, None]] = np.inf
    third = np.sort(drawn, axis=0)[2]
    third = third[np.isfinite(third)]
    for t in (0.0215, 0.024, 0.075, 0.085):
        share = float((third <= t).mean())
        assert share == pytest.approx(found.cdf(t), abs=4 * 0.5 / len(third) ** 0.5)
    all_up = latency(replies, 3)
    assert all_up.quantile(0.99) < found.quantile(0.99)


def test_latency_with_nobody_left():
    each = [duration.exponential(1)] * 3
    with pytest.raises(
        NoQuorumError, match="needed must be <= 1, the replicas up"
    ) as bad:
        latency(each, 2, unavailability=[1, 1, 0.5])
    assert (bad.value.needed, bad.value.replicas) == (2, 1)
    with pytest.raises(NoQuorumError):
        latency(each, 4)
    alone = latency(each, 1, unavailability=[1, 1, 0])
    assert alone.mean == pytest.approx(1)
    assert latency(each, 1, votes=[0, 1, 0]).mean == pytest.approx(1)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: majority(0), "votes must be a whole number >= 1"),
        (lambda: unavailability(4, [0.1] * 3), "needed must be <= 3, the votes"),
        (lambda: unavailability(1, [0.1], votes=[1, 1]), "votes must hold 1 numbers"),
        (lambda: unavailability(1, [1.1]), r"nodes\[0\] must be in"),
        (lambda: Quorum(replicas=3, read=4, write=1), "read must be <= 3"),
        (lambda: Quorum(replicas=3, read=1, write=0), "write must be a whole number"),
        (lambda: transversals([]), "1 quorum or more"),
        (lambda: transversals(["ab", ""]), "none of them empty"),
        (
            lambda: latency([duration.exponential(1)], 1, unavailability=[0, 0]),
            "hold 1",
        ),
        (
            lambda: older_than(Quorum(replicas=3, read=1, write=1), 0),
            "versions must be",
        ),
    ],
)
def test_errors(ask, words):
    with pytest.raises(ValueError, match=words):
        ask()
