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
    Placement,
    Quorum,
    Site,
    consensus,
    copysets_lost,
    goes_back,
    latency,
    load,
    majority,
    older_than,
    stale_probability,
    takeover,
    transversals,
    unavailability,
)
from hamodel.structure import parse
from hamodel.units import HOUR, MS, YEAR
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
    return goes_back(quorum, writes=given_["g_w"], reads=given_["g_r"])


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
    if name == "pub-quorum-05":
        nodes = [1 - a for a in given_["a"]]
        return unavailability(given_["quorum"], nodes, votes=given_["votes"])
    assert name == "pub-coll-02"
    return copysets_lost(given_["N"], given_["R"], given_["failed"], given_["C"])


@pytest.mark.parametrize("record", cases("quorum"))
def test_published_cases(record):
    assert published(record) == pytest.approx(record["value"], rel=record["rtol"])


def test_lesson_numbers():
    # three nodes of 99 %: 99.970 %; four: 99.941 %; two: 98.0 %, worse than one
    shown = {n: 1 - unavailability(majority(n), [0.01] * n) for n in (1, 2, 3, 4)}
    assert f"{shown[3]:.3%}" == "99.970%"
    assert f"{shown[4]:.3%}" == "99.941%"
    assert f"{shown[2]:.1%}" == "98.0%"
    assert shown[2] < shown[1] == pytest.approx(0.99)
    # fastest 1, 2, 3 of 3 exponentials: 1/3, 5/6, 11/6 of a mean
    each = [duration.exponential(1)] * 3
    means = [latency(each, k).mean for k in (1, 2, 3)]
    assert means == pytest.approx([1 / 3, 5 / 6, 11 / 6], rel=1e-12)
    # five nodes over two sites: only the smaller site may be lost
    five = Placement(sites=[Site(replicas=3), Site(replicas=2)], node=0.01)
    assert five.survives([1])
    assert not five.survives([0])
    assert not five.survives_any_site


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
    s = sympy.Symbol("s")
    place = Placement(sites=[Site(replicas=1, unavailability=s)] * 3, node=q)
    each = s + (1 - s) * q
    assert sympy.expand(place.unavailability() - (3 * each**2 - 2 * each**3)) == 0


@st.composite
def placements(draw):
    rate = st.fractions(0, 1, max_denominator=9)
    sites = draw(
        st.lists(
            st.builds(
                lambda r, w, u: Site(replicas=r, witnesses=w, unavailability=u),
                st.integers(0, 2),
                st.integers(0, 2),
                rate,
            ),
            min_size=1,
            max_size=3,
        )
    )
    if not sum(site.replicas for site in sites):
        sites[0] = Site(replicas=1, unavailability=sites[0].unavailability)
    return Placement(sites=sites, node=draw(rate))


@given(placements(), st.data())
def test_placement_by_enumeration(place, data):
    data_nodes = sum(site.replicas for site in place.sites)
    needed = data.draw(st.integers(1, place.votes))
    copies = data.draw(st.integers(1, data_nodes))
    total = Fraction(0)
    for away in itertools.product((0, 1), repeat=len(place.sites)):
        chance = math.prod(
            s.unavailability if gone else 1 - s.unavailability
            for s, gone in zip(place.sites, away, strict=True)
        )
        nodes = [
            holds
            for site, gone in zip(place.sites, away, strict=True)
            if not gone
            for holds in [1] * site.replicas + [0] * site.witnesses
        ]
        for up in itertools.product((0, 1), repeat=len(nodes)):
            kept = sum(u * h for u, h in zip(up, nodes, strict=True))
            if sum(up) < needed or kept < copies:
                total += chance * math.prod(
                    1 - place.node if u else place.node for u in up
                )
    assert place.unavailability(needed, copies) == total


def test_survival_of_sites_is_the_limit_of_rare_failures():
    layouts = [(3, 2), (2, 2, 1), (1, 1, 1), (2, 1), (4,), (3, 1, 1)]
    for layout in layouts:
        lost = 1e-9
        sites = [Site(replicas=n, unavailability=lost) for n in layout]
        place = Placement(sites=sites, node=0.0)
        assert place.survives_any_site == (place.unavailability() < 1e-12)


