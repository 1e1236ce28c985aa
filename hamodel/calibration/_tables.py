"""Tables from outside: CSV files of any delimiter, mappings, frames; what columns mean.

Exports name one thing in many ways.  The names that PagerDuty, Opsgenie, Statuspage and
Jira give are known; where two columns mean one thing the better one counts; what means
nothing here is left out, and a line says so.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from hamodel import _check

#: What a column is called elsewhere, the best name first.
ALIASES = {
    "component": (
        *("component", "service_name", "service", "impacted_services"),
        *("affected_services", "affected_components", "components", "component_s"),
        *("entity", "part", "system"),
    ),
    "node": ("node", "host", "hostname", "instance", "server"),
    "start": (
        *("start", "started_at", "start_time", "impact_start", "started", "opened_at"),
        *("opened", "triggered_at", "created_on", "created_at", "created"),
    ),
    "end": (
        *("end", "ended_at", "end_time", "impact_end", "ended", "resolved_on"),
        *("resolved_at", "resolved", "closed_at", "closed_on", "closed", "close_time"),
    ),
    "duration": ("duration",),
    "duration_s": ("duration_s", "duration_seconds", "duration_sec"),
    "duration_min": ("duration_min", "duration_minutes", "downtime_minutes"),
    "duration_h": ("duration_h", "duration_hours"),
    "cause": (
        *("cause", "root_cause", "description", "summary", "title", "message"),
        *("incident_name", "name"),
    ),
    "kind": ("kind",),
    "covered": ("covered",),
    "worked": ("worked", "success", "succeeded"),
}
_SHOWN = 20  # mistakes that a message lists


@dataclass(frozen=True)
class Row:
    """One row and where it stands."""

    place: str
    cells: Mapping[str, object]

    def refuse(self, column: str, limit: str) -> NoReturn:
        """Raise with the place, the limit and the value."""
        value = self.cells.get(column)
        raise ValueError(f"{self.place}, column {column}: {limit}, got {value!r}")

    def has(self, column: str) -> bool:
        """Tell whether the cell is there and not empty."""
        value = self.cells.get(column)
        missing = value is None or value != value  # a frame's nan, or no time
        return not missing and str(value).strip() != ""

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


@dataclass
class Mistakes:
    """What is wrong with a table, told in one go."""

    said: list[str] = field(default_factory=list)

    def add(self, mistake: ValueError) -> None:
        """Keep a mistake until all are known."""
        self.said.append(str(mistake))

    def tell(self) -> None:
        """Raise if there was any."""
        if self.said:
            more = len(self.said) - _SHOWN
            rest = [f"and {more} more"] if more > 0 else []
            raise ValueError("\n".join([*self.said[:_SHOWN], *rest]))


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under the names that are used here, and what was made of the columns."""

    rows: list[Row]
    names: frozenset[str]
    notes: tuple[str, ...] = ()


def table(
    source: object, columns: Mapping[str, str | None], known: Sequence[str]
) -> Table:
    """Return the rows of a CSV file, of a frame, or of mappings."""
    if isinstance(source, (str, Path)):
        return _of_file(Path(source), columns, known)
    records = getattr(source, "to_dict", None)
    listed: Iterable[object]
    listed = records("records") if records is not None else source  # type: ignore[assignment]
    rows: list[Row] = []
    notes: dict[str, str] = {}
    meant: set[str] = set()
    for number, cells in enumerate(listed, 1):
        place = f"row {number}"
        if not isinstance(cells, Mapping):
            raise ValueError(f"{place}: must be a mapping, got {cells!r}")
        names, note = _names(place, list(cells), columns, known)
        rows.append(Row(place, {n: cells[c] for c, n in names.items()}))
        meant |= set(names.values())
        if note:
            notes.setdefault(note.partition(": ")[2], note)
    return Table(rows=rows, names=frozenset(meant), notes=tuple(notes.values()))


