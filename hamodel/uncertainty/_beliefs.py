"""What is believed of a parameter: a distribution of its possible values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hamodel import _check, text
from hamodel._types import FloatArray, Quantity, Value
from hamodel.uncertainty._beta import beta_quantile

_JEFFREYS = 0.5  # events that the prior adds, of a count and of either outcome
_EDGE = 2.0**-40  # draws are taken between this quantile and that of its complement


@dataclass(frozen=True, eq=False, repr=False)
class Belief:
    """A distribution of what a parameter may be; made by the functions of this room.

    Attributes
    ----------
    label : str
        What it stands on, in words.
    mean : float
        Its mean; `inf` where the tail is that heavy.
    inverse : callable
        The quantile function, of arrays.
    """

    label: str
    mean: float
    inverse: Callable[[Value], Value]

    def quantile(self, p: ArrayLike) -> FloatArray:
        """Return the values of the parameter at probabilities in [0, 1]."""
        _check.probability(p=p)
        found: FloatArray = np.asarray(self.inverse(np.asarray(p, float)), float)[()]
        return found

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Return n values drawn from it."""
        _check.whole(1, n=n)
        return self.quantile(np.clip(rng.random(n), _EDGE, 1 - _EDGE))

    @property
    def median(self) -> float:
        """The value that is as likely too small as too large."""
        return float(self.quantile(0.5))

    def __repr__(self) -> str:
        low, high = (text.number(x, 4) for x in self.quantile([0.05, 0.95]))
        middle = text.number(self.median, 4)
        return f"<{self.label}: median {middle}, 90 % in {low} to {high}>"


def gamma(*, events: float, during: float) -> Belief:
    """Return what a count of events says of the mean time between them.

    Parameters
    ----------
    events : float
        How many were seen; 0 is an answer too.
    during : float
        Time in s over which they were looked for, over all nodes together.

    Returns
    -------
    Belief
        Of a mean time in s, such as `database.mttf`.

    Raises
    ------
    ValueError
        If there are fewer than no events, or `during` is not above zero.

    Notes
    -----
    With Jeffreys' prior, in proportion to rate^(-1/2), the posterior of the rate is
    gamma with shape events + 1/2 and rate `during`; the mean time is its inverse.
    Source: A. Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., section 2.8;
    C. L. Atwood et al. (2003), Handbook of Parameter Estimation for Probabilistic
    Risk Assessment, NUREG/CR-6823, section 6.2.2.

    Examples
    --------
    >>> from hamodel.units import MONTH
    >>> found = gamma(events=3, during=26 * MONTH)
    >>> (found.quantile([0.05, 0.5, 0.95]) / MONTH).round(1)
    array([ 3.7,  8.2, 24. ])
    """
    from scipy import special

    _check.non_negative(events=events)
    _check.positive(during=during)
    shape = events + _JEFFREYS
    plural = "event" if events == 1 else "events"
    return Belief(
        f"{events:g} {plural} in {text.time(during)}",
        during / (shape - 1) if shape > 1 else float("inf"),
        lambda p: during / special.gammainccinv(shape, p),
    )


def beta(successes: float, trials: float) -> Belief:
    """Return what successes in some trials say of a probability.

    Parameters
    ----------
    successes : float
        How many succeeded.
    trials : float
        How many there were.

    Returns
    -------
    Belief
        Of a probability, such as `failover.coverage`.

    Raises
    ------
    ValueError
        If there are more successes than trials.

    Notes
    -----
    With Jeffreys' prior, beta(1/2, 1/2), the posterior is beta with parameters
    successes + 1/2 and failures + 1/2.  Source: as of `gamma`, NUREG/CR-6823,
    section 6.3.2.

    Examples
    --------
    >>> beta(12, 12).quantile([0.05, 0.5, 0.95]).round(3)
    array([0.855, 0.982, 1.   ])
    """
    _check.non_negative(trials=trials)
    _check.between(0, trials, successes=successes)
    a, b = successes + _JEFFREYS, trials - successes + _JEFFREYS
    return Belief(
        f"{successes:g} of {trials:g} trials",
        a / (a + b),
        lambda p: beta_quantile(a, b, p),
    )


