"""From what is left of a log once it is summed up: a count and a total."""

from __future__ import annotations

from hamodel import _check, text
from hamodel.calibration import _findings
from hamodel.calibration._estimate import Calibration
from hamodel.calibration._exact import mean_time_interval
from hamodel.units import quantity


def counted(
    count: int,
    total: float | str,
    during: float | str,
    *,
    part: str = "database",
    level: float = 0.95,
) -> Calibration:
    """Return mean times from a number of outages and their time in all.

    Parameters
    ----------
    count : int
        Outages, at least 1.
    total : float or str
        Their time together, in s or as "1183 min".
    during : float or str
        How long was watched, in s or as "1 yr".
    part : str
        What failed, as the architecture names it.
    level : float
        Confidence of the intervals.

    Returns
    -------
    Calibration
        `mttf` and `mttr` of the part.

    Raises
    ------
    ValueError
        If a number is out of its range, or the outages last longer than was watched.

    Notes
    -----
    A total does not tell the kind of law, so repairs are taken as exponential: twice
    their sum over their mean is chi-squared with 2 `count` degrees of freedom.  Source:
    Lawless (2003), Statistical Models and Methods for Lifetime Data, section 4.1.

    Examples
    --------
    >>> found = counted(19, "1183 min", "1 yr")
    >>> print(found["database.mttf"].text)
    19.2 d (12.3 d to 31.8 d)
    >>> print(found["database.mttr"].text)
    1.04 h (41.6 min to 1.72 h)
    """
    down, watched = quantity(total, "time"), quantity(during, "time")
    _check.whole(1, count=count)
    _check.positive(total=down, during=watched)
    if down >= watched:
        raise ValueError(
            f"total must be < during ({text.time(watched)}), got {text.time(down)}"
        )
    mttf = _findings.mean_time(count, watched - down, level=level, what="outages")
    ends = mean_time_interval(count, down, level=level, last=True)
    how = f"{count} outages in all"
    mttr = _findings.estimate(down / count, ends, count, how, level)
    warnings = _findings.few_events(f"{part}.mttf", mttf, "outages")
    parameters = {f"{part}.mttf": mttf, f"{part}.mttr": mttr}
    return Calibration(parameters=parameters, warnings=warnings)
