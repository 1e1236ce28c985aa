"""Lesson 09, headroom: what is left of a service when one of its sites is gone.

The surprising number is fifty: a server that is half idle answers not twice but some
twenty-five times as late once it has its twin's work to do as well.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hamodel import assess, text
from hamodel import course as kit
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
    """Return the queue of one site."""
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
    """Write the numbers before and after."""
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


def sentence(values, found):  # noqa: ARG001
    """Say what the explorer shows."""
    (mean, late), (then, last) = found.shown
    start = (
        f"Before, a request takes {text.short(mean)} ms on average, and one in a "
        f"hundred more than {text.short(late)}."
    )
    load = text.short(100 * found.after)
    if found.after < 1:
        return (
            f"{start} With a site gone, the others run at {load} %: "
            f"{text.short(then)} ms, and one in a hundred more than {text.short(last)}."
        )
    if not found.growth:
        return f"{start} With a site gone, the others run at {load} %: no end to it."
    return (
        f"{start} With a site gone, the others would have to run at {load} %: each "
        f"second {text.short(found.growth)} more requests wait at each of them."
    )


# ---- the guess ---------------------------------------------------------------------


def most(limit=100):
    """Return the per cent at which each of two may run to answer in time alone."""
    return 50 * (1 - SERVICE / limit)


def truth():
    """Return the survivor's mean in ms, and the load that keeps it below 100 ms."""
    return {"after": model().shown[1][0], "most": most()}


VIEWS = kit.views(
    """
    twice the load, twice the time: You doubled the time with the load. Time goes by
      what is left free, and that fell from 51 in 100 to 2: it is {t.after:.0f} ms.
    half free is half free: At 50 % each, the survivor is full. Half free is just what
      the other site needs, and nothing is left to absorb a busy second.
    it gets a little slower: You expected {g.after:g} ms. Two in a hundred of the
      capacity are left, so it takes fifty service times, {t.after:.0f}.
    it never recovers: You expected worse, {g.after:g} ms. At 49 % there is a last bit
      of room, and it comes to {t.after:.0f}; one per cent more, and it has no end.
    up to the wall: You saw the wall, and went too near. The time grows long before it.
    time goes by what is left: You saw that the time goes by what is left free, not by
      the load.
    """,
    (lambda g, _: kit.near(g["after"], 39.2, 0.15), {"after": 40, "most": 48}),
    (lambda g, _: g["most"] >= 50, {"after": 200, "most": 60}),
    (lambda g, t: g["after"] < 0.6 * t["after"], {"after": 100, "most": 47}),
    (lambda g, t: g["after"] > 1.6 * t["after"], {"after": 5000, "most": 45}),
    (lambda g, t: g["most"] > t["most"] * 1.03, {"after": 480, "most": 49}),
    (lambda *_: True, {"after": 500, "most": 45}),
)

# ---- the exercises -----------------------------------------------------------------


def needed(arrival, limit=0.05):
    """Return the servers of each of two sites for a 99th percentile after a loss."""
    servers = math.ceil(2 * arrival * SERVICE * MS) or 1
    while True:
        queue = MMc(2 * arrival, SERVICE * MS, servers)
        if queue.utilisation < 1 and queue.response.quantile(0.99) <= limit:
            return servers
        servers += 1


def _without_loss(arrival, limit=0.05):
    return needed(arrival / 2, limit)


def money(sites, needed=12, price=100):
    """Return what servers cost a month if any one of the sites may be lost."""
    each = math.ceil(needed / (sites - 1))
    spec, asked = active(0.5, sites, each)
    return price * float(assess(spec, asked).cost.total)


