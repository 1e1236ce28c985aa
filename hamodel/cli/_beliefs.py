"""What is uncertain in a file, carried through to the page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hamodel._fields import replaced
from hamodel.assessment import Assessment, Journeys, assess

if TYPE_CHECKING:
    from collections.abc import Callable

    from hamodel._types import FloatArray, Value
    from hamodel.decision import Finding
    from hamodel.specfile import Spec

_DRAWS = 4000  # of the availability, all at once
_JUDGED = 40  # of what is judged draw by draw
_ROUNDING = 1e-15  # of a tail


@dataclass(frozen=True, eq=False)
class Beliefs:
    """Draws of the uncertain parameters, and what follows from each.

    The headline of a page is the mean over them: a median would say too little of the
    downtime, which the bad draws make up.
    """

    spec: Spec

    @property
    def names(self) -> list[str]:
        """The parameters that are uncertain."""
        return list(self.spec.uncertain)

    @cached_property
    def _drawn(self) -> dict[str, FloatArray]:
        rng = np.random.default_rng(1)
        return {p: b.sample(_DRAWS, rng) for p, b in self.spec.uncertain.items()}

    def _assessed(self, values: dict[str, FloatArray] | dict[str, float]) -> Assessment:
        load = {p[9:]: x for p, x in values.items() if p.startswith("workload.")}
        others = ("workload.", "parts.")
        rest = {p: x for p, x in values.items() if not p.startswith(others)}
        return assess(
            replaced(self.spec.architecture, rest), replaced(self.spec.workload, load)
        )

    @cached_property
    def _whole(self) -> Assessment:
        return self._assessed(self._drawn)

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
    def _points(self) -> list[dict[str, float]]:
        """Single draws, evenly spread over what is believed."""
        rng = np.random.default_rng(2)
        columns = {}
        for path, belief in self.spec.uncertain.items():
            shares = (rng.permutation(_JUDGED) + 0.5) / _JUDGED
            columns[path] = np.asarray(belief.quantile(shares), float).tolist()
        return [
            {path: column[k] for path, column in columns.items()}
            for k in range(_JUDGED)
        ]

    @cached_property
    def _single(self) -> list[Assessment]:
        """Assessments at the single draws."""
        return [self._assessed(values) for values in self._points]

    @cached_property
    def _shops(self) -> list[Journeys]:
        """Journeys at the single draws."""
        both = zip(self._single, self._points, strict=True)
        return [self._shop(one, values) for one, values in both]

    def mean(self, of: Callable[[Assessment], float], every: int = 1) -> float:
        """Return the mean of a number over single draws, or each of so many."""
        return float(np.mean([of(one) for one in self._single[::every]]))

    def mean_of_journeys(
        self, of: Callable[[Journeys], float], every: int = 1
    ) -> float:
        """Return the same of a number that journeys tell."""
        return float(np.mean([of(shop) for shop in self._shops[::every]]))

    @property
    def _of_workload(self) -> bool:
        return any(
            path.startswith(("workload.", "replication.")) for path in self.names
        )

    def down(self, operation: str) -> FloatArray:
        """Return the unavailability of an operation, of every draw."""
        found = getattr(self._whole, operation).unavailability
        most = np.minimum(found, 1.0)  # beyond it by rounding, where nothing is up
        return np.broadcast_to(np.asarray(most, float), (_DRAWS,))

    def causes(self, operation: str) -> dict[str, float]:
        """Return the mean unavailability of an operation by cause."""
        found = getattr(self._whole, operation).downtime_by_cause
        return {str(cause): float(np.mean(down)) for cause, down in found.items()}

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
