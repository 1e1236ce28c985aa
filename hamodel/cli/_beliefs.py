"""What is uncertain in a file, carried through to the page."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hamodel._fields import replaced, value_at
from hamodel.assessment import Assessment, Journeys, Operation, assess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hamodel._types import FloatArray, Value
    from hamodel.architectures import Architecture
    from hamodel.decision import Finding
    from hamodel.specfile import Spec
    from hamodel.workload import Workload

_DRAWS = 4000  # of the availability, all at once
_JUDGED = 40  # of what is judged draw by draw
_GAUSS, _FEW = 3, 10  # of means of what takes long, of one belief and of several
_ROUNDING = 1e-15  # of a tail


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Expected(Assessment):
    """An assessment whose downtime is the mean over what is believed.

    All else is at the medians.  Where a parameter that is believed in is changed, its
    draws change as much, or as much of what they lack to 1.
    """

    drawn: Mapping[str, FloatArray]
    middle: Mapping[str, float]

    @cached_property
    def write(self) -> Operation:
        """How writes fare, on average over the draws."""
        return _mean_of(self._whole.write)

    @cached_property
    def read(self) -> Operation:
        """How reads fare, on average over the draws."""
        return _mean_of(self._whole.read)

    @cached_property
    def _whole(self) -> Assessment:
        values = {path: self._moved(path) for path in self.drawn}
        return _with(self.architecture, self.workload, values)

    def _moved(self, path: str) -> FloatArray:
        load = path.startswith("workload.")
        now = value_at(
            self.workload if load else self.architecture, path.removeprefix("workload.")
        )
        draws, then = self.drawn[path], self.middle[path]
        if not isinstance(now, (int, float)) or now == then:
            return draws
        if 0.5 < then < 1 and np.all(draws <= 1):
            return 1 - (1 - draws) * (1 - now) / (1 - then)
        return draws * (now / then)


def _with(
    architecture: Architecture, workload: Workload, values: Mapping[str, Value]
) -> Assessment:
    """Return the assessment with parameters set, by their paths."""
    load = {p[9:]: x for p, x in values.items() if p.startswith("workload.")}
    others = ("workload.", "parts.")
    rest = {p: x for p, x in values.items() if not p.startswith(others)}
    return assess(replaced(architecture, rest), replaced(workload, load))


def _mean_of(many: Operation) -> Operation:
    def means(shares: Mapping[str, Value]) -> dict[str, float]:
        return {key: float(np.mean(share)) for key, share in shares.items()}

    return Operation(
        name=many.name,
        downtime_by_cause=means(many.downtime_by_cause),
        by_site=means(many.by_site),
        stale=float(np.mean(many.stale)),
    )


def expected(spec: Spec) -> Assessment:
    """Return the assessment of a file: its downtime over what is believed, if any."""
    if spec.uncertain:
        return Beliefs(spec).expected()
    return assess(spec.architecture, spec.workload)


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
        return _with(self.spec.architecture, self.spec.workload, values)

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

    def _points(self, count: int) -> list[dict[str, float]]:
        """Single draws, evenly spread over what is believed."""
        rng = np.random.default_rng(2)
        columns = {}
        for path, belief in self.spec.uncertain.items():
            shares = (rng.permutation(count) + 0.5) / count
            columns[path] = np.asarray(belief.quantile(shares), float).tolist()
        return [
            {path: column[k] for path, column in columns.items()} for k in range(count)
        ]

    @cached_property
    def _single(self) -> list[Assessment]:
        """Assessments at single draws."""
        return [self._assessed(values) for values in self._points(_JUDGED)]

    @cached_property
    def _few(self) -> list[tuple[float, dict[str, float], Assessment]]:
        """Weights and draws for means of what takes long: Gauss's if one is alone."""
        if len(self.names) == 1:
            (path,) = self.names
            places, weights = np.polynomial.legendre.leggauss(_GAUSS)
            at = np.asarray(self.spec.uncertain[path].quantile((places + 1) / 2), float)
            points = [{path: float(x)} for x in at]
        else:
            points, weights = self._points(_FEW), np.full(_FEW, 2 / _FEW)
        return [
            (float(w / 2), values, self._assessed(values))
            for w, values in zip(weights, points, strict=True)
        ]

    @cached_property
    def _shops(self) -> list[tuple[float, Journeys]]:
        """Weights and journeys at the few draws."""
        return [(w, self._shop(one, values)) for w, values, one in self._few]

    def mean(self, of: Callable[[Assessment], float]) -> float:
        """Return the mean of a number over a few draws."""
        return float(sum(w * of(one) for w, _, one in self._few))

    def mean_of_journeys(self, of: Callable[[Journeys], float]) -> float:
        """Return the same of a number that journeys tell."""
        return float(sum(w * of(shop) for w, shop in self._shops))

    def expected(self) -> Expected:
        """Return the assessment at the medians, its downtime the mean over draws."""
        spec = self.spec
        paths = [p for p in self.names if not p.startswith("parts.")]
        middle = {p: float(spec.uncertain[p].quantile(0.5)) for p in paths}
        return Expected(
            architecture=spec.architecture,
            workload=spec.workload,
            drawn={p: self._drawn[p] for p in paths},
            middle=middle,
        )

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
