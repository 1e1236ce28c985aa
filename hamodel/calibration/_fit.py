"""The law that a sample follows best, how well it does, and its mean's interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from hamodel import _check, text
from hamodel._html import table
from hamodel._types import FloatArray
from hamodel.calibration import _goodness
from hamodel.calibration._exact import mean_time_interval
from hamodel.calibration._goodness import Sample
from hamodel.calibration._laws import LAWS, Family, Point, best, best_cv
from hamodel.duration import Duration

#: What repairs and failovers are compared with by default.
USUAL = ("exponential", "lognormal", "phase-type")
_FEW = 5  # with fewer values no test of fit can say anything
_MOST = 2000  # more values than this are thinned for the fit
_BAD = 0.05
_CLOSE = 2.0  # Burnham and Anderson (2002), section 2.6: no less supported
_DRAWS = 99


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Fit:
    """A law fitted to measured times, with how well it fits.

    Attributes
    ----------
    name : str
        What was measured.
    family : str
        The law's name.
    law : Duration
        The law.
    mean, low, high : float
        Its mean in s, with its interval.
    level : float
        Confidence of the interval.
    cv : float
        Standard deviation over mean.
    values, still : ndarray
        The sample in s, in rising order: times that are known, and times of what is
        still open, known only to be larger.
    effective : float
        How many independent values they are worth.
    criterion : mapping of str to float
        Akaike's criterion, for small samples, of each law tried; the least is best.
    test : str
        Statistic of the test of fit; "" if none was made.
    distance, chance : float
        The statistic, and how often a sample of the fitted law lies that far from its
        own fit; `nan` if no test was made.
    """

    name: str
    family: str
    law: Duration
    mean: float
    low: float
    high: float
    level: float
    cv: float
    values: FloatArray
    still: FloatArray
    effective: float
    criterion: Mapping[str, float]
    test: str = ""
    distance: float = math.nan
    chance: float = math.nan

    @property
    def bad(self) -> bool:
        """Whether chance alone would seldom bring the sample that far from the law."""
        return self.chance <= _BAD

    @property
    def observed(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Times in s, the share of the sample at most as long, and its band."""
        at, tail = _goodness.steps(self.values, self.still)
        _, low, high = _goodness.band(
            self.values, self.still, self.level, self.effective
        )
        return at, 1 - tail, low, high

    @property
    def text(self) -> str:
        """What was found, in one sentence."""
        known = f"{len(self.values)} values"
        if len(self.still):
            known += f" and {len(self.still)} still open"
        law = f"{self.family}, mean {text.time(self.mean)}"
        said = f"{self.name}: {law}, cv {text.number(self.cv, 2)}"
        return f"{said}, from {known}; {self.verdict}"

    @property
    def verdict(self) -> str:
        """How well the law fits, in words."""
        if not self.test:
            few = len(self.values) < _FEW
            return "too few values to test the fit" if few else "fit not tested"
        word = "fits badly" if self.bad else "no sign of a bad fit"
        return f"{word} ({self.test}, p = {text.number(self.chance, 2)})"

    def __repr__(self) -> str:
        return f"<Fit {self.text}>"

    def _repr_html_(self) -> str:
        ends = (self.mean, self.low, self.high)
        rows: list[tuple[str, object]] = [
            ("law", self.family),
            ("mean", "{} ({} to {})".format(*map(text.time, ends))),
            ("cv", text.number(self.cv)),
            ("values", len(self.values)),
            ("still open", len(self.still)),
            ("fit", self.verdict),
        ]
        return table(rows, caption=self.name)


