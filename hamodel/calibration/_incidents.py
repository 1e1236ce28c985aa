"""From an incident log to mean times to failure and to repair."""

from __future__ import annotations

import difflib
import math
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from hamodel import _check
from hamodel.calibration import _estimates
from hamodel.calibration._drills import Manner, failovers
from hamodel.calibration._estimate import Calibration, Estimate, joined
from hamodel.calibration._exact import share_interval
from hamodel.calibration._fit import USUAL, About, of_sample
from hamodel.calibration._goodness import Sample
from hamodel.calibration._log import Clock, Incident, read
from hamodel.units import MINUTE, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

#: Where an architecture keeps a part, if not under the part's own name.
_PATHS = {"balancers": "site.balancers.node", "apps": "site.apps.node"}


@dataclass(frozen=True, kw_only=True)
class Watch:
    """For how long the log was kept."""

    length: float
    start: float | None = None

    @property
    def end(self) -> float | None:
        """When it ended, if that is known."""
        return None if self.start is None else self.start + self.length


@dataclass(frozen=True, kw_only=True)
class Outage:
    """One node's outage."""

    place: str
    node: str  # "" if the log does not say
    start: float | None
    length: float
    over: bool
    limit: float  # how long it could have been seen to last


@dataclass(kw_only=True)
class Part:
    """What the log says of one part of the architecture."""

    name: str
    nodes: int
    repairs: list[Outage] = field(default_factory=list)
    failovers: list[Outage] = field(default_factory=list)
    merged: int = 0

    @property
    def path(self) -> str:
        """Path of its node in an architecture."""
        return _PATHS.get(self.name, self.name)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to read and to judge."""

    level: float
    draws: int
    together: float


def incidents(  # noqa: PLR0913
    log: str | Path | Iterable[Mapping[str, Any]],
    *,
    during: float | tuple[str | datetime, str | datetime],
    nodes: Mapping[str, int | Sequence[str]] | None = None,
    columns: Mapping[str, str | None] | None = None,
    together: float = MINUTE,
    level: float = 0.95,
    draws: int = 199,
) -> Calibration:
    """Return mean times to failure and to repair from an incident log.

    Parameters
    ----------
    log : str, Path or iterable of mappings
        A CSV file, or its rows.  Columns: `component` (or `what`); `start` and `end`
        as ISO times, `end` empty for what is still open, or `duration` (`90`, `1.5 h`,
        `0:45:00`; `> 4 h` for open), `duration_s`, `duration_min`, `duration_h`; and,
        if known, `node` (several with `;` between), `cause`, `kind` and `covered`.
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
    clock = Clock()
    watch = _watch(during, clock)
    rows = read(log, columns or {}, clock)
    parts = _parts(rows, nodes, watch)
    settings = Settings(level=level, draws=draws, together=together)
    found = [_of_part(part, watch, settings) for part in parts.values()]
    found.append(_of_failovers(rows, settings))
    if nodes is None:
        found.append(_only_named(parts))
    whole = joined(found)
    if not whole.parameters:
        raise ValueError("log must hold an incident if nodes is not given, got none")
    return whole


def _watch(
    during: float | tuple[str | datetime, str | datetime], clock: Clock
) -> Watch:
    if isinstance(during, (int, float)):
        _check.positive(during=during)
        return Watch(length=float(during))

    def refuse(limit: str) -> NoReturn:
        raise ValueError(f"during {limit}, got {during!r}")

    moments: Any = during  # whatever was really given
    if isinstance(moments, str) or len(moments) != 2:
        refuse("must be a length in s or a pair of times")
    start, end = (clock.seconds(moment, refuse) for moment in moments)
    if end <= start:
        refuse("must end after it starts")
    return Watch(length=end - start, start=start)


