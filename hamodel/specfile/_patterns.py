"""What a quantity looks like as a string, by its kind: patterns for the schema."""

from __future__ import annotations

from collections.abc import Iterable

from hamodel.units import COUNTED, RATES, TIMES

_MANTISSA = r"([0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?|[0-9][0-9_]*(\.[0-9_]*)?|\.[0-9]+)"
_NUMBER = rf"{_MANTISSA}([eE][-+]?0*[0-5]?[0-9])?"
_SOME = r"(?=[0-9_,.]*[1-9])"  # a number above 0
_ENDLESS = r"[nN]ever|forever|inf|infinity|infinite|\.inf"


def any_of(names: Iterable[str]) -> str:
    """Return a pattern of names, those of three letters and more in any case."""
    return "|".join(
        "".join(f"[{c}{c.upper()}]" if c.isascii() else c for c in name)
        if len(name) > 2 and name.isalpha()
        else name
        for name in names
    )


_PERCENT = f"(%|{any_of(('percent', 'pct'))})"
_UNIT = f"({any_of(TIMES)})"
_COMPOUND = rf"([0-9]+(\.[0-9]+)?\s*({any_of(TIMES)}|m)\s*){{2,}}"  # 1h30m
_PER = rf"({any_of(RATES)}|({any_of(sorted(COUNTED))}|1|x)?\s*(/|per\b|a\b)\s*{_UNIT})"
_TAIL = r"(\.[0-9_]*)?([eE]-?0*[0-9]+)?"


def _share(below: bool) -> str:
    """Return the pattern of a share of at most 1, or below."""
    cent = rf"[0-9]{{1,2}}{_TAIL}|\.[0-9]+" + ("" if below else r"|100(\.0*)?")
    whole = r"0(\.0*)?" if below else r"[01](\.0*)?"
    small = r"0?\.[0-9_]+([eE]-[0-9]+)?|[0-9](\.[0-9]*)?[eE]-[0-9]+"
    return rf"\+?({cent})\s*{_PERCENT}|\+?({whole}|{small})"


def pattern(
    kind: str,
    *,
    above: bool = False,
    below: bool = False,
    endless: bool = False,
    signed: bool = False,
) -> str:
    """Return what a string of a kind looks like, with the units that are read.

    Parameters
    ----------
    kind : str
        One of `units.KINDS`, or "" for any of them.
    above, below : bool
        Whether 0, or 1 as a share, is too little or too much.
    endless : bool
        Whether it may be infinite.
    signed : bool
        Whether it may be negative.
    """
    sign = "[-+]?" if signed else r"\+?"
    number = rf"{sign}{_SOME if above else ''}{_NUMBER}"
    never = f"|{_ENDLESS}" if endless else ""
    time = rf"{number}\s*{_UNIT}?|{_COMPOUND}{never}"
    rate = rf"{number}\s*{_PER}"
    mean = rf"{time}|{sign}{_NUMBER if endless else _SOME + _NUMBER}\s*{_PER}"
    found = {
        "time": time,
        "mean time": mean,
        "rate": rf"{number}|{rate}|{_ENDLESS}",
        "share": rf"{number}\s*{_PERCENT}?" if signed else _share(below),
        "number": number,
        "whole": rf"{sign}[0-9][0-9_,]*(\.0*)?([eE]\+?[0-9]+)?",
        "": rf"{number}\s*({_UNIT}|{_PERCENT}|{_PER})?|{_COMPOUND}|{_ENDLESS}",
    }
    return rf"^\s*({found[kind]})\s*$"
