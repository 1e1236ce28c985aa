"""Lesson 06, replication lag: what readers miss, and what a crash takes.

Everything here calls `hamodel.replication`.  The surprising number is the answer: a
tenth more load makes the lag ten times as long, and waiting for the standby changes
what a crash loses, not what readers miss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hamodel import catalogue, text
from hamodel.course.controls import Choice, Slider, decades
from hamodel.course.explorer import Explorer
from hamodel.course.prediction import Prediction, View
from hamodel.units import MINUTE, MS
from lessons.replication_lag._copy import (
    AWAY,
    CAPACITY,
    NEAR,
    PLANS,
    QUEUES,
    REPLAY,
    SENDER,
    Bill,
    Copy,
    absence,
    model,
    replication,
    stream,
)
from lessons.replication_lag._exercises import (
    code_exercise,
    drain_exercise,
    price_exercise,
    real_exercise,
    tail_exercise,
    wait_exercise,
)
from lessons.replication_lag._picture import CopyPicture
from lessons.replication_lag._recorded import (
    recorded,
    recorded_lag,
    recorded_lags,
)
from lessons.replication_lag._shop import draw, shop

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AWAY",
    "CAPACITY",
    "FAR",
    "NEAR",
    "PLANS",
    "QUEUES",
    "REPLAY",
    "SENDER",
    "Bill",
    "Copy",
    "absence",
    "code_exercise",
    "describe",
    "drain_exercise",
    "draw",
    "explorer",
    "model",
    "prediction",
    "presets",
    "price_exercise",
    "real_exercise",
    "recorded",
    "recorded_lag",
    "recorded_lags",
    "replication",
    "shop",
    "stream",
    "tail_exercise",
    "truth",
    "wait_exercise",
]

#: Round trip in ms between two regions: Virginia and Oregon.
FAR = catalogue.fact("RTT-010").value


def describe(values: Mapping[str, Any], result: Copy) -> str:
    """Say what the explorer shows.

    Parameters
    ----------
    values : mapping
        The controls' values.
    result : Copy
        The replica.

    Returns
    -------
    str
        Lag, stale reads, and what waiting costs and saves.
    """
    if result.overloaded:
        return _overload(values, result)
    lag = result.stream
    mean, tail = (
        text.short(float(t) / MS) for t in (lag.mean_lag, lag.lag.quantile(0.99))
    )
    unwaited, waited, applied = (
        result.bill(name) for name in ("async", "sync", "sync, applied")
    )
    late = [text.short(100 * bill.missed) for bill in (unwaited, waited)]
    waits = [text.short(bill.wait / MS) for bill in (waited, applied)]
    return (
        f"Mean lag {mean} ms, 99 % of the writes within {tail} ms. Of the reads "
        f"{values['pause']:,g} ms after a commit {late[0]} % miss it if async, "
        f"{late[1]} % if sync. Async, a crash loses {text.short(unwaited.lost)} "
        f"writes; sync, none, and each commit waits {waits[0]} ms, or {waits[1]} ms "
        "until applied."
    )


def _overload(values: Mapping[str, Any], copy: Copy) -> str:
    more = (
        "Sync loses nothing, and its readers miss everything."
        if copy.queue == REPLAY
        else "Sync commits no longer return; async loses more and more."
    )
    return (
        f"{values['writes']:,g} writes a second for a capacity of "
        f"{values['capacity']:,g}: the lag has no steady state. It grows by at least "
        f"{text.short(copy.growth * MINUTE)} s a minute. {more}"
    )


def presets() -> dict[str, dict[str, Any]]:
    """Return the named settings.

    Returns
    -------
    dict
        Values by preset; the round trip between regions comes from the catalogue.
    """
    return {
        "900 writes/s": {"writes": 900},
        "Another region": {"trip": FAR},
        "Queue in the sender": {"queue": SENDER},
        "Both": {"trip": FAR, "queue": SENDER},
        "Faster replica": {"capacity": 2000},
        "Too many writes": {"writes": 1050},
    }


def explorer(prediction: Prediction | None = None) -> Explorer:
    """Return the explorer of the lesson.

    Parameters
    ----------
    prediction : Prediction, optional
        Its committed guess is drawn over the curves.

    Returns
    -------
    Explorer
        Opens where intuition is wrong: one per cent of the capacity is left, and even
        a commit that waits for the standby does not make its reads fresh.
    """
    writes = (*range(100, 900, 100), 850, 900, 930, 950, 970, 980, 990, 995, 999)
    capacity = (500, 800, 1000, 1100, 1200, 1500, 2000, 3000, 4000)
    sliders = {
        "writes": Slider(
            label="Writes (1/s)",
            grid=(*writes, 1000, 1050, 1200),
            start=990,
        ),
        "capacity": Slider(label="Capacity (1/s)", grid=capacity, start=int(CAPACITY)),
        "trip": Slider(
            label="Round trip (ms)", grid=(0, *decades(0.1, 300)), start=NEAR
        ),
        "pause": Slider(
            label="Read after (ms)", grid=(0, *decades(1, 5000)), start=100
        ),
    }
    queue = Choice(label="Writes queue up", options=QUEUES, start=REPLAY)
    return Explorer(
        title="What does waiting for the standby cost, and what does it buy?",
        controls={**sliders, "queue": queue},
        model=model,
        picture=CopyPicture(),
        describe=describe,
        presets=presets(),
        prediction=prediction,
    )


def prediction() -> Prediction:
    """Return the lesson's prediction: the lag after a tenth more load.

    Returns
    -------
    Prediction
        Mean and 99th percentile in ms.
    """
    quiet = stream(900)
    mean, tail = (float(t) / MS for t in (quiet.mean_lag, quiet.lag.quantile(0.99)))
    return Prediction(
        key="06 lag",
        question=(
            f"At 900 writes a second the replica lags by {mean:.0f} ms on average, and "
            f"99 in 100 writes are visible within {tail:.0f} ms. It can apply "
            f"{CAPACITY:,.0f} a second. Now 990 come. How far does it fall behind?"
        ),
        fields={
            "mean": Slider(label="Mean lag (ms)", grid=decades(5, 5000)),
            "tail": Slider(label="99 in 100 within (ms)", grid=decades(20, 9000)),
        },
        truth=truth,
        views=[View(name="any", when=lambda *_: True, says=_comment, example={})],
    )


def truth() -> dict[str, float]:
    """Return the answers to the prediction.

    Returns
    -------
    dict
        Mean and 99th percentile of the lag at 990 writes/s, in ms.
    """
    busy = stream(990)
    return {
        "mean": float(busy.mean_lag) / MS,
        "tail": float(busy.lag.quantile(0.99)) / MS,
    }


def _comment(guess: Mapping[str, float], truth: Mapping[str, float]) -> str:
    saw = 0.5 <= guess["mean"] / truth["mean"] <= 2
    lead = "You saw the wall." if saw else "Most of us expect a tenth more, or twice."
    ratio = truth["mean"] / (float(stream(900).mean_lag) / MS)
    return (
        f"{lead} A tenth more load makes the lag {ratio:.0f} times as long, in the "
        "mean and in the tail. Your guesses are the dashed lines in the explorer below."
    )