def fit(
    values: ArrayLike,
    *,
    still: ArrayLike = (),
    families: Sequence[str] = USUAL,
    name: str = "time",
    level: float = 0.95,
    draws: int = 99,
) -> Fit:
    """Return the law that fits measured times best.

    Parameters
    ----------
    values : array_like, shape (n,)
        Times in s, above zero.
    still : array_like, shape (m,)
        Times in s of what is still open: the whole takes longer.
    families : sequence of str
        Names of `LAWS` to choose from; shifted ones take no open values.
    name : str
        What was measured.
    level : float
        Confidence of the interval of the mean.
    draws : int
        Samples that the test of fit draws; 0 leaves it out.

    Returns
    -------
    Fit
        The law with the least of Akaike's criterion for small samples; of laws within
        2 of that, the one with the fewest parameters, with an interval of the mean
        that holds those of all of them.

    Raises
    ------
    ValueError
        If there is no value, one is not above zero, or a law is not known.

    Notes
    -----
    The mean of an exponential law has the exact interval of chi-square; that of
    another ends where the likelihood, its other parameters chosen anew, has fallen by
    n/2 log(1 + t^2 / (n - 1)), with t of Student's law: exact for a normal sample, and
    the usual chi-square for a large one.  Sources: Lawless (2003), Statistical Models
    and Methods for Lifetime Data, sections 4.1 and 5.1; Hurvich and Tsai (1989),
    Biometrika 76, 297-307; Stute, Gonzales-Manteiga and Presedo-Quindimil (1993),
    Metrika 40, 243-256, for the test.

    Examples
    --------
    >>> found = fit([40, 55, 61, 90, 230, 28], still=[300], name="repair")
    >>> print(found.text)
    repair: exponential, mean 2.23 min, cv 1, from 6 values and 1 still open; no sign
    of a bad fit (Kolmogorov-Smirnov, p = ...)
    """
    known, waiting = _checked(values, "values"), _checked(still, "still")
    if not len(known):
        raise ValueError("values must hold at least 1 time, got 0")
    _check.between(1e-9, 1 - 1e-9, level=level)
    _check.whole(0, draws=draws)
    limits = np.concatenate([np.full(len(known), np.inf), waiting])
    sample = Sample(values=known, still=waiting, limits=limits)
    return of_sample(
        sample, families=families, about=About(name=name, level=level, draws=draws)
    )


@dataclass(frozen=True, kw_only=True)
class About:
    """What to do with a sample, besides the sample."""

    name: str
    level: float = 0.95
    draws: int = _DRAWS
    effective: float | None = None  # how many independent values; None: all

    def rng(self) -> np.random.Generator:
        """Return a generator that depends on the name only: same data, same answer."""
        return np.random.default_rng(list(self.name.encode()))


def of_sample(sample: Sample, *, families: Sequence[str], about: About) -> Fit:
    """Return the law of a sample that has been checked."""
    for known in families:
        _check.one_of(LAWS, families=known)
    count = len(sample.values)
    effective = min(about.effective or count, count)
    thin = _thinned(sample, effective)
    scale = float(np.mean(thin.values))
    unit = _scaled(thin, scale)
    found = _all_of(families, unit)
    criterion = {n: _criterion(LAWS[n], p, unit) for n, p in found.items()}
    good = min(criterion.values()) + _CLOSE
    near = [name for name, value in criterion.items() if value <= good]
    name = min(near, key=lambda n: (LAWS[n].free, criterion[n]))
    point = found[name]
    ends = [_mean_interval(LAWS[n], found[n], unit, about.level) for n in near]
    low, high = min(e[0] for e in ends), max(e[1] for e in ends)
    whole = point.mean + point.shift
    answer = Fit(
        name=about.name,
        family=name,
        law=LAWS[name].law(point.mean * scale, point.cv) + point.shift * scale,
        mean=whole * scale,
        low=low * scale,
        high=high * scale,
        level=about.level,
        cv=point.cv * point.mean / whole,
        values=_kept(sample.values),
        still=_kept(sample.still),
        effective=effective,
        criterion=MappingProxyType(criterion),
    )
    return _tested(answer, point, unit, about)


