"""What is asked of `assess`: an architecture, or a file and what is believed of it.

The surprising idea: the middle of what is believed is not where the mean downtime is.
A coverage of 39 failovers in 40 may be 0.93 as well, and the bad draws make up most of
the downtime; so the downtime of a file is the mean over its beliefs, everywhere.

Assumption: all answers but downtime and the chance of a period are at the medians.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hamodel import _check
from hamodel._fields import replaced, value_at
from hamodel._types import FloatArray, Value
from hamodel.architectures import Architecture
from hamodel.assessment.availability import Operation
from hamodel.assessment.budget import Chance
from hamodel.assessment.results import Assessment
from hamodel.units import YEAR
from hamodel.workload import Loaded, Preset, Workload, unpacked

_DRAWS = 4000  # of the availability, all at once
_GAINS = 50  # of what one change gains, many changes at once
_GAUSS, _FEW = 3, 10  # of means of what takes long, of one belief and of several
LOAD = "workload."


class Belief(Protocol):
    """What is believed of a parameter: a distribution of its values."""

    def __hash__(self) -> int:
        """Return a hash; the same belief is asked for its draws once."""
        ...

    def quantile(self, p: ArrayLike) -> FloatArray:
        """Return values that are not exceeded with probabilities p."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Expected(Assessment):
    """An assessment whose downtime is the mean over what is believed.

    All else is at the medians.  Where a parameter that is believed in is changed, its
    draws change as much, or as much of what they lack to 1.

    Attributes
    ----------
    beliefs : mapping of str to Belief
        What is believed of parameters, by their paths.
    drawn : mapping of str to numpy.ndarray
        Draws of each, (draws,).
    weights : numpy.ndarray
        Share of each draw, (draws,).
    """

    beliefs: Mapping[str, Belief]
    drawn: Mapping[str, FloatArray]
    weights: FloatArray

    @cached_property
    def write(self) -> Operation:
        """How writes fare, on average over the draws."""
        return self._mean("write")

    @cached_property
    def read(self) -> Operation:
        """How reads fare, on average over the draws."""
        return self._mean("read")

    @cached_property
    def whole(self) -> Assessment:
        """The assessment at all draws at once."""
        return with_values(self.architecture, self.workload, self._moved())

    def with_draws(self, drawn: Mapping[str, FloatArray], weights: FloatArray) -> Self:
        """Return the same at other draws."""
        return replace(self, drawn=drawn, weights=weights)

    @cached_property
    def for_gains(self) -> Self:
        """The same at fewer draws, which will do for what many changes gain."""
        drawn = spread_draws(self.beliefs, _GAINS)
        return self.with_draws(drawn, np.full(_GAINS, 1 / _GAINS))

    def chance_of_missing(
        self, target: float, horizon: float = YEAR, operation: str = "write"
    ) -> Chance:
        """Return the probability that one period misses an availability: a mean.

        As `Assessment.chance_of_missing`, over a few draws of what is believed; the
        error is that of each, not of how few they are.
        """
        total, error = 0.0, 0.0
        for one, weight in self._few:
            chance = one.chance_of_missing(target, horizon, operation)
            total += weight * chance.probability
            error = max(error, chance.error)
        return Chance(min(total, 1.0), error)  # weights add up to 1 but for rounding

    @cached_property
    def _few(self) -> list[tuple[Assessment, float]]:
        """Assessments at a few draws, each with its weight."""
        few = self.with_draws(*few_draws(self.beliefs))
        columns = few._moved()
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        draws = [dict(zip(columns, row, strict=True)) for row in rows]
        return [
            (with_values(self.architecture, self.workload, values), float(weight))
            for values, weight in zip(draws, few.weights, strict=True)
        ]

    def _moved(self) -> dict[str, FloatArray]:
        """Return the draws, moved as far as their parameter was moved from its median.

        Of parameters that are arrays, the draws lie along the last axis.
        """
        found = {}
        for path, draws in self.drawn.items():
            spec = self.workload if path.startswith(LOAD) else self.architecture
            now = value_at(spec, path.removeprefix(LOAD))
            then = float(_middles(self.beliefs[path], 1)[0])
            if np.asarray(now).dtype.kind not in "if" or np.all(now == then):
                found[path] = draws
            elif 0.5 < then < 1 and np.all(draws <= 1):
                found[path] = 1 - (1 - draws) * (1 - now) / (1 - then)
            else:
                found[path] = draws * (now / then)
        return found

    def _mean(self, operation: str) -> Operation:
        """Return how an operation fares on average.

        What takes single numbers, such as retries a load, is answered at a few draws.
        """
        try:
            return _averaged(getattr(self.whole, operation), self.weights)
        except ValueError:
            few, weights = zip(*self._few, strict=True)
        each = [getattr(one, operation) for one in few]
        return _averaged(_stacked(each), np.array(weights))


