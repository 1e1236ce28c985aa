"""The front door: everything that was observed, in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from hamodel import _check
from hamodel._types import Value
from hamodel.calibration._drills import Manner, drills, pooled
from hamodel.calibration._estimate import Calibration, joined
from hamodel.calibration._incidents import incidents as of_incidents
from hamodel.calibration._samples import lag as of_lag
from hamodel.calibration._samples import latency as of_latency

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_OPTIONS = {
    "incidents": (
        *("nodes", "columns", "parts", "timezone", "dates", "unclosed", "together"),
    ),
    "drills": ("worked", "stage", "kind"),
    "lag": ("writes",),
    "latency": ("of",),
}


def calibrate(
    *,
    incidents: str | Path | Iterable[Mapping[str, object]] | None = None,
    drills: ArrayLike | str | Path | None = None,
    lag: ArrayLike | str | Path | None = None,
    latency: ArrayLike | str | Path | None = None,
    during: float | tuple[str | datetime, str | datetime] | None = None,
    **options: object,
) -> Calibration:
    """Return the parameters that observations tell, with intervals.

    Parameters
    ----------
    incidents : str, Path or iterable of mappings, optional
        Incident log: a CSV file or its rows; see `calibration.incidents`.
    drills : array_like or path, optional
        Durations of failover drills in s; see `calibration.drills`.
    lag : array_like or path, optional
        Samples of replication lag in s; see `calibration.lag`.
    latency : array_like or path, optional
        Samples of a latency in s; see `calibration.latency`.
    during : float or pair of times, optional
        For how long the log was kept: a length in s, or start and end.  Needed with
        `incidents`.
    **options : object
        Further arguments of the four: `nodes`, `columns`, `parts`, `timezone`,
        `dates`, `unclosed`, `together`; `worked`,
        `stage`, `kind`; `writes`; `of`; and `level` and `draws` for all.

    Returns
    -------
    Calibration
        All parameters, laws and warnings.  Failovers in the log and drills of the
        whole failover are pooled, with a warning if they fared differently.

    Raises
    ------
    ValueError
        If nothing is given, an option belongs to nothing that is, or the observations
        cannot be read.

    Examples
    --------
    >>> import hamodel as ha
    >>> found = ha.calibrate(
    ...     incidents=[{"what": "database", "duration": "3 h"},
    ...                {"what": "database", "duration": "5 h"}],
    ...     nodes={"database": 2},
    ...     during=2 * ha.units.YEAR,
    ...     drills=[41, 38, 55, 47, 61, 39, 52],
    ... )
    >>> for path in ("database.mttf", "failover.coverage"):
    ...     print(path, found[path].text)
    database.mttf 2 yr (202 d to 16.5 yr)
    failover.coverage 0.9057 (0.5904 to 1)
    """
    given = {"incidents": incidents, "drills": drills, "lag": lag, "latency": latency}
    given = {name: value for name, value in given.items() if value is not None}
    if not given:
        raise ValueError(f"one of {', '.join(_OPTIONS)} must be given, got none")
    chosen = _sorted(options, tuple(given))
    if "incidents" in given:
        if during is None:
            raise ValueError("during must be given with incidents, got None")
        chosen["incidents"]["during"] = during
    elif during is not None:
        raise ValueError(f"during must come with incidents, got {during!r} alone")
    found = {name: _OF[name](value, **chosen[name]) for name, value in given.items()}
    return _together(found, chosen)


_OF: dict[str, Callable[..., Calibration]] = {
    "incidents": of_incidents,
    "drills": drills,
    "lag": of_lag,
    "latency": of_latency,
}


def _sorted(
    options: Mapping[str, object], given: Sequence[str]
) -> dict[str, dict[str, Value]]:
    """Give each option to what it belongs to."""
    chosen: dict[str, dict[str, Value]] = {name: {} for name in given}
    known = [o for name in given for o in _OPTIONS[name]] + ["level", "draws"]
    for option, value in options.items():
        _check.one_of(known, option=option)
        for name in given:
            if option in (*_OPTIONS[name], "level", "draws"):
                chosen[name][option] = value
    return chosen


def _together(
    found: Mapping[str, Calibration], chosen: Mapping[str, dict[str, Value]]
) -> Calibration:
    whole = joined(found.values())
    both = [found[name] for name in ("incidents", "drills") if name in found]
    if len(both) < 2 or "failover.coverage" not in both[0].parameters:
        return whole
    if chosen["drills"].get("stage", "outage") != "outage":
        return whole
    manner = Manner(
        level=chosen["drills"].get("level", 0.95),
        draws=chosen["drills"].get("draws", 99),
        kind=chosen["drills"].get("kind", "clopper-pearson"),
        what="failovers and drills",
    )
    pool = pooled(both[0], both[1], manner)
    kept = [w for w in whole.warnings if not w.startswith("failover.")]
    return joined((replace(whole, warnings=kept), pool))