def lognormal(
    mean: float | None = None,
    cv: float | None = None,
    *,
    low: float | None = None,
    high: float | None = None,
    level: float = 0.9,
) -> Belief:
    """Return a lognormal belief, by mean and spread or by an interval.

    Parameters
    ----------
    mean, cv : float, optional
        Mean, and standard deviation over mean.
    low, high : float, optional
        Instead: an interval with as much beyond one end as beyond the other.
    level : float
        Probability of the interval.

    Returns
    -------
    Belief
        Of a duration, or of anything above zero.

    Raises
    ------
    ValueError
        If neither pair is whole, or a value is beyond its limits.

    Examples
    --------
    >>> round(lognormal(low=60, high=960).median, 6)
    240.0
    >>> round(lognormal(mean=30, cv=0.5).mean, 6)
    30.0
    """
    from scipy import special

    if mean is not None and cv is not None and low is None and high is None:
        _check.positive(mean=mean, cv=cv)
        sigma = float(np.sqrt(np.log1p(cv**2)))
        middle = float(np.log(mean)) - sigma**2 / 2
        label = f"lognormal of mean {mean:g} and cv {cv:g}"
    elif low is not None and high is not None and mean is None and cv is None:
        _check.positive(low=low, high=high)
        _rising(low=low, high=high)
        _check.between(1e-6, 1 - 1e-6, level=level)
        middle = float(np.log(low) + np.log(high)) / 2
        sigma = float(np.log(high / low) / (2 * special.ndtri((1 + level) / 2)))
        label = f"lognormal, {100 * level:g} % in {low:g} to {high:g}"
    else:
        raise ValueError("lognormal needs mean and cv, or low and high")
    with np.errstate(over="ignore"):
        whole = float(np.exp(middle + sigma**2 / 2))  # may be beyond all numbers
    return Belief(label, whole, lambda p: np.exp(middle + sigma * special.ndtri(p)))


def uniform(low: float, high: float) -> Belief:
    """Return a belief that holds all values between two as likely.

    Parameters
    ----------
    low, high : float
        The ends.

    Raises
    ------
    ValueError
        If the ends are not in order.

    Examples
    --------
    >>> uniform(10, 20).quantile([0, 0.5, 1])
    array([10., 15., 20.])
    """
    _check.finite(low=low, high=high)
    _rising(low=low, high=high)
    return Belief(
        f"uniform from {low:g} to {high:g}",
        (low + high) / 2,
        lambda p: low + (high - low) * p,
    )


def triangular(low: float, mode: float, high: float) -> Belief:
    """Return a belief with straight sides: least, likeliest and greatest value.

    Parameters
    ----------
    low, mode, high : float
        Least, likeliest and greatest value.

    Raises
    ------
    ValueError
        If the three are not in order.

    Examples
    --------
    >>> triangular(0, 2, 4).median
    2.0
    """
    _between(low, mode, high)
    width, left = high - low, mode - low
    turn = left / width

    def inverse(p: Quantity) -> Quantity:
        rising = low + np.sqrt(p * width * left)
        falling = high - np.sqrt((1 - p) * width * (high - mode))
        return np.where(p < turn, rising, falling)

    return Belief(
        f"triangular from {low:g} over {mode:g} to {high:g}",
        (low + mode + high) / 3,
        inverse,
    )


def pert(low: float, mode: float, high: float) -> Belief:
    """Return the smooth belief of an expert: least, likeliest and greatest value.

    Parameters
    ----------
    low, mode, high : float
        Least, likeliest and greatest value.

    Returns
    -------
    Belief
        Of anything; its mean is (low + 4 mode + high) / 6.

    Raises
    ------
    ValueError
        If the three are not in order.

    Notes
    -----
    A beta distribution between the ends.  Source: D. G. Malcolm et al. (1959),
    Application of a technique for research and development program evaluation,
    Operations Research 7(5), 646-669.

    Examples
    --------
    >>> pert(1, 2, 9).mean
    3.0
    """
    _between(low, mode, high)
    width = high - low
    a, b = 1 + 4 * (mode - low) / width, 1 + 4 * (high - mode) / width
    return Belief(
        f"PERT from {low:g} over {mode:g} to {high:g}",
        (low + 4 * mode + high) / 6,
        lambda p: low + width * beta_quantile(a, b, p),
    )


def as_belief(name: str, given: Value) -> Belief:
    """Return a belief, or that of an estimate with its evidence.

    Raises ValueError if it is neither, or the evidence does not tell.
    """
    if isinstance(given, Belief):
        return given
    evidence = getattr(given, "evidence", None)
    if not isinstance(evidence, Mapping):
        raise ValueError(f"{name} must be a Belief or an estimate, got {given!r}")
    known = dict(evidence)
    if {"events", "exposure"} <= set(known):
        return gamma(events=known["events"], during=known["exposure"])
    if {"successes", "trials"} <= set(known):
        return beta(known["successes"], known["trials"])
    if {"mean", "cv"} <= set(known):
        return lognormal(known["mean"], known["cv"])
    raise ValueError(f"{name} must be an estimate with evidence, got {sorted(known)}")


def _rising(**ends: float) -> None:
    (first, low), (second, high) = ends.items()
    if not low < high:
        raise ValueError(f"{second} must be > {first} ({low:g}), got {high:g}")


def _between(low: float, mode: float, high: float) -> None:
    _check.finite(low=low, mode=mode, high=high)
    _rising(low=low, high=high)
    _check.between(low, high, mode=mode)
