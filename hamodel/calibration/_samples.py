"""From samples of lag and of latency to laws and percentiles."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from hamodel import _check
from hamodel._types import FloatArray
from hamodel.calibration import _findings
from hamodel.calibration._drills import whole
from hamodel.calibration._estimate import Calibration, Estimate
from hamodel.calibration._exact import (
    mean_time_interval,
    percentile_interval,
    samples_needed,
)
from hamodel.calibration._fit import About, Fit, of_sample
from hamodel.calibration._series import effective_size
from hamodel.calibration._series import samples as read_samples

_LAG = ("exponential", "shifted exponential", "lognormal", "gamma")
_LATENCY = ("lognormal", "gamma", "shifted gamma", "shifted lognormal")
_PERCENTILES = (0.5, 0.95, 0.99)
_TAIL = 0.9  # the tail is what lies above this percentile


def lag(
    samples: ArrayLike | str | Path,
    *,
    writes: float | None = None,
    level: float = 0.95,
    draws: int = 99,
) -> Calibration:
    """Return what replication lag says of the stage that applies writes.

    Parameters
    ----------
    samples : array_like, shape (n,), or path
        Lag in s of writes, in the order in which they were made; 0 for less than could
        be measured.  Or a CSV file with one column of them, see `samples`.
    writes : float or None
        Writes in 1/s while it was measured.  With them the lag tells the apply stage's
        service time and load; without, only their combination.
    level : float
        Confidence of the intervals.
    draws : int
        Samples that the test of fit draws; 0 leaves it out.

    Returns
    -------
    Calibration
        `lag.mean`, `.p50`, `.p95`, `.p99`, and `.tail`, the mean excess over the 90th
        percentile; with `writes` also `replication.apply.service` and
        `replication.load`; and `replication.delay` if the law is a shifted one.

    Raises
    ------
    ValueError
        If there are fewer than 20 samples, one is negative or `writes` is not above
        zero.

    Notes
    -----
    One that serves exponentially at rate m while writes come at rate w makes an
    exponential lag of mean 1/(m - w).  If that law, from 0 or from a delay on, fits,
    the mean tells m; if not, the tail does, whose mean excess is 1/(m - w) even where
    a delay or a coarse clock has shaped the rest.  Lags close to each other are alike:
    intervals are those of `effective_size` independent ones.

    Examples
    --------
    >>> rng = np.random.default_rng(7)
    >>> found = lag(rng.exponential(0.01, 400), writes=900)  # service 1 ms, load 0.9
    >>> print(found["replication.apply.service"].text, found["replication.load"].text)
    1 ms (993 µs to 1.01 ms) 0.9022 (0.8934 to 0.9107)
    """
    values = _taken(samples, 20)
    if writes is not None:
        _check.positive(writes=writes)
    worth = effective_size(values)
    positive, warnings = _without_zeros(values, "lag")
    about = About(name="lag", level=level, draws=draws, effective=worth)
    families = ("exponential",) if np.any(values == 0) else _LAG
    fit = of_sample(whole(positive), families=families, about=about)
    found = _percentiles("lag", values, level, worth)
    found["lag.mean"] = _mean(values, level, worth)
    tail = found["lag.tail"] = _tail(values, level, worth)
    queue = tail
    if _is_queue(fit):  # the mean above the delay
        law = f"{fit.family} law"
        queue = _of_exponential(fit.cv * fit.mean, worth, level, law)
    if fit.family == "shifted exponential":
        found["replication.delay"] = _delay(fit, positive)
    if writes is not None:
        found |= _apply_stage(queue, writes)
    else:
        warnings.append(
            "replication.apply.service: give writes, the rate of writes while the lag "
            "was measured: lag alone tells the spare capacity, not service and load"
        )
    warnings += _few_samples("lag", len(values), worth, level)
    warnings += _findings.bad_fit(fit)
    if not _is_queue(fit):
        warnings.append(
            f"lag: not that of one queue ({fit.family} is nearest, {fit.verdict}): "
            "service and load are read from the tail above the 90th percentile"
        )
    return Calibration(parameters=found, fits={"lag": fit}, warnings=warnings)


def latency(
    samples: ArrayLike | str | Path,
    *,
    of: str = "latency",
    level: float = 0.95,
    draws: int = 99,
) -> Calibration:
    """Return the law and the percentiles of a latency.

    Parameters
    ----------
    samples : array_like, shape (n,), or path
        Times in s, in the order in which they were measured; or a CSV file with one
        column of them, see `samples`.
    of : str
        What they are, such as "round_trip" of a `Workload`.
    level : float
        Confidence of the intervals.
    draws : int
        Samples that the test of fit draws; 0 leaves it out.

    Returns
    -------
    Calibration
        The mean under the name of `of` itself, with the nearest of a lognormal, a
        gamma and their shifted laws; and `.p50`, `.p95`, `.p99` with intervals that
        hold whatever the law.

    Raises
    ------
    ValueError
        If there are fewer than 20 samples or one is negative.

    Notes
    -----
    The mean is the samples' own, with Student's interval.  If no law fits, their own
    distribution is the better one: `duration.empirical(samples)`.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> found = latency(0.040 + rng.gamma(3, 0.004, 400), of="round_trip")
    >>> print(found["round_trip"].text, "and p99", found["round_trip.p99"].text)
    52.7 ms (52 ms to 53.4 ms) and p99 73.8 ms (70.3 ms to 83.3 ms)
    >>> found.fits["round_trip"].family
    'shifted gamma'
    """
    values = _taken(samples, 20)
    worth = effective_size(values)
    positive, warnings = _without_zeros(values, of)
    about = About(name=of, level=level, draws=draws, effective=worth)
    families = ("exponential",) if np.any(values == 0) else _LATENCY
    fit = of_sample(whole(positive), families=families, about=about)
    found = {of: _mean(values, level, worth)}
    found |= _percentiles(of, values, level, worth)
    warnings += _few_samples(of, len(values), worth, level)
    warnings += _findings.bad_fit(fit)
    return Calibration(parameters=found, fits={of: fit}, warnings=warnings)


def _taken(given: ArrayLike | str | Path, least: int) -> FloatArray:
    if isinstance(given, (str, Path)):
        given = read_samples(given)
    values = np.asarray(given, float).ravel()
    if len(values) < least:
        raise ValueError(f"samples must hold at least {least}, got {len(values)}")
    _check.non_negative(samples=values)
    if not np.any(values):
        raise ValueError("samples must not all be 0, got nothing else")
    return values


def _without_zeros(values: FloatArray, name: str) -> tuple[FloatArray, list[str]]:
    """Return values above zero: 0 stands for less than the clock tells."""
    zero = values == 0
    if not np.any(zero):
        return values, []
    least = float(values[~zero].min())
    said = (
        f"{name}: {int(zero.sum())} samples of 0 are read as half of the least other, "
        "and only laws that do not mind were tried"
    )
    return np.where(zero, least / 2, values), [said]


def _mean(values: FloatArray, level: float, worth: float) -> Estimate:
    """Return the samples' mean; neighbours that are alike count for fewer."""
    mean, error = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(worth)
    t = float(special.stdtrit(max(worth - 1, 1), (1 + level) / 2))
    ends = max(mean - t * error, 0.0), mean + t * error
    how, seen = f"mean of {_counted(values, worth)}", {"mean": mean, "cv": error / mean}
    return _findings.estimate(mean, ends, worth, how, level, seen)


