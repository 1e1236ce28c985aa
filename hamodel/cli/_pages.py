"""What each command shows: the answers as data, and as tables in the terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hamodel import text
from hamodel._fields import replaced
from hamodel.assessment import MEASURES, Assessment
from hamodel.assessment import assess as assess_
from hamodel.assessment import compare as compare_
from hamodel.decision import Finding, Requirements, decide
from hamodel.decision import improvements as improvements_of
from hamodel.units import MINUTE, YEAR

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from rich.console import Console

    from hamodel.specfile import Spec

_WIDTH = 78  # of the page where the output is no terminal
_BAR = 24

#: Ends of an interval by operation, and the parameters that make it; or nothing.
Sure: TypeAlias = "dict[str, Any]"


@dataclass(frozen=True, kw_only=True)
class Page:
    """An answer: as data for `--json`, and as something to print."""

    data: Callable[[], dict[str, Any]]
    draw: Callable[[Console], None]
    met: bool = True

    def json(self) -> dict[str, Any]:
        """Return the answer as plain data."""
        return dict(_finite(self.data()))

    def print(self) -> None:
        """Print the answer to the terminal."""
        self.draw(console())


def _finite(value: Any) -> Any:  # noqa: ANN401
    """Return plain data in which endless numbers are the word inf: JSON has none."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return "inf" if isinstance(value, float) and math.isinf(value) else value


def console() -> Console:
    """Return the terminal, or a page of a fixed width where there is none."""
    from rich.console import Console

    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=_WIDTH)


def table(
    out: Console,
    title: str,
    rows: Iterable[Sequence[str]],
    *heads: str,
    text_columns: Collection[int] = (0,),
) -> None:
    """Print a table under a title; columns are numbers unless they are said to be text.

    Numbers stand to the right, text to the left.
    """
    from rich.table import Table

    made = Table(box=None, pad_edge=False, show_header=bool(heads))
    listed = [tuple(row) for row in rows]
    width = len(heads) or (len(listed[0]) if listed else 1)
    for i in range(width):
        made.add_column(
            heads[i] if heads else "",
            justify="left" if i in text_columns else "right",
            overflow="fold",
        )
    for row in listed:
        made.add_row(*row)
    out.print(f"[bold]{title}[/bold]")
    out.print(made)
    out.print()


# ---- assess ------------------------------------------------------------------------


def assessment(spec: Spec) -> Page:
    """Return the page on one system."""
    found = assess_(spec.architecture, spec.workload)
    findings = _judged(spec.requirements, found)
    better = improvements_of(found)[:3]
    sure = credible(spec)

    def data() -> dict[str, Any]:
        return _data(found, findings) | {
            "title": spec.title,
            "unavailability_interval": sure.get("write"),
            "changes": [
                {"parameter": b.path, "minutes_saved_per_year": b.minutes}
                for b in better
            ],
        }

    def draw(out: Console) -> None:
        out.print(f"[bold]{spec.title}[/bold]  ({type(spec.architecture).__name__})\n")
        _availability(out, found, sure)
        _causes(out, found)
        _recovery(out, found)
        _latency(out, found)
        _weak(out, found)
        _changes(out, better)
        _verdicts(out, findings)

    return Page(data=data, draw=draw, met=all(f.met for f in findings))


def _judged(need: Requirements | None, found: Assessment) -> list[Finding]:
    return [] if need is None else need.judge(found)


def _data(found: Assessment, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "architecture": type(found.architecture).__name__,
        "measures": {name: float(m.of(found)) for name, m in MEASURES.items()},
        "downtime_by_cause": {
            o: {c: float(u) for c, u in getattr(found, o).downtime_by_cause.items()}
            for o in ("write", "read")
        },
        "latency": {
            f"{site} {operation}": {
                f"p{100 * p:g}": float(law.quantile(p)) for p in (0.5, 0.95, 0.99)
            }
            for (site, operation), law in _latencies(found)
        },
        "single_points_of_failure": list(found.single_points_of_failure),
        "requirements": [
            {
                "name": f.limit.name,
                "value": f.value,
                "limit": f.limit.bound,
                "met": f.met,
            }
            for f in findings
        ],
    }


def _latencies(found: Assessment) -> list[tuple[tuple[str, str], Any]]:
    """Return the laws of latency; none where the load is beyond capacity."""
    return [] if found.is_overloaded else list(found.latency.items())


