"""Published numbers with their conditions and sources."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from hamodel import _check
from hamodel._html import table
from hamodel._types import Value
from hamodel.units import quantity

Found = TypeVar("Found")

#: Units of `facts.csv` that only say what is counted.
_COUNTED = frozenset(
    {
        *("1", "fraction", "probability", "factor", "ratio", "count", "checks"),
        *("servers", "N", "of 6", "per second", "fraction of operations"),
    }
)
#: How far a number is from its source, nearest first: read there; read where others
#: report it; computed from such numbers; widely quoted, source not consulted.
CONFIDENCE = ("read", "read-secondary", "derived", "recalled")


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A published number, with its conditions and its source.

    Attributes
    ----------
    id : str
        Identifier, such as "FO-001".
    system, quantity : str
        Of what, and what.
    value, low, high : float or None
        The number and its range, in `unit`; None where the source has none.
    unit : str
        Unit as in the source; "text" if the fact is in words, under `conditions`.
    conditions : str
        Under which it holds.
    source_title, source_org, year, url : str or int
        Where it stands; a computed number names the facts it was computed from.
    confidence : str
        One of `CONFIDENCE`.
    """

    id: str
    system: str
    quantity: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    conditions: str
    source_title: str
    source_org: str
    year: int
    url: str
    confidence: str

    def in_base(self, which: str = "value") -> float:
        """Return the number in s, per second or as a plain number.

        Parameters
        ----------
        which : {"value", "low", "high"}
            Which of the three numbers.

        Returns
        -------
        float
            The number; percent become a fraction.

        Raises
        ------
        ValueError
            If the fact does not have it, or in no unit that can be read.

        Examples
        --------
        >>> fact("FO-017").in_base(), fact("FAIL-001").in_base() / 86400
        (90.0, 130.79...)
        """
        _check.one_of(("value", "low", "high"), which=which)
        number: float | None = getattr(self, which)
        if number is None:
            raise ValueError(f"{which} of {self.id} must be a number, it has none")
        if self.unit in _COUNTED:
            return number
        try:
            return quantity(f"{number!r} {self.unit.removesuffix(' of time')}")
        except ValueError as refused:
            raise ValueError(f"{which} of {self.id} {refused}") from None

    def __str__(self) -> str:
        said = self.conditions
        if self.unit != "text":
            known = [x for x in (self.value, self.low, self.high) if x is not None]
            said = f"{known[0]:g} {self.unit}"
        source = f"{self.source_org}, {self.source_title} ({self.year})"
        return f"{self.id}: {self.system}, {self.quantity}: {said}. {source}"

    def _repr_html_(self) -> str:
        rows = [(f.name, getattr(self, f.name)) for f in fields(self)]
        return table([(name, "" if value is None else value) for name, value in rows])


def folder() -> Path:
    """Return the folder of the data files, in a checkout or in an installed wheel."""
    here = Path(__file__).parent
    installed = here / "_data"
    return installed if installed.is_dir() else here.parent / "data"


@cache
def _facts() -> Mapping[str, Fact]:
    with (folder() / "facts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return MappingProxyType({row["id"]: _as_fact(row) for row in rows})


def _as_fact(row: dict[str, Value]) -> Fact:
    for name in ("value", "low", "high"):
        row[name] = float(row[name]) if row[name] else None
    return Fact(**row | {"year": int(row["year"])})


def fact(id: str) -> Fact:
    """Return one fact by its identifier.

    Parameters
    ----------
    id : str
        Such as "FO-001".

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> print(fact("FO-001"))
    FO-001: Patroni, ttl (leader lock): 30 s. Patroni project, ...
    """
    return look_up("fact", id, _facts())


def facts(
    *,
    system: str | None = None,
    quantity: str | None = None,
    confidence: str | None = None,
) -> tuple[Fact, ...]:
    """Return the facts that hold some words, whatever their case.

    Parameters
    ----------
    system : str or None
        Words in the name of the system.
    quantity : str or None
        Words in the name of the quantity.
    confidence : str or None
        Exactly one of `CONFIDENCE`.

    Returns
    -------
    tuple of Fact
        In the order of the file; empty if none matches.

    Raises
    ------
    ValueError
        If there is no such confidence.

    Examples
    --------
    >>> [f.id for f in facts(system="patroni", quantity="ttl")]
    ['FO-001', 'FO-005']
    """
    if confidence is not None:
        _check.one_of(CONFIDENCE, confidence=confidence)
    return tuple(
        f
        for f in _facts().values()
        if (system or "").lower() in f.system.lower()
        and (quantity or "").lower() in f.quantity.lower()
        and confidence in (None, f.confidence)
    )


def look_up(kind: str, name: str, known: Mapping[str, Found]) -> Found:
    """Return what has a name, or say which name is near."""
    if name in known:
        return known[name]
    name = name if len(str(name)) <= 60 else f"{name:.60}..."
    raise ValueError(f"there is no {kind} {name!r}{_check.hint(name, known, 0.4)}")
