"""Recordings of real failures, and what the models say of them.

A recording is a table of failures of one product under stated settings (`load`).
Every prediction of it comes from settings and the constants of the product's source;
where a stage depends on the machine, its law is taken from *another* recording, and
the prediction says which (`predictions`).  A verdict has three parts (`agreement`):
median and 95th percentile within 10 %, a Kolmogorov-Smirnov test that does not object,
and 85 of 100 points within the predicted 95 %.

The surprise is what can be predicted at all: a failover is mostly waiting for timers,
and timers keep their word on a busy machine as on an idle one.
"""

from hamodel.recordings._agreement import Agreement, Outcomes, agreement, outcomes
from hamodel.recordings._predictions import predictions, verdicts
from hamodel.recordings._recording import Recording, load, names
from hamodel.recordings._verdicts import Forecast, Pairs, Verdicts

__all__ = [
    "Agreement",
    "Forecast",
    "Outcomes",
    "Pairs",
    "Recording",
    "Verdicts",
    "agreement",
    "load",
    "names",
    "outcomes",
    "predictions",
    "verdicts",
]
