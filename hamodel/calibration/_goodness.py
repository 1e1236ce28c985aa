"""How far a sample is from a law, and how often chance alone takes it that far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hamodel._types import FloatArray
from hamodel.calibration._laws import Family, Point, best


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """Times that are known, and times known only to be larger."""

    # both kinds, above zero
    values: FloatArray
    still: FloatArray
    limits: FloatArray  # how long each could have been watched, of both; `inf` for ever

    def cut(self, times: FloatArray) -> Sample:
        """Return what would have been seen of other times."""
        over = times > self.limits
        known = np.maximum(times[~over], 1e-12)
        return Sample(values=known, still=self.limits[over], limits=self.limits)


def steps(values: FloatArray, still: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the values where the sample's tail falls, and the tail after each.

    Without open values each falls by 1/n; with them this is the estimate of Kaplan
    and Meier (1958), JASA 53, 457-481: who is still open counts as long as it lasted.
    """
    at, falls = np.unique(values, return_counts=True)
    beyond = len(values) - np.searchsorted(np.sort(values), at)
    waiting = len(still) - np.searchsorted(np.sort(still), at)
    return at, np.cumprod(1 - falls / (beyond + waiting))


def band(
    values: FloatArray, still: FloatArray, level: float, effective: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return values, and the lower and upper end of the share that is below them.

    Without open values the band holds everywhere at once (Dvoretzky, Kiefer and
    Wolfowitz, with Massart's constant); with them at each point (Greenwood).
    """
    at, tail = steps(values, still)
    if not len(still):
        reach = np.sqrt(np.log(2 / (1 - level)) / (2 * effective))
        return at, np.maximum(1 - tail - reach, 0), np.minimum(1 - tail + reach, 1)
    from scipy.special import ndtri

    falls = np.unique(values, return_counts=True)[1]
    left = len(values) - np.searchsorted(np.sort(values), at)
    left = left + len(still) - np.searchsorted(np.sort(still), at)
    inside = np.clip(tail, 1e-12, 1 - 1e-12)
    root = np.sqrt(np.cumsum(falls / np.maximum(left * (left - falls), 0.5)))
    reach = ndtri((1 + level) / 2) * root / np.abs(np.log(inside))
    return at, 1 - inside ** np.exp(-reach), 1 - inside ** np.exp(reach)


def below(family: Family, point: Point, x: FloatArray) -> FloatArray:
    """Return the probability that the law is at most x."""
    above = x - point.shift
    tail = family.tail(np.maximum(above, 1e-300), point.mean, point.cv)
    return np.where(above > 0, -np.expm1(tail), 0.0)


def distance(family: Family, point: Point, sample: Sample, *, plain: bool) -> float:
    """Return Anderson and Darling's statistic if `plain`, otherwise Kolmogorov's.

    The first minds the tails; the second can be had with open values as well.
    """
    if not plain:
        at, tail = steps(sample.values, sample.still)
        share = below(family, point, at)
        before = np.concatenate([[1.0], tail[:-1]])
        gaps = np.abs(1 - tail - share), np.abs(1 - before - share)
        return float(np.max(gaps))
    x = np.sort(sample.values)
    share = np.clip(below(family, point, x), 1e-15, 1 - 1e-15)
    odd = 2 * np.arange(1, len(x) + 1) - 1
    whole = odd * (np.log(share) + np.log1p(-share[::-1]))
    return float(-len(x) - np.mean(whole))


def chance(
    family: Family,
    point: Point,
    sample: Sample,
    *,
    draws: int,
    rng: np.random.Generator,
) -> float:
    """Return how often samples of the fitted law lie as far from their own fit.

    Each is cut where the sample was and fitted anew, so the answer allows for the
    parameters that the fit chose: a parametric bootstrap.
    """
    plain = not len(sample.still)
    seen = distance(family, point, sample, plain=plain)
    law = family.law(point.mean, point.cv)
    drawn = law.sample(draws * len(sample.limits), rng) + point.shift
    worse = usable = 0
    for times in drawn.reshape(draws, -1):
        again = sample.cut(times)
        if len(again.values) < 2:
            continue
        found = best(family, again.values, again.still)
        worse += distance(family, found, again, plain=plain) >= seen
        usable += 1
    return (worse + 1) / (usable + 1)
