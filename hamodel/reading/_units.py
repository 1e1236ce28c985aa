"""How each product writes times, switches and counts."""

from __future__ import annotations

import re
from collections.abc import Callable

from hamodel.units import DAY

_UNITS = {
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}
_ON = frozenset({"on", "true", "yes", "1", "enabled"})
_OFF = frozenset({"off", "false", "no", "0", "disabled"})
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_PART = re.compile(rf"({_NUMBER})\s*([a-zµ]+)")


def time(bare: float, *units: str) -> Callable[[str], float]:
    """Return a reader of times in which a bare number counts units of `bare` s.

    `units` are those that the product knows; by default all that are known here.

    Examples
    --------
    >>> time(1e-3)("2000"), time(1e-3)("3s"), time(1)("1m30s"), time(1)("500ms")
    (2.0, 3.0, 90.0, 0.5)
    """

    def read(raw: str) -> float:
        words = raw.strip().strip("'\"").lower()
        if re.fullmatch(_NUMBER, words):
            return float(words) * bare
        parts = _PART.findall(words)
        if parts and _PART.sub("", words).strip() == "":
            unknown = [unit for _, unit in parts if unit not in (units or _UNITS)]
            if not unknown:
                return sum(float(count) * _UNITS[unit] for count, unit in parts)
        unit = {1.0: "s", 1e-3: "ms"}[bare]
        raise ValueError(f"must be a time, bare in {unit}, got {raw!r:.40}")

    return read


def iso(raw: str) -> float:
    """Read a period as ISO 8601 has it.

    Examples
    --------
    >>> iso("PT5S"), iso("PT0.5S"), iso("PT1M30S"), iso("P1DT1H")
    (5.0, 0.5, 90.0, 90000.0)
    """
    hours_on = "".join(rf"(?:({_NUMBER}){unit})?" for unit in "HMS")
    pattern = rf"P(?:({_NUMBER})D)?(?:T{hours_on})?"
    match = re.fullmatch(pattern, raw.strip().strip("'\"").upper())
    if match is None or not any(match.groups()):
        raise ValueError(f"must be a period such as PT5S, got {raw!r:.40}")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds


def whole(least: int = 0) -> Callable[[str], int]:
    """Return a reader of whole numbers from `least` on."""

    def read(raw: str) -> int:
        words = raw.strip().strip("'\"")
        if not re.fullmatch(r"[-+]?[0-9]{1,12}", words) or int(words) < least:
            raise ValueError(f"must be a whole number >= {least}, got {raw!r:.40}")
        return int(words)

    return read


def bare(unit: float) -> Callable[[str], float]:
    """Return a reader of times that are whole numbers of `unit` s, without one.

    Examples
    --------
    >>> bare(1e-3)("3000"), bare(1)("60")
    (3.0, 60.0)
    """

    def read(raw: str) -> float:
        words = raw.strip().strip("'\"")
        if not re.fullmatch(r"[0-9]{1,12}", words):
            name = {1.0: "s", 1e-3: "ms"}[unit]
            raise ValueError(f"must be a whole number of {name}, got {raw!r:.40}")
        return float(words) * unit

    return read


def plain(raw: str) -> float:
    """Read a number of at least 0."""
    words = raw.strip().strip("'\"")
    if not re.fullmatch(_NUMBER, words):
        raise ValueError(f"must be a number >= 0, got {raw!r:.40}")
    return float(words)


def flag(raw: str) -> bool:
    """Read a switch.

    Examples
    --------
    >>> flag("on"), flag("OFF"), flag("true")
    (True, False, True)
    """
    words = raw.strip().strip("'\"").lower()
    if words in _ON | _OFF:
        return words in _ON
    raise ValueError(f"must be on or off, got {raw!r:.40}")


def word(*choices: str) -> Callable[[str], str]:
    """Return a reader of one of some words."""

    def read(raw: str) -> str:
        words = raw.strip().strip("'\"").lower()
        if words not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}, got {raw!r:.40}")
        return words

    return read


def shown(seconds: float) -> str:
    """Return a time as a system file writes it.

    Examples
    --------
    >>> shown(30.0), shown(0.5), shown(90.0), shown(0.0), shown(8.64e6)
    ('30 s', '500 ms', '90 s', '0 s', '100 d')
    """
    if seconds > 30 * DAY:
        return f"{_digits(round(seconds / DAY, 2))} d"
    if 0 < seconds < 1:
        return f"{_digits(seconds * 1e3)} ms"
    return f"{_digits(seconds)} s"


def _digits(number: float) -> str:
    rounded = round(number, 9)
    return str(int(rounded)) if rounded.is_integer() else str(rounded)