def _of_file(
    path: Path, columns: Mapping[str, str | None], known: Sequence[str]
) -> Table:
    if not path.is_file():
        raise ValueError(f"incidents must be rows or a file, there is no file {path}")
    mistakes, rows = Mistakes(), []
    text = _text_of(path)
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=max(",;\t|", key=first.count))
    header = next(reader, [])
    if not header:
        raise ValueError(f"{path.name}, line 1: must name the columns, got nothing")
    given = _once(header, columns, known)
    names, note = _names(f"{path.name}, line 1", given, columns, known)
    for cells in (row for row in reader if row):
        place = f"{path.name}, line {reader.line_num}"
        if extra := cells[len(header) :]:
            said = f"must have {len(header)} cells, got also {extra}"
            mistakes.add(ValueError(f"{place}: {said}"))
        filled: dict[str, str | None] = dict.fromkeys(header)
        for column, cell in zip(header, cells, strict=False):
            filled[column] = filled[column] or cell
        rows.append(Row(place, {n: filled[c] for c, n in names.items()}))
    mistakes.tell()
    notes = (note,) if note else ()
    return Table(rows=rows, names=frozenset(names.values()), notes=notes)


def _text_of(path: Path) -> str:
    """Return the text of a file, as spreadsheets and tools write it."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as refused:
        line = refused.object.count(b"\n", 0, refused.start) + 1
        byte = refused.object[refused.start]
        raise ValueError(
            f"{path.name}, line {line}: must be UTF-8 text, got the byte 0x{byte:02x}: "
            "save it as UTF-8"
        ) from None


def _once(
    header: Sequence[str], columns: Mapping[str, str | None], known: Sequence[str]
) -> list[str]:
    """Return the columns, those that hold several values of one thing once.

    Jira gives a column of the same name for each component or label of an issue; the
    first that is filled counts.  Two starts would be a mistake.
    """
    may = {"component", "node", "cause", None}
    several = {c for c in header if _meaning("", c.strip(), columns, known)[0] in may}
    return [c for k, c in enumerate(header) if c not in several or c not in header[:k]]


def _names(
    place: str,
    given: Sequence[str],
    columns: Mapping[str, str | None],
    known: Sequence[str],
) -> tuple[dict[str, str], str]:
    """Return {column: what it means}, and what was made of foreign names."""
    chosen: dict[str, tuple[int, str]] = {}
    foreign = []
    for raw in given:
        name, rank = _meaning(place, str(raw).strip(), columns, known)
        if name is None:
            foreign.append(str(raw).strip())
        elif name not in chosen or rank < chosen[name][0]:
            foreign += [chosen[name][1]] if name in chosen else []
            chosen[name] = (rank, raw)
        elif rank == chosen[name][0]:
            raise ValueError(f"{place}: column {name} must be there once, got it twice")
        else:
            foreign.append(str(raw).strip())
    names = {raw: name for name, (_, raw) in chosen.items()}
    left = [raw for raw in foreign if columns.get(raw, raw) is not None]
    renamed = [f"{raw} as {n}" for n, (rank, raw) in chosen.items() if rank > 0]
    return names, _note(place, renamed, left, known)


def _meaning(
    place: str, plain: str, columns: Mapping[str, str | None], known: Sequence[str]
) -> tuple[str | None, int]:
    """Return what a column means, if anything, and how far its name is from ours."""
    if plain in columns:
        name = columns[plain]
        if name is not None and name not in known:
            raise ValueError(
                f"{place}: columns[{plain!r}] must be one of {', '.join(known)}, "
                f"got {name!r}{_check.hint(name, known)}"
            )
        return name, 0
    word = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", plain).lower()
    word = re.sub(r"\W+", "_", word).strip("_")
    if word == "what" and "component" in known:
        return "component", 0
    for name in known:
        if word in ALIASES[name]:
            return name, ALIASES[name].index(word)
    return None, 0


def _note(
    place: str, renamed: Sequence[str], left: Sequence[str], known: Sequence[str]
) -> str:
    """Return in a line what was read as what, and what was left out."""
    for raw in left:
        near = difflib.get_close_matches(raw.lower(), known, n=1, cutoff=0.8)
        if near:
            raise ValueError(
                f"{place}: column must be one of {', '.join(known)}, got {raw!r}; did "
                f"you mean {near[0]!r}? (columns={{{raw!r}: None}} leaves it out)"
            )
    parts = [f"read {', '.join(renamed)}"] if renamed else []
    parts += [f"left out {', '.join(left)}"] if left else []
    return f"{place}: {'; '.join(parts)}" if parts else ""


def cells_of(rows: Iterable[Row], *columns: str) -> Iterator[object]:
    """Yield what some columns hold."""
    return (row.cells[c] for row in rows for c in columns if row.has(c))
