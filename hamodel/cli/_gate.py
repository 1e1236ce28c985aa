"""A system as a gate sees it: its report, and what a change of its file changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hamodel import text
from hamodel.architectures import OPERATIONS
from hamodel.assessment import MEASURES
from hamodel.cli._assess import OnePage
from hamodel.cli._export import mermaid
from hamodel.cli._page import JudgedPage
from hamodel.cli._report import Check, Figure, Report, Table, judgements
from hamodel.units import MINUTE, MONTH, YEAR, quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hamodel.assessment import Assessment
    from hamodel.cli._assess import Verdict
    from hamodel.cli._paper import Paper
    from hamodel.specfile import Spec, SpecError

_CHANGE = re.compile(
    r"\s*\+?\s*([^-+\s].*?)\s*(?:/|\bper\b|\ba\b)\s*(yr|years?|y|mo|months?)\s*",
    re.IGNORECASE,
)
#: What a change is shown of, beside the downtime: its measure and its words.
_MEASURED = (
    ("rto_p95", "RTO of failovers that work, p95"),
    ("outage_p95", "RTO of all failovers, p95"),
    ("rpo_p99", "RPO (oldest lost write), p99"),
    ("lost_writes_per_year", "writes lost a year"),
    ("cost", "cost"),
)
_SAME = 1e-9  # relative difference of what has not changed
_SLIGHT = 5e-3  # minutes a year that a table of causes leaves out


@dataclass(frozen=True)
class Allowance:
    """How much more downtime a change may bring.

    Attributes
    ----------
    words : str
        As it was given.
    share : float
        Of the time.
    """

    words: str
    share: float

    @classmethod
    def read(cls, words: str) -> Allowance:
        """Read a change such as "+5 min/yr"."""
        match = _CHANGE.fullmatch(words)
        try:
            assert match is not None
            spent = quantity(match[1], "time")
        except (AssertionError, ValueError):
            said = "--allow must be a time of at least 0 a year or a month"
            raise ValueError(
                f"{said}, such as '+5 min/yr', got {words!r:.60}"
            ) from None
        period = MONTH if match[2].lower().startswith("mo") else YEAR
        return cls(words.strip(), spent / period)


@dataclass(frozen=True, eq=False)
class Change:
    """What becomes of a system when its file changes."""

    before: OnePage
    after: OnePage
    allowed: Allowance | None = None

    @cached_property
    def measures(self) -> dict[str, tuple[float, float]]:
        """Measures before and after; endless where there is no answer."""
        found = {
            f"{o}_minutes_per_year": tuple(
                one.down[o] * YEAR / MINUTE for one in (self.before, self.after)
            )
            for o in reversed(OPERATIONS)
        }
        for name, _ in _MEASURED:
            found[name] = tuple(
                _answer(name, one.found) for one in (self.before, self.after)
            )
        return {name: (was, now) for name, (was, now) in found.items()}

    def causes(self, operation: str) -> dict[str, tuple[float, float]]:
        """Return minutes a year by cause, before and after, what changed most first."""
        return _paired(self.before.causes(operation), self.after.causes(operation))

    @cached_property
    def journeys(self) -> dict[str, dict[str, tuple[float, float]]]:
        """The same of the journeys that both files have."""
        was, now = self.before.journey_causes, self.after.journey_causes
        return {name: _paired(was[name], now[name]) for name in now if name in was}

    @property
    def checks(self) -> Iterator[Check]:
        """Yield whether the change of each operation is allowed."""
        if self.allowed is None:
            return
        held = [
            (f"{o}_change", f"{o}s", self.before.down[o], self.after.down[o])
            for o in reversed(OPERATIONS)
        ]
        held += [
            (f"journey_change.{name}", f"the journey {name}", *_shares(causes))
            for name, causes in self.journeys.items()
        ]
        for key, what, was, now in held:
            more = now - was
            met = more <= self.allowed.share + _SAME * was
            label = f"more downtime of {what}"
            value = f"{_minutes(more * YEAR / MINUTE)} min/yr"
            limit = f"{_signed(self.allowed.share * YEAR / MINUTE)} min/yr"
            said = f"{label}: {value}, {'where' if met else 'and'} {limit} is allowed"
            yield Check(
                name=key,
                label=label,
                value=value,
                limit=f"≤ {limit}",
                said=said,
                met=met,
                numbers=(more, self.allowed.share),
            )

    @property
    def met(self) -> bool:
        """Whether the change stays within what is allowed."""
        return all(check.met for check in self.checks)

    @property
    def table(self) -> Table:
        """What changed: downtime with its causes, recovery, losses, cost."""
        names = {f"{o}_minutes_per_year": f"{o}s down, min/yr" for o in OPERATIONS}
        rows: list[tuple[str, ...]] = []
        for name, (was, now) in self.measures.items():
            label = names.get(name) or dict(_MEASURED)[name]
            rows.append((label, *_both(name, was, now)))
            if name in names:
                rows += _by_cause(self.causes(name.partition("_")[0]))
        for name, causes in self.journeys.items():
            was, now = (share * YEAR / MINUTE for share in _shares(causes))
            rows.append((f"journey {name}, min/yr", *_both("minutes", was, now)))
            rows += _by_cause(causes)
        path = self.before.spec.path
        title = f"Against {Path(*path.parts[-2:]) if path.is_absolute() else path}"
        if self.before.spec.title != self.after.spec.title:
            title += f" ({self.before.spec.title})"
        return Table(
            title=title, heads=("", "before", "after", "change"), rows=(*rows,)
        )

    def draw(self, out: Paper) -> None:
        """Write the change below the page."""
        out.say()
        table = self.table
        out.table(table.title, table.rows, table.heads)
        for check in self.checks:
            out.line(f"  {check}")

    def data(self) -> dict[str, object]:
        """Return the change as data."""
        allowed = self.allowed
        return {
            "against": str(self.before.spec.path),
            "title": self.before.spec.title,
            "measures": {
                name: {"before": was, "after": now}
                for name, (was, now) in self.measures.items()
            },
            "minutes_per_year_by_cause": {
                operation: {
                    cause: {"before": was, "after": now}
                    for cause, (was, now) in self.causes(operation).items()
                }
                for operation in OPERATIONS
            },
            "journey_minutes_per_year_by_cause": {
                name: {
                    cause: {"before": was, "after": now}
                    for cause, (was, now) in causes.items()
                }
                for name, causes in self.journeys.items()
            },
            "allowed_minutes_per_year": allowed and allowed.share * YEAR / MINUTE,
            "met": None if allowed is None else self.met,
        }


def page(
    spec: Spec,
    confidence: float | None = None,
    before: Spec | None = None,
    allow: str | None = None,
) -> JudgedPage:
    """Return the page on one system, and on what it changes of another."""
    if allow is not None and before is None:
        raise ValueError("--allow limits a change: give --against FILE as well")
    allowed = None if allow is None else Allowance.read(allow)
    one = OnePage(spec, confidence)
    change = None if before is None else Change(OnePage(before), one, allowed)

    def draw(out: Paper) -> None:
        one.draw(out)
        if change is not None:
            change.draw(out)

    def data() -> dict[str, object]:
        return {**one.data(), "change": None if change is None else change.data()}

    return JudgedPage(
        data=data,
        draw=draw,
        met=one.met and (change is None or change.met),
        report=lambda: _report(one, change),
    )


def _least_changed_last(item: tuple[str, tuple[float, float]]) -> float:
    return -abs(item[1][1] - item[1][0])


def _paired(
    was: Mapping[str, float], now: Mapping[str, float]
) -> dict[str, tuple[float, float]]:
    """Return minutes a year by cause, before and after, what changed most first."""
    minutes = YEAR / MINUTE
    found = {
        cause: (was.get(cause, 0.0) * minutes, now.get(cause, 0.0) * minutes)
        for cause in {**was, **now}
    }
    return dict(sorted(found.items(), key=_least_changed_last))


def _shares(causes: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    """Return the shares of time, before and after, that causes add up to."""
    was, now = (sum(each[k] for each in causes.values()) for k in range(2))
    return was * MINUTE / YEAR, now * MINUTE / YEAR


def _by_cause(causes: Mapping[str, tuple[float, float]]) -> list[tuple[str, ...]]:
    """Return a row for each cause that changed."""
    return [
        (f"· {cause}", *_both("minutes", was, now))
        for cause, (was, now) in causes.items()
        if abs(now - was) > max(_SLIGHT, _SAME * was)
    ]


def _answer(name: str, found: Assessment) -> float:
    try:
        return float(MEASURES[name].of(found))
    except ValueError:  # a finding on the page says why there is none
        return float("inf")


def _both(name: str, was: float, now: float) -> tuple[str, str, str]:
    """Return what was, what is, and the difference, in words."""
    write = text.time if name.endswith(("_p95", "_p99")) else text.number
    if was == now or abs(now - was) <= _SAME * abs(was):
        return write(was), write(now), "0"
    if "minutes" in name:
        return write(was), write(now), _minutes(now - was)
    return write(was), write(now), _signed(now - was, write)


def _minutes(more: float) -> str:
    """Return a change in minutes a year; of what is slight not even its sign."""
    return "under 0.01" if 0 < abs(more) < _SLIGHT else _signed(more)


def _signed(value: float, write: Callable[..., str] = text.number) -> str:
    return f"{'+' if value > 0 else '-' if value < 0 else ''}{write(abs(value))}"


# ---- the report --------------------------------------------------------------------


def _report(one: OnePage, change: Change | None) -> Report:
    checks = [_check(one.spec, verdict) for verdict in one.verdicts]
    tables = []
    if change is not None:
        checks += change.checks
        tables.append(change.table)
    return Report(
        title=one.spec.title,
        file=str(one.spec.path),
        headline=_headline(one),
        checks=(*checks,),
        figures=(*_figures(one, checks),),
        tables=(*tables,),
        chart=mermaid(one.spec.architecture),
    )


def mistaken(mistake: SpecError) -> Report:
    """Return the report of a file that describes no system."""
    return Report(
        title=mistake.path.name,
        file=str(mistake.path),
        checks=tuple(
            Check(
                name=p.field or "file",
                said=f"{p.field}: {p.message}" if p.field else p.message,
                met=False,
                wrong=True,
                line=p.line,
                column=p.column,
            )
            for p in mistake.problems
        ),
    )


def _check(spec: Spec, verdict: Verdict) -> Check:
    limit, value = verdict.finding.limit, verdict.finding.value
    return Check(
        name=f"{limit.name}.{limit.site}" if limit.site else limit.name,
        label=limit.label,
        value=verdict.finding.shown,
        limit=f"{'≥' if limit.at_least else '≤'} {limit.write(limit.bound)}",
        said=verdict.said,
        met=verdict.met,
        numbers=(value, limit.bound),
        line=_line(spec, limit.name, limit.site),
    )


def _line(spec: Spec, name: str, site: str) -> int:
    """Return the line of the file that sets a requirement; 1 if another file does."""
    fields = {
        "write_availability": ("availability",),
        "read_availability": ("read_availability", "availability"),
        "stale_reads": ("stale_reads", "consistency"),
        "lost_writes_per_year": ("lost_writes_per_year", "consistency"),
    }
    paths = [f"requirements.{field}" for field in fields.get(name, (name,))]
    for path in [f"journeys.{site}.objective"] if name == "journey" else paths:
        source = spec.sources.get(path)
        file, _, line = source.place.rpartition(":") if source else ("", "", "")
        if file == spec.path.name and line.isdigit():
            return int(line)
    return 1


def _headline(one: OnePage) -> str:
    """Return the figures that matter most, as Markdown."""
    down = {o: text.number(one.down[o] * YEAR / MINUTE) for o in OPERATIONS}
    parts = [
        f"Writes down **{down['write']} min/yr** "
        f"({text.availability(one.down['write'])}), reads {down['read']}"
    ]
    for name, words in (
        ("outage_p95", "recovery p95"),
        ("rpo_p99", "oldest lost write p99"),
    ):
        found = _answer(name, one.found)
        parts.append(f"{words} {text.time(found)}")
    parts.append(f"cost {text.number(float(one.found.cost.total))}")
    alone = one.found.single_points_of_failure
    if alone:
        parts.append(f"single points of failure: {', '.join(alone)}")
    return " · ".join(parts)


def _figures(one: OnePage, checks: list[Check]) -> Iterator[Figure]:
    """Yield gauges in base units: seconds and ratios."""
    for operation in OPERATIONS:
        yield Figure(
            name="hamodel_unavailability_ratio",
            help="Expected share of the requests that fail.",
            value=one.down[operation],
            labels={"operation": operation},
        )
    for operation in OPERATIONS:
        for cause, share in one.causes(operation).items():
            yield Figure(
                name="hamodel_unavailability_by_cause_ratio",
                help="Its parts; they add up to it.",
                value=share,
                labels={"operation": operation, "cause": cause},
            )
    for measure in MEASURES.values():
        law, _, percent = measure.name.rpartition("_p")
        if measure.unit == "s" and law and percent.isdigit():
            yield Figure(
                name="hamodel_quantile_seconds",
                help="Recovery (rto, outage), oldest lost write (rpo), lag, latency.",
                value=_answer(measure.name, one.found),
                labels={"of": law, "p": f"0.{percent}"},
            )
    for name, causes in one.journey_causes.items():
        yield Figure(
            name="hamodel_journey_unavailability_ratio",
            help="Expected share of a journey's requests that fail.",
            value=sum(causes.values()),
            labels={"journey": name},
        )
    yield Figure(
        name="hamodel_cost_nodes",
        help="Cost in units of a node.",
        value=float(one.found.cost.total),
    )
    yield from judgements(checks)