def _parts(
    rows: Sequence[Incident],
    nodes: Mapping[str, int | Sequence[str]] | None,
    watch: Watch,
) -> dict[str, Part]:
    """Sort the outages by part, and merge those of one node that overlap."""
    known = _known(rows, nodes)
    owner = {n: part for part, names in known.items() for n in names}
    parts = {name: Part(name=name, nodes=len(names)) for name, names in known.items()}
    for row in rows:
        if row.component not in parts and row.component not in owner:
            near = difflib.get_close_matches(row.component, [*parts, *owner], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            listed = ", ".join(parts)
            raise ValueError(
                f"{row.place}, column component: must be one of {listed} or a node of "
                f"these, got {row.component!r}{hint}"
            )
        part = parts[owner.get(row.component, row.component)]
        store = part.repairs if row.kind == "repair" else part.failovers
        store.extend(_outages(row, part, known[part.name], watch))
    for part in parts.values():
        before = len(part.repairs)
        part.repairs = _merged(part.repairs, alone=part.nodes == 1)
        part.merged = before - len(part.repairs)
    return parts


def _known(
    rows: Sequence[Incident], nodes: Mapping[str, int | Sequence[str]] | None
) -> dict[str, tuple[str, ...]]:
    """Return the names of each part's nodes; "" for a node without a name."""
    if nodes is None:
        seen: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            seen[row.component] |= set(row.nodes)
        return {part: tuple(sorted(names)) or ("",) for part, names in seen.items()}
    known = {}
    for part, given in nodes.items():
        if isinstance(given, (int, float)):
            _check.whole(1, **{f"nodes[{part!r}]": given})
            known[part] = ("",) * int(given)
            continue
        known[part] = (given,) if isinstance(given, str) else tuple(given)
        if not known[part] or len(set(known[part])) < len(known[part]):
            raise ValueError(f"nodes[{part!r}] must be different names, got {given!r}")
    return known


def _outages(
    row: Incident, part: Part, names: Sequence[str], watch: Watch
) -> list[Outage]:
    named = row.nodes or ((row.component,) if row.component in names else ("",))
    for node in named:
        if "" not in names and node not in ("", *names):
            listed = ", ".join(names)
            raise ValueError(
                f"{row.place}, column node: must be one of {listed}, got {node!r}"
            )
    if len(named) > part.nodes:
        raise ValueError(
            f"{row.place}, column node: must name at most {part.nodes} of "
            f"{part.name}, got {len(named)}"
        )
    length, limit = _length(row, watch)
    return [
        Outage(
            place=row.place,
            node=node,
            start=row.start,
            length=length,
            over=row.over,
            limit=limit if row.over else length,
        )
        for node in named
    ]


def _length(row: Incident, watch: Watch) -> tuple[float, float]:
    """Return how long a row lasted as far as is known, and could have been seen to."""
    start, end = watch.start, watch.end
    if row.start is None or start is None or end is None:
        if row.length is None:
            raise ValueError(
                f"{row.place}, column end: must be given, since during "
                f"({watch.length:g}) does not say when the log ends, got ''"
            )
        return row.length, math.inf
    if not start <= row.start < end:
        raise ValueError(
            f"{row.place}, column start: must be within during, got a time "
            f"{text(start - row.start if row.start < start else row.start - end)} "
            f"{'before' if row.start < start else 'after'} it"
        )
    if row.length is None:
        return end - row.start, end - row.start
    return row.length, max(end - row.start, row.length)


def _merged(outages: list[Outage], *, alone: bool) -> list[Outage]:
    """Join outages of one node that overlap."""
    apart = [o for o in outages if o.start is None or not (o.node or alone)]
    by_node: dict[str, list[Outage]] = defaultdict(list)
    for outage in outages:
        if outage.start is not None and (outage.node or alone):
            by_node["" if alone else outage.node].append(outage)
    for group in by_node.values():
        group.sort(key=_begin)
        last = group[0]
        for outage in group[1:]:
            if _begin(outage) <= _begin(last) + last.length:
                last = _both(last, outage)
                continue
            apart.append(last)
            last = outage
        apart.append(last)
    return apart


def _begin(outage: Outage) -> float:
    return -math.inf if outage.start is None else outage.start


def _both(first: Outage, second: Outage) -> Outage:
    """Return two overlapping outages as one; the one that ends later decides."""
    shift = _begin(second) - _begin(first)
    later = shift + second.length >= first.length
    return replace(
        first,
        length=max(first.length, shift + second.length),
        over=second.over if later else first.over,
        limit=max(first.limit, shift + second.limit),
    )


def _events(part: Part, together: float) -> list[list[Outage]]:
    """Return the failures of a part; those that begin together are one event."""
    events: list[list[Outage]] = []
    for outage in sorted(part.repairs, key=_begin):
        last = events[-1] if events else []
        if _same_event(last, outage, part, together):
            last.append(outage)
        else:
            events.append([outage])
    for outage in part.failovers:  # the same failure, unless no repair began with it
        if not any(_near(e, outage, together) for e in events):
            events.append([outage])
    return events


def _same_event(
    event: list[Outage], outage: Outage, part: Part, together: float
) -> bool:
    if not event or len(event) >= part.nodes:
        return False
    if outage.start is None:
        return event[0].place == outage.place
    return _begin(outage) - _begin(event[0]) <= together


def _near(event: list[Outage], outage: Outage, together: float) -> bool:
    if outage.start is None:
        return event[0].place == outage.place
    return any(
        abs(_begin(o) - outage.start) <= together
        and (not o.node or not outage.node or o.node == outage.node)
        for o in event
    )


def _of_part(part: Part, watch: Watch, settings: Settings) -> Calibration:
    events = _events(part, settings.together)
    alone = [e for e in events if len(e) == 1]
    several = [e for e in events if len(e) > 1]
    down = sum(min(o.length, watch.length) for o in part.repairs)
    exposure = part.nodes * watch.length - down
    if exposure <= 0:
        raise ValueError(
            f"nodes[{part.name!r}] must be more than {part.nodes}: they were down for "
            f"{text(down)} of {text(part.nodes * watch.length)}"
        )
    apart = part.name == "database" and bool(several)
    count = len(alone) if apart else sum(len(e) for e in events)
    what = "outages of one node alone" if apart else "outages"
    mttf = _estimates.mean_time(count, exposure, level=settings.level, what=what)
    found = {f"{part.path}.mttf": mttf}
    warnings = _estimates.few_events(f"{part.path}.mttf", mttf, what)
    if part.merged:
        warnings.append(f"{part.name}: {part.merged} overlapping incidents were merged")
    parts = [Calibration(parameters=found, fits={}, warnings=tuple(warnings))]
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
        return Calibration(
            parameters={},
            fits={},
            warnings=(f"{path}: no repair is over: how long one takes is not known",),
        )
    sample = Sample(
        values=np.array([o.length for o in over]),
        still=np.array([o.length for o in still]),
        limits=np.array([o.limit for o in (*over, *still)]),
    )
    about = About(name=path, level=settings.level, draws=settings.draws)
    fit = of_sample(sample, families=USUAL, about=about)
    return Calibration(
        parameters={path: _estimates.of_mean(fit, what="repairs")},
        fits={path: fit},
        warnings=tuple(_estimates.bad_fit(fit)),
    )


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

    ends = share_interval(len(several), events, level=settings.level)
    low, high = (of_nodes(end) for end in ends)
    found = Estimate(
        value=struck / (struck + len(alone)),
        low=low,
        high=high,
        n=events,
        unit="1",
        how=f"{len(several)} of {events} events struck several of {part.name}",
        level=settings.level,
        evidence={"successes": len(several), "trials": events},
    )
    path, warnings = f"{part.path}.beta", []
    if not several:
        warnings.append(
            f"{path}: none of {events} events struck several at once, which does not "
            f"rule out {high:.2g}; a pair of nodes lives by this number"
        )
    return Calibration(parameters={path: found}, fits={}, warnings=tuple(warnings))


def _everywhere(
    several: Sequence[list[Outage]], watch: Watch, settings: Settings
) -> Calibration:
    """Return what strikes all database nodes: until the first of them is back."""
    path, what = "everywhere.mttf", "outages of several nodes at once"
    mttf = _estimates.mean_time(
        len(several), watch.length, level=settings.level, what=what
    )
    first = [min(e, key=lambda o: (o.length, not o.over)) for e in several]
    return joined(
        (
            Calibration(
                parameters={path: mttf},
                fits={},
                warnings=tuple(_estimates.few_events(path, mttf, what)),
            ),
            _repairs("everywhere.mttr", first, settings),
        )
    )


def _of_failovers(rows: Sequence[Incident], settings: Settings) -> Calibration:
    """Return what the rows that are failovers, or by hand, say of these."""
    told = [r for r in rows if r.kind != "repair" or r.covered is not None]
    worked = [r.kind != "manual" if r.covered is None else r.covered for r in told]
    lengths = [
        r.length if r.kind != "repair" and r.over and r.length else math.nan
        for r in told
    ]
    if not told:
        return Calibration(parameters={}, fits={})
    manner = Manner(level=settings.level, draws=settings.draws, what="failovers")
    return failovers(lengths, worked, manner)


def _only_named(parts: Mapping[str, Part]) -> Calibration:
    counts = ", ".join(f"{p.nodes} of {p.name}" for p in parts.values())
    said = (
        f"nodes is not given, so only what the log names is counted ({counts}); nodes "
        "that never failed are missing, and mean times come out too short"
    )
    return Calibration(parameters={}, fits={}, warnings=(said,))
