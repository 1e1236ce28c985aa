"""From an incident log to mean times to failure and to repair."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check, text
from hamodel.calibration import _findings
from hamodel.calibration._drills import Manner, failovers
from hamodel.calibration._estimate import Calibration, joined
from hamodel.calibration._exact import KINDS
from hamodel.calibration._fit import USUAL, About, of_sample
from hamodel.calibration._goodness import Sample
from hamodel.calibration._log import Incident, Log, read
from hamodel.calibration._moments import clock_of
from hamodel.calibration._outages import (
    Outage,
    Part,
    Watch,
    events_of,
    parts_of,
    watch_of,
)
from hamodel.units import MINUTE

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

UNCLOSED = ("censored", "left out")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to read and to judge."""

    level: float
    draws: int
    together: float


def incidents(  # noqa: PLR0913
    log: str | Path | Iterable[Mapping[str, object]],
    *,
    during: float | tuple[str | datetime, str | datetime],
    nodes: Mapping[str, int | Sequence[str]] | None = None,
    columns: Mapping[str, str | None] | None = None,
    parts: Mapping[str, str | None] | None = None,
    timezone: str | None = None,
    dates: str | None = None,
    unclosed: str = "censored",
    together: float = MINUTE,
    level: float = 0.95,
    draws: int = 99,
) -> Calibration:
    """Return mean times to failure and to repair from an incident log.

    Parameters
    ----------
    log : str, Path, iterable of mappings, or DataFrame
        A CSV file (with commas, semicolons or tabs), or its rows.  Columns:
        `component` (or `what`); `start` and `end`, `end` empty for what is still open,
        or `duration` (`90`, `1.5 h`, `0:45:00`; `> 4 h` for open), `duration_s`,
        `duration_min`, `duration_h`; and, if known, `node` (several with `;` between),
        `cause`, `kind` and `covered`.  The columns of exports of PagerDuty, Opsgenie,
        Statuspage and Jira are known; others are left out, and a warning says so.
        A `kind` of `failover` or `manual` says that the time is that of a failover, or
        of a person in its place, and not of a repair; `covered` (yes, no) whether the
        failover worked.
    during : float or pair of times
        For how long the log was kept: a length in s, or its start and end.
    nodes : mapping of str to int or sequence of str, or None
        The parts that were watched, named as the architecture names them
        (`database`, `standby`, `site`, `balancers`, `apps`, `everywhere`), with the
        number of their nodes or the nodes' names.  A part without an incident counts
        too.  None: what the log names, and nothing else.
    columns : mapping of str to str or None, optional
        What other columns mean, such as {"opened": "start", "ticket": None}.
    parts : mapping of str to str or None, optional
        What the log calls the parts, such as {"Orders DB": "database", "Web": None};
        None leaves incidents of such a component out.
    timezone : str, optional
        Of times that say none, such as "Europe/Berlin".
    dates : {"day first", "month first"}, optional
        What 3/2/2026 means, where no day of the log is beyond the 12th.
    unclosed : {"censored", "left out"}
        What an incident without an end counts as: open until the log ends, or nothing.
    together : float
        Outages of several nodes that begin within so many seconds are one event.
    level : float
        Confidence of the intervals.
    draws : int
        Samples that a test of fit draws; 0 leaves the tests out.

    Returns
    -------
    Calibration
        For each part `mttf`, `mttr` if anything was repaired, and with two nodes or
        more `beta`, the share of failures that struck several at once; and
        `failover.outage`, `.coverage` and `.manual` if the log tells.  If database
        nodes failed together, `database.mttf` is of the failures alone and those
        together are `everywhere`.

    Raises
    ------
    ValueError
        If a cell cannot be read or cannot be: with file, line, column, value, limit.

    Notes
    -----
    Failures come at constant rate while a node is up, so their number says all:
    see `mean_time_interval`.  Overlapping incidents of one node are one outage.
    Two incidents of a part that do not say their node, and overlap, are of two
    nodes if it has two.  beta = struck together / struck at all, whose interval is
    that of the share of events.  Source: Mosleh, Rasmuson and Marshall (1998),
    NUREG/CR-5485, section 5.

    Examples
    --------
    >>> from hamodel.units import DAY, MONTH
    >>> log = [
    ...     {"component": "database", "start": "2024-03-02", "duration": "3 h"},
    ...     {"component": "database", "start": "2024-11-20", "duration": "5 h"},
    ...     {"component": "database", "start": "2025-09-05", "duration": "50 min"},
    ... ]
    >>> watched = ("2024-01-01", "2026-03-01")
    >>> found = incidents(log, during=watched, nodes={"database": 1})
    >>> found["database.mttf"].text
    '263 d (90.1 d to 3.5 yr)'
    >>> print(found.warnings[0])  # doctest: +NORMALIZE_WHITESPACE
    database.mttf: 3 outages in 2.16 yr: the interval goes from 90.1 d to 3.5 yr, a
    factor of 14.2; a factor of 2 needs about 35, which takes 25.2 yr at this rate
    """
    _check.positive(together=together)
    _check.one_of(UNCLOSED, unclosed=unclosed)
    clock = clock_of(dates, timezone)
    alone = next(iter(nodes)) if nodes and len(nodes) == 1 else ""
    read_ = _renamed(read(log, columns or {}, clock, alone), parts or {})
    watch = watch_of(during, clock)
    rows, notes = _closed(read_, unclosed)
    known = parts_of(rows, nodes, watch)
    settings = Settings(level=level, draws=draws, together=together)
    found = [_of_part(part, watch, settings) for part in known.values()]
    found.append(_of_failovers(rows, settings))
    if nodes is None:
        found.append(_only_named(known))
    found.append(Calibration(warnings=notes))
    whole = joined(found)
    if not whole.parameters:
        raise ValueError("log must hold an incident if nodes is not given, got none")
    return whole


