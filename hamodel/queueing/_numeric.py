"""Numbers that all queues share: Poisson weights, quantiles, transform inversion."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hamodel import _check
from hamodel._types import FloatArray, Quantity

_HALF_LOG_TWO_PI = 0.918938533204672741780329736406
_STEPS = 200  # cap of every iteration; 60 bisections already exhaust a double


def plain(value: Quantity) -> Quantity:
    """Return a float for a zero-dimensional array, anything else as it is."""
    array = np.asarray(value)
    return array.item() if array.ndim == 0 else array


def symbolic(*values: object) -> bool:
    """Tell whether any value is a SymPy expression."""
    return any(_check.is_symbolic(v) for v in values)


def number(value: Quantity) -> Quantity:
    return value if symbolic(value) else plain(np.asarray(value, float))


def product(first: Quantity, second: Quantity) -> Quantity:
    return number(first) * number(second)


def little(rate: Quantity, time: Quantity) -> Quantity:
    """Return rate times mean time, 0 (not NaN) without traffic."""
    if symbolic(rate, time):
        return rate * time
    rate, time = np.asarray(rate, float), np.asarray(time, float)
    with np.errstate(invalid="ignore"):
        return plain(np.where(rate > 0, rate * time, 0.0))


def ratio(number: Quantity, rate: Quantity) -> Quantity:
    """Return number over rate, 0 (not NaN) without traffic."""
    if symbolic(number, rate):
        import sympy

        return sympy.cancel(number / rate)
    number, rate = np.asarray(number, float), np.asarray(rate, float)
    return plain(np.where(rate > 0, number / np.where(rate > 0, rate, 1.0), 0.0))


def per_spare(work: Quantity, load: Quantity) -> Quantity:
    """Return work over 1 - load; infinite from load 1 on (not in a formula)."""
    if symbolic(work, load):
        return work / (1 - load)
    work, load = np.asarray(work, float), np.asarray(load, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return plain(np.where(load < 1, work / (1 - load), np.inf))


def log_poisson(count: Quantity, mean: Quantity) -> FloatArray:
    """Log of e^-mean mean^count / Gamma(count + 1), for real counts.

    Loader's saddle-point form: the deviance is summed without cancellation, so that
    the weight keeps its digits at counts of 1e5 and beyond.  Source: Loader (2000),
    Fast and accurate computation of binomial probabilities, equations 5 and 6.
    """
    n, a = np.broadcast_arrays(np.asarray(count, float), np.asarray(mean, float))
    with np.errstate(divide="ignore", invalid="ignore"):
        body = -_stirling_error(n) - _deviance(n, a)
        body = body - _HALF_LOG_TWO_PI - 0.5 * np.log(n)
        body = np.where(a > 0, body, -np.inf)
    return np.where(n == 0, -a, body)


def _stirling_error(n: FloatArray) -> FloatArray:
    """Log Gamma(n + 1) less Stirling's formula."""
    from scipy.special import gammaln

    far = np.maximum(n, 15.0)
    square = 1 / (far * far)
    series = 1 / 1260 - (1 / 1680 - square / 1188) * square
    answer = np.asarray((1 / 12 - (1 / 360 - series * square) * square) / far)
    if np.any(small := n < 15):
        few = np.clip(n[small], 1e-300, 15.0)
        stirling = (few + 0.5) * np.log(few) - few + _HALF_LOG_TWO_PI
        answer[small] = gammaln(few + 1) - stirling
    return answer


def _deviance(n: FloatArray, a: FloatArray) -> FloatArray:
    """N log(n/a) + a - n without cancellation (Loader's bd0)."""
    gap = n - a
    v = gap / (n + a)
    close = np.abs(v) < 0.1
    if not np.any(close):
        return np.asarray(n * np.log(n / a) - gap)
    square = np.where(close, v * v, 0.0)
    series = square * (1 / 17)
    for k in (15, 13, 11, 9, 7, 5, 3):  # |v| < 0.1, so eight terms reach 1e-17
        series = (series + 1 / k) * square
    return np.asarray(
        np.where(close, gap * v + 2 * n * v * series, n * np.log(n / a) - gap)
    )


def log_gamma_ratio(x: Quantity, y: Quantity) -> FloatArray:
    """Log of A(x, y) = sum over j >= 0 of y^j / ((x+1)...(x+j)).

    A is the lower incomplete gamma function over its leading weight; it is what is
    left of a sum of state probabilities above `x` when each state further is `y/(x+j)`
    times the one before.  The tabulated function serves near and above its mean; four
    deviations below it loses digits (SciPy 1.17: 4e-6 at x = 1e6), and the series of
    positive terms takes over.
    """
    from scipy.special import gammainc

    x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
    below = gammainc(x, y)
    weight = log_poisson(x, y)
    series = rare(x, y)
    with np.errstate(divide="ignore", invalid="ignore"):
        answer = np.asarray(np.log(below) - weight)
    if np.any(series):
        answer[series] = np.log(_rising_sum(x[series], y[series]))
    return answer


