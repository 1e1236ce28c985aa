"""How long a stage takes: random times that add, mix and race.

A recovery time is a sum of stages, and what matters of it is its tail.  A `Duration`
is the whole law of a time: its mean and variance, the probability of being over by t,
its percentiles.  Durations add (`+`), scale (`2 * d`), mix (`mixture`), race
(`minimum`, `maximum`, `order_statistic`) and age (`residual`, `mean_excess`).

The surprising idea: percentiles do not add.  The 99th percentile of a sum is far below
the sum of the 99th percentiles, because the stages are seldom slow together; yet the
constant waits of timeouts and DNS lifetimes, which carry no risk at all, add in full.
So constants are kept as exact shifts, jumps stay jumps, sums of exponential stages are
solved as small Markov chains, and only the rest is put on a lattice.

Assumptions: the stages are independent of each other.  All times are in seconds.
"""

from hamodel.duration._buckets import histogram, is_exposed
from hamodel.duration._duration import Duration
from hamodel.duration._fit import fit_phase_type
from hamodel.duration._join import (
    endless,
    hyperexponential,
    maximum,
    minimum,
    mixture,
    order_statistic,
    phase_type,
    stack,
)
from hamodel.duration._make import (
    constant,
    empirical,
    erlang,
    exponential,
    gamma,
    lognormal,
    pareto,
    tabulated,
    uniform,
    weibull,
)
from hamodel.duration._words import FAMILIES, JOINED, parameters, read

__all__ = [
    "FAMILIES",
    "JOINED",
    "Duration",
    "constant",
    "empirical",
    "endless",
    "erlang",
    "exponential",
    "fit_phase_type",
    "gamma",
    "histogram",
    "hyperexponential",
    "is_exposed",
    "lognormal",
    "maximum",
    "minimum",
    "mixture",
    "order_statistic",
    "parameters",
    "pareto",
    "phase_type",
    "read",
    "stack",
    "tabulated",
    "uniform",
    "weibull",
]
