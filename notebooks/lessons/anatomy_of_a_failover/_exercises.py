"""The exercises of lesson 05; every reference is computed when it is asked for."""

from __future__ import annotations

from dataclasses import replace
from math import log

from hamodel import catalogue
from hamodel.course.exercise import Exercise, Mistake, function, number
from hamodel.failover import Dns, Failover, Heartbeat, Lease, SplitBrain, vigilance
from hamodel.units import MINUTE, YEAR
from lessons.anatomy_of_a_failover._watch import (
    MTTF,
    NAME,
    failover,
    heartbeat,
)


def _slow() -> Failover:
    """Return the failover of the first exercise."""
    return failover(interval=2, misses=4, loss=0, way=NAME)


tail_exercise = Exercise(
    form="a number of seconds",
    reference=lambda: float(_slow().duration.quantile(0.95)),
    same=number(0.005),
    right="Percentiles do not add: the stages are seldom slow together.",
    hint="Add the stages as durations, and ask the sum for its 95th percentile.",
    mistakes=(
        Mistake(
            name="percentiles added",
            answer=lambda: sum(
                float(law.quantile(0.95)) for law in _slow().by_stage.values()
            ),
            hint="You added the 95th percentiles of the stages. A failover would have "
            "to be unlucky four times over.",
        ),
        Mistake(
            name="the mean",
            answer=lambda: _slow().outage,
            hint="That is the mean: about half of the failovers take longer.",
        ),
        Mistake(
            name="exponential",
            answer=lambda: _slow().outage * log(20),
            hint="You took the whole for exponential. A sum of stages, some of them "
            "nearly constant, has a far shorter tail.",
        ),
        Mistake(
            name="clients forgotten",
            answer=lambda: float(_slow().ready.quantile(0.95)),
            hint="By then the new primary takes writes. Do the clients know?",
        ),
    ),
)


def _best(interval: float = 0.2, loss: float = 0.05) -> int:
    beat = Heartbeat(interval=interval, loss=loss)
    return vigilance(beat, mttf=MTTF, recovery=20).best


best_exercise = Exercise(
    form="a whole number of misses",
    reference=_best,
    same=number(),
    right="More beats and more of them lost: both ask for more patience. Yet the "
    "watchdog notices three times as soon as before.",
    hint="`vigilance` tries the numbers of misses; ask it for its best.",
    mistakes=(
        Mistake(
            name="as before",
            answer=lambda: _best(1, 0.02),
            hint="That was best for one beat a second and 2 % lost.",
        ),
        Mistake(
            name="the same timeout",
            answer=lambda: 25,
            hint="That keeps the five seconds. Is the timeout what protects from "
            "false alarms, or the number of beats in it?",
        ),
        Mistake(
            name="only the interval changed",
            answer=lambda: _best(loss=0.02),
            hint="Beats come five times as often, and also more of them are lost: 5 %.",
        ),
        Mistake(
            name="only the loss changed",
            answer=lambda: _best(interval=1),
            hint="More beats are lost, and they also come five times as often.",
        ),
        Mistake(
            name="nothing is lost",
            answer=lambda: 1,
            hint="One miss is best only if no beat is ever lost.",
        ),
    ),
)


def _route53() -> Dns:
    """Return a name that is watched and kept as its maker publishes."""
    every, kept = (catalogue.fact(key).in_base() for key in ("FO-078", "FO-081"))
    return Dns(interval=every, threshold=3, ttl=kept)


def _led_away(share: float) -> float:
    name = _route53()
    return float((name.detection + name.duration).quantile(share))


name_exercise = Exercise(
    form="a number of seconds",
    reference=lambda: _led_away(0.95),
    same=number(),
    right="More than two minutes, and nothing has been promoted in them.",
    hint="`Dns` has a `detection` and, for the way of the clients, a `duration`.",
    mistakes=(
        Mistake(
            name="the worst case",
            answer=lambda: _led_away(1.0),
            hint="That is the slowest of all. Nearly all are sooner.",
        ),
        Mistake(
            name="the mean",
            answer=lambda: _led_away(0.5),
            hint="Half of the clients take longer than that.",
        ),
        Mistake(
            name="percentiles added",
            answer=lambda: (
                float(_route53().detection.quantile(0.95))
                + float(_route53().duration.quantile(0.95))
            ),
            hint="You added two 95th percentiles. Add the durations, then ask.",
        ),
        Mistake(
            name="the name is kept by nobody",
            answer=lambda: float(_route53().detection.quantile(0.95)),
            hint="That is when the name changes. Resolvers still keep the old address.",
        ),
        Mistake(
            name="only the time to live",
            answer=lambda: float(_route53().duration.quantile(0.95)),
            hint="Before the name changes, somebody has to notice.",
        ),
    ),
)


def _minutes(misses: int, loss: float) -> float:
    curve = vigilance(
        Heartbeat(interval=1, loss=loss), mttf=MTTF, recovery=20, misses=[misses]
    )
    return float(curve.minutes_per_year[0])


