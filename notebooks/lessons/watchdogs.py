"""The watchdog of lesson 05: its model, one failover played, and the valley.

The surprising shape is a valley: waiting less saves seconds in every failure, and
beyond a point costs days, because a healthy primary is declared dead again and again.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from hamodel import catalogue, duration, plots, recordings, text
from hamodel import course as kit
from hamodel.failover import (
    STAGES,
    Dns,
    Failover,
    Heartbeat,
    Lease,
    Promotion,
    ProxyCheck,
    VirtualIp,
    vigilance,
)
from hamodel.units import HOUR, MINUTE, YEAR
from lessons.pairs import HALF_AN_HOUR, pair

# ---- the model ---------------------------------------------------------------------

MTTF = 2000 * HOUR  # the node of lesson 04
ROWS = 20  # failovers that a press of the button adds
TRIED = range(1, 16)  # numbers of misses
_CV = 0.5  # of the promotion: mostly quick, now and then twice as long
_RARE = 1e-8  # a weight that nobody sees

#: Time in s to make sure that the old primary writes no more: Patroni's safety margin.
FENCING = catalogue.fact("FO-005").in_base()
#: How the clients are led to the new primary, with times as published; the move of a
#: virtual address is assumed.
WAYS = {
    "a virtual address": VirtualIp(takeover=1.0),
    "a proxy that asks": ProxyCheck(
        interval=catalogue.fact("FO-073").in_base(),
        rise=round(catalogue.fact("FO-074").in_base("low")),
    ),
    "a DNS name": Dns(
        interval=catalogue.fact("FO-078").in_base(),
        ttl=catalogue.fact("FO-081").in_base(),
    ),
}
ADDRESS, PROXY, NAME = WAYS
#: What the failover that is played begins with.
NIGHTS = ("the primary fails", "false alarm, fenced", "false alarm, not fenced")
FAILS, FENCED, UNFENCED = NIGHTS


def heartbeat(interval: float = 1, misses: float = 3, loss: float = 2) -> Heartbeat:
    return Heartbeat(interval=interval, misses=round(misses), loss=loss / 100)


def failover(
    *,
    interval: float = 1,
    misses: float = 3,
    loss: float = 2,
    promotion: float = 12,
    way: str = PROXY,
) -> Failover:
    """Return the failover of the shop: notice, fence, promote, lead the clients."""
    if way not in WAYS:
        raise ValueError(f"way must be one of {', '.join(WAYS)}, got {way!r}")
    return Failover(
        detection=heartbeat(interval, misses, loss),
        fencing=FENCING,
        promotion=duration.lognormal(mean=promotion, cv=_CV),
        redirection=WAYS[way],
    )


def curve_of(beat, failover):
    """Return the downtime against the number of misses, all else as it is."""
    recovery = sum(failover.stages[stage] for stage in STAGES[1:])
    return vigilance(beat, mttf=MTTF, recovery=recovery, misses=TRIED)


def recovery_time(beat, failover):
    """Return the recovery time, by one sum in place of one for each beat lost."""
    laws = failover.by_stage
    rest = laws["fencing"] + laws["promotion"] + laws["redirection"]
    within_a_beat = duration.uniform(0, beat.interval) + rest
    pieces = [(w, low) for w, (low, _) in beat.pieces() if w > _RARE]
    whole = sum(w for w, _ in pieces)
    return duration.mixture(
        [w / whole for w, _ in pieces], [within_a_beat + low for _, low in pieces]
    )


def model(more=1, night=FAILS, **values):
    """Return a watchdog and its failover, and what both cost: times in s.

    `minutes`, `wasted` and `best` are minutes a year; `drawn` are failovers at random,
    the one that is played and then twenty for each of `more` beyond the first,
    quickest first, shape (1 + 20 (more - 1), stages).
    """
    watched = {k: values[k] for k in ("interval", "misses", "loss")}
    whole = failover(**watched, promotion=values["promotion"], way=values["way"])
    beat, laws = heartbeat(**watched), whole.by_stage.values()
    curve, rto = curve_of(beat, whole), recovery_time(beat, whole)
    place = TRIED.index(int(beat.misses))
    half, late = (float(t) for t in rto.quantile([0.5, 0.95]))
    one, rest = (
        np.stack([law.sample(n, np.random.default_rng(n + 1)) for law in laws], axis=1)
        for n in (1, ROWS * (round(more) - 1))
    )
    return SimpleNamespace(
        beat=beat,
        night=night,
        failover=whole,
        rto=rto,
        curve=curve,
        mean=float(whole.outage),
        half=half,
        late=late,
        minutes=float(curve.minutes_per_year[place]),
        wasted=float(curve.false[place] * YEAR / MINUTE),
        false_alarms=float(curve.false_alarms[place] * YEAR),
        best=(curve.best, float(curve.minutes_per_year.min())),
        drawn=np.concatenate([one, rest[np.argsort(rest.sum(axis=1), kind="stable")]]),
    )


START: dict[str, Any] = {"interval": 1, "loss": 2, "promotion": 12, "way": PROXY}


def minutes(misses, **values):
    """Return the minutes a year for a number of misses, all else as at the start."""
    set_ = {"misses": misses, **START, **values}
    beat = heartbeat(set_["interval"], misses, set_["loss"])
    curve = curve_of(beat, failover(**set_))
    return float(curve.minutes_per_year[TRIED.index(misses)])


def shop():
    """Return the pair of lesson 04 with this lesson's failover, to sweep."""
    usual: Any = pair(rescue=HALF_AN_HOUR)
    kept = {"coverage": usual.failover.coverage, "manual": usual.failover.manual}
    return replace(usual, failover=replace(failover(misses=5), **kept))


