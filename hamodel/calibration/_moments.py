"""Moments as logs write them: ISO, seconds since 1970, day or month first, in words."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import NoReturn

from hamodel import _check

DATES = ("day first", "month first")
_EPOCH = re.compile(r"\d{9,10}(?:\.\d+)?|\d{12,13}")
_SLASHED = re.compile(r"(\d{1,2})([/.\-])(\d{1,2})\2(\d{4}|\d{2})(?:[ ,T]+(.*))?")
_NAMED = tuple(
    f"{date} {time}".strip()
    for date in ("%d/%b/%y", "%d/%b/%Y", "%d-%b-%Y", "%d %b %Y", "%b %d %Y", "%B %d %Y")
    for time in ("", "%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p")
)
_TIMES = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p")
_ZONES = re.compile(r"\s*\b(?:UTC|GMT|Z)$")


@dataclass
class Clock:
    """Reads moments; all must have a time zone, or none.

    `zone` is the one of moments that say none; `day_first` tells what 3/2/2026 means,
    and is found out where the log holds a day beyond the 12th.
    """

    aware: bool | None = None
    first: str = ""
    zone: tzinfo | None = None
    day_first: bool | None = None

    def learn(self, cells: Iterable[object]) -> None:
        """Find out whether days or months come first, unless that was said."""
        if self.day_first is not None:
            return
        found = [_SLASHED.fullmatch(str(cell).strip()) for cell in cells]
        pairs = [(int(m[1]), int(m[3])) for m in found if m]
        days = any(one > 12 for one, _ in pairs)
        months = any(two > 12 for _, two in pairs)
        if days != months:
            self.day_first = days

    def seconds(self, value: object, refuse: Callable[[str], NoReturn]) -> float:
        """Return a moment as seconds since 1970; `refuse` raises with the limit."""
        if isinstance(value, datetime):
            moment: datetime | None = value
        else:
            moment = self._read(str(value).strip(), refuse)
        if moment is None:
            refuse("must be a time such as 2026-03-01T14:05 or 2026-03-01T14:05Z")
        if moment.tzinfo is None and self.zone is not None:
            moment = moment.replace(tzinfo=self.zone)
        aware = moment.tzinfo is not None
        if self.aware is None:
            self.aware, self.first = aware, str(value)
        if aware != self.aware:
            have = "with" if self.aware else "without"
            refuse(
                f"must be a time {have} a time zone, as the first ({self.first}) is "
                "(timezone= says that of the others)"
            )
        return float((moment if aware else moment.replace(tzinfo=UTC)).timestamp())

    def end(self, value: object, refuse: Callable[[str], NoReturn]) -> float:
        """Return an end of the log, which is UTC if only the log's times say a zone."""
        said = self.zone
        try:
            if self.aware and said is None:
                self.zone = UTC
            return self.seconds(value, refuse)
        finally:
            self.zone = said

    def _read(self, word: str, refuse: Callable[[str], NoReturn]) -> datetime | None:
        if _EPOCH.fullmatch(word):
            since = float(word) if len(word.partition(".")[0]) < 11 else int(word) / 1e3
            return datetime.fromtimestamp(since, UTC)
        plain = _ZONES.sub("+00:00", word)
        try:
            return datetime.fromisoformat(plain)
        except ValueError:
            pass
        utc = plain != word
        bare = plain.removesuffix("+00:00") if utc else plain
        words = " ".join(
            bare.replace(",", " ").replace(" - ", " ").split()
        )  # with the name of the month
        found = self._slashed(bare, refuse) or _parsed(words, _NAMED)
        return found.replace(tzinfo=UTC) if found and utc else found

    def _slashed(self, word: str, refuse: Callable[[str], NoReturn]) -> datetime | None:
        """Return 13/2/2026 10:05, or nothing if it is not such a date."""
        match = _SLASHED.fullmatch(word)
        if match is None:
            return None
        first = match[2] == "." or self.day_first
        if first is None:
            refuse("may be day or month first: dates='day first' or 'month first' says")
        day, month = (match[1], match[3]) if first else (match[3], match[1])
        year = int(match[4]) + (2000 if len(match[4]) == 2 else 0)
        time = _parsed((match[5] or "00:00").strip().upper(), _TIMES)
        try:
            return time and time.replace(year=year, month=int(month), day=int(day))
        except ValueError:
            return None


def clock_of(dates: str | None, timezone: str | None) -> Clock:
    """Return a clock that reads dates in an order, and times in a zone."""
    zone = None
    if timezone is not None:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            zone = ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(
                f"timezone must be such as Europe/Berlin, got {timezone!r}"
            ) from None
    if dates is not None:
        _check.one_of(DATES, dates=dates)
    return Clock(zone=zone, day_first=None if dates is None else dates == DATES[0])


def _parsed(word: str, forms: Iterable[str]) -> datetime | None:
    for form in forms:
        with contextlib.suppress(ValueError):
            return datetime.strptime(word, form)
    return None
