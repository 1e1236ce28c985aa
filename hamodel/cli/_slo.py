"""Objectives of other tools, held against a system: chance, budget, alerts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from hamodel import text
from hamodel.architectures import OPERATIONS
from hamodel.assessment import Assessment, BurnRate, Journeys, assess
from hamodel.cli._beliefs import Beliefs
from hamodel.cli._files import hint, settled, shown
from hamodel.cli._journeys import journeys_of
from hamodel.cli._page import Page, Paper
from hamodel.objectives import Objective, read_objectives
from hamodel.specfile import Spec
from hamodel.units import YEAR

_SLIGHT = 5e-4  # of a budget, that a table of causes leaves out


@dataclass(frozen=True, eq=False)
class _Held:
    """An objective, and what of the system it measures."""

    asked: Objective
    measures: str
    found: Assessment
    shop: Journeys | None
    beliefs: Beliefs | None

    @cached_property
    def causes(self) -> dict[str, float]:
        """Share of the error budget that each cause uses: a mean over beliefs."""
        parts: Mapping[str, float]
        if self.measures in OPERATIONS:
            parts = getattr(self.found, self.measures).downtime_by_cause
        elif self.beliefs is not None:
            parts = self.beliefs.journey(self.measures)
        else:
            assert self.shop is not None
            parts = self.shop[self.measures].downtime_by_cause
        budget = 1 - self.asked.target
        return {str(cause): float(share) / budget for cause, share in parts.items()}

    @cached_property
    def chance(self) -> float:
        """Chance to keep it over its window: a mean over beliefs."""
        target, window = self.asked.target, self.asked.window
        return self._mean(
            lambda one: one.probability_of_meeting(target, window, self.measures),
            lambda shop: shop.probability_of_keeping(self.measures, target, window),
        )

    def _mean(
        self, of: Callable[[Assessment], float], of_shop: Callable[[Journeys], float]
    ) -> float:
        """Return a number of the system, or of its journeys, over what is believed."""
        if self.measures in OPERATIONS:
            return of(self.found)
        if self.beliefs is not None:
            return self.beliefs.mean_of_journeys(of_shop)
        assert self.shop is not None
        return of_shop(self.shop)

    @cached_property
    def alerts(self) -> list[tuple[float, float]]:
        """Downtime that sets each alert off, in s, and how often a year it fires."""
        target, one = self.asked.target, self.measures

        def rate(alert: BurnRate) -> float:
            return self._mean(
                lambda found: found.alert_rate(alert, target, one),
                lambda shop: shop.alert_rate(one, alert, target),
            )

        return [(a.threshold(target), rate(a) * YEAR) for a in self.asked.alerts]

    def data(self) -> dict[str, object]:
        """Return it as data; times in s."""
        asked = self.asked
        return {
            "name": asked.name,
            "file": asked.file,
            "line": asked.line,
            "measures": self.measures,
            "target": asked.target,
            "window_s": asked.window,
            "chance": self.chance,
            "budget_s": (1 - asked.target) * asked.window,
            "budget_used": sum(self.causes.values()),
            "budget_used_by_cause": self.causes,
            "alerts": [
                {
                    "severity": alert.severity,
                    "factor": alert.factor,
                    "long_s": alert.long,
                    "short_s": alert.short,
                    "after_s": alert.after,
                    "set_off_by_s": least,
                    "fires_per_year": often,
                }
                for alert, (least, often) in zip(asked.alerts, self.alerts, strict=True)
            ],
            "notes": list(asked.notes),
        }


def page(spec: Spec, files: Sequence[str], measures: Sequence[str]) -> Page:
    """Return how a system keeps objectives, and how often their alerts will fire."""
    asked = [objective for file in files for objective in _stated(file)]
    told = _told(measures, [one.name for one in asked], spec)
    found, shop = assess(spec), journeys_of(spec)
    beliefs = Beliefs(spec, found) if spec.uncertain else None
    held = [
        _Held(one, _measured(one, told, spec), found, shop, beliefs) for one in asked
    ]

    def draw(out: Paper) -> None:
        out.head(f"{spec.title}: objectives")
        out.say()
        _draw_objectives(out, held)
        _draw_budgets(out, held)
        _draw_alerts(out, held)
        for note in dict.fromkeys(n for one in held for n in one.asked.notes):
            out.say(f"Taken: {note}.")
        if spec.uncertain:
            names = ", ".join(spec.uncertain)
            out.say(f"Means over what is believed of {names}.")

    return Page(
        data=lambda: {
            "form": "hamodel/objectives/1",
            "title": spec.title,
            "uncertain": list(spec.uncertain),
            "objectives": [one.data() for one in held],
        },
        draw=draw,
        met=all(sum(one.causes.values()) <= 1 for one in held),
    )


def _stated(file: str) -> Iterator[Objective]:
    """Yield the objectives of a file, of a pipe or of standard input."""
    with settled([file], ".yaml") as (real,):
        for one in read_objectives(real):
            yield replace(one, file=str(shown(file)))


def _told(measures: Sequence[str], names: Sequence[str], spec: Spec) -> dict[str, str]:
    """Return what objectives measure, as --measures says it."""
    known = (*OPERATIONS, *spec.journeys)
    found = {}
    for one in measures:
        name, equals, what = one.rpartition("=")
        if not equals or name not in names:
            said = f"--measures must be OBJECTIVE=WHAT, got {one!r:.60}"
            raise ValueError(f"{said}{hint(name, names)}")
        if what not in known:
            said = f"must be one of {', '.join(known)}, got {what!r:.60}"
            raise ValueError(f"--measures {name} {said}{hint(what, known)}")
        found[name] = what
    return found


def _measured(one: Objective, told: Mapping[str, str], spec: Spec) -> str:
    """Return what an objective measures: as told, as it is called, else writes."""
    if one.name in told:
        return told[one.name]
    short = one.name.rpartition("/")[2]
    journey = next((j for j in spec.journeys if j.replace(" ", "-") == short), None)
    return journey or ("read" if "read" in short.lower() else "write")


def _draw_objectives(out: Paper, held: Sequence[_Held]) -> None:
    rows = [
        (
            one.asked.name,
            f"{one.measures}s" if one.measures in OPERATIONS else one.measures,
            text.share(one.asked.target),
            text.time(one.asked.window),
            text.share(one.chance),
            text.share(sum(one.causes.values())),
        )
        for one in held
    ]
    heads = ("", "of", "target", "over", "chance to keep", "budget used")
    out.table("Objectives", rows, heads, words=(0, 1))


def _draw_budgets(out: Paper, held: Sequence[_Held]) -> None:
    causes: dict[str, float] = {}
    for one in held:
        for cause, share in one.causes.items():
            causes[cause] = max(causes.get(cause, 0.0), share)
    rows = [
        (cause, *(_part(one.causes.get(cause, 0.0)) for one in held))
        for cause, most in sorted(causes.items(), key=lambda item: -item[1])
        if most >= _SLIGHT
    ]
    heads = ("", *(one.asked.name for one in held))
    out.table("Error budget by cause", rows, heads)


def _part(share: float) -> str:
    return text.share(share, 2) if share >= _SLIGHT else "·"


def _draw_alerts(out: Paper, held: Sequence[_Held]) -> None:
    rows = []
    for one in held:
        for alert, (least, often) in zip(one.asked.alerts, one.alerts, strict=True):
            windows = [text.time(alert.long)]
            windows += [text.time(alert.short)] if alert.short < alert.long else []
            rows.append(
                (
                    one.asked.name,
                    alert.severity,
                    text.number(alert.factor),
                    " and ".join(windows),
                    text.time(least),
                    _often(often),
                )
            )
    if rows:
        heads = ("", "", "burns", "over", "set off by", "fires a year")
        out.table("Alerts", rows, heads, words=(0, 1, 3))


def _often(per_year: float) -> str:
    """Return how often an alert fires a year."""
    if math.isinf(per_year):
        return "always on"
    if per_year == 0:
        return "never"
    if per_year >= 0.1:
        return text.number(per_year, 2)
    if per_year * 1000 < 1:
        return "under 0.001"
    return text.number(per_year, 1)
