"""Kernels for Markov chains in continuous time: arrays in, arrays out.

A chain is a matrix of rates: entry (i, j) is how often, per second spent in state i,
it jumps to state j.  Every kernel takes a stack of such matrices, shape (..., n, n),
so that a sweep over parameters is one call; the diagonal is ignored.

The surprising idea: none of the kernels ever subtracts.  All numbers in a chain are
rates and probabilities, hence not negative, and sums, products and quotients of such
numbers lose nothing.  So a state with probability 1e-40 comes out with all its
digits, where a linear solver returns noise, often below zero.

Assumptions: sojourn times are exponential and the rates constant in time.
"""

from hamodel.markov._downtime import downtime_cdf, downtime_sf
from hamodel.markov._passage import mean_time_to
from hamodel.markov._sparse import ConvergenceError
from hamodel.markov._stationary import ReducibleChainError, long_run, steady_state
from hamodel.markov._transient import (
    accumulated_reward,
    first_passage_cdf,
    interval_unavailability,
    transient,
)

__all__ = [
    "ConvergenceError",
    "ReducibleChainError",
    "accumulated_reward",
    "downtime_cdf",
    "downtime_sf",
    "first_passage_cdf",
    "interval_unavailability",
    "long_run",
    "mean_time_to",
    "steady_state",
    "transient",
]