def _renamed(log: Log, parts: Mapping[str, str | None]) -> Log:
    """Return the log with components called as the architecture calls them."""
    names = {i.component: parts.get(i.component, i.component) for i in log.incidents}
    out = [name for name, part in names.items() if part is None]
    notes = [f"incidents of {', '.join(out)} are left out"] if out else []
    kept = [
        replace(i, component=part)
        for i in log.incidents
        if (part := names[i.component]) is not None
    ]
    return Log(incidents=kept, notes=(*log.notes, *notes))


def _closed(log: Log, unclosed: str) -> tuple[list[Incident], tuple[str, ...]]:
    """Return the incidents that count, and what is to be said of those without end."""
    never = [i for i in log.incidents if i.length is None]
    if not never:
        return log.incidents, log.notes
    places = ", ".join(i.place for i in never[:5]) + (" ..." if never[5:] else "")
    if unclosed == "censored":
        said = (
            f"{len(never)} incidents were never closed ({places}) and count as open "
            "until the log ends; unclosed='left out' leaves them out"
        )
        return log.incidents, (*log.notes, said)
    kept = [i for i in log.incidents if i.length is not None]
    said = f"{len(never)} incidents that were never closed are left out ({places})"
    return kept, (*log.notes, said)


def _of_part(part: Part, watch: Watch, settings: Settings) -> Calibration:
    events = events_of(part, settings.together)
    alone = [e for e in events if len(e) == 1]
    several = [e for e in events if len(e) > 1]
    down = sum(min(o.length, watch.length) for o in part.repairs)
    exposure = part.nodes * watch.length - down
    if exposure <= 0:
        raise ValueError(
            f"nodes[{part.name!r}] must be more than {part.nodes}: they were down for "
            f"{text.time(down)} of {text.time(part.nodes * watch.length)}, and what is "
            "never up says nothing of how long it is"
        )
    apart = part.name == "database" and bool(several)
    count = len(alone) if apart else sum(len(e) for e in events)
    what = "outages of one node alone" if apart else "outages"
    mttf = _findings.mean_time(count, exposure, level=settings.level, what=what)
    found = {f"{part.path}.mttf": mttf}
    warnings = _findings.few_events(f"{part.path}.mttf", mttf, what)
    if part.merged:
        said = "incident was" if part.merged == 1 else "incidents were"
        warnings.append(f"{part.name}: {part.merged} overlapping {said} merged")
    parts = [Calibration(parameters=found, warnings=warnings)]
    parts.append(_repairs(f"{part.path}.mttr", part.repairs, settings))
    if part.nodes > 1 and events:
        parts.append(_together(part, alone, several, settings))
    if apart:
        parts.append(_everywhere(several, watch, settings))
    return joined(parts)


