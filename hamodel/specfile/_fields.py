"""What each field of each specification holds, and so how a file writes it."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

_SHARES = {
    *("coverage", "hit_ratio", "destroyed", "availability", "read_availability"),
    *("stale_reads", "loss", "ignoring", "stale", "slow_probability"),
    *("failed", "healthy", "reset", "dead_first"),
    "common_cause",
}
_RATES = {"reads", "writes", "false_failovers"}
_NUMBERS = {
    *("cost", "exponent", "growth", "budget", "transfer_price", "replay_speed"),
    *("multiplier", "multiple", "version"),
    "lost_writes_per_year",
}
_MEAN_TIMES = {"mttf", "takeover_mttf", "every"}
_WHOLE = {"misses", "rise", "fall", "tries"}
_LISTS = {"sizes"}
#: Fields that may hold a whole distribution.
LAWS = {
    *("detection", "fencing", "promotion", "redirection", "election", "round_trip"),
    *("hop", "delay", "flush", "service", "usual", "lag", "slow", "takeover"),
    *("first", "again", "start", "reboot"),
}
#: Fields that a mechanism may fill.
STAGES = {"detection", "fencing", "promotion", "redirection"}


def kind_of(spec: type, name: str) -> str:
    """Return what a field holds.

    Parameters
    ----------
    spec : type
        A dataclass.
    name : str
        One of its fields.

    Returns
    -------
    str
        A kind of `hamodel.units.KINDS`, or "word", "flag", "names", "counts", "shares",
        "list" (of shares) or "times".
    """
    noted = str(spec.__dataclass_fields__[name].type).replace("'", "")  # type: ignore[attr-defined]
    for start, found in _BY_TYPE:
        if noted.startswith(start):
            return found
    for names, found in _BY_NAME:
        if name in names:
            return found
    return "time"


_BY_TYPE = (
    ("int", "whole"),
    ("bool", "flag"),
    ("str", "word"),
    ("tuple[str", "names"),
    ("Mapping[str, int]", "counts"),
    ("Mapping[str, Quantity]", "shares"),
    ("float | Mapping", "times"),
)
_BY_NAME: tuple[tuple[set[str], str], ...] = (
    (_SHARES, "share"),
    (_RATES, "rate"),
    (_NUMBERS, "number"),
    (_MEAN_TIMES, "mean time"),
    (_WHOLE, "whole"),
    (_LISTS, "list"),
)


def is_optional(spec: type, name: str) -> bool:
    """Tell whether a field may be null."""
    return "None" in str(spec.__dataclass_fields__[name].type)  # type: ignore[attr-defined]


def settable(spec: Any) -> list[str]:  # noqa: ANN401
    """Return the fields that can be given."""
    return [f.name for f in fields(spec) if f.init]


def required(spec: Any) -> list[str]:  # noqa: ANN401
    """Return the fields that have no default."""
    return [
        f.name
        for f in fields(spec)
        if f.init and f.default is MISSING and f.default_factory is MISSING
    ]
