"""Laws that a sample may follow: their densities and their best parameters.

Each is told by its mean and its coefficient of variation (cv), and may begin at a
shift.  The most likely parameters are those under which the sample, with the values
that are only known to be larger, is most probable.

SciPy's fits find the same (a test holds them together) but take 5 to 200 times as long:
170 ms against 32 for a censored lognormal sample of 43, 40 against 0.2 for a whole
gamma one, and the test of fit makes a hundred of them.  So the densities are written
out here, and `scipy.stats`, which takes long to load as well, is the second road.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, TypeAlias

import numpy as np
from scipy import special

from hamodel import duration
from hamodel._types import FloatArray
from hamodel.duration import Duration

_LEAST = -745.0  # logarithm of the least number above zero
_CV = (0.003, 5.0)
_CV_PHASES = (0.1, 5.0)  # 0.1 takes 100 phases

#: Logarithm of the density or tail of a gamma law of (x, shape, rate).
Stage: TypeAlias = "Callable[[FloatArray, float, float], FloatArray]"


class Logarithm(Protocol):
    """Logarithm of a density or of a tail, at some times."""

    def __call__(self, x: FloatArray, mean: float, cv: float) -> FloatArray: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Family:
    """A law up to its parameters."""

    name: str  # what it is called
    free: int  # how many parameters a fit chooses
    # logarithms, of (x, mean, cv) for x > 0
    density: Logarithm
    tail: Logarithm
    law: Callable[[float, float], Duration]  # the distribution of (mean, cv)
    cv: tuple[float, float] = _CV  # limits of the cv; equal ones fix it
    shifted: bool = False  # whether it may begin above zero
    # (mean, cv) of a complete sample, where there is a shorter way
    quick: Callable[[FloatArray], tuple[float, float]] | None = None
    # the cv of a complete sample with a given mean, likewise
    quick_cv: Callable[[FloatArray, float], float] | None = None


@dataclass(frozen=True, kw_only=True)
class Point:
    """Parameters of a law, and how likely they make the sample."""

    mean: float  # above the shift
    cv: float
    shift: float = 0.0
    likelihood: float = 0.0  # its logarithm


def likelihood(
    family: Family, values: FloatArray, still: FloatArray, mean: float, cv: float
) -> float:
    """Return the logarithm of the likelihood; `still` are values known to be larger."""
    whole = float(np.sum(family.density(values, mean, cv)))
    if len(still):
        whole += float(np.sum(family.tail(still, mean, cv)))
    return whole


def best(family: Family, values: FloatArray, still: FloatArray) -> Point:
    """Return the most likely parameters for values in units of their mean."""
    if family.shifted:
        return _best_shift(family, values)
    return _best_here(family, values, still)


def best_cv(
    family: Family, values: FloatArray, still: FloatArray, mean: float
) -> tuple[float, float]:
    """Return the most likely cv of a given mean, and the likelihood's logarithm."""
    from scipy.optimize import minimize_scalar

    low, high = family.cv
    if low == high:
        return low, likelihood(family, values, still, mean, low)
    if family.quick_cv is not None and not len(still):
        cv = float(np.clip(family.quick_cv(values, mean), low, high))
        return cv, likelihood(family, values, still, mean, cv)
    found = minimize_scalar(
        lambda c: -likelihood(family, values, still, mean, float(np.exp(c))),
        bounds=(np.log(low), np.log(high)),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(np.exp(found.x)), -float(found.fun)


def _best_here(family: Family, values: FloatArray, still: FloatArray) -> Point:
    mean = float((values.sum() + still.sum()) / len(values))
    known: tuple[float, float] | None = None
    if family.quick is not None and not len(still):
        known = family.quick(values)
    elif family.cv[0] == family.cv[1]:
        known = mean, family.cv[0]
    if known is not None:
        reached = likelihood(family, values, still, *known)
        return Point(mean=known[0], cv=known[1], likelihood=reached)
    cv, found = best_cv(family, values, still, mean)
    if family.name == "phase-type" and cv < 1 and not len(still):
        # of stages of equal rate the most likely mean is the sample's own
        return Point(mean=mean, cv=cv, likelihood=found)
    return _climb(family, values, still, (mean, cv))


def _climb(
    family: Family, values: FloatArray, still: FloatArray, start: tuple[float, float]
) -> Point:
    """Search the most likely mean and cv together."""
    from scipy.optimize import minimize

    low, high = np.log(family.cv)

    def worse(where: FloatArray) -> float:
        mean, cv = float(np.exp(where[0])), float(np.exp(np.clip(where[1], low, high)))
        return -likelihood(family, values, still, mean, cv)

    found = minimize(
        worse,
        np.log(start),
        method="Nelder-Mead",
        options={"xatol": 1e-4, "fatol": 1e-6, "maxiter": 400},
        bounds=[(np.log(start[0]) - 3, np.log(start[0]) + 5), (low, high)],
    )
    mean, cv = (float(x) for x in np.exp(found.x))
    return Point(mean=mean, cv=cv, likelihood=-float(found.fun))


def _best_shift(family: Family, values: FloatArray) -> Point:
    """Search the shift; the cv's limits keep the likelihood bounded on the way."""
    from scipy.optimize import minimize_scalar

    least = float(values.min())
    none = np.empty(0)

    def at(shift: float) -> Point:
        return replace(_best_here(family, values - shift, none), shift=shift)

    # a gap below the least value, from a hair of it to all of it
    found = minimize_scalar(
        lambda gap: -at(least * (1 - float(np.exp(gap)))).likelihood,
        bounds=(np.log(1e-6), 0.0),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return max(
        (at(least * (1 - float(np.exp(found.x)))), at(0.0)), key=lambda p: p.likelihood
    )


def _normal(x: FloatArray, mean: float, cv: float) -> tuple[FloatArray, float]:
    """Return the standard normal value of a lognormal one, and the spread."""
    spread = float(np.sqrt(np.log1p(cv * cv)))
    return (np.log(x) - np.log(mean)) / spread + spread / 2, spread


def _lognormal(x: FloatArray, mean: float, cv: float) -> FloatArray:
    z, spread = _normal(x, mean, cv)
    return np.asarray(-z * z / 2 - np.log(x * spread * np.sqrt(2 * np.pi)))


def _lognormal_quick(values: FloatArray) -> tuple[float, float]:
    logs = np.log(values)
    low, high = np.log1p(np.square(_CV))
    square = float(np.clip(logs.var(), low, high))
    return float(np.exp(logs.mean() + square / 2)), float(np.sqrt(np.expm1(square)))


def _lognormal_cv(values: FloatArray, mean: float) -> float:
    """Solve s^4 / 4 + s^2 = mean square of log(x / mean) for the spread s."""
    square = float(np.mean(np.log(values / mean) ** 2))
    return float(np.sqrt(np.expm1(2 * (np.sqrt(1 + square) - 1))))


def _stage(x: FloatArray, shape: float, rate: float) -> FloatArray:
    constant = shape * np.log(rate) - special.gammaln(shape)
    return np.asarray(constant + (shape - 1) * np.log(x) - rate * x)


def _stage_tail(x: FloatArray, shape: float, rate: float) -> FloatArray:
    left = special.gammaincc(shape, rate * x)
    return np.log(np.maximum(left, 1e-300))


def _gamma(part: Stage, x: FloatArray, mean: float, cv: float) -> FloatArray:
    return part(x, 1 / cv**2, 1 / (mean * cv**2))


def _gamma_quick(
    values: FloatArray, *, limits: tuple[float, float] = _CV
) -> tuple[float, float]:
    mean = float(values.mean())
    return mean, float(np.clip(_gamma_cv(values, mean), *limits))


def _gamma_cv(values: FloatArray, mean: float) -> float:
    """Solve log k - digamma(k) = mean(x - log x) - 1, x in means, for the shape k."""
    x = values / mean
    gap = max(float(np.mean(x - np.log(x))) - 1, 1e-12)
    # Minka (2002): a start within 1.5 %, then Newton's steps
    k = (3 - gap + np.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)
    for _ in range(4):
        k -= (np.log(k) - special.digamma(k) - gap) / (1 / k - special.polygamma(1, k))
    return float(1 / np.sqrt(k))


def _phases(mean: float, cv: float) -> tuple[tuple[float, float, float], ...]:
    """Return weight, shape and rate of the branches of `duration.fit_phase_type`."""
    c = cv * cv
    if c > 1:
        second = 1 / ((c + 1) * (1 + np.sqrt((c - 1) / (c + 1))))
        return tuple((p, 1.0, 2 * p / mean) for p in (1 - second, second))
    k = max(2.0, np.ceil(1 / c - 1e-9))
    root = np.sqrt(max(0.0, k * (1 + c) - k * k * c))
    shorter = min(max((k * c - root) / (1 + c), 0.0), 1.0)
    rate = (k - shorter) / mean
    return ((shorter, k - 1, rate), (1 - shorter, k, rate))


def _phase_type(part: Stage, x: FloatArray, mean: float, cv: float) -> FloatArray:
    parts = [
        np.log(weight) + part(x, shape, rate)
        for weight, shape, rate in _phases(mean, cv)
        if weight > 0
    ]
    return np.asarray(np.maximum(np.logaddexp.reduce(parts), _LEAST))


_EXPONENTIAL = partial(
    Family,
    density=lambda x, mean, cv: np.asarray(-x / mean - np.log(mean)),  # noqa: ARG005
    tail=lambda x, mean, cv: -x / mean,  # noqa: ARG005
    law=lambda mean, cv: duration.exponential(mean),  # noqa: ARG005
    cv=(1.0, 1.0),
)
_LOGNORMAL = partial(
    Family,
    density=_lognormal,
    tail=lambda x, mean, cv: np.asarray(special.log_ndtr(-_normal(x, mean, cv)[0])),
    law=lambda mean, cv: duration.lognormal(mean=mean, cv=cv),
    quick=_lognormal_quick,
    quick_cv=_lognormal_cv,
)
_GAMMA = partial(
    Family,
    density=partial(_gamma, _stage),
    tail=partial(_gamma, _stage_tail),
    law=lambda mean, cv: duration.gamma(mean=mean, cv=cv),
    quick_cv=_gamma_cv,
)

#: The laws by name.  A shifted gamma law has a cv of at most 1 above its shift, since
#: below its least value the likelihood of a wilder one has no bound.
LAWS = {
    family.name: family
    for family in (
        _EXPONENTIAL(name="exponential", free=1),
        _EXPONENTIAL(name="shifted exponential", free=2, shifted=True),
        _LOGNORMAL(name="lognormal", free=2),
        _LOGNORMAL(name="shifted lognormal", free=3, shifted=True),
        _GAMMA(name="gamma", free=2, quick=_gamma_quick),
        _GAMMA(
            name="shifted gamma",
            free=3,
            shifted=True,
            cv=(_CV[0], 1.0),
            quick=partial(_gamma_quick, limits=(_CV[0], 1.0)),
        ),
        Family(
            name="phase-type",
            free=2,
            density=partial(_phase_type, _stage),
            tail=partial(_phase_type, _stage_tail),
            cv=_CV_PHASES,
            law=duration.fit_phase_type,
        ),
    )
}
