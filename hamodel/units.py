"""Units, and how a number with a unit is read.

Every time in hamodel is a plain number of seconds and every rate is per second, so
`2000 * HOUR` is a mean time and `3 / YEAR` a rate.  A year has 365 days, the convention
of service-level agreements, in which 99.99 % allows 52.56 minutes; a month is a twelfth
of that.

People write such numbers in many ways, and a wrong guess at what they mean is a wrong
answer that nobody sees.  So `quantity` is the only reader, for files, the terminal,
Python strings and presets, and what may mean two things it refuses, with the way to
write either.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

MS = 1e-3
SECOND = 1.0
MINUTE = 60.0
HOUR = 3600.0
DAY = 24 * HOUR
MONTH = 365 * DAY / 12
YEAR = 365 * DAY

#: Units of time in s, by every name that is read.
TIMES: Mapping[str, float] = MappingProxyType(
    {
        **dict.fromkeys(("ns", "nanosecond", "nanoseconds"), 1e-9),
        **dict.fromkeys(("us", "µs", "μs", "microsecond", "microseconds"), 1e-6),
        **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds"), MS),
        **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), SECOND),
        **dict.fromkeys(("min", "mins", "minute", "minutes"), MINUTE),
        **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), HOUR),
        **dict.fromkeys(("d", "day", "days"), DAY),
        **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), 7 * DAY),
        **dict.fromkeys(("mo", "month", "months"), MONTH),
        **dict.fromkeys(("y", "yr", "yrs", "year", "years"), YEAR),
    }
)
#: Kinds of quantity: how each is asked for in a message.
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
_DASH = re.compile("[\u2010-\u2015\u2212\uff0d]")
#: Units of rates in 1/s, and what a rate may count.
RATES = {"rps": 1.0, "qps": 1.0, "tps": 1.0, "rpm": 1 / MINUTE, "rph": 1 / HOUR}
COUNTED = frozenset(
    {
        *("req", "reqs", "request", "requests", "query", "queries", "op", "ops"),
        *("operation", "operations", "read", "reads", "write", "writes", "tx"),
        *("transaction", "transactions", "commit", "commits", "message", "messages"),
        *("event", "events", "failure", "failures", "outage", "outages", "times"),
    }
)
_PERCENT = ("%", "percent", "pct")
_ENDLESS = ("inf", "infinity", "infinite", "never", "forever")
_NUMBER = r"[-+]?(?:[0-9][0-9_,]*(?:\.[0-9_]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_ONE = re.compile(rf"({_NUMBER})\s*(.*)", re.DOTALL)
_PARTS = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-zµμ]+)\s*")
_COMPOUND = re.compile(rf"(?![0-9.]+[eE][0-9]){_PARTS.pattern}(?:{_PARTS.pattern})+")
_THOUSANDS = re.compile(r"[-+]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?(?:[eE][-+]?\d+)?")
_GREATEST = 1e60  # beyond it squares overflow
_LONGEST = 60  # letters of a value that a message repeats


def quantity(words: object, kind: str = "") -> float:
    """Read a number with its unit.

    Parameters
    ----------
    words : str, int or float
        Such as "30 s", "1h30m", "99.95 %", "2/yr", "900 req/s", "1,500" or 30; "never"
        and "inf" are an endless time, and as a rate none at all.
    kind : str
        One of `KINDS`; empty for whatever the unit says.

    Returns
    -------
    float
        In s, in 1/s, or as a plain number.

    Raises
    ------
    ValueError
        If it is no number, may mean two things, has an unknown unit (the nearest is
        named), or is not of the kind.

    Examples
    --------
    >>> quantity("1h30m"), quantity("99.95 %"), quantity("900 req/s"), quantity(30)
    (5400.0, 0.9995, 900.0, 30.0)
    >>> quantity("2/yr", "mean time") / DAY
    182.5
    >>> quantity("1,5 s", "time")
    Traceback (most recent call last):
    ...
    ValueError: must be a time, such as 30 s or 4 h, got '1,5 s': write 1.5 s
    """
    if isinstance(words, bool) or not isinstance(words, (int, float, str)):
        raise _refused(words, kind)
    if not isinstance(words, str):
        return _fitting(_float(words, kind), "number", words, kind)
    text = " ".join(words.split())
    if text.lower().lstrip("+.") in _ENDLESS:
        return _endless(words, kind)
    if _COMPOUND.fullmatch(text):
        return _fitting(_compound(text, words, kind), "time", words, kind)
    match = _ONE.fullmatch(text)
    if match is None:
        raise _refused(words, kind)
    value = _plain(match[1], match[2], words, kind)
    factor, found = _unit(match[2], words, kind, match[1])
    return _fitting(value * factor, found, words, kind)


def alike(values: Iterable[object]) -> None:
    """Refuse quantities of which some have units and others none.

    Parameters
    ----------
    values : iterable
        Quantities of one kind as they are written; fractions count as worked out.

    Raises
    ------
    ValueError
        If a number other than 0 stands alone beside one with a unit: who writes
        `uniform(5, 10 min)` hardly means 5 s.

    Examples
    --------
    >>> alike(["5", "10 min"])
    Traceback (most recent call last):
    ...
    ValueError: 5 has no unit and 10 min has: write 5 min
    """
    written = [str(v).strip() for v in values if isinstance(v, (str, int))]
    said = [_ONE.fullmatch(value) for value in written]
    bare = [one[1] for one in said if one and not one[2] and one[1].strip("+-0.")]
    units = [one for one in said if one and one[2][:1] not in ("", "%")]
    if bare and units:
        whole = units[-1][0]
        raise ValueError(
            f"{bare[0]} has no unit and {whole} has: write {bare[0]} {units[-1][2]}"
        )


def _float(value: float, kind: str) -> float:
    try:
        return float(value)
    except OverflowError:
        raise _refused(value, kind) from None


def _endless(words: object, kind: str) -> float:
    """Return what `never` is: an endless time, or a rate of none."""
    if kind == "rate":
        return 0.0
    if kind in ("time", "mean time", ""):
        return math.inf
    raise _refused(words, kind)


def _compound(text: str, words: object, kind: str) -> float:
    """Return the sum of the parts of a time such as 1h30m, the greatest unit first."""
    total, last = 0.0, math.inf
    for number, unit in _PARTS.findall(text):
        size = MINUTE if unit == "m" else TIMES.get(unit)
        if size is None:
            raise _refused(words, kind, _no_unit(unit))
        if size >= last:
            raise _refused(words, kind, ": units must go from great to small")
        total, last = total + float(number) * size, size
    return total


def _plain(number: str, unit: str, words: object, kind: str) -> float:
    """Return the number; a comma stands between thousands or is refused."""
    if "," in number and not _THOUSANDS.fullmatch(number):
        point = number.replace(",", ".")
        hint = f": write {point} {unit}".rstrip() if point.count(".") == 1 else ""
        raise _refused(words, kind, hint or ": a comma separates three digits")
    try:
        value = float(number.replace(",", ""))
    except ValueError:
        raise _refused(words, kind) from None
    if math.isinf(value):
        raise _refused(words, kind, ": it is too great")
    return value


def _unit(unit: str, words: object, kind: str, number: str) -> tuple[float, str]:
    """Return the factor of a unit and the kind that it makes."""
    if unit == "":
        return 1.0, "number"
    if unit.lower() in _PERCENT:
        return 0.01, "share"
    if unit.lower() in RATES:
        return RATES[unit.lower()], "rate"
    per = re.fullmatch(r"([A-Za-z]*|1|x)\s*(?:/|\bper\b|\ba\b)\s*(\S+)", unit)
    if per and per[1].lower() not in ("", "1", "x", *COUNTED):
        thousands = per[1] in ("k", "K") and "," not in number
        hint = f": write {float(number) * 1000:.15g}/{per[2]}" if thousands else ""
        raise _refused(words, kind, hint or _no_unit(per[1], COUNTED))
    name = per[2] if per else unit
    if kind in ("share", "number", "whole"):
        raise _refused(words, kind, f": there is no unit {_cut(name)}")
    size = TIMES.get(name) or (TIMES.get(name.lower()) if len(name) > 2 else None)
    if size is None and name in ("m", "M"):
        head = f"{number} {per[1]}".strip() + "/" if per else f"{number} "
        raise _refused(words, kind, f": for minutes write {head}min, for months mo")
    if size is None:
        raise _refused(words, kind, _no_unit(name))
    return (1 / size, "rate") if per else (size, "time")


def _no_unit(name: str, known: frozenset[str] | tuple[str, ...] = ()) -> str:
    choices = sorted(known) or [*TIMES, *RATES, "%"]
    near = difflib.get_close_matches(name[:_LONGEST], choices, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f": there is no unit {_cut(name)}{hint}"


def _fitting(value: float, found: str, words: object, kind: str) -> float:
    """Return the value if it is of the kind; a rate is read as a mean time."""
    if math.isnan(value):
        raise _refused(words, kind)
    if _GREATEST < abs(value) < math.inf:
        raise _refused(words, kind, ": it is too great")
    if 0 < abs(value) < 1 / _GREATEST:
        raise _refused(words, kind, ": it is too small")
    if kind == "mean time" and found == "rate":
        return 1 / value if value else math.inf
    wanted = {"mean time": "time", "whole": "number"}.get(kind, kind)
    if kind and found not in (wanted, "number"):
        raise _refused(words, kind)
    if kind == "whole" and (math.isinf(value) or value != int(value)):
        raise _refused(words, kind)
    if kind == "share" and found == "number" and 1 < value <= 100:
        given = words if isinstance(words, str) else f"{words:g}"
        raise _refused(words, kind, f": did you mean {given} %?")
    return value


def _refused(words: object, kind: str, why: str = "") -> ValueError:
    asked = KINDS.get(kind, "a number with a unit, such as 30 s, 99 % or 2/yr")
    if not why and isinstance(words, str) and (dash := _DASH.search(words)):
        why = f": {dash[0]!r} is no minus; write -"
    return ValueError(f"must be {asked}, got {_cut(words)}{why}")


def _cut(words: object) -> str:
    """Return how a message repeats a value: never more than a part of a line."""
    if isinstance(words, int) and abs(words) > 10**_LONGEST:
        return "a number of very many digits"
    shown = repr(words[: 2 * _LONGEST] if isinstance(words, str) else words)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."
