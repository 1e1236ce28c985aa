"""What becomes of a system when its file changes, and how much of it is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hamodel import text
from hamodel.architectures import OPERATIONS
from hamodel.assessment import MEASURES, Assessment
from hamodel.cli._page import Paper
from hamodel.cli._report import Check, Table
from hamodel.units import MINUTE, MONTH, YEAR, quantity

if TYPE_CHECKING:
    from hamodel.cli._assess import OnePage

_CHANGE = re.compile(
    r"\s*\+?\s*([^-+\s].*?)\s*(?:/|\bper\b|\ba\b)\s*(yr|years?|y|mo|months?)\s*",
    re.IGNORECASE,
)
#: What a change is shown of, beside the downtime: its measure and its words.
_MEASURED = (
    ("rto_p95", "RTO of failovers that work, p95"),
    ("outage_p95", "outage, however it ends, p95"),
    ("rpo_p99", "RPO (oldest lost write), p99"),
    ("lost_writes_per_year", "writes lost a year"),
    ("cost", "cost"),
)
_SAME = 1e-9  # relative difference of what has not changed
_SLIGHT = 5e-3  # minutes a year that a table of causes leaves out


@dataclass(frozen=True)
class Allowance:
    """How much more downtime a change may bring."""

    words: str  # as it was given
    share: float  # of the time

    @classmethod
    def read(cls, words: str) -> Allowance:
        """Read a change such as "+5 min/yr"."""
        match = _CHANGE.fullmatch(words)
        try:
            assert match is not None
            spent = quantity(match[1], "time")
        except (AssertionError, ValueError):
            said = "--allow must be a time of at least 0 a year or a month"
            raise ValueError(
                f"{said}, such as '+5 min/yr', got {words!r:.60}"
            ) from None
        period = MONTH if match[2].lower().startswith("mo") else YEAR
        return cls(words.strip(), spent / period)


@dataclass(frozen=True, eq=False)
class Change:
    """What becomes of a system when its file changes."""

    before: OnePage
    after: OnePage
    allowed: Allowance | None = None

    @cached_property
    def measures(self) -> dict[str, tuple[float, float]]:
        """Measures before and after; endless where there is no answer."""
        was, now = self.before, self.after
        found = {
            f"{o}_minutes_per_year": (
                was.down[o] * YEAR / MINUTE,
                now.down[o] * YEAR / MINUTE,
            )
            for o in reversed(OPERATIONS)
        }
        return found | {
            name: (answer(name, was.found), answer(name, now.found))
            for name, _ in _MEASURED
        }

    def causes(self, operation: str) -> dict[str, tuple[float, float]]:
        """Return minutes a year by cause, before and after, what changed most first."""
        return _paired(self.before.causes(operation), self.after.causes(operation))

    @cached_property
    def journeys(self) -> dict[str, dict[str, tuple[float, float]]]:
        """The same of the journeys that both files have."""
        was, now = self.before.journey_causes, self.after.journey_causes
        return {name: _paired(was[name], now[name]) for name in now if name in was}

    @property
    def checks(self) -> Iterator[Check]:
        """Yield whether the change of each operation is allowed."""
        if self.allowed is None:
            return
        held = [
            (f"{o}_change", f"{o}s", self.before.down[o], self.after.down[o])
            for o in reversed(OPERATIONS)
        ]
        held += [
            (f"journey_change.{name}", f"the journey {name}", *_shares(causes))
            for name, causes in self.journeys.items()
        ]
        for key, what, was, now in held:
            more = now - was
            met = more <= self.allowed.share + _SAME * was
            label = f"more downtime of {what}"
            value = f"{_minutes(more * YEAR / MINUTE)} min/yr"
            limit = f"{_signed(self.allowed.share * YEAR / MINUTE)} min/yr"
            said = f"{label}: {value}, {'where' if met else 'and'} {limit} is allowed"
            yield Check(
                name=key,
                label=label,
                value=value,
                limit=f"≤ {limit}",
                said=said,
                met=met,
                numbers=(more, self.allowed.share),
            )

    @property
    def met(self) -> bool:
        """Whether the change stays within what is allowed."""
        return all(check.met for check in self.checks)

    @property
    def table(self) -> Table:
        """What changed: downtime with its causes, recovery, losses, cost."""
        names = {f"{o}_minutes_per_year": f"{o}s down, min/yr" for o in OPERATIONS}
        rows: list[tuple[str, ...]] = []
        for name, (was, now) in self.measures.items():
            label = names.get(name) or dict(_MEASURED)[name]
            rows.append((label, *_both(name, was, now)))
            if name in names:
                rows += _by_cause(self.causes(name.partition("_")[0]))
        for name, causes in self.journeys.items():
            was, now = (share * YEAR / MINUTE for share in _shares(causes))
            rows.append((f"journey {name}, min/yr", *_both("minutes", was, now)))
            rows += _by_cause(causes)
        path = self.before.spec.path
        title = f"Against {Path(*path.parts[-2:]) if path.is_absolute() else path}"
        if self.before.spec.title != self.after.spec.title:
            title += f" ({self.before.spec.title})"
        return Table(
            title=title, heads=("", "before", "after", "change"), rows=(*rows,)
        )

    def draw(self, out: Paper) -> None:
        """Write the change below the page."""
        out.say()
        table = self.table
        out.table(table.title, table.rows, table.heads)
        for check in self.checks:
            out.line(f"  {check}")

    def data(self) -> dict[str, object]:
        """Return the change as data."""
        allowed = self.allowed
        return {
            "against": str(self.before.spec.path),
            "title": self.before.spec.title,
            "measures": _as_data(self.measures),
            "minutes_per_year_by_cause": {
                operation: _as_data(self.causes(operation)) for operation in OPERATIONS
            },
            "journey_minutes_per_year_by_cause": {
                name: _as_data(causes) for name, causes in self.journeys.items()
            },
            "allowed_minutes_per_year": allowed and allowed.share * YEAR / MINUTE,
            "met": None if allowed is None else self.met,
        }


def _as_data(pairs: Mapping[str, tuple[float, float]]) -> dict[str, dict[str, float]]:
    return {k: {"before": was, "after": now} for k, (was, now) in pairs.items()}


def _paired(
    was: Mapping[str, float], now: Mapping[str, float]
) -> dict[str, tuple[float, float]]:
    """Return minutes a year by cause, before and after, what changed most first."""
    minutes = YEAR / MINUTE
    found = {
        cause: (was.get(cause, 0.0) * minutes, now.get(cause, 0.0) * minutes)
        for cause in {**was, **now}
    }
    return dict(sorted(found.items(), key=lambda one: -abs(one[1][1] - one[1][0])))


def _shares(causes: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    """Return the shares of time, before and after, that causes add up to."""
    was, now = (sum(each[k] for each in causes.values()) for k in range(2))
    return was * MINUTE / YEAR, now * MINUTE / YEAR


def _by_cause(causes: Mapping[str, tuple[float, float]]) -> list[tuple[str, ...]]:
    """Return a row for each cause that changed."""
    return [
        (f"· {cause}", *_both("minutes", was, now))
        for cause, (was, now) in causes.items()
        if abs(now - was) > max(_SLIGHT, _SAME * was)
    ]


def answer(name: str, found: Assessment) -> float:
    try:
        return float(MEASURES[name].of(found))
    except ValueError:  # a finding on the page says why there is none
        return float("inf")


def _both(name: str, was: float, now: float) -> tuple[str, str, str]:
    """Return what was, what is, and the difference, in words."""
    write = text.time if name.endswith(("_p95", "_p99")) else text.number
    if was == now or abs(now - was) <= _SAME * abs(was):
        return write(was), write(now), "0"
    if "minutes" in name:
        return write(was), write(now), _minutes(now - was)
    return write(was), write(now), _signed(now - was, write)


def _minutes(more: float) -> str:
    """Return a change in minutes a year; of what is slight not even its sign."""
    return "under 0.01" if 0 < abs(more) < _SLIGHT else _signed(more)


def _signed(value: float, write: Callable[..., str] = text.number) -> str:
    return f"{'+' if value > 0 else '-' if value < 0 else ''}{write(abs(value))}"
