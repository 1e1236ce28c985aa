"""Every answer that is a number, by name: what sweeps, tables and files show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hamodel import text
from hamodel._types import Quantity
from hamodel.architectures import OPERATIONS

if TYPE_CHECKING:
    from pandas import DataFrame

#: An `Assessment`, which knows its measures.
Assessed: TypeAlias = Any


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
    of: Callable[[Assessed], Quantity]
    arrays: bool = False


def _plain(name: str, unit: str, label: str, path: str) -> Measure:
    """Return the measure that is a field of the assessment."""
    return Measure(name=name, unit=unit, label=label, of=attrgetter(path), arrays=True)


def _availability(operation: str) -> list[Measure]:
    plural = f"{operation}s"
    return [
        _plain(f"{operation}_{field}", unit, label, f"{operation}.{field}")
        for field, unit, label in (
            ("unavailability", "", f"unavailability of {plural}"),
            ("minutes_per_year", "min", f"downtime of {plural} a year"),
            ("nines", "", f"nines of {plural}"),
        )
    ]


def _law(name: str, field: str, label: str) -> list[Measure]:
    """Return mean and percentiles of a duration."""
    law = attrgetter(field)

    def quantile(percent: int) -> Measure:
        return Measure(
            name=f"{name}_p{percent}",
            unit="s",
            label=f"{label}, {percent}th percentile",
            of=lambda a: law(a).quantile(percent / 100),
        )

    mean = Measure(
        name=f"{name}_mean", unit="s", label=f"mean {label}", of=lambda a: law(a).mean
    )
    return [mean, *map(quantile, (50, 95, 99))]


def _latency(operation: str, percent: int) -> Measure:
    """Return a percentile of the latency at the site where it is worst."""

    def worst(a: Assessed) -> Quantity:
        if a.is_overloaded:
            return float("inf")
        laws = (a.latency[site, operation] for site in a.sites)
        return reduce(np.maximum, (law.quantile(percent / 100) for law in laws))

    label = f"latency of {operation}s, {percent}th percentile, worst site"
    return Measure(name=f"{operation}_p{percent}", unit="s", label=label, of=worst)


def _busiest(name: str, label: str) -> Measure:
    loads = attrgetter(name)
    return Measure(
        name=name,
        unit="",
        label=label,
        of=lambda a: np.maximum(*loads(a).values()),
        arrays=True,
    )


def _single(name: str, unit: str, label: str, path: str) -> Measure:
    """Return the measure that takes single numbers only."""
    return Measure(name=name, unit=unit, label=label, of=attrgetter(path))


_ALL = (
    *_availability("write"),
    *_availability("read"),
    *_law("rto", "rto", "recovery time"),
    *_law("outage", "outage", "outage, however it ends"),
    *_law("rpo", "rpo", "age of the oldest lost write"),
    *_law("lag", "replication_lag", "replication lag"),
    _plain(
        "lost_writes_per_year",
        "1/yr",
        "writes lost for good a year",
        "lost_writes.per_year",
    ),
    _plain(
        "missing_writes_per_year",
        "1/yr",
        "writes missing until a repair a year",
        "lost_writes.missing_per_year",
    ),
    _single(
        "stale_read_probability",
        "",
        "share of reads without the last write",
        "stale_read_probability",
    ),
    *(_latency(o, p) for o in ("read", "write") for p in (50, 99)),
    _single(
        "conflicts_per_day",
        "1/d",
        "concurrent pairs of writes a day",
        "conflicts.per_day",
    ),
    _single(
        "conflicts_lost_per_day",
        "1/d",
        "writes lost to conflicts a day",
        "conflicts.lost_per_day",
    ),
    _busiest("utilisation", "load of the busiest tier"),
    _busiest(
        "utilisation_after_site_loss", "load of the busiest tier after a site loss"
    ),
    _plain("cost", "", "cost in units of a node", "cost.total"),
)

#: Every measure by its name.
MEASURES: Mapping[str, Measure] = MappingProxyType({m.name: m for m in _ALL})


# ---- the table that assessments and comparisons show -------------------------------


def shown(*assessments: object) -> list[tuple[str, ...]]:
    """Return the rows of a table: a heading, and a text on each assessment."""
    return [(label, *map(write, assessments)) for label, write in _ROWS]


def _number(
    name: str, write: Callable[[float], str] = text.number
) -> Callable[[object], str]:
    return lambda a: text.spread(MEASURES[name].of(a), write)


def _both(field: str) -> Callable[[object], str]:
    """Show the median and the 99th percentile of a law."""
    law = attrgetter(field)

    def write(a: object) -> str:
        half, most = (text.time(float(law(a).quantile(p))) for p in (0.5, 0.99))
        return f"{half} / {most}"

    return write


def _late(operation: str) -> Callable[[object], str]:
    def write(a: object) -> str:
        late = MEASURES[f"{operation}_p99"].of(a)
        return "overload" if np.isinf(late) else text.time(late)

    return write


_ROWS: tuple[tuple[str, Callable[[Assessed], str]], ...] = (
    ("writes down, min/yr", _number("write_minutes_per_year")),
    ("reads down, min/yr", _number("read_minutes_per_year")),
    ("recovery time, p50 / p99", _both("rto")),
    ("oldest lost write, p50 / p99", _both("rpo")),
    ("writes lost a year", _number("lost_writes_per_year")),
    ("replication lag, p50 / p99", _both("replication_lag")),
    ("stale reads", _number("stale_read_probability", text.share)),
    ("read p99, worst site", _late("read")),
    ("write p99, worst site", _late("write")),
    ("conflicts a day", _number("conflicts_per_day")),
    ("load, busiest tier", _number("utilisation", text.share)),
    ("the same after a site loss", _number("utilisation_after_site_loss", text.share)),
    ("survives a site loss", lambda a: "yes" if a.survives_site_loss else "no"),
    ("cost", _number("cost")),
)


# ---- the same as data --------------------------------------------------------------


def as_data(a: Assessed) -> dict[str, object]:
    """Return an assessment as numbers, words and lists, as JSON can hold them."""
    return {
        "architecture": type(a.architecture).__name__,
        "measures": {name: _finite(m.of(a)) for name, m in MEASURES.items()},
        "units": {name: m.unit for name, m in MEASURES.items() if m.unit},
        "downtime_by_cause": {
            operation: {
                str(cause): float(share)
                for cause, share in getattr(a, operation).downtime_by_cause.items()
            }
            for operation in OPERATIONS
        },
        "latency": [
            {
                "site": site,
                "operation": operation,
                **{f"p{100 * p:g}": float(law.quantile(p)) for p in (0.5, 0.95, 0.99)},
            }
            for (site, operation), law in ([] if a.is_overloaded else a.latency.items())
        ],
        "single_points_of_failure": list(a.single_points_of_failure),
        "survives_site_loss": str(a.survives_site_loss),
        "retries": str(a.metastability),
    }


def _finite(value: Quantity) -> float | str:
    """Return a number as JSON can hold it; what is infinite as a word."""
    number = float(value)
    return number if np.isfinite(number) else str(number)


def as_frame(a: object) -> DataFrame:
    """Return the measures of an assessment as a table."""
    from pandas import DataFrame

    rows = {m.name: (float(m.of(a)), m.unit, m.label) for m in MEASURES.values()}
    columns = ["value", "unit", "label"]
    return DataFrame.from_dict(rows, orient="index", columns=columns)
