"""Incident logs, read row by row, with errors that name the place."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from hamodel.units import DAY, HOUR, MINUTE, MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

COLUMNS = (
    "component",
    "node",
    "start",
    "end",
    "duration",
    "duration_s",
    "duration_min",
    "duration_h",
    "cause",
    "kind",
    "covered",
)
_DRILL = ("duration", "duration_s", "duration_min", "duration_h", "worked")
KINDS = ("repair", "failover", "manual")
_ALIASES = {"what": "component"}
_SIZES = {
    "duration": 1.0,
    "duration_s": 1.0,
    "duration_min": MINUTE,
    "duration_h": HOUR,
}
_UNITS = {
    "ms": MS,
    "s": 1.0,
    "sec": 1.0,
    "m": MINUTE,
    "min": MINUTE,
    "h": HOUR,
    "d": DAY,
    "days": DAY,
}
_AMOUNT = re.compile(r"([0-9.eE+-]+)\s*([a-z]*)")
_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One row of a log.

    Attributes
    ----------
    place : str
        File and line.
    component : str
        What failed, as the log says it.
    nodes : tuple of str
        The nodes it names; empty if it names none.
    start : float or None
        In s since 1970, if the log says it.
    length : float or None
        How long in s it lasted, or has lasted; None: open since `start`.
    over : bool
        Whether it is over.
    kind : str
        One of `KINDS`.
    covered : bool or None
        Whether the failover worked, if the log says it.
    cause : str
        In the log's words.
    """

    place: str
    component: str
    nodes: tuple[str, ...] = ()
    start: float | None = None
    length: float | None = None
    over: bool = True
    kind: str = "repair"
    covered: bool | None = None
    cause: str = ""


@dataclass
class Clock:
    """Reads times; all must have a time zone, or none."""

    aware: bool | None = None
    first: str = ""

    def read(self, row: Row, column: str) -> float:
        """Return a cell as seconds since 1970."""
        return self.seconds(row.cells[column], lambda limit: row.refuse(column, limit))

    def seconds(self, value: Any, refuse: Any) -> float:  # noqa: ANN401
        """Return a time as seconds since 1970; `refuse` raises with the limit."""
        moment = value
        if not isinstance(moment, datetime):
            try:
                moment = datetime.fromisoformat(str(value).strip())
            except ValueError:
                refuse("must be a time such as 2026-03-01T14:05 or 2026-03-01T14:05Z")
        aware = moment.tzinfo is not None
        if self.aware is None:
            self.aware, self.first = aware, str(value)
        if aware != self.aware:
            have = "with" if self.aware else "without"
            refuse(f"must be a time {have} a time zone, as the first ({self.first}) is")
        if not aware:
            moment = moment.replace(tzinfo=UTC)
        return float(moment.timestamp())


