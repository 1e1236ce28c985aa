"""Uncertainty: from what is believed of parameters to what may be said of answers.

The surprising idea: there is nothing new to compute.  A parameter that is not known is
a parameter that is swept, along a dimension called `draw`; so every answer of a sweep
has an interval, and every target a probability of being met.  What surprises again is
where the width comes from: seldom from what is measured in seconds, mostly from the
failovers that were tried a dozen times.

- `draws`, then `interval` and `probability_of_meeting`;
- `tornado`: each parameter from its low to its high quantile;
- `elasticities`: exact slopes, per cent by per cent;
- `sobol`: shares of the variance, with all that parameters do together.

Assumptions: parameters are independent of each other; what was counted or tried is all
there is to know (Jeffreys' priors), unless a belief is stated outright.
"""

from hamodel.uncertainty._beliefs import (
    Belief,
    beta,
    gamma,
    lognormal,
    pert,
    triangular,
    uniform,
)
from hamodel.uncertainty._draws import draws, interval, probability_of_meeting
from hamodel.uncertainty._sobol import indices, sobol
from hamodel.uncertainty._tornado import Bar, Tornado, elasticities, tornado

__all__ = [
    "Bar",
    "Belief",
    "Tornado",
    "beta",
    "draws",
    "elasticities",
    "gamma",
    "indices",
    "interval",
    "lognormal",
    "pert",
    "probability_of_meeting",
    "sobol",
    "tornado",
    "triangular",
    "uniform",
]
