"""Units of time, and how to read and write a duration.

Every time in hamodel is a plain number of seconds and every rate is per second, so
`2000 * HOUR` is a mean time and `3 / YEAR` a rate.  A year has 365 days: the
convention of service-level agreements, in which 99.99 % allows 52.56 minutes.
"""

from __future__ import annotations

MS = 1e-3
SECOND = 1.0
MINUTE = 60.0
HOUR = 3600.0
DAY = 24 * HOUR
MONTH = 365 * DAY / 12
YEAR = 365 * DAY

_STEPS = (
    (YEAR, "yr"),
    (DAY, "d"),
    (HOUR, "h"),
    (MINUTE, "min"),
    (SECOND, "s"),
    (MS, "ms"),
    (1e-6, "µs"),
)


def text(seconds: float, digits: int = 3) -> str:
    """Write a number of seconds in the unit that reads best.

    Parameters
    ----------
    seconds : float
        Time in s.
    digits : int
        Significant digits.

    Returns
    -------
    str
        Number and unit.

    Examples
    --------
    >>> text(0.0042), text(90), text(7200), text(float("inf"))
    ('4.2 ms', '1.5 min', '2 h', 'never')
    """
    if seconds == float("inf"):
        return "never"
    if seconds == 0:
        return "0 s"
    size = abs(seconds)
    unit, name = next((s for s in _STEPS if size >= s[0] * (1 - 1e-12)), _STEPS[-1])
    number = float(f"{seconds / unit:.{digits}g}")
    return f"{number:,.10g} {name}"
