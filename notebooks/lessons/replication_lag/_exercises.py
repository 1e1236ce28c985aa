"""The exercises of lesson 06; every reference is computed when it is asked for."""

from __future__ import annotations

import math

from hamodel.course.exercise import Exercise, Mistake, function, number
from hamodel.replication import CatchUp, Stream, WriteStage
from hamodel.units import MINUTE, MS, YEAR
from lessons.replication_lag._copy import AWAY, replication, stream
from lessons.replication_lag._recorded import recorded, recorded_lag

_REPLAY = WriteStage(service=MS)
_LOAD = 950.0  # of the first exercise


def _lag(writes: float) -> Stream:
    """Return the replay alone: no network."""
    return Stream(writes=writes, apply=_REPLAY)


tail_exercise = Exercise(
    form="a number of milliseconds",
    reference=lambda: float(_lag(_LOAD).lag.quantile(0.99)) / MS,
    same=number(),
    right="The tail is the mean times the logarithm of 100, at every load.",
    hint="What is left over, μ - λ, is a rate. At which t has its exponential fallen "
    "to one in a hundred?",
    mistakes=(
        Mistake(
            name="the mean",
            answer=lambda: float(_lag(_LOAD).mean_lag) / MS,
            hint="That is the mean. Half of the lesson is that it does not describe "
            "the lag.",
        ),
        Mistake(
            name="no queue",
            answer=lambda: math.log(100) * _REPLAY.service / MS,
            hint="You took the time of one write. It also waits for those before it.",
        ),
        Mistake(
            name="the median",
            answer=lambda: float(_lag(_LOAD).lag.quantile(0.5)) / MS,
            hint="Half of the writes are visible by then. We want all but one in a "
            "hundred.",
        ),
        Mistake(
            name="seconds",
            answer=lambda: float(_lag(_LOAD).lag.quantile(0.99)),
            hint="That is in seconds.",
        ),
    ),
)

_FAR = 82.8  # round trip in ms of the second exercise, fact RTT-010


def _fresh(writes: float = 990, share: float = 0.999, trip: float = _FAR) -> float:
    return float(stream(writes, trip=trip).lag.quantile(share)) / MS


wait_exercise = Exercise(
    form="a number of milliseconds",
    reference=_fresh,
    same=number(),
    right="Hardly any of it is the ocean; nearly all of it is the queue.",
    hint="Two parts: the way there, which every write needs, and the queue, of which "
    "you want the time that all but one write in a thousand do not exceed.",
    mistakes=(
        Mistake(
            name="the network forgotten",
            answer=lambda: float(_lag(990).lag.quantile(0.999)) / MS,
            hint="That is the queue alone. The write also has to get there.",
        ),
        Mistake(
            name="a whole round trip",
            answer=lambda: _fresh() + _FAR / 2,
            hint="A write goes one way. Nobody waits for the answer.",
        ),
        Mistake(
            name="99 %",
            answer=lambda: _fresh(share=0.99),
            hint="That is for 99 in 100. One nine is missing.",
        ),
        Mistake(
            name="the load of yesterday",
            answer=lambda: _fresh(writes=900),
            hint="That is at 900 writes a second.",
        ),
    ),
)

_PAUSE = CatchUp(writes=900, service=MS, outage=10 * MINUTE)

drain_exercise = Exercise(
    form="a number of minutes",
    reference=lambda: _PAUSE.mean / MINUTE,
    same=number(),
    right="Each minute without replication costs nine more minutes of stale reads.",
    hint="How many writes wait when the link is back? And how many of them does the "
    "replica work off each second, while new ones come?",
    mistakes=(
        Mistake(
            name="as long as the stop",
            answer=lambda: _PAUSE.outage / MINUTE,
            hint="That is how long the link was away.",
        ),
        Mistake(
            name="new writes forgotten",
            answer=lambda: _PAUSE.backlog * _PAUSE.service / MINUTE,
            hint="You stopped the shop while the replica caught up. New writes keep "
            "coming.",
        ),
        Mistake(
            name="the stop included",
            answer=lambda: _PAUSE.felt / MINUTE,
            hint="That counts from the beginning of the stop. We ask from its end.",
        ),
        Mistake(
            name="seconds",
            answer=lambda: _PAUSE.mean,
            hint="That is in seconds.",
        ),
    ),
)


def _stalls(plan: str) -> float:
    return float(replication(plan).protection(**AWAY).blocked) * YEAR / MINUTE


price_exercise = Exercise(
    form="a number of minutes a year",
    reference=lambda: _stalls("semi-sync"),
    same=number(),
    right="Little time, and the price is hidden elsewhere: for the rest of each "
    "absence there is one copy only.",
    hint="How often a year does the standby go? For how long do commits then stand "
    "still?",
    mistakes=(
        Mistake(
            name="strict",
            answer=lambda: _stalls("sync"),
            hint="That is how long the standby is away. Strict sync stands still all "
            "that time; semi-sync gives up waiting.",
        ),
        Mistake(
            name="once",
            answer=lambda: replication("semi-sync").timeout / MINUTE,
            hint="That is one stall. How many are there in a year?",
        ),
        Mistake(
            name="seconds",
            answer=lambda: _stalls("semi-sync") * MINUTE,
            hint="That is in seconds.",
        ),
    ),
)


def _missed(writes: float, pause: float) -> float:
    return float(_lag(writes).lag.sf(pause))


code_exercise = Exercise(
    form="a function of writes per second and seconds since the write",
    reference=lambda: _missed,
    same=function([900, 0.05], [990, 0.1], [500, 0.001], [950, 0.02]),
    right="It takes arrays too: try np.linspace(0, 0.5) for the seconds.",
    hint="A Stream with apply=WriteStage(service=0.001) knows the probability that "
    "its lag exceeds a time: look for lag_sf.",
    mistakes=(
        Mistake(
            name="fresh for stale",
            answer=lambda: lambda w, t: 1 - _missed(w, t),
            hint="Those are the reads that do see the write.",
        ),
        Mistake(
            name="milliseconds",
            answer=lambda: lambda w, t: _missed(w, t * MS),
            hint="Every time in hamodel is in seconds already.",
        ),
        Mistake(
            name="the write's own time",
            answer=lambda: lambda _, t: _missed(0, t),
            hint="The load does not reach the Stream.",
        ),
        Mistake(
            name="a random moment",
            answer=lambda: lambda w, t: float(_lag(w).stale_probability(1 / t)),
            hint="That is for a read at a random moment. Here it comes exactly t "
            "after the write.",
        ),
    ),
)


def _predicted() -> float:
    measured = Stream(writes=50, delay=recorded_lag())
    return 100 * float(measured.stale_probability(recorded()[2].writes))


real_exercise = Exercise(
    form="a percentage",
    reference=_predicted,
    same=number(0.01),
    right=f"The database returned {recorded()[2].stale} stale of "
    f"{recorded()[2].reads} reads: {100 * recorded()[2].share:.1f} %.",
    hint="A Stream whose delay is the measured lag knows the share of stale reads of "
    "a key: stale_probability.",
    mistakes=(
        Mistake(
            name="a share",
            answer=lambda: _predicted() / 100,
            hint="That is a share. How many in a hundred?",
        ),
        Mistake(
            name="writes times lag",
            answer=lambda: 100 * recorded()[2].writes * recorded_lag().mean,
            hint="That is how many writes come during one lag. Several of them may "
            "spoil the same read.",
        ),
        Mistake(
            name="fresh",
            answer=lambda: 100 - _predicted(),
            hint="Those are the fresh ones.",
        ),
    ),
)