def _tested(answer: Fit, point: Point, unit: Sample, about: About) -> Fit:
    """Add the test of fit, if there are values enough for one."""
    if len(unit.values) < _FEW or not about.draws:
        return answer
    family, plain = LAWS[answer.family], not len(unit.still)
    chance = _goodness.chance(family, point, unit, draws=about.draws, rng=about.rng())
    return replace(
        answer,
        test="Anderson-Darling" if plain else "Kolmogorov-Smirnov",
        distance=_goodness.distance(family, point, unit, plain=plain),
        chance=chance,
    )


def _all_of(families: Sequence[str], unit: Sample) -> dict[str, Point]:
    """Fit each law that can be fitted to this sample."""
    several = len(np.unique(unit.values)) >= 3  # fewer tell nothing of the shape
    found = {}
    for name in families:
        family = LAWS[name]
        if family.free > 1 and (not several or (family.shifted and len(unit.still))):
            continue
        found[name] = best(family, unit.values, unit.still)
    return found or {"exponential": best(LAWS["exponential"], unit.values, unit.still)}


def _criterion(family: Family, point: Point, unit: Sample) -> float:
    """Return Akaike's criterion with Hurvich and Tsai's term for small samples."""
    free, count = family.free, len(unit.values)
    room = count - free - 1
    extra = 2 * free * (free + 1) / room if room > 0 else math.inf
    if free == 1 and room <= 0:
        extra = 0.0
    return 2 * free - 2 * point.likelihood + extra


def _mean_interval(
    family: Family, point: Point, unit: Sample, level: float
) -> tuple[float, float]:
    if family.name == "exponential":
        total = float(unit.values.sum() + unit.still.sum())
        closed = not len(unit.still)
        return mean_time_interval(len(unit.values), total, level=level, last=closed)
    return _profile(family, point, unit, level)


def _profile(
    family: Family, point: Point, unit: Sample, level: float
) -> tuple[float, float]:
    """Return where the likelihood of the mean has fallen too far."""
    from scipy.optimize import brentq

    count = len(unit.values)
    above = replace_shift(unit, point.shift)
    freedom = max(count - 1, 1)
    t = float(special.stdtrit(freedom, (1 + level) / 2))
    fall = count / 2 * math.log1p(t * t / freedom)
    top = best_cv(family, above.values, above.still, point.mean)[1]

    def short(log_mean: float) -> float:
        mean = math.exp(log_mean)
        found = best_cv(family, above.values, above.still, mean)[1]
        return found - top + fall

    ends = []
    for way in (-1, 1):
        reach = 0.1
        while short(math.log(point.mean) + way * reach) > 0 and reach < 20:
            reach *= 2
        if reach >= 20:
            ends.append(0.0 if way < 0 else math.inf)
            continue
        at = math.log(point.mean)
        end = brentq(short, at, at + way * reach, xtol=1e-4)
        ends.append(math.exp(end))
    return ends[0] + point.shift, ends[1] + point.shift


def replace_shift(unit: Sample, shift: float) -> Sample:
    """Return what a sample exceeds a shift by."""
    if shift == 0:
        return unit
    above = np.maximum(unit.values - shift, 1e-9)
    return Sample(values=above, still=unit.still, limits=unit.limits)


def _thinned(sample: Sample, effective: float) -> Sample:
    """Return as many values, evenly taken, as are independent and can be handled."""
    count = len(sample.values)
    step = math.ceil(count / min(effective, _MOST))
    if step <= 1:
        return sample
    values = sample.values[::step]
    limits = np.concatenate([np.full(len(values), np.inf), sample.still])
    return Sample(values=values, still=sample.still, limits=limits)


def _scaled(sample: Sample, scale: float) -> Sample:
    return Sample(
        values=sample.values / scale,
        still=sample.still / scale,
        limits=sample.limits / scale,
    )


def _checked(times: ArrayLike, name: str) -> FloatArray:
    array = np.asarray(times, float).ravel()
    if len(array):
        _check.positive(**{name: array})
    return array


def _kept(values: FloatArray) -> FloatArray:
    kept = np.sort(values)
    kept.setflags(write=False)
    return kept