def _averaged(many: Operation, weights: FloatArray) -> Operation:
    def mean(share: Value) -> Value:
        if np.ndim(share) == 0:
            return share
        shape = np.broadcast_shapes(np.shape(share), weights.shape)
        found = np.broadcast_to(np.asarray(share, float), shape) @ weights
        return found if np.ndim(found) else float(found)

    return Operation(
        name=many.name,
        downtime_by_cause={c: mean(s) for c, s in many.downtime_by_cause.items()},
        by_site={site: mean(s) for site, s in many.by_site.items()},
        stale=mean(many.stale),
    )


def _stacked(each: Sequence[Operation]) -> Operation:
    """Return several of the same operation as one, of arrays."""

    def row(shares: Iterable[Value]) -> FloatArray:
        return np.array([float(share) for share in shares])

    causes = dict.fromkeys(cause for one in each for cause in one.downtime_by_cause)
    return Operation(
        name=each[0].name,
        downtime_by_cause={
            cause: row(one.downtime_by_cause.get(cause, 0.0) for one in each)
            for cause in causes
        },
        by_site={s: row(one.by_site[s] for one in each) for s in each[0].by_site},
        stale=row(one.stale for one in each),
    )


def assess(
    architecture: Architecture | Loaded | Preset, workload: Workload | None = None
) -> Assessment:
    """Return all answers on an architecture under a workload.

    Parameters
    ----------
    architecture : Architecture, what `hamodel.load` returns, or a preset
        What is run: one of `hamodel.architectures`, or one of your own.
    workload : Workload, optional
        What is asked of it; by default that of the loaded file or of the preset, or 900
        reads and 100 writes a second.

    Returns
    -------
    Assessment
        Its fields are computed when they are asked for.  Where a file says what is
        believed of a parameter, downtime is a mean over it (`Expected`).

    Raises
    ------
    ValueError
        If an argument is not of its kind, or clients are at a site that does not
        serve.

    Notes
    -----
    Availability takes numbers, arrays and SymPy symbols; laws, quantiles and latencies
    take single numbers (`hamodel.sweep` goes through arrays point by point).

    Examples
    --------
    >>> from hamodel import ActivePassive, Failover, Node
    >>> from hamodel.units import HOUR
    >>> pair = ActivePassive(
    ...     database=Node(mttf=2000 * HOUR, mttr=4 * HOUR),
    ...     failover=Failover(detection=10, promotion=20, coverage=0.99),
    ... )
    >>> found = assess(pair, Workload(reads=900, writes=100))
    >>> round(found.write.minutes_per_year, 1), round(found.read.minutes_per_year, 1)
    (16.8, 14.7)
    >>> found.rto.mean, found.utilisation["database"]
    (30.0, 0.08125)
    """
    return assessed(architecture, workload, believed(architecture, workload))


