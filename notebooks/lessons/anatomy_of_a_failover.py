"""Lesson 05, anatomy of a failover: where its seconds go, and a watchdog too quick.

What it shows is in `watchdogs`; here is what it asks.
"""

from __future__ import annotations

from dataclasses import replace
from math import log

from hamodel import catalogue, text
from hamodel import course as kit
from hamodel.course import function, number
from hamodel.failover import Failover, Heartbeat, Lease, SplitBrain, vigilance
from hamodel.units import MINUTE, YEAR
from lessons.watchdogs import (
    FAILS,
    GUESSED,
    HIGH,
    MTTF,
    NAME,
    NIGHTS,
    PROXY,
    STEPS,
    TRIED,
    UNFENCED,
    WAYS,
    WIDE,
    axes,
    failover,
    heartbeat,
    minutes,
    model,
    picture,
)


def sentence(values, found):  # noqa: ARG001
    beat, (best, least) = found.beat, found.best
    end = (
        " Here the old primary lives on: both take writes."
        if found.night == UNFENCED
        else ""
    )
    return (
        f"{int(beat.misses)} missed beats of {beat.interval:g} s: served again after "
        f"{found.mean:.1f} s on average, half within {found.half:.1f} s, 95 % "
        f"within {found.late:.1f} s. Down {text.short(found.minutes)} minutes a "
        f"year, {text.short(found.wasted)} of them by "
        f"{text.short(found.false_alarms)} false alarms. The best number of misses is "
        f"{best}, with {text.short(least)}.{end}"
    )


# ---- the guess ---------------------------------------------------------------------


def truth():
    return {str(k): minutes(k) for k in GUESSED}


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


ask_tail = kit.exercise(
    """a number of seconds
    right: Percentiles do not add: the stages are seldom slow together.
    hint: Add the stages as durations, and ask the sum for its 95th percentile.
    then: `watchdogs.failover` makes it of the four settings; its duration has a
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


ask_best = kit.exercise(
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


ask_code = kit.exercise(
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


ask_split = kit.exercise(
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


ask_product = kit.exercise(
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
        f"row, and failovers cost {text.short(minutes(15))} minutes a year. How does "
        "the line go on, to 10, 5, 3 and 2 misses?",
        "fields": {
            str(misses): kit.Slider(label=f"{misses} misses (min)", grid=STEPS)
            for misses in GUESSED
        },
        "line": kit.Line(
            size=(420, 230),
            across={str(misses): WIDE(misses) for misses in GUESSED},
            low=HIGH.start,
            high=HIGH.stop,
            draw=axes,
        ),
        "truth": truth,
        "views": VIEWS,
    },
    see={
        "title": "Where do the seconds go, and when is a watchdog too quick?",
        "controls": {
            **kit.sliders(
                interval=("A beat every (s)", INTERVAL, 1),
                misses=("Misses (beats)", TRIED, 15),
                loss=("Beats lost (%)", LOSS, 2),
                promotion=("Promotion (s)", kit.decades(1, 50), 12),
            ),
            "way": kit.Choice(label="Clients by", options=tuple(WAYS), start=PROXY),
            "night": kit.Choice(label="Tonight", options=NIGHTS, start=FAILS),
            "more": kit.Again(label="Twenty more", most=3),
        },
        "model": model,
        "picture": picture,
        "size": (640, 318),
        "describe": sentence,
        "before": "One failover with 15 misses, as the shop has it today. What fewer "
        "misses cost shows once you have drawn your line.",
        "after": {"misses": 5},
        "presets": {
            "2 misses": {"misses": 2},
            "5 misses": {"misses": 5},
            "5 beats a second": {"interval": 0.2},
            "Bad network": {"loss": 10},
            "No beat lost": {"loss": 0},
            "DNS": {"way": NAME},
            "Two primaries": {"night": UNFENCED},
        },
        "seconds": 10,
        "steps": 10,
    },
    exercises=(ask_tail, ask_best, ask_code, ask_split, ask_product),
    own=own,
)
