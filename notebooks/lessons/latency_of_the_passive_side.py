"""Lesson 08, the latency of the passive side: two laws, and an average that is neither.

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
WAYS = ("every call crosses", "the request crosses once")
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
def call(trip, writes, site, kind):
    """Return the law of one call of the database, while the primary is at DC-1."""
    return assess(pair(), asked(trip, writes)).latency[site, kind]


@dataclass(frozen=True, kw_only=True)
class Sides:
    """How long the requests of users of both sites take."""

    trip: float
    writes: float
    calls: int
    way: str

    @cached_property
    def read(self):
        """A request that only reads, at either site."""
        return self._calls("DC-1", "read")

    @cached_property
    def write(self):
        """A request from DC-2 that writes."""
        if self.way == ONCE:
            return self._calls("DC-1", "write") + self.trip * MS
        return self._calls("DC-2", "write")

    @cached_property
    def laws(self):
        """Latency by site."""
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
SHARES = kit.Scale(0, 100, 304, 190)
ROWS = ("mean", "half within", "95 in 100", "99 in 100")
GUESSED = ("mean", "half", None, "late")


def picture(sheet, values, found, guess):  # noqa: ARG001
    """Draw the way of a request, how long it takes, and how long they all take."""
    _scene(sheet, found)
    _strips(sheet, found)
    sheet.axis(TIMES, 304, "milliseconds, to powers of ten", top=186)
    sheet.upright(SHARES, 52, 396, [(0, "0"), (50, "50"), (100, "100 %")])
    grid = np.geomspace(TIMES.low, TIMES.high, 160)
    for site, colour, dash in (("DC-1", "blue", ""), ("DC-2", "red", "7 3")):
        if sheet.known or site == "DC-1":
            shares = 100 * found.laws[site].cdf(grid * MS)
            line = [(TIMES(t), SHARES(s)) for t, s in zip(grid, shares, strict=True)]
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


def sentence(values, found):  # noqa: ARG001
    """Say what the explorer shows."""
    said = []
    for site, (mean, half, _, late) in found.shown.items():
        mean, half, late = (text.short(ms) for ms in (mean, half, late))
        said.append(
            f"At {site} the mean is {mean} ms; half of the requests take at most "
            f"{half} ms, and one in a hundred more than {late} ms."
        )
    return " ".join(said)


# ---- the guess ---------------------------------------------------------------------


def truth():
    """Return mean, median and 99th percentile at DC-2, in ms."""
    mean, half, _, late = model().shown["DC-2"]
    return {"mean": mean, "half": half, "late": late}


VIEWS = kit.views(
    """
    one way: Your mean is that of the way there. The answer travels as well.
    half of them write: You gave reads and writes the same weight. Of a hundred
      requests, eighty read and never leave the site.
    everybody travels: You let all requests travel. The eighty reads in a hundred are
      answered by the replica next door.
    half wait the mean: You put the middle request at {g.half:g} ms, near the mean. It
      takes {t.half:.2f}: eighty in a hundred read, and the middle one is a read.
    the tail is a little above the mean: You said that one in a hundred takes more than
      {g.late:g} ms. Twenty in a hundred write, and each of those travels: it is
      {t.late:.0f}.
    the tail has no end: You expected the slowest to wait {g.late:g} ms. A journey takes
      what it takes, and little comes on top: {t.late:.0f}.
    two kinds of requests: You saw two kinds of requests, and a mean that is neither.
    """,
    (
        lambda g, _: kit.near(g["mean"], 9) and g["half"] < 5,
        {"mean": 9, "half": 1, "late": 41},
    ),
    (lambda g, _: kit.near(g["mean"], 41), {"mean": 41, "half": 41, "late": 81}),
    (lambda g, _: g["mean"] >= 60, {"mean": 80, "half": 80, "late": 100}),
    (lambda g, _: g["half"] >= 5, {"mean": 15, "half": 15, "late": 82}),
    (lambda g, t: g["late"] < 0.6 * t["late"], {"mean": 17, "half": 1, "late": 30}),
    (lambda g, t: g["late"] > 1.6 * t["late"], {"mean": 17, "half": 1, "late": 200}),
    (lambda *_: True, {"mean": 17, "half": 1, "late": 82}),
)

# ---- the exercises -----------------------------------------------------------------


def _mean(trip, writes):
    return model(trip, writes).shown["DC-2"][0]


def slowest(writes, trip):
    """Return the 99th percentile at DC-2 in ms; a share of writes, and ms."""
    return float(model(trip, 100 * writes).shown["DC-2"][3])


def averaged(writes, trip):
    """Return the average of the 99th percentiles of reads and of writes, in ms."""
    both = model(trip, 100 * writes)
    read, write = (law.quantile(0.99) / MS for law in (both.read, both.write))
    return float((1 - writes) * read + writes * write)


def everybody(primary, near=0.6):
    """Return the mean over all users in ms; `near` is the share at DC-1."""
    shares = {"DC-1": near, "DC-2": 1 - near}
    means = assess(pair(primary), asked(clients=shares)).latency
    return sum(
        share * (0.8 * means[site, "read"].mean + 0.2 * means[site, "write"].mean)
        for site, share in shares.items()
    ) / float(MS)


EXERCISES = (
    kit.Exercise(
        form="a number of milliseconds",
        reference=lambda: _mean(120, 10),
        same=kit.number(),
        right="A mean does add up: every request's own time, and a tenth of a journey.",
        hint="What does every request take, and what do some take on top?",
        then="Add the time at home to the share that travels, times the way.",
        mistakes={
            "the journey only": (12, "Everybody takes the millisecond at home too."),
            "one way": (7, "The answer has to come back."),
        },
    ),
    kit.Exercise(
        form="a number of requests in a hundred",
        reference=lambda: 5,
        same=kit.number(),
        right="A percentile is blind to what is rarer than itself, and sees nothing "
        "else once it is not.",
        hint="The 95th percentile is what five in a hundred exceed. Who are they?",
        then="They are the writers, as soon as there are enough of them.",
        mistakes={
            "the median's": (50, "That is where the median jumps."),
            "the 99th's": (1, "That is where the 99th percentile jumps."),
        },
    ),
    kit.Exercise(
        form="a number of milliseconds",
        reference=lambda: (
            (model(calls=8).write.mean - model(calls=8, way=ONCE).write.mean) / MS
        ),
        same=kit.number(),
        right="The same eight calls, next door. Move the request to the data, and not "
        "the data to the request.",
        hint="How often does each of the two cross?",
        then="One crosses with each call, the other once. Count the difference.",
        mistakes={
            "all eight": (640, "The request itself still has to cross."),
            "one way": (280, "A crossing is there and back."),
            "nothing left at home": (
                lambda: 648 - 80,
                "The eight calls still take their time at home, either way.",
            ),
        },
    ),
    kit.Exercise(
        form="a function of the share of writes, a fraction, and the trip in ms",
        reference=lambda: slowest,
        same=kit.function([0.2, 80], [0.05, 80], [0.005, 80], [0.02, 160]),
        right="Mix the laws first, then ask for the percentile.",
        hint="Mix two laws with `ha.duration.mixture`, and ask the mixture.",
        then="The weights are 1 - writes and writes; the second has the trip on top.",
        mistakes={
            "percentiles are averaged": (
                lambda: averaged,
                "You averaged two percentiles. No request takes that long: mix the "
                "laws, and ask the mixture.",
            ),
            "writes only": (
                lambda: lambda _, trip: slowest(1.0, trip),
                "That is the percentile of the writes. Most requests read.",
            ),
            "in seconds": (
                lambda: lambda w, trip: slowest(w, trip) * MS,
                "The numbers are right, in seconds.",
            ),
        },
    ),
    kit.Exercise(
        form="a number of milliseconds",
        reference=lambda: everybody("DC-2") - everybody("DC-1"),
        same=kit.number(),
        right="Six tenths travel in place of four tenths, for a fifth of their "
        "requests. Where most writers live is where the primary belongs.",
        hint="Whose writes travelled before, and whose do now?",
        then="First 40 in 100 travelled, then 60, each for a fifth of their requests.",
        mistakes={
            "as if nobody travelled before": (
                lambda: 0.6 * 0.2 * TRIP,
                "That is what they wait now. Others have stopped waiting.",
            ),
            "every request": (
                lambda: 0.2 * TRIP,
                "Not all users move from one group to the other: 40 in 100 gain.",
            ),
        },
    ),
)


def own(trip, writes, calls):
    """Return what a request of the far side takes, in the units of the controls."""
    if trip < 0 or not 0 <= writes <= 100 or calls < 1 or calls != int(calls):
        raise ValueError("trip >= 0 ms, writes in 0..100 %, calls a whole number >= 1")
    mean, half, _, late = model(trip, writes, calls).shown["DC-2"]
    return {"mean ms": mean, "half within ms": half, "1 in 100 above ms": late}


# ---- the lesson --------------------------------------------------------------------

lesson = kit.Lesson(
    number="08",
    recall=kit.recall(
        """
        Lesson 07: sync, another region. How often a second can one row change?
        + about 12 times: One after the other, a round trip each.
        - 990 times: That is all rows together. One row waits for itself.
        Lesson 06: a read of the replica is quick. What may be wrong with it?
        + it may be old: It shows what has arrived, not what was committed.
        - nothing: The replica is behind, by a little or by a lot.
        """
    ),
    guess={
        "question": "20 in 100 requests write, and the way to the primary and back "
        "takes 80 ms. What do users of DC-2 wait: on average, in the middle (half wait "
        "less), and at the end (one in a hundred waits longer)?",
        "fields": {
            "mean": kit.Slider(label="Mean (ms)", grid=kit.decades(0.5, 500)),
            "half": kit.Slider(label="Half within (ms)", grid=kit.decades(0.5, 500)),
            "late": kit.Slider(label="1 in 100 above (ms)", grid=kit.decades(0.5, 500)),
        },
        "truth": truth,
        "views": VIEWS,
        "rule": lambda g: (
            "what half exceed cannot be more than what one in a hundred exceeds."
            if g["half"] > g["late"]
            else ""
        ),
    },
    see={
        "title": "How long do the users of each site wait?",
        "controls": {
            "trip": kit.Slider(
                label="There and back (ms)",
                grid=(0.5, 1, 2, 5, 10, 20, 40, 60, 80, 120, 160, 250),
                start=TRIP,
            ),
            "writes": kit.Slider(
                label="Requests that write (%)",
                grid=(0, 0.5, 1, 2, 3, 5, 10, 15, 20, 30, 40, 50, 70, 100),
                start=20,
            ),
            "calls": kit.Slider(
                label="A request makes (calls)",
                grid=(1, 2, 3, 4, 6, 8, 12, 16, 20),
                start=1,
                whole=True,
            ),
            "way": kit.Choice(label="A write:", options=WAYS, start=EVERY),
        },
        "model": model,
        "picture": picture,
        "size": (640, 344),
        "describe": sentence,
        "before": "Users of DC-1, beside the primary, wait a millisecond. What those "
        "of DC-2 wait shows once you have guessed.",
        "presets": {
            "Next door": {"trip": 1},
            "Few writes": {"writes": 0.5},
            "Chatty: 8 calls": {"calls": 8},
            "Cross once": {"way": ONCE},
        },
        "objectives": {
            "8 calls: 99 in 100 within 100 ms": lambda v, found: (
                v["calls"] == 8 and v["trip"] == TRIP and found.shown["DC-2"][3] <= 100
            ),
            "mean below 3 ms, 1 in 100 above 80 ms": lambda _, found: (
                found.shown["DC-2"][0] < 3 and found.shown["DC-2"][3] > 80
            ),
        },
        "seconds": 12,
        "steps": 12,
    },
    exercises=EXERCISES,
    own=own,
)