# ---- one failover, beat by beat ----------------------------------------------------

STAGE_LOOKS = {
    "detection": "failing over",
    "fencing": "standby failed unseen",
    "promotion": "degraded",
    "redirection": "site down",
}
FIRST, PITCH, LONG = 132, 15, 58  # px: the first beat, from beat to beat, a stage
SENT, HEARD, OLD, NEW = 30, 58, 84, 104  # px: the four lanes
PACE = 0.3  # seconds of play for a beat; a stage takes a second


def played(sheet, found):
    """Draw one failover, beat by beat, and let it play from left to right."""
    dead = found.night == FAILS
    for y, words in zip(
        (SENT, HEARD, OLD + 4, NEW + 4),
        ("primary", "watchdog", "old writes", "new writes"),
        strict=True,
    ):
        sheet.text((FIRST - 16, y + 4), words, size=12, anchor="end")
    for y in (SENT, HEARD):
        sheet.line([(FIRST - 8, y), (620, y)], "faint", weight=1, role="ground")
    before = (True, found.beat.loss == 0, True)  # what arrived before the trouble
    arrived = (*before, *[False] * int(found.beat.misses))
    gone = FIRST + PITCH * len(before) - 8
    run = 0
    for k, came in enumerate(arrived):
        run = 0 if came else run + 1
        _beat(
            sheet, k, came, not dead or k < len(before), (run, int(found.beat.misses))
        )
    if dead:
        _cross(sheet, (gone, SENT), 6)
        sheet.text((gone + 10, SENT - 8), "it fails", size=12, colour="red")
    decided = FIRST + PITCH * len(arrived)
    for k, look in enumerate(list(STAGE_LOOKS.values())[1:]):
        sheet.rect((decided + LONG * k, HEARD - 7, LONG, 14), look, role="ground")
    _writers(sheet, found.night, gone, decided)
    end = PACE * len(arrived) + 3
    keys = [(0, 0, 0, 0), (0.02, 0, 0, 1), (PACE * len(arrived), decided - FIRST, 0, 1)]
    keys += [(end, decided + 3 * LONG - FIRST, 0, 1), (end + 0.3, 640, 0, 1)]
    with sheet.moving([*keys, (sheet.seconds, 640, 0, 1)]):  # what is still to come
        sheet.rect((FIRST - 9, 12, 640, 106), "paper", weight=0, role="ground")