def _repairs(path: str, outages: Sequence[Outage], settings: Settings) -> Calibration:
    over = [o for o in outages if o.over]
    still = [o for o in outages if not o.over]
    if not over:
        said = f"{path}: no repair is over: how long one takes is not known"
        return Calibration(warnings=(said,))
    sample = Sample(
        values=np.array([o.length for o in over]),
        still=np.array([o.length for o in still]),
        limits=np.array([o.limit for o in (*over, *still)]),
    )
    about = About(name=path, level=settings.level, draws=settings.draws)
    fit = of_sample(sample, families=USUAL, about=about)
    return _findings.of_law(fit, "repairs")


def _together(
    part: Part,
    alone: Sequence[list[Outage]],
    several: Sequence[list[Outage]],
    settings: Settings,
) -> Calibration:
    """Return the share of node failures that came with others."""
    events, struck = len(alone) + len(several), sum(len(e) for e in several)
    each = struck / len(several) if several else 2.0

    def of_nodes(share: float) -> float:
        return each * share / (each * share + 1 - share)

    how = f"events struck several of {part.name}"
    found = _findings.share(
        len(several), events, level=settings.level, kind=KINDS[0], what=how
    )
    found = replace(
        found,
        value=struck / (struck + len(alone)),
        low=of_nodes(found.low),
        high=of_nodes(found.high),
        how=f"{len(several)} of {events} {how}",
    )
    path, warnings = f"{part.path}.beta", []
    if not several:
        warnings.append(
            f"{path}: none of {events} events struck several at once, which does not "
            f"rule out {text.number(found.high, 2)}; a pair of nodes lives by this "
            "number"
        )
    return Calibration(parameters={path: found}, warnings=warnings)


def _everywhere(
    several: Sequence[list[Outage]], watch: Watch, settings: Settings
) -> Calibration:
    """Return what strikes all database nodes: until the first of them is back."""
    path, what = "everywhere.mttf", "outages of several nodes at once"
    mttf = _findings.mean_time(
        len(several), watch.length, level=settings.level, what=what
    )
    first = [min(e, key=lambda o: (o.length, not o.over)) for e in several]
    wide = _findings.few_events(path, mttf, what)
    own = Calibration(parameters={path: mttf}, warnings=wide)
    return joined((own, _repairs("everywhere.mttr", first, settings)))


def _of_failovers(rows: Sequence[Incident], settings: Settings) -> Calibration:
    """Return what the rows that are failovers, or by hand, say of these."""
    told = [r for r in rows if r.kind != "repair" or r.covered is not None]
    worked = [r.kind != "manual" if r.covered is None else r.covered for r in told]
    lengths = [
        r.length if r.kind != "repair" and r.over and r.length else math.nan
        for r in told
    ]
    if not told:
        return Calibration()
    manner = Manner(level=settings.level, draws=settings.draws, what="failovers")
    return failovers(lengths, worked, manner)


def _only_named(parts: Mapping[str, Part]) -> Calibration:
    counts = ", ".join(f"{p.nodes} of {p.name}" for p in parts.values())
    said = (
        f"nodes is not given, so only what the log names is counted ({counts}); nodes "
        "that never failed are missing, and mean times come out too short"
    )
    return Calibration(warnings=(said,))
