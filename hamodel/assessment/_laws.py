"""Times of events as laws: their transforms, and what is left of one that has run."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from hamodel._quadrature import edges_of
from hamodel._quantity import mean_of
from hamodel._types import FloatArray, Numbers, Quantity
from hamodel.assessment._inversion import tails
from hamodel.duration import Duration, constant, exponential, tabulated

_YOUNG = 1e-3  # of its mean: an age that does not matter
_SHORT = 10.0  # ages in a mean: from there on one is like another
NARROW = 1024  # stages of the gamma law that stands for a constant: it varies by 3 %
_BLUNT = 1024  # and of those whose mixture stands for another law
_SHARP = 16_384  # stages of the one that stands for a law that varies by less
_AGES = 64  # of a time, for what it leaves of another
_NESTED = ("minimum", "maximum", "order_statistic", "mixture")  # names of laws
_SPAN = 1e-5, 1e5, 4096  # of a table, as shares of about how long it is
_MOST = 400  # blocks of an inversion
_CACHED = 4096  # complex numbers that stay near the processor
_LEVELS = np.concatenate(  # of a law's tail, between the parts of the mixture
    [np.linspace(1, 0.1, 31), 0.1 * 10 ** (-np.arange(1, 65) / 8)]
)


def is_exponential(after: Quantity) -> bool:
    """Tell whether a time of an event is exponential: a plain number is a mean."""
    if not hasattr(after, "sample"):
        return True
    if not hasattr(after, "sf"):
        return False
    mean = float(after.mean)
    times = mean * np.array([0.5, 1.0, 3.0])
    return bool(np.allclose(after.sf(times), np.exp(-times / mean), rtol=1e-9))


def transform(law: Quantity, s: Numbers) -> tuple[Numbers, Numbers]:
    """Return E exp(-s X) of an event's time, and its derivative.

    A jump of a distribution takes thousands of terms to invert, so a constant is read
    as a gamma law that varies by 3 %, and others as mixtures of such laws; what varies
    by less is one gamma law that varies as much, if that is 0.8 % at least.
    """
    points = np.atleast_1d(s).ravel()
    value = np.ones(points.shape, np.result_type(s, float))
    change = np.zeros_like(value)
    for part in getattr(law, "of", (law,)):
        times, weights, stages = _mixture(part)
        once = times / stages
        rows = max(_CACHED // len(times), 1)
        for first in range(0, len(points), rows):
            here = slice(first, first + rows)
            shorter = np.reciprocal(1 + np.multiply.outer(points[here], once))
            each = _power(shorter.copy(), stages)
            # by einsum: the threads of a product wait where the machine is busy
            own = np.einsum("ij,j", each, weights)
            np.multiply(each, shorter, out=each)
            slope = np.einsum("ij,j", each, weights * times)
            change[here] = change[here] * own - value[here] * slope
            value[here] *= own
    return value.reshape(np.shape(s)), change.reshape(np.shape(s))


def _power(x: Numbers, n: int) -> Numbers:
    """Return x to the n, by squaring in place: quicker than by logarithms."""
    found = x.copy() if n & 1 else np.ones_like(x)
    while n := n >> 1:
        np.multiply(x, x, out=x)
        if n & 1:
            np.multiply(found, x, out=found)
    return found


@lru_cache(maxsize=256)
def _mixture(time: Quantity) -> tuple[FloatArray, FloatArray, int]:
    """Return the means and weights of gamma laws, and how many stages each has."""
    mean = float(mean_of(time))
    if not hasattr(time, "sample") or float(time.var) == 0:
        return np.array([mean]), np.ones(1), NARROW
    if is_exponential(time):
        return np.array([mean]), np.ones(1), 1
    if time.var < mean**2 / _BLUNT:  # one such law, and as narrow
        return np.array([mean]), np.ones(1), int(min(mean**2 / time.var, _SHARP))
    middle = (_LEVELS[:-1] + _LEVELS[1:]) / 2
    times = np.asarray(time.quantile(1 - np.append(middle, _LEVELS[-1] / 2)), float)
    weights = np.append(-np.diff(_LEVELS), _LEVELS[-1])
    alike = np.floor(np.log(np.maximum(times, 1e-9 * mean)) * _BLUNT**0.5)
    _, group = np.unique(alike, return_inverse=True)
    merged: FloatArray = np.bincount(group, weights=weights).astype(float)
    times = np.bincount(group, weights=weights * times) / merged
    times *= mean / float(times @ merged)
    # the gamma laws vary by themselves: their means vary by so much less
    spread, own = float(merged @ (times - mean) ** 2), float(merged @ times**2) / _BLUNT
    if own < time.var < np.inf and spread > 0:
        less = min(((time.var - own) / (spread + spread / _BLUNT)) ** 0.5, 1.0)
        times = mean + less * (times - mean)
    return times, merged, _BLUNT


def ends_of(time: Quantity) -> tuple[float, float]:
    """Return between which times, but for 1e-16, the law ends that is transformed.

    Gamma laws of that many stages end within 3/4 and 4/3 of their means, by Chernoff's
    bound, and so do sums of them.
    """
    low, high = 0.0, 0.0
    for part in getattr(time, "of", (time,)):
        times, _, stages = _mixture(part)
        low += float(times.min()) * (0.75 if stages > 1 else 0.0)
        high += float(times.max()) * (4 / 3 if stages > 1 else np.inf)
    return low, high


@lru_cache(maxsize=256)
def law_of(time: Quantity) -> Duration | None:
    """Return an event's time as a law; None if its transform is exact."""
    if is_exponential(time):
        return None
    return sum(map(_as_law, getattr(time, "of", (time,))), start=constant(0.0))


