"""Answers of an assessment as data: verdicts, measures, laws at their percentiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import text
from hamodel._types import Json
from hamodel.assessment import MEASURES, Assessment
from hamodel.cli import _said
from hamodel.duration import Duration

if TYPE_CHECKING:
    from hamodel.decision import Finding

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
