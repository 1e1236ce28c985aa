"""Several ways through one system, each with its own objective.

People log in, look, order and pay.  Each journey passes the system, by a read or by a
write, and other parts beside it; most of them share most of what fails.  So the chance
that all keep their objective is no product: a product of four chances of 0.9 is 0.66,
where journeys that fail together keep theirs together.

A journey is a structure of `read`, `write` and the other parts.  Its availability is a
sum over what clients can find, of the parts together.  The chance of a month takes the
streams of visits of `hamodel.assessment.budget`; for several journeys each visit costs
each of them, and the transform of the vector of their downtimes is inverted.

Assumptions: beside those of the assessment, that other parts fail independently, and
that within one situation a read and a write fail independently of each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import numpy as np

from hamodel import _check, _html, text
from hamodel._types import Quantity, State
from hamodel.architectures import OPERATIONS, Architecture, Model
from hamodel.assessment._any_missed import joint_of, missed_any
from hamodel.assessment._journey import (
    Journey,
    OtherPart,
    beside,
    blamed,
    journey_problems,
    share_down,
)
from hamodel.assessment._shares import asked, shares_of
from hamodel.assessment.alerts import Burning, BurnRate
from hamodel.assessment.availability import Found, Operation, failing
from hamodel.assessment.budget import Chance
from hamodel.assessment.expected import assess
from hamodel.assessment.results import Assessment
from hamodel.units import MONTH
from hamodel.workload import Loaded, Workload


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Journeys:
    """How each of several journeys fares, and all of them together.

    A `name` is that of a journey, a `horizon` the length of a period in s.  The rate of
    an alert is in 1/s, and endless if so much fails although all is well.

    Attributes
    ----------
    assessment : Assessment
        Of the system that they pass.
    journeys : mapping of str to Journey
        The journeys by name.
    parts : mapping of str to OtherPart
        What they pass beside the system.
    """

    assessment: Assessment
    journeys: Mapping[str, Journey]
    parts: Mapping[str, OtherPart] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.journeys:
            raise ValueError("journeys must name at least one, got none")
        for name, journey in self.journeys.items():
            _check.instance(Journey, **{f"journeys.{name}": journey})
        for name, node in self.parts.items():
            _check.instance(OtherPart, **{f"parts.{name}": node})
        system = self.assessment.architecture
        for where, said in journey_problems(self.journeys, self.parts, system):
            raise ValueError(f"{where} {said}")

    @cached_property
    def by_name(self) -> dict[str, Operation]:
        """How each journey fares: unavailability, causes, shares by site.

        A failed journey is blamed on the first weak point of its path that has failed:
        a cause of the system, or another part by its name.  Where it took several to
        fail, each has an equal share.
        """
        return {name: self._fares(name) for name in self.journeys}

    def __getitem__(self, name: str) -> Operation:
        _check.one_of(self.journeys, journey=name)
        return self.by_name[name]

    def probability_of_meeting(self, name: str, horizon: float = MONTH) -> float:
        """Return the chance that a journey keeps its objective over a period."""
        return 1 - self.chance_of_missing(name, horizon).probability

    def probability_of_keeping(
        self, name: str, target: float, horizon: float = MONTH
    ) -> float:
        """Return the chance that a journey keeps an availability over a period.

        Parameters
        ----------
        name : str
            A journey.
        target : float
            Availability, whatever its objective is.
        horizon : float
            Length of the period in s.
        """
        _check.between(0, 1, target=target)
        _check.positive(horizon=horizon)
        return 1 - self._burning(name).downtime.miss(1 - target, horizon).probability

    def chance_of_missing(self, name: str, horizon: float = MONTH) -> Chance:
        """Return the chance that a journey misses its objective over a period."""
        _check.positive(horizon=horizon)
        _check.one_of(self.journeys, journey=name)
        objective = self.journeys[name].objective
        if objective is None:
            raise ValueError(f"journeys.{name} must have an objective, got none")
        return self._burning(name).downtime.miss(1 - objective, horizon)

    def alert_rate(self, name: str, alert: BurnRate, target: float) -> float:
        """Return how often a burn-rate alert on a journey fires."""
        _check.between(0, 1, target=target)
        return self._burning(name).rate(alert, target)

    def probability_of_meeting_all(self, horizon: float = MONTH) -> float:
        """Return the chance that all journeys with an objective keep it in a period.

        It is no product of the single chances, for they share what fails.
        """
        return 1 - self.chance_of_missing_any(horizon).probability

    def chance_of_missing_any(self, horizon: float = MONTH) -> Chance:
        """Return the chance that any journey misses its objective over a period.

        Notes
        -----
        A journey that another one implies is left out.  Up to three downtimes are
        inverted together, which tells how far the single chances overlap: it lies
        between the greatest of them and their sum, and the error says how near.  Of
        more, three at a time tell a range: the probability is its middle, the error
        holds half of it.
        """
        _check.positive(horizon=horizon)
        asked = {n: j.objective for n, j in self.journeys.items() if j.objective}
        if not asked:
            return Chance(0.0, 0.0)
        joint = joint_of([self._burning(name) for name in asked])
        budgets = np.array([1 - objective for objective in asked.values()])
        singles = [self.chance_of_missing(name, horizon) for name in asked]
        return missed_any(joint, budgets, singles, horizon)

    def to_dict(self, horizon: float = MONTH) -> dict[str, object]:
        """Return all numbers as data that JSON can hold."""
        found: dict[str, object] = {}
        for name, journey in self.journeys.items():
            fares, asks = self[name], journey.objective
            found[name] = {
                "path": journey.path,
                "objective": asks,
                "unavailability": float(fares.unavailability),
                "minutes_per_year": float(fares.minutes_per_year),
                "downtime_by_cause": {
                    str(c): float(u) for c, u in fares.downtime_by_cause.items()
                },
                "chance": asks and self.probability_of_meeting(name, horizon),
            }
        together = any(j.objective is not None for j in self.journeys.values())
        chance = self.probability_of_meeting_all(horizon) if together else None
        return {"period_s": horizon, "chance_of_all": chance, "journeys": found}

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name} {text.spread(self[name].minutes_per_year)} min/yr"
            for name in self.journeys
        )
        return f"<Journeys: {shown}>"

    def _repr_html_(self) -> str:
        rows = [
            (name, journey.path, text.spread(self[name].minutes_per_year))
            for name, journey in self.journeys.items()
        ]
        return _html.table(rows, header=("journey", "path", "minutes a year"))

    # ---- how it is done ------------------------------------------------------------

    @cached_property
    def _model(self) -> Model:
        return beside(self.assessment.architecture.model(), self.parts)

    @cached_property
    def _memory(self) -> dict[Hashable, dict[str, Quantity]]:
        return {}

    def _operations(
        self, seen: Hashable, client: str
    ) -> dict[str, dict[str, Quantity]]:
        """Return the share of reads and of writes that fail for a client, by cause."""
        return {o: self._failing(seen, client, o) for o in OPERATIONS}

    def _failing(
        self, seen: Hashable, client: str, operation: str
    ) -> dict[str, Quantity]:
        key = seen, client, operation
        if key not in self._memory:
            a = self.assessment
            verdict = self._model.verdict((seen, frozenset()), client, operation)
            case = Found(client, seen, 1.0, verdict)
            parts = failing(a.paths, case, operation)
            self._memory[key] = {str(cause): part for cause, part in parts}
        return self._memory[key]

    def _fares(self, name: str) -> Operation:
        journey = self.journeys[name]
        others = [n for n in journey.passes if n not in OPERATIONS]
        down = {n: share_down(self.parts[n]) for n in others}
        causes: dict[str, Quantity] = defaultdict(float)
        sites: dict[str, Quantity] = defaultdict(float)
        a = self.assessment
        clients = asked(a.paths, self._model)
        for client, share in clients.items():
            for seen, weight in a.situations[client].items():
                fails = self._operations(seen, client)
                for cause, part in blamed(journey, fails, down).items():
                    causes[cause] = causes[cause] + share * weight * part
                    sites[client] = sites[client] + weight * part
        ordered = dict(sorted(causes.items(), key=lambda item: -np.mean(item[1])))
        return Operation(
            name=name, downtime_by_cause=ordered, by_site=dict(sites), stale=0
        )

    @cached_property
    def _made(self) -> dict[str, Burning]:
        """What fails of each journey by what the parts show, and their moves."""
        made: dict[str, Burning] = {}
        for name, journey in self.journeys.items():

            def fails(known: State, client: str, journey: Journey = journey) -> float:
                seen, lost = known
                down = {n: float(n in lost) for n in journey.passes if n in self.parts}
                found = blamed(journey, self._operations(seen, client), down)
                return float(sum(found.values()))

            clients = asked(self.assessment.paths, self._model)
            often = float(self.by_name[name].unavailability)
            made[name] = Burning(often, *shares_of(self._model, clients, fails))
        return made

    def _burning(self, name: str) -> Burning:
        _check.one_of(self.journeys, journey=name)
        return self._made[name]


def assess_journeys(
    system: Architecture | Loaded,
    workload: Workload | None = None,
    *,
    journeys: Mapping[str, Journey] | None = None,
    parts: Mapping[str, OtherPart] | None = None,
) -> Journeys:
    """Return how several journeys through a system fare, apart and together.

    Parameters
    ----------
    system : Architecture, or what `hamodel.load` returns
        What they pass.
    workload : Workload, optional
        What is asked of it; by default that of the loaded file.
    journeys : mapping of str to Journey, optional
        The journeys by name; by default those of the loaded file.
    parts : mapping of str to OtherPart, optional
        What they pass beside the system.

    Returns
    -------
    Journeys
        Its answers are computed when they are asked for.

    Raises
    ------
    ValueError
        If there is no journey, or a path names what is no part.

    Examples
    --------
    >>> from hamodel import ActivePassive, Failover, Node
    >>> from hamodel.units import HOUR
    >>> node = Node(mttf=2000 * HOUR, mttr=4 * HOUR)
    >>> failover = Failover(promotion=30, coverage=0.99)
    >>> pair = ActivePassive(database=node, failover=failover)
    >>> shop = assess_journeys(
    ...     pair,
    ...     journeys={
    ...         "look": Journey(path="read", objective=0.999),
    ...         "pay": Journey(path="read > write > card", objective=0.999),
    ...     },
    ...     parts={"card": OtherPart(mttf=1000 * HOUR, mttr=0.5 * HOUR)},
    ... )
    >>> shop
    <Journeys: look 14.7 min/yr, pay 279 min/yr>
    >>> round(shop.probability_of_meeting_all(), 3)
    0.809
    """
    found = assess(system, workload)
    given = dict(getattr(system, "journeys", {}) if journeys is None else journeys)
    other = dict(getattr(system, "parts", {}) if parts is None else parts)
    return Journeys(
        assessment=found,
        journeys=MappingProxyType(given),
        parts=MappingProxyType(other),
    )
