"""From the cumulative counts of a histogram, as Prometheus keeps them, to a law."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from itertools import pairwise

from hamodel import _check
from hamodel.duration._duration import Duration
from hamodel.duration._join import mixture
from hamodel.duration._make import constant, exponential, uniform
from hamodel.units import MS

_BUCKET = re.compile(r'(?m)^\s*(\w*)_bucket\{[^}]*\ble="([^"]+)"[^}]*\}\s+(\S+)')
_UNITS = {"_milliseconds": MS, "_ms": MS, "_microseconds": 1e-6, "_us": 1e-6}


def is_exposed(text: str) -> bool:
    """Tell whether a text is what an exporter shows of a histogram."""
    return _BUCKET.search(text) is not None


def histogram(
    buckets: Mapping[str | float, float] | str | Iterable[str],
    beyond: float | None = None,
) -> Duration:
    """Return the law that a Prometheus histogram has counted.

    Parameters
    ----------
    buckets : mapping of bound to count, or str
        Cumulative counts by upper bound in s ("+Inf" for all), or the lines of the
        exposition format, such as `wait_seconds_bucket{le="0.5"} 129389`: of one
        metric, whose series are added up.
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
        If there is no bucket, counts fall, the lines are of several metrics, or
        `beyond` is not above 0.

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
        given = _exposed(buckets if isinstance(buckets, str) else "\n".join(buckets))
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


def _exposed(text: str) -> dict[float, float]:
    """Return the cumulative counts of a metric by bound in s, its series added up."""
    found: dict[float, float] = {}
    metrics: dict[str, None] = {}
    for metric, bound, count in _BUCKET.findall(text):
        metrics[metric] = None
        size = next((u for end, u in _UNITS.items() if metric.endswith(end)), 1.0)
        at = size * _bound(bound)
        found[at] = found.get(at, 0.0) + float(count)
    if len(metrics) > 1:
        raise ValueError(f"buckets must be of one metric, got {', '.join(metrics)}")
    return found


def _bound(bound: str | float) -> float:
    return math.inf if str(bound).strip("+").lower() == "inf" else float(bound)
