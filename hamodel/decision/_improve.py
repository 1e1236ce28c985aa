"""Which single change buys most: every parameter made better by the same factor."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hamodel._fields import paths, replaced
from hamodel._quantity import mean_of
from hamodel.assessment import Assessment, assess
from hamodel.duration import Duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hamodel.architectures import Tier

_LONGER = ("mttf",)  # better when greater
_SHORTER = ("mttr", "detection", "fencing", "promotion", "redirection", "manual")
_TIMES = (*_LONGER, *_SHORTER, "probe", "election", "restore", "takes")
_SHARES = ("coverage",)


class Improvement(NamedTuple):
    """A change of one parameter and what it saves."""

    path: str
    before: Any
    after: Any
    saved: float  # unavailability

    @property
    def minutes(self) -> float:
        """Downtime saved in minutes a year."""
        return self.saved * 525_600


def improvements(
    assessment: Assessment, factor: float = 2.0, operation: str = "write"
) -> tuple[Improvement, ...]:
    """Return what each single change saves, the greatest first.

    Parameters
    ----------
    assessment : Assessment
        Of any architecture.
    factor : float
        How much better: mean times to failure times it, other times and what lacks
        to a coverage of 1 divided by it; a tier without a spare gets one server.
    operation : str
        "read" or "write".

    Returns
    -------
    tuple of Improvement
        Those that save anything.

    Examples
    --------
    >>> from hamodel import ActivePassive, Failover, Node
    >>> pair = ActivePassive(
    ...     database=Node(mttf=7.2e6, mttr=14400),
    ...     failover=Failover(detection=10, promotion=20, coverage=0.99),
    ... )
    >>> [change.path for change in improvements(assess(pair))[:2]]
    ['database.mttf', 'database.mttr']
    """
    base = float(getattr(assessment, operation).unavailability)
    found = []
    for path, before, after in _changes(assessment.architecture, factor):
        changed = replaced(assessment.architecture, {path: after})
        down = assess(changed, assessment.workload)
        saved = base - float(getattr(down, operation).unavailability)
        if saved > 1e-3 * base:
            found.append(Improvement(path, before, after, saved))
    return tuple(sorted(found, key=lambda change: -change.saved))


def _changes(spec: Any, factor: float) -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401
    for path, value in paths(spec):
        name = path.rpartition(".")[2]
        if name in _TIMES:
            better = _better(name, value, factor)
            if better is not None:
                yield path, value, better
        elif name in _SHARES and 0 < float(value) < 1:
            yield path, value, 1 - (1 - float(value)) / factor
        elif name in ("balancers", "apps") and value is not None:
            yield from _spare(path, value)


def _better(name: str, value: Any, factor: float) -> Any:  # noqa: ANN401
    if isinstance(value, Duration):
        return value * (1 / factor) if float(value.mean) > 0 else None
    if isinstance(value, bool) or not isinstance(value, (int, float, np.floating)):
        mean = mean_of(value) if hasattr(value, "mean") else None
        return None if mean is None else float(mean) / factor
    if not 0 < value < math.inf:
        return None
    return value * factor if name in _LONGER else value / factor


def _spare(path: str, tier: Tier) -> Iterator[tuple[str, Any, Any]]:
    """Yield one more server for a tier that cannot spare one."""
    if tier.servers == tier.needed:
        yield path, tier, replace(tier, servers=tier.servers + 1)
