"""Lesson 05, anatomy of a failover: where its seconds go, and a watchdog too quick.

The surprising shape is a valley: waiting less saves seconds in every failure, and
beyond a point costs days, because a healthy primary is declared dead again and again.
"""

from __future__ import annotations

from dataclasses import replace
from math import log
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from hamodel import catalogue, duration, plots, recordings, text
from hamodel import course as kit
from hamodel.course import function, number
from hamodel.failover import (
    STAGES,
    Dns,
    Failover,
    Heartbeat,
    Lease,
    Promotion,
    ProxyCheck,
    SplitBrain,
    VirtualIp,
    vigilance,
)
from hamodel.units import HOUR, MINUTE, YEAR
from lessons.failover_maths import HALF_AN_HOUR, pair

if TYPE_CHECKING:
    from hamodel.plots import Shown

# ---- the model ---------------------------------------------------------------------

MTTF = 2000 * HOUR  # the node of lesson 04
ROWS = 20  # failovers of a sample
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


def heartbeat(interval: float = 1, misses: float = 3, loss: float = 2) -> Heartbeat:
    """Return the watchdog."""
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


def model(sample=1, **values):
    """Return a watchdog and its failover, and what both cost: times in s.

    `minutes`, `wasted` and `best` are minutes a year; `drawn` are failovers at random,
    quickest first, shape (ROWS, stages); `sample` picks them.
    """
    watched = {k: values[k] for k in ("interval", "misses", "loss")}
    whole = failover(**watched, promotion=values["promotion"], way=values["way"])
    beat, laws = heartbeat(**watched), whole.by_stage.values()
    curve, rto = curve_of(beat, whole), recovery_time(beat, whole)
    place = TRIED.index(int(beat.misses))
    half, late = (float(t) for t in rto.quantile([0.5, 0.95]))
    rng = np.random.default_rng(int(sample))
    drawn = np.stack([law.sample(ROWS, rng) for law in laws], axis=1)
    return SimpleNamespace(
        beat=beat,
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
        drawn=drawn[np.argsort(drawn.sum(axis=1), kind="stable")],
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


# ---- the picture: twenty failovers, and the valley ---------------------------------

STAGE_LOOKS = {
    "detection": "failing over",
    "fencing": "standby failed unseen",
    "promotion": "degraded",
    "redirection": "site down",
}
SECONDS = kit.Scale(0, 150, 60, 620)
MISSES = kit.Scale(1, 15, 60, 420)
VALLEY = kit.Scale(0.5, 100_000, 318, 206, log=True)
GUESSED = (15, 10, 5, 3, 2)


def picture(sheet, values, found, guess):
    """Draw how failovers go, and what the watchdog costs at each number of misses."""
    sheet.text((60, 16), "twenty failovers", size=13, bold=True)
    marks = [(s, f"{s:g}") for s in range(0, 151, 30)]
    sheet.axis(SECONDS, 138, "seconds since the failure", top=22, marks=marks)
    for row, stages in enumerate(found.drawn):
        reached = 0.0
        for length, look in zip(stages, STAGE_LOOKS.values(), strict=True):
            left, right = SECONDS(reached), SECONDS(reached + length)
            box = (left, 23 + 5.7 * row, right - left, 5)
            sheet.rect(box, look, weight=0.3, role="ground")
            reached += length
    for k, (stage, look) in enumerate(STAGE_LOOKS.items()):
        sheet.rect((290 + 86 * k, 6, 12, 10), look, weight=0.8)
        sheet.text((306 + 86 * k, 16), stage, size=12)
    longest = found.drawn.sum(axis=1)
    if beyond := int((longest > SECONDS.high).sum()):
        sheet.text((620, 174), f"{beyond} of 20 go beyond", size=12, anchor="end")
    with sheet.moving([(0, 0, 0, 1), (sheet.seconds, 560, 0, 1)]):
        sheet.line([(60, 22), (60, 138)], "red", weight=2, role="ground")
    _valley(sheet, values, found, guess)


def _valley(sheet, values, found, guess):
    sheet.text((60, 192), "minutes down a year", size=13, bold=True)
    marks = [(k, str(k)) for k in (1, 2, 3, 5, 10, 15)]
    sheet.axis(MISSES, 318, "missed beats until it fails over", top=206, marks=marks)
    sheet.upright(VALLEY, 60, 420, kit.ticks(VALLEY))
    here, now = round(values["misses"]), found.minutes
    if sheet.known:
        costs = zip(TRIED, found.curve.minutes_per_year, strict=True)
        sheet.line([(MISSES(k), VALLEY(c)) for k, c in costs], "blue", weight=2.5)
    if guess:
        drawn = {15: minutes(15), **{int(k): v for k, v in guess.items()}}
        line = [(MISSES(k), VALLEY(drawn[k])) for k in GUESSED]
        sheet.line(line, dash="5 4", weight=1.8)
        sheet.text((440, 300), "- - your guess", size=12)
    sheet.circle((MISSES(here), VALLEY(now)), 6, "orange", weight=1.5)
    sheet.text((440, 222), f"{here} misses: {text.short(now)} min", size=13, bold=True)
    if sheet.known:
        (best, least), false = found.best, text.short(found.false_alarms)
        sheet.text((440, 244), f"{false} false alarms a year", size=12)
        sheet.text((440, 264), f"least at {best}: {text.short(least)} min", size=12)
        if found.curve.minutes_per_year.max() > VALLEY.high:
            sheet.text((440, 282), "top: 100,000 and beyond", size=12, colour="grey")


def sentence(values, found):  # noqa: ARG001
    beat, (best, least) = found.beat, found.best
    return (
        f"{int(beat.misses)} missed beats of {beat.interval:g} s: served again after "
        f"{found.mean:.1f} s on average, half within {found.half:.1f} s, 95 % "
        f"within {found.late:.1f} s. Down {text.short(found.minutes)} minutes a "
        f"year, {text.short(found.wasted)} of them by "
        f"{text.short(found.false_alarms)} false alarms. The best number of misses is "
        f"{best}, with {text.short(least)}."
    )


# ---- the guess ---------------------------------------------------------------------


def truth():
    return {str(k): minutes(k) for k in GUESSED[1:]}


VIEWS = kit.views(
    """
    it falls to the end: You let it fall to the end: {g.2:,g} minutes at two misses. It
      is {t.2:,.0f}: a healthy primary loses two beats in a row many times a day, and
      each time it is declared dead.
    it hardly matters: You drew it flat. From 15 to 5 misses it is. Then false alarms
      begin, and each miss less makes them some fifty times as frequent.
    the wall is too low: You saw that it turns up again. But it is a wall: {t.2:,.0f}
      minutes at two misses, where you drew {g.2:,g}.
    a valley with a wall: A valley with a wall on its left: that is how it is.
    """,
    (lambda g, _: g["2"] <= min(g["5"], g["3"]), {"10": 2, "5": 1, "3": 0.7, "2": 0.5}),
    (
        lambda g, _: max(g.values()) < 2 * min(g.values()),
        {"10": 2.4, "5": 2.2, "3": 2.2, "2": 2.5},
    ),
    (lambda g, t: g["2"] < t["2"] / 5, {"10": 2.2, "5": 1.8, "3": 5, "2": 20}),
    (lambda *_: True, {"10": 2.2, "5": 1.8, "3": 80, "2": 4000}),
)

# ---- the exercises -----------------------------------------------------------------


def _slow() -> Failover:
    return failover(interval=2, misses=4, loss=0, way=NAME)


tail_exercise = kit.exercise(
    """a number of seconds
    right: Percentiles do not add: the stages are seldom slow together.
    hint: Add the stages as durations, and ask the sum for its 95th percentile.
    then: `anatomy.failover` makes it of the four settings; its duration has a
      quantile.
    percentiles added: You added the 95th percentiles of the stages. A failover would
      have to be unlucky four times over.
    the mean: That is the mean: about half of the failovers take longer.
    exponential: You took the whole for exponential. A sum of stages, some of them
      nearly constant, has a far shorter tail.
    clients forgotten: By then the new primary takes writes. Do the clients know?
    """,
    lambda: float(_slow().duration.quantile(0.95)),
    lambda: sum(float(law.quantile(0.95)) for law in _slow().by_stage.values()),
    lambda: _slow().outage,
    lambda: _slow().outage * log(20),
    lambda: float(_slow().ready.quantile(0.95)),
    same=number(0.005),
)


def _best(interval: float = 0.2, loss: float = 0.05) -> int:
    beat = Heartbeat(interval=interval, loss=loss)
    return vigilance(beat, mttf=MTTF, recovery=20).best


best_exercise = kit.exercise(
    """a whole number of misses
    right: More beats and more of them lost: both ask for more patience. Yet the
      watchdog notices three times as soon as before.
    hint: `vigilance` tries the numbers of misses; ask it for its best.
    then: `vigilance` takes a Heartbeat, mttf= and recovery=; no misses are needed.
    as before: That was best for one beat a second and 2 % lost.
    the same timeout: That keeps the five seconds. Is the timeout what protects from
      false alarms, or the number of beats in it?
    only the interval changed: Beats come five times as often, and also more of them
      are lost: 5 %.
    only the loss changed: More beats are lost, and they also come five times as
      often.
    nothing is lost: One miss is best only if no beat is ever lost.
    """,
    _best,
    lambda: _best(1, 0.02),
    lambda: 25,
    lambda: _best(loss=0.02),
    lambda: _best(interval=1),
    lambda: 1,
)


def _route53() -> Dns:
    every, kept = (catalogue.fact(key).in_base() for key in ("FO-078", "FO-081"))
    return Dns(interval=every, threshold=3, ttl=kept)


def _led_away(share: float) -> float:
    name = _route53()
    return float((name.detection + name.duration).quantile(share))


name_exercise = kit.exercise(
    """a number of seconds
    right: More than two minutes, and nothing has been promoted in them.
    hint: `Dns` has a `detection` and, for the way of the clients, a `duration`.
    then: Make the Dns with interval, threshold and ttl, add its two durations, and
      ask for 0.95.
    the worst case: That is the slowest of all. Nearly all are sooner.
    the mean: Half of the clients take longer than that.
    percentiles added: You added two 95th percentiles. Add the durations, then ask.
    the name is kept by nobody: That is when the name changes. Resolvers still keep
      the old address.
    only the time to live: Before the name changes, somebody has to notice.
    """,
    lambda: _led_away(0.95),
    lambda: _led_away(1.0),
    lambda: _led_away(0.5),
    lambda: (
        float(_route53().detection.quantile(0.95))
        + float(_route53().duration.quantile(0.95))
    ),
    lambda: float(_route53().detection.quantile(0.95)),
    lambda: float(_route53().duration.quantile(0.95)),
)


def _curve(misses, loss):
    beat = Heartbeat(interval=1, loss=loss)
    return vigilance(beat, mttf=MTTF, recovery=20, misses=[misses])


def _minutes(misses, loss):
    return float(_curve(misses, loss).minutes_per_year[0])


def _real_only(misses, loss):
    return float(_curve(misses, loss).real[0] * YEAR / MINUTE)


def _too_long(misses, loss):
    noticed = float(Heartbeat(interval=1, misses=misses, loss=loss).duration.mean)
    return _minutes(misses, loss) + (misses - noticed) / MTTF * YEAR / MINUTE


code_exercise = kit.exercise(
    """a function of a number of misses and of the share of beats lost, a fraction
    right: Two rates times what each costs: that is all there is to the valley.
    hint: A failure costs detection and recovery, a false alarm only recovery. Take
      the rates from the MTTF and from `Heartbeat(...).false_alarm_rate`.
    then: Failures come at 1 / MTTF; false alarms at false_alarm_rate. Add the two
      products, and turn to minutes a year.
    false alarms forgotten: It falls for ever as the misses become fewer. What do
      false alarms cost?
    failures forgotten: Only the false alarms are in it. The node also fails in
      earnest.
    a share, not minutes: It gives a share of time. How many minutes has a year?
    the worst detection: You count the whole timeout for each failure. It falls
      between two beats, so on average half a beat less is waited.
    """,
    lambda: _minutes,
    lambda: _real_only,
    lambda: lambda k, p: _minutes(k, p) - _real_only(k, p),
    lambda: lambda k, p: _minutes(k, p) * MINUTE / YEAR,
    lambda: _too_long,
    same=function([5, 0.02], [2, 0.02], [8, 0.2], [1, 0.001]),
)


def _split(**changes: float) -> SplitBrain:
    given = {
        "false_failovers": float(heartbeat(misses=3).false_alarm_rate),
        "fencing": 0.95,
        "write_rate": 200.0,
        "astray": 0.3,
        "mean_length": 10 * MINUTE,
    }
    return SplitBrain(**given | changes)


split_exercise = kit.exercise(
    """a number of writes a year
    right: A dozen split brains a year, each of thousands of writes. Five misses leave
      one split brain in two hundred years.
    hint: How many false failovers a year, how many of them unfenced, and how many
      writes does each one lose? `SplitBrain` multiplies them.
    then: Give SplitBrain the rate of false failovers of three misses, and the four
      numbers of the question; a year of its loss_rate.
    one split brain: That is what one split brain loses. How many are there in a year?
    the fenced ones: You counted the failovers in which fencing works.
    no fencing: You let every false failover split. Fencing stops 95 in 100.
    all writes: Only some of the clients still write to the old primary.
    """,
    lambda: _split().loss_rate * YEAR,
    lambda: _split().writes_lost,
    lambda: _split(fencing=0.05).loss_rate * YEAR,
    lambda: _split(fencing=0.0).loss_rate * YEAR,
    lambda: _split(astray=1.0).loss_rate * YEAR,
)


def _patroni(lease: Lease | None = None) -> Failover:
    usual: Failover = catalogue.system("postgresql-patroni").architecture().failover
    return usual if lease is None else replace(usual, detection=lease)


def _shortest(watch: bool = True) -> Lease:
    low = catalogue.fact("FO-001").in_base("low")
    return Lease(ttl=low, loop_wait=low / 4, retry_timeout=low / 4, watch=watch)


def _recovered(lease: Lease | None = None, share: float = 0.95) -> float:
    return float(_patroni(lease).duration.quantile(share))


product_exercise = kit.exercise(
    """a number of seconds
    right: Ten seconds saved for every failover. In return a primary that stalls for
      more than 15 s, in place of 20, may lose its lock.
    hint: Make a `Lease`, put it in the place of the detection, and ask the duration
      of the whole.
    then: The shortest lease has ttl 15 s; loop_wait and retry_timeout are a quarter
      of it.
    as delivered: That is the preset as it is delivered, with its longer lease.
    only the lock: By then the lock is free. Who promotes, and who leads the clients?
    the mean: That is the mean of all failovers.
    nobody watches: Others are told when the lock expires; they need not look for it.
    the worst case: That is the slowest that can happen. 95 in 100 are quicker.
    """,
    lambda: _recovered(_shortest()),
    _recovered,
    lambda: float(_shortest().duration.quantile(0.95)),
    lambda: _patroni(_shortest()).outage,
    lambda: _recovered(_shortest(watch=False)),
    lambda: _recovered(_shortest(), 0.9999),
)


def own(beats, lost):
    """Return the share of beats lost in a ping log, and the best number of misses."""
    if not 0 < lost < beats:
        raise ValueError(f"{lost} of {beats} beats cannot be lost; count at least one")
    beat = Heartbeat(interval=1, loss=lost / beats)
    best = vigilance(beat, mttf=MTTF, recovery=20, misses=range(1, 60)).best
    return {"share lost": lost / beats, "best misses": float(best)}


# ---- the lesson --------------------------------------------------------------------

INTERVAL = (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5)
LOSS = (0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 4, 5, 7, 10)


# ---- real machines -----------------------------------------------------------------


def on_real_machines() -> Shown:
    """Draw the failovers of a real Patroni over the law that its settings make."""
    killed = recordings.load("patroni_default_async")
    law = _patroni_served()
    with plots.styled():
        whole = plots.figure(7, 3)
        axes = whole.add_axes((0.1, 0.2, 0.86, 0.7))
        drawn = plots.draw_measured(axes, law, killed.column("rto_s"))
    return plots.show(whole, alt=drawn.text)


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


lesson = kit.Lesson(
    number="05",
    recall=kit.recall(
        """
        Lesson 04: which lever is longer, a failover three times as fast or one that
          works in 999 of 1,000?
        + the one that works: It removes hours; speed removes seconds.
        - the fast one: The seconds are the smaller part of the downtime.
        Lesson 01: does 99.99 % mean 53 minutes every year?
        + no, on average: Most years have none, and some have hours.
        - yes: It is a mean. What is a year like?
        """
    ),
    guess={
        "question": "The primary sends a beat a second; 2 in 100 are lost. Once the "
        "watchdog gives up, a failover takes 20 s. It gives up after 15 misses in a "
        f"row, and failovers cost {text.short(minutes(15))} minutes a year. How many "
        "is it with 10, 5, 3 and 2 misses?",
        "fields": {
            str(misses): kit.Slider(
                label=f"{misses} misses (min)", grid=kit.decades(0.5, 10_000)
            )
            for misses in GUESSED[1:]
        },
        "truth": truth,
        "views": VIEWS,
    },
    see={
        "title": "Where do the seconds go, and when is a watchdog too quick?",
        "controls": {
            "interval": kit.Slider(label="A beat every (s)", grid=INTERVAL, start=1),
            "misses": kit.Slider(
                label="Misses (beats)", grid=tuple(TRIED), start=15, whole=True
            ),
            "loss": kit.Slider(label="Beats lost (%)", grid=LOSS, start=2),
            "promotion": kit.Slider(
                label="Promotion (s)", grid=kit.decades(1, 50), start=12
            ),
            "way": kit.Choice(label="Clients by", options=tuple(WAYS), start=PROXY),
        },
        "model": model,
        "picture": picture,
        "size": (640, 360),
        "describe": sentence,
        "before": "Twenty failovers with 15 misses, as the shop has it today. What "
        "fewer misses cost shows once you have drawn your line.",
        "after": {"misses": 5},
        "presets": {
            "2 misses": {"misses": 2},
            "5 misses": {"misses": 5},
            "5 beats a second": {"interval": 0.2},
            "Bad network": {"loss": 10},
            "No beat lost": {"loss": 0},
            "DNS": {"way": NAME},
        },
        "seconds": 10,
        "steps": 10,
    },
    exercises=(
        tail_exercise,
        best_exercise,
        name_exercise,
        code_exercise,
        split_exercise,
        product_exercise,
    ),
    own=own,
)
