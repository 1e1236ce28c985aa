"""Estimates of one kind each: mean times, probabilities, means of laws."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from scipy import special

from hamodel import text
from hamodel.calibration._estimate import Calibration, Estimate
from hamodel.calibration._exact import (
    events_needed,
    mean_time_interval,
    samples_needed,
    share_interval,
)
from hamodel.calibration._fit import Fit

_GOAL = 0.99  # a coverage that is worth the trials
_WIDE = 4.0  # upper over lower end beyond which a mean time is hardly known


def mean_time(events: int, exposure: float, *, level: float, what: str) -> Estimate:
    """Return the mean time between events.

    Without an event the most likely value would be `never`.  What is taken instead is
    the mean time under which such a record is as likely as not.
    """
    ends = mean_time_interval(events, exposure, level=level)
    value = exposure / events if events else exposure / math.log(2)
    how = f"{_of(events, what)} in {text.time(exposure)} of service"
    if not events:
        how += "; the value is the one under which that is as likely as not"
    seen = {"events": events, "exposure": exposure}
    return estimate(value, ends, events, how, level, seen)


def _of(count: int, what: str) -> str:
    """Return a count of things, such as "1 outage" or "3 outages of one node"."""
    first, space, rest = what.partition(" ")
    return f"{count} {first.removesuffix('s') if count == 1 else first}{space}{rest}"


def share(
    successes: int, trials: int, *, level: float, kind: str, what: str
) -> Estimate:
    """Return a probability; all or none are read as `mean_time` reads no event."""
    ends = share_interval(successes, trials, level=level, kind=kind)
    value, how = successes / trials, f"{successes} of {trials} {what}"
    if successes in (0, trials):
        even = 0.5 ** (1 / trials)
        value = even if successes else 1 - even
        how += "; the value is the one under which that is as likely as not"
    seen = {"successes": successes, "trials": trials}
    return replace(estimate(value, ends, trials, how, level, seen), unit="1")


def estimate(
    value: float,
    ends: tuple[float, float],
    n: float,
    how: str,
    level: float,
    seen: Mapping[str, float] | None = None,
) -> Estimate:
    """Return an estimate in s; its uncertainty is lognormal unless `seen` tells it."""
    low, high = ends
    seen = spread(value, low, high, level) if seen is None else seen
    return Estimate(
        value=value,
        low=low,
        high=high,
        n=n,
        unit="s",
        how=how,
        level=level,
        evidence=seen,
    )


def of_law(fit: Fit, what: str) -> Calibration:
    """Return a fitted law and its mean under the name of what was measured."""
    waiting = f" and {len(fit.still)} still open" if len(fit.still) else ""
    how = f"{len(fit.values)} {what}{waiting}, {fit.family} law"
    mean = estimate(fit.mean, (fit.low, fit.high), len(fit.values), how, fit.level)
    return Calibration(
        parameters={fit.name: mean}, fits={fit.name: fit}, warnings=bad_fit(fit)
    )


def spread(value: float, low: float, high: float, level: float) -> dict[str, float]:
    """Return mean and cv of the lognormal law whose percentiles are the ends."""
    width = 2 * float(special.ndtri((1 + level) / 2))
    if low > 0 and high < math.inf:
        sigma, middle = math.log(high / low) / width, math.sqrt(low * high)
    else:  # one end is not known: as far from the value as the other
        sigma = math.log(value / low) * 2 / width if 0 < low < value else 1.0
        middle = value
    square = sigma * sigma
    return {"mean": middle * math.exp(square / 2), "cv": math.sqrt(math.expm1(square))}


def few_events(path: str, found: Estimate, what: str) -> list[str]:
    """Say how wide the interval of a mean time is and what would narrow it."""
    events, exposure = int(found.n), found.evidence["exposure"]
    if not events:
        return [
            f"{path}: no {what} in {text.time(exposure)}: only a lower end is known, "
            f"at least {text.time(found.low)}; the value {text.time(found.value)} is a "
            "guess"
        ]
    factor = found.high / found.low
    if factor <= _WIDE:
        return []
    need = events_needed(2.0, level=found.level)
    return [
        f"{path}: {_of(events, what)} in {text.time(exposure)}: the interval goes from "
        f"{text.time(found.low)} to {text.time(found.high)}, "
        f"a factor of {text.number(factor)}; "
        f"a factor of 2 needs about {need}, which takes "
        f"{text.time(need * found.value)} at this rate"
    ]


def few_trials(path: str, found: Estimate) -> list[str]:
    """Say what a coverage is not yet known to be."""
    if found.low >= _GOAL:
        return []
    trials = int(found.n)
    failed = trials - int(found.evidence["successes"])
    need = samples_needed(_GOAL, level=found.level)
    said = f"{path}: {trials - failed} of {trials} worked: it may be {found.interval}"
    if failed:
        return [said] if found.high - found.low > 0.1 else []
    return [
        f"{said}; to know that it is at least {_GOAL:g} needs {need} without a miss"
    ]


def bad_fit(fit: Fit) -> list[str]:
    """Say that a law fits badly, or that there are too few values to tell."""
    if fit.bad:
        return [
            f"{fit.name}: even the best of {', '.join(fit.criterion)}, the "
            f"{fit.family} law, fits badly ({fit.test}, "
            f"p = {text.number(fit.chance, 2)}): trust the mean and the sample's own "
            "percentiles, not the law's tail"
        ]
    count = len(fit.values)
    if count < 20:
        return [
            f"{fit.name}: {count} value{'s' if count > 1 else ''}: the mean may be "
            f"{text.time(fit.low)} to {text.time(fit.high)}, and the law's kind is a "
            "guess; telling the laws apart needs some 50"
        ]
    return []