def _availability(out: Console, found: Assessment, sure: Sure) -> None:
    rows = []
    for name in ("write", "read"):
        operation = getattr(found, name)
        typical, bad = (
            found.downtime_quantile(p, YEAR, name) / MINUTE for p in (0.5, 0.9)
        )
        rows.append(
            (
                f"{name}s",
                text.share(float(operation.availability)),
                f"{float(operation.minutes_per_year):.3g}",
                f"{typical:.3g}",
                f"{bad:.3g}",
            )
        )
    heads = ("", "long run", "min/yr", "median year", "worst year in 10")
    table(out, "Availability", rows, *heads)
    if sure:
        ends = " to ".join(text.share(1 - down) for down in reversed(sure["write"]))
        names = ", ".join(sure["parameters"])
        out.print(f"Writes, with 90 % credibility: {ends}\n(uncertain: {names})\n")


def credible(spec: Spec, draws: int = 4000) -> Sure:
    """Return 5 % and 95 % of the unavailability over what is uncertain in a file."""
    if not spec.uncertain:
        return {}
    rng = np.random.default_rng(1)
    drawn = {path: b.sample(draws, rng) for path, b in spec.uncertain.items()}
    load = {p[9:]: x for p, x in drawn.items() if p.startswith("workload.")}
    rest = {p: x for p, x in drawn.items() if not p.startswith("workload.")}
    found = assess_(replaced(spec.architecture, rest), replaced(spec.workload, load))
    low, high = np.quantile(
        np.broadcast_to(found.write.unavailability, (draws,)), [0.05, 0.95]
    )
    return {"write": [float(low), float(high)], "parameters": list(spec.uncertain)}


def _causes(out: Console, found: Assessment) -> None:
    causes = dict(
        sorted(found.write.downtime_by_cause.items(), key=lambda item: -float(item[1]))
    )
    top = max((float(u) for u in causes.values()), default=0.0)
    rows = [
        (cause, f"{float(u) * YEAR / MINUTE:.3g}", _bar(float(u), top))
        for cause, u in causes.items()
        if float(u) > 1e-4 * top
    ]
    heads = ("", "min/yr", "")
    table(out, "Downtime of writes by cause", rows, *heads, text_columns=(0, 2))


def _bar(value: float, top: float) -> str:
    return "█" * round(_BAR * value / top) if top else ""


def _recovery(out: Console, found: Assessment) -> None:
    lost = found.lost_writes
    rows = [
        ("recovery (RTO)", *_quantiles(found.rto)),
        ("failed failovers included", *_quantiles(found.outage)),
        ("oldest lost write (RPO)", *_quantiles(found.rpo)),
        ("replication lag", *_quantiles(found.replication_lag)),
    ]
    table(out, "Recovery and replication", rows, "", "p50", "p95", "p99")
    written = [
        ("lost for good", f"{float(lost.per_year):,.3g} a year"),
        ("missing until a repair", f"{float(lost.missing_per_year):,.3g} a year"),
        ("stale reads", text.share(float(found.stale_read_probability))),
        ("conflicts", f"{float(found.conflicts.per_day):,.3g} a day"),
    ]
    table(out, "Writes at risk", written)


def _quantiles(law: Any) -> tuple[str, ...]:  # noqa: ANN401  a Duration
    return tuple(text.time(float(law.quantile(p))) for p in (0.5, 0.95, 0.99))


def _latency(out: Console, found: Assessment) -> None:
    loads = found.utilisation
    after = found.utilisation_after_site_loss
    rows = [(f"{s} {o}s", *_quantiles(law)) for (s, o), law in _latencies(found)]
    if rows:
        table(out, "Latency", rows, "", "p50", "p95", "p99")
    named = [
        (tier, text.share(float(loads[tier])), text.share(float(after[tier])))
        for tier in loads
    ]
    table(out, "Load of the busiest", named, "", "now", "after a site loss")
    if found.is_overloaded:
        out.print("The load is beyond capacity: there is no steady latency.\n")


def _weak(out: Console, found: Assessment) -> None:
    names = found.single_points_of_failure
    listed = ", ".join(names) if names else "none"
    out.print(f"[bold]Single points of failure[/bold] (writes): {listed}\n")


def _changes(out: Console, better: Sequence[Any]) -> None:
    rows = [
        (b.path, f"{_brief(b.before)} -> {_brief(b.after)}", f"{b.minutes:.3g}")
        for b in better
    ]
    if rows:
        table(out, "What buys most", rows, "", "change", "min/yr saved")


def _brief(value: Any) -> str:  # noqa: ANN401
    if hasattr(value, "servers"):
        return f"{value.servers} servers"
    if hasattr(value, "mean"):
        return text.time(float(value.mean))
    return text.time(value) if value > 1 else text.share(value)


def _verdicts(out: Console, findings: Sequence[Finding]) -> None:
    if not findings:
        return
    rows = [("met" if f.met else "MISSED", str(f)) for f in findings]
    out.print("[bold]Requirements[/bold]")
    for word, said in rows:
        out.print(f"  {word:7}{said}")


