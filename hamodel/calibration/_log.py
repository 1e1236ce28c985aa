"""Incident logs, read row by row, with errors that name the place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hamodel.calibration._moments import Clock
from hamodel.calibration._tables import ALIASES, Mistakes, Row, Table, cells_of, table
from hamodel.duration import is_exposed
from hamodel.units import HOUR, MINUTE, quantity

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
_BEGIN = 20_000  # letters by which a file is known
_SIZES = {
    "duration": 1.0,
    "duration_s": 1.0,
    "duration_min": MINUTE,
    "duration_h": HOUR,
}
_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One row of a log."""

    place: str  # file and line
    component: str  # what failed, as the log says it
    nodes: tuple[str, ...] = ()  # the nodes it names; empty if it names none
    start: float | None = None  # in s since 1970, if the log says it
    # how long in s it lasted, or has lasted; None: open since `start`
    length: float | None = None
    over: bool = True  # whether it is over
    kind: str = "repair"  # one of `KINDS`
    covered: bool | None = None  # whether the failover worked, if the log says it
    cause: str = ""  # in the log's words


@dataclass(frozen=True, kw_only=True)
class Log:
    """The incidents of a log, and what is to be said of it."""

    incidents: list[Incident]
    notes: tuple[str, ...] = ()


def read(
    source: object, columns: Mapping[str, str | None], clock: Clock, component: str = ""
) -> Log:
    """Return the incidents of a CSV file, of a frame, or of rows given as mappings.

    `component` is what failed where the log has no column that says so.
    """
    found = table(source, columns, COLUMNS)
    _check_columns(found)
    clock.learn(cells_of(found.rows, "start", "end"))
    mistakes = Mistakes()
    incidents: list[Incident] = []
    empty: list[Incident] = []
    component = "" if "component" in found.names else component
    for row in found.rows:
        try:
            incident = _incident(row, clock, component)
        except ValueError as mistake:
            mistakes.add(mistake)
            continue
        (empty if incident.length == 0 else incidents).append(incident)
    mistakes.tell()
    notes = list(found.notes)
    if empty:
        places = ", ".join(i.place for i in empty[:5]) + (" ..." if empty[5:] else "")
        notes.append(f"{len(empty)} incidents of 0 s are left out ({places})")
    return Log(incidents=incidents, notes=tuple(notes))


def _check_columns(found: Table) -> None:
    """Raise unless the columns say when, or for how long."""
    if (found.names or found.rows) and not found.names & {"start", *_SIZES}:
        said = "there must be a column of start, or of duration (columns= names it)"
        raise ValueError("; ".join([*found.notes, said]))


def read_drills(path: str | Path) -> tuple[list[float], list[bool]]:
    """Return durations in s and whether each drill worked, from a CSV file."""
    durations, worked, mistakes = [], [], Mistakes()
    for row in table(path, {}, _DRILL).rows:
        try:
            given = _given(row)
            durations.append(_amount(row, given)[0] if given else float("nan"))
            word = row.choice("worked", _YES)
            worked.append(_YES[word] if word else True)
        except ValueError as mistake:
            mistakes.add(mistake)
    mistakes.tell()
    return durations, worked


def is_drills(path: str | Path) -> bool:
    """Tell whether a file holds drills of failovers and not a log, by its columns.

    Parameters
    ----------
    path : str or Path
        A CSV file.

    Raises
    ------
    ValueError
        If there is no such file.
    """
    if not Path(path).is_file():
        raise ValueError(f"there is no file {path}")
    with Path(path).open(encoding="utf-8-sig", errors="replace") as file:
        first = file.readline()
        begin = first + file.read(_BEGIN)
    _refuse_others(str(path), begin)
    words = re.split(r"[,;|\t]", first.strip().lower())
    return any(word.strip(' "') in ALIASES["worked"] for word in words)


def _refuse_others(path: str, begin: str) -> None:
    """Raise if a file begins as one that is no table, and say where it belongs."""
    if is_exposed(begin) or re.match(r"#\s*(HELP|TYPE)\s", begin):
        raise ValueError(
            f"{path} is what an exporter shows at one moment, and holds no outage: ask "
            "Prometheus for /api/v1/query_range and give its JSON; of the buckets of a "
            f"histogram a system's file makes a law, as in promotion: "
            f"{{histogram: {path}}}"
        )
    if re.search(r"(?m)^(extends|architecture|structure)\s*:", begin):
        raise ValueError(f"{path} is a system's file; calibrate reads logs and drills")


def _incident(row: Row, clock: Clock, component: str) -> Incident:
    if not row.has("component") and not component:
        said = "must name what failed"
        if "component" not in row.cells:
            said += " (columns= says which does; nodes= of one part says it of all)"
        row.refuse("component", said)
    start = _moment(row, "start", clock) if row.has("start") else None
    length, over = _length(row, start, clock)
    covered = row.choice("covered", _YES)
    named = re.split(r"[;+,]", row.word("node"))
    return Incident(
        place=row.place,
        component=row.word("component") or component,
        nodes=tuple(filter(None, map(str.strip, named))),
        start=start,
        length=length,
        over=over,
        kind=row.choice("kind", KINDS) or "repair",
        covered=_YES[covered] if covered else None,
        cause=row.word("cause"),
    )


def _given(row: Row) -> str:
    """Return the column that says how long, if one does."""
    given = [column for column in _SIZES if row.has(column)]
    if len(given) > 1:
        row.refuse(given[1], f"must be empty, since {given[0]} is given")
    return given[0] if given else ""


def _moment(row: Row, column: str, clock: Clock) -> float:
    """Return a cell as seconds since 1970."""
    return clock.seconds(row.cells[column], lambda limit: row.refuse(column, limit))


def _length(row: Row, start: float | None, clock: Clock) -> tuple[float | None, bool]:
    """Return how long an incident lasted, and whether it is over."""
    given = _given(row)
    if given and row.has("end"):
        row.refuse(given, "must be empty, since end is given")
    if given:
        return _amount(row, given)
    if start is None:
        row.refuse("start", "must be given, or a duration")
    if not row.has("end"):
        return None, False
    end = _moment(row, "end", clock)
    if end < start:
        row.refuse("end", f"must be after start ({row.word('start')})")
    return end - start, True


def _amount(row: Row, column: str) -> tuple[float, bool]:
    """Read `90`, `1.5 h`, `0:45:00`, and `> 4 h` for what is still open after 4 h."""
    word = row.word(column)
    over = not word.startswith(">")
    word = word.lstrip("> ")
    try:
        seconds = _clock_face(word) if ":" in word else _number(word, _SIZES[column])
        hint = ""
    except ValueError as refused:
        seconds, (_, colon, hint) = None, str(refused).rpartition(": write ")
        hint = f" ({colon[2:]}{hint})" if colon else ""
    if seconds is None or not 0 <= seconds < float("inf"):
        such = "such as 90, '1.5 h' or 0:45:00"
        row.refuse(column, f"must be a duration above 0, {such}{hint}")
    return seconds, over


def _number(word: str, size: float) -> float:
    """Return a time with its unit, or a bare number in the unit of the column."""
    try:
        return float(word) * size
    except ValueError:
        return quantity(word, "time")


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
