"""From what was observed to parameters: incident logs, drills, lag and latency.

The surprise is how much a short record leaves open.  Three outages in 26 months say
that the mean time to failure is 9 months, or 3, or 42; and a dozen drills that all
worked say that a coverage of 0.75 is not ruled out.  So every parameter comes with its
interval, and with what it would take to narrow it.

Assumptions
- Failures come at a constant rate while a node is up: no wearing in or out, and no
  season.  Nodes of one part are alike.
- Repairs, and failovers, are independent of each other and follow one law.  What is
  still open counts as lasting at least so long.
- Nothing that happened is missing from the log, and it was kept all the time.
- Samples of lag and latency come from one steady load; that neighbours are alike is
  allowed for.
"""

from hamodel.calibration._calibrate import calibrate
from hamodel.calibration._counts import counted
from hamodel.calibration._drills import drills
from hamodel.calibration._estimate import Calibration, Estimate, joined
from hamodel.calibration._exact import (
    events_needed,
    mean_time_interval,
    percentile_interval,
    samples_needed,
    share_interval,
)
from hamodel.calibration._fit import Fit, fit
from hamodel.calibration._incidents import incidents
from hamodel.calibration._laws import LAWS
from hamodel.calibration._log import is_drills
from hamodel.calibration._prometheus import is_prometheus, prometheus
from hamodel.calibration._samples import lag, latency
from hamodel.calibration._series import effective_size, samples
from hamodel.calibration._yaml import to_yaml
from hamodel.duration import histogram

__all__ = [
    "LAWS",
    "Calibration",
    "Estimate",
    "Fit",
    "calibrate",
    "counted",
    "drills",
    "effective_size",
    "events_needed",
    "fit",
    "histogram",
    "incidents",
    "is_drills",
    "is_prometheus",
    "joined",
    "lag",
    "latency",
    "mean_time_interval",
    "percentile_interval",
    "prometheus",
    "samples",
    "samples_needed",
    "share_interval",
    "to_yaml",
]
