"""From failovers, tried or real, to a coverage and the law of their duration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from hamodel import _check, text
from hamodel._types import FloatArray
from hamodel.calibration import _findings
from hamodel.calibration._estimate import Calibration, joined
from hamodel.calibration._exact import KINDS
from hamodel.calibration._fit import USUAL, About, of_sample
from hamodel.calibration._goodness import Sample
from hamodel.calibration._log import read_drills

_MANUAL = "failover.manual"
_UNLIKE = 0.05
STAGES = ("outage", "detection", "fencing", "promotion", "redirection")


def drills(
    durations: ArrayLike | str | Path,
    worked: Sequence[bool] | None = None,
    *,
    stage: str = "outage",
    level: float = 0.95,
    kind: str = "clopper-pearson",
    draws: int = 99,
) -> Calibration:
    """Return the coverage of a failover and the law of how long it takes.

    Parameters
    ----------
    durations : array_like, shape (n,), or path
        Times in s from the failure until clients are served again; for a failover that
        did not work, until a person had finished it.  `nan` where it was not measured.
        Or a CSV file with a column of them, such as `duration_s`, and a column
        `worked` (yes, no).
    worked : sequence of bool, shape (n,), optional
        Whether each worked by itself; by default all did.
    stage : {"outage", "detection", "fencing", "promotion", "redirection"}
        What was timed: the whole failover or one stage of it.
    level : float
        Confidence of the intervals.
    kind : {"clopper-pearson", "jeffreys"}
        Interval of the coverage: never too narrow, or right on average.
    draws : int
        Samples that the test of fit draws; 0 leaves it out.

    Returns
    -------
    Calibration
        `failover.coverage`; `failover.outage`, or the stage, with its law; and
        `failover.manual` if some did not work and were timed.

    Raises
    ------
    ValueError
        If there is no drill, a time is not above zero, or `worked` is not as long.

    Notes
    -----
    If all worked, the coverage is taken as 0.5^(1/n): the value under which such luck
    is as likely as not.  A coverage of 1 would be more than n drills can say.

    Examples
    --------
    >>> found = drills([41, 38, 55, 47, 61, 39, 52, 44, 40, 300], [True] * 9 + [False])
    >>> print(found["failover.coverage"].text)
    0.9 (0.555 to 0.9975)
    >>> print(found["failover.manual"].text)
    5 min (1.36 min to 3.29 h)
    """
    if isinstance(durations, (str, Path)):
        if worked is not None:
            raise ValueError("worked must come from the file, got both")
        durations, worked = read_drills(durations)
    times = np.asarray(durations, float).ravel()
    done = [True] * len(times) if worked is None else list(worked)
    if not len(times):
        raise ValueError("durations must hold at least 1 drill, got 0")
    if len(done) != len(times):
        raise ValueError(
            f"worked must be as long as durations ({len(times)}), got {len(done)}"
        )
    for k, value in enumerate(done):
        _check.instance((bool, np.bool_), **{f"worked[{k}]": value})
    _check.positive(durations=np.where(np.isnan(times), 1.0, times))
    _check.one_of(STAGES, stage=stage)
    _check.one_of(KINDS, kind=kind)
    _check.between(1e-9, 1 - 1e-9, level=level)
    _check.whole(0, draws=draws)
    manner = Manner(level=level, draws=draws, stage=stage, kind=kind)
    return failovers(times, done, manner)


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How failovers are judged, and what they are called."""

    level: float
    draws: int
    stage: str = "outage"
    kind: str = "clopper-pearson"
    what: str = "drills"


def failovers(
    durations: ArrayLike, worked: Sequence[bool], manner: Manner
) -> Calibration:
    """Return what failovers say that have been checked; `nan` is not measured."""
    path = "failover.coverage"
    coverage = _findings.share(
        sum(worked),
        len(worked),
        level=manner.level,
        kind=manner.kind,
        what=f"{manner.what} worked",
    )
    times, good = np.asarray(durations, float), np.asarray(worked, bool)
    warnings = _findings.few_trials(path, coverage)
    parts = [Calibration(parameters={path: coverage}, warnings=warnings)]
    for name, success in ((f"failover.{manner.stage}", True), (_MANUAL, False)):
        values = times[(good == success) & ~np.isnan(times)]
        if len(values):
            about = About(name=name, level=manner.level, draws=manner.draws)
            fit = of_sample(whole(values), families=USUAL, about=about)
            parts.append(_findings.of_law(fit, manner.what))
    return joined(parts)


def pooled(first: Calibration, second: Calibration, manner: Manner) -> Calibration:
    """Return failovers of two kinds as one, and say so if they fared differently."""
    durations: list[float] = []
    worked: list[bool] = []
    counts = []
    for part in (first, second):
        seen = part["failover.coverage"].evidence
        successes, trials = int(seen["successes"]), int(seen["trials"])
        counts.append((successes, trials))
        for name, success in (("failover.outage", True), (_MANUAL, False)):
            times = part.fits[name].values if name in part.fits else np.empty(0)
            rest = (successes if success else trials - successes) - len(times)
            durations += [*times, *[math.nan] * rest]
            worked += [success] * (len(times) + rest)
    from scipy import stats

    found = failovers(durations, worked, manner)
    # Fisher's exact test of two equal shares
    p = stats.fisher_exact(np.array([(a, b - a) for a, b in counts])).pvalue
    if p >= _UNLIKE:
        return found
    (a, b), (c, d) = counts
    said = (
        f"failover.coverage: {a} of {b} failovers in the log worked but {c} of {d} "
        f"drills (p = {text.number(p, 2)}): they differ, and pooling them flatters "
        "one of them"
    )
    return replace(found, warnings=(*found.warnings, said))


def whole(values: FloatArray) -> Sample:
    """Return a sample of which nothing is open."""
    limits = np.full(len(values), np.inf)
    return Sample(values=values, still=np.empty(0), limits=limits)
