"""Two sites and one primary: how long requests take at each, hop by hop.

The surprising part is that nobody waits the mean: most requests take a millisecond, and
the others a journey.  Who makes the journey changes when the primary moves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from hamodel import assess, duration, text
from hamodel import course as kit
from hamodel.architectures import ActivePassive, Node
from hamodel.failover import Failover
from hamodel.units import HOUR, MS
from hamodel.workload import Workload

# ---- the model ---------------------------------------------------------------------

TRIP = 80  # ms, Western Europe and the east of North America: fact RTT-096
WAYS = ("every call crosses", "a request crosses once")
EVERY, ONCE = WAYS
POINTS = (0.5, 0.95, 0.99)
HAIR = 1e-9  # above a point: where a law is flat, the rest of the reads is below it


def pair(primary="DC-1", mttf=math.inf, **more):
    """Return a pair over two sites whose primary is at one of them."""
    return ActivePassive(
        database=Node(mttf=mttf, mttr=4 * HOUR, cores=16),
        failover=Failover(promotion=30, coverage=0.99),
        sites=("DC-1", "DC-2") if primary == "DC-1" else ("DC-2", "DC-1"),
        **more,
    )


def asked(trip=TRIP, writes=20, clients=None):
    """Return the workload: ms there and back, per cent of writes, 1 ms at home."""
    return Workload(
        reads=10.0 * (100 - writes),
        writes=10.0 * writes,
        round_trip=trip * MS,
        hop=0.5 * MS,
        app_time=0,
        read_time=0.5 * MS,
        write_time=0.5 * MS,
        clients=clients,
    )


@cache
def usual(trip, writes):
    """Return what is known of the pair while its primary is at DC-1."""
    return assess(pair(), asked(trip, writes))


@cache
def call(trip, writes, site, kind):
    """Return the law of one call of the database, while the primary is at DC-1."""
    return usual(trip, writes).latency[site, kind]


@dataclass(frozen=True, kw_only=True)
class Sides:
    """How long the requests of users of both sites take."""

    trip: float
    writes: float
    calls: int
    way: str

    @cached_property
    def read(self):
        return self._calls("DC-1", "read")

    @cached_property
    def write(self):
        """A request from DC-2 that writes."""
        if self.way == ONCE:
            return self._calls("DC-1", "write") + self.trip * MS
        return self._calls("DC-2", "write")

    @cached_property
    def laws(self):
        share, here = self.writes / 100, self._calls("DC-1", "write")
        mixed = duration.mixture
        return {
            "DC-1": mixed([1 - share, share], [self.read, here]),
            "DC-2": mixed([1 - share, share], [self.read, self.write]),
        }

    def _calls(self, site, kind):
        """Return the law of the calls of a request, one after the other."""
        one = call(self.trip, self.writes, site, kind)
        return sum([one] * (self.calls - 1), one)

    @cached_property
    def shown(self):
        """Mean, median, 95th and 99th percentile in ms, by site."""
        return {
            site: (law.mean / MS, *(law.quantile([p + HAIR for p in POINTS]) / MS))
            for site, law in self.laws.items()
        }


def model(trip=TRIP, writes=20, calls=1, way=EVERY):
    """Return both sides: ms, per cent, calls of the database a request, who crosses."""
    return Sides(trip=trip, writes=writes, calls=round(calls), way=way)


# ---- the picture: a request hop by hop, and two laws -------------------------------

APP_1, DB_1, APP_2, DB_2 = (200, 38), (96, 92), (440, 38), (544, 92)
PARTS = {"app servers": (APP_1, APP_2), "DB-1, primary": (DB_1,)}
PARTS["DB-2, replica"] = (DB_2,)
TIMES = kit.Scale(0.3, 10_000, 52, 396, log=True)
GRID = np.geomspace(TIMES.low, TIMES.high, 160)
ACROSS = [TIMES(t) for t in GRID]
SHARES = kit.Scale(0, 100, 304, 190)
ROWS = ("mean", "half within", "95 in 100", "99 in 100")
GUESSED = ("mean", "half", None, "late")


def picture(sheet, values, found, guess):  # noqa: ARG001
    """Draw the way of a request, how long it takes, and how long they all take."""
    _scene(sheet, found)
    _strips(sheet, found)
    sheet.axis(TIMES, 304, "milliseconds, to powers of ten", top=186)
    sheet.upright(SHARES, 52, 396, [(0, "0"), (50, "50"), (100, "100 %")])
    for site, colour, dash in (("DC-1", "blue", ""), ("DC-2", "red", "7 3")):
        if sheet.known or site == "DC-1":
            shares = 100 * found.laws[site].cdf(GRID * MS)
            line = list(zip(ACROSS, map(SHARES, shares.tolist()), strict=True))
            sheet.line(line, colour, weight=2.5, dash=dash, role="ground")
    for p, k in zip(POINTS, (1, 2, 3), strict=True) if sheet.known else ():
        at = TIMES(found.shown["DC-2"][k]), SHARES(100 * p)
        sheet.circle(at, 4, "red", role="ground")
    for name, p in (("half", 50), ("late", 99)) if guess else ():
        sheet.circle((TIMES(guess[name]), SHARES(p)), 6, role="ground")
    _table(sheet, found, guess)


def _scene(sheet, found):
    """Draw two sites, and let a read and then a write from DC-2 go their ways."""
    for left, name in ((24, "DC-1"), (376, "DC-2")):
        sheet.rect((left, 6, 240, 112), "none", stroke="grey", role="ground")
        x = left + 8 if left < 100 else left + 232
        sheet.text((x, 24), name, anchor="start" if left < 100 else "end", bold=True)
    goal = DB_1 if found.way == EVERY else APP_1
    for start, stop in ((APP_2, goal), (APP_2, DB_2), (APP_1, DB_1)):
        sheet.line([start, stop], "grey", dash="3 3", role="ground")
    for words, places in PARTS.items():
        for x, y in places:
            sheet.rect((x - 56, y - 16, 112, 32), "paper")
            sheet.text((x, y + 5), words, size=12.5, anchor="middle")
    sheet.text((320, 94), f"{found.trip:g} ms", anchor="middle", bold=True)
    sheet.text((320, 112), "there and back", size=12, anchor="middle", colour="grey")
    local, away = visits(found)
    pace = 9 / (found.calls * (found.trip + 1))  # seconds of play for a ms
    reads = _keys(local, 0.4, 1.2 / found.calls)
    writes = _keys(away, 2.4, pace)
    for keys, colour in ((reads, "green"), (writes, "red")):
        if sheet.known:
            with sheet.moving(keys):
                sheet.circle(APP_2, 8, colour, weight=1.5)


def visits(found):
    """Return (place, ms to get there) of a read and of a write that come from DC-2."""
    half, turn = found.trip / 2, [(DB_2, 0.5), (APP_2, 0.5)]
    if found.way == EVERY:
        away = [(DB_1, half + 0.5), (APP_2, half + 0.5)] * found.calls
    else:
        inner = [(DB_1, 0.5), (APP_1, 0.5)] * found.calls
        away = [(APP_1, half), *inner, (APP_2, half)]
    return turn * found.calls, away


def _keys(visits, start, pace):
    """Return the keys of a token that sets out from the app servers of DC-2."""
    keys, now = [(0, 0, 0, 0), (start, 0, 0, 0), (start + 0.02, 0, 0, 1)], start + 0.02
    for (x, y), ms in visits:
        now += ms * pace
        keys.append((now, x - APP_2[0], y - APP_2[1], 1))
    return [*keys, (now + 0.4, 0, 0, 1), (now + 0.42, 0, 0, 0)]


def _strips(sheet, found):
    """Draw how long a read and a write from DC-2 take: on the way, and at home."""
    scale = kit.Scale(0, found.calls * (found.trip + 1), 128, 540)
    crossings = found.calls if found.way == EVERY else 1
    legs = [(found.trip, "red"), (found.calls / crossings, "blue")] * crossings
    rows = {"DC-2 reads": [(found.calls, "blue")]}
    for row, (words, parts) in enumerate((rows | {"DC-2 writes": legs}).items()):
        y, at = 128 + 20 * row, 0.0
        sheet.text((118, y + 11), words, size=12, anchor="end")
        for ms, look in parts if sheet.known or not row else ():
            box = (scale(at), y, scale(at + ms) - scale(at), 13)
            sheet.rect(box, look, weight=0.5, role="ground")
            at += ms
        sheet.text(
            (scale(at) + 6, y + 11), f"{text.short(at)} ms" if at else "?", size=12
        )


def _table(sheet, found, guess):
    """Write the numbers of both laws, and the guess, beside the curves."""
    columns = {"DC-1": 520, "DC-2": 576} | ({"you": 630} if guess else {})
    for name, x in columns.items():
        sheet.text((x, 206), name, size=12.5, anchor="end", bold=True)
    sheet.line([(488, 190), (520, 190)], "blue", weight=2.5)
    sheet.line([(542, 190), (576, 190)], "red", weight=2.5, dash="7 3")
    for row, words in enumerate(ROWS):
        y = 228 + 22 * row
        sheet.text((412, y), words, size=12)
        sheet.text((520, y), text.short(found.shown["DC-1"][row]), anchor="end")
        said = text.short(found.shown["DC-2"][row]) if sheet.known else "?"
        sheet.text((576, y), said, anchor="end", bold=True)
        if guess and GUESSED[row]:
            sheet.text((630, y), text.short(guess[GUESSED[row]]), anchor="end")
