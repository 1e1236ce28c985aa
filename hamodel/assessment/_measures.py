"""Every answer that is a number, by name: what sweeps, tables and files show."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hamodel._types import Quantity
    from hamodel.assessment._assessment import Assessment


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number that an assessment gives.

    Attributes
    ----------
    name : str
        Such as "rto_p95".
    unit : str
        Unit, empty for a share or a plain number.
    label : str
        What it is, in words.
    of : callable
        `of(assessment)`: a number, or an array where `arrays`.
    arrays : bool
        Whether parameters may be arrays.
    """

    name: str
    unit: str
    label: str
    of: Callable[[Assessment], Quantity]
    arrays: bool = False


def _availability(operation: str) -> list[Measure]:
    plural = f"{operation}s"

    def share(a: Assessment) -> Quantity:
        return getattr(a, operation).unavailability

    def minutes(a: Assessment) -> Quantity:
        return getattr(a, operation).minutes_per_year

    def nines(a: Assessment) -> Quantity:
        return getattr(a, operation).nines

    return [
        _measure(
            f"{operation}_unavailability", "", f"unavailability of {plural}", share
        ),
        _measure(
            f"{operation}_minutes_per_year",
            "min",
            f"downtime of {plural} a year",
            minutes,
        ),
        _measure(f"{operation}_nines", "", f"nines of {plural}", nines),
    ]


def _measure(
    name: str, unit: str, label: str, of: Callable[[Assessment], Quantity]
) -> Measure:
    return Measure(name=name, unit=unit, label=label, of=of, arrays=True)


def _law(name: str, field: str, label: str) -> list[Measure]:
    """Return mean and percentiles of a duration."""

    def mean(a: Assessment) -> Quantity:
        return float(getattr(a, field).mean)

    found = [Measure(name=f"{name}_mean", unit="s", label=f"mean {label}", of=mean)]
    for percent in (50, 95, 99):

        def quantile(a: Assessment, p: float = percent / 100) -> Quantity:
            return float(getattr(a, field).quantile(p))

        label_ = f"{label}, {percent}th percentile"
        found.append(
            Measure(name=f"{name}_p{percent}", unit="s", label=label_, of=quantile)
        )
    return found


def _latency(operation: str, percent: int) -> Measure:
    """Return a percentile of the latency at the site where it is worst."""

    def worst(a: Assessment) -> Quantity:
        p = percent / 100
        if a.is_overloaded:
            return float("inf")
        return max(float(a.latency[site, operation].quantile(p)) for site in a.sites)

    label = f"latency of {operation}s, {percent}th percentile, worst site"
    return Measure(name=f"{operation}_p{percent}", unit="s", label=label, of=worst)


_ALL = (
    *_availability("write"),
    *_availability("read"),
    *_law("rto", "rto", "recovery time"),
    *_law("outage", "outage", "recovery time, failed failovers included"),
    *_law("rpo", "rpo", "age of the oldest lost write"),
    *_law("lag", "replication_lag", "replication lag"),
    _measure(
        "lost_writes_per_year",
        "1/yr",
        "writes lost for good a year",
        lambda a: a.lost_writes.per_year,
    ),
    _measure(
        "missing_writes_per_year",
        "1/yr",
        "writes missing until a repair a year",
        lambda a: a.lost_writes.missing_per_year,
    ),
    Measure(
        name="stale_read_probability",
        unit="",
        label="share of reads without the last write",
        of=lambda a: a.stale_read_probability,
    ),
    *(_latency(o, p) for o in ("read", "write") for p in (50, 99)),
    Measure(
        name="conflicts_per_day",
        unit="1/d",
        label="concurrent pairs of writes a day",
        of=lambda a: a.conflicts.per_day,
    ),
    Measure(
        name="conflicts_lost_per_day",
        unit="1/d",
        label="writes lost to conflicts a day",
        of=lambda a: a.conflicts.lost_per_day,
    ),
    _measure(
        "utilisation",
        "",
        "load of the busiest tier",
        lambda a: _greatest(a.utilisation),
    ),
    _measure(
        "utilisation_after_site_loss",
        "",
        "load of the busiest tier after a site loss",
        lambda a: _greatest(a.utilisation_after_site_loss),
    ),
    _measure("cost", "", "cost in units of a node", lambda a: a.cost.total),
)

#: Every measure by its name.
MEASURES: Mapping[str, Measure] = MappingProxyType({m.name: m for m in _ALL})


def _greatest(loads: Mapping[str, Quantity]) -> Quantity:
    import numpy as np

    first, second = loads.values()
    return np.maximum(first, second)
