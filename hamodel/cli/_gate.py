"""A system as a gate sees it: its report, and what a change of its file changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import click

from hamodel import text
from hamodel._types import Json
from hamodel.architectures import OPERATIONS
from hamodel.assessment import MEASURES
from hamodel.cli import _files, _said
from hamodel.cli._answers import Verdict, by_name, laws, measures
from hamodel.cli._assess import OnePage
from hamodel.cli._change import Allowance, Change, answer
from hamodel.cli._export import mermaid
from hamodel.cli._page import JudgedPage, Paper, hand_over
from hamodel.cli._report import Check, Figure, Report, judgements
from hamodel.cli._schema import FORM
from hamodel.specfile import Spec, SpecError
from hamodel.units import MINUTE, YEAR


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


# ---- as data -----------------------------------------------------------------------


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
        "availability": {o: _available(one, o) for o in reversed(OPERATIONS)},
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
                "change": _said.step(b.before, b.after, b.beside),
                "minutes_saved_per_year": b.minutes,
                "writes_kept_per_year": b.kept,
                "cost": b.cost,
            }
            for b in one.others
        ],
    }


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
        "missing_writes_per_year": ("consistency",),
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
        ("outage_p95", "outage p95"),
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
            "hamodel_unavailability_ratio",
            "Expected share of the requests that fail.",
            one.down[operation],
            {"operation": operation},
        )
    for operation in OPERATIONS:
        for cause, share in one.causes(operation).items():
            yield Figure(
                "hamodel_unavailability_by_cause_ratio",
                "Its parts; they add up to it.",
                share,
                {"operation": operation, "cause": cause},
            )
    for measure in MEASURES.values():
        law, _, percent = measure.name.rpartition("_p")
        if measure.unit == "s" and law and percent.isdigit():
            yield Figure(
                "hamodel_quantile_seconds",
                "Recovery (rto, outage), oldest lost write (rpo), lag, latency.",
                answer(measure.name, one.found),
                {"of": law, "p": f"0.{percent}"},
            )
    for name, causes in one.journey_causes.items():
        yield Figure(
            "hamodel_journey_unavailability_ratio",
            "Expected share of a journey's requests that fail.",
            sum(causes.values()),
            {"journey": name},
        )
    yield Figure(
        "hamodel_cost_nodes", "Cost in units of a node.", float(one.found.cost.total)
    )
    yield from judgements(checks)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How a system is judged."""

    changes: Sequence[str] = ()  # fields that are changed, as PATH=VALUE
    # versions of products whose files are read, as NAME=VERSION
    versions: Sequence[str] = ()
    confidence: float | None = None  # how sure it must be that a requirement is kept
    against: str | None = None  # the file before a change
    allow: str | None = None  # the most downtime that the change may add


def judge(files: Sequence[str], form: str, wanted: Wanted) -> bool:
    """Print the answer on a system in a format, and return whether all is kept."""
    plain = form in ("text", "json")
    try:
        page = _page(files, wanted)
    except SpecError as mistake:
        if not plain:
            hand_over(_written(form, mistaken(mistake), lambda _: None))
        raise
    if plain:
        page.show(as_json=form == "json")
    else:
        hand_over(_written(form, page.report(), page.draw))
    return page.met


def _written(form: str, report: Report, draw: Callable[[Paper], None]) -> str:
    from hamodel.cli import _formats

    return _formats.written(form, report, draw)


def _page(files: Sequence[str], wanted: Wanted) -> JudgedPage:
    if len(files) > 1 or not _files.holds(files[0], "structure"):
        spec = _files.opened(files, wanted.changes, wanted.versions)
        before = None if wanted.against is None else _files.opened(wanted.against)
        return page(spec, wanted.confidence, before, wanted.allow)
    if wanted.changes:
        raise ValueError("--set changes systems; edit the file of a structure")
    if wanted.versions:
        raise ValueError("--assume is for the configuration files of a product")
    if wanted.against or wanted.allow:
        raise ValueError("--against is for systems, and this is a structure")
    from hamodel.cli import _structure

    return _structure.page(files[0])


def check(
    files: Sequence[str], confidence: float | None = None, versions: Sequence[str] = ()
) -> bool:
    """Print a line for each requirement that a file misses, and one for each file.

    Every file is looked at; the mistakes of all come at the end.
    """
    met, mistakes = True, []
    for file, assumed in _files.versions_by_file(files, versions):
        wanted = Wanted(confidence=confidence, versions=assumed)
        try:
            report = _page((file,), wanted).report()
        except ValueError as mistake:
            mistakes.append(str(mistake))
            continue
        for missed in report.missed:
            click.echo(f"{report.file}:{missed.line}: {missed.said}")
        click.echo(f"{report.file}: {report.verdict}")
        met = met and not report.missed
    if mistakes:
        raise ValueError("\n".join(mistakes))
    return met
