"""What is uncertain in a file, carried through to the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hamodel._fields import replaced
from hamodel._types import FloatArray, Value
from hamodel.assessment import Assessment, Expected, Journeys
from hamodel.assessment.expected import few_draws, spread_draws, with_values

if TYPE_CHECKING:
    from hamodel.decision import Finding
    from hamodel.specfile import Spec

_DRAWS = 4000  # of the availability, all at once
_JUDGED = 40  # of what is judged draw by draw
_ROUNDING = 1e-15  # of a tail


@dataclass(frozen=True, eq=False)
class Beliefs:
    """Draws of the uncertain parameters, and what follows from each."""

    spec: Spec
    found: Assessment  # of the same, over what is uncertain

    @property
    def names(self) -> list[str]:
        """The parameters that are uncertain."""
        return list(self.spec.uncertain)

    @cached_property
    def _drawn(self) -> dict[str, FloatArray]:
        return spread_draws(self.spec.uncertain, _DRAWS)

    def _assessed(self, values: dict[str, FloatArray] | dict[str, float]) -> Assessment:
        return with_values(self.spec.architecture, self.spec.workload, values)

    @cached_property
    def _whole(self) -> Assessment:
        if isinstance(self.found, Expected) and [*self.found.drawn] == self.names:
            return self.found.whole
        return self._assessed(self._drawn)  # parts of journeys are uncertain too

    def _shop(
        self, found: Assessment, values: dict[str, FloatArray] | dict[str, float]
    ) -> Journeys:
        parts = dict(self.spec.parts)
        for name in parts:
            fields = {
                p.rpartition(".")[2]: x
                for p, x in values.items()
                if p.rpartition(".")[0] == f"parts.{name}"
            }
            parts[name] = replaced(parts[name], fields)
        return Journeys(assessment=found, journeys=self.spec.journeys, parts=parts)

    @cached_property
    def _journeys(self) -> Journeys:
        return self._shop(self._whole, self._drawn)

    @cached_property
    def _single(self) -> list[Assessment]:
        """Assessments at single draws."""
        return [
            self._assessed(values)
            for values in _rows(spread_draws(self.spec.uncertain, _JUDGED))
        ]

    @cached_property
    def _shops(self) -> list[tuple[float, Journeys]]:
        """Weights and journeys at a few draws."""
        draws, weights = few_draws(self.spec.uncertain)
        return [
            (float(w), self._shop(self._assessed(values), values))
            for w, values in zip(weights, _rows(draws), strict=True)
        ]

    def mean_of_journeys(self, of: Callable[[Journeys], float]) -> float:
        """Return the mean of a number that journeys tell, over a few draws."""
        return float(sum(w * of(shop) for w, shop in self._shops))

    @property
    def _of_workload(self) -> bool:
        return any(
            path.startswith(("workload.", "replication.")) for path in self.names
        )

    def interval(self, operation: str) -> list[float]:
        """Return 5 % and 95 % of the unavailability of an operation."""
        down = np.sort(self.down(operation))
        places = (np.arange(len(down)) + 0.5) / len(down)
        return [float(end) for end in np.interp([0.05, 0.95], places, down)]

    def down(self, operation: str) -> FloatArray:
        """Return the unavailability of an operation, of every draw."""
        found = self._each(lambda one: getattr(one, operation).unavailability)
        most = np.minimum(found, 1.0)  # beyond it by rounding, where nothing is up
        return np.broadcast_to(most, most.shape or (_DRAWS,))

    def journey(self, name: str) -> dict[str, float]:
        """Return the mean unavailability of a journey by cause."""
        found = self._journeys[name].downtime_by_cause
        return {cause: float(np.mean(down)) for cause, down in found.items()}

    def _each(self, of: Callable[[Assessment], Value]) -> FloatArray:
        """Return a number of every draw, or of single ones where arrays will not do."""
        try:
            return np.asarray(of(self._whole), float)
        except (TypeError, ValueError):
            return np.asarray([of(one) for one in self._single], float)

    def chance(self, finding: Finding) -> float | None:
        """Return the probability that a limit is kept, by what is believed.

        A latency is left at the medians unless the workload itself is uncertain: what
        else is believed moves only which failures it is mixed over.
        """
        limit = finding.limit
        if limit.name in ("read_p99", "write_p99") and not self._of_workload:
            return None
        if limit.name in ("write_availability", "read_availability"):
            down = self.down(limit.name.partition("_")[0])
            return float(np.mean(down <= 1 - limit.bound))
        if limit.name == "journey":
            down = self._journeys[limit.site].unavailability
            return float(np.mean(np.asarray(down) <= 1 - limit.bound))
        if limit.name == "rto_p95":  # the law at the limit says it without a search
            late = self._each(lambda one: one.outage.sf(limit.bound))
            return float(np.mean(late <= 0.05 + _ROUNDING))
        if limit.name == "rpo_p99":
            late = self._each(lambda one: one.rpo.sf(limit.bound))
            return float(np.mean(late <= 0.01 + _ROUNDING))
        return float(np.mean([limit.judge(one).met for one in self._single]))


def _rows(draws: Mapping[str, FloatArray]) -> list[dict[str, float]]:
    """Return draws one by one."""
    names = tuple(draws)
    return [
        dict(zip(names, map(float, row), strict=True))
        for row in zip(*draws.values(), strict=True)
    ]