@dataclass(frozen=True)
class Row:
    """One row and where it stands."""

    place: str
    cells: Mapping[str, Any]

    def refuse(self, column: str, limit: str) -> NoReturn:
        """Raise with the place, the limit and the value."""
        value = self.cells.get(column)
        raise ValueError(f"{self.place}, column {column}: {limit}, got {value!r}")

    def has(self, column: str) -> bool:
        """Tell whether the cell is there and not empty."""
        value = self.cells.get(column)
        return value is not None and str(value).strip() != ""

    def word(self, column: str) -> str:
        """Return a cell without spaces around it."""
        return str(self.cells[column]).strip() if self.has(column) else ""

    def choice(self, column: str, choices: Iterable[str]) -> str:
        """Return a cell that must be one of some words."""
        word, known = self.word(column).lower(), tuple(choices)
        if word and word not in known:
            near = difflib.get_close_matches(word, known, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            self.refuse(column, f"must be one of {', '.join(known)}{hint}")
        return word


def read(
    source: str | Path | Iterable[Mapping[str, Any]],
    columns: Mapping[str, str | None],
    clock: Clock,
) -> list[Incident]:
    """Return the incidents of a CSV file, or of rows given as mappings."""
    return [_incident(row, clock) for row in _rows(source, columns)]


def read_drills(path: str | Path) -> tuple[list[float], list[bool]]:
    """Return durations in s and whether each drill worked, from a CSV file."""
    durations, worked = [], []
    for row in _rows(path, {}, _DRILL):
        given = [column for column in _SIZES if row.has(column)]
        if len(given) > 1:
            row.refuse(given[1], f"must be empty, since {given[0]} is given")
        durations.append(_amount(row, given[0])[0] if given else float("nan"))
        word = row.choice("worked", _YES)
        worked.append(_YES[word] if word else True)
    return durations, worked


def _rows(
    source: str | Path | Iterable[Mapping[str, Any]],
    columns: Mapping[str, str | None],
    known: Sequence[str] = COLUMNS,
) -> Iterator[Row]:
    if not isinstance(source, (str, Path)):
        for number, cells in enumerate(source, 1):
            place = f"row {number}"
            if not isinstance(cells, Mapping):
                raise ValueError(f"{place}: must be a mapping, got {cells!r}")
            names = _names(place, list(cells), columns, known)
            yield Row(place, {n: cells[c] for c, n in names.items() if n})
        return
    path = Path(source)
    if not path.is_file():
        raise ValueError(f"incidents must be rows or a file, there is no file {path}")
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if not reader.fieldnames:
            raise ValueError(f"{path.name}, line 1: must name the columns, got nothing")
        header = list(reader.fieldnames)
        names = _names(f"{path.name}, line 1", header, columns, known)
        for cells in reader:
            place = f"{path.name}, line {reader.line_num}"
            if None in cells:
                extra = cells[None]
                wide = len(reader.fieldnames)
                raise ValueError(f"{place}: must have {wide} cells, got also {extra}")
            yield Row(place, {n: cells[c] for c, n in names.items() if n})


def _names(
    place: str,
    given: list[str],
    columns: Mapping[str, str | None],
    known: Sequence[str],
) -> dict[str, str | None]:
    """Return what each column of the log means; None: nothing."""
    names: dict[str, str | None] = {}
    for raw in given:
        plain = str(raw).strip()
        name = columns.get(plain, _ALIASES.get(plain.lower(), plain.lower()))
        if name is not None and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            listed = ", ".join(known)
            raise ValueError(
                f"{place}: column must be one of {listed}, got {plain!r}{hint} "
                f"(columns={{{plain!r}: None}} leaves it out)"
            )
        if name is not None and name in names.values():
            raise ValueError(f"{place}: column {name} must be there once, got it twice")
        names[raw] = name
    return names


def _incident(row: Row, clock: Clock) -> Incident:
    if not row.has("component"):
        row.refuse("component", "must name what failed")
    start = clock.read(row, "start") if row.has("start") else None
    length, over = _length(row, start, clock)
    covered = row.choice("covered", _YES)
    named = re.split(r"[;+,]", row.word("node"))
    return Incident(
        place=row.place,
        component=row.word("component"),
        nodes=tuple(filter(None, map(str.strip, named))),
        start=start,
        length=length,
        over=over,
        kind=row.choice("kind", KINDS) or "repair",
        covered=_YES[covered] if covered else None,
        cause=row.word("cause"),
    )


def _length(row: Row, start: float | None, clock: Clock) -> tuple[float | None, bool]:
    """Return how long an incident lasted, and whether it is over."""
    given = [column for column in _SIZES if row.has(column)]
    if len(given) > 1:
        row.refuse(given[1], f"must be empty, since {given[0]} is given")
    if given and row.has("end"):
        row.refuse(given[0], "must be empty, since end is given")
    if given:
        return _amount(row, given[0])
    if start is None:
        row.refuse("start", "must be given, or a duration")
    if not row.has("end"):
        return None, False
    end = clock.read(row, "end")
    if end <= start:
        row.refuse("end", f"must be after start ({row.word('start')})")
    return end - start, True


def _amount(row: Row, column: str) -> tuple[float, bool]:
    """Read `90`, `1.5 h`, `0:45:00`, and `> 4 h` for what is still open after 4 h."""
    word = row.word(column)
    over = not word.startswith(">")
    word = word.lstrip("> ")
    seconds = _clock_face(word) if ":" in word else _number(word, _SIZES[column])
    if seconds is None or not 0 < seconds < float("inf"):
        row.refuse(column, "must be a duration above 0, such as 90, '1.5 h' or 0:45:00")
    return seconds, over


def _number(word: str, size: float) -> float | None:
    found = _AMOUNT.fullmatch(word.lower())
    if found is None or found[2] not in {"", *_UNITS}:
        return None
    try:
        return float(found[1]) * (_UNITS[found[2]] if found[2] else size)
    except ValueError:
        return None


def _clock_face(word: str) -> float | None:
    """Read h:mm or h:mm:ss."""
    try:
        parts = [float(part) for part in word.split(":")]
    except ValueError:
        return None
    if not 2 <= len(parts) <= 3 or not all(0 <= p < 60 for p in parts[1:]):
        return None
    sizes = (HOUR, MINUTE, 1.0)
    return sum(p * size for p, size in zip(parts, sizes, strict=False))
