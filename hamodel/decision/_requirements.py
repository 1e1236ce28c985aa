"""What a service must be able to do, and whether an assessment shows that it can."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from hamodel import _check, _html, fields, text
from hamodel._types import Value
from hamodel.assessment import Assessment
from hamodel.units import YEAR

#: What readers may rely on, from the strictest to the laxest.
CONSISTENCIES = ("strong", "no conflicts", "eventual")


@fields.specification
class Requirements:
    """Limits that a design must keep; None: there is none.

    Attributes
    ----------
    read_availability : float or None
        Least availability of reads; None: as for writes.
    rto_p95 : float or None
        Longest recovery time in s of 95 % of the failovers, those included that do
        not work.
    rpo_p99 : float or None
        Greatest age in s of lost writes in 99 % of the failures that take any.
    lost_writes_per_year : float or None
        Most acknowledged writes lost for good in a year.
    read_p99, write_p99 : float, mapping of str to float, or None
        Longest latency in s of 99 % of the requests, at every site or by site.
    stale_reads : float or None
        Greatest share of reads that lack their key's last write.
    consistency : str
        "strong": no stale read, no conflict, no acknowledged write lost or missing;
        "no conflicts": writes never clash, reads may be behind; "eventual": anything.
    growth : float
        Factor by which the load will grow; a site loss must still be carried.
    budget : float or None
        Most that it may cost, in the unit of `Node.cost`.

    Examples
    --------
    >>> Requirements(availability=0.9999, rto_p95=60)
    Requirements(availability 99.99 %, rto_p95 1 min)
    """

    availability: float | None = fields.share(
        "least availability of writes", default=None
    )
    read_availability: float | None = fields.share(
        "least availability of reads", default=None
    )
    rto_p95: float | None = fields.time("longest recovery time, 95 %", default=None)
    rpo_p99: float | None = fields.time("oldest lost write, 99 %", default=None)
    lost_writes_per_year: float | None = fields.number(
        "most writes lost a year", default=None
    )
    read_p99: float | Mapping[str, float] | None = fields.span(
        "longest read, 99 %", by_site=True, default=None
    )
    write_p99: float | Mapping[str, float] | None = fields.span(
        "longest write, 99 %", by_site=True, default=None
    )
    stale_reads: float | None = fields.share("most stale reads", default=None)
    consistency: str = fields.word("consistency", *CONSISTENCIES, default="eventual")
    growth: float = fields.number("growth of the load", above=True, default=1.0)
    survive_site_loss: bool = fields.flag("survives a site loss", default=False)
    zero_planned_downtime: bool = fields.flag("no planned downtime", default=False)
    budget: float | None = fields.number("greatest cost", default=None)

    def limits(self, sites: tuple[str, ...]) -> list[Limit]:
        """Return the limits that are set, the cheap ones to check first.

        Parameters
        ----------
        sites : tuple of str
            Sites of the architecture that is to be judged.

        Returns
        -------
        list of Limit
            One for each requirement, and for each site where it is given by site.

        Raises
        ------
        ValueError
            If a latency is required at a site that the architecture does not have.
        """
        return list(_limits(self, sites))

    def judge(self, assessment: Assessment) -> list[Finding]:
        """Return how an assessment fares against every limit.

        Parameters
        ----------
        assessment : Assessment
            Of any architecture.

        Examples
        --------
        >>> from hamodel import Node, SinglePrimary, assess
        >>> shop = assess(SinglePrimary(database=Node(mttf=7.2e6, mttr=14400)))
        >>> for finding in Requirements(availability=0.9999).judge(shop):
        ...     print(finding)
        availability of writes: 99.8 %, and 99.99 % is required
        availability of reads: 99.8 %, and 99.99 % is required
        """
        return [limit.judge(assessment) for limit in self.limits(assessment.sites)]

    def __repr__(self) -> str:
        shown = [f"{n} {_brief(n, v)}" for n, v in self._set()]
        return f"Requirements({', '.join(shown)})"

    def _set(self) -> Iterator[tuple[str, Value]]:
        """Yield the fields that differ from their defaults."""
        for name, spec in self.__dataclass_fields__.items():
            value = getattr(self, name)
            if value != spec.default:
                yield name, value

    def _repr_html_(self) -> str:
        rows = [(name, _brief(name, value)) for name, value in self._set()]
        return _html.table(rows, caption="Requirements")


class Limit(NamedTuple):
    """One requirement: what is measured, how far it may go, how it is written."""

    name: str
    label: str
    value: Callable[[Assessment], float]
    bound: float
    at_least: bool
    write: Callable[..., str]  # of a value, and of the digits to show
    site: str = ""

    def judge(self, assessment: Assessment) -> Finding:
        """Return how an assessment fares."""
        value = float(self.value(assessment))
        met = value >= self.bound if self.at_least else value <= self.bound
        return Finding(self, value, bool(met))


class Finding(NamedTuple):
    """A limit and what was measured."""

    limit: Limit
    value: float
    met: bool

    @property
    def gap(self) -> float:
        """Factor by which the value misses its limit (above 1) or keeps it (below)."""
        limit = self.limit
        if limit.at_least and limit.name.endswith("availability"):
            return _ratio(1 - self.value, 1 - limit.bound)
        if limit.at_least:
            return _ratio(limit.bound, self.value)
        return _ratio(self.value, limit.bound)

    @property
    def shown(self) -> str:
        """The value, with as many digits as tell it from a limit that it misses."""
        limit, shown = self.limit, self.limit.write(self.value)
        if self.met or shown != limit.write(limit.bound):
            return shown
        more = (limit.write(self.value, digits) for digits in range(4, 12))
        return next((words for words in more if words != shown), shown)

    def __str__(self) -> str:
        limit = self.limit
        word = "required" if limit.at_least else "allowed"
        joint = "and" if not self.met else "where"
        return (
            f"{limit.label}: {self.shown}, {joint} {limit.write(limit.bound)} is {word}"
        )


def beyond(assessment: Assessment) -> list[Finding]:
    """Return what no design may be, whatever is required: overloaded or left behind."""
    found = []
    load = float(max(assessment.utilisation.values(), default=0.0))
    if assessment.is_overloaded:
        label = "load of the busiest part"
        limit = Limit("capacity", label, lambda _: load, 1.0, False, text.share)
        found.append(Finding(limit, load, False))
    lag = float(assessment.replication_lag.quantile(0.5))
    if math.isinf(lag):
        label = "time until half of the writes are copied"
        limit = Limit("replication_lag", label, lambda _: lag, YEAR, False, text.time)
        found.append(Finding(limit, lag, False))
    return found


def _ratio(value: float, bound: float) -> float:
    if bound == 0:
        return 0.0 if value == 0 else float("inf")
    return value / bound


def _limits(need: Requirements, sites: tuple[str, ...]) -> Iterator[Limit]:
    strong = need.consistency == "strong"
    reads = need.read_availability
    bounds = {
        "budget": need.budget,
        "write_availability": need.availability,
        "read_availability": need.availability if reads is None else reads,
        "zero_planned_downtime": 0.0 if need.zero_planned_downtime else None,
        "growth": need.growth if need.growth != 1 else None,
        "survive_site_loss": 2.0 if need.survive_site_loss else None,
        "stale_reads": 0.0 if strong else need.stale_reads,
        "consistency": 0.0 if need.consistency != "eventual" else None,
        "lost_writes_per_year": 0.0 if strong else need.lost_writes_per_year,
        "missing_writes_per_year": 0.0 if strong else None,
        "rto_p95": need.rto_p95,
        "rpo_p99": need.rpo_p99,
    }
    for name, (label, value, at_least, write) in _MEASURED.items():
        bound = bounds[name]
        if bound is not None:
            yield Limit(name, label, value, bound, at_least, write)
    for operation in ("read", "write"):
        yield from _latency(need, operation, sites)


def _latency(
    need: Requirements, operation: str, sites: tuple[str, ...]
) -> Iterator[Limit]:
    wanted = getattr(need, f"{operation}_p99")
    if wanted is None:
        return
    bounds = wanted if isinstance(wanted, Mapping) else dict.fromkeys(sites, wanted)
    for site, bound in bounds.items():
        _check.one_of(sites, **{f"{operation}_p99": site})

        def value(a: Assessment, site: str = site) -> float:
            if a.is_overloaded:
                return float("inf")
            return float(a.latency[site, operation].quantile(0.99))

        label = f"latency of 99 % of the {operation}s at {site}"
        yield Limit(f"{operation}_p99", label, value, bound, False, text.time, site)


def _planned(a: Assessment) -> float:
    share = max(
        o.downtime_by_cause.get("planned maintenance", 0.0) for o in (a.read, a.write)
    )
    return float(share * YEAR)


def _surviving(a: Assessment) -> float:
    lives = a.survives_site_loss
    return float(lives.read) + float(lives.write)


def _factor(value: float, digits: int = 3) -> str:
    return f"{text.number(value, digits)}x"


#: By requirement, the cheap ones to measure first: label, measure, whether it is a
#: least value, and how it is written.
_MEASURED: dict[
    str, tuple[str, Callable[[Assessment], float], bool, Callable[..., str]]
] = {
    "budget": ("cost", lambda a: a.cost.total, False, text.number),
    "write_availability": (
        "availability of writes",
        lambda a: a.write.availability,
        True,
        text.share,
    ),
    "read_availability": (
        "availability of reads",
        lambda a: a.read.availability,
        True,
        text.share,
    ),
    "zero_planned_downtime": ("planned downtime a year", _planned, False, text.time),
    "growth": (
        "growth that the rest can carry after a site loss",
        lambda a: a.headroom_after_site_loss,
        True,
        _factor,
    ),
    "survive_site_loss": (
        "operations that survive the loss of any site",
        _surviving,
        True,
        text.number,
    ),
    "stale_reads": (
        "stale reads",
        lambda a: a.stale_read_probability,
        False,
        text.share,
    ),
    "consistency": (
        "conflicting pairs of writes a day",
        lambda a: a.conflicts.per_day,
        False,
        text.number,
    ),
    "lost_writes_per_year": (
        "writes lost for good a year",
        lambda a: float(a.lost_writes.per_year),
        False,
        text.number,
    ),
    "missing_writes_per_year": (
        "writes missing until a repair a year",
        lambda a: float(a.lost_writes.missing_per_year),
        False,
        text.number,
    ),
    "rto_p95": (
        "recovery time of 95 % of the failures",
        lambda a: a.outage.quantile(0.95),
        False,
        text.time,
    ),
    "rpo_p99": (
        "age of the oldest lost write, 99 %",
        lambda a: a.rpo.quantile(0.99),
        False,
        text.time,
    ),
}


def _brief(name: str, value: Value) -> str:
    if name.endswith("availability") or name == "stale_reads":
        return text.share(float(value))
    if isinstance(value, Mapping):
        return ", ".join(f"{site} {text.time(x)}" for site, x in value.items())
    if name in {"rto_p95", "rpo_p99", "read_p99", "write_p99"}:
        return text.time(float(value))
    return str(value)
