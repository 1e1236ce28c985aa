"""What is left of a service when one of its sites is gone.

The surprising number is fifty: a server that is half idle answers not twice but some
twenty-five times as late once it has its twin's work to do as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hamodel import course as kit
from hamodel import text
from hamodel.architectures import ActiveActive, Cache, Node, Site
from hamodel.failover import Failover
from hamodel.queueing import MMc
from hamodel.units import HOUR, MS
from hamodel.workload import Workload

# ---- the model ---------------------------------------------------------------------

SERVICE = 10  # ms that a request keeps a server busy
RATE = 1000 / SERVICE  # requests a second that one server can do


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A service before and after one of its sites is lost; loads are fractions."""

    load: float
    sites: int
    servers: int
    hits: float

    @property
    def after(self):
        """Load of the sites that are left: their own work, and what comes over.

        Caches hold what their own site is asked for, so newcomers miss.
        """
        moved = self.load / (self.sites - 1) / (1 - self.hits)
        return self.load + moved

    @property
    def growth(self):
        """Requests a second by which the queue of each site grows; 0 if it settles."""
        return max(self.after - 1, 0) * self.servers * RATE

    @cached_property
    def shown(self):
        """Mean and 99th percentile of the response in ms, before and after."""
        return self.response(self.load), self.response(self.after)

    def response(self, load):
        """Return mean and 99th percentile at a load, in ms."""
        if load >= 1:
            return math.inf, math.inf
        queue = site(load, self.servers)
        return queue.mean_response / MS, float(queue.response.quantile(0.99)) / MS

    def waiting(self, load):
        """Return how many requests wait at a load, on average; none that grow."""
        if load >= 1:
            return math.inf if not self.growth else self.waiting(self.load)
        return float(site(load, self.servers).mean_queue)


def site(load, servers):
    return MMc(load * servers * RATE, SERVICE * MS, servers)


def model(load=49, sites=2, servers=1, hits=0):
    """Return a service that loses a site; per cent of what each site can do."""
    return Loss(
        load=load / 100, sites=round(sites), servers=round(servers), hits=hits / 100
    )


def active(load, sites=2, servers=1, hits=0.0):
    """Return the same as an architecture and its workload, for `ha.assess`."""
    named = tuple(f"DC-{k + 1}" for k in range(sites))
    cache = Cache(hit_ratio=hits) if hits else None
    spec = ActiveActive(
        database=Node(mttf=2000 * HOUR, mttr=4 * HOUR, cores=servers, cost=servers),
        failover=Failover(detection=10, redirection=20),
        site=Site(cache=cache),
        sites=named,
    )
    asked = load * sites * servers * RATE / (1 - hits)
    return spec, Workload(reads=asked, writes=0, read_time=SERVICE * MS, app_time=0)


# ---- the picture: a tank a site, the queue, and the curve --------------------------

TANK = kit.Scale(0, 2, 128, 16)  # where a load stands in a tank
WIDE, PITCH = 46, 60
SECONDS = kit.Scale(0, 60, 430, 620)
WAITING = kit.Scale(0.1, 1e7, 128, 24, log=True)
LOADS = kit.Scale(0, 100, 60, 390)
TIMES = kit.Scale(10, 20_000, 312, 188, log=True)
ROWS = ("load (%)", "mean (ms)", "99 in 100 (ms)")
LOST = 15  # s into the minute that is drawn


def picture(sheet, values, found, guess):  # noqa: ARG001
    """Draw the tanks, the queue of a site for a minute, the wall, and the numbers."""
    _tanks(sheet, found)
    _queue(sheet, found)
    sheet.axis(LOADS, 312, "load of a site (%)", top=184, marks=_marks(20, 101))
    sheet.upright(TIMES, 60, 390, [(10.0**k, f"{10**k:,}") for k in (1, 2, 3, 4)])
    if sheet.known:
        safe = LOADS(100 / (1 + 1 / (found.sites - 1) / (1 - found.hits)))
        sheet.line([(safe, 184), (safe, 312)], "green", weight=3, role="ground")
        words = "response in ms; left of the green line a loss is carried"
    else:
        words = "response in ms"
    sheet.text((24, 176), words, size=12, colour="grey")
    last = 0.9995 if sheet.known else found.load
    grid = last * (1 - np.geomspace(1, 5e-4, 60))
    means = site(grid, found.servers).mean_response / MS
    points = [(LOADS(100 * x), TIMES(y)) for x, y in zip(grid, means, strict=True)]
    sheet.line(points, weight=2.5, role="ground")
    sheet.circle((LOADS(100 * found.load), TIMES(found.shown[0][0])), 6, "blue")
    if sheet.known:
        place = LOADS(100 * found.after), TIMES(found.shown[1][0])
        sheet.circle(place, 6, "red")
    if guess:
        sheet.circle((LOADS(98), TIMES(guess["after"])), 9, role="ground")
    _table(sheet, found, guess)


