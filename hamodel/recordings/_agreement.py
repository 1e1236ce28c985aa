"""Predicted against measured, with a verdict in three parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from hamodel import _check, _html, text
from hamodel._types import FloatArray
from hamodel.duration import Duration

_SHARES = (0.5, 0.95)
_CLOSE = 0.10  # the greatest error of a quantile
_ENOUGH = 20  # measurements from which a test of the whole law is made
_DOUBT = 0.05
_INSIDE = 0.85
_EXCLUDED = 1e-3  # a chance below which a prediction excludes what happened
_RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Agreement:
    """How well a predicted law and measured times agree.

    Attributes
    ----------
    count, missing : int
        Measured times, and rows without one.
    predicted, measured : ndarray, shape (2,)
        Median and 95th percentile in s.
    intervals : ndarray, shape (2, 2)
        95 % bootstrap interval of each measured quantile in s.
    inside : float
        Share of the measured times between the predicted 2.5 % and 97.5 %.
    """

    count: int
    missing: int
    predicted: FloatArray
    measured: FloatArray
    intervals: FloatArray
    inside: float
    _reached: FloatArray = field(repr=False)  # the predicted cdf at each measured time

    @cached_property
    def _ks(self) -> tuple[float, float]:
        from scipy.stats import kstest  # takes a second to import in a browser

        test = kstest(self._reached, "uniform")
        return float(test.statistic), float(test.pvalue)

    @property
    def ks(self) -> float:
        """Greatest distance of the two distribution functions."""
        return self._ks[0]

    @property
    def ks_probability(self) -> float:
        """How often chance alone makes a distance as great."""
        return self._ks[1]

    @property
    def errors(self) -> FloatArray:
        """Predicted over measured, less 1, at the median and the 95th percentile."""
        return self.predicted / self.measured - 1

    @property
    def quantiles_agree(self) -> bool:
        """Whether both errors are at most 10 %."""
        return bool(np.all(np.abs(self.errors) <= _CLOSE))

    @property
    def laws_agree(self) -> bool | None:
        """Whether the KS test has no doubt; None below 20 measurements."""
        return self.ks_probability > _DOUBT if self.count >= _ENOUGH else None

    @property
    def points_inside(self) -> bool:
        """Whether at least 85 of 100 points lie within the predicted 95 %."""
        return self.inside >= _INSIDE

    @property
    def holds(self) -> bool:
        """Whether all three parts hold, the second where it is asked."""
        parts = (self.quantiles_agree, self.laws_agree, self.points_inside)
        return all(part is not False for part in parts)

    @property
    def row(self) -> tuple[str, ...]:
        """Its numbers in words: count, then the three parts."""
        marks = {True: "yes", False: "no", None: "too few"}
        middle, tail = (
            f"{text.time(float(p))} for {text.time(float(m))} ({text.change(e)})"
            for p, m, e in zip(self.predicted, self.measured, self.errors, strict=True)
        )
        return (
            str(self.count),
            middle,
            tail,
            marks[self.quantiles_agree],
            f"{marks[self.laws_agree]} (p = {text.number(self.ks_probability, 2)})",
            f"{marks[self.points_inside]} ({text.share(self.inside, 2)})",
        )

    def __repr__(self) -> str:
        middle, tail = self.errors
        chance = text.number(self.ks_probability, 2)
        return (
            f"<Agreement of {self.count}: median {text.change(middle)}, 95th "
            f"percentile {text.change(tail)}, KS p = {chance}, "
            f"{text.share(self.inside, 2)} inside>"
        )

    def _repr_html_(self) -> str:
        return _html.table([self.row], header=HEADER)


HEADER = ("n", "median", "95 %", "within 10 %", "same law", "inside 95 %")


def agreement(predicted: Duration, measured: ArrayLike) -> Agreement:
    """Hold a predicted law against measured times.

    Parameters
    ----------
    predicted : Duration
        The law.
    measured : array_like
        Times in s; nan where none was measured.

    Raises
    ------
    ValueError
        If there is no measured time, or one is negative.

    Notes
    -----
    The intervals come from 2000 resamples with a fixed seed.  The KS test is against
    the predicted law itself, which was not fitted to the sample; where the law has
    jumps, it doubts too seldom.

    Examples
    --------
    >>> from hamodel import duration
    >>> from hamodel.recordings import load
    >>> killed = load("pg_watchdog_T1_k3_sync")
    >>> found = agreement(duration.uniform(2, 3), killed.column("detect_s"))
    >>> found.holds, found.errors.round(2)
    (True, array([-0.02,  0.03]))
    >>> agreement(duration.uniform(2.3, 3.45), killed.column("detect_s")).holds
    False
    """
    _check.instance(Duration, predicted=predicted)
    given = np.asarray(measured, float).ravel()
    times = given[~np.isnan(given)]
    _check.whole(1, measured_times=len(times))
    _check.non_negative(measured=times)
    rng = np.random.default_rng(0)
    again = rng.choice(times, (_RESAMPLES, len(times)))
    spread = np.quantile(np.quantile(again, _SHARES, axis=1), [0.025, 0.975], axis=1)
    low, high = predicted.quantile([0.025, 0.975])
    points = np.asarray(predicted.quantile(_SHARES))
    return Agreement(
        count=len(times),
        missing=len(given) - len(times),
        predicted=points,
        measured=np.quantile(times, _SHARES),
        intervals=spread.T,
        inside=float(np.mean((times >= low) & (times <= high))),
        _reached=np.asarray(predicted.cdf(times)),
    )


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Outcomes:
    """How well predicted chances and what happened agree.

    Attributes
    ----------
    count : int
        Trials.
    predicted, measured : float
        How many times it was expected to happen, and did.
    spread : float
        Standard deviation of that number, by the predicted chances.
    impossible : int
        Trials that came out as the prediction excludes (by less than 1 in 1000).
    """

    count: int
    predicted: float
    measured: int
    spread: float
    impossible: int

    @property
    def holds(self) -> bool:
        """Whether the number is within two deviations, and nothing was excluded."""
        return abs(self.measured - self.predicted) <= 2 * self.spread and (
            self.impossible == 0
        )

    @property
    def row(self) -> tuple[str, ...]:
        """Its numbers in words, under the heads of an `Agreement`."""
        said = f"{self.predicted:.1f} for {self.measured} (spread {self.spread:.1f})"
        excluded = f"{self.impossible} excluded" if self.impossible else "none excluded"
        return (str(self.count), said, "", "yes" if self.holds else "no", "", excluded)

    def __repr__(self) -> str:
        return (
            f"<Outcomes of {self.count}: {self.predicted:.1f} +- {self.spread:.1f}"
            f" predicted, {self.measured} happened, {self.impossible} excluded>"
        )


def outcomes(chances: ArrayLike, happened: ArrayLike) -> Outcomes:
    """Hold predicted chances against what happened.

    Parameters
    ----------
    chances : array_like
        Predicted chance of each trial.
    happened : array_like
        1 where it happened, 0 where not.

    Raises
    ------
    ValueError
        If a chance is outside [0, 1], or the lengths differ.

    Examples
    --------
    >>> outcomes([0.1, 0.5, 0.9], [0, 1, 1])
    <Outcomes of 3: 1.5 +- 0.7 predicted, 2 happened, 0 excluded>
    >>> outcomes([0.0, 0.5], [1, 0]).holds
    False
    """
    p, seen = np.asarray(chances, float), np.asarray(happened, float)
    _check.between(0, 1, chances=p)
    if p.shape != seen.shape:
        raise ValueError(f"happened must have {p.size} values, got {seen.size}")
    return Outcomes(
        count=p.size,
        predicted=float(p.sum()),
        measured=int(seen.sum()),
        spread=float(np.sqrt((p * (1 - p)).sum())),
        impossible=int(np.sum(np.where(seen == 1, p, 1 - p) < _EXCLUDED)),
    )