def _beat(sheet, k, came, sent, counted):
    """Draw one beat: where it was sent, how far it came, and what is counted."""
    x, middle = FIRST + PITCH * k, (SENT + HEARD) / 2
    run, last = counted
    if sent:
        stop = HEARD if came else middle
        sheet.line([(x, SENT), (x, stop)], "grey", weight=1, role="ground")
        if not came:
            _cross(sheet, (x, middle), 3.5)
        begin, there = PACE * k + 0.02, PACE * (k + 1)
        keys = [(0, 0, 0, 0), (begin, 0, 0, 1), (there, 0, stop - SENT, 1)]
        with sheet.moving([*keys, (there + 0.05, 0, 0, 0), (sheet.seconds, 0, 0, 0)]):
            sheet.circle((x, SENT), 4, "orange", weight=1, role="ground")
    look = "green" if came else "paper"
    sheet.circle((x, HEARD), 4, look, stroke="ink" if came else "red")
    if run and (run < 9 or (last - run) % 2 == 0):
        sheet.text((x, HEARD + 17), f"{run}", size=10, anchor="middle", colour="red")


def _cross(sheet, at, size):
    (x, y), s = at, size
    for slope in (s, -s):
        sheet.line([(x - s, y - slope), (x + s, y + slope)], "red", weight=2)


def _writers(sheet, night, gone, decided):
    """Draw who takes writes, and until when."""
    stops = {FAILS: gone, FENCED: decided + LONG, UNFENCED: 620}
    ready = decided + 3 * LONG
    bars = [(FIRST - 8, stops[night], OLD, "green"), (ready, 620, NEW, "green")]
    if night == UNFENCED:
        bars += [(ready, 620, OLD, "red"), (ready, 620, NEW, "red")]
    for left, right, y, look in bars:
        sheet.rect((left, y, right - left, 8), look, weight=0.8, role="ground")
    words = "two primaries" if night == UNFENCED else "served again"
    colour = "red" if night == UNFENCED else "ink"
    sheet.text((620, 52), words, size=12, anchor="end", bold=True, colour=colour)


# ---- the failovers so far, and the valley ------------------------------------------

MISSES = kit.Scale(1, 15, 94, 312)
VALLEY = kit.Scale(0.5, 1_000_000, 276, 166, log=True)
SECONDS = kit.Scale(0, 150, 362, 620)
MARKS = [(k, str(k)) for k in (1, 2, 3, 5, 10, 15)]
COSTS = [(float(cost), f"{cost:,}") for cost in (1, 100, 10_000, 1_000_000)]


def picture(sheet, values, found, guess):
    """Draw one failover, all so far, and what each number of misses costs."""
    played(sheet, found)
    for k, (stage, look) in enumerate(STAGE_LOOKS.items()):
        sheet.rect((FIRST + 122 * k, 122, 12, 10), look, weight=0.8)
        sheet.text((FIRST + 17 + 122 * k, 132), stage, size=12)
    _valley(sheet, values, found, guess)
    drawn = found.drawn
    beyond = int((drawn.sum(axis=1) > SECONDS.high).sum())
    words = "1 failover" if len(drawn) == 1 else f"{len(drawn)} failovers"
    words += f", {beyond} beyond the edge" if beyond else ""
    sheet.text((362, 156), words, size=12, bold=True)
    marks = [(s, f"{s:g}") for s in range(0, 151, 30)]
    sheet.axis(SECONDS, 276, "seconds since the failure", top=166, marks=marks)
    high = min(14, 108 / len(drawn))
    for row, stages in enumerate(drawn):
        ends = [0.0, *np.cumsum(stages)]
        for k, look in enumerate(STAGE_LOOKS.values()):
            left, right = SECONDS(ends[k]), SECONDS(ends[k + 1])
            box = (left, 167 + high * row, right - left, 0.88 * high)
            sheet.rect(box, look, weight=0.3, role="ground")