def _marks(step, stop):
    return [(value, f"{value}") for value in range(0, stop, step)]


def _tanks(sheet, found):
    """Draw a tank a site; the load of the first is poured over the others."""
    full, level, top = TANK(1), TANK(found.load), TANK(found.after)
    end = 24 + PITCH * found.sites
    sheet.line([(18, full), (end, full)], "red", dash="2 3", role="ground")
    sheet.text((end + 4, full + 4), "full", size=12, colour="red")
    kill = sheet.seconds * LOST / 60
    for k in range(found.sites):
        x = 24 + PITCH * k
        sheet.rect((x, 16, WIDE, 112), "none", stroke="grey", role="ground")
        sheet.text((x + WIDE / 2, 146), f"DC-{k + 1}", size=12, anchor="middle")
        if k:
            sheet.rect((x + 1, level, WIDE - 2, 128 - level), "blue", weight=0.8)
            if sheet.known:
                _poured(sheet, PITCH * k, (level, top), kill)
    with sheet.moving([(0, 0, 0, 1), (kill, 0, 0, 1), (kill + 0.2, 0, 0, 0)]):
        sheet.rect((25, level, WIDE - 2, 128 - level), "blue", weight=0.8)
    with sheet.moving([(0, 0, 0, 0), (kill, 0, 0, 0), (kill + 0.2, 0, 0, 1)]):
        sheet.line([(25, 16), (23 + WIDE, 128)], "red", weight=3)
        sheet.line([(23 + WIDE, 16), (25, 128)], "red", weight=3)


def _poured(sheet, right, ends, start):
    """Let a part of the first site's load come over to another, and stay."""
    level, top = ends
    keys = [(0, 0, 0, 0), (start, 0, 0, 0), (start + 0.1, 0, 0, 1)]
    with sheet.moving([*keys, (start + 1, right, 0, 1)]):
        look = "orange" if top > TANK(1) else "red"
        sheet.rect((25, top, WIDE - 2, level - top), look, weight=0.8)


def _queue(sheet, found):
    """Draw how many requests wait at a site that stays, over a minute."""
    before, after = found.waiting(found.load), found.waiting(found.after)
    marks = [(10.0**k, f"{10**k:,}") for k in (0, 3, 6)]
    sheet.upright(WAITING, 430, 620, marks)
    sheet.text(
        (330, 18),
        "requests that wait at a site; dashed: in the end",
        size=12,
        colour="grey",
    )
    for second in (0, LOST, 60):
        sheet.text((SECONDS(second), 146), f"{second} s", size=12, anchor="middle")
    sheet.line([(430, 128), (620, 128)], "grey", weight=1, role="ground")
    _draw(sheet, [(0, before), (LOST, before)], "")
    if sheet.known and found.growth:
        times = np.linspace(LOST, 60, 46)
        _draw(sheet, [(t, before + found.growth * (t - LOST)) for t in times], "")
    elif sheet.known and found.after < 1:
        _draw(sheet, [(LOST, after), (60, after)], "5 4")
    keys = [(sheet.seconds * t / 60, SECONDS(t) - 430, 0, 1) for t in (0, 60)]
    with sheet.moving(keys):
        sheet.line([(430, 26), (430, 128)], "ink", weight=1)


def _draw(sheet, line, dash):
    points = [(SECONDS(t), WAITING(max(n, WAITING.low))) for t, n in line]
    sheet.line(points, "red", weight=2.5, dash=dash, role="ground")


def _table(sheet, found, guess):
    columns = {"before": 540, "after": 588} | ({"you": 634} if guess else {})
    for name, x in columns.items():
        sheet.text((x, 196), name, size=12, anchor="end", bold=True)
    loads = (found.load, found.after)
    for x, load, (mean, late), told in zip(
        (540, 588), loads, found.shown, (True, sheet.known), strict=True
    ):
        queue = found.waiting(load) + (found.growth * 60 if load > 1 else 0)
        for row, value in enumerate((100 * load, mean, late, queue)):
            said = _brief(value) if told else "?"
            sheet.text((x, 220 + 24 * row), said, size=12, anchor="end")
    last = "queue, 1 min on" if found.growth else "queue, in the end"
    for row, words in enumerate((*ROWS, last)):
        sheet.text((402, 220 + 24 * row), words, size=12)
    if guess:
        sheet.text((634, 244), _brief(guess["after"]), size=12, anchor="end")


def _brief(value):
    if math.isinf(value):
        return "no end"
    if value >= 1e5:
        return f"{value / 1000:,.0f} k"
    return "0.0" if value < 0.05 else text.short(value)
