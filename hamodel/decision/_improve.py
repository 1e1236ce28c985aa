"""Which single change buys most: every parameter made better by the same factor."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hamodel._fields import paths, replaced
from hamodel._quantity import mean_of
from hamodel._types import Value
from hamodel.architectures import Architecture, Leaderless
from hamodel.assessment import Assessment, Expected
from hamodel.duration import Duration
from hamodel.replication import MODES
from hamodel.units import MINUTE, YEAR

_LONGER = ("mttf", "every")  # better when greater
_SHORTER = ("mttr", "detection", "fencing", "promotion", "redirection", "manual")
_WAITS = ("retry", "probe", "election", "restore", "takes")
_TIMES = (*_LONGER, *_SHORTER, *_WAITS, "common_cause")  # a share, but as a time
_SHARES = ("coverage",)
_TIERS = ("balancers", "apps")


class Improvement(NamedTuple):
    """A change of one parameter and what it saves."""

    path: str
    before: object
    after: object
    saved: float  # unavailability

    @property
    def minutes(self) -> float:
        """Downtime saved in minutes a year."""
        return self.saved * YEAR / MINUTE


def improvements(
    assessment: Assessment, factor: float = 2.0, operation: str = "write"
) -> tuple[Improvement, ...]:
    """Return what each single change saves, the greatest first.

    Parameters
    ----------
    assessment : Assessment
        Of any architecture.
    factor : float
        How much better: mean times to failure and between planned work times it,
        other times, the share of a common cause and what lacks to a coverage of 1
        divided by it; a tier without a spare gets one server.
    operation : str
        "read" or "write".

    Returns
    -------
    tuple of Improvement
        Those that save more than a thousandth of the downtime.

    Examples
    --------
    >>> from hamodel import ActivePassive, Failover, Node, assess
    >>> pair = ActivePassive(
    ...     database=Node(mttf=7.2e6, mttr=14400),
    ...     failover=Failover(detection=10, promotion=20, coverage=0.99),
    ... )
    >>> [change.path for change in improvements(assess(pair))[:2]]
    ['database.mttf', 'database.mttr']
    """
    assessment = _quick(assessment)
    base = float(getattr(assessment, operation).unavailability)
    changes = list(_changes(assessment.architecture, factor))
    down = _downs(assessment, changes, operation)
    found = [
        Improvement(*change, base - then)
        for change, then in zip(changes, down, strict=True)
        if base - then > 1e-3 * base
    ]
    return tuple(sorted(found, key=lambda change: -change.saved))


def _downs(
    assessment: Assessment, changes: list[_Change], operation: str
) -> list[float]:
    """Return the unavailability after each change: all at once where arrays will do."""

    def down(values: dict[str, Value]) -> Value:
        changed = replaced(assessment.architecture, values)
        then = replace(assessment, architecture=changed)
        return getattr(then, operation).unavailability

    found: dict[str, float] = {}
    sizes = (int, float, np.floating, Duration)  # which arrays can hold
    even = [c for c in changes if all(isinstance(value, sizes) for value in c[1:])]
    cases = zip(even, np.eye(len(even), dtype=bool)[..., None], strict=True)
    try:
        together = down({change[0]: _row(change, here) for change, here in cases})
        rows = np.broadcast_to(np.ravel(np.asarray(together, float)), len(even))
        found = {c[0]: float(x) for c, x in zip(even, rows, strict=True)}
    except (TypeError, ValueError):
        pass  # something here takes single numbers only
    return [
        found[path] if path in found else float(down({path: after}))
        for path, _, after in changes
    ]


def _row(change: _Change, here: NDArray[np.bool_]) -> Value:
    """Return what a parameter is in each case: changed in one of them."""
    _, before, after = change
    if isinstance(before, Duration):
        return before * np.where(here, float(after.mean / before.mean), 1.0)
    return np.where(here, after, before)


class Alternative(NamedTuple):
    """A part more, or another way to run one, with what that saves and costs."""

    path: str
    before: object
    after: object
    saved: float  # unavailability; below 0 if it takes some
    kept: float  # writes a year that are no longer lost or missing after failures
    cost: float  # more than now, in the unit of `Node.cost`
    beside: Mapping[str, int] = MappingProxyType({})  # quorums that rise with it

    @property
    def minutes(self) -> float:
        """Downtime saved in minutes a year."""
        return self.saved * YEAR / MINUTE


def alternatives(
    assessment: Assessment, operation: str = "write"
) -> tuple[Alternative, ...]:
    """Return what structural changes bring and cost, one at a time.

    Parameters
    ----------
    assessment : Assessment
        Of any architecture.
    operation : str
        "read" or "write": whose downtime counts.

    Returns
    -------
    tuple of Alternative
        One more server of each tier, one more node, each other mode of replication
        ("quorum" and "in-sync" only of several standbys: one alone makes them "sync"),
        where the architecture can have it; the most downtime saved first.  Of copies
        that agree two more: one more voter only raises the majority; and quorums that
        meet rise by one, so that they still do.  Those that change downtime and losses
        by less than a thousandth are left out.

    Examples
    --------
    >>> from hamodel import ActivePassive, Failover, Node, assess
    >>> pair = ActivePassive(
    ...     database=Node(mttf=7.2e6, mttr=14400),
    ...     failover=Failover(detection=10, promotion=20, coverage=0.99),
    ... )
    >>> found = {a.after: a for a in alternatives(assess(pair))}
    >>> found["sync"].kept > 0, found["sync"].minutes < 0
    (True, True)
    """
    found = []
    assessment = _quick(assessment)
    base, lost = _at_stake(assessment, operation)
    spec = assessment.architecture
    for path, value in paths(spec):
        for other in () if value is None else _others(spec, path, value):
            beside = _risen(spec) if path == "copies" else {}
            changes = {path: other, **beside, **_placed(spec, path, other)}
            try:
                then = replace(assessment, architecture=replaced(spec, changes))
                down, gone = _at_stake(then, operation)
            except (TypeError, ValueError):  # this architecture cannot have it
                continue
            more = float(then.cost.total - assessment.cost.total)
            one = Alternative(
                path, value, other, base - down, lost - gone, more, beside
            )
            if abs(one.saved) > 1e-3 * base or abs(one.kept) > 1e-3 * lost:
                found.append(one)
    return tuple(sorted(found, key=lambda one: -one.saved))


def _quick(assessment: Assessment) -> Assessment:
    """Return the assessment at fewer draws of what is believed: only gains count."""
    return assessment.for_gains if isinstance(assessment, Expected) else assessment


def _at_stake(assessment: Assessment, operation: str) -> tuple[float, float]:
    """Return the unavailability, and the writes that failures take in a year."""
    lost = assessment.lost_writes
    down = getattr(assessment, operation).unavailability
    return float(down), float(lost.per_year + lost.missing_per_year)


_Change: TypeAlias = "tuple[str, Value, Value]"


def _changes(spec: Architecture, factor: float) -> Iterator[_Change]:
    for path, value in paths(spec):
        name = path.rpartition(".")[2]
        if name in _TIMES:
            better = _better(name, value, factor)
            if better is not None:
                yield path, value, better
        elif name in _SHARES and value is not None and 0 < float(value) < 1:
            yield path, value, 1 - (1 - float(value)) / factor
        elif name in _TIERS and value is not None and value.servers == value.needed:
            yield from ((path, value, other) for other in _others(spec, path, value))


def _others(spec: Architecture, path: str, value: Value) -> Iterator[object]:
    """Yield what a part could be instead: one more of it, or another way to run it."""
    name = path.rpartition(".")[2]
    if name in _TIERS:
        yield replace(value, servers=value.servers + 1)
    elif name == "copies":
        yield _grown(spec, value)
    elif path == "sites" and len(value) > 1:
        yield (*value, value[-1])
    elif path == "replication.mode":
        pair = len(getattr(spec, "nodes", ())) == 2  # whose one standby is its quorum
        modes = MODES[:3] if pair else MODES
        yield from (mode for mode in modes if mode != value)


def _grown(spec: Architecture, copies: Mapping[str, int]) -> dict[str, int]:
    """Return the copies of the next size that is worth building."""
    if isinstance(spec, Leaderless) and _meet(spec) and _by_site(spec):
        return {name: count + 2 for name, count in copies.items()}
    more = 1 if isinstance(spec, Leaderless) and not _meet(spec) else 2
    grown = dict(copies)
    for _ in range(more):
        grown[min(grown, key=lambda name: grown[name])] += 1
    return grown


def _risen(spec: Architecture) -> dict[str, int]:
    """Return the quorums of more copies, so that those which meet still do."""
    if not (isinstance(spec, Leaderless) and _meet(spec)):
        return {}
    return {
        "read_quorum": spec.read_quorum + 1,
        "write_quorum": spec.write_quorum + 1,
    }


def _meet(spec: Leaderless) -> bool:
    """Tell whether each quorum of reads shares a copy with each of writes."""
    held = spec.copies.values()
    counted = max(held) if _by_site(spec) else sum(held)
    return spec.read_quorum + spec.write_quorum > counted


def _by_site(spec: Leaderless) -> bool:
    return "any" not in (spec.read_from, spec.write_to)


def _placed(spec: Architecture, path: str, other: object) -> dict[str, object]:
    """Return the copies that an election by messages is told, where it is."""
    election = getattr(spec, "election", None)
    told = path == "copies" and getattr(election, "copies", None) is not None
    return {"election.copies": other} if told else {}


def _better(name: str, value: Value, factor: float) -> Value:
    if isinstance(value, Duration):
        return value * (1 / factor) if float(value.mean) > 0 else None
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating)):
        mean = mean_of(value) if hasattr(value, "mean") else None
        return None if mean is None else float(mean) / factor
    if not 0 < value < math.inf:
        return None
    return value * factor if name in _LONGER else value / factor
