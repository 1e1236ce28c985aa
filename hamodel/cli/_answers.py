"""Answers of an assessment as data: verdicts, measures, laws at their percentiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import text
from hamodel.assessment import MEASURES
from hamodel.cli import _said
from hamodel.units import MINUTE, YEAR

if TYPE_CHECKING:
    from hamodel._types import Json
    from hamodel.assessment import Assessment
    from hamodel.cli._assess import OnePage
    from hamodel.decision import Finding
    from hamodel.duration import Duration

_POINTS = (0.5, 0.95, 0.99)


@dataclass(frozen=True, eq=False)
class Verdict:
    """A requirement, whether it is kept, and how sure that is."""

    finding: Finding
    chance: float | None
    met: bool

    def __str__(self) -> str:
        return f"{'met' if self.met else 'MISSED':7}{self.said}"

    @property
    def said(self) -> str:
        """What was found, what is required, and how sure that is."""
        said = str(self.finding)
        if self.chance is None:
            return said
        against = 1 - self.chance if self.finding.met else self.chance
        if against < 0.005:
            return said
        joint = "but" if self.finding.met else "and"
        word = "not" if self.finding.met else "met all the same"
        return f"{said} ({joint} {_said.chances(against)} that it is {word})"

    def data(self) -> dict[str, object]:
        """Return the verdict as data."""
        limit = self.finding.limit
        return {
            "name": limit.name,
            "site": limit.site or None,
            "value": self.finding.value,
            "limit": limit.bound,
            "met": self.met,
            "chance": self.chance,
        }


def measures(found: Assessment) -> Json:
    """Return every measure that is compared, and the units of those that have one."""
    return {
        "measures": {name: float(m.of(found)) for name, m in MEASURES.items()},
        "units": {name: m.unit for name, m in MEASURES.items() if m.unit},
    }


def laws(a: Assessment) -> dict[str, object]:
    """Return recovery, losses and load as data."""

    def answer(of: Callable[[], object]) -> object:
        try:
            return of()
        except ValueError:  # a finding says why there is none
            return None

    now, after = a.utilisation, a.utilisation_after_site_loss
    return {
        "recovery_s": {
            "rto": answer(lambda: by_name(a.rto)),
            "outage": answer(lambda: by_name(a.outage)),
            "rpo": answer(lambda: by_name(a.rpo)),
            "replication_lag": answer(lambda: by_name(a.replication_lag)),
        },
        "at_risk": {
            "lost_writes_per_year": answer(lambda: float(a.lost_writes.per_year)),
            "missing_writes_per_year": answer(
                lambda: float(a.lost_writes.missing_per_year)
            ),
            "stale_read_share": answer(lambda: float(a.stale_read_probability)),
            "conflicts_per_day": answer(lambda: float(a.conflicts.per_day)),
        },
        "utilisation": {
            tier: {"now": float(now[tier]), "after_a_site_loss": float(after[tier])}
            for tier in now
        },
        "overloaded": a.is_overloaded,
    }


def by_name(law: Duration) -> dict[str, float]:
    times = np.asarray(law.quantile(_POINTS), float).tolist()
    return {f"p{100 * p:g}": time for p, time in zip(_POINTS, times, strict=True)}


def quantiles(law: Duration) -> tuple[str, ...]:
    return tuple(map(text.time, by_name(law).values()))


#: What the JSON of `hamodel assess` is called; the number grows with its form.
FORM = "hamodel/assessment/4"
_OPERATIONS = ("write", "read")


def data_of(one: OnePage) -> dict[str, object]:
    """Return all that the page holds; times in s, unavailability as shares."""
    a = one.found
    return {
        "form": FORM,
        "title": one.spec.title,
        "file": str(one.spec.path),
        "architecture": type(a.architecture).__name__,
        "met": one.met if one.verdicts else None,
        "findings": list(_said.findings(a)),
        "availability": {o: _available(one, o) for o in _OPERATIONS},
        "uncertain": list(one.spec.uncertain),
        **laws(a),
        "latency_s": [
            {"site": site, "operation": operation, **by_name(law)}
            for (site, operation), law in one.latencies()
        ],
        "single_points_of_failure": list(a.single_points_of_failure),
        "objectives": one.objectives,
        "journeys": _journeys_data(one),
        "requirements": [v.data() for v in one.verdicts],
        **_what_to_change(one),
        **measures(a),
    }


def _journeys_data(one: OnePage) -> Json:
    if one.journeys is None:
        return None
    found: Json = one.journeys.to_dict()
    for name, causes in one.journey_causes.items():
        down = sum(causes.values())
        found["journeys"][name] |= {
            "unavailability": down,
            "minutes_per_year": down * YEAR / MINUTE,
            "downtime_by_cause": causes,
        }
    return found


def _available(one: OnePage, operation: str) -> dict[str, object]:
    typical, bad = one.years[operation]
    return {
        "unavailability": one.down[operation],
        "unavailability_interval": one.interval and one.interval[operation],
        "minutes_per_year": one.down[operation] * YEAR / MINUTE,
        "minutes_per_year_if_dependent": one.dependent[1][operation],
        "median_year_min": typical,
        "worst_year_in_10_min": bad,
        "downtime_by_cause": one.causes(operation),
    }


def _what_to_change(one: OnePage) -> dict[str, object]:
    return {
        "changes": [
            {
                "parameter": b.path,
                **dict(zip(("from", "to"), one.values_of(b), strict=True)),
                "minutes_saved_per_year": b.minutes,
            }
            for b in one.changes
        ],
        "alternatives": [
            {
                "parameter": b.path,
                "change": _said.step(b.before, b.after),
                "minutes_saved_per_year": b.minutes,
                "writes_kept_per_year": b.kept,
                "cost": b.cost,
            }
            for b in one.others
        ],
    }
