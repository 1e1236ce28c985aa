"""The page on one system: what to expect, what was assumed, what to change."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from hamodel import text
from hamodel.architectures import SinglePrimary
from hamodel.assessment import Assessment, Journeys, assess
from hamodel.cli import _journeys, _said
from hamodel.cli._answers import Verdict, quantiles
from hamodel.cli._beliefs import Beliefs
from hamodel.cli._page import Paper, bar
from hamodel.decision import (
    Alternative,
    Finding,
    Improvement,
    alternatives,
    improvements,
)
from hamodel.duration import Duration
from hamodel.units import MINUTE, MONTH, YEAR

if TYPE_CHECKING:
    from hamodel.specfile import Spec

_OPERATIONS = ("write", "read")
_LESS_THAN_ALL = math.nextafter(1, 0)  # what is down for a moment is never 100 %


@dataclass(frozen=True, eq=False)
class OnePage:
    """All that the page on one system holds, each computed once."""

    spec: Spec
    confidence: float | None = None

    # ---- what is known -------------------------------------------------------------

    @cached_property
    def found(self) -> Assessment:
        """The assessment: downtime is a mean over what is uncertain."""
        return assess(self.spec)

    @cached_property
    def beliefs(self) -> Beliefs | None:
        """What is uncertain; nothing if all is taken as known."""
        return Beliefs(self.spec, self.found) if self.spec.uncertain else None

    @cached_property
    def down(self) -> dict[str, float]:
        """Expected unavailability by operation, over what is believed."""
        down = {o: float(getattr(self.found, o).unavailability) for o in _OPERATIONS}
        return {o: min(u, 1.0) for o, u in down.items()}  # beyond it by rounding

    @cached_property
    def interval(self) -> dict[str, list[float]] | None:
        """5 % and 95 % of the unavailability, by operation."""
        if self.beliefs is None:
            return None
        return {o: self.beliefs.interval(o) for o in _OPERATIONS}

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
                out.part(f"{title}: no answer, for {why}", hang=2)

    def _overload(self, out: Paper) -> None:
        for finding in _said.findings(self.found):
            out.part(f"! {finding}", hang=2)

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
            out.part(
                f"Writes, with 90 % credibility: {text.availability(high)} to "
                f"{text.availability(low)}; the long run and its causes are means over "
                f"what is uncertain ({names}), all else takes its median."
            )
        if self.dependent[0]:
            then = text.minutes(self.dependent[1]["write"])
            out.part(f"Writes {then} min/yr if {self.dependent[0]}.")

    def causes(self, operation: str) -> dict[str, float]:
        """Return the unavailability by cause, which adds up to the headline."""
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
        works, whole = quantiles(a.rto), quantiles(a.outage)
        alike = works == whole and not _said.failed(a)
        rows = [
            (f"recovery (RTO){'' if alike else ', failovers that work'}", *works),
            *(
                (f"- from {name!r}", *quantiles(law))
                for name, law in a.rto_by_kind.items()
            ),
            *([] if alike else [("outage, however it ends", *whole)]),
            ("oldest write a failure takes (RPO)", *quantiles(a.rpo)),
            *(
                []
                if isinstance(a.architecture, SinglePrimary)
                else [("replication lag", *quantiles(a.replication_lag))]
            ),
        ]
        out.table("Recovery and replication", rows, ("", "p50", "p95", "p99"))
        for sentence in (
            _said.unrated(self.spec),
            _said.failed(a),
            _said.mended(a),
            _said.backed_up(a),
            _said.assumed_lag(self.spec),
        ):
            out.part(sentence)

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
        out.part(_said.replayed(a))
        out.part(_said.assumed_load(self.spec, a))

    def _latency(self, out: Paper) -> None:
        if not _said.stated(self.spec):
            out.part(
                "Latency and load: left out, for no workload is stated (reads, writes, "
                "read_time, write_time, app_time)."
            )
            return
        rows = [(f"{s} {o}s", *quantiles(law)) for (s, o), law in self.latencies()]
        if rows:
            out.table("Latency", rows, ("", "p50", "p95", "p99"))
            for sentence in (
                _said.roaming(self.spec),
                _said.assumed_times(self.spec),
                _said.unused_time(self.spec),
            ):
                out.part(sentence)

    def latencies(self) -> list[tuple[tuple[str, str], Duration]]:
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
        hung = getattr(self.spec.architecture, "depends_on", ())
        unrated = {one.name for one in hung if math.isinf(one.mttf)}
        names = ", ".join(
            f"{name} (no rate is given)" if name in unrated else name
            for name in self.found.single_points_of_failure
        )
        out.part(f"Single points of failure (writes): {names or 'none'}", hang=2)

    def _changes(self, out: Paper) -> None:
        rows = [
            (b.path, " -> ".join(self.values_of(b)), text.minutes(b.minutes))
            for b in self.changes
        ]
        if rows:
            out.table(
                "What buys most", rows, ("", "change", "min/yr saved"), words=(0, 1)
            )

    @cached_property
    def changes(self) -> list[Improvement]:
        """The three single changes that save most, if they save what can be seen."""
        found = improvements(self.found)[:3]
        return [b for b in found if abs(b.minutes) >= text.LEAST_MINUTES]

    @cached_property
    def others(self) -> list[Alternative]:
        """The five best structural changes that change what can be seen."""
        found = alternatives(self.found)
        seen = [b for b in found if abs(b.minutes) >= text.LEAST_MINUTES or b.kept]
        return seen[:5]

    def values_of(self, change: Improvement) -> list[str]:
        """Return the value of a parameter before and after a change."""
        spec, path = self.spec.architecture, change.path
        return [_said.value(spec, path, v) for v in (change.before, change.after)]

    def _alternatives(self, out: Paper) -> None:
        rows = [
            (
                f"{b.path}: {_said.step(b.before, b.after, b.beside)}",
                text.minutes(b.minutes),
                text.number(b.kept),
                text.number(b.cost),
            )
            for b in self.others
        ]
        if rows:
            heads = ("", "min/yr saved", "writes kept a year", "cost")
            out.table("Built another way", rows, heads)

    def _verdicts(self, out: Paper) -> None:
        if self.verdicts:
            out.head("Requirements")
            for verdict in self.verdicts:
                out.line(f"  {verdict}")
