"""From what is left of a log once it is summed up: counts, totals and buckets."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise

from hamodel import _check
from hamodel.calibration import _findings
from hamodel.calibration._estimate import Calibration
from hamodel.calibration._exact import mean_time_interval
from hamodel.duration import Duration, constant, exponential, mixture, uniform
from hamodel.units import quantity

_BUCKET = re.compile(r'\{[^}]*\ble="([^"]+)"[^}]*\}\s+(\S+)')


def counted(
    count: int,
    total: float | str,
    during: float | str,
    *,
    part: str = "database",
    level: float = 0.95,
) -> Calibration:
    """Return mean times from a number of outages and their time in all.

    Parameters
    ----------
    count : int
        Outages, at least 1.
    total : float or str
        Their time together, in s or as "1183 min".
    during : float or str
        How long was watched, in s or as "1 yr".
    part : str
        What failed, as the architecture names it.
    level : float
        Confidence of the intervals.

    Returns
    -------
    Calibration
        `mttf` and `mttr` of the part.

    Raises
    ------
    ValueError
        If a number is out of its range, or the outages last longer than was watched.

    Notes
    -----
    A total does not tell the kind of law, so repairs are taken as exponential: twice
    their sum over their mean is chi-squared with 2 `count` degrees of freedom.  Source:
    Lawless (2003), Statistical Models and Methods for Lifetime Data, section 4.1.

    Examples
    --------
    >>> found = counted(19, "1183 min", "1 yr")
    >>> print(found["database.mttf"].text)
    19.2 d (12.3 d to 31.8 d)
    >>> print(found["database.mttr"].text)
    1.04 h (41.6 min to 1.72 h)
    """
    down, watched = quantity(total, "time"), quantity(during, "time")
    _check.whole(1, count=count)
    _check.positive(total=down, during=watched)
    if down >= watched:
        raise ValueError(f"total must be < during ({watched:g} s), got {down:g} s")
    mttf = _findings.mean_time(count, watched - down, level=level, what="outages")
    ends = mean_time_interval(count, down, level=level, last=True)
    how = f"{count} outages in all"
    mttr = _findings.estimate(down / count, ends, count, how, level)
    warnings = _findings.few_events(f"{part}.mttf", mttf, "outages")
    parameters = {f"{part}.mttf": mttf, f"{part}.mttr": mttr}
    return Calibration(parameters=parameters, warnings=warnings)


def histogram(
    buckets: Mapping[str | float, float] | str | Iterable[str],
    beyond: float | None = None,
) -> Duration:
    """Return the law that a Prometheus histogram has counted.

    Parameters
    ----------
    buckets : mapping of bound to count, or str
        Cumulative counts by upper bound in s ("+Inf" for all), or the lines of the
        exposition format, such as `wait_seconds_bucket{le="0.5"} 129389`.
    beyond : float, optional
        How far in s those past the last bound lie beyond it, on average; None: as far
        as the last bucket is wide.

    Returns
    -------
    Duration
        Even within each bucket, exponential beyond the last bound.

    Raises
    ------
    ValueError
        If there is no bucket, counts fall, or `beyond` is not above 0.

    Examples
    --------
    >>> law = histogram({0.1: 50, 0.5: 90, "+Inf": 100}, beyond=0.2)
    >>> law.cdf(0.1), law.cdf(0.5), round(law.mean, 3)
    (0.5, 0.9, 0.215)
    """
    bounds, counts = _sorted(buckets)
    whole = counts[-1]
    weights: list[float] = []
    parts: list[Duration] = []
    before, width, seen = 0.0, 0.0, 0.0
    for bound, count in zip(bounds[:-1], counts[:-1], strict=True):
        if count > seen:
            weights.append((count - seen) / whole)
            parts.append(uniform(before, bound))
        before, width, seen = bound, bound - before, count
    if whole > seen:
        further = width if beyond is None else beyond
        _check.positive(beyond=further)
        weights.append((whole - seen) / whole)
        parts.append(constant(bounds[-2]) + exponential(further))
    return mixture(weights, parts)


def _sorted(
    buckets: Mapping[str | float, float] | str | Iterable[str],
) -> tuple[list[float], list[float]]:
    """Return bounds and cumulative counts, the last bound endless."""
    if isinstance(buckets, Mapping):
        given = {_bound(bound): float(count) for bound, count in buckets.items()}
    else:
        text = buckets if isinstance(buckets, str) else "\n".join(buckets)
        given = {_bound(b): float(count) for b, count in _BUCKET.findall(text)}
    bounds = sorted(given)
    counts = [given[bound] for bound in bounds]
    if len(bounds) < 2 or not math.isinf(bounds[-1]):
        raise ValueError(
            f"buckets must have a bound in s and +Inf, got {len(bounds)} without both"
        )
    falls = any(b < a for a, b in pairwise(counts))
    if bounds[0] <= 0 or falls or not counts[-1] > 0:
        raise ValueError(f"buckets must be cumulative counts > 0, got {given}")
    return bounds, counts


def _bound(bound: str | float) -> float:
    return math.inf if str(bound).strip("+").lower() == "inf" else float(bound)
