"""The page on one system as data: what `hamodel assess --json` prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hamodel.cli import _said
from hamodel.cli._answers import by_name, laws, measures
from hamodel.units import MINUTE, YEAR

if TYPE_CHECKING:
    from hamodel._types import Json
    from hamodel.cli._assess import OnePage

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
        **_measures(one),
    }


def _measures(one: OnePage) -> Json:
    """Return every measure; availability is a mean over what is believed."""
    given = measures(one.found)
    values = given["measures"]
    if one.beliefs is not None:
        for o in _OPERATIONS:
            down = one.down[o]
            values[f"{o}_unavailability"] = down
            values[f"{o}_minutes_per_year"] = down * YEAR / MINUTE
            values[f"{o}_nines"] = -math.log10(down) if down else math.inf
    return given


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
