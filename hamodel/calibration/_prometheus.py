"""From what a Prometheus answers to range queries, to outages and lag.

`up` and `probe_success` are 1 or 0 at every scrape: a run of noughts is an outage, from
half a scrape before the first 0 to half a scrape before the next 1.
Any other gauge must be a lag in a unit of time, by the end of its name.

Assumptions: what is not scraped has not failed; where no series has samples Prometheus
itself was away, and that time is left out.  What is shorter than the time between two
scrapes may not be seen at all.

Source: the HTTP API of Prometheus, /api/v1/query_range, result type matrix.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hamodel import text
from hamodel._types import FloatArray
from hamodel.calibration import _findings
from hamodel.calibration._drills import whole
from hamodel.calibration._estimate import Calibration, joined
from hamodel.calibration._fit import USUAL, About, of_sample
from hamodel.calibration._incidents import incidents
from hamodel.calibration._samples import lag as of_lag
from hamodel.calibration._series import effective_size
from hamodel.units import MINUTE, MS

_STATES = ("up", "probe_success")
_UNITS = {"_milliseconds": MS, "_ms": MS, "_us": 1e-6, "_seconds": 1.0, "_s": 1.0}
_MISSING = 1.5  # steps between samples beyond which one is missing


@dataclass(frozen=True, kw_only=True)
class Series:
    """One series of a range query."""

    place: str  # file, and which of its results
    metric: str  # name of the metric
    labels: Mapping[str, str]  # its labels
    # when, in s since 1970, and what
    times: FloatArray
    values: FloatArray

    @property
    def node(self) -> str:
        """What was watched."""
        return self.labels.get("instance", self.metric)

    @property
    def job(self) -> str:
        """The job that it belongs to."""
        return self.labels.get("job", "")


def prometheus(
    *paths: str | Path,
    parts: Mapping[str, str | None] | None = None,
    writes: float | None = None,
    together: float = MINUTE,
    level: float = 0.95,
    draws: int = 99,
) -> Calibration:
    """Return what range queries of a Prometheus say of nodes and of replication.

    Parameters
    ----------
    *paths : str or Path
        Files with the JSON that `/api/v1/query_range` answers: of `up` or
        `probe_success`, and of a lag such as `pg_replication_lag_seconds`.
    parts : mapping of str to str or None, optional
        Which part a job watches, such as {"postgres": "database", "web": None}; None
        leaves a job out.  By default a single job watches the database.
    writes : float, optional
        Writes in 1/s while the lag was measured; see `lag`.
    together : float
        Outages of several nodes that begin within so many seconds are one event.
    level : float
        Confidence of the intervals.
    draws : int
        Samples that a test of fit draws; 0 leaves the tests out.

    Returns
    -------
    Calibration
        Of each part `mttf` and `mttr` as `incidents` does; of a lag what `lag` does,
        and `replication.delay`, the law that fits it.

    Raises
    ------
    ValueError
        If a file is no such answer, a series is neither a state nor a lag in a unit
        of time, or a job's part is not known: with file and result.

    Examples
    --------
    >>> from hamodel.facts import folder
    >>> found = prometheus(folder() / "prometheus" / "lag.json", draws=0)
    >>> print(found["replication.delay"].text, found.fits["replication.delay"].family)
    25.9 ms (24 ms to 28 ms) lognormal
    """
    series = [one for path in paths for one in read_series(path)]
    states = [one for one in series if one.metric in _STATES]
    lags = [one for one in series if one.metric not in _STATES]
    found = []
    if states:
        found.append(_outages(states, parts, together, level, draws))
    if lags:
        found.append(_lags(lags, writes, level, draws))
    return joined(found)


def is_prometheus(path: str | Path) -> bool:
    """Tell whether a file may be an answer of a Prometheus: it is JSON."""
    return Path(path).suffix.lower() == ".json"


def read_series(path: str | Path) -> list[Series]:
    """Return the series of a range query."""
    file = Path(path)
    try:
        answer = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as refused:
        raise ValueError(f"{file} cannot be read: {refused}") from None
    except (json.JSONDecodeError, RecursionError) as broken:
        line = getattr(broken, "lineno", 1)
        raise ValueError(f"{file}:{line}: must be JSON: {broken}") from None
    found = list(_series(file, answer))
    if not found:
        raise ValueError(f"{file}: holds no series: the query found nothing")
    return found


def _series(file: Path, answer: object) -> Iterator[Series]:
    if not isinstance(answer, dict) or answer.get("status") != "success":
        said = answer.get("error", "") if isinstance(answer, dict) else ""
        more = f": {said}" if said else ""
        raise ValueError(f"{file}: must be an answer with status success{more}")
    data = answer.get("data")
    if not isinstance(data, dict) or data.get("resultType") != "matrix":
        kind = data.get("resultType") if isinstance(data, dict) else None
        said = "ask query_range, whose resultType is matrix"
        raise ValueError(f"{file}: {said}, got {kind!r:.40}")
    results = data.get("result")
    if not isinstance(results, list):
        raise ValueError(f"{file}: data.result must be a list, got {results!r:.40}")
    for number, result in enumerate(results):
        place = f"{file}: result {number}"
        try:
            labels = {str(k): str(v) for k, v in result["metric"].items()}
            pairs = [(float(at), float(value)) for at, value in result["values"]]
        except (KeyError, TypeError, ValueError, AttributeError) as broken:
            said = f"{place}: must have metric and values of [time, number]"
            raise ValueError(f"{said}: {broken}") from None
        if not pairs or any(b <= a for (a, _), (b, _) in itertools.pairwise(pairs)):
            raise ValueError(f"{place}: must hold samples, their times growing")
        times, values = np.array(pairs).T
        name = labels.get("__name__", "")
        yield Series(
            place=place, metric=name, labels=labels, times=times, values=values
        )


# ---- outages -----------------------------------------------------------------------


def _outages(
    states: Sequence[Series],
    parts: Mapping[str, str | None] | None,
    together: float,
    level: float,
    draws: int,
) -> Calibration:
    """Return mean times to failure and repair, by part."""
    step = _step(states)
    jobs = _jobs(states, parts)
    start = min(float(one.times[0]) for one in states)
    end = max(float(one.times[-1]) for one in states)
    away = _away(states, step)
    nodes: dict[str, list[str]] = {}
    rows = []
    for one in states:
        part = jobs[one.job]
        if part is None:
            continue
        if one.node in nodes.setdefault(part, []):
            raise ValueError(f"{one.place}: {one.node} is there twice")
        nodes[part].append(one.node)
        for since, until in _runs(one, step, end):
            moments = {"start": f"{_without(away, since):.3f}"}
            if until is not None:
                moments["end"] = f"{_without(away, until):.3f}"
            rows.append({"component": part, "node": one.node, "end": "", **moments})
    if not nodes:
        raise ValueError("parts leaves out every job")
    found = incidents(
        rows,
        during=(f"{start:.3f}", f"{_without(away, end):.3f}"),
        nodes=nodes,
        together=together,
        level=level,
        draws=draws,
    )
    said = [f"outages shorter than {text.time(step)}, a scrape, may not be seen"]
    if away:
        total = sum(b - a for a, b in away)
        said.append(f"{text.time(total)} without any sample are left out")
    return joined((found, Calibration(warnings=said)))


def _step(states: Sequence[Series]) -> float:
    """Return the time between two samples."""
    gaps = [np.diff(one.times) for one in states if len(one.times) > 1]
    if not gaps:
        raise ValueError(f"{states[0].place}: must hold 2 samples or more")
    return float(np.median(np.concatenate(gaps)))


def _jobs(
    states: Sequence[Series], parts: Mapping[str, str | None] | None
) -> dict[str, str | None]:
    """Return which part each job watches."""
    jobs = list(dict.fromkeys(one.job for one in states))
    if parts is None and len(jobs) == 1:
        return {jobs[0]: "database"}
    given = dict(parts or {})
    for one in states:
        if one.job not in given:
            said = f"parts must say what job {one.job!r} watches"
            raise ValueError(f"{one.place}: {said}, such as {one.job}=database")
    for job in given:
        if job not in jobs:
            raise ValueError(
                f"parts names job {job!r}, and there are {', '.join(jobs)}"
            )
    return given


def _runs(one: Series, step: float, end: float) -> Iterator[tuple[float, float | None]]:
    """Yield the outages of a node; one that lasts to the end is still open."""
    bad = [v for v in np.unique(one.values) if v not in (0.0, 1.0)]
    if bad:
        raise ValueError(f"{one.place}: {one.metric} must be 0 or 1, got {bad[0]:g}")
    down = np.concatenate([[False], one.values == 0, [False]])
    edges = np.flatnonzero(np.diff(down))
    for first, beyond in zip(edges[::2], edges[1::2], strict=True):
        since = float(one.times[first]) - (step / 2 if first else 0.0)
        if beyond < len(one.times):
            yield since, float(one.times[beyond]) - step / 2
        else:
            last = float(one.times[-1])
            yield since, None if last >= end - step else last


def _away(states: Sequence[Series], step: float) -> list[tuple[float, float]]:
    """Return the times in which no series has a sample."""
    times = np.unique(np.concatenate([one.times for one in states]))
    gaps = np.flatnonzero(np.diff(times) > _MISSING * step)
    return [(float(times[k]), float(times[k + 1]) - step) for k in gaps]


def _without(away: Sequence[tuple[float, float]], moment: float) -> float:
    """Return a moment on a clock that stands still while nothing was watched."""
    return moment - sum(min(b, moment) - a for a, b in away if a < moment)


# ---- lag ---------------------------------------------------------------------------


def _lags(
    lags: Sequence[Series], writes: float | None, level: float, draws: int
) -> Calibration:
    """Return what lag tells, and the law of all of it as the delay."""
    values = np.concatenate([one.values * _unit(one) for one in lags])
    values = values[~np.isnan(values)]
    found = of_lag(values, writes=writes, level=level, draws=draws)
    positive = values[values > 0]
    about = About(
        name="replication.delay",
        level=level,
        draws=draws,
        effective=effective_size(values),
    )
    fit = of_sample(whole(positive), families=USUAL, about=about)
    said = "replication.delay: the whole lag, with the ways between sites in it"
    delay = _findings.of_law(fit, "samples of lag")
    return joined((found, delay, Calibration(warnings=(said,))))


def _unit(one: Series) -> float:
    """Return the size in s of the unit that a metric's name ends in."""
    size = next((u for end, u in _UNITS.items() if one.metric.endswith(end)), None)
    if size is None:
        ends = ", ".join(_UNITS)
        raise ValueError(
            f"{one.place}: must be {' or '.join(_STATES)}, or a lag whose name ends in "
            f"{ends}, got {one.metric!r:.60}"
        )
    if np.any(one.values < 0) or np.any(np.isinf(one.values)):
        raise ValueError(f"{one.place}: a lag must be at least 0 and finite")
    return size