# ---- several systems ---------------------------------------------------------------


def _named(specs: Sequence[Spec]) -> dict[str, Any]:
    """Name systems by their titles, with the file where two are alike."""
    titles = [spec.title for spec in specs]
    return {
        spec.title
        if titles.count(spec.title) == 1
        else str(spec.path): spec.architecture
        for spec in specs
    }


def comparison(specs: Sequence[Spec]) -> Page:
    """Return several systems side by side."""
    found = compare_(_named(specs), specs[0].workload)

    def draw(out: Console) -> None:
        table(out, "Under the workload of the first", found.rows, "", *found.names)

    def data() -> dict[str, Any]:
        pairs = zip(found.names, found.assessments, strict=True)
        return {name: _data(a, ()) for name, a in pairs}

    return Page(data=data, draw=draw)


def decision(specs: Sequence[Spec], *, flips: bool) -> Page:
    """Return the decision table, the choice and, if asked for, what would flip it."""
    need = specs[0].requirements
    if need is None:
        raise ValueError(f"{specs[0].path}: requirements must be given to decide")
    found = decide(need, _named(specs), specs[0].workload)
    turns = found.flips() if flips else ()
    data = {
        "winner": found.winner,
        "runner_up": found.runner_up,
        "reason": found.reason,
        "front": list(found.front),
        "excluded": {n: [str(f) for f in fs] for n, fs in found.excluded.items()},
        "table": {
            row: {n: c._asdict() for n, c in cells.items()}
            for row, cells in found.table.items()
        },
        "flips": [str(turn) for turn in turns],
    }

    def draw(out: Console) -> None:
        names = list(found.assessments)
        rows = [
            (row, *(f"{_MARKS[cells[n].verdict]} {cells[n].measure}" for n in names))
            for row, cells in found.table.items()
        ]
        columns = range(len(names) + 1)
        table(out, "Decision table", rows, "", *names, text_columns=columns)
        out.print(found.reason)
        for name, missed in found.excluded.items():
            for finding in missed:
                out.print(f"  {name} misses {finding}")
        for turn in turns:
            out.print(f"  flips at {turn}")

    return Page(data=lambda: data, draw=draw, met=found.winner is not None)


_MARKS = {"meets": "✓", "misses": "✗", "not required": "·"}


# ---- one system, looked into -------------------------------------------------------


def weak_points(spec: Spec) -> Page:
    """Return what stops writes, and reads, alone or in pairs."""
    data: dict[str, Any] = {"title": spec.title}
    for operation in ("write", "read"):
        system = spec.architecture.diagram(operation)
        single = list(system.single_points_of_failure())
        pairs = [
            sorted(cut) for cut in system.minimal_cut_sets(max_order=2) if len(cut) == 2
        ]
        data[operation] = {"alone": single, "in pairs": sorted(pairs)}

    def draw(out: Console) -> None:
        for operation in ("write", "read"):
            rows = [(name,) for name in data[operation]["alone"]] or [("nothing",)]
            table(out, f"Stops {operation}s alone", rows)
            pairs = [(" and ".join(pair),) for pair in data[operation]["in pairs"]]
            table(out, f"Stops {operation}s together", pairs or [("no pair",)])

    return Page(data=lambda: data, draw=draw)


def explanation(spec: Spec) -> Page:
    """Return where the numbers come from."""
    found = assess_(spec.architecture, spec.workload)
    model = spec.architecture.model()
    parts = {leaf.name: len(leaf.chain().states) for leaf in model.leaves()}
    base = float(found.write.unavailability)
    assumed, flipped = [], found.flipped
    for assumption in found.assumptions:
        entry: dict[str, Any] = {"text": assumption.text}
        other = flipped.get(assumption.without)
        if other is not None:
            entry["instead"] = assumption.without
            entry["then min/yr"] = float(other.write.minutes_per_year)
        assumed.append(entry)
    data = {
        "title": spec.title,
        "parameters": spec.parameters,
        "parts": parts,
        "writes down, min/yr": base * YEAR / MINUTE,
        "assumptions": assumed,
    }

    def draw(out: Console) -> None:
        rows = [(path, shown, source) for path, shown, source in spec.parameters]
        table(out, "Parameters", rows, "", "value", "from", text_columns=(0, 2))
        table(
            out,
            "Parts that fail on their own",
            [(name, str(n)) for name, n in parts.items()],
            "",
            "states",
        )
        out.print(f"Writes are down {text.downtime(base)}, on these assumptions:")
        for entry in assumed:
            out.print(f"  - {entry['text']}")
            if "instead" in entry:
                then = f"{entry['then min/yr']:.3g} min/yr"
                out.print(f"      Else: {entry['instead']} {then}.")

    return Page(data=lambda: data, draw=draw)