def _percentiles(
    name: str, values: FloatArray, level: float, worth: float
) -> dict[str, Estimate]:
    found, how = {}, f"percentile of {_counted(values, worth)}"
    for p in _PERCENTILES:
        ends = percentile_interval(values, p, level=level, effective=worth)
        value = float(np.quantile(values, p, method="inverted_cdf"))
        estimate = _findings.estimate(value, ends, worth, how, level)
        found[f"{name}.p{round(100 * p)}"] = estimate
    return found


def _tail(values: FloatArray, level: float, worth: float) -> Estimate:
    """Return the mean excess over the 90th percentile."""
    edge = float(np.quantile(values, _TAIL, method="inverted_cdf"))
    over = values[values > edge] - edge
    if not len(over):  # the greatest value is there many times
        over = values[values > 0]
    mean = float(over.mean())
    events = max(1.0, worth * len(over) / len(values))
    how = f"mean excess of {len(over)} samples over the 90th percentile"
    return _of_exponential(mean, events, level, how)


def _of_exponential(mean: float, count: float, level: float, how: str) -> Estimate:
    """Return the mean of so many independent times of an exponential law."""
    ends = mean_time_interval(count, mean * count, level=level, last=True)
    seen = {"mean": mean, "cv": 1 / math.sqrt(count)}
    return _findings.estimate(mean, ends, count, how, level, seen)


def _is_queue(fit: Fit) -> bool:
    return "exponential" in fit.family and not fit.bad


def _delay(fit: Fit, values: FloatArray) -> Estimate:
    """Return the delay: a little less than the least sample.

    The least of n exponential times lies mean/n above the delay on average.
    """
    least, count = float(values.min()), fit.effective
    mean = fit.cv * fit.mean
    reach = -mean / count * math.log((1 - fit.level) / 2)
    value = max(least - mean / count, 0.0)
    ends = max(least - reach, 0.0), least
    how = "least lag, less what is left of the queue"
    seen = {"mean": value, "cv": mean / count / value if value else 1.0}
    return _findings.estimate(value, ends, count, how, fit.level, seen)


def _apply_stage(queue: Estimate, writes: float) -> dict[str, Estimate]:
    """Return service time and load of a queue with this mean time in it."""

    def service(time: float) -> float:
        return 1 / (1 / time + writes) if time > 0 else 0.0

    value, low, high = (service(t) for t in (queue.value, queue.low, queue.high))
    # d log service / d log time = service / time
    evidence = {"mean": value, "cv": queue.evidence["cv"] * value / queue.value}
    load = {"mean": value * writes, "cv": evidence["cv"]}
    how = f"{queue.how}, with {writes:g} writes per second"
    found = replace(queue, value=value, low=low, high=high, how=how, evidence=evidence)
    ends = {"value": value * writes, "low": low * writes, "high": high * writes}
    return {
        "replication.apply.service": found,
        "replication.load": replace(found, **ends, unit="1", evidence=load),  # type: ignore[arg-type]
    }


def _few_samples(name: str, count: int, worth: float, level: float) -> list[str]:
    warnings = []
    if worth < count / 2:
        warnings.append(
            f"{name}: neighbours are alike: {count} samples are worth {worth:.0f} "
            "independent ones, and the intervals allow for it"
        )
    for p in _PERCENTILES:
        need = samples_needed(p, level=level)
        if worth < need:
            warnings.append(
                f"{name}.p{round(100 * p)}: not bounded above: that needs {need} "
                f"independent samples, these are worth {worth:.0f}"
            )
    return warnings


def _counted(values: FloatArray, worth: float) -> str:
    if worth > 0.9 * len(values):
        return f"{len(values)} samples"
    return f"{len(values)} samples, worth {worth:.0f} independent ones"