def _real_only(misses: int, loss: float) -> float:
    curve = vigilance(
        Heartbeat(interval=1, loss=loss), mttf=MTTF, recovery=20, misses=[misses]
    )
    return float(curve.real[0] * YEAR / MINUTE)


code_exercise = Exercise(
    form="a function of a number of misses and of the share of beats lost, a fraction",
    reference=lambda: _minutes,
    same=function([5, 0.02], [2, 0.02], [8, 0.2], [1, 0.001]),
    right="Two rates times what each costs: that is all there is to the valley.",
    hint="A failure costs detection and recovery, a false alarm only recovery. Take "
    "the rates from the MTTF and from `Heartbeat(...).false_alarm_rate`.",
    mistakes=(
        Mistake(
            name="false alarms forgotten",
            answer=lambda: _real_only,
            hint="It falls for ever as the misses become fewer. What do false alarms "
            "cost?",
        ),
        Mistake(
            name="failures forgotten",
            answer=lambda: lambda k, p: _minutes(k, p) - _real_only(k, p),
            hint="Only the false alarms are in it. The node also fails in earnest.",
        ),
        Mistake(
            name="a share, not minutes",
            answer=lambda: lambda k, p: _minutes(k, p) * MINUTE / YEAR,
            hint="It gives a share of time. How many minutes has a year?",
        ),
        Mistake(
            name="the worst detection",
            answer=lambda: (
                lambda k, p: (
                    _minutes(k, p) + (k - _detection(k, p)) / MTTF * YEAR / MINUTE
                )
            ),
            hint="You count the whole timeout for each failure. It falls between two "
            "beats, so on average half a beat less is waited.",
        ),
    ),
)


def _detection(misses: int, loss: float) -> float:
    return float(Heartbeat(interval=1, misses=misses, loss=loss).duration.mean)


def _split(**changes: float) -> SplitBrain:
    """Return the split brains of three misses, some numbers changed."""
    given = {
        "false_failovers": float(heartbeat(misses=3).false_alarm_rate),
        "fencing": 0.95,
        "write_rate": 200.0,
        "astray": 0.3,
        "mean_length": 10 * MINUTE,
    }
    return SplitBrain(**given | changes)


split_exercise = Exercise(
    form="a number of writes a year",
    reference=lambda: _split().loss_rate * YEAR,
    same=number(),
    right="A dozen split brains a year, each of thousands of writes. Five misses leave "
    "one split brain in two hundred years.",
    hint="How many false failovers a year, how many of them unfenced, and how many "
    "writes does each one lose? `SplitBrain` multiplies them.",
    mistakes=(
        Mistake(
            name="one split brain",
            answer=lambda: _split().writes_lost,
            hint="That is what one split brain loses. How many are there in a year?",
        ),
        Mistake(
            name="the fenced ones",
            answer=lambda: _split(fencing=0.05).loss_rate * YEAR,
            hint="You counted the failovers in which fencing works.",
        ),
        Mistake(
            name="no fencing",
            answer=lambda: _split(fencing=0.0).loss_rate * YEAR,
            hint="You let every false failover split. Fencing stops 95 in 100.",
        ),
        Mistake(
            name="all writes",
            answer=lambda: _split(astray=1.0).loss_rate * YEAR,
            hint="Only some of the clients still write to the old primary.",
        ),
    ),
)


def _patroni(lease: Lease | None = None) -> Failover:
    """Return the failover of the preset, with another lease if one is given."""
    usual: Failover = catalogue.system("postgresql-patroni").architecture().failover
    return usual if lease is None else replace(usual, detection=lease)


def _shortest(watch: bool = True) -> Lease:
    low = catalogue.fact("FO-001").in_base("low")
    return Lease(ttl=low, loop_wait=low / 4, retry_timeout=low / 4, watch=watch)


def _recovered(lease: Lease | None = None, share: float = 0.95) -> float:
    return float(_patroni(lease).duration.quantile(share))


product_exercise = Exercise(
    form="a number of seconds",
    reference=lambda: _recovered(_shortest()),
    same=number(),
    right="Ten seconds saved for every failover. In return a primary that stalls for "
    "more than 15 s, in place of 20, may lose its lock.",
    hint="Make a `Lease`, put it in the place of the detection, and ask the duration "
    "of the whole.",
    mistakes=(
        Mistake(
            name="as delivered",
            answer=lambda: _recovered(),
            hint="That is the preset as it is delivered, with its longer lease.",
        ),
        Mistake(
            name="only the lock",
            answer=lambda: float(_shortest().duration.quantile(0.95)),
            hint="By then the lock is free. Who promotes, and who leads the clients?",
        ),
        Mistake(
            name="the mean",
            answer=lambda: _patroni(_shortest()).outage,
            hint="That is the mean of all failovers.",
        ),
        Mistake(
            name="nobody watches",
            answer=lambda: _recovered(_shortest(watch=False)),
            hint="Others are told when the lock expires; they need not look for it.",
        ),
        Mistake(
            name="the worst case",
            answer=lambda: _recovered(_shortest(), 1.0),
            hint="That is the slowest that can happen. 95 in 100 are quicker.",
        ),
    ),
)
