"""The cheapest configuration within limits, over stated choices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple

from hamodel import _check, _html, text
from hamodel._fields import full_path, replaced
from hamodel._types import Value
from hamodel.architectures.base import Architecture
from hamodel.assessment import Assessment, assess
from hamodel.decision._requirements import Finding, Requirements
from hamodel.workload import Loaded, Preset, Workload

_MOST = 20_000  # configurations


class Tried(NamedTuple):
    """A configuration and how it fared."""

    choices: dict[str, Value]
    cost: float
    unavailability: float  # of writes
    missed: Finding | None  # the first limit that it misses

    @property
    def feasible(self) -> bool:
        """Whether it keeps all limits."""
        return self.missed is None


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Optimum:
    """The cheapest configuration within the limits, and what else there is.

    Attributes
    ----------
    best : Tried or None
        The cheapest that keeps all limits; of equally cheap ones the least down.
    assessment : Assessment or None
        Its assessment.
    tried : tuple of Tried
        Every configuration.
    """

    best: Tried | None
    assessment: Assessment | None
    tried: tuple[Tried, ...]

    @property
    def front(self) -> tuple[Tried, ...]:
        """Feasible configurations, cheapest first, each less down than all before."""
        found: list[Tried] = []
        for one in sorted(
            (t for t in self.tried if t.feasible),
            key=lambda t: (t.cost, t.unavailability),
        ):
            if not found or one.unavailability < found[-1].unavailability:
                found.append(one)
        return tuple(found)

    @property
    def nearest(self) -> Tried | None:
        """If nothing is feasible, the configuration that misses a limit by least."""
        missed = [(t.missed.gap, i) for i, t in enumerate(self.tried) if t.missed]
        return self.tried[min(missed)[1]] if missed else None

    def __repr__(self) -> str:
        if self.best is None:
            near = self.nearest
            said = f"; nearest: {_named(near.choices)}, {near.missed}" if near else ""
            return f"<Optimum: none of {len(self.tried)} keeps all limits{said}>"
        return (
            f"<Optimum of {len(self.tried)}: {_named(self.best.choices)} costs "
            f"{text.number(self.best.cost, 4)}, "
            f"{text.downtime(self.best.unavailability)}>"
        )

    def _repr_html_(self) -> str:
        rows = [
            (_named(t.choices), text.number(t.cost, 4), text.downtime(t.unavailability))
            for t in self.front
        ]
        header = ("configuration", "cost", "writes down")
        return _html.table(rows, header=header, caption=repr(self)[1:-1])


def optimise(
    architecture: Architecture | Loaded | Preset,
    workload: Workload | None,
    requirements: Requirements,
    /,
    **choices: Sequence[Value],
) -> Optimum:
    """Return the cheapest configuration that keeps all limits.

    Parameters
    ----------
    architecture : architecture, or mapping of str to architecture
        Where to start from; of several, all are tried.
    workload : Workload or None
        What is asked of it.
    requirements : Requirements
        Limits.
    **choices : sequence
        Values to try of each parameter, named with two underscores for the dot:
        `failover__detection=[5, 10, 30]`, `sites=[("a",), ("a", "b")]`,
        `replication__mode=["async", "sync"]`.

    Raises
    ------
    ValueError
        If a parameter is unknown, a choice is empty or impossible, or there are more
        than 20,000 configurations.

    Notes
    -----
    Every combination is tried, so the answer is the best of them, not of a
    neighbourhood.  Limits are checked the cheap ones first, and the first that is
    missed ends the question.  A parameter that one of several architectures lacks is
    left out for it.

    Examples
    --------
    >>> from hamodel import ActivePassive, Failover, Node
    >>> pair = ActivePassive(
    ...     database=Node(mttf=7.2e6, mttr=14400),
    ...     failover=Failover(detection=30, promotion=10),
    ... )
    >>> found = optimise(
    ...     pair, None, Requirements(availability=0.9999),
    ...     failover__coverage=[0.9, 0.999], failover__detection=[5, 30],
    ... )
    >>> found.best.choices
    {'failover__coverage': 0.999, 'failover__detection': 5}
    """
    _check.instance(Requirements, requirements=requirements)
    named = architecture if isinstance(architecture, dict) else {"": architecture}
    for name, values in choices.items():
        if not len(list(values)):
            raise ValueError(f"{name} must hold at least one choice, got none")
    tried: list[Tried] = []
    best: tuple[Tried, Assessment] | None = None
    for key, spec in named.items():
        start = assess(spec, workload)
        workload = start.workload  # of the first, for the others
        known = _known(start.architecture, choices, alone=len(named) == 1)
        count = math.prod(map(len, known.values()))
        if count > _MOST:
            said = f"choices must make <= {_MOST} configurations, got {count}"
            raise ValueError(said)
        for values in product(*known.values()):
            picked = dict(zip(known, values, strict=True))
            one, found = _try(start, requirements, picked)
            if key:
                one = one._replace(choices={"architecture": key, **one.choices})
            tried.append(one)
            if one.feasible and (best is None or one[1:3] < best[0][1:3]):
                best = one, found
    return Optimum(
        best=best[0] if best else None,
        assessment=best[1] if best else None,
        tried=tuple(tried),
    )


def _try(
    start: Assessment, requirements: Requirements, picked: dict[str, Value]
) -> tuple[Tried, Assessment]:
    own = {k: v for k, v in picked.items() if not k.startswith("workload__")}
    rest = {k[10:]: v for k, v in picked.items() if k.startswith("workload__")}
    assessment = replace(
        start,
        architecture=replaced(start.architecture, own),
        workload=replaced(start.workload, rest),
    )
    findings = (x.judge(assessment) for x in requirements.limits(assessment.sites))
    missed = next((finding for finding in findings if not finding.met), None)
    cost = float(assessment.cost.total)
    down = float(assessment.write.unavailability)
    return Tried(picked, cost, down, missed), assessment


def _known(
    spec: Value, choices: Mapping[str, Sequence[Value]], *, alone: bool
) -> dict[str, list[Value]]:
    """Return the choices that this architecture has; all, if it is the only one."""
    found = {}
    for name, values in choices.items():
        if not name.startswith("workload__"):
            try:
                full_path(spec, name)
            except ValueError:
                if alone:
                    raise
                continue
        found[name] = list(values)
    return found


def _named(choices: Mapping[str, object]) -> str:
    return ", ".join(f"{k.replace('__', '.')} {v}" for k, v in choices.items())