def assessed(
    architecture: Architecture | Loaded | Preset,
    workload: Workload | None,
    beliefs: Mapping[str, Belief],
) -> Assessment:
    """Return the assessment of what `assess` takes, with what is believed of it."""
    spec, workload = unpacked(architecture, workload)
    if not callable(getattr(spec, "behaviour", None)):
        raise ValueError(
            "architecture must be an Architecture, as SinglePrimary, ActivePassive, "
            f"ActiveActive, Majority or Leaderless are, got {spec!r}"
        )
    workload = Workload() if workload is None else workload
    _check.instance(Workload, workload=workload)
    workload.shares(spec.sites)
    if not beliefs:
        return Assessment(architecture=spec, workload=workload)
    return Expected(
        architecture=spec,
        workload=workload,
        beliefs=beliefs,
        drawn=spread_draws(beliefs, _DRAWS),
        weights=np.full(_DRAWS, 1 / _DRAWS),
    )


def believed(given: object, workload: Workload | None = None) -> dict[str, Belief]:
    """Return what is believed of the parameters of a file, by their paths.

    What it says of its workload falls away with its workload; parts that only journeys
    pass are none of it.
    """
    given = getattr(given, "spec", given)
    others = ("parts.",) if workload is None else ("parts.", LOAD)
    found: Mapping[str, Belief] = getattr(given, "uncertain", {})
    return {path: b for path, b in found.items() if not path.startswith(others)}


def with_values(
    architecture: Architecture, workload: Workload, values: Mapping[str, Value]
) -> Assessment:
    """Return the assessment with parameters set, by their paths; parts are left."""
    load = {p.removeprefix(LOAD): x for p, x in values.items() if p.startswith(LOAD)}
    rest = {p: x for p, x in values.items() if not p.startswith(("parts.", LOAD))}
    return Assessment(
        architecture=replaced(architecture, rest), workload=replaced(workload, load)
    )


def few_draws(
    beliefs: Mapping[str, Belief],
) -> tuple[dict[str, FloatArray], FloatArray]:
    """Return draws for means of what takes long, and weights: Gauss's if of one."""
    if len(beliefs) > 1:
        return spread_draws(beliefs, _FEW), np.full(_FEW, 1 / _FEW)
    places, weights = np.polynomial.legendre.leggauss(_GAUSS)
    shares = (places + 1) / 2
    return {p: np.asarray(b.quantile(shares)) for p, b in beliefs.items()}, weights / 2


def spread_draws(beliefs: Mapping[str, Belief], count: int) -> dict[str, FloatArray]:
    """Return draws that are evenly spread over what is believed, by path.

    One in the middle of each of `count` equal shares, in orders that several parameters
    do not share: nothing is random.
    """
    orders = _orders(count, len(beliefs))
    pairs = zip(beliefs.items(), orders, strict=True)
    return {path: _middles(belief, count)[order] for (path, belief), order in pairs}


@lru_cache(maxsize=16)
def _orders(count: int, several: int) -> tuple[NDArray[np.intp], ...]:
    """Return an order of draws for each parameter, any two hardly correlated.

    The first rises, others are those of multiples of roots of primes; what correlation
    is left, 0.4 % at 4000 draws and more at few, is taken out, and the best is kept.
    Source: Niederreiter (1992), Random Number Generation and Quasi-Monte Carlo
    Methods, chapter 3 (Kronecker sequences); Iman and Conover (1982), Communications
    in Statistics B 11(3), 311-334.
    """
    turns = np.arange(1, count + 1)
    numbers = range(2, 20 + 10 * several)
    primes = [p for p in numbers if all(p % q for q in range(2, p))]
    rows = [turns, *(turns * p**0.5 % 1 for p in primes[: several - 1])]
    best: tuple[NDArray[np.intp], ...] = ()
    least = np.inf
    for _ in range(4):
        orders = tuple(np.argsort(np.argsort(row)) for row in rows)
        alike = np.atleast_2d(np.corrcoef(orders))
        most = np.abs(alike - np.eye(several)).max(initial=0.0)
        if most < least:
            best, least = orders, most
        part = np.linalg.cholesky(alike + 1e-9 * np.eye(several))
        rows = list(np.linalg.solve(part, np.array(orders)))
    return best


@lru_cache(maxsize=64)
def _middles(belief: Belief, count: int) -> FloatArray:
    """Return the value in the middle of each of `count` equal shares, rising."""
    places = (np.arange(count) + 0.5) / count
    return np.asarray(belief.quantile(places), float)