EXERCISES = (
    kit.Exercise(
        form="a load in per cent",
        reference=lambda: 100 * 0.8 * 2 / 3,
        same=kit.number(0.005),
        right="Two carry what three did. Three sites may each run fuller than two.",
        hint="What do three sites at this load do together, and who has to do it then?",
        then="Three times the load, shared by two, must come to the limit.",
        mistakes={
            "the limit itself": (80, "So much when all are there? Then one goes."),
            "a third of it off the top": (
                80 - 100 / 3,
                "Not minus a third of the whole: two thirds of the limit.",
            ),
            "the wall": (200 / 3, "That fills the survivors. They may run at 80 %."),
            "two sites": (40, "That is for two sites."),
        },
    ),
    kit.Exercise(
        form="a share between 0 and 1",
        reference=lambda: site(0.8, 2).wait_probability,
        same=kit.number(0.005),
        right="With one server it would be 80 in 100, the load itself. A second server "
        "helps, even when both are busy.",
        hint="The survivor's load is what counts, not that of before.",
        then="Put the doubled load into the formula that SymPy has found.",
        mistakes={
            "before the loss": (
                lambda: site(0.4, 2).wait_probability,
                "That is while both sites are there.",
            ),
            "one server": (0.8, "That is one server: it is busy, and you wait."),
            "independent servers": (
                0.64,
                "You multiplied two servers as if each were busy on its own. They take "
                "from one queue, so they are busy together.",
            ),
        },
    ),
    kit.Exercise(
        form="a function of requests a second at each site",
        reference=lambda: needed,
        same=kit.function([50], [200], [300], [1000]),
        right="Large sites need less room: at 1,000 a second the survivor runs at "
        "some 90 %, at 50 a second at 50 %.",
        hint="The survivor gets both streams. Try one server more until it fits.",
        then="Begin above twice the arrivals times the service time.",
        mistakes={
            "before the loss": (
                lambda: _without_loss,
                "That is enough while both sites are there.",
            ),
            "the wall": (
                lambda: lambda arrival: math.floor(2 * arrival * SERVICE * MS) + 1,
                "That just carries the load. The 99th percentile needs more.",
            ),
        },
    ),
    kit.Exercise(
        form="an amount of money a month",
        reference=lambda: money(2) - money(4),
        same=kit.number(),
        right="A third of the bill. More sites cost less room, and each one more that "
        "can fail.",
        hint="If one site goes, the others together must have twelve servers.",
        then="Divide twelve by the sites left: so many stand at every site.",
        mistakes={
            "three sites": (lambda: money(2) - money(3), "That is for three sites."),
            "no loss": (0, "Without a loss they cost the same: twelve servers."),
            "per server": (8, "That is in servers."),
        },
    ),
    kit.Exercise(
        form="a load in per cent",
        reference=lambda: 100 * model(40, hits=80).after,
        same=kit.number(),
        right="A fifth of the reads reached the database; of the newcomers' reads all "
        "do. A cache is capacity that a site loss takes away.",
        hint="The newcomers' reads used to be five times as many as reached their "
        "database.",
        then="Divide their load by the share that used to miss, and add the rest.",
        mistakes={
            "caches warm": (80, "That is with caches that know the newcomers' keys."),
            "all caches cold": (
                400,
                "The survivor's cache still knows the keys of its own users.",
            ),
            "newcomers only": (200, "And its own users' misses?"),
        },
    ),
)


def own(requests, servers, sites, service):
    """Return what a loss would do to the learner's own service."""
    if min(requests, service) <= 0 or servers < 1 or sites < 2:
        raise ValueError("requests, service ms > 0; servers a site >= 1; sites >= 2")
    load = requests / sites * service * MS / servers
    return {
        "load now %": 100 * load,
        "load after a loss %": 100 * load * sites / (sites - 1),
    }


# ---- the lesson --------------------------------------------------------------------

lesson = kit.Lesson(
    number="09",
    recall=kit.recall(
        """
        Lesson 08: the primary is in DC-1. Who waits for the other region?
        + who writes from DC-2: Reads stay with the replica next door.
        - all users of DC-2: Their reads never leave the site.
        Lesson 06: 900 of 1,000 writes a second become 990. And the lag?
        + ten times as long: A tenth of the room is left. Here it comes again.
        - a tenth longer: Not the load sets it, but the room.
        """
    ),
    guess={
        "question": "Two sites share the work, each with one server that is busy 49 % "
        "of the time; a request takes 10 ms of it, and 19.6 ms with the queue. One "
        "site is lost. What does a request take at the other? And how busy may each "
        "be, at most, for the survivor to answer in 100 ms on average?",
        "fields": {
            "after": kit.Slider(
                label="At the survivor (ms)", grid=kit.decades(10, 20_000)
            ),
            "most": kit.Slider(label="Busy at most (%)", grid=tuple(range(10, 101))),
        },
        "truth": truth,
        "views": VIEWS,
    },
    see={
        "title": "What is left when a site is gone?",
        "controls": {
            "load": kit.Slider(
                label="Load of each site (%)",
                grid=(5, 10, 20, 30, 40, 45, 49, 50, 55, 60, 66, 70, 75, 80, 90, 95),
                start=49,
            ),
            "sites": kit.Slider(
                label="Active (sites)", grid=(2, 3, 4, 5), start=2, whole=True
            ),
            "servers": kit.Slider(
                label="Each site (servers)",
                grid=(1, 2, 4, 8, 16, 32),
                start=1,
                whole=True,
            ),
            "hits": kit.Slider(
                label="Reads a cache answers (%)", grid=(0, 20, 50, 80, 90), start=0
            ),
        },
        "model": model,
        "picture": picture,
        "size": (640, 352),
        "describe": sentence,
        "before": "Two sites at 49 %: 19.6 ms. What the survivor takes shows once you "
        "have guessed.",
        "presets": {
            "One per cent more": {"load": 50},
            "Three sites": {"sites": 3},
            "16 servers a site": {"servers": 16},
            "Caches: 80 %": {"hits": 80},
        },
        "objectives": {
            "60 % each, and a loss within 50 ms": lambda v, found: (
                v["load"] >= 60 and found.shown[1][0] <= 50
            ),
            "80 % answered by caches, and a loss settles": lambda v, found: (
                v["hits"] >= 80 and v["load"] >= 20 and found.after < 1
            ),
        },
        "seconds": 10,
        "steps": 10,
    },
    exercises=EXERCISES,
    own=own,
)