@lru_cache(maxsize=256)
def is_constant(time: Quantity) -> bool:
    """Tell whether an event's time is always the same."""
    law = law_of(time)
    return law is not None and float(law.var) == 0


def _as_law(stage: Quantity) -> Duration:
    """Return a stage as a law: a number is constant, a race is asked for its law."""
    if isinstance(stage, Duration):
        return stage
    if hasattr(stage, "sample"):
        law: Duration = stage.law
        return law
    return constant(float(mean_of(stage)))


@lru_cache(maxsize=256)
def left_of(time: Quantity, age: float) -> Quantity:
    """Return what is left of a time that has run for an exponential one.

    `age` is how long that was on average, among those times that were longer; it is
    taken as it is if it is short.
    """
    law, mean = law_of(time), float(mean_of(time))
    if law is None or age < _YOUNG * mean:
        return time
    pace = 1 / age - 1 / mean  # of the exponential time
    if pace * mean < _YOUNG:
        return _residual(law)
    t = _places(law)
    if pace * mean > _SHORT:
        t = np.append(0.0, t[t > age] - age)
        tail = np.asarray(law.sf(t + age))
    else:  # the integral of the density of P(X > age + t): backwards, step by step
        step, sf = np.diff(t), np.asarray(law.sf((t[1:] + t[:-1]) / 2))
        tail = np.zeros(len(t))
        for k in range(len(step) - 1, -1, -1):
            fades = math.exp(-pace * step[k])
            tail[k] = fades * tail[k + 1] + (1 - fades) * sf[k]
    return tabulated(t, np.minimum.accumulate(tail / tail[0]))


@lru_cache(maxsize=256)
def outlasting(time: Quantity, other: Quantity) -> tuple[float, Quantity]:
    """Return how often a time is longer than another one, and what is left of it then.

    Both begin together.
    """
    law, first = (law_of(each) or exponential(mean_of(each)) for each in (time, other))
    ages = np.asarray(first.quantile((np.arange(_AGES) + 0.5) / _AGES))
    share = float(np.mean(law.sf(ages)))
    if is_exponential(time) or share < _YOUNG:
        return share, time
    t = _places(law)
    tail = np.mean([law.sf(t + age) for age in ages], axis=0)
    return share, tabulated(t, np.minimum.accumulate(tail / tail[0]))


@lru_cache(maxsize=64)
def outlasted(time: Quantity, other: Quantity) -> tuple[Quantity, Quantity]:
    """Return how long a time is that another one outlasts, and one that ends later.

    Both begin together.
    """
    law, second = (law_of(each) or exponential(mean_of(each)) for each in (time, other))
    if law.var == 0:
        return time, time
    t = _places(law)
    come, stays = np.maximum(-np.diff(law.sf(t)), 0.0), np.asarray(second.sf(t), float)
    stays = (stays[1:] + stays[:-1]) / 2
    found = []
    for share in (come * stays, come * (1 - stays)):
        tail = np.append(np.cumsum(share[::-1])[::-1], 0.0)
        found.append(tabulated(t, tail / tail[0]) if tail[0] > 0 else time)
    return found[0], found[1]


def _places(law: Duration) -> FloatArray:
    """Return times between which the tail of a law is nearly straight."""
    ends = np.asarray(law.quantile(1 - _LEVELS), float)
    return edges_of(np.concatenate([np.linspace(0, ends[-20], 512), ends]))


@lru_cache(maxsize=256)
def _residual(law: Duration) -> Duration:
    """Return what is left of a law at a random moment, made once."""
    left = law.residual()
    if law.law.name.startswith(("tabulated", *_NESTED)):
        return table(left, float(law.mean))
    return left


def flat(law: Duration, about: float) -> Duration:
    """Return a race of times, or a mixture, as a table; `about` tells how long it is.

    Races of what races have left are nested: each search of them takes seconds.
    """
    if not law.law.name.startswith(_NESTED):
        return law
    low, high = law.support
    return constant(float(low)) if low == high else table(law, about)


def table(law: Duration, about: float) -> Duration:
    """Return a law as a table, with its jumps."""
    jumps = np.asarray(law.law.knots, float).ravel()
    t = np.append(0.0, about * np.geomspace(*_SPAN))
    t = edges_of(np.concatenate([t, jumps, np.nextafter(jumps, 0.0)]))
    return tabulated(t, np.minimum.accumulate(np.asarray(law.sf(t), float)))


@lru_cache(maxsize=64)
def smoothed(time: Quantity, least: tuple[float, ...]) -> FloatArray:
    """Return what a transform takes off the tail of a law, and off its excess, (2, x).

    Streams whose visits last alike ask for the same.
    """
    law, mean = law_of(time), float(mean_of(time))
    assert law is not None

    def both(s: Numbers) -> Numbers:
        lasts = (1 - transform(time, s)[0]) / s
        return np.stack([lasts, (mean - lasts) / s])

    x, (low, high) = np.array(least), ends_of(time)
    early, near = x < low, (x >= low) & (x <= high)
    smooth = np.stack([early, early * (mean - x)])
    if np.any(near):
        smooth[:, near] = tails(both, x[near], _MOST)
    return np.array([law.law.sf(x), law.law.excess(x)]) - smooth
