"""The page on one system: what to expect, what was assumed, what to change."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hamodel import text
from hamodel.assessment import MEASURES, Assessment, assess
from hamodel.cli import _journeys, _said
from hamodel.cli._beliefs import Beliefs
from hamodel.cli._paper import bar
from hamodel.decision import alternatives, improvements
from hamodel.units import MINUTE, MONTH, YEAR

if TYPE_CHECKING:
    from collections.abc import Callable

    from hamodel._types import Json
    from hamodel.assessment import Journeys
    from hamodel.cli._paper import Paper
    from hamodel.decision import Alternative, Finding, Improvement
    from hamodel.duration import Duration
    from hamodel.specfile import Spec

#: What the JSON of `hamodel assess` is called; the number grows with its form.
FORM = "hamodel/assessment/4"
_OPERATIONS = ("write", "read")
_LESS_THAN_ALL = math.nextafter(1, 0)  # what is down for a moment is never 100 %
_POINTS = (0.5, 0.95, 0.99)


@dataclass(frozen=True, eq=False)
class OnePage:
    """All that the page on one system holds, each computed once."""

    spec: Spec
    confidence: float | None = None

    # ---- what is known -------------------------------------------------------------

    @cached_property
    def found(self) -> Assessment:
        """The assessment, at the medians of what is uncertain."""
        return assess(self.spec.architecture, self.spec.workload)

    @cached_property
    def beliefs(self) -> Beliefs | None:
        """What is uncertain; nothing if all is taken as known."""
        return Beliefs(self.spec) if self.spec.uncertain else None

    @cached_property
    def down(self) -> dict[str, float]:
        """Expected unavailability by operation, over what is believed."""
        if self.beliefs is None:
            return {
                o: float(getattr(self.found, o).unavailability) for o in _OPERATIONS
            }
        return {o: float(self.beliefs.down(o).mean()) for o in _OPERATIONS}

    @cached_property
    def interval(self) -> dict[str, list[float]] | None:
        """5 % and 95 % of the unavailability, by operation."""
        if self.beliefs is None:
            return None
        return {
            o: [float(x) for x in np.quantile(self.beliefs.down(o), [0.05, 0.95])]
            for o in _OPERATIONS
        }

    @cached_property
    def dependent(self) -> tuple[str, dict[str, float]]:
        """What is so once failures have a common cause, and the minutes a year then."""
        return _said.dependent(self.found)

    @cached_property
    def years(self) -> dict[str, list[float]]:
        """Minutes of a median year, and of the worst in ten, by operation."""
        return {
            o: [self.found.downtime_quantile(p, YEAR, o) / MINUTE for p in (0.5, 0.9)]
            for o in _OPERATIONS
        }

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """How each requirement fares."""
        need = self.spec.requirements
        findings = [] if need is None else need.judge(self.found)
        findings += [limit.judge(self.found) for limit in _journeys.limits(self.spec)]
        return [self._verdict(finding) for finding in findings]

    def _verdict(self, finding: Finding) -> Verdict:
        name = finding.limit.name
        if name.endswith("availability"):
            down = self.down[name.partition("_")[0]]
            value = min(1 - down, _LESS_THAN_ALL) if down else 1.0
            finding = finding._replace(value=value, met=value >= finding.limit.bound)
        elif name == "journey":
            value = 1 - sum(self.journey_causes[finding.limit.site].values())
            finding = finding._replace(value=value, met=value >= finding.limit.bound)
        chance = self.beliefs.chance(finding) if self.beliefs else None
        met = finding.met
        if self.confidence is not None and chance is not None:
            met = chance >= self.confidence
        return Verdict(finding, chance, bool(met))

    @property
    def met(self) -> bool:
        """Whether all requirements are kept."""
        return all(v.met for v in self.verdicts)

    # ---- the page ------------------------------------------------------------------

    def draw(self, out: Paper) -> None:
        """Write the page."""
        kind = type(self.spec.architecture).__name__
        out.head(f"{self.spec.title}  ({kind})")
        out.say()
        for part in (
            *(self._overload, self._availability, self._causes, self._objectives),
            self._journeys,
            *(self._recovery, self._risks, self._latency, self._load, self._weak),
            *(self._changes, self._alternatives, self._verdicts),
        ):
            try:
                part(out)
            except ValueError as why:  # such as a standby that never catches up
                title = part.__name__.strip("_").capitalize()
                out.say(f"{title}: no answer, for {why}", hang=2)
                out.say()

    def _overload(self, out: Paper) -> None:
        for finding in _said.findings(self.found):
            out.say(f"! {finding}", hang=2)
            out.say()

    def _availability(self, out: Paper) -> None:
        rows = [
            (
                f"{o}s",
                text.availability(self.down[o]),
                text.minutes(self.down[o] * YEAR / MINUTE),
                *(text.short(minutes) for minutes in self.years[o]),
            )
            for o in _OPERATIONS
        ]
        heads = ("", "long run", "min/yr", "median year", "worst year in 10")
        out.table("Availability", rows, heads)
        if self.interval is not None:
            low, high = self.interval["write"]
            names = ", ".join(self.spec.uncertain)
            out.say(
                f"Writes, with 90 % credibility: {text.availability(high)} to "
                f"{text.availability(low)}; the long run and its causes are means over "
                f"what is uncertain ({names}), all else takes its median."
            )
            out.say()
        if self.dependent[0]:
            then = text.minutes(self.dependent[1]["write"])
            out.say(f"Writes {then} min/yr if {self.dependent[0]}.")
            out.say()

    def causes(self, operation: str) -> dict[str, float]:
        """Return the unavailability by cause, which adds up to the headline."""
        if self.beliefs is not None:
            return self.beliefs.causes(operation)
        found = getattr(self.found, operation).downtime_by_cause
        return {str(cause): float(down) for cause, down in found.items()}

    def _causes(self, out: Paper) -> None:
        causes = self.causes("write")
        top = max(causes.values(), default=0.0)
        rows = [
            (cause, text.minutes(down * YEAR / MINUTE), bar(down, top))
            for cause, down in sorted(causes.items(), key=lambda item: -item[1])
            if down > 1e-4 * top
        ]
        out.table("Downtime of writes by cause", rows, ("", "min/yr", ""), words=(0, 2))

    def _objectives(self, out: Paper) -> None:
        said = [_said.objective(o) for o in self.objectives]
        if said:
            out.head("Objectives")
            for sentence in said:
                out.say(sentence, indent=2, hang=2)
            out.say()

    @cached_property
    def objectives(self) -> list[dict[str, object]]:
        """Chance and error budget of a month, for each required availability."""
        found: list[dict[str, object]] = []
        for verdict in self.verdicts:
            name, bound = verdict.finding.limit.name, verdict.finding.limit.bound
            if name.endswith("_availability") and bound < 1:
                operation = name.partition("_")[0]
                chance = self.found.probability_of_meeting(bound, MONTH, operation)
                found.append(
                    {
                        "operation": operation,
                        "availability": bound,
                        "chance_of_a_month": chance,
                        "budget_of_a_month_s": (1 - bound) * MONTH,
                        "expected_of_a_month_s": self.down[operation] * MONTH,
                    }
                )
        return found

    @cached_property
    def journeys(self) -> Journeys | None:
        """How the journeys of the file fare, if it names any."""
        return _journeys.journeys_of(self.spec)

    @cached_property
    def journey_causes(self) -> dict[str, dict[str, float]]:
        """The unavailability of each journey by cause, over what is believed."""
        if self.beliefs is not None:
            return {name: self.beliefs.journey(name) for name in self.spec.journeys}
        found = {} if self.journeys is None else self.journeys.by_name
        return {
            name: {str(c): float(u) for c, u in fares.downtime_by_cause.items()}
            for name, fares in found.items()
        }

    def _journeys(self, out: Paper) -> None:
        if self.journeys is not None:
            _journeys.draw(out, self.journeys, self.journey_causes)

    def _recovery(self, out: Paper) -> None:
        a = self.found
        works, whole = _quantiles(a.rto), _quantiles(a.outage)
        alike = works == whole and not _said.failed(a)
        rows = [
            (f"recovery (RTO){'' if alike else ', failovers that work'}", *works),
            *(
                (f"- from {name!r}", *_quantiles(law))
                for name, law in a.rto_by_kind.items()
            ),
            *([] if alike else [("recovery, failed failovers included", *whole)]),
            ("oldest lost write (RPO), if any is lost", *_quantiles(a.rpo)),
            ("replication lag", *_quantiles(a.replication_lag)),
        ]
        out.table("Recovery and replication", rows, ("", "p50", "p95", "p99"))
        for sentence in (
            _said.unrated(self.spec),
            _said.failed(a),
            _said.assumed_lag(self.spec),
        ):
            if sentence:
                out.say(sentence)
                out.say()

    def _risks(self, out: Paper) -> None:
        a = self.found
        lost = a.lost_writes
        rows = [
            ("lost for good", f"{text.number(float(lost.per_year))} a year"),
            (
                "missing until a repair",
                f"{text.number(float(lost.missing_per_year))} a year",
            ),
            ("stale reads", text.share(float(a.stale_read_probability))),
        ]
        if float(a.conflicts.per_day):
            rows.append(
                ("conflicts", f"{text.number(float(a.conflicts.per_day))} a day")
            )
        out.table("Writes at risk", rows)
        if not _said.stated(self.spec):
            out.say(_said.assumed_load(self.spec))
            out.say()

    def _latency(self, out: Paper) -> None:
        if not _said.stated(self.spec):
            out.say(
                "Latency and load: left out, for no workload is stated (reads, writes, "
                "read_time, write_time, app_time)."
            )
            out.say()
            return
        rows = [(f"{s} {o}s", *_quantiles(law)) for (s, o), law in self._latencies()]
        if rows:
            out.table("Latency", rows, ("", "p50", "p95", "p99"))
            for sentence in (
                _said.assumed_times(self.spec),
                _said.unused_time(self.spec),
            ):
                if sentence:
                    out.say(sentence)
                    out.say()

    def _latencies(self) -> list[tuple[tuple[str, str], Duration]]:
        """Return the laws of latency; none where the load is beyond capacity."""
        return [] if self.found.is_overloaded else list(self.found.latency.items())

    def _load(self, out: Paper) -> None:
        if _said.stated(self.spec):
            now, after = self.found.utilisation, self.found.utilisation_after_site_loss
            rows = [
                (tier, text.share(float(now[tier])), text.share(float(after[tier])))
                for tier in now
                if tier != "app" or _said.has_apps(self.spec)
            ]
            out.table("Load of the busiest", rows, ("", "now", "after a site loss"))

    def _weak(self, out: Paper) -> None:
        names = ", ".join(self.found.single_points_of_failure) or "none"
        out.say(f"Single points of failure (writes): {names}", hang=2)
        out.say()

    def _changes(self, out: Paper) -> None:
        rows = [
            (
                b.path,
                " -> ".join(self._values(b)),
                text.minutes(b.minutes),
            )
            for b in self._improvements
        ]
        if rows:
            out.table(
                "What buys most", rows, ("", "change", "min/yr saved"), words=(0, 1)
            )

    @cached_property
    def _improvements(self) -> list[Improvement]:
        """The three single changes that save most, if they save what can be seen."""
        found = improvements(self.found)[:3]
        return [b for b in found if abs(b.minutes) >= text.LEAST_MINUTES]

    @cached_property
    def _others(self) -> list[Alternative]:
        """The five best structural changes that change what can be seen."""
        found = alternatives(self.found)
        seen = [b for b in found if abs(b.minutes) >= text.LEAST_MINUTES or b.kept]
        return seen[:5]

    def _values(self, change: Improvement) -> list[str]:
        """Return the value of a parameter before and after a change."""
        spec, path = self.spec.architecture, change.path
        return [_said.value(spec, path, v) for v in (change.before, change.after)]

    def _alternatives(self, out: Paper) -> None:
        rows = [
            (
                f"{b.path}: {_said.step(b.before, b.after)}",
                text.minutes(b.minutes),
                text.number(b.kept),
                text.number(b.cost),
            )
            for b in self._others
        ]
        if rows:
            heads = ("", "min/yr saved", "writes kept a year", "cost")
            out.table("Built another way", rows, heads)

    def _verdicts(self, out: Paper) -> None:
        if self.verdicts:
            out.head("Requirements")
            for verdict in self.verdicts:
                out.line(f"  {verdict}")

    # ---- the data ------------------------------------------------------------------

    def data(self) -> dict[str, object]:
        """Return all that the page holds; times in s, unavailability as shares."""
        a = self.found
        return {
            "form": FORM,
            "title": self.spec.title,
            "file": str(self.spec.path),
            "architecture": type(a.architecture).__name__,
            "met": self.met if self.verdicts else None,
            "findings": list(_said.findings(a)),
            "availability": {o: self._available(o) for o in _OPERATIONS},
            "uncertain": list(self.spec.uncertain),
            **_laws(a),
            "latency_s": [
                {"site": site, "operation": operation, **_by_name(law)}
                for (site, operation), law in self._latencies()
            ],
            "single_points_of_failure": list(a.single_points_of_failure),
            "objectives": self.objectives,
            "journeys": self._journeys_data(),
            "requirements": [v.data() for v in self.verdicts],
            **self._what_to_change(),
            **self._measures(),
        }

    def _measures(self) -> Json:
        """Return every measure; availability is a mean over what is believed."""
        given = measures(self.found)
        values = given["measures"]
        if self.beliefs is not None:
            for o in _OPERATIONS:
                down = self.down[o]
                values[f"{o}_unavailability"] = down
                values[f"{o}_minutes_per_year"] = down * YEAR / MINUTE
                values[f"{o}_nines"] = -math.log10(down) if down else math.inf
        return given

    def _journeys_data(self) -> Json:
        if self.journeys is None:
            return None
        found: Json = self.journeys.to_dict()
        for name, causes in self.journey_causes.items():
            down = sum(causes.values())
            found["journeys"][name] |= {
                "unavailability": down,
                "minutes_per_year": down * YEAR / MINUTE,
                "downtime_by_cause": causes,
            }
        return found

    def _available(self, operation: str) -> dict[str, object]:
        typical, bad = self.years[operation]
        return {
            "unavailability": self.down[operation],
            "unavailability_interval": self.interval and self.interval[operation],
            "minutes_per_year": self.down[operation] * YEAR / MINUTE,
            "minutes_per_year_if_dependent": self.dependent[1][operation],
            "median_year_min": typical,
            "worst_year_in_10_min": bad,
            "downtime_by_cause": self.causes(operation),
        }

    def _what_to_change(self) -> dict[str, object]:
        return {
            "changes": [
                {
                    "parameter": b.path,
                    **dict(zip(("from", "to"), self._values(b), strict=True)),
                    "minutes_saved_per_year": b.minutes,
                }
                for b in self._improvements
            ],
            "alternatives": [
                {
                    "parameter": b.path,
                    "change": _said.step(b.before, b.after),
                    "minutes_saved_per_year": b.minutes,
                    "writes_kept_per_year": b.kept,
                    "cost": b.cost,
                }
                for b in self._others
            ],
        }


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


def _laws(a: Assessment) -> dict[str, object]:
    """Return recovery, losses and load as data."""

    def answer(of: Callable[[], object]) -> object:
        try:
            return of()
        except ValueError:  # a finding says why there is none
            return None

    now, after = a.utilisation, a.utilisation_after_site_loss
    return {
        "recovery_s": {
            "rto": answer(lambda: _by_name(a.rto)),
            "outage": answer(lambda: _by_name(a.outage)),
            "rpo": answer(lambda: _by_name(a.rpo)),
            "replication_lag": answer(lambda: _by_name(a.replication_lag)),
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


def _by_name(law: Duration) -> dict[str, float]:
    times = np.asarray(law.quantile(_POINTS), float).tolist()
    return {f"p{100 * p:g}": time for p, time in zip(_POINTS, times, strict=True)}


def _quantiles(law: Duration) -> tuple[str, ...]:
    return tuple(map(text.time, _by_name(law).values()))
