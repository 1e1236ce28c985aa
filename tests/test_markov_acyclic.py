"""Chains with few states on loops: folded all at once, as a dense matrix is."""

import itertools

import numpy as np
import pytest

from hamodel.markov._dense import fold
from hamodel.markov._stationary import order


def looped(rng, knots, chains, length):
    """Edges and rates of knots with walks from each to another, which hardly loop."""
    edges = {(k, (k + 1) % knots): 10 ** rng.uniform(-9, 2) for k in range(knots)}
    for first in range(knots, knots + chains * length, length):
        walk = [rng.integers(knots), *range(first, first + length), rng.integers(knots)]
        for pair in itertools.pairwise(walk):
            edges[pair] = 10 ** rng.uniform(-9, 2)
        edges[first, rng.integers(knots)] = 1.0
    return knots + chains * length, tuple(edges), list(edges.values())


@pytest.mark.parametrize("seed", range(6))
def test_walks_between_knots_are_folded_as_a_dense_matrix_is(seed):
    states, edges, rates = looped(np.random.default_rng(seed), 20, 60, 4)
    known = order(states, edges, 0)
    assert len(known.knots) <= 20
    dense = np.zeros((states, states))
    dense[tuple(zip(*edges, strict=True))] = rates
    found = known.solve(np.array(rates))
    assert found == pytest.approx(fold(dense), rel=1e-12, abs=0)


def test_a_graph_of_loops_has_no_order_worth_having():
    states = 30
    edges = tuple((i, j) for i in range(states) for j in range(states) if i != j)
    assert order(states, edges, 0) is None
