"""A system as a gate sees it: its report, and what a change of its file changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hamodel import text
from hamodel.architectures import OPERATIONS
from hamodel.assessment import MEASURES
from hamodel.cli._assess import OnePage
from hamodel.cli._change import Allowance, Change, answer
from hamodel.cli._data import data_of
from hamodel.cli._export import mermaid
from hamodel.cli._page import JudgedPage
from hamodel.cli._report import Check, Figure, Report, judgements
from hamodel.units import MINUTE, YEAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hamodel.cli._answers import Verdict
    from hamodel.cli._paper import Paper
    from hamodel.specfile import Spec, SpecError


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
        return {**data_of(one), "change": None if change is None else change.data()}

    return JudgedPage(
        data=data,
        draw=draw,
        met=one.met and (change is None or change.met),
        report=lambda: _report(one, change),
    )


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
        found = answer(name, one.found)
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
                value=answer(measure.name, one.found),
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
