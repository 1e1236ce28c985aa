"""How numbers are written: on pages, in tables, in plots, in lessons.

One rule holds everywhere: a reader gets the digits that tell something, and never a
number such as 2.22e-14 or 5.26e+05.  What is beyond what a model can promise is said in
words: no more than six nines, nothing below a millionth.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from hamodel._types import Quantity
from hamodel.units import DAY, HOUR, MINUTE, MS, SECOND, YEAR

_TIMES = (
    *((YEAR, "yr"), (DAY, "d"), (HOUR, "h"), (MINUTE, "min")),
    *((SECOND, "s"), (MS, "ms"), (1e-6, "µs")),
)
_RATES = ((SECOND, "/s"), (MINUTE, "/min"), (HOUR, "/h"), (DAY, "/d"), (YEAR, "/yr"))
LEAST_MINUTES = 1e-4  #: minutes a year that are still told from none
_SURE = 1e-6  # the smallest share that a page tells from nothing: six nines
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, digits: int = 3) -> str:
    """Write a plain number.

    Parameters
    ----------
    value : float
        The number.
    digits : int
        Significant digits; the digits before the point are all written.

    Returns
    -------
    str
        With commas between thousands; very small and very large ones as powers of ten.

    Examples
    --------
    >>> number(3.14159), number(525600), number(0.00123), number(1e-7), number(2.5e18)
    ('3.14', '525,600', '0.00123', '10⁻⁷', '2.5·10¹⁸')
    >>> number(float("inf"))
    'without limit'
    """
    size = abs(value)
    if math.isinf(value):
        return "without limit" if value > 0 else "-without limit"
    if size == 0 or math.isnan(value):
        return "0" if size == 0 else "unknown"
    if 1e-4 <= size < 1e15:
        rounded = float(f"{value:.{digits}g}") if size < 10**digits else round(value)
        return f"{rounded:,.15g}"
    figures, _, power = f"{value:.{digits - 1}e}".partition("e")
    figures = figures.rstrip("0").rstrip(".") if "." in figures else figures
    raised = f"10{str(int(power)).translate(_RAISED)}"
    return raised if figures == "1" else f"{figures}·{raised}"


def time(seconds: float, digits: int = 3) -> str:
    """Write a number of seconds in the unit that reads best.

    Parameters
    ----------
    seconds : float
        Time in s.
    digits : int
        Significant digits.

    Examples
    --------
    >>> time(0.0042), time(90), time(7200), time(float("inf"))
    ('4.2 ms', '1.5 min', '2 h', 'endless')
    """
    if seconds == float("inf"):
        return "endless"
    if seconds == 0:
        return "0 s"
    size = abs(seconds)
    unit, name = next((s for s in _TIMES if size >= s[0] * (1 - 1e-12)), _TIMES[-1])
    found = float(f"{seconds / unit:.{digits}g}")
    return f"{found:,.10g} {name}" if 1e-4 < abs(found) < 1e10 else _long(found, name)


def mean_time(seconds: float, digits: int = 3) -> str:
    """Write a mean time to an event, which may never happen.

    Parameters
    ----------
    seconds : float
        Time in s.
    digits : int
        Significant digits.

    Examples
    --------
    >>> mean_time(7200), mean_time(float("inf"))
    ('2 h', 'never')
    """
    return "never" if seconds == float("inf") else time(seconds, digits)


def _long(found: float, name: str) -> str:
    return f"{number(found)} {name}"


def share(value: float, digits: int = 3) -> str:
    """Write a share as percent, with as many digits as tell it from all and nothing.

    Parameters
    ----------
    value : float
        Usually between 0 and 1.
    digits : int
        Significant digits of the smaller of the share and its rest.

    Returns
    -------
    str
        Such as "99.95 %"; no more than six nines, nor less than a millionth.

    Examples
    --------
    >>> share(0.5), share(0.99949), share(0.00123), share(1.2)
    ('50 %', '99.949 %', '0.123 %', '120 %')
    >>> share(0.99999999924), share(2.22e-16), share(1.0)
    ('above 99.9999 %', 'under 0.0001 %', '100 %')
    """
    if -1e-9 < value < 0:  # nothing, but for rounding
        return "0 %"
    if not 0 < value < 1:
        return f"{number(100 * value, digits)} %"
    near = min(value, 1 - value)
    if near < _SURE * (1 - 1e-9):
        return "under 0.0001 %" if value < 0.5 else "above 99.9999 %"
    decimals = max(0, digits - 1 - math.floor(math.log10(100 * near)))
    return f"{round(100 * value, decimals):.15g} %"


def change(value: float, digits: int = 2) -> str:
    """Write a relative change or error as percent, with its sign.

    Examples
    --------
    >>> change(0.052), change(-0.2), change(0)
    ('+5.2 %', '-20 %', '0 %')
    """
    return f"{'+' if value > 0 else ''}{share(value, digits)}"


def availability(unavailability: float) -> str:
    """Write an availability, given what it lacks, which is the number that is kept.

    Parameters
    ----------
    unavailability : float
        Share of the time without service.

    Returns
    -------
    str
        Such as "99.95 %"; "above 99.9999 %" beyond six nines.

    Examples
    --------
    >>> availability(5e-4), availability(1e-20), availability(0)
    ('99.95 %', 'above 99.9999 %', '100 %')
    """
    sure = 0 < unavailability < _SURE * (1 - 1e-9)
    return "above 99.9999 %" if sure else share(1 - unavailability)


def rate(per_second: float, digits: int = 3) -> str:
    """Write a rate per the unit of time in which it is one or more.

    Parameters
    ----------
    per_second : float
        Rate in 1/s.
    digits : int
        Significant digits.

    Returns
    -------
    str
        Such as "900/s" or "2/yr".

    Examples
    --------
    >>> rate(900), rate(2 / YEAR), rate(0.5), rate(0)
    ('900/s', '2/yr', '30/min', '0/s')
    """
    size = abs(per_second)
    if size == 0:
        return "0/s"
    step = next((s for s in _RATES if size * s[0] >= 1 - 1e-12), _RATES[-1])
    return f"{number(per_second * step[0], digits)}{step[1]}"


def downtime(unavailability: float) -> str:
    """Write an unavailability as minutes a year.

    Parameters
    ----------
    unavailability : float
        Share of the time without service.

    Returns
    -------
    str
        Number and unit.

    Examples
    --------
    >>> downtime(1e-4), downtime(1e-12)
    ('52.6 min/yr', 'under 0.01 min/yr')
    """
    found = unavailability * YEAR / MINUTE
    return f"{number(found) if found >= 0.005 or not found else 'under 0.01'} min/yr"


def minutes(value: float) -> str:
    """Write minutes a year, or a difference of them.

    Parameters
    ----------
    value : float
        In minutes a year.

    Returns
    -------
    str
        The number without unit; in words what no model can tell from nothing.

    Examples
    --------
    >>> minutes(16.82), minutes(-0.00123), minutes(7.8e-17), minutes(0)
    ('16.8', '-0.00123', 'under 0.0001', '0')
    """
    return "under 0.0001" if 0 < abs(value) < LEAST_MINUTES else number(value)


def short(value: float) -> str:
    """Write a number with the digits that a reader can use, two after the point.

    Parameters
    ----------
    value : float
        At least 0, such as a number of minutes.

    Returns
    -------
    str
        The number without unit.

    Examples
    --------
    >>> [short(m) for m in (1049.1, 16.82, 0.72, 0.0123, 1e-5, 0)]
    ['1,049', '16.8', '0.7', '0.01', 'under 0.01', '0']
    """
    if value >= 99.95:
        return f"{value:,.0f}"
    if value >= 0.095:
        return f"{value:.1f}"
    if value >= 0.005:
        return f"{value:.2f}"
    return "under 0.01" if value else "0"


def measure(value: float, unit: str = "1", digits: int = 3) -> str:
    """Write a value that is measured in a unit.

    Parameters
    ----------
    value : float
        The value.
    unit : str
        "s", "share", "1" for a plain number, "1/s" or any other word.
    digits : int
        Significant digits.

    Examples
    --------
    >>> measure(90, "s"), measure(0.5, "share"), measure(3, "1/s"), measure(5, "min/yr")
    ('1.5 min', '50 %', '3/s', '5 min/yr')
    """
    writers = {"s": time, "share": share, "1": number}
    if unit in writers:
        return writers[unit](value, digits)
    shown = number(value, digits)
    if not unit or math.isinf(value):
        return shown
    return f"{shown}{unit[1:]}" if unit.startswith("1/") else f"{shown} {unit}"


def spread(value: Quantity, write: Callable[[float], str] = number) -> str:
    """Write a number; tell the range of an array, and show a formula as it is.

    Parameters
    ----------
    value : float, array or SymPy expression
        The value.
    write : callable
        How one number is written.

    Examples
    --------
    >>> spread(90.0, time), spread(np.array([1.0, 60.0]), time)
    ('1.5 min', '1 s to 1 min')
    """
    if hasattr(value, "free_symbols"):
        return str(value)
    if np.ndim(value) == 0:
        return write(float(value))
    return f"{write(float(np.min(value)))} to {write(float(np.max(value)))}"