def rare(x: FloatArray, y: FloatArray) -> FloatArray:
    """Where a Poisson count of mean y reaches x with small probability only."""
    return np.asarray((y < x) & ((y < 0.5 * x) | ((x - y) ** 2 > 16 * x)))


def _rising_sum(x: FloatArray, y: FloatArray) -> FloatArray:
    """Sum y^j / ((x+1)...(x+j)) over j >= 0, term by term (y < x)."""
    total = np.ones_like(y)
    term = np.ones_like(y)
    j = 0
    while np.any(term > 1e-17 * total):
        j += 1
        term = term * y / (x + j)
        total = total + term
    return total


def upper_quantile(
    sf: Callable[[FloatArray], Quantity], q: Quantity, scale: Quantity
) -> Quantity:
    """Smallest t with sf(t) <= q, for a continuous falling sf on (0, inf).

    `sf` works elementwise on arrays of the broadcast shape of `q` and `scale`.
    Chandrupatla's method on log sf, whose graph is nearly straight for queues: a dozen
    evaluations for full accuracy.
    """
    q, scale = np.broadcast_arrays(np.asarray(q, float), np.asarray(scale, float))
    with np.errstate(divide="ignore"):
        goal = np.log(q)
    found = np.isfinite(goal) & np.isfinite(scale)
    high = np.where(found & (scale > 0), scale, 1.0)

    def excess(t: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            value = np.log(np.maximum(sf(t), 0.0)) - np.where(found, goal, 0.0)
        return np.where(found, np.maximum(value, -1e300), -1.0)

    low = np.zeros(q.shape)
    f_high = excess(high)
    for _ in range(1100):
        if not np.any(short := f_high > 0):
            break
        low = np.where(short, high, low)
        high = np.where(short, 2 * high, high)
        f_high = excess(high)
    f_low = excess(np.maximum(low, 1e-300))
    root = _chandrupatla(excess, (low, high), (f_low, f_high))
    root = np.where(f_low <= 0, 0.0, root)
    return plain(np.where(q == 1, 0.0, np.where(found, root, np.inf)))


def _chandrupatla(
    f: Callable[[FloatArray], FloatArray],
    ends: tuple[FloatArray, FloatArray],
    values: tuple[FloatArray, FloatArray],
) -> FloatArray:
    """Root of f between the ends, elementwise (Chandrupatla 1997)."""
    (b, a), (fb, fa) = ends, values
    c, fc = a, fa
    step = np.full(a.shape, 0.5)
    for _ in range(_STEPS):
        t = a + step * (b - a)
        ft = f(t)
        same = np.sign(ft) == np.sign(fa)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = t, ft
        best = np.where(np.abs(fa) < np.abs(fb), a, b)
        width = np.abs(b - a)
        tolerance = 4e-16 * np.abs(best) + 1e-300
        if np.all((width <= 2 * tolerance) | (fa == 0) | (fb == 0)):
            break
        step = _next_step((a, b, c), (fa, fb, fc))
        with np.errstate(divide="ignore", invalid="ignore"):
            least = np.where(width > 0, tolerance / width, 0.5)
        step = np.clip(step, np.minimum(least, 0.5), np.maximum(1 - least, 0.5))
    return np.where(np.abs(fa) < np.abs(fb), a, b)


def _next_step(
    points: tuple[FloatArray, FloatArray, FloatArray],
    values: tuple[FloatArray, FloatArray, FloatArray],
) -> FloatArray:
    """Inverse quadratic interpolation where it is safe, else bisection."""
    (a, b, c), (fa, fb, fc) = points, values
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        xi = (a - b) / (c - b)
        phi = (fa - fb) / (fc - fb)
        inverse = fa / (fb - fa) * fc / (fb - fc)
        inverse = inverse + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        safe = (phi * phi < xi) & ((1 - phi) ** 2 < 1 - xi) & np.isfinite(inverse)
    return np.where(safe, inverse, 0.5)


def invert(
    transform: Callable[[FloatArray], FloatArray], times: Quantity
) -> FloatArray:
    """Invert a Laplace transform at positive times by the Euler algorithm.

    `transform` takes an array of complex s with one more axis than `times` in front.
    Source: Abate and Whitt (2006), A unified framework for numerically inverting
    Laplace transforms, INFORMS J. Computing 18(4), section 5, with M = 16.
    """
    from scipy.special import comb

    t, terms = np.asarray(times, float), 16
    k = np.arange(2 * terms + 1)
    weight = np.ones(2 * terms + 1)
    weight[0] = 0.5
    weight[-1] = 2.0**-terms
    for j in range(1, terms):
        weight[2 * terms - j] = weight[2 * terms - j + 1] + comb(terms, j) * 2.0**-terms
    weight = weight * 10 ** (terms / 3) * (-1.0) ** k
    nodes = terms * np.log(10) / 3 + 1j * np.pi * k
    axes = (slice(None), *(None,) * t.ndim)
    values = transform(nodes[axes] / t)
    total: FloatArray = np.sum(weight[axes] * values.real, axis=0) / t
    return total