def test_a_witness_votes_and_holds_nothing():
    witness = Site(replicas=0, witnesses=1)
    pair = Placement(sites=[Site(replicas=1), Site(replicas=1), witness], node=0.01)
    three = Placement(sites=[Site(replicas=1)] * 3, node=0.01)
    assert pair.unavailability() == pytest.approx(three.unavailability(), rel=1e-14)
    # but two witnesses and one replica stand and fall with the replica
    lonely = Placement(sites=[Site(replicas=1), witness, witness], node=0.01)
    assert lonely.unavailability() > 0.01 > three.unavailability()
    assert not lonely.survives([0])


def test_even_is_worse_than_odd():
    for q in (1e-4, 0.01, 0.2):
        for n in range(1, 9, 2):
            odd = unavailability(majority(n), [q] * n)
            even = unavailability(majority(n + 1), [q] * (n + 1))
            assert even > odd


def test_partition_leaves_at_most_one_writer():
    for n in range(1, 8):
        quorum = Quorum(replicas=n, read=majority(n), write=majority(n))
        for left in range(n + 1):
            sides = quorum.partitioned([left, n - left])
            assert sum(writes for *_, writes in sides) <= 1
    half = Quorum(replicas=4, read=2, write=2).partitioned([2, 2])
    assert half == ((2, True, True), (2, True, True))  # split brain: 2 W = N
    assert not Quorum(replicas=4, read=2, write=2).orders_writes


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
    with pytest.raises(ValueError, match="writes must meet every read quorum"):
        load(["ab", "cd"], read_fraction=0.5, writes=["a"])


def test_copysets_by_counting():
    groups = [(0, 1, 2), (2, 3, 4), (4, 5, 0)]
    lost = [
        sum(set(group) <= set(failed) for group in groups)
        for failed in itertools.combinations(range(7), 4)
    ]
    expected = sum(lost) / len(lost)
    assert copysets_lost(7, 3, 4, 3) == pytest.approx(expected, rel=1e-12)
    assert copysets_lost(7, 3, 2, 3) == 0
    rare = copysets_lost(10**6, 3, 1000, 10**6)
    by_hand = 10**6 * Fraction(math.comb(1000, 3), math.comb(10**6, 3))
    assert rare == pytest.approx(float(by_hand), rel=1e-9)


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


def test_consensus_majorities_are_binomial():
    q = 2 / 1002
    for n in (1, 2, 3, 4, 5):
        group = consensus(n, mttf=1000 * HOUR, mttr=2 * HOUR, election=2.0)
        expected = unavailability(majority(n), [q] * n)
        assert group.by_cause["no majority"] == pytest.approx(expected, rel=1e-12)
        assert group.all_down == pytest.approx(q**n, rel=1e-12)
        total = group.write_unavailability
        assert total == pytest.approx(group.chain.unavailability, rel=1e-13)
        # every election lasts its mean, unless a failure ends it
        share = group.elections * 2.0
        assert group.by_cause["election"] == pytest.approx(share, rel=1e-5)
    # more members do not help against elections: first order election / mttf
    seven = consensus(7, mttf=1000 * HOUR, mttr=2 * HOUR, election=2.0)
    first = 2.0 / (1000 * HOUR)
    assert seven.write_unavailability == pytest.approx(first, rel=0.01)
    assert seven.elections * YEAR == pytest.approx(8.76, rel=0.01)


def test_consensus_by_running_it():
    group = consensus(3, mttf=100.0, mttr=20.0, election=5.0)
    rng = np.random.default_rng(2)
    runs, horizon = 300, 5000.0
    lost = elections = 0.0
    for _ in range(runs):
        t, down = 0.0, set()
        leader = 0
        while t < horizon:
            up = [i for i in range(3) if i not in down]
            rates = [1 / 100.0] * len(up) + [1 / 20.0] * len(down)
            electing = leader is None and len(up) >= 2
            rates.append(1 / 5.0 if electing else 0.0)
            total = sum(rates)
            step = min(rng.exponential(1 / total), horizon - t)
            lost += step * (leader is None)
            t += step
            pick = int(rng.choice(len(rates), p=np.array(rates) / total))
            was = electing
            if pick == len(rates) - 1:
                leader = up[0]
            elif pick < len(up):
                down.add(up[pick])
                left = len(up) - 1
                leader = None if left < 2 or leader == up[pick] else leader
            else:
                down.remove(sorted(down)[pick - len(up)])
            now = leader is None and 3 - len(down) >= 2
            elections += now and not was and t < horizon
    assert lost / (runs * horizon) == pytest.approx(
        group.write_unavailability, rel=0.03
    )
    assert elections / (runs * horizon) == pytest.approx(group.elections, rel=0.03)


