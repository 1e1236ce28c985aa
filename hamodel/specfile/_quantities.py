"""Numbers with units, as people write them: 30 s, 4 h, 99.95 %, 2/yr.

A year has 365 days and a month a twelfth of that, as in `hamodel.units`.
"""

from __future__ import annotations

import difflib
import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from hamodel.units import DAY, HOUR, MINUTE, MONTH, MS, YEAR

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Units of time in s.
TIMES: Mapping[str, float] = MappingProxyType(
    {
        **dict.fromkeys(("us", "µs"), 1e-6),
        "ms": MS,
        **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
        **dict.fromkeys(("min", "minute", "minutes"), MINUTE),
        **dict.fromkeys(("h", "hour", "hours"), HOUR),
        **dict.fromkeys(("d", "day", "days"), DAY),
        **dict.fromkeys(("week", "weeks"), 7 * DAY),
        **dict.fromkeys(("month", "months"), MONTH),
        **dict.fromkeys(("yr", "year", "years"), YEAR),
    }
)
_NUMBER = re.compile(r"\s*([-+]?[\d_,]*\.?\d+(?:[eE][-+]?\d+)?)\s*(.*?)\s*")
#: What a field may be: how it is asked for in a message.
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "time": "a time, such as 30 s or 4 h",
        "mean time": "a time, such as 200 d, or a rate, such as 2/yr",
        "rate": "a rate, such as 900/s",
        "share": "a share, such as 99.95 % or 0.9995",
        "number": "a number",
        "whole": "a whole number",
    }
)


def quantity(words: object, kind: str = "") -> float:
    """Read a number with its unit.

    Parameters
    ----------
    words : str, int or float
        Such as "30 s", "4 h", "99.95 %", "2/yr" or 30; "never" is an endless time.
    kind : str
        One of `KINDS`; empty for whatever the unit says.

    Returns
    -------
    float
        In s, in 1/s, or as a plain number.

    Raises
    ------
    ValueError
        If it is no number, the unit is unknown (the nearest is named), or not of the
        kind.

    Examples
    --------
    >>> quantity("4 h"), quantity("99.95 %"), quantity("900/s"), quantity(30)
    (14400.0, 0.9995, 900.0, 30.0)
    >>> quantity("2/yr", "mean time") / 86400
    182.5
    >>> quantity("30 %", "time")
    Traceback (most recent call last):
    ...
    ValueError: must be a time, such as 30 s or 4 h, got '30 %'
    """
    if isinstance(words, bool) or words is None:
        raise _refused(words, kind)
    if isinstance(words, (int, float)):
        return _fitting(float(words), "number", words, kind)
    text = str(words)
    if text.strip() == "never" and kind in ("time", "mean time", ""):
        return float("inf")
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise _refused(words, kind)
    value = float(match[1].replace(",", "").replace("_", ""))
    factor, found = _unit(match[2], words, kind)
    return _fitting(value * factor, found, words, kind)


def _unit(unit: str, words: object, kind: str) -> tuple[float, str]:
    """Return the factor of a unit and the kind that it makes."""
    if unit == "":
        return 1.0, "number"
    if unit == "%":
        return 0.01, "share"
    per = re.fullmatch(r"(?:1\s*)?(?:/|per\s)\s*(\S+)", unit)
    name = per[1] if per else unit
    if name not in TIMES:
        near = difflib.get_close_matches(name, [*TIMES, "%"], n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise _refused(words, kind, f": there is no unit {name!r}{hint}")
    return (1 / TIMES[name], "rate") if per else (TIMES[name], "time")


def _fitting(value: float, found: str, words: object, kind: str) -> float:
    """Return the value if it is of the kind; a rate is read as a mean time."""
    if kind == "mean time" and found == "rate" and value > 0:
        return 1 / value
    wanted = {"mean time": "time", "whole": "number"}.get(kind, kind)
    if kind and found not in (wanted, "number"):
        raise _refused(words, kind)
    if kind == "whole" and value != int(value):
        raise _refused(words, kind)
    return value


def _refused(words: object, kind: str, why: str = "") -> ValueError:
    asked = KINDS.get(kind, "a number with a unit, such as 30 s, 99 % or 2/yr")
    return ValueError(f"must be {asked}, got {words!r}{why}")