def _valley(sheet, values, found, guess):
    here, now = round(values["misses"]), found.minutes
    words = f"{text.short(now)} min a year at {here} miss{'es' if here > 1 else ''}"
    sheet.text((94, 156), words, size=12, bold=True)
    sheet.axis(MISSES, 276, "misses until it fails over", top=166, marks=MARKS)
    sheet.upright(VALLEY, 94, 312, COSTS)
    if sheet.known:
        costs = zip(TRIED, found.curve.minutes_per_year, strict=True)
        sheet.line([(MISSES(k), VALLEY(c)) for k, c in costs], "blue", weight=2.5)
    if guess:
        drawn = {15: minutes(15), **{int(k): v for k, v in guess.items()}}
        line = [(MISSES(k), VALLEY(v)) for k, v in sorted(drawn.items())]
        sheet.line(line, dash="5 4", weight=1.8)
        sheet.text((306, 180), "- - your line", size=12, anchor="end")
    sheet.circle((MISSES(here), VALLEY(now)), 6, "orange", weight=1.5)


# ---- the axes of the guess ---------------------------------------------------------

GUESSED = (10, 5, 3, 2)
#: What a handle can say, in minutes a year: steps of a fifth, so that a handle stands
#: where its value is on a logarithmic axis.
STEPS = tuple(float(f"{0.5 * 40_000 ** (k / 60):.2g}") for k in range(61))
WIDE = kit.Scale(1, 15, 78, 400)
HIGH = kit.Scale(STEPS[0], STEPS[-1], 190, 24, log=True)


def axes(sheet, points):
    """Draw the axes of the guess, the point that is known, and the line so far."""
    sheet.text((78, 14), "minutes down a year", size=12, bold=True)
    sheet.axis(WIDE, 190, "misses until it fails over", top=24, marks=MARKS)
    sheet.upright(HIGH, 78, 400)
    known = (WIDE(15), HIGH(minutes(15)))
    sheet.line([*points, known], "blue", weight=2.5)
    sheet.circle(known, 6, "orange", weight=1.5)
    sheet.text((WIDE(15), known[1] - 12), text.short(minutes(15)), anchor="middle")


# ---- real machines -----------------------------------------------------------------


def on_real_machines() -> kit.Drawn:
    """Draw the failovers of a real Patroni over the law that its settings make."""
    times = recordings.load("patroni_default_async").column("rto_s")
    law, seen = _patroni_served(), np.sort(times[~np.isnan(times)])
    sheet, shares = kit.Sheet(640, 250), np.linspace(0.0005, 0.9995, 100)
    x, y = kit.Scale(18, 40, 70, 620), kit.Scale(0, 1, 200, 20)
    low, high = (x(float(t)) for t in law.quantile([0.025, 0.975]))
    sheet.rect((low, 20, high - low, 180), "blue", weight=0, role="ground", shade=0.15)
    sheet.axis(x, 200, "seconds after the failure", top=20, marks=SERVED)
    sheet.upright(y, 70, 620, [(0, "0 %"), (0.5, "50 %"), (1, "100 %")])
    curve = zip(law.quantile(shares), shares, strict=True)
    sheet.line([(x(float(t)), y(p)) for t, p in curve], "blue", weight=2.5)
    for k, time in enumerate(seen):
        place = (x(float(time)), y((k + 0.5) / len(seen)))
        sheet.circle(place, 3.5, "ink", weight=0, role="ground")
    sheet.text((80, 36), "served by then", size=12, colour="grey")
    return kit.Drawn(sheet.svg(), plots.measured_text(law, times))


SERVED = [(s, f"{s}") for s in range(20, 41, 5)]


def _patroni_served() -> duration.Duration:
    """Return the lock's end, and a promotion that takes 5 s more once in a while."""
    slow = catalogue.fact("REC-002").in_base()
    usual = catalogue.fact("REC-001").in_base()
    wait = catalogue.fact("FO-114").in_base()
    promotion = Promotion(usual=usual, slow=usual + wait, slow_probability=slow)
    return Lease(version=4.1).duration + promotion.duration


def on_this_machine(failures: int | None) -> str:
    """Fail a real PostgreSQL here some times, or tell how to; None: do nothing."""
    if failures is None:
        return "Nothing was run."
    from hamodel import lab

    watch = lab.Watchdog(interval=1, misses=3, sync=True)
    lacks = lab.missing(watch.programs)
    if lacks:
        return f"Missing here: {', '.join(lacks)}; `hamodel lab fetch` brings them."
    return repr(watch.record(failures, "recordings").compare())
