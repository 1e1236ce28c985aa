"""A table of failures, and what its columns mean."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType

import numpy as np

from hamodel import _check, _html
from hamodel._types import FloatArray
from hamodel.facts import folder


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Recording:
    """One series: rows of measurements, and how they were made.

    Attributes
    ----------
    name, title : str
        What it is called, and what was recorded.
    recorded : str
        Date, as year-month-day.
    machine : str
        Where.
    versions, settings : mapping of str to str or number
        Of the products.
    t0 : str
        The moment from which times count.
    meaning : mapping of str to str
        What each column holds.
    dropped, note : str
        What was left out, and what is to be known.
    rows : tuple of mapping of str to str
        The table as it was written.
    """

    name: str
    title: str
    recorded: str
    machine: str
    versions: Mapping[str, str]
    settings: Mapping[str, object]
    t0: str
    meaning: Mapping[str, str]
    dropped: str
    note: str
    rows: tuple[Mapping[str, str], ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def words(self, name: str) -> tuple[str, ...]:
        """Return a column as it was written.

        Raises
        ------
        ValueError
            If there is no such column.
        """
        if name not in self.meaning:
            hint = _check.hint(name, self.meaning)
            raise ValueError(
                f"name must be a column of {self.name}, got {name!r}{hint}"
            )
        return tuple(row[name] for row in self.rows)

    def column(self, name: str) -> FloatArray:
        """Return a column of numbers in its unit; nan where none was measured.

        Raises
        ------
        ValueError
            If there is no such column, or it holds words.
        """
        words = self.words(name)
        try:
            return np.array(words, float)
        except ValueError:
            raise ValueError(
                f"name must be a column of numbers, got {name!r}"
            ) from None

    def where(self, **chosen: object) -> Recording:
        """Return the rows in which columns have some values.

        Raises
        ------
        ValueError
            If no row is left.
        """
        from dataclasses import replace

        kept = np.ones(len(self), bool)
        for name, value in chosen.items():
            of_words = isinstance(value, str)
            held = np.array(self.words(name)) if of_words else self.column(name)
            kept &= held == value
        if not kept.any():
            raise ValueError(f"chosen must leave a row of {self.name}, got {chosen}")
        rows = tuple(r for r, keep in zip(self.rows, kept, strict=True) if keep)
        return replace(self, rows=rows)

    def __repr__(self) -> str:
        return f"<Recording {self.name}: {self.title}; {len(self)} rows>"

    def _repr_html_(self) -> str:
        facts = [("recorded", f"{self.recorded}, {self.machine}"), ("t0", self.t0)]
        facts += [(k, str(v)) for k, v in {**self.versions, **self.settings}.items()]
        facts += [(f"column {k}", v) for k, v in self.meaning.items()]
        facts += [("dropped", self.dropped), ("note", self.note)]
        return _html.table(facts, caption=f"{self.title} ({len(self)} rows)")


def names() -> tuple[str, ...]:
    """Return the names of all recordings.

    Examples
    --------
    >>> "redis_sentinel_1s_kill" in names()
    True
    """
    return tuple(sorted(p.stem for p in (folder() / "recordings").glob("*.json")))


@cache
def load(name: str) -> Recording:
    """Return a recording.

    Parameters
    ----------
    name : str
        One of `names()`.

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> killed = load("redis_sentinel_1s_kill")
    >>> killed
    <Recording redis_sentinel_1s_kill: Three Sentinels, the primary ...; 25 rows>
    >>> killed.versions["Redis and Sentinel"], float(killed.column("switch_s").max())
    ('7.0.15', 2.37405)
    """
    if name not in names():
        hint = _check.hint(name, names())
        raise ValueError(f"name must be a recording, got {name!r}{hint}")
    place = folder() / "recordings"
    about = json.loads((place / f"{name}.json").read_text(encoding="utf-8"))
    with (place / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = tuple(MappingProxyType(row) for row in csv.DictReader(file))
    about["meaning"] = about.pop("columns")
    return Recording(rows=rows, **about)


def laboratory(begins: str, columns: tuple[str, ...]) -> list[FloatArray]:
    """Return columns of the laboratory's series whose names begin so.

    Returns
    -------
    list of ndarray, shape (rows, columns)
        One for each series, in the order of their names.
    """
    found = []
    for file in sorted((folder() / "recordings" / "lab").glob(f"{begins}*.csv")):
        with file.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        if set(columns) <= set(rows[0]):
            found.append(np.array([[row[c] for c in columns] for row in rows], float))
    return found
