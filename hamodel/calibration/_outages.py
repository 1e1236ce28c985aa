"""Outages of nodes: which rows are one outage, and which outages are one event."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NoReturn

from hamodel import _check, text
from hamodel._types import Value
from hamodel.calibration._log import Incident
from hamodel.calibration._moments import Clock
from hamodel.calibration._tables import Mistakes

if TYPE_CHECKING:
    from datetime import datetime

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


def watch_of(
    during: float | tuple[str | datetime, str | datetime], clock: Clock
) -> Watch:
    if isinstance(during, (int, float)):
        _check.positive(during=during)
        return Watch(length=float(during))

    def refuse(limit: str) -> NoReturn:
        raise ValueError(f"during {limit}, got {during!r}")

    moments: Value = during  # whatever was really given
    if isinstance(moments, str) or len(moments) != 2:
        refuse("must be a length in s or a pair of times")
    start, end = (clock.end(moment, refuse) for moment in moments)
    if end <= start:
        refuse("must end after it starts")
    return Watch(length=end - start, start=start)


def parts_of(
    rows: Sequence[Incident],
    nodes: Mapping[str, int | Sequence[str]] | None,
    watch: Watch,
) -> dict[str, Part]:
    """Sort the outages by part, and merge those of one node that overlap."""
    known = _known(rows, nodes)
    owner = {n: part for part, names in known.items() for n in names}
    parts = {name: Part(name=name, nodes=len(names)) for name, names in known.items()}
    mistakes = Mistakes()
    for row in rows:
        try:
            part = _part(row, parts, owner)
            store = part.repairs if row.kind == "repair" else part.failovers
            store.extend(_outages(row, part, known[part.name], watch))
        except ValueError as mistake:
            mistakes.add(mistake)
    mistakes.tell()
    for part in parts.values():
        before = len(part.repairs)
        part.repairs = _merged(part.repairs, alone=part.nodes == 1)
        part.merged = before - len(part.repairs)
    return parts


def _part(row: Incident, parts: Mapping[str, Part], owner: Mapping[str, str]) -> Part:
    """Return the part that a row is of, by the part's name or a node's."""
    if row.component not in parts and row.component not in owner:
        hint = _check.hint(row.component, [*parts, *owner])
        listed = ", ".join(parts)
        raise ValueError(
            f"{row.place}, column component: must be one of {listed} or a node of "
            f"these, got {row.component!r}{hint}"
        )
    return parts[owner.get(row.component, row.component)]


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
            f"{text.time(start - row.start if row.start < start else row.start - end)} "
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


def events_of(part: Part, together: float) -> list[list[Outage]]:
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