def test_consensus_as_formula_and_sweep():
    fail, repair, wait = sympy.symbols("lambda mu e", positive=True)
    group = consensus(3, mttf=1 / fail, mttr=1 / repair, election=wait)
    point = {fail: 1e-3, repair: 0.1, wait: 2}
    same = consensus(3, mttf=1e3, mttr=10.0, election=2.0)
    found = float(group.write_unavailability.subs(point))
    assert found == pytest.approx(same.write_unavailability, rel=1e-12)
    grid = np.array([0.1, 2.0, 30.0])
    many = consensus(3, mttf=1e3, mttr=10.0, election=grid)
    assert many.write_unavailability[1] == pytest.approx(same.write_unavailability)
    assert "no majority" in many._repr_html_()


def test_takeover_waits_for_the_lease():
    election = duration.uniform(1.0, 8.0)
    found = takeover(election, lease=10, renewal=6, drift=0.1)
    rng = np.random.default_rng(3)
    n = 200_000
    left = (10 - 6 * rng.random(n)) * 1.1
    drawn = np.maximum(election.sample(n, rng), left)
    assert drawn.mean() == pytest.approx(found.mean, rel=0.003)
    assert float((drawn <= 7).mean()) == pytest.approx(found.cdf(7.0), abs=0.005)
    # a short lease costs nothing beyond the election
    quick = takeover(election, lease=0.5, renewal=0.1)
    assert quick.mean == pytest.approx(election.mean, rel=1e-9)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: majority(0), "votes must be a whole number >= 1"),
        (lambda: unavailability(4, [0.1] * 3), "needed must be <= 3, the votes"),
        (lambda: unavailability(1, [0.1], votes=[1, 1]), "votes must hold 1 numbers"),
        (lambda: unavailability(1, [1.1]), r"nodes\[0\] must be in"),
        (lambda: Quorum(replicas=3, read=4, write=1), "read must be <= 3"),
        (lambda: Quorum(replicas=3, read=1, write=0), "write must be a whole number"),
        (
            lambda: Quorum(replicas=3, read=1, write=1).partitioned([2, 2]),
            "<= 3 replicas",
        ),
        (lambda: Site(replicas=-1), "replicas must be a whole number"),
        (lambda: Placement(sites=[Site(replicas=0)], node=0), "1 vote or more"),
        (lambda: Placement(sites=[3], node=0), r"sites\[0\] must be a Site"),
        (
            lambda: Placement(sites=[Site(replicas=3)], node=0).survives([1]),
            "site numbers < 1, got 1",
        ),
        (
            lambda: Placement(sites=[Site(replicas=3)], node=0).unavailability(
                copies=4
            ),
            "copies must be <= 3",
        ),
        (lambda: transversals([]), "1 quorum or more"),
        (lambda: copysets_lost(3, 4, 1, 1), "must be <= 3 nodes, got 4 and 1"),
        (
            lambda: latency([duration.exponential(1)], 1, unavailability=[0, 0]),
            "hold 1",
        ),
        (lambda: consensus(3, mttf=0, mttr=1, election=1), "mttf must be > 0"),
        (
            lambda: takeover(duration.exponential(1), lease=1, renewal=2),
            "renewal must be <= the lease of 1 s, got 2",
        ),
        (lambda: takeover(3, lease=1, renewal=1), "election must be a Duration"),
        (
            lambda: older_than(Quorum(replicas=3, read=1, write=1), 0),
            "versions must be",
        ),
        (lambda: goes_back(3, writes=1, reads=1), "quorum must be a Quorum"),
    ],
)
def test_errors(ask, words):
    with pytest.raises(ValueError, match=words):
        ask()
